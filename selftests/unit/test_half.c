// SPDX-License-Identifier: GPL-2.0
/* The half-open connection, and what a listener does with a segment. */
#include "half.h"
#include "kselftest_harness.h"
#include "unit.h"

FIXTURE(half) {
	struct tether_config cfg;
	struct tether_half half;
	struct tether_segment syn;
	struct tether_frame frame;
	u64 iss;
	u64 irs;
	u64 now;
};

FIXTURE_VARIANT(half) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(half, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

/* The SYN is the last number there is, the first byte is number 0. */
FIXTURE_VARIANT_ADD(half, wrap_64) {
	.seq = U64_MAX,
};

FIXTURE_SETUP(half)
{
	self->cfg = (struct tether_config){
		.rto_init = 1000000,
		.rto_max = 60000000,
		.ack_delay = 5000,
		.tick = 1000,
		.synack_retries = 5,
	};
	self->now = 3000000;
	self->iss = variant->seq;
	self->irs = variant->seq;
	self->syn = (struct tether_segment){
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_STREAM,
		.flags = TETHER_SYN,
		.sport = 4000,
		.dport = 80,
		.seq = self->irs,
		.window = 30000,
		.mss = 1400,
		.ts = 777,
		.has_ack_delay = true,
		.ack_delay = 2500,
	};
	tether_half_init(&self->half, &self->cfg, &self->syn, self->iss, 1460,
			 50000, self->now);
	tether_half_frame(&self->half, self->now, &self->frame);
}

FIXTURE_TEARDOWN(half)
{
	UNIT_NO_LEAK();
}

static struct tether_segment segment(u8 flags, u64 seq, u64 ack)
{
	return (struct tether_segment){
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_STREAM,
		.flags = flags,
		.seq = seq,
		.ack = ack,
		.sport = 4000,
		.dport = 80,
	};
}

TEST_F(half, init__from_syn)
{
	EXPECT_EQ(TETHER_SYN_RECEIVED, self->half.state);
	EXPECT_EQ(1400, self->half.peer_mss);
	EXPECT_EQ(2500, self->half.peer_ack_delay);
	EXPECT_EQ(30000, self->half.window);
	EXPECT_EQ(4000, self->half.dport);
	EXPECT_EQ(80, self->half.sport);
}

TEST_F(half, frame__syn_ack)
{
	const struct tether_segment *seg = &self->frame.seg;

	EXPECT_EQ(TETHER_SYN | TETHER_ACK, seg->flags);
	EXPECT_EQ(self->iss, seg->seq);
	EXPECT_EQ(self->irs + 1, seg->ack);
	EXPECT_EQ(50000, seg->window);
	EXPECT_EQ(1460, seg->mss);
	EXPECT_TRUE(seg->has_ack_delay);
	EXPECT_EQ(5000 + 1000, seg->ack_delay);
	EXPECT_EQ(777, seg->ts_echo);
	EXPECT_EQ(80, seg->sport);
	EXPECT_EQ(4000, seg->dport);
	EXPECT_EQ(0, seg->len);
}

TEST_F(half, segment__final_ack)
{
	struct tether_segment seg = segment(TETHER_ACK, self->irs + 1,
					    self->iss + 1);

	EXPECT_EQ(TETHER_HALF_OPEN,
		  tether_half_segment(&self->half, &seg, self->now));
	EXPECT_EQ(TETHER_DROP_NONE, seg.drop);
}

/* The final ACK got lost; data or a FIN does as well. */
TEST_F(half, segment__data_completes)
{
	struct tether_segment seg = segment(TETHER_ACK, self->irs + 1,
					    self->iss + 1);

	seg.len = 100;
	EXPECT_EQ(TETHER_HALF_OPEN,
		  tether_half_segment(&self->half, &seg, self->now));
	seg = segment(TETHER_ACK | TETHER_FIN, self->irs + 101, self->iss + 1);
	EXPECT_EQ(TETHER_HALF_OPEN,
		  tether_half_segment(&self->half, &seg, self->now));
}

TEST_F(half, segment__duplicate_syn)
{
	u64 later = self->now + TETHER_CHALLENGE_INTERVAL;

	EXPECT_EQ(TETHER_HALF_REPLY,
		  tether_half_segment(&self->half, &self->syn, later));
	EXPECT_EQ(TETHER_DROP_SYN, self->syn.drop);
	EXPECT_EQ(TETHER_SYN_RECEIVED, self->half.state);
}

/* Who sends SYNs all the time does not get as many back. */
TEST_F(half, segment__syns_are_limited)
{
	u64 soon = self->now + TETHER_CHALLENGE_INTERVAL - 1;

	EXPECT_EQ(TETHER_HALF_KEEP,
		  tether_half_segment(&self->half, &self->syn, soon));
	EXPECT_EQ(TETHER_DROP_SYN, self->syn.drop);
	EXPECT_EQ(TETHER_HALF_REPLY,
		  tether_half_segment(&self->half, &self->syn, soon + 1));
	tether_half_frame(&self->half, soon + 1, &self->frame);
	EXPECT_EQ(TETHER_HALF_KEEP,
		  tether_half_segment(&self->half, &self->syn, soon + 2));
}

TEST_F(half, segment__wrong_ack)
{
	static const int wrong[] = { -100, 0, 2, 1000 };
	struct tether_segment seg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		seg = segment(TETHER_ACK, self->irs + 1, self->iss + wrong[i]);
		EXPECT_EQ(TETHER_HALF_RESET,
			  tether_half_segment(&self->half, &seg, self->now));
		EXPECT_EQ(TETHER_DROP_ACK, seg.drop);
		EXPECT_EQ(TETHER_SYN_RECEIVED, self->half.state);
	}
}

TEST_F(half, segment__outside_window)
{
	struct tether_segment seg = segment(TETHER_ACK, self->irs + 1 + 50001,
					    self->iss + 1);
	u64 later = self->now + TETHER_CHALLENGE_INTERVAL;

	EXPECT_EQ(TETHER_HALF_REPLY,
		  tether_half_segment(&self->half, &seg, later));
	EXPECT_EQ(TETHER_DROP_WINDOW, seg.drop);
	seg.seq = self->irs - 5;
	EXPECT_EQ(TETHER_HALF_REPLY,
		  tether_half_segment(&self->half, &seg, later));
}

TEST_F(half, segment__rst)
{
	struct tether_segment seg = segment(TETHER_RST, self->irs + 1, 0);

	EXPECT_EQ(TETHER_HALF_GONE,
		  tether_half_segment(&self->half, &seg, self->now));
	EXPECT_EQ(TETHER_CLOSED, self->half.state);
}

TEST_F(half, segment__rst_at_wrong_place)
{
	static const int wrong[] = { -1, 0, 2, 40000 };
	struct tether_segment seg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		seg = segment(TETHER_RST, self->irs + wrong[i], 0);
		EXPECT_EQ(TETHER_HALF_KEEP,
			  tether_half_segment(&self->half, &seg, self->now));
		EXPECT_EQ(TETHER_DROP_RST, seg.drop);
	}
}

/* 1, 2, 4, 8, 16, 32 s after one another, and then no more. */
TEST_F(half, timer__backoff_and_end)
{
	u64 wait = 1000000;
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT_EQ(self->now + wait, self->half.deadline);
		EXPECT_EQ(TETHER_HALF_KEEP,
			  tether_half_timer(&self->half,
					    self->half.deadline - 1));
		self->now = self->half.deadline;
		EXPECT_EQ(TETHER_HALF_REPLY,
			  tether_half_timer(&self->half, self->now));
		tether_half_frame(&self->half, self->now, &self->frame);
		EXPECT_TRUE(self->frame.retransmit);
		wait *= 2;
	}
	EXPECT_EQ(self->now + wait, self->half.deadline);
	EXPECT_EQ(TETHER_HALF_GONE,
		  tether_half_timer(&self->half, self->half.deadline));
	EXPECT_EQ(TETHER_CLOSED, self->half.state);
}

TEST_F(half, timer__bounded)
{
	self->cfg.rto_max = 1500000;
	self->half.retries = 4;
	tether_half_frame(&self->half, self->now, &self->frame);
	EXPECT_EQ(self->now + 1500000, self->half.deadline);
}

TEST(listen_segment__syn)
{
	struct tether_segment seg = segment(TETHER_SYN, 5, 0);

	EXPECT_EQ(TETHER_LISTEN_SYN, tether_listen_segment(&seg));
}

/* RFC 9293 section 3.10.7.2: any acknowledgment is answered by an RST. */
TEST(listen_segment__ack)
{
	static const u8 flags[] = {
		TETHER_ACK, TETHER_ACK | TETHER_SYN, TETHER_ACK | TETHER_FIN,
		TETHER_ACK | TETHER_PSH,
	};
	struct tether_segment seg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		seg = segment(flags[i], 5, 6);
		EXPECT_EQ(TETHER_LISTEN_RESET, tether_listen_segment(&seg));
	}
}

TEST(listen_segment__rst)
{
	struct tether_segment seg = segment(TETHER_RST, 5, 0);

	EXPECT_EQ(TETHER_LISTEN_DROP, tether_listen_segment(&seg));
	EXPECT_NE(TETHER_DROP_NONE, seg.drop);
	seg = segment(TETHER_RST | TETHER_ACK, 5, 6);
	EXPECT_EQ(TETHER_LISTEN_DROP, tether_listen_segment(&seg));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* TIME_WAIT: late segments do no harm, a new connection may begin. */
#include "kselftest_harness.h"
#include "peer.h"
#include "wait.h"

FIXTURE(wait) {
	struct peer peer;
	struct tether_wait wait;
	struct tether_frame frame;
	u64 rcv_nxt;
};

FIXTURE_VARIANT(wait) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(wait, wrap_32) {
	.seq = UNIT_BEFORE_32 + 3,
};

FIXTURE_VARIANT_ADD(wait, wrap_64) {
	.seq = UNIT_BEFORE_64 + 3,
};

/* Both sides have closed; the peer's FIN is number 1. */
FIXTURE_SETUP(wait)
{
	struct peer *peer = &self->peer;

	peer_init(peer, variant->seq, variant->seq);
	peer_establish(peer);
	tether_conn_shutdown(&peer->conn);
	peer_pull_all(peer);
	peer_send(peer, FLAGS_FA, 1, 0, 2);
	peer_pull_all(peer);
	tether_wait_init(&self->wait, &peer->conn, peer->now);
	self->rcv_nxt = peer->irs + 2;
}

FIXTURE_TEARDOWN(wait)
{
	peer_destroy(&self->peer);
	UNIT_NO_LEAK();
}

#define SEGMENT(flags_, seq_, len_) {					\
	.version = TETHER_VERSION, .type = TETHER_TYPE_STREAM,		\
	.flags = flags_, .seq = seq_, .len = len_,			\
	.ack = self->peer.iss + 2, .sport = 80, .dport = 1234,		\
}

#define EXPECT_WAIT(want, segment, when) do {				\
	enum tether_wait_did _want = (want);				\
									\
	EXPECT_EQ(_want, tether_wait_segment(&self->wait, &(segment),	\
					     when));			\
	if (_want != TETHER_WAIT_REOPEN)				\
		EXPECT_EQ(TETHER_TIME_WAIT, self->wait.state);		\
} while (0)

TEST_F(wait, init__from_connection)
{
	EXPECT_EQ(TETHER_TIME_WAIT, self->wait.state);
	EXPECT_EQ(self->rcv_nxt, self->wait.rcv_nxt);
	EXPECT_EQ(self->peer.iss + 2, self->wait.snd_nxt);
	EXPECT_EQ(self->peer.now + 2 * PEER_SEC, self->wait.deadline);
	EXPECT_EQ(1234, self->wait.sport);
	EXPECT_EQ(80, self->wait.dport);
}

TEST_F(wait, timer__two_seconds)
{
	u64 end = self->wait.deadline;

	EXPECT_EQ(TETHER_WAIT_DROP, tether_wait_timer(&self->wait, end - 1));
	EXPECT_EQ(TETHER_TIME_WAIT, self->wait.state);
	EXPECT_EQ(TETHER_WAIT_GONE, tether_wait_timer(&self->wait, end));
	EXPECT_EQ(TETHER_CLOSED, self->wait.state);
}

/* Our last ACK got lost: it is sent again and the wait starts anew. */
TEST_F(wait, segment__fin_again)
{
	struct tether_segment seg = SEGMENT(FLAGS_FA, self->rcv_nxt - 1, 0);
	u64 later = self->peer.now + PEER_SEC;

	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, later);
	EXPECT_EQ(later + 2 * PEER_SEC, self->wait.deadline);
	tether_wait_frame(&self->wait, later, &self->frame);
	EXPECT_EQ(TETHER_ACK, self->frame.seg.flags);
	EXPECT_EQ(self->rcv_nxt, self->frame.seg.ack);
	EXPECT_EQ(self->peer.iss + 2, self->frame.seg.seq);
	EXPECT_EQ(1234, self->frame.seg.sport);
	EXPECT_EQ(80, self->frame.seg.dport);
}

TEST_F(wait, segment__old_data)
{
	struct tether_segment seg = SEGMENT(FLAGS_A, self->rcv_nxt - 1, 100);
	u64 end = self->wait.deadline;

	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, self->peer.now + PEER_SEC);
	EXPECT_EQ(TETHER_DROP_OLD, seg.drop);
	EXPECT_EQ(end, self->wait.deadline);
}

TEST_F(wait, segment__ack)
{
	struct tether_segment seg = SEGMENT(FLAGS_A, self->rcv_nxt, 0);

	EXPECT_WAIT(TETHER_WAIT_DROP, seg, self->peer.now);
	EXPECT_NE(TETHER_DROP_NONE, seg.drop);
}

/* RFC 1337. */
TEST_F(wait, segment__rst_is_ignored)
{
	struct tether_segment seg = SEGMENT(TETHER_RST, self->rcv_nxt, 0);
	u64 end = self->wait.deadline;

	EXPECT_WAIT(TETHER_WAIT_DROP, seg, self->peer.now);
	EXPECT_EQ(TETHER_DROP_RST, seg.drop);
	EXPECT_EQ(end, self->wait.deadline);
}

/* RFC 9293 section 3.10.7.4: what has RST is never answered. */
TEST_F(wait, segment__rst_with_bytes)
{
	struct tether_segment seg = SEGMENT(FLAGS_RA, self->rcv_nxt - 1, 100);

	EXPECT_WAIT(TETHER_WAIT_DROP, seg, self->peer.now + PEER_SEC);
	EXPECT_EQ(TETHER_DROP_RST, seg.drop);
}

TEST_F(wait, segment__new_syn)
{
	struct tether_segment seg = SEGMENT(TETHER_SYN, self->rcv_nxt + 1, 0);

	EXPECT_WAIT(TETHER_WAIT_REOPEN, seg, self->peer.now);
	EXPECT_EQ(TETHER_CLOSED, self->wait.state);
}

TEST_F(wait, segment__old_syn)
{
	struct tether_segment seg = SEGMENT(TETHER_SYN, self->rcv_nxt, 0);

	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, self->peer.now);
	EXPECT_EQ(TETHER_DROP_SYN, seg.drop);
	seg.seq = self->rcv_nxt - 2;
	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, self->peer.now + PEER_SEC);
}

TEST_F(wait, segment__syn_ack)
{
	struct tether_segment seg = SEGMENT(FLAGS_SA, self->rcv_nxt + 99, 0);

	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, self->peer.now);
}

TEST_F(wait, segment__probe)
{
	struct tether_segment seg = SEGMENT(TETHER_ACK | TETHER_PROBE,
					    self->rcv_nxt, 0);

	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, self->peer.now);
}

/* The wait starts anew with each FIN; answers are fewer than FINs may be. */
TEST_F(wait, segment__answers_are_limited)
{
	struct tether_segment seg = SEGMENT(FLAGS_FA, self->rcv_nxt - 1, 0);
	u64 later = self->peer.now + PEER_SEC;

	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, later);
	later += TETHER_CHALLENGE_INTERVAL - 1;
	EXPECT_WAIT(TETHER_WAIT_DROP, seg, later);
	EXPECT_EQ(later + 2 * PEER_SEC, self->wait.deadline);
	EXPECT_WAIT(TETHER_WAIT_REPLY, seg, later + 1);
}

TEST_HARNESS_MAIN

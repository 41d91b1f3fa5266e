// SPDX-License-Identifier: GPL-2.0
/* What is sent, when, and how much of it. */
#include "kselftest_harness.h"
#include "peer.h"

FIXTURE(transmit) {
	struct peer peer;
};

FIXTURE_VARIANT(transmit) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(transmit, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(transmit, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(transmit)
{
	peer_init(&self->peer, variant->seq, variant->seq - 7);
}

FIXTURE_TEARDOWN(transmit)
{
	peer_destroy(&self->peer);
	UNIT_NO_LEAK();
}

/* Full segments, then the rest, pushed. */
TEST_PEER(transmit, new__segments)
{
	peer_establish(p);
	peer_write(p, 2500);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_TRUE(p->frame.seg.flags & TETHER_MORE);
	EXPECT_FALSE(p->frame.seg.flags & TETHER_PSH);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 2001, 500, 1);
	EXPECT_TRUE(p->frame.seg.flags & TETHER_PSH);
	EXPECT_FALSE(p->frame.seg.flags & TETHER_MORE);
	EXPECT_SILENCE();
}

/* Frames are ranges of bytes, whatever the program's writes were. */
TEST_PEER(transmit, new__many_writes)
{
	int i;

	peer_establish(p);
	for (i = 0; i < 30; i++)
		peer_write(p, 70);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 2001, 100, 1);
}

TEST_PEER(transmit, new__initial_window)
{
	peer_establish(p);
	peer_write(p, 20000);
	EXPECT_EQ(10, peer_pull_all(p));
	peer_send(p, FLAGS_A, 1, 0, 2001);
	EXPECT_EQ(4, peer_pull_all(p));
}

/* One byte beyond the peer's window is one too many. */
TEST_PEER(transmit, new__window_is_kept)
{
	u64 sent = 0;

	p->window = 4700;
	peer_establish(p);
	peer_write(p, 20000);
	while (peer_pull(p)) {
		sent += p->frame.seg.len;
		EXPECT_LE(p->frame.seg.seq + p->frame.seg.len,
			  p->iss + 1 + 4700);
	}
	EXPECT_EQ(4000, sent);
}

/* A shrunken window: nothing new, but the old is sent again. */
TEST_PEER(transmit, new__window_shrinks)
{
	peer_establish(p);
	peer_write(p, 5000);
	EXPECT_EQ(5, peer_pull_all(p));
	p->window = 2000;
	peer_send(p, FLAGS_A, 1, 0, 1001);
	peer_write(p, 1000);
	EXPECT_SILENCE();
	peer_after(p, PEER_RTO);
	EXPECT_DID(TETHER_DID_RTO);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
}

/* Nagle, as Minshall amended it. */

TEST_PEER(transmit, nagle__second_small_waits)
{
	peer_establish(p);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 1);
	peer_write(p, 10);
	EXPECT_SILENCE();
	peer_write(p, 10);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 11);
	EXPECT_FRAME(FLAGS_A, 11, 20, 1);
	EXPECT_SILENCE();
}

TEST_PEER(transmit, nagle__full_segment_goes)
{
	peer_establish(p);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 1);
	peer_write(p, 1500);
	EXPECT_FRAME(FLAGS_A, 11, 1000, 1);
	EXPECT_SILENCE();
}

/* The tail of a large write does not wait for the full segments before it. */
TEST_PEER(transmit, nagle__tail_of_large_write)
{
	peer_establish(p);
	peer_write(p, 2500);
	EXPECT_EQ(3, peer_pull_all(p));
	peer_write(p, 2500);
	EXPECT_FRAME(FLAGS_A, 2501, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 3501, 1000, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 2501);
	EXPECT_FRAME(FLAGS_A, 4501, 500, 1);
}

TEST_PEER(transmit, nagle__nodelay)
{
	p->conn.nodelay = true;
	peer_establish(p);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 1);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 11, 10, 1);
	EXPECT_SILENCE();
}

TEST_PEER(transmit, nagle__fin_ends_it)
{
	peer_establish(p);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 1);
	peer_write(p, 10);
	EXPECT_SILENCE();
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 11, 10, 1);
}

/* The program is still writing: a partial segment waits while it can. */
TEST_PEER(transmit, nagle__more)
{
	p->conn.nodelay = true;
	peer_establish(p);
	peer_write(p, 1500);
	p->conn.more = true;
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_SILENCE();
	p->conn.more = false;
	EXPECT_FRAME(FLAGS_A, 1001, 500, 1);
}

/* A program that waits for room: the last ACK must not be the last event. */
TEST_PEER(transmit, nagle__more_while_blocked)
{
	peer_establish(p);
	peer_write(p, 1500);
	p->conn.more = true;
	p->conn.blocked = true;
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_FRAME(FLAGS_A, 1001, 500, 1);
}

/* RFC 9293 MUST-60: what the program held back is not held for ever. */
TEST_PEER(transmit, nagle__more_is_not_for_ever)
{
	peer_establish(p);
	peer_write(p, 1500);
	p->conn.more = true;
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	peer_send(p, FLAGS_A, 1, 0, 1001);
	if (!peer_pull(p)) {
		ASSERT_NE(0, tether_conn_deadline(&p->conn));
		p->now = tether_conn_deadline(&p->conn);
		peer_timer(p);
		ASSERT_TRUE(peer_pull(p));
	}
	EXPECT_EQ(500, p->frame.seg.len);
}

/* RFC 1122 section 4.2.3.4: no tiny segments into a tiny window. */

TEST_PEER(transmit, sws__small_window_waits)
{
	peer_establish(p);
	peer_write(p, 5000);
	EXPECT_EQ(5, peer_pull_all(p));
	peer_write(p, 5000);
	p->window = 100;
	peer_send(p, FLAGS_A, 1, 0, 5001);
	EXPECT_SILENCE();
	/* forced by the timer, so that it cannot wait for ever */
	p->now = tether_conn_deadline(&p->conn);
	peer_timer(p);
	EXPECT_DID(TETHER_DID_PROBE);
	EXPECT_FRAME(FLAGS_A | TETHER_PROBE, 5001, 100, 1);
}

/* A peer whose whole buffer is smaller than a segment. */
TEST_PEER(transmit, sws__half_of_largest_window)
{
	p->window = 600;
	peer_establish(p);
	peer_write(p, 5000);
	EXPECT_FRAME(FLAGS_A, 1, 600, 1);
	p->window = 299;
	peer_send(p, FLAGS_A, 1, 0, 601);
	EXPECT_SILENCE();
	p->window = 300;
	peer_send(p, FLAGS_A, 1, 0, 601);
	EXPECT_FRAME(FLAGS_A, 601, 300, 1);
}

/* RFC 1122 section 4.2.3.3: the window is not opened by a few bytes. */
TEST_PEER(transmit, sws__receiver)
{
	u32 window, at;

	p->conn.limit = 16000;
	peer_establish(p);
	for (at = 1; p->frame.seg.window >= 1000; at += 1000) {
		peer_send(p, FLAGS_A, at, 1000, 1);
		peer_after(p, 5000);
		ASSERT_TRUE(peer_pull(p));
		ASSERT_LT(at, 20000);
	}
	window = p->frame.seg.window;
	EXPECT_EQ(100, peer_read(p, 100));
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A | TETHER_PROBE, at, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, at);
	EXPECT_EQ(window, p->frame.seg.window);
	EXPECT_NE(U32_MAX, peer_read(p, 99999));
	EXPECT_DID(TETHER_DID_UPDATE);
	EXPECT_FRAME(FLAGS_A, 1, 0, at);
	EXPECT_GE(p->frame.seg.window, 1000);
	EXPECT_SILENCE();
}

/* The window that is advertised. */

TEST_PEER(transmit, window__never_shrinks)
{
	u64 edge, last = 0;
	u32 random = 1;
	u32 at = 1, len;
	int i;

	p->conn.limit = 60000;
	peer_establish(p);
	last = p->frame.seg.ack + p->frame.seg.window;
	for (i = 0; i < 3000; i++) {
		random = random * 1664525 + 1013904223;
		len = 1 + (random >> 8) % 1000;
		/* a legitimate peer: inside the window */
		if (p->irs + at + len <= last) {
			peer_send(p, FLAGS_A, at, len, 1);
			at += p->seg.drop ? 0 : len;
		}
		if (!(random >> 30))
			peer_read(p, (random >> 10) % 5000);
		peer_after(p, random >> 18);
		while (peer_pull(p)) {
			if (p->conn.starved)
				continue;
			edge = p->frame.seg.ack + p->frame.seg.window;
			ASSERT_FALSE(tether_before(edge, last));
			last = edge;
		}
	}
	EXPECT_GT(at, 60000);
}

TEST_PEER(transmit, window__within_limit)
{
	p->conn.limit = 50000;
	peer_establish(p);
	EXPECT_GT(p->frame.seg.window, 10000);
	EXPECT_LE(p->frame.seg.window, 50000);
	EXPECT_NE(U32_MAX, peer_read(p, 0));
}

TEST_PEER(transmit, window__largest)
{
	p->conn.limit = U32_MAX;
	peer_establish(p);
	EXPECT_EQ(TETHER_MAX_WINDOW, p->frame.seg.window);
}

/* ACKs. */

TEST_PEER(transmit, ack__rides_on_data)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 101);
	EXPECT_SILENCE();
	EXPECT_EQ(p->now + PEER_RTO, tether_conn_deadline(&p->conn));
}

TEST_PEER(transmit, ack__echoes_timestamp)
{
	peer_establish(p);
	p->now += 777;
	peer_send(p, FLAGS_A | TETHER_PROBE, 1, 100, 1);
	ASSERT_TRUE(peer_pull(p));
	EXPECT_EQ((u32)p->now, p->frame.seg.ts_echo);
	EXPECT_EQ((u32)p->now, p->frame.seg.ts);
}

/* Delayed ACKs: the echo is that of the first byte not acknowledged. */
TEST_PEER(transmit, ack__echoes_first_of_two)
{
	u32 first;

	peer_establish(p);
	p->now += 777;
	first = p->now;
	peer_send(p, FLAGS_A, 1, 1000, 1);
	p->now += 333;
	peer_send(p, FLAGS_A, 1001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, 2001);
	EXPECT_EQ(first, p->frame.seg.ts_echo);
}

TEST_PEER(transmit, ack__timestamp_is_never_zero)
{
	p->now = 1ULL << 32;
	tether_conn_connect(&p->conn, p->iss, p->now);
	ASSERT_TRUE(peer_pull(p));
	EXPECT_NE(0, p->frame.seg.ts);
}

/* Super-frames. */

TEST_PEER(transmit, super__whole)
{
	tether_path_limits(&p->conn.path, PEER_MSS, 32000, false);
	peer_establish(p);
	p->conn.path.cong.cwnd = 200000;
	peer_write(p, 50000);
	EXPECT_FRAME(FLAGS_A, 1, 32000, 1);
	EXPECT_FRAME(FLAGS_A, 32001, 18000, 1);
	EXPECT_TRUE(p->frame.seg.flags & TETHER_PSH);
	EXPECT_SILENCE();
}

/* Cut at the device's edge: whole segments but for the last. */
TEST_PEER(transmit, super__split)
{
	tether_path_limits(&p->conn.path, PEER_MSS, 32500, true);
	peer_establish(p);
	p->conn.path.cong.cwnd = 200000;
	p->window = 200000;
	peer_send(p, FLAGS_A, 1, 0, 1);
	peer_write(p, 65100);
	EXPECT_FRAME(FLAGS_A, 1, 32000, 1);
	EXPECT_FRAME(FLAGS_A, 32001, 32000, 1);
	EXPECT_FRAME(FLAGS_A, 64001, 1100, 1);
}

/* A small congestion window is not spent on one frame. */
TEST_PEER(transmit, super__share_of_cwnd)
{
	tether_path_limits(&p->conn.path, PEER_MSS, 32000, false);
	peer_establish(p);
	peer_write(p, 20000);
	while (peer_pull(p))
		EXPECT_LE(p->frame.seg.len, 2500);
	EXPECT_EQ(10000, tether_conn_flight(&p->conn));
}

TEST_PEER(transmit, super__largest)
{
	tether_path_limits(&p->conn.path, PEER_MSS, U16_MAX, false);
	p->window = 1 << 20;
	peer_establish(p);
	p->conn.path.cong.cwnd = 1 << 20;
	peer_write(p, 40000);
	peer_write(p, 40000);
	EXPECT_FRAME(FLAGS_A, 1, TETHER_MAX_PAYLOAD, 1);
}

/* Retransmission. */

/* Other frames than the first time, over several buffers, the same bytes. */
TEST_PEER(transmit, again__other_boundaries)
{
	int i;

	p->conn.nodelay = true;
	peer_establish(p);
	for (i = 0; i < 20; i++) {
		peer_write(p, 90);
		EXPECT_EQ(1, peer_pull_all(p));
	}
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_FRAME(FLAGS_A, 1001, 800, 1);
	EXPECT_SILENCE();
}

TEST_PEER(transmit, again__new_bytes_wait)
{
	peer_establish(p);
	peer_write(p, 3000);
	peer_pull_all(p);
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	peer_write(p, 1000);
	EXPECT_SILENCE();
}

TEST_PEER(transmit, again__syn_ack)
{
	peer_connect(p);
	peer_send(p, FLAGS_S, 0, 0, 0);
	EXPECT_FRAME(FLAGS_SA, 0, 0, 1);
	EXPECT_TRUE(p->frame.retransmit);
	peer_after(p, PEER_SEC);
	EXPECT_FRAME(FLAGS_SA, 0, 0, 1);
	EXPECT_SILENCE();
}

/* Nothing is ever sent in a closed state. */
TEST_PEER(transmit, closed__silence)
{
	EXPECT_SILENCE();
	peer_establish(p);
	peer_send(p, TETHER_RST, 1, 0, 0);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 100, 1);
	EXPECT_EQ(TETHER_DROP_STATE, p->seg.drop);
	EXPECT_SILENCE();
}

TEST_HARNESS_MAIN

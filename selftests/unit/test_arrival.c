// SPDX-License-Identifier: GPL-2.0
/* The arrival of a segment: RFC 9293 section 3.10.7, case by case. */
#include <errno.h>
#include "kselftest_harness.h"
#include "peer.h"

FIXTURE(arrival) {
	struct peer peer;
};

FIXTURE_VARIANT(arrival) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(arrival, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(arrival, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(arrival)
{
	peer_init(&self->peer, variant->seq, variant->seq - 7);
}

FIXTURE_TEARDOWN(arrival)
{
	peer_destroy(&self->peer);
	UNIT_NO_LEAK();
}

/* A SYN+ACK that came late, again: the ACK is repeated. */
TEST_PEER(arrival, syn__again_after_handshake)
{
	peer_establish(p);
	peer_send(p, FLAGS_SA, 0, 0, 1);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
}

/* RFC 5961 section 4. */
TEST_PEER(arrival, syn__in_window)
{
	peer_establish(p);
	peer_send(p, FLAGS_S, 500, 0, 0);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_EQ(TETHER_DROP_SYN, p->seg.drop);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
}

/* RFC 5961 section 3. */

TEST_PEER(arrival, version__means_nothing_later)
{
	struct tether_segment seg = {
		.version = TETHER_VERSION + 1,
		.type = TETHER_TYPE_STREAM,
		.flags = TETHER_RST,
		.reason = TETHER_REASON_VERSION,
	};

	peer_establish(p);
	tether_conn_segment(&p->conn, &p->conn.path, &seg, NULL, p->now);
	EXPECT_EQ(TETHER_DROP_VERSION, seg.drop);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_SILENCE();
}

TEST_PEER(arrival, rst__exact)
{
	peer_establish(p);
	peer_write(p, 100);
	peer_send(p, TETHER_RST, 1, 0, 0);
	EXPECT_DID(TETHER_DID_RESET | TETHER_DID_ERROR | TETHER_DID_CLOSE);
	EXPECT_EQ(ECONNRESET, p->conn.err);
	EXPECT_EQ(TETHER_REASON_ABORTED, p->conn.reason);
	EXPECT_STATE(CLOSED);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_truesize_send(&p->conn));
}

TEST_PEER(arrival, rst__in_window)
{
	peer_establish(p);
	peer_send(p, TETHER_RST, 2, 0, 0);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_DID_NOT(TETHER_DID_RESET);
	EXPECT_EQ(TETHER_DROP_RST, p->seg.drop);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
}

/* RFC 5961 section 7: not as many challenges as there are reasons for one. */
TEST_PEER(arrival, challenge__is_limited)
{
	peer_establish(p);
	peer_send(p, TETHER_RST, 2, 0, 0);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	p->now += TETHER_CHALLENGE_INTERVAL - 1;
	peer_send(p, TETHER_RST, 2, 0, 0);
	EXPECT_EQ(TETHER_DROP_RST, p->seg.drop);
	peer_send(p, TETHER_SYN, 2, 0, 0);
	EXPECT_EQ(TETHER_DROP_SYN, p->seg.drop);
	peer_send(p, FLAGS_A, 1, 0, 1000);
	EXPECT_EQ(TETHER_DROP_ACK, p->seg.drop);
	peer_send(p, FLAGS_A, 1, 0, -100000);
	EXPECT_EQ(TETHER_DROP_ACK, p->seg.drop);
	peer_send(p, TETHER_SYN, -100, 0, 0);
	EXPECT_EQ(TETHER_DROP_OLD, p->seg.drop);
	peer_send(p, TETHER_SYN, 1ULL << 31, 0, 0);
	EXPECT_EQ(TETHER_DROP_WINDOW, p->seg.drop);
	EXPECT_EQ(0, p->did);
	EXPECT_SILENCE();
	p->now++;
	peer_send(p, TETHER_SYN, 2, 0, 0);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
}

TEST_PEER(arrival, rst__outside_window)
{
	peer_establish(p);
	peer_send(p, TETHER_RST, 1ULL << 31, 0, 0);
	EXPECT_EQ(0, p->did);
	peer_send(p, TETHER_RST, 0, 0, 0);
	EXPECT_EQ(0, p->did);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_SILENCE();
}

TEST_PEER(arrival, rst__in_close_wait)
{
	peer_establish(p);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	peer_pull_all(p);
	peer_send(p, TETHER_RST, 2, 0, 0);
	EXPECT_EQ(EPIPE, p->conn.err);
	EXPECT_STATE(CLOSED);
}

TEST_PEER(arrival, rst__in_syn_received)
{
	peer_connect(p);
	peer_send(p, FLAGS_S, 0, 0, 0);
	peer_pull_all(p);
	peer_send(p, TETHER_RST, 2, 0, 0);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
	EXPECT_STATE(SYN_RECEIVED);
	peer_send(p, TETHER_RST, 1, 0, 0);
	EXPECT_EQ(ECONNREFUSED, p->conn.err);
	EXPECT_STATE(CLOSED);
}

/* Received bytes survive the reset. */
TEST_PEER(arrival, rst__keeps_received)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	peer_send(p, TETHER_RST, 101, 0, 0);
	EXPECT_STATE(CLOSED);
	EXPECT_EQ(100, peer_read(p, 100));
}

/* At zero window RST, ACK and FIN count all the same. */

TEST_PEER(arrival, zero_window__rst)
{
	p->conn.limit = 1;
	peer_establish(p);
	peer_send(p, TETHER_RST, 1, 0, 0);
	EXPECT_STATE(CLOSED);
}

TEST_PEER(arrival, zero_window__ack_and_fin)
{
	p->conn.limit = 1;
	peer_establish(p);
	EXPECT_EQ(0, p->frame.seg.window);
	peer_write(p, 10);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 11);
	EXPECT_DID(TETHER_DID_WRITABLE);
	peer_send(p, FLAGS_A, 1, 10, 11);
	EXPECT_DID_NOT(TETHER_DID_READABLE);
	peer_send(p, FLAGS_FA, 1, 0, 11);
	EXPECT_DID(TETHER_DID_PEER_FIN);
	EXPECT_STATE(CLOSE_WAIT);
}

/* Acknowledgments. */

TEST_PEER(arrival, ack__of_unsent)
{
	peer_establish(p);
	peer_write(p, 100);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 50, 102);
	EXPECT_EQ(TETHER_DROP_ACK, p->seg.drop);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_DID_NOT(TETHER_DID_READABLE | TETHER_DID_WRITABLE);
	EXPECT_EQ(100, tether_conn_flight(&p->conn));
	EXPECT_FRAME(FLAGS_A, 101, 0, 1);
	EXPECT_SILENCE();
}

TEST_PEER(arrival, ack__stale)
{
	peer_establish(p);
	peer_write(p, 3000);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 2001);
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_DID_NOT(TETHER_DID_DUPACK | TETHER_DID_WRITABLE);
	EXPECT_EQ(1000, tether_conn_flight(&p->conn));
	EXPECT_SILENCE();
}

/* RFC 5961 section 5: further back than any window. */
TEST_PEER(arrival, ack__far_too_old)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, -100000);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_DID_NOT(TETHER_DID_READABLE);
	EXPECT_EQ(TETHER_DROP_ACK, p->seg.drop);
}

TEST_PEER(arrival, ack__partial_of_buffer)
{
	peer_establish(p);
	peer_write(p, 3000);
	EXPECT_EQ(3, peer_pull_all(p));
	peer_send(p, FLAGS_A, 1, 0, 1501);
	EXPECT_DID(TETHER_DID_WRITABLE);
	EXPECT_EQ(1500, tether_conn_flight(&p->conn));
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1501, 1000, 1);
}

TEST_PEER(arrival, ack__restarts_timer)
{
	peer_establish(p);
	peer_write(p, 2000);
	peer_pull_all(p);
	p->now += PEER_RTO - 1;
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_GE(tether_conn_deadline(&p->conn), p->now + PEER_RTO);
}

/* RFC 5681 section 3.2. */

TEST_PEER(arrival, dupack__third)
{
	peer_establish(p);
	peer_write(p, 5000);
	EXPECT_EQ(5, peer_pull_all(p));
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID(TETHER_DID_DUPACK);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID_NOT(TETHER_DID_FAST_RTX);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID(TETHER_DID_FAST_RTX);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_TRUE(p->frame.retransmit);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID_NOT(TETHER_DID_FAST_RTX);
	EXPECT_SILENCE();
}

/* Fewer than three: reordering does not cause retransmissions. */
TEST_PEER(arrival, dupack__two_are_reordering)
{
	peer_establish(p);
	peer_write(p, 5000);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 1);
	peer_send(p, FLAGS_A, 1, 0, 1);
	peer_send(p, FLAGS_A, 1, 0, 5001);
	EXPECT_DID_NOT(TETHER_DID_FAST_RTX);
	EXPECT_SILENCE();
	EXPECT_GE(p->conn.path.cong.cwnd, 10000);
}

/* What lost its bytes on the way here, for want of memory, is none. */
TEST_PEER(arrival, dupack__without_its_bytes)
{
	struct tether_segment seg;
	int i;

	peer_establish(p);
	peer_write(p, 5000);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 1);
	for (i = 0; i < 5; i++) {
		seg = p->seg;
		seg.drop = TETHER_DROP_MEMORY;
		p->did = tether_conn_segment(&p->conn, &p->conn.path, &seg,
					     alloc_skb(0, GFP_ATOMIC), p->now);
		EXPECT_DID_NOT(TETHER_DID_DUPACK);
		EXPECT_EQ(TETHER_DROP_MEMORY, seg.drop);
	}
	EXPECT_FRAME(FLAGS_A, 5001, 0, 1);
	EXPECT_EQ(0, p->frame.seg.window);
	EXPECT_SILENCE();
}

/* With data, a FIN, another window, or nothing in flight it is none. */
TEST_PEER(arrival, dupack__not_one)
{
	int i;

	peer_establish(p);
	for (i = 0; i < 5; i++) {
		peer_send(p, FLAGS_A, 1, 0, 1);
		EXPECT_DID_NOT(TETHER_DID_DUPACK);
	}
	peer_write(p, 5000);
	peer_pull_all(p);
	for (i = 0; i < 5; i++) {
		peer_send(p, FLAGS_A, 1 + 10 * i, 10, 1);
		EXPECT_DID_NOT(TETHER_DID_DUPACK);
	}
	for (i = 0; i < 5; i++) {
		p->window += 1000;
		peer_send(p, FLAGS_A, 51, 0, 1);
		EXPECT_DID_NOT(TETHER_DID_DUPACK);
	}
	peer_pull_all(p);
	EXPECT_FALSE(p->conn.path.cong.in_recovery);
}

/* RFC 6582: a partial ACK shows the next hole. */
TEST_PEER(arrival, dupack__partial_ack)
{
	int i;

	peer_establish(p);
	peer_write(p, 6000);
	EXPECT_EQ(6, peer_pull_all(p));
	for (i = 0; i < 3; i++)
		peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	peer_send(p, FLAGS_A, 1, 0, 3001);
	EXPECT_FRAME(FLAGS_A, 3001, 1000, 1);
	EXPECT_TRUE(p->frame.retransmit);
	EXPECT_SILENCE();
	EXPECT_TRUE(p->conn.path.cong.in_recovery);
	peer_send(p, FLAGS_A, 1, 0, 6001);
	EXPECT_FALSE(p->conn.path.cong.in_recovery);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/*
 * A peer that has used all of our window and lost some of it stands at its very
 * end: its ACKs count, or it is never heard again.
 */
TEST_PEER(arrival, ack__at_end_of_window)
{
	u32 window;

	p->conn.limit = 8000;
	peer_establish(p);
	window = p->frame.seg.window;
	ASSERT_GT(window, 2000);
	peer_write(p, 1000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	peer_send(p, FLAGS_A, 1 + window, 0, 1001);
	EXPECT_EQ(TETHER_DROP_NONE, p->seg.drop);
	EXPECT_DID(TETHER_DID_WRITABLE);
	peer_send(p, FLAGS_A, 2 + window, 0, 1001);
	EXPECT_EQ(TETHER_DROP_WINDOW, p->seg.drop);
}

/* Windows: only a newer segment may change it. */

TEST_PEER(arrival, window__old_segment)
{
	peer_establish(p);
	peer_write(p, 1000);
	peer_pull_all(p);
	p->window = 5000;
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_EQ(5000, p->conn.window);
	p->window = 60000;
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_EQ(5000, p->conn.window);
}

TEST_PEER(arrival, window__largest)
{
	p->window = TETHER_MAX_WINDOW;
	peer_establish(p);
	p->conn.path.cong.cwnd = 3000;
	peer_write(p, 5000);
	EXPECT_EQ(3, peer_pull_all(p));
}

/*
 * A window that closed while bytes were in flight: they may have been refused,
 * and are sent again when it opens, whatever the backoff was.
 */
TEST_PEER(arrival, window__opens_again_with_flight)
{
	int i;

	peer_establish(p);
	peer_write(p, 2000);
	peer_pull_all(p);
	p->window = 0;
	for (i = 0; i < 4; i++) {
		p->now = tether_conn_deadline(&p->conn);
		peer_timer(p);
		EXPECT_DID(TETHER_DID_RTO);
		peer_pull_all(p);
		peer_send(p, FLAGS_A, 1, 0, 1);
	}
	p->window = PEER_WINDOW;
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_LE(tether_conn_deadline(&p->conn), p->now + 16 * PEER_RTO);
	peer_send(p, FLAGS_A, 1, 0, 2001);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/* Its retransmission is timed anew: the time-out that was to come is too far. */
TEST_PEER(arrival, window__opens_again_restarts_timer)
{
	u64 slow;
	int i;

	peer_establish(p);
	peer_write(p, 2000);
	peer_pull_all(p);
	p->window = 0;
	for (i = 0; i < 6; i++) {
		p->now = tether_conn_deadline(&p->conn);
		peer_timer(p);
		peer_pull_all(p);
		peer_send(p, FLAGS_A, 1, 0, 1);
	}
	slow = tether_conn_deadline(&p->conn);
	p->window = PEER_WINDOW;
	peer_send(p, FLAGS_A, 1, 0, 1);
	peer_pull_all(p);
	EXPECT_EQ(p->now + PEER_RTO, tether_conn_deadline(&p->conn));
	EXPECT_LT(p->now + PEER_RTO, slow);
}

/* In recovery, too, no more goes out at once than cwnd allows. */
TEST_PEER(arrival, window__opens_again_in_recovery)
{
	u32 sent = 0;
	int i;

	peer_establish(p);
	p->conn.path.cong.cwnd = 20000;
	peer_write(p, 20000);
	peer_pull_all(p);
	for (i = 0; i < 3; i++)
		peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID(TETHER_DID_FAST_RTX);
	peer_pull_all(p);
	p->window = 0;
	peer_send(p, FLAGS_A, 1, 0, 1);
	p->window = PEER_WINDOW;
	peer_send(p, FLAGS_A, 1, 0, 1);
	while (peer_pull(p))
		sent += p->frame.seg.len;
	EXPECT_GT(sent, 0);
	EXPECT_LE(sent, 10000);
}

/* While it answers with a closed window a peer is not given up. */
TEST_PEER(arrival, window__closed_and_answering)
{
	int i;

	peer_establish(p);
	peer_write(p, 2000);
	peer_pull_all(p);
	p->window = 0;
	for (i = 0; i < 50; i++) {
		p->now = tether_conn_deadline(&p->conn);
		peer_timer(p);
		peer_pull_all(p);
		peer_send(p, FLAGS_A, 1, 0, 1);
	}
	EXPECT_STATE(ESTABLISHED);
}

/* Nothing was lost: it must not be sent again when the window opens. */
TEST_PEER(arrival, window__opens_again)
{
	peer_establish(p);
	peer_write(p, 3000);
	peer_pull_all(p);
	p->window = 0;
	peer_send(p, FLAGS_A, 1, 0, 3001);
	EXPECT_DID(TETHER_DID_ZERO_WINDOW);
	peer_write(p, 1000);
	EXPECT_SILENCE();
	p->window = PEER_WINDOW;
	peer_send(p, FLAGS_A, 1, 0, 3001);
	EXPECT_FRAME(FLAGS_A, 3001, 1000, 1);
	EXPECT_FALSE(p->frame.retransmit);
	EXPECT_SILENCE();
}

/* Bytes. */

TEST_PEER(arrival, text__second_full_segment)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 1000, 1);
	EXPECT_DID(TETHER_DID_READABLE);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, 2001);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/* The sender says that more follows at once: the ACK may wait a little. */
TEST_PEER(arrival, text__more_follows)
{
	peer_establish(p);
	peer_send(p, FLAGS_A | TETHER_MORE, 1, 1000, 1);
	peer_send(p, FLAGS_A | TETHER_MORE, 1001, 1000, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A | TETHER_MORE, 2001, 1000, 1);
	peer_send(p, FLAGS_A | TETHER_MORE, 3001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, 4001);
}

TEST_PEER(arrival, text__probe_is_answered)
{
	peer_establish(p);
	peer_send(p, FLAGS_A | TETHER_PROBE, 1, 10, 1);
	EXPECT_DID(TETHER_DID_READABLE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 11);
	peer_send(p, FLAGS_A | TETHER_PROBE, 11, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, 11);
	peer_send(p, FLAGS_A | TETHER_PROBE, 1, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, 11);
	EXPECT_SILENCE();
}

TEST_PEER(arrival, text__empty_ack_is_not_answered)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, -5000, 0, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1ULL << 40, 0, 1);
	EXPECT_SILENCE();
}

TEST_PEER(arrival, text__out_of_order)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1001, 1000, 1);
	EXPECT_DID(TETHER_DID_OOO);
	EXPECT_DID_NOT(TETHER_DID_READABLE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	peer_send(p, FLAGS_A, 2001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	/* the hole is filled: one ACK for all, at once */
	peer_send(p, FLAGS_A, 1, 1000, 1);
	EXPECT_DID(TETHER_DID_READABLE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 3001);
	EXPECT_SILENCE();
	EXPECT_EQ(3000, peer_read(p, 9999));
}

/* What the sender counts must be duplicates: same number, same window. */
TEST_PEER(arrival, text__dupacks_keep_window)
{
	u32 window, i;

	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 1000, 1);
	peer_send(p, FLAGS_A, 1001, 1000, 1);
	ASSERT_TRUE(peer_pull(p));
	window = p->frame.seg.window;
	for (i = 0; i < 5; i++) {
		peer_send(p, FLAGS_A, 4001 + 1000 * i, 1000, 1);
		peer_read(p, 300);
		EXPECT_FRAME(FLAGS_A, 1, 0, 2001);
		EXPECT_EQ(window, p->frame.seg.window);
	}
}

TEST_PEER(arrival, text__duplicate)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 1000, 1);
	peer_send(p, FLAGS_A, 1, 1000, 1);
	EXPECT_DID(TETHER_DID_OLD);
	EXPECT_DID_NOT(TETHER_DID_READABLE);
	EXPECT_EQ(TETHER_DROP_OLD, p->seg.drop);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1001);
	EXPECT_EQ(1000, peer_read(p, 9999));
}

/* Overlaps of every kind: each byte is delivered once, and in its place. */
TEST_PEER(arrival, text__overlaps)
{
	static const struct {
		u32 at;
		u32 len;
		u32 nxt;
	} table[] = {
		{ 1, 500, 501 }, { 301, 400, 701 }, { 1001, 500, 701 },
		{ 901, 300, 701 }, { 1401, 300, 701 }, { 1101, 100, 701 },
		{ 601, 350, 1701 }, { 1, 1700, 1701 }, { 1, 1900, 1901 },
	};
	unsigned int i;
	u32 got = 0, n;

	peer_establish(p);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		peer_send(p, FLAGS_A, table[i].at, table[i].len, 1);
		EXPECT_EQ(table[i].nxt, p->conn.rcvq.nxt - p->irs);
		if (i % 2) {
			n = peer_read(p, 9999);
			ASSERT_NE(U32_MAX, n);
			got += n;
		}
		peer_pull_all(p);
	}
	n = peer_read(p, 9999);
	ASSERT_NE(U32_MAX, n);
	EXPECT_EQ(1900, got + n);
}

TEST_PEER(arrival, text__beyond_window_is_cut)
{
	u64 edge;

	p->conn.limit = 8000;
	peer_establish(p);
	edge = p->frame.seg.window;
	ASSERT_GT(edge, 1500);
	peer_send(p, FLAGS_FA, 1, edge + 500, 1);
	EXPECT_EQ(edge, tether_recvq_avail(&p->conn.rcvq));
	EXPECT_DID_NOT(TETHER_DID_PEER_FIN);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_EQ(edge, peer_read(p, 9999));
}

TEST_PEER(arrival, text__outside_window)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1ULL << 31, 100, 1);
	EXPECT_EQ(TETHER_DROP_WINDOW, p->seg.drop);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	EXPECT_EQ(0, tether_conn_truesize_recv(&p->conn));
}

/* A peer that ignores the window, one byte a frame. */
TEST_PEER(arrival, text__limit_with_one_byte_frames)
{
	u32 at, most = 0;

	p->conn.limit = 30000;
	peer_establish(p);
	for (at = 1; at < 60000; at++) {
		peer_send(p, FLAGS_A, at, 1, 1);
		most = max(most, tether_conn_truesize_recv(&p->conn));
		peer_pull_all(p);
	}
	EXPECT_LE(most, 30000 + 2048 + SHIM_SKB_OVERHEAD);
	EXPECT_NE(U32_MAX, peer_read(p, U32_MAX));
}

/* The same with holes, and with frames of the largest size. */
TEST_PEER(arrival, text__limit_with_holes)
{
	u32 i, most = 0;

	p->conn.limit = 30000;
	peer_establish(p);
	for (i = 0; i < 20000; i++) {
		peer_send(p, FLAGS_A, 3 + 2 * i, 1, 1);
		most = max(most, tether_conn_truesize_recv(&p->conn));
		peer_pull_all(p);
	}
	for (i = 0; i < 10; i++) {
		peer_send(p, FLAGS_A, 1, TETHER_MAX_PAYLOAD, 1);
		most = max(most, tether_conn_truesize_recv(&p->conn));
	}
	EXPECT_LE(most, 30000 + TETHER_MAX_PAYLOAD + SHIM_SKB_OVERHEAD + 64);
	EXPECT_NE(U32_MAX, peer_read(p, U32_MAX));
}

/* Who was refused for want of memory waits until the program has read. */
TEST_PEER(arrival, text__starved)
{
	struct tether_segment seg;

	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	peer_pull_all(p);
	seg = p->seg;
	seg.len = 0;
	seg.drop = TETHER_DROP_MEMORY;
	/* What is old is not missed. */
	p->did = tether_conn_segment(&p->conn, &p->conn.path, &seg, NULL,
				     p->now);
	EXPECT_FRAME(FLAGS_A, 1, 0, 101);
	EXPECT_LT(0, p->frame.seg.window);
	seg.seq = p->irs + 101;
	seg.drop = TETHER_DROP_MEMORY;
	p->did = tether_conn_segment(&p->conn, &p->conn.path, &seg, NULL,
				     p->now);
	/* Who waits for more than there is must be told. */
	EXPECT_DID(TETHER_DID_READABLE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 101);
	EXPECT_EQ(0, p->frame.seg.window);
	EXPECT_SILENCE();
	tether_conn_read(&p->conn, 100);
	EXPECT_FRAME(FLAGS_A, 1, 0, 101);
	EXPECT_LT(0, p->frame.seg.window);
}

/*
 * The ACK got lost and the bytes that come again are dropped for want of
 * memory: a sender without an answer would give up.
 */
TEST_PEER(arrival, text__starved_of_what_was_acked)
{
	struct tether_segment seg;
	int i;

	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	peer_pull_all(p);
	peer_after(p, PEER_SEC);
	EXPECT_FRAME(FLAGS_A, 1, 0, 101);
	for (i = 0; i < 2; i++) {
		seg = p->seg;
		seg.seq = p->irs + 1;
		seg.len = 0;
		seg.drop = TETHER_DROP_MEMORY;
		p->did = tether_conn_segment(&p->conn, &p->conn.path, &seg,
					     NULL, p->now);
		EXPECT_EQ(TETHER_DROP_MEMORY, seg.drop);
		EXPECT_FRAME(FLAGS_A, 1, 0, 101);
		EXPECT_SILENCE();
	}
}

/* Refused for want of memory: it is not acknowledged, and comes again. */
TEST_PEER(arrival, text__refused_bytes_come_again)
{
	u64 at = 1;
	int i;

	p->conn.limit = 20000;
	peer_establish(p);
	for (i = 0; i < 100 && !(p->did & TETHER_DID_FULL); i++) {
		peer_send(p, FLAGS_A, at, 210, 1);
		peer_pull_all(p);
		if (!(p->did & TETHER_DID_FULL))
			at += 210;
	}
	ASSERT_TRUE(p->did & TETHER_DID_FULL);
	EXPECT_EQ(at, p->frame.seg.ack - p->irs);
	EXPECT_EQ(0, p->frame.seg.window);
	EXPECT_EQ(TETHER_DROP_MEMORY, p->seg.drop);
	EXPECT_TRUE(tether_conn_window_shut(&p->conn, p->conn.limit));
	EXPECT_EQ(at - 1, peer_read(p, 999999));
	EXPECT_FALSE(tether_conn_window_shut(&p->conn, p->conn.limit));
	EXPECT_DID(TETHER_DID_UPDATE);
	EXPECT_FRAME(FLAGS_A, 1, 0, at);
	EXPECT_GT(p->frame.seg.window, 0);
	peer_send(p, FLAGS_A, at, 210, 1);
	EXPECT_EQ(210, peer_read(p, 999999));
}

TEST_PEER(arrival, text__no_memory_to_collect)
{
	u32 at;

	peer_establish(p);
	for (at = 1; at < 200; at++) {
		/* the segment's own buffer, then the one to collect in */
		shim_skb_fail = 2;
		peer_send(p, FLAGS_A, at, 1, 1);
		shim_skb_fail = 0;
		EXPECT_DID(TETHER_DID_READABLE);
		peer_pull_all(p);
	}
	EXPECT_EQ(199, peer_read(p, 9999));
}

/* FIN. */

TEST_PEER(arrival, fin__with_data)
{
	peer_establish(p);
	peer_send(p, FLAGS_FPA, 1, 100, 1);
	EXPECT_DID(TETHER_DID_READABLE | TETHER_DID_PEER_FIN);
	EXPECT_STATE(CLOSE_WAIT);
	EXPECT_FRAME(FLAGS_A, 1, 0, 102);
	EXPECT_EQ(100, peer_read(p, 9999));
	EXPECT_SILENCE();
}

TEST_PEER(arrival, fin__before_data)
{
	peer_establish(p);
	peer_send(p, FLAGS_FA, 501, 0, 1);
	EXPECT_DID_NOT(TETHER_DID_PEER_FIN);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	peer_send(p, FLAGS_A, 1, 500, 1);
	EXPECT_DID(TETHER_DID_READABLE | TETHER_DID_PEER_FIN);
	EXPECT_STATE(CLOSE_WAIT);
	EXPECT_FRAME(FLAGS_A, 1, 0, 502);
	EXPECT_EQ(500, peer_read(p, 9999));
}

TEST_PEER(arrival, fin__again)
{
	peer_establish(p);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	peer_pull_all(p);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	EXPECT_DID_NOT(TETHER_DID_PEER_FIN);
	EXPECT_STATE(CLOSE_WAIT);
	EXPECT_FRAME(FLAGS_A, 1, 0, 2);
	EXPECT_SILENCE();
}

TEST_PEER(arrival, fin__data_behind_it)
{
	peer_establish(p);
	peer_send(p, FLAGS_FPA, 1, 100, 1);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 102, 50, 1);
	EXPECT_EQ(TETHER_DROP_STATE, p->seg.drop);
	EXPECT_DID_NOT(TETHER_DID_READABLE);
	EXPECT_STATE(CLOSE_WAIT);
	EXPECT_EQ(100, peer_read(p, 9999));
}

TEST_PEER(arrival, fin__in_closing_and_last_ack)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	peer_pull_all(p);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	peer_pull_all(p);
	EXPECT_STATE(CLOSING);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	EXPECT_STATE(CLOSING);
	EXPECT_FRAME(FLAGS_A, 2, 0, 2);
}

/* Replay of a whole connection that had the same ports. */
TEST_PEER(arrival, replay__has_no_effect)
{
	u64 old = 1ULL << 40;

	peer_establish(p);
	peer_send(p, FLAGS_S, -old, 0, 0);
	peer_send(p, FLAGS_A, 1 - old, 0, 1 - old);
	peer_send(p, FLAGS_A, 1 - old, 500, 1 - old);
	peer_send(p, FLAGS_FA, 501 - old, 0, 1 - old);
	peer_send(p, FLAGS_RA, 502 - old, 0, 1 - old);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_EQ(0, tether_recvq_avail(&p->conn.rcvq));
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	EXPECT_EQ(100, peer_read(p, 9999));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* The connection: opening, closing, timers, and what the program does. */
#include <errno.h>
#include "kselftest_harness.h"
#include "peer.h"

FIXTURE(conn) {
	struct peer peer;
};

FIXTURE_VARIANT(conn) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(conn, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(conn, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(conn)
{
	peer_init(&self->peer, variant->seq, variant->seq - 7);
}

FIXTURE_TEARDOWN(conn)
{
	peer_destroy(&self->peer);
	UNIT_NO_LEAK();
}

/* Opening. */

TEST_PEER(conn, connect__three_way)
{
	p->did = tether_conn_connect(&p->conn, p->iss, p->now);
	EXPECT_STATE(SYN_SENT);
	EXPECT_FRAME(FLAGS_S, 0, 0, 0);
	EXPECT_EQ(PEER_MSS, p->frame.seg.mss);
	EXPECT_TRUE(p->frame.seg.has_ack_delay);
	EXPECT_EQ(5000 + PEER_MSEC, p->frame.seg.ack_delay);
	EXPECT_EQ(1234, p->frame.seg.sport);
	EXPECT_EQ(80, p->frame.seg.dport);
	EXPECT_SILENCE();
	p->now += PEER_RTT;
	peer_send(p, FLAGS_SA, 0, 0, 1);
	EXPECT_DID(TETHER_DID_CONNECT);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
	EXPECT_EQ(PEER_RTT, p->conn.path.rtt.srtt8 / 8);
}

TEST_PEER(conn, connect__smaller_mss_counts)
{
	p->mss = 700;
	peer_establish(p);
	EXPECT_EQ(700, p->conn.path.mss);
	EXPECT_EQ(5000, p->conn.path.ack_delay);
}

/* SYN lost: 1, 2, 4 and 8 s, then ETIMEDOUT, once. */
TEST_PEER(conn, connect__syn_lost)
{
	u64 wait = PEER_SEC;
	int i;

	peer_connect(p);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(p->now + wait, tether_conn_deadline(&p->conn));
		peer_after(p, wait - 1);
		EXPECT_EQ(0, p->did);
		EXPECT_SILENCE();
		peer_after(p, 1);
		EXPECT_DID(TETHER_DID_SYN_RTX);
		EXPECT_FRAME(FLAGS_S, 0, 0, 0);
		EXPECT_TRUE(p->frame.retransmit);
		EXPECT_SILENCE();
		wait *= 2;
	}
	peer_after(p, wait);
	EXPECT_DID(TETHER_DID_TIMEOUT | TETHER_DID_ERROR | TETHER_DID_CLOSE);
	EXPECT_EQ(ETIMEDOUT, p->conn.err);
	EXPECT_STATE(CLOSED);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
	peer_after(p, 100 * PEER_SEC);
	EXPECT_EQ(0, p->did);
}

TEST_PEER(conn, connect__close_before_answer)
{
	peer_connect(p);
	p->did = tether_conn_close(&p->conn, p->now);
	EXPECT_DID(TETHER_DID_CLOSE);
	EXPECT_STATE(CLOSED);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/* Not even the SYN has been pulled. */
TEST_PEER(conn, connect__close_before_syn)
{
	tether_conn_connect(&p->conn, p->iss, p->now);
	tether_conn_close(&p->conn, p->now);
	EXPECT_STATE(CLOSED);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, connect__simultaneous)
{
	peer_connect(p);
	peer_send(p, FLAGS_S, 0, 0, 0);
	EXPECT_DID(TETHER_DID_SIMULTANEOUS);
	EXPECT_STATE(SYN_RECEIVED);
	EXPECT_FRAME(FLAGS_SA, 0, 0, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_SA, 0, 0, 1);
	EXPECT_DID(TETHER_DID_CONNECT);
	EXPECT_STATE(ESTABLISHED);
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID_NOT(TETHER_DID_CONNECT);
	EXPECT_STATE(ESTABLISHED);
	peer_pull_all(p);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 1);
}

/* The answer to our SYN+ACK may be a mere ACK. */
TEST_PEER(conn, connect__simultaneous_ack)
{
	peer_connect(p);
	peer_send(p, FLAGS_S, 0, 0, 0);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_DID(TETHER_DID_CONNECT);
	EXPECT_STATE(ESTABLISHED);
}

TEST_PEER(conn, connect__simultaneous_syn_ack_lost)
{
	peer_connect(p);
	peer_send(p, FLAGS_S, 0, 0, 0);
	peer_pull_all(p);
	peer_after(p, PEER_SEC);
	EXPECT_DID(TETHER_DID_SYN_RTX);
	EXPECT_FRAME(FLAGS_SA, 0, 0, 1);
	peer_send(p, FLAGS_S, 0, 0, 0);
	EXPECT_STATE(SYN_RECEIVED);
	EXPECT_FRAME(FLAGS_SA, 0, 0, 1);
}

/* RFC 9293 section 3.10.4: the FIN waits until the SYN is acknowledged. */
TEST_PEER(conn, connect__shutdown_while_simultaneous)
{
	peer_connect(p);
	peer_send(p, FLAGS_S, 0, 0, 0);
	peer_pull_all(p);
	tether_conn_shutdown(&p->conn);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_SA, 0, 0, 1);
	EXPECT_STATE(FIN_WAIT1);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
}

TEST_PEER(conn, accept__from_half)
{
	peer_accept(p);
	EXPECT_STATE(ESTABLISHED);
	EXPECT_TRUE(p->conn.passive);
	EXPECT_EQ(PEER_RTT, p->conn.path.rtt.srtt8 / 8);
	EXPECT_EQ(PEER_MSS, p->conn.path.mss);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 1, 10, 1);
	peer_send(p, FLAGS_A, 1, 10, 11);
	EXPECT_DID(TETHER_DID_READABLE | TETHER_DID_WRITABLE);
	EXPECT_EQ(10, peer_read(p, 10));
}

TEST_PEER(conn, listen__and_close)
{
	EXPECT_TRUE(tether_conn_listen(&p->conn));
	EXPECT_STATE(LISTEN);
	p->did = tether_conn_close(&p->conn, p->now);
	EXPECT_DID(TETHER_DID_CLOSE);
	EXPECT_STATE(CLOSED);
	EXPECT_SILENCE();
}

TEST_PEER(conn, listen__not_when_connected)
{
	peer_establish(p);
	EXPECT_FALSE(tether_conn_listen(&p->conn));
	EXPECT_STATE(ESTABLISHED);
}

/* Closing: the four orders of two FINs and their ACKs. */

TEST_PEER(conn, close__we_first)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	EXPECT_STATE(FIN_WAIT1);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 2);
	EXPECT_STATE(FIN_WAIT2);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_FA, 1, 0, 2);
	EXPECT_DID(TETHER_DID_PEER_FIN | TETHER_DID_TIME_WAIT);
	EXPECT_STATE(TIME_WAIT);
	EXPECT_FRAME(FLAGS_A, 2, 0, 2);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, close__peer_first)
{
	peer_establish(p);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	EXPECT_DID(TETHER_DID_PEER_FIN);
	EXPECT_STATE(CLOSE_WAIT);
	EXPECT_FRAME(FLAGS_A, 1, 0, 2);
	tether_conn_shutdown(&p->conn);
	EXPECT_STATE(LAST_ACK);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 2);
	peer_send(p, FLAGS_A, 2, 0, 2);
	EXPECT_DID(TETHER_DID_CLOSE);
	EXPECT_STATE(CLOSED);
	EXPECT_EQ(0, p->conn.err);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, close__simultaneous)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	EXPECT_DID(TETHER_DID_SIMULTANEOUS | TETHER_DID_PEER_FIN);
	EXPECT_STATE(CLOSING);
	EXPECT_FRAME(FLAGS_A, 2, 0, 2);
	peer_send(p, FLAGS_A, 2, 0, 2);
	EXPECT_DID(TETHER_DID_TIME_WAIT);
	EXPECT_STATE(TIME_WAIT);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, close__fin_with_ack_of_ours)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
	peer_send(p, FLAGS_FA, 1, 0, 2);
	EXPECT_DID(TETHER_DID_PEER_FIN | TETHER_DID_TIME_WAIT);
	EXPECT_DID_NOT(TETHER_DID_SIMULTANEOUS);
	EXPECT_STATE(TIME_WAIT);
	EXPECT_FRAME(FLAGS_A, 2, 0, 2);
}

TEST_PEER(conn, close__data_before_fin)
{
	peer_establish(p);
	peer_write(p, 500);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 500, 1);
	EXPECT_TRUE(p->frame.seg.flags & TETHER_PSH);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 502);
	EXPECT_STATE(FIN_WAIT2);
}

/* Shut down while more is queued than the window takes: all of it arrives. */
TEST_PEER(conn, close__much_data_before_fin)
{
	p->window = 2500;
	peer_establish(p);
	peer_write(p, 4000);
	tether_conn_close(&p->conn, p->now);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	peer_send(p, FLAGS_A, 1, 0, 2001);
	EXPECT_FRAME(FLAGS_A, 2001, 1000, 1);
	EXPECT_FRAME(FLAGS_FA, 3001, 1000, 1);
	peer_send(p, FLAGS_A, 1, 0, 4002);
	EXPECT_STATE(FIN_WAIT2);
}

TEST_PEER(conn, close__fin_lost)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
	peer_after(p, PEER_RTO);
	EXPECT_DID(TETHER_DID_RTO);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
	EXPECT_TRUE(p->frame.retransmit);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 2);
	EXPECT_STATE(FIN_WAIT2);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/*
 * The FIN is sent for the first time in a frame that otherwise repeats: its
 * number counts as sent.
 */
TEST_PEER(conn, close__fin_joins_retransmission)
{
	peer_establish(p);
	peer_write(p, 500);
	EXPECT_FRAME(FLAGS_A, 1, 500, 1);
	peer_after(p, PEER_RTO);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 500, 1);
	peer_send(p, FLAGS_A, 1, 0, 502);
	EXPECT_EQ(TETHER_DROP_NONE, p->seg.drop);
	EXPECT_STATE(FIN_WAIT2);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/* Half-closed: bytes still come in and are acknowledged. */
TEST_PEER(conn, close__half)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 2);
	peer_send(p, FLAGS_A, 1, 1000, 2);
	EXPECT_DID(TETHER_DID_READABLE);
	peer_send(p, FLAGS_A, 1001, 1000, 2);
	EXPECT_FRAME(FLAGS_A, 2, 0, 2001);
	EXPECT_EQ(2000, peer_read(p, 2000));
	EXPECT_STATE(FIN_WAIT2);
}

TEST_PEER(conn, close__other_half)
{
	peer_establish(p);
	peer_send(p, FLAGS_FA, 1, 0, 1);
	peer_pull_all(p);
	peer_write(p, 1000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 2);
	EXPECT_STATE(CLOSE_WAIT);
	peer_send(p, FLAGS_A, 2, 0, 1001);
	EXPECT_DID(TETHER_DID_WRITABLE);
}

TEST_PEER(conn, close__shutdown_twice)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 1);
	EXPECT_SILENCE();
	EXPECT_STATE(FIN_WAIT1);
}

/* RFC 2525 section 2.17. */
TEST_PEER(conn, close__unread)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	p->did = tether_conn_close(&p->conn, p->now);
	EXPECT_DID(TETHER_DID_CLOSE);
	EXPECT_STATE(CLOSED);
	EXPECT_FRAME(FLAGS_RA, 1, 0, 101);
	EXPECT_EQ(TETHER_REASON_UNREAD, p->frame.seg.reason);
	EXPECT_SILENCE();
}

TEST_PEER(conn, close__all_read)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	EXPECT_EQ(100, peer_read(p, 100));
	tether_conn_close(&p->conn, p->now);
	EXPECT_FRAME(FLAGS_FA, 1, 0, 101);
	EXPECT_STATE(FIN_WAIT1);
}

TEST_PEER(conn, close__data_after)
{
	peer_establish(p);
	tether_conn_close(&p->conn, p->now);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 2);
	EXPECT_STATE(FIN_WAIT2);
	peer_send(p, FLAGS_A, 1, 100, 2);
	EXPECT_DID(TETHER_DID_CLOSE);
	EXPECT_DID_NOT(TETHER_DID_READABLE);
	EXPECT_STATE(CLOSED);
	ASSERT_TRUE(peer_pull(p));
	EXPECT_EQ(FLAGS_RA, p->frame.seg.flags);
	EXPECT_EQ(TETHER_REASON_CLOSED, p->frame.seg.reason);
	EXPECT_EQ(p->iss + 2, p->frame.seg.seq);
	EXPECT_SILENCE();
}

/* A peer that never closes: the orphan's time is limited. */
TEST_PEER(conn, close__orphan_timeout)
{
	peer_establish(p);
	tether_conn_close(&p->conn, p->now);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 2);
	EXPECT_STATE(FIN_WAIT2);
	EXPECT_EQ(p->now + 30 * PEER_SEC, tether_conn_deadline(&p->conn));
	peer_after(p, 30 * PEER_SEC - 1);
	EXPECT_EQ(0, p->did);
	peer_after(p, 1);
	EXPECT_DID(TETHER_DID_CLOSE | TETHER_DID_TIMEOUT);
	EXPECT_STATE(CLOSED);
	ASSERT_TRUE(peer_pull(p));
	EXPECT_EQ(TETHER_REASON_TIMEOUT, p->frame.seg.reason);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/* Shutdown alone has no such limit. */
TEST_PEER(conn, close__no_orphan_without_close)
{
	peer_establish(p);
	tether_conn_shutdown(&p->conn);
	peer_pull_all(p);
	peer_send(p, FLAGS_A, 1, 0, 2);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/* Aborting, in every state. */

TEST_PEER(conn, abort__established)
{
	peer_establish(p);
	peer_write(p, 100);
	p->did = tether_conn_abort(&p->conn, TETHER_REASON_ABORTED, 0);
	EXPECT_DID(TETHER_DID_CLOSE);
	EXPECT_DID_NOT(TETHER_DID_ERROR);
	EXPECT_STATE(CLOSED);
	EXPECT_FRAME(FLAGS_RA, 1, 0, 1);
	EXPECT_EQ(TETHER_REASON_ABORTED, p->frame.seg.reason);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_truesize_send(&p->conn));
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, abort__syn_sent)
{
	peer_connect(p);
	p->did = tether_conn_abort(&p->conn, TETHER_REASON_DEVICE, ENETDOWN);
	EXPECT_DID(TETHER_DID_CLOSE | TETHER_DID_ERROR);
	EXPECT_EQ(ENETDOWN, p->conn.err);
	EXPECT_STATE(CLOSED);
	EXPECT_SILENCE();
}

TEST_PEER(conn, abort__twice)
{
	peer_establish(p);
	tether_conn_abort(&p->conn, TETHER_REASON_ABORTED, ECONNABORTED);
	p->did = tether_conn_abort(&p->conn, TETHER_REASON_ADMIN, EPERM);
	EXPECT_EQ(0, p->did);
	EXPECT_EQ(ECONNABORTED, p->conn.err);
	EXPECT_EQ(TETHER_REASON_ABORTED, p->conn.reason);
}

/* What has arrived can still be read. */
TEST_PEER(conn, abort__keeps_received)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	tether_conn_abort(&p->conn, TETHER_REASON_DEVICE, ENETDOWN);
	EXPECT_EQ(100, peer_read(p, 100));
}

/* Timers. */

TEST_PEER(conn, timer__rto_backoff_and_end)
{
	u64 wait = PEER_RTO;
	int i;

	peer_establish(p);
	peer_write(p, 100);
	EXPECT_FRAME(FLAGS_A, 1, 100, 1);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(p->now + wait, tether_conn_deadline(&p->conn));
		peer_after(p, wait - 1);
		EXPECT_EQ(0, p->did);
		EXPECT_SILENCE();
		peer_after(p, 1);
		EXPECT_DID(TETHER_DID_RTO);
		EXPECT_FRAME(FLAGS_A, 1, 100, 1);
		EXPECT_TRUE(p->frame.retransmit);
		EXPECT_SILENCE();
		wait *= 2;
	}
	peer_after(p, wait);
	EXPECT_DID(TETHER_DID_TIMEOUT | TETHER_DID_ERROR | TETHER_DID_CLOSE);
	EXPECT_EQ(ETIMEDOUT, p->conn.err);
	EXPECT_STATE(CLOSED);
	ASSERT_TRUE(peer_pull(p));
	EXPECT_EQ(TETHER_REASON_TIMEOUT, p->frame.seg.reason);
	EXPECT_SILENCE();
}

TEST_PEER(conn, timer__rto_is_bounded)
{
	p->cfg.rto_max = 25000;
	p->cfg.retries = 10;
	peer_establish(p);
	peer_write(p, 100);
	peer_pull_all(p);
	peer_after(p, PEER_RTO);
	EXPECT_EQ(p->now + 20000, tether_conn_deadline(&p->conn));
	peer_after(p, 20000);
	EXPECT_EQ(p->now + 25000, tether_conn_deadline(&p->conn));
	peer_after(p, 25000);
	EXPECT_EQ(p->now + 25000, tether_conn_deadline(&p->conn));
}

/* A fresh ACK ends the backoff: RFC 6298 section 5. */
TEST_PEER(conn, timer__backoff_ends)
{
	peer_establish(p);
	peer_write(p, 100);
	peer_pull_all(p);
	peer_after(p, PEER_RTO);
	peer_pull_all(p);
	peer_after(p, 2 * PEER_RTO);
	peer_pull_all(p);
	p->now += PEER_RTT;
	peer_send(p, FLAGS_A, 1, 0, 101);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
	peer_write(p, 100);
	peer_pull_all(p);
	EXPECT_EQ(p->now + PEER_RTO, tether_conn_deadline(&p->conn));
}

/* The echoed timestamp tells which transmission was answered: no sample of
 * the time since the first one.
 */
TEST_PEER(conn, timer__rtt_of_retransmission)
{
	peer_establish(p);
	peer_write(p, 100);
	peer_pull_all(p);
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1, 100, 1);
	p->now += PEER_RTT;
	peer_send(p, FLAGS_A, 1, 0, 101);
	EXPECT_EQ(PEER_RTT, p->conn.path.rtt.last);
}

/* Go back N: one segment, then as slow start lets out. */
TEST_PEER(conn, timer__rto_goes_back)
{
	peer_establish(p);
	peer_write(p, 5000);
	EXPECT_EQ(5, peer_pull_all(p));
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_SILENCE();
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 2001, 1000, 1);
	EXPECT_SILENCE();
	/* the rest had arrived: nothing is left to be sent again */
	peer_send(p, FLAGS_A, 1, 0, 5001);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, timer__early_call_does_nothing)
{
	peer_establish(p);
	peer_write(p, 100);
	peer_pull_all(p);
	peer_timer(p);
	EXPECT_EQ(0, p->did);
	peer_after(p, 1);
	EXPECT_EQ(0, p->did);
	EXPECT_SILENCE();
}

/* Zero window: probes with backoff, for ever while they are answered. */
TEST_PEER(conn, timer__zero_window_probe)
{
	u64 wait;
	int i;

	p->window = 0;
	peer_establish(p);
	p->window = 1000;
	peer_send(p, FLAGS_A, 1, 0, 1);
	peer_write(p, 3000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	p->window = 0;
	peer_send(p, FLAGS_A, 1, 0, 1001);
	EXPECT_DID(TETHER_DID_ZERO_WINDOW);
	EXPECT_SILENCE();
	for (i = 0; i < 20; i++) {
		wait = tether_conn_deadline(&p->conn) - p->now;
		EXPECT_EQ(min(PEER_RTO << i, 60 * PEER_SEC), wait);
		peer_after(p, wait);
		EXPECT_DID(TETHER_DID_PROBE);
		EXPECT_FRAME(FLAGS_A | TETHER_PROBE, 1001, 0, 1);
		EXPECT_SILENCE();
		peer_send(p, FLAGS_A, 1, 0, 1001);
		EXPECT_DID_NOT(TETHER_DID_TIMEOUT);
		EXPECT_SILENCE();
	}
	EXPECT_STATE(ESTABLISHED);
}

TEST_PEER(conn, timer__probe_unanswered)
{
	int i;

	p->window = 0;
	peer_establish(p);
	peer_write(p, 100);
	EXPECT_SILENCE();
	for (i = 0; i < 4; i++) {
		p->now = tether_conn_deadline(&p->conn);
		peer_timer(p);
		EXPECT_DID(TETHER_DID_PROBE);
		peer_pull_all(p);
	}
	p->now = tether_conn_deadline(&p->conn);
	peer_timer(p);
	EXPECT_DID(TETHER_DID_TIMEOUT);
	EXPECT_EQ(ETIMEDOUT, p->conn.err);
}

/* The update that opens the window was lost; the answer to a probe opens it. */
TEST_PEER(conn, timer__probe_finds_open_window)
{
	p->window = 0;
	peer_establish(p);
	peer_write(p, 1500);
	EXPECT_SILENCE();
	peer_after(p, PEER_RTO);
	peer_pull_all(p);
	p->window = PEER_WINDOW;
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 500, 1);
}

/* The backoff of probes is not that of the bytes which follow. */
TEST_PEER(conn, timer__probe_backoff_ends)
{
	int i;

	p->window = 0;
	peer_establish(p);
	peer_write(p, 500);
	EXPECT_SILENCE();
	for (i = 0; i < 10; i++) {
		p->now = tether_conn_deadline(&p->conn);
		peer_timer(p);
		peer_pull_all(p);
		peer_send(p, FLAGS_A, 1, 0, 1);
	}
	p->window = PEER_WINDOW;
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1, 500, 1);
	EXPECT_EQ(p->now + PEER_RTO, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, timer__keepalive)
{
	int i;

	peer_establish(p);
	tether_conn_keepalive(&p->conn, true, p->now);
	EXPECT_EQ(p->now + 60 * PEER_SEC, tether_conn_deadline(&p->conn));
	peer_after(p, 60 * PEER_SEC);
	EXPECT_DID(TETHER_DID_KEEPALIVE);
	EXPECT_FRAME(FLAGS_A | TETHER_PROBE, 1, 0, 1);
	/* answered: idle again */
	peer_send(p, FLAGS_A, 1, 0, 1);
	EXPECT_SILENCE();
	peer_after(p, 59 * PEER_SEC);
	EXPECT_DID_NOT(TETHER_DID_KEEPALIVE);
	peer_after(p, PEER_SEC);
	EXPECT_DID(TETHER_DID_KEEPALIVE);
	peer_pull_all(p);
	/* not answered: two more, 10 s apart, then the end */
	for (i = 0; i < 2; i++) {
		peer_after(p, 10 * PEER_SEC);
		EXPECT_DID(TETHER_DID_KEEPALIVE);
		peer_pull_all(p);
	}
	peer_after(p, 10 * PEER_SEC);
	EXPECT_DID(TETHER_DID_TIMEOUT);
	EXPECT_EQ(ETIMEDOUT, p->conn.err);
}

TEST_PEER(conn, timer__keepalive_off)
{
	peer_establish(p);
	tether_conn_keepalive(&p->conn, true, p->now);
	tether_conn_keepalive(&p->conn, false, p->now);
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, timer__keepalive_set_before_open)
{
	tether_conn_keepalive(&p->conn, true, p->now);
	peer_establish(p);
	EXPECT_EQ(p->now + 60 * PEER_SEC, tether_conn_deadline(&p->conn));
}

TEST_PEER(conn, timer__delayed_ack)
{
	peer_establish(p);
	peer_send(p, FLAGS_A, 1, 500, 1);
	EXPECT_SILENCE();
	EXPECT_EQ(p->now + 5000, tether_conn_deadline(&p->conn));
	peer_after(p, 5000);
	EXPECT_DID(TETHER_DID_DELAYED_ACK);
	EXPECT_FRAME(FLAGS_A, 1, 0, 501);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_deadline(&p->conn));
}

/*
 * The local device refuses a frame, or says so and sends it all the same: the
 * bytes count as sent, and are sent again.
 */

TEST_PEER(conn, congested__is_sent_again)
{
	peer_establish(p);
	peer_write(p, 2000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	tether_conn_congested(&p->conn, &p->frame);
	EXPECT_EQ(2000, tether_conn_flight(&p->conn));
	EXPECT_LT(p->conn.path.cong.cwnd, 10000);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	EXPECT_TRUE(p->frame.retransmit);
	peer_send(p, FLAGS_A, 1, 0, 2001);
	EXPECT_SILENCE();
	EXPECT_EQ(0, tether_conn_flight(&p->conn));
}

/* Refused again and again: never more than one frame is due. */
TEST_PEER(conn, congested__many_times)
{
	int i;

	peer_establish(p);
	peer_write(p, 3000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	for (i = 0; i < 10; i++) {
		tether_conn_congested(&p->conn, &p->frame);
		EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	}
	peer_send(p, FLAGS_A, 1, 0, 2001);
	EXPECT_FRAME(FLAGS_A, 2001, 1000, 1);
	EXPECT_SILENCE();
}

/* Nothing else happens: the timer sees to it. */
TEST_PEER(conn, congested__only_frame)
{
	peer_establish(p);
	peer_write(p, 1000);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 1000, 1);
	tether_conn_congested(&p->conn, &p->frame);
	EXPECT_EQ(p->now + PEER_RTO, tether_conn_deadline(&p->conn));
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_FA, 1, 1000, 1);
}

TEST_PEER(conn, congested__but_sent)
{
	peer_establish(p);
	peer_write(p, 2000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 1000, 1);
	tether_conn_congested(&p->conn, &p->frame);
	peer_send(p, FLAGS_A, 1, 100, 2001);
	EXPECT_EQ(TETHER_DROP_NONE, p->seg.drop);
	EXPECT_DID(TETHER_DID_WRITABLE);
	EXPECT_EQ(0, tether_conn_flight(&p->conn));
	peer_after(p, 5000);
	EXPECT_FRAME(FLAGS_A, 2001, 0, 101);
	peer_write(p, 10);
	EXPECT_FRAME(FLAGS_A, 2001, 10, 101);
}

/* An ACK of ours must lie inside the window of a peer that has it all. */
TEST_PEER(conn, congested__but_ack_keeps_its_place)
{
	peer_establish(p);
	peer_write(p, 1000);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	tether_conn_congested(&p->conn, &p->frame);
	p->conn.path.cong.cwnd = 0;
	peer_send(p, FLAGS_A | TETHER_PROBE, 1, 0, 1);
	EXPECT_FRAME(FLAGS_A, 1001, 0, 1);
}

TEST_PEER(conn, congested__but_fin_was_sent)
{
	peer_establish(p);
	peer_write(p, 1000);
	tether_conn_shutdown(&p->conn);
	EXPECT_FRAME(FLAGS_FA, 1, 1000, 1);
	tether_conn_congested(&p->conn, &p->frame);
	peer_send(p, FLAGS_A, 1, 0, 1002);
	EXPECT_STATE(FIN_WAIT2);
	EXPECT_SILENCE();
}

TEST_PEER(conn, congested__retransmission)
{
	peer_establish(p);
	peer_write(p, 1000);
	peer_pull_all(p);
	peer_after(p, PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
	tether_conn_congested(&p->conn, &p->frame);
	EXPECT_EQ(1000, tether_conn_flight(&p->conn));
	peer_after(p, 2 * PEER_RTO);
	EXPECT_FRAME(FLAGS_A, 1, 1000, 1);
}

TEST(did_name__every)
{
	unsigned int i;

	for (i = 0; i < TETHER_DID_MAX; i++)
		if (i != 7)
			EXPECT_NE(NULL, tether_did_name(i));
	EXPECT_EQ(NULL, tether_did_name(7));
	EXPECT_EQ(NULL, tether_did_name(TETHER_DID_MAX));
}

/* Else one connection would tell of another: RFC 5961 section 7. */
TEST_PEER(conn, challenge__limit_is_its_own)
{
	struct peer other;

	peer_init(&other, p->iss, p->irs);
	peer_establish(&other);
	peer_send(&other, TETHER_RST, 2, 0, 0);
	EXPECT_TRUE(other.did & TETHER_DID_CHALLENGE);
	peer_establish(p);
	p->now = other.now;
	peer_send(p, TETHER_RST, 2, 0, 0);
	EXPECT_DID(TETHER_DID_CHALLENGE);
	EXPECT_FRAME(FLAGS_A, 1, 0, 1);
	peer_destroy(&other);
}

TEST_HARNESS_MAIN

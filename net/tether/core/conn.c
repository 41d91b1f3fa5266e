// SPDX-License-Identifier: GPL-2.0
/*
 * The connection: its life, what the program does to it, and its timers.
 *
 * What arrives is in arrival.c, what is sent in transmit.c. Every function
 * that returns u32 returns a mask of enum tether_did; after each the caller
 * pulls frames by tether_conn_transmit() until there is none, and arms one
 * timer for tether_conn_deadline().
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "conn.h"
#include "half.h"

/* States in which both SYNs have been acknowledged. */
#define SYNCHRONIZED	(TETHER_STATE_BIT(TETHER_ESTABLISHED) |	\
			 TETHER_STATE_BIT(TETHER_FIN_WAIT1) |	\
			 TETHER_STATE_BIT(TETHER_FIN_WAIT2) |	\
			 TETHER_STATE_BIT(TETHER_CLOSE_WAIT) |	\
			 TETHER_STATE_BIT(TETHER_CLOSING) |	\
			 TETHER_STATE_BIT(TETHER_LAST_ACK))

/**
 * tether_conn_init() - a connection in CLOSED
 * @conn: the connection; all of it is overwritten
 * @cfg: parameters
 *
 * The caller then sets sport, dport, limit, and the path by
 * tether_path_init() and tether_path_limits().
 */
void tether_conn_init(struct tether_conn *conn,
		      const struct tether_config *cfg)
{
	static const u8 nobody[6];

	*conn = (struct tether_conn){
		.state = TETHER_CLOSED,
		.cfg = cfg,
	};
	tether_path_init(&conn->path, 0, nobody);
	tether_sendq_init(&conn->sndq, 0);
	tether_recvq_init(&conn->rcvq, 0);
}

/**
 * tether_conn_destroy() - free the queues
 * @conn: the connection
 */
void tether_conn_destroy(struct tether_conn *conn)
{
	tether_sendq_purge(&conn->sndq);
	tether_recvq_purge(&conn->rcvq);
}

/**
 * tether_conn_result() - what has happened since the last time
 * @conn: the connection
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_result(struct tether_conn *conn)
{
	u32 did = conn->did;

	conn->did = 0;
	return did;
}

/**
 * tether_conn_arm() - start a timer
 * @conn: the connection
 * @timer: which
 * @now: microseconds
 * @delay: microseconds
 */
void tether_conn_arm(struct tether_conn *conn, enum tether_timer timer,
		     u64 now, u64 delay)
{
	conn->deadline[timer] = now + max_t(u64, delay, 1);
}

/**
 * tether_conn_rto() - retransmission time-out, backoff included
 * @conn: the connection
 *
 * Return: microseconds.
 */
u32 tether_conn_rto(const struct tether_conn *conn)
{
	return tether_rtt_rto(&conn->path.rtt, conn->cfg, conn->path.ack_delay);
}

/**
 * tether_conn_event() - let the state machine run
 * @conn: the connection
 * @event: what happened
 *
 * Does what every caller would have to: notes what is due and what the shell
 * has to know.
 *
 * Return: mask of enum tether_action.
 */
unsigned int tether_conn_event(struct tether_conn *conn,
			       enum tether_event event)
{
	unsigned int act = tether_state_next(&conn->state, event);

	if (act & TETHER_ACT_SYN)
		conn->due |= TETHER_DUE_SYN;
	if (act & TETHER_ACT_ACK)
		conn->due |= TETHER_DUE_ACK;
	if (act & TETHER_ACT_FIN)
		conn->fin_queued = true;
	if (act & TETHER_ACT_RST)
		conn->due |= TETHER_DUE_RST;
	if (act & TETHER_ACT_OPEN)
		conn->did |= TETHER_DID_CONNECT;
	if (act & TETHER_ACT_WAIT)
		conn->did |= TETHER_DID_TIME_WAIT;
	if (act & TETHER_ACT_GONE) {
		conn->due &= TETHER_DUE_RST;
		conn->did |= TETHER_DID_CLOSE;
		tether_sendq_purge(&conn->sndq);
	}
	if (act & (TETHER_ACT_GONE | TETHER_ACT_WAIT))
		memset(conn->deadline, 0, sizeof(conn->deadline));
	return act;
}

/**
 * tether_conn_end() - the connection is over
 * @conn: the connection
 * @event: TETHER_EV_ABORT, TETHER_EV_RST or TETHER_EV_TIMEOUT
 * @reason: for the RST, if the state machine wants one, and for the record
 * @err: positive errno for the program, or 0
 *
 * What has arrived stays for the program to read.
 */
void tether_conn_end(struct tether_conn *conn, enum tether_event event,
		     enum tether_reason reason, int err)
{
	if (conn->state == TETHER_CLOSED)
		return;
	conn->reason = reason;
	tether_conn_event(conn, event);
	if (err) {
		conn->err = err;
		conn->did |= TETHER_DID_ERROR;
	}
}

/**
 * tether_conn_listen() - CLOSED to LISTEN
 * @conn: the connection
 *
 * Return: false if the state does not allow it.
 */
bool tether_conn_listen(struct tether_conn *conn)
{
	return !(tether_conn_event(conn, TETHER_EV_LISTEN) &
		 TETHER_ACT_ILLEGAL);
}

static void start_sending(struct tether_conn *conn, u64 iss)
{
	conn->iss = iss;
	conn->una = iss;
	conn->nxt = iss;
	conn->rtx = iss;
	conn->rtx_end = iss;
	conn->small = iss;
	tether_sendq_init(&conn->sndq, iss + 1);
	tether_cong_init(&conn->path.cong, conn->path.mss, iss);
}

/**
 * tether_conn_connect() - active open
 * @conn: the connection, in CLOSED, set up as tether_conn_init() says
 * @iss: initial sequence number
 * @now: microseconds
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_connect(struct tether_conn *conn, u64 iss, u64 now)
{
	start_sending(conn, iss);
	tether_conn_event(conn, TETHER_EV_CONNECT);
	tether_conn_arm(conn, TETHER_TIMER_RTO, now, tether_conn_rto(conn));
	return tether_conn_result(conn);
}

/**
 * tether_conn_accept() - passive open: from half-open to ESTABLISHED
 * @conn: the connection, in CLOSED, set up as tether_conn_init() says
 * @half: the half-open connection that TETHER_HALF_OPEN was returned for
 * @now: microseconds
 *
 * The segment that completed the handshake is to be handed to
 * tether_conn_segment() next.
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_accept(struct tether_conn *conn,
		       const struct tether_half *half, u64 now)
{
	tether_path_peer(&conn->path, half->peer_mss, half->peer_ack_delay);
	start_sending(conn, half->iss);
	tether_conn_event(conn, TETHER_EV_LISTEN);
	tether_conn_event(conn, TETHER_EV_SYN);
	tether_conn_event(conn, TETHER_EV_ACK);
	conn->due = 0;
	conn->passive = true;
	conn->una = half->iss + 1;
	conn->nxt = half->iss + 1;
	conn->irs = half->irs;
	tether_recvq_init(&conn->rcvq, half->irs + 1);
	conn->acked = half->irs + 1;
	conn->edge = half->irs + 1 + half->rcv_window;
	conn->wl1 = half->irs;
	conn->wl2 = half->iss + 1;
	conn->window = half->window;
	conn->max_window = half->window;
	conn->ts_recent = half->ts_recent;
	conn->last_recv = now;
	if (!half->retries)
		tether_rtt_sample(&conn->path.rtt, now - half->sent);
	tether_conn_keepalive(conn, conn->keepalive, now);
	return tether_conn_result(conn);
}

/**
 * tether_conn_push() - bytes from the program
 * @conn: the connection
 * @skb: payload only, not empty; taken over
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_push(struct tether_conn *conn, struct sk_buff *skb)
{
	tether_sendq_push(&conn->sndq, skb);
	return tether_conn_result(conn);
}

/**
 * tether_conn_unit() - what counts as a full-sized frame from the peer
 * @conn: the connection
 *
 * Return: bytes; at least our MSS, and the largest recent frame.
 */
u32 tether_conn_unit(const struct tether_conn *conn)
{
	return max_t(u32, conn->path.mss, conn->frame);
}

/* How far the window's edge must have to go before it moves. */
static u32 window_step(const struct tether_conn *conn, u32 limit)
{
	u32 all = (u64)limit * conn->rcvq.ratio >> 8;

	return min(tether_conn_unit(conn), max(all / 2, 1U));
}

/**
 * tether_conn_window_shut() - has the peer to wait for the program?
 * @conn: the connection; need not be owned: a hint that may be out of date
 * @limit: receive buffer in truesize
 *
 * Return: true if the window does not move before bytes are read.
 */
bool tether_conn_window_shut(const struct tether_conn *conn, u32 limit)
{
	return READ_ONCE(conn->starved) ||
	       tether_recvq_space(&conn->rcvq, limit) <
	       window_step(conn, limit);
}

/**
 * tether_conn_window_moves() - may the advertised window grow
 * @conn: the connection
 * @edge: set to the right edge that the receive buffer allows
 *
 * Receiver's silly window avoidance (RFC 1122 section 4.2.3.3): the edge moves
 * by a full-sized frame or half of the buffer, and never back.
 *
 * Return: true if the edge may be moved to @edge.
 */
bool tether_conn_window_moves(const struct tether_conn *conn, u64 *edge)
{
	u64 now_at = max_t(s64, conn->edge - tether_conn_rcv_nxt(conn), 0);
	u32 space = tether_recvq_space(&conn->rcvq, conn->limit);

	space = min_t(u32, space, TETHER_MAX_WINDOW);
	*edge = tether_conn_rcv_nxt(conn) + space;
	return space >= now_at + window_step(conn, conn->limit);
}

/**
 * tether_conn_read() - the program has read bytes
 * @conn: the connection
 * @bytes: how many
 *
 * A window update is due if the peer may be waiting for it: what it may still
 * send is less than two frames, or half of the buffer has been freed.
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_read(struct tether_conn *conn, u32 bytes)
{
	u64 left, edge;
	bool starved;
	u32 all;

	tether_recvq_read(&conn->rcvq, bytes);
	starved = conn->starved;
	if (conn->rcvq.truesize <= conn->limit / 2)
		conn->starved = false;
	if (conn->fin_rcvd || !(TETHER_STATE_BIT(conn->state) & SYNCHRONIZED))
		return tether_conn_result(conn);
	all = (u64)conn->limit * conn->rcvq.ratio >> 8;
	left = conn->edge - conn->rcvq.nxt;
	if ((starved && !conn->starved) ||
	    (tether_conn_window_moves(conn, &edge) &&
	     (left < 2 * tether_conn_unit(conn) ||
	      edge - conn->edge >= all / 2))) {
		conn->due |= TETHER_DUE_ACK;
		conn->due &= ~TETHER_DUE_DUPACK;
		conn->did |= TETHER_DID_UPDATE;
	}
	return tether_conn_result(conn);
}

static void end_sending(struct tether_conn *conn)
{
	if (conn->state == TETHER_SYN_RECEIVED)
		conn->fin_queued = true;
	else if (!conn->fin_queued)
		tether_conn_event(conn, TETHER_EV_CLOSE);
}

/**
 * tether_conn_shutdown() - the program ends its sending half
 * @conn: the connection
 *
 * Before the handshake is complete the FIN waits for it (RFC 9293 section
 * 3.10.4).
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_shutdown(struct tether_conn *conn)
{
	end_sending(conn);
	return tether_conn_result(conn);
}

/**
 * tether_conn_close() - the program is gone
 * @conn: the connection
 * @now: microseconds
 *
 * With bytes unread the peer gets an RST (RFC 2525 section 2.17); otherwise
 * what is queued is still sent, for at most cfg->orphan_timeout.
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_close(struct tether_conn *conn, u64 now)
{
	conn->orphan = true;
	conn->deaf = true;
	conn->more = false;
	if (tether_recvq_avail(&conn->rcvq) &&
	    (TETHER_STATE_BIT(conn->state) & SYNCHRONIZED)) {
		tether_conn_end(conn, TETHER_EV_ABORT, TETHER_REASON_UNREAD, 0);
		return tether_conn_result(conn);
	}
	end_sending(conn);
	if (conn->state != TETHER_CLOSED && conn->state != TETHER_TIME_WAIT)
		tether_conn_arm(conn, TETHER_TIMER_ORPHAN, now,
				READ_ONCE(conn->cfg->orphan_timeout));
	return tether_conn_result(conn);
}

/**
 * tether_conn_abort() - give the connection up at once
 * @conn: the connection
 * @reason: what the peer is told
 * @err: positive errno for the program, or 0
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_abort(struct tether_conn *conn, enum tether_reason reason,
		      int err)
{
	tether_conn_end(conn, TETHER_EV_ABORT, reason, err);
	return tether_conn_result(conn);
}

/**
 * tether_conn_keepalive() - keepalive probes on or off
 * @conn: the connection
 * @on: on
 * @now: microseconds
 *
 * RFC 9293 section 3.8.4.
 */
void tether_conn_keepalive(struct tether_conn *conn, bool on, u64 now)
{
	conn->keepalive = on;
	conn->deadline[TETHER_TIMER_KEEP] = 0;
	if (on && (TETHER_STATE_BIT(conn->state) & SYNCHRONIZED))
		tether_conn_arm(conn, TETHER_TIMER_KEEP, now,
				READ_ONCE(conn->cfg->keep_idle));
}

/**
 * tether_conn_congested() - the local device refused a frame
 * @conn: the connection
 * @frame: the frame, the last one pulled
 *
 * The queue of the device is part of the path: a full one is congestion. The
 * bytes count as sent, as some of them may have been (NET_XMIT_CN, or a
 * super-frame that was cut); they are sent again with the next frame that may
 * go out, which is not before something else happens.
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_congested(struct tether_conn *conn,
			  const struct tether_frame *frame)
{
	struct tether_cong *cong = &conn->path.cong;

	if (!frame->seg.len)
		return tether_conn_result(conn);
	if (!tether_before(conn->rtx, conn->rtx_end)) {
		conn->rtx = frame->seg.seq;
		conn->rtx_end = tether_segment_end(&frame->seg);
	} else if (frame->retransmit) {
		conn->rtx = frame->seg.seq;
	}
	if (!cong->in_recovery && tether_after(conn->una, cong->recover)) {
		tether_cong_rto(cong, conn->path.mss, tether_conn_flight(conn),
				conn->nxt, true);
		cong->cwnd = cong->ssthresh;
	}
	return tether_conn_result(conn);
}

/* Nobody answers. */
static void give_up(struct tether_conn *conn)
{
	conn->did |= TETHER_DID_TIMEOUT;
	tether_conn_end(conn, TETHER_EV_TIMEOUT, TETHER_REASON_TIMEOUT,
			ETIMEDOUT);
}

static void syn_timeout(struct tether_conn *conn, u64 now)
{
	if (conn->retries >= READ_ONCE(conn->cfg->syn_retries)) {
		give_up(conn);
		return;
	}
	conn->retries++;
	conn->path.rtt.backoff++;
	conn->due |= TETHER_DUE_SYN;
	conn->did |= TETHER_DID_SYN_RTX;
	tether_conn_arm(conn, TETHER_TIMER_RTO, now, tether_conn_rto(conn));
}

/* RFC 6298 (5.4) to (5.6): back to the oldest byte. */
static void rto_timeout(struct tether_conn *conn, u64 now)
{
	conn->deadline[TETHER_TIMER_RTO] = 0;
	if (conn->una == conn->iss) {
		syn_timeout(conn, now);
		return;
	}
	if (!tether_conn_flight(conn))
		return;
	if (conn->retries >= READ_ONCE(conn->cfg->retries)) {
		give_up(conn);
		return;
	}
	tether_cong_rto(&conn->path.cong, conn->path.mss,
			tether_conn_flight(conn), conn->nxt, !conn->retries);
	conn->retries++;
	conn->path.rtt.backoff++;
	conn->rtx = conn->una;
	conn->rtx_end = conn->nxt;
	conn->did |= TETHER_DID_RTO;
	tether_conn_arm(conn, TETHER_TIMER_RTO, now, tether_conn_rto(conn));
}

/* RFC 9293 section 3.8.6.1: for ever while the peer answers, with backoff. */
static void probe_timeout(struct tether_conn *conn, u64 now)
{
	conn->deadline[TETHER_TIMER_PROBE] = 0;
	if (conn->probes >= READ_ONCE(conn->cfg->retries)) {
		give_up(conn);
		return;
	}
	conn->probes++;
	conn->path.rtt.backoff++;
	conn->due |= TETHER_DUE_PROBE;
	conn->did |= TETHER_DID_PROBE;
	tether_conn_arm(conn, TETHER_TIMER_PROBE, now, tether_conn_rto(conn));
}

static void keep_timeout(struct tether_conn *conn, u64 now)
{
	u64 idle = READ_ONCE(conn->cfg->keep_idle);
	u64 quiet = now - conn->last_recv;

	conn->deadline[TETHER_TIMER_KEEP] = 0;
	if (!conn->keepalive)
		return;
	if (quiet < idle || tether_conn_flight(conn) ||
	    conn->deadline[TETHER_TIMER_PROBE]) {
		tether_conn_arm(conn, TETHER_TIMER_KEEP, now,
				quiet < idle ? idle - quiet : idle);
		return;
	}
	if (conn->probes >= READ_ONCE(conn->cfg->keep_probes)) {
		give_up(conn);
		return;
	}
	conn->probes++;
	conn->due |= TETHER_DUE_PROBE;
	conn->did |= TETHER_DID_KEEPALIVE;
	tether_conn_arm(conn, TETHER_TIMER_KEEP, now,
			READ_ONCE(conn->cfg->keep_interval));
}

static void ack_timeout(struct tether_conn *conn)
{
	conn->deadline[TETHER_TIMER_ACK] = 0;
	conn->due |= TETHER_DUE_ACK;
	conn->did |= TETHER_DID_DELAYED_ACK;
}

static bool expired(const struct tether_conn *conn, enum tether_timer timer,
		    u64 now)
{
	return conn->deadline[timer] && conn->deadline[timer] <= now;
}

/**
 * tether_conn_timer() - time has passed
 * @conn: the connection
 * @now: microseconds
 *
 * May be called at any time; does nothing before tether_conn_deadline().
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_timer(struct tether_conn *conn, u64 now)
{
	if (expired(conn, TETHER_TIMER_ORPHAN, now)) {
		give_up(conn);
		return tether_conn_result(conn);
	}
	if (expired(conn, TETHER_TIMER_ACK, now))
		ack_timeout(conn);
	if (expired(conn, TETHER_TIMER_RTO, now))
		rto_timeout(conn, now);
	if (expired(conn, TETHER_TIMER_PROBE, now))
		probe_timeout(conn, now);
	if (expired(conn, TETHER_TIMER_KEEP, now))
		keep_timeout(conn, now);
	return tether_conn_result(conn);
}

/**
 * tether_conn_deadline() - when tether_conn_timer() is to be called
 * @conn: the connection
 *
 * Return: microseconds on the clock of every `now`, or 0 for never.
 */
u64 tether_conn_deadline(const struct tether_conn *conn)
{
	u64 first = 0;
	int i;

	for (i = 0; i < TETHER_TIMER_MAX; i++)
		if (conn->deadline[i] && (!first || conn->deadline[i] < first))
			first = conn->deadline[i];
	return first;
}

/**
 * tether_did_name() - name of an event in counters and traces
 * @bit: number of the bit in enum tether_did
 *
 * Return: a constant string of lower-case letters and '_', or NULL for a bit
 * that has no meaning.
 */
const char *tether_did_name(unsigned int bit)
{
	static const char * const names[TETHER_DID_MAX] = {
		[0]	= "connect",
		[1]	= "readable",
		[2]	= "writable",
		[3]	= "peer_fin",
		[4]	= "error",
		[5]	= "close",
		[6]	= "time_wait",
		[8]	= "rto",
		[9]	= "fast_retransmit",
		[10]	= "dupack",
		[11]	= "probe",
		[12]	= "keepalive",
		[13]	= "out_of_order",
		[14]	= "old_data",
		[15]	= "delayed_ack",
		[16]	= "syn_retransmit",
		[17]	= "simultaneous",
		[18]	= "timeout",
		[19]	= "zero_window",
		[20]	= "window_update",
		[21]	= "reset",
		[22]	= "full",
		[23]	= "challenge",
	};

	return bit < TETHER_DID_MAX ? names[bit] : NULL;
}

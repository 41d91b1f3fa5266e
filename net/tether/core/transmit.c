// SPDX-License-Identifier: GPL-2.0
/*
 * What to send next: RST, SYN, retransmissions, new bytes, probes, ACKs.
 *
 * A frame is a value, a range of bytes and a header; the shell pulls frames
 * until there is none. Every frame but a SYN and some RSTs acknowledges, so
 * that an ACK of its own is sent only if nothing else goes out.
 */

#include <linux/kernel.h>
#include <linux/string.h>
#include "conn.h"

/* A super-frame is at most this part of cwnd, for the sake of ACK clocking. */
#define FRAMES_PER_CWND	4

/* States in which bytes, or a FIN, may be sent or sent again. */
#define SENDING		(TETHER_STATE_BIT(TETHER_ESTABLISHED) |	\
			 TETHER_STATE_BIT(TETHER_FIN_WAIT1) |	\
			 TETHER_STATE_BIT(TETHER_CLOSE_WAIT) |	\
			 TETHER_STATE_BIT(TETHER_CLOSING) |	\
			 TETHER_STATE_BIT(TETHER_LAST_ACK))

/*
 * The window to advertise; what has been promised stays promised, unless it
 * has turned out that there is no memory for it.
 */
static u32 advertise(struct tether_conn *conn)
{
	u64 nxt = tether_conn_rcv_nxt(conn);
	u64 edge;

	if (conn->starved)
		return 0;
	if (!(conn->due & TETHER_DUE_DUPACK) &&
	    tether_conn_window_moves(conn, &edge))
		conn->edge = edge;
	return tether_after(conn->edge, nxt) ? conn->edge - nxt : 0;
}

/* The clock, never 0: a timestamp echo of 0 means none. */
static u32 timestamp(u64 now)
{
	return (u32)now ? (u32)now : 1;
}

static void fill(struct tether_conn *conn, struct tether_frame *frame,
		 u8 flags, u64 seq, u64 now)
{
	struct tether_segment *seg = &frame->seg;

	seg->version = TETHER_VERSION;
	seg->type = TETHER_TYPE_STREAM;
	seg->flags = flags;
	seg->sport = conn->sport;
	seg->dport = conn->dport;
	seg->seq = seq;
	seg->ts = timestamp(now);
	if (!(flags & TETHER_ACK))
		return;
	seg->ts_echo = conn->ts_recent;
	seg->ack = tether_conn_rcv_nxt(conn);
	seg->window = advertise(conn);
	conn->acked = seg->ack;
	conn->due &= ~(TETHER_DUE_ACK | TETHER_DUE_DUPACK);
	conn->deadline[TETHER_TIMER_ACK] = 0;
}

/* Steps 15 and 16. */
static void send_rst(struct tether_conn *conn, struct tether_frame *frame,
		     u64 now)
{
	conn->due = 0;
	fill(conn, frame, TETHER_RST | TETHER_ACK, conn->nxt, now);
	frame->seg.reason = conn->reason;
}

static void send_reject(struct tether_conn *conn, struct tether_frame *frame,
			u64 now)
{
	conn->due &= ~TETHER_DUE_REJECT;
	fill(conn, frame, TETHER_RST, conn->reject, now);
	frame->seg.reason = TETHER_REASON_NO_CONNECTION;
}

/* Step 17. Its timer runs already. */
static void send_syn(struct tether_conn *conn, struct tether_frame *frame,
		     u64 now)
{
	bool answer = conn->state == TETHER_SYN_RECEIVED;

	conn->due &= ~TETHER_DUE_SYN;
	fill(conn, frame, answer ? TETHER_SYN | TETHER_ACK : TETHER_SYN,
	     conn->iss, now);
	frame->retransmit = conn->nxt != conn->iss;
	frame->seg.mss = conn->path.local_mss;
	frame->seg.has_ack_delay = true;
	frame->seg.ack_delay = tether_ack_delay_max(conn->cfg);
	if (!answer)
		frame->seg.window = min_t(u32, TETHER_MAX_WINDOW,
					  tether_recvq_space(&conn->rcvq,
							     conn->limit));
	conn->nxt = conn->iss + 1;
}

/* Largest frame that leaves cwnd a few of them, in whole segments. */
static u32 frame_cap(const struct tether_conn *conn)
{
	const struct tether_path *path = &conn->path;
	u32 share = path->cong.cwnd / FRAMES_PER_CWND;
	u32 max = path->frame_max;

	if (path->split)
		max -= max % path->mss;
	if (share >= max)
		return max;
	return max_t(u32, share - share % path->mss, path->mss);
}

/* A frame with @len bytes from @seq on, and the FIN if it is next. */
static void send_range(struct tether_conn *conn, struct tether_frame *frame,
		       u64 seq, u32 len, u8 flags, u64 now)
{
	bool last = seq + len == conn->sndq.end;

	if (last && len)
		flags |= TETHER_PSH;
	if (last && conn->fin_queued)
		flags |= TETHER_FIN;
	if (len)
		frame->skb = tether_sendq_find(&conn->sndq, seq,
					       &frame->offset);
	fill(conn, frame, TETHER_ACK | flags, seq, now);
	frame->seg.len = len;
	if (flags & TETHER_FIN)
		conn->fin_sent = true;
	if (!conn->deadline[TETHER_TIMER_RTO])
		tether_conn_arm(conn, TETHER_TIMER_RTO, now,
				tether_conn_rto(conn));
	conn->deadline[TETHER_TIMER_PROBE] = 0;
}

/*
 * Step 18. After a time-out cwnd counts from the oldest byte; in fast recovery
 * the one frame goes out whatever cwnd is (RFC 6582 section 3.2).
 */
static bool send_again(struct tether_conn *conn, struct tether_frame *frame,
		       u64 now)
{
	const struct tether_cong *cong = &conn->path.cong;
	u64 bytes, seq = conn->rtx;

	if (!tether_before(seq, conn->rtx_end))
		return false;
	if (!cong->in_recovery && seq - conn->una >= cong->cwnd)
		return false;
	bytes = tether_before(conn->rtx_end, conn->sndq.end) ?
		conn->rtx_end : conn->sndq.end;
	bytes = tether_before(seq, bytes) ? bytes - seq : 0;
	bytes = min_t(u64, bytes, cong->in_recovery ? conn->path.frame_max :
						      frame_cap(conn));
	send_range(conn, frame, seq, bytes, 0, now);
	frame->retransmit = true;
	conn->rtx = tether_segment_end(&frame->seg);
	if (tether_after(conn->rtx, conn->nxt))
		conn->nxt = conn->rtx;
	return true;
}

/* Bytes that the peer's window lets us send now. */
static u64 usable_window(const struct tether_conn *conn)
{
	u64 edge = conn->wl2 + conn->window;

	return tether_after(edge, conn->nxt) ? edge - conn->nxt : 0;
}

/*
 * Does the rest below a full segment have to wait? While the program is still
 * writing, it does, until the probe timer loses patience. Otherwise it is
 * Nagle's rule as Minshall amended it: a small segment waits while another
 * small one is not acknowledged.
 */
static bool hold_rest(const struct tether_conn *conn)
{
	if (conn->fin_queued)
		return false;
	if (conn->more)
		return !conn->blocked || tether_conn_flight(conn);
	return !conn->nodelay && tether_conn_flight(conn) &&
	       tether_after(conn->small, conn->una);
}

/*
 * How many new bytes to send now; @avail are queued, @limit may be sent.
 * Sender's silly window avoidance: RFC 1122 section 4.2.3.4.
 */
static u32 new_bytes(const struct tether_conn *conn, u64 avail, u64 limit,
		     bool forced)
{
	u32 cap = frame_cap(conn);
	u32 len = min3(avail, limit, (u64)cap);
	u32 rest = len % conn->path.mss;

	if (len == avail && (forced || !hold_rest(conn)))
		return len;
	if (len < avail && len == cap)
		return len;
	if (len > rest)
		return len - rest;
	if (len < avail && (forced || len >= conn->max_window / 2))
		return len;
	return 0;
}

/* Steps 19 and 20. */
static bool send_new(struct tether_conn *conn, struct tether_frame *frame,
		     u64 now)
{
	const struct tether_cong *cong = &conn->path.cong;
	u64 flight = tether_conn_flight(conn);
	u64 avail, room, window = usable_window(conn);
	bool forced = conn->due & TETHER_DUE_PROBE;
	u8 flags = 0;
	u32 len;

	if (conn->fin_sent)
		return false;
	avail = conn->sndq.end - conn->nxt;
	if (!avail && !conn->fin_queued)
		return false;
	room = cong->cwnd > flight ? cong->cwnd - flight : 0;
	len = new_bytes(conn, avail, min(room, window), forced);
	if (!len && avail)
		return false;
	if (avail - len && min(room, window) - len >= conn->path.mss)
		flags |= TETHER_MORE;
	if (forced) {
		conn->due &= ~TETHER_DUE_PROBE;
		flags |= TETHER_PROBE;
	}
	send_range(conn, frame, conn->nxt, len, flags, now);
	conn->nxt = tether_segment_end(&frame->seg);
	if (len % conn->path.mss)
		conn->small = conn->nxt;
	return true;
}

/*
 * Step 21: something waits, for a window that is too small to be used or for
 * more from the program, and no ACK is to be expected that would move it on.
 */
static void watch_window(struct tether_conn *conn, u64 now)
{
	bool blocked = !conn->fin_sent && !tether_conn_flight(conn) &&
		       tether_before(conn->nxt, conn->sndq.end);

	if (!blocked)
		conn->deadline[TETHER_TIMER_PROBE] = 0;
	else if (!conn->deadline[TETHER_TIMER_PROBE])
		tether_conn_arm(conn, TETHER_TIMER_PROBE, now,
				tether_conn_rto(conn));
}

static bool send_data(struct tether_conn *conn, struct tether_frame *frame,
		      u64 now)
{
	if (!(TETHER_STATE_BIT(conn->state) & SENDING))
		return false;
	if (send_again(conn, frame, now) || send_new(conn, frame, now))
		return true;
	watch_window(conn, now);
	return false;
}

static bool can_ack(const struct tether_conn *conn)
{
	return conn->state != TETHER_CLOSED && conn->state != TETHER_LISTEN &&
	       conn->state != TETHER_SYN_SENT;
}

/**
 * tether_conn_transmit() - the next frame to send
 * @conn: the connection
 * @now: microseconds
 * @frame: filled in; valid until the next call for @conn
 *
 * The frame counts as sent. To be called until it returns false, after every
 * other call that may have made something due.
 *
 * Return: false if there is nothing to send.
 */
bool tether_conn_transmit(struct tether_conn *conn, u64 now,
			  struct tether_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	if (conn->due & TETHER_DUE_RST) {
		send_rst(conn, frame, now);
		return true;
	}
	if (conn->due & TETHER_DUE_REJECT) {
		send_reject(conn, frame, now);
		return true;
	}
	if (conn->due & TETHER_DUE_SYN) {
		send_syn(conn, frame, now);
		return true;
	}
	if (send_data(conn, frame, now))
		return true;
	if (!can_ack(conn) || !(conn->due & (TETHER_DUE_ACK |
					     TETHER_DUE_PROBE)))
		return false;
	fill(conn, frame, conn->due & TETHER_DUE_PROBE ?
	     TETHER_ACK | TETHER_PROBE : TETHER_ACK, conn->nxt, now);
	conn->due &= ~TETHER_DUE_PROBE;
	return true;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The arrival of a segment: RFC 9293 section 3.10.7, in its order.
 *
 * The numbers in the comments are the steps of Documentation/protocol.rst.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include "conn.h"

/* States in which bytes from the peer are taken. */
#define RECEIVING	(TETHER_STATE_BIT(TETHER_ESTABLISHED) |	\
			 TETHER_STATE_BIT(TETHER_FIN_WAIT1) |	\
			 TETHER_STATE_BIT(TETHER_FIN_WAIT2))

/* What is held back until this many full-sized frames came is acknowledged. */
enum {
	ACK_EVERY	= 2,	/* RFC 9293 section 3.8.6.3, SHLD-19 */
	ACK_EVERY_MORE	= 4,	/* the sender said that more follows at once */
	FRAME_DECAY	= 8,	/* the largest recent frame is forgotten by 1/8 */
};

/* The peer's error for the program, as TCP gives it. */
static int reset_errno(enum tether_state state, enum tether_reason reason)
{
	switch (state) {
	case TETHER_SYN_SENT:
	case TETHER_SYN_RECEIVED:
		if (reason == TETHER_REASON_VERSION)
			return -EPROTONOSUPPORT;
		if (reason == TETHER_REASON_OPTION)
			return -EPROTO;
		return -ECONNREFUSED;
	case TETHER_CLOSE_WAIT:
		return -EPIPE;
	default:
		return -ECONNRESET;
	}
}

static void reset_by_peer(struct tether_conn *conn,
			  const struct tether_segment *seg)
{
	int err = -reset_errno(conn->state, seg->reason);

	conn->did |= TETHER_DID_RESET;
	tether_conn_end(conn, TETHER_EV_RST, seg->reason, err);
}

/* RFC 5961: let the peer prove that it means it, but not all the time. */
static void challenge(struct tether_conn *conn, u64 now)
{
	if (!tether_challenge_allowed(&conn->challenged, now))
		return;
	conn->due |= TETHER_DUE_ACK;
	conn->did |= TETHER_DID_CHALLENGE;
}

static void sample_rtt(struct tether_conn *conn,
		       const struct tether_segment *seg, u64 now)
{
	s32 sample = (u32)now - seg->ts_echo;

	if (seg->ts_echo && sample >= 0)
		tether_rtt_sample(&conn->path.rtt, sample);
}

/*
 * Step 12. RFC 7323 section 4.3: the timestamp of what is acknowledged next.
 * Also that of bytes that have come before: if it was our ACK that got lost,
 * the round trip to measure is that of the retransmission.
 */
static void note_timestamp(struct tether_conn *conn,
			   const struct tether_segment *seg)
{
	if (!tether_after(seg->seq, conn->acked) &&
	    !tether_before(seg->seq, conn->acked - TETHER_MAX_WINDOW) &&
	    (s32)(seg->ts - conn->ts_recent) >= 0)
		conn->ts_recent = seg->ts;
}

/* The handshake is complete. */
static void opened(struct tether_conn *conn, enum tether_event event, u64 now)
{
	tether_conn_event(conn, event);
	conn->retries = 0;
	conn->path.rtt.backoff = 0;
	tether_cong_init(&conn->path.cong, conn->path.mss, conn->iss);
	tether_conn_keepalive(conn, conn->keepalive, now);
	if (conn->fin_queued) {
		conn->fin_queued = false;
		tether_conn_event(conn, TETHER_EV_CLOSE);
	}
}

/* Our SYN is acknowledged. */
static void syn_acked(struct tether_conn *conn,
		      const struct tether_segment *seg, u64 now)
{
	conn->una = seg->ack;
	conn->rtx = seg->ack;
	conn->rtx_end = seg->ack;
	conn->due &= ~TETHER_DUE_SYN;
	conn->deadline[TETHER_TIMER_RTO] = 0;
	conn->window = seg->window;
	conn->max_window = max(conn->max_window, seg->window);
	conn->wl1 = seg->seq;
	conn->wl2 = seg->ack;
	sample_rtt(conn, seg, now);
}

/* Steps 1 to 4: SYN_SENT, RFC 9293 section 3.10.7.3. */
static void arrive_syn_sent(struct tether_conn *conn,
			    struct tether_segment *seg, u64 now)
{
	bool acks = seg->flags & TETHER_ACK;

	/* 1: an acknowledgment of anything but our SYN is a stranger's */
	if (acks && (seg->ack != conn->nxt || conn->nxt == conn->iss)) {
		seg->drop = TETHER_DROP_ACK;
		if (seg->flags & TETHER_RST)
			return;
		conn->reject = seg->ack;
		conn->due |= TETHER_DUE_REJECT;
		return;
	}
	/* 2: an RST counts only if it acknowledges our SYN */
	if (seg->flags & TETHER_RST) {
		if (acks)
			reset_by_peer(conn, seg);
		else
			seg->drop = TETHER_DROP_RST;
		return;
	}
	/* 3: neither SYN nor RST */
	if (!(seg->flags & TETHER_SYN)) {
		seg->drop = TETHER_DROP_STATE;
		return;
	}
	/* 4: the SYN */
	conn->irs = seg->seq;
	conn->acked = seg->seq;
	conn->edge = seg->seq + 1;
	conn->ts_recent = seg->ts;
	tether_recvq_init(&conn->rcvq, seg->seq + 1);
	tether_path_peer(&conn->path, seg->mss, seg->ack_delay);
	if (acks) {
		syn_acked(conn, seg, now);
		opened(conn, TETHER_EV_SYN_ACK, now);
		return;
	}
	conn->window = seg->window;
	conn->max_window = seg->window;
	conn->did |= TETHER_DID_SIMULTANEOUS;
	tether_conn_event(conn, TETHER_EV_SYN);
}

/*
 * Step 5: is any of the segment inside the window? RFC 9293 section 3.10.7.4,
 * first, table 6, with three differences: a lone FIN needs no room; what has
 * been received but not acknowledged yet is no reason to refuse an ACK; and an
 * ACK may lie at the very end of the window, where a sender is that has used
 * all of it and lost some.
 */
static bool acceptable(const struct tether_conn *conn,
		       const struct tether_segment *seg)
{
	u64 nxt = tether_conn_rcv_nxt(conn);
	u64 end = tether_segment_end(seg);

	if (end == seg->seq || seg->flags & TETHER_RST)
		return !tether_before(seg->seq, conn->acked) &&
		       !tether_after(seg->seq, tether_after(nxt, conn->edge) ?
						nxt : conn->edge);
	if (!seg->len && seg->seq == nxt)
		return true;
	return tether_before(seg->seq, conn->edge) && tether_after(end, nxt);
}

/*
 * Bytes at the wrong place are answered, also if they were dropped on the way
 * here, so that the peer learns what is expected; an empty ACK at the wrong
 * place is not, lest two ends that disagree answer each other for ever.
 */
static void refuse(struct tether_conn *conn, struct tether_segment *seg,
		   u64 now)
{
	bool old = !tether_after(tether_segment_end(seg),
				 tether_conn_rcv_nxt(conn));
	bool lost = seg->drop == TETHER_DROP_MEMORY;

	if (!lost)
		seg->drop = old ? TETHER_DROP_OLD : TETHER_DROP_WINDOW;
	if (seg->flags & TETHER_RST)
		return;
	if (seg->flags & TETHER_SYN) {
		/* RFC 5961 section 4.2: wherever it lies */
		challenge(conn, now);
		return;
	}
	if (old && seg->len) {
		note_timestamp(conn, seg);
		conn->did |= TETHER_DID_OLD;
	}
	if (lost || tether_segment_end(seg) != seg->seq ||
	    seg->flags & TETHER_PROBE)
		conn->due |= TETHER_DUE_ACK | TETHER_DUE_DUPACK;
}

/* The SYN+ACK of a simultaneous open lies in front of the window. */
static bool is_simultaneous(const struct tether_conn *conn,
			    const struct tether_segment *seg)
{
	return conn->state == TETHER_SYN_RECEIVED &&
	       seg->flags & TETHER_SYN && seg->seq == conn->irs;
}

/* Step 6, RFC 5961 section 3.2; false: the segment is used up. */
static bool check_rst(struct tether_conn *conn, struct tether_segment *seg,
		      u64 now)
{
	if (!(seg->flags & TETHER_RST))
		return true;
	if (seg->seq == tether_conn_rcv_nxt(conn)) {
		reset_by_peer(conn, seg);
		return false;
	}
	seg->drop = TETHER_DROP_RST;
	challenge(conn, now);
	return false;
}

/* Step 7, RFC 5961 section 4.2; false: the segment is used up. */
static bool check_syn(struct tether_conn *conn, struct tether_segment *seg,
		      u64 now)
{
	if (!(seg->flags & TETHER_SYN))
		return true;
	if (is_simultaneous(conn, seg)) {
		if (seg->flags & TETHER_ACK)
			return true;
		tether_conn_event(conn, TETHER_EV_SYN);
		return false;
	}
	seg->drop = TETHER_DROP_SYN;
	challenge(conn, now);
	return false;
}

/* Step 8: SYN_RECEIVED; false: the segment is used up. */
static bool check_handshake(struct tether_conn *conn,
			    struct tether_segment *seg, u64 now)
{
	if (conn->state != TETHER_SYN_RECEIVED)
		return true;
	if (seg->ack != conn->iss + 1 || conn->nxt == conn->iss) {
		seg->drop = TETHER_DROP_ACK;
		conn->reject = seg->ack;
		conn->due |= TETHER_DUE_REJECT;
		return false;
	}
	if (seg->flags & TETHER_SYN && seg->mss)
		tether_path_peer(&conn->path, seg->mss, seg->ack_delay);
	syn_acked(conn, seg, now);
	opened(conn, TETHER_EV_ACK, now);
	return true;
}

/*
 * Send the oldest frame again: without more than cumulative ACKs nobody knows
 * how much is missing, but what was sent as one is lost as one.
 */
static void resend_frame(struct tether_conn *conn)
{
	const struct tether_path *path = &conn->path;

	conn->rtx = conn->una;
	conn->rtx_end = conn->una +
			min_t(u64, tether_conn_flight(conn),
			      path->split ? path->mss : path->frame_max);
}

/* RFC 6582 section 3.2: what a fresh ACK means for the window. */
static void update_cong(struct tether_conn *conn, u32 bytes, bool limited)
{
	struct tether_cong *cong = &conn->path.cong;
	u32 mss = conn->path.mss;

	if (!cong->in_recovery) {
		tether_cong_acked(cong, mss, bytes, limited);
	} else if (!tether_before(conn->una, cong->recover)) {
		tether_cong_recovered(cong, mss, tether_conn_flight(conn));
	} else {
		tether_cong_partial(cong, mss, bytes);
		resend_frame(conn);
	}
}

/* Step 9: bytes are acknowledged for the first time. */
static void fresh_ack(struct tether_conn *conn,
		      const struct tether_segment *seg, u64 now)
{
	u64 flight = tether_conn_flight(conn);
	u64 bytes = seg->ack - conn->una;

	conn->una = seg->ack;
	conn->retries = 0;
	sample_rtt(conn, seg, now);
	conn->path.rtt.backoff = 0;
	tether_sendq_ack(&conn->sndq, tether_before(conn->una, conn->sndq.end) ?
			 conn->una : conn->sndq.end);
	update_cong(conn, bytes, 2 * flight >= conn->path.cong.cwnd);
	if (tether_before(conn->rtx, conn->una))
		conn->rtx = conn->una;
	if (tether_before(conn->rtx_end, conn->rtx))
		conn->rtx_end = conn->rtx;

	/* RFC 6298 (5.2) and (5.3) */
	conn->deadline[TETHER_TIMER_RTO] = 0;
	if (tether_conn_flight(conn))
		tether_conn_arm(conn, TETHER_TIMER_RTO, now,
				tether_conn_rto(conn));
	conn->did |= TETHER_DID_WRITABLE;
}

/*
 * RFC 5681 section 2: what makes an ACK a duplicate. What had bytes that were
 * dropped on the way here is none.
 */
static bool is_dupack(const struct tether_conn *conn,
		      const struct tether_segment *seg)
{
	return !seg->len && !seg->drop &&
	       !(seg->flags & (TETHER_FIN | TETHER_PROBE)) &&
	       seg->ack == conn->una && tether_conn_flight(conn) &&
	       seg->window == conn->window;
}

/* Step 10: RFC 5681 section 3.2. */
static void duplicate_ack(struct tether_conn *conn, u64 now)
{
	struct tether_path *path = &conn->path;

	conn->did |= TETHER_DID_DUPACK;
	if (!tether_cong_dupack(&path->cong, path->mss, conn->una, conn->nxt))
		return;
	resend_frame(conn);
	conn->did |= TETHER_DID_FAST_RTX;
	tether_conn_arm(conn, TETHER_TIMER_RTO, now, tether_conn_rto(conn));
}

/*
 * What was in flight when the window closed may have been refused: it is sent
 * again, as fast as cwnd allows, without waiting for a time-out that has backed
 * off meanwhile. That does what recovery was about to do.
 */
static void window_opens(struct tether_conn *conn, u64 now)
{
	struct tether_path *path = &conn->path;

	path->rtt.backoff = 0;
	if (path->cong.in_recovery)
		tether_cong_recovered(&path->cong, path->mss,
				      tether_conn_flight(conn));
	conn->rtx = conn->una;
	conn->rtx_end = conn->nxt;
	if (tether_conn_flight(conn))
		tether_conn_arm(conn, TETHER_TIMER_RTO, now,
				tether_conn_rto(conn));
}

/* Step 11: RFC 9293 section 3.10.7.4, fifth: only newer segments count. */
static void update_window(struct tether_conn *conn,
			  const struct tether_segment *seg, u64 now)
{
	if (tether_before(seg->seq, conn->wl1) ||
	    (seg->seq == conn->wl1 && tether_before(seg->ack, conn->wl2)))
		return;
	if (!seg->window && conn->window)
		conn->did |= TETHER_DID_ZERO_WINDOW;
	if (seg->window && !conn->window)
		window_opens(conn, now);
	conn->wl1 = seg->seq;
	conn->wl2 = seg->ack;
	conn->window = seg->window;
	conn->max_window = max(conn->max_window, seg->window);
}

/* Steps 9 to 11; false: the segment is used up. */
static bool check_ack(struct tether_conn *conn, struct tether_segment *seg,
		      u64 now)
{
	/* RFC 5961 section 5.2 */
	if (tether_after(seg->ack, conn->nxt) ||
	    tether_before(seg->ack, conn->una - conn->max_window)) {
		seg->drop = TETHER_DROP_ACK;
		challenge(conn, now);
		return false;
	}
	conn->probes = 0;
	if (!conn->window)
		conn->retries = 0;
	if (tether_after(seg->ack, conn->una))
		fresh_ack(conn, seg, now);
	else if (is_dupack(conn, seg))
		duplicate_ack(conn, now);
	update_window(conn, seg, now);

	if (conn->fin_sent && conn->una == conn->sndq.end + 1 &&
	    TETHER_STATE_BIT(conn->state) &
	    (TETHER_STATE_BIT(TETHER_FIN_WAIT1) |
	     TETHER_STATE_BIT(TETHER_CLOSING) |
	     TETHER_STATE_BIT(TETHER_LAST_ACK)))
		tether_conn_event(conn, TETHER_EV_FIN_ACK);
	return conn->state != TETHER_CLOSED;
}

/* How much must come before it is acknowledged at once. */
static void schedule_ack(struct tether_conn *conn,
			 const struct tether_segment *seg, u64 now)
{
	u64 pending = tether_conn_rcv_nxt(conn) - conn->acked;
	u32 every = seg->flags & TETHER_MORE ? ACK_EVERY_MORE : ACK_EVERY;

	if (pending >= every * tether_conn_unit(conn))
		conn->due |= TETHER_DUE_ACK;
	else if (!conn->deadline[TETHER_TIMER_ACK])
		tether_conn_arm(conn, TETHER_TIMER_ACK, now,
				READ_ONCE(conn->cfg->ack_delay));
}

static void note_frame_size(struct tether_conn *conn, u32 len)
{
	if (len >= conn->frame)
		conn->frame = len;
	else if (len >= conn->path.mss)
		conn->frame -= (conn->frame - len) / FRAME_DECAY;
}

/*
 * Bytes inside the window were refused for want of memory. The peer is told
 * that the window is closed, so that it asks for ever, but does not think that
 * nobody answers; and whoever waits for more bytes that there is no more.
 */
static void starve(struct tether_conn *conn)
{
	conn->starved = true;
	conn->due |= TETHER_DUE_ACK;
	if (tether_recvq_avail(&conn->rcvq))
		conn->did |= TETHER_DID_READABLE;
}

/* The text was dropped on the way here; what is old is not missed. */
static void miss_text(struct tether_conn *conn,
		      const struct tether_segment *seg)
{
	if (tether_before(seg->seq, conn->rcvq.nxt))
		conn->due |= TETHER_DUE_ACK | TETHER_DUE_DUPACK;
	else
		starve(conn);
}

/* Step 13, the bytes; @skb is taken over. */
static void receive(struct tether_conn *conn, struct tether_segment *seg,
		    struct sk_buff *skb, u64 now)
{
	bool hole = !skb_queue_empty(&conn->rcvq.ooo);

	note_frame_size(conn, seg->len);
	switch (tether_recvq_add(&conn->rcvq, skb, seg->seq, conn->limit)) {
	case TETHER_RECVQ_READY:
		conn->did |= TETHER_DID_READABLE;
		if (hole)
			conn->due |= TETHER_DUE_ACK;
		else
			schedule_ack(conn, seg, now);
		break;
	case TETHER_RECVQ_OOO:
		conn->did |= TETHER_DID_OOO;
		conn->due |= TETHER_DUE_ACK | TETHER_DUE_DUPACK;
		break;
	case TETHER_RECVQ_OLD:
		seg->drop = TETHER_DROP_OLD;
		conn->did |= TETHER_DID_OLD;
		conn->due |= TETHER_DUE_ACK | TETHER_DUE_DUPACK;
		break;
	case TETHER_RECVQ_FULL:
		seg->drop = TETHER_DROP_MEMORY;
		conn->did |= TETHER_DID_FULL;
		starve(conn);
		break;
	}
}

/* Cut off what lies behind the window, and a FIN with it. */
static bool trim(struct tether_conn *conn, struct tether_segment *seg,
		 struct sk_buff *skb)
{
	u64 room = conn->edge - seg->seq;

	if (seg->len <= room)
		return true;
	if (!room || pskb_trim(skb, room)) {
		seg->drop = TETHER_DROP_WINDOW;
		return false;
	}
	seg->len = room;
	seg->flags &= ~TETHER_FIN;
	return true;
}

/* Step 13: the segment's text; @skb is taken over. */
static void take_text(struct tether_conn *conn, struct tether_segment *seg,
		      struct sk_buff *skb, u64 now)
{
	if (seg->drop == TETHER_DROP_MEMORY)
		miss_text(conn, seg);
	if (!seg->len)
		goto free;
	if (!(TETHER_STATE_BIT(conn->state) & RECEIVING) || conn->fin_rcvd ||
	    (conn->fin_seen &&
	     tether_after(seg->seq + seg->len, conn->fin_seq))) {
		seg->drop = TETHER_DROP_STATE;
		conn->due |= TETHER_DUE_ACK;
		goto free;
	}
	if (!trim(conn, seg, skb)) {
		conn->due |= TETHER_DUE_ACK | TETHER_DUE_DUPACK;
		goto free;
	}
	receive(conn, seg, skb, now);
	return;
free:
	kfree_skb(skb);
}

/* Step 14: the FIN, once all before it has come. */
static void take_fin(struct tether_conn *conn, const struct tether_segment *seg)
{
	if (seg->flags & TETHER_FIN && !conn->fin_seen &&
	    !tether_before(seg->seq + seg->len, conn->rcvq.nxt)) {
		conn->fin_seen = true;
		conn->fin_seq = seg->seq + seg->len;
	}
	if (!conn->fin_seen || conn->fin_rcvd ||
	    conn->rcvq.nxt != conn->fin_seq) {
		if (seg->flags & TETHER_FIN)
			conn->due |= TETHER_DUE_ACK;
		return;
	}
	conn->fin_rcvd = true;
	conn->did |= TETHER_DID_PEER_FIN;
	if (conn->state == TETHER_FIN_WAIT1)
		conn->did |= TETHER_DID_SIMULTANEOUS;
	tether_conn_event(conn, TETHER_EV_FIN);
}

/* A program that will never read must not make the peer believe it will. */
static bool deaf_ears(struct tether_conn *conn,
		      const struct tether_segment *seg)
{
	u32 states = TETHER_STATE_BIT(TETHER_FIN_WAIT1) |
		     TETHER_STATE_BIT(TETHER_FIN_WAIT2);

	return (conn->orphan || (conn->deaf &&
				 TETHER_STATE_BIT(conn->state) & states)) &&
	       seg->len && !conn->fin_rcvd &&
	       tether_after(seg->seq + seg->len, conn->rcvq.nxt);
}

/* Steps 5 to 14: all states behind SYN_SENT; @skb is taken over. */
static void arrive_synchronized(struct tether_conn *conn,
				struct tether_segment *seg,
				struct sk_buff *skb, u64 now)
{
	if (!is_simultaneous(conn, seg) && !acceptable(conn, seg)) {
		refuse(conn, seg, now);
		goto free;
	}
	if (!check_rst(conn, seg, now) || !check_syn(conn, seg, now) ||
	    !check_handshake(conn, seg, now) || !check_ack(conn, seg, now))
		goto free;
	conn->last_recv = now;
	if (conn->state == TETHER_TIME_WAIT)
		goto free;
	if (deaf_ears(conn, seg)) {
		seg->drop = TETHER_DROP_STATE;
		tether_conn_end(conn, TETHER_EV_ABORT, TETHER_REASON_CLOSED,
				ECONNRESET);
		goto free;
	}
	note_timestamp(conn, seg);
	if (seg->flags & TETHER_PROBE)
		conn->due |= TETHER_DUE_ACK;
	take_text(conn, seg, skb, now);
	take_fin(conn, seg);
	return;
free:
	kfree_skb(skb);
}

/*
 * Of other versions nothing is known but words 0 to 2: a peer that refuses our
 * SYN for its version is known by the ports alone.
 */
static void arrive_other_version(struct tether_conn *conn,
				 struct tether_segment *seg)
{
	if (conn->state == TETHER_SYN_SENT && seg->flags & TETHER_RST &&
	    seg->reason == TETHER_REASON_VERSION) {
		seg->drop = TETHER_DROP_NONE;
		reset_by_peer(conn, seg);
	} else {
		seg->drop = TETHER_DROP_VERSION;
	}
}

/**
 * tether_conn_segment() - a segment arrives
 * @conn: the connection; not in LISTEN
 * @path: the path it came by
 * @seg: its header; @seg->drop says why it was not used, if so. The caller has
 *	set it if it dropped the payload, for which @seg->len is 0 then
 * @skb: its payload, @seg->len bytes; taken over
 * @now: microseconds
 *
 * Return: mask of enum tether_did.
 */
u32 tether_conn_segment(struct tether_conn *conn, struct tether_path *path,
			struct tether_segment *seg, struct sk_buff *skb,
			u64 now)
{
	if (seg->version != TETHER_VERSION) {
		arrive_other_version(conn, seg);
		kfree_skb(skb);
		return tether_conn_result(conn);
	}
	switch (conn->state) {
	case TETHER_CLOSED:
	case TETHER_LISTEN:
	case TETHER_TIME_WAIT:
	case TETHER_STATE_MAX:
		seg->drop = TETHER_DROP_STATE;
		kfree_skb(skb);
		break;
	case TETHER_SYN_SENT:
		arrive_syn_sent(conn, seg, now);
		kfree_skb(skb);
		break;
	case TETHER_SYN_RECEIVED:
	case TETHER_ESTABLISHED:
	case TETHER_FIN_WAIT1:
	case TETHER_FIN_WAIT2:
	case TETHER_CLOSE_WAIT:
	case TETHER_CLOSING:
	case TETHER_LAST_ACK:
		arrive_synchronized(conn, seg, skb, now);
		break;
	}
	return tether_conn_result(conn);
}

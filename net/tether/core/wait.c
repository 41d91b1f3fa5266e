// SPDX-License-Identifier: GPL-2.0
/* TIME_WAIT: what is left of a connection so that late segments do no harm. */

#include <linux/kernel.h>
#include <linux/string.h>
#include "conn.h"
#include "wait.h"

/**
 * tether_wait_init() - take over from a connection in TIME_WAIT
 * @wait: filled in
 * @conn: the connection
 * @now: microseconds
 */
void tether_wait_init(struct tether_wait *wait, const struct tether_conn *conn,
		      u64 now)
{
	*wait = (struct tether_wait){
		.state		= conn->state,
		.snd_nxt	= conn->nxt,
		.rcv_nxt	= tether_conn_rcv_nxt(conn),
		.deadline	= now + READ_ONCE(conn->cfg->time_wait),
		.time_wait	= READ_ONCE(conn->cfg->time_wait),
		.ts_recent	= conn->ts_recent,
		.sport		= conn->sport,
		.dport		= conn->dport,
	};
}

/* What a segment is to a connection in TIME_WAIT. */
static enum tether_event event_of(const struct tether_wait *wait,
				  const struct tether_segment *seg)
{
	if (seg->flags & TETHER_RST)
		return TETHER_EV_RST;
	if (seg->flags & TETHER_SYN)
		return !(seg->flags & TETHER_ACK) &&
		       tether_after(seg->seq, wait->rcv_nxt) ?
		       TETHER_EV_SYN : TETHER_EV_SYN_ACK;
	if (seg->flags & TETHER_FIN &&
	    tether_segment_end(seg) == wait->rcv_nxt)
		return TETHER_EV_FIN;
	return TETHER_EV_ACK;
}

/**
 * tether_wait_segment() - a segment for a connection in TIME_WAIT
 * @wait: the remains of the connection
 * @seg: the segment
 * @now: microseconds
 *
 * RFC 9293 section 3.10.7.4. An RST does nothing (RFC 1337); a SYN above all
 * that the old connection sent begins a new one (MAY-2; initial sequence
 * numbers rise, so that it is enough); a FIN that came again starts the wait
 * anew; any other bytes are answered with an ACK, at most once in
 * TETHER_CHALLENGE_INTERVAL.
 *
 * Return: what to do; seg->drop says why the segment was not used.
 */
enum tether_wait_did tether_wait_segment(struct tether_wait *wait,
					 struct tether_segment *seg, u64 now)
{
	unsigned int act = tether_state_next(&wait->state,
					     event_of(wait, seg));

	if (act & TETHER_ACT_GONE)
		return TETHER_WAIT_REOPEN;
	if (act & TETHER_ACT_WAIT)
		wait->deadline = now + wait->time_wait;
	seg->drop = seg->flags & TETHER_RST ? TETHER_DROP_RST :
		    seg->flags & TETHER_SYN ? TETHER_DROP_SYN : TETHER_DROP_OLD;
	if (!(seg->flags & TETHER_RST) &&
	    (act & TETHER_ACT_ACK || seg->len || seg->flags & TETHER_PROBE) &&
	    tether_challenge_allowed(&wait->answered, now))
		return TETHER_WAIT_REPLY;
	return TETHER_WAIT_DROP;
}

/**
 * tether_wait_timer() - time has passed
 * @wait: the remains of the connection
 * @now: microseconds
 *
 * Return: TETHER_WAIT_GONE if the wait is over, else TETHER_WAIT_DROP.
 */
enum tether_wait_did tether_wait_timer(struct tether_wait *wait, u64 now)
{
	if (now < wait->deadline)
		return TETHER_WAIT_DROP;
	tether_state_next(&wait->state, TETHER_EV_TIMEOUT);
	return TETHER_WAIT_GONE;
}

/**
 * tether_wait_frame() - the ACK that answers a late segment
 * @wait: the remains of the connection
 * @now: microseconds
 * @frame: filled in
 */
void tether_wait_frame(const struct tether_wait *wait, u64 now,
		       struct tether_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	frame->seg = (struct tether_segment){
		.version	= TETHER_VERSION,
		.type		= TETHER_TYPE_STREAM,
		.flags		= TETHER_ACK,
		.sport		= wait->sport,
		.dport		= wait->dport,
		.seq		= wait->snd_nxt,
		.ack		= wait->rcv_nxt,
		.ts		= (u32)now ? (u32)now : 1,
		.ts_echo	= wait->ts_recent,
	};
}

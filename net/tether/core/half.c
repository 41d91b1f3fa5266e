// SPDX-License-Identifier: GPL-2.0
/* The half-open connection: LISTEN's answer to a SYN, until the final ACK. */

#include <linux/kernel.h>
#include <linux/string.h>
#include "half.h"

#define BACKOFF_MAX	16

/* What a segment is to a listener. */
static enum tether_event listen_event(const struct tether_segment *seg)
{
	if (seg->flags & TETHER_RST)
		return TETHER_EV_RST;
	if (seg->flags & TETHER_ACK)
		return TETHER_EV_ACK;
	return TETHER_EV_SYN;
}

/**
 * tether_listen_segment() - a segment for a listener
 * @seg: the segment, of no half-open connection; tether_wire_parse() has
 *	checked that it has SYN, RST or ACK
 *
 * RFC 9293 section 3.10.7.2.
 *
 * Return: what to do.
 */
enum tether_listen tether_listen_segment(struct tether_segment *seg)
{
	enum tether_state state = TETHER_LISTEN;
	unsigned int act = tether_state_next(&state, listen_event(seg));

	if (act & TETHER_ACT_SYN)
		return TETHER_LISTEN_SYN;
	if (act & TETHER_ACT_RST)
		return TETHER_LISTEN_RESET;
	seg->drop = TETHER_DROP_STATE;
	return TETHER_LISTEN_DROP;
}

/**
 * tether_half_init() - answer a SYN
 * @half: filled in
 * @cfg: parameters
 * @seg: the SYN
 * @iss: our initial sequence number
 * @local_mss: largest payload we can take
 * @rcv_window: bytes we can take
 * @now: microseconds
 *
 * The SYN+ACK is to be sent next: tether_half_frame().
 */
void tether_half_init(struct tether_half *half,
		      const struct tether_config *cfg,
		      const struct tether_segment *seg, u64 iss, u16 local_mss,
		      u32 rcv_window, u64 now)
{
	*half = (struct tether_half){
		.state		= TETHER_LISTEN,
		.cfg		= cfg,
		.iss		= iss,
		.irs		= seg->seq,
		.window		= seg->window,
		.rcv_window	= min_t(u32, rcv_window, TETHER_MAX_WINDOW),
		.ts_recent	= seg->ts,
		.peer_ack_delay	= seg->ack_delay,
		.sent		= now,
		.sport		= seg->dport,
		.dport		= seg->sport,
		.local_mss	= local_mss,
		.peer_mss	= seg->mss,
	};
	tether_state_next(&half->state, TETHER_EV_SYN);
}

static enum tether_half_did refuse(struct tether_segment *seg,
				   enum tether_drop drop,
				   enum tether_half_did did)
{
	seg->drop = drop;
	return did;
}

/* The SYN+ACK again, unless it has just been sent. */
static enum tether_half_did reply(const struct tether_half *half,
				  struct tether_segment *seg,
				  enum tether_drop drop, u64 now)
{
	u64 last = half->sent;

	return refuse(seg, drop, tether_challenge_allowed(&last, now) ?
		      TETHER_HALF_REPLY : TETHER_HALF_KEEP);
}

/**
 * tether_half_segment() - a segment for a half-open connection
 * @half: the half-open connection
 * @seg: the segment
 * @now: microseconds
 *
 * RFC 9293 section 3.10.7.4 for SYN_RECEIVED. A SYN, the same or another, gets
 * the SYN+ACK again: if the peer has started anew, it answers that with the
 * RST that makes us forget the old one (section 3.5.1). That is done at most
 * once in TETHER_CHALLENGE_INTERVAL.
 *
 * Return: what to do; seg->drop says why the segment was not used.
 */
enum tether_half_did tether_half_segment(struct tether_half *half,
					 struct tether_segment *seg, u64 now)
{
	u64 offset = seg->seq - (half->irs + 1);

	if (seg->flags & TETHER_RST) {
		if (offset)
			return refuse(seg, TETHER_DROP_RST, TETHER_HALF_KEEP);
		tether_state_next(&half->state, TETHER_EV_RST);
		return TETHER_HALF_GONE;
	}
	if (seg->flags & TETHER_SYN)
		return reply(half, seg, TETHER_DROP_SYN, now);
	if (seg->ack != half->iss + 1)
		return refuse(seg, TETHER_DROP_ACK, TETHER_HALF_RESET);
	if (offset > half->rcv_window)
		return reply(half, seg, TETHER_DROP_WINDOW, now);
	return TETHER_HALF_OPEN;
}

/**
 * tether_half_timer() - time has passed
 * @half: the half-open connection
 * @now: microseconds
 *
 * Return: TETHER_HALF_KEEP before the deadline, TETHER_HALF_REPLY if the
 * SYN+ACK is to be sent again, TETHER_HALF_GONE if it was sent often enough.
 */
enum tether_half_did tether_half_timer(struct tether_half *half, u64 now)
{
	if (now < half->deadline)
		return TETHER_HALF_KEEP;
	if (half->retries >= READ_ONCE(half->cfg->synack_retries)) {
		tether_state_next(&half->state, TETHER_EV_TIMEOUT);
		return TETHER_HALF_GONE;
	}
	half->retries++;
	return TETHER_HALF_REPLY;
}

/**
 * tether_half_frame() - the SYN+ACK
 * @half: the half-open connection
 * @now: microseconds
 * @frame: filled in
 *
 * Sets the deadline of the next one: RFC 6298 (5.5), from the initial RTO.
 */
void tether_half_frame(struct tether_half *half, u64 now,
		       struct tether_frame *frame)
{
	u64 rto = (u64)READ_ONCE(half->cfg->rto_init) <<
		  min_t(u8, half->retries, BACKOFF_MAX);

	memset(frame, 0, sizeof(*frame));
	frame->seg = (struct tether_segment){
		.version	= TETHER_VERSION,
		.type		= TETHER_TYPE_STREAM,
		.flags		= TETHER_SYN | TETHER_ACK,
		.sport		= half->sport,
		.dport		= half->dport,
		.seq		= half->iss,
		.ack		= half->irs + 1,
		.window		= half->rcv_window,
		.ts		= (u32)now ? (u32)now : 1,
		.ts_echo	= half->ts_recent,
		.mss		= half->local_mss,
		.has_ack_delay	= true,
		.ack_delay	= tether_ack_delay_max(half->cfg),
	};
	frame->retransmit = half->retries;
	half->sent = now;
	half->deadline = now + min_t(u64, rto, READ_ONCE(half->cfg->rto_max));
}

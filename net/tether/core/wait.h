/* SPDX-License-Identifier: GPL-2.0 */
/* TIME_WAIT: what is left of a connection so that late segments do no harm. */
#ifndef _TETHER_CORE_WAIT_H
#define _TETHER_CORE_WAIT_H

#include <linux/types.h>
#include "config.h"
#include "state.h"
#include "wire.h"

struct tether_conn;

/**
 * enum tether_wait_did - what TIME_WAIT does with a segment
 * @TETHER_WAIT_DROP: nothing; seg->drop says why
 * @TETHER_WAIT_REPLY: send an ACK (tether_wait_frame()); the deadline may
 *	have moved
 * @TETHER_WAIT_REOPEN: a SYN of a new connection: forget the old one and
 *	hand the segment to the listener
 * @TETHER_WAIT_GONE: the time is over
 */
enum tether_wait_did {
	TETHER_WAIT_DROP,
	TETHER_WAIT_REPLY,
	TETHER_WAIT_REOPEN,
	TETHER_WAIT_GONE,
};

/**
 * struct tether_wait - a connection in TIME_WAIT
 * @state: TETHER_TIME_WAIT, then TETHER_CLOSED
 * @snd_nxt: our next sequence number
 * @rcv_nxt: the peer's next sequence number
 * @deadline: when it is over
 * @answered: when a segment was answered last, 0 for never
 * @time_wait: the length of the wait
 * @ts_recent: the peer's latest timestamp
 * @sport: local port
 * @dport: the peer's port
 *
 * Owner: whoever holds the lock of its hash bucket.
 */
struct tether_wait {
	enum tether_state	state;
	u64			snd_nxt;
	u64			rcv_nxt;
	u64			deadline;
	u64			answered;
	u32			time_wait;
	u32			ts_recent;
	u16			sport;
	u16			dport;
};

void tether_wait_init(struct tether_wait *wait, const struct tether_conn *conn,
		      u64 now);
enum tether_wait_did tether_wait_segment(struct tether_wait *wait,
					 struct tether_segment *seg, u64 now);
enum tether_wait_did tether_wait_timer(struct tether_wait *wait, u64 now);
void tether_wait_frame(const struct tether_wait *wait, u64 now,
		       struct tether_frame *frame);

#endif /* _TETHER_CORE_WAIT_H */

// SPDX-License-Identifier: GPL-2.0
/* Congestion control: Reno (RFC 5681) with NewReno recovery (RFC 6582). */

#include <linux/kernel.h>
#include "cong.h"
#include "wire.h"

enum {
	DUPACK_THRESHOLD	= 3,		/* RFC 5681 section 3.2 */
	INITIAL_SEGMENTS	= 10,		/* RFC 6928 section 2 */
	INITIAL_BYTES		= 14600,	/* RFC 6928 section 2 */
	CWND_MAX		= 1 << 30,	/* the largest window there is */
};

static u32 half_flight(u32 mss, u32 flight)
{
	return max(flight / 2, 2 * mss);
}

/**
 * tether_cong_init() - start of a connection
 * @cong: the state
 * @mss: largest segment
 * @seq: our initial sequence number
 *
 * The initial window is that of RFC 6928; ssthresh is as high as it can be.
 */
void tether_cong_init(struct tether_cong *cong, u32 mss, u64 seq)
{
	cong->cwnd = min_t(u32, INITIAL_SEGMENTS * mss,
			   max_t(u32, 2 * mss, INITIAL_BYTES));
	cong->ssthresh = CWND_MAX;
	cong->acked = 0;
	cong->recover = seq;
	cong->dupacks = 0;
	cong->in_recovery = false;
}

/**
 * tether_cong_acked() - new bytes were acknowledged outside of recovery
 * @cong: the state
 * @mss: largest segment
 * @bytes: how many
 * @limited: the window was in use; if not, it must not grow
 *
 * Slow start grows by the bytes acknowledged, not by the ACKs, as an ACK here
 * covers a super-frame (RFC 3465 with L unlimited, what Linux TCP does);
 * congestion avoidance grows by one segment a window (RFC 5681 section 3.1).
 */
void tether_cong_acked(struct tether_cong *cong, u32 mss, u32 bytes,
		       bool limited)
{
	cong->dupacks = 0;
	if (!limited || cong->cwnd >= CWND_MAX)
		return;
	if (cong->cwnd < cong->ssthresh) {
		u32 room = cong->ssthresh - cong->cwnd;

		cong->cwnd += min(bytes, room);
		bytes -= min(bytes, room);
	}
	cong->acked += bytes;
	if (bytes && cong->acked >= cong->cwnd) {
		cong->acked -= cong->cwnd;
		cong->cwnd += mss;
	}
}

/**
 * tether_cong_dupack() - a duplicate ACK
 * @cong: the state
 * @mss: largest segment
 * @una: oldest byte not acknowledged
 * @nxt: end of what has been sent
 *
 * RFC 6582 section 3.2, steps 2 and 3: no second reduction for losses of the
 * same window.
 *
 * Return: true if the segment at @una is to be retransmitted now.
 */
bool tether_cong_dupack(struct tether_cong *cong, u32 mss, u64 una, u64 nxt)
{
	if (cong->in_recovery) {
		cong->cwnd = min_t(u32, cong->cwnd + mss, CWND_MAX);
		return false;
	}
	if (cong->dupacks < DUPACK_THRESHOLD)
		cong->dupacks++;
	else
		return false;
	if (cong->dupacks < DUPACK_THRESHOLD ||
	    !tether_after(una, cong->recover))
		return false;
	cong->ssthresh = half_flight(mss, nxt - una);
	cong->cwnd = cong->ssthresh + DUPACK_THRESHOLD * mss;
	cong->acked = 0;
	cong->recover = nxt;
	cong->in_recovery = true;
	return true;
}

/**
 * tether_cong_partial() - an ACK in recovery that does not cover all
 * @cong: the state
 * @mss: largest segment
 * @bytes: newly acknowledged
 *
 * RFC 6582 section 3.2 step 3, partial acknowledgments: deflate by what left
 * the network, add one segment for the retransmission.
 */
void tether_cong_partial(struct tether_cong *cong, u32 mss, u32 bytes)
{
	cong->cwnd -= min(bytes, cong->cwnd);
	cong->cwnd = max(cong->cwnd + mss, mss);
}

/**
 * tether_cong_recovered() - the ACK that ends recovery
 * @cong: the state
 * @mss: largest segment
 * @flight: bytes still in flight
 *
 * RFC 6582 section 3.2 step 3, full acknowledgments, option 1: no burst.
 */
void tether_cong_recovered(struct tether_cong *cong, u32 mss, u32 flight)
{
	cong->cwnd = min(cong->ssthresh, max(flight, mss) + mss);
	cong->dupacks = 0;
	cong->in_recovery = false;
}

/**
 * tether_cong_rto() - the retransmission timer ran out
 * @cong: the state
 * @mss: largest segment
 * @flight: bytes in flight
 * @nxt: end of what has been sent
 * @first: not a repeated time-out for the same bytes
 *
 * RFC 5681 section 3.1 (ssthresh once, loss window of one segment), RFC 6582
 * section 4 (no fast retransmit for what was sent before).
 */
void tether_cong_rto(struct tether_cong *cong, u32 mss, u32 flight, u64 nxt,
		     bool first)
{
	if (first)
		cong->ssthresh = half_flight(mss, flight);
	cong->cwnd = mss;
	cong->acked = 0;
	cong->recover = nxt;
	cong->dupacks = 0;
	cong->in_recovery = false;
}

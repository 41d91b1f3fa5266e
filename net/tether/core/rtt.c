// SPDX-License-Identifier: GPL-2.0
/* Round-trip time and retransmission time-out (RFC 6298). */

#include <linux/kernel.h>
#include "config.h"
#include "rtt.h"

/* RFC 6298 keeps no samples above this; it also keeps the sums in 32 bits. */
#define RTT_MAX		(60 * TETHER_USEC_PER_SEC)
#define BACKOFF_MAX	16

/**
 * tether_rtt_init() - start without a sample
 * @rtt: the estimator
 */
void tether_rtt_init(struct tether_rtt *rtt)
{
	rtt->srtt8 = 0;
	rtt->var4 = 0;
	rtt->min = U32_MAX;
	rtt->last = 0;
	rtt->backoff = 0;
}

/**
 * tether_rtt_sample() - take in a measured round trip
 * @rtt: the estimator
 * @sample: microseconds; 0 counts as 1
 *
 * RFC 6298 section 2, with alpha = 1/8 and beta = 1/4, in fixed point.
 */
void tether_rtt_sample(struct tether_rtt *rtt, u32 sample)
{
	s32 delta;

	sample = clamp_t(u32, sample, 1, RTT_MAX);
	rtt->last = sample;
	rtt->min = min(rtt->min, sample);
	if (!rtt->srtt8) {
		rtt->srtt8 = sample * 8;
		rtt->var4 = sample * 2;
		return;
	}
	delta = (s32)sample - (s32)(rtt->srtt8 / 8);
	rtt->var4 += abs(delta) - (s32)(rtt->var4 / 4);
	rtt->srtt8 += delta;
}

/**
 * tether_rtt_base() - RTO without backoff
 * @rtt: the estimator
 * @cfg: rto_init, rto_min, tick
 * @ack_delay: how long the peer may hold an ACK, microseconds
 *
 * RFC 6298 (2.2), (2.3), with a floor for a link: the peer may hold its ACK
 * for as long as it has announced, and the timer is as coarse as its tick.
 *
 * Return: microseconds.
 */
u32 tether_rtt_base(const struct tether_rtt *rtt,
		    const struct tether_config *cfg, u32 ack_delay)
{
	u32 srtt = rtt->srtt8 / 8;
	u32 rto;

	if (!rtt->srtt8)
		return READ_ONCE(cfg->rto_init);
	rto = srtt + max(cfg->tick, rtt->var4);
	rto = max(rto, srtt + ack_delay + cfg->tick);
	return max(rto, READ_ONCE(cfg->rto_min));
}

/**
 * tether_rtt_rto() - RTO with backoff
 * @rtt: the estimator
 * @cfg: rto_init, rto_min, rto_max, tick
 * @ack_delay: how long the peer may hold an ACK, microseconds
 *
 * RFC 6298 (5.5): doubled for every time-out, up to rto_max.
 *
 * Return: microseconds.
 */
u32 tether_rtt_rto(const struct tether_rtt *rtt,
		   const struct tether_config *cfg, u32 ack_delay)
{
	u64 rto = tether_rtt_base(rtt, cfg, ack_delay);

	rto <<= min_t(u8, rtt->backoff, BACKOFF_MAX);
	return min_t(u64, rto, READ_ONCE(cfg->rto_max));
}

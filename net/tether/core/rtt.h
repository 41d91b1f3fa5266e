/* SPDX-License-Identifier: GPL-2.0 */
/* Round-trip time and retransmission time-out (RFC 6298). */
#ifndef _TETHER_CORE_RTT_H
#define _TETHER_CORE_RTT_H

#include <linux/types.h>

/**
 * struct tether_rtt - estimator of one path, all times in microseconds
 * @srtt8: smoothed RTT times 8; 0 before the first sample
 * @var4: RTT variation times 4
 * @min: smallest sample, U32_MAX before the first
 * @last: latest sample
 * @backoff: doublings of the RTO since the last fresh acknowledgment
 */
struct tether_rtt {
	u32	srtt8;
	u32	var4;
	u32	min;
	u32	last;
	u8	backoff;
};

struct tether_config;

void tether_rtt_init(struct tether_rtt *rtt);
void tether_rtt_sample(struct tether_rtt *rtt, u32 sample);
u32 tether_rtt_base(const struct tether_rtt *rtt,
		    const struct tether_config *cfg, u32 ack_delay);
u32 tether_rtt_rto(const struct tether_rtt *rtt,
		   const struct tether_config *cfg, u32 ack_delay);

#endif /* _TETHER_CORE_RTT_H */

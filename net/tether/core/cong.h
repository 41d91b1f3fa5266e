/* SPDX-License-Identifier: GPL-2.0 */
/* Congestion control: slow start, avoidance, fast recovery (RFC 5681, 6582). */
#ifndef _TETHER_CORE_CONG_H
#define _TETHER_CORE_CONG_H

#include <linux/types.h>

/**
 * struct tether_cong - congestion state of one path, in bytes
 * @cwnd: congestion window
 * @ssthresh: slow start threshold
 * @acked: bytes acknowledged since cwnd last grew, in congestion avoidance
 * @recover: end of what was sent when fast recovery began (RFC 6582)
 * @dupacks: duplicate ACKs in a row
 * @in_recovery: between the third duplicate ACK and the ACK of @recover
 */
struct tether_cong {
	u32	cwnd;
	u32	ssthresh;
	u32	acked;
	u64	recover;
	u8	dupacks;
	bool	in_recovery;
};

void tether_cong_init(struct tether_cong *cong, u32 mss, u64 seq);
void tether_cong_acked(struct tether_cong *cong, u32 mss, u32 bytes,
		       bool limited);
bool tether_cong_dupack(struct tether_cong *cong, u32 mss, u64 una, u64 nxt);
void tether_cong_partial(struct tether_cong *cong, u32 mss, u32 bytes);
void tether_cong_recovered(struct tether_cong *cong, u32 mss, u32 flight);
void tether_cong_rto(struct tether_cong *cong, u32 mss, u32 flight, u64 nxt,
		     bool first);

#endif /* _TETHER_CORE_CONG_H */

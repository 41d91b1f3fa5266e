/* SPDX-License-Identifier: GPL-2.0 */
/* The knobs of the protocol; the shell fills them from sysctls. */
#ifndef _TETHER_CORE_CONFIG_H
#define _TETHER_CORE_CONFIG_H

#include <linux/compiler.h>
#include <linux/types.h>

#define TETHER_USEC_PER_MSEC	1000U
#define TETHER_USEC_PER_SEC	1000000U

/*
 * Least time between two challenge ACKs, or repeated SYN+ACKs, of a connection
 * (RFC 5961 section 7): half of the usual least RTO, so that none that a peer
 * waits for is held back. Each connection has its own limit: what others can
 * observe must not depend on it.
 */
#define TETHER_CHALLENGE_INTERVAL	10000U

/**
 * struct tether_config - protocol parameters of a namespace; times in us
 * @rto_init: RTO before the first RTT sample
 * @rto_min: smallest RTO
 * @rto_max: largest RTO, backoff included
 * @ack_delay: how long an ACK may be delayed; announced in SYNs
 * @tick: resolution of the shell's timer, added to time-outs
 * @time_wait: stay in TIME_WAIT
 * @orphan_timeout: stay of a closed socket's connection in any other state
 * @keep_idle: idle time before the first keepalive probe
 * @keep_interval: time between unanswered keepalive probes
 * @keep_probes: unanswered keepalive probes before the connection is given up
 * @syn_retries: retransmissions of a SYN
 * @synack_retries: retransmissions of a SYN+ACK
 * @retries: retransmissions of data in a row (R2 of RFC 9293 section 3.8.3)
 *
 * Each field is read with READ_ONCE() semantics: a sysctl may change it.
 */
struct tether_config {
	u32	rto_init;
	u32	rto_min;
	u32	rto_max;
	u32	ack_delay;
	u32	tick;
	u32	time_wait;
	u32	orphan_timeout;
	u64	keep_idle;
	u64	keep_interval;
	u8	keep_probes;
	u8	syn_retries;
	u8	synack_retries;
	u8	retries;
};

/* What a SYN announces: an ACK is late by what the timer is late, too. */
static inline u32 tether_ack_delay_max(const struct tether_config *cfg)
{
	return READ_ONCE(cfg->ack_delay) + cfg->tick;
}

/* May a segment at the wrong place be answered? @last: when one was. */
static inline bool tether_challenge_allowed(u64 *last, u64 now)
{
	if (*last && now - *last < TETHER_CHALLENGE_INTERVAL)
		return false;
	*last = now;
	return true;
}

#endif /* _TETHER_CORE_CONFIG_H */

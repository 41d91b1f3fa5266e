/* SPDX-License-Identifier: GPL-2.0 */
/* The send queue: bytes from the program until the peer acknowledges them. */
#ifndef _TETHER_CORE_SENDQ_H
#define _TETHER_CORE_SENDQ_H

#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct tether_sendq - bytes that the peer has not acknowledged
 * @skbs: payload only, oldest first; no socket, no destructor
 * @start: sequence number of the first byte of the first skb
 * @end: sequence number behind the last byte
 * @hint: where the last look-up ended, or NULL
 * @hint_seq: sequence number of the first byte of @hint
 * @truesize: sum over @skbs
 *
 * Bytes below the connection's una stay while the skb that holds them has
 * others: @start may be older than una.
 */
struct tether_sendq {
	struct sk_buff_head	skbs;
	u64			start;
	u64			end;
	struct sk_buff		*hint;
	u64			hint_seq;
	u32			truesize;
};

void tether_sendq_init(struct tether_sendq *q, u64 seq);
void tether_sendq_push(struct tether_sendq *q, struct sk_buff *skb);
struct sk_buff *tether_sendq_tail(struct tether_sendq *q);
void tether_sendq_grow(struct tether_sendq *q, u32 bytes, u32 truesize);
struct sk_buff *tether_sendq_find(struct tether_sendq *q, u64 seq,
				  u32 *offset);
void tether_sendq_ack(struct tether_sendq *q, u64 una);
void tether_sendq_purge(struct tether_sendq *q);

#endif /* _TETHER_CORE_SENDQ_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The receive queue: bytes from the peer until the program reads them. */
#ifndef _TETHER_CORE_RECVQ_H
#define _TETHER_CORE_RECVQ_H

#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct tether_recv_cb - what the receive queue keeps in skb->cb
 * @seq: sequence number of the first byte of the skb
 */
struct tether_recv_cb {
	u64	seq;
};

#define TETHER_RECV_CB(skb) ((struct tether_recv_cb *)(skb)->cb)

/**
 * struct tether_recvq - bytes that have arrived
 * @ready: in sequence, for the program; ranges may overlap to the left, the
 *	byte at @read is what counts
 * @ooo: out of sequence, sorted by sequence number
 * @nxt: next byte expected
 * @read: next byte for the program
 * @truesize: sum over both lists
 * @ratio: payload per truesize of what arrives, in 1/256
 */
struct tether_recvq {
	struct sk_buff_head	ready;
	struct sk_buff_head	ooo;
	u64			nxt;
	u64			read;
	u32			truesize;
	u16			ratio;
};

enum tether_recvq_result {
	TETHER_RECVQ_READY,	/* nxt has moved */
	TETHER_RECVQ_OOO,	/* kept behind a hole */
	TETHER_RECVQ_OLD,	/* nothing new in it: freed */
	TETHER_RECVQ_FULL,	/* over the limit: freed */
};

void tether_recvq_init(struct tether_recvq *q, u64 seq);
enum tether_recvq_result tether_recvq_add(struct tether_recvq *q,
					  struct sk_buff *skb, u64 seq,
					  u32 limit);
struct sk_buff *tether_recvq_find(struct tether_recvq *q, u64 seq,
				  u32 *offset);
void tether_recvq_read(struct tether_recvq *q, u32 bytes);
u32 tether_recvq_space(const struct tether_recvq *q, u32 limit);
void tether_recvq_purge(struct tether_recvq *q);

/* Bytes that the program can read now. */
static inline u32 tether_recvq_avail(const struct tether_recvq *q)
{
	return q->nxt - q->read;
}

#endif /* _TETHER_CORE_RECVQ_H */

// SPDX-License-Identifier: GPL-2.0
/* The send queue: bytes from the program until the peer acknowledges them. */

#include <linux/kernel.h>
#include "sendq.h"
#include "wire.h"

/**
 * tether_sendq_init() - make an empty queue
 * @q: the queue
 * @seq: sequence number of the first byte to come
 */
void tether_sendq_init(struct tether_sendq *q, u64 seq)
{
	__skb_queue_head_init(&q->skbs);
	q->start = seq;
	q->end = seq;
	q->hint = NULL;
	q->hint_seq = seq;
	q->truesize = 0;
}

/**
 * tether_sendq_push() - append bytes
 * @q: the queue
 * @skb: payload only, not empty; the queue takes it over
 */
void tether_sendq_push(struct tether_sendq *q, struct sk_buff *skb)
{
	__skb_queue_tail(&q->skbs, skb);
	q->end += skb->len;
	q->truesize += skb->truesize;
}

/**
 * tether_sendq_tail() - the skb that more bytes may be added to
 * @q: the queue
 *
 * Frames refer to byte ranges, so that the last skb may grow even if some of
 * it has been sent. Whoever adds bytes calls tether_sendq_grow().
 *
 * Return: the last skb, or NULL if the queue is empty.
 */
struct sk_buff *tether_sendq_tail(struct tether_sendq *q)
{
	return skb_peek_tail(&q->skbs);
}

/**
 * tether_sendq_grow() - the last skb has grown
 * @q: the queue
 * @bytes: payload added
 * @truesize: memory added
 */
void tether_sendq_grow(struct tether_sendq *q, u32 bytes, u32 truesize)
{
	q->end += bytes;
	q->truesize += truesize;
}

/**
 * tether_sendq_find() - where a byte is
 * @q: the queue
 * @seq: its sequence number
 * @offset: set to its place in the skb
 *
 * Amortised constant for the pattern that matters: ever rising numbers with
 * now and then a step back to the oldest.
 *
 * Return: the skb that holds the byte, or NULL if the queue has no such byte.
 */
struct sk_buff *tether_sendq_find(struct tether_sendq *q, u64 seq, u32 *offset)
{
	struct sk_buff *skb = q->hint;
	u64 at = q->hint_seq;

	if (tether_before(seq, q->start) || !tether_before(seq, q->end))
		return NULL;
	if (!skb || tether_before(seq, at)) {
		skb = skb_peek(&q->skbs);
		at = q->start;
	}
	while (!tether_before(seq, at + skb->len)) {
		at += skb->len;
		skb = skb->next;
	}
	q->hint = skb;
	q->hint_seq = at;
	*offset = seq - at;
	return skb;
}

/**
 * tether_sendq_ack() - free what has been acknowledged
 * @q: the queue
 * @una: oldest sequence number that has not; at most the end of the queue
 */
void tether_sendq_ack(struct tether_sendq *q, u64 una)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&q->skbs)) &&
	       !tether_before(una, q->start + skb->len)) {
		if (skb == q->hint)
			q->hint = NULL;
		q->start += skb->len;
		q->truesize -= skb->truesize;
		__skb_unlink(skb, &q->skbs);
		consume_skb(skb);
	}
}

/**
 * tether_sendq_purge() - free all
 * @q: the queue
 */
void tether_sendq_purge(struct tether_sendq *q)
{
	__skb_queue_purge(&q->skbs);
	q->start = q->end;
	q->hint = NULL;
	q->truesize = 0;
}

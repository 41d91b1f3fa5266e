// SPDX-License-Identifier: GPL-2.0
/*
 * The receive queue: reassembly, and bytes that wait for the program.
 *
 * Nothing is trimmed: an skb keeps the sequence number of its first byte, and
 * where it overlaps what came before, the reader starts further in. Small
 * frames are copied together, so that many of them do not cost an skb each.
 */

#include <linux/kernel.h>
#include "recvq.h"
#include "wire.h"

enum {
	RATIO_INIT	= 128,	/* payload is half of the truesize */
	RATIO_MIN	= 16,	/* so that small frames cannot close the window */
	RATIO_MAX	= 255,
	RATIO_SHIFT	= 3,	/* weight of a new sample: 1/8 */
	COLLECT_SIZE	= 2048,	/* room for small frames, in one allocation */
};

static u64 skb_end_seq(const struct sk_buff *skb)
{
	return TETHER_RECV_CB(skb)->seq + skb->len;
}

/* Much more memory than payload: worth copying. */
static bool skb_is_small(const struct sk_buff *skb)
{
	return skb->len < skb->truesize / 4;
}

static void account(struct tether_recvq *q, const struct sk_buff *skb)
{
	u32 sample = min_t(u64, (u64)skb->len * 256 / skb->truesize, RATIO_MAX);

	q->truesize += skb->truesize;
	q->ratio += ((int)sample - (int)q->ratio) / (1 << RATIO_SHIFT);
	q->ratio = max_t(u16, q->ratio, RATIO_MIN);
}

static void drop(struct tether_recvq *q, struct sk_buff_head *list,
		 struct sk_buff *skb)
{
	q->truesize -= skb->truesize;
	__skb_unlink(skb, list);
	kfree_skb(skb);
}

/**
 * tether_recvq_init() - make an empty queue
 * @q: the queue
 * @seq: sequence number of the first byte to come
 */
void tether_recvq_init(struct tether_recvq *q, u64 seq)
{
	__skb_queue_head_init(&q->ready);
	__skb_queue_head_init(&q->ooo);
	q->nxt = seq;
	q->read = seq;
	q->truesize = 0;
	q->ratio = RATIO_INIT;
}

/* Copy the bytes of @skb from @skip on behind @to; false if there is no room. */
static bool append(struct sk_buff *to, struct sk_buff *skb, u32 skip)
{
	u32 len = skb->len - skip;

	if (skb_cloned(to) || skb_tailroom(to) < len)
		return false;
	if (skb_copy_bits(skb, skip, skb_put(to, len), len)) {
		skb_trim(to, to->len - len);
		return false;
	}
	consume_skb(skb);
	return true;
}

/*
 * Put @skb behind @tail, which ends at or behind the first byte of @skb. Small
 * frames in a row are copied into one skb; if that fails they are simply
 * queued one by one.
 */
static void join(struct tether_recvq *q, struct sk_buff_head *list,
		 struct sk_buff *tail, struct sk_buff *skb)
{
	u64 seq = TETHER_RECV_CB(skb)->seq;
	struct sk_buff *collect;
	u32 skip;

	if (!tail)
		goto whole;
	skip = skb_end_seq(tail) - seq;
	if (!skb_is_small(skb))
		goto whole;
	if (append(tail, skb, skip))
		return;
	if (!skb_is_small(tail))
		goto whole;
	collect = alloc_skb(COLLECT_SIZE, GFP_ATOMIC);
	if (!collect)
		goto whole;
	TETHER_RECV_CB(collect)->seq = seq + skip;
	if (append(collect, skb, skip)) {
		skb = collect;
		goto count;
	}
	kfree_skb(collect);
whole:
	account(q, skb);
	goto insert;
count:
	q->truesize += skb->truesize;
insert:
	if (tail)
		__skb_queue_after(list, tail, skb);
	else
		__skb_queue_head(list, skb);
}

/* Move what is no longer out of order. */
static void pull_ooo(struct tether_recvq *q)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&q->ooo)) &&
	       !tether_after(TETHER_RECV_CB(skb)->seq, q->nxt)) {
		if (!tether_after(skb_end_seq(skb), q->nxt)) {
			drop(q, &q->ooo, skb);
			continue;
		}
		q->nxt = skb_end_seq(skb);
		__skb_unlink(skb, &q->ooo);
		__skb_queue_tail(&q->ready, skb);
	}
}

/* Bytes in sequence matter more than those behind a hole. */
static bool make_room(struct tether_recvq *q, u32 limit)
{
	while (q->truesize >= limit && !skb_queue_empty(&q->ooo))
		drop(q, &q->ooo, skb_peek_tail(&q->ooo));
	return q->truesize < limit;
}

static enum tether_recvq_result add_ready(struct tether_recvq *q,
					  struct sk_buff *skb, u32 limit)
{
	u64 end = skb_end_seq(skb);

	if (!make_room(q, limit)) {
		kfree_skb(skb);
		return TETHER_RECVQ_FULL;
	}
	join(q, &q->ready, skb_peek_tail(&q->ready), skb);
	q->nxt = end;
	pull_ooo(q);
	return TETHER_RECVQ_READY;
}

/* The last skb out of order that starts at or before @seq, or NULL. */
static struct sk_buff *find_before(struct tether_recvq *q, u64 seq)
{
	struct sk_buff *skb;

	skb_queue_reverse_walk(&q->ooo, skb)
		if (!tether_after(TETHER_RECV_CB(skb)->seq, seq))
			return skb;
	return NULL;
}

/* Free what @end makes superfluous among the skbs behind @prev. */
static void drop_covered(struct tether_recvq *q, struct sk_buff *prev, u64 end)
{
	struct sk_buff *skb, *next;

	skb = prev ? prev->next : q->ooo.next;
	for (; skb != (struct sk_buff *)&q->ooo; skb = next) {
		next = skb->next;
		if (tether_after(skb_end_seq(skb), end))
			break;
		drop(q, &q->ooo, skb);
	}
}

static enum tether_recvq_result add_ooo(struct tether_recvq *q,
					struct sk_buff *skb, u32 limit)
{
	u64 seq = TETHER_RECV_CB(skb)->seq, end = skb_end_seq(skb);
	struct sk_buff *prev = find_before(q, seq);

	if (prev && !tether_after(end, skb_end_seq(prev))) {
		kfree_skb(skb);
		return TETHER_RECVQ_OLD;
	}
	drop_covered(q, prev, end);
	if (q->truesize + skb->truesize > limit) {
		kfree_skb(skb);
		return TETHER_RECVQ_FULL;
	}
	if (prev && skb_end_seq(prev) == seq) {
		join(q, &q->ooo, prev, skb);
		return TETHER_RECVQ_OOO;
	}
	account(q, skb);
	if (prev)
		__skb_queue_after(&q->ooo, prev, skb);
	else
		__skb_queue_head(&q->ooo, skb);
	return TETHER_RECVQ_OOO;
}

/**
 * tether_recvq_add() - take in bytes
 * @q: the queue
 * @skb: payload only, not empty; the queue takes it over
 * @seq: sequence number of its first byte
 * @limit: truesize that may be held
 *
 * Bytes in sequence are taken while less than @limit is held, so that the
 * queue never holds more than @limit and one skb; bytes out of sequence give
 * way to them, and are taken only within @limit.
 *
 * Return: what became of @skb.
 */
enum tether_recvq_result tether_recvq_add(struct tether_recvq *q,
					  struct sk_buff *skb, u64 seq,
					  u32 limit)
{
	TETHER_RECV_CB(skb)->seq = seq;
	if (!tether_after(seq + skb->len, q->nxt)) {
		kfree_skb(skb);
		return TETHER_RECVQ_OLD;
	}
	if (tether_after(seq, q->nxt))
		return add_ooo(q, skb, limit);
	return add_ready(q, skb, limit);
}

/**
 * tether_recvq_find() - where a byte is
 * @q: the queue
 * @seq: its sequence number
 * @offset: set to its place in the skb
 *
 * Return: the skb that holds the byte, or NULL if it has not come or has been
 * read.
 */
struct sk_buff *tether_recvq_find(struct tether_recvq *q, u64 seq, u32 *offset)
{
	struct sk_buff *skb;

	if (tether_before(seq, q->read) || !tether_before(seq, q->nxt))
		return NULL;
	skb_queue_walk(&q->ready, skb) {
		if (tether_before(seq, skb_end_seq(skb))) {
			*offset = seq - TETHER_RECV_CB(skb)->seq;
			return skb;
		}
	}
	return NULL;
}

/**
 * tether_recvq_read() - the program has read bytes
 * @q: the queue
 * @bytes: how many, at most tether_recvq_avail()
 */
void tether_recvq_read(struct tether_recvq *q, u32 bytes)
{
	struct sk_buff *skb;

	q->read += bytes;
	while ((skb = skb_peek(&q->ready)) &&
	       !tether_after(skb_end_seq(skb), q->read)) {
		q->truesize -= skb->truesize;
		__skb_unlink(skb, &q->ready);
		consume_skb(skb);
	}
}

/**
 * tether_recvq_space() - payload that still fits
 * @q: the queue
 * @limit: truesize that may be held
 *
 * Return: bytes, by the measured ratio of payload to truesize.
 */
u32 tether_recvq_space(const struct tether_recvq *q, u32 limit)
{
	if (q->truesize >= limit)
		return 0;
	return (u64)(limit - q->truesize) * q->ratio >> 8;
}

/**
 * tether_recvq_purge() - free all
 * @q: the queue
 */
void tether_recvq_purge(struct tether_recvq *q)
{
	__skb_queue_purge(&q->ready);
	__skb_queue_purge(&q->ooo);
	q->read = q->nxt;
	q->truesize = 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Packet buffers: what the core uses of struct sk_buff, linear data only. */
#ifndef _SHIM_LINUX_SKBUFF_H
#define _SHIM_LINUX_SKBUFF_H

#include <errno.h>
#include <string.h>
#include <asm/byteorder.h>
#include <linux/kernel.h>
#include <linux/types.h>

#define GFP_ATOMIC	0
#define GFP_KERNEL	1

/* As on a 64-bit stock kernel: what a buffer costs besides its bytes. */
#define SHIM_SKB_OVERHEAD	(232 + 24 + 320)

struct sk_buff {
	struct sk_buff	*next;
	struct sk_buff	*prev;
	char		cb[48] __aligned(8);
	unsigned int	len;
	unsigned int	data_len;
	unsigned int	truesize;
	unsigned int	users;
	unsigned char	*head;
	unsigned char	*data;
	unsigned char	*tail;
	unsigned char	*end;
	unsigned int	*dataref;
};

struct sk_buff_head {
	struct sk_buff	*next;
	struct sk_buff	*prev;
	u32		qlen;
};

/*
 * shim_skb_live: buffers allocated and not freed
 * shim_skb_fail: the so manieth allocation from now fails; 0: none does
 */
extern unsigned int shim_skb_live;
extern unsigned int shim_skb_fail;

struct sk_buff *alloc_skb(unsigned int size, gfp_t gfp);
struct sk_buff *skb_clone(struct sk_buff *skb, gfp_t gfp);
void kfree_skb(struct sk_buff *skb);
void __skb_queue_purge(struct sk_buff_head *list);

#define consume_skb	kfree_skb

static inline bool skb_cloned(const struct sk_buff *skb)
{
	return *skb->dataref > 1;
}

static inline bool skb_is_nonlinear(const struct sk_buff *skb)
{
	return skb->data_len;
}

static inline int skb_tailroom(const struct sk_buff *skb)
{
	return skb_is_nonlinear(skb) ? 0 : skb->end - skb->tail;
}

static inline void *skb_put(struct sk_buff *skb, unsigned int len)
{
	unsigned char *tail = skb->tail;

	BUG_ON(len > (unsigned int)skb_tailroom(skb));
	skb->tail += len;
	skb->len += len;
	return tail;
}

static inline void *skb_put_data(struct sk_buff *skb, const void *data,
				 unsigned int len)
{
	return memcpy(skb_put(skb, len), data, len);
}

static inline void __skb_trim(struct sk_buff *skb, unsigned int len)
{
	skb->len = len;
	skb->tail = skb->data + len;
}

static inline void skb_trim(struct sk_buff *skb, unsigned int len)
{
	if (len < skb->len)
		__skb_trim(skb, len);
}

static inline int pskb_trim(struct sk_buff *skb, unsigned int len)
{
	skb_trim(skb, len);
	return 0;
}

static inline int skb_copy_bits(const struct sk_buff *skb, int offset,
				void *to, int len)
{
	if (offset < 0 || len < 0 || offset + len > (int)skb->len)
		return -EFAULT;
	memcpy(to, skb->data + offset, len);
	return 0;
}

/* Queues. An empty one points at itself. */

static inline void __skb_queue_head_init(struct sk_buff_head *list)
{
	list->next = (struct sk_buff *)list;
	list->prev = (struct sk_buff *)list;
	list->qlen = 0;
}

static inline bool skb_queue_empty(const struct sk_buff_head *list)
{
	return list->next == (const struct sk_buff *)list;
}

static inline u32 skb_queue_len(const struct sk_buff_head *list)
{
	return list->qlen;
}

static inline struct sk_buff *skb_peek(const struct sk_buff_head *list)
{
	return skb_queue_empty(list) ? NULL : list->next;
}

static inline struct sk_buff *skb_peek_tail(const struct sk_buff_head *list)
{
	return skb_queue_empty(list) ? NULL : list->prev;
}

static inline void __skb_insert(struct sk_buff *skb, struct sk_buff *prev,
				struct sk_buff *next,
				struct sk_buff_head *list)
{
	skb->next = next;
	skb->prev = prev;
	next->prev = skb;
	prev->next = skb;
	list->qlen++;
}

static inline void __skb_queue_after(struct sk_buff_head *list,
				     struct sk_buff *prev, struct sk_buff *skb)
{
	__skb_insert(skb, prev, prev->next, list);
}

static inline void __skb_queue_before(struct sk_buff_head *list,
				      struct sk_buff *next, struct sk_buff *skb)
{
	__skb_insert(skb, next->prev, next, list);
}

static inline void __skb_queue_head(struct sk_buff_head *list,
				    struct sk_buff *skb)
{
	__skb_queue_after(list, (struct sk_buff *)list, skb);
}

static inline void __skb_queue_tail(struct sk_buff_head *list,
				    struct sk_buff *skb)
{
	__skb_queue_before(list, (struct sk_buff *)list, skb);
}

static inline void __skb_unlink(struct sk_buff *skb, struct sk_buff_head *list)
{
	list->qlen--;
	skb->next->prev = skb->prev;
	skb->prev->next = skb->next;
	skb->next = NULL;
	skb->prev = NULL;
}

static inline struct sk_buff *__skb_dequeue(struct sk_buff_head *list)
{
	struct sk_buff *skb = skb_peek(list);

	if (skb)
		__skb_unlink(skb, list);
	return skb;
}

#define skb_queue_walk(list, skb)					\
	for (skb = (list)->next; skb != (struct sk_buff *)(list);	\
	     skb = skb->next)

#define skb_queue_reverse_walk(list, skb)				\
	for (skb = (list)->prev; skb != (struct sk_buff *)(list);	\
	     skb = skb->prev)

#endif /* _SHIM_LINUX_SKBUFF_H */

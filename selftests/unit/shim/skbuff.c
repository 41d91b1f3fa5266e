// SPDX-License-Identifier: GPL-2.0
/* Packet buffers of the user-space shim: allocation, counted. */
#include <stdlib.h>
#include <linux/skbuff.h>

unsigned int shim_skb_live;
unsigned int shim_skb_fail;

static bool shim_skb_fails(void)
{
	return shim_skb_fail && !--shim_skb_fail;
}

/* The reference count lies before the bytes, the end is the allocation's. */
struct sk_buff *alloc_skb(unsigned int size, gfp_t gfp)
{
	struct sk_buff *skb;

	if (shim_skb_fails())
		return NULL;
	skb = calloc(1, sizeof(*skb));
	BUG_ON(!skb);
	skb->dataref = malloc(sizeof(*skb->dataref) + size);
	BUG_ON(!skb->dataref);
	*skb->dataref = 1;
	skb->head = (unsigned char *)(skb->dataref + 1);
	skb->data = skb->head;
	skb->tail = skb->head;
	skb->end = skb->head + size;
	skb->users = 1;
	skb->truesize = round_up(size, 64U) + SHIM_SKB_OVERHEAD;
	shim_skb_live++;
	return skb;
}

struct sk_buff *skb_clone(struct sk_buff *skb, gfp_t gfp)
{
	struct sk_buff *clone;

	if (shim_skb_fails())
		return NULL;
	clone = malloc(sizeof(*clone));
	BUG_ON(!clone);
	*clone = *skb;
	clone->next = NULL;
	clone->prev = NULL;
	clone->users = 1;
	++*skb->dataref;
	shim_skb_live++;
	return clone;
}

void kfree_skb(struct sk_buff *skb)
{
	if (!skb || --skb->users)
		return;
	BUG_ON(skb->next);
	if (!--*skb->dataref)
		free(skb->dataref);
	free(skb);
	shim_skb_live--;
}

void __skb_queue_purge(struct sk_buff_head *list)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(list)))
		kfree_skb(skb);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Answers that no socket gives: resets, and echoes.
 *
 * None goes to a group source, to a reset or an echo reply, or to a frame
 * whose checksum is wrong: the device layer lets none of these through to
 * here. All that leave by one device share one token bucket, so that forged
 * requests cannot make this host flood a link. lo has no link to flood.
 */
#include <linux/random.h>
#include "tether.h"

enum {
	REPLY_RATE		= 1000,	/* a second */
	REPLY_BURST		= 250,
	ECHO_QUEUE_MAX		= 64,
	ECHO_DELAY_MAX_US	= 10000,
};

/**
 * struct reply_bucket - token bucket of a device
 * @lock: protects @tokens and @last
 * @tokens: replies that may leave now, in microseconds of their rate
 * @last: when @tokens was brought up to date
 * @rcu: look-ups hold no lock
 */
struct reply_bucket {
	spinlock_t	lock;	/* of the rest */
	u64		tokens;
	u64		last;
	struct rcu_head	rcu;
};

#define TOKEN_US	(USEC_PER_SEC / REPLY_RATE)

static struct reply_bucket *bucket_create(struct net_device *dev)
{
	struct tether_net *tn = tether_net(dev_net(dev));
	struct reply_bucket *bucket, *other;

	bucket = kzalloc(sizeof(*bucket), GFP_ATOMIC);
	if (!bucket)
		return NULL;
	spin_lock_init(&bucket->lock);
	bucket->tokens = REPLY_BURST * TOKEN_US;
	bucket->last = tether_now();
	other = xa_cmpxchg_bh(&tn->buckets, dev->ifindex, NULL, bucket,
			      GFP_ATOMIC);
	if (!other)
		return bucket;
	kfree(bucket);
	return xa_is_err(other) ? NULL : other;
}

/**
 * tether_reply_allowed() - may another reply leave by a device now?
 * @dev: the device
 *
 * Context: under rcu_read_lock().
 * Return: true if so; the reply is then counted as sent.
 */
bool tether_reply_allowed(struct net_device *dev)
{
	struct tether_net *tn = tether_net(dev_net(dev));
	struct reply_bucket *bucket;
	bool allowed;
	u64 now;

	if (dev->flags & IFF_LOOPBACK)
		return true;
	bucket = xa_load(&tn->buckets, dev->ifindex) ?: bucket_create(dev);
	if (!bucket)
		return false;

	spin_lock_bh(&bucket->lock);
	now = tether_now();
	bucket->tokens = min_t(u64, bucket->tokens + (now - bucket->last),
			       REPLY_BURST * TOKEN_US);
	bucket->last = now;
	allowed = bucket->tokens >= TOKEN_US;
	if (allowed)
		bucket->tokens -= TOKEN_US;
	spin_unlock_bh(&bucket->lock);
	return allowed;
}

/**
 * tether_reply_forget() - a device is gone
 * @dev: the device
 */
void tether_reply_forget(struct net_device *dev)
{
	struct tether_net *tn = tether_net(dev_net(dev));
	struct reply_bucket *bucket;

	bucket = xa_erase_bh(&tn->buckets, dev->ifindex);
	if (bucket)
		kfree_rcu(bucket, rcu);
}

/**
 * tether_reply_net_init() - prepare a namespace
 * @net: the namespace
 */
void tether_reply_net_init(struct net *net)
{
	xa_init_flags(&tether_net(net)->buckets, XA_FLAGS_LOCK_BH);
}

/**
 * tether_reply_net_exit() - forget all devices of a namespace
 * @net: the namespace; nothing is received in it any more
 */
void tether_reply_net_exit(struct net *net)
{
	struct tether_net *tn = tether_net(net);
	struct reply_bucket *bucket;
	unsigned long ifindex;

	xa_for_each(&tn->buckets, ifindex, bucket)
		kfree_rcu(bucket, rcu);
	xa_destroy(&tn->buckets);
}

/* Sends an RST whose payload is @list; @len may be 0. */
static void send_reset(struct net_device *dev, const u8 *peer,
		       struct tether_segment *rst, const u8 *list, u16 len)
{
	struct net *net = dev_net(dev);
	struct sk_buff *skb;

	if (!tether_reply_allowed(dev)) {
		tether_stat_inc(net, TETHER_STAT_DROP + TETHER_DROP_RATE);
		return;
	}
	if (!len) {
		tether_device_reply(dev, peer, rst, NULL);
		return;
	}
	skb = tether_device_alloc(dev, len, GFP_ATOMIC);
	if (!skb) {
		tether_stat_inc(net, TETHER_STAT_XMIT_NOMEM);
		return;
	}
	skb_put_data(skb, list, len);
	rst->len = len;
	tether_device_send_skb(skb, dev, peer, dev->dev_addr, rst);
}

/**
 * tether_reply_reset() - answer a segment with an RST
 * @dev: where it came from
 * @peer: who sent it
 * @seg: the segment; nothing happens if it is an RST
 * @reason: why
 *
 * Context: under rcu_read_lock().
 */
void tether_reply_reset(struct net_device *dev, const u8 *peer,
			const struct tether_segment *seg,
			enum tether_reason reason)
{
	struct tether_segment rst;

	if (tether_wire_reset(&rst, seg, reason))
		send_reset(dev, peer, &rst, NULL, 0);
}

/**
 * tether_reply_version() - tell a peer which versions are spoken here
 * @dev: where its SYN or ECHO came from
 * @peer: who sent it
 * @seg: the frame, as far as every version has it
 *
 * Context: under rcu_read_lock().
 */
void tether_reply_version(struct net_device *dev, const u8 *peer,
			  const struct tether_segment *seg)
{
	static const u8 versions[] = { TETHER_VERSION };
	struct tether_segment rst;

	if (tether_wire_reset(&rst, seg, TETHER_REASON_VERSION))
		send_reset(dev, peer, &rst, versions, sizeof(versions));
}

/* An echo reply; while it waits its turn, it holds its device. */
struct echo_cb {
	u64	due;
	u16	sport;
	u16	dport;
	u8	dest[ETH_ALEN];
};

#define ECHO_CB(skb) ((struct echo_cb *)(skb)->cb)

/* Replies to group requests wait here, so that not all hosts answer at once. */
static struct {
	spinlock_t		lock;	/* of the queue */
	struct sk_buff_head	skbs;
	struct hrtimer		timer;
} echo_queue;

static void echo_send(struct sk_buff *skb, struct net_device *dev)
{
	struct tether_segment seg = {
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_ECHO,
		.flags = TETHER_ACK,
		.sport = ECHO_CB(skb)->sport,
		.dport = ECHO_CB(skb)->dport,
		.len = skb->len,
	};
	u8 dest[ETH_ALEN];

	ether_addr_copy(dest, ECHO_CB(skb)->dest);
	memset(skb->cb, 0, sizeof(skb->cb));
	tether_stat_inc(dev_net(dev), TETHER_STAT_ECHO_OUT);
	tether_device_send_skb(skb, dev, dest, dev->dev_addr, &seg);
}

/* Takes ownership of @skb. */
static void echo_later(struct sk_buff *skb, struct net_device *dev)
{
	bool full;

	ECHO_CB(skb)->due = tether_now() +
			    get_random_u32_below(ECHO_DELAY_MAX_US);
	skb->dev = dev;
	spin_lock_bh(&echo_queue.lock);
	full = skb_queue_len(&echo_queue.skbs) >= ECHO_QUEUE_MAX;
	if (!full) {
		dev_hold(dev);
		if (skb_queue_empty(&echo_queue.skbs))
			hrtimer_start(&echo_queue.timer, ms_to_ktime(1),
				      HRTIMER_MODE_REL_SOFT);
		__skb_queue_tail(&echo_queue.skbs, skb);
	}
	spin_unlock_bh(&echo_queue.lock);
	if (full)
		tether_drop_skb(dev_net(dev), skb, TETHER_DROP_RATE);
}

/* Ticks every millisecond while replies wait. */
static enum hrtimer_restart echo_timer(struct hrtimer *timer)
{
	enum hrtimer_restart restart;
	struct sk_buff *skb, *next;
	struct sk_buff_head due;
	u64 now = tether_now();

	__skb_queue_head_init(&due);
	spin_lock(&echo_queue.lock);
	skb_queue_walk_safe(&echo_queue.skbs, skb, next) {
		if (ECHO_CB(skb)->due > now)
			continue;
		__skb_unlink(skb, &echo_queue.skbs);
		__skb_queue_tail(&due, skb);
	}
	hrtimer_forward_now(timer, ms_to_ktime(1));
	restart = skb_queue_empty(&echo_queue.skbs) ? HRTIMER_NORESTART :
						      HRTIMER_RESTART;
	spin_unlock(&echo_queue.lock);

	while ((skb = __skb_dequeue(&due))) {
		struct net_device *dev = skb->dev;

		echo_send(skb, dev);
		dev_put(dev);
	}
	return restart;
}

static enum tether_drop echo_check(struct net_device *dev,
				   const struct sk_buff *skb,
				   const struct tether_segment *seg)
{
	struct tether_net *tn = tether_net(dev_net(dev));

	if (seg->flags != TETHER_SYN)
		return TETHER_DROP_FLAGS;
	if (skb->pkt_type != PACKET_HOST && !READ_ONCE(tn->echo_broadcast))
		return TETHER_DROP_GROUP;
	if (!tether_reply_allowed(dev))
		return TETHER_DROP_RATE;
	return TETHER_DROP_NONE;
}

/**
 * tether_reply_echo() - answer an echo request
 * @dev: where it came from
 * @skb: the frame, from its header on; always consumed
 * @seg: its header
 *
 * The reply has the payload of the request and is no longer. A request to a
 * group is answered only if the sysctl says so, and after a random time.
 *
 * Context: softirq, under rcu_read_lock().
 */
void tether_reply_echo(struct net_device *dev, struct sk_buff *skb,
		       const struct tether_segment *seg)
{
	struct net *net = dev_net(dev);
	struct sk_buff *reply;
	enum tether_drop drop;

	tether_stat_inc(net, TETHER_STAT_ECHO_IN);
	if (seg->flags == TETHER_ACK) {
		consume_skb(skb);
		return;
	}
	drop = echo_check(dev, skb, seg);
	reply = drop ? NULL : tether_device_alloc(dev, seg->len, GFP_ATOMIC);
	if (!reply) {
		tether_drop_skb(net, skb, drop ?: TETHER_DROP_MEMORY);
		return;
	}
	skb_copy_bits(skb, seg->header_len, skb_put(reply, seg->len), seg->len);
	ECHO_CB(reply)->sport = seg->dport;
	ECHO_CB(reply)->dport = seg->sport;
	memcpy(ECHO_CB(reply)->dest, eth_hdr(skb)->h_source, ETH_ALEN);
	if (skb->pkt_type == PACKET_HOST)
		echo_send(reply, dev);
	else
		echo_later(reply, dev);
	consume_skb(skb);
}

/**
 * tether_reply_init() - prepare the queue of echo replies
 */
void tether_reply_init(void)
{
	spin_lock_init(&echo_queue.lock);
	__skb_queue_head_init(&echo_queue.skbs);
	hrtimer_init(&echo_queue.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	echo_queue.timer.function = echo_timer;
}

/**
 * tether_reply_exit() - forget the echo replies that still wait
 *
 * Nothing is received any more.
 */
void tether_reply_exit(void)
{
	struct sk_buff *skb;

	hrtimer_cancel(&echo_queue.timer);
	while ((skb = __skb_dequeue(&echo_queue.skbs))) {
		dev_put(skb->dev);
		kfree_skb(skb);
	}
}

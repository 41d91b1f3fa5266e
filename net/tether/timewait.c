// SPDX-License-Identifier: GPL-2.0
/*
 * TIME_WAIT: what outlives a connection. The protocol is core/wait.h; here
 * the objects are stored, found and timed.
 *
 * An entry is reached through its chain, under the lock of the bucket, and
 * through its timer. Whoever takes it off the chain frees it, unless the timer
 * is already past stopping; then the timer's handler, which finds it off the
 * chain, does. The purge of a namespace may sleep and waits for the handlers.
 * An entry pins neither the module nor the namespace.
 */
#include <linux/hash.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include "tether.h"

enum {
	WAIT_BITS	= 12,
	WAIT_BUCKETS	= 1 << WAIT_BITS,
};

/**
 * struct wait_entry - a connection in TIME_WAIT
 * @node: on the chain of its bucket
 * @wait: the protocol's part, protected by the bucket's lock
 * @key: of the connection
 * @src: our MAC then
 * @purged: taken off by the purge, which frees it
 * @timer: fires at @wait.deadline or before
 */
struct wait_entry {
	struct hlist_node	node;
	struct tether_wait	wait;
	struct tether_key	key;
	u8			src[ETH_ALEN];
	bool			purged;
	struct timer_list	timer;
};

struct wait_bucket {
	spinlock_t		lock;	/* of the chain and its entries */
	struct hlist_head	chain;
};

static struct wait_bucket *waits __read_mostly;
static struct kmem_cache *wait_cache __read_mostly;
static siphash_key_t wait_secret __read_mostly;

static struct wait_bucket *wait_bucket(const struct tether_key *key)
{
	u64 hash = siphash_3u64((unsigned long)key->net ^ key->ifindex,
				ether_addr_to_u64(key->peer),
				(u64)key->type << 32 |
				(u32)key->sport << 16 | key->dport,
				&wait_secret);

	return &waits[hash & (WAIT_BUCKETS - 1)];
}

static bool wait_match(const struct wait_entry *entry,
		       const struct tether_key *key)
{
	return entry->key.sport == key->sport &&
	       entry->key.dport == key->dport &&
	       entry->key.ifindex == key->ifindex &&
	       entry->key.type == key->type &&
	       ether_addr_equal(entry->key.peer, key->peer) &&
	       net_eq(entry->key.net, key->net);
}

/* The caller holds the bucket's lock. */
static struct wait_entry *wait_find(struct wait_bucket *bucket,
				    const struct tether_key *key)
{
	struct wait_entry *entry;

	hlist_for_each_entry(entry, &bucket->chain, node) {
		if (wait_match(entry, key))
			return entry;
	}
	return NULL;
}

static void wait_unlink(struct wait_entry *entry)
{
	hlist_del_init(&entry->node);
	atomic_dec(&tether_net(entry->key.net)->time_waits);
}

/* The caller holds the bucket's lock; @entry is not to be used after it. */
static void wait_remove(struct wait_entry *entry)
{
	wait_unlink(entry);
	if (del_timer(&entry->timer))
		kmem_cache_free(wait_cache, entry);
}

static unsigned long wait_expires(const struct wait_entry *entry, u64 now)
{
	u64 left = entry->wait.deadline > now ? entry->wait.deadline - now : 0;

	return jiffies + usecs_to_jiffies(min_t(u64, left, U32_MAX)) + 1;
}

static void wait_timer(struct timer_list *timer)
{
	struct wait_entry *entry = container_of(timer, struct wait_entry,
						timer);
	struct wait_bucket *bucket = wait_bucket(&entry->key);
	u64 now = tether_now();
	bool gone;

	spin_lock_bh(&bucket->lock);
	gone = hlist_unhashed(&entry->node);
	if (entry->purged) {
		gone = false;
	} else if (!gone) {
		gone = tether_wait_timer(&entry->wait, now) ==
		       TETHER_WAIT_GONE;
		if (gone)
			wait_unlink(entry);
		else
			mod_timer(timer, wait_expires(entry, now));
	}
	spin_unlock_bh(&bucket->lock);
	if (gone)
		kmem_cache_free(wait_cache, entry);
}

/**
 * tether_timewait_init() - make the table and the cache
 *
 * Return: 0 or -ENOMEM.
 */
int tether_timewait_init(void)
{
	unsigned int i;

	wait_cache = kmem_cache_create("tether_timewait",
				       sizeof(struct wait_entry), 0, 0, NULL);
	if (!wait_cache)
		return -ENOMEM;
	waits = kvmalloc_array(WAIT_BUCKETS, sizeof(*waits), GFP_KERNEL);
	if (!waits) {
		kmem_cache_destroy(wait_cache);
		return -ENOMEM;
	}
	for (i = 0; i < WAIT_BUCKETS; i++) {
		spin_lock_init(&waits[i].lock);
		INIT_HLIST_HEAD(&waits[i].chain);
	}
	get_random_bytes(&wait_secret, sizeof(wait_secret));
	return 0;
}

/**
 * tether_timewait_exit() - free the table and the cache
 *
 * Every namespace has been purged, so the chains are empty. A handler that
 * found its entry off the chain may still run: it does so with BH disabled.
 */
void tether_timewait_exit(void)
{
	synchronize_rcu();
	kvfree(waits);
	kmem_cache_destroy(wait_cache);
}

/* One more, or no more than the limit. */
static bool wait_charge(struct net *net)
{
	struct tether_net *tn = tether_net(net);

	if (atomic_inc_return(&tn->time_waits) <= READ_ONCE(tn->max_time_wait))
		return true;
	atomic_dec(&tn->time_waits);
	tether_stat_inc(net, TETHER_STAT_TIME_WAIT_FULL);
	return false;
}

/**
 * tether_timewait_add() - take a connection over that reached TIME_WAIT
 * @sk: locked; its connection is in TIME_WAIT and goes CLOSED next
 *
 * Return: false if there are too many, or no memory: the connection is then
 * closed at once.
 */
bool tether_timewait_add(struct sock *sk)
{
	struct tether_stream *stream = tether_stream(sk);
	struct wait_bucket *bucket;
	struct wait_entry *entry;
	u64 now = tether_now();

	sock_owned_by_me(sk);
	if (!wait_charge(sock_net(sk)))
		return false;
	entry = kmem_cache_zalloc(wait_cache, GFP_ATOMIC);
	if (!entry) {
		atomic_dec(&tether_net(sock_net(sk))->time_waits);
		return false;
	}
	entry->key = stream->base.key;
	ether_addr_copy(entry->src, stream->base.src);
	tether_wait_init(&entry->wait, &stream->conn, now);
	timer_setup(&entry->timer, wait_timer, 0);

	bucket = wait_bucket(&entry->key);
	spin_lock_bh(&bucket->lock);
	hlist_add_head(&entry->node, &bucket->chain);
	mod_timer(&entry->timer, wait_expires(entry, now));
	spin_unlock_bh(&bucket->lock);
	tether_stat_inc(sock_net(sk), TETHER_STAT_TIME_WAIT);
	return true;
}

/**
 * tether_timewait_segment() - a segment that no connection took
 * @key: what the frame says
 * @seg: the segment; @seg->drop is set if it was dropped
 * @dev: where it came from
 * @reopen: set if the entry gave way to the SYN of a new connection, which is
 *	for the listener
 *
 * Context: softirq, under rcu_read_lock().
 * Return: was there an entry, and @reopen not set?
 */
bool tether_timewait_segment(const struct tether_key *key,
			     struct tether_segment *seg,
			     struct net_device *dev, bool *reopen)
{
	enum tether_wait_did did = TETHER_WAIT_DROP;
	struct tether_frame frame = {};
	struct wait_bucket *bucket;
	struct wait_entry *entry;
	u64 now = tether_now();

	*reopen = false;
	if (!atomic_read(&tether_net(key->net)->time_waits))
		return false;
	bucket = wait_bucket(key);
	spin_lock_bh(&bucket->lock);
	entry = wait_find(bucket, key);
	if (entry) {
		did = tether_wait_segment(&entry->wait, seg, now);
		if (did == TETHER_WAIT_REPLY)
			tether_wait_frame(&entry->wait, now, &frame);
		if (did == TETHER_WAIT_REOPEN || did == TETHER_WAIT_GONE)
			wait_remove(entry);
	}
	spin_unlock_bh(&bucket->lock);

	if (did == TETHER_WAIT_REPLY)
		tether_device_reply(dev, key->peer, &frame.seg, NULL);
	if (did == TETHER_WAIT_REOPEN) {
		tether_stat_inc(key->net, TETHER_STAT_TIME_WAIT_REOPEN);
		*reopen = true;
	}
	return entry && !*reopen;
}

/**
 * tether_timewait_busy() - is there an entry?
 * @key: of the connection
 *
 * Return: true if there is.
 */
bool tether_timewait_busy(const struct tether_key *key)
{
	struct wait_bucket *bucket;
	bool busy;

	if (!atomic_read(&tether_net(key->net)->time_waits))
		return false;
	bucket = wait_bucket(key);
	spin_lock_bh(&bucket->lock);
	busy = wait_find(bucket, key);
	spin_unlock_bh(&bucket->lock);
	return busy;
}

/* Move what is to be purged from a chain to a list of the purge's own. */
static void wait_collect(struct wait_bucket *bucket, struct net *net,
			 u32 ifindex, struct hlist_head *list)
{
	struct wait_entry *entry;
	struct hlist_node *next;

	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry_safe(entry, next, &bucket->chain, node) {
		if (!net_eq(entry->key.net, net) ||
		    (ifindex && entry->key.ifindex != ifindex))
			continue;
		wait_unlink(entry);
		entry->purged = true;
		hlist_add_head(&entry->node, list);
	}
	spin_unlock_bh(&bucket->lock);
}

/**
 * tether_timewait_purge() - end TIME_WAIT at once
 * @net: namespace
 * @ifindex: of the device whose connections are meant, or 0 for all
 *
 * Context: process, may sleep.
 */
void tether_timewait_purge(struct net *net, u32 ifindex)
{
	struct wait_entry *entry;
	struct hlist_node *next;
	HLIST_HEAD(list);
	unsigned int i;

	for (i = 0; i < WAIT_BUCKETS; i++) {
		if (!hlist_empty(&waits[i].chain))
			wait_collect(&waits[i], net, ifindex, &list);
	}
	hlist_for_each_entry_safe(entry, next, &list, node) {
		timer_shutdown_sync(&entry->timer);
		kmem_cache_free(wait_cache, entry);
	}
}

/**
 * tether_timewait_seek() - copy the entry at a place of the table
 * @net: namespace
 * @at: the place; moved to that of the entry
 * @key: its key
 * @src: its local MAC
 * @deadline: when it ends
 *
 * Return: false at the end of the table.
 */
bool tether_timewait_seek(struct net *net, struct tether_cursor *at,
			  struct tether_key *key, u8 *src, u64 *deadline)
{
	struct wait_entry *entry;
	unsigned int i;

	for (; at->bucket < WAIT_BUCKETS; at->bucket++, at->offset = 0) {
		struct wait_bucket *bucket = &waits[at->bucket];

		if (hlist_empty(&bucket->chain))
			continue;
		i = 0;
		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry(entry, &bucket->chain, node) {
			if (i++ < at->offset || !net_eq(entry->key.net, net))
				continue;
			at->offset = i - 1;
			*key = entry->key;
			ether_addr_copy(src, entry->src);
			*deadline = entry->wait.deadline;
			spin_unlock_bh(&bucket->lock);
			return true;
		}
		spin_unlock_bh(&bucket->lock);
		cond_resched();
	}
	return false;
}

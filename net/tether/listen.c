// SPDX-License-Identifier: GPL-2.0
/*
 * Listening sockets: the half-open and the completed queue.
 *
 * A SYN makes a half-open entry, far smaller than a socket, which belongs to
 * the listener and is protected by its lock. The final ACK turns it into a
 * child, by cloning the listener, which waits on the completed queue for
 * accept(2). Limits are TCP's: one more than the backlog may be completed, and
 * while the completed queue is full, neither a SYN nor a final ACK is used.
 *
 * sk_clone_lock() takes the child's lock as an ordinary one, so it is the
 * listener's that softirq takes as a nested one, see tether_stream_receive().
 */
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/timerqueue.h>
#include "tether.h"

enum {
	HALF_BITS	= 7,
	HALF_BUCKETS	= 1 << HALF_BITS,
	HALF_LEAST	= 8,	/* half-open limit of the smallest backlog */
};

/**
 * struct tether_listener - queues of a listening socket
 * @halves: half-open connections, by key
 * @deadlines: of the half-open connections
 * @completed: children that wait for accept(2); sk_ack_backlog counts them
 * @secret: of the hash
 */
struct tether_listener {
	struct hlist_head	halves[HALF_BUCKETS];
	struct timerqueue_head	deadlines;
	struct list_head	completed;
	u32			secret;
};

/* @expires.expires is in microseconds. */
struct half_entry {
	struct hlist_node	node;
	struct timerqueue_node	expires;
	struct tether_half	half;
	struct tether_key	key;
	u8			src[ETH_ALEN];	/* of our device then */
};

static struct kmem_cache *half_cache __ro_after_init;

/* What a segment and its way here are to the listener. */
struct arrival {
	struct tether_segment	seg;
	struct tether_key	key;
	struct net_device	*dev;
	u64			now;
};

/**
 * tether_listen_init() - make the cache of half-open connections
 *
 * Return: 0 or -ENOMEM.
 */
int __init tether_listen_init(void)
{
	half_cache = kmem_cache_create("tether_half", sizeof(struct half_entry),
				       0, SLAB_HWCACHE_ALIGN, NULL);
	return half_cache ? 0 : -ENOMEM;
}

/**
 * tether_listen_exit() - free the cache of half-open connections
 */
void tether_listen_exit(void)
{
	kmem_cache_destroy(half_cache);
}

static struct hlist_head *half_chain(struct tether_listener *listener,
				     const struct tether_key *key)
{
	u32 hash = jhash(key->peer, ETH_ALEN, listener->secret ^ key->ifindex);

	hash = jhash_1word(hash, (u32)key->sport << 16 | key->dport);
	return &listener->halves[hash & (HALF_BUCKETS - 1)];
}

static struct half_entry *half_find(struct tether_listener *listener,
				    const struct tether_key *key)
{
	struct half_entry *entry;

	hlist_for_each_entry(entry, half_chain(listener, key), node) {
		if (entry->key.dport == key->dport &&
		    entry->key.ifindex == key->ifindex &&
		    ether_addr_equal(entry->key.peer, key->peer))
			return entry;
	}
	return NULL;
}

static void half_free(struct sock *sk, struct half_entry *entry)
{
	struct tether_stream *ts = tether_stream(sk);

	hlist_del(&entry->node);
	timerqueue_del(&ts->listener->deadlines, &entry->expires);
	WRITE_ONCE(ts->halves, ts->halves - 1);
	kmem_cache_free(half_cache, entry);
}

/* Send the SYN+ACK, and note when the next one is due. */
static void half_reply(struct sock *sk, struct half_entry *entry,
		       struct net_device *dev, u64 now)
{
	struct tether_listener *listener = tether_stream(sk)->listener;
	struct tether_frame frame;

	if (!RB_EMPTY_NODE(&entry->expires.node))
		timerqueue_del(&listener->deadlines, &entry->expires);
	tether_half_frame(&entry->half, now, &frame);
	entry->expires.expires = entry->half.deadline;
	timerqueue_add(&listener->deadlines, &entry->expires);
	if (dev)
		tether_device_reply(dev, entry->key.peer, &frame.seg, sk);
}

/* Tell the peer that nobody will ever accept. */
static void half_abort(const struct sock *sk, struct half_entry *entry)
{
	struct tether_frame frame;
	struct net_device *dev;

	tether_half_frame(&entry->half, tether_now(), &frame);
	frame.seg.flags = TETHER_RST | TETHER_ACK;
	frame.seg.reason = TETHER_REASON_LISTENER_CLOSED;
	frame.seg.seq++;
	frame.seg.mss = 0;
	frame.seg.has_ack_delay = false;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(entry->key.net, entry->key.ifindex);
	if (dev)
		tether_device_reply(dev, entry->key.peer, &frame.seg, sk);
	rcu_read_unlock();
}

/* Call with each half-open connection; @fn may free it. */
static void half_each(struct sock *sk,
		      void (*fn)(struct sock *sk, struct half_entry *entry))
{
	struct tether_listener *listener = tether_stream(sk)->listener;
	struct half_entry *entry;
	struct hlist_node *next;
	int i;

	for (i = 0; i < HALF_BUCKETS; i++)
		hlist_for_each_entry_safe(entry, next, &listener->halves[i],
					  node)
			fn(sk, entry);
}

static void half_end(struct sock *sk, struct half_entry *entry)
{
	half_abort(sk, entry);
	half_free(sk, entry);
}

/* The peer's final ACK cannot come any more. */
static void half_end_unreachable(struct sock *sk, struct half_entry *entry)
{
	struct net_device *dev;
	bool reachable;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(entry->key.net, entry->key.ifindex);
	reachable = dev && tether_device_allowed(dev) &&
		    ether_addr_equal_unaligned(entry->src, dev->dev_addr);
	rcu_read_unlock();
	if (!reachable)
		half_free(sk, entry);
}

/**
 * tether_listen_backlog() - listen(2), the first or another time
 * @sk: locked
 * @backlog: as listen(2) has it
 *
 * Half-open connections may be as many as TCP had before it had SYN cookies:
 * the backlog, rounded up, within the limit of the namespace.
 */
void tether_listen_backlog(struct sock *sk, int backlog)
{
	u32 max = READ_ONCE(tether_net(sock_net(sk))->max_half);
	u32 limit = clamp_t(u32, backlog, HALF_LEAST, max_t(u32, max, 1));

	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	limit = roundup_pow_of_two(limit + 1);
	WRITE_ONCE(tether_stream(sk)->half_limit, min(limit, max));
}

/**
 * tether_listen_start() - from CLOSED to LISTEN
 * @sk: locked; gets a port if it has none
 *
 * Return: 0 or a negative errno.
 */
int tether_listen_start(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	struct tether_listener *listener;
	int err = 0;

	sock_owned_by_me(sk);
	listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	if (!listener)
		return -ENOMEM;
	timerqueue_init_head(&listener->deadlines);
	INIT_LIST_HEAD(&listener->completed);
	listener->secret = get_random_u32();

	if (!ts->base.key.sport)
		err = tether_table_bind(sk, 0);
	if (err)
		goto free;
	ts->listener = listener;
	sk->sk_ack_backlog = 0;
	tether_conn_listen(&ts->conn);
	tether_stream_settle(sk, 0);
	err = tether_table_listen(sk);
	if (!err)
		return 0;
	tether_conn_end(&ts->conn, TETHER_EV_ABORT, TETHER_REASON_NONE, 0);
	tether_stream_settle(sk, tether_conn_result(&ts->conn) &
				 ~TETHER_DID_CLOSE);
	ts->listener = NULL;
free:
	kfree(listener);
	return err;
}

/*
 * End a child that nobody has accepted. The listener is owned, not spinning;
 * the child may be owned, too, by somebody who reads /proc/net/tether.
 */
static void child_abort(struct sock *child)
{
	struct tether_stream *ts = tether_stream(child);

	sock_hold(child);
	lock_sock_nested(child, SINGLE_DEPTH_NESTING);
	list_del_init(&ts->accept_node);
	sock_orphan(child);
	if (ts->conn.state == TETHER_CLOSED)
		tether_stream_destroy(child);
	else
		tether_stream_abort(child, TETHER_REASON_LISTENER_CLOSED);
	release_sock(child);
	sock_put(child);
}

/**
 * tether_listen_stop() - from LISTEN to CLOSED
 * @sk: locked
 *
 * The listener leaves the table first, so that nothing new comes; what is
 * still in its backlog finds it CLOSED.
 *
 * Context: process.
 */
void tether_listen_stop(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	struct tether_listener *listener = ts->listener;
	struct tether_stream *child, *next;

	sock_owned_by_me(sk);
	tether_conn_end(&ts->conn, TETHER_EV_ABORT, TETHER_REASON_NONE, 0);
	tether_stream_settle(sk, tether_conn_result(&ts->conn));
	half_each(sk, half_end);
	list_for_each_entry_safe(child, next, &listener->completed,
				 accept_node) {
		sk_acceptq_removed(sk);
		child_abort(&child->base.sk);
		cond_resched();
	}
	ts->listener = NULL;
	kfree(listener);
}

/* A SYN of somebody new. */
static enum tether_drop half_make(struct sock *sk, struct arrival *in)
{
	struct tether_stream *ts = tether_stream(sk);
	struct net *net = sock_net(sk);
	struct half_entry *entry;
	struct tether_recvq empty;
	u16 mss, frame_max;
	bool split;

	if (sk_acceptq_is_full(sk)) {
		tether_stat_inc(net, TETHER_STAT_LISTEN_OVERFLOW);
		return TETHER_DROP_ACCEPT_FULL;
	}
	if (ts->halves >= ts->half_limit)
		return TETHER_DROP_HALF_FULL;
	entry = kmem_cache_alloc(half_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!entry)
		return TETHER_DROP_MEMORY;

	tether_device_limits(in->dev, &mss, &frame_max, &split);
	tether_recvq_init(&empty, 0);
	tether_half_init(&entry->half, &tether_net(net)->cfg, &in->seg,
			 tether_isn(&in->key), mss,
			 tether_recvq_space(&empty, READ_ONCE(sk->sk_rcvbuf)),
			 in->now);
	entry->key = in->key;
	memcpy(entry->src, in->dev->dev_addr, ETH_ALEN);
	timerqueue_init(&entry->expires);
	hlist_add_head(&entry->node, half_chain(ts->listener, &in->key));
	WRITE_ONCE(ts->halves, ts->halves + 1);
	tether_stat_inc(net, TETHER_STAT_HALF_OPEN);
	half_reply(sk, entry, in->dev, in->now);
	return TETHER_DROP_NONE;
}

/* What a clone must not share with the socket it was cloned from. */
static void child_clear(struct sock *child)
{
	struct tether_stream *ts = tether_stream(child);

	ts->listener = NULL;
	INIT_LIST_HEAD(&ts->accept_node);
	RCU_INIT_POINTER(ts->base.dev, NULL);
	ts->more_until = 0;
	ts->defer = 0;
	ts->flags = 0;
	ts->charged_send = 0;
	ts->charged_recv = 0;
	ts->halves = 0;
	ts->half_limit = 0;
	child->sk_userlocks &= ~SOCK_BINDPORT_LOCK;
	child->sk_ack_backlog = 0;
	atomic64_set(&child->sk_cookie, 0);
	tether_timer_init(child);
}

static void child_open(struct sock *child, const struct half_entry *entry,
		       const struct arrival *in)
{
	struct tether_stream *ts = tether_stream(child);
	struct tether_conn *conn;
	bool nodelay = ts->conn.nodelay;
	u16 mss, frame_max;
	bool split;
	u32 did;

	tether_conn_init(&ts->conn, &tether_net(sock_net(child))->cfg);
	conn = tether_stream_conn(child);
	conn->nodelay = nodelay;
	conn->keepalive = sock_flag(child, SOCK_KEEPOPEN);
	conn->sport = in->key.sport;
	conn->dport = in->key.dport;
	tether_path_init(&conn->path, in->key.ifindex, in->key.peer);
	tether_device_limits(in->dev, &mss, &frame_max, &split);
	tether_path_limits(&conn->path, mss, frame_max, split);
	did = tether_conn_accept(conn, &entry->half, in->now);
	tether_stream_settle(child, did);
}

/* Make a clone the child of a half-open connection. False: it is dead. */
static bool child_start(struct sock *sk, struct sock *child,
			const struct half_entry *entry,
			const struct arrival *in)
{
	struct tether_sock *base = tether_sk(child);

	tether_table_inherit(child, sk);
	child_clear(child);
	base->key = in->key;
	sk_set_txhash(child);
	child_open(child, entry, in);
	/* It is complete before it can be found. */
	if (!tether_table_insert(child)) {
		if (tether_device_attach(child, in->dev) &&
		    ether_addr_equal_unaligned(base->src, entry->src))
			return true;
		tether_table_unhash(child);
	}
	sock_orphan(child);
	tether_stream_abort(child, TETHER_REASON_MEMORY);
	return false;
}

/* The final ACK: it goes on to the child, perhaps with data. */
static enum tether_drop half_open(struct sock *sk, struct half_entry *entry,
				  struct arrival *in, struct sk_buff *skb)
{
	struct tether_listener *listener = tether_stream(sk)->listener;
	enum tether_drop drop = TETHER_DROP_MEMORY;
	struct sock *child;

	if (sk_acceptq_is_full(sk)) {
		tether_stat_inc(sock_net(sk), TETHER_STAT_LISTEN_OVERFLOW);
		return TETHER_DROP_ACCEPT_FULL;
	}
	child = sk_clone_lock(sk, GFP_ATOMIC | __GFP_NOWARN);
	if (!child)
		return drop;
	__acquire(&child->sk_lock.slock);
	if (child_start(sk, child, entry, in)) {
		half_free(sk, entry);
		tether_stat_inc(sock_net(sk), TETHER_STAT_PASSIVE_OPEN);
		list_add_tail(&tether_stream(child)->accept_node,
			      &listener->completed);
		sk_acceptq_added(sk);
		tether_stream_segment(child, skb);
		sk->sk_data_ready(sk);
		drop = TETHER_DROP_NONE;
	}
	bh_unlock_sock(child);
	sock_put(child);
	return drop;
}

/* A segment for a half-open connection. True if the skb was taken over. */
static bool half_receive(struct sock *sk, struct half_entry *entry,
			 struct arrival *in, struct sk_buff *skb)
{
	enum tether_drop drop;

	switch (tether_half_segment(&entry->half, &in->seg, in->now)) {
	case TETHER_HALF_KEEP:
		return false;
	case TETHER_HALF_REPLY:
		half_reply(sk, entry, in->dev, in->now);
		return false;
	case TETHER_HALF_OPEN:
		drop = half_open(sk, entry, in, skb);
		in->seg.drop = drop;
		return !drop;
	case TETHER_HALF_RESET:
		tether_reply_reset(in->dev, in->key.peer, &in->seg,
				   TETHER_REASON_NO_CONNECTION);
		return false;
	case TETHER_HALF_GONE:
		half_free(sk, entry);
		return false;
	}
	return false;
}

/* A segment of nobody that we know. */
static void stranger(struct sock *sk, struct arrival *in)
{
	switch (tether_listen_segment(&in->seg)) {
	case TETHER_LISTEN_DROP:
		break;
	case TETHER_LISTEN_RESET:
		in->seg.drop = TETHER_DROP_STATE;
		tether_reply_reset(in->dev, in->key.peer, &in->seg,
				   TETHER_REASON_NO_CONNECTION);
		break;
	case TETHER_LISTEN_SYN:
		in->seg.drop = half_make(sk, in);
		break;
	}
}

/* A segment whose connection was made while it waited in our backlog. */
static bool child_receive(struct arrival *in, struct sk_buff *skb)
{
	struct sock *child = tether_table_find_conn(&in->key);

	if (!child)
		return false;
	bh_lock_sock(child);
	if (!sock_owned_by_user(child))
		tether_stream_segment(child, skb);
	else if (sk_add_backlog(child, skb, READ_ONCE(child->sk_rcvbuf)))
		tether_drop_skb(sock_net(child), skb, TETHER_DROP_BACKLOG);
	bh_unlock_sock(child);
	sock_put(child);
	return true;
}

/* Under rcu_read_lock(). True if the skb was taken over. */
static bool listen_dispatch(struct sock *sk, struct arrival *in,
			    struct sk_buff *skb)
{
	struct half_entry *entry;

	entry = half_find(tether_stream(sk)->listener, &in->key);
	if (entry)
		return half_receive(sk, entry, in, skb);
	if (child_receive(in, skb))
		return true;
	stranger(sk, in);
	return false;
}

/**
 * tether_listen_receive() - a frame for a listener
 * @sk: locked, in LISTEN
 * @skb: from its header on, checked; taken over
 *
 * Context: BH, or process with the socket owned.
 */
void tether_listen_receive(struct sock *sk, struct sk_buff *skb)
{
	const struct tether_rx_cb *cb = TETHER_RX_CB(skb);
	struct arrival in = { .now = tether_now() };

	sock_owned_by_me(sk);
	in.seg.drop = tether_wire_parse(&in.seg, skb->data,
					TETHER_MAX_HEADER + U16_MAX);
	in.key = (struct tether_key){
		.net = sock_net(sk),
		.type = TETHER_TYPE_STREAM,
		.ifindex = cb->ifindex,
		.sport = in.seg.dport,
		.dport = in.seg.sport,
	};
	memcpy(in.key.peer, cb->peer, ETH_ALEN);
	/* Since it was found, the socket may have been bound to another. */
	if (!in.seg.drop && !tether_table_fits(sk, &in.key, cb->dest))
		in.seg.drop = TETHER_DROP_NO_SOCKET;
	if (in.seg.drop) {
		tether_drop_skb(sock_net(sk), skb, in.seg.drop);
		return;
	}

	/* The locks of children are spinning ones, also from the backlog. */
	local_bh_disable();
	rcu_read_lock();
	in.dev = dev_get_by_index_rcu(sock_net(sk), cb->ifindex);
	if (!in.dev)
		in.seg.drop = TETHER_DROP_DEVICE;
	else if (listen_dispatch(sk, &in, skb))
		skb = NULL;
	rcu_read_unlock();
	local_bh_enable();

	if (skb && in.seg.drop)
		tether_drop_skb(sock_net(sk), skb, in.seg.drop);
	else
		consume_skb(skb);
	tether_timer_arm(sk, tether_listen_deadline(sk));
}

/**
 * tether_listen_timer() - time has passed
 * @sk: locked, in LISTEN
 * @now: microseconds
 */
void tether_listen_timer(struct sock *sk, u64 now)
{
	struct tether_listener *listener = tether_stream(sk)->listener;
	struct timerqueue_node *first;
	struct half_entry *entry;
	struct net_device *dev;

	sock_owned_by_me(sk);
	rcu_read_lock();
	while ((first = timerqueue_getnext(&listener->deadlines)) &&
	       first->expires <= (s64)now) {
		entry = container_of(first, struct half_entry, expires);
		if (tether_half_timer(&entry->half, now) == TETHER_HALF_GONE) {
			half_free(sk, entry);
			continue;
		}
		dev = dev_get_by_index_rcu(sock_net(sk), entry->key.ifindex);
		half_reply(sk, entry, dev, now);
	}
	rcu_read_unlock();
}

/**
 * tether_listen_deadline() - when tether_listen_timer() is to be called
 * @sk: locked, in LISTEN
 *
 * Return: microseconds, or 0 for never.
 */
u64 tether_listen_deadline(const struct sock *sk)
{
	struct tether_listener *listener = tether_stream(sk)->listener;
	struct timerqueue_node *first;

	first = timerqueue_getnext(&listener->deadlines);
	return first ? first->expires : 0;
}

/**
 * tether_listen_take() - take a child off the completed queue
 * @sk: locked, in LISTEN
 *
 * Return: the child, with the reference it was made with, or NULL.
 */
struct sock *tether_listen_take(struct sock *sk)
{
	struct tether_listener *listener = tether_stream(sk)->listener;
	struct tether_stream *child;

	sock_owned_by_me(sk);
	child = list_first_entry_or_null(&listener->completed,
					 struct tether_stream, accept_node);
	if (!child)
		return NULL;
	list_del_init(&child->accept_node);
	sk_acceptq_removed(sk);
	return &child->base.sk;
}

/**
 * tether_listen_ready() - is there a child to accept?
 * @sk: in LISTEN; need not be locked
 *
 * Return: true if so.
 */
bool tether_listen_ready(const struct sock *sk)
{
	return READ_ONCE(sk->sk_ack_backlog);
}

/**
 * tether_listen_device_gone() - forget half-open connections whose device is
 * gone, or has another MAC
 * @sk: locked, in LISTEN
 */
void tether_listen_device_gone(struct sock *sk)
{
	sock_owned_by_me(sk);
	half_each(sk, half_end_unreachable);
}

/**
 * tether_listen_counts() - how long are the queues?
 * @sk: in LISTEN; need not be locked
 * @half: set to the number of half-open connections
 * @completed: set to the number of children to accept
 * @limit: set to the backlog
 */
void tether_listen_counts(const struct sock *sk, u32 *half, u32 *completed,
			  u32 *limit)
{
	*half = READ_ONCE(tether_stream(sk)->halves);
	*completed = READ_ONCE(sk->sk_ack_backlog);
	*limit = READ_ONCE(sk->sk_max_ack_backlog);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The hash tables of sockets: bound ports, and connections.
 *
 * A table holds no reference. Its chains are changed under the lock of their
 * bucket; a bucket of the bind table may be held when one of the connection
 * table is taken, and that when one of TIME_WAIT is.
 *
 * Connections are looked up under RCU: sockets are SLAB_TYPESAFE_BY_RCU, so
 * the key is compared again once a reference is held, and the chain is walked
 * again if it ended on another chain's mark. The bind table is walked under
 * its lock: it is not asked for frames of a connection.
 */
#include <linux/hash.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rculist_nulls.h>
#include <linux/siphash.h>
#include <net/netns/hash.h>
#include "tether.h"

enum {
	CONN_BITS	= 14,
	CONN_BUCKETS	= 1 << CONN_BITS,
	BIND_BITS	= 12,
	BIND_BUCKETS	= 1 << BIND_BITS,
};

struct conn_bucket {
	spinlock_t		lock;	/* of the chain */
	struct hlist_nulls_head	chain;
};

/*
 * @bound: every socket with a port that hashes here
 * @listening: those of them that take frames from anybody
 */
struct bind_bucket {
	spinlock_t		lock;	/* of both chains */
	struct hlist_head	bound;
	struct hlist_head	listening;
};

static struct conn_bucket *conns __read_mostly;
static struct bind_bucket *binds __read_mostly;
static hsiphash_key_t table_secret __read_mostly;

static u32 key_hash(const struct tether_key *key)
{
	return hsiphash_4u32(key->ifindex ^ net_hash_mix(key->net),
			     get_unaligned((const u32 *)key->peer),
			     get_unaligned((const u16 *)(key->peer + 4)) |
			     (u32)key->type << 16,
			     key->sport | (u32)key->dport << 16,
			     &table_secret);
}

static bool key_equal(const struct tether_key *a, const struct tether_key *b)
{
	return a->sport == b->sport && a->dport == b->dport &&
	       ether_addr_equal_unaligned(a->peer, b->peer) &&
	       a->ifindex == b->ifindex && a->type == b->type &&
	       net_eq(a->net, b->net);
}

static struct bind_bucket *bind_bucket(const struct net *net, u8 type, u16 port)
{
	u32 hash = net_hash_mix(net) ^ ((u32)type << 16 | port);

	return &binds[hash_32(hash, BIND_BITS)];
}

/* Of a socket with a port. */
static struct bind_bucket *sock_bucket(const struct tether_sock *ts)
{
	return bind_bucket(sock_net(&ts->sk), ts->type, ts->key.sport);
}

/*
 * Is @ts still in @bucket, whose lock the caller holds? It may have moved to
 * another: the port is erased and set under the locks of its buckets.
 */
static bool in_bucket(const struct tether_sock *ts,
		      const struct bind_bucket *bucket)
{
	return !hlist_unhashed(&ts->bind_node) && sock_bucket(ts) == bucket;
}

static bool on_port(const struct tether_sock *ts, const struct net *net,
		    u8 type, u16 port)
{
	return ts->key.sport == port && ts->type == type &&
	       net_eq(sock_net(&ts->sk), net);
}

/**
 * tether_table_init() - make the tables
 *
 * Return: 0 or -ENOMEM.
 */
int tether_table_init(void)
{
	unsigned int i;

	conns = kvmalloc_array(CONN_BUCKETS, sizeof(*conns), GFP_KERNEL);
	binds = kvmalloc_array(BIND_BUCKETS, sizeof(*binds), GFP_KERNEL);
	if (!conns || !binds) {
		tether_table_exit();
		return -ENOMEM;
	}
	for (i = 0; i < CONN_BUCKETS; i++) {
		spin_lock_init(&conns[i].lock);
		INIT_HLIST_NULLS_HEAD(&conns[i].chain, i);
	}
	for (i = 0; i < BIND_BUCKETS; i++) {
		spin_lock_init(&binds[i].lock);
		INIT_HLIST_HEAD(&binds[i].bound);
		INIT_HLIST_HEAD(&binds[i].listening);
	}
	get_random_bytes(&table_secret, sizeof(table_secret));
	return 0;
}

/**
 * tether_table_exit() - free the tables
 *
 * All sockets are gone: each pins the module.
 */
void tether_table_exit(void)
{
	kvfree(conns);
	kvfree(binds);
}

/* Of one that is tied to two devices nobody knows which it will be. */
static bool overlap(const struct tether_sock *a, const struct tether_sock *b)
{
	int dev_a = tether_sock_device(&a->sk);
	int dev_b = tether_sock_device(&b->sk);

	if (dev_a > 0 && dev_b > 0 && dev_a != dev_b)
		return false;
	return is_zero_ether_addr(a->bind_addr) ||
	       is_zero_ether_addr(b->bind_addr) ||
	       ether_addr_equal_unaligned(a->bind_addr, b->bind_addr);
}

static bool conflict(const struct tether_sock *a, const struct tether_sock *b)
{
	if (a == b || !overlap(a, b))
		return false;
	if (!a->sk.sk_reuse || !b->sk.sk_reuse)
		return true;
	/* A bound datagram socket receives: sharing it is the wish of both. */
	return a->type != TETHER_TYPE_DGRAM &&
	       !hlist_unhashed(&b->listen_node);
}

/*
 * May @ts have @port? With @alone only if nobody has it at all. The caller
 * holds the bucket's lock.
 */
static bool port_free(struct bind_bucket *bucket, const struct tether_sock *ts,
		      u16 port, bool alone)
{
	struct net *net = sock_net(&ts->sk);
	struct tether_sock *other;

	hlist_for_each_entry(other, &bucket->bound, bind_node) {
		if (on_port(other, net, ts->type, port) &&
		    (alone || conflict(ts, other)))
			return false;
	}
	return true;
}

/* The caller holds the bucket's lock. */
static void port_take(struct bind_bucket *bucket, struct tether_sock *ts,
		      u16 port)
{
	ts->key.net = sock_net(&ts->sk);
	ts->key.type = ts->type;
	ts->key.sport = port;
	hlist_add_head(&ts->bind_node, &bucket->bound);
	if (ts->type == TETHER_TYPE_DGRAM)
		hlist_add_head(&ts->listen_node, &bucket->listening);
}

static bool try_bind(struct tether_sock *ts, u16 port, bool alone)
{
	struct bind_bucket *bucket;
	bool ok;

	bucket = bind_bucket(sock_net(&ts->sk), ts->type, port);
	spin_lock_bh(&bucket->lock);
	ok = port_free(bucket, ts, port, alone);
	if (ok)
		port_take(bucket, ts, port);
	spin_unlock_bh(&bucket->lock);
	return ok;
}

/* Calls @try for each ephemeral port, from a random one on, until it likes one. */
static bool each_port(struct tether_sock *ts, bool alone,
		      bool (*try)(struct tether_sock *ts, u16 port, bool alone))
{
	struct tether_net *tn = tether_net(sock_net(&ts->sk));
	u32 first = READ_ONCE(tn->port_range[0]);
	u32 last = READ_ONCE(tn->port_range[1]);
	u32 i, count, start;

	count = last >= first ? last - first + 1 : 1;
	start = get_random_u32_below(count);
	for (i = 0; i < count; i++) {
		if (try(ts, first + (start + i) % count, alone))
			return true;
	}
	return false;
}

/**
 * tether_table_bind() - give a socket a port
 * @sk: locked, without a port; bind_ifindex and bind_addr are set
 * @port: the port, or 0 to choose one
 *
 * A datagram socket receives from here on.
 *
 * Return: 0, or -EADDRINUSE.
 */
int tether_table_bind(struct sock *sk, u16 port)
{
	struct tether_sock *ts = tether_sk(sk);
	bool ok;

	if (port)
		ok = try_bind(ts, port, false);
	else
		ok = each_port(ts, true, try_bind) ||
		     each_port(ts, false, try_bind);
	if (!ok)
		return -EADDRINUSE;
	ts->bound = true;
	return 0;
}

/**
 * tether_table_unbind() - take a socket out of all tables
 * @sk: locked, or not reachable otherwise; need not have a port
 */
void tether_table_unbind(struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);
	struct bind_bucket *bucket;

	tether_table_unhash(sk);
	if (hlist_unhashed(&ts->bind_node))
		return;
	bucket = sock_bucket(ts);
	spin_lock_bh(&bucket->lock);
	hlist_del_init(&ts->bind_node);
	hlist_del_init(&ts->listen_node);
	ts->key.sport = 0;
	spin_unlock_bh(&bucket->lock);
	ts->bound = false;
	ts->reuse_any = false;
}

/**
 * tether_table_inherit() - let a child share its listener's port
 * @child: a fresh clone of @listener, not yet reachable
 * @listener: locked
 *
 * The links that were cloned are made good here, so this must be the first
 * call for a child.
 */
void tether_table_inherit(struct sock *child, struct sock *listener)
{
	struct tether_sock *ts = tether_sk(child);
	struct bind_bucket *bucket = sock_bucket(tether_sk(listener));

	INIT_HLIST_NODE(&ts->bind_node);
	INIT_HLIST_NODE(&ts->listen_node);
	spin_lock_bh(&bucket->lock);
	hlist_add_head(&ts->bind_node, &bucket->bound);
	spin_unlock_bh(&bucket->lock);
}

/**
 * tether_table_listen() - let a bound socket receive from anybody
 * @sk: locked, with a port
 *
 * Return: 0, or -EADDRINUSE if another socket listens there.
 */
int tether_table_listen(struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);
	struct bind_bucket *bucket = sock_bucket(ts);
	int err = -EADDRINUSE;

	spin_lock_bh(&bucket->lock);
	if (port_free(bucket, ts, ts->key.sport, false)) {
		hlist_add_head(&ts->listen_node, &bucket->listening);
		err = 0;
	}
	spin_unlock_bh(&bucket->lock);
	return err;
}

/**
 * tether_table_peer() - connect or disconnect a datagram socket
 * @sk: locked, with a port
 * @key: the peer, or NULL for anybody
 */
void tether_table_peer(struct sock *sk, const struct tether_key *key)
{
	struct tether_sock *ts = tether_sk(sk);
	struct bind_bucket *bucket = sock_bucket(ts);

	spin_lock_bh(&bucket->lock);
	ts->key.dport = key ? key->dport : 0;
	ts->key.ifindex = key ? key->ifindex : 0;
	if (key)
		ether_addr_copy(ts->key.peer, key->peer);
	else
		eth_zero_addr(ts->key.peer);
	spin_unlock_bh(&bucket->lock);
}

/* Put a connection on its chain, if nothing else has its key. */
static int conn_insert(struct sock *sk, const struct tether_key *key,
		       bool active)
{
	u32 hash = key_hash(key);
	struct conn_bucket *bucket = &conns[hash & (CONN_BUCKETS - 1)];
	struct hlist_nulls_node *node;
	int err = -EADDRNOTAVAIL;
	struct sock *other;

	spin_lock_bh(&bucket->lock);
	sk_nulls_for_each(other, node, &bucket->chain) {
		if (other->sk_hash == hash &&
		    key_equal(&tether_sk(other)->key, key))
			goto unlock;
	}
	if (active && tether_timewait_busy(key))
		goto unlock;
	tether_sk(sk)->key = *key;
	sk->sk_hash = hash;
	hlist_nulls_add_head_rcu(&sk->sk_nulls_node, &bucket->chain);
	err = 0;
unlock:
	spin_unlock_bh(&bucket->lock);
	return err;
}

/**
 * tether_table_insert() - put a child on the connection table
 * @sk: locked child with its key set
 *
 * Return: 0, or -EADDRNOTAVAIL if there is such a connection.
 */
int tether_table_insert(struct sock *sk)
{
	return conn_insert(sk, &tether_sk(sk)->key, false);
}

/* Can a connection of connect(2) share @port? Only with its like. */
static bool port_shared(struct bind_bucket *bucket,
			const struct tether_sock *ts, u16 port, bool alone)
{
	struct net *net = sock_net(&ts->sk);
	struct tether_sock *other;

	hlist_for_each_entry(other, &bucket->bound, bind_node) {
		if (on_port(other, net, ts->type, port) &&
		    (alone || !other->reuse_any))
			return false;
	}
	return true;
}

/* Take @port and the connection of ts->key with it, or neither. */
static bool try_connect(struct tether_sock *ts, u16 port, bool alone)
{
	struct tether_key key = ts->key;
	struct bind_bucket *bucket;
	bool ok = false;

	key.sport = port;
	bucket = bind_bucket(sock_net(&ts->sk), ts->type, port);
	spin_lock_bh(&bucket->lock);
	if (port_shared(bucket, ts, port, alone) &&
	    !conn_insert(&ts->sk, &key, true)) {
		hlist_add_head(&ts->bind_node, &bucket->bound);
		ok = true;
	}
	spin_unlock_bh(&bucket->lock);
	return ok;
}

/**
 * tether_table_connect() - put a socket of connect(2) on the connection table
 * @sk: locked, not connected, with or without a port
 * @key: the connection; its sport is not used
 *
 * A socket without a port gets one: a port of its own if there is one, else
 * one that it shares with other sockets of that kind.
 *
 * Return: 0, or -EADDRNOTAVAIL if the connection exists, or lately did, or if
 * no port is left.
 */
int tether_table_connect(struct sock *sk, const struct tether_key *key)
{
	struct tether_sock *ts = tether_sk(sk);
	struct tether_key full = *key;

	full.net = sock_net(sk);
	full.type = ts->type;
	full.sport = ts->key.sport;
	if (full.sport)
		return conn_insert(sk, &full, true);

	ts->key = full;
	ts->reuse_any = true;
	if (each_port(ts, true, try_connect) ||
	    each_port(ts, false, try_connect))
		return 0;
	ts->key.sport = 0;
	ts->reuse_any = false;
	return -EADDRNOTAVAIL;
}

static void conn_remove(struct sock *sk)
{
	struct conn_bucket *bucket;

	if (hlist_nulls_unhashed(&sk->sk_nulls_node))
		return;
	bucket = &conns[sk->sk_hash & (CONN_BUCKETS - 1)];
	spin_lock_bh(&bucket->lock);
	hlist_nulls_del_init_rcu(&sk->sk_nulls_node);
	spin_unlock_bh(&bucket->lock);
}

/**
 * tether_table_unhash() - let a socket receive no frame any more
 * @sk: locked, or not reachable otherwise; need not be on a table
 *
 * It keeps its port.
 */
void tether_table_unhash(struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);
	struct bind_bucket *bucket;

	conn_remove(sk);
	if (hlist_unhashed(&ts->listen_node))
		return;
	bucket = sock_bucket(ts);
	spin_lock_bh(&bucket->lock);
	hlist_del_init(&ts->listen_node);
	spin_unlock_bh(&bucket->lock);
}

static bool conn_match(const struct sock *sk, u32 hash,
		       const struct tether_key *key)
{
	return sk->sk_hash == hash && key_equal(&tether_sk(sk)->key, key);
}

/**
 * tether_table_find_conn() - look a connection up
 * @key: what the frame says
 *
 * Context: under rcu_read_lock().
 * Return: the socket with a reference, or NULL.
 */
struct sock *tether_table_find_conn(const struct tether_key *key)
{
	u32 hash = key_hash(key);
	unsigned int slot = hash & (CONN_BUCKETS - 1);
	struct hlist_nulls_node *node;
	struct sock *sk;

again:
	sk_nulls_for_each_rcu(sk, node, &conns[slot].chain) {
		if (!conn_match(sk, hash, key))
			continue;
		if (!refcount_inc_not_zero(&sk->sk_refcnt))
			return NULL;
		if (likely(conn_match(sk, hash, key)))
			return sk;
		/* It was freed and is another's now. */
		sock_put(sk);
		goto again;
	}
	/* The walk was led astray by a socket that moved. */
	if (get_nulls_value(node) != slot)
		goto again;
	return NULL;
}

/*
 * How well does a socket fit a frame: -1 for not at all, else more for each
 * thing that it insists on. @dest is NULL for a group address, which only
 * sockets without a MAC of their own receive.
 */
static int fit(const struct tether_sock *ts, const struct tether_key *key,
	       const u8 *dest)
{
	int tied = tether_sock_device(&ts->sk);
	int score = 0;

	if (!on_port(ts, key->net, key->type, key->sport))
		return -1;
	if (tied) {
		if (tied != key->ifindex)
			return -1;
		score++;
	}
	if (!is_zero_ether_addr(ts->bind_addr)) {
		if (!dest || !ether_addr_equal_unaligned(ts->bind_addr, dest))
			return -1;
		score++;
	}
	if (ts->type == TETHER_TYPE_DGRAM && ts->key.dport) {
		if (ts->key.dport != key->dport ||
		    ts->key.ifindex != key->ifindex ||
		    !ether_addr_equal_unaligned(ts->key.peer, key->peer))
			return -1;
		score += 4;
	}
	return score;
}

/**
 * tether_table_fits() - is a socket still the one to receive a frame?
 * @sk: locked, found by tether_table_find_bound() before it was
 * @key: what the frame says
 * @dest: the MAC it is for
 *
 * Return: true if its port, device and MAC have not changed to others.
 */
bool tether_table_fits(const struct sock *sk, const struct tether_key *key,
		       const u8 *dest)
{
	return fit(tether_sk(sk), key, dest) >= 0;
}

/**
 * tether_table_find_bound() - who receives from anybody?
 * @key: what the frame says
 * @dest: the MAC it is for
 *
 * Return: the listener or datagram socket that fits best, with a reference,
 * or NULL.
 */
struct sock *tether_table_find_bound(const struct tether_key *key,
				     const u8 *dest)
{
	struct bind_bucket *bucket;
	struct tether_sock *ts, *found = NULL;
	int score, best = -1;

	bucket = bind_bucket(key->net, key->type, key->sport);
	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry(ts, &bucket->listening, listen_node) {
		score = fit(ts, key, dest);
		if (score > best) {
			best = score;
			found = ts;
		}
	}
	if (found)
		sock_hold(&found->sk);
	spin_unlock_bh(&bucket->lock);
	return found ? &found->sk : NULL;
}

/**
 * tether_table_next_bound() - walk over all that receive a group address
 * @key: what the frame says
 * @prev: the socket returned last, whose reference is dropped; NULL to start
 *
 * Return: the next socket, with a reference, or NULL at the end. The walk ends
 * early if @prev was closed meanwhile.
 */
struct sock *tether_table_next_bound(const struct tether_key *key,
				     struct sock *prev)
{
	struct bind_bucket *bucket;
	struct hlist_node *node;
	struct tether_sock *ts = NULL;

	bucket = bind_bucket(key->net, key->type, key->sport);
	spin_lock_bh(&bucket->lock);
	if (!prev)
		node = bucket->listening.first;
	else if (in_bucket(tether_sk(prev), bucket))
		node = tether_sk(prev)->listen_node.next;
	else
		node = NULL;
	for (; node; node = node->next) {
		ts = hlist_entry(node, struct tether_sock, listen_node);
		if (fit(ts, key, NULL) >= 0) {
			sock_hold(&ts->sk);
			break;
		}
	}
	spin_unlock_bh(&bucket->lock);
	if (prev)
		sock_put(prev);
	return node ? &ts->sk : NULL;
}

/*
 * The first socket of @net at or behind a place in @bucket, or NULL; @prev, if
 * it is still there, is the one before that place. Moves @at there.
 */
static struct sock *seek_in_bucket(struct bind_bucket *bucket, struct net *net,
				   struct tether_cursor *at, struct sock *prev)
{
	struct hlist_node *node = bucket->bound.first;
	struct tether_sock *ts;
	unsigned int i = 0;

	lockdep_assert_held(&bucket->lock);
	if (prev && in_bucket(tether_sk(prev), bucket)) {
		node = tether_sk(prev)->bind_node.next;
		i = at->offset;
	}
	for (; node; node = node->next, i++) {
		ts = hlist_entry(node, struct tether_sock, bind_node);
		if (i < at->offset || !net_eq(sock_net(&ts->sk), net))
			continue;
		at->offset = i;
		sock_hold(&ts->sk);
		return &ts->sk;
	}
	return NULL;
}

/**
 * tether_table_seek() - the socket at a place of the bind table
 * @net: namespace
 * @at: the place; moved to that of the socket
 * @prev: the socket before that place, still held, or NULL: it saves the way
 *	there, which may be long, as all children of a listener share its port
 *
 * Every socket with a port, so also every connection, is there. Sockets that
 * come and go meanwhile can shift others by a place.
 *
 * Return: the first socket of @net at or behind @at, with a reference, or
 * NULL at the end.
 */
struct sock *tether_table_seek(struct net *net, struct tether_cursor *at,
			       struct sock *prev)
{
	struct sock *sk;

	for (; at->bucket < BIND_BUCKETS; at->bucket++, at->offset = 0) {
		struct bind_bucket *bucket = &binds[at->bucket];

		if (hlist_empty(&bucket->bound))
			continue;
		spin_lock_bh(&bucket->lock);
		sk = seek_in_bucket(bucket, net, at, prev);
		spin_unlock_bh(&bucket->lock);
		if (sk)
			return sk;
		prev = NULL;
		cond_resched();
	}
	return NULL;
}

/* A new walk over one bucket begins behind @prev, if it is still there. */
static struct sock *next_in_bucket(struct bind_bucket *bucket,
				   struct net *net, struct sock *prev)
{
	struct tether_sock *ts;
	struct hlist_node *node;

	spin_lock_bh(&bucket->lock);
	node = bucket->bound.first;
	if (prev && in_bucket(tether_sk(prev), bucket))
		node = tether_sk(prev)->bind_node.next;
	for (; node; node = node->next) {
		ts = hlist_entry(node, struct tether_sock, bind_node);
		if (net_eq(sock_net(&ts->sk), net)) {
			sock_hold(&ts->sk);
			spin_unlock_bh(&bucket->lock);
			return &ts->sk;
		}
	}
	spin_unlock_bh(&bucket->lock);
	return NULL;
}

/**
 * tether_table_each() - call a function for every socket with a port
 * @net: namespace
 * @fn: called with BH enabled, a reference and no lock; may take the socket
 *	out of the table; may be called twice for a socket, and for one that
 *	has just been taken out
 * @arg: its second argument
 *
 * Context: process.
 */
void tether_table_each(struct net *net,
		       void (*fn)(struct sock *sk, void *arg), void *arg)
{
	struct sock *sk, *next;
	unsigned int i;

	for (i = 0; i < BIND_BUCKETS; i++) {
		sk = next_in_bucket(&binds[i], net, NULL);
		while (sk) {
			/*
			 * Before @fn takes it out: from a socket that is not
			 * there any more the walk would begin again.
			 */
			next = next_in_bucket(&binds[i], net, sk);
			fn(sk, arg);
			sock_put(sk);
			sk = next;
			cond_resched();
		}
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The glue between the core and a stream socket.
 *
 * Whatever calls into the core does so as the owner of the socket, and then
 * hands the mask of what happened to tether_stream_settle(), which pulls the
 * frames, charges the memory, mirrors the state, wakes whom it concerns, arms
 * the timer, and frees a connection that nobody owns any more.
 */
#include <linux/filter.h>
#include "tether.h"

/*
 * What the backlog may hold besides a full receive buffer. The peer's window
 * is refilled while the backlog is worked off, but its length is counted until
 * it is empty: so as much again, and ACKs for all that we can send. As TCP.
 */
static u32 backlog_limit(const struct sock *sk)
{
	u64 limit = 2ULL * READ_ONCE(sk->sk_rcvbuf) +
		    READ_ONCE(sk->sk_sndbuf) / 2 + SZ_64K;

	return min_t(u64, limit, U32_MAX);
}

/* States of a socket without a connection. */
static bool is_idle(const struct tether_conn *conn)
{
	return conn->state == TETHER_CLOSED || conn->state == TETHER_LISTEN;
}

/**
 * tether_stream_conn() - the connection of a socket, before a call of the core
 * @sk: locked
 *
 * SO_RCVBUF changes the receive buffer without a word to us.
 *
 * Return: the connection.
 */
struct tether_conn *tether_stream_conn(struct sock *sk)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	sock_owned_by_me(sk);
	conn->limit = READ_ONCE(sk->sk_rcvbuf);
	return conn;
}

static void charge(struct sock *sk, int diff)
{
	if (diff > 0)
		sk_mem_charge(sk, diff);
	else
		sk_mem_uncharge(sk, -diff);
}

/**
 * tether_stream_account() - charge the socket for what its queues hold now
 * @sk: locked
 *
 * Whoever adds an skb has scheduled its memory before.
 */
void tether_stream_account(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	int diff;

	sock_owned_by_me(sk);
	diff = tether_conn_truesize_send(&ts->conn) - ts->charged_send;
	if (diff) {
		sk_wmem_queued_add(sk, diff);
		charge(sk, diff);
		ts->charged_send += diff;
	}
	diff = tether_conn_truesize_recv(&ts->conn) - ts->charged_recv;
	if (diff) {
		atomic_add(diff, &sk->sk_rmem_alloc);
		charge(sk, diff);
		ts->charged_recv += diff;
	}
}

/* The kernel cuts a send buffer down when memory is short, and leaves it so. */
static void restore_sndbuf(struct sock *sk)
{
	int size = tether_stream(sk)->sndbuf;

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK || sk->sk_sndbuf >= size ||
	    atomic_long_read(&tether_memory_allocated) > tether_mem[0])
		return;
	WRITE_ONCE(sk->sk_sndbuf, size);
}

static void count(struct sock *sk, u32 did)
{
	for (; did; did &= did - 1)
		tether_stat_inc(sock_net(sk), TETHER_STAT_DID + __ffs(did));
}

/* What is left of the connection goes to the table of TIME_WAIT entries. */
static u32 hand_over(struct sock *sk)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	tether_timewait_add(sk);
	tether_conn_end(conn, TETHER_EV_TIMEOUT, TETHER_REASON_NONE, 0);
	return tether_conn_result(conn);
}

/*
 * The one writer of sk_state, which others read without the lock. A socket is
 * off the tables before anybody can see that it is closed.
 */
static void mirror_state(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	u8 state = ts->conn.state;

	if (sk->sk_state == state)
		return;
	if (state == TETHER_CLOSED) {
		tether_table_unhash(sk);
		RCU_INIT_POINTER(ts->base.dev, NULL);
	}
	/* Pairs with poll: who sees the state sees sk_err and sk_shutdown. */
	smp_store_release(&sk->sk_state, state);
}

static void publish(struct sock *sk, u32 did)
{
	const struct tether_conn *conn = &tether_stream(sk)->conn;

	if (did & TETHER_DID_ERROR)
		WRITE_ONCE(sk->sk_err, conn->err);
	if (did & TETHER_DID_PEER_FIN) {
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
		sock_set_flag(sk, SOCK_DONE);
	}
	if (did & TETHER_DID_CLOSE)
		WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	mirror_state(sk);
}

/* As TCP: a FIN is input, the end of both halves a hang-up. */
static void wake_for_fin(struct sock *sk)
{
	bool both = sk->sk_shutdown == SHUTDOWN_MASK ||
		    sk->sk_state == TCP_CLOSE;

	sk_wake_async(sk, SOCK_WAKE_WAITD, both ? POLL_HUP : POLL_IN);
}

static void wake(struct sock *sk, u32 did, bool moved)
{
	if (sock_flag(sk, SOCK_DEAD))
		return;
	if (did & TETHER_DID_READABLE)
		sk->sk_data_ready(sk);
	if (did & TETHER_DID_WRITABLE)
		sk->sk_write_space(sk);
	if (moved || (did & (TETHER_DID_PEER_FIN | TETHER_DID_CLOSE)))
		sk->sk_state_change(sk);
	if (did & TETHER_DID_CONNECT)
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	if (did & TETHER_DID_PEER_FIN)
		wake_for_fin(sk);
	if (did & TETHER_DID_ERROR)
		sk_error_report(sk);
}

static void arm(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	u64 deadline = tether_conn_deadline(&ts->conn);

	if (ts->more_until && (!deadline || ts->more_until < deadline))
		deadline = ts->more_until;
	tether_timer_arm(sk, deadline);
}

/**
 * tether_stream_settle() - make the socket agree with its connection
 * @sk: locked
 * @did: enum tether_did, of the calls since the last time
 *
 * Context: BH or process; the caller has a reference besides the one that an
 * orphan loses here.
 */
void tether_stream_settle(struct sock *sk, u32 did)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;
	u8 old = sk->sk_state;

	sock_owned_by_me(sk);
	if (conn->state == TETHER_LISTEN) {
		mirror_state(sk);
		tether_timer_arm(sk, tether_listen_deadline(sk));
		return;
	}
	did |= tether_pull_frames(sk);
	if (conn->state == TETHER_TIME_WAIT)
		did |= hand_over(sk);
	tether_stream_account(sk);
	count(sk, did);
	publish(sk, did);
	if (did & TETHER_DID_WRITABLE)
		restore_sndbuf(sk);
	wake(sk, did, sk->sk_state != old);
	if (conn->state != TETHER_CLOSED)
		arm(sk);
	else if (sock_flag(sk, SOCK_DEAD))
		tether_stream_destroy(sk);
	else
		tether_timer_stop(sk);
}

/**
 * tether_stream_abort() - give a connection up, by our own will
 * @sk: locked
 * @reason: what the peer is told
 *
 * As for tether_stream_settle().
 */
void tether_stream_abort(struct sock *sk, enum tether_reason reason)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	tether_stream_settle(sk, tether_conn_abort(conn, reason, 0));
}

/**
 * tether_stream_destroy() - free what a closed socket holds
 * @sk: locked, CLOSED, and no program has it
 *
 * Drops the reference that the socket was made with; the caller has another.
 * May be called again.
 */
void tether_stream_destroy(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);

	sock_owned_by_me(sk);
	if (ts->destroyed)
		return;
	ts->destroyed = true;
	tether_timer_stop(sk);
	tether_table_unbind(sk);
	tether_conn_destroy(&ts->conn);
	tether_stream_account(sk);
	sk_stream_kill_queues(sk);
	if (ts->orphan)
		atomic_dec(&tether_net(sock_net(sk))->orphans);
	sk_sockets_allocated_dec(sk);
	sock_put(sk);
}

/*
 * Is there memory for the payload? With nothing to read what comes next is
 * taken however full the system is, or the program would wait for ever. It is
 * then charged to what is scheduled next.
 */
static bool has_memory(struct sock *sk, const struct tether_segment *seg,
		       struct sk_buff *skb)
{
	const struct tether_recvq *q = &tether_stream(sk)->conn.rcvq;

	if (sk_rmem_schedule(sk, skb, skb->truesize))
		return true;
	return !tether_recvq_avail(q) && !tether_after(seg->seq, q->nxt);
}

/*
 * Without memory what the segment acknowledges is still worth knowing: it may
 * free what our own send queue holds. The core tells the peer to wait.
 */
static void forget_payload(struct sock *sk, struct tether_segment *seg,
			   struct sk_buff *skb)
{
	if (pskb_trim(skb, 0))
		return;
	seg->drop = TETHER_DROP_MEMORY;
	seg->len = 0;
	seg->flags &= ~(TETHER_FIN | TETHER_PSH);
}

/* Look-ups take no lock: the socket may have got another connection since. */
static bool is_concerned(const struct sock *sk, const struct sk_buff *skb,
			 const struct tether_segment *seg)
{
	const struct tether_key *key = &tether_sk(sk)->key;
	const struct tether_rx_cb *cb = TETHER_RX_CB(skb);

	return seg->dport == key->sport && seg->sport == key->dport &&
	       cb->ifindex == key->ifindex &&
	       ether_addr_equal(cb->peer, key->peer);
}

/**
 * tether_stream_segment() - a segment for a connection
 * @sk: locked
 * @skb: from its header on, checked by the device layer; taken over
 */
void tether_stream_segment(struct sock *sk, struct sk_buff *skb)
{
	struct tether_conn *conn = tether_stream_conn(sk);
	struct tether_segment seg;
	enum tether_drop bad;
	u32 did;

	if (conn->state == TETHER_CLOSED) {
		tether_drop_skb(sock_net(sk), skb, TETHER_DROP_STATE);
		return;
	}
	/* A socket filter may have cut bytes off since it was checked. */
	bad = tether_wire_parse(&seg, skb->data, TETHER_MAX_HEADER + U16_MAX);
	/* An RST of another version, which the core knows how to take. */
	if (bad == TETHER_DROP_VERSION)
		bad = TETHER_DROP_NONE;
	if (!bad && !is_concerned(sk, skb, &seg))
		bad = TETHER_DROP_NO_SOCKET;
	if (bad) {
		tether_drop_skb(sock_net(sk), skb, bad);
		return;
	}
	__skb_pull(skb, seg.header_len);
	seg.len = min_t(u32, seg.len, skb->len);
	if (seg.len && !has_memory(sk, &seg, skb))
		forget_payload(sk, &seg, skb);

	did = tether_conn_segment(conn, &conn->path, &seg, skb, tether_now());
	if (seg.drop)
		tether_stat_inc(sock_net(sk), TETHER_STAT_DROP + seg.drop);
	tether_stream_settle(sk, did);
}

/**
 * tether_stream_backlog() - a frame that found the socket owned, later
 * @sk: locked; BH may be enabled
 * @skb: from its header on; taken over
 *
 * Return: 0.
 */
int tether_stream_backlog(struct sock *sk, struct sk_buff *skb)
{
	if (sk->sk_state == TCP_LISTEN)
		tether_listen_receive(sk, skb);
	else
		tether_stream_segment(sk, skb);
	return 0;
}

/**
 * tether_stream_receive() - a frame for a stream socket
 * @sk: connection or listener that the device layer found; referenced
 * @skb: from its header on, checked; taken over
 *
 * Context: BH, no lock.
 */
void tether_stream_receive(struct sock *sk, struct sk_buff *skb)
{
	unsigned int header = tether_wire_header_len(skb->data,
						     skb_headlen(skb));

	if (sk_filter_trim_cap(sk, skb, header)) {
		tether_drop_skb(sock_net(sk), skb, TETHER_DROP_FILTER);
		return;
	}
	/* A listener makes and locks a child under this lock: see listen.c. */
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk))
		tether_stream_backlog(sk, skb);
	else if (sk_add_backlog(sk, skb, backlog_limit(sk)))
		tether_drop_skb(sock_net(sk), skb, TETHER_DROP_BACKLOG);
	bh_unlock_sock(sk);
}

/* For a socket without a connection. */
static void binding_changed(struct sock *sk)
{
	int err;

	if (sk->sk_state == TCP_LISTEN)
		tether_listen_device_gone(sk);
	/* A connection that has ended has told its program. */
	if (tether_sk(sk)->key.ifindex)
		return;
	err = tether_bind_lost(sk);
	if (err) {
		WRITE_ONCE(sk->sk_err, -err);
		sk_error_report(sk);
	}
}

/*
 * A device is gone: the connection with it; a bound socket is told. If there
 * is a device, it is that of a connection which was begun meanwhile.
 */
static u32 device_gone(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	struct tether_sock *base = &ts->base;

	if (!is_idle(&ts->conn)) {
		if (rcu_access_pointer(base->dev))
			return 0;
		tether_stat_inc(sock_net(sk), TETHER_STAT_DEVICE_GONE);
		return tether_conn_abort(&ts->conn, TETHER_REASON_DEVICE,
					 ENODEV);
	}
	binding_changed(sk);
	return 0;
}

/* Is the connection's MAC not that of its device any more? */
static bool source_gone(const struct tether_sock *base)
{
	const struct net_device *dev;
	bool gone;

	rcu_read_lock();
	dev = rcu_dereference(base->dev);
	gone = dev && !ether_addr_equal_unaligned(base->src, dev->dev_addr);
	rcu_read_unlock();
	return gone;
}

/* A device has another MAC: nobody reaches us by the old one any more. */
static u32 address_gone(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);

	if (!is_idle(&ts->conn) && !source_gone(&ts->base))
		return 0;
	if (!is_idle(&ts->conn))
		return tether_conn_abort(&ts->conn, TETHER_REASON_DEVICE,
					 ENETRESET);
	binding_changed(sk);
	return 0;
}

static u32 timer_fired(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	u64 now = tether_now();

	ts->armed = 0;
	if (ts->conn.state == TETHER_LISTEN) {
		tether_listen_timer(sk, now);
		return 0;
	}
	if (ts->more_until && ts->more_until <= now) {
		ts->more_until = 0;
		ts->conn.more = false;
	}
	return tether_conn_timer(tether_stream_conn(sk), now);
}

/* @work: mask of 1 << enum tether_defer. */
static void do_work(struct sock *sk, unsigned long work)
{
	u32 did = 0;

	sock_owned_by_me(sk);
	if (tether_stream(sk)->destroyed)
		return;
	if (work & BIT(TETHER_DEFER_DEVICE))
		did |= device_gone(sk);
	if (work & BIT(TETHER_DEFER_ADDRESS))
		did |= address_gone(sk);
	if (work & BIT(TETHER_DEFER_MTU))
		tether_device_path(sk);
	if (work & BIT(TETHER_DEFER_TIMER))
		did |= timer_fired(sk);
	tether_stream_settle(sk, did);
}

/**
 * tether_stream_event() - something outside has happened
 * @sk: referenced
 * @bit: what
 *
 * Done at once, or by release_cb if the socket is owned.
 *
 * Context: BH off, no lock.
 */
void tether_stream_event(struct sock *sk, enum tether_defer bit)
{
	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(bit, &tether_stream(sk)->defer);
	else
		do_work(sk, BIT(bit));
	bh_unlock_sock(sk);
}

/**
 * tether_stream_release_cb() - do what was left while the socket was owned
 * @sk: about to be released
 *
 * Context: BH off, under the spinlock of the socket.
 */
void tether_stream_release_cb(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);

	if (READ_ONCE(ts->defer))
		do_work(sk, xchg(&ts->defer, 0));
}

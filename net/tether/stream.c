// SPDX-License-Identifier: GPL-2.0
/*
 * SOCK_STREAM: the calls that make and end connections, and poll. What a
 * program sees is what TCP would show it.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include "tether.h"

/* A socket may have this much however full the system is, as TCP's may. */
static int least_buffer[] = { SZ_4K };

static int stream_init(struct sock *sk)
{
	struct tether_net *tn = tether_net(sock_net(sk));
	struct tether_stream *ts = tether_stream(sk);

	INIT_LIST_HEAD(&ts->accept_node);
	tether_conn_init(&ts->conn, &tn->cfg);
	tether_timer_init(sk);
	sk->sk_backlog_rcv = tether_stream_backlog;
	sk->sk_write_space = tether_pull_write_space;
	ts->sndbuf = READ_ONCE(tn->wmem_default);
	sk->sk_sndbuf = ts->sndbuf;
	sk->sk_rcvbuf = READ_ONCE(tn->rmem_default);
	sk_sockets_allocated_inc(sk);
	return 0;
}

/* Forget the last connection, so that the socket can be used for another. */
static void forget_connection(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	bool nodelay = ts->conn.nodelay;

	tether_timer_stop(sk);
	tether_table_unhash(sk);
	tether_conn_destroy(&ts->conn);
	tether_conn_init(&ts->conn, &tether_net(sock_net(sk))->cfg);
	ts->conn.nodelay = nodelay;
	ts->more_until = 0;
	tether_stream_account(sk);
	RCU_INIT_POINTER(ts->base.dev, NULL);
	ts->base.key.ifindex = 0;
	ts->base.key.dport = 0;
	eth_zero_addr(ts->base.key.peer);
	eth_zero_addr(ts->base.src);
	/* A listener's clones would share the page without a reference. */
	if (sk->sk_frag.page) {
		put_page(sk->sk_frag.page);
		sk->sk_frag.page = NULL;
		sk->sk_frag.offset = 0;
	}
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		tether_table_unbind(sk);
}

/* connect(2) to AF_UNSPEC, and after each failure: back to a fresh socket. */
static void stream_disconnect(struct sock *sk)
{
	if (sk->sk_state == TCP_LISTEN) {
		tether_listen_stop(sk);
	} else if (sk->sk_state != TCP_CLOSE) {
		tether_stream_abort(sk, TETHER_REASON_ABORTED);
		WRITE_ONCE(sk->sk_err, ECONNRESET);
	}
	forget_connection(sk);
	sk->sk_shutdown = 0;
	sock_reset_flag(sk, SOCK_DONE);
	if (sk->sk_err)
		sk_error_report(sk);
}

/* Put the socket on the table and the connection on its path. */
static int open_path(struct sock *sk, const struct tether_key *key,
		     struct net_device *dev)
{
	struct tether_conn *conn = tether_stream_conn(sk);
	int err;

	tether_path_init(&conn->path, key->ifindex, key->peer);
	err = tether_table_connect(sk, key);
	if (err)
		return err;
	return tether_device_attach(sk, dev) ? 0 : -ENODEV;
}

/* The active open. */
static int start_connect(struct sock *sk, struct sockaddr *addr, int len)
{
	struct tether_stream *ts = tether_stream(sk);
	struct net_device *dev;
	struct tether_key key;
	int err;

	err = tether_addr_check(sk, addr, len);
	if (!err)
		err = tether_addr_resolve(sk, (struct sockaddr_tether *)addr,
					  &key, &dev);
	if (err)
		return err;
	err = -ENETUNREACH;
	if (!is_multicast_ether_addr(key.peer))
		err = open_path(sk, &key, dev);
	dev_put(dev);
	if (err) {
		forget_connection(sk);
		return err;
	}

	sk_set_txhash(sk);
	WRITE_ONCE(sk->sk_err, 0);
	ts->conn.sport = ts->base.key.sport;
	ts->conn.dport = ts->base.key.dport;
	ts->conn.keepalive = sock_flag(sk, SOCK_KEEPOPEN);
	tether_stat_inc(sock_net(sk), TETHER_STAT_ACTIVE_OPEN);
	tether_stream_settle(sk, tether_conn_connect(&ts->conn,
						     tether_isn(&ts->base.key),
						     tether_now()));
	return 0;
}

static bool is_connecting(const struct sock *sk)
{
	return (1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV);
}

/* What is left of @timeo when the handshake is over, or a signal comes. */
static long wait_for_connect(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while (is_connecting(sk)) {
		release_sock(sk);
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		lock_sock(sk);
		if (signal_pending(current) || !timeo)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeo;
}

/* The part of connect(2) behind the SYN; @err if it is still under way. */
static int finish_connect(struct socket *sock, int flags, int err)
{
	struct sock *sk = sock->sk;
	long timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);

	if (is_connecting(sk)) {
		if (!timeo)
			return err;
		timeo = wait_for_connect(sk, timeo);
		if (!timeo)
			return err;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
	}
	if (sk->sk_state != TCP_CLOSE) {
		sock->state = SS_CONNECTED;
		return 0;
	}
	err = sock_error(sk);
	sock->state = SS_UNCONNECTED;
	sk->sk_disconnects++;
	stream_disconnect(sk);
	return err ?: -ECONNABORTED;
}

static int connect_locked(struct socket *sock, struct sockaddr *addr, int len,
			  int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (len < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC) {
		sk->sk_disconnects++;
		stream_disconnect(sk);
		sock->state = SS_UNCONNECTED;
		return 0;
	}

	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		return finish_connect(sock, flags, -EALREADY);
	case SS_UNCONNECTED:
		break;
	default:
		return -EINVAL;
	}
	if (sk->sk_state != TCP_CLOSE)
		return -EISCONN;
	err = start_connect(sk, addr, len);
	if (err)
		return err;
	sock->state = SS_CONNECTING;
	return finish_connect(sock, flags, -EINPROGRESS);
}

static int stream_connect(struct socket *sock, struct sockaddr *addr, int len,
			  int flags)
{
	int err;

	lock_sock(sock->sk);
	err = connect_locked(sock, addr, len, flags);
	release_sock(sock->sk);
	return err;
}

static int stream_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED ||
	    !((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) ||
	    tether_sock_device(sk) < 0)
		goto unlock;
	tether_listen_backlog(sk, backlog);
	err = 0;
	if (sk->sk_state != TCP_LISTEN)
		err = tether_listen_start(sk);
unlock:
	release_sock(sk);
	return err;
}

/* One of several waiting programs is woken for each child. */
static int wait_for_child(struct sock *sk, long timeo)
{
	DEFINE_WAIT(wait);
	int err;

	do {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait,
					  TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (!tether_listen_ready(sk) && !READ_ONCE(sk->sk_err))
			timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(sk);
		err = 0;
		if (sk->sk_state != TCP_LISTEN)
			err = -EINVAL;
		else if (tether_listen_ready(sk))
			break;
		else if (sk->sk_err)
			err = sock_error(sk);
		else if (signal_pending(current))
			err = sock_intr_errno(timeo);
		else if (!timeo)
			err = -EAGAIN;
	} while (!err);
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

static int accept_child(struct sock *sk, int flags, struct sock **child)
{
	long timeo;
	int err = -EINVAL;

	lock_sock(sk);
	if (sk->sk_state != TCP_LISTEN)
		goto unlock;
	err = 0;
	if (!tether_listen_ready(sk)) {
		timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
		err = sock_error(sk);
		if (!err)
			err = timeo ? wait_for_child(sk, timeo) : -EAGAIN;
	}
	if (!err)
		*child = tether_listen_take(sk);
unlock:
	release_sock(sk);
	return err;
}

static int stream_accept(struct socket *sock, struct socket *newsock,
			 int flags)
{
	struct sock *child;
	int err;

	err = accept_child(sock->sk, flags, &child);
	if (err)
		return err;
	lock_sock(child);
	tether_stat_inc(sock_net(child), TETHER_STAT_ACCEPTED);
	sock_graft(child, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(child);
	return 0;
}

TETHER_ACCEPT_OP(stream_accept)

static int shutdown_locked(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct tether_stream *ts = tether_stream(sk);
	int err = 0;

	if (sock->state == SS_CONNECTING)
		sock->state = is_connecting(sk) || sk->sk_state == TCP_CLOSE ?
			      SS_DISCONNECTING : SS_CONNECTED;

	if (sk->sk_state == TCP_LISTEN || sk->sk_state == TCP_SYN_SENT) {
		if (sk->sk_state == TCP_LISTEN && !(how & RCV_SHUTDOWN))
			return 0;
		stream_disconnect(sk);
		sock->state = SS_UNCONNECTED;
		return 0;
	}
	if (sk->sk_state == TCP_CLOSE)
		err = -ENOTCONN;
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
	if (how & RCV_SHUTDOWN)
		ts->conn.deaf = true;
	if (err || !(how & SEND_SHUTDOWN))
		return err;
	ts->conn.more = false;
	ts->more_until = 0;
	tether_stream_settle(sk, tether_conn_shutdown(&ts->conn));
	return 0;
}

static int stream_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err;

	how++;	/* SHUT_RD, SHUT_WR, SHUT_RDWR become a mask. */
	if (how <= 0 || (how & ~SHUTDOWN_MASK))
		return -EINVAL;
	lock_sock(sk);
	err = shutdown_locked(sock, how);
	/* Whoever polls is to look again. */
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* The core has the connection to itself from here on, if it still has one. */
static void end_connection(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	u32 did;

	ts->more_until = 0;
	if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)
		did = tether_conn_abort(&ts->conn, TETHER_REASON_ABORTED, 0);
	else
		did = tether_conn_close(&ts->conn, tether_now());
	tether_stream_settle(sk, did);
}

/* No program has the socket any more; the connection may live on for a time. */
static void make_orphan(struct sock *sk)
{
	struct tether_net *tn = tether_net(sock_net(sk));
	struct tether_stream *ts = tether_stream(sk);

	sock_orphan(sk);
	if (ts->conn.state == TETHER_CLOSED) {
		tether_stream_destroy(sk);
		return;
	}
	ts->orphan = true;
	tether_stat_inc(sock_net(sk), TETHER_STAT_ORPHANED);
	if (atomic_inc_return(&tn->orphans) > READ_ONCE(tn->max_orphans))
		tether_stream_abort(sk, TETHER_REASON_MEMORY);
}

static void stream_close(struct sock *sk, long timeout)
{
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (sk->sk_state == TCP_LISTEN) {
		tether_listen_stop(sk);
	} else if (sk->sk_state != TCP_CLOSE) {
		end_connection(sk);
		sk_stream_wait_close(sk, timeout);
	}
	sock_hold(sk);
	make_orphan(sk);
	release_sock(sk);
	sock_put(sk);
}

static int stream_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	long timeout = 0;

	if (!sk)
		return 0;
	if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
		timeout = sk->sk_lingertime;
	sock->sk = NULL;
	stream_close(sk, timeout);
	return 0;
}

/**
 * tether_stream_readable() - is there enough to read?
 * @sk: need not be locked
 * @target: how many bytes are wanted
 *
 * Return: true if so, or if no more can come before some is read.
 */
bool tether_stream_readable(const struct sock *sk, int target)
{
	const struct tether_conn *conn = &tether_stream(sk)->conn;
	s64 avail = READ_ONCE(conn->rcvq.nxt) - READ_ONCE(conn->rcvq.read);

	if (avail <= 0)
		return false;
	return avail >= target ||
	       tether_conn_window_shut(conn, READ_ONCE(sk->sk_rcvbuf));
}

static __poll_t poll_writable(struct socket *sock, struct sock *sk)
{
	if (sk_stream_is_writeable(sk))
		return EPOLLOUT | EPOLLWRNORM;
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	set_bit(SOCK_NOSPACE, &sock->flags);
	/* Space may have come before the bit was there to be seen. */
	smp_mb__after_atomic();
	return sk_stream_is_writeable(sk) ? EPOLLOUT | EPOLLWRNORM : 0;
}

static __poll_t poll_open(struct socket *sock, struct sock *sk, u8 shutdown)
{
	__poll_t mask = 0;

	if (tether_stream_readable(sk, sock_rcvlowat(sk, 0, INT_MAX)))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (shutdown & SEND_SHUTDOWN)
		mask |= EPOLLOUT | EPOLLWRNORM;
	else
		mask |= poll_writable(sock, sk);
	return mask;
}

/* As tcp_poll(), without a lock: state first, error last. */
static __poll_t stream_poll(struct file *file, struct socket *sock,
			    poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	u8 shutdown, state;

	sock_poll_wait(file, sock, wait);
	/* Pairs with the store in mirror_state(). */
	state = smp_load_acquire(&sk->sk_state);
	shutdown = READ_ONCE(sk->sk_shutdown);

	if (state == TCP_LISTEN) {
		if (tether_listen_ready(sk))
			mask |= EPOLLIN | EPOLLRDNORM;
	} else {
		if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
			mask |= EPOLLHUP;
		if (shutdown & RCV_SHUTDOWN)
			mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
		if (state != TCP_SYN_SENT && state != TCP_SYN_RECV)
			mask |= poll_open(sock, sk, shutdown);
	}
	/* Errors are stored before the wake-ups. */
	smp_rmb();
	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	return mask;
}

/* Bytes, and the FIN, that the peer has not acknowledged. */
static int unacknowledged(const struct tether_conn *conn)
{
	s64 left = conn->sndq.end + conn->fin_queued - conn->una;

	return clamp_t(s64, left, 0, INT_MAX);
}

static int unsent(const struct tether_conn *conn)
{
	s64 left = conn->sndq.end + conn->fin_queued - conn->nxt;

	return clamp_t(s64, left, 0, INT_MAX);
}

static int stream_ioctl(struct socket *sock, unsigned int cmd,
			unsigned long arg)
{
	const struct tether_conn *conn = &tether_stream(sock->sk)->conn;
	struct sock *sk = sock->sk;
	int answer = 0, err = 0;

	lock_sock(sk);
	if (cmd != SIOCINQ && cmd != SIOCOUTQ && cmd != SIOCOUTQNSD)
		err = -ENOIOCTLCMD;
	else if (sk->sk_state == TCP_LISTEN)
		err = -EINVAL;
	else if (is_connecting(sk))
		answer = 0;
	else if (cmd == SIOCINQ)
		answer = tether_recvq_avail(&conn->rcvq);
	else if (cmd == SIOCOUTQ)
		answer = unacknowledged(conn);
	else
		answer = unsent(conn);
	release_sock(sk);
	return err ?: put_user(answer, (int __user *)arg);
}

/* SO_RCVLOWAT: no more than half of the buffer, or it could never be reached. */
static int stream_set_rcvlowat(struct sock *sk, int val)
{
	val = min(val, READ_ONCE(sk->sk_rcvbuf) / 2);
	WRITE_ONCE(sk->sk_rcvlowat, val ?: 1);
	if (tether_stream_readable(sk, val))
		sk->sk_data_ready(sk);
	return 0;
}

static void stream_keepalive(struct sock *sk, int on)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	tether_conn_keepalive(conn, on, tether_now());
	if (sk->sk_state != TCP_LISTEN)
		tether_stream_settle(sk, 0);
}

struct proto tether_stream_prot = {
	.name			= "TETHER",
	.owner			= THIS_MODULE,
	.obj_size		= sizeof(struct tether_stream),
	.slab_flags		= SLAB_TYPESAFE_BY_RCU,
	.init			= stream_init,
	.close			= stream_close,
	.keepalive		= stream_keepalive,
	.backlog_rcv		= tether_stream_backlog,
	.release_cb		= tether_stream_release_cb,
	.memory_allocated	= &tether_memory_allocated,
	.per_cpu_fw_alloc	= &tether_memory_per_cpu_fw_alloc,
	.memory_pressure	= &tether_memory_pressure,
	.sockets_allocated	= &tether_sockets_allocated,
	.sysctl_mem		= tether_mem,
	.sysctl_wmem		= least_buffer,
	.sysctl_rmem		= least_buffer,
};

const struct proto_ops tether_stream_ops = {
	.family		= AF_TETHER,
	.owner		= THIS_MODULE,
	.release	= stream_release,
	.bind		= tether_sock_bind,
	.connect	= stream_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= stream_accept_op,
	.getname	= tether_sock_getname,
	.poll		= stream_poll,
	.ioctl		= stream_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= stream_listen,
	.shutdown	= stream_shutdown,
	.setsockopt	= tether_setsockopt,
	.getsockopt	= tether_getsockopt,
	.sendmsg	= tether_stream_sendmsg,
	.recvmsg	= tether_stream_recvmsg,
	.mmap		= sock_no_mmap,
	.set_peek_off	= sk_set_peek_off,
	.set_rcvlowat	= stream_set_rcvlowat,
};

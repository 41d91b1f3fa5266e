// SPDX-License-Identifier: GPL-2.0
/* SOCK_STREAM: recvmsg(2), as TCP has it: data first, then the error, then EOF. */
#include "tether.h"

/* What means nothing here, or what the kernel adds on its own. */
#define IGNORED_FLAGS	(MSG_NOSIGNAL | MSG_CMSG_CLOEXEC |		\
			 MSG_CMSG_COMPAT | MSG_WAITFORONE)
#define KNOWN_FLAGS	(MSG_PEEK | MSG_WAITALL | MSG_TRUNC |		\
			 MSG_DONTWAIT | IGNORED_FLAGS)

/**
 * struct reading - a call of recvmsg(2) under way
 * @msg: where the bytes go
 * @len: how many are still wanted
 * @copied: how many were taken
 * @target: how many are worth waiting for
 * @flags: MSG_*
 * @timeo: what is left of the time-out
 * @seq: next byte; only for MSG_PEEK is that not the queue's
 * @did: enum tether_did not yet settled
 */
struct reading {
	struct msghdr	*msg;
	size_t		len;
	size_t		copied;
	size_t		target;
	int		flags;
	long		timeo;
	u64		seq;
	u32		did;
};

/* Take what is there. Returns -EFAULT if the program's buffer is bad. */
static int take_bytes(struct sock *sk, struct reading *r)
{
	struct tether_conn *conn = tether_stream_conn(sk);
	struct tether_recvq *q = &conn->rcvq;
	struct sk_buff *skb;
	u32 offset, used;

	/* Somebody else may have read meanwhile. */
	if (!(r->flags & MSG_PEEK) || tether_before(r->seq, q->read))
		r->seq = q->read;
	while (r->len && (skb = tether_recvq_find(q, r->seq, &offset))) {
		used = min_t(size_t, skb->len - offset, r->len);
		if (!(r->flags & MSG_TRUNC) &&
		    skb_copy_datagram_msg(skb, offset, r->msg, used))
			return -EFAULT;
		r->seq += used;
		r->copied += used;
		r->len -= used;
		if (!(r->flags & MSG_PEEK))
			r->did |= tether_conn_read(conn, used);
	}
	return 0;
}

/* Has the program to be told something other than bytes? 0 for no. */
static bool is_over(struct sock *sk, const struct reading *r)
{
	return !r->timeo || sk->sk_err || sk->sk_state == TCP_CLOSE ||
	       (sk->sk_shutdown & RCV_SHUTDOWN) || signal_pending(current);
}

/* Nothing was read: why? 1 for end of file. */
static int find_reason(struct sock *sk, const struct reading *r)
{
	if (sock_flag(sk, SOCK_DONE))
		return 1;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 1;
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;
	if (!r->timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(r->timeo);
	return 0;
}

/* Tell the core what has been read: the window may open. */
static void settle(struct sock *sk, struct reading *r)
{
	tether_stream_settle(sk, r->did);
	r->did = 0;
}

/* Sleep until there is something behind @r->seq, or no hope for it. */
static int wait_for_bytes(struct sock *sk, struct reading *r)
{
	const struct tether_recvq *q = &tether_stream(sk)->conn.rcvq;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int ret;

	add_wait_queue(sk_sleep(sk), &wait);
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	ret = sk_wait_event(sk, &r->timeo,
			    tether_after(READ_ONCE(q->nxt), r->seq) ||
			    READ_ONCE(sk->sk_err) ||
			    READ_ONCE(sk->sk_state) == TCP_CLOSE ||
			    (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN),
			    &wait);
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	remove_wait_queue(sk_sleep(sk), &wait);
	return ret < 0 ? ret : 0;
}

/* Nothing more is wanted; who wants nothing at all waits for what is there. */
static bool is_done(const struct sock *sk, const struct reading *r)
{
	const struct tether_recvq *q = &tether_stream(sk)->conn.rcvq;

	return !r->len && (r->copied || tether_after(q->nxt, r->seq));
}

/* 0, or a negative errno that counts only if nothing was read. */
static int read_all(struct sock *sk, struct reading *r)
{
	int err;

	for (;;) {
		err = take_bytes(sk, r);
		if (err || is_done(sk, r))
			return err;
		if (r->copied >= r->target && !READ_ONCE(sk->sk_backlog.tail))
			return 0;
		if (r->copied) {
			if (is_over(sk, r))
				return 0;
		} else {
			err = find_reason(sk, r);
			if (err)
				return min(err, 0);
		}
		if (r->copied >= r->target) {
			sk_flush_backlog(sk);
			continue;
		}
		settle(sk, r);
		err = wait_for_bytes(sk, r);
		if (err)
			return err;
	}
}

static int recv_locked(struct sock *sk, struct msghdr *msg, size_t len,
		       int flags)
{
	struct reading r = {
		.msg = msg,
		.len = len,
		.flags = flags,
		.timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT),
		.target = sock_rcvlowat(sk, flags & MSG_WAITALL, len),
	};
	int err, skip = 0;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	if (flags & MSG_PEEK) {
		skip = max(sk_peek_offset(sk, flags), 0);
		r.seq = tether_stream(sk)->conn.rcvq.read + skip;
	}
	err = read_all(sk, &r);
	if (r.did)
		settle(sk, &r);
	else
		tether_stream_account(sk);
	if (!r.copied)
		return err;
	if (flags & MSG_PEEK)
		sk_peek_offset_fwd(sk, r.copied);
	else
		sk_peek_offset_bwd(sk, r.copied);
	return r.copied;
}

/**
 * tether_stream_recvmsg() - recvmsg(2) and its like
 * @sock: stream socket
 * @msg: where the bytes go
 * @len: how many
 * @flags: MSG_*
 *
 * Return: number of bytes, 0 for end of file, or a negative errno.
 */
int tether_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			  int flags)
{
	struct sock *sk = sock->sk;
	int ret;

	/* Nothing is ever put there; who asks is told so, as by TCP. */
	if (flags & MSG_ERRQUEUE)
		return sock_recv_errqueue(sk, msg, len, SOL_TETHER, 0);
	if (flags & ~KNOWN_FLAGS)
		return -EOPNOTSUPP;
	lock_sock(sk);
	ret = recv_locked(sk, msg, len, flags);
	release_sock(sk);
	return ret;
}

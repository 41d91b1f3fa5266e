// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options of our own level, SOL_TETHER, and of IPPROTO_TCP, which is
 * accepted as a synonym. SOL_SOCKET is the kernel's.
 */
#include "tether.h"

/* Datagram sockets have no options, but the level is theirs, too. */
static bool is_our_level(const struct socket *sock, int level)
{
	return level == SOL_TETHER ||
	       (level == IPPROTO_TCP && sock->type == SOCK_STREAM);
}

static void set_nodelay(struct sock *sk, bool on)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	conn->nodelay = on;
	/* What Nagle, or MSG_MORE, has held back goes out now. */
	if (on && sk->sk_state != TCP_LISTEN) {
		tether_stream(sk)->more_until = 0;
		conn->more = false;
		tether_stream_settle(sk, 0);
	}
}

static int set_stream_option(struct sock *sk, int name, int val)
{
	switch (name) {
	case TETHER_NODELAY:
		set_nodelay(sk, val);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * tether_setsockopt() - setsockopt(2)
 * @sock: socket of any type
 * @level: SOL_TETHER or IPPROTO_TCP
 * @name: TETHER_*
 * @val: an int
 * @len: of @val
 *
 * Return: 0 or a negative errno.
 */
int tether_setsockopt(struct socket *sock, int level, int name, sockptr_t val,
		      unsigned int len)
{
	struct sock *sk = sock->sk;
	int value, err;

	if (!is_our_level(sock, level) || sock->type != SOCK_STREAM)
		return -ENOPROTOOPT;
	if (len < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&value, val, sizeof(value)))
		return -EFAULT;
	lock_sock(sk);
	err = set_stream_option(sk, name, value);
	release_sock(sk);
	return err;
}

static int get_stream_option(struct sock *sk, int name)
{
	switch (name) {
	case TETHER_NODELAY:
		return READ_ONCE(tether_stream(sk)->conn.nodelay);
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * tether_getsockopt() - getsockopt(2)
 * @sock: socket of any type
 * @level: SOL_TETHER or IPPROTO_TCP
 * @name: TETHER_*
 * @val: where the value goes
 * @lenp: room there; set to the length of the value
 *
 * Return: 0 or a negative errno.
 */
int tether_getsockopt(struct socket *sock, int level, int name,
		      char __user *val, int __user *lenp)
{
	int value, len;

	/* The two calls differ here for TCP, too. */
	if (!is_our_level(sock, level))
		return -EOPNOTSUPP;
	if (sock->type != SOCK_STREAM)
		return -ENOPROTOOPT;
	if (get_user(len, lenp))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	value = get_stream_option(sock->sk, name);
	if (value < 0)
		return value;
	len = min_t(int, len, sizeof(value));
	if (put_user(len, lenp) || copy_to_user(val, &value, len))
		return -EFAULT;
	return 0;
}

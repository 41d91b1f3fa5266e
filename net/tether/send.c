// SPDX-License-Identifier: GPL-2.0
/*
 * SOCK_STREAM: sendmsg(2). Bytes are copied into page fragments that hang on
 * the send queue until the peer has acknowledged them.
 */
#include "tether.h"

/* An skb of the send queue holds at most this much; so does a page fragment. */
#define PIECE_MAX	SZ_32K

/* What means nothing here, or what the kernel adds on its own. */
#define IGNORED_FLAGS	(MSG_EOR | MSG_DONTROUTE | MSG_CONFIRM |	\
			 MSG_WAITALL | MSG_CMSG_COMPAT | TETHER_MSG_INTERNAL)
#define KNOWN_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE |	\
			 TETHER_MSG_MORE | IGNORED_FLAGS)

/* How long MSG_MORE may hold a partial segment back without another send. */
#define MORE_USEC	(200 * USEC_PER_MSEC)

/*
 * The last skb of the queue, if what is written to @frag next would be the
 * continuation of its bytes.
 */
static struct sk_buff *open_tail(struct tether_conn *conn,
				 const struct page_frag *frag)
{
	struct sk_buff *skb = tether_sendq_tail(&conn->sndq);
	int n;

	if (!skb || skb->len >= PIECE_MAX)
		return NULL;
	n = skb_shinfo(skb)->nr_frags;
	return skb_can_coalesce(skb, n, frag->page, frag->offset) ? skb : NULL;
}

static void add_bytes(struct sk_buff *skb, int bytes)
{
	skb->len += bytes;
	skb->data_len += bytes;
	skb->truesize += bytes;
}

/* Append to the last skb, in place. */
static void grow_tail(struct sock *sk, struct sk_buff *skb, int bytes)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	skb_frag_size_add(&skb_shinfo(skb)->frags[skb_shinfo(skb)->nr_frags - 1],
			  bytes);
	add_bytes(skb, bytes);
	tether_sendq_grow(&conn->sndq, bytes, bytes);
}

/*
 * Is there memory for it? With nothing queued a piece goes out however full the
 * system is, or the program might wait for ever. It is then charged to what is
 * scheduled next.
 */
static bool has_memory(struct sock *sk, int size)
{
	return sk_wmem_schedule(sk, size) || !sk->sk_wmem_queued;
}

/* Copy what fits into one piece; number of bytes, or a negative errno. */
static int copy_piece(struct sock *sk, struct msghdr *msg,
		      struct page_frag *frag)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;
	struct sk_buff *tail = open_tail(conn, frag), *skb = NULL;
	int room = tail ? PIECE_MAX - tail->len : PIECE_MAX;
	int bytes;

	bytes = min_t(size_t, msg_data_left(msg), room);
	bytes = min_t(int, bytes, frag->size - frag->offset);
	if (!tail) {
		skb = alloc_skb(0, sk->sk_allocation);
		if (!skb)
			return -ENOBUFS;
	}
	if (!has_memory(sk, bytes + (skb ? skb->truesize : 0))) {
		kfree_skb(skb);
		return -ENOBUFS;
	}
	if (copy_page_from_iter(frag->page, frag->offset, bytes,
				&msg->msg_iter) != bytes) {
		kfree_skb(skb);
		return -EFAULT;
	}

	if (tail) {
		grow_tail(sk, tail, bytes);
	} else {
		get_page(frag->page);
		skb_fill_page_desc(skb, 0, frag->page, frag->offset, bytes);
		add_bytes(skb, bytes);
		tether_conn_push(conn, skb);
	}
	frag->offset += bytes;
	tether_stream_account(sk);
	return bytes;
}

/* Let the core send what is queued; @more of the same call is to come. */
static void push(struct sock *sk, bool more)
{
	struct tether_stream *ts = tether_stream(sk);

	ts->conn.more = more || ts->more_until;
	tether_stream_settle(sk, 0);
}

/* Room for more, or a negative errno. */
static int wait_for_room(struct sock *sk, long *timeo)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;
	int err;

	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/* With nothing in flight no ACK would ever wake us. */
	conn->blocked = true;
	push(sk, true);
	err = sk_stream_wait_memory(sk, timeo);
	conn->blocked = false;
	return err;
}

static int check_sending(struct sock *sk)
{
	if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
		return -EPIPE;
	return 0;
}

/* Queue all of @msg; @copied counts, also if it ends with an errno. */
static int queue_all(struct sock *sk, struct msghdr *msg, long timeo,
		     size_t *copied)
{
	struct page_frag *frag = sk_page_frag(sk);
	u32 pending = 0;
	int n, err;

	err = check_sending(sk);
	while (!err && msg_data_left(msg)) {
		n = -ENOBUFS;
		if (sk_stream_memory_free(sk) && sk_page_frag_refill(sk, frag))
			n = copy_piece(sk, msg, frag);
		if (n == -ENOBUFS) {
			pending = 0;
			err = wait_for_room(sk, &timeo);
		} else if (n < 0) {
			err = n;
		} else {
			*copied += n;
			pending += n;
		}
		if (pending >= 2 * PIECE_MAX && msg_data_left(msg)) {
			pending = 0;
			push(sk, true);
			/* ACKs that wait in the backlog make room. */
			sk_flush_backlog(sk);
		}
		if (!err)
			err = check_sending(sk);
	}
	return err;
}

/* A partial segment waits for the next call, but not for ever. */
static void hold_back(struct sock *sk, bool hold)
{
	tether_stream(sk)->more_until = hold ? tether_now() + MORE_USEC : 0;
}

/* Of the control messages that SOL_SOCKET knows, none changes a stream. */
static int check_control(struct sock *sk, struct msghdr *msg)
{
	struct sockcm_cookie cookie;

	if (!msg->msg_controllen)
		return 0;
	sockcm_init(&cookie, sk);
	return sock_cmsg_send(sk, msg, &cookie) ? -EINVAL : 0;
}

static int send_locked(struct sock *sk, struct msghdr *msg)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	size_t copied = 0;
	int err = 0;

	if ((1 << sk->sk_state) & ~(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))
		err = sk_stream_wait_connect(sk, &timeo);
	if (!err)
		err = check_control(sk, msg);
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	if (!err)
		err = queue_all(sk, msg, timeo, &copied);
	if (copied)
		hold_back(sk, msg->msg_flags & (MSG_MORE | TETHER_MSG_MORE));
	/* Also what an earlier call queued is not held back for this one. */
	push(sk, false);
	if (copied)
		return copied;
	return err ? sk_stream_error(sk, msg->msg_flags, err) : 0;
}

/**
 * tether_stream_sendmsg() - sendmsg(2) and its like
 * @sock: stream socket
 * @msg: flags and bytes; an address is ignored, as TCP does
 * @len: bytes, which the iterator knows too
 *
 * Return: number of bytes queued, or a negative errno if none were.
 */
int tether_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	int ret;

	if (msg->msg_flags & ~KNOWN_FLAGS)
		return -EOPNOTSUPP;
	lock_sock(sk);
	ret = send_locked(sk, msg);
	release_sock(sk);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * SOCK_DGRAM: a datagram is a frame.
 *
 * Nothing is repeated, ordered or answered: a datagram for a port that nobody
 * is bound to is counted and dropped. Sockets of this type hold no device;
 * each send looks it up.
 */
#include <linux/filter.h>
#include <linux/module.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include "tether.h"

/* MSG_DONTWAIT, and what means nothing here or what the kernel adds itself. */
#define SEND_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR |	\
			 MSG_DONTROUTE | MSG_CONFIRM | MSG_WAITALL |	\
			 MSG_CMSG_COMPAT | TETHER_MSG_INTERNAL)

/* Larger payloads are put into page fragments. */
#define LINEAR_MAX	2048

/**
 * struct dgram_cb - where a queued datagram came from
 * @ifindex: device
 * @port: the peer's port
 * @peer: the peer's MAC, zeros on lo
 */
struct dgram_cb {
	u32	ifindex;
	u16	port;
	u8	peer[ETH_ALEN];
};

#define DGRAM_CB(skb) ((struct dgram_cb *)(skb)->cb)

static void dgram_destruct(struct sock *sk)
{
	__skb_queue_purge(&sk->sk_receive_queue);
	WARN_ON_ONCE(atomic_read(&sk->sk_rmem_alloc));
}

static int dgram_init(struct sock *sk)
{
	sk->sk_destruct = dgram_destruct;
	return 0;
}

static int dgram_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	lock_sock(sk);
	tether_table_unbind(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	sock_orphan(sk);
	sock->sk = NULL;
	release_sock(sk);
	sock_put(sk);
	return 0;
}

/* The port that a socket sends from, if the program does not care. */
static int dgram_autobind(struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);

	if (ts->key.sport)
		return 0;
	if (tether_table_bind(sk, 0))
		return -EAGAIN;
	/* Disconnecting gives it back. */
	ts->bound = false;
	return 0;
}

static void dgram_disconnect(struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);

	sk->sk_state = TCP_CLOSE;
	if (!ts->key.sport)
		return;
	tether_table_peer(sk, NULL);
	eth_zero_addr(ts->src);
	if (!ts->bound)
		tether_table_unbind(sk);
}

/* A group has no answer to give: sending to one is asked for beforehand. */
static int dgram_resolve(struct sock *sk, const struct sockaddr_tether *addr,
			 struct tether_key *key, struct net_device **dev)
{
	int err;

	if (!addr->sth_port)
		return -EINVAL;
	err = tether_addr_resolve(sk, addr, key, dev);
	if (err)
		return err;
	if (is_multicast_ether_addr(key->peer) &&
	    !sock_flag(sk, SOCK_BROADCAST))
		err = -EACCES;
	if (!err)
		err = dgram_autobind(sk);
	if (err) {
		dev_put(*dev);
		return err;
	}
	key->sport = tether_sk(sk)->key.sport;
	return 0;
}

static int dgram_connect_locked(struct sock *sk,
				const struct sockaddr_tether *addr)
{
	struct net_device *dev;
	struct tether_key key;
	int err;

	err = dgram_resolve(sk, addr, &key, &dev);
	if (err)
		return err;
	tether_table_peer(sk, &key);
	memcpy(tether_sk(sk)->src, dev->dev_addr, ETH_ALEN);
	sk->sk_state = TCP_ESTABLISHED;
	dev_put(dev);
	return 0;
}

static int dgram_connect(struct socket *sock, struct sockaddr *addr, int len,
			 int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (len < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC) {
		lock_sock(sk);
		dgram_disconnect(sk);
		release_sock(sk);
		return 0;
	}
	err = tether_addr_check(sk, addr, len);
	if (err)
		return err;
	lock_sock(sk);
	err = dgram_connect_locked(sk, (struct sockaddr_tether *)addr);
	release_sock(sk);
	return err;
}

static int dgram_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err;

	how++; /* to RCV_SHUTDOWN, SEND_SHUTDOWN or both */
	if (how & ~SHUTDOWN_MASK || !how)
		return -EINVAL;
	lock_sock(sk);
	/* As for UDP, it works although it fails, to wake up sleepers. */
	err = sk->sk_state == TCP_CLOSE ? -ENOTCONN : 0;
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* The peer that connect(2) set; SO_BINDTODEVICE may have come later. */
static int dgram_connected(struct sock *sk, struct tether_key *key,
			   struct net_device **dev)
{
	int tied = tether_sock_device(sk), err;

	if (sk->sk_state != TCP_ESTABLISHED)
		return -EDESTADDRREQ;
	*key = tether_sk(sk)->key;
	/* lo stands in for the device that has the peer's MAC. */
	if (tied && tied != key->ifindex && !is_zero_ether_addr(key->peer))
		return -EINVAL;
	*dev = tether_device_get(sock_net(sk), key->ifindex, &err);
	return *dev ? 0 : err;
}

/* Where does the message go? The device comes held. */
static int dgram_target(struct sock *sk, const struct msghdr *msg,
			struct tether_key *key, struct net_device **dev)
{
	int err;

	if (msg->msg_name) {
		err = tether_addr_check(sk, msg->msg_name, msg->msg_namelen);
		if (err)
			return err;
	}
	lock_sock(sk);
	if (msg->msg_name)
		err = dgram_resolve(sk, msg->msg_name, key, dev);
	else
		err = dgram_connected(sk, key, dev);
	release_sock(sk);
	return err;
}

static struct sk_buff *dgram_fill(struct sock *sk, struct msghdr *msg,
				  size_t len, const struct net_device *dev,
				  int *err)
{
	unsigned int room = LL_RESERVED_SPACE(dev) + TETHER_SHORT_LEN;
	size_t linear = len <= LINEAR_MAX ? len : 0;
	struct sk_buff *skb;

	skb = sock_alloc_send_pskb(sk, room + linear + dev->needed_tailroom,
				   len - linear, msg->msg_flags & MSG_DONTWAIT,
				   err, PAGE_ALLOC_COSTLY_ORDER);
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	skb_put(skb, linear);
	skb->data_len = len - linear;
	skb->len += len - linear;
	*err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, len);
	if (*err) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

static int dgram_send(struct sock *sk, struct msghdr *msg, size_t len,
		      const struct tether_key *key, struct net_device *dev)
{
	struct tether_segment seg = {
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_DGRAM,
		.sport = key->sport,
		.dport = key->dport,
		.len = len,
	};
	struct sockcm_cookie cookie;
	struct sk_buff *skb;
	int err;

	if (len + TETHER_SHORT_LEN > READ_ONCE(dev->mtu) || len > U16_MAX)
		return -EMSGSIZE;
	sockcm_init(&cookie, sk);
	cookie.mark = READ_ONCE(sk->sk_mark);
	if (msg->msg_controllen) {
		err = sock_cmsg_send(sk, msg, &cookie);
		if (err)
			return err;
	}
	skb = dgram_fill(sk, msg, len, dev, &err);
	if (!skb)
		return err;
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = cookie.mark;
	err = tether_device_send_skb(skb, dev, key->peer, dev->dev_addr, &seg);
	if (err < 0 && err != -ENOBUFS)
		return err;
	/* A full queue loses datagrams, as any part of the way may. */
	tether_stat_inc(sock_net(sk), TETHER_STAT_DGRAMS_OUT);
	return len;
}

static int dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct net_device *dev;
	struct tether_key key;
	int err;

	if (msg->msg_flags & ~SEND_FLAGS)
		return -EOPNOTSUPP;
	if (len > U16_MAX)
		return -EMSGSIZE;
	err = dgram_target(sk, msg, &key, &dev);
	if (err)
		return err;
	err = dgram_send(sk, msg, len, &key, dev);
	dev_put(dev);
	return err;
}

static void dgram_fill_name(struct msghdr *msg, const struct sk_buff *skb)
{
	const struct dgram_cb *cb = DGRAM_CB(skb);

	if (!msg->msg_name)
		return;
	tether_addr_fill(msg->msg_name, cb->port, cb->ifindex, cb->peer);
	msg->msg_namelen = sizeof(struct sockaddr_tether);
}

static int dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			 int flags)
{
	int off, err, copied, total;
	struct sock *sk = sock->sk;
	struct sk_buff *skb;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	off = sk_peek_offset(sk, flags);
	skb = __skb_recv_datagram(sk, &sk->sk_receive_queue, flags, &off, &err);
	if (!skb)
		return err;

	total = skb->len;
	copied = min_t(size_t, len, total - off);
	if (copied < total - off)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_msg(skb, off, msg, copied);
	if (!err) {
		sock_recv_cmsgs(msg, sk, skb);
		dgram_fill_name(msg, skb);
		if (flags & MSG_PEEK)
			sk_peek_offset_fwd(sk, copied);
		else
			sk_peek_offset_bwd(sk, total);
		err = flags & MSG_TRUNC ? total : copied;
	}
	skb_free_datagram(sk, skb);
	return err;
}

/* Size of the next datagram, for SIOCINQ. */
static int dgram_next_len(struct sock *sk)
{
	struct sk_buff *skb;
	int len = 0;

	spin_lock_bh(&sk->sk_receive_queue.lock);
	skb = skb_peek(&sk->sk_receive_queue);
	if (skb)
		len = skb->len;
	spin_unlock_bh(&sk->sk_receive_queue.lock);
	return len;
}

static int dgram_ioctl(struct socket *sock, unsigned int cmd,
		       unsigned long arg)
{
	struct sock *sk = sock->sk;

	switch (cmd) {
	case SIOCINQ:
		return put_user(dgram_next_len(sk), (int __user *)arg);
	case SIOCOUTQ:
		return put_user(sk_wmem_alloc_get(sk), (int __user *)arg);
	default:
		return -ENOIOCTLCMD;
	}
}

/* Takes ownership of @skb; not of the socket's reference. */
static void dgram_queue(struct sock *sk, struct sk_buff *skb,
			const struct tether_key *key,
			const struct tether_segment *seg)
{
	struct net *net = key->net;

	if (sk_filter_trim_cap(sk, skb, seg->header_len)) {
		tether_drop_skb(net, skb, TETHER_DROP_FILTER);
		return;
	}
	__skb_pull(skb, seg->header_len);
	DGRAM_CB(skb)->ifindex = key->ifindex;
	DGRAM_CB(skb)->port = key->dport;
	memcpy(DGRAM_CB(skb)->peer, key->peer, ETH_ALEN);
	if (__sock_queue_rcv_skb(sk, skb))
		tether_drop_skb(net, skb, TETHER_DROP_MEMORY);
	else
		tether_stat_inc(net, TETHER_STAT_DGRAMS_IN);
}

/* Everybody on the port gets a clone. */
static void dgram_group(struct sk_buff *skb, const struct tether_key *key,
			const struct tether_segment *seg)
{
	struct sock *sk = NULL;
	struct sk_buff *clone;
	bool any = false;

	while ((sk = tether_table_next_bound(key, sk))) {
		any = true;
		clone = skb_clone(skb, GFP_ATOMIC);
		if (clone)
			dgram_queue(sk, clone, key, seg);
		else
			tether_stat_inc(key->net, TETHER_STAT_DROP +
					TETHER_DROP_MEMORY);
	}
	if (any)
		consume_skb(skb);
	else
		tether_drop_skb(key->net, skb, TETHER_DROP_NO_SOCKET);
}

/**
 * tether_dgram_receive() - a datagram has arrived
 * @skb: the frame, from its header on; always consumed
 * @key: what it says
 * @seg: its header
 * @group: for a group, not for our MAC alone
 *
 * Context: softirq, under rcu_read_lock().
 */
void tether_dgram_receive(struct sk_buff *skb, const struct tether_key *key,
			  const struct tether_segment *seg, bool group)
{
	u8 dest[ETH_ALEN];
	struct sock *sk;

	BUILD_BUG_ON(sizeof(struct dgram_cb) > SOCK_SKB_CB_OFFSET);
	if (group) {
		dgram_group(skb, key, seg);
		return;
	}
	memcpy(dest, TETHER_RX_CB(skb)->dest, ETH_ALEN);
	sk = tether_table_find_bound(key, dest);
	if (!sk) {
		tether_drop_skb(key->net, skb, TETHER_DROP_NO_SOCKET);
		return;
	}
	dgram_queue(sk, skb, key, seg);
	sock_put(sk);
}

/**
 * tether_dgram_device() - a device has changed
 * @sk: a socket with a port
 * @dev: the device
 * @what: what has changed
 *
 * The socket's next call fails once if its device is gone, or its MAC.
 */
void tether_dgram_device(struct sock *sk, const struct net_device *dev,
			 enum tether_defer what)
{
	struct tether_sock *ts = tether_sk(sk);
	int err;

	/* Out of the table it may be on the way to another address. */
	if (what == TETHER_DEFER_MTU || hlist_unhashed_lockless(&ts->bind_node))
		return;
	err = tether_bind_lost(sk);
	if (what == TETHER_DEFER_DEVICE && ts->key.ifindex == dev->ifindex)
		err = -ENODEV;
	if (!err)
		return;
	WRITE_ONCE(sk->sk_err, -err);
	sk_error_report(sk);
}

struct proto tether_dgram_prot = {
	.name		= "TETHER-DGRAM",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct tether_sock),
	.slab_flags	= SLAB_TYPESAFE_BY_RCU,
	.init		= dgram_init,
};

const struct proto_ops tether_dgram_ops = {
	.family		= PF_TETHER,
	.owner		= THIS_MODULE,
	.release	= dgram_release,
	.bind		= tether_sock_bind,
	.connect	= dgram_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= tether_sock_getname,
	.poll		= datagram_poll,
	.ioctl		= dgram_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= sock_no_listen,
	.shutdown	= dgram_shutdown,
	.setsockopt	= tether_setsockopt,
	.getsockopt	= tether_getsockopt,
	.sendmsg	= dgram_sendmsg,
	.recvmsg	= dgram_recvmsg,
	.mmap		= sock_no_mmap,
	.set_peek_off	= sk_set_peek_off,
};

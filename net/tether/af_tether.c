// SPDX-License-Identifier: GPL-2.0
/* The address family: socket(2), addresses, and calls all types share. */
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/siphash.h>
#include "tether.h"

/* May the caller open sockets? As for net.ipv4.ping_group_range. */
static bool group_allowed(struct net *net)
{
	struct tether_net *tn = tether_net(net);
	kgid_t first = READ_ONCE(tn->group_range[0]);
	kgid_t last = READ_ONCE(tn->group_range[1]);
	kgid_t gid = current_egid();
	struct group_info *groups;
	bool allowed = false;
	int i;

	if (gid_lte(first, gid) && gid_lte(gid, last))
		return true;
	groups = get_current_groups();
	for (i = 0; i < groups->ngroups && !allowed; i++)
		allowed = gid_lte(first, groups->gid[i]) &&
			  gid_lte(groups->gid[i], last);
	put_group_info(groups);
	return allowed;
}

static int tether_create(struct net *net, struct socket *sock, int protocol,
			 int kern)
{
	struct proto *prot;
	struct sock *sk;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	switch (sock->type) {
	case SOCK_STREAM:
		if (protocol && protocol != IPPROTO_TCP)
			return -EPROTONOSUPPORT;
		sock->ops = &tether_stream_ops;
		prot = &tether_stream_prot;
		break;
	case SOCK_DGRAM:
		if (protocol && protocol != IPPROTO_UDP)
			return -EPROTONOSUPPORT;
		sock->ops = &tether_dgram_ops;
		prot = &tether_dgram_prot;
		break;
	default:
		return -ESOCKTNOSUPPORT;
	}
	if (!kern && !group_allowed(net))
		return -EACCES;

	sk = sk_alloc(net, tether_family, GFP_KERNEL, prot, kern);
	if (!sk)
		return -ENOBUFS;
	sock_init_data(sock, sk);
	/*
	 * Not IPPROTO_TCP: some kernels take any stream socket with that for
	 * one of TCP's and look into a struct tcp_sock.
	 */
	sk->sk_protocol = 0;
	tether_sk(sk)->type = sock->type == SOCK_STREAM ? TETHER_TYPE_STREAM :
							  TETHER_TYPE_DGRAM;
	/* Neither of the two can fail. */
	return prot->init(sk);
}

/* .family is set when the module is loaded: it may have been told a number. */
struct net_proto_family tether_family_ops = {
	.family	= AF_TETHER,
	.create	= tether_create,
	.owner	= THIS_MODULE,
};

/**
 * tether_isn() - initial sequence number of a connection
 * @key: the connection
 *
 * RFC 9293 section 3.4.1: a secret start for each connection, which rises
 * with time, by 64 for each nanosecond, faster than any link can send.
 *
 * Return: the number.
 */
u64 tether_isn(const struct tether_key *key)
{
	static siphash_aligned_key_t secret;
	struct {
		u8	peer[ETH_ALEN];
		u16	sport;
		u16	dport;
		u16	type;
		u32	ifindex;
		u64	net;
	} __aligned(SIPHASH_ALIGNMENT) tuple = {
		.sport = key->sport,
		.dport = key->dport,
		.type = key->type,
		.ifindex = key->ifindex,
		.net = (unsigned long)key->net,
	};

	net_get_random_once(&secret, sizeof(secret));
	ether_addr_copy(tuple.peer, key->peer);
	return siphash(&tuple, sizeof(tuple), &secret) + (ktime_get_ns() << 6);
}

/**
 * tether_addr_check() - is it an address at all?
 * @sk: socket that it is for
 * @addr: from the program, in kernel memory
 * @len: of @addr
 *
 * Return: 0, -EINVAL or -EAFNOSUPPORT.
 */
int tether_addr_check(const struct sock *sk, const void *addr, int len)
{
	const struct sockaddr_tether *sth = addr;

	if (len < (int)sizeof(*sth))
		return -EINVAL;
	if (sth->sth_family != sk->sk_family)
		return -EAFNOSUPPORT;
	if (sth->__sth_pad[0] || sth->__sth_pad[1])
		return -EINVAL;
	return 0;
}

/**
 * tether_sock_device() - which device is a socket tied to?
 * @sk: socket of any type
 *
 * bind(2) ties it to one, and so does SO_BINDTODEVICE; which the kernel sets
 * without asking, so the two may name different ones.
 *
 * Return: its index, 0 for none, or -EINVAL for two different ones.
 */
int tether_sock_device(const struct sock *sk)
{
	int option = READ_ONCE(sk->sk_bound_dev_if);
	int bound = tether_sk(sk)->bind_ifindex;

	if (option && bound && option != bound)
		return -EINVAL;
	return option ?: bound;
}

/*
 * The index of the device that an address names or, if it names none, that the
 * socket is tied to; 0 for none, or a negative errno.
 */
static int named_device(int tied, const struct sockaddr_tether *addr)
{
	if (tied < 0 || !addr->sth_ifindex)
		return tied;
	if (addr->sth_ifindex > INT_MAX)
		return -ENODEV;
	if (tied && tied != addr->sth_ifindex)
		return -EINVAL;
	return addr->sth_ifindex;
}

/* Which device does the program mean? Negative errno, or the index. */
static int resolve_ifindex(const struct sock *sk,
			   const struct sockaddr_tether *addr)
{
	int ifindex = named_device(tether_sock_device(sk), addr);

	if (ifindex)
		return ifindex;
	if (!is_zero_ether_addr(addr->sth_addr))
		return -EINVAL;
	return sock_net(sk)->loopback_dev->ifindex;
}

/* The device to use: lo stands in for a device whose own MAC is the peer. */
static int resolve_device(const struct sock *sk, const u8 *peer,
			  struct net_device **devp)
{
	const u8 *own = tether_sk(sk)->bind_addr;
	struct net_device *dev = *devp;
	int err;

	if (!is_zero_ether_addr(own) && !ether_addr_equal(own, dev->dev_addr))
		return -EADDRNOTAVAIL;
	if (dev->flags & IFF_LOOPBACK) {
		if (is_multicast_ether_addr(peer))
			return -ENETUNREACH;
		return is_zero_ether_addr(peer) ? 0 : -EINVAL;
	}
	if (is_zero_ether_addr(peer))
		return -EINVAL;
	if (!ether_addr_equal(peer, dev->dev_addr))
		return 0;
	*devp = tether_device_get(sock_net(sk),
				  sock_net(sk)->loopback_dev->ifindex, &err);
	dev_put(dev);
	return *devp ? 0 : err;
}

/**
 * tether_addr_resolve() - find out what an address means for a socket
 * @sk: locked socket that wants to send there
 * @addr: checked address of the peer; may be a group
 * @key: set; sport is that of the socket, perhaps still 0
 * @dev: set to the device, held
 *
 * Context: process.
 * Return: 0 or a negative errno; then there is nothing to put.
 */
int tether_addr_resolve(struct sock *sk, const struct sockaddr_tether *addr,
			struct tether_key *key, struct net_device **dev)
{
	u8 peer[ETH_ALEN] __aligned(2);
	int ifindex, err;

	ifindex = resolve_ifindex(sk, addr);
	if (ifindex < 0)
		return ifindex;
	*dev = tether_device_get(sock_net(sk), ifindex, &err);
	if (!*dev)
		return err;
	memcpy(peer, addr->sth_addr, ETH_ALEN);
	err = resolve_device(sk, peer, dev);
	if (err) {
		dev_put(*dev);
		return err;
	}

	*key = (struct tether_key){
		.net = sock_net(sk),
		.type = tether_sk(sk)->type,
		.ifindex = (*dev)->ifindex,
		.sport = tether_sk(sk)->key.sport,
		.dport = ntohs(addr->sth_port),
	};
	if (!((*dev)->flags & IFF_LOOPBACK))
		memcpy(key->peer, peer, ETH_ALEN);
	return 0;
}

/**
 * tether_addr_fill() - write an address for the program
 * @addr: where
 * @port: host order
 * @ifindex: device or 0
 * @mac: MAC address
 */
void tether_addr_fill(struct sockaddr_tether *addr, u16 port, u32 ifindex,
		      const u8 *mac)
{
	memset(addr, 0, sizeof(*addr));
	addr->sth_family = tether_family;
	addr->sth_port = htons(port);
	addr->sth_ifindex = ifindex;
	memcpy(addr->sth_addr, mac, TETHER_ADDR_LEN);
}

/**
 * tether_addr_is_local() - has a device this MAC?
 * @net: namespace
 * @ifindex: device, or 0 for any
 * @mac: MAC address, not zeros
 *
 * Return: true if so.
 */
bool tether_addr_is_local(struct net *net, u32 ifindex, const u8 *mac)
{
	struct net_device *dev;
	bool found = false;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev) {
		if (ifindex && ifindex != dev->ifindex)
			continue;
		found = ether_addr_equal_unaligned(dev->dev_addr, mac);
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/* The errno for a bound socket that no frame can reach any more, or 0. */
static int bind_error(const struct sock *sk)
{
	const struct tether_sock *ts = tether_sk(sk);
	struct net *net = sock_net(sk);

	if (ts->bind_ifindex && !tether_device_takes_part(net, ts->bind_ifindex))
		return -ENODEV;
	if (!is_zero_ether_addr(ts->bind_addr) &&
	    !tether_addr_is_local(net, ts->bind_ifindex, ts->bind_addr))
		return -EADDRNOTAVAIL;
	return 0;
}

/**
 * tether_bind_lost() - a device has changed: is what bind(2) named gone?
 * @sk: socket of any type
 *
 * Context: under RTNL, or with the socket locked.
 * Return: negative errno for the program, once when it goes; 0 otherwise.
 */
int tether_bind_lost(struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);
	bool before = ts->bind_lost;
	int err = bind_error(sk);

	ts->bind_lost = err;
	return before ? 0 : err;
}

/* May a socket be bound to this device, MAC and port? */
static int bind_allowed(struct sock *sk, const struct sockaddr_tether *addr)
{
	struct net *net = sock_net(sk);
	u16 port = ntohs(addr->sth_port);
	struct net_device *dev;
	int ifindex, err;

	/* what an earlier bind(2) said is over if this one is to count */
	ifindex = named_device(READ_ONCE(sk->sk_bound_dev_if), addr);
	if (ifindex < 0)
		return ifindex;
	if (ifindex) {
		dev = tether_device_get(net, ifindex, &err);
		if (!dev && err != -ENETDOWN)
			return err;
		dev_put(dev);
	}
	if (!is_zero_ether_addr(addr->sth_addr) &&
	    (is_multicast_ether_addr(addr->sth_addr) ||
	     !tether_addr_is_local(net, ifindex, addr->sth_addr)))
		return -EADDRNOTAVAIL;
	if (port && port < PROT_SOCK &&
	    !ns_capable(net->user_ns, CAP_NET_BIND_SERVICE))
		return -EACCES;
	return 0;
}

static int bind_locked(struct sock *sk, const struct sockaddr_tether *addr)
{
	struct tether_sock *ts = tether_sk(sk);
	u16 port = ntohs(addr->sth_port);
	int err;

	err = bind_allowed(sk, addr);
	if (err)
		return err;
	if (sk->sk_state != TCP_CLOSE || ts->key.sport)
		return -EINVAL;
	ts->bind_ifindex = addr->sth_ifindex;
	memcpy(ts->bind_addr, addr->sth_addr, ETH_ALEN);
	ts->bind_lost = false;
	err = tether_table_bind(sk, port);
	if (err) {
		ts->bind_ifindex = 0;
		eth_zero_addr(ts->bind_addr);
		return err;
	}
	if (ts->bind_ifindex || !is_zero_ether_addr(ts->bind_addr))
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	if (port)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	return 0;
}

/**
 * tether_sock_bind() - bind(2)
 * @sock: socket of any type
 * @addr: from the program, in kernel memory
 * @len: of @addr
 *
 * Return: 0 or a negative errno.
 */
int tether_sock_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	struct sockaddr_tether *sth = (struct sockaddr_tether *)addr;
	struct sock *sk = sock->sk;
	int err;

	err = tether_addr_check(sk, sth, len);
	if (err)
		return err;
	lock_sock(sk);
	err = bind_locked(sk, sth);
	release_sock(sk);
	return err;
}

/**
 * tether_sock_getname() - getsockname(2) and getpeername(2)
 * @sock: socket of any type
 * @addr: set
 * @peer: 1 for the peer's address if connected, 2 for it in any case
 *
 * Return: length of the address or a negative errno.
 */
int tether_sock_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	struct sockaddr_tether *sth = (struct sockaddr_tether *)addr;
	struct sock *sk = sock->sk;
	struct tether_sock *ts = tether_sk(sk);
	int err = sizeof(*sth);

	lock_sock(sk);
	if (peer) {
		if (!ts->key.ifindex ||
		    (peer == 1 && (sk->sk_state == TCP_CLOSE ||
				   sk->sk_state == TCP_SYN_SENT)))
			err = -ENOTCONN;
		else
			tether_addr_fill(sth, ts->key.dport, ts->key.ifindex,
					 ts->key.peer);
	} else if (ts->key.ifindex) {
		tether_addr_fill(sth, ts->key.sport, ts->key.ifindex, ts->src);
	} else {
		tether_addr_fill(sth, ts->key.sport, ts->bind_ifindex,
				 ts->bind_addr);
	}
	release_sock(sk);
	return err;
}

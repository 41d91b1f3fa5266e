// SPDX-License-Identifier: GPL-2.0
/*
 * Devices: the only file that takes frames from them and sees them change.
 * Frames leave by xmit.c.
 */
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include "tether.h"

/* Payload of a frame where the device would take more: by measurement. */
#define FRAME_DEFAULT	32768U

/* Names are separated by commas or white space. */
static bool name_listed(const char *names, const char *name)
{
	size_t len;

	for (; *names; names += len) {
		names += strspn(names, ", \t\n");
		len = strcspn(names, ", \t\n");
		if (len == strlen(name) && !memcmp(names, name, len))
			return true;
	}
	return false;
}

/**
 * tether_device_allowed() - does a device take part?
 * @dev: the device
 *
 * Context: under rcu_read_lock().
 * Return: true for Ethernet devices and lo that are no port of another device
 * and that the sysctl `devices` names.
 */
bool tether_device_allowed(struct net_device *dev)
{
	const struct tether_devices *devices;

	if (dev->type != ARPHRD_ETHER && dev->type != ARPHRD_LOOPBACK)
		return false;
	if (netdev_master_upper_dev_get_rcu(dev))
		return false;
	devices = rcu_dereference(tether_net(dev_net(dev))->devices);
	return !devices || name_listed(devices->names, dev->name);
}

/**
 * tether_device_get() - the device of an address
 * @net: namespace
 * @ifindex: interface index
 * @err: -ENODEV if there is no such device, or it does not take part;
 *	-ENETDOWN if it is down
 *
 * Return: the device, for dev_put(), or NULL.
 */
struct net_device *tether_device_get(struct net *net, u32 ifindex, int *err)
{
	struct net_device *dev;

	*err = -ENODEV;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ifindex);
	if (dev && !tether_device_allowed(dev))
		dev = NULL;
	if (dev && !(READ_ONCE(dev->flags) & IFF_UP)) {
		*err = -ENETDOWN;
		dev = NULL;
	}
	dev_hold(dev);
	rcu_read_unlock();
	return dev;
}

/**
 * tether_device_takes_part() - is there a device, and does it take part?
 * @net: namespace
 * @ifindex: interface index
 *
 * Return: true if so, up or down.
 */
bool tether_device_takes_part(struct net *net, u32 ifindex)
{
	struct net_device *dev;
	bool found;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ifindex);
	found = dev && tether_device_allowed(dev);
	rcu_read_unlock();
	return found;
}

/**
 * tether_device_attach() - tell a connection its device
 * @sk: locked, already on the connection table; its path has been initialised
 * @dev: the device, held or under rcu_read_lock()
 *
 * The notifier walks the table after the device left the list of its
 * namespace; so whoever still finds it there, being on the table, is found.
 * The same holds for a new MAC or MTU: they are read once we can be found.
 *
 * Return: false if the device is going away.
 */
bool tether_device_attach(struct sock *sk, struct net_device *dev)
{
	struct tether_sock *ts = tether_sk(sk);
	bool there;

	rcu_assign_pointer(ts->dev, dev);
	smp_mb(); /* the notifier sees dev, or we see what it is about */
	memcpy(ts->src, dev->dev_addr, ETH_ALEN);
	tether_device_path(sk);
	rcu_read_lock();
	/* It stays on the list when it becomes a port of another device. */
	there = dev_get_by_index_rcu(sock_net(sk), ts->key.ifindex) == dev &&
		tether_device_allowed(dev);
	rcu_read_unlock();
	if (!there)
		RCU_INIT_POINTER(ts->dev, NULL);
	return there;
}

/**
 * tether_device_limits() - what a device can take
 * @dev: the device
 * @mss: largest payload of a segment
 * @frame_max: largest payload of a frame, at least @mss
 * @split: it cannot take more than a segment: what is larger is cut on the
 *	way into it
 *
 * On lo a frame is one segment as long as its MTU is the default.
 */
void tether_device_limits(const struct net_device *dev, u16 *mss,
			  u16 *frame_max, bool *split)
{
	const netdev_features_t whole = NETIF_F_GSO_SCTP | NETIF_F_SG |
					NETIF_F_HW_CSUM;
	u32 header = VLAN_ETH_HLEN + TETHER_LONG_LEN;
	u32 mtu = READ_ONCE(dev->mtu), most;

	*mss = clamp_t(u32, mtu - min_t(u32, mtu, TETHER_LONG_LEN),
		       TETHER_MIN_MSS, FRAME_DEFAULT);
	*split = (dev->features & whole) != whole;

	most = tether_gso_max_size(dev);
	most = min(FRAME_DEFAULT, most > header ? most - header - 1 : 0);
	most = min(most, *mss * max(READ_ONCE(dev->gso_max_segs), 1U));
	if (*split)
		most = rounddown(most, *mss);
	*frame_max = max_t(u32, most, *mss);
}

/**
 * tether_device_path() - let a connection know what its device can take now
 * @sk: locked
 */
void tether_device_path(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	struct net_device *dev;
	u16 mss, frame_max;
	bool split;

	sock_owned_by_me(sk);
	rcu_read_lock();
	dev = rcu_dereference(ts->base.dev);
	if (dev) {
		tether_device_limits(dev, &mss, &frame_max, &split);
		tether_path_limits(&ts->conn.path, mss, frame_max, split);
	}
	rcu_read_unlock();
}

static bool sum_valid(struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL ||
	    skb->ip_summed == CHECKSUM_UNNECESSARY)
		return true;
	if (skb->ip_summed == CHECKSUM_COMPLETE && !csum_fold(skb->csum))
		return true;
	return !csum_fold(skb_checksum(skb, 0, skb->len, 0));
}

/* Who may send what to whom? The frame is intact. */
static enum tether_drop check_addresses(const struct sk_buff *skb,
					struct net_device *dev,
					const struct tether_segment *seg)
{
	const struct ethhdr *eth = eth_hdr(skb);

	if (!tether_device_allowed(dev))
		return TETHER_DROP_DEVICE;
	if (is_multicast_ether_addr(eth->h_source))
		return TETHER_DROP_GROUP;
	if (skb->pkt_type != PACKET_HOST && seg->type != TETHER_TYPE_DGRAM &&
	    seg->type != TETHER_TYPE_ECHO)
		return TETHER_DROP_GROUP;
	if (dev->type == ARPHRD_ETHER &&
	    ether_addr_equal(eth->h_source, dev->dev_addr))
		return TETHER_DROP_SELF;
	return TETHER_DROP_NONE;
}

/* The answer to a SYN of ours, from a host that speaks other versions. */
static bool is_version_reset(const struct sk_buff *skb,
			     const struct tether_segment *seg)
{
	return skb->pkt_type == PACKET_HOST &&
	       seg->type == TETHER_TYPE_STREAM && seg->flags & TETHER_RST &&
	       seg->reason == TETHER_REASON_VERSION;
}

/* Parse a frame, cut it to its length and check it. */
static enum tether_drop check_frame(struct sk_buff *skb,
				    struct net_device *dev,
				    struct tether_segment *seg)
{
	enum tether_drop bad_header, drop;
	unsigned int len;

	memset(seg, 0, sizeof(*seg));
	if (dev->type != ARPHRD_ETHER && dev->type != ARPHRD_LOOPBACK)
		return TETHER_DROP_DEVICE;
	if (skb->pkt_type != PACKET_HOST && skb->pkt_type != PACKET_BROADCAST &&
	    skb->pkt_type != PACKET_MULTICAST)
		return TETHER_DROP_OTHERHOST;

	if (!pskb_may_pull(skb, TETHER_SHORT_LEN))
		return TETHER_DROP_SHORT;
	len = tether_wire_header_len(skb->data, skb->len);
	if (!pskb_may_pull(skb, len))
		return TETHER_DROP_MEMORY;
	bad_header = tether_wire_parse(seg, skb->data, skb->len);
	if (bad_header && bad_header != TETHER_DROP_VERSION &&
	    bad_header != TETHER_DROP_MANDATORY)
		return bad_header;

	/* These two are answered: they must be intact like any other. */
	len = seg->header_len + seg->len;
	if (skb_is_gso(skb) && skb->len != len)
		return TETHER_DROP_LENGTH;
	if (pskb_trim_rcsum(skb, len))
		return TETHER_DROP_MEMORY;
	if (!sum_valid(skb))
		return TETHER_DROP_CHECKSUM;
	drop = check_addresses(skb, dev, seg);
	if (!drop && bad_header == TETHER_DROP_VERSION &&
	    is_version_reset(skb, seg))
		return TETHER_DROP_NONE;
	return drop ?: bad_header;
}

/*
 * Some frames that are of no use are answered all the same, but none that all
 * hosts would answer at once.
 */
static void refuse(struct net_device *dev, const struct sk_buff *skb,
		   const struct tether_segment *seg, enum tether_drop drop)
{
	bool asks = seg->flags & TETHER_SYN && !(seg->flags & TETHER_ACK) &&
		    skb->pkt_type == PACKET_HOST;
	const u8 *peer = eth_hdr(skb)->h_source;

	/* Flags mean nothing in a datagram, and nobody waits for an answer. */
	if (seg->type == TETHER_TYPE_DGRAM)
		return;
	if (drop == TETHER_DROP_VERSION && asks)
		tether_reply_version(dev, peer, seg);
	else if (drop == TETHER_DROP_MANDATORY && asks)
		tether_reply_reset(dev, peer, seg, TETHER_REASON_OPTION);
}

static void count_stream(struct net *net, const struct sk_buff *skb,
			 const struct tether_segment *seg)
{
	unsigned int reason = seg->reason;

	tether_stat_add(net, TETHER_STAT_SEGMENTS_IN,
			TETHER_RX_CB(skb)->segments);
	tether_stat_add(net, TETHER_STAT_BYTES_IN, seg->len);
	if (!(seg->flags & TETHER_RST))
		return;
	if (reason >= TETHER_REASON_MAX)
		reason = TETHER_REASON_NONE;
	tether_stat_inc(net, TETHER_STAT_RST_IN + reason);
}

/* Hand a segment to its connection, to TIME_WAIT or to a listener. */
static void deliver_stream(struct sk_buff *skb, struct net_device *dev,
			   const struct tether_key *key,
			   struct tether_segment *seg)
{
	enum tether_reason reason;
	struct sock *sk;
	bool reopen;

	count_stream(key->net, skb, seg);
	sk = tether_table_find_conn(key);
	if (!sk && tether_timewait_segment(key, seg, dev, &reopen)) {
		tether_drop_skb(key->net, skb, seg->drop);
		return;
	}
	if (!sk)
		sk = tether_table_find_bound(key, TETHER_RX_CB(skb)->dest);
	if (sk) {
		skb->dev = NULL;
		tether_stream_receive(sk, skb);
		sock_put(sk);
		return;
	}

	reason = seg->flags & TETHER_SYN && !(seg->flags & TETHER_ACK) ?
		 TETHER_REASON_NO_LISTENER : TETHER_REASON_NO_CONNECTION;
	tether_reply_reset(dev, key->peer, seg, reason);
	tether_drop_skb(key->net, skb, TETHER_DROP_NO_SOCKET);
}

static void deliver(struct sk_buff *skb, struct net_device *dev,
		    const struct tether_key *key, struct tether_segment *seg)
{
	bool group = skb->pkt_type != PACKET_HOST;

	switch (seg->type) {
	case TETHER_TYPE_STREAM:
		deliver_stream(skb, dev, key, seg);
		break;
	case TETHER_TYPE_DGRAM:
		tether_dgram_receive(skb, key, seg, group);
		break;
	case TETHER_TYPE_ECHO:
		tether_reply_echo(dev, skb, seg);
		break;
	default:
		tether_drop_skb(key->net, skb, TETHER_DROP_TYPE);
	}
}

/* What the frame says that is not in its Tether header. */
static void fill_key(struct tether_key *key, struct sk_buff *skb,
		     struct net_device *dev, const struct tether_segment *seg)
{
	struct tether_rx_cb *cb = TETHER_RX_CB(skb);
	const struct ethhdr *eth = eth_hdr(skb);

	BUILD_BUG_ON(sizeof(*cb) > sizeof(skb->cb));
	cb->ifindex = dev->ifindex;
	cb->segments = max_t(u16, skb_shinfo(skb)->gso_segs, 1);
	memcpy(cb->dest, eth->h_dest, ETH_ALEN);
	if (dev->flags & IFF_LOOPBACK)
		eth_zero_addr(cb->peer);
	else
		memcpy(cb->peer, eth->h_source, ETH_ALEN);

	memset(key, 0, sizeof(*key));
	key->net = dev_net(dev);
	key->type = seg->type;
	key->ifindex = cb->ifindex;
	memcpy(key->peer, cb->peer, ETH_ALEN);
	key->sport = seg->dport;
	key->dport = seg->sport;
}

/* A frame of our ethertype, from any device of any namespace; in softirq. */
static int device_receive(struct sk_buff *skb, struct net_device *dev,
			  struct packet_type *type, struct net_device *orig)
{
	struct net *net = dev_net(dev);
	struct tether_segment seg;
	struct tether_key key;
	enum tether_drop drop;

	tether_stat_inc(net, TETHER_STAT_FRAMES_IN);
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb) {
		tether_stat_inc(net, TETHER_STAT_DROP + TETHER_DROP_MEMORY);
		return NET_RX_DROP;
	}
	/* It may still be charged to its sender, across a veth. */
	skb_orphan(skb);
	skb_dst_drop(skb);
	nf_reset_ct(skb);

	drop = check_frame(skb, dev, &seg);
	if (!drop) {
		fill_key(&key, skb, dev, &seg);
		deliver(skb, dev, &key, &seg);
		return NET_RX_SUCCESS;
	}
	if (drop == TETHER_DROP_VERSION || drop == TETHER_DROP_MANDATORY)
		refuse(dev, skb, &seg, drop);
	tether_drop_skb(net, skb, drop);
	return NET_RX_DROP;
}

struct device_change {
	struct net_device	*dev;
	enum tether_defer	what;
};

/* Does a change of a device matter to a stream socket? */
static bool stream_concerned(struct tether_sock *ts,
			     const struct device_change *change)
{
	struct net_device *dev = change->dev;
	bool conn = rcu_access_pointer(ts->dev) == dev;
	bool bound = ts->bind_ifindex == dev->ifindex ||
		     !is_zero_ether_addr(ts->bind_addr);

	/* The half-open connections of a listener have devices, too. */
	bound = bound || READ_ONCE(ts->sk.sk_state) == TETHER_LISTEN;
	switch (change->what) {
	case TETHER_DEFER_DEVICE:
		return conn || bound;
	case TETHER_DEFER_ADDRESS:
		return conn ? !ether_addr_equal_unaligned(ts->src,
							  dev->dev_addr) :
			      bound;
	default:
		return conn;
	}
}

/* Called for every socket of the device's namespace, with RTNL held. */
static void sock_device_changed(struct sock *sk, void *arg)
{
	const struct device_change *change = arg;
	struct tether_sock *ts = tether_sk(sk);

	if (ts->type == TETHER_TYPE_DGRAM) {
		tether_dgram_device(sk, change->dev, change->what);
		return;
	}
	local_bh_disable();
	if (stream_concerned(ts, change)) {
		bh_lock_sock(sk);
		if (change->what == TETHER_DEFER_DEVICE &&
		    rcu_access_pointer(ts->dev) == change->dev)
			RCU_INIT_POINTER(ts->dev, NULL);
		bh_unlock_sock(sk);
		tether_stream_event(sk, change->what);
	}
	local_bh_enable();
}

static void device_changed(struct net_device *dev, enum tether_defer what)
{
	struct device_change change = { .dev = dev, .what = what };

	/* Pairs with tether_device_attach(): our walk, or its look, is later. */
	smp_mb();
	tether_table_each(dev_net(dev), sock_device_changed, &change);
	if (what == TETHER_DEFER_MTU)
		return;
	tether_timewait_purge(dev_net(dev), dev->ifindex);
	if (what == TETHER_DEFER_DEVICE)
		tether_reply_forget(dev);
}

/*
 * A port's frames are its master's: it is gone to us. When it is released, who
 * is bound to it can be told again another time.
 */
static void master_changed(struct net_device *dev,
			   const struct netdev_notifier_changeupper_info *info)
{
	if (info->master)
		device_changed(dev, info->linking ? TETHER_DEFER_DEVICE :
						    TETHER_DEFER_ADDRESS);
}

static int device_event(struct notifier_block *block, unsigned long event,
			void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	ASSERT_RTNL();
	if (dev->type != ARPHRD_ETHER && dev->type != ARPHRD_LOOPBACK)
		return NOTIFY_DONE;

	switch (event) {
	case NETDEV_UNREGISTER:
		device_changed(dev, TETHER_DEFER_DEVICE);
		break;
	case NETDEV_CHANGEUPPER:
		master_changed(dev, ptr);
		break;
	case NETDEV_CHANGEADDR:
		device_changed(dev, TETHER_DEFER_ADDRESS);
		break;
	case NETDEV_CHANGEMTU:
	case NETDEV_FEAT_CHANGE:
	case NETDEV_CHANGE:
		device_changed(dev, TETHER_DEFER_MTU);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block device_notifier = {
	.notifier_call = device_event,
};

static struct packet_type device_packets __read_mostly = {
	.func = device_receive,
};

/**
 * tether_device_init() - begin to receive frames
 *
 * Return: 0 or a negative errno.
 */
int tether_device_init(void)
{
	int err;

	err = register_netdevice_notifier(&device_notifier);
	if (err)
		return err;
	device_packets.type = htons(tether_ethertype);
	dev_add_pack(&device_packets);
	return 0;
}

/**
 * tether_device_exit() - receive no frame any more
 */
void tether_device_exit(void)
{
	dev_remove_pack(&device_packets);
	unregister_netdevice_notifier(&device_notifier);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Sending frames: the only file that makes skbs with headers and gives them
 * to devices.
 *
 * A frame of a connection is a fresh head for the header, and references to
 * the page fragments of the send queue: nothing is cloned, and a frame that is
 * still in a device's queue does not mind that it is sent again.
 */
#include <linux/if_arp.h>
#include "tether.h"

enum {
	HEADER_ROOM	= TETHER_LONG_LEN + TETHER_SYN_OPT_LEN,
	/* Up to here a copy is cheaper than a page reference. */
	COPY_MAX	= 256,
};

/* Copy a part of a frame's payload from the send queue. */
static void copy_payload(const struct tether_frame *frame, u32 skip, void *to,
			 u32 len)
{
	const struct sk_buff *from = frame->skb;
	u32 offset = frame->offset + skip;
	u32 n;

	for (; len; from = from->next) {
		if (offset >= from->len) {
			offset -= from->len;
			continue;
		}
		n = min(len, from->len - offset);
		WARN_ON_ONCE(skb_copy_bits(from, offset, to, n));
		offset = 0;
		to += n;
		len -= n;
	}
}

static bool share_frag(struct sk_buff *skb, const skb_frag_t *frag, u32 offset,
		       u32 len)
{
	struct page *page = skb_frag_page(frag);
	int i = skb_shinfo(skb)->nr_frags;

	offset += skb_frag_off(frag);
	if (skb_can_coalesce(skb, i, page, offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], len);
	} else {
		if (i == MAX_SKB_FRAGS)
			return false;
		get_page(page);
		skb_fill_page_desc(skb, i, page, offset, len);
	}
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
	return true;
}

/* Refer to a part of one queued skb; impossible if that part is linear. */
static bool share_skb(struct sk_buff *skb, const struct sk_buff *from,
		      u32 offset, u32 len)
{
	u32 n, size;
	int i;

	if (offset < skb_headlen(from))
		return false;
	offset -= skb_headlen(from);
	for (i = 0; i < skb_shinfo(from)->nr_frags && len; i++) {
		const skb_frag_t *frag = &skb_shinfo(from)->frags[i];

		size = skb_frag_size(frag);
		if (offset >= size) {
			offset -= size;
			continue;
		}
		n = min(len, size - offset);
		if (!share_frag(skb, frag, offset, n))
			return false;
		offset = 0;
		len -= n;
	}
	return !len;
}

static bool share_payload(struct sk_buff *skb, const struct tether_frame *frame)
{
	const struct sk_buff *from = frame->skb;
	u32 offset = frame->offset;
	u32 left = frame->seg.len;
	u32 n;

	for (; left; from = from->next) {
		n = min(left, from->len - offset);
		if (!share_skb(skb, from, offset, n))
			return false;
		offset = 0;
		left -= n;
	}
	return true;
}

static struct sk_buff *build_linear(const struct tether_frame *frame,
				    unsigned int room, unsigned int tail)
{
	u32 len = frame->seg.len;
	struct sk_buff *skb;

	skb = alloc_skb(room + len + tail, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	if (len)
		copy_payload(frame, 0, skb_put(skb, len), len);
	return skb;
}

/* For payload in too many pieces to refer to. */
static struct sk_buff *build_copy(const struct tether_frame *frame,
				  unsigned int room, unsigned int tail)
{
	u32 len = frame->seg.len;
	struct sk_buff *skb;
	u32 done = 0;
	int i, err;

	skb = alloc_skb_with_frags(room + tail, len, PAGE_ALLOC_COSTLY_ORDER,
				   &err, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	skb->len = len;
	skb->data_len = len;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		copy_payload(frame, done, skb_frag_address(frag),
			     skb_frag_size(frag));
		done += skb_frag_size(frag);
	}
	return skb;
}

static struct sk_buff *build_frame(const struct net_device *dev,
				   const struct tether_frame *frame)
{
	unsigned int room = LL_RESERVED_SPACE(dev) + HEADER_ROOM;
	unsigned int tail = dev->needed_tailroom;
	struct sk_buff *skb;

	if (frame->seg.len <= COPY_MAX)
		return build_linear(frame, room, tail);

	skb = alloc_skb(room + tail, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	if (share_payload(skb, frame))
		return skb;
	kfree_skb(skb);
	return build_copy(frame, room, tail);
}

/* Write the header before the payload, and say how to complete the sum. */
static void push_header(struct sk_buff *skb, const struct tether_segment *seg)
{
	u8 header[HEADER_ROOM] __aligned(4);
	unsigned int len;

	len = tether_wire_build(header, seg);
	memcpy(skb_push(skb, len), header, len);
	skb_reset_network_header(skb);
	/* Queues take a transport header of SCTP's length for the last part. */
	skb_set_transport_header(skb, len - TETHER_SHORT_LEN);
	skb->protocol = htons(tether_ethertype);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + TETHER_CSUM_START;
	skb->csum_offset = TETHER_CSUM_OFFSET;
}

/* No hardware knows this type, so that no hardware takes the frame apart. */
static void mark_super(struct sk_buff *skb, u32 len, u16 mss)
{
	skb_shinfo(skb)->gso_type = SKB_GSO_SCTP;
	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len, mss);
}

/* Always takes ownership of @skb. Returns what dev_queue_xmit() does. */
static int xmit(struct sk_buff *skb, struct net_device *dev, const u8 *dest,
		const u8 *src)
{
	struct net *net = dev_net(dev);
	int err;

	skb->dev = dev;
	if (dev_hard_header(skb, dev, tether_ethertype, dest, src,
			    skb->len) < 0) {
		kfree_skb(skb);
		tether_stat_inc(net, TETHER_STAT_XMIT_NODEV);
		return -ENODEV;
	}
	err = dev_queue_xmit(skb);
	if (!err)
		tether_stat_inc(net, TETHER_STAT_FRAMES_OUT);
	else if (err == -ENETDOWN)
		tether_stat_inc(net, TETHER_STAT_XMIT_NODEV);
	else
		tether_stat_inc(net, TETHER_STAT_XMIT_DROP);
	return err;
}

static void count_reset(struct net *net, const struct tether_segment *seg)
{
	if (seg->flags & TETHER_RST && seg->reason < TETHER_REASON_MAX)
		tether_stat_inc(net, TETHER_STAT_RST_OUT + seg->reason);
}

static void count_frame(struct net *net, const struct tether_frame *frame,
			unsigned int segments)
{
	tether_stat_add(net, TETHER_STAT_SEGMENTS_OUT, segments);
	tether_stat_add(net, TETHER_STAT_BYTES_OUT, frame->seg.len);
	if (segments > 1)
		tether_stat_inc(net, TETHER_STAT_SUPER_OUT);
	if (frame->retransmit)
		tether_stat_add(net, TETHER_STAT_RETRANS_OUT, segments);
	count_reset(net, &frame->seg);
}

static int send_frame(struct sock *sk, struct net_device *dev,
		      const struct tether_frame *frame)
{
	u16 mss = tether_stream(sk)->conn.path.mss;
	struct tether_sock *ts = tether_sk(sk);
	unsigned int segments = 1;
	struct sk_buff *skb;

	if (!(READ_ONCE(dev->flags) & IFF_UP)) {
		tether_stat_inc(sock_net(sk), TETHER_STAT_XMIT_NODEV);
		return -ENETDOWN;
	}
	skb = build_frame(dev, frame);
	if (!skb) {
		tether_stat_inc(sock_net(sk), TETHER_STAT_XMIT_NOMEM);
		return -ENOMEM;
	}
	push_header(skb, &frame->seg);
	if (frame->seg.len > mss) {
		mark_super(skb, frame->seg.len, mss);
		segments = skb_shinfo(skb)->gso_segs;
	}
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = READ_ONCE(sk->sk_mark);
	skb_set_owner_w(skb, sk);
	count_frame(sock_net(sk), frame, segments);
	return xmit(skb, dev, ts->key.peer, ts->src);
}

/**
 * tether_device_send_frame() - send a frame of a connection
 * @sk: locked
 * @frame: as tether_conn_transmit() gave it
 *
 * Return: 0; NET_XMIT_DROP or NET_XMIT_CN, for tether_conn_congested(); or a
 * negative errno, if the frame is lost for another reason: it is counted, and
 * the retransmission timer knows what to do.
 */
int tether_device_send_frame(struct sock *sk, const struct tether_frame *frame)
{
	struct net_device *dev;
	int err = -ENODEV;

	sock_owned_by_me(sk);
	rcu_read_lock();
	dev = rcu_dereference(tether_sk(sk)->dev);
	if (dev)
		err = send_frame(sk, dev, frame);
	else
		tether_stat_inc(sock_net(sk), TETHER_STAT_XMIT_NODEV);
	rcu_read_unlock();
	return err;
}

/**
 * tether_device_alloc() - an skb for tether_device_send_skb()
 * @dev: the device
 * @len: bytes of payload to come, linear
 * @gfp: how to allocate
 *
 * Return: an empty skb with room for all headers and the payload, or NULL.
 */
struct sk_buff *tether_device_alloc(const struct net_device *dev,
				    unsigned int len, gfp_t gfp)
{
	unsigned int room = LL_RESERVED_SPACE(dev) + HEADER_ROOM;
	struct sk_buff *skb;

	skb = alloc_skb(room + len + dev->needed_tailroom, gfp);
	if (skb)
		skb_reserve(skb, room);
	return skb;
}

/**
 * tether_device_send_skb() - send a payload that is one segment
 * @skb: the payload, with room for the headers; always consumed
 * @dev: the device, held or under rcu_read_lock()
 * @dest: destination MAC
 * @src: source MAC
 * @seg: the header, whose len is that of @skb
 *
 * Return: what dev_queue_xmit() does, or a negative errno.
 */
int tether_device_send_skb(struct sk_buff *skb, struct net_device *dev,
			   const u8 *dest, const u8 *src,
			   const struct tether_segment *seg)
{
	push_header(skb, seg);
	count_reset(dev_net(dev), seg);
	return xmit(skb, dev, dest, src);
}

/**
 * tether_device_reply() - send a segment without payload and a connection
 * @dev: the device, held or under rcu_read_lock()
 * @dest: destination MAC
 * @seg: the header
 * @sk: the listener in whose name it is sent, or NULL
 *
 * Return: as tether_device_send_skb().
 */
int tether_device_reply(struct net_device *dev, const u8 *dest,
			const struct tether_segment *seg,
			const struct sock *sk)
{
	struct sk_buff *skb;

	skb = tether_device_alloc(dev, 0, GFP_ATOMIC);
	if (!skb) {
		tether_stat_inc(dev_net(dev), TETHER_STAT_XMIT_NOMEM);
		return -ENOMEM;
	}
	if (sk) {
		skb->priority = READ_ONCE(sk->sk_priority);
		skb->mark = READ_ONCE(sk->sk_mark);
	}
	if (seg->type == TETHER_TYPE_STREAM)
		tether_stat_inc(dev_net(dev), TETHER_STAT_SEGMENTS_OUT);
	return tether_device_send_skb(skb, dev, dest, dev->dev_addr, seg);
}

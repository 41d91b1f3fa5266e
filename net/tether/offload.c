// SPDX-License-Identifier: GPL-2.0
/*
 * Cutting super-frames into segments, for devices that cannot take them.
 *
 * The network stack calls this on the way into such a device, or into a queue
 * that wants small frames.
 */
#include "tether.h"

/* Segments that are not the last must not say what is true of the last. */
#define LAST_FLAGS	(TETHER_FIN | TETHER_PSH)

/*
 * Make the copied header that of one segment. More segments follow all but the
 * last: they carry MORE, so that the receiver holds its ACK.
 */
static void fix_header(struct sk_buff *skb, u64 seq, u16 len, bool last)
{
	struct tether_wire *wire;
	u32 sum;

	wire = (struct tether_wire *)skb_network_header(skb);
	wire->seq[0] = cpu_to_be32(seq >> 32);
	wire->seq[1] = cpu_to_be32((u32)seq);
	wire->len = cpu_to_be16(len);
	if (!last) {
		wire->flags &= ~LAST_FLAGS;
		wire->flags |= TETHER_MORE;
	}
	sum = tether_wire_sum(wire, TETHER_CSUM_START, 0);
	wire->check = (__force __sum16)cpu_to_be16(tether_wire_fold(sum));
}

/* Number the segments, and complete their sums if @finish. */
static int fix_segments(struct sk_buff *segs, u64 seq, unsigned int header,
			bool finish)
{
	struct sk_buff *skb;
	u16 len;
	int err;

	for (skb = segs; skb; skb = skb->next) {
		len = skb->len - skb_network_offset(skb) - header;
		fix_header(skb, seq, len, !skb->next);
		seq += len;
		if (!finish)
			continue;
		err = skb_checksum_help(skb);
		if (err)
			return err;
	}
	return 0;
}

/* A frame with data has a long header and is neither SYN nor RST. */
static bool may_cut(struct sk_buff *skb)
{
	const struct tether_wire *wire;

	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_SCTP) ||
	    !pskb_may_pull(skb, TETHER_LONG_LEN))
		return false;
	wire = (const struct tether_wire *)skb->data;
	return wire->version_type == (TETHER_VERSION << 4 |
				      TETHER_TYPE_STREAM) &&
	       wire->words * 4 >= TETHER_LONG_LEN &&
	       !(wire->flags & (TETHER_SYN | TETHER_RST)) &&
	       pskb_may_pull(skb, wire->words * 4);
}

static struct sk_buff *offload_segment(struct sk_buff *skb,
				       netdev_features_t features)
{
	/*
	 * What does not even know the type is hardware, or about to become
	 * it: the segments are not looked at again. skb_segment() would sum
	 * each of them if it were not told that somebody else does.
	 */
	bool finish = !(features & NETIF_F_GSO_SCTP);
	const struct tether_wire *wire;
	unsigned int header;
	struct sk_buff *segs;
	int err;
	u64 seq;

	skb_reset_network_header(skb);
	if (!may_cut(skb))
		return ERR_PTR(-EINVAL);
	wire = (const struct tether_wire *)skb->data;
	header = wire->words * 4;
	seq = (u64)be32_to_cpu(wire->seq[0]) << 32 | be32_to_cpu(wire->seq[1]);

	__skb_pull(skb, header);
	features &= ~NETIF_F_GSO_PARTIAL;
	segs = skb_segment(skb, features | NETIF_F_HW_CSUM);
	if (IS_ERR_OR_NULL(segs))
		return segs;
	err = fix_segments(segs, seq, header, finish);
	if (err) {
		kfree_skb_list(segs);
		return ERR_PTR(err);
	}
	return segs;
}

static struct packet_offload offload __read_mostly = {
	.callbacks = {
		.gso_segment = offload_segment,
	},
};

/**
 * tether_offload_init() - register with the network stack
 */
void tether_offload_init(void)
{
	offload.type = htons(tether_ethertype);
	dev_add_offload(&offload);
}

/**
 * tether_offload_exit() - the reverse
 *
 * Frames that still wait in a queue cannot be cut any more and are dropped
 * there.
 */
void tether_offload_exit(void)
{
	dev_remove_offload(&offload);
}

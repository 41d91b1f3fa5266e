// SPDX-License-Identifier: GPL-2.0
/* The scripted peer of a connection under test. */
#include "peer.h"

static const u8 peer_mac[6] = { 2, 0, 0, 0, 0, 1 };

void peer_init(struct peer *peer, u64 iss, u64 irs)
{
	peer->cfg = (struct tether_config){
		.rto_init	= 1000 * PEER_MSEC,
		.rto_min	= PEER_RTO,
		.rto_max	= 60 * PEER_SEC,
		.ack_delay	= 5 * PEER_MSEC,
		.tick		= PEER_MSEC,
		.time_wait	= 2 * PEER_SEC,
		.orphan_timeout	= 30 * PEER_SEC,
		.keep_idle	= 60 * PEER_SEC,
		.keep_interval	= 10 * PEER_SEC,
		.keep_probes	= 3,
		.syn_retries	= 3,
		.synack_retries	= 2,
		.retries	= 4,
	};
	peer->now = 7 * PEER_SEC;
	peer->iss = iss;
	peer->irs = irs;
	peer->mss = PEER_MSS;
	peer->window = PEER_WINDOW;
	tether_conn_init(&peer->conn, &peer->cfg);
	peer->conn.sport = 1234;
	peer->conn.dport = 80;
	peer->conn.limit = PEER_LIMIT;
	tether_path_init(&peer->conn.path, 1, peer_mac);
	tether_path_limits(&peer->conn.path, PEER_MSS, PEER_MSS, false);
}

void peer_destroy(struct peer *peer)
{
	tether_conn_destroy(&peer->conn);
}

/* The last frame stays when there is no other. */
bool peer_pull(struct peer *peer)
{
	struct tether_frame frame;

	if (!tether_conn_transmit(&peer->conn, peer->now, &frame))
		return false;
	peer->frame = frame;
	peer->ts = frame.seg.ts;
	return true;
}

/* Frames that were to be sent. */
unsigned int peer_pull_all(struct peer *peer)
{
	unsigned int frames = 0;

	while (frames < 1000 && peer_pull(peer))
		frames++;
	return frames;
}

/* A segment from the peer arrives. */
u32 peer_send(struct peer *peer, u8 flags, u64 seq, u32 len, u64 ack)
{
	struct sk_buff *skb = NULL;

	peer->seg = (struct tether_segment){
		.version	= TETHER_VERSION,
		.type		= TETHER_TYPE_STREAM,
		.flags		= flags,
		.sport		= peer->conn.dport,
		.dport		= peer->conn.sport,
		.seq		= peer->irs + seq,
		.ack		= flags & TETHER_ACK ? peer->iss + ack : 0,
		.window		= peer->window,
		.ts		= (u32)peer->now,
		.ts_echo	= flags & TETHER_ACK ? peer->ts : 0,
		.len		= len,
		.reason		= flags & TETHER_RST ?
				  TETHER_REASON_ABORTED : 0,
	};
	if (flags & TETHER_SYN) {
		peer->seg.mss = peer->mss;
		peer->seg.has_ack_delay = true;
		peer->seg.ack_delay = peer->cfg.ack_delay;
	}
	if (len)
		skb = unit_skb(seq, len, 0);
	peer->did = tether_conn_segment(&peer->conn, &peer->conn.path,
					&peer->seg, skb, peer->now);
	return peer->did;
}

/* The connection's SYN is on its way. */
void peer_connect(struct peer *peer)
{
	peer->did = tether_conn_connect(&peer->conn, peer->iss, peer->now);
	peer_pull_all(peer);
}

/* Both are ESTABLISHED; nothing is due. */
void peer_establish(struct peer *peer)
{
	peer_connect(peer);
	peer->now += PEER_RTT;
	peer_send(peer, FLAGS_SA, 0, 0, 1);
	peer_pull_all(peer);
}

/* The same, opened by the peer, through a half-open connection. */
void peer_accept(struct peer *peer)
{
	struct tether_segment syn = {
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_STREAM,
		.flags = TETHER_SYN,
		.seq = peer->irs,
		.window = peer->window,
		.mss = peer->mss,
		.ts = (u32)peer->now,
	};
	struct tether_half half;

	tether_half_init(&half, &peer->cfg, &syn, peer->iss, PEER_MSS,
			 PEER_WINDOW, peer->now);
	tether_half_frame(&half, peer->now, &peer->frame);
	peer->ts = peer->frame.seg.ts;
	peer->now += PEER_RTT;
	peer->did = tether_conn_accept(&peer->conn, &half, peer->now);
	peer_send(peer, FLAGS_A, 1, 0, 1);
	peer_pull_all(peer);
}

/* The program writes the next bytes. */
u32 peer_write(struct peer *peer, u32 len)
{
	struct sk_buff *skb = unit_skb(1 + peer->written, len, 0);

	peer->written += len;
	peer->did = tether_conn_push(&peer->conn, skb);
	return peer->did;
}

/* The program reads; U32_MAX if the bytes are not what the peer sent. */
u32 peer_read(struct peer *peer, u32 len)
{
	struct tether_recvq *q = &peer->conn.rcvq;
	struct sk_buff *skb;
	u32 done, part, offset;

	len = min(len, tether_recvq_avail(q));
	for (done = 0; done < len; done += part) {
		skb = tether_recvq_find(q, q->read + done, &offset);
		if (!skb)
			return U32_MAX;
		part = min(skb->len - offset, len - done);
		if (!unit_is(skb->data + offset,
			     q->read + done - peer->irs, part))
			return U32_MAX;
	}
	peer->did = tether_conn_read(&peer->conn, len);
	return len;
}

u32 peer_timer(struct peer *peer)
{
	peer->did = tether_conn_timer(&peer->conn, peer->now);
	return peer->did;
}

u32 peer_after(struct peer *peer, u64 delay)
{
	peer->now += delay;
	return peer_timer(peer);
}

/* Is the payload of the last frame what the program wrote? */
bool peer_payload_is(const struct peer *peer)
{
	const struct sk_buff *skb = peer->frame.skb;
	u64 at = peer->frame.seg.seq - peer->iss;
	u32 offset = peer->frame.offset;
	u32 left = peer->frame.seg.len;
	u32 part;

	while (left) {
		if (!skb)
			return false;
		part = min(left, skb->len - offset);
		if (!unit_is(skb->data + offset, at, part))
			return false;
		at += part;
		left -= part;
		offset = 0;
		skb = skb->next;
	}
	return true;
}

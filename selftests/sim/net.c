// SPDX-License-Identifier: GPL-2.0
/* The network: frames as bytes between two hosts, with every fault. */
#include <stdlib.h>
#include <asm/unaligned.h>
#include "sim.h"

#define SIM_FRAME_MIN	46	/* Ethernet pads shorter ones */

static bool sim_packet_before(const struct sim_packet *a,
			      const struct sim_packet *b)
{
	return a->at < b->at || (a->at == b->at && a->serial < b->serial);
}

static void sim_heap_push(struct sim_net *net, struct sim_packet *packet)
{
	unsigned int i = net->len++;

	if (net->len > net->room) {
		net->room = net->room * 2 + 64;
		net->heap = realloc(net->heap,
				    net->room * sizeof(*net->heap));
		BUG_ON(!net->heap);
	}
	while (i && sim_packet_before(packet, net->heap[(i - 1) / 2])) {
		net->heap[i] = net->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	net->heap[i] = packet;
}

static struct sim_packet *sim_heap_pop(struct sim_net *net)
{
	struct sim_packet *first = net->heap[0];
	struct sim_packet *last = net->heap[--net->len];
	unsigned int i = 0;
	unsigned int child;

	while ((child = 2 * i + 1) < net->len) {
		if (child + 1 < net->len &&
		    sim_packet_before(net->heap[child + 1], net->heap[child]))
			child++;
		if (!sim_packet_before(net->heap[child], last))
			break;
		net->heap[i] = net->heap[child];
		i = child;
	}
	net->heap[i] = last;
	return first;
}

/* The faults of one run: most directions have few, some have many. */
static void sim_link_init(struct sim *sim, struct sim_link *link)
{
	if (sim_below(sim, 3))
		link->lose = sim_log(sim, 64, 65536 * 3 / 10);
	if (!sim_below(sim, 3))
		link->duplicate = sim_log(sim, 64, 65536 / 5);
	if (!sim_below(sim, 2))
		link->reorder = sim_log(sim, 64, 65536 / 3);
	if (!sim_below(sim, 3))
		link->flip = sim_log(sim, 64, 65536 / 8);
	link->delay = sim_log(sim, 5, 40 * SIM_MSEC);
	link->late = link->delay * (1 + sim_below(sim, 8));
	if (!sim_below(sim, 2)) {
		link->rate = sim_log(sim, 1000, 1250000);
		link->queue = sim_log(sim, 20000, 400000);
		if (!sim_below(sim, 4))
			link->notify = sim_log(sim, 64, 4096);
	}
}

void sim_net_init(struct sim *sim)
{
	struct sim_net *net = &sim->net;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		sim_link_init(sim, &net->link[i]);
		if (sim_below(sim, 6))
			continue;
		net->dark_from[i] = sim_log(sim, SIM_MSEC, 4 * SIM_SEC);
		net->dark_to[i] = net->dark_from[i] +
				  sim_log(sim, SIM_MSEC, 8 * SIM_SEC);
	}
	sim->clean = !sim_below(sim, 16);
	if (sim->clean)
		for (i = 0; i < 2; i++)
			net->link[i] = (struct sim_link){
				.delay = net->link[i].delay,
			};
	if (sim->clean)
		memset(net->dark_to, 0, sizeof(net->dark_to));
	/* A short queue at both ends would only make a third kind of loss. */
	if (sim_below(sim, 2)) {
		net->link[0].queue = 0;
		net->link[1].queue = 0;
	}
}

static bool sim_net_dark(const struct sim *sim)
{
	const struct sim_net *net = &sim->net;
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (sim->now >= net->dark_from[i] && sim->now < net->dark_to[i])
			return true;
	return false;
}

/* One bit of what the sum covers: flipped padding is harmless. */
static void sim_packet_flip(struct sim *sim, struct sim_packet *packet,
			    u32 len)
{
	u32 bit = sim_below(sim, len * 8);

	packet->data[bit / 8] ^= 1 << (bit % 8);
	packet->flipped = true;
	sim_count(sim, SIM_EV_FLIPPED);
	sim_trace(sim, "%u    flip bit %u", !packet->to, bit);
}

static u64 sim_link_arrival(struct sim *sim, struct sim_link *link, u32 len)
{
	u64 at;

	if (link->rate) {
		link->free_at = max(link->free_at, sim->now) +
				(u64)len * 1000 / link->rate;
		at = link->free_at + link->delay;
	} else {
		at = sim->now + link->delay;
	}
	if (sim_chance(sim, link->reorder))
		at += sim_below(sim, link->late + 1);
	return at;
}

static void sim_net_queue(struct sim *sim, const struct sim_packet *model,
			  u32 sum_len, u64 at)
{
	struct sim_link *link = &sim->net.link[model->to];
	struct sim_packet *packet;

	packet = malloc(sizeof(*packet) + model->len);
	BUG_ON(!packet);
	memcpy(packet, model, sizeof(*packet) + model->len);
	if (at < link->last_at)
		sim_count(sim, SIM_EV_REORDERED);
	link->last_at = max(link->last_at, at);
	packet->at = at;
	packet->serial = sim->net.serial++;
	if (sim_chance(sim, link->flip))
		sim_packet_flip(sim, packet, sum_len);
	sim_heap_push(&sim->net, packet);
}

/* A frame as the device would send it: one segment, or a super-frame. */
static void sim_net_segment(struct sim *sim, u8 from,
			    const struct tether_segment *seg, const u8 *payload)
{
	static struct {
		struct sim_packet packet;
		u8 room[TETHER_MAX_HEADER + 65536];
	} buf;
	struct sim_packet *packet = &buf.packet;
	struct sim_link *link = &sim->net.link[!from];
	u32 len, sum;
	u64 at;

	len = tether_wire_build(packet->data, seg);
	memcpy(packet->data + len, payload, seg->len);
	len += seg->len;
	sum = tether_wire_sum(packet->data + TETHER_CSUM_START,
			      len - TETHER_CSUM_START, 0);
	put_unaligned_be16(~tether_wire_fold(sum), packet->data +
			   TETHER_CSUM_START + TETHER_CSUM_OFFSET);
	packet->to = !from;
	packet->flipped = false;
	packet->len = len;
	while (packet->len < SIM_FRAME_MIN)
		packet->data[packet->len++] = sim_random(sim);

	at = sim_link_arrival(sim, link, packet->len);
	if (sim_net_dark(sim) || sim_chance(sim, link->lose)) {
		sim_count(sim, SIM_EV_LOST);
		sim_trace(sim, "%u    lost", from);
		return;
	}
	sim_net_queue(sim, packet, len, at);
	if (sim_chance(sim, link->duplicate)) {
		sim_count(sim, SIM_EV_DUPLICATED);
		sim_net_queue(sim, packet, len,
			      at + sim_below(sim, link->late + 1));
	}
}

/* The payload of a frame may run over several buffers of the send queue. */
static void sim_frame_copy(const struct tether_frame *frame, u8 *to)
{
	const struct sk_buff *skb = frame->skb;
	u32 offset = frame->offset;
	u32 left = frame->seg.len;
	u32 len;

	while (left) {
		len = min(left, skb->len - offset);
		memcpy(to, skb->data + offset, len);
		to += len;
		left -= len;
		offset = 0;
		skb = skb->next;
	}
}

/*
 * Send a frame; false is NET_XMIT_DROP. A device that does not take a
 * super-frame gets segments, which are lost one by one, as offload.c makes
 * them: SYN belongs to the first, FIN and PSH to the last.
 */
bool sim_net_send(struct sim *sim, u8 from, const struct tether_frame *frame)
{
	static u8 payload[65536];
	const struct sim_host *host = &sim->host[from];
	struct sim_link *link = &sim->net.link[!from];
	struct tether_segment seg = frame->seg;
	u32 mss = host->conn.path.mss;
	u32 left = frame->seg.len;
	u32 done = 0;

	if (link->queue && link->free_at > sim->now &&
	    (link->free_at - sim->now) * link->rate / 1000 > link->queue)
		return false;
	sim_frame_copy(frame, payload);
	if (left > mss)
		sim_count(sim, host->split ? SIM_EV_SPLIT : SIM_EV_SUPER);
	if (!host->split || left <= mss) {
		sim_net_segment(sim, from, &seg, payload);
		return !sim_chance(sim, link->notify);
	}
	while (left) {
		seg.seq = frame->seg.seq + done;
		seg.len = min(left, mss);
		left -= seg.len;
		seg.flags = frame->seg.flags;
		if (done)
			seg.flags &= ~TETHER_SYN;
		if (left)
			seg.flags &= ~(TETHER_FIN | TETHER_PSH);
		sim_net_segment(sim, from, &seg, payload + done);
		done += seg.len;
	}
	return !sim_chance(sim, link->notify);
}

/* Bytes that the device has not sent yet. */
u64 sim_net_backlog(const struct sim *sim, u8 from)
{
	const struct sim_link *link = &sim->net.link[!from];

	if (!link->rate || link->free_at <= sim->now)
		return 0;
	return (link->free_at - sim->now) * link->rate / 1000;
}

u64 sim_net_next(const struct sim *sim)
{
	return sim->net.len ? sim->net.heap[0]->at : SIM_NEVER;
}

void sim_net_deliver(struct sim *sim)
{
	struct sim_packet *packet = sim_heap_pop(&sim->net);

	sim_host_receive(sim, &sim->host[packet->to], packet);
	free(packet);
}

void sim_net_destroy(struct sim *sim)
{
	while (sim->net.len)
		free(sim_heap_pop(&sim->net));
	free(sim->net.heap);
}

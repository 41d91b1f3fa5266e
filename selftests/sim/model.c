// SPDX-License-Identifier: GPL-2.0
/*
 * The model: what must hold whatever the network does.
 *
 * It knows the bytes that each program writes, so that what is read can be
 * compared; it recounts the queues, follows the window on the wire, and
 * decides whether a connection had a reason to die.
 */
#include "sim.h"

/* The stream of a host repeats itself after a prime number of bytes. */
#define SIM_PATTERN	65521

static u8 sim_pattern[SIM_PATTERN + 65536];

static const u8 *sim_pattern_at(u8 host, u64 pos)
{
	static bool ready;

	if (!ready) {
		struct sim sim = { .rng = 1 };
		u32 i;

		for (i = 0; i < SIM_PATTERN; i++)
			sim_pattern[i] = sim_random(&sim);
		for (; i < sizeof(sim_pattern); i++)
			sim_pattern[i] = sim_pattern[i - SIM_PATTERN];
		ready = true;
	}
	return &sim_pattern[(pos + host * 30011) % SIM_PATTERN];
}

void sim_pattern_fill(u8 *to, u8 host, u64 pos, u32 len)
{
	memcpy(to, sim_pattern_at(host, pos), len);
}

/* Bytes reach the program: exactly the next ones that the peer wrote. */
void sim_model_read(struct sim *sim, struct sim_host *host, const u8 *data,
		    u32 len)
{
	struct sim_host *peer = sim_peer(sim, host);
	struct sim_app *app = &host->app;

	if (app->read + len > peer->app.written)
		sim_fail(sim, "host %u read %llu bytes, %llu were written",
			 host->id, app->read + len, peer->app.written);
	else if (memcmp(data, sim_pattern_at(peer->id, app->read), len))
		sim_fail(sim, "host %u: wrong bytes at %llu", host->id,
			 app->read);
	app->read += len;
	sim->bytes += len;
	if (app->shut && !app->half_read) {
		app->half_read = true;
		sim_count(sim, SIM_EV_HALF_CLOSE);
	}
}

void sim_model_eof(struct sim *sim, struct sim_host *host)
{
	struct sim_app *peer = &sim_peer(sim, host)->app;

	sim_trace(sim, "%u end of file", host->id);
	if (host->app.read != peer->written)
		sim_fail(sim, "host %u: end after %llu of %llu bytes",
			 host->id, host->app.read, peer->written);
	if (!peer->shut && !peer->closed)
		sim_fail(sim, "host %u: end, but the peer has not", host->id);
}

/* What a sound frame promises to us. */
void sim_model_heard(struct sim_host *host, const struct tether_segment *seg)
{
	u64 edge = seg->ack + seg->window;

	if (!(seg->flags & TETHER_ACK) || seg->flags & TETHER_RST)
		return;
	if (!host->peer_edge || tether_after(edge, host->peer_edge))
		host->peer_edge = edge;
}

/*
 * A frame leaves: inside the peer's window, and our own never shrinks, unless
 * it is said to be closed because there is no memory for what was promised.
 */
void sim_model_sent(struct sim *sim, struct sim_host *host,
		    const struct tether_segment *seg)
{
	u64 edge = seg->ack + seg->window;

	if (seg->len && tether_after(seg->seq + seg->len, host->peer_edge))
		sim_fail(sim, "host %u sends past the peer's window", host->id);
	if (seg->len > host->frame_max)
		sim_fail(sim, "host %u sends %u bytes in a frame", host->id,
			 seg->len);
	if (!seg->len && seg->flags & TETHER_PSH)
		sim_fail(sim, "host %u pushes nothing", host->id);
	if (!(seg->flags & TETHER_ACK) || seg->flags & TETHER_RST)
		return;
	if (seg->window > host->rcvbuf)
		sim_fail(sim, "host %u advertises %u, the limit is %u",
			 host->id, seg->window, host->rcvbuf);
	if (host->edge_sent && tether_before(edge, host->edge_sent) &&
	    !(host->conn.starved && !seg->window))
		sim_fail(sim, "host %u shrinks its window", host->id);
	host->edge_sent = edge;
}

static u32 sim_recount(const struct sk_buff_head *list, u64 *bytes)
{
	const struct sk_buff *skb;
	u32 truesize = 0;

	skb_queue_walk(list, skb) {
		truesize += skb->truesize;
		*bytes += skb->len;
	}
	return truesize;
}

static void sim_model_recount(struct sim *sim, struct sim_host *host)
{
	const struct tether_conn *conn = &host->conn;
	u64 send = 0, recv = 0;
	u32 truesize;

	if (sim_recount(&conn->sndq.skbs, &send) != conn->sndq.truesize)
		sim_fail(sim, "host %u: send queue is miscounted", host->id);
	if (conn->sndq.start + send != conn->sndq.end)
		sim_fail(sim, "host %u: send queue has %llu bytes", host->id,
			 send);
	truesize = sim_recount(&conn->rcvq.ready, &recv) +
		   sim_recount(&conn->rcvq.ooo, &recv);
	if (truesize != conn->rcvq.truesize)
		sim_fail(sim, "host %u: receive queue is miscounted",
			 host->id);
}

/* After every call to the core. */
void sim_model_check(struct sim *sim, struct sim_host *host)
{
	const struct sim_host *peer = sim_peer(sim, host);
	const struct tether_conn *conn = &host->conn;
	u64 edge = conn->edge;

	if (tether_after(conn->una, conn->nxt))
		sim_fail(sim, "host %u: una is behind nxt", host->id);
	if (conn->state == TETHER_CLOSED || conn->state == TETHER_SYN_SENT)
		return;
	if (tether_after(conn->nxt, conn->sndq.end + conn->fin_sent))
		sim_fail(sim, "host %u: nxt is past the end", host->id);
	if (tether_after(conn->sndq.start, conn->una) &&
	    conn->una != conn->iss)
		sim_fail(sim, "host %u: freed what is not acknowledged",
			 host->id);
	if (conn->rcvq.nxt - conn->rcvq.read > conn->rcvq.truesize)
		sim_fail(sim, "host %u: %llu readable, only %u queued", host->id,
			 conn->rcvq.nxt - conn->rcvq.read,
			 conn->rcvq.truesize);
	if (host->edge && tether_before(edge, host->edge))
		sim_fail(sim, "host %u: edge goes back", host->id);
	host->edge = edge;
	if (conn->rcvq.truesize > host->rcvbuf + peer->frame_max +
				  4 * SHIM_SKB_OVERHEAD + 4096)
		sim_fail(sim, "host %u holds %u, the limit is %u", host->id,
			 conn->rcvq.truesize, host->rcvbuf);
	if (!(host->checks++ & 7))
		sim_model_recount(sim, host);
}

void sim_model_timer(struct sim *sim, struct sim_host *host)
{
	u64 deadline = tether_conn_deadline(&host->conn);

	if (host->attached && deadline && deadline <= sim->now)
		sim_fail(sim, "host %u: deadline has passed", host->id);
}

static bool sim_timeout_is_due(const struct sim *sim,
			       const struct sim_host *host)
{
	const struct tether_config *cfg = &host->cfg;
	u64 least = min_t(u64, cfg->retries * cfg->rto_min,
			  cfg->keep_probes * cfg->keep_interval);

	if (host->closed_at != SIM_NEVER &&
	    sim->now - host->closed_at >= cfg->orphan_timeout)
		return true;
	return sim->now - host->heard_at >= least;
}

/* A connection may end early only if there is somebody to blame. */
void sim_model_died(struct sim *sim, struct sim_host *host)
{
	struct sim_host *peer = sim_peer(sim, host);
	const struct sim_app *apps[] = { &host->app, &peer->app };
	bool closed = apps[0]->closed || apps[1]->closed;
	bool fair = false;

	sim_trace(sim, "%u died: %s, errno %u", host->id,
		  tether_reason_name(host->died), host->conn.err);
	switch (host->died) {
	case TETHER_REASON_ABORTED:
		sim_count(sim, SIM_EV_ABORTED);
		fair = closed && (apps[0]->ending == SIM_END_ABORT ||
				  apps[1]->ending == SIM_END_ABORT);
		break;
	case TETHER_REASON_UNREAD:
		sim_count(sim, SIM_EV_UNREAD);
		fair = closed;
		break;
	case TETHER_REASON_CLOSED:
		sim_count(sim, SIM_EV_CLOSED);
		fair = closed;
		break;
	case TETHER_REASON_TIMEOUT:
		fair = host->timed_out ? sim_timeout_is_due(sim, host) :
					 peer->timed_out;
		break;
	case TETHER_REASON_NO_CONNECTION:
		/* Or crossed an old SYN (RFC 9293 section 3.10.7.4). */
		fair = !peer->attached || peer->half_gone ||
		       (sim->simultaneous && host->conn.irs != peer->conn.iss);
		break;
	case TETHER_REASON_NO_LISTENER:
		fair = sim->simultaneous && !peer->attached;
		break;
	}
	if (!fair)
		sim_fail(sim, "host %u died without a reason: %s", host->id,
			 tether_reason_name(host->died));
}

/* Both are done: all that was written has been read, or somebody died. */
void sim_model_end(struct sim *sim)
{
	struct sim_host *host;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		host = &sim->host[i];
		if (sim->host[0].died || sim->host[1].died)
			break;
		if (!host->opened || !host->app.eof)
			continue;
		if (host->app.read != sim_peer(sim, host)->app.written)
			sim_fail(sim, "host %u read %llu of %llu bytes", i,
				 host->app.read,
				 sim_peer(sim, host)->app.written);
	}
}

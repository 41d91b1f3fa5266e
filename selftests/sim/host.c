// SPDX-License-Identifier: GPL-2.0
/*
 * The host: the least shell that the core needs, in the order of tether.ko.
 *
 * A host has at most one half-open connection, one connection and one
 * TIME_WAIT, which is all that one pair of ports can have at a time.
 */
#include "sim.h"

/* As tether.ko: a secret start and the clock in nanoseconds, times 64. */
static u64 sim_host_iss(struct sim *sim, const struct sim_host *host)
{
	return sim->iss_base[host->id] + (sim->now * 1000 << 6);
}

void sim_host_init(struct sim *sim, u8 id)
{
	struct sim_host *host = &sim->host[id];
	struct tether_config *cfg = &host->cfg;

	memset(host, 0, sizeof(*host));
	host->id = id;
	host->port = 1000 + id;
	host->armed = 0;
	host->timer_at = SIM_NEVER;
	host->resume_at = SIM_NEVER;

	cfg->rto_init = sim_log(sim, 100 * SIM_MSEC, SIM_SEC);
	cfg->rto_min = sim_log(sim, 5 * SIM_MSEC, 40 * SIM_MSEC);
	cfg->rto_max = sim_log(sim, 2 * SIM_SEC, 60 * SIM_SEC);
	cfg->ack_delay = sim_log(sim, 500, 10 * SIM_MSEC);
	cfg->tick = sim_below(sim, 2) ? SIM_MSEC : 4 * SIM_MSEC;
	cfg->time_wait = 2 * SIM_SEC;
	cfg->orphan_timeout = 120 * SIM_SEC;
	cfg->keep_idle = sim_log(sim, 100 * SIM_MSEC, 60 * SIM_SEC);
	cfg->keep_interval = sim_log(sim, 50 * SIM_MSEC, 10 * SIM_SEC);
	cfg->keep_probes = 9;
	cfg->syn_retries = 6;
	cfg->synack_retries = 5;
	cfg->retries = 15;

	host->mss = sim_below(sim, 4) ? 1460 : sim_log(sim, 576, 8946);
	host->frame_max = sim_below(sim, 2) ? host->mss :
			  sim_log(sim, host->mss, TETHER_MAX_PAYLOAD);
	host->split = host->frame_max > host->mss && sim_below(sim, 2);
	host->sndbuf = sim_log(sim, 4608, 1 << 20);
	host->rcvbuf = sim_log(sim, 2304, 1 << 20);
}

/* A connection that the program, or an accept for it, is about to open. */
static void sim_host_setup(struct sim *sim, struct sim_host *host)
{
	struct tether_conn *conn = &host->conn;
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 1 };

	tether_conn_init(conn, &host->cfg);
	conn->sport = host->port;
	conn->dport = sim_peer(sim, host)->port;
	conn->limit = host->rcvbuf;
	tether_path_init(&conn->path, 1, mac);
	tether_path_limits(&conn->path, host->mss, host->frame_max,
			   host->split);
	host->has_conn = true;
	host->attached = true;
	host->opened = false;
	host->died = TETHER_REASON_NONE;
	host->timed_out = false;
	host->edge = 0;
	host->edge_sent = 0;
	host->peer_edge = 0;
	host->heard_at = sim->now;
	host->closed_at = SIM_NEVER;
}

void sim_host_connect(struct sim *sim, struct sim_host *host)
{
	sim_host_setup(sim, host);
	sim_trace(sim, "%u connect", host->id);
	sim_host_did(sim, host,
		     tether_conn_connect(&host->conn, sim_host_iss(sim, host),
					 sim->now));
	sim_host_flush(sim, host);
}

static const char *sim_flags(const struct tether_segment *seg, char *buf)
{
	static const char names[] = "SAFRPMp";
	unsigned int i, n = 0;

	for (i = 0; i < sizeof(names) - 1; i++)
		if (seg->flags & 1 << i)
			buf[n++] = names[i];
	buf[n] = 0;
	return buf;
}

static void sim_trace_segment(struct sim *sim, const struct sim_host *host,
			      const char *what,
			      const struct tether_segment *seg)
{
	char flags[8];

	sim_trace(sim, "%u %s %s seq %llx len %u ack %llx win %u%s%s",
		  host->id, what, sim_flags(seg, flags), seg->seq, seg->len,
		  seg->ack, seg->window, seg->flags & TETHER_RST ? " " : "",
		  seg->flags & TETHER_RST ? tether_reason_name(seg->reason) :
		  "");
}

static void sim_host_reset(struct sim *sim, struct sim_host *host,
			   const struct tether_segment *seg,
			   enum tether_reason reason)
{
	struct tether_frame frame = { .skb = NULL };

	if (!tether_wire_reset(&frame.seg, seg, reason))
		return;
	sim_trace_segment(sim, host, "out", &frame.seg);
	sim_net_send(sim, host->id, &frame);
}

static void sim_host_send_half(struct sim *sim, struct sim_host *host)
{
	struct tether_frame frame = { .skb = NULL };

	tether_half_frame(&host->half, sim->now, &frame);
	sim_trace_segment(sim, host, "out half", &frame.seg);
	sim_net_send(sim, host->id, &frame);
}

/* The connection leaves the network; the program may still read. */
static void sim_host_detach(struct sim *sim, struct sim_host *host)
{
	host->attached = false;
	host->armed = 0;
	host->timer_at = SIM_NEVER;
	host->resume_at = SIM_NEVER;
	if (host->conn.reason) {
		host->died = host->conn.reason;
		sim_model_died(sim, host);
	}
}

/* Act on what a call to the core did, and count it. */
void sim_host_did(struct sim *sim, struct sim_host *host, u32 did)
{
	static const struct {
		u32 did;
		enum sim_event event;
	} counted[] = {
		{ TETHER_DID_RTO, SIM_EV_RTO },
		{ TETHER_DID_FAST_RTX, SIM_EV_FAST_RTX },
		{ TETHER_DID_PROBE, SIM_EV_PROBE },
		{ TETHER_DID_ZERO_WINDOW, SIM_EV_ZERO_WINDOW },
		{ TETHER_DID_UPDATE, SIM_EV_UPDATE },
		{ TETHER_DID_DELAYED_ACK, SIM_EV_DELAYED_ACK },
		{ TETHER_DID_KEEPALIVE, SIM_EV_KEEPALIVE },
		{ TETHER_DID_SYN_RTX, SIM_EV_SYN_RTX },
		{ TETHER_DID_OOO, SIM_EV_OOO },
		{ TETHER_DID_OLD, SIM_EV_OLD },
		{ TETHER_DID_FULL, SIM_EV_FULL },
		{ TETHER_DID_TIMEOUT, SIM_EV_TIMEOUT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counted); i++)
		if (did & counted[i].did)
			sim_count(sim, counted[i].event);
	if (unlikely(sim_verbose))
		for (i = 0; i < TETHER_DID_MAX; i++)
			if (did & 1U << i)
				sim_trace(sim, "%u   did %s", host->id,
					  tether_did_name(i));
	if (did & TETHER_DID_CONNECT)
		host->opened = true;
	if (did & TETHER_DID_TIMEOUT)
		host->timed_out = true;
	if (did & TETHER_DID_SIMULTANEOUS)
		sim_count(sim, host->conn.state == TETHER_SYN_RECEIVED ?
			  SIM_EV_SIM_OPEN : SIM_EV_SIM_CLOSE);
	if (did)
		sim_app_wake(sim, host);
}

/*
 * After every call: send what is due, set the timer, follow the state. The
 * order of the last two is that of tether.ko: the frames go out first.
 */
void sim_host_flush(struct sim *sim, struct sim_host *host)
{
	struct tether_conn *conn = &host->conn;
	struct tether_frame frame;
	unsigned int frames = 0;
	u64 deadline;

	if (!host->attached)
		return;
	host->resume_at = SIM_NEVER;
	for (;;) {
		if (sim_net_backlog(sim, host->id) > 2 * host->frame_max) {
			host->resume_at = sim->now + SIM_MSEC;
			break;
		}
		if (!tether_conn_transmit(conn, sim->now, &frame))
			break;
		if (frames++ > 20000) {
			sim_fail(sim, "transmit does not end");
			break;
		}
		sim_trace_segment(sim, host,
				  frame.retransmit ? "out again" : "out",
				  &frame.seg);
		sim_model_sent(sim, host, &frame.seg);
		if (!sim_net_send(sim, host->id, &frame)) {
			sim_trace(sim, "%u    refused by the device", host->id);
			sim_count(sim, SIM_EV_CONGESTED);
			sim_host_did(sim, host,
				     tether_conn_congested(conn, &frame));
			break;
		}
	}
	sim_model_check(sim, host);
	if (conn->state == TETHER_TIME_WAIT) {
		sim_count(sim, SIM_EV_TIME_WAIT);
		tether_wait_init(&host->wait, conn, sim->now);
		host->has_wait = true;
		sim_host_detach(sim, host);
		return;
	}
	if (conn->state == TETHER_CLOSED) {
		sim_host_detach(sim, host);
		return;
	}
	deadline = tether_conn_deadline(conn);
	if (deadline == host->armed)
		return;
	host->armed = deadline;
	host->timer_at = deadline ? deadline + sim_below(sim, host->cfg.tick) :
			 SIM_NEVER;
}

/* The completed queue has room: the half-open connection becomes a full one. */
static void sim_host_accept(struct sim *sim, struct sim_host *host)
{
	sim_host_setup(sim, host);
	host->has_half = false;
	sim_trace(sim, "%u accept", host->id);
	sim_host_did(sim, host,
		     tether_conn_accept(&host->conn, &host->half, sim->now));
	host->peer_edge = host->half.iss + 1 + host->half.window;
	host->opened = true;
	sim_app_init(sim, host);
}

static void sim_host_to_conn(struct sim *sim, struct sim_host *host,
			     struct tether_segment *seg, const u8 *payload)
{
	struct sk_buff *skb = NULL;
	u32 room;

	if (seg->len) {
		room = sim_below(sim, 4) ? 0 : sim_below(sim, 2048);
		skb = alloc_skb(seg->len + room, GFP_ATOMIC);
		skb_put_data(skb, payload, seg->len);
	}
	sim_host_did(sim, host,
		     tether_conn_segment(&host->conn, &host->conn.path, seg,
					 skb, sim->now));
	if (seg->drop)
		sim_trace(sim, "%u   drop %s", host->id,
			  tether_drop_name(seg->drop));
	sim_host_flush(sim, host);
}

/* True if the segment is to be handed to the connection as well. */
static bool sim_host_to_half(struct sim *sim, struct sim_host *host,
			     struct tether_segment *seg)
{
	switch (tether_half_segment(&host->half, seg, sim->now)) {
	case TETHER_HALF_KEEP:
		return false;
	case TETHER_HALF_REPLY:
		sim_host_send_half(sim, host);
		return false;
	case TETHER_HALF_OPEN:
		/* Now and then the completed queue is full. */
		if (!sim_below(sim, 16)) {
			sim->accept_full = true;
			return false;
		}
		sim_host_accept(sim, host);
		return true;
	case TETHER_HALF_RESET:
		sim_host_reset(sim, host, seg, TETHER_REASON_NO_CONNECTION);
		return false;
	case TETHER_HALF_GONE:
		host->has_half = false;
		host->half_gone = true;
		return false;
	}
	return false;
}

static void sim_host_to_listener(struct sim *sim, struct sim_host *host,
				 struct tether_segment *seg)
{
	switch (tether_listen_segment(seg)) {
	case TETHER_LISTEN_DROP:
		return;
	case TETHER_LISTEN_RESET:
		sim_host_reset(sim, host, seg, TETHER_REASON_NO_CONNECTION);
		return;
	case TETHER_LISTEN_SYN:
		/* The program still has the connection of the round before. */
		if (host->has_conn)
			return;
		tether_half_init(&host->half, &host->cfg, seg,
				 sim_host_iss(sim, host), host->mss,
				 host->rcvbuf / 2, sim->now);
		host->has_half = true;
		sim_host_send_half(sim, host);
		return;
	}
}

/* True if the segment opens a new connection in place of the old one. */
static bool sim_host_to_wait(struct sim *sim, struct sim_host *host,
			     struct tether_segment *seg)
{
	struct tether_frame frame = { .skb = NULL };

	switch (tether_wait_segment(&host->wait, seg, sim->now)) {
	case TETHER_WAIT_DROP:
		return false;
	case TETHER_WAIT_REPLY:
		tether_wait_frame(&host->wait, sim->now, &frame);
		sim_trace_segment(sim, host, "out wait", &frame.seg);
		sim_net_send(sim, host->id, &frame);
		return false;
	case TETHER_WAIT_REOPEN:
		sim_count(sim, SIM_EV_REOPEN);
		host->has_wait = false;
		return true;
	case TETHER_WAIT_GONE:
		host->has_wait = false;
		return false;
	}
	return false;
}

void sim_host_receive(struct sim *sim, struct sim_host *host,
		      const struct sim_packet *packet)
{
	struct tether_segment seg;
	enum tether_drop drop;
	u16 sum;

	drop = tether_wire_parse(&seg, packet->data, packet->len);
	if (!drop || drop == TETHER_DROP_MANDATORY) {
		sum = tether_wire_fold(tether_wire_sum(packet->data,
						       seg.header_len +
						       seg.len, 0));
		if (sum != 0xffff)
			drop = TETHER_DROP_CHECKSUM;
	}
	if (drop || packet->flipped) {
		if (!drop)
			sim_fail(sim, "a flipped bit was not seen");
		if (!packet->flipped)
			sim_fail(sim, "a sound frame was dropped: %s",
				 tether_drop_name(drop));
		return;
	}
	sim_trace_segment(sim, host, "in", &seg);
	if (seg.dport != host->port)
		return;
	if (host->attached && seg.sport == host->conn.dport) {
		sim_model_heard(host, &seg);
		host->heard_at = sim->now;
		sim_host_to_conn(sim, host, &seg,
				 packet->data + seg.header_len);
		return;
	}
	if (host->has_wait && seg.sport == host->wait.dport &&
	    !sim_host_to_wait(sim, host, &seg))
		return;
	if (host->has_half && seg.sport == host->half.dport) {
		if (sim_host_to_half(sim, host, &seg))
			sim_host_to_conn(sim, host, &seg,
					 packet->data + seg.header_len);
		return;
	}
	if (host->listening)
		sim_host_to_listener(sim, host, &seg);
	else
		sim_host_reset(sim, host, &seg, seg.flags & TETHER_ACK ?
			       TETHER_REASON_NO_CONNECTION :
			       TETHER_REASON_NO_LISTENER);
}

static void sim_host_half_timer(struct sim *sim, struct sim_host *host)
{
	switch (tether_half_timer(&host->half, sim->now)) {
	case TETHER_HALF_REPLY:
		sim_host_send_half(sim, host);
		break;
	case TETHER_HALF_GONE:
		sim_trace(sim, "%u half-open gone", host->id);
		host->has_half = false;
		host->half_gone = true;
		break;
	default:
		break;
	}
}

void sim_host_timer(struct sim *sim, struct sim_host *host)
{
	if (host->attached && host->timer_at <= sim->now) {
		sim_host_did(sim, host,
			     tether_conn_timer(&host->conn, sim->now));
		sim_host_flush(sim, host);
		sim_model_timer(sim, host);
	}
	if (host->attached && host->resume_at <= sim->now)
		sim_host_flush(sim, host);
	if (host->has_half && host->half.deadline <= sim->now)
		sim_host_half_timer(sim, host);
	if (host->has_wait && host->wait.deadline <= sim->now &&
	    tether_wait_timer(&host->wait, sim->now) == TETHER_WAIT_GONE)
		host->has_wait = false;
}

/* When sim_host_timer() has something to do. */
u64 sim_host_next(const struct sim_host *host)
{
	u64 next = SIM_NEVER;

	if (host->attached)
		next = min(host->timer_at, host->resume_at);
	if (host->has_half)
		next = min(next, host->half.deadline);
	if (host->has_wait)
		next = min(next, host->wait.deadline);
	return next;
}

bool sim_host_idle(const struct sim_host *host)
{
	return !host->attached && !host->has_conn && !host->has_half;
}

void sim_host_destroy(struct sim_host *host)
{
	if (host->has_conn)
		tether_conn_destroy(&host->conn);
	host->has_conn = false;
	host->attached = false;
}

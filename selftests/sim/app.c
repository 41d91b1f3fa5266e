// SPDX-License-Identifier: GPL-2.0
/* The program on each host: writes, reads and ends as its plan says. */
#include "sim.h"

#define SIM_APP_LOOPS	64

void sim_app_init(struct sim *sim, struct sim_host *host)
{
	struct sim_app *app = &host->app;

	app->next = sim->now;
	app->write_at = sim->now;
	app->read_at = sim->now;
	app->end_at += sim->now;
	host->conn.nodelay = !sim_below(sim, 3);
	if (!sim_below(sim, 4))
		tether_conn_keepalive(&host->conn, true, sim->now);
}

/* What the program will do with its next connection. */
void sim_app_plan(struct sim *sim, struct sim_host *host)
{
	static const u8 endings[] = {
		SIM_END_SHUTDOWN, SIM_END_SHUTDOWN, SIM_END_SHUTDOWN,
		SIM_END_SHUTDOWN, SIM_END_SHUTDOWN, SIM_END_ON_EOF,
		SIM_END_ON_EOF, SIM_END_CLOSE, SIM_END_CLOSE,
		SIM_END_ABORT, SIM_END_UNREAD,
	};
	struct sim_app *app = &host->app;

	memset(app, 0, sizeof(*app));
	app->ending = endings[sim_below(sim, ARRAY_SIZE(endings))];
	app->total = sim_below(sim, 3) ? sim_log(sim, 1, 512 << 10) : 0;
	app->write_max = sim_log(sim, app->total / 400 + 1, 64 << 10);
	app->read_max = sim_log(sim, 200, 64 << 10);
	if (!sim_below(sim, 3))
		app->write_pause = sim_log(sim, 64, 16384);
	if (!sim_below(sim, 3))
		app->read_pause = sim_log(sim, 64, 16384);
	app->pause = sim_log(sim, 100, 100 * SIM_MSEC);
	app->stall_at = sim_below(sim, 5) ? SIM_NEVER :
			sim_below(sim, 64 << 10);
	app->stall = sim_log(sim, 10 * SIM_MSEC, 90 * SIM_SEC);
	app->end_at = sim_log(sim, 10, 4 * SIM_SEC);
	app->next = SIM_NEVER;
}

/* Something has happened: the program runs soon, like a woken process. */
void sim_app_wake(struct sim *sim, struct sim_host *host)
{
	if (host->has_conn)
		host->app.next = min(host->app.next,
				     sim->now + sim_below(sim, 40));
}

static bool sim_app_pauses(struct sim *sim, const struct sim_app *app,
			   u32 chance, u64 *until)
{
	if (!sim_chance(sim, chance))
		return false;
	*until = sim->now + sim_below(sim, app->pause) + 1;
	return true;
}

/* Read once; false if there is nothing to read now. */
static bool sim_app_read(struct sim *sim, struct sim_host *host)
{
	struct tether_conn *conn = &host->conn;
	struct sim_app *app = &host->app;
	u32 want, len, offset;
	struct sk_buff *skb;
	u32 done = 0;

	if (app->closed || app->read_at > sim->now)
		return false;
	if (app->read >= app->stall_at) {
		app->stall_at = SIM_NEVER;
		app->read_at = sim->now + app->stall;
		return false;
	}
	want = min_t(u32, 1 + sim_below(sim, app->read_max),
		     tether_recvq_avail(&conn->rcvq));
	while (done < want) {
		skb = tether_recvq_find(&conn->rcvq, conn->rcvq.read + done,
					&offset);
		if (!skb) {
			sim_fail(sim, "a readable byte is missing");
			return false;
		}
		len = min(want - done, skb->len - offset);
		sim_model_read(sim, host, skb->data + offset, len);
		done += len;
	}
	if (!want) {
		if (conn->fin_rcvd && !app->eof)
			sim_model_eof(sim, host);
		app->eof |= conn->fin_rcvd;
		return false;
	}
	sim_host_did(sim, host, tether_conn_read(conn, want));
	sim_host_flush(sim, host);
	return !sim_app_pauses(sim, app, app->read_pause, &app->read_at);
}

/* Append to the last buffer if there is room, or push a new one. */
static u32 sim_app_push(struct sim *sim, struct sim_host *host, u32 len)
{
	struct tether_conn *conn = &host->conn;
	struct sk_buff *skb = tether_sendq_tail(&conn->sndq);
	u64 pos = host->app.written;

	if (skb && skb_tailroom(skb) && !skb_cloned(skb)) {
		len = min_t(u32, len, skb_tailroom(skb));
		sim_pattern_fill(skb_put(skb, len), host->id, pos, len);
		tether_sendq_grow(&conn->sndq, len, 0);
		return len;
	}
	len = min(len, 32768U);
	skb = alloc_skb(sim_below(sim, 2) ? len : round_up(len, 4096U),
			GFP_KERNEL);
	sim_pattern_fill(skb_put(skb, len), host->id, pos, len);
	sim_host_did(sim, host, tether_conn_push(conn, skb));
	return len;
}

/* Write once; false if there is nothing to write, or no room. */
static bool sim_app_write(struct sim *sim, struct sim_host *host)
{
	struct tether_conn *conn = &host->conn;
	struct sim_app *app = &host->app;
	u32 len;

	if (app->shut || app->closed || app->written == app->total ||
	    app->write_at > sim->now)
		return false;
	if (conn->state != TETHER_ESTABLISHED &&
	    conn->state != TETHER_CLOSE_WAIT)
		return false;
	if (tether_conn_truesize_send(conn) >= host->sndbuf)
		return false;
	len = min(1 + sim_below(sim, app->write_max),
		  app->total - app->written);
	conn->more = false;
	while (len) {
		u32 part = sim_app_push(sim, host, len);

		app->written += part;
		len -= part;
	}
	/* As a program that is about to write more says with MSG_MORE. */
	conn->more = app->written < app->total && !sim_below(sim, 8);
	sim_host_flush(sim, host);
	return !sim_app_pauses(sim, app, app->write_pause, &app->write_at);
}

static void sim_app_shutdown(struct sim *sim, struct sim_host *host)
{
	sim_trace(sim, "%u shutdown", host->id);
	host->app.shut = true;
	host->conn.more = false;
	sim_host_did(sim, host, tether_conn_shutdown(&host->conn));
	sim_host_flush(sim, host);
}

void sim_app_close(struct sim *sim, struct sim_host *host)
{
	sim_trace(sim, "%u close", host->id);
	host->app.closed = true;
	host->closed_at = sim->now;
	if (host->attached && host->conn.state != TETHER_FIN_WAIT1 &&
	    host->conn.state != TETHER_CLOSED)
		sim_count(sim, SIM_EV_ORPHAN);
	sim_host_did(sim, host, tether_conn_close(&host->conn, sim->now));
	sim_host_flush(sim, host);
}

static void sim_app_abort(struct sim *sim, struct sim_host *host)
{
	sim_trace(sim, "%u abort", host->id);
	host->app.closed = true;
	host->closed_at = sim->now;
	sim_host_did(sim, host,
		     tether_conn_abort(&host->conn, TETHER_REASON_ABORTED, 0));
	sim_host_flush(sim, host);
}

/* Both have written and read all: agree on a time to close. */
static void sim_app_agree(struct sim *sim, struct sim_host *host)
{
	struct sim_app *peer = &sim_peer(sim, host)->app;
	struct sim_app *app = &host->app;

	if (app->written != app->total || app->read != peer->total ||
	    peer->written != peer->total || peer->read != app->total)
		return;
	app->end_at = sim->now + 100 * SIM_MSEC;
	peer->end_at = app->end_at;
	peer->next = min(peer->next, peer->end_at);
}

static void sim_app_end(struct sim *sim, struct sim_host *host)
{
	struct sim_app *app = &host->app;
	bool wrote = app->written == app->total;

	switch (app->ending) {
	case SIM_END_SHUTDOWN:
		if (wrote && !app->shut)
			sim_app_shutdown(sim, host);
		break;
	case SIM_END_ON_EOF:
		break;
	case SIM_END_TOGETHER:
		if (app->end_at == SIM_NEVER)
			sim_app_agree(sim, host);
		if (!app->shut && app->end_at <= sim->now)
			sim_app_shutdown(sim, host);
		break;
	case SIM_END_CLOSE:
		if (wrote)
			sim_app_close(sim, host);
		return;
	case SIM_END_ABORT:
		if (app->end_at <= sim->now)
			sim_app_abort(sim, host);
		return;
	case SIM_END_UNREAD:
		if (app->end_at <= sim->now &&
		    (wrote || tether_recvq_avail(&host->conn.rcvq)))
			sim_app_close(sim, host);
		return;
	}
	if (app->eof && (wrote || !host->attached))
		sim_app_close(sim, host);
}

/* The connection is gone and the program has read what there was. */
static bool sim_app_done(struct sim_host *host)
{
	if (host->attached)
		return false;
	return host->app.closed || host->app.eof ||
	       !tether_recvq_avail(&host->conn.rcvq);
}

static u64 sim_app_next(const struct sim *sim, const struct sim_host *host)
{
	const struct sim_app *app = &host->app;
	u64 next = SIM_NEVER;

	if (app->closed)
		return next;
	if (app->read_at > sim->now)
		next = min(next, app->read_at);
	if (app->write_at > sim->now)
		next = min(next, app->write_at);
	if (app->end_at > sim->now)
		next = min(next, app->end_at);
	return next;
}

/* What the program does now, and when it wants to run again. */
void sim_app_run(struct sim *sim, struct sim_host *host)
{
	struct sim_app *app = &host->app;
	unsigned int loops = 0;
	bool more = host->opened && !app->closed;

	app->next = SIM_NEVER;
	if (!host->has_conn)
		return;
	if (more) {
		while (more && loops++ < SIM_APP_LOOPS && !sim->failed) {
			more = sim_app_read(sim, host);
			more |= sim_app_write(sim, host);
		}
		if (!app->closed)
			sim_app_end(sim, host);
	}
	if (sim_app_done(host)) {
		sim_trace(sim, "%u done", host->id);
		sim_host_destroy(host);
		return;
	}
	app->next = more ? sim->now + 1 : min(app->next,
					      sim_app_next(sim, host));
}

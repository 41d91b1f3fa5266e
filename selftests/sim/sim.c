// SPDX-License-Identifier: GPL-2.0
/*
 * The simulator: runs seeds, and says what happened in the batch.
 *
 * usage: sim [--seeds N] [--start S] [--tap] [--brief]
 *        sim --seed S [--verbose]
 *
 * --brief is for batches that are too small to see everything: only failed
 * seeds count.
 *
 * A seed decides everything: a failing one, run alone, fails in the same way.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include "sim.h"

#define SIM_MAX_STEPS	400000
#define SIM_MAX_TIME	(4 * 3600 * SIM_SEC)

struct sim_options {
	u64	start;
	u64	seeds;
	bool	tap;
	bool	brief;
};

static const struct {
	const char *name;
	const char *what;
} sim_names[SIM_EV_MAX] = {
	[SIM_EV_RTO]	     = { "rto", "retransmission time-outs" },
	[SIM_EV_FAST_RTX]    = { "fast_retransmit", "third duplicate ACKs" },
	[SIM_EV_PROBE]	     = { "zero_window_probe", "probes" },
	[SIM_EV_ZERO_WINDOW] = { "zero_window", "windows closed" },
	[SIM_EV_UPDATE]	     = { "window_update", "window updates" },
	[SIM_EV_DELAYED_ACK] = { "delayed_ack", "ACKs by the timer" },
	[SIM_EV_KEEPALIVE]   = { "keepalive", "keepalive probes" },
	[SIM_EV_SYN_RTX]     = { "syn_retransmit", "SYNs sent again" },
	[SIM_EV_OOO]	     = { "out_of_order", "kept behind a hole" },
	[SIM_EV_OLD]	     = { "old_data", "bytes that came again" },
	[SIM_EV_FULL]	     = { "buffer_full", "refused by the limit" },
	[SIM_EV_HALF_CLOSE]  = { "half_close", "read after own shutdown" },
	[SIM_EV_SIM_OPEN]    = { "simultaneous_open", "SYNs that crossed" },
	[SIM_EV_SIM_CLOSE]   = { "simultaneous_close", "FINs that crossed" },
	[SIM_EV_TIME_WAIT]   = { "time_wait", "connections" },
	[SIM_EV_REOPEN]	     = { "time_wait_reopen", "connections" },
	[SIM_EV_ORPHAN]	     = { "orphan", "closed before their end" },
	[SIM_EV_ABORTED]     = { "reset_aborted", "ends" },
	[SIM_EV_UNREAD]	     = { "reset_unread", "ends" },
	[SIM_EV_CLOSED]	     = { "reset_closed", "ends" },
	[SIM_EV_TIMEOUT]     = { "timeout", "connections given up" },
	[SIM_EV_CONGESTED]   = { "device_drop", "frames the device refused" },
	[SIM_EV_FLIPPED]     = { "flipped_bit", "frames, all dropped" },
	[SIM_EV_LOST]	     = { "lost", "frames" },
	[SIM_EV_DUPLICATED]  = { "duplicated", "frames" },
	[SIM_EV_REORDERED]   = { "reordered", "frames" },
	[SIM_EV_SUPER]	     = { "super_frame", "frames above the MSS" },
	[SIM_EV_SPLIT]	     = { "split", "super-frames cut into segments" },
	[SIM_EV_WRAP32]	     = { "wrap_32_bits", "streams" },
	[SIM_EV_WRAP64]	     = { "wrap_64_bits", "streams" },
};

bool sim_verbose;

/* The first failure counts; the run ends at the next step. */
void sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list args;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(args, fmt);
	vsnprintf(sim->why, sizeof(sim->why), fmt, args);
	va_end(args);
}

/* A line of the story that --verbose tells. */
void sim_print(const struct sim *sim, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("%12llu ", sim->now);
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

/* Initial sequence numbers: often so that a stream of any length wraps. */
static void sim_pick_iss(struct sim *sim, u8 id)
{
	u64 back = sim_log(sim, 1, 64 << 10) - 1;

	switch (sim_below(sim, 3)) {
	case 0:
		sim->iss_base[id] = sim_random(sim);
		break;
	case 1:
		sim->iss_base[id] = (sim_random(sim) | 0xffffffff) - back;
		break;
	case 2:
		sim->iss_base[id] = U64_MAX - back;
		break;
	}
}

static void sim_count_wrap(struct sim *sim, const struct sim_host *host)
{
	u64 first = host->conn.iss, last = host->conn.nxt;

	if (last < first)
		sim_count(sim, SIM_EV_WRAP64);
	else if (last >> 32 != first >> 32)
		sim_count(sim, SIM_EV_WRAP32);
}

/* Plans that could wait for each other for ever are put right. */
static void sim_start_round(struct sim *sim)
{
	struct sim_host *a = &sim->host[0], *b = &sim->host[1];

	sim_app_plan(sim, a);
	sim_app_plan(sim, b);
	if (!sim_below(sim, 8)) {
		a->app.ending = SIM_END_TOGETHER;
		b->app.ending = SIM_END_TOGETHER;
		a->app.end_at = SIM_NEVER;
		b->app.end_at = SIM_NEVER;
	} else if (a->app.ending == SIM_END_ON_EOF &&
		   b->app.ending == SIM_END_ON_EOF) {
		a->app.ending = SIM_END_SHUTDOWN;
	}
	sim->rounds--;
	b->listening = !sim->simultaneous;
	b->half_gone = false;
	if (a->has_wait)
		a->port += 2;
	sim_host_connect(sim, a);
	sim_app_init(sim, a);
	if (sim->simultaneous) {
		sim_host_connect(sim, b);
		sim_app_init(sim, b);
	}
}

/* A client that gave up during the handshake leaves nothing to accept. */
static bool sim_round_is_over(const struct sim *sim)
{
	return sim_host_idle(&sim->host[0]) && sim_host_idle(&sim->host[1]);
}

static u64 sim_next(const struct sim *sim)
{
	u64 next = sim_net_next(sim);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		next = min(next, sim_host_next(&sim->host[i]));
		next = min(next, sim->host[i].app.next);
	}
	return next;
}

static void sim_step(struct sim *sim)
{
	unsigned int i;

	if (sim_net_next(sim) <= sim->now) {
		sim_net_deliver(sim);
		return;
	}
	for (i = 0; i < 2; i++) {
		if (sim_host_next(&sim->host[i]) <= sim->now)
			sim_host_timer(sim, &sim->host[i]);
		if (sim->host[i].app.next <= sim->now)
			sim_app_run(sim, &sim->host[i]);
	}
}

static void sim_bound(struct sim *sim)
{
	if (++sim->steps > SIM_MAX_STEPS)
		sim_fail(sim, "no end after %llu steps", sim->steps);
	if (sim->now > SIM_MAX_TIME)
		sim_fail(sim, "no end after %llu s", sim->now / SIM_SEC);
}

/*
 * Nothing will ever happen again. That is fair if one side has died and the
 * other has not heard of it, has nothing to send, and does not use keepalive:
 * then its program loses patience. Otherwise it is a deadlock.
 */
static void sim_stuck(struct sim *sim)
{
	struct sim_host *host = sim->host;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!host[i].attached || host[i].app.closed ||
		    host[i].conn.keepalive ||
		    host[i].conn.nxt != host[i].conn.una)
			continue;
		if (!host[!i].died && !host[!i].half_gone)
			continue;
		sim_app_close(sim, &host[i]);
		return;
	}
	sim_fail(sim, "stuck: %s and %s, read %llu of %llu, %llu of %llu",
		 tether_state_name(host[0].conn.state),
		 tether_state_name(host[1].conn.state),
		 host[0].app.read, host[1].app.total,
		 host[1].app.read, host[0].app.total);
}

/* Without a fault in the network nothing may ever be sent twice. */
static void sim_check_clean(struct sim *sim)
{
	if (!sim->clean || sim->events[SIM_EV_FULL] || sim->accept_full)
		return;
	if (sim->events[SIM_EV_RTO] || sim->events[SIM_EV_FAST_RTX] ||
	    sim->events[SIM_EV_SYN_RTX] || sim->events[SIM_EV_TIMEOUT])
		sim_fail(sim, "retransmission without a fault");
}

static void sim_run(struct sim *sim, u64 seed)
{
	unsigned int i;
	u64 next;

	memset(sim, 0, sizeof(*sim));
	sim->seed = seed;
	sim->rng = seed * 0x2545f4914f6cdd1dULL + 1;
	sim->rounds = sim_below(sim, 5) ? 1 : 2;
	sim->simultaneous = !sim_below(sim, 10);
	sim_net_init(sim);
	for (i = 0; i < 2; i++) {
		sim_host_init(sim, i);
		sim_pick_iss(sim, i);
	}
	sim_start_round(sim);
	for (;;) {
		if (sim->failed)
			break;
		if (sim_round_is_over(sim)) {
			sim_model_end(sim);
			for (i = 0; i < 2; i++)
				sim_count_wrap(sim, &sim->host[i]);
			if (!sim->rounds)
				break;
			sim_start_round(sim);
		}
		next = sim_next(sim);
		if (next == SIM_NEVER) {
			sim_stuck(sim);
			continue;
		}
		sim->now = max(sim->now, next);
		sim_step(sim);
		sim_bound(sim);
	}
	sim_check_clean(sim);
	for (i = 0; i < 2; i++)
		sim_host_destroy(&sim->host[i]);
	sim_net_destroy(sim);
	if (shim_skb_live)
		sim_fail(sim, "%u buffers leaked", shim_skb_live);
	shim_skb_live = 0;
}

static double sim_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1000000000.0;
}

/*
 * Verdict on a batch: no seed failed, and everything to be seen was seen. The
 * numbers are comments, as the names of subtests must not change.
 */
static bool sim_report(const u64 *events, u64 seeds, u64 failed,
		       const struct sim_options *options)
{
	unsigned int i, shown = options->brief ? 0 : SIM_EV_MAX;
	bool ok = !failed;

	if (options->tap)
		printf("TAP version 13\n1..%u\n", shown + 1);
	printf("# %llu of %llu seeds failed\n", failed, seeds);
	if (options->tap)
		printf("%s 1 seeds_ok\n", failed ? "not ok" : "ok");
	for (i = 0; i < shown; i++) {
		ok = ok && events[i];
		printf("# %10llu %s: %s\n", events[i], sim_names[i].name,
		       sim_names[i].what);
		if (options->tap)
			printf("%s %u %s\n", events[i] ? "ok" : "not ok",
			       i + 2, sim_names[i].name);
	}
	return ok;
}

static bool sim_one(u64 seed)
{
	static struct sim sim;

	sim_run(&sim, seed);
	if (sim.failed)
		printf("# seed %llu failed at %llu us: %s\n", sim.seed,
		       sim.now, sim.why);
	return !sim.failed;
}

static bool sim_batch(const struct sim_options *options)
{
	u64 events[SIM_EV_MAX] = { 0 };
	u64 failed = 0, bytes = 0, i;
	double begin = sim_clock();
	static struct sim sim;
	u32 j;

	for (i = 0; i < options->seeds; i++) {
		sim_run(&sim, options->start + i);
		for (j = 0; j < SIM_EV_MAX; j++)
			events[j] += sim.events[j];
		bytes += sim.bytes;
		if (!sim.failed)
			continue;
		failed++;
		printf("# seed %llu failed at %llu us: %s\n", sim.seed,
		       sim.now, sim.why);
	}
	printf("# %llu runs, %.0f runs per second, %llu MiB read\n",
	       options->seeds, options->seeds / (sim_clock() - begin),
	       bytes >> 20);
	return sim_report(events, options->seeds, failed, options);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "start", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "tap", no_argument, NULL, 't' },
		{ "brief", no_argument, NULL, 'b' },
		{ NULL }
	};
	struct sim_options options = { .start = 1, .seeds = 10000 };
	bool one = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (opt) {
		case 'n':
			options.seeds = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			one = true;
			fallthrough;
		case 's':
			options.start = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			sim_verbose = true;
			break;
		case 't':
			options.tap = true;
			break;
		case 'b':
			options.brief = true;
			break;
		default:
			fprintf(stderr, "usage: %s [--seeds N] [--start S] [--tap] [--brief]\n"
				"       %s --seed S [--verbose]\n",
				argv[0], argv[0]);
			return 2;
		}
	}
	if (one)
		return sim_one(options.start) ? 0 : 1;
	return sim_batch(&options) ? 0 : 1;
}

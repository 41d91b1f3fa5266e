/* SPDX-License-Identifier: GPL-2.0 */
/* The seeded simulator: two hosts, a network and a model, in virtual time. */
#ifndef _SIM_H
#define _SIM_H

#include <linux/skbuff.h>
#include <linux/types.h>
#include "conn.h"
#include "half.h"
#include "wait.h"

#define SIM_NEVER	U64_MAX
#define SIM_MSEC	1000ULL
#define SIM_SEC		1000000ULL

/* Things that a batch must have seen happen; sim.c says how often. */
enum sim_event {
	SIM_EV_RTO,
	SIM_EV_FAST_RTX,
	SIM_EV_PROBE,
	SIM_EV_ZERO_WINDOW,
	SIM_EV_UPDATE,
	SIM_EV_DELAYED_ACK,
	SIM_EV_KEEPALIVE,
	SIM_EV_SYN_RTX,
	SIM_EV_OOO,
	SIM_EV_OLD,
	SIM_EV_FULL,
	SIM_EV_HALF_CLOSE,
	SIM_EV_SIM_OPEN,
	SIM_EV_SIM_CLOSE,
	SIM_EV_TIME_WAIT,
	SIM_EV_REOPEN,
	SIM_EV_ORPHAN,
	SIM_EV_ABORTED,
	SIM_EV_UNREAD,
	SIM_EV_CLOSED,
	SIM_EV_TIMEOUT,
	SIM_EV_CONGESTED,
	SIM_EV_FLIPPED,
	SIM_EV_LOST,
	SIM_EV_DUPLICATED,
	SIM_EV_REORDERED,
	SIM_EV_SUPER,
	SIM_EV_SPLIT,
	SIM_EV_WRAP32,
	SIM_EV_WRAP64,
	SIM_EV_MAX
};

/* A frame on its way. */
struct sim_packet {
	u64	at;
	u64	serial;		/* first in, first out at the same time */
	u32	len;		/* what the receiver sees, padding included */
	u8	to;
	bool	flipped;
	u8	data[] __aligned(8);
};

/* One direction of the network; chances in 1/65536. */
struct sim_link {
	u32	lose;
	u32	duplicate;
	u32	reorder;
	u32	flip;
	u64	delay;
	u64	late;		/* largest delay of a reordered frame */
	u32	rate;		/* bytes per millisecond, 0 for no limit */
	u32	queue;		/* bytes before the device drops, 0: none */
	u32	notify;		/* the device says drop, and sends it */
	u64	free_at;	/* when the last frame has left the device */
	u64	last_at;	/* when the last frame in order arrives */
};

struct sim_net {
	struct sim_packet	**heap;
	unsigned int		len;
	unsigned int		room;
	u64			serial;
	struct sim_link		link[2];	/* by receiver */
	u64			dark_from[2];	/* blackouts, both ways */
	u64			dark_to[2];
};

/* How a program ends its connection. */
enum sim_ending {
	SIM_END_SHUTDOWN,	/* shutdown, then read to the end, close */
	SIM_END_ON_EOF,		/* close when the peer has */
	SIM_END_TOGETHER,	/* both shut down at the same time */
	SIM_END_CLOSE,		/* close as soon as all is written */
	SIM_END_ABORT,		/* abort at some time */
	SIM_END_UNREAD,		/* close in the middle of reading */
};

/* The program: what it will do and how far it is. */
struct sim_app {
	enum sim_ending	ending;
	u64		total;
	u64		written;
	u64		read;
	u32		write_max;
	u32		read_max;
	u32		write_pause;	/* chance of one, 1/65536 */
	u32		read_pause;
	u64		pause;		/* longest pause */
	u64		stall_at;	/* stop reading at this byte ... */
	u64		stall;		/* ... for so long */
	u64		write_at;
	u64		read_at;
	u64		end_at;
	u64		next;		/* when to run again */
	bool		shut;
	bool		closed;
	bool		eof;
	bool		half_read;	/* read bytes after its own shutdown */
};

struct sim_host {
	u8			id;
	u16			port;
	struct tether_config	cfg;
	u16			mss;
	u16			frame_max;
	bool			split;
	u32			sndbuf;
	u32			rcvbuf;

	bool			listening;
	bool			has_half;
	bool			has_conn;	/* the program has it */
	bool			attached;	/* frames reach it */
	bool			has_wait;
	bool			opened;
	struct tether_half	half;
	struct tether_conn	conn;
	struct tether_wait	wait;

	u64			armed;		/* deadline of the timer */
	u64			timer_at;	/* when it will really run */
	u64			resume_at;	/* the device takes frames again */
	u64			heard_at;	/* a sound frame arrived last */
	u64			closed_at;
	u64			edge;		/* model: last edge advertised */
	u64			edge_sent;	/* the same, from frames */
	u64			peer_edge;	/* largest edge we were told */
	u8			died;		/* sent or got this reason */
	bool			timed_out;
	bool			half_gone;	/* the handshake was forgotten */
	u32			checks;
	struct sim_app		app;
};

struct sim {
	u64		seed;
	u64		rng;
	u64		now;
	u64		steps;
	u64		bytes;
	bool		simultaneous;
	bool		clean;		/* a network without faults */
	bool		accept_full;	/* a completed handshake was ignored */
	u32		rounds;
	u64		iss_base[2];
	struct sim_net	net;
	struct sim_host	host[2];
	u64		events[SIM_EV_MAX];
	bool		failed;
	char		why[200];
};

/* sim.c */
extern bool sim_verbose;

__printf(2, 3)
void sim_fail(struct sim *sim, const char *fmt, ...);
__printf(2, 3)
void sim_print(const struct sim *sim, const char *fmt, ...);

#define sim_trace(sim, ...) do {					\
	if (unlikely(sim_verbose))					\
		sim_print(sim, __VA_ARGS__);				\
} while (0)

/* random.c */
u64 sim_random(struct sim *sim);
u64 sim_below(struct sim *sim, u64 n);
u64 sim_log(struct sim *sim, u64 lo, u64 hi);
bool sim_chance(struct sim *sim, u32 in_65536);

/* net.c */
void sim_net_init(struct sim *sim);
bool sim_net_send(struct sim *sim, u8 from, const struct tether_frame *frame);
u64 sim_net_next(const struct sim *sim);
void sim_net_deliver(struct sim *sim);
u64 sim_net_backlog(const struct sim *sim, u8 from);
void sim_net_destroy(struct sim *sim);

/* host.c */
void sim_host_init(struct sim *sim, u8 id);
void sim_host_connect(struct sim *sim, struct sim_host *host);
void sim_host_receive(struct sim *sim, struct sim_host *host,
		      const struct sim_packet *packet);
void sim_host_timer(struct sim *sim, struct sim_host *host);
void sim_host_flush(struct sim *sim, struct sim_host *host);
void sim_host_did(struct sim *sim, struct sim_host *host, u32 did);
u64 sim_host_next(const struct sim_host *host);
bool sim_host_idle(const struct sim_host *host);
void sim_host_destroy(struct sim_host *host);

/* app.c */
void sim_app_plan(struct sim *sim, struct sim_host *host);
void sim_app_init(struct sim *sim, struct sim_host *host);
void sim_app_run(struct sim *sim, struct sim_host *host);
void sim_app_wake(struct sim *sim, struct sim_host *host);
void sim_app_close(struct sim *sim, struct sim_host *host);

/* model.c */
void sim_pattern_fill(u8 *to, u8 host, u64 pos, u32 len);
void sim_model_read(struct sim *sim, struct sim_host *host, const u8 *data,
		    u32 len);
void sim_model_eof(struct sim *sim, struct sim_host *host);
void sim_model_sent(struct sim *sim, struct sim_host *host,
		    const struct tether_segment *seg);
void sim_model_heard(struct sim_host *host, const struct tether_segment *seg);
void sim_model_check(struct sim *sim, struct sim_host *host);
void sim_model_timer(struct sim *sim, struct sim_host *host);
void sim_model_died(struct sim *sim, struct sim_host *host);
void sim_model_end(struct sim *sim);

static inline struct sim_host *sim_peer(struct sim *sim,
					const struct sim_host *host)
{
	return &sim->host[!host->id];
}

static inline void sim_count(struct sim *sim, enum sim_event event)
{
	sim->events[event]++;
}

#endif /* _SIM_H */

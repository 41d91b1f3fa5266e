/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The common part of the API tests.
 *
 * Every test runs up to three times in one boot: on AF_INET over lo ("inet"),
 * on AF_TETHER over lo ("tether") and on AF_TETHER over a veth pair ("veth").
 * A test is a row of steps. STEP() names a step, says what TCP is expected to
 * give and runs it. The inet variant must see just that; the other two must
 * see what the inet variant saw, or the deviation that deviations.h lists for
 * the step. A deviation that is not listed fails, and so does a listed one
 * that no longer happens.
 */
#ifndef _SOCK_PAIR_H
#define _SOCK_PAIR_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/tether.h>

enum sock_link {
	SOCK_INET	= 1,
	SOCK_TETHER	= 2,
	SOCK_VETH	= 4,
	SOCK_BOTH	= SOCK_TETHER | SOCK_VETH,
};

/* The variant under test; set by the set-up of SOCK_FIXTURE(). */
extern enum sock_link sock_link;

struct sock_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_tether th;
		unsigned char raw[256];
	};
	socklen_t len;
};

/* The types of sockets, for what all of them do; the last has no name. */
struct sock_kind {
	const char *name;
	int type;
};

extern const struct sock_kind sock_kinds[];

/* The devices of the veth pair: the client's end and the server's. */
#define SOCK_DEV_CLIENT	"tc0"
#define SOCK_DEV_SERVER	"ts0"

/* A device that leads nowhere; sock_other_device() makes it. */
#define SOCK_DEV_OTHER	"to0"

/* A port that nothing listens on, and one below 1024. */
#define SOCK_PORT_IDLE		9
#define SOCK_PORT_FIXED		20123

static inline bool sock_is_inet(void)
{
	return sock_link == SOCK_INET;
}

/* What a call came to: what it returned, or minus its errno. */
static inline long sock_result(long ret)
{
	return ret == -1 ? -errno : ret;
}

/* The same for a call that returns a new descriptor: 0 for any. */
static inline long sock_made(int fd)
{
	return fd < 0 ? -errno : 0;
}

const char *sock_setup(enum sock_link link);
bool sock_fresh_net(void);
bool sock_step(const char *test, const char *step, long want, long seen);
int sock_deviations_missed(void);

int sock_family(void);
int sock_open(int type);
bool sock_other_device(void);
const char *sock_device(bool server);
int sock_tie(int fd, const char *device);
bool sock_stall(bool on);
bool sock_qdisc(const char *what);
unsigned int sock_ifindex(bool server);
void sock_mac(bool server, unsigned char *mac);
void sock_addr_any(struct sock_addr *addr, int port);
void sock_addr_server(struct sock_addr *addr, int port);
void sock_addr_client(struct sock_addr *addr, int port);
void sock_addr_dest(struct sock_addr *addr, int port);
int sock_bind(int fd, const struct sock_addr *addr);
int sock_connect_addr(int fd, const struct sock_addr *addr);
int sock_port(int fd);
int sock_peer_port(int fd);

int sock_listener(int backlog);
int sock_bound_dgram(void);
int sock_connect_to(int listener);
int sock_accept(int listener);
int sock_pair(int fd[2]);
int sock_cross(int fd[2]);
int sock_dgram_pair(int fd[2]);
bool sock_works(int a, int b);

int sock_events(int fd, short events);
int sock_wait(int fd, short events);
void sock_nonblock(int fd, bool on);
int sock_error(int fd);
int sock_int_option(int fd, int level, int name);
int sock_outq(int fd);
int sock_inq(int fd);
bool sock_acked(int fd);
bool sock_arrived(int fd, int bytes);
long sock_fill(int fd);
long sock_drain(int fd, long bytes);
bool sock_send_all(int fd, const void *buf, size_t len);
bool sock_recv_all(int fd, void *buf, size_t len);
void sock_pattern(void *buf, size_t len, unsigned int seed);
void sock_pause(int tries);
long sock_ms(void);
int sock_silence(int fd, bool on);
int sock_cut(int fd);

/* system.c */
bool sock_sysctl(const char *name, const char *value);
bool sock_global_sysctl(const char *name, const char *value, char *old,
			int len);
long sock_memory(void);
long sock_memory_slack(void);
long sock_counter(const char *pattern);
int sock_count(void);
const char *sock_state(int fd);

/* Repeat until the condition holds; false if it never does. */
#define SOCK_TRIES 3000
#define SOCK_UNTIL(cond) ({						\
	int tries_ = SOCK_TRIES;					\
	while (!(cond) && --tries_)					\
		sock_pause(tries_);						\
	tries_ > 0;							\
})

/* A call that may block, made by another thread. */
struct sock_job {
	pthread_t thread;
	long (*fn)(void *arg);
	void *arg;
	long result;
	int tid;
	bool done;
};

int sock_start(struct sock_job *job, long (*fn)(void *arg), void *arg);
bool sock_asleep(struct sock_job *job);
long sock_finish(struct sock_job *job);

#ifndef SOCK_NO_HARNESS
#include "kselftest_harness.h"

/*
 * The guest's clock jumps over idle time, so this costs nothing where it is
 * virtual; where it is real, the watchdog of the suite comes first.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 36000

#define STEP(step, want, expr) do {					\
	long seen_;							\
									\
	errno = 0;							\
	seen_ = sock_result(expr);					\
	EXPECT_TRUE(sock_step(_metadata->name, step, want, seen_));	\
} while (0)

/* A step that is done with each kind of socket. */
#define STEP_OF(kind, step, want, expr) do {				\
	char name_[80];							\
									\
	snprintf(name_, sizeof(name_), "%s: %s", (kind)->name, step);	\
	STEP(name_, want, expr);					\
} while (0)

/* A step that must not be over before that time. */
#define STEP_TAKES(ms, step, want, expr) do {				\
	long began_ = sock_ms();					\
									\
	STEP(step, want, expr);						\
	EXPECT_GE(sock_ms() - began_, ms);				\
} while (0)

#else /* SOCK_NO_HARNESS */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* SOCK_NO_HARNESS */
#endif /* _SOCK_PAIR_H */

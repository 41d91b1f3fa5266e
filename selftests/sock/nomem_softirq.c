// SPDX-License-Identifier: GPL-2.0
/*
 * No memory in softirq: for what a timer sends, of which one allocation after
 * the other is refused, and for what is made of frames between two sockets,
 * which a cache refuses. What is lost comes again. Needs a kernel that injects
 * faults.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "faults.h"
#include "left.h"
#include "pair.h"
#include "wire.h"

#define SOCK_NAME cache
#define SOCK_NO_INET
#include "fixture.h"

static int listener, conn;

/* What has been sent before the faults does not count. */
static void forget(void)
{
	struct frame frame;

	while (wire_get(&frame, 0))
		;
}

static long wait_for(int mask, int flags)
{
	forget();
	return wire_expect(mask, flags) ? 0 : -1;
}

static int make_connecting(void)
{
	wire_new_peer();
	return conn = wire_connecting();
}

static long call_syn(int unused)
{
	return wait_for(WIRE_KIND, SYN);
}

static bool judge_connecting(int fd, long result)
{
	return wire_send(SYN | ACK) && wire_works(fd);
}

static int make_half(void)
{
	wire_new_peer();
	listener = wire_bound(SOCK_STREAM);
	return wire_half() ? listener : -1;
}

static long call_syn_ack(int unused)
{
	return wait_for(WIRE_KIND, SYN | ACK);
}

static bool judge_half(int fd, long result)
{
	bool good = wire_send(ACK) && wire_works(sock_accept(fd));

	return !close(fd) && good;
}

static int make_connection(void)
{
	wire_new_peer();
	listener = wire_bound(SOCK_STREAM);
	conn = wire_child(listener);
	close(listener);
	return conn;
}

/* The peer is silent about a byte. */
static int make_unanswered(void)
{
	return make_connection() < 0 || send(conn, "x", 1, 0) != 1 ? -1 : conn;
}

static long call_bytes(int unused)
{
	return wait_for(PSH, PSH);
}

static bool judge_connection(int fd, long result)
{
	return wire_works(fd);
}

/* It has no room for one. */
static int make_shut(void)
{
	if (make_connection() < 0)
		return -1;
	wire.window = 0;
	return wire_bytes(1) && send(conn, "x", 1, 0) == 1 ? conn : -1;
}

static long call_probe(int unused)
{
	return wait_for(PROBE, PROBE);
}

static bool judge_shut(int fd, long result)
{
	char c;

	wire.window = 65535;
	return recv(fd, &c, 1, 0) == 1 && wire_send(ACK) && wire_works(fd);
}

static int make_idle(void)
{
	int on = 1;

	if (make_connection() < 0)
		return -1;
	return setsockopt(conn, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) ?
		-1 : conn;
}

/* The one answer that no timer repeats is the delayed one. */
static long call_delayed(int unused)
{
	struct frame frame;

	forget();
	wire_bytes(1);
	while (!wire_get(&frame, 10) && !faults_fired())
		;
	return 0;
}

/* When the bytes come again, they are acknowledged at once. */
static bool judge_delayed(int fd, long result)
{
	char c;

	wire.seq--;
	return wire_bytes(1) && wire_expect(WIRE_KIND, ACK) &&
	       recv(fd, &c, 1, 0) == 1 && wire_works(fd);
}

#define TIMER(...) { __VA_ARGS__, .softirq = true }

TEST(timers)
{
	const struct attempt tries[] = {
		TIMER("timer SYN", make_connecting, call_syn, judge_connecting),
		TIMER("timer SYN+ACK", make_half, call_syn_ack, judge_half),
		TIMER("timer retransmission", make_unanswered, call_bytes,
		      judge_connection),
		TIMER("timer probe", make_shut, call_probe, judge_shut),
		TIMER("timer keepalive", make_idle, call_probe,
		      judge_connection),
		TIMER("timer delayed ACK", make_connection, call_delayed,
		      judge_delayed),
	};

	ASSERT_TRUE(wire_open(0));
	ASSERT_TRUE(sock_sysctl("tether/keep_idle_ms", "50"));
	ASSERT_TRUE(sock_sysctl("tether/keep_interval_ms", "200"));
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

/* Let a cache refuse: @percent of what is asked of it, @times at most. */
static bool refuse(const char *cache, const char *percent, const char *times)
{
	char path[128];

	snprintf(path, sizeof(path), "../slab/%s/failslab", cache);
	return faults_set(path, "1") &&
	       faults_set("failslab/cache-filter", "Y") &&
	       faults_set("failslab/times", times) &&
	       faults_set("failslab/probability", percent);
}

static void refuse_no_more(const char *cache)
{
	char path[128];

	snprintf(path, sizeof(path), "../slab/%s/failslab", cache);
	faults_set("failslab/probability", "0");
	faults_set("failslab/cache-filter", "N");
	faults_set(path, "0");
}

/* A SYN that finds no memory is as good as lost: it comes again. */
TEST_F(cache, half_open)
{
	long dropped = sock_counter("drop_memory");
	struct left base;
	int fd;

	ASSERT_TRUE(left_begin(&base));
	listener = sock_listener(1);
	ASSERT_TRUE(refuse("tether_half", "100", "2"));
	fd = sock_connect_to(listener);
	refuse_no_more("tether_half");
	EXPECT_EQ(dropped + 2, sock_counter("drop_memory"));
	EXPECT_TRUE(sock_works(fd, sock_accept(listener)));
	close(listener);
	EXPECT_TRUE(left_nothing(&base));
}

/* So is a final ACK: the SYN+ACK comes again, and is acknowledged again. */
TEST_F(cache, child)
{
	long dropped = sock_counter("drop_memory");
	struct sock_addr addr;
	struct left base;
	int fd, got;

	ASSERT_TRUE(left_begin(&base));
	listener = sock_listener(1);
	fd = sock_open(SOCK_STREAM);
	ASSERT_TRUE(refuse("TETHER", "100", "2"));
	sock_addr_dest(&addr, sock_port(listener));
	EXPECT_EQ(0, sock_connect_addr(fd, &addr));
	got = sock_accept(listener);
	refuse_no_more("TETHER");
	EXPECT_EQ(dropped + 2, sock_counter("drop_memory"));
	EXPECT_TRUE(sock_works(fd, got));
	close(listener);
	EXPECT_TRUE(left_nothing(&base));
}

/* Without memory for TIME_WAIT there is none. */
TEST_F(cache, time_wait)
{
	long waits = sock_counter("time_wait");
	struct left base;
	int fd[2];
	char c;

	ASSERT_TRUE(left_begin(&base));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(refuse("tether_timewait", "100", "1"));
	close(fd[0]);
	EXPECT_EQ(0, recv(fd[1], &c, 1, 0));
	close(fd[1]);
	EXPECT_TRUE(SOCK_UNTIL(sock_count() == 0));
	refuse_no_more("tether_timewait");
	EXPECT_EQ(waits, sock_counter("time_wait"));
	EXPECT_TRUE(left_nothing(&base));
}

#define LONG 100000

static char out[LONG], in[LONG];

static long send_long(void *arg)
{
	return sock_send_all(*(int *)arg, out, LONG);
}

/* Every fifth frame or so cannot be made, or taken in; all bytes arrive. */
TEST_F(cache, frames)
{
	long refused = sock_counter("xmit_nomem");
	struct sock_job job;
	struct left base;
	int fd[2], i;

	sock_pattern(out, LONG, 5);
	ASSERT_TRUE(left_begin(&base));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(refuse("skbuff_head_cache", "20", "-1"));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, sock_start(&job, send_long, &fd[i & 1]));
		EXPECT_TRUE(sock_recv_all(fd[!(i & 1)], in, LONG));
		EXPECT_EQ(1, sock_finish(&job));
		EXPECT_EQ(0, memcmp(in, out, LONG));
	}
	refuse_no_more("skbuff_head_cache");
	EXPECT_GT(sock_counter("xmit_nomem"), refused);
	EXPECT_TRUE(sock_works(fd[0], fd[1]));
	EXPECT_TRUE(left_nothing(&base));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Slow races: a device is deleted, a namespace ends, and somebody tries to
 * unload the module, each while a socket in one of the states has traffic: its
 * peer's frames, and calls. The states take turns.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "left.h"
#include "link.h"
#include "pair.h"
#include "steer.h"
#include "wire.h"

/* Each of the eleven states so many times. */
#define ROUNDS (11 * 20)
#define LEAST 10

#define SOCK_NAME race_slow
#define SOCK_NO_INET
#define SOCK_NO_VETH
#include "fixture.h"

/* Of the round: the socket, or -1 if the core has its connection to itself. */
static int fd;

/* -- states --------------------------------------------------------------- */

static int make_closed(void)
{
	struct sock_addr addr;
	int bound = sock_open(SOCK_STREAM);

	sock_addr_any(&addr, 0);
	addr.th.sth_ifindex = wire.ifindex;
	return sock_bind(bound, &addr) ? -1 : bound;
}

static int make_listen(void)
{
	return wire_bound(SOCK_STREAM);
}

static int make_syn_received(void)
{
	int conn = wire_connecting();

	return wire_send(SYN) && wire_expect(WIRE_KIND, SYN | ACK) ? conn : -1;
}

static int make_established(void)
{
	int listener = wire_bound(SOCK_STREAM);
	int conn = wire_child(listener);

	close(listener);
	return conn;
}

static int make_fin_wait1(void)
{
	int conn = make_established();

	return shutdown(conn, SHUT_WR) ? -1 : conn;
}

static int make_fin_wait2(void)
{
	int conn = make_fin_wait1();

	return wire_expect(FIN, FIN) && wire_send(ACK) ? conn : -1;
}

static int make_close_wait(void)
{
	int conn = make_established();

	return wire_send(FIN | ACK) ? conn : -1;
}

static int make_last_ack(void)
{
	int conn = make_close_wait();

	return shutdown(conn, SHUT_WR) ? -1 : conn;
}

/* The peer has not seen our FIN when it sends its own. */
static int make_closing(void)
{
	int conn = make_fin_wait1();

	return wire_send(FIN | ACK) ? conn : -1;
}

static int make_time_wait(void)
{
	int conn = make_fin_wait2();

	return wire_send(FIN | ACK) ? conn : -1;
}

static const struct {
	const char *name;
	int (*make)(void);
} states[] = {
	{ "CLOSED", make_closed },
	{ "LISTEN", make_listen },
	{ "SYN_SENT", wire_connecting },
	{ "SYN_RECEIVED", make_syn_received },
	{ "ESTABLISHED", make_established },
	{ "FIN_WAIT1", make_fin_wait1 },
	{ "FIN_WAIT2", make_fin_wait2 },
	{ "CLOSE_WAIT", make_close_wait },
	{ "LAST_ACK", make_last_ack },
	{ "CLOSING", make_closing },
	{ "TIME_WAIT", make_time_wait },
};

static const char *state(void)
{
	return states[steer_round() % ARRAY_SIZE(states)].name;
}

/* In TIME_WAIT the socket has been told that it is closed. */
static bool is_in_state(void)
{
	if (strcmp(state(), "TIME_WAIT"))
		return !strcmp(sock_state(fd), state());
	return sock_counter("time_wait") > 0;
}

static bool make_state(void)
{
	wire_new_peer();
	fd = states[steer_round() % ARRAY_SIZE(states)].make();
	sock_nonblock(fd, true);
	return fd >= 0 && is_in_state();
}

/* -- traffic -------------------------------------------------------------- */

/* How much of it: about as long as the other side takes. */
static int burst;

/* ENODEV, if a call has told it. */
static int told;

static void tell(long result)
{
	if (result == -ENODEV)
		told = result;
}

/* What a listener gets, is accepted; what anything else gets, is read. */
static void make_calls(void)
{
	char bytes[100];
	int child;

	tell(sock_result(send(fd, "x", 1, MSG_NOSIGNAL)));
	tell(sock_result(recv(fd, bytes, sizeof(bytes), 0)));
	child = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	tell(sock_result(child));
	if (child >= 0)
		sock_cut(child);
}

/* False if the device does not take it any more. */
static bool send_frames(void)
{
	wire.peer_port++;
	wire_send(SYN);
	wire.peer_port--;
	wire.seq--;
	return wire_bytes(100) && wire_send(ACK);
}

/* Returns whether it met the end of the device. */
static long make_traffic(void)
{
	int i;

	told = 0;
	for (i = 0; i < burst; i++) {
		if (!send_frames())
			return 1;
		make_calls();
	}
	return 0;
}

/* A call would hold the namespace. */
static long make_frames(void)
{
	int i;

	for (i = 0; i < burst; i++)
		if (!send_frames())
			return 1;
	return 0;
}

static int met_the_end(const long *result)
{
	return !result[1];
}

static bool race(const struct contest *contest, int traffic)
{
	struct left base;
	bool good;

	if (!left_begin(&base))
		return false;
	burst = traffic;
	good = steer(contest);
	if (!left_nothing(&base)) {
		left_tell(&base);
		good = false;
	}
	return good;
}

/* -- device --------------------------------------------------------------- */

static bool device_and_state(void)
{
	return wire_open(0) && make_state();
}

static long delete_device(void)
{
	return link_delete(wire.ifindex);
}

/* By what it was: its program is told once that the device is gone. */
static bool judge_device(const long *result)
{
	bool quiet = !strcmp(state(), "TIME_WAIT");
	int error = sock_error(fd);

	if (told)
		error = told;
	sock_cut(fd);
	wire_close();
	if (result[0] || (!quiet && error != -ENODEV)) {
		fprintf(stderr, "# %s: not told: %d\n", state(), error);
		return false;
	}
	return SOCK_UNTIL(sock_count() == 0);
}

TEST_F(race_slow, device)
{
	static const struct contest contest = {
		"device deleted x traffic", device_and_state,
		delete_device, make_traffic, judge_device, ROUNDS, LEAST,
		met_the_end
	};

	ASSERT_TRUE(sock_fresh_net());
	EXPECT_TRUE(race(&contest, 10));
}

/* -- namespace ------------------------------------------------------------ */

static int first_net;

/* The TAP's other end stays here, which alone does not hold the namespace. */
static bool namespace_and_state(void)
{
	char name[IFNAMSIZ];
	int net;

	if (!wire_open(0) || !if_indextoname(wire.ifindex, name) ||
	    unshare(CLONE_NEWNET))
		return false;
	net = open("/proc/thread-self/ns/net", O_RDONLY);
	if (setns(first_net, CLONE_NEWNET) || !link_move(wire.ifindex, net) ||
	    setns(net, CLONE_NEWNET) || !link_up(name))
		return false;
	close(net);
	wire.ifindex = if_nametoindex(name);
	return make_state();
}

static bool device_ends(void)
{
	struct pollfd pfd = { .fd = wire.tap, .events = POLLIN };
	static __u8 data[FRAME_MAX];

	while (poll(&pfd, 1, -1) == 1)
		if (read(wire.tap, data, sizeof(data)) < 0 && errno != EAGAIN)
			return errno == EBADFD;
	return false;
}

/* All that holds it goes; then it ends, and its device with it. */
static long leave_namespace(void)
{
	sock_cut(fd);
	return setns(first_net, CLONE_NEWNET) || !device_ends() ? -1 : 0;
}

static bool judge_namespace(const long *result)
{
	wire_close();
	return result[0] == 0;
}

TEST_F(race_slow, namespace)
{
	static const struct contest contest = {
		"namespace ends x traffic", namespace_and_state,
		leave_namespace, make_frames, judge_namespace, ROUNDS, LEAST,
		met_the_end
	};

	ASSERT_TRUE(sock_fresh_net());
	first_net = open("/proc/thread-self/ns/net", O_RDONLY);
	EXPECT_TRUE(race(&contest, 10));
	close(first_net);
}

/* -- module --------------------------------------------------------------- */

static int holder = -1;

/* In every state something else holds the module: TIME_WAIT does not. */
static bool held_state(void)
{
	if (holder < 0)
		holder = make_closed();
	return make_state();
}

static long unload_module(void)
{
	return syscall(SYS_delete_module, "tether", O_NONBLOCK);
}

static bool judge_module(const long *result)
{
	struct frame frame;

	sock_cut(fd);
	while (wire_get(&frame, 0))
		;
	if (steer_is_last())
		close(holder);
	return result[0] == -EAGAIN && SOCK_UNTIL(sock_count() <= 1);
}

TEST_F(race_slow, module)
{
	static const struct contest contest = {
		"attempt to unload x traffic", held_state,
		unload_module, make_traffic, judge_module, ROUNDS, LEAST
	};

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(wire_open(0));
	/* Each of the rounds needs the table for itself. */
	ASSERT_TRUE(sock_sysctl("tether/time_wait_ms", "100"));
	EXPECT_TRUE(race(&contest, 5));
	wire_close();
}

#include "last.h"

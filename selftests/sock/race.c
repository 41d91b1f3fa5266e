// SPDX-License-Identifier: GPL-2.0
/*
 * Races between two calls, on two processors, steered so that each side wins
 * often. What a frame does to a socket is such a call, too: the frame is
 * written to the other end of a TAP device and dealt with meanwhile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include "left.h"
#include "pair.h"
#include "steer.h"
#include "wire.h"

#define ROUNDS 2000
#define LEAST 100

#define SOCK_NAME race
#define SOCK_NO_INET
#define SOCK_NO_VETH
#include "fixture.h"

/* Of the round: the socket that is raced for, its listener, and its address. */
static int fd, listener;
static struct sock_addr address;

static bool race(const struct contest *contests, int n)
{
	bool good = true;
	int i;

	for (i = 0; i < n; i++)
		good = steer(&contests[i]) && good;
	return good;
}

static bool nothing_left(const struct left *base)
{
	if (left_nothing(base))
		return true;
	left_tell(base);
	return false;
}

/* Close at once what accept() gave; what was reset first is no matter. */
static void cut_child(void)
{
	int child;

	while ((child = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		sock_cut(child);
}

/* -- frames --------------------------------------------------------------- */

static bool wired_listener(void)
{
	wire_new_peer();
	listener = wire_bound(SOCK_STREAM);
	sock_nonblock(listener, true);
	return listener >= 0;
}

static bool wired_half(void)
{
	return wired_listener() && wire_half();
}

static bool wired_waiting(void)
{
	return wired_half() && wire_send(ACK);
}

static bool wired_child(void)
{
	bool good = wired_half();

	fd = good ? wire_send(ACK) ? accept(listener, NULL, NULL) : -1 : -1;
	close(listener);
	return fd >= 0;
}

static long close_listener(void)
{
	return close(listener);
}

static long close_child(void)
{
	return close(fd);
}

static long accept_child(void)
{
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	return fd;
}

static long send_syn(void)
{
	return wire_send(SYN);
}

static long send_ack(void)
{
	return wire_send(ACK);
}

static long send_rst(void)
{
	return wire_send(RST);
}

static long send_bytes(void)
{
	return wire_bytes(100);
}

/* Whoever came first: in the end the peer has been reset. */
static bool peer_is_reset(const long *result)
{
	return result[0] == 0 && result[1] == 1 && wire_expect(RST, RST);
}

/*
 * A frame that found the listener busy with its own end is dropped, as by TCP:
 * it comes again.
 */
static bool frame_was_late(void)
{
	static long before;
	long now = sock_counter("drop_state");
	bool late = now > before;

	before = now;
	return late;
}

/* The listener answered, or was gone; what it had begun ends with it. */
static bool peer_is_answered(const long *result)
{
	struct frame frame;

	if (result[0] || result[1] != 1)
		return false;
	while (wire_get(&frame, 0)) {
		if (frame.flags & (SYN | RST))
			return true;
	}
	return frame_was_late();
}

/* A child that was reset is still accepted, as TCP's is. */
static bool child_is_reset(const long *result)
{
	char c;
	long got = result[0] < 0 ? -1 :
		   sock_result(recv(fd, &c, 1, MSG_DONTWAIT));

	if (result[0] >= 0)
		close(fd);
	close(listener);
	return result[1] == 1 && got == -ECONNRESET;
}

TEST_F(race, frames)
{
	static const struct contest contests[] = {
		{ "close of a listener x SYN", wired_listener,
		  close_listener, send_syn, peer_is_answered, ROUNDS, LEAST },
		{ "close of a listener x final ACK", wired_half,
		  close_listener, send_ack, peer_is_answered, ROUNDS, LEAST },
		{ "accept x RST", wired_waiting,
		  accept_child, send_rst, child_is_reset, ROUNDS, LEAST },
		{ "close x data", wired_child,
		  close_child, send_bytes, peer_is_reset, ROUNDS, LEAST },
	};

	struct left base;

	ASSERT_TRUE(left_begin(&base));
	ASSERT_TRUE(wire_open(0));
	EXPECT_TRUE(race(contests, ARRAY_SIZE(contests)));
	wire_close();
	EXPECT_TRUE(nothing_left(&base));
}

/* -- readers -------------------------------------------------------------- */

static long read_name(void)
{
	struct sock_addr name = { .len = sizeof(name.th) };

	if (getsockname(fd, &name.sa, &name.len))
		return -1;
	return ntohs(name.th.sth_port);
}

static long read_error(void)
{
	int error = -1;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? -1 : error;
}

static long read_queue(void)
{
	int bytes = -1;

	return ioctl(fd, SIOCOUTQ, &bytes) ? -1 : bytes;
}

/* The number of sockets in the table. */
static long read_table(void)
{
	return sock_count();
}

/* What connects to a listener that is always there. */
static bool race_for_listener(const struct contest *contests, int n)
{
	struct left base;
	bool good;

	if (!left_begin(&base))
		return false;
	listener = sock_listener(4);
	sock_nonblock(listener, true);
	sock_addr_dest(&address, sock_port(listener));
	good = listener >= 0 && race(contests, n);
	close(listener);
	return nothing_left(&base) && good;
}

static bool unconnected(void)
{
	fd = sock_open(SOCK_STREAM);
	return fd >= 0;
}

static long connect_to(void)
{
	return sock_connect_addr(fd, &address);
}

static bool connected(const long *result)
{
	bool good = result[1] == 0 && sock_port(fd) > 0;

	sock_cut(fd);
	cut_child();
	return good;
}

/* Before there is a port, it is 0; afterwards it is the one. */
static bool judge_name(const long *result)
{
	return (result[0] == 0 || result[0] == sock_port(fd)) &&
	       connected(result);
}

static bool judge_nothing(const long *result)
{
	return result[0] == 0 && connected(result);
}

static bool judge_queue(const long *result)
{
	return (result[0] == 0 || result[0] == -EINVAL) && connected(result);
}

/* The listener, and the other two from some moment on. */
static bool judge_table(const long *result)
{
	return result[0] >= 1 && result[0] <= 3 && connected(result);
}

TEST_F(race, connect)
{
	static const struct contest contests[] = {
		{ "getsockname x connect", unconnected,
		  read_name, connect_to, judge_name, ROUNDS, LEAST },
		{ "getsockopt x connect", unconnected,
		  read_error, connect_to, judge_nothing, ROUNDS, LEAST },
		{ "ioctl x connect", unconnected,
		  read_queue, connect_to, judge_queue, ROUNDS, LEAST },
		{ "/proc x connect", unconnected,
		  read_table, connect_to, judge_table, ROUNDS, LEAST },
	};

	EXPECT_TRUE(race_for_listener(contests, ARRAY_SIZE(contests)));
}

static bool connected_pair(void)
{
	fd = sock_connect_to(listener);
	return fd >= 0;
}

static bool judge_close(const long *result)
{
	cut_child();
	return (result[0] >= 0 || result[0] == -EBADF) && result[1] == 0;
}

TEST_F(race, close)
{
	static const struct contest contests[] = {
		{ "getsockname x close", connected_pair,
		  read_name, close_child, judge_close, ROUNDS, LEAST },
		{ "getsockopt x close", connected_pair,
		  read_error, close_child, judge_close, ROUNDS, LEAST },
		{ "ioctl x close", connected_pair,
		  read_queue, close_child, judge_close, ROUNDS, LEAST },
		{ "/proc x close", connected_pair,
		  read_table, close_child, judge_close, ROUNDS, LEAST },
	};

	EXPECT_TRUE(race_for_listener(contests, ARRAY_SIZE(contests)));
}

/* -- options -------------------------------------------------------------- */

static long set_option(int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* Another one each round, and each with another value the next time. */
static long set_options(void)
{
	static const struct {
		int level, name, values[2];
	} options[] = {
		{ SOL_SOCKET, SO_RCVBUF, { 65536, 262144 } },
		{ SOL_SOCKET, SO_SNDBUF, { 65536, 262144 } },
		{ SOL_SOCKET, SO_RCVLOWAT, { 1, 50 } },
		{ SOL_SOCKET, SO_KEEPALIVE, { 1, 0 } },
		{ SOL_SOCKET, SO_PRIORITY, { 1, 0 } },
		{ IPPROTO_TCP, TCP_NODELAY, { 1, 0 } },
	};
	int round = steer_round(), n = round % (ARRAY_SIZE(options) + 1);
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, -1);
	struct sock_fprog filter = { .len = 1, .filter = &all };

	if (n < ARRAY_SIZE(options))
		return set_option(options[n].level, options[n].name,
				  options[n].values[round & 1]);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			  sizeof(filter));
}

static bool judge_bytes(const long *result)
{
	char buf[100];

	return result[0] == 0 && result[1] == 1 &&
	       recv(fd, buf, sizeof(buf), 0) == sizeof(buf);
}

static long send_back(void)
{
	static char bytes[100];

	return send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

/* The peer acknowledges what it got. */
static bool judge_sent(const long *result)
{
	struct frame frame;

	while (wire_get(&frame, 0))
		;
	return result[0] == 0 && result[1] == 100 && wire_send(ACK);
}

TEST_F(race, options)
{
	static const struct contest contests[] = {
		{ "setsockopt x bytes that come", NULL,
		  set_options, send_bytes, judge_bytes, ROUNDS, LEAST },
		{ "setsockopt x send", NULL,
		  set_options, send_back, judge_sent, ROUNDS, LEAST },
	};

	struct left base;

	ASSERT_TRUE(left_begin(&base));
	ASSERT_TRUE(wire_open(0));
	ASSERT_TRUE(wired_child());
	EXPECT_TRUE(race(contests, ARRAY_SIZE(contests)));
	sock_cut(fd);
	wire_close();
	EXPECT_TRUE(nothing_left(&base));
}

#include "last.h"

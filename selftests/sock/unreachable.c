// SPDX-License-Identifier: GPL-2.0
/* Nobody answers, or the device is down: what the program is told, and when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "pair.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)
#define SILENCE "netem loss 100%"
#define SPEECH "pfifo"

#define SOCK_NAME silent
#include "fixture.h"
#define SOCK_NAME down
#include "fixture.h"
/* The times of the manual. */
#define SOCK_NAME schedule
#define SOCK_NO_INET
#include "fixture.h"

/* A namespace in which nobody answers for long; TCP by its own sysctls. */
static bool impatient_net(void)
{
	if (!sock_fresh_net())
		return false;
	if (sock_is_inet())
		return sock_sysctl("ipv4/tcp_syn_retries", "1") &&
		       sock_sysctl("ipv4/tcp_retries2", "3");
	return sock_sysctl("tether/syn_retries", "1") &&
	       sock_sysctl("tether/retries", "3");
}

static long milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

TEST_F(silent, connect)
{
	int fd, listener;
	struct sock_addr addr;

	ASSERT_TRUE(impatient_net());
	listener = sock_listener(1);
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_TRUE(sock_qdisc(SILENCE));
	fd = sock_open(SOCK_STREAM);
	STEP("connect", -ETIMEDOUT, sock_connect_addr(fd, &addr));
	STEP("error was taken", 0, sock_error(fd));
	STEP("poll", POLLOUT | POLLHUP, sock_events(fd, ALL));
	STEP("state", 0, strcmp(sock_state(fd), "CLOSED"));
	ASSERT_TRUE(sock_qdisc(SPEECH));
	STEP("anew", 0, sock_connect_addr(fd, &addr));
	STEP("accept", 0, sock_made(sock_accept(listener)));
}

TEST_F(silent, connect_nonblock)
{
	int fd = -1, listener;
	struct sock_addr addr;

	ASSERT_TRUE(impatient_net());
	listener = sock_listener(1);
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_TRUE(sock_qdisc(SILENCE));
	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("outcome", POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
	     sock_wait(fd, ALL));
	STEP("error", -ETIMEDOUT, sock_error(fd));
	STEP("once", 0, sock_error(fd));
	STEP("already reported", -ECONNABORTED, sock_connect_addr(fd, &addr));
}

static long do_recv(void *arg)
{
	char c;

	return recv(*(int *)arg, &c, 1, 0);
}

static long do_send(void *arg)
{
	static char buf[65536];
	ssize_t n;

	do {
		n = send(*(int *)arg, buf, sizeof(buf), MSG_NOSIGNAL);
	} while (n > 0);
	return n;
}

/* Bytes that nobody acknowledges: the reader is told, once. */
TEST_F(silent, recv)
{
	struct sock_job job;
	int fd[2];
	char c;

	ASSERT_TRUE(impatient_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(sock_qdisc(SILENCE));
	ASSERT_EQ(0, sock_start(&job, do_recv, &fd[0]));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("send", 1, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("recv", -ETIMEDOUT, sock_finish(&job));
	STEP("recv again", 0, recv(fd[0], &c, 1, 0));
	STEP("send again", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("error was taken", 0, sock_error(fd[0]));
	STEP("state", 0, strcmp(sock_state(fd[0]), "CLOSED"));
	STEP("the peer knows nothing", POLLOUT, sock_events(fd[1], ALL));
}

/* The writer that waits for room is told, once. */
TEST_F(silent, send)
{
	struct sock_job job;
	int fd[2];
	char c;

	ASSERT_TRUE(impatient_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(sock_qdisc(SILENCE));
	ASSERT_EQ(0, sock_start(&job, do_send, &fd[0]));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("send", -ETIMEDOUT, sock_finish(&job));
	STEP("send again", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("recv", 0, recv(fd[0], &c, 1, 0));
}

/* Probes of a window that is shut are not answered either. */
TEST_F(silent, probe)
{
	int fd[2];
	char c;

	ASSERT_TRUE(impatient_net());
	ASSERT_EQ(0, sock_pair(fd));
	sock_fill(fd[0]);
	ASSERT_TRUE(sock_qdisc(SILENCE));
	STEP("recv", -ETIMEDOUT, recv(fd[0], &c, 1, 0));
	STEP("recv again", 0, recv(fd[0], &c, 1, 0));
	STEP("send", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
}

/* What has arrived can be read before the error. */
TEST_F(silent, bytes_first)
{
	int fd[2];
	char c;

	ASSERT_TRUE(impatient_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(1, send(fd[1], "b", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[0], 1));
	ASSERT_TRUE(sock_qdisc(SILENCE));
	STEP("send", 1, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("error", 1, SOCK_UNTIL(sock_events(fd[0], ALL) & POLLERR));
	STEP("bytes", 1, recv(fd[0], &c, 1, 0));
	STEP("then the error", -ETIMEDOUT, recv(fd[0], &c, 1, 0));
	STEP("then the end", 0, recv(fd[0], &c, 1, 0));
}

/* As lib.sh of the suite net. */
static bool virtual_clock(void)
{
	const char *clock = getenv("TETHER_CLOCK");
	const char *kernel = getenv("TETHER_KERNEL");

	return (clock && !strcmp(clock, "virtual")) ||
	       (kernel && !strcmp(kernel, "uml"));
}

/* Six more SYNs, the first after a second: 1 + 2 + 4 + ... + 32, then 60 s. */
TEST_F(schedule, by_default)
{
	struct sock_addr addr;
	long start;

	if (!virtual_clock())
		SKIP(return, "takes two minutes");
	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_qdisc(SILENCE));
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	start = milliseconds();
	STEP("connect", -ETIMEDOUT,
	     sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	EXPECT_GE(milliseconds() - start, 123000);
	EXPECT_EQ(7, sock_counter("segments_out"));
	EXPECT_EQ(6, sock_counter("did_syn_retransmit"));
	EXPECT_EQ(1, sock_counter("did_timeout"));
	EXPECT_EQ(1, sock_counter("did_error"));
}

/* The device that the client goes by. */
static bool link_set(const char *how)
{
	char command[128];

	if (sock_link != SOCK_VETH)
		snprintf(command, sizeof(command), "ip link set lo %s", how);
	else
		snprintf(command, sizeof(command),
			 "ip link set " SOCK_DEV_CLIENT " %s", how);
	return !system(command);
}

/* TCP goes on sending: its routes over lo are there, even if lo is down. */
TEST_F(down, no_connect)
{
	struct sock_addr addr;
	int fd, listener;

	ASSERT_TRUE(impatient_net());
	listener = sock_listener(1);
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_TRUE(link_set("down"));
	fd = sock_open(SOCK_STREAM);
	STEP("connect", -ETIMEDOUT, sock_connect_addr(fd, &addr));
	STEP("no error is left", 0, sock_error(fd));
	STEP("state", 0, strcmp(sock_state(fd), "CLOSED"));
	STEP("without waiting", -EINPROGRESS,
	     sock_connect_addr(sock_open(SOCK_STREAM | SOCK_NONBLOCK), &addr));
	ASSERT_TRUE(link_set("up"));
	STEP("up again", 0, sock_connect_addr(fd, &addr));
}

TEST_F(down, no_datagram)
{
	struct sock_addr addr;
	int fd[2], other;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_dgram_pair(fd));
	sock_addr_dest(&addr, sock_port(fd[1]));
	other = sock_open(SOCK_DGRAM);
	ASSERT_TRUE(link_set("down"));
	STEP("sendto", 1, sendto(other, "x", 1, 0, &addr.sa, addr.len));
	STEP("send", 1, send(fd[0], "x", 1, 0));
	STEP("connect", 0, sock_connect_addr(other, &addr));
	STEP("nothing came", 0, sock_events(fd[1], POLLIN));
	ASSERT_TRUE(link_set("up"));
	STEP("sendto, up again", 1,
	     sendto(other, "x", 1, 0, &addr.sa, addr.len));
	STEP("it comes", POLLIN, sock_wait(fd[1], POLLIN));
	STEP("send, up again", 1, send(fd[0], "x", 1, 0));
}

/* Connections stay, and go on when the device is up again. */
TEST_F(down, connection_stays)
{
	int fd[2];
	char c;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(link_set("down"));
	STEP("send", 1, send(fd[0], "d", 1, 0));
	STEP("send back", 1, send(fd[1], "b", 1, 0));
	STEP("both stay", 2, !strcmp(sock_state(fd[0]), "ESTABLISHED") +
	     !strcmp(sock_state(fd[1]), "ESTABLISHED"));
	STEP("nothing came", POLLOUT, sock_events(fd[1], ALL));
	ASSERT_TRUE(sock_is_inet() || sock_counter("xmit_nodev") > 0);
	ASSERT_TRUE(link_set("up"));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("recv back", 1, recv(fd[0], &c, 1, 0));
	STEP("no error", 0, sock_error(fd[0]));
}

#include "last.h"

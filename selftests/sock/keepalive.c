// SPDX-License-Identifier: GPL-2.0
/* SO_KEEPALIVE: a peer that has fallen silent is noticed, and only then. */
#include <string.h>
#include <unistd.h>
#include "pair.h"

/* As short as TCP takes them, and what that comes to. */
#define IDLE_MS		1000
#define INTERVAL_MS	1000
#define PROBES		2
#define GIVE_UP_MS	(IDLE_MS + PROBES * INTERVAL_MS)
/* TCP counts in ticks, and rounds. */
#define TICKS_MS	50

#define SOCK_NAME keepalive
#include "fixture.h"

/* Probes are counted by our own counters only. */
#define SOCK_NAME counted
#define SOCK_NO_INET
#include "fixture.h"

static bool short_times(void)
{
	if (sock_is_inet())
		return sock_sysctl("ipv4/tcp_keepalive_time", "1") &&
		       sock_sysctl("ipv4/tcp_keepalive_intvl", "1") &&
		       sock_sysctl("ipv4/tcp_keepalive_probes", "2");
	return sock_sysctl("tether/keep_idle_ms", "1000") &&
	       sock_sysctl("tether/keep_interval_ms", "1000") &&
	       sock_sysctl("tether/keep_probes", "2");
}

static int keep(int fd, int on)
{
	return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static bool is_open(int fd)
{
	return !strcmp(sock_state(fd), "ESTABLISHED") && !sock_error(fd);
}

/* Whether a byte still gets from one end to the other. */
static bool carries(const int fd[2])
{
	char c = 0;

	return send(fd[0], "k", 1, MSG_NOSIGNAL) == 1 &&
	       recv(fd[1], &c, 1, 0) == 1 && c == 'k';
}

TEST_F(keepalive, silent_peer)
{
	long start = sock_ms();
	int fd[2];
	char c;

	ASSERT_TRUE(short_times());
	ASSERT_EQ(0, sock_pair(fd));
	STEP("set", 0, keep(fd[0], 1));
	ASSERT_EQ(0, sock_silence(fd[1], true));
	STEP("recv", -ETIMEDOUT, recv(fd[0], &c, 1, 0));
	STEP("in its time", 1, sock_ms() - start >= GIVE_UP_MS - TICKS_MS);
	STEP("told once", 0, recv(fd[0], &c, 1, 0));
	STEP("closed", 0, strcmp(sock_state(fd[0]), "CLOSED"));
	STEP("send", -EPIPE, send(fd[0], &c, 1, MSG_NOSIGNAL));
	sock_cut(fd[1]);
}

/* It may be set before there is a connection; a failure does not clear it. */
TEST_F(keepalive, before_connect)
{
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), got;
	struct sock_addr addr;
	char c;

	ASSERT_TRUE(short_times());
	STEP("set", 0, keep(fd, 1));
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("refused", -ECONNREFUSED, sock_connect_addr(fd, &addr));
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_EQ(0, sock_connect_addr(fd, &addr));
	got = sock_accept(listener);
	ASSERT_EQ(0, sock_silence(got, true));
	STEP("recv", -ETIMEDOUT, recv(fd, &c, 1, 0));
	sock_cut(got);
}

TEST_F(keepalive, inherited)
{
	int listener = sock_listener(1), fd, got;
	char c;

	ASSERT_TRUE(short_times());
	STEP("set", 0, keep(listener, 1));
	fd = sock_connect_to(listener);
	got = sock_accept(listener);
	ASSERT_EQ(0, sock_silence(fd, true));
	STEP("recv", -ETIMEDOUT, recv(got, &c, 1, 0));
	sock_cut(fd);
}

/*
 * Without the option silence means nothing. The third pair, which has it, and
 * later than the others could, is the clock.
 */
TEST_F(keepalive, off)
{
	int never[2], cleared[2], clock[2];
	char c;

	ASSERT_TRUE(short_times());
	ASSERT_EQ(0, sock_pair(never));
	ASSERT_EQ(0, sock_silence(never[1], true));
	ASSERT_EQ(0, sock_pair(cleared));
	STEP("set", 0, keep(cleared[0], 1));
	STEP("clear", 0, keep(cleared[0], 0));
	ASSERT_EQ(0, sock_silence(cleared[1], true));
	ASSERT_EQ(0, sock_pair(clock));
	STEP("set for the clock", 0, keep(clock[0], 1));
	ASSERT_EQ(0, sock_silence(clock[1], true));
	STEP("time is over", -ETIMEDOUT, recv(clock[0], &c, 1, 0));
	STEP("never set", 1, is_open(never[0]));
	STEP("cleared", 1, is_open(cleared[0]));
	ASSERT_EQ(0, sock_silence(never[1], false));
	ASSERT_EQ(0, sock_silence(cleared[1], false));
	STEP("one carries", 1, carries(never));
	STEP("the other, too", 1, carries(cleared));
	sock_cut(clock[1]);
}

/* So many probes and no more, none of them for those without the option. */
TEST_F(counted, probes)
{
	long probes = sock_counter("did_keepalive");
	long timeouts = sock_counter("did_timeout");
	int without[2], fd[2];
	char c;

	ASSERT_TRUE(short_times());
	ASSERT_EQ(0, sock_pair(without));
	ASSERT_EQ(0, sock_silence(without[1], true));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, keep(fd[0], 1));
	ASSERT_EQ(0, sock_silence(fd[1], true));
	ASSERT_EQ(-1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(ETIMEDOUT, errno);
	EXPECT_EQ(probes + PROBES, sock_counter("did_keepalive"));
	EXPECT_EQ(timeouts + 1, sock_counter("did_timeout"));
	sock_cut(without[1]);
	sock_cut(fd[1]);
}

/* As long as each probe is answered, they may be ever so many. */
TEST_F(counted, answered)
{
	long probes = sock_counter("did_keepalive");
	int fd[2];

	ASSERT_TRUE(short_times());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, keep(fd[0], 1));
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("did_keepalive") >=
			       probes + 2 * PROBES));
	EXPECT_TRUE(is_open(fd[0]));
	EXPECT_TRUE(carries(fd));
}

#include "last.h"

// SPDX-License-Identifier: GPL-2.0
/* Socket options: set, get, refuse, and what each of them does. */
#include <sys/mman.h>
#include <unistd.h>
#include "pair.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

/* What TCP has no counterpart of. */
#define SOCK_NAME own
#define SOCK_NO_INET
#define SOCK_NO_VETH
#include "fixture.h"

#define SOCK_NAME options
#define SOCK_NO_VETH
#include "fixture.h"

/* What TCP has only since kernel 6.9. */
#define SOCK_NAME peeks
#define SOCK_NO_INET
#include "fixture.h"

/* What shows only when bytes move. */
#define SOCK_NAME effects
#include "fixture.h"

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int get_int(int fd, int level, int name)
{
	return sock_int_option(fd, level, name);
}

static int set_sock(int fd, int name, int value)
{
	return set_int(fd, SOL_SOCKET, name, value);
}

static int get_sock(int fd, int name)
{
	return get_int(fd, SOL_SOCKET, name);
}

TEST_F(options, identity)
{
	int fd = sock_open(SOCK_STREAM), dgram = sock_open(SOCK_DGRAM);

	STEP("type", SOCK_STREAM, get_sock(fd, SO_TYPE));
	STEP("type of the other", SOCK_DGRAM, get_sock(dgram, SO_TYPE));
	STEP("domain", 0, get_sock(fd, SO_DOMAIN) - sock_family());
	STEP("protocol", IPPROTO_TCP, get_sock(fd, SO_PROTOCOL));
	STEP("protocol that was named", IPPROTO_TCP,
	     get_sock(socket(sock_family(), SOCK_STREAM, IPPROTO_TCP),
		      SO_PROTOCOL));
	STEP("protocol of the other", IPPROTO_UDP,
	     get_sock(dgram, SO_PROTOCOL));
	STEP("accepting", 0, get_sock(fd, SO_ACCEPTCONN));
	STEP("listening", 1, get_sock(sock_listener(1), SO_ACCEPTCONN));
	STEP("error", 0, get_sock(fd, SO_ERROR));
	STEP("type is not set", -ENOPROTOOPT, set_sock(fd, SO_TYPE, 1));
	STEP("domain is not set", -ENOPROTOOPT, set_sock(fd, SO_DOMAIN, 1));
	STEP("protocol is not set", -ENOPROTOOPT, set_sock(fd, SO_PROTOCOL, 1));
	STEP("error is not set", -ENOPROTOOPT, set_sock(fd, SO_ERROR, 1));
}

TEST_F(options, flags)
{
	static const int names[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST,
				     SO_DONTROUTE, SO_OOBINLINE, SO_TIMESTAMP };
	static const char * const said[] = { "reuse", "keepalive", "broadcast",
					     "dontroute", "oobinline",
					     "timestamp" };
	int fd = sock_open(SOCK_STREAM), i;
	char step[64];

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(step, sizeof(step), "%s at first", said[i]);
		STEP(step, 0, get_sock(fd, names[i]));
		snprintf(step, sizeof(step), "%s set", said[i]);
		STEP(step, 0, set_sock(fd, names[i], 1));
		snprintf(step, sizeof(step), "%s on", said[i]);
		STEP(step, 1, get_sock(fd, names[i]));
		snprintf(step, sizeof(step), "%s cleared", said[i]);
		STEP(step, 0, set_sock(fd, names[i], 0));
		snprintf(step, sizeof(step), "%s off", said[i]);
		STEP(step, 0, get_sock(fd, names[i]));
	}
}

TEST_F(options, nodelay)
{
	int fd = sock_open(SOCK_STREAM), level = IPPROTO_TCP;

	STEP("at first", 0, get_int(fd, level, TCP_NODELAY));
	STEP("set", 0, set_int(fd, level, TCP_NODELAY, 1));
	STEP("on", 1, get_int(fd, level, TCP_NODELAY));
	STEP("any number is on", 0, set_int(fd, level, TCP_NODELAY, 77));
	STEP("one", 1, get_int(fd, level, TCP_NODELAY));
	STEP("clear", 0, set_int(fd, level, TCP_NODELAY, 0));
	STEP("off", 0, get_int(fd, level, TCP_NODELAY));
	STEP("wrong level", -ENOPROTOOPT, set_int(fd, 299, TCP_NODELAY, 1));
	STEP("get at the wrong level", -EOPNOTSUPP,
	     sock_result(get_int(fd, 299, TCP_NODELAY)));
	if (!sock_is_inet()) {
		EXPECT_EQ(0, set_int(fd, SOL_TETHER, TETHER_NODELAY, 1));
		EXPECT_EQ(1, get_int(fd, SOL_TETHER, TETHER_NODELAY));
		EXPECT_EQ(1, get_int(fd, level, TCP_NODELAY));
	}
}

TEST_F(options, linger)
{
	struct linger linger = { 1, 7 };
	socklen_t len = sizeof(linger);
	int fd = sock_open(SOCK_STREAM);

	STEP("set", 0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, len));
	linger = (struct linger){ 0 };
	STEP("get", 0, getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len));
	STEP("length", sizeof(linger), len);
	STEP("on", 1, linger.l_onoff);
	STEP("seconds", 7, linger.l_linger);
	STEP("short", -EINVAL, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4));
}

/* The kernel doubles what is asked for and keeps it within its limits. */
TEST_F(options, buffers)
{
	int fd = sock_open(SOCK_STREAM), least;

	STEP("receive", 0, set_sock(fd, SO_RCVBUF, 20000));
	STEP("doubled", 40000, get_sock(fd, SO_RCVBUF));
	STEP("send", 0, set_sock(fd, SO_SNDBUF, 30000));
	STEP("send doubled", 60000, get_sock(fd, SO_SNDBUF));
	STEP("no receive buffer", 0, set_sock(fd, SO_RCVBUF, 0));
	least = get_sock(fd, SO_RCVBUF);
	STEP("a least one", 1, least > 0 && least < 20000);
	STEP("negative", 0, set_sock(fd, SO_RCVBUF, -1));
	STEP("negative is huge", 1, get_sock(fd, SO_RCVBUF) > 20000);
	STEP("no send buffer", 0, set_sock(fd, SO_SNDBUF, 0));
	least = get_sock(fd, SO_SNDBUF);
	STEP("a least send buffer", 1, least > 0 && least < 20000);
	STEP("huge", 0, set_sock(fd, SO_SNDBUF, 0x7fffffff));
	STEP("clamped", 1, get_sock(fd, SO_SNDBUF) < 0x7fffffff);
	STEP("force", 0, set_sock(fd, SO_RCVBUFFORCE, 5000000));
	STEP("forced", 10000000, get_sock(fd, SO_RCVBUF));
}

TEST_F(options, timeouts)
{
	struct timeval tv = { 3, 250000 };
	socklen_t len = sizeof(tv);
	int fd = sock_open(SOCK_STREAM);

	STEP("set", 0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, len));
	STEP("set send", 0, setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, len));
	tv = (struct timeval){ 0 };
	STEP("get", 0, getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	STEP("seconds", 3, tv.tv_sec);
	tv.tv_usec = 1000000;
	STEP("too many microseconds", -EDOM,
	     setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, len));
	STEP("short", -EINVAL, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, 4));
	tv = (struct timeval){ -1, 0 };
	STEP("negative", 0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, len));
}

TEST_F(options, plain_numbers)
{
	static const int names[] = { SO_PRIORITY, SO_MARK, SO_RCVLOWAT };
	static const char * const said[] = { "priority", "mark", "low water" };
	int fd = sock_open(SOCK_STREAM), i;
	char step[64];

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(step, sizeof(step), "%s set", said[i]);
		STEP(step, 0, set_sock(fd, names[i], 5));
		snprintf(step, sizeof(step), "%s", said[i]);
		STEP(step, 5, get_sock(fd, names[i]));
	}
	STEP("zero low water", 0, set_sock(fd, SO_RCVLOWAT, 0));
	STEP("is one", 1, get_sock(fd, SO_RCVLOWAT));
	STEP("send low water", -ENOPROTOOPT, set_sock(fd, SO_SNDLOWAT, 5));
	STEP("send low water is one", 1, get_sock(fd, SO_SNDLOWAT));
}

TEST_F(options, unknown)
{
	int fd = sock_open(SOCK_STREAM), value;
	socklen_t len = sizeof(value);

	STEP("set", -ENOPROTOOPT, set_sock(fd, 9999, 1));
	STEP("get", -ENOPROTOOPT, sock_result(get_sock(fd, 9999)));
	STEP("set of TCP", -ENOPROTOOPT, set_int(fd, IPPROTO_TCP, 9999, 1));
	STEP("get of TCP", -ENOPROTOOPT,
	     sock_result(get_int(fd, IPPROTO_TCP, 9999)));
	STEP("negative", -ENOPROTOOPT, set_int(fd, IPPROTO_TCP, -1, 1));
	STEP("level", -ENOPROTOOPT, set_int(fd, 12345, 1, 1));
	STEP("negative level", -ENOPROTOOPT, set_int(fd, -1, 1, 1));
	STEP("get of a level", -EOPNOTSUPP,
	     getsockopt(fd, 12345, 1, &value, &len));
}

/*
 * What the kernel knows of its own families only. Kernel 6.1 accepts
 * SO_REUSEPORT in silence, so what counts is that it does nothing.
 */
TEST_F(options, refused)
{
	int a = sock_open(SOCK_STREAM), b = sock_open(SOCK_STREAM);
	struct sock_addr addr;

	STEP("zero copy", 1, !set_sock(a, SO_ZEROCOPY, 1));
	set_sock(a, SO_REUSEPORT, 1);
	set_sock(b, SO_REUSEPORT, 1);
	sock_addr_server(&addr, SOCK_PORT_FIXED + 31);
	STEP("bind", 0, sock_bind(a, &addr));
	STEP("listen", 0, listen(a, 1));
	STEP("bind to the port of another", 0, sock_bind(b, &addr));
}

static bool has_info(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
}

/* Options of TCP that programs know, and that we do not have. */
TEST_F(options, missing)
{
	int fd = sock_open(SOCK_STREAM);

	STEP("cork", 0, set_int(fd, IPPROTO_TCP, TCP_CORK, 1));
	STEP("segment size", 0, set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1000));
	STEP("info", 0, has_info(fd) ? 0 : -errno);
	STEP("corked", 1, get_int(fd, IPPROTO_TCP, TCP_CORK));
}

/* Options of TCP that say nothing here: none succeeds in silence. */
TEST_F(own, not_ours)
{
	static const int names[] = { TCP_KEEPIDLE, TCP_USER_TIMEOUT,
				     TCP_QUICKACK };
	int fd = sock_open(SOCK_STREAM), i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-1, set_int(fd, IPPROTO_TCP, names[i], 1));
		EXPECT_EQ(ENOPROTOOPT, errno);
	}
	EXPECT_EQ(-1, set_int(fd, IPPROTO_IP, 1, 1));
	EXPECT_EQ(ENOPROTOOPT, errno);
}

/* Datagrams have no options of a level of their own. */
TEST_F(options, datagrams)
{
	int fd = sock_open(SOCK_DGRAM);

	STEP("set of TCP", -ENOPROTOOPT, set_int(fd, IPPROTO_TCP, 1, 1));
	STEP("get of TCP", -EOPNOTSUPP,
	     sock_result(get_int(fd, IPPROTO_TCP, 1)));
	STEP("level", -ENOPROTOOPT, set_int(fd, 12345, 1, 1));
	STEP("get of a level", -EOPNOTSUPP,
	     sock_result(get_int(fd, 12345, 1)));
}

/* Our level by its own name. */
TEST_F(own, level)
{
	int fd = sock_open(SOCK_STREAM), dgram = sock_open(SOCK_DGRAM);
	int level = SOL_TETHER, on = 1;

	STEP("short", -EINVAL, setsockopt(fd, level, TETHER_NODELAY, &on, 3));
	STEP("NULL", -EFAULT, setsockopt(fd, level, TETHER_NODELAY, NULL, 4));
	STEP("unknown", -ENOPROTOOPT, set_int(fd, level, 2, 1));
	STEP("get unknown", -ENOPROTOOPT, sock_result(get_int(fd, level, 2)));
	STEP("datagram", -ENOPROTOOPT,
	     set_int(dgram, level, TETHER_NODELAY, 1));
	STEP("get of a datagram", -ENOPROTOOPT,
	     sock_result(get_int(dgram, level, TETHER_NODELAY)));
}

/* An option that takes an int, given lengths from 0 to 64. */
TEST_F(options, lengths)
{
	int fd = sock_open(SOCK_STREAM), i, set = 0, got = 0, kept = 0;
	unsigned char value[128];
	socklen_t len;

	for (i = 0; i <= 64; i++) {
		memset(value, 0, sizeof(value));
		value[0] = 1;
		if (!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, i))
			set++;
		else if (errno != EINVAL)
			set = -1000;
		len = i;
		memset(value, 0xaa, sizeof(value));
		if (!getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, &len))
			got += len == (i < 4 ? i : 4);
		kept += value[len] == 0xaa && value[127] == 0xaa;
	}
	STEP("set by 4 and more", 61, set);
	STEP("got by any", 65, got);
	STEP("no more was written", 65, kept);
	len = -1;
	STEP("negative get", -EINVAL,
	     getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, &len));
	STEP("negative set", -EINVAL,
	     setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, -1));
	STEP("huge set", 0,
	     setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, 0x7fffffff));
}

TEST_F(options, pointers)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *bad = page + 4096, *edge = bad - 2, *fits = bad - 4;
	int fd = sock_open(SOCK_STREAM), tcp = IPPROTO_TCP, value = 1;
	socklen_t len = sizeof(value);

	ASSERT_EQ(0, mprotect(bad, 4096, PROT_NONE));
	STEP("set NULL", -EFAULT, setsockopt(fd, tcp, TCP_NODELAY, NULL, 4));
	STEP("set bad", -EFAULT, setsockopt(fd, tcp, TCP_NODELAY, bad, 4));
	STEP("set over the edge", -EFAULT,
	     setsockopt(fd, tcp, TCP_NODELAY, edge, 4));
	STEP("set at the edge", 0, setsockopt(fd, tcp, TCP_NODELAY, fits, 4));
	STEP("get NULL", -EFAULT, getsockopt(fd, tcp, TCP_NODELAY, NULL, &len));
	len = sizeof(value);
	STEP("get bad", -EFAULT, getsockopt(fd, tcp, TCP_NODELAY, bad, &len));
	len = sizeof(value);
	STEP("get at the edge", 0,
	     getsockopt(fd, tcp, TCP_NODELAY, fits, &len));
	STEP("no length", -EFAULT,
	     getsockopt(fd, tcp, TCP_NODELAY, &value, NULL));
	STEP("bad length", -EFAULT, getsockopt(fd, tcp, TCP_NODELAY, &value,
					       (socklen_t *)bad));
	STEP("bad at SOL_SOCKET", -EFAULT,
	     setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bad, 4));
}

/* Who may share a port, by SO_REUSEADDR of each and whether one listens. */
TEST_F(options, reuse_matrix)
{
	int a, b, i;
	char step[64];
	struct sock_addr addr;

	for (i = 0; i < 8; i++) {
		a = sock_open(SOCK_STREAM);
		b = sock_open(SOCK_STREAM);
		set_sock(a, SO_REUSEADDR, !!(i & 1));
		set_sock(b, SO_REUSEADDR, !!(i & 2));
		sock_addr_server(&addr, SOCK_PORT_FIXED + 30);
		ASSERT_EQ(0, sock_bind(a, &addr));
		if (i & 4)
			ASSERT_EQ(0, listen(a, 1));
		snprintf(step, sizeof(step), "first %s%s, second %s",
			 i & 1 ? "reuses" : "does not",
			 i & 4 ? " and listens" : "",
			 i & 2 ? "reuses" : "does not");
		STEP(step, i == 3 ? 0 : -EADDRINUSE, sock_bind(b, &addr));
		close(a);
		close(b);
	}
}

/* A port whose connection is in TIME_WAIT, and one whose child lives on. */
TEST_F(effects, reuse_of_old)
{
	int listener = sock_open(SOCK_STREAM), port, fd, got;
	struct sock_addr addr;
	char c;

	sock_addr_server(&addr, 0);
	ASSERT_EQ(0, set_sock(listener, SO_REUSEADDR, 1));
	ASSERT_EQ(0, sock_bind(listener, &addr));
	ASSERT_EQ(0, listen(listener, 1));
	port = sock_port(listener);
	fd = sock_connect_to(listener);
	got = sock_accept(listener);
	ASSERT_GE(got, 0);
	ASSERT_EQ(0, close(listener));
	sock_addr_server(&addr, port);
	STEP("a child lives", -EADDRINUSE,
	     sock_bind(sock_open(SOCK_STREAM), &addr));
	/* The server closes first: the TIME_WAIT is the server's. */
	ASSERT_EQ(0, close(got));
	ASSERT_EQ(0, recv(fd, &c, 1, 0));
	ASSERT_EQ(0, close(fd));
	fd = sock_open(SOCK_STREAM);
	STEP("TIME_WAIT", -EADDRINUSE, sock_bind(fd, &addr));
	close(fd);
	fd = sock_open(SOCK_STREAM);
	ASSERT_EQ(0, set_sock(fd, SO_REUSEADDR, 1));
	STEP("TIME_WAIT with reuse", 0, sock_bind(fd, &addr));
}

TEST_F(effects, inherited)
{
	int listener = sock_listener(1), got;
	struct linger linger = { 0 };
	struct timeval tv = { 4, 0 };
	socklen_t len = sizeof(linger);

	linger.l_onoff = 1;
	linger.l_linger = 9;
	ASSERT_EQ(0, set_sock(listener, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, set_sock(listener, SO_RCVBUF, 30000));
	ASSERT_EQ(0, set_sock(listener, SO_PRIORITY, 3));
	ASSERT_EQ(0, set_sock(listener, SO_MARK, 17));
	ASSERT_EQ(0, set_sock(listener, SO_REUSEADDR, 1));
	ASSERT_EQ(0, set_int(listener, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	ASSERT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	ASSERT_GE(sock_connect_to(listener), 0);
	got = sock_accept(listener);
	ASSERT_GE(got, 0);
	STEP("keepalive", 1, get_sock(got, SO_KEEPALIVE));
	STEP("receive buffer", 60000, get_sock(got, SO_RCVBUF));
	STEP("priority is not", 0, get_sock(got, SO_PRIORITY));
	STEP("mark", 17, get_sock(got, SO_MARK));
	STEP("reuse", 1, get_sock(got, SO_REUSEADDR));
	STEP("nodelay", 1, get_int(got, IPPROTO_TCP, TCP_NODELAY));
	STEP("accepting", 0, get_sock(got, SO_ACCEPTCONN));
	linger = (struct linger){ 0 };
	STEP("get linger", 0,
	     getsockopt(got, SOL_SOCKET, SO_LINGER, &linger, &len));
	STEP("linger", 9, linger.l_linger);
	len = sizeof(tv);
	tv.tv_sec = 0;
	STEP("get time-out", 0,
	     getsockopt(got, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	STEP("time-out", 4, tv.tv_sec);
}

/* SO_PEEK_OFF moves on with each peek and back with each read. */
TEST_F(peeks, offset)
{
	char buf[8] = "";
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("off at first", 1, get_sock(fd[1], SO_PEEK_OFF) == -1);
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	STEP("set", 0, set_sock(fd[1], SO_PEEK_OFF, 1));
	STEP("peek", 2, recv(fd[1], buf, 2, MSG_PEEK));
	STEP("bytes", 0, memcmp(buf, "bc", 2));
	STEP("moved on", 3, get_sock(fd[1], SO_PEEK_OFF));
	STEP("peek on", 2, recv(fd[1], buf, 2, MSG_PEEK));
	STEP("further bytes", 0, memcmp(buf, "de", 2));
	STEP("recv", 2, recv(fd[1], buf, 2, 0));
	STEP("moved back", 3, get_sock(fd[1], SO_PEEK_OFF));
	STEP("peek the last", 1, recv(fd[1], buf, 8, MSG_PEEK));
	STEP("last byte", 'f', buf[0]);
	STEP("off", 0, set_sock(fd[1], SO_PEEK_OFF, -1));
	STEP("peek from the start", 4, recv(fd[1], buf, 8, MSG_PEEK));
}

static char large[100000];

static long do_send(void *arg)
{
	return sock_send_all(*(int *)arg, large, sizeof(large));
}

/* Small buffers slow a sender down and lose nothing. */
TEST_F(effects, small_buffers)
{
	static char in[sizeof(large)];
	int fd[2], listener = sock_listener(1);
	struct sock_addr addr;
	struct sock_job job;

	ASSERT_EQ(0, set_sock(listener, SO_RCVBUF, 4096));
	fd[0] = sock_open(SOCK_STREAM);
	ASSERT_EQ(0, set_sock(fd[0], SO_SNDBUF, 4096));
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_EQ(0, sock_connect_addr(fd[0], &addr));
	fd[1] = sock_accept(listener);
	ASSERT_GE(fd[1], 0);
	sock_pattern(large, sizeof(large), 31);
	ASSERT_EQ(0, sock_start(&job, do_send, fd));
	STEP("received", 1, sock_recv_all(fd[1], in, sizeof(in)));
	STEP("sent", 1, sock_finish(&job));
	STEP("intact", 0, !!memcmp(in, large, sizeof(in)));
}

#include "last.h"

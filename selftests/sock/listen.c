// SPDX-License-Identifier: GPL-2.0
/* Listeners: the backlog, accept, and what a closing listener takes along. */
#include <sys/resource.h>
#include <unistd.h>
#include "pair.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)
#define BACKLOG 3

#define SOCK_NAME listener
#include "fixture.h"

static int connecting(int listener)
{
	struct sock_addr addr;
	int fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);

	sock_addr_dest(&addr, sock_port(listener));
	if (!sock_connect_addr(fd, &addr) || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

/* How many clients are connected after all had their chance. */
static int connected(const int *fd, int n)
{
	int i, sum = 0;

	for (i = 0; i < n; i++)
		sum += !!(sock_events(fd[i], POLLOUT) & POLLOUT);
	return sum;
}

/*
 * The backlog is honoured as TCP does: backlog + 1 connections complete, the
 * next waits until one is accepted. Ten times over: nothing wears off.
 */
TEST_F(listener, backlog)
{
	int listener = sock_listener(BACKLOG), fd[BACKLOG + 2], i, round;
	int accepted;

	for (round = 0; round < 10; round++) {
		accepted = 0;
		for (i = 0; i < BACKLOG + 1; i++) {
			fd[i] = connecting(listener);
			ASSERT_GE(fd[i], 0);
			STEP("connects", POLLOUT, sock_wait(fd[i], POLLOUT));
		}
		/* The child is queued when the ACK has arrived. */
		ASSERT_NE(0, sock_wait(listener, POLLIN));
		fd[i] = connecting(listener);
		ASSERT_GE(fd[i], 0);
		for (i = 0; i < BACKLOG + 2; i++) {
			int got = sock_accept(listener);

			accepted += got >= 0;
			close(got);
		}
		STEP("all are accepted", BACKLOG + 2, accepted);
		STEP("none is left", 0, sock_events(listener, POLLIN));
		STEP("all are connected", BACKLOG + 2,
		     connected(fd, BACKLOG + 2));
		for (i = 0; i < BACKLOG + 2; i++)
			close(fd[i]);
	}
}

TEST_F(listener, full)
{
	int listener = sock_listener(BACKLOG), fd[BACKLOG + 1], more, i;
	long before = sock_counter("listen_overflow");
	struct pollfd pfd = { .events = POLLOUT };

	for (i = 0; i < BACKLOG + 1; i++) {
		fd[i] = sock_connect_to(listener);
		STEP("connects", 0, sock_made(fd[i]));
	}
	ASSERT_NE(0, sock_wait(listener, POLLIN));
	more = connecting(listener);
	ASSERT_GE(more, 0);
	pfd.fd = more;
	STEP("one more does not", 0, poll(&pfd, 1, 200));
	STEP("it has no error", 0, sock_error(more));
	STEP("its SYN is counted", 1,
	     sock_is_inet() || sock_counter("listen_overflow") > before);
	STEP("room", 0, sock_made(sock_accept(listener)));
	STEP("it connects", POLLOUT, sock_wait(more, POLLOUT));
}

/* The completed queue has room for one more than net.core.somaxconn. */
TEST_F(listener, somaxconn)
{
	int listener, fd[3], i;
	struct pollfd pfd = { .events = POLLOUT };

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_sysctl("core/somaxconn", "1"));
	listener = sock_listener(BACKLOG);
	for (i = 0; i < 2; i++) {
		fd[i] = sock_connect_to(listener);
		STEP("connects", 0, sock_made(fd[i]));
	}
	ASSERT_NE(0, sock_wait(listener, POLLIN));
	fd[2] = connecting(listener);
	ASSERT_GE(fd[2], 0);
	pfd.fd = fd[2];
	STEP("one more does not", 0, poll(&pfd, 1, 200));
	STEP("room", 0, sock_made(sock_accept(listener)));
	STEP("it connects", POLLOUT, sock_wait(fd[2], POLLOUT));
}

TEST_F(listener, backlog_changed)
{
	int listener = sock_listener(0), fd;

	ASSERT_GE(sock_connect_to(listener), 0);
	fd = connecting(listener);
	ASSERT_GE(fd, 0);
	STEP("waits", 0, sock_events(fd, POLLOUT));
	STEP("larger", 0, listen(listener, 5));
	STEP("connects", POLLOUT, sock_wait(fd, POLLOUT));
	STEP("another", 0, sock_made(sock_connect_to(listener)));
	STEP("smaller", 0, listen(listener, 0));
	STEP("first", 0, sock_made(sock_accept(listener)));
	STEP("second", 0, sock_made(sock_accept(listener)));
	STEP("third", 0, sock_made(sock_accept(listener)));
}

TEST_F(listener, order)
{
	int listener = sock_listener(8), port[4], i, fd;

	for (i = 0; i < 4; i++) {
		fd = sock_connect_to(listener);
		ASSERT_GE(fd, 0);
		port[i] = sock_port(fd);
		/* The next starts when this one is in the queue. */
		ASSERT_EQ(1, send(fd, "o", 1, 0));
		ASSERT_TRUE(sock_acked(fd));
	}
	for (i = 0; i < 4; i++) {
		fd = sock_accept(listener);
		STEP("first come", 0, sock_peer_port(fd) - port[i]);
	}
}

TEST_F(listener, not_listening)
{
	int fd = sock_open(SOCK_STREAM), pair[2];
	struct sock_addr addr;

	STEP("fresh", -EINVAL, accept(fd, NULL, NULL));
	sock_addr_server(&addr, 0);
	ASSERT_EQ(0, sock_bind(fd, &addr));
	STEP("bound", -EINVAL, accept(fd, NULL, NULL));
	ASSERT_EQ(0, sock_pair(pair));
	STEP("connected", -EINVAL, accept(pair[0], NULL, NULL));
	STEP("accepted", -EINVAL, accept(pair[1], NULL, NULL));
	STEP("connected listens", -EINVAL, listen(pair[0], 1));
	STEP("accepted listens", -EINVAL, listen(pair[1], 1));
	ASSERT_EQ(0, shutdown(pair[0], SHUT_WR));
	STEP("half closed listens", -EINVAL, listen(pair[0], 1));
}

TEST_F(listener, ended_listens)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, close(fd[1]));
	ASSERT_EQ(0, recv(fd[0], &c, 1, 0));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	ASSERT_TRUE(SOCK_UNTIL(sock_peer_port(fd[0]) < 0));
	STEP("listen", -EINVAL, listen(fd[0], 1));
}

TEST_F(listener, accept4)
{
	int listener = sock_listener(4), i, fd;
	static const int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC,
				     SOCK_NONBLOCK | SOCK_CLOEXEC };
	static const char * const names[] = { "none", "nonblock", "cloexec",
					      "both" };

	STEP("no such flag", -EINVAL, accept4(listener, NULL, NULL, 1));
	for (i = 0; i < 4; i++) {
		ASSERT_GE(sock_connect_to(listener), 0);
		ASSERT_NE(0, sock_wait(listener, POLLIN));
		fd = accept4(listener, NULL, NULL, flags[i]);
		ASSERT_GE(fd, 0);
		STEP(names[i], flags[i],
		     (fcntl(fd, F_GETFL) & O_NONBLOCK) |
		     (fcntl(fd, F_GETFD) & FD_CLOEXEC ? SOCK_CLOEXEC : 0));
	}
	/* The flag of the listener is not the child's. */
	sock_nonblock(listener, true);
	ASSERT_GE(sock_connect_to(listener), 0);
	fd = sock_accept(listener);
	STEP("not inherited", 0, fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* A listener that closes resets what it has not handed out. */
TEST_F(listener, close_resets)
{
	int listener = sock_listener(4), fd[3], got, i;
	struct sock_addr addr;
	char c;

	sock_addr_dest(&addr, sock_port(listener));
	for (i = 0; i < 3; i++) {
		fd[i] = sock_connect_to(listener);
		ASSERT_GE(fd[i], 0);
		ASSERT_EQ(1, send(fd[i], "q", 1, 0));
		ASSERT_TRUE(sock_acked(fd[i]));
	}
	got = sock_accept(listener);
	ASSERT_GE(got, 0);
	STEP("close", 0, close(listener));
	for (i = 1; i < 3; i++) {
		STEP("queued is reset", -ECONNRESET, recv(fd[i], &c, 1, 0));
		STEP("its end", 0, recv(fd[i], &c, 1, 0));
	}
	STEP("accepted lives", 1, send(got, "l", 1, 0));
	STEP("and its client", 1, recv(fd[0], &c, 1, 0));
	STEP("nobody listens", -ECONNREFUSED,
	     sock_connect_addr(sock_open(SOCK_STREAM), &addr));
}

TEST_F(listener, shutdown_resets)
{
	int listener = sock_listener(4), fd;
	char c;

	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	ASSERT_NE(0, sock_wait(listener, POLLIN));
	STEP("shutdown", 0, shutdown(listener, SHUT_RDWR));
	STEP("queued is reset", -ECONNRESET, recv(fd, &c, 1, 0));
	STEP("poll", POLLOUT | POLLHUP, sock_events(listener, ALL));
	STEP("listens again", 0, listen(listener, 4));
	STEP("connect", 0, sock_made(sock_connect_to(listener)));
	STEP("accept", 0, sock_made(sock_accept(listener)));
}

/* A descriptor too few: the connection stays in the queue. */
TEST_F(listener, no_descriptor)
{
	int listener = sock_listener(2), fd, top;
	struct rlimit old, limit;

	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	ASSERT_NE(0, sock_wait(listener, POLLIN));
	top = dup(fd);
	close(top);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	limit = (struct rlimit){ .rlim_cur = top, .rlim_max = old.rlim_max };
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	STEP("accept", -EMFILE, accept(listener, NULL, NULL));
	STEP("socket", -EMFILE, sock_open(SOCK_STREAM));
	STEP("still ready", POLLIN, sock_events(listener, ALL));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	STEP("accept after it", 0, sock_made(accept(listener, NULL, NULL)));
}

TEST_F(listener, listen_in_use)
{
	int a = sock_open(SOCK_STREAM), b = sock_open(SOCK_STREAM), on = 1;
	struct sock_addr addr;

	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	sock_addr_server(&addr, SOCK_PORT_FIXED);
	STEP("first binds", 0, sock_bind(a, &addr));
	STEP("second binds", 0, sock_bind(b, &addr));
	STEP("first listens", 0, listen(a, 1));
	STEP("second may not", -EADDRINUSE, listen(b, 1));
	STEP("first closes", 0, close(a));
	STEP("second listens", 0, listen(b, 1));
}

static long do_accept(void *arg)
{
	return accept(*(int *)arg, NULL, NULL);
}

/* Each of several waiters gets one connection. */
TEST_F(listener, many_waiters)
{
	struct sock_job job[4];
	int listener = sock_listener(8), i, good = 0;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, sock_start(&job[i], do_accept, &listener));
		ASSERT_TRUE(sock_asleep(&job[i]));
	}
	for (i = 0; i < 4; i++)
		ASSERT_GE(sock_connect_to(listener), 0);
	for (i = 0; i < 4; i++)
		good += sock_finish(&job[i]) >= 0;
	STEP("accepted", 4, good);
	STEP("none left", 0, sock_events(listener, POLLIN));
}

/* A listener bound to one address beside one bound to any. */
TEST_F(listener, specific_first)
{
	int any = sock_open(SOCK_STREAM), one = sock_open(SOCK_STREAM), on = 1;
	struct sock_addr addr;

	setsockopt(any, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	sock_addr_any(&addr, SOCK_PORT_FIXED + 20);
	STEP("any", 0, sock_bind(any, &addr));
	sock_addr_server(&addr, SOCK_PORT_FIXED + 20);
	STEP("one", 0, sock_bind(one, &addr));
	STEP("any listens", 0, listen(any, 1));
	STEP("one may not", -EADDRINUSE, listen(one, 1));
}

#include "last.h"

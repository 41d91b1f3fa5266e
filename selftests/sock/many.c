// SPDX-License-Identifier: GPL-2.0
/* Many connections, one after the other and at once; nothing is left. */
#include <unistd.h>
#include "left.h"
#include "pair.h"

#define SEQUENTIAL 1000
#define CONCURRENT 200

#define SOCK_NAME many
#include "fixture.h"

/* What is left is told by our own tables and caches. */
#define SOCK_NAME left
#define SOCK_NO_INET
#include "fixture.h"

/* A byte there and back. */
static bool exchange(int a, int b)
{
	char c = 0;

	return send(a, "x", 1, MSG_NOSIGNAL) == 1 && recv(b, &c, 1, 0) == 1 &&
	       c == 'x' && send(b, "y", 1, MSG_NOSIGNAL) == 1 &&
	       recv(a, &c, 1, 0) == 1 && c == 'y';
}

static int sequential(int n)
{
	int listener = sock_listener(8), good = 0, fd, got, i;

	for (i = 0; i < n; i++) {
		fd = sock_connect_to(listener);
		got = fd < 0 ? -1 : sock_accept(listener);
		good += got >= 0 && exchange(fd, got);
		/* Each end is the first to close in turn. */
		close(i & 1 ? fd : got);
		close(i & 1 ? got : fd);
	}
	close(listener);
	return good;
}

static int concurrent(int n)
{
	int listener = sock_listener(n), *fd, *got, good = 0, i, j;
	struct sock_addr addr;

	fd = calloc(2 * n, sizeof(*fd));
	got = fd + n;
	sock_addr_dest(&addr, sock_port(listener));
	for (i = 0; i < n; i++) {
		fd[i] = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
		sock_connect_addr(fd[i], &addr);
	}
	for (i = 0; i < n; i++) {
		int child = sock_accept(listener), port = sock_peer_port(child);

		for (j = 0; j < n; j++)
			if (sock_port(fd[j]) == port)
				got[j] = child;
	}
	for (i = 0; i < n; i++) {
		sock_wait(fd[i], POLLOUT);
		sock_nonblock(fd[i], false);
	}
	for (i = 0; i < n; i++)
		good += got[i] > 0 && exchange(fd[i], got[i]);
	for (i = 0; i < n; i++) {
		close(fd[i]);
		close(got[i]);
	}
	close(listener);
	free(fd);
	return good;
}

TEST_F(many, sequential)
{
	STEP("good", SEQUENTIAL, sequential(SEQUENTIAL));
}

TEST_F(many, concurrent)
{
	STEP("good", CONCURRENT, concurrent(CONCURRENT));
}

TEST_F(many, refused)
{
	struct sock_addr addr;
	int i, refused = 0;

	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	for (i = 0; i < 300; i++) {
		int fd = sock_open(SOCK_STREAM);

		refused += sock_connect_addr(fd, &addr) == -1 &&
			   errno == ECONNREFUSED;
		close(fd);
	}
	STEP("refused", 300, refused);
}

/* Each new connection of one socket pair after the other, never mixed up. */
TEST_F(many, same_pair)
{
	int listener = sock_listener(4), i, on = 1, good = 0, fd, got;
	struct sock_addr client, dest;

	sock_addr_client(&client, SOCK_PORT_FIXED + 70);
	sock_addr_dest(&dest, sock_port(listener));
	for (i = 0; i < 100; i++) {
		fd = sock_open(SOCK_STREAM);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (sock_bind(fd, &client) || sock_connect_addr(fd, &dest))
			break;
		got = sock_accept(listener);
		good += exchange(fd, got);
		/* The server's end has the TIME_WAIT: a SYN may reopen it. */
		close(got);
		if (sock_drain(fd, 1))
			break;
		close(fd);
	}
	STEP("good", 100, good);
}

TEST_F(left, sequential)
{
	struct left base;

	ASSERT_TRUE(left_begin(&base))
		left_tell(&base);
	EXPECT_EQ(SEQUENTIAL, sequential(SEQUENTIAL));
	EXPECT_TRUE(left_nothing(&base));
	left_tell(&base);
}

TEST_F(left, concurrent)
{
	struct left base;

	ASSERT_TRUE(left_begin(&base))
		left_tell(&base);
	EXPECT_EQ(CONCURRENT, concurrent(CONCURRENT));
	EXPECT_TRUE(left_nothing(&base));
	left_tell(&base);
}

/* The counting counts: what is open is seen. */
TEST_F(left, is_seen)
{
	struct left base;
	int fd[2], listener, first, pending;
	struct sock_addr addr;

	ASSERT_TRUE(left_begin(&base))
		left_tell(&base);
	listener = sock_listener(0);
	EXPECT_EQ(base.lines + 1, sock_count());
	/* A SYN that is not answered is timed. */
	first = sock_connect_to(listener);
	ASSERT_NE(0, sock_wait(listener, POLLIN));
	pending = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	sock_addr_dest(&addr, sock_port(listener));
	EXPECT_EQ(-1, sock_connect_addr(pending, &addr));
	EXPECT_GT(left_timers(), base.timers);
	close(pending);
	close(sock_accept(listener));
	close(first);
	ASSERT_TRUE(SOCK_UNTIL(sock_count() == base.lines + 1));
	ASSERT_EQ(0, sock_pair(fd));
	EXPECT_EQ(base.lines + 3, sock_count());
	EXPECT_FALSE(left_nothing_now(&base));
	ASSERT_EQ(0, close(fd[0]));
	ASSERT_EQ(0, sock_drain(fd[1], 1));
	ASSERT_EQ(0, close(fd[1]));
	ASSERT_EQ(0, close(listener));
	EXPECT_TRUE(left_nothing(&base));
}

/* What was never accepted, never answered or cut off leaves nothing either. */
TEST_F(left, unfinished)
{
	struct linger linger = { .l_onoff = 1 };
	int listener, fd[8], i, pair[2];
	struct left base;
	struct sock_addr addr;

	ASSERT_TRUE(left_begin(&base))
		left_tell(&base);
	listener = sock_listener(3);
	sock_addr_dest(&addr, sock_port(listener));
	for (i = 0; i < 8; i++) {
		fd[i] = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
		sock_connect_addr(fd[i], &addr);
	}
	EXPECT_NE(0, sock_wait(listener, POLLIN));
	close(listener);
	for (i = 0; i < 8; i++)
		close(fd[i]);

	/* Full queues, cut off. */
	ASSERT_EQ(0, sock_pair(pair));
	sock_fill(pair[0]);
	setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(pair[0]);
	close(pair[1]);

	/* Full queues, left to an orphan whose peer goes away. */
	ASSERT_EQ(0, sock_pair(pair));
	sock_fill(pair[0]);
	close(pair[0]);
	close(pair[1]);

	/* Datagrams that nobody read. */
	ASSERT_EQ(0, sock_dgram_pair(pair));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(1, send(pair[0], "d", 1, 0));
	close(pair[0]);
	close(pair[1]);
	EXPECT_TRUE(left_nothing(&base));
	left_tell(&base);
}

#include "last.h"

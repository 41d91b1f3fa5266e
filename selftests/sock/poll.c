// SPDX-License-Identifier: GPL-2.0
/* Readiness: poll, select and epoll in every situation. */
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>
#include "pair.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)
#define EVERY (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLPRI)
#define LINGER_ABORT ((struct linger){ .l_onoff = 1, .l_linger = 0 })

#define SOCK_NAME poll
#include "fixture.h"

/* What TCP is no measure for. */
#define SOCK_NAME own
#define SOCK_NO_INET
#include "fixture.h"
#define SOCK_NAME epoll
#include "fixture.h"

static void abort_fd(int fd)
{
	struct linger linger = LINGER_ABORT;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

TEST_F(poll, readable)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("idle", POLLOUT | POLLWRNORM, sock_events(fd[1], EVERY));
	ASSERT_EQ(1, send(fd[0], "a", 1, 0));
	STEP("wakes", POLLIN, sock_wait(fd[1], POLLIN));
	STEP("readable", POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM,
	     sock_events(fd[1], EVERY));
	STEP("asked for nothing", 0, sock_events(fd[1], 0));
	STEP("after peek", POLLIN, ({
		recv(fd[1], &c, 1, MSG_PEEK);
		sock_events(fd[1], POLLIN);
	}));
	STEP("after recv", 0, ({
		recv(fd[1], &c, 1, 0);
		sock_events(fd[1], POLLIN);
	}));
}

TEST_F(poll, listener)
{
	int listener = sock_listener(2), fd;

	STEP("idle", 0, sock_events(listener, EVERY));
	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	STEP("wakes", POLLIN, sock_wait(listener, POLLIN));
	STEP("ready", POLLIN | POLLRDNORM, sock_events(listener, EVERY));
	STEP("accept", 0, sock_made(accept(listener, NULL, NULL)));
	STEP("idle again", 0, sock_events(listener, EVERY));
}

TEST_F(poll, peer_half_close)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("wakes", POLLRDHUP, sock_wait(fd[1], POLLRDHUP));
	STEP("half closed", POLLIN | POLLOUT | POLLRDHUP,
	     sock_events(fd[1], ALL));
	STEP("our end", POLLOUT, sock_events(fd[0], ALL));
	STEP("recv", 0, recv(fd[1], &c, 1, 0));
	STEP("still", POLLIN | POLLOUT | POLLRDHUP, sock_events(fd[1], ALL));
	ASSERT_EQ(0, shutdown(fd[1], SHUT_WR));
	STEP("both", 1, SOCK_UNTIL(sock_events(fd[0], 0) & POLLHUP));
	STEP("both, first", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	     sock_events(fd[0], ALL));
	STEP("both, second", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	     sock_events(fd[1], ALL));
}

TEST_F(poll, data_then_close)
{
	int fd[2];
	char buf[4];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(2, send(fd[0], "ab", 2, 0));
	ASSERT_EQ(0, close(fd[0]));
	STEP("wakes", POLLRDHUP, sock_wait(fd[1], POLLRDHUP));
	STEP("data and end", POLLIN | POLLOUT | POLLRDHUP,
	     sock_events(fd[1], ALL));
	STEP("data", 2, recv(fd[1], buf, 4, 0));
	STEP("end", POLLIN | POLLOUT | POLLRDHUP, sock_events(fd[1], ALL));
	STEP("end of file", 0, recv(fd[1], buf, 4, 0));
}

TEST_F(poll, read_shutdown)
{
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_RD));
	STEP("ours", POLLIN | POLLOUT | POLLRDHUP, sock_events(fd[0], ALL));
	STEP("peer's", POLLOUT, sock_events(fd[1], ALL));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("both", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	     sock_events(fd[0], ALL));
}

TEST_F(poll, reset)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	abort_fd(fd[0]);
	STEP("wakes", 1, !!(sock_wait(fd[1], POLLIN) & POLLERR));
	STEP("reset", POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR,
	     sock_events(fd[1], ALL));
	STEP("asked for nothing", POLLHUP | POLLERR, sock_events(fd[1], 0));
	STEP("recv", -ECONNRESET, recv(fd[1], &c, 1, 0));
	STEP("error is taken", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	     sock_events(fd[1], ALL));
	STEP("end of file", 0, recv(fd[1], &c, 1, 0));
	STEP("send", -EPIPE, send(fd[1], "x", 1, MSG_NOSIGNAL));
}

TEST_F(poll, reset_with_data)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 1));
	abort_fd(fd[0]);
	STEP("wakes", 1, SOCK_UNTIL(sock_events(fd[1], 0) & POLLERR));
	STEP("bits", POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR,
	     sock_events(fd[1], ALL));
	STEP("the data is still read", 1, recv(fd[1], &c, 1, 0));
	STEP("then the error", -ECONNRESET, recv(fd[1], &c, 1, 0));
}

TEST_F(poll, full)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	STEP("full", 0, sock_events(fd[0], ALL));
	STEP("a byte frees nothing", 0, ({
		char c;

		recv(fd[1], &c, 1, 0);
		sock_events(fd[0], POLLOUT);
	}));
	STEP("drain", 0, sock_drain(fd[1], n - 1) - (n - 1));
	STEP("wakes", POLLOUT, sock_wait(fd[0], POLLOUT));
}

TEST_F(poll, full_then_reset)
{
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	sock_fill(fd[0]);
	abort_fd(fd[1]);
	STEP("wakes", 1, !!(sock_wait(fd[0], POLLOUT) & POLLERR));
	STEP("send", -ECONNRESET, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("send again", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
}

TEST_F(poll, low_water)
{
	int fd[2], mark = 10;
	char buf[16];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("option", 0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				     sizeof(mark)));
	ASSERT_EQ(9, send(fd[0], "123456789", 9, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 9));
	STEP("below", 0, sock_events(fd[1], POLLIN));
	ASSERT_EQ(1, send(fd[0], "0", 1, 0));
	STEP("wakes", POLLIN, sock_wait(fd[1], POLLIN));
	STEP("all", 10, recv(fd[1], buf, sizeof(buf), 0));
	ASSERT_EQ(1, send(fd[0], "x", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 1));
	STEP("below again", 0, sock_events(fd[1], POLLIN));
	close(fd[0]);
	STEP("the end wakes", POLLIN, sock_wait(fd[1], POLLIN));
}

static long poll_bytes(void *arg)
{
	return sock_wait(*(int *)arg, POLLIN);
}

/* A mark that is lowered below what has come wakes who waits. */
TEST_F(poll, low_water_lowered)
{
	struct sock_job job;
	int fd[2], mark = 10;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				sizeof(mark)));
	ASSERT_EQ(5, send(fd[0], "12345", 5, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 5));
	ASSERT_EQ(0, sock_start(&job, poll_bytes, &fd[1]));
	ASSERT_TRUE(sock_asleep(&job));
	mark = 5;
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				sizeof(mark)));
	STEP("wakes", POLLIN, sock_finish(&job));
}

#define PIECE 300
#define PIECES 2000

static long send_pieces(void *arg)
{
	char buf[PIECE] = "";
	int i;

	for (i = 0; i < PIECES; i++) {
		if (send(*(int *)arg, buf, sizeof(buf), 0) != sizeof(buf))
			return -errno;
	}
	return 0;
}

/*
 * A mark that small segments do not reach before the buffer is full: whoever
 * polls must be told all the same, as nothing more will come. TCP may then wait
 * for ever, by the luck of its timing.
 */
TEST_F(own, low_water_full)
{
	int fd[2], size = 65536, mark = 60000, on = 1;
	struct sock_job job;
	long total = 0;
	char buf[8000];
	ssize_t n;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				sizeof(mark)));
	ASSERT_EQ(0, setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &on,
				sizeof(on)));
	ASSERT_EQ(0, sock_start(&job, send_pieces, &fd[0]));
	while (total < PIECE * PIECES - mark && sock_wait(fd[1], POLLIN)) {
		n = recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT);
		if (n <= 0)
			break;
		total += n;
	}
	EXPECT_GE(total, PIECE * PIECES - mark);
	EXPECT_EQ(PIECE * PIECES - total,
		  sock_drain(fd[1], PIECE * PIECES - total));
	EXPECT_EQ(0, sock_finish(&job));
}

TEST_F(poll, low_water_recv)
{
	int fd[2], mark = 4;
	char buf[16];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				sizeof(mark)));
	ASSERT_EQ(2, send(fd[0], "12", 2, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 2));
	STEP("nonblocking gets the part", 2,
	     recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT));
	STEP("short request", 1, ({
		send(fd[0], "3", 1, 0);
		recv(fd[1], buf, 1, 0);
	}));
}

struct select_arg {
	int fd;
	bool write;
};

static long do_select(void *arg)
{
	struct select_arg *s = arg;
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fd, &set);
	return select(s->fd + 1, s->write ? NULL : &set, s->write ? &set : NULL,
		      NULL, NULL);
}

static long select_now(int fd)
{
	struct timeval now = { 0 };
	fd_set in, out, ex;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&ex);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	FD_SET(fd, &ex);
	if (select(fd + 1, &in, &out, &ex, &now) < 0)
		return -errno;
	return FD_ISSET(fd, &in) | FD_ISSET(fd, &out) << 1 |
	       FD_ISSET(fd, &ex) << 2;
}

TEST_F(poll, select)
{
	struct select_arg arg = { 0 };
	struct sock_job job;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("idle", 2, select_now(fd[0]));
	arg.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_select, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	ASSERT_EQ(1, send(fd[0], "s", 1, 0));
	STEP("wakes", 1, sock_finish(&job));
	STEP("readable", 3, select_now(fd[1]));
	n = sock_fill(fd[0]);
	STEP("full", 0, select_now(fd[0]));
	arg = (struct select_arg){ .fd = fd[0], .write = true };
	ASSERT_EQ(0, sock_start(&job, do_select, &arg));
	STEP("sleeps on write", 1, sock_asleep(&job));
	sock_drain(fd[1], n + 1);
	STEP("wakes on write", 1, sock_finish(&job));
	close(fd[1]);
	ASSERT_NE(0, sock_wait(fd[0], POLLIN));
	STEP("end", 3, select_now(fd[0]));
}

struct poll_arg {
	int fd;
	short events;
};

static long do_poll(void *arg)
{
	struct poll_arg *p = arg;

	return sock_wait(p->fd, p->events);
}

/* A waiter is woken by what it waits for, whatever the other end did. */
TEST_F(poll, wakes)
{
	static const char * const names[] = { "data", "half close", "close",
					      "reset", "own shutdown" };
	struct poll_arg arg = { .events = POLLIN | POLLRDHUP };
	struct sock_job job;
	int fd[2], i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, sock_pair(fd));
		arg.fd = fd[1];
		ASSERT_EQ(0, sock_start(&job, do_poll, &arg));
		STEP("sleeps", 1, sock_asleep(&job));
		switch (i) {
		case 0:
			send(fd[0], "x", 1, 0);
			break;
		case 1:
			shutdown(fd[0], SHUT_WR);
			break;
		case 2:
			close(fd[0]);
			break;
		case 3:
			abort_fd(fd[0]);
			break;
		case 4:
			shutdown(fd[1], SHUT_RD);
			break;
		}
		STEP(names[i], (i == 0 ? POLLIN :
				i == 3 ? POLLIN | POLLRDHUP | POLLERR | POLLHUP :
				POLLIN | POLLRDHUP), sock_finish(&job));
		close(fd[1]);
	}
}

struct pong_arg {
	int fd;
	int rounds;
};

static long do_pong(void *arg)
{
	struct pong_arg *p = arg;
	int done = 0;
	char c;

	while (done < p->rounds) {
		if (!(sock_wait(p->fd, POLLIN) & POLLIN) ||
		    recv(p->fd, &c, 1, MSG_DONTWAIT) != 1 ||
		    send(p->fd, &c, 1, MSG_DONTWAIT) != 1)
			break;
		done++;
	}
	return done;
}

/* No wake-up is lost: a lost one would end in the time-out of the wait. */
TEST_F(poll, ping_pong)
{
	struct pong_arg arg = { .rounds = 5000 };
	struct sock_job job;
	int fd[2], done = 0;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_pong, &arg));
	for (done = 0; done < arg.rounds; done++) {
		if (send(fd[0], "p", 1, 0) != 1 ||
		    !(sock_wait(fd[0], POLLIN) & POLLIN) ||
		    recv(fd[0], &c, 1, MSG_DONTWAIT) != 1)
			break;
	}
	STEP("rounds", arg.rounds, done);
	close(fd[0]);
	STEP("rounds of the peer", arg.rounds, sock_finish(&job));
}

static int watch(int ep, int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

/* The events of the one descriptor watched, or 0. */
static long events_of(int ep, int timeout)
{
	struct epoll_event ev = { 0 };
	int n = epoll_wait(ep, &ev, 1, timeout);

	return n < 0 ? -errno : n ? (long)ev.events : 0;
}

TEST_F(epoll, level)
{
	int fd[2], ep = epoll_create1(0);
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, watch(ep, fd[1], EPOLLIN));
	STEP("idle", 0, events_of(ep, 0));
	ASSERT_EQ(1, send(fd[0], "l", 1, 0));
	STEP("ready", EPOLLIN, events_of(ep, -1));
	STEP("still ready", EPOLLIN, events_of(ep, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("idle again", 0, events_of(ep, 0));
	close(fd[0]);
	STEP("end", EPOLLIN, events_of(ep, -1));
}

TEST_F(epoll, edge)
{
	int fd[2], ep = epoll_create1(0);
	char buf[8];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, watch(ep, fd[1], EPOLLIN | EPOLLET));
	ASSERT_EQ(2, send(fd[0], "e1", 2, 0));
	STEP("ready", EPOLLIN, events_of(ep, -1));
	STEP("told once", 0, events_of(ep, 0));
	STEP("a part is read", 1, recv(fd[1], buf, 1, 0));
	STEP("not told of the rest", 0, events_of(ep, 0));
	ASSERT_EQ(2, send(fd[0], "e2", 2, 0));
	STEP("told of more", EPOLLIN, events_of(ep, -1));
	ASSERT_TRUE(sock_arrived(fd[1], 3));
	STEP("all is read", 3, recv(fd[1], buf, sizeof(buf), 0));
	STEP("nothing new", 0, events_of(ep, 0));
	close(fd[0]);
	STEP("told of the end", EPOLLIN, events_of(ep, -1));
}

TEST_F(epoll, edge_out)
{
	int fd[2], ep = epoll_create1(0);
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, watch(ep, fd[0], EPOLLOUT | EPOLLET));
	STEP("ready at first", EPOLLOUT, events_of(ep, 0));
	STEP("told once", 0, events_of(ep, 0));
	n = sock_fill(fd[0]);
	/* What the filling itself set off. */
	events_of(ep, 0);
	STEP("full", 0, events_of(ep, 0));
	STEP("drain", 0, sock_drain(fd[1], n) - n);
	STEP("told of room", EPOLLOUT, events_of(ep, -1));
}

TEST_F(epoll, oneshot)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	int fd[2], ep = epoll_create1(0);

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, watch(ep, fd[1], EPOLLIN | EPOLLONESHOT));
	ASSERT_EQ(1, send(fd[0], "o", 1, 0));
	STEP("ready", EPOLLIN, events_of(ep, -1));
	ASSERT_EQ(1, send(fd[0], "o", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 2));
	STEP("disarmed", 0, events_of(ep, 0));
	STEP("arm", 0, epoll_ctl(ep, EPOLL_CTL_MOD, fd[1], &ev));
	STEP("ready again", EPOLLIN, events_of(ep, -1));
}

TEST_F(epoll, hang_ups)
{
	int fd[2], ep = epoll_create1(0);

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, watch(ep, fd[1], EPOLLRDHUP));
	STEP("idle", 0, events_of(ep, 0));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("half", EPOLLRDHUP, events_of(ep, -1));
	ASSERT_EQ(0, shutdown(fd[1], SHUT_WR));
	STEP("both", EPOLLRDHUP | EPOLLHUP, events_of(ep, 0));
	close(fd[0]);
	close(fd[1]);

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, watch(ep, fd[1], 0));
	abort_fd(fd[0]);
	STEP("reset, unasked", EPOLLERR | EPOLLHUP, events_of(ep, -1));
}

TEST_F(epoll, connect)
{
	int ep = epoll_create1(0), listener = sock_listener(1), fd;
	struct sock_addr addr;

	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	ASSERT_EQ(0, watch(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET));
	STEP("unconnected", EPOLLOUT | EPOLLHUP, events_of(ep, 0));
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("connected", EPOLLOUT, events_of(ep, -1));
	ASSERT_EQ(0, watch(ep, listener, EPOLLIN));
	STEP("listener", EPOLLIN, events_of(ep, -1));
}

TEST_F(epoll, refused)
{
	int ep = epoll_create1(0), fd;
	struct sock_addr addr;

	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	ASSERT_EQ(0, watch(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP));
	STEP("told", EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP,
	     events_of(ep, -1));
	STEP("error", -ECONNREFUSED, sock_error(fd));
}

/* Several waiters on one listener; each connection is accepted once. */
struct worker {
	int listener;
	int accepted;
};

static long do_worker(void *arg)
{
	struct worker *w = arg;
	int ep = epoll_create1(0), fd;
	char c;

	watch(ep, w->listener, EPOLLIN | EPOLLEXCLUSIVE);
	for (;;) {
		events_of(ep, -1);
		fd = accept(w->listener, NULL, NULL);
		if (fd < 0 && errno == EAGAIN)
			continue;
		if (fd < 0)
			break;
		w->accepted++;
		c = recv(fd, &c, 1, 0) == 1 ? c : 0;
		close(fd);
		if (c == 'q')
			break;
	}
	close(ep);
	return w->accepted;
}

TEST_F(epoll, exclusive)
{
	struct worker worker[3];
	struct sock_job job[3];
	int listener = sock_listener(16), fd, i, sum = 0;

	sock_nonblock(listener, true);
	for (i = 0; i < 3; i++) {
		worker[i] = (struct worker){ .listener = listener };
		ASSERT_EQ(0, sock_start(&job[i], do_worker, &worker[i]));
		ASSERT_TRUE(sock_asleep(&job[i]));
	}
	for (i = 0; i < 33; i++) {
		fd = sock_connect_to(listener);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(1, send(fd, i < 30 ? "w" : "q", 1, 0));
		close(fd);
	}
	for (i = 0; i < 3; i++)
		sum += sock_finish(&job[i]);
	STEP("accepted", 33, sum);
}

#include "last.h"

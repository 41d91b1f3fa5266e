// SPDX-License-Identifier: GPL-2.0
/* Signals: every wait ends with EINTR, or is taken up again. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>
#include "pair.h"

#define SOME 65536

#define SOCK_NAME wait
#include "fixture.h"

static int signals;

static void on_signal(int number)
{
	__atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
}

static int catch_signals(int flags)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = flags };

	signals = 0;
	return sigaction(SIGUSR1, &action, NULL);
}

struct call {
	int fd;
	struct sock_addr addr;
};

static long do_accept(void *arg)
{
	return accept(((struct call *)arg)->fd, NULL, NULL);
}

static long do_connect(void *arg)
{
	struct call *call = arg;

	return sock_connect_addr(call->fd, &call->addr);
}

static long do_recv(void *arg)
{
	char c;

	return recv(((struct call *)arg)->fd, &c, 1, 0);
}

static long do_peek(void *arg)
{
	char c;

	return recv(((struct call *)arg)->fd, &c, 1, MSG_PEEK);
}

static long do_waitall(void *arg)
{
	char buf[10];

	return recv(((struct call *)arg)->fd, buf, sizeof(buf), MSG_WAITALL);
}

static long do_send(void *arg)
{
	static char buf[SOME];

	return send(((struct call *)arg)->fd, buf, sizeof(buf), 0);
}

static long do_poll(void *arg)
{
	struct pollfd pfd = { ((struct call *)arg)->fd, POLLIN };

	return poll(&pfd, 1, -1);
}

static long do_select(void *arg)
{
	int fd = ((struct call *)arg)->fd;
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, NULL);
}

static long do_epoll(void *arg)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0), err;
	long n;

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, ((struct call *)arg)->fd, &event))
		return -1;
	n = epoll_wait(epoll, &event, 1, -1);
	err = errno;
	close(epoll);
	errno = err;
	return n;
}

static long do_send_datagram(void *arg)
{
	static char buf[1000];

	return send(((struct call *)arg)->fd, buf, sizeof(buf), 0);
}

static long do_close(void *arg)
{
	return close(((struct call *)arg)->fd);
}

/* Interrupt the call while it sleeps; what it comes to, or 1000 if awake. */
static long interrupted(long (*fn)(void *arg), struct call *call)
{
	struct sock_job job;

	if (sock_start(&job, fn, call) || !sock_asleep(&job))
		return 1000;
	pthread_kill(job.thread, SIGUSR1);
	return sock_finish(&job);
}

/* With SA_RESTART the call must sleep again; then it is let go. */
static bool restarted(struct sock_job *job, long (*fn)(void *arg),
		      struct call *call)
{
	if (sock_start(job, fn, call) || !sock_asleep(job))
		return false;
	pthread_kill(job->thread, SIGUSR1);
	return SOCK_UNTIL(__atomic_load_n(&signals, __ATOMIC_SEQ_CST)) &&
	       sock_asleep(job);
}

static int full_listener(void)
{
	int listener = sock_listener(0);

	if (sock_connect_to(listener) < 0 || !sock_wait(listener, POLLIN))
		return -1;
	return listener;
}

TEST_F(wait, accept)
{
	struct call call = { .fd = sock_listener(1) };

	ASSERT_EQ(0, catch_signals(0));
	STEP("accept", -EINTR, interrupted(do_accept, &call));
	STEP("signals", 1, signals);
	ASSERT_GE(sock_connect_to(call.fd), 0);
	STEP("accept again", 0, sock_made(sock_accept(call.fd)));
}

TEST_F(wait, accept_restart)
{
	struct call call = { .fd = sock_listener(1) };
	struct sock_job job;

	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("sleeps again", 1, restarted(&job, do_accept, &call));
	ASSERT_GE(sock_connect_to(call.fd), 0);
	STEP("accepts", 1, sock_finish(&job) >= 0);
}

TEST_F(wait, connect)
{
	int listener = full_listener();
	struct call call = { .fd = sock_open(SOCK_STREAM) };

	ASSERT_GE(listener, 0);
	sock_addr_dest(&call.addr, sock_port(listener));
	ASSERT_EQ(0, catch_signals(0));
	STEP("connect", -EINTR, interrupted(do_connect, &call));
	STEP("goes on", 0, strcmp(sock_state(call.fd), "SYN_SENT"));
	sock_nonblock(call.fd, true);
	STEP("connect again", -EALREADY, do_connect(&call));
	STEP("room", 0, sock_made(sock_accept(listener)));
	STEP("connected", POLLOUT, sock_wait(call.fd, POLLOUT));
	STEP("no error", 0, sock_error(call.fd));
	STEP("reported", 0, do_connect(&call));
}

TEST_F(wait, connect_restart)
{
	int listener = full_listener();
	struct call call = { .fd = sock_open(SOCK_STREAM) };
	struct sock_job job;

	ASSERT_GE(listener, 0);
	sock_addr_dest(&call.addr, sock_port(listener));
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("sleeps again", 1, restarted(&job, do_connect, &call));
	STEP("room", 0, sock_made(sock_accept(listener)));
	STEP("connects", 0, sock_finish(&job));
}

TEST_F(wait, recv)
{
	struct call call;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	ASSERT_EQ(0, catch_signals(0));
	STEP("recv", -EINTR, interrupted(do_recv, &call));
	STEP("peek", -EINTR, interrupted(do_peek, &call));
	STEP("waitall", -EINTR, interrupted(do_waitall, &call));
	ASSERT_EQ(3, send(fd[1], "abc", 3, 0));
	ASSERT_TRUE(sock_arrived(fd[0], 3));
	STEP("waitall with a part", 3, interrupted(do_waitall, &call));
	ASSERT_EQ(1, send(fd[1], "d", 1, 0));
	STEP("recv again", 1, do_recv(&call));
}

TEST_F(wait, recv_restart)
{
	struct sock_job job;
	struct call call;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("sleeps again", 1, restarted(&job, do_recv, &call));
	ASSERT_EQ(1, send(fd[1], "r", 1, 0));
	STEP("receives", 1, sock_finish(&job));
}

/* With a time-out a call is not taken up again, whatever SA_RESTART says. */
TEST_F(wait, recv_timeout)
{
	struct timeval tv = { 3000, 0 };
	struct call call;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	ASSERT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("recv", -EINTR, interrupted(do_recv, &call));
	sock_fill(fd[0]);
	STEP("send", -EINTR, interrupted(do_send, &call));
}

/* The same holds for the calls that make a connection. */
TEST_F(wait, accept_timeout)
{
	struct call call = { .fd = sock_listener(1) };
	struct timeval tv = { 3000, 0 };

	ASSERT_EQ(0, setsockopt(call.fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("accept", -EINTR, interrupted(do_accept, &call));
}

TEST_F(wait, connect_timeout)
{
	struct call call = { .fd = sock_open(SOCK_STREAM) };
	struct timeval tv = { 3000, 0 };
	int listener = full_listener();

	ASSERT_GE(listener, 0);
	sock_addr_dest(&call.addr, sock_port(listener));
	ASSERT_EQ(0, setsockopt(call.fd, SOL_SOCKET, SO_SNDTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("connect", -EINTR, interrupted(do_connect, &call));
	STEP("goes on", 0, strcmp(sock_state(call.fd), "SYN_SENT"));
}

/* send(2) waits for the connection first. */
TEST_F(wait, send_connecting)
{
	struct call call = { .fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK) };
	int listener = full_listener();

	ASSERT_GE(listener, 0);
	sock_addr_dest(&call.addr, sock_port(listener));
	STEP("connect", -EINPROGRESS, do_connect(&call));
	sock_nonblock(call.fd, false);
	ASSERT_EQ(0, catch_signals(0));
	STEP("send", -EINTR, interrupted(do_send, &call));
	STEP("goes on", 0, strcmp(sock_state(call.fd), "SYN_SENT"));
	STEP("room", 0, sock_made(sock_accept(listener)));
	STEP("send again", SOME, do_send(&call));
}

TEST_F(wait, recv_datagram)
{
	struct sock_job job;
	struct call call;
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	call.fd = fd[1];
	ASSERT_EQ(0, catch_signals(0));
	STEP("recv", -EINTR, interrupted(do_recv, &call));
	STEP("peek", -EINTR, interrupted(do_peek, &call));
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("sleeps again", 1, restarted(&job, do_recv, &call));
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	STEP("receives", 1, sock_finish(&job));
}

/* The send buffer is full: see dgram.c. */
TEST_F(wait, send_datagram)
{
	struct sock_job job;
	struct call call;
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	call.fd = fd[0];
	ASSERT_TRUE(sock_stall(true));
	sock_nonblock(fd[0], true);
	while (do_send_datagram(&call) > 0)
		;
	sock_nonblock(fd[0], false);
	EXPECT_EQ(0, catch_signals(0));
	STEP("send", -EINTR, interrupted(do_send_datagram, &call));
	EXPECT_EQ(0, catch_signals(SA_RESTART));
	STEP("sleeps again", 1, restarted(&job, do_send_datagram, &call));
	STEP("the device lets go", 1, sock_stall(false));
	STEP("sends", 1000, sock_finish(&job));
}

TEST_F(wait, send)
{
	struct call call;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	n = sock_fill(fd[0]);
	ASSERT_EQ(0, catch_signals(0));
	STEP("send", -EINTR, interrupted(do_send, &call));
	STEP("nothing was added", 0, sock_drain(fd[1], n) - n);
	STEP("nor is there more", 0, sock_events(fd[1], POLLIN));
	STEP("send again", SOME, do_send(&call));
}

TEST_F(wait, send_restart)
{
	struct sock_job job;
	struct call call;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	n = sock_fill(fd[0]);
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("sleeps again", 1, restarted(&job, do_send, &call));
	STEP("drain", 0, sock_drain(fd[1], n) - n);
	STEP("the rest", SOME, sock_drain(fd[1], SOME));
	STEP("sends", SOME, sock_finish(&job));
}

TEST_F(wait, poll)
{
	struct call call;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	ASSERT_EQ(0, catch_signals(SA_RESTART));
	STEP("poll", -EINTR, interrupted(do_poll, &call));
	STEP("select", -EINTR, interrupted(do_select, &call));
	STEP("epoll", -EINTR, interrupted(do_epoll, &call));
}

/* A lingering close(2) is cut short; the data goes on by itself. */
TEST_F(wait, linger)
{
	struct linger linger = { 1, 3000 };
	struct call call;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	call.fd = fd[0];
	n = sock_fill(fd[0]);
	ASSERT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	ASSERT_EQ(0, catch_signals(0));
	STEP("close", 0, interrupted(do_close, &call));
	STEP("signals", 1, signals);
	STEP("closed", -EBADF, close(fd[0]));
	STEP("all arrives", 0, sock_drain(fd[1], n) - n);
	STEP("and the end", 0, sock_drain(fd[1], 1));
}

/* A process that dies in a call takes its sockets along. */
TEST_F(wait, killed)
{
	int fd[2];
	pid_t pid;

	ASSERT_EQ(0, sock_pair(fd));
	pid = fork();
	if (!pid) {
		char c;

		close(fd[1]);
		recv(fd[0], &c, 1, 0);
		_exit(1);
	}
	close(fd[0]);
	ASSERT_EQ(1, send(fd[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL));
	STEP("exits", 1, waitpid(pid, NULL, 0) == pid);
	STEP("end", 0, sock_drain(fd[1], 1));

	ASSERT_EQ(0, sock_pair(fd));
	pid = fork();
	if (!pid) {
		close(fd[1]);
		for (;;)
			pause();
	}
	close(fd[0]);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	STEP("is killed", 1, waitpid(pid, NULL, 0) == pid);
	STEP("end again", 0, sock_drain(fd[1], 1));
}

/* SIGIO is sent to the owner of a socket with O_ASYNC. */
TEST_F(wait, sigio)
{
	struct sigaction action = { .sa_handler = on_signal };
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, sigaction(SIGIO, &action, NULL));
	STEP("owner", 0, fcntl(fd[0], F_SETOWN, getpid()));
	STEP("async", 0, fcntl(fd[0], F_SETFL, O_ASYNC));
	STEP("send", 1, send(fd[1], "i", 1, 0));
	STEP("a signal", 1, SOCK_UNTIL(signals));
}

/* And when there is room again for a sender that found none. */
TEST_F(wait, sigio_room)
{
	struct sigaction action = { .sa_handler = on_signal };
	static char buf[65536];
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_LT(0, sock_fill(fd[0]));
	ASSERT_EQ(0, sigaction(SIGIO, &action, NULL));
	ASSERT_EQ(0, fcntl(fd[0], F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(fd[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	STEP("no room", -EAGAIN, send(fd[0], "x", 1, 0));
	STEP("no signal", 0, signals);
	STEP("a signal", 1, SOCK_UNTIL(({
		recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT);
		signals;
	})));
}

#include "last.h"

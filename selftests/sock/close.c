// SPDX-License-Identifier: GPL-2.0
/* Ending: shutdown, close and linger, from every state there is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pair.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)
#define SOME 200000

#define SOCK_NAME close
#include "fixture.h"

/* Why a connection was reset is told by our own counters. */
#define SOCK_NAME reset
#define SOCK_NO_INET
#include "fixture.h"

/* No device of lo's can go away. */
#define SOCK_NAME reset_device
#define SOCK_NO_INET
#define SOCK_NO_LO
#include "fixture.h"

static int set_linger(int fd, int on, int seconds)
{
	struct linger linger = { .l_onoff = on, .l_linger = seconds };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static bool in_state(int fd, const char *name)
{
	return SOCK_UNTIL(!strcmp(sock_state(fd), name));
}

/* Whether the whole pattern comes, and then the end of the stream. */
static bool arrives(int fd, size_t len, unsigned int seed)
{
	static char in[SOME], want[SOME];
	char c;

	sock_pattern(want, len, seed);
	return sock_recv_all(fd, in, len) && !memcmp(in, want, len) &&
	       recv(fd, &c, 1, 0) == 0;
}

/* Put as much of the pattern into the socket as fits; how much that was. */
static long put_some(int fd, unsigned int seed)
{
	static char out[SOME];

	sock_pattern(out, sizeof(out), seed);
	return send(fd, out, sizeof(out), MSG_DONTWAIT);
}

TEST_F(close, shutdown_write)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("shutdown", 0, shutdown(fd[0], SHUT_WR));
	STEP("again", 0, shutdown(fd[0], SHUT_WR));
	STEP("peer sees it", 0, recv(fd[1], &c, 1, 0));
	STEP("our state", 1, in_state(fd[0], "FIN_WAIT2"));
	STEP("peer's state", 1, in_state(fd[1], "CLOSE_WAIT"));
	STEP("send", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("peer still sends", 4, send(fd[1], "back", 4, 0));
	STEP("we receive", 4, sock_drain(fd[0], 4));
	STEP("peer shuts down", 0, shutdown(fd[1], SHUT_WR));
	STEP("end of file", 0, recv(fd[0], &c, 1, 0));
	STEP("peer is closed", 1, in_state(fd[1], "CLOSED"));
	STEP("no error", 0, sock_error(fd[0]));
	STEP("nor there", 0, sock_error(fd[1]));
	STEP("peer's send", -EPIPE, send(fd[1], "x", 1, MSG_NOSIGNAL));
	STEP("shutdown when closed", -ENOTCONN, shutdown(fd[1], SHUT_WR));
}

TEST_F(close, shutdown_read)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(1, send(fd[1], "q", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[0], 1));
	STEP("shutdown", 0, shutdown(fd[0], SHUT_RD));
	STEP("what was queued", 1, recv(fd[0], &c, 1, 0));
	STEP("then the end", 0, recv(fd[0], &c, 1, 0));
	STEP("we still send", 1, send(fd[0], "s", 1, 0));
	STEP("peer receives", 1, recv(fd[1], &c, 1, 0));
	STEP("state", 0, strcmp(sock_state(fd[0]), "ESTABLISHED"));
	STEP("peer is not told", POLLOUT, sock_events(fd[1], ALL));
}

/* TCP goes on receiving after SHUT_RD: the data can still be read. */
TEST_F(close, data_after_shutdown_read)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_RD));
	STEP("peer sends", 1, send(fd[1], "l", 1, 0));
	STEP("acknowledged", 1, sock_acked(fd[1]));
	STEP("late data", 1, recv(fd[0], &c, 1, 0));
	STEP("end", 0, recv(fd[0], &c, 1, 0));
	STEP("peer has no error", 0, sock_error(fd[1]));
}

TEST_F(close, shutdown_both)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("shutdown", 0, shutdown(fd[0], SHUT_RDWR));
	STEP("recv", 0, recv(fd[0], &c, 1, 0));
	STEP("send", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("poll", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	     sock_events(fd[0], ALL));
	STEP("peer sees the end", 0, recv(fd[1], &c, 1, 0));
	STEP("state", 1, in_state(fd[0], "FIN_WAIT2"));
	STEP("getpeername", 1, sock_peer_port(fd[0]) > 0);
}

TEST_F(close, shutdown_bad)
{
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("no such half", -EINVAL, shutdown(fd[0], 3));
	STEP("negative", -EINVAL, shutdown(fd[0], -1));
	STEP("huge", -EINVAL, shutdown(fd[0], 0x7fffffff));
	STEP("still whole", POLLOUT, sock_events(fd[0], ALL));
}

/* Shut down or closed while all is unacknowledged: it arrives. */
TEST_F(close, shutdown_unacknowledged)
{
	int fd[2];
	long n;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(sock_qdisc("netem delay 300ms"));
	n = put_some(fd[0], 21);
	STEP("all is unacknowledged", 0, sock_outq(fd[0]) - n);
	STEP("shutdown", 0, shutdown(fd[0], SHUT_RDWR));
	STEP("and the end", 0, sock_outq(fd[0]) - n - 1);
	STEP("all arrives", 1, arrives(fd[1], n, 21));
	STEP("all acknowledged", 1, sock_acked(fd[0]));
	STEP("no error", 0, sock_error(fd[0]));
}

TEST_F(close, close_unacknowledged)
{
	int fd[2];
	long n;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(sock_qdisc("netem delay 300ms"));
	n = put_some(fd[0], 22);
	STEP("all is unacknowledged", 0, sock_outq(fd[0]) - n);
	STEP("close", 0, close(fd[0]));
	STEP("all arrives", 1, arrives(fd[1], n, 22));
	STEP("no error", 0, sock_error(fd[1]));
}

/* The same when the peer's window is shut, so that some has not even left. */
TEST_F(close, shutdown_unsent)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	STEP("some is unacknowledged", 1, sock_outq(fd[0]) > 0);
	STEP("shutdown", 0, shutdown(fd[0], SHUT_RDWR));
	STEP("all arrives", 0, sock_drain(fd[1], n) - n);
	STEP("then the end", 0, sock_drain(fd[1], 1));
	STEP("no error", 0, sock_error(fd[0]));
}

TEST_F(close, close_unsent)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	STEP("some is unacknowledged", 1, sock_outq(fd[0]) > 0);
	STEP("close", 0, close(fd[0]));
	STEP("all arrives", 0, sock_drain(fd[1], n) - n);
	STEP("then the end", 0, sock_drain(fd[1], 1));
	STEP("no error", 0, sock_error(fd[1]));
}

TEST_F(close, half_close_then_data)
{
	static char out[SOME];
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	ASSERT_TRUE(in_state(fd[1], "CLOSE_WAIT"));
	sock_pattern(out, 50000, 23);
	STEP("data in CLOSE_WAIT", 1, sock_send_all(fd[1], out, 50000));
	STEP("close", 0, close(fd[1]));
	STEP("arrives", 1, arrives(fd[0], 50000, 23));
}

/* Either end may be the first; the other sees nothing but the end. */
TEST_F(close, orders)
{
	int fd[2], first;
	char c;

	for (first = 0; first < 2; first++) {
		ASSERT_EQ(0, sock_pair(fd));
		STEP("first", 0, close(fd[first]));
		STEP("the other's end", 0, recv(fd[!first], &c, 1, 0));
		STEP("state", 1, in_state(fd[!first], "CLOSE_WAIT"));
		STEP("the other", 0, close(fd[!first]));
	}
}

/* Both at once: CLOSING, or one after the other; never an error. */
TEST_F(close, both_shut_down)
{
	int fd[2], i;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	for (i = 0; i < 2; i++)
		STEP("shutdown", 0, shutdown(fd[i], SHUT_WR));
	for (i = 0; i < 2; i++) {
		STEP("end", 0, recv(fd[i], &c, 1, 0));
		STEP("closed", 1, in_state(fd[i], "CLOSED"));
		STEP("error", 0, sock_error(fd[i]));
		STEP("poll", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
		     sock_events(fd[i], ALL));
		STEP("not connected", 1, sock_peer_port(fd[i]) < 0);
	}
}

TEST_F(close, unread_data)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(4, send(fd[0], "left", 4, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 4));
	STEP("close with data unread", 0, close(fd[1]));
	STEP("peer wakes", 1, !!(sock_wait(fd[0], POLLIN) & POLLERR));
	STEP("send", -ECONNRESET, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("send again", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("recv", 0, recv(fd[0], &c, 1, 0));
}

TEST_F(close, unread_data_recv)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(4, send(fd[0], "left", 4, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 4));
	ASSERT_EQ(1, recv(fd[1], &c, 1, 0));
	STEP("close with a part unread", 0, close(fd[1]));
	STEP("recv", -ECONNRESET, recv(fd[0], &c, 1, 0));
	STEP("recv again", 0, recv(fd[0], &c, 1, 0));
	STEP("error was taken", 0, sock_error(fd[0]));
}

/* To send to a program that has closed is to be reset. */
TEST_F(close, send_to_closed)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("close", 0, close(fd[1]));
	STEP("end", 0, recv(fd[0], &c, 1, 0));
	STEP("first send", 1, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("reset", 1, !!(SOCK_UNTIL(sock_events(fd[0], 0) & POLLERR)));
	STEP("second send", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
	STEP("recv", 0, recv(fd[0], &c, 1, 0));
}

TEST_F(close, linger_zero)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("option", 0, set_linger(fd[0], 1, 0));
	STEP("close", 0, close(fd[0]));
	STEP("recv", -ECONNRESET, recv(fd[1], &c, 1, 0));
	STEP("state", 0, strcmp(sock_state(fd[1]), "CLOSED"));
	STEP("send", -EPIPE, send(fd[1], "x", 1, MSG_NOSIGNAL));
	STEP("getpeername", 1, sock_peer_port(fd[1]) < 0);
}

/* A reset throws away what was not sent yet. */
TEST_F(close, linger_zero_with_data)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	ASSERT_EQ(0, set_linger(fd[0], 1, 0));
	STEP("close", 0, close(fd[0]));
	STEP("reset", 1, SOCK_UNTIL(sock_events(fd[1], 0) & POLLERR));
	STEP("not all arrives", 1, sock_drain(fd[1], n) < n);
}

struct close_arg {
	int fd;
};

static long do_close(void *arg)
{
	return close(((struct close_arg *)arg)->fd);
}

/* With SO_LINGER close(2) waits until all is acknowledged, FIN included. */
TEST_F(close, linger_waits)
{
	struct close_arg arg;
	struct sock_job job;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	ASSERT_EQ(0, set_linger(fd[0], 1, 3000));
	arg.fd = fd[0];
	ASSERT_EQ(0, sock_start(&job, do_close, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("drain", 0, sock_drain(fd[1], n) - n);
	STEP("close", 0, sock_finish(&job));
	STEP("end", 0, sock_drain(fd[1], 1));
}

TEST_F(close, linger_runs_out)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	ASSERT_EQ(0, set_linger(fd[0], 1, 1));
	STEP_TAKES(1000, "close", 0, close(fd[0]));
	STEP("the data is not lost", 0, sock_drain(fd[1], n) - n);
	STEP("nor the end", 0, sock_drain(fd[1], 1));
	STEP("no error", 0, sock_error(fd[1]));
}

TEST_F(close, linger_nothing_to_send)
{
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, set_linger(fd[0], 1, 3000));
	STEP("close", 0, close(fd[0]));
	STEP("peer's state", 1, in_state(fd[1], "CLOSE_WAIT"));
}

/* close(2) in each state that a program can bring about. */
TEST_F(close, states)
{
	int fd[2], listener, i;
	struct sock_addr addr;
	char c;

	for (i = 0; i < 2; i++) {
		fd[0] = sock_open(SOCK_STREAM);
		STEP("CLOSE", 0, close(fd[0]));

		fd[0] = sock_open(SOCK_STREAM);
		sock_addr_server(&addr, SOCK_PORT_FIXED);
		ASSERT_EQ(0, sock_bind(fd[0], &addr));
		STEP("bound", 0, close(fd[0]));

		fd[0] = sock_open(SOCK_STREAM);
		ASSERT_EQ(0, sock_bind(fd[0], &addr));
		ASSERT_EQ(0, listen(fd[0], 1));
		STEP("LISTEN", 0, close(fd[0]));
	}
	ASSERT_EQ(0, sock_pair(fd));
	STEP("ESTABLISHED", 0, close(fd[0]));
	STEP("CLOSE_WAIT reached", 1, in_state(fd[1], "CLOSE_WAIT"));
	STEP("CLOSE_WAIT", 0, close(fd[1]));

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("FIN_WAIT2 reached", 1, in_state(fd[0], "FIN_WAIT2"));
	STEP("FIN_WAIT2", 0, close(fd[0]));
	STEP("other's end", 0, recv(fd[1], &c, 1, 0));
	STEP("other", 0, close(fd[1]));

	/* The peer's window is shut: the FIN cannot leave. */
	ASSERT_EQ(0, sock_pair(fd));
	sock_fill(fd[0]);
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("FIN_WAIT1 reached", 1, in_state(fd[0], "FIN_WAIT1"));
	STEP("FIN_WAIT1", 0, close(fd[0]));
	STEP("reset it", 0, close(fd[1]));

	ASSERT_EQ(0, sock_pair(fd));
	sock_fill(fd[0]);
	ASSERT_EQ(0, shutdown(fd[1], SHUT_WR));
	ASSERT_TRUE(in_state(fd[0], "CLOSE_WAIT"));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("LAST_ACK reached", 1, in_state(fd[0], "LAST_ACK"));
	STEP("LAST_ACK", 0, close(fd[0]));
	STEP("reset that", 0, close(fd[1]));

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, close(fd[1]));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	STEP("closed", 1, in_state(fd[0], "CLOSED"));
	STEP("close", 0, close(fd[0]));

	listener = sock_listener(0);
	ASSERT_GE(sock_connect_to(listener), 0);
	fd[0] = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd[0], &addr));
	STEP("SYN_SENT reached", 1, in_state(fd[0], "SYN_SENT"));
	STEP("SYN_SENT", 0, close(fd[0]));
}

/* Nothing is left of what a program has closed; TCP's wait is longer. */
static bool nothing_left(void)
{
	return sock_is_inet() || SOCK_UNTIL(sock_count() == 0);
}

/* Both ends begin; one closes before the handshake is over. */
TEST_F(close, syn_received)
{
	int fd[2];
	char c;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_qdisc("netem delay 2s"));
	STEP("both begin", 0, sock_cross(fd));
	STEP("SYN_RECEIVED reached", 1, in_state(fd[0], "SYN_RECEIVED"));
	STEP("SYN_RECEIVED", 0, close(fd[0]));
	STEP("the peer is open", 1, in_state(fd[1], "CLOSE_WAIT"));
	sock_nonblock(fd[1], false);
	STEP("its end", 0, recv(fd[1], &c, 1, 0));
	STEP("no error", 0, sock_error(fd[1]));
	STEP("peer closes", 0, close(fd[1]));
	STEP("nothing is left", 1, nothing_left());
}

/* Both FINs are under way; then one end closes while the other lives. */
TEST_F(close, closing)
{
	int fd[2];
	char c;

	ASSERT_TRUE(sock_fresh_net());
	/* Longer than what was sent again is under way. */
	ASSERT_TRUE(sock_sysctl("tether/time_wait_ms", "5000"));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(sock_qdisc("netem delay 2s"));
	STEP("shutdown", 0, shutdown(fd[0], SHUT_WR));
	STEP("the peer's", 0, shutdown(fd[1], SHUT_WR));
	STEP("CLOSING reached", 1, in_state(fd[0], "CLOSING"));
	STEP("CLOSING", 0, close(fd[0]));
	STEP("the peer's end", 0, recv(fd[1], &c, 1, 0));
	STEP("the peer is closed", 1, in_state(fd[1], "CLOSED"));
	STEP("no error", 0, sock_error(fd[1]));
	STEP("peer closes", 0, close(fd[1]));
	STEP("nothing is left", 1, nothing_left());
	/* The peer would not have noticed a reset behind the last ACK. */
	STEP("without a reset", 0,
	     sock_is_inet() ? 0 : sock_counter("rst_*"));
}

/* A full stream whose reader goes away: the writer is woken and told. */
TEST_F(close, blocked_writer)
{
	struct sock_job job;
	struct close_arg arg;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	sock_fill(fd[0]);
	arg.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_close, &arg));
	STEP("send", -ECONNRESET, ({
		static char buf[SOME];
		ssize_t n;

		do {
			n = send(fd[0], buf, sizeof(buf), MSG_NOSIGNAL);
		} while (n > 0);
		n;
	}));
	STEP("close", 0, sock_finish(&job));
}

static long do_recv(void *arg)
{
	char c;

	return recv(((struct close_arg *)arg)->fd, &c, 1, 0);
}

TEST_F(close, blocked_reader)
{
	struct sock_job job;
	struct close_arg arg;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[0];
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("own shutdown", 0, shutdown(fd[0], SHUT_RD));
	STEP("recv", 0, sock_finish(&job));

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[0];
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps again", 1, sock_asleep(&job));
	ASSERT_EQ(0, set_linger(fd[1], 1, 0));
	STEP("peer aborts", 0, close(fd[1]));
	STEP("recv is reset", -ECONNRESET, sock_finish(&job));
}

/* The port and the peer are free for a new connection at once. */
TEST_F(close, reuse_of_the_pair)
{
	int listener = sock_listener(4), fd, got, i, on = 1;
	long before = sock_counter("time_wait_reopen");
	struct sock_addr client, dest;
	char c;

	sock_addr_client(&client, SOCK_PORT_FIXED + 9);
	sock_addr_dest(&dest, sock_port(listener));
	for (i = 0; i < 5; i++) {
		fd = sock_open(SOCK_STREAM);
		ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
					sizeof(on)));
		ASSERT_EQ(0, sock_bind(fd, &client));
		STEP("connect", 0, sock_connect_addr(fd, &dest));
		got = sock_accept(listener);
		STEP("accept", 0, sock_made(got));
		STEP("send", 1, send(fd, "r", 1, 0));
		STEP("recv", 1, recv(got, &c, 1, 0));
		/* The server closes first: TIME_WAIT is on its side. */
		STEP("server closes", 0, close(got));
		STEP("end", 0, recv(fd, &c, 1, 0));
		STEP("client closes", 0, close(fd));
	}
	STEP("each gives way to the next", 4,
	     sock_is_inet() ? 4 : sock_counter("time_wait_reopen") - before);
}

/*
 * Whether that many resets were sent and received, all for this reason: both
 * ends are in this namespace.
 */
static bool resets(const char *reason, long n)
{
	char out[64], in[64];

	snprintf(out, sizeof(out), "rst_out_%s", reason);
	snprintf(in, sizeof(in), "rst_in_%s", reason);
	if (SOCK_UNTIL(sock_counter(in) >= n) && sock_counter(in) == n &&
	    sock_counter(out) == n && sock_counter("rst_*") == 2 * n)
		return true;
	system("grep ^rst_ /proc/net/tether_stat | grep -v ' 0$' >&2");
	return false;
}

static bool resets_begin(void)
{
	return sock_fresh_net() && resets("none", 0);
}

TEST_F(reset, no_listener)
{
	struct sock_addr addr;

	ASSERT_TRUE(resets_begin());
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("connect", -ECONNREFUSED,
	     sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	EXPECT_TRUE(resets("no_listener", 1));
}

/* An end is gone without the other's notice: its reset got lost. */
TEST_F(reset, no_connection)
{
	int fd[2];
	char c;

	ASSERT_TRUE(resets_begin());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, set_linger(fd[0], 1, 0));
	ASSERT_TRUE(sock_qdisc("netem loss 100%"));
	STEP("close", 0, close(fd[0]));
	ASSERT_EQ(1, sock_counter("rst_*"));
	ASSERT_EQ(1, sock_counter("rst_out_aborted"));
	ASSERT_TRUE(sock_qdisc("pfifo"));
	STEP("send", 1, send(fd[1], "x", 1, 0));
	STEP("recv", -ECONNRESET, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(1, sock_counter("rst_out_no_connection"));
	EXPECT_EQ(1, sock_counter("rst_in_no_connection"));
	EXPECT_EQ(3, sock_counter("rst_*"));
	EXPECT_EQ(1, sock_counter("drop_no_socket"));
}

TEST_F(reset, aborted)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd[2];

	ASSERT_TRUE(resets_begin());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, set_linger(fd[0], 1, 0));
	STEP("close", 0, close(fd[0]));
	EXPECT_TRUE(resets("aborted", 1));
	ASSERT_EQ(0, sock_pair(fd));
	STEP("disconnect", 0, connect(fd[1], &unspec, sizeof(unspec)));
	EXPECT_TRUE(resets("aborted", 2));
	EXPECT_EQ(0, sock_counter("orphaned"));
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("did_reset") == 2));
}

TEST_F(reset, unread)
{
	int fd[2];

	ASSERT_TRUE(resets_begin());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(4, send(fd[0], "left", 4, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 4));
	STEP("close", 0, close(fd[1]));
	EXPECT_TRUE(resets("unread", 1));
}

/* Bytes for an orphan, and for a program that has shut both halves down. */
TEST_F(reset, closed)
{
	int fd[2], i;
	char c;

	ASSERT_TRUE(resets_begin());
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, sock_pair(fd));
		STEP("end", 0, i ? shutdown(fd[1], SHUT_RDWR) : close(fd[1]));
		ASSERT_EQ(0, recv(fd[0], &c, 1, 0));
		STEP("send", 1, send(fd[0], "x", 1, MSG_NOSIGNAL));
		EXPECT_TRUE(resets("closed", i + 1));
	}
	EXPECT_EQ(1, sock_counter("orphaned"));
}

TEST_F(reset, listener_closed)
{
	int listener, i;

	ASSERT_TRUE(resets_begin());
	listener = sock_listener(4);
	for (i = 0; i < 3; i++)
		ASSERT_GE(sock_connect_to(listener), 0);
	ASSERT_TRUE(SOCK_UNTIL(sock_counter("passive_open") == 3));
	STEP("close", 0, close(listener));
	EXPECT_TRUE(resets("listener_closed", 3));
	EXPECT_EQ(0, sock_counter("accepted"));
}

/* An orphan's time is over, whatever its state and though the peer answers. */
TEST_F(reset, timeout)
{
	int fd[2];
	char c;

	ASSERT_TRUE(resets_begin());
	ASSERT_TRUE(sock_sysctl("tether/orphan_timeout_ms", "300"));
	ASSERT_EQ(0, sock_pair(fd));
	STEP("close", 0, close(fd[0]));
	EXPECT_EQ(1, sock_counter("orphaned"));
	ASSERT_EQ(0, recv(fd[1], &c, 1, 0));
	EXPECT_TRUE(resets("timeout", 1));
	EXPECT_EQ(1, sock_counter("did_timeout"));
	STEP("the peer is told", -EPIPE, sock_error(fd[1]));
}

/* One orphan more than there may be. */
TEST_F(reset, memory)
{
	int fd[2], more[2];

	ASSERT_TRUE(resets_begin());
	ASSERT_TRUE(sock_sysctl("tether/max_orphans", "1"));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, sock_pair(more));
	STEP("close", 0, close(fd[0]));
	EXPECT_TRUE(resets("none", 0));
	STEP("close another", 0, close(more[0]));
	EXPECT_TRUE(resets("memory", 1));
	EXPECT_EQ(2, sock_counter("orphaned"));
	STEP("the first ends in peace", 0, close(fd[1]));
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("time_wait") == 1));
	STEP("its place is free", 0, sock_pair(fd));
	STEP("close a third", 0, close(fd[0]));
	EXPECT_TRUE(resets("memory", 1));
}

TEST_F(reset_device, address)
{
	int fd[2];
	char c;

	ASSERT_TRUE(resets_begin());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, system("ip link set " SOCK_DEV_CLIENT
			    " address 02:00:00:00:c0:03"));
	EXPECT_TRUE(resets("device", 1));
	STEP("recv", -ENETRESET, recv(fd[0], &c, 1, 0));
	STEP("peer's recv", -ECONNRESET, recv(fd[1], &c, 1, 0));
}

/* No reset can leave: the device of the other end is gone, too. */
TEST_F(reset_device, deleted)
{
	int fd[2], i;
	char c;

	ASSERT_TRUE(resets_begin());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, system("ip link del " SOCK_DEV_CLIENT));
	for (i = 0; i < 2; i++)
		STEP("recv", -ENODEV, recv(fd[i], &c, 1, 0));
	EXPECT_EQ(2, sock_counter("device_gone"));
	EXPECT_EQ(0, sock_counter("rst_*"));
}

#include "last.h"

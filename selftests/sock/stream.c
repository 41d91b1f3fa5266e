// SPDX-License-Identifier: GPL-2.0
/* Opening: socket, bind, listen, connect and accept of a stream. */
#include <unistd.h>
#include "pair.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

#define SOCK_NAME stream
#include "fixture.h"
/* No frame comes back to the device it left by: not for veth. */
#define SOCK_NAME stream_self
#define SOCK_NO_VETH
#include "fixture.h"

/*
 * A listener whose completed queue is full drops SYNs: a connect(2) to it
 * stays in SYN_SENT until there is room.
 */
static int full_listener(int *first)
{
	int listener = sock_listener(0);

	*first = sock_connect_to(listener);
	if (*first < 0 || !sock_wait(listener, POLLIN))
		return -1;
	return listener;
}

static int connecting(int listener)
{
	struct sock_addr addr;
	int fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);

	sock_addr_dest(&addr, sock_port(listener));
	if (sock_connect_addr(fd, &addr) != -1 || errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST_F(stream, types)
{
	int f = sock_family();

	STEP("stream", 0, sock_made(socket(f, SOCK_STREAM, 0)));
	STEP("by protocol", 0, sock_made(socket(f, SOCK_STREAM, IPPROTO_TCP)));
	STEP("datagrams", 0, sock_made(socket(f, SOCK_DGRAM, 0)));
	STEP("datagrams by protocol", 0,
	     sock_made(socket(f, SOCK_DGRAM, IPPROTO_UDP)));
	STEP("flags", 0, sock_made(socket(f, SOCK_STREAM | SOCK_NONBLOCK |
					  SOCK_CLOEXEC, 0)));
	STEP("stream with UDP", -EPROTONOSUPPORT,
	     sock_made(socket(f, SOCK_STREAM, IPPROTO_UDP)));
	STEP("datagrams with TCP", -EPROTONOSUPPORT,
	     sock_made(socket(f, SOCK_DGRAM, IPPROTO_TCP)));
	STEP("unknown protocol", -EPROTONOSUPPORT,
	     sock_made(socket(f, SOCK_STREAM, 254)));
	STEP("negative protocol", -EINVAL, sock_made(socket(f, SOCK_STREAM, -1)));
	STEP("records", -ESOCKTNOSUPPORT, sock_made(socket(f, SOCK_SEQPACKET, 0)));
	STEP("reliable datagrams", -ESOCKTNOSUPPORT,
	     sock_made(socket(f, SOCK_RDM, 0)));
	STEP("no such type", -EINVAL, sock_made(socket(f, 77, 0)));
	STEP("no such flag", -EINVAL, sock_made(socket(f, SOCK_STREAM | 0x100, 0)));
}

TEST_F(stream, flags)
{
	int fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);

	STEP("nonblock", O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	STEP("cloexec", FD_CLOEXEC, fcntl(fd, F_GETFD));
}

TEST_F(stream, fresh)
{
	struct sock_addr addr = { .len = sizeof(addr.in) };
	int fd = sock_open(SOCK_STREAM);
	char c;

	STEP("getsockname", 0, getsockname(fd, &addr.sa, &addr.len));
	STEP("length", sizeof(addr.in), addr.len);
	STEP("port", 0, sock_port(fd));
	STEP("getpeername", -ENOTCONN, getpeername(fd, &addr.sa, &addr.len));
	STEP("poll", POLLOUT | POLLHUP, sock_events(fd, ALL));
	STEP("recv", -ENOTCONN, recv(fd, &c, 1, 0));
	STEP("peek", -ENOTCONN, recv(fd, &c, 1, MSG_PEEK));
	STEP("send", -EPIPE, send(fd, "a", 1, MSG_NOSIGNAL));
	STEP("empty send", -EPIPE, send(fd, "a", 0, MSG_NOSIGNAL));
	STEP("shutdown", -ENOTCONN, shutdown(fd, SHUT_RDWR));
	STEP("accept", -EINVAL, accept(fd, NULL, NULL));
	STEP("disconnect", 0, ({
		struct sockaddr sa = { .sa_family = AF_UNSPEC };

		connect(fd, &sa, sizeof(sa));
	}));
	STEP("error", 0, sock_error(fd));
	STEP("close", 0, close(fd));
}

TEST_F(stream, socketpair)
{
	int fd[2];

	STEP("socketpair", -EOPNOTSUPP,
	     socketpair(sock_family(), SOCK_STREAM, 0, fd));
}

TEST_F(stream, bind)
{
	int fd = sock_open(SOCK_STREAM), other = sock_open(SOCK_STREAM);
	struct sock_addr addr;

	sock_addr_server(&addr, 0);
	STEP("any port", 0, sock_bind(fd, &addr));
	STEP("a port was chosen", 1, sock_port(fd) >= 1024);
	STEP("twice", -EINVAL, sock_bind(fd, &addr));
	sock_addr_server(&addr, SOCK_PORT_FIXED);
	STEP("again, other port", -EINVAL, sock_bind(fd, &addr));
	STEP("a port", 0, sock_bind(other, &addr));
	STEP("the port", SOCK_PORT_FIXED, sock_port(other));
	close(fd);
	close(other);
	fd = sock_open(SOCK_STREAM);
	STEP("free after close", 0, sock_bind(fd, &addr));
	STEP("poll", POLLOUT | POLLHUP, sock_events(fd, ALL));
	STEP("recv", -ENOTCONN, recv(fd, &addr, 1, 0));
}

TEST_F(stream, listen)
{
	struct sock_addr addr, peer = { .len = sizeof(peer.in) };
	int fd = sock_open(SOCK_STREAM);
	char c;

	sock_addr_server(&addr, 0);
	STEP("unbound", 0, listen(fd, 5));
	STEP("port", 1, sock_port(fd) >= 1024);
	STEP("poll", 0, sock_events(fd, ALL));
	STEP("bind", -EINVAL, sock_bind(fd, &addr));
	STEP("recv", -ENOTCONN, recv(fd, &c, 1, 0));
	STEP("send", -EPIPE, send(fd, "a", 1, MSG_NOSIGNAL));
	STEP("getpeername", -ENOTCONN, getpeername(fd, &peer.sa, &peer.len));
	sock_addr_dest(&addr, sock_port(fd));
	STEP("connect", -EISCONN, sock_connect_addr(fd, &addr));
	STEP("again", 0, listen(fd, 7));
	STEP("negative", 0, listen(fd, -1));
	STEP("huge", 0, listen(fd, 0x7fffffff));
	STEP("accepting", 1, sock_int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	STEP("write shutdown", 0, shutdown(fd, SHUT_WR));
	STEP("still accepting", 1, sock_int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	STEP("read shutdown", 0, shutdown(fd, SHUT_RD));
	STEP("no more", 0, sock_int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	STEP("accept", -EINVAL, accept(fd, NULL, NULL));
	STEP("once more", 0, listen(fd, 1));
	STEP("accepting again", 1, sock_int_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	c = sock_made(sock_connect_to(fd));
	STEP("connect after it", 0, c);
}

TEST_F(stream, connect)
{
	struct sock_addr addr, a = { .len = 16 }, b = { .len = 16 };
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), got;

	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect", 0, sock_connect_addr(fd, &addr));
	STEP("own port", 1, sock_port(fd) >= 1024);
	STEP("peer port", 0, sock_peer_port(fd) - sock_port(listener));
	STEP("again", -EISCONN, sock_connect_addr(fd, &addr));
	sock_addr_client(&addr, 0);
	STEP("bind", -EINVAL, sock_bind(fd, &addr));
	STEP("listen", -EINVAL, listen(fd, 1));
	STEP("accept on it", -EINVAL, accept(fd, NULL, NULL));
	STEP("poll", POLLOUT, sock_events(fd, ALL));
	STEP("state", 0, strcmp(sock_state(fd), "ESTABLISHED"));
	got = sock_wait(listener, POLLIN) ?
	      accept(listener, &a.sa, &a.len) : -1;
	STEP("accept", 0, sock_made(got));
	STEP("length", 16, a.len);
	STEP("address of the client", 0, ntohs(a.in.sin_port) - sock_port(fd));
	STEP("getpeername", 0, getpeername(got, &b.sa, &b.len));
	STEP("getpeername is accept's", 0, memcmp(&a.sa, &b.sa, 16));
	STEP("poll of the child", POLLOUT, sock_events(got, ALL));
	STEP("child's port", 0, sock_port(got) - sock_port(listener));
	STEP("child's state", 0, strcmp(sock_state(got), "ESTABLISHED"));
	STEP("the queue is empty", 0, sock_events(listener, ALL));
}

/* Both ends name each other by what getsockname(2) and getpeername(2) say. */
TEST_F(stream, names)
{
	struct sock_addr a = { .len = 16 }, b = { .len = 16 };
	int fd[2], listener;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("client", 0, getsockname(fd[0], &a.sa, &a.len));
	STEP("its peer", 0, getpeername(fd[0], &b.sa, &b.len));
	STEP("families", 0, a.sa.sa_family + b.sa.sa_family - 2 * sock_family());
	STEP("client's port", 0, sock_port(fd[0]) - sock_peer_port(fd[1]));
	STEP("server's port", 0, sock_port(fd[1]) - sock_peer_port(fd[0]));

	/* A listener on any address: its children have a definite one. */
	listener = sock_open(SOCK_STREAM);
	sock_addr_any(&a, 0);
	ASSERT_EQ(0, sock_bind(listener, &a));
	ASSERT_EQ(0, listen(listener, 1));
	fd[0] = sock_connect_to(listener);
	ASSERT_GE(fd[0], 0);
	fd[1] = sock_accept(listener);
	ASSERT_GE(fd[1], 0);
	a.len = 16;
	STEP("child", 0, getsockname(fd[1], &a.sa, &a.len));
	if (sock_is_inet()) {
		EXPECT_EQ(htonl(INADDR_LOOPBACK), a.in.sin_addr.s_addr);
	} else {
		unsigned char mac[6];

		sock_mac(true, mac);
		EXPECT_EQ(sock_ifindex(true), a.th.sth_ifindex);
		EXPECT_EQ(0, memcmp(mac, a.th.sth_addr, 6));
		EXPECT_EQ(0, a.th.__sth_pad[0] | a.th.__sth_pad[1]);
	}
}

TEST_F(stream, nonblock)
{
	int listener = sock_listener(1), fd;
	struct sock_addr addr;

	sock_addr_dest(&addr, sock_port(listener));
	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	STEP("accept on none", -EAGAIN, ({
		sock_nonblock(listener, true);
		accept(listener, NULL, NULL);
	}));
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("done", POLLOUT, sock_wait(fd, ALL));
	STEP("error", 0, sock_error(fd));
	STEP("connect reports", 0, sock_connect_addr(fd, &addr));
	STEP("connect again", -EISCONN, sock_connect_addr(fd, &addr));
	STEP("accept", 0, sock_made(sock_accept(listener)));
	STEP("accept on none again", -EAGAIN, accept(listener, NULL, NULL));
}

TEST_F(stream, pending)
{
	int first, listener = full_listener(&first), fd;
	struct sock_addr addr, peer = { .len = 16 };
	char c;

	ASSERT_GE(listener, 0);
	sock_addr_dest(&addr, sock_port(listener));
	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("state", 0, strcmp(sock_state(fd), "SYN_SENT"));
	STEP("again", -EALREADY, sock_connect_addr(fd, &addr));
	STEP("poll", 0, sock_events(fd, ALL));
	STEP("error", 0, sock_error(fd));
	STEP("port", 1, sock_port(fd) >= 1024);
	STEP("getpeername", -ENOTCONN, getpeername(fd, &peer.sa, &peer.len));
	STEP("send", -EAGAIN, send(fd, "a", 1, MSG_NOSIGNAL));
	STEP("recv", -EAGAIN, recv(fd, &c, 1, 0));
	STEP("listen", -EINVAL, listen(fd, 1));
	sock_addr_client(&peer, 0);
	STEP("bind", -EINVAL, sock_bind(fd, &peer));
	STEP("accept on it", -EINVAL, accept(fd, NULL, NULL));
	STEP("queued", 0, ioctl(fd, FIONREAD, &first));

	/* Room: the SYN that is sent again finds it. */
	STEP("accept the first", 0, sock_made(sock_accept(listener)));
	STEP("connected", POLLOUT, sock_wait(fd, ALL));
	STEP("no error", 0, sock_error(fd));
	STEP("now", 0, sock_connect_addr(fd, &addr));
	STEP("accept the second", 0, sock_made(sock_accept(listener)));
}

TEST_F(stream, pending_shutdown)
{
	int first, listener = full_listener(&first), fd;
	struct sock_addr addr;

	ASSERT_GE(listener, 0);
	fd = connecting(listener);
	ASSERT_GE(fd, 0);
	STEP("shutdown", 0, shutdown(fd, SHUT_WR));
	STEP("state", 0, strcmp(sock_state(fd), "CLOSED"));
	STEP("poll", POLLERR | POLLOUT | POLLHUP, sock_events(fd, ALL));
	STEP("error", -ECONNRESET, sock_error(fd));
	STEP("cleared", 0, sock_error(fd));
	sock_nonblock(fd, false);
	close(first);
	ASSERT_GE(sock_accept(listener), 0);
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect anew", 0, sock_connect_addr(fd, &addr));
}

TEST_F(stream, pending_disconnect)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int first, listener = full_listener(&first), fd, port;
	struct sock_addr addr;

	ASSERT_GE(listener, 0);
	fd = connecting(listener);
	ASSERT_GE(fd, 0);
	port = sock_port(fd);
	STEP("unspec", 0, connect(fd, &unspec, sizeof(unspec)));
	STEP("state", 0, strcmp(sock_state(fd), "CLOSED"));
	STEP("error", -ECONNRESET, sock_error(fd));
	STEP("cleared", 0, sock_error(fd));
	STEP("port still shown", 1, sock_port(fd) == port);
	ASSERT_GE(sock_accept(listener), 0);
	sock_nonblock(fd, false);
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect anew", 0, sock_connect_addr(fd, &addr));
}

TEST_F(stream, pending_close)
{
	int first, listener = full_listener(&first), fd;

	ASSERT_GE(listener, 0);
	fd = connecting(listener);
	ASSERT_GE(fd, 0);
	STEP("close", 0, close(fd));
	STEP("accept the first", 0, sock_made(sock_accept(listener)));
	STEP("nothing more", 0, sock_events(listener, ALL));
}

TEST_F(stream, refused)
{
	int fd = sock_open(SOCK_STREAM), listener = sock_listener(1);
	struct sock_addr addr;

	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("connect", -ECONNREFUSED, sock_connect_addr(fd, &addr));
	STEP("error was taken", 0, sock_error(fd));
	STEP("poll", POLLOUT | POLLHUP, sock_events(fd, ALL));
	STEP("again", -ECONNREFUSED, sock_connect_addr(fd, &addr));
	STEP("recv", -ENOTCONN, recv(fd, &addr, 1, 0));
	STEP("send", -EPIPE, send(fd, "a", 1, MSG_NOSIGNAL));
	sock_addr_dest(&addr, sock_port(listener));
	STEP("elsewhere", 0, sock_connect_addr(fd, &addr));
	STEP("accept", 0, sock_made(sock_accept(listener)));
	STEP("poll again", POLLOUT, sock_events(fd, ALL));
}

TEST_F(stream, refused_nonblock)
{
	int fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	struct sock_addr addr;

	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("wait", 1, !!sock_wait(fd, POLLOUT));
	STEP("poll", POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP,
	     sock_events(fd, ALL));
	STEP("error", -ECONNREFUSED, sock_error(fd));
	STEP("cleared", 0, sock_error(fd));
	STEP("poll again", POLLIN | POLLOUT | POLLHUP | POLLRDHUP,
	     sock_events(fd, ALL));
	STEP("connect reports", -ECONNABORTED, sock_connect_addr(fd, &addr));
	STEP("connect anew", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("wait again", 1, !!sock_wait(fd, POLLOUT));
	STEP("told by connect", -ECONNREFUSED, sock_connect_addr(fd, &addr));
}

TEST_F(stream, refused_send)
{
	int fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	struct sock_addr addr;
	char c;

	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("wait", 1, !!sock_wait(fd, POLLOUT));
	STEP("send", -ECONNREFUSED, send(fd, "a", 1, MSG_NOSIGNAL));
	STEP("send again", -EPIPE, send(fd, "a", 1, MSG_NOSIGNAL));
	STEP("recv", 0, recv(fd, &c, 1, 0));
}

TEST_F(stream, disconnect)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct sock_addr addr = { .len = 16 };
	int fd[2], listener = sock_listener(1), port;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	port = sock_port(fd[0]);
	STEP("short unspec", -EINVAL, connect(fd[0], &unspec, 1));
	STEP("unspec", 0, connect(fd[0], &unspec, sizeof(unspec)));
	STEP("state", 0, strcmp(sock_state(fd[0]), "CLOSED"));
	STEP("error", -ECONNRESET, sock_error(fd[0]));
	STEP("poll", POLLOUT | POLLHUP, sock_events(fd[0], ALL));
	STEP("getpeername", -ENOTCONN, getpeername(fd[0], &addr.sa, &addr.len));
	STEP("port still shown", 1, sock_port(fd[0]) == port);
	STEP("recv", -ENOTCONN, recv(fd[0], &c, 1, 0));
	STEP("send", -EPIPE, send(fd[0], "a", 1, MSG_NOSIGNAL));
	STEP("peer is told", 1, !!(sock_wait(fd[1], POLLIN) & POLLERR));
	STEP("peer's recv", -ECONNRESET, recv(fd[1], &c, 1, 0));
	STEP("peer's recv again", 0, recv(fd[1], &c, 1, 0));
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect anew", 0, sock_connect_addr(fd[0], &addr));
	fd[1] = sock_accept(listener);
	STEP("accept", 0, sock_made(fd[1]));
	STEP("send anew", 1, send(fd[0], "x", 1, 0));
	STEP("recv anew", 1, recv(fd[1], &c, 1, 0));
}

TEST_F(stream, disconnect_bound)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd = sock_open(SOCK_STREAM), listener = sock_listener(2);
	struct sock_addr addr;

	sock_addr_client(&addr, SOCK_PORT_FIXED + 1);
	ASSERT_EQ(0, sock_bind(fd, &addr));
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_EQ(0, sock_connect_addr(fd, &addr));
	STEP("port", SOCK_PORT_FIXED + 1, sock_port(fd));
	STEP("unspec", 0, connect(fd, &unspec, sizeof(unspec)));
	STEP("port is kept", SOCK_PORT_FIXED + 1, sock_port(fd));
	STEP("error", -ECONNRESET, sock_error(fd));
	STEP("connect anew", 0, sock_connect_addr(fd, &addr));
	STEP("same port", SOCK_PORT_FIXED + 1, sock_port(fd));
}

TEST_F(stream, disconnect_listener)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int listener = sock_open(SOCK_STREAM), port = SOCK_PORT_FIXED + 7;
	struct sock_addr addr;

	sock_addr_server(&addr, port);
	ASSERT_EQ(0, sock_bind(listener, &addr));
	ASSERT_EQ(0, listen(listener, 1));
	STEP("unspec", 0, connect(listener, &unspec, sizeof(unspec)));
	STEP("accept", -EINVAL, accept(listener, NULL, NULL));
	sock_addr_dest(&addr, port);
	STEP("refused", -ECONNREFUSED,
	     sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	STEP("listen", 0, listen(listener, 1));
	STEP("same port", 0, sock_port(listener) - port);
	STEP("connect", 0, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
}

/* A connection that has ended is still one to connect(2). */
TEST_F(stream, reconnect)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd[2], listener = sock_listener(1);
	struct sock_addr addr;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	sock_addr_dest(&addr, sock_port(listener));
	STEP("peer closes", 0, close(fd[1]));
	STEP("end of file", 0, recv(fd[0], &c, 1, 0));
	STEP("in CLOSE_WAIT", -EISCONN, sock_connect_addr(fd[0], &addr));
	STEP("close our half", 0, shutdown(fd[0], SHUT_WR));
	ASSERT_TRUE(SOCK_UNTIL(!strcmp(sock_state(fd[0]), "CLOSED")));
	STEP("when closed", -EISCONN, sock_connect_addr(fd[0], &addr));
	STEP("unspec", 0, connect(fd[0], &unspec, sizeof(unspec)));
	STEP("anew", 0, sock_connect_addr(fd[0], &addr));
	STEP("accept", 0, sock_made(sock_accept(listener)));
}

TEST_F(stream_self, connect)
{
	int fd = sock_open(SOCK_STREAM);
	struct sock_addr addr;
	char c = 0;

	sock_addr_dest(&addr, SOCK_PORT_FIXED + 2);
	ASSERT_EQ(0, sock_bind(fd, &addr));
	STEP("connect", 0, sock_connect_addr(fd, &addr));
	STEP("peer is self", 0, sock_port(fd) - sock_peer_port(fd));
	STEP("send", 1, send(fd, "s", 1, MSG_NOSIGNAL));
	STEP("recv", 1, recv(fd, &c, 1, 0));
	STEP("byte", 's', c);
	STEP("shutdown", 0, shutdown(fd, SHUT_WR));
	STEP("end of file", 0, recv(fd, &c, 1, 0));
}

/* Two sockets connect to each other. */
TEST_F(stream, simultaneous_open)
{
	int fd[2], i;
	char c = 0;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_qdisc("netem delay 1s"));
	STEP("both begin", 0, sock_cross(fd));
	STEP("first is open", POLLOUT, sock_wait(fd[0], ALL));
	STEP("second is open", POLLOUT, sock_wait(fd[1], ALL));
	for (i = 0; i < 2; i++)
		sock_nonblock(fd[i], false);
	STEP("send", 1, send(fd[0], "1", 1, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("byte", '1', c);
	STEP("send back", 1, send(fd[1], "2", 1, 0));
	STEP("recv back", 1, recv(fd[0], &c, 1, 0));
	STEP("byte back", '2', c);
	STEP("close", 0, close(fd[0]));
	STEP("end of file", 0, recv(fd[1], &c, 1, 0));
}

static long do_accept(void *arg)
{
	return accept(*(int *)arg, NULL, NULL);
}

struct connect_arg {
	struct sock_addr addr;
	int fd;
};

static long do_connect(void *arg)
{
	struct connect_arg *c = arg;

	return sock_connect_addr(c->fd, &c->addr);
}

TEST_F(stream, accept_blocks)
{
	int listener = sock_listener(1), fd;
	struct sock_job job;

	ASSERT_EQ(0, sock_start(&job, do_accept, &listener));
	STEP("sleeps", 1, sock_asleep(&job));
	fd = sock_connect_to(listener);
	STEP("connect", 0, sock_made(fd));
	STEP("accept", 1, sock_finish(&job) >= 0);
}

TEST_F(stream, accept_shutdown)
{
	int listener = sock_listener(1);
	struct sock_job job;

	ASSERT_EQ(0, sock_start(&job, do_accept, &listener));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("shutdown", 0, shutdown(listener, SHUT_RD));
	STEP("accept", -EINVAL, sock_finish(&job));
}

TEST_F(stream, connect_blocks)
{
	int first, listener = full_listener(&first);
	struct connect_arg arg = { .fd = sock_open(SOCK_STREAM) };
	struct sock_job job;

	ASSERT_GE(listener, 0);
	sock_addr_dest(&arg.addr, sock_port(listener));
	ASSERT_EQ(0, sock_start(&job, do_connect, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("accept the first", 0, sock_made(sock_accept(listener)));
	STEP("connect", 0, sock_finish(&job));
	STEP("accept the second", 0, sock_made(sock_accept(listener)));
}

TEST_F(stream, connect_timeout)
{
	int first, listener = full_listener(&first), fd;
	struct timeval tv = { .tv_usec = 50000 };
	struct sock_addr addr;

	ASSERT_GE(listener, 0);
	fd = sock_open(SOCK_STREAM);
	STEP("option", 0,
	     setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	sock_addr_dest(&addr, sock_port(listener));
	STEP_TAKES(50, "connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	STEP("again", -EALREADY, sock_connect_addr(fd, &addr));
	STEP("state", 0, strcmp(sock_state(fd), "SYN_SENT"));
	STEP("accept the first", 0, sock_made(sock_accept(listener)));
	STEP("connected", POLLOUT, sock_wait(fd, ALL));
	STEP("now", 0, sock_connect_addr(fd, &addr));
}

TEST_F(stream, accept_timeout)
{
	struct timeval tv = { .tv_usec = 20000 };
	int listener = sock_listener(1);

	STEP("option", 0, setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &tv,
				     sizeof(tv)));
	STEP_TAKES(20, "accept", -EAGAIN, accept(listener, NULL, NULL));
	STEP("client", 0, sock_made(sock_connect_to(listener)));
	STEP("accept one", 0, sock_made(accept(listener, NULL, NULL)));
}

/* What a client sends before accept(2) waits for it. */
TEST_F(stream, early_data)
{
	int listener = sock_listener(1), fd, got;
	char buf[8] = "";

	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	STEP("send", 5, send(fd, "early", 5, 0));
	ASSERT_TRUE(sock_acked(fd));
	STEP("close", 0, close(fd));
	got = sock_accept(listener);
	STEP("accept", 0, sock_made(got));
	STEP("recv", 5, recv(got, buf, sizeof(buf), MSG_WAITALL));
	STEP("bytes", 0, strcmp(buf, "early"));
	STEP("end of file", 0, recv(got, buf, sizeof(buf), 0));
}

/* A client that resets before accept(2) is accepted nevertheless. */
TEST_F(stream, early_reset)
{
	struct linger linger = { .l_onoff = 1 };
	int listener = sock_listener(1), fd, got;
	struct sock_addr addr = { .len = 16 };
	char c;

	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	ASSERT_NE(0, sock_wait(listener, POLLIN));
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	STEP("abort", 0, close(fd));
	got = sock_accept(listener);
	STEP("accept", 0, sock_made(got));
	STEP("wait", 1, !!(sock_wait(got, POLLIN) & POLLERR));
	STEP("getpeername", -ENOTCONN, getpeername(got, &addr.sa, &addr.len));
	STEP("recv", -ECONNRESET, recv(got, &c, 1, 0));
	STEP("recv again", 0, recv(got, &c, 1, 0));
}

/* Neither end needs to name its device to the other's server. */
TEST_F(stream, bound_client)
{
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), got;
	struct sock_addr addr;

	sock_addr_client(&addr, SOCK_PORT_FIXED + 5);
	STEP("bind", 0, sock_bind(fd, &addr));
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect", 0, sock_connect_addr(fd, &addr));
	STEP("port", SOCK_PORT_FIXED + 5, sock_port(fd));
	got = sock_accept(listener);
	STEP("accept", 0, sock_made(got));
	STEP("seen port", SOCK_PORT_FIXED + 5, sock_peer_port(got));
}

TEST_F(stream, two_clients_one_port)
{
	int one = sock_listener(1), two = sock_listener(1), fd[2], on = 1, i;
	struct sock_addr addr;

	for (i = 0; i < 2; i++) {
		fd[i] = sock_open(SOCK_STREAM);
		ASSERT_EQ(0, setsockopt(fd[i], SOL_SOCKET, SO_REUSEADDR, &on,
					sizeof(on)));
		sock_addr_client(&addr, SOCK_PORT_FIXED + 6);
		ASSERT_EQ(0, sock_bind(fd[i], &addr));
	}
	sock_addr_dest(&addr, sock_port(one));
	STEP("first", 0, sock_connect_addr(fd[0], &addr));
	STEP("same connection", -EADDRNOTAVAIL, sock_connect_addr(fd[1], &addr));
	sock_addr_dest(&addr, sock_port(two));
	STEP("another peer", 0, sock_connect_addr(fd[1], &addr));
}

/* One port to choose from is shared by connections, and by nothing else. */
TEST_F(stream, ports_run_out)
{
	struct sock_addr addr;
	int one, two, fd[3];

	ASSERT_TRUE(sock_fresh_net());
	one = sock_listener(1);
	two = sock_listener(1);
	fd[0] = sock_open(SOCK_STREAM);
	fd[1] = sock_open(SOCK_STREAM);
	fd[2] = sock_open(SOCK_STREAM);
	ASSERT_TRUE(sock_sysctl(sock_is_inet() ? "ipv4/ip_local_port_range" :
						 "tether/port_range",
				"41000 41000"));
	sock_addr_dest(&addr, sock_port(one));
	STEP("connect", 0, sock_connect_addr(fd[0], &addr));
	STEP("its port", 41000, sock_port(fd[0]));
	STEP("no other to it", -EADDRNOTAVAIL, sock_connect_addr(fd[1], &addr));
	STEP("no port", 0, sock_port(fd[1]));
	sock_addr_dest(&addr, sock_port(two));
	STEP("elsewhere", 0, sock_connect_addr(fd[1], &addr));
	STEP("the same port", 41000, sock_port(fd[1]));
	STEP("listen", -EADDRINUSE, listen(fd[2], 1));
	sock_addr_client(&addr, 0);
	STEP("bind", -EADDRINUSE, sock_bind(fd[2], &addr));
}

#include "last.h"

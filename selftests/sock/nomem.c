// SPDX-License-Identifier: GPL-2.0
/*
 * No memory: of each system call one allocation after the other is refused.
 * Each time it fails with an errno of the manual, or does what it should, the
 * socket can still be used, and nothing is left behind. For options and the
 * like see nomem_settings.c, for frames that arrive nomem_frames.c, for timers
 * nomem_softirq.c. Needs a kernel that injects faults.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "faults.h"
#include "pair.h"

#define SOCK_NAME refused
#define SOCK_NO_INET
#include "fixture.h"

/* Made beforehand: no fault is to be spent on them. */
static struct sock_addr address;
static int listener;

static int fresh(void)
{
	return sock_open(SOCK_STREAM);
}

static int fresh_nonblock(void)
{
	return sock_open(SOCK_STREAM | SOCK_NONBLOCK);
}

static int fresh_dgram(void)
{
	return sock_open(SOCK_DGRAM);
}

static int datagram(void)
{
	int fd[2];

	if (sock_dgram_pair(fd))
		return -1;
	faults_peer = fd[1];
	return fd[0];
}

static long call_socket(int unused)
{
	return sock_open(SOCK_STREAM);
}

static long call_socket_dgram(int unused)
{
	return sock_open(SOCK_DGRAM);
}

static long call_socketpair(int unused)
{
	int fd[2];

	return socketpair(sock_family(), SOCK_STREAM, 0, fd);
}

static bool judge_socket(int unused, long result)
{
	return result < 0 || !close(result);
}

TEST_F(refused, socket)
{
	const struct attempt tries[] = {
		{ "socket stream", NULL, call_socket, judge_socket,
		  { ENOBUFS, ENOMEM, ENFILE } },
		{ "socket datagram", NULL, call_socket_dgram, judge_socket,
		  { ENOBUFS, ENOMEM, ENFILE } },
		{ "socketpair", NULL, call_socketpair, judge_socket,
		  { ENOBUFS, ENFILE }, .normal = EOPNOTSUPP },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static const int any_port, fixed_port = SOCK_PORT_FIXED;

static int unbound(void)
{
	sock_addr_server(&address, *(const int *)faults_arg);
	return fresh();
}

static int unbound_dgram(void)
{
	sock_addr_server(&address, *(const int *)faults_arg);
	return fresh_dgram();
}

static long call_bind(int fd)
{
	return sock_bind(fd, &address);
}

/* Whether it failed or not, the port is free again. */
static bool judge_bind(int fd, long result)
{
	bool bound = sock_port(fd) > 0;

	return !close(fd) && bound == !result;
}

TEST_F(refused, bind)
{
	const struct attempt tries[] = {
		{ "bind stream", unbound, call_bind, judge_bind, { EFAULT },
		  &fixed_port },
		{ "bind stream, any port", unbound, call_bind, judge_bind,
		  { EFAULT }, &any_port },
		{ "bind datagram", unbound_dgram, call_bind, judge_bind,
		  { EFAULT }, &fixed_port },
		{ "bind datagram, any port", unbound_dgram, call_bind,
		  judge_bind, { EFAULT }, &any_port },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static long call_listen(int fd)
{
	return listen(fd, 1);
}

/* It can be tried again. */
static bool judge_listen(int fd, long result)
{
	bool good = !listen(fd, 1) && !strcmp(sock_state(fd), "LISTEN");

	return !close(fd) && good;
}

static int bound(void)
{
	int fd = fresh();

	sock_addr_server(&address, SOCK_PORT_FIXED);
	return sock_bind(fd, &address) ? -1 : fd;
}

TEST_F(refused, listen)
{
	const struct attempt tries[] = {
		{ "listen", bound, call_listen, judge_listen, { ENOMEM } },
		{ "listen, any port", fresh, call_listen, judge_listen,
		  { ENOMEM } },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static long call_connect(int fd)
{
	return sock_connect_addr(fd, &address);
}

static int listening(void)
{
	listener = sock_listener(1);
	sock_addr_dest(&address, sock_port(listener));
	return listener;
}

static int connecting(void)
{
	return listening() < 0 ? -1 : fresh();
}

static int connecting_nonblock(void)
{
	return listening() < 0 ? -1 : fresh_nonblock();
}

/* A SYN that could not be sent is sent again. */
static bool judge_connect(int fd, long result)
{
	bool good = (result != -EFAULT || !sock_connect_addr(fd, &address) ||
		     errno == EINPROGRESS) &&
		    sock_wait(fd, POLLOUT) == POLLOUT;

	sock_nonblock(fd, false);
	good = sock_works(fd, sock_accept(listener)) && good;
	return !close(listener) && good;
}

/* Back to a fresh socket, for another connection. */
static long call_disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

static bool judge_disconnect(int fd, long result)
{
	if (result == -EFAULT)
		return sock_works(fd, faults_peer);
	return !close(faults_peer) && listening() >= 0 && judge_connect(fd, -EFAULT);
}

static int connecting_dgram(void)
{
	faults_peer = sock_bound_dgram();
	sock_addr_dest(&address, sock_port(faults_peer));
	return fresh_dgram();
}

/* It has a faults_peer if and only if it said so. */
static bool judge_connect_dgram(int fd, long result)
{
	char c;
	bool good = result ? send(fd, "x", 1, 0) < 0 && errno == EDESTADDRREQ :
			     send(fd, "x", 1, 0) == 1 &&
			     recv(faults_peer, &c, 1, 0) == 1;

	return !close(fd) && !close(faults_peer) && good;
}

TEST_F(refused, connect)
{
	const struct attempt tries[] = {
		{ "connect", connecting, call_connect, judge_connect,
		  { EFAULT } },
		{ "connect, not waiting", connecting_nonblock, call_connect,
		  judge_connect, { EFAULT }, .normal = EINPROGRESS },
		{ "connect datagram", connecting_dgram, call_connect,
		  judge_connect_dgram, { EFAULT } },
		{ "disconnect", faults_connected, call_disconnect, judge_disconnect,
		  { EFAULT } },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

/* The other has sent its SYN, which has not arrived. */
static int crossing(void)
{
	struct sock_addr local, dest;
	int fd = fresh_nonblock();

	faults_peer = fresh_nonblock();
	sock_addr_client(&local, 0);
	if (sock_bind(faults_peer, &local))
		return -1;
	sock_addr_server(&local, 0);
	if (sock_bind(fd, &local))
		return -1;
	sock_addr_dest(&dest, sock_port(fd));
	if (sock_connect_addr(faults_peer, &dest) != -1 || errno != EINPROGRESS)
		return -1;
	sock_addr_server(&address, sock_port(faults_peer));
	sock_mac(false, address.th.sth_addr);
	return fd;
}

static bool judge_crossing(int fd, long result)
{
	if (result == -EFAULT && (sock_connect_addr(fd, &address) != -1 ||
				  errno != EINPROGRESS))
		return false;
	sock_nonblock(fd, false);
	sock_nonblock(faults_peer, false);
	return sock_wait(fd, POLLOUT) == POLLOUT &&
	       sock_wait(faults_peer, POLLOUT) == POLLOUT && sock_works(fd, faults_peer);
}

TEST_F(refused, simultaneous_open)
{
	const struct attempt tries[] = {
		{ "connect, simultaneous", crossing, call_connect,
		  judge_crossing, { EFAULT }, .normal = EINPROGRESS },
	};

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_qdisc("netem delay 100ms"));
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static int with_child(void)
{
	listening();
	faults_peer = sock_connect_to(listener);
	return faults_peer < 0 || !sock_wait(listener, POLLIN) ? -1 : listener;
}

static long call_accept(int fd)
{
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

static long call_accept_name(int fd)
{
	struct sock_addr addr = { .len = sizeof(addr.th) };

	return accept4(fd, &addr.sa, &addr.len, SOCK_CLOEXEC);
}

/*
 * A connection that could not be had is there still; one that was taken, but
 * whose address could not be told, is gone.
 */
static bool judge_accept(int fd, long result)
{
	bool good;
	char c;

	if (result == -EFAULT)
		good = recv(faults_peer, &c, 1, 0) <= 0 && !close(faults_peer);
	else
		good = sock_works(result < 0 ? sock_accept(fd) : result, faults_peer);
	return !close(fd) && good;
}

TEST_F(refused, accept)
{
	const struct attempt tries[] = {
		{ "accept", with_child, call_accept, judge_accept,
		  { ENOMEM, ENFILE } },
		{ "accept with name", with_child, call_accept_name,
		  judge_accept, { ENOMEM, ENFILE, EFAULT } },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

#define LONG 100000
#define SHORT 10

static char out[LONG], in[LONG];

static long call_send(int fd)
{
	return send(fd, out, LONG, MSG_NOSIGNAL);
}

static long call_send_nowait(int fd)
{
	return send(fd, out, LONG, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static long call_send_short(int fd)
{
	return send(fd, out, SHORT, MSG_NOSIGNAL);
}

/* As many bytes as were counted have gone, and are those. */
static bool judge_send(int fd, long result)
{
	long bytes = result > 0 ? result : 0;
	bool good = sock_recv_all(faults_peer, in, bytes) && !memcmp(in, out, bytes);

	return sock_works(fd, faults_peer) && good && result;
}

/* Who may wait, waits for memory, as for room; who may not, is told so. */
TEST_F(refused, send)
{
	const struct attempt tries[] = {
		{ "send little", faults_connected, call_send_short, judge_send,
		  { EFAULT } },
		{ "send much", faults_connected, call_send, judge_send, { EFAULT } },
		{ "send much, not waiting", faults_connected, call_send_nowait,
		  judge_send, { EFAULT, EAGAIN } },
	};

	sock_pattern(out, LONG, 3);
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static int with_bytes(void)
{
	int fd = faults_connected(), got = faults_peer;

	if (fd < 0 || send(fd, out, LONG, 0) != LONG ||
	    !sock_arrived(got, LONG))
		return -1;
	faults_peer = fd;
	return got;
}

static long call_recv(int fd)
{
	return recv(fd, in, LONG, 0);
}

static long call_peek(int fd)
{
	return recv(fd, in, LONG, MSG_PEEK);
}

/* What was not read is there still, and nothing was read twice. */
static bool judge_recv(int fd, long result)
{
	long bytes = result > 0 ? result : 0;
	bool good = sock_recv_all(fd, in + bytes, LONG - bytes) &&
		    !memcmp(in, out, LONG);

	return sock_works(fd, faults_peer) && good && result;
}

static bool judge_peek(int fd, long result)
{
	return result && judge_recv(fd, -EFAULT);
}

TEST_F(refused, recv)
{
	const struct attempt tries[] = {
		{ "recv", with_bytes, call_recv, judge_recv, { EFAULT } },
		{ "recv to peek", with_bytes, call_peek, judge_peek,
		  { EFAULT } },
	};

	sock_pattern(out, LONG, 4);
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static long call_send_dgram(int fd)
{
	return send(fd, out, 1000, 0);
}

static long call_sendto(int fd)
{
	return sendto(fd, out, 1000, 0, &address.sa, address.len);
}

/* On lo there is room for what is not linear in its buffer. */
static long call_send_long_dgram(int fd)
{
	return send(fd, out, sock_link == SOCK_VETH ? 1400 : 30000, 0);
}

static long call_send_control(int fd)
{
	union {
		char raw[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .align = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SO_MARK } };
	struct iovec iov = { out, 1000 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	return sendmsg(fd, &msg, 0);
}

/* It may get lost on its way, even so; the next one does not. */
static bool judge_send_dgram(int fd, long result)
{
	int fits = sock_link == SOCK_VETH ? 1400 : 30000;
	bool good = !result || result == 1000 || result == fits || result < 0;

	while (recv(faults_peer, in, LONG, MSG_DONTWAIT) > 0)
		;
	good = good && sendto(fd, out, 7, 0, &address.sa, address.len) == 7;
	while (good && recv(faults_peer, in, LONG, 0) != 7)
		;
	return !close(fd) && !close(faults_peer) && good;
}

static int datagram_named(void)
{
	int fd = datagram();

	sock_addr_dest(&address, sock_port(faults_peer));
	return fd;
}

TEST_F(refused, send_datagram)
{
	const struct attempt tries[] = {
		{ "send datagram", datagram_named, call_send_dgram,
		  judge_send_dgram, { EFAULT, ENOBUFS } },
		{ "send long datagram", datagram_named, call_send_long_dgram,
		  judge_send_dgram, { EFAULT, ENOBUFS } },
		{ "send datagram with control", datagram_named,
		  call_send_control, judge_send_dgram, { EFAULT, ENOBUFS } },
		{ "sendto", connecting_dgram, call_sendto, judge_send_dgram,
		  { EFAULT, ENOBUFS } },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static int broadcaster(void)
{
	int fd = fresh_dgram(), on = 1;

	faults_peer = sock_bound_dgram();
	sock_addr_client(&address, sock_port(faults_peer));
	memset(address.th.sth_addr, 0xff, 6);
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)))
		return -1;
	return fd;
}

/* lo has no groups. */
TEST_F(refused, send_broadcast)
{
	struct attempt broadcast = {
		"send broadcast", broadcaster, call_sendto, judge_send_dgram,
		{ EFAULT, ENOBUFS }
	};

	if (sock_link == SOCK_VETH)
		EXPECT_TRUE(faults_walk(&broadcast, 1));
}

static int with_datagram(void)
{
	int fd = datagram_named(), got = faults_peer;

	if (fd < 0 || send(fd, out, 1000, 0) != 1000 ||
	    !sock_wait(got, POLLIN))
		return -1;
	faults_peer = fd;
	return got;
}

static long call_recvfrom(int fd)
{
	struct sock_addr addr = { .len = sizeof(addr.th) };

	return recvfrom(fd, in, LONG, 0, &addr.sa, &addr.len);
}

static bool judge_recvfrom(int fd, long result)
{
	bool good = result < 0 || !memcmp(in, out, result);

	/* One that could not be handed over is lost, the next one is not. */
	good = good && send(faults_peer, out, 7, 0) == 7 && recv(fd, in, LONG, 0) == 7;
	return !close(fd) && !close(faults_peer) && good;
}

TEST_F(refused, recv_datagram)
{
	const struct attempt tries[] = {
		{ "recvfrom", with_datagram, call_recvfrom, judge_recvfrom,
		  { EFAULT } },
	};

	sock_pattern(out, LONG, 6);
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static long call_shutdown(int fd)
{
	return shutdown(fd, SHUT_WR);
}

static long call_close(int fd)
{
	return close(fd);
}

/* A FIN that could not be sent is sent again. */
static bool judge_close(int fd, long result)
{
	char c;

	return recv(faults_peer, &c, 1, 0) == 0 && !close(faults_peer);
}

static bool judge_shutdown(int fd, long result)
{
	char c;
	bool good = recv(faults_peer, &c, 1, 0) == 0 && send(faults_peer, "z", 1, 0) == 1 &&
		    recv(fd, &c, 1, 0) == 1 && c == 'z';

	return !close(fd) && !close(faults_peer) && good;
}

static bool judge_closed(int fd, long result)
{
	return fcntl(fd, F_GETFD) == -1 && errno == EBADF;
}

/* The reset may not have been sent: then it is the answer to what comes. */
static bool judge_close_child(int fd, long result)
{
	bool good = judge_closed(fd, result);
	char c;

	good = good && (send(faults_peer, "x", 1, MSG_NOSIGNAL) < 0 ||
			recv(faults_peer, &c, 1, 0) < 0);
	return !close(faults_peer) && good;
}

static bool judge_close_dgram(int fd, long result)
{
	return judge_closed(fd, result) && !close(faults_peer);
}

TEST_F(refused, close)
{
	const struct attempt tries[] = {
		{ "shutdown", faults_connected, call_shutdown, judge_shutdown },
		{ "close", faults_connected, call_close, judge_close },
		{ "close listener", with_child, call_close,
		  judge_close_child },
		{ "close datagram", datagram, call_close, judge_close_dgram },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* SOCK_DGRAM beside UDP. */
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include "pair.h"

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

#define SOCK_NAME dgram
#include "fixture.h"

/* What UDP has no counterpart of. */
#define SOCK_NAME own
#define SOCK_NO_INET
#include "fixture.h"

/* lo has no address but zero, so none for all. */
#define SOCK_NAME group
#define SOCK_NO_INET
#define SOCK_NO_LO
#include "fixture.h"

static int bound(struct sock_addr *dest)
{
	struct sock_addr addr;
	int fd = sock_open(SOCK_DGRAM);

	sock_addr_server(&addr, 0);
	if (sock_bind(fd, &addr))
		return -1;
	sock_addr_dest(dest, sock_port(fd));
	return fd;
}

static ssize_t send_to(int fd, const void *buf, size_t len,
		       const struct sock_addr *addr)
{
	return sendto(fd, buf, len, 0, &addr->sa, addr->len);
}

TEST_F(dgram, fresh)
{
	struct sock_addr addr = { .len = 16 };
	int fd = sock_open(SOCK_DGRAM);
	char c;

	STEP("poll", POLLOUT, sock_events(fd, ALL));
	STEP("send", -EDESTADDRREQ, send(fd, "a", 1, 0));
	STEP("recv", -EAGAIN, recv(fd, &c, 1, MSG_DONTWAIT));
	STEP("getpeername", -ENOTCONN, getpeername(fd, &addr.sa, &addr.len));
	STEP("port of a send that failed", 1, sock_port(fd) >= 1024);
	STEP("listen", -EOPNOTSUPP, listen(fd, 1));
	STEP("accept", -EOPNOTSUPP, accept(fd, NULL, NULL));
	STEP("shutdown", -ENOTCONN, shutdown(fd, SHUT_RDWR));
	STEP("error", 0, sock_error(fd));
}

TEST_F(dgram, sendto)
{
	struct sock_addr dest, from = { .len = 16 };
	int to = bound(&dest), fd = sock_open(SOCK_DGRAM);
	char buf[16] = "";

	STEP("sendto", 5, send_to(fd, "hello", 5, &dest));
	STEP("a port was chosen", 1, sock_port(fd) >= 1024);
	STEP("wakes", POLLIN, sock_wait(to, POLLIN));
	STEP("recvfrom", 5, recvfrom(to, buf, sizeof(buf), 0, &from.sa,
				     &from.len));
	STEP("bytes", 0, strcmp(buf, "hello"));
	STEP("length", 16, from.len);
	STEP("from", 0, ntohs(from.in.sin_port) - sock_port(fd));
	STEP("answer", 6, send_to(to, "answer", 6, &from));
	STEP("arrives", 6, recv(fd, buf, sizeof(buf), 0));
}

TEST_F(dgram, boundaries)
{
	int fd[2];
	char buf[16];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_EQ(3, send(fd[0], "one", 3, 0));
	ASSERT_EQ(5, send(fd[0], "three", 5, 0));
	STEP("one", 3, recv(fd[1], buf, sizeof(buf), 0));
	STEP("three", 5, recv(fd[1], buf, sizeof(buf), 0));
	STEP("no more", -EAGAIN, recv(fd[1], buf, 16, MSG_DONTWAIT));
	STEP("waitall does not join", 2, ({
		send(fd[0], "ab", 2, 0);
		send(fd[0], "cd", 2, 0);
		recv(fd[1], buf, 16, MSG_WAITALL);
	}));
}

TEST_F(dgram, trunc)
{
	char buf[8];
	struct iovec iov = { buf, 2 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	STEP("peek", 6, recv(fd[1], buf, 2, MSG_PEEK | MSG_TRUNC));
	STEP("real length", 6, recv(fd[1], buf, 2, MSG_TRUNC));
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	STEP("cut", 2, recvmsg(fd[1], &msg, 0));
	STEP("flag", MSG_TRUNC, msg.msg_flags & MSG_TRUNC);
	STEP("the rest is gone", -EAGAIN, recv(fd[1], buf, 8, MSG_DONTWAIT));
	ASSERT_EQ(1, send(fd[0], "x", 1, 0));
	STEP("not cut", 1, recvmsg(fd[1], &msg, 0));
	STEP("no flag", 0, msg.msg_flags & MSG_TRUNC);
}

TEST_F(dgram, peek)
{
	char buf[8] = "";
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_EQ(2, send(fd[0], "p1", 2, 0));
	ASSERT_EQ(2, send(fd[0], "p2", 2, 0));
	STEP("peek", 2, recv(fd[1], buf, 8, MSG_PEEK));
	STEP("first", 0, memcmp(buf, "p1", 2));
	STEP("recv", 2, recv(fd[1], buf, 8, 0));
	STEP("first again", 0, memcmp(buf, "p1", 2));
	STEP("recv the next", 2, recv(fd[1], buf, 8, 0));
	STEP("second", 0, memcmp(buf, "p2", 2));
}

TEST_F(dgram, empty)
{
	struct sock_addr dest, from = { .len = 16 };
	int to = bound(&dest), fd = sock_open(SOCK_DGRAM);
	char c;

	STEP("send nothing", 0, send_to(fd, "", 0, &dest));
	STEP("wakes", POLLIN, sock_wait(to, POLLIN));
	STEP("arrives", 0, recvfrom(to, &c, 1, 0, &from.sa, &from.len));
	STEP("from", 0, ntohs(from.in.sin_port) - sock_port(fd));
	STEP("once", -EAGAIN, recv(to, &c, 1, MSG_DONTWAIT));
}

TEST_F(dgram, too_long)
{
	static char buf[70000], in[70000];
	struct sock_addr dest;
	int to = bound(&dest), fd = sock_open(SOCK_DGRAM);

	STEP("longer than any", -EMSGSIZE, send_to(fd, buf, 70000, &dest));
	STEP("nothing was sent", 0, sock_events(to, POLLIN));
	sock_pattern(buf, 1400, 41);
	STEP("1400", 1400, send_to(fd, buf, 1400, &dest));
	STEP("arrives", 1400, recv(to, in, sizeof(in), 0));
	STEP("intact", 0, !!memcmp(buf, in, 1400));
}

/* One frame holds a datagram: the MTU is the limit. */
TEST_F(own, too_long)
{
	int mtu = sock_link == SOCK_VETH ? 1500 : 65536;
	static char buf[70000], in[70000];
	struct sock_addr dest;
	int to = bound(&dest), fd = sock_open(SOCK_DGRAM), most;

	EXPECT_EQ(-1, send_to(fd, buf, mtu + 1, &dest));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(-1, send_to(fd, buf, mtu, &dest));
	EXPECT_EQ(EMSGSIZE, errno);
	/* The header takes three words. */
	most = mtu == 1500 ? 1500 - 12 : 65481;
	sock_pattern(buf, most, 42);
	EXPECT_EQ(-1, send_to(fd, buf, mtu - 11, &dest));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(most, send_to(fd, buf, most, &dest));
	EXPECT_EQ(most, recv(to, in, sizeof(in), 0));
	EXPECT_EQ(0, memcmp(buf, in, most));
}

TEST_F(dgram, connect)
{
	struct sock_addr dest, other, name = { .len = 16 };
	int to = bound(&dest), two = bound(&other), fd = sock_open(SOCK_DGRAM);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	char c;

	STEP("connect", 0, sock_connect_addr(fd, &dest));
	STEP("getpeername", 0, getpeername(fd, &name.sa, &name.len));
	STEP("peer", 0, ntohs(name.in.sin_port) - sock_port(to));
	STEP("port", 1, sock_port(fd) >= 1024);
	STEP("send", 1, send(fd, "1", 1, 0));
	STEP("arrives", 1, recv(to, &c, 1, 0));
	STEP("sendto elsewhere", 1, send_to(fd, "2", 1, &other));
	STEP("arrives there", 1, recv(two, &c, 1, 0));
	STEP("connect elsewhere", 0, sock_connect_addr(fd, &other));
	STEP("send there", 1, send(fd, "3", 1, 0));
	STEP("is there", 1, recv(two, &c, 1, 0));
	STEP("disconnect", 0, connect(fd, &unspec, sizeof(unspec)));
	STEP("no peer", -ENOTCONN, getpeername(fd, &name.sa, &name.len));
	STEP("no destination", -EDESTADDRREQ, send(fd, "4", 1, 0));
	STEP("sendto", 1, send_to(fd, "5", 1, &dest));
	STEP("is here", 1, recv(to, &c, 1, 0));
}

/* A connected socket hears its peer alone. */
TEST_F(dgram, filter)
{
	struct sock_addr dest, mine;
	int to = bound(&dest), peer, stranger = sock_open(SOCK_DGRAM);
	char c = 0;

	peer = sock_open(SOCK_DGRAM);
	sock_addr_client(&mine, SOCK_PORT_FIXED + 60);
	ASSERT_EQ(0, sock_bind(peer, &mine));
	STEP("before", 1, send_to(stranger, "b", 1, &dest));
	ASSERT_EQ(1, recv(to, &c, 1, 0));
	sock_addr_client(&mine, SOCK_PORT_FIXED + 60);
	if (sock_link == SOCK_VETH) {
		mine.th.sth_ifindex = sock_ifindex(true);
		sock_mac(false, mine.th.sth_addr);
	}
	STEP("connect", 0, sock_connect_addr(to, &mine));
	/* A UDP port that nobody has is refused; ours may stay silent. */
	send_to(stranger, "s", 1, &dest);
	STEP("peer", 1, send_to(peer, "p", 1, &dest));
	STEP("recv", 1, recv(to, &c, 1, 0));
	STEP("of the peer", 'p', c);
	STEP("nothing else", -EAGAIN, recv(to, &c, 1, MSG_DONTWAIT));
}

TEST_F(dgram, nobody)
{
	struct sock_addr dest;
	int to = bound(&dest), fd = sock_open(SOCK_DGRAM);
	char c;

	ASSERT_EQ(0, sock_connect_addr(fd, &dest));
	ASSERT_EQ(0, close(to));
	STEP("send", 1, send(fd, "n", 1, 0));
	STEP("recv", -ECONNREFUSED, recv(fd, &c, 1, MSG_DONTWAIT));
	STEP("recv again", -EAGAIN, recv(fd, &c, 1, MSG_DONTWAIT));
	STEP("send again", 1, send(fd, "n", 1, 0));
	STEP("poll", 1, !!(sock_events(fd, ALL) & POLLERR));
}

TEST_F(dgram, poll)
{
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("idle", POLLOUT, sock_events(fd[1], ALL));
	ASSERT_EQ(1, send(fd[0], "p", 1, 0));
	STEP("wakes", POLLIN, sock_wait(fd[1], POLLIN));
	STEP("readable", POLLIN | POLLOUT, sock_events(fd[1], ALL));
	ASSERT_EQ(1, recv(fd[1], &c, 1, 0));
	STEP("idle again", POLLOUT, sock_events(fd[1], ALL));
	STEP("shutdown", 0, shutdown(fd[0], SHUT_RDWR));
	STEP("shut down", POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	     sock_events(fd[0], ALL));
	STEP("recv", 0, recv(fd[0], &c, 1, 0));
	STEP("send", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
}

struct recv_arg {
	int fd;
	char c;
};

static long do_recv(void *arg)
{
	struct recv_arg *r = arg;

	return recv(r->fd, &r->c, 1, 0);
}

TEST_F(dgram, recv_blocks)
{
	struct sock_job job;
	struct recv_arg arg;
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	arg.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	ASSERT_EQ(1, send(fd[0], "w", 1, 0));
	STEP("recv", 1, sock_finish(&job));
	STEP("byte", 'w', arg.c);
}

TEST_F(dgram, timeout)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct sock_addr dest;
	int fd = bound(&dest);
	char c;

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	STEP_TAKES(20, "recv", -EAGAIN, recv(fd, &c, 1, 0));
}

TEST_F(dgram, bind)
{
	int a = sock_open(SOCK_DGRAM), b = sock_open(SOCK_DGRAM), on = 1;
	struct sock_addr addr;

	sock_addr_server(&addr, SOCK_PORT_FIXED + 61);
	STEP("bind", 0, sock_bind(a, &addr));
	STEP("twice", -EINVAL, sock_bind(a, &addr));
	STEP("in use", -EADDRINUSE, sock_bind(b, &addr));
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	STEP("one reuses", -EADDRINUSE, sock_bind(b, &addr));
	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	STEP("both reuse", 0, sock_bind(b, &addr));
	STEP("port", SOCK_PORT_FIXED + 61, sock_port(b));
}

TEST_F(dgram, addresses)
{
	struct sock_addr dest;
	int to = bound(&dest), fd = sock_open(SOCK_DGRAM);

	STEP("short", -EINVAL, sendto(fd, "a", 1, 0, &dest.sa, 15));
	STEP("long", 1, sendto(fd, "a", 1, 0, &dest.sa, 64));
	STEP("too long", -EINVAL, sendto(fd, "a", 1, 0, &dest.sa, 129));
	STEP("NULL", -EFAULT, sendto(fd, "a", 1, 0, (void *)1, 16));
	STEP("none", -EDESTADDRREQ, sendto(fd, "a", 1, 0, NULL, 0));
	dest.sa.sa_family = AF_UNIX;
	STEP("family", -EAFNOSUPPORT, send_to(fd, "a", 1, &dest));
	dest.sa.sa_family = sock_family();
	dest.in.sin_port = 0;
	STEP("port 0", -EINVAL, send_to(fd, "a", 1, &dest));
	STEP("short connect", -EINVAL, connect(to, &dest.sa, 15));
}

TEST_F(dgram, faults)
{
	char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct iovec iov[2] = { { "good", 4 }, { bad, 4 } };
	char buf[8];
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("send", -EFAULT, send(fd[0], bad, 4, 0));
	STEP("writev", -EFAULT, writev(fd[0], iov, 2));
	STEP("nothing was sent", 0, sock_events(fd[1], POLLIN));
	ASSERT_EQ(4, send(fd[0], "good", 4, 0));
	ASSERT_NE(0, sock_wait(fd[1], POLLIN));
	STEP("peek", -EFAULT, recv(fd[1], bad, 4, MSG_PEEK));
	STEP("still there", 4, recv(fd[1], buf, 8, 0));
}

TEST_F(dgram, iov)
{
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	char a[3], b[3];
	struct iovec in[2] = { { a, 3 }, { b, 3 } };
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("writev", 5, writev(fd[0], out, 3));
	STEP("readv", 5, readv(fd[1], in, 2));
	STEP("bytes", 0, memcmp(a, "abc", 3) | memcmp(b, "de", 2));
}

/* A queue that nobody reads is bounded, and what it holds stays whole. */
TEST_F(dgram, overflow)
{
	static char buf[1000];
	int fd[2], i, got = 0, size = 20000, whole = 0;

	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	for (i = 0; i < 1000; i++) {
		sock_pattern(buf, sizeof(buf), i);
		send(fd[0], buf, sizeof(buf), 0);
	}
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) == sizeof(buf)) {
		static char want[1000];

		sock_pattern(want, sizeof(want), got++);
		whole += !memcmp(buf, want, sizeof(buf));
	}
	STEP("some came", 1, got > 0);
	STEP("most were dropped", 1, got < 100);
	STEP("all whole and in order", 0, got - whole);
}

/* All who are bound to the port hear a broadcast. */
TEST_F(group, broadcast)
{
	struct sock_addr dest, any;
	int a = sock_open(SOCK_DGRAM), b = sock_open(SOCK_DGRAM), on = 1;
	int fd = sock_open(SOCK_DGRAM);
	char c;

	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	sock_addr_server(&any, SOCK_PORT_FIXED + 62);
	ASSERT_EQ(0, sock_bind(a, &any));
	ASSERT_EQ(0, sock_bind(b, &any));
	sock_addr_dest(&dest, SOCK_PORT_FIXED + 62);
	memset(dest.th.sth_addr, 0xff, 6);
	EXPECT_EQ(-1, send_to(fd, "b", 1, &dest));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, sock_connect_addr(fd, &dest));
	EXPECT_EQ(EACCES, errno);
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	EXPECT_EQ(1, send_to(fd, "b", 1, &dest));
	EXPECT_EQ(1, recv(a, &c, 1, 0));
	EXPECT_EQ(1, recv(b, &c, 1, 0));
	EXPECT_EQ(0, sock_connect_addr(fd, &dest));
	EXPECT_EQ(1, send(fd, "c", 1, 0));
	EXPECT_EQ(1, recv(a, &c, 1, 0));
	EXPECT_EQ('c', c);
}

#include "last.h"

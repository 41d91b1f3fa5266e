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
	int fd = sock_bound_dgram();

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

TEST_F(dgram, flags)
{
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("urgent", -EOPNOTSUPP, send(fd[0], "x", 1, MSG_OOB));
	STEP("more", 1, send(fd[0], "x", 1, MSG_MORE));
	STEP("what is to be ignored", 1,
	     send(fd[0], "x", 1, MSG_EOR | MSG_CONFIRM | MSG_NOSIGNAL |
		  MSG_WAITALL | MSG_DONTWAIT));
	STEP("at once", 1, sock_wait(fd[1], POLLIN) == POLLIN);
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

/* Where the next peek begins. */
static int peek_offset(int fd)
{
	return sock_int_option(fd, SOL_SOCKET, SO_PEEK_OFF);
}

static int set_peek_offset(int fd, int offset)
{
	return setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset,
			  sizeof(offset));
}

/* SO_PEEK_OFF counts through all that is queued, a datagram at a time. */
TEST_F(dgram, peek_offset)
{
	char buf[8] = "";
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("off at first", 1, peek_offset(fd[1]) == -1);
	ASSERT_EQ(4, send(fd[0], "abcd", 4, 0));
	ASSERT_EQ(3, send(fd[0], "efg", 3, 0));
	STEP("set", 0, set_peek_offset(fd[1], 1));
	STEP("peek", 2, recv(fd[1], buf, 2, MSG_PEEK));
	STEP("bytes", 0, memcmp(buf, "bc", 2));
	STEP("moved on", 3, peek_offset(fd[1]));
	STEP("peek the rest", 1, recv(fd[1], buf, 8, MSG_PEEK));
	STEP("last byte", 'd', buf[0]);
	STEP("peek the next", 3, recv(fd[1], buf, 8, MSG_PEEK));
	STEP("its bytes", 0, memcmp(buf, "efg", 3));
	STEP("moved behind it", 7, peek_offset(fd[1]));
	STEP("nothing there", -EAGAIN,
	     recv(fd[1], buf, 8, MSG_PEEK | MSG_DONTWAIT));
	STEP("recv", 4, recv(fd[1], buf, 8, 0));
	STEP("from the start", 0, memcmp(buf, "abcd", 4));
	STEP("moved back", 3, peek_offset(fd[1]));
	STEP("off", 0, set_peek_offset(fd[1], -1));
	STEP("peek from the start", 3, recv(fd[1], buf, 8, MSG_PEEK));
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

static char payload[1000];

static long do_send(void *arg)
{
	return send(*(int *)arg, payload, sizeof(payload), 0);
}

/* What waits in the device is charged to SO_SNDBUF. */
TEST_F(dgram, full)
{
	struct timeval tv = { .tv_usec = 20000 };
	struct sock_job job;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_TRUE(sock_stall(true));
	do {
		n = sock_result(send(fd[0], payload, sizeof(payload),
				     MSG_DONTWAIT));
	} while (n > 0);
	STEP("must not wait", -EAGAIN, n);
	STEP("not writable", 0, sock_events(fd[0], POLLOUT));
	STEP("no error", 0, sock_error(fd[0]));
	STEP("on its way out", 1, sock_outq(fd[0]) > 100000);
	STEP("start", 0, sock_start(&job, do_send, &fd[0]));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("set a limit", 0, setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv,
					  sizeof(tv)));
	STEP_TAKES(20, "waits that long", -EAGAIN, do_send(&fd[0]));
	STEP("the device lets go", 1, sock_stall(false));
	STEP("sent", sizeof(payload), sock_finish(&job));
	STEP("writable", POLLOUT, sock_wait(fd[0], POLLOUT));
	STEP("all is out", 1, sock_acked(fd[0]));
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

	STEP("none", -EDESTADDRREQ, sendto(fd, "a", 1, 0, NULL, 0));
	dest.sa.sa_family = AF_UNIX;
	STEP("family", -EAFNOSUPPORT, send_to(fd, "a", 1, &dest));
	dest.sa.sa_family = sock_family();
	dest.in.sin_port = 0;
	STEP("port 0", -EINVAL, send_to(fd, "a", 1, &dest));
	STEP("connect to port 0", 0, sock_connect_addr(to, &dest));
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

/* A socket that shares the port, perhaps at an address of its own. */
static int sharing(const struct sock_addr *addr)
{
	int fd = sock_open(SOCK_DGRAM), on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    sock_bind(fd, addr))
		return -1;
	return fd;
}

/* A socket that may send to groups. */
static int speaker(void)
{
	int fd = sock_open(SOCK_DGRAM), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	return fd;
}

enum { PORT_DEAF = SOCK_PORT_FIXED + 63 };

/* Who is bound to a MAC or elsewhere, or has a peer, hears no broadcast. */
TEST_F(group, not_heard)
{
	int any, deaf[4], i, fd = speaker(), peer = sock_open(SOCK_DGRAM);
	struct sock_addr addr, dest;
	char c = 0;

	ASSERT_TRUE(sock_other_device());
	sock_addr_any(&addr, PORT_DEAF);
	any = sharing(&addr);
	ASSERT_EQ(0, sock_tie(deaf[0] = sharing(&addr), SOCK_DEV_OTHER));
	sock_addr_client(&addr, PORT_DEAF);
	deaf[1] = sharing(&addr);
	sock_addr_server(&addr, PORT_DEAF);
	deaf[2] = sharing(&addr);
	sock_addr_client(&dest, 1234);
	dest.th.sth_ifindex = addr.th.sth_ifindex;
	sock_mac(false, dest.th.sth_addr);
	ASSERT_EQ(0, sock_connect_addr(deaf[2], &dest));
	sock_mac(true, addr.th.sth_addr);
	deaf[3] = sharing(&addr);

	sock_addr_dest(&dest, PORT_DEAF);
	/* Nobody but the one with the MAC gets what is for the MAC. */
	ASSERT_EQ(1, send_to(peer, "m", 1, &dest));
	memset(dest.th.sth_addr, 0xff, 6);
	STEP("broadcast", 1, send_to(fd, "b", 1, &dest));
	STEP("arrives", 1, recv(any, &c, 1, 0));
	STEP("there", 'b', c);
	STEP("the one for the MAC", 1, recv(deaf[3], &c, 1, 0));
	STEP("is not for all", 'm', c);
	for (i = 0; i < 4; i++)
		STEP("no copy", -EAGAIN, recv(deaf[i], &c, 1, MSG_DONTWAIT));
}

/* A datagram is counted for each who hears it, or as lost if nobody does. */
TEST_F(group, counted)
{
	long lost = sock_counter("drop_no_socket");
	long heard = sock_counter("dgrams_in");
	int fd = speaker(), i, hears[2];
	struct sock_addr addr, dest;
	char c;

	sock_addr_server(&addr, PORT_DEAF + 1);
	sock_addr_dest(&dest, PORT_DEAF + 1);
	memset(dest.th.sth_addr, 0xff, 6);
	STEP("to nobody", 1, send_to(fd, "n", 1, &dest));
	STEP("lost", 1, SOCK_UNTIL(sock_counter("drop_no_socket") > lost));
	for (i = 0; i < 2; i++)
		hears[i] = sharing(&addr);
	STEP("to two", 1, send_to(fd, "t", 1, &dest));
	for (i = 0; i < 2; i++)
		STEP("recv", 1, recv(hears[i], &c, 1, 0));
	STEP("no more is lost", 1, sock_counter("drop_no_socket") - lost);
	STEP("two have heard", 1,
	     SOCK_UNTIL(sock_counter("dgrams_in") - heard == 2));
}

TEST_F(group, multicast)
{
	struct sock_addr addr, dest, from = { .len = 16 };
	int to, fd = sock_open(SOCK_DGRAM);
	unsigned char mac[6];
	char c;

	sock_addr_server(&addr, PORT_DEAF + 2);
	to = sharing(&addr);
	sock_addr_dest(&dest, PORT_DEAF + 2);
	memcpy(dest.th.sth_addr, "\x03\x00\x00\x00\x00\x07", 6);
	STEP("without the option", -EACCES, send_to(fd, "m", 1, &dest));
	STEP("connect without it", -EACCES, sock_connect_addr(fd, &dest));
	fd = speaker();
	STEP("with it", 1, send_to(fd, "m", 1, &dest));
	STEP("recv", 1, recvfrom(to, &c, 1, 0, &from.sa, &from.len));
	sock_mac(false, mac);
	STEP("from", 0, memcmp(from.th.sth_addr, mac, 6));
	STEP("connect", 0, sock_connect_addr(fd, &dest));
	STEP("send", 1, send(fd, "n", 1, 0));
	STEP("recv again", 1, recv(to, &c, 1, 0));
	STEP("byte", 'n', c);
}

#include "last.h"

// SPDX-License-Identifier: GPL-2.0
/* Moving bytes: every call that sends or receives on a stream. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>
#include "pair.h"

#define BIG (4 << 20)

#define SOCK_NAME data
#include "fixture.h"

static int sigpipes;

static void count_sigpipe(int signal)
{
	sigpipes++;
}

/* A page that nothing may touch. */
static void *bad_page(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST_F(data, send_recv)
{
	char buf[16] = "";
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("send", 5, send(fd[0], "hello", 5, 0));
	STEP("recv", 5, recv(fd[1], buf, sizeof(buf), 0));
	STEP("bytes", 0, strcmp(buf, "hello"));
	STEP("write", 6, write(fd[1], "answer", 6));
	STEP("read a part", 2, read(fd[0], buf, 2));
	STEP("read the rest", 4, read(fd[0], buf + 2, 14));
	STEP("bytes back", 0, strcmp(buf, "answer"));
	STEP("queue is empty", -EAGAIN, recv(fd[0], buf, 1, MSG_DONTWAIT));
}

TEST_F(data, names)
{
	struct sock_addr addr = { .len = 16 };
	char c;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	STEP("sendto a name", 1, sendto(fd[0], "a", 1, MSG_NOSIGNAL, &addr.sa,
					addr.len));
	addr.len = 16;
	STEP("recvfrom", 1, recvfrom(fd[1], &c, 1, 0, &addr.sa, &addr.len));
	STEP("gives no name", 0, addr.len);
}

TEST_F(data, sendmsg_recvmsg)
{
	struct iovec out[3] = { { "one", 3 }, { "", 0 }, { "two", 3 } };
	struct sock_addr addr = { .len = 16 };
	char a[4] = "", b[8] = "", control[64];
	struct iovec in[2] = { { a, 2 }, { b, 6 } };
	struct msghdr msg = { .msg_iov = out, .msg_iovlen = 3 };
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("sendmsg", 6, sendmsg(fd[0], &msg, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	msg = (struct msghdr){ .msg_name = &addr, .msg_namelen = 16,
			       .msg_iov = in, .msg_iovlen = 2,
			       .msg_control = control,
			       .msg_controllen = sizeof(control),
			       .msg_flags = -1 };
	STEP("recvmsg", 6, recvmsg(fd[1], &msg, 0));
	STEP("flags", 0, msg.msg_flags);
	STEP("control", 0, msg.msg_controllen);
	STEP("name", 0, msg.msg_namelen);
	STEP("first part", 0, memcmp(a, "on", 2));
	STEP("second part", 0, memcmp(b, "etwo", 4));
	msg.msg_control = NULL;
	msg.msg_controllen = 0;
	STEP("writev", 6, writev(fd[0], out, 3));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	STEP("readv", 6, readv(fd[1], in, 2));
	STEP("bytes", 0, memcmp(b, "etwo", 4));
}

TEST_F(data, mmsg)
{
	struct iovec one = { "1", 1 }, two = { "22", 2 };
	struct mmsghdr out[2] = { { { .msg_iov = &one, .msg_iovlen = 1 } },
				  { { .msg_iov = &two, .msg_iovlen = 1 } } };
	char a[1], b[2];
	struct iovec x = { a, 1 }, y = { b, 2 };
	struct mmsghdr in[2] = { { { .msg_iov = &x, .msg_iovlen = 1 } },
				 { { .msg_iov = &y, .msg_iovlen = 1 } } };
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("sendmmsg", 2, sendmmsg(fd[0], out, 2, 0));
	STEP("lengths", 3, out[0].msg_len + out[1].msg_len);
	ASSERT_TRUE(sock_arrived(fd[1], 3));
	STEP("recvmmsg", 2, recvmmsg(fd[1], in, 2, 0, NULL));
	STEP("bytes", 0, memcmp(b, "22", 2));
}

TEST_F(data, dontwait)
{
	char buf[4096];
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("recv", -EAGAIN, recv(fd[0], buf, 1, MSG_DONTWAIT));
	STEP("peek", -EAGAIN, recv(fd[0], buf, 1, MSG_DONTWAIT | MSG_PEEK));
	n = sock_fill(fd[0]);
	STEP("some fits", 1, n > 0);
	STEP("full", -EAGAIN, send(fd[0], "a", 1, MSG_DONTWAIT));
	STEP("not writable", 0, sock_events(fd[0], POLLOUT));
	sock_nonblock(fd[0], true);
	STEP("O_NONBLOCK", -EAGAIN, write(fd[0], "a", 1));
	STEP("all arrives", 0, sock_drain(fd[1], n) - n);
	STEP("no more", -EAGAIN, recv(fd[1], buf, 1, MSG_DONTWAIT));
	STEP("writable again", POLLOUT, sock_wait(fd[0], POLLOUT));
	STEP("send", 1, write(fd[0], "a", 1));
}

TEST_F(data, peek)
{
	char buf[16] = "";
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(3, send(fd[0], "abc", 3, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 3));
	STEP("peek", 3, recv(fd[1], buf, sizeof(buf), MSG_PEEK));
	STEP("peeked", 0, memcmp(buf, "abc", 3));
	STEP("peek one", 1, recv(fd[1], buf, 1, MSG_PEEK));
	ASSERT_EQ(3, send(fd[0], "def", 3, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	STEP("peek over two sends", 6, recv(fd[1], buf, sizeof(buf), MSG_PEEK));
	STEP("all peeked", 0, memcmp(buf, "abcdef", 6));
	STEP("recv", 2, recv(fd[1], buf, 2, 0));
	STEP("peek the rest", 4, recv(fd[1], buf, sizeof(buf), MSG_PEEK));
	STEP("rest peeked", 0, memcmp(buf, "cdef", 4));
	STEP("still queued", 4, sock_inq(fd[1]));
	STEP("recv the rest", 4, recv(fd[1], buf, sizeof(buf), 0));
	close(fd[0]);
	STEP("peek at the end", 0, recv(fd[1], buf, sizeof(buf), MSG_PEEK));
}

struct recv_arg {
	int fd;
	void *buf;
	size_t len;
	int flags;
};

static long do_recv(void *arg)
{
	struct recv_arg *r = arg;

	return recv(r->fd, r->buf, r->len, r->flags);
}

TEST_F(data, recv_blocks)
{
	char c = 0;
	struct recv_arg arg = { .buf = &c, .len = 1 };
	struct sock_job job;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("send", 1, send(fd[0], "w", 1, 0));
	STEP("recv", 1, sock_finish(&job));
	STEP("byte", 'w', c);
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps again", 1, sock_asleep(&job));
	STEP("close", 0, close(fd[0]));
	STEP("end of file", 0, sock_finish(&job));
}

TEST_F(data, peek_blocks)
{
	char c = 0;
	struct recv_arg arg = { .buf = &c, .len = 1, .flags = MSG_PEEK };
	struct sock_job job;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("send", 1, send(fd[0], "p", 1, 0));
	STEP("peek", 1, sock_finish(&job));
	STEP("still there", 1, sock_inq(fd[1]));
}

/* SO_RCVLOWAT: who asks for more than there is waits for the mark. */
TEST_F(data, low_water)
{
	struct timeval tv = { .tv_usec = 20000 };
	char buf[16] = "";
	struct recv_arg arg = { .buf = buf, .len = 10 };
	int fd[2], mark = 4;
	struct sock_job job;

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	STEP("option", 0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				     sizeof(mark)));
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	ASSERT_EQ(3, send(fd[0], "abc", 3, 0));
	ASSERT_TRUE(sock_acked(fd[0]));
	STEP("sleeps on", 1, sock_asleep(&job));
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	STEP("the mark", 4, sock_finish(&job));
	STEP("bytes", 0, strcmp(buf, "abcd"));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(3, send(fd[0], "efg", 3, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 3));
	STEP("time-out gives the part", 3, recv(fd[1], buf, 10, 0));
	ASSERT_EQ(2, send(fd[0], "hi", 2, 0));
	close(fd[0]);
	STEP("so does the end", 2, recv(fd[1], buf, 10, 0));
}

/* What is there already counts towards the mark. */
TEST_F(data, low_water_part)
{
	char buf[16] = "";
	struct recv_arg arg = { .buf = buf, .len = 10 };
	int fd[2], mark = 4;
	struct sock_job job;

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				sizeof(mark)));
	ASSERT_EQ(3, send(fd[0], "abc", 3, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 3));
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	ASSERT_TRUE(sock_acked(fd[0]));
	STEP("waits for as much again", 1, sock_asleep(&job));
	ASSERT_EQ(3, send(fd[0], "efg", 3, 0));
	STEP("recv", 7, sock_finish(&job));
}

/* A mark above half of the buffer could never be reached: it is cut down. */
TEST_F(data, low_water_half)
{
	int fd[2], mark = 1 << 30, size = 8192;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	STEP("set", 0, setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &mark,
				  sizeof(mark)));
	STEP("half", size, sock_int_option(fd[1], SOL_SOCKET, SO_RCVLOWAT));
	STEP("below", 0, sock_events(fd[1], POLLIN));
	ASSERT_EQ(1, send(fd[0], "b", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 1));
	STEP("still below", 0, sock_events(fd[1], POLLIN));
	sock_fill(fd[0]);
	STEP("reached", POLLIN, sock_wait(fd[1], POLLIN));
}

TEST_F(data, waitall)
{
	char buf[16] = "";
	struct recv_arg arg = { .buf = buf, .len = 6, .flags = MSG_WAITALL };
	struct sock_job job;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	ASSERT_EQ(3, send(fd[0], "abc", 3, 0));
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	ASSERT_EQ(3, send(fd[0], "def", 3, 0));
	STEP("all", 6, sock_finish(&job));
	STEP("bytes", 0, strcmp(buf, "abcdef"));
	ASSERT_EQ(2, send(fd[0], "gh", 2, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 2));
	STEP("but not waiting", 2,
	     recv(fd[1], buf, 6, MSG_WAITALL | MSG_DONTWAIT));
	ASSERT_EQ(2, send(fd[0], "ij", 2, 0));
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("sleeps again", 1, sock_asleep(&job));
	close(fd[0]);
	STEP("cut short by the end", 2, sock_finish(&job));
}

TEST_F(data, waitall_large)
{
	char *out = malloc(BIG), *in = malloc(BIG);
	struct recv_arg arg = { .buf = in, .len = BIG, .flags = MSG_WAITALL };
	struct sock_job job;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	arg.fd = fd[1];
	sock_pattern(out, BIG, 7);
	ASSERT_EQ(0, sock_start(&job, do_recv, &arg));
	STEP("send", 1, sock_send_all(fd[0], out, BIG));
	STEP("recv", BIG, sock_finish(&job));
	STEP("intact", 0, !!memcmp(in, out, BIG));
}

TEST_F(data, trunc)
{
	char buf[16] = "........";
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	STEP("discard", 4, recv(fd[1], buf, 4, MSG_TRUNC));
	STEP("buffer untouched", 0, strcmp(buf, "........"));
	STEP("rest", 2, recv(fd[1], buf, sizeof(buf), 0));
	STEP("bytes", 0, memcmp(buf, "ef", 2));
	STEP("nothing to discard", -EAGAIN,
	     recv(fd[1], NULL, 4, MSG_TRUNC | MSG_DONTWAIT));
}

TEST_F(data, sigpipe)
{
	struct sigaction action = { .sa_handler = count_sigpipe };
	int fd[2];

	ASSERT_EQ(0, sigaction(SIGPIPE, &action, NULL));
	ASSERT_EQ(0, sock_pair(fd));
	STEP("shutdown", 0, shutdown(fd[0], SHUT_WR));
	STEP("send", -EPIPE, send(fd[0], "a", 1, 0));
	STEP("a signal", 1, sigpipes);
	STEP("MSG_NOSIGNAL", -EPIPE, send(fd[0], "a", 1, MSG_NOSIGNAL));
	STEP("no signal", 1, sigpipes);
	STEP("write", -EPIPE, write(fd[0], "a", 1));
	STEP("another signal", 2, sigpipes);
}

TEST_F(data, zero_length)
{
	char c;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("send", 0, send(fd[0], "", 0, 0));
	STEP("write", 0, write(fd[0], "", 0));
	STEP("recv of nothing", -EAGAIN, recv(fd[1], &c, 0, MSG_DONTWAIT));
	STEP("nothing was sent", 0, sock_events(fd[1], POLLIN));
	ASSERT_EQ(1, send(fd[0], "z", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 1));
	STEP("recv 0 takes nothing", 0, recv(fd[1], &c, 0, 0));
	STEP("byte is there", 1, recv(fd[1], &c, 1, 0));
	STEP("no iov", 0, ({
		struct msghdr msg = { 0 };

		sendmsg(fd[0], &msg, 0);
	}));
}

TEST_F(data, iov)
{
	static struct iovec iov[1025];
	static char out[1025], in[1025];
	struct msghdr msg = { .msg_iov = iov };
	int fd[2], i;

	ASSERT_EQ(0, sock_pair(fd));
	sock_pattern(out, sizeof(out), 3);
	for (i = 0; i < 1025; i++)
		iov[i] = (struct iovec){ out + i, 1 };
	STEP("writev of none", 0, writev(fd[0], iov, 0));
	msg.msg_iovlen = 1;
	STEP("one", 1, sendmsg(fd[0], &msg, 0));
	STEP("one arrives", 1, recv(fd[1], in, 1, 0));
	msg.msg_iovlen = 1024;
	STEP("1024", 1024, sendmsg(fd[0], &msg, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 1024));
	for (i = 0; i < 1025; i++)
		iov[i].iov_base = in + i;
	STEP("1024 arrive", 1024, recvmsg(fd[1], &msg, 0));
	STEP("intact", 0, !!memcmp(in, out, 1024));
	msg.msg_iovlen = 1025;
	STEP("1025", -EMSGSIZE, sendmsg(fd[0], &msg, 0));
	STEP("writev of 1025", -EINVAL, writev(fd[0], iov, 1025));
	STEP("writev of -1", -EINVAL, writev(fd[0], iov, -1));
	iov[0].iov_len = -1;
	msg.msg_iovlen = 1;
	STEP("negative length", -EINVAL, sendmsg(fd[0], &msg, 0));
	STEP("negative length in", -EINVAL,
	     recvmsg(fd[1], &msg, MSG_DONTWAIT));
}

TEST_F(data, fault_send)
{
	char *bad = bad_page();
	struct iovec iov[3] = { { "good", 4 }, { bad, 4 }, { "more", 4 } };
	static char big[262144], in[262144];
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("send", -EFAULT, send(fd[0], bad, 10, 0));
	STEP("NULL", -EFAULT, send(fd[0], NULL, 10, 0));
	STEP("in mid-iov", -EFAULT, writev(fd[0], iov, 3));
	STEP("nothing went out", 0, sock_events(fd[1], POLLIN));
	/* A fault after much that is good: that was sent, and counted. */
	sock_pattern(big, sizeof(big), 5);
	iov[0] = (struct iovec){ big, sizeof(big) };
	n = writev(fd[0], iov, 2);
	STEP("a part was sent", 1, n > 0 && n <= (long)sizeof(big));
	STEP("send the tail", 4, send(fd[0], "tail", 4, 0));
	STEP("recv", 1, sock_recv_all(fd[1], in, n));
	STEP("intact", 0, !!memcmp(in, big, n));
	STEP("then the tail", 4, recv(fd[1], in, sizeof(in), 0));
	STEP("is it", 0, memcmp(in, "tail", 4));
}

TEST_F(data, fault_recv)
{
	char *bad = bad_page(), buf[16];
	struct iovec iov[2] = { { buf, 2 }, { bad, 4 } };
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("nothing there", -EAGAIN, recv(fd[1], bad, 4, MSG_DONTWAIT));
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	STEP("recv", -EFAULT, recv(fd[1], bad, 4, 0));
	STEP("NULL", -EFAULT, recv(fd[1], NULL, 4, 0));
	STEP("peek", -EFAULT, recv(fd[1], bad, 4, MSG_PEEK));
	STEP("in mid-iov", -EFAULT, readv(fd[1], iov, 2));
	STEP("all still there", 6, recv(fd[1], buf, sizeof(buf), 0));
	STEP("intact", 0, memcmp(buf, "abcdef", 6));
}

TEST_F(data, odd_flags)
{
	char c, control[CMSG_SPACE(4)] = "";
	struct cmsghdr *cmsg = (struct cmsghdr *)control;
	struct iovec iov = { "c", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("MSG_EOR", 1, send(fd[0], "e", 1, MSG_EOR));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("MSG_MORE", 1, send(fd[0], "m", 1, MSG_MORE));
	STEP("end of MORE", 1, send(fd[0], "n", 1, 0));
	STEP("both", 2, sock_arrived(fd[1], 2) ? sock_drain(fd[1], 2) : -1);
	STEP("MSG_DONTROUTE", 1, send(fd[0], "d", 1, MSG_DONTROUTE));
	STEP("recv it", 1, recv(fd[1], &c, 1, 0));
	STEP("MSG_ERRQUEUE", -EAGAIN, recv(fd[1], &c, 1, MSG_ERRQUEUE));
	STEP("urgent recv", -EINVAL, recv(fd[1], &c, 1, MSG_OOB));
	STEP("urgent send", 1, send(fd[0], "u", 1, MSG_OOB));
	cmsg->cmsg_len = CMSG_LEN(4);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = 0x7777;
	STEP("unknown control", -EINVAL, sendmsg(fd[0], &msg, 0));
	cmsg->cmsg_len = 1;
	STEP("short control", -EINVAL, sendmsg(fd[0], &msg, 0));
}

/*
 * The last byte of MSG_MORE waits for 200 ms, but not for ever. The time-out
 * that it would not survive either is shorter here than TCP's.
 */
TEST_F(data, more_alone)
{
	long start;
	int fd[2];

	ASSERT_TRUE(sock_fresh_net());
	if (!sock_is_inet())
		ASSERT_TRUE(sock_sysctl("tether/rto_min_us", "1000000"));
	ASSERT_EQ(0, sock_pair(fd));
	start = sock_ms();
	STEP("send", 1, send(fd[0], "m", 1, MSG_MORE));
	STEP("arrives", POLLIN, sock_wait(fd[1], POLLIN));
	STEP("not at once", 1, sock_ms() - start >= 190);
}

/* What asks for something that we do not have, and is not ignored. */
TEST_F(data, not_ours)
{
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), on = 1;
	struct sock_addr addr;
	char c;

	sock_addr_dest(&addr, sock_port(listener));
	STEP("fast open", 1,
	     sendto(fd, "f", 1, MSG_FASTOPEN, &addr.sa, addr.len));
	close(fd);
	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	STEP("zero copy", 1, send(fd, "z", 1, MSG_ZEROCOPY));
	STEP("inline", 0, setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on,
				     sizeof(on)));
	STEP("urgent, inline", 1, send(fd, "u", 1, MSG_OOB));
	STEP("a byte", 1, send(fd, "b", 1, 0));
	STEP("urgent recv", -EINVAL, recv(fd, &c, 1, MSG_OOB));
}

TEST_F(data, end_of_file)
{
	char buf[8];
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("send", 3, send(fd[0], "end", 3, 0));
	STEP("close", 0, close(fd[0]));
	STEP("recv", 3, recv(fd[1], buf, sizeof(buf), MSG_WAITALL));
	STEP("end", 0, recv(fd[1], buf, sizeof(buf), 0));
	STEP("end again", 0, recv(fd[1], buf, sizeof(buf), 0));
	STEP("not waiting", 0, recv(fd[1], buf, 1, MSG_DONTWAIT));
	STEP("no error", 0, sock_error(fd[1]));
}

struct stream_arg {
	int fd;
	unsigned int seed;
	size_t len;
	bool intact;
};

/* Writes and reads of all sizes, odd ones too. */
static size_t piece(size_t i, size_t left)
{
	static const size_t sizes[] = { 1, 100000, 7, 1460, 32768, 3, 4096, 511,
					65536, 70001 };
	size_t n = sizes[i % ARRAY_SIZE(sizes)];

	return n < left ? n : left;
}

static long do_send(void *arg)
{
	struct stream_arg *s = arg;
	char *out = malloc(s->len);
	size_t done = 0, i = 0;
	ssize_t n;

	sock_pattern(out, s->len, s->seed);
	while (done < s->len) {
		n = send(s->fd, out + done, piece(i++, s->len - done), 0);
		if (n <= 0)
			break;
		done += n;
	}
	free(out);
	return done;
}

static long do_receive(void *arg)
{
	struct stream_arg *s = arg;
	char *in = malloc(s->len), *want = malloc(s->len);
	size_t done = 0, i = 3;
	ssize_t n;

	while (done < s->len) {
		n = recv(s->fd, in + done, piece(i++, s->len - done), 0);
		if (n <= 0)
			break;
		done += n;
	}
	sock_pattern(want, s->len, s->seed);
	s->intact = !memcmp(in, want, s->len);
	free(in);
	free(want);
	return done;
}

TEST_F(data, one_way)
{
	struct stream_arg out = { .seed = 1, .len = BIG }, in = out;
	struct sock_job job;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	out.fd = fd[0];
	in.fd = fd[1];
	ASSERT_EQ(0, sock_start(&job, do_send, &out));
	STEP("received", BIG, do_receive(&in));
	STEP("sent", BIG, sock_finish(&job));
	STEP("intact", 1, in.intact);
	STEP("nothing is left", 0, sock_inq(fd[1]));
	STEP("all acknowledged", 1, sock_acked(fd[0]));
}

TEST_F(data, both_ways)
{
	struct stream_arg arg[4];
	struct sock_job job[4];
	int fd[2], i;

	ASSERT_EQ(0, sock_pair(fd));
	for (i = 0; i < 4; i++) {
		/* 0: a sends; 1: b receives; 2: b sends; 3: a receives */
		arg[i] = (struct stream_arg){ .fd = fd[i == 1 || i == 2],
					      .seed = i / 2 + 8,
					      .len = BIG / 2 };
		ASSERT_EQ(0, sock_start(&job[i], i & 1 ? do_receive : do_send,
					&arg[i]));
	}
	STEP("there sent", BIG / 2, sock_finish(&job[0]));
	STEP("there received", BIG / 2, sock_finish(&job[1]));
	STEP("back sent", BIG / 2, sock_finish(&job[2]));
	STEP("back received", BIG / 2, sock_finish(&job[3]));
	STEP("there intact", 1, arg[1].intact);
	STEP("back intact", 1, arg[3].intact);
}

TEST_F(data, single_bytes)
{
	static char out[5000], in[5000];
	size_t i;
	int fd[2], sent = 0;

	ASSERT_EQ(0, sock_pair(fd));
	sock_pattern(out, sizeof(out), 11);
	for (i = 0; i < sizeof(out); i++)
		sent += send(fd[0], out + i, 1, 0);
	STEP("sent", sizeof(out), sent);
	STEP("received", 1, sock_recv_all(fd[1], in, sizeof(in)));
	STEP("intact", 0, !!memcmp(in, out, sizeof(in)));
}

/* Writes of two sockets in turn: what lies together belongs to neither. */
TEST_F(data, pieces)
{
	enum { PIECE = 300, PIECES = 100 };
	static char out[PIECES * PIECE], in[2][sizeof(out)];
	int fd[2][2], sent = 0, i;

	ASSERT_EQ(0, sock_pair(fd[0]));
	ASSERT_EQ(0, sock_pair(fd[1]));
	sock_pattern(out, sizeof(out), 13);
	for (i = 0; i < 2 * PIECES; i++)
		sent += send(fd[i % 2][0], out + i / 2 * PIECE, PIECE,
			     i < 2 * PIECES - 2 ? MSG_MORE : 0);
	STEP("sent", 2 * sizeof(out), sent);
	for (i = 0; i < 2; i++) {
		STEP("received", 1,
		     sock_recv_all(fd[i][1], in[i], sizeof(out)));
		STEP("intact", 0, !!memcmp(in[i], out, sizeof(out)));
	}
}

TEST_F(data, ping_pong)
{
	int fd[2], i, good = 0;
	char c = 0;

	ASSERT_EQ(0, sock_pair(fd));
	for (i = 0; i < 1000; i++) {
		char put = i;

		good += send(fd[0], &put, 1, 0) == 1 &&
			recv(fd[1], &c, 1, 0) == 1 && c == put &&
			send(fd[1], &c, 1, 0) == 1 &&
			recv(fd[0], &c, 1, 0) == 1 && c == put;
	}
	STEP("rounds", 1000, good);
}

TEST_F(data, send_blocks)
{
	struct stream_arg arg = { .seed = 2, .len = BIG };
	struct sock_job job;
	int fd[2];
	long n;

	ASSERT_EQ(0, sock_pair(fd));
	n = sock_fill(fd[0]);
	arg.fd = fd[0];
	ASSERT_EQ(0, sock_start(&job, do_send, &arg));
	STEP("sleeps", 1, sock_asleep(&job));
	STEP("reader takes it", 0, sock_drain(fd[1], n) - n);
	STEP("and the rest", BIG, sock_drain(fd[1], BIG));
	STEP("sent", BIG, sock_finish(&job));
}

TEST_F(data, timeouts)
{
	struct timeval tv = { .tv_usec = 20000 };
	char buf[10], c;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("receive option", 0, setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO,
					     &tv, sizeof(tv)));
	STEP("send option", 0, setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv,
					  sizeof(tv)));
	STEP_TAKES(20, "recv", -EAGAIN, recv(fd[0], &c, 1, 0));
	STEP_TAKES(20, "peek", -EAGAIN, recv(fd[0], &c, 1, MSG_PEEK));
	ASSERT_EQ(1, send(fd[1], "t", 1, 0));
	ASSERT_TRUE(sock_arrived(fd[0], 1));
	STEP_TAKES(20, "waitall", 1, recv(fd[0], buf, 10, MSG_WAITALL));
	sock_fill(fd[0]);
	STEP_TAKES(20, "send", -EAGAIN, send(fd[0], buf, sizeof(buf), 0));
	STEP("still open", 0, sock_error(fd[0]));
}

TEST_F(data, sendfile)
{
	static char out[100000], in[100000];
	int file = memfd_create("data", 0), fd[2];
	off_t at = 0;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, sock_pair(fd));
	sock_pattern(out, sizeof(out), 12);
	ASSERT_EQ(sizeof(out), write(file, out, sizeof(out)));
	STEP("sendfile", sizeof(out), sendfile(fd[0], file, &at, sizeof(out)));
	STEP("recv", 1, sock_recv_all(fd[1], in, sizeof(in)));
	STEP("intact", 0, !!memcmp(in, out, sizeof(in)));
}

TEST_F(data, splice)
{
	char buf[16] = "";
	int fd[2], pipes[2];

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(6, write(pipes[1], "splice", 6));
	STEP("into the socket", 6, splice(pipes[0], NULL, fd[0], NULL, 6, 0));
	ASSERT_TRUE(sock_arrived(fd[1], 6));
	STEP("out of it", 6, splice(fd[1], NULL, pipes[1], NULL, 100, 0));
	STEP("read", 6, read(pipes[0], buf, sizeof(buf)));
	STEP("bytes", 0, strcmp(buf, "splice"));
	sock_nonblock(fd[1], true);
	STEP("nothing left", -EAGAIN,
	     splice(fd[1], NULL, pipes[1], NULL, 100, 0));
	sock_nonblock(fd[1], false);
	close(fd[0]);
	STEP("end of file", 0, splice(fd[1], NULL, pipes[1], NULL, 100, 0));
}

TEST_F(data, seek)
{
	char c;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("lseek", -ESPIPE, lseek(fd[0], 0, SEEK_SET));
	STEP("pread", -ESPIPE, pread(fd[0], &c, 1, 0));
}

#include "last.h"

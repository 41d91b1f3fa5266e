// SPDX-License-Identifier: GPL-2.0
/* ioctl(2) on streams and datagrams: how much is queued, and the rest. */
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>
#include "pair.h"

#define SOCK_NAME queued
#include "fixture.h"

TEST_F(queued, in)
{
	char buf[8];
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("nothing", 0, sock_inq(fd[1]));
	ASSERT_EQ(5, send(fd[0], "12345", 5, 0));
	STEP("arrives", 1, sock_arrived(fd[1], 5));
	STEP("five", 5, sock_inq(fd[1]));
	ASSERT_EQ(2, recv(fd[1], buf, 2, 0));
	STEP("three", 3, sock_inq(fd[1]));
	ASSERT_EQ(3, recv(fd[1], buf, 3, MSG_PEEK));
	STEP("still three", 3, sock_inq(fd[1]));
	ASSERT_EQ(0, close(fd[0]));
	ASSERT_EQ(POLLRDHUP, sock_wait(fd[1], POLLRDHUP));
	STEP("the end is not counted", 3, sock_inq(fd[1]));
	ASSERT_EQ(3, recv(fd[1], buf, 8, 0));
	STEP("nothing more", 0, sock_inq(fd[1]));
}

TEST_F(queued, out)
{
	int fd[2];
	long n, inq;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("nothing", 0, sock_outq(fd[0]));
	ASSERT_EQ(5, send(fd[0], "12345", 5, 0));
	STEP("acknowledged", 1, sock_acked(fd[0]));
	n = sock_fill(fd[0]);
	inq = sock_inq(fd[1]) - 5;
	STEP("in and out are all", 0, n - inq - sock_outq(fd[0]));
	STEP("some is out", 1, sock_outq(fd[0]) > 0);
	ASSERT_EQ(n + 5, sock_drain(fd[1], n + 5));
	STEP("all acknowledged", 1, sock_acked(fd[0]));
}

TEST_F(queued, unsent)
{
	int fd[2], bytes = -1;

	ASSERT_EQ(0, sock_pair(fd));
	sock_fill(fd[0]);
	STEP("unsent", 1, !ioctl(fd[0], SIOCOUTQNSD, &bytes) && bytes > 0 &&
	     bytes <= sock_outq(fd[0]));
}

TEST_F(queued, states)
{
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), n;

	STEP("listener in", -EINVAL, ioctl(listener, SIOCINQ, &n));
	STEP("listener out", -EINVAL, ioctl(listener, SIOCOUTQ, &n));
	n = -1;
	STEP("fresh in", 0, ioctl(fd, SIOCINQ, &n));
	STEP("none in", 0, n);
	n = -1;
	STEP("fresh out", 0, ioctl(fd, SIOCOUTQ, &n));
	STEP("none out", 0, n);
}

TEST_F(queued, nonblock)
{
	int fd[2], on = 1;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("on", 0, ioctl(fd[0], FIONBIO, &on));
	STEP("flag", O_NONBLOCK, fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	STEP("recv", -EAGAIN, recv(fd[0], &c, 1, 0));
	on = 0;
	STEP("off", 0, ioctl(fd[0], FIONBIO, &on));
	STEP("no flag", 0, fcntl(fd[0], F_GETFL) & O_NONBLOCK);
}

TEST_F(queued, others)
{
	void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	STEP("bad pointer", -EFAULT, ioctl(fd[0], SIOCINQ, bad));
	STEP("bad pointer out", -EFAULT, ioctl(fd[0], SIOCOUTQ, bad));
	STEP("unknown", -ENOTTY, ioctl(fd[0], 0x7777, bad));
	/* The kernel answers these for every family. */
	STEP("index of lo", 0, ioctl(fd[0], SIOCGIFINDEX, &ifr));
	STEP("flags of lo", 0, ioctl(fd[0], SIOCGIFFLAGS, &ifr));
	STEP("lo is up", IFF_UP, ifr.ifr_flags & IFF_UP);
}

TEST_F(queued, datagrams)
{
	char buf[16];
	int fd[2], n = -1;

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("none", 0, sock_inq(fd[1]));
	ASSERT_EQ(5, send(fd[0], "12345", 5, 0));
	ASSERT_EQ(7, send(fd[0], "1234567", 7, 0));
	ASSERT_NE(0, sock_wait(fd[1], POLLIN));
	STEP("the first one", 5, sock_inq(fd[1]));
	ASSERT_EQ(5, recv(fd[1], buf, sizeof(buf), 0));
	ASSERT_NE(0, sock_wait(fd[1], POLLIN));
	STEP("the next one", 7, sock_inq(fd[1]));
	STEP("out", 0, ioctl(fd[0], SIOCOUTQ, &n));
	STEP("nothing stays", 1, SOCK_UNTIL(!sock_outq(fd[0])));
}

#include "last.h"

// SPDX-License-Identifier: GPL-2.0
/* SO_RCVBUF and SO_SNDBUF limit memory, as truesize, not payload. */
#include <linux/sock_diag.h>
#include <unistd.h>
#include "pair.h"

/* One frame more than the limit may be queued: it was under way. */
#define SUPER_FRAME (65536 + 16384)

#define SOCK_NAME memory
#include "fixture.h"

static long memory(int fd, int what)
{
	unsigned int info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len))
		return -1;
	return info[what];
}

static bool within(int fd)
{
	long used = memory(fd, SK_MEMINFO_RMEM_ALLOC);
	long limit = memory(fd, SK_MEMINFO_RCVBUF);

	if (used <= limit + SUPER_FRAME)
		return true;
	fprintf(stderr, "# receive memory %ld, limit %ld\n", used, limit);
	return false;
}

static bool is_zero(int fd, int what)
{
	if (SOCK_UNTIL(memory(fd, what) == 0))
		return true;
	fprintf(stderr, "# %ld is held\n", memory(fd, what));
	return false;
}

/* A pair with these buffers; 0 leaves one as it is. */
static int sized_pair(int fd[2], int send_size, int receive_size)
{
	int listener = sock_listener(1), on = 1;
	struct sock_addr addr;

	if (receive_size)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &receive_size,
			   sizeof(receive_size));
	fd[0] = sock_open(SOCK_STREAM);
	if (send_size)
		setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &send_size,
			   sizeof(send_size));
	setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	sock_addr_dest(&addr, sock_port(listener));
	if (sock_connect_addr(fd[0], &addr))
		return -1;
	fd[1] = sock_accept(listener);
	close(listener);
	return fd[1] < 0 ? -1 : 0;
}

/* Send pieces of a size until no more fits; returns the bytes. */
static long flood(int fd, size_t size, long most)
{
	static char buf[65536];
	long sum = 0;
	ssize_t n;

	while (sum < most) {
		n = send(fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		sum += n;
	}
	return sum;
}

TEST_F(memory, single_bytes)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sized_pair(fd, 0, 16384));
	n = flood(fd[0], 1, 20000);
	STEP("some went", 1, n > 1000);
	STEP("within the limit", 1, within(fd[1]));
	STEP("all arrives", 0, sock_drain(fd[1], n) - n);
	STEP("within it still", 1, within(fd[1]));
	STEP("none is held", 0, memory(fd[1], SK_MEMINFO_RMEM_ALLOC));
}

TEST_F(memory, large_writes)
{
	int fd[2];
	long n;

	ASSERT_EQ(0, sized_pair(fd, 0, 65536));
	n = sock_fill(fd[0]);
	STEP("within the limit", 1, within(fd[1]));
	STEP("all arrives", 0, sock_drain(fd[1], n) - n);
	STEP("none is held", 0, memory(fd[1], SK_MEMINFO_RMEM_ALLOC));
	STEP("acknowledged", 1, sock_acked(fd[0]));
	STEP("none is queued", 1, is_zero(fd[0], SK_MEMINFO_WMEM_QUEUED));
}

TEST_F(memory, odd_writes)
{
	static const size_t sizes[] = { 3, 100, 700, 1461, 5000, 20000 };
	int fd[2], i;
	long n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, sized_pair(fd, 0, 32768));
		n = flood(fd[0], sizes[i], sizes[i] * 10000);
		STEP("within the limit", 1, within(fd[1]));
		STEP("all arrives", 0, sock_drain(fd[1], n) - n);
		close(fd[0]);
		close(fd[1]);
	}
}

TEST_F(memory, send_queue)
{
	long queued, limit;
	int fd[2];

	ASSERT_EQ(0, sized_pair(fd, 16384, 4096));
	flood(fd[0], 1, 20000);
	queued = memory(fd[0], SK_MEMINFO_WMEM_QUEUED);
	limit = memory(fd[0], SK_MEMINFO_SNDBUF);
	STEP("limit", 32768, limit);
	STEP("single bytes", 1, queued <= limit + SUPER_FRAME);
	sock_fill(fd[0]);
	queued = memory(fd[0], SK_MEMINFO_WMEM_QUEUED);
	STEP("some is queued", 1, queued > 0);
	STEP("large writes", 1, queued <= limit + SUPER_FRAME);
}

/* A larger buffer holds more, a smaller one less. */
TEST_F(memory, grows)
{
	int fd[2], small, large;

	ASSERT_EQ(0, sized_pair(fd, 16384, 8192));
	sock_fill(fd[0]);
	small = sock_inq(fd[1]);
	ASSERT_EQ(0, sized_pair(fd, 16384, 200000));
	sock_fill(fd[0]);
	large = sock_inq(fd[1]);
	STEP("something fits", 1, small > 0);
	STEP("more fits", 1, large > 2 * small);
}

/* The window follows the option also while the connection stands. */
TEST_F(memory, changed)
{
	int fd[2], size = 200000, before;

	ASSERT_EQ(0, sized_pair(fd, 16384, 8192));
	sock_fill(fd[0]);
	before = sock_inq(fd[1]);
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	/* A read is what tells the sender. */
	STEP("read", 1, sock_drain(fd[1], before) == before);
	sock_fill(fd[0]);
	STEP("more fits than before", 1, sock_inq(fd[1]) > before);
	STEP("within the limit", 1, within(fd[1]));
}

#define PAIRS 12
#define MOVED 200000

/* Fill new pairs as far as they go; returns the bytes that took. */
static long fill_pairs(int fd[PAIRS][2], long bytes[PAIRS])
{
	long sum = 0;
	int i;

	for (i = 0; i < PAIRS; i++) {
		if (sock_pair(fd[i]))
			return -1;
		bytes[i] = sock_fill(fd[i][0]);
		sum += bytes[i];
	}
	return sum;
}

/* Whether all those bytes can be read; empty pairs are closed. */
static bool empty_pairs(int fd[PAIRS][2], const long bytes[PAIRS])
{
	bool good = true;
	int i;

	for (i = 0; i < PAIRS; i++) {
		good &= sock_drain(fd[i][1], bytes[i]) == bytes[i];
		close(fd[i][0]);
		close(fd[i][1]);
	}
	return good;
}

static const char *limit_name(void)
{
	return sock_is_inet() ? "ipv4/tcp_mem" : "tether/mem";
}

static bool limit_pages(const char *pages)
{
	return sock_global_sysctl(limit_name(), pages, NULL, 0);
}

static long move(void *arg)
{
	static char buf[MOVED];

	return sock_send_all(*(int *)arg, buf, sizeof(buf));
}

/*
 * The limit for all sockets together: they hold less, and a sender waits, yet
 * bytes move on; all is as before when there is memory again.
 */
TEST_F(memory, limit)
{
	long bytes[PAIRS], free, tight, size;
	int fd[PAIRS][2];
	struct sock_job job;
	char before[128];

	free = fill_pairs(fd, bytes);
	size = memory(fd[0][0], SK_MEMINFO_SNDBUF);
	STEP("memory is counted", 1, sock_memory() > sock_memory_slack());
	STEP("all arrives", 1, empty_pairs(fd, bytes));
	STEP("and then is not", 1,
	     SOCK_UNTIL(sock_memory() < sock_memory_slack()));
	ASSERT_TRUE(sock_global_sysctl(limit_name(), "1 1 1", before,
				       sizeof(before)));
	tight = fill_pairs(fd, bytes);
	STEP("less fits", 1, tight > 0 && tight < free / 2);
	STEP("more does not", -EAGAIN,
	     send(fd[PAIRS - 1][0], "m", 1, MSG_DONTWAIT));
	sock_start(&job, move, &fd[0][0]);
	STEP("a sender waits", 1, sock_asleep(&job));
	STEP("until there is room", 0,
	     sock_drain(fd[0][1], MOVED + bytes[0]) - MOVED - bytes[0]);
	STEP("sent", 1, sock_finish(&job));
	STEP("limit taken back", 1, limit_pages(before));
	bytes[0] = sock_fill(fd[0][0]);
	STEP("more fits again", 1, bytes[0] > MOVED);
	STEP("the send buffer, too", 1,
	     memory(fd[0][0], SK_MEMINFO_SNDBUF) >= size / 2);
	STEP("all arrives again", 1, empty_pairs(fd, bytes));
}

TEST_F(memory, datagrams)
{
	int fd[2], size = 16384, i;
	char buf[200] = "";

	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_EQ(0, setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	for (i = 0; i < 2000; i++)
		send(fd[0], buf, 1, 0);
	STEP("within the limit", 1, within(fd[1]));
	STEP("some came", 1, memory(fd[1], SK_MEMINFO_RMEM_ALLOC) > 0);
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
	STEP("counted as dropped", 1, memory(fd[1], SK_MEMINFO_DROPS) > 0);
	close(fd[0]);
}

#include "last.h"

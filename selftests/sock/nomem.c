// SPDX-License-Identifier: GPL-2.0
/*
 * No memory: of a call the kernel refuses the first allocation, then the
 * second, and so on. Each time the call fails with an errno of the manual, or
 * does what it should, and nothing is left behind. What is allocated in
 * softirq is refused by its cache. Needs a kernel that injects faults.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "left.h"
#include "pair.h"

#define FAIL_NTH "/proc/self/fail-nth"
#define DEBUG_DIR "/sys/kernel/debug"

#define SOCK_NAME refused
#define SOCK_NO_INET
#include "fixture.h"

#define SOCK_NAME cache
#define SOCK_NO_INET
#include "fixture.h"

static bool write_to(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");
	bool good = file && fputs(value, file) >= 0;

	if (!file || fclose(file) || !good)
		fprintf(stderr, "# %s: %m\n", path);
	return good;
}

/* Every allocation may be refused, without a word in the log. */
static bool allow_faults(void)
{
	static const char * const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_usercopy/verbose", "0" },
	};
	char path[128];
	int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), DEBUG_DIR "/%s", settings[i][0]);
		if (!write_to(path, settings[i][1]))
			return false;
	}
	return true;
}

/* All or nothing: lists of skips name it as a whole. */
static void __attribute__((constructor)) need_faults(void)
{
	if (!access(FAIL_NTH, W_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP no fault injection\n");
	fflush(stdout);
	_exit(KSFT_SKIP);
}

/* What is done with each allocation refused in turn. */
struct attempt {
	/* Makes what the call needs: a socket. */
	int (*prepare)(void);
	long (*call)(int fd);
	/* Was it right to fail thus, or to succeed? Closes the socket. */
	bool (*judge)(int fd, long result);
};

/*
 * Make the call with its @nth allocation refused, or access to the program's
 * memory, which counts as well. False if there were not so many.
 */
static bool call_once(const struct attempt *try, int fd, int nth, long *result)
{
	int control = open(FAIL_NTH, O_RDWR), n;
	char left[16] = "";
	bool fired;

	if (control < 0)
		return false;
	n = snprintf(left, sizeof(left), "%d", nth);
	if (pwrite(control, left, n, 0) != n)
		perror("# fail-nth");
	errno = 0;
	*result = sock_result(try->call(fd));
	fired = pread(control, left, sizeof(left), 0) > 0 && atoi(left) == 0;
	/* The first try may be refused itself, and so use up what is left. */
	if (pwrite(control, "0", 1, 0) != 1 && pwrite(control, "0", 1, 0) != 1)
		perror("# fail-nth");
	close(control);
	return fired;
}

/* How often the call failed for want of memory; -1 if something was wrong. */
static int refuse_each(const struct attempt *try)
{
	int nth, fd, failed = 0;
	bool fired = true;
	long result = 0;

	for (nth = 1; fired && nth < 1000; nth++) {
		fd = try->prepare ? try->prepare() : 0;
		if (fd < 0) {
			fprintf(stderr, "# fault %d: no socket: %m\n", nth);
			return -1;
		}
		fired = call_once(try, fd, nth, &result);
		failed += fired && result < 0 && result != -EFAULT;
		if (!try->judge(fd, result)) {
			fprintf(stderr, "# fault %d: %s\n", nth, result < 0 ?
				strerror(-result) : "not as it should be");
			return -1;
		}
	}
	fprintf(stderr, "# %d faults, %d errnos\n", nth - 2, failed);
	return failed;
}

/* Made beforehand: no fault is to be spent on them. */
static struct sock_addr address;
static int listener, peer;

static int fresh(void)
{
	return sock_open(SOCK_STREAM);
}

static int connected(void)
{
	int fd[2];

	if (sock_pair(fd))
		return -1;
	peer = fd[1];
	return fd[0];
}

static int datagram(void)
{
	int fd[2];

	if (sock_dgram_pair(fd))
		return -1;
	peer = fd[1];
	return fd[0];
}

/* A byte each way, then close both. */
static bool works(int a, int b)
{
	char c = 0;
	bool good = send(a, "x", 1, 0) == 1 && recv(b, &c, 1, 0) == 1 &&
		    c == 'x' && send(b, "y", 1, 0) == 1 &&
		    recv(a, &c, 1, 0) == 1 && c == 'y';

	close(a);
	close(b);
	return good;
}

static long call_socket(int unused)
{
	return sock_open(SOCK_STREAM);
}

static long call_socket_dgram(int unused)
{
	return sock_open(SOCK_DGRAM);
}

static bool judge_socket(int unused, long result)
{
	if (result >= 0)
		return !close(result);
	return result == -ENOBUFS || result == -ENOMEM || result == -ENFILE;
}

TEST_F(refused, socket)
{
	struct attempt stream = { NULL, call_socket, judge_socket };
	struct attempt dgram = { NULL, call_socket_dgram, judge_socket };
	struct left base;

	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	EXPECT_GT(refuse_each(&stream), 0);
	EXPECT_GT(refuse_each(&dgram), 0);
	EXPECT_TRUE(left_nothing(&base));
}

static long call_bind(int fd)
{
	return sock_bind(fd, &address);
}

/* Whether it failed or not, the port is free again. */
static bool judge_bind(int fd, long result)
{
	return !close(fd) && (!result || result == -EFAULT);
}

static long call_listen(int fd)
{
	return listen(fd, 1);
}

/* It can be tried again. */
static bool judge_listen(int fd, long result)
{
	bool good = !listen(fd, 1) && !strcmp(sock_state(fd), "LISTEN");

	return !close(fd) && good && (!result || result == -ENOMEM);
}

TEST_F(refused, bind_listen)
{
	struct attempt bind = { fresh, call_bind, judge_bind };
	struct attempt listen = { fresh, call_listen, judge_listen };
	struct left base;

	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	sock_addr_server(&address, SOCK_PORT_FIXED);
	EXPECT_EQ(0, refuse_each(&bind));
	EXPECT_EQ(1, refuse_each(&listen));
	EXPECT_TRUE(left_nothing(&base));
}

static long call_connect(int fd)
{
	return sock_connect_addr(fd, &address);
}

/* A SYN that could not be sent is sent again. */
static bool judge_connect(int fd, long result)
{
	if (result == -EFAULT)
		return !close(fd);
	return !result && works(fd, sock_accept(listener));
}

static int to_accept(void)
{
	peer = sock_connect_to(listener);
	return peer < 0 || !sock_wait(listener, POLLIN) ? -1 : listener;
}

static long call_accept(int fd)
{
	return accept(fd, NULL, NULL);
}

/* A connection that could not be had is there still. */
static bool judge_accept(int fd, long result)
{
	if (result >= 0)
		return works(result, peer);
	return (result == -ENOMEM || result == -ENFILE) &&
	       works(sock_accept(fd), peer);
}

TEST_F(refused, connect_accept)
{
	struct attempt connect = { fresh, call_connect, judge_connect };
	struct attempt accept = { to_accept, call_accept, judge_accept };
	struct left base;

	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	listener = sock_listener(1);
	sock_addr_dest(&address, sock_port(listener));
	EXPECT_EQ(0, refuse_each(&connect));
	EXPECT_GT(refuse_each(&accept), 0);
	close(listener);
	EXPECT_TRUE(left_nothing(&base));
}

#define LONG 100000

static char out[LONG], in[LONG];

static long call_send(int fd)
{
	return send(fd, out, LONG, MSG_NOSIGNAL);
}

static long call_send_nowait(int fd)
{
	return send(fd, out, LONG, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* As many bytes as were counted have gone, and are those. */
static bool arrive(int fd, long bytes)
{
	bool good = sock_recv_all(peer, in, bytes) && !memcmp(in, out, bytes);

	return works(fd, peer) && good;
}

static bool judge_send(int fd, long result)
{
	return arrive(fd, result > 0 ? result : 0) &&
	       (result > 0 || result == -EFAULT);
}

static bool judge_send_nowait(int fd, long result)
{
	return arrive(fd, result > 0 ? result : 0) &&
	       (result > 0 || result == -EFAULT || result == -EAGAIN);
}

/* Who may wait, waits for memory, as for room; who may not, is told so. */
TEST_F(refused, send)
{
	struct attempt send = { connected, call_send, judge_send };
	struct attempt nowait = { connected, call_send_nowait,
				  judge_send_nowait };
	struct left base;

	sock_pattern(out, LONG, 3);
	memset(in, 0, LONG);
	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	EXPECT_EQ(0, refuse_each(&send));
	EXPECT_GT(refuse_each(&nowait), 0);
	EXPECT_TRUE(left_nothing(&base));
}

static int with_bytes(void)
{
	int fd = connected(), got = peer;

	if (fd < 0 || send(fd, out, LONG, 0) != LONG ||
	    !sock_arrived(got, LONG))
		return -1;
	peer = fd;
	return got;
}

static long call_recv(int fd)
{
	return recv(fd, in, LONG, 0);
}

/* What was not read is there still, and nothing was read twice. */
static bool judge_recv(int fd, long result)
{
	long bytes = result > 0 ? result : 0;
	bool good = sock_recv_all(fd, in + bytes, LONG - bytes) &&
		    !memcmp(in, out, LONG);

	return works(fd, peer) && good && (result > 0 || result == -EFAULT);
}

TEST_F(refused, recv)
{
	struct attempt recv = { with_bytes, call_recv, judge_recv };
	struct left base;

	sock_pattern(out, LONG, 4);
	memset(in, 0, LONG);
	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	EXPECT_EQ(0, refuse_each(&recv));
	EXPECT_TRUE(left_nothing(&base));
}

static long call_send_dgram(int fd)
{
	return send(fd, out, 1000, 0);
}

/* It may get lost on its way, even so. */
static bool judge_send_dgram(int fd, long result)
{
	return !close(fd) && !close(peer) &&
	       (result == 1000 || result == -EFAULT || result == -ENOBUFS);
}

TEST_F(refused, send_datagram)
{
	struct attempt send = { datagram, call_send_dgram, judge_send_dgram };
	struct left base;

	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	EXPECT_GT(refuse_each(&send), 0);
	EXPECT_TRUE(left_nothing(&base));
}

static long call_option(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_TETHER, TETHER_NODELAY, &on, sizeof(on));
}

/* Set if and only if it said so. */
static bool judge_option(int fd, long result)
{
	int on = sock_int_option(fd, SOL_TETHER, TETHER_NODELAY);

	return works(fd, peer) && on == !result &&
	       (!result || result == -EFAULT);
}

TEST_F(refused, setsockopt)
{
	struct attempt option = { connected, call_option, judge_option };
	struct left base;

	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	EXPECT_EQ(0, refuse_each(&option));
	EXPECT_TRUE(left_nothing(&base));
}

static long call_close(int fd)
{
	return close(fd);
}

/* A FIN that could not be sent is sent again. */
static bool judge_close(int fd, long result)
{
	char c;
	bool good = recv(peer, &c, 1, 0) == 0;

	return !close(peer) && good && !result;
}

TEST_F(refused, close)
{
	struct attempt close = { connected, call_close, judge_close };
	struct left base;

	ASSERT_TRUE(allow_faults());
	ASSERT_TRUE(left_begin(&base));
	EXPECT_EQ(0, refuse_each(&close));
	EXPECT_TRUE(left_nothing(&base));
}

/* Let a cache refuse: @percent of what is asked of it, @times at most. */
static bool refuse(const char *cache, const char *percent, const char *times)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", cache);
	return allow_faults() && write_to(path, "1") &&
	       write_to(DEBUG_DIR "/failslab/cache-filter", "Y") &&
	       write_to(DEBUG_DIR "/failslab/times", times) &&
	       write_to(DEBUG_DIR "/failslab/probability", percent);
}

static void refuse_no_more(const char *cache)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", cache);
	write_to(DEBUG_DIR "/failslab/probability", "0");
	write_to(DEBUG_DIR "/failslab/cache-filter", "N");
	write_to(path, "0");
}

/* A SYN that finds no memory is as good as lost: it comes again. */
TEST_F(cache, half_open)
{
	long dropped = sock_counter("drop_memory");
	struct left base;
	int fd;

	ASSERT_TRUE(left_begin(&base));
	listener = sock_listener(1);
	ASSERT_TRUE(refuse("tether_half", "100", "2"));
	fd = sock_connect_to(listener);
	refuse_no_more("tether_half");
	EXPECT_EQ(dropped + 2, sock_counter("drop_memory"));
	EXPECT_TRUE(works(fd, sock_accept(listener)));
	close(listener);
	EXPECT_TRUE(left_nothing(&base));
}

/* So is a final ACK: the SYN+ACK comes again, and is acknowledged again. */
TEST_F(cache, child)
{
	long dropped = sock_counter("drop_memory");
	struct sock_addr addr;
	struct left base;
	int fd, got;

	ASSERT_TRUE(left_begin(&base));
	listener = sock_listener(1);
	fd = sock_open(SOCK_STREAM);
	ASSERT_TRUE(refuse("TETHER", "100", "2"));
	sock_addr_dest(&addr, sock_port(listener));
	EXPECT_EQ(0, sock_connect_addr(fd, &addr));
	got = sock_accept(listener);
	refuse_no_more("TETHER");
	EXPECT_EQ(dropped + 2, sock_counter("drop_memory"));
	EXPECT_TRUE(works(fd, got));
	close(listener);
	EXPECT_TRUE(left_nothing(&base));
}

/* Without memory for TIME_WAIT there is none. */
TEST_F(cache, time_wait)
{
	long waits = sock_counter("time_wait");
	struct left base;
	int fd[2];
	char c;

	ASSERT_TRUE(left_begin(&base));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(refuse("tether_timewait", "100", "1"));
	close(fd[0]);
	EXPECT_EQ(0, recv(fd[1], &c, 1, 0));
	close(fd[1]);
	EXPECT_TRUE(SOCK_UNTIL(sock_count() == 0));
	refuse_no_more("tether_timewait");
	EXPECT_EQ(waits, sock_counter("time_wait"));
	EXPECT_TRUE(left_nothing(&base));
}

static long send_long(void *arg)
{
	return sock_send_all(*(int *)arg, out, LONG);
}

/* Every fifth frame or so cannot be made, or taken in; all bytes arrive. */
TEST_F(cache, frames)
{
	long refused = sock_counter("xmit_nomem");
	struct sock_job job;
	struct left base;
	int fd[2], i;

	sock_pattern(out, LONG, 5);
	ASSERT_TRUE(left_begin(&base));
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(refuse("skbuff_head_cache", "20", "-1"));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, sock_start(&job, send_long, &fd[i & 1]));
		EXPECT_TRUE(sock_recv_all(fd[!(i & 1)], in, LONG));
		EXPECT_EQ(1, sock_finish(&job));
		EXPECT_EQ(0, memcmp(in, out, LONG));
	}
	refuse_no_more("skbuff_head_cache");
	EXPECT_GT(sock_counter("xmit_nomem"), refused);
	EXPECT_TRUE(works(fd[0], fd[1]));
	EXPECT_TRUE(left_nothing(&base));
}

TEST_HARNESS_MAIN

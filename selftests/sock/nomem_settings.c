// SPDX-License-Identifier: GPL-2.0
/*
 * No memory for what is asked of a socket, or set: names, options, filters,
 * what can be read in /proc, sysctls, and a namespace. As nomem.c.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <linux/filter.h>
#include "faults.h"
#include "pair.h"

#define SOCK_NAME setting
#define SOCK_NO_INET
#include "fixture.h"

#define SIZE 100000

static char in[SIZE];

static long call_getsockname(int fd)
{
	struct sock_addr addr = { .len = sizeof(addr.th) };

	return getsockname(fd, &addr.sa, &addr.len);
}

static long call_getpeername(int fd)
{
	struct sock_addr addr = { .len = sizeof(addr.th) };

	return getpeername(fd, &addr.sa, &addr.len);
}

TEST_F(setting, names)
{
	const struct attempt tries[] = {
		{ "getsockname", faults_connected, call_getsockname, faults_unharmed,
		  { EFAULT } },
		{ "getpeername", faults_connected, call_getpeername, faults_unharmed,
		  { EFAULT } },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

struct option {
	int level, name;
	const void *value;
	socklen_t len;
};

static long call_setsockopt(int fd)
{
	const struct option *option = faults_arg;

	return setsockopt(fd, option->level, option->name, option->value,
			  option->len);
}

static long call_getsockopt(int fd)
{
	const struct option *option = faults_arg;
	socklen_t len = option->len;
	char value[64];

	return getsockopt(fd, option->level, option->name, value, &len);
}

/* Set if and only if it said so. */
static bool judge_switch(int fd, long result)
{
	const struct option *option = faults_arg;
	int on = sock_int_option(fd, option->level, option->name);

	return sock_works(fd, faults_peer) && on == !result;
}

static const int one = 1, size = 65536;
static const struct timeval time_out = { .tv_sec = 1000 };
static const struct linger no_linger;

static const struct option
	nodelay = { SOL_TETHER, TETHER_NODELAY, &one, sizeof(one) },
	tcp_nodelay = { IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one) },
	keepalive = { SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one) },
	rcvlowat = { SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one) },
	rcvbuf = { SOL_SOCKET, SO_RCVBUF, &size, sizeof(size) },
	linger = { SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger) },
	rcvtimeo = { SOL_SOCKET, SO_RCVTIMEO, &time_out, sizeof(time_out) },
	error = { SOL_SOCKET, SO_ERROR, NULL, sizeof(int) };

TEST_F(setting, setsockopt)
{
	const char *name = sock_device(false);
	const struct option device = {
		SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name)
	};
	const struct attempt tries[] = {
		{ "set TETHER_NODELAY", faults_connected, call_setsockopt,
		  judge_switch, { EFAULT }, &nodelay },
		{ "set TCP_NODELAY", faults_connected, call_setsockopt,
		  judge_switch, { EFAULT }, &tcp_nodelay },
		{ "set SO_KEEPALIVE", faults_connected, call_setsockopt,
		  judge_switch, { EFAULT }, &keepalive },
		{ "set SO_RCVLOWAT", faults_connected, call_setsockopt,
		  faults_unharmed, { EFAULT }, &rcvlowat },
		{ "set SO_RCVBUF", faults_connected, call_setsockopt,
		  faults_unharmed, { EFAULT }, &rcvbuf },
		{ "set SO_LINGER", faults_connected, call_setsockopt,
		  faults_unharmed, { EFAULT }, &linger },
		{ "set SO_RCVTIMEO", faults_connected, call_setsockopt,
		  faults_unharmed, { EFAULT }, &rcvtimeo },
		{ "set SO_BINDTODEVICE", faults_connected, call_setsockopt,
		  faults_unharmed, { EFAULT }, &device },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

TEST_F(setting, getsockopt)
{
	const struct attempt tries[] = {
		{ "get TETHER_NODELAY", faults_connected, call_getsockopt,
		  faults_unharmed, { EFAULT }, &nodelay },
		{ "get SO_ERROR", faults_connected, call_getsockopt,
		  faults_unharmed, { EFAULT }, &error },
		{ "get SO_LINGER", faults_connected, call_getsockopt,
		  faults_unharmed, { EFAULT }, &linger },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0),
};

/* It has a filter to detach if and only if it said so. */
static bool judge_filter(int fd, long result)
{
	int unused = 0;
	bool had = !setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused,
			       sizeof(unused));

	return sock_works(fd, faults_peer) && had == !result;
}

static const struct sock_fprog program = { ARRAY_SIZE(code), code };
static const struct option filter = {
	SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)
};

static int filtered(void)
{
	int fd = faults_connected();

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program)) ? -1 : fd;
}

/* The kernel warns of no memory for a program, whoever asks: not of that. */
TEST_F(setting, filter)
{
	const struct attempt tries[] = {
		{ "attach filter", faults_connected, call_setsockopt, judge_filter,
		  { EFAULT, ENOMEM }, &filter },
		{ "attach another filter", filtered, call_setsockopt,
		  faults_unharmed, { EFAULT, ENOMEM }, &filter },
	};

	ASSERT_TRUE(faults_spare("__vmalloc_node_range_noprof"));
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static int epoll;

static long call_poll(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pfd, 1, 0);
}

static long call_epoll(int fd)
{
	struct epoll_event event = { .events = EPOLLOUT };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* It is in the set if and only if it said so. */
static bool judge_epoll(int fd, long result)
{
	struct epoll_event event;
	int ready = epoll_wait(epoll, &event, 1, 0);

	return sock_works(fd, faults_peer) && ready == !result;
}

TEST_F(setting, poll)
{
	const struct attempt tries[] = {
		{ "poll", faults_connected, call_poll, faults_unharmed, { EFAULT } },
		{ "epoll_ctl", faults_connected, call_epoll, judge_epoll,
		  { EFAULT, ENOMEM } },
	};

	epoll = epoll_create1(0);
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
	close(epoll);
}

static int none(void)
{
	return 0;
}

static long call_read_file(int unused)
{
	int fd = open(faults_arg, O_RDONLY);
	long bytes;

	if (fd < 0)
		return fd;
	bytes = read(fd, in, SIZE);
	close(fd);
	return bytes;
}

static int listener;

/* The listener alone has a line in it. */
static int with_line(void)
{
	listener = sock_listener(1);
	return sock_open(SOCK_STREAM);
}

static bool judge_file(int unused, long result)
{
	return result && call_read_file(0) > 0;
}

static bool judge_table(int fd, long result)
{
	bool good = sock_count() == 1 && judge_file(fd, result);

	return !close(listener) && !close(fd) && good;
}

TEST_F(setting, proc)
{
	const struct attempt tries[] = {
		{ "read the table", with_line, call_read_file, judge_table,
		  { ENOMEM, EFAULT }, "/proc/thread-self/net/tether" },
		{ "read the counters", none, call_read_file, judge_file,
		  { ENOMEM, EFAULT }, "/proc/thread-self/net/tether_stat" },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

struct sysctl {
	const char *name;
	const char *before, *after;
};

static int with_sysctl(void)
{
	const struct sysctl *sysctl = faults_arg;
	char path[64];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", sysctl->name);
	return sock_sysctl(sysctl->name, sysctl->before) ? open(path, O_RDWR) : -1;
}

static long call_write(int fd)
{
	const struct sysctl *sysctl = faults_arg;

	return write(fd, sysctl->after, strlen(sysctl->after));
}

/* It has the new value if and only if it said so. */
static bool judge_sysctl(int fd, long result)
{
	const struct sysctl *sysctl = faults_arg;
	const char *want = result > 0 ? sysctl->after : sysctl->before;
	char value[64] = "";

	return pread(fd, value, sizeof(value), 0) > 0 && !close(fd) &&
	       !strncmp(value, want, strlen(want)) &&
	       sock_sysctl(sysctl->name, sysctl->before);
}

TEST_F(setting, sysctl)
{
	static const struct sysctl devices = {
		"tether/devices", "*", "lo," SOCK_DEV_CLIENT "," SOCK_DEV_SERVER
	}, range = {
		"tether/port_range", "32768\t60999", "20000\t30000"
	};
	const struct attempt tries[] = {
		{ "write sysctl devices", with_sysctl, call_write,
		  judge_sysctl, { ENOMEM, EFAULT }, &devices },
		{ "write sysctl port_range", with_sysctl, call_write,
		  judge_sysctl, { ENOMEM, EFAULT }, &range },
	};

	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

static int here(void)
{
	return open("/proc/self/ns/net", O_RDONLY);
}

static long call_unshare(int unused)
{
	return unshare(CLONE_NEWNET);
}

/* Either there is another one, which works, or we are where we were. */
static bool judge_unshare(int fd, long result)
{
	int other = sock_open(SOCK_STREAM);
	bool good = !result == !sock_counter("frames_in") && sock_count() == 0;

	return !setns(fd, CLONE_NEWNET) && !close(fd) && !close(other) && good;
}

/* Of what makes a namespace, only the part of the module. */
TEST_F(setting, namespace)
{
	const struct attempt tries[] = {
		{ "new namespace", here, call_unshare, judge_unshare,
		  { ENOMEM } },
	};

	ASSERT_EQ(0, close(faults_connected()) | close(faults_peer));
	faults_in_module();
	EXPECT_TRUE(faults_walk(tries, ARRAY_SIZE(tries)));
}

TEST_HARNESS_MAIN

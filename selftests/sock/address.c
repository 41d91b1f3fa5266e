// SPDX-License-Identifier: GPL-2.0
/* Addresses: good and bad ones, of every length, to every call. */
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "pair.h"

#define SOCK_NAME address
#include "fixture.h"

/* What TCP has no counterpart of. */
#define SOCK_NAME own
#define SOCK_NO_INET
#include "fixture.h"

static char *page;

/* A page that may be read and written, and behind it one that may not. */
static char *bad_page(void)
{
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE))
		abort();
	return page + 4096;
}

TEST_F(address, bind_length)
{
	static const struct {
		const char *step;
		int len, want;
	} cases[] = {
		{ "none", 0, -EINVAL }, { "one byte", 1, -EINVAL },
		{ "the family", 2, -EINVAL }, { "the port", 4, -EINVAL },
		{ "one byte short", 15, -EINVAL }, { "exact", 16, 0 },
		{ "one byte long", 17, 0 }, { "storage", 128, 0 },
		{ "beyond storage", 129, -EINVAL }, { "negative", -1, -EINVAL },
		{ "most negative", INT_MIN, -EINVAL },
		{ "most", INT_MAX, -EINVAL },
	};
	struct sock_addr addr;
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = sock_open(SOCK_STREAM);
		sock_addr_server(&addr, 0);
		STEP(cases[i].step, cases[i].want,
		     bind(fd, &addr.sa, cases[i].len));
		close(fd);
	}
}

TEST_F(address, connect_length)
{
	static const struct {
		const char *step;
		int len, want;
	} cases[] = {
		{ "none", 0, -EINVAL }, { "one byte", 1, -EINVAL },
		{ "the family", 2, -EINVAL }, { "the port", 4, -EINVAL },
		{ "one byte short", 15, -EINVAL }, { "exact", 16, 0 },
		{ "one byte long", 17, 0 }, { "storage", 128, 0 },
		{ "beyond storage", 129, -EINVAL }, { "negative", -1, -EINVAL },
		{ "most negative", INT_MIN, -EINVAL },
		{ "most", INT_MAX, -EINVAL },
	};
	int listener = sock_listener(8), i, fd;
	struct sock_addr addr;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = sock_open(SOCK_STREAM);
		sock_addr_dest(&addr, sock_port(listener));
		STEP(cases[i].step, cases[i].want,
		     connect(fd, &addr.sa, cases[i].len));
		close(fd);
	}
}

TEST_F(address, pointers_in)
{
	int fd = sock_open(SOCK_STREAM), listener = sock_listener(2);
	char *bad = bad_page(), *edge = bad - 8, *fits = bad - 16;
	struct sock_addr addr;

	STEP("bind to NULL", -EFAULT, bind(fd, NULL, 16));
	STEP("bind to bad", -EFAULT, bind(fd, (void *)bad, 16));
	STEP("bind over the edge", -EFAULT, bind(fd, (void *)edge, 16));
	STEP("bind to NULL of no length", -EINVAL, bind(fd, NULL, 0));
	STEP("connect to NULL", -EFAULT, connect(fd, NULL, 16));
	STEP("connect to bad", -EFAULT, connect(fd, (void *)bad, 16));
	STEP("connect over the edge", -EFAULT, connect(fd, (void *)edge, 16));
	sock_addr_server(&addr, 0);
	memcpy(fits, &addr, 16);
	STEP("bind at the edge", 0, bind(fd, (void *)fits, 16));
	sock_addr_dest(&addr, sock_port(listener));
	memcpy(fits, &addr, 16);
	ASSERT_EQ(0, mprotect(page, 4096, PROT_READ));
	fd = sock_open(SOCK_STREAM);
	STEP("connect at the edge, read-only", 0, connect(fd, (void *)fits, 16));
}

/* Calls that give an address: what fits is written, all of it is counted. */
static int given(int fd, int listener, int call, void *addr, socklen_t *len)
{
	int got;

	if (call == 0)
		return getsockname(fd, addr, len);
	if (call == 1)
		return getpeername(fd, addr, len);
	got = sock_connect_to(listener);
	if (!sock_wait(listener, POLLIN))
		return -1;
	close(got);
	got = accept(listener, addr, len);
	if (got >= 0)
		close(got);
	return got < 0 ? -1 : 0;
}

TEST_F(address, given_length)
{
	static const char * const calls[] = { "getsockname", "getpeername",
					      "accept" };
	static const int lengths[] = { 0, 1, 2, 8, 15, 16, 17, 128, 200 };
	int fd[2], listener = sock_listener(4), i, call, kept;
	unsigned char buf[256];
	char step[64];
	socklen_t len;

	ASSERT_EQ(0, sock_pair(fd));
	for (call = 0; call < 3; call++)
		for (i = 0; i < ARRAY_SIZE(lengths); i++) {
			memset(buf, 0xaa, sizeof(buf));
			len = lengths[i];
			snprintf(step, sizeof(step), "%s into %d",
				 calls[call], lengths[i]);
			STEP(step, 0, given(fd[0], listener, call, buf, &len));
			snprintf(step, sizeof(step), "%s into %d: length",
				 calls[call], lengths[i]);
			STEP(step, 16, len);
			kept = lengths[i] < 16 ? lengths[i] : 16;
			snprintf(step, sizeof(step), "%s into %d: the rest",
				 calls[call], lengths[i]);
			STEP(step, 1, buf[kept] == 0xaa && buf[255] == 0xaa);
		}
}

TEST_F(address, given_pointer)
{
	char *bad = bad_page(), *edge = bad - 8;
	static const char * const calls[] = { "getsockname", "getpeername" };
	int fd[2], call;
	char step[64], buf[16];
	socklen_t len;

	ASSERT_EQ(0, sock_pair(fd));
	for (call = 0; call < 2; call++) {
		len = 16;
		snprintf(step, sizeof(step), "%s into NULL", calls[call]);
		STEP(step, -EFAULT, given(fd[0], -1, call, NULL, &len));
		snprintf(step, sizeof(step), "%s into bad", calls[call]);
		STEP(step, -EFAULT, given(fd[0], -1, call, bad, &len));
		snprintf(step, sizeof(step), "%s over the edge", calls[call]);
		STEP(step, -EFAULT, given(fd[0], -1, call, edge, &len));
		snprintf(step, sizeof(step), "%s without a length", calls[call]);
		STEP(step, -EFAULT, given(fd[0], -1, call, buf, NULL));
		snprintf(step, sizeof(step), "%s with a bad length", calls[call]);
		STEP(step, -EFAULT, given(fd[0], -1, call, buf, (void *)bad));
		len = -1;
		snprintf(step, sizeof(step), "%s, negative", calls[call]);
		STEP(step, -EINVAL, given(fd[0], -1, call, buf, &len));
	}
}

TEST_F(address, accept_pointer)
{
	int listener = sock_listener(8), fd;
	char *bad = bad_page(), buf[16];
	socklen_t len = 16;

	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	STEP("NULL with a length", 0, sock_wait(listener, POLLIN) ?
	     sock_made(accept(listener, NULL, &len)) : -1);
	ASSERT_GE(sock_connect_to(listener), 0);
	STEP("bad", -EFAULT, sock_wait(listener, POLLIN) ?
	     sock_made(accept(listener, (void *)bad, &len)) : -1);
	ASSERT_GE(sock_connect_to(listener), 0);
	STEP("without a length", -EFAULT, sock_wait(listener, POLLIN) ?
	     sock_made(accept(listener, (void *)buf, NULL)) : -1);
	ASSERT_GE(sock_connect_to(listener), 0);
	len = -1;
	STEP("negative", -EINVAL, sock_wait(listener, POLLIN) ?
	     sock_made(accept(listener, (void *)buf, &len)) : -1);
	len = 16;
	ASSERT_GE(sock_connect_to(listener), 0);
	STEP("after all that", 0, sock_wait(listener, POLLIN) ?
	     sock_made(accept(listener, (void *)buf, &len)) : -1);
}

TEST_F(address, family)
{
	int fd = sock_open(SOCK_STREAM), listener = sock_listener(2);
	struct sock_addr addr;

	sock_addr_server(&addr, 0);
	addr.sa.sa_family = AF_UNIX;
	STEP("bind to another", -EAFNOSUPPORT, sock_bind(fd, &addr));
	addr.sa.sa_family = 250;
	STEP("bind to none", -EAFNOSUPPORT, sock_bind(fd, &addr));
	addr.sa.sa_family = AF_UNSPEC;
	STEP("bind, unspecified", -EAFNOSUPPORT, ({
		if (sock_is_inet())
			addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sock_bind(fd, &addr);
	}));
	sock_addr_dest(&addr, sock_port(listener));
	addr.sa.sa_family = AF_UNIX;
	STEP("connect to another", -EAFNOSUPPORT, sock_connect_addr(fd, &addr));
	addr.sa.sa_family = 250;
	STEP("connect to none", -EAFNOSUPPORT, sock_connect_addr(fd, &addr));
	addr.sa.sa_family = sock_family();
	STEP("the right one", 0, sock_connect_addr(fd, &addr));
}

TEST_F(address, in_use)
{
	int a = sock_open(SOCK_STREAM), b = sock_open(SOCK_STREAM);
	struct sock_addr addr, any;

	sock_addr_server(&addr, SOCK_PORT_FIXED + 50);
	sock_addr_any(&any, SOCK_PORT_FIXED + 50);
	STEP("bind", 0, sock_bind(a, &addr));
	STEP("the same", -EADDRINUSE, sock_bind(b, &addr));
	STEP("any", -EADDRINUSE, sock_bind(b, &any));
	close(a);
	a = sock_open(SOCK_STREAM);
	STEP("any first", 0, sock_bind(a, &any));
	STEP("then one", -EADDRINUSE, sock_bind(b, &addr));
	STEP("any twice", -EADDRINUSE, sock_bind(b, &any));
	STEP("another port", 0, ({
		sock_addr_server(&addr, SOCK_PORT_FIXED + 51);
		sock_bind(b, &addr);
	}));
}

/* Streams and datagrams have ports of their own. */
TEST_F(address, port_spaces)
{
	int a = sock_open(SOCK_STREAM), b = sock_open(SOCK_DGRAM);
	struct sock_addr addr;

	sock_addr_server(&addr, SOCK_PORT_FIXED + 52);
	STEP("stream", 0, sock_bind(a, &addr));
	STEP("datagram", 0, sock_bind(b, &addr));
}

/* Bind as one without capabilities would; in a child, for good. */
static int bind_without_capability(int type, int port)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };
	struct sock_addr addr;
	int status;
	pid_t pid = fork();

	if (!pid) {
		sock_addr_server(&addr, port);
		if (syscall(SYS_capset, &head, data))
			_exit(255);
		_exit(sock_bind(sock_open(type), &addr) ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return -WEXITSTATUS(status);
}

TEST_F(address, privileged_port)
{
	struct sock_addr addr;

	sock_addr_server(&addr, 1023);
	STEP("with the capability", 0, ({
		int fd = sock_open(SOCK_STREAM);
		int ret = sock_bind(fd, &addr);

		close(fd);
		ret;
	}));
	STEP("without it", -EACCES, bind_without_capability(SOCK_STREAM, 1023));
	STEP("the least port", -EACCES, bind_without_capability(SOCK_STREAM, 1));
	STEP("a port for all", 0, bind_without_capability(SOCK_STREAM, 1024));
	STEP("a chosen port", 0, bind_without_capability(SOCK_STREAM, 0));
	STEP("datagrams", -EACCES, bind_without_capability(SOCK_DGRAM, 1023));
}

TEST_F(address, nowhere)
{
	int fd = sock_open(SOCK_STREAM);
	struct sock_addr addr;

	/* An address that is none of ours. */
	sock_addr_server(&addr, 0);
	if (sock_is_inet())
		addr.in.sin_addr.s_addr = htonl(0xc0000201);
	else
		memcpy(addr.th.sth_addr, "\x02\x00\x00\x00\xee\x01", 6);
	STEP("bind to another's", -EADDRNOTAVAIL, sock_bind(fd, &addr));

	sock_addr_dest(&addr, SOCK_PORT_FIXED);
	if (sock_is_inet())
		addr.in.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	else
		memset(addr.th.sth_addr, 0xff, 6);
	STEP("connect to all", -ENETUNREACH, sock_connect_addr(fd, &addr));
	if (sock_is_inet())
		addr.in.sin_addr.s_addr = htonl(0xe0000001);
	else
		memcpy(addr.th.sth_addr, "\x01\x00\x5e\x00\x00\x01", 6);
	STEP("connect to a group", -ENETUNREACH, sock_connect_addr(fd, &addr));
	STEP("error", 0, sock_error(fd));
}

TEST_F(address, port_zero)
{
	int fd = sock_open(SOCK_STREAM);
	struct sock_addr addr;

	sock_addr_dest(&addr, 0);
	STEP("connect", -ECONNREFUSED, sock_connect_addr(fd, &addr));
}

TEST_F(own, padding)
{
	int listener = sock_listener(1), i;
	struct sock_addr addr;

	for (i = 0; i < 2; i++) {
		sock_addr_server(&addr, 0);
		addr.th.__sth_pad[i] = 1;
		EXPECT_EQ(-1, sock_bind(sock_open(SOCK_STREAM), &addr));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, sock_bind(sock_open(SOCK_DGRAM), &addr));
		EXPECT_EQ(EINVAL, errno);
		sock_addr_dest(&addr, sock_port(listener));
		addr.th.__sth_pad[i] = 0x80;
		EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_DGRAM), &addr));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, sendto(sock_open(SOCK_DGRAM), "x", 1, 0, &addr.sa,
				     addr.len));
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(own, unknown_device)
{
	struct sock_addr addr;

	sock_addr_server(&addr, 0);
	addr.th.sth_ifindex = 999999;
	EXPECT_EQ(-1, sock_bind(sock_open(SOCK_STREAM), &addr));
	EXPECT_EQ(ENODEV, errno);
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	addr.th.sth_ifindex = 999999;
	EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	EXPECT_EQ(ENODEV, errno);
	addr.th.sth_ifindex = 0xffffffff;
	EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_DGRAM), &addr));
	EXPECT_EQ(ENODEV, errno);
}

TEST_F(own, zero_address)
{
	int listener = sock_listener(2);
	struct sock_addr addr;

	/* The zero MAC is this host: only lo leads there. */
	sock_addr_dest(&addr, sock_port(listener));
	memset(addr.th.sth_addr, 0, 6);
	if (sock_link == SOCK_VETH) {
		EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_DGRAM), &addr));
		EXPECT_EQ(EINVAL, errno);
	} else {
		EXPECT_EQ(0, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
		/* No device and the zero MAC: lo. */
		addr.th.sth_ifindex = 0;
		EXPECT_EQ(0, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	}
	/* No device but a MAC: nobody knows where that is. */
	addr.th.sth_ifindex = 0;
	memcpy(addr.th.sth_addr, "\x02\x00\x00\x00\xee\x01", 6);
	EXPECT_EQ(-1, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
	EXPECT_EQ(EINVAL, errno);
}

/* On a socket that is bound to a device, connect(2) need not name it. */
TEST_F(own, device_of_bind)
{
	int listener = sock_listener(2), fd = sock_open(SOCK_STREAM);
	struct sock_addr addr, name = { .len = 16 };

	sock_addr_client(&addr, 0);
	ASSERT_EQ(0, sock_bind(fd, &addr));
	sock_addr_dest(&addr, sock_port(listener));
	addr.th.sth_ifindex = 0;
	EXPECT_EQ(0, sock_connect_addr(fd, &addr));
	EXPECT_EQ(0, getpeername(fd, &name.sa, &name.len));
	EXPECT_EQ(sock_ifindex(false), name.th.sth_ifindex);

	if (sock_link != SOCK_VETH)
		return;
	/* Bound to one device, it cannot go by another. */
	fd = sock_open(SOCK_STREAM);
	sock_addr_server(&addr, 0);
	ASSERT_EQ(0, sock_bind(fd, &addr));
	sock_addr_dest(&addr, sock_port(listener));
	EXPECT_EQ(-1, sock_connect_addr(fd, &addr));
	EXPECT_EQ(EINVAL, errno);
}

/* The MAC of the very device that is named is our own: that is lo. */
TEST_F(own, own_address)
{
	int listener = sock_open(SOCK_STREAM), fd = sock_open(SOCK_STREAM);
	struct sock_addr addr, name = { .len = 16 };
	static const unsigned char zero[6];

	sock_addr_any(&addr, 0);
	ASSERT_EQ(0, sock_bind(listener, &addr));
	ASSERT_EQ(0, listen(listener, 1));
	sock_addr_client(&addr, sock_port(listener));
	sock_mac(false, addr.th.sth_addr);
	EXPECT_EQ(0, sock_connect_addr(fd, &addr));
	EXPECT_EQ(0, getpeername(fd, &name.sa, &name.len));
	EXPECT_EQ(if_nametoindex("lo"), name.th.sth_ifindex);
	EXPECT_EQ(0, memcmp(name.th.sth_addr, zero, 6));
	EXPECT_GE(sock_accept(listener), 0);
}

/* bind(2) takes the device's MAC, in full, and getsockname(2) gives it. */
TEST_F(own, bind_to_mac)
{
	int listener = sock_open(SOCK_STREAM), fd;
	struct sock_addr addr, name = { .len = 16 };

	sock_addr_server(&addr, 0);
	sock_mac(true, addr.th.sth_addr);
	ASSERT_EQ(0, sock_bind(listener, &addr));
	ASSERT_EQ(0, listen(listener, 1));
	EXPECT_EQ(0, getsockname(listener, &name.sa, &name.len));
	EXPECT_EQ(0, memcmp(name.th.sth_addr, addr.th.sth_addr, 6));
	EXPECT_EQ(addr.th.sth_ifindex, name.th.sth_ifindex);
	fd = sock_connect_to(listener);
	EXPECT_GE(fd, 0);
	EXPECT_GE(sock_accept(listener), 0);
}

/* What getname writes is all defined: no byte of the kernel's stack. */
TEST_F(own, nothing_leaks)
{
	struct sock_addr addr;
	int fd[2];

	ASSERT_EQ(0, sock_pair(fd));
	memset(&addr, 0xaa, sizeof(addr));
	addr.len = 16;
	ASSERT_EQ(0, getpeername(fd[0], &addr.sa, &addr.len));
	EXPECT_EQ(0, addr.th.__sth_pad[0]);
	EXPECT_EQ(0, addr.th.__sth_pad[1]);
	memset(&addr, 0xaa, sizeof(addr));
	addr.len = 16;
	ASSERT_EQ(0, getsockname(sock_open(SOCK_STREAM), &addr.sa, &addr.len));
	EXPECT_EQ(0, addr.th.sth_ifindex);
	EXPECT_EQ(0, addr.th.sth_addr[0] | addr.th.sth_addr[5]);
	EXPECT_EQ(0, addr.th.__sth_pad[0] | addr.th.__sth_pad[1]);
}

#include "last.h"

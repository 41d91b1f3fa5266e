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

/* A page that may not be touched, behind one that may be read and written. */
static void *bad_page(void)
{
	void *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE))
		abort();
	return page + 4096;
}

/* A socket that the client can connect to. */
static int server_of(const struct sock_kind *kind)
{
	return kind->type == SOCK_STREAM ? sock_listener(16) :
					   sock_bound_dgram();
}

static const struct {
	const char *step;
	int len, want;
} lengths[] = {
	{ "none", 0, -EINVAL }, { "one byte", 1, -EINVAL },
	{ "the family", 2, -EINVAL }, { "the port", 4, -EINVAL },
	{ "one byte short", 15, -EINVAL }, { "exact", 16, 0 },
	{ "one byte long", 17, 0 }, { "storage", 128, 0 },
	{ "beyond storage", 129, -EINVAL }, { "negative", -1, -EINVAL },
	{ "most negative", INT_MIN, -EINVAL }, { "most", INT_MAX, -EINVAL },
};

TEST_F(address, bind_length)
{
	const struct sock_kind *kind;
	struct sock_addr addr;
	int i, fd;

	sock_addr_server(&addr, 0);
	for (kind = sock_kinds; kind->name; kind++) {
		for (i = 0; i < ARRAY_SIZE(lengths); i++) {
			fd = sock_open(kind->type);
			STEP_OF(kind, lengths[i].step, lengths[i].want,
				bind(fd, &addr.sa, lengths[i].len));
			close(fd);
		}
	}
}

TEST_F(address, connect_length)
{
	const struct sock_kind *kind;
	struct sock_addr addr;
	int i, fd;

	for (kind = sock_kinds; kind->name; kind++) {
		sock_addr_dest(&addr, sock_port(server_of(kind)));
		for (i = 0; i < ARRAY_SIZE(lengths); i++) {
			fd = sock_open(kind->type);
			STEP_OF(kind, lengths[i].step, lengths[i].want,
				connect(fd, &addr.sa, lengths[i].len));
			close(fd);
		}
	}
}

TEST_F(address, sendto_length)
{
	int fd = sock_open(SOCK_DGRAM), i, want;
	struct sock_addr addr;

	sock_addr_dest(&addr, sock_port(sock_bound_dgram()));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		want = lengths[i].want ? lengths[i].want : 1;
		STEP(lengths[i].step, want,
		     sendto(fd, "l", 1, 0, &addr.sa, lengths[i].len));
	}
}

TEST_F(address, pointers_in)
{
	const struct sock_kind *kind;
	struct sock_addr addr;
	void *bad, *edge, *fits;
	int fd;

	for (kind = sock_kinds; kind->name; kind++) {
		fd = sock_open(kind->type);
		bad = bad_page();
		edge = bad - 8;
		fits = bad - 16;
		STEP_OF(kind, "bind to NULL", -EFAULT, bind(fd, NULL, 16));
		STEP_OF(kind, "bind to bad", -EFAULT, bind(fd, bad, 16));
		STEP_OF(kind, "bind over the edge", -EFAULT,
			bind(fd, edge, 16));
		STEP_OF(kind, "bind to NULL of no length", -EINVAL,
			bind(fd, NULL, 0));
		STEP_OF(kind, "connect to NULL", -EFAULT,
			connect(fd, NULL, 16));
		STEP_OF(kind, "connect to bad", -EFAULT, connect(fd, bad, 16));
		STEP_OF(kind, "connect over the edge", -EFAULT,
			connect(fd, edge, 16));
		sock_addr_server(&addr, 0);
		memcpy(fits, &addr, 16);
		STEP_OF(kind, "bind at the edge", 0, bind(fd, fits, 16));
		sock_addr_dest(&addr, sock_port(server_of(kind)));
		memcpy(fits, &addr, 16);
		ASSERT_EQ(0, mprotect(bad - 4096, 4096, PROT_READ));
		fd = sock_open(kind->type);
		STEP_OF(kind, "connect at the edge, read-only", 0,
			connect(fd, fits, 16));
	}
}

TEST_F(address, sendto_pointer)
{
	void *bad = bad_page(), *edge = bad - 8, *fits = bad - 16;
	int to = sock_bound_dgram(), fd = sock_open(SOCK_DGRAM);
	struct sock_addr addr;
	char c = 0;

	STEP("bad", -EFAULT, sendto(fd, "b", 1, 0, bad, 16));
	STEP("over the edge", -EFAULT, sendto(fd, "e", 1, 0, edge, 16));
	STEP("bad of no length", -EINVAL, sendto(fd, "n", 1, 0, bad, 0));
	sock_addr_dest(&addr, sock_port(to));
	memcpy(fits, &addr, 16);
	ASSERT_EQ(0, mprotect(bad - 4096, 4096, PROT_READ));
	STEP("at the edge, read-only", 1, sendto(fd, "f", 1, 0, fits, 16));
	STEP("recv", 1, recv(to, &c, 1, 0));
	STEP("the one that was sent", 'f', c);
}

/* Calls that give an address; they do not alter fd[]. */
static int name_of(const int fd[2], void *addr, socklen_t *len)
{
	return getsockname(fd[0], addr, len);
}

static int peer_of(const int fd[2], void *addr, socklen_t *len)
{
	return getpeername(fd[0], addr, len);
}

static int only_listener(int fd[2])
{
	fd[0] = sock_listener(4);
	return fd[0] < 0 ? -1 : 0;
}

static int accepted(const int fd[2], void *addr, socklen_t *len)
{
	int client = sock_connect_to(fd[0]), got;

	if (!(sock_wait(fd[0], POLLIN) & POLLIN))
		abort();
	close(client);
	got = accept(fd[0], addr, len);
	if (got < 0)
		return -1;
	close(got);
	return 0;
}

static int received(const int fd[2], void *addr, socklen_t *len)
{
	char c;

	if (send(fd[0], "r", 1, 0) != 1)
		abort();
	return recvfrom(fd[1], &c, 1, 0, addr, len) == 1 ? 0 : -1;
}

/* @null: what comes of a NULL pointer; some take it for "tell me nothing". */
static const struct giver {
	const char *name;
	int (*open)(int fd[2]);
	int (*call)(const int fd[2], void *addr, socklen_t *len);
	int null;
} givers[] = {
	{ "getsockname", sock_pair, name_of, -EFAULT },
	{ "getpeername", sock_pair, peer_of, -EFAULT },
	{ "accept", only_listener, accepted, 0 },
	{ "getsockname, datagram", sock_dgram_pair, name_of, -EFAULT },
	{ "getpeername, datagram", sock_dgram_pair, peer_of, -EFAULT },
	{ "recvfrom", sock_dgram_pair, received, 0 },
	{ NULL }
};

#define STEP_CALL(from, what, want, ...) do {				\
	const struct giver *giver_ = (from);				\
	char name_[80];							\
									\
	snprintf(name_, sizeof(name_), "%s %s", giver_->name, what);	\
	STEP(name_, want, giver_->call(__VA_ARGS__));			\
} while (0)

/* What fits is written, all of it is counted. */
TEST_F(address, given_length)
{
	static const int room[] = { 0, 1, 2, 8, 15, 16, 17, 128, 200 };
	const struct giver *giver;
	unsigned char buf[256];
	int fd[2], n, kept;
	char what[32];
	socklen_t len;

	for (giver = givers; giver->name; giver++) {
		ASSERT_EQ(0, giver->open(fd));
		for (n = 0; n < ARRAY_SIZE(room); n++) {
			memset(buf, 0xaa, sizeof(buf));
			len = room[n];
			snprintf(what, sizeof(what), "into %d", room[n]);
			STEP_CALL(giver, what, 0, fd, buf, &len);
			EXPECT_EQ(16, len);
			kept = room[n] < 16 ? room[n] : 16;
			EXPECT_EQ(0xaa, buf[kept]);
			EXPECT_EQ(0xaa, buf[255]);
		}
	}
}

TEST_F(address, given_pointer)
{
	char *bad = bad_page(), *edge = bad - 8, *fits = bad - 16, buf[16];
	const struct giver *giver;
	socklen_t len;
	int fd[2];

	for (giver = givers; giver->name; giver++) {
		ASSERT_EQ(0, giver->open(fd));
		len = 16;
		STEP_CALL(giver, "into NULL", giver->null, fd, NULL, &len);
		len = 16;
		STEP_CALL(giver, "into bad", -EFAULT, fd, bad, &len);
		len = 16;
		STEP_CALL(giver, "over the edge", -EFAULT, fd, edge, &len);
		STEP_CALL(giver, "without a length", -EFAULT, fd, buf, NULL);
		STEP_CALL(giver, "with a bad length", -EFAULT, fd, buf,
			  (socklen_t *)bad);
		len = -1;
		STEP_CALL(giver, "of negative length", -EINVAL, fd, buf, &len);
		len = 16;
		STEP_CALL(giver, "after that, at the edge", 0, fd, fits, &len);
	}
}

TEST_F(address, family)
{
	const struct sock_kind *kind;
	struct sock_addr addr;
	int fd;

	for (kind = sock_kinds; kind->name; kind++) {
		fd = sock_open(kind->type);
		sock_addr_server(&addr, 0);
		addr.sa.sa_family = AF_UNIX;
		STEP_OF(kind, "bind to another", -EAFNOSUPPORT,
			sock_bind(fd, &addr));
		addr.sa.sa_family = 250;
		STEP_OF(kind, "bind to none", -EAFNOSUPPORT,
			sock_bind(fd, &addr));
		addr.sa.sa_family = AF_UNSPEC;
		STEP_OF(kind, "bind, unspecified", -EAFNOSUPPORT,
			sock_bind(fd, &addr));
		sock_addr_dest(&addr, sock_port(server_of(kind)));
		addr.sa.sa_family = AF_UNIX;
		STEP_OF(kind, "connect to another", -EAFNOSUPPORT,
			sock_connect_addr(fd, &addr));
		addr.sa.sa_family = 250;
		STEP_OF(kind, "connect to none", -EAFNOSUPPORT,
			sock_connect_addr(fd, &addr));
		addr.sa.sa_family = sock_family();
		STEP_OF(kind, "the right one", 0, sock_connect_addr(fd, &addr));
	}
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

/* A group is nobody's own address. */
TEST_F(own, bind_to_group)
{
	const struct sock_kind *kind;
	struct sock_addr addr;
	int fd;

	for (kind = sock_kinds; kind->name; kind++) {
		fd = sock_open(kind->type);
		sock_addr_server(&addr, 0);
		memset(addr.th.sth_addr, 0xff, 6);
		STEP_OF(kind, "broadcast", -EADDRNOTAVAIL,
			sock_bind(fd, &addr));
		addr.th.sth_ifindex = 0;
		STEP_OF(kind, "on any device", -EADDRNOTAVAIL,
			sock_bind(fd, &addr));
		memcpy(addr.th.sth_addr, "\x03\x00\x00\x00\x00\x07", 6);
		STEP_OF(kind, "multicast", -EADDRNOTAVAIL,
			sock_bind(fd, &addr));
	}
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
	ASSERT_EQ(0, sock_dgram_pair(fd));
	memset(&addr, 0xaa, sizeof(addr));
	addr.len = 16;
	ASSERT_EQ(0, received(fd, &addr.sa, &addr.len));
	EXPECT_EQ(0, addr.th.__sth_pad[0] | addr.th.__sth_pad[1]);
}

#include "last.h"

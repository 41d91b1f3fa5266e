// SPDX-License-Identifier: GPL-2.0
/* Sockets that are tied to a device: by SO_BINDTODEVICE, bind(2), or both. */
#include <net/if.h>
#include <unistd.h>
#include "pair.h"

#define PORT (SOCK_PORT_FIXED + 40)

#define SOCK_NAME tied
#include "fixture.h"

/* TCP's addresses name no device. */
#define SOCK_NAME own
#define SOCK_NO_INET
#include "fixture.h"

/* A socket tied to a device ("" for none), and bound to the port. */
static int bound(int type, const char *device, int port)
{
	int fd = sock_open(type), on = 1;
	struct sock_addr addr;

	sock_addr_any(&addr, port);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    sock_tie(fd, device) || sock_bind(fd, &addr))
		return -1;
	return fd;
}

/* Send a byte to the port by the client's device. */
static long send_byte(int port, char c)
{
	int fd = sock_open(SOCK_DGRAM);
	struct sock_addr dest;
	long n;

	sock_addr_dest(&dest, port);
	n = sendto(fd, &c, 1, 0, &dest.sa, dest.len);
	close(fd);
	return n;
}

/* The byte that comes next, or why there is none. */
static long next_byte(int fd, int flags)
{
	unsigned char c;

	return recv(fd, &c, 1, flags) == 1 ? c : -1;
}

TEST_F(tied, stream)
{
	int listener = sock_open(SOCK_STREAM), fd = sock_open(SOCK_STREAM);
	struct sock_addr addr;
	char name[16] = "";
	socklen_t len = sizeof(name);

	STEP("unknown device", -ENODEV, sock_tie(fd, "nosuch0"));
	STEP("listener", 0, sock_tie(listener, sock_device(true)));
	sock_addr_any(&addr, PORT);
	STEP("bind", 0, sock_bind(listener, &addr));
	STEP("listen", 0, listen(listener, 2));
	STEP("client", 0, sock_tie(fd, sock_device(false)));
	STEP("get", 0,
	     getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	STEP("name", 0, strcmp(name, sock_device(false)));
	sock_addr_dest(&addr, PORT);
	STEP("connect", 0, sock_connect_addr(fd, &addr));
	STEP("accept", 0, sock_made(sock_accept(listener)));
	STEP("unbind", 0, sock_tie(fd, ""));
}

/* A listener tied to another device is not there. */
TEST_F(tied, other_stream)
{
	int listener, fd = sock_open(SOCK_STREAM);
	struct sock_addr addr;

	ASSERT_TRUE(sock_other_device());
	listener = bound(SOCK_STREAM, SOCK_DEV_OTHER, PORT + 1);
	ASSERT_GE(listener, 0);
	ASSERT_EQ(0, listen(listener, 2));
	sock_addr_dest(&addr, PORT + 1);
	STEP("refused", -ECONNREFUSED, sock_connect_addr(fd, &addr));
	STEP("untie", 0, sock_tie(listener, ""));
	STEP("served", 0, sock_connect_addr(sock_open(SOCK_STREAM), &addr));
}

TEST_F(tied, datagram)
{
	int to = bound(SOCK_DGRAM, sock_device(true), PORT + 2);
	int fd = sock_open(SOCK_DGRAM);
	struct sock_addr dest;

	ASSERT_GE(to, 0);
	STEP("tie", 0, sock_tie(fd, sock_device(false)));
	sock_addr_dest(&dest, PORT + 2);
	STEP("sendto", 1, sendto(fd, "s", 1, 0, &dest.sa, dest.len));
	STEP("arrives", 's', next_byte(to, 0));
	STEP("connect", 0, sock_connect_addr(fd, &dest));
	STEP("send", 1, send(fd, "c", 1, 0));
	STEP("arrives, too", 'c', next_byte(to, 0));
}

/* What comes from another device is not for a socket that is tied. */
TEST_F(tied, other_datagram)
{
	int other, here;

	ASSERT_TRUE(sock_other_device());
	other = bound(SOCK_DGRAM, SOCK_DEV_OTHER, PORT + 3);
	here = bound(SOCK_DGRAM, sock_device(true), PORT + 3);
	ASSERT_GE(other, 0);
	ASSERT_GE(here, 0);
	STEP("send", 1, send_byte(PORT + 3, 'h'));
	STEP("here", 'h', next_byte(here, 0));
	STEP("not there", -EAGAIN, next_byte(other, MSG_DONTWAIT));
	ASSERT_EQ(0, close(here));
	STEP("send to nobody", 1, send_byte(PORT + 3, 'n'));
	STEP("untie", 0, sock_tie(other, ""));
	STEP("send again", 1, send_byte(PORT + 3, 'u'));
	STEP("first of all", 'u', next_byte(other, 0));
}

/* The one that is tied to the device comes before the one for all. */
TEST_F(tied, tied_first)
{
	int tied, any, i;

	for (i = 0; i < 2; i++) {
		any = i ? bound(SOCK_DGRAM, "", PORT + 4) : -1;
		tied = bound(SOCK_DGRAM, sock_device(true), PORT + 4);
		if (!i)
			any = bound(SOCK_DGRAM, "", PORT + 4);
		ASSERT_GE(any, 0);
		ASSERT_GE(tied, 0);
		STEP("send", 1, send_byte(PORT + 4, 't'));
		STEP("tied", 't', next_byte(tied, 0));
		STEP("for all", -EAGAIN, next_byte(any, MSG_DONTWAIT));
		close(tied);
		close(any);
	}
}

/* The port is free on the devices that nobody with that port is tied to. */
TEST_F(tied, port_of_each_device)
{
	const struct sock_kind *kind;
	int fd[2], i, on = 0;
	struct sock_addr addr;

	ASSERT_TRUE(sock_other_device());
	sock_addr_any(&addr, PORT + 5);
	for (kind = sock_kinds; kind->name; kind++) {
		for (i = 0; i < 2; i++) {
			fd[i] = sock_open(kind->type);
			ASSERT_EQ(0, sock_tie(fd[i], SOCK_DEV_OTHER));
			ASSERT_EQ(0, setsockopt(fd[i], SOL_SOCKET,
						SO_REUSEADDR, &on, sizeof(on)));
		}
		STEP_OF(kind, "bind", 0, sock_bind(fd[0], &addr));
		STEP_OF(kind, "same device", -EADDRINUSE,
			sock_bind(fd[1], &addr));
		ASSERT_EQ(0, sock_tie(fd[1], ""));
		STEP_OF(kind, "all devices", -EADDRINUSE,
			sock_bind(fd[1], &addr));
		ASSERT_EQ(0, sock_tie(fd[1], sock_device(true)));
		STEP_OF(kind, "another device", 0, sock_bind(fd[1], &addr));
		close(fd[0]);
		close(fd[1]);
	}
}

/* A socket that has lost its port may be bound anew, and elsewhere. */
TEST_F(tied, again)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fd = sock_open(SOCK_STREAM), listener = sock_listener(2);
	struct sock_addr addr, other;

	ASSERT_TRUE(sock_other_device());
	sock_addr_client(&addr, 0);
	ASSERT_EQ(0, sock_bind(fd, &addr));
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect", 0, sock_connect_addr(fd, &addr));
	STEP("unspec", 0, connect(fd, &unspec, sizeof(unspec)));
	sock_addr_any(&other, PORT + 12);
	if (!sock_is_inet())
		other.th.sth_ifindex = if_nametoindex(SOCK_DEV_OTHER);
	STEP("bind elsewhere", 0, sock_bind(fd, &other));
	STEP("port", PORT + 12, sock_port(fd));
}

/* Which device does the connection go by? Minus errno if by none. */
static int device_of_connection(int fd, const struct sock_addr *to)
{
	struct sock_addr peer = { .len = sizeof(peer.th) };

	if (sock_connect_addr(fd, to) || getpeername(fd, &peer.sa, &peer.len))
		return -errno;
	return peer.th.sth_ifindex;
}

/* On a socket that is tied to a device, an address need not name it. */
TEST_F(own, unnamed)
{
	int to = bound(SOCK_DGRAM, sock_device(true), PORT + 6), fd;
	int listener = bound(SOCK_STREAM, sock_device(true), PORT + 6);
	int device = sock_ifindex(false);
	struct sock_addr dest;

	ASSERT_GE(to, 0);
	ASSERT_EQ(0, listen(listener, 1));
	sock_addr_dest(&dest, PORT + 6);
	dest.th.sth_ifindex = 0;

	fd = sock_open(SOCK_STREAM);
	ASSERT_EQ(0, sock_tie(fd, sock_device(false)));
	EXPECT_EQ(device, device_of_connection(fd, &dest));
	fd = sock_open(SOCK_DGRAM);
	ASSERT_EQ(0, sock_tie(fd, sock_device(false)));
	STEP("sendto", 1, sendto(fd, "s", 1, 0, &dest.sa, dest.len));
	STEP("arrives", 's', next_byte(to, 0));
	EXPECT_EQ(device, device_of_connection(fd, &dest));
}

/* Tied to one device, a socket has no part in another, whoever names it. */
TEST_F(own, another)
{
	struct sock_addr dest, mine, mac;
	const struct sock_kind *kind;
	int fd;

	ASSERT_TRUE(sock_other_device());
	sock_addr_server(&mine, 0);
	sock_addr_dest(&dest, PORT + 7);
	sock_addr_any(&mac, 0);
	sock_mac(true, mac.th.sth_addr);
	for (kind = sock_kinds; kind->name; kind++) {
		fd = sock_open(kind->type);
		ASSERT_EQ(0, sock_tie(fd, SOCK_DEV_OTHER));
		STEP_OF(kind, "bind", -EINVAL, sock_bind(fd, &mine));
		STEP_OF(kind, "connect", -EINVAL, sock_connect_addr(fd, &dest));
		if (sock_link == SOCK_VETH)
			STEP_OF(kind, "bind to MAC", -EADDRNOTAVAIL,
				sock_bind(fd, &mac));
		STEP_OF(kind, "no port", 0, sock_port(fd));
		if (kind->type == SOCK_DGRAM)
			STEP("sendto", -EINVAL, sendto(fd, "x", 1, 0, &dest.sa,
						       dest.len));
	}
}

/* bind(2) and the option may both name the device, in either order. */
TEST_F(own, both)
{
	int listener = bound(SOCK_STREAM, sock_device(true), PORT + 8), i, fd;
	struct sock_addr mine, dest;

	ASSERT_EQ(0, listen(listener, 4));
	sock_addr_client(&mine, 0);
	sock_addr_dest(&dest, PORT + 8);
	for (i = 0; i < 2; i++) {
		fd = sock_open(SOCK_STREAM);
		if (i)
			STEP("tie", 0, sock_tie(fd, sock_device(false)));
		STEP("bind", 0, sock_bind(fd, &mine));
		STEP("tie again", 0, sock_tie(fd, sock_device(false)));
		STEP("connect", 0, sock_connect_addr(fd, &dest));
	}
}

/* A socket bound to the server's device, and then tied to another one. */
static int torn(int type, int port)
{
	struct sock_addr addr;
	int fd = sock_open(type);

	sock_addr_server(&addr, port);
	if (!sock_other_device() || sock_bind(fd, &addr) ||
	    sock_tie(fd, SOCK_DEV_OTHER))
		return -1;
	return fd;
}

/* The option comes after bind(2) and names another device: nothing goes. */
TEST_F(own, torn)
{
	const struct sock_kind *kind;
	struct sock_addr first, second, mine;
	int fd;

	sock_addr_server(&first, PORT + 9);
	sock_mac(false, first.th.sth_addr);
	sock_addr_any(&mine, PORT + 9);
	for (kind = sock_kinds; kind->name; kind++) {
		fd = torn(kind->type, PORT + 9);
		ASSERT_GE(fd, 0);
		second = first;
		second.th.sth_ifindex = if_nametoindex(SOCK_DEV_OTHER);
		STEP_OF(kind, "connect by the first", -EINVAL,
			sock_connect_addr(fd, &first));
		STEP_OF(kind, "connect by the second", -EINVAL,
			sock_connect_addr(fd, &second));
		mine.th.sth_ifindex = second.th.sth_ifindex;
		STEP_OF(kind, "its port on the second", -EADDRINUSE,
			sock_bind(sock_open(kind->type), &mine));
		if (kind->type == SOCK_DGRAM)
			STEP("sendto", -EINVAL, sendto(fd, "x", 1, 0, &first.sa,
						       first.len));
	}
}

/* A port is a MAC's own. */
TEST_F(own, port_of_each_mac)
{
	int a = sock_open(SOCK_STREAM), b = sock_open(SOCK_STREAM);
	struct sock_addr one, two;

	sock_addr_any(&one, PORT + 13);
	two = one;
	sock_mac(true, one.th.sth_addr);
	sock_mac(false, two.th.sth_addr);
	STEP("bind", 0, sock_bind(a, &one));
	STEP("the same", -EADDRINUSE, sock_bind(b, &one));
	if (sock_link == SOCK_VETH)
		STEP("another MAC", 0, sock_bind(b, &two));
}

TEST_F(own, torn_listener)
{
	int fd = torn(SOCK_STREAM, PORT + 10);
	struct sock_addr dest;

	ASSERT_GE(fd, 0);
	sock_addr_dest(&dest, PORT + 10);
	STEP("listen", -EINVAL, listen(fd, 1));
	STEP("mend", 0, sock_tie(fd, sock_device(true)));
	STEP("listen again", 0, listen(fd, 1));
	STEP("connect", 0, sock_connect_addr(sock_open(SOCK_STREAM), &dest));
	STEP("tear", 0, sock_tie(fd, SOCK_DEV_OTHER));
	STEP("refused", -ECONNREFUSED,
	     sock_connect_addr(sock_open(SOCK_STREAM), &dest));
}

TEST_F(own, torn_receiver)
{
	int fd = torn(SOCK_DGRAM, PORT + 11);
	long lost = sock_counter("drop_no_socket");

	ASSERT_GE(fd, 0);
	STEP("send", 1, send_byte(PORT + 11, 'x'));
	STEP("lost", 1, SOCK_UNTIL(sock_counter("drop_no_socket") == lost + 1));
	STEP("mend", 0, sock_tie(fd, ""));
	STEP("send again", 1, send_byte(PORT + 11, 'm'));
	STEP("arrives", 'm', next_byte(fd, 0));
}

/* A datagram socket that is connected already sends by no other device. */
TEST_F(own, torn_peer)
{
	int fd[2];

	ASSERT_TRUE(sock_other_device());
	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("tie", 0, sock_tie(fd[0], sock_device(false)));
	STEP("send", 1, send(fd[0], "a", 1, 0));
	if (sock_link == SOCK_VETH) {
		STEP("tie elsewhere", 0, sock_tie(fd[0], SOCK_DEV_OTHER));
		STEP("not by the other", -EINVAL, send(fd[0], "b", 1, 0));
	}
	STEP("untie", 0, sock_tie(fd[0], ""));
	STEP("send again", 1, send(fd[0], "c", 1, 0));
	STEP("first", 'a', next_byte(fd[1], 0));
	STEP("second", 'c', next_byte(fd[1], 0));
}

#include "last.h"

// SPDX-License-Identifier: GPL-2.0
/* What options change in the frames that are sent: tags, and their number. */
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include "pair.h"

/* Our frames are told from others' by this. */
#define MARK		77
/* The class of a prio queue that this goes to, and nothing else does. */
#define PRIORITY	6
#define CLASS		"class prio 1:1 "

#define SOCK_NAME frames
#include "fixture.h"

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int set_sock(int fd, int name, int value)
{
	return set_int(fd, SOL_SOCKET, name, value);
}

/* Sees what leaves a device with our mark. */
static int open_tap(unsigned int ifindex)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_MARK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, -1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = ifindex };
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

/* The frames that a tap has seen since the last time. */
static int count_frames(int tap)
{
	int frames = 0;
	char c;

	while (recv(tap, &c, 1, MSG_DONTWAIT) >= 0)
		frames++;
	return frames;
}

static bool saw(int tap)
{
	return SOCK_UNTIL(count_frames(tap) > 0);
}

static const char *device(bool server, char *name)
{
	return if_indextoname(sock_ifindex(server), name);
}

static bool add_queue(bool server)
{
	char name[IF_NAMESIZE], command[128];

	snprintf(command, sizeof(command),
		 "tc qdisc replace dev %s root handle 1: prio",
		 device(server, name));
	return !system(command);
}

/* Frames that have gone through the class of our priority. */
static long queued(bool server)
{
	char name[IF_NAMESIZE], line[256];
	bool found = false;
	long frames = -1;
	FILE *pipe;

	snprintf(line, sizeof(line), "tc -s class show dev %s",
		 device(server, name));
	pipe = popen(line, "r");
	if (!pipe)
		return -1;
	while (fgets(line, sizeof(line), pipe)) {
		if (!strncmp(line, "class", 5))
			found = !strncmp(line, CLASS, strlen(CLASS));
		else if (found)
			sscanf(line, " Sent %*d bytes %ld pkt", &frames);
	}
	pclose(pipe);
	return frames;
}

TEST_F(frames, mark)
{
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), got;
	int tap = open_tap(sock_ifindex(false));
	struct sock_addr addr;
	char c;

	ASSERT_GE(tap, 0);
	STEP("set", 0, set_sock(fd, SO_MARK, MARK));
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_EQ(0, sock_connect_addr(fd, &addr));
	STEP("SYN", 1, saw(tap));
	got = sock_accept(listener);
	STEP("nobody else's", 0, count_frames(tap));
	ASSERT_EQ(1, send(fd, "m", 1, 0));
	STEP("data", 1, saw(tap));
	ASSERT_EQ(1, recv(got, &c, 1, 0));
	ASSERT_TRUE(sock_acked(fd));
	STEP("clear", 0, set_sock(fd, SO_MARK, 0));
	count_frames(tap);
	ASSERT_EQ(1, send(fd, "n", 1, 0));
	ASSERT_EQ(1, recv(got, &c, 1, 0));
	STEP("none", 0, count_frames(tap));
	ASSERT_TRUE(sock_acked(fd));
	STEP("set again", 0, set_sock(fd, SO_MARK, MARK));
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	STEP("FIN", 1, saw(tap));
}

/* What a listener sends has its mark, and so has what its children send. */
TEST_F(frames, mark_of_listener)
{
	int listener = sock_listener(1), fd, got;
	int tap = open_tap(sock_ifindex(true));

	ASSERT_GE(tap, 0);
	STEP("set", 0, set_sock(listener, SO_MARK, MARK));
	fd = sock_connect_to(listener);
	STEP("SYN+ACK", 1, saw(tap));
	got = sock_accept(listener);
	ASSERT_TRUE(sock_acked(fd));
	count_frames(tap);
	ASSERT_EQ(1, send(got, "m", 1, 0));
	STEP("data", 1, saw(tap));
}

TEST_F(frames, priority)
{
	int listener = sock_listener(1), fd = sock_open(SOCK_STREAM), got;
	struct sock_addr addr;
	long before;
	char c;

	ASSERT_TRUE(add_queue(false));
	before = queued(false);
	STEP("set", 0, set_sock(fd, SO_PRIORITY, PRIORITY));
	sock_addr_dest(&addr, sock_port(listener));
	ASSERT_EQ(0, sock_connect_addr(fd, &addr));
	STEP("SYN", 1, queued(false) > before);
	got = sock_accept(listener);
	before = queued(false);
	ASSERT_EQ(1, send(fd, "p", 1, 0));
	ASSERT_EQ(1, recv(got, &c, 1, 0));
	STEP("data", 1, queued(false) > before);
}

/* It is not handed on to children, unlike the mark. */
TEST_F(frames, priority_of_listener)
{
	int listener = sock_listener(1), fd, got;
	long before;
	char c;

	ASSERT_TRUE(add_queue(true));
	before = queued(true);
	STEP("set", 0, set_sock(listener, SO_PRIORITY, PRIORITY));
	fd = sock_connect_to(listener);
	STEP("SYN+ACK", 1, queued(true) > before);
	got = sock_accept(listener);
	before = queued(true);
	ASSERT_EQ(1, send(got, "p", 1, 0));
	ASSERT_EQ(1, recv(fd, &c, 1, 0));
	STEP("no data", 0, queued(true) - before);
}

TEST_F(frames, datagram)
{
	int fd[2], tap = open_tap(sock_ifindex(false));
	long before;
	char c;

	ASSERT_GE(tap, 0);
	ASSERT_TRUE(add_queue(false));
	ASSERT_EQ(0, sock_dgram_pair(fd));
	before = queued(false);
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	ASSERT_EQ(1, recv(fd[1], &c, 1, 0));
	STEP("no mark", 0, count_frames(tap));
	STEP("no priority", 0, queued(false) - before);
	STEP("set mark", 0, set_sock(fd[0], SO_MARK, MARK));
	STEP("set priority", 0, set_sock(fd[0], SO_PRIORITY, PRIORITY));
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	ASSERT_EQ(1, recv(fd[1], &c, 1, 0));
	STEP("mark", 1, saw(tap));
	STEP("priority", 1, queued(false) - before);
}

/* A mark for one datagram alone. */
TEST_F(frames, datagram_control)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { "d", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fd[2], tap = open_tap(sock_ifindex(false));

	ASSERT_GE(tap, 0);
	ASSERT_EQ(0, sock_dgram_pair(fd));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SO_MARK;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)CMSG_DATA(cmsg) = MARK;
	STEP("sendmsg", 1, sendmsg(fd[0], &msg, 0));
	STEP("mark", 1, saw(tap));
	ASSERT_EQ(1, send(fd[0], "d", 1, 0));
	STEP("no other", 0, count_frames(tap));
}

#define WRITES 10

/*
 * The frames of ten writes of a byte to a peer that acknowledges none of them;
 * the last write has no flags. What is repeated meanwhile adds a few.
 */
static int frames_of_writes(int nodelay, int flags)
{
	int fd[2], tap = open_tap(sock_ifindex(false)), i, frames;

	if (tap < 0 || sock_pair(fd) || sock_silence(fd[1], true) ||
	    set_int(fd[0], IPPROTO_TCP, TCP_NODELAY, nodelay) ||
	    set_sock(fd[0], SO_MARK, MARK))
		return -1;
	for (i = 1; i <= WRITES; i++)
		if (send(fd[0], "w", 1, i < WRITES ? flags : 0) != 1)
			return -1;
	frames = count_frames(tap);
	sock_cut(fd[0]);
	sock_cut(fd[1]);
	close(tap);
	return frames;
}

/* Small writes wait for the acknowledgment of the first: Nagle. */
TEST_F(frames, nagle)
{
	int frames = frames_of_writes(0, 0);

	STEP("joined", 1, frames > 0 && frames < WRITES);
}

TEST_F(frames, nodelay)
{
	STEP("each at once", 1, frames_of_writes(1, 0) >= WRITES);
}

TEST_F(frames, more)
{
	int frames = frames_of_writes(1, MSG_MORE);

	STEP("joined", 1, frames > 0 && frames < WRITES);
}

#include "last.h"

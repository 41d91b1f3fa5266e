// SPDX-License-Identifier: GPL-2.0
/* Socket filters: what they see, what they let through and what they cut. */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "pair.h"

#define SOCK_NAME filter
#include "fixture.h"

/* What TCP has no counterpart of. */
#define SOCK_NAME own
#define SOCK_NO_INET
#include "fixture.h"

static int attach(int fd, struct sock_filter *code, int len)
{
	struct sock_fprog prog = { .len = len, .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog));
}

enum { ALL = -1 };

/* Let that many bytes of each frame through, header included. */
static int keep(int fd, int bytes)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, bytes);

	return attach(fd, &code, 1);
}

/* Let the frames through that have a number (BPF_B, H or W) at an offset. */
static int keep_if(int fd, int size, int offset, unsigned int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | size | BPF_ABS, offset),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ALL),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, ARRAY_SIZE(code));
}

static int detach(int fd)
{
	int none = 0;

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none,
			  sizeof(none));
}

static int lock(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

/* Offsets in a frame, as a filter sees it: from the transport's header on. */
static int header_of_datagram(void)
{
	return sock_is_inet() ? 8 : 12;
}

static int source_port(void)
{
	return sock_is_inet() ? 0 : 4;
}

/* What was dropped by a filter; TCP's and UDP's counters are not looked at. */
static long dropped(void)
{
	return sock_is_inet() ? 0 : sock_counter("drop_filter");
}

/* A filter that drops all holds the data up until it is taken off. */
TEST_F(filter, stream)
{
	struct pollfd pfd = { .events = POLLIN };
	long before = dropped();
	int fd[2];
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	STEP("attach", 0, keep(fd[1], 0));
	STEP("send", 1, send(fd[0], "f", 1, 0));
	pfd.fd = fd[1];
	STEP("nothing comes", 0, poll(&pfd, 1, 100));
	STEP("is counted", 1, sock_is_inet() || dropped() > before);
	STEP("detach", 0, detach(fd[1]));
	STEP("comes again", POLLIN, sock_wait(fd[1], POLLIN));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("nothing to detach", -ENOENT, detach(fd[1]));
	STEP("keep all", 0, keep(fd[1], ALL));
	STEP("lock", 0, lock(fd[1]));
	STEP("locked", -EPERM, detach(fd[1]));
	ASSERT_EQ(1, send(fd[0], "k", 1, 0));
	STEP("data passes", 1, recv(fd[1], &c, 1, 0));
}

/* A filter on a listener holds up SYNs. */
TEST_F(filter, listener)
{
	int listener = sock_listener(1), fd;
	struct pollfd pfd = { .events = POLLOUT };
	struct sock_addr addr;

	STEP("attach", 0, keep(listener, 0));
	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	sock_addr_dest(&addr, sock_port(listener));
	STEP("connect", -EINPROGRESS, sock_connect_addr(fd, &addr));
	pfd.fd = fd;
	STEP("no answer", 0, poll(&pfd, 1, 100));
	STEP("detach", 0, detach(listener));
	STEP("connected", POLLOUT, sock_wait(fd, POLLOUT));
}

/* The child has the listener's filter. */
TEST_F(filter, inherited)
{
	int listener = sock_listener(1), fd, got;
	char c;

	STEP("attach", 0, keep(listener, ALL));
	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	got = sock_accept(listener);
	STEP("bytes pass", 1, send(fd, "i", 1, 0));
	STEP("recv", 1, recv(got, &c, 1, 0));
	STEP("detach", 0, detach(got));
	STEP("once", -ENOENT, detach(got));
}

/* A datagram that a filter drops is lost. */
TEST_F(filter, datagram)
{
	long before = dropped();
	int fd[2];
	char c = 0;

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("attach", 0, keep(fd[1], 0));
	STEP("send", 1, send(fd[0], "l", 1, 0));
	STEP("is counted", 1,
	     SOCK_UNTIL(sock_is_inet() || dropped() == before + 1));
	STEP("detach", 0, detach(fd[1]));
	STEP("send again", 1, send(fd[0], "k", 1, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("the second", 'k', c);
	STEP("no more", -EAGAIN, recv(fd[1], &c, 1, MSG_DONTWAIT));
}

/* The header is in front of the payload. */
TEST_F(filter, by_payload)
{
	char got[3] = "";
	int fd[2], i;

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("attach", 0, keep_if(fd[1], BPF_B, header_of_datagram(), 'k'));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(2, send(fd[0], "d1k1d2k2" + 2 * i, 2, 0));
	STEP("first", 2, recv(fd[1], got, 2, 0));
	STEP("is kept", 0, strcmp(got, "k1"));
	STEP("second", 2, recv(fd[1], got, 2, 0));
	STEP("is kept, too", 0, strcmp(got, "k2"));
	STEP("no more", -EAGAIN, recv(fd[1], got, 2, MSG_DONTWAIT));
}

/* The header is there from its first byte, of streams and of datagrams. */
TEST_F(filter, by_port)
{
	int stream[2], dgram[2], stranger = sock_open(SOCK_DGRAM);
	struct sock_addr dest;
	char c = 0;

	ASSERT_EQ(0, sock_dgram_pair(dgram));
	STEP("datagrams", 0, keep_if(dgram[1], BPF_H, source_port(),
				     sock_port(dgram[0])));
	sock_addr_dest(&dest, sock_port(dgram[1]));
	STEP("stranger", 1, sendto(stranger, "s", 1, 0, &dest.sa, dest.len));
	STEP("peer", 1, send(dgram[0], "p", 1, 0));
	STEP("recv", 1, recv(dgram[1], &c, 1, 0));
	STEP("of the peer", 'p', c);

	ASSERT_EQ(0, sock_pair(stream));
	STEP("streams", 0, keep_if(stream[1], BPF_H, source_port(),
				   sock_port(stream[0])));
	STEP("send", 1, send(stream[0], "b", 1, 0));
	STEP("passes", 1, recv(stream[1], &c, 1, 0));
}

/* The first word of a header is in protocol.rst. */
TEST_F(own, first_word)
{
	int stream[2], dgram[2];
	char c;

	ASSERT_EQ(0, sock_dgram_pair(dgram));
	STEP("datagrams", 0, keep_if(dgram[1], BPF_W, 0, 0x13030000));
	STEP("send", 1, send(dgram[0], "d", 1, 0));
	STEP("passes", 1, recv(dgram[1], &c, 1, 0));

	ASSERT_EQ(0, sock_pair(stream));
	STEP("streams", 0, keep_if(stream[1], BPF_H, 0, 0x110a));
	STEP("send a byte", 1, send(stream[0], "s", 1, 0));
	STEP("passes, too", 1, recv(stream[1], &c, 1, 0));
}

/* A datagram is cut to what the filter keeps, but never into its header. */
TEST_F(filter, cut)
{
	char buf[8] = "";
	int fd[2];

	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("three bytes", 0, keep(fd[1], header_of_datagram() + 3));
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	STEP("recv", 3, recv(fd[1], buf, sizeof(buf), MSG_TRUNC));
	STEP("the first", 0, strcmp(buf, "abc"));
	STEP("one of the header", 0, keep(fd[1], 1));
	ASSERT_EQ(6, send(fd[0], "abcdef", 6, 0));
	STEP("nothing is left", 0, recv(fd[1], buf, sizeof(buf), MSG_TRUNC));
}

/* A program that ends with a number, or minus errno. */
static int load_program(int number)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = number },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insn_cnt = ARRAY_SIZE(code),
		.insns = (uintptr_t)code,
		.license = (uintptr_t)"GPL",
	};

	return sock_result(syscall(SYS_bpf, BPF_PROG_LOAD, &attr,
				   sizeof(attr)));
}

static int attach_program(int fd, int program)
{
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program,
			  sizeof(program));
}

TEST_F(filter, ebpf)
{
	int none = load_program(0), all = load_program(-1), fd[2];
	char c = 0;

	if (none < 0)
		SKIP(return, "no bpf(2)");
	ASSERT_EQ(0, sock_dgram_pair(fd));
	STEP("keep none", 0, attach_program(fd[1], none));
	STEP("send", 1, send(fd[0], "l", 1, 0));
	STEP("keep all", 0, attach_program(fd[1], all));
	STEP("send again", 1, send(fd[0], "k", 1, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("the second", 'k', c);
}

#include "last.h"

// SPDX-License-Identifier: GPL-2.0
/* One socket, many descriptors: fork, dup, exec and SCM_RIGHTS. */
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "pair.h"

#define SOCK_NAME shared
#include "fixture.h"

/* Wait for a child; its exit status, or -1. */
static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool nothing_yet(int fd)
{
	struct pollfd pfd = { fd, POLLIN | POLLRDHUP };

	return poll(&pfd, 1, 50) == 0;
}

TEST_F(shared, dup)
{
	int fd[2], copy;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	copy = dup(fd[0]);
	STEP("close the first", 0, close(fd[0]));
	STEP("peer sees nothing", 1, nothing_yet(fd[1]));
	STEP("the copy works", 1, send(copy, "d", 1, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("close the last", 0, close(copy));
	STEP("end of file", 0, recv(fd[1], &c, 1, 0));
}

TEST_F(shared, fork_close)
{
	int fd[2];
	char c;
	pid_t pid;

	ASSERT_EQ(0, sock_pair(fd));
	pid = fork();
	if (!pid) {
		close(fd[0]);
		_exit(close(fd[1]));
	}
	STEP("child", 0, status_of(pid));
	STEP("the child's close ends nothing", 1, nothing_yet(fd[1]));
	STEP("send", 1, send(fd[0], "p", 1, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
}

TEST_F(shared, fork_last)
{
	int fd[2], go[2];
	char c;
	pid_t pid;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		close(fd[1]);
		close(go[1]);
		if (read(go[0], &c, 1) != 1 || send(fd[0], "c", 1, 0) != 1)
			_exit(1);
		_exit(0);
	}
	STEP("close ours", 0, close(fd[0]));
	STEP("not the last", 1, nothing_yet(fd[1]));
	ASSERT_EQ(1, write(go[1], "g", 1));
	STEP("the child sends", 1, recv(fd[1], &c, 1, 0));
	STEP("the child ends", 0, recv(fd[1], &c, 1, 0));
	STEP("child", 0, status_of(pid));
}

/* shutdown(2) is of the socket, not of the descriptor. */
TEST_F(shared, fork_shutdown)
{
	int fd[2];
	char c;
	pid_t pid;

	ASSERT_EQ(0, sock_pair(fd));
	pid = fork();
	if (!pid)
		_exit(shutdown(fd[0], SHUT_WR) ? 1 : 0);
	STEP("child", 0, status_of(pid));
	STEP("end of file", 0, recv(fd[1], &c, 1, 0));
	STEP("send", -EPIPE, send(fd[0], "x", 1, MSG_NOSIGNAL));
}

/* A child to each connection, as servers do. */
TEST_F(shared, server)
{
	int listener = sock_listener(8), fd[4], i, got, good = 0;
	pid_t pid[4];
	char c;

	for (i = 0; i < 4; i++) {
		fd[i] = sock_connect_to(listener);
		ASSERT_GE(fd[i], 0);
		got = sock_accept(listener);
		ASSERT_GE(got, 0);
		pid[i] = fork();
		if (!pid[i]) {
			int j;

			close(listener);
			for (j = 0; j <= i; j++)
				close(fd[j]);
			if (recv(got, &c, 1, 0) != 1)
				_exit(1);
			c++;
			_exit(send(got, &c, 1, 0) == 1 ? 0 : 2);
		}
		close(got);
	}
	for (i = 0; i < 4; i++) {
		c = 'a' + i;
		ASSERT_EQ(1, send(fd[i], &c, 1, 0));
		good += recv(fd[i], &c, 1, 0) == 1 && c == 'b' + i;
		good += recv(fd[i], &c, 1, 0) == 0;
		good += status_of(pid[i]) == 0;
	}
	STEP("good", 12, good);
}

/* Several processes accept on one listener. */
TEST_F(shared, prefork)
{
	int listener = sock_listener(16), i, fd, sum = 0;
	pid_t pid[3];
	char c;

	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int served = 0;

			for (;;) {
				fd = accept(listener, NULL, NULL);
				if (fd < 0 || recv(fd, &c, 1, 0) != 1)
					_exit(255);
				served++;
				close(fd);
				if (c == 'q')
					_exit(served);
			}
		}
	}
	for (i = 0; i < 33; i++) {
		fd = sock_connect_to(listener);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(1, send(fd, i < 30 ? "w" : "q", 1, 0));
		ASSERT_EQ(0, recv(fd, &c, 1, 0));
		close(fd);
	}
	for (i = 0; i < 3; i++)
		sum += status_of(pid[i]);
	STEP("served", 33, sum);
}

TEST_F(shared, listener_lives_on)
{
	int listener = sock_listener(2), go[2], port = sock_port(listener), fd;
	struct sock_addr addr;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) == 0 ? 0 : 1);
	}
	close(go[0]);
	STEP("close ours", 0, close(listener));
	sock_addr_dest(&addr, port);
	fd = sock_open(SOCK_STREAM);
	STEP("the child's still listens", 0, sock_connect_addr(fd, &addr));
	close(go[1]);
	STEP("child", 0, status_of(pid));
	STEP("gone with it", -ECONNRESET, recv(fd, &c, 1, 0));
	STEP("refused", -ECONNREFUSED,
	     sock_connect_addr(sock_open(SOCK_STREAM), &addr));
}

/* exec(2) keeps a descriptor, unless it is close-on-exec. */
TEST_F(shared, exec)
{
	int fd[2];
	char buf[8] = "";
	pid_t pid;

	ASSERT_EQ(0, sock_pair(fd));
	pid = fork();
	if (!pid) {
		dup2(fd[0], STDOUT_FILENO);
		fcntl(fd[0], F_SETFD, FD_CLOEXEC);
		fcntl(fd[1], F_SETFD, FD_CLOEXEC);
		execl("/bin/echo", "echo", "-n", "exec", NULL);
		_exit(127);
	}
	close(fd[0]);
	STEP("child", 0, status_of(pid));
	STEP("its output", 4, recv(fd[1], buf, 8, MSG_WAITALL));
	STEP("bytes", 0, strcmp(buf, "exec"));
	STEP("end of file", 0, recv(fd[1], buf, 8, 0));
}

static int pass(int by, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { "f", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(by, &msg, 0);
}

static int take(int by)
{
	char control[CMSG_SPACE(sizeof(int))] = "", c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(by, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(shared, passed_on)
{
	int fd[2], way[2], got;
	char c;

	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, way));
	STEP("pass", 1, pass(way[0], fd[0]));
	STEP("close ours", 0, close(fd[0]));
	STEP("in flight it lives", 1, nothing_yet(fd[1]));
	got = take(way[1]);
	STEP("take", 0, sock_made(got));
	STEP("send", 1, send(got, "t", 1, 0));
	STEP("recv", 1, recv(fd[1], &c, 1, 0));
	STEP("pass again", 1, pass(way[0], got));
	STEP("close it", 0, close(got));
	/* Closed with a descriptor in flight: that is the last one. */
	close(way[1]);
	close(way[0]);
	STEP("end of file", 0, recv(fd[1], &c, 1, 0));
}

TEST_F(shared, listener_passed_on)
{
	int listener = sock_listener(2), way[2], got, fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, way));
	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	STEP("pass", 1, pass(way[0], listener));
	STEP("close ours", 0, close(listener));
	got = take(way[1]);
	STEP("accept on it", 0, sock_made(sock_accept(got)));
}

/* Two processes write to one stream: no byte is lost or torn from its call. */
TEST_F(shared, two_writers)
{
	static char in[2 * 500 * 8];
	int fd[2], i, torn = 0;
	pid_t pid;

	ASSERT_EQ(0, sock_pair(fd));
	pid = fork();
	for (i = 0; i < 500; i++)
		if (send(fd[0], pid ? "parents!" : "children", 8, 0) != 8)
			break;
	if (!pid)
		_exit(i == 500 ? 0 : 1);
	STEP("ours", 500, i);
	STEP("child's", 0, status_of(pid));
	STEP("received", 1, sock_recv_all(fd[1], in, sizeof(in)));
	for (i = 0; i < 1000; i++)
		torn += memcmp(in + 8 * i, "parents!", 8) &&
			memcmp(in + 8 * i, "children", 8);
	STEP("torn", 0, torn);
}

#include "last.h"

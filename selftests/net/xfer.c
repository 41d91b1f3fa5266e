// SPDX-License-Identifier: GPL-2.0
/*
 * Carry a file over one connection.
 *
 *	xfer [-k] [-b bytes] listen|connect send|receive ADDRESS PORT FILE
 *
 * ADDRESS is DEVICE/MAC, DEVICE (to listen there), "any" or "local" of Tether,
 * or an IPv4 address. The sender hands the whole file to a single send(2); -b
 * sends it in pieces of so many bytes. The receiver reads to the end of the
 * stream. -k keeps the listener for the next client until a signal ends it.
 * A listener prints "listening" once a client can connect.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/tether.h>
#include "frame.h"

static size_t piece;

static int fail(const char *what)
{
	fprintf(stderr, "xfer: %s: %s\n", what, strerror(errno));
	return 1;
}

static socklen_t read_address(struct sockaddr_storage *storage,
			      const char *text, int port)
{
	struct sockaddr_tether *addr = (void *)storage;
	struct sockaddr_in *in = (void *)storage;
	char device[IFNAMSIZ + 1] = "";
	const char *slash;

	memset(storage, 0, sizeof(*storage));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	addr->sth_family = frame_family();
	addr->sth_port = htons(port);
	if (!strcmp(text, "any") || !strcmp(text, "local"))
		return sizeof(*addr);
	slash = strchrnul(text, '/');
	if (slash - text >= IFNAMSIZ)
		return 0;
	memcpy(device, text, slash - text);
	addr->sth_ifindex = if_nametoindex(device);
	if (!addr->sth_ifindex ||
	    (*slash && !frame_mac(addr->sth_addr, slash + 1)))
		return 0;
	return sizeof(*addr);
}

static int send_file(int fd, const char *name)
{
	int file = open(name, O_RDONLY);
	struct stat st;
	size_t sent;
	ssize_t n;
	char *map;

	if (file < 0 || fstat(file, &st))
		return fail(name);
	map = mmap(NULL, st.st_size + 1, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
		   file, 0);
	if (map == MAP_FAILED)
		return fail(name);
	for (sent = 0; sent < (size_t)st.st_size; sent += n) {
		size_t left = st.st_size - sent;

		n = send(fd, map + sent, piece && piece < left ? piece : left,
			 MSG_NOSIGNAL);
		if (n < 0)
			return fail("send");
	}
	munmap(map, st.st_size + 1);
	close(file);
	return 0;
}

static int receive_file(int fd, const char *name)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	static char buf[256 * 1024];
	ssize_t n;

	if (file < 0)
		return fail(name);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		if (write(file, buf, n) != n)
			return fail(name);
	}
	if (n < 0)
		return fail("recv");
	close(file);
	return 0;
}

/* A sender waits for the receiver's end: only then has everything arrived. */
static int carry(int fd, bool send, const char *name)
{
	char byte;
	int err;

	if (!send)
		return receive_file(fd, name);
	err = send_file(fd, name);
	if (err)
		return err;
	if (shutdown(fd, SHUT_WR))
		return fail("shutdown");
	if (recv(fd, &byte, 1, 0) != 0)
		return fail("the receiver's end");
	return 0;
}

static int serve(int fd, bool send, const char *name, bool keep)
{
	int err = 0;
	int conn;

	if (listen(fd, 16))
		return fail("listen");
	printf("listening\n");
	fflush(stdout);
	do {
		conn = accept(fd, NULL, NULL);
		if (conn < 0)
			return fail("accept");
		err |= carry(conn, send, name);
		close(conn);
	} while (keep);
	return err;
}

static int say_usage(void)
{
	fputs("usage: xfer [-k] [-b bytes] ROLE DIRECTION ADDRESS PORT FILE\n"
	      "ROLE is listen or connect, DIRECTION is send or receive\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage addr;
	bool keep = false;
	int fd, c, on = 1;
	socklen_t len;
	bool send;

	while ((c = getopt(argc, argv, "kb:")) != -1) {
		if (c == 'k')
			keep = true;
		else if (c == 'b')
			piece = strtoul(optarg, NULL, 0);
		else
			return say_usage();
	}
	argv += optind;
	if (argc - optind != 5)
		return say_usage();
	send = !strcmp(argv[1], "send");
	len = read_address(&addr, argv[2], atoi(argv[3]));
	if (!len) {
		fprintf(stderr, "xfer: %s is no address\n", argv[2]);
		return 2;
	}
	fd = socket(addr.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!strcmp(argv[0], "listen")) {
		if (bind(fd, (struct sockaddr *)&addr, len))
			return fail("bind");
		return serve(fd, send, argv[4], keep);
	}
	if (connect(fd, (struct sockaddr *)&addr, len))
		return fail("connect");
	return carry(fd, send, argv[4]);
}

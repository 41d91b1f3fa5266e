// SPDX-License-Identifier: GPL-2.0
/*
 * A socket of Tether and, in another namespace, a peer made of raw frames: it
 * does only what it is told, so that the socket stays in any wanted state.
 *
 *	peer hold STATE DEVICE NAMESPACE PEER-DEVICE
 *
 * brings a socket on DEVICE into STATE, prints "ready" and then obeys lines on
 * standard input: "error" prints the socket's error, or "none" if there is
 * none within a second, and how many milliseconds it took. The end of the
 * input closes the socket.
 *
 *	peer flood order|holes DEVICE NAMESPACE PEER-DEVICE COUNT
 *
 * sends COUNT segments of one byte, in order or with a hole before each, to a
 * program that does not read, whatever the window is, and prints the receive
 * buffer's limit and its largest use; then reads, and prints how many bytes
 * came and whether they are those that were sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/sock_diag.h>
#include <linux/tether.h>
#include "frame.h"

#define PATIENCE_MS	5000
#define PORT		9000
#define PEER_PORT	7
#define PEER_ISS	1000000
#define NSEC_PER_MSEC	1000000

/* A MAC that no device has: the kernel over there does not answer for it. */
static const __u8 peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x99 };

static struct {
	int		fd;		/* packet socket */
	__u8		mac[6];		/* of the device under test */
	__u16		port;		/* of the socket under test */
	__u64		seq, ack;	/* next to send, next expected */
	__u32		ts;		/* latest timestamp seen */
	__u8		data[FRAME_MAX];
} raw;

static struct sockaddr_tether local, remote;
static int sock;

static void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void raw_send_from(__u64 seq, __u8 flags, const __u8 *payload,
			  size_t len)
{
	static const __u8 mss[] = { 1, 1, 1460 >> 8, 1460 & 255 };
	static __u8 data[FRAME_MAX];
	struct frame frame;
	size_t size;

	frame_init(&frame);
	memcpy(frame.dst, raw.mac, 6);
	memcpy(frame.src, peer_mac, 6);
	frame.flags = flags;
	frame.sport = PEER_PORT;
	frame.dport = raw.port;
	frame.window = 65535;
	frame.seq = seq;
	frame.ack = flags & ACK ? raw.ack : 0;
	frame.ts = raw.ts + 1;
	frame.ts_echo = raw.ts;
	frame.payload = payload;
	frame.payload_len = len;
	if (flags & SYN) {
		frame.options = mss;
		frame.options_len = sizeof(mss);
	}
	size = frame_build(&frame, data);
	/* Short of memory, or the device's queue is full: try again. */
	while (send(raw.fd, data, size, 0) != (ssize_t)size) {
		if (errno != ENOBUFS && errno != EAGAIN)
			die("raw send");
	}
}

static void raw_send(__u8 flags)
{
	raw_send_from(raw.seq, flags, NULL, 0);
	raw.seq += !!(flags & SYN) + !!(flags & FIN);
}

static bool is_ours(const struct frame *frame)
{
	return !memcmp(frame->dst, peer_mac, 6) &&
	       !memcmp(frame->src, raw.mac, 6) &&
	       frame->type == TYPE_STREAM && frame->dport == PEER_PORT &&
	       (!raw.port || frame->sport == raw.port);
}

/* Wait for a segment with these flags of those in the mask. */
static void raw_expect(__u8 mask, __u8 flags)
{
	struct frame frame;
	ssize_t len;

	for (;;) {
		len = frame_receive(raw.fd, raw.data, sizeof(raw.data),
				    PATIENCE_MS);
		if (len < 0) {
			errno = ETIMEDOUT;
			die("no such segment came");
		}
		if (!frame_parse(&frame, raw.data, len) || !is_ours(&frame))
			continue;
		raw.port = frame.sport;
		raw.ts = frame.ts;
		if ((frame.flags & mask) != flags)
			continue;
		if ((flags & ACK) && raw.seq != PEER_ISS &&
		    frame.ack != raw.seq)
			continue;
		raw.ack = frame.seq + frame.payload_len +
			  !!(frame.flags & SYN) + !!(frame.flags & FIN);
		return;
	}
}

/* Open the peer's device in its namespace, then come back. */
static void raw_open(const char *netns, const char *device)
{
	char path[128];
	int here, there;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	here = open("/proc/self/ns/net", O_RDONLY);
	there = open(path, O_RDONLY);
	if (there < 0 || setns(there, CLONE_NEWNET))
		die(path);
	raw.fd = frame_open(device);
	if (raw.fd < 0 || setns(here, CLONE_NEWNET))
		die(device);
	close(here);
	close(there);
	raw.seq = PEER_ISS;
}

static void open_socket(const char *device)
{
	local.sth_family = frame_family();
	local.sth_ifindex = if_nametoindex(device);
	if (!local.sth_ifindex || frame_own_mac(device, raw.mac))
		die(device);
	memcpy(local.sth_addr, raw.mac, 6);
	remote = local;
	memcpy(remote.sth_addr, peer_mac, 6);
	remote.sth_port = __builtin_bswap16(PEER_PORT);
	sock = socket(local.sth_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (sock < 0)
		die("socket");
}

static void start_listening(void)
{
	local.sth_port = __builtin_bswap16(PORT);
	if (bind(sock, (struct sockaddr *)&local, sizeof(local)) ||
	    listen(sock, 8))
		die("listen");
	raw.port = PORT;
}

static void start_connecting(void)
{
	if (connect(sock, (struct sockaddr *)&remote, sizeof(remote)) == 0 ||
	    errno != EINPROGRESS)
		die("connect");
	raw_expect(SYN | ACK, SYN);
}

/* The socket ends its half; the peer takes note and does not answer. */
static void end_half(void)
{
	if (shutdown(sock, SHUT_WR))
		die("shutdown");
	raw_expect(FIN, FIN);
}

static void become_open(void)
{
	start_connecting();
	raw_send(SYN | ACK);
	raw_expect(SYN | ACK, ACK);
}

static void become_half(void)
{
	start_listening();
	raw_send(SYN);
	raw_expect(SYN | ACK, SYN | ACK);
}

static void become_syn_received(void)
{
	start_connecting();
	raw_send(SYN);
	raw_expect(SYN | ACK, SYN | ACK);
}

static void become_closed(void)
{
	if (bind(sock, (struct sockaddr *)&local, sizeof(local)))
		die("bind");
}

static void become_fin_wait1(void)
{
	become_open();
	end_half();
}

static void become_fin_wait2(void)
{
	become_fin_wait1();
	raw_send(ACK);
}

static void become_closing(void)
{
	become_fin_wait1();
	raw.ack--;
	raw_send(FIN | ACK);
	raw_expect(SYN | ACK, ACK);
}

static void become_time_wait(void)
{
	become_fin_wait2();
	raw_send(FIN | ACK);
	raw_expect(SYN | ACK, ACK);
}

static void become_close_wait(void)
{
	become_open();
	raw_send(FIN | ACK);
	raw_expect(SYN | ACK, ACK);
}

static void become_last_ack(void)
{
	become_close_wait();
	end_half();
}

static const struct {
	const char *state;
	void (*become)(void);
} states[] = {
	{ "CLOSED", become_closed },
	{ "LISTEN", start_listening },
	{ "HALF", become_half },
	{ "SYN_SENT", start_connecting },
	{ "SYN_RECEIVED", become_syn_received },
	{ "ESTABLISHED", become_open },
	{ "FIN_WAIT1", become_fin_wait1 },
	{ "FIN_WAIT2", become_fin_wait2 },
	{ "CLOSING", become_closing },
	{ "TIME_WAIT", become_time_wait },
	{ "CLOSE_WAIT", become_close_wait },
	{ "LAST_ACK", become_last_ack },
	{ NULL, NULL }
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / NSEC_PER_MSEC;
}

static void print_error(void)
{
	struct timespec nap = { 0, 10 * NSEC_PER_MSEC };
	long long start = now_ms();
	socklen_t len = sizeof(int);
	int err = 0;

	while (!err && now_ms() - start < 1000) {
		if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &err, &len))
			die("SO_ERROR");
		if (!err)
			nanosleep(&nap, NULL);
	}
	printf("%s %lld\n", err ? strerrorname_np(err) : "none",
	       now_ms() - start);
	fflush(stdout);
}

static int hold(char **argv)
{
	char line[64];
	int i;

	for (i = 0; states[i].state && strcmp(states[i].state, argv[0]); i++)
		;
	if (!states[i].state) {
		fprintf(stderr, "peer: no state %s\n", argv[0]);
		return 2;
	}
	raw_open(argv[2], argv[3]);
	open_socket(argv[1]);
	states[i].become();
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "error\n"))
			print_error();
	}
	return 0;
}

/* What the receive buffer may hold, and what it holds. */
static void look_at_memory(int fd, __u32 *limit, __u32 *most)
{
	__u32 info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len))
		die("SO_MEMINFO");
	*limit = info[SK_MEMINFO_RCVBUF];
	if (*most < info[SK_MEMINFO_RMEM_ALLOC])
		*most = info[SK_MEMINFO_RMEM_ALLOC];
}

static void send_bytes(int fd, long count, int step)
{
	__u32 limit = 0, most = 0;
	long i;

	for (i = 0; i < count; i++) {
		__u8 byte = (raw.seq - PEER_ISS) % 251;

		raw_send_from(raw.seq, ACK, &byte, 1);
		raw.seq += step;
		look_at_memory(fd, &limit, &most);
	}
	printf("limit %u most %u\n", limit, most);
}

static void read_back(int fd)
{
	static __u8 buf[65536];
	bool intact = true;
	long total = 0;
	ssize_t n, i;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		for (i = 0; i < n; i++) {
			/* The SYN takes the number before the first byte. */
			if (buf[i] != (total + i + 1) % 251)
				intact = false;
		}
		total += n;
	}
	printf("read %ld %s\n", total, intact ? "intact" : "spoilt");
}

static int flood(char **argv)
{
	struct timespec nap = { 0, 10 * NSEC_PER_MSEC };
	int fd;

	raw_open(argv[2], argv[3]);
	open_socket(argv[1]);
	become_half();
	raw_send(ACK);
	while ((fd = accept(sock, NULL, NULL)) < 0) {
		if (errno != EAGAIN)
			die("accept");
		nanosleep(&nap, NULL);
	}
	if (!strcmp(argv[0], "holes")) {
		raw.seq++;
		send_bytes(fd, atol(argv[4]), 2);
	} else {
		send_bytes(fd, atol(argv[4]), 1);
	}
	read_back(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "hold"))
		return hold(argv + 2);
	if (argc == 7 && !strcmp(argv[1], "flood"))
		return flood(argv + 2);
	fprintf(stderr, "usage: peer hold state device netns peer-device\n"
		"       peer flood order|holes device netns peer-device count\n");
	return 2;
}

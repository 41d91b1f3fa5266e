// SPDX-License-Identifier: GPL-2.0
/*
 * A socket of Tether and, in another namespace, a peer made of raw frames: it
 * does only what it is told, so that the socket stays in any wanted state.
 *
 *	peer hold STATE[:CALL],... DEVICE NAMESPACE PEER-DEVICE
 *
 * brings a socket on DEVICE into each STATE and prints "at STATE PORT PEER-PORT
 * SEQ ACK" for it, the numbers being the peer's next ones. Where there is a
 * CALL, a process of its own sleeps in it, and when that is over prints a line:
 * what that call and those after it gave. Then it prints "ready" and obeys
 * lines on standard input:
 *
 *	errors N MS	a line for each socket, once N have an error or MS
 *			milliseconds have passed: the state, the error or
 *			"none", and how many milliseconds it took; "end"
 *	asleep WORD	WORD again, and how many calls still sleep; all others
 *			have printed
 *
 * The end of the input closes the sockets. The I-th socket's peer has port
 * 7 + I, and if it is bound, its own is 9000 + I.
 *
 *	peer flood order|holes DEVICE NAMESPACE PEER-DEVICE COUNT
 *
 * sends COUNT segments of one byte, in order or with a hole before each, to a
 * program that does not read, whatever the window is, and prints the receive
 * buffer's limit and its largest use; then reads, and prints how many bytes
 * came and whether they are those that were sent.
 *
 *	peer refuse REASON[/VERSION] DEVICE NAMESPACE PEER-DEVICE
 *
 * answers the SYN of a program with an RST for this reason, a number, and
 * prints the errno that the program is given.
 */
#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/sock_diag.h>
#include <linux/tether.h>
#include "frame.h"

#define PATIENCE_MS	5000
#define HELD_MAX	16
#define PORT		9000
#define PEER_PORT	7
#define PEER_ISS	1000000
#define NSEC_PER_MSEC	1000000

/* A MAC that no device has: the kernel over there does not answer for it. */
static const __u8 peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x99 };

/* A socket under test and its peer. */
struct held {
	const char	*state;
	int		sock;
	pid_t		caller;		/* sleeps in a call, if not zero */
	int		error;		/* its errno, once it has one */
	long		error_ms;	/* and when that was seen */
	struct sockaddr_tether local, remote;
	int		fd;		/* packet socket of the peer */
	__u8		mac[6];		/* of the device under test */
	__u16		port;		/* of the socket under test */
	__u16		peer_port;
	__u64		seq, ack;	/* next to send, next expected */
	__u32		ts;		/* latest timestamp seen */
	__u8		reason;		/* of the RSTs that it sends */
	__u8		version;	/* of its frames, 0 for ours */
};

static void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void raw_send_from(const struct held *h, __u64 seq, __u8 flags,
			  const __u8 *payload, size_t len)
{
	static const __u8 mss[] = { 1, 1, 1460 >> 8, 1460 & 255 };
	static __u8 data[FRAME_MAX];
	struct frame frame;
	size_t size;

	frame_init(&frame);
	memcpy(frame.dst, h->mac, 6);
	memcpy(frame.src, peer_mac, 6);
	frame.flags = flags;
	frame.reason = flags & RST ? h->reason : 0;
	if (h->version)
		frame.version = h->version;
	frame.sport = h->peer_port;
	frame.dport = h->port;
	frame.window = 65535;
	frame.seq = seq;
	frame.ack = flags & ACK ? h->ack : 0;
	frame.ts = h->ts + 1;
	frame.ts_echo = h->ts;
	frame.payload = payload;
	frame.payload_len = len;
	if (flags & SYN) {
		frame.options = mss;
		frame.options_len = sizeof(mss);
	}
	size = frame_build(&frame, data);
	/* Short of memory, or the device's queue is full: try again. */
	while (send(h->fd, data, size, 0) != (ssize_t)size) {
		if (errno != ENOBUFS && errno != EAGAIN)
			die("raw send");
	}
}

static void raw_send(struct held *h, __u8 flags)
{
	raw_send_from(h, h->seq, flags, NULL, 0);
	h->seq += !!(flags & SYN) + !!(flags & FIN);
}

static bool is_ours(const struct held *h, const struct frame *frame)
{
	return !memcmp(frame->dst, peer_mac, 6) &&
	       !memcmp(frame->src, h->mac, 6) &&
	       frame->type == TYPE_STREAM && frame->dport == h->peer_port &&
	       (!h->port || frame->sport == h->port);
}

/* Wait for a segment with these flags of those in the mask. */
static void raw_expect(struct held *h, __u8 mask, __u8 flags)
{
	static __u8 data[FRAME_MAX];
	struct frame frame;
	ssize_t len;

	for (;;) {
		len = frame_receive(h->fd, data, sizeof(data), PATIENCE_MS);
		if (len < 0) {
			errno = ETIMEDOUT;
			die("no such segment came");
		}
		if (!frame_parse(&frame, data, len) || !is_ours(h, &frame))
			continue;
		h->port = frame.sport;
		h->ts = frame.ts;
		if ((frame.flags & mask) != flags)
			continue;
		if ((flags & ACK) && h->seq != PEER_ISS &&
		    frame.ack != h->seq)
			continue;
		h->ack = frame.seq + frame.payload_len +
			 !!(frame.flags & SYN) + !!(frame.flags & FIN);
		return;
	}
}

/* Open the peer's device in its namespace, then come back. */
static void raw_open(struct held *h, const char *netns, const char *device)
{
	char path[128];
	int here, there;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	here = open("/proc/self/ns/net", O_RDONLY);
	there = open(path, O_RDONLY);
	if (there < 0 || setns(there, CLONE_NEWNET))
		die(path);
	h->fd = frame_open(device);
	if (h->fd < 0 || setns(here, CLONE_NEWNET))
		die(device);
	close(here);
	close(there);
	h->seq = PEER_ISS;
}

/* The index keeps the ports of several sockets apart. */
static void open_socket(struct held *h, const char *device, int index)
{
	h->local.sth_family = frame_family();
	h->local.sth_ifindex = if_nametoindex(device);
	if (!h->local.sth_ifindex || frame_own_mac(device, h->mac))
		die(device);
	memcpy(h->local.sth_addr, h->mac, 6);
	h->remote = h->local;
	memcpy(h->remote.sth_addr, peer_mac, 6);
	h->peer_port = PEER_PORT + index;
	h->remote.sth_port = htons(h->peer_port);
	h->local.sth_port = htons(PORT + index);
	h->sock = socket(h->local.sth_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (h->sock < 0)
		die("socket");
}

static void become_closed(struct held *h)
{
	if (bind(h->sock, (struct sockaddr *)&h->local, sizeof(h->local)))
		die("bind");
}

static void become_new(struct held *h)
{
	(void)h;
}

static void start_listening(struct held *h)
{
	become_closed(h);
	if (listen(h->sock, 8))
		die("listen");
	h->port = ntohs(h->local.sth_port);
}

static void start_connecting(struct held *h)
{
	if (connect(h->sock, (struct sockaddr *)&h->remote,
		    sizeof(h->remote)) == 0 || errno != EINPROGRESS)
		die("connect");
	raw_expect(h, SYN | ACK, SYN);
}

/* The socket ends its half; the peer takes note and does not answer. */
static void end_half(struct held *h)
{
	if (shutdown(h->sock, SHUT_WR))
		die("shutdown");
	raw_expect(h, FIN, FIN);
}

static void become_open(struct held *h)
{
	start_connecting(h);
	raw_send(h, SYN | ACK);
	raw_expect(h, SYN | ACK, ACK);
}

static void become_half(struct held *h)
{
	start_listening(h);
	raw_send(h, SYN);
	raw_expect(h, SYN | ACK, SYN | ACK);
}

static void become_completed(struct held *h)
{
	become_half(h);
	raw_send(h, ACK);
}

static void become_syn_received(struct held *h)
{
	start_connecting(h);
	raw_send(h, SYN);
	raw_expect(h, SYN | ACK, SYN | ACK);
}

static void become_fin_wait1(struct held *h)
{
	become_open(h);
	end_half(h);
}

static void become_fin_wait2(struct held *h)
{
	become_fin_wait1(h);
	raw_send(h, ACK);
}

static void become_closing(struct held *h)
{
	become_fin_wait1(h);
	h->ack--;
	raw_send(h, FIN | ACK);
	raw_expect(h, SYN | ACK, ACK);
}

static void become_time_wait(struct held *h)
{
	become_fin_wait2(h);
	raw_send(h, FIN | ACK);
	raw_expect(h, SYN | ACK, ACK);
}

static void become_close_wait(struct held *h)
{
	become_open(h);
	raw_send(h, FIN | ACK);
	raw_expect(h, SYN | ACK, ACK);
}

static void become_last_ack(struct held *h)
{
	become_close_wait(h);
	end_half(h);
}

/* With bytes that the program has not read. */
static void become_unread(struct held *h)
{
	become_open(h);
	raw_send_from(h, h->seq, ACK, (const __u8 *)"early", 5);
	h->seq += 5;
	raw_expect(h, SYN | ACK, ACK);
}

/* From here on, a datagram socket. */
static void reopen(struct held *h)
{
	close(h->sock);
	h->sock = socket(h->local.sth_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (h->sock < 0)
		die("socket");
}

static void become_bound_datagram(struct held *h)
{
	reopen(h);
	become_closed(h);
	h->port = ntohs(h->local.sth_port);
}

/* To the device alone. */
static void become_device_datagram(struct held *h)
{
	memset(h->local.sth_addr, 0, 6);
	become_bound_datagram(h);
}

/* To the MAC alone. */
static void become_mac_datagram(struct held *h)
{
	h->local.sth_ifindex = 0;
	become_bound_datagram(h);
}

static void become_connected_datagram(struct held *h)
{
	reopen(h);
	if (connect(h->sock, (struct sockaddr *)&h->remote, sizeof(h->remote)))
		die("connect");
}

static const struct {
	const char *state;
	void (*become)(struct held *h);
} states[] = {
	{ "NEW", become_new },
	{ "CLOSED", become_closed },
	{ "LISTEN", start_listening },
	{ "HALF", become_half },
	{ "COMPLETED", become_completed },
	{ "SYN_SENT", start_connecting },
	{ "SYN_RECEIVED", become_syn_received },
	{ "ESTABLISHED", become_open },
	{ "UNREAD", become_unread },
	{ "FIN_WAIT1", become_fin_wait1 },
	{ "FIN_WAIT2", become_fin_wait2 },
	{ "CLOSING", become_closing },
	{ "TIME_WAIT", become_time_wait },
	{ "CLOSE_WAIT", become_close_wait },
	{ "LAST_ACK", become_last_ack },
	{ "BOUND", become_bound_datagram },
	{ "BOUND_DEVICE", become_device_datagram },
	{ "BOUND_MAC", become_mac_datagram },
	{ "CONNECTED", become_connected_datagram },
	{ NULL, NULL }
};

static void set_blocking(int fd, bool blocking)
{
	if (fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK))
		die("fcntl");
}

static void say(ssize_t result)
{
	if (result < 0)
		printf(" %s", strerrorname_np(errno));
	else
		printf(" %zd", result);
}

static void call_accept(const struct held *h)
{
	say(accept(h->sock, NULL, NULL));
	set_blocking(h->sock, false);
	say(accept(h->sock, NULL, NULL));
}

static void call_connect(const struct held *h)
{
	socklen_t len = sizeof(int);
	int error;

	say(connect(h->sock, (const struct sockaddr *)&h->remote,
		    sizeof(h->remote)));
	if (getsockopt(h->sock, SOL_SOCKET, SO_ERROR, &error, &len))
		die("SO_ERROR");
	say(error);
}

static void call_recv(const struct held *h)
{
	char buf[10];

	say(recv(h->sock, buf, sizeof(buf), MSG_WAITALL));
	say(recv(h->sock, buf, sizeof(buf), MSG_DONTWAIT));
	say(recv(h->sock, buf, sizeof(buf), MSG_DONTWAIT));
}

/* More than the send buffer and the peer's window hold. */
static void call_send(const struct held *h)
{
	static char data[4 << 20];

	if (send(h->sock, data, sizeof(data), MSG_NOSIGNAL) > 0)
		printf(" some");
	say(send(h->sock, data, 1, MSG_NOSIGNAL));
	say(send(h->sock, data, 1, MSG_NOSIGNAL));
}

static const struct {
	const char *call;
	void (*make)(const struct held *h);
} calls[] = {
	{ "accept", call_accept },
	{ "connect", call_connect },
	{ "recv", call_recv },
	{ "send", call_send },
	{ NULL, NULL }
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / NSEC_PER_MSEC;
}

/* How many sockets have an error, now or before. */
static int look_for_errors(struct held *all, int count, long ms)
{
	socklen_t len = sizeof(int);
	int i, found = 0;

	for (i = 0; i < count; i++) {
		struct held *h = &all[i];

		if (!h->error) {
			if (getsockopt(h->sock, SOL_SOCKET, SO_ERROR,
				       &h->error, &len))
				die("SO_ERROR");
			h->error_ms = ms;
		}
		found += !!h->error;
	}
	return found;
}

static void print_errors(struct held *all, int count, int wanted,
			 long limit_ms)
{
	struct timespec nap = { 0, 10 * NSEC_PER_MSEC };
	long long start = now_ms();
	long ms = 0;
	int i;

	while (look_for_errors(all, count, ms) < wanted && ms < limit_ms) {
		nanosleep(&nap, NULL);
		ms = now_ms() - start;
	}
	for (i = 0; i < count; i++) {
		printf("%s %s %ld\n", all[i].state, all[i].error ?
		       strerrorname_np(all[i].error) : "none",
		       all[i].error_ms);
		all[i].error = 0;
	}
	printf("end\n");
	fflush(stdout);
}

/* Wait until a process either sleeps or has ended. */
static bool is_asleep(pid_t pid)
{
	struct timespec nap = { 0, NSEC_PER_MSEC };
	char path[32], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (;;) {
		file = fopen(path, "r");
		if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			die(path);
		fclose(file);
		if (state == 'S' || state == 'Z')
			return state == 'S';
		nanosleep(&nap, NULL);
	}
}

static void print_asleep(const struct held *all, int count, const char *word)
{
	int i, asleep = 0;

	for (i = 0; i < count; i++) {
		if (all[i].caller)
			asleep += is_asleep(all[i].caller);
	}
	printf("asleep %s %d\n", word, asleep);
	fflush(stdout);
}

static void no_such(const char *what)
{
	fprintf(stderr, "peer: what is %s?\n", what);
	exit(2);
}

/* Make the call in another process, which prints what it gave. */
static void start_call(struct held *h, const char *call)
{
	int i;

	for (i = 0; calls[i].call && strcmp(calls[i].call, call); i++)
		;
	if (!calls[i].call)
		no_such(call);
	set_blocking(h->sock, true);
	fflush(stdout);
	h->caller = fork();
	if (h->caller < 0)
		die("fork");
	if (h->caller)
		return;
	printf("%s", h->state);
	calls[i].make(h);
	printf("\n");
	fflush(stdout);
	_exit(0);
}

static void enter(struct held *h, const char *state)
{
	size_t len = strcspn(state, ":");
	int i;

	for (i = 0; states[i].state; i++) {
		if (strlen(states[i].state) == len &&
		    !memcmp(states[i].state, state, len))
			break;
	}
	if (!states[i].state)
		no_such(state);
	h->state = state;
	states[i].become(h);
	printf("at %s %d %d %llu %llu\n", state, h->port, h->peer_port,
	       h->seq, h->ack);
	if (state[len])
		start_call(h, state + len + 1);
}

static int hold(char **argv)
{
	static struct held all[HELD_MAX];
	int i, wanted, count = 0;
	char line[64], word[32];
	char *state;
	long ms;

	for (state = strtok(argv[0], ","); state && count < HELD_MAX;
	     state = strtok(NULL, ",")) {
		raw_open(&all[count], argv[2], argv[3]);
		open_socket(&all[count], argv[1], count);
		enter(&all[count], state);
		count++;
	}
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "errors %d %ld", &wanted, &ms) == 2)
			print_errors(all, count, wanted, ms);
		else if (sscanf(line, "asleep %31s", word) == 1)
			print_asleep(all, count, word);
	}
	for (i = 0; i < count; i++) {
		if (all[i].caller && !kill(all[i].caller, SIGKILL))
			waitpid(all[i].caller, NULL, 0);
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

static void send_bytes(struct held *h, int fd, long count, int step)
{
	__u32 limit = 0, most = 0;
	long i;

	for (i = 0; i < count; i++) {
		__u8 byte = (h->seq - PEER_ISS) % 251;

		raw_send_from(h, h->seq, ACK, &byte, 1);
		h->seq += step;
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
	struct held h = { .state = argv[0] };
	int fd;

	raw_open(&h, argv[2], argv[3]);
	open_socket(&h, argv[1], 0);
	become_completed(&h);
	while ((fd = accept(h.sock, NULL, NULL)) < 0) {
		if (errno != EAGAIN)
			die("accept");
		nanosleep(&nap, NULL);
	}
	if (!strcmp(argv[0], "holes")) {
		h.seq++;
		send_bytes(&h, fd, atol(argv[4]), 2);
	} else {
		send_bytes(&h, fd, atol(argv[4]), 1);
	}
	read_back(fd);
	return 0;
}

static int refuse(char **argv)
{
	struct held h = { .state = "SYN_SENT" };
	struct pollfd pfd = { .events = POLLOUT };
	socklen_t len = sizeof(h.error);

	if (sscanf(argv[0], "%hhu/%hhu", &h.reason, &h.version) < 1)
		die("no reason");
	raw_open(&h, argv[2], argv[3]);
	open_socket(&h, argv[1], 0);
	start_connecting(&h);
	raw_send(&h, RST | ACK);
	pfd.fd = h.sock;
	if (poll(&pfd, 1, PATIENCE_MS) != 1 ||
	    getsockopt(h.sock, SOL_SOCKET, SO_ERROR, &h.error, &len))
		die("no outcome");
	printf("%s\n", strerrorname_np(h.error));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "hold"))
		return hold(argv + 2);
	if (argc == 7 && !strcmp(argv[1], "flood"))
		return flood(argv + 2);
	if (argc == 6 && !strcmp(argv[1], "refuse"))
		return refuse(argv + 2);
	fprintf(stderr, "usage: peer hold state[:call],... device netns peer-device\n"
		"       peer refuse reason[/version] device netns peer-device\n"
		"       peer flood order|holes device netns peer-device count\n");
	return 2;
}

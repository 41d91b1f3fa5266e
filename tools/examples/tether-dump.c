// SPDX-License-Identifier: GPL-2.0
/*
 * tether-dump: one line for every frame of Tether, live from a device or from
 * a capture file.
 *
 *	tether-dump v1			what passes the device v1 (needs root)
 *	tether-dump -r file.pcap	what "tcpdump -w file.pcap" has seen
 *
 * Read print_frame() for how a frame is laid out.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <linux/tether.h>
#include <linux/types.h>

#define SNAPLEN		(256 * 1024)
#define BUFFER		(64 * 1024 * 1024)
#define FLOWS		1024
#define NSEC_PER_SEC	1000000000LL

enum { TYPE_STREAM = 1, TYPE_SEQPACKET, TYPE_DGRAM, TYPE_ECHO };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8, PSH = 16, MORE = 32, PROBE = 64 };
enum { OPT_MSS = 1, OPT_ACK_DELAY = 2 };

/* The header of a stream; that of a datagram or an echo ends before window. */
struct header {
	__u8	version_type;
	__u8	words;		/* length of the header in words */
	__u8	flags;
	__u8	reason;		/* of an RST */
	__be16	sport, dport;
	__be16	len, check;	/* length of the payload; RFC 1071 sum */
	__be32	window;
	__be32	seq[2], ack[2];
	__be32	ts, ts_echo;	/* microseconds */
};

#define SHORT_LEN	12

struct options {
	bool	absolute;	/* sequence numbers as they are */
	bool	epoch;		/* seconds since 1970 instead of since start */
	bool	verify;		/* look at the checksum */
	bool	stamps;		/* show the timestamps of the header */
	long	count;		/* frames to show, 0 for all */
	int	ethertype;
};

static struct options opt = { .ethertype = ETH_P_TETHER };

/* Where the sequence numbers of one direction of a connection start. */
struct flow {
	__u8	mac[2 * ETH_ALEN];
	__be16	sport, dport;
	__u8	type;
	bool	used;
	__u64	start;
};

static struct flow flows[FLOWS];

static __u64 get64(const __be32 *half)
{
	return (__u64)ntohl(half[0]) << 32 | ntohl(half[1]);
}

/* Find a flow, or give it the place of an unused one. */
static struct flow *find_flow(const __u8 *from, const __u8 *to,
			      __u8 type, __be16 sport, __be16 dport)
{
	struct flow want = { .sport = sport, .dport = dport, .type = type };
	struct flow *flow;

	memcpy(want.mac, from, ETH_ALEN);
	memcpy(want.mac + ETH_ALEN, to, ETH_ALEN);
	for (flow = flows; flow < flows + FLOWS - 1 && flow->used; flow++) {
		if (!memcmp(flow->mac, want.mac, sizeof(want.mac)) &&
		    flow->type == type && flow->sport == sport &&
		    flow->dport == dport)
			return flow;
	}
	*flow = want;
	return flow;
}

/* Sequence numbers count from the SYN, or from the first that was seen. */
static __u64 relative(struct flow *flow, __u64 number, bool syn)
{
	if (opt.absolute)
		return number;
	if (syn || !flow->used)
		flow->start = number;
	flow->used = true;
	return number - flow->start;
}

static void print_address(const __u8 *mac, __be16 port)
{
	printf("%02x:%02x:%02x:%02x:%02x:%02x.%u", mac[0], mac[1], mac[2],
	       mac[3], mac[4], mac[5], ntohs(port));
}

static void print_flags(__u8 type, __u8 flags)
{
	static const char * const names[] = {
		"SYN", "ACK", "FIN", "RST", "PSH", "MORE", "PROBE", "0x80"
	};
	const char *sep = " ";
	unsigned int bit;

	if (type == TYPE_ECHO) {
		printf(" ECHO%s", flags & SYN ? " request" : " reply");
		return;
	}
	if (type == TYPE_DGRAM) {
		printf(" DGRAM");
		return;
	}
	for (bit = 0; bit < 8; bit++) {
		if (flags & 1 << bit) {
			printf("%s%s", sep, names[bit]);
			sep = "+";
		}
	}
	if (!flags)
		printf(" -");
}

static void print_reason(__u8 reason)
{
	static const char * const names[] = {
		[TETHER_REASON_NONE] = "none",
		[TETHER_REASON_NO_LISTENER] = "no listener",
		[TETHER_REASON_NO_CONNECTION] = "no connection",
		[TETHER_REASON_ABORTED] = "aborted",
		[TETHER_REASON_UNREAD] = "unread data",
		[TETHER_REASON_CLOSED] = "closed",
		[TETHER_REASON_LISTENER_CLOSED] = "listener closed",
		[TETHER_REASON_TIMEOUT] = "timeout",
		[TETHER_REASON_ADMIN] = "administrator",
		[TETHER_REASON_DEVICE] = "device gone",
		[TETHER_REASON_PROTOCOL] = "protocol error",
		[TETHER_REASON_VERSION] = "version",
		[TETHER_REASON_OPTION] = "option",
		[TETHER_REASON_MEMORY] = "memory",
	};

	if (reason < TETHER_REASON_MAX)
		printf(" reason (%s)", names[reason]);
	else
		printf(" reason (%u)", reason);
}

/* Options: kind, length in words, value; both together fill whole words. */
static void print_options(const __u8 *data, size_t len)
{
	while (len >= 4) {
		size_t size = data[1] * 4;

		if (!size || size > len) {
			printf(" option %u cut off", data[0]);
			return;
		}
		if (data[0] == OPT_MSS)
			printf(" mss %u", data[2] << 8 | data[3]);
		else if (data[0] == OPT_ACK_DELAY && size >= 8)
			printf(" delay %u", (unsigned int)data[4] << 24 |
			       data[5] << 16 | data[6] << 8 | data[7]);
		else
			printf(" option %u", data[0]);
		data += size;
		len -= size;
	}
}

static __u16 sum(const __u8 *data, size_t len)
{
	__u64 total = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		total += data[i] << 8 | data[i + 1];
	if (len & 1)
		total += data[len - 1] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/*
 * A right sum over everything is all ones. A frame that has not yet left this
 * host may only hold the sum of the first two words: the rest is left to the
 * device, or to nobody if there is no wire.
 */
static void print_verdict(const __u8 *data, size_t len, __be16 check)
{
	if (sum(data, len) == 0xffff)
		printf(" sum right");
	else if (ntohs(check) == sum(data, 8))
		printf(" sum later");
	else
		printf(" sum WRONG");
}

static void print_stream(const struct header *hdr, const __u8 *from,
			 const __u8 *to, size_t words)
{
	__u8 type = hdr->version_type & 15;
	__u64 seq, ack;

	seq = relative(find_flow(from, to, type, hdr->sport, hdr->dport),
		       get64(hdr->seq), hdr->flags & SYN);
	printf(" seq %llu", seq);
	if (hdr->flags & ACK) {
		ack = relative(find_flow(to, from, type, hdr->dport, hdr->sport),
			       get64(hdr->ack), false);
		printf(" ack %llu", ack);
	}
	printf(" win %u len %u", ntohl(hdr->window), ntohs(hdr->len));
	if (hdr->flags & RST)
		print_reason(hdr->reason);
	if (opt.stamps)
		printf(" ts %u echo %u", ntohl(hdr->ts), ntohl(hdr->ts_echo));
	print_options((const __u8 *)(hdr + 1), words * 4 - sizeof(*hdr));
}

/* Print a frame that starts with the Tether header and is len bytes long. */
static void print_frame(const __u8 *data, size_t len, const __u8 *from,
			const __u8 *to)
{
	struct header hdr = { 0 };
	size_t full;

	if (len < SHORT_LEN) {
		printf(" too short: %zu bytes\n", len);
		return;
	}
	memcpy(&hdr, data, len < sizeof(hdr) ? len : sizeof(hdr));
	full = hdr.words * 4 + ntohs(hdr.len);

	putchar(' ');
	print_address(from, hdr.sport);
	printf(" > ");
	print_address(to, hdr.dport);
	if (hdr.version_type >> 4 != 1) {
		printf(" version %u\n", hdr.version_type >> 4);
		return;
	}
	print_flags(hdr.version_type & 15, hdr.flags);
	if (hdr.words * 4 < SHORT_LEN || full > len) {
		printf(" lies: header %u, payload %u, frame %zu bytes\n",
		       hdr.words * 4, ntohs(hdr.len), len);
		return;
	}
	if ((hdr.version_type & 15) < TYPE_DGRAM &&
	    hdr.words * 4 >= (int)sizeof(hdr)) {
		__u8 copy[1024];

		memcpy(copy, data, hdr.words * 4);
		print_stream((struct header *)copy, from, to, hdr.words);
	} else {
		printf(" len %u", ntohs(hdr.len));
	}
	if (opt.verify)
		print_verdict(data, full, hdr.check);
	putchar('\n');
}

/* Returns false once enough frames have been shown. */
static bool show(__s64 when, const __u8 *frame, size_t len)
{
	static __s64 start = -1;
	static long shown;
	size_t head = ETH_HLEN;

	/* A VLAN tag stands between the addresses and the ethertype. */
	while (len >= head && frame[head - 2] == 0x81 && !frame[head - 1])
		head += 4;
	if (len < head || (frame[head - 2] << 8 | frame[head - 1]) !=
	    opt.ethertype)
		return true;
	if (start < 0)
		start = opt.epoch ? 0 : when;
	when -= start;
	printf("%lld.%06lld", when / NSEC_PER_SEC,
	       when % NSEC_PER_SEC / 1000);
	print_frame(frame + head, len - head, frame + ETH_ALEN, frame);
	return ++shown != opt.count;
}

/* A capture file: a header of 24 bytes, then 16 bytes before each frame. */
static int read_file(const char *name)
{
	static __u8 frame[SNAPLEN];
	__u32 head[6], rec[4];
	__s64 unit;
	FILE *file;

	file = strcmp(name, "-") ? fopen(name, "rb") : stdin;
	if (!file) {
		perror(name);
		return 1;
	}
	if (fread(head, sizeof(head), 1, file) != 1 ||
	    (head[0] != 0xa1b2c3d4 && head[0] != 0xa1b23c4d) || head[5] != 1) {
		fprintf(stderr, "%s: not a pcap file of Ethernet frames\n",
			name);
		return 1;
	}
	unit = head[0] == 0xa1b23c4d ? 1 : 1000;
	while (fread(rec, sizeof(rec), 1, file) == 1) {
		if (rec[2] > SNAPLEN || fread(frame, 1, rec[2], file) != rec[2])
			break;
		if (!show(rec[0] * NSEC_PER_SEC + rec[1] * unit, frame, rec[2]))
			break;
	}
	fclose(file);
	return 0;
}

/* All protocols: a socket for just one does not see what this host sends. */
static int open_device(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	int size = BUFFER, on = 1;
	int fd;

	addr.sll_ifindex = if_nametoindex(name);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (!addr.sll_ifindex || fd < 0) {
		perror(name);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		perror(name);
		close(fd);
		return -1;
	}
	return fd;
}

/* Receive and show one frame; false when it was the last. */
static bool receive(int fd)
{
	static __u8 frame[SNAPLEN];
	char control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov = { frame, sizeof(frame) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct timespec when;
	ssize_t len;

	len = recvmsg(fd, &msg, 0);
	if (len < 0 || !CMSG_FIRSTHDR(&msg)) {
		perror("tether-dump");
		return false;
	}
	memcpy(&when, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(when));
	return show(when.tv_sec * NSEC_PER_SEC + when.tv_nsec, frame, len);
}

/* Show what passes until a signal or the wanted count ends it. */
static int watch_device(const char *name)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);
	struct pollfd fds[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fds[0] = (struct pollfd){ open_device(name), POLLIN, 0 };
	fds[1] = (struct pollfd){ signalfd(-1, &set, 0), POLLIN, 0 };
	if (fds[0].fd < 0)
		return 1;
	fprintf(stderr, "tether-dump: watching %s\n", name);
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents & POLLIN) {
			if (!receive(fds[0].fd))
				break;
		} else if (fds[0].revents || fds[1].revents) {
			break;
		}
	}
	if (!getsockopt(fds[0].fd, SOL_PACKET, PACKET_STATISTICS, &stats,
			&size) && stats.tp_drops) {
		fprintf(stderr, "tether-dump: %u frames missed\n",
			stats.tp_drops);
		return 1;
	}
	return 0;
}

static const char usage_text[] =
	"usage: tether-dump [-aekt] [-c count] [-E type] device | -r file\n"
	"  -a  absolute sequence numbers\n"
	"  -e  time since 1970, not since the first frame\n"
	"  -k  check the checksums\n"
	"  -t  show the timestamps in the header\n"
	"  -c  stop after so many frames\n"
	"  -E  ethertype, if it is not 0x88b5\n";

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	int c;

	while ((c = getopt(argc, argv, "aektc:E:r:")) != -1) {
		switch (c) {
		case 'a':
			opt.absolute = true;
			break;
		case 'e':
			opt.epoch = true;
			break;
		case 'k':
			opt.verify = true;
			break;
		case 't':
			opt.stamps = true;
			break;
		case 'c':
			opt.count = atol(optarg);
			break;
		case 'E':
			opt.ethertype = strtol(optarg, NULL, 0);
			break;
		case 'r':
			file = optarg;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != !file)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	return file ? read_file(file) : watch_device(argv[optind]);
}

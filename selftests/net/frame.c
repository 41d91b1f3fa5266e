// SPDX-License-Identifier: GPL-2.0
/* Frames of Tether, built and read without the module's own code. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/tether.h>
#include "frame.h"

#define SHORT_LEN	12
#define LONG_LEN	40
#define RECEIVE_BUFFER	(64 * 1024 * 1024)

static void put16(__u8 *p, __u32 value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static void put32(__u8 *p, __u32 value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static void put64(__u8 *p, __u64 value)
{
	put32(p, value >> 32);
	put32(p + 4, value);
}

static __u32 get16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static __u32 get32(const __u8 *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static __u64 get64(const __u8 *p)
{
	return (__u64)get32(p) << 32 | get32(p + 4);
}

/* RFC 1071, not complemented. */
static __u16 sum(const __u8 *data, size_t len)
{
	__u64 total = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		total += get16(data + i);
	if (len & 1)
		total += data[len - 1] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static size_t header_len(__u8 type)
{
	return type == TYPE_DGRAM || type == TYPE_ECHO ? SHORT_LEN : LONG_LEN;
}

/**
 * frame_init() - a frame of the right version that does not lie
 * @frame: to be set up; everything else is zero
 */
void frame_init(struct frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	frame->version = 1;
	frame->type = TYPE_STREAM;
	frame->words = FRAME_TRUE;
	frame->len = FRAME_TRUE;
	frame->check = FRAME_TRUE;
}

/**
 * frame_build() - lay a frame out, Ethernet header included
 * @frame: what it says
 * @data: where to; FRAME_MAX bytes
 *
 * Return: its length, without padding
 */
size_t frame_build(const struct frame *frame, __u8 *data)
{
	size_t head = header_len(frame->type) + frame->options_len;
	__u8 *p = data + ETH_HLEN;

	memcpy(data, frame->dst, ETH_ALEN);
	memcpy(data + ETH_ALEN, frame->src, ETH_ALEN);
	put16(data + 2 * ETH_ALEN, frame_ethertype());
	memset(p, 0, head);
	p[0] = frame->version << 4 | frame->type;
	p[1] = frame->words == FRAME_TRUE ? (int)head / 4 : frame->words;
	p[2] = frame->flags;
	p[3] = frame->reason;
	put16(p + 4, frame->sport);
	put16(p + 6, frame->dport);
	put16(p + 8, frame->len == FRAME_TRUE ? (int)frame->payload_len :
	      frame->len);
	if (header_len(frame->type) == LONG_LEN) {
		put32(p + 12, frame->window);
		put64(p + 16, frame->seq);
		put64(p + 24, frame->ack);
		put32(p + 32, frame->ts);
		put32(p + 36, frame->ts_echo);
	}
	if (frame->options_len)
		memcpy(p + header_len(frame->type), frame->options,
		       frame->options_len);
	if (frame->payload_len)
		memcpy(p + head, frame->payload, frame->payload_len);
	put16(p + 10, frame->check == FRAME_TRUE ?
	      (__u16)~sum(p, head + frame->payload_len) : frame->check);
	return ETH_HLEN + head + frame->payload_len;
}

/**
 * frame_parse() - read a received frame
 * @frame: what it says; points into @data
 * @data: the frame, from the Ethernet header on
 * @len: its length
 *
 * Return: whether it is a whole frame of Tether
 */
bool frame_parse(struct frame *frame, const __u8 *data, size_t len)
{
	const __u8 *p = data + ETH_HLEN;
	size_t head;

	if (len < ETH_HLEN + SHORT_LEN ||
	    (int)get16(data + 2 * ETH_ALEN) != frame_ethertype())
		return false;
	frame_init(frame);
	memcpy(frame->dst, data, ETH_ALEN);
	memcpy(frame->src, data + ETH_ALEN, ETH_ALEN);
	frame->version = p[0] >> 4;
	frame->type = p[0] & 15;
	frame->flags = p[2];
	frame->reason = p[3];
	frame->sport = get16(p + 4);
	frame->dport = get16(p + 6);
	head = header_len(frame->type);
	if (p[1] * 4 < (int)head || ETH_HLEN + p[1] * 4 + get16(p + 8) > len)
		return false;
	frame->options = p + head;
	frame->options_len = p[1] * 4 - head;
	frame->payload = p + p[1] * 4;
	frame->payload_len = get16(p + 8);
	if (head == LONG_LEN) {
		frame->window = get32(p + 12);
		frame->seq = get64(p + 16);
		frame->ack = get64(p + 24);
		frame->ts = get32(p + 32);
		frame->ts_echo = get32(p + 36);
	}
	return true;
}

/**
 * frame_mac() - read a MAC address
 * @mac: result
 * @text: six numbers in base 16 with colons between them
 *
 * Return: whether it was one
 */
bool frame_mac(__u8 *mac, const char *text)
{
	unsigned int v[6];
	char rest;
	int i;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", v, v + 1, v + 2, v + 3,
		   v + 4, v + 5, &rest) != 6)
		return false;
	for (i = 0; i < 6; i++)
		mac[i] = v[i];
	return true;
}

static int module_parameter(const char *name, int value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/tether/parameters/%s", name);
	file = fopen(path, "r");
	if (!file)
		return value;
	if (fscanf(file, "%i", &value) != 1)
		perror(path);
	fclose(file);
	return value;
}

/**
 * frame_ethertype() - the ethertype that the module uses
 *
 * Return: the number
 */
int frame_ethertype(void)
{
	static int value;

	if (!value)
		value = module_parameter("ethertype", ETH_P_TETHER);
	return value;
}

/**
 * frame_family() - the family number that the module uses
 *
 * Return: the number
 */
int frame_family(void)
{
	static int value;

	if (!value)
		value = module_parameter("family", AF_TETHER);
	return value;
}

/**
 * frame_open() - open a device for frames of Tether
 * @device: its name
 *
 * The socket sees what arrives, for whichever MAC, and not what this host
 * sends.
 *
 * Return: a packet socket, or -1 after a message
 */
int frame_open(const char *device)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	struct packet_mreq mreq = { .mr_type = PACKET_MR_PROMISC };
	int size = RECEIVE_BUFFER;
	int fd;

	addr.sll_protocol = htons(frame_ethertype());
	addr.sll_ifindex = if_nametoindex(device);
	mreq.mr_ifindex = addr.sll_ifindex;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || !addr.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq,
		       sizeof(mreq))) {
		perror(device);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/**
 * frame_receive() - wait for a frame
 * @fd: from frame_open()
 * @data: where to
 * @size: room there
 * @timeout_ms: longest wait
 *
 * Return: the frame's length, or -1 if none came
 */
ssize_t frame_receive(int fd, __u8 *data, size_t size, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return -1;
	return recv(fd, data, size, 0);
}

/**
 * frame_own_mac() - the MAC of a device
 * @device: its name
 * @mac: result
 *
 * Return: 0, or -1 after a message
 */
int frame_own_mac(const char *device, __u8 *mac)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	snprintf(req.ifr_name, IFNAMSIZ, "%s", device);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req)) {
		perror(device);
		return -1;
	}
	memcpy(mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
	return 0;
}

/**
 * frame_tap() - make a device that brings the frames that are written to it
 * @name: its name
 * @flags: IFF_VNET_HDR or IFF_NAPI, or 0
 *
 * Return: its other end, or -1 after a message; the device, which is up, lasts
 * as long as that
 */
int frame_tap(const char *name, int flags)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI | flags };
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	int fd = open("/dev/net/tun", O_RDWR);

	snprintf(req.ifr_name, IFNAMSIZ, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req)) {
		perror("/dev/net/tun");
		return -1;
	}
	req.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &req)) {
		perror(name);
		return -1;
	}
	close(sock);
	return fd;
}

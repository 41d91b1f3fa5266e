// SPDX-License-Identifier: GPL-2.0
/*
 * Send one frame of Tether, right in everything that is not said otherwise.
 *
 *	rawframe DEVICE [KEY=VALUE]...
 *
 * dst, src (MACs), version, type, flags, reason, sport, dport, window, seq,
 * ack, ts, ts_echo: the fields. words, len, check: claim this instead of the
 * truth; check=bad is off by one. options=HEX. payload=N: bytes of it. cut=N:
 * send only so many bytes behind the Ethernet header. pad=N: append so many
 * bytes. times=N: send it so often.
 *
 * super=N: DEVICE is a tap that is made for it, and brings the frame as a
 * super-frame of segments of N bytes, to its own MAC. An Ethernet device would
 * have to be sent one, and the kernel cuts what a program sends.
 */
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/tether.h>
#include <linux/virtio_net.h>
#include "frame.h"

static struct frame frame;
static __u8 options[1024], payload[FRAME_MAX];
static long cut = -1, pad, times = 1, super;
static bool wrong;

static bool read_options(const char *text)
{
	unsigned int byte;
	size_t n;

	for (n = 0; n < sizeof(options) && *text; n++, text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return false;
		options[n] = byte;
	}
	frame.options = options;
	frame.options_len = n;
	return true;
}

static bool set_number(const char *key, __u64 value)
{
	const struct {
		const char	*key;
		void		*field;
		size_t		size;
	} fields[] = {
		{ "version", &frame.version, sizeof(frame.version) },
		{ "type", &frame.type, sizeof(frame.type) },
		{ "flags", &frame.flags, sizeof(frame.flags) },
		{ "reason", &frame.reason, sizeof(frame.reason) },
		{ "sport", &frame.sport, sizeof(frame.sport) },
		{ "dport", &frame.dport, sizeof(frame.dport) },
		{ "window", &frame.window, sizeof(frame.window) },
		{ "seq", &frame.seq, sizeof(frame.seq) },
		{ "ack", &frame.ack, sizeof(frame.ack) },
		{ "ts", &frame.ts, sizeof(frame.ts) },
		{ "ts_echo", &frame.ts_echo, sizeof(frame.ts_echo) },
		{ "words", &frame.words, sizeof(frame.words) },
		{ "len", &frame.len, sizeof(frame.len) },
		{ "check", &frame.check, sizeof(frame.check) },
		{ "payload", &frame.payload_len, sizeof(frame.payload_len) },
		{ "cut", &cut, sizeof(cut) },
		{ "pad", &pad, sizeof(pad) },
		{ "times", &times, sizeof(times) },
		{ "super", &super, sizeof(super) },
		{ NULL, NULL, 0 }
	}, *f;

	/* Only little-endian hosts run this: the low bytes come first. */
	for (f = fields; f->key; f++) {
		if (!strcmp(key, f->key)) {
			memcpy(f->field, &value, f->size);
			return true;
		}
	}
	return false;
}

static bool set(char *arg)
{
	char *value = strchr(arg, '=');
	char *end;
	__u64 number;

	if (!value)
		return false;
	*value++ = 0;
	if (!strcmp(arg, "dst"))
		return frame_mac(frame.dst, value);
	if (!strcmp(arg, "src"))
		return frame_mac(frame.src, value);
	if (!strcmp(arg, "options"))
		return read_options(value);
	if (!strcmp(arg, "check") && !strcmp(value, "bad"))
		return wrong = true;
	number = strtoull(value, &end, 0);
	return !*end && set_number(arg, number);
}

/* A device of our own that takes super-frames from us. */
static int open_tap(const char *name)
{
	int fd = frame_tap(name, IFF_VNET_HDR);

	return fd < 0 || frame_own_mac(name, frame.dst) ? -1 : fd;
}

static bool send_frame(int fd, __u8 *data, size_t len)
{
	struct virtio_net_hdr offload = {
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = super,
	};
	struct iovec iov[] = {
		{ .iov_base = &offload, .iov_len = super ? sizeof(offload) : 0 },
		{ .iov_base = data, .iov_len = len },
	};

	return writev(fd, iov, 2) == (ssize_t)(iov[0].iov_len + len);
}

static size_t build(__u8 *data)
{
	size_t i, len;

	for (i = 0; i < frame.payload_len; i++)
		payload[i] = i;
	frame.payload = payload;
	len = frame_build(&frame, data);
	if (wrong)
		data[ETH_HLEN + 11] ^= 1;
	if (cut >= 0 && ETH_HLEN + (size_t)cut < len)
		len = ETH_HLEN + cut;
	memset(data + len, 0xa5, pad);
	return len + pad;
}

int main(int argc, char **argv)
{
	static __u8 data[2 * FRAME_MAX];
	static const __u8 zero[6];
	size_t len;
	int fd, i;

	frame_init(&frame);
	for (i = 2; i < argc; i++) {
		if (!set(argv[i])) {
			fprintf(stderr, "rawframe: what is %s?\n", argv[i]);
			return 2;
		}
	}
	fd = argc < 2 ? -1 : super ? open_tap(argv[1]) : frame_open(argv[1]);
	if (fd < 0)
		return 2;
	if (!super && !memcmp(frame.src, zero, 6) &&
	    frame_own_mac(argv[1], frame.src))
		return 2;
	len = build(data);
	while (times--) {
		if (!send_frame(fd, data, len)) {
			perror("rawframe: send");
			return 1;
		}
	}
	return 0;
}

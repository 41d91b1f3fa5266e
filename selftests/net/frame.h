/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames of Tether, built and read without the module's own code, so that a
 * mistake there does not cancel itself out.
 */
#ifndef _TETHER_TEST_FRAME_H
#define _TETHER_TEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

enum { TYPE_STREAM = 1, TYPE_SEQPACKET, TYPE_DGRAM, TYPE_ECHO };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8, PSH = 16, MORE = 32, PROBE = 64 };

#define FRAME_MAX	70000	/* a super-frame and its headers */
#define FRAME_TRUE	(-1)	/* a field that does not lie */

/**
 * struct frame - a frame to send, or one that was received
 * @dst: destination MAC
 * @src: source MAC
 * @version: protocol version
 * @type: TYPE_STREAM ...
 * @flags: SYN ...
 * @reason: of an RST
 * @sport: source port
 * @dport: destination port
 * @window: bytes
 * @seq: sequence number
 * @ack: next sequence number expected
 * @ts: timestamp
 * @ts_echo: timestamp echo
 * @options: option words
 * @options_len: bytes of them
 * @payload: payload
 * @payload_len: bytes of it
 * @words: header length to claim, or FRAME_TRUE
 * @len: payload length to claim, or FRAME_TRUE
 * @check: checksum to claim, or FRAME_TRUE
 */
struct frame {
	__u8		dst[6], src[6];
	__u8		version, type, flags, reason;
	__u16		sport, dport;
	__u32		window;
	__u64		seq, ack;
	__u32		ts, ts_echo;
	const __u8	*options;
	size_t		options_len;
	const __u8	*payload;
	size_t		payload_len;
	int		words, len, check;
};

void frame_init(struct frame *frame);
size_t frame_build(const struct frame *frame, __u8 *data);
bool frame_parse(struct frame *frame, const __u8 *data, size_t len);
bool frame_mac(__u8 *mac, const char *text);
int frame_open(const char *device);
ssize_t frame_receive(int fd, __u8 *data, size_t size, int timeout_ms);
int frame_ethertype(void);
int frame_family(void);
int frame_own_mac(const char *device, __u8 *mac);
int frame_tap(const char *name, int flags);

#endif /* _TETHER_TEST_FRAME_H */

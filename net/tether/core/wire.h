/* SPDX-License-Identifier: GPL-2.0 */
/* The frame: its layout on the wire and its parsed form. */
#ifndef _TETHER_CORE_WIRE_H
#define _TETHER_CORE_WIRE_H

#include <linux/skbuff.h>
#include <linux/tether.h>
#include <linux/types.h>

enum tether_type {
	TETHER_TYPE_STREAM	= 1,
	TETHER_TYPE_SEQPACKET	= 2,
	TETHER_TYPE_DGRAM	= 3,
	TETHER_TYPE_ECHO	= 4,
};

/*
 * Flags of a stream segment. An ECHO uses SYN for a request and ACK for the
 * reply; a datagram has none.
 */
enum tether_flag {
	TETHER_SYN	= 0x01,
	TETHER_ACK	= 0x02,
	TETHER_FIN	= 0x04,
	TETHER_RST	= 0x08,
	TETHER_PSH	= 0x10,	/* the sender's queue is empty behind this */
	TETHER_MORE	= 0x20,	/* more follows at once: hold the ACK */
	TETHER_PROBE	= 0x40,	/* answer with an ACK at once */
};

/* Option kinds. A kind with the top bit set must be understood. */
enum tether_option {
	TETHER_OPT_MSS		= 1,	/* u16 in word 0: largest payload */
	TETHER_OPT_ACK_DELAY	= 2,	/* u32 in word 1: microseconds */
	TETHER_OPT_MANDATORY	= 0x80,
};

enum {
	TETHER_VERSION		= 1,
	TETHER_SHORT_LEN	= 12,	/* header of DGRAM and ECHO, bytes */
	TETHER_LONG_LEN		= 40,	/* header of STREAM, no options */
	TETHER_SYN_OPT_LEN	= 12,	/* MSS and ACK_DELAY */
	TETHER_MAX_HEADER	= 1020,	/* 255 words */
	TETHER_CSUM_START	= 8,	/* word 2: payload length, checksum */
	TETHER_CSUM_OFFSET	= 2,	/* of the checksum from there */
	/* 64 KiB skb less Ethernet and Tether header */
	TETHER_MAX_PAYLOAD	= 65535 - 14 - TETHER_LONG_LEN,
	TETHER_MIN_MSS		= 64,
	TETHER_MAX_WINDOW	= 1 << 30,
};

/**
 * struct tether_wire - the header as it is on the wire, big-endian
 * @version_type: version in the high, type in the low four bits
 * @words: header length in 32-bit words, options included
 * @flags: enum tether_flag
 * @reason: enum tether_reason in an RST; otherwise zero
 * @sport: source port
 * @dport: destination port
 * @len: payload length; Ethernet pads short frames, so it is explicit
 * @check: RFC 1071 sum over the header and the payload
 * @window: bytes the sender of this frame can take from @ack on
 * @seq: sequence number of the first payload byte, or of the SYN
 * @ack: next sequence number expected
 * @ts: the sender's clock in microseconds
 * @ts_echo: the latest @ts that @ack's sender has seen in order
 *
 * Words 0 to 2, down to @check, are the same in every version and are the
 * whole header of datagrams and echoes.
 */
struct tether_wire {
	u8	version_type;
	u8	words;
	u8	flags;
	u8	reason;
	__be16	sport;
	__be16	dport;
	__be16	len;
	__sum16	check;
	__be32	window;
	__be32	seq[2];
	__be32	ack[2];
	__be32	ts;
	__be32	ts_echo;
};

/**
 * enum tether_drop - why a frame, or what it carried, was not used
 *
 * Every one has a counter of its own in /proc/net/tether_stat, where
 * tether_drop_name() gives the name.
 * @TETHER_DROP_NONE: used
 * @TETHER_DROP_SHORT: shorter than its header
 * @TETHER_DROP_VERSION: a version other than ours
 * @TETHER_DROP_TYPE: unknown type
 * @TETHER_DROP_HEADER: header length too small for the type
 * @TETHER_DROP_LENGTH: payload length larger than the frame
 * @TETHER_DROP_OPTION: an option is cut off or of the wrong length
 * @TETHER_DROP_MANDATORY: an unknown option that must be understood
 * @TETHER_DROP_FLAGS: a combination of flags that means nothing
 * @TETHER_DROP_CHECKSUM: the sum is wrong
 * @TETHER_DROP_OTHERHOST: for another MAC
 * @TETHER_DROP_GROUP: group source, or group destination of a stream
 * @TETHER_DROP_SELF: our own MAC as source, from a real device
 * @TETHER_DROP_DEVICE: the device does not take part, or is a port
 * @TETHER_DROP_NO_SOCKET: nobody is bound to the port
 * @TETHER_DROP_FILTER: the program's socket filter said no
 * @TETHER_DROP_BACKLOG: the socket's backlog is full
 * @TETHER_DROP_MEMORY: the receive buffer or the system is full
 * @TETHER_DROP_HALF_FULL: the listener's half-open queue is full
 * @TETHER_DROP_ACCEPT_FULL: the listener's completed queue is full
 * @TETHER_DROP_STATE: means nothing in the state of the connection
 * @TETHER_DROP_OLD: only bytes that had already arrived
 * @TETHER_DROP_WINDOW: outside the receive window
 * @TETHER_DROP_ACK: acknowledges what was never sent
 * @TETHER_DROP_RST: an RST whose sequence number does not fit
 * @TETHER_DROP_SYN: a SYN inside a connection
 * @TETHER_DROP_RATE: a reply that the token bucket did not let out
 * @TETHER_DROP_MAX: number of reasons, not a reason
 */
enum tether_drop {
	TETHER_DROP_NONE,
	TETHER_DROP_SHORT,
	TETHER_DROP_VERSION,
	TETHER_DROP_TYPE,
	TETHER_DROP_HEADER,
	TETHER_DROP_LENGTH,
	TETHER_DROP_OPTION,
	TETHER_DROP_MANDATORY,
	TETHER_DROP_FLAGS,
	TETHER_DROP_CHECKSUM,
	TETHER_DROP_OTHERHOST,
	TETHER_DROP_GROUP,
	TETHER_DROP_SELF,
	TETHER_DROP_DEVICE,
	TETHER_DROP_NO_SOCKET,
	TETHER_DROP_FILTER,
	TETHER_DROP_BACKLOG,
	TETHER_DROP_MEMORY,
	TETHER_DROP_HALF_FULL,
	TETHER_DROP_ACCEPT_FULL,
	TETHER_DROP_STATE,
	TETHER_DROP_OLD,
	TETHER_DROP_WINDOW,
	TETHER_DROP_ACK,
	TETHER_DROP_RST,
	TETHER_DROP_SYN,
	TETHER_DROP_RATE,
	TETHER_DROP_MAX
};

/**
 * struct tether_segment - a header in host order
 * @seq: sequence number
 * @ack: acknowledgment number; meaningful with TETHER_ACK
 * @window: bytes, clamped to TETHER_MAX_WINDOW
 * @ts: timestamp
 * @ts_echo: timestamp echo, 0 for none
 * @ack_delay: largest ACK delay of the sender in microseconds
 * @sport: source port
 * @dport: destination port
 * @len: payload bytes
 * @mss: largest payload the sender can receive; 0 if it did not say
 * @header_len: bytes of the header with options
 * @version: protocol version
 * @type: enum tether_type
 * @flags: enum tether_flag
 * @reason: enum tether_reason
 * @has_ack_delay: @ack_delay was given
 * @drop: enum tether_drop, set by whoever does not use the segment
 */
struct tether_segment {
	u64	seq;
	u64	ack;
	u32	window;
	u32	ts;
	u32	ts_echo;
	u32	ack_delay;
	u16	sport;
	u16	dport;
	u16	len;
	u16	mss;
	u16	header_len;
	u8	version;
	u8	type;
	u8	flags;
	u8	reason;
	bool	has_ack_delay;
	u8	drop;
};

/**
 * struct tether_frame - a frame to send, as a value
 * @seg: its header; @seg.len bytes of payload follow
 * @skb: queued skb that holds the first payload byte; the range may run on
 *	into the skbs behind it in the same queue
 * @offset: where in @skb the payload begins
 * @retransmit: bytes that were sent before
 */
struct tether_frame {
	struct tether_segment	seg;
	struct sk_buff		*skb;
	u32			offset;
	bool			retransmit;
};

/* 64-bit sequence numbers compare like TCP's: by signed difference. */
static inline bool tether_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static inline bool tether_after(u64 a, u64 b)
{
	return (s64)(a - b) > 0;
}

/* Sequence space that a segment covers: its payload, a SYN and a FIN. */
static inline u64 tether_segment_end(const struct tether_segment *seg)
{
	return seg->seq + seg->len + !!(seg->flags & TETHER_SYN) +
	       !!(seg->flags & TETHER_FIN);
}

unsigned int tether_wire_header_len(const void *data, unsigned int len);
enum tether_drop tether_wire_parse(struct tether_segment *seg,
				   const void *data, unsigned int len);
unsigned int tether_wire_build(void *data, const struct tether_segment *seg);
u32 tether_wire_sum(const void *data, unsigned int len, u32 sum);
u16 tether_wire_fold(u32 sum);
bool tether_wire_reset(struct tether_segment *rst,
		       const struct tether_segment *seg,
		       enum tether_reason reason);
const char *tether_drop_name(enum tether_drop drop);
const char *tether_reason_name(enum tether_reason reason);

#endif /* _TETHER_CORE_WIRE_H */

// SPDX-License-Identifier: GPL-2.0
/* The frame: building, parsing and checking its header. */

#include <linux/kernel.h>
#include <linux/string.h>
#include "wire.h"

/* Flags that an RST, or a SYN, may be combined with. */
#define RST_FLAGS	(TETHER_RST | TETHER_ACK)
#define SYN_FLAGS	(TETHER_SYN | TETHER_ACK)

/* Long headers are those of the types that have sequence numbers. */
static bool type_is_long(u8 type)
{
	return type == TETHER_TYPE_STREAM || type == TETHER_TYPE_SEQPACKET;
}

/**
 * tether_wire_header_len() - bytes that the header of a frame claims to have
 * @data: start of the frame
 * @len: bytes there, at least TETHER_SHORT_LEN
 *
 * For the caller that has to make the header linear before
 * tether_wire_parse().
 *
 * Return: TETHER_SHORT_LEN to TETHER_MAX_HEADER; TETHER_SHORT_LEN for a header
 * that tether_wire_parse() will refuse for its length.
 */
unsigned int tether_wire_header_len(const void *data, unsigned int len)
{
	const struct tether_wire *wire = data;
	unsigned int header = wire->words * 4;

	return header < TETHER_SHORT_LEN || header > len ?
	       TETHER_SHORT_LEN : header;
}

/* One option; @room is what is left of the header from it on, in bytes. */
static enum tether_drop parse_option(struct tether_segment *seg,
				     const u8 *opt, unsigned int room)
{
	unsigned int len = opt[1] * 4;

	if (!len || len > room)
		return TETHER_DROP_OPTION;

	switch (opt[0]) {
	case TETHER_OPT_MSS:
		if (len != 4)
			return TETHER_DROP_OPTION;
		seg->mss = opt[2] << 8 | opt[3];
		return TETHER_DROP_NONE;
	case TETHER_OPT_ACK_DELAY:
		if (len != 8)
			return TETHER_DROP_OPTION;
		seg->ack_delay = (u32)opt[4] << 24 | opt[5] << 16 |
				 opt[6] << 8 | opt[7];
		seg->has_ack_delay = true;
		return TETHER_DROP_NONE;
	default:
		return opt[0] & TETHER_OPT_MANDATORY ?
		       TETHER_DROP_MANDATORY : TETHER_DROP_NONE;
	}
}

static enum tether_drop parse_options(struct tether_segment *seg,
				      const u8 *opt, unsigned int room)
{
	enum tether_drop drop = TETHER_DROP_NONE;

	while (room && !drop) {
		drop = parse_option(seg, opt, room);
		room -= min_t(unsigned int, room, opt[1] * 4);
		opt += opt[1] * 4;
	}
	return drop;
}

/*
 * Combinations that no state can make sense of. The payload of an RST is for
 * people and tools: with reason 'version' it lists the versions spoken.
 */
static bool flags_are_valid(const struct tether_segment *seg)
{
	if (seg->flags & TETHER_RST)
		return !(seg->flags & ~RST_FLAGS);
	if (seg->flags & TETHER_SYN)
		return !(seg->flags & ~SYN_FLAGS) && !seg->len;
	return seg->flags & TETHER_ACK;
}

static void parse_long(struct tether_segment *seg,
		       const struct tether_wire *wire)
{
	seg->window = min_t(u32, be32_to_cpu(wire->window), TETHER_MAX_WINDOW);
	seg->seq = (u64)be32_to_cpu(wire->seq[0]) << 32 |
		   be32_to_cpu(wire->seq[1]);
	seg->ack = (u64)be32_to_cpu(wire->ack[0]) << 32 |
		   be32_to_cpu(wire->ack[1]);
	seg->ts = be32_to_cpu(wire->ts);
	seg->ts_echo = be32_to_cpu(wire->ts_echo);
}

/**
 * tether_wire_parse() - read and check a header
 * @seg: filled in, as far as the header could be read
 * @data: the frame from its first header byte on; the bytes of
 *	tether_wire_header_len() must be readable
 * @len: length of the frame, which Ethernet may have padded
 *
 * Does not look at the checksum. After TETHER_DROP_MANDATORY the fixed header
 * is filled in, so that a SYN can be refused with an RST; after
 * TETHER_DROP_VERSION so are words 0 to 2.
 *
 * Return: TETHER_DROP_NONE, or why the frame is to be dropped.
 */
enum tether_drop tether_wire_parse(struct tether_segment *seg,
				   const void *data, unsigned int len)
{
	const struct tether_wire *wire = data;
	unsigned int least;

	memset(seg, 0, sizeof(*seg));
	if (len < TETHER_SHORT_LEN)
		return TETHER_DROP_SHORT;

	seg->version = wire->version_type >> 4;
	seg->type = wire->version_type & 15;
	seg->header_len = wire->words * 4;
	seg->flags = wire->flags;
	seg->reason = wire->reason;
	seg->sport = be16_to_cpu(wire->sport);
	seg->dport = be16_to_cpu(wire->dport);
	seg->len = be16_to_cpu(wire->len);
	if (seg->header_len < TETHER_SHORT_LEN)
		return TETHER_DROP_HEADER;
	if (seg->header_len > len)
		return TETHER_DROP_SHORT;
	if (seg->len > len - seg->header_len)
		return TETHER_DROP_LENGTH;
	if (seg->version != TETHER_VERSION)
		return TETHER_DROP_VERSION;
	if (seg->type < TETHER_TYPE_STREAM || seg->type > TETHER_TYPE_ECHO)
		return TETHER_DROP_TYPE;

	least = type_is_long(seg->type) ? TETHER_LONG_LEN : TETHER_SHORT_LEN;
	if (seg->header_len < least)
		return TETHER_DROP_HEADER;
	if (type_is_long(seg->type)) {
		parse_long(seg, wire);
		if (!flags_are_valid(seg))
			return TETHER_DROP_FLAGS;
	}
	return parse_options(seg, (const u8 *)data + least,
			     seg->header_len - least);
}

static u8 *put_be32(u8 *p, u32 value)
{
	*p++ = value >> 24;
	*p++ = value >> 16;
	*p++ = value >> 8;
	*p++ = value;
	return p;
}

static unsigned int build_options(u8 *start, const struct tether_segment *seg)
{
	u8 *p = start;

	if (seg->mss)
		p = put_be32(p, TETHER_OPT_MSS << 24 | 1 << 16 | seg->mss);
	if (seg->has_ack_delay) {
		p = put_be32(p, TETHER_OPT_ACK_DELAY << 24 | 2 << 16);
		p = put_be32(p, seg->ack_delay);
	}
	return p - start;
}

/**
 * tether_wire_build() - write a header
 * @data: room for TETHER_LONG_LEN + TETHER_SYN_OPT_LEN bytes
 * @seg: what to write; @seg.len bytes of payload are to follow
 *
 * The checksum field is left as CHECKSUM_PARTIAL wants it: the folded sum of
 * words 0 and 1. Whoever sums from word 2 to the end of the payload and stores
 * the complement of the result there completes it.
 *
 * Return: length of the header in bytes.
 */
unsigned int tether_wire_build(void *data, const struct tether_segment *seg)
{
	unsigned int len = TETHER_SHORT_LEN;
	struct tether_wire *wire = data;
	u16 seed;

	wire->version_type = seg->version << 4 | seg->type;
	wire->flags = seg->flags;
	wire->reason = seg->reason;
	wire->sport = cpu_to_be16(seg->sport);
	wire->dport = cpu_to_be16(seg->dport);
	wire->len = cpu_to_be16(seg->len);
	if (type_is_long(seg->type)) {
		wire->window = cpu_to_be32(seg->window);
		wire->seq[0] = cpu_to_be32(seg->seq >> 32);
		wire->seq[1] = cpu_to_be32((u32)seg->seq);
		wire->ack[0] = cpu_to_be32(seg->ack >> 32);
		wire->ack[1] = cpu_to_be32((u32)seg->ack);
		wire->ts = cpu_to_be32(seg->ts);
		wire->ts_echo = cpu_to_be32(seg->ts_echo);
		len = TETHER_LONG_LEN;
		len += build_options((u8 *)data + len, seg);
	}
	wire->words = len / 4;
	seed = tether_wire_fold(tether_wire_sum(data, TETHER_CSUM_START, 0));
	wire->check = (__force __sum16)cpu_to_be16(seed);
	return len;
}

/**
 * tether_wire_sum() - ones' complement sum of big-endian words (RFC 1071)
 * @data: bytes
 * @len: how many; an odd last byte counts as the high half of a word
 * @sum: sum so far, of an even number of bytes
 *
 * Return: the sum, to be folded by tether_wire_fold().
 */
u32 tether_wire_sum(const void *data, unsigned int len, u32 sum)
{
	const u8 *p = data;
	u64 wide = sum;

	for (; len > 1; len -= 2, p += 2)
		wide += p[0] << 8 | p[1];
	if (len)
		wide += p[0] << 8;
	while (wide >> 32)
		wide = (wide & U32_MAX) + (wide >> 32);
	return wide;
}

/**
 * tether_wire_fold() - 32-bit sum to 16 bits
 * @sum: as tether_wire_sum() returns it
 *
 * A frame is intact if the folded sum over all its header and payload is
 * 0xffff.
 *
 * Return: the folded sum, not complemented.
 */
u16 tether_wire_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/**
 * tether_wire_reset() - the RST that answers a segment of no connection
 * @rst: the answer
 * @seg: the segment
 * @reason: why
 *
 * RFC 9293 section 3.10.7.1: an acknowledging segment is reset at the number
 * that it acknowledges, any other by acknowledging all that it holds.
 *
 * Return: false if nothing must be sent, because @seg is an RST itself.
 */
bool tether_wire_reset(struct tether_segment *rst,
		       const struct tether_segment *seg,
		       enum tether_reason reason)
{
	if (seg->flags & TETHER_RST)
		return false;

	memset(rst, 0, sizeof(*rst));
	rst->version = TETHER_VERSION;
	rst->type = seg->type;
	rst->flags = TETHER_RST;
	rst->reason = reason;
	rst->sport = seg->dport;
	rst->dport = seg->sport;
	rst->ts_echo = seg->ts;
	if (seg->flags & TETHER_ACK) {
		rst->seq = seg->ack;
	} else {
		rst->flags |= TETHER_ACK;
		rst->ack = tether_segment_end(seg);
	}
	return true;
}

/**
 * tether_drop_name() - name of a drop reason in counters and traces
 * @drop: the reason
 *
 * Return: a constant string of lower-case letters and '_'.
 */
const char *tether_drop_name(enum tether_drop drop)
{
	static const char * const names[TETHER_DROP_MAX] = {
		[TETHER_DROP_NONE]	 = "none",
		[TETHER_DROP_SHORT]	 = "short",
		[TETHER_DROP_VERSION]	 = "version",
		[TETHER_DROP_TYPE]	 = "type",
		[TETHER_DROP_HEADER]	 = "header",
		[TETHER_DROP_LENGTH]	 = "length",
		[TETHER_DROP_OPTION]	 = "option",
		[TETHER_DROP_MANDATORY]	 = "mandatory",
		[TETHER_DROP_FLAGS]	 = "flags",
		[TETHER_DROP_CHECKSUM]	 = "checksum",
		[TETHER_DROP_OTHERHOST]	 = "otherhost",
		[TETHER_DROP_GROUP]	 = "group",
		[TETHER_DROP_SELF]	 = "self",
		[TETHER_DROP_DEVICE]	 = "device",
		[TETHER_DROP_NO_SOCKET]	 = "no_socket",
		[TETHER_DROP_FILTER]	 = "filter",
		[TETHER_DROP_BACKLOG]	 = "backlog",
		[TETHER_DROP_MEMORY]	 = "memory",
		[TETHER_DROP_HALF_FULL]	 = "half_full",
		[TETHER_DROP_ACCEPT_FULL] = "accept_full",
		[TETHER_DROP_STATE]	 = "state",
		[TETHER_DROP_OLD]	 = "old",
		[TETHER_DROP_WINDOW]	 = "window",
		[TETHER_DROP_ACK]	 = "ack",
		[TETHER_DROP_RST]	 = "rst",
		[TETHER_DROP_SYN]	 = "syn",
		[TETHER_DROP_RATE]	 = "rate",
	};

	return drop < TETHER_DROP_MAX ? names[drop] : "unknown";
}

/**
 * tether_reason_name() - name of a reset reason in counters and traces
 * @reason: the reason
 *
 * Return: a constant string of lower-case letters and '_'.
 */
const char *tether_reason_name(enum tether_reason reason)
{
	static const char * const names[TETHER_REASON_MAX] = {
		[TETHER_REASON_NONE]		= "none",
		[TETHER_REASON_NO_LISTENER]	= "no_listener",
		[TETHER_REASON_NO_CONNECTION]	= "no_connection",
		[TETHER_REASON_ABORTED]		= "aborted",
		[TETHER_REASON_UNREAD]		= "unread",
		[TETHER_REASON_CLOSED]		= "closed",
		[TETHER_REASON_LISTENER_CLOSED]	= "listener_closed",
		[TETHER_REASON_TIMEOUT]		= "timeout",
		[TETHER_REASON_ADMIN]		= "admin",
		[TETHER_REASON_DEVICE]		= "device",
		[TETHER_REASON_PROTOCOL]	= "protocol",
		[TETHER_REASON_VERSION]		= "version",
		[TETHER_REASON_OPTION]		= "option",
		[TETHER_REASON_MEMORY]		= "memory",
	};

	return reason < TETHER_REASON_MAX ? names[reason] : "unknown";
}

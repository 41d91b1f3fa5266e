// SPDX-License-Identifier: GPL-2.0
/* The header: what is built is parsed, and nothing wrong is accepted. */
#include <asm/unaligned.h>
#include "kselftest_harness.h"
#include "unit.h"
#include "wire.h"

#define ROOM	2048

FIXTURE(wire) {
	struct tether_segment seg;
	struct tether_segment out;
	u8 data[ROOM] __aligned(8);
	unsigned int len;
};

/* A data segment of 100 bytes with a number in every field. */
FIXTURE_SETUP(wire)
{
	self->seg = (struct tether_segment){
		.seq = 0x0123456789abcdefULL,
		.ack = 0xfedcba9876543210ULL,
		.window = 0x00f0e0d0,
		.ts = 0x11223344,
		.ts_echo = 0x55667788,
		.sport = 0xa1a2,
		.dport = 0xb1b2,
		.len = 100,
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_STREAM,
		.flags = TETHER_ACK | TETHER_PSH,
	};
	self->len = tether_wire_build(self->data, &self->seg);
	memset(self->data + self->len, 0x5a, ROOM - self->len);
	self->len += self->seg.len;
}

FIXTURE_TEARDOWN(wire)
{
	UNIT_NO_LEAK();
}

/* Complete the sum as the sender's device does. */
static void finish_sum(u8 *data, unsigned int len)
{
	u32 sum = tether_wire_sum(data + TETHER_CSUM_START,
				  len - TETHER_CSUM_START, 0);

	put_unaligned_be16(~tether_wire_fold(sum), data + TETHER_CSUM_START +
			   TETHER_CSUM_OFFSET);
}

static bool sum_is_right(const u8 *data, unsigned int len)
{
	return tether_wire_fold(tether_wire_sum(data, len, 0)) == 0xffff;
}

/* The segment with options behind the fixed header; no payload. */
static unsigned int with_options(u8 *data, struct tether_segment *seg,
				 const u8 *options, unsigned int len)
{
	unsigned int header;

	seg->len = 0;
	header = tether_wire_build(data, seg);
	memcpy(data + header, options, len);
	data[1] = (header + len) / 4;
	return header + len;
}

TEST_F(wire, build__layout)
{
	static const u8 want[40] = {
		0x11, 10, TETHER_ACK | TETHER_PSH, 0, 0xa1, 0xa2, 0xb1, 0xb2,
		0, 100, 0, 0, 0x00, 0xf0, 0xe0, 0xd0,
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
		0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
	};

	self->data[10] = 0;
	self->data[11] = 0;
	EXPECT_EQ(0, memcmp(want, self->data, sizeof(want)));
	EXPECT_EQ(40, sizeof(struct tether_wire));
}

TEST_F(wire, build__partial_sum)
{
	/* 0x110a + 0x1200 + 0xa1a2 + 0xb1b2 = 0x1765e, folded 0x765f */
	EXPECT_EQ(0x765f, get_unaligned_be16(self->data + 10));
}

TEST_F(wire, build__syn_options)
{
	self->seg.flags = TETHER_SYN;
	self->seg.len = 0;
	self->seg.mss = 1460;
	self->seg.has_ack_delay = true;
	self->seg.ack_delay = 5000;
	self->len = tether_wire_build(self->data, &self->seg);
	EXPECT_EQ(TETHER_LONG_LEN + TETHER_SYN_OPT_LEN, self->len);
	ASSERT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, self->len));
	EXPECT_EQ(1460, self->out.mss);
	EXPECT_TRUE(self->out.has_ack_delay);
	EXPECT_EQ(5000, self->out.ack_delay);
	EXPECT_EQ(self->len, self->out.header_len);
}

TEST_F(wire, build__datagram)
{
	self->seg.type = TETHER_TYPE_DGRAM;
	self->seg.flags = 0;
	EXPECT_EQ(TETHER_SHORT_LEN, tether_wire_build(self->data, &self->seg));
	EXPECT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, 112));
	EXPECT_EQ(100, self->out.len);
	EXPECT_EQ(0xa1a2, self->out.sport);
	EXPECT_EQ(0xb1b2, self->out.dport);
}

TEST_F(wire, parse__round_trip)
{
	ASSERT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, self->len));
	EXPECT_EQ(self->seg.seq, self->out.seq);
	EXPECT_EQ(self->seg.ack, self->out.ack);
	EXPECT_EQ(self->seg.window, self->out.window);
	EXPECT_EQ(self->seg.ts, self->out.ts);
	EXPECT_EQ(self->seg.ts_echo, self->out.ts_echo);
	EXPECT_EQ(self->seg.sport, self->out.sport);
	EXPECT_EQ(self->seg.dport, self->out.dport);
	EXPECT_EQ(self->seg.len, self->out.len);
	EXPECT_EQ(self->seg.version, self->out.version);
	EXPECT_EQ(self->seg.type, self->out.type);
	EXPECT_EQ(self->seg.flags, self->out.flags);
	EXPECT_EQ(TETHER_LONG_LEN, self->out.header_len);
	EXPECT_EQ(0, self->out.mss);
	EXPECT_FALSE(self->out.has_ack_delay);
}

/* Cut off anywhere: exactly so many bytes are readable, ASan looks. */
TEST_F(wire, parse__short)
{
	unsigned int len;
	u8 *copy;

	for (len = 0; len < self->len; len++) {
		copy = malloc(len);
		memcpy(copy, self->data, len);
		EXPECT_EQ(len < TETHER_LONG_LEN ? TETHER_DROP_SHORT :
						  TETHER_DROP_LENGTH,
			  tether_wire_parse(&self->out, copy, len));
		free(copy);
	}
}

TEST_F(wire, parse__padded)
{
	EXPECT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, self->len + 46));
	EXPECT_EQ(100, self->out.len);
}

TEST_F(wire, parse__length_lies)
{
	put_unaligned_be16(101, self->data + 8);
	EXPECT_EQ(TETHER_DROP_LENGTH,
		  tether_wire_parse(&self->out, self->data, self->len));
	put_unaligned_be16(0xffff, self->data + 8);
	EXPECT_EQ(TETHER_DROP_LENGTH,
		  tether_wire_parse(&self->out, self->data, self->len));
	put_unaligned_be16(99, self->data + 8);
	EXPECT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, self->len));
}

TEST_F(wire, parse__header_too_small)
{
	unsigned int words;

	for (words = 0; words < TETHER_LONG_LEN / 4; words++) {
		self->data[1] = words;
		EXPECT_EQ(TETHER_DROP_HEADER,
			  tether_wire_parse(&self->out, self->data, self->len));
	}
}

TEST_F(wire, parse__header_past_end)
{
	self->data[1] = self->len / 4 + 1;
	EXPECT_EQ(TETHER_DROP_SHORT,
		  tether_wire_parse(&self->out, self->data, self->len));
	self->data[1] = 255;
	EXPECT_EQ(TETHER_DROP_SHORT,
		  tether_wire_parse(&self->out, self->data, self->len));
}

/* Words 0 to 2 are readable whatever the version is. */
TEST_F(wire, parse__version)
{
	unsigned int version;

	for (version = 0; version < 16; version++) {
		if (version == TETHER_VERSION)
			continue;
		self->data[0] = version << 4 | TETHER_TYPE_STREAM;
		EXPECT_EQ(TETHER_DROP_VERSION,
			  tether_wire_parse(&self->out, self->data, self->len));
		EXPECT_EQ(version, self->out.version);
		EXPECT_EQ(0xa1a2, self->out.sport);
		EXPECT_EQ(0xb1b2, self->out.dport);
	}
}

TEST_F(wire, parse__type)
{
	unsigned int type;

	for (type = 0; type < 16; type++) {
		self->data[0] = TETHER_VERSION << 4 | type;
		EXPECT_EQ(type >= TETHER_TYPE_STREAM &&
			  type <= TETHER_TYPE_SEQPACKET ? TETHER_DROP_NONE :
			  type == TETHER_TYPE_DGRAM ||
			  type == TETHER_TYPE_ECHO ? TETHER_DROP_OPTION :
						     TETHER_DROP_TYPE,
			  tether_wire_parse(&self->out, self->data, self->len))
			TH_LOG("type %u", type);
	}
}

TEST_F(wire, parse__window_is_clamped)
{
	put_unaligned_be32(0xffffffff, self->data + 12);
	EXPECT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, self->len));
	EXPECT_EQ(1U << 30, self->out.window);
}

/* Every combination of flags, with and without payload (a RST may explain). */
TEST_F(wire, parse__flags)
{
	unsigned int flags;
	bool good;

	for (flags = 0; flags < 256; flags++) {
		if (flags & TETHER_RST || flags & TETHER_SYN)
			good = flags == TETHER_RST || flags == TETHER_SYN ||
			       flags == (TETHER_RST | TETHER_ACK) ||
			       flags == (TETHER_SYN | TETHER_ACK);
		else
			good = flags & TETHER_ACK;
		if (flags & 0x80)
			continue;
		self->data[2] = flags;
		put_unaligned_be16(0, self->data + 8);
		EXPECT_EQ(good ? TETHER_DROP_NONE : TETHER_DROP_FLAGS,
			  tether_wire_parse(&self->out, self->data, self->len))
			TH_LOG("flags %x", flags);
		if (flags & TETHER_SYN)
			good = false;
		put_unaligned_be16(1, self->data + 8);
		EXPECT_EQ(good ? TETHER_DROP_NONE : TETHER_DROP_FLAGS,
			  tether_wire_parse(&self->out, self->data, self->len))
			TH_LOG("flags %x and a byte", flags);
	}
}

TEST_F(wire, parse__option_unknown_is_skipped)
{
	static const u8 options[] = {
		0x7f, 2, 1, 2, 3, 4, 5, 6, TETHER_OPT_MSS, 1, 4, 0,
	};

	self->len = with_options(self->data, &self->seg, options,
				 sizeof(options));
	EXPECT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data, self->len));
	EXPECT_EQ(1024, self->out.mss);
}

TEST_F(wire, parse__option_mandatory)
{
	static const u8 options[] = { 0xff, 1, 0, 0, TETHER_OPT_MSS, 1, 4, 0 };

	self->seg.flags = TETHER_SYN;
	self->len = with_options(self->data, &self->seg, options,
				 sizeof(options));
	EXPECT_EQ(TETHER_DROP_MANDATORY,
		  tether_wire_parse(&self->out, self->data, self->len));
	EXPECT_EQ(TETHER_SYN, self->out.flags);
	EXPECT_EQ(self->seg.seq, self->out.seq);
}

FIXTURE(options) {
};

FIXTURE_SETUP(options)
{
}

FIXTURE_TEARDOWN(options)
{
}

/* Options that are cut off or have a wrong length. */
FIXTURE_VARIANT(options) {
	u8 bytes[12];
	unsigned int len;
};

FIXTURE_VARIANT_ADD(options, zero_length) {
	.bytes = { 5, 0, 0, 0 }, .len = 4,
};

FIXTURE_VARIANT_ADD(options, mss_zero_length) {
	.bytes = { TETHER_OPT_MSS, 0, 4, 0 }, .len = 4,
};

FIXTURE_VARIANT_ADD(options, mss_too_long) {
	.bytes = { TETHER_OPT_MSS, 2, 4, 0, 0, 0, 0, 0 }, .len = 8,
};

FIXTURE_VARIANT_ADD(options, mss_past_end) {
	.bytes = { TETHER_OPT_MSS, 2, 4, 0 }, .len = 4,
};

FIXTURE_VARIANT_ADD(options, delay_too_short) {
	.bytes = { TETHER_OPT_ACK_DELAY, 1, 0, 0 }, .len = 4,
};

FIXTURE_VARIANT_ADD(options, delay_past_end) {
	.bytes = { TETHER_OPT_ACK_DELAY, 2, 0, 0 }, .len = 4,
};

FIXTURE_VARIANT_ADD(options, delay_too_long) {
	.bytes = { TETHER_OPT_ACK_DELAY, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	.len = 12,
};

FIXTURE_VARIANT_ADD(options, unknown_past_end) {
	.bytes = { 77, 255, 0, 0 }, .len = 4,
};

FIXTURE_VARIANT_ADD(options, second_past_end) {
	.bytes = { TETHER_OPT_MSS, 1, 4, 0, 77, 2, 0, 0 }, .len = 8,
};

FIXTURE_VARIANT_ADD(options, mandatory_zero_length) {
	.bytes = { 0x81, 0, 0, 0 }, .len = 4,
};

TEST_F(options, parse__malformed)
{
	struct tether_segment seg = {
		.version = TETHER_VERSION,
		.type = TETHER_TYPE_STREAM,
		.flags = TETHER_SYN,
	};
	struct tether_segment out;
	u8 buf[64] __aligned(8);
	unsigned int len;
	u8 *copy;

	len = with_options(buf, &seg, variant->bytes, variant->len);
	copy = malloc(len);
	memcpy(copy, buf, len);
	EXPECT_EQ(TETHER_DROP_OPTION, tether_wire_parse(&out, copy, len));
	free(copy);
}

/* Any bytes as options: never a read past the header, and an end. */
TEST_F(wire, parse__random_options)
{
	u8 *copy = malloc(TETHER_LONG_LEN + 64);
	unsigned int i, j, len;
	u32 random = 1;

	self->seg.len = 0;
	for (i = 0; i < 20000; i++) {
		len = tether_wire_build(copy, &self->seg);
		for (j = len; j < len + 64; j++) {
			random = random * 1664525 + 1013904223;
			copy[j] = random >> (random & 1 ? 30 : 24);
		}
		copy[1] = (len + 64) / 4;
		tether_wire_parse(&self->out, copy, len + 64);
	}
	free(copy);
}

TEST_F(wire, header_len__claims)
{
	EXPECT_EQ(40, tether_wire_header_len(self->data, self->len));
	self->data[1] = 12;
	EXPECT_EQ(48, tether_wire_header_len(self->data, self->len));
	EXPECT_EQ(TETHER_SHORT_LEN, tether_wire_header_len(self->data, 47));
	self->data[1] = 0;
	EXPECT_EQ(TETHER_SHORT_LEN, tether_wire_header_len(self->data, 140));
	self->data[1] = 255;
	EXPECT_EQ(TETHER_SHORT_LEN, tether_wire_header_len(self->data, 140));
	EXPECT_EQ(1020, tether_wire_header_len(self->data, 1020));
}

/* RFC 1071 section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
TEST(wire_sum__rfc1071)
{
	static const u8 data[] = { 0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7 };

	EXPECT_EQ(0xddf2, tether_wire_fold(tether_wire_sum(data, 8, 0)));
}

TEST(wire_sum__odd_length)
{
	static const u8 data[] = { 0x12, 0x34, 0x56 };

	EXPECT_EQ(0x6834, tether_wire_fold(tether_wire_sum(data, 3, 0)));
	EXPECT_EQ(0, tether_wire_fold(tether_wire_sum(data, 0, 0)));
}

TEST(wire_sum__in_parts)
{
	u8 data[64];
	unsigned int i;
	u32 whole, sum;

	for (i = 0; i < sizeof(data); i++)
		data[i] = 251 * i + 17;
	whole = tether_wire_fold(tether_wire_sum(data, 64, 0));
	for (i = 0; i <= 64; i += 2) {
		sum = tether_wire_sum(data, i, 0);
		sum = tether_wire_sum(data + i, 64 - i, sum);
		EXPECT_EQ(whole, tether_wire_fold(sum));
	}
}

TEST(wire_sum__largest_frame)
{
	static u8 data[65536];

	memset(data, 0xff, sizeof(data));
	EXPECT_EQ(0xffff, tether_wire_fold(tether_wire_sum(data, 65536, 0)));
}

TEST(wire_fold__carries)
{
	EXPECT_EQ(0xffff, tether_wire_fold(0xffffffff));
	EXPECT_EQ(1, tether_wire_fold(0x00010000));
	EXPECT_EQ(1, tether_wire_fold(0xffff0001));
	EXPECT_EQ(0, tether_wire_fold(0));
}

TEST_F(wire, sum__intact)
{
	finish_sum(self->data, self->len);
	EXPECT_TRUE(sum_is_right(self->data, self->len));
}

TEST_F(wire, sum__odd_payload)
{
	self->seg.len = 33;
	self->len = tether_wire_build(self->data, &self->seg) + 33;
	finish_sum(self->data, self->len);
	EXPECT_TRUE(sum_is_right(self->data, self->len));
}

/* What a 16-bit sum promises: no single bit can flip unseen. */
TEST_F(wire, sum__every_flipped_bit)
{
	struct tether_segment *out = &self->out;
	unsigned int bit;

	finish_sum(self->data, self->len);
	for (bit = 0; bit < self->len * 8; bit++) {
		self->data[bit / 8] ^= 1 << (bit % 8);
		if (!tether_wire_parse(out, self->data, self->len))
			EXPECT_FALSE(sum_is_right(self->data, out->header_len +
						  out->len))
				TH_LOG("bit %u", bit);
		self->data[bit / 8] ^= 1 << (bit % 8);
	}
}

TEST_F(wire, reset__of_ack)
{
	struct tether_segment rst;

	ASSERT_TRUE(tether_wire_reset(&rst, &self->seg,
				      TETHER_REASON_NO_CONNECTION));
	EXPECT_EQ(TETHER_RST, rst.flags);
	EXPECT_EQ(self->seg.ack, rst.seq);
	EXPECT_EQ(self->seg.sport, rst.dport);
	EXPECT_EQ(self->seg.dport, rst.sport);
	EXPECT_EQ(TETHER_REASON_NO_CONNECTION, rst.reason);
	EXPECT_EQ(0, rst.len);
	EXPECT_EQ(TETHER_DROP_NONE,
		  tether_wire_parse(&self->out, self->data,
				    tether_wire_build(self->data, &rst)));
}

TEST_F(wire, reset__of_syn)
{
	struct tether_segment rst;

	self->seg.flags = TETHER_SYN;
	self->seg.len = 0;
	self->seg.seq = U64_MAX;
	ASSERT_TRUE(tether_wire_reset(&rst, &self->seg,
				      TETHER_REASON_NO_LISTENER));
	EXPECT_EQ(TETHER_RST | TETHER_ACK, rst.flags);
	EXPECT_EQ(0, rst.ack);
	EXPECT_EQ(0, rst.seq);
	EXPECT_EQ(TETHER_REASON_NO_LISTENER, rst.reason);
}

TEST_F(wire, reset__never_of_rst)
{
	struct tether_segment rst;

	self->seg.flags = TETHER_RST;
	EXPECT_FALSE(tether_wire_reset(&rst, &self->seg,
				       TETHER_REASON_PROTOCOL));
	self->seg.flags = TETHER_RST | TETHER_ACK;
	EXPECT_FALSE(tether_wire_reset(&rst, &self->seg,
				       TETHER_REASON_PROTOCOL));
}

TEST(segment_end__counts)
{
	struct tether_segment seg = { .seq = U64_MAX - 1, .len = 10 };

	EXPECT_EQ(8, tether_segment_end(&seg));
	seg.flags = TETHER_FIN;
	EXPECT_EQ(9, tether_segment_end(&seg));
	seg.flags = TETHER_SYN;
	seg.len = 0;
	EXPECT_EQ(U64_MAX, tether_segment_end(&seg));
}

TEST(before__wraps)
{
	EXPECT_TRUE(tether_before(U64_MAX, 0));
	EXPECT_TRUE(tether_before(0xffffffff, 0x100000000ULL));
	EXPECT_FALSE(tether_before(5, 5));
	EXPECT_TRUE(tether_after(0, U64_MAX));
	EXPECT_FALSE(tether_after(5, 5));
	EXPECT_TRUE(tether_after(4, 3));
}

static bool name_is_fit(const char *name)
{
	return name && *name && !name[strspn(name,
					     "abcdefghijklmnopqrstuvwxyz_")];
}

TEST(drop_name__every)
{
	unsigned int i;

	for (i = 0; i < TETHER_DROP_MAX; i++)
		EXPECT_TRUE(name_is_fit(tether_drop_name(i)));
	EXPECT_STREQ("unknown", tether_drop_name(TETHER_DROP_MAX));
}

TEST(reason_name__every)
{
	unsigned int i;

	for (i = 0; i < TETHER_REASON_MAX; i++)
		EXPECT_TRUE(name_is_fit(tether_reason_name(i)));
	EXPECT_STREQ("unknown", tether_reason_name(TETHER_REASON_MAX));
	EXPECT_STREQ("unknown", tether_reason_name(255));
}

TEST_HARNESS_MAIN

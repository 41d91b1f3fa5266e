// SPDX-License-Identifier: GPL-2.0
/* The receive queue: each byte once and in order, memory within the limit. */
#include "kselftest_harness.h"
#include "recvq.h"
#include "unit.h"

#define LIMIT	1048576

FIXTURE(recvq) {
	struct tether_recvq q;
	u64 seq;
};

FIXTURE_VARIANT(recvq) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(recvq, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(recvq, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(recvq)
{
	self->seq = variant->seq;
	tether_recvq_init(&self->q, self->seq);
}

FIXTURE_TEARDOWN(recvq)
{
	tether_recvq_purge(&self->q);
	EXPECT_EQ(0, self->q.truesize);
	UNIT_NO_LEAK();
}

/* Bytes @at to @at + @len of the stream arrive. */
static enum tether_recvq_result add(struct tether_recvq *q, u64 seq, u32 at,
				    u32 len)
{
	return tether_recvq_add(q, unit_skb(at, len, 0), seq + at, LIMIT);
}

static u32 recount(const struct tether_recvq *q)
{
	const struct sk_buff *skb;
	u32 sum = 0;

	skb_queue_walk(&q->ready, skb)
		sum += skb->truesize;
	skb_queue_walk(&q->ooo, skb)
		sum += skb->truesize;
	return sum;
}

/* Read all that is readable; false if a byte is not that of its place. */
static bool drain(struct tether_recvq *q, u64 seq)
{
	struct sk_buff *skb;
	u32 offset, len;

	while (tether_recvq_avail(q)) {
		skb = tether_recvq_find(q, q->read, &offset);
		if (!skb || offset >= skb->len)
			return false;
		len = min(skb->len - offset, tether_recvq_avail(q));
		if (!unit_is(skb->data + offset, q->read - seq, len))
			return false;
		tether_recvq_read(q, len);
	}
	return true;
}

#define EXPECT_STREAM(bytes) do {					\
	EXPECT_EQ(recount(&self->q), self->q.truesize);			\
	EXPECT_EQ((bytes), self->q.nxt - self->seq);			\
	EXPECT_TRUE(drain(&self->q, self->seq));			\
	EXPECT_EQ(self->q.nxt, self->q.read);				\
	EXPECT_EQ(recount(&self->q), self->q.truesize);			\
} while (0)

TEST_F(recvq, add__in_order)
{
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 0, 1000));
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 1000, 500));
	EXPECT_EQ(1500, tether_recvq_avail(&self->q));
	EXPECT_STREAM(1500);
	EXPECT_EQ(0, self->q.truesize);
}

TEST_F(recvq, add__hole_is_filled)
{
	EXPECT_EQ(TETHER_RECVQ_OOO, add(&self->q, self->seq, 1000, 1000));
	EXPECT_EQ(TETHER_RECVQ_OOO, add(&self->q, self->seq, 3000, 1000));
	EXPECT_EQ(0, tether_recvq_avail(&self->q));
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 0, 1000));
	EXPECT_EQ(2000, tether_recvq_avail(&self->q));
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 2000, 1000));
	EXPECT_TRUE(skb_queue_empty(&self->q.ooo));
	EXPECT_STREAM(4000);
}

TEST_F(recvq, add__duplicate)
{
	add(&self->q, self->seq, 0, 1000);
	EXPECT_EQ(TETHER_RECVQ_OLD, add(&self->q, self->seq, 0, 1000));
	EXPECT_EQ(TETHER_RECVQ_OLD, add(&self->q, self->seq, 200, 100));
	EXPECT_STREAM(1000);
	EXPECT_EQ(TETHER_RECVQ_OLD, add(&self->q, self->seq, 0, 1000));
}

TEST_F(recvq, add__duplicate_behind_hole)
{
	add(&self->q, self->seq, 1000, 1000);
	EXPECT_EQ(TETHER_RECVQ_OLD, add(&self->q, self->seq, 1000, 1000));
	EXPECT_EQ(TETHER_RECVQ_OLD, add(&self->q, self->seq, 1200, 300));
	EXPECT_EQ(1, skb_queue_len(&self->q.ooo));
	add(&self->q, self->seq, 0, 1000);
	EXPECT_STREAM(2000);
}

TEST_F(recvq, add__overlap_left)
{
	add(&self->q, self->seq, 0, 1000);
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 500, 1000));
	EXPECT_STREAM(1500);
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 1200, 400));
	EXPECT_STREAM(1600);
}

TEST_F(recvq, add__overlap_right)
{
	add(&self->q, self->seq, 1000, 1000);
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 0, 1500));
	EXPECT_STREAM(2000);
}

TEST_F(recvq, add__superset)
{
	add(&self->q, self->seq, 1000, 100);
	add(&self->q, self->seq, 1500, 100);
	EXPECT_EQ(TETHER_RECVQ_OOO, add(&self->q, self->seq, 900, 1000));
	EXPECT_EQ(1, skb_queue_len(&self->q.ooo));
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 0, 3000));
	EXPECT_TRUE(skb_queue_empty(&self->q.ooo));
	EXPECT_STREAM(3000);
}

/* A reader in the middle of a buffer when an overlap arrives. */
TEST_F(recvq, add__overlap_while_reading)
{
	add(&self->q, self->seq, 0, 1000);
	tether_recvq_read(&self->q, 700);
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 300, 1200));
	EXPECT_EQ(800, tether_recvq_avail(&self->q));
	EXPECT_STREAM(1500);
}

/* Every order of five pieces that overlap their neighbours. */
TEST_F(recvq, add__every_order)
{
	static const struct {
		u32 at;
		u32 len;
	} piece[5] = {
		{ 0, 300 }, { 200, 400 }, { 500, 100 }, { 450, 650 },
		{ 1000, 200 },
	};
	unsigned int code, rest, left, i, pick, order[5];

	for (code = 0; code < 120; code++) {
		left = 0x1f;
		rest = code;
		tether_recvq_init(&self->q, self->seq);
		for (i = 0; i < 5; i++) {
			pick = rest % (5 - i);
			rest /= 5 - i;
			for (order[i] = 0;; order[i]++)
				if (left & 1 << order[i] && !pick--)
					break;
			left &= ~(1 << order[i]);
			add(&self->q, self->seq, piece[order[i]].at,
			    piece[order[i]].len);
			ASSERT_EQ(recount(&self->q), self->q.truesize);
		}
		ASSERT_EQ(1200, self->q.nxt - self->seq);
		ASSERT_TRUE(drain(&self->q, self->seq));
		ASSERT_EQ(0, self->q.truesize);
	}
}

/* Random pieces, some of one byte, read now and then. */
TEST_F(recvq, add__random_pieces)
{
	u32 random = 1, at, len, have = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		random = random * 1664525 + 1013904223;
		at = self->q.nxt - self->seq;
		at += (random >> 8) % 400;
		at -= min(at, 200U);
		len = random >> 30 ? 1 + (random >> 20) % 200 : 1;
		add(&self->q, self->seq, at, len);
		if (!(random & 0x700))
			ASSERT_TRUE(drain(&self->q, self->seq));
		ASSERT_EQ(recount(&self->q), self->q.truesize);
		ASSERT_GE((u32)(self->q.nxt - self->seq), have);
		have = self->q.nxt - self->seq;
	}
	EXPECT_GT(have, 20000);
	EXPECT_TRUE(drain(&self->q, self->seq));
}

/* One byte a frame must not cost a buffer a byte. */
TEST_F(recvq, add__small_frames_are_collected)
{
	u32 i;

	for (i = 0; i < 1000; i++)
		ASSERT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, i, 1));
	EXPECT_LT(self->q.truesize, 20000);
	EXPECT_STREAM(1000);
}

TEST_F(recvq, add__small_frames_behind_hole)
{
	u32 i;

	for (i = 1; i < 1000; i++)
		ASSERT_EQ(TETHER_RECVQ_OOO, add(&self->q, self->seq, i, 1));
	EXPECT_LT(self->q.truesize, 20000);
	EXPECT_EQ(TETHER_RECVQ_READY, add(&self->q, self->seq, 0, 1));
	EXPECT_STREAM(1000);
}

/* Without memory to collect them they are queued as they are. */
TEST_F(recvq, add__no_memory_to_collect)
{
	struct sk_buff *skb;
	u32 i;

	for (i = 0; i < 100; i++) {
		skb = unit_skb(i, 1, 0);
		shim_skb_fail = 1;
		EXPECT_EQ(TETHER_RECVQ_READY,
			  tether_recvq_add(&self->q, skb, self->seq + i,
					   LIMIT));
		shim_skb_fail = 0;
	}
	EXPECT_EQ(100, skb_queue_len(&self->q.ready));
	EXPECT_STREAM(100);
}

/* The bytes of a clone belong to somebody else. */
TEST_F(recvq, add__clone_is_not_written)
{
	struct sk_buff *skb = unit_skb(0, 10, 100);
	struct sk_buff *clone = skb_clone(skb, GFP_ATOMIC);

	tether_recvq_add(&self->q, skb, self->seq, LIMIT);
	add(&self->q, self->seq, 10, 10);
	EXPECT_EQ(10, clone->len);
	EXPECT_EQ(clone->data, skb->data);
	EXPECT_EQ(10, skb->len);
	EXPECT_STREAM(20);
	kfree_skb(clone);
}

/* A peer that ignores the window: one byte, and more, beyond the limit. */
TEST_F(recvq, add__limit)
{
	const u32 limit = 50000;
	u32 i, most = 0, full = 0;

	for (i = 0; i < 100; i++) {
		u32 at = self->q.nxt - self->seq;

		if (tether_recvq_add(&self->q, unit_skb(at, 9000, 0),
				     self->seq + at, limit) ==
		    TETHER_RECVQ_FULL)
			full++;
		most = max(most, self->q.truesize);
	}
	EXPECT_GT(full, 0);
	EXPECT_GE(most, limit);
	EXPECT_LE(most, limit + 9000 + SHIM_SKB_OVERHEAD + 64);
	EXPECT_TRUE(drain(&self->q, self->seq));
}

TEST_F(recvq, add__limit_with_one_byte_frames)
{
	const u32 limit = 50000;
	u32 i, most = 0, full = 0;

	for (i = 0; i < 100000; i++) {
		u32 at = self->q.nxt - self->seq;

		full += tether_recvq_add(&self->q, unit_skb(at, 1, 0),
					 self->seq + at, limit) ==
			TETHER_RECVQ_FULL;
		most = max(most, self->q.truesize);
	}
	EXPECT_GT(full, 0);
	EXPECT_LE(most, limit + 2048 + SHIM_SKB_OVERHEAD);
	EXPECT_TRUE(drain(&self->q, self->seq));
}

/* One byte at every second place: as many holes as the limit allows. */
TEST_F(recvq, add__limit_with_holes)
{
	const u32 limit = 50000;
	u32 i;

	for (i = 0; i < 10000; i++) {
		tether_recvq_add(&self->q, unit_skb(1 + 2 * i, 1, 0),
				 self->seq + 1 + 2 * i, limit);
		ASSERT_LE(self->q.truesize, limit);
	}
	EXPECT_LE(skb_queue_len(&self->q.ooo), limit / SHIM_SKB_OVERHEAD);
}

/* Bytes in order are worth more than those behind a hole. */
TEST_F(recvq, add__order_before_holes)
{
	const u32 limit = 20000;
	u32 at;

	for (at = 5000; at < 100000; at += 1000)
		tether_recvq_add(&self->q, unit_skb(at, 1000, 0),
				 self->seq + at, limit);
	for (at = 0; at < 10000; at = self->q.nxt - self->seq)
		ASSERT_EQ(TETHER_RECVQ_READY,
			  tether_recvq_add(&self->q, unit_skb(at, 1000, 0),
					   self->seq + at, limit));
	EXPECT_LE(self->q.truesize, limit + 1000 + SHIM_SKB_OVERHEAD + 64);
	EXPECT_TRUE(drain(&self->q, self->seq));
	EXPECT_EQ(recount(&self->q), self->q.truesize);
}

TEST_F(recvq, find__outside)
{
	u32 offset;

	add(&self->q, self->seq, 0, 100);
	add(&self->q, self->seq, 200, 100);
	tether_recvq_read(&self->q, 50);
	EXPECT_EQ(NULL, tether_recvq_find(&self->q, self->seq + 49, &offset));
	EXPECT_NE(NULL, tether_recvq_find(&self->q, self->seq + 50, &offset));
	EXPECT_NE(NULL, tether_recvq_find(&self->q, self->seq + 99, &offset));
	EXPECT_EQ(NULL, tether_recvq_find(&self->q, self->seq + 100, &offset));
	EXPECT_EQ(NULL, tether_recvq_find(&self->q, self->seq + 200, &offset));
}

TEST_F(recvq, read__frees_what_is_read)
{
	add(&self->q, self->seq, 0, 1000);
	add(&self->q, self->seq, 1000, 1000);
	tether_recvq_read(&self->q, 999);
	EXPECT_EQ(2, skb_queue_len(&self->q.ready));
	tether_recvq_read(&self->q, 1);
	EXPECT_EQ(1, skb_queue_len(&self->q.ready));
	EXPECT_EQ(recount(&self->q), self->q.truesize);
}

/* The window follows from what payload really costs. */
TEST_F(recvq, space__by_ratio)
{
	u32 before, i;

	before = tether_recvq_space(&self->q, LIMIT);
	EXPECT_EQ(LIMIT / 2, before);
	for (i = 0; i < 50; i++) {
		add(&self->q, self->seq, i * 30000, 30000);
		drain(&self->q, self->seq);
	}
	EXPECT_GT(tether_recvq_space(&self->q, LIMIT), LIMIT * 9 / 10);
	EXPECT_LE(tether_recvq_space(&self->q, LIMIT), LIMIT);
}

TEST_F(recvq, space__shrinks_by_what_is_held)
{
	u32 before = tether_recvq_space(&self->q, 10000);

	add(&self->q, self->seq, 0, 1000);
	EXPECT_LT(tether_recvq_space(&self->q, 10000), before);
	EXPECT_EQ(0, tether_recvq_space(&self->q, self->q.truesize));
	EXPECT_EQ(0, tether_recvq_space(&self->q, 0));
}

TEST_F(recvq, purge__all)
{
	add(&self->q, self->seq, 0, 1000);
	add(&self->q, self->seq, 5000, 1000);
	tether_recvq_purge(&self->q);
	EXPECT_EQ(0, tether_recvq_avail(&self->q));
	EXPECT_TRUE(skb_queue_empty(&self->q.ready));
	EXPECT_TRUE(skb_queue_empty(&self->q.ooo));
}

TEST_HARNESS_MAIN

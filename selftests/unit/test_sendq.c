// SPDX-License-Identifier: GPL-2.0
/* The send queue: bytes are found where they are, and freed when due. */
#include "kselftest_harness.h"
#include "sendq.h"
#include "unit.h"

FIXTURE(sendq) {
	struct tether_sendq q;
	u64 seq;
};

FIXTURE_VARIANT(sendq) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(sendq, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(sendq, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(sendq)
{
	self->seq = variant->seq;
	tether_sendq_init(&self->q, self->seq);
}

FIXTURE_TEARDOWN(sendq)
{
	tether_sendq_purge(&self->q);
	EXPECT_EQ(0, self->q.truesize);
	UNIT_NO_LEAK();
}

/* Four buffers of 10 bytes. */
static void fill(struct tether_sendq *q)
{
	int i;

	for (i = 0; i < 4; i++)
		tether_sendq_push(q, unit_skb(10 * i, 10, 6));
}

static u32 recount(const struct tether_sendq *q)
{
	const struct sk_buff *skb;
	u32 sum = 0;

	skb_queue_walk(&q->skbs, skb)
		sum += skb->truesize;
	return sum;
}

/* The byte at @at, or -1. */
static int byte_at(struct tether_sendq *q, u64 seq, u32 at)
{
	struct sk_buff *skb;
	u32 offset = U32_MAX;

	skb = tether_sendq_find(q, seq + at, &offset);
	if (!skb)
		return -1;
	return offset < skb->len ? skb->data[offset] : -2;
}

TEST_F(sendq, init__empty)
{
	EXPECT_EQ(self->seq, self->q.start);
	EXPECT_EQ(self->seq, self->q.end);
	EXPECT_EQ(NULL, tether_sendq_tail(&self->q));
	EXPECT_EQ(-1, byte_at(&self->q, self->seq, 0));
}

TEST_F(sendq, push__counts)
{
	fill(&self->q);
	EXPECT_EQ(self->seq + 40, self->q.end);
	EXPECT_EQ(self->seq, self->q.start);
	EXPECT_EQ(recount(&self->q), self->q.truesize);
}

TEST_F(sendq, find__every_byte_both_ways)
{
	int i;

	fill(&self->q);
	for (i = 0; i < 40; i++)
		EXPECT_EQ(unit_byte(i), byte_at(&self->q, self->seq, i));
	for (i = 39; i >= 0; i--)
		EXPECT_EQ(unit_byte(i), byte_at(&self->q, self->seq, i));
}

TEST_F(sendq, find__outside)
{
	fill(&self->q);
	EXPECT_EQ(-1, byte_at(&self->q, self->seq, 40));
	EXPECT_EQ(-1, byte_at(&self->q, self->seq, U32_MAX));
	EXPECT_EQ(-1, byte_at(&self->q, self->seq - 1, 0));
}

TEST_F(sendq, grow__tail)
{
	struct sk_buff *tail;

	fill(&self->q);
	tail = tether_sendq_tail(&self->q);
	ASSERT_NE(NULL, tail);
	EXPECT_EQ(unit_byte(39), byte_at(&self->q, self->seq, 39));
	*(u8 *)skb_put(tail, 1) = unit_byte(40);
	tether_sendq_grow(&self->q, 1, 0);
	EXPECT_EQ(self->seq + 41, self->q.end);
	EXPECT_EQ(unit_byte(40), byte_at(&self->q, self->seq, 40));
	EXPECT_EQ(recount(&self->q), self->q.truesize);
}

TEST_F(sendq, grow__truesize)
{
	fill(&self->q);
	tether_sendq_tail(&self->q)->truesize += 4096;
	tether_sendq_grow(&self->q, 0, 4096);
	EXPECT_EQ(recount(&self->q), self->q.truesize);
}

TEST_F(sendq, ack__whole_buffers)
{
	fill(&self->q);
	tether_sendq_ack(&self->q, self->seq + 20);
	EXPECT_EQ(self->seq + 20, self->q.start);
	EXPECT_EQ(2, skb_queue_len(&self->q.skbs));
	EXPECT_EQ(recount(&self->q), self->q.truesize);
	EXPECT_EQ(-1, byte_at(&self->q, self->seq, 19));
	EXPECT_EQ(unit_byte(20), byte_at(&self->q, self->seq, 20));
}

/* A buffer stays while one byte of it is needed. */
TEST_F(sendq, ack__partial)
{
	fill(&self->q);
	tether_sendq_ack(&self->q, self->seq + 19);
	EXPECT_EQ(3, skb_queue_len(&self->q.skbs));
	EXPECT_EQ(unit_byte(19), byte_at(&self->q, self->seq, 19));
}

TEST_F(sendq, ack__nothing)
{
	fill(&self->q);
	tether_sendq_ack(&self->q, self->seq);
	EXPECT_EQ(4, skb_queue_len(&self->q.skbs));
}

TEST_F(sendq, ack__all)
{
	fill(&self->q);
	tether_sendq_ack(&self->q, self->seq + 40);
	EXPECT_EQ(self->q.end, self->q.start);
	EXPECT_EQ(0, self->q.truesize);
	tether_sendq_push(&self->q, unit_skb(40, 10, 0));
	EXPECT_EQ(unit_byte(45), byte_at(&self->q, self->seq, 45));
}

/* The remembered place must not outlive its buffer. */
TEST_F(sendq, ack__forgets_hint)
{
	int first, i;

	for (first = 0; first < 40; first++) {
		fill(&self->q);
		byte_at(&self->q, self->seq, first);
		tether_sendq_ack(&self->q, self->seq + 30);
		for (i = 30; i < 40; i++)
			EXPECT_EQ(unit_byte(i),
				  byte_at(&self->q, self->seq, i));
		tether_sendq_purge(&self->q);
		tether_sendq_init(&self->q, self->seq);
	}
}

TEST_F(sendq, purge__forgets_hint)
{
	fill(&self->q);
	byte_at(&self->q, self->seq, 35);
	tether_sendq_purge(&self->q);
	EXPECT_EQ(-1, byte_at(&self->q, self->seq, 35));
	EXPECT_EQ(NULL, self->q.hint);
}

TEST_HARNESS_MAIN

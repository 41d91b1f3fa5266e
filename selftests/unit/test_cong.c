// SPDX-License-Identifier: GPL-2.0
/* Congestion control: RFC 5681, RFC 6582, RFC 6928. */
#include "cong.h"
#include "kselftest_harness.h"
#include "unit.h"

#define MSS	1000

FIXTURE(cong) {
	struct tether_cong cong;
	u64 una;
};

FIXTURE_VARIANT(cong) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(cong, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(cong, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(cong)
{
	tether_cong_init(&self->cong, MSS, variant->seq);
	self->una = variant->seq + 1;
}

FIXTURE_TEARDOWN(cong)
{
}

static bool third_dupack(struct tether_cong *cong, u64 una, u64 nxt)
{
	bool first = tether_cong_dupack(cong, MSS, una, nxt);
	bool second = tether_cong_dupack(cong, MSS, una, nxt);

	return !first && !second && tether_cong_dupack(cong, MSS, una, nxt);
}

TEST_F(cong, init__window)
{
	EXPECT_EQ(10 * MSS, self->cong.cwnd);
	EXPECT_GE(self->cong.ssthresh, 1U << 30);
}

/* RFC 6928: min(10 MSS, max(2 MSS, 14600)). */
TEST(cong_init__initial_window)
{
	static const struct {
		u32 mss;
		u32 cwnd;
	} table[] = {
		{ 536, 5360 }, { 1460, 14600 }, { 2000, 14600 },
		{ 8946, 17892 },
	};
	struct tether_cong cong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		tether_cong_init(&cong, table[i].mss, 0);
		EXPECT_EQ(table[i].cwnd, cong.cwnd);
	}
}

TEST_F(cong, acked__slow_start)
{
	tether_cong_acked(&self->cong, MSS, 10 * MSS, true);
	EXPECT_EQ(20 * MSS, self->cong.cwnd);
	tether_cong_acked(&self->cong, MSS, 1, true);
	EXPECT_EQ(20 * MSS + 1, self->cong.cwnd);
}

/* Acknowledging byte by byte must not grow the window faster. */
TEST_F(cong, acked__division)
{
	struct tether_cong whole = self->cong;
	int i;

	tether_cong_acked(&whole, MSS, MSS, true);
	for (i = 0; i < MSS; i++)
		tether_cong_acked(&self->cong, MSS, 1, true);
	EXPECT_EQ(whole.cwnd, self->cong.cwnd);
}

TEST_F(cong, acked__avoidance)
{
	int i;

	self->cong.ssthresh = 10 * MSS;
	for (i = 0; i < 9; i++)
		tether_cong_acked(&self->cong, MSS, MSS, true);
	EXPECT_EQ(10 * MSS, self->cong.cwnd);
	tether_cong_acked(&self->cong, MSS, MSS, true);
	EXPECT_EQ(11 * MSS, self->cong.cwnd);
	for (i = 0; i < 10; i++)
		tether_cong_acked(&self->cong, MSS, MSS, true);
	EXPECT_EQ(11 * MSS, self->cong.cwnd);
}

/* Slow start stops at ssthresh; what is left over counts for avoidance. */
TEST_F(cong, acked__crosses_ssthresh)
{
	self->cong.ssthresh = 12 * MSS;
	tether_cong_acked(&self->cong, MSS, 5 * MSS, true);
	EXPECT_EQ(12 * MSS, self->cong.cwnd);
	EXPECT_EQ(3 * MSS, self->cong.acked);
}

TEST_F(cong, acked__application_limited)
{
	tether_cong_acked(&self->cong, MSS, 10 * MSS, false);
	EXPECT_EQ(10 * MSS, self->cong.cwnd);
}

TEST_F(cong, acked__is_bounded)
{
	int i;

	for (i = 0; i < 64; i++)
		tether_cong_acked(&self->cong, MSS, self->cong.cwnd, true);
	EXPECT_LE(self->cong.cwnd, (1U << 30) + MSS);
}

TEST_F(cong, dupack__third)
{
	u64 nxt = self->una + 10 * MSS;

	ASSERT_TRUE(third_dupack(&self->cong, self->una, nxt));
	EXPECT_EQ(5 * MSS, self->cong.ssthresh);
	EXPECT_EQ(8 * MSS, self->cong.cwnd);
	EXPECT_TRUE(self->cong.in_recovery);
	EXPECT_EQ(nxt, self->cong.recover);
}

TEST_F(cong, dupack__fourth_inflates)
{
	u64 nxt = self->una + 10 * MSS;

	third_dupack(&self->cong, self->una, nxt);
	EXPECT_FALSE(tether_cong_dupack(&self->cong, MSS, self->una, nxt));
	EXPECT_EQ(9 * MSS, self->cong.cwnd);
	EXPECT_EQ(5 * MSS, self->cong.ssthresh);
}

TEST_F(cong, dupack__fresh_ack_starts_again)
{
	u64 nxt = self->una + 10 * MSS;

	tether_cong_dupack(&self->cong, MSS, self->una, nxt);
	tether_cong_dupack(&self->cong, MSS, self->una, nxt);
	tether_cong_acked(&self->cong, MSS, MSS, true);
	EXPECT_FALSE(tether_cong_dupack(&self->cong, MSS, self->una, nxt));
	EXPECT_FALSE(self->cong.in_recovery);
}

TEST_F(cong, dupack__ssthresh_at_least_two)
{
	third_dupack(&self->cong, self->una, self->una + MSS);
	EXPECT_EQ(2 * MSS, self->cong.ssthresh);
}

/* RFC 6582: one reduction for a window; none for losses before a time-out. */
TEST_F(cong, dupack__once_a_window)
{
	u64 nxt = self->una + 10 * MSS;

	third_dupack(&self->cong, self->una, nxt);
	tether_cong_recovered(&self->cong, MSS, 0);
	EXPECT_FALSE(third_dupack(&self->cong, nxt, nxt + 5 * MSS));
	tether_cong_acked(&self->cong, MSS, 1, true);
	EXPECT_TRUE(third_dupack(&self->cong, nxt + 1, nxt + 5 * MSS));
}

TEST_F(cong, dupack__not_after_rto)
{
	u64 nxt = self->una + 10 * MSS;

	tether_cong_rto(&self->cong, MSS, 10 * MSS, nxt, true);
	EXPECT_FALSE(third_dupack(&self->cong, self->una + MSS, nxt));
	EXPECT_FALSE(self->cong.in_recovery);
}

TEST_F(cong, partial__deflates)
{
	third_dupack(&self->cong, self->una, self->una + 10 * MSS);
	tether_cong_partial(&self->cong, MSS, 3 * MSS);
	EXPECT_EQ(6 * MSS, self->cong.cwnd);
	EXPECT_TRUE(self->cong.in_recovery);
	tether_cong_partial(&self->cong, MSS, 100 * MSS);
	EXPECT_EQ(MSS, self->cong.cwnd);
}

TEST_F(cong, recovered__no_burst)
{
	third_dupack(&self->cong, self->una, self->una + 10 * MSS);
	tether_cong_recovered(&self->cong, MSS, 2 * MSS);
	EXPECT_EQ(3 * MSS, self->cong.cwnd);
	EXPECT_FALSE(self->cong.in_recovery);
	EXPECT_EQ(0, self->cong.dupacks);
}

TEST_F(cong, recovered__at_most_ssthresh)
{
	third_dupack(&self->cong, self->una, self->una + 10 * MSS);
	tether_cong_recovered(&self->cong, MSS, 50 * MSS);
	EXPECT_EQ(5 * MSS, self->cong.cwnd);
}

TEST_F(cong, rto__one_segment)
{
	u64 nxt = self->una + 10 * MSS;

	tether_cong_rto(&self->cong, MSS, 10 * MSS, nxt, true);
	EXPECT_EQ(MSS, self->cong.cwnd);
	EXPECT_EQ(5 * MSS, self->cong.ssthresh);
	EXPECT_EQ(nxt, self->cong.recover);
}

/* RFC 5681: ssthresh is not reduced again for the same bytes. */
TEST_F(cong, rto__repeated)
{
	u64 nxt = self->una + 10 * MSS;

	tether_cong_rto(&self->cong, MSS, 10 * MSS, nxt, true);
	tether_cong_rto(&self->cong, MSS, MSS, nxt, false);
	EXPECT_EQ(5 * MSS, self->cong.ssthresh);
	EXPECT_EQ(MSS, self->cong.cwnd);
}

TEST_F(cong, rto__ends_recovery)
{
	u64 nxt = self->una + 10 * MSS;

	third_dupack(&self->cong, self->una, nxt);
	tether_cong_rto(&self->cong, MSS, 10 * MSS, nxt, true);
	EXPECT_FALSE(self->cong.in_recovery);
	EXPECT_EQ(0, self->cong.dupacks);
}

TEST_HARNESS_MAIN

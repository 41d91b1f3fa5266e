// SPDX-License-Identifier: GPL-2.0
/* RTT and RTO against vectors computed by hand from RFC 6298. */
#include "config.h"
#include "kselftest_harness.h"
#include "rtt.h"
#include "unit.h"

FIXTURE(rtt) {
	struct tether_rtt rtt;
	struct tether_config cfg;
};

FIXTURE_SETUP(rtt)
{
	self->cfg = (struct tether_config){
		.rto_init = 1000000,
		.rto_min = 10000,
		.rto_max = 60000000,
		.tick = 1000,
	};
	tether_rtt_init(&self->rtt);
}

FIXTURE_TEARDOWN(rtt)
{
}

/* (2.1): until there is a sample. */
TEST_F(rtt, base__before_sample)
{
	EXPECT_EQ(1000000, tether_rtt_base(&self->rtt, &self->cfg, 5000));
	EXPECT_EQ(U32_MAX, self->rtt.min);
}

/* (2.2): R = 100 ms: SRTT 100, RTTVAR 50, RTO 100 + 4 * 50. */
TEST_F(rtt, sample__first)
{
	tether_rtt_sample(&self->rtt, 100000);
	EXPECT_EQ(100000, self->rtt.srtt8 / 8);
	EXPECT_EQ(50000, self->rtt.var4 / 4);
	EXPECT_EQ(300000, tether_rtt_base(&self->rtt, &self->cfg, 0));
	EXPECT_EQ(100000, self->rtt.last);
	EXPECT_EQ(100000, self->rtt.min);
}

/*
 * (2.3), in ms: after 100, 180 gives RTTVAR 3/4 * 50 + 1/4 * 80 = 57.5 and
 * SRTT 7/8 * 100 + 1/8 * 180 = 110; then 62 gives RTTVAR 3/4 * 57.5 + 1/4 * 48
 * = 55.125 and SRTT 7/8 * 110 + 1/8 * 62 = 104.
 */
TEST_F(rtt, sample__vector)
{
	tether_rtt_sample(&self->rtt, 100000);
	tether_rtt_sample(&self->rtt, 180000);
	EXPECT_EQ(110000, self->rtt.srtt8 / 8);
	EXPECT_EQ(230000, self->rtt.var4);
	EXPECT_EQ(340000, tether_rtt_base(&self->rtt, &self->cfg, 0));
	tether_rtt_sample(&self->rtt, 62000);
	EXPECT_EQ(104000, self->rtt.srtt8 / 8);
	EXPECT_EQ(220500, self->rtt.var4);
	EXPECT_EQ(324500, tether_rtt_base(&self->rtt, &self->cfg, 0));
	EXPECT_EQ(62000, self->rtt.min);
	EXPECT_EQ(62000, self->rtt.last);
}

/* Many equal samples: the variation goes to nothing, the RTT stays. */
TEST_F(rtt, sample__constant)
{
	int i;

	for (i = 0; i < 200; i++)
		tether_rtt_sample(&self->rtt, 40000);
	EXPECT_EQ(40000, self->rtt.srtt8 / 8);
	EXPECT_LT(self->rtt.var4, 4);
	EXPECT_EQ(41000, tether_rtt_base(&self->rtt, &self->cfg, 0));
}

TEST_F(rtt, sample__zero_counts_as_one)
{
	int i;

	for (i = 0; i < 50; i++)
		tether_rtt_sample(&self->rtt, 0);
	EXPECT_GT(self->rtt.srtt8, 0);
	EXPECT_EQ(1, self->rtt.min);
	EXPECT_EQ(10000, tether_rtt_base(&self->rtt, &self->cfg, 0));
}

/* Nothing overflows, however large the samples are. */
TEST_F(rtt, sample__huge)
{
	int i;

	for (i = 0; i < 100; i++) {
		tether_rtt_sample(&self->rtt, i & 1 ? 1 : U32_MAX);
		EXPECT_LE(self->rtt.srtt8 / 8, 60000000);
		EXPECT_LE(tether_rtt_rto(&self->rtt, &self->cfg, 0), 60000000);
	}
}

TEST_F(rtt, base__floors)
{
	tether_rtt_sample(&self->rtt, 100);
	/* 100 + max(tick, 200) is far below the smallest RTO */
	EXPECT_EQ(10000, tether_rtt_base(&self->rtt, &self->cfg, 0));
	/* SRTT + the peer's delay + a tick is above it */
	EXPECT_EQ(100 + 20000 + 1000,
		  tether_rtt_base(&self->rtt, &self->cfg, 20000));
	self->cfg.rto_min = 50000;
	EXPECT_EQ(50000, tether_rtt_base(&self->rtt, &self->cfg, 20000));
}

/* (5.5): doubled, and (2.5): bounded. */
TEST_F(rtt, rto__backoff)
{
	u32 want = 10000;
	int i;

	tether_rtt_sample(&self->rtt, 100);
	for (i = 0; i < 255; i++) {
		self->rtt.backoff = i;
		EXPECT_EQ(min(want, 60000000U),
			  tether_rtt_rto(&self->rtt, &self->cfg, 0));
		if (want < 60000000)
			want *= 2;
	}
}

TEST_F(rtt, rto__before_sample)
{
	EXPECT_EQ(1000000, tether_rtt_rto(&self->rtt, &self->cfg, 0));
	self->rtt.backoff = 2;
	EXPECT_EQ(4000000, tether_rtt_rto(&self->rtt, &self->cfg, 0));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* Random numbers: a splitmix64 stream that the seed alone decides. */
#include "sim.h"

u64 sim_random(struct sim *sim)
{
	u64 z = sim->rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 to n - 1 */
u64 sim_below(struct sim *sim, u64 n)
{
	return n ? sim_random(sim) % n : 0;
}

/* lo to hi, each power of two as likely as the next. */
u64 sim_log(struct sim *sim, u64 lo, u64 hi)
{
	unsigned int bits = 0;
	u64 top;

	while (bits < 63 && lo << (bits + 1) <= hi)
		bits++;
	bits = sim_below(sim, bits + 1);
	top = min(lo << (bits + 1), hi + 1);
	return (lo << bits) + sim_below(sim, top - (lo << bits));
}

bool sim_chance(struct sim *sim, u32 in_65536)
{
	return (sim_random(sim) & 0xffff) < in_65536;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two calls at once, on a processor each, over and over, and steered so that
 * each of them is the first to return about as often as the other: steer.c.
 */
#ifndef _SOCK_STEER_H
#define _SOCK_STEER_H

#include <stdbool.h>

/**
 * struct contest - two calls that may meet
 * @name: for the line that says how often each of them won
 * @prepare: makes what both use; optional
 * @first: a call, or what is as good as one, for the first processor
 * @second: for the other one
 * @judge: with what both returned: is all as promised? Cleans up
 * @rounds: how many
 * @least: how often each of them must win
 * @winner: 0 or 1, by what both returned; without it, who returned first
 */
struct contest {
	const char *name;
	bool (*prepare)(void);
	long (*first)(void);
	long (*second)(void);
	bool (*judge)(const long *result);
	int rounds;
	int least;
	int (*winner)(const long *result);
};

bool steer(const struct contest *contest);
int steer_round(void);
bool steer_is_last(void);

#endif /* _SOCK_STEER_H */

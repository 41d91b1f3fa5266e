/* SPDX-License-Identifier: GPL-2.0 */
/* What tests leave behind, by our own tables and caches: see left.c. */
#ifndef _SOCK_LEFT_H
#define _SOCK_LEFT_H

#include <stdbool.h>

struct left {
	int lines;
	int caches;
	int timers;
	long objects;
	long memory;
};

bool left_begin(struct left *base);
bool left_nothing(const struct left *base);
bool left_nothing_now(const struct left *base);
void left_tell(const struct left *base);
int left_timers(void);

#endif /* _SOCK_LEFT_H */

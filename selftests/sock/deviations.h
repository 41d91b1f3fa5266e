/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where Tether and TCP part: the whole list.
 *
 * A row is { program, test, step, links, TCP's outcome, Tether's, why }; an
 * outcome is what the step returned or minus its errno. A program fails if a
 * step differs from TCP without a row here, or if a row no longer holds.
 */
#ifndef _SOCK_DEVIATIONS_H
#define _SOCK_DEVIATIONS_H

#include "pair.h"

struct sock_deviation {
	const char *program;
	const char *test;
	const char *step;
	enum sock_link links;
	long tcp;
	long tether;
	const char *why;
};

static const struct sock_deviation sock_deviations[] = {
	{ "stream", "pending_disconnect", "port still shown", SOCK_BOTH, 1, 0,
	  "TCP goes on naming a port that it has given back" },
	{ "stream", "disconnect", "port still shown", SOCK_BOTH, 1, 0,
	  "TCP goes on naming a port that it has given back" },
	{ "data", "odd_flags", "urgent recv", SOCK_BOTH, -EINVAL, -EOPNOTSUPP,
	  "there is no urgent data" },
	{ "data", "odd_flags", "urgent send", SOCK_BOTH, 1, -EOPNOTSUPP,
	  "there is no urgent data" },
};

#endif /* _SOCK_DEVIATIONS_H */

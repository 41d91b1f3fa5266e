// SPDX-License-Identifier: GPL-2.0
/*
 * What the comparison of the API tests with TCP must refuse: it runs beside
 * stuck.ko, as the program "dgram", of which deviations.h has rows.
 */
#include <stdio.h>
#include <string.h>

#define SOCK_NO_HARNESS
#include "../sock/pair.h"

#define TEST	"nobody"	/* the rows in use: of this test, */
#define STEP	"recv"		/* and this step */

static int count, failed;

static void result(bool good, const char *name)
{
	count++;
	failed += !good;
	printf("%sok %d %s\n", good ? "" : "not ", count, name);
}

/* On how many of the two links the step is what it should be. */
static int accepted(const char *step, long want, long seen)
{
	int links;

	sock_link = SOCK_TETHER;
	links = sock_step(TEST, step, want, seen);
	sock_link = SOCK_VETH;
	return links + sock_step(TEST, step, want, seen);
}

int main(void)
{
	int missed;

	program_invocation_short_name = "dgram";
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..7\n");

	sock_link = SOCK_INET;
	result(!sock_step(TEST, "other", 1, 2), "step not as expected of TCP");
	sock_step(TEST, "same", 1, 1);
	sock_step(TEST, STEP, -ECONNREFUSED, -ECONNREFUSED);
	missed = sock_deviations_missed();

	result(accepted("same", 1, 1) == 2, "step as TCP");
	result(accepted("same", 1, 2) == 0, "deviation not listed");
	result(accepted(STEP, 0, -EAGAIN) == 2, "deviation listed");
	result(accepted(STEP, 0, -ECONNREFUSED) == 0, "deviation vanished");
	result(accepted(STEP, 0, -EINVAL) == 0, "deviation changed");
	result(missed > 1 && sock_deviations_missed() == missed - 1,
	       "deviation that no step met");
	return failed ? 1 : 0;
}

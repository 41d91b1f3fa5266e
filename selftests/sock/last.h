/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included at the end of every program: a fixture that runs after all others
 * and sees whether every listed deviation was met, and main().
 */
#ifndef _SOCK_LAST_H
#define _SOCK_LAST_H

FIXTURE(deviations) {
	int unused;
};

FIXTURE_SETUP(deviations)
{
}

FIXTURE_TEARDOWN(deviations)
{
}

TEST_F(deviations, listed)
{
	EXPECT_EQ(0, sock_deviations_missed());
}

TEST_HARNESS_MAIN

#endif /* _SOCK_LAST_H */

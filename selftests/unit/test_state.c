// SPDX-License-Identifier: GPL-2.0
/*
 * tether_state_next(): the whole table of states and events.
 *
 * Written from RFC 9293, figure 5 and section 3.10, not from state.c.
 */
#include "state.h"
#include "kselftest_harness.h"
#include "unit.h"

#define S(state)	TETHER_##state
#define SAME		0
#define ILLEGAL		{ SAME, TETHER_ACT_ILLEGAL }
#define NOTHING		{ SAME, 0 }
#define SYN		TETHER_ACT_SYN
#define ACK		TETHER_ACT_ACK
#define FIN		TETHER_ACT_FIN
#define RST		TETHER_ACT_RST
#define OPEN		TETHER_ACT_OPEN
#define WAIT		TETHER_ACT_WAIT
#define GONE		TETHER_ACT_GONE

static const char * const event_names[TETHER_EV_MAX] = {
	"LISTEN", "CONNECT", "CLOSE", "ABORT", "SYN", "SYN_ACK", "ACK", "FIN",
	"FIN_ACK", "RST", "TIMEOUT",
};

FIXTURE(state) {
};

FIXTURE_SETUP(state)
{
}

FIXTURE_TEARDOWN(state)
{
}

/* One variant a state: what each event does to it. */
FIXTURE_VARIANT(state) {
	enum tether_state from;
	struct {
		enum tether_state to;
		unsigned int act;
	} on[TETHER_EV_MAX];
};

FIXTURE_VARIANT_ADD(state, closed) {
	.from = S(CLOSED),
	.on = {
		[TETHER_EV_LISTEN]	= { S(LISTEN), 0 },
		[TETHER_EV_CONNECT]	= { S(SYN_SENT), SYN },
		[TETHER_EV_CLOSE]	= NOTHING,
		[TETHER_EV_ABORT]	= NOTHING,
		[TETHER_EV_SYN]		= { SAME, RST },
		[TETHER_EV_SYN_ACK]	= { SAME, RST },
		[TETHER_EV_ACK]		= { SAME, RST },
		[TETHER_EV_FIN]		= { SAME, RST },
		[TETHER_EV_FIN_ACK]	= { SAME, RST },
		[TETHER_EV_RST]		= NOTHING,
		[TETHER_EV_TIMEOUT]	= ILLEGAL,
	},
};

FIXTURE_VARIANT_ADD(state, listen) {
	.from = S(LISTEN),
	.on = {
		[TETHER_EV_LISTEN]	= NOTHING,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= { S(CLOSED), GONE },
		[TETHER_EV_ABORT]	= { S(CLOSED), GONE },
		[TETHER_EV_SYN]		= { S(SYN_RECEIVED), SYN },
		[TETHER_EV_SYN_ACK]	= { SAME, RST },
		[TETHER_EV_ACK]		= { SAME, RST },
		[TETHER_EV_FIN]		= ILLEGAL,
		[TETHER_EV_FIN_ACK]	= ILLEGAL,
		[TETHER_EV_RST]		= NOTHING,
		[TETHER_EV_TIMEOUT]	= ILLEGAL,
	},
};

FIXTURE_VARIANT_ADD(state, syn_sent) {
	.from = S(SYN_SENT),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= { S(CLOSED), GONE },
		[TETHER_EV_ABORT]	= { S(CLOSED), GONE },
		[TETHER_EV_SYN]		= { S(SYN_RECEIVED), SYN },
		[TETHER_EV_SYN_ACK]	= { S(ESTABLISHED), ACK | OPEN },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= ILLEGAL,
		[TETHER_EV_FIN_ACK]	= ILLEGAL,
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), GONE },
	},
};

FIXTURE_VARIANT_ADD(state, syn_received) {
	.from = S(SYN_RECEIVED),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= { S(FIN_WAIT1), FIN },
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, SYN },
		[TETHER_EV_SYN_ACK]	= { S(ESTABLISHED), OPEN },
		[TETHER_EV_ACK]		= { S(ESTABLISHED), OPEN },
		[TETHER_EV_FIN]		= { S(CLOSE_WAIT), ACK },
		[TETHER_EV_FIN_ACK]	= ILLEGAL,
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, established) {
	.from = S(ESTABLISHED),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= { S(FIN_WAIT1), FIN },
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, ACK },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { S(CLOSE_WAIT), ACK },
		[TETHER_EV_FIN_ACK]	= ILLEGAL,
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, fin_wait1) {
	.from = S(FIN_WAIT1),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= NOTHING,
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, ACK },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { S(CLOSING), ACK },
		[TETHER_EV_FIN_ACK]	= { S(FIN_WAIT2), 0 },
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, fin_wait2) {
	.from = S(FIN_WAIT2),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= NOTHING,
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, ACK },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { S(TIME_WAIT), ACK | WAIT },
		[TETHER_EV_FIN_ACK]	= ILLEGAL,
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, close_wait) {
	.from = S(CLOSE_WAIT),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= { S(LAST_ACK), FIN },
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, ACK },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { SAME, ACK },
		[TETHER_EV_FIN_ACK]	= ILLEGAL,
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, closing) {
	.from = S(CLOSING),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= NOTHING,
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, ACK },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { SAME, ACK },
		[TETHER_EV_FIN_ACK]	= { S(TIME_WAIT), WAIT },
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, last_ack) {
	.from = S(LAST_ACK),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= NOTHING,
		[TETHER_EV_ABORT]	= { S(CLOSED), RST | GONE },
		[TETHER_EV_SYN]		= { SAME, ACK },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { SAME, ACK },
		[TETHER_EV_FIN_ACK]	= { S(CLOSED), GONE },
		[TETHER_EV_RST]		= { S(CLOSED), GONE },
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), RST | GONE },
	},
};

FIXTURE_VARIANT_ADD(state, time_wait) {
	.from = S(TIME_WAIT),
	.on = {
		[TETHER_EV_LISTEN]	= ILLEGAL,
		[TETHER_EV_CONNECT]	= ILLEGAL,
		[TETHER_EV_CLOSE]	= NOTHING,
		[TETHER_EV_ABORT]	= { S(CLOSED), GONE },
		[TETHER_EV_SYN]		= { S(CLOSED), GONE },
		[TETHER_EV_SYN_ACK]	= { SAME, ACK },
		[TETHER_EV_ACK]		= NOTHING,
		[TETHER_EV_FIN]		= { SAME, ACK | WAIT },
		[TETHER_EV_FIN_ACK]	= NOTHING,
		[TETHER_EV_RST]		= NOTHING,
		[TETHER_EV_TIMEOUT]	= { S(CLOSED), GONE },
	},
};

TEST_F(state, next__table)
{
	enum tether_state state, want;
	unsigned int act;
	int ev;

	for (ev = 0; ev < TETHER_EV_MAX; ev++) {
		state = variant->from;
		want = variant->on[ev].to ? variant->on[ev].to : variant->from;
		act = tether_state_next(&state, ev);
		EXPECT_EQ(want, state)
			TH_LOG("%s on %s: went to %s, not %s",
			       tether_state_name(variant->from),
			       event_names[ev], tether_state_name(state),
			       tether_state_name(want));
		EXPECT_EQ(variant->on[ev].act, act)
			TH_LOG("%s on %s", tether_state_name(variant->from),
			       event_names[ev]);
	}
}

/* Whatever follows whatever: no way out of the eleven states. */
TEST_F(state, next__stays_inside)
{
	enum tether_state state;
	int a, b, c;

	for (a = 0; a < TETHER_EV_MAX; a++)
		for (b = 0; b < TETHER_EV_MAX; b++)
			for (c = 0; c < TETHER_EV_MAX; c++) {
				state = variant->from;
				tether_state_next(&state, a);
				tether_state_next(&state, b);
				tether_state_next(&state, c);
				ASSERT_GT(state, 0);
				ASSERT_LT(state, TETHER_STATE_MAX);
			}
}

TEST_F(state, name__known)
{
	EXPECT_STRNE("?", tether_state_name(variant->from));
}

TEST(state_next__invalid_state)
{
	enum tether_state state = TETHER_STATE_MAX;

	EXPECT_EQ(TETHER_ACT_ILLEGAL, tether_state_next(&state, TETHER_EV_RST));
	EXPECT_EQ(TETHER_STATE_MAX, state);
}

TEST(state_next__invalid_event)
{
	enum tether_state state = TETHER_ESTABLISHED;

	EXPECT_EQ(TETHER_ACT_ILLEGAL, tether_state_next(&state, TETHER_EV_MAX));
	EXPECT_EQ(TETHER_ESTABLISHED, state);
}

TEST(state_name__unknown)
{
	EXPECT_STREQ("?", tether_state_name(0));
	EXPECT_STREQ("?", tether_state_name(TETHER_STATE_MAX));
}

TEST_HARNESS_MAIN

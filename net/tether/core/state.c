// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine: TCP's eleven states (RFC 9293 section 3.3.2, figure 5).
 *
 * A nested switch, total over states and events. It is the only place that
 * assigns a state; it does nothing else, and says by returned bits what its
 * caller has to do. What an event means in a state is all here; whether the
 * event has happened (is this RST acceptable? does this ACK cover our FIN?)
 * is decided by conn.c, half.c and wait.c before they ask.
 */

#include <linux/kernel.h>
#include "state.h"

static unsigned int enter(enum tether_state *state, enum tether_state next,
			  unsigned int actions)
{
	*state = next;
	return actions;
}

static unsigned int over(enum tether_state *state, unsigned int actions)
{
	return enter(state, TETHER_CLOSED, TETHER_ACT_GONE | actions);
}

static unsigned int next_closed(enum tether_state *state,
				enum tether_event event)
{
	switch (event) {
	case TETHER_EV_LISTEN:
		return enter(state, TETHER_LISTEN, 0);
	case TETHER_EV_CONNECT:
		return enter(state, TETHER_SYN_SENT, TETHER_ACT_SYN);
	case TETHER_EV_CLOSE:
	case TETHER_EV_ABORT:
	case TETHER_EV_RST:
		return 0;
	case TETHER_EV_SYN:
	case TETHER_EV_SYN_ACK:
	case TETHER_EV_ACK:
	case TETHER_EV_FIN:
	case TETHER_EV_FIN_ACK:
		return TETHER_ACT_RST;
	case TETHER_EV_TIMEOUT:
	case TETHER_EV_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

/*
 * A SYN that reaches a listener moves a new object, born in LISTEN, on to
 * SYN_RECEIVED; the listener stays.
 */
static unsigned int next_listen(enum tether_state *state,
				enum tether_event event)
{
	switch (event) {
	case TETHER_EV_SYN:
		return enter(state, TETHER_SYN_RECEIVED, TETHER_ACT_SYN);
	case TETHER_EV_CLOSE:
	case TETHER_EV_ABORT:
		return over(state, 0);
	case TETHER_EV_LISTEN:
	case TETHER_EV_RST:
		return 0;
	case TETHER_EV_SYN_ACK:
	case TETHER_EV_ACK:
		return TETHER_ACT_RST;
	case TETHER_EV_CONNECT:
	case TETHER_EV_FIN:
	case TETHER_EV_FIN_ACK:
	case TETHER_EV_TIMEOUT:
	case TETHER_EV_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

static unsigned int next_syn_sent(enum tether_state *state,
				  enum tether_event event)
{
	switch (event) {
	case TETHER_EV_SYN:
		return enter(state, TETHER_SYN_RECEIVED, TETHER_ACT_SYN);
	case TETHER_EV_SYN_ACK:
		return enter(state, TETHER_ESTABLISHED,
			     TETHER_ACT_ACK | TETHER_ACT_OPEN);
	case TETHER_EV_CLOSE:
	case TETHER_EV_ABORT:
	case TETHER_EV_RST:
	case TETHER_EV_TIMEOUT:
		return over(state, 0);
	case TETHER_EV_ACK:
		return 0;
	case TETHER_EV_LISTEN:
	case TETHER_EV_CONNECT:
	case TETHER_EV_FIN:
	case TETHER_EV_FIN_ACK:
	case TETHER_EV_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

static unsigned int next_syn_received(enum tether_state *state,
				      enum tether_event event)
{
	switch (event) {
	case TETHER_EV_ACK:
	case TETHER_EV_SYN_ACK:
		return enter(state, TETHER_ESTABLISHED, TETHER_ACT_OPEN);
	case TETHER_EV_CLOSE:
		return enter(state, TETHER_FIN_WAIT1, TETHER_ACT_FIN);
	case TETHER_EV_SYN:
		return TETHER_ACT_SYN;
	case TETHER_EV_FIN:
		return enter(state, TETHER_CLOSE_WAIT, TETHER_ACT_ACK);
	case TETHER_EV_ABORT:
		return over(state, TETHER_ACT_RST);
	case TETHER_EV_TIMEOUT:
		return over(state, TETHER_ACT_RST);
	case TETHER_EV_RST:
		return over(state, 0);
	case TETHER_EV_LISTEN:
	case TETHER_EV_CONNECT:
	case TETHER_EV_FIN_ACK:
	case TETHER_EV_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

/*
 * What is the same in all states after the handshake: a SYN is answered with
 * an ACK (RFC 5961 section 4), everything else here ends the connection.
 */
static unsigned int next_synchronized(enum tether_state *state,
				      enum tether_event event)
{
	switch (event) {
	case TETHER_EV_SYN:
	case TETHER_EV_SYN_ACK:
		return TETHER_ACT_ACK;
	case TETHER_EV_ABORT:
	case TETHER_EV_TIMEOUT:
		return over(state, TETHER_ACT_RST);
	case TETHER_EV_RST:
		return over(state, 0);
	case TETHER_EV_ACK:
	case TETHER_EV_CLOSE:
		return 0;
	case TETHER_EV_LISTEN:
	case TETHER_EV_CONNECT:
	case TETHER_EV_FIN:
	case TETHER_EV_FIN_ACK:
	case TETHER_EV_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

static unsigned int next_established(enum tether_state *state,
				     enum tether_event event)
{
	switch (event) {
	case TETHER_EV_CLOSE:
		return enter(state, TETHER_FIN_WAIT1, TETHER_ACT_FIN);
	case TETHER_EV_FIN:
		return enter(state, TETHER_CLOSE_WAIT, TETHER_ACT_ACK);
	default:
		return next_synchronized(state, event);
	}
}

static unsigned int next_fin_wait1(enum tether_state *state,
				   enum tether_event event)
{
	switch (event) {
	case TETHER_EV_FIN_ACK:
		return enter(state, TETHER_FIN_WAIT2, 0);
	case TETHER_EV_FIN:
		return enter(state, TETHER_CLOSING, TETHER_ACT_ACK);
	default:
		return next_synchronized(state, event);
	}
}

static unsigned int next_fin_wait2(enum tether_state *state,
				   enum tether_event event)
{
	switch (event) {
	case TETHER_EV_FIN:
		return enter(state, TETHER_TIME_WAIT,
			     TETHER_ACT_ACK | TETHER_ACT_WAIT);
	default:
		return next_synchronized(state, event);
	}
}

static unsigned int next_close_wait(enum tether_state *state,
				    enum tether_event event)
{
	switch (event) {
	case TETHER_EV_CLOSE:
		return enter(state, TETHER_LAST_ACK, TETHER_ACT_FIN);
	case TETHER_EV_FIN:
		return TETHER_ACT_ACK;
	default:
		return next_synchronized(state, event);
	}
}

static unsigned int next_closing(enum tether_state *state,
				 enum tether_event event)
{
	switch (event) {
	case TETHER_EV_FIN_ACK:
		return enter(state, TETHER_TIME_WAIT, TETHER_ACT_WAIT);
	case TETHER_EV_FIN:
		return TETHER_ACT_ACK;
	default:
		return next_synchronized(state, event);
	}
}

static unsigned int next_last_ack(enum tether_state *state,
				  enum tether_event event)
{
	switch (event) {
	case TETHER_EV_FIN_ACK:
		return over(state, 0);
	case TETHER_EV_FIN:
		return TETHER_ACT_ACK;
	default:
		return next_synchronized(state, event);
	}
}

/* RST is ignored: RFC 1337. A SYN reopens: RFC 9293 section 3.10.7.4, MAY-2. */
static unsigned int next_time_wait(enum tether_state *state,
				   enum tether_event event)
{
	switch (event) {
	case TETHER_EV_FIN:
		return TETHER_ACT_ACK | TETHER_ACT_WAIT;
	case TETHER_EV_SYN:
	case TETHER_EV_TIMEOUT:
	case TETHER_EV_ABORT:
		return over(state, 0);
	case TETHER_EV_SYN_ACK:
		return TETHER_ACT_ACK;
	case TETHER_EV_ACK:
	case TETHER_EV_FIN_ACK:
	case TETHER_EV_RST:
	case TETHER_EV_CLOSE:
		return 0;
	case TETHER_EV_LISTEN:
	case TETHER_EV_CONNECT:
	case TETHER_EV_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

/**
 * tether_state_next() - let an event happen
 * @state: the state, changed in place
 * @event: what happens
 *
 * Return: mask of enum tether_action; TETHER_ACT_ILLEGAL if the event cannot
 * happen in this state, which then stays as it is.
 */
unsigned int tether_state_next(enum tether_state *state,
			       enum tether_event event)
{
	switch (*state) {
	case TETHER_CLOSED:
		return next_closed(state, event);
	case TETHER_LISTEN:
		return next_listen(state, event);
	case TETHER_SYN_SENT:
		return next_syn_sent(state, event);
	case TETHER_SYN_RECEIVED:
		return next_syn_received(state, event);
	case TETHER_ESTABLISHED:
		return next_established(state, event);
	case TETHER_FIN_WAIT1:
		return next_fin_wait1(state, event);
	case TETHER_FIN_WAIT2:
		return next_fin_wait2(state, event);
	case TETHER_CLOSE_WAIT:
		return next_close_wait(state, event);
	case TETHER_CLOSING:
		return next_closing(state, event);
	case TETHER_LAST_ACK:
		return next_last_ack(state, event);
	case TETHER_TIME_WAIT:
		return next_time_wait(state, event);
	case TETHER_STATE_MAX:
		break;
	}
	return TETHER_ACT_ILLEGAL;
}

/**
 * tether_state_name() - name of a state, as netstat and ss write it
 * @state: the state
 *
 * Return: a constant string.
 */
const char *tether_state_name(enum tether_state state)
{
	static const char * const names[TETHER_STATE_MAX] = {
		[TETHER_ESTABLISHED]	= "ESTABLISHED",
		[TETHER_SYN_SENT]	= "SYN_SENT",
		[TETHER_SYN_RECEIVED]	= "SYN_RECEIVED",
		[TETHER_FIN_WAIT1]	= "FIN_WAIT1",
		[TETHER_FIN_WAIT2]	= "FIN_WAIT2",
		[TETHER_TIME_WAIT]	= "TIME_WAIT",
		[TETHER_CLOSED]		= "CLOSED",
		[TETHER_CLOSE_WAIT]	= "CLOSE_WAIT",
		[TETHER_LAST_ACK]	= "LAST_ACK",
		[TETHER_LISTEN]		= "LISTEN",
		[TETHER_CLOSING]	= "CLOSING",
	};

	return state < TETHER_STATE_MAX && names[state] ? names[state] : "?";
}

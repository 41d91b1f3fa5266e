/* SPDX-License-Identifier: GPL-2.0 */
/* The state machine: TCP's eleven states (RFC 9293 section 3.3.2). */
#ifndef _TETHER_CORE_STATE_H
#define _TETHER_CORE_STATE_H

#include <linux/types.h>

/* The numbers are those of enum tcp_state: sk->sk_state mirrors them. */
enum tether_state {
	TETHER_ESTABLISHED = 1,
	TETHER_SYN_SENT,
	TETHER_SYN_RECEIVED,
	TETHER_FIN_WAIT1,
	TETHER_FIN_WAIT2,
	TETHER_TIME_WAIT,
	TETHER_CLOSED,
	TETHER_CLOSE_WAIT,
	TETHER_LAST_ACK,
	TETHER_LISTEN,
	TETHER_CLOSING,
	TETHER_STATE_MAX
};

/* Sets of states are masks of these bits. */
#define TETHER_STATE_BIT(state)	(1U << (state))

/**
 * enum tether_event - what can happen to a connection
 * @TETHER_EV_LISTEN: the program calls listen(2)
 * @TETHER_EV_CONNECT: the program calls connect(2)
 * @TETHER_EV_CLOSE: the program ends its half: close(2), shutdown(2)
 * @TETHER_EV_ABORT: the program or the host gives the connection up
 * @TETHER_EV_SYN: a SYN arrives
 * @TETHER_EV_SYN_ACK: a SYN arrives that acknowledges ours
 * @TETHER_EV_ACK: our SYN is acknowledged
 * @TETHER_EV_FIN: the peer's FIN is next in sequence
 * @TETHER_EV_FIN_ACK: our FIN is acknowledged
 * @TETHER_EV_RST: an acceptable RST arrives
 * @TETHER_EV_TIMEOUT: retransmission, FIN_WAIT2 or TIME_WAIT ran out
 * @TETHER_EV_MAX: number of events, not an event
 */
enum tether_event {
	TETHER_EV_LISTEN,
	TETHER_EV_CONNECT,
	TETHER_EV_CLOSE,
	TETHER_EV_ABORT,
	TETHER_EV_SYN,
	TETHER_EV_SYN_ACK,
	TETHER_EV_ACK,
	TETHER_EV_FIN,
	TETHER_EV_FIN_ACK,
	TETHER_EV_RST,
	TETHER_EV_TIMEOUT,
	TETHER_EV_MAX
};

/* What has to be done because of an event; a mask. */
enum tether_action {
	TETHER_ACT_SYN		= 0x01,	/* send our SYN (with ACK if due) */
	TETHER_ACT_ACK		= 0x02,	/* send an ACK */
	TETHER_ACT_FIN		= 0x04,	/* queue our FIN behind the data */
	TETHER_ACT_RST		= 0x08,	/* send an RST */
	TETHER_ACT_OPEN		= 0x10,	/* the connection is open */
	TETHER_ACT_WAIT		= 0x20,	/* (re)start the 2 MSL wait */
	TETHER_ACT_GONE		= 0x40,	/* the connection is over */
	TETHER_ACT_ILLEGAL	= 0x80,	/* cannot happen in this state */
};

unsigned int tether_state_next(enum tether_state *state,
			       enum tether_event event);
const char *tether_state_name(enum tether_state state);

#endif /* _TETHER_CORE_STATE_H */

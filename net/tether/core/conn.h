/* SPDX-License-Identifier: GPL-2.0 */
/* The connection: the reliable stream as data and functions. */
#ifndef _TETHER_CORE_CONN_H
#define _TETHER_CORE_CONN_H

#include <linux/skbuff.h>
#include <linux/types.h>
#include "config.h"
#include "path.h"
#include "recvq.h"
#include "sendq.h"
#include "state.h"
#include "wire.h"

struct tether_half;

/*
 * What a call did, as a mask. The first group is for the shell to act on;
 * every bit of both groups has a counter, named by tether_did_name().
 */
enum tether_did {
	TETHER_DID_CONNECT	= 1U << 0,	/* became ESTABLISHED */
	TETHER_DID_READABLE	= 1U << 1,	/* bytes for the program */
	TETHER_DID_WRITABLE	= 1U << 2,	/* send queue space was freed */
	TETHER_DID_PEER_FIN	= 1U << 3,	/* the peer ended its half */
	TETHER_DID_ERROR	= 1U << 4,	/* conn->err is set */
	TETHER_DID_CLOSE	= 1U << 5,	/* state is CLOSED now */
	TETHER_DID_TIME_WAIT	= 1U << 6,	/* state is TIME_WAIT now */

	TETHER_DID_RTO		= 1U << 8,	/* retransmission time-out */
	TETHER_DID_FAST_RTX	= 1U << 9,	/* third duplicate ACK */
	TETHER_DID_DUPACK	= 1U << 10,	/* a duplicate ACK came */
	TETHER_DID_PROBE	= 1U << 11,	/* zero-window probe due */
	TETHER_DID_KEEPALIVE	= 1U << 12,	/* keepalive probe due */
	TETHER_DID_OOO		= 1U << 13,	/* segment out of order kept */
	TETHER_DID_OLD		= 1U << 14,	/* old bytes came again */
	TETHER_DID_DELAYED_ACK	= 1U << 15,	/* ACK timer ran out */
	TETHER_DID_SYN_RTX	= 1U << 16,	/* SYN or SYN+ACK again */
	TETHER_DID_SIMULTANEOUS	= 1U << 17,	/* simultaneous open or close */
	TETHER_DID_TIMEOUT	= 1U << 18,	/* gave the connection up */
	TETHER_DID_ZERO_WINDOW	= 1U << 19,	/* peer's window became zero */
	TETHER_DID_UPDATE	= 1U << 20,	/* window update due */
	TETHER_DID_RESET	= 1U << 21,	/* the peer reset it */
	TETHER_DID_FULL		= 1U << 22,	/* receive buffer over limit */
	TETHER_DID_CHALLENGE	= 1U << 23,	/* challenge ACK due (RFC 5961) */
	TETHER_DID_MAX		= 24		/* number of bits, not a bit */
};

/* What a connection is about to send besides data; a mask. */
enum tether_due {
	TETHER_DUE_SYN		= 0x01,	/* SYN, or SYN+ACK once one came */
	TETHER_DUE_ACK		= 0x02,	/* an ACK at once */
	TETHER_DUE_DUPACK	= 0x04,	/* that ACK repeats the last window */
	TETHER_DUE_PROBE	= 0x08,	/* a PROBE */
	TETHER_DUE_RST		= 0x10,	/* an RST with conn->reason */
	TETHER_DUE_REJECT	= 0x20,	/* an RST at conn->reject; we live on */
};

/* Timers of a connection; the index into conn->deadline. */
enum tether_timer {
	TETHER_TIMER_RTO,	/* oldest byte, SYN or FIN in flight */
	TETHER_TIMER_ACK,	/* delayed ACK */
	TETHER_TIMER_PROBE,	/* zero window */
	TETHER_TIMER_KEEP,	/* keepalive */
	TETHER_TIMER_ORPHAN,	/* closed by the program, not yet CLOSED */
	TETHER_TIMER_MAX
};

/**
 * struct tether_conn - one connection
 * @state: written by tether_state_next() alone
 * @did: enum tether_did since the last call that returned it
 * @due: enum tether_due
 * @err: positive errno that ended it; the shell reports it once
 * @reason: enum tether_reason that we sent, or that the peer sent
 * @cfg: parameters; outlives the connection
 * @path: where its frames go
 * @sport: local port
 * @dport: the peer's port
 * @sndq: bytes queued for sending
 * @iss: our initial sequence number
 * @una: oldest sequence number not acknowledged
 * @nxt: next sequence number to send for the first time
 * @rtx: next byte to retransmit; a range is due while it is below @rtx_end
 * @rtx_end: end of the range to retransmit
 * @small: end of the last segment sent below the MSS (Nagle, Minshall)
 * @wl1: sequence number of the segment that last updated the window
 * @wl2: acknowledgment number of that segment
 * @window: bytes the peer can take from @wl2 on
 * @max_window: largest @window seen
 * @reject: sequence number of the RST that TETHER_DUE_REJECT asks for
 * @rcvq: bytes received
 * @irs: the peer's initial sequence number
 * @fin_seq: sequence number of the peer's FIN, valid with @fin_seen
 * @edge: right edge of the window that we have advertised
 * @acked: acknowledgment number that we sent last
 * @limit: receive buffer in truesize; the shell keeps it
 * @frame: payload of the largest recent frame from the peer
 * @starved: bytes inside the window were refused for want of memory; until
 *	the program has made room the window is said to be closed
 * @ts_recent: timestamp to echo (RFC 7323 section 4.3)
 * @deadline: per enum tether_timer, 0 for not armed
 * @last_recv: when the last acceptable segment came
 * @challenged: when the last challenge ACK was due, 0 for never
 * @retries: time-outs in a row
 * @probes: unanswered probes in a row
 * @nodelay: no Nagle
 * @more: the program is still writing: hold a partial segment
 * @blocked: but it waits for room in @sndq: hold it no longer than something is
 *	in flight whose ACK makes room
 * @keepalive: send keepalive probes
 * @deaf: the program has shut down its receiving half
 * @orphan: the program has closed
 * @fin_queued: our FIN follows the last byte of @sndq
 * @fin_sent: and has been sent at least once
 * @fin_seen: the peer's FIN has come, perhaps ahead of missing bytes
 * @fin_rcvd: all bytes before the peer's FIN have come, too
 * @passive: opened by the peer
 *
 * Owner: whoever holds the socket lock. The queues belong to the connection;
 * tether_conn_destroy() frees them.
 */
struct tether_conn {
	enum tether_state	state;
	u32			did;
	u8			due;
	u8			reason;
	u16			err;
	const struct tether_config *cfg;
	struct tether_path	path;
	u16			sport;
	u16			dport;

	struct tether_sendq	sndq;
	u64			iss;
	u64			una;
	u64			nxt;
	u64			rtx;
	u64			rtx_end;
	u64			small;
	u64			wl1;
	u64			wl2;
	u32			window;
	u32			max_window;
	u64			reject;

	struct tether_recvq	rcvq;
	u64			irs;
	u64			fin_seq;
	u64			edge;
	u64			acked;
	u32			limit;
	u32			frame;
	u32			ts_recent;

	u64			deadline[TETHER_TIMER_MAX];
	u64			last_recv;
	u64			challenged;
	u8			retries;
	u8			probes;
	bool			starved;
	bool			nodelay;
	bool			more;
	bool			blocked;
	bool			keepalive;
	bool			deaf;
	bool			orphan;
	bool			fin_queued;
	bool			fin_sent;
	bool			fin_seen;
	bool			fin_rcvd;
	bool			passive;
};

void tether_conn_init(struct tether_conn *conn,
		      const struct tether_config *cfg);
bool tether_conn_listen(struct tether_conn *conn);
u32 tether_conn_connect(struct tether_conn *conn, u64 iss, u64 now);
u32 tether_conn_accept(struct tether_conn *conn,
		       const struct tether_half *half, u64 now);
u32 tether_conn_segment(struct tether_conn *conn, struct tether_path *path,
			struct tether_segment *seg, struct sk_buff *skb,
			u64 now);
bool tether_conn_transmit(struct tether_conn *conn, u64 now,
			  struct tether_frame *frame);
u32 tether_conn_congested(struct tether_conn *conn,
			  const struct tether_frame *frame);
u32 tether_conn_timer(struct tether_conn *conn, u64 now);
u64 tether_conn_deadline(const struct tether_conn *conn);
u32 tether_conn_push(struct tether_conn *conn, struct sk_buff *skb);
u32 tether_conn_read(struct tether_conn *conn, u32 bytes);
u32 tether_conn_shutdown(struct tether_conn *conn);
u32 tether_conn_close(struct tether_conn *conn, u64 now);
u32 tether_conn_abort(struct tether_conn *conn, enum tether_reason reason,
		      int err);
void tether_conn_keepalive(struct tether_conn *conn, bool on, u64 now);
void tether_conn_destroy(struct tether_conn *conn);
void tether_conn_arm(struct tether_conn *conn, enum tether_timer timer,
		     u64 now, u64 delay);
u32 tether_conn_rto(const struct tether_conn *conn);
u32 tether_conn_unit(const struct tether_conn *conn);
bool tether_conn_window_shut(const struct tether_conn *conn, u32 limit);
bool tether_conn_window_moves(const struct tether_conn *conn, u64 *edge);
u32 tether_conn_result(struct tether_conn *conn);
unsigned int tether_conn_event(struct tether_conn *conn,
			       enum tether_event event);
void tether_conn_end(struct tether_conn *conn, enum tether_event event,
		     enum tether_reason reason, int err);
const char *tether_did_name(unsigned int bit);

/* Next sequence number expected from the peer, its FIN included. */
static inline u64 tether_conn_rcv_nxt(const struct tether_conn *conn)
{
	return conn->rcvq.nxt + conn->fin_rcvd;
}

/* Bytes and flags sent but not acknowledged. */
static inline u64 tether_conn_flight(const struct tether_conn *conn)
{
	return conn->nxt - conn->una;
}

/* Truesize of all that is queued: the shell settles its charge by it. */
static inline u32 tether_conn_truesize_send(const struct tether_conn *conn)
{
	return conn->sndq.truesize;
}

static inline u32 tether_conn_truesize_recv(const struct tether_conn *conn)
{
	return conn->rcvq.truesize;
}

#endif /* _TETHER_CORE_CONN_H */

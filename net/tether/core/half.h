/* SPDX-License-Identifier: GPL-2.0 */
/* The half-open connection: LISTEN's answer to a SYN, until the final ACK. */
#ifndef _TETHER_CORE_HALF_H
#define _TETHER_CORE_HALF_H

#include <linux/types.h>
#include "config.h"
#include "state.h"
#include "wire.h"

/**
 * enum tether_listen - what a listener does with a segment
 * @TETHER_LISTEN_DROP: nothing; seg->drop says why
 * @TETHER_LISTEN_RESET: answer with an RST (tether_wire_reset())
 * @TETHER_LISTEN_SYN: make a half-open connection
 */
enum tether_listen {
	TETHER_LISTEN_DROP,
	TETHER_LISTEN_RESET,
	TETHER_LISTEN_SYN,
};

/**
 * enum tether_half_did - what became of a half-open connection
 * @TETHER_HALF_KEEP: nothing to do
 * @TETHER_HALF_REPLY: send the SYN+ACK (tether_half_frame())
 * @TETHER_HALF_OPEN: the final ACK came: make it a connection, and hand the
 *	same segment to it
 * @TETHER_HALF_RESET: answer the segment with an RST, and keep it
 * @TETHER_HALF_GONE: forget it: RST from the peer, or out of retries
 */
enum tether_half_did {
	TETHER_HALF_KEEP,
	TETHER_HALF_REPLY,
	TETHER_HALF_OPEN,
	TETHER_HALF_RESET,
	TETHER_HALF_GONE,
};

/**
 * struct tether_half - a connection in SYN_RECEIVED
 * @state: TETHER_SYN_RECEIVED
 * @cfg: parameters
 * @iss: our initial sequence number
 * @irs: the peer's
 * @window: bytes the peer can take
 * @rcv_window: bytes that we offer
 * @ts_recent: the peer's latest timestamp
 * @peer_ack_delay: from the SYN, or 0
 * @deadline: of the next retransmission
 * @sent: when the SYN+ACK was last sent
 * @sport: local port
 * @dport: the peer's port
 * @local_mss: what we offer
 * @peer_mss: what the SYN offered
 * @retries: retransmissions so far
 *
 * Owner: whoever holds the listener's lock.
 */
struct tether_half {
	enum tether_state	state;
	const struct tether_config *cfg;
	u64			iss;
	u64			irs;
	u32			window;
	u32			rcv_window;
	u32			ts_recent;
	u32			peer_ack_delay;
	u64			deadline;
	u64			sent;
	u16			sport;
	u16			dport;
	u16			local_mss;
	u16			peer_mss;
	u8			retries;
};

enum tether_listen tether_listen_segment(struct tether_segment *seg);
void tether_half_init(struct tether_half *half,
		      const struct tether_config *cfg,
		      const struct tether_segment *seg, u64 iss, u16 local_mss,
		      u32 rcv_window, u64 now);
enum tether_half_did tether_half_segment(struct tether_half *half,
					 struct tether_segment *seg, u64 now);
enum tether_half_did tether_half_timer(struct tether_half *half, u64 now);
void tether_half_frame(struct tether_half *half, u64 now,
		       struct tether_frame *frame);

#endif /* _TETHER_CORE_HALF_H */

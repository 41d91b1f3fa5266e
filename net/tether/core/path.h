/* SPDX-License-Identifier: GPL-2.0 */
/* The path: one device and one peer, and what is known of the way there. */
#ifndef _TETHER_CORE_PATH_H
#define _TETHER_CORE_PATH_H

#include <linux/types.h>
#include "cong.h"
#include "rtt.h"

/**
 * struct tether_path - the way to a peer; exactly one per connection for now
 * @device: token of the device, the interface index; 0 for none
 * @peer: MAC address of the peer, zeros on lo
 * @split: the device cannot take a super-frame whole, so that frames are cut
 *	at multiples of @mss
 * @mss: largest payload of one segment: the smaller of @local_mss, @peer_mss
 * @local_mss: largest payload that the device carries; announced in our SYN
 * @peer_mss: largest payload that the peer's SYN allows
 * @frame_max: largest payload of one (super-)frame, at least @mss
 * @ack_delay: largest ACK delay that the peer announced, microseconds
 * @rtt: round-trip times
 * @cong: congestion state
 */
struct tether_path {
	u32			device;
	u8			peer[6];
	bool			split;
	u16			mss;
	u16			local_mss;
	u16			peer_mss;
	u16			frame_max;
	u32			ack_delay;
	struct tether_rtt	rtt;
	struct tether_cong	cong;
};

void tether_path_init(struct tether_path *path, u32 device, const u8 *peer);
void tether_path_limits(struct tether_path *path, u16 local_mss, u16 frame_max,
			bool split);
void tether_path_peer(struct tether_path *path, u16 peer_mss, u32 ack_delay);

#endif /* _TETHER_CORE_PATH_H */

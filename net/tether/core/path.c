// SPDX-License-Identifier: GPL-2.0
/* The path: one device and one peer, and what is known of the way there. */

#include <linux/kernel.h>
#include <linux/string.h>
#include "config.h"
#include "path.h"
#include "wire.h"

/* A peer that does not say gets what every Ethernet carries (RFC 9293 3.7.1). */
#define DEFAULT_MSS	536

static void update(struct tether_path *path)
{
	path->mss = min(path->local_mss, path->peer_mss);
	path->mss = max_t(u16, path->mss, TETHER_MIN_MSS);
	path->frame_max = max(path->frame_max, path->mss);
}

/**
 * tether_path_init() - a path of which nothing is known
 * @path: the path
 * @device: token of the device
 * @peer: MAC address of the peer
 *
 * tether_path_limits() must follow before anything is sent.
 */
void tether_path_init(struct tether_path *path, u32 device, const u8 *peer)
{
	memset(path, 0, sizeof(*path));
	path->device = device;
	memcpy(path->peer, peer, sizeof(path->peer));
	path->local_mss = DEFAULT_MSS;
	path->peer_mss = U16_MAX;
	path->frame_max = TETHER_MIN_MSS;
	tether_rtt_init(&path->rtt);
	update(path);
}

/**
 * tether_path_limits() - what the device can carry, now
 * @path: the path
 * @local_mss: largest payload of one segment
 * @frame_max: largest payload of one frame; more than @local_mss if the
 *	device takes super-frames, at most TETHER_MAX_PAYLOAD
 * @split: super-frames are cut into segments at the device's edge
 */
void tether_path_limits(struct tether_path *path, u16 local_mss, u16 frame_max,
			bool split)
{
	path->local_mss = local_mss;
	path->frame_max = min_t(u16, frame_max, TETHER_MAX_PAYLOAD);
	path->split = split;
	update(path);
}

/**
 * tether_path_peer() - what the peer's SYN said
 * @path: the path
 * @peer_mss: its MSS, or 0 if it did not say
 * @ack_delay: its largest ACK delay in microseconds
 */
void tether_path_peer(struct tether_path *path, u16 peer_mss, u32 ack_delay)
{
	path->peer_mss = peer_mss ? peer_mss : DEFAULT_MSS;
	path->ack_delay = min(ack_delay, TETHER_USEC_PER_SEC);
	update(path);
}

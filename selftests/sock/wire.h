/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device whose other end is the test, which makes a peer's frames by hand
 * and reads the answers; see wire.c.
 */
#ifndef _SOCK_WIRE_H
#define _SOCK_WIRE_H

#include <stdbool.h>
#include "../net/frame.h"

/* What tells an answer from other frames. */
#define WIRE_KIND (SYN | ACK | FIN | RST)

/**
 * struct wire - the device, and the peer's view of one connection
 * @tap: the other end
 * @ifindex: the device
 * @mac: its MAC
 * @port: of the socket
 * @peer_port: of the peer
 * @window: that the peer offers
 * @seq: next to send
 * @ack: next expected
 * @ts: latest timestamp sent
 * @ts_echo: latest timestamp seen
 */
struct wire {
	int tap;
	unsigned int ifindex;
	__u8 mac[6];
	__u16 port, peer_port;
	__u32 window;
	__u64 seq, ack;
	__u32 ts, ts_echo;
};

extern struct wire wire;

bool wire_open(int flags);
void wire_close(void);
void wire_new_peer(void);
void wire_frame(struct frame *frame, int flags);
long wire_put(const struct frame *frame);
bool wire_send(int flags);
bool wire_bytes(size_t len);
bool wire_get(struct frame *frame, int timeout_ms);
bool wire_expect(int mask, int flags);
int wire_bound(int type);
bool wire_half(void);
int wire_child(int listener);
int wire_connecting(void);
bool wire_works(int fd);

#endif /* _SOCK_WIRE_H */

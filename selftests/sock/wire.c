// SPDX-License-Identifier: GPL-2.0
/*
 * A TAP device. What is written to its other end arrives at once, in the
 * context of the writer, and what the module sends can be read there. So a
 * frame is received, and answered, within a system call.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOCK_NO_HARNESS
#include "pair.h"
#include "wire.h"

#define PATIENCE_MS 600000
#define ISS 1000000

struct wire wire = { .tap = -1 };

static const __u8 peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x99 };

/* A new device, up; the one before is gone. */
bool wire_open(int flags)
{
	static int number;
	char name[IFNAMSIZ];

	wire_close();
	snprintf(name, sizeof(name), "wire%d", number++);
	wire.tap = frame_tap(name, flags);
	if (wire.tap < 0 || frame_own_mac(name, wire.mac))
		return false;
	sock_nonblock(wire.tap, true);
	wire.ifindex = if_nametoindex(name);
	/* The first frame of a device needs more than all others. */
	wire_send(RST);
	return true;
}

void wire_close(void)
{
	if (wire.tap >= 0)
		close(wire.tap);
	wire.tap = -1;
}

/* One that has not been heard of; what was meant for others is forgotten. */
void wire_new_peer(void)
{
	struct frame frame;

	while (wire_get(&frame, 0))
		;
	wire.peer_port++;
	wire.window = 65535;
	wire.seq = ISS;
	wire.ack = 0;
	wire.ts_echo = 0;
}

/* The peer's next frame. */
void wire_frame(struct frame *frame, int flags)
{
	static const __u8 mss[] = { 1, 1, 1460 >> 8, 1460 & 255 };

	frame_init(frame);
	memcpy(frame->dst, wire.mac, sizeof(frame->dst));
	memcpy(frame->src, peer_mac, sizeof(frame->src));
	frame->flags = flags;
	frame->sport = wire.peer_port;
	frame->dport = wire.port;
	frame->window = wire.window;
	frame->seq = wire.seq;
	frame->ack = flags & ACK ? wire.ack : 0;
	frame->ts = ++wire.ts;
	frame->ts_echo = wire.ts_echo;
	if (flags & SYN) {
		frame->options = mss;
		frame->options_len = sizeof(mss);
	}
}

/* It has arrived, and been dealt with, when this returns. */
long wire_put(const struct frame *frame)
{
	static __u8 data[FRAME_MAX];

	return write(wire.tap, data, frame_build(frame, data));
}

/* Send a frame and step over it. */
bool wire_send(int flags)
{
	struct frame frame;

	wire_frame(&frame, flags);
	wire.seq += !!(flags & SYN) + !!(flags & FIN);
	return wire_put(&frame) > 0;
}

bool wire_bytes(size_t len)
{
	static __u8 bytes[FRAME_MAX];
	struct frame frame;

	wire_frame(&frame, ACK | PSH);
	frame.payload = bytes;
	frame.payload_len = len;
	wire.seq += len;
	return wire_put(&frame) > 0;
}

/* The next frame for the peer; false if none comes. */
bool wire_get(struct frame *frame, int timeout_ms)
{
	struct pollfd pfd = { .fd = wire.tap, .events = POLLIN };
	static __u8 data[FRAME_MAX];
	ssize_t len;

	while (poll(&pfd, 1, timeout_ms) > 0) {
		len = read(wire.tap, data, sizeof(data));
		if (len < 0 || !frame_parse(frame, data, len) ||
		    memcmp(frame->dst, peer_mac, 6) ||
		    frame->dport != wire.peer_port)
			continue;
		wire.port = frame->sport;
		wire.ts_echo = frame->ts;
		wire.ack = frame->seq + frame->payload_len +
			   !!(frame->flags & SYN) + !!(frame->flags & FIN);
		return true;
	}
	return false;
}

/* Wait for a frame with these flags of those in the mask. */
bool wire_expect(int mask, int flags)
{
	struct frame frame;

	while (wire_get(&frame, PATIENCE_MS))
		if ((frame.flags & mask) == flags)
			return true;
	return false;
}

/* A socket on the device, for the peer to talk to; a stream listens. */
int wire_bound(int type)
{
	int fd = sock_open(type);
	struct sock_addr addr;

	sock_addr_any(&addr, 0);
	addr.th.sth_ifindex = wire.ifindex;
	if (fd < 0 || sock_bind(fd, &addr) ||
	    (type == SOCK_STREAM && listen(fd, 1)))
		return -1;
	wire.port = sock_port(fd);
	return fd;
}

/* The peer's SYN has been answered. */
bool wire_half(void)
{
	return wire_send(SYN) && wire_expect(WIRE_KIND, SYN | ACK);
}

int wire_child(int listener)
{
	return wire_half() && wire_send(ACK) ? sock_accept(listener) : -1;
}

/* A socket that has sent its SYN to the peer. */
int wire_connecting(void)
{
	int fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	struct sock_addr addr;

	sock_addr_any(&addr, wire.peer_port);
	addr.th.sth_ifindex = wire.ifindex;
	memcpy(addr.th.sth_addr, peer_mac, sizeof(peer_mac));
	if (sock_connect_addr(fd, &addr) != -1 || errno != EINPROGRESS ||
	    !wire_expect(WIRE_KIND, SYN))
		return -1;
	sock_nonblock(fd, false);
	return fd;
}

/* A byte each way, then end the connection. */
bool wire_works(int fd)
{
	struct frame frame;
	bool good;
	char c;

	good = wire_bytes(1) && recv(fd, &c, 1, 0) == 1 &&
	       send(fd, "x", 1, MSG_NOSIGNAL) == 1;
	while (good && wire_get(&frame, PATIENCE_MS) && !frame.payload_len)
		;
	return !sock_cut(fd) && good;
}

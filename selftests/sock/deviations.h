/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where Tether and TCP part: the whole list.
 *
 * A row is { program, test, step, links, TCP's outcome, Tether's, why }; an
 * outcome is what the step returned or minus its errno. A program fails if a
 * step differs from TCP without a row here, or if a row no longer holds.
 */
#ifndef _SOCK_DEVIATIONS_H
#define _SOCK_DEVIATIONS_H

#include "pair.h"

struct sock_deviation {
	const char *program;
	const char *test;
	const char *step;
	enum sock_link links;
	long tcp;
	long tether;
	const char *why;
};

static const struct sock_deviation sock_deviations[] = {
	{ "stream", "pending_disconnect", "port still shown", SOCK_BOTH, 1, 0,
	  "TCP goes on naming a port that it has given back" },
	{ "stream", "disconnect", "port still shown", SOCK_BOTH, 1, 0,
	  "TCP goes on naming a port that it has given back" },
	{ "data", "odd_flags", "urgent recv", SOCK_BOTH, -EINVAL, -EOPNOTSUPP,
	  "there is no urgent data" },
	{ "data", "odd_flags", "urgent send", SOCK_BOTH, 1, -EOPNOTSUPP,
	  "there is no urgent data" },
	{ "data", "low_water_part", "waits for as much again", SOCK_BOTH, 1, 0,
	  "the mark is for the call, not for what is queued" },
	{ "data", "low_water_part", "recv", SOCK_BOTH, 7, 4,
	  "the mark is for the call, not for what is queued" },
	{ "data", "not_ours", "fast open", SOCK_BOTH, 1, -EOPNOTSUPP,
	  "there is no fast open" },
	{ "data", "not_ours", "zero copy", SOCK_BOTH, 1, -EOPNOTSUPP,
	  "the kernel knows zero copy of its own families only" },
	{ "data", "not_ours", "urgent, inline", SOCK_BOTH, 1, -EOPNOTSUPP,
	  "there is no urgent data" },
	{ "data", "not_ours", "urgent recv", SOCK_BOTH, -EINVAL, -EOPNOTSUPP,
	  "there is no urgent data" },
	{ "options", "missing", "cork", SOCK_TETHER, 0, -ENOPROTOOPT,
	  "MSG_MORE does it" },
	{ "options", "missing", "corked", SOCK_TETHER, 1, -ENOPROTOOPT,
	  "MSG_MORE does it" },
	{ "options", "missing", "segment size", SOCK_TETHER, 0, -ENOPROTOOPT,
	  "the device says how large a segment is" },
	{ "options", "missing", "info", SOCK_TETHER, 0, -ENOPROTOOPT,
	  "/proc/net/tether tells of a connection" },
	{ "options", "identity", "protocol", SOCK_TETHER, IPPROTO_TCP, 0,
	  "the kernel takes IPPROTO_TCP for a struct tcp_sock" },
	{ "options", "identity", "protocol that was named", SOCK_TETHER,
	  IPPROTO_TCP, 0, "the kernel takes IPPROTO_TCP for a struct tcp_sock" },
	{ "options", "identity", "protocol of the other", SOCK_TETHER,
	  IPPROTO_UDP, 0, "the kernel takes IPPROTO_UDP for a struct udp_sock" },
	{ "options", "refused", "zero copy", SOCK_TETHER, 1, 0,
	  "the kernel knows zero copy of its own families only" },
	{ "options", "refused", "bind to the port of another", SOCK_TETHER,
	  0, -EADDRINUSE, "SO_REUSEPORT is not supported" },
	{ "options", "reuse_of_old", "TIME_WAIT", SOCK_BOTH, -EADDRINUSE, 0,
	  "starts rise: an old segment cannot fall into a new connection" },
	{ "dgram", "fresh", "port of a send that failed", SOCK_BOTH, 1, 0,
	  "a call that fails chooses no port" },
	{ "dgram", "addresses", "connect to port 0", SOCK_BOTH, 0, -EINVAL,
	  "a frame for port 0 is for nobody" },
	{ "dgram", "flags", "more", SOCK_BOTH, 1, -EOPNOTSUPP,
	  "a datagram is not collected from several calls" },
	{ "dgram", "nobody", "recv", SOCK_BOTH, -ECONNREFUSED, -EAGAIN,
	  "a datagram for nobody is dropped, without an answer" },
	{ "dgram", "nobody", "poll", SOCK_BOTH, 1, 0,
	  "a datagram for nobody is dropped, without an answer" },
	{ "unreachable", "no_connect", "connect", SOCK_BOTH, -ETIMEDOUT,
	  -ENETDOWN, "there are no routes: an address names a device" },
	{ "unreachable", "no_connect", "without waiting", SOCK_BOTH,
	  -EINPROGRESS, -ENETDOWN,
	  "there are no routes: an address names a device" },
	{ "unreachable", "no_datagram", "sendto", SOCK_BOTH, 1, -ENETDOWN,
	  "there are no routes: an address names a device" },
	{ "unreachable", "no_datagram", "send", SOCK_BOTH, 1, -ENETDOWN,
	  "there are no routes: an address names a device" },
	{ "unreachable", "no_datagram", "connect", SOCK_BOTH, 0, -ENETDOWN,
	  "there are no routes: an address names a device" },
};

#endif /* _SOCK_DEVIATIONS_H */

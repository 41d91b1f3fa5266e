/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * AF_TETHER: sockets straight over Ethernet, without IP.
 *
 * This header is the contract between tether.ko and programs: addresses,
 * options and the reasons that a connection can be reset for.
 */
#ifndef _UAPI_LINUX_TETHER_H
#define _UAPI_LINUX_TETHER_H

#include <linux/socket.h>
#include <linux/types.h>

/*
 * AF_MAX is compiled into the kernel, so the family borrows a number that no
 * stock kernel uses. The number in use is in
 * /sys/module/tether/parameters/family; this is the default.
 */
#define AF_TETHER	18
#define PF_TETHER	AF_TETHER

/* IEEE 802 Local Experimental Ethertype 1; the default of `ethertype=`. */
#define ETH_P_TETHER	0x88b5

#define SOL_TETHER	300

#define TETHER_ADDR_LEN	6

/**
 * struct sockaddr_tether - address of a socket on a link
 * @sth_family: the family number in use, AF_TETHER unless `family=` was given
 * @sth_port: port, big-endian; 0 at bind(2) chooses a free one; ports below
 *	1024 need CAP_NET_BIND_SERVICE
 * @sth_ifindex: the device that leads to @sth_addr; 0 at bind(2) means every
 *	device, 0 at connect(2) means lo or the device the socket is bound to
 * @sth_addr: the MAC address; zeros at bind(2) mean any, zeros at connect(2)
 *	mean this host (lo)
 * @__sth_pad: must be zero
 *
 * The size is that of struct sockaddr_in, so that programs which store
 * addresses of that size need no change.
 */
struct sockaddr_tether {
	__kernel_sa_family_t	sth_family;
	__be16			sth_port;
	__u32			sth_ifindex;
	__u8			sth_addr[TETHER_ADDR_LEN];
	__u8			__sth_pad[2];
};

/*
 * Options at level SOL_TETHER, or IPPROTO_TCP as a synonym: the numbers are
 * TCP's where the meaning is. Any other number fails with ENOPROTOOPT.
 */
#define TETHER_NODELAY	1	/* int, 0 or 1: send small segments at once */

/**
 * enum tether_reason - why a connection was reset
 * @TETHER_REASON_NONE: not reset
 * @TETHER_REASON_NO_LISTENER: nobody listens on the port (ECONNREFUSED)
 * @TETHER_REASON_NO_CONNECTION: the segment belongs to no known connection
 * @TETHER_REASON_ABORTED: the program aborted it: SO_LINGER with time 0, or
 *	connect(2) to AF_UNSPEC
 * @TETHER_REASON_UNREAD: the program closed with received data unread
 * @TETHER_REASON_CLOSED: data arrived for a program that has closed
 * @TETHER_REASON_LISTENER_CLOSED: the listener closed before accept(2)
 * @TETHER_REASON_TIMEOUT: the peer did not answer in time
 * @TETHER_REASON_ADMIN: the administrator ended it
 * @TETHER_REASON_DEVICE: the device or its namespace went away
 * @TETHER_REASON_PROTOCOL: the peer broke the protocol
 * @TETHER_REASON_VERSION: the peer speaks another version
 * @TETHER_REASON_OPTION: the SYN has a mandatory option we do not know
 * @TETHER_REASON_MEMORY: no memory for the connection
 * @TETHER_REASON_MAX: number of reasons, not a reason
 *
 * The reason travels in every RST and decides the errno that the peer's
 * program sees; /proc/net/tether_stat counts each, sent and received.
 */
enum tether_reason {
	TETHER_REASON_NONE,
	TETHER_REASON_NO_LISTENER,
	TETHER_REASON_NO_CONNECTION,
	TETHER_REASON_ABORTED,
	TETHER_REASON_UNREAD,
	TETHER_REASON_CLOSED,
	TETHER_REASON_LISTENER_CLOSED,
	TETHER_REASON_TIMEOUT,
	TETHER_REASON_ADMIN,
	TETHER_REASON_DEVICE,
	TETHER_REASON_PROTOCOL,
	TETHER_REASON_VERSION,
	TETHER_REASON_OPTION,
	TETHER_REASON_MEMORY,
	TETHER_REASON_MAX
};

#endif /* _UAPI_LINUX_TETHER_H */

// SPDX-License-Identifier: GPL-2.0
/* What "ip link" does, without a program of its own for each time. */
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include "link.h"

/* Send a request and wait for what becomes of it: 0, or -1 and errno. */
static int ask(struct nlmsghdr *request)
{
	char answer[1024];
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	int len = -1;

	if (!nl)
		return -1;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (!mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) &&
	    mnl_socket_sendto(nl, request, request->nlmsg_len) >= 0)
		len = mnl_socket_recvfrom(nl, answer, sizeof(answer));
	if (len > 0)
		len = mnl_cb_run(answer, len, 0, mnl_socket_get_portid(nl),
				 NULL, NULL);
	mnl_socket_close(nl);
	return len < 0 ? -1 : 0;
}

static struct nlmsghdr *request(void *buf, int type, unsigned int ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;

	nlh->nlmsg_type = type;
	info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_index = ifindex;
	return nlh;
}

/* It is gone when this returns: 0, or -1 and errno. */
int link_delete(unsigned int ifindex)
{
	char buf[256];

	return ask(request(buf, RTM_DELLINK, ifindex));
}

/* Into another namespace, where it is down. */
bool link_move(unsigned int ifindex, int net)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, RTM_NEWLINK, ifindex);

	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, net);
	return !ask(nlh);
}

bool link_up(const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_UP };
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	bool good;

	snprintf(req.ifr_name, IFNAMSIZ, "%s", name);
	good = !ioctl(sock, SIOCSIFFLAGS, &req);
	close(sock);
	return good;
}

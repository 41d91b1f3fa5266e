// SPDX-License-Identifier: GPL-2.0
/*
 * hello-server: the smallest server. Waits for one client on a port of every
 * device, says "hello" and ends.
 *
 *	hello-server [PORT]
 */
#include <arpa/inet.h>
#include <err.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/tether.h>

/* The family has a number that was free when the module was loaded. */
static int tether_family(void)
{
	FILE *f = fopen("/sys/module/tether/parameters/family", "r");
	int family = AF_TETHER;

	if (f) {
		if (fscanf(f, "%d", &family) != 1)
			family = AF_TETHER;
		fclose(f);
	}
	return family;
}

static void print_peer(const struct sockaddr_tether *peer)
{
	const unsigned char *mac = peer->sth_addr;
	char name[IF_NAMESIZE] = "?";

	if_indextoname(peer->sth_ifindex, name);
	printf("connected from %s/%02x:%02x:%02x:%02x:%02x:%02x:%u\n", name,
	       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	       ntohs(peer->sth_port));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	/* Neither a device nor a MAC: every device, any MAC of ours. */
	struct sockaddr_tether addr = {
		.sth_family = tether_family(),
		.sth_port = htons(argc > 1 ? atoi(argv[1]) : 9000),
	};
	struct sockaddr_tether peer;
	socklen_t len = sizeof(peer);
	int listener, conn, one = 1;

	listener = socket(addr.sth_family, SOCK_STREAM, 0);
	if (listener < 0)
		err(1, "socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "bind");
	if (listen(listener, 128))
		err(1, "listen");

	conn = accept(listener, (struct sockaddr *)&peer, &len);
	if (conn < 0)
		err(1, "accept");
	print_peer(&peer);
	if (send(conn, "hello", 5, 0) != 5)
		err(1, "send");
	close(conn);
	close(listener);
	return 0;
}

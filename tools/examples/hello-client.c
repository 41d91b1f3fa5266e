// SPDX-License-Identifier: GPL-2.0
/*
 * hello-client: the smallest client. Connects, prints what it is told, ends.
 *
 *	hello-client [DEVICE MAC [PORT]]
 *
 * Without arguments it connects to this host, over lo.
 */
#include <arpa/inet.h>
#include <err.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Where the server is: the device that leads there, and its MAC on it. */
static void set_peer(struct sockaddr_tether *addr, const char *device,
		     const char *mac)
{
	struct ether_addr ether;

	addr->sth_ifindex = if_nametoindex(device);
	if (!addr->sth_ifindex)
		err(1, "%s", device);
	if (!ether_aton_r(mac, &ether))
		errx(1, "%s: not a MAC address", mac);
	memcpy(addr->sth_addr, &ether, TETHER_ADDR_LEN);
}

int main(int argc, char **argv)
{
	struct sockaddr_tether addr = {
		.sth_family = tether_family(),
		.sth_port = htons(argc > 3 ? atoi(argv[3]) : 9000),
	};
	char data[1024];
	ssize_t n;
	int fd;

	if (argc > 2)
		set_peer(&addr, argv[1], argv[2]);
	fd = socket(addr.sth_family, SOCK_STREAM, 0);
	if (fd < 0)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "connect");

	/* A stream has no messages: read until the server ends its half. */
	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		printf("%.*s", (int)n, data);
	if (n < 0)
		err(1, "recv");
	printf("\n");
	close(fd);
	return 0;
}

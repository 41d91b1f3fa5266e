// SPDX-License-Identifier: GPL-2.0
/* One thread shows every socket while others use and close them. */
#include <unistd.h>
#include "pair.h"

#define ROUNDS 40
#define CLIENTS 8

#define SOCK_NAME contend
#include "fixture.h"

struct crowd {
	int fd[CLIENTS];
	int told;
	bool stop;
};

/* To show a socket, the kernel takes its lock. */
static void *show(void *arg)
{
	const char *name = sock_is_inet() ? "/proc/net/tcp" :
					    "/proc/net/tether";
	struct crowd *crowd = arg;
	char buf[4096];
	int fd;

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
		fd = open(name, O_RDONLY);
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
		usleep(50);
	}
	return NULL;
}

/* Send until the peer has reset every connection. */
static void *flood(void *arg)
{
	struct crowd *crowd = arg;
	bool over[CLIENTS] = {};
	char byte = 'f';
	int i;

	while (crowd->told < CLIENTS) {
		for (i = 0; i < CLIENTS; i++) {
			if (over[i] || send(crowd->fd[i], &byte, 1,
					    MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
				continue;
			over[i] = errno == ECONNRESET || errno == EPIPE;
			crowd->told += over[i];
		}
		usleep(20);
	}
	return NULL;
}

/* Number of clients that are told when nobody accepts them. */
static int round_of(struct crowd *crowd)
{
	int listener = sock_listener(CLIENTS), i;
	pthread_t thread;

	for (i = 0; i < CLIENTS; i++)
		crowd->fd[i] = sock_connect_to(listener);
	crowd->told = 0;
	if (pthread_create(&thread, NULL, flood, crowd))
		return -1;
	usleep(500);
	close(listener);
	pthread_join(thread, NULL);
	for (i = 0; i < CLIENTS; i++)
		close(crowd->fd[i]);
	return crowd->told;
}

TEST_F(contend, close_listener)
{
	struct crowd crowd = {};
	pthread_t shower;
	int i, told = 0;

	ASSERT_EQ(0, pthread_create(&shower, NULL, show, &crowd));
	for (i = 0; i < ROUNDS; i++)
		told += round_of(&crowd);
	__atomic_store_n(&crowd.stop, true, __ATOMIC_RELAXED);
	pthread_join(shower, NULL);
	STEP("all clients are reset", ROUNDS * CLIENTS, told);
}

#include "last.h"

// SPDX-License-Identifier: GPL-2.0
/* What the kernel lets us see and set: sysctls, memory, counters, sockets. */
#define SOCK_NO_HARNESS
#include <fnmatch.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "pair.h"

/* A sysctl of our namespace, named from /proc/sys/net/ on. */
static FILE *open_sysctl(const char *name, const char *mode)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	return fopen(path, mode);
}

/* Set a sysctl of our namespace. */
bool sock_sysctl(const char *name, const char *value)
{
	FILE *file = open_sysctl(name, "w");
	bool good;

	if (!file)
		return false;
	good = fputs(value, file) >= 0;
	return !fclose(file) && good;
}

static bool read_sysctl(const char *name, char *value, int len)
{
	FILE *file = open_sysctl(name, "r");
	bool good;

	if (!file)
		return false;
	good = fgets(value, len, file);
	fclose(file);
	return good;
}

/*
 * The same for one that only the first namespace has, for all. With @old what
 * it was is put there, of at most @len bytes.
 */
bool sock_global_sysctl(const char *name, const char *value, char *old, int len)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY);
	int first = open("/proc/1/ns/net", O_RDONLY);
	bool good;

	good = !setns(first, CLONE_NEWNET) &&
	       (!old || read_sysctl(name, old, len)) &&
	       sock_sysctl(name, value);
	if (setns(here, CLONE_NEWNET))
		abort();
	close(first);
	close(here);
	return good;
}

/* Pages that all stream sockets of the family are charged for; -1: unknown. */
long sock_memory(void)
{
	FILE *file = fopen("/proc/net/protocols", "r");
	const char *ours = sock_is_inet() ? "TCP" : "TETHER";
	char line[256], name[32];
	long pages, found = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%31s %*s %*s %ld", name, &pages) == 2 &&
		    !strcmp(name, ours))
			found = pages;
	fclose(file);
	return found;
}

/* What it may be wrong by: each CPU keeps up to a megabyte in hand. */
long sock_memory_slack(void)
{
	return (1 << 20) / sysconf(_SC_PAGESIZE) * sysconf(_SC_NPROCESSORS_CONF);
}

/* The sum of the counters whose names match; -1 if there is none. */
long sock_counter(const char *pattern)
{
	FILE *file = fopen("/proc/net/tether_stat", "r");
	char word[128];
	long value, found = -1;

	if (!file)
		return -1;
	while (fscanf(file, "%127s %ld", word, &value) == 2)
		if (!fnmatch(pattern, word, 0))
			found = value + (found < 0 ? 0 : found);
	fclose(file);
	return found;
}

static const char *table(void)
{
	return sock_is_inet() ? "/proc/net/tcp" : "/proc/net/tether";
}

/* The lines of the socket table, without its heading. */
int sock_count(void)
{
	FILE *file = fopen(table(), "r");
	char line[512];
	int lines = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		lines++;
	fclose(file);
	return lines;
}

/* The state by TCP's number, or -1. */
static int state_inet(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -1;
	return info.tcpi_state;
}

/* A socket without a line in the table is closed. */
static int state_tether(int fd, const char * const *names, int n)
{
	unsigned long inode;
	char line[512], name[32];
	int state = TCP_CLOSE, i;
	struct stat st;
	FILE *file;

	file = fopen("/proc/net/tether", "r");
	if (!file)
		return -1;
	if (fstat(fd, &st))
		st.st_ino = 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %31s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
			   name, &inode) != 2 || inode != st.st_ino)
			continue;
		for (i = 1; i < n; i++)
			if (!strcmp(name, names[i]))
				state = i;
	}
	fclose(file);
	return state;
}

/* The state of the socket in the words of /proc/net/tether. */
const char *sock_state(int fd)
{
	static const char * const names[] = {
		[TCP_ESTABLISHED] = "ESTABLISHED", [TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECEIVED", [TCP_FIN_WAIT1] = "FIN_WAIT1",
		[TCP_FIN_WAIT2] = "FIN_WAIT2", [TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "CLOSED", [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK", [TCP_LISTEN] = "LISTEN",
		[TCP_CLOSING] = "CLOSING",
	};
	int state = sock_is_inet() ? state_inet(fd) :
			state_tether(fd, names, ARRAY_SIZE(names));

	return state < 0 ? "?" : names[state];
}

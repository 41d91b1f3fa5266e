/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults: the kernel refuses one allocation after the other, and what was
 * tried must fail as the manual says, or do what it should; see faults.c.
 */
#ifndef _SOCK_FAULTS_H
#define _SOCK_FAULTS_H

#include <stdbool.h>

/**
 * struct attempt - what is done with each allocation refused in turn
 * @name: in the table of sites.h
 * @prepare: makes what the call needs, a socket or what stands for one; or NULL
 * @call: a system call, or what waits for softirq to do something
 * @judge: is all as it should be after that? Closes the socket
 * @errnos: what it may fail with; each of them must be seen
 * @arg: for the three functions, as faults_arg
 * @normal: what it comes to without a fault if that is an errno
 * @softirq: the allocations are those of the module in softirq
 */
struct attempt {
	const char *name;
	int (*prepare)(void);
	long (*call)(int fd);
	bool (*judge)(int fd, long result);
	int errnos[5];
	const void *arg;
	int normal;
	bool softirq;
};

extern const void *faults_arg;

/* The other end of what faults_connected() has made. */
extern int faults_peer;

bool faults_walk(const struct attempt *tries, int n);
void faults_in_module(void);
bool faults_spare(const char *function);
bool faults_fired(void);
int faults_connected(void);
bool faults_unharmed(int fd, long result);
bool faults_set(const char *name, const char *value);

#endif /* _SOCK_FAULTS_H */

// SPDX-License-Identifier: GPL-2.0
/* What tests leave behind: sockets, objects, timers and memory. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SOCK_NO_HARNESS
#include "left.h"
#include "pair.h"

#define SLAB_DIR "/sys/kernel/slab"

/*
 * Objects in use in one cache. To shrink it takes the slabs of the CPUs off
 * them, which would count as full; -1 if it cannot be told.
 */
static long objects_of(const char *name)
{
	char path[300];
	long objects = -1;
	FILE *file;

	snprintf(path, sizeof(path), SLAB_DIR "/%s/shrink", name);
	file = fopen(path, "w");
	if (!file || fputs("1", file) < 0 || fclose(file))
		return -1;
	snprintf(path, sizeof(path), SLAB_DIR "/%s/objects", name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%ld", &objects) != 1)
		objects = -1;
	fclose(file);
	return objects;
}

static bool is_ours(const char *name)
{
	return !strncasecmp(name, "tether", 6);
}

/* A cache that was merged with another is a link: it would tell nothing. */
static long slab_objects(int *caches)
{
	DIR *dir = opendir(SLAB_DIR);
	struct dirent *entry;
	long sum = 0, n;

	*caches = 0;
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (!is_ours(entry->d_name))
			continue;
		n = entry->d_type == DT_LNK ? -1 : objects_of(entry->d_name);
		if (n < 0) {
			sum = -1;
			break;
		}
		sum += n;
		++*caches;
	}
	closedir(dir);
	return sum;
}

/* Timers of the module that are armed. */
int left_timers(void)
{
	FILE *file = fopen("/proc/timer_list", "r");
	char line[512];
	int armed = 0;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		armed += !!strstr(line, "[tether]");
	fclose(file);
	return armed;
}

/* False as long as something is open. */
static bool take(struct left *now)
{
	now->lines = sock_count();
	now->timers = left_timers();
	now->objects = slab_objects(&now->caches);
	now->memory = sock_memory();
	return now->lines == 0 && now->caches >= 3 && now->objects >= 0;
}

/* Whether there is no more than before, and no memory is charged for it. */
bool left_nothing_now(const struct left *base)
{
	struct left now;

	take(&now);
	return now.lines == base->lines && now.objects <= base->objects &&
	       now.timers <= base->timers && now.memory >= 0 &&
	       now.memory < sock_memory_slack();
}

/* To count objects costs much, and TIME_WAIT takes its time: look seldom. */
static void look_later(void)
{
	struct timespec ts = { .tv_nsec = 250000000 };

	nanosleep(&ts, NULL);
}

#define TRIES 400

/* Wait until nothing is open, and note what there is then. */
bool left_begin(struct left *base)
{
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (take(base))
			return true;
		look_later();
	}
	return false;
}

bool left_nothing(const struct left *base)
{
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (left_nothing_now(base))
			return true;
		look_later();
	}
	return false;
}

void left_tell(const struct left *base)
{
	struct left now;

	take(&now);
	fprintf(stderr,
		"# sockets %d -> %d, objects %ld -> %ld in %d caches, timers %d -> %d, pages %ld -> %ld\n",
		base->lines, now.lines, base->objects, now.objects, now.caches,
		base->timers, now.timers, base->memory, now.memory);
}

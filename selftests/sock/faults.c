// SPDX-License-Identifier: GPL-2.0
/*
 * Of a system call the kernel refuses the first allocation, then the second,
 * and so on, until there was none to refuse: /proc/self/fail-nth, which counts
 * accesses to the program's memory as well. It does not count what is done in
 * softirq: there failslab refuses what has the module on its stack.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCK_NO_HARNESS
#include "faults.h"
#include "left.h"
#include "pair.h"
#include "sites.h"

#define FAIL_NTH "/proc/self/fail-nth"
#define DEBUG_DIR "/sys/kernel/debug"
#define SLAB_DIR "/sys/kernel/slab"
#define MODULE_DIR "/sys/module/tether"
#define NTH_MAX 1000

const void *faults_arg;
int faults_peer;

static bool write_to(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");
	bool good = file && fputs(value, file) >= 0;

	if (!file || fclose(file) || !good) {
		fprintf(stderr, "# %s: %m\n", path);
		return false;
	}
	return true;
}

static unsigned long read_from(const char *path)
{
	FILE *file = fopen(path, "r");
	char word[32] = "";

	if (!file || fscanf(file, "%31s", word) != 1)
		fprintf(stderr, "# %s: %m\n", path);
	if (file)
		fclose(file);
	return strtoul(word, NULL, 0);
}

/* Set what decides about faults. */
bool faults_set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUG_DIR "/%s", name);
	return write_to(path, value);
}

/*
 * Runs before main(): every allocation may be refused, without a word in the
 * log. All or nothing: lists of skips name the program as a whole.
 */
static void __attribute__((constructor)) allow_faults(void)
{
	static const char * const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_usercopy/verbose", "0" },
	};
	int i;

	if (access(FAIL_NTH, W_OK)) {
		printf("TAP version 13\n1..0 # SKIP no fault injection\n");
		fflush(stdout);
		_exit(4);
	}
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (!faults_set(settings[i][0], settings[i][1]))
			_exit(1);
}

/*
 * Of one kind of fault, only what has a part of the kernel on its stack, or
 * what has not: @what is "require" or "reject".
 */
static bool filter(const char *point, const char *what, unsigned long start,
		   unsigned long end)
{
	char name[64], value[32];

	snprintf(name, sizeof(name), "%s/%s-start", point, what);
	snprintf(value, sizeof(value), "%#lx", start);
	if (!faults_set(name, value))
		return false;
	snprintf(name, sizeof(name), "%s/%s-end", point, what);
	snprintf(value, sizeof(value), "%#lx", end);
	return faults_set(name, value);
}

/* Where a function of the kernel begins and the next one does. */
static bool find(const char *function, unsigned long *start, unsigned long *end)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], name[256];
	unsigned long at;

	*start = 0;
	*end = 0;
	while (file && !*end && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c %255s", &at, name) != 2)
			continue;
		if (*start && at > *start)
			*end = at;
		if (!strcmp(name, function))
			*start = at;
	}
	if (file)
		fclose(file);
	return *end;
}

static bool module_only;
static unsigned long spare_start, spare_end;

/* From here on refuse nothing but what the module asks for. */
void faults_in_module(void)
{
	module_only = true;
}

/* What this function of the kernel asks for is not refused. */
bool faults_spare(const char *function)
{
	return find(function, &spare_start, &spare_end);
}

/*
 * Pages have walks of their own: a cache asks for one whenever it happens to
 * be empty, and with those in between, an allocation might be passed over.
 */
static bool choose(bool pages, bool module)
{
	static const char * const points[] = { "failslab", "fail_usercopy",
					       "fail_page_alloc" };
	unsigned long start = 0, end = -1UL;
	bool meant;
	int i;

	if (module) {
		start = read_from(MODULE_DIR "/sections/.text");
		end = start + read_from(MODULE_DIR "/coresize");
	}
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		meant = pages == !strcmp(points[i], "fail_page_alloc");
		if (!filter(points[i], "require", meant ? start : 1,
			    meant ? end : 1) ||
		    !filter(points[i], "reject", spare_start, spare_end))
			return false;
	}
	return start || !module;
}

/* False if there were not so many allocations in it. */
static bool call_once(const struct attempt *try, int fd, int nth, long *result)
{
	int control = open(FAIL_NTH, O_RDWR), n;
	char left[16] = "";
	bool fired;

	if (control < 0)
		return false;
	n = snprintf(left, sizeof(left), "%d", nth);
	if (pwrite(control, left, n, 0) != n)
		perror("# fail-nth");
	errno = 0;
	*result = sock_result(try->call(fd));
	fired = pread(control, left, sizeof(left), 0) > 0 && atoi(left) == 0;
	/* The first try may be refused itself, and so use up what is left. */
	if (pwrite(control, "0", 1, 0) != 1 && pwrite(control, "0", 1, 0) != 1)
		perror("# fail-nth");
	close(control);
	return fired;
}

/* Has softirq had its fault? */
bool faults_fired(void)
{
	return !read_from(DEBUG_DIR "/failslab/times");
}

/*
 * failslab refuses when its count of allocations is a multiple of an interval.
 * Where the count stands is not told: use allocations of ours up to there.
 */
static bool slab_arm(int nth)
{
	char interval[16];

	snprintf(interval, sizeof(interval), "%d", nth);
	if (!faults_set("failslab/times", "1") ||
	    !faults_set("failslab/interval", interval) ||
	    !faults_set("failslab/probability", "100"))
		return false;
	while (nth > 1 && !faults_fired())
		close(sock_open(SOCK_DGRAM));
	return faults_set("failslab/times", "1");
}

static bool slab_once(const struct attempt *try, int fd, int nth, long *result)
{
	bool fired;

	if (!slab_arm(nth))
		return false;
	errno = 0;
	*result = sock_result(try->call(fd));
	fired = faults_fired();
	faults_set("failslab/probability", "0");
	faults_set("failslab/times", "-1");
	faults_set("failslab/interval", "1");
	return fired;
}

static int errnos_of(const struct attempt *try)
{
	int n = 0;

	while (n < ARRAY_SIZE(try->errnos) && try->errnos[n])
		n++;
	return n;
}

/* Is it one of the results that a fault, or none, may have? Notes which. */
static bool allowed(const struct attempt *try, bool fired, long result,
		    unsigned int *seen)
{
	int i;

	if (try->normal ? result == -try->normal : result >= 0)
		return true;
	for (i = 0; fired && i < errnos_of(try); i++) {
		if (result != -try->errnos[i])
			continue;
		*seen |= 1 << i;
		return true;
	}
	return false;
}

static int least_sites(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(sites_least); i++)
		if (!strcmp(sites_least[i].name, name))
			return sock_link == SOCK_VETH ? sites_least[i].veth :
							sites_least[i].lo;
	return 0;
}

/* What is not listed has not been committed. */
static bool enough(const char *name, int sites)
{
	int least = least_sites(name);

	fprintf(stderr, "# %s: %d sites\n", name, sites);
	if (least && sites >= least)
		return true;
	fprintf(stderr, "# %s: that is less than %d\n", name, least);
	return false;
}

/* With each allocation refused in turn: how many there were; -1 if wrong. */
static int walk(const struct attempt *try, unsigned int *seen)
{
	bool fired = true;
	long result = 0;
	int nth, fd;

	for (nth = 1; fired && nth < NTH_MAX; nth++) {
		fd = try->prepare ? try->prepare() : 0;
		if (fd < 0) {
			fprintf(stderr, "# %s, fault %d: nothing to try it on: %m\n",
				try->name, nth);
			return -1;
		}
		fired = try->softirq ? slab_once(try, fd, nth, &result) :
				       call_once(try, fd, nth, &result);
		if (!allowed(try, fired, result, seen) ||
		    !try->judge(fd, result)) {
			fprintf(stderr, "# %s, fault %d%s: %ld (%s)\n",
				try->name, nth, fired ? "" : " of none", result,
				result < 0 ? strerror(-result) :
				"not as it should be");
			return -1;
		}
	}
	return fired ? -1 : nth - 2;
}

/* Was it right with each allocation refused, and were those enough? */
static bool walk_both(const struct attempt *try)
{
	int sites, pages = 0, i;
	unsigned int seen = 0;
	char name[64];
	bool good;

	snprintf(name, sizeof(name), "%s, pages", try->name);
	faults_arg = try->arg;
	if (!choose(false, module_only || try->softirq))
		return false;
	sites = walk(try, &seen);
	if (sites >= 0 && !try->softirq)
		pages = choose(true, module_only) ? walk(try, &seen) : -1;
	if (sites < 0 || pages < 0)
		return false;
	good = enough(try->name, sites) &&
	       (!least_sites(name) || enough(name, pages));
	for (i = 0; i < errnos_of(try); i++) {
		if (seen & 1 << i)
			continue;
		fprintf(stderr, "# %s: %s never came\n", try->name,
			strerrorname_np(try->errnos[i]));
		good = false;
	}
	return good;
}

/* Caches of the kernel's checkers, which are filled when they are short. */
static bool is_checker(const char *cache)
{
	return !strcmp(cache, "debug_objects_cache") ||
	       !strncmp(cache, "kmemleak_", 9);
}

/* Let all other caches refuse; or none by itself. */
static bool mark_caches(bool on)
{
	DIR *dir = opendir(SLAB_DIR);
	struct dirent *entry;
	bool good = dir;
	char path[300];

	while (good && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || is_checker(entry->d_name))
			continue;
		snprintf(path, sizeof(path), SLAB_DIR "/%s/failslab",
			 entry->d_name);
		good = write_to(path, on ? "1" : "0");
	}
	if (dir)
		closedir(dir);
	return good && faults_set("failslab/cache-filter", on ? "Y" : "N");
}

/* Whether all went well and nothing is left behind. */
bool faults_walk(const struct attempt *tries, int n)
{
	struct left base;
	bool good = true;
	int i;

	/* What failed is tried again, and what is over forgotten, at once. */
	if (!sock_sysctl("tether/rto_init_us", "50000") ||
	    !sock_sysctl("tether/time_wait_ms", "1") || !left_begin(&base) ||
	    !mark_caches(true))
		return false;
	for (i = 0; i < n; i++)
		good = walk_both(&tries[i]) && good;
	good = mark_caches(false) && good;
	if (left_nothing(&base))
		return good;
	left_tell(&base);
	return false;
}

/* What many calls are tried on. */
int faults_connected(void)
{
	int fd[2];

	if (sock_pair(fd))
		return -1;
	faults_peer = fd[1];
	return fd[0];
}

/* There was nothing to change: the connection works as before. */
bool faults_unharmed(int fd, long result)
{
	return sock_works(fd, faults_peer);
}

// SPDX-License-Identifier: GPL-2.0
/* The common part of the API tests; see pair.h. */
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/sockios.h>

#define SOCK_NO_HARNESS
#include "deviations.h"
#include "pair.h"

#define FAMILY_FILE "/sys/module/tether/parameters/family"
#define WAIT_MS 600000
#define MAX_STEPS 4096
#define CLIENT_MAC { 0x02, 0, 0, 0, 0xc0, 0x01 }
#define SERVER_MAC { 0x02, 0, 0, 0, 0xc0, 0x02 }

#define ADD_VETH							\
	"ip link add " SOCK_DEV_CLIENT " address 02:00:00:00:c0:01"	\
	" type veth peer name " SOCK_DEV_SERVER				\
	" address 02:00:00:00:c0:02 && "				\
	"ip link set " SOCK_DEV_CLIENT " up && "			\
	"ip link set " SOCK_DEV_SERVER " up"

#define ADD_OTHER							\
	"ip link add " SOCK_DEV_OTHER " type veth && "			\
	"ip link set " SOCK_DEV_OTHER " up"

/* All but the first frame waits in the device, for seconds each. */
#define ADD_STALL							\
	"tc qdisc add dev %s root tbf rate 1kbit burst 1600 limit 100mb"
#define DEL_STALL "tc qdisc del dev %s root"

enum sock_link sock_link;

const struct sock_kind sock_kinds[] = {
	{ "stream", SOCK_STREAM }, { "datagram", SOCK_DGRAM }, { NULL }
};

/* What the inet variant saw, shared with the processes of later variants. */
struct seen {
	char test[48];
	char step[80];
	long value;
};

struct shared {
	int steps;
	struct seen seen[MAX_STEPS];
	int met[ARRAY_SIZE(sock_deviations) + 1];
};

static struct shared *shared;
static int family = -1;
static bool have_veth;

static int read_family(void)
{
	FILE *file = fopen(FAMILY_FILE, "r");
	int number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

static void lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		perror("# lo up");
	close(fd);
}

/*
 * A namespace of our own, so that the tables hold nothing but what the tests
 * put there: counters are zero, and what is done to devices and sysctls ends
 * with it. A test may ask for one; false: there is none.
 */
bool sock_fresh_net(void)
{
	if (unshare(CLONE_NEWNET))
		return false;
	lo_up();
	have_veth = family >= 0 && !system(ADD_VETH);
	return have_veth || sock_link != SOCK_VETH;
}

/* Runs before main(), hence before the harness forks. */
static void __attribute__((constructor)) sock_init(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	family = read_family();
	sock_fresh_net();
}

/* Choose the variant; returns why it cannot run, or NULL. */
const char *sock_setup(enum sock_link link)
{
	sock_link = link;
	if (link != SOCK_INET && family < 0)
		return "the module is not loaded";
	if (link == SOCK_VETH && !have_veth)
		return "no veth pair";
	return NULL;
}

static const char *outcome(long value, char *buf, size_t len)
{
	if (value < 0 && strerrorname_np(-value))
		snprintf(buf, len, "-%s", strerrorname_np(-value));
	else
		snprintf(buf, len, "%ld (%#lx)", value, value);
	return buf;
}

static const struct seen *find_seen(const char *test, const char *step)
{
	int i;

	for (i = 0; i < shared->steps; i++)
		if (!strcmp(shared->seen[i].test, test) &&
		    !strcmp(shared->seen[i].step, step))
			return &shared->seen[i];
	return NULL;
}

/* False if the step came to something else before: two have one name. */
static bool record(const char *test, const char *step, long value)
{
	const struct seen *before = find_seen(test, step);
	struct seen *slot;
	int i;

	if (before)
		return before->value == value;
	i = __sync_fetch_and_add(&shared->steps, 1);
	if (i >= MAX_STEPS)
		abort();
	slot = &shared->seen[i];
	snprintf(slot->test, sizeof(slot->test), "%s", test);
	snprintf(slot->step, sizeof(slot->step), "%s", step);
	slot->value = value;
	return true;
}

static int find_deviation(const char *test, const char *step)
{
	const struct sock_deviation *dev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sock_deviations); i++) {
		dev = &sock_deviations[i];
		if (!strcmp(dev->program, program_invocation_short_name) &&
		    !strcmp(dev->test, test) && !strcmp(dev->step, step) &&
		    (dev->links & sock_link))
			return i;
	}
	return -1;
}

static bool complain(const char *step, const char *what, long want, long seen)
{
	char a[64], b[64];

	fprintf(stderr, "# step \"%s\": %s: wanted %s, got %s\n", step, what,
		outcome(want, a, sizeof(a)), outcome(seen, b, sizeof(b)));
	return false;
}

/* Judge a step: true if it is what it should be. */
bool sock_step(const char *test, const char *step, long want, long seen)
{
	const struct sock_deviation *dev;
	const struct seen *tcp;
	int i;

	if (sock_is_inet()) {
		if (!record(test, step, seen))
			return complain(step, "differs from before", want,
					seen);
		return seen == want || complain(step, "TCP", want, seen);
	}
	tcp = find_seen(test, step);
	if (tcp)
		want = tcp->value;
	i = find_deviation(test, step);
	if (i < 0)
		return seen == want || complain(step, "as TCP", want, seen);

	dev = &sock_deviations[i];
	__sync_fetch_and_or(&shared->met[i], sock_link);
	if (dev->tcp != want)
		return complain(step, "TCP's side of a deviation", dev->tcp,
				want);
	if (seen == want && dev->tether != want)
		return complain(step, "a listed deviation has vanished",
				dev->tether, seen);
	return seen == dev->tether ||
	       complain(step, "deviation", dev->tether, seen);
}

/* The deviations of this program that no step has met. */
int sock_deviations_missed(void)
{
	const struct sock_deviation *dev;
	int have = 0, missed = 0;
	size_t i;

	if (family >= 0)
		have |= SOCK_TETHER;
	if (have_veth)
		have |= SOCK_VETH;
	for (i = 0; i < ARRAY_SIZE(sock_deviations); i++) {
		dev = &sock_deviations[i];
		if (strcmp(dev->program, program_invocation_short_name))
			continue;
		if ((dev->links & have) & ~shared->met[i]) {
			fprintf(stderr, "# %s, step \"%s\" never came\n",
				dev->test, dev->step);
			missed++;
		}
	}
	return missed;
}

int sock_family(void)
{
	return sock_is_inet() ? AF_INET : family;
}

int sock_open(int type)
{
	return socket(sock_family(), type, 0);
}

/* Whether there is SOCK_DEV_OTHER; its peer stays down. */
bool sock_other_device(void)
{
	return if_nametoindex(SOCK_DEV_OTHER) ||
	       !system(ADD_OTHER);
}

/* Put a queueing discipline before the link, in both directions. */
bool sock_qdisc(const char *what)
{
	static const char * const devices[] = { "lo", SOCK_DEV_CLIENT,
						SOCK_DEV_SERVER };
	int first = sock_link == SOCK_VETH, last = first ? 2 : 0, i;
	char command[128];

	for (i = first; i <= last; i++) {
		snprintf(command, sizeof(command),
			 "tc qdisc replace dev %s root %s", devices[i], what);
		if (system(command))
			return false;
	}
	return true;
}

/* The device of the client or of the server. */
const char *sock_device(bool server)
{
	if (sock_link != SOCK_VETH)
		return "lo";
	return server ? SOCK_DEV_SERVER : SOCK_DEV_CLIENT;
}

unsigned int sock_ifindex(bool server)
{
	return if_nametoindex(sock_device(server));
}

/* SO_BINDTODEVICE; an empty name undoes it. */
int sock_tie(int fd, const char *device)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			  strlen(device));
}

/* Let the client's device keep what it is to send, or throw that away. */
bool sock_stall(bool on)
{
	char command[128];

	snprintf(command, sizeof(command), on ? ADD_STALL : DEL_STALL,
		 sock_device(false));
	return !system(command);
}

void sock_mac(bool server, unsigned char *mac)
{
	static const unsigned char macs[2][6] = { CLIENT_MAC, SERVER_MAC };

	if (sock_link == SOCK_VETH)
		memcpy(mac, macs[server], 6);
	else
		memset(mac, 0, 6);
}

/* Any address of this host. */
void sock_addr_any(struct sock_addr *addr, int port)
{
	memset(addr, 0, sizeof(*addr));
	addr->sa.sa_family = sock_family();
	if (sock_is_inet()) {
		addr->in.sin_port = htons(port);
		addr->len = sizeof(addr->in);
	} else {
		addr->th.sth_port = htons(port);
		addr->len = sizeof(addr->th);
	}
}

static void addr_here(struct sock_addr *addr, int port, bool server)
{
	sock_addr_any(addr, port);
	if (sock_is_inet())
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		addr->th.sth_ifindex = sock_ifindex(server);
}

/* What a server binds to. */
void sock_addr_server(struct sock_addr *addr, int port)
{
	addr_here(addr, port, true);
}

/* What a client may bind to. */
void sock_addr_client(struct sock_addr *addr, int port)
{
	addr_here(addr, port, false);
}

/* What a client connects to. */
void sock_addr_dest(struct sock_addr *addr, int port)
{
	addr_here(addr, port, false);
	if (sock_link == SOCK_VETH)
		sock_mac(true, addr->th.sth_addr);
}

int sock_bind(int fd, const struct sock_addr *addr)
{
	return bind(fd, &addr->sa, addr->len);
}

int sock_connect_addr(int fd, const struct sock_addr *addr)
{
	return connect(fd, &addr->sa, addr->len);
}

static int port_of(const struct sock_addr *addr)
{
	/* The port is at the same place in both. */
	return ntohs(addr->in.sin_port);
}

int sock_port(int fd)
{
	struct sock_addr addr = { .len = sizeof(addr.in) };

	if (getsockname(fd, &addr.sa, &addr.len))
		return -1;
	return port_of(&addr);
}

int sock_peer_port(int fd)
{
	struct sock_addr addr = { .len = sizeof(addr.in) };

	if (getpeername(fd, &addr.sa, &addr.len))
		return -1;
	return port_of(&addr);
}

/* A listener on a port that the kernel chose. */
int sock_listener(int backlog)
{
	struct sock_addr addr;
	int fd = sock_open(SOCK_STREAM);

	if (fd < 0)
		return -1;
	sock_addr_server(&addr, 0);
	if (sock_bind(fd, &addr) || listen(fd, backlog)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A new socket connected to the listener. */
int sock_connect_to(int listener)
{
	struct sock_addr addr;
	int fd = sock_open(SOCK_STREAM);

	if (fd < 0)
		return -1;
	sock_addr_dest(&addr, sock_port(listener));
	if (sock_connect_addr(fd, &addr)) {
		close(fd);
		return -1;
	}
	return fd;
}

int sock_accept(int listener)
{
	if (!(sock_wait(listener, POLLIN) & POLLIN))
		return -1;
	return accept(listener, NULL, NULL);
}

/* fd[0] is the client's end, fd[1] the server's. */
int sock_pair(int fd[2])
{
	int listener = sock_listener(1);

	if (listener < 0)
		return -1;
	fd[1] = -1;
	fd[0] = sock_connect_to(listener);
	if (fd[0] >= 0)
		fd[1] = sock_accept(listener);
	close(listener);
	return fd[1] < 0 ? -1 : 0;
}

/* A datagram socket of the server's, on a port that the kernel chose. */
int sock_bound_dgram(void)
{
	int fd = sock_open(SOCK_DGRAM);
	struct sock_addr addr;

	sock_addr_server(&addr, 0);
	if (sock_bind(fd, &addr)) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Two sockets that have begun to connect to each other: with the frames held
 * up by netem, each sends its SYN before it sees the other's.
 */
int sock_cross(int fd[2])
{
	struct sock_addr local, peer;
	int i;

	for (i = 0; i < 2; i++) {
		fd[i] = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
		addr_here(&local, SOCK_PORT_FIXED + i, i);
		if (sock_bind(fd[i], &local))
			return -1;
	}
	for (i = 0; i < 2; i++) {
		addr_here(&peer, SOCK_PORT_FIXED + !i, i);
		if (!sock_is_inet())
			sock_mac(!i, peer.th.sth_addr);
		if (sock_connect_addr(fd[i], &peer) != -1 ||
		    errno != EINPROGRESS)
			return -1;
	}
	return 0;
}

/* fd[0] is connected to fd[1], which is bound. */
int sock_dgram_pair(int fd[2])
{
	struct sock_addr addr;

	fd[0] = sock_open(SOCK_DGRAM);
	fd[1] = sock_bound_dgram();
	if (fd[0] < 0 || fd[1] < 0)
		return -1;
	sock_addr_dest(&addr, sock_port(fd[1]));
	return sock_connect_addr(fd[0], &addr);
}

/* A byte each way, then close both. */
bool sock_works(int a, int b)
{
	char c = 0;
	bool good = send(a, "x", 1, MSG_NOSIGNAL) == 1 &&
		    recv(b, &c, 1, 0) == 1 && c == 'x' &&
		    send(b, "y", 1, MSG_NOSIGNAL) == 1 &&
		    recv(a, &c, 1, 0) == 1 && c == 'y';

	close(a);
	close(b);
	return good;
}

static int poll_one(int fd, short events, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int ret;

	do {
		ret = poll(&pfd, 1, timeout);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -1 : pfd.revents;
}

/* The events that stand now. */
int sock_events(int fd, short events)
{
	return poll_one(fd, events, 0);
}

/* Wait for any of the events; 0 if none comes. */
int sock_wait(int fd, short events)
{
	return poll_one(fd, events, WAIT_MS);
}

void sock_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int sock_int_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, name, &value, &len))
		return -1;
	return value;
}

/* The pending error, as minus errno. */
int sock_error(int fd)
{
	int value = sock_int_option(fd, SOL_SOCKET, SO_ERROR);

	return value < 0 ? value : -value;
}

int sock_outq(int fd)
{
	int bytes = -1;

	return ioctl(fd, SIOCOUTQ, &bytes) ? -1 : bytes;
}

int sock_inq(int fd)
{
	int bytes = -1;

	return ioctl(fd, SIOCINQ, &bytes) ? -1 : bytes;
}

/* Wait until the peer has acknowledged everything. */
bool sock_acked(int fd)
{
	return SOCK_UNTIL(sock_outq(fd) == 0);
}

/* Wait until that many bytes can be read. */
bool sock_arrived(int fd, int bytes)
{
	return SOCK_UNTIL(sock_inq(fd) >= bytes);
}

/*
 * Send until nothing more fits and nothing moves, not even for a delayed ACK;
 * returns the bytes.
 */
long sock_fill(int fd)
{
	static char buf[65536];
	struct timespec ts = { .tv_nsec = 250000000 };
	long sum = 0, before;
	ssize_t n;

	do {
		before = sum;
		/* First: what was sent before may be on its way still. */
		nanosleep(&ts, NULL);
		while ((n = send(fd, buf, sizeof(buf),
				 MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
			sum += n;
	} while (sum != before);
	return sum;
}

/* Read that many bytes and drop them; returns how many came. */
long sock_drain(int fd, long bytes)
{
	static char buf[65536];
	long sum = 0;
	ssize_t n;

	while (sum < bytes) {
		size_t len = bytes - sum < (long)sizeof(buf) ?
			     bytes - sum : (long)sizeof(buf);

		n = recv(fd, buf, len, 0);
		if (n <= 0)
			break;
		sum += n;
	}
	return sum;
}

bool sock_send_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

bool sock_recv_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	while (len) {
		n = recv(fd, p, len, 0);
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* Bytes that differ by place and by seed. */
void sock_pattern(void *buf, size_t len, unsigned int seed)
{
	unsigned char *p = buf;
	uint32_t x = seed * 2654435761U + 1;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = x >> 24;
	}
}

/* Short at first; then longer, so that what never comes ends some day. */
void sock_pause(int tries)
{
	bool early = tries > SOCK_TRIES - 1000;
	struct timespec ts = { .tv_nsec = early ? 1000000 : 100000000 };

	nanosleep(&ts, NULL);
}

/*
 * Milliseconds of the clock that ends time-outs: it moves on by ticks, so a
 * tick that comes late, on a busy machine, cannot make a time-out look short.
 */
long sock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Let no frame reach the socket, or do so again: to its peer it looks like one
 * that has lost its power.
 */
int sock_silence(int fd, bool on)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &code };
	int name = on ? SO_ATTACH_FILTER : SO_DETACH_FILTER;

	return setsockopt(fd, SOL_SOCKET, name, &prog, sizeof(prog));
}

/* Close at once; nothing is sent but a reset. */
int sock_cut(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -1;
	return close(fd);
}

static void *job_main(void *arg)
{
	struct sock_job *job = arg;

	__atomic_store_n(&job->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	errno = 0;
	job->result = sock_result(job->fn(job->arg));
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	return NULL;
}

int sock_start(struct sock_job *job, long (*fn)(void *arg), void *arg)
{
	memset(job, 0, sizeof(*job));
	job->fn = fn;
	job->arg = arg;
	return pthread_create(&job->thread, NULL, job_main, job);
}

static bool sleeping(struct sock_job *job)
{
	int tid = __atomic_load_n(&job->tid, __ATOMIC_ACQUIRE);
	char path[64], line[512], *p;
	bool asleep = false;
	FILE *file;

	if (!tid)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file)) {
		p = strrchr(line, ')');
		asleep = p && p[2] == 'S';
	}
	fclose(file);
	return asleep;
}

static bool job_done(struct sock_job *job)
{
	return __atomic_load_n(&job->done, __ATOMIC_ACQUIRE);
}

/* Wait until the job sleeps in its call: true; false if it has ended. */
bool sock_asleep(struct sock_job *job)
{
	int seen = 0;

	/* Not just once: it may sleep for a moment on the way to the call. */
	return SOCK_UNTIL(job_done(job) ||
			  (seen = sleeping(job) ? seen + 1 : 0) >= 3) &&
	       !job_done(job);
}

long sock_finish(struct sock_job *job)
{
	pthread_join(job->thread, NULL);
	return job->result;
}

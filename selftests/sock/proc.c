// SPDX-License-Identifier: GPL-2.0
/* /proc/net/tether and /proc/net/tether_stat: what they say is so. */
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pair.h"

#define TABLE "/proc/net/tether"
#define SOME 3000
#define LISTENERS 60
#define PAIRS 60

/* The columns are our own. */
#define SOCK_NAME table
#define SOCK_NO_INET
#include "fixture.h"
#define SOCK_NAME counter
#define SOCK_NO_INET
#include "fixture.h"

/* A line of the table; @left is what is behind the timer's colon. */
struct row {
	char type[16], state[16], local[64], peer[64], timer[32];
	unsigned int rx, tx, half, completed, limit, uid;
	unsigned long inode;
	double left;
	int refs;
};

static bool parse(struct row *row, const char *line)
{
	char *colon;

	if (sscanf(line, "%15s %15s %63s %63s %u %u %u %u %u %31s %u %lu %d",
		   row->type, row->state, row->local, row->peer, &row->rx,
		   &row->tx, &row->half, &row->completed, &row->limit,
		   row->timer, &row->uid, &row->inode, &row->refs) != 13)
		return false;
	colon = strchr(row->timer, ':');
	row->left = colon ? atof(colon + 1) : 0;
	if (colon)
		*colon = 0;
	return true;
}

/* The one line with this inode and, if it is not NULL, this state. */
static bool find(struct row *row, unsigned long inode, const char *state)
{
	FILE *file = fopen(TABLE, "r");
	char line[512];
	struct row one;
	int found = 0;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (!parse(&one, line) || one.inode != inode ||
		    (state && strcmp(one.state, state)))
			continue;
		*row = one;
		found++;
	}
	fclose(file);
	return found == 1;
}

static unsigned long inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static bool row_of(int fd, struct row *row)
{
	return find(row, inode_of(fd), NULL);
}

/* DEVICE/MAC:PORT, where a device or MAC that is not there is "*". */
static bool is_address(const char *seen, const char *device,
		       const unsigned char *mac, int port)
{
	char text[64] = "*", want[128];

	if (mac)
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
			 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	snprintf(want, sizeof(want), "%s/%s:%d", device ?: "*", text, port);
	if (!strcmp(seen, want))
		return true;
	fprintf(stderr, "# %s, should be %s\n", seen, want);
	return false;
}

/* The end of a connection: the client's or the server's. */
static bool are_ends(const struct row *row, bool server, int port,
		     int peer_port)
{
	unsigned char mac[2][6];
	char device[IF_NAMESIZE];

	if_indextoname(sock_ifindex(server), device);
	sock_mac(server, mac[0]);
	sock_mac(!server, mac[1]);
	return is_address(row->local, device, mac[0], port) &&
	       is_address(row->peer, device, mac[1], peer_port);
}

static bool is_nobody(const char *seen)
{
	return is_address(seen, NULL, NULL, 0);
}

TEST_F(table, heading)
{
	static const char * const want[] = {
		"type", "state", "local", "peer", "rx_queue", "tx_queue",
		"half", "completed", "limit", "timer", "uid", "inode", "refs",
	};
	FILE *file = fopen(TABLE, "r");
	char line[512] = "", *word;
	size_t i = 0;

	ASSERT_NE(NULL, file);
	ASSERT_NE(NULL, fgets(line, sizeof(line), file));
	fclose(file);
	line[strcspn(line, "\n")] = 0;
	for (word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		ASSERT_LT(i, ARRAY_SIZE(want));
		EXPECT_STREQ(want[i++], word);
	}
	EXPECT_EQ(ARRAY_SIZE(want), i);
}

TEST_F(table, connection)
{
	struct row row;
	int fd[2], i;

	ASSERT_EQ(0, sock_pair(fd));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(row_of(fd[i], &row));
		EXPECT_STREQ("stream", row.type);
		EXPECT_STREQ("ESTABLISHED", row.state);
		EXPECT_TRUE(are_ends(&row, i, sock_port(fd[i]),
				     sock_port(fd[!i])));
		EXPECT_EQ(0, row.rx + row.tx);
		EXPECT_EQ(0, row.half + row.completed + row.limit);
	}
}

/* Any device or none, any MAC or none: what bind(2) was given. */
TEST_F(table, bound)
{
	char device[IF_NAMESIZE];
	struct sock_addr addr;
	unsigned char mac[6];
	struct row row;
	int fd, i;

	if_indextoname(sock_ifindex(true), device);
	sock_mac(true, mac);
	for (i = 0; i < (sock_link == SOCK_VETH ? 4 : 2); i++) {
		fd = sock_open(SOCK_STREAM);
		sock_addr_any(&addr, SOCK_PORT_FIXED + i);
		if (i & 1)
			addr.th.sth_ifindex = sock_ifindex(true);
		if (i & 2)
			sock_mac(true, addr.th.sth_addr);
		ASSERT_EQ(0, sock_bind(fd, &addr));
		ASSERT_TRUE(row_of(fd, &row));
		EXPECT_STREQ("stream", row.type);
		EXPECT_STREQ("CLOSED", row.state);
		EXPECT_TRUE(is_address(row.local, i & 1 ? device : NULL,
				       i & 2 ? mac : NULL,
				       SOCK_PORT_FIXED + i));
		EXPECT_TRUE(is_nobody(row.peer));
		EXPECT_STREQ("-", row.timer);
		EXPECT_EQ(1, row.refs);
	}
}

/* What is unread and what is unacknowledged, as the ioctls have it. */
TEST_F(table, queues)
{
	static char buf[SOME];
	struct row row;
	int fd[2];

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_pair(fd));
	ASSERT_TRUE(sock_send_all(fd[0], buf, SOME));
	ASSERT_TRUE(sock_arrived(fd[1], SOME));
	ASSERT_TRUE(sock_acked(fd[0]));
	ASSERT_EQ(1000, sock_drain(fd[1], 1000));
	ASSERT_TRUE(row_of(fd[1], &row));
	EXPECT_EQ(SOME - 1000, row.rx);
	EXPECT_EQ(sock_inq(fd[1]), row.rx);
	EXPECT_EQ(0, row.tx);
	ASSERT_TRUE(row_of(fd[0], &row));
	EXPECT_EQ(0, row.rx + row.tx);

	ASSERT_TRUE(sock_qdisc("netem loss 100%"));
	ASSERT_TRUE(sock_send_all(fd[0], buf, SOME));
	ASSERT_TRUE(row_of(fd[0], &row));
	EXPECT_EQ(SOME, row.tx);
	EXPECT_EQ(sock_outq(fd[0]), row.tx);
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	ASSERT_TRUE(row_of(fd[0], &row));
	/* Unlike the ioctl's, the number is one of bytes. */
	EXPECT_EQ(SOME, row.tx);
	EXPECT_EQ(sock_outq(fd[0]) - 1, row.tx);
	ASSERT_TRUE(row_of(fd[1], &row));
	EXPECT_EQ(SOME - 1000, row.rx);
}

/* The handshake is no byte either. */
TEST_F(table, connecting)
{
	struct sock_addr addr;
	struct row row;
	int fd;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_qdisc("netem loss 100%"));
	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	ASSERT_EQ(-1, sock_connect_addr(fd, &addr));
	ASSERT_TRUE(row_of(fd, &row));
	EXPECT_STREQ("SYN_SENT", row.state);
	EXPECT_TRUE(are_ends(&row, false, sock_port(fd), SOCK_PORT_IDLE));
	EXPECT_EQ(0, row.rx + row.tx);
	EXPECT_STREQ("rto", row.timer);
	EXPECT_LE(row.left, 64);
}

TEST_F(table, listener)
{
	int listener, fd, port;
	struct sock_addr addr;
	struct row row;

	ASSERT_TRUE(sock_fresh_net());
	listener = sock_listener(7);
	port = sock_port(listener);
	ASSERT_TRUE(row_of(listener, &row));
	EXPECT_STREQ("stream", row.type);
	EXPECT_STREQ("LISTEN", row.state);
	EXPECT_TRUE(is_nobody(row.peer));
	EXPECT_EQ(0, row.half + row.completed);
	EXPECT_EQ(7, row.limit);
	EXPECT_STREQ("-", row.timer);

	ASSERT_TRUE(sock_qdisc("netem delay 2s"));
	fd = sock_open(SOCK_STREAM | SOCK_NONBLOCK);
	sock_addr_dest(&addr, port);
	ASSERT_EQ(-1, sock_connect_addr(fd, &addr));
	EXPECT_TRUE(SOCK_UNTIL(row_of(listener, &row) && row.half == 1));
	EXPECT_EQ(0, row.completed);
	EXPECT_STREQ("synack", row.timer);
	EXPECT_LE(row.left, 64);
	EXPECT_TRUE(SOCK_UNTIL(row_of(listener, &row) && row.completed == 1));
	EXPECT_EQ(0, row.half);
	EXPECT_EQ(7, row.limit);
	/* Nobody has the child yet: it has no inode. */
	ASSERT_TRUE(find(&row, 0, "ESTABLISHED"));
	EXPECT_TRUE(are_ends(&row, true, port, sock_port(fd)));
	ASSERT_GE(sock_accept(listener), 0);
	ASSERT_TRUE(row_of(listener, &row));
	EXPECT_EQ(0, row.completed);
	EXPECT_EQ(0, listen(listener, 3));
	ASSERT_TRUE(row_of(listener, &row));
	EXPECT_EQ(3, row.limit);
}

/* Whether the timer that is next is this one, in at most so many seconds. */
static bool is_timed(int fd, const char *timer, double most)
{
	struct row row;

	return row_of(fd, &row) && !strcmp(row.timer, timer) &&
	       row.left <= most;
}

TEST_F(table, timers)
{
	int fd[2], on = 1;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_sysctl("tether/ack_delay_us", "500000"));
	ASSERT_EQ(0, sock_pair(fd));
	EXPECT_TRUE(SOCK_UNTIL(is_timed(fd[1], "-", 0)));
	EXPECT_TRUE(SOCK_UNTIL(send(fd[0], "a", 1, 0) == 1 &&
			       is_timed(fd[1], "ack", 0.5)));
	ASSERT_TRUE(sock_acked(fd[0]));
	EXPECT_TRUE(is_timed(fd[0], "-", 0));

	ASSERT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_KEEPALIVE, &on,
				sizeof(on)));
	EXPECT_TRUE(is_timed(fd[0], "keep", 7200));
	EXPECT_FALSE(is_timed(fd[0], "keep", 3600));
	on = 0;
	ASSERT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_KEEPALIVE, &on,
				sizeof(on)));
	EXPECT_TRUE(is_timed(fd[0], "-", 0));

	ASSERT_TRUE(sock_qdisc("netem loss 100%"));
	ASSERT_EQ(1, send(fd[0], "r", 1, 0));
	EXPECT_TRUE(is_timed(fd[0], "rto", 64));
}

/*
 * One piece at a time: nothing is in flight when the window shuts, and no
 * other timer than this one can be running.
 */
TEST_F(table, probe)
{
	int listener, fd[2], size = 8192;
	char piece[1000] = "";
	long sent = 0;

	ASSERT_TRUE(sock_fresh_net());
	listener = sock_listener(1);
	ASSERT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	fd[0] = sock_connect_to(listener);
	fd[1] = sock_accept(listener);
	do {
		ASSERT_EQ(sizeof(piece), send(fd[0], piece, sizeof(piece),
					      MSG_DONTWAIT));
		sent += sizeof(piece);
		ASSERT_TRUE(SOCK_UNTIL(!sock_outq(fd[0]) ||
				       is_timed(fd[0], "probe", 60)));
	} while (!sock_outq(fd[0]) && sent < 1000000);
	EXPECT_TRUE(is_timed(fd[0], "probe", 60));

	EXPECT_EQ(sent, sock_drain(fd[1], sent));
	EXPECT_TRUE(sock_acked(fd[0]));
	EXPECT_TRUE(is_timed(fd[0], "-", 0));
}

/* Connections that no program has any more. */
TEST_F(table, left_behind)
{
	int fd[2], port[2];
	struct row row;
	char c;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_sysctl("tether/time_wait_ms", "100000"));
	ASSERT_EQ(0, sock_pair(fd));
	port[0] = sock_port(fd[0]);
	port[1] = sock_port(fd[1]);
	ASSERT_EQ(0, close(fd[0]));
	ASSERT_EQ(0, recv(fd[1], &c, 1, 0));
	ASSERT_TRUE(SOCK_UNTIL(find(&row, 0, "FIN_WAIT2")));
	EXPECT_TRUE(are_ends(&row, false, port[0], port[1]));
	EXPECT_STREQ("orphan", row.timer);
	EXPECT_LE(row.left, 60);
	EXPECT_GT(row.left, 0);
	ASSERT_EQ(0, close(fd[1]));
	ASSERT_TRUE(SOCK_UNTIL(find(&row, 0, NULL)));
	EXPECT_STREQ("stream", row.type);
	EXPECT_STREQ("TIME_WAIT", row.state);
	EXPECT_TRUE(are_ends(&row, false, port[0], port[1]));
	EXPECT_STREQ("wait", row.timer);
	EXPECT_LE(row.left, 100);
	EXPECT_GT(row.left, 0);
	EXPECT_EQ(0, row.rx + row.tx + row.uid + row.refs);
}

/* Whose is it? Of a socket it is who has made it, as with TCP. */
TEST_F(table, uid)
{
	struct sock_addr addr;
	struct row row;
	int fd[2];

	sock_addr_any(&addr, 0);
	fd[0] = sock_open(SOCK_STREAM);
	ASSERT_EQ(0, sock_bind(fd[0], &addr));
	ASSERT_EQ(0, seteuid(4321));
	fd[1] = sock_open(SOCK_DGRAM);
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, sock_bind(fd[1], &addr));
	ASSERT_TRUE(row_of(fd[0], &row));
	EXPECT_EQ(0, row.uid);
	ASSERT_TRUE(row_of(fd[1], &row));
	EXPECT_EQ(4321, row.uid);
}

/* A timer that runs has a reference of its own. */
TEST_F(table, refs)
{
	struct row row;
	int fd[2], on = 1;

	ASSERT_EQ(0, sock_pair(fd));
	EXPECT_TRUE(SOCK_UNTIL(row_of(fd[0], &row) && row.refs == 1));
	ASSERT_EQ(0, setsockopt(fd[0], SOL_SOCKET, SO_KEEPALIVE, &on,
				sizeof(on)));
	ASSERT_TRUE(row_of(fd[0], &row));
	EXPECT_EQ(2, row.refs);
}

TEST_F(table, datagrams)
{
	unsigned int memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(memory);
	static char buf[500];
	struct row row;
	int fd[2], i;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_dgram_pair(fd));
	ASSERT_TRUE(row_of(fd[0], &row));
	EXPECT_STREQ("dgram", row.type);
	EXPECT_STREQ("CONNECTED", row.state);
	EXPECT_TRUE(are_ends(&row, false, sock_port(fd[0]), sock_port(fd[1])));
	ASSERT_TRUE(row_of(fd[1], &row));
	EXPECT_STREQ("dgram", row.type);
	EXPECT_STREQ("BOUND", row.state);
	EXPECT_TRUE(is_nobody(row.peer));
	EXPECT_STREQ("-", row.timer);
	EXPECT_EQ(0, row.rx + row.tx);
	EXPECT_EQ(1, row.refs);

	ASSERT_EQ(5, send(fd[0], "12345", 5, 0));
	ASSERT_EQ(POLLIN, sock_wait(fd[1], POLLIN));
	ASSERT_EQ(0, getsockopt(fd[1], SOL_SOCKET, SO_MEMINFO, memory, &len));
	ASSERT_TRUE(row_of(fd[1], &row));
	EXPECT_GT(row.rx, 5);
	EXPECT_EQ(memory[SK_MEMINFO_RMEM_ALLOC], row.rx);

	/* A kilobyte a second, after the first kilobyte and a half. */
	ASSERT_TRUE(sock_qdisc("tbf rate 8kbit burst 1600 limit 100000"));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(sizeof(buf), send(fd[0], buf, sizeof(buf), 0));
	ASSERT_TRUE(row_of(fd[0], &row));
	EXPECT_GT(row.tx, 0);
	EXPECT_LE(sock_outq(fd[0]), row.tx);
	EXPECT_TRUE(SOCK_UNTIL(row_of(fd[0], &row) && row.tx == 0));
}

/* How often the table shows each inode, when it is read in such pieces. */
static int times_shown(size_t piece, const unsigned long *inodes, int n)
{
	static char text[1 << 20];
	FILE *file = fopen(TABLE, "r");
	struct row row;
	int shown = 0, i;
	size_t len = 0;
	ssize_t got;
	char *line;

	if (!file)
		return -1;
	while ((got = read(fileno(file), text + len, piece)) > 0)
		len += got;
	fclose(file);
	text[len] = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!parse(&row, line))
			continue;
		for (i = 0; i < n; i++)
			shown += row.inode == inodes[i];
		/* Somebody else's line counts as one too many. */
		shown += !row.inode;
	}
	return shown;
}

/*
 * The kernel stops and goes on within the table, also among the many sockets
 * of one port: nothing is left out or shown twice.
 */
TEST_F(table, pieces)
{
	unsigned long inodes[LISTENERS + 1 + 2 * PAIRS];
	static const size_t pieces[] = { 1, 7, 100, 4096, 65536 };
	int listener, fd, n = 0, i;

	ASSERT_TRUE(sock_fresh_net());
	listener = sock_listener(1);
	inodes[n++] = inode_of(listener);
	for (i = 0; i < LISTENERS; i++)
		inodes[n++] = inode_of(sock_listener(1));
	for (i = 0; i < PAIRS; i++) {
		fd = sock_connect_to(listener);
		inodes[n++] = inode_of(fd);
		inodes[n++] = inode_of(sock_accept(listener));
	}
	ASSERT_EQ(n, sock_count());
	for (i = 0; i < (int)ARRAY_SIZE(pieces); i++)
		EXPECT_EQ(n, times_shown(pieces[i], inodes, n));
	for (i = 0; i < n; i++)
		ASSERT_EQ(1, times_shown(65536, &inodes[i], 1));
}

TEST_F(counter, datagrams)
{
	struct sock_addr addr;
	int fd[2], i;

	ASSERT_TRUE(sock_fresh_net());
	ASSERT_EQ(0, sock_dgram_pair(fd));
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(1, send(fd[0], "d", 1, 0));
		EXPECT_EQ(i, sock_counter("dgrams_out"));
		EXPECT_TRUE(SOCK_UNTIL(sock_counter("dgrams_in") == i));
	}
	sock_addr_dest(&addr, SOCK_PORT_IDLE);
	ASSERT_EQ(1, sendto(sock_open(SOCK_DGRAM), "d", 1, 0, &addr.sa,
			    addr.len));
	EXPECT_EQ(4, sock_counter("dgrams_out"));
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("drop_no_socket") == 1));
	EXPECT_EQ(3, sock_counter("dgrams_in"));
	EXPECT_EQ(4, sock_counter("frames_in"));
	EXPECT_EQ(4, sock_counter("frames_out"));
	EXPECT_EQ(0, sock_counter("segments_*"));
}

static bool end_pair(void)
{
	int fd[2];
	char c;

	return !sock_pair(fd) && !close(fd[0]) && !recv(fd[1], &c, 1, 0) &&
	       !close(fd[1]);
}

TEST_F(counter, time_wait)
{
	ASSERT_TRUE(sock_fresh_net());
	ASSERT_TRUE(sock_sysctl("tether/time_wait_ms", "60000"));
	ASSERT_TRUE(sock_sysctl("tether/max_time_wait", "1"));
	ASSERT_TRUE(end_pair());
	ASSERT_TRUE(SOCK_UNTIL(sock_counter("time_wait") == 1));
	EXPECT_EQ(0, sock_counter("time_wait_full"));
	/* Each end was closed before the other had acknowledged that. */
	EXPECT_EQ(2, sock_counter("orphaned"));
	EXPECT_TRUE(SOCK_UNTIL(sock_count() == 1));
	/* One more is closed at once, in peace. */
	ASSERT_TRUE(end_pair());
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("time_wait_full") == 1));
	EXPECT_EQ(1, sock_counter("time_wait"));
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("did_time_wait") == 2));
	EXPECT_TRUE(SOCK_UNTIL(sock_count() == 1));
	EXPECT_EQ(0, sock_counter("rst_*"));
}

TEST_F(counter, connections)
{
	int listener, fd;

	ASSERT_TRUE(sock_fresh_net());
	listener = sock_listener(1);
	fd = sock_connect_to(listener);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, sock_counter("active_open"));
	EXPECT_EQ(1, sock_counter("half_open"));
	EXPECT_TRUE(SOCK_UNTIL(sock_counter("passive_open") == 1));
	EXPECT_EQ(2, sock_counter("did_connect"));
	EXPECT_EQ(0, sock_counter("accepted"));
	ASSERT_GE(sock_accept(listener), 0);
	EXPECT_EQ(1, sock_counter("accepted"));
	EXPECT_EQ(0, sock_counter("listen_overflow"));
	EXPECT_EQ(0, sock_counter("orphaned"));
}

#include "last.h"

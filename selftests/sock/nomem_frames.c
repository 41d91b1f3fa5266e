// SPDX-License-Identifier: GPL-2.0
/*
 * No memory for a frame that arrives: of what is allocated for it, and for its
 * answer, one after the other is refused. Each time the frame is used, or
 * counted as dropped; when it comes again, as a peer would send it, all is as
 * it should be. The frames are written to a TAP device, so that the writer's
 * system call deals with them. Needs a kernel that injects faults.
 */
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include "faults.h"
#include "pair.h"
#include "wire.h"

#define SEGMENT 1000

/* What the counters say, and what was read from the wire. */
struct tally {
	long frames;	/* came in */
	long lost;	/* of them or their answers, for want of memory */
	long used;
};

/*
 * A kind of frame. @counter counts what it brings about; frames like @answer
 * are, if there is none. @after looks whether all is well, and closes all.
 * With @more, frames that it lets out may be lost besides.
 */
struct kind {
	const char *name;
	bool (*prepare)(void);
	void (*fill)(struct frame *frame);
	int answer;
	const char *counter;
	bool (*after)(void);
	bool more;
};

static const struct kind *kind;

/* The device delivers in softirq; otherwise in the context of the writer. */
static bool later;

static struct frame sent;
static struct tally before;
static int listener, conn;
static __u8 bytes[8 * SEGMENT];

/* Reads what was sent to the peer, too. */
static void count(struct tally *tally)
{
	static long answers;
	struct frame frame;

	while (wire_get(&frame, 0))
		answers += (frame.flags & WIRE_KIND) == kind->answer;
	tally->frames = sock_counter("frames_in");
	tally->lost = sock_counter("drop_memory") + sock_counter("drop_rate") +
		      sock_counter("xmit_nomem") + sock_counter("xmit_drop");
	tally->used = kind->counter ? sock_counter(kind->counter) : answers;
}

static int prepare(void)
{
	kind = faults_arg;
	wire_new_peer();
	/* No timer shall come between. */
	if (!sock_sysctl("tether/rto_init_us", "300000") || !kind->prepare())
		return -1;
	kind->fill(&sent);
	count(&before);
	return 0;
}

static long put(int unused)
{
	return wire_put(&sent);
}

/*
 * The answer that could not be sent may be due later only: the module limits
 * how often it answers the same.
 */
static bool again(void)
{
	struct tally now;

	return wire_put(&sent) > 0 &&
	       SOCK_UNTIL((count(&now), now.used > before.used));
}

/* The frame has been dealt with, one way or the other. */
static bool is_over(struct tally *now)
{
	count(now);
	return now->used > before.used || now->lost > before.lost;
}

/* One that the device could not take has not come in. */
static bool judge(int unused, long result)
{
	long came, lost, used, taken = result > 0;
	struct tally now;

	if (later && !SOCK_UNTIL(is_over(&now)))
		return false;
	count(&now);
	came = now.frames - before.frames;
	lost = now.lost - before.lost;
	used = now.used - before.used;
	if (kind->more && used)
		lost = 0;
	if (came != taken || used + lost != came) {
		fprintf(stderr, "# %ld came in, %ld used, %ld lost\n", came,
			used, lost);
		return false;
	}
	return (used || again()) && kind->after();
}

static bool walk(const struct kind *kinds, int n)
{
	struct attempt tries[10];
	int i;

	/*
	 * In softirq the device's own memory is not meant. A debug kernel warns
	 * if it cannot track a child's namespace.
	 */
	for (i = 0; i < n; i++)
		tries[i] = (struct attempt){
			kinds[i].name, prepare, put, judge,
			{ later ? 0 : ENOMEM, later ? 0 : EFAULT },
			&kinds[i], .softirq = later,
		};
	return faults_spare("ref_tracker_alloc") &&
	       wire_open(later ? IFF_NAPI : 0) && faults_walk(tries, n);
}

static bool none(void)
{
	return true;
}

static bool make_listener(void)
{
	listener = wire_bound(SOCK_STREAM);
	return listener >= 0;
}

static bool close_listener(bool good)
{
	return !close(listener) && good;
}

static void fill_syn(struct frame *frame)
{
	wire_frame(frame, SYN);
}

/* The answer has been read. */
static bool after_syn(void)
{
	wire.seq++;
	wire_send(ACK);
	return close_listener(wire_works(sock_accept(listener)));
}

static bool make_half(void)
{
	return make_listener() && wire_half();
}

static void fill_ack(struct frame *frame)
{
	wire_frame(frame, ACK);
}

static bool after_final_ack(void)
{
	return close_listener(wire_works(sock_accept(listener)));
}

static bool make_connecting(void)
{
	conn = wire_connecting();
	return conn >= 0;
}

static void fill_syn_ack(struct frame *frame)
{
	wire_frame(frame, SYN | ACK);
}

static bool after_syn_ack(void)
{
	wire.seq++;
	return wire_works(conn);
}

/* The peer's own SYN, in answer to ours. */
static bool after_crossing(void)
{
	wire.seq++;
	return wire_send(ACK) && wire_works(conn);
}

TEST(opening)
{
	const struct kind kinds[] = {
		{ "frame SYN", make_listener, fill_syn, SYN | ACK, NULL,
		  after_syn },
		{ "frame final ACK", make_half, fill_ack, 0, "passive_open",
		  after_final_ack },
		{ "frame SYN+ACK", make_connecting, fill_syn_ack, ACK, NULL,
		  after_syn_ack },
		{ "frame SYN, simultaneous", make_connecting, fill_syn,
		  SYN | ACK, NULL, after_crossing },
	};

	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

static bool make_connection(void)
{
	if (!make_listener())
		return false;
	conn = wire_child(listener);
	return close_listener(conn >= 0);
}

static void fill_bytes(struct frame *frame)
{
	wire_frame(frame, ACK | PSH);
	frame->payload = bytes;
	frame->payload_len = SEGMENT;
}

static bool received(long len)
{
	static __u8 in[2 * SEGMENT];

	return recv(conn, in, sizeof(in), MSG_DONTWAIT) == len;
}

static bool after_bytes(void)
{
	wire.seq += SEGMENT;
	return received(SEGMENT) && wire_works(conn);
}

/* With a hole before it, which is answered. */
static void fill_beyond(struct frame *frame)
{
	fill_bytes(frame);
	frame->seq += SEGMENT;
}

static bool after_beyond(void)
{
	bool good = received(-1) && wire_bytes(SEGMENT);

	wire.seq += SEGMENT;
	return good && received(2 * SEGMENT) && wire_works(conn);
}

/* The peer's window was shut with bytes unsent. */
static bool make_waiting(void)
{
	return make_connection() && send(conn, bytes, SEGMENT, 0) == SEGMENT &&
	       wire_expect(ACK, ACK);
}

static bool after_ack(void)
{
	return sock_outq(conn) == 0 && wire_works(conn);
}

/* Far more than the peer had room for, and no time-out before it has. */
static bool make_held(void)
{
	wire.window = SEGMENT;
	return sock_sysctl("tether/rto_min_us", "200000") &&
	       make_connection() &&
	       send(conn, bytes, sizeof(bytes), 0) == sizeof(bytes) &&
	       wire_expect(ACK, ACK);
}

/* It has room now: for a super-frame, which this device cannot take whole. */
static void fill_window(struct frame *frame)
{
	wire.window = 65535;
	fill_ack(frame);
}

static bool after_window(void)
{
	while (wire_send(ACK) && sock_outq(conn))
		if (!wire_expect(ACK, ACK))
			return false;
	return wire_works(conn);
}

#define FEW 150

/* Of another small one before it, the program has read nothing. */
static bool make_unread(void)
{
	return make_connection() && wire_bytes(FEW);
}

static void fill_few_bytes(struct frame *frame)
{
	fill_bytes(frame);
	frame->payload_len = FEW;
}

static bool after_few_bytes(void)
{
	wire.seq += FEW;
	return received(2 * FEW) && wire_works(conn);
}

/* Somebody listens on the device, so that the frame is shared. */
static int overhearer;

static bool make_overheard(void)
{
	char name[IFNAMSIZ];

	overhearer = frame_open(if_indextoname(wire.ifindex, name));
	return overhearer >= 0 && make_connection();
}

static bool after_overheard(void)
{
	return !close(overhearer) && after_bytes();
}

static void fill_probe(struct frame *frame)
{
	wire_frame(frame, ACK | PROBE);
}

static bool after_probe(void)
{
	return wire_works(conn);
}

TEST(connection)
{
	const struct kind kinds[] = {
		{ "frame of bytes", make_connection, fill_bytes, 0,
		  "did_readable", after_bytes },
		{ "frame out of order", make_connection, fill_beyond, ACK,
		  NULL, after_beyond },
		{ "frame ACK", make_waiting, fill_ack, 0, "did_writable",
		  after_ack },
		{ "frame ACK that opens the window", make_held, fill_window, 0,
		  "did_writable", after_window, true },
		{ "frame of few bytes", make_unread, fill_few_bytes, 0,
		  "did_readable", after_few_bytes },
		{ "frame that is overheard", make_overheard, fill_bytes, 0,
		  "did_readable", after_overheard },
		{ "frame probe", make_connection, fill_probe, ACK, NULL,
		  after_probe },
	};

	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

static void fill_fin(struct frame *frame)
{
	wire_frame(frame, ACK | FIN);
}

static bool after_fin(void)
{
	bool good = received(0);

	wire.seq++;
	good = good && send(conn, bytes, 1, 0) == 1 && wire_expect(PSH, PSH);
	return !sock_cut(conn) && good;
}

static void fill_rst(struct frame *frame)
{
	wire_frame(frame, RST);
}

static bool after_rst(void)
{
	bool good = received(-1) && errno == ECONNRESET;

	return !close(conn) && good;
}

/*
 * Our FIN has been acknowledged, and the peer's is to come, which may come
 * again.
 */
static bool make_half_closed(void)
{
	return sock_sysctl("tether/time_wait_ms", "2000") &&
	       make_connection() && !shutdown(conn, SHUT_WR) &&
	       wire_expect(FIN, FIN) && wire_send(ACK);
}

/* TIME_WAIT, or nothing of it if there was no memory. */
static bool after_last_fin(void)
{
	bool good = received(0);

	return !close(conn) && good;
}

TEST(closing)
{
	const struct kind kinds[] = {
		{ "frame FIN", make_connection, fill_fin, ACK, NULL,
		  after_fin },
		{ "frame FIN for TIME_WAIT", make_half_closed, fill_fin, ACK,
		  NULL, after_last_fin },
		{ "frame RST", make_connection, fill_rst, 0, "did_reset",
		  after_rst },
	};

	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

/* The first answer by a device makes the limit of them. */
static bool make_nobody(void)
{
	wire.port = SOCK_PORT_IDLE;
	return wire_open(later ? IFF_NAPI : 0);
}

static void fill_version(struct frame *frame)
{
	wire_frame(frame, SYN);
	frame->version = 2;
}

static void fill_mandatory(struct frame *frame)
{
	static const __u8 option[] = { 0x81, 1, 0, 0 };

	wire_frame(frame, SYN);
	frame->options = option;
	frame->options_len = sizeof(option);
}

static void fill_echo(struct frame *frame)
{
	wire_frame(frame, SYN);
	frame->type = TYPE_ECHO;
	frame->options_len = 0;
	frame->payload = bytes;
	frame->payload_len = SEGMENT;
}

TEST(answers)
{
	const struct kind kinds[] = {
		{ "frame SYN to nobody", make_nobody, fill_syn, RST | ACK,
		  NULL, none },
		{ "frame of another version", make_nobody, fill_version,
		  RST | ACK, NULL, none },
		{ "frame with mandatory option", make_nobody, fill_mandatory,
		  RST | ACK, NULL, none },
		{ "frame ECHO", make_nobody, fill_echo, ACK, NULL, none },
	};

	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

static bool make_datagram(void)
{
	conn = wire_bound(SOCK_DGRAM);
	return conn >= 0;
}

static void fill_datagram(struct frame *frame)
{
	wire_frame(frame, 0);
	frame->type = TYPE_DGRAM;
	frame->payload = bytes;
	frame->payload_len = SEGMENT;
}

static bool after_datagram(void)
{
	bool good = received(SEGMENT) && received(-1);

	return !close(conn) && good;
}

static void fill_broadcast(struct frame *frame)
{
	fill_datagram(frame);
	memset(frame->dst, 0xff, sizeof(frame->dst));
}

TEST(datagram)
{
	const struct kind kinds[] = {
		{ "frame of datagram", make_datagram, fill_datagram, 0,
		  "dgrams_in", after_datagram },
		{ "frame of broadcast", make_datagram, fill_broadcast, 0,
		  "dgrams_in", after_datagram },
	};

	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

static void fill_wrong_sum(struct frame *frame)
{
	wire_frame(frame, SYN);
	frame->check = 0;
}

static void fill_short(struct frame *frame)
{
	wire_frame(frame, SYN);
	frame->len = SEGMENT;
}

TEST(malformed)
{
	const struct kind kinds[] = {
		{ "frame with wrong sum", make_nobody, fill_wrong_sum, 0,
		  "drop_checksum", none },
		{ "frame that is cut", make_nobody, fill_short, 0,
		  "drop_length", none },
	};

	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

TEST(softirq)
{
	const struct kind kinds[] = {
		{ "softirq SYN", make_listener, fill_syn, SYN | ACK, NULL,
		  after_syn },
		{ "softirq final ACK", make_half, fill_ack, 0, "passive_open",
		  after_final_ack },
		{ "softirq out of order", make_connection, fill_beyond, ACK,
		  NULL, after_beyond },
		{ "softirq probe", make_connection, fill_probe, ACK, NULL,
		  after_probe },
		{ "softirq SYN to nobody", make_nobody, fill_syn, RST | ACK,
		  NULL, none },
		{ "softirq ECHO", make_nobody, fill_echo, ACK, NULL, none },
	};

	later = true;
	EXPECT_TRUE(walk(kinds, ARRAY_SIZE(kinds)));
}

TEST_HARNESS_MAIN

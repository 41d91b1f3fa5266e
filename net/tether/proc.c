// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/tether: a line per socket and per TIME_WAIT entry.
 * /proc/net/tether_stat: a line per counter.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "tether.h"

static const char * const shell_stats[TETHER_STAT_SHELL_MAX] = {
	[TETHER_STAT_FRAMES_IN]		= "frames_in",
	[TETHER_STAT_FRAMES_OUT]	= "frames_out",
	[TETHER_STAT_SEGMENTS_IN]	= "segments_in",
	[TETHER_STAT_SEGMENTS_OUT]	= "segments_out",
	[TETHER_STAT_SUPER_OUT]		= "super_out",
	[TETHER_STAT_BYTES_IN]		= "bytes_in",
	[TETHER_STAT_BYTES_OUT]		= "bytes_out",
	[TETHER_STAT_RETRANS_OUT]	= "retrans_out",
	[TETHER_STAT_XMIT_DROP]		= "xmit_drop",
	[TETHER_STAT_XMIT_NODEV]	= "xmit_nodev",
	[TETHER_STAT_XMIT_NOMEM]	= "xmit_nomem",
	[TETHER_STAT_DGRAMS_IN]		= "dgrams_in",
	[TETHER_STAT_DGRAMS_OUT]	= "dgrams_out",
	[TETHER_STAT_ECHO_IN]		= "echo_in",
	[TETHER_STAT_ECHO_OUT]		= "echo_out",
	[TETHER_STAT_ACTIVE_OPEN]	= "active_open",
	[TETHER_STAT_PASSIVE_OPEN]	= "passive_open",
	[TETHER_STAT_ACCEPTED]		= "accepted",
	[TETHER_STAT_HALF_OPEN]		= "half_open",
	[TETHER_STAT_LISTEN_OVERFLOW]	= "listen_overflow",
	[TETHER_STAT_ORPHANED]		= "orphaned",
	[TETHER_STAT_TIME_WAIT]		= "time_wait",
	[TETHER_STAT_TIME_WAIT_FULL]	= "time_wait_full",
	[TETHER_STAT_TIME_WAIT_REOPEN]	= "time_wait_reopen",
	[TETHER_STAT_DEVICE_GONE]	= "device_gone",
};

static const char * const timers[TETHER_TIMER_MAX] = {
	[TETHER_TIMER_RTO]	= "rto",
	[TETHER_TIMER_ACK]	= "ack",
	[TETHER_TIMER_PROBE]	= "probe",
	[TETHER_TIMER_KEEP]	= "keep",
	[TETHER_TIMER_ORPHAN]	= "orphan",
};

/**
 * struct table_walk - place in /proc/net/tether
 * @p: the namespace
 * @at: of the line that is next, in the table of sockets or of TIME_WAIT
 * @waits: the sockets are through
 * @sk: socket of this line, held, or NULL
 * @key: key of this line's TIME_WAIT entry
 * @src: its local MAC
 * @deadline: when it ends
 */
struct table_walk {
	struct seq_net_private	p;
	struct tether_cursor	at;
	bool			waits;
	struct sock		*sk;
	struct tether_key	key;
	u8			src[ETH_ALEN];
	u64			deadline;
};

/* What one line says. */
struct table_line {
	const char	*type;
	const char	*state;
	char		local[48];
	char		peer[48];
	u32		recv;
	u32		send;
	u32		half;
	u32		completed;
	u32		limit;
	char		timer[32];
	uid_t		uid;
	unsigned long	inode;
	int		refs;
};

/* Finds the entry at the walk's place, behind @prev, or the next one. */
static void *walk_fetch(struct seq_file *seq, struct sock *prev)
{
	struct table_walk *walk = seq->private;
	struct net *net = seq_file_net(seq);

	if (!walk->waits) {
		walk->sk = tether_table_seek(net, &walk->at, prev);
		if (walk->sk)
			return walk;
		walk->waits = true;
		walk->at = (struct tether_cursor){};
	}
	if (tether_timewait_seek(net, &walk->at, &walk->key, walk->src,
				 &walk->deadline))
		return walk;
	return NULL;
}

static void walk_release(struct table_walk *walk)
{
	if (walk->sk)
		sock_put(walk->sk);
	walk->sk = NULL;
}

static void *table_start(struct seq_file *seq, loff_t *pos)
{
	struct table_walk *walk = seq->private;

	if (*pos)
		return walk_fetch(seq, NULL);
	walk->waits = false;
	walk->at = (struct tether_cursor){};
	return SEQ_START_TOKEN;
}

static void *table_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct table_walk *walk = seq->private;
	struct sock *prev = walk->sk;
	void *next;

	++*pos;
	if (v != SEQ_START_TOKEN)
		walk->at.offset++;
	walk->sk = NULL;
	next = walk_fetch(seq, prev);
	if (prev)
		sock_put(prev);
	return next;
}

static void table_stop(struct seq_file *seq, void *v)
{
	walk_release(seq->private);
}

/* DEVICE/MAC:PORT; with @any, "*" for what is zero. */
static void put_address(char *buf, size_t size, struct net *net, u32 ifindex,
			const u8 *mac, u16 port, bool any)
{
	char name[IFNAMSIZ] = "*";
	struct net_device *dev;

	if (ifindex) {
		rcu_read_lock();
		dev = dev_get_by_index_rcu(net, ifindex);
		if (dev)
			strscpy(name, dev->name, sizeof(name));
		else
			snprintf(name, sizeof(name), "%u", ifindex);
		rcu_read_unlock();
	}
	if (any && is_zero_ether_addr(mac))
		snprintf(buf, size, "%s/*:%u", name, port);
	else
		snprintf(buf, size, "%s/%pM:%u", name, mac, port);
}

/* Name and time left, in seconds. */
static void put_timer(struct table_line *line, const char *name, u64 deadline)
{
	u64 now = tether_now();
	u64 left = deadline > now ? deadline - now : 0;
	u32 rest;

	if (!deadline)
		return;
	left = div_u64_rem(left, USEC_PER_SEC, &rest);
	snprintf(line->timer, sizeof(line->timer), "%s:%llu.%03u", name, left,
		 rest / (u32)USEC_PER_MSEC);
}

static void put_conn_timer(struct table_line *line,
			   const struct tether_conn *conn)
{
	int i, first = -1;

	for (i = 0; i < TETHER_TIMER_MAX; i++) {
		if (conn->deadline[i] &&
		    (first < 0 || conn->deadline[i] < conn->deadline[first]))
			first = i;
	}
	if (first >= 0)
		put_timer(line, timers[first], conn->deadline[first]);
}

/* Neither the SYN, before all bytes, nor the FIN behind them is a byte. */
static u32 unacknowledged(const struct tether_conn *conn)
{
	const struct tether_sendq *q = &conn->sndq;
	s64 left = min_t(s64, q->end - conn->una, q->end - q->start);

	return max_t(s64, left, 0);
}

static void fill_stream(struct table_line *line, struct sock *sk)
{
	struct tether_conn *conn = &tether_stream(sk)->conn;

	line->type = "stream";
	line->state = tether_state_name(sk->sk_state);
	if (sk->sk_state == TCP_LISTEN) {
		tether_listen_counts(sk, &line->half, &line->completed,
				     &line->limit);
		put_timer(line, "synack", tether_listen_deadline(sk));
	} else if (sk->sk_state != TCP_CLOSE) {
		line->recv = tether_recvq_avail(&conn->rcvq);
		line->send = unacknowledged(conn);
		put_conn_timer(line, conn);
	}
}

static void fill_dgram(struct table_line *line, struct sock *sk)
{
	line->type = "dgram";
	line->state = sk->sk_state == TCP_ESTABLISHED ? "CONNECTED" : "BOUND";
	line->recv = sk_rmem_alloc_get(sk);
	line->send = sk_wmem_alloc_get(sk);
}

static void fill_sock(struct table_line *line, struct seq_file *seq,
		      struct sock *sk)
{
	struct tether_sock *ts = tether_sk(sk);
	struct net *net = sock_net(sk);

	lock_sock(sk);
	if (ts->key.ifindex) {
		put_address(line->local, sizeof(line->local), net,
			    ts->key.ifindex, ts->src, ts->key.sport, false);
		put_address(line->peer, sizeof(line->peer), net,
			    ts->key.ifindex, ts->key.peer, ts->key.dport,
			    false);
	} else {
		put_address(line->local, sizeof(line->local), net,
			    ts->bind_ifindex, ts->bind_addr, ts->key.sport,
			    true);
	}
	if (ts->type == TETHER_TYPE_DGRAM)
		fill_dgram(line, sk);
	else
		fill_stream(line, sk);
	release_sock(sk);
	line->uid = from_kuid_munged(seq_user_ns(seq), sock_i_uid(sk));
	line->inode = sock_i_ino(sk);
	line->refs = refcount_read(&sk->sk_refcnt) - 1;
}

static void fill_wait(struct table_line *line, const struct table_walk *walk)
{
	const struct tether_key *key = &walk->key;

	line->type = "stream";
	line->state = tether_state_name(TETHER_TIME_WAIT);
	put_address(line->local, sizeof(line->local), key->net, key->ifindex,
		    walk->src, key->sport, false);
	put_address(line->peer, sizeof(line->peer), key->net, key->ifindex,
		    key->peer, key->dport, false);
	put_timer(line, "wait", walk->deadline);
}

static int table_show(struct seq_file *seq, void *v)
{
	struct table_walk *walk = seq->private;
	struct table_line line = { .peer = "*/*:0", .timer = "-" };

	if (v == SEQ_START_TOKEN) {
		seq_printf(seq, "%-6s %-12s %-29s %-29s %s\n", "type", "state",
			   "local", "peer",
			   "rx_queue tx_queue half completed limit timer      uid   inode    refs");
		return 0;
	}
	if (walk->sk)
		fill_sock(&line, seq, walk->sk);
	else
		fill_wait(&line, walk);
	seq_printf(seq, "%-6s %-12s %-29s %-29s %8u %8u %4u %9u %5u %-10s %-5u %-8lu %d\n",
		   line.type, line.state, line.local, line.peer, line.recv,
		   line.send, line.half, line.completed, line.limit,
		   line.timer, line.uid, line.inode, line.refs);
	return 0;
}

static const struct seq_operations table_ops = {
	.start	= table_start,
	.next	= table_next,
	.stop	= table_stop,
	.show	= table_show,
};

static u64 stat_sum(const struct tether_net *tn, unsigned int stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(tn->stats, cpu)->count[stat];
	return sum;
}

static void show_stat(struct seq_file *seq, const char *prefix,
		      const char *name, unsigned int stat)
{
	seq_printf(seq, "%s%s %llu\n", prefix, name,
		   stat_sum(tether_net(seq_file_single_net(seq)), stat));
}

static int stat_show(struct seq_file *seq, void *v)
{
	unsigned int i;

	for (i = 0; i < TETHER_STAT_SHELL_MAX; i++)
		show_stat(seq, "", shell_stats[i], i);
	for (i = 0; i < TETHER_DID_MAX; i++) {
		if (tether_did_name(i))
			show_stat(seq, "did_", tether_did_name(i),
				  TETHER_STAT_DID + i);
	}
	for (i = TETHER_DROP_NONE + 1; i < TETHER_DROP_MAX; i++)
		show_stat(seq, "drop_", tether_drop_name(i),
			  TETHER_STAT_DROP + i);
	for (i = 0; i < TETHER_REASON_MAX; i++)
		show_stat(seq, "rst_out_", tether_reason_name(i),
			  TETHER_STAT_RST_OUT + i);
	for (i = 0; i < TETHER_REASON_MAX; i++)
		show_stat(seq, "rst_in_", tether_reason_name(i),
			  TETHER_STAT_RST_IN + i);
	return 0;
}

/**
 * tether_proc_init() - make the files of a namespace
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int tether_proc_init(struct net *net)
{
	if (!proc_create_net("tether", 0444, net->proc_net, &table_ops,
			     sizeof(struct table_walk)))
		return -ENOMEM;
	if (!proc_create_net_single("tether_stat", 0444, net->proc_net,
				    stat_show, NULL)) {
		remove_proc_entry("tether", net->proc_net);
		return -ENOMEM;
	}
	return 0;
}

/**
 * tether_proc_exit() - remove them
 * @net: the namespace
 */
void tether_proc_exit(struct net *net)
{
	remove_proc_entry("tether_stat", net->proc_net);
	remove_proc_entry("tether", net->proc_net);
}

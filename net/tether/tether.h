/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shell: sockets, tables, devices and timers around the core.
 *
 * Locks, outermost first:
 *
 *   RTNL                 netdevice notifiers come with it held; nothing under
 *                        a socket lock takes it
 *   listener's socket    lock_sock() in process context, bh_lock_sock() in
 *                        softirq; protects the listener, its half-open and
 *                        its completed queue
 *   child's socket       same; under the listener's, never the other way
 *                        round, and to lockdep it is the listener's that is
 *                        the nested one (SINGLE_DEPTH_NESTING); protects
 *                        sk_state, conn and everything else in the socket
 *   timer_lock           spin_lock_bh(), a leaf, see timer.c; inside a
 *                        socket's, or in softirq
 *   hash bucket          spin_lock_bh(), a leaf: protects one chain of one
 *                        table, and the tether_wait objects on it; of the
 *                        bind table before connections before TIME_WAIT; in
 *                        process context and softirq, timers included
 *   reply_bucket         spin_lock_bh(), a leaf: the tokens of a device, see
 *                        reply.c; softirq
 *   echo_queue           spin_lock_bh(), a leaf: replies that wait, see reply.c;
 *                        softirq and the notifier
 *
 * Process context owns a socket by lock_sock(). Softirq and timers take
 * bh_lock_sock(); if the user owns the socket, frames go to the backlog and
 * everything else becomes a TETHER_DEFER_* bit that release_cb drains. Whoever
 * needs the lock asserts it (sock_owned_by_me()). The
 * core (struct tether_conn) is touched by the owner of the socket alone, and
 * every call into it is followed by tether_stream_settle().
 *
 * Look-ups run under rcu_read_lock(). Sockets are SLAB_TYPESAFE_BY_RCU: a
 * look-up takes a reference and checks the key again. A socket on a table
 * holds no reference for it; it is unhashed before it goes CLOSED.
 *
 * A connected socket keeps an RCU pointer to its device and no reference; the
 * notifier clears it, under bh_lock_sock(). Queued skbs have no dev.
 */
#ifndef _TETHER_H
#define _TETHER_H

#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/if_ether.h>
#include <linux/llist.h>
#include <linux/netdevice.h>
#include <linux/tether.h>
#include <linux/timer.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include "compat.h"
#include "core/conn.h"
#include "core/half.h"
#include "core/wait.h"
#include "core/wire.h"

/* Counters of the shell; those of the core's masks and reasons follow. */
enum tether_stat {
	TETHER_STAT_FRAMES_IN,		/* frames of our ethertype received */
	TETHER_STAT_FRAMES_OUT,		/* frames given to a device */
	TETHER_STAT_SEGMENTS_IN,	/* stream segments, GSO counted apart */
	TETHER_STAT_SEGMENTS_OUT,
	TETHER_STAT_SUPER_OUT,		/* frames of more than one segment */
	TETHER_STAT_BYTES_IN,		/* stream payload received */
	TETHER_STAT_BYTES_OUT,		/* stream payload sent, again or not */
	TETHER_STAT_RETRANS_OUT,	/* segments sent again */
	TETHER_STAT_XMIT_DROP,		/* the device's queue refused a frame */
	TETHER_STAT_XMIT_NODEV,		/* the device is down or gone */
	TETHER_STAT_XMIT_NOMEM,		/* no memory to build a frame */
	TETHER_STAT_DGRAMS_IN,
	TETHER_STAT_DGRAMS_OUT,
	TETHER_STAT_ECHO_IN,
	TETHER_STAT_ECHO_OUT,
	TETHER_STAT_ACTIVE_OPEN,
	TETHER_STAT_PASSIVE_OPEN,
	TETHER_STAT_ACCEPTED,
	TETHER_STAT_HALF_OPEN,		/* half-open entries made */
	TETHER_STAT_LISTEN_OVERFLOW,	/* completed queue full */
	TETHER_STAT_ORPHANED,		/* closed before the peer agreed */
	TETHER_STAT_TIME_WAIT,
	TETHER_STAT_TIME_WAIT_FULL,	/* over max_time_wait: closed at once */
	TETHER_STAT_TIME_WAIT_REOPEN,	/* a SYN took the place of TIME_WAIT */
	TETHER_STAT_DEVICE_GONE,	/* connections ended by their device */
	TETHER_STAT_SHELL_MAX,

	TETHER_STAT_DID		= TETHER_STAT_SHELL_MAX,
	TETHER_STAT_DROP	= TETHER_STAT_DID + TETHER_DID_MAX,
	TETHER_STAT_RST_OUT	= TETHER_STAT_DROP + TETHER_DROP_MAX,
	TETHER_STAT_RST_IN	= TETHER_STAT_RST_OUT + TETHER_REASON_MAX,
	TETHER_STAT_MAX		= TETHER_STAT_RST_IN + TETHER_REASON_MAX
};

struct tether_stats {
	u64 count[TETHER_STAT_MAX];
};

#define TETHER_DEVICES_LEN 256

/**
 * struct tether_devices - value of the sysctl `devices`
 * @rcu: a new value replaces the old one
 * @names: device names between commas
 */
struct tether_devices {
	struct rcu_head		rcu;
	char			names[TETHER_DEVICES_LEN];
};

/**
 * struct tether_net - a network namespace
 * @cfg: parameters of the core, sysctls
 * @rmem_default: receive buffer of a new stream socket, bytes of truesize
 * @wmem_default: same for the send buffer
 * @max_half: largest half-open queue of a listener
 * @max_time_wait: largest number of TIME_WAIT entries
 * @max_orphans: largest number of orphans; one more is reset
 * @port_range: ephemeral ports, first and last
 * @group_range: groups that may open sockets, first and last
 * @devices: names of the devices that take part, or NULL for all
 * @echo_broadcast: answer an ECHO sent to a group
 * @time_waits: TIME_WAIT entries
 * @orphans: connections without a program
 * @stats: per-CPU counters
 * @buckets: token buckets of the devices, by interface index
 * @sysctl: registration
 * @sysctl_table: what is registered
 * @net: the namespace
 */
struct tether_net {
	struct tether_config	cfg;
	int			rmem_default;
	int			wmem_default;
	int			max_half;
	int			max_time_wait;
	int			max_orphans;
	int			port_range[2];
	kgid_t			group_range[2];
	struct tether_devices __rcu *devices;
	int			echo_broadcast;
	atomic_t		time_waits;
	atomic_t		orphans;
	struct tether_stats __percpu *stats;
	struct xarray		buckets;
	struct ctl_table_header	*sysctl;
	struct ctl_table	*sysctl_table;
	struct net		*net;
};

extern unsigned int tether_net_id;

static inline struct tether_net *tether_net(const struct net *net)
{
	return net_generic(net, tether_net_id);
}

static inline void tether_stat_add(const struct net *net, unsigned int stat,
				   u64 n)
{
	this_cpu_add(tether_net(net)->stats->count[stat], n);
}

static inline void tether_stat_inc(const struct net *net, unsigned int stat)
{
	tether_stat_add(net, stat, 1);
}

/* Count and free a frame, or what is left of it. */
static inline void tether_drop_skb(const struct net *net, struct sk_buff *skb,
				   enum tether_drop reason)
{
	tether_stat_inc(net, TETHER_STAT_DROP + reason);
	kfree_skb(skb);
}

/* Work for release_cb: what softirq found while the user owned the socket. */
enum tether_defer {
	TETHER_DEFER_TIMER,	/* the timer ran out */
	TETHER_DEFER_WRITE,	/* frames left the device's queue: pull on */
	TETHER_DEFER_DEVICE,	/* the device is gone */
	TETHER_DEFER_ADDRESS,	/* the device's MAC has changed */
	TETHER_DEFER_MTU,	/* the device's MTU or offloads have changed */
};

/* What is known of a stream socket without its lock. */
enum tether_stream_flag {
	TETHER_STREAM_FULL,	/* the device's queue has enough of our frames */
	TETHER_STREAM_RESUMING,	/* @resume_node is in use */
};

/**
 * struct tether_key - what identifies a connection
 * @net: namespace
 * @type: enum tether_type
 * @ifindex: device the frames arrive on
 * @peer: the peer's MAC; zeros on lo
 * @sport: local port
 * @dport: the peer's port
 */
struct tether_key {
	struct net	*net;
	u8		type;
	u32		ifindex;
	u8		peer[ETH_ALEN];
	u16		sport;
	u16		dport;
};

/**
 * struct tether_sock - what stream and datagram sockets share
 * @sk: must be first
 * @type: enum tether_type of its frames
 * @bound: sport was given to bind(2) or chosen by it
 * @reuse_any: the port was chosen by connect(2): others may share it
 * @bind_ifindex: device given to bind(2), or 0
 * @bind_addr: MAC given to bind(2), or zeros
 * @bind_lost: the last look found that device or MAC gone
 * @src: local MAC of the connection, zeros on lo
 * @key: of the connection; constant while hashed. key.sport is the local
 *	port also of a socket that is only bound; 0 for none
 * @dev: device of the connection
 * @bind_node: on the chain of its port in the bind table
 * @listen_node: on the chain of those that take frames from anybody: listeners
 *	and bound datagram sockets
 *
 * A stream socket is on the connection table by sk->sk_nulls_node.
 */
struct tether_sock {
	struct sock		sk;
	u8			type;
	bool			bound;
	bool			reuse_any;
	u32			bind_ifindex;
	u8			bind_addr[ETH_ALEN];
	bool			bind_lost;
	u8			src[ETH_ALEN];
	struct tether_key	key;
	struct net_device __rcu	*dev;
	struct hlist_node	bind_node;
	struct hlist_node	listen_node;
};

struct tether_listener;

/**
 * struct tether_stream - a SOCK_STREAM socket
 * @base: must be first
 * @conn: the connection
 * @listener: queues of a listening socket, or NULL
 * @accept_node: on the completed queue of its listener, until accept(2)
 * @resume_node: on a CPU's list of sockets to resume, see pull.c
 * @timer: fires at or before the earliest deadline
 * @armed: when it fires, microseconds; 0 for not armed
 * @timed: the timer has a reference to the socket, see timer.c
 * @timer_lock: protects @timed and the queuing of @timer
 * @more_until: until when MSG_MORE holds a partial segment back; 0 for not
 * @defer: enum tether_defer, set_bit()
 * @flags: enum tether_stream_flag, set_bit()
 * @charged_send: truesize of the send queue that is charged
 * @charged_recv: truesize of the receive queue that is charged
 * @sndbuf: send buffer that it began with
 * @halves: half-open connections of a listening socket
 * @half_limit: how many there may be
 * @orphan: counted as an orphan
 * @destroyed: tether_stream_destroy() was here
 */
struct tether_stream {
	struct tether_sock	base;
	struct tether_conn	conn;
	struct tether_listener	*listener;
	struct list_head	accept_node;
	struct llist_node	resume_node;
	struct hrtimer		timer;
	spinlock_t		timer_lock;	/* of timed, and a leaf */
	u64			armed;
	u64			more_until;
	unsigned long		defer;
	unsigned long		flags;
	u32			charged_send;
	u32			charged_recv;
	int			sndbuf;
	u32			halves;
	u32			half_limit;
	bool			timed;
	bool			orphan;
	bool			destroyed;
};

static inline struct tether_sock *tether_sk(const struct sock *sk)
{
	return (struct tether_sock *)sk;
}

static inline struct tether_stream *tether_stream(const struct sock *sk)
{
	return (struct tether_stream *)sk;
}

/* Microseconds; the clock of every `now` that the core is given. */
static inline u64 tether_now(void)
{
	return ktime_get_ns() / NSEC_PER_USEC;
}

/*
 * What the device layer keeps in skb->cb between the packet handler and the
 * socket: the header is still in the skb and is parsed again by its owner.
 */
struct tether_rx_cb {
	u32	ifindex;
	u8	peer[ETH_ALEN];	/* source MAC, zeros on lo */
	u8	dest[ETH_ALEN];
	u16	segments;	/* GSO segments, at least 1 */
};

#define TETHER_RX_CB(skb) ((struct tether_rx_cb *)(skb)->cb)

/* main.c: parameters; memory accounting that all socket types share */
extern unsigned int tether_family;
extern unsigned int tether_ethertype;
extern long tether_mem[3];
extern atomic_long_t tether_memory_allocated;
extern unsigned long tether_memory_pressure;
extern struct percpu_counter tether_sockets_allocated;
DECLARE_PER_CPU(int, tether_memory_per_cpu_fw_alloc);

/* af_tether.c: addresses, and the calls that both socket types share */
extern struct net_proto_family tether_family_ops;
u64 tether_isn(const struct tether_key *key);
int tether_addr_check(const struct sock *sk, const void *addr, int len);
int tether_sock_device(const struct sock *sk);
int tether_addr_resolve(struct sock *sk, const struct sockaddr_tether *addr,
			struct tether_key *key, struct net_device **dev);
void tether_addr_fill(struct sockaddr_tether *addr, u16 port, u32 ifindex,
		      const u8 *mac);
bool tether_addr_is_local(struct net *net, u32 ifindex, const u8 *mac);
int tether_bind_lost(struct sock *sk);
int tether_sock_bind(struct socket *sock, struct sockaddr *addr, int len);
int tether_sock_getname(struct socket *sock, struct sockaddr *addr, int peer);

/* stream.c: SOCK_STREAM calls but for those that move bytes */
extern struct proto tether_stream_prot;
extern const struct proto_ops tether_stream_ops;
bool tether_stream_readable(const struct sock *sk, int target);

/* send.c, recv.c: SOCK_STREAM calls that move bytes */
int tether_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int tether_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			  int flags);

/* settle.c: the glue between the core and a stream socket */
struct tether_conn *tether_stream_conn(struct sock *sk);
void tether_stream_account(struct sock *sk);
void tether_stream_settle(struct sock *sk, u32 did);
void tether_stream_abort(struct sock *sk, enum tether_reason reason);
void tether_stream_segment(struct sock *sk, struct sk_buff *skb);
void tether_stream_receive(struct sock *sk, struct sk_buff *skb);
int tether_stream_backlog(struct sock *sk, struct sk_buff *skb);
void tether_stream_event(struct sock *sk, enum tether_defer bit);
void tether_stream_release_cb(struct sock *sk);
void tether_stream_destroy(struct sock *sk);

/* pull.c: from the core to the device, as fast as the device takes it */
void tether_pull_init(void);
void tether_pull_exit(void);
u32 tether_pull_frames(struct sock *sk);
void tether_pull_write_space(struct sock *sk);

/* listen.c: half-open and completed queues */
int tether_listen_init(void);
void tether_listen_exit(void);
int tether_listen_start(struct sock *sk);
void tether_listen_stop(struct sock *sk);
void tether_listen_backlog(struct sock *sk, int backlog);
void tether_listen_receive(struct sock *sk, struct sk_buff *skb);
void tether_listen_timer(struct sock *sk, u64 now);
u64 tether_listen_deadline(const struct sock *sk);
struct sock *tether_listen_take(struct sock *sk);
bool tether_listen_ready(const struct sock *sk);
void tether_listen_device_gone(struct sock *sk);
void tether_listen_counts(const struct sock *sk, u32 *half, u32 *completed,
			  u32 *limit);

/* timer.c: one lazily armed timer per stream socket */
void tether_timer_init(struct sock *sk);
void tether_timer_arm(struct sock *sk, u64 deadline);
void tether_timer_stop(struct sock *sk);

/**
 * struct tether_cursor - place in a walk over a table
 * @bucket: index of the bucket
 * @offset: entries to skip in it
 */
struct tether_cursor {
	unsigned int	bucket;
	unsigned int	offset;
};

/* table.c: all hash tables */
int tether_table_init(void);
void tether_table_exit(void);
int tether_table_bind(struct sock *sk, u16 port);
void tether_table_unbind(struct sock *sk);
void tether_table_inherit(struct sock *child, struct sock *listener);
int tether_table_listen(struct sock *sk);
void tether_table_peer(struct sock *sk, const struct tether_key *key);
int tether_table_connect(struct sock *sk, const struct tether_key *key);
int tether_table_insert(struct sock *sk);
void tether_table_unhash(struct sock *sk);
struct sock *tether_table_find_conn(const struct tether_key *key);
bool tether_table_fits(const struct sock *sk, const struct tether_key *key,
		       const u8 *dest);
struct sock *tether_table_find_bound(const struct tether_key *key,
				     const u8 *dest);
struct sock *tether_table_next_bound(const struct tether_key *key,
				     struct sock *prev);
struct sock *tether_table_seek(struct net *net, struct tether_cursor *at,
			       struct sock *prev);
void tether_table_each(struct net *net,
		       void (*fn)(struct sock *sk, void *arg), void *arg);

/* timewait.c: TIME_WAIT entries */
int tether_timewait_init(void);
void tether_timewait_exit(void);
bool tether_timewait_add(struct sock *sk);
bool tether_timewait_segment(const struct tether_key *key,
			     struct tether_segment *seg,
			     struct net_device *dev, bool *reopen);
bool tether_timewait_busy(const struct tether_key *key);
void tether_timewait_purge(struct net *net, u32 ifindex);
bool tether_timewait_seek(struct net *net, struct tether_cursor *at,
			  struct tether_key *key, u8 *src, u64 *deadline);

/* device.c: the only file that takes frames from devices and sees them change */
int tether_device_init(void);
void tether_device_exit(void);
struct net_device *tether_device_get(struct net *net, u32 ifindex, int *err);
bool tether_device_takes_part(struct net *net, u32 ifindex);
bool tether_device_attach(struct sock *sk, struct net_device *dev);
bool tether_device_allowed(struct net_device *dev);
void tether_device_path(struct sock *sk);
void tether_device_limits(const struct net_device *dev, u16 *mss,
			  u16 *frame_max, bool *split);

/* xmit.c: the only file that gives frames to devices */
struct sk_buff *tether_device_alloc(const struct net_device *dev,
				    unsigned int len, gfp_t gfp);
int tether_device_send_frame(struct sock *sk, const struct tether_frame *frame);
int tether_device_send_skb(struct sk_buff *skb, struct net_device *dev,
			   const u8 *dest, const u8 *src,
			   const struct tether_segment *seg);
int tether_device_reply(struct net_device *dev, const u8 *dest,
			const struct tether_segment *seg,
			const struct sock *sk);

/* reply.c: answers that no socket gives: RST, ECHO; one token bucket each device */
void tether_reply_reset(struct net_device *dev, const u8 *peer,
			const struct tether_segment *seg,
			enum tether_reason reason);
void tether_reply_version(struct net_device *dev, const u8 *peer,
			  const struct tether_segment *seg);
void tether_reply_echo(struct net_device *dev, struct sk_buff *skb,
		       const struct tether_segment *seg);
bool tether_reply_allowed(struct net_device *dev);
void tether_reply_forget(struct net_device *dev);
void tether_reply_net_init(struct net *net);
void tether_reply_net_exit(struct net *net);
void tether_reply_init(void);
void tether_reply_exit(void);

/* offload.c: cuts super-frames for devices that cannot take them */
void tether_offload_init(void);
void tether_offload_exit(void);

/* dgram.c: SOCK_DGRAM */
extern struct proto tether_dgram_prot;
extern const struct proto_ops tether_dgram_ops;
void tether_dgram_receive(struct sk_buff *skb, const struct tether_key *key,
			  const struct tether_segment *seg, bool group);
void tether_dgram_device(struct sock *sk, const struct net_device *dev,
			 enum tether_defer what);

/* sockopt.c */
int tether_setsockopt(struct socket *sock, int level, int name, sockptr_t val,
		      unsigned int len);
int tether_getsockopt(struct socket *sock, int level, int name,
		      char __user *val, int __user *len);

/* proc.c: /proc/net/tether, /proc/net/tether_stat */
int tether_proc_init(struct net *net);
void tether_proc_exit(struct net *net);

/* sysctl.c: net.tether.* */
int tether_sysctl_init(struct net *net);
void tether_sysctl_exit(struct net *net);

#endif /* _TETHER_H */

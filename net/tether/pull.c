// SPDX-License-Identifier: GPL-2.0
/*
 * From the core to the device, as fast as the device takes it.
 *
 * Frames are pulled while the socket is owned, so that they go out in the
 * order in which the core made them. Pulling stops while too much of what was
 * sent is still in the queues below; a frame that leaves them calls
 * sk_write_space, from any context, and a tasklet of that CPU pulls on.
 */
#include <linux/interrupt.h>
#include "tether.h"

/* Memory of a frame besides its payload. */
#define FRAME_OVERHEAD	SZ_2K

struct resume {
	struct llist_head	streams;
	struct tasklet_struct	tasklet;
};

static DEFINE_PER_CPU(struct resume, resumes);

/* Two of the largest frames, or what goes out in a millisecond. */
static u64 queue_limit(const struct tether_path *path)
{
	u64 two = 2 * ((u64)path->frame_max + FRAME_OVERHEAD);
	u64 rate;

	if (!path->rtt.srtt8)
		return two;
	rate = div_u64((u64)path->cong.cwnd * 8 * TETHER_USEC_PER_MSEC,
		       path->rtt.srtt8);
	return max(two, rate);
}

/* False: tether_pull_write_space() will start a new round. */
static bool may_send(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	u64 limit;

	/* The last frame of a connection must not wait for its socket. */
	if (ts->conn.state == TETHER_CLOSED ||
	    ts->conn.state == TETHER_TIME_WAIT)
		return true;
	limit = queue_limit(&ts->conn.path);
	if (refcount_read(&sk->sk_wmem_alloc) <= limit)
		return true;
	set_bit(TETHER_STREAM_FULL, &ts->flags);
	/* Pairs with test_and_clear_bit() behind the drop of sk_wmem_alloc. */
	smp_mb__after_atomic();
	if (refcount_read(&sk->sk_wmem_alloc) > limit)
		return false;
	clear_bit(TETHER_STREAM_FULL, &ts->flags);
	return true;
}

/**
 * tether_pull_frames() - send what the core wants sent
 * @sk: locked
 *
 * Return: mask of enum tether_did.
 */
u32 tether_pull_frames(struct sock *sk)
{
	struct tether_conn *conn = tether_stream_conn(sk);
	struct tether_frame frame;
	int err;

	while (may_send(sk)) {
		if (!tether_conn_transmit(conn, tether_now(), &frame))
			break;
		err = tether_device_send_frame(sk, &frame);
		if (err > 0 || err == -ENOMEM)
			return tether_conn_congested(conn, &frame);
	}
	return 0;
}

static void resume_later(struct sock *sk)
{
	struct tether_stream *ts = tether_stream(sk);
	struct resume *resume;

	/* A socket whose last reference has gone has nothing to send. */
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return;
	if (test_and_set_bit(TETHER_STREAM_RESUMING, &ts->flags)) {
		/* The tasklet may have dropped the last one but this. */
		sock_put(sk);
		return;
	}
	resume = get_cpu_ptr(&resumes);
	llist_add(&ts->resume_node, &resume->streams);
	tasklet_schedule(&resume->tasklet);
	put_cpu_ptr(&resumes);
}

static void resume_streams(struct tasklet_struct *tasklet)
{
	struct resume *resume = from_tasklet(resume, tasklet, tasklet);
	struct llist_node *list = llist_del_all(&resume->streams);
	struct tether_stream *ts, *next;

	llist_for_each_entry_safe(ts, next, list, resume_node) {
		struct sock *sk = &ts->base.sk;

		/* The node, whose next one is known, may be used again. */
		clear_bit_unlock(TETHER_STREAM_RESUMING, &ts->flags);
		/* Who finds it set has our look at the queue still to come. */
		smp_mb__after_atomic();
		tether_stream_event(sk, TETHER_DEFER_WRITE);
		sock_put(sk);
	}
}

/* Wakes writers once a third of the send buffer is free, as TCP does. */
static void wake_writers(struct sock *sk)
{
	struct socket *sock;
	struct socket_wq *wq;

	rcu_read_lock();
	/* Freed after a grace period; sock_orphan() may come at any time. */
	sock = READ_ONCE(sk->sk_socket);
	if (!sock || !test_bit(SOCK_NOSPACE, &sock->flags) ||
	    !sk_stream_is_writeable(sk))
		goto unlock;
	clear_bit(SOCK_NOSPACE, &sock->flags);
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT |
					   EPOLLWRNORM | EPOLLWRBAND);
	if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
		sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
unlock:
	rcu_read_unlock();
}

/**
 * tether_pull_write_space() - sk_write_space of a stream socket
 * @sk: the socket
 *
 * For frames that left a device, bytes that were acknowledged, and a larger
 * SO_SNDBUF.
 *
 * Context: any but hard interrupts, with or without the lock.
 */
void tether_pull_write_space(struct sock *sk)
{
	if (test_and_clear_bit(TETHER_STREAM_FULL, &tether_stream(sk)->flags))
		resume_later(sk);
	wake_writers(sk);
}

/**
 * tether_pull_init() - prepare each CPU's list
 */
void tether_pull_init(void)
{
	struct resume *resume;
	int cpu;

	for_each_possible_cpu(cpu) {
		resume = per_cpu_ptr(&resumes, cpu);
		init_llist_head(&resume->streams);
		tasklet_setup(&resume->tasklet, resume_streams);
	}
}

/**
 * tether_pull_exit() - wait for the last tasklets
 *
 * There is no socket any more; a tasklet may still be at its end.
 */
void tether_pull_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(&resumes, cpu)->tasklet);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One timer per stream socket, for the earliest of the core's deadlines.
 *
 * It is lazy: a deadline that moves into the future leaves it alone, and when
 * it fires too early, it is armed again. Most segments so cost no timer
 * operation.
 *
 * From when it is armed the timer has a reference to the socket, which its
 * handler takes over. Whether it has one is noted in @timed, under a lock of
 * its own, as the owner of the socket need not hold the spinlock that handlers
 * wait for. hrtimer_try_to_cancel() alone does not know: while a handler has
 * not returned, it cannot tell if the timer has been armed again.
 */
#include "tether.h"

/* How much later than asked the timer may fire, to share an interrupt. */
#define SLACK_NS	(50 * NSEC_PER_USEC)

static enum hrtimer_restart timer_fires(struct hrtimer *timer)
{
	struct tether_stream *stream = container_of(timer,
						    struct tether_stream,
						    timer);
	struct sock *sk = &stream->base.sk;
	bool again;

	/*
	 * If it has been armed again already, it keeps the reference; it
	 * neither fires nor can be cancelled before this returns.
	 */
	spin_lock_bh(&stream->timer_lock);
	again = hrtimer_is_queued(timer);
	if (!again)
		stream->timed = false;
	spin_unlock_bh(&stream->timer_lock);

	tether_stream_event(sk, TETHER_DEFER_TIMER);
	if (!again)
		sock_put(sk);
	return HRTIMER_NORESTART;
}

/**
 * tether_timer_init() - prepare the timer of a new socket, or of a clone
 * @sk: the socket
 */
void tether_timer_init(struct sock *sk)
{
	struct tether_stream *stream = tether_stream(sk);

	hrtimer_init(&stream->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	stream->timer.function = timer_fires;
	spin_lock_init(&stream->timer_lock);
	stream->armed = 0;
	stream->timed = false;
}

/**
 * tether_timer_arm() - have the timer fire at a deadline, or before it
 * @sk: locked
 * @deadline: microseconds on the clock of tether_now(); 0 for none
 */
void tether_timer_arm(struct sock *sk, u64 deadline)
{
	struct tether_stream *stream = tether_stream(sk);

	sock_owned_by_me(sk);
	if (!deadline || (stream->armed && stream->armed <= deadline))
		return;
	stream->armed = deadline;
	spin_lock_bh(&stream->timer_lock);
	if (!stream->timed)
		sock_hold(sk);
	stream->timed = true;
	hrtimer_start_range_ns(&stream->timer, ns_to_ktime(deadline * 1000),
			       SLACK_NS, HRTIMER_MODE_ABS_SOFT);
	spin_unlock_bh(&stream->timer_lock);
}

/**
 * tether_timer_stop() - let the timer not fire any more
 * @sk: locked; the caller has a reference of its own
 *
 * A handler that is already running finds nothing to do. If the timer was
 * armed again since that began, it cannot be cancelled, but fires at once.
 */
void tether_timer_stop(struct sock *sk)
{
	struct tether_stream *stream = tether_stream(sk);
	int stopped;

	sock_owned_by_me(sk);
	stream->armed = 0;
	spin_lock_bh(&stream->timer_lock);
	stopped = hrtimer_try_to_cancel(&stream->timer);
	if (stopped == 1)
		stream->timed = false;
	else if (hrtimer_is_queued(&stream->timer))
		hrtimer_start(&stream->timer, 0, HRTIMER_MODE_ABS_SOFT);
	spin_unlock_bh(&stream->timer_lock);
	if (stopped == 1)
		__sock_put(sk);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One timer per stream socket, for the earliest of the core's deadlines.
 *
 * It is lazy: a deadline that moves into the future leaves it alone, and when
 * it fires too early, it is armed again. Most segments so cost no timer
 * operation. While it is armed, it holds a reference to the socket.
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

	tether_stream_event(sk, TETHER_DEFER_TIMER);
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
	stream->armed = 0;
}

/**
 * tether_timer_arm() - have the timer fire at a deadline, or before it
 * @sk: locked
 * @deadline: microseconds on the clock of tether_now(); 0 for none
 */
void tether_timer_arm(struct sock *sk, u64 deadline)
{
	struct tether_stream *stream = tether_stream(sk);

	if (!deadline || (stream->armed && stream->armed <= deadline))
		return;
	/*
	 * A timer that is queued passes its reference on. One that is not, or
	 * whose handler is running and will drop its own, needs a new one.
	 */
	if (hrtimer_try_to_cancel(&stream->timer) != 1)
		sock_hold(sk);
	stream->armed = deadline;
	hrtimer_start_range_ns(&stream->timer, ns_to_ktime(deadline * 1000),
			       SLACK_NS, HRTIMER_MODE_ABS_SOFT);
}

/**
 * tether_timer_stop() - let the timer not fire any more
 * @sk: locked; the caller has a reference of its own
 *
 * A handler that is already running finds nothing to do.
 */
void tether_timer_stop(struct sock *sk)
{
	struct tether_stream *stream = tether_stream(sk);

	stream->armed = 0;
	if (hrtimer_try_to_cancel(&stream->timer) == 1)
		__sock_put(sk);
}

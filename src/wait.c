// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Waiting for completions that are worth it. */
#include <errno.h>
#include <signal.h>
#include "track.h"
#include "wait.h"

/* Not in liburing 2.3's headers. */
#define CINT_INT_FLAG_REG_RING	1

/* As good as no bound, and the kernel can add it to its clock: 34 years. */
#define CINT_NEVER_S	(1LL << 30)

static const struct __kernel_timespec cint_never = { .tv_sec = CINT_NEVER_S };

/* struct io_uring_getevents_arg with the name that its padding got in 6.12. */
struct cint_getevents_arg {
	__u64	sigmask;
	__u32	sigmask_sz;
	__u32	min_wait_usec;
	__u64	ts;
};

_Static_assert(sizeof(struct cint_getevents_arg) == sizeof(struct io_uring_getevents_arg),
	       "the kernel's structure");

int cint_enter(struct io_uring *ring, unsigned int to_submit, unsigned int wait_nr,
	       const struct __kernel_timespec *ts, unsigned int min_wait_us,
	       const sigset_t *sigmask)
{
	struct cint_getevents_arg arg = {
		.sigmask	= (__u64)(uintptr_t)sigmask,
		.sigmask_sz	= _NSIG / 8,
		.min_wait_usec	= min_wait_us,
		.ts		= (__u64)(uintptr_t)ts,
	};
	unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;

	if (ring->int_flags & CINT_INT_FLAG_REG_RING)
		flags |= IORING_ENTER_REGISTERED_RING;
	return io_uring_enter2((unsigned int)ring->enter_ring_fd, to_submit, wait_nr, flags,
			       (sigset_t *)&arg, sizeof(arg));
}

/*
 * A wait in progress.  deadline_ns is the application's; 0 when it gave no time
 * or the kernel measures it.
 */
struct cint_wait {
	unsigned int			wait_nr;
	const struct __kernel_timespec	*ts;
	const sigset_t			*sigmask;
	__u64				deadline_ns;
	unsigned int			to_submit;
	unsigned int			submitted;
};

static struct __kernel_timespec cint_timespec(__u64 ns)
{
	return (struct __kernel_timespec) {
		.tv_sec = (long long)(ns / 1000000000), .tv_nsec = (long long)(ns % 1000000000),
	};
}

static long long cint_clamp(long long value, long long least, long long most)
{
	return value < least ? least : value > most ? most : value;
}

/* As the kernel does, the nanoseconds may be any number, and what is negative is over. */
static __u64 cint_deadline_ns(const struct __kernel_timespec *ts)
{
	const long long most = CINT_NEVER_S * 1000000000LL;
	long long ns = cint_clamp(ts->tv_sec, -CINT_NEVER_S, CINT_NEVER_S) * 1000000000LL +
		       cint_clamp(ts->tv_nsec, -most, most);

	return cint_now_ns() + (__u64)cint_clamp(ns, 0, most);
}

static void cint_count_end(struct cint_state *s, const struct cint_plan *plan,
			   const struct cint_news *news, bool timed_out)
{
	struct cint_stats *stats = &s->stats;

	if (news->barrier)
		stats->ended_barrier++;
	else if (plan->wait_nr <= 1)
		stats->ended_single++;
	else if (cint_cq_ready(s->pub.ring) >= plan->wait_nr)
		stats->ended_full++;
	else if (timed_out)
		stats->ended_time++;
	else
		stats->ended_early++;
}

/*
 * One system call of a wait.  The kernel tells by nothing what ended it: one
 * that was short of its CQEs ended by time if that much time has passed.
 *
 * Return: 0 or -errno; -ETIME when the time given was over and no CQE came.
 */
static int cint_wait_once(struct cint_state *s, struct cint_wait *w,
			  const struct cint_plan *plan)
{
	const bool min_wait = s->choice.backend == CINT_BACKEND_MIN_WAIT;
	const struct __kernel_timespec *ts = w->ts;
	struct __kernel_timespec bound;
	unsigned int min_wait_us = 0;
	__u64 start = 0, time_ns = plan->hold_ns, left;
	struct cint_news news;
	bool timed_out;
	int ret;

	if (w->deadline_ns || time_ns != CINT_UNBOUNDED)
		start = cint_now_ns();
	if (w->deadline_ns) {
		left = w->deadline_ns > start ? w->deadline_ns - start : 0;
		if (left < time_ns)
			time_ns = left;
		bound = cint_timespec(left);
		ts = &bound;
	}
	if (plan->hold_ns != CINT_UNBOUNDED) {
		if (min_wait) {
			/* without a timeout, the other time would be one */
			min_wait_us = (unsigned int)((time_ns + 999) / 1000);
			ts = ts ? ts : &cint_never;
		} else {
			bound = cint_timespec(time_ns);
			ts = &bound;
		}
	}

	s->stats.enters++;
	s->stats.waits++;
	ret = cint_enter(s->pub.ring, w->to_submit, plan->wait_nr, ts, min_wait_us, w->sigmask);
	if (ret > 0) {
		w->submitted += (unsigned int)ret;
		/* a request that is refused ends the submission, and there is no wait */
		if ((unsigned int)ret < w->to_submit)
			ret = -ECANCELED;
	}
	if (ret >= 0)
		w->to_submit = 0;
	news = cint_track(s);
	timed_out = ret == -ETIME || (start && cint_now_ns() - start >= time_ns);
	if (cint_cq_ready(s->pub.ring))
		cint_count_end(s, plan, &news, timed_out);
	if (ret == -ETIME && !(w->deadline_ns && cint_now_ns() >= w->deadline_ns) &&
	    plan->hold_ns != CINT_UNBOUNDED)
		ret = 0;
	return ret < 0 ? ret : 0;
}

/* The CQEs that are there are worth being returned. */
static bool cint_deliver(const struct cint_state *s, const struct cint_wait *w,
			 const struct cint_news *news, const struct cint_plan *plan)
{
	unsigned int ready = cint_cq_ready(s->pub.ring);

	if (!ready)
		return false;
	return plan->wait_nr <= ready || !w->wait_nr || news->barrier ||
	       (news->urgent && news->completed);
}

static int cint_wait(struct cint_state *s, struct cint_wait *w)
{
	struct cint_plan plan;
	struct cint_news news;
	bool submits, refused = false;
	int ret;

	if (w->ts)
		w->deadline_ns = cint_deadline_ns(w->ts);
	/*
	 * A timeout that completes before the wait begins does not end it, so
	 * submitting an urgent request and waiting are two system calls.
	 */
	if (w->to_submit && (int)(cint_sq_tail(s->pub.ring) - s->pair_end) >= 0 &&
	    (int)(cint_sq_tail(s->pub.ring) - w->to_submit - s->pair_end) < 0) {
		s->stats.enters++;
		ret = cint_enter(s->pub.ring, w->to_submit, 0, NULL, 0, w->sigmask);
		if (ret < 0)
			return ret;
		w->submitted = (unsigned int)ret;
		refused = w->submitted && w->submitted < w->to_submit;
		w->to_submit = 0;
	}

	news = cint_track(s);
	plan = cint_plan(s, w->wait_nr, w->to_submit);
	if (refused || (!w->to_submit && cint_deliver(s, w, &news, &plan)))
		return 0;
	for (;;) {
		submits = w->to_submit;
		ret = cint_wait_once(s, w, &plan);
		if (ret < 0 || cint_cq_ready(s->pub.ring))
			break;
		/*
		 * The kernel returned the number of SQEs where it would have told of a
		 * signal.  One may have come also where the time has passed since, so
		 * whoever looks for what its handler did gets to look.
		 */
		if (submits && w->submitted)
			break;
		/* the time for a batch is over: the next completion is worth it */
		plan.wait_nr = 1;
		plan.hold_ns = CINT_UNBOUNDED;
	}
	if (cint_cq_ready(s->pub.ring) || (ret == -ECANCELED && w->submitted))
		return 0;
	return ret;
}

/* Hand the pending SQEs to the kernel, as io_uring_submit() does. */
static unsigned int cint_flush_sq(struct io_uring *ring)
{
	unsigned int tail = ring->sq.sqe_tail;

	if (ring->sq.sqe_head != tail) {
		ring->sq.sqe_head = tail;
		io_uring_smp_store_release(ring->sq.ktail, tail);
	}
	return tail - __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE);
}

static void cint_first_cqe(struct io_uring *ring, struct io_uring_cqe **cqe)
{
	unsigned int shift = !!(ring->flags & IORING_SETUP_CQE32);

	if (!cqe)
		return;
	*cqe = cint_cq_ready(ring) ?
		&ring->cq.cqes[(*ring->cq.khead & ring->cq.ring_mask) << shift] : NULL;
}

/* The waits of a ring that only liburing serves, or the kernel by itself. */
static bool cint_is_plain(const struct cint_state *s)
{
	return s->choice.backend == CINT_BACKEND_NONE || cint_kernel_waits(s);
}

static unsigned int cint_plain_nr(const struct cint_state *s, unsigned int wait_nr)
{
	return !wait_nr || cint_kernel_waits(s) ? 1 : wait_nr;
}

/*
 * liburing waits again after a signal that came to a call which also submitted, unless
 * it is given a time or its other function is used.
 */
static int cint_submit_and_wait_plain(struct io_uring *ring, unsigned int wait_nr,
				      const struct __kernel_timespec *ts,
				      const sigset_t *sigmask)
{
	struct io_uring_cqe *first;

	if (!ts && !sigmask)
		return io_uring_submit_and_wait(ring, wait_nr);
	if (!ts && ring->features & IORING_FEAT_EXT_ARG)
		ts = &cint_never;
	return io_uring_submit_and_wait_timeout(ring, &first, wait_nr,
						(struct __kernel_timespec *)(uintptr_t)ts,
						(sigset_t *)(uintptr_t)sigmask);
}

int cint_wait_cqes(struct cint_ring *cring, struct io_uring_cqe **cqe,
		   unsigned int wait_nr, const struct __kernel_timespec *ts,
		   const sigset_t *sigmask)
{
	struct cint_wait w = { .wait_nr = wait_nr, .ts = ts, .sigmask = sigmask };
	struct cint_state *s = cint_state(cring);
	struct io_uring_cqe *first;
	int ret;

	if (cint_is_plain(s)) {
		s->stats.waits++;
		/* liburing takes no NULL for the CQE */
		return io_uring_wait_cqes(cring->ring, cqe ? cqe : &first,
					  cint_plain_nr(s, wait_nr),
					  (struct __kernel_timespec *)(uintptr_t)ts,
					  (sigset_t *)(uintptr_t)sigmask);
	}
	ret = cint_wait(s, &w);
	cint_first_cqe(cring->ring, cqe);
	return ret;
}

int cint_wait_cqe(struct cint_ring *cring, struct io_uring_cqe **cqe)
{
	return cint_wait_cqes(cring, cqe, 0, NULL, NULL);
}

int cint_submit_and_wait_timeout(struct cint_ring *cring, struct io_uring_cqe **cqe,
				 unsigned int wait_nr,
				 const struct __kernel_timespec *ts,
				 const sigset_t *sigmask)
{
	struct cint_wait w = { .wait_nr = wait_nr, .ts = ts, .sigmask = sigmask };
	struct cint_state *s = cint_state(cring);
	struct io_uring *ring = cring->ring;
	int ret;

	if (cint_is_plain(s)) {
		s->stats.waits++;
		ret = cint_submit_and_wait_plain(ring, cint_plain_nr(s, wait_nr), ts, sigmask);
		cint_first_cqe(ring, cqe);
		return ret;
	}
	if (ring->flags & IORING_SETUP_SQPOLL) {
		ret = io_uring_submit(ring);
		if (ret < 0)
			return ret;
		w.submitted = (unsigned int)ret;
	} else {
		w.to_submit = cint_flush_sq(ring);
	}
	ret = cint_wait(s, &w);
	cint_first_cqe(ring, cqe);
	return ret < 0 && !w.submitted ? ret : (int)w.submitted;
}

int cint_submit_and_wait(struct cint_ring *cring, unsigned int wait_nr)
{
	return cint_submit_and_wait_timeout(cring, NULL, wait_nr, NULL, NULL);
}

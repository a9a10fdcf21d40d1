// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Submitting, waiting for completions that are worth it, and taking them. */
#include <errno.h>
#include "ring.h"

/* As good as no bound, and the kernel can add it to its clock: 34 years. */
#define CINT_NEVER_S	(1LL << 30)

/* Weight of a new gap between completions, as the policy has it. */
#define CINT_GAP_SHIFT	3

static const struct __kernel_timespec cint_never = { .tv_sec = CINT_NEVER_S };

/*
 * A wait in progress.  deadline_ns is the application's; 0 when it gave no time.
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

static inline __attribute__((always_inline))
void cint_take(struct cint_state *s, const struct io_uring_cqe *cqe)
{
	if (cqe->flags & IORING_CQE_F_MORE)
		s->pub.more_++;
	else if (cint_book_may_have(&s->book, cqe->user_data))
		cint_book_take(&s->book, cqe->user_data);
}

void cint_cqe_taken(struct cint_ring *cring, const struct io_uring_cqe *cqe)
{
	struct cint_state *s = cint_state(cring);

	/* of its SQE the library may have not been told yet */
	if (s->mapped && s->book.all)
		cint_note_pending(s);
	cint_take(s, cqe);
	cint_watch(s);
}

/* Take CQEs: so many of the application's, and those of links before and behind them. */
void cint_cq_advance_(struct cint_ring *cring, unsigned int nr)
{
	struct cint_state *s = cint_state(cring);
	const struct io_uring_cq *cq = &cring->ring->cq;
	const unsigned int shift = cint_cqe_shift(cring->ring), mask = cq->ring_mask;
	unsigned int head = *cq->khead, end = head + cint_cq_ready(cring->ring);
	const bool links = s->flags & CINT_RING_LINK;
	const struct io_uring_cqe *cqe;

	for (; head != end; head++) {
		cqe = &cq->cqes[(head & mask) << shift];
		if (links && cint_cqe_is_internal(cqe))
			s->cq_head++;	/* is none of the application's */
		else if (!nr--)
			break;
		cint_take(s, cqe);
	}
	cint_watch(s);
	io_uring_smp_store_release(cq->khead, head);
}

/* The first CQE of the application's, or NULL. */
static struct io_uring_cqe *cint_first_cqe(struct cint_state *s)
{
	const struct io_uring *ring = s->pub.ring;
	struct io_uring_cqe *cqe;

	while (cint_cq_ready(ring)) {
		cqe = &ring->cq.cqes[(*ring->cq.khead & ring->cq.ring_mask) << cint_cqe_shift(ring)];
		if (!(s->flags & CINT_RING_LINK) || !cint_cqe_is_internal(cqe))
			return cqe;
		cint_cq_advance_(&s->pub, 0);
	}
	return NULL;
}

/*
 * Where nothing is counted as outstanding, nothing that is marked is: the kernel left no
 * such SQE, and no request can have had more CQEs than it counts for.  One without a CQE
 * has one if it fails.
 */
static bool cint_knows_none(const struct cint_state *s)
{
	return !(s->flags & (CINT_RING_SHARED | CINT_RING_MULTISHOT)) && !s->skipped &&
	       (int)(s->marked - cint_given(s->pub.ring)) <= 0;
}

/* What to wait for. */
static struct cint_plan cint_plan_now(struct cint_state *s, unsigned int wait_nr,
				      unsigned int to_submit)
{
	const struct io_uring *ring = s->pub.ring;
	struct cint_view view = {
		.ready		= cint_first_cqe(s) ? cint_cq_ready(ring) : 0,
		.outstanding	= cint_outstanding(s, to_submit),
		.wait_nr	= wait_nr,
		.single		= s->flags & CINT_RING_SHARED ||
				  ring->flags & IORING_SETUP_IOPOLL,
		.endless	= s->flags & CINT_RING_MULTISHOT,
		.gap_ns		= s->gap_ns,
		.policy		= s->policy,
	};

	/* those that are there came since the last wait, or were left by it */
	if (view.ready && view.wait_nr && s->policy)
		view.age_ns = cint_now_ns() - s->last_ns;
	/* what was taken by liburing's own calls */
	if (!view.outstanding && !view.ready && cint_knows_none(s)) {
		cint_book_clear(&s->book);
		s->lost = false;
		cint_watch(s);
	}
	view.single |= s->lost;
	view.urgent = s->book.marked[0];
	view.linked = s->book.marked[1];
	view.prefix = s->book.prefix;
	return cint_decide(&view);
}

/* A wait has ended: the time between completions, each's share of the time that passed. */
static void cint_learn(struct cint_state *s, unsigned int wait_nr)
{
	unsigned int tail = __atomic_load_n(s->pub.ring->cq.ktail, __ATOMIC_ACQUIRE);
	unsigned int nr = tail - s->cq_tail;
	__u64 now, gap;

	cint_count_taken(s);
	/* a clock costs more than the rest: not where waits are for one, whatever it says */
	if (!s->policy || (!wait_nr && s->book.marked[0]))
		return;
	now = cint_now_ns();
	if (nr) {
		gap = (now - s->last_ns) / nr;
		if (gap > CINT_DELAY_MAX_NS)
			gap = CINT_DELAY_MAX_NS;
		for (; s->gap_ns && nr && nr < 64; nr--)
			s->gap_ns += (__u32)((__s32)((__u32)gap - s->gap_ns) >> CINT_GAP_SHIFT);
		if (nr)
			s->gap_ns = (__u32)gap;
	}
	s->cq_tail = tail;
	s->last_ns = now;
}

static void cint_count_end(struct cint_state *s, const struct cint_plan *plan, bool timed_out)
{
	unsigned int ready = cint_cq_ready(s->pub.ring);
	struct cint_stats *stats = &s->stats;

	if (!ready)
		return;
	if (s->book.barriers && ready >= s->book.prefix)
		stats->ended_barrier++;
	else if (plan->nr <= 1)
		stats->ended_single++;
	else if (ready >= plan->nr)
		stats->ended_full++;
	else if (timed_out)
		stats->ended_time++;
	else
		stats->ended_early++;
}

/*
 * One system call of a wait.  The kernel tells by nothing what ended it: one that was
 * short of its CQEs ended by time if that much time has passed.
 *
 * Return: 0 or -errno; -ETIME when the application's time is over and no CQE came.
 */
static int cint_wait_once(struct cint_state *s, struct cint_wait *w,
			  const struct cint_plan *plan, __u64 now)
{
	const bool holds = plan->nr && plan->hold_ns != CINT_UNBOUNDED;
	const struct __kernel_timespec *ts = w->ts;
	struct __kernel_timespec bound;
	unsigned int min_wait_us = 0;
	__u64 time_ns = plan->hold_ns;
	int ret;

	if (w->deadline_ns) {
		__u64 left = w->deadline_ns > now ? w->deadline_ns - now : 0;

		if (left < time_ns)
			time_ns = left;
		bound = cint_timespec(left);
		ts = &bound;
	}
	if (holds && s->choice.backend == CINT_BACKEND_MIN_WAIT) {
		/* without a timeout, the other time would be one */
		min_wait_us = (unsigned int)(time_ns / 1000) ?: 1;
		ts = ts ? ts : &cint_never;
	} else if (holds) {
		bound = cint_timespec(time_ns);
		ts = &bound;
	}

	s->stats.enters++;
	s->stats.waits += !!plan->nr;
	ret = cint_enter(s->pub.ring, w->to_submit, plan->nr, ts, min_wait_us, w->sigmask);
	if (ret > 0) {
		w->submitted += (unsigned int)ret;
		/* a request that is refused ends the submission, and there is no wait */
		if ((unsigned int)ret < w->to_submit)
			ret = -ECANCELED;
	}
	if (ret >= 0)
		w->to_submit = 0;
	cint_first_cqe(s);
	if (plan->nr)
		cint_count_end(s, plan, time_ns != CINT_UNBOUNDED &&
			       cint_cq_ready(s->pub.ring) < plan->nr &&
			       cint_now_ns() - now >= time_ns);
	/* the kernel's time was that of a batch */
	if (ret == -ETIME && holds && !(w->deadline_ns && cint_now_ns() >= w->deadline_ns))
		ret = 0;
	return ret < 0 ? ret : 0;
}

static int cint_wait(struct cint_state *s, struct cint_wait *w)
{
	bool submits;
	struct cint_plan plan = { 0 };
	__u64 now = 0;
	int ret;

	if (w->ts)
		w->deadline_ns = cint_deadline_ns(w->ts);
	/* a link ends a wait that has begun: submit first, and look */
	if (w->to_submit && s->book.marked[1]) {
		ret = cint_wait_once(s, w, &plan, 0);
		if (ret)
			return ret;
	}
	plan = cint_plan_now(s, w->wait_nr, w->to_submit);
	if (!plan.nr && !w->to_submit)
		return 0;
	if (w->ts || plan.hold_ns != CINT_UNBOUNDED)
		now = cint_now_ns();
	for (;;) {
		submits = w->to_submit;
		ret = cint_wait_once(s, w, &plan, now);
		if (ret < 0 || !plan.nr || cint_first_cqe(s))
			break;
		/*
		 * The kernel returned the number of SQEs where it would have told of a
		 * signal.  One may have come also where the time has passed since, so
		 * whoever looks for what its handler did gets to look.
		 */
		if (submits && w->submitted)
			break;
		/* the time for a batch is over: the next completion is worth it */
		plan = (struct cint_plan) { .nr = 1, .hold_ns = CINT_UNBOUNDED };
		if (w->ts)
			now = cint_now_ns();
		/* a polled ring returns at once where nothing is outstanding */
		if (w->ts && now >= w->deadline_ns) {
			ret = -ETIME;
			break;
		}
	}
	cint_learn(s, w->wait_nr);
	return cint_first_cqe(s) ? 0 : ret;
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

int cint_submit(struct cint_ring *cring)
{
	cint_note_pending(cint_state(cring));
	return io_uring_submit(cring->ring);
}

int cint_wait_cqes(struct cint_ring *cring, struct io_uring_cqe **cqe,
		   unsigned int wait_nr, const struct __kernel_timespec *ts,
		   const sigset_t *sigmask)
{
	struct cint_wait w = { .wait_nr = wait_nr, .ts = ts, .sigmask = sigmask };
	struct cint_state *s = cint_state(cring);
	struct io_uring_cqe *first;
	int ret;

	if (cint_waits_plainly(s, wait_nr)) {
		s->stats.waits++;
		/* liburing takes no NULL for the CQE */
		return io_uring_wait_cqes(cring->ring, cqe ? cqe : &first,
					  wait_nr ?: 1,
					  (struct __kernel_timespec *)(uintptr_t)ts,
					  (sigset_t *)(uintptr_t)sigmask);
	}
	ret = cint_wait(s, &w);
	if (cqe)
		*cqe = cint_first_cqe(s);
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

	cint_note_pending(s);
	if (cint_waits_plainly(s, wait_nr)) {
		s->stats.waits++;
		ret = cint_submit_and_wait_plain(ring, wait_nr ?: 1, ts, sigmask);
		if (cqe)
			*cqe = cint_first_cqe(s);
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
	if (cqe)
		*cqe = cint_first_cqe(s);
	return ret < 0 && !w.submitted ? ret : (int)w.submitted;
}

int cint_submit_and_wait(struct cint_ring *cring, unsigned int wait_nr)
{
	return cint_submit_and_wait_timeout(cring, NULL, wait_nr, NULL, NULL);
}

int cint_plan(struct cint_ring *cring, unsigned int wait_nr, unsigned int to_submit,
	      struct cint_wait_plan *plan)
{
	struct cint_state *s = cint_state(cring);
	struct cint_plan p;

	if (cint_waits_plainly(s, wait_nr)) {
		*plan = (struct cint_wait_plan) {
			.wait_nr = cint_cq_ready(cring->ring) ? 0 : wait_nr ?: 1,
		};
		return plan->wait_nr > 0;
	}
	/* the other side of a shared ring has SQEs that it is about to submit */
	if (to_submit || !(s->flags & CINT_RING_SHARED))
		cint_note_pending(s);
	p = cint_plan_now(s, wait_nr, to_submit);
	cint_learn(s, wait_nr);
	*plan = (struct cint_wait_plan) {
		.wait_nr = p.nr,
		.hold_ns = p.hold_ns == CINT_UNBOUNDED ? 0 : p.hold_ns,
	};
	return p.nr > 0;
}

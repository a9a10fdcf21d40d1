// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Which requests are outstanding, told by the indices of the SQ and CQ ring, and
 * how many more completions are worth waiting for, told by the policy.
 *
 * An application submits and takes CQEs by liburing's own calls, so nothing here
 * happens in between two waits.
 */
#include <sched.h>
#include <string.h>
#include <time.h>
#include "track.h"

/*
 * The kernel notes the number of completed timeouts as a wait begins: one that
 * completes just before ends no wait.  Nobody waits longer than this for an
 * urgent completion that met this gap.
 */
#define CINT_MISSED_NS	1000000ULL

/*
 * A CQE with the user_data of an urgent request is taken for its own, but the
 * application may have used it twice.  Until the count says the same, nobody waits
 * longer than this for an urgent completion that came between two waits.
 */
#define CINT_DOUBT_NS	CINT_DELAY_MAX_NS

/* Numbers are compared by their distance, so an old one is brought nearer. */
#define CINT_DISTANCE	(1U << 30)

/* How often to look again when another thread adds pairs. */
#define CINT_SNAPSHOT_TRIES	1000U

__u64 cint_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

/* A ring may have requests outstanding when it is attached. */
void cint_track_init(struct cint_state *s)
{
	const struct io_uring *ring = s->pub.ring;
	unsigned int cq_tail = cint_cq_tail(ring), sq_tail = cint_sq_tail(ring);
	unsigned int outstanding = sq_tail - cq_tail;

	if (outstanding > ring->cq.ring_entries)
		outstanding = 0;
	s->sq_base = sq_tail - outstanding;
	s->pair_end = sq_tail;
	s->scanned = cq_tail;
	s->uncounted = s->flags & CINT_RING_UNCOUNTED;
	cint_track_params(s, NULL);
}

/* Parameters that are checked; NULL: none, only marks end a wait. */
void cint_track_params(struct cint_state *s, const struct cint_params *params)
{
	s->has_params = params;
	s->heeds = CINT_URGENT | CINT_BARRIER;
	if (params) {
		cint_policy_init(&s->policy, params);
		s->heeds = s->policy.marks;
	}
	/* the policy starts with what is outstanding now */
	cint_coalescer_init(&s->coalescer);
	s->fed = s->completed;
	s->drained = s->completed;
	s->barrier_fed = s->barrier_head;
	s->last_ns = cint_now_ns();
}

/* Are requests of a set outstanding, by the count of completions? */
static bool cint_any_pending(const struct cint_state *s, __u64 set)
{
	for (set &= __atomic_load_n(&s->urgents, __ATOMIC_ACQUIRE); set; set &= set - 1) {
		if ((int)(s->urgent[__builtin_ctzll(set)].number - s->completed) > 0)
			return true;
	}
	return false;
}

static bool cint_urgent_pending(struct cint_state *s)
{
	return cint_is_pending(&s->urgent_until, s->completed) || cint_any_pending(s, ~0ULL);
}

static bool cint_single_pending(struct cint_state *s)
{
	return cint_is_pending(&s->single_until, s->completed) ||
	       cint_any_pending(s, __atomic_load_n(&s->singles, __ATOMIC_RELAXED));
}

/* An urgent request may be outstanding although it does not look so. */
static bool cint_urgent_doubted(struct cint_state *s)
{
	return __atomic_load_n(&s->urgents, __ATOMIC_RELAXED) ||
	       cint_is_pending(&s->seen_until, s->completed);
}

/* Is this the CQE of an urgent request?  One for each. */
static bool cint_see_urgent(struct cint_state *s, __u64 user_data)
{
	__u64 set = __atomic_load_n(&s->urgents, __ATOMIC_ACQUIRE);
	unsigned int number;

	for (; set; set &= set - 1) {
		if (s->urgent[__builtin_ctzll(set)].user_data != user_data)
			continue;
		number = s->urgent[__builtin_ctzll(set)].number;
		if (!s->seen_until || (int)(number - (unsigned int)s->seen_until) > 0)
			cint_until(&s->seen_until, number);
		__atomic_fetch_and(&s->urgents, ~(set & -set), __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

/*
 * Requests whose number is complete and whose CQE was not seen: overtaken by others, or
 * not known by the user_data, which was changed.  They keep their places while there are
 * others.
 */
static void cint_age_urgents(struct cint_state *s)
{
	const __u64 all = __atomic_load_n(&s->urgents, __ATOMIC_ACQUIRE);
	unsigned int *number;
	__u64 set;

	for (set = all; set; set &= set - 1) {
		number = &s->urgent[__builtin_ctzll(set)].number;
		if ((int)(*number - s->completed) > 0)
			continue;
		if (s->completed - *number > CINT_DISTANCE)
			*number = s->completed;
		if (!~all)
			__atomic_fetch_and(&s->urgents, ~(set & -set), __ATOMIC_RELEASE);
	}
}

/*
 * Read the CQEs that are new, also those that the application took since: they are in
 * the ring until the kernel needs their places.
 *
 * Return: how many of those taken are of the library's own SQEs.
 */
static unsigned int cint_read_cqes(struct cint_state *s, unsigned int tail,
				   struct cint_news *news)
{
	const bool pairs = __atomic_load_n(&s->pairs, __ATOMIC_ACQUIRE);
	const struct io_uring *ring = s->pub.ring;
	unsigned int shift = !!(ring->flags & IORING_SETUP_CQE32), mask = ring->cq.ring_mask;
	unsigned int head = *ring->cq.khead, i = s->scanned, internal = 0, flags;
	const struct io_uring_cqe *cqe;
	__u64 user_data;
	bool taken;

	if (tail - i > ring->cq.ring_entries) {
		s->unread += tail - i - ring->cq.ring_entries;
		i = tail - ring->cq.ring_entries;
	}
	for (; i != tail; i++) {
		cqe = &ring->cq.cqes[(i & mask) << shift];
		user_data = __atomic_load_n(&cqe->user_data, __ATOMIC_ACQUIRE);
		flags = __atomic_load_n(&cqe->flags, __ATOMIC_ACQUIRE);
		taken = (int)(i - head) < 0;
		if (taken && cint_cq_tail(ring) - i >= ring->cq.ring_entries) {
			s->unread++;
			continue;
		}
		if (pairs && user_data == CINT_UDATA) {
			internal += taken;
			continue;
		}
		if (flags & IORING_CQE_F_MORE)
			__atomic_store_n(&s->uncounted, true, __ATOMIC_RELAXED);
		if (!(flags & IORING_CQE_F_NOTIF) && cint_see_urgent(s, user_data) && !taken)
			news->urgent = true;
	}
	return internal;
}

/*
 * Remove the CQEs of the library's own SQEs.  They move to the head of the CQ
 * ring, past those that the application has not taken.
 */
static unsigned int cint_remove_internal(struct cint_state *s, unsigned int tail)
{
	struct io_uring *ring = s->pub.ring;
	unsigned int shift = !!(ring->flags & IORING_SETUP_CQE32), mask = ring->cq.ring_mask;
	unsigned int head = *ring->cq.khead, i = s->scanned, removed = 0, at;

	if (!__atomic_load_n(&s->pairs, __ATOMIC_ACQUIRE))
		return 0;
	if ((int)(i - head) < 0)
		i = head;
	for (; i != tail; i++) {
		if (!cint_cqe_is_internal(&ring->cq.cqes[(i & mask) << shift]))
			continue;
		for (at = i; at != head; at--)
			memcpy(&ring->cq.cqes[(at & mask) << shift],
			       &ring->cq.cqes[((at - 1) & mask) << shift],
			       sizeof(struct io_uring_cqe) << shift);
		io_uring_smp_store_release(ring->cq.khead, ++head);
		removed++;
	}
	s->stats.internal_cqes += removed;
	return removed;
}

/*
 * How many requests the kernel has been given.  Another thread may add a pair at this
 * moment: the index of the SQ ring and the number of pairs have to be of one time.
 */
static unsigned int cint_number_submitted(const struct cint_state *s)
{
	const struct io_uring *ring = s->pub.ring;
	unsigned int tries = CINT_SNAPSHOT_TRIES, sequence, tail, pairs, sent, end;

	/*
	 * What the kernel left in the ring is not outstanding.  Elsewhere than here it can
	 * post a CQE before it says that it has the SQE.
	 */
	if (ring->flags & IORING_SETUP_DEFER_TASKRUN)
		return cint_number(s, __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE) - 1);
	do {
		sequence = __atomic_load_n(&s->pair_sequence, __ATOMIC_ACQUIRE);
		tail = cint_sq_tail(ring);
		pairs = __atomic_load_n(&s->pairs, __ATOMIC_ACQUIRE);
		sent = __atomic_load_n(&s->pairs_sent, __ATOMIC_ACQUIRE);
		end = __atomic_load_n(&s->pair_end, __ATOMIC_ACQUIRE);
		if (!(sequence & 1) &&
		    sequence == __atomic_load_n(&s->pair_sequence, __ATOMIC_RELAXED))
			break;
		sched_yield();
	} while (--tries);

	return tail - s->sq_base - ((int)(tail - end) < 0 ? sent : pairs);
}

static void cint_track_submitted(struct cint_state *s)
{
	unsigned int number = cint_number_submitted(s);

	if ((int)(number - s->submitted) > 0)
		s->submitted = number;
}

/* Give the policy the next requests that it has not been told of. */
static void cint_feed(struct cint_state *s)
{
	unsigned int tail = __atomic_load_n(&s->barrier_tail, __ATOMIC_ACQUIRE);
	__u32 marks;

	while (s->fed != s->submitted && s->coalescer.outstanding < CINT_WINDOW) {
		marks = 0;
		if (s->barrier_fed != tail &&
		    s->barriers[s->barrier_fed % CINT_BARRIERS] == s->fed + 1) {
			marks = CINT_BARRIER;
			s->barrier_fed++;
		}
		cint_submit(&s->coalescer, &s->window[s->fed++ % CINT_WINDOW], marks);
	}
}

/*
 * Tell the policy of completions: when each came is not known, so they share the
 * time since the last one.  What a wait returns is delivered, whatever it says;
 * it learns the rate.
 */
static void cint_learn(struct cint_state *s, unsigned int completed)
{
	__u64 now = cint_now_ns(), step = (now - s->last_ns) / completed;
	unsigned int i;

	for (i = completed; i; i--) {
		cint_feed(s);
		if (!s->coalescer.outstanding)
			break;
		cint_complete(&s->coalescer, &s->policy,
			      &s->window[s->drained++ % CINT_WINDOW], now - step * (i - 1));
	}
	cint_flush(&s->coalescer);
	s->last_ns = now;
}

/* CQEs that no SQE accounts for: of multishot requests, or the library's, not read. */
static void cint_track_excess(struct cint_state *s)
{
	unsigned int excess = s->completed - s->submitted;
	unsigned int pairs = __atomic_load_n(&s->pairs, __ATOMIC_RELAXED);

	__atomic_store_n(&s->sq_base, s->sq_base - excess, __ATOMIC_RELAXED);
	s->submitted += excess;
	s->excess += excess;
	if (s->excess > (s->unread < pairs ? s->unread : pairs))
		__atomic_store_n(&s->uncounted, true, __ATOMIC_RELAXED);
}

/* Look at the rings: what was submitted, and what has completed. */
struct cint_news cint_track(struct cint_state *s)
{
	unsigned int tail = cint_cq_tail(s->pub.ring);
	struct cint_news news = { .urgent = cint_urgent_pending(s) };
	unsigned int head = s->barrier_head;

	if (tail != s->scanned) {
		news.completed = tail - s->scanned;
		news.completed -= cint_read_cqes(s, tail, &news);
		news.completed -= cint_remove_internal(s, tail);
		s->scanned = tail;
		__atomic_store_n(&s->completed, s->completed + news.completed, __ATOMIC_RELAXED);
		s->stats.completions += news.completed;
		cint_age_urgents(s);
	}
	cint_track_submitted(s);
	if (s->uncounted)
		s->submitted = s->completed + CINT_THRESHOLD_MAX;
	else if ((int)(s->submitted - s->completed) < 0)
		cint_track_excess(s);
	if (s->has_params && news.completed)
		cint_learn(s, news.completed);

	while (head != __atomic_load_n(&s->barrier_tail, __ATOMIC_ACQUIRE) &&
	       (s->uncounted ||
		(int)(s->barriers[head % CINT_BARRIERS] - s->completed) <= 0)) {
		news.barrier = true;
		head++;
	}
	__atomic_store_n(&s->barrier_head, head, __ATOMIC_RELEASE);
	if ((int)(head - s->barrier_fed) > 0)
		s->barrier_fed = head;
	return news;
}

static bool cint_gap_known(const struct cint_state *s)
{
	return s->policy.params.policy == CINT_POLICY_CINT_RATE &&
	       !(s->coalescer.unknown & CINT_UNKNOWN_GAP);
}

/* Requests that have not completed, with those that the wait submits before it begins. */
static unsigned int cint_outstanding(const struct cint_state *s, unsigned int to_submit)
{
	/* elsewhere they count since they are in the SQ ring */
	if (!(s->pub.ring->flags & IORING_SETUP_DEFER_TASKRUN))
		to_submit = 0;
	return s->submitted - s->completed + to_submit;
}

/* How many completions more are worth waiting for. */
static unsigned int cint_need(struct cint_state *s, unsigned int need, unsigned int to_submit)
{
	unsigned int outstanding = cint_outstanding(s, to_submit), head = s->barrier_head, lacks;

	if (cint_single_pending(s) ||
	    s->pub.ring->flags & IORING_SETUP_IOPOLL)
		return 1;
	if (s->has_params) {
		if (s->policy.params.policy == CINT_POLICY_NONE || !s->policy.hold_ns)
			return 1;
		/* the policy expects no company in time */
		if (cint_gap_known(s) && s->coalescer.gap_ns > s->policy.delta_ns[1])
			return 1;
	}
	if (s->uncounted)
		return need;
	if (head != __atomic_load_n(&s->barrier_tail, __ATOMIC_ACQUIRE)) {
		lacks = s->barriers[head % CINT_BARRIERS] - s->completed;
		if (lacks < need)
			need = lacks;
	}
	if (outstanding < need)
		need = outstanding;
	return need ? need : 1;
}

/*
 * How long the policy would take for a batch: until it expects it to be full and
 * a period more, or a period for each completion, never longer than max_hold.
 */
static __u64 cint_hold_ns(const struct cint_state *s, unsigned int need)
{
	const struct cint_policy *policy = &s->policy;
	__u64 hold = 0;
	unsigned int n;

	if (policy->params.policy == CINT_POLICY_STATIC)
		return policy->hold_ns;
	if (cint_gap_known(s)) {
		hold = (__u64)s->coalescer.gap_ns * need + policy->delta_ns[0];
	} else {
		for (n = 1; n <= need && hold < policy->hold_ns; n++)
			hold += policy->delta_ns[n];
	}
	return hold < policy->hold_ns ? hold : policy->hold_ns;
}

/*
 * The wait of an application that wants wait_nr CQEs, 0: as the parameters say.
 * A plan for as many as are there is one for no wait.  None of the to_submit SQEs that
 * the wait's own system call submits is the library's.
 */
struct cint_plan cint_plan(struct cint_state *s, unsigned int wait_nr, unsigned int to_submit)
{
	unsigned int ready = cint_cq_ready(s->pub.ring), target = wait_nr;
	struct cint_plan plan = { .hold_ns = CINT_UNBOUNDED };
	unsigned int need;
	__u64 missed_ns;

	if (s->has_params && (!target || target > s->policy.params.threshold))
		target = s->policy.params.threshold;
	if (!target)
		target = 1;
	if (ready >= target || (ready && !wait_nr)) {
		plan.wait_nr = ready;
		return plan;
	}
	need = cint_need(s, target - ready, to_submit);
	plan.wait_nr = ready + need;
	if (need == 1 && !ready)
		return plan;
	if (s->has_params)
		plan.hold_ns = cint_hold_ns(s, need);
	missed_ns = cint_urgent_pending(s) ? CINT_MISSED_NS :
		    cint_urgent_doubted(s) ? CINT_DOUBT_NS : CINT_UNBOUNDED;
	if (plan.hold_ns > missed_ns)
		plan.hold_ns = missed_ns;
	return plan;
}

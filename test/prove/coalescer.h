/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Any state of a coalescer, and of the requests beside the one that something happens to. */
#ifndef CINT_PROVE_COALESCER_H
#define CINT_PROVE_COALESCER_H

#include "prove.h"

struct cint_coalescer nondet_coalescer(void);

static struct cint_policy policy;
static struct cint_coalescer c;
/* the oldest held completion, and the time now */
static __u64 oldest_ns, now_ns;

/*
 * What is true of a coalescer after cint_coalescer_init(), and after anything else that
 * is done to it. Parameters change when nothing is held.
 */
static bool coalescer_is_right(void)
{
	return c.outstanding <= REQUESTS_MAX && c.held < policy.params.threshold &&
	       (c.held ? c.deadline_ns <= c.limit_ns :
			 c.deadline_ns == CINT_NO_DEADLINE) &&
	       c.limit_ns <= oldest_ns + policy.hold_ns && oldest_ns <= now_ns &&
	       c.last_ns <= now_ns && c.gap_ns <= CINT_DELAY_MAX_NS &&
	       c.depth_x16 <= REQUESTS_MAX << 4 && c.not_free <= CINT_THRESHOLD_MAX &&
	       c.unknown <= (CINT_UNKNOWN_LAST | CINT_UNKNOWN_GAP) && c.kept <= 1 &&
	       c.asleep <= 1024 && c.asleep_next >= 4 && c.asleep_next <= 1024 &&
	       !(c.asleep_next & (c.asleep_next - 1));
}

/* Any; some time later than it was last seen. */
static void any_coalescer(void)
{
	__u64 later_ns = nondet_u64();

	policy = any_policy();
	c = nondet_coalescer();
	oldest_ns = nondet_u64();
	now_ns = nondet_u64();
	ASSUME(oldest_ns <= now_ns && now_ns <= TIME_MAX);
	ASSUME(coalescer_is_right());
	ASSUME(later_ns >= now_ns && later_ns <= TIME_MAX);
	now_ns = later_ns;
}

/* A request, and those before and after it, if there are any. */
static struct cint_request before, r, after;

/* The request is one of those outstanding; in no order if expected. */
static void any_order(bool expected)
{
	struct cint_request *prev = nondet_bool() ? &before : &c.order;
	struct cint_request *next = nondet_bool() ? &after : &c.order;

	ASSUME(c.outstanding);
	before.ends_prefix = nondet_bool();
	after.ends_prefix = nondet_bool();
	r.marks = nondet_u32() & (CINT_URGENT | CINT_BARRIER);
	r.ends_prefix = nondet_bool();
	if (expected) {
		r.prev = &r;
		r.next = &r;
		r.ends_prefix = 0;
		return;
	}
	r.prev = prev;
	r.next = next;
	prev->next = &r;
	next->prev = &r;
}

#endif /* CINT_PROVE_COALESCER_H */

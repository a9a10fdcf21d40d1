// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The decision: return now, or wait for so many completions and so long.
 *
 * It waits for no more than can come, keeps back nothing that is urgent nor a barrier
 * whose prefix may be complete, and holds no completion longer than max_hold_ns.
 */
#include "decide.h"

static unsigned int cint_min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* How many CQEs make a batch, if nothing is marked. */
static unsigned int cint_batch(const struct cint_view *view)
{
	const struct cint_policy *policy = view->policy;
	unsigned int nr = view->wait_nr;

	if (!policy)
		return nr;
	if (policy->params.policy == CINT_POLICY_NONE || !policy->hold_ns)
		return 1;
	/* no company is expected in time */
	if (policy->params.policy == CINT_POLICY_CINT_RATE && view->gap_ns > policy->delta_ns[1])
		return 1;
	/* the others keep the drive busy while these are delivered; a barrier is a batch */
	if (!nr && !view->endless) {
		nr = (view->ready + view->outstanding) / CINT_BATCH_SHARE;
		if (nr < view->prefix)
			nr = view->prefix;
	} else if (!nr) {
		nr = policy->params.threshold;
	}
	return cint_min(nr, policy->params.threshold);
}

/*
 * How long the policy would take for so many more: until it expects them and a period
 * more, or a period for each, never longer than max_hold.
 */
static __u64 cint_hold_ns(const struct cint_view *view, unsigned int need)
{
	const struct cint_policy *policy = view->policy;
	__u64 hold = 0;
	unsigned int n;

	if (policy->params.policy == CINT_POLICY_STATIC)
		return policy->hold_ns;
	if (policy->params.policy == CINT_POLICY_CINT_RATE && view->gap_ns) {
		hold = (__u64)view->gap_ns * need + policy->delta_ns[0];
	} else {
		for (n = 1; n <= need && hold < policy->hold_ns; n++)
			hold += policy->delta_ns[n];
	}
	return hold < policy->hold_ns ? hold : policy->hold_ns;
}

struct cint_plan cint_decide(const struct cint_view *view)
{
	static const struct cint_plan now, one = { .nr = 1, .hold_ns = CINT_UNBOUNDED };
	struct cint_plan plan = { .nr = cint_batch(view), .hold_ns = CINT_UNBOUNDED };

	if (view->ready && (!view->wait_nr || view->linked))
		return now;
	if (view->urgent || view->single)
		plan.nr = 1;
	if (view->prefix)
		plan.nr = cint_min(plan.nr, view->prefix);
	if (!view->endless)
		plan.nr = cint_min(plan.nr, view->ready + view->outstanding);
	if (view->ready && plan.nr <= view->ready)
		return now;
	if (plan.nr <= 1)
		return one;

	if (view->policy) {
		plan.hold_ns = cint_hold_ns(view, plan.nr - view->ready);
		if (view->ready && view->age_ns >= plan.hold_ns)
			return now;
		if (view->ready)
			plan.hold_ns -= view->age_ns;
	}
	if (view->linked && plan.hold_ns > CINT_MISSED_NS)
		plan.hold_ns = CINT_MISSED_NS;
	return plan;
}

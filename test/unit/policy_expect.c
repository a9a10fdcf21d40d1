// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Requests in no order (cint_expect), and those that end without a completion to
 * be judged (cint_forget).
 */
#include <linux/cint_policy.h>

#include "tap.h"

static struct cint_coalescer c;
static struct cint_policy policy;
static struct cint_request r[4];
static __u64 now_ns;

static void begin(__u32 kind)
{
	const struct cint_params params = {
		.policy = kind, .flags = CINT_F_OOO, .threshold = 8,
		.delta_ns = 1000, .delta_min_ns = 1000, .max_hold_ns = 5000,
	};

	cint_policy_init(&policy, &params);
	cint_coalescer_init(&c);
	now_ns = 1000;
}

static enum cint_reason complete(unsigned int i)
{
	return cint_complete(&c, &policy, &r[i], now_ns += 10).reason;
}

int main(void)
{
	begin(CINT_POLICY_CINT);
	cint_expect(&c, &r[0], 0);
	cint_submit(&c, &r[1], CINT_BARRIER);
	tap_result(complete(1) == CINT_FIRE_BARRIER,
		   "a barrier waits for none that is in no order");
	tap_result(c.outstanding == 1, "which is outstanding nevertheless");
	tap_result(complete(0) == CINT_HOLD && !c.outstanding && c.held == 1,
		   "and is held when it completes");

	begin(CINT_POLICY_CINT);
	cint_submit(&c, &r[0], 0);
	cint_expect(&c, &r[1], CINT_BARRIER);
	tap_result(complete(1) == CINT_HOLD, "in no order there is no barrier");
	cint_expect(&c, &r[1], CINT_URGENT);
	tap_result(complete(1) == CINT_FIRE_URGENT && c.held == 1,
		   "but an urgent one that overtakes");

	begin(CINT_POLICY_CINT_RATE);
	cint_expect(&c, &r[0], 0);
	cint_expect(&c, &r[1], 0);
	tap_result(complete(0) == CINT_HOLD, "cint-rate waits for those expected");
	tap_result(complete(1) == CINT_FIRE_RATE, "and for nothing else");

	begin(CINT_POLICY_CINT_RATE);
	cint_expect(&c, &r[0], 0);
	cint_expect(&c, &r[1], 0);
	complete(0);
	cint_expect(&c, &r[2], 0);
	complete(1);
	tap_result(c.gap_ns == 10, "of those expected the gap is learnt, too");
	complete(2);
	now_ns += 5000;
	cint_expect(&c, &r[0], 0);
	cint_expect(&c, &r[1], 0);
	complete(0);
	tap_result(c.gap_ns == 10, "but not a pause with nothing outstanding");
	now_ns += 80;
	complete(1);
	tap_result(c.gap_ns == 20, "and what comes after it is");

	begin(CINT_POLICY_CINT);
	cint_submit(&c, &r[0], 0);
	cint_submit(&c, &r[1], 0);
	cint_submit(&c, &r[2], CINT_BARRIER);
	tap_result(complete(2) == CINT_HOLD && complete(0) == CINT_HOLD,
		   "a barrier's prefix is not complete");
	tap_result(cint_forget(&c, &r[1]) && cint_flush(&c) == 2,
		   "before its last one is forgotten");

	begin(CINT_POLICY_CINT);
	cint_submit(&c, &r[0], 0);
	cint_submit(&c, &r[1], CINT_BARRIER);
	tap_result(!cint_forget(&c, &r[1]) && c.outstanding == 1,
		   "a barrier that is forgotten leaves its mark");
	tap_result(complete(0) == CINT_FIRE_BARRIER, "with the one before it");

	begin(CINT_POLICY_CINT_RATE);
	cint_expect(&c, &r[0], 0);
	cint_submit(&c, &r[1], 0);
	tap_result(!cint_forget(&c, &r[0]) && complete(1) == CINT_FIRE_RATE,
		   "nobody waits for what is forgotten");
	return tap_done();
}

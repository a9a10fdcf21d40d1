// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_poll_looked(), in any state: what is learnt stays within bounds, no divisor is 0,
 * and a barrier is complete only with all that was before it.
 *
 * OPTIONS --unwind 18
 * WRAPS cint_poll_learn_gap: new - gap
 *	a difference that may be less than 0, and is made signed
 * WRAPS cint_poll_learn_gap: gap + (unsigned int)((__s32)(new - gap) >> 3)
 *	what is added may be less than 0
 * WRAPS cint_poll_prefix_complete: epoch - 1
 *	epochs wrap around
 * MUTANT poll.c: a gap of 0 divides
 *	- max(gap, 1U)
 *	+ gap
 * MUTANT poll.c: a time without a bound
 *	- return min_t(__u64, elapsed, CINT_DELAY_MAX_NS)
 *	+ return elapsed
 * MUTANT poll.c: a service time without a bound
 *	- min_t(__u32, service, CINT_DELAY_MAX_NS)
 *	+ service
 * MUTANT poll.c: a prefix is not looked at to its end
 *	- (__s16)(epoch - oldest) >= 0
 *	+ (__s16)(epoch - oldest) > 0
 */
#include "poll.h"

static void show_looked(void)
{
	__u32 found = nondet_u32(), outstanding = nondet_u32();
	__u16 back = nondet_u16(), awaited = p.awaited;
	bool awaiting = p.awaiting;

	ASSUME(found <= REQUESTS_MAX && outstanding <= REQUESTS_MAX &&
	       found + p.carried <= REQUESTS_MAX);
	if (cint_poll_looked(&p, found, outstanding, nondet_bool(), now_ns)) {
		/* each epoch up to the barrier's that has a place, which are those of late */
		SHOW(awaiting && !p.awaiting);
		ASSUME(back < CINT_POLL_EPOCHS);
		SHOW((__s16)(p.epoch - back - awaited) > 0 || drained(p.epoch - back));
		REACHED("complete");
	} else {
		SHOW(awaiting == p.awaiting);
		REACHED("looked");
	}
}

int main(void)
{
	any_poll();
	show_looked();
	SHOW(poll_is_right());
	return 0;
}

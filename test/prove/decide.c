// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_decide(), for all parameters or none, and whatever is known of a ring: it waits
 * for no more than can come, nor than was asked for, keeps back nothing urgent and no
 * prefix of a barrier, and holds nothing longer than max_hold.
 *
 * OPTIONS --unwind 258
 * MUTANT decide.c: more than can come
 *	- plan.nr = cint_min(plan.nr, view->ready + view->outstanding)
 *	+ ;
 * MUTANT decide.c: urgent ones are kept back
 *	- if (view->urgent || view->single)
 *	+ if (view->single)
 * MUTANT decide.c: so is the prefix of a barrier
 *	- if (view->prefix)\n
 *	+ if (view->prefix > 3)\n
 * MUTANT decide.c: those that wait are not counted
 *	- plan.hold_ns -= view->age_ns
 *	+ ;
 * MUTANT decide.c: what has waited for max_hold waits on
 *	- view->age_ns >= plan.hold_ns
 *	+ view->age_ns > plan.hold_ns
 * MUTANT decide.c: a period for each, without a bound
 *	- return hold < policy->hold_ns ? hold : policy->hold_ns
 *	+ return hold
 * MUTANT decide.c: a period past the last
 *	- n = 1; n <= need && hold < policy->hold_ns; n++
 *	+ n = 1; n <= need + 1; n++
 * MUTANT decide.c: more than the threshold
 *	- return cint_min(nr, policy->params.threshold)
 *	+ return nr
 */
#include "prove.h"
#include "../../src/decide.c"

struct cint_view nondet_view(void);

int main(void)
{
	struct cint_policy policy = any_policy();
	struct cint_view v = nondet_view();
	struct cint_plan plan;
	__u32 can_come;

	v.policy = nondet_bool() ? &policy : NULL;
	v.single = nondet_bool();
	v.endless = nondet_bool();
	ASSUME(v.ready <= REQUESTS_MAX && v.outstanding <= REQUESTS_MAX);
	can_come = v.ready + v.outstanding;

	plan = cint_decide(&v);

	/* now: only if there is something; else for one at least that is not there */
	SHOW(plan.nr ? plan.nr > v.ready : v.ready);
	/* where nothing can come, as liburing does */
	SHOW(v.endless || plan.nr <= (can_come ? can_come : 1));
	SHOW(!v.wait_nr || plan.nr <= v.wait_nr);
	SHOW(!v.policy || plan.nr <= policy.params.threshold);
	/* what is there is returned to who wants any, or so many */
	SHOW(v.wait_nr || !v.ready || !plan.nr);
	SHOW(!v.wait_nr || v.ready < v.wait_nr || !plan.nr);
	/* what may be urgent, or end a prefix, is not kept back */
	if (v.urgent || v.single)
		SHOW(v.ready ? !plan.nr : plan.nr == 1);
	if (v.linked)
		SHOW(v.ready ? !plan.nr : plan.nr == 1 || plan.hold_ns <= CINT_MISSED_NS);
	if (v.prefix)
		SHOW(v.ready >= v.prefix ? !plan.nr : plan.nr <= v.prefix);
	/* nothing is held longer than max_hold */
	if (v.policy && v.ready && v.age_ns >= policy.params.max_hold_ns)
		SHOW(!plan.nr);
	if (v.policy && plan.nr > 1) {
		SHOW(plan.hold_ns <= policy.params.max_hold_ns);
		SHOW(!v.ready || plan.hold_ns + v.age_ns <= policy.params.max_hold_ns);
		REACHED("held");
	}
	/* for the next one it waits without an end, and nothing is there meanwhile */
	SHOW(plan.nr != 1 || (plan.hold_ns == CINT_UNBOUNDED && !v.ready));
	if (!v.policy && !v.linked && plan.nr)
		SHOW(plan.hold_ns == CINT_UNBOUNDED);
	REACHED("end");
	return 0;
}

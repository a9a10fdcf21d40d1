// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_complete(), whatever the parameters, the state and the request: nothing urgent is
 * held, nor a barrier whose prefix is complete, nor what has no company to wait for, and
 * nothing for longer than max_hold.
 *
 * OPTIONS --unwind 258
 * WRAPS cint_learn_gap: (__u32)gap - c->gap_ns
 *	a difference that may be less than 0, and is made signed
 * WRAPS cint_learn_gap: c->gap_ns + (unsigned int)((__s32)((__u32)gap - c->gap_ns) >> 3)
 *	what is added may be less than 0
 * WRAPS cint_learn_depth: c->outstanding - depth
 *	a difference that may be less than 0
 * WRAPS cint_learn_depth: c->depth_x16 + (c->outstanding - depth)
 *	what is added may be less than 0
 * MUTANT policy.c: urgent ones are held
 *	- if (r->marks & marks & CINT_URGENT) {
 *	+ if (0) {
 * MUTANT policy.c: barriers are held
 *	- if (prefix_complete)\n\t\treturn cint_fire(c, CINT_FIRE_BARRIER);
 *	+ ;
 * MUTANT policy.c: as many are held as make a batch
 *	- if (n >= threshold)
 *	+ if (n > threshold)
 * MUTANT policy.c: each of those held begins max_hold anew
 *	- if (n == 1) {
 *	+ if (n) {
 * MUTANT policy.c: the deadline is not bound by max_hold
 *	- if (now_ns < deadline)
 *	+ if (now_ns != deadline)
 * MUTANT policy.c: the last one outstanding is held
 *	- if (unlikely(!c->outstanding) ||
 *	+ if (
 * MUTANT policy.c: the gap is not bounded
 *	- gap <= CINT_DELAY_MAX_NS && !c->unknown
 *	+ !c->unknown
 * MUTANT policy.c: those in the order are not closed up
 *	- next->prev = prev;
 *	+ ;
 * MUTANT policy.c: the mark of a barrier is lost
 *	- prev->ends_prefix = 1;
 *	+ ;
 */
#include "coalescer.h"

int main(void)
{
	__u32 held, outstanding;
	bool urgent, prefix, expected = nondet_bool();
	struct cint_request *prev, *next;
	struct cint_verdict v;
	__u64 deadline_ns;

	any_coalescer();
	any_order(expected);
	held = c.held;
	outstanding = c.outstanding;
	deadline_ns = c.deadline_ns;
	prev = r.prev;
	next = r.next;
	urgent = r.marks & policy.marks & CINT_URGENT;
	prefix = r.ends_prefix && prev == &c.order;
	if (!held)
		oldest_ns = now_ns;

	v = cint_complete(&c, &policy, &r, now_ns);

	SHOW(v.reason >= CINT_HOLD && v.reason <= CINT_FIRE_RATE);
	SHOW(coalescer_is_right());
	SHOW(c.outstanding == outstanding - 1);
	/* the order is closed up; the mark of a barrier goes to the one before it */
	if (!expected) {
		SHOW(prev->next == next && next->prev == prev);
		SHOW(prev == &c.order || !r.ends_prefix || prev->ends_prefix);
	}
	if (v.reason == CINT_HOLD) {
		SHOW(!urgent && !(prefix && policy.marks));
		SHOW(policy.params.policy != CINT_POLICY_NONE);
		SHOW(policy.params.policy != CINT_POLICY_CINT_RATE || c.outstanding);
		SHOW(c.held == held + 1 && c.held < policy.params.threshold);
		SHOW(c.deadline_ns <= oldest_ns + policy.params.max_hold_ns);
		SHOW(c.deadline_ns <= now_ns + CINT_DELAY_MAX_NS);
		REACHED("held");
	} else if (v.only_this) {
		SHOW(v.reason == CINT_FIRE_URGENT && urgent);
		SHOW(policy.params.flags & CINT_F_OOO);
		SHOW(c.held == held && c.deadline_ns <= deadline_ns);
		REACHED("only this");
	} else {
		SHOW(!c.held && c.deadline_ns == CINT_NO_DEADLINE);
		REACHED("all");
	}
	if (prefix && policy.marks && (held || !urgent)) {
		SHOW(v.reason == CINT_FIRE_BARRIER);
		REACHED("barrier");
	}
	return 0;
}

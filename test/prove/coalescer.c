// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * All that is done to a coalescer, but cint_complete(): it keeps the state right, what is
 * due is delivered, and what is kept for the host is not kept past max_hold.
 *
 * OPTIONS --unwind 258
 * MUTANT policy.c: what is due is not delivered
 *	- if (now_ns < c->deadline_ns)\n\t\treturn
 *	+ if (now_ns <= c->deadline_ns)\n\t\treturn
 * MUTANT policy.c: a host asleep for ever
 *	- if (c->asleep_next < CINT_ASLEEP_MAX)
 *	+ if (1)
 * MUTANT policy.c: what is kept is kept for its period
 *	- now_ns + delta < c->limit_ns ? now_ns + delta :
 *	+ now_ns + delta ? now_ns + delta :
 * MUTANT policy.c: kept with requests outstanding
 *	- if (c->outstanding || c->gap_ns > delta ||
 *	+ if (c->gap_ns > delta ||
 * MUTANT policy.c: a flush says that nothing was held
 *	- __u32 held = c->held;\n\n
 *	+ __u32 held = 0;\n\n
 * MUTANT policy.c: what the host took is held
 *	- c->kept = 0;\n\tcint_fire(c, CINT_FIRE_FLUSH);\n}\nEXPORT_SYMBOL_GPL(cint_taken)
 *	+ c->kept = 0;\n}\nEXPORT_SYMBOL_GPL(cint_taken)
 * MUTANT policy.c: a request submitted is not the last
 *	- c->order.prev = r;\n\t
 *	+ ;
 * MUTANT policy.c: a barrier in no order
 *	- r->marks = marks & CINT_URGENT;
 *	+ r->marks = marks;
 * MUTANT policy.c: a deadline with nothing held
 *	- .deadline_ns\t= CINT_NO_DEADLINE,
 *	+ .deadline_ns = 0,
 */
#include "coalescer.h"

static void show_init(void)
{
	c = nondet_coalescer();
	policy = any_policy();
	oldest_ns = now_ns = 0;
	cint_coalescer_init(&c);
	SHOW(coalescer_is_right());
	SHOW(!c.held && !c.outstanding);
	SHOW(c.order.next == &c.order && c.order.prev == &c.order);
	REACHED("init");
}

static void show_submit(void)
{
	struct cint_request *last = nondet_bool() ? &before : &c.order;
	__u32 marks = nondet_u32(), outstanding = c.outstanding;

	ASSUME(outstanding < REQUESTS_MAX);
	last->next = &c.order;
	c.order.prev = last;
	if (nondet_bool()) {
		cint_submit(&c, &r, marks);
		SHOW(last->next == &r && r.prev == last);
		SHOW(r.next == &c.order && c.order.prev == &r);
		SHOW(!r.ends_prefix == !(marks & CINT_BARRIER));
		SHOW((r.marks & CINT_URGENT) == (marks & CINT_URGENT));
		REACHED("submit");
	} else {
		cint_expect(&c, &r, marks);
		SHOW(last->next == &c.order && c.order.prev == last);
		SHOW(r.prev == &r && r.next == &r && !r.ends_prefix);
		SHOW(r.marks == (marks & CINT_URGENT));
		REACHED("expect");
	}
	SHOW(c.outstanding == outstanding + 1);
}

static void show_forget(void)
{
	__u32 outstanding = c.outstanding, held = c.held;
	bool complete;

	any_order(nondet_bool());
	complete = r.ends_prefix && r.prev == &c.order;
	SHOW(cint_forget(&c, &r) == complete);
	SHOW(c.outstanding == outstanding - 1 && c.held == held);
	REACHED("forget");
}

static void show_expire(void)
{
	__u64 deadline_ns = c.deadline_ns;
	__u32 held = c.held;
	enum cint_reason reason = cint_expire(&c, now_ns);

	SHOW((reason == CINT_HOLD) == (now_ns < deadline_ns));
	/* nothing is held past max_hold by who looks when it is due */
	SHOW(reason != CINT_HOLD || !held ||
	     now_ns < oldest_ns + policy.params.max_hold_ns);
	SHOW(reason == CINT_HOLD ? c.held == held : !c.held);
	REACHED("expire");
}

static void show_flush(void)
{
	__u32 held = c.held;

	SHOW(cint_flush(&c) == held && !c.held && !c.asleep);
	REACHED("flush");
}

/* After the verdict CINT_FIRE_RATE, which leaves less than a batch. */
static void show_keep(void)
{
	__u32 held = nondet_u32(), asleep = c.asleep;

	ASSUME(!c.held && held >= 1 && held < policy.params.threshold);
	if (cint_keep(&c, &policy, held, now_ns)) {
		SHOW(!c.outstanding && !asleep);
		SHOW(c.held == held);
		SHOW(c.deadline_ns <= oldest_ns + policy.params.max_hold_ns);
		SHOW(c.deadline_ns <= now_ns + CINT_DELAY_MAX_NS);
		REACHED("kept");
	} else {
		SHOW(!c.held && c.deadline_ns == CINT_NO_DEADLINE);
		REACHED("not kept");
	}
}

int main(void)
{
	show_init();
	any_coalescer();
	switch (nondet_u32()) {
	case 0:
		show_submit();
		break;
	case 1:
		show_forget();
		break;
	case 2:
		show_expire();
		break;
	case 3:
		show_flush();
		break;
	case 4:
		show_keep();
		break;
	default:
		cint_taken(&c);
		SHOW(!c.held && !c.kept);
		break;
	}
	SHOW(coalescer_is_right());
	REACHED("end");
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * When to look, for all parameters and in any state: no look comes sooner than shortest_ns
 * nor later than longest_ns, and who watches all the time holds nothing longer than
 * max_hold.
 *
 * OPTIONS --unwind 258
 * WRAPS show_epochs: sent + (unsigned int)1
 *	the same
 * WRAPS cint_poll_submit: p->sent[(signed long int)slot] + 1u
 *	they wrap around
 * WRAPS cint_poll_complete: p->done[(signed long int)epoch] + 1u
 *	they wrap around
 * MUTANT poll.c: sooner than the shortest
 *	- if (due < now_ns + shortest)
 *	+ if (due < now_ns)
 * MUTANT poll.c: later than the longest
 *	- return min_t(__u64, due - now_ns, longest)
 *	+ return due - now_ns
 * MUTANT poll.c: no look for a barrier's prefix is soon enough
 *	- return min(shortest, longest)
 *	+ return shortest
 * MUTANT poll.c: a batch of none
 *	- if (!outstanding)\n\t\treturn 0;\n\tif (cint_poll_read(p->awaiting))
 *	+ if (cint_poll_read(p->awaiting))
 * MUTANT poll.c: an epoch that has no place
 *	- (epoch + 1) % CINT_POLL_EPOCHS)
 *	+ epoch + 1)
 * MUTANT poll.c: held past max_hold
 *	- if (now_ns >= first_ns + policy->hold_ns)
 *	+ if (now_ns > first_ns + policy->hold_ns)
 * MUTANT poll.c: more than a batch is held
 *	- if (ready >= policy->params.threshold)
 *	+ if (ready > policy->params.threshold)
 */
#include "poll.h"

static struct cint_policy policy;

static void show_epochs(void)
{
	__u16 epoch = p.epoch, slot = nondet_u16();
	__u32 sent = p.sent[p.slot];

	switch (nondet_u32()) {
	case 0:
		SHOW(cint_poll_submit(&p) == p.slot && p.sent[p.slot] == sent + 1);
		break;
	case 1:
		ASSUME(slot < CINT_POLL_EPOCHS);
		cint_poll_complete(&p, slot);
		break;
	case 2:
		/* a place is taken only by who finds it empty */
		SHOW(cint_poll_barrier(&p) == epoch);
		SHOW(p.epoch == epoch ||
		     (p.epoch == (__u16)(epoch + 1) && drained(p.epoch)));
		break;
	default:
		cint_poll_busy(&p, now_ns);
		break;
	}
	REACHED("epochs");
}

static void show_await(void)
{
	__u16 epoch = nondet_u16();

	ASSUME((__u16)(p.epoch - epoch) < 32768 - CINT_POLL_EPOCHS);
	cint_poll_await(&p, epoch, now_ns);
	SHOW(p.awaiting && (__s16)(p.awaited - epoch) >= 0);
	REACHED("await");
}

static void show_interval(void)
{
	__u32 outstanding = nondet_u32(), shortest_ns = nondet_u32(), longest_ns = nondet_u32();
	__u32 interval = cint_poll_interval(&p, &policy, outstanding, shortest_ns, longest_ns,
					    now_ns);

	if (!outstanding) {
		SHOW(!interval);
		return;
	}
	SHOW(interval >= shortest_ns);
	SHOW(interval <= longest_ns || interval == shortest_ns);
	REACHED("interval");
}

static void show_due(void)
{
	__u32 outstanding = nondet_u32(), ready = nondet_u32();
	__u64 first_ns = nondet_u64(), last_ns = nondet_u64();
	enum cint_reason reason;

	ASSUME(first_ns <= last_ns && last_ns <= now_ns);
	reason = cint_poll_due(&p, &policy, outstanding, ready, first_ns, last_ns, now_ns);
	SHOW(ready || reason == CINT_HOLD);
	if (ready && reason == CINT_HOLD) {
		SHOW(policy.params.policy != CINT_POLICY_NONE && !p.awaiting);
		SHOW(policy.params.policy != CINT_POLICY_CINT_RATE || ready < outstanding);
		SHOW(ready < policy.params.threshold);
		SHOW(now_ns < first_ns + policy.params.max_hold_ns);
		SHOW(now_ns < last_ns + CINT_DELAY_MAX_NS);
		REACHED("held");
	}
}

int main(void)
{
	p = nondet_poll();
	now_ns = 0;
	cint_poll_init(&p);
	SHOW(poll_is_right());
	any_poll();
	policy = any_policy();
	switch (nondet_u32()) {
	case 0:
		show_epochs();
		break;
	case 1:
		show_await();
		break;
	case 2:
		show_interval();
		break;
	default:
		show_due();
		break;
	}
	/* a barrier more is one more that a prefix is old */
	ASSUME(!p.awaiting || (__u16)(p.epoch - p.awaited) < 32768 - CINT_POLL_EPOCHS);
	SHOW(poll_is_right());
	REACHED("end");
	return 0;
}

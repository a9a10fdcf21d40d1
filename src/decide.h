/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside the library: what to wait for.  A pure function, it calls nothing. */
#ifndef CINT_DECIDE_H
#define CINT_DECIDE_H

/* The policy's function of this name is not the library's. */
#define cint_submit	cint_policy_submit
#include <linux/cint_policy.h>
#undef cint_submit

/* A time that has no bound. */
#define CINT_UNBOUNDED	(~0ULL)

/*
 * A link ends a wait only if its request completes while the kernel waits.  For one
 * that completes just before, nobody waits longer than this.
 */
#define CINT_MISSED_NS	1000000ULL

/* A batch that nobody gave a size is this part of what is outstanding. */
#define CINT_BATCH_SHARE	4

/**
 * struct cint_view - what is known of a ring as a wait begins
 * @ready: CQEs in the ring
 * @outstanding: requests that have not completed, with those submitted by the wait itself
 * @urgent: urgent requests whose CQE was not taken, and that end no wait by themselves
 * @linked: those that do by a link
 * @prefix: requests whose CQE was not taken up to the oldest barrier, 0: no barrier
 * @wait_nr: CQEs that the application wants, 0: any that are there, or a batch
 * @single: nothing ends a wait for more than one
 * @endless: requests have more CQEs than one
 * @age_ns: how long the oldest of @ready may have been there
 * @gap_ns: average time between completions, 0: not known
 * @policy: the ring's parameters, NULL: none
 */
struct cint_view {
	unsigned int		ready;
	unsigned int		outstanding;
	unsigned int		urgent;
	unsigned int		linked;
	unsigned int		prefix;
	unsigned int		wait_nr;
	bool			single;
	bool			endless;
	__u64			age_ns;
	__u32			gap_ns;
	const struct cint_policy *policy;
};

/**
 * struct cint_plan - what to wait for
 * @nr: CQEs in the ring, those that are there included; 0: return now
 * @hold_ns: the time after which any number will do, CINT_UNBOUNDED: none
 */
struct cint_plan {
	unsigned int	nr;
	__u64		hold_ns;
};

struct cint_plan cint_decide(const struct cint_view *view);

#endif /* CINT_DECIDE_H */

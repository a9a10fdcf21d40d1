/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later OR MIT */
/*
 * Coalescing of I/O completions by urgency, barrier, threshold, an adaptive
 * quiescent period and the rate of completions.
 *
 * Pure functions over explicit state: no locks, no allocation, no clock and no
 * floating point.  The caller serialises all calls for one coalescer and passes
 * the time in.  The same source serves the kernel, the user library, device
 * models and simulators.
 */
#ifndef _LINUX_CINT_POLICY_H
#define _LINUX_CINT_POLICY_H

#include <linux/types.h>
#include <linux/cint.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* Marks of a request, as the submitter set them. */
#define CINT_URGENT	0x1
#define CINT_BARRIER	0x2

/* struct cint_params->flags */
#define CINT_F_OOO	IORING_CINT_OOO
#define CINT_F_ALL	CINT_F_OOO

#define CINT_NO_DEADLINE	(~0ULL)

/**
 * struct cint_params - what an administrator or a ring sets
 * @policy: CINT_POLICY_*
 * @flags: CINT_F_*
 * @threshold: completions that make a full batch, 1 to CINT_THRESHOLD_MAX
 * @delta_ns: base quiescent period; the fixed timeout of CINT_POLICY_STATIC
 * @delta_min_ns: lower bound of the computed period
 * @max_hold_ns: bound on the age of the oldest held completion
 * @correction: correction factor in thousandths, 0 for a linear decrease
 *
 * All delays are 0 to CINT_DELAY_MAX_NS.
 */
struct cint_params {
	__u32	policy;
	__u32	flags;
	__u32	threshold;
	__u32	delta_ns;
	__u32	delta_min_ns;
	__u32	max_hold_ns;
	__u32	correction;
};

/* Which member of struct cint_params cint_params_check() objects to. */
enum cint_param {
	CINT_PARAM_OK,
	CINT_PARAM_POLICY,
	CINT_PARAM_FLAGS,
	CINT_PARAM_THRESHOLD,
	CINT_PARAM_DELTA,
	CINT_PARAM_DELTA_MIN,
	CINT_PARAM_MAX_HOLD,
	CINT_PARAM_CORRECTION,
};

/**
 * struct cint_policy - checked parameters and what is computed from them
 * @params: the parameters
 * @hold_ns: bound on the age of the oldest held completion
 * @marks: the marks this policy heeds
 * @delta_ns: the quiescent period by number of completions held
 */
struct cint_policy {
	struct cint_params	params;
	__u32			hold_ns;
	__u32			marks;
	__u32			delta_ns[CINT_THRESHOLD_MAX + 1];
};

/* Why completions are delivered; CINT_HOLD: they are not, yet. */
enum cint_reason {
	CINT_HOLD,		/* keep it */
	CINT_FIRE_EACH,		/* the policy delivers every completion alone */
	CINT_FIRE_URGENT,	/* an urgent completion */
	CINT_FIRE_BARRIER,	/* a barrier's whole prefix has completed */
	CINT_FIRE_THRESHOLD,	/* the batch is full */
	CINT_FIRE_QUIET,	/* no completion for the quiescent period */
	CINT_FIRE_MAX_HOLD,	/* the oldest waited for max_hold (static: timeout) */
	CINT_FIRE_RATE,		/* no further completion is expected in time */
	CINT_FIRE_FLUSH,	/* the caller asked: reset, parameter change, ... */
	CINT_FIRE_LOOK,		/* found by who looked for another reason */
	CINT_REASON_NR
};

/**
 * struct cint_verdict - what to do with a completion
 * @reason: CINT_HOLD, or why to deliver now
 * @only_this: deliver this completion and leave the held ones where they are;
 *	otherwise deliver the held ones and this one
 */
struct cint_verdict {
	enum cint_reason	reason;
	bool			only_this;
};

/**
 * struct cint_request - one outstanding request, embedded by the caller
 *
 * The coalescer links it from cint_submit() or cint_expect() to cint_complete()
 * or cint_forget(); in between it must stay where it is.
 */
struct cint_request {
	struct cint_request	*prev;
	struct cint_request	*next;
	__u8			marks;
	__u8			ends_prefix;
};

/* struct cint_coalescer->unknown */
#define CINT_UNKNOWN_LAST	0x1	/* when the last completion came */
#define CINT_UNKNOWN_GAP	0x2	/* the average gap */

/**
 * struct cint_coalescer - the state of one queue and group
 * @order: outstanding requests in order of submission
 * @outstanding: submitted and not yet completed
 * @held: completed and not yet delivered
 * @limit_ns: when the oldest held completion must go, whatever else comes
 * @deadline_ns: when cint_expire() will deliver, or CINT_NO_DEADLINE
 * @last_ns: when the last completion came
 * @gap_ns: moving average of the time between completions
 * @depth_x16: moving average of requests outstanding, times 16
 * @not_free: places in this batch that those outstanding could not fill
 * @unknown: CINT_UNKNOWN_*, what is not known of the rate
 * @kept: cint_keep() left what is held to the host
 * @asleep: how often the host is still told at once when nothing is outstanding
 * @asleep_next: what @asleep is next set to
 */
struct cint_coalescer {
	struct cint_request	order;
	__u32			outstanding;
	__u32			held;
	__u64			limit_ns;
	__u64			deadline_ns;
	__u64			last_ns;
	__u32			gap_ns;
	__u32			depth_x16;
	__u32			not_free;
	__u8			unknown;
	__u8			kept;
	__u16			asleep;
	__u16			asleep_next;
};

/* What is set by IORING_REGISTER_CINT, unchecked. */
static inline struct cint_params
cint_params_of(const struct io_uring_cint *params)
{
	return (struct cint_params) {
		.policy		= params->policy,
		.flags		= params->flags,
		.threshold	= params->threshold,
		.delta_ns	= params->delta_ns,
		.delta_min_ns	= params->delta_min_ns,
		.max_hold_ns	= params->max_hold_ns,
		.correction	= params->correction,
	};
}

void cint_params_default(struct cint_params *params);
enum cint_param cint_params_check(const struct cint_params *params);
void cint_compute_deltas(const struct cint_params *params, __u32 *delta_ns);
void cint_policy_init(struct cint_policy *policy,
		      const struct cint_params *params);
const char *cint_policy_name(__u32 policy);
const char *cint_reason_name(enum cint_reason reason);

void cint_coalescer_init(struct cint_coalescer *c);
void cint_submit(struct cint_coalescer *c, struct cint_request *r, __u32 marks);
void cint_expect(struct cint_coalescer *c, struct cint_request *r, __u32 marks);
bool cint_forget(struct cint_coalescer *c, struct cint_request *r);
struct cint_verdict cint_complete(struct cint_coalescer *c,
				  const struct cint_policy *policy,
				  struct cint_request *r, __u64 now_ns);
enum cint_reason cint_expire(struct cint_coalescer *c, __u64 now_ns);
__u32 cint_flush(struct cint_coalescer *c);
bool cint_keep(struct cint_coalescer *c, const struct cint_policy *policy,
	       __u32 held, __u64 now_ns);
void cint_taken(struct cint_coalescer *c);

#endif /* _LINUX_CINT_POLICY_H */

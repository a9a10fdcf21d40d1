// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later OR MIT
/*
 * Coalescing of I/O completions: the policy.
 *
 * Gyawali and Aryal, "Enhancing NVMe Storage Performance with Latency-Aware
 * User Layer Semantics and Dynamically Adjusted Timeouts", algorithm 1, which
 * extends Tai, Smolyar, Wei and Tsafrir, "Optimizing Storage Performance with
 * Calibrated Interrupts", ACM Transactions on Storage 18(1), 2022.
 */
#include <linux/cint_policy.h>
#ifdef __KERNEL__
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#else
#include <stddef.h>
#define EXPORT_SYMBOL_GPL(symbol)	struct symbol##_is_exported
#define ARRAY_SIZE(array)		(sizeof(array) / sizeof((array)[0]))
#define likely(condition)		__builtin_expect(!!(condition), 1)
#define unlikely(condition)		__builtin_expect(!!(condition), 0)
#endif

/*
 * Weights of the moving averages, as shifts: 1/8 of a new gap, as TCP weighs
 * round-trip times (RFC 6298); 1/16 of a new depth, which is noisier.
 */
#define CINT_GAP_SHIFT		3
#define CINT_DEPTH_SHIFT	4

/*
 * How often a host that was found asleep is told at once before it is tried again:
 * at first, and at most, so that in the long run 0.1 % of batches wait in vain.
 */
#define CINT_ASLEEP_MIN		4
#define CINT_ASLEEP_MAX		1024

/* Fixed point with 32 fractional bits. */
#define CINT_ONE	4294967296ULL
#define CINT_LN2	2977044472ULL	/* ln 2 */

static const char *const cint_policy_names[CINT_POLICY_NR] = {
	[CINT_POLICY_NONE]	= "none",
	[CINT_POLICY_STATIC]	= "static",
	[CINT_POLICY_ADAPTIVE]	= "adaptive",
	[CINT_POLICY_CINT]	= "cint",
	[CINT_POLICY_CINT_A]	= "cint-a",
	[CINT_POLICY_CINT_RATE]	= "cint-rate",
};

static const char *const cint_reason_names[CINT_REASON_NR] = {
	[CINT_HOLD]		= "hold",
	[CINT_FIRE_EACH]	= "each",
	[CINT_FIRE_URGENT]	= "urgent",
	[CINT_FIRE_BARRIER]	= "barrier",
	[CINT_FIRE_THRESHOLD]	= "threshold",
	[CINT_FIRE_QUIET]	= "quiet",
	[CINT_FIRE_MAX_HOLD]	= "max_hold",
	[CINT_FIRE_RATE]	= "rate",
	[CINT_FIRE_FLUSH]	= "flush",
	[CINT_FIRE_LOOK]	= "look",
};

/**
 * cint_policy_name - the name of a policy
 * @policy: CINT_POLICY_*
 *
 * Return: the name, or NULL for a number that is no policy.
 */
const char *cint_policy_name(__u32 policy)
{
	return policy < ARRAY_SIZE(cint_policy_names) ?
		cint_policy_names[policy] : NULL;
}
EXPORT_SYMBOL_GPL(cint_policy_name);

/**
 * cint_reason_name - the name of a reason to deliver
 * @reason: enum cint_reason
 *
 * Return: the name, or NULL for a number that is no reason.
 */
const char *cint_reason_name(enum cint_reason reason)
{
	return (__u32)reason < ARRAY_SIZE(cint_reason_names) ?
		cint_reason_names[reason] : NULL;
}
EXPORT_SYMBOL_GPL(cint_reason_name);

#ifndef __KERNEL__
/* Where a 64-bit division is a library call, bit by bit. */
static __u64 div64_u64(__u64 dividend, __u64 divisor)
{
#if __SIZEOF_LONG__ == 8
	return dividend / divisor;
#else
	__u64 quotient = 0, rest = 0;
	int bit;

	for (bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (dividend >> bit & 1);
		if (rest >= divisor) {
			rest -= divisor;
			quotient |= 1ULL << bit;
		}
	}
	return quotient;
#endif
}
#endif

/*
 * e^-x, x >= 0: halved once for every ln 2 in x, and for the rest the series
 * 1 - x + x^2/2! - ..., as far as its terms are more than half of the last bit.
 */
static __u64 cint_exp(__u64 x)
{
	/* 1 / n! */
	static const __u64 factors[] = {
		CINT_ONE, CINT_ONE, 2147483648, 715827883, 178956971, 35791394,
		5965232, 852176, 106522, 11836, 1184, 108,
	};
	__u64 halvings = div64_u64(x, CINT_LN2), sum = 9;
	int n;

	if (halvings > 32)
		return 0;
	x -= halvings * CINT_LN2;
	for (n = ARRAY_SIZE(factors) - 1; n >= 0; n--)
		sum = factors[n] - ((sum * x) >> 32);
	return sum >> halvings;
}

/* x y, rounded; y is in fixed point */
static __u64 cint_mul(__u64 x, __u64 y)
{
	return (x * y + (1U << 31)) >> 32;
}

/* delta_ns power part / whole; power has 31 fractional bits, and so has share */
static __u32 cint_period(__u32 delta_ns, __u64 power, __u64 part, __u64 whole)
{
	__u64 share = div64_u64(power * part, whole);

	return (share * delta_ns + (1 << 30)) >> 31;
}

/**
 * cint_compute_deltas - the quiescent periods of cint-a and cint-rate
 * @params: checked parameters
 * @delta_ns: filled: the period by how many completions are held, of
 *	CINT_THRESHOLD_MAX + 1 members
 *
 * With s = (threshold - held) / threshold, the share of coalescing space still
 * free, and the correction factor a:
 *
 *	delta (e^(a s) - 1) / (e^a - 1)		delta s for a = 0
 *
 * With h = e^(-a / threshold), and U(n) = 1 + h + ... + h^(n - 1), this is
 *
 *	delta h^held U(threshold - held) / U(threshold)
 *
 * in which nothing overflows and no a is too small.
 *
 * A period is in ns, at least @params->delta_min_ns, and within 0.001 % or one ns
 * of the exact value.
 */
void cint_compute_deltas(const struct cint_params *params, __u32 *delta_ns)
{
	__u32 thr = params->threshold;
	__u64 h = cint_exp(div64_u64((__u64)params->correction << 32,
				     CINT_CORRECTION_ONE * thr));
	__u64 power = CINT_ONE >> 1, sum = 0;
	__u32 delta, n;

	/* sums have 23 fractional bits, and 9 before, as thr has */
	for (n = thr; n-- > 0;) {
		sum = (1 << 23) + cint_mul(sum, h);
		delta_ns[n] = sum;
	}
	for (n = 0; n < thr; n++) {
		delta = cint_period(params->delta_ns, power, delta_ns[n], sum);
		delta_ns[n] = delta > params->delta_min_ns ?
			delta : params->delta_min_ns;
		power = cint_mul(power, h);
	}
	for (; n <= CINT_THRESHOLD_MAX; n++)
		delta_ns[n] = params->delta_min_ns;
}
EXPORT_SYMBOL_GPL(cint_compute_deltas);

/**
 * cint_params_default - parameters that suit a drive of about 10 us
 * @params: filled
 *
 * A batch is less than two thirds of the usual bulk depth of 32, so that the rest
 * keeps the drive busy while it is delivered. The period is long enough for a bulk
 * program to submit again, two to three service times; max_hold lies beyond what
 * a full batch takes. Of the settings that the lab's experiment "sensitivity"
 * compares, these are the best for both, bulk reads and urgent ones among them
 * (Documentation/results.md).
 */
void cint_params_default(struct cint_params *params)
{
	*params = (struct cint_params) {
		.policy		= CINT_POLICY_CINT_RATE,
		.flags		= CINT_F_OOO,
		.threshold	= 20,
		.delta_ns	= 30000,
		.delta_min_ns	= 20000,
		.max_hold_ns	= 200000,
		.correction	= 2 * CINT_CORRECTION_ONE,
	};
}
EXPORT_SYMBOL_GPL(cint_params_default);

/**
 * cint_params_check - are parameters within their bounds
 * @params: to check
 *
 * Return: CINT_PARAM_OK, or the first member that is out of its range.
 */
enum cint_param cint_params_check(const struct cint_params *params)
{
	if (params->policy >= CINT_POLICY_NR)
		return CINT_PARAM_POLICY;
	if (params->flags & ~CINT_F_ALL)
		return CINT_PARAM_FLAGS;
	if (!params->threshold || params->threshold > CINT_THRESHOLD_MAX)
		return CINT_PARAM_THRESHOLD;
	if (params->delta_ns > CINT_DELAY_MAX_NS)
		return CINT_PARAM_DELTA;
	if (params->delta_min_ns > CINT_DELAY_MAX_NS)
		return CINT_PARAM_DELTA_MIN;
	if (params->max_hold_ns > CINT_DELAY_MAX_NS)
		return CINT_PARAM_MAX_HOLD;
	if (params->correction > CINT_CORRECTION_MAX)
		return CINT_PARAM_CORRECTION;
	return CINT_PARAM_OK;
}
EXPORT_SYMBOL_GPL(cint_params_check);

/**
 * cint_policy_init - compute what the hot path looks up
 * @policy: filled
 * @params: parameters that cint_params_check() accepts
 *
 * Completions held under the former parameters are not this function's: the
 * caller delivers them (cint_flush()) before it changes what they wait for.
 */
void cint_policy_init(struct cint_policy *policy,
		      const struct cint_params *params)
{
	__u32 n;

	policy->params = *params;
	policy->hold_ns = params->max_hold_ns;
	policy->marks = params->policy >= CINT_POLICY_CINT ?
		CINT_URGENT | CINT_BARRIER : 0;
	if (params->policy >= CINT_POLICY_CINT_A) {
		cint_compute_deltas(params, policy->delta_ns);
		return;
	}
	for (n = 0; n <= CINT_THRESHOLD_MAX; n++)
		policy->delta_ns[n] = params->delta_ns;

	if (params->policy != CINT_POLICY_STATIC)
		return;
	/* one time for all, from the first held */
	if (params->delta_ns < params->max_hold_ns)
		policy->hold_ns = params->delta_ns;
	for (n = 0; n <= CINT_THRESHOLD_MAX; n++)
		policy->delta_ns[n] = CINT_DELAY_MAX_NS;
}
EXPORT_SYMBOL_GPL(cint_policy_init);

/**
 * cint_coalescer_init - nothing outstanding, nothing held
 * @c: filled
 */
void cint_coalescer_init(struct cint_coalescer *c)
{
	*c = (struct cint_coalescer) {
		.deadline_ns	= CINT_NO_DEADLINE,
		.unknown	= CINT_UNKNOWN_LAST | CINT_UNKNOWN_GAP,
		.asleep_next	= CINT_ASLEEP_MIN,
	};
	c->order.prev = &c->order;
	c->order.next = &c->order;
}
EXPORT_SYMBOL_GPL(cint_coalescer_init);

/**
 * cint_submit - a request goes to the device
 * @c: the coalescer of its queue and group
 * @r: the request
 * @marks: CINT_URGENT and CINT_BARRIER
 *
 * Must come before the device can complete it, in the order of submission.
 */
void cint_submit(struct cint_coalescer *c, struct cint_request *r, __u32 marks)
{
	struct cint_request *last = c->order.prev;

	r->prev = last;
	r->next = &c->order;
	r->marks = marks;
	r->ends_prefix = !!(marks & CINT_BARRIER);
	last->next = r;
	c->order.prev = r;
	/* a pause is no gap between completions */
	if (!c->outstanding++)
		c->unknown |= CINT_UNKNOWN_LAST;
}
EXPORT_SYMBOL_GPL(cint_submit);

/**
 * cint_expect - a request is submitted that is in no order
 * @c: the coalescer
 * @r: the request, as of cint_submit()
 * @marks: CINT_URGENT; a barrier here has nothing before it, and is none
 *
 * For what may take for ever, as the wait for an event from outside: it counts
 * as outstanding, but no barrier waits for it.
 */
void cint_expect(struct cint_coalescer *c, struct cint_request *r, __u32 marks)
{
	r->prev = r;
	r->next = r;
	r->marks = marks & CINT_URGENT;
	r->ends_prefix = 0;
	if (!c->outstanding++)
		c->unknown |= CINT_UNKNOWN_LAST;
}
EXPORT_SYMBOL_GPL(cint_expect);

/*
 * Take a completed request out of the submission order; true if that completes
 * the prefix of a barrier.
 *
 * A barrier that completes early leaves its mark with the request before it,
 * and so on down to the oldest: a mark without anything before it has its
 * prefix complete.  No barrier outlives its request, whatever its tag is used
 * for next.
 */
static inline bool cint_unlink(struct cint_coalescer *c, struct cint_request *r)
{
	struct cint_request *prev = r->prev, *next = r->next;

	prev->next = next;
	next->prev = prev;
	c->outstanding--;
	if (!r->ends_prefix)
		return false;
	if (prev == &c->order)
		return true;
	prev->ends_prefix = 1;
	return false;
}

/**
 * cint_forget - a request ends without a completion to be judged
 * @c: the coalescer
 * @r: the request; the coalescer no longer refers to it on return
 *
 * For one that was completed at once, cancelled, or never issued.
 *
 * Return: whether that completes the prefix of a barrier, so that the caller is
 * to deliver what is held (cint_flush()) if it heeds barriers.
 */
bool cint_forget(struct cint_coalescer *c, struct cint_request *r)
{
	return cint_unlink(c, r);
}
EXPORT_SYMBOL_GPL(cint_forget);

/* The first gaps, and those that say little. */
static void cint_learn_unusual(struct cint_coalescer *c, __u64 gap)
{
	/* do not let one long gap dominate the average */
	if (gap > CINT_DELAY_MAX_NS)
		gap = CINT_DELAY_MAX_NS;

	if (c->unknown & CINT_UNKNOWN_LAST) {
		if (c->unknown & CINT_UNKNOWN_GAP)
			c->depth_x16 = (c->outstanding - 1) << CINT_DEPTH_SHIFT;
		c->unknown &= ~CINT_UNKNOWN_LAST;
	} else if (c->unknown & CINT_UNKNOWN_GAP) {
		c->gap_ns = gap;
		c->unknown = 0;
	} else {
		c->gap_ns += (__s32)((__u32)gap - c->gap_ns) >> CINT_GAP_SHIFT;
	}
}

/* Learn the time between completions. */
static inline void cint_learn_gap(struct cint_coalescer *c, __u64 now_ns)
{
	__u64 gap = now_ns - c->last_ns;

	c->last_ns = now_ns;
	if (likely(gap <= CINT_DELAY_MAX_NS && !c->unknown))
		c->gap_ns += (__s32)((__u32)gap - c->gap_ns) >> CINT_GAP_SHIFT;
	else
		cint_learn_unusual(c, gap);
}

/*
 * Learn how many requests are outstanding: once a batch, for it costs as much
 * as the rest.  Space that these could not fill is not free.
 */
static inline void cint_learn_depth(struct cint_coalescer *c, __u32 threshold)
{
	__u32 depth = c->depth_x16 >> CINT_DEPTH_SHIFT;

	c->depth_x16 += c->outstanding - depth;
	c->not_free = depth < threshold ? threshold - depth : 0;
}

static inline struct cint_verdict cint_fire(struct cint_coalescer *c,
					    enum cint_reason reason)
{
	c->held = 0;
	c->deadline_ns = CINT_NO_DEADLINE;
	return (struct cint_verdict) { .reason = reason };
}

/* Two copies of this are made, so that rate costs nothing where it is false. */
static __always_inline struct cint_verdict
cint_judge(struct cint_coalescer *c, const struct cint_policy *policy,
	   struct cint_request *r, __u64 now_ns, bool rate)
{
	__u32 marks = rate ? CINT_URGENT | CINT_BARRIER : policy->marks;
	__u32 threshold = policy->params.threshold;
	bool prefix_complete;
	__u64 deadline;
	__u32 n;

	if (rate)
		cint_learn_gap(c, now_ns);
	prefix_complete = cint_unlink(c, r) && marks;

	if (r->marks & marks & CINT_URGENT) {
		if (prefix_complete && c->held)
			return cint_fire(c, CINT_FIRE_BARRIER);
		if (!(policy->params.flags & CINT_F_OOO))
			return cint_fire(c, CINT_FIRE_URGENT);
		/* nothing is left that those held could wait for */
		if (rate && c->held && !c->outstanding &&
		    now_ns < c->deadline_ns)
			c->deadline_ns = now_ns;
		return (struct cint_verdict) {
			.reason = CINT_FIRE_URGENT, .only_this = true
		};
	}
	if (prefix_complete)
		return cint_fire(c, CINT_FIRE_BARRIER);

	n = c->held + 1;
	if (n >= threshold)
		return cint_fire(c, CINT_FIRE_THRESHOLD);
	c->held = n;
	if (n == 1) {
		c->limit_ns = now_ns + policy->hold_ns;
		if (rate)
			cint_learn_depth(c, threshold);
	}
	if (rate) {
		if (n < c->not_free)
			n = c->not_free;
		if (unlikely(!c->outstanding) ||
		    unlikely(c->gap_ns > policy->delta_ns[n]))
			return cint_fire(c, CINT_FIRE_RATE);
	}
	deadline = c->limit_ns;
	now_ns += policy->delta_ns[n];
	if (now_ns < deadline)
		deadline = now_ns;
	c->deadline_ns = deadline;
	return (struct cint_verdict) { .reason = CINT_HOLD };
}

/**
 * cint_complete - a request has completed: deliver it, or hold it
 * @c: the coalescer it was submitted to
 * @policy: the parameters in force
 * @r: the request; the coalescer no longer refers to it on return
 * @now_ns: the time, never less than in an earlier call
 *
 * Return: CINT_HOLD to keep the completion until a later verdict covers it or
 * @c->deadline_ns passes, anything else to deliver it now.
 */
struct cint_verdict cint_complete(struct cint_coalescer *c,
				  const struct cint_policy *policy,
				  struct cint_request *r, __u64 now_ns)
{
	if (policy->params.policy == CINT_POLICY_CINT_RATE)
		return cint_judge(c, policy, r, now_ns, true);

	/* what passes meanwhile is not learnt */
	c->unknown = CINT_UNKNOWN_LAST | CINT_UNKNOWN_GAP;
	if (policy->params.policy == CINT_POLICY_NONE) {
		cint_unlink(c, r);
		return cint_fire(c, CINT_FIRE_EACH);
	}
	return cint_judge(c, policy, r, now_ns, false);
}
EXPORT_SYMBOL_GPL(cint_complete);

/**
 * cint_expire - deliver what has waited long enough
 * @c: the coalescer
 * @now_ns: the time
 *
 * Return: why to deliver all held completions, or CINT_HOLD while
 * @c->deadline_ns is still ahead.
 */
enum cint_reason cint_expire(struct cint_coalescer *c, __u64 now_ns)
{
	bool limit = c->deadline_ns == c->limit_ns;

	if (now_ns < c->deadline_ns)
		return CINT_HOLD;
	if (c->kept && !c->outstanding) {
		/* the host was left to see for itself, and did not */
		c->asleep = c->asleep_next;
		if (c->asleep_next < CINT_ASLEEP_MAX)
			c->asleep_next *= 2;
	}
	c->kept = 0;
	return cint_fire(c, limit ? CINT_FIRE_MAX_HOLD : CINT_FIRE_QUIET).reason;
}
EXPORT_SYMBOL_GPL(cint_expire);

/**
 * cint_flush - deliver all held completions whatever they wait for
 * @c: the coalescer
 *
 * Return: how many are to be delivered.
 */
__u32 cint_flush(struct cint_coalescer *c)
{
	__u32 held = c->held;

	/* what made the caller ask may change how the host behaves, too */
	c->kept = 0;
	c->asleep = 0;
	c->asleep_next = CINT_ASLEEP_MIN;
	cint_fire(c, CINT_FIRE_FLUSH);
	return held;
}
EXPORT_SYMBOL_GPL(cint_flush);

/**
 * cint_keep - do not tell a host that will see for itself
 * @c: the coalescer
 * @policy: the parameters in force
 * @held: how many the verdict CINT_FIRE_RATE would deliver
 * @now_ns: the time of that verdict
 *
 * For callers that let the host see what is held, to be asked before they deliver
 * for CINT_FIRE_RATE.  When nothing is outstanding that verdict is for a host that
 * waits.  A busy one takes what it sees without being told, and an interrupt would
 * only keep it from its work.  Which it is cannot be known beforehand, so it is
 * tried, and tried more rarely each time that the host turns out to be asleep.
 * A synchronous reader always is.
 *
 * Return: true to keep them, as after CINT_HOLD, until cint_taken() or any of the
 * usual; false to deliver.
 */
bool cint_keep(struct cint_coalescer *c, const struct cint_policy *policy,
	       __u32 held, __u64 now_ns)
{
	__u32 n = held < c->not_free ? c->not_free : held;
	__u32 delta = policy->delta_ns[n];

	if (c->outstanding || c->gap_ns > delta ||
	    (held == 1 && c->depth_x16 < 1 << CINT_DEPTH_SHIFT))
		return false;
	if (c->asleep) {
		c->asleep--;
		return false;
	}
	c->kept = 1;
	c->held = held;
	c->deadline_ns = now_ns + delta < c->limit_ns ? now_ns + delta :
							c->limit_ns;
	return true;
}
EXPORT_SYMBOL_GPL(cint_keep);

/**
 * cint_taken - the host has taken all held completions without being told
 * @c: the coalescer
 */
void cint_taken(struct cint_coalescer *c)
{
	if (c->kept && !c->outstanding)
		c->asleep_next = CINT_ASLEEP_MIN;
	c->kept = 0;
	cint_fire(c, CINT_FIRE_FLUSH);
}
EXPORT_SYMBOL_GPL(cint_taken);

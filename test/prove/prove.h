/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the proofs share. A proof is a program for CBMC that starts with any values, says
 * what it takes for granted of them, runs the code, and says what it shows.
 */
#ifndef CINT_PROVE_H
#define CINT_PROVE_H

#include "../../kernel/files/lib/cint/policy.c"

/* CBMC takes a function of this name, and without a body, for any value. */
_Bool nondet_bool(void);
__u16 nondet_u16(void);
__u32 nondet_u32(void);
__u64 nondet_u64(void);
struct cint_params nondet_params(void);
struct cint_policy nondet_policy(void);

#define ASSUME(condition)	__CPROVER_assume(condition)
#define SHOW(condition)		__CPROVER_assert(condition, #condition)
/* Assumptions that exclude each other would show anything: this must not be shown. */
#define REACHED(what)		__CPROVER_assert(0, "reached: " what)

/* A time in ns; 146 years from boot. */
#define TIME_MAX		(1ULL << 62)
/* Requests outstanding at one queue or ring; more than there can be. */
#define REQUESTS_MAX		(1U << 24)

/* Is a period one that parameters allow? */
static bool period_is_right(const struct cint_params *params, __u32 delta_ns)
{
	if (params->policy == CINT_POLICY_STATIC)
		return delta_ns == CINT_DELAY_MAX_NS;
	if (params->policy < CINT_POLICY_CINT_A)
		return delta_ns == params->delta_ns;
	return delta_ns >= params->delta_min_ns &&
	       (delta_ns <= params->delta_ns || delta_ns <= params->delta_min_ns);
}

/* All but the periods of a policy: what init.c shows, and others take for granted. */
static bool policy_is_right(const struct cint_policy *policy)
{
	return cint_params_check(&policy->params) == CINT_PARAM_OK &&
	       policy->hold_ns <= policy->params.max_hold_ns &&
	       (policy->params.policy != CINT_POLICY_STATIC ||
		policy->hold_ns <= policy->params.delta_ns) &&
	       policy->marks == (policy->params.policy >= CINT_POLICY_CINT ?
				 CINT_URGENT | CINT_BARRIER : 0);
}

/* Any policy that cint_policy_init() may make. */
static struct cint_policy any_policy(void)
{
	struct cint_policy policy = nondet_policy();
	__u32 n;

	ASSUME(policy_is_right(&policy));
	for (n = 0; n <= CINT_THRESHOLD_MAX; n++)
		ASSUME(period_is_right(&policy.params, policy.delta_ns[n]));
	return policy;
}

#endif /* CINT_PROVE_H */

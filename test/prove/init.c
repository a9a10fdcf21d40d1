// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_policy_init(): for all parameters that cint_params_check() accepts, what is
 * computed from them is within their bounds. Of the periods, as in deltas.c.
 *
 * REPLACE cint_compute_deltas:any_deltas
 * MUTANT policy.c: a threshold of 257
 *	- params->threshold > CINT_THRESHOLD_MAX
 *	+ params->threshold > CINT_THRESHOLD_MAX + 1
 * MUTANT policy.c: static holds for max_hold, whatever its timeout
 *	- policy->hold_ns = params->delta_ns
 *	+ policy->hold_ns = params->max_hold_ns
 * MUTANT policy.c: a period more than there are
 *	- n <= CINT_THRESHOLD_MAX; n++)\n\t\tpolicy->delta_ns[n] = params
 *	+ n <= CINT_THRESHOLD_MAX + 1; n++)\n\t\tpolicy->delta_ns[n] = params
 * MUTANT policy.c: adaptive heeds marks
 *	- params->policy >= CINT_POLICY_CINT ?
 *	+ params->policy >= CINT_POLICY_ADAPTIVE ?
 */
#include "prove.h"

struct periods {
	__u32 ns[CINT_THRESHOLD_MAX + 1];
};

struct periods nondet_periods(void);

static __u32 K;

/* As deltas.c shows, of the K-th of any K. */
void any_deltas(const struct cint_params *params, __u32 *delta_ns)
{
	struct periods *periods = (struct periods *)delta_ns;

	SHOW(cint_params_check(params) == CINT_PARAM_OK && params->policy >= CINT_POLICY_CINT_A);
	*periods = nondet_periods();
	ASSUME(period_is_right(params, periods->ns[K]));
}

int main(void)
{
	struct cint_params params = nondet_params();
	struct cint_policy policy;

	K = nondet_u32();
	ASSUME(K <= CINT_THRESHOLD_MAX);
	ASSUME(cint_params_check(&params) == CINT_PARAM_OK);
	SHOW(params.threshold >= 1 && params.threshold <= 256);
	SHOW(params.delta_ns <= 10000000 && params.delta_min_ns <= 10000000);
	SHOW(params.max_hold_ns <= 10000000 && params.correction <= 16000);
	cint_policy_init(&policy, &params);
	SHOW(policy_is_right(&policy));
	SHOW(period_is_right(&policy.params, policy.delta_ns[K]));
	SHOW(policy.delta_ns[K] <= CINT_DELAY_MAX_NS);
	REACHED("end");
	return 0;
}

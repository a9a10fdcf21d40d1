// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_compute_deltas(): for all valid parameters each of the periods is set, at least
 * delta_min_ns, and at most delta_ns where that is more; nothing overflows, and no index
 * is out of bounds.
 *
 * What is shown of one period, the K-th of any K, is shown of all. The loops are as long
 * as the threshold, so they are shown step by step (deltas.json): each keeps what it is
 * given. Of the arithmetic only that is known what other proofs show (fixed.h).
 *
 * REPLACE div64_u64:any_div cint_exp:any_exp cint_mul:any_mul cint_period:any_period
 * WRAPS cint_compute_deltas: n - 1u
 *	the last test of a loop that counts down; its n is set anew
 * MUTANT policy.c: the first divisor is 0
 *	- CINT_CORRECTION_ONE * thr
 *	+ CINT_CORRECTION_ONE * (thr - 1)
 * MUTANT policy.c: a period is left out
 *	- n <= CINT_THRESHOLD_MAX; n++)\n\t\tdelta_ns[n] = params->delta_min_ns
 *	+ n < CINT_THRESHOLD_MAX; n++)\n\t\tdelta_ns[n] = params->delta_min_ns
 * MUTANT policy.c: one period too many
 *	- for (; n <= CINT_THRESHOLD_MAX; n++)
 *	+ for (; n <= CINT_THRESHOLD_MAX + 1; n++)
 * MUTANT policy.c: no lower bound
 *	- delta > params->delta_min_ns ?
 *	+ delta ?
 * MUTANT policy.c: a sum of 0 divides
 *	- sum = (1 << 23) + cint_mul
 *	+ sum = cint_mul
 * MUTANT policy.c: powers that grow
 *	- power = cint_mul(power, h)
 *	+ power += cint_mul(power, h)
 */
#include "fixed.h"

static __u32 K;

__u64 any_div(__u64 dividend, __u64 divisor)
{
	__u64 quotient = nondet_u64();

	SHOW(DIV_TAKES(divisor));
	ASSUME(DIV_GIVES(dividend, divisor, quotient));
	return quotient;
}

__u64 any_exp(__u64 x)
{
	__u64 y = nondet_u64();

	SHOW(EXP_TAKES(x));
	ASSUME(EXP_GIVES(x, y));
	return y;
}

/* The product before, as a product of more is not less. */
static __u64 mul_x, mul_y, mul_xy;

__u64 any_mul(__u64 x, __u64 y)
{
	__u64 xy = nondet_u64();

	SHOW(MUL_TAKES(x, y));
	ASSUME(MUL_GIVES(x, y, xy));
	ASSUME(y != mul_y || x < mul_x || xy >= mul_xy);
	mul_x = x;
	mul_y = y;
	mul_xy = xy;
	return xy;
}

/* Of the K-th, of which alone it is known, what it takes is shown by what it gives. */
__u32 any_period(__u32 delta_ns, __u64 power, __u64 part, __u64 whole)
{
	__u32 period = nondet_u32();

	ASSUME(!PERIOD_TAKES(delta_ns, power, part, whole) || PERIOD_GIVES(delta_ns, period));
	return period;
}

int main(void)
{
	struct cint_params params = nondet_params();
	__u32 delta_ns[CINT_THRESHOLD_MAX + 1];

	K = nondet_u32();
	mul_x = 0;
	mul_y = CINT_ONE + 1;
	mul_xy = 0;
	ASSUME(cint_params_check(&params) == CINT_PARAM_OK);
	ASSUME(params.policy >= CINT_POLICY_CINT_A);
	ASSUME(K <= CINT_THRESHOLD_MAX);
	cint_compute_deltas(&params, delta_ns);
	SHOW(period_is_right(&params, delta_ns[K]));
	REACHED("end");
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_period(): a part of delta_ns is not more than delta_ns; nothing overflows, and no
 * divisor is 0. As mul.c, for a solver that reasons about integers.
 *
 * SOLVER cvc5
 * OPTIONS --conversion-check
 * MUTANT policy.c: a share with more bits than fit
 *	- div64_u64(power * part, whole)
 *	+ div64_u64(power * part << 2, whole)
 * MUTANT policy.c: rounded up
 *	- delta_ns + (1 << 30)) >> 31
 *	+ delta_ns + (1U << 31)) >> 31
 */
#include "fixed.h"

int main(void)
{
	__u64 power = nondet_u64(), part = nondet_u64(), whole = nondet_u64();
	__u32 delta_ns = nondet_u32(), period;

	ASSUME(PERIOD_TAKES(delta_ns, power, part, whole));
	period = cint_period(delta_ns, power, part, whole);
	SHOW(PERIOD_GIVES(delta_ns, period));
	REACHED("end");
	return 0;
}

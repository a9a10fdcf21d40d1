// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_exp(): e^-x is at most 1, and nothing overflows, for any correction factor.
 *
 * MUTANT policy.c: a term that is smaller than what is taken from it
 *	- 2147483648, 715827883
 *	+ 2147483648, 71582788
 * MUTANT policy.c: what is left of x is not below ln 2
 *	- x -= halvings * CINT_LN2
 *	+ x -= (halvings >> 1) * CINT_LN2
 * MUTANT policy.c: one term more than there are
 *	- n = ARRAY_SIZE(factors) - 1; n >= 0
 *	+ n = ARRAY_SIZE(factors); n >= 0
 * MUTANT policy.c: a shift by as many bits as there are
 *	- return sum >> halvings
 *	+ return sum >> (halvings << 2)
 */
#include "fixed.h"

int main(void)
{
	__u64 x = nondet_u64(), y;

	ASSUME(EXP_TAKES(x));
	y = cint_exp(x);
	SHOW(EXP_GIVES(x, y));
	REACHED("end");
	return 0;
}

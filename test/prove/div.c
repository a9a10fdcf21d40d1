// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * div64_u64(): a quotient is not more than what was divided, nor than a thousandth of it if
 * it was divided by that much. As mul.c, for a solver that reasons about integers.
 *
 * SOLVER cvc5
 * MUTANT policy.c: one more
 *	- return dividend / divisor;
 *	+ return dividend / divisor + 1;
 */
#include "fixed.h"

int main(void)
{
	__u64 dividend = nondet_u64(), divisor = nondet_u64(), quotient;

	ASSUME(DIV_TAKES(divisor));
	quotient = div64_u64(dividend, divisor);
	SHOW(DIV_GIVES(dividend, divisor, quotient));
	REACHED("end");
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_mul(): nothing overflows, a product by what is at most 1 is not more than the other
 * factor, and that of less is not more. A product of variables needs a solver that reasons
 * about integers: bit by bit it would take years.
 *
 * SOLVER cvc5
 * MUTANT policy.c: rounded up
 *	- return (x * y + (1U << 31)) >> 32
 *	+ return (x * y + (1ULL << 32)) >> 32
 */
#include "fixed.h"

int main(void)
{
	__u64 x = nondet_u64(), y = nondet_u64(), less = nondet_u64(), xy;

	ASSUME(MUL_TAKES(x, y) && less <= x);
	xy = cint_mul(x, y);
	SHOW(MUL_GIVES(x, y, xy));
	SHOW(cint_mul(less, y) <= xy);
	REACHED("end");
	return 0;
}

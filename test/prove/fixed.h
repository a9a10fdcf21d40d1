/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What is shown of the policy's arithmetic in fixed point (div.c, exp.c, mul.c, period.c),
 * and taken for granted where it is used (deltas.c): what each function takes, and what it
 * gives.
 */
#ifndef CINT_PROVE_FIXED_H
#define CINT_PROVE_FIXED_H

#include "prove.h"

/* 1 with the fractional bits of a power, and of a sum; 256 of these */
#define POWER_ONE	(1ULL << 31)
#define SUM_ONE		(1ULL << 23)
#define SUM_MAX		(1ULL << 31)

#define DIV_TAKES(divisor)	((divisor) != 0)
#define DIV_GIVES(dividend, divisor, quotient)				\
	((quotient) <= (dividend) &&						\
	 ((divisor) < CINT_CORRECTION_ONE || (quotient) <= (dividend) / CINT_CORRECTION_ONE))

#define EXP_TAKES(x)		((x) <= CINT_CORRECTION_MAX / CINT_CORRECTION_ONE * CINT_ONE)
#define EXP_GIVES(x, y)		((y) <= CINT_ONE)

#define MUL_TAKES(x, y)		((x) <= SUM_MAX && (y) <= CINT_ONE)
#define MUL_GIVES(x, y, xy)	((xy) <= (x))

#define PERIOD_TAKES(delta_ns, power, part, whole)				\
	((delta_ns) <= CINT_DELAY_MAX_NS && (power) <= POWER_ONE &&		\
	 (part) <= (whole) && (whole) >= SUM_ONE && (whole) <= SUM_MAX)
#define PERIOD_GIVES(delta_ns, period)	((period) <= (delta_ns))

#endif /* CINT_PROVE_FIXED_H */

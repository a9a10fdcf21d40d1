// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * COMPUTE_DELTA in fixed point against the formula in long double, over a grid
 * of parameters: rounded, within 2/3 ns, exact at both ends, never increasing.
 */
#include <math.h>

#include "tap.h"
#include "../../kernel/files/lib/cint/policy_cases.h"

static long double exact_ns(const struct cint_params *p, unsigned int held)
{
	long double a = p->correction / 1000.0L, period;
	long double s = (long double)(p->threshold - held) / p->threshold;

	if (p->correction)
		period = p->delta_ns * expm1l(a * s) / expm1l(a);
	else
		period = p->delta_ns * s;
	return period > p->delta_min_ns ? period : p->delta_min_ns;
}

struct outcome {
	unsigned long long checked;
	unsigned long long beyond, rising, ends;
	long double worst_ns, worst_relative;
};

static __u32 deltas[CINT_THRESHOLD_MAX + 1];

static void check_one(const struct cint_params *p, struct outcome *o)
{
	unsigned int n, last = ~0u;
	unsigned int full = p->delta_min_ns;
	unsigned int empty = p->delta_ns > full ? p->delta_ns : full;

	cint_compute_deltas(p, deltas);
	if (deltas[0] != empty || deltas[p->threshold] != full ||
	    deltas[CINT_THRESHOLD_MAX] != full) {
		if (!o->ends++)
			tap_note("ends: delta %u min %u thr %u corr %u: %u and %u",
				 p->delta_ns, p->delta_min_ns, p->threshold,
				 p->correction, deltas[0],
				 deltas[p->threshold]);
	}
	for (n = 0; n <= p->threshold; n++) {
		unsigned int got = deltas[n];
		long double want = exact_ns(p, n);
		long double error = fabsl(got - want);

		o->checked++;
		if (got > last && !o->rising++)
			tap_note("rises: delta %u min %u thr %u corr %u held %u: %u after %u",
				 p->delta_ns, p->delta_min_ns, p->threshold,
				 p->correction, n, got, last);
		last = got;
		if (error > o->worst_ns)
			o->worst_ns = error;
		/* what is promised is 0.001 % or 1 ns */
		if (error > 1 && error / want > o->worst_relative)
			o->worst_relative = error / want;
		if (error > 2 / 3.0L && !o->beyond++)
			tap_note("off: delta %u min %u thr %u corr %u held %u: %u, exactly %.3Lf",
				 p->delta_ns, p->delta_min_ns, p->threshold,
				 p->correction, n, got, want);
	}
}

static void test_grid(void)
{
	static const unsigned int delta[] = {
		0, 1, 2, 3, 999, 6000, 12000, 65537, 100000, 1234567,
		9999999, 10000000,
	};
	static const unsigned int thr[] = {
		1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 63, 64, 100, 127, 128,
		200, 255, 256,
	};
	static const unsigned int correction[] = {
		0, 1, 2, 3, 5, 7, 10, 50, 100, 500, 692, 693, 694, 999, 1000,
		1386, 1387, 2000, 3000, 5000, 7777, 8000, 11090, 15999, 16000,
	};
	struct outcome o = { 0 };
	unsigned int i, j, k, l;

	for (i = 0; i < sizeof(delta) / sizeof(delta[0]); i++)
	for (j = 0; j < sizeof(thr) / sizeof(thr[0]); j++)
	for (k = 0; k < sizeof(correction) / sizeof(correction[0]); k++) {
		const unsigned int min[] = {
			0, 1, delta[i] / 2, delta[i],
			delta[i] < 10000000 ? delta[i] + 1 : delta[i],
		};

		for (l = 0; l < sizeof(min) / sizeof(min[0]); l++) {
			/* the clamp is the same for every threshold */
			if (l && j % 4)
				continue;
			check_one(&(struct cint_params) {
				.policy = CINT_POLICY_CINT_A,
				.delta_ns = delta[i], .threshold = thr[j],
				.correction = correction[k],
				.delta_min_ns = min[l],
				.max_hold_ns = 10000000 }, &o);
		}
	}
	tap_result(!o.beyond, "within 2/3 ns of the formula");
	tap_note("%llu periods, %llu beyond; worst %.3Lf ns, relative %.2Le",
		 o.checked, o.beyond, o.worst_ns, o.worst_relative);
	tap_result(!o.ends, "exact when nothing is held and when full");
	tap_result(!o.rising, "never increases with the number held");
}

static void test_vectors(void)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < sizeof(cint_delta_cases) / sizeof(cint_delta_cases[0]);
	     i++) {
		const struct cint_delta_case *v = &cint_delta_cases[i];
		const struct cint_params p = {
			.policy = CINT_POLICY_CINT_A, .delta_ns = v->delta_ns,
			.delta_min_ns = v->delta_min_ns,
			.threshold = v->threshold, .correction = v->correction,
		};
		long double exact = exact_ns(&p, v->held);
		unsigned int got;

		cint_compute_deltas(&p, deltas);
		got = deltas[v->held];

		/* the vectors themselves must be right, or KUnit's test is not */
		if (fabsl(exact - v->want_ns) > 0.5001L) {
			tap_note("vector %u: %u, exactly %.3Lf", i, v->want_ns,
				 exact);
			wrong++;
		}
		if (got > v->want_ns + cint_delta_tolerance_ns(v->want_ns) ||
		    got + cint_delta_tolerance_ns(v->want_ns) < v->want_ns) {
			tap_note("vector %u: got %u, want %u", i, got,
				 v->want_ns);
			wrong++;
		}
	}
	tap_result(!wrong, "the vectors of the kernel's own test");
}

/* What the hot path looks up is what cint_compute_deltas() says. */
static void test_table(void)
{
	struct cint_params p;
	static struct cint_policy policy;
	unsigned int n, wrong = 0, kind;

	for (kind = CINT_POLICY_STATIC; kind < CINT_POLICY_NR; kind++) {
		cint_params_default(&p);
		p.policy = kind;
		cint_policy_init(&policy, &p);
		cint_compute_deltas(&p, deltas);
		for (n = 0; n <= CINT_THRESHOLD_MAX; n++) {
			unsigned int want = kind >= CINT_POLICY_CINT_A ?
				deltas[n] : p.delta_ns;

			/* its one time is not from the last completion on */
			if (kind == CINT_POLICY_STATIC)
				want = CINT_DELAY_MAX_NS;
			wrong += policy.delta_ns[n] != want;
		}
	}
	tap_result(!wrong, "the table holds the computed periods");
}

int main(void)
{
	test_vectors();
	test_table();
	test_grid();
	return tap_done();
}

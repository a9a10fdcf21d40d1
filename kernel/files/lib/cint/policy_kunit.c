// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the completion coalescing policy.
 */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "policy_cases.h"

static void cint_case_desc(const struct cint_case *test, char *desc)
{
	strscpy(desc, test->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cint_case, cint_cases, cint_case_desc);

/* Every step of a case: verdict, number delivered, deadline. */
static void cint_test_case(struct kunit *test)
{
	const struct cint_case *this = test->param_value;
	struct cint_request *requests;
	struct cint_coalescer *c;
	struct cint_policy *policy;
	unsigned int held = 0, i;

	requests = kunit_kcalloc(test, CINT_CASE_REQUESTS, sizeof(*requests),
				 GFP_KERNEL);
	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	policy = kunit_kzalloc(test, sizeof(*policy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, requests);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, policy);

	cint_policy_init(policy, &this->params);
	cint_coalescer_init(c);
	for (i = 0; this->steps[i].kind != CINT_STEP_END; i++) {
		const struct cint_step *s = &this->steps[i];
		struct cint_verdict v = { .reason = CINT_HOLD };
		unsigned int delivered = 0;

		switch (s->kind) {
		case CINT_STEP_SUBMIT:
			cint_submit(c, &requests[s->request], s->marks);
			continue;
		case CINT_STEP_COMPLETE:
			v = cint_complete(c, policy, &requests[s->request],
					  s->now_ns);
			/* the driver may reuse it for anything now */
			memset(&requests[s->request], 0xa5, sizeof(*requests));
			held++;
			if (v.reason != CINT_HOLD)
				delivered = v.only_this ? 1 : held;
			break;
		case CINT_STEP_EXPIRE:
			v.reason = cint_expire(c, s->now_ns);
			if (v.reason != CINT_HOLD)
				delivered = held;
			break;
		default:
			delivered = cint_flush(c);
			break;
		}
		held -= delivered;
		KUNIT_EXPECT_EQ_MSG(test, v.reason, s->reason, "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, delivered, s->delivered, "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, c->held, held, "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, c->deadline_ns, s->deadline_ns,
				    "step %u", i);
	}
}

static void cint_test_delta(struct kunit *test)
{
	static u32 deltas[CINT_THRESHOLD_MAX + 1];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cint_delta_cases); i++) {
		const struct cint_delta_case *v = &cint_delta_cases[i];
		const struct cint_params params = {
			.policy		= CINT_POLICY_CINT_A,
			.threshold	= v->threshold,
			.delta_ns	= v->delta_ns,
			.delta_min_ns	= v->delta_min_ns,
			.correction	= v->correction,
		};
		u32 tolerance = cint_delta_tolerance_ns(v->want_ns);
		u32 got;

		cint_compute_deltas(&params, deltas);
		got = deltas[v->held];
		KUNIT_EXPECT_LE_MSG(test, got, v->want_ns + tolerance,
				    "vector %u", i);
		KUNIT_EXPECT_GE_MSG(test, got + tolerance, v->want_ns,
				    "vector %u", i);
	}
}

/* Never longer with more held; both ends exact. */
static void cint_test_delta_monotone(struct kunit *test)
{
	static const u32 corrections[] = { 0, 1, 693, 2000, CINT_CORRECTION_MAX };
	struct cint_params params = {
		.policy		= CINT_POLICY_CINT_A,
		.threshold	= CINT_THRESHOLD_MAX,
		.delta_ns	= CINT_DELAY_MAX_NS,
		.delta_min_ns	= 100,
	};
	static u32 deltas[CINT_THRESHOLD_MAX + 1];
	u32 last, delta, n, i;

	for (i = 0; i < ARRAY_SIZE(corrections); i++) {
		params.correction = corrections[i];
		cint_compute_deltas(&params, deltas);
		last = deltas[0];
		KUNIT_EXPECT_EQ(test, last, params.delta_ns);
		for (n = 1; n <= params.threshold; n++) {
			delta = deltas[n];
			KUNIT_EXPECT_LE(test, delta, last);
			last = delta;
		}
		KUNIT_EXPECT_EQ(test, last, params.delta_min_ns);
	}
}

/* Each bound, and one beyond it. */
static void cint_test_params(struct kunit *test)
{
	struct cint_params good, bad;

	memset(&good, 0xff, sizeof(good));
	cint_params_default(&good);
	KUNIT_EXPECT_EQ(test, cint_params_check(&good), CINT_PARAM_OK);

#define CHECK(member, value, result) do {				\
	bad = good;							\
	bad.member = (value);						\
	KUNIT_EXPECT_EQ(test, cint_params_check(&bad), result);	\
} while (0)
	CHECK(policy, 0, CINT_PARAM_OK);
	CHECK(policy, CINT_POLICY_NR - 1, CINT_PARAM_OK);
	CHECK(policy, CINT_POLICY_NR, CINT_PARAM_POLICY);
	CHECK(flags, 0, CINT_PARAM_OK);
	CHECK(flags, CINT_F_OOO, CINT_PARAM_OK);
	CHECK(flags, 2, CINT_PARAM_FLAGS);
	CHECK(flags, IORING_CINT_QUERY, CINT_PARAM_FLAGS);
	CHECK(threshold, 0, CINT_PARAM_THRESHOLD);
	CHECK(threshold, 1, CINT_PARAM_OK);
	CHECK(threshold, CINT_THRESHOLD_MAX, CINT_PARAM_OK);
	CHECK(threshold, CINT_THRESHOLD_MAX + 1, CINT_PARAM_THRESHOLD);
	CHECK(delta_ns, 0, CINT_PARAM_OK);
	CHECK(delta_ns, CINT_DELAY_MAX_NS, CINT_PARAM_OK);
	CHECK(delta_ns, CINT_DELAY_MAX_NS + 1, CINT_PARAM_DELTA);
	CHECK(delta_min_ns, CINT_DELAY_MAX_NS, CINT_PARAM_OK);
	CHECK(delta_min_ns, CINT_DELAY_MAX_NS + 1, CINT_PARAM_DELTA_MIN);
	CHECK(max_hold_ns, 0, CINT_PARAM_OK);
	CHECK(max_hold_ns, CINT_DELAY_MAX_NS, CINT_PARAM_OK);
	CHECK(max_hold_ns, U32_MAX, CINT_PARAM_MAX_HOLD);
	CHECK(correction, 0, CINT_PARAM_OK);
	CHECK(correction, CINT_CORRECTION_MAX, CINT_PARAM_OK);
	CHECK(correction, CINT_CORRECTION_MAX + 1, CINT_PARAM_CORRECTION);
#undef CHECK
}

static void cint_test_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, cint_policy_name(CINT_POLICY_CINT_A), "cint-a");
	KUNIT_EXPECT_STREQ(test, cint_policy_name(CINT_POLICY_NONE), "none");
	KUNIT_EXPECT_NULL(test, cint_policy_name(CINT_POLICY_NR));
	KUNIT_EXPECT_STREQ(test, cint_reason_name(CINT_FIRE_MAX_HOLD),
			   "max_hold");
	KUNIT_EXPECT_NULL(test, cint_reason_name(CINT_REASON_NR));
}

#define CINT_LOOP_DEPTH_MAX	32
#define CINT_LOOP_NR		1000

/*
 * A closed loop, every completion followed by a new request: how often each
 * reason came up in the second half, when the averages have settled.
 */
static void cint_run_loop(struct kunit *test, struct cint_coalescer *c,
			  const struct cint_policy *policy, unsigned int depth,
			  u32 gap_ns, u64 *now_ns, unsigned int *reasons)
{
	struct cint_request *requests;
	unsigned int i;

	requests = kunit_kcalloc(test, depth, sizeof(*requests), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, requests);
	memset(reasons, 0, CINT_REASON_NR * sizeof(*reasons));

	for (i = 0; i < depth; i++)
		cint_submit(c, &requests[i], 0);
	for (i = 0; i < 2 * CINT_LOOP_NR; i++) {
		struct cint_request *r = &requests[i % depth];
		enum cint_reason due, reason;

		*now_ns += gap_ns;
		due = cint_expire(c, *now_ns);
		reason = cint_complete(c, policy, r, *now_ns).reason;
		cint_submit(c, r, 0);
		if (i < CINT_LOOP_NR)
			continue;
		reasons[due]++;
		reasons[reason]++;
	}
	for (i = 0; i < depth; i++)
		cint_complete(c, policy, &requests[i], *now_ns += gap_ns);
	cint_flush(c);
}

static void cint_test_rate(struct kunit *test)
{
	const struct cint_params params = {
		.policy		= CINT_POLICY_CINT_RATE,
		.threshold	= 16,
		.delta_ns	= 12000,
		.delta_min_ns	= 1000,
		.max_hold_ns	= 100000,
		.correction	= 2000,
	};
	unsigned int *reasons;
	struct cint_policy *policy;
	struct cint_coalescer *c;
	u64 now_ns = 1;

	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	policy = kunit_kzalloc(test, sizeof(*policy), GFP_KERNEL);
	reasons = kunit_kcalloc(test, CINT_REASON_NR, sizeof(*reasons),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_ASSERT_NOT_NULL(test, reasons);
	cint_policy_init(policy, &params);
	cint_coalescer_init(c);

	/* fast and deep: full batches only */
	cint_run_loop(test, c, policy, CINT_LOOP_DEPTH_MAX, 200, &now_ns, reasons);
	KUNIT_EXPECT_GE(test, reasons[CINT_FIRE_THRESHOLD],
			CINT_LOOP_NR / 16 - 1);
	KUNIT_EXPECT_EQ(test, reasons[CINT_FIRE_RATE], 0);
	KUNIT_EXPECT_EQ(test, reasons[CINT_FIRE_QUIET], 0);

	/* slower than any period: waiting gains nothing */
	cint_run_loop(test, c, policy, CINT_LOOP_DEPTH_MAX, 50000, &now_ns,
		      reasons);
	KUNIT_EXPECT_EQ(test, reasons[CINT_FIRE_RATE], CINT_LOOP_NR);

	/* nothing else is outstanding, however fast */
	cint_run_loop(test, c, policy, 1, 200, &now_ns, reasons);
	KUNIT_EXPECT_EQ(test, reasons[CINT_FIRE_RATE], CINT_LOOP_NR);
}

/* A burst that the host sees: it is told if it was asleep the last time. */
static void cint_test_keep(struct kunit *test)
{
	const struct cint_params params = {
		.policy		= CINT_POLICY_CINT_RATE,
		.threshold	= 16,
		.delta_ns	= 12000,
		.delta_min_ns	= 1000,
		.max_hold_ns	= 100000,
	};
	enum cint_reason reason = CINT_HOLD;
	struct cint_request requests[2];
	struct cint_policy *policy;
	struct cint_coalescer *c;
	unsigned int round, i;
	u64 now_ns = 1;

	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	policy = kunit_kzalloc(test, sizeof(*policy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, policy);
	cint_policy_init(policy, &params);
	cint_coalescer_init(c);

	for (round = 0; round < 20; round++) {
		now_ns += 1000000;
		for (i = 0; i < ARRAY_SIZE(requests); i++)
			cint_submit(c, &requests[i], 0);
		for (i = 0; i < ARRAY_SIZE(requests); i++)
			reason = cint_complete(c, policy, &requests[i],
					       now_ns += 200).reason;
		KUNIT_EXPECT_EQ(test, reason, CINT_FIRE_RATE);
		if (cint_keep(c, policy, ARRAY_SIZE(requests), now_ns))
			reason = CINT_HOLD;
		if (round < 10) {
			/* awake */
			KUNIT_EXPECT_EQ(test, reason, CINT_HOLD);
			cint_taken(c);
			KUNIT_EXPECT_EQ(test, c->held, 0);
			continue;
		}
		/* asleep: found so once, then told */
		KUNIT_EXPECT_EQ(test, reason, round == 10 || round == 15 ?
				CINT_HOLD : CINT_FIRE_RATE);
		if (reason == CINT_HOLD)
			KUNIT_EXPECT_EQ(test, cint_expire(c, now_ns += 12000),
					CINT_FIRE_QUIET);
	}
}

/*
 * Random submissions and completions: what is held is bounded by the threshold
 * and by max_hold, urgent is never held, and the counts add up to nothing lost.
 */
static void cint_test_random(struct kunit *test)
{
	enum { NR = 64, ROUNDS = 20000 };
	const struct cint_params params = {
		.policy		= CINT_POLICY_CINT_A,
		.flags		= CINT_F_OOO,
		.threshold	= 8,
		.delta_ns	= 4000,
		.max_hold_ns	= 9000,
		.correction	= 3000,
	};
	struct cint_request *requests;
	struct cint_policy *policy;
	struct cint_coalescer *c;
	struct rnd_state rnd;
	unsigned int outstanding = 0, completed = 0, delivered = 0, i;
	u64 now_ns = 0, oldest_ns = 0, busy = 0;

	requests = kunit_kcalloc(test, NR, sizeof(*requests), GFP_KERNEL);
	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	policy = kunit_kzalloc(test, sizeof(*policy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, requests);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, policy);
	cint_policy_init(policy, &params);
	cint_coalescer_init(c);
	prandom_seed_state(&rnd, 20220311);

	for (i = 0; i < ROUNDS; i++) {
		unsigned int which = prandom_u32_state(&rnd) % NR;
		struct cint_request *r = &requests[which];
		unsigned int held = completed - delivered;
		struct cint_verdict v;
		unsigned int marks;

		now_ns += prandom_u32_state(&rnd) % 1500;
		if (cint_expire(c, now_ns) != CINT_HOLD) {
			delivered += held;
			held = 0;
		} else if (held) {
			KUNIT_EXPECT_LT(test, now_ns,
					oldest_ns + params.max_hold_ns);
		}
		if (!(busy & BIT_ULL(which))) {
			marks = prandom_u32_state(&rnd) % 4;
			cint_submit(c, r, marks);
			busy |= BIT_ULL(which);
			outstanding++;
			continue;
		}
		marks = r->marks;
		v = cint_complete(c, policy, r, now_ns);
		busy &= ~BIT_ULL(which);
		outstanding--;
		completed++;
		if (v.reason == CINT_HOLD) {
			KUNIT_EXPECT_FALSE(test, marks & CINT_URGENT);
			if (!held)
				oldest_ns = now_ns;
		} else {
			delivered += v.only_this ? 1 : held + 1;
		}
		KUNIT_EXPECT_EQ(test, c->outstanding, outstanding);
		KUNIT_EXPECT_EQ(test, c->held, completed - delivered);
		KUNIT_EXPECT_LT(test, c->held, params.threshold);
	}
	delivered += cint_flush(c);
	KUNIT_EXPECT_EQ(test, delivered, completed);
}

static struct kunit_case cint_policy_test_cases[] = {
	KUNIT_CASE_PARAM(cint_test_case, cint_case_gen_params),
	KUNIT_CASE(cint_test_delta),
	KUNIT_CASE(cint_test_delta_monotone),
	KUNIT_CASE(cint_test_params),
	KUNIT_CASE(cint_test_names),
	KUNIT_CASE(cint_test_rate),
	KUNIT_CASE(cint_test_keep),
	KUNIT_CASE(cint_test_random),
	{}
};

static struct kunit_suite cint_policy_test_suite = {
	.name = "cint_policy",
	.test_cases = cint_policy_test_cases,
};

kunit_test_suite(cint_policy_test_suite);

MODULE_DESCRIPTION("KUnit tests of the completion coalescing policy");
MODULE_LICENSE("GPL");

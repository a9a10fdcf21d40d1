// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The coalescing policies, event by event: the tables of policy_cases.h, the
 * rate-aware policy once it knows a rate, names, and the bounds of parameters.
 */
#include <stddef.h>
#include <string.h>

#include "tap.h"
#include "../../kernel/files/lib/cint/policy_cases.h"

/* Returns NULL, or what differed. */
static const char *run_case(const struct cint_case *test)
{
	static char why[256];
	struct cint_request requests[CINT_CASE_REQUESTS];
	struct cint_policy policy;
	struct cint_coalescer c;
	unsigned int held = 0, i;

	cint_policy_init(&policy, &test->params);
	cint_coalescer_init(&c);
	memset(requests, 0xa5, sizeof(requests));

	for (i = 0; test->steps[i].kind != CINT_STEP_END; i++) {
		const struct cint_step *s = &test->steps[i];
		struct cint_verdict v = { .reason = CINT_HOLD };
		unsigned int delivered = 0;

		switch (s->kind) {
		case CINT_STEP_SUBMIT:
			cint_submit(&c, &requests[s->request], s->marks);
			continue;
		case CINT_STEP_COMPLETE:
			v = cint_complete(&c, &policy, &requests[s->request],
					  s->now_ns);
			/* the caller may reuse it for anything now */
			memset(&requests[s->request], 0xa5,
			       sizeof(requests[0]));
			held++;
			if (v.reason != CINT_HOLD)
				delivered = v.only_this ? 1 : held;
			break;
		case CINT_STEP_EXPIRE:
			v.reason = cint_expire(&c, s->now_ns);
			if (v.reason != CINT_HOLD)
				delivered = held;
			break;
		default:
			delivered = cint_flush(&c);
			break;
		}
		held -= delivered;
		if (v.reason == s->reason && delivered == s->delivered &&
		    c.held == held && c.deadline_ns == s->deadline_ns)
			continue;
		snprintf(why, sizeof(why),
			 "step %u: %s of %u, %u held, deadline %lld; want %s of %u, %u held, deadline %lld",
			 i, cint_reason_name(v.reason), delivered, c.held,
			 (long long)c.deadline_ns, cint_reason_name(s->reason),
			 s->delivered, held, (long long)s->deadline_ns);
		return why;
	}
	return NULL;
}

static void test_cases(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(cint_cases) / sizeof(cint_cases[0]); i++) {
		const char *why = run_case(&cint_cases[i]);

		tap_result(!why, "%s", cint_cases[i].name);
		if (why)
			tap_note("%s", why);
	}
}

static void test_params(void)
{
	static const struct {
		const char *name;
		size_t offset;
		long long max;
		enum cint_param param;
	} member[] = {
#define MEMBER(m, max, param) { #m, offsetof(struct cint_params, m), max, param }
		MEMBER(policy, 5, CINT_PARAM_POLICY),
		MEMBER(flags, 1, CINT_PARAM_FLAGS),
		MEMBER(threshold, 256, CINT_PARAM_THRESHOLD),
		MEMBER(delta_ns, 10000000, CINT_PARAM_DELTA),
		MEMBER(delta_min_ns, 10000000, CINT_PARAM_DELTA_MIN),
		MEMBER(max_hold_ns, 10000000, CINT_PARAM_MAX_HOLD),
		MEMBER(correction, 16000, CINT_PARAM_CORRECTION),
	};
	struct cint_params good, bad;
	unsigned int i;

	memset(&good, 0xff, sizeof(good));
	cint_params_default(&good);
	tap_result(cint_params_check(&good) == CINT_PARAM_OK,
		   "the default parameters are valid");

	for (i = 0; i < sizeof(member) / sizeof(member[0]); i++) {
		__u32 min = member[i].param == CINT_PARAM_THRESHOLD;
		const __u32 ok[] = { min, min + 1, member[i].max - 1,
				     member[i].max };
		const __u32 wrong[] = { min - 1, member[i].max + 1,
					0x7fffffff, 0x80000000, 0xffffffff };
		bool pass = true;
		unsigned int j;

		for (j = 0; j < sizeof(ok) / sizeof(ok[0]); j++) {
			bad = good;
			memcpy((char *)&bad + member[i].offset, &ok[j], 4);
			if (cint_params_check(&bad) != CINT_PARAM_OK) {
				tap_note("%s %u refused", member[i].name, ok[j]);
				pass = false;
			}
		}
		for (j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			bad = good;
			memcpy((char *)&bad + member[i].offset, &wrong[j], 4);
			if (cint_params_check(&bad) != member[i].param) {
				tap_note("%s %u taken", member[i].name, wrong[j]);
				pass = false;
			}
		}
		tap_result(pass, "bounds of %s", member[i].name);
	}
}

static void test_names(void)
{
	static const char *const policies[] = {
		"none", "static", "adaptive", "cint", "cint-a", "cint-rate",
	};
	static const char *const reasons[] = {
		"hold", "each", "urgent", "barrier", "threshold", "quiet",
		"max_hold", "rate", "flush", "look",
	};
	bool pass = true;
	unsigned int i;

	for (i = 0; i < CINT_POLICY_NR; i++)
		pass = pass && !strcmp(cint_policy_name(i), policies[i]);
	pass = pass && !cint_policy_name(CINT_POLICY_NR) &&
	       !cint_policy_name(~0u);
	tap_result(pass, "names of policies");

	pass = true;
	for (i = 0; i < CINT_REASON_NR; i++)
		pass = pass && !strcmp(cint_reason_name(i), reasons[i]);
	pass = pass && !cint_reason_name(CINT_REASON_NR) &&
	       !cint_reason_name((enum cint_reason)-1);
	tap_result(pass, "names of reasons");
}

/*
 * cint-rate, in a closed loop: every completion is followed by a new request.
 * Counts the verdicts of the second half, when the averages have settled.
 */
struct loop {
	struct cint_params params;
	unsigned int depth;
	unsigned int gap_ns;
	/* results */
	unsigned int reasons[CINT_REASON_NR];
	__u64 last_delta_ns;
};

static void run_loop(struct loop *loop, struct cint_coalescer *c, __u64 *now)
{
	static struct cint_request requests[64];
	const unsigned int nr = 2000;
	struct cint_policy policy;
	unsigned int i;

	cint_policy_init(&policy, &loop->params);
	memset(loop->reasons, 0, sizeof(loop->reasons));
	for (i = 0; i < loop->depth; i++)
		cint_submit(c, &requests[i], 0);
	for (i = 0; i < nr; i++) {
		struct cint_request *r = &requests[i % loop->depth];
		enum cint_reason due;
		struct cint_verdict v;

		*now += loop->gap_ns;
		due = cint_expire(c, *now);
		v = cint_complete(c, &policy, r, *now);
		cint_submit(c, r, 0);
		if (i < nr / 2)
			continue;
		if (due != CINT_HOLD)
			loop->reasons[due]++;
		loop->reasons[v.reason]++;
		if (v.reason == CINT_HOLD)
			loop->last_delta_ns = c->deadline_ns - *now;
	}
	/* leave nothing outstanding */
	for (i = 0; i < loop->depth; i++)
		cint_complete(c, &policy, &requests[(nr + i) % loop->depth],
			      *now += loop->gap_ns);
	cint_flush(c);
}

static void test_rate(void)
{
	static __u32 deltas[CINT_THRESHOLD_MAX + 1];
	const struct cint_params params = {
		.policy = CINT_POLICY_CINT_RATE, .flags = CINT_F_OOO,
		.threshold = 16, .delta_ns = 12000, .delta_min_ns = 1000,
		.max_hold_ns = 100000, .correction = 2000,
	};
	struct loop loop = { .params = params };
	struct cint_coalescer c;
	__u64 now = 1;

	cint_coalescer_init(&c);
	loop.depth = 32;
	loop.gap_ns = 200;
	run_loop(&loop, &c, &now);
	tap_result(loop.reasons[CINT_FIRE_THRESHOLD] * 16 +
		   15 >= 1000 && !loop.reasons[CINT_FIRE_RATE] &&
		   !loop.reasons[CINT_FIRE_QUIET],
		   "cint-rate: a fast deep queue fills its batches");
	tap_note("%u threshold, %u rate, %u quiet",
		 loop.reasons[CINT_FIRE_THRESHOLD],
		 loop.reasons[CINT_FIRE_RATE], loop.reasons[CINT_FIRE_QUIET]);

	/* the pause has nothing outstanding, so it is no gap */
	now += 5000000;
	loop.gap_ns = 50000;
	run_loop(&loop, &c, &now);
	tap_result(loop.reasons[CINT_FIRE_RATE] == 1000,
		   "cint-rate: gaps beyond the period deliver at once");

	/*
	 * The average gap decays from 50 us below the smallest period within
	 * 60 completions; then pauses between the bursts must not raise it.
	 */
	loop.gap_ns = 200;
	loop.depth = 8;
	run_loop(&loop, &c, &now);
	now += 5000000;
	tap_result(c.gap_ns < 1000, "cint-rate: the average gap follows the rate");
	run_loop(&loop, &c, &now);
	tap_result(c.gap_ns < 1000 && !loop.reasons[CINT_FIRE_RATE],
		   "cint-rate: a pause with nothing outstanding is no gap");

	/* one more is outstanding, so only space for one counts as free */
	loop.depth = 2;
	loop.gap_ns = 100;
	loop.params.delta_min_ns = 0;
	run_loop(&loop, &c, &now);
	cint_compute_deltas(&loop.params, deltas);
	tap_result(loop.last_delta_ns == deltas[15],
		   "cint-rate: waits for no more than are outstanding");
	tap_note("period %llu ns, want %u", (unsigned long long)loop.last_delta_ns,
		 deltas[15]);

	/* a single request outstanding is a synchronous reader */
	loop.depth = 1;
	run_loop(&loop, &c, &now);
	tap_result(loop.reasons[CINT_FIRE_RATE] == 1000,
		   "cint-rate: depth 1 is never held");
}

/*
 * A burst of @nr requests is submitted and completes, before a host that sees what
 * is held; the last verdict.
 */
static enum cint_reason burst(struct cint_coalescer *c,
			      const struct cint_policy *policy, unsigned int nr,
			      __u64 *now)
{
	static struct cint_request requests[16];
	enum cint_reason reason = CINT_HOLD;
	unsigned int i, held = 0;

	*now += 1000000;
	for (i = 0; i < nr; i++)
		cint_submit(c, &requests[i], 0);
	for (i = 0; i < nr; i++) {
		held = c->held + 1;
		reason = cint_complete(c, policy, &requests[i],
				       *now += 200).reason;
	}
	if (reason == CINT_FIRE_RATE && cint_keep(c, policy, held, *now))
		reason = CINT_HOLD;
	return reason;
}

/* Bursts that are delivered at once, until one is left to the host. */
static unsigned int bursts_at_once(struct cint_coalescer *c,
				   const struct cint_policy *policy, __u64 *now)
{
	unsigned int n = 0;

	while (n < 5000 && burst(c, policy, 8, now) == CINT_FIRE_RATE)
		n++;
	return n;
}

static void test_keep(void)
{
	const struct cint_params params = {
		.policy = CINT_POLICY_CINT_RATE, .threshold = 16,
		.delta_ns = 12000, .delta_min_ns = 1000,
		.max_hold_ns = 100000, .correction = 2000,
	};
	struct cint_policy policy;
	struct cint_coalescer c;
	unsigned int i, held = 0;
	__u64 now = 1;
	bool pass;

	cint_policy_init(&policy, &params);
	cint_coalescer_init(&c);
	for (i = 0; i < 100; i++) {
		held += burst(&c, &policy, 8, &now) == CINT_HOLD && c.held == 8;
		cint_taken(&c);
		held -= c.held || c.deadline_ns != CINT_NO_DEADLINE;
	}
	tap_result(held == 100, "cint-rate: a host that takes what it sees is not told");

	/* each time that it is found asleep, the next try is twice as far away */
	held = 4;
	pass = burst(&c, &policy, 8, &now) == CINT_HOLD;
	for (i = 0; i < 12; i++) {
		pass = pass && cint_expire(&c, now += params.delta_ns) ==
			       CINT_FIRE_QUIET;
		pass = pass && bursts_at_once(&c, &policy, &now) == held;
		held = held < 1024 ? 2 * held : held;
	}
	tap_result(pass, "cint-rate: a host that sleeps is told at once, but for rare tries");

	/* the last of these was left to it; it takes it, and misses the next */
	cint_taken(&c);
	pass = burst(&c, &policy, 8, &now) == CINT_HOLD;
	cint_expire(&c, now += params.delta_ns);
	tap_result(pass && bursts_at_once(&c, &policy, &now) == 4,
		   "cint-rate: one that has taken something is tried soon again");

	/* at depth 1 from the start */
	cint_coalescer_init(&c);
	pass = true;
	for (i = 0; i < 1000; i++)
		pass = pass && burst(&c, &policy, 1, &now) == CINT_FIRE_RATE;
	tap_result(pass, "cint-rate: a synchronous reader is always told");
}

/* What cint.rst and the manual pages say of a device that nobody has set. */
static void test_default(void)
{
	struct cint_params p;

	cint_params_default(&p);
	tap_result(p.policy == CINT_POLICY_CINT_RATE && p.flags == CINT_F_OOO &&
		   p.threshold == 20 && p.delta_ns == 30000 && p.delta_min_ns == 20000 &&
		   p.max_hold_ns == 200000 && p.correction == 2000,
		   "the default parameters");
}

/* Linear: the period is 1000 ns for each place that is free of 16. */
static void linear_policy(struct cint_policy *policy)
{
	const struct cint_params params = {
		.policy = CINT_POLICY_CINT_RATE, .flags = CINT_F_OOO, .threshold = 16,
		.delta_ns = 16000, .max_hold_ns = 100000,
	};

	cint_policy_init(policy, &params);
}

/* What completions teach of the rate and the depth, by hand. */
static void test_lessons(void)
{
	static struct cint_request r[64];
	struct cint_policy policy, other;
	struct cint_params params;
	struct cint_coalescer c;
	unsigned int i;

	linear_policy(&policy);
	cint_coalescer_init(&c);
	for (i = 0; i < 8; i++)
		cint_submit(&c, &r[i], 0);
	cint_complete(&c, &policy, &r[0], 1000);
	tap_result(c.gap_ns == 0, "one completion has no gap");
	cint_complete(&c, &policy, &r[1], 1400);
	tap_result(c.gap_ns == 400, "the first gap is taken as it is");
	cint_complete(&c, &policy, &r[2], 2600);
	tap_result(c.gap_ns == 500, "of a longer one, an eighth");
	cint_complete(&c, &policy, &r[3], 2700);
	tap_result(c.gap_ns == 450, "and of a shorter one");
	cint_complete(&c, &policy, &r[4], 10002700);
	tap_result(c.gap_ns == 1250393, "of 10 ms, too");
	cint_complete(&c, &policy, &r[5], 40002700);
	tap_result(c.gap_ns == 2344093, "of 30 ms as of 10");

	/* a pause is no gap */
	cint_complete(&c, &policy, &r[6], 40002800);
	cint_complete(&c, &policy, &r[7], 40002900);
	i = c.gap_ns;
	c.depth_x16 = 8 * 16;
	cint_submit(&c, &r[0], 0);
	cint_submit(&c, &r[1], 0);
	cint_complete(&c, &policy, &r[0], 40009900);
	tap_result(c.depth_x16 == 8 * 16 + 1 - 8, "a pause does not change the depth that is known");
	tap_result(c.gap_ns == i, "with nothing outstanding no gap is learnt");
	cint_complete(&c, &policy, &r[1], 40009900 + i);
	tap_result(c.gap_ns == i, "the next one is");

	/* what is learnt under one policy is not of use to the next */
	cint_coalescer_init(&c);
	params = policy.params;
	params.policy = CINT_POLICY_CINT;
	cint_policy_init(&other, &params);
	for (i = 0; i < 8; i++)
		cint_submit(&c, &r[i], 0);
	cint_complete(&c, &policy, &r[0], 1000);
	cint_complete(&c, &policy, &r[1], 1400);
	cint_complete(&c, &other, &r[2], 5000);
	cint_complete(&c, &policy, &r[3], 9000);
	tap_result(c.gap_ns == 400, "another policy's time is no gap");
	cint_complete(&c, &policy, &r[4], 9700);
	tap_result(c.gap_ns == 700, "and the first after it is the first");
	cint_coalescer_init(&c);
	for (i = 0; i < 3; i++)
		cint_submit(&c, &r[i], 0);
	cint_complete(&c, &policy, &r[0], 1000);
	cint_complete(&c, &policy, &r[1], 50001000);
	tap_result(c.gap_ns == 10000000, "the first gap is 10 ms at most");

	/* places that those outstanding could not fill are not free */
	cint_coalescer_init(&c);
	for (i = 0; i < 4; i++)
		cint_submit(&c, &r[i], 0);
	cint_complete(&c, &policy, &r[0], 1000);
	tap_result(c.deadline_ns == 1000 + 3000, "three outstanding: the period of three free places");
	tap_result(c.depth_x16 == 3 * 16, "they are the first depth");
	cint_complete(&c, &policy, &r[1], 1100);
	tap_result(c.deadline_ns == 1100 + 3000, "and of the whole batch");
	cint_flush(&c);
	for (i = 4; i < 14; i++)
		cint_submit(&c, &r[i], 0);
	cint_complete(&c, &policy, &r[2], 1200);
	tap_result(c.depth_x16 == 3 * 16 + 8, "of a new depth of 11, a 16th");
	cint_complete(&c, &policy, &r[3], 1300);
	tap_result(c.depth_x16 == 3 * 16 + 8, "once a batch");
	cint_coalescer_init(&c);
	for (i = 0; i < 40; i++)
		cint_submit(&c, &r[i], 0);
	for (i = 0; i < 4; i++)
		cint_complete(&c, &policy, &r[i], 1000 + i);
	tap_result(c.deadline_ns == 1003 + 12000, "with enough outstanding all places are");
	for (i = 0; i < 3; i++) {
		/* an average gap as long as the period is short enough, a longer one is not */
		struct cint_coalescer copy;

		cint_coalescer_init(&copy);
		cint_submit(&copy, &r[60], 0);
		cint_submit(&copy, &r[61], 0);
		copy.unknown = 0;
		copy.gap_ns = 999 + i;
		copy.last_ns = 1000;
		copy.depth_x16 = 16;
		tap_result(cint_complete(&copy, &policy, &r[60], 1999 + i).reason ==
			   (i < 2 ? CINT_HOLD : CINT_FIRE_RATE),
			   "a gap of %u ns for a period of 1000", 999 + i);
	}
}

/* When nothing is outstanding, and the host sees what is held. */
static void test_left_to_host(void)
{
	static const struct {
		const char *name;
		__u32 held, not_free, depth_x16, gap_ns, outstanding;
		__u64 limit_ns, deadline_ns;	/* 0: it is told */
	} rows[] = {
		{ "for the period", 8, 3, 160, 100, 0, 50000, 1000 + 8000 },
		{ "that of the places not free, if these are more", 8, 12, 160, 100, 0, 50000, 1000 + 4000 },
		{ "no longer than max_hold", 8, 3, 160, 100, 0, 5000, 5000 },
		{ "not with some outstanding", 8, 3, 160, 100, 1, 50000, 0 },
		{ "if others could come in time", 8, 3, 160, 8000, 0, 50000, 1000 + 8000 },
		{ "but not if later", 8, 3, 160, 8001, 0, 50000, 0 },
		{ "one, if there are others on average", 1, 3, 16, 100, 0, 50000, 1000 + 13000 },
		{ "not one of a synchronous reader", 1, 3, 15, 100, 0, 50000, 0 },
		{ "two at once", 2, 3, 15, 100, 0, 50000, 1000 + 13000 },
	};
	struct cint_policy policy;
	struct cint_coalescer c;
	unsigned int i;
	bool kept;

	linear_policy(&policy);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cint_coalescer_init(&c);
		c.not_free = rows[i].not_free;
		c.depth_x16 = rows[i].depth_x16;
		c.gap_ns = rows[i].gap_ns;
		c.outstanding = rows[i].outstanding;
		c.limit_ns = rows[i].limit_ns;
		kept = cint_keep(&c, &policy, rows[i].held, 1000);
		tap_result(kept == !!rows[i].deadline_ns && (!kept ||
			   (c.held == rows[i].held && c.deadline_ns == rows[i].deadline_ns)),
			   "left to the host: %s", rows[i].name);
	}
}

int main(void)
{
	test_default();
	test_lessons();
	test_left_to_host();
	test_cases();
	test_params();
	test_names();
	test_rate();
	test_keep();
	return tap_done();
}

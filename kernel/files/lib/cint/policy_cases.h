/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later OR MIT */
/*
 * What the coalescing policies must do, as tables: event by event, with the
 * verdict and the deadline that must follow.  Shared by KUnit and by the tests
 * in user space, and written from the definition of the policies, not from
 * their implementation.
 */
#ifndef _CINT_POLICY_CASES_H
#define _CINT_POLICY_CASES_H

#include <linux/cint_policy.h>

enum cint_step_kind {
	CINT_STEP_END,
	CINT_STEP_SUBMIT,
	CINT_STEP_COMPLETE,
	CINT_STEP_EXPIRE,
	CINT_STEP_FLUSH,
};

/**
 * struct cint_step - one event and what it must lead to
 * @kind: the event
 * @request: which request is submitted or completes
 * @marks: CINT_URGENT and CINT_BARRIER of a submission
 * @now_ns: when
 * @reason: the verdict; CINT_HOLD: nothing is delivered
 * @delivered: how many completions go, this one included
 * @deadline_ns: the deadline afterwards
 */
struct cint_step {
	enum cint_step_kind	kind;
	__u8			request;
	__u8			marks;
	__u64			now_ns;
	enum cint_reason	reason;
	__u32			delivered;
	__u64			deadline_ns;
};

#define CINT_CASE_REQUESTS	8
#define CINT_CASE_STEPS		24

struct cint_case {
	const char		*name;
	struct cint_params	params;
	struct cint_step	steps[CINT_CASE_STEPS];
};

#define SUBMIT(r)	{ .kind = CINT_STEP_SUBMIT, .request = (r) }
#define SUBMIT_U(r)	{ .kind = CINT_STEP_SUBMIT, .request = (r),	\
			  .marks = CINT_URGENT }
#define SUBMIT_B(r)	{ .kind = CINT_STEP_SUBMIT, .request = (r),	\
			  .marks = CINT_BARRIER }
#define SUBMIT_UB(r)	{ .kind = CINT_STEP_SUBMIT, .request = (r),	\
			  .marks = CINT_URGENT | CINT_BARRIER }
#define HOLD(r, now, deadline)						\
	{ .kind = CINT_STEP_COMPLETE, .request = (r), .now_ns = (now),	\
	  .reason = CINT_HOLD, .deadline_ns = (deadline) }
/* held ones stay: what a completion that overtakes them leads to */
#define ALONE(r, now, deadline)						\
	{ .kind = CINT_STEP_COMPLETE, .request = (r), .now_ns = (now),	\
	  .reason = CINT_FIRE_URGENT, .delivered = 1,			\
	  .deadline_ns = (deadline) }
#define FIRE(r, now, why, nr)						\
	{ .kind = CINT_STEP_COMPLETE, .request = (r), .now_ns = (now),	\
	  .reason = CINT_FIRE_##why, .delivered = (nr),			\
	  .deadline_ns = CINT_NO_DEADLINE }
#define WAIT(now, deadline)						\
	{ .kind = CINT_STEP_EXPIRE, .now_ns = (now),			\
	  .reason = CINT_HOLD, .deadline_ns = (deadline) }
#define EXPIRE(now, why, nr)						\
	{ .kind = CINT_STEP_EXPIRE, .now_ns = (now),			\
	  .reason = CINT_FIRE_##why, .delivered = (nr),			\
	  .deadline_ns = CINT_NO_DEADLINE }
#define FLUSH(nr)							\
	{ .kind = CINT_STEP_FLUSH, .delivered = (nr),			\
	  .deadline_ns = CINT_NO_DEADLINE }

/* flags, threshold, delta_ns, delta_min_ns, max_hold_ns, correction */
#define CASE_PARAMS(policy_, flags_, thr, delta, min, max, a)		\
	{ .policy = CINT_POLICY_##policy_, .flags = (flags_),		\
	  .threshold = (thr), .delta_ns = (delta), .delta_min_ns = (min), \
	  .max_hold_ns = (max), .correction = (a) }
#define USUAL_PARAMS(policy_)						\
	CASE_PARAMS(policy_, CINT_F_OOO, 4, 1000, 0, 5000, 0)

#define NEVER	CINT_NO_DEADLINE

static const struct cint_case cint_cases[] = {
	{
		.name = "none delivers every completion alone, marks or not",
		.params = USUAL_PARAMS(NONE),
		.steps = {
			SUBMIT(0), SUBMIT_U(1), SUBMIT_B(2), SUBMIT_UB(3),
			FIRE(2, 100, EACH, 1), FIRE(0, 100, EACH, 1),
			FIRE(1, 200, EACH, 1), FIRE(3, 300, EACH, 1),
			WAIT(100000, NEVER), FLUSH(0),
		},
	}, {
		.name = "static fires at the threshold",
		.params = CASE_PARAMS(STATIC, CINT_F_OOO, 3, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2), SUBMIT(3),
			HOLD(0, 100, 1100), HOLD(1, 200, 1100),
			FIRE(2, 300, THRESHOLD, 3), HOLD(3, 400, 1400),
		},
	}, {
		.name = "static times from the first held and never re-arms",
		.params = USUAL_PARAMS(STATIC),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2),
			HOLD(0, 100, 1100), HOLD(1, 900, 1100),
			WAIT(1099, 1100), EXPIRE(1100, MAX_HOLD, 2),
			WAIT(1101, NEVER), HOLD(2, 5000, 6000),
		},
	}, {
		.name = "static is bounded by max_hold",
		.params = CASE_PARAMS(STATIC, CINT_F_OOO, 4, 1000, 0, 600, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), HOLD(0, 100, 700),
			HOLD(1, 200, 700), EXPIRE(700, MAX_HOLD, 2),
		},
	}, {
		.name = "static ignores marks",
		.params = USUAL_PARAMS(STATIC),
		.steps = {
			SUBMIT_U(0), SUBMIT_B(1), SUBMIT_UB(2), SUBMIT(3),
			HOLD(0, 1, 1001), HOLD(1, 2, 1001), HOLD(2, 3, 1001),
			FIRE(3, 4, THRESHOLD, 4),
		},
	}, {
		.name = "adaptive waits a period from the last held",
		.params = USUAL_PARAMS(ADAPTIVE),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2),
			HOLD(0, 100, 1100), HOLD(1, 1000, 2000),
			WAIT(1999, 2000), EXPIRE(2000, QUIET, 2),
			HOLD(2, 2500, 3500), EXPIRE(9999, QUIET, 1),
		},
	}, {
		.name = "adaptive never holds longer than max_hold",
		.params = CASE_PARAMS(ADAPTIVE, CINT_F_OOO, 4, 1000, 0, 2000, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2), SUBMIT(3),
			HOLD(0, 100, 1100), HOLD(1, 1000, 2000),
			HOLD(2, 1900, 2100), WAIT(2099, 2100),
			EXPIRE(2100, MAX_HOLD, 3), HOLD(3, 2200, 3200),
		},
	}, {
		.name = "adaptive fires at the threshold and starts anew",
		.params = CASE_PARAMS(ADAPTIVE, CINT_F_OOO, 2, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2),
			HOLD(0, 100, 1100), FIRE(1, 200, THRESHOLD, 2),
			HOLD(2, 4900, 5900), FLUSH(1), WAIT(99999, NEVER),
		},
	}, {
		.name = "adaptive ignores marks",
		.params = USUAL_PARAMS(ADAPTIVE),
		.steps = {
			SUBMIT_U(0), SUBMIT_B(1), SUBMIT_UB(2),
			HOLD(0, 1, 1001), HOLD(1, 2, 1002), HOLD(2, 3, 1003),
		},
	}, {
		.name = "a threshold of one holds nothing",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 1, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), FIRE(1, 5, THRESHOLD, 1),
			FIRE(0, 6, THRESHOLD, 1),
		},
	}, {
		.name = "a max_hold of zero is due at once",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 4, 1000, 0, 0, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), HOLD(0, 5, 5),
			EXPIRE(5, MAX_HOLD, 1), HOLD(1, 6, 6),
		},
	}, {
		.name = "a period of zero is due at once",
		.params = CASE_PARAMS(ADAPTIVE, CINT_F_OOO, 4, 0, 0, 5000, 0),
		.steps = {
			SUBMIT(0), HOLD(0, 5, 5), EXPIRE(5, QUIET, 1),
		},
	}, {
		.name = "urgent overtakes the held, which keep their deadline",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2), SUBMIT_U(3),
			HOLD(0, 100, 1100), HOLD(1, 200, 1200),
			HOLD(2, 300, 1300), ALONE(3, 400, 1300),
			WAIT(1299, 1300), EXPIRE(1300, QUIET, 3),
		},
	}, {
		.name = "urgent does not count to the threshold",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 2, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT_U(1), SUBMIT_U(2), SUBMIT(3),
			ALONE(1, 50, NEVER), HOLD(0, 100, 1100),
			ALONE(2, 200, 1100), FIRE(3, 300, THRESHOLD, 2),
		},
	}, {
		.name = "without out-of-order, urgent takes all with it",
		.params = CASE_PARAMS(CINT, 0, 4, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT_U(2), SUBMIT(3),
			HOLD(0, 100, 1100), HOLD(1, 200, 1200),
			FIRE(2, 300, URGENT, 3), HOLD(3, 400, 1400),
		},
	}, {
		.name = "a barrier that completes last fires",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT_B(2),
			HOLD(1, 100, 1100), HOLD(0, 200, 1200),
			FIRE(2, 300, BARRIER, 3),
		},
	}, {
		.name = "a barrier that completes first waits for its prefix",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT_B(2),
			HOLD(2, 100, 1100), HOLD(1, 200, 1200),
			FIRE(0, 300, BARRIER, 3),
		},
	}, {
		.name = "a barrier does not wait for what comes after it",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT_B(1), SUBMIT(2), SUBMIT(3),
			HOLD(3, 100, 1100), HOLD(1, 200, 1200),
			FIRE(0, 300, BARRIER, 3), HOLD(2, 400, 1400),
		},
	}, {
		.name = "a barrier delivered early still ends its batch",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT_B(2), SUBMIT(3),
			HOLD(2, 100, 1100), EXPIRE(1100, QUIET, 1),
			HOLD(1, 1200, 2200), FIRE(0, 1300, BARRIER, 2),
			HOLD(3, 1400, 2400),
		},
	}, {
		.name = "a batch larger than the threshold, then its barrier",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 2, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2), SUBMIT(3), SUBMIT_B(4),
			HOLD(4, 1, 1001), FIRE(3, 2, THRESHOLD, 2),
			HOLD(2, 3, 1003), FIRE(1, 4, THRESHOLD, 2),
			FIRE(0, 5, BARRIER, 1),
		},
	}, {
		.name = "a barrier takes precedence over the threshold",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 2, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT_B(1), HOLD(0, 1, 1001),
			FIRE(1, 2, BARRIER, 2),
		},
	}, {
		.name = "several barriers, completed in reverse",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 100, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT_B(1), SUBMIT(2), SUBMIT_B(3),
			SUBMIT(4), SUBMIT_B(5),
			HOLD(5, 1, 1001), HOLD(4, 2, 1002), HOLD(3, 3, 1003),
			HOLD(2, 4, 1004), HOLD(1, 5, 1005),
			/* one completion completes all three prefixes */
			FIRE(0, 6, BARRIER, 6),
		},
	}, {
		.name = "several barriers, the middle one last",
		.params = CASE_PARAMS(CINT, CINT_F_OOO, 100, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), SUBMIT_B(1), SUBMIT(2), SUBMIT_B(3),
			SUBMIT_B(4), HOLD(4, 1, 1001), HOLD(3, 2, 1002),
			HOLD(1, 3, 1003), FIRE(0, 4, BARRIER, 4),
			FIRE(2, 5, BARRIER, 1),
		},
	}, {
		.name = "an urgent completion that completes a prefix takes all",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT_U(0), SUBMIT(1), SUBMIT_B(2),
			HOLD(2, 100, 1100), HOLD(1, 200, 1200),
			FIRE(0, 300, BARRIER, 3),
		},
	}, {
		.name = "urgent barrier: at once, and its batch later",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT_UB(2), SUBMIT(3),
			ALONE(2, 100, NEVER), HOLD(3, 200, 1200),
			HOLD(1, 300, 1300), FIRE(0, 400, BARRIER, 3),
		},
	}, {
		.name = "urgent barrier whose prefix is complete takes all",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT_UB(1), HOLD(0, 100, 1100),
			FIRE(1, 200, BARRIER, 2),
		},
	}, {
		.name = "urgent barrier and nothing held is merely urgent",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT_UB(0), SUBMIT(1),
			ALONE(0, 100, NEVER), HOLD(1, 200, 1200),
		},
	}, {
		.name = "a prefix of urgent requests alone has nothing to wait for",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT_U(0), SUBMIT_U(1), SUBMIT_B(2), SUBMIT(3),
			ALONE(1, 100, NEVER), ALONE(0, 200, NEVER),
			FIRE(2, 300, BARRIER, 1), HOLD(3, 400, 1400),
		},
	}, {
		.name = "a flush leaves the barrier of what is outstanding",
		.params = USUAL_PARAMS(CINT),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT_B(2), HOLD(2, 100, 1100),
			FLUSH(1), FLUSH(0), HOLD(1, 200, 1200),
			FIRE(0, 300, BARRIER, 2),
		},
	}, {
		.name = "cint-a: the period shrinks with the space left, linearly",
		.params = USUAL_PARAMS(CINT_A),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2), SUBMIT(3),
			HOLD(0, 1000, 1750), HOLD(1, 1100, 1600),
			HOLD(2, 1200, 1450), FIRE(3, 1300, THRESHOLD, 4),
		},
	}, {
		/* 1000 (e^(2 s) - 1) / (e^2 - 1): 545, 269, 102 */
		.name = "cint-a: the period shrinks exponentially",
		.params = CASE_PARAMS(CINT_A, CINT_F_OOO, 4, 1000, 0, 5000, 2000),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2), SUBMIT(3),
			HOLD(0, 1000, 1545), HOLD(1, 1100, 1369),
			HOLD(2, 1200, 1302), EXPIRE(1302, QUIET, 3),
		},
	}, {
		.name = "cint-a: not below delta_min, not above max_hold",
		.params = CASE_PARAMS(CINT_A, CINT_F_OOO, 4, 1000, 300, 900, 0),
		.steps = {
			SUBMIT(0), SUBMIT(1), SUBMIT(2),
			HOLD(0, 1000, 1750), HOLD(1, 1350, 1850),
			HOLD(2, 1650, 1900), EXPIRE(1900, MAX_HOLD, 3),
		},
	}, {
		.name = "cint-a: urgent and barrier as cint",
		.params = USUAL_PARAMS(CINT_A),
		.steps = {
			SUBMIT(0), SUBMIT_U(1), SUBMIT_B(2),
			HOLD(0, 1000, 1750), ALONE(1, 1100, 1750),
			FIRE(2, 1200, BARRIER, 2),
		},
	}, {
		.name = "cint-rate: nothing outstanding, nothing to wait for",
		.params = USUAL_PARAMS(CINT_RATE),
		.steps = {
			SUBMIT(0), FIRE(0, 100, RATE, 1),
			SUBMIT(1), FIRE(1, 100000, RATE, 1),
			SUBMIT(2), SUBMIT_U(3), SUBMIT(4), ALONE(3, 200000, NEVER),
			FLUSH(0),
		},
	}, {
		.name = "cint-rate: the threshold and a barrier come first",
		.params = CASE_PARAMS(CINT_RATE, CINT_F_OOO, 1, 1000, 0, 5000, 0),
		.steps = {
			SUBMIT(0), FIRE(0, 100, THRESHOLD, 1),
			SUBMIT_B(1), FIRE(1, 200, BARRIER, 1),
			SUBMIT_U(2), ALONE(2, 300, NEVER),
		},
	},
};

/* COMPUTE_DELTA: delta (e^(a s) - 1) / (e^a - 1), s = (thr - held) / thr */
struct cint_delta_case {
	__u32	delta_ns;
	__u32	delta_min_ns;
	__u32	threshold;
	__u32	correction;
	__u32	held;
	__u32	want_ns;
};

/* How far a computed period may be from the exact one. */
static inline __u32 cint_delta_tolerance_ns(__u32 want_ns)
{
	return 1 + want_ns / 100000;
}

/* python3: round(d * math.expm1(a * (thr - n) / thr) / math.expm1(a)) */
static const struct cint_delta_case cint_delta_cases[] = {
	{ 12000, 1000, 16, 2000, 0, 12000 },
	{ 12000, 1000, 16, 2000, 1, 10369 },
	{ 12000, 1000, 16, 2000, 4, 6539 },
	{ 12000, 1000, 16, 2000, 8, 3227 },
	{ 12000, 1000, 16, 2000, 12, 1218 },
	{ 12000, 1000, 16, 2000, 15, 1000 },
	{ 12000, 1000, 16, 2000, 16, 1000 },
	{ 1000, 0, 4, 2000, 0, 1000 },
	{ 1000, 0, 4, 2000, 1, 545 },
	{ 1000, 0, 4, 2000, 2, 269 },
	{ 1000, 0, 4, 2000, 3, 102 },
	{ 1000, 0, 4, 2000, 4, 0 },
	{ 100000, 0, 8, 0, 0, 100000 },
	{ 100000, 0, 8, 0, 3, 62500 },
	{ 100000, 0, 8, 0, 7, 12500 },
	{ 100000, 0, 8, 0, 8, 0 },
	{ 10000000, 0, 256, 1, 0, 10000000 },
	{ 10000000, 0, 256, 1, 1, 9960918 },
	{ 10000000, 0, 256, 1, 128, 4998750 },
	{ 10000000, 0, 256, 1, 255, 39043 },
	{ 10000000, 0, 256, 1, 256, 0 },
	{ 10000000, 0, 256, 16000, 0, 10000000 },
	{ 10000000, 0, 256, 16000, 1, 9394131 },
	{ 10000000, 0, 256, 16000, 2, 8824969 },
	{ 10000000, 0, 256, 16000, 32, 1353352 },
	{ 10000000, 0, 256, 16000, 200, 36 },
	{ 10000000, 0, 256, 16000, 256, 0 },
	{ 10000000, 0, 1, 500, 0, 10000000 },
	{ 10000000, 0, 1, 500, 1, 0 },
	{ 6000, 6000, 32, 1000, 0, 6000 },
	{ 6000, 6000, 32, 1000, 16, 6000 },
	{ 6000, 6000, 32, 1000, 32, 6000 },
	{ 1, 0, 256, 1000, 0, 1 },
	{ 1, 0, 256, 1000, 255, 0 },
	{ 0, 0, 8, 1000, 0, 0 },
	{ 0, 0, 8, 1000, 8, 0 },
	{ 9999999, 12345, 255, 7777, 0, 9999999 },
	{ 9999999, 12345, 255, 7777, 17, 5952631 },
	{ 9999999, 12345, 255, 7777, 100, 469686 },
	{ 9999999, 12345, 255, 7777, 254, 12345 },
};

#undef SUBMIT
#undef SUBMIT_U
#undef SUBMIT_B
#undef SUBMIT_UB
#undef HOLD
#undef ALONE
#undef FIRE
#undef WAIT
#undef EXPIRE
#undef FLUSH
#undef CASE_PARAMS
#undef USUAL_PARAMS
#undef NEVER

#endif /* _CINT_POLICY_CASES_H */

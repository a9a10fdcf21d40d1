// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What to wait for: every small case, and a model of a ring in which requests complete in
 * every order.  No wait is for more than can come, none keeps back what is urgent or the
 * prefix of a barrier, none holds a completion longer than max_hold.
 */
#include "helpers.h"
#include "../../src/decide.h"

#define MAX_HOLD	1000U

static struct cint_policy policies[CINT_POLICY_NR];

static void make_policies(void)
{
	struct cint_params params;
	unsigned int i;

	for (i = 0; i < CINT_POLICY_NR; i++) {
		cint_params_default(&params);
		params.policy = i;
		params.threshold = 4;
		params.delta_ns = 400;
		params.delta_min_ns = 100;
		params.max_hold_ns = MAX_HOLD;
		cint_policy_init(&policies[i], &params);
	}
}

static unsigned long cases;

static void check(const struct cint_view *v)
{
	struct cint_plan plan = cint_decide(v);
	unsigned int can_come = v->ready + v->outstanding;

	cases++;
	/* now: only if there is something; else for one at least that is not there */
	CHECK(plan.nr ? plan.nr > v->ready : v->ready);
	/* for no more than can come; where nothing can, as liburing does */
	CHECK(v->endless || plan.nr <= (can_come ? can_come : 1));
	/* and for no more than the application wants, or the parameters allow */
	CHECK(!v->wait_nr || plan.nr <= v->wait_nr);
	CHECK(!v->policy || plan.nr <= v->policy->params.threshold);
	CHECK(v->wait_nr || v->policy || plan.nr <= 1);
	/* what is there is returned to who wants any */
	CHECK(v->wait_nr || !v->ready || !plan.nr);
	CHECK(!v->wait_nr || v->ready < v->wait_nr || !plan.nr);
	/* marks: what may be there is returned, what may come next ends the wait */
	if (v->urgent || v->single)
		CHECK(v->ready ? !plan.nr : plan.nr == 1);
	if (v->linked)
		CHECK(v->ready ? !plan.nr : plan.nr == 1 || plan.hold_ns <= CINT_MISSED_NS);
	if (v->prefix)
		CHECK(v->ready >= v->prefix ? !plan.nr : plan.nr <= v->prefix);
	/* time */
	if (plan.nr > 1 && v->policy)
		CHECK(plan.hold_ns <= MAX_HOLD - (v->ready ? v->age_ns : 0));
	if (v->ready && v->policy && v->age_ns >= MAX_HOLD)
		CHECK(!plan.nr);
	CHECK(plan.nr != 1 || plan.hold_ns == CINT_UNBOUNDED);
	if (plan.nr > 1 && !v->policy && !v->linked)
		CHECK(plan.hold_ns == CINT_UNBOUNDED);
	/* without marks and parameters it is liburing's wait, but for what cannot come */
	if (!v->policy && !v->urgent && !v->linked && !v->prefix && !v->single &&
	    v->wait_nr <= can_come)
		CHECK_EQ(plan.nr, v->wait_nr > v->ready ? v->wait_nr :
			 v->ready ? 0 : 1);
	/* a batch that nobody gave a size leaves most of them in the drive */
	if (v->policy && !v->wait_nr && !v->endless && !v->prefix && plan.nr > 1)
		CHECK(plan.nr * CINT_BATCH_SHARE <= can_come);
}

static void all_small(void)
{
	static const __u64 ages[] = { 0, 1, 500, MAX_HOLD - 1, MAX_HOLD, 1ULL << 40 };
	static const __u32 gaps[] = { 0, 1, 100, 5000000 };
	unsigned int policy, all, age, gap;
	struct cint_view v;

	for (all = 0; all < 6 * 10 * 3 * 2 * 7 * 8 * 4; all++) {
		unsigned int rest = all;

		memset(&v, 0, sizeof(v));
		v.ready = rest % 6;
		v.outstanding = (rest /= 6) % 10;
		v.urgent = (rest /= 10) % 3;
		v.linked = (rest /= 3) % 2;
		v.prefix = (rest /= 2) % 7;
		v.wait_nr = (rest /= 7) % 8;
		v.single = (rest /= 8) & 1;
		v.endless = rest >> 1;
		check(&v);
		for (policy = 0; policy < CINT_POLICY_NR; policy++) {
			v.policy = &policies[policy];
			for (age = 0; age < sizeof(ages) / sizeof(ages[0]); age++) {
				v.age_ns = ages[age];
				for (gap = 0; gap < sizeof(gaps) / sizeof(gaps[0]); gap++) {
					v.gap_ns = gaps[gap];
					check(&v);
				}
			}
		}
	}
}

/*
 * What to wait for and how long, by hand. All with a threshold of 4 and max_hold of 1000,
 * and periods of 400; those of cint-a and cint-rate are 300, 200, 100 for 1 to 3 held.
 */
static const struct example {
	const char	*name;
	int		policy;		/* -1: none */
	struct cint_view view;
	struct cint_plan plan;
} examples[] = {
#define NOW			{ 0, 0 }
#define FIRST			{ 1, CINT_UNBOUNDED }
#define SO_MANY(nr, ns)		{ (nr), (ns) }
#define VIEW(ready_, outstanding_, wait_nr_, ...)					\
	{ .ready = (ready_), .outstanding = (outstanding_), .wait_nr = (wait_nr_), __VA_ARGS__ }
	{ "any, of none", -1, VIEW(0, 0, 0), FIRST },
	{ "any, and one is there", -1, VIEW(1, 5, 0), NOW },
	{ "so many", -1, VIEW(1, 5, 4), SO_MANY(4, CINT_UNBOUNDED) },
	{ "no more than can come", -1, VIEW(1, 2, 9), SO_MANY(3, CINT_UNBOUNDED) },
	{ "unless requests have more than one", -1, VIEW(1, 2, 9, .endless = true),
	  SO_MANY(9, CINT_UNBOUNDED) },
	{ "none can come", -1, VIEW(0, 0, 2), FIRST },
	{ "as many as are there", -1, VIEW(3, 5, 3), NOW },
	{ "until an urgent one", -1, VIEW(0, 9, 4, .urgent = 1), FIRST },
	{ "which may be there", -1, VIEW(1, 9, 4, .urgent = 1), NOW },
	{ "nothing ends a wait for more", -1, VIEW(0, 9, 4, .single = true), FIRST },
	{ "until a prefix ends", -1, VIEW(0, 9, 4, .prefix = 3),
	  SO_MANY(3, CINT_UNBOUNDED) },
	{ "which may have ended", -1, VIEW(3, 9, 4, .prefix = 3), NOW },
	{ "a link ends it, but for what it missed", -1, VIEW(0, 9, 4, .linked = 1),
	  SO_MANY(4, 1000000) },
	{ "a link may have ended", -1, VIEW(1, 9, 4, .linked = 1), NOW },
	{ "a link, and soon enough", CINT_POLICY_STATIC, VIEW(0, 9, 4, .linked = 1),
	  SO_MANY(4, 400) },

	{ "none: each", CINT_POLICY_NONE, VIEW(0, 9, 4), FIRST },
	{ "none: each of any", CINT_POLICY_NONE, VIEW(0, 90, 0), FIRST },
	{ "static: one time for all", CINT_POLICY_STATIC, VIEW(0, 9, 3), SO_MANY(3, 400) },
	{ "static: from the first", CINT_POLICY_STATIC, VIEW(1, 9, 3, .age_ns = 150),
	  SO_MANY(3, 250) },
	{ "static: it has passed", CINT_POLICY_STATIC, VIEW(1, 9, 3, .age_ns = 400), NOW },
	{ "adaptive: a period for each", CINT_POLICY_ADAPTIVE, VIEW(0, 9, 2),
	  SO_MANY(2, 800) },
	{ "adaptive: that is to come", CINT_POLICY_ADAPTIVE, VIEW(1, 9, 2, .age_ns = 399),
	  SO_MANY(2, 1) },
	{ "adaptive: no longer than max_hold", CINT_POLICY_ADAPTIVE, VIEW(0, 9, 4),
	  SO_MANY(4, 1000) },
	{ "adaptive: no more than a batch", CINT_POLICY_ADAPTIVE, VIEW(3, 9, 8),
	  SO_MANY(4, 400) },
	{ "adaptive: a batch is there", CINT_POLICY_ADAPTIVE, VIEW(4, 9, 8), NOW },
	{ "adaptive: any", CINT_POLICY_ADAPTIVE, VIEW(0, 12, 0), SO_MANY(3, 1000) },
	{ "adaptive: any, which is a batch at most", CINT_POLICY_ADAPTIVE, VIEW(0, 99, 0),
	  SO_MANY(4, 1000) },
	{ "adaptive: any of few", CINT_POLICY_ADAPTIVE, VIEW(0, 7, 0), FIRST },
	{ "adaptive: any, of any number", CINT_POLICY_ADAPTIVE,
	  VIEW(0, 7, 0, .endless = true), SO_MANY(4, 1000) },
	{ "cint: any, or a prefix of more", CINT_POLICY_CINT, VIEW(0, 8, 0, .prefix = 3),
	  SO_MANY(3, 1000) },
	{ "cint: or of less", CINT_POLICY_CINT, VIEW(0, 16, 0, .prefix = 2),
	  SO_MANY(2, 800) },
	{ "cint-a: periods that shrink", CINT_POLICY_CINT_A, VIEW(0, 9, 3), SO_MANY(3, 600) },
	{ "cint-a: for those to come", CINT_POLICY_CINT_A, VIEW(1, 9, 3), SO_MANY(3, 500) },
	{ "cint-a: at any rate", CINT_POLICY_CINT_A, VIEW(0, 9, 3, .gap_ns = 5000),
	  SO_MANY(3, 600) },
	{ "cint-rate: of a rate not known", CINT_POLICY_CINT_RATE, VIEW(0, 9, 3),
	  SO_MANY(3, 600) },
	{ "cint-rate: as they come, and a period", CINT_POLICY_CINT_RATE,
	  VIEW(0, 9, 3, .gap_ns = 50), SO_MANY(3, 550) },
	{ "cint-rate: no longer than max_hold", CINT_POLICY_CINT_RATE,
	  VIEW(0, 9, 3, .gap_ns = 300), SO_MANY(3, 1000) },
	{ "cint-rate: no company in time", CINT_POLICY_CINT_RATE,
	  VIEW(0, 9, 3, .gap_ns = 301), FIRST },
};

static void all_examples(void)
{
	struct cint_params params = { .threshold = 4, .delta_ns = 400, .max_hold_ns = 1000 };
	static struct cint_policy policy;
	const struct example *e = examples;
	struct cint_plan plan;
	struct cint_view view;

	for (; e < examples + sizeof(examples) / sizeof(examples[0]); e++) {
		view = e->view;
		if (e->policy >= 0) {
			params.policy = (__u32)e->policy;
			cint_policy_init(&policy, &params);
			view.policy = &policy;
		}
		plan = cint_decide(&view);
		if (plan.nr != e->plan.nr || (plan.nr && plan.hold_ns != e->plan.hold_ns))
			fprintf(stderr, "%s: for %u, %llu ns\n", e->name, plan.nr,
				(unsigned long long)plan.hold_ns);
		CHECK(plan.nr == e->plan.nr && (!plan.nr || plan.hold_ns == e->plan.hold_ns));
	}

	/* a link, in a wait that would be longer */
	params = (struct cint_params) { .policy = CINT_POLICY_STATIC, .threshold = 4,
					.delta_ns = 5000000, .max_hold_ns = 9000000 };
	cint_policy_init(&policy, &params);
	view = (struct cint_view) VIEW(0, 9, 3, .linked = 1, .policy = &policy);
	CHECK_EQ(cint_decide(&view).hold_ns, 1000000);
	/* nothing is held */
	params.max_hold_ns = 0;
	cint_policy_init(&policy, &params);
	view = (struct cint_view) VIEW(0, 9, 3, .policy = &policy);
	plan = cint_decide(&view);
	CHECK(plan.nr == 1 && plan.hold_ns == CINT_UNBOUNDED);
}

/*
 * The model: requests 0 to n - 1, of which some are urgent, one is a barrier, complete in
 * an order, a time apart.  The program waits and takes all there is, until it has all.
 */
#define REQUESTS	5

struct model {
	unsigned int	order[REQUESTS];	/* request by time */
	unsigned int	urgent;			/* bits */
	unsigned int	barrier;		/* the last of its prefix, REQUESTS: none */
	unsigned int	wait_nr;
	unsigned int	gap;
	const struct cint_policy *policy;
};

static bool prefix_complete(const struct model *m, unsigned int done)
{
	unsigned int all = (2U << m->barrier) - 1;

	return m->barrier < REQUESTS && (done & all) == all;
}

static unsigned int prefix_left(const struct model *m, unsigned int taken)
{
	return m->barrier == REQUESTS ? 0 :
	       (unsigned int)__builtin_popcount(~taken & ((2U << m->barrier) - 1));
}

static void run(const struct model *m)
{
	unsigned int done = 0, taken = 0, next = 0, waits = 0, ready;
	__u64 now = 0, oldest = 0, end;
	struct cint_plan plan;

	while (taken != (1U << REQUESTS) - 1) {
		struct cint_view v = {
			.ready		= (unsigned int)__builtin_popcount(done & ~taken),
			.outstanding	= REQUESTS - next,
			.urgent		= (unsigned int)__builtin_popcount(m->urgent & ~taken),
			.prefix		= prefix_left(m, taken),
			.wait_nr	= m->wait_nr,
			.age_ns		= done & ~taken ? now - oldest : 0,
			.policy		= m->policy,
		};

		CHECK(waits++ <= 2 * REQUESTS);
		plan = cint_decide(&v);
		/* the kernel: until there are so many, or the time has passed and one is there */
		end = plan.hold_ns == CINT_UNBOUNDED ? ~0ULL : now + plan.hold_ns;
		for (;;) {
			ready = (unsigned int)__builtin_popcount(done & ~taken);
			if (!plan.nr || ready >= plan.nr || (now >= end && ready))
				break;
			/* it would sleep on: nobody is waited for */
			CHECK(!(m->urgent & done & ~taken));
			CHECK(!(prefix_complete(m, done) && !prefix_complete(m, taken)));
			/* something ends it */
			CHECK(next < REQUESTS || (end != ~0ULL && ready));
			if (next < REQUESTS && (!ready || (next + 1) * (__u64)m->gap <= end)) {
				if (now < (next + 1) * (__u64)m->gap)
					now = (next + 1) * (__u64)m->gap;
				if (!ready)
					oldest = now;
				done |= 1U << m->order[next++];
			} else {
				now = end;
			}
		}
		if (m->policy && plan.nr > 1)
			CHECK(now - oldest <= MAX_HOLD);
		taken = done;
	}
}

static void all_orders(struct model *m, unsigned int at)
{
	unsigned int i, other;

	if (at == REQUESTS) {
		run(m);
		return;
	}
	for (i = at; i < REQUESTS; i++) {
		other = m->order[i];
		m->order[i] = m->order[at];
		m->order[at] = other;
		all_orders(m, at + 1);
		m->order[at] = m->order[i];
		m->order[i] = other;
	}
}

int main(void)
{
	static const unsigned int gaps[] = { 0, 90, 300, 5000 };
	struct model m = { .order = { 0, 1, 2, 3, 4 } };
	unsigned int i, policy;

	make_policies();
	all_examples();
	all_small();
	printf("%lu cases\n", cases);
	for (m.urgent = 0; m.urgent < 1U << REQUESTS; m.urgent++) {
		for (i = 0; i < (REQUESTS + 1) * 7 * 4; i++) {
			m.barrier = i % (REQUESTS + 1);
			m.wait_nr = i / (REQUESTS + 1) % 7;
			m.gap = gaps[i / (REQUESTS + 1) / 7];
			for (policy = 0; policy <= CINT_POLICY_NR; policy++) {
				m.policy = policy ? &policies[policy - 1] : NULL;
				all_orders(&m, 0);
			}
		}
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Random events against a model of the policies.  The model keeps every request
 * ever submitted and looks at all of them each time, so that it can be read
 * next to the definition: urgent, barrier, threshold, period, bound.
 *
 * usage: policy_model [sequences a policy [seed]]
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/cint_policy.h>

#include "tap.h"

#define MAX_REQUESTS	1024		/* of one sequence */
#define MAX_OUTSTANDING	48

/* --- the model -------------------------------------------------------------- */

struct model_request {
	unsigned int	marks;
	bool		completed;
	int		delivered;	/* times */
	uint64_t	completed_ns;
	struct cint_request *real;
};

struct model {
	struct cint_params	params;
	struct model_request	requests[MAX_REQUESTS];
	bool			barrier_done[MAX_REQUESTS];
	unsigned int		submitted;
	unsigned int		held;
	uint64_t		oldest_ns, deadline_ns;
	/* the rate, as long as the policy is cint-rate */
	bool			rate_known, was_idle, rate_lost;
	uint64_t		last_ns;
	double			gap_ns;
	unsigned int		deepest;
	/* deliveries at once until the host is tried again, and the next such */
	bool			visible, kept;
	unsigned int		asleep, asleep_next;
};

/* What policy.c has. */
#define ASLEEP_MIN		4
#define ASLEEP_MAX		1024

struct model_verdict {
	enum cint_reason	reason;
	bool			only_this;
};

static unsigned int model_outstanding(const struct model *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->submitted; i++)
		n += !m->requests[i].completed;
	return n;
}

/* Is there a barrier whose prefix has completed since we last looked? */
static bool model_barrier(struct model *m)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < m->submitted && m->requests[i].completed; i++) {
		if (!(m->requests[i].marks & CINT_BARRIER))
			continue;
		if (!m->barrier_done[i])
			found = true;
		m->barrier_done[i] = true;
	}
	return found;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The period with @free places left in the batch. */
static uint64_t model_period(const struct model *m, unsigned int free)
{
	const struct cint_params *p = &m->params;
	double a = p->correction / 1000.0;
	double s = (double)free / p->threshold;
	double period;

	if (p->policy < CINT_POLICY_CINT_A)
		return p->delta_ns;
	period = p->correction ? p->delta_ns * expm1(a * s) / expm1(a) :
				 p->delta_ns * s;
	return period > p->delta_min_ns ? llround(period) : p->delta_min_ns;
}

static void model_rate(struct model *m, uint64_t now)
{
	unsigned int outstanding = model_outstanding(m);
	double gap = min64(now - m->last_ns, CINT_DELAY_MAX_NS);

	if (!m->was_idle) {
		m->gap_ns = m->rate_known ? m->gap_ns + (gap - m->gap_ns) / 8 :
					    gap;
		m->rate_known = true;
	}
	m->last_ns = now;
	m->was_idle = !outstanding;
	if (outstanding > m->deepest)
		m->deepest = outstanding;
}

static struct model_verdict model_fire(struct model *m, enum cint_reason reason)
{
	m->held = 0;
	m->deadline_ns = CINT_NO_DEADLINE;
	return (struct model_verdict) { .reason = reason };
}

/*
 * What cint-rate does depends on averages in integers, and on when the depth is
 * sampled.  So the model says what is possible: to wait for no more completions
 * than ever were outstanding, if the expected gap allows it; to deliver if the
 * gap is too long for some number it might wait for.
 */
static struct model_verdict model_rate_verdict(struct model *m,
					       unsigned int free, uint64_t now,
					       const struct cint_coalescer *c,
					       enum cint_reason got)
{
	uint64_t limit = m->oldest_ns + m->params.max_hold_ns;
	struct model_verdict v = { .reason = CINT_HOLD };
	unsigned int tolerance = 2 + m->params.delta_ns / 100000;
	unsigned int places;

	if (!model_outstanding(m))
		return model_fire(m, CINT_FIRE_RATE);
	if (free > m->deepest)
		free = m->deepest;
	for (places = 0; places <= free; places++) {
		uint64_t period = model_period(m, places);
		uint64_t due = min64(now + period, limit);

		if (got == CINT_FIRE_RATE && c->gap_ns + tolerance > period)
			return model_fire(m, CINT_FIRE_RATE);
		if (got == CINT_HOLD && c->gap_ns <= period + tolerance &&
		    c->deadline_ns + tolerance >= due &&
		    c->deadline_ns <= due + tolerance) {
			m->deadline_ns = c->deadline_ns;
			return v;
		}
	}
	/* not possible: the comparison will say so */
	v.reason = got == CINT_HOLD ? CINT_FIRE_RATE : CINT_HOLD;
	m->deadline_ns = limit;
	return v;
}

static struct model_verdict model_complete(struct model *m, unsigned int which,
					   uint64_t now,
					   const struct cint_coalescer *c,
					   enum cint_reason got)
{
	const struct cint_params *p = &m->params;
	struct model_request *r = &m->requests[which];
	bool marks = p->policy >= CINT_POLICY_CINT, barrier;
	bool urgent = marks && (r->marks & CINT_URGENT);
	struct model_verdict v = { .reason = CINT_HOLD };
	unsigned int free;

	r->completed = true;
	r->completed_ns = now;
	model_rate(m, now);
	barrier = model_barrier(m) && marks;

	if (p->policy == CINT_POLICY_NONE)
		return model_fire(m, CINT_FIRE_EACH);
	if (urgent) {
		if (barrier && m->held)
			return model_fire(m, CINT_FIRE_BARRIER);
		if (!(p->flags & CINT_F_OOO))
			return model_fire(m, CINT_FIRE_URGENT);
		/* the others wait no longer if nothing else is to come */
		if (p->policy == CINT_POLICY_CINT_RATE && m->held &&
		    !model_outstanding(m))
			m->deadline_ns = min64(m->deadline_ns, now);
		v.reason = CINT_FIRE_URGENT;
		v.only_this = true;
		return v;
	}
	if (m->held++ == 0)
		m->oldest_ns = now;
	if (barrier)
		return model_fire(m, CINT_FIRE_BARRIER);
	if (m->held >= p->threshold)
		return model_fire(m, CINT_FIRE_THRESHOLD);

	free = p->threshold - m->held;
	if (p->policy == CINT_POLICY_STATIC) {
		m->deadline_ns = m->oldest_ns +
				 min64(p->delta_ns, p->max_hold_ns);
		return v;
	}
	if (p->policy == CINT_POLICY_CINT_RATE)
		return model_rate_verdict(m, free, now, c, got);
	m->deadline_ns = min64(now + model_period(m, free),
			       m->oldest_ns + p->max_hold_ns);
	return v;
}

/* --- the driver of both ----------------------------------------------------- */

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (rng_state >> 16) % below;
}

static struct model m;
static uint64_t sequence_seed;
static unsigned long long events, keeps, fires[CINT_REASON_NR];
static bool failed;

#define FAIL(fmt, ...) do {						\
	if (!failed)							\
		tap_note("seed %#llx, policy %s, event %llu: " fmt,	\
			 (unsigned long long)sequence_seed,		\
			 cint_policy_name(m.params.policy), events,	\
			 ##__VA_ARGS__);				\
	failed = true;							\
} while (0)

static uint32_t random_delay(void)
{
	switch (rng(8)) {
	case 0:
		return 0;
	case 1:
		return rng(10);
	case 2:
		return CINT_DELAY_MAX_NS - rng(2);
	case 3:
		return rng(CINT_DELAY_MAX_NS);
	default:
		return rng(20000);
	}
}

static struct cint_params random_params(unsigned int policy)
{
	static const uint32_t correction[] = { 0, 1, 500, 1000, 2000, 16000 };
	struct cint_params p = {
		.policy = policy,
		.flags = rng(3) ? CINT_F_OOO : 0,
		.threshold = rng(4) ? 1 + rng(16) : 1 + rng(256),
		.delta_ns = random_delay(),
		.delta_min_ns = rng(2) ? rng(1000) : 0,
		.max_hold_ns = random_delay(),
		.correction = correction[rng(6)],
	};

	if (cint_params_check(&p) != CINT_PARAM_OK)
		FAIL("valid parameters refused");
	return p;
}

static void deliver(struct model_request *r)
{
	if (++r->delivered != 1)
		FAIL("delivered %d times", r->delivered);
	if (!r->completed)
		FAIL("delivered before it completed");
}

static void deliver_held(enum cint_reason reason, unsigned int expected)
{
	unsigned int i, n = 0;

	for (i = 0; i < m.submitted; i++) {
		if (m.requests[i].completed && !m.requests[i].delivered) {
			deliver(&m.requests[i]);
			n++;
		}
	}
	if (n != expected)
		FAIL("%s delivers %u, of %u held", cint_reason_name(reason), n,
		     expected);
}

static void compare_state(const struct cint_coalescer *c)
{
	uint64_t off = c->deadline_ns > m.deadline_ns ?
		c->deadline_ns - m.deadline_ns : m.deadline_ns - c->deadline_ns;
	/* the period may be off by 0.001 % or 1 ns, and so may its clamp */
	uint64_t tolerance = m.params.policy < CINT_POLICY_CINT_A ? 0 :
		2 + m.params.delta_ns / 100000;

	if (c->held != m.held)
		FAIL("%u held, want %u", c->held, m.held);
	if (off > tolerance)
		FAIL("deadline %llu, want %llu",
		     (unsigned long long)c->deadline_ns,
		     (unsigned long long)m.deadline_ns);
	if (c->outstanding != model_outstanding(&m))
		FAIL("%u outstanding, want %u", c->outstanding,
		     model_outstanding(&m));
	if (c->held && c->deadline_ns > m.oldest_ns + m.params.max_hold_ns)
		FAIL("would hold longer than max_hold");
	if (!c->held && c->deadline_ns != CINT_NO_DEADLINE)
		FAIL("nothing held, and a deadline");
	/* each step of the integer average rounds by less than one unit */
	if (m.params.policy == CINT_POLICY_CINT_RATE && m.rate_known &&
	    !m.rate_lost && fabs(c->gap_ns - m.gap_ns) > 9)
		FAIL("average gap %u, want %.1f", c->gap_ns, m.gap_ns);
	if (c->kept != m.kept)
		FAIL("kept %u, want %u", c->kept, m.kept);
	if (c->asleep != m.asleep || c->asleep_next != m.asleep_next)
		FAIL("asleep for %u, then %u; want %u, then %u", c->asleep,
		     c->asleep_next, m.asleep, m.asleep_next);
	if (c->depth_x16 > m.deepest * 16 + 16)
		FAIL("average depth %.2f, at most %u were outstanding",
		     c->depth_x16 / 16.0, m.deepest);
}

/* Every barrier fired by now must have had its prefix complete. */
static void check_barrier_fire(void)
{
	unsigned int i;

	for (i = 0; i < m.submitted; i++) {
		if (!m.requests[i].completed)
			break;
		if (m.requests[i].marks & CINT_BARRIER)
			return;
	}
	FAIL("a barrier fired and none has its prefix complete");
}

static void do_submit(struct cint_coalescer *c)
{
	struct model_request *r = &m.requests[m.submitted];
	unsigned int kind = rng(10);

	/* one allocation each, so that a sanitizer sees a stale link */
	r->real = malloc(sizeof(*r->real));
	if (!r->real)
		exit(2);
	memset(r->real, 0xa5, sizeof(*r->real));
	r->marks = kind == 0 ? CINT_URGENT | CINT_BARRIER :
		   kind <= 2 ? CINT_URGENT : kind <= 4 ? CINT_BARRIER : 0;
	m.submitted++;
	cint_submit(c, r->real, r->marks);
}

/* What CINT_FIRE_RATE would deliver may be left to the host. */
static bool do_keep(struct cint_coalescer *c, const struct cint_policy *policy,
		    unsigned int held, uint64_t now)
{
	bool got = cint_keep(c, policy, held, now), want;
	uint64_t limit = m.oldest_ns + m.params.max_hold_ns;
	uint32_t asleep = m.asleep;

	if (got && held == 1 && c->depth_x16 < 16)
		FAIL("a synchronous reader is not told");
	if (got && c->gap_ns > m.params.delta_ns && c->gap_ns > m.params.delta_min_ns)
		FAIL("kept although the gap is %u ns", c->gap_ns);
	/* otherwise it depends on the period only, which has a tolerance */
	want = got ? !model_outstanding(&m) && !asleep : false;
	if (got != want)
		FAIL("kept with %u outstanding, asleep for %u",
		     model_outstanding(&m), asleep);
	if (!got && c->asleep != asleep) {
		if (!asleep || c->asleep != asleep - 1 || model_outstanding(&m))
			FAIL("asleep for %u after %u", c->asleep, asleep);
		m.asleep = c->asleep;
	}
	keeps += got;
	if (!got)
		return false;
	m.kept = true;
	m.held = held;
	m.deadline_ns = c->deadline_ns;
	if (c->deadline_ns > limit || c->deadline_ns < min64(now, limit))
		FAIL("kept until %llu, at most %llu",
		     (unsigned long long)c->deadline_ns,
		     (unsigned long long)limit);
	return true;
}

static void do_complete(struct cint_coalescer *c,
			const struct cint_policy *policy, uint64_t now)
{
	unsigned int skip = model_outstanding(&m), which, held = m.held;
	struct model_verdict want;
	struct cint_verdict got;

	if (!skip)
		return;
	/* mostly near the order of submission, at times anywhere */
	skip = rng(rng(3) ? (skip < 4 ? skip : 4) : skip);
	for (which = 0; m.requests[which].completed || skip; which++)
		skip -= !m.requests[which].completed;

	got = cint_complete(c, policy, m.requests[which].real, now);
	free(m.requests[which].real);
	m.requests[which].real = NULL;
	want = model_complete(&m, which, now, c, got.reason);
	fires[got.reason]++;

	if (got.reason != want.reason)
		FAIL("verdict %s, want %s", cint_reason_name(got.reason),
		     cint_reason_name(want.reason));
	if (got.reason != CINT_HOLD && held && got.only_this != want.only_this)
		FAIL("%s delivers %s", cint_reason_name(got.reason),
		     got.only_this ? "only this" : "all");

	if (m.requests[which].marks & CINT_URGENT &&
	    m.params.policy >= CINT_POLICY_CINT && got.reason == CINT_HOLD)
		FAIL("urgent was held");
	if (got.reason == CINT_FIRE_BARRIER)
		check_barrier_fire();
	if (got.reason == CINT_HOLD)
		return;
	if (got.reason == CINT_FIRE_RATE && m.visible &&
	    do_keep(c, policy, held + 1, now))
		return;
	if (got.only_this)
		deliver(&m.requests[which]);
	else
		deliver_held(got.reason, held + 1);
}

static void do_expire(struct cint_coalescer *c, uint64_t now)
{
	unsigned int held = m.held;
	uint64_t limit = m.oldest_ns + (m.params.policy == CINT_POLICY_STATIC ?
		min64(m.params.delta_ns, m.params.max_hold_ns) :
		m.params.max_hold_ns);
	/* the computed period may be off by its tolerance, as in compare_state() */
	bool bounded = c->deadline_ns == limit;
	enum cint_reason want = CINT_HOLD, got;

	if (held && now >= c->deadline_ns)
		want = bounded ? CINT_FIRE_MAX_HOLD : CINT_FIRE_QUIET;
	got = cint_expire(c, now);
	fires[got]++;
	if (got != want)
		FAIL("expire %s, want %s", cint_reason_name(got),
		     cint_reason_name(want));
	if (got == CINT_HOLD)
		return;
	if (m.kept && !model_outstanding(&m)) {
		m.asleep = m.asleep_next;
		m.asleep_next = m.asleep < ASLEEP_MAX ? 2 * m.asleep : ASLEEP_MAX;
	}
	m.kept = false;
	deliver_held(got, held);
	model_fire(&m, got);
}

static void do_taken(struct cint_coalescer *c)
{
	if (m.kept && !model_outstanding(&m))
		m.asleep_next = ASLEEP_MIN;
	m.kept = false;
	cint_taken(c);
	deliver_held(CINT_FIRE_FLUSH, m.held);
	model_fire(&m, CINT_FIRE_FLUSH);
}

static void do_flush(struct cint_coalescer *c)
{
	unsigned int held = m.held, got = cint_flush(c);

	m.kept = false;
	m.asleep = 0;
	m.asleep_next = ASLEEP_MIN;
	fires[CINT_FIRE_FLUSH] += !!held;
	if (got != held)
		FAIL("flush says %u, %u are held", got, held);
	deliver_held(CINT_FIRE_FLUSH, held);
	model_fire(&m, CINT_FIRE_FLUSH);
}

static void run_sequence(unsigned int policy_nr)
{
	static struct cint_policy policy;
	/* how far apart events are: all at once, a drive's pace, pauses */
	const uint32_t pace[] = { 1, 100, 2000, 50000, 30000000 };
	uint32_t step = pace[rng(5)], depth = 1 + rng(MAX_OUTSTANDING);
	unsigned int i, submit_share = 30 + rng(50);
	uint64_t now = (uint64_t)rng(1000) << rng(40);
	struct cint_coalescer c;

	memset(&m, 0, sizeof(m));
	m.deadline_ns = CINT_NO_DEADLINE;
	m.was_idle = true;
	m.params = random_params(policy_nr);
	cint_policy_init(&policy, &m.params);
	memset(&c, 0xa5, sizeof(c));
	cint_coalescer_init(&c);
	m.visible = rng(2);
	m.asleep_next = ASLEEP_MIN;

	while (m.submitted < MAX_REQUESTS / 4 && !failed) {
		events++;
		now += rng(step);
		if (rng(100) < submit_share && model_outstanding(&m) < depth)
			do_submit(&c);
		else
			do_complete(&c, &policy, now);
		compare_state(&c);

		/* as a poller would: on time, late or not at all for a while */
		if (m.held && rng(8) == 0) {
			if (c.deadline_ns > now && rng(2))
				now = c.deadline_ns - rng(2);
			do_expire(&c, now);
			compare_state(&c);
		}
		if (m.visible && rng(20) == 0) {
			do_taken(&c);
			compare_state(&c);
		}
		if (rng(200) == 0) {
			do_flush(&c);
			if (rng(2)) {
				/* learnt under one policy, lost for the next */
				m.rate_lost = true;
				m.params = random_params(rng(CINT_POLICY_NR));
				cint_policy_init(&policy, &m.params);
			}
			compare_state(&c);
		}
	}
	/* the device completes the rest, the poller delivers what is held */
	while (model_outstanding(&m) && !failed) {
		now += rng(step);
		do_complete(&c, &policy, now);
		compare_state(&c);
	}
	if (m.held && !failed) {
		uint64_t due = c.deadline_ns;

		if (due > now)
			do_expire(&c, due - 1);
		do_expire(&c, due > now ? due : now);
	}
	for (i = 0; i < m.submitted; i++) {
		if (!failed && m.requests[i].delivered != 1)
			FAIL("request %u delivered %d times in the end", i,
			     m.requests[i].delivered);
		free(m.requests[i].real);
	}
}

int main(int argc, char **argv)
{
	unsigned int nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 1500;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	unsigned int policy, i;

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		failed = false;
		for (i = 0; i < nr && !failed; i++) {
			/* a seed given is a sequence's, printed on failure */
			sequence_seed = seed ? seed + i :
				0x9e3779b97f4a7c15ULL * (policy * nr + i + 1);
			rng_state = sequence_seed;
			run_sequence(policy);
		}
		tap_result(!failed, "%u random sequences that start with %s", i,
			   cint_policy_name(policy));
	}
	/* a reason never given is a reason never tested */
	for (i = CINT_FIRE_EACH; i <= CINT_FIRE_FLUSH; i++)
		tap_result(fires[i], "%s was reached, %llu times",
			   cint_reason_name(i), fires[i]);
	tap_result(keeps, "what the host sees was left to it, %llu times", keeps);
	tap_note("%llu events", events);
	return tap_done();
}

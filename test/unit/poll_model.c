// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * When to look for completions that no interrupt announces, against a model of a
 * drive: no completion waits for longer than max_hold, the times of the drive are
 * learnt, and the prefix of a barrier is complete when it is, not before.
 */
#include <string.h>

#include <linux/cint_poll.h>

#include "tap.h"

#define DEPTH		64
#define SHORTEST_NS	2000	/* between two looks */

static __u64 rng_state = 1;

static __u32 rng(__u32 below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (rng_state >> 20) % below;
}

/* Requests submitted and not found completed. */
static __u32 outstanding(const struct cint_poll *p)
{
	__u32 nr = 0;
	int i;

	for (i = 0; i < CINT_POLL_EPOCHS; i++)
		nr += p->sent[i] - p->done[i];
	return nr;
}

/* A drive that completes after service_ns to 5/4 of it, one each gap_ns. */
struct drive {
	__u32 service_ns, gap_ns;
	__u64 free_ns;			/* when it can complete the next */
	__u64 due_ns[DEPTH];		/* 0: no request */
	__u16 epoch[DEPTH];
};

static void submit(struct drive *d, struct cint_poll *p, __u64 now_ns)
{
	int i;

	for (i = 0; d->due_ns[i]; i++)
		;
	if (!outstanding(p))
		cint_poll_busy(p, now_ns);
	d->epoch[i] = cint_poll_submit(p);
	d->due_ns[i] = now_ns + d->service_ns + rng(d->service_ns / 4 + 1);
	if (d->due_ns[i] < d->free_ns)
		d->due_ns[i] = d->free_ns;
	d->free_ns = d->due_ns[i] + d->gap_ns;
}

struct looks {
	unsigned long long looks, found, held_ns;
	__u64 longest_ns;		/* a completion waited */
};

static __u32 look(struct drive *d, struct cint_poll *p, __u64 now_ns,
		  struct looks *l)
{
	__u32 found = 0;
	int i;

	for (i = 0; i < DEPTH; i++) {
		__u64 held_ns = now_ns - d->due_ns[i];

		if (!d->due_ns[i] || d->due_ns[i] > now_ns)
			continue;
		if (held_ns > l->longest_ns)
			l->longest_ns = held_ns;
		l->held_ns += held_ns;
		cint_poll_complete(p, d->epoch[i]);
		d->due_ns[i] = 0;
		found++;
	}
	cint_poll_looked(p, found, outstanding(p), false, now_ns);
	l->looks++;
	l->found += found;
	return found;
}

/*
 * Batches with pauses in between, or with batch 0 a stream that replaces what
 * has been found; looks by the timer alone.
 */
static struct looks run(const struct cint_params *params, __u32 service_ns,
			__u32 gap_ns, unsigned int depth, bool stream,
			unsigned int rounds, struct cint_poll *p)
{
	struct drive d = { .service_ns = service_ns, .gap_ns = gap_ns };
	struct looks l = { 0 }, warm = { 0 };
	struct cint_policy policy;
	__u64 now_ns = 1000000;
	unsigned int i, j;
	__u32 next;

	cint_policy_init(&policy, params);
	for (i = 0; i < rounds; i++) {
		/* the second half counts, when the times have settled */
		if (i == rounds / 2)
			warm = l;
		for (j = stream ? outstanding(p) : 0; j < depth; j++)
			submit(&d, p, now_ns);
		while ((next = cint_poll_interval(p, &policy, outstanding(p), SHORTEST_NS, policy.params.max_hold_ns, now_ns))) {
			now_ns += next;
			if (look(&d, p, now_ns, &l) && stream)
				break;
		}
		if (!stream)
			now_ns += rng(200000);
	}
	l.looks -= warm.looks;
	l.found -= warm.found;
	l.held_ns -= warm.held_ns;
	return l;
}

static void test_bound(void)
{
	unsigned int policy, i;

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		__u64 over = 0;

		for (i = 0; i < 300; i++) {
			struct cint_params params = {
				.policy		= policy,
				.threshold	= 1 + rng(CINT_THRESHOLD_MAX),
				.delta_ns	= rng(400000),
				.delta_min_ns	= rng(100000),
				.max_hold_ns	= rng(400000),
				.correction	= rng(CINT_CORRECTION_MAX),
			};
			struct cint_poll p;
			struct looks l;
			__u32 limit;

			cint_poll_init(&p);
			/* the drive changes under what has been learnt */
			run(&params, 1000 + rng(2000000), rng(20000),
			    1 + rng(DEPTH), rng(2), 20, &p);
			while (outstanding(&p)) {
				/* the stream's rest */
				cint_poll_complete(&p, p.epoch % CINT_POLL_EPOCHS);
			}
			l = run(&params, 1000 + rng(20000), rng(2000),
				1 + rng(DEPTH), false, 20, &p);
			limit = params.max_hold_ns > SHORTEST_NS ?
				params.max_hold_ns : SHORTEST_NS;
			if (l.longest_ns > limit)
				over = l.longest_ns - limit;
		}
		tap_result(!over, "%s: nothing waits past max_hold (%llu ns more)",
			   cint_policy_name(policy), (unsigned long long)over);
	}
}

/* A batch is found complete soon after it is, and by few looks. */
static void test_learns(void)
{
	static const __u32 services[] = { 3000, 10000, 80000, 400000 };
	static const unsigned int depths[] = { 1, 4, 16 };
	struct cint_params params;
	unsigned int i, j;

	cint_params_default(&params);
	params.policy = CINT_POLICY_CINT_RATE;
	params.max_hold_ns = 1000000;
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 3; j++) {
			double per_batch, late_ns;
			struct cint_poll p;
			struct looks l;

			cint_poll_init(&p);
			l = run(&params, services[i], 2000, depths[j], false,
				2000, &p);
			per_batch = l.looks / 1000.0;
			/* those of a batch wait for each other */
			late_ns = (double)l.held_ns / l.found -
				2000.0 * (depths[j] - 1) / 2;
			tap_result(per_batch <= 2.5 &&
				   late_ns < services[i] / 4.0 + SHORTEST_NS,
				   "%u ns, %u at once: %.2f looks, %.0f ns late",
				   services[i], depths[j], per_batch, late_ns);
		}
	}
}

/* The gaps of a stream that its reader kept slow are not those of a burst. */
static void test_forgets(void)
{
	struct cint_params params;
	struct cint_poll p;
	double late_ns;
	struct looks l;

	cint_params_default(&params);
	params.policy = CINT_POLICY_CINT_RATE;
	params.threshold = 40;
	params.delta_ns = 60000;
	params.delta_min_ns = 40000;
	params.max_hold_ns = 1000000;
	cint_poll_init(&p);
	p.gap_ns = 20000;
	l = run(&params, 10000, 2000, 24, false, 2000, &p);
	late_ns = (double)l.held_ns / l.found - 2000.0 * 23 / 2;
	tap_result(l.looks / 1000.0 <= 2.5 && late_ns < 10000,
		   "bursts after a slow stream: %.2f looks, %.0f ns late",
		   l.looks / 1000.0, late_ns);
}

/* A stream is looked for once a batch, whatever the policy calls a batch. */
static void test_stream(void)
{
	unsigned int policy;

	for (policy = CINT_POLICY_STATIC; policy < CINT_POLICY_NR; policy++) {
		struct cint_params params;
		struct cint_poll p;
		struct looks l;
		double batch;

		cint_params_default(&params);
		params.policy = policy;
		cint_poll_init(&p);
		l = run(&params, 10000, 4000, 32, true, 2000, &p);
		batch = (double)l.found / l.looks;
		tap_result(batch >= 5, "%s: %.1f completions a look",
			   cint_policy_name(policy), batch);
	}
}

static void test_idle(void)
{
	struct cint_params params;
	struct cint_policy policy;
	struct cint_poll p;
	__u16 epoch;

	cint_params_default(&params);
	cint_policy_init(&policy, &params);
	cint_poll_init(&p);
	tap_result(!cint_poll_interval(&p, &policy, outstanding(&p), SHORTEST_NS, policy.params.max_hold_ns, 5),
		   "no look when nothing is outstanding");
	cint_poll_busy(&p, 10);
	epoch = cint_poll_submit(&p);
	tap_result(cint_poll_interval(&p, &policy, outstanding(&p), SHORTEST_NS, policy.params.max_hold_ns, 10) >= SHORTEST_NS,
		   "a look when something is");
	cint_poll_complete(&p, epoch);
	cint_poll_looked(&p, 1, outstanding(&p), false, 20000);
	tap_result(!cint_poll_interval(&p, &policy, outstanding(&p), SHORTEST_NS, policy.params.max_hold_ns, 20000),
		   "none any more when it has completed");
}

/*
 * Requests and barriers in random order, completed in random order; the model
 * numbers the requests.
 */
static void test_barriers(void)
{
	unsigned int early = 0, late = 0, awaited = 0;
	unsigned int round, i;

	for (round = 0; round < 20000; round++) {
		unsigned int number[DEPTH] = { 0 }, sent = 1, barrier, oldest;
		__u16 epoch[DEPTH], barrier_epoch;
		unsigned int barriers = rng(CINT_POLL_EPOCHS - 1);
		struct cint_poll p;
		bool told = false;

		cint_poll_init(&p);
		p.epoch = rng(65536);
		p.slot = p.epoch % CINT_POLL_EPOCHS;
		p.busy_ns = 1;
		/* some before, closed by barriers that have been delivered */
		for (i = 0; i < DEPTH / 2; i++) {
			epoch[i] = cint_poll_submit(&p);
			number[i] = sent++;
			if (barriers && !rng(4)) {
				cint_poll_barrier(&p);
				barriers--;
			}
		}
		barrier = sent;
		barrier_epoch = cint_poll_barrier(&p);
		for (; i < DEPTH; i++) {
			epoch[i] = cint_poll_submit(&p);
			number[i] = sent++;
		}
		cint_poll_await(&p, barrier_epoch, 1);
		awaited++;
		do {
			bool complete;

			i = rng(DEPTH);
			if (!number[i])
				continue;
			number[i] = 0;
			cint_poll_complete(&p, epoch[i]);
			complete = cint_poll_looked(&p, 1, outstanding(&p), false, 1000);
			oldest = sent;
			for (i = 0; i < DEPTH; i++)
				if (number[i] && number[i] < oldest)
					oldest = number[i];
			if (complete && oldest < barrier)
				early++;
			if (!complete && !told && oldest >= barrier)
				late++;
			told |= complete;
		} while (outstanding(&p));
	}
	tap_result(!early, "no prefix of %u is complete before it is (%u)",
		   awaited, early);
	tap_result(!late, "nor later (%u)", late);
}

/* More barriers than can be told apart: later, but never before. */
static void test_many_barriers(void)
{
	struct cint_poll p;
	__u16 epoch[DEPTH], barrier[DEPTH];
	bool complete;
	int i;

	cint_poll_init(&p);
	p.busy_ns = 1;
	for (i = 0; i < DEPTH; i++) {
		epoch[i] = cint_poll_submit(&p);
		barrier[i] = cint_poll_barrier(&p);
	}
	cint_poll_await(&p, barrier[DEPTH - 1], 1);
	for (i = DEPTH - 1; i > 0; i--) {
		cint_poll_complete(&p, epoch[i]);
		if (cint_poll_looked(&p, 1, outstanding(&p), false, 1000))
			break;
	}
	tap_result(!i, "%d barriers at once: not before the oldest request", DEPTH);
	cint_poll_complete(&p, epoch[0]);
	complete = cint_poll_looked(&p, 1, outstanding(&p), false, 1000);
	tap_result(complete && !outstanding(&p), "but then");
}

static void test_barrier_interval(void)
{
	struct cint_params params;
	struct cint_policy policy;
	struct cint_poll p;
	__u16 epoch, barrier;

	cint_params_default(&params);
	params.delta_min_ns = 7000;
	cint_policy_init(&policy, &params);
	cint_poll_init(&p);
	cint_poll_busy(&p, 1);
	epoch = cint_poll_submit(&p);
	barrier = cint_poll_barrier(&p);
	cint_poll_await(&p, barrier, 1);
	tap_result(cint_poll_interval(&p, &policy, outstanding(&p), SHORTEST_NS, policy.params.max_hold_ns, 100) == 7000,
		   "delta_min to the next look for a barrier's prefix");
	cint_poll_complete(&p, epoch);
	tap_result(cint_poll_looked(&p, 1, outstanding(&p), false, 8000), "which is then complete");
}

/*
 * A request that takes 20 ms is the prefix of a barrier that has completed, beside others
 * that complete one after another: what is found of these is no reason to look sooner.
 */
static void test_late_prefix(void)
{
	static const __u32 gaps_ns[] = { 5000, 20000, 100000 };
	__u32 since_ns, interval;
	struct cint_params params;
	struct cint_policy policy;
	unsigned int i, looks;
	struct cint_poll p;
	__u16 epoch, other;
	__u64 now_ns;

	cint_params_default(&params);
	params.delta_min_ns = 0;
	cint_policy_init(&policy, &params);
	for (i = 0; i < sizeof(gaps_ns) / sizeof(gaps_ns[0]); i++) {
		cint_poll_init(&p);
		cint_poll_busy(&p, 1);
		epoch = cint_poll_submit(&p);
		cint_poll_await(&p, cint_poll_barrier(&p), 1);
		other = cint_poll_submit(&p);
		since_ns = 0;
		for (now_ns = 1, looks = 0; now_ns < 20000000; looks++) {
			__u32 found = 0;

			interval = cint_poll_interval(&p, &policy, outstanding(&p), SHORTEST_NS,
						      params.max_hold_ns, now_ns);
			now_ns += interval;
			for (since_ns += interval; since_ns >= gaps_ns[i]; since_ns -= gaps_ns[i]) {
				cint_poll_complete(&p, other);
				other = cint_poll_submit(&p);
				found++;
			}
			cint_poll_looked(&p, found, outstanding(&p), false, now_ns);
		}
		/* one each max_hold, and some in the beginning */
		tap_result(looks <= 20000000 / params.max_hold_ns + 25,
			   "%u looks in 20 ms for a prefix beside a completion each %u ns", looks,
			   gaps_ns[i]);
		cint_poll_complete(&p, epoch);
		tap_result(cint_poll_looked(&p, 1, outstanding(&p), false, now_ns),
			   "and it is found");
	}
}

/*
 * Who watches all the time delivers when the policy would: completions one by one
 * go to both, and what is due by the one is by the other.
 */
static void test_due(void)
{
	unsigned int policy, i, n;

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		unsigned int differ = 0, delivered = 0;

		for (i = 0; i < 200; i++) {
			struct cint_params params = {
				.policy		= policy,
				.flags		= CINT_F_OOO,
				.threshold	= 1 + rng(40),
				.delta_ns	= rng(40000),
				.delta_min_ns	= rng(10000),
				.max_hold_ns	= rng(200000),
				.correction	= rng(CINT_CORRECTION_MAX),
			};
			struct cint_request requests[DEPTH];
			__u64 now_ns = 1000000, first_ns = 0;
			struct cint_coalescer c;
			struct cint_policy pol;
			struct cint_poll p;
			__u32 ready = 0;

			cint_policy_init(&pol, &params);
			cint_coalescer_init(&c);
			cint_poll_init(&p);
			for (n = 0; n < DEPTH; n++)
				cint_submit(&c, &requests[n], 0);
			for (n = 0; n < DEPTH; n++) {
				enum cint_reason ours, theirs;

				/* what is learnt of the rate is not compared */
				c.gap_ns = 0;
				p.gap_ns = 0;
				c.not_free = 0;
				now_ns += rng(20000);
				/* the deadline may have passed meanwhile */
				theirs = cint_expire(&c, now_ns);
				cint_poll_due(&p, &pol, DEPTH - n + ready, ready,
					      first_ns, now_ns - 1, now_ns);
				if (theirs != CINT_HOLD)
					ready = 0;
				theirs = cint_complete(&c, &pol, &requests[n],
						       now_ns).reason;
				if (!ready++)
					first_ns = now_ns;
				ours = cint_poll_due(&p, &pol,
						     DEPTH - n - 1 + ready,
						     ready, first_ns, now_ns,
						     now_ns);
				if (policy == CINT_POLICY_CINT_RATE && c.gap_ns)
					theirs = ours;
				/* a period of 0 is over at once, or with the next */
				if (theirs == CINT_HOLD && c.deadline_ns <= now_ns)
					theirs = ours;
				differ += theirs != ours;
				if (theirs != CINT_HOLD) {
					delivered++;
					ready = 0;
				}
			}
		}
		tap_result(!differ && delivered,
			   "%s: due when the policy says so (%u of %u are not)",
			   cint_policy_name(policy), differ, delivered);
	}
}

/* A queue with requests since 1000000, of which nothing is known but what is the default. */
static struct cint_poll fresh_queue(void)
{
	struct cint_poll p;

	cint_poll_init(&p);
	cint_poll_busy(&p, 1000000);
	return p;
}

/* The time to the next look, by hand: service time 10 us, gap 2 us. */
static void test_intervals(void)
{
	static const struct {
		const char *name;
		__u32 policy, outstanding, max_hold_ns, gap_ns;
		__u32 shortest_ns, longest_ns, late_ns, want_ns;
	} rows[] = {
		{ "none: when the first is expected", CINT_POLICY_NONE, 9, 20000, 0, 1, 99999, 0, 10000 },
		{ "static: and the timeout", CINT_POLICY_STATIC, 3, 20000, 0, 1, 99999, 0, 13000 },
		{ "static: a full batch no later", CINT_POLICY_STATIC, 9, 20000, 0, 1, 99999, 0, 13000 },
		{ "static: a full batch", CINT_POLICY_STATIC, 4, 20000, 500, 1, 99999, 0, 11500 },
		{ "adaptive: when all have come, and a period", CINT_POLICY_ADAPTIVE, 3, 20000, 0, 1, 99999, 0, 17000 },
		{ "adaptive: one, and a period", CINT_POLICY_ADAPTIVE, 1, 20000, 0, 1, 99999, 0, 13000 },
		{ "adaptive: a batch", CINT_POLICY_ADAPTIVE, 4, 20000, 0, 1, 99999, 0, 16000 },
		{ "adaptive: a batch of more", CINT_POLICY_ADAPTIVE, 9, 20000, 0, 1, 99999, 0, 16000 },
		{ "adaptive: no later than max_hold", CINT_POLICY_ADAPTIVE, 3, 5000, 0, 1, 99999, 0, 15000 },
		{ "cint-a: the period of two", CINT_POLICY_CINT_A, 2, 20000, 0, 1, 99999, 0, 13500 },
		{ "cint-rate: no company in time", CINT_POLICY_CINT_RATE, 3, 20000, 751, 1, 99999, 0, 10000 },
		{ "cint-rate: all, but no period", CINT_POLICY_CINT_RATE, 3, 20000, 750, 1, 99999, 0, 11500 },
		{ "no later than the longest", CINT_POLICY_NONE, 1, 20000, 0, 1, 4000, 0, 4000 },
		{ "no sooner than the shortest", CINT_POLICY_NONE, 1, 20000, 0, 12000, 99999, 0, 12000 },
		{ "which comes first", CINT_POLICY_NONE, 1, 20000, 0, 12000, 4000, 0, 12000 },
		{ "overdue: an eighth of the service time", CINT_POLICY_NONE, 1, 20000, 0, 1, 99999, 10000, 1250 },
		{ "longer in vain, rarer", CINT_POLICY_NONE, 1, 20000, 0, 1, 99999, 17000, 7000 },
		{ "but not rarer than the longest", CINT_POLICY_NONE, 1, 20000, 0, 1, 5000, 17000, 5000 },
		{ "overdue, and the shortest", CINT_POLICY_NONE, 1, 20000, 0, 3000, 99999, 10000, 3000 },
		{ "nor sooner than it is due", CINT_POLICY_STATIC, 1, 20000, 0, 1, 99999, 11000, 2000 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cint_params params = {
			.policy = rows[i].policy, .threshold = 4, .delta_ns = 3000,
			.max_hold_ns = rows[i].max_hold_ns,
		};
		struct cint_poll p = fresh_queue();
		struct cint_policy policy;
		__u32 got;

		cint_policy_init(&policy, &params);
		if (rows[i].gap_ns)
			p.gap_ns = rows[i].gap_ns;
		got = cint_poll_interval(&p, &policy, rows[i].outstanding,
					 rows[i].shortest_ns, rows[i].longest_ns,
					 1000000 + rows[i].late_ns);
		tap_result(got == rows[i].want_ns, "%s: %u ns", rows[i].name,
			   rows[i].want_ns);
		if (got != rows[i].want_ns)
			tap_note("%u ns", got);
	}
}

/* What single looks teach, by hand: the first after a pause, and those that follow. */
static void test_lessons(void)
{
	static const struct {
		const char *name;
		__u32 vain_ns, found, outstanding, at_ns, service_ns, gap_ns;
	} first[] = {
		{ "sooner than expected", 0, 1, 0, 8000, 8000, 2000 },
		{ "at once", 0, 1, 0, 0, 0, 2000 },
		{ "as expected: less, by a 32nd", 0, 1, 0, 10000, 9688, 2000 },
		{ "one of two that were: more, by an eighth", 0, 1, 5, 12000, 11500, 2000 },
		{ "two of two", 0, 2, 5, 12000, 9688, 2000 },
		{ "there are no more", 0, 1, 0, 30000, 9688, 2000 },
		{ "all of a burst: its gaps, too", 0, 4, 0, 16000, 9688, 1938 },
		{ "a burst of two", 0, 2, 0, 16000, 9688, 1938 },
		{ "half way from a look in vain", 10000, 1, 3, 20000, 15000, 2000 },
		{ "a look in vain at the same time", 10000, 1, 0, 10000, 9688, 2000 },
		{ "nothing is longer than 10 ms", 9000000, 1, 0, 90000000, 9500000, 2000 },
		{ "nor is what it is corrected by", 0, 1, 5, 90000000, 1260000, 2000 },
	}, next[] = {
		{ "a longer gap, by an eighth", 0, 2, 3, 8000, 0, 2250 },
		{ "a shorter one", 0, 2, 3, 2000, 0, 1875 },
		{ "a shorter one, and none is left", 0, 2, 0, 2000, 0, 1758 },
		{ "a longer one, and none is left", 0, 1, 0, 9000, 0, 1875 },
		{ "nothing found, nothing learnt", 0, 0, 3, 9000, 0, 2000 },
		{ "no longer than the service time", 0, 1, 3, 900000, 0, 10000 },
	};
	struct cint_params params;
	struct cint_policy policy;
	struct cint_poll p;
	unsigned int i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		p = fresh_queue();
		if (first[i].vain_ns)
			cint_poll_looked(&p, 0, 1, false, 1000000 + first[i].vain_ns);
		cint_poll_looked(&p, first[i].found, first[i].outstanding, false,
				 1000000 + first[i].at_ns);
		tap_result(p.service_ns == first[i].service_ns &&
			   p.gap_ns == first[i].gap_ns, "the first look: %s", first[i].name);
		if (p.service_ns != first[i].service_ns || p.gap_ns != first[i].gap_ns)
			tap_note("service %u, gap %u", p.service_ns, p.gap_ns);
	}
	for (i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
		p = fresh_queue();
		p.fresh = 0;
		p.last_ns = 1000000;
		cint_poll_looked(&p, next[i].found, next[i].outstanding, false,
				 1000000 + next[i].at_ns);
		tap_result(p.gap_ns == next[i].gap_ns && p.service_ns == 10000,
			   "further looks: %s", next[i].name);
		if (p.gap_ns != next[i].gap_ns)
			tap_note("gap %u", p.gap_ns);
	}

	/* gaps too short to measure */
	p = fresh_queue();
	p.gap_ns = 0;
	cint_poll_looked(&p, 1, 5, false, 1012000);
	tap_result(p.service_ns == 11500, "without a gap all could have been found");
	p = fresh_queue();
	p.gap_ns = 1;
	cint_poll_looked(&p, 1, 5, false, 1010001);
	tap_result(p.service_ns == 11250, "with one of 1 ns, one more");

	/* times at both ends */
	p = fresh_queue();
	p.service_ns = 2;
	p.gap_ns = 1;
	cint_poll_looked(&p, 1, 5, false, 1000004);
	tap_result(p.service_ns == 3, "a correction is of 1 ns at least");
	p = fresh_queue();
	p.service_ns = 9900000;
	cint_poll_looked(&p, 1, 5, false, 1010000000);
	tap_result(p.service_ns == 10000000, "no drive is taken to need more than 10 ms");

	/* of three looks that leave some, only the last knows how many there were */
	p = fresh_queue();
	p.fresh = 0;
	p.last_ns = 1000000;
	cint_poll_looked(&p, 1, 7, true, 1005000);
	cint_poll_looked(&p, 1, 6, true, 1006000);
	tap_result(p.gap_ns == 2000 && p.last_ns == 1000000, "a look that leaves some teaches nothing");
	cint_poll_looked(&p, 2, 4, false, 1016000);
	tap_result(p.gap_ns == 2250 && p.last_ns == 1016000, "but they count with those of the next");
	cint_poll_looked(&p, 1, 3, false, 1016000 + 2250);
	tap_result(p.gap_ns == 2250, "and only once");

	/* a queue that is known: the gap from the last, the service time after a pause */
	params = (struct cint_params) { .policy = CINT_POLICY_NONE, .threshold = 4,
					.max_hold_ns = 20000 };
	cint_policy_init(&policy, &params);
	p = fresh_queue();
	cint_poll_looked(&p, 1, 2, false, 1008000);
	tap_result(cint_poll_interval(&p, &policy, 2, 1, 99999, 1008500) == 1500,
		   "the next is expected a gap after the last");
	cint_poll_busy(&p, 2000000);
	tap_result(cint_poll_interval(&p, &policy, 1, 1, 99999, 2000000) == 8000,
		   "after a pause it is one service time, as learnt");
	/* each pause is looked into anew */
	cint_poll_looked(&p, 0, 1, false, 2004000);
	cint_poll_looked(&p, 1, 0, false, 2008000);
	cint_poll_busy(&p, 3000000);
	cint_poll_looked(&p, 1, 0, false, 3005000);
	tap_result(p.service_ns == 5000, "a look in vain counts for its own pause only");
}

static void test_awaiting(void)
{
	struct cint_params params = { .policy = CINT_POLICY_CINT, .threshold = 4,
				      .delta_ns = 3000, .delta_min_ns = 700,
				      .max_hold_ns = 20000 };
	struct cint_poll p = fresh_queue();
	struct cint_policy policy;
	__u16 epoch, first;

	cint_policy_init(&policy, &params);
	cint_poll_submit(&p);
	epoch = cint_poll_barrier(&p);
	cint_poll_await(&p, epoch, 1000000);
	tap_result(cint_poll_interval(&p, &policy, 1, 1, 99999, 1040000) == 10000,
		   "for a prefix: a quarter of the time waited");
	tap_result(cint_poll_interval(&p, &policy, 1, 1, 8000, 1040000) == 8000,
		   "no later than the longest");
	tap_result(cint_poll_interval(&p, &policy, 1, 12000, 99999, 1040000) == 12000,
		   "no sooner than the shortest");
	tap_result(cint_poll_interval(&p, &policy, 1, 1, 99999, 1000400) == 700,
		   "no sooner than delta_min");
	p.last_ns = 1036000;
	tap_result(cint_poll_interval(&p, &policy, 1, 1, 99999, 1040000) == 10000,
		   "whatever completes meanwhile");
	tap_result(!cint_poll_looked(&p, 0, 1, false, 1041000), "a prefix is not complete");
	tap_result(cint_poll_due(&p, &policy, 1, 0, 0, 0, 1041000) == CINT_HOLD &&
		   cint_poll_due(&p, &policy, 1, 1, 1041000, 1041000, 1041000) ==
		   CINT_FIRE_BARRIER, "what is ready for it is due");

	/* nor the other way round */
	p = fresh_queue();
	first = cint_poll_submit(&p);
	cint_poll_await(&p, cint_poll_barrier(&p), 1000000);
	cint_poll_submit(&p);
	cint_poll_await(&p, cint_poll_barrier(&p), 1000000);
	cint_poll_complete(&p, first);
	tap_result(!cint_poll_looked(&p, 1, 1, false, 1010000), "a later barrier is waited for, too");

	/* a barrier that came before is complete with the one after it */
	p = fresh_queue();
	first = cint_poll_submit(&p);
	epoch = cint_poll_barrier(&p);
	cint_poll_submit(&p);
	cint_poll_await(&p, cint_poll_barrier(&p), 1000000);
	cint_poll_await(&p, epoch, 1000000);
	cint_poll_complete(&p, first);
	tap_result(!cint_poll_looked(&p, 1, 1, false, 1010000), "an older barrier does not hide a later one");
	cint_poll_complete(&p, 1);
	tap_result(cint_poll_looked(&p, 1, 0, false, 1020000) &&
		   !cint_poll_looked(&p, 0, 0, false, 1021000),
		   "when both are complete it is told once");
}

static void test_due_reasons(void)
{
	static const struct {
		const char *name;
		__u32 policy, outstanding, ready, gap_ns, first_ns, last_ns;
		enum cint_reason want;
	} rows[] = {
		{ "nothing", CINT_POLICY_NONE, 4, 0, 0, 0, 0, CINT_HOLD },
		{ "none: each", CINT_POLICY_NONE, 4, 1, 0, 0, 0, CINT_FIRE_EACH },
		{ "a batch", CINT_POLICY_CINT, 9, 4, 0, 0, 0, CINT_FIRE_THRESHOLD },
		{ "less", CINT_POLICY_CINT, 9, 3, 0, 0, 0, CINT_HOLD },
		{ "its last came just now", CINT_POLICY_CINT, 9, 3, 0, 4000, 2999, CINT_HOLD },
		{ "and its period ago", CINT_POLICY_CINT, 9, 3, 0, 4000, 3000, CINT_FIRE_QUIET },
		{ "its first came max_hold ago", CINT_POLICY_CINT, 9, 3, 0, 5000, 1, CINT_FIRE_MAX_HOLD },
		{ "not quite", CINT_POLICY_CINT, 9, 3, 0, 4999, 1, CINT_HOLD },
		{ "cint-a: the period of two", CINT_POLICY_CINT_A, 9, 2, 0, 1500, 1500, CINT_FIRE_QUIET },
		{ "cint-a: at any rate", CINT_POLICY_CINT_A, 2, 2, 9999, 1499, 1499, CINT_HOLD },
		{ "cint-rate: more are to come", CINT_POLICY_CINT_RATE, 3, 2, 1500, 0, 0, CINT_HOLD },
		{ "cint-rate: no more", CINT_POLICY_CINT_RATE, 2, 2, 0, 0, 0, CINT_FIRE_RATE },
		{ "cint-rate: not in time", CINT_POLICY_CINT_RATE, 3, 2, 1501, 0, 0, CINT_FIRE_RATE },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cint_params params = {
			.policy = rows[i].policy, .threshold = 4, .delta_ns = 3000,
			.max_hold_ns = 5000,
		};
		struct cint_poll p = fresh_queue();
		struct cint_policy policy;
		enum cint_reason got;

		cint_policy_init(&policy, &params);
		p.gap_ns = rows[i].gap_ns;
		got = cint_poll_due(&p, &policy, rows[i].outstanding, rows[i].ready,
				    1000000 - rows[i].first_ns, 1000000 - rows[i].last_ns,
				    1000000);
		tap_result(got == rows[i].want, "due: %s", rows[i].name);
		if (got != rows[i].want)
			tap_note("%s", cint_reason_name(got));
	}
}

int main(void)
{
	test_idle();
	test_intervals();
	test_lessons();
	test_awaiting();
	test_due_reasons();
	test_bound();
	test_learns();
	test_forgets();
	test_stream();
	test_barriers();
	test_many_barriers();
	test_barrier_interval();
	test_late_prefix();
	test_due();
	return tap_done();
}

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

int main(void)
{
	test_idle();
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

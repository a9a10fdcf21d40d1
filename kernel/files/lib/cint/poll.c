// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later OR MIT
/*
 * When to look for completions that no interrupt announces.
 *
 * Two times are learnt: from the first request after a pause to its completion,
 * and between completions. Each look corrects them at once, up by more than
 * down, as hybrid polling by feedback per I/O does (Linux, block: add a
 * self-tuning hybrid poll, 2016; DPAS, FAST '26): a look that came too early costs
 * another one, a look that came late costs its lateness only once.
 */
#include <linux/cint_poll.h>
#ifdef __KERNEL__
#include <linux/export.h>
#include <linux/minmax.h>
#else
#define EXPORT_SYMBOL_GPL(symbol)	struct symbol##_is_exported
#define min(a, b)			((a) < (b) ? (a) : (b))
#define max(a, b)			((a) > (b) ? (a) : (b))
#define min_t(type, a, b)		min((type)(a), (type)(b))
#define max_t(type, a, b)		max((type)(a), (type)(b))
#define max3(a, b, c)			max(a, max(b, c))
#endif

/* What is assumed of a drive that nothing is known of: it is a fast one. */
#define CINT_POLL_SERVICE_NS	10000
#define CINT_POLL_GAP_NS	2000

/*
 * Corrections, as shifts. Up by 1/8 of the time waited for more than came, and to
 * between the last look in vain and the one that found something, so that a slow
 * drive is known after a few looks; down by less, as a look finds the batch
 * complete in nearly all cases when it comes a little late.
 */
#define CINT_POLL_UP_SHIFT	3
#define CINT_POLL_DOWN_SHIFT	5
#define CINT_POLL_GAP_DOWN_SHIFT 4

/* For a barrier's prefix looks follow each other by 1/4 of the time waited for it. */
#define CINT_POLL_AWAIT_SHIFT	2

/* Weight of a new gap, as the policy has it. */
#define CINT_POLL_GAP_SHIFT	3

/**
 * cint_poll_init - nothing outstanding, nothing known
 * @p: filled
 */
void cint_poll_init(struct cint_poll *p)
{
	*p = (struct cint_poll) {
		.service_ns	= CINT_POLL_SERVICE_NS,
		.gap_ns		= CINT_POLL_GAP_NS,
	};
}
EXPORT_SYMBOL_GPL(cint_poll_init);

/**
 * cint_poll_busy - a request is about to be submitted, the only one outstanding
 * @p: its queue
 * @now_ns: the time
 */
void cint_poll_busy(struct cint_poll *p, __u64 now_ns)
{
	cint_poll_write(p->busy_ns, now_ns);
	cint_poll_write(p->fresh, 1);
}
EXPORT_SYMBOL_GPL(cint_poll_busy);

static bool cint_poll_drained(const struct cint_poll *p, __u16 epoch)
{
	epoch %= CINT_POLL_EPOCHS;
	return cint_poll_read(p->sent[epoch]) == cint_poll_read(p->done[epoch]);
}

/**
 * cint_poll_barrier - a barrier goes to the device by another queue
 * @p: the queue that has the requests before it
 *
 * Return: what cint_poll_await() wants to know.
 */
__u16 cint_poll_barrier(struct cint_poll *p)
{
	__u16 epoch = cint_poll_read(p->epoch);

	/* the next one's place may still be taken: then it gets no own */
	if (cint_poll_drained(p, epoch + 1)) {
		cint_poll_write(p->epoch, (__u16)(epoch + 1));
		cint_poll_write(p->slot, (epoch + 1) % CINT_POLL_EPOCHS);
	}
	return epoch;
}
EXPORT_SYMBOL_GPL(cint_poll_barrier);

/**
 * cint_poll_await - a barrier has completed
 * @p: the queue that had requests before it
 * @epoch: of the barrier
 * @now_ns: the time
 *
 * Until all of these have been found completed, looks follow each other by
 * delta_min, or by a quarter of the time waited if that is longer: from now on,
 * whatever else is found meanwhile.
 */
void cint_poll_await(struct cint_poll *p, __u16 epoch, __u64 now_ns)
{
	if (!p->awaiting || (__s16)(epoch - p->awaited) > 0)
		p->awaited = epoch;
	if (!p->awaiting)
		cint_poll_write(p->await_ns, now_ns);
	cint_poll_write(p->awaiting, 1);
}
EXPORT_SYMBOL_GPL(cint_poll_await);

/* Is the prefix of the awaited barrier complete? */
static bool cint_poll_prefix_complete(const struct cint_poll *p)
{
	__u16 epoch = p->awaited;
	__u16 oldest = cint_poll_read(p->epoch) - (CINT_POLL_EPOCHS - 1);

	/* what is older than the oldest place has completed */
	for (; (__s16)(epoch - oldest) >= 0; epoch--)
		if (!cint_poll_drained(p, epoch))
			return false;
	return true;
}

static __u32 cint_poll_elapsed(__u64 since_ns, __u64 now_ns)
{
	__u64 elapsed = now_ns > since_ns ? now_ns - since_ns : 0;

	return min_t(__u64, elapsed, CINT_DELAY_MAX_NS);
}

/* The first look after a pause says how long the drive takes. */
static void cint_poll_learn_service(struct cint_poll *p, __u32 found,
				    __u32 outstanding, __u32 elapsed)
{
	__u32 service = p->service_ns, gap = p->gap_ns;
	__u32 expected = 0;

	if (elapsed >= service)
		expected = 1 + (elapsed - service) / max(gap, 1U);
	expected = min(expected, found + outstanding);

	if (!found) {
		p->vain_ns = elapsed;
		return;
	}
	/* it was somewhere in between */
	if (p->vain_ns && p->vain_ns < elapsed)
		service = p->vain_ns + ((elapsed - p->vain_ns) >> 1);
	else if (found < expected)
		service += max(elapsed >> CINT_POLL_UP_SHIFT, 1U);
	else if (elapsed < service)
		service = elapsed;
	else
		service -= service >> CINT_POLL_DOWN_SHIFT;
	p->vain_ns = 0;
	/* a burst, found complete: its gaps may have been shorter, too */
	if (found > 1 && !outstanding)
		cint_poll_write(p->gap_ns, gap - (gap >> CINT_POLL_DOWN_SHIFT));
	cint_poll_write(p->service_ns, min_t(__u32, service, CINT_DELAY_MAX_NS));
}

/* The others say how far apart completions are. */
static void cint_poll_learn_gap(struct cint_poll *p, __u32 found,
				__u32 outstanding, __u32 elapsed)
{
	__u32 gap = p->gap_ns, new = elapsed / found;

	/* all had completed, perhaps long ago: the gap is no longer than that */
	if (outstanding || new < gap)
		gap += (__s32)(new - gap) >> CINT_POLL_GAP_SHIFT;
	if (!outstanding)
		gap -= gap >> CINT_POLL_GAP_DOWN_SHIFT;
	/* a look that was late has made it long, not the drive */
	cint_poll_write(p->gap_ns, min(gap, p->service_ns));
}

/**
 * cint_poll_looked - learn from a look
 * @p: what was looked for
 * @found: completions found, which cint_poll_complete() has been told of
 * @outstanding: requests that it has not found completed
 * @more: it left some, for the next look
 * @now_ns: the time of the look
 *
 * Return: whether a barrier that was awaited is complete.
 */
bool cint_poll_looked(struct cint_poll *p, __u32 found, __u32 outstanding,
		      bool more, __u64 now_ns)
{
	/* how many had completed is known when all have been found */
	found += p->carried;
	p->carried = more ? found : 0;
	if (more)
		goto out;
	if (cint_poll_read(p->fresh)) {
		cint_poll_learn_service(p, found, outstanding,
					cint_poll_elapsed(cint_poll_read(p->busy_ns),
							  now_ns));
		if (found)
			cint_poll_write(p->fresh, 0);
	} else if (found) {
		cint_poll_learn_gap(p, found, outstanding,
				    cint_poll_elapsed(p->last_ns, now_ns));
	}
	if (found)
		cint_poll_write(p->last_ns, now_ns);
out:
	if (!p->awaiting || !cint_poll_prefix_complete(p))
		return false;
	cint_poll_write(p->awaiting, 0);
	return true;
}
EXPORT_SYMBOL_GPL(cint_poll_looked);

/*
 * From the first completion to come until it is to be delivered, by the
 * parameters: a batch is full after threshold completions, or quiet for delta
 * after as many as are outstanding.
 */
static __u64 cint_poll_wait(const struct cint_poll *p,
			    const struct cint_policy *policy, __u32 outstanding)
{
	__u32 threshold = policy->params.threshold;
	__u32 batch = min(outstanding, threshold);
	__u32 gap = cint_poll_read(p->gap_ns);
	__u64 fill = (__u64)gap * (batch - 1);
	__u32 delta = policy->delta_ns[batch];

	switch (policy->params.policy) {
	case CINT_POLICY_NONE:
		return 0;
	case CINT_POLICY_STATIC:
		return outstanding < threshold ? policy->hold_ns : fill;
	case CINT_POLICY_CINT_RATE:
		/* no more than are outstanding can come, nor sooner */
		return gap > delta ? 0 : fill;
	default:
		return outstanding < threshold ? fill + delta : fill;
	}
}

/**
 * cint_poll_interval - how long until the next look
 * @p: what is looked for
 * @policy: the parameters in force
 * @outstanding: requests that these parameters apply to, not yet found completed
 * @shortest_ns: no look comes sooner after another
 * @longest_ns: nothing may be found that has waited longer, if that is not shorter
 * @now_ns: the time
 *
 * The parameters say how long what has completed may wait, by the time at which it
 * is expected to; they never make for more looks than there are completions.
 *
 * Return: a time in ns; 0 if nothing is outstanding.
 */
__u32 cint_poll_interval(const struct cint_poll *p,
			 const struct cint_policy *policy, __u32 outstanding,
			 __u32 shortest_ns, __u32 longest_ns, __u64 now_ns)
{
	__u32 longest = max_t(__u32, longest_ns, shortest_ns);
	__u32 service = cint_poll_read(p->service_ns);
	__u32 shortest = shortest_ns;
	__u64 first, due;

	if (!outstanding)
		return 0;
	if (cint_poll_read(p->awaiting)) {
		shortest = max3(policy->params.delta_min_ns, shortest,
				cint_poll_elapsed(cint_poll_read(p->await_ns),
						  now_ns) >>
				CINT_POLL_AWAIT_SHIFT);
		return min(shortest, longest);
	}
	if (cint_poll_read(p->fresh))
		first = cint_poll_read(p->busy_ns) + service;
	else
		first = cint_poll_read(p->last_ns) + cint_poll_read(p->gap_ns);
	due = first + min_t(__u64, cint_poll_wait(p, policy, outstanding),
			    policy->hold_ns);
	/* the longer in vain, the rarer */
	if (now_ns >= first)
		shortest = max3(cint_poll_elapsed(first, now_ns),
				service >> CINT_POLL_UP_SHIFT, shortest);
	if (due < now_ns + shortest)
		due = now_ns + shortest;
	return min_t(__u64, due - now_ns, longest);
}
EXPORT_SYMBOL_GPL(cint_poll_interval);

/**
 * cint_poll_due - is what has completed to be delivered?
 * @p: what is looked for
 * @policy: the parameters in force
 * @outstanding: requests not yet delivered, those that are ready among them
 * @ready: requests that have completed and are not delivered
 * @first_ns: when the first of these was seen
 * @last_ns: when the last of these was seen
 * @now_ns: the time
 *
 * For who watches a queue all the time. What the policy says of completions
 * without a mark (cint_complete(), cint_expire()), for all of them at once: that
 * there are more than at the last call restarts the quiescent period.
 *
 * Return: why to deliver all that are ready, or CINT_HOLD.
 */
enum cint_reason cint_poll_due(const struct cint_poll *p,
			       const struct cint_policy *policy,
			       __u32 outstanding, __u32 ready, __u64 first_ns,
			       __u64 last_ns, __u64 now_ns)
{
	__u32 delta;

	if (!ready)
		return CINT_HOLD;
	if (policy->params.policy == CINT_POLICY_NONE)
		return CINT_FIRE_EACH;
	if (p->awaiting)
		return CINT_FIRE_BARRIER;
	if (ready >= policy->params.threshold)
		return CINT_FIRE_THRESHOLD;
	delta = policy->delta_ns[ready];
	if (policy->params.policy == CINT_POLICY_CINT_RATE &&
	    (ready >= outstanding || p->gap_ns > delta))
		return CINT_FIRE_RATE;
	if (now_ns >= first_ns + policy->hold_ns)
		return CINT_FIRE_MAX_HOLD;
	return now_ns >= last_ns + delta ? CINT_FIRE_QUIET : CINT_HOLD;
}
EXPORT_SYMBOL_GPL(cint_poll_due);

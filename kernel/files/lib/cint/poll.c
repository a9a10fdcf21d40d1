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
#endif

/* What is assumed of a drive that nothing is known of: it is a fast one. */
#define CINT_POLL_SERVICE_NS	10000
#define CINT_POLL_GAP_NS	2000

/*
 * Corrections, as shifts. Up by 1/8 of the time waited in vain, so that a slow
 * drive is known after a few looks; down by less, as a look finds the batch
 * complete in nearly all cases when it comes a little late.
 */
#define CINT_POLL_UP_SHIFT	3
#define CINT_POLL_DOWN_SHIFT	5
#define CINT_POLL_GAP_DOWN_SHIFT 4

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
 * @p: its queue and group
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
 *
 * Until all of these have been found completed, looks follow each other by
 * delta_min.
 */
void cint_poll_await(struct cint_poll *p, __u16 epoch)
{
	if (!p->awaiting || (__s16)(epoch - p->awaited) > 0)
		p->awaited = epoch;
	p->awaiting = 1;
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
				    __u32 elapsed)
{
	__u32 expected = 0;

	if (elapsed >= p->service_ns)
		expected = 1 + (elapsed - p->service_ns) / max(p->gap_ns, 1U);
	expected = min(expected, found + cint_poll_outstanding(p));

	if (found < expected)
		p->service_ns += max(elapsed >> CINT_POLL_UP_SHIFT, 1U);
	else if (found && elapsed < p->service_ns)
		p->service_ns = elapsed;
	else if (found)
		p->service_ns -= p->service_ns >> CINT_POLL_DOWN_SHIFT;
	/* a burst, found complete: its gaps may have been shorter, too */
	if (found > 1 && !cint_poll_outstanding(p))
		p->gap_ns -= p->gap_ns >> CINT_POLL_DOWN_SHIFT;
	p->service_ns = min_t(__u32, p->service_ns, CINT_DELAY_MAX_NS);
}

/**
 * cint_poll_looked - learn from a look
 * @p: what was looked for
 * @found: completions found, which cint_poll_complete() has been told of
 * @more: it left some, for the next look
 * @now_ns: the time of the look
 *
 * Return: whether a barrier that was awaited is complete.
 */
bool cint_poll_looked(struct cint_poll *p, __u32 found, bool more,
		      __u64 now_ns)
{
	/* how many had completed is known when all have been found */
	found += p->carried;
	p->carried = more ? found : 0;
	if (more)
		goto out;
	if (cint_poll_read(p->fresh)) {
		cint_poll_learn_service(p, found,
					cint_poll_elapsed(cint_poll_read(p->busy_ns),
							  now_ns));
		if (found)
			cint_poll_write(p->fresh, 0);
	} else if (found) {
		__u32 gap = cint_poll_elapsed(p->last_ns, now_ns) / found;
		bool all = !cint_poll_outstanding(p);

		/* all had completed, perhaps long ago: the gap is no longer than that */
		if (!all || gap < p->gap_ns)
			p->gap_ns += (__s32)(gap - p->gap_ns) >>
				     CINT_POLL_GAP_SHIFT;
		if (all)
			p->gap_ns -= p->gap_ns >> CINT_POLL_GAP_DOWN_SHIFT;
	}
	if (found)
		p->last_ns = now_ns;
out:
	if (!p->awaiting || !cint_poll_prefix_complete(p))
		return false;
	p->awaiting = 0;
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
	__u64 fill = (__u64)p->gap_ns * (batch - 1);
	__u32 delta = policy->delta_ns[batch];

	switch (policy->params.policy) {
	case CINT_POLICY_NONE:
		return 0;
	case CINT_POLICY_STATIC:
		return outstanding < threshold ? policy->hold_ns : fill;
	case CINT_POLICY_CINT_RATE:
		/* no more than are outstanding can come, nor sooner */
		return p->gap_ns > delta ? 0 : fill;
	default:
		return outstanding < threshold ? fill + delta : fill;
	}
}

/**
 * cint_poll_interval - how long until the next look
 * @p: what is looked for
 * @policy: the parameters in force
 * @now_ns: the time
 *
 * Return: a time in ns, at most max_hold (or CINT_POLL_MIN_NS, if that is less)
 * so that nothing is found that has waited longer; 0 if nothing is outstanding.
 */
__u32 cint_poll_interval(struct cint_poll *p, const struct cint_policy *policy,
			 __u64 now_ns)
{
	__u32 outstanding = cint_poll_outstanding(p);
	__u32 longest = max_t(__u32, policy->params.max_hold_ns,
			      CINT_POLL_MIN_NS);
	__u32 shortest = CINT_POLL_MIN_NS;
	__u64 first, due;

	if (!outstanding)
		return 0;
	if (p->awaiting) {
		shortest = max(policy->params.delta_min_ns, shortest);
		return min(shortest, longest);
	}
	if (cint_poll_read(p->fresh))
		first = cint_poll_read(p->busy_ns) + p->service_ns;
	else
		first = p->last_ns + p->gap_ns;
	due = first + min_t(__u64, cint_poll_wait(p, policy, outstanding),
			    policy->hold_ns);
	/* the longer in vain, the rarer */
	if (now_ns > first)
		shortest = max(cint_poll_elapsed(first, now_ns) >>
			       CINT_POLL_UP_SHIFT, shortest);
	if (due < now_ns + shortest)
		due = now_ns + shortest;
	return min_t(__u64, due - now_ns, longest);
}
EXPORT_SYMBOL_GPL(cint_poll_interval);

// SPDX-License-Identifier: GPL-2.0
/*
 * Mode split: marked requests have interrupts, all others are looked for.
 *
 * Every CPU has a second hardware queue, created without an interrupt, that
 * takes the requests nobody is in a hurry for. Somebody looks into it
 *
 *  - in the context of a task that is about to wait for its io_uring;
 *  - in the handler of the CPU's interrupt-driven queue, a few completions;
 *  - on submission, when a batch's worth has completed already;
 *  - by a timer, at the time lib/cint/poll.c expects a batch to be complete,
 *    and max_hold after the last look at the latest.
 *
 * Who looks delivers what is found: there is no list of held completions, what
 * is held is in the completion queue. The timer runs while something is
 * outstanding and is never touched by a submission to a busy queue.
 *
 * A barrier has an interrupt. Its handler looks for the barrier's prefix in the
 * other queue and, as long as that is not complete, has the timer look again
 * every delta_min.
 *
 * Who releases a completion that has not been looked for:
 *
 *  - the timer, max_hold after the last look at the latest;
 *  - a change of parameters, of the device or of a ring: it looks at once;
 *  - a change of mode, which freezes the queues first: the freeze waits for
 *    the timer;
 *  - nvme_timeout(), which looks before it judges a request;
 *  - nvme_reap_pending_cqes() on reset, removal and power management, after
 *    the timer has been stopped and before requests are cancelled;
 *  - CPU hotplug needs nothing: the block layer waits for the requests of a
 *    queue whose last CPU goes offline, and a timer migrates with the CPU's.
 *
 * Locks: the transport's lock of the submission queue for who submits, that of
 * the completion queue for who looks; the latter is taken in interrupts. The
 * two sides share counters only.
 *
 * Who has submitted starts the timer without a lock, perhaps when its request has
 * completed long ago and the mode is another. So what there is of a queue stays
 * until the controller goes; a timer that finds no queue does nothing.
 */
#include <linux/blk-cint.h>
#include <linux/blk-mq.h>
#include <linux/cint_poll.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "cint.h"
#include "nvme.h"
#include <trace/events/cint.h>

/*
 * Completed in one interrupt of the timer. An urgent request's task waits
 * meanwhile, half a microsecond for each; there may be one if the CPU is busy.
 */
#define NVME_CINT_TICK_MAX	16
#define NVME_CINT_TICK_MAX_IDLE	64

/*
 * What rides with a request: its group, between which barriers it was submitted,
 * and that its submitter does not look before it waits.
 */
#define NVME_CINT_TAG_EPOCH	0x000f
#define NVME_CINT_TAG_BLIND	0x0010
#define NVME_CINT_TAG_GROUP	8	/* shift */

/* The requests of one group in one queue. */
struct nvme_cint_split_group {
	struct cint_poll		poll;
	struct nvme_cint_split_group	*next;
	u32				found;	/* by this look */
	u16				id;
	u16				tag;	/* the same, as a request has it */
};

/**
 * struct nvme_cint_split - a queue in mode split
 * @load: unmarked requests of a queue that has interrupts
 * @cint: the controller's coalescer
 * @queue: the transport's queue to look into, or NULL
 * @busy: for the block layer, whether it has requests
 * @qid: its id
 * @first: groups that have used the queue; they are added only
 * @groups: the same by group id
 * @batch: so many outstanding requests of a group make who submits look
 * @attend: a request before which so many of its group are outstanding makes who
 *	submits call nvme_cint_split_submitted(): @batch - 1 while @armed, else 0
 * @blind: requests of tasks that do not look before they wait
 * @armed: the timer is going to look
 * @timer: it
 * @expires_ns: when
 * @cpu: where
 * @reason: why
 * @late: a request came that can't wait for the timer as it is set
 * @next_ns: from the timer's look to its next one, 0 to stop
 * @empty_ns: what completed before has been found
 * @mark_ns: what completed before will have been found
 * @mark_left: when so many more have been, 0 if there is no such mark
 * @hold_ns: the shortest max_hold of a group that has requests
 * @idle: the CPU had nothing to do when the timer looked, or a task went to sleep
 * @stats: counters
 */
struct nvme_cint_split {
	struct nvme_cint_load		load; /* first */
	struct nvme_cint		*cint;
	void				*queue;
	bool				*busy;
	u16				qid;
	struct nvme_cint_split_group	*first;
	struct nvme_cint_split_group	*groups[CINT_GROUP_MAX + 1];

	u32				batch;
	u32				attend;
	struct nvme_cint_load		blind;

	atomic_t			armed;
	struct hrtimer			timer;
	u64				expires_ns;
	unsigned int			cpu;
	enum cint_reason		reason;

	bool				late;
	u32				next_ns;
	u64				empty_ns;
	u64				mark_ns;
	u32				mark_left;
	u32				hold_ns;
	bool				idle;
	struct nvme_cint_stats		stats;
};

static_assert(!offsetof(struct nvme_cint_split, load));

static struct nvme_cint_split_group *
nvme_cint_split_group(struct nvme_cint_split *s, u16 id)
{
	struct nvme_cint_split_group *g = s->groups[id];

	if (likely(g))
		return g;

	g = kzalloc(sizeof(*g), GFP_ATOMIC);
	if (!g)
		return s->groups[0];	/* coalesced, with others */
	g->id = id;
	g->tag = id << NVME_CINT_TAG_GROUP;
	cint_poll_init(&g->poll);
	g->next = s->first;
	s->groups[id] = g;
	/* who looks sees the group complete */
	smp_store_release(&s->first, g);
	return g;
}

static u32 nvme_cint_split_outstanding(struct nvme_cint_split *s)
{
	struct nvme_cint_split_group *g;
	u32 nr = 0;

	/* pairs with the one that adds a group */
	for (g = smp_load_acquire(&s->first); g; g = g->next)
		nr += cint_poll_outstanding(&g->poll);
	return nr;
}

/*
 * A look of the timer takes the CPU from a task that will look by itself before
 * it waits. So it is put off for as long as it may, unless the CPU has nothing
 * to do, or somebody waits who does not look.
 */
static bool nvme_cint_split_busy(struct nvme_cint_split *s)
{
	return !s->idle &&
		READ_ONCE(s->blind.sent) == READ_ONCE(s->blind.done);
}

/*
 * Does the submitter tell when it waits? Tasks that use io_uring do, its workers
 * do not. A task of the first kind that waits for a read all the same has to do
 * with max_hold, if its read does not come alone.
 */
static bool nvme_cint_split_blind(void)
{
	return !current->io_uring ||
		current->flags & (PF_IO_WORKER | PF_USER_WORKER | PF_KTHREAD);
}

/*
 * How long until the next look, by the earliest demand of any group; 0 if
 * nothing is outstanding. Under the lock of the completion queue the result is
 * exact; without it is what a look has just been about to change.
 */
static u32 nvme_cint_split_interval(struct nvme_cint_split *s, u64 now_ns)
{
	struct nvme_cint_split_group *g;
	bool busy = nvme_cint_split_busy(s);
	u32 hold_ns = CINT_DELAY_MAX_NS, shortest = 0;

	rcu_read_lock();
	/* pairs with the one that adds a group */
	for (g = smp_load_acquire(&s->first); g; g = g->next) {
		const struct cint_policy *policy;
		u32 interval;

		if (!cint_poll_outstanding(&g->poll))
			continue;
		policy = &nvme_cint_setting(s->cint, g->id)->policy;
		interval = cint_poll_interval(&g->poll, policy, now_ns);
		hold_ns = min(hold_ns, policy->params.max_hold_ns);
		/* then there is only max_hold to see to */
		if (busy && !g->poll.awaiting) {
			u64 limit_ns = s->empty_ns + policy->params.max_hold_ns;

			if (limit_ns > now_ns + interval)
				interval = limit_ns - now_ns;
		}
		if (shortest && interval >= shortest)
			continue;
		shortest = interval;
		if (g->poll.awaiting)
			s->reason = CINT_FIRE_BARRIER;
		else if (interval >= policy->params.max_hold_ns)
			s->reason = CINT_FIRE_MAX_HOLD;
		else if (policy->params.policy == CINT_POLICY_CINT_RATE)
			s->reason = CINT_FIRE_RATE;
		else
			s->reason = CINT_FIRE_QUIET;
	}
	rcu_read_unlock();
	if (shortest)
		WRITE_ONCE(s->hold_ns, hold_ns);
	return shortest;
}

static void nvme_cint_split_start(struct nvme_cint_split *s, u64 now_ns,
				  u32 interval)
{
	u64 expires_ns = now_ns + interval;

	s->cpu = raw_smp_processor_id();
	s->expires_ns = expires_ns;
	/* of the two modes the one that does not read the clock again */
	hrtimer_start(&s->timer, ns_to_ktime(expires_ns),
		      HRTIMER_MODE_ABS_PINNED_HARD);
}

/* A request came that can't wait for the timer as it is set. */
static void nvme_cint_split_hurry(struct nvme_cint_split *s)
{
	unsigned long flags;
	u32 interval;
	u64 now_ns;

	local_irq_save(flags);
	now_ns = ktime_get_ns();
	interval = nvme_cint_split_interval(s, now_ns);
	if (interval && s->expires_ns > now_ns + interval)
		nvme_cint_split_start(s, now_ns, interval);
	local_irq_restore(flags);
}

/*
 * How much later a look would still be in time, if a task may look until then;
 * 0 if now is the time.
 */
static u32 nvme_cint_split_early(struct nvme_cint_split *s)
{
	struct nvme_cint_split_group *g;
	u64 limit_ns = U64_MAX, now_ns;

	if (is_idle_task(current) || !nvme_cint_split_busy(s))
		return 0;
	rcu_read_lock();
	/* pairs with the one that adds a group */
	for (g = smp_load_acquire(&s->first); g; g = g->next) {
		const struct cint_params *params;

		if (!cint_poll_outstanding(&g->poll))
			continue;
		params = &nvme_cint_setting(s->cint, g->id)->policy.params;
		limit_ns = min(limit_ns, g->poll.awaiting ? 0 :
			       READ_ONCE(s->empty_ns) + params->max_hold_ns);
	}
	rcu_read_unlock();
	now_ns = ktime_get_ns();
	if (limit_ns == U64_MAX || limit_ns < now_ns + CINT_POLL_MIN_NS)
		return 0;
	return limit_ns - now_ns;
}

static enum hrtimer_restart nvme_cint_split_tick(struct hrtimer *timer)
{
	struct nvme_cint_split *s = container_of(timer, struct nvme_cint_split,
						 timer);

	void *queue = READ_ONCE(s->queue);

	WRITE_ONCE(s->late, false);
	/* what came before is counted in the next time that is computed */
	smp_mb();
	s->next_ns = queue ? nvme_cint_split_early(s) : 0;
	if (s->next_ns)
		s->reason = CINT_FIRE_MAX_HOLD;
	else if (queue)
		s->cint->ops->look(queue, is_idle_task(current) ?
				   NVME_CINT_TICK_MAX_IDLE :
				   NVME_CINT_TICK_MAX, NVME_CINT_TIMER);
	if (!s->next_ns) {
		/* what is submitted from here on starts the timer itself */
		WRITE_ONCE(s->attend, 0);
		atomic_set_release(&s->armed, 0);
		/* orders the above before the look at the counters */
		smp_mb();
		if (!READ_ONCE(s->queue) || !nvme_cint_split_outstanding(s) ||
		    atomic_xchg(&s->armed, 1))
			return HRTIMER_NORESTART;
		s->next_ns = CINT_POLL_MIN_NS;
	}
	WRITE_ONCE(s->attend, READ_ONCE(s->batch) - 1);
	nvme_cint_split_start(s, ktime_get_ns(), s->next_ns);
	/* it may have come after the look, and been overruled by the above */
	smp_mb();
	if (READ_ONCE(s->late)) {
		s->expires_ns = U64_MAX;
		nvme_cint_split_hurry(s);
	}
	return HRTIMER_NORESTART;
}

static __always_inline bool
nvme_cint_split_count(struct nvme_cint_split *s,
		      struct nvme_cint_split_group *g, u32 before, u16 *tag)
{
	*tag = cint_poll_submit(&g->poll) | g->tag;
	if (nvme_cint_split_blind()) {
		WRITE_ONCE(s->blind.sent, s->blind.sent + 1);
		*tag |= NVME_CINT_TAG_BLIND;
	}
	/* pairs with the timer's when it stops */
	smp_mb();
	return before >= READ_ONCE(s->attend);
}

/* A group's first request, or the first after a pause. */
static noinline bool
nvme_cint_split_submit_first(struct nvme_cint_split *s,
			     struct nvme_cint_split_group *g,
			     struct request *req, u16 *tag)
{
	u64 now_ns = ktime_get_ns();
	u32 max_hold_ns;
	bool more;

	if (!g)
		g = nvme_cint_split_group(s, req->flush.cint_group);
	if (!cint_poll_outstanding(&g->poll))
		cint_poll_busy(&g->poll, now_ns);
	if (!nvme_cint_split_outstanding(s))
		WRITE_ONCE(s->empty_ns, now_ns);
	WRITE_ONCE(*s->busy, true);
	rcu_read_lock();
	max_hold_ns = nvme_cint_setting(s->cint, g->id)->policy.params.max_hold_ns;
	rcu_read_unlock();
	more = nvme_cint_split_count(s, g, 0, tag);
	/* the timer may have been set for groups that can wait longer */
	if (READ_ONCE(s->expires_ns) <= now_ns + max_hold_ns)
		return more;
	WRITE_ONCE(s->late, true);
	return true;
}

/**
 * nvme_cint_split_submit - a request goes to a queue without interrupts
 * @s: the queue
 * @req: the request
 * @tag: what nvme_cint_split_complete() wants to know
 *
 * Before the doorbell, under the lock of the submission queue.
 *
 * Return: whether nvme_cint_split_submitted() has to be called, if the request is
 * the last one before the doorbell.
 */
bool nvme_cint_split_submit(struct nvme_cint_split *s, struct request *req,
			    u16 *tag)
{
	struct nvme_cint_split_group *g = s->groups[req->flush.cint_group];
	u32 before = likely(g) ? cint_poll_before(&g->poll) : 0;

	if (unlikely(!before))
		return nvme_cint_split_submit_first(s, g, req, tag);
	return nvme_cint_split_count(s, g, before, tag);
}

/**
 * nvme_cint_split_submitted - requests have been submitted
 * @s: the queue
 *
 * After the doorbell, without a lock.
 *
 * Return: 0; a batch, if so many are outstanding: if they have completed it is time
 * to look.
 */
u32 nvme_cint_split_submitted(struct nvme_cint_split *s)
{
	u32 batch = READ_ONCE(s->batch), interval;
	u64 now_ns;

	if (!atomic_read(&s->armed) && !atomic_xchg(&s->armed, 1)) {
		now_ns = ktime_get_ns();
		interval = nvme_cint_split_interval(s, now_ns);
		/* before there is a timer that might stop */
		WRITE_ONCE(s->attend, batch - 1);
		nvme_cint_split_start(s, now_ns, interval ?: CINT_POLL_MIN_NS);
	} else if (unlikely(READ_ONCE(s->late))) {
		nvme_cint_split_hurry(s);
	}
	return nvme_cint_split_outstanding(s) >= batch ? batch : 0;
}

/**
 * nvme_cint_split_complete - a look has found requests completed
 * @s: the queue, its completion queue locked
 * @tag: what nvme_cint_split_submit() returned for all of them
 * @nr: how many
 */
void nvme_cint_split_complete(struct nvme_cint_split *s, u16 tag, u32 nr)
{
	struct nvme_cint_split_group *g = s->groups[tag >> NVME_CINT_TAG_GROUP];

	cint_poll_complete(&g->poll, tag & NVME_CINT_TAG_EPOCH, nr);
	if (tag & NVME_CINT_TAG_BLIND)
		WRITE_ONCE(s->blind.done, s->blind.done + nr);
	g->found += nr;
}

static void nvme_cint_split_fired(struct nvme_cint_split *s, u16 group_id,
				  enum cint_reason reason, u32 nr, u64 held_ns)
{
	s->stats.fires[reason]++;
	trace_cint_fire(s->cint->ctrl->instance, s->qid, group_id, reason, nr,
			held_ns);
	if (group_id)
		nvme_cint_count_group(group_id, reason, nr);
}

/*
 * How old what has not been found can be. A queue that is never empty is looked
 * into in order: what there is at one look has been found when as many have.
 * Returns whether it can't be as old as before.
 */
static bool nvme_cint_split_age(struct nvme_cint_split *s, u32 found, u32 left,
				u64 now_ns)
{
	bool younger = !left || s->mark_left;

	if (left && s->mark_left > found) {
		s->mark_left -= found;
		return false;
	}
	if (!left)
		s->empty_ns = now_ns;
	else if (s->mark_left)
		s->empty_ns = s->mark_ns;
	s->mark_left = left;
	s->mark_ns = now_ns;
	return younger;
}

/*
 * Tasks look often enough, so spare them the timer: without this, it would take
 * an interrupt every max_hold to find that.
 */
static void nvme_cint_split_put_off(struct nvme_cint_split *s, u64 now_ns)
{
	u32 interval;

	if (s->expires_ns > now_ns + READ_ONCE(s->hold_ns) / 2 ||
	    !atomic_read(&s->armed))
		return;
	/* with nothing outstanding, for what the task is about to submit */
	interval = nvme_cint_split_interval(s, now_ns) ?:
		READ_ONCE(s->hold_ns);
	if (interval && now_ns + interval > s->expires_ns)
		nvme_cint_split_start(s, now_ns, interval);
}

/**
 * nvme_cint_split_looked - a look is over
 * @s: the queue, its completion queue locked
 * @found: how many completions it found
 * @left: no less than it left, 0 if none
 * @looker: who looked
 */
void nvme_cint_split_looked(struct nvme_cint_split *s, u32 found, u32 left,
			    enum nvme_cint_looker looker)
{
	static const u8 reasons[] = {
		[NVME_CINT_TASK]	= CINT_FIRE_LOOK,
		[NVME_CINT_INTERRUPT]	= CINT_FIRE_LOOK,
		[NVME_CINT_SUBMITTER]	= CINT_FIRE_THRESHOLD,
		[NVME_CINT_FLUSH]	= CINT_FIRE_FLUSH,
	};
	bool timer = looker == NVME_CINT_TIMER, younger;
	enum cint_reason reason = timer ? s->reason : reasons[looker];
	struct nvme_cint_split_group *g;
	u64 now_ns = ktime_get_ns();
	u64 held_ns = now_ns - s->empty_ns;
	bool busy = false;

	for (g = s->first; g; g = g->next) {
		enum cint_reason why = reason;

		if (!g->found && !cint_poll_outstanding(&g->poll))
			continue;
		if (cint_poll_looked(&g->poll, g->found, left, now_ns))
			why = CINT_FIRE_BARRIER;
		if (g->found)
			nvme_cint_split_fired(s, g->id, why, g->found, held_ns);
		g->found = 0;
		busy |= cint_poll_outstanding(&g->poll);
	}
	WRITE_ONCE(*s->busy, busy);
	s->stats.completions += found;
	younger = nvme_cint_split_age(s, found, left, now_ns);
	if (looker == NVME_CINT_TASK) {
		s->idle = false;
		if (younger)
			nvme_cint_split_put_off(s, now_ns);
	}
	if (!timer)
		return;

	s->stats.ticks++;
	s->idle = is_idle_task(current);
	s->next_ns = left ? CINT_POLL_MIN_NS :
		nvme_cint_split_interval(s, now_ns);
}

/**
 * nvme_cint_split_cares - does it matter that a task is about to sleep?
 * @s: the queue, unlocked
 *
 * Return: false if nvme_cint_split_sleep() would do nothing.
 */
bool nvme_cint_split_cares(struct nvme_cint_split *s)
{
	return !READ_ONCE(s->idle) || nvme_cint_split_outstanding(s);
}

/**
 * nvme_cint_split_sleep - a task that has looked is about to sleep
 * @s: the queue, its completion queue locked
 *
 * While the CPU is busy, the timer is set to max_hold. Now it may be needed.
 */
void nvme_cint_split_sleep(struct nvme_cint_split *s)
{
	u64 now_ns;
	u32 interval;

	s->idle = true;
	if (!atomic_read(&s->armed) || !nvme_cint_split_outstanding(s))
		return;
	now_ns = ktime_get_ns();
	interval = nvme_cint_split_interval(s, now_ns);
	/* a look a little late is better than a timer set once more */
	if (interval &&
	    s->expires_ns > now_ns + interval + (interval >> 2) +
			    CINT_POLL_MIN_NS)
		nvme_cint_split_start(s, now_ns, interval);
}

/**
 * nvme_cint_split_barrier - a barrier goes to an interrupt-driven queue
 * @s: the queue that has the unmarked requests before it
 * @req: the barrier
 *
 * Return: what nvme_cint_split_await() wants to know.
 */
u16 nvme_cint_split_barrier(struct nvme_cint_split *s, struct request *req)
{
	struct nvme_cint_split_group *g = s->groups[req->flush.cint_group];

	return g ? cint_poll_barrier(&g->poll) : 0;
}

/**
 * nvme_cint_split_await - a barrier has completed
 * @s: the queue that had the unmarked requests before it, its completion queue
 *	locked
 * @req: the barrier
 * @epoch: what nvme_cint_split_barrier() returned
 */
void nvme_cint_split_await(struct nvme_cint_split *s, struct request *req,
			   u16 epoch)
{
	struct nvme_cint_split_group *g = s->groups[req->flush.cint_group];

	if (g && cint_poll_outstanding(&g->poll))
		cint_poll_await(&g->poll, epoch);
}

/**
 * nvme_cint_split_awaiting - see to it that a barrier's prefix is looked for
 * @s: the queue, its completion queue locked, after a look
 */
void nvme_cint_split_awaiting(struct nvme_cint_split *s)
{
	struct nvme_cint_split_group *g;
	u64 now_ns;
	u32 interval;

	for (g = s->first; g; g = g->next)
		if (g->poll.awaiting)
			break;
	if (!g || !atomic_read(&s->armed))
		return;
	now_ns = ktime_get_ns();
	interval = nvme_cint_split_interval(s, now_ns);
	if (interval && s->expires_ns > now_ns + interval)
		nvme_cint_split_start(s, now_ns, interval);
}

static noinline void nvme_cint_split_trace(struct nvme_cint_split *s,
					   struct request *req,
					   enum cint_reason reason)
{
	u16 group_id = req->flush.cint_group;
	int instance = s->cint->ctrl->instance;

	if (reason == CINT_FIRE_URGENT)
		trace_cint_urgent(instance, s->qid, group_id, req->tag);
	trace_cint_fire(instance, s->qid, group_id, reason, 1, 0);
}

/**
 * nvme_cint_split_interrupt - an interrupt-driven queue has completed a request
 * @s: the queue, in its handler
 * @req: the request
 *
 * Return: false: who has called completes it.
 */
bool nvme_cint_split_interrupt(struct nvme_cint_split *s, struct request *req)
{
	enum cint_reason reason = CINT_FIRE_EACH;

	if (req->cmd_flags & REQ_URGENT) {
		reason = CINT_FIRE_URGENT;
		s->stats.urgent++;
	} else if (req->cmd_flags & REQ_BARRIER) {
		reason = CINT_FIRE_BARRIER;
	} else {
		WRITE_ONCE(s->load.done, s->load.done + 1);
	}
	s->stats.completions++;
	s->stats.fires[reason]++;
	if (trace_cint_urgent_enabled() || trace_cint_fire_enabled())
		nvme_cint_split_trace(s, req, reason);
	if (unlikely(req->flush.cint_group))
		nvme_cint_count_group(req->flush.cint_group, reason, 1);
	return false;
}

/**
 * nvme_cint_split_plain - an unmarked request goes to an interrupt-driven queue
 * @s: the queue, its submission queue locked
 */
void nvme_cint_split_plain(struct nvme_cint_split *s)
{
	WRITE_ONCE(s->load.sent, s->load.sent + 1);
}

/**
 * nvme_cint_split_sleeper - will the submitter sleep, and the CPU with it?
 * @s: the queue
 *
 * Return: whether that is to be expected. While the CPU is busy an interrupt
 * would take time from tasks that look by themselves.
 */
bool nvme_cint_split_sleeper(struct nvme_cint_split *s)
{
	return READ_ONCE(s->idle) || nvme_cint_split_blind();
}

/**
 * nvme_cint_split_attach - a queue has been created, nothing is in flight
 * @cint: the controller's coalescer, in mode split
 * @queue: the transport's queue to look into, NULL if it has interrupts
 * @busy: told whether it has requests
 * @qid: its id
 *
 * Return: what the transport passes requests and completions to.
 */
struct nvme_cint_split *nvme_cint_split_attach(struct nvme_cint *cint,
					       void *queue, bool *busy, u16 qid)
{
	struct nvme_cint_split *s = cint->split[qid];
	struct nvme_cint_split_group *g;

	/* what was in flight before has been cancelled */
	for (g = s->first; g; g = g->next) {
		cint_poll_init(&g->poll);
		g->found = 0;
	}
	s->load.sent = 0;
	s->blind.sent = 0;
	s->load.done = 0;
	s->blind.done = 0;
	s->empty_ns = ktime_get_ns();
	s->mark_left = 0;
	s->hold_ns = 0;
	s->late = false;
	s->idle = true;
	s->busy = busy;
	WRITE_ONCE(*busy, false);
	s->attend = 0;
	atomic_set(&s->armed, 0);
	WRITE_ONCE(s->queue, queue);
	return s;
}

/**
 * nvme_cint_split_detach - a queue is disabled or taken back
 * @s: the queue; nothing is submitted to it, and ->look() finds nothing
 */
void nvme_cint_split_detach(struct nvme_cint_split *s)
{
	WRITE_ONCE(s->queue, NULL);
	hrtimer_cancel(&s->timer);
}

/*
 * Start and stop
 */

/**
 * nvme_cint_free_split - the last reference to the controller is gone
 * @cint: the controller's coalescer
 */
void nvme_cint_free_split(struct nvme_cint *cint)
{
	unsigned int i;

	for (i = 1; cint->split && i < cint->nr_queues; i++) {
		struct nvme_cint_split *s = cint->split[i];
		struct nvme_cint_split_group *g, *next;

		if (!s)
			break;
		hrtimer_cancel(&s->timer);
		for (g = s->first; g; g = next) {
			next = g->next;
			kfree(g);
		}
		kfree(s);
	}
	kfree(cint->split);
	cint->split = NULL;
}

static struct nvme_cint_split *nvme_cint_new_split(struct nvme_cint *cint,
						   unsigned int qid)
{
	struct nvme_cint_split *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->cint = cint;
	s->qid = qid;
	hrtimer_init(&s->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	s->timer.function = nvme_cint_split_tick;
	if (nvme_cint_split_group(s, 0))
		return s;
	kfree(s);
	return NULL;
}

/* Once; later the counters begin anew. */
static int nvme_cint_alloc_split(struct nvme_cint *cint)
{
	unsigned int i;

	if (!cint->split)
		cint->split = kcalloc(cint->nr_queues, sizeof(*cint->split),
				      GFP_KERNEL);
	if (!cint->split)
		return -ENOMEM;
	for (i = 1; i < cint->nr_queues; i++) {
		if (!cint->split[i])
			cint->split[i] = nvme_cint_new_split(cint, i);
		if (!cint->split[i])
			return -ENOMEM;
		memset(&cint->split[i]->stats, 0, sizeof(cint->split[i]->stats));
	}
	return 0;
}

/* What goes to the queues without interrupts, by what the policy heeds. */
static void nvme_cint_split_route(struct nvme_cint *cint)
{
	const struct cint_params *params = nvme_cint_params(cint);
	u32 policy = params->policy;
	unsigned int i;

	for (i = 1; i < cint->nr_queues; i++)
		WRITE_ONCE(cint->split[i]->batch, params->threshold);
	if (policy == CINT_POLICY_NONE)
		blk_mq_set_bulk(cint->ctrl->tagset, BLK_MQ_BULK_NOTHING);
	else if (policy < CINT_POLICY_CINT)
		blk_mq_set_bulk(cint->ctrl->tagset, BLK_MQ_BULK_ALL);
	else
		blk_mq_set_bulk(cint->ctrl->tagset, BLK_MQ_BULK_UNMARKED);
}

/**
 * nvme_cint_start_split - have unmarked requests looked for
 * @cint: the controller's coalescer, in no mode
 *
 * Resets the controller if it has no queues for them yet.
 *
 * Return: 0; -EOPNOTSUPP with a reason logged if the controller has too few
 * queues; -ENOMEM; what nvme_reset_ctrl_sync() returns.
 */
int nvme_cint_start_split(struct nvme_cint *cint)
{
	int ret;

	ret = nvme_cint_alloc_split(cint);
	if (ret)
		return ret;
	ret = cint->ops->switch_split(cint->ctrl, true);
	if (!ret)
		nvme_cint_split_route(cint);
	return ret;
}

/**
 * nvme_cint_stop_split - have all requests announced by interrupts
 * @cint: the controller's coalescer, in mode split
 */
void nvme_cint_stop_split(struct nvme_cint *cint)
{
	blk_mq_set_bulk(cint->ctrl->tagset, BLK_MQ_BULK_NOTHING);
	cint->ops->switch_split(cint->ctrl, false);
}

/**
 * nvme_cint_exit_split - the controller is being removed
 * @cint: the controller's coalescer, in mode split; its queues are suspended
 */
void nvme_cint_exit_split(struct nvme_cint *cint)
{
	blk_mq_set_bulk(cint->ctrl->tagset, BLK_MQ_BULK_NOTHING);
	cint->ops->exit_split(cint->ctrl);
}

static void nvme_cint_split_flush(void *data)
{
	struct nvme_cint_split *s = data;
	void *queue = READ_ONCE(s->queue);

	if (!queue)
		return;
	s->cint->ops->look(queue, UINT_MAX, NVME_CINT_FLUSH);
	if (atomic_read(&s->armed))
		nvme_cint_split_start(s, ktime_get_ns(), CINT_POLL_MIN_NS);
}

/**
 * nvme_cint_kick_split - parameters of the controller or of a group have changed
 * @cint: the controller's coalescer, in mode split
 *
 * Delivers what has completed, and has the timers follow the new parameters.
 */
void nvme_cint_kick_split(struct nvme_cint *cint)
{
	unsigned int i;

	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_split *s = cint->split[i];

		if (!READ_ONCE(s->queue))
			continue;
		/* a CPU that has gone offline has left its timer to others */
		if (smp_call_function_single(READ_ONCE(s->cpu),
					     nvme_cint_split_flush, s, true))
			nvme_cint_split_flush(s);
	}
}

/**
 * nvme_cint_set_split - the controller's parameters have changed
 * @cint: the controller's coalescer, locked, in mode split
 */
void nvme_cint_set_split(struct nvme_cint *cint)
{
	nvme_cint_split_route(cint);
	nvme_cint_kick_split(cint);
}

/**
 * nvme_cint_split_stats - sum up the counters of the queues
 * @cint: the controller's coalescer, locked
 * @stats: zeroes, added to
 */
void nvme_cint_split_stats(struct nvme_cint *cint,
			   struct nvme_cint_stats *stats)
{
	unsigned int i, reason;

	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_split *s = cint->split[i];

		stats->completions += READ_ONCE(s->stats.completions);
		stats->urgent += READ_ONCE(s->stats.urgent);
		stats->ticks += READ_ONCE(s->stats.ticks);
		stats->outstanding += nvme_cint_split_outstanding(s) +
			READ_ONCE(s->load.sent) - READ_ONCE(s->load.done);
		for (reason = 0; reason < CINT_REASON_NR; reason++)
			stats->fires[reason] +=
				READ_ONCE(s->stats.fires[reason]);
	}
	stats->delivered = stats->completions;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Modes split and kthread: marked requests have interrupts, all others are looked
 * for in the poll queues.
 *
 * Who looks delivers what is found: what is held is in the completion queue.
 * Looks are taken by
 *
 *  - a task that is about to wait for an io_uring with requests in the queue, or
 *    that asks for what there is; in mode split;
 *  - who submits, when the better part of a batch has completed already; in mode
 *    split;
 *  - who submits a request that has an interrupt: on the CPU that it will come to
 *    there is time, until the drive has served it; in mode split;
 *  - the handler of a barrier, or of an urgent request that is to be delivered in
 *    order, a few completions;
 *  - a timer, at the time lib/cint/poll.c expects a batch to be complete, and
 *    max_hold after the last look at the latest; in mode kthread the thread.
 *
 * While tasks look in time the timer lets them, up to max_hold; and for a while, if who
 * submits has completions to read yet; both where all requests are of one user, and
 * nobody else waits for them. When it is the timer that finds completions, and only a
 * few at a time, looking does not pay: requests then have their interrupt for a while.
 *
 * A barrier has an interrupt. Its handler looks for the barrier's prefix and, as
 * long as that is not complete, has the timer look again every delta_min.
 *
 * Who releases a completion that has not been looked for:
 *
 *  - the timer, max_hold after the last look at the latest; or the thread;
 *  - a change of parameters of the device looks at once, of a ring by the former;
 *  - a change of mode is a reset;
 *  - nvme_timeout(), which polls before it judges a request;
 *  - nvme_reap_pending_cqes() on reset, removal and power management, after the
 *    queue has been detached and before requests are cancelled;
 *  - CPU hotplug needs nothing: the block layer waits for the requests of a queue
 *    whose last CPU goes offline, and a timer migrates with the CPU's.
 *
 * Locks: nvme_queue.cq_poll_lock is for who looks. All who look here try for it
 * only: who holds it is looking. The timer is the only one to look in a softirq,
 * and handlers that look are those of other queues. ->timer_lock is for who sets the
 * timer, from what he bases it on to the end, so that nobody's is overruled by what
 * somebody else has found before; it is innermost, and handlers take it, too.
 *
 * Who has submitted starts the timer if it is not queued. It is dequeued before it
 * runs, so that of the two, who submits while it runs and the timer that finds
 * nothing outstanding, one sees the other.
 */
#include <linux/blk-mq.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>

#include "nvme.h"
#include "pci-cint.h"
#include <trace/events/cint.h>

/* Completed by the timer on a busy CPU: a task does it for less. */
#define NVME_CINT_BUDGET		4

/*
 * Completed at once, before others have their turn: fewer for as many looks after a
 * request that has an interrupt, as somebody will wait for the next one. In the lab
 * the 99th percentile of urgent requests beside 32 others was 33.5 us with 16 at
 * once, 29.7 with 8 and 28.7 with 4; and a read at depth 32 took some 30 of 6200
 * instructions more with 8 than with 32.
 */
#define NVME_CINT_CHUNK			32
#define NVME_CINT_CHUNK_BRIEF		8
#define NVME_CINT_BRIEF			64

/*
 * Looked for by who submits a request that has an interrupt. In the lab the others
 * had 1 % more with 32 than with 16, and with 24 as much as with 32.
 */
#define NVME_CINT_BESIDE		24

/*
 * For who submits so much of a batch is enough, in 1/32: it has then not waited for
 * max_hold, and the timer need not interrupt him for it; and still less while the
 * timer is not put off.
 */
#define NVME_CINT_ENOUGH		20
#define NVME_CINT_EAGER			4

/* A task that has looked within so many max_hold is expected to look again. */
#define NVME_CINT_ATTENDED		8

/*
 * A look of the timer costs what an interrupt costs. Where it is alone to look for
 * that long and finds fewer than this on average, requests have interrupts instead,
 * for so many requests, and for longer each time that looking has turned out not to
 * pay.
 */
#define NVME_CINT_ALONE_NS		(2 * NSEC_PER_MSEC)
#define NVME_CINT_YIELD_SHIFT		4
#define NVME_CINT_YIELD_MIN		(6 << NVME_CINT_YIELD_SHIFT)
#define NVME_CINT_YIELD_START		(10 << NVME_CINT_YIELD_SHIFT)
#define NVME_CINT_YIELD_WEIGHT		3	/* shift */
#define NVME_CINT_REST_MIN		4096
#define NVME_CINT_REST_MAX		65536

/*
 * When to look
 */

/* What is outstanding by slots. Return how many slots there are, 0 if it is nothing. */
static unsigned int nvme_cint_count(struct nvme_cint_queue *c, u32 *nr)
{
	unsigned int nr_slots = READ_ONCE(c->nr_slots), i;
	bool any = false;

	for (i = 0; i < nr_slots; i++)
		nr[i] = READ_ONCE(c->slots[i].done);
	/* pairs with nvme_cint_guard(): who is not seen here sees that all were done */
	smp_mb();
	for (i = 0; i < nr_slots; i++) {
		nr[i] = READ_ONCE(c->slots[i].sent) - nr[i];
		/* the controller has made some up */
		if (unlikely((s32)nr[i] < 0))
			nr[i] = nvme_outstanding(c->nvmeq);
		any |= nr[i];
	}
	return any ? nr_slots : 0;
}

/* A batch is a group's, whosever the requests are. */
static u32 nvme_cint_group_outstanding(struct nvme_cint_queue *c, u16 group,
				       const u32 *nr, unsigned int nr_slots)
{
	u32 sum = 0;

	while (nr_slots--)
		if (READ_ONCE(c->slots[nr_slots].group) == group)
			sum += nr[nr_slots];
	return sum;
}

/*
 * When is a slot's first request to be looked for at the latest, if it takes as long as
 * others do? Once that is over, the longer in vain, the rarer.
 */
static u32 nvme_cint_due_in(const struct nvme_cint_slot *slot, u32 service_ns,
			    u32 hold_ns, u64 now_ns)
{
	u64 since_ns = READ_ONCE(slot->first_ns) + service_ns;

	if (now_ns < since_ns + hold_ns)
		return min_t(u64, since_ns + hold_ns - now_ns, CINT_DELAY_MAX_NS);
	return min_t(u64, now_ns - since_ns, CINT_DELAY_MAX_NS);
}

/*
 * How long until the next look, by the earliest demand of any group; 0 if nothing
 * is outstanding. With ->timer_lock.
 */
static u32 nvme_cint_interval(struct nvme_cint_queue *c, u64 now_ns)
{
	u32 floor_ns = READ_ONCE(c->cint->look_min_ns), max_hold_ns;
	u32 hold_ns = CINT_DELAY_MAX_NS, hold_min_ns, shortest = 0, service_ns;
	const struct user_struct *owner = NULL, *user;
	u32 nr_outstanding[NVME_CINT_SLOTS];
	enum cint_reason reason;
	unsigned int nr_slots, i;
	bool shared = false;

	lockdep_assert_held(&c->timer_lock);
	nr_slots = READ_ONCE(c->looked_at) ?
		nvme_cint_count(c, nr_outstanding) : 0;
	if (!nr_slots) {
		WRITE_ONCE(c->hold_ns, hold_ns);
		return 0;
	}
	/* a barrier's prefix, that nobody has looked for yet; as in nvme_cint_awaiting() */
	if (unlikely(atomic_read_acquire(&c->prefix))) {
		WRITE_ONCE(c->reason, CINT_FIRE_BARRIER);
		return floor_ns;
	}
	rcu_read_lock();
	max_hold_ns = nvme_cint_setting(c->cint, 0)->policy.params.max_hold_ns;
	/* in a shorter time than the drive takes there may be none to look for */
	service_ns = READ_ONCE(c->poll.service_ns);
	hold_min_ns = max(floor_ns, min(service_ns, max_hold_ns));
	c->hold_min_ns = hold_min_ns;
	for (i = 0; i < nr_slots; i++) {
		struct nvme_cint_slot *slot = &c->slots[i];
		const struct cint_policy *policy;
		u32 nr, interval, hold;

		if (!nr_outstanding[i])
			continue;
		user = READ_ONCE(slot->user);
		shared |= !user || (owner && user != owner);
		owner = user;
		nr = nvme_cint_group_outstanding(c, READ_ONCE(slot->group),
						 nr_outstanding, nr_slots);
		/* it may be another group's by now */
		nr = max(nr, nr_outstanding[i]);
		policy = &nvme_cint_setting(c->cint, READ_ONCE(slot->group))->policy;
		hold = min(policy->params.max_hold_ns, max_hold_ns);
		if (i == NVME_CINT_OVERFLOW)
			hold = min(hold, READ_ONCE(slot->hold_ns));
		hold = max(hold, hold_min_ns);
		/* a ring can't have the drive asked more often than it answers */
		interval = cint_poll_interval(&c->poll, policy, nr, floor_ns,
					      max_hold_ns, now_ns);
		/* what others have waited in vain is no reason to make these wait */
		interval = min(interval, nvme_cint_due_in(slot, service_ns, hold,
							  now_ns));
		hold_ns = min(hold_ns, hold);
		if (shortest && interval >= shortest)
			continue;
		shortest = interval;
		if (READ_ONCE(c->poll.awaiting))
			reason = CINT_FIRE_BARRIER;
		else if (interval >= hold)
			reason = CINT_FIRE_MAX_HOLD;
		else if (policy->params.policy == CINT_POLICY_CINT_RATE)
			reason = CINT_FIRE_RATE;
		else
			reason = CINT_FIRE_QUIET;
		WRITE_ONCE(c->reason, reason);
	}
	rcu_read_unlock();
	WRITE_ONCE(c->owner, shared ? NULL : owner);
	WRITE_ONCE(c->hold_ns, hold_ns);
	return shortest;
}

/* With ->timer_lock. */
static void nvme_cint_start_timer(struct nvme_cint_queue *c, u64 now_ns,
				  u32 interval)
{
	WRITE_ONCE(c->expires_ns, now_ns + interval);
	hrtimer_start(&c->timer, ns_to_ktime(now_ns + interval),
		      HRTIMER_MODE_ABS_PINNED_SOFT);
}

/* Note when the timer will look: later than is best for requests of any user? */
static void nvme_cint_put_off(struct nvme_cint_queue *c, bool put_off,
			      bool attended)
{
	WRITE_ONCE(c->attended, attended);
	WRITE_ONCE(c->put_off, put_off);
}

/* Have the queue looked into as is best; with ->timer_lock. */
static void __nvme_cint_arm(struct nvme_cint_queue *c)
{
	u64 now_ns = ktime_get_ns();
	u32 interval = nvme_cint_interval(c, now_ns);

	nvme_cint_put_off(c, false, false);
	if (!interval)
		return;
	/* it is never made later: else it would not come while others submit */
	if (!hrtimer_is_queued(&c->timer) || now_ns + interval < c->expires_ns)
		nvme_cint_start_timer(c, now_ns, interval);
}

/* The thread looks. */
static void nvme_cint_wake_thread(struct nvme_cint *cint)
{
	struct task_struct *thread;

	if (!READ_ONCE(cint->sleeping))
		return;
	/* who is held up here may come when it is gone, see nvme_cint_stop_thread() */
	guard(rcu)();
	thread = READ_ONCE(cint->thread);
	if (thread)
		wake_up_process(thread);
}

/**
 * nvme_cint_arm - somebody waits, or submits: have the queue looked into
 * @c: the queue, without interrupts
 */
void nvme_cint_arm(struct nvme_cint_queue *c)
{
	if (c->watched) {
		nvme_cint_wake_thread(c->cint);
		return;
	}
	guard(raw_spinlock_irqsave)(&c->timer_lock);
	__nvme_cint_arm(c);
}

/**
 * nvme_cint_arm_first - the same for the first request of a group or user
 * @c: the queue, without interrupts
 * @hold_ns: for how long it may be held
 * @user: whose it is, NULL if that is not known
 */
void nvme_cint_arm_first(struct nvme_cint_queue *c, u32 hold_ns,
			 const struct user_struct *user)
{
	if (c->watched) {
		nvme_cint_wake_thread(c->cint);
		return;
	}
	guard(raw_spinlock_irqsave)(&c->timer_lock);
	if (user != c->owner)
		WRITE_ONCE(c->owner, NULL);
	if ((c->put_off && !c->owner) ||
	    max(hold_ns, c->hold_min_ns) < c->hold_ns ||
	    !hrtimer_is_queued(&c->timer))
		__nvme_cint_arm(c);
}

/**
 * nvme_cint_awaiting - is part of a barrier's prefix to be looked for?
 * @c: the queue, without interrupts
 *
 * Return: whether it is.
 */
bool nvme_cint_awaiting(struct nvme_cint_queue *c)
{
	/* who takes it up sets the latter first */
	return atomic_read_acquire(&c->prefix) || READ_ONCE(c->poll.awaiting);
}

/*
 * Has a task looked lately? Then it will again, and take all there is for less than
 * an interrupt costs; if it sleeps, it says so. Others who have requests there do not
 * wait for it.
 */
static bool nvme_cint_attended(struct nvme_cint_queue *c, u64 now_ns)
{
	return c->owner && c->owner == READ_ONCE(c->task_user) &&
		!nvme_cint_awaiting(c) &&
		now_ns - READ_ONCE(c->task_ns) <=
		NVME_CINT_ATTENDED * (u64)c->hold_ns;
}

/*
 * Who goes on submitting, with completions to read yet, misses none of these. When he
 * has read them is not known: longer each time that it is still so.
 */
static u32 nvme_cint_spare(struct nvme_cint_queue *c, u32 interval)
{
	u16 tail = READ_ONCE(c->nvmeq->sq_tail), last = c->tail;

	c->tail = tail;
	if (!c->owner || c->owner != READ_ONCE(c->behind) || tail == last ||
	    nvme_cint_awaiting(c))
		return 0;
	return min(max(2 * READ_ONCE(c->spare_ns), interval), c->hold_ns);
}

/* The timer is due, and dequeued. Return whether it is to look now, with its lock. */
static bool nvme_cint_tick(struct nvme_cint_queue *c)
{
	u32 floor_ns = READ_ONCE(c->cint->look_min_ns), interval, spare;
	u64 now_ns = ktime_get_ns(), limit_ns;
	bool attended;

	c->stats.ticks++;
	/* its barrier pairs with the one in nvme_cint_guard() */
	interval = nvme_cint_interval(c, now_ns);
	if (!interval) {
		nvme_cint_put_off(c, false, false);
		return false;
	}
	limit_ns = READ_ONCE(c->clean_ns) + c->hold_ns;
	attended = nvme_cint_attended(c, now_ns);
	spare = attended ? 0 : nvme_cint_spare(c, interval);
	WRITE_ONCE(c->spare_ns, spare);
	nvme_cint_put_off(c, attended || spare, attended);
	if ((!attended && !spare) || limit_ns <= now_ns + floor_ns)
		return true;
	interval = attended ? c->hold_ns : max(spare, floor_ns);
	nvme_cint_start_timer(c, now_ns, min(limit_ns - now_ns, interval));
	return false;
}

/* It has looked. */
static void nvme_cint_tick_again(struct nvme_cint_queue *c, u32 found)
{
	u64 now_ns = ktime_get_ns();
	u32 interval = nvme_cint_interval(c, now_ns);

	/* who looks at this moment may be whom the timer has interrupted */
	if (interval && found && nvme_cqe_pending(c->nvmeq))
		interval = READ_ONCE(c->cint->look_min_ns);
	if (interval)
		nvme_cint_start_timer(c, now_ns, interval);
}

static enum hrtimer_restart nvme_cint_timer(struct hrtimer *timer)
{
	struct nvme_cint_queue *c = container_of(timer, struct nvme_cint_queue,
						 timer);
	u32 found, budget;

	scoped_guard(raw_spinlock_irqsave, &c->timer_lock)
		if (!nvme_cint_tick(c))
			return HRTIMER_NORESTART;
	budget = is_idle_task(current) ? NVME_CINT_BUDGET_MAX :
					 NVME_CINT_BUDGET;
	found = nvme_cint_look(c, budget, NVME_CINT_TIMER);
	scoped_guard(raw_spinlock_irqsave, &c->timer_lock)
		nvme_cint_tick_again(c, found);
	return HRTIMER_NORESTART;
}

/* struct cint_looker */
static void nvme_cint_task_sleep(struct cint_looker *looker)
{
	struct nvme_cint_queue *c = container_of(looker, struct nvme_cint_queue,
						 looker);

	if (c->watched)
		return;
	guard(raw_spinlock_irqsave)(&c->timer_lock);
	/* it will not look again, nor read what it has */
	WRITE_ONCE(c->task_ns, 0);
	WRITE_ONCE(c->behind, NULL);
	if (c->put_off)
		__nvme_cint_arm(c);
}

/*
 * Looking
 */

/**
 * nvme_cint_fired - completions of a group are delivered
 * @c: the queue, locked
 * @group: the group
 * @reason: why
 * @nr: how many
 * @held_ns: for how long at most they have waited
 */
void nvme_cint_fired(struct nvme_cint_queue *c, u16 group,
		     enum cint_reason reason, u32 nr, u64 held_ns)
{
	c->stats.fires[reason]++;
	trace_cint_fire(c->cint->dev->ctrl.instance, c->nvmeq->qid, group,
			reason, nr, held_ns);
	if (unlikely(group))
		cint_group_count(group, reason, nr);
}

/*
 * How old what has not been found can be. A completion queue is taken from in
 * order: what there is at one look has been found when as many have.
 */
static void nvme_cint_age(struct nvme_cint_queue *c, u32 found, u32 outstanding,
			  bool more, u64 now_ns)
{
	if (more && c->mark_left > found) {
		c->mark_left -= found;
		return;
	}
	WRITE_ONCE(c->clean_ns, more ? c->mark_ns : now_ns);
	c->mark_left = outstanding;
	c->mark_ns = now_ns;
}

/* Has this CPU requests that have interrupts? */
static bool nvme_cint_interrupted(struct nvme_cint_queue *c)
{
	struct nvme_dev *dev = c->nvmeq->dev;
	unsigned int *map = dev->tagset.map[HCTX_TYPE_DEFAULT].mq_map;

	return nvme_outstanding(&dev->queues[map[raw_smp_processor_id()] + 1]);
}

/*
 * The timer has looked. Is the drive too slow for that, or has it been the only one
 * to look for long, and finds too few?
 */
static void nvme_cint_judge(struct nvme_cint_queue *c, u32 found, u64 now_ns)
{
	u64 busy_ns = min(READ_ONCE(c->poll.busy_ns), now_ns);
	s32 change = (found << NVME_CINT_YIELD_SHIFT) - c->yield;

	if (READ_ONCE(c->looked_ns) > c->judged_ns)
		c->alone_ns = 0;
	else
		c->alone_ns += now_ns - max(busy_ns, c->judged_ns);
	c->judged_ns = now_ns;
	if (found || now_ns - max(busy_ns, c->found_ns) < c->hold_ns) {
		/* who gets completions by interrupt has no need to look yet */
		if (c->alone_ns < NVME_CINT_ALONE_NS ||
		    (found && nvme_cint_interrupted(c)))
			return;
		c->yield += change >> NVME_CINT_YIELD_WEIGHT;
		if (found > NVME_CINT_YIELD_MIN >> NVME_CINT_YIELD_SHIFT)
			c->next_rest = NVME_CINT_REST_MIN;
		if (c->yield >= NVME_CINT_YIELD_MIN)
			return;
	}
	WRITE_ONCE(c->rest, c->next_rest);
	c->next_rest = min(2 * c->next_rest, NVME_CINT_REST_MAX);
	c->yield = NVME_CINT_YIELD_START;
}

/*
 * What a look has found, and learnt. Return whether the timer is to be put off:
 * setting it costs less than to have it come for nothing.
 */
static bool nvme_cint_looked(struct nvme_cint_queue *c, enum nvme_cint_who who)
{
	static const u8 reasons[] = {
		[NVME_CINT_TASK]	= CINT_FIRE_LOOK,
		[NVME_CINT_SUBMITTER]	= CINT_FIRE_THRESHOLD,
		[NVME_CINT_INTERRUPT]	= CINT_FIRE_LOOK,
		[NVME_CINT_FLUSH]	= CINT_FIRE_FLUSH,
	};
	bool own = who == NVME_CINT_TIMER || who == NVME_CINT_THREAD;
	enum cint_reason reason = own ? c->reason : reasons[who];
	u32 outstanding = nvme_outstanding(c->nvmeq);
	bool more = nvme_cqe_pending(c->nvmeq);
	u64 now_ns = ktime_get_ns(), held_ns = now_ns - c->clean_ns;
	u32 found = c->taken;
	unsigned int i;
	int prefix;

	c->taken = 0;
	if (c->brief)
		WRITE_ONCE(c->brief, c->brief - 1);

	prefix = atomic_read(&c->prefix);
	while (unlikely(prefix)) {
		/* in this order, see nvme_cint_awaiting() */
		cint_poll_await(&c->poll, prefix, now_ns);
		if (atomic_try_cmpxchg(&c->prefix, &prefix, 0))
			break;
	}
	if (cint_poll_looked(&c->poll, found, outstanding, more, now_ns))
		reason = CINT_FIRE_BARRIER;
	for (i = 0; i < c->nr_slots; i++) {
		struct nvme_cint_slot *slot = &c->slots[i];
		u32 nr = slot->done - slot->seen;

		if (!nr)
			continue;
		nvme_cint_fired(c, slot->group, reason, nr, held_ns);
		/* then it may be another group's */
		smp_store_release(&slot->seen, slot->done);
	}
	c->stats.completions += found;
	c->ready -= min(found, c->ready);
	c->first_ns = c->last_ns;
	nvme_cint_age(c, found, outstanding, more, now_ns);
	if (who == NVME_CINT_TIMER)
		nvme_cint_judge(c, found, now_ns);
	if (found)
		c->found_ns = now_ns;
	if (who != NVME_CINT_TASK && who != NVME_CINT_SUBMITTER)
		return false;
	if (found)
		WRITE_ONCE(c->looked_ns, now_ns);
	if (!nvme_cint_own(c))
		return false;
	if (found) {
		WRITE_ONCE(c->task_user, nvme_cint_user());
		WRITE_ONCE(c->task_ns, now_ns);
		WRITE_ONCE(c->spare_ns, 0);
	}
	/* a timer stays on the CPU where it was started */
	return !more && READ_ONCE(c->put_off) && !c->poll.awaiting &&
		READ_ONCE(c->expires_ns) < now_ns + READ_ONCE(c->hold_ns) / 2 &&
		nvme_cint_poll_queue(c->nvmeq->dev, raw_smp_processor_id()) ==
		c->nvmeq;
}

/* On PREEMPT_RT what completes requests may sleep. */
static void nvme_cint_keep_cpu(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
}

static void nvme_cint_release_cpu(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
}

/**
 * nvme_cint_poll - who has polled requests in a queue polls for them
 * @nvmeq: the queue, which may have requests of others, too
 *
 * Return: whether any have completed.
 */
int nvme_cint_poll(struct nvme_queue *nvmeq)
{
	DEFINE_IO_COMP_BATCH(iob);
	int found;

	/* as in __nvme_cint_look() */
	nvme_cint_keep_cpu();
	found = nvme_poll_queue(nvmeq, &iob);
	if (!rq_list_empty(&iob.req_list))
		nvme_pci_complete_batch(&iob);
	nvme_cint_release_cpu();
	return found;
}

static unsigned int __nvme_cint_look(struct nvme_cint_queue *c,
				     unsigned int max, enum nvme_cint_who who)
{
	struct nvme_queue *nvmeq = c->nvmeq;
	unsigned int found = 0, nr, chunk;
	bool later = false, last, shared;
	unsigned long flags;

	/* then it says how, see nvme_cint_attach() */
	if (!smp_load_acquire(&c->looked_at))
		return 0;
	/* where a lock does not keep the CPU, no task takes what is others' */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !nvme_cint_own(c) &&
	    (who == NVME_CINT_TASK || who == NVME_CINT_SUBMITTER))
		return 0;
	shared = nvmeq->consumer == NVME_CQ_SHARED;
	do {
		DEFINE_IO_COMP_BATCH(iob);

		/*
		 * What is taken is others', too: it is handed on before the CPU is lost,
		 * which may be for long.
		 */
		nvme_cint_keep_cpu();
		/* its handler takes it, too */
		if (shared ? !spin_trylock_irqsave(&nvmeq->cq_poll_lock, flags) :
			     !spin_trylock(&nvmeq->cq_poll_lock)) {
			nvme_cint_release_cpu();
			break;
		}
		last = true;
		if (c->looked_at) {
			chunk = READ_ONCE(c->brief) ? NVME_CINT_CHUNK_BRIEF :
						      NVME_CINT_CHUNK;
			if (who == NVME_CINT_THREAD) {
				chunk = max;
				nvme_cint_tell(c, max);
			} else if (max) {
				chunk = min(chunk, max - found);
			}
			nr = nvme_poll_cq(nvmeq, &iob, chunk);
			found += nr;
			c->taken += nr;
			last = nr < chunk || found == max ||
			       (need_resched() && who != NVME_CINT_INTERRUPT &&
				who != NVME_CINT_FLUSH);
			if (last && !shared)
				later = nvme_cint_looked(c, who);
		}
		if (shared)
			spin_unlock_irqrestore(&nvmeq->cq_poll_lock, flags);
		else
			spin_unlock(&nvmeq->cq_poll_lock);
		if (!rq_list_empty(&iob.req_list))
			nvme_pci_complete_batch(&iob);
		nvme_cint_release_cpu();
	} while (!last);
	if (!later)
		return found;
	guard(raw_spinlock_irqsave)(&c->timer_lock);
	/* unless somebody else wants it sooner now */
	if (c->looked_at && c->put_off && nvme_cint_own(c))
		nvme_cint_start_timer(c, READ_ONCE(c->clean_ns), c->hold_ns);
	return found;
}

/**
 * nvme_cint_look - complete what has completed without an interrupt
 * @c: the queue
 * @max: how many requests at most, 0 for all
 * @who: looks
 *
 * Return: how many were completed; 0, too, while somebody else looks.
 */
unsigned int nvme_cint_look(struct nvme_cint_queue *c, unsigned int max,
			    enum nvme_cint_who who)
{
	struct cint_scope scope;
	unsigned int found;

	if (!in_task())
		return __nvme_cint_look(c, max, who);
	/* they are not being submitted, as who completes them here could think */
	cint_scope_look(&scope);
	found = __nvme_cint_look(c, max, who);
	cint_scope_end(&scope);
	return found;
}

/* struct cint_looker */
static int nvme_cint_task_look(struct cint_looker *looker, unsigned int max)
{
	struct nvme_cint_queue *c = container_of(looker, struct nvme_cint_queue,
						 looker);
	u64 now_ns;

	if (!nvme_outstanding(c->nvmeq))
		return -ENOENT;
	if (!max) {
		/* it has been given others by the timer, or would look */
		now_ns = ktime_get_ns();
		WRITE_ONCE(c->looked_ns, now_ns);
		if (nvme_cint_own(c)) {
			WRITE_ONCE(c->task_user, nvme_cint_user());
			WRITE_ONCE(c->task_ns, now_ns);
		}
		return 0;
	}
	return nvme_cint_look(c, max, NVME_CINT_TASK);
}

/**
 * nvme_cint_submit_look - much of a batch, or more, is outstanding
 * @c: the queue, without interrupts; the caller has just submitted to it
 */
void nvme_cint_submit_look(struct nvme_cint_queue *c)
{
	u32 batch = READ_ONCE(c->batch), enough = NVME_CINT_ENOUGH;

	/* who is too busy to wait spares himself the timer */
	if (!READ_ONCE(c->attended))
		enough = NVME_CINT_EAGER;
	enough = DIV_ROUND_UP(batch * enough, 32);
	if (enough < c->nvmeq->q_depth && nvme_cqes_pending(c->nvmeq, enough))
		nvme_cint_look(c, batch, NVME_CINT_SUBMITTER);
}

/**
 * nvme_cint_look_beside - a request that has an interrupt has been submitted
 * @nvmeq: its queue
 */
void nvme_cint_look_beside(struct nvme_queue *nvmeq)
{
	struct nvme_queue *other = nvme_cint_poll_queue(nvmeq->dev,
							raw_smp_processor_id());
	struct nvme_cint_queue *c = other ? READ_ONCE(other->cint) : NULL;

	if (!c || c->watched)
		return;
	WRITE_ONCE(c->brief, NVME_CINT_BRIEF);
	if (nvme_cqe_pending(other))
		nvme_cint_look(c, NVME_CINT_BESIDE, NVME_CINT_SUBMITTER);
}

/**
 * nvme_cint_init_look - prepare a queue to be looked into
 * @c: the queue, zeroed, with its controller
 */
void nvme_cint_init_look(struct nvme_cint_queue *c)
{
	raw_spin_lock_init(&c->timer_lock);
	hrtimer_init(&c->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_SOFT);
	c->timer.function = nvme_cint_timer;
	c->looker.look = nvme_cint_task_look;
	c->looker.sleep = nvme_cint_task_sleep;
}

/**
 * nvme_cint_start_look - a queue has been created, nothing is in flight
 * @c: the queue
 */
void nvme_cint_start_look(struct nvme_cint_queue *c)
{
	u64 now_ns = ktime_get_ns();

	cint_poll_init(&c->poll);
	/* what was in flight before has been cancelled */
	memset(c->slots, 0, sizeof(c->slots));
	c->slot = 0;
	c->nr_slots = 1;
	c->batch = CINT_THRESHOLD_MAX;
	c->slots[0].hold_ns = CINT_DELAY_MAX_NS;
	c->rest = 0;
	c->next_rest = NVME_CINT_REST_MIN;
	c->yield = NVME_CINT_YIELD_START;
	c->alone_ns = 0;
	c->judged_ns = now_ns;
	c->found_ns = now_ns;
	c->owner = NULL;
	c->firsts = 0;
	c->first_hold_ns = CINT_DELAY_MAX_NS;
	c->first_user = NULL;
	c->hold_min_ns = 0;
	c->put_off = false;
	c->attended = false;
	c->behind = NULL;
	c->spare_ns = 0;
	c->hold_ns = CINT_DELAY_MAX_NS;
	c->taken = 0;
	c->brief = 0;
	c->mark_left = 0;
	c->mark_ns = now_ns;
	c->clean_ns = now_ns;
	/* nobody has looked yet */
	c->task_user = NULL;
	c->task_ns = 0;
	c->looked_ns = 0;
	c->ready = 0;
	c->prefix_queue = NULL;
	atomic_set(&c->prefix, 0);
}

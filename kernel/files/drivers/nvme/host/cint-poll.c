// SPDX-License-Identifier: GPL-2.0
/*
 * Mode kthread: staging, policy and delivery of NVMe completions.
 *
 * A kernel thread polls the completion queues whose interrupts are masked and
 * moves what it finds to a staging area, so that the controller's queue never
 * fills up and completions can be delivered in another order. The policy says
 * when; an inter-processor interrupt then completes the requests on the CPU
 * that owns the queue, as the controller's interrupt would have.
 *
 * Who releases a completion that is held:
 *
 *  - the poller, when the policy says so: at max_hold at the latest;
 *  - the poller at once, when the parameters it waits for change;
 *  - a change of mode, which freezes the queues first: the freeze waits for
 *    the poller, that is for max_hold at most;
 *  - nvme_timeout(), which flushes the queue before it judges a request;
 *  - nvme_suspend_queue(), on reset, removal and power management: it flushes
 *    before the requests still in flight are cancelled;
 *  - CPU hotplug needs nothing: the poller migrates, and a CPU going offline
 *    runs the IPIs it has been sent, or the poller delivers in its stead.
 *
 * Locks: the transport's queue lock, then nvme_cint_queue->lock. Neither is
 * taken in an interrupt: delivery uses lists without locks.
 */
#include <linux/blk-cint.h>
#include <linux/blk-mq.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/smp.h>

#include "cint.h"
#include "nvme.h"

#define CREATE_TRACE_POINTS
#include <trace/events/cint.h>

/*
 * Delivery looks for urgent completions again after this many others, so that
 * a large batch does not keep them waiting.
 */
#define NVME_CINT_CHUNK		16

/* How long the poller sleeps on the only CPU, for requesters to run. */
#define NVME_CINT_UP_NAP_US	20

enum nvme_cint_entry_state {
	NVME_CINT_FREE,		/* no request has this tag */
	NVME_CINT_SUBMITTED,	/* the controller has it */
	NVME_CINT_STAGED,	/* it has completed, delivery is due or held */
};

/* One request, found by its tag. */
struct nvme_cint_entry {
	struct cint_request		creq;
	struct nvme_cint_group		*group;
	struct request			*req;
	struct list_head		held;
	struct llist_node		ready;
	union nvme_result		result;
	__le16				status;
	enum nvme_cint_entry_state	state;
};

/* The policy state of one queue for one group. */
struct nvme_cint_group {
	struct cint_coalescer	c;
	struct list_head	held;		/* entries, oldest first */
	struct list_head	holding;	/* in the queue's list if any held */
	u64			oldest_ns;
	u64			setting_seq;	/* what the held ones wait for */
	u16			id;
};

/**
 * struct nvme_cint_queue - the coalescer of one hardware queue
 * @cint: the controller's
 * @queue: the transport's queue
 * @qid: its id
 * @lock: protects all but the delivery
 * @active: the queue is the coalescer's
 * @now_ns: time of the current look at the completion queue
 * @entries: by tag
 * @nr_entries: number of tags
 * @groups: by group id, made on first use
 * @holding: groups that hold completions
 * @stats: counters
 * @cpu: a CPU that owns the queue
 * @urgent: completions to deliver first
 * @bulk: all others to deliver
 * @csd: the IPI
 * @kicked: an IPI is on its way
 * @delivering: IPIs that have not finished
 */
struct nvme_cint_queue {
	struct nvme_cint	*cint;
	void			*queue;
	u16			qid;
	spinlock_t		lock; /* all but what delivery uses */
	bool			active;
	u64			now_ns;
	struct nvme_cint_entry	*entries;
	unsigned int		nr_entries;
	struct nvme_cint_group	*groups[CINT_GROUP_MAX + 1];
	struct list_head	holding;
	struct nvme_cint_stats	stats;

	unsigned int		cpu ____cacheline_aligned_in_smp;
	struct llist_head	urgent;
	struct llist_head	bulk;
	call_single_data_t	csd;
	atomic_t		kicked;
	atomic_t		delivering;
	atomic64_t		delivered;
};

static enum cpuhp_state nvme_cint_cpuhp;

/*
 * Delivery
 */

static void nvme_cint_complete(struct nvme_cint_queue *q,
			       struct nvme_cint_entry *e,
			       struct io_comp_batch *iob)
{
	const struct nvme_cint_ops *ops = q->cint->ops;
	union nvme_result result = e->result;
	struct request *req = e->req;
	__le16 status = e->status;

	/* once completed, the tag and so the entry may be used again */
	e->state = NVME_CINT_FREE;
	if (!nvme_try_complete_req(req, status, result) &&
	    !blk_mq_add_to_batch(req, iob,
				 nvme_req(req)->status != NVME_SC_SUCCESS,
				 ops->complete_batch))
		ops->complete_rq(req);
}

/* Complete up to max of a list; return the rest. */
static struct llist_node *nvme_cint_complete_list(struct nvme_cint_queue *q,
						  struct llist_node *node,
						  unsigned int max)
{
	DEFINE_IO_COMP_BATCH(iob);
	struct llist_node *next;
	unsigned int nr = 0;

	for (; node && nr < max; node = next, nr++) {
		next = node->next;
		nvme_cint_complete(q, llist_entry(node, struct nvme_cint_entry,
						  ready), &iob);
	}
	if (!rq_list_empty(&iob.req_list))
		iob.complete(&iob);
	atomic64_add(nr, &q->delivered);
	return node;
}

static void nvme_cint_deliver_urgent(struct nvme_cint_queue *q)
{
	struct llist_node *list;

	if (llist_empty(&q->urgent))
		return;
	list = llist_reverse_order(llist_del_all(&q->urgent));
	nvme_cint_complete_list(q, list, UINT_MAX);
}

static void nvme_cint_deliver(struct nvme_cint_queue *q)
{
	struct llist_node *list;

	nvme_cint_deliver_urgent(q);
	list = llist_reverse_order(llist_del_all(&q->bulk));
	while (list) {
		list = nvme_cint_complete_list(q, list, NVME_CINT_CHUNK);
		nvme_cint_deliver_urgent(q);
	}
}

static void nvme_cint_ipi(void *data)
{
	struct nvme_cint_queue *q = data;

	/* what is added from here on gets an IPI of its own */
	atomic_set(&q->kicked, 0);
	/* orders the above before the look at the lists */
	smp_mb();
	nvme_cint_deliver(q);
	atomic_dec_return_release(&q->delivering);
}

static bool nvme_cint_ready(struct nvme_cint_queue *q)
{
	return !llist_empty(&q->urgent) || !llist_empty(&q->bulk);
}

/* Have all that is ready delivered on a CPU that owns the queue. */
static void nvme_cint_kick(struct nvme_cint_queue *q)
{
	if (!nvme_cint_ready(q) || atomic_xchg(&q->kicked, 1))
		return;

	atomic_inc(&q->delivering);
	q->stats.ipis++;
	if (!smp_call_function_single_async(READ_ONCE(q->cpu), &q->csd))
		return;

	/* the owner went offline: its requests complete here */
	preempt_disable();
	nvme_cint_ipi(q);
	preempt_enable();
}

/**
 * nvme_cint_drain - wait until all that was flushed has been delivered
 * @q: the queue; no new completions come to it
 */
void nvme_cint_drain(struct nvme_cint_queue *q)
{
	preempt_disable();
	nvme_cint_deliver(q);
	preempt_enable();
	while (atomic_read_acquire(&q->delivering))
		cond_resched();
}

/*
 * Staging and policy, under the queue's lock
 */

static void nvme_cint_fired(struct nvme_cint_queue *q, struct nvme_cint_group *g,
			    enum cint_reason reason, u32 nr, u64 oldest_ns)
{
	q->stats.fires[reason]++;
	trace_cint_fire(q->cint->ctrl->instance, q->qid, g->id, reason, nr,
			q->now_ns > oldest_ns ? q->now_ns - oldest_ns : 0);
	if (g->id)
		nvme_cint_count_group(g->id, reason, nr);
}

/* Move what a group holds to delivery; return how many that are. */
static u32 nvme_cint_release(struct nvme_cint_queue *q,
			     struct nvme_cint_group *g)
{
	struct nvme_cint_entry *e, *next;
	u32 nr = 0;

	list_for_each_entry_safe(e, next, &g->held, held) {
		llist_add(&e->ready, &q->bulk);
		nr++;
	}
	INIT_LIST_HEAD(&g->held);
	list_del_init(&g->holding);
	q->stats.held -= nr;
	return nr;
}

static void nvme_cint_flush_group(struct nvme_cint_queue *q,
				  struct nvme_cint_group *g)
{
	cint_flush(&g->c);
	nvme_cint_fired(q, g, CINT_FIRE_FLUSH, nvme_cint_release(q, g),
			g->oldest_ns);
}

static struct nvme_cint_group *nvme_cint_find(struct nvme_cint_queue *q, u16 id)
{
	struct nvme_cint_group *g;

	if (id > CINT_GROUP_MAX)
		id = 0;
	g = q->groups[id];
	if (likely(g))
		return g;

	g = kzalloc(sizeof(*g), GFP_ATOMIC);
	if (!g)
		return q->groups[0];	/* coalesced, with others */
	g->id = id;
	cint_coalescer_init(&g->c);
	INIT_LIST_HEAD(&g->held);
	INIT_LIST_HEAD(&g->holding);
	q->groups[id] = g;
	return g;
}

static bool nvme_cint_busy(struct nvme_cint *cint)
{
	unsigned int i;

	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_queue *q = cint->queues[i];

		if (READ_ONCE(q->stats.outstanding) || READ_ONCE(q->stats.held))
			return true;
	}
	return false;
}

/**
 * nvme_cint_submit - a request goes to the controller
 * @q: its queue
 * @req: the request
 *
 * Before the doorbell, in the order of submission.
 */
void nvme_cint_submit(struct nvme_cint_queue *q, struct request *req)
{
	struct nvme_cint *cint = q->cint;
	struct nvme_cint_entry *e;
	u32 marks = 0;

	if (WARN_ON_ONCE(req->tag >= q->nr_entries))
		return;
	if (req->cmd_flags & REQ_URGENT)
		marks |= CINT_URGENT;
	if (req->cmd_flags & REQ_BARRIER)
		marks |= CINT_BARRIER;

	e = &q->entries[req->tag];
	spin_lock(&q->lock);
	e->req = req;
	e->state = NVME_CINT_SUBMITTED;
	e->group = nvme_cint_find(q, req->flush.cint_group);
	cint_submit(&e->group->c, &e->creq, marks);
	WRITE_ONCE(q->stats.outstanding, q->stats.outstanding + 1);
	spin_unlock(&q->lock);

	/* pairs with set_current_state() in the poller */
	smp_mb();
	if (READ_ONCE(cint->sleeping))
		wake_up_process(cint->thread);
}

/*
 * The hardware context is the namespace's, so it may be gone when none of its
 * requests is in flight any more: look at it while this one is.
 */
static void nvme_cint_follow_owner(struct nvme_cint_queue *q,
				   struct request *req)
{
	const struct cpumask *owners = req->mq_hctx->cpumask;

	if (likely(cpumask_test_cpu(q->cpu, owners) && cpu_online(q->cpu)))
		return;
	WRITE_ONCE(q->cpu, min(cpumask_first_and(owners, cpu_online_mask),
			       nr_cpu_ids - 1));
}

/**
 * nvme_cint_stage - a completion was taken from the completion queue
 * @q: the queue
 * @req: the request that completed
 * @status: of the completion queue entry
 * @result: of the completion queue entry
 *
 * The caller holds the transport's lock of the completion queue.
 *
 * Return: whether the coalescer delivers it; if not, the caller does at once.
 */
bool nvme_cint_stage(struct nvme_cint_queue *q, struct request *req,
		     __le16 status, union nvme_result result)
{
	struct nvme_ctrl *ctrl = q->cint->ctrl;
	const struct cint_setting *setting;
	struct cint_verdict verdict;
	struct nvme_cint_entry *e;
	struct nvme_cint_group *g;
	u64 oldest_ns;
	u32 nr;

	if (unlikely(req->tag >= q->nr_entries))
		return false;
	e = &q->entries[req->tag];

	spin_lock(&q->lock);
	if (unlikely(e->state != NVME_CINT_SUBMITTED)) {
		bool twice = e->state == NVME_CINT_STAGED;

		spin_unlock(&q->lock);
		dev_warn_ratelimited(ctrl->device,
				     "tag %d on queue %d %s\n", req->tag,
				     q->qid, twice ? "completed twice" :
				     "completed without a submission");
		return twice;
	}
	e->state = NVME_CINT_STAGED;
	e->status = status;
	e->result = result;
	WRITE_ONCE(q->stats.outstanding, q->stats.outstanding - 1);
	q->stats.completions++;
	nvme_cint_follow_owner(q, req);
	g = e->group;

	rcu_read_lock();
	setting = nvme_cint_setting(q->cint, g->id);
	if (g->setting_seq != setting->seq) {
		if (g->c.held)
			nvme_cint_flush_group(q, g);
		g->setting_seq = setting->seq;
	}
	verdict = cint_complete(&g->c, &setting->policy, &e->creq, q->now_ns);
	rcu_read_unlock();

	if (verdict.only_this) {
		llist_add(&e->ready, &q->urgent);
		q->stats.urgent++;
		trace_cint_urgent(ctrl->instance, q->qid, g->id, req->tag);
		nvme_cint_fired(q, g, verdict.reason, 1, q->now_ns);
	} else if (verdict.reason == CINT_HOLD) {
		if (list_empty(&g->held)) {
			g->oldest_ns = q->now_ns;
			list_add_tail(&g->holding, &q->holding);
		}
		list_add_tail(&e->held, &g->held);
		WRITE_ONCE(q->stats.held, q->stats.held + 1);
		trace_cint_hold(ctrl->instance, q->qid, g->id, g->c.held,
				g->c.deadline_ns);
	} else {
		oldest_ns = list_empty(&g->held) ? q->now_ns : g->oldest_ns;
		nr = nvme_cint_release(q, g) + 1;
		llist_add(&e->ready, &q->bulk);
		nvme_cint_fired(q, g, verdict.reason, nr, oldest_ns);
	}
	spin_unlock(&q->lock);
	return true;
}

/* Release what has waited long enough, or for parameters that have changed. */
static void nvme_cint_expire(struct nvme_cint_queue *q)
{
	struct nvme_cint_group *g, *next;
	enum cint_reason reason;

	spin_lock(&q->lock);
	rcu_read_lock();
	list_for_each_entry_safe(g, next, &q->holding, holding) {
		if (nvme_cint_setting(q->cint, g->id)->seq != g->setting_seq) {
			nvme_cint_flush_group(q, g);
			continue;
		}
		reason = cint_expire(&g->c, q->now_ns);
		if (reason != CINT_HOLD)
			nvme_cint_fired(q, g, reason, nvme_cint_release(q, g),
					g->oldest_ns);
	}
	rcu_read_unlock();
	spin_unlock(&q->lock);
}

/**
 * nvme_cint_flush - release all that is held
 * @q: the queue; nvme_cint_drain() waits for the delivery
 */
void nvme_cint_flush(struct nvme_cint_queue *q)
{
	struct nvme_cint_group *g, *next;

	spin_lock(&q->lock);
	list_for_each_entry_safe(g, next, &q->holding, holding)
		nvme_cint_flush_group(q, g);
	spin_unlock(&q->lock);
}

/*
 * The poller
 */

static void nvme_cint_poll_queue(struct nvme_cint_queue *q)
{
	q->now_ns = ktime_get_ns();
	q->cint->ops->poll(q->queue);
	if (READ_ONCE(q->stats.held))
		nvme_cint_expire(q);
	nvme_cint_kick(q);
}

static int nvme_cint_thread(void *data)
{
	struct nvme_cint *cint = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		WRITE_ONCE(cint->sleeping, true);
		set_current_state(TASK_IDLE);
		if (!nvme_cint_busy(cint) && !kthread_should_stop()) {
			schedule();
			cint->wakeups++;
		}
		__set_current_state(TASK_RUNNING);
		WRITE_ONCE(cint->sleeping, false);

		while (nvme_cint_busy(cint) && !kthread_should_stop()) {
			for (i = 1; i < cint->nr_queues; i++) {
				struct nvme_cint_queue *q = cint->queues[i];

				if (READ_ONCE(q->active))
					nvme_cint_poll_queue(q);
			}
			if (num_online_cpus() == 1)
				usleep_range(NVME_CINT_UP_NAP_US,
					     2 * NVME_CINT_UP_NAP_US);
			else
				cond_resched_tasks_rcu_qs();
		}
	}
	return 0;
}

/**
 * nvme_cint_activate - pass a queue to the coalescer
 * @cint: the controller's coalescer
 * @queue: the transport's queue, no request in flight
 * @qid: its id
 *
 * Return: what the transport passes requests and completions to.
 */
struct nvme_cint_queue *nvme_cint_activate(struct nvme_cint *cint, void *queue,
					   u16 qid)
{
	struct nvme_cint_queue *q = cint->queues[qid];

	q->queue = queue;
	WRITE_ONCE(q->active, true);
	return q;
}

/**
 * nvme_cint_deactivate - take a queue back
 * @q: the queue; nvme_cint_drain() waits for the delivery of what was held
 *
 * The caller holds the transport's lock of the completion queue, and cancels
 * the requests that have not completed.
 */
void nvme_cint_deactivate(struct nvme_cint_queue *q)
{
	unsigned int i;

	nvme_cint_flush(q);

	spin_lock(&q->lock);
	WRITE_ONCE(q->active, false);
	for (i = 0; i <= CINT_GROUP_MAX; i++)
		if (q->groups[i])
			cint_coalescer_init(&q->groups[i]->c);
	for (i = 0; i < q->nr_entries; i++)
		if (q->entries[i].state == NVME_CINT_SUBMITTED)
			q->entries[i].state = NVME_CINT_FREE;
	WRITE_ONCE(q->stats.outstanding, 0);
	spin_unlock(&q->lock);
}

/*
 * Start and stop
 */

static void nvme_cint_free_queues(struct nvme_cint *cint)
{
	unsigned int i, j;

	if (!cint->queues)
		return;
	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_queue *q = cint->queues[i];

		if (!q)
			continue;
		for (j = 0; j <= CINT_GROUP_MAX; j++)
			kfree(q->groups[j]);
		kvfree(q->entries);
		kfree(q);
	}
	kfree(cint->queues);
	cint->queues = NULL;
}

static struct nvme_cint_queue *nvme_cint_alloc_queue(struct nvme_cint *cint,
						     u16 qid,
						     unsigned int depth)
{
	struct nvme_cint_queue *q = kzalloc(sizeof(*q), GFP_KERNEL);

	if (!q)
		return NULL;
	q->cint = cint;
	q->qid = qid;
	q->nr_entries = depth;
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->holding);
	init_llist_head(&q->urgent);
	init_llist_head(&q->bulk);
	INIT_CSD(&q->csd, nvme_cint_ipi, q);
	q->entries = kvcalloc(depth, sizeof(*q->entries), GFP_KERNEL);
	if (q->entries && nvme_cint_find(q, 0))
		return q;
	kvfree(q->entries);
	kfree(q);
	return NULL;
}

static int nvme_cint_alloc_queues(struct nvme_cint *cint)
{
	unsigned int depth = cint->ctrl->tagset->queue_depth;
	unsigned int i;

	cint->queues = kcalloc(cint->nr_queues, sizeof(*cint->queues),
			       GFP_KERNEL);
	if (!cint->queues)
		return -ENOMEM;
	for (i = 1; i < cint->nr_queues; i++) {
		cint->queues[i] = nvme_cint_alloc_queue(cint, i, depth);
		if (!cint->queues[i]) {
			nvme_cint_free_queues(cint);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * nvme_cint_bind - put the poller on its CPU
 * @cint: the controller's coalescer, polling
 */
void nvme_cint_bind(struct nvme_cint *cint)
{
	int cpu = cint->poll_cpu;

	if (cpu < 0)
		cpu = cpumask_last(cpu_online_mask);
	set_cpus_allowed_ptr(cint->thread, cpumask_of(cpu));
}

/**
 * nvme_cint_start_polling - have a thread take over the controller's queues
 * @cint: the controller's coalescer, in no mode
 *
 * Freezes the queues meanwhile.
 *
 * Return: 0; -EOPNOTSUPP with a reason logged if the transport can't; -ENOMEM.
 */
int nvme_cint_start_polling(struct nvme_cint *cint)
{
	struct nvme_ctrl *ctrl = cint->ctrl;
	int ret;

	ret = nvme_cint_alloc_queues(cint);
	if (ret)
		return ret;

	cint->thread = kthread_create(nvme_cint_thread, cint, "nvme%d-cint",
				      ctrl->instance);
	if (IS_ERR(cint->thread)) {
		ret = PTR_ERR(cint->thread);
		goto free_queues;
	}
	nvme_cint_bind(cint);
	wake_up_process(cint->thread);

	ret = cpuhp_state_add_instance_nocalls(nvme_cint_cpuhp, &cint->cpuhp);
	if (ret)
		goto stop_thread;
	ret = cint->ops->switch_queues(ctrl, true);
	if (ret)
		goto remove_cpuhp;
	return 0;

remove_cpuhp:
	cpuhp_state_remove_instance_nocalls(nvme_cint_cpuhp, &cint->cpuhp);
stop_thread:
	kthread_stop(cint->thread);
free_queues:
	cint->thread = NULL;
	nvme_cint_free_queues(cint);
	return ret;
}

/**
 * nvme_cint_stop_polling - end the thread
 * @cint: the controller's coalescer; the transport has taken its queues back,
 *	so nothing reaches the thread any more
 */
void nvme_cint_stop_polling(struct nvme_cint *cint)
{
	unsigned int i;

	cpuhp_state_remove_instance_nocalls(nvme_cint_cpuhp, &cint->cpuhp);
	kthread_stop(cint->thread);
	cint->thread = NULL;
	/* an IPI may be on its way for what nvme_cint_drain() delivered */
	for (i = 1; i < cint->nr_queues; i++)
		nvme_cint_drain(cint->queues[i]);
	nvme_cint_free_queues(cint);
}

/**
 * nvme_cint_poll_stats - sum up the counters of the queues
 * @cint: the controller's coalescer, locked
 * @stats: zeroes, added to
 */
void nvme_cint_poll_stats(struct nvme_cint *cint, struct nvme_cint_stats *stats)
{
	unsigned int i, reason;

	for (i = 1; cint->queues && i < cint->nr_queues; i++) {
		struct nvme_cint_queue *q = cint->queues[i];

		spin_lock(&q->lock);
		stats->completions += q->stats.completions;
		stats->urgent += q->stats.urgent;
		stats->held += q->stats.held;
		stats->outstanding += q->stats.outstanding;
		stats->ipis += q->stats.ipis;
		for (reason = 0; reason < CINT_REASON_NR; reason++)
			stats->fires[reason] += q->stats.fires[reason];
		spin_unlock(&q->lock);
		stats->delivered += atomic64_read(&q->delivered);
	}
	stats->wakeups = cint->wakeups;
}

/* The CPU to poll on is back: return to it. */
static int nvme_cint_cpu_online(unsigned int cpu, struct hlist_node *node)
{
	struct nvme_cint *cint = hlist_entry_safe(node, struct nvme_cint, cpuhp);

	if (READ_ONCE(cint->poll_cpu) == cpu)
		set_cpus_allowed_ptr(cint->thread, cpumask_of(cpu));
	return 0;
}

int __init nvme_cint_module_init(void)
{
	int ret;

	ret = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "nvme/cint:online",
				      nvme_cint_cpu_online, NULL);
	if (ret < 0)
		return ret;
	nvme_cint_cpuhp = ret;
	return 0;
}

void nvme_cint_module_exit(void)
{
	cpuhp_remove_multi_state(nvme_cint_cpuhp);
}

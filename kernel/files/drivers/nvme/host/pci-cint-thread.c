// SPDX-License-Identifier: GPL-2.0
/*
 * Mode kthread: a thread on a CPU of its own looks into the poll queues, in the
 * place of the timer of mode split, and delivers when the policy says so.
 *
 * Delivery is the block layer's: where it completes requests on the CPU that
 * submitted them (rq_affinity), it sends the inter-processor interrupt.
 *
 * The thread reads how many have completed and leaves them where they are until
 * they are due. It sleeps while nothing is outstanding; who submits wakes it.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "nvme.h"
#include "pci-cint.h"
#include <trace/events/cint.h>

/* How long the thread sleeps on the only CPU, for requesters to run. */
#define NVME_CINT_UP_NAP_US	20

static enum cpuhp_state nvme_cint_cpuhp;

static bool nvme_cint_wants_look(struct nvme_cint_queue *c)
{
	return c && READ_ONCE(c->looked_at) &&
		c->nvmeq->consumer == NVME_CQ_POLL &&
		nvme_outstanding(c->nvmeq);
}

static bool nvme_cint_busy(struct nvme_cint *cint)
{
	unsigned int i;

	for (i = 1; i < cint->nr_queues; i++)
		if (nvme_cint_wants_look(READ_ONCE(cint->queues[i])))
			return true;
	return false;
}

/*
 * By the most impatient of the groups, and how many; the completion queue is
 * locked.
 */
static enum cint_reason nvme_cint_due(struct nvme_cint_queue *c, u64 now_ns,
				      u32 *nr)
{
	u32 outstanding = nvme_outstanding(c->nvmeq);
	enum cint_reason reason = CINT_HOLD;
	u32 max_hold_ns;
	unsigned int i;

	if (!c->ready)
		return CINT_HOLD;
	if (atomic_read(&c->prefix))
		return CINT_FIRE_BARRIER;
	rcu_read_lock();
	max_hold_ns = nvme_cint_setting(c->cint, 0)->policy.params.max_hold_ns;
	if (now_ns >= c->first_ns + max_hold_ns)
		reason = CINT_FIRE_MAX_HOLD;
	for (i = 0; i < READ_ONCE(c->nr_slots) && reason == CINT_HOLD; i++) {
		struct nvme_cint_slot *slot = &c->slots[i];
		const struct cint_policy *policy;

		if (!nvme_cint_slot_outstanding(slot))
			continue;
		policy = &nvme_cint_setting(c->cint, READ_ONCE(slot->group))->policy;
		reason = cint_poll_due(&c->poll, policy, outstanding, c->ready,
				       c->first_ns, c->last_ns, now_ns);
		if (reason == CINT_FIRE_THRESHOLD)
			*nr = policy->params.threshold;
		else if (reason == CINT_FIRE_EACH)
			*nr = 1;
		if (reason == CINT_HOLD &&
		    now_ns >= c->first_ns + READ_ONCE(slot->hold_ns))
			reason = CINT_FIRE_MAX_HOLD;
	}
	rcu_read_unlock();
	return reason;
}

/* The request of a completion that has been seen, the nr-th; locked. */
static struct request *nvme_cint_ready_rq(struct nvme_cint_queue *c, u32 nr)
{
	struct nvme_queue *nvmeq = c->nvmeq;
	u32 idx = (nvmeq->cq_head + nr - 1) % nvmeq->q_depth;

	/* what was read to be complete comes before the rest of it */
	dma_rmb();
	return nvme_find_rq(nvmeq->dev->tagset.tags[nvmeq->qid - 1],
			    READ_ONCE(nvmeq->cqes[idx].command_id));
}

/* Tell of the completions that have been seen, from the held-th on; locked. */
static noinline void nvme_cint_trace_hold(struct nvme_cint_queue *c, u32 held)
{
	struct nvme_queue *nvmeq = c->nvmeq;
	const struct cint_policy *policy;
	struct request *req;
	u64 deadline_ns;

	rcu_read_lock();
	for (; held <= c->ready; held++) {
		req = nvme_cint_ready_rq(c, held);
		if (!req)
			continue;
		policy = &nvme_cint_setting(c->cint, req->flush.cint_group)->policy;
		deadline_ns = c->last_ns +
			policy->delta_ns[min(held, CINT_THRESHOLD_MAX)];
		trace_cint_hold(req, nvmeq->dev->ctrl.instance, nvmeq->qid,
				req->flush.cint_group, held,
				min(deadline_ns, c->first_ns + policy->hold_ns));
	}
	rcu_read_unlock();
}

/**
 * nvme_cint_tell - account for what is about to be delivered
 * @c: the queue, its completion queue locked
 * @nr: how many completions, all of them seen
 *
 * Before they are, as a request that completes on another CPU may be over, and its
 * task look at the counters, before this CPU has done anything else.
 */
void nvme_cint_tell(struct nvme_cint_queue *c, u32 nr)
{
	u64 held_ns = ktime_get_ns() - c->first_ns;
	u32 counts[NVME_CINT_SLOTS] = { }, i;

	for (i = 1; i <= min(nr, c->ready); i++) {
		struct request *req = nvme_cint_ready_rq(c, i);
		unsigned int slot;

		if (!req)
			continue;
		slot = nvme_cint_slot(blk_mq_rq_to_pdu(req));
		if (slot < NVME_CINT_SLOTS)
			counts[slot]++;
	}
	for (i = 0; i < NVME_CINT_SLOTS; i++) {
		struct nvme_cint_slot *slot = &c->slots[i];

		if (!counts[i])
			continue;
		nvme_cint_fired(c, slot->group, c->reason, counts[i], held_ns);
		/* as in nvme_cint_looked() */
		smp_store_release(&slot->seen, slot->seen + counts[i]);
	}
}

static void nvme_cint_watch(struct nvme_cint_queue *c)
{
	struct nvme_queue *nvmeq = c->nvmeq;
	enum cint_reason reason = CINT_HOLD;
	u64 now_ns = ktime_get_ns();
	u32 ready, seen, nr = 0;

	if (!spin_trylock(&nvmeq->cq_poll_lock))
		return;
	if (c->looked_at) {
		/* others may have taken them: who polls, or a timeout */
		if (c->ready && !nvme_cqes_pending(nvmeq, c->ready))
			WRITE_ONCE(c->ready, 0);
		seen = c->ready;
		ready = seen;
		while (ready < nvmeq->q_depth - 1 &&
		       nvme_cqes_pending(nvmeq, ready + 1))
			ready++;
		if (ready > seen) {
			if (!seen)
				c->first_ns = now_ns;
			c->last_ns = now_ns;
			WRITE_ONCE(c->ready, ready);
		}
		nr = ready;
		reason = nvme_cint_due(c, now_ns, &nr);
		if (reason == CINT_HOLD && trace_cint_hold_enabled())
			nvme_cint_trace_hold(c, seen + 1);
		c->reason = reason;
	}
	spin_unlock(&nvmeq->cq_poll_lock);
	if (reason != CINT_HOLD)
		nvme_cint_look(c, nr, NVME_CINT_THREAD);
}

static int nvme_cint_thread(void *data)
{
	struct nvme_cint *cint = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		WRITE_ONCE(cint->sleeping, true);
		/* pairs with the one in nvme_cint_guard() */
		set_current_state(TASK_IDLE);
		if (!nvme_cint_busy(cint) && !kthread_should_stop()) {
			schedule();
			cint->wakeups++;
		}
		__set_current_state(TASK_RUNNING);
		WRITE_ONCE(cint->sleeping, false);

		while (nvme_cint_busy(cint) && !kthread_should_stop()) {
			for (i = 1; i < cint->nr_queues; i++) {
				struct nvme_cint_queue *c = READ_ONCE(cint->queues[i]);

				/* as tasks do; see nvme_cint_attach() */
				guard(rcu)();
				if (nvme_cint_wants_look(c))
					nvme_cint_watch(c);
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
 * nvme_cint_bind_thread - put the thread on its CPU
 * @cint: the controller's coalescing, locked, with a thread
 */
void nvme_cint_bind_thread(struct nvme_cint *cint)
{
	int cpu = cint->poll_cpu;

	if (cpu < 0)
		cpu = cpumask_last(cpu_online_mask);
	set_cpus_allowed_ptr(cint->thread, cpumask_of(cpu));
}

/**
 * nvme_cint_start_thread - have a thread look into the controller's queues
 * @cint: the controller's coalescing, locked
 *
 * Return: 0; -ENOMEM; -EINTR if the caller is killed.
 */
int nvme_cint_start_thread(struct nvme_cint *cint)
{
	struct task_struct *thread;
	int ret;

	thread = kthread_create(nvme_cint_thread, cint, "nvme%d-cint",
				cint->dev->ctrl.instance);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	cint->thread = thread;
	ret = cpuhp_state_add_instance_nocalls(nvme_cint_cpuhp, &cint->cpuhp);
	if (ret) {
		kthread_stop(thread);
		cint->thread = NULL;
		return ret;
	}
	cpus_read_lock();
	nvme_cint_bind_thread(cint);
	cpus_read_unlock();
	wake_up_process(thread);
	return 0;
}

/**
 * nvme_cint_stop_thread - end the thread
 * @cint: the controller's coalescing, locked; nobody submits in mode kthread any
 *	more
 */
void nvme_cint_stop_thread(struct nvme_cint *cint)
{
	struct task_struct *thread = cint->thread;

	if (!thread)
		return;
	cpuhp_state_remove_instance_nocalls(nvme_cint_cpuhp, &cint->cpuhp);
	/* who has found it before is in an RCU read-side section */
	WRITE_ONCE(cint->thread, NULL);
	kthread_stop(thread);
}

/* The CPU to look on is back: return to it. */
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

// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that have interrupts while completions are coalesced: those with a mark,
 * which may want others delivered with them, and those that are not looked for.
 */
#include <linux/blk-mq.h>

#include "nvme.h"
#include "pci-cint.h"
#include <trace/events/cint.h>

/**
 * nvme_cint_poll_queue - the queue that has the unmarked requests of a CPU
 * @dev: the drive
 * @cpu: the CPU
 *
 * Return: NULL if there is none that is looked into.
 */
struct nvme_queue *nvme_cint_poll_queue(struct nvme_dev *dev, unsigned int cpu)
{
	struct blk_mq_queue_map *map = &dev->tagset.map[HCTX_TYPE_POLL];
	struct nvme_queue *nvmeq;

	if (!map->nr_queues)
		return NULL;
	nvmeq = &dev->queues[map->mq_map[cpu] + 1];
	return nvmeq->consumer == NVME_CQ_POLL ? nvmeq : NULL;
}

/* That of the CPU a request came from. */
static struct nvme_queue *nvme_cint_prefix_queue(struct nvme_queue *nvmeq,
						 struct request *req)
{
	return nvme_cint_poll_queue(nvmeq->dev, blk_mq_rq_cpu(req));
}

/**
 * nvme_cint_submit_marked - a barrier goes to a queue that has interrupts
 * @nvmeq: the queue, its submission queue locked
 * @req: the barrier
 */
void nvme_cint_submit_marked(struct nvme_queue *nvmeq, struct request *req)
{
	struct nvme_queue *other = nvme_cint_prefix_queue(nvmeq, req);
	struct nvme_iod *iod = blk_mq_rq_to_pdu(req);
	struct nvme_cint_queue *c = other ? READ_ONCE(other->cint) : NULL;

	if (!c)
		return;
	spin_lock_nested(&other->sq_lock, SINGLE_DEPTH_NESTING);
	iod->cint_tag = cint_poll_barrier(&c->poll);
	spin_unlock(&other->sq_lock);
}

/* A barrier has completed: its prefix is to be looked for from here on. */
static void nvme_cint_post_prefix(struct nvme_cint_queue *c, u16 epoch)
{
	int old = atomic_read(&c->prefix);

	do {
		if (old && (s16)(epoch - (u16)old) <= 0)
			return;
	} while (!atomic_try_cmpxchg(&c->prefix, &old,
				     epoch | NVME_CINT_PREFIX));
}

/* Are completions to be delivered together with an urgent one? */
static bool nvme_cint_in_order(struct nvme_cint_queue *c, u16 group)
{
	bool in_order;

	rcu_read_lock();
	in_order = !(nvme_cint_setting(c->cint, group)->policy.params.flags &
		     CINT_F_OOO);
	rcu_read_unlock();
	return in_order;
}

/* Shall the handler look for what was submitted before a request? */
static void nvme_cint_want_prefix(struct nvme_cint_queue *c,
				  struct request *req)
{
	struct nvme_queue *other = nvme_cint_prefix_queue(c->nvmeq, req);
	struct nvme_iod *iod = blk_mq_rq_to_pdu(req);
	struct nvme_cint_queue *other_c;

	if (!other || !nvme_outstanding(other))
		return;
	other_c = READ_ONCE(other->cint);
	if (!other_c)
		return;
	if (req->cmd_flags & REQ_BARRIER)
		nvme_cint_post_prefix(other_c, iod->cint_tag);
	/* one is looked into by the handler, others in time by their timer */
	if (c->prefix_queue && c->prefix_queue != other_c)
		nvme_cint_arm(c->prefix_queue);
	c->prefix_queue = other_c;
}

/* What is not the most frequent of what nvme_cint_done_marked() has to do. */
static noinline void nvme_cint_done_slow(struct nvme_cint_queue *c,
					 struct request *req,
					 enum cint_reason reason)
{
	int instance = c->cint->dev->ctrl.instance;
	u16 group = req->flush.cint_group;
	u16 qid = c->nvmeq->qid;

	if (reason == CINT_FIRE_URGENT)
		trace_cint_urgent(instance, qid, group, req->tag);
	trace_cint_fire(instance, qid, group, reason, 1, 0);
	if (group)
		cint_group_count(group, reason, 1);
	if (req->cmd_flags & REQ_BARRIER ||
	    (reason == CINT_FIRE_URGENT && nvme_cint_in_order(c, group)))
		nvme_cint_want_prefix(c, req);
}

/**
 * nvme_cint_done_marked - a request that has an interrupt has completed
 * @c: its queue, in its handler or under the lock of its completion queue
 * @req: the request
 */
void nvme_cint_done_marked(struct nvme_cint_queue *c, struct request *req)
{
	enum cint_reason reason = CINT_FIRE_EACH;

	if (req->cmd_flags & REQ_URGENT) {
		reason = CINT_FIRE_URGENT;
		c->stats.urgent++;
	} else if (req->cmd_flags & REQ_BARRIER) {
		reason = CINT_FIRE_BARRIER;
	}
	c->stats.completions++;
	c->stats.fires[reason]++;
	if (req->cmd_flags & REQ_BARRIER || req->flush.cint_group ||
	    READ_ONCE(c->in_order) || trace_cint_fire_enabled() ||
	    trace_cint_urgent_enabled())
		nvme_cint_done_slow(c, req, reason);
}

/* What a handler's requests want delivered with them. */
static void nvme_cint_irq_look(struct nvme_cint_queue *c)
{
	struct nvme_cint_queue *other = c->prefix_queue;

	c->prefix_queue = NULL;
	nvme_cint_look(other, NVME_CINT_BUDGET_MAX, NVME_CINT_INTERRUPT);
	/* the rest, or what could not be looked for now, is the timer's */
	if (nvme_cint_awaiting(other))
		nvme_cint_arm(other);
}

/* A queue that tasks look into, too: who comes first takes what there is. */
static irqreturn_t nvme_cint_irq_shared(struct nvme_queue *nvmeq)
{
	DEFINE_IO_COMP_BATCH(iob);

	spin_lock(&nvmeq->cq_poll_lock);
	nvme_poll_cq(nvmeq, &iob, 0);
	spin_unlock(&nvmeq->cq_poll_lock);
	if (!rq_list_empty(&iob.req_list))
		nvme_pci_complete_batch(&iob);
	return IRQ_HANDLED;
}

/**
 * nvme_cint_irq - the handler of a queue while any device coalesces
 * @nvmeq: the queue
 *
 * Return: as nvme_irq().
 */
irqreturn_t nvme_cint_irq(struct nvme_queue *nvmeq)
{
	DEFINE_IO_COMP_BATCH(iob);
	struct nvme_cint_queue *c;

	if (nvmeq->consumer == NVME_CQ_SHARED)
		return nvme_cint_irq_shared(nvmeq);
	if (!nvme_poll_cq(nvmeq, &iob, 0))
		return IRQ_NONE;
	if (!rq_list_empty(&iob.req_list))
		nvme_pci_complete_batch(&iob);
	c = READ_ONCE(nvmeq->cint);
	if (c && c->prefix_queue)
		nvme_cint_irq_look(c);
	return IRQ_HANDLED;
}

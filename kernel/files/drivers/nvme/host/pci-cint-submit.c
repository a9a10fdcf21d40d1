// SPDX-License-Identifier: GPL-2.0
/*
 * Modes split and kthread: which requests are looked for, and what is remembered of
 * them: how many of each group and user a poll queue has.
 */
#include <linux/blk-mq.h>
#include <linux/sched.h>

#include "nvme.h"
#include "pci-cint.h"

/* The block layer submits no more at once, those of several queues included. */
#define NVME_CINT_BATCH			64

/**
 * nvme_cint_defer - shall the completion of a request be looked for?
 * @poll: the hardware queue that it would go to
 * @irq: the one that has interrupts
 * @batch: it comes with others
 *
 * Return: true; false if its interrupt is cheaper, and better timed, as it comes
 * alone, or as looking has not paid lately.
 */
bool nvme_cint_defer(struct blk_mq_hw_ctx *poll, struct blk_mq_hw_ctx *irq,
		     bool batch)
{
	struct nvme_queue *nvmeq = poll->driver_data, *nvmeq_irq;
	struct nvme_cint_queue *c = READ_ONCE(nvmeq->cint);
	struct blk_plug *plug;
	u32 rest;

	if (unlikely(!c || nvmeq->consumer != NVME_CQ_POLL))
		return false;
	rest = READ_ONCE(c->rest);
	if (likely(!rest &&
		   READ_ONCE(nvmeq->sq_tail) != READ_ONCE(nvmeq->cq_head)))
		return true;
	/* the thread is there anyway; where marks make no difference, nor does this */
	if (c->watched || c->cint->dev->tagset.defer_opf & REQ_CINT_MARKS)
		return true;
	if (rest) {
		WRITE_ONCE(c->rest, rest - 1);
		return false;
	}
	/* with others, or of a task that has much to do */
	if (batch || READ_ONCE(c->put_off))
		return true;
	/* what is plugged will have come with it */
	plug = current->plug;
	if (plug && !rq_list_empty(&plug->mq_list))
		return true;
	nvmeq_irq = irq->driver_data;
	return nvme_outstanding(nvmeq_irq);
}

/*
 * A slot of one's own, if there is one that nobody has requests in; else that of
 * all others. Under the lock of the submission queue.
 */
static u8 nvme_cint_find_slot(struct nvme_cint_queue *c, u16 group,
			      const struct user_struct *user)
{
	unsigned int i, free = NVME_CINT_OVERFLOW;

	for (i = 0; i < NVME_CINT_OVERFLOW; i++) {
		struct nvme_cint_slot *slot = &c->slots[i];

		if (slot->group == group && slot->user == user &&
		    i < c->nr_slots)
			return i;
		if (free != NVME_CINT_OVERFLOW)
			continue;
		/*
		 * Pairs with who has accounted for the last one by @group: of those
		 * that are taken, or in mode kthread are about to be.
		 */
		if (smp_load_acquire(&slot->seen) == slot->sent &&
		    !nvme_cint_slot_outstanding(slot))
			free = i;
	}
	return free;
}

/* How long a group's completions may be held. */
static u32 nvme_cint_hold(struct nvme_cint_queue *c, u16 group)
{
	u32 hold_ns;

	rcu_read_lock();
	hold_ns = nvme_cint_setting(c->cint, group)->policy.params.max_hold_ns;
	rcu_read_unlock();
	return hold_ns;
}

/* For nvme_cint_guard_first(): the most impatient, and whose they are if one user's. */
static void nvme_cint_note_first(struct nvme_cint_queue *c,
				 const struct nvme_cint_slot *slot)
{
	c->first_hold_ns = min(c->first_hold_ns, slot->hold_ns);
	if (!c->firsts++)
		c->first_user = slot->user;
	else if (slot->user != c->first_user)
		c->first_user = NULL;
}

/**
 * nvme_cint_submit_first - the first request in a slot
 * @c: the queue, without interrupts, its submission queue locked
 * @req: the request
 * @slot: its slot, where it has been counted
 *
 * Return: true, as nvme_cint_guard_first() has to see that the timer does not come too
 * late for it.
 */
bool nvme_cint_submit_first(struct nvme_cint_queue *c, struct request *req,
			    struct nvme_cint_slot *slot)
{
	struct nvme_iod *iod = blk_mq_rq_to_pdu(req);
	u32 hold_ns = nvme_cint_hold(c, req->flush.cint_group);
	unsigned int nr = slot - c->slots;
	u64 now_ns = ktime_get_ns();

	if (nr == NVME_CINT_OVERFLOW && nvme_cint_slot_outstanding(slot) > 1)
		hold_ns = min(hold_ns, slot->hold_ns);
	WRITE_ONCE(slot->hold_ns, hold_ns);
	if (nvme_cint_slot_outstanding(slot) == 1)
		WRITE_ONCE(slot->first_ns, now_ns);
	nvme_cint_note_first(c, slot);
	if (!nvme_outstanding(c->nvmeq))
		cint_poll_busy(&c->poll, now_ns);
	iod->cint_tag = nr << NVME_CINT_SLOT_SHIFT | cint_poll_submit(&c->poll);
	return true;
}

/**
 * nvme_cint_submit_slow - a request of another group or user than the last one
 * @c: the queue, without interrupts, its submission queue locked
 * @req: the request
 * @user: its user
 *
 * Return: whether it, or one of those before, may be the first of its group or user.
 */
bool nvme_cint_submit_slow(struct nvme_cint_queue *c, struct request *req,
			   const struct user_struct *user)
{
	struct nvme_cint_slot *last = &c->slots[c->slot], *slot;
	struct nvme_iod *iod = blk_mq_rq_to_pdu(req);
	u16 group = req->flush.cint_group;
	bool first = false;
	u8 nr;

	if (req->cmd_flags & REQ_POLLED) {
		nr = NVME_CINT_SLOTS;
		slot = &c->slots[nr];
		if (!nvme_outstanding(c->nvmeq))
			cint_poll_busy(&c->poll, ktime_get_ns());
		goto out;
	}
	nr = nvme_cint_find_slot(c, group, user);
	slot = &c->slots[nr];
	if (nr != NVME_CINT_OVERFLOW) {
		/* as in nvme_cint_guard(), which sees to the last slot only */
		smp_mb();
		if (nvme_cint_slot_outstanding(last) - 1 < NVME_CINT_BATCH) {
			nvme_cint_note_first(c, last);
			first = true;
		}
		c->slot = nr;
	} else {
		group = 0;
		user = NULL;
	}
	if (nr >= c->nr_slots)
		WRITE_ONCE(c->nr_slots, nr + 1);
	if (!nvme_cint_slot_outstanding(slot) || nr == NVME_CINT_OVERFLOW) {
		WRITE_ONCE(slot->group, group);
		WRITE_ONCE(slot->user, user);
		WRITE_ONCE(slot->sent, slot->sent + 1);
		return nvme_cint_submit_first(c, req, slot);
	}
	WRITE_ONCE(slot->sent, slot->sent + 1);
	/* the others may have completed meanwhile */
	smp_mb();
	if (nvme_cint_slot_outstanding(slot) == 1)
		return nvme_cint_submit_first(c, req, slot);
	goto sent;
out:
	WRITE_ONCE(slot->sent, slot->sent + 1);
sent:
	iod->cint_tag = nr << NVME_CINT_SLOT_SHIFT | cint_poll_submit(&c->poll);
	return first;
}

/**
 * nvme_cint_guard_first - a first request is about to be submitted
 * @c: the queue, without interrupts, its submission queue locked
 * @late: one is the first of the last slot since it was counted
 *
 * The timer may have been set for who can wait longer, or put off for another user.
 */
void nvme_cint_guard_first(struct nvme_cint_queue *c, bool late)
{
	u32 hold_ns;

	if (late)
		nvme_cint_note_first(c, &c->slots[c->slot]);
	hold_ns = c->first_hold_ns;
	c->first_hold_ns = CINT_DELAY_MAX_NS;
	c->firsts = 0;
	nvme_cint_arm_first(c, hold_ns, c->first_user);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Coalescing of completions: what is chosen for a controller, its mode and its
 * parameters, and what resets make of it.
 *
 * A mode is chosen by a reset with another number of queues. The reset work itself
 * adopts it when the queues are there, or falls back with a message, so that any
 * other reset, which may find fewer queues or none, ends in a state that is known,
 * too.
 *
 * Locks: nvme_cint.lock for who writes to sysfs, over the whole change. A reset
 * takes nvme_cint.state_lock only, which nobody holds while he waits for one.
 */
#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/slab.h>

#include "nvme.h"
#include "pci-cint.h"

#define CREATE_TRACE_POINTS
#include <trace/events/cint.h>

/* No look of a timer comes sooner after another; an interrupt costs that much. */
#define NVME_CINT_LOOK_MIN_NS	2000

static bool nvme_cint_has_lookers(enum nvme_cint_mode mode)
{
	return mode == NVME_CINT_SPLIT || mode == NVME_CINT_KTHREAD;
}

/*
 * Queues
 */

/**
 * nvme_cint_extra_queues - queue slots that a mode may need
 * @dev: the controller, before any are allocated
 *
 * Return: how many more than the module's parameters ask for.
 */
unsigned int nvme_cint_extra_queues(struct nvme_dev *dev)
{
	if (dev->ctrl.quirks & NVME_QUIRK_SHARED_TAGS)
		return 0;
	return num_possible_cpus() - min(dev->nr_poll_queues, num_possible_cpus());
}

/**
 * nvme_cint_poll_queues - queues without interrupts for the next reset
 * @dev: the controller, being reset
 * @nr_queues: I/O queues it has, 0 if that is not known yet
 *
 * Return: as many as the module's parameters ask for, or in modes that look for
 * completions one for each CPU, but no more than others.
 */
unsigned int nvme_cint_poll_queues(struct nvme_dev *dev, unsigned int nr_queues)
{
	struct nvme_cint *cint = dev->ctrl.cint;
	unsigned int nr = dev->nr_poll_queues;

	if (!cint || !nvme_cint_has_lookers(READ_ONCE(cint->wanted)))
		return nr;
	nr = max(nr, num_possible_cpus());
	return nr_queues ? min(nr, nr_queues / 2) : nr;
}

static struct nvme_cint_queue *nvme_cint_queue(struct nvme_cint *cint,
					       struct nvme_queue *nvmeq)
{
	struct nvme_cint_queue *c = cint->queues[nvmeq->qid];

	if (c)
		return c;
	/* by a reset, which what is reclaimed may have to wait for */
	c = kzalloc(sizeof(*c), GFP_NOIO);
	if (!c)
		return NULL;
	c->cint = cint;
	c->nvmeq = nvmeq;
	nvme_cint_init_look(c);
	if (cint_looker_add(&c->looker, GFP_NOIO)) {
		kfree(c);
		return NULL;
	}
	/* the thread looks through all there are */
	smp_store_release(&cint->queues[nvmeq->qid], c);
	return c;
}

/**
 * nvme_cint_drain - a queue is about to be used anew
 * @nvmeq: the queue
 *
 * Who has begun to look, or to poll, goes by what it was: it would take entries while the
 * queue is initialised, or beside a handler, which has another idea of the lock, or none.
 */
void nvme_cint_drain(struct nvme_queue *nvmeq)
{
	struct nvme_cint *cint = nvmeq->dev->ctrl.cint;

	if (cint && nvmeq->consumer != NVME_CQ_IRQ)
		cond_synchronize_rcu(cint->detached);
}

/**
 * nvme_cint_attach - a queue is created
 * @nvmeq: the queue, nothing has been submitted to it
 *
 * What can't be attached for want of memory is used as without coalescing, or not
 * at all.
 */
void nvme_cint_attach(struct nvme_queue *nvmeq)
{
	struct nvme_cint *cint = nvmeq->dev->ctrl.cint;
	bool polled = test_bit(NVMEQ_POLLED, &nvmeq->flags);
	static struct lock_class_key keys[2];
	enum nvme_cq_consumer consumer;
	struct nvme_cint_queue *c;
	unsigned long flags;
	bool used;

	consumer = polled ? NVME_CQ_POLL : NVME_CQ_IRQ;
	if (!polled && nvmeq->qid && cint &&
	    cint->wanted == NVME_CINT_DEVICE)
		consumer = NVME_CQ_SHARED;
	nvmeq->consumer = consumer;
	/* that of the latter is taken by handlers, too */
	lockdep_set_class(&nvmeq->cq_poll_lock,
			  &keys[nvmeq->consumer == NVME_CQ_SHARED]);
	if (!nvmeq->qid || !cint)
		return;
	/*
	 * A polled queue is looked into also after the last reset from such a mode, as
	 * it has given back requests that nobody polls for.
	 */
	used = cint->wanted != NVME_CINT_OFF;
	if (polled)
		used = nvme_cint_has_lookers(cint->wanted) ||
			nvme_cint_has_lookers(cint->mode);
	if (!used)
		return;
	c = nvme_cint_queue(cint, nvmeq);
	if (!c)
		return;
	nvme_cint_start_look(c);
	c->watched = cint->wanted == NVME_CINT_KTHREAD;
	spin_lock_irqsave(&nvmeq->cq_poll_lock, flags);
	/* who finds it set finds the new consumer, too */
	smp_store_release(&c->looked_at, nvmeq->consumer != NVME_CQ_IRQ);
	spin_unlock_irqrestore(&nvmeq->cq_poll_lock, flags);
	WRITE_ONCE(nvmeq->cint, c);
}

static void nvme_cint_stop_look(struct nvme_queue *nvmeq)
{
	struct nvme_cint_queue *c = nvmeq->cint;
	unsigned long flags;

	if (!c)
		return;
	WRITE_ONCE(nvmeq->cint, NULL);
	spin_lock_irqsave(&nvmeq->cq_poll_lock, flags);
	/* who sets the timer has done so, or will find that he may not */
	scoped_guard(raw_spinlock_irqsave, &c->timer_lock)
		WRITE_ONCE(c->looked_at, false);
	spin_unlock_irqrestore(&nvmeq->cq_poll_lock, flags);
	hrtimer_cancel(&c->timer);
}

/**
 * nvme_cint_detach - a queue goes
 * @nvmeq: the queue; nothing is submitted to it any more
 *
 * On return nobody looks into it. What it holds is left to who reaps it.
 */
void nvme_cint_detach(struct nvme_queue *nvmeq)
{
	struct nvme_cint *cint = nvmeq->dev->ctrl.cint;

	nvme_cint_stop_look(nvmeq);
	if (cint)
		cint->detached = get_state_synchronize_rcu();
}

/*
 * Requests whose queue is gone
 */

static void nvme_cint_remap_work(struct work_struct *work)
{
	struct nvme_cint *cint = container_of(work, struct nvme_cint,
					      remap_work);
	struct bio_list bios;
	struct bio *bio;

	spin_lock_irq(&cint->remap_lock);
	bios = cint->remap;
	bio_list_init(&cint->remap);
	spin_unlock_irq(&cint->remap_lock);
	/* waits for the end of the reset, and chooses a queue anew */
	while ((bio = bio_list_pop(&bios)))
		submit_bio_noacct(bio);
}

/**
 * nvme_cint_remap - a request has waited for a queue that a reset has taken
 * @nvmeq: the queue, disabled
 * @req: the request, allocated before
 *
 * Return: whether its bios will be submitted again, and the request is no more; if
 * not it has to fail.
 */
bool nvme_cint_remap(struct nvme_queue *nvmeq, struct request *req)
{
	struct nvme_dev *dev = nvmeq->dev;
	struct nvme_cint *cint = dev->ctrl.cint;
	struct bio_list bios = BIO_EMPTY_LIST;
	unsigned long flags;
	struct bio *bio;

	/*
	 * In any other state it would wait for a controller that does not come. A write
	 * to a zone keeps its place among others.
	 */
	if (!nvmeq->qid || !req->bio || blk_rq_is_passthrough(req) ||
	    req->rq_flags & RQF_ZONE_WRITE_PLUGGING ||
	    nvme_ctrl_state(&dev->ctrl) != NVME_CTRL_CONNECTING ||
	    dev->online_queues < 2)
		return false;
	blk_steal_bios(&bios, req);
	/* nobody is there any more to be told to come again */
	bio_list_for_each(bio, &bios) {
		bio->bi_opf &= ~(REQ_POLLED | REQ_NOWAIT);
		/* who polls does not look into a queue that is gone */
		WRITE_ONCE(bio->bi_cookie, BLK_QC_T_NONE);
	}
	spin_lock_irqsave(&cint->remap_lock, flags);
	bio_list_merge(&cint->remap, &bios);
	spin_unlock_irqrestore(&cint->remap_lock, flags);
	blk_mq_end_request(req, BLK_STS_OK);
	queue_work(nvme_wq, &cint->remap_work);
	return true;
}

/*
 * Modes
 */

/* What is looked for, by what the policy heeds; the state is locked. */
static void nvme_cint_route(struct nvme_cint *cint)
{
	const struct cint_params *params = nvme_cint_params(cint);
	enum blk_mq_defer defer = BLK_MQ_DEFER_UNMARKED;
	unsigned int i;

	lockdep_assert_held(&cint->state_lock);
	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_queue *c = cint->queues[i];

		if (!c)
			continue;
		WRITE_ONCE(c->batch, params->threshold);
		WRITE_ONCE(c->in_order, nvme_cint_has_lookers(cint->mode) &&
			   !(params->flags & CINT_F_OOO));
	}
	if (params->policy < CINT_POLICY_CINT)
		defer = BLK_MQ_DEFER_ALL;
	if (!nvme_cint_has_lookers(cint->mode) ||
	    params->policy == CINT_POLICY_NONE)
		defer = BLK_MQ_DEFER_NOTHING;
	blk_mq_set_defer(&cint->dev->tagset, defer);
	cint_set_calibrate(&cint->dev->tagset,
			   cint->calibrating && cint->mode != NVME_CINT_OFF);
}

/**
 * nvme_cint_reset_done - a controller has its queues again, or has lost them
 * @dev: the controller, its admin queue live and its I/O queues quiesced
 */
void nvme_cint_reset_done(struct nvme_dev *dev)
{
	struct nvme_cint *cint = dev->ctrl.cint;

	mutex_lock(&cint->state_lock);
	if (cint->wanted == NVME_CINT_OFF && cint->mode == NVME_CINT_OFF)
		goto out;
	if (nvme_cint_has_lookers(cint->wanted) &&
	    (dev->online_queues < 3 || !dev->io_queues[HCTX_TYPE_POLL])) {
		dev_warn(dev->ctrl.device,
			 "cint: %u I/O queues are too few for one without an interrupt, the mode becomes off\n",
			 dev->online_queues - 1);
		WRITE_ONCE(cint->wanted, NVME_CINT_OFF);
	}
	WRITE_ONCE(cint->mode, cint->wanted);
	nvme_cint_route(cint);
	if (cint->device)
		nvme_cint_restart_device(cint);
	if (cint->mode != NVME_CINT_OFF)
		nvme_cint_check_feature(cint);
out:
	mutex_unlock(&cint->state_lock);
}

/**
 * nvme_cint_new_tagset - a reset has brought back I/O queues that were lost
 * @dev: the controller, with a tag set that has just been allocated
 */
void nvme_cint_new_tagset(struct nvme_dev *dev)
{
	struct nvme_cint *cint = dev->ctrl.cint;

	mutex_lock(&cint->state_lock);
	nvme_cint_route(cint);
	mutex_unlock(&cint->state_lock);
}

/* A reset that is ours: nobody else's can read @wanted before. */
static int nvme_cint_reset(struct nvme_cint *cint, enum nvme_cint_mode mode)
{
	struct nvme_ctrl *ctrl = &cint->dev->ctrl;

	if (!nvme_change_ctrl_state(ctrl, NVME_CTRL_RESETTING))
		return -EBUSY;
	WRITE_ONCE(cint->wanted, mode);
	nvme_try_sched_reset(ctrl);
	flush_work(&ctrl->reset_work);
	return nvme_ctrl_state(ctrl) == NVME_CTRL_LIVE ? 0 : -ENETRESET;
}

/*
 * Nobody is to look any more, but for completions that the controller coalesces. What
 * the last reset has given back to polled queues is done.
 */
static void nvme_cint_detach_queues(struct nvme_cint *cint)
{
	struct nvme_cint_queue *c;
	unsigned int i;

	for (i = 1; i < cint->nr_queues; i++) {
		c = cint->queues[i];
		if (c && (cint->mode == NVME_CINT_OFF ||
			  c->nvmeq->consumer == NVME_CQ_POLL))
			nvme_cint_stop_look(c->nvmeq);
	}
}

/* The mode is off, or will never be anything else: nobody is in it any more. */
static void nvme_cint_left(struct nvme_cint *cint)
{
	nvme_cint_detach_queues(cint);
	nvme_cint_stop_thread(cint);
	if (cint->in_use)
		cint_device_put();
	cint->in_use = false;
}

static int nvme_cint_change_mode(struct nvme_cint *cint,
				 enum nvme_cint_mode mode)
{
	unsigned int i;
	int ret = 0;

	if (mode == NVME_CINT_DEVICE)
		ret = nvme_cint_check_device(cint);
	if (ret)
		return ret;
	if (!cint->in_use) {
		cint_device_get();
		cint->in_use = true;
	}
	if (cint->mode == NVME_CINT_DEVICE)
		nvme_cint_stop_device(cint);
	/* counters begin anew */
	for (i = 1; i < cint->nr_queues; i++)
		if (cint->queues[i])
			memset(&cint->queues[i]->stats, 0,
			       sizeof(cint->queues[i]->stats));
	cint->wakeups = 0;
	if (mode == NVME_CINT_KTHREAD && !cint->thread)
		ret = nvme_cint_start_thread(cint);
	if (!ret)
		ret = nvme_cint_reset(cint, mode);
	if (!ret && cint->mode != mode) {
		/* the reset has said why; another one gives all queues back */
		nvme_cint_reset(cint, NVME_CINT_OFF);
		ret = -EOPNOTSUPP;
	}
	if (!ret && mode == NVME_CINT_DEVICE)
		ret = nvme_cint_start_device(cint);
	if (ret && mode == NVME_CINT_DEVICE && cint->mode == mode)
		nvme_cint_reset(cint, NVME_CINT_OFF);
	return ret;
}

/*
 * Choice or mode may have changed; locked. The static key is not for a reset to
 * wait for: it waits for CPU hotplug, and that for requests which may need the
 * reset.
 */
static void nvme_cint_update_calibrate(struct nvme_cint *cint)
{
	bool on = cint->calibrate && cint->mode != NVME_CINT_OFF;

	if (on == cint->calibrating)
		return;
	if (on)
		cint_calibrate_get();
	mutex_lock(&cint->state_lock);
	cint->calibrating = on;
	nvme_cint_route(cint);
	mutex_unlock(&cint->state_lock);
	if (!on)
		cint_calibrate_put();
}

/**
 * nvme_cint_set_calibrate - mark requests that have no mark, or no longer
 * @cint: the controller's coalescing
 * @calibrate: by how they were submitted; has an effect while the mode is not off
 */
void nvme_cint_set_calibrate(struct nvme_cint *cint, bool calibrate)
{
	mutex_lock(&cint->lock);
	WRITE_ONCE(cint->calibrate, calibrate);
	nvme_cint_update_calibrate(cint);
	mutex_unlock(&cint->lock);
}

/**
 * nvme_cint_set_mode - change how completions are coalesced
 * @cint: the controller's coalescing
 * @mode: the mode to change to
 *
 * Resets the controller, unless it is in that mode.
 *
 * Return: 0; -ENODEV if the controller is going away; -EBUSY while it resets;
 * -ENETRESET if the reset failed; -EOPNOTSUPP with a reason logged if the mode
 * can't be had, which is then off; -ENOMEM; -EIO or -EINVAL with a reason logged
 * if the controller refuses its parameters.
 */
int nvme_cint_set_mode(struct nvme_cint *cint, enum nvme_cint_mode mode)
{
	int ret = 0;

	mutex_lock(&cint->lock);
	if (cint->gone)
		ret = -ENODEV;
	else if (mode != cint->mode)
		ret = nvme_cint_change_mode(cint, mode);
	if (cint->mode == NVME_CINT_OFF)
		nvme_cint_left(cint);
	else if (cint->mode == NVME_CINT_DEVICE)
		nvme_cint_detach_queues(cint);
	if (cint->mode != NVME_CINT_KTHREAD)
		nvme_cint_stop_thread(cint);
	nvme_cint_update_calibrate(cint);
	mutex_unlock(&cint->lock);
	return ret;
}

/**
 * nvme_cint_set_params - set the defaults of a controller
 * @cint: the controller's coalescing, locked
 * @params: parameters that cint_params_check() accepts
 *
 * Return: 0; -ENOMEM; what nvme_cint_set_device() returns if the controller
 * coalesces. Nothing changes on error.
 */
int nvme_cint_set_params(struct nvme_cint *cint,
			 const struct cint_params *params)
{
	struct cint_setting *setting = cint_setting_alloc(params);
	unsigned int i;
	int ret;

	if (!setting)
		return -ENOMEM;
	if (cint->mode == NVME_CINT_DEVICE) {
		ret = nvme_cint_set_device(cint, params);
		if (ret) {
			kfree(setting);
			return ret;
		}
	}
	mutex_lock(&cint->state_lock);
	setting = rcu_replace_pointer(cint->setting, setting,
				      lockdep_is_held(&cint->state_lock));
	nvme_cint_route(cint);
	mutex_unlock(&cint->state_lock);
	kfree_rcu(setting, rcu);
	/* what has waited by the former ones is taken; the rest comes by them, once */
	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_queue *c = cint->queues[i];

		if (!c || c->nvmeq->consumer != NVME_CQ_POLL)
			continue;
		rcu_read_lock();
		nvme_cint_look(c, 0, NVME_CINT_FLUSH);
		rcu_read_unlock();
	}
	return 0;
}

/**
 * nvme_cint_set_poll_cpu - choose where the thread looks
 * @cint: the controller's coalescing
 * @cpu: a CPU that is online, or -1 for the last one
 *
 * Return: 0, or -EINVAL if the CPU is not online.
 */
int nvme_cint_set_poll_cpu(struct nvme_cint *cint, int cpu)
{
	int ret = -EINVAL;

	mutex_lock(&cint->lock);
	cpus_read_lock();
	if (cpu == -1 || (cpu >= 0 && cpu < nr_cpu_ids && cpu_online(cpu))) {
		cint->poll_cpu = cpu;
		if (cint->thread)
			nvme_cint_bind_thread(cint);
		ret = 0;
	}
	cpus_read_unlock();
	mutex_unlock(&cint->lock);
	return ret;
}

static void nvme_cint_sum_up(struct nvme_cint *cint,
			     struct nvme_cint_stats *stats)
{
	unsigned int i, reason;

	for (i = 1; i < cint->nr_queues; i++) {
		struct nvme_cint_queue *c = cint->queues[i];

		if (!c)
			continue;
		stats->completions += READ_ONCE(c->stats.completions);
		stats->urgent += READ_ONCE(c->stats.urgent);
		stats->ticks += READ_ONCE(c->stats.ticks);
		for (reason = 0; reason < CINT_REASON_NR; reason++)
			stats->fires[reason] +=
				READ_ONCE(c->stats.fires[reason]);
		if (READ_ONCE(c->nvmeq->cint) != c)
			continue;
		stats->outstanding += nvme_outstanding(c->nvmeq);
		stats->held += READ_ONCE(c->ready);
	}
	stats->delivered = stats->completions;
	stats->wakeups = READ_ONCE(cint->wakeups);
}

/**
 * nvme_cint_get_stats - the counters of a controller
 * @cint: the controller's coalescing
 * @stats: filled; all zero while the mode is off
 *
 * Return: 0; a negative errno or an NVMe status if the controller counts and
 * can't be asked; -EPERM, as that is an admin command, without CAP_SYS_ADMIN.
 */
int nvme_cint_get_stats(struct nvme_cint *cint, struct nvme_cint_stats *stats)
{
	int ret = 0;

	memset(stats, 0, sizeof(*stats));
	mutex_lock(&cint->lock);
	if (cint->mode == NVME_CINT_DEVICE)
		ret = capable(CAP_SYS_ADMIN) ?
			nvme_cint_device_stats(cint, stats) : -EPERM;
	else if (cint->mode != NVME_CINT_OFF)
		nvme_cint_sum_up(cint, stats);
	mutex_unlock(&cint->lock);
	return ret;
}

/**
 * nvme_cint_alloc - prepare a controller, mode off
 * @dev: the controller
 *
 * Return: 0 or -ENOMEM.
 */
int nvme_cint_alloc(struct nvme_dev *dev)
{
	struct cint_setting *setting;
	struct cint_params params;
	struct nvme_cint *cint;

	cint_params_default(&params);
	cint = kzalloc(sizeof(*cint), GFP_KERNEL);
	setting = cint_setting_alloc(&params);
	if (cint)
		cint->queues = kcalloc(dev->nr_allocated_queues,
				       sizeof(*cint->queues), GFP_KERNEL);
	if (!cint || !setting || !cint->queues) {
		kfree(setting);
		if (cint)
			kfree(cint->queues);
		kfree(cint);
		return -ENOMEM;
	}
	RCU_INIT_POINTER(cint->setting, setting);
	cint->dev = dev;
	cint->nr_queues = dev->nr_allocated_queues;
	cint->look_min_ns = NVME_CINT_LOOK_MIN_NS;
	cint->poll_cpu = -1;
	mutex_init(&cint->lock);
	mutex_init(&cint->state_lock);
	spin_lock_init(&cint->remap_lock);
	bio_list_init(&cint->remap);
	INIT_WORK(&cint->remap_work, nvme_cint_remap_work);
	dev->ctrl.cint = cint;
	return 0;
}

/**
 * nvme_cint_exit - the controller is being removed
 * @dev: the controller, its queues suspended for good
 */
void nvme_cint_exit(struct nvme_dev *dev)
{
	struct nvme_cint *cint = dev->ctrl.cint;

	mutex_lock(&cint->lock);
	cint->gone = true;
	mutex_lock(&cint->state_lock);
	cint->device = false;
	WRITE_ONCE(cint->wanted, NVME_CINT_OFF);
	WRITE_ONCE(cint->mode, NVME_CINT_OFF);
	WRITE_ONCE(cint->draining, false);
	nvme_cint_route(cint);
	mutex_unlock(&cint->state_lock);
	nvme_cint_left(cint);
	nvme_cint_update_calibrate(cint);
	mutex_unlock(&cint->lock);
	flush_work(&cint->remap_work);
}

/**
 * nvme_cint_free - the last reference to the controller is gone
 * @dev: the controller
 */
void nvme_cint_free(struct nvme_dev *dev)
{
	struct nvme_cint *cint = dev->ctrl.cint;
	unsigned int i;

	for (i = 1; i < cint->nr_queues; i++)
		if (cint->queues[i])
			cint_looker_remove(&cint->queues[i]->looker);
	/* tasks that have found one of these */
	synchronize_rcu();
	for (i = 1; i < cint->nr_queues; i++) {
		if (!cint->queues[i])
			continue;
		hrtimer_cancel(&cint->queues[i]->timer);
		kfree(cint->queues[i]);
	}
	kfree(cint->queues);
	kfree(rcu_dereference_protected(cint->setting, true));
	kfree(cint);
}

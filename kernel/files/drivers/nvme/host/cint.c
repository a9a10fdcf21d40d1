// SPDX-License-Identifier: GPL-2.0
/*
 * Coalescing of NVMe completions: what is chosen for a controller, the mode and
 * the parameters.
 *
 * cint-poll.c is mode kthread, cint-device.c mode device, cint-split.c mode split.
 */
#include <linux/blk-cint.h>
#include <linux/slab.h>

#include "cint.h"
#include "nvme.h"

DEFINE_STATIC_KEY_FALSE(nvme_cint_key);

static int nvme_cint_enter(struct nvme_cint *cint, enum nvme_cint_mode mode)
{
	switch (mode) {
	case NVME_CINT_KTHREAD:
		return nvme_cint_start_polling(cint);
	case NVME_CINT_DEVICE:
		return nvme_cint_start_device(cint);
	case NVME_CINT_SPLIT:
		return nvme_cint_start_split(cint);
	default:
		return 0;
	}
}

static int nvme_cint_leave(struct nvme_cint *cint, enum nvme_cint_mode mode)
{
	int ret;

	switch (mode) {
	case NVME_CINT_KTHREAD:
		ret = cint->ops->switch_queues(cint->ctrl, false);
		if (!ret)
			nvme_cint_stop_polling(cint);
		return ret;
	case NVME_CINT_DEVICE:
		nvme_cint_stop_device(cint);
		return 0;
	case NVME_CINT_SPLIT:
		nvme_cint_stop_split(cint);
		return 0;
	default:
		return 0;
	}
}

static void nvme_cint_unused(void)
{
	cint_device_remove();
	static_branch_dec(&nvme_cint_key);
}

/* From one mode to another; off if the other can't be entered after all. */
static int nvme_cint_change_mode(struct nvme_cint *cint,
				 enum nvme_cint_mode mode)
{
	int ret;

	if (mode == NVME_CINT_DEVICE) {
		ret = nvme_cint_check_device(cint);
		if (ret)
			return ret;
	}
	ret = nvme_cint_leave(cint, cint->mode);
	if (ret)
		return ret;
	if (cint->mode != NVME_CINT_OFF)
		nvme_cint_unused();
	cint->mode = NVME_CINT_OFF;
	if (mode == NVME_CINT_OFF)
		return 0;

	static_branch_inc(&nvme_cint_key);
	ret = nvme_cint_enter(cint, mode);
	if (ret) {
		static_branch_dec(&nvme_cint_key);
		return ret;
	}
	cint->mode = mode;
	cint_device_add();
	return 0;
}

/*
 * Choice or mode may have changed; the coalescer is locked. Not all of it inside
 * @device_lock, which a reset takes: the static key waits for CPU hotplug, and that
 * for requests which may need the reset.
 */
static void nvme_cint_update_calibrate(struct nvme_cint *cint)
{
	bool on = cint->calibrate && cint->mode != NVME_CINT_OFF;

	if (on == cint->calibrating)
		return;
	if (on)
		cint_calibrate_get();
	mutex_lock(&cint->device_lock);
	cint->calibrating = on;
	if (cint->ctrl->tagset)
		cint_set_calibrate(cint->ctrl->tagset, on);
	mutex_unlock(&cint->device_lock);
	if (!on)
		cint_calibrate_put();
}

/**
 * nvme_cint_set_calibrate - mark requests that have no mark, or no longer
 * @cint: the controller's coalescer
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
 * nvme_cint_new_tagset - a reset has brought back I/O queues that were lost
 * @ctrl: the controller, with a tag set that has just been allocated
 */
void nvme_cint_new_tagset(struct nvme_ctrl *ctrl)
{
	struct nvme_cint *cint = ctrl->cint;

	mutex_lock(&cint->device_lock);
	if (ctrl->tagset)
		cint_set_calibrate(ctrl->tagset, cint->calibrating);
	mutex_unlock(&cint->device_lock);
}

/**
 * nvme_cint_set_mode - change how completions are coalesced
 * @cint: the controller's coalescer
 * @mode: the mode to change to
 *
 * Freezes the controller's queues if the driver coalesces before or after.
 *
 * Return: 0; -ENODEV if the controller is going away; -EBUSY while it resets;
 * -EOPNOTSUPP with a reason logged if it can't; -ENOMEM; -EIO or -EINVAL with a
 * reason logged if the controller refuses its parameters.
 */
int nvme_cint_set_mode(struct nvme_cint *cint, enum nvme_cint_mode mode)
{
	struct nvme_ctrl *ctrl = cint->ctrl;
	int ret = 0;

	mutex_lock(&cint->lock);
	if (cint->gone)
		ret = -ENODEV;
	else if (mode == cint->mode)
		ret = 0;
	else if (nvme_ctrl_state(ctrl) != NVME_CTRL_LIVE || !ctrl->tagset)
		ret = -EBUSY;
	else
		ret = nvme_cint_change_mode(cint, mode);
	nvme_cint_update_calibrate(cint);
	mutex_unlock(&cint->lock);
	return ret;
}

/**
 * nvme_cint_set_params - set the defaults of a controller
 * @cint: the controller's coalescer, locked
 * @params: parameters that cint_params_check() accepts
 *
 * Return: 0; -ENOMEM; what nvme_cint_set_device() returns if the controller
 * coalesces. Nothing changes on error.
 */
int nvme_cint_set_params(struct nvme_cint *cint,
			 const struct cint_params *params)
{
	struct cint_setting *setting = cint_setting_alloc(params);
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
	setting = rcu_replace_pointer(cint->setting, setting,
				      lockdep_is_held(&cint->lock));
	kfree_rcu(setting, rcu);
	if (cint->mode == NVME_CINT_SPLIT)
		nvme_cint_set_split(cint);
	return 0;
}

/**
 * nvme_cint_count_group - completions of a group have been delivered
 * @group_id: its id, not 0
 * @reason: why
 * @nr: how many
 */
void nvme_cint_count_group(u16 group_id, enum cint_reason reason, u32 nr)
{
	struct cint_group *group;

	rcu_read_lock();
	group = cint_group_find(group_id);
	if (group) {
		atomic64_add(nr, &group->completions);
		atomic64_inc(&group->fires);
		if (reason == CINT_FIRE_URGENT)
			atomic64_inc(&group->urgent);
	}
	rcu_read_unlock();
}

/**
 * nvme_cint_set_poll_cpu - choose where to poll
 * @cint: the controller's coalescer
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
			nvme_cint_bind(cint);
		ret = 0;
	}
	cpus_read_unlock();
	mutex_unlock(&cint->lock);
	return ret;
}

/**
 * nvme_cint_get_stats - the counters of a controller
 * @cint: the controller's coalescer
 * @stats: filled; all zero while the mode is off
 *
 * Return: 0; a negative errno or an NVMe status if the controller counts and
 * can't be asked.
 */
int nvme_cint_get_stats(struct nvme_cint *cint, struct nvme_cint_stats *stats)
{
	int ret = 0;

	memset(stats, 0, sizeof(*stats));
	mutex_lock(&cint->lock);
	if (cint->mode == NVME_CINT_KTHREAD)
		nvme_cint_poll_stats(cint, stats);
	else if (cint->mode == NVME_CINT_DEVICE)
		ret = nvme_cint_device_stats(cint, stats);
	else if (cint->mode == NVME_CINT_SPLIT)
		nvme_cint_split_stats(cint, stats);
	mutex_unlock(&cint->lock);
	return ret;
}

static void nvme_cint_fall_back(struct work_struct *work)
{
	struct nvme_cint *cint = container_of(work, struct nvme_cint, fallback);
	struct nvme_ctrl *ctrl = cint->ctrl;
	bool device = ctrl->cint_capable;

	if (READ_ONCE(cint->mode) != NVME_CINT_SPLIT)
		return;
	dev_warn(ctrl->device,
		 "cint: no queue is left without an interrupt, mode split becomes %s\n",
		 device ? "device" : "off");
	if (nvme_cint_set_mode(cint, device ? NVME_CINT_DEVICE : NVME_CINT_OFF) &&
	    device)
		nvme_cint_set_mode(cint, NVME_CINT_OFF);
}

/**
 * nvme_cint_alloc - prepare a controller, mode off
 * @ctrl: the controller
 * @ops: its transport
 * @nr_queues: queues it may have, the admin queue included
 *
 * Return: 0 or -ENOMEM.
 */
int nvme_cint_alloc(struct nvme_ctrl *ctrl, const struct nvme_cint_ops *ops,
		    unsigned int nr_queues)
{
	struct cint_params params;
	struct cint_setting *setting;
	struct nvme_cint *cint;

	cint_params_default(&params);
	cint = kzalloc(sizeof(*cint), GFP_KERNEL);
	setting = cint_setting_alloc(&params);
	if (!cint || !setting) {
		kfree(setting);
		kfree(cint);
		return -ENOMEM;
	}
	RCU_INIT_POINTER(cint->setting, setting);
	cint->ctrl = ctrl;
	cint->ops = ops;
	cint->nr_queues = nr_queues;
	cint->poll_cpu = -1;
	mutex_init(&cint->lock);
	mutex_init(&cint->device_lock);
	INIT_WORK(&cint->fallback, nvme_cint_fall_back);
	ctrl->cint = cint;
	return 0;
}

/**
 * nvme_cint_exit - the controller is being removed
 * @ctrl: the controller, its queues suspended for good
 */
void nvme_cint_exit(struct nvme_ctrl *ctrl)
{
	struct nvme_cint *cint = ctrl->cint;

	mutex_lock(&cint->lock);
	cint->gone = true;
	/* the queues are suspended, so they need not be taken back */
	if (cint->mode == NVME_CINT_KTHREAD)
		nvme_cint_stop_polling(cint);
	else if (cint->mode == NVME_CINT_DEVICE)
		nvme_cint_exit_device(cint);
	else if (cint->mode == NVME_CINT_SPLIT)
		nvme_cint_exit_split(cint);
	if (cint->mode != NVME_CINT_OFF)
		nvme_cint_unused();
	cint->mode = NVME_CINT_OFF;
	nvme_cint_update_calibrate(cint);
	mutex_unlock(&cint->lock);
	cancel_work_sync(&cint->fallback);
}

/**
 * nvme_cint_free - the last reference to the controller is gone
 * @ctrl: the controller
 */
void nvme_cint_free(struct nvme_ctrl *ctrl)
{
	struct nvme_cint *cint = ctrl->cint;

	nvme_cint_free_split(cint);
	kfree_rcu(rcu_dereference_protected(cint->setting, true), rcu);
	kfree(cint);
}

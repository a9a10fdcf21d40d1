// SPDX-License-Identifier: GPL-2.0
/*
 * Mode device: the controller coalesces by the marks of its commands, and gets
 * its parameters from here.
 *
 * The controller releases what it holds: at max_hold at the latest, when its
 * parameters change and when a command is aborted; a controller reset ends all
 * commands, held or not. It then coalesces no more, so that the driver sets the
 * parameters again before requests reach it.
 *
 * Told to deliver in order, it posts what it holds and only delays the
 * interrupt. Tasks that are about to wait then complete what is posted. They and
 * the handler of the queue's interrupts exclude each other by
 * nvme_queue.cq_poll_lock.
 */
#include <linux/bits.h>
#include <linux/blk-cint.h>
#include <linux/nvme.h>
#include <linux/nvme_cint.h>
#include <linux/slab.h>

#include "nvme.h"
#include "pci-cint.h"

/* What a field of the parameters is called in sysfs, by its byte offset. */
static const char *nvme_cint_field(u32 offset)
{
	switch (offset) {
	case offsetof(struct nvme_cint_feature, policy):
		return "policy";
	case offsetof(struct nvme_cint_feature, flags):
		return "ooo";
	case offsetof(struct nvme_cint_feature, threshold):
		return "threshold";
	case offsetof(struct nvme_cint_feature, delta_ns):
		return "delta_ns";
	case offsetof(struct nvme_cint_feature, delta_min_ns):
		return "delta_min_ns";
	case offsetof(struct nvme_cint_feature, max_hold_ns):
		return "max_hold_ns";
	case offsetof(struct nvme_cint_feature, correction):
		return "correction";
	default:
		return "version";
	}
}

/* One bound the controller has stated. */
static int nvme_cint_check_max(struct nvme_ctrl *ctrl, const char *name,
			       u32 value, __le32 max)
{
	if (value <= le32_to_cpu(max))
		return 0;
	dev_err_ratelimited(ctrl->device,
			    "cint/%s: %u is more than the controller's %u\n",
			    name, value, le32_to_cpu(max));
	return -EINVAL;
}

static int nvme_cint_check_params(struct nvme_ctrl *ctrl,
				  const struct cint_params *params)
{
	const struct nvme_cint_id *id = &ctrl->cint_id;
	int ret;

	if (!(le16_to_cpu(id->policies) & BIT(params->policy))) {
		dev_err_ratelimited(ctrl->device,
				    "cint/policy: the controller has no %s\n",
				    cint_policy_name(params->policy));
		return -EINVAL;
	}
	if (params->flags & CINT_F_OOO &&
	    !(le32_to_cpu(id->flags) & NVME_CINT_ID_OOO)) {
		dev_err_ratelimited(ctrl->device,
				    "cint/ooo: the controller delivers in order\n");
		return -EINVAL;
	}
	ret = nvme_cint_check_max(ctrl, "threshold", params->threshold,
				  id->threshold_max);
	ret = ret ?: nvme_cint_check_max(ctrl, "delta_ns", params->delta_ns,
					 id->delay_max_ns);
	ret = ret ?: nvme_cint_check_max(ctrl, "delta_min_ns",
					 params->delta_min_ns,
					 id->delay_max_ns);
	ret = ret ?: nvme_cint_check_max(ctrl, "max_hold_ns",
					 params->max_hold_ns,
					 id->delay_max_ns);
	return ret ?: nvme_cint_check_max(ctrl, "correction",
					  params->correction,
					  id->correction_max);
}

/* Set the controller's feature. */
static int nvme_cint_push(struct nvme_cint *cint,
			  const struct cint_params *params)
{
	struct nvme_ctrl *ctrl = &cint->dev->ctrl;
	struct nvme_cint_feature *feature;
	u32 offset = 0;
	int ret;

	lockdep_assert_held(&cint->state_lock);
	feature = kzalloc(sizeof(*feature), GFP_KERNEL);
	if (!feature)
		return -ENOMEM;
	feature->version = cpu_to_le16(NVME_CINT_VERSION);
	feature->size = cpu_to_le16(sizeof(*feature));
	feature->policy = cpu_to_le32(params->policy);
	feature->flags = cpu_to_le32(params->flags);
	feature->threshold = cpu_to_le32(params->threshold);
	feature->delta_ns = cpu_to_le32(params->delta_ns);
	feature->delta_min_ns = cpu_to_le32(params->delta_min_ns);
	feature->max_hold_ns = cpu_to_le32(params->max_hold_ns);
	feature->correction = cpu_to_le32(params->correction);

	ret = nvme_set_features(ctrl, ctrl->cint_id.fid, 0, feature,
				sizeof(*feature), &offset);
	kfree(feature);
	if (ret > 0 && (ret & NVME_SCT_SC_MASK) == NVME_SC_INVALID_FIELD) {
		dev_err_ratelimited(ctrl->device,
				    "cint/%s: the controller refuses the value\n",
				    nvme_cint_field(offset));
		return -EINVAL;
	}
	if (ret)
		dev_err_ratelimited(ctrl->device,
				    "cint: can't set the controller's parameters, status %#x\n",
				    ret);
	return ret > 0 ? -EIO : ret;
}

/*
 * A controller that does not reorder completions posts them at once, and only
 * delays the interrupt. A task that is about to wait finds them.
 */
static void nvme_cint_set_draining(struct nvme_cint *cint, bool on)
{
	const struct cint_params *params = &cint->device_params;

	lockdep_assert_held(&cint->lock);
	if (params->policy < CINT_POLICY_CINT || params->flags & CINT_F_OOO)
		on = false;
	WRITE_ONCE(cint->draining, on);
}

/* The counters of the controller, or an NVMe status. */
static int nvme_cint_read_log(struct nvme_ctrl *ctrl, struct nvme_cint_log *log)
{
	return nvme_get_log(ctrl, NVME_NSID_ALL, ctrl->cint_id.lid, 0, 0, log,
			    sizeof(*log), 0);
}

static void nvme_cint_log_to_stats(const struct nvme_cint_log *log,
				   struct nvme_cint_stats *stats)
{
	unsigned int reason;

	*stats = (struct nvme_cint_stats) {
		.completions	= le64_to_cpu(log->completed) +
				  le32_to_cpu(log->held),
		.delivered	= le64_to_cpu(log->completed),
		.held		= le32_to_cpu(log->held),
	};
	stats->outstanding = le64_to_cpu(log->submitted) - stats->completions;
	for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
		if (reason < log->nr_reasons)
			stats->fires[reason] = le64_to_cpu(log->fires[reason]);
	stats->urgent = stats->fires[CINT_FIRE_URGENT];
}

/**
 * nvme_cint_check_device - can the controller coalesce by marks?
 * @cint: the controller's coalescing, locked
 *
 * Return: 0; -EOPNOTSUPP if not, -EINVAL if not with the parameters that are
 * set; with a reason logged.
 */
int nvme_cint_check_device(struct nvme_cint *cint)
{
	struct nvme_ctrl *ctrl = &cint->dev->ctrl;

	if (!ctrl->cint_capable) {
		dev_warn(ctrl->device,
			 "cint: the controller does not coalesce by urgency\n");
		return -EOPNOTSUPP;
	}
	return nvme_cint_check_params(ctrl, nvme_cint_params(cint));
}

/**
 * nvme_cint_start_device - let the controller coalesce
 * @cint: the controller's coalescing, locked, in no mode
 *
 * Return: 0; -ENOMEM; -EINVAL or -EIO with a reason logged if the controller
 * refuses; what else an admin command may end with.
 */
int nvme_cint_start_device(struct nvme_cint *cint)
{
	struct nvme_cint_log *log = kzalloc(sizeof(*log), GFP_KERNEL);
	int ret;

	if (!log)
		return -ENOMEM;
	ret = nvme_cint_read_log(&cint->dev->ctrl, log);
	if (ret) {
		dev_err(cint->dev->ctrl.device,
			"cint: the controller's counters can't be read, status %#x\n",
			ret);
		kfree(log);
		return ret < 0 ? ret : -EIO;
	}
	nvme_cint_log_to_stats(log, &cint->device_base);
	kfree(log);

	mutex_lock(&cint->state_lock);
	cint->device_params = *nvme_cint_params(cint);
	ret = nvme_cint_push(cint, &cint->device_params);
	cint->device = !ret;
	mutex_unlock(&cint->state_lock);
	nvme_cint_set_draining(cint, !ret);
	return ret;
}

/**
 * nvme_cint_stop_device - have the controller deliver each completion alone
 * @cint: the controller's coalescing, locked
 */
void nvme_cint_stop_device(struct nvme_cint *cint)
{
	struct cint_params params = *nvme_cint_params(cint);

	params.policy = CINT_POLICY_NONE;
	nvme_cint_set_draining(cint, false);
	mutex_lock(&cint->state_lock);
	cint->device = false;
	/* if it fails the controller is about to be reset, to the same end */
	nvme_cint_push(cint, &params);
	mutex_unlock(&cint->state_lock);
}

/**
 * nvme_cint_set_device - change the controller's parameters
 * @cint: the controller's coalescing, locked, in mode device
 * @params: parameters that cint_params_check() accepts
 *
 * Return: 0; -ENOMEM; -EINVAL or -EIO with a reason logged if the controller
 * refuses; what else an admin command may end with.
 */
int nvme_cint_set_device(struct nvme_cint *cint,
			 const struct cint_params *params)
{
	struct cint_params old;
	int ret;

	ret = nvme_cint_check_params(&cint->dev->ctrl, params);
	if (ret)
		return ret;
	mutex_lock(&cint->state_lock);
	old = cint->device_params;
	cint->device_params = *params;
	ret = nvme_cint_push(cint, params);
	if (ret)
		cint->device_params = old;
	mutex_unlock(&cint->state_lock);
	nvme_cint_set_draining(cint, true);
	return ret;
}

/**
 * nvme_cint_restart_device - a reset has ended the controller's coalescing
 * @cint: the controller's coalescing, its state locked, in mode device
 */
void nvme_cint_restart_device(struct nvme_cint *cint)
{
	struct nvme_ctrl *ctrl = &cint->dev->ctrl;

	if (!ctrl->cint_capable || nvme_cint_push(cint, &cint->device_params))
		dev_warn(ctrl->device,
			 "cint: after a reset the controller coalesces no more\n");
}

/**
 * nvme_cint_device_stats - the controller's counters since the mode was chosen
 * @cint: the controller's coalescing, locked
 * @stats: filled
 *
 * Return: 0 or why the controller's log page can't be read, a negative errno or
 * an NVMe status.
 */
int nvme_cint_device_stats(struct nvme_cint *cint,
			   struct nvme_cint_stats *stats)
{
	const struct nvme_cint_stats *base = &cint->device_base;
	struct nvme_cint_log *log = kzalloc(sizeof(*log), GFP_KERNEL);
	unsigned int reason;
	int ret;

	if (!log)
		return -ENOMEM;
	ret = nvme_cint_read_log(&cint->dev->ctrl, log);
	if (!ret)
		nvme_cint_log_to_stats(log, stats);
	kfree(log);
	/* counters that a loss of power has set back count from there */
	if (ret || stats->completions < base->completions)
		return ret;

	stats->completions -= base->completions;
	stats->delivered -= base->delivered;
	stats->urgent -= base->urgent;
	for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
		stats->fires[reason] -= base->fires[reason];
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/nvme/nvmeX/cint/: see Documentation/ABI/testing/sysfs-class-nvme-cint
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "nvme.h"
#include "pci-cint.h"

static const char *const nvme_cint_modes[NVME_CINT_NR_MODES] = {
	[NVME_CINT_OFF]		= "off",
	[NVME_CINT_KTHREAD]	= "kthread",
	[NVME_CINT_DEVICE]	= "device",
	[NVME_CINT_SPLIT]	= "split",
};

static struct nvme_ctrl *nvme_cint_ctrl(struct device *dev)
{
	return dev_get_drvdata(dev);
}

/* Names on a line, the current one in brackets. */
static ssize_t nvme_cint_show_choice(char *buf, const char *const *names,
				     unsigned int nr, unsigned int current_nr)
{
	ssize_t len = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		len += sysfs_emit_at(buf, len,
				     i == current_nr ? "%s[%s]" : "%s%s",
				     i ? " " : "", names[i]);
	return len + sysfs_emit_at(buf, len, "\n");
}

static ssize_t mode_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return nvme_cint_show_choice(buf, nvme_cint_modes, NVME_CINT_NR_MODES,
				     READ_ONCE(nvme_cint_ctrl(dev)->cint->mode));
}

static ssize_t mode_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	int mode, ret;

	mode = sysfs_match_string(nvme_cint_modes, buf);
	if (mode < 0)
		return mode;
	ret = nvme_cint_set_mode(nvme_cint_ctrl(dev)->cint, mode);
	return ret ?: count;
}
static DEVICE_ATTR_RW(mode);

static void nvme_cint_copy_params(struct nvme_cint *cint,
				  struct cint_params *params)
{
	rcu_read_lock();
	*params = rcu_dereference(cint->setting)->policy.params;
	rcu_read_unlock();
}

/* A parameter by its place in struct cint_params. */
struct nvme_cint_attr {
	struct device_attribute	attr;
	size_t			offset;
	enum cint_param		param;
	u32			max;
};

static u32 *nvme_cint_member(struct cint_params *params,
			     struct device_attribute *attr)
{
	struct nvme_cint_attr *a = container_of(attr, struct nvme_cint_attr,
						attr);

	return (void *)params + a->offset;
}

static int nvme_cint_change(struct device *dev, struct device_attribute *attr,
			    u32 value)
{
	struct nvme_cint_attr *a = container_of(attr, struct nvme_cint_attr,
						attr);
	struct nvme_ctrl *ctrl = nvme_cint_ctrl(dev);
	struct nvme_cint *cint = ctrl->cint;
	struct cint_params params;
	int ret;

	mutex_lock(&cint->lock);
	params = *nvme_cint_params(cint);
	*nvme_cint_member(&params, attr) = value;
	if (cint_params_check(&params) != CINT_PARAM_OK) {
		dev_err_ratelimited(ctrl->device,
				    "cint/%s: %u is not in %u..%u\n",
				    attr->attr.name, value,
				    a->param == CINT_PARAM_THRESHOLD, a->max);
		ret = -EINVAL;
	} else {
		ret = nvme_cint_set_params(cint, &params);
	}
	mutex_unlock(&cint->lock);
	return ret;
}

static ssize_t nvme_cint_param_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct cint_params params;

	nvme_cint_copy_params(nvme_cint_ctrl(dev)->cint, &params);
	return sysfs_emit(buf, "%u\n", *nvme_cint_member(&params, attr));
}

static ssize_t nvme_cint_param_store(struct device *dev,
				     struct device_attribute *attr,
				     const char *buf, size_t count)
{
	u32 value;
	int ret;

	ret = kstrtou32(buf, 0, &value);
	if (!ret)
		ret = nvme_cint_change(dev, attr, value);
	return ret ?: count;
}

static ssize_t policy_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	const char *names[CINT_POLICY_NR];
	struct cint_params params;
	unsigned int i;

	for (i = 0; i < CINT_POLICY_NR; i++)
		names[i] = cint_policy_name(i);
	nvme_cint_copy_params(nvme_cint_ctrl(dev)->cint, &params);
	return nvme_cint_show_choice(buf, names, CINT_POLICY_NR, params.policy);
}

static ssize_t policy_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	unsigned int i;
	int ret;

	for (i = 0; i < CINT_POLICY_NR; i++) {
		if (!sysfs_streq(buf, cint_policy_name(i)))
			continue;
		ret = nvme_cint_change(dev, attr, i);
		return ret ?: count;
	}
	return -EINVAL;
}

static ssize_t ooo_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	struct cint_params params;

	nvme_cint_copy_params(nvme_cint_ctrl(dev)->cint, &params);
	return sysfs_emit(buf, "%d\n", !!(params.flags & CINT_F_OOO));
}

static ssize_t ooo_store(struct device *dev, struct device_attribute *attr,
			 const char *buf, size_t count)
{
	bool ooo;
	int ret;

	ret = kstrtobool(buf, &ooo);
	if (!ret)
		ret = nvme_cint_change(dev, attr, ooo ? CINT_F_OOO : 0);
	return ret ?: count;
}

#define NVME_CINT_ATTR(_name, _show, _store, _member, _param, _max)	\
	static struct nvme_cint_attr nvme_cint_attr_##_name = {		\
		.attr	= __ATTR(_name, 0644, _show, _store),		\
		.offset	= offsetof(struct cint_params, _member),	\
		.param	= _param,					\
		.max	= _max,						\
	}

#define NVME_CINT_NUMBER(_name, _param, _max)				\
	NVME_CINT_ATTR(_name, nvme_cint_param_show,			\
		       nvme_cint_param_store, _name, _param, _max)

NVME_CINT_ATTR(policy, policy_show, policy_store, policy, CINT_PARAM_POLICY,
	       CINT_POLICY_NR - 1);
NVME_CINT_ATTR(ooo, ooo_show, ooo_store, flags, CINT_PARAM_FLAGS, 1);
NVME_CINT_NUMBER(threshold, CINT_PARAM_THRESHOLD, CINT_THRESHOLD_MAX);
NVME_CINT_NUMBER(delta_ns, CINT_PARAM_DELTA, CINT_DELAY_MAX_NS);
NVME_CINT_NUMBER(delta_min_ns, CINT_PARAM_DELTA_MIN, CINT_DELAY_MAX_NS);
NVME_CINT_NUMBER(max_hold_ns, CINT_PARAM_MAX_HOLD, CINT_DELAY_MAX_NS);
NVME_CINT_NUMBER(correction, CINT_PARAM_CORRECTION, CINT_CORRECTION_MAX);

static ssize_t poll_cpu_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(nvme_cint_ctrl(dev)->cint->poll_cpu));
}

static ssize_t poll_cpu_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	struct nvme_ctrl *ctrl = nvme_cint_ctrl(dev);
	int cpu, ret;

	ret = kstrtoint(buf, 0, &cpu);
	if (ret)
		return ret;
	ret = nvme_cint_set_poll_cpu(ctrl->cint, cpu);
	if (ret)
		dev_err_ratelimited(ctrl->device,
				    "cint/poll_cpu: CPU %d is not online, and not -1\n",
				    cpu);
	return ret ?: count;
}
static DEVICE_ATTR_RW(poll_cpu);

static ssize_t look_min_ns_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(nvme_cint_ctrl(dev)->cint->look_min_ns));
}

static ssize_t look_min_ns_store(struct device *dev,
				 struct device_attribute *attr,
				 const char *buf, size_t count)
{
	struct nvme_ctrl *ctrl = nvme_cint_ctrl(dev);
	u32 value;
	int ret;

	ret = kstrtou32(buf, 0, &value);
	if (ret)
		return ret;
	if (!value || value > CINT_DELAY_MAX_NS) {
		dev_err_ratelimited(ctrl->device,
				    "cint/look_min_ns: %u is not in 1..%u\n",
				    value, CINT_DELAY_MAX_NS);
		return -EINVAL;
	}
	WRITE_ONCE(ctrl->cint->look_min_ns, value);
	return count;
}
static DEVICE_ATTR_RW(look_min_ns);

static ssize_t hw_coalescing_show(struct device *dev,
				  struct device_attribute *attr, char *buf)
{
	unsigned int threshold, time_us;
	enum nvme_cint_hw hw;
	int ret;

	ret = nvme_cint_get_feature(nvme_cint_ctrl(dev)->cint, &hw, &threshold,
				    &time_us);
	if (ret)
		return ret < 0 ? ret : -EIO;
	if (hw == NVME_CINT_HW_OFF)
		return sysfs_emit(buf, "off\n");
	return sysfs_emit(buf, "%u %u %s\n", threshold, time_us,
			  hw == NVME_CINT_HW_EXEMPT ? "exempt" : "all");
}

/* each reading is an admin command */
static DEVICE_ATTR_ADMIN_RO(hw_coalescing);

static ssize_t latency_hint_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(nvme_cint_ctrl(dev)->cint_latency_hint));
}

static ssize_t latency_hint_store(struct device *dev,
				  struct device_attribute *attr,
				  const char *buf, size_t count)
{
	bool hint;
	int ret;

	ret = kstrtobool(buf, &hint);
	if (ret)
		return ret;
	WRITE_ONCE(nvme_cint_ctrl(dev)->cint_latency_hint, hint);
	return count;
}
static DEVICE_ATTR_RW(latency_hint);

static ssize_t calibrate_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(nvme_cint_ctrl(dev)->cint->calibrate));
}

static ssize_t calibrate_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	bool calibrate;
	int ret;

	ret = kstrtobool(buf, &calibrate);
	if (ret)
		return ret;
	nvme_cint_set_calibrate(nvme_cint_ctrl(dev)->cint, calibrate);
	return count;
}
static DEVICE_ATTR_RW(calibrate);

static ssize_t stats_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct nvme_cint *cint = nvme_cint_ctrl(dev)->cint;
	struct nvme_cint_stats stats;
	unsigned int reason;
	u64 fires = 0;
	ssize_t len;
	int ret;

	ret = nvme_cint_get_stats(cint, &stats);
	if (ret)
		return ret < 0 ? ret : -EIO;
	for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
		fires += stats.fires[reason];

	len = sysfs_emit(buf,
			 "completions %llu\ndelivered %llu\nurgent %llu\nheld %llu\noutstanding %llu\nwakeups %llu\nticks %llu\nfires %llu\n",
			 stats.completions, stats.delivered, stats.urgent,
			 stats.held, stats.outstanding,
			 stats.wakeups, stats.ticks, fires);
	for (reason = CINT_HOLD + 1; reason < CINT_REASON_NR; reason++)
		len += sysfs_emit_at(buf, len, "fire_%s %llu\n",
				     cint_reason_name(reason),
				     stats.fires[reason]);
	return len;
}
static DEVICE_ATTR_RO(stats);

static struct attribute *nvme_cint_attrs[] = {
	&dev_attr_mode.attr,
	&nvme_cint_attr_policy.attr.attr,
	&nvme_cint_attr_threshold.attr.attr,
	&nvme_cint_attr_delta_ns.attr.attr,
	&nvme_cint_attr_delta_min_ns.attr.attr,
	&nvme_cint_attr_max_hold_ns.attr.attr,
	&nvme_cint_attr_correction.attr.attr,
	&nvme_cint_attr_ooo.attr.attr,
	&dev_attr_look_min_ns.attr,
	&dev_attr_poll_cpu.attr,
	&dev_attr_latency_hint.attr,
	&dev_attr_calibrate.attr,
	&dev_attr_hw_coalescing.attr,
	&dev_attr_stats.attr,
	NULL,
};

const struct attribute_group nvme_cint_attrs_group = {
	.name	= "cint",
	.attrs	= nvme_cint_attrs,
};

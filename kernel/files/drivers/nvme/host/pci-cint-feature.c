// SPDX-License-Identifier: GPL-2.0
/*
 * What a controller coalesces by itself: NVMe Feature 08h, Interrupt Coalescing,
 * delays the interrupts of all I/O queues alike, urgent completions among them.
 * Feature 09h, Interrupt Vector Configuration, exempts single vectors.
 *
 * Neither is changed while no mode is chosen: who has set them knows why.
 */
#include "nvme.h"
#include "pci-cint.h"

/* The aggregation time is in units of 100 us. */
#define NVME_CINT_HW_TIME_US(value)	((((value) >> 8) & 0xff) * 100)

/* Vector Configuration: Coalescing Disable */
#define NVME_CINT_HW_CD			BIT(16)

/* Exempt the vectors of all queues that have one. */
static bool nvme_cint_exempt(struct nvme_dev *dev)
{
	unsigned int qid;

	for (qid = 1; qid < dev->online_queues; qid++) {
		struct nvme_queue *nvmeq = &dev->queues[qid];
		u32 result;

		if (nvmeq->consumer == NVME_CQ_POLL)
			continue;
		if (nvme_set_features(&dev->ctrl, NVME_FEAT_IRQ_CONFIG,
				      nvmeq->cq_vector | NVME_CINT_HW_CD, NULL,
				      0, &result))
			return false;
	}
	return true;
}

/* The value of Feature 08h; 0 if it is off, as either of its fields being 0 says. */
static int nvme_cint_read_feature(struct nvme_cint *cint, u32 *value)
{
	int ret;

	ret = nvme_get_features(&cint->dev->ctrl, NVME_FEAT_IRQ_COALESCE, 0,
				NULL, 0, value);
	if (ret)
		return ret;
	*value &= 0xffff;
	if (!(*value & 0xff) || !(*value & 0xff00))
		*value = 0;
	return 0;
}

/**
 * nvme_cint_get_feature - what the controller coalesces by itself
 * @cint: the controller's coalescing
 * @hw: whether and for whom
 * @threshold: completions it waits for
 * @time_us: and for how long
 *
 * Return: 0; a negative errno or an NVMe status if it can't be asked.
 */
int nvme_cint_get_feature(struct nvme_cint *cint, enum nvme_cint_hw *hw,
			  unsigned int *threshold, unsigned int *time_us)
{
	u32 value = 0;
	int ret;

	mutex_lock(&cint->state_lock);
	ret = nvme_cint_read_feature(cint, &value);
	*hw = !value ? NVME_CINT_HW_OFF :
		value == cint->exempted ? NVME_CINT_HW_EXEMPT : NVME_CINT_HW_ALL;
	mutex_unlock(&cint->state_lock);
	*threshold = (value & 0xff) + 1;
	*time_us = NVME_CINT_HW_TIME_US(value);
	return ret;
}

/**
 * nvme_cint_check_feature - see to it that the controller does not delay what is
 *	urgent
 * @cint: the controller's coalescing, its state locked, after a reset
 */
void nvme_cint_check_feature(struct nvme_cint *cint)
{
	struct nvme_dev *dev = cint->dev;
	u32 value = 0;

	cint->exempted = 0;
	/* a controller that can't be asked does not do it */
	if (nvme_cint_read_feature(cint, &value) || !value)
		return;
	if (nvme_cint_exempt(dev)) {
		cint->exempted = value;
		return;
	}
	dev_warn(dev->ctrl.device,
		 "cint: the controller itself coalesces all interrupts (Feature 08h), urgent requests wait for up to %u us more\n",
		 NVME_CINT_HW_TIME_US(value));
}

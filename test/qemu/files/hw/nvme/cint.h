/*
 * NVMe calibrated interrupts: coalescing by urgency, as firmware would do it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_NVME_CINT_H
#define HW_NVME_CINT_H

#include <linux/cint_policy.h>
#include <linux/nvme_cint.h>

struct NvmeCtrl;
struct NvmeCQueue;
struct NvmeRequest;
struct NvmeSQueue;

typedef struct NvmeCintParams {
    bool on;
} NvmeCintParams;

#define DEFINE_NVME_CINT_PROPERTIES(_state, _field)                         \
    DEFINE_PROP_BOOL("x-cint", _state, _field.on, false)

typedef struct NvmeCint NvmeCint;
typedef struct NvmeCintQueue NvmeCintQueue;

void nvme_cint_realize(struct NvmeCtrl *n);
void nvme_cint_exit(struct NvmeCtrl *n);
void nvme_cint_reset(struct NvmeCtrl *n);
void nvme_cint_identify(const struct NvmeCtrl *n, uint8_t *vendor_area);

void nvme_cint_init_cq(struct NvmeCQueue *cq);
void nvme_cint_free_cq(struct NvmeCQueue *cq);
void nvme_cint_submit(struct NvmeCQueue *cq, struct NvmeRequest *req);
void nvme_cint_complete(struct NvmeCQueue *cq, struct NvmeRequest *req);
bool nvme_cint_active(const struct NvmeCQueue *cq);
void nvme_cint_abort(struct NvmeCQueue *cq, const struct NvmeSQueue *sq,
                     uint16_t cid);
void nvme_cint_flush(struct NvmeCQueue *cq);
bool nvme_cint_quiet(const struct NvmeCQueue *cq);
void nvme_cint_consumed(struct NvmeCQueue *cq);
void nvme_cint_vector_changed(struct NvmeCtrl *n);

void nvme_cint_get(const struct NvmeCtrl *n, bool defaults,
                   struct nvme_cint_feature *feature);
uint16_t nvme_cint_set(struct NvmeCtrl *n,
                       const struct nvme_cint_feature *feature,
                       uint32_t *offset);
void nvme_cint_log(const struct NvmeCtrl *n, struct nvme_cint_log *log);

#endif /* HW_NVME_CINT_H */

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

/* What a controller may say that is wrong, x-cint-hostile */
typedef enum NvmeCintHostile {
    NVME_CINT_HONEST,
    NVME_CINT_ONES,         /* all bits of what it can do and has counted */
    NVME_CINT_ZEROES,       /* it can do nothing */
    NVME_CINT_NO_FEATURE,   /* identifiers of a feature and a log there are not */
    NVME_CINT_REFUSES,      /* all parameters, at an offset beyond them */
} NvmeCintHostile;

typedef struct NvmeCintParams {
    bool on;
    uint8_t hostile;
    uint32_t spurious;
} NvmeCintParams;

#define DEFINE_NVME_CINT_PROPERTIES(_state, _field)                         \
    DEFINE_PROP_BOOL("x-cint", _state, _field.on, false),                   \
    DEFINE_PROP_UINT8("x-cint-hostile", _state, _field.hostile, 0),         \
    DEFINE_PROP_UINT32("x-cint-spurious", _state, _field.spurious, 0)

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

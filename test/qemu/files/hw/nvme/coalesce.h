/*
 * NVMe interrupt coalescing, Features 08h and 09h
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_NVME_COALESCE_H
#define HW_NVME_COALESCE_H

#include <linux/nvme_cint.h>

struct NvmeCtrl;
struct NvmeCQueue;

/* Length of a unit of the aggregation time, as the standard has it. */
#define NVME_COALESCE_UNIT_NS       100000
#define NVME_COALESCE_MAX_UNIT_NS   10000000

typedef struct NvmeCoalesceParams {
    bool     on;
    uint64_t unit_ns;
} NvmeCoalesceParams;

#define DEFINE_NVME_COALESCE_PROPERTIES(_state, _field)                     \
    DEFINE_PROP_BOOL("x-coalesce", _state, _field.on, false),               \
    DEFINE_PROP_UINT64("x-coalesce-time-ns", _state, _field.unit_ns,        \
                       NVME_COALESCE_UNIT_NS)

typedef struct NvmeCoalesce NvmeCoalesce;

bool nvme_coalesce_realize(struct NvmeCtrl *n, Error **errp);
void nvme_coalesce_exit(struct NvmeCtrl *n);
void nvme_coalesce_reset(struct NvmeCtrl *n);

void nvme_coalesce_init_cq(struct NvmeCQueue *cq);
void nvme_coalesce_free_cq(struct NvmeCQueue *cq);
void nvme_coalesce_posted(struct NvmeCQueue *cq, uint32_t posted, bool plain);
void nvme_coalesce_consumed(struct NvmeCQueue *cq);
void nvme_coalesce_signal(struct NvmeCQueue *cq);

uint32_t nvme_coalesce_get(const struct NvmeCtrl *n);
void nvme_coalesce_set(struct NvmeCtrl *n, uint32_t dw11);
uint16_t nvme_coalesce_get_vector(const struct NvmeCtrl *n, uint16_t vector,
                                  uint32_t *result);
uint16_t nvme_coalesce_set_vector(struct NvmeCtrl *n, uint32_t dw11);
bool nvme_coalesce_disabled(const struct NvmeCQueue *cq);

void nvme_coalesce_log(const struct NvmeCtrl *n, struct nvme_cint_log *log);

#endif /* HW_NVME_COALESCE_H */

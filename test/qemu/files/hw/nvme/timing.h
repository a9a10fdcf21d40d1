/*
 * NVMe completions at virtual times
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_NVME_TIMING_H
#define HW_NVME_TIMING_H

#include "latency.h"

struct NvmeCtrl;
struct NvmeCQueue;
struct NvmeSQueue;
struct NvmeRequest;

/* Requests of one completion queue that the drive is still working on. */
typedef struct NvmeTimedQueue NvmeTimedQueue;

bool nvme_timing_realize(struct NvmeCtrl *n, Error **errp);
void nvme_timing_exit(struct NvmeCtrl *n);
void nvme_timing_reset(struct NvmeCtrl *n);

void nvme_timing_init_cq(struct NvmeCQueue *cq);
void nvme_timing_free_cq(struct NvmeCQueue *cq);

void nvme_timing_start(struct NvmeRequest *req);
void nvme_timing_wait(struct NvmeRequest *req, uint16_t status);
void nvme_timing_done(struct NvmeCQueue *cq, struct NvmeRequest *req);
bool nvme_timing_abort(struct NvmeCQueue *cq, struct NvmeSQueue *sq,
                       uint16_t cid);
void nvme_timing_hurry(struct NvmeCQueue *cq, struct NvmeSQueue *sq);

#endif /* HW_NVME_TIMING_H */

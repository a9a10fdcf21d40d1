/*
 * NVMe latency model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_NVME_LATENCY_H
#define HW_NVME_LATENCY_H

#include "hw/qdev-properties.h"

#define NVME_LATENCY_MAX_NS         10000000000ULL  /* 10 s */
#define NVME_LATENCY_MAX_CHANNELS   4096
#define NVME_LATENCY_MAX_BUFFER     65536
#define NVME_LATENCY_MAX_IOPS       1000000000
#define NVME_LATENCY_MAX_SIGMA      3000            /* thousandths */

/* What a command asks of the drive. */
typedef enum NvmeLatencyOp {
    NVME_LATENCY_READ,
    NVME_LATENCY_WRITE,
    NVME_LATENCY_FLUSH,
} NvmeLatencyOp;

/* Properties of the device, see the table in latency.c. */
typedef struct NvmeLatencyParams {
    char     *model;
    uint64_t read_ns;
    uint64_t write_ns;
    uint64_t flush_ns;
    uint64_t admin_ns;
    uint64_t page_ns;
    uint64_t spread_ns;
    uint32_t sigma;
    uint32_t slow_permille;
    uint64_t slow_ns;
    uint32_t write_buffer;
    uint64_t program_ns;
    uint32_t channels;
    uint32_t iops;
    uint64_t seed;
} NvmeLatencyParams;

#define DEFINE_NVME_LATENCY_PROPERTIES(_state, _field)                      \
    DEFINE_PROP_STRING("x-lat-model", _state, _field.model),                \
    DEFINE_PROP_UINT64("x-lat-read-ns", _state, _field.read_ns, 10000),     \
    DEFINE_PROP_UINT64("x-lat-write-ns", _state, _field.write_ns, 10000),   \
    DEFINE_PROP_UINT64("x-lat-flush-ns", _state, _field.flush_ns, 10000),   \
    DEFINE_PROP_UINT64("x-lat-admin-ns", _state, _field.admin_ns, 10000),   \
    DEFINE_PROP_UINT64("x-lat-page-ns", _state, _field.page_ns, 0),         \
    DEFINE_PROP_UINT64("x-lat-spread-ns", _state, _field.spread_ns, 2500),  \
    DEFINE_PROP_UINT32("x-lat-sigma", _state, _field.sigma, 200),           \
    DEFINE_PROP_UINT32("x-lat-slow-permille", _state,                       \
                       _field.slow_permille, 10),                           \
    DEFINE_PROP_UINT64("x-lat-slow-ns", _state, _field.slow_ns, 100000),    \
    DEFINE_PROP_UINT32("x-write-buffer", _state, _field.write_buffer, 64),  \
    DEFINE_PROP_UINT64("x-lat-program-ns", _state, _field.program_ns,       \
                       20000),                                              \
    DEFINE_PROP_UINT32("x-channels", _state, _field.channels, 0),           \
    DEFINE_PROP_UINT32("x-iops", _state, _field.iops, 0),                   \
    DEFINE_PROP_UINT64("x-seed", _state, _field.seed, 1)

typedef struct NvmeLatency NvmeLatency;

NvmeLatency *nvme_latency_new(const NvmeLatencyParams *params, Error **errp);
void nvme_latency_free(NvmeLatency *lat);
void nvme_latency_reset(NvmeLatency *lat);
uint64_t nvme_latency_due(NvmeLatency *lat, NvmeLatencyOp op, uint64_t bytes,
                          uint64_t now_ns);

#endif /* HW_NVME_LATENCY_H */

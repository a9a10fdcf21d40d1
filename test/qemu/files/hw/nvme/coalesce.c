/*
 * NVMe interrupt coalescing, Features 08h and 09h
 *
 * With x-coalesce the controller may post completions without an interrupt.
 * Per interrupt vector, and as the standard says (NVM Express 1.4, 5.21.1.8 and
 * 5.21.1.9): an interrupt is sent when more than the 0's based aggregation
 * threshold of completion queue entries have been posted since the last one, or
 * the aggregation time has passed since the first of them. A threshold or a
 * time of 0, which are the values after a reset, coalesce nothing, and neither
 * do vectors with Coalescing Disable set. Completions of the admin queue are
 * signalled at once.
 *
 * Entries that the host has consumed without an interrupt, because it polls,
 * are no longer counted, and when none is left no interrupt is sent.
 *
 * x-coalesce-time-ns changes the unit of the aggregation time from the
 * standard's 100 us, for what a finer unit would be worth.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "nvme.h"
#include "trace.h"

typedef struct NvmeVector {
    NvmeCtrl  *ctrl;
    uint16_t  vector;
    bool      disabled;
    /* entries posted since the last interrupt and not consumed since */
    uint32_t  unsignalled;
    QEMUTimer timer;
} NvmeVector;

struct NvmeCoalesce {
    uint8_t    threshold;
    uint8_t    time;
    uint32_t   nr_vectors;
    NvmeVector *vectors;
    uint64_t   posted;
    uint64_t   irqs[NVME_CINT_IRQ_NR];
};

static NvmeVector *nvme_coalesce_vector(const NvmeCQueue *cq)
{
    return &cq->ctrl->coalesce->vectors[cq->vector];
}

/* Are there entries to tell the host of, in any queue of this vector? */
static NvmeCQueue *nvme_coalesce_unsignalled(NvmeVector *v)
{
    NvmeCtrl *n = v->ctrl;
    NvmeCQueue *found = NULL;

    for (uint32_t i = 0; i < n->params.max_ioqpairs + 1; i++) {
        NvmeCQueue *cq = n->cq[i];

        if (cq && cq->vector == v->vector && cq->unsignalled) {
            cq->unsignalled = 0;
            found = cq;
        }
    }
    return found;
}

/* One message for all that is unsignalled on a vector, if anything is. */
static void nvme_coalesce_fire(NvmeVector *v, enum nvme_cint_irq why)
{
    NvmeCoalesce *c = v->ctrl->coalesce;
    NvmeCQueue *cq = nvme_coalesce_unsignalled(v);

    timer_del(&v->timer);
    v->unsignalled = 0;
    if (cq) {
        trace_pci_nvme_coalesce_fire(v->vector, why);
        c->irqs[why]++;
        nvme_irq_assert(v->ctrl, cq);
    }
}

static void nvme_coalesce_time(void *opaque)
{
    nvme_coalesce_fire(opaque, NVME_CINT_IRQ_TIME);
}

static void nvme_coalesce_flush(NvmeCtrl *n)
{
    for (uint32_t i = 0; i < n->coalesce->nr_vectors; i++) {
        nvme_coalesce_fire(&n->coalesce->vectors[i], NVME_CINT_IRQ_FLUSH);
    }
}

/**
 * nvme_coalesce_posted: Entries were posted; interrupt the host, or not yet
 * @cq: the completion queue
 * @posted: how many entries
 * @plain: do not apply Feature 08h to these
 */
void nvme_coalesce_posted(NvmeCQueue *cq, uint32_t posted, bool plain)
{
    NvmeCtrl *n = cq->ctrl;
    NvmeCoalesce *c = n->coalesce;
    NvmeVector *v = nvme_coalesce_vector(cq);

    if (!posted) {
        return;
    }
    if (!cq->cqid) {
        /* not counted: these figures are about I/O */
        nvme_irq_assert(n, cq);
        return;
    }
    c->posted += posted;
    if (!cq->irq_enabled) {
        return;
    }
    cq->unsignalled += posted;
    v->unsignalled += posted;
    if (nvme_cint_quiet(cq)) {
        return;
    }
    if (plain || v->disabled || !c->threshold || !c->time) {
        nvme_coalesce_fire(v, NVME_CINT_IRQ_PLAIN);
    } else if (v->unsignalled > c->threshold) {
        nvme_coalesce_fire(v, NVME_CINT_IRQ_THRESHOLD);
    } else if (!timer_pending(&v->timer)) {
        timer_mod_ns(&v->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                                c->time * n->params.coalesce.unit_ns);
    }
}

/**
 * nvme_coalesce_consumed: The host has moved the head of a queue
 */
void nvme_coalesce_consumed(NvmeCQueue *cq)
{
    NvmeVector *v = nvme_coalesce_vector(cq);
    uint32_t left = (cq->tail + cq->size - cq->head) % cq->size;

    if (cq->unsignalled > left) {
        v->unsignalled -= cq->unsignalled - left;
        cq->unsignalled = left;
        if (!v->unsignalled) {
            timer_del(&v->timer);
        }
    }
    if (!left) {
        nvme_cint_consumed(cq);
    }
}

/**
 * nvme_coalesce_signal: Interrupt for what was posted quietly
 */
void nvme_coalesce_signal(NvmeCQueue *cq)
{
    if (cq->unsignalled) {
        nvme_coalesce_fire(nvme_coalesce_vector(cq), NVME_CINT_IRQ_PLAIN);
    }
}

void nvme_coalesce_init_cq(NvmeCQueue *cq)
{
    cq->unsignalled = 0;
}

void nvme_coalesce_free_cq(NvmeCQueue *cq)
{
    NvmeVector *v;

    if (cq->ctrl->coalesce && cq->unsignalled) {
        v = nvme_coalesce_vector(cq);
        v->unsignalled -= cq->unsignalled;
        cq->unsignalled = 0;
        if (!v->unsignalled) {
            timer_del(&v->timer);
        }
    }
}

/* --- features ------------------------------------------------------------ */

uint32_t nvme_coalesce_get(const NvmeCtrl *n)
{
    return n->coalesce->threshold | n->coalesce->time << 8;
}

void nvme_coalesce_set(NvmeCtrl *n, uint32_t dw11)
{
    nvme_coalesce_flush(n);
    n->coalesce->threshold = NVME_INTC_THR(dw11);
    n->coalesce->time = NVME_INTC_TIME(dw11);
}

uint16_t nvme_coalesce_get_vector(const NvmeCtrl *n, uint16_t vector,
                                  uint32_t *result)
{
    if (vector >= n->conf_msix_qsize) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    *result = vector;
    if (n->coalesce->vectors[vector].disabled) {
        *result |= NVME_INTVC_NOCOALESCING;
    }
    return NVME_SUCCESS;
}

uint16_t nvme_coalesce_set_vector(NvmeCtrl *n, uint32_t dw11)
{
    uint16_t vector = dw11 & 0xffff;

    if (vector >= n->conf_msix_qsize) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    nvme_coalesce_flush(n);
    n->coalesce->vectors[vector].disabled = dw11 & NVME_INTVC_NOCOALESCING;
    return NVME_SUCCESS;
}

/* Has the host excluded this queue's vector from coalescing? */
bool nvme_coalesce_disabled(const NvmeCQueue *cq)
{
    return nvme_coalesce_vector(cq)->disabled;
}

void nvme_coalesce_log(const NvmeCtrl *n, struct nvme_cint_log *log)
{
    uint64_t interrupts = 0;

    QEMU_BUILD_BUG_ON(NVME_CINT_IRQ_NR > ARRAY_SIZE(log->irqs));
    for (int i = 0; i < NVME_CINT_IRQ_NR; i++) {
        interrupts += n->coalesce->irqs[i];
        log->irqs[i] = cpu_to_le64(n->coalesce->irqs[i]);
    }
    log->nr_irqs = NVME_CINT_IRQ_NR;
    log->interrupts = cpu_to_le64(interrupts);
    log->completed = cpu_to_le64(n->coalesce->posted);
}

/* --- life ---------------------------------------------------------------- */

bool nvme_coalesce_realize(NvmeCtrl *n, Error **errp)
{
    uint64_t unit_ns = n->params.coalesce.unit_ns;
    NvmeCoalesce *c;

    if (!unit_ns || unit_ns > NVME_COALESCE_MAX_UNIT_NS) {
        error_setg(errp, "x-coalesce-time-ns is %" PRIu64 ", it must be "
                   "between 1 and %d", unit_ns, NVME_COALESCE_MAX_UNIT_NS);
        return false;
    }
    if (!n->params.coalesce.on) {
        return true;
    }
    c = g_new0(NvmeCoalesce, 1);
    c->nr_vectors = n->params.msix_qsize;
    c->vectors = g_new0(NvmeVector, c->nr_vectors);
    for (uint32_t i = 0; i < c->nr_vectors; i++) {
        NvmeVector *v = &c->vectors[i];

        v->ctrl = n;
        v->vector = i;
        timer_init_ns(&v->timer, QEMU_CLOCK_VIRTUAL, nvme_coalesce_time, v);
    }
    n->coalesce = c;
    return true;
}

void nvme_coalesce_exit(NvmeCtrl *n)
{
    if (n->coalesce) {
        nvme_coalesce_reset(n);
        g_free(n->coalesce->vectors);
        g_free(n->coalesce);
        n->coalesce = NULL;
    }
}

/* The queues are gone. The features are as after power on; counters stay. */
void nvme_coalesce_reset(NvmeCtrl *n)
{
    NvmeCoalesce *c = n->coalesce;

    if (!c) {
        return;
    }
    c->threshold = 0;
    c->time = 0;
    for (uint32_t i = 0; i < c->nr_vectors; i++) {
        timer_del(&c->vectors[i].timer);
        c->vectors[i].unsignalled = 0;
        c->vectors[i].disabled = false;
    }
}

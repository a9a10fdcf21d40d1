/*
 * NVMe completions at virtual times
 *
 * With x-lat-model every command completes precisely when the latency model
 * says, on QEMU_CLOCK_VIRTUAL, whatever the host does meanwhile:
 *
 *  - a doorbell write processes the submission queue before it returns, so a
 *    command is fetched at the time the guest submitted it;
 *  - the backend is waited for right there, no virtual time passes, and how
 *    long it takes the host is not visible;
 *  - the completion then waits for its due time, and is posted by a timer.
 *
 * No bottom half is used: those run when the host gets around to them. Under
 * -icount the guest therefore sees the same times in every run.
 *
 * A request is on one of these lists, all through NvmeRequest.entry:
 *
 *   sq->req_list       free
 *   sq->out_req_list   in the backend
 *   cq->timed          the drive is still working on it       (this file)
 *   cq->cint           completed and held                     (cint.c)
 *   cq->req_list       to be posted to the completion queue
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "block/aio-wait.h"
#include "nvme.h"
#include "trace.h"

struct NvmeTimedQueue {
    /* sorted by NvmeRequest.due_ns */
    QTAILQ_HEAD(, NvmeRequest) list;
    QEMUTimer timer;
};

bool nvme_timing_realize(NvmeCtrl *n, Error **errp)
{
    if (n->params.latency.model) {
        n->latency = nvme_latency_new(&n->params.latency, errp);
    }
    return n->latency || !n->params.latency.model;
}

void nvme_timing_exit(NvmeCtrl *n)
{
    nvme_latency_free(n->latency);
    n->latency = NULL;
}

/* The queues are gone. */
void nvme_timing_reset(NvmeCtrl *n)
{
    if (n->latency) {
        nvme_latency_reset(n->latency);
    }
}

static void nvme_timing_arm(NvmeTimedQueue *timed)
{
    NvmeRequest *first = QTAILQ_FIRST(&timed->list);

    if (first) {
        timer_mod_ns(&timed->timer, first->due_ns);
    } else {
        timer_del(&timed->timer);
    }
}

static void nvme_timing_due(void *opaque)
{
    NvmeCQueue *cq = opaque;
    NvmeTimedQueue *timed = cq->timed;
    NvmeRequest *req;

    /*
     * One by one: each is a completion of its own, and may raise an interrupt
     * of its own, even where two are due at the same time.
     */
    while ((req = QTAILQ_FIRST(&timed->list)) &&
           req->due_ns <= qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL)) {
        QTAILQ_REMOVE(&timed->list, req, entry);
        nvme_complete_req(cq, req);
    }
    nvme_timing_arm(timed);
}

void nvme_timing_init_cq(NvmeCQueue *cq)
{
    NvmeTimedQueue *timed;

    cq->timed = NULL;
    if (!cq->ctrl->latency) {
        return;
    }
    timed = g_new0(NvmeTimedQueue, 1);
    QTAILQ_INIT(&timed->list);
    timer_init_ns(&timed->timer, QEMU_CLOCK_VIRTUAL, nvme_timing_due, cq);
    cq->timed = timed;
}

/* The requests themselves go with their submission queues. */
void nvme_timing_free_cq(NvmeCQueue *cq)
{
    if (cq->timed) {
        timer_del(&cq->timed->timer);
        g_free(cq->timed);
        cq->timed = NULL;
    }
}

static NvmeLatencyOp nvme_timing_op(const NvmeCmd *cmd, uint64_t *blocks)
{
    const NvmeRwCmd *rw = (const NvmeRwCmd *)cmd;

    *blocks = 0;
    switch (cmd->opcode) {
    case NVME_CMD_READ:
    case NVME_CMD_COMPARE:
    case NVME_CMD_VERIFY:
        *blocks = le16_to_cpu(rw->nlb) + 1;
        return NVME_LATENCY_READ;
    case NVME_CMD_WRITE:
    case NVME_CMD_ZONE_APPEND:
        *blocks = le16_to_cpu(rw->nlb) + 1;
        return NVME_LATENCY_WRITE;
    case NVME_CMD_FLUSH:
        return NVME_LATENCY_FLUSH;
    case NVME_CMD_ZONE_MGMT_RECV:
        return NVME_LATENCY_READ;
    default:
        /* these change the mapping of blocks, and move no data */
        return NVME_LATENCY_WRITE;
    }
}

/**
 * nvme_timing_start: A command was fetched; decide when it will complete
 */
void nvme_timing_start(NvmeRequest *req)
{
    NvmeCtrl *n = req->sq->ctrl;
    uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint64_t blocks;
    NvmeLatencyOp op;
    NvmeNamespace *ns;

    if (!n->latency) {
        return;
    }
    req->backend_done = false;
    if (!req->sq->sqid) {
        req->due_ns = now + n->params.latency.admin_ns;
        return;
    }
    op = nvme_timing_op(&req->cmd, &blocks);
    ns = nvme_ns(n, le32_to_cpu(req->cmd.nsid));
    req->due_ns = nvme_latency_due(n->latency, op,
                                   ns ? nvme_l2b(ns, blocks) : 0, now);
}

/**
 * nvme_timing_wait: Let no virtual time pass before the backend is done
 * @req: a command just handed to the backend
 * @status: what that returned
 */
void nvme_timing_wait(NvmeRequest *req, uint16_t status)
{
    NvmeCtrl *n = req->sq->ctrl;

    if (!n->latency || status != NVME_NO_COMPLETE) {
        return;
    }
    /* that one waits for an event to report, not for the backend */
    if (!req->sq->sqid && req->cmd.opcode == NVME_ADM_CMD_ASYNC_EV_REQ) {
        return;
    }
    AIO_WAIT_WHILE(qemu_get_aio_context(), !req->backend_done);
}

/**
 * nvme_timing_done: The backend is done with a request
 *
 * It completes at its due time, or now if that has passed.
 */
void nvme_timing_done(NvmeCQueue *cq, NvmeRequest *req)
{
    NvmeTimedQueue *timed = cq->timed;
    uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    NvmeRequest *before;

    req->backend_done = true;
    req->due_ns = MAX(req->due_ns, now);
    trace_pci_nvme_timing_done(nvme_cid(req), cq->cqid, req->due_ns);

    QTAILQ_FOREACH_REVERSE(before, &timed->list, entry) {
        if (before->due_ns <= req->due_ns) {
            break;
        }
    }
    if (before) {
        QTAILQ_INSERT_AFTER(&timed->list, before, req, entry);
    } else {
        QTAILQ_INSERT_HEAD(&timed->list, req, entry);
        nvme_timing_arm(timed);
    }
}

/**
 * nvme_timing_abort: End a command that the drive is still working on
 *
 * Returns: whether there was such a command. Its completion is on its way.
 */
bool nvme_timing_abort(NvmeCQueue *cq, NvmeSQueue *sq, uint16_t cid)
{
    NvmeTimedQueue *timed = cq->timed;
    NvmeRequest *req;

    if (!timed) {
        return false;
    }
    QTAILQ_FOREACH(req, &timed->list, entry) {
        if (req->sq == sq && nvme_cid(req) == cid) {
            QTAILQ_REMOVE(&timed->list, req, entry);
            nvme_timing_arm(timed);
            req->status = NVME_CMD_ABORT_REQ;
            nvme_complete_req(cq, req);
            return true;
        }
    }
    return false;
}

/**
 * nvme_timing_hurry: Complete now what a submission queue has in the drive
 *
 * The queue is about to be deleted. The backend is done with all of it, so
 * these commands succeed rather than being aborted.
 */
void nvme_timing_hurry(NvmeCQueue *cq, NvmeSQueue *sq)
{
    NvmeTimedQueue *timed = cq->timed;
    NvmeRequest *req, *next;

    if (!timed) {
        return;
    }
    QTAILQ_FOREACH_SAFE(req, &timed->list, entry, next) {
        if (req->sq == sq) {
            QTAILQ_REMOVE(&timed->list, req, entry);
            nvme_complete_req(cq, req);
        }
    }
    nvme_timing_arm(timed);
}

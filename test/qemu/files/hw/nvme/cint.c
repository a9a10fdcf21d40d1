/*
 * NVMe calibrated interrupts: coalescing by urgency, as firmware would do it
 *
 * With x-cint the controller reads the urgent and barrier marks of a command as
 * it fetches it, and asks the policy, when the command completes, whether to
 * deliver it. Delivering is posting the entries and sending one interrupt. A
 * completion that is held is not yet in the completion queue: that queue is
 * read in order, and an urgent completion could otherwise not overtake.
 *
 * Without out-of-order delivery nothing overtakes, and a completion that is held
 * is posted at once; only the interrupt is delayed. What the host then takes by
 * itself is not held any longer.
 *
 * There is one policy state a completion queue. Queues without interrupts, and
 * vectors with Coalescing Disable set (Feature 09h), deliver every completion
 * at once. While the policy is none, Feature 08h delays interrupts as usual;
 * under any other it does nothing, a batch is delivered when the policy says.
 *
 * Held completions are delivered when parameters or Feature 09h change, when a
 * submission queue of theirs is deleted, and when one of them is aborted. A
 * controller reset ends them as it ends all commands.
 *
 * For tests of drivers the controller can be at fault: x-cint-hostile makes what
 * it says wrong (NvmeCintHostile), x-cint-spurious=N has every Nth completion of
 * an I/O command followed by one of a command that there is not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "nvme.h"
#include "trace.h"

struct NvmeCintQueue {
    struct cint_coalescer coalescer;
    /* in the order in which they completed */
    QTAILQ_HEAD(, NvmeRequest) held;
    QEMUTimer timer;
    /* entries are being posted that no interrupt tells of yet */
    bool quiet;
};

struct NvmeCint {
    struct cint_policy policy;
    /* for the queues that are not coalesced */
    struct cint_policy none;

    uint64_t submitted;
    uint64_t urgent;
    uint64_t barrier;
    uint32_t held_max;
    uint64_t fires[CINT_REASON_NR];

    uint32_t until_spurious;
};

static void nvme_cint_default(struct cint_params *params)
{
    cint_params_default(params);
    params->policy = CINT_POLICY_NONE;
}

static const struct cint_policy *nvme_cint_policy(const NvmeCQueue *cq)
{
    NvmeCint *cint = cq->ctrl->cint;

    return cq->irq_enabled && !nvme_coalesce_disabled(cq) ? &cint->policy :
                                                            &cint->none;
}

/* Does the policy, rather than Feature 08h, decide about this queue? */
bool nvme_cint_active(const NvmeCQueue *cq)
{
    return cq->cint && nvme_cint_policy(cq)->params.policy != CINT_POLICY_NONE;
}

static void nvme_cint_arm(NvmeCintQueue *q)
{
    if (q->coalescer.held) {
        timer_mod_ns(&q->timer, q->coalescer.deadline_ns);
    } else {
        timer_del(&q->timer);
    }
}

static void nvme_cint_release(NvmeCQueue *cq)
{
    NvmeRequest *req, *next;

    QTAILQ_FOREACH_SAFE(req, &cq->cint->held, entry, next) {
        QTAILQ_REMOVE(&cq->cint->held, req, entry);
        QTAILQ_INSERT_TAIL(&cq->req_list, req, entry);
    }
}

static void nvme_cint_deliver(NvmeCQueue *cq, enum cint_reason reason)
{
    trace_pci_nvme_cint_fire(cq->cqid, cint_reason_name(reason));
    cq->ctrl->cint->fires[reason]++;
    cq->cint->quiet = false;
    nvme_kick_cq(cq);
    /* what was posted quietly before; what Feature 08h delays is not ours */
    if (nvme_cint_active(cq)) {
        nvme_coalesce_signal(cq);
    }
}

/* Are entries to be posted without an interrupt? */
bool nvme_cint_quiet(const NvmeCQueue *cq)
{
    return cq->cint && cq->cint->quiet;
}

/**
 * nvme_cint_consumed: The host has taken all that was posted
 *
 * More may be about to be posted, quietly: that keeps its deadline.
 */
void nvme_cint_consumed(NvmeCQueue *cq)
{
    if (cq->cint && cq->cint->quiet && QTAILQ_EMPTY(&cq->cint->held) &&
        QTAILQ_EMPTY(&cq->req_list)) {
        cint_taken(&cq->cint->coalescer);
        nvme_cint_arm(cq->cint);
    }
}

/**
 * nvme_cint_submit: A command was fetched
 */
void nvme_cint_submit(NvmeCQueue *cq, NvmeRequest *req)
{
    NvmeCint *cint = cq->ctrl->cint;
    uint32_t marks = 0;

    if (!cq->cint) {
        return;
    }
    if (req->cmd.flags & NVME_CINT_URGENT) {
        marks |= CINT_URGENT;
        cint->urgent++;
    }
    if (req->cmd.flags & NVME_CINT_BARRIER) {
        marks |= CINT_BARRIER;
        cint->barrier++;
    }
    cint->submitted++;
    cint_submit(&cq->cint->coalescer, &req->cint, marks);
}

/* Post an entry for no command, x-cint-spurious; its request becomes a free one. */
static void nvme_cint_spurious(NvmeCQueue *cq, NvmeSQueue *sq)
{
    NvmeCint *cint = cq->ctrl->cint;
    NvmeRequest *req;

    if (!cq->ctrl->params.cint.spurious || --cint->until_spurious) {
        return;
    }
    cint->until_spurious = cq->ctrl->params.cint.spurious;
    req = g_new0(NvmeRequest, 1);
    req->sq = sq;
    req->cqe.cid = 0xffff;
    QTAILQ_INSERT_TAIL(&cq->req_list, req, entry);
}

/**
 * nvme_cint_complete: A command has completed; deliver or hold it
 */
void nvme_cint_complete(NvmeCQueue *cq, NvmeRequest *req)
{
    NvmeCintQueue *q = cq->cint;
    NvmeCint *cint = cq->ctrl->cint;
    uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    const struct cint_policy *policy = nvme_cint_policy(cq);
    struct cint_verdict verdict;
    uint32_t held = q->coalescer.held + 1;

    verdict = cint_complete(&q->coalescer, policy, &req->cint, now);
    /* in order, what is held has been posted, and a busy host looks there */
    if (verdict.reason == CINT_FIRE_RATE &&
        !(policy->params.flags & CINT_F_OOO) &&
        cint_keep(&q->coalescer, policy, held, now)) {
        verdict.reason = CINT_HOLD;
    }
    if (verdict.reason == CINT_HOLD) {
        cint->fires[CINT_HOLD]++;
        cint->held_max = MAX(cint->held_max, q->coalescer.held);
        if (cint->policy.params.flags & CINT_F_OOO) {
            QTAILQ_INSERT_TAIL(&q->held, req, entry);
        } else {
            /* not if that would keep one to be delivered, not posted yet, from it */
            q->quiet = q->quiet || QTAILQ_EMPTY(&cq->req_list);
            QTAILQ_INSERT_TAIL(&cq->req_list, req, entry);
            nvme_kick_cq(cq);
        }
        nvme_cint_arm(q);
        return;
    }
    if (!verdict.only_this) {
        nvme_cint_release(cq);
    }
    QTAILQ_INSERT_TAIL(&cq->req_list, req, entry);
    nvme_cint_spurious(cq, req->sq);
    nvme_cint_arm(q);
    nvme_cint_deliver(cq, verdict.reason);
}

static void nvme_cint_expired(void *opaque)
{
    NvmeCQueue *cq = opaque;
    NvmeCintQueue *q = cq->cint;
    enum cint_reason reason;

    reason = cint_expire(&q->coalescer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    if (reason != CINT_HOLD) {
        nvme_cint_release(cq);
        nvme_cint_deliver(cq, reason);
    }
    nvme_cint_arm(q);
}

/**
 * nvme_cint_flush: Deliver all that a queue holds
 */
void nvme_cint_flush(NvmeCQueue *cq)
{
    if (cq->cint && cint_flush(&cq->cint->coalescer)) {
        nvme_cint_release(cq);
        nvme_cint_arm(cq->cint);
        nvme_cint_deliver(cq, CINT_FIRE_FLUSH);
    }
}

static void nvme_cint_flush_all(NvmeCtrl *n)
{
    for (uint32_t i = 0; i < n->params.max_ioqpairs + 1; i++) {
        if (n->cq[i]) {
            nvme_cint_flush(n->cq[i]);
        }
    }
}

/* Before Feature 09h changes. */
void nvme_cint_vector_changed(NvmeCtrl *n)
{
    if (n->cint) {
        nvme_cint_flush_all(n);
    }
}

/**
 * nvme_cint_abort: The host wants to see the end of a command
 *
 * If it has completed and is held, all that is held with it is delivered.
 */
void nvme_cint_abort(NvmeCQueue *cq, const NvmeSQueue *sq, uint16_t cid)
{
    NvmeRequest *req;

    if (!cq->cint) {
        return;
    }
    QTAILQ_FOREACH(req, &cq->cint->held, entry) {
        if (req->sq == sq && nvme_cid(req) == cid) {
            nvme_cint_flush(cq);
            return;
        }
    }
}

void nvme_cint_init_cq(NvmeCQueue *cq)
{
    NvmeCintQueue *q;

    cq->cint = NULL;
    if (!cq->ctrl->cint || !cq->cqid) {
        return;
    }
    q = g_new0(NvmeCintQueue, 1);
    cint_coalescer_init(&q->coalescer);
    QTAILQ_INIT(&q->held);
    timer_init_ns(&q->timer, QEMU_CLOCK_VIRTUAL, nvme_cint_expired, cq);
    cq->cint = q;
}

/* The requests themselves go with their submission queues. */
void nvme_cint_free_cq(NvmeCQueue *cq)
{
    if (cq->cint) {
        timer_del(&cq->cint->timer);
        g_free(cq->cint);
        cq->cint = NULL;
    }
}

/* --- what the host sees -------------------------------------------------- */

/**
 * nvme_cint_identify: Fill the vendor specific area of Identify Controller
 */
void nvme_cint_identify(const NvmeCtrl *n, uint8_t *vendor_area)
{
    struct nvme_cint_id id = {
        .magic          = NVME_CINT_MAGIC,
        .version        = cpu_to_le16(NVME_CINT_VERSION),
        .size           = cpu_to_le16(sizeof(id)),
        .flags          = cpu_to_le32(NVME_CINT_ID_OOO),
        .policies       = cpu_to_le16((1 << CINT_POLICY_NR) - 1),
        .fid            = NVME_CINT_FID,
        .lid            = NVME_CINT_LID,
        .threshold_max  = cpu_to_le32(CINT_THRESHOLD_MAX),
        .delay_max_ns   = cpu_to_le32(CINT_DELAY_MAX_NS),
        .correction_max = cpu_to_le32(CINT_CORRECTION_MAX),
    };

    QEMU_BUILD_BUG_ON(sizeof(id) != 64);
    QEMU_BUILD_BUG_ON(offsetof(NvmeIdCtrl, vs) != NVME_CINT_ID_OFFSET);
    switch (n->params.cint.hostile) {
    case NVME_CINT_ONES:
        memset(&id.flags, 0xff, sizeof(id) - offsetof(typeof(id), flags));
        id.fid = NVME_CINT_FID;
        id.lid = NVME_CINT_LID;
        break;
    case NVME_CINT_ZEROES:
        memset(&id.flags, 0, sizeof(id) - offsetof(typeof(id), flags));
        break;
    case NVME_CINT_NO_FEATURE:
        id.fid = 0xff;
        id.lid = 0xff;
        break;
    }
    if (n->cint) {
        memcpy(vendor_area, &id, sizeof(id));
    }
}

void nvme_cint_get(const NvmeCtrl *n, bool defaults,
                   struct nvme_cint_feature *feature)
{
    struct cint_params params = n->cint->policy.params;

    QEMU_BUILD_BUG_ON(sizeof(*feature) != 64);
    if (defaults) {
        nvme_cint_default(&params);
    }
    *feature = (struct nvme_cint_feature) {
        .version      = cpu_to_le16(NVME_CINT_VERSION),
        .size         = cpu_to_le16(sizeof(*feature)),
        .policy       = cpu_to_le32(params.policy),
        .flags        = cpu_to_le32(params.flags),
        .threshold    = cpu_to_le32(params.threshold),
        .delta_ns     = cpu_to_le32(params.delta_ns),
        .delta_min_ns = cpu_to_le32(params.delta_min_ns),
        .max_hold_ns  = cpu_to_le32(params.max_hold_ns),
        .correction   = cpu_to_le32(params.correction),
    };
}

/**
 * nvme_cint_set: Deliver what is held, then change the parameters
 * @offset: the field that is wrong, on failure
 *
 * Returns: an NVMe status. On failure nothing has changed.
 */
uint16_t nvme_cint_set(NvmeCtrl *n, const struct nvme_cint_feature *feature,
                       uint32_t *offset)
{
    static const uint8_t offsets[] = {
        [CINT_PARAM_POLICY]     = offsetof(struct nvme_cint_feature, policy),
        [CINT_PARAM_FLAGS]      = offsetof(struct nvme_cint_feature, flags),
        [CINT_PARAM_THRESHOLD]  = offsetof(struct nvme_cint_feature, threshold),
        [CINT_PARAM_DELTA]      = offsetof(struct nvme_cint_feature, delta_ns),
        [CINT_PARAM_DELTA_MIN]  = offsetof(struct nvme_cint_feature,
                                           delta_min_ns),
        [CINT_PARAM_MAX_HOLD]   = offsetof(struct nvme_cint_feature,
                                           max_hold_ns),
        [CINT_PARAM_CORRECTION] = offsetof(struct nvme_cint_feature,
                                           correction),
    };
    struct cint_params params = {
        .policy       = le32_to_cpu(feature->policy),
        .flags        = le32_to_cpu(feature->flags),
        .threshold    = le32_to_cpu(feature->threshold),
        .delta_ns     = le32_to_cpu(feature->delta_ns),
        .delta_min_ns = le32_to_cpu(feature->delta_min_ns),
        .max_hold_ns  = le32_to_cpu(feature->max_hold_ns),
        .correction   = le32_to_cpu(feature->correction),
    };
    enum cint_param wrong;

    if (n->params.cint.hostile == NVME_CINT_REFUSES) {
        *offset = UINT32_MAX;
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (le16_to_cpu(feature->version) != NVME_CINT_VERSION) {
        *offset = offsetof(struct nvme_cint_feature, version);
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (le16_to_cpu(feature->size) != sizeof(*feature)) {
        *offset = offsetof(struct nvme_cint_feature, size);
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    wrong = cint_params_check(&params);
    if (wrong != CINT_PARAM_OK) {
        *offset = offsets[wrong];
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (!buffer_is_zero(feature->reserved, sizeof(feature->reserved))) {
        *offset = offsetof(struct nvme_cint_feature, reserved);
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    trace_pci_nvme_cint_set(cint_policy_name(params.policy), params.flags,
                            params.threshold, params.delta_ns);
    nvme_cint_flush_all(n);
    cint_policy_init(&n->cint->policy, &params);
    return NVME_SUCCESS;
}

void nvme_cint_log(const NvmeCtrl *n, struct nvme_cint_log *log)
{
    const NvmeCint *cint = n->cint;
    uint32_t held = 0;

    QEMU_BUILD_BUG_ON(sizeof(*log) != 512);
    QEMU_BUILD_BUG_ON(CINT_REASON_NR > ARRAY_SIZE(log->fires));
    log->version = cpu_to_le16(NVME_CINT_VERSION);
    log->size = cpu_to_le16(sizeof(*log));
    nvme_coalesce_log(n, log);
    if (!cint) {
        return;
    }
    for (uint32_t i = 0; i < n->params.max_ioqpairs + 1; i++) {
        if (n->cq[i] && n->cq[i]->cint) {
            held += n->cq[i]->cint->coalescer.held;
        }
    }
    for (int i = 0; i < CINT_REASON_NR; i++) {
        log->fires[i] = cpu_to_le64(cint->fires[i]);
    }
    log->nr_reasons = CINT_REASON_NR;
    log->held = cpu_to_le32(held);
    log->held_max = cpu_to_le32(cint->held_max);
    log->submitted = cpu_to_le64(cint->submitted);
    log->urgent = cpu_to_le64(cint->urgent);
    log->barrier = cpu_to_le64(cint->barrier);
    if (n->params.cint.hostile == NVME_CINT_ONES) {
        memset(log, 0xff, sizeof(*log));
    }
}

/* --- life ---------------------------------------------------------------- */

void nvme_cint_realize(NvmeCtrl *n)
{
    struct cint_params params;

    if (!n->params.cint.on) {
        return;
    }
    n->cint = g_new0(NvmeCint, 1);
    n->cint->until_spurious = n->params.cint.spurious;
    nvme_cint_default(&params);
    cint_policy_init(&n->cint->policy, &params);
    cint_policy_init(&n->cint->none, &params);
}

void nvme_cint_exit(NvmeCtrl *n)
{
    g_free(n->cint);
    n->cint = NULL;
}

/* The queues are gone. The feature is as after power on; counters stay. */
void nvme_cint_reset(NvmeCtrl *n)
{
    struct cint_params params;

    if (n->cint) {
        nvme_cint_default(&params);
        cint_policy_init(&n->cint->policy, &params);
    }
}

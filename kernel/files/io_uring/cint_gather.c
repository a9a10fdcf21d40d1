// SPDX-License-Identifier: GPL-2.0
/*
 * Gathering of a ring's completions: whom to wake, and when.
 *
 * On a ring with IORING_SETUP_DEFER_TASKRUN a completion is work that the task
 * which submitted the request has yet to do. On such a ring with parameters,
 * the policy that coalesces a device's interrupts decides when the task is told
 * of it: until then the work is held here instead of on ->work_llist. The ring
 * is the queue, and what it has issued is the order that barriers look back on.
 *
 * What is not held:
 *  - urgent completions, whatever the policy, and those before them unless they
 *    overtake (OOO); with RWF_URGENT alone, as the policy says;
 *  - the first of a link, as its completion starts the next one;
 *  - what somebody needs the task for at once, and so does not queue lazily:
 *    timeouts, futexes, waitid, exclusive polls (accept), the start of linked
 *    requests and of drained ones;
 *  - what nobody would be told of: the task does not wait, there is no eventfd
 *    that wants to be signalled and nobody polls the ring;
 *  - completions of a ring that is about to end, or whose task is;
 *  - anything while a drained request waits for all before it;
 *  - what others post into this ring: messages, notifications of zero-copy.
 *
 * Who releases what is held, every time all of it:
 *  - the policy: barrier, threshold, rate, and the timer for Δ and max_hold,
 *    which is always armed while anything is held. So nothing is held for
 *    longer than max_hold, 10 ms at most, whatever else goes wrong;
 *  - the task when it enters or leaves its wait, having nothing else to do:
 *    because of enough completions, its timeout or minimum timeout, a signal,
 *    an overflow, or anything else that makes it run; only an urgent completion
 *    lets it return to the application without;
 *  - IORING_REGISTER_CINT and IORING_UNREGISTER_CINT;
 *  - cancellation, by the task's exit or exec, and the exit of the ring.
 * To have been released means to be on ->work_llist, for which io_uring itself
 * then cares. An eventfd that is unregistered meanwhile is not signalled any
 * more, as of any other work on the list.
 */
#include <linux/blk-cint.h>
#include <linux/cleanup.h>
#include <linux/hrtimer.h>
#include <linux/io_uring.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "io_uring.h"
#include "cint.h"
#include "cint_gather.h"
#include "poll.h"

#define IO_GATHER_CHUNK		256	/* slots */
#define IO_GATHER_CHUNKS	256	/* what u16 req->cint_slot can tell apart */

/* opcodes whose SQE has rw_flags */
#define IO_GATHER_RW	(BIT_ULL(IORING_OP_READ) | BIT_ULL(IORING_OP_WRITE) |	\
			 BIT_ULL(IORING_OP_READV) | BIT_ULL(IORING_OP_WRITEV) |	\
			 BIT_ULL(IORING_OP_READ_FIXED) |			\
			 BIT_ULL(IORING_OP_WRITE_FIXED) |			\
			 BIT_ULL(IORING_OP_READ_MULTISHOT))
static_assert(IORING_OP_LAST <= 64);

/* The place of a request in the order of submission, from issue to completion. */
struct io_gather_slot {
	struct cint_request	request;
	u16			next_free;
};

struct io_gather {
	spinlock_t		lock;	/* of all that follows; with interrupts off */
	struct cint_coalescer	coalescer;
	struct io_ring_ctx	*ctx;

	/* completions held, linked by io_task_work.node as ->work_llist is */
	struct llist_node	*newest;
	struct llist_node	*oldest;
	unsigned int		nr;

	/* armed for timer_ns, which is not later than the deadline by much */
	bool			armed;
	u64			timer_ns;
	struct hrtimer		timer;

	/* slots are never freed before the ring; 0 is no slot */
	u16			first_free;
	unsigned int		nr_chunks;
	struct io_gather_slot	*chunks[IO_GATHER_CHUNKS];
};

/* Completions on their way to ->work_llist. */
struct io_gather_batch {
	struct llist_node	*newest;
	struct llist_node	*oldest;
	unsigned int		nr;
};

/* --- requests in their order ---------------------------------------------------- */

static struct io_gather_slot *io_gather_slot(struct io_gather *g,
					     unsigned int index)
{
	return &g->chunks[index / IO_GATHER_CHUNK][index % IO_GATHER_CHUNK];
}

static void io_gather_slot_put(struct io_gather *g, unsigned int index)
{
	io_gather_slot(g, index)->next_free = g->first_free;
	g->first_free = index;
}

/* Returns with the lock held again; no slot is left if there is no memory. */
static noinline void io_gather_add_chunk(struct io_gather *g)
{
	struct io_gather_slot *chunk;
	unsigned int first, i;

	if (g->nr_chunks == IO_GATHER_CHUNKS)
		return;
	spin_unlock_irq(&g->lock);
	chunk = kcalloc(IO_GATHER_CHUNK, sizeof(*chunk),
			GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	spin_lock_irq(&g->lock);
	if (!chunk)
		return;
	if (g->nr_chunks == IO_GATHER_CHUNKS) {
		kfree(chunk);
		return;
	}
	first = g->nr_chunks * IO_GATHER_CHUNK;
	g->chunks[g->nr_chunks++] = chunk;
	for (i = IO_GATHER_CHUNK; i-- > (first ? 0 : 1);)
		io_gather_slot_put(g, first + i);
}

/*
 * What waits for an event from outside, and may do so forever, is counted as
 * outstanding but is no part of the batch that a barrier ends.
 */
static bool io_gather_in_order(struct io_kiocb *req)
{
	return req->cint_marks & CINT_BARRIER ||
		(req->file && !file_can_poll(req->file));
}

/**
 * io_gather_track - a request is issued
 * @req: with REQ_F_CINT_GROUP
 */
void io_gather_track(struct io_kiocb *req)
{
	struct io_gather *g = READ_ONCE(req->ctx->cint_gather);
	struct io_gather_slot *slot;

	if (!g || req->cint_slot)
		return;
	spin_lock_irq(&g->lock);
	if (unlikely(!g->first_free))
		io_gather_add_chunk(g);
	if (likely(g->first_free)) {
		req->cint_slot = g->first_free;
		slot = io_gather_slot(g, req->cint_slot);
		g->first_free = slot->next_free;
		if (io_gather_in_order(req))
			cint_submit(&g->coalescer, &slot->request, req->cint_marks);
		else
			cint_expect(&g->coalescer, &slot->request, req->cint_marks);
	}
	spin_unlock_irq(&g->lock);
}

/**
 * io_gather_init_req - a request of a ring with parameters
 * @req: the request, not prepared yet
 * @sqe: where it comes from
 */
void io_gather_init_req(struct io_kiocb *req, const struct io_uring_sqe *sqe)
{
	u8 marks = req->flags & REQ_F_URGENT ? CINT_URGENT : 0;

	if (BIT_ULL(req->opcode) & IO_GATHER_RW) {
		int rw_flags = READ_ONCE(sqe->rw_flags);

		if (rw_flags & RWF_URGENT)
			marks |= CINT_URGENT;
		if (rw_flags & RWF_BARRIER)
			marks |= CINT_BARRIER;
	}
	req->cint_slot = 0;
	req->cint_marks = marks;
	req->flags |= REQ_F_CINT_GROUP;
}

/* --- holding and releasing -------------------------------------------------------- */

/* An empty batch is filled with what is held; or what is held goes before @b. */
static void io_gather_detach(struct io_gather *g, struct io_gather_batch *b)
{
	lockdep_assert_held(&g->lock);

	if (!g->nr)
		return;
	if (b->nr)
		b->oldest->next = g->newest;
	else
		b->newest = g->newest;
	b->oldest = g->oldest;
	b->nr += g->nr;
	g->nr = 0;
	g->newest = NULL;
	g->oldest = NULL;
	clear_bit(IO_CHECK_CQ_HELD_BIT, &g->ctx->check_cq);
}

static void io_gather_flush(struct io_gather *g, struct io_gather_batch *b)
{
	guard(spinlock_irqsave)(&g->lock);
	cint_flush(&g->coalescer);
	io_gather_detach(g, b);
}

/*
 * Starting a timer costs more than all the rest, so one that is armed is left
 * alone unless it is late by more than an eighth of the period, or for max_hold;
 * what it finds when it comes too early it waits for again.
 */
static void io_gather_arm(struct io_gather *g, const struct cint_policy *policy)
{
	u64 deadline_ns = g->coalescer.deadline_ns;

	lockdep_assert_held(&g->lock);

	if (!g->nr)
		return;
	if (g->armed && g->timer_ns <= g->coalescer.limit_ns &&
	    g->timer_ns <= deadline_ns + (policy->params.delta_ns >> 3))
		return;
	g->armed = true;
	g->timer_ns = deadline_ns;
	hrtimer_start(&g->timer, ns_to_ktime(deadline_ns), HRTIMER_MODE_ABS);
}

/* Tell of what was held. In an RCU read-side section: @ctx may end meanwhile. */
static bool io_gather_deliver(struct io_ring_ctx *ctx, struct io_gather_batch *b,
			      unsigned int flags)
{
	if (!b->nr || !io_local_work_add_batch(ctx, b->newest, b->oldest, b->nr,
					       flags))
		return false;
	atomic64_inc(&ctx->cint_wakeups);
	return true;
}

static enum hrtimer_restart io_gather_timer(struct hrtimer *timer)
{
	struct io_gather *g = container_of(timer, struct io_gather, timer);
	const struct cint_setting *setting;
	struct io_gather_batch b = { };
	unsigned long flags;

	guard(rcu)();
	spin_lock_irqsave(&g->lock, flags);
	/* it may have been started again while this waited for the lock */
	if (!hrtimer_is_queued(timer)) {
		g->armed = false;
		setting = rcu_dereference(g->ctx->cint_group->setting);
		if (cint_expire(&g->coalescer, ktime_get_ns()) != CINT_HOLD)
			io_gather_detach(g, &b);
		else
			io_gather_arm(g, &setting->policy);
	}
	spin_unlock_irqrestore(&g->lock, flags);
	io_gather_deliver(g->ctx, &b, IOU_F_TWQ_LAZY_WAKE);
	return HRTIMER_NORESTART;
}

/* Is there anybody who would be told, and will there be one when it is time? */
static bool io_gather_worthwhile(struct io_ring_ctx *ctx)
{
	if (percpu_ref_is_dying(&ctx->refs) ||
	    READ_ONCE(ctx->submitter_task->flags) & PF_EXITING ||
	    !READ_ONCE(ctx->cint_group_id) || ctx->drain_active)
		return false;
	return (unsigned int)atomic_read(&ctx->cq_wait_nr) != IO_CQ_WAKE_INIT ||
		io_gather_has_listener(ctx);
}

/* One event of a request, which is outstanding as before: a multishot's. */
static bool io_gather_is_multishot(struct io_kiocb *req)
{
	return req->io_task_work.func == io_poll_task_func &&
		!(req->apoll_events & EPOLLONESHOT);
}

/*
 * Hold a completion and return true, or return what it is delivered with, if
 * anything, before the request that is in @b.
 */
static bool io_gather_complete(struct io_gather *g, struct io_kiocb *req,
			       struct io_gather_batch *b)
{
	struct io_ring_ctx *ctx = req->ctx;
	struct cint_request alone, *r = &alone;
	const struct cint_policy *policy;
	struct cint_verdict verdict;

	guard(spinlock_irqsave)(&g->lock);
	policy = &rcu_dereference(ctx->cint_group->setting)->policy;
	if (req->cint_slot && !io_gather_is_multishot(req))
		r = &io_gather_slot(g, req->cint_slot)->request;
	else
		cint_expect(&g->coalescer, r, req->cint_marks);
	verdict = cint_complete(&g->coalescer, policy, r, ktime_get_ns());
	if (r != &alone) {
		io_gather_slot_put(g, req->cint_slot);
		req->cint_slot = 0;
	}

	/* a barrier that has lost its place can't tell when its batch is complete */
	if (verdict.reason == CINT_HOLD && io_gather_worthwhile(ctx) &&
	    !(r == &alone && req->cint_marks & CINT_BARRIER)) {
		req->io_task_work.node.next = g->newest;
		g->newest = &req->io_task_work.node;
		if (!g->nr++) {
			g->oldest = g->newest;
			set_bit(IO_CHECK_CQ_HELD_BIT, &ctx->check_cq);
		}
		atomic64_inc(&ctx->cint_gathered);
		io_gather_arm(g, policy);
		return true;
	}

	if (verdict.only_this) {
		/* the others' deadline may have changed */
		io_gather_arm(g, policy);
		return false;
	}
	cint_flush(&g->coalescer);
	io_gather_detach(g, b);
	return false;
}

/* Do urgent completions leave those behind that are held? */
static bool io_gather_overtakes(struct io_ring_ctx *ctx)
{
	const struct cint_setting *setting;

	setting = rcu_dereference(ctx->cint_group->setting);
	return setting->policy.params.flags & CINT_F_OOO;
}

/* Is the work to complete the request, and nothing that others wait for? */
static bool io_gather_is_completion(struct io_kiocb *req, unsigned int flags)
{
	return flags & IOU_F_TWQ_LAZY_WAKE &&
		!(req->flags & (REQ_F_LINK | REQ_F_HARDLINK));
}

static noinline void io_gather_add(struct io_kiocb *req, struct io_ring_ctx *ctx,
				   struct io_gather *g, unsigned int flags)
{
	struct io_gather_batch b = {
		.newest	= &req->io_task_work.node,
		.oldest	= &req->io_task_work.node,
		.nr	= 1,
	};
	bool urgent = req->flags & REQ_F_URGENT;

	if (urgent) {
		io_gather_flush(g, &b);
		flags &= ~IOU_F_TWQ_LAZY_WAKE;
	} else if (!io_gather_is_completion(req, flags)) {
		flags &= ~IOU_F_TWQ_LAZY_WAKE;
	} else if (g) {
		if (io_gather_complete(g, req, &b))
			return;
	}
	if (io_gather_deliver(ctx, &b, flags) && urgent)
		atomic64_inc(&ctx->cint_urgent_wakeups);
}

/**
 * io_gather_work_add - add local work of a request with IO_CINT_WORK_FLAGS
 * @req: the request
 * @ctx: its ring, with IORING_SETUP_DEFER_TASKRUN
 * @flags: IOU_F_TWQ_*
 */
void io_gather_work_add(struct io_kiocb *req, struct io_ring_ctx *ctx,
			unsigned int flags)
{
	struct io_gather *g = NULL;

	/* as in io_req_local_work_add(): the request may take the ring with it */
	guard(rcu)();

	if (req->flags & REQ_F_CINT_GROUP)
		g = READ_ONCE(ctx->cint_gather);
	/* whatever the policy, there is nothing to decide on an urgent one */
	if (req->flags & REQ_F_URGENT && (!g || io_gather_overtakes(ctx))) {
		struct llist_node *node = &req->io_task_work.node;

		if (!io_local_work_add_batch(ctx, node, node, 1,
					     flags & ~IOU_F_TWQ_LAZY_WAKE))
			return;
		atomic64_inc(&ctx->cint_wakeups);
		atomic64_inc(&ctx->cint_urgent_wakeups);
		return;
	}
	io_gather_add(req, ctx, g, flags);
}

/**
 * io_gather_release - tell of what is held, whatever it waits for
 * @ctx: the ring
 */
void io_gather_release(struct io_ring_ctx *ctx)
{
	struct io_gather *g = READ_ONCE(ctx->cint_gather);
	struct io_gather_batch b = { };

	if (!g)
		return;
	guard(rcu)();
	io_gather_flush(g, &b);
	io_gather_deliver(ctx, &b, IOU_F_TWQ_LAZY_WAKE);
}

/**
 * io_gather_take - put what is held on the list of local work, telling nobody
 * @ctx: the ring
 *
 * For those who look at the list next. Return: whether anything was held.
 */
bool io_gather_take(struct io_ring_ctx *ctx)
{
	struct io_gather *g = READ_ONCE(ctx->cint_gather);
	struct io_gather_batch b = { };

	if (!g)
		return false;
	io_gather_flush(g, &b);
	if (!b.nr)
		return false;
	container_of(b.newest, struct io_kiocb, io_task_work.node)->nr_tw = b.nr;
	llist_add_batch(b.newest, b.oldest, &ctx->work_llist);
	return true;
}

/**
 * io_gather_clean - a request is freed
 * @req: with REQ_F_CINT_GROUP
 *
 * It may have completed without the policy having been asked: on being issued, or
 * because it is urgent.
 */
void io_gather_clean(struct io_kiocb *req)
{
	struct io_gather *g = READ_ONCE(req->ctx->cint_gather);
	bool batch_complete;

	if (!req->cint_slot)
		return;
	spin_lock_irq(&g->lock);
	batch_complete = cint_forget(&g->coalescer,
				     &io_gather_slot(g, req->cint_slot)->request);
	io_gather_slot_put(g, req->cint_slot);
	spin_unlock_irq(&g->lock);
	if (unlikely(batch_complete))
		io_gather_release(req->ctx);
}

/* --- set-up ------------------------------------------------------------------------ */

/**
 * io_gather_init - have a ring with parameters gather
 * @ctx: the ring
 *
 * Only with IORING_SETUP_DEFER_TASKRUN is there a task to be spared, and a task
 * that polls is not woken.
 *
 * Return: 0 or -ENOMEM.
 */
int io_gather_init(struct io_ring_ctx *ctx)
{
	struct io_gather *g;

	if (ctx->cint_gather || !(ctx->flags & IORING_SETUP_DEFER_TASKRUN) ||
	    ctx->flags & IORING_SETUP_IOPOLL)
		return 0;
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	spin_lock_init(&g->lock);
	cint_coalescer_init(&g->coalescer);
	g->ctx = ctx;
	hrtimer_init(&g->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	g->timer.function = io_gather_timer;
	/* pairs with the dependency of those who use it */
	smp_store_release(&ctx->cint_gather, g);
	return 0;
}

/* All requests are done and no reader is left: nothing is held. */
void io_gather_free(struct io_ring_ctx *ctx)
{
	struct io_gather *g = ctx->cint_gather;
	unsigned int i;

	if (!g)
		return;
	WARN_ON_ONCE(g->nr);
	hrtimer_cancel(&g->timer);
	for (i = 0; i < g->nr_chunks; i++)
		kfree(g->chunks[i]);
	kfree(g);
}

/**
 * io_gather_counters - what IORING_REGISTER_CINT reports of a ring
 * @ctx: the ring
 * @reg: its counters of wakeups are filled
 */
void io_gather_counters(struct io_ring_ctx *ctx, struct io_uring_cint_ring *reg)
{
	reg->wakeups = atomic64_read(&ctx->cint_wakeups);
	reg->urgent_wakeups = atomic64_read(&ctx->cint_urgent_wakeups);
	reg->gathered = atomic64_read(&ctx->cint_gathered);
}

void io_gather_show_fdinfo(struct io_ring_ctx *ctx, struct seq_file *m)
{
	seq_printf(m, "CintGroup:\t%u\n", READ_ONCE(ctx->cint_group_id));
	seq_printf(m, "CintWakeups:\t%llu\n", atomic64_read(&ctx->cint_wakeups));
	seq_printf(m, "CintUrgentWakeups:\t%llu\n",
		   atomic64_read(&ctx->cint_urgent_wakeups));
	seq_printf(m, "CintGathered:\t%llu\n",
		   atomic64_read(&ctx->cint_gathered));
}

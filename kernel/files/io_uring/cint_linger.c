// SPDX-License-Identifier: GPL-2.0
/*
 * A task that waits on a ring with parameters may be left asleep when what it
 * waits for is there, if more is about to come.
 *
 * Only with IORING_SETUP_DEFER_TASKRUN: there the number of completions that wake
 * the task is in ->cq_wait_nr, and all that lingering does is to replace it by a
 * larger one, once in a wait. All work is on ->work_llist as ever, for whoever looks
 * at it, and what else is told of it (eventfds, pollers of the ring) is told as ever.
 *
 * The task lingers when a completion would wake it, and
 *  - it is a lazy one of bulk I/O: of a read, a write or a command to a driver, in a
 *    file that can't be polled, and no command that may last for ever;
 *  - other bulk I/O is outstanding: it is counted from issue to completion;
 *  - there are less completions than the threshold of the ring's parameters;
 *  - the caller has not given a minimum time itself, and no timeout of the ring waits
 *    for a number of completions.
 * It is woken when the threshold is reached, when the last of the bulk I/O completes,
 * by an urgent completion, by a barrier with all before it, by whatever else does not
 * queue lazily, by its own timeout or a signal, and when the time for a batch is over,
 * which is never longer than max_hold. The timer is on its own: it wakes the task and
 * changes nothing. It is not cancelled when a wait ends before, as the next may begin
 * soon: if that lingers when the timer expires it is set once more, for that one.
 */
#include <linux/atomic.h>
#include <linux/blk-cint.h>
#include <linux/hrtimer.h>
#include <linux/io_uring.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "io_uring.h"
#include "cint.h"

/* a timer that is shorter costs more than the wake-up */
#define IO_LINGER_MIN_NS	1000

/* Does the task sleep on although it has what it asked for? */
static bool io_lingers(struct io_linger *l)
{
	unsigned int enough = READ_ONCE(l->enough);

	return enough && atomic_read(&l->ctx->cq_wait_nr) == enough;
}

/* --- what is outstanding -------------------------------------------------------- */

/**
 * io_linger_last - the last of one half of what is outstanding is so no more
 * @ctx: the ring; the caller is in an RCU read-side section, or has a request of it
 * @odd: of which half
 *
 * Whoever completes the last of those up to a barrier ends it: by then all of them have
 * been added, or posted by the task itself, who sees to the rest.
 *
 * Return: whether more is to come; if not, and the task lingers, it is woken.
 */
bool io_linger_last(struct io_ring_ctx *ctx, unsigned int odd)
{
	struct io_linger *l = ctx->cint_linger;
	unsigned int barriers;

	/*
	 * Since it was the last one, a barrier may have been counted where it was: that
	 * is not to end. Who sees it set sees it counted.
	 */
	barriers = atomic_read_acquire(&l->barriers);
	if (barriers & 1 && odd != io_linger_behind(barriers) &&
	    !atomic_read(&l->outstanding[odd]) &&
	    atomic_cmpxchg(&l->barriers, barriers, barriers + 1) == barriers) {
		set_bit(IO_CHECK_CQ_BARRIER_BIT, &ctx->check_cq);
		/* pairs with that of set_current_state() before the task reads it */
		smp_mb__after_atomic();
		wake_up_state(ctx->submitter_task, TASK_INTERRUPTIBLE);
	}
	if (atomic_read(&l->outstanding[!odd]))
		return true;
	/* pairs with the barrier in io_linger() */
	if (io_lingers(l))
		wake_up_state(ctx->submitter_task, TASK_INTERRUPTIBLE);
	return false;
}

/* A request completes in the task itself; or it may be outstanding for ever. */
void __io_linger_forget(struct io_kiocb *req)
{
	unsigned int state = req->cint_linger;

	req->cint_linger = 0;
	io_linger_added(req->ctx, state);
}

/* A request is counted in a half that a barrier has begun to wait for meanwhile. */
void __io_linger_issue(struct io_kiocb *req)
{
	struct io_linger *l = req->ctx->cint_linger;
	unsigned int odd;

	do {
		/* others may have left the end of the barrier to this one */
		__io_linger_forget(req);
		odd = io_linger_behind(atomic_read(&l->barriers));
		req->cint_linger = IO_LINGER_COUNTED | odd * IO_LINGER_ODD;
		atomic_inc(&l->outstanding[odd]);
		/* as in io_linger_issue() */
		smp_mb__after_atomic();
	} while (odd != io_linger_behind(atomic_read(&l->barriers)));
}

/**
 * io_linger_barrier - a request is a barrier
 * @req: the request, being issued
 *
 * Return: whether it is known when all before it have completed.
 */
bool io_linger_barrier(struct io_kiocb *req)
{
	struct io_linger *l = req->ctx->cint_linger;
	unsigned int barriers, odd;

	if (!req->cint_linger)
		return false;
	if (req->cint_linger & IO_LINGER_BARRIER)
		return true;
	odd = !!(req->cint_linger & IO_LINGER_ODD);
	barriers = atomic_read(&l->barriers);
	/* there is one, or there was one since this was counted; or another is faster */
	if (barriers & 1 || odd != io_linger_behind(barriers) ||
	    atomic_cmpxchg(&l->barriers, barriers, barriers + 1) != barriers)
		return false;
	req->cint_linger |= IO_LINGER_BARRIER;
	return true;
}

/* --- who adds work -------------------------------------------------------------- */

/* Has all been added that the task is to be woken for? */
static bool io_linger_is_enough(struct io_ring_ctx *ctx, unsigned int enough)
{
	struct io_linger *l = ctx->cint_linger;
	struct llist_node *first = READ_ONCE(ctx->work_llist.first);

	if (!first || (!atomic_read(&l->outstanding[0]) &&
		       !atomic_read(&l->outstanding[1])))
		return true;
	/* kept alive as in io_req_local_work_add() */
	return READ_ONCE(container_of(first, struct io_kiocb,
				      io_task_work.node)->nr_tw) >= enough;
}

/**
 * io_linger - work was added that would wake the task
 * @ctx: the ring; the caller is in an RCU read-side section
 * @nr_wait: what ->cq_wait_nr was
 * @nr_tw: how much work there is
 *
 * Return: whether to leave the task asleep; whoever adds more work will wake it, or
 * the timer.
 */
bool io_linger(struct io_ring_ctx *ctx, unsigned int nr_wait, unsigned int nr_tw)
{
	struct io_linger *l = ctx->cint_linger;
	unsigned int enough;
	ktime_t expires;

	/* pairs with the barrier in io_linger_begin() */
	smp_rmb();
	enough = READ_ONCE(l->enough);
	if (nr_tw >= enough)
		return false;
	/* if this is held up, and meets a later wait, that is not to be longer by it */
	expires = ktime_add_ns(ktime_get(), READ_ONCE(l->batch_ns));
	if (atomic_cmpxchg(&ctx->cq_wait_nr, nr_wait, enough) != nr_wait)
		return false;
	/*
	 * From now on others wake the task when there is enough. They may have looked
	 * at ->cq_wait_nr before, and have left it to this one: the cmpxchg is a
	 * barrier between that and what they added or completed before they looked.
	 */
	if (READ_ONCE(l->enough) != enough) {
		/* of a later wait, or of no such wait at all */
		atomic_cmpxchg(&ctx->cq_wait_nr, enough, nr_wait);
		return false;
	}
	if (io_linger_is_enough(ctx, enough))
		return false;
	atomic64_set(&l->expires, expires);
	/* pairs with the barrier in io_linger_timer() */
	smp_mb();
	if (!hrtimer_is_queued(&l->timer))
		hrtimer_start(&l->timer, expires, HRTIMER_MODE_ABS_HARD);
	return true;
}

/* It may be one of a wait that is over, and is never later than the one in progress. */
static enum hrtimer_restart io_linger_timer(struct hrtimer *timer)
{
	struct io_linger *l = container_of(timer, struct io_linger, timer);
	ktime_t expires;

	/* who has found the timer queued has set what is read here */
	smp_mb();
	if (!io_lingers(l))
		return HRTIMER_NORESTART;
	expires = atomic64_read(&l->expires);
	if (ktime_before(hrtimer_cb_get_time(timer), expires))
		hrtimer_start(timer, expires, HRTIMER_MODE_ABS_HARD);
	else
		wake_up_state(l->ctx->submitter_task, TASK_INTERRUPTIBLE);
	return HRTIMER_NORESTART;
}

/* --- who waits ------------------------------------------------------------------ */

/**
 * io_linger_begin - the task is about to sleep
 * @iowq: its wait
 * @nr_wait: of so many more completions
 *
 * The caller sets ->cq_wait_nr next.
 */
void io_linger_begin(struct io_wait_queue *iowq, unsigned int nr_wait)
{
	struct io_ring_ctx *ctx = iowq->ctx;
	struct io_linger *l = ctx->cint_linger;
	unsigned int enough = 0, ready;

	iowq->nr_wait = nr_wait;
	if (!l)
		return;
	/* a timeout that counts completions is not to be over before they are seen */
	if (iowq->may_linger && !iowq->lingered && !ctx->off_timeout_used) {
		ready = READ_ONCE(ctx->rings->cq.tail) -
			READ_ONCE(ctx->rings->cq.head);
		if (ready < l->threshold && l->threshold - ready > nr_wait)
			enough = l->threshold - ready;
	}
	WRITE_ONCE(l->enough, enough);
	/* whoever sees the new ->cq_wait_nr sees what goes with it */
	smp_wmb();
}

/**
 * io_linger_raised - has somebody changed ->cq_wait_nr?
 * @iowq: the wait of a task that is in the state to sleep, and has found no work
 *
 * Who has may have left it at that, and have woken the task when that was not asleep
 * yet: the work it did so for was of a former wait, or has been taken.
 *
 * Return: whether the task must not sleep, but begin once more.
 */
bool io_linger_raised(const struct io_wait_queue *iowq)
{
	struct io_ring_ctx *ctx = iowq->ctx;

	return ctx->cint_linger &&
	       atomic_read(&ctx->cq_wait_nr) != iowq->nr_wait;
}

/**
 * io_linger_end - the task has slept, or found that it need not
 * @iowq: its wait
 * @slept: which it was
 *
 * The caller resets ->cq_wait_nr next, of which others make use in their own way.
 */
void io_linger_end(struct io_wait_queue *iowq, bool slept)
{
	struct io_ring_ctx *ctx = iowq->ctx;
	struct io_linger *l = ctx->cint_linger;

	if (!l)
		return;
	if (slept)
		atomic64_inc(&ctx->cint_wakeups);
	if (io_lingers(l))
		iowq->lingered = true;
	WRITE_ONCE(l->enough, 0);
}

void __io_linger_count(const struct io_wait_queue *iowq)
{
	int more = READ_ONCE(iowq->ctx->rings->cq.tail) - iowq->cq_tail;

	if (more > 0)
		atomic64_add(more, &iowq->ctx->cint_gathered);
}

/* --- set-up --------------------------------------------------------------------- */

/**
 * io_linger_alloc - a ring is to have parameters
 * @ctx: the ring
 *
 * Return: 0 or -ENOMEM.
 */
int io_linger_alloc(struct io_ring_ctx *ctx)
{
	struct io_linger *l;

	if (ctx->cint_linger || !(ctx->flags & IORING_SETUP_DEFER_TASKRUN) ||
	    ctx->flags & IORING_SETUP_IOPOLL)
		return 0;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	l->ctx = ctx;
	hrtimer_init(&l->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	l->timer.function = io_linger_timer;
	ctx->cint_linger = l;
	return 0;
}

/* How long a batch takes whose completions come as late as the policy waits for. */
static u32 io_linger_batch_ns(const struct cint_policy *policy)
{
	u64 batch_ns = 0;
	unsigned int n;

	for (n = 1; n < policy->params.threshold; n++)
		batch_ns += policy->delta_ns[n];
	return min_t(u64, batch_ns, policy->hold_ns);
}

/**
 * io_linger_set - a ring has parameters, or has none any more
 * @ctx: the ring, whose task calls this, so that it does not wait
 * @policy: made of the parameters, or NULL
 */
void io_linger_set(struct io_ring_ctx *ctx, const struct cint_policy *policy)
{
	struct io_linger *l = ctx->cint_linger;
	u32 batch_ns = 0;

	if (!l)
		return;
	/* that of a wait by these is not to be later than theirs */
	hrtimer_cancel(&l->timer);
	if (policy && policy->params.policy != CINT_POLICY_NONE)
		batch_ns = io_linger_batch_ns(policy);
	WRITE_ONCE(l->batch_ns, batch_ns);
	WRITE_ONCE(l->threshold, batch_ns < IO_LINGER_MIN_NS ? 0 :
		   policy->params.threshold);
	WRITE_ONCE(l->enough, 0);
}

/* All requests are done, nobody adds work any more, and the task is still known. */
void io_linger_free(struct io_ring_ctx *ctx)
{
	if (!ctx->cint_linger)
		return;
	hrtimer_cancel(&ctx->cint_linger->timer);
	kfree(ctx->cint_linger);
}

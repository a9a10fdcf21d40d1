// SPDX-License-Identifier: GPL-2.0
/*
 * Urgent completions: on a ring of any kind, a CQE of a request with IOSQE_URGENT,
 * or RWF_URGENT or RWF_BARRIER in its rw_flags, ends every wait for more, and is a
 * reason not to begin one until it is taken. Where a ring counts its bulk I/O, see
 * io_linger_barrier(), it is not the CQE of a barrier that does so but those of all up to
 * it, once they have been posted.
 *
 * IOPOLL: the task that polls stops polling. SQPOLL, and others that complete
 * requests for the task: waiters are woken as they are by any CQE, and find that
 * they need not wait on. DEFER_TASKRUN: the work that posts the CQE is not queued
 * lazily, and so wakes the task. Each CQE of a multishot request is urgent; those that
 * another ring posts, and the notification of a zero-copy send, are not.
 *
 * An urgent CQE that has overflown ends waits until there is room for all of them:
 * which of them it is, is not remembered. So may one end for nothing, by others that
 * have overflown after the urgent one was taken.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/io_uring.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "io_uring.h"
#include "cint.h"

/**
 * io_urgent_cqe - an urgent CQE is posted: end the waits for more
 * @ctx: the ring
 * @tail: of its CQ ring when the CQE is there
 *
 * The caller makes the CQE visible, and wakes, after this.
 */
void io_urgent_cqe(struct io_ring_ctx *ctx, unsigned int tail)
{
	WRITE_ONCE(ctx->cint_urgent_tail, tail);
	/* pairs with the barrier in __io_urgent_pending() */
	smp_mb__before_atomic();
	set_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq);
}

/* It may be one of those that have overflown: then while there are such. */
static bool io_urgent_taken(struct io_ring_ctx *ctx)
{
	if (test_bit(IO_CHECK_CQ_OVERFLOW_BIT, &ctx->check_cq))
		return false;
	return (int)(READ_ONCE(ctx->cint_urgent_tail) -
		     READ_ONCE(ctx->rings->cq.head)) <= 0;
}

static bool io_urgent_visible(struct io_ring_ctx *ctx)
{
	return (int)(READ_ONCE(ctx->rings->cq.tail) -
		     READ_ONCE(ctx->cint_urgent_tail)) >= 0;
}

/*
 * The application may take CQEs without telling, so that the bit outlives what
 * it stands for: whoever is about to wait finds out, and clears it.
 */
bool __io_urgent_pending(struct io_ring_ctx *ctx)
{
	if (io_urgent_taken(ctx)) {
		clear_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq);
		/* pairs with the barrier in io_urgent_cqe() */
		smp_mb__after_atomic();
		if (io_urgent_taken(ctx))
			return false;
		set_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq);
	}
	if (io_urgent_visible(ctx) || ctx->syscall_iopoll ||
	    test_bit(IO_CHECK_CQ_OVERFLOW_BIT, &ctx->check_cq))
		return true;

	/* let who posts it finish; either lock is what it may hold */
	mutex_lock(&ctx->uring_lock);
	spin_lock(&ctx->completion_lock);
	/* dropped for lack of memory */
	if (!io_urgent_visible(ctx) &&
	    !test_bit(IO_CHECK_CQ_OVERFLOW_BIT, &ctx->check_cq))
		clear_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq);
	spin_unlock(&ctx->completion_lock);
	mutex_unlock(&ctx->uring_lock);
	return true;
}

bool __io_urgent_ends_wait(struct io_ring_ctx *ctx)
{
	if (!__io_urgent_pending(ctx))
		return false;
	atomic64_inc(&ctx->cint_urgent_wakeups);
	/* io_linger_end() counts all */
	if (!ctx->has_cint_group || !ctx->cint_linger)
		atomic64_inc(&ctx->cint_wakeups);
	return true;
}

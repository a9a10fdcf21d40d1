/* SPDX-License-Identifier: GPL-2.0 */

#ifndef IOU_CINT_GATHER_H
#define IOU_CINT_GATHER_H

#include <linux/io_uring_types.h>
#include <linux/wait.h>

#include "io_uring.h"

struct seq_file;

#ifdef CONFIG_BLK_CINT

/* whose task work is io_gather_work_add()'s business */
#define IO_CINT_WORK_FLAGS	(REQ_F_URGENT | REQ_F_CINT_GROUP)
/* whose CQE is io_urgent_cqe()'s */
#define IO_CINT_CQE_FLAGS	REQ_F_URGENT
/* and who is given to io_gather_clean() in the end */
#define IO_CINT_CLEAN_FLAGS	REQ_F_CINT_GROUP

void io_urgent_cqe(struct io_ring_ctx *ctx, unsigned int tail);
bool __io_urgent_pending(struct io_ring_ctx *ctx);
bool __io_urgent_ends_wait(struct io_ring_ctx *ctx);

void io_gather_init_req(struct io_kiocb *req, const struct io_uring_sqe *sqe);
void io_gather_clean(struct io_kiocb *req);
void io_gather_work_add(struct io_kiocb *req, struct io_ring_ctx *ctx,
			unsigned int flags);
bool io_gather_take(struct io_ring_ctx *ctx);
void io_gather_show_fdinfo(struct io_ring_ctx *ctx, struct seq_file *m);

/* CQEs that had overflown have been posted: one of them may have been urgent. */
static inline void io_urgent_flushed(struct io_ring_ctx *ctx)
{
	if (test_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq))
		io_urgent_cqe(ctx, ctx->cached_cq_tail);
}

/* Is there an urgent completion that the application has not taken yet? */
static inline bool io_urgent_pending(struct io_ring_ctx *ctx)
{
	return test_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq) &&
		__io_urgent_pending(ctx);
}

/* The same of a task that waits, to count what ended its wait. */
static inline bool io_urgent_ends_wait(struct io_ring_ctx *ctx)
{
	return test_bit(IO_CHECK_CQ_URGENT_BIT, &ctx->check_cq) &&
		__io_urgent_ends_wait(ctx);
}

/*
 * Who is told of work added to an empty list, besides the task: is there anybody?
 * Without a barrier, so not to decide whether to tell.
 */
static inline bool io_gather_has_listener(struct io_ring_ctx *ctx)
{
	if (ctx->has_evfd &&
	    !(READ_ONCE(ctx->rings->cq_flags) & IORING_CQ_EVENTFD_DISABLED))
		return true;
	/* without barrier: who comes too late to be seen looks at the list */
	return ctx->poll_activated && waitqueue_active(&ctx->poll_wq);
}

static inline bool io_gather_held(struct io_ring_ctx *ctx)
{
	return test_bit(IO_CHECK_CQ_HELD_BIT, &ctx->check_cq);
}

#else

#define IO_CINT_WORK_FLAGS	0
#define IO_CINT_CQE_FLAGS	0
#define IO_CINT_CLEAN_FLAGS	0

static inline void io_urgent_cqe(struct io_ring_ctx *ctx, unsigned int tail)
{
}

static inline void io_urgent_flushed(struct io_ring_ctx *ctx)
{
}

static inline bool io_urgent_pending(struct io_ring_ctx *ctx)
{
	return false;
}

static inline bool io_urgent_ends_wait(struct io_ring_ctx *ctx)
{
	return false;
}

static inline void io_gather_init_req(struct io_kiocb *req,
				      const struct io_uring_sqe *sqe)
{
}

static inline void io_gather_clean(struct io_kiocb *req)
{
}

static inline void io_gather_work_add(struct io_kiocb *req,
				      struct io_ring_ctx *ctx,
				      unsigned int flags)
{
}

static inline bool io_gather_held(struct io_ring_ctx *ctx)
{
	return false;
}

static inline bool io_gather_take(struct io_ring_ctx *ctx)
{
	return false;
}

static inline void io_gather_show_fdinfo(struct io_ring_ctx *ctx,
					 struct seq_file *m)
{
}

#endif

#endif

/* SPDX-License-Identifier: GPL-2.0 */

#ifndef IOU_CINT_H
#define IOU_CINT_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/blk-cint.h>
#include <linux/hrtimer_types.h>
#include <linux/io_uring_types.h>

#include "io_uring.h"
#include "opdef.h"

struct seq_file;

int io_cint_issue(struct io_kiocb *req, unsigned int issue_flags);
void io_cint_barrier(struct io_kiocb *req);

/* A read or a write is prepared: it has the marks of its rw_flags, too. */
static inline void io_cint_prep_rw(struct io_kiocb *req,
				   const struct io_uring_sqe *sqe)
{
	rwf_t flags = (__force rwf_t)READ_ONCE(sqe->rw_flags);

	if (IS_ENABLED(CONFIG_BLK_CINT) &&
	    unlikely(flags & (RWF_URGENT | RWF_BARRIER)))
		req->flags |= flags & RWF_URGENT ? REQ_F_URGENT :
						   REQ_F_URGENT_CQE;
}

/* It is about to be issued. */
static inline void io_cint_issue_rw(struct io_kiocb *req,
				    const struct kiocb *iocb)
{
	/* as cint_read_iter() is about to ask, so that it is asked once */
	if (IS_ENABLED(CONFIG_BLK_CINT) && unlikely(cint_iocb_marked(iocb)) &&
	    iocb->ki_flags & IOCB_BARRIER)
		io_cint_barrier(req);
}

#ifdef CONFIG_BLK_CINT

#define IO_CINT_FEATURES	IORING_FEAT_CINT
#define IO_CINT_SQE_FLAGS	IOSQE_URGENT
/* what has a request issued by io_cint_issue() */
#define IO_CINT_ISSUE_FLAGS	(REQ_F_URGENT | REQ_F_CINT_GROUP)
/* whose task work io_linger_work() looks at */
#define IO_CINT_WORK_FLAGS	(IO_CINT_CQE_FLAGS | REQ_F_CINT_GROUP)
/* whose CQE is io_urgent_cqe()'s */
#define IO_CINT_CQE_FLAGS	(REQ_F_URGENT | REQ_F_URGENT_CQE)

/* req->cint_linger: it is counted, in ->outstanding[1]; a barrier */
#define IO_LINGER_COUNTED	IOU_F_TWQ_LINGER
#define IO_LINGER_ODD		IOU_F_TWQ_LINGER_ODD
#define IO_LINGER_BARRIER	BIT(4)

/* a ring with parameters whose task may linger, see cint_linger.c */
struct io_linger {
	struct io_ring_ctx	*ctx;

	/* of the parameters, written by the task; 0: never */
	unsigned int		threshold;
	u32			batch_ns;

	/* completions that end the wait in progress if it lingers; 0: it does not */
	unsigned int		enough;
	/* when the latest wait that lingers is to end */
	atomic64_t		expires;
	struct hrtimer		timer;

	/*
	 * A barrier divides what is outstanding in what was issued up to it, and what
	 * is issued behind it; one barrier at a time. @barriers is twice the number of
	 * those that have ended, and odd while one has not.
	 */
	atomic_t		outstanding[2];
	atomic_t		barriers;
};

int io_register_cint(struct io_ring_ctx *ctx, void __user *arg);
int io_unregister_cint(struct io_ring_ctx *ctx, void __user *arg);
void io_cint_free(struct io_ring_ctx *ctx);
void io_cint_show_fdinfo(struct io_ring_ctx *ctx, struct seq_file *m);

/* cint_urgent.c */
void io_urgent_cqe(struct io_ring_ctx *ctx, unsigned int tail);
bool __io_urgent_pending(struct io_ring_ctx *ctx);
bool __io_urgent_ends_wait(struct io_ring_ctx *ctx);

/* cint_linger.c */
int io_linger_alloc(struct io_ring_ctx *ctx);
void io_linger_set(struct io_ring_ctx *ctx, const struct cint_policy *policy);
void io_linger_free(struct io_ring_ctx *ctx);
void __io_linger_forget(struct io_kiocb *req);
void __io_linger_issue(struct io_kiocb *req);
bool io_linger_barrier(struct io_kiocb *req);
bool io_linger_last(struct io_ring_ctx *ctx, unsigned int odd);
bool io_linger(struct io_ring_ctx *ctx, unsigned int nr_wait, unsigned int nr_tw);
void io_linger_begin(struct io_wait_queue *iowq, unsigned int nr_wait);
bool io_linger_raised(const struct io_wait_queue *iowq);
void io_linger_end(struct io_wait_queue *iowq, bool slept);
void __io_linger_count(const struct io_wait_queue *iowq);

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

/* A new request is not counted. */
static inline void io_linger_init_req(struct io_kiocb *req)
{
	req->cint_linger = 0;
}

/* In which half is what is issued now? It is the other one from each barrier on. */
static inline unsigned int io_linger_behind(unsigned int barriers)
{
	return (barriers + 1) / 2 % 2;
}

/* A request with REQ_F_CINT_GROUP is about to be issued, perhaps once more. */
static inline void io_linger_issue(struct io_kiocb *req,
				   const struct io_issue_def *def)
{
	struct io_linger *l = req->ctx->cint_linger;
	unsigned int odd;

	if (!l || !READ_ONCE(l->threshold) || req->cint_linger ||
	    !def->iopoll_queue || io_file_can_poll(req))
		return;
	odd = io_linger_behind(atomic_read(&l->barriers));
	req->cint_linger = IO_LINGER_COUNTED | odd * IO_LINGER_ODD;
	atomic_inc(&l->outstanding[odd]);
	/* a worker may be overtaken by a barrier, which must not divide it off */
	smp_mb__after_atomic();
	if (unlikely(odd != io_linger_behind(atomic_read(&l->barriers))))
		__io_linger_issue(req);
}

/* It completes in the task itself; or nobody knows when it will. */
static inline void io_linger_forget(struct io_kiocb *req)
{
	if (unlikely(req->cint_linger))
		__io_linger_forget(req);
}

/* A request with one of IO_CINT_WORK_FLAGS adds work: how, by IOU_F_TWQ_*. */
static inline unsigned int io_linger_work(struct io_kiocb *req,
					  unsigned int flags)
{
	unsigned int state = req->cint_linger;

	/* not counted; or to be issued once more, as the page is there it waited for */
	if (!state || req->io_task_work.func == io_req_task_submit)
		return flags;
	req->cint_linger = 0;
	return flags | (state & (IO_LINGER_COUNTED | IO_LINGER_ODD));
}

/*
 * Work with IOU_F_TWQ_LINGER was added, in an RCU read-side section. Return whether more
 * is to come.
 */
static inline bool io_linger_added(struct io_ring_ctx *ctx, unsigned int flags)
{
	unsigned int odd = !!(flags & IOU_F_TWQ_LINGER_ODD);

	return likely(!atomic_dec_and_test(&ctx->cint_linger->outstanding[odd])) ||
		io_linger_last(ctx, odd);
}

/* A wait that has its own minimum time is as long as it says. */
static inline void io_linger_init(struct io_wait_queue *iowq)
{
	iowq->may_linger = !iowq->min_timeout;
	iowq->lingered = false;
}

static inline void io_linger_count(const struct io_wait_queue *iowq)
{
	if (unlikely(iowq->lingered))
		__io_linger_count(iowq);
}

#else

#define IO_CINT_FEATURES	0
#define IO_CINT_SQE_FLAGS	0
#define IO_CINT_ISSUE_FLAGS	0
#define IO_CINT_WORK_FLAGS	0
#define IO_CINT_CQE_FLAGS	0

static inline int io_register_cint(struct io_ring_ctx *ctx, void __user *arg)
{
	return -EOPNOTSUPP;
}

static inline int io_unregister_cint(struct io_ring_ctx *ctx, void __user *arg)
{
	return -EOPNOTSUPP;
}

static inline void io_cint_free(struct io_ring_ctx *ctx)
{
}

static inline void io_cint_show_fdinfo(struct io_ring_ctx *ctx,
				       struct seq_file *m)
{
}

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

static inline void io_linger_init_req(struct io_kiocb *req)
{
}

static inline void io_linger_forget(struct io_kiocb *req)
{
}

static inline unsigned int io_linger_work(struct io_kiocb *req,
					  unsigned int flags)
{
	return flags;
}

static inline bool io_linger_added(struct io_ring_ctx *ctx, unsigned int flags)
{
	return false;
}

static inline bool io_linger(struct io_ring_ctx *ctx, unsigned int nr_wait,
			     unsigned int nr_tw)
{
	return false;
}

static inline void io_linger_init(struct io_wait_queue *iowq)
{
}

static inline void io_linger_begin(struct io_wait_queue *iowq,
				   unsigned int nr_wait)
{
}

static inline bool io_linger_raised(const struct io_wait_queue *iowq)
{
	return false;
}

static inline void io_linger_end(struct io_wait_queue *iowq, bool slept)
{
}

static inline void io_linger_count(const struct io_wait_queue *iowq)
{
}

#endif

#endif

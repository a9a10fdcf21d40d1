/* SPDX-License-Identifier: GPL-2.0 */

#ifndef IOU_CINT_H
#define IOU_CINT_H

#include <linux/blk-cint.h>
#include <linux/io_uring_types.h>

int io_cint_issue(struct io_kiocb *req, unsigned int issue_flags);

#ifdef CONFIG_BLK_CINT

#define IO_CINT_SQE_FLAGS	IOSQE_URGENT
/* what has a request issued by io_cint_issue() */
#define IO_CINT_ISSUE_FLAGS	(REQ_F_URGENT | REQ_F_CINT_GROUP)

int io_register_cint(struct io_ring_ctx *ctx, void __user *arg);
int io_unregister_cint(struct io_ring_ctx *ctx, void __user *arg);
void io_cint_free(struct io_ring_ctx *ctx);

/* cint_gather.c */
int io_gather_init(struct io_ring_ctx *ctx);
void io_gather_free(struct io_ring_ctx *ctx);
void io_gather_track(struct io_kiocb *req);
void io_gather_release(struct io_ring_ctx *ctx);
void io_gather_counters(struct io_ring_ctx *ctx, struct io_uring_cint_ring *reg);

#else

#define IO_CINT_SQE_FLAGS	0
#define IO_CINT_ISSUE_FLAGS	0

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

static inline void io_gather_release(struct io_ring_ctx *ctx)
{
}

#endif

#endif

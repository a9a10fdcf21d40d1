/* SPDX-License-Identifier: GPL-2.0 */

#ifndef IOU_CINT_H
#define IOU_CINT_H

#include <linux/blk-cint.h>
#include <linux/io_uring_types.h>

#include "opdef.h"

#ifdef CONFIG_BLK_CINT

#define IO_CINT_SQE_FLAGS	IOSQE_URGENT

int io_register_cint(struct io_ring_ctx *ctx, void __user *arg);
int io_unregister_cint(struct io_ring_ctx *ctx, void __user *arg);
void io_cint_free(struct io_ring_ctx *ctx);
int __io_cint_issue(const struct io_issue_def *def, struct io_kiocb *req,
		    unsigned int issue_flags);

/*
 * Issue a request such that the I/O it submits is marked as its SQE asks and
 * belongs to the group of its ring.
 */
static inline int io_cint_issue(const struct io_issue_def *def,
				struct io_kiocb *req, unsigned int issue_flags)
{
	if (likely(!(req->flags & REQ_F_URGENT) &&
		   !READ_ONCE(req->ctx->cint_group_id)))
		return def->issue(req, issue_flags);
	return __io_cint_issue(def, req, issue_flags);
}

#else

#define IO_CINT_SQE_FLAGS	0

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

static inline int io_cint_issue(const struct io_issue_def *def,
				struct io_kiocb *req, unsigned int issue_flags)
{
	return def->issue(req, issue_flags);
}

#endif

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Urgency of completions: marks from the SQE to the I/O it submits, and the
 * coalescing parameters of a ring.
 */
#include <linux/blk-cint.h>
#include <linux/errno.h>
#include <linux/io_uring.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "cint.h"
#include "io_uring.h"
#include "opdef.h"

/*
 * A ring's parameters are for I/O that nobody else waits for. What fills the page
 * cache is not, whoever is the first to want it.
 */
static u16 io_cint_group(const struct io_kiocb *req)
{
	switch (req->opcode) {
	case IORING_OP_FSYNC:
	case IORING_OP_URING_CMD:
		break;
	default:
		if (!req->file || !(req->file->f_flags & O_DIRECT))
			return 0;
	}
	return READ_ONCE(req->ctx->cint_group_id);
}

/*
 * Issue a request such that the I/O it submits is marked as its SQE asks and
 * belongs to the group of its ring if only the ring waits for it.
 */
int io_cint_issue(struct io_kiocb *req, unsigned int issue_flags)
{
	const struct io_issue_def *def = &io_issue_defs[req->opcode];
	struct cint_scope scope;
	int ret;

	if (req->flags & REQ_F_CINT_GROUP)
		io_gather_track(req);
	cint_scope_begin(&scope, req->flags & REQ_F_URGENT ? REQ_URGENT : 0,
			 io_cint_group(req));
	ret = def->issue(req, issue_flags);
	cint_scope_end(&scope);
	return ret;
}

/* The setting in force, as IORING_REGISTER_CINT reports it. */
static void io_cint_current(struct io_ring_ctx *ctx,
			    struct io_uring_cint_ring *ring)
{
	struct cint_group *group = ctx->cint_group;
	struct io_uring_cint *curr = &ring->cint;
	const struct cint_params *params;

	*ring = (struct io_uring_cint_ring) {
		.cint.features	= IORING_CINT_FEAT_URGENT |
				  IORING_CINT_FEAT_BARRIER |
				  IORING_CINT_FEAT_RING_PARAMS |
				  IORING_CINT_FEAT_GATHER,
	};
	io_gather_counters(ctx, ring);
	if (cint_in_use())
		curr->features |= IORING_CINT_FEAT_DEVICE;
	if (!group)
		return;

	/* counters outlive the registration, as its last requests do */
	curr->completions = atomic64_read(&group->completions);
	curr->urgent = atomic64_read(&group->urgent);
	curr->fires = atomic64_read(&group->fires);
	if (!ctx->cint_group_id)
		return;

	params = &rcu_dereference_protected(group->setting,
			lockdep_is_held(&ctx->uring_lock))->policy.params;
	curr->policy = params->policy;
	curr->flags = params->flags;
	curr->threshold = params->threshold;
	curr->delta_ns = params->delta_ns;
	curr->delta_min_ns = params->delta_min_ns;
	curr->max_hold_ns = params->max_hold_ns;
	curr->correction = params->correction;
	curr->group = group->id;
}

/* Size and version say which structure the caller knows, and gets back. */
static int io_cint_copy_in(struct io_uring_cint *reg, void __user *arg)
{
	struct io_uring_cint_ring ring;

	if (copy_from_user(reg, arg, sizeof(*reg)))
		return -EFAULT;
	if (reg->group || reg->features || reg->completions || reg->urgent ||
	    reg->fires)
		return -EINVAL;

	switch (reg->version) {
	case IORING_CINT_VERSION:
		return reg->size == sizeof(*reg) ? 0 : -EINVAL;
	case IORING_CINT_VERSION_RING:
		if (reg->size != sizeof(ring))
			return -EINVAL;
		if (copy_from_user(&ring, arg, sizeof(ring)))
			return -EFAULT;
		return memchr_inv(&ring.wakeups, 0, sizeof(ring) - sizeof(*reg)) ?
			-EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int io_cint_copy_out(void __user *arg, struct io_uring_cint_ring *curr,
			    const struct io_uring_cint *reg)
{
	curr->cint.size = reg->size;
	curr->cint.version = reg->version;
	return copy_to_user(arg, curr, reg->size) ? -EFAULT : 0;
}

/**
 * io_register_cint - set or query a ring's coalescing parameters
 * @ctx: the ring
 * @arg: struct io_uring_cint or io_uring_cint_ring, receives what was in force
 *	before
 *
 * Return: 0, also when all groups are taken and the devices' defaults stay, which a
 * query tells; -EFAULT; -EINVAL for a size, version, flag or value that is not valid;
 * -ENOMEM. Nothing changes on error.
 */
int io_register_cint(struct io_ring_ctx *ctx, void __user *arg)
{
	struct io_uring_cint_ring curr;
	struct io_uring_cint reg;
	struct cint_params params;
	struct cint_group *group;
	int ret;

	ret = io_cint_copy_in(&reg, arg);
	if (ret)
		return ret;

	io_cint_current(ctx, &curr);
	if (reg.flags & IORING_CINT_QUERY) {
		if (reg.flags != IORING_CINT_QUERY || reg.policy ||
		    reg.threshold || reg.delta_ns || reg.delta_min_ns ||
		    reg.max_hold_ns || reg.correction)
			return -EINVAL;
		return io_cint_copy_out(arg, &curr, &reg);
	}

	params = (struct cint_params) {
		.policy		= reg.policy,
		.flags		= reg.flags,
		.threshold	= reg.threshold,
		.delta_ns	= reg.delta_ns,
		.delta_min_ns	= reg.delta_min_ns,
		.max_hold_ns	= reg.max_hold_ns,
		.correction	= reg.correction,
	};
	if (cint_params_check(&params) != CINT_PARAM_OK)
		return -EINVAL;

	/* the copy can fail, so it comes before what it could not undo */
	ret = io_cint_copy_out(arg, &curr, &reg);
	if (ret)
		return ret;

	/* nothing to undo either: without parameters it has nothing to do */
	ret = io_gather_init(ctx);
	if (ret)
		return ret;
	group = ctx->cint_group;
	if (group) {
		ret = cint_group_set(group, &params);
		if (ret)
			return ret;
		/* what is held under the former parameters goes first */
		io_gather_release(ctx);
	} else {
		group = cint_group_alloc(&params);
		/* all are taken, perhaps by others: the devices' defaults stay */
		if (group == ERR_PTR(-ENOSPC))
			return 0;
		if (IS_ERR(group))
			return PTR_ERR(group);
		ctx->cint_group = group;
	}
	WRITE_ONCE(ctx->cint_group_id, group->id);
	ctx->has_cint_group = true;
	return 0;
}

/**
 * io_unregister_cint - let the devices' defaults apply to a ring again
 * @ctx: the ring
 * @arg: as of io_register_cint(), or NULL
 *
 * The group itself stays with the ring until it exits: requests in flight
 * carry its id, which must not become another ring's before they are done.
 *
 * Return: 0; -ENOENT if the ring has no parameters of its own; -EFAULT; -EINVAL
 * for a size or version that is not valid.
 */
int io_unregister_cint(struct io_ring_ctx *ctx, void __user *arg)
{
	struct io_uring_cint_ring curr;
	struct io_uring_cint reg;
	int ret;

	if (arg) {
		ret = io_cint_copy_in(&reg, arg);
		if (ret)
			return ret;
	}
	if (!ctx->cint_group_id)
		return -ENOENT;

	io_cint_current(ctx, &curr);
	if (arg) {
		ret = io_cint_copy_out(arg, &curr, &reg);
		if (ret)
			return ret;
	}
	ctx->has_cint_group = false;
	WRITE_ONCE(ctx->cint_group_id, 0);
	io_gather_release(ctx);
	return 0;
}

/* All requests of the ring are done: nothing carries the id any more. */
void io_cint_free(struct io_ring_ctx *ctx)
{
	io_gather_free(ctx);
	cint_group_free(ctx->cint_group);
}

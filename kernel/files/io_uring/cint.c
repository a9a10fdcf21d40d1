// SPDX-License-Identifier: GPL-2.0
/*
 * Urgency of completions: marks from the SQE to the I/O it submits, and the
 * coalescing parameters of a ring.
 */
#include <linux/blk-cint.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/io_uring.h>
#include <linux/seq_file.h>
#include <linux/sched/user.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

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
	struct cint_scope scope __uninitialized;
	blk_opf_t opf;
	u16 group;
	int ret;

	if (req->flags & REQ_F_CINT_GROUP)
		io_linger_issue(req, def);
	opf = req->flags & REQ_F_URGENT ? REQ_URGENT : 0;
	/* only who coalesces asks for it */
	group = cint_in_use() ? io_cint_group(req) : 0;
	if (opf || group) {
		cint_scope_begin(&scope, opf, group);
		ret = def->issue(req, issue_flags);
		cint_scope_end(&scope);
	} else {
		ret = def->issue(req, issue_flags);
	}
	/* it is somebody else's by now, or a worker's, who issues it again */
	if (ret == IOU_ISSUE_SKIP_COMPLETE ||
	    (ret == -EAGAIN && !(req->flags & REQ_F_NOWAIT)))
		return ret;
	/* what a worker completes it adds as work */
	if (!(issue_flags & IO_URING_F_UNLOCKED))
		io_linger_forget(req);
	return ret;
}

/**
 * io_cint_barrier - a request with RWF_BARRIER is about to be issued
 * @req: a read or a write
 *
 * Its CQE tells when all before it have completed, too, where that is known.
 */
void io_cint_barrier(struct io_kiocb *req)
{
	if (io_linger_barrier(req))
		req->flags &= ~REQ_F_URGENT_CQE;
}

static const struct cint_setting *io_cint_setting(struct io_ring_ctx *ctx)
{
	return rcu_dereference_protected(ctx->cint_group->setting,
					 lockdep_is_held(&ctx->uring_lock));
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
		.wakeups	= atomic64_read(&ctx->cint_wakeups),
		.urgent_wakeups	= atomic64_read(&ctx->cint_urgent_wakeups),
		.gathered	= atomic64_read(&ctx->cint_gathered),
	};
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

	params = &io_cint_setting(ctx)->policy.params;
	curr->policy = params->policy;
	curr->flags = params->flags;
	curr->threshold = params->threshold;
	curr->delta_ns = params->delta_ns;
	curr->delta_min_ns = params->delta_min_ns;
	curr->max_hold_ns = params->max_hold_ns;
	curr->correction = params->correction;
	/* its number is nobody's business */
	curr->group = 1;
}

/*
 * A caller that knows a shorter structure, or a longer one and asks for nothing that
 * this kernel does not have, is welcome.
 */
static int io_cint_copy_in(struct io_uring_cint_ring *reg, void __user *arg)
{
	struct io_uring_cint *cint = &reg->cint;
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < sizeof(*cint))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(reg, sizeof(*reg), arg, size);
	if (ret)
		return ret;
	cint->size = size;
	if (cint->version != IORING_CINT_VERSION &&
	    cint->version != IORING_CINT_VERSION_RING)
		return -EINVAL;
	/* what the kernel fills */
	return memchr_inv(&cint->group, 0, sizeof(*reg) -
			  offsetof(struct io_uring_cint_ring, cint.group)) ?
		-EINVAL : 0;
}

static int io_cint_copy_out(void __user *arg, struct io_uring_cint_ring *curr,
			    const struct io_uring_cint_ring *reg)
{
	size_t size = min_t(size_t, reg->cint.size, sizeof(*curr));

	curr->cint.size = reg->cint.size;
	curr->cint.version = reg->cint.version;
	return copy_to_user(arg, curr, size) ? -EFAULT : 0;
}

static bool io_cint_is_query(const struct io_uring_cint *reg)
{
	return reg->flags == IORING_CINT_QUERY && !reg->policy &&
		!reg->threshold && !reg->delta_ns && !reg->delta_min_ns &&
		!reg->max_hold_ns && !reg->correction;
}

static struct cint_setting *io_cint_new_setting(const struct io_uring_cint *reg)
{
	const struct cint_params params = cint_params_of(reg);
	struct cint_setting *setting;

	if (cint_params_check(&params) != CINT_PARAM_OK)
		return ERR_PTR(-EINVAL);
	setting = cint_setting_alloc(&params);
	return setting ?: ERR_PTR(-ENOMEM);
}

/*
 * Who is charged for a group: where users are those of a user namespace that one
 * without privileges has made, it is he. Release it by free_uid().
 */
static struct user_struct *io_cint_user(void)
{
	struct user_namespace *ns;
	kuid_t uid = current_user()->uid;

	for (ns = current_user_ns(); ns != &init_user_ns; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			uid = ns->owner;
	return alloc_uid(uid);
}

/**
 * io_register_cint - set or query a ring's coalescing parameters
 * @ctx: the ring
 * @arg: struct io_uring_cint or io_uring_cint_ring, receives what was in force
 *	before
 *
 * Return: 0, also when the user has as many groups as he may have and the devices'
 * defaults stay, which a query tells; -EFAULT; -EINVAL for a size, version, flag or
 * value that is not valid; -E2BIG for a structure that asks for what this kernel does
 * not have; -ENOMEM. Nothing changes and nothing is written on error.
 */
int io_register_cint(struct io_ring_ctx *ctx, void __user *arg)
{
	struct cint_group *group = ctx->cint_group;
	struct io_uring_cint_ring reg, curr;
	struct cint_setting *setting;
	struct user_struct *user;
	int ret;

	ret = io_cint_copy_in(&reg, arg);
	if (ret)
		return ret;
	io_cint_current(ctx, &curr);
	if (io_cint_is_query(&reg.cint))
		return io_cint_copy_out(arg, &curr, &reg);

	/* all that can fail, then the copy, then what can't */
	setting = io_cint_new_setting(&reg.cint);
	if (IS_ERR(setting))
		return PTR_ERR(setting);
	ret = io_linger_alloc(ctx);
	if (!ret && !group) {
		user = io_cint_user();
		group = user ? cint_group_alloc(setting, user) : ERR_PTR(-ENOMEM);
		ret = PTR_ERR_OR_ZERO(group);
		free_uid(user);
	}
	if (ret) {
		kfree(setting);
		/* the devices' defaults stay */
		return ret == -ENOSPC ? io_cint_copy_out(arg, &curr, &reg) : ret;
	}
	ret = io_cint_copy_out(arg, &curr, &reg);
	if (ret) {
		if (ctx->cint_group)
			kfree(setting);
		else
			cint_group_free(group);
		return ret;
	}

	if (ctx->cint_group)
		cint_group_set(group, setting);
	ctx->cint_group = group;
	WRITE_ONCE(ctx->cint_group_id, group->id);
	ctx->has_cint_group = true;
	io_linger_set(ctx, &setting->policy);
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
 * for a size or version that is not valid; -E2BIG as of io_register_cint().
 */
int io_unregister_cint(struct io_ring_ctx *ctx, void __user *arg)
{
	struct io_uring_cint_ring reg, curr;
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
	io_linger_set(ctx, NULL);
	return 0;
}

/* All requests of the ring are done: nothing carries the id any more. */
void io_cint_free(struct io_ring_ctx *ctx)
{
	io_linger_free(ctx);
	cint_group_free(ctx->cint_group);
}

void io_cint_show_fdinfo(struct io_ring_ctx *ctx, struct seq_file *m)
{
	u16 id = READ_ONCE(ctx->cint_group_id);

	/* by its number tracepoints and statistics name it */
	seq_printf(m, "CintGroup:\t%u\n", perfmon_capable() ? id : !!id);
	seq_printf(m, "CintWakeups:\t%llu\n", atomic64_read(&ctx->cint_wakeups));
	seq_printf(m, "CintUrgentWakeups:\t%llu\n",
		   atomic64_read(&ctx->cint_urgent_wakeups));
	seq_printf(m, "CintGathered:\t%llu\n",
		   atomic64_read(&ctx->cint_gathered));
}

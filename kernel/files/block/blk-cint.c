// SPDX-License-Identifier: GPL-2.0
/*
 * Urgency marks on bios and requests, and coalescing groups.
 */
#include <linux/bio.h>
#include <linux/blk-cint.h>
#include <linux/blk-mq.h>
#include <linux/export.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/xarray.h>

static DEFINE_XARRAY_ALLOC1(cint_groups);

DEFINE_STATIC_KEY_FALSE(cint_device_key);
EXPORT_SYMBOL_GPL(cint_device_key);

/* Readahead that holds none of the pages the reader waits for. */
bool cint_beyond_read(const struct cint_scope *scope, struct bio *bio)
{
	struct folio *folio;
	struct page *page;

	if (!(bio->bi_opf & REQ_RAHEAD) || !scope->mapping ||
	    !bio_has_data(bio))
		return false;
	page = bio_page(bio);
	folio = page_folio(page);
	return folio->mapping == scope->mapping &&
		folio->index + folio_page_idx(folio, page) > scope->last;
}

/* Is it something that marks are for? */
bool cint_may_mark(struct bio *bio)
{
	/* what reclaim writes on the way is not what the task waits for */
	if (bio->bi_opf & (REQ_SWAP | REQ_BACKGROUND))
		return false;

	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
	case REQ_OP_FLUSH:
	case REQ_OP_ZONE_APPEND:
		return true;
	default:
		return false;
	}
}

void __bio_set_cint(struct bio *bio, const struct cint_scope *scope)
{
	if (!cint_may_mark(bio))
		return;
	/* what others may wait for, too, as they want the same block */
	if (!(bio->bi_opf & (REQ_META | REQ_PRIO | REQ_RAHEAD)))
		bio->bi_cint_group = scope->group;
	else if (cint_beyond_read(scope, bio))
		return;
	bio->bi_opf |= scope->opf;
}
EXPORT_SYMBOL_GPL(__bio_set_cint);

void __blk_rq_set_cint(struct request *rq, const struct cint_scope *scope)
{
	rq->cmd_flags |= scope->opf;
	rq->flush.cint_group = scope->group;
	if (cint_calibrating())
		rq->cmd_flags |= cint_calibrated(scope, rq->q);
}
EXPORT_SYMBOL_GPL(__blk_rq_set_cint);

/**
 * cint_rw_iter - read or write, marking what is submitted
 * @rw: the file's ->read_iter() or ->write_iter()
 * @iocb: the operation, with IOCB_URGENT or IOCB_BARRIER
 * @iter: the data
 *
 * Return: what @rw returns.
 */
ssize_t cint_rw_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
		     struct kiocb *iocb, struct iov_iter *iter)
{
	struct cint_scope scope __uninitialized;
	blk_opf_t opf = 0;
	ssize_t ret;

	if (iocb->ki_flags & IOCB_URGENT)
		opf |= REQ_URGENT;
	if (iocb->ki_flags & IOCB_BARRIER)
		opf |= REQ_BARRIER;
	cint_scope_begin(&scope, opf, 0);
	ret = rw(iocb, iter);
	cint_scope_end(&scope);
	return ret;
}
EXPORT_SYMBOL_GPL(cint_rw_iter);

/**
 * cint_setting_alloc - make a setting of checked parameters
 * @params: parameters that cint_params_check() accepts
 *
 * Return: a setting to publish by rcu_assign_pointer() and release by
 * kfree_rcu(), or NULL without memory.
 */
struct cint_setting *cint_setting_alloc(const struct cint_params *params)
{
	struct cint_setting *setting = kmalloc(sizeof(*setting),
					       GFP_KERNEL_ACCOUNT);

	if (!setting)
		return NULL;
	cint_policy_init(&setting->policy, params);
	return setting;
}
EXPORT_SYMBOL_GPL(cint_setting_alloc);

/* One more, or one less, of @user's. Return how many he has then, and all others. */
static int cint_group_charge(struct user_struct *user, int nr, int *others)
{
	static atomic_t all;
	int his = atomic_add_return(nr, &user->cint_groups);

	*others = atomic_add_return(nr, &all) - his;
	return his;
}

/**
 * cint_group_alloc - a group with parameters of its own
 * @setting: of cint_setting_alloc(), the group's from now on
 * @user: who is charged for it: he may have half of what others leave, so that nobody
 *	has all
 *
 * Return: the group; or ERR_PTR(-ENOMEM), or ERR_PTR(-ENOSPC) where the user has as
 * many as he may have, and @setting is still the caller's.
 */
struct cint_group *cint_group_alloc(struct cint_setting *setting,
				    struct user_struct *user)
{
	struct cint_group *group;
	static u32 next_id;
	int his, others;
	u32 id;
	int ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);
	RCU_INIT_POINTER(group->setting, setting);
	group->user = get_uid(user);
	his = cint_group_charge(user, 1, &others);
	ret = -ENOSPC;
	if (his > (CINT_GROUP_MAX - others) / 2)
		goto fail;

	/* no reader may see the group before it has its id */
	ret = xa_alloc_cyclic(&cint_groups, &id, NULL,
			      XA_LIMIT(1, CINT_GROUP_MAX), &next_id, GFP_KERNEL);
	if (ret < 0) {
		if (ret == -EBUSY)
			ret = -ENOSPC;
		goto fail;
	}
	group->id = id;
	xa_store(&cint_groups, id, group, GFP_KERNEL);
	return group;

fail:
	cint_group_charge(user, -1, &others);
	free_uid(user);
	kfree(group);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(cint_group_alloc);

/**
 * cint_group_set - change the parameters of a group
 * @group: the group; the caller serialises changes to it
 * @setting: of cint_setting_alloc(), the group's from now on
 *
 * Drivers see them at their next look, which is due by the former ones.
 */
void cint_group_set(struct cint_group *group, struct cint_setting *setting)
{
	setting = rcu_replace_pointer(group->setting, setting, true);
	kfree_rcu(setting, rcu);
}
EXPORT_SYMBOL_GPL(cint_group_set);

/**
 * cint_group_free - end a group
 * @group: the group, or NULL
 *
 * Requests that still carry its id are coalesced by the device's defaults.
 */
void cint_group_free(struct cint_group *group)
{
	int others;

	if (!group)
		return;
	xa_erase(&cint_groups, group->id);
	cint_group_charge(group->user, -1, &others);
	free_uid(group->user);
	kfree_rcu(rcu_dereference_protected(group->setting, true), rcu);
	kfree_rcu(group, rcu);
}
EXPORT_SYMBOL_GPL(cint_group_free);

/**
 * cint_group_find - the group of an id
 * @id: from a request
 *
 * Return: the group, valid until rcu_read_unlock(), or NULL if it has ended.
 */
struct cint_group *cint_group_find(u16 id)
{
	return xa_load(&cint_groups, id);
}
EXPORT_SYMBOL_GPL(cint_group_find);

/**
 * cint_group_count - completions of a group have been delivered
 * @id: its id, not 0
 * @reason: why
 * @nr: how many
 */
void cint_group_count(u16 id, enum cint_reason reason, u32 nr)
{
	struct cint_group *group;

	rcu_read_lock();
	group = cint_group_find(id);
	if (group) {
		atomic64_add(nr, &group->completions);
		atomic64_inc(&group->fires);
		if (reason == CINT_FIRE_URGENT)
			atomic64_inc(&group->urgent);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(cint_group_count);

/**
 * cint_device_get - a driver is going to coalesce
 *
 * Takes the lock of CPU hotplug.
 */
void cint_device_get(void)
{
	static_branch_inc(&cint_device_key);
}
EXPORT_SYMBOL_GPL(cint_device_get);

/**
 * cint_device_put - the opposite
 */
void cint_device_put(void)
{
	static_branch_dec(&cint_device_key);
}
EXPORT_SYMBOL_GPL(cint_device_put);

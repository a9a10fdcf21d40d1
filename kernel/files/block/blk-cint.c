// SPDX-License-Identifier: GPL-2.0
/*
 * Urgency marks on bios and requests, and coalescing groups.
 */
#include <linux/bio.h>
#include <linux/blk-cint.h>
#include <linux/blk-mq.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/rculist.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <linux/xarray.h>

static DEFINE_XARRAY_ALLOC1(cint_groups);
static atomic64_t cint_setting_seq;
static atomic_t cint_devices;
static LIST_HEAD(cint_drains);
static DEFINE_MUTEX(cint_drains_lock);

DEFINE_STATIC_KEY_FALSE(cint_drain_key);
EXPORT_SYMBOL_GPL(cint_drain_key);

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
	bio->bi_cint_group = scope->group;
	if (!cint_beyond_read(scope, bio))
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
	struct cint_scope scope;
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
	struct cint_setting *setting = kmalloc(sizeof(*setting), GFP_KERNEL);

	if (!setting)
		return NULL;
	cint_policy_init(&setting->policy, params);
	setting->seq = atomic64_inc_return(&cint_setting_seq);
	return setting;
}
EXPORT_SYMBOL_GPL(cint_setting_alloc);

/**
 * cint_group_alloc - a group with parameters of its own
 * @params: parameters that cint_params_check() accepts
 *
 * Return: the group, or ERR_PTR(-ENOMEM), or ERR_PTR(-ENOSPC) when
 * CINT_GROUP_MAX groups exist.
 */
struct cint_group *cint_group_alloc(const struct cint_params *params)
{
	struct cint_setting *setting;
	struct cint_group *group;
	u32 id;
	int ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL);
	setting = cint_setting_alloc(params);
	ret = -ENOMEM;
	if (!group || !setting)
		goto fail;
	RCU_INIT_POINTER(group->setting, setting);

	/* no reader may see the group before it has its id */
	ret = xa_alloc(&cint_groups, &id, NULL, XA_LIMIT(1, CINT_GROUP_MAX),
		       GFP_KERNEL);
	if (ret) {
		if (ret == -EBUSY)
			ret = -ENOSPC;
		goto fail;
	}
	group->id = id;
	xa_store(&cint_groups, id, group, GFP_KERNEL);
	return group;

fail:
	kfree(setting);
	kfree(group);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(cint_group_alloc);

/* Devices that do not see the new sequence number by themselves. */
static void cint_drain_kick(void)
{
	struct cint_drain *drain;

	mutex_lock(&cint_drains_lock);
	list_for_each_entry(drain, &cint_drains, list)
		if (drain->kick)
			drain->kick(drain);
	mutex_unlock(&cint_drains_lock);
}

/**
 * cint_group_set - change the parameters of a group
 * @group: the group; the caller serialises changes to it
 * @params: parameters that cint_params_check() accepts
 *
 * Drivers see the new sequence number and deliver what they hold under the
 * former parameters.
 *
 * Return: 0 or -ENOMEM.
 */
int cint_group_set(struct cint_group *group, const struct cint_params *params)
{
	struct cint_setting *setting = cint_setting_alloc(params);

	if (!setting)
		return -ENOMEM;
	setting = rcu_replace_pointer(group->setting, setting, true);
	kfree_rcu(setting, rcu);
	cint_drain_kick();
	return 0;
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
	if (!group)
		return;
	xa_erase(&cint_groups, group->id);
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

/* Whether any driver coalesces: what a ring is told of its chances. */
void cint_device_add(void)
{
	atomic_inc(&cint_devices);
}
EXPORT_SYMBOL_GPL(cint_device_add);

void cint_device_remove(void)
{
	atomic_dec(&cint_devices);
}
EXPORT_SYMBOL_GPL(cint_device_remove);

bool cint_device_present(void)
{
	return atomic_read(&cint_devices);
}
EXPORT_SYMBOL_GPL(cint_device_present);

/**
 * cint_drain_add - have cint_drain() look into a device's queues
 * @drain: the device's
 */
void cint_drain_add(struct cint_drain *drain)
{
	mutex_lock(&cint_drains_lock);
	list_add_tail_rcu(&drain->list, &cint_drains);
	mutex_unlock(&cint_drains_lock);
	static_branch_inc(&cint_drain_key);
}
EXPORT_SYMBOL_GPL(cint_drain_add);

/**
 * cint_drain_remove - the opposite
 * @drain: the device's; it is not called any more on return
 */
void cint_drain_remove(struct cint_drain *drain)
{
	static_branch_dec(&cint_drain_key);
	mutex_lock(&cint_drains_lock);
	list_del_rcu(&drain->list);
	mutex_unlock(&cint_drains_lock);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(cint_drain_remove);

/**
 * cint_drain - complete what devices have completed without an interrupt
 * @max: how many requests a device completes at most
 *
 * For a task that would otherwise wait. Of each device, looks into the queue
 * that this CPU submits to.
 *
 * Return: how many requests were completed.
 */
unsigned int cint_drain(unsigned int max)
{
	struct cint_drain *drain;
	unsigned int nr = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(drain, &cint_drains, list)
		nr += drain->drain(drain, max);
	rcu_read_unlock();
	return nr;
}
EXPORT_SYMBOL_GPL(cint_drain);

/**
 * cint_drain_sleep - a task that has called cint_drain() is about to sleep
 *
 * What completes from here on must come to it without its help. If there are
 * others to run on the CPU, that is theirs.
 */
void cint_drain_sleep(void)
{
	struct cint_drain *drain;

	if (!single_task_running())
		return;
	rcu_read_lock();
	list_for_each_entry_rcu(drain, &cint_drains, list)
		if (drain->sleep)
			drain->sleep(drain);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(cint_drain_sleep);

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How urgency travels from a system call to the request that serves it, and
 * the coalescing groups that requests belong to.
 *
 * A scope on current marks what is submitted meanwhile, as plugging and NOIO
 * scopes do, so that no filesystem needs to know.
 */
#ifndef _LINUX_BLK_CINT_H
#define _LINUX_BLK_CINT_H

#include <linux/blk_types.h>
#include <linux/cint_policy.h>
#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/sched.h>

struct blk_mq_tag_set;
struct request;
struct request_queue;
struct user_struct;

#define REQ_CINT_MARKS	(REQ_URGENT | REQ_BARRIER)

/**
 * struct cint_scope - marks for the bios submitted by the current task
 * @opf: REQ_URGENT and REQ_BARRIER
 * @calibrated: what a device that calibrates takes for marks of requests that
 *	have neither a mark nor a group
 * @group: coalescing group, 0 for the device's defaults
 * @mapping: the page cache a buffered read works on, or NULL
 * @last: the last page of @mapping the reader asked for
 * @looks: the task completes requests that are not those it submits, if any
 * @outer: the scope this one is nested in
 */
struct cint_scope {
	blk_opf_t		opf;
	blk_opf_t		calibrated;
	u16			group;
	struct address_space	*mapping;
	pgoff_t			last;
	bool			looks;
	struct cint_scope	*outer;
};

/**
 * struct cint_setting - parameters that requests refer to by RCU
 * @policy: the parameters with their table of periods
 * @rcu: for the release after the last reader
 */
struct cint_setting {
	struct cint_policy	policy;
	struct rcu_head		rcu;
};

/**
 * struct cint_group - requests that are coalesced among themselves
 * @setting: their parameters
 * @user: who is charged for it
 * @id: 1 to CINT_GROUP_MAX
 * @completions: of requests of this group
 * @urgent: of these, delivered alone because they were urgent
 * @fires: deliveries
 * @rcu: for the release after the last reader
 */
struct cint_group {
	struct cint_setting __rcu	*setting;
	struct user_struct		*user;
	u16				id;
	atomic64_t			completions;
	atomic64_t			urgent;
	atomic64_t			fires;
	struct rcu_head			rcu;
};

/**
 * struct cint_looker - a hardware queue that tasks look into before they wait
 * @look: complete up to @max of its requests, which may be 0; return how many, or
 *	-ENOENT if none is outstanding; in a task
 * @sleep: the task that has looked is about to sleep
 * @id: what tasks remember it by
 *
 * Called in RCU read-side sections, so it must stay for a grace period after
 * cint_looker_remove().
 */
struct cint_looker {
	int	(*look)(struct cint_looker *looker, unsigned int max);
	void	(*sleep)(struct cint_looker *looker);
	u32	id;
};

/**
 * struct cint_looks - the queues that a ring has submitted to
 * @ids: of their lookers, 0 where there is none
 * @nr: there is none beyond so many
 *
 * Written by who submits and who looks, without a lock: what is forgotten by
 * mistake is found by the driver in time. The queues beyond these are, too.
 */
struct cint_looks {
	u32	ids[8];
	u8	nr;
};

/* u16: it rides with bios and requests */
#define CINT_GROUP_MAX	U16_MAX

#ifdef CONFIG_BLK_CINT

bool cint_may_mark(struct bio *bio);
bool cint_beyond_read(const struct cint_scope *scope, struct bio *bio);
void __bio_set_cint(struct bio *bio, const struct cint_scope *scope);
void __blk_rq_set_cint(struct request *rq, const struct cint_scope *scope);

static inline void bio_set_cint(struct bio *bio)
{
	if (unlikely(current->cint_scope))
		__bio_set_cint(bio, current->cint_scope);
}

/* for requests that no bio was submitted for, as passthrough has them */
static inline void blk_rq_set_cint(struct request *rq)
{
	if (unlikely(current->cint_scope))
		__blk_rq_set_cint(rq, current->cint_scope);
}

static inline void cint_scope_begin(struct cint_scope *scope, blk_opf_t opf,
				    u16 group)
{
	struct cint_scope *outer = current->cint_scope;

	/* one by one: as a whole it would be cleared first; @last goes with @mapping */
	scope->opf = opf;
	scope->calibrated = 0;
	scope->group = group;
	scope->mapping = NULL;
	scope->looks = false;
	scope->outer = outer;
	if (unlikely(outer)) {
		scope->opf |= outer->opf;
		scope->calibrated = outer->calibrated;
		if (!group)
			scope->group = outer->group;
	}
	current->cint_scope = scope;
}

/* Nobody has said how urgent it is, but one can tell by how it is submitted. */
static inline void cint_scope_calibrate(struct cint_scope *scope,
					blk_opf_t calibrated)
{
	cint_scope_begin(scope, 0, 0);
	scope->calibrated = calibrated;
}

/* What a completion submits has nothing to do with what the task submits. */
static inline void cint_scope_look(struct cint_scope *scope)
{
	*scope = (struct cint_scope) {
		.looks = true, .outer = current->cint_scope,
	};
	current->cint_scope = scope;
}

/* Are requests completed in this task that it, or another one, submitted before? */
static inline bool cint_looks(void)
{
	return unlikely(current->cint_scope) && current->cint_scope->looks;
}

static inline void cint_scope_end(struct cint_scope *scope)
{
	current->cint_scope = scope->outer;
}

/* Of one that was begun or not; whether it was need not be kept. */
static inline void cint_scope_end_begun(struct cint_scope *scope)
{
	if (unlikely(current->cint_scope == scope))
		cint_scope_end(scope);
}

/* What a buffered read asks for; readahead beyond it is nobody's hurry. */
static inline void cint_scope_pages(struct address_space *mapping, pgoff_t last)
{
	struct cint_scope *scope = current->cint_scope;

	if (unlikely(scope)) {
		scope->mapping = mapping;
		scope->last = last;
	}
}

static inline bool cint_iocb_marked(const struct kiocb *iocb)
{
	return iocb->ki_flags & (IOCB_URGENT | IOCB_BARRIER);
}

DECLARE_STATIC_KEY_FALSE(cint_calibrate_key);
void cint_calibrate_get(void);
void cint_calibrate_put(void);
void cint_set_calibrate(struct blk_mq_tag_set *set, bool calibrate);
blk_opf_t cint_calibrated(const struct cint_scope *scope,
			  struct request_queue *q);
void __bio_calibrate(struct bio *bio, const struct cint_scope *scope);
ssize_t __cint_sync_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
			 struct kiocb *iocb, struct iov_iter *iter);

/* Is there any device that calibrates? */
static inline bool cint_calibrating(void)
{
	return static_branch_unlikely(&cint_calibrate_key);
}

/* What goes to a device that calibrates gets the marks it has none of. */
static inline void bio_calibrate(struct bio *bio)
{
	if (cint_calibrating() &&
	    (current->cint_scope || op_is_flush(bio->bi_opf)))
		__bio_calibrate(bio, current->cint_scope);
}

/* not inline: who has no marks shall not pay for the scope on the stack */
ssize_t cint_rw_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
		     struct kiocb *iocb, struct iov_iter *iter);
struct cint_setting *cint_setting_alloc(const struct cint_params *params);
struct cint_group *cint_group_alloc(struct cint_setting *setting,
				    struct user_struct *user);
void cint_group_set(struct cint_group *group, struct cint_setting *setting);
void cint_group_free(struct cint_group *group);
struct cint_group *cint_group_find(u16 id);
void cint_group_count(u16 id, enum cint_reason reason, u32 nr);

DECLARE_STATIC_KEY_FALSE(cint_device_key);
void cint_device_get(void);
void cint_device_put(void);

/* Does any driver coalesce completions? */
static inline bool cint_in_use(void)
{
	return static_branch_unlikely(&cint_device_key);
}

int cint_looker_add(struct cint_looker *looker, gfp_t gfp);
void cint_looker_remove(struct cint_looker *looker);
void cint_look_note(u32 id);
bool cint_look_behind(void);
unsigned int cint_look(struct cint_looks *looks, unsigned int max);
void cint_look_sleep(struct cint_looks *looks);

#else /* CONFIG_BLK_CINT */

static inline void bio_set_cint(struct bio *bio)
{
}

static inline void blk_rq_set_cint(struct request *rq)
{
}

static inline void cint_scope_begin(struct cint_scope *scope, blk_opf_t opf,
				    u16 group)
{
}

static inline bool cint_looks(void)
{
	return false;
}

static inline void cint_scope_end(struct cint_scope *scope)
{
}

static inline void cint_scope_end_begun(struct cint_scope *scope)
{
}

static inline void cint_scope_pages(struct address_space *mapping, pgoff_t last)
{
}

static inline bool cint_iocb_marked(const struct kiocb *iocb)
{
	return false;
}

static inline void cint_scope_calibrate(struct cint_scope *scope,
					blk_opf_t calibrated)
{
}

static inline bool cint_calibrating(void)
{
	return false;
}

static inline void bio_calibrate(struct bio *bio)
{
}

static inline ssize_t
__cint_sync_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
		 struct kiocb *iocb, struct iov_iter *iter)
{
	return rw(iocb, iter);
}

static inline bool cint_in_use(void)
{
	return false;
}

static inline ssize_t
cint_rw_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
	     struct kiocb *iocb, struct iov_iter *iter)
{
	return rw(iocb, iter);
}

#endif /* CONFIG_BLK_CINT */

/* ->read_iter() of @file, marking what it submits as @iocb asks */
static inline ssize_t cint_read_iter(struct file *file, struct kiocb *iocb,
				     struct iov_iter *iter)
{
	if (unlikely(cint_iocb_marked(iocb)))
		return cint_rw_iter(file->f_op->read_iter, iocb, iter);
	return file->f_op->read_iter(iocb, iter);
}

/* ->write_iter() of @file, marking what it submits as @iocb asks */
static inline ssize_t cint_write_iter(struct file *file, struct kiocb *iocb,
				      struct iov_iter *iter)
{
	if (unlikely(cint_iocb_marked(iocb)))
		return cint_rw_iter(file->f_op->write_iter, iocb, iter);
	return file->f_op->write_iter(iocb, iter);
}

/*
 * ->read_iter() or ->write_iter() of a caller that waits for it and has no marks.
 * Not told by is_sync_kiocb(): io_uring has operations without ->ki_complete.
 */
static inline ssize_t
cint_sync_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
	       struct kiocb *iocb, struct iov_iter *iter)
{
	if (cint_calibrating())
		return __cint_sync_iter(rw, iocb, iter);
	return rw(iocb, iter);
}

/* The same of one that may have marks, which then count. */
static inline ssize_t cint_sync_read_iter(struct file *file,
					  struct kiocb *iocb,
					  struct iov_iter *iter)
{
	if (cint_calibrating() && !cint_iocb_marked(iocb))
		return __cint_sync_iter(file->f_op->read_iter, iocb, iter);
	return cint_read_iter(file, iocb, iter);
}

static inline ssize_t cint_sync_write_iter(struct file *file,
					   struct kiocb *iocb,
					   struct iov_iter *iter)
{
	if (cint_calibrating() && !cint_iocb_marked(iocb))
		return __cint_sync_iter(file->f_op->write_iter, iocb, iter);
	return cint_write_iter(file, iocb, iter);
}

#endif /* _LINUX_BLK_CINT_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Default calibration: marks for the requests of programs that set none, by how
 * the requests are submitted. Only for devices whose administrator wants that.
 */
#include <linux/bio.h>
#include <linux/blk-cint.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/uio.h>

DEFINE_STATIC_KEY_FALSE(cint_calibrate_key);

/**
 * cint_set_calibrate - choose whether devices calibrate
 * @set: the tag set of the devices
 * @calibrate: whether they do
 *
 * For requests submitted from now on, while any driver holds cint_calibrate_get().
 */
void cint_set_calibrate(struct blk_mq_tag_set *set, bool calibrate)
{
	WRITE_ONCE(set->calibrate, calibrate);
}
EXPORT_SYMBOL_GPL(cint_set_calibrate);

/**
 * cint_calibrate_get - a driver has devices that calibrate
 *
 * Takes the lock of CPU hotplug.
 */
void cint_calibrate_get(void)
{
	static_branch_inc(&cint_calibrate_key);
}
EXPORT_SYMBOL_GPL(cint_calibrate_get);

/**
 * cint_calibrate_put - the opposite
 */
void cint_calibrate_put(void)
{
	static_branch_dec(&cint_calibrate_key);
}
EXPORT_SYMBOL_GPL(cint_calibrate_put);

static bool cint_calibrates(struct request_queue *q)
{
	return q->tag_set && READ_ONCE(q->tag_set->calibrate);
}

/**
 * cint_calibrated - what a request without a mark is taken for
 * @scope: what it is submitted in
 * @q: the device it is for
 *
 * Return: REQ_URGENT, REQ_BARRIER or 0. A scope with marks or a group has said
 * what it wants.
 */
blk_opf_t cint_calibrated(const struct cint_scope *scope,
			  struct request_queue *q)
{
	if (scope->opf || scope->group || !cint_calibrates(q))
		return 0;
	return scope->calibrated;
}

/*
 * Bios that a stacked device has for the one below come here, too, so that each
 * device is asked for itself. Of those it submits from another context nothing is
 * known any more.
 */
void __bio_calibrate(struct bio *bio, const struct cint_scope *scope)
{
	struct request_queue *q = bdev_get_queue(bio->bi_bdev);
	blk_opf_t opf;

	if (bio->bi_opf & REQ_CINT_MARKS || bio->bi_cint_group ||
	    !cint_calibrates(q) || !cint_may_mark(bio))
		return;
	/* nobody waits for readahead but a reader known to need a page of it */
	if (bio->bi_opf & REQ_RAHEAD &&
	    (!scope || !scope->mapping || cint_beyond_read(scope, bio)))
		return;
	opf = scope ? cint_calibrated(scope, q) : 0;
	/* fsync and commits of journals, wherever they come from */
	if (!opf && op_is_flush(bio->bi_opf))
		opf = REQ_BARRIER;
	bio->bi_opf |= opf;
}

/* cint_sync_iter() while a device calibrates */
ssize_t __cint_sync_iter(ssize_t (*rw)(struct kiocb *, struct iov_iter *),
			 struct kiocb *iocb, struct iov_iter *iter)
{
	struct cint_scope scope;
	ssize_t ret;

	/* such a write is done when the page cache has it */
	if (iov_iter_rw(iter) == WRITE && !(iocb->ki_flags & IOCB_DIRECT) &&
	    !iocb_is_dsync(iocb))
		return rw(iocb, iter);
	cint_scope_calibrate(&scope, REQ_URGENT);
	ret = rw(iocb, iter);
	cint_scope_end(&scope);
	return ret;
}

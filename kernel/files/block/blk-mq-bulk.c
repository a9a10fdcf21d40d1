// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware queues whose completions no interrupt announces: what goes there.
 *
 * The driver looks into them when it finds that worthwhile, so a request that
 * somebody waits for has no place there. Which queue a request belongs to is
 * decided once, when it is allocated; ->mq_hctx keeps it.
 */
#include <linux/blk-cint.h>
#include <linux/blkdev.h>
#include <linux/export.h>
#include <linux/sched.h>

#include "blk-mq.h"

DEFINE_STATIC_KEY_FALSE(blk_mq_bulk_key);

/*
 * A request that comes alone and meets an empty queue: a look of the driver's
 * would cost what its interrupt costs, and be less well timed.
 */
static bool blk_mq_bulk_idle(struct request_queue *q)
{
	struct blk_plug *plug = current->plug;
	struct blk_mq_hw_ctx *hctx;

	/* what is plugged will have come with it */
	if (plug && !rq_list_empty(&plug->mq_list))
		return false;
	hctx = blk_mq_map_queue_type(q, HCTX_TYPE_BULK, raw_smp_processor_id());
	return q->mq_ops->bulk_idle(hctx);
}

/*
 * Flushes, and the writes they are made of, use the flush queue of a default
 * hardware queue, so they stay there.
 */
enum hctx_type blk_mq_bulk_type(struct request_queue *q, blk_opf_t opf,
				enum hctx_type type, bool alone)
{
	unsigned int bulk = READ_ONCE(q->tag_set->bulk);

	if (bulk == BLK_MQ_BULK_NOTHING ||
	    !q->tag_set->map[HCTX_TYPE_BULK].nr_queues)
		return type;
	if (opf & REQ_POLLED || op_is_flush(opf))
		return type;
	if ((opf & REQ_OP_MASK) != REQ_OP_READ &&
	    (opf & REQ_OP_MASK) != REQ_OP_WRITE)
		return type;
	if (bulk == BLK_MQ_BULK_UNMARKED &&
	    (opf & REQ_CINT_MARKS || (alone && blk_mq_bulk_idle(q))))
		return type;
	return HCTX_TYPE_BULK;
}

/**
 * blk_mq_set_bulk - choose what goes to the queues without interrupts
 * @set: the driver's, with &blk_mq_ops.bulk_idle
 * @bulk: what
 *
 * For requests allocated from now on; calls for one set are serialised by the
 * caller.
 */
void blk_mq_set_bulk(struct blk_mq_tag_set *set, enum blk_mq_bulk bulk)
{
	bool was = set->bulk != BLK_MQ_BULK_NOTHING;
	bool is = bulk != BLK_MQ_BULK_NOTHING;

	WRITE_ONCE(set->bulk, bulk);
	if (is && !was)
		static_branch_inc(&blk_mq_bulk_key);
	else if (was && !is)
		static_branch_dec(&blk_mq_bulk_key);
}
EXPORT_SYMBOL_GPL(blk_mq_set_bulk);

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

#include "blk-mq.h"

DEFINE_STATIC_KEY_FALSE(blk_mq_bulk_key);

/*
 * Reads and writes. Flushes, and the writes they are made of, use the flush queue
 * of a default hardware queue, so they stay there.
 */
#define BLK_MQ_BULK_OPF	(~(REQ_OP_MASK | REQ_POLLED | REQ_PREFLUSH | REQ_FUA) | \
			 REQ_OP_READ | REQ_OP_WRITE)

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
	static const blk_opf_t opf[] = {
		[BLK_MQ_BULK_NOTHING]	= 0,
		[BLK_MQ_BULK_UNMARKED]	= BLK_MQ_BULK_OPF & ~REQ_CINT_MARKS,
		[BLK_MQ_BULK_ALL]	= BLK_MQ_BULK_OPF,
	};
	bool was = set->bulk_opf;
	bool is = opf[bulk];

	WRITE_ONCE(set->bulk_opf, opf[bulk]);
	if (is && !was)
		static_branch_inc(&blk_mq_bulk_key);
	else if (was && !is)
		static_branch_dec(&blk_mq_bulk_key);
}
EXPORT_SYMBOL_GPL(blk_mq_set_bulk);

// SPDX-License-Identifier: GPL-2.0
/*
 * Requests whose completion no interrupt announces: what goes to a poll queue
 * without being polled for.
 *
 * The driver looks into these queues when it finds that worthwhile, so a request
 * that somebody waits for has no place there. Which queue a request belongs to is
 * decided once, when it is allocated; ->mq_hctx keeps it.
 */
#include <linux/blk-cint.h>
#include <linux/blkdev.h>
#include <linux/export.h>

#include "blk-mq.h"

/*
 * Reads and writes. Flushes, and the writes they are made of, use the flush queue
 * of a default hardware queue, so they stay there.
 */
#define BLK_MQ_DEFER_OPF	(~(REQ_OP_MASK | REQ_POLLED | REQ_PREFLUSH | REQ_FUA) | \
				 REQ_OP_READ | REQ_OP_WRITE)

/**
 * blk_mq_set_defer - choose what goes to the poll queues
 * @set: the driver's, with &blk_mq_ops.defer
 * @defer: what
 *
 * For requests allocated from now on, while the driver holds cint_device_get().
 */
void blk_mq_set_defer(struct blk_mq_tag_set *set, enum blk_mq_defer defer)
{
	static const blk_opf_t opf[] = {
		[BLK_MQ_DEFER_NOTHING]	= 0,
		[BLK_MQ_DEFER_UNMARKED]	= BLK_MQ_DEFER_OPF & ~REQ_CINT_MARKS,
		[BLK_MQ_DEFER_ALL]	= BLK_MQ_DEFER_OPF,
	};

	WRITE_ONCE(set->defer_opf, opf[defer]);
}
EXPORT_SYMBOL_GPL(blk_mq_set_defer);

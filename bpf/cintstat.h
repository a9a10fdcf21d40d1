/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel's side of cintstat counts, for both sides. */
#ifndef CINTSTAT_H
#define CINTSTAT_H

#include <linux/types.h>

#define STAT_REASONS	16		/* more than there are, a power of two */
#define STAT_OCTAVES	64		/* of a histogram by powers of two */

/*
 * A histogram of latencies: 2^SUB_BITS steps an octave, so a value is known to
 * within 1.6 %, from 2^LATENCY_LOW ns on.
 */
#define SUB_BITS	5
#define LATENCY_LOW	8
#define LATENCY_HIGH	40
#define LATENCY_SLOTS	((LATENCY_HIGH - LATENCY_LOW) << SUB_BITS)

struct group_key {
	__u32	ctrl;
	__u16	qid;
	__u16	group;
};

/* Of a queue and group: what the driver's coalescer delivered, and why. */
struct group_counts {
	__u64	completions;
	__u64	urgent;
	__u64	fires[STAT_REASONS];
	__u64	hold_sum_ns;
	__u64	batch[STAT_OCTAVES];	/* deliveries by completions, 2^n and more */
	__u64	hold[STAT_OCTAVES];	/* deliveries by their oldest's ns, 2^n and more */
};

struct queue_key {
	__u32	ctrl;
	__u32	qid;
};

struct queue_counts {
	__u64	requests;
	__u64	interrupts;
};

struct latency_key {
	__u32	ctrl;
	__u16	qid;
	__u16	urgent;
};

struct latency_counts {
	__u64	count;
	__u64	sum_ns;
	__u64	slots[LATENCY_SLOTS];
};

#define MAX_GROUPS	1024
#define MAX_QUEUES	1024
#define MAX_LATENCIES	512

#endif /* CINTSTAT_H */

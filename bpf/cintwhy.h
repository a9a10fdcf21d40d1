/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel's side of cintwhy tells of a slow request. */
#ifndef CINTWHY_H
#define CINTWHY_H

#include <linux/types.h>

/* Times of CLOCK_MONOTONIC in ns; 0: it did not happen, or was not seen. */
struct why_event {
	__u64	submit_ns;	/* handed to the driver */
	__u64	done_ns;	/* the driver took its completion from the queue */
	__u64	hold_ns;	/* which the coalescer then held */
	__u64	deadline_ns;	/* until then, at the time */
	__u64	fire_ns;	/* and delivered */
	__u64	complete_ns;	/* the driver completed it */
	__u64	reap_ns;	/* the thread that submitted it ran again */
	__u32	ctrl;
	__u32	qid;
	__u32	tag;
	__u32	op;
	__u32	bytes;
	__u32	pid;
	__u32	held;		/* how many were held then, with this one */
	__u32	batch;		/* how many were delivered with it */
	__u32	reason;		/* enum cint_reason */
	__u16	group;
	__u8	urgent;
	__u8	barrier;
	__u8	reaped;		/* enum why_reaped */
	char	comm[16];
};

enum why_reaped {
	WHY_UNKNOWN,	/* the thread waited for another one, that was told already */
	WHY_WOKEN,	/* it slept, and ran at reap_ns */
	WHY_RUNNING,	/* it did not sleep */
};

#endif /* CINTWHY_H */

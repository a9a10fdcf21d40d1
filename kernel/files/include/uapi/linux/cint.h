/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Calibrated interrupts: whether an I/O completion is worth an interruption.
 *
 * IOSQE_URGENT (<linux/io_uring.h>), RWF_URGENT and RWF_BARRIER (<linux/fs.h>)
 * mark single requests.  The structure here sets how the unmarked completions
 * of one io_uring are coalesced.
 */
#ifndef _UAPI_LINUX_CINT_H
#define _UAPI_LINUX_CINT_H

#include <linux/types.h>

/* Bounds of the parameters; a value outside gets -EINVAL and changes nothing. */
#define CINT_THRESHOLD_MAX	256		/* completions */
#define CINT_DELAY_MAX_NS	10000000	/* 10 ms, for every delay */
#define CINT_CORRECTION_MAX	16000		/* thousandths */
#define CINT_CORRECTION_ONE	1000		/* a correction factor of 1 */

enum {
	CINT_POLICY_NONE	= 0,	/* every completion is delivered alone */
	CINT_POLICY_STATIC	= 1,	/* threshold; fixed time from the first held */
	CINT_POLICY_ADAPTIVE	= 2,	/* threshold; quiescent period */
	CINT_POLICY_CINT	= 3,	/* adaptive, and urgent and barrier marks */
	CINT_POLICY_CINT_A	= 4,	/* cint, period shrinks as the batch fills */
	CINT_POLICY_CINT_RATE	= 5,	/* cint-a, and the rate of completions */
	CINT_POLICY_NR
};

/* struct io_uring_cint->flags */
#define IORING_CINT_OOO		(1U << 0)	/* an urgent completion overtakes */
#define IORING_CINT_QUERY	(1U << 31)	/* read only, set nothing */

/* struct io_uring_cint->features, filled by the kernel */
#define IORING_CINT_FEAT_URGENT		(1U << 0)	/* IOSQE_URGENT, RWF_URGENT */
#define IORING_CINT_FEAT_BARRIER	(1U << 1)	/* RWF_BARRIER */
#define IORING_CINT_FEAT_RING_PARAMS	(1U << 2)	/* per-ring parameters */
#define IORING_CINT_FEAT_DEVICE		(1U << 3)	/* of a device here they are coalesced */
#define IORING_CINT_FEAT_GATHER		(1U << 4)	/* waits gather; the longer struct */

#define IORING_CINT_VERSION		1	/* struct io_uring_cint */
#define IORING_CINT_VERSION_RING	2	/* struct io_uring_cint_ring */

/*
 * Argument of IORING_REGISTER_CINT and IORING_UNREGISTER_CINT.
 *
 * The caller sets size, version, policy, flags and the parameters; all that
 * follows correction must be zero.  On success the kernel stores the setting
 * that was in force before, and the fields it alone fills.  A ring without
 * parameters of its own reads group 0 and threshold 0: the defaults of each
 * device apply.
 *
 * size says how much of the structure the caller knows, and the kernel reads and
 * writes no more.  A longer one than the kernel knows must be zero there.
 */
struct io_uring_cint {
	__u32	size;		/* of the whole, at least of this */
	__u16	version;	/* IORING_CINT_VERSION */
	__u16	policy;		/* CINT_POLICY_* */
	__u32	flags;		/* IORING_CINT_* */
	__u32	threshold;	/* 1..CINT_THRESHOLD_MAX completions */
	__u32	delta_ns;	/* quiescent period, or the static timeout */
	__u32	delta_min_ns;	/* the period never shrinks below this */
	__u32	max_hold_ns;	/* no completion is held longer */
	__u32	correction;	/* thousandths, cint-a and cint-rate */
	/* filled by the kernel, zero on the way in */
	__u32	group;		/* 1: the ring is a coalescing group, 0: it is none */
	__u32	features;	/* IORING_CINT_FEAT_* */
	__u64	completions;	/* by requests of this ring's group */
	__u64	urgent;		/* of these, delivered alone as urgent */
	__u64	fires;		/* deliveries, urgent ones included */
};

/*
 * The same argument with the counters of the ring itself, from kernels with
 * IORING_CINT_FEAT_GATHER.  What follows cint must be zero on the way in.
 *
 * A wakeup is that of a task that sleeps in io_uring_enter(), or was about to.
 * With IORING_SETUP_DEFER_TASKRUN they are counted while the ring has
 * parameters; waits that an urgent completion ended, always.
 */
struct io_uring_cint_ring {
	struct io_uring_cint	cint;	/* size 128, IORING_CINT_VERSION_RING */
	__u64	wakeups;		/* of tasks that waited on this ring */
	__u64	urgent_wakeups;		/* waits that an urgent one ended */
	__u64	gathered;		/* completions that a wait got beyond those it was for */
	__u64	resv[5];
};

#endif /* _UAPI_LINUX_CINT_H */

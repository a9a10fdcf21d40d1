/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The fio engine "cint": what its files share. */
#ifndef CINT_FIO_ENGINE_H
#define CINT_FIO_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include "fio.h"
#include "liburing-cint.h"

/* cint_policy=default: the ring has no parameters of its own */
#define CINT_POLICY_DEVICE_DEFAULT	0xffff

/* In struct cint_options.set: which ring parameters the job gives. */
#define CINT_SET_THRESHOLD	(1U << 0)
#define CINT_SET_DELTA		(1U << 1)
#define CINT_SET_DELTA_MIN	(1U << 2)
#define CINT_SET_MAX_HOLD	(1U << 3)
#define CINT_SET_CORRECTION	(1U << 4)
#define CINT_SET_OOO		(1U << 5)
#define CINT_SET_BAD		(1U << 31)	/* an option was out of its range */

/*
 * fio reports latency by I/O priority.  Urgent requests are put under a priority
 * class that no real I/O priority has; it is a label and never reaches the
 * kernel.
 */
#define CINT_LABEL_CLASS	4
#define CINT_LABEL_URGENT	(CINT_LABEL_CLASS << 13)

/* Index into thread_stat.clat_prio[ddir]. */
enum { CINT_BULK, CINT_URGENT_CLASS, CINT_CLASS_NR };

struct cint_options {
	struct thread_data *td;		/* fio wants it first */
	unsigned int urgent_percentage[2];	/* by DDIR_READ, DDIR_WRITE */
	unsigned int urgent_sync;
	unsigned int barrier_every;
	unsigned int barrier_batch;
	unsigned int policy;
	unsigned int set;
	unsigned int threshold;
	unsigned int delta_ns;
	unsigned int delta_min_ns;
	unsigned int max_hold_ns;
	unsigned int correction;
	unsigned int ooo;
	unsigned int require;
	unsigned int fixedbufs;
	unsigned int registerfiles;
	unsigned int hipri;
	unsigned int nonvectored;
	unsigned int defer_taskrun;
	char *stats_file;
};

struct cint_data {
	struct io_uring ring;
	bool ring_open;
	struct io_uring_sqe *sqes;	/* one for each io_u, by its index */
	unsigned int *sq_array;
	unsigned int sq_mask;
	unsigned int sq_tail;		/* what the kernel sees after commit */
	unsigned int queued;		/* not yet taken by the kernel */
	unsigned int event_head;	/* CQ index of event 0 */
	unsigned int since_barrier;
	bool marking;
	struct io_u **io_us;		/* by index */
	struct iovec *iovecs;
	int *fds;			/* registered files */
	unsigned int fds_nr;
	struct cint_probe probe;
	bool ring_params;
	struct io_uring_cint set_params;
	uint64_t marked_urgent;
	uint64_t marked_barrier;
	uint64_t enters;		/* io_uring_enter() calls */
};

extern struct fio_option cint_fio_options[];

int cint_options_check(struct thread_data *td, struct io_uring_cint *params);
int cint_stats_init(struct thread_data *td);
void cint_stats_write(struct thread_data *td);

#endif /* CINT_FIO_ENGINE_H */

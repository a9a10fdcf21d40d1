/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The fio engine "cint": what its files share. */
#ifndef CINT_FIO_ENGINE_H
#define CINT_FIO_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include "fio.h"
#include "engines/cmdprio.h"
#include "liburing-cint.h"

/* From Linux 6.14 on. fio 3.33's RWF_UNCACHED is a value that was given away. */
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE	0x00000080
#endif
/* From Linux 6.11 on. */
#ifndef RWF_ATOMIC
#define RWF_ATOMIC	0x00000040
#endif

/* cint_policy=default: the ring has no parameters of its own */
#define CINT_POLICY_DEVICE_DEFAULT	0xffff

/* cint_backend: the kernel's marks, the library's own means, or which of them is there */
enum { CINT_MEANS_AUTO, CINT_MEANS_KERNEL, CINT_MEANS_STOCK };

/* What is said by one job for all. */
#define CINT_TOLD_KERNEL	(1U << 0)	/* what the kernel supports */
#define CINT_TOLD_BACKEND	(1U << 1)	/* what the library does about it */
#define CINT_TOLD_NO_WAITS	(1U << 2)	/* why it does nothing; one for each reason */
#define CINT_TOLD_MODE		(1U << 5)	/* what the driver does */

/* Which marks a request gets. */
#define CINT_MARK_URGENT	(1U << 0)
#define CINT_MARK_BARRIER	(1U << 1)

/* In struct cint_options.set: which ring parameters the job gives. */
#define CINT_SET_THRESHOLD	(1U << 0)
#define CINT_SET_DELTA		(1U << 1)
#define CINT_SET_DELTA_MIN	(1U << 2)
#define CINT_SET_MAX_HOLD	(1U << 3)
#define CINT_SET_CORRECTION	(1U << 4)
#define CINT_SET_OOO		(1U << 5)
#define CINT_SET_BAD		(1U << 31)	/* an option was out of its range */

/*
 * fio reports latency by I/O priority.  Urgent requests are put under the
 * priority that they have with the topmost bit set, which gives a class from 4 on
 * that no real I/O priority has; it is a label and never reaches the kernel.
 */
#define CINT_LABEL_URGENT	0x8000

enum { CINT_BULK, CINT_URGENT_CLASS, CINT_CLASS_NR };

/* cmd_type */
enum { CINT_CMD_NONE, CINT_CMD_NVME };

/* write_mode: the command that a write is */
enum { CINT_WRITE_DATA, CINT_WRITE_UNCORRECTABLE, CINT_WRITE_ZEROES, CINT_WRITE_VERIFY };

#define CINT_DDIR_NR	2	/* DDIR_READ, DDIR_WRITE: what can have marks */
#define CINT_SPLIT_MAX	64	/* sizes in a split, as many as bssplit takes */
#define CINT_TRIM_RANGE	16	/* bytes of NVMe's description of what to trim */

/* Which share of requests gets a mark: by their size, of other sizes by percentage. */
struct cint_share {
	unsigned int percentage[CINT_DDIR_NR];
	unsigned int split_nr[CINT_DDIR_NR];
	struct {
		uint64_t size;
		unsigned int percentage;
	} split[CINT_DDIR_NR][CINT_SPLIT_MAX];
};

struct cint_options {
	struct thread_data *td;		/* fio wants it first */
	struct cint_share urgent;
	struct cint_share barrier;
	unsigned int urgent_sync;
	unsigned int barrier_every;
	unsigned int barrier_batch;
	unsigned int policy;
	unsigned int set;
	unsigned int defaulted;		/* which of them fio has given their default */
	unsigned int threshold;
	unsigned int delta_ns;
	unsigned int delta_min_ns;
	unsigned int max_hold_ns;
	unsigned int correction;
	unsigned int ooo;
	unsigned int require;
	unsigned int verbose;
	unsigned int means;
	char *stats_file;
	unsigned int terse;
	struct cmdprio_options cmdprio;
	unsigned int fixedbufs;
	unsigned int registerfiles;
	unsigned int hipri;
	unsigned int sqpoll;
	unsigned int sqpoll_cpu;
	unsigned int sqpoll_cpu_set;
	unsigned int nonvectored;
	unsigned int uncached;
	unsigned int nowait;
	unsigned int force_async;
	unsigned int defer_taskrun;
	unsigned int cmd_type;
	unsigned int fua[CINT_DDIR_NR];
	unsigned int write_mode;
	unsigned int deallocate;
};

/* What passthrough has to know of a file. */
struct cint_namespace {
	uint32_t nsid;
	unsigned int block_shift;
};

/* A completion that has left the ring, for fio to fetch. */
struct cint_done {
	struct io_u *io_u;
	int res;
};

/* Of a job whose marks and waits are the library's: stock.c. */
struct cint_stock {
	struct cint_ring *cring;
	struct io_uring_sqe *sqes;	/* one for each io_u, by its index */
	unsigned int *sq_array;		/* indices of the io_us queued, in order */
	struct io_uring_sqe *last;	/* of the last request queued */
	unsigned int *sq_ends;		/* SQ index behind each request, as in sq_array */
	struct cint_done *done;		/* event 0 and so on */
};

struct cint_data {
	struct io_uring ring;
	unsigned int enter_flags;	/* of every io_uring_enter() */
	bool ring_open;
	bool sqpoll;
	bool passthrough;		/* SQEs and CQEs are twice as large */
	bool select;			/* not all requests are alike: cint_select() */
	bool complained;		/* of a failed request */
	bool sync_trim;			/* trims are ioctls */
	__u8 opcode[CINT_DDIR_NR];
	__u8 sqe_flags;
	__kernel_rwf_t rw_flags[CINT_DDIR_NR];
	struct io_uring_sqe *sqes;	/* one for each io_u, by its index */
	unsigned int *sq_array;
	unsigned int sq_mask;
	unsigned int sq_tail;		/* what the kernel sees after commit */
	unsigned int queued;		/* not yet taken by the kernel */
	unsigned int event_head;	/* CQ index of event 0 */
	unsigned int since_barrier;
	unsigned int since_async;
	unsigned int urgent_index[CINT_DDIR_NR];	/* clat_prio_index of urgent ones */
	struct io_u **io_us;		/* by index */
	struct iovec *iovecs;
	int *fds;			/* registered files */
	unsigned int fds_nr;
	struct cint_namespace *namespaces;	/* by fio_file.fileno */
	uint8_t (*trims)[CINT_TRIM_RANGE];	/* by index */
	struct cmdprio cmdprio;
	struct cint_probe probe;
	bool ring_params;
	struct io_uring_cint set_params;
	struct cint_samples *samples;	/* completion latency, where fio does not keep it */
	struct timespec event_time;	/* of the events that fio is about to fetch */
	uint64_t marked_urgent;
	uint64_t marked_barrier;
	uint64_t enters;		/* io_uring_enter() calls */
	struct cint_stock *stock;	/* NULL: marks go to the kernel */
};

/* cint.c */
extern struct ioengine_ops ioengine;
enum fio_q_status cint_trim(struct thread_data *td, struct io_u *io_u);
void cint_trim_sync(struct thread_data *td, bool sync);
void cint_sync_failed(struct thread_data *td, struct io_u *io_u, int error);
struct io_u *cint_failed(struct thread_data *td, struct io_u *io_u, int error);
unsigned int cint_select_marks(struct thread_data *td, struct cint_data *d, struct io_u *io_u);

/* say.c: messages, on standard error */
void cint_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool cint_first_to_tell(unsigned int what);

/* options.c */
extern struct fio_option cint_fio_options[];
int cint_options_check(struct thread_data *td, struct io_uring_cint *params);
bool cint_options_mark(const struct cint_options *o);

/* share.c: options that give a share of the requests, and what they choose */
int cint_share_parse(struct cint_share *share, const char *name, const char *text,
		     void *options);
int cint_share_check(const struct cint_share *share, const char *name);
bool cint_share_any(const struct cint_share *share);
bool cint_share_draw(const struct cint_share *share, struct thread_data *td,
		     const struct io_u *io_u);

/* ring.c: the ring, its registered files and buffers, its parameters */
int cint_post_init(struct thread_data *td);
int cint_open_file(struct thread_data *td, struct fio_file *f);
int cint_close_file(struct thread_data *td, struct fio_file *f);

/* mode.c: what the drivers do */
void cint_mode_tell(struct thread_data *td);

/* stock.c: marks and waits by the library's means, where the kernel has no marks */
int cint_stock_init(struct thread_data *td, struct cint_data *d);
int cint_stock_attach(struct thread_data *td, struct cint_data *d);
void cint_stock_cleanup(struct thread_data *td, struct cint_data *d);

/* passthrough.c: NVMe commands on /dev/ngXnY */
int cint_passthrough_check(struct thread_data *td);
int cint_passthrough_init(struct thread_data *td, struct cint_data *d);
int cint_passthrough_file_size(struct thread_data *td, struct fio_file *f);
int cint_passthrough_prep(struct thread_data *td, struct io_u *io_u);
void cint_passthrough_event(struct thread_data *td, struct cint_data *d, struct io_u *io_u,
			    int res);

/* stats.c */
int cint_stats_init(struct thread_data *td);
int cint_stats_check(struct thread_data *td);
void cint_stats_sample(struct thread_data *td, struct cint_data *d, const struct io_u *io_u);
void cint_stats_write(struct thread_data *td);

static inline struct io_uring_sqe *cint_sqe(const struct cint_data *d, unsigned int index)
{
	return &d->sqes[index << d->passthrough];
}

/* Whether it is inline is left to the compiler, which does not make it so here. */
__attribute__((unused))
static void cint_issued(struct thread_data *td, struct cint_data *d,
			unsigned int first, unsigned int nr)
{
	struct timespec now;

	if (!fio_fill_issue_time(td))
		return;
	fio_gettime(&now, NULL);
	while (nr--) {
		struct io_u *io_u = d->io_us[d->sq_array[first++ & d->sq_mask]];

		io_u->issue_time = now;
		io_u_queued(td, io_u);
	}
	if (td->o.read_iolog_file)
		td->last_issue = now;
}

/* What became of a request, for fio. */
static inline struct io_u *cint_finish(struct thread_data *td, struct cint_data *d,
				       struct io_u *io_u, int res)
{
	if (d->passthrough) {
		cint_passthrough_event(td, d, io_u, res);
		if (res)
			return io_u;
	} else if (res < 0) {
		return cint_failed(td, io_u, -res);
	} else {
		io_u->error = 0;
		if (io_u->ddir == DDIR_TRIM)
			return io_u;
		if (ddir_rw(io_u->ddir))
			io_u->resid = io_u->xfer_buflen - (unsigned int)res;
	}
	if (d->samples && (io_u->ddir == DDIR_READ || io_u->ddir == DDIR_WRITE))
		cint_stats_sample(td, d, io_u);
	return io_u;
}

#endif /* CINT_FIO_ENGINE_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * fio engine "cint": io_uring, with requests marked urgent or as barriers.
 *
 * Each io_u has the SQE of its own index, filled in when fio prepares it; the
 * ring's array says in which order the kernel takes them.  So nothing is copied
 * or allocated a request, and only commit and waiting make system calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cint.h"

/* What few requests need stays out of the functions that all go through. */
#define cint_seldom	__attribute__((noinline))

static cint_seldom void cint_sync_prep(struct thread_data *td, const struct io_u *io_u,
				       struct io_uring_sqe *sqe)
{
	/* fixed buffers leave an index that these opcodes refuse */
	sqe->ioprio = 0;
	sqe->addr = 0;
	sqe->buf_index = 0;
	if (io_u->ddir == DDIR_SYNC_FILE_RANGE) {
		const struct fio_file *f = io_u->file;
		uint64_t len = f->last_write - f->first_write;

		/* what has completed since the last sync: maybe nothing, or more than fits */
		sqe->opcode = IORING_OP_SYNC_FILE_RANGE;
		sqe->off = f->first_write == -1ULL ? 0 : f->first_write;
		/* 0: up to the end of the file */
		sqe->len = f->first_write == -1ULL || len > UINT32_MAX ? 0 : (__u32)len;
		sqe->sync_range_flags = td->o.sync_file_range;
	} else {
		sqe->opcode = IORING_OP_FSYNC;
		sqe->off = 0;
		sqe->len = 0;
		sqe->fsync_flags = io_u->ddir == DDIR_DATASYNC ? IORING_FSYNC_DATASYNC : 0;
	}
}

/* Of block devices, from Linux 6.12 on. */
#ifndef BLOCK_URING_CMD_DISCARD
#define BLOCK_URING_CMD_DISCARD		_IO(0x12, 0)
#endif

static cint_seldom void cint_trim_prep(const struct io_u *io_u, struct io_uring_sqe *sqe)
{
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->ioprio = 0;
	sqe->off = 0;
	sqe->cmd_op = BLOCK_URING_CMD_DISCARD;
	sqe->addr = io_u->offset;
	sqe->len = 0;
	sqe->rw_flags = 0;
	sqe->buf_index = 0;
	sqe->addr3 = io_u->xfer_buflen;
}

static int cint_prep(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	struct io_uring_sqe *sqe = &d->sqes[io_u->index];
	struct fio_file *f = io_u->file;

	if (d->passthrough)
		return cint_passthrough_prep(td, io_u);

	sqe->flags = d->sqe_flags;
	sqe->fd = d->sqe_flags & IOSQE_FIXED_FILE ? (__s32)f->engine_pos : f->fd;
	if (io_u->ddir == DDIR_READ || io_u->ddir == DDIR_WRITE) {
		sqe->opcode = d->opcode[io_u->ddir];
		sqe->ioprio = (__u16)td->ioprio;
		sqe->rw_flags = d->rw_flags[io_u->ddir];
		sqe->off = io_u->offset;
		if (o->fixedbufs || o->nonvectored) {
			sqe->addr = (uintptr_t)io_u->xfer_buf;
			sqe->len = (__u32)io_u->xfer_buflen;
			sqe->buf_index = o->fixedbufs ? (__u16)io_u->index : 0;
		} else {
			struct iovec *iov = &d->iovecs[io_u->index];

			iov->iov_base = io_u->xfer_buf;
			iov->iov_len = io_u->xfer_buflen;
			sqe->addr = (uintptr_t)iov;
			sqe->len = 1;
		}
	} else if (ddir_sync(io_u->ddir)) {
		cint_sync_prep(td, io_u, sqe);
	} else if (!d->sync_trim) {
		cint_trim_prep(io_u, sqe);
	}
	sqe->user_data = (uintptr_t)io_u;
	return 0;
}

static void cint_mark_urgent(struct cint_data *d, struct io_uring_sqe *sqe)
{
	cint_sqe_set_urgent(sqe);
	d->marked_urgent++;
}

static void cint_mark_barrier(struct cint_data *d, struct io_uring_sqe *sqe)
{
	if (!cint_sqe_set_barrier(sqe))
		d->marked_barrier++;
}

/* What makes some requests other than the rest: marks, priorities, IOSQE_ASYNC. */
cint_seldom unsigned int cint_select_marks(struct thread_data *td, struct cint_data *d,
					   struct io_u *io_u)
{
	struct io_uring_sqe *sqe = cint_sqe(d, io_u->index);
	struct cint_options *o = td->eo;
	unsigned int marks = 0;

	if (o->force_async && ++d->since_async >= o->force_async) {
		d->since_async = 0;
		sqe->flags |= IOSQE_ASYNC;
	}
	if (io_u->ddir != DDIR_READ && io_u->ddir != DDIR_WRITE)
		return o->urgent_sync && ddir_sync(io_u->ddir) ? CINT_MARK_URGENT : 0;

	/* the rest of a short transfer is drawn anew */
	io_u->ioprio = (unsigned short)td->ioprio;
	io_u->clat_prio_index = 0;
	if (d->cmdprio.mode != CMDPRIO_MODE_NONE &&
	    fio_cmdprio_set_ioprio(td, &d->cmdprio, io_u))
		sqe->ioprio = io_u->ioprio;
	if (cint_share_draw(&o->urgent, td, io_u)) {
		marks |= CINT_MARK_URGENT;
		io_u->ioprio |= CINT_LABEL_URGENT;
		io_u->clat_prio_index = (unsigned short)(io_u->clat_prio_index +
							 d->urgent_index[io_u->ddir]);
	}
	if (o->barrier_every && ++d->since_barrier >= o->barrier_every) {
		d->since_barrier = 0;
		marks |= CINT_MARK_BARRIER;
	} else if (cint_share_draw(&o->barrier, td, io_u)) {
		marks |= CINT_MARK_BARRIER;
	}
	return marks;
}

static cint_seldom void cint_select(struct thread_data *td, struct cint_data *d, struct io_u *io_u)
{
	unsigned int marks = cint_select_marks(td, d, io_u);

	if (marks & CINT_MARK_URGENT)
		cint_mark_urgent(d, cint_sqe(d, io_u->index));
	if (marks & CINT_MARK_BARRIER)
		cint_mark_barrier(d, cint_sqe(d, io_u->index));
}

/* fio wants to know which trims are done when they are queued. */
void cint_trim_sync(struct thread_data *td, bool sync)
{
	const unsigned long long flag =
		(unsigned long long)FIO_ASYNCIO_SYNC_TRIM << TD_ENG_FLAG_SHIFT;
	struct cint_data *d = td->io_ops_data;

	d->sync_trim = sync;
	if (sync)
		td->flags |= flag;
	else
		td->flags &= ~flag;
}

/* A kernel that does not know the command gives any of these. */
static bool cint_trim_unknown(int error)
{
	return error == EOPNOTSUPP || error == EINVAL || error == ENOTTY;
}

/* Where io_uring has no discard, and for files. */
cint_seldom enum fio_q_status cint_trim(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;

	if (d->queued)
		return FIO_Q_BUSY;
	do_io_u_trim(td, io_u);
	io_u_mark_submit(td, 1);
	io_u_mark_complete(td, 1);
	return FIO_Q_COMPLETED;
}

static enum fio_q_status cint_queue(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;

	fio_ro_check(td, io_u);

	if (d->queued > d->sq_mask)
		return FIO_Q_BUSY;
	if (io_u->ddir == DDIR_TRIM && d->sync_trim)
		return cint_trim(td, io_u);

	if (d->select)
		cint_select(td, d, io_u);
	d->sq_array[d->sq_tail++ & d->sq_mask] = io_u->index;
	d->queued++;
	return FIO_Q_QUEUED;
}

static int cint_enter(struct cint_data *d, unsigned int submit, unsigned int wait,
		      unsigned int flags)
{
	d->enters++;
	return io_uring_enter((unsigned int)d->ring.enter_ring_fd, submit, wait,
			      flags | d->enter_flags, NULL);
}

/* The kernel's thread takes what is queued; it has to be woken if it has dozed off. */
static int cint_commit_sqpoll(struct thread_data *td, struct cint_data *d)
{
	unsigned int nr = d->queued;
	int ret;

	cint_issued(td, d, d->sq_tail - nr, nr);
	io_u_mark_submit(td, nr);
	d->queued = 0;
	io_uring_smp_store_release(d->ring.sq.ktail, d->sq_tail);
	/* it looks at the tail after it has set the flag */
	io_uring_smp_mb();
	if (!(*(volatile unsigned int *)d->ring.sq.kflags & IORING_SQ_NEED_WAKEUP))
		return 0;
	do {
		ret = cint_enter(d, nr, 0, IORING_ENTER_SQ_WAKEUP);
	} while (ret == -EINTR || ret == -EAGAIN);
	if (ret >= 0)
		return 0;
	td_verror(td, -ret, "io_uring_enter wakeup");
	return ret;
}

static int cint_commit(struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	unsigned int flags;
	int ret;

	if (!d->queued)
		return 0;

	if (o->barrier_batch)
		cint_mark_barrier(d, &d->sqes[d->sq_array[(d->sq_tail - 1) & d->sq_mask]]);
	if (d->sqpoll)
		return cint_commit_sqpoll(td, d);
	io_uring_smp_store_release(d->ring.sq.ktail, d->sq_tail);

	/* cint_wait() asks for what has completed; a drive that is polled is polled here, too */
	flags = d->ring.flags & IORING_SETUP_IOPOLL ? IORING_ENTER_GETEVENTS : 0;
	while (d->queued) {
		ret = cint_enter(d, d->queued, 0, flags);
		if (ret > 0) {
			cint_issued(td, d, d->sq_tail - d->queued, (unsigned int)ret);
			io_u_mark_submit(td, (unsigned int)ret);
			d->queued -= (unsigned int)ret;
		} else if (ret == -EAGAIN) {
			/* short of memory: those in flight will free some */
			usleep(1);
		} else if (ret < 0 && ret != -EINTR) {
			td_verror(td, -ret, "io_uring_enter submit");
			return ret;
		}
	}
	return 0;
}

/* For nr more completions, or, if that is 0, to have a look. */
static int cint_wait(struct cint_data *d, unsigned int nr)
{
	/* with sqthread_poll there are no system calls: that is what it is for */
	if (d->sqpoll) {
		nop;
		return 0;
	}
	return cint_enter(d, 0, nr, IORING_ENTER_GETEVENTS);
}

static int cint_getevents(struct thread_data *td, unsigned int min,
			  unsigned int max, const struct timespec *t fio_unused)
{
	struct cint_data *d = td->io_ops_data;
	struct io_uring_cq *cq = &d->ring.cq;
	unsigned int head = *cq->khead;
	/* fio documents iodepth_batch_complete_min=0 as polling */
	bool wait = td->o.iodepth_batch_complete_min != 0;
	bool polled = false;
	unsigned int events;
	int ret;

	d->event_head = head;
	for (;;) {
		events = io_uring_smp_load_acquire(cq->ktail) - head;
		if (events > max)
			events = max;
		/*
		 * Taken at once: a ring that polls returns without polling
		 * while its CQ has anything. The entries stay readable until
		 * fio has fetched them by cint_event(): the CQ has one for each
		 * io_u, and theirs are not queued again before.
		 */
		if (events)
			io_uring_smp_store_release(cq->khead, head + events);
		if ((events && events >= min) || polled)
			break;
		ret = cint_wait(d, wait ? min - events : 0);
		if (ret < 0 && ret != -EAGAIN && ret != -EINTR) {
			td_verror(td, -ret, "io_uring_enter getevents");
			return ret;
		}
		/* one look is all that was asked for */
		polled = !min;
	}
	return (int)events;
}

/* An old fio does not look, and would go on: what it does about other errors is done here. */
void cint_sync_failed(struct thread_data *td, struct io_u *io_u, int error)
{
	if (CINT_FIO_SYNC_ERRORS)
		return;
	if (td_non_fatal_error(td, td_error_type(io_u->ddir, error), error)) {
		update_error_count(td, error);
		return;
	}
	if (td->error)
		return;
	cint_say("cint: %s of '%s' failed: %s\n", io_ddir_name(io_u->ddir),
		 io_u->file->file_name, strerror(error));
	td_verror(td, error, "sync");
	fio_mark_td_terminate(td);
}

/* Errors that fio reports without what would help. */
cint_seldom struct io_u *cint_failed(struct thread_data *td, struct io_u *io_u, int error)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;

	if (io_u->ddir == DDIR_TRIM && cint_trim_unknown(error)) {
		/* from now on without io_uring, and this one, too */
		cint_trim_sync(td, true);
		io_u->error = 0;
		do_io_u_trim(td, io_u);
		return io_u;
	}
	io_u->error = (unsigned int)error;
	if (ddir_sync(io_u->ddir))
		cint_sync_failed(td, io_u, error);
	if (d->complained)
		return io_u;
	d->complained = true;
	if (error == EOPNOTSUPP && o->uncached)
		cint_say("cint: uncached needs Linux 6.14 or later, and a file system that "
			 "takes RWF_DONTCACHE\n");
	else if (error == EOPNOTSUPP && o->nowait)
		cint_say("cint: this file does not take nowait (RWF_NOWAIT)\n");
	else if (error == EOPNOTSUPP && o->hipri)
		cint_say("cint: hipri needs direct=1 and a drive with poll queues "
			 "(nvme.poll_queues=N)\n");
	else if ((error == EOPNOTSUPP || error == EINVAL) && CINT_FIO_ATOMIC && td->o.oatomic)
		cint_say("cint: atomic needs Linux 6.11 or later, direct=1, and a drive or file "
			 "system that writes %llu bytes at once (see atomic_write_max_bytes)\n",
			 io_u->xfer_buflen);
	else if (error == EAGAIN && o->nowait)
		cint_say("cint: nowait: a request would have had to wait; "
			 "see fio's ignore_error=EAGAIN\n");
	return io_u;
}

static struct io_u *cint_event(struct thread_data *td, int event)
{
	struct cint_data *d = td->io_ops_data;
	struct io_uring_cq *cq = &d->ring.cq;
	unsigned int index = (d->event_head + (unsigned int)event) & cq->ring_mask;
	struct io_uring_cqe *cqe = &cq->cqes[index << d->passthrough];
	struct io_u *io_u = (struct io_u *)(uintptr_t)cqe->user_data;

	if (d->samples && !event)
		fio_gettime(&d->event_time, NULL);
	return cint_finish(td, d, io_u, cqe->res);
}

/* Called while fio sets the files up, before the engine is initialized. */
static int cint_get_file_size(struct thread_data *td, struct fio_file *f)
{
	struct cint_options *o = td->eo;

	/* said here, as fio would look for zones first and complain of their lack */
	if (td->o.zone_mode == ZONE_MODE_ZBD) {
		cint_say("cint: zonemode=zbd is not supported by this engine\n");
		td_verror(td, EOPNOTSUPP, "cint zonemode");
		return 1;
	}
	if (o->cmd_type == CINT_CMD_NVME)
		return cint_passthrough_file_size(td, f);
	return generic_get_file_size(td, f);
}

/*
 * Why the library's means can do nothing for a job: they are ways to end a wait, and
 * it has none.
 */
static const char *cint_no_waits(struct thread_data *td, unsigned int *reason)
{
	struct cint_options *o = td->eo;

	*reason = CINT_TOLD_NO_WAITS;
	if (o->sqpoll)
		return "sqthread_poll looks for completions without waiting";
	*reason <<= 1;
	if (o->hipri)
		return "hipri polls the drive, and such a ring takes no timeouts "
		       "(IORING_SETUP_IOPOLL)";
	*reason <<= 1;
	if (!td->o.iodepth_batch_complete_min)
		return "iodepth_batch_complete_min=0 looks for completions without waiting";
	return NULL;
}

/* Whether marks and waits are the library's: where the kernel lacks them. */
static bool cint_is_stock(struct thread_data *td, bool kernel)
{
	struct cint_options *o = td->eo;
	unsigned int reason;
	const char *why;

	if (o->means == CINT_MEANS_KERNEL)
		return false;
	if (o->means == CINT_MEANS_AUTO && (kernel || !cint_options_mark(o)))
		return false;
	why = cint_no_waits(td, &reason);
	if (why && cint_first_to_tell(reason))
		cint_say("cint: backend none: %s\n", why);
	return !why;
}

/*
 * What the kernel makes of the marks: an error if they are required, a warning if they
 * are asked for and dropped.
 */
static int cint_support(struct thread_data *td, struct cint_data *d)
{
	static const enum cint_feature needed[] = {
		CINT_FEATURE_SQE_URGENT, CINT_FEATURE_RWF_BARRIER,
		CINT_FEATURE_RING_PARAMS,
	};
	struct cint_options *o = td->eo;
	bool dropped, stock, tell;
	unsigned int i, missing = 0;
	char text[256];
	int ret;

	ret = cint_probe(&d->probe);
	if (ret < 0) {
		cint_say("cint: asking the kernel what it supports: %s\n",
			 cint_strerror(ret));
		return 1;
	}
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		missing += !(d->probe.features & 1U << needed[i]);
	stock = (!missing || !o->require) && cint_is_stock(td, !missing);
	/* the library gives its reasons when it has the ring */
	dropped = missing && !stock && cint_options_mark(o);
	tell = !stock && (dropped || o->verbose) && cint_first_to_tell(CINT_TOLD_KERNEL);
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (d->probe.features & 1U << needed[i])
			continue;
		cint_probe_explain(&d->probe, needed[i], text, sizeof(text));
		if (o->require)
			cint_say("cint: cint_require=1, but %s\n", text);
		else if (tell)
			cint_say("cint: %s\n", text);
	}
	if (o->require && missing)
		return 1;
	if (tell && !missing)
		cint_say("cint: the kernel takes urgent and barrier marks and ring parameters\n");
	else if (tell && dropped)
		cint_say("cint: what is not supported is dropped; requests run unmarked\n");
	if (!stock && !missing && cint_options_mark(o))
		cint_mode_tell(td);
	return stock ? cint_stock_init(td, d) : 0;
}

/* What prep would otherwise decide for each request. */
static void cint_fill_data(struct thread_data *td, struct cint_data *d)
{
	static const __u8 opcodes[CINT_DDIR_NR][3] = {
		[DDIR_READ]  = { IORING_OP_READV, IORING_OP_READ, IORING_OP_READ_FIXED },
		[DDIR_WRITE] = { IORING_OP_WRITEV, IORING_OP_WRITE, IORING_OP_WRITE_FIXED },
	};
	struct cint_options *o = td->eo;
	__kernel_rwf_t flags = 0;
	bool sync_trim;
	struct fio_file *f;
	unsigned int i;
	int ddir;

	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++)
		d->opcode[ddir] = opcodes[ddir][o->fixedbufs ? 2 : o->nonvectored];
	if (o->registerfiles)
		d->sqe_flags = IOSQE_FIXED_FILE;
	/* as in fio's own engine, there is no cache to spare with direct=1 */
	if (o->uncached && !td->o.odirect)
		flags |= RWF_DONTCACHE;
	if (o->nowait)
		flags |= RWF_NOWAIT;
	d->rw_flags[DDIR_READ] = flags;
	d->rw_flags[DDIR_WRITE] = flags;
	/* an older fio opens the file for it, or refuses to */
	if (CINT_FIO_ATOMIC && td->o.oatomic)
		d->rw_flags[DDIR_WRITE] |= RWF_ATOMIC;
	d->sqpoll = o->sqpoll;
	d->passthrough = o->cmd_type == CINT_CMD_NVME;
	/* only block devices have the command, and a polled ring has not */
	sync_trim = o->hipri;
	for_each_file(td, f, i)
		sync_trim |= f->filetype != FIO_TYPE_BLOCK;
	cint_trim_sync(td, sync_trim && !d->passthrough);
	d->select = cint_share_any(&o->urgent) || cint_share_any(&o->barrier) ||
		    o->urgent_sync || o->barrier_every || o->force_async ||
		    d->cmdprio.mode != CMDPRIO_MODE_NONE;
}

static int cint_init(struct thread_data *td)
{
	struct cint_options *o = td->eo;
	struct cint_data *d;
	int error = EINVAL;

	d = calloc(1, sizeof(*d));
	if (!d) {
		td_verror(td, ENOMEM, "cint init");
		return 1;
	}
	td->io_ops_data = d;
	/* the kernel's thread has files of its own before Linux 5.11 */
	if (o->sqpoll)
		o->registerfiles = 1;
	d->io_us = calloc(td->o.iodepth, sizeof(*d->io_us));
	d->iovecs = calloc(td->o.iodepth, sizeof(*d->iovecs));
	if (!d->io_us || !d->iovecs) {
		td_verror(td, ENOMEM, "cint init");
		return 1;
	}
	if (cint_options_check(td, &d->set_params) || cint_support(td, d) ||
	    fio_cmdprio_init(td, &d->cmdprio, &o->cmdprio) || cint_stats_init(td))
		goto fail;
	if (o->cmd_type == CINT_CMD_NVME) {
		error = cint_passthrough_init(td, d);
		if (error)
			goto fail;
	}
	if (cint_stats_check(td))
		goto fail;
	cint_fill_data(td, d);
	return 0;
fail:
	td_verror(td, error, "cint init");
	return 1;
}

static int cint_io_u_init(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;

	d->io_us[io_u->index] = io_u;
	return 0;
}

static void cint_cleanup(struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	unsigned int i;

	if (!d)
		return;
	if (d->ring_open)
		cint_stats_write(td);
	cint_stock_cleanup(td, d);
	if (d->ring_open)
		io_uring_queue_exit(&d->ring);
	for (i = 0; i < d->fds_nr; i++)
		close(d->fds[i]);
	fio_cmdprio_cleanup(&d->cmdprio);
	free(d->samples);
	free(d->trims);
	free(d->namespaces);
	free(d->fds);
	free(d->iovecs);
	free(d->io_us);
	free(d);
}

/* fio looks for the symbol "ioengine" in what it loads. */
struct ioengine_ops ioengine = {
	.name			= "cint",
	.version		= FIO_IOOPS_VERSION,
	.flags			= FIO_ASYNCIO_SYNC_TRIM | FIO_NO_OFFLOAD |
				  FIO_ASYNCIO_SETS_ISSUE_TIME
#if CINT_FIO_ATOMIC
				  | FIO_ATOMICWRITES
#endif
				  ,
	.init			= cint_init,
	.post_init		= cint_post_init,
	.io_u_init		= cint_io_u_init,
	.prep			= cint_prep,
	.queue			= cint_queue,
	.commit			= cint_commit,
	.getevents		= cint_getevents,
	.event			= cint_event,
	.cleanup		= cint_cleanup,
	.open_file		= cint_open_file,
	.close_file		= cint_close_file,
	.get_file_size		= cint_get_file_size,
	.options		= cint_fio_options,
	.option_struct_size	= sizeof(struct cint_options),
};

/* A fio without the variable has another layout in any case. */
#pragma weak fio_version_string

/*
 * fio compares one interface version, but the structures it shares with engines
 * change in between.  This runs as soon as fio loads the engine, before it reads
 * anything: a version that cannot match makes fio refuse it.
 */
__attribute__((constructor))
static void cint_check_fio(void)
{
	if (!fio_version_string || strcmp(fio_version_string, CINT_FIO_VERSION)) {
		cint_say("cint: this engine was built for %s and cannot run in %s; "
			 "rebuild it against that version\n", CINT_FIO_VERSION,
			 fio_version_string ? fio_version_string : "this fio");
		ioengine.version = -FIO_IOOPS_VERSION;
	}
}

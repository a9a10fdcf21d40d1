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
#include <sys/mman.h>
#include <unistd.h>
#include "cint.h"

static const __u8 cint_opcodes[2][3] = {
	[DDIR_READ]  = { IORING_OP_READV, IORING_OP_READ, IORING_OP_READ_FIXED },
	[DDIR_WRITE] = { IORING_OP_WRITEV, IORING_OP_WRITE, IORING_OP_WRITE_FIXED },
};

/* Shared with the processes that fio forks, so that one of them speaks. */
static unsigned int *cint_told;

static int cint_prep(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	struct io_uring_sqe *sqe = &d->sqes[io_u->index];
	struct fio_file *f = io_u->file;

	if (o->registerfiles) {
		sqe->fd = (__s32)f->engine_pos;
		sqe->flags = IOSQE_FIXED_FILE;
	} else {
		sqe->fd = f->fd;
		sqe->flags = 0;
	}

	if (io_u->ddir == DDIR_READ || io_u->ddir == DDIR_WRITE) {
		sqe->ioprio = (__u16)td->ioprio;
		sqe->rw_flags = 0;
		sqe->off = io_u->offset;
		if (o->fixedbufs || o->nonvectored) {
			sqe->opcode = cint_opcodes[io_u->ddir][o->fixedbufs ? 2 : 1];
			sqe->addr = (uintptr_t)io_u->xfer_buf;
			sqe->len = (__u32)io_u->xfer_buflen;
			sqe->buf_index = o->fixedbufs ? (__u16)io_u->index : 0;
		} else {
			struct iovec *iov = &d->iovecs[io_u->index];

			iov->iov_base = io_u->xfer_buf;
			iov->iov_len = io_u->xfer_buflen;
			sqe->opcode = cint_opcodes[io_u->ddir][0];
			sqe->addr = (uintptr_t)iov;
			sqe->len = 1;
		}
	} else if (ddir_sync(io_u->ddir)) {
		/* fixed buffers leave an index that these opcodes refuse */
		sqe->ioprio = 0;
		sqe->addr = 0;
		sqe->buf_index = 0;
		if (io_u->ddir == DDIR_SYNC_FILE_RANGE) {
			sqe->opcode = IORING_OP_SYNC_FILE_RANGE;
			sqe->off = f->first_write;
			sqe->len = (__u32)(f->last_write - f->first_write);
			sqe->sync_range_flags = td->o.sync_file_range;
		} else {
			sqe->opcode = IORING_OP_FSYNC;
			sqe->off = 0;
			sqe->len = 0;
			sqe->fsync_flags = io_u->ddir == DDIR_DATASYNC ?
				IORING_FSYNC_DATASYNC : 0;
		}
	}
	sqe->user_data = (uintptr_t)io_u;
	return 0;
}

static void cint_mark_barrier(struct cint_data *d, struct io_uring_sqe *sqe)
{
	if (!cint_sqe_set_barrier(sqe))
		d->marked_barrier++;
}

static void cint_mark(struct thread_data *td, struct cint_data *d,
		      struct io_u *io_u, struct io_uring_sqe *sqe)
{
	struct cint_options *o = td->eo;
	unsigned int percentage;

	if (!ddir_rw(io_u->ddir)) {
		if (o->urgent_sync) {
			cint_sqe_set_urgent(sqe);
			d->marked_urgent++;
		}
		return;
	}

	/* fio seeds prio_state from randseed, so a run can be repeated */
	percentage = o->urgent_percentage[io_u->ddir];
	if (percentage && rand_between(&td->prio_state, 0, 99) < percentage) {
		cint_sqe_set_urgent(sqe);
		io_u->ioprio = CINT_LABEL_URGENT;
		io_u->clat_prio_index = CINT_URGENT_CLASS;
		d->marked_urgent++;
	}
	if (o->barrier_every && ++d->since_barrier >= o->barrier_every) {
		d->since_barrier = 0;
		cint_mark_barrier(d, sqe);
	}
}

static enum fio_q_status cint_queue(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;

	fio_ro_check(td, io_u);

	if (d->queued > d->sq_mask)
		return FIO_Q_BUSY;

	/* io_uring has no discard before 6.12, and fio expects it to be done */
	if (io_u->ddir == DDIR_TRIM) {
		if (d->queued)
			return FIO_Q_BUSY;
		do_io_u_trim(td, io_u);
		io_u_mark_submit(td, 1);
		io_u_mark_complete(td, 1);
		return FIO_Q_COMPLETED;
	}

	if (d->marking)
		cint_mark(td, d, io_u, &d->sqes[io_u->index]);
	d->sq_array[d->sq_tail++ & d->sq_mask] = io_u->index;
	d->queued++;
	return FIO_Q_QUEUED;
}

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

static int cint_commit(struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	int ret;

	if (!d->queued)
		return 0;

	if (o->barrier_batch)
		cint_mark_barrier(d, &d->sqes[d->sq_array[(d->sq_tail - 1) & d->sq_mask]]);
	io_uring_smp_store_release(d->ring.sq.ktail, d->sq_tail);

	while (d->queued) {
		ret = io_uring_enter((unsigned int)d->ring.ring_fd, d->queued, 0,
				     IORING_ENTER_GETEVENTS, NULL);
		d->enters++;
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

static int cint_getevents(struct thread_data *td, unsigned int min,
			  unsigned int max, const struct timespec *t)
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
		ret = io_uring_enter((unsigned int)d->ring.ring_fd, 0,
				     wait ? min - events : 0,
				     IORING_ENTER_GETEVENTS, NULL);
		d->enters++;
		if (ret < 0 && ret != -EAGAIN && ret != -EINTR) {
			td_verror(td, -ret, "io_uring_enter getevents");
			return ret;
		}
		/* one look is all that was asked for */
		polled = !min;
	}
	return (int)events;
}

static struct io_u *cint_event(struct thread_data *td, int event)
{
	struct cint_data *d = td->io_ops_data;
	struct io_uring_cq *cq = &d->ring.cq;
	unsigned int index = (d->event_head + (unsigned int)event) & cq->ring_mask;
	struct io_uring_cqe *cqe = &cq->cqes[index];
	struct io_u *io_u = (struct io_u *)(uintptr_t)cqe->user_data;

	io_u->error = 0;
	if (cqe->res < 0)
		io_u->error = (unsigned int)-cqe->res;
	else if (ddir_rw(io_u->ddir))
		io_u->resid = io_u->xfer_buflen - (unsigned int)cqe->res;
	return io_u;
}

static int cint_register_files(struct thread_data *td, struct cint_data *d)
{
	struct fio_file *f;
	unsigned int i;
	int ret;

	d->fds = calloc(td->o.nr_files, sizeof(*d->fds));
	if (!d->fds)
		return -ENOMEM;
	for_each_file(td, f, i) {
		if (generic_open_file(td, f))
			return -(td->error ?: EIO);
		d->fds[d->fds_nr++] = f->fd;
		f->engine_pos = i;
		/* fio opens it itself, later, and finds this one */
		f->fd = -1;
	}
	ret = io_uring_register_files(&d->ring, d->fds, d->fds_nr);
	if (ret < 0)
		log_err("cint: registering %u files: %s\n", d->fds_nr, strerror(-ret));
	return ret;
}

static int cint_open_file(struct thread_data *td, struct fio_file *f)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;

	/* before post_init fio opens files only to lay them out */
	if (!d || !o->registerfiles || !d->fds)
		return generic_open_file(td, f);
	f->fd = d->fds[f->engine_pos];
	return 0;
}

static int cint_close_file(struct thread_data *td, struct fio_file *f)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;

	if (!d || !o->registerfiles || !d->fds)
		return generic_close_file(td, f);
	f->fd = -1;
	return 0;
}

static int cint_ring_init(struct thread_data *td, struct cint_data *d)
{
	struct cint_options *o = td->eo;
	struct io_uring_params p = {
		.flags		= IORING_SETUP_CQSIZE,
		.cq_entries	= td->o.iodepth,
	};
	unsigned int i;
	int fd, ret;

	if (o->hipri)
		p.flags |= IORING_SETUP_IOPOLL;
	if (o->defer_taskrun)
		p.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			   IORING_SETUP_COOP_TASKRUN;

	/* io_uring_queue_init() of a newer liburing gives a ring without array */
	fd = io_uring_setup(td->o.iodepth, &p);
	if (fd == -EINVAL && o->defer_taskrun) {
		p.flags &= ~(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			     IORING_SETUP_COOP_TASKRUN);
		fd = io_uring_setup(td->o.iodepth, &p);
	}
	if (fd < 0) {
		log_err("cint: io_uring_setup() with %u entries: %s\n",
			td->o.iodepth, strerror(-fd));
		return fd;
	}
	ret = io_uring_queue_mmap(fd, &p, &d->ring);
	if (ret < 0) {
		log_err("cint: mapping the ring: %s\n", strerror(-ret));
		close(fd);
		return ret;
	}
	d->ring_open = true;
	d->sqes = d->ring.sq.sqes;
	d->sq_array = d->ring.sq.array;
	d->sq_mask = p.sq_entries - 1;
	d->sq_tail = *d->ring.sq.ktail;
	memset(d->sqes, 0, p.sq_entries * sizeof(*d->sqes));

	for (i = 0; i < td->o.iodepth; i++) {
		d->iovecs[i].iov_base = d->io_us[i]->buf;
		d->iovecs[i].iov_len = td_max_bs(td);
	}
	if (!o->fixedbufs)
		return 0;
	ret = io_uring_register_buffers(&d->ring, d->iovecs, td->o.iodepth);
	if (ret < 0)
		log_err("cint: registering %u buffers of %llu bytes: %s%s\n",
			td->o.iodepth, (unsigned long long)td_max_bs(td), strerror(-ret),
			ret == -ENOMEM ? " (see ulimit -l)" : "");
	return ret;
}

static int cint_ring_params(struct thread_data *td, struct cint_data *d)
{
	struct cint_options *o = td->eo;
	int ret;

	if (o->policy == CINT_POLICY_DEVICE_DEFAULT)
		return 0;
	ret = cint_register(&d->ring, &d->set_params, NULL);
	if (!ret) {
		d->ring_params = true;
		return 0;
	}
	/* cint_init() has told, and has stopped if the job requires it */
	if (ret == -EOPNOTSUPP && !o->require)
		return 0;
	log_err("cint: setting the ring's parameters: %s\n", cint_strerror(ret));
	return ret;
}

static int cint_post_init(struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	int ret;

	ret = cint_ring_init(td, d);
	if (!ret)
		ret = cint_ring_params(td, d);
	if (!ret && o->registerfiles)
		ret = cint_register_files(td, d);
	if (ret < 0) {
		td_verror(td, -ret, "cint setup");
		return 1;
	}
	return 0;
}

/* JSON and terse output go where log_info() writes, and must stay clean. */
static void cint_tell(const char *what)
{
	if (output_format & (FIO_OUTPUT_JSON | FIO_OUTPUT_TERSE))
		log_err("%s", what);
	else
		log_info("%s", what);
	log_info_flush();
}

/* What the kernel makes of the marks: said once, and an error if required. */
static int cint_support(struct thread_data *td, struct cint_data *d)
{
	static const enum cint_feature needed[] = {
		CINT_FEATURE_SQE_URGENT, CINT_FEATURE_RWF_BARRIER,
		CINT_FEATURE_RING_PARAMS,
	};
	struct cint_options *o = td->eo;
	char text[256], line[320];
	unsigned int i, missing = 0;
	bool first;
	int ret;

	ret = cint_probe(&d->probe);
	if (ret < 0) {
		log_err("cint: asking the kernel what it supports: %s\n",
			cint_strerror(ret));
		return 1;
	}
	first = !cint_told || !__atomic_exchange_n(cint_told, 1, __ATOMIC_RELAXED);
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (d->probe.features & 1U << needed[i])
			continue;
		missing++;
		cint_probe_explain(&d->probe, needed[i], text, sizeof(text));
		if (o->require) {
			log_err("cint: cint_require=1, but %s\n", text);
		} else if (first) {
			snprintf(line, sizeof(line), "cint: %s\n", text);
			cint_tell(line);
		}
	}
	if (o->require && missing)
		return 1;
	if (first)
		cint_tell(missing ?
			  "cint: what is not supported is dropped; requests run unmarked\n" :
			  "cint: the kernel takes urgent and barrier marks and ring parameters\n");
	return 0;
}

static int cint_init(struct thread_data *td)
{
	struct cint_options *o = td->eo;
	struct cint_data *d;

	d = calloc(1, sizeof(*d));
	if (!d) {
		td_verror(td, ENOMEM, "cint init");
		return 1;
	}
	td->io_ops_data = d;
	d->io_us = calloc(td->o.iodepth, sizeof(*d->io_us));
	d->iovecs = calloc(td->o.iodepth, sizeof(*d->iovecs));
	if (!d->io_us || !d->iovecs) {
		td_verror(td, ENOMEM, "cint init");
		return 1;
	}
	if (cint_options_check(td, &d->set_params) || cint_support(td, d) ||
	    cint_stats_init(td)) {
		td_verror(td, EINVAL, "cint init");
		return 1;
	}
	d->marking = o->urgent_percentage[DDIR_READ] ||
		     o->urgent_percentage[DDIR_WRITE] || o->urgent_sync ||
		     o->barrier_every;
	return 0;
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
	if (d->ring_open) {
		cint_stats_write(td);
		io_uring_queue_exit(&d->ring);
	}
	for (i = 0; i < d->fds_nr; i++)
		close(d->fds[i]);
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
				  FIO_ASYNCIO_SETS_ISSUE_TIME,
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
	.get_file_size		= generic_get_file_size,
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
	void *page;

	if (!fio_version_string || strcmp(fio_version_string, CINT_FIO_VERSION)) {
		log_err("cint: this engine was built for %s and cannot run in %s; "
			"rebuild it against that version\n", CINT_FIO_VERSION,
			fio_version_string ? fio_version_string : "this fio");
		ioengine.version = -FIO_IOOPS_VERSION;
		return;
	}
	page = mmap(NULL, sizeof(*cint_told), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		cint_told = page;
}

__attribute__((destructor))
static void cint_unload(void)
{
	if (cint_told)
		munmap(cint_told, sizeof(*cint_told));
}

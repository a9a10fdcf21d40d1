// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marks and waits by the library's means, on a kernel that has no marks.
 *
 * The library counts SQEs in their order, so here that of an io_u is copied when fio
 * queues it.  The functions are a
 * table of their own, so that jobs whose marks go to the kernel, or that have none,
 * pay nothing for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cint.h"

static void cint_stock_mark(struct cint_data *d, struct io_uring_sqe *sqe, unsigned int marks)
{
	struct cint_ring *cring = d->stock->cring;

	if (marks & CINT_MARK_URGENT && !cint_set_urgent(cring, sqe))
		d->marked_urgent++;
	if (marks & CINT_MARK_BARRIER && !cint_set_barrier(cring, sqe))
		d->marked_barrier++;
}

static enum fio_q_status cint_stock_queue(struct thread_data *td, struct io_u *io_u)
{
	struct cint_data *d = td->io_ops_data;
	unsigned int at = d->sq_tail & d->sq_mask, marks = 0;
	struct io_uring_sqe *sqe;

	fio_ro_check(td, io_u);

	if (io_u->ddir == DDIR_TRIM && d->sync_trim)
		return cint_trim(td, io_u);
	if (d->queued > d->sq_mask || !io_uring_sq_space_left(&d->ring))
		return FIO_Q_BUSY;

	if (d->select)
		marks = cint_select_marks(td, d, io_u);
	sqe = io_uring_get_sqe(&d->ring);
	memcpy(sqe, cint_sqe(d, io_u->index), sizeof(*sqe) << d->passthrough);
	cint_stock_mark(d, sqe, marks);

	d->stock->last = sqe;
	d->stock->sq_ends[at] = d->ring.sq.sqe_tail;
	d->sq_array[at] = io_u->index;
	d->sq_tail++;
	d->queued++;
	return FIO_Q_QUEUED;
}

/* Those of the requests queued whose SQEs the kernel has taken. */
static void cint_stock_submitted(struct thread_data *td, struct cint_data *d)
{
	unsigned int head = io_uring_smp_load_acquire(d->ring.sq.khead);
	unsigned int first = d->sq_tail - d->queued, nr = 0;

	while (nr < d->queued &&
	       (int)(head - d->stock->sq_ends[(first + nr) & d->sq_mask]) >= 0)
		nr++;
	if (!nr)
		return;
	cint_issued(td, d, first, nr);
	io_u_mark_submit(td, nr);
	d->queued -= nr;
}

static int cint_stock_commit(struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	struct io_u *last;
	int ret;

	if (!d->queued)
		return 0;

	last = d->io_us[d->sq_array[(d->sq_tail - 1) & d->sq_mask]];
	if (o->barrier_batch && (last->ddir == DDIR_READ || last->ddir == DDIR_WRITE))
		cint_stock_mark(d, d->stock->last, CINT_MARK_BARRIER);
	while (d->queued) {
		d->enters++;
		ret = cint_submit(d->stock->cring);
		cint_stock_submitted(td, d);
		if (ret == -EAGAIN) {
			/* short of memory: those in flight will free some */
			usleep(1);
		} else if (ret < 0 && ret != -EINTR) {
			td_verror(td, -ret, "io_uring_enter submit");
			return ret;
		}
	}
	return 0;
}

/* Take what has completed, until there are max. */
static unsigned int cint_stock_take(struct cint_data *d, unsigned int events, unsigned int max)
{
	unsigned int head, seen = 0;
	struct io_uring_cqe *cqe;

	cint_for_each_cqe(d->stock->cring, head, cqe) {
		if (events == max)
			break;
		seen++;
		d->stock->done[events++] = (struct cint_done) {
			.io_u	= (struct io_u *)(uintptr_t)cqe->user_data,
			.res	= cqe->res,
		};
	}
	cint_cq_advance(d->stock->cring, seen);
	return events;
}

static int cint_stock_getevents(struct thread_data *td, unsigned int min,
				unsigned int max, const struct timespec *t fio_unused)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	/* a wait for one is as the parameters say, if there are any */
	const bool batches = min == 1 && o->policy != CINT_POLICY_DEVICE_DEFAULT;
	/*
	 * Fewer than asked for, if the library finds that these are worth it.  But who
	 * asks for all that are outstanding may be about to close the files.
	 */
	const bool early = min < td->cur_depth;
	struct io_uring_cqe *first;
	unsigned int events = 0;
	bool waited = false;
	int ret;

	for (;;) {
		events = cint_stock_take(d, events, max);
		if (events >= min && (events || waited))
			break;
		if (events && early && waited)
			break;
		if (min) {
			ret = cint_wait_cqes(d->stock->cring, &first,
					     batches ? 0 : min - events, NULL, NULL);
		} else {
			d->enters++;
			ret = io_uring_get_events(&d->ring);
		}
		if (ret < 0 && ret != -EAGAIN && ret != -EINTR) {
			td_verror(td, -ret, "io_uring_enter getevents");
			return ret;
		}
		waited = true;
	}
	return (int)events;
}

static struct io_u *cint_stock_event(struct thread_data *td, int event)
{
	struct cint_data *d = td->io_ops_data;
	const struct cint_done *done = &d->stock->done[event];

	if (d->samples && !event)
		fio_gettime(&d->event_time, NULL);
	return cint_finish(td, d, done->io_u, done->res);
}

/*
 * The engine's table with these functions.  fio has the address where all its processes
 * see it, so the table is filled when the engine is loaded, before it forks.
 */
static struct ioengine_ops cint_stock_ops;

__attribute__((constructor))
static void cint_stock_load(void)
{
	cint_stock_ops = ioengine;
	cint_stock_ops.queue = cint_stock_queue;
	cint_stock_ops.commit = cint_stock_commit;
	cint_stock_ops.getevents = cint_stock_getevents;
	cint_stock_ops.event = cint_stock_event;
}

int cint_stock_init(struct thread_data *td, struct cint_data *d)
{
	unsigned int size = 1;

	while (size < td->o.iodepth)
		size *= 2;
	d->stock = calloc(1, sizeof(*d->stock));
	if (!d->stock)
		return 1;
	d->stock->sqes = calloc(td->o.iodepth, 2 * sizeof(*d->stock->sqes));
	d->stock->sq_array = calloc(size, sizeof(*d->stock->sq_array));
	d->stock->sq_ends = calloc(size, sizeof(*d->stock->sq_ends));
	d->stock->done = calloc(td->o.iodepth, sizeof(*d->stock->done));
	if (!d->stock->sqes || !d->stock->sq_array || !d->stock->sq_ends || !d->stock->done)
		return 1;
	d->sqes = d->stock->sqes;
	d->sq_array = d->stock->sq_array;
	d->sq_mask = size - 1;
	td->io_ops = &cint_stock_ops;
	return 0;
}

/* The ring is there: the backend is chosen by what it and the kernel are. */
int cint_stock_attach(struct thread_data *td, struct cint_data *d)
{
	struct cint_options *o = td->eo;
	char text[640];
	int ret;

	ret = cint_attach(&d->ring, o->policy == CINT_POLICY_DEVICE_DEFAULT ? NULL :
			  &d->set_params, 0, &d->stock->cring);
	if (ret < 0) {
		cint_say("cint: attaching the library to the ring: %s\n", cint_strerror(ret));
		return ret;
	}
	if (!o->verbose || !cint_first_to_tell(CINT_TOLD_BACKEND))
		return 0;
	cint_explain(d->stock->cring, text, sizeof(text));
	cint_say("cint: backend %s\n", text);
	return 0;
}

void cint_stock_cleanup(struct thread_data *td, struct cint_data *d)
{
	if (!d->stock)
		return;
	/* fio has the handle of the shared object there */
	td->io_ops = &ioengine;
	cint_detach(d->stock->cring);
	free(d->stock->sqes);
	free(d->stock->sq_array);
	free(d->stock->sq_ends);
	free(d->stock->done);
	free(d->stock);
	d->stock = NULL;
}

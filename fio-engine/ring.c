// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The ring of a job: how it is set up, what is registered with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cint.h"

/* The kernel's limit for the SQ ring; that of the CQ ring is twice as much. */
#define CINT_ENTRIES_MAX	32768U

/* Not every kernel has the flags that save interruptions of this thread. */
#define CINT_TASKRUN_FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | \
				 IORING_SETUP_COOP_TASKRUN)

static int cint_ring_set_up(struct cint_data *d, unsigned int entries,
			    struct io_uring_params *p)
{
	int fd, ret;

	if (d->stock)
		return io_uring_queue_init_params(entries, &d->ring, p);
	/* with a newer liburing that gives a ring without array */
	fd = io_uring_setup(entries, p);
	if (fd < 0)
		return fd;
	ret = io_uring_queue_mmap(fd, p, &d->ring);
	if (ret < 0)
		close(fd);
	return ret;
}

/* The library's SQEs have room beside those of all requests, and so have their CQEs. */
static unsigned int cint_ring_entries(struct thread_data *td, const struct cint_data *d)
{
	if (!d->stock)
		return td->o.iodepth;
	return max(td->o.iodepth, min(2 * td->o.iodepth, CINT_ENTRIES_MAX));
}

/* Who forbids io_uring: the administrator, or what a container may call. */
static void cint_ring_forbidden(void)
{
	const char *path = "/proc/sys/kernel/io_uring_disabled";
	FILE *file = fopen(path, "re");
	int disabled = 0;

	if (file && fscanf(file, "%d", &disabled) != 1)
		disabled = 0;
	if (file)
		fclose(file);
	if (disabled)
		cint_say("cint: io_uring is forbidden: kernel.io_uring_disabled is %d; 'sysctl "
			 "kernel.io_uring_disabled=0' allows it\n", disabled);
	else
		cint_say("cint: io_uring is forbidden, although kernel.io_uring_disabled is 0: "
			 "a seccomp filter, such as that of a container, or a security "
			 "module does it\n");
}

static int cint_ring_open(struct thread_data *td, struct cint_data *d,
			  struct io_uring_params *p)
{
	const unsigned int entries = cint_ring_entries(td, d);
	struct cint_options *o = td->eo;
	int ret;

	if (o->hipri)
		p->flags |= IORING_SETUP_IOPOLL;
	if (o->cmd_type == CINT_CMD_NVME)
		p->flags |= IORING_SETUP_SQE128 | IORING_SETUP_CQE32;
	if (o->sqpoll) {
		/* its thread runs what the taskrun flags would leave to this one */
		p->flags |= IORING_SETUP_SQPOLL;
		if (o->sqpoll_cpu_set) {
			p->flags |= IORING_SETUP_SQ_AFF;
			p->sq_thread_cpu = o->sqpoll_cpu;
		}
	} else if (o->defer_taskrun) {
		p->flags |= CINT_TASKRUN_FLAGS;
	}

	ret = cint_ring_set_up(d, entries, p);
	if (ret == -EINVAL && p->flags & IORING_SETUP_DEFER_TASKRUN) {
		p->flags &= ~CINT_TASKRUN_FLAGS;
		ret = cint_ring_set_up(d, entries, p);
	}
	if (ret >= 0)
		return 0;
	cint_say("cint: setting up a ring of %u entries: %s\n", entries, strerror(-ret));
	if (ret == -EPERM)
		cint_ring_forbidden();
	if (ret == -EINVAL && o->sqpoll_cpu_set)
		cint_say("cint: is there no CPU %u, or is this process kept off it? "
			 "(sqthread_poll_cpu)\n", o->sqpoll_cpu);
	if (ret == -EINVAL && o->cmd_type == CINT_CMD_NVME)
		cint_say("cint: cmd_type=nvme needs Linux 5.19 or later\n");
	return ret;
}

static int cint_ring_init(struct thread_data *td, struct cint_data *d)
{
	struct cint_options *o = td->eo;
	struct io_uring_params p = {
		.flags		= IORING_SETUP_CQSIZE,
		.cq_entries	= td->o.iodepth << !!d->stock,
	};
	unsigned int i;
	int ret;

	ret = cint_ring_open(td, d, &p);
	if (ret < 0)
		return ret;
	d->ring_open = true;
	if (!d->stock) {
		d->sqes = d->ring.sq.sqes;
		d->sq_array = d->ring.sq.array;
		d->sq_mask = p.sq_entries - 1;
		d->sq_tail = *d->ring.sq.ktail;
		memset(d->sqes, 0, (p.sq_entries * sizeof(*d->sqes)) << d->passthrough);
	}

	for (i = 0; i < td->o.iodepth; i++) {
		d->iovecs[i].iov_base = d->io_us[i]->buf;
		d->iovecs[i].iov_len = td_max_bs(td);
	}
	if (!o->fixedbufs)
		return 0;
	ret = io_uring_register_buffers(&d->ring, d->iovecs, td->o.iodepth);
	if (ret < 0)
		cint_say("cint: registering %u buffers of %llu bytes: %s%s\n",
			 td->o.iodepth, (unsigned long long)td_max_bs(td), strerror(-ret),
			 ret == -ENOMEM ? " (see ulimit -l)" : "");
	return ret;
}

static int cint_ring_params(struct thread_data *td, struct cint_data *d)
{
	struct cint_options *o = td->eo;
	int ret;

	if (d->stock)
		return cint_stock_attach(td, d);
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
	cint_say("cint: setting the ring's parameters: %s\n", cint_strerror(ret));
	return ret;
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
		cint_say("cint: registering %u files: %s\n", d->fds_nr, strerror(-ret));
	return ret;
}

int cint_post_init(struct thread_data *td)
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
	/* spares each system call the look for the file; without it, it is looked for */
	if (io_uring_register_ring_fd(&d->ring) == 1)
		d->enter_flags = IORING_ENTER_REGISTERED_RING;
	return 0;
}

int cint_open_file(struct thread_data *td, struct fio_file *f)
{
	struct cint_data *d = td->io_ops_data;

	/* before post_init fio opens files only to lay them out */
	if (!d || !d->fds)
		return generic_open_file(td, f);
	f->fd = d->fds[f->engine_pos];
	return 0;
}

int cint_close_file(struct thread_data *td, struct fio_file *f)
{
	struct cint_data *d = td->io_ops_data;

	if (!d || !d->fds)
		return generic_close_file(td, f);
	f->fd = -1;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A minimal io_uring, libaio and preadv2 by their system calls, and the
 * constants of completion urgency for headers that are older.
 */
#ifndef CINT_SELFTEST_RING_H
#define CINT_SELFTEST_RING_H

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/cint.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef IOSQE_URGENT
#define IOSQE_URGENT	(1U << 7)
#endif
#ifndef RWF_URGENT
#define RWF_URGENT	0x4000
#endif
#ifndef RWF_BARRIER
#define RWF_BARRIER	0x8000
#endif

/* IORING_REGISTER_CINT and IORING_UNREGISTER_CINT are enumerators */
#define REGISTER_CINT	60
#define UNREGISTER_CINT	61

#define WAIT_SECONDS	20	/* generous: only a lost completion takes it */

struct ring {
	int			fd;
	unsigned int		entries;
	unsigned int		sqe_shift;	/* 0, or 1 for SQE128 */
	unsigned int		cqe_shift;	/* 0, or 1 for CQE32 */
	unsigned int		queued;
	unsigned int		*sq_tail, *sq_mask, *sq_array;
	unsigned int		*cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe	*sqes;
	struct io_uring_cqe	*cqes;
	void			*sq_map, *cq_map;
	size_t			sq_len, cq_len, sqe_len;
};

/* Returns 0 or -errno. */
static inline int ring_open(struct ring *r, unsigned int entries,
			    unsigned int flags)
{
	struct io_uring_params p = { .flags = flags };

	memset(r, 0, sizeof(*r));
	r->fd = syscall(__NR_io_uring_setup, entries, &p);
	if (r->fd < 0)
		return -errno;
	r->entries = p.sq_entries;
	r->sqe_shift = !!(flags & IORING_SETUP_SQE128);
	r->cqe_shift = !!(flags & IORING_SETUP_CQE32);
	r->sq_len = p.sq_off.array + p.sq_entries * sizeof(__u32);
	r->cq_len = p.cq_off.cqes +
		    ((p.cq_entries * sizeof(struct io_uring_cqe)) << r->cqe_shift);
	r->sqe_len = (p.sq_entries * sizeof(struct io_uring_sqe)) << r->sqe_shift;
	r->sq_map = mmap(NULL, r->sq_len, PROT_READ | PROT_WRITE, MAP_SHARED,
			 r->fd, IORING_OFF_SQ_RING);
	r->cq_map = mmap(NULL, r->cq_len, PROT_READ | PROT_WRITE, MAP_SHARED,
			 r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, r->sqe_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		       r->fd, IORING_OFF_SQES);
	if (r->sq_map == MAP_FAILED || r->cq_map == MAP_FAILED ||
	    (void *)r->sqes == MAP_FAILED) {
		close(r->fd);
		return -ENOMEM;
	}
	r->sq_tail = r->sq_map + p.sq_off.tail;
	r->sq_mask = r->sq_map + p.sq_off.ring_mask;
	r->sq_array = r->sq_map + p.sq_off.array;
	r->cq_head = r->cq_map + p.cq_off.head;
	r->cq_tail = r->cq_map + p.cq_off.tail;
	r->cq_mask = r->cq_map + p.cq_off.ring_mask;
	r->cqes = r->cq_map + p.cq_off.cqes;
	return 0;
}

static inline void ring_close(struct ring *r)
{
	munmap(r->sqes, r->sqe_len);
	munmap(r->cq_map, r->cq_len);
	munmap(r->sq_map, r->sq_len);
	close(r->fd);
}

/* The next SQE, cleared; the caller never queues more than there are entries. */
static inline struct io_uring_sqe *ring_sqe(struct ring *r, int op, int fd,
					    const void *addr, unsigned int len,
					    uint64_t off, uint64_t user_data)
{
	unsigned int index = (*r->sq_tail + r->queued++) & *r->sq_mask;
	struct io_uring_sqe *sqe = &r->sqes[index << r->sqe_shift];

	memset(sqe, 0, sizeof(*sqe) << r->sqe_shift);
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (unsigned long)addr;
	sqe->len = len;
	sqe->off = off;
	sqe->user_data = user_data;
	r->sq_array[index] = index;
	return sqe;
}

/* Returns how many were submitted, or -errno. */
static inline int ring_submit(struct ring *r)
{
	unsigned int nr = r->queued;
	int ret;

	__atomic_store_n(r->sq_tail, *r->sq_tail + nr, __ATOMIC_RELEASE);
	r->queued = 0;
	ret = syscall(__NR_io_uring_enter, r->fd, nr, 0, 0, NULL, 0);
	return ret < 0 ? -errno : ret;
}

static inline bool ring_peek(struct ring *r, struct io_uring_cqe *cqe)
{
	unsigned int head = *r->cq_head;

	if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*cqe = r->cqes[(head & *r->cq_mask) << r->cqe_shift];
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

/* Waits for one CQE. Returns 0, -ETIME after WAIT_SECONDS, or -errno. */
static inline int ring_wait(struct ring *r, struct io_uring_cqe *cqe)
{
	struct __kernel_timespec ts = { .tv_sec = WAIT_SECONDS };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };

	while (!ring_peek(r, cqe)) {
		if (syscall(__NR_io_uring_enter, r->fd, 0, 1,
			    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
			    &arg, sizeof(arg)) < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* How many completions there are to be taken. */
static inline unsigned int ring_ready(struct ring *r)
{
	return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) - *r->cq_head;
}

/* Takes all there are. */
static inline unsigned int ring_take(struct ring *r)
{
	unsigned int nr = ring_ready(r);

	__atomic_store_n(r->cq_head, *r->cq_head + nr, __ATOMIC_RELEASE);
	return nr;
}

/*
 * One wait, for nr completions, without end. Returns 0 or -errno; how many there
 * are then is another matter.
 */
static inline int ring_wait_nr(struct ring *r, unsigned int nr)
{
	int ret = syscall(__NR_io_uring_enter, r->fd, 0, nr,
			  IORING_ENTER_GETEVENTS, NULL, 0);

	return ret < 0 ? -errno : 0;
}

/* Submits what is queued and waits for one completion: its result. */
static inline int ring_do(struct ring *r)
{
	struct io_uring_cqe cqe;
	int ret = ring_submit(r);

	if (ret < 0)
		return ret;
	ret = ring_wait(r, &cqe);
	return ret ? ret : cqe.res;
}

static inline int ring_register(struct ring *r, unsigned int op, void *arg,
				unsigned int nr)
{
	int ret = syscall(__NR_io_uring_register, r->fd, op, arg, nr);

	return ret < 0 ? -errno : ret;
}

/* Valid parameters that differ from any default. */
static inline struct io_uring_cint ring_params(unsigned int policy,
					       unsigned int threshold)
{
	return (struct io_uring_cint) {
		.size = sizeof(struct io_uring_cint),
		.version = IORING_CINT_VERSION,
		.policy = policy,
		.flags = IORING_CINT_OOO,
		.threshold = threshold,
		.delta_ns = 9000000,
		.delta_min_ns = 1000,
		.max_hold_ns = CINT_DELAY_MAX_NS,
		.correction = 1234,
	};
}

static inline int ring_query(struct ring *r, struct io_uring_cint *reg)
{
	*reg = (struct io_uring_cint) {
		.size = sizeof(*reg), .version = IORING_CINT_VERSION,
		.flags = IORING_CINT_QUERY,
	};
	return ring_register(r, REGISTER_CINT, reg, 1);
}

/* The same with the counters of wakeups. */
static inline int ring_query_wakeups(struct ring *r,
				     struct io_uring_cint_ring *reg)
{
	*reg = (struct io_uring_cint_ring) {
		.cint.size = sizeof(*reg),
		.cint.version = IORING_CINT_VERSION_RING,
		.cint.flags = IORING_CINT_QUERY,
	};
	return ring_register(r, REGISTER_CINT, reg, 1);
}

/* preadv2 and pwritev2, past the C library, which may not know the flags */
static inline ssize_t cint_preadv2(int fd, void *buf, size_t len, off_t off,
				   int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };

	return syscall(__NR_preadv2, fd, &iov, 1, off, 0, flags);
}

static inline ssize_t cint_pwritev2(int fd, const void *buf, size_t len,
				    off_t off, int flags)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };

	return syscall(__NR_pwritev2, fd, &iov, 1, off, 0, flags);
}

/* One request by libaio's system calls: its result, or -errno. */
static inline int cint_aio(int opcode, int fd, void *buf, size_t len, off_t off,
			   int rw_flags)
{
	struct iocb iocb = {
		.aio_lio_opcode = opcode, .aio_fildes = fd,
		.aio_buf = (unsigned long)buf, .aio_nbytes = len,
		.aio_offset = off, .aio_rw_flags = rw_flags,
	}, *list = &iocb;
	aio_context_t ctx = 0;
	struct io_event event;
	int ret;

	if (syscall(__NR_io_setup, 1, &ctx) < 0)
		return -errno;
	ret = syscall(__NR_io_submit, ctx, 1, &list);
	if (ret < 0)
		ret = -errno;
	else if (syscall(__NR_io_getevents, ctx, 1, 1, &event, NULL) < 0)
		ret = -errno;
	else
		ret = event.res;
	syscall(__NR_io_destroy, ctx);
	return ret;
}

#endif /* CINT_SELFTEST_RING_H */

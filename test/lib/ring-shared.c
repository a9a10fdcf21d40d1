// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings of several threads, of a process that forks, rings that are resized, and
 * rings with large entries.
 */
#include <sys/mman.h>
#include "ring.h"

#define THREADS		4
#define ROUNDS		200

static void urgent_rounds(struct test_ring *t, unsigned int rounds)
{
	struct io_uring_cqe *cqe;
	unsigned int i, nr;

	for (i = 0; i < rounds; i++) {
		CHECK_EQ(cint_set_urgent(t->cring, test_quick(t)), 0);
		test_finish(t);
		CHECK(cint_submit_and_wait_timeout(t->cring, &cqe, 32, test_limit(), NULL) > 0);
		CHECK(test_take(t, &nr));
		CHECK_EQ(nr, 1);
	}
}

/*
 * A ring for each, taken down when all are done: the thread sanitizer would take one
 * ring's memory for that of the next.
 */
static void *own_ring(void *arg)
{
	struct test_ring t;

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, 0));
	test_stuck(&t, 31);
	urgent_rounds(&t, ROUNDS);
	if (arg)
		pthread_barrier_wait(arg);
	test_detach(&t);
	return arg;
}

static void own_rings(void)
{
	pthread_t thread[THREADS];
	pthread_barrier_t done;
	unsigned int i;

	CHECK_EQ(pthread_barrier_init(&done, NULL, THREADS), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, own_ring, &done), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

/* One ring for all, and a lock. */
static struct test_ring shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *locked(void *arg)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		urgent_rounds(&shared, 1);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

/* One thread submits and marks, another waits. */
static void *submitter(void *arg)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 8 == 7)
			CHECK_EQ(cint_set_barrier(shared.cring, test_quick(&shared)), 0);
		else
			CHECK_EQ(cint_set_urgent(shared.cring, test_quick(&shared)), 0);
		CHECK(io_uring_submit(&shared.ring) > 0);
		test_finish(&shared);
		if (i % 16 == 0)
			usleep(100);
	}
	return arg;
}

static void together(void)
{
	pthread_t thread[THREADS];
	struct io_uring_cqe *cqe;
	unsigned int i, got = 0;

	CHECK(test_attach(&shared, 64, 0, NULL, CINT_RING_SHARED));
	test_stuck(&shared, 31);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, locked, NULL), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);

	CHECK_EQ(pthread_create(&thread[0], NULL, submitter, NULL), 0);
	while (got < ROUNDS) {
		CHECK_EQ(cint_wait_cqes(shared.cring, &cqe, 32, test_limit(), NULL), 0);
		while (!cint_peek_cqe(shared.cring, &cqe)) {
			CHECK_EQ(cqe->res, 1);
			CHECK_EQ(cqe->user_data, TEST_URGENT);
			cint_cqe_seen(shared.cring, cqe);
			got++;
		}
	}
	CHECK_EQ(got, ROUNDS);
	CHECK_EQ(pthread_join(thread[0], NULL), 0);
	/* CQEs were taken that came after the last wait */
	CHECK_EQ(cint_wait_cqes(shared.cring, &cqe, 1,
				&(struct __kernel_timespec) { .tv_nsec = 1000 }, NULL), -ETIME);
	if (test_library_waits(&shared))
		CHECK_EQ(test_stats(&shared).outstanding, 31);
	test_detach(&shared);
}

/*
 * The same on a ring that the application mapped: what one side publishes and the other
 * takes is seen by both.
 */
static struct io_uring mine;
static struct cint_ring *mine_cring;

static void *mapped_submitter(void *arg)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < ROUNDS * 10; i++) {
		sqe = &mine.sq.sqes[i & mine.sq.ring_mask];
		io_uring_prep_nop(sqe);
		sqe->user_data = i;
		if (i % 8 == 7)
			CHECK_EQ(cint_set_barrier(mine_cring, sqe), 0);
		if (i % 3 == 2)
			CHECK_EQ(cint_set_urgent(mine_cring, sqe), 0);
		__atomic_store_n(mine.sq.ktail, i + 1, __ATOMIC_RELEASE);
		CHECK_EQ(io_uring_enter((unsigned int)mine.ring_fd, 1, 0, 0, NULL), 1);
	}
	return arg;
}

static void mapped_sides(void)
{
	struct io_uring_params p = { 0 };
	int fd = io_uring_setup(64, &p);
	struct cint_wait_plan plan;
	struct io_uring_cqe *cqe;
	struct cint_stats stats;
	unsigned int i, got = 0;
	pthread_t thread;

	CHECK(fd >= 0);
	CHECK_EQ(io_uring_queue_mmap(fd, &p, &mine), 0);
	/* not by every version of liburing */
	mine.ring_fd = fd;
	mine.enter_ring_fd = fd;
	for (i = 0; i < p.sq_entries; i++)
		mine.sq.array[i] = i;
	CHECK_EQ(cint_attach_mapped(fd, &p, mine.sq.ring_ptr, mine.cq.ring_ptr, mine.sq.sqes,
				    NULL, CINT_RING_SHARED, &mine_cring), 0);
	CHECK_EQ(pthread_create(&thread, NULL, mapped_submitter, NULL), 0);
	while (got < ROUNDS * 10) {
		if (cint_plan(mine_cring, 32, 0, &plan))
			CHECK_EQ(io_uring_enter((unsigned int)fd, 0, plan.wait_nr,
						IORING_ENTER_GETEVENTS, NULL), 0);
		while (!io_uring_peek_cqe(&mine, &cqe)) {
			CHECK_EQ(cqe->user_data, got++);
			cint_cqe_taken(mine_cring, cqe);
			io_uring_cqe_seen(&mine, cqe);
		}
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	cint_get_stats(mine_cring, &stats);
	CHECK_EQ(stats.outstanding, 0);
	cint_detach(mine_cring);
	io_uring_queue_exit(&mine);
}

/* A child gives back its copy, and the parent's ring goes on; it may have its own. */
static struct test_ring parents;

static void child(void)
{
	cint_detach(parents.cring);
	own_ring(NULL);
}

static void forks(void)
{
	struct io_uring_cint params, out;

	cint_params_init(&params);
	CHECK(test_attach(&parents, 64, TEST_DEFER, NULL, 0));
	test_stuck(&parents, 31);
	urgent_rounds(&parents, 10);
	test_in_child(child);
	urgent_rounds(&parents, 10);

	/* nor does the child take the ring's parameters away */
	CHECK_EQ(cint_set_params(parents.cring, &params), 0);
	test_in_child(child);
	if (!cint_query(&parents.ring, &out))
		CHECK_EQ(out.threshold, params.threshold);
	test_detach(&parents);
}

/* Newer than liburing 2.3. */
#define TEST_SETUP_NO_SQARRAY	(1U << 16)
#define TEST_REGISTER_RESIZE	33

/* A ring as newer versions of liburing make it, without the array that is in the way. */
static bool resizable(struct io_uring *ring, unsigned int entries)
{
	struct io_uring_params p = { .flags = TEST_DEFER | TEST_SETUP_NO_SQARRAY };
	int fd = io_uring_setup(entries, &p);

	if (fd < 0) {
		CHECK_EQ(fd, -EINVAL);
		return false;
	}
	CHECK_EQ(io_uring_queue_mmap(fd, &p, ring), 0);
	ring->features = p.features;
	/* not by every version of liburing */
	ring->ring_fd = fd;
	ring->enter_ring_fd = fd;
	return true;
}

/* As liburing's io_uring_resize_rings() does. */
static int resize(struct io_uring *ring, unsigned int entries)
{
	struct io_uring_params p = { .sq_entries = entries, .cq_entries = entries * 2,
				     .flags = IORING_SETUP_CQSIZE };
	struct io_uring mapped;
	int ret;

	ret = io_uring_register((unsigned int)ring->ring_fd, TEST_REGISTER_RESIZE, &p, 1);
	if (ret < 0)
		return ret;
	CHECK_EQ(io_uring_queue_mmap(ring->ring_fd, &p, &mapped), 0);
	munmap(ring->sq.sqes, ring->sq.ring_entries * sizeof(*ring->sq.sqes));
	munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
	mapped.sq.sqe_head = ring->sq.sqe_head;
	mapped.sq.sqe_tail = ring->sq.sqe_tail;
	ring->sq = mapped.sq;
	ring->cq = mapped.cq;
	return 0;
}

static void resized(void)
{
	struct test_ring t;
	unsigned int entries = 64;
	int i, ret;

	if (!resizable(&t.ring, entries)) {
		test_skip_part("rings that are resized", "this kernel has no "
			       "IORING_SETUP_NO_SQARRAY (6.6)");
		return;
	}
	test_attach_to(&t, NULL, 0);
	test_stuck(&t, 31);
	for (i = 0; i < 6; i++) {
		urgent_rounds(&t, 20);
		entries = entries == 64 ? 256 : 64;
		ret = resize(&t.ring, entries);
		if (ret == -EINVAL) {
			test_skip_part("rings that are resized", "this kernel has no "
				       "IORING_REGISTER_RESIZE_RINGS (6.13)");
			break;
		}
		CHECK_EQ(ret, 0);
		CHECK_EQ(t.ring.sq.ring_entries, entries);
	}
	urgent_rounds(&t, 20);
	if (test_library_waits(&t))
		CHECK_EQ(test_stats(&t).outstanding, 31);
	test_detach(&t);
}

/* SQEs and CQEs of twice the size; the library's CQEs are among them. */
static void large(unsigned int flags)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct test_ring t;
	unsigned int i;

	if (!test_attach(&t, 64, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, NULL, flags))
		return;
	test_stuck(&t, 31);
	urgent_rounds(&t, 100);
	for (i = 0; i < 100; i++) {
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->user_data = 7;
		sqe = test_quick(&t);
		sqe->opcode = 250;
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 2, test_limit(), NULL) > 0);
		CHECK_EQ(cqe->user_data, 7);
		cint_cqe_seen(t.cring, cqe);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, test_limit(), NULL), 0);
		CHECK_EQ(cqe->user_data, TEST_URGENT);
		CHECK_EQ(cqe->res, -EINVAL);
		cint_cqe_seen(t.cring, cqe);
	}
	test_detach(&t);
}

int main(void)
{
	test_ring_or_skip();
	own_rings();
	together();
	mapped_sides();
	forks();
	resized();
	large(0);
	large(CINT_RING_LINK);
	return test_end();
}

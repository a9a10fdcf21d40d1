/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * For the tests of attached rings: a ring with requests that never complete,
 * and a request that completes when it is told to.
 */
#ifndef CINT_TEST_RING_H
#define CINT_TEST_RING_H

#include <pthread.h>
#include <time.h>
#include "helpers.h"

/* How long a wait takes that nothing ends: long enough for the slowest machine. */
#define TEST_LIMIT_NS	30000000000LL

#define TEST_DEFER	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define TEST_URGENT	1000
#define TEST_MAX_STUCK	64

struct test_ring {
	struct io_uring		ring;
	struct cint_ring	*cring;
	unsigned int		flags;		/* CINT_RING_* */
	int			stuck[2];	/* a pipe nobody writes to */
	int			quick[2];
	char			byte[TEST_MAX_STUCK + 1];
};

static inline const struct __kernel_timespec *test_limit(void)
{
	static const struct __kernel_timespec limit = { .tv_sec = TEST_LIMIT_NS / 1000000000LL };

	return &limit;
}

/*
 * True if the library decides about waits, false if the kernel does, or nobody.  A
 * kernel that takes the parameters and gathers is no subject of these tests.
 */
static inline bool test_library_waits(const struct test_ring *t)
{
	char text[1024];

	CHECK(cint_explain(t->cring, text, sizeof(text)) < (int)sizeof(text));
	return cint_backend(t->cring) != CINT_BACKEND_NONE &&
	       !strstr(text, "waits with parameters are the kernel's");
}

/* True if an urgent request gets an SQE of the library behind it. */
static inline bool test_has_links(const struct test_ring *t)
{
	return test_library_waits(t) && t->flags & CINT_RING_LINK;
}

static inline void test_attach_to(struct test_ring *t, const struct io_uring_cint *params,
				  unsigned int flags)
{
	t->flags = flags;
	CHECK_EQ(cint_attach(&t->ring, params, flags, &t->cring), 0);
	CHECK_EQ(pipe(t->stuck), 0);
	CHECK_EQ(pipe(t->quick), 0);
}

/* Of a ring whose batches are of 8, or as old as the longest time allowed. */
static inline struct io_uring_cint test_batches(__u16 policy)
{
	struct io_uring_cint params;

	cint_params_init(&params);
	params.policy = policy;
	params.threshold = 8;
	params.delta_ns = CINT_DELAY_MAX_NS;
	params.delta_min_ns = CINT_DELAY_MAX_NS;
	params.max_hold_ns = CINT_DELAY_MAX_NS;
	return params;
}

/* A ring that the application made, attached; false, and reported, if there is no such. */
static inline bool test_attach(struct test_ring *t, unsigned int entries, unsigned int setup,
			       const struct io_uring_cint *params, unsigned int flags)
{
	int ret = io_uring_queue_init(entries, &t->ring, setup);
	char name[64];

	if (ret == -EINVAL && setup & IORING_SETUP_DEFER_TASKRUN)
		ret = io_uring_queue_init(entries, &t->ring, 0);
	if (ret == -EPERM || ret == -ENOSYS) {
		printf("SKIP: no io_uring here: %s\n", strerror(-ret));
		exit(TEST_SKIP);
	}
	if (ret == -EINVAL || ret == -EOPNOTSUPP) {
		snprintf(name, sizeof(name), "rings with set-up flags 0x%x", setup);
		test_skip_part(name, "this kernel has no such rings");
		return false;
	}
	CHECK_EQ(ret, 0);
	test_attach_to(t, params, flags);
	return true;
}

static inline void test_detach(struct test_ring *t)
{
	cint_detach(t->cring);
	io_uring_queue_exit(&t->ring);
	close(t->stuck[0]);
	close(t->stuck[1]);
	close(t->quick[0]);
	close(t->quick[1]);
}

static inline struct io_uring_sqe *test_sqe(struct test_ring *t)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);

	/* the kernel's thread takes what is submitted when it gets to it */
	if (!sqe && t->ring.flags & IORING_SETUP_SQPOLL) {
		CHECK(io_uring_sqring_wait(&t->ring) >= 0);
		sqe = io_uring_get_sqe(&t->ring);
	}
	CHECK(sqe);
	return sqe;
}

/* Requests that never complete, numbered from 0. */
static inline void test_stuck(struct test_ring *t, unsigned int nr)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	CHECK(nr <= TEST_MAX_STUCK);
	for (i = 0; i < nr; i++) {
		sqe = test_sqe(t);
		io_uring_prep_read(sqe, t->stuck[0], &t->byte[i], 1, 0);
		sqe->user_data = i;
	}
}

/* A request that test_finish() completes. */
static inline struct io_uring_sqe *test_quick(struct test_ring *t)
{
	struct io_uring_sqe *sqe = test_sqe(t);

	io_uring_prep_read(sqe, t->quick[0], &t->byte[TEST_MAX_STUCK], 1, 0);
	sqe->user_data = TEST_URGENT;
	return sqe;
}

static inline void test_finish(struct test_ring *t)
{
	CHECK_EQ(write(t->quick[1], "", 1), 1);
}

/* The CQEs that are there, taken. */
static inline unsigned int test_drop(struct test_ring *t)
{
	unsigned int head, nr = 0;
	struct io_uring_cqe *cqe;

	cint_for_each_cqe(t->cring, head, cqe)
		nr++;
	cint_cq_advance(t->cring, nr);
	return nr;
}

/* Waits for so many CQEs of the application's, without a call of the library's. */
static inline void test_come(struct test_ring *t, unsigned int nr)
{
	unsigned int head, there;
	struct io_uring_cqe *cqe;

	for (;;) {
		there = 0;
		io_uring_for_each_cqe(&t->ring, head, cqe)
			there += !cint_cqe_is_internal(cqe);
		if (there >= nr)
			return;
		usleep(100);
	}
}

/* From another thread, a little later; to be joined. */
static inline void *test_finish_soon_main(void *t)
{
	usleep(300);
	test_finish((struct test_ring *)t);
	return NULL;
}

static inline pthread_t test_finish_soon(struct test_ring *t)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, test_finish_soon_main, t), 0);
	return thread;
}

static inline long long test_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Takes all CQEs; true if the urgent one was among them, without an error. */
static inline bool test_take(struct test_ring *t, unsigned int *nr)
{
	struct io_uring_cqe *cqe;
	bool urgent = false;

	*nr = 0;
	while (!cint_peek_cqe(t->cring, &cqe)) {
		CHECK(!cint_cqe_is_internal(cqe));
		if (cqe->user_data == TEST_URGENT) {
			CHECK_EQ(cqe->res, 1);
			CHECK(!urgent);
			urgent = true;
		}
		cint_cqe_seen(t->cring, cqe);
		++*nr;
	}
	return urgent;
}

/*
 * With a marked request submitted: it ends a wait for more completions than can
 * come, alone.
 */
static inline void test_ends_wait(struct test_ring *t, unsigned int wait_nr)
{
	pthread_t thread = test_finish_soon(t);
	long long start = test_now_ns();
	struct io_uring_cqe *cqe;
	unsigned int nr;

	CHECK_EQ(cint_wait_cqes(t->cring, &cqe, wait_nr, test_limit(), NULL), 0);
	CHECK(test_now_ns() - start < TEST_LIMIT_NS / 2);
	CHECK_EQ(cqe->user_data, TEST_URGENT);
	CHECK(test_take(t, &nr));
	CHECK_EQ(nr, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static inline struct cint_stats test_stats(const struct test_ring *t)
{
	struct cint_stats stats;

	cint_get_stats(t->cring, &stats);
	return stats;
}

/* So many are outstanding, when the timeouts of links have completed, which takes its time. */
static inline void test_leaves(struct test_ring *t, unsigned int nr)
{
	const struct __kernel_timespec moment = { .tv_nsec = 1000000 };
	struct io_uring_cqe *cqe;
	unsigned int i;

	if (!test_library_waits(t))
		return;
	for (i = 0; i < 5000 && test_has_links(t) && test_stats(t).outstanding > nr; i++)
		CHECK_EQ(cint_wait_cqes(t->cring, &cqe, 1, &moment, NULL), -ETIME);
	CHECK_EQ(test_stats(t).outstanding, nr);
}

/* Run a function in a process for which a backend is the best there is. */
static inline void test_with_backend(const char *backend, void (*function)(void))
{
	CHECK_EQ(setenv("LIBURING_CINT_BACKEND", backend, 1), 0);
	test_in_child(function);
	CHECK_EQ(unsetenv("LIBURING_CINT_BACKEND"), 0);
}

#endif /* CINT_TEST_RING_H */

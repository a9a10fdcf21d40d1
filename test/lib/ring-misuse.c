// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Calls with odd arguments, in odd order, and on odd rings: each ends in its time, with the
 * error that the manual says, takes no more memory than there are requests, and touches
 * nothing that is not the library's.
 */
#include <limits.h>
#include <malloc.h>
#include <sys/mman.h>
#include "ring.h"

static const struct __kernel_timespec moment = { .tv_nsec = 1000000 };

/* A polled ring returns from the kernel at once if nothing is outstanding. */
static void polled(const struct io_uring_cint *params)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;

	if (!test_attach(&t, 8, IORING_SETUP_IOPOLL, params, 0))
		return;
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &moment, NULL), -ETIME);
	CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, 4, &moment, NULL), -ETIME);
	CHECK(!cqe);
	test_detach(&t);
}

/* Times that are over, and times that have no end; numbers of CQEs that cannot be. */
static void times(const struct io_uring_cint *params)
{
	static const struct __kernel_timespec over[] = {
		{ 0, 0 }, { -1, 0 }, { 0, -1 }, { LLONG_MIN, 0 }, { -1, 2000000000 - 1000000000 },
		{ 0, LLONG_MIN }, { 1, -2000000000 }, { LLONG_MIN, LLONG_MIN },
	}, endless[] = {
		{ LLONG_MAX, 0 }, { LLONG_MAX, LLONG_MAX }, { 0, LLONG_MAX }, { 1LL << 40, 999999999 },
	};
	struct io_uring_cqe *cqe;
	struct test_ring t;
	pthread_t thread;
	unsigned int i;

	CHECK(test_attach(&t, 8, TEST_DEFER, params, 0));
	test_stuck(&t, 4);
	CHECK_EQ(cint_submit(t.cring), 4);
	for (i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 3, &over[i], NULL), -ETIME);
		CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, UINT_MAX, &over[i], NULL),
			 -ETIME);
	}
	for (i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
		thread = test_finish_soon(&t);
		CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, UINT_MAX, &endless[i], NULL), 1);
		CHECK(cqe);
		cint_cqe_seen(t.cring, cqe);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	test_detach(&t);
}

/* A ring that is gone, its handle forgotten: of no concern to the next. */
static void forgotten(void)
{
	struct io_uring *gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cint_ring *first, *second, *third;
	struct io_uring ring;

	CHECK(gone != MAP_FAILED);
	test_ring(gone, 8);
	CHECK_EQ(cint_attach(gone, NULL, 0, &first), 0);
	io_uring_queue_exit(gone);
	CHECK_EQ(mprotect(gone, 4096, PROT_NONE), 0);
	test_ring(&ring, 8);
	CHECK_EQ(cint_attach(&ring, NULL, 0, &second), 0);
	CHECK_EQ(cint_attach(&ring, NULL, 0, &third), -EBUSY);
	cint_detach(second);
	CHECK_EQ(cint_attach(&ring, NULL, 0, &second), 0);
	cint_queue_exit(second);
	cint_detach(first);
}

/* Rings come and go in several threads, and in children forked meanwhile. */
static void *come_and_go(void *arg)
{
	struct cint_ring *cring, *other;
	struct io_uring ring;
	unsigned int i;

	for (i = 0; i < 300; i++) {
		test_ring(&ring, 4);
		CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
		CHECK_EQ(cint_attach(&ring, NULL, 0, &other), -EBUSY);
		cint_queue_exit(cring);
	}
	return arg;
}

/* A child's ring where its parent has one is another. */
static struct io_uring parents;

static void one_ring(void)
{
	struct cint_ring *cring;

	test_ring(&parents, 4);
	CHECK_EQ(cint_attach(&parents, NULL, 0, &cring), 0);
	cint_queue_exit(cring);
}

static void storm(void)
{
	struct cint_ring *cring;
	pthread_t thread[3];
	unsigned int i;

	test_ring(&parents, 4);
	CHECK_EQ(cint_attach(&parents, NULL, 0, &cring), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, come_and_go, NULL), 0);
#ifndef __SANITIZE_THREAD__	/* which takes the parent's threads for the child's */
	for (i = 0; i < 20; i++)
		test_in_child(one_ring);
#endif
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	test_in_child(one_ring);
	cint_queue_exit(cring);
}

/* SQEs that are none of the ring's, or no longer; texts into too little and too much. */
static void arguments(void)
{
	struct io_uring_sqe other = { 0 }, *sqe;
	struct test_ring t;
	char text[1024];
	int len;

	CHECK(test_attach(&t, 8, 0, NULL, 0));
	if (test_library_waits(&t))
		CHECK_EQ(cint_set_urgent(t.cring, &other), -EINVAL);
	CHECK_EQ(cint_set_barrier(t.cring, &other), -EINVAL);
	sqe = test_sqe(&t);
	io_uring_prep_nop(sqe);
	CHECK_EQ(cint_submit(t.cring), 1);
	CHECK_EQ(cint_set_barrier(t.cring, sqe), -EINVAL);
	cint_cqe_seen(t.cring, NULL);
	memset(text, 'x', sizeof(text));
	len = cint_explain(t.cring, text, (size_t)INT_MAX + 1);
	CHECK_EQ(strlen(text), len);
	CHECK(cint_strerror(INT_MIN) && cint_strerror(INT_MAX));
	test_detach(&t);
}

/* A ring that is not enabled yet submits nothing, and waits for nothing. */
static void disabled(void)
{
	struct test_ring t;

	if (!test_attach(&t, 8, IORING_SETUP_R_DISABLED, NULL, 0))
		return;
	io_uring_prep_nop(test_sqe(&t));
	CHECK_EQ(cint_submit_and_wait_timeout(t.cring, NULL, 1, &moment, NULL), -EBADFD);
	CHECK_EQ(cint_wait_cqes(t.cring, NULL, 1, &moment, NULL), -EBADFD);
	test_detach(&t);
}

/* A ring that takes a no-op without flags, and nothing else. */
static void restricted(void)
{
	struct io_uring_restriction res[2] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED },
	};
	struct io_uring_cint params;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct cint_ring *cring;
	struct io_uring ring;
	unsigned int fd;

	if (io_uring_queue_init(8, &ring, IORING_SETUP_R_DISABLED) < 0) {
		test_skip_part("rings with restrictions", "this kernel has none");
		return;
	}
	fd = (unsigned int)ring.ring_fd;
	CHECK_EQ(io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, res, 2), 0);
	CHECK_EQ(io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0), 0);
	cint_params_init(&params);
	CHECK_EQ(cint_attach(&ring, &params, 0, &cring), 0);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	CHECK_EQ(cint_set_urgent(cring, sqe), 0);
	CHECK_EQ(cint_submit_and_wait_timeout(cring, &cqe, 1, test_limit(), NULL), 1);
	CHECK_EQ(cqe->res, 0);
	cint_cqe_seen(cring, cqe);
	cint_queue_exit(cring);
}

int main(void)
{
	const struct io_uring_cint batches = test_batches(CINT_POLICY_CINT);
	unsigned int i;

	test_ring_or_skip();
	for (i = 0; i < 2; i++) {
		polled(i ? &batches : NULL);
		times(i ? &batches : NULL);
	}
	test_in_child(forgotten);
	storm();
	arguments();
	disabled();
	restricted();
	return test_end();
}

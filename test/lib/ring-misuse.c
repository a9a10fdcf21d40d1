// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Calls with odd arguments, in odd order, and on odd rings: each ends in its time, with the
 * error that the manual says, takes no more memory than there are requests, and touches
 * nothing that is not the library's.
 */
#include <limits.h>
#include <malloc.h>
#include <poll.h>
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

/* More completions than the CQ ring holds: none is lost, all are in order. */
static void overflow(const struct io_uring_cint *params, unsigned int setup)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	unsigned int i, got = 0;
	struct test_ring t;

	CHECK(test_attach(&t, 8, setup, params, 0));
	for (i = 0; i < 80; i++) {
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->user_data = i;
		if (i % 8 == 3)
			CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		if (i % 8 == 7) {
			CHECK_EQ(cint_set_barrier(t.cring, sqe), 0);
			CHECK_EQ(cint_submit(t.cring), 8);
		}
	}
	while (got < 80) {
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 4, test_limit(), NULL), 0);
		while (!cint_peek_cqe(t.cring, &cqe)) {
			CHECK_EQ(cqe->user_data, got++);
			cint_cqe_seen(t.cring, cqe);
		}
	}
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &moment, NULL), -ETIME);
	CHECK_EQ(test_stats(&t).outstanding, 0);
	test_detach(&t);
}

static size_t memory(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* CQEs that liburing's own calls take, for ever: they are forgotten, and cost nothing. */
static void told_by_nobody(bool barriers)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct test_ring t;
	size_t before = 0;
	unsigned int i, nr;

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, 0));
	test_stuck(&t, 1);
	for (i = 0; i < 20000; i++) {
		/* what is allocated at first */
		if (i == 1000)
			before = memory();
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->user_data = 2000 + i;
		if (!barriers)
			CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		else if (i % 64 == 0)
			CHECK_EQ(cint_set_barrier(t.cring, sqe), 0);
		CHECK(cint_submit(t.cring) > 0);
		CHECK_EQ(io_uring_wait_cqe(&t.ring, &cqe), 0);
		io_uring_cqe_seen(&t.ring, cqe);
	}
	CHECK(memory() <= before + 16384);
	/* marks are as good as before */
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK(cint_submit(t.cring) > 0);
	test_ends_wait(&t, 32);
	/* and when all are taken, waits are for many again */
	CHECK_EQ(write(t.stuck[1], "", 1), 1);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, test_limit(), NULL), 0);
	CHECK(!test_take(&t, &nr));
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2, &moment, NULL), -ETIME);
	test_stuck(&t, 2);
	test_quick(&t);
	test_finish(&t);
	CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 2, &moment, NULL) > 0);
	if (test_library_waits(&t))
		CHECK_EQ(test_stats(&t).ended_time + test_stats(&t).ended_early, 1);
	test_detach(&t);
}

/* What liburing submitted is not remembered when it has completed long ago. */
static void submitted_by_liburing(void)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;
	long long start;
	unsigned int i;

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, 0));
	CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	for (i = 0; i < 5; i++)
		io_uring_prep_nop(test_sqe(&t));
	test_finish(&t);
	CHECK_EQ(io_uring_submit_and_wait(&t.ring, 6), 6);
	CHECK_EQ(test_drop(&t), 6);
	for (i = 0; i < 5; i++)
		io_uring_prep_nop(test_sqe(&t));
	CHECK_EQ(io_uring_submit_and_wait(&t.ring, 5), 5);
	CHECK_EQ(test_drop(&t), 5);
	io_uring_prep_nop(test_sqe(&t));
	CHECK_EQ(cint_submit(t.cring), 1);
	test_come(&t, 1);
	CHECK_EQ(test_drop(&t), 1);

	CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	test_stuck(&t, 3);
	CHECK(cint_submit(t.cring) > 0);
	test_finish(&t);
	start = test_now_ns();
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 4, test_limit(), NULL), 0);
	CHECK(test_now_ns() - start < TEST_LIMIT_NS / 2);
	test_detach(&t);
}

static long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Take many requests that were entered, with user_data of their own or all with the same. */
static long long take_many(bool same)
{
	const unsigned int nr = 32768;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i;
	long long ns;

	CHECK(test_attach(&t, nr, TEST_DEFER, NULL, 0));
	for (i = 0; i < nr; i++) {
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->user_data = same ? 0 : i;
		if (!i)
			CHECK_EQ(cint_set_barrier(t.cring, sqe), 0);
	}
	CHECK_EQ(cint_submit(t.cring), nr);
	ns = -cpu_ns();
	for (i = 0; !cint_peek_cqe(t.cring, &cqe); i++)
		cint_cqe_seen(t.cring, cqe);
	ns += cpu_ns();
	CHECK_EQ(i, nr);
	test_detach(&t);
	return ns;
}

/* Who does not use user_data does not pay for it: a hundred times, if each was looked for. */
static void same_user_data(void)
{
	long long own = LLONG_MAX, same = LLONG_MAX, ns;
	unsigned int i;

	/* the best of three is less of a matter of chance */
	for (i = 0; i < 3; i++) {
		ns = take_many(false);
		own = ns < own ? ns : own;
		ns = take_many(true);
		same = ns < same ? ns : same;
	}
	printf("taking 32768 requests: %lld us, %lld us with the same user_data\n", own / 1000,
	       same / 1000);
	CHECK(same < 16 * own);
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

/*
 * SQEs that the kernel left behind one that it refused, and their marks, are for the next
 * call, whatever was waited for meanwhile.
 */
static void left_by_kernel(void)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;

	CHECK(test_attach(&t, 16, TEST_DEFER, NULL, 0));
	sqe = test_sqe(&t);
	io_uring_prep_nop(sqe);
	sqe->opcode = 250;
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK_EQ(cint_submit(t.cring), 1);
	CHECK_EQ(cint_wait_cqe(t.cring, &cqe), 0);
	CHECK_EQ(cqe->res, -EINVAL);
	cint_cqe_seen(t.cring, cqe);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &moment, NULL), -ETIME);
	test_stuck(&t, 4);
	CHECK_EQ(cint_submit(t.cring), 5);
	test_ends_wait(&t, 5);
	test_detach(&t);
}

/*
 * A request that should have had no CQE, and failed: it is not taken for the urgent one,
 * which is outstanding still.
 */
static void failed_without_cqe(unsigned int flags)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;

	CHECK(test_attach(&t, 16, TEST_DEFER, NULL, flags));
	sqe = test_sqe(&t);
	io_uring_prep_close(sqe, -1);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK_EQ(cint_submit(t.cring), 2);
	CHECK_EQ(cint_wait_cqe(t.cring, &cqe), 0);
	CHECK_EQ(cqe->res, -EBADF);
	cint_cqe_seen(t.cring, cqe);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &moment, NULL), -ETIME);
	test_stuck(&t, 4);
	CHECK_EQ(cint_submit(t.cring), 4);
	test_ends_wait(&t, 4);
	test_detach(&t);
}

/* CQEs of a multishot request, taken by nobody who tells: not those of the urgent one. */
static void multishot_by_liburing(void)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i;
	int fds[2];

	CHECK(test_attach(&t, 16, TEST_DEFER, NULL, CINT_RING_MULTISHOT));
	CHECK_EQ(pipe(fds), 0);
	sqe = test_sqe(&t);
	io_uring_prep_poll_multishot(sqe, fds[0], POLLIN);
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK_EQ(cint_submit(t.cring), 2);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(write(fds[1], "", 1), 1);
		CHECK_EQ(io_uring_wait_cqe(&t.ring, &cqe), 0);
		CHECK(cqe->flags & IORING_CQE_F_MORE);
		io_uring_cqe_seen(&t.ring, cqe);
	}
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &moment, NULL), -ETIME);
	test_stuck(&t, 4);
	CHECK_EQ(cint_submit(t.cring), 4);
	test_ends_wait(&t, 4);
	test_detach(&t);
	close(fds[0]);
	close(fds[1]);
}

/* What has no CQE is not outstanding, whoever waits. */
static void without_cqe(void)
{
	struct test_ring t;

	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	io_uring_prep_nop(test_sqe(&t));
	t.ring.sq.sqes[0].flags = IOSQE_CQE_SKIP_SUCCESS;
	io_uring_prep_nop(test_sqe(&t));
	CHECK_EQ(cint_submit_and_wait(t.cring, 1), 2);
	CHECK_EQ(test_drop(&t), 1);
	CHECK_EQ(test_stats(&t).outstanding, 0);
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
		overflow(i ? &batches : NULL, 0);
		overflow(i ? &batches : NULL, TEST_DEFER);
		told_by_nobody(i);
	}
	submitted_by_liburing();
	left_by_kernel();
	failed_without_cqe(0);
	failed_without_cqe(CINT_RING_MULTISHOT);
	multishot_by_liburing();
	without_cqe();
	test_with_backend("none", without_cqe);
	same_user_data();
	test_in_child(forgotten);
	storm();
	arguments();
	disabled();
	restricted();
	return test_end();
}

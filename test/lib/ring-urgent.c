// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * An urgent request ends a wait for many, on every backend and kind of ring, also
 * when it completes before the wait begins, fails, or reads less than asked; and
 * leaves no trace of the library in the CQ ring.
 */
#include "ring.h"

static unsigned int setup = TEST_DEFER, flags;

static void urgent(struct test_ring *t)
{
	CHECK_EQ(cint_set_urgent(t->cring, test_quick(t)), 0);
}

static void later(void)
{
	struct test_ring t;
	int i;

	if (!test_attach(&t, 64, setup, NULL, flags))
		return;
	test_stuck(&t, 31);
	for (i = 0; i < 20; i++) {
		urgent(&t);
		CHECK(io_uring_submit(&t.ring) > 0);
		test_ends_wait(&t, 32);
	}
	CHECK_EQ(test_stats(&t).urgent, 20);
	if (test_library_waits(&t))
		CHECK_EQ(test_stats(&t).completions, 20);
	test_detach(&t);
}

/* The completed timeout comes too early to end the wait: the library looks. */
static void before_wait(void)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr;
	int i;

	if (!test_attach(&t, 64, setup, NULL, flags))
		return;
	test_stuck(&t, 31);
	for (i = 0; i < 20; i++) {
		long long start = test_now_ns();

		test_finish(&t);
		urgent(&t);
		CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 32, test_limit(), NULL) > 0);
		CHECK(test_now_ns() - start < TEST_LIMIT_NS / 2);
		CHECK(test_take(&t, &nr));
		CHECK_EQ(nr, 1);
	}
	test_detach(&t);
}

static void submitted_before(void)
{
	struct test_ring t;
	struct io_uring_cqe *cqe;
	unsigned int nr;
	int i;

	if (!test_attach(&t, 64, setup, NULL, flags))
		return;
	test_stuck(&t, 31);
	for (i = 0; i < 20; i++) {
		test_finish(&t);
		urgent(&t);
		CHECK(io_uring_submit(&t.ring) > 0);
		if (i & 1)
			usleep(200);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 32, test_limit(), NULL), 0);
		CHECK(test_take(&t, &nr));
		CHECK_EQ(nr, 1);
	}
	test_detach(&t);
}

/* Errors, short reads and refused SQEs end a wait as well. */
static void unlucky(void)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	char eight[8];
	int kind, i;

	if (!test_attach(&t, 64, setup, NULL, flags))
		return;
	test_stuck(&t, 31);
	for (i = 0; i < 12; i++) {
		kind = i % 3;
		sqe = test_quick(&t);
		if (kind == 0)
			sqe->fd = -1;
		if (kind == 1) {
			sqe->addr = (__u64)(uintptr_t)eight;
			sqe->len = sizeof(eight);
			test_finish(&t);
		}
		if (kind == 2)
			sqe->opcode = 250;
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 32, test_limit(), NULL) > 0);
		CHECK(cqe);
		CHECK_EQ(cqe->user_data, TEST_URGENT);
		CHECK_EQ(cqe->res, kind == 0 ? -EBADF : kind == 1 ? 1 : -EINVAL);
		cint_cqe_seen(t.cring, cqe);
		/* the library's own SQE was cancelled, and is not for us to see */
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1,
					&(struct __kernel_timespec) { .tv_nsec = 1000000 }, NULL),
			 -ETIME);
		CHECK(!cqe);
	}
	test_leaves(&t, 31);
	test_detach(&t);
}

static void nops(struct test_ring *t, unsigned int nr)
{
	struct io_uring_sqe *sqe;

	while (nr--) {
		sqe = test_sqe(t);
		io_uring_prep_nop(sqe);
		sqe->user_data = TEST_MAX_STUCK;
	}
}

/*
 * An urgent request has overtaken 40 that go on: once its CQE was seen, batches are held
 * again as if there had been none.
 */
static void overtakes(void)
{
	const struct io_uring_cint params = test_batches(CINT_POLICY_CINT);
	struct io_uring_cqe *cqe;
	struct cint_stats before, after;
	struct test_ring t;
	bool late = false, slept;
	long long start;
	unsigned int nr;
	int i;

	if (!test_attach(&t, 128, setup, &params, flags))
		return;
	if (!test_library_waits(&t)) {
		test_detach(&t);
		return;
	}
	test_stuck(&t, 40);
	CHECK(io_uring_submit(&t.ring) >= 0);
	for (i = 0; i < 5; i++) {
		urgent(&t);
		CHECK(io_uring_submit(&t.ring) > 0);
		/* they may have come since this wait; since one before, if it did not sleep */
		before = test_stats(&t);
		start = test_now_ns();
		test_ends_wait(&t, 8);
		slept = test_stats(&t).waits > before.waits;

		/* three that are there are no batch, and held for as long as one is */
		nops(&t, 3);
		CHECK(io_uring_submit(&t.ring) >= 0);
		test_come(&t, 3);
		before = test_stats(&t);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 8, test_limit(), NULL), 0);
		after = test_stats(&t);
		/* slept, or not, they were that old in the end */
		CHECK(!slept || test_now_ns() - start >= CINT_DELAY_MAX_NS - 1000000 ||
		      after.ended_early > before.ended_early);
		CHECK_EQ(after.ended_single, before.ended_single);
		if (after.waits == before.waits)
			late = true;
		else if (after.ended_early == before.ended_early)
			CHECK_EQ(after.ended_time, before.ended_time + 1);
		CHECK(!test_take(&t, &nr));
		CHECK_EQ(nr, 3);
	}
	CHECK(test_stats(&t).ended_time > 0 || late);
	test_leaves(&t, 40);
	test_detach(&t);
}

/*
 * An urgent request is overtaken by more than were submitted before it, and completes
 * between two waits, where its link ends none: the next returns at once, all the same.
 */
static void overtaken(void)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr, waits;
	int i;

	if (!test_attach(&t, 128, setup, NULL, flags))
		return;
	if (!test_library_waits(&t)) {
		test_detach(&t);
		return;
	}
	test_stuck(&t, 20);
	for (i = 0; i < 5; i++) {
		urgent(&t);
		CHECK(io_uring_submit(&t.ring) > 0);
		nops(&t, 60);
		CHECK(io_uring_submit(&t.ring) >= 0);
		for (nr = 0; nr < 60; nr += test_drop(&t))
			CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 0, test_limit(), NULL), 0);

		test_finish(&t);
		CHECK_EQ(io_uring_get_events(&t.ring), 0);
		test_come(&t, 1);
		waits = (unsigned int)test_stats(&t).waits;
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 8, test_limit(), NULL), 0);
		CHECK_EQ(test_stats(&t).waits, waits);
		CHECK(test_take(&t, &nr));
		CHECK_EQ(nr, 1);
	}
	test_detach(&t);
}

/* More urgent ones than are told apart, and ones whose user_data is changed later. */
static void many(void)
{
	const struct __kernel_timespec short_time = { .tv_nsec = 1000000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i, nr, got;
	int round;

	if (!test_attach(&t, 512, setup, NULL, flags))
		return;
	test_stuck(&t, 31);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < 100; i++) {
			sqe = test_quick(&t);
			if (round == 3)
				sqe->user_data = 3;
			CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
			if (round != 2)
				sqe->user_data = 2;
		}
		CHECK(io_uring_submit(&t.ring) > 0);
		for (got = 0; got < 100; got += nr) {
			test_finish(&t);
			CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 31, test_limit(), NULL), 0);
			nr = test_drop(&t);
			CHECK(nr);
		}
		CHECK_EQ(got, 100);
	}
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &short_time, NULL), -ETIME);
	test_leaves(&t, 31);
	test_detach(&t);
}

/*
 * The kernel's thread completes requests at any time, also those it refuses: who waits by
 * the library alone and looks at CQEs late meets the library's, and can tell them.
 */
static void late(void)
{
	unsigned int got = 0, submitted = 0, tries;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;

	if (!test_attach(&t, 64, IORING_SETUP_SQPOLL, NULL, CINT_RING_LINK))
		return;
	for (tries = 0; got < 1000; tries++) {
		CHECK(tries < 1000000);
		while (submitted < 1000 && submitted - got < 16) {
			sqe = test_sqe(&t);
			io_uring_prep_nop(sqe);
			sqe->user_data = ++submitted;
			if (submitted % 8 == 0)
				sqe->opcode = 250;
			if (submitted % 2)
				CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		}
		CHECK(cint_submit_and_wait(t.cring, 1) >= 0);
		usleep(20);
		while (!io_uring_peek_cqe(&t.ring, &cqe)) {
			if (!cint_cqe_is_internal(cqe)) {
				CHECK(cqe->user_data && cqe->user_data <= submitted);
				CHECK_EQ(cqe->res, cqe->user_data % 8 ? 0 : -EINVAL);
				got++;
			}
			io_uring_cqe_seen(&t.ring, cqe);
		}
	}
	CHECK_EQ(got, 1000);
	test_detach(&t);
}

static void all(void)
{
	overtakes();
	overtaken();
	many();
	later();
	before_wait();
	submitted_before();
	unlucky();
}

/* By the policy of the ring, a mark may mean nothing. */
static void unheeded(void)
{
	const struct __kernel_timespec short_time = { .tv_nsec = 20000000 };
	struct io_uring_cint params;
	struct io_uring_cqe *cqe;
	struct test_ring t;

	cint_params_init(&params);
	params.policy = CINT_POLICY_ADAPTIVE;
	params.delta_ns = 10000000;
	params.max_hold_ns = 10000000;
	CHECK(test_attach(&t, 64, TEST_DEFER, &params, 0));
	if (test_library_waits(&t)) {
		test_stuck(&t, 8);
		urgent(&t);
		CHECK_EQ(io_uring_submit(&t.ring), 9);
		test_finish(&t);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 0, &short_time, NULL), 0);
		CHECK_EQ(test_stats(&t).urgent, 0);
		CHECK_EQ(test_stats(&t).ended_time, 1);
	}
	test_detach(&t);
}

/* It is the link that ends the wait, not the time that follows a missed one. */
static void by_link(void)
{
	struct test_ring t;
	pthread_t thread;
	struct io_uring_cqe *cqe;
	unsigned int nr;
	int i;

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, CINT_RING_LINK));
	if (test_has_links(&t)) {
		test_stuck(&t, 31);
		/* a loaded machine may miss some */
		for (i = 0; i < 200 && !test_stats(&t).ended_early; i++) {
			urgent(&t);
			CHECK(io_uring_submit(&t.ring) > 0);
			thread = test_finish_soon(&t);
			CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 32, test_limit(), NULL), 0);
			CHECK(test_take(&t, &nr));
			CHECK_EQ(pthread_join(thread, NULL), 0);
		}
		CHECK_EQ(test_stats(&t).ended_early, 1);
	}
	test_detach(&t);
}

int main(void)
{
	static const char *const backends[] = { "timeout", "min-wait", "kernel" };
	static const unsigned int setups[] = {
		TEST_DEFER, 0, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SQPOLL,
	};
	unsigned int i;

	test_ring_or_skip();
	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		setup = TEST_DEFER;
		test_with_backend(backends[i], all);
		setup = 0;
		test_with_backend(backends[i], all);
	}
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
		setup = setups[i];
		flags = 0;
		test_in_child(all);
		flags = CINT_RING_LINK;
		test_in_child(all);
	}
	unheeded();
	by_link();
	late();
	return test_end();
}

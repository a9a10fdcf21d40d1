// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Unmarked completions share a wake-up: waits end by threshold, by what is
 * outstanding, by a barrier's prefix, or by the time for a batch; each counted.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include "ring.h"

static bool attach(struct test_ring *t, __u16 policy, unsigned int flags)
{
	struct io_uring_cint params = test_batches(policy);

	CHECK(test_attach(t, 128, TEST_DEFER, &params, flags));
	if (test_library_waits(t))
		return true;
	test_detach(t);
	return false;
}

static void quicks(struct test_ring *t, unsigned int nr)
{
	while (nr--)
		test_quick(t);
}

static void finish(struct test_ring *t, unsigned int nr)
{
	CHECK(nr <= 256);
	CHECK_EQ(write(t->quick[1], (char [256]) { 0 }, nr), nr);
}

/* Waits as the parameters say; returns how many came. */
static unsigned int wait_batch(struct test_ring *t)
{
	struct io_uring_cqe *cqe = NULL;

	CHECK_EQ(cint_wait_cqes(t->cring, &cqe, 0, test_limit(), NULL), 0);
	CHECK(cqe);
	return test_drop(t);
}

static void threshold(void)
{
	struct test_ring t;
	long long start;

	if (!attach(&t, CINT_POLICY_CINT, 0))
		return;
	quicks(&t, 60);
	CHECK_EQ(io_uring_submit(&t.ring), 60);
	finish(&t, 8);
	CHECK_EQ(wait_batch(&t), 8);
	CHECK_EQ(test_stats(&t).ended_full, 1);
	CHECK_EQ(test_stats(&t).outstanding, 52);

	/* three are not a batch, and wait for company */
	finish(&t, 3);
	start = test_now_ns();
	CHECK_EQ(wait_batch(&t), 3);
	CHECK(test_now_ns() - start >= CINT_DELAY_MAX_NS - 1000000);
	CHECK_EQ(test_stats(&t).ended_time, 1);

	/* those that came by the time of the wait count */
	finish(&t, 20);
	CHECK_EQ(wait_batch(&t), 20);
	CHECK_EQ(test_stats(&t).ended_full, 2);

	/* all of 29 that are left: no further one could come */
	finish(&t, 15);
	CHECK_EQ(wait_batch(&t), 15);
	finish(&t, 10);
	CHECK_EQ(wait_batch(&t), 10);
	finish(&t, 4);
	CHECK_EQ(wait_batch(&t), 4);
	/* the last four are no batch: one of them will do */
	CHECK_EQ(test_stats(&t).ended_full, 4);
	CHECK_EQ(test_stats(&t).ended_single, 1);
	CHECK_EQ(test_stats(&t).ended_time, 1);
	CHECK_EQ(test_stats(&t).outstanding, 0);
	test_detach(&t);
}

static void barrier(void)
{
	struct test_ring t;

	if (!attach(&t, CINT_POLICY_CINT, 0))
		return;
	quicks(&t, 4);
	CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	quicks(&t, 2);
	CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	test_stuck(&t, 20);
	CHECK_EQ(io_uring_submit(&t.ring), 28);

	/* the prefix is not complete: it waits like others */
	finish(&t, 4);
	CHECK_EQ(wait_batch(&t), 4);
	CHECK_EQ(test_stats(&t).ended_time, 1);
	finish(&t, 1);
	CHECK_EQ(wait_batch(&t), 1);
	CHECK_EQ(test_stats(&t).ended_barrier, 1);
	finish(&t, 3);
	CHECK_EQ(wait_batch(&t), 3);
	CHECK_EQ(test_stats(&t).ended_barrier, 2);
	CHECK_EQ(test_stats(&t).ended_time, 1);
	CHECK_EQ(test_stats(&t).barriers, 2);
	test_detach(&t);

	/* a wait for more ends there, too */
	attach(&t, CINT_POLICY_CINT, 0);
	quicks(&t, 2);
	CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	test_stuck(&t, 10);
	finish(&t, 3);
	CHECK_EQ(cint_submit_and_wait_timeout(t.cring, NULL, 7, test_limit(), NULL), 13);
	CHECK_EQ(test_drop(&t), 3);
	CHECK_EQ(test_stats(&t).ended_barrier, 1);
	test_detach(&t);
}

/* More barriers than are told apart: waits are for one completion, none is lost. */
static void many_barriers(void)
{
	struct test_ring t;
	unsigned int i, got = 0;

	if (!attach(&t, CINT_POLICY_CINT, 0))
		return;
	for (i = 0; i < 100; i++)
		CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	CHECK_EQ(io_uring_submit(&t.ring), 100);
	for (i = 0; i < 100; i++) {
		finish(&t, 1);
		got += wait_batch(&t);
	}
	CHECK_EQ(got, 100);
	CHECK_EQ(test_stats(&t).ended_time, 0);
	CHECK_EQ(test_stats(&t).ended_full, 0);

	/* and afterwards there are batches again */
	quicks(&t, 20);
	CHECK_EQ(io_uring_submit(&t.ring), 20);
	finish(&t, 10);
	CHECK_EQ(wait_batch(&t), 10);
	CHECK_EQ(test_stats(&t).ended_full, 1);
	test_detach(&t);
}

/* static and adaptive know no barrier; none knows no batch. */
static void policies(void)
{
	static const struct { __u16 policy; unsigned int time, single; } cases[] = {
		{ CINT_POLICY_NONE, 0, 1 }, { CINT_POLICY_STATIC, 1, 0 },
		{ CINT_POLICY_ADAPTIVE, 1, 0 },
	};
	struct test_ring t;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!attach(&t, cases[i].policy, 0))
			return;
		quicks(&t, 2);
		CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
		test_stuck(&t, 20);
		CHECK_EQ(io_uring_submit(&t.ring), 23);
		finish(&t, 3);
		CHECK_EQ(wait_batch(&t), 3);
		CHECK_EQ(test_stats(&t).ended_time, cases[i].time);
		CHECK_EQ(test_stats(&t).ended_single, cases[i].single);
		CHECK_EQ(test_stats(&t).ended_barrier, 0);
		test_detach(&t);
	}
}

/* cint-rate learns that completions are too rare to wait for company. */
static void rate(void)
{
	struct io_uring_cint params = test_batches(CINT_POLICY_CINT_RATE);
	struct test_ring t;
	int i;

	params.delta_ns = 50000;
	params.delta_min_ns = 0;
	CHECK(test_attach(&t, 128, TEST_DEFER, &params, 0));
	if (test_library_waits(&t)) {
		quicks(&t, 60);
		CHECK_EQ(io_uring_submit(&t.ring), 60);
		CHECK_EQ(test_stats(&t).gap_ns, 0);
		for (i = 0; i < 12; i++) {
			usleep(2000);
			finish(&t, 1);
			wait_batch(&t);
		}
		CHECK(test_stats(&t).gap_ns > 1000000);
		CHECK(test_stats(&t).ended_single > 5);
		CHECK_EQ(test_stats(&t).ended_full, 0);
	}
	test_detach(&t);
}

/* Without parameters a wait is for the number given, or for all there can be. */
static void no_params(void)
{
	const struct __kernel_timespec short_time = { .tv_nsec = 5000000 };
	struct io_uring_cqe *cqe;
	struct test_ring t;

	CHECK(test_attach(&t, 128, TEST_DEFER, NULL, 0));
	if (!test_library_waits(&t)) {
		test_detach(&t);
		return;
	}
	quicks(&t, 20);
	CHECK_EQ(io_uring_submit(&t.ring), 20);
	finish(&t, 5);
	cqe = (struct io_uring_cqe *)&t;
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 6, &short_time, NULL), 0);
	CHECK_EQ(test_drop(&t), 5);
	CHECK_EQ(test_stats(&t).ended_time, 1);
	finish(&t, 15);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 100, test_limit(), NULL), 0);
	CHECK_EQ(test_drop(&t), 15);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 0, &short_time, NULL), -ETIME);
	CHECK(!cqe);

	/* requests that the call submits are waited for, too */
	quicks(&t, 4);
	CHECK_EQ(io_uring_submit(&t.ring), 4);
	quicks(&t, 4);
	finish(&t, 4);
	CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, 8, &short_time, NULL), 4);
	CHECK_EQ(test_drop(&t), 4);
	CHECK_EQ(test_stats(&t).ended_time, 2);
	finish(&t, 4);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 4, test_limit(), NULL), 0);
	CHECK_EQ(test_drop(&t), 4);

	/* what is there is returned without a system call */
	quicks(&t, 2);
	finish(&t, 2);
	CHECK_EQ(cint_submit_and_wait(t.cring, 2), 2);
	CHECK_EQ(io_uring_cq_ready(&t.ring), 2);
	{
		unsigned long long before = test_stats(&t).enters;

		CHECK_EQ(cint_wait_cqe(t.cring, &cqe), 0);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2, NULL, NULL), 0);
		CHECK_EQ(test_stats(&t).enters, before);
		CHECK(cqe);
	}
	test_detach(&t);
}

/* Bounds that no clock reaches, are over, or have their seconds in tv_nsec. */
static void bounds(void)
{
	static const struct __kernel_timespec far[] = {
		{ .tv_sec = LLONG_MAX }, { .tv_sec = LLONG_MAX, .tv_nsec = LLONG_MAX },
		{ .tv_sec = LLONG_MAX / 1000000000 + 1 }, { .tv_nsec = LLONG_MAX },
	};
	static const struct __kernel_timespec over[] = {
		{ 0 }, { .tv_sec = -1 }, { .tv_sec = LLONG_MIN }, { .tv_nsec = -1 },
		{ .tv_sec = LLONG_MIN, .tv_nsec = LLONG_MIN }, { .tv_nsec = LLONG_MIN },
		{ .tv_sec = 1, .tv_nsec = -2000000000 },
	};
	const struct __kernel_timespec odd = { .tv_sec = -1, .tv_nsec = 1002000000 };
	struct io_uring_cqe *cqe;
	struct test_ring t;
	pthread_t thread;
	unsigned int i;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, 0));
	if (!test_library_waits(&t)) {
		test_detach(&t);
		return;
	}
	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		test_quick(&t);
		CHECK_EQ(io_uring_submit(&t.ring), 1);
		thread = test_finish_soon(&t);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &far[i], NULL), 0);
		CHECK_EQ(test_drop(&t), 1);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	test_stuck(&t, 1);
	CHECK_EQ(io_uring_submit(&t.ring), 1);
	for (i = 0; i < sizeof(over) / sizeof(over[0]); i++)
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &over[i], NULL), -ETIME);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &odd, NULL), -ETIME);
	test_detach(&t);
}

/*
 * A multishot request is outstanding until its last CQE.  Waits are bounded by requests,
 * or by time where the ring was attached so.
 */
static void multishot(unsigned int flags)
{
	struct io_uring_sqe *sqe;
	struct test_ring t;
	unsigned int i, got = 0;
	int event = eventfd(0, EFD_CLOEXEC);

	CHECK(event >= 0);
	if (!attach(&t, CINT_POLICY_CINT, flags))
		return;
	sqe = test_sqe(&t);
	io_uring_prep_poll_multishot(sqe, event, POLLIN);
	CHECK_EQ(cint_submit(t.cring), 1);
	for (i = 0; i < 5; i++) {
		CHECK_EQ(eventfd_write(event, 1), 0);
		got += wait_batch(&t);
	}
	CHECK_EQ(got, 5);
	CHECK_EQ(test_stats(&t).outstanding, 1);
	CHECK_EQ(test_stats(&t).ended_time, flags & CINT_RING_MULTISHOT ? 5 : 0);

	/* among others it is one of them; and urgent as long as it is outstanding */
	test_stuck(&t, 19);
	sqe = test_sqe(&t);
	io_uring_prep_poll_multishot(sqe, t.quick[0], POLLIN);
	sqe->user_data = 99;
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(cint_submit(t.cring), 20);
	CHECK_EQ(test_stats(&t).outstanding, 21);
	for (i = 0; i < 5; i++) {
		unsigned long long before = test_stats(&t).ended_single;

		finish(&t, 1);
		CHECK_EQ(wait_batch(&t), 1);
		CHECK_EQ(test_stats(&t).ended_single, before + 1);
	}
	close(event);
	test_detach(&t);
}

/* A connection over the loopback device. */
static void connection(int pair[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(listener >= 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&address, length), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect(pair[0], (struct sockaddr *)&address, length), 0);
	pair[1] = accept(listener, NULL, NULL);
	CHECK(pair[1] >= 0);
	close(listener);
}

/* A zero-copy send has two CQEs, and is outstanding until the second. */
static void zero_copy(bool urgent)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	bool supported;
	int pair[2];

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, 0));
	connection(pair);
	test_stuck(&t, 10);
	CHECK_EQ(io_uring_submit(&t.ring), 10);
	sqe = test_sqe(&t);
	io_uring_prep_send_zc(sqe, pair[0], "hello", 5, 0, 0);
	sqe->user_data = TEST_URGENT;
	if (urgent)
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 1, test_limit(), NULL) > 0);
	CHECK(cqe);
	supported = cqe->flags & IORING_CQE_F_MORE;
	cint_cqe_seen(t.cring, cqe);
	if (!supported) {
		test_skip_part("zero-copy sends", "this kernel has none here (6.0)");
	} else if (test_library_waits(&t)) {
		if (io_uring_cq_ready(&t.ring) == 0)
			CHECK_EQ(test_stats(&t).outstanding, 11);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, test_limit(), NULL), 0);
		CHECK(cqe->flags & IORING_CQE_F_NOTIF);
		cint_cqe_seen(t.cring, cqe);
		CHECK_EQ(test_stats(&t).outstanding, 10);
	}
	close(pair[0]);
	close(pair[1]);
	test_detach(&t);
}

/* SQEs without a CQE are not outstanding, nor those that the kernel left in the ring. */
static void counts(void)
{
	const struct __kernel_timespec short_time = { .tv_nsec = 1000000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i;

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, 0));
	if (!test_library_waits(&t)) {
		test_detach(&t);
		return;
	}
	for (i = 0; i < 5; i++) {
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	}
	quicks(&t, 4);
	finish(&t, 4);
	CHECK_EQ(cint_submit(t.cring), 9);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 8, test_limit(), NULL), 0);
	CHECK_EQ(test_drop(&t), 4);
	CHECK_EQ(test_stats(&t).outstanding, 0);

	test_stuck(&t, 10);
	CHECK_EQ(cint_submit(t.cring), 10);
	if (t.ring.flags & IORING_SETUP_DEFER_TASKRUN) {
		io_uring_prep_nop(test_sqe(&t));
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->opcode = 250;
		test_stuck(&t, 3);
		CHECK_EQ(cint_submit(t.cring), 2);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2, test_limit(), NULL), 0);
		CHECK_EQ(test_drop(&t), 2);
		CHECK_EQ(test_stats(&t).outstanding, 10);
		CHECK_EQ(cint_submit(t.cring), 3);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &short_time, NULL), -ETIME);
		CHECK_EQ(test_stats(&t).outstanding, 13);
	}
	test_detach(&t);
}

/*
 * A barrier is exact where later requests overtake: those of its prefix end the wait, and
 * others do not complete it.
 */
static void overtaken_barrier(void)
{
	struct io_uring_sqe *sqe;
	struct test_ring t;

	if (!attach(&t, CINT_POLICY_CINT, 0))
		return;
	test_stuck(&t, 2);
	sqe = test_sqe(&t);
	io_uring_prep_nop(sqe);
	sqe->user_data = 500;
	CHECK_EQ(cint_set_barrier(t.cring, sqe), 0);
	quicks(&t, 40);
	CHECK_EQ(cint_submit(t.cring), 43);
	/* the barrier's own request, and one that overtakes: the prefix lacks two */
	CHECK_EQ(cint_wait_cqes(t.cring, NULL, 1, test_limit(), NULL), 0);
	CHECK_EQ(test_drop(&t), 1);
	finish(&t, 1);
	CHECK_EQ(wait_batch(&t), 1);
	CHECK_EQ(test_stats(&t).ended_barrier, 0);
	CHECK_EQ(test_stats(&t).ended_time, 1);
	/* two that could be them; they are seen not to be as they are taken */
	finish(&t, 2);
	CHECK_EQ(wait_batch(&t), 2);
	CHECK_EQ(test_stats(&t).ended_barrier, 1);

	CHECK_EQ(write(t.stuck[1], "", 1), 1);
	CHECK_EQ(wait_batch(&t), 1);
	CHECK_EQ(test_stats(&t).ended_time, 2);
	CHECK_EQ(write(t.stuck[1], "", 1), 1);
	CHECK_EQ(wait_batch(&t), 1);
	CHECK_EQ(test_stats(&t).ended_barrier, 2);
	/* it is over */
	finish(&t, 1);
	CHECK_EQ(wait_batch(&t), 1);
	CHECK_EQ(test_stats(&t).ended_time, 3);
	test_detach(&t);
}

static void multishots(void)
{
	zero_copy(false);
	zero_copy(true);
	multishot(0);
	multishot(CINT_RING_MULTISHOT);
}

static void everything(void)
{
	threshold();
	barrier();
	many_barriers();
	overtaken_barrier();
	policies();
	rate();
	no_params();
	bounds();
	counts();
}

int main(void)
{
	test_ring_or_skip();
	test_with_backend("timeout", everything);
	test_with_backend("min-wait", everything);
	everything();
	multishots();
	return test_end();
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A signal ends a wait for completions that do not come, also of a call that submits,
 * where the kernel does not report it; and SQEs that are refused end it before it
 * begins.  What waits on regardless is ended by alarm().
 */
#include <signal.h>
#include "ring.h"

#define WATCHDOG_S	60

static volatile sig_atomic_t caught;
static unsigned int slow_us;

static void handler(int number)
{
	(void)number;
	if (slow_us)
		usleep(slow_us);
	caught = 1;
}

/* The signal waits for the mask of the wait, so it comes in the wait for certain. */
static void send_signal(void)
{
	caught = 0;
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(!caught);
	alarm(WATCHDOG_S);
}

/* The thread sanitizer runs handlers within calls it knows, and this is one. */
static bool was_caught(void)
{
	usleep(1);
	return caught;
}

static void one(struct test_ring *t, bool urgent, unsigned int slow)
{
	struct io_uring_cqe *cqe = (struct io_uring_cqe *)t;
	sigset_t none;

	CHECK_EQ(sigemptyset(&none), 0);
	slow_us = slow;
	if (urgent)
		CHECK_EQ(cint_set_urgent(t->cring, test_quick(t)), 0);
	else
		test_stuck(t, 1);
	send_signal();
	CHECK(cint_submit_and_wait_timeout(t->cring, &cqe, 1, NULL, &none) > 0);
	CHECK(was_caught());
	CHECK(!cqe);

	/* nothing to submit: there is no other result to report */
	send_signal();
	cqe = (struct io_uring_cqe *)t;
	CHECK_EQ(cint_submit_and_wait_timeout(t->cring, &cqe, 1, NULL, &none), -EINTR);
	CHECK(was_caught());
	CHECK(!cqe);
	send_signal();
	CHECK_EQ(cint_wait_cqes(t->cring, &cqe, 1, NULL, &none), -EINTR);
	CHECK(was_caught());
	alarm(0);
}

static void signals(const struct io_uring_cint *params, unsigned int setup)
{
	struct test_ring t;

	if (!test_attach(&t, 32, setup, params, 0))
		return;
	test_stuck(&t, 4);
	CHECK_EQ(io_uring_submit(&t.ring), 4);
	one(&t, false, 0);
	one(&t, true, 0);
	/* until the time for a batch has passed */
	one(&t, false, 2 * CINT_DELAY_MAX_NS / 1000);
	one(&t, true, 2 * CINT_DELAY_MAX_NS / 1000);
	test_detach(&t);
}

/* How many SQEs the kernel leaves at the next call, as it does without memory for them. */
static unsigned int leaves;
static unsigned int last_flags;

int __real_io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
			   unsigned int flags, sigset_t *sig, size_t sz);
int __wrap_io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
			   unsigned int flags, sigset_t *sig, size_t sz);

int __wrap_io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
			   unsigned int flags, sigset_t *sig, size_t sz)
{
	last_flags = flags;
	if (leaves) {
		CHECK(to_submit > leaves);
		to_submit -= leaves;
		min_complete = 0;
		leaves = 0;
	}
	return __real_io_uring_enter2(fd, to_submit, min_complete, flags, sig, sz);
}

/* Not all are submitted, so nobody waits for them. */
static void left_out(bool urgent, unsigned int flags)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	test_stuck(&t, 3);
	if (urgent)
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	else
		test_stuck(&t, 1);
	if (test_library_waits(&t)) {
		leaves = io_uring_sq_ready(&t.ring) - 2;
		alarm(WATCHDOG_S);
		CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, 4, NULL, NULL), 2);
		CHECK(!cqe);
		alarm(0);
	}
	test_detach(&t);
}

/* What io_uring_set_iowait() of liburing 2.10 leaves behind is for these waits, too. */
static void iowait(void)
{
	const unsigned int no_iowait = 1U << 7;		/* IORING_ENTER_NO_IOWAIT */
	const struct __kernel_timespec moment = { .tv_nsec = 1000 };
	struct test_ring t;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, 0));
	test_stuck(&t, 1);
	CHECK_EQ(cint_submit(t.cring), 1);
	CHECK_EQ(cint_wait_cqes(t.cring, NULL, 1, &moment, NULL), -ETIME);
	if (test_library_waits(&t)) {
		CHECK(!(last_flags & no_iowait));
		t.ring.int_flags |= no_iowait;
		/* a kernel before 6.15 does not know it, but liburing asks first */
		cint_wait_cqes(t.cring, NULL, 1, &moment, NULL);
		CHECK(last_flags & no_iowait);
	}
	test_detach(&t);
}

/* The second of three is refused, so the third is not submitted, and nobody waits. */
static void refused(bool urgent, unsigned int flags)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	int left;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	test_stuck(&t, 4);
	CHECK_EQ(io_uring_submit(&t.ring), 4);
	test_stuck(&t, 1);
	sqe = test_sqe(&t);
	io_uring_prep_nop(sqe);
	sqe->opcode = 250;
	sqe->user_data = 7;
	if (urgent)
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	else
		test_stuck(&t, 1);
	left = urgent && test_has_links(&t) ? 2 : 1;
	alarm(WATCHDOG_S);
	CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, 5, NULL, NULL), 2);
	CHECK(cqe);
	CHECK_EQ(cqe->user_data, 7);
	CHECK_EQ(cqe->res, -EINVAL);
	CHECK_EQ(test_drop(&t), 1);
	CHECK_EQ(io_uring_submit(&t.ring), left);
	alarm(0);
	test_detach(&t);
}

static void all(void)
{
	struct io_uring_cint params;
	unsigned int flags;

	cint_params_init(&params);
	params.delta_ns = CINT_DELAY_MAX_NS;
	params.max_hold_ns = CINT_DELAY_MAX_NS;
	signals(NULL, TEST_DEFER);
	signals(NULL, 0);
	signals(&params, TEST_DEFER);
	iowait();
	for (flags = 0; flags <= CINT_RING_LINK; flags += CINT_RING_LINK) {
		left_out(false, flags);
		left_out(true, flags);
		refused(false, flags);
		refused(true, flags);
	}
}

int main(void)
{
	static const char *const backends[] = { "none", "timeout", "min-wait", "kernel" };
	struct sigaction action = { .sa_handler = handler };
	sigset_t set;
	unsigned int i;

	test_ring_or_skip();
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigemptyset(&set), 0);
	CHECK_EQ(sigaddset(&set, SIGUSR1), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		test_with_backend(backends[i], all);
	return test_end();
}

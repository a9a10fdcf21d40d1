// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The backend of a ring is the best this kernel and the environment allow, and
 * what is missing is explained; a ring set up by the library; bad arguments.
 */
#include <signal.h>
#include <sys/time.h>
#include "ring.h"

#define FEAT_MIN_TIMEOUT	(1U << 15)

/* By what the kernel says of itself, asked without the library. */
static enum cint_backend expected(const struct io_uring *ring)
{
	if (cint_marks() & IOSQE_URGENT)
		return CINT_BACKEND_KERNEL;
	if (!(ring->features & IORING_FEAT_EXT_ARG))
		return CINT_BACKEND_NONE;
	return ring->features & FEAT_MIN_TIMEOUT ? CINT_BACKEND_MIN_WAIT : CINT_BACKEND_TIMEOUT;
}

static void explains(const struct cint_ring *cring, const char *phrase)
{
	char text[1024], tiny[16];
	int len = cint_explain(cring, text, sizeof(text));

	printf("%s\n", text);
	CHECK(len > 0 && len < (int)sizeof(text));
	CHECK_EQ(strlen(text), len);
	CHECK(!strncmp(text, cint_backend_name(cint_backend(cring)),
		       strlen(cint_backend_name(cint_backend(cring)))));
	if (phrase && !strstr(text, phrase)) {
		fprintf(stderr, "it does not say \"%s\"\n", phrase);
		exit(1);
	}
	CHECK_EQ(cint_explain(cring, tiny, sizeof(tiny)), len);
	CHECK_EQ(strlen(tiny), sizeof(tiny) - 1);
	CHECK_EQ(cint_explain(cring, NULL, 0), len);
}

static void best(void)
{
	struct test_ring t;

	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	CHECK_EQ(cint_backend(t.cring), expected(&t.ring));
	CHECK_EQ(cint_backend(NULL), expected(&t.ring));
	explains(t.cring, cint_backend(t.cring) == CINT_BACKEND_KERNEL ? "marks go to the kernel" :
		 "not kernel: IOSQE_URGENT: not supported by this kernel");
	explains(NULL, NULL);
	test_detach(&t);

	if (test_attach(&t, 8, 0, NULL, 0)) {
		if (test_library_waits(&t))
			explains(t.cring, "lacks IORING_SETUP_DEFER_TASKRUN");
		test_detach(&t);
	}
	if (test_attach(&t, 8, TEST_DEFER, NULL, CINT_RING_LINK)) {
		if (test_library_waits(&t))
			explains(t.cring, "by a linked timeout");
		test_detach(&t);
	}
}

static void limited(void)
{
	enum cint_backend limit = CINT_BACKEND_NONE;
	const char *name = getenv("LIBURING_CINT_BACKEND");
	struct test_ring t;

	CHECK(name);
	while (strcmp(cint_backend_name(limit), name))
		limit++;
	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	CHECK(cint_backend(t.cring) <= limit);
	/* a stock kernel has all but the last, unless it is old */
	if (t.ring.features & FEAT_MIN_TIMEOUT)
		CHECK_EQ(cint_backend(t.cring), limit);
	explains(t.cring, "not kernel: LIBURING_CINT_BACKEND is");
	test_detach(&t);
}

static void forced(void)
{
	struct test_ring t;

	setenv("LIBURING_CINT_FORCE_STOCK", "1", 1);
	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	CHECK(cint_backend(t.cring) < CINT_BACKEND_KERNEL);
	explains(t.cring, "LIBURING_CINT_FORCE_STOCK");
	test_detach(&t);
}

static void unknown_name(void)
{
	struct test_ring t;

	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	CHECK_EQ(cint_backend(t.cring), expected(&t.ring));
	test_detach(&t);
}

/* Newer kernels' set-up flags could change what the library relies on. */
static void unknown_setup(void)
{
	struct cint_ring *cring;
	struct io_uring ring;

	test_ring(&ring, 4);
	ring.flags |= 1U << 25;
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	if (cint_backend(cring) != CINT_BACKEND_KERNEL) {
		CHECK_EQ(cint_backend(cring), CINT_BACKEND_NONE);
		explains(cring, "set-up flags 0x2000000");
	}
	cint_detach(cring);
	io_uring_queue_exit(&ring);
}

/* Of older kernels only what they say is known: their features, played. */
static void older_kernels(void)
{
	static const struct { unsigned int lacks; enum cint_backend backend; const char *phrase; }
	cases[] = {
		{ FEAT_MIN_TIMEOUT, CINT_BACKEND_TIMEOUT, "IORING_FEAT_MIN_TIMEOUT (6.12)" },
		{ IORING_FEAT_EXT_ARG, CINT_BACKEND_NONE, "IORING_FEAT_EXT_ARG (5.11)" },
	};
	struct cint_ring *cring;
	struct io_uring ring;
	unsigned int i;

	setenv("LIBURING_CINT_FORCE_STOCK", "1", 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test_ring(&ring, 4);
		ring.features &= ~cases[i].lacks;
		CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
		CHECK_EQ(cint_backend(cring), cases[i].backend);
		explains(cring, cases[i].phrase);
		cint_detach(cring);
		io_uring_queue_exit(&ring);
	}
}

/* Marks and waits of a ring that nothing serves are liburing's. */
static void none(void)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr;

	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	CHECK_EQ(cint_backend(t.cring), CINT_BACKEND_NONE);
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	CHECK_EQ(io_uring_sq_ready(&t.ring), 2);
	CHECK_EQ(write(t.quick[1], "12", 2), 2);
	CHECK_EQ(cint_submit_and_wait(t.cring, 2), 2);
	CHECK_EQ(io_uring_cq_ready(&t.ring), 2);
	/* who asks for no CQE is told that there is one */
	CHECK_EQ(cint_wait_cqes(t.cring, NULL, 1, NULL, NULL), 0);
	CHECK_EQ(cint_wait_cqe(t.cring, &cqe), 0);
	io_uring_cqe_seen(&t.ring, cqe);
	CHECK(test_take(&t, &nr));
	CHECK_EQ(cint_wait_cqes(t.cring, NULL, 1, &(struct __kernel_timespec) { .tv_nsec = 1000 },
				NULL), -ETIME);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, &(struct __kernel_timespec) { .tv_nsec = 1000 },
				NULL), -ETIME);
	test_detach(&t);
}

static void set_up(void)
{
	struct io_uring_cint params, out;
	struct cint_ring *cring = NULL;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	unsigned int i;

	CHECK_EQ(cint_queue_init(0, &ring, 0, NULL, 0, &cring), -EINVAL);
	CHECK_EQ(cint_queue_init(32769, &ring, 0, NULL, 0, &cring), -EINVAL);
	/* flags in each other's place */
	CHECK_EQ(cint_queue_init(8, &ring, 0, NULL, IORING_SETUP_SQPOLL, &cring), -EINVAL);
	CHECK_EQ(cint_queue_init(8, &ring, CINT_RING_SHARED, NULL, 0, &cring), -EINVAL);
	cint_params_init(&params);
	params.threshold = 0;
	CHECK_EQ(cint_queue_init(8, &ring, 0, &params, 0, &cring), -EINVAL);
	CHECK(!cring);
	CHECK_EQ(cint_queue_init(8, &ring, IORING_SETUP_SQPOLL, NULL, 0, &cring), 0);
	CHECK(ring.flags & IORING_SETUP_SQPOLL);
	cint_queue_exit(cring);

	params.threshold = 4;
	CHECK_EQ(cint_queue_init(8, &ring, 0, &params, 0, &cring), 0);
	CHECK(cring->ring == &ring);
	if (!cint_query(&ring, &out))
		CHECK_EQ(out.threshold, 4);
	/* every request may be urgent without submitting one by one */
	for (i = 0; i < 8; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		CHECK(sqe);
		io_uring_prep_nop(sqe);
		CHECK_EQ(cint_set_urgent(cring, sqe), 0);
	}
	CHECK(cint_submit_and_wait(cring, 8) >= 8);
	CHECK_EQ(io_uring_cq_ready(&ring), 8);
	io_uring_cq_advance(&ring, 8);

	/* parameters can change; what is wrong changes nothing */
	params.threshold = 9;
	CHECK_EQ(cint_set_params(cring, &params), 0);
	if (!cint_query(&ring, &out))
		CHECK_EQ(out.threshold, 9);
	params.threshold = CINT_THRESHOLD_MAX + 1;
	CHECK_EQ(cint_set_params(cring, &params), -EINVAL);
	if (!cint_query(&ring, &out))
		CHECK_EQ(out.threshold, 9);
	CHECK_EQ(cint_set_params(cring, NULL), 0);
	if (!cint_query(&ring, &out))
		CHECK_EQ(out.threshold, 0);
	CHECK_EQ(cint_wait_cqes(cring, &cqe, 1, &(struct __kernel_timespec) { .tv_nsec = 1000 },
				NULL), -ETIME);
	cint_queue_exit(cring);
	cint_queue_exit(NULL);
	cint_detach(NULL);
}

/* Requests that were outstanding when the library was attached count. */
static void attached_late(void)
{
	struct io_uring_cqe *cqe;
	struct cint_ring *cring;
	struct test_ring t;

	CHECK(test_attach(&t, 64, TEST_DEFER, NULL, 0));
	test_stuck(&t, 5);
	test_quick(&t);
	CHECK_EQ(io_uring_submit(&t.ring), 6);
	/* one handle at a time */
	CHECK_EQ(cint_attach(&t.ring, NULL, 0, &cring), -EBUSY);
	cint_detach(t.cring);
	CHECK_EQ(cint_attach(&t.ring, NULL, 0, &cring), 0);
	t.cring = cring;
	CHECK_EQ(cint_wait_cqes(cring, &cqe, 1, &(struct __kernel_timespec) { .tv_nsec = 1000 },
				NULL), -ETIME);
	if (test_library_waits(&t))
		CHECK_EQ(test_stats(&t).outstanding, 6);
	test_detach(&t);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A signal ends a wait, as it ends liburing's; one that is blocked does not. */
static void interrupted(void)
{
	/* again and again, for the first may come before the wait */
	struct itimerval timer = { .it_value.tv_usec = 2000, .it_interval.tv_usec = 2000 };
	struct sigaction action = { .sa_handler = on_alarm };
	struct io_uring_cqe *cqe;
	struct test_ring t;
	sigset_t blocked;

	CHECK(test_attach(&t, 8, TEST_DEFER, NULL, 0));
	test_stuck(&t, 2);
	CHECK_EQ(io_uring_submit(&t.ring), 2);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2, test_limit(), NULL), -EINTR);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2,
				&(struct __kernel_timespec) { .tv_nsec = 20000000 }, &blocked),
		 -ETIME);
	memset(&timer, 0, sizeof(timer));
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	test_detach(&t);
}

int main(void)
{
	static const char *const names[] = { "none", "timeout", "min-wait" };
	struct cint_ring *cring;
	unsigned int i;

	test_ring_or_skip();
	/* before this process has asked the kernel, and remembers what it said */
	test_in_child(forced);
	test_in_child(older_kernels);
	best();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test_with_backend(names[i], limited);
	test_with_backend("other", unknown_name);
	test_with_backend("", unknown_name);
	test_with_backend("none", none);
	unknown_setup();
	set_up();
	attached_late();
	interrupted();

	CHECK(!cint_backend_name(CINT_BACKEND_NR));
	CHECK(!strcmp(cint_backend_name(CINT_BACKEND_MIN_WAIT), "min-wait"));
	CHECK_EQ(cint_attach(NULL, NULL, 1U << 31, &cring), -EINVAL);
	return 0;
}

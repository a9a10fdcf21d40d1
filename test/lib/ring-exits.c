// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Every way out of a wait, with and without a submission in the same call, on every kind
 * of ring and every backend: what is there and marked is returned at once, and so is what
 * is there when no more can come.  And what a handle is: one a ring, quickly made, without
 * ghosts of an earlier one; and the flags of the system call.
 */
#include <sys/resource.h>
#include "ring.h"

static unsigned int setup, flags;
static const struct io_uring_cint *params;

/* How many are there; none stays in a queue of the kernel's. */
static void settle(struct test_ring *t, unsigned int nr)
{
	while (io_uring_cq_ready(&t->ring) < nr) {
		CHECK_EQ(io_uring_get_events(&t->ring), 0);
		usleep(100);
	}
}

/* A wait for so many, with another request that is submitted by it, or without. */
static void wait_for(struct test_ring *t, unsigned int nr, bool submits)
{
	long long start = test_now_ns();
	struct io_uring_cqe *cqe = NULL;

	if (submits)
		test_stuck(t, 1);
	if (submits)
		CHECK(cint_submit_and_wait_timeout(t->cring, &cqe, nr, test_limit(), NULL) >= 0);
	else
		CHECK_EQ(cint_wait_cqes(t->cring, &cqe, nr, test_limit(), NULL), 0);
	CHECK(test_now_ns() - start < TEST_LIMIT_NS / 2);
	CHECK(cqe);
}

/* A marked completion came between two waits. */
static void between(bool barrier, bool submits, bool told)
{
	const struct __kernel_timespec moment = { .tv_nsec = 1000 };
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr;

	if (!test_attach(&t, 128, setup, params, flags))
		return;
	if (barrier)
		CHECK_EQ(cint_set_barrier(t.cring, test_quick(&t)), 0);
	else
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	test_stuck(&t, 31);
	CHECK((told ? cint_submit(t.cring) : io_uring_submit(&t.ring)) > 0);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 32, &moment, NULL), -ETIME);
	test_finish(&t);
	settle(&t, 1);
	wait_for(&t, 32, submits);
	CHECK(test_take(&t, &nr));
	CHECK_EQ(nr, 1);
	if (test_library_waits(&t))
		CHECK_EQ(test_stats(&t).ended_time, 0);
	test_detach(&t);
}

static void nops(struct test_ring *t, unsigned int nr)
{
	while (nr--)
		io_uring_prep_nop(test_sqe(t));
}

/* More are asked for than there can be; some of them were there before. */
static void too_many(void)
{
	struct test_ring t;
	unsigned int nr, before;

	if (!test_attach(&t, 64, setup, params, flags))
		return;
	for (before = 0; before <= 4; before++) {
		nops(&t, before);
		CHECK(cint_submit(t.cring) >= 0);
		settle(&t, before);
		nops(&t, 4 - before);
		if (before < 4)
			CHECK(cint_submit_and_wait_timeout(t.cring, NULL, 8, test_limit(), NULL) >= 0);
		else
			CHECK_EQ(cint_wait_cqes(t.cring, NULL, 8, test_limit(), NULL), 0);
		for (nr = test_drop(&t); nr < 4; nr += test_drop(&t))
			CHECK_EQ(cint_wait_cqes(t.cring, NULL, 8, test_limit(), NULL), 0);
		CHECK_EQ(test_stats(&t).outstanding, 0);
	}
	/* and they come while it waits */
	test_quick(&t);
	CHECK(cint_submit(t.cring) >= 0);
	test_ends_wait(&t, 8);
	test_detach(&t);
}

static void all(void)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		between(i & 1, i & 2, i & 4);
	too_many();
}

/* Requests of an earlier handle are not taken for outstanding, nor are its marks. */
static void again(void)
{
	struct io_uring_sqe *sqe;
	struct cint_ring *other;
	struct test_ring t;
	unsigned int i;

	if (!test_attach(&t, 64, setup, params, flags))
		return;
	CHECK_EQ(cint_attach(&t.ring, NULL, 0, &other), -EBUSY);
	for (i = 0; i < 10; i++) {
		sqe = test_sqe(&t);
		io_uring_prep_nop(sqe);
		sqe->user_data = i;
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		CHECK(cint_submit_and_wait(t.cring, 1) > 0);
		CHECK_EQ(test_drop(&t), 1);
	}
	/* the links of the last ones are on their way */
	settle(&t, 0);
	usleep(1000);
	cint_cq_advance(t.cring, 0);
	cint_detach(t.cring);
	CHECK_EQ(cint_attach(&t.ring, params, flags, &t.cring), 0);
	if (!(flags & CINT_RING_LINK))
		CHECK_EQ(test_stats(&t).outstanding, 0);
	nops(&t, 2);
	CHECK(cint_submit_and_wait_timeout(t.cring, NULL, 4, test_limit(), NULL) >= 0);
	test_detach(&t);
}

/* What the first handle of a process took. */
struct first {
	long long ns;		/* CPU time of this thread alone: others do not count */
	long sleeps;
};

static struct first *first;

static int by_time(const void *a, const void *b)
{
	long long x = ((const struct first *)a)->ns, y = ((const struct first *)b)->ns;

	return (x > y) - (x < y);
}

static long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long sleeps(void)
{
	struct rusage usage;

	CHECK_EQ(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

static void attach_first(void)
{
	struct cint_ring *cring;
	struct io_uring ring;

	test_ring(&ring, 8);
	first->sleeps = -sleeps();
	first->ns = -cpu_ns();
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	first->ns += cpu_ns();
	first->sleeps += sleeps();
	cint_detach(cring);
	io_uring_queue_exit(&ring);
}

/*
 * The first handle of a process takes 0.2 ms where the machine is not busy with others, and
 * the pages it touches for the first time count for the most of it; nowhere does it wait.
 * The kernel may have it wait for a lock, but not each time.
 */
static void quickly(void)
{
	enum { TRIES = 31, MIDDLE = 15 };
	struct first *all = (struct first *)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
						 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long least;
	int i;

	CHECK(all != MAP_FAILED);
	for (i = 0; i < TRIES; i++) {
		first = &all[i];
		test_in_child(attach_first);
	}
	least = all[0].sleeps;
	for (i = 1; i < TRIES; i++) {
		if (all[i].sleeps < least)
			least = all[i].sleeps;
	}
	qsort(all, TRIES, sizeof(*all), by_time);
	printf("first attach: %.0f us of CPU time at best, %.0f the median; it sleeps %ld times\n",
	       (double)all[0].ns / 1000, (double)all[MIDDLE].ns / 1000, least);
	CHECK_EQ(least, 0);
	munmap(all, 4096);
}

int main(void)
{
	static const char *const backends[] = { "timeout", "min-wait", "kernel" };
	static const unsigned int setups[] = {
		TEST_DEFER, 0, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SQPOLL,
	};
	const struct io_uring_cint batches = test_batches(CINT_POLICY_CINT);
	unsigned int i, b;

	test_ring_or_skip();
	quickly();
	for (i = 0; i < 16; i++) {
		setup = setups[i & 3];
		params = i & 4 ? &batches : NULL;
		flags = i & 8 ? CINT_RING_LINK : 0;
		for (b = 0; b < sizeof(backends) / sizeof(backends[0]); b++)
			test_with_backend(backends[b], all);
		test_in_child(again);
	}
	return test_end();
}

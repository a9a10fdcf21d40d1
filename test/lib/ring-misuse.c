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

int main(void)
{
	test_ring_or_skip();
	test_in_child(forgotten);
	storm();
	arguments();
	return test_end();
}

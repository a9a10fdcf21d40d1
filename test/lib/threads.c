// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Threads that mark their first request at the same moment get the same answer. */
#include <pthread.h>
#include "helpers.h"

#define THREADS	16

static pthread_barrier_t start;

static void *mark(void *flags)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	sqe.opcode = IORING_OP_READ;
	pthread_barrier_wait(&start);
	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(cint_sqe_set_barrier(&sqe), 0);
	*(unsigned int *)flags = sqe.flags | (unsigned int)sqe.rw_flags;
	return NULL;
}

static void race(void)
{
	unsigned int flags[THREADS], i;
	pthread_t thread[THREADS];

	CHECK_EQ(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, mark, &flags[i]), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(flags[i], cint_marks() & (IOSQE_URGENT | RWF_BARRIER));
}

int main(void)
{
	struct io_uring ring;
	int i;

	test_ring(&ring, 1);
	io_uring_queue_exit(&ring);
	for (i = 0; i < 10; i++)
		test_in_child(race);
	return 0;
}

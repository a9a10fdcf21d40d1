// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Batches that end with a barrier:  barrier-batch FILE BATCHES
 *
 * Appends batches of records as a log would, on a ring that other requests use as
 * well: here, a read of a pipe, which completes when something is written there.  A
 * wait ends when the batch is complete, neither at each record nor at the time limit.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <liburing-cint.h>

#define RECORDS		24
#define SIZE		512
enum { RECORD, OTHER };	/* user_data */

static void append(struct cint_ring *cring, int fd, char (*records)[SIZE], long batch)
{
	struct io_uring_sqe *sqe = NULL;
	long i;

	for (i = 0; i < RECORDS; i++) {
		snprintf(records[i], SIZE, "batch %ld, record %ld\n", batch, i);
		sqe = io_uring_get_sqe(cring->ring);
		io_uring_prep_write(sqe, fd, records[i], SIZE,
				    (__u64)(batch * RECORDS + i) * SIZE);
		io_uring_sqe_set_data64(sqe, RECORD);
	}
	cint_set_barrier(cring, sqe);	/* the last one */
}

int main(int argc, char **argv)
{
	static char records[RECORDS][SIZE];
	struct io_uring_cint params;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct cint_ring *cring;
	struct cint_stats stats;
	struct io_uring ring;
	long batches, batch, left;
	int fd, idle[2];
	char byte;

	fd = argc == 3 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
	batches = argc == 3 ? atol(argv[2]) : 0;
	cint_params_init(&params);
	params.policy = CINT_POLICY_CINT;
	params.threshold = 64;		/* more than a batch has */
	params.delta_ns = params.max_hold_ns = CINT_DELAY_MAX_NS;
	if (fd < 0 || batches < 1 || pipe(idle) || cint_queue_init(64, &ring, 0, &params, 0, &cring)) {
		fprintf(stderr, "usage: barrier-batch FILE BATCHES\n");
		return 1;
	}
	for (batch = 0; batch < batches; batch++) {
		append(cring, fd, records, batch);
		/* submitted behind the barrier, so no part of what it waits for */
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, idle[0], &byte, 1, 0);
		io_uring_sqe_set_data64(sqe, OTHER);
		for (left = RECORDS; left; ) {
			cint_submit_and_wait(cring, 0);
			while (!cint_peek_cqe(cring, &cqe)) {
				if (cqe->user_data != RECORD || cqe->res != SIZE)
					return 1;
				cint_cqe_seen(cring, cqe);
				left--;
			}
		}
		/* the next batch's barrier would wait for it */
		if (write(idle[1], "x", 1) != 1 || cint_wait_cqe(cring, &cqe) ||
		    cqe->user_data != OTHER)
			return 1;
		cint_cqe_seen(cring, cqe);
	}
	cint_get_stats(cring, &stats);
	printf("%s: %ld batches of %d records, %llu waits, %llu ended by a barrier\n",
	       cint_backend_name(cint_backend(cring)), batches, RECORDS,
	       (unsigned long long)stats.waits, (unsigned long long)stats.ended_barrier);
	cint_queue_exit(cring);
	return 0;
}

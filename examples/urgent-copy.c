// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A bulk copy with urgent reads beside it on the same ring:  urgent-copy FROM TO
 *
 * Copies FROM to TO, and at each 16th block reads the first block of FROM again, as
 * somebody would who waits for it.  The copy's completions share wake-ups; that
 * read ends the wait it falls into.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <liburing-cint.h>

#define DEPTH	32
#define BLOCK	65536
enum { READ = DEPTH, URGENT };	/* user_data; a write's is the number of its buffer */

static char data[DEPTH + 1][BLOCK];
static unsigned int length[DEPTH];
static int from, to, running, urgent_reads;
static __u64 size, offset;

/* The next block: a read, and linked to it the write. */
static void copy_block(struct cint_ring *cring, unsigned int i)
{
	unsigned int len = size - offset < BLOCK ? (unsigned int)(size - offset) : BLOCK;
	struct io_uring_sqe *sqe = io_uring_get_sqe(cring->ring);

	io_uring_prep_read(sqe, from, data[i], len, offset);
	io_uring_sqe_set_data64(sqe, READ);
	sqe->flags |= IOSQE_IO_LINK;
	length[i] = len;
	sqe = io_uring_get_sqe(cring->ring);
	io_uring_prep_write(sqe, to, data[i], len, offset);
	io_uring_sqe_set_data64(sqe, i);
	running += 2;
	if (offset / BLOCK % 16 == 0) {
		sqe = io_uring_get_sqe(cring->ring);
		io_uring_prep_read(sqe, from, data[DEPTH], BLOCK, 0);
		io_uring_sqe_set_data64(sqe, URGENT);
		cint_set_urgent(cring, sqe);
		running++, urgent_reads++;
	}
	offset += len;
}

int main(int argc, char **argv)
{
	struct io_uring_cint params;
	struct cint_ring *cring;
	struct cint_stats stats;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	struct stat st;
	unsigned int i;

	from = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	to = argc == 3 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
	cint_params_init(&params);
	if (from < 0 || to < 0 || fstat(from, &st) ||
	    cint_queue_init(4 * DEPTH, &ring, 0, &params, 0, &cring)) {
		fprintf(stderr, "usage: urgent-copy FROM TO\n");
		return 1;
	}
	size = (__u64)st.st_size;
	for (i = 0; i < DEPTH && offset < size; i++)
		copy_block(cring, i);
	while (running) {
		cint_submit_and_wait(cring, 0);
		while (!cint_peek_cqe(cring, &cqe)) {
			i = (unsigned int)cqe->user_data;
			running--;
			if (cqe->res < 0 || (i < DEPTH && (unsigned int)cqe->res != length[i])) {
				fprintf(stderr, "a request failed: %d\n", cqe->res);
				return 1;
			}
			cint_cqe_seen(cring, cqe);
			if (i < DEPTH && offset < size)
				copy_block(cring, i);
		}
	}
	cint_get_stats(cring, &stats);
	printf("%s: %llu bytes copied, %d urgent reads, %llu completions, %llu waits\n",
	       cint_backend_name(cint_backend(cring)), (unsigned long long)size, urgent_reads,
	       (unsigned long long)stats.completions, (unsigned long long)stats.waits);
	cint_queue_exit(cring);
	return 0;
}

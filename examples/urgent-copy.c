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
#define URGENT	DEPTH		/* user_data; the copy's is the number of its slot */

static struct {
	__u64 offset;
	unsigned int len;
	bool writing;
	char data[BLOCK];
} slots[DEPTH + 1];
static __u64 size, next_offset;
static int from, to, running, urgent_reads, urgent_running;

static void go_on(struct cint_ring *cring, unsigned int i)
{
	struct io_uring_sqe *sqe;

	if (slots[i].len && !slots[i].writing) {	/* it was read: write it */
		sqe = io_uring_get_sqe(cring->ring);
		io_uring_prep_write(sqe, to, slots[i].data, slots[i].len, slots[i].offset);
		slots[i].writing = true;
	} else if (next_offset < size) {		/* it is free: read the next block */
		slots[i].offset = next_offset;
		slots[i].len = BLOCK;
		if (size - next_offset < BLOCK)
			slots[i].len = (unsigned int)(size - next_offset);
		slots[i].writing = false;
		next_offset += slots[i].len;
		sqe = io_uring_get_sqe(cring->ring);
		io_uring_prep_read(sqe, from, slots[i].data, slots[i].len, slots[i].offset);
	} else {
		return;
	}
	io_uring_sqe_set_data64(sqe, i);
	running++;
	if (slots[i].offset / BLOCK % 16 || slots[i].writing || urgent_running)
		return;
	sqe = io_uring_get_sqe(cring->ring);
	io_uring_prep_read(sqe, from, slots[URGENT].data, BLOCK, 0);
	io_uring_sqe_set_data64(sqe, URGENT);
	cint_set_urgent(cring, sqe);
	running++, urgent_reads++, urgent_running = 1;
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
	    cint_queue_init(2 * DEPTH, &ring, &params, 0, &cring)) {
		fprintf(stderr, "usage: urgent-copy FROM TO\n");
		return 1;
	}
	size = (__u64)st.st_size;

	for (i = 0; i < DEPTH; i++)
		go_on(cring, i);
	while (running) {
		cint_submit_and_wait(cring, 0);
		while (!io_uring_peek_cqe(&ring, &cqe)) {
			i = (unsigned int)cqe->user_data;
			if (cint_cqe_is_internal(cqe)) {	/* the library's own */
				io_uring_cqe_seen(&ring, cqe);
				continue;
			}
			if (cqe->res < 0 ||
			    (i != URGENT && (unsigned int)cqe->res != slots[i].len)) {
				fprintf(stderr, "a request failed: %d\n", cqe->res);
				return 1;
			}
			io_uring_cqe_seen(&ring, cqe);
			running--;
			if (i == URGENT)
				urgent_running = 0;
			else
				go_on(cring, i);
		}
	}
	cint_get_stats(cring, &stats);
	printf("%s: %llu bytes copied, %d urgent reads, %llu completions, %llu waits\n",
	       cint_backend_name(cint_backend(cring)), (unsigned long long)size, urgent_reads,
	       (unsigned long long)stats.completions, (unsigned long long)stats.waits);
	cint_queue_exit(cring);
	return 0;
}

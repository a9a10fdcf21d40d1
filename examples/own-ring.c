// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A ring without liburing's structure, as other languages have it:
 *	own-ring FILE
 *
 * Reads the file through a ring that it sets up and maps itself.  Every eighth read is
 * urgent; how many completions each io_uring_enter() waits for, and how long, is what
 * cint_plan() says.  own-ring.py is the same in Python.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <liburing-cint.h>

#define DEPTH	32
#define SIZE	4096

static char buffers[DEPTH][SIZE];

static void *map(int fd, size_t size, off_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* The system call of a wait that cint_plan() has planned. */
static int enter(int ring, unsigned int to_submit, const struct cint_wait_plan *plan)
{
	struct __kernel_timespec ts = { .tv_nsec = (long long)plan->hold_ns };
	struct io_uring_getevents_arg arg = {
		.ts = plan->hold_ns ? (__u64)(uintptr_t)&ts : 0,
	};

	return (int)syscall(__NR_io_uring_enter, ring, to_submit, plan->wait_nr,
			    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
}

int main(int argc, char **argv)
{
	int ring, file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	unsigned int tail, head, mask, running = 0, queued = 0, urgent = 0, i;
	unsigned int *ktail, *khead, *cq_head, *cq_tail, *array;
	__u64 block = 0, blocks, done = 0, waits = 0;
	struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER };
	struct cint_wait_plan plan;
	struct io_uring_cint params;
	struct io_uring_cqe *cqes;
	struct io_uring_sqe *sqes;
	struct cint_ring *cring;
	unsigned int slot[DEPTH];
	struct stat st;
	char *rings;

	if (file < 0 || fstat(file, &st)) {
		fprintf(stderr, "usage: own-ring FILE\n");
		return 1;
	}
	blocks = ((__u64)st.st_size + SIZE - 1) / SIZE;
	ring = (int)syscall(__NR_io_uring_setup, DEPTH, &p);
	if (ring < 0) {
		p.flags = 0;	/* before 6.0 */
		ring = (int)syscall(__NR_io_uring_setup, DEPTH, &p);
	}
	if (ring < 0 || !(p.features & IORING_FEAT_SINGLE_MMAP)) {
		perror("io_uring_setup");
		return 1;
	}
	rings = map(ring, p.cq_off.cqes + p.cq_entries * sizeof(*cqes) + p.sq_off.array +
		    p.sq_entries * sizeof(unsigned int), IORING_OFF_SQ_RING);
	sqes = map(ring, p.sq_entries * sizeof(*sqes), IORING_OFF_SQES);
	khead = (unsigned int *)(void *)(rings + p.sq_off.head);
	ktail = (unsigned int *)(void *)(rings + p.sq_off.tail);
	array = (unsigned int *)(void *)(rings + p.sq_off.array);
	cq_head = (unsigned int *)(void *)(rings + p.cq_off.head);
	cq_tail = (unsigned int *)(void *)(rings + p.cq_off.tail);
	cqes = (struct io_uring_cqe *)(void *)(rings + p.cq_off.cqes);
	mask = p.sq_entries - 1;
	for (i = 0; i < DEPTH; i++) {
		array[i] = i;	/* SQEs in the order of the ring, which the library relies on */
		slot[i] = i;
	}

	cint_params_init(&params);
	if (cint_attach_mapped(ring, &p, rings, rings, sqes, &params, 0, &cring)) {
		fprintf(stderr, "the library does not know what to do with this ring\n");
		return 1;
	}
	while (done < blocks) {
		/* fill the SQ ring, mark what is waited for, then publish the tail */
		tail = *ktail;
		for (; running < DEPTH && block < blocks; block++, running++, tail++, queued++) {
			struct io_uring_sqe *sqe = &sqes[tail & mask];

			i = slot[running];
			io_uring_prep_read(sqe, file, buffers[i], SIZE, block * SIZE);
			sqe->user_data = i;
			if (block % 8 == 0 && !cint_set_urgent(cring, sqe))
				urgent++;
		}
		__atomic_store_n(ktail, tail, __ATOMIC_RELEASE);

		waits += (__u64)cint_plan(cring, 0, queued, &plan);
		if (queued || plan.wait_nr) {
			enter(ring, queued, &plan);
			queued = tail - __atomic_load_n(khead, __ATOMIC_ACQUIRE);
		}

		/* take what is there, tell the library, then give it back */
		head = *cq_head;
		for (; head != __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE); head++) {
			struct io_uring_cqe *cqe = &cqes[head & (p.cq_entries - 1)];

			if (cqe->res <= 0) {
				fprintf(stderr, "a read failed: %d\n", cqe->res);
				return 1;
			}
			cint_cqe_taken(cring, cqe);
			slot[--running] = (unsigned int)cqe->user_data;
			done++;
		}
		__atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
	}
	printf("%s: %llu blocks read, %u urgent, %llu waits\n",
	       cint_backend_name(cint_backend(cring)), (unsigned long long)done, urgent,
	       (unsigned long long)waits);
	cint_detach(cring);
	close(ring);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Bulk reads at depth 32 come at least 8 to a system call, unless their time is over;
 * an urgent read among 31 requests that never complete, in a wait for 32, is returned
 * as it completes.
 */
#include <fcntl.h>
#include "ring.h"

#define BLOCK		4096
#define DEPTH		32
#define BLOCKS		256
#define REQUESTS	4096
#define ROUNDS		1000

static char *buffers;

static void read_block(struct test_ring *t, int fd, unsigned int slot, unsigned int block)
{
	struct io_uring_sqe *sqe = test_sqe(t);

	io_uring_prep_read(sqe, fd, buffers + (size_t)slot * BLOCK, BLOCK,
			   (__u64)block % BLOCKS * BLOCK);
	sqe->user_data = slot;
}

static void bulk(int fd)
{
	struct io_uring_cint params;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i, done = 0;

	/* a slow machine may take long for a batch */
	cint_params_init(&params);
	params.delta_ns = CINT_DELAY_MAX_NS;
	params.max_hold_ns = CINT_DELAY_MAX_NS;
	CHECK(test_attach(&t, 2 * DEPTH, TEST_DEFER, &params, 0));
	for (i = 0; i < DEPTH; i++)
		read_block(&t, fd, i, i);
	while (done < REQUESTS) {
		CHECK(cint_submit_and_wait(t.cring, 0) >= 0);
		while (!cint_peek_cqe(t.cring, &cqe)) {
			i = (unsigned int)cqe->user_data;
			CHECK_EQ(cqe->res, BLOCK);
			cint_cqe_seen(t.cring, cqe);
			read_block(&t, fd, i, ++done * 7);
		}
	}
	if (test_library_waits(&t)) {
		struct cint_stats stats = test_stats(&t);

		printf("bulk: %llu system calls for %u requests, %llu batches out of time\n",
		       (unsigned long long)stats.enters, done,
		       (unsigned long long)stats.ended_time);
		/* a quarter of what is outstanding; the first and the last are short */
		CHECK(stats.enters <= done / (DEPTH / 4) + stats.ended_time + 2);
	}
	test_detach(&t);
}

static int by_value(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

/* One read at a time, which is the only one to complete; the median in ns. */
static long long median(int fd, unsigned int stuck, unsigned int wait_nr)
{
	static long long times[ROUNDS];
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i;

	CHECK(test_attach(&t, 2 * DEPTH, TEST_DEFER, NULL, 0));
	test_stuck(&t, stuck);
	CHECK_EQ(io_uring_submit(&t.ring), stuck);
	for (i = 0; i < ROUNDS; i++) {
		long long start = test_now_ns();

		read_block(&t, fd, DEPTH, i * 7);
		if (stuck)
			CHECK_EQ(cint_set_urgent(t.cring, t.ring.sq.sqes +
				 ((t.ring.sq.sqe_tail - 1) & t.ring.sq.ring_mask)), 0);
		CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, wait_nr, test_limit(), NULL) > 0);
		times[i] = test_now_ns() - start;
		CHECK(cqe);
		CHECK_EQ(cqe->user_data, DEPTH);
		CHECK_EQ(cqe->res, BLOCK);
		CHECK_EQ(test_drop(&t), 1);
	}
	test_detach(&t);
	qsort(times, ROUNDS, sizeof(times[0]), by_value);
	return times[ROUNDS / 2];
}

int main(void)
{
	const char *dir = getenv("builddir");
	char path[4096];
	long long lone, urgent;
	int fd, direct;

	test_ring_or_skip();
	/* in a virtual machine the build directory is read only, and /tmp writable */
	snprintf(path, sizeof(path), "%s/ring-calls.XXXXXX", dir ? dir : ".");
	fd = mkstemp(path);
	if (fd < 0) {
		snprintf(path, sizeof(path), "/tmp/ring-calls.XXXXXX");
		fd = mkstemp(path);
	}
	CHECK(fd >= 0);
	CHECK_EQ(posix_memalign((void **)&buffers, BLOCK, (DEPTH + 1) * BLOCK), 0);
	memset(buffers, 1, DEPTH * BLOCK);
	while (lseek(fd, 0, SEEK_CUR) < BLOCKS * BLOCK)
		CHECK_EQ(write(fd, buffers, DEPTH * BLOCK), DEPTH * BLOCK);
	CHECK_EQ(fsync(fd), 0);
	/* where there is no direct I/O, from the page cache */
	direct = open(path, O_RDONLY | O_DIRECT);
	if (direct >= 0) {
		close(fd);
		fd = direct;
	}
	unlink(path);

	bulk(fd);
	lone = median(fd, 0, 1);
	urgent = median(fd, DEPTH - 1, DEPTH);
	printf("urgent among 31: %.1f us, %.2f times a lone read (medians of %d)\n",
	       (double)urgent / 1000, (double)urgent / (double)lone, ROUNDS);
	free(buffers);
	return test_end();
}

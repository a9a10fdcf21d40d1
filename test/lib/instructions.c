// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What a request costs in user space: instructions, counted by valgrind's callgrind, of
 * no-ops at depth 32 with waits for 16.  Instructions do not depend on how busy the machine
 * is.  What the kernel does is not counted.
 *
 * The program runs itself under callgrind: "instructions WAY" is the loop that is measured.
 */
#include "helpers.h"

#define REQUESTS	16384U
#define DEPTH		32U
#define WAIT		16U
#define URGENT		8U	/* every so many */

static const struct {
	const char *name;
	unsigned int limit;
	bool cint, params, urgent;
} ways[] = {
	{ "liburing",				0,	false,	false,	false },
	{ "attached",				95,	true,	false,	false },
	{ "attached, with parameters",		110,	true,	true,	false },
	{ "attached, every eighth urgent",	155,	true,	false,	true },
};

/* Both loops are as a program would have them. */
void __attribute__((noinline)) plain_loop(struct io_uring *ring);
void __attribute__((noinline)) cint_loop(struct io_uring *ring, struct cint_ring *cring,
					 bool urgent);

void plain_loop(struct io_uring *ring)
{
	unsigned int submitted = 0, done = 0, head, nr;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	while (done < REQUESTS) {
		for (; submitted - done < DEPTH; submitted++) {
			sqe = io_uring_get_sqe(ring);
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, submitted);
		}
		CHECK(io_uring_submit_and_wait(ring, WAIT) >= 0);
		nr = 0;
		io_uring_for_each_cqe(ring, head, cqe)
			nr++;
		io_uring_cq_advance(ring, nr);
		done += nr;
	}
}

void cint_loop(struct io_uring *ring, struct cint_ring *cring, bool urgent)
{
	unsigned int submitted = 0, done = 0, head, nr;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	while (done < REQUESTS) {
		for (; submitted - done < DEPTH; submitted++) {
			sqe = io_uring_get_sqe(ring);
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, submitted);
			if (urgent && submitted % URGENT == 0)
				cint_set_urgent(cring, sqe);
		}
		CHECK(cint_submit_and_wait(cring, WAIT) >= 0);
		nr = 0;
		cint_for_each_cqe(cring, head, cqe)
			nr++;
		cint_cq_advance(cring, nr);
		done += nr;
	}
}

static int run_loop(unsigned int way)
{
	struct io_uring_cint params;
	struct cint_ring *cring;
	struct io_uring ring;

	CHECK_EQ(io_uring_queue_init(2 * DEPTH, &ring, 0), 0);
	if (!ways[way].cint) {
		plain_loop(&ring);
		return 0;
	}
	cint_params_init(&params);
	CHECK_EQ(cint_attach(&ring, ways[way].params ? &params : NULL, 0, &cring), 0);
	cint_loop(&ring, cring, ways[way].urgent);
	return 0;
}

/* Instructions of a loop in all, 0: there is no count. */
static unsigned long long count(const char *self, unsigned int way)
{
	char command[1024], out[] = "/tmp/instructions.XXXXXX", line[256];
	unsigned long long total = 0;
	int fd = mkstemp(out);
	FILE *file;

	CHECK(fd >= 0);
	snprintf(command, sizeof(command), "valgrind --tool=callgrind --callgrind-out-file=%s "
		 "--toggle-collect=plain_loop --toggle-collect=cint_loop '%s' %u >/dev/null 2>&1",
		 out, self, way);
	if (system(command) == 0) {
		file = fdopen(fd, "r");
		while (file && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "totals: %llu", &total) == 1 ||
			    sscanf(line, "summary: %llu", &total) == 1)
				break;
		}
	}
	unlink(out);
	return total;
}

static void skip(const char *reason)
{
	printf("SKIP: %s\n", reason);
	exit(TEST_SKIP);
}

int main(int argc, char **argv)
{
	unsigned int way, bad = 0;
	char self[512];
	ssize_t len;
	bool ok;

	if (argc == 2)
		return run_loop((unsigned int)atoi(argv[1]));
	test_ring_or_skip();
#if !defined(__x86_64__) || !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || \
	defined(__SANITIZE_THREAD__)
	skip("the limits are those of optimized code for x86-64");
#endif
	if (system("valgrind --version >/dev/null 2>&1") != 0)
		skip("valgrind is not installed");
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	CHECK(len > 0);
	self[len] = '\0';

	for (way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		double each = (double)count(self, way) / REQUESTS;

		/* fewer than a few is a count that did not happen */
		ok = each > 20 && (!ways[way].limit || each <= ways[way].limit);
		bad += !ok;
		printf("%sok %u - %s: ", ok ? "" : "not ", way + 1, ways[way].name);
		if (ways[way].limit)
			printf("at most %u instructions a request\n", ways[way].limit);
		else
			printf("counted, to compare\n");
		printf("# %.1f instructions a request\n", each);
	}
	printf("1..%u\n", way);
	return bad > 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* For the library's tests: each is a small program that stops at a failure. */
#ifndef CINT_TEST_HELPERS_H
#define CINT_TEST_HELPERS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "liburing-cint.h"

#define TEST_SKIP	77

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "%s:%d: failed: %s\n", __FILE__,	\
			__LINE__, #condition);				\
		exit(1);						\
	}								\
} while (0)

#define CHECK_EQ(actual, expected) do {					\
	long long a_ = (long long)(actual), e_ = (long long)(expected);	\
									\
	if (a_ != e_) {							\
		fprintf(stderr, "%s:%d: %s is %lld, expected %s (%lld)\n",	\
			__FILE__, __LINE__, #actual, a_, #expected, e_);	\
		exit(1);						\
	}								\
} while (0)

/* Parts of a test that this machine cannot run, of all its processes; a name counts once. */
struct test_skips {
	unsigned int nr;
	char name[32][64];
};

static struct test_skips *test_skips;

static inline void __attribute__((constructor)) test_skips_init(void)
{
	test_skips = (struct test_skips *)mmap(NULL, sizeof(*test_skips), PROT_READ | PROT_WRITE,
					       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(test_skips != MAP_FAILED);
}

/* Report a part as skipped, by a line of TAP. */
static inline void test_skip_part(const char *name, const char *reason)
{
	unsigned int i;

	for (i = 0; i < test_skips->nr; i++) {
		if (!strncmp(test_skips->name[i], name, sizeof(test_skips->name[i]) - 1))
			return;
	}
	CHECK(i < sizeof(test_skips->name) / sizeof(test_skips->name[0]));
	snprintf(test_skips->name[i], sizeof(test_skips->name[i]), "%s", name);
	printf("ok %u - %s # SKIP %s\n", ++test_skips->nr, name, reason);
}

/* The end of a program: everything else has passed. */
static inline int test_end(void)
{
	if (test_skips->nr) {
		printf("ok %u - all that can be tried\n", ++test_skips->nr);
		printf("1..%u\n", test_skips->nr);
	}
	return 0;
}

/* A ring, or the reason why this machine gives none. */
static inline void test_ring(struct io_uring *ring, unsigned int entries)
{
	int ret = io_uring_queue_init(entries, ring, 0);

	if (ret == -EPERM || ret == -ENOSYS) {
		printf("SKIP: no io_uring here: %s\n", strerror(-ret));
		exit(TEST_SKIP);
	}
	CHECK_EQ(ret, 0);
}

/* Nothing, or the end of the test where there is no io_uring. */
static inline void test_ring_or_skip(void)
{
	struct io_uring ring;

	test_ring(&ring, 1);
	io_uring_queue_exit(&ring);
}

/* Submit one SQE that is ready, and wait for its result. */
static inline int test_run_sqe(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int res;

	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/* An open file without a name that goes away with the test. */
static inline int test_file(void)
{
	FILE *f = tmpfile();

	CHECK(f);
	return fileno(f);
}

/* There in a build that counts the lines run. */
extern void __gcov_dump(void) __attribute__((weak));

/* Run a function in a process of its own, whose library has asked nothing yet. */
static inline void test_in_child(void (*function)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		function();
		fflush(NULL);
		if (__gcov_dump)
			__gcov_dump();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

#endif /* CINT_TEST_HELPERS_H */

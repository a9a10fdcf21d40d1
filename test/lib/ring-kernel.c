// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Where the kernel gathers for a wait for one, a wait for many is one: it ends by the
 * parameters of the ring, and not with the first that comes.
 */
#include <sys/wait.h>
#include <unistd.h>
#include "ring.h"

int main(void)
{
	struct io_uring_cint_ring out;
	const struct io_uring_cint params = test_batches(CINT_POLICY_CINT);
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr;
	char text[1024];
	pid_t child;

	test_ring_or_skip();
	CHECK(test_attach(&t, 64, TEST_DEFER, &params, 0));
	CHECK(cint_explain(t.cring, text, sizeof(text)) < (int)sizeof(text));
	if (!strstr(text, "waits with parameters are the kernel's")) {
		test_detach(&t);
		printf("SKIP: this kernel does not gather completions\n");
		return TEST_SKIP;
	}
	test_stuck(&t, 20);
	test_quick(&t);
	CHECK_EQ(io_uring_submit(&t.ring), 21);
	test_finish(&t);
	/* the one that is there ends a wait for more than a batch */
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 16, test_limit(), NULL), 0);
	CHECK_EQ(cqe->user_data, TEST_URGENT);
	CHECK_EQ(test_drop(&t), 1);

	/* two that do not come together are waited for, without a wake-up for each */
	test_quick(&t);
	test_quick(&t);
	CHECK_EQ(io_uring_submit(&t.ring), 2);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		usleep(1000);
		test_finish(&t);
		usleep(1000);
		test_finish(&t);
		_exit(0);
	}
	for (nr = 0; nr < 2; nr += test_drop(&t))
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2, test_limit(), NULL), 0);
	CHECK(test_stats(&t).enters > 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);

	/* nor does a wait for one expect others: who never completes is no bulk I/O */
	CHECK_EQ(cint_query_ring(&t.ring, &out), 0);
	CHECK_EQ(out.gathered, 0);
	test_detach(&t);
	return 0;
}

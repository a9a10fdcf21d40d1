// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Where the kernel gathers, the number of CQEs to wait for has no effect: a wait for one
 * is held by the parameters of the ring, one for many ends by them.
 */
#include <sys/wait.h>
#include <unistd.h>
#include "ring.h"

int main(void)
{
	unsigned int tries;
	pid_t child;
	struct io_uring_cint_ring before, after;
	const struct io_uring_cint params = test_batches(CINT_POLICY_CINT);
	struct io_uring_cqe *cqe;
	struct test_ring t;
	char text[1024];

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

	/* and a wait for one is held, if what it waits for comes while it waits */
	CHECK_EQ(cint_query_ring(&t.ring, &before), 0);
	after = before;
	for (tries = 0; tries < 100 && after.gathered == before.gathered; tries++) {
		test_quick(&t);
		CHECK_EQ(io_uring_submit(&t.ring), 1);
		child = fork();
		CHECK(child >= 0);
		if (!child) {
			usleep(10000);
			test_finish(&t);
			_exit(0);
		}
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, test_limit(), NULL), 0);
		CHECK_EQ(test_drop(&t), 1);
		CHECK_EQ(waitpid(child, NULL, 0), child);
		CHECK_EQ(cint_query_ring(&t.ring, &after), 0);
	}
	CHECK(after.gathered > before.gathered);
	test_detach(&t);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Calls with odd arguments, in odd order, and on odd rings: each ends in its time, with the
 * error that the manual says, takes no more memory than there are requests, and touches
 * nothing that is not the library's.
 */
#include <limits.h>
#include <malloc.h>
#include <sys/mman.h>
#include "ring.h"

/* SQEs that are none of the ring's, or no longer; texts into too little and too much. */
static void arguments(void)
{
	struct io_uring_sqe other = { 0 }, *sqe;
	struct test_ring t;
	char text[1024];
	int len;

	CHECK(test_attach(&t, 8, 0, NULL, 0));
	if (test_library_waits(&t))
		CHECK_EQ(cint_set_urgent(t.cring, &other), -EINVAL);
	CHECK_EQ(cint_set_barrier(t.cring, &other), -EINVAL);
	sqe = test_sqe(&t);
	io_uring_prep_nop(sqe);
	CHECK_EQ(cint_submit(t.cring), 1);
	CHECK_EQ(cint_set_barrier(t.cring, sqe), -EINVAL);
	cint_cqe_seen(t.cring, NULL);
	memset(text, 'x', sizeof(text));
	len = cint_explain(t.cring, text, (size_t)INT_MAX + 1);
	CHECK_EQ(strlen(text), len);
	CHECK(cint_strerror(INT_MIN) && cint_strerror(INT_MAX));
	test_detach(&t);
}

int main(void)
{
	test_ring_or_skip();
	arguments();
	return test_end();
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A process short of descriptors when it marks its first request gets its marks
 * later: the failure is not remembered as "this kernel has none".
 */
#include <sys/resource.h>
#include "helpers.h"

int main(void)
{
	struct cint_probe probe, expected;
	struct io_uring_sqe sqe;
	struct rlimit limit, none;
	struct io_uring ring;

	test_ring(&ring, 1);
	io_uring_queue_exit(&ring);
	CHECK_EQ(cint_probe(&expected), 0);

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_EQ(cint_probe(&probe), -EMFILE);
	CHECK_EQ(cint_marks(), 0);
	memset(&sqe, 0, sizeof(sqe));
	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(sqe.flags, 0);

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(sqe.flags, expected.features & 1U << CINT_FEATURE_SQE_URGENT ?
		 IOSQE_URGENT : 0);
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK(!memcmp(&probe, &expected, sizeof(probe)));
	return 0;
}

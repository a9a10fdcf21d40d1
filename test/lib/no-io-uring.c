// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Where io_uring is forbidden, as in many containers, the probe says that the
 * process may not ask, and preadv2() still works, marked or not.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "helpers.h"

static bool forbid_io_uring(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]), .filter = filter,
	};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(void)
{
	char in[16];
	struct iovec iov = { .iov_base = in, .iov_len = sizeof(in) };
	struct cint_probe probe;
	char text[256];
	int fd = test_file();

	if (!forbid_io_uring()) {
		printf("SKIP: no seccomp filters here: %s\n", strerror(errno));
		return TEST_SKIP;
	}
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.error[CINT_FEATURE_SQE_URGENT], -EPERM);
	CHECK_EQ(probe.error[CINT_FEATURE_RING_PARAMS], -EPERM);
	cint_probe_explain(&probe, CINT_FEATURE_SQE_URGENT, text, sizeof(text));
	CHECK(strstr(text, "may not ask"));
	CHECK(strstr(text, "Operation not permitted"));
	CHECK_EQ(cint_marks() & IOSQE_URGENT, 0);

	CHECK_EQ(write(fd, "sixteen bytes ok", 16), 16);
	CHECK_EQ(cint_preadv2(fd, &iov, 1, 0, RWF_URGENT | RWF_BARRIER), 16);
	CHECK(!memcmp(in, "sixteen bytes ok", 16));
	return 0;
}

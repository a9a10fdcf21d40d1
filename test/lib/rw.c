// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * cint_preadv2() and cint_pwritev2(): marks never change the data, a write
 * happens once, and errors and other flags go through untouched.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include "helpers.h"

static const int marks[] = {
	0, RWF_URGENT, RWF_BARRIER, RWF_URGENT | RWF_BARRIER,
};

static void all_marks(void)
{
	char out[100], in[100];
	struct iovec w[2] = {
		{ .iov_base = out, .iov_len = 60 },
		{ .iov_base = out + 60, .iov_len = 40 },
	};
	struct iovec r = { .iov_base = in, .iov_len = sizeof(in) };
	struct iovec bad = { .iov_base = (void *)8, .iov_len = 4096 };
	int fd = test_file();
	int full = open("/dev/full", O_WRONLY);
	int pipe_fds[2];
	struct stat st;
	unsigned int i;

	CHECK(full >= 0);
	CHECK_EQ(pipe(pipe_fds), 0);
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		int m = marks[i];

		CHECK_EQ(ftruncate(fd, 0), 0);
		memset(out, 'a' + (int)i, sizeof(out));
		CHECK_EQ(cint_pwritev2(fd, w, 2, 0, m), sizeof(out));
		memset(in, 0, sizeof(in));
		CHECK_EQ(cint_preadv2(fd, &r, 1, 0, m), sizeof(in));
		CHECK(!memcmp(in, out, sizeof(in)));

		/* appended once, and the other flag has its effect */
		CHECK_EQ(cint_pwritev2(fd, w, 1, 0, m | RWF_APPEND), 60);
		CHECK_EQ(fstat(fd, &st), 0);
		CHECK_EQ(st.st_size, 160);
		CHECK_EQ(cint_pwritev2(fd, w, 1, 0, m | RWF_DSYNC), 60);

		CHECK_EQ(cint_preadv2(fd, &r, 1, 1000, m), 0);
		CHECK_EQ(cint_preadv2(-1, &r, 1, 0, m), -EBADF);
		CHECK_EQ(cint_pwritev2(-1, w, 1, 0, m), -EBADF);
		CHECK_EQ(cint_preadv2(fd, &r, -1, 0, m), -EINVAL);
		CHECK_EQ(cint_pwritev2(fd, &bad, 1, 0, m), -EFAULT);
		CHECK_EQ(cint_pwritev2(full, w, 1, 0, m), -ENOSPC);
		/* a flag no kernel has is the kernel's to refuse */
		CHECK_EQ(cint_preadv2(fd, &r, 1, 0, m | 1 << 30), -EOPNOTSUPP);
		CHECK_EQ(cint_pwritev2(fd, w, 1, 0, m | 1 << 30), -EOPNOTSUPP);
		CHECK_EQ(fstat(fd, &st), 0);
		CHECK_EQ(st.st_size, 160);

		/* without a position */
		CHECK_EQ(cint_pwritev2(pipe_fds[1], w, 1, -1, m), 60);
		CHECK_EQ(cint_preadv2(pipe_fds[0], &r, 1, -1, m), 60);
		CHECK_EQ(cint_preadv2(pipe_fds[0], &r, 1, 0, m), -ESPIPE);
	}
	close(fd);
	close(full);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void forced(void)
{
	setenv("LIBURING_CINT_FORCE_STOCK", "1", 1);
	all_marks();
}

int main(void)
{
	test_in_child(forced);
	all_marks();
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * preadv2() and pwritev2() with marks.
 *
 * Whether the kernel takes the marks is known before the call, so there is
 * exactly one call: trying with them and again without could write twice.
 */
#include <errno.h>
#include <sys/uio.h>
#include "liburing-cint.h"

static int cint_rw_flags(int flags)
{
	const int marks = RWF_URGENT | RWF_BARRIER;

	/* callers without marks need not know what the kernel supports */
	if (flags & marks)
		flags &= ~marks | (int)cint_marks_cached_();
	return flags;
}

ssize_t cint_preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset,
		     int flags)
{
	ssize_t ret = preadv2(fd, iov, iovcnt, offset, cint_rw_flags(flags));

	return ret < 0 ? -errno : ret;
}

ssize_t cint_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset,
		      int flags)
{
	ssize_t ret = pwritev2(fd, iov, iovcnt, offset, cint_rw_flags(flags));

	return ret < 0 ? -errno : ret;
}

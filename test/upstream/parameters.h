/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * For the end of liburing's src/syscall.h: each ring that is set up is given coalescing
 * parameters, if CINT_UPSTREAM_RINGS names a file. A byte there for each ring says
 * whether the kernel took them: "1" or "0".
 */
#ifndef CINT_UPSTREAM_PARAMETERS_H
#define CINT_UPSTREAM_PARAMETERS_H

#include <fcntl.h>
#include <stdlib.h>
#include <linux/cint.h>

#define CINT_UPSTREAM_REGISTER		60		/* IORING_REGISTER_CINT */
#define CINT_UPSTREAM_REGISTERED_FD	(1U << 31)	/* IORING_REGISTER_USE_REGISTERED_RING */
#define CINT_UPSTREAM_FD_ONLY		(1U << 15)	/* IORING_SETUP_REGISTERED_FD_ONLY */

static inline void cint_upstream_parameters(int fd, unsigned int flags)
{
	const char *rings = getenv("CINT_UPSTREAM_RINGS");
	unsigned int opcode = CINT_UPSTREAM_REGISTER;
	/* held for longer than by default, so that what is not looked for is missed */
	struct io_uring_cint params = {
		.size = sizeof(params),
		.version = IORING_CINT_VERSION,
		.policy = CINT_POLICY_CINT_A,
		.flags = IORING_CINT_OOO,
		.threshold = 32,
		.delta_ns = 100000,
		.delta_min_ns = 20000,
		.max_hold_ns = 1000000,
		.correction = CINT_CORRECTION_ONE,
	};
	int before = errno;
	int out, ret;

	if (!rings)
		return;
	if (flags & CINT_UPSTREAM_FD_ONLY)
		opcode |= CINT_UPSTREAM_REGISTERED_FD;
	ret = __sys_io_uring_register(fd, opcode, &params, 1);
	out = open(rings, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (out >= 0) {
		if (write(out, ret < 0 ? "0" : "1", 1) != 1)
			abort();
		close(out);
	}
	errno = before;
}

static inline int cint_upstream_setup(unsigned int entries, struct io_uring_params *p)
{
	int fd = __sys_io_uring_setup(entries, p);

	if (fd >= 0)
		cint_upstream_parameters(fd, p->flags);
	return fd;
}
#define __sys_io_uring_setup cint_upstream_setup

#endif

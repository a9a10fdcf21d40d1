/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside the library: the system call, and the SQE that ends a wait. */
#ifndef CINT_WAIT_H
#define CINT_WAIT_H

#include "liburing-cint.h"

/* A time for a batch that has no bound. */
#define CINT_UNBOUNDED	(~0ULL)

int cint_enter(struct io_uring *ring, unsigned int to_submit, unsigned int wait_nr,
	       const struct __kernel_timespec *ts, unsigned int min_wait_us,
	       const sigset_t *sigmask);
void cint_prep_pair(struct io_uring_sqe *sqe, bool silent);

#endif /* CINT_WAIT_H */

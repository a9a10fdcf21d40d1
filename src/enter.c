// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The system call of a wait, and the clock. */
#include <signal.h>
#include <time.h>
#include "ring.h"

/* Not in liburing 2.3's headers. */
#define CINT_ENTER_NO_IOWAIT	(1U << 7)

/*
 * struct io_uring's int_flags: that the descriptor is a registered one was bit 0 until
 * liburing 2.7.  Since 2.8 they are flags of io_uring_enter(), and bit 0 says that it
 * may be used for io_uring_register(), too.
 */
#define CINT_INT_FLAG_OLD_REG_RING	1U

/* struct io_uring_getevents_arg with the name that its padding got in 6.12. */
struct cint_getevents_arg {
	__u64	sigmask;
	__u32	sigmask_sz;
	__u32	min_wait_usec;
	__u64	ts;
};

_Static_assert(sizeof(struct cint_getevents_arg) == sizeof(struct io_uring_getevents_arg),
	       "the kernel's structure");

__u64 cint_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

int cint_enter(struct io_uring *ring, unsigned int to_submit, unsigned int wait_nr,
	       const struct __kernel_timespec *ts, unsigned int min_wait_us,
	       const sigset_t *sigmask)
{
	struct cint_getevents_arg arg = {
		.sigmask	= (__u64)(uintptr_t)sigmask,
		.sigmask_sz	= _NSIG / 8,
		.min_wait_usec	= min_wait_us,
		.ts		= (__u64)(uintptr_t)ts,
	};
	unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;

	flags |= ring->int_flags & (IORING_ENTER_REGISTERED_RING | CINT_ENTER_NO_IOWAIT);
	if (ring->int_flags & CINT_INT_FLAG_OLD_REG_RING)
		flags |= IORING_ENTER_REGISTERED_RING;
	return io_uring_enter2((unsigned int)ring->enter_ring_fd, to_submit, wait_nr, flags,
			       (sigset_t *)&arg, sizeof(arg));
}

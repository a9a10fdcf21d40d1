// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * CINT_RING_LINK: an urgent request is hard-linked to a timeout of zero, the next SQE.
 *
 * A completed timeout makes io_uring_enter() return whatever it waits for, and a link
 * keeps its request from being queued lazily.  The link is hard because a short read or
 * an error breaks a soft one.  The timeout has a CQE, which the calls that take CQEs
 * skip: without one it would count as a completion for timeouts with a count.
 */
#include "ring.h"

#define CINT_LINKS	(IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

/* Opcodes that a timeout can follow; all are below 64. */
#define CINT_OP(name)	(1ULL << IORING_OP_##name)
#define CINT_LINK_OPS									\
	(CINT_OP(NOP) | CINT_OP(READ) | CINT_OP(WRITE) | CINT_OP(READV) | CINT_OP(WRITEV) | \
	 CINT_OP(READ_FIXED) | CINT_OP(WRITE_FIXED) | CINT_OP(FSYNC) | CINT_OP(RECV) |	\
	 CINT_OP(RECVMSG) | CINT_OP(SEND) | CINT_OP(SENDMSG))

static void cint_prep_timeout(struct io_uring_sqe *sqe, const struct __kernel_timespec *ts)
{
	io_uring_prep_timeout(sqe, (struct __kernel_timespec *)(uintptr_t)ts, 0, 0);
	sqe->user_data = CINT_UDATA;
}

/* Put the timeout behind an SQE; false: this one cannot have one. */
bool cint_link_add(struct cint_state *s, struct io_uring_sqe *sqe, unsigned int index)
{
	static const struct __kernel_timespec zero;
	struct io_uring *ring = s->pub.ring;
	struct io_uring_sqe *timeout;

	if (index + 1 != ring->sq.sqe_tail ||
	    sqe->flags & CINT_LINKS || sqe->opcode > 63 ||
	    !(CINT_LINK_OPS >> sqe->opcode & 1) ||
	    ((sqe->opcode == IORING_OP_RECV || sqe->opcode == IORING_OP_RECVMSG) &&
	     sqe->ioprio & IORING_RECV_MULTISHOT))
		return false;
	timeout = io_uring_get_sqe(ring);
	if (!timeout)
		return false;
	sqe->flags |= IOSQE_IO_HARDLINK;
	cint_prep_timeout(timeout, &zero);
	return true;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marking an SQE changes exactly the bits this kernel takes, and what is marked
 * completes as it would unmarked.
 */
#include "helpers.h"

static void bits(unsigned int opcode, bool can_be_barrier)
{
	struct io_uring_sqe sqe, before;

	memset(&sqe, 0, sizeof(sqe));
	sqe.opcode = (__u8)opcode;
	sqe.flags = IOSQE_ASYNC;
	sqe.rw_flags = RWF_NOWAIT;
	before = sqe;

	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(sqe.flags, IOSQE_ASYNC | (cint_marks() & IOSQE_URGENT));
	sqe.flags = before.flags;
	CHECK(!memcmp(&sqe, &before, sizeof(sqe)));

	CHECK_EQ(cint_sqe_set_barrier(&sqe), can_be_barrier ? 0 : -EOPNOTSUPP);
	CHECK_EQ(sqe.rw_flags, RWF_NOWAIT | (int)(can_be_barrier ?
						  cint_marks() & RWF_BARRIER : 0));
	sqe.rw_flags = before.rw_flags;
	CHECK(!memcmp(&sqe, &before, sizeof(sqe)));
}

static void all_opcodes(void)
{
	unsigned int opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		switch (opcode) {
		case IORING_OP_READ:
		case IORING_OP_WRITE:
		case IORING_OP_READV:
		case IORING_OP_WRITEV:
		case IORING_OP_READ_FIXED:
		case IORING_OP_WRITE_FIXED:
			bits(opcode, true);
			break;
		default:
			bits(opcode, false);
		}
	}
}

static void marked_io(void)
{
	char out[512], in[512];
	struct iovec iov = { .iov_base = in, .iov_len = sizeof(in) };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int fd = test_file();

	memset(out, 'c', sizeof(out));
	test_ring(&ring, 4);

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	cint_sqe_set_urgent(sqe);
	CHECK_EQ(test_run_sqe(&ring), 0);

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, fd, out, sizeof(out), 0);
	cint_sqe_set_urgent(sqe);
	CHECK_EQ(cint_sqe_set_barrier(sqe), 0);
	CHECK_EQ(test_run_sqe(&ring), sizeof(out));

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_fsync(sqe, fd, 0);
	cint_sqe_set_urgent(sqe);
	CHECK_EQ(cint_sqe_set_barrier(sqe), -EOPNOTSUPP);
	CHECK_EQ(test_run_sqe(&ring), 0);

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, fd, in, sizeof(in), 0);
	cint_sqe_set_urgent(sqe);
	CHECK_EQ(test_run_sqe(&ring), sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));

	memset(in, 0, sizeof(in));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_readv(sqe, fd, &iov, 1, 0);
	CHECK_EQ(cint_sqe_set_barrier(sqe), 0);
	CHECK_EQ(test_run_sqe(&ring), sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));

	/* a failure is reported, marked or not */
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, -1, in, sizeof(in), 0);
	cint_sqe_set_urgent(sqe);
	CHECK_EQ(cint_sqe_set_barrier(sqe), 0);
	CHECK_EQ(test_run_sqe(&ring), -EBADF);
	io_uring_queue_exit(&ring);
}

static void forced(void)
{
	setenv("LIBURING_CINT_FORCE_STOCK", "1", 1);
	all_opcodes();
	CHECK_EQ(cint_marks(), 0);
	marked_io();
}

int main(void)
{
	test_in_child(forced);
	all_opcodes();
	marked_io();
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * One urgent read beside bulk reads on the same ring:  urgent-read FILE
 *
 * The bulk completions may be coalesced as the ring's parameters say; the urgent
 * one is delivered as soon as the drive has it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <liburing-cint.h>

#define BULK	31
#define SIZE	4096

static char buffers[BULK + 1][SIZE];

int main(int argc, char **argv)
{
	struct io_uring_cint params;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int fd, i, ret;

	fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || io_uring_queue_init(BULK + 1, &ring, 0) < 0) {
		fprintf(stderr, "usage: urgent-read FILE\n");
		return 1;
	}

	cint_params_init(&params);
	params.threshold = 16;
	ret = cint_register(&ring, &params, NULL);
	if (ret < 0)
		printf("completions are not coalesced: %s\n", cint_strerror(ret));

	for (i = 0; i <= BULK; i++) {
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, fd, buffers[i], SIZE, (__u64)i * SIZE);
		io_uring_sqe_set_data64(sqe, (__u64)i);
	}
	cint_sqe_set_urgent(sqe);	/* the last one */
	io_uring_submit(&ring);

	for (i = 0; i <= BULK; i++) {
		if (io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res < 0)
			return 1;
		if (cqe->user_data == BULK)
			printf("the urgent read came as number %d of %d: %d bytes\n",
			       i + 1, BULK + 1, cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	return 0;
}

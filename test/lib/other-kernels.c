// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Kernels that this machine does not run, played by wrapped system calls: one
 * with all features, one where the bits mean something else, one where the
 * opcodes do, and one that lacks a part.  And what a ring costs that is attached:
 * nothing that the kernel has said already is asked.
 */
#include "helpers.h"

#define FEAT_CINT	(1U << 30)

/* The linker's --wrap sends the library's calls here. */
int __real_io_uring_setup(unsigned int entries, struct io_uring_params *p);
ssize_t __real_preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
ssize_t __real_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
int __wrap_io_uring_setup(unsigned int entries, struct io_uring_params *p);
int __wrap_io_uring_register(unsigned int fd, unsigned int opcode, const void *arg,
			     unsigned int nr_args);
ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);

static struct {
	bool announces;		/* IORING_FEAT_CINT */
	int takes_rwf;
	int refuses_rwf;	/* the error of the others */
	bool has_opcode;	/* 60 and 61 are ours */
	bool foreign_opcode;	/* they succeed, and are something else */
	__u32 features;
	int register_error;
	/* seen */
	int setups;
	int registers;
	int writes;
	int last_rwf;
	unsigned int last_opcode;
	unsigned int last_fd;
	struct io_uring_cint last;
	struct io_uring_cint setting;
} kernel;

int __wrap_io_uring_setup(unsigned int entries, struct io_uring_params *p)
{
	int fd = __real_io_uring_setup(entries, p);

	kernel.setups++;
	p->features &= ~FEAT_CINT;
	p->features |= kernel.announces ? FEAT_CINT : 0;
	return fd;
}

int __wrap_io_uring_register(unsigned int fd, unsigned int opcode, const void *arg,
			     unsigned int nr_args)
{
	struct io_uring_cint *cint = (struct io_uring_cint *)(uintptr_t)arg;
	struct io_uring_cint old = kernel.setting;

	kernel.registers++;
	kernel.last_opcode = opcode;
	kernel.last_fd = fd;
	if (kernel.foreign_opcode)
		return 0;
	if (!kernel.has_opcode)
		return -EINVAL;
	CHECK_EQ(nr_args, 1);
	kernel.last = *cint;
	if (kernel.register_error)
		return kernel.register_error;
	CHECK_EQ(cint->size, 64);
	CHECK_EQ(cint->version, 1);
	CHECK_EQ(cint->group | cint->features, 0);
	CHECK_EQ(cint->completions | cint->urgent | cint->fires, 0);
	if ((opcode & 0xff) == 61)
		memset(&kernel.setting, 0, sizeof(kernel.setting));
	else if (!(cint->flags & IORING_CINT_QUERY))
		kernel.setting = *cint;
	*cint = old;
	cint->features = kernel.features;
	cint->group = old.threshold ? 3 : 0;
	cint->fires = 77;
	return 0;
}

static bool takes(int flags)
{
	errno = kernel.refuses_rwf ? kernel.refuses_rwf : EOPNOTSUPP;
	return !(flags & (RWF_URGENT | RWF_BARRIER) & ~kernel.takes_rwf);
}

ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
{
	kernel.last_rwf = flags;
	if (!takes(flags))
		return -1;
	return __real_preadv2(fd, iov, iovcnt, offset, flags & ~kernel.takes_rwf);
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
{
	kernel.writes++;
	kernel.last_rwf = flags;
	if (!takes(flags))
		return -1;
	return __real_pwritev2(fd, iov, iovcnt, offset, flags & ~kernel.takes_rwf);
}

/* A ring of the kernel that is played. */
static void played_ring(struct io_uring *ring)
{
	test_ring(ring, 4);
	ring->features &= ~FEAT_CINT;
	ring->features |= kernel.announces ? FEAT_CINT : 0;
}

#define ALL_FEATURES	(IORING_CINT_FEAT_URGENT | IORING_CINT_FEAT_BARRIER | \
			 IORING_CINT_FEAT_RING_PARAMS | IORING_CINT_FEAT_DEVICE)

static void patched(void)
{
	kernel.announces = true;
	kernel.takes_rwf = RWF_URGENT | RWF_BARRIER;
	kernel.has_opcode = true;
	kernel.features = ALL_FEATURES;
}

static void all_supported(void)
{
	struct io_uring_cint first, second, out;
	struct iovec iov = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_WRITE, .flags = IOSQE_ASYNC };
	struct cint_probe probe;
	struct io_uring ring;
	int registers, fd = test_file();

	patched();
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.features, (1U << CINT_FEATURE_NR) - 1);
	CHECK_EQ(cint_marks(), 0xc080);
	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(cint_sqe_set_barrier(&sqe), 0);
	CHECK_EQ(sqe.flags, IOSQE_ASYNC | 0x80);
	CHECK_EQ(sqe.rw_flags, 0x8000);

	/* asked once, for all marks of the process */
	registers = kernel.registers;
	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(kernel.registers, registers);

	CHECK_EQ(cint_preadv2(fd, &iov, 1, 0, RWF_URGENT | RWF_HIPRI), 0);
	CHECK_EQ(kernel.last_rwf, 0x4000 | RWF_HIPRI);
	kernel.writes = 0;
	CHECK_EQ(cint_pwritev2(fd, &iov, 1, 0, RWF_BARRIER), 1);
	CHECK_EQ(kernel.last_rwf, 0x8000);
	CHECK_EQ(kernel.writes, 1);

	played_ring(&ring);
	cint_params_init(&first);
	CHECK_EQ(cint_register(&ring, &first, &out), 0);
	CHECK_EQ(kernel.last_opcode, 60);
	CHECK_EQ(kernel.last_fd, (unsigned int)ring.ring_fd);
	CHECK_EQ(out.threshold, 0);
	CHECK_EQ(cint_query(&ring, &out), 0);
	CHECK_EQ(kernel.last.flags, IORING_CINT_QUERY);
	CHECK_EQ(out.threshold, first.threshold);
	CHECK_EQ(out.group, 3);

	/* back in with what the kernel had filled; the wrapper checks zeros */
	CHECK_EQ(cint_register(&ring, &out, NULL), 0);
	second = first;
	second.size = 0;
	second.version = 9;
	CHECK_EQ(cint_register(&ring, &second, NULL), 0);

	kernel.register_error = -ENOSPC;
	memset(&out, 0x5a, sizeof(out));
	second = out;
	CHECK_EQ(cint_register(&ring, &first, &out), -ENOSPC);
	CHECK_EQ(cint_query(&ring, &out), -ENOSPC);
	CHECK_EQ(cint_unregister(&ring, &out), -ENOSPC);
	CHECK(!memcmp(&out, &second, sizeof(out)));
	/* here -EINVAL is about the parameters */
	kernel.register_error = -EINVAL;
	CHECK_EQ(cint_register(&ring, &first, NULL), -EINVAL);
	kernel.register_error = 0;

	CHECK_EQ(cint_unregister(&ring, &out), 0);
	CHECK_EQ(kernel.last_opcode, 61);
	CHECK_EQ(out.threshold, first.threshold);
	CHECK_EQ(out.fires, 77);

	/* a ring whose descriptor was closed goes by its registered index */
	ring.enter_ring_fd = 5;
	ring.ring_fd = -1;
	CHECK_EQ(cint_query(&ring, &out), 0);
	CHECK_EQ(kernel.last_fd, 5);
	CHECK_EQ(kernel.last_opcode, 60 | 1U << 31);
}

static void nothing_supported(void)
{
	struct iovec iov = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_WRITE };
	struct io_uring_cint params;
	struct cint_probe probe;
	struct io_uring ring;
	int registers, fd = test_file();

	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.features, 0);
	CHECK_EQ(cint_marks(), 0);
	cint_sqe_set_urgent(&sqe);
	CHECK_EQ(cint_sqe_set_barrier(&sqe), 0);
	CHECK_EQ(sqe.flags | sqe.rw_flags, 0);
	CHECK_EQ(cint_pwritev2(fd, &iov, 1, 0, RWF_URGENT | RWF_BARRIER | RWF_DSYNC), 1);
	CHECK_EQ(kernel.last_rwf, RWF_DSYNC);

	played_ring(&ring);
	cint_params_init(&params);
	registers = kernel.registers;
	CHECK_EQ(cint_register(&ring, &params, NULL), -EOPNOTSUPP);
	CHECK_EQ(cint_query(&ring, &params), -EOPNOTSUPP);
	CHECK_EQ(cint_unregister(&ring, NULL), -EOPNOTSUPP);
	/* an opcode of unknown meaning is not sent to the user's ring */
	CHECK_EQ(kernel.registers, registers);
}

static void attaches_to_stock(void)
{
	struct cint_ring *cring;
	struct io_uring ring;

	played_ring(&ring);
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	CHECK(cint_backend(cring) < CINT_BACKEND_KERNEL);
	cint_detach(cring);
	io_uring_queue_exit(&ring);
}

static void foreign_bits(void)
{
	patched();
	kernel.announces = false;
	kernel.has_opcode = false;
	nothing_supported();
}

static void foreign_opcode(void)
{
	patched();
	kernel.announces = false;
	kernel.foreign_opcode = true;
	nothing_supported();
	/* it was sent to nobody */
	CHECK_EQ(kernel.registers, 0);
}

/* The bit of the features, too, is another's. */
static void foreign_feature(void)
{
	patched();
	kernel.has_opcode = false;
	attaches_to_stock();
	CHECK_EQ(cint_marks(), 0);
}

static void no_barrier(void)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ };
	struct cint_probe probe;

	patched();
	kernel.features &= ~IORING_CINT_FEAT_BARRIER;
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.error[CINT_FEATURE_RWF_BARRIER], -EOPNOTSUPP);
	CHECK_EQ(cint_marks(), 0x4080);
	CHECK_EQ(cint_sqe_set_barrier(&sqe), 0);
	CHECK_EQ(sqe.rw_flags, 0);
}

/* The list says so, but a filter of system calls does not let the flag through. */
static void filtered(void)
{
	struct cint_probe probe;

	patched();
	kernel.takes_rwf = RWF_URGENT;
	kernel.refuses_rwf = EPERM;
	CHECK_EQ(cint_marks(), 0x4080);
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.error[CINT_FEATURE_RWF_BARRIER], -EPERM);
}

/* The kernel has said all as the ring was set up. */
static void attach_asks_nobody(void)
{
	attaches_to_stock();
	CHECK_EQ(kernel.setups, 0);
	CHECK_EQ(kernel.registers, 0);
}

/* One question, by the ring itself. */
static void attach_asks_the_ring(void)
{
	struct cint_ring *cring;
	struct io_uring ring;

	patched();
	played_ring(&ring);
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	CHECK_EQ(cint_backend(cring), CINT_BACKEND_KERNEL);
	CHECK_EQ(kernel.setups, 0);
	CHECK_EQ(kernel.registers, 1);
	CHECK_EQ(kernel.last_fd, (unsigned int)ring.ring_fd);
	cint_detach(cring);
	io_uring_queue_exit(&ring);
}

/* A ring that may not be asked: by a restriction, then by a task that is not its own. */
static void ring_refuses(void)
{
	struct cint_ring *cring;
	struct io_uring ring;
	char text[512];

	patched();
	played_ring(&ring);
	kernel.register_error = -EACCES;
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	CHECK(cint_backend(cring) < CINT_BACKEND_KERNEL);
	CHECK(cint_explain(cring, text, sizeof(text)) < (int)sizeof(text));
	CHECK(strstr(text, "not kernel: the ring has restrictions without IORING_REGISTER_CINT"));
	cint_detach(cring);

	kernel.register_error = 0;
	CHECK_EQ(cint_marks(), 0xc080);
	kernel.register_error = -EEXIST;
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	CHECK_EQ(cint_backend(cring), CINT_BACKEND_KERNEL);
	cint_detach(cring);
	io_uring_queue_exit(&ring);
}

/* liburing 2.3's io_uring_queue_mmap() forgets what the kernel said. */
static void unknown_features(void)
{
	struct io_uring ring, forgetful;
	struct io_uring_cint params;
	struct cint_ring *cring;
	enum cint_backend backend;

	played_ring(&ring);
	CHECK_EQ(cint_attach(&ring, NULL, 0, &cring), 0);
	backend = cint_backend(cring);
	cint_detach(cring);

	forgetful = ring;
	forgetful.features = 0;
	CHECK_EQ(cint_attach(&forgetful, NULL, 0, &cring), 0);
	CHECK_EQ(cint_backend(cring), backend);
	CHECK_EQ(kernel.setups, 1);
	cint_detach(cring);
	/* asked once */
	CHECK_EQ(cint_attach(&forgetful, NULL, 0, &cring), 0);
	CHECK_EQ(cint_query(&forgetful, &params), -EOPNOTSUPP);
	CHECK_EQ(kernel.setups, 1);
	CHECK_EQ(kernel.registers, 0);
	cint_detach(cring);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	struct cint_probe probe;
	struct io_uring ring;

	test_ring(&ring, 1);
	io_uring_queue_exit(&ring);
	CHECK_EQ(cint_probe(&probe), 0);
	CHECK_EQ(probe.features, 0);
	if (kernel.setups != 1) {
		fprintf(stderr, "the wrappers are not in place\n");
		return 1;
	}
	kernel.setups = 0;
	test_in_child(all_supported);
	test_in_child(foreign_bits);
	test_in_child(foreign_opcode);
	test_in_child(foreign_feature);
	test_in_child(no_barrier);
	test_in_child(filtered);
	test_in_child(attach_asks_nobody);
	test_in_child(attach_asks_the_ring);
	test_in_child(ring_refuses);
	test_in_child(unknown_features);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The interface of completion urgency to programs: IOSQE_URGENT, RWF_URGENT and
 * RWF_BARRIER are accepted wherever they make sense, and IORING_REGISTER_CINT
 * refuses whatever is not valid and then changes nothing. Needs no NVMe drive.
 */
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "nobody.h"
#include "ring.h"

FIXTURE(ring)
{
	struct ring r;
	int fd;
	char *buf;
};

FIXTURE_SETUP(ring)
{
	int ret = ring_open(&self->r, 64, 0);

	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "io_uring is not available: %s", strerror(-ret));
	ASSERT_EQ(ret, 0);
	self->fd = memfd_create("cint", 0);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(ftruncate(self->fd, 16 * BLOCK), 0);
	self->buf = buffer_alloc(BLOCK);
	ASSERT_NE(self->buf, NULL);
}

FIXTURE_TEARDOWN(ring)
{
	ring_close(&self->r);
	close(self->fd);
	free(self->buf);
}

TEST_F(ring, urgent_nop)
{
	ring_sqe(&self->r, IORING_OP_NOP, -1, NULL, 0, 0, 7)->flags = IOSQE_URGENT;
	EXPECT_EQ(ring_do(&self->r), 0);
}

TEST_F(ring, urgent_read_write)
{
	struct iovec iov = { .iov_base = self->buf, .iov_len = BLOCK };
	struct ring *r = &self->r;

	memset(self->buf, 'x', BLOCK);
	ring_sqe(r, IORING_OP_WRITE, self->fd, self->buf, BLOCK, 0, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), BLOCK);
	ring_sqe(r, IORING_OP_WRITEV, self->fd, &iov, 1, BLOCK, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), BLOCK);
	memset(self->buf, 0, BLOCK);
	ring_sqe(r, IORING_OP_READ, self->fd, self->buf, BLOCK, 0, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), BLOCK);
	EXPECT_EQ(self->buf[BLOCK - 1], 'x');
	ring_sqe(r, IORING_OP_READV, self->fd, &iov, 1, BLOCK, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), BLOCK);
	ring_sqe(r, IORING_OP_FSYNC, self->fd, NULL, 0, 0, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), 0);

	EXPECT_EQ(ring_register(r, IORING_REGISTER_BUFFERS, &iov, 1), 0);
	ring_sqe(r, IORING_OP_READ_FIXED, self->fd, self->buf, BLOCK, 0, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), BLOCK);
	ring_sqe(r, IORING_OP_WRITE_FIXED, self->fd, self->buf, BLOCK, 0, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(r), BLOCK);
}

TEST_F(ring, urgent_async_and_linked)
{
	struct ring *r = &self->r;
	struct io_uring_cqe cqe;
	int i;

	ring_sqe(r, IORING_OP_READ, self->fd, self->buf, BLOCK, 0, 1)->flags =
		IOSQE_URGENT | IOSQE_ASYNC;
	EXPECT_EQ(ring_do(r), BLOCK);
	ring_sqe(r, IORING_OP_READ, self->fd, self->buf, BLOCK, 0, 1)->flags =
		IOSQE_URGENT | IOSQE_IO_LINK;
	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags =
		IOSQE_URGENT | IOSQE_IO_DRAIN;
	ASSERT_EQ(ring_submit(r), 2);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(ring_wait(r, &cqe), 0);
		EXPECT_GE(cqe.res, 0);
	}
}

TEST_F(ring, urgent_timeout_and_poll)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000 };
	uint64_t one = 1;
	int efd = eventfd(0, 0);

	ring_sqe(&self->r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 1)->flags =
		IOSQE_URGENT;
	EXPECT_EQ(ring_do(&self->r), -ETIME);
	ASSERT_GE(efd, 0);
	ASSERT_EQ(write(efd, &one, sizeof(one)), (ssize_t)sizeof(one));
	ring_sqe(&self->r, IORING_OP_POLL_ADD, efd, NULL, 0, 0, 1)->flags =
		IOSQE_URGENT;
	self->r.sqes[(*self->r.sq_tail) & *self->r.sq_mask].poll32_events = POLLIN;
	EXPECT_EQ(ring_do(&self->r), POLLIN);
	close(efd);
}

/* The result of what is queued; zero-copy sends notify by a second CQE. */
static int do_one(struct ring *r, uint64_t user_data)
{
	struct io_uring_cqe cqe;
	int ret = ring_submit(r);

	while (ret >= 0) {
		ret = ring_wait(r, &cqe);
		if (!ret && cqe.user_data == user_data &&
		    !(cqe.flags & IORING_CQE_F_NOTIF))
			return cqe.res;
	}
	return ret;
}

/*
 * Every opcode, with arguments that mostly make no sense: the mark must not
 * change what becomes of the request.
 */
TEST_F(ring, urgent_is_valid_for_every_opcode)
{
	int op, plain, marked, other = 0;

	for (op = 0; op < IORING_OP_LAST; op++) {
		ring_sqe(&self->r, op, -1, NULL, 0, 0, 2 * op + 1);
		plain = do_one(&self->r, 2 * op + 1);
		ring_sqe(&self->r, op, -1, NULL, 0, 0, 2 * op + 2)->flags =
			IOSQE_URGENT;
		marked = do_one(&self->r, 2 * op + 2);
		/* each call of these makes a new descriptor */
		if (plain >= 0 && marked >= 0) {
			other++;
			continue;
		}
		EXPECT_EQ(marked, plain)
			TH_LOG("opcode %d: %d with the mark, %d without", op,
			       marked, plain);
		other += plain != -EINVAL;
	}
	/* if all were refused anyway, nothing was tested */
	EXPECT_GT(other, 10);
}

/* Programs try opcodes to learn what a kernel has: none but those of cint are new. */
TEST(no_other_register_opcodes)
{
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED };
	struct io_uring_restriction res = {
		.opcode = IORING_RESTRICTION_REGISTER_OP,
	};
	int op, fd = syscall(__NR_io_uring_setup, 4, &p);

	ASSERT_GE(fd, 0);
	for (op = IORING_REGISTER_CLONE_BUFFERS + 1; op < 70; op++) {
		bool cint = op == REGISTER_CINT || op == UNREGISTER_CINT;

		errno = 0;
		EXPECT_EQ(syscall(__NR_io_uring_register, -1, op, NULL, 0), -1);
		EXPECT_EQ(errno, cint ? EBADF : EINVAL)
			TH_LOG("opcode %d without a ring", op);
		if (cint)
			continue;
		res.register_op = op;
		EXPECT_EQ(syscall(__NR_io_uring_register, fd,
				  IORING_REGISTER_RESTRICTIONS, &res, 1), -1)
			TH_LOG("opcode %d can be allowed", op);
	}
	close(fd);
}

TEST_F(ring, rw_flags_of_sqe)
{
	static const int flags[] = {
		RWF_URGENT, RWF_BARRIER, RWF_URGENT | RWF_BARRIER,
	};
	struct ring *r = &self->r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ring_sqe(r, IORING_OP_WRITE, self->fd, self->buf, BLOCK, 0,
			 1)->rw_flags = flags[i];
		EXPECT_EQ(ring_do(r), BLOCK);
		ring_sqe(r, IORING_OP_READ, self->fd, self->buf, BLOCK, 0,
			 1)->rw_flags = flags[i];
		EXPECT_EQ(ring_do(r), BLOCK);
	}
	/* a flag that nobody has defined is refused as before */
	ring_sqe(r, IORING_OP_READ, self->fd, self->buf, BLOCK, 0, 1)->rw_flags =
		0x40000000;
	EXPECT_EQ(ring_do(r), -EOPNOTSUPP);
}

TEST(preadv2_pwritev2)
{
	static const int flags[] = {
		RWF_URGENT, RWF_BARRIER, RWF_URGENT | RWF_BARRIER,
	};
	char path[] = "/tmp/cint.XXXXXX", buf[64] = "calibrated";
	int files[2], i;
	size_t j;

	files[0] = memfd_create("cint", 0);
	files[1] = mkstemp(path);
	unlink(path);
	for (i = 0; i < 2; i++) {
		ASSERT_GE(files[i], 0);
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			EXPECT_EQ(cint_pwritev2(files[i], buf, 64, 0, flags[j]), 64);
			EXPECT_EQ(cint_preadv2(files[i], buf, 64, 0, flags[j]), 64);
		}
		EXPECT_STREQ(buf, "calibrated");
		EXPECT_EQ(cint_preadv2(files[i], buf, 64, 0, 0x40000000), -1);
		EXPECT_EQ(errno, EOPNOTSUPP);
		close(files[i]);
	}
}

TEST(libaio)
{
	char path[] = "/tmp/cint.XXXXXX", buf[64] = "calibrated";
	int fd = mkstemp(path);

	ASSERT_GE(fd, 0);
	unlink(path);
	if (cint_aio(IOCB_CMD_PWRITE, fd, buf, 64, 0, 0) == -ENOSYS)
		SKIP(return, "no CONFIG_AIO");
	EXPECT_EQ(cint_aio(IOCB_CMD_PWRITE, fd, buf, 64, 0, RWF_BARRIER), 64);
	EXPECT_EQ(cint_aio(IOCB_CMD_PREAD, fd, buf, 64, 0, RWF_URGENT), 64);
	EXPECT_EQ(cint_aio(IOCB_CMD_PREAD, fd, buf, 64, 0,
			   RWF_URGENT | RWF_BARRIER), 64);
	EXPECT_EQ(cint_aio(IOCB_CMD_PREAD, fd, buf, 64, 0, 0x40000000),
		  -EOPNOTSUPP);
	close(fd);
}

/* --- IORING_REGISTER_CINT ---------------------------------------------------- */

TEST(structure_is_64_bytes)
{
	EXPECT_EQ(sizeof(struct io_uring_cint), 64);
	EXPECT_EQ(offsetof(struct io_uring_cint, group), 32);
	EXPECT_EQ(offsetof(struct io_uring_cint, completions), 40);
}

TEST_F(ring, query_of_a_new_ring)
{
	struct io_uring_cint reg;

	ASSERT_EQ(ring_query(&self->r, &reg), 0);
	EXPECT_EQ(reg.size, sizeof(reg));
	EXPECT_EQ(reg.version, IORING_CINT_VERSION);
	EXPECT_EQ(reg.group, 0);
	EXPECT_EQ(reg.threshold, 0);
	EXPECT_EQ(reg.features & 7, IORING_CINT_FEAT_URGENT |
		  IORING_CINT_FEAT_BARRIER | IORING_CINT_FEAT_RING_PARAMS);
	EXPECT_EQ(reg.completions, 0);
	EXPECT_EQ(reg.urgent, 0);
	EXPECT_EQ(reg.fires, 0);
}

#define EXPECT_SAME_SETTING(a, b) do {					\
	EXPECT_EQ((a).policy, (b).policy);				\
	EXPECT_EQ((a).flags, (b).flags);				\
	EXPECT_EQ((a).threshold, (b).threshold);			\
	EXPECT_EQ((a).delta_ns, (b).delta_ns);				\
	EXPECT_EQ((a).delta_min_ns, (b).delta_min_ns);			\
	EXPECT_EQ((a).max_hold_ns, (b).max_hold_ns);			\
	EXPECT_EQ((a).correction, (b).correction);			\
} while (0)

TEST_F(ring, previous_setting_comes_back)
{
	const struct io_uring_cint a = ring_params(CINT_POLICY_CINT_A, 17);
	const struct io_uring_cint b = ring_params(CINT_POLICY_STATIC, 256);
	struct io_uring_cint reg;

	reg = a;
	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	EXPECT_EQ(reg.threshold, 0);
	EXPECT_EQ(reg.group, 0);

	reg = b;
	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	EXPECT_SAME_SETTING(reg, a);
	EXPECT_EQ(reg.group, 1);

	ASSERT_EQ(ring_query(&self->r, &reg), 0);
	EXPECT_SAME_SETTING(reg, b);
	EXPECT_EQ(reg.group, 1);

	reg = (struct io_uring_cint) {
		.size = sizeof(reg), .version = IORING_CINT_VERSION,
	};
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 1), 0);
	EXPECT_SAME_SETTING(reg, b);
	ASSERT_EQ(ring_query(&self->r, &reg), 0);
	EXPECT_EQ(reg.threshold, 0);
	EXPECT_EQ(reg.group, 0);

	reg = (struct io_uring_cint) {
		.size = sizeof(reg), .version = IORING_CINT_VERSION,
	};
	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 1), -ENOENT);

	reg = a;
	EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	EXPECT_EQ(reg.threshold, 0);
}

/* --- and with the counters of the ring ------------------------------------- */

TEST(structure_of_the_ring_is_128_bytes)
{
	EXPECT_EQ(sizeof(struct io_uring_cint_ring), 128);
	EXPECT_EQ(offsetof(struct io_uring_cint_ring, cint), 0);
	EXPECT_EQ(offsetof(struct io_uring_cint_ring, wakeups), 64);
}

static struct io_uring_cint_ring ring_params_2(unsigned int policy,
					       unsigned int threshold)
{
	struct io_uring_cint_ring reg = { .cint = ring_params(policy, threshold) };

	reg.cint.size = sizeof(reg);
	reg.cint.version = IORING_CINT_VERSION_RING;
	return reg;
}

/* Either structure sets and reads the same, and gets back what it was. */
TEST_F(ring, both_structures)
{
	struct io_uring_cint_ring reg2 = ring_params_2(CINT_POLICY_CINT_A, 17);
	struct io_uring_cint reg;

	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg2, 1), 0);
	EXPECT_EQ(reg2.cint.threshold, 0);
	EXPECT_EQ(reg2.cint.size, sizeof(reg2));
	EXPECT_EQ(reg2.cint.version, IORING_CINT_VERSION_RING);
	EXPECT_TRUE(reg2.cint.features & IORING_CINT_FEAT_GATHER);

	ASSERT_EQ(ring_query(&self->r, &reg), 0);
	ASSERT_EQ(ring_query_wakeups(&self->r, &reg2), 0);
	EXPECT_EQ(reg.threshold, 17);
	EXPECT_EQ(reg.size, sizeof(reg));
	EXPECT_EQ(reg.version, IORING_CINT_VERSION);
	reg.size = reg2.cint.size;
	reg.version = reg2.cint.version;
	EXPECT_EQ(memcmp(&reg, &reg2, sizeof(reg)), 0);

	reg2 = (struct io_uring_cint_ring) {
		.cint.size = sizeof(reg2),
		.cint.version = IORING_CINT_VERSION_RING,
	};
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg2, 1), 0);
	EXPECT_EQ(reg2.cint.threshold, 17);
}

/* The short one is all that is read and written. */
TEST_F(ring, first_structure_ends_after_64_bytes)
{
	char *page = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_cint *reg = (void *)(page + BLOCK - sizeof(*reg));

	ASSERT_NE((void *)page, MAP_FAILED);
	ASSERT_EQ(mprotect(page + BLOCK, BLOCK, PROT_NONE), 0);
	*reg = ring_params(CINT_POLICY_CINT, 5);
	EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, reg, 1), 0);
	EXPECT_EQ(ring_query(&self->r, reg), 0);
	EXPECT_EQ(reg->threshold, 5);
	/* and the long one is not there at all */
	reg->size = sizeof(struct io_uring_cint_ring);
	reg->version = IORING_CINT_VERSION_RING;
	reg->group = 0;
	reg->features = 0;
	EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, reg, 1), -EFAULT);
	munmap(page, 2 * BLOCK);
}

TEST_F(ring, errors_of_the_second_structure)
{
	struct io_uring_cint_ring before, reg;
	size_t i;

	reg = ring_params_2(CINT_POLICY_CINT_A, 17);
	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	ASSERT_EQ(ring_query_wakeups(&self->r, &before), 0);
	/* what the kernel fills, and what nobody fills yet */
	for (i = sizeof(struct io_uring_cint); i < sizeof(reg); i++) {
		reg = ring_params_2(CINT_POLICY_CINT, 99);
		((char *)&reg)[i] = 1;
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), -EINVAL)
			TH_LOG("byte %zu may be set", i);
	}
	reg = ring_params_2(CINT_POLICY_CINT, 0);
	EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), -EINVAL);
	ASSERT_EQ(ring_query_wakeups(&self->r, &reg), 0);
	EXPECT_EQ(memcmp(&reg, &before, sizeof(reg)), 0);
}

/*
 * A program that knows less, or more, than this kernel: each size from that of the first
 * structure on, with what is behind it zero or not, registering, querying and
 * unregistering. No more is read, and no more is written, than the program has.
 */
TEST_F(ring, sizes)
{
	enum { FIRST = sizeof(struct io_uring_cint), KNOWN = sizeof(struct io_uring_cint_ring) };
	static const size_t sizes[] = {
		FIRST, FIRST + 1, FIRST + 8, KNOWN - 1, KNOWN, KNOWN + 1, KNOWN + 64,
		BLOCK,
	};
	char *page = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), sent[BLOCK];
	struct io_uring_cint *reg, now;
	size_t i;

	ASSERT_NE((void *)page, MAP_FAILED);
	ASSERT_EQ(mprotect(page + BLOCK, BLOCK, PROT_NONE), 0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		reg = (void *)(page + BLOCK - sizes[i]);
		memset(page, 0, BLOCK);
		*reg = ring_params(CINT_POLICY_CINT, 5 + i);
		reg->size = sizes[i];
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, reg, 1), 0)
			TH_LOG("size %zu", sizes[i]);
		EXPECT_EQ(reg->size, sizes[i]);

		memset(page, 0, BLOCK);
		reg->size = sizes[i];
		reg->version = IORING_CINT_VERSION_RING;
		reg->flags = IORING_CINT_QUERY;
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, reg, 1), 0);
		EXPECT_EQ(reg->threshold, 5 + i);
		EXPECT_EQ(reg->size, sizes[i]);

		/* more than it has, not all of it zero */
		if (sizes[i] > KNOWN) {
			memset(page, 0, BLOCK);
			*reg = ring_params(CINT_POLICY_CINT, 99);
			reg->size = sizes[i];
			page[BLOCK - 1] = 1;
			memcpy(sent, page, BLOCK);
			EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, reg, 1),
				  -E2BIG);
			EXPECT_EQ(memcmp(sent, page, BLOCK), 0);
			ASSERT_EQ(ring_query(&self->r, &now), 0);
			EXPECT_EQ(now.threshold, 5 + i);
		}

		memset(page, 0, BLOCK);
		reg->size = sizes[i];
		reg->version = IORING_CINT_VERSION;
		EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, reg, 1), 0);
		EXPECT_EQ(reg->threshold, 5 + i);
	}
	munmap(page, 2 * BLOCK);
}

/* A bit tells that all this is there. */
TEST(feature)
{
	struct io_uring_params p = { };
	int fd = syscall(__NR_io_uring_setup, 1, &p);

	if (fd < 0)
		SKIP(return, "io_uring is not available");
	EXPECT_TRUE(p.features & 1U << 30);
	close(fd);
}

TEST_F(ring, unregister_without_registration)
{
	struct io_uring_cint reg = {
		.size = sizeof(reg), .version = IORING_CINT_VERSION,
	};

	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 1), -ENOENT);
}

TEST_F(ring, bounds_are_accepted)
{
	struct io_uring_cint reg;
	unsigned int policy;

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		reg = ring_params(policy, 1);
		reg.flags = 0;
		reg.delta_ns = reg.delta_min_ns = reg.max_hold_ns = 0;
		reg.correction = 0;
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
		reg = ring_params(policy, CINT_THRESHOLD_MAX);
		reg.delta_ns = reg.delta_min_ns = CINT_DELAY_MAX_NS;
		reg.max_hold_ns = CINT_DELAY_MAX_NS;
		reg.correction = CINT_CORRECTION_MAX;
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	}
}

/* Each wrong member alone, on a ring with and without a setting before. */
TEST_F(ring, errors_change_nothing)
{
	static const struct {
		const char *what;
		size_t offset, size;
		uint64_t value;
	} wrong[] = {
#define WRONG(member, value) { #member " " #value,			\
	offsetof(struct io_uring_cint, member),				\
	sizeof(((struct io_uring_cint *)0)->member), value }
		WRONG(size, 0), WRONG(size, 63),
		WRONG(version, 0), WRONG(version, 3), WRONG(version, 0xffff),
		WRONG(policy, 6), WRONG(policy, 0xffff),
		WRONG(flags, 2), WRONG(flags, 1u << 30), WRONG(flags, 0x7fffffff),
		/* a query sets nothing, so parameters with it are a mistake */
		WRONG(flags, IORING_CINT_QUERY),
		WRONG(flags, IORING_CINT_QUERY | IORING_CINT_OOO),
		WRONG(threshold, 0), WRONG(threshold, 257),
		WRONG(threshold, 0xffffffff),
		WRONG(delta_ns, 10000001), WRONG(delta_ns, 0xffffffff),
		WRONG(delta_min_ns, 10000001), WRONG(delta_min_ns, 0xffffffff),
		WRONG(max_hold_ns, 10000001), WRONG(max_hold_ns, 0xffffffff),
		WRONG(correction, 16001), WRONG(correction, 0xffffffff),
		WRONG(group, 1), WRONG(features, 1), WRONG(completions, 1),
		WRONG(completions, 1ull << 32), WRONG(urgent, 1),
		WRONG(fires, 1), WRONG(fires, 1ull << 63),
	};
	struct io_uring_cint before, reg, sent;
	size_t i;
	int with;

	for (with = 0; with < 2; with++) {
		if (with) {
			reg = ring_params(CINT_POLICY_CINT_A, 17);
			ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg,
						1), 0);
		}
		ASSERT_EQ(ring_query(&self->r, &before), 0);
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			reg = ring_params(CINT_POLICY_CINT, 99);
			memcpy((char *)&reg + wrong[i].offset, &wrong[i].value,
			       wrong[i].size);
			sent = reg;
			EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg,
						1), -EINVAL)
				TH_LOG("%s is accepted", wrong[i].what);
			EXPECT_EQ(memcmp(&reg, &sent, sizeof(reg)), 0);
			ASSERT_EQ(ring_query(&self->r, &reg), 0);
			EXPECT_EQ(memcmp(&reg, &before, sizeof(reg)), 0)
				TH_LOG("%s changes the setting", wrong[i].what);
		}

		reg = ring_params(CINT_POLICY_CINT, 99);
		reg.size = BLOCK + 1;
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), -E2BIG);
		reg.size = 0xffffffff;
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), -E2BIG);
		reg = ring_params(CINT_POLICY_CINT, 99);
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 0), -EINVAL);
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 2), -EINVAL);
		EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, (void *)16, 1),
			  -EFAULT);
		/* readable, but the previous setting can't be stored there */
		{
			struct io_uring_cint *ro = mmap(NULL, BLOCK,
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			ASSERT_NE((void *)ro, MAP_FAILED);
			*ro = reg;
			ASSERT_EQ(mprotect(ro, BLOCK, PROT_READ), 0);
			EXPECT_EQ(ring_register(&self->r, REGISTER_CINT, ro, 1),
				  -EFAULT);
			EXPECT_EQ(memcmp(ro, &reg, sizeof(reg)), 0);
			munmap(ro, BLOCK);
		}
		ASSERT_EQ(ring_query(&self->r, &reg), 0);
		EXPECT_EQ(memcmp(&reg, &before, sizeof(reg)), 0);
	}

	/* the same of unregistering */
	reg = (struct io_uring_cint) { .size = 63, .version = 1 };
	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 1), -EINVAL);
	reg = (struct io_uring_cint) { .size = 64, .version = 3 };
	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 1), -EINVAL);
	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, (void *)16, 1), -EFAULT);
	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 2), -EINVAL);
	ASSERT_EQ(ring_query(&self->r, &reg), 0);
	EXPECT_EQ(memcmp(&reg, &before, sizeof(reg)), 0);
}

/* The number of its group, which fdinfo tells to root, or -1. */
static int ring_group(const struct ring *r)
{
	char path[64], text[8192], *p;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
	if (file_read(path, text, sizeof(text)) < 0)
		return -1;
	p = strstr(text, "CintGroup:");
	return p ? atoi(p + sizeof("CintGroup:")) : -1;
}

/*
 * Groups of many rings are distinct, and opening and closing rings uses none up.
 * CINT_ROUNDS: how many are opened and closed, 3000 by default.
 */
TEST_F_TIMEOUT(ring, groups, 600)
{
	enum { RINGS = 10000 };
	static struct ring rings[RINGS];
	static bool seen[65536];
	struct rlimit limit = { RINGS + 100, RINGS + 100 };
	const char *env = getenv("CINT_ROUNDS");
	int nr, group, rounds = env ? atoi(env) : 3000;
	struct io_uring_cint reg;
	struct ring r;

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (nr = 0; nr < RINGS; nr++) {
		ASSERT_EQ(ring_open(&rings[nr], 1, 0), 0);
		reg = ring_params(CINT_POLICY_CINT, 1 + nr % CINT_THRESHOLD_MAX);
		ASSERT_EQ(ring_register(&rings[nr], REGISTER_CINT, &reg, 1), 0);
		ASSERT_EQ(ring_query(&rings[nr], &reg), 0);
		EXPECT_EQ(reg.group, 1);
		group = ring_group(&rings[nr]);
		ASSERT_GE(group, 1);
		ASSERT_LE(group, 65535);
		EXPECT_FALSE(seen[group]);
		seen[group] = true;
	}

	/* a ring that has one can still change it */
	reg = ring_params(CINT_POLICY_STATIC, 3);
	EXPECT_EQ(ring_register(&rings[0], REGISTER_CINT, &reg, 1), 0);

	for (nr = 0; nr < rounds; nr++) {
		ASSERT_EQ(ring_open(&r, 1, 0), 0);
		reg = ring_params(CINT_POLICY_CINT, 7);
		ASSERT_EQ(ring_register(&r, REGISTER_CINT, &reg, 1), 0);
		ring_close(&r);
	}
	/* the rest is closed by exiting, with their parameters registered */
}

/* A ring with parameters of another user: 0 if it has a group, else 1, or 2. */
static int have_a_group(void *arg)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 5);
	struct ring r;

	/* who has changed his user does not see his own fdinfo otherwise */
	if (prctl(PR_SET_DUMPABLE, 1) || ring_open(&r, 1, 0) ||
	    ring_register(&r, REGISTER_CINT, &reg, 1) || ring_query(&r, &reg))
		return 2;
	/* nor is he told the number */
	return reg.group == 1 && reg.threshold == 5 && ring_group(&r) == 1 ? 0 : 1;
}

/*
 * A user that has as many groups as he may have is given the devices' defaults, and can
 * see it; another one still has a group.
 */
TEST_F_TIMEOUT(ring, more_rings_than_groups, 600)
{
	enum { RINGS = 33000 };
	static int fds[RINGS];
	struct rlimit limit = { RINGS + 100, RINGS + 100 };
	struct io_uring_cint reg;
	struct sysinfo info;
	int nr, with = 0, without = 0;

	/* some 20 KB each */
	ASSERT_EQ(sysinfo(&info), 0);
	if (info.freeram * info.mem_unit < 1536ULL << 20)
		SKIP(return, "1.5 GiB of free memory are needed");
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (nr = 0; nr < RINGS; nr++) {
		struct io_uring_params p = { };
		struct ring r = { };

		fds[nr] = syscall(__NR_io_uring_setup, 1, &p);
		ASSERT_GE(fds[nr], 0);
		r.fd = fds[nr];
		reg = ring_params(CINT_POLICY_CINT, 5);
		ASSERT_EQ(ring_register(&r, REGISTER_CINT, &reg, 1), 0);
		ASSERT_EQ(ring_query(&r, &reg), 0);
		if (reg.group && reg.threshold == 5)
			with++;
		else if (!reg.group && !reg.threshold)
			without++;
	}
	EXPECT_EQ(with + without, RINGS);
	EXPECT_GE(without, 1);
	EXPECT_EQ(as_nobody(have_a_group, NULL), 0);

	/* and when they are gone, groups are to be had again */
	for (nr = 0; nr < RINGS; nr++)
		close(fds[nr]);
	for (nr = 0; nr < 500; nr++) {
		sleep_ms(20);
		reg = ring_params(CINT_POLICY_CINT, 5);
		ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
		ASSERT_EQ(ring_query(&self->r, &reg), 0);
		if (reg.group)
			break;
	}
	EXPECT_NE(reg.group, 0);
}

/* A user namespace whose ids are several, of who has subordinate ids. */
struct subordinate {
	volatile bool mapped, full;
	/* results of the second id: has it a group beside the first one, who has all */
	volatile int second;
};

/* As the first id, as many rings as give groups; as the second, one. */
static int be_two_users(void *arg)
{
	enum { RINGS = 33000 };
	struct rlimit limit = { RINGS + 100, RINGS + 100 };
	struct subordinate *s = arg;
	struct io_uring_cint reg;
	int nr, ret;
	pid_t pid;

	if (unshare(CLONE_NEWUSER))
		return 77;
	while (!s->mapped)
		sleep_ms(1);
	pid = fork();
	if (!pid) {
		if (setuid(1) || setrlimit(RLIMIT_NOFILE, &limit))
			_exit(1);
		for (nr = 0; nr < RINGS; nr++) {
			struct io_uring_params p = { };
			struct ring r = { };

			r.fd = syscall(__NR_io_uring_setup, 1, &p);
			reg = ring_params(CINT_POLICY_CINT, 5);
			if (r.fd < 0 || ring_register(&r, REGISTER_CINT, &reg, 1) ||
			    ring_query(&r, &reg))
				_exit(2);
			if (!reg.group)
				break;
		}
		if (nr == RINGS)
			_exit(3);
		s->full = true;
		for (;;)
			pause();
	}
	while (!s->full && !waitpid(pid, &ret, WNOHANG))
		sleep_ms(10);
	if (!s->full)
		return 3;
	if (setuid(2))
		return 4;
	s->second = have_a_group(NULL);
	kill(pid, SIGKILL);
	return 0;
}

/* They are ids of one user, who has one user's share. */
TEST_F_TIMEOUT(ring, subordinate_ids_are_one_user, 600)
{
	struct subordinate *s;
	struct sysinfo info;
	char path[64];
	pid_t pid;
	int ret;

	ASSERT_EQ(sysinfo(&info), 0);
	if (info.freeram * info.mem_unit < 1536ULL << 20)
		SKIP(return, "1.5 GiB of free memory are needed");
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(s, MAP_FAILED);
	pid = start_as(NOBODY, be_two_users, s);
	ASSERT_GE(pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	/* as newuidmap does; until it has a namespace of its own that fails */
	for (ret = -1; ret && kill(pid, 0) == 0; sleep_ms(1)) {
		if (waitpid(pid, &ret, WNOHANG) == pid)
			break;
		ret = file_write(path, "0 65534 1\n1 100000 9");
	}
	if (ret)
		SKIP(return, "no user namespaces");
	s->mapped = true;
	EXPECT_EQ(result_of(pid), 0);
	/* no group: the defaults stay in force, and it can see that */
	EXPECT_EQ(s->second, 1);
	munmap(s, sizeof(*s));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Marks reach the NVMe command, whatever the way: CDW0 bits 10 (urgent) and 11
 * (barrier), which nvme:nvme_setup_cmd shows as flags 0x4 and 0x8, and the
 * access-latency hint in DW13. The parameter nvme_core.cint_force_flags sends
 * the flags to a controller that does not advertise them.
 */
#include <limits.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "../kselftest_harness.h"
#include "marks.h"

#define HINT_LOW_LATENCY	0x30	/* DW13 bits 5:4 */

#ifndef NVME_URING_CMD_IO
struct nvme_uring_cmd {
	__u8	opcode, flags;
	__u16	rsvd1;
	__u32	nsid, cdw2, cdw3;
	__u64	metadata, addr;
	__u32	metadata_len, data_len, cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
	__u32	timeout_ms, rsvd2;
};
#define NVME_URING_CMD_IO	_IOWR('N', 0x80, struct nvme_uring_cmd)
#endif

FIXTURE(flags)
{
	struct marks m;
};

FIXTURE_SETUP(flags)
{
	const char *why = marks_setup(&self->m);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(flags)
{
	marks_teardown(&self->m);
}

static const struct mark {
	const char	*name;
	int		rwf;
	unsigned int	flags;
} marks[] = {
	{ "unmarked", 0, 0 },
	{ "urgent", RWF_URGENT, FLAG_URGENT },
	{ "barrier", RWF_BARRIER, FLAG_BARRIER },
	{ "both", RWF_URGENT | RWF_BARRIER, FLAG_URGENT | FLAG_BARRIER },
};

#define NR_MARKS	(ARRAY_SIZE(marks))

/*
 * Every way to read and write @path, with every mark. Of buffered I/O only
 * reads wait for the drive; the page cache writes back later, unmarked.
 */
static void check_file(struct __test_metadata *_metadata,
		       FIXTURE_DATA(flags) *self, const char *path, bool direct,
		       bool exact)
{
	int fd = open(path, O_RDWR | (direct ? O_DIRECT : 0) | O_CLOEXEC);
	struct iovec iov = { .iov_base = self->m.buf, .iov_len = BLOCK };
	struct io_uring_sqe *sqe;
	struct ring r;
	char what[128];
	size_t i;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_open(&r, 8, 0), 0);
	ASSERT_EQ(ring_register(&r, IORING_REGISTER_BUFFERS, &iov, 1), 0);

#define RUN(by, expr, op) do {						\
	snprintf(what, sizeof(what), "%s, %s, %s, %s", path,		\
		 direct ? "direct" : "buffered", by, m->name);		\
	if (!direct)							\
		drop_cache(fd);						\
	trace_clear(&self->m.trace);					\
	EXPECT_EQ(expr, BLOCK) TH_LOG("%s fails", what);		\
	EXPECT_MARKED(&self->m, op, m->flags, exact, what);			\
	if (!m->flags) {						\
		EXPECT_EQ(count_marked(&self->m), 0)			\
			TH_LOG("%s: a mark from nowhere", what);	\
	}								\
} while (0)

	for (i = 0; i < NR_MARKS; i++) {
		const struct mark *m = &marks[i];
		off_t off = (off_t)i * 16 * BLOCK;
		static const struct {
			const char *name;
			int op;
		} reads[] = {
			{ "IORING_OP_READ", IORING_OP_READ },
			{ "IORING_OP_READV", IORING_OP_READV },
			{ "IORING_OP_READ_FIXED", IORING_OP_READ_FIXED },
		}, writes[] = {
			{ "IORING_OP_WRITE", IORING_OP_WRITE },
			{ "IORING_OP_WRITEV", IORING_OP_WRITEV },
			{ "IORING_OP_WRITE_FIXED", IORING_OP_WRITE_FIXED },
		};
		size_t j;

		RUN("preadv2", cint_preadv2(fd, self->m.buf, BLOCK, off, m->rwf),
		    "nvme_cmd_read");
		RUN("libaio", cint_aio(IOCB_CMD_PREAD, fd, self->m.buf, BLOCK, off,
				       m->rwf), "nvme_cmd_read");
		for (j = 0; j < 3; j++) {
			bool v = reads[j].op == IORING_OP_READV;

			sqe = ring_sqe(&r, reads[j].op, fd,
				       v ? (void *)&iov : self->m.buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->rw_flags = m->rwf;
			RUN(reads[j].name, ring_do(&r), "nvme_cmd_read");
			if (!(m->rwf & RWF_URGENT))
				continue;
			/* the SQE's own flag says the same as RWF_URGENT */
			sqe = ring_sqe(&r, reads[j].op, fd,
				       v ? (void *)&iov : self->m.buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->flags = IOSQE_URGENT;
			sqe->rw_flags = m->rwf & ~RWF_URGENT;
			RUN(reads[j].name, ring_do(&r), "nvme_cmd_read");
			/* and not only when issued inline */
			sqe = ring_sqe(&r, reads[j].op, fd,
				       v ? (void *)&iov : self->m.buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->flags = IOSQE_URGENT | IOSQE_ASYNC;
			sqe->rw_flags = m->rwf & ~RWF_URGENT;
			RUN(reads[j].name, ring_do(&r), "nvme_cmd_read");
		}
		if (!direct)
			continue;
		RUN("pwritev2", cint_pwritev2(fd, self->m.buf, BLOCK, off, m->rwf),
		    "nvme_cmd_write");
		RUN("libaio", cint_aio(IOCB_CMD_PWRITE, fd, self->m.buf, BLOCK, off,
				       m->rwf), "nvme_cmd_write");
		for (j = 0; j < 3; j++) {
			bool v = writes[j].op == IORING_OP_WRITEV;

			sqe = ring_sqe(&r, writes[j].op, fd,
				       v ? (void *)&iov : self->m.buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->rw_flags = m->rwf;
			RUN(writes[j].name, ring_do(&r), "nvme_cmd_write");
		}
	}
#undef RUN
	ring_close(&r);
	close(fd);
}

TEST_F_TIMEOUT(flags, block_device_direct, 120)
{
	check_file(_metadata, self, self->m.d.ns, true, true);
}

TEST_F_TIMEOUT(flags, block_device_buffered, 120)
{
	check_file(_metadata, self, self->m.d.ns, false, true);
}

/* fsync has no flags of its own: the SQE's reaches the flush. */
TEST_F(flags, fsync)
{
	int fd = open(self->m.d.ns, O_RDWR | O_DIRECT), pass;
	struct ring r;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_open(&r, 8, 0), 0);
	for (pass = 0; pass < 2; pass++) {
		ASSERT_EQ(pwrite(fd, self->m.buf, BLOCK, 0), BLOCK);
		trace_clear(&self->m.trace);
		ring_sqe(&r, IORING_OP_FSYNC, fd, NULL, 0, 0, 1)->flags =
			pass ? IOSQE_URGENT : 0;
		EXPECT_EQ(ring_do(&r), 0);
		EXPECT_MARKED(&self->m, "nvme_cmd_flush", pass ? FLAG_URGENT : 0, true,
			      pass ? "urgent fsync" : "fsync");
	}
	ring_close(&r);
	close(fd);
}

TEST_F(flags, passthrough)
{
	int fd = open(self->m.d.generic, O_RDWR), pass;
	struct io_uring_sqe *sqe;
	struct nvme_uring_cmd *cmd;
	unsigned int blocks = 1, size = 512;
	struct ring r;

	if (fd < 0)
		SKIP(return, "no %s", self->m.d.generic);
	{
		int bdev = open(self->m.d.ns, O_RDONLY);

		ASSERT_GE(bdev, 0);
		ioctl(bdev, _IO(0x12, 104) /* BLKSSZGET */, &size);
		close(bdev);
	}
	ASSERT_EQ(ring_open(&r, 8, IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	for (pass = 0; pass < 2; pass++) {
		trace_clear(&self->m.trace);
		sqe = ring_sqe(&r, IORING_OP_URING_CMD, fd, NULL, 0, 0, 1);
		sqe->flags = pass ? IOSQE_URGENT : 0;
		sqe->cmd_op = NVME_URING_CMD_IO;
		cmd = (void *)sqe->cmd;
		cmd->opcode = 2;	/* read */
		cmd->nsid = self->m.d.nsid;
		cmd->addr = (unsigned long)self->m.buf;
		cmd->data_len = blocks * size;
		cmd->cdw12 = blocks - 1;
		sqe->addr = 0;
		ASSERT_EQ(ring_do(&r), 0);
		EXPECT_MARKED(&self->m, "nvme_cmd_read", pass ? FLAG_URGENT : 0, true,
			      pass ? "urgent passthrough" : "passthrough");
	}
	ring_close(&r);
	close(fd);
}

/* Without the parameter an ordinary controller sees nothing new. */
TEST_F(flags, not_sent_unasked)
{
	int fd = open(self->m.d.ns, O_RDWR | O_DIRECT);
	size_t i;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(file_write(FORCE_FLAGS, "N"), 0);
	for (i = 0; i < NR_MARKS; i++) {
		trace_clear(&self->m.trace);
		EXPECT_EQ(cint_preadv2(fd, self->m.buf, BLOCK, 0, marks[i].rwf),
			  BLOCK);
		EXPECT_EQ(cint_pwritev2(fd, self->m.buf, BLOCK, 0, marks[i].rwf),
			  BLOCK);
		EXPECT_MARKED(&self->m, "nvme_cmd_read", 0, true, marks[i].name);
		EXPECT_MARKED(&self->m, "nvme_cmd_write", 0, true, marks[i].name);
	}
	close(fd);
}

/* The standard hint, for controllers that know no cint: urgent only. */
TEST_F(flags, latency_hint)
{
	int fd = open(self->m.d.ns, O_RDWR | O_DIRECT), hint, nr, i, seen;
	struct event *e;
	size_t j;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(file_write(FORCE_FLAGS, "N"), 0);
	for (hint = 0; hint < 2; hint++) {
		ASSERT_EQ(device_set_number(&self->m.d, "latency_hint", hint), 0);
		for (j = 0; j < NR_MARKS; j++) {
			unsigned int want = hint && (marks[j].rwf & RWF_URGENT) ?
				HINT_LOW_LATENCY : 0;

			trace_clear(&self->m.trace);
			EXPECT_EQ(cint_preadv2(fd, self->m.buf, BLOCK, 0,
					       marks[j].rwf), BLOCK);
			EXPECT_EQ(cint_pwritev2(fd, self->m.buf, BLOCK, 0,
						marks[j].rwf), BLOCK);
			nr = trace_read(&self->m.trace, self->m.d.ctrl, &e);
			for (i = 0, seen = 0; i < nr; i++) {
				if (e[i].kind != EVENT_CMD || !e[i].qid ||
				    e[i].nsid != self->m.d.nsid || !e[i].blocks)
					continue;
				seen++;
				EXPECT_EQ(e[i].dsmgmt & 0x30, want)
					TH_LOG("hint %d, %s, %s", hint,
					       marks[j].name, e[i].op);
			}
			EXPECT_EQ(seen, 2);
		}
	}
	close(fd);
}

/* Adjacent reads that are merged into one command: one urgent makes it so. */
TEST_F(flags, merged_requests)
{
	unsigned int block = 512;
	int fd = open(self->m.d.ns, O_RDWR | O_DIRECT), nr, i, covered = 0;
	struct io_uring_cqe cqe;
	struct event *e;
	struct ring r;

	ASSERT_GE(fd, 0);
	ioctl(fd, _IO(0x12, 104) /* BLKSSZGET */, &block);
	ASSERT_EQ(ring_open(&r, 16, 0), 0);
	trace_clear(&self->m.trace);
	for (i = 0; i < 8; i++)
		ring_sqe(&r, IORING_OP_READ, fd, self->m.buf + i * BLOCK, BLOCK,
			 (uint64_t)i * BLOCK, i)->flags =
			 i == 5 ? IOSQE_URGENT : 0;
	ASSERT_EQ(ring_submit(&r), 8);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
	}
	nr = trace_read(&self->m.trace, self->m.d.ctrl, &e);
	for (i = 0; i < nr; i++) {
		unsigned long long first = e[i].slba * block;
		unsigned long long end = first + e[i].blocks * block;

		if (e[i].kind != EVENT_CMD || e[i].nsid != self->m.d.nsid ||
		    !e[i].qid || !e[i].blocks)
			continue;
		if (first <= 5 * BLOCK && end > 5 * BLOCK) {
			covered++;
			EXPECT_EQ(e[i].flags, FLAG_URGENT);
			if (e[i].blocks * block == BLOCK)
				TH_LOG("not merged: nothing to test here");
		} else {
			EXPECT_EQ(e[i].flags, 0);
		}
	}
	EXPECT_EQ(covered, 1);
	ring_close(&r);
	close(fd);
}

/* An urgent buffered write is done when it is in the page cache. */
static void check_writeback(struct __test_metadata *_metadata,
			    FIXTURE_DATA(flags) *self, const char *path)
{
	int fd = open(path, O_RDWR), i;

	ASSERT_GE(fd, 0);
	/* pages present, so that writing them reads nothing */
	for (i = 0; i < 16; i++)
		ASSERT_EQ(pread(fd, self->m.buf, BLOCK, i * BLOCK), BLOCK);
	trace_clear(&self->m.trace);
	for (i = 0; i < 16; i++)
		ASSERT_EQ(cint_pwritev2(fd, self->m.buf, BLOCK, i * BLOCK,
					RWF_URGENT), BLOCK);
	ASSERT_EQ(fsync(fd), 0);
	EXPECT_MARKED(&self->m, "nvme_cmd_write", 0, true, path);
	EXPECT_EQ(count_marked(&self->m), 0);

	/* but a write that waits for the drive is what somebody waits for */
	trace_clear(&self->m.trace);
	ASSERT_EQ(cint_pwritev2(fd, self->m.buf, BLOCK, 0,
				RWF_URGENT | RWF_BARRIER | RWF_DSYNC), BLOCK);
	EXPECT_MARKED(&self->m, "nvme_cmd_write", FLAG_URGENT | FLAG_BARRIER,
		      !strcmp(path, self->m.d.ns), path);
	close(fd);
}

TEST_F(flags, readahead)
{
	check_readahead(_metadata, &self->m, self->m.d.ns, FILE_BLOCKS,
			RWF_URGENT);
}

TEST_F(flags, writeback)
{
	check_writeback(_metadata, self, self->m.d.ns);
}

static void check_filesystem(struct __test_metadata *_metadata,
			     FIXTURE_DATA(flags) *self, const char *type)
{
	char file[128];
	const char *why = make_filesystem(&self->m, type, file, sizeof(file));

	if (why)
		SKIP(return, "%s: %s", type, why);
	check_file(_metadata, self, file, true, false);
	check_file(_metadata, self, file, false, false);
	check_readahead(_metadata, &self->m, file, FILE_BLOCKS, RWF_URGENT);
	check_writeback(_metadata, self, file);
}

TEST_F_TIMEOUT(flags, ext4, 180)
{
	check_filesystem(_metadata, self, "ext4");
}

TEST_F_TIMEOUT(flags, xfs, 180)
{
	check_filesystem(_metadata, self, "xfs");
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Marks reach the NVMe command, whatever the way: CDW0 bits 10 (urgent) and 11
 * (barrier), which nvme:nvme_setup_cmd shows as flags 0x4 and 0x8, and the
 * access-latency hint in DW13. The parameter nvme_core.cint_force_flags sends
 * the flags to a controller that does not advertise them.
 */
#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "ring.h"
#include "trace.h"

#define FORCE_FLAGS	"/sys/module/nvme_core/parameters/cint_force_flags"
#define FLAG_URGENT	0x4
#define FLAG_BARRIER	0x8
#define FILE_BLOCKS	256
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

static const char *const events[] = { "nvme:nvme_setup_cmd", NULL };

FIXTURE(flags)
{
	struct device d;
	struct device_saved saved;
	struct trace trace;
	char force[8];
	char *buf;
	char mnt[64];
};

FIXTURE_SETUP(flags)
{
	const char *why = device_find(&self->d);

	self->mnt[0] = '\0';
	self->trace.dir[0] = '\0';
	if (why)
		SKIP(return, "%s", why);
	if (file_read(FORCE_FLAGS, self->force, sizeof(self->force)) <= 0)
		SKIP(return, "no " FORCE_FLAGS);
	why = trace_open(&self->trace, events);
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	ASSERT_EQ(file_write(FORCE_FLAGS, "Y"), 0);
	self->buf = buffer_alloc(64 * BLOCK);
	ASSERT_NE(self->buf, NULL);
}

FIXTURE_TEARDOWN(flags)
{
	if (self->mnt[0]) {
		umount(self->mnt);
		rmdir(self->mnt);
	}
	if (self->trace.dir[0])
		trace_close(&self->trace);
	if (self->force[0])
		file_write(FORCE_FLAGS, self->force);
	if (self->buf)
		device_restore(&self->d, &self->saved);
	free(self->buf);
}

/*
 * Of the commands since trace_clear() named @op on the namespace under test:
 * how many, and how many of them have exactly @flags.
 */
static void count_commands(FIXTURE_DATA(flags) *self, const char *op,
			   unsigned int flags, int *all, int *matching)
{
	struct event *e;
	int nr = trace_read(&self->trace, self->d.ctrl, &e), i;

	*all = *matching = 0;
	for (i = 0; i < nr; i++) {
		if (e[i].kind != EVENT_CMD || !e[i].qid ||
		    e[i].nsid != self->d.nsid || strcmp(e[i].op, op))
			continue;
		(*all)++;
		*matching += e[i].flags == flags;
	}
}

/* Commands of any kind that carry a mark. */
static int count_marked(FIXTURE_DATA(flags) *self)
{
	struct event *e;
	int nr = trace_read(&self->trace, self->d.ctrl, &e), i, marked = 0;

	for (i = 0; i < nr; i++)
		marked += e[i].kind == EVENT_CMD && e[i].qid &&
			  e[i].flags & (FLAG_URGENT | FLAG_BARRIER);
	return marked;
}

/*
 * All commands of the operation must carry exactly the mark; a file system may
 * add reads of its own metadata, so there at least one must.
 */
#define EXPECT_MARKED(op, flags, exact, what) do {			\
	int all_, matching_;						\
									\
	count_commands(self, op, flags, &all_, &matching_);		\
	EXPECT_GT(matching_, 0)						\
		TH_LOG("%s: no %s with flags %#x among %d", what, op,	\
		       flags, all_);					\
	if (exact) {							\
		EXPECT_EQ(matching_, all_)				\
			TH_LOG("%s: %d of %d %s with flags %#x", what,	\
			       matching_, all_, op, flags);		\
	}								\
} while (0)

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

/* Drops clean pages, so that the next buffered read goes to the drive. */
static void drop_cache(int fd)
{
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/*
 * Every way to read and write @path, with every mark. Of buffered I/O only
 * reads wait for the drive; the page cache writes back later, unmarked.
 */
static void check_file(struct __test_metadata *_metadata,
		       FIXTURE_DATA(flags) *self, const char *path, bool direct,
		       bool exact)
{
	int fd = open(path, O_RDWR | (direct ? O_DIRECT : 0) | O_CLOEXEC);
	struct iovec iov = { .iov_base = self->buf, .iov_len = BLOCK };
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
	trace_clear(&self->trace);					\
	EXPECT_EQ(expr, BLOCK) TH_LOG("%s fails", what);		\
	EXPECT_MARKED(op, m->flags, exact, what);			\
	if (!m->flags) {						\
		EXPECT_EQ(count_marked(self), 0)			\
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

		RUN("preadv2", cint_preadv2(fd, self->buf, BLOCK, off, m->rwf),
		    "nvme_cmd_read");
		RUN("libaio", cint_aio(IOCB_CMD_PREAD, fd, self->buf, BLOCK, off,
				       m->rwf), "nvme_cmd_read");
		for (j = 0; j < 3; j++) {
			bool v = reads[j].op == IORING_OP_READV;

			sqe = ring_sqe(&r, reads[j].op, fd,
				       v ? (void *)&iov : self->buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->rw_flags = m->rwf;
			RUN(reads[j].name, ring_do(&r), "nvme_cmd_read");
			if (!(m->rwf & RWF_URGENT))
				continue;
			/* the SQE's own flag says the same as RWF_URGENT */
			sqe = ring_sqe(&r, reads[j].op, fd,
				       v ? (void *)&iov : self->buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->flags = IOSQE_URGENT;
			sqe->rw_flags = m->rwf & ~RWF_URGENT;
			RUN(reads[j].name, ring_do(&r), "nvme_cmd_read");
			/* and not only when issued inline */
			sqe = ring_sqe(&r, reads[j].op, fd,
				       v ? (void *)&iov : self->buf,
				       v ? 1 : BLOCK, off, 1);
			sqe->flags = IOSQE_URGENT | IOSQE_ASYNC;
			sqe->rw_flags = m->rwf & ~RWF_URGENT;
			RUN(reads[j].name, ring_do(&r), "nvme_cmd_read");
		}
		if (!direct)
			continue;
		RUN("pwritev2", cint_pwritev2(fd, self->buf, BLOCK, off, m->rwf),
		    "nvme_cmd_write");
		RUN("libaio", cint_aio(IOCB_CMD_PWRITE, fd, self->buf, BLOCK, off,
				       m->rwf), "nvme_cmd_write");
		for (j = 0; j < 3; j++) {
			bool v = writes[j].op == IORING_OP_WRITEV;

			sqe = ring_sqe(&r, writes[j].op, fd,
				       v ? (void *)&iov : self->buf,
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
	check_file(_metadata, self, self->d.ns, true, true);
}

TEST_F_TIMEOUT(flags, block_device_buffered, 120)
{
	check_file(_metadata, self, self->d.ns, false, true);
}

/* Runs a program without a shell: its exit status, or -1. */
static int run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static const char *make_filesystem(FIXTURE_DATA(flags) *self, const char *type,
				   char *file, size_t size)
{
	const char *const ext4[] = { "mkfs.ext4", "-q", "-F", "-b", "4096",
		self->d.ns, NULL };
	const char *const xfs[] = { "mkfs.xfs", "-q", "-f", self->d.ns, NULL };
	char dir[] = "/tmp/cint.XXXXXX";
	int ret, fd, i;

	ret = run(!strcmp(type, "ext4") ? ext4 : xfs);
	if (ret == 127)
		return "mkfs is not installed";
	if (ret)
		return "mkfs fails";
	if (!mkdtemp(dir))
		return "no directory to mount on";
	if (mount(self->d.ns, dir, type, 0, NULL)) {
		rmdir(dir);
		return "the kernel does not mount it";
	}
	snprintf(self->mnt, sizeof(self->mnt), "%s", dir);
	snprintf(file, size, "%s/file", dir);
	/* written blocks: reads of a hole never get to the drive */
	fd = open(file, O_RDWR | O_CREAT, 0600);
	for (i = 0; i < FILE_BLOCKS && fd >= 0; i++)
		if (pwrite(fd, self->buf, BLOCK, (off_t)i * BLOCK) != BLOCK)
			return "cannot write the file";
	if (fd < 0 || fsync(fd))
		return "cannot write the file";
	close(fd);
	return NULL;
}

/* fsync has no flags of its own: the SQE's reaches the flush. */
TEST_F(flags, fsync)
{
	int fd = open(self->d.ns, O_RDWR | O_DIRECT), pass;
	struct ring r;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_open(&r, 8, 0), 0);
	for (pass = 0; pass < 2; pass++) {
		ASSERT_EQ(pwrite(fd, self->buf, BLOCK, 0), BLOCK);
		trace_clear(&self->trace);
		ring_sqe(&r, IORING_OP_FSYNC, fd, NULL, 0, 0, 1)->flags =
			pass ? IOSQE_URGENT : 0;
		EXPECT_EQ(ring_do(&r), 0);
		EXPECT_MARKED("nvme_cmd_flush", pass ? FLAG_URGENT : 0, true,
			      pass ? "urgent fsync" : "fsync");
	}
	ring_close(&r);
	close(fd);
}

TEST_F(flags, passthrough)
{
	int fd = open(self->d.generic, O_RDWR), pass;
	struct io_uring_sqe *sqe;
	struct nvme_uring_cmd *cmd;
	unsigned int blocks = 1, size = 512;
	struct ring r;

	if (fd < 0)
		SKIP(return, "no %s", self->d.generic);
	{
		int bdev = open(self->d.ns, O_RDONLY);

		ASSERT_GE(bdev, 0);
		ioctl(bdev, _IO(0x12, 104) /* BLKSSZGET */, &size);
		close(bdev);
	}
	ASSERT_EQ(ring_open(&r, 8, IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	for (pass = 0; pass < 2; pass++) {
		trace_clear(&self->trace);
		sqe = ring_sqe(&r, IORING_OP_URING_CMD, fd, NULL, 0, 0, 1);
		sqe->flags = pass ? IOSQE_URGENT : 0;
		sqe->cmd_op = NVME_URING_CMD_IO;
		cmd = (void *)sqe->cmd;
		cmd->opcode = 2;	/* read */
		cmd->nsid = self->d.nsid;
		cmd->addr = (unsigned long)self->buf;
		cmd->data_len = blocks * size;
		cmd->cdw12 = blocks - 1;
		sqe->addr = 0;
		ASSERT_EQ(ring_do(&r), 0);
		EXPECT_MARKED("nvme_cmd_read", pass ? FLAG_URGENT : 0, true,
			      pass ? "urgent passthrough" : "passthrough");
	}
	ring_close(&r);
	close(fd);
}

/* Without the parameter an ordinary controller sees nothing new. */
TEST_F(flags, not_sent_unasked)
{
	int fd = open(self->d.ns, O_RDWR | O_DIRECT);
	size_t i;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(file_write(FORCE_FLAGS, "N"), 0);
	for (i = 0; i < NR_MARKS; i++) {
		trace_clear(&self->trace);
		EXPECT_EQ(cint_preadv2(fd, self->buf, BLOCK, 0, marks[i].rwf),
			  BLOCK);
		EXPECT_EQ(cint_pwritev2(fd, self->buf, BLOCK, 0, marks[i].rwf),
			  BLOCK);
		EXPECT_MARKED("nvme_cmd_read", 0, true, marks[i].name);
		EXPECT_MARKED("nvme_cmd_write", 0, true, marks[i].name);
	}
	close(fd);
}

/* The standard hint, for controllers that know no cint: urgent only. */
TEST_F(flags, latency_hint)
{
	int fd = open(self->d.ns, O_RDWR | O_DIRECT), hint, nr, i, seen;
	struct event *e;
	size_t j;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(file_write(FORCE_FLAGS, "N"), 0);
	for (hint = 0; hint < 2; hint++) {
		ASSERT_EQ(device_set_number(&self->d, "latency_hint", hint), 0);
		for (j = 0; j < NR_MARKS; j++) {
			unsigned int want = hint && (marks[j].rwf & RWF_URGENT) ?
				HINT_LOW_LATENCY : 0;

			trace_clear(&self->trace);
			EXPECT_EQ(cint_preadv2(fd, self->buf, BLOCK, 0,
					       marks[j].rwf), BLOCK);
			EXPECT_EQ(cint_pwritev2(fd, self->buf, BLOCK, 0,
						marks[j].rwf), BLOCK);
			nr = trace_read(&self->trace, self->d.ctrl, &e);
			for (i = 0, seen = 0; i < nr; i++) {
				if (e[i].kind != EVENT_CMD || !e[i].qid ||
				    e[i].nsid != self->d.nsid || !e[i].blocks)
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
	int fd = open(self->d.ns, O_RDWR | O_DIRECT), nr, i, covered = 0;
	struct io_uring_cqe cqe;
	struct event *e;
	struct ring r;

	ASSERT_GE(fd, 0);
	ioctl(fd, _IO(0x12, 104) /* BLKSSZGET */, &block);
	ASSERT_EQ(ring_open(&r, 16, 0), 0);
	trace_clear(&self->trace);
	for (i = 0; i < 8; i++)
		ring_sqe(&r, IORING_OP_READ, fd, self->buf + i * BLOCK, BLOCK,
			 (uint64_t)i * BLOCK, i)->flags =
			 i == 5 ? IOSQE_URGENT : 0;
	ASSERT_EQ(ring_submit(&r), 8);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
	}
	nr = trace_read(&self->trace, self->d.ctrl, &e);
	for (i = 0; i < nr; i++) {
		unsigned long long first = e[i].slba * block;
		unsigned long long end = first + e[i].blocks * block;

		if (e[i].kind != EVENT_CMD || e[i].nsid != self->d.nsid ||
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

/* Where on the drive a file is, in bytes, or -1 if it is not in one piece. */
static long long file_position(int fd, unsigned int blocks)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} f = { .map = { .fm_length = (__u64)blocks * BLOCK,
			 .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 1 } };

	if (ioctl(fd, FS_IOC_FIEMAP, &f.map) || f.map.fm_mapped_extents != 1 ||
	    f.extent.fe_logical || f.extent.fe_length < f.map.fm_length)
		return -1;
	return f.extent.fe_physical;
}

/*
 * A sequential reader in a hurry: only commands with a page it asks for are
 * urgent, what is read ahead of it is not. What is read elsewhere on the drive
 * is the file system's business.
 */
static void check_readahead(struct __test_metadata *_metadata,
			    FIXTURE_DATA(flags) *self, const char *path,
			    unsigned int pages)
{
	int fd = open(path, O_RDONLY), nr, i, ahead = 0, wanted = 0;
	unsigned long long base = 0, first, at;
	unsigned int block = 512, page;
	struct event *e;

	ASSERT_GE(fd, 0);
	nr = open(self->d.ns, O_RDONLY);
	ioctl(nr, _IO(0x12, 104) /* BLKSSZGET */, &block);
	close(nr);
	if (strcmp(path, self->d.ns)) {
		long long position = file_position(fd, pages);

		ASSERT_GE(position, 0);
		base = position;
	}
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (page = 0; page < pages; page++) {
		first = base + (unsigned long long)page * BLOCK;
		trace_clear(&self->trace);
		ASSERT_EQ(cint_preadv2(fd, self->buf, BLOCK, first - base,
				       RWF_URGENT), BLOCK);
		nr = trace_read(&self->trace, self->d.ctrl, &e);
		for (i = 0; i < nr; i++) {
			if (e[i].kind != EVENT_CMD || !e[i].qid ||
			    e[i].nsid != self->d.nsid || !e[i].blocks)
				continue;
			at = e[i].slba * block;
			if (at < base ||
			    at >= base + (unsigned long long)pages * BLOCK)
				continue;
			if (at > first) {
				ahead++;
				EXPECT_EQ(e[i].flags, 0)
					TH_LOG("%s, page %u: %llu is urgent",
					       path, page, e[i].slba);
			} else {
				wanted++;
				EXPECT_EQ(e[i].flags, FLAG_URGENT)
					TH_LOG("%s, page %u is not", path, page);
			}
		}
	}
	EXPECT_GT(wanted, 0);
	EXPECT_GT(ahead, 0);
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
		ASSERT_EQ(pread(fd, self->buf, BLOCK, i * BLOCK), BLOCK);
	trace_clear(&self->trace);
	for (i = 0; i < 16; i++)
		ASSERT_EQ(cint_pwritev2(fd, self->buf, BLOCK, i * BLOCK,
					RWF_URGENT), BLOCK);
	ASSERT_EQ(fsync(fd), 0);
	EXPECT_MARKED("nvme_cmd_write", 0, true, path);
	EXPECT_EQ(count_marked(self), 0);

	/* but a write that waits for the drive is what somebody waits for */
	trace_clear(&self->trace);
	ASSERT_EQ(cint_pwritev2(fd, self->buf, BLOCK, 0,
				RWF_URGENT | RWF_BARRIER | RWF_DSYNC), BLOCK);
	EXPECT_MARKED("nvme_cmd_write", FLAG_URGENT | FLAG_BARRIER,
		      !strcmp(path, self->d.ns), path);
	close(fd);
}

TEST_F(flags, readahead)
{
	check_readahead(_metadata, self, self->d.ns, FILE_BLOCKS);
}

TEST_F(flags, writeback)
{
	check_writeback(_metadata, self, self->d.ns);
}

static void check_filesystem(struct __test_metadata *_metadata,
			     FIXTURE_DATA(flags) *self, const char *type)
{
	char file[128];
	const char *why = make_filesystem(self, type, file, sizeof(file));

	if (why)
		SKIP(return, "%s: %s", type, why);
	check_file(_metadata, self, file, true, false);
	check_file(_metadata, self, file, false, false);
	check_readahead(_metadata, self, file, FILE_BLOCKS);
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

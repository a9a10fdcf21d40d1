// SPDX-License-Identifier: GPL-2.0
/*
 * Default calibration: what a program that marks nothing gets from a device whose
 * cint/calibrate is 1. What a caller waits for is urgent, the last request of a
 * batch and what flushes a cache are barriers, readahead and writeback are nothing,
 * and whoever says something himself is believed.
 */
#include <stdio.h>

#include "../kselftest_harness.h"
#include "marks.h"

#define BATCH	8
#define READS	64	/* of a sequential reader, more than is read ahead */

FIXTURE(calibrate)
{
	struct marks m;
	struct ring r;
	bool ready;
	int direct, buffered;
};

FIXTURE_VARIANT(calibrate)
{
	const char *mode;
};

FIXTURE_VARIANT_ADD(calibrate, kthread)
{
	.mode = "kthread",
};

FIXTURE_VARIANT_ADD(calibrate, split)
{
	.mode = "split",
};

FIXTURE_SETUP(calibrate)
{
	const char *why = marks_setup(&self->m);

	self->direct = self->buffered = -1;
	self->ready = false;
	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(run_on_cpu(0), 0);
	ASSERT_EQ(device_set(&self->m.d, "mode", "off"), 0);
	ASSERT_EQ(device_set(&self->m.d, "policy", "cint"), 0);
	if (device_set(&self->m.d, "mode", variant->mode))
		SKIP(return, "mode %s is refused on this controller",
		     variant->mode);
	ASSERT_EQ(device_set(&self->m.d, "calibrate", "1"), 0);
	self->direct = open(self->m.d.ns, O_RDWR | O_DIRECT);
	ASSERT_GE(self->direct, 0);
	self->buffered = open(self->m.d.ns, O_RDWR);
	ASSERT_GE(self->buffered, 0);
	ASSERT_EQ(ring_open(&self->r, 2 * BATCH, 0), 0);
	self->ready = true;
}

FIXTURE_TEARDOWN(calibrate)
{
	if (self->ready)
		ring_close(&self->r);
	if (self->buffered >= 0)
		close(self->buffered);
	if (self->direct >= 0)
		close(self->direct);
	marks_teardown(&self->m);
}

/* What the i-th of a batch is to be marked with by who submits it. */
static int rwf_of(const int *rwf, int i)
{
	return rwf ? rwf[i] : 0;
}

/* A batch of io_submit(): writes if @write, else reads. */
static void aio_batch(struct __test_metadata *_metadata, struct marks *m, int fd,
		      bool write, const int *rwf)
{
	struct iocb iocb[BATCH], *list[BATCH];
	struct io_event events[BATCH];
	aio_context_t ctx = 0;
	int i;

	for (i = 0; i < BATCH; i++) {
		iocb[i] = (struct iocb) {
			.aio_lio_opcode = write ? IOCB_CMD_PWRITE :
						  IOCB_CMD_PREAD,
			.aio_fildes = fd, .aio_nbytes = BLOCK,
			.aio_buf = (unsigned long)m->buf + i * BLOCK,
			.aio_offset = i * 4 * BLOCK,
			.aio_rw_flags = rwf_of(rwf, i),
		};
		list[i] = &iocb[i];
	}
	trace_clear(&m->trace);
	ASSERT_EQ(syscall(__NR_io_setup, BATCH, &ctx), 0);
	EXPECT_EQ(syscall(__NR_io_submit, ctx, BATCH, list), BATCH);
	EXPECT_EQ(syscall(__NR_io_getevents, ctx, BATCH, BATCH, events, NULL),
		  BATCH);
	for (i = 0; i < BATCH; i++)
		EXPECT_EQ(events[i].res, BLOCK);
	syscall(__NR_io_destroy, ctx);
}

/* A batch of io_uring_enter(), of reads. */
static void ring_batch(struct __test_metadata *_metadata, struct marks *m,
		       struct ring *r, int fd, const int *rwf, int sqe_flags)
{
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	int i;

	trace_clear(&m->trace);
	for (i = 0; i < BATCH; i++) {
		sqe = queue_read(r, fd, m->buf, i);
		sqe->rw_flags = rwf_of(rwf, i);
		sqe->flags = sqe_flags;
	}
	ASSERT_EQ(ring_submit_woken(r), 0);
	for (i = 0; i < BATCH; i++) {
		ASSERT_EQ(ring_wait(r, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
	}
}

/*
 * The commands of a batch, by where they read or write: each has the marks that
 * were asked for, and the last, if it has none, @last. @qid: their queues.
 */
static void check_batch(struct __test_metadata *_metadata, struct marks *m,
			const int *rwf, unsigned int last, const char *what,
			unsigned int *qid)
{
	unsigned int block = 512, want;
	int fd = open(m->d.ns, O_RDONLY), nr, i, at, seen = 0;
	struct event *e;

	ioctl(fd, BLKSSZGET, &block);
	close(fd);
	nr = trace_read(&m->trace, m->d.ctrl, &e);
	for (i = 0; i < nr; i++) {
		if (e[i].kind != EVENT_CMD || e[i].nsid != m->d.nsid ||
		    !e[i].qid || !e[i].blocks)
			continue;
		ASSERT_EQ(e[i].slba * block % (4 * BLOCK), 0);
		at = e[i].slba * block / (4 * BLOCK);
		ASSERT_LT(at, BATCH);
		seen |= 1 << at;
		if (qid)
			qid[at] = e[i].qid;
		want = (rwf_of(rwf, at) & RWF_URGENT ? FLAG_URGENT : 0) |
		       (rwf_of(rwf, at) & RWF_BARRIER ? FLAG_BARRIER : 0);
		if (at == BATCH - 1 && !want)
			want = last;
		EXPECT_EQ(e[i].flags, want) TH_LOG("%s: request %d", what, at);
	}
	EXPECT_EQ(seen, (1 << BATCH) - 1) TH_LOG("%s", what);
}

/* Every way of this file to get marks, and not one is given. */
static void check_nothing(struct __test_metadata *_metadata,
			  FIXTURE_DATA(calibrate) *self, const char *what)
{
	struct marks *m = &self->m;

	aio_batch(_metadata, m, self->direct, false, NULL);
	check_batch(_metadata, m, NULL, 0, what, NULL);
	ring_batch(_metadata, m, &self->r, self->direct, NULL, 0);
	check_batch(_metadata, m, NULL, 0, what, NULL);
	trace_clear(&m->trace);
	ASSERT_EQ(pread(self->direct, m->buf, BLOCK, 0), BLOCK);
	ASSERT_EQ(pwrite(self->direct, m->buf, BLOCK, 0), BLOCK);
	drop_cache(self->buffered);
	ASSERT_EQ(pread(self->buffered, m->buf, BLOCK, 0), BLOCK);
	ASSERT_EQ(cint_pwritev2(self->buffered, m->buf, BLOCK, 0, RWF_DSYNC),
		  BLOCK);
	ASSERT_EQ(fsync(self->buffered), 0);
	EXPECT_MARKED(m, "nvme_cmd_read", 0, true, what);
	EXPECT_MARKED(m, "nvme_cmd_write", 0, true, what);
	EXPECT_EQ(count_marked(m), 0) TH_LOG("%s", what);
}

TEST_F(calibrate, off)
{
	struct device *d = &self->m.d;

	ASSERT_EQ(device_set(d, "calibrate", "0"), 0);
	check_nothing(_metadata, self, "calibrate 0");
	ASSERT_EQ(device_set(d, "calibrate", "1"), 0);
	ASSERT_EQ(device_set(d, "mode", "off"), 0);
	check_nothing(_metadata, self, "mode off");
	/* each of the two is enough, in any order */
	ASSERT_EQ(device_set(d, "mode", variant->mode), 0);
	ring_batch(_metadata, &self->m, &self->r, self->direct, NULL, 0);
	check_batch(_metadata, &self->m, NULL, FLAG_BARRIER, "on again", NULL);
	ASSERT_EQ(device_set(d, "calibrate", "0"), 0);
	check_nothing(_metadata, self, "off again");
}

TEST_F(calibrate, bad_values_change_nothing)
{
	static const char *const bad[] = { "2", "-1", "x", " ", "urgent" };
	size_t i;
	int on;

	for (on = 0; on < 2; on++) {
		ASSERT_EQ(device_set_number(&self->m.d, "calibrate", on), 0);
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			EXPECT_EQ(device_set(&self->m.d, "calibrate", bad[i]),
				  -EINVAL) TH_LOG("takes '%s'", bad[i]);
			EXPECT_EQ(device_get_number(&self->m.d, "calibrate"),
				  on);
		}
		ring_batch(_metadata, &self->m, &self->r, self->direct, NULL, 0);
		check_batch(_metadata, &self->m, NULL, on ? FLAG_BARRIER : 0,
			    "after a refusal", NULL);
	}
}

/* Who waits for the drive is served at once, unless he says something else. */
static void check_calls(struct __test_metadata *_metadata,
			FIXTURE_DATA(calibrate) *self, int fd, bool exact)
{
	struct marks *m = &self->m;
	struct iovec iov = { .iov_base = m->buf, .iov_len = BLOCK };

#define RUN(op, mark, expr) do {					\
	trace_clear(&m->trace);						\
	EXPECT_EQ(expr, BLOCK) TH_LOG(#expr);				\
	EXPECT_MARKED(m, "nvme_cmd_" op, mark, exact, #expr);		\
} while (0)

	RUN("read", FLAG_URGENT, pread(fd, m->buf, BLOCK, 0));
	RUN("read", FLAG_URGENT, read(fd, m->buf, BLOCK));
	RUN("read", FLAG_URGENT, readv(fd, &iov, 1));
	RUN("read", FLAG_URGENT, preadv(fd, &iov, 1, BLOCK));
	RUN("read", FLAG_URGENT, cint_preadv2(fd, m->buf, BLOCK, 0, 0));
	RUN("write", FLAG_URGENT, pwrite(fd, m->buf, BLOCK, 0));
	RUN("write", FLAG_URGENT, write(fd, m->buf, BLOCK));
	RUN("write", FLAG_URGENT, writev(fd, &iov, 1));
	RUN("write", FLAG_URGENT, pwritev(fd, &iov, 1, BLOCK));
	RUN("write", FLAG_URGENT, cint_pwritev2(fd, m->buf, BLOCK, 0, 0));
	RUN("read", FLAG_BARRIER,
	    cint_preadv2(fd, m->buf, BLOCK, 0, RWF_BARRIER));
	RUN("write", FLAG_BARRIER,
	    cint_pwritev2(fd, m->buf, BLOCK, 0, RWF_BARRIER));
	RUN("write", FLAG_URGENT | FLAG_BARRIER,
	    cint_pwritev2(fd, m->buf, BLOCK, 0, RWF_URGENT | RWF_BARRIER));
#undef RUN
}

TEST_F(calibrate, calls_that_wait)
{
	check_calls(_metadata, self, self->direct, true);
}

/* A buffered write is over soon, but for one that is to be on the drive. */
TEST_F(calibrate, buffered_writes)
{
	struct marks *m = &self->m;
	int sync = open(m->d.ns, O_RDWR | O_SYNC), i;

	ASSERT_GE(sync, 0);
	/* pages present, so that writing them reads nothing */
	for (i = 0; i < BATCH; i++)
		ASSERT_EQ(pread(self->buffered, m->buf, BLOCK, i * BLOCK), BLOCK);
	ASSERT_EQ(fsync(self->buffered), 0);
	trace_clear(&m->trace);
	for (i = 0; i < BATCH; i++)
		ASSERT_EQ(pwrite(self->buffered, m->buf, BLOCK, i * BLOCK), BLOCK);
	ASSERT_EQ(sync_file_range(self->buffered, 0, BATCH * BLOCK,
				  SYNC_FILE_RANGE_WRITE |
				  SYNC_FILE_RANGE_WAIT_AFTER), 0);
	EXPECT_MARKED(m, "nvme_cmd_write", 0, true, "writeback");
	EXPECT_EQ(count_marked(m), 0);

	/* what fsync writes is nothing special, its flush is */
	ASSERT_EQ(pwrite(self->buffered, m->buf, BLOCK, 0), BLOCK);
	trace_clear(&m->trace);
	ASSERT_EQ(fsync(self->buffered), 0);
	EXPECT_MARKED(m, "nvme_cmd_write", 0, true, "fsync");
	EXPECT_MARKED(m, "nvme_cmd_flush", FLAG_BARRIER, true, "fsync");

	trace_clear(&m->trace);
	ASSERT_EQ(pwrite(sync, m->buf, BLOCK, 0), BLOCK);
	EXPECT_MARKED(m, "nvme_cmd_write", FLAG_URGENT, true, "O_SYNC");
	trace_clear(&m->trace);
	ASSERT_EQ(cint_pwritev2(self->buffered, m->buf, BLOCK, 0, RWF_DSYNC),
		  BLOCK);
	EXPECT_MARKED(m, "nvme_cmd_write", FLAG_URGENT, true, "RWF_DSYNC");
	close(sync);
}

TEST_F(calibrate, readahead)
{
	check_readahead(_metadata, &self->m, self->m.d.ns, READS, 0);
}

/* Readahead that was asked for as such. */
TEST_F(calibrate, willneed)
{
	struct marks *m = &self->m;

	drop_cache(self->buffered);
	posix_fadvise(self->buffered, 0, 0, POSIX_FADV_NORMAL);
	trace_clear(&m->trace);
	ASSERT_EQ(posix_fadvise(self->buffered, 0, BATCH * BLOCK,
				POSIX_FADV_WILLNEED), 0);
	EXPECT_MARKED(m, "nvme_cmd_read", 0, true, "POSIX_FADV_WILLNEED");
}

TEST_F(calibrate, libaio_batch)
{
	static const int marked[][BATCH] = {
		{ [BATCH - 1] = RWF_URGENT },
		{ [2] = RWF_URGENT },
		{ [2] = RWF_BARRIER, [BATCH - 1] = RWF_URGENT | RWF_BARRIER },
	};
	struct marks *m = &self->m;
	size_t i;
	int write;

	for (write = 0; write < 2; write++) {
		aio_batch(_metadata, m, self->direct, write, NULL);
		check_batch(_metadata, m, NULL, FLAG_BARRIER, "unmarked", NULL);
		for (i = 0; i < ARRAY_SIZE(marked); i++) {
			aio_batch(_metadata, m, self->direct, write, marked[i]);
			check_batch(_metadata, m, marked[i], FLAG_BARRIER,
				    "marked", NULL);
		}
	}
}

TEST_F(calibrate, io_uring_batch)
{
	static const int marked[][BATCH] = {
		{ [BATCH - 1] = RWF_URGENT },
		{ [2] = RWF_URGENT },
		{ [2] = RWF_BARRIER, [BATCH - 1] = RWF_URGENT | RWF_BARRIER },
	};
	static const int all_urgent[BATCH] = {
		[0 ... BATCH - 1] = RWF_URGENT
	};
	struct marks *m = &self->m;
	unsigned int qid[BATCH];
	size_t i;

	ring_batch(_metadata, m, &self->r, self->direct, NULL, 0);
	check_batch(_metadata, m, NULL, FLAG_BARRIER, "unmarked", qid);
	/* marked in time to have a queue with an interrupt */
	EXPECT_EQ(qid[BATCH - 1] != qid[1], !!strcmp(variant->mode, "device"));
	for (i = 0; i < ARRAY_SIZE(marked); i++) {
		ring_batch(_metadata, m, &self->r, self->direct, marked[i], 0);
		check_batch(_metadata, m, marked[i], FLAG_BARRIER, "marked",
			    NULL);
	}
	/* the SQE's flag is a mark as good as any */
	ring_batch(_metadata, m, &self->r, self->direct, NULL, IOSQE_URGENT);
	check_batch(_metadata, m, all_urgent, 0, "IOSQE_URGENT", NULL);
	/* for a worker of io_uring nothing is the last, and nobody waits */
	ring_batch(_metadata, m, &self->r, self->direct, NULL, IOSQE_ASYNC);
	check_batch(_metadata, m, NULL, 0, "IOSQE_ASYNC", NULL);
}

/* A flush is a barrier wherever it comes from, unless it is said to be urgent. */
TEST_F(calibrate, io_uring_fsync)
{
	struct marks *m = &self->m;
	int urgent;

	for (urgent = 0; urgent < 2; urgent++) {
		ASSERT_EQ(pwrite(self->direct, m->buf, BLOCK, 0), BLOCK);
		trace_clear(&m->trace);
		ring_sqe(&self->r, IORING_OP_FSYNC, self->direct, NULL, 0, 0,
			 1)->flags = urgent ? IOSQE_URGENT : 0;
		EXPECT_EQ(ring_do(&self->r), 0);
		EXPECT_MARKED(m, "nvme_cmd_flush",
			      urgent ? FLAG_URGENT : FLAG_BARRIER, true,
			      urgent ? "urgent fsync" : "fsync");
	}
}

/* The thread takes at once what it is shown at once. */
TEST_F(calibrate, sqpoll_batch)
{
	struct ring r;

	ASSERT_EQ(ring_open(&r, 2 * BATCH, IORING_SETUP_SQPOLL), 0);
	ring_batch(_metadata, &self->m, &r, self->direct, NULL, 0);
	check_batch(_metadata, &self->m, NULL, FLAG_BARRIER, "SQPOLL", NULL);
	ring_close(&r);
}

/* Who registers parameters has thought of what to mark. */
TEST_F(calibrate, ring_with_parameters)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 4);

	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	ring_batch(_metadata, &self->m, &self->r, self->direct, NULL, 0);
	check_batch(_metadata, &self->m, NULL, 0, "ring with parameters", NULL);
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, NULL, 0), 0);
	ring_batch(_metadata, &self->m, &self->r, self->direct, NULL, 0);
	check_batch(_metadata, &self->m, NULL, FLAG_BARRIER, "and without", NULL);
}

TEST_F(calibrate, a_reset_keeps_it)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/reset_controller", self->m.d.sysfs);
	ASSERT_EQ(file_write(path, "1"), 0);
	EXPECT_EQ(device_get_number(&self->m.d, "calibrate"), 1);
	ring_batch(_metadata, &self->m, &self->r, self->direct, NULL, 0);
	check_batch(_metadata, &self->m, NULL, FLAG_BARRIER, "after a reset", NULL);
}

/* The same through a file system, and what commits its journal. */
static void check_filesystem(struct __test_metadata *_metadata,
			     FIXTURE_DATA(calibrate) *self, const char *type)
{
	struct marks *m = &self->m;
	int fd, all[2], barriers[2];
	char file[128];
	const char *why;

	/* of a namespace that is open for writing mkfs makes none */
	close(self->buffered);
	close(self->direct);
	self->buffered = self->direct = -1;
	why = make_filesystem(m, type, file, sizeof(file));
	if (why)
		SKIP(return, "%s: %s", type, why);
	fd = open(file, O_RDWR | O_DIRECT);
	ASSERT_GE(fd, 0);
	check_calls(_metadata, self, fd, false);
	close(fd);
	check_readahead(_metadata, m, file, READS, 0);

	fd = open(file, O_WRONLY | O_APPEND);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(write(fd, m->buf, BLOCK), BLOCK);
	trace_clear(&m->trace);
	ASSERT_EQ(fsync(fd), 0);
	/* a commit of the journal's own thread may come at any time */
	ASSERT_EQ(trace_stop(&m->trace), 0);
	count_commands(m, "nvme_cmd_flush", FLAG_BARRIER, &all[0], &barriers[0]);
	count_commands(m, "nvme_cmd_write", FLAG_BARRIER, &all[1], &barriers[1]);
	EXPECT_GT(barriers[0], 0);
	EXPECT_EQ(all[0], barriers[0]);
	/* its commit is one, the data is not */
	EXPECT_GT(barriers[1], 0);
	EXPECT_GT(all[1], barriers[1]);
	EXPECT_EQ(count_marked(m), barriers[0] + barriers[1]);
	close(fd);
}

TEST_F_TIMEOUT(calibrate, ext4, 180)
{
	check_filesystem(_metadata, self, "ext4");
}

TEST_F_TIMEOUT(calibrate, xfs, 180)
{
	check_filesystem(_metadata, self, "xfs");
}

TEST_HARNESS_MAIN

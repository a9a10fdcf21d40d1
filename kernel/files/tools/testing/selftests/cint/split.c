// SPDX-License-Identifier: GPL-2.0
/*
 * Mode split: which requests go to a queue that has no interrupt, who looks for
 * their completions, and that a barrier's prefix is looked for in both queues.
 *
 * Judged by queue ids in tracepoints and by the driver's counters, not by the
 * clock: all delays are as long as they may be.
 */
#include <stdio.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "ring.h"
#include "trace.h"

#define READS	9
#define TRIES	100
/* where nobody looks for a partition table or a file system after a reset */
#define FIRST	1024

FIXTURE(split)
{
	struct device d;
	struct device_saved saved;
	struct trace trace;
	struct ring ring;
	bool found, open;
	char *buf;
	int fd;
};

FIXTURE_SETUP(split)
{
	static const char *const events[] = { "nvme:nvme_setup_cmd",
					      "cint:cint_fire", NULL };
	const char *why = device_find(&self->d);
	int ret;

	self->found = false;
	self->open = false;
	self->fd = -1;
	self->trace.dir[0] = '\0';
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	self->found = true;
	ASSERT_EQ(device_hold_all(&self->d), 0);
	ASSERT_EQ(device_set(&self->d, "delta_min_ns", "100000"), 0);
	ret = device_set(&self->d, "mode", "split");
	if (ret == -EOPNOTSUPP)
		SKIP(return, "the controller has too few queues, or no MSI");
	ASSERT_EQ(ret, 0);
	why = trace_open(&self->trace, events);
	if (why)
		SKIP(return, "%s", why);
	/* one CPU, one queue of each kind */
	ASSERT_EQ(run_on_cpu(0), 0);
	self->buf = buffer_alloc(READS * BLOCK);
	ASSERT_NE(self->buf, NULL);
	self->fd = open(self->d.fast, O_RDONLY | O_DIRECT);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(ring_open(&self->ring, 16, 0), 0);
	self->open = true;
}

FIXTURE_TEARDOWN(split)
{
	if (self->open) {
		ring_close(&self->ring);
		free(self->buf);
	}
	if (self->fd >= 0)
		close(self->fd);
	trace_close(&self->trace);
	if (self->found)
		device_restore(&self->d, &self->saved);
}

static struct io_uring_sqe *queue_far(struct ring *r, int fd, char *buf, int i)
{
	struct io_uring_sqe *sqe = queue_read(r, fd, buf, i);

	sqe->off += FIRST * 4 * BLOCK;
	return sqe;
}

/* Submits what is queued, waits for all of it; every read must succeed. */
static void complete(struct __test_metadata *_metadata, struct ring *r, int nr)
{
	struct io_uring_cqe cqe;
	uint64_t seen = 0;
	int i;

	ASSERT_EQ(ring_submit(r), nr);
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(ring_wait(r, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
		EXPECT_EQ(seen & 1ULL << cqe.user_data, 0)
			TH_LOG("%llu came twice",
			       (unsigned long long)cqe.user_data);
		seen |= 1ULL << cqe.user_data;
	}
	EXPECT_EQ(seen, (1ULL << nr) - 1);
}

/*
 * Nine reads at once, one of them perhaps urgent. Leaves the id of the queue that
 * each went to in @qid.
 */
static void nine_reads(struct __test_metadata *_metadata,
		       FIXTURE_DATA(split) *self, int urgent,
		       unsigned int qid[READS])
{
	struct event *events;
	int i, nr;

	trace_clear(&self->trace);
	for (i = 0; i < READS; i++)
		if (i == urgent)
			queue_far(&self->ring, self->fd, self->buf, i)->flags =
				IOSQE_URGENT;
		else
			queue_far(&self->ring, self->fd, self->buf, i);
	complete(_metadata, &self->ring, READS);
	EXPECT_TRUE(device_settled(&self->d));
	nr = trace_read(&self->trace, self->d.ctrl, &events);
	ASSERT_GE(nr, READS);
	memset(qid, 0, READS * sizeof(*qid));
	for (i = 0; i < nr; i++) {
		unsigned long long number =
			events[i].slba / (4 * BLOCK / 512) - FIRST;

		/* there may be others, of admin commands and other namespaces */
		if (events[i].kind == EVENT_CMD && number < READS &&
		    !strcmp(events[i].op, "nvme_cmd_read") &&
		    strstr(self->d.fast, events[i].disk))
			qid[number] = events[i].qid;
	}
	for (i = 0; i < READS; i++)
		EXPECT_NE(qid[i], 0);
}

/* How many of the reads went to the queue of the first. */
static int like_the_first(const unsigned int qid[READS])
{
	int i, nr = 0;

	for (i = 0; i < READS; i++)
		nr += qid[i] == qid[0];
	return nr;
}

/* After a reset who waits for a queue to be thawed submits one by one: once more then. */
static void reads_after_reset(struct __test_metadata *_metadata,
			      FIXTURE_DATA(split) *self, int urgent,
			      unsigned int qid[READS])
{
	int tries, want = READS - (urgent >= 0);

	for (tries = 0; tries < TRIES; tries++) {
		nine_reads(_metadata, self, urgent, qid);
		if (like_the_first(qid) == want)
			break;
	}
	EXPECT_EQ(like_the_first(qid), want);
}

/* Interrupt-driven queues have the lower numbers. */
TEST_F(split, urgent_has_an_interrupt_the_rest_has_none)
{
	long long urgent = device_stat(&self->d, "fire_urgent");
	unsigned int qid[READS];

	nine_reads(_metadata, self, 4, qid);
	EXPECT_EQ(like_the_first(qid), READS - 1);
	EXPECT_LT(qid[4], qid[0]);
	EXPECT_EQ(device_stat(&self->d, "fire_urgent"), urgent + 1);
}

/* Who comes alone is waited for, and an interrupt is as cheap as a look. */
TEST_F(split, a_lone_request_has_an_interrupt)
{
	long long each;
	int i;

	/* the timer has to see first that nobody is busy any more */
	sleep_ms(100);
	each = device_stat(&self->d, "fire_each");
	for (i = 0; i < 10; i++)
		ASSERT_EQ(pread(self->fd, self->buf, BLOCK, i * BLOCK), BLOCK);
	EXPECT_EQ(device_stat(&self->d, "fire_each"), each + 10);
}

/* Policies that heed no marks hold everything, none nothing. */
TEST_F(split, policies_say_what_is_split)
{
	unsigned int bulk[READS], qid[READS];
	long long each;

	nine_reads(_metadata, self, -1, bulk);
	EXPECT_EQ(like_the_first(bulk), READS);
	ASSERT_EQ(device_set(&self->d, "policy", "static"), 0);
	nine_reads(_metadata, self, 4, qid);
	EXPECT_EQ(like_the_first(qid), READS);
	EXPECT_EQ(qid[0], bulk[0]);
	each = device_stat(&self->d, "fire_each");
	ASSERT_EQ(device_set(&self->d, "policy", "none"), 0);
	nine_reads(_metadata, self, -1, qid);
	EXPECT_EQ(like_the_first(qid), READS);
	EXPECT_LT(qid[0], bulk[0]);
	EXPECT_EQ(device_stat(&self->d, "fire_each"), each + READS);
}

/*
 * A barrier that overtakes a prefix of 20 ms: its own delivery is one, and the
 * look that finds the prefix complete, by the timer or the task, another. Looks
 * on the way that find some of it are there for the barrier, too.
 */
TEST_F(split, a_barrier_has_its_prefix_looked_for)
{
	long long barrier;
	int slow, tries, i;

	if (!*self->d.slow)
		SKIP(return, "no namespace that takes 20 ms");
	slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	ASSERT_GE(slow, 0);
	/* where the machine stands still for as long, it does not overtake them */
	for (tries = 0; tries < 5; tries++) {
		barrier = device_stat(&self->d, "fire_barrier");
		for (i = 0; i < READS - 1; i++)
			queue_far(&self->ring, slow, self->buf, i);
		queue_far(&self->ring, self->fd, self->buf, i)->rw_flags = RWF_BARRIER;
		complete(_metadata, &self->ring, READS);
		if (device_stat(&self->d, "fire_barrier") >= barrier + 2)
			break;
	}
	close(slow);
	EXPECT_GE(device_stat(&self->d, "fire_barrier"), barrier + 2);
	EXPECT_LE(device_stat(&self->d, "fire_barrier"), barrier + READS);
}

/* Nothing is outstanding, so nobody looks. */
TEST_F(split, no_timer_without_requests)
{
	unsigned int qid[READS];
	long long ticks;

	nine_reads(_metadata, self, -1, qid);
	/* the timer may come once more */
	sleep_ms(100);
	ticks = device_stat(&self->d, "ticks");
	ASSERT_GE(ticks, 0);
	sleep_ms(1000);
	EXPECT_EQ(device_stat(&self->d, "ticks"), ticks);
}

/* A waiter that is asleep already is told by the timer: nobody else looks. */
TEST_F(split, the_timer_looks_for_who_sleeps)
{
	long long ticks = device_stat(&self->d, "ticks");
	struct io_uring_cqe cqe;
	int slow, i;

	if (!*self->d.slow)
		SKIP(return, "no namespace that takes 20 ms");
	slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	ASSERT_GE(slow, 0);
	for (i = 0; i < 2; i++)
		queue_far(&self->ring, slow, self->buf, i);
	ASSERT_EQ(ring_submit(&self->ring), 2);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(ring_wait(&self->ring, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
	}
	close(slow);
	EXPECT_GT(device_stat(&self->d, "ticks"), ticks);
}

/* One that comes alone has an interrupt, of two that come together none has. */
TEST_F(split, the_outstanding_are_counted)
{
	struct io_uring_cqe cqe;
	int slow, tries, nr, i;
	long long outstanding;

	if (!*self->d.slow)
		SKIP(return, "no namespace that takes 20 ms");
	slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	ASSERT_GE(slow, 0);
	for (nr = 1; nr <= 2; nr++) {
		/* it may take longer to ask than they take */
		for (tries = 0, outstanding = 0; tries < 50 && outstanding != nr;
		     tries++) {
			for (i = 0; i < nr; i++)
				queue_far(&self->ring, slow, self->buf, i);
			ASSERT_EQ(ring_submit(&self->ring), nr);
			outstanding = device_stat(&self->d, "outstanding");
			for (i = 0; i < nr; i++)
				ASSERT_EQ(ring_wait(&self->ring, &cqe), 0);
		}
		EXPECT_EQ(outstanding, nr);
		EXPECT_EQ(device_stat(&self->d, "outstanding"), 0);
	}
	close(slow);
}

/* A ring with parameters is a group: what it does is counted with its number. */
TEST_F(split, rings_are_groups)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 4);
	struct event *events;
	int i, nr, found = 0;

	ASSERT_EQ(ring_register(&self->ring, REGISTER_CINT, &reg, 1), 0);
	trace_clear(&self->trace);
	for (i = 0; i < READS; i++)
		queue_far(&self->ring, self->fd, self->buf, i);
	complete(_metadata, &self->ring, READS);
	nr = trace_read_fired(&self->trace, self->d.ctrl, READS, &events);
	for (i = 0; i < nr; i++)
		if (events[i].kind == EVENT_FIRE && events[i].group)
			found += events[i].nr;
	EXPECT_EQ(found, READS);
	ASSERT_EQ(ring_query(&self->ring, &reg), 0);
	EXPECT_GE(reg.completions, READS);
}

TEST_F(split, a_reset_keeps_the_mode)
{
	unsigned int qid[READS];
	char path[96], mode[16];
	int i;

	snprintf(path, sizeof(path), "%s/reset_controller", self->d.sysfs);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(file_write(path, "1"), 0);
		ASSERT_EQ(device_get_choice(&self->d, "mode", mode,
					    sizeof(mode)), 0);
		EXPECT_STREQ(mode, "split");
		reads_after_reset(_metadata, self, 4, qid);
		EXPECT_LT(qid[4], qid[0]);
	}
}

/* Others find no completion left behind; off has interrupts for all. */
TEST_F(split, other_modes_take_over)
{
	static const char *const modes[] = { "off", "kthread", "off" };
	unsigned int bulk[READS], qid[READS], i;
	char mode[16];

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		reads_after_reset(_metadata, self, -1, bulk);
		ASSERT_EQ(device_set(&self->d, "mode", modes[i]), 0);
		ASSERT_EQ(device_get_choice(&self->d, "mode", mode,
					    sizeof(mode)), 0);
		EXPECT_STREQ(mode, modes[i]);
		reads_after_reset(_metadata, self, -1, qid);
		if (!strcmp(mode, "kthread")) {
			EXPECT_EQ(qid[0], bulk[0]);
		} else {
			EXPECT_LT(qid[0], bulk[0]);
		}
		ASSERT_EQ(device_set(&self->d, "mode", "split"), 0);
	}
}

/*
 * A ring's parameters are not for what fills the page cache: others who want the same
 * block wait for it, too.
 */
TEST_F(split, the_page_cache_is_in_no_group)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 4);
	int fd = open(self->d.fast, O_RDONLY), i, nr, found = 0, in_group = 0;
	struct event *events;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_register(&self->ring, REGISTER_CINT, &reg, 1), 0);
	ASSERT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	ASSERT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	trace_clear(&self->trace);
	for (i = 0; i < READS; i++)
		queue_far(&self->ring, fd, self->buf, i);
	complete(_metadata, &self->ring, READS);
	EXPECT_TRUE(device_settled(&self->d));
	nr = trace_read_fired(&self->trace, self->d.ctrl, READS, &events);
	for (i = 0; i < nr; i++) {
		if (events[i].kind != EVENT_FIRE)
			continue;
		found += events[i].nr;
		if (events[i].group)
			in_group += events[i].nr;
	}
	EXPECT_GE(found, READS);
	EXPECT_EQ(in_group, 0);
	close(fd);
}

/* Has the driver see an error in the next @nr completions of a namespace. */
static int fail_next(const char *ns, const char *status, const char *nr)
{
	const struct {
		const char *name, *value;
	} files[] = {
		{ "dont_retry", "1" }, { "verbose", "0" }, { "probability", "100" },
		{ "status", status }, { "times", nr },
	};
	char path[96];
	int ret = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files) && !ret; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/fault_inject/%s",
			 strrchr(ns, '/') + 1, files[i].name);
		ret = file_write(path, files[i].value);
	}
	return ret;
}

/*
 * A read that fails such that the block layer does not support it (Invalid Field in
 * Command) has a completion as any other, whoever finds it.
 */
TEST_F(split, failed_reads)
{
	struct io_uring_cqe cqe;
	int i;

	if (fail_next(self->d.fast, "2", "8"))
		SKIP(return, "no fault injection (CONFIG_FAULT_INJECTION_DEBUG_FS)");
	for (i = 0; i < 8; i++)
		queue_far(&self->ring, self->fd, self->buf, i);
	ASSERT_EQ(ring_submit(&self->ring), 8);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(ring_wait(&self->ring, &cqe), 0);
		EXPECT_LT(cqe.res, 0);
	}
	EXPECT_EQ(fail_next(self->d.fast, "0", "0"), 0);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Resets after which there are more queues than before, or fewer, or others:
 * requests that wait, in the driver or in a scheduler, are mapped anew, in each
 * mode. No I/O fails, and none waits much longer than such a reset makes it wait
 * with mode off, which is measured in the same run.
 */
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "kmsg.h"
#include "load.h"
#include "queues.h"
#include "ring.h"

#define PATH_SIZE	96
#define POLL_QUEUES	"/sys/module/nvme/parameters/poll_queues"

/*
 * The longest silence, as a multiple of that with mode off: 32 s have been seen
 * where mode off had 50 ms. Below the floor it is the machine that is judged.
 */
#define SILENCE_RATIO	8
#define SILENCE_FLOOR_NS	100000000ULL

/* nvme_core.io_timeout: what is found by that has been overlooked. */
#define TIMEOUT_NS	30000000000ULL

static const char *const modes[] = { "off", "split", "kthread" };

FIXTURE(layout)
{
	struct device d;
	struct device_saved saved;
	bool found, polls;
	char poll_queues[16], scheduler_path[PATH_SIZE], scheduler[64];
};

static void scheduler_path(const char *ns, char *path)
{
	snprintf(path, PATH_SIZE, "/sys/block%s/queue/scheduler", strrchr(ns, '/'));
}

FIXTURE_SETUP(layout)
{
	const char *why = device_find(&self->d);
	char *start, *end;

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	self->polls = file_read(POLL_QUEUES, self->poll_queues,
				sizeof(self->poll_queues)) > 0 &&
		!access(POLL_QUEUES, W_OK);
	scheduler_path(self->d.ns, self->scheduler_path);
	ASSERT_GT(file_read(self->scheduler_path, self->scheduler,
			    sizeof(self->scheduler)), 0);
	start = strchr(self->scheduler, '[');
	ASSERT_NE(start, NULL);
	end = strchr(start, ']');
	ASSERT_NE(end, NULL);
	*end = '\0';
	memmove(self->scheduler, start + 1, end - start);
	device_save(&self->d, &self->saved);
	self->found = true;
}

FIXTURE_TEARDOWN(layout)
{
	if (!self->found)
		return;
	if (self->polls)
		file_write(POLL_QUEUES, self->poll_queues);
	if (queues_can_be_granted())
		queues_grant(ALL_QUEUES);
	device_set(&self->d, "mode", "off");
	controller_reset(&self->d);
	file_write(self->scheduler_path, self->scheduler);
	device_restore(&self->d, &self->saved);
}

/* Steps of a run: what is changed before each reset. */
struct steps {
	int (*change)(const char *value);
	const char *const *values;	/* NULL-terminated */
};

static int set_poll_queues(const char *nr)
{
	return file_write(POLL_QUEUES, nr);
}

/* The longest that any of the threads had to wait, while all that is done. */
static uint64_t run(struct __test_metadata *_metadata, const struct device *d,
		    const struct steps *steps)
{
	uint64_t longest = 0;
	struct load load;
	int i;

	load_start(_metadata, &load, d, false);
	for (i = 0; steps->values[i]; i++) {
		sleep_ms(200);
		EXPECT_EQ(steps->change(steps->values[i]), 0);
		EXPECT_EQ(controller_reset(d), 0);
	}
	sleep_ms(200);
	load_stop(_metadata, &load);
	for (i = 0; i < load.nr; i++)
		if (load.workers[i].silence_ns > longest)
			longest = load.workers[i].silence_ns;
	return longest;
}

/*
 * The same in all modes, off first. A mode may be lost if there are no longer
 * enough queues for it; then the log says so.
 */
static void compare_modes(struct __test_metadata *_metadata,
			  FIXTURE_DATA(layout) *self, const char *scheduler,
			  const struct steps *steps)
{
	uint64_t silence, limit = 0;
	char mode[16], line[512];
	size_t i;
	int log;

	if (file_write(self->scheduler_path, scheduler))
		SKIP(return, "no scheduler %s", scheduler);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		/* as the last value leaves it, which the first one changes */
		if (device_set(&self->d, "mode", modes[i])) {
			TH_LOG("mode %s is refused", modes[i]);
			continue;
		}
		log = kmsg_open();
		silence = run(_metadata, &self->d, steps);
		TH_LOG("%s, mode %s: the longest silence was %llu ms", scheduler,
		       modes[i], (unsigned long long)silence / 1000000);
		if (!i)
			limit = SILENCE_RATIO * (silence > SILENCE_FLOOR_NS ?
						 silence : SILENCE_FLOOR_NS);
		EXPECT_LE(silence, limit);
		ASSERT_EQ(device_get_choice(&self->d, "mode", mode,
					    sizeof(mode)), 0);
		if (strcmp(mode, modes[i])) {
			EXPECT_STREQ(mode, "off");
			EXPECT_TRUE(kmsg_find(log, self->d.ctrl, "mode", line,
					      sizeof(line)))
				TH_LOG("mode %s was left without a word",
				       modes[i]);
		}
		close(log);
		EXPECT_TRUE(device_settled(&self->d));
	}
}

static const char *const polled[] = { "0", "2", "0", "2", NULL };

/*
 * Begins with queues for polling. Two of them: where there is one the tag sets
 * have as many queues as CPUs either way.
 */
static void poll_queues_come_and_go(struct __test_metadata *_metadata,
				    FIXTURE_DATA(layout) *self,
				    const char *scheduler)
{
	const struct steps steps = { set_poll_queues, polled };

	if (!self->polls)
		SKIP(return, "%s can't be written", POLL_QUEUES);
	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	ASSERT_EQ(set_poll_queues("2"), 0);
	ASSERT_EQ(controller_reset(&self->d), 0);
	compare_modes(_metadata, self, scheduler, &steps);
}

TEST_F_TIMEOUT(layout, poll_queues_without_scheduler, 300)
{
	poll_queues_come_and_go(_metadata, self, "none");
}

TEST_F_TIMEOUT(layout, poll_queues_with_a_scheduler, 300)
{
	poll_queues_come_and_go(_metadata, self, "mq-deadline");
}

/* Two are enough for every mode, one is not; and all again. */
static void fewer_queues_and_more(struct __test_metadata *_metadata,
				  FIXTURE_DATA(layout) *self,
				  const char *scheduler)
{
	static const char *const granted[] = {
		"2", ALL_QUEUES, "1", ALL_QUEUES, NULL
	};
	const struct steps steps = { queues_grant, granted };

	if (!queues_can_be_granted())
		SKIP(return, "no CINT_GRANT_QUEUES");
	compare_modes(_metadata, self, scheduler, &steps);
}

TEST_F_TIMEOUT(layout, grants_without_scheduler, 300)
{
	fewer_queues_and_more(_metadata, self, "none");
}

TEST_F_TIMEOUT(layout, grants_with_a_scheduler, 300)
{
	fewer_queues_and_more(_metadata, self, "mq-deadline");
}

/*
 * What waits in a scheduler for a queue that has no interrupt after a reset, that of
 * the last CPU: it goes on, and the reset comes to its end. Where the drive's queues
 * are short (nvme.io_queue_depth), so that there is something to wait.
 */
TEST_F_TIMEOUT(layout, interrupt_goes_from_under_a_scheduler, 300)
{
	char path[PATH_SIZE], *buf = buffer_alloc(DEPTH * BLOCK);
	int fd, i, round, last = get_nprocs() - 1;
	struct io_uring_cqe cqe;
	uint64_t start;
	struct ring r;

	if (!self->polls || !last || !*self->d.slow)
		SKIP(return, "no queue can become one for polling, or no slow namespace");
	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	scheduler_path(self->d.slow, path);
	if (file_write(path, "mq-deadline"))
		SKIP(return, "no scheduler");
	ASSERT_EQ(run_on_cpu(last), 0);
	fd = open(self->d.slow, O_RDONLY | O_DIRECT);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_open(&r, DEPTH, 0), 0);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < DEPTH; i++)
			queue_read(&r, fd, buf, i);
		ASSERT_EQ(ring_submit(&r), DEPTH);
		start = now_ns();
		EXPECT_EQ(set_poll_queues(round % 2 ? "0" : "1"), 0);
		EXPECT_EQ(controller_reset(&self->d), 0);
		for (i = 0; i < DEPTH; i++) {
			ASSERT_EQ(ring_wait(&r, &cqe), 0);
			EXPECT_EQ(cqe.res, BLOCK);
		}
		EXPECT_LT(now_ns() - start, TIMEOUT_NS / 2);
	}
	ring_close(&r);
	close(fd);
	free(buf);
	file_write(path, "none");
}

TEST_HARNESS_MAIN

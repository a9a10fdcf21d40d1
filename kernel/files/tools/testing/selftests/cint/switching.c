// SPDX-License-Identifier: GPL-2.0
/*
 * Modes that change at bad moments: while requests time out, and while a program
 * that submitted may not run for most of each second, because its control group has
 * used up its share of the CPU. Who shares its queue does not wait for it.
 *
 * CINT_STRESS_SECONDS: how long each part lasts, 3 by default.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "load.h"
#include "ring.h"

#define GROUP		"/sys/fs/cgroup/cint-selftest"
/* 5 ms of each second: who waits for it waits for a second */
#define SHARE		"5000 1000000"
#define PERIOD_NS	1000000000ULL
/* pauses of the machine are no longer */
#define PAUSE_FLOOR_NS	(PERIOD_NS / 10)
#define PAUSE_RATIO	5

static const char *const modes[] = { "off", "split", "kthread" };

FIXTURE(switching)
{
	struct device d;
	struct device_saved saved;
	bool found;
	unsigned int seconds;
};

FIXTURE_SETUP(switching)
{
	const char *why = device_find(&self->d), *env;

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	env = getenv("CINT_STRESS_SECONDS");
	self->seconds = env ? atoi(env) : 3;
	device_save(&self->d, &self->saved);
	self->found = true;
}

FIXTURE_TEARDOWN(switching)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

/*
 * Requests that take longer than their time. What that leads to, aborts and resets,
 * is the driver's business; each request ends once, and each change too.
 */
TEST_F_TIMEOUT(switching, while_requests_time_out, 300)
{
	char path[128], before[32], mode[16];
	int fd = open(self->d.slow, O_RDONLY | O_DIRECT), i, nr = 0, changes = 0;
	void *buf = buffer_alloc(16 * BLOCK);
	struct io_uring_cqe cqe;
	struct ring r;
	uint64_t end;

	if (fd < 0)
		SKIP(return, "no slow namespace %s (CINT_SLOW_NS)", self->d.slow);
	snprintf(path, sizeof(path), "/sys/block%s/queue/io_timeout",
		 strrchr(self->d.slow, '/'));
	if (file_read(path, before, sizeof(before)) <= 0)
		SKIP(return, "no io_timeout");
	ASSERT_EQ(file_write(path, "10"), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "10000000"), 0);
	ASSERT_EQ(device_set(&self->d, "threshold", "256"), 0);
	ASSERT_EQ(ring_open(&r, 16, 0), 0);
	end = now_ns() + self->seconds * PERIOD_NS;
	do {
		for (i = 0; i < 16; i++)
			queue_read(&r, fd, buf, i);
		ASSERT_EQ(ring_submit(&r), 16);
		/* soon, when they are late, and when they are being aborted */
		sleep_ms(changes % 3 * 10);
		/* a controller that is being reset may have no time for it */
		device_set(&self->d, "mode", modes[++changes % 3]);
		for (i = 0; i < 16; i++) {
			ASSERT_EQ(ring_wait(&r, &cqe), 0);
			nr++;
		}
		EXPECT_FALSE(ring_peek(&r, &cqe));
	} while (now_ns() < end);
	EXPECT_EQ(file_write(path, before), 0);
	TH_LOG("%d changes, %d requests", changes, nr);
	/* when all is quiet it works as ever */
	for (i = 0; i < (int)ARRAY_SIZE(modes); i++) {
		int tries = 0;

		while (device_set(&self->d, "mode", modes[i]) && ++tries < 100)
			sleep_ms(50);
		ASSERT_EQ(device_get_choice(&self->d, "mode", mode,
					    sizeof(mode)), 0);
		EXPECT_STREQ(mode, modes[i]);
		queue_read(&r, fd, buf, 0);
		EXPECT_EQ(ring_do(&r), BLOCK);
	}
	ring_close(&r);
	close(fd);
	free(buf);
}

/* Submits and computes, on CPU 0, with the share of the group. */
static void throttled(const struct device *d)
{
	char *buf = buffer_alloc(4 * BLOCK), pid[16];
	int fd = open(*d->fast ? d->fast : d->ns, O_RDONLY | O_DIRECT), i;
	struct io_uring_cqe cqe;
	struct ring r;

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (fd < 0 || !buf || run_on_cpu(0) || ring_open(&r, 8, 0) ||
	    file_write(GROUP "/cgroup.procs", pid))
		_exit(1);
	for (;;) {
		for (i = 0; i < 4; i++)
			queue_read(&r, fd, buf, i);
		if (ring_submit(&r) != 4)
			_exit(2);
		for (i = 0; i < 4; )
			i += ring_peek(&r, &cqe);
	}
}

/* Looks for completions all the time, whosever they are, on CPU 0. */
static void throttled_looker(const struct device *d)
{
	char *buf = buffer_alloc(BLOCK), pid[16];
	int fd = open(d->ns, O_RDONLY | O_DIRECT), i;
	struct io_uring_cqe cqe;
	struct ring r;

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (fd < 0 || !buf || run_on_cpu(0) || ring_open(&r, 8, 0) ||
	    file_write(GROUP "/cgroup.procs", pid))
		_exit(1);
	for (;;) {
		/* so that the ring has something there */
		queue_read(&r, fd, buf, 0);
		if (ring_submit(&r) != 1)
			_exit(2);
		for (i = 0; i < 100; i++)
			syscall(__NR_io_uring_enter, r.fd, 0, 0,
				IORING_ENTER_GETEVENTS, NULL, 0);
		while (!ring_peek(&r, &cqe))
			;
	}
}

/* The longest time without a completion of the others, who are not throttled. */
static uint64_t longest_pause(struct __test_metadata *_metadata,
			      FIXTURE_DATA(switching) *self,
			      void (*be_throttled)(const struct device *d))
{
	uint64_t longest = 0;
	struct load load;
	int i, status;
	pid_t pid;

	pid = fork();
	if (!pid)
		be_throttled(&self->d);
	EXPECT_GT(pid, 0);
	load_start(_metadata, &load, &self->d, false);
	sleep_ms(self->seconds * 1000);
	load_stop(_metadata, &load);
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status));
	for (i = 0; i < load.nr; i++)
		if (load.workers[i].silence_ns > longest)
			longest = load.workers[i].silence_ns;
	return longest;
}

static void compare_pauses(struct __test_metadata *_metadata,
			   FIXTURE_DATA(switching) *self,
			   void (*be_throttled)(const struct device *d))
{
	uint64_t pause, limit = 0;
	struct utsname kernel;
	size_t i;

	/*
	 * There a task is throttled wherever it is, also with the lock of softirqs, and
	 * the timer that lets it go on is one that runs in a softirq.
	 */
	if (!uname(&kernel) && strstr(kernel.version, "PREEMPT_RT"))
		SKIP(return, "PREEMPT_RT, where a throttled task may stop all timers of its CPU");
	file_write("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		SKIP(return, "no control groups");
	if (file_write(GROUP "/cpu.max", SHARE)) {
		rmdir(GROUP);
		SKIP(return, "no cpu.max (CONFIG_CFS_BANDWIDTH)");
	}
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (device_set(&self->d, "mode", modes[i])) {
			TH_LOG("mode %s is refused", modes[i]);
			continue;
		}
		pause = longest_pause(_metadata, self, be_throttled);
		TH_LOG("mode %s: the longest pause of the others was %llu ms",
		       modes[i], (unsigned long long)pause / 1000000);
		if (!i)
			limit = PAUSE_RATIO * (pause > PAUSE_FLOOR_NS ?
					       pause : PAUSE_FLOOR_NS);
		EXPECT_LE(pause, limit);
		EXPECT_TRUE(device_settled(&self->d));
	}
	rmdir(GROUP);
}

TEST_F_TIMEOUT(switching, with_a_throttled_submitter, 300)
{
	compare_pauses(_metadata, self, throttled);
}

/* Who has taken what is others' hands it on before he may not run. */
TEST_F_TIMEOUT(switching, with_a_throttled_looker, 300)
{
	compare_pauses(_metadata, self, throttled_looker);
}

TEST_HARNESS_MAIN

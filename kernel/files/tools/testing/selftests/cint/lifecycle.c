// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing is lost or delivered twice, whatever happens to the controller: I/O
 * whose data tells where it belongs goes on while parameters and modes change,
 * the controller is reset, CPUs go and come, programs are killed with
 * completions held, requests time out, and the device is removed and found
 * again.
 *
 * CINT_STRESS_SECONDS: how long each of the tests lasts, 4 by default.
 * CINT_MODE: the mode to test, kthread by default.
 * CINT_OOO: 0 to deliver in order where a test does not change that.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "load.h"
#include "pci.h"
#include "ring.h"

FIXTURE(lifecycle)
{
	struct device d;
	struct device_saved saved;
	bool found;
	const char *mode;
	unsigned int seconds;
};

FIXTURE_SETUP(lifecycle)
{
	const char *why = device_find(&self->d), *env;

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	self->mode = getenv("CINT_MODE") ?: "kthread";
	if (device_set(&self->d, "mode", self->mode))
		SKIP(return, "mode %s is refused on this controller",
		     self->mode);
	self->found = true;
	env = getenv("CINT_OOO");
	if (env)
		ASSERT_EQ(device_set(&self->d, "ooo", env), 0);
	env = getenv("CINT_STRESS_SECONDS");
	self->seconds = env ? atoi(env) : 4;
	if (!self->seconds || self->seconds > 600)
		self->seconds = 4;
}

FIXTURE_TEARDOWN(lifecycle)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

static uint64_t deadline(unsigned int seconds)
{
	return now_ns() + seconds * 1000000000ULL;
}

/* Everything that is done to the controller is done in here as well. */
static void change_something(const struct device *d, const char *mode,
			     unsigned int i)
{
	static const char *const policies[] = {
		"none", "static", "adaptive", "cint", "cint-a", "cint-rate",
	};

	switch (i % 8) {
	case 0:
	case 4:
		device_set(d, "policy", policies[i / 4 % 6]);
		break;
	case 1:
		device_set_number(d, "threshold", 1 + i % 40);
		break;
	case 2:
		device_set_number(d, "max_hold_ns", i % 3 * 1000000);
		break;
	case 3:
		device_set(d, "mode", i / 8 % 3 ? mode : "off");
		break;
	case 5:
		device_set_number(d, "delta_ns", i % 5 * 20000);
		break;
	case 6:
		device_set_number(d, "ooo", i / 8 % 2);
		break;
	case 7:
		device_set_number(d, "poll_cpu", i / 8 % 3 ? -1 : 0);
		break;
	}
}

TEST_F_TIMEOUT(lifecycle, parameters_and_modes, 700)
{
	struct load load;
	uint64_t end;
	unsigned int i;

	load_start(_metadata, &load, &self->d, false);
	end = deadline(self->seconds);
	for (i = 0; now_ns() < end; i++) {
		change_something(&self->d, self->mode, i);
		sleep_ms(50);
	}
	load_stop(_metadata, &load);
}

TEST_F_TIMEOUT(lifecycle, controller_reset, 700)
{
	char path[96], state[32];
	struct load load;
	uint64_t end;
	unsigned int i;

	snprintf(path, sizeof(path), "%s/reset_controller", self->d.sysfs);
	if (access(path, W_OK))
		SKIP(return, "no reset_controller");
	/* a reset fails what is in flight, and it is tried again */
	load_start(_metadata, &load, &self->d, false);
	end = deadline(self->seconds);
	for (i = 0; now_ns() < end; i++) {
		EXPECT_EQ(file_write(path, "1"), 0);
		change_something(&self->d, self->mode, i);
		sleep_ms(200);
	}
	load_stop(_metadata, &load);
	snprintf(path, sizeof(path), "%s/state", self->d.sysfs);
	ASSERT_GT(file_read(path, state, sizeof(state)), 0);
	EXPECT_STREQ(state, "live\n");
}

/* Takes a CPU off for so long: 1, 0 if it can't be, or -1 if it does not come back. */
static int take_cpu_off(int cpu, unsigned int ms)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	if (file_write(path, "0"))
		return 0;
	sleep_ms(ms);
	return file_write(path, "1") ? -1 : 1;
}

TEST_F_TIMEOUT(lifecycle, cpu_hotplug, 700)
{
	struct load load;
	uint64_t end;
	int cpu, nr = get_nprocs(), done = 0, ret;

	if (nr < 2)
		SKIP(return, "one CPU");
	load_start(_metadata, &load, &self->d, false);
	end = deadline(self->seconds);
	/* the poller's CPU, the last, and those that own queues */
	for (cpu = nr - 1; now_ns() < end; cpu = cpu > 1 ? cpu - 1 : nr - 1) {
		ret = take_cpu_off(cpu, 100);
		EXPECT_GE(ret, 0);
		done += !!ret;
		sleep_ms(100);
	}
	load_stop(_metadata, &load);
	if (!done)
		SKIP(return, "no CPU can be taken offline");
}

struct hotplug {
	volatile bool stop;
	unsigned int failed;
};

static void *take_cpus_off(void *arg)
{
	struct hotplug *h = arg;
	int cpu, nr = get_nprocs();

	for (cpu = nr - 1; !h->stop; cpu = cpu > 1 ? cpu - 1 : nr - 1) {
		h->failed += take_cpu_off(cpu, 150) < 0;
		sleep_ms(350);
	}
	return NULL;
}

/*
 * Parameters, modes, resets, some of which bring another number of queues that are
 * polled in every mode, and CPUs that go and come.
 */
TEST_F_TIMEOUT(lifecycle, all_at_once, 900)
{
	static const char *const modes[] = { "split", "kthread", "off" };
	static const char queues[] = "/sys/module/nvme/parameters/poll_queues";
	struct hotplug hotplug = { };
	pthread_t thread;
	struct load load;
	char reset[96], state[32], before[16] = "";
	unsigned int i;
	uint64_t end;

	snprintf(reset, sizeof(reset), "%s/reset_controller", self->d.sysfs);
	if (access(reset, W_OK))
		SKIP(return, "no reset_controller");
	file_read(queues, before, sizeof(before));
	load_start(_metadata, &load, &self->d, false);
	ASSERT_EQ(pthread_create(&thread, NULL, take_cpus_off, &hotplug), 0);
	end = deadline(self->seconds);
	for (i = 0; now_ns() < end; i++) {
		change_something(&self->d, modes[i / 64 % 3], i);
		if (i % 7 == 0) {
			if (*before)
				file_write(queues, i % 3 == 0 ? "0" :
					   i % 3 == 1 ? "1" : "2");
			EXPECT_EQ(file_write(reset, "1"), 0);
		}
		sleep_ms(50);
	}
	hotplug.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(hotplug.failed, 0);
	if (*before) {
		EXPECT_EQ(file_write(queues, before), 0);
		EXPECT_EQ(file_write(reset, "1"), 0);
	}
	load_stop(_metadata, &load);
	snprintf(reset, sizeof(reset), "%s/state", self->d.sysfs);
	ASSERT_GT(file_read(reset, state, sizeof(state)), 0);
	EXPECT_STREQ(state, "live\n");
}

TEST_F_TIMEOUT(lifecycle, killed_with_completions_held, 700)
{
	struct load load;
	uint64_t end;

	ASSERT_EQ(device_set(&self->d, "policy", "cint"), 0);
	ASSERT_EQ(device_set(&self->d, "threshold", "256"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_ns", "10000000"), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "10000000"), 0);
	load_start(_metadata, &load, &self->d, false);
	end = deadline(self->seconds);
	while (now_ns() < end) {
		pid_t pid = fork();

		ASSERT_GE(pid, 0);
		if (!pid) {
			static char buf[DEPTH][BLOCK] __attribute__((aligned(BLOCK)));
			struct io_uring_cint reg = ring_params(CINT_POLICY_CINT,
							       256);
			struct ring r;
			int fd = open(self->d.ns, O_RDONLY | O_DIRECT), i;

			if (fd < 0 || ring_open(&r, DEPTH, 0))
				_exit(1);
			ring_register(&r, REGISTER_CINT, &reg, 1);
			for (i = 0; i < DEPTH; i++)
				ring_sqe(&r, IORING_OP_READ, fd, buf[i], BLOCK,
					 i * 4 * BLOCK, i);
			ring_submit(&r);
			raise(SIGKILL);
		}
		waitpid(pid, NULL, 0);
		sleep_ms(20);
	}
	load_stop(_metadata, &load);
	EXPECT_TRUE(device_settled(&self->d));
}

/*
 * Each waits until nothing is in flight, and lets nothing in meanwhile. What is not looked
 * for would end after 30 seconds, when it times out.
 */
TEST_F_TIMEOUT(lifecycle, queue_freezes, 700)
{
	static const char *const schedulers[] = { "mq-deadline", "none" };
	char path[128], before[16], *name = strrchr(self->d.ns, '/');
	uint64_t end, began, longest = 0;
	struct load load;
	unsigned int i;

	ASSERT_EQ(device_set(&self->d, "threshold", "256"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_ns", "10000000"), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "10000000"), 0);
	load_start(_metadata, &load, &self->d, false);
	end = deadline(self->seconds);
	for (i = 0; now_ns() < end; i++) {
		began = now_ns();
		snprintf(path, sizeof(path), "/sys/block%s/queue/scheduler", name);
		EXPECT_EQ(file_write(path, schedulers[i % 2]), 0);
		snprintf(path, sizeof(path), "/sys/block%s/queue/nr_requests", name);
		ASSERT_GT(file_read(path, before, sizeof(before)), 0);
		EXPECT_EQ(file_write(path, "8"), 0);
		EXPECT_EQ(file_write(path, before), 0);
		if (now_ns() - began > longest)
			longest = now_ns() - began;
		sleep_ms(20);
	}
	snprintf(path, sizeof(path), "/sys/block%s/queue/scheduler", name);
	EXPECT_EQ(file_write(path, "none"), 0);
	load_stop(_metadata, &load);
	TH_LOG("%u times; the longest took %llu ms", i,
	       (unsigned long long)longest / 1000000);
	EXPECT_LT(longest, 20000000000ULL);
	EXPECT_TRUE(device_settled(&self->d));
}

/*
 * A drive slower than its timeout. nvme_timeout() sees completions that are
 * held, and requests that are truly late, which end in an abort or a reset.
 */
TEST_F_TIMEOUT(lifecycle, timeouts, 700)
{
	char path[128], before[32], *name = strrchr(self->d.slow, '/');
	int fd = open(self->d.slow, O_RDONLY | O_DIRECT), i, nr = 0;
	void *buf = buffer_alloc(16 * BLOCK);
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 256);
	struct ring rings[2], *r = rings;
	struct io_uring_cqe cqe;
	uint64_t end;

	if (fd < 0)
		SKIP(return, "no slow namespace %s (CINT_SLOW_NS)", self->d.slow);
	snprintf(path, sizeof(path), "/sys/block%s/queue/io_timeout", name);
	if (file_read(path, before, sizeof(before)) <= 0)
		SKIP(return, "no io_timeout");
	/* about as long as max_hold, and shorter than the drive takes */
	ASSERT_EQ(file_write(path, "10"), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "10000000"), 0);
	ASSERT_EQ(device_set(&self->d, "threshold", "256"), 0);
	ASSERT_EQ(ring_open(&rings[0], 16, 0), 0);
	/* its task sleeps on while more is to come */
	ASSERT_EQ(ring_open(&rings[1], 16, IORING_SETUP_SINGLE_ISSUER |
			    IORING_SETUP_DEFER_TASKRUN), 0);
	reg.max_hold_ns = 10000000;
	ASSERT_EQ(ring_register(&rings[1], REGISTER_CINT, &reg, 1), 0);
	end = deadline(self->seconds);
	do {
		for (i = 0; i < 16; i++)
			ring_sqe(r, IORING_OP_READ, fd, buf + i * BLOCK, BLOCK,
				 (uint64_t)i * 4 * BLOCK, i);
		ASSERT_EQ(ring_submit(r), 16);
		for (i = 0; i < 16; i++) {
			/* it may fail, as it may without cint; it must end */
			ASSERT_EQ(ring_wait(r, &cqe), 0);
			nr++;
		}
		EXPECT_FALSE(ring_peek(r, &cqe));
		r = r == rings ? rings + 1 : rings;
	} while (now_ns() < end || r != rings);
	EXPECT_GT(nr, 0);
	EXPECT_EQ(file_write(path, before), 0);
	ring_close(&rings[0]);
	ring_close(&rings[1]);
	close(fd);
	free(buf);
}

/*
 * Programs lose their drive and the poller its queues. The last test: a program
 * that exits late keeps the old number busy, and the drive gets a new one.
 */
TEST_F_TIMEOUT(lifecycle, zz_remove_and_rescan, 700)
{
	char path[128], address[64];
	struct load load;
	int round;

	for (round = 0; round < 3; round++) {
		pci_address(&self->d, address, sizeof(address));
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
			 address);
		if (!address[0] || access(path, W_OK))
			SKIP(return, "no PCI device to remove");

		load_start(_metadata, &load, &self->d, true);
		sleep_ms(300);
		EXPECT_EQ(file_write(path, "1"), 0);
		load_stop(_metadata, &load);

		ASSERT_TRUE(pci_found_again(&self->d, address));
		/* found again, it has no past */
		EXPECT_EQ(device_stat(&self->d, "held"), 0);
		ASSERT_EQ(device_set(&self->d, "mode", self->mode), 0);
	}
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * The files in /sys/class/nvme/nvmeX/cint: bounds, refusals that change nothing,
 * and changes while I/O goes on.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "ring.h"

FIXTURE(sysfs)
{
	struct device d;
	struct device_saved saved;
	bool found;
};

FIXTURE_SETUP(sysfs)
{
	const char *why = device_find(&self->d);

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	self->found = true;
	device_save(&self->d, &self->saved);
}

FIXTURE_TEARDOWN(sysfs)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

static const struct {
	const char *name;
	long long min, max;
} numbers[] = {
	{ "threshold", 1, 256 },
	{ "delta_ns", 0, 10000000 },
	{ "delta_min_ns", 0, 10000000 },
	{ "max_hold_ns", 0, 10000000 },
	{ "correction", 0, 16000 },
	{ "ooo", 0, 1 },
	{ "latency_hint", 0, 1 },
	{ "calibrate", 0, 1 },
};

#define NR_NUMBERS	(ARRAY_SIZE(numbers))

TEST_F(sysfs, numbers_within_bounds)
{
	size_t i, j;

	for (i = 0; i < NR_NUMBERS; i++) {
		const long long good[] = {
			numbers[i].max, numbers[i].min,
			(numbers[i].min + numbers[i].max) / 2,
		};

		for (j = 0; j < 3; j++) {
			EXPECT_EQ(device_set_number(&self->d, numbers[i].name,
						    good[j]), 0)
				TH_LOG("%s %lld", numbers[i].name, good[j]);
			EXPECT_EQ(device_get_number(&self->d, numbers[i].name),
				  good[j])
				TH_LOG("%s", numbers[i].name);
		}
	}
}

TEST_F(sysfs, what_is_out_of_bounds_is_refused)
{
	static const char *const text[] = {
		"x", "1x", "1 2", "-1", "99999999999999999999", "1.5", " ",
	};
	char beyond[32];
	long long before;
	size_t i, j;

	for (i = 0; i < NR_NUMBERS; i++) {
		ASSERT_EQ(device_set_number(&self->d, numbers[i].name,
					    numbers[i].max), 0);
		before = device_get_number(&self->d, numbers[i].name);
		for (j = 0; j < ARRAY_SIZE(text); j++) {
			/* a boolean is read by its first letters only */
			if (numbers[i].max == 1 && text[j][0] == '1')
				continue;
			EXPECT_LT(device_set(&self->d, numbers[i].name, text[j]),
				  0)
				TH_LOG("%s takes '%s'", numbers[i].name, text[j]);
			EXPECT_EQ(device_get_number(&self->d, numbers[i].name),
				  before);
		}
		snprintf(beyond, sizeof(beyond), "%lld", numbers[i].max + 1);
		EXPECT_EQ(device_set(&self->d, numbers[i].name, beyond), -EINVAL)
			TH_LOG("%s takes %s", numbers[i].name, beyond);
		EXPECT_EQ(device_get_number(&self->d, numbers[i].name), before);
		if (!numbers[i].min)
			continue;
		snprintf(beyond, sizeof(beyond), "%lld", numbers[i].min - 1);
		EXPECT_EQ(device_set(&self->d, numbers[i].name, beyond), -EINVAL)
			TH_LOG("%s takes %s", numbers[i].name, beyond);
		EXPECT_EQ(device_get_number(&self->d, numbers[i].name), before);
	}
}

/* All choices are listed; the first of them, taken, any controller accepts. */
static void check_choices(struct __test_metadata *_metadata,
			  const struct device *d, const char *name,
			  const char *const *choices, size_t taken)
{
	char text[128], want[128];
	size_t i, j;

	for (i = 0; i < taken; i++) {
		EXPECT_EQ(device_set(d, name, choices[i]), 0)
			TH_LOG("%s %s", name, choices[i]);
		want[0] = '\0';
		for (j = 0; choices[j]; j++)
			snprintf(want + strlen(want), sizeof(want) - strlen(want),
				 i == j ? "%s[%s]" : "%s%s", j ? " " : "",
				 choices[j]);
		ASSERT_GT(device_get(d, name, text, sizeof(text)), 0);
		EXPECT_STREQ(text, want);
	}
	{
		static const char *const bad[] = {
			"", "x", "kthreads", "cin", "cint-b", "0", "1", "[off]",
			"NONE", "off kthread",
		};

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			/* writing nothing at all is no call of the kernel's */
			if (!bad[i][0])
				continue;
			EXPECT_EQ(device_set(d, name, bad[i]), -EINVAL)
				TH_LOG("%s takes '%s'", name, bad[i]);
			ASSERT_GT(device_get(d, name, text, sizeof(text)), 0);
			EXPECT_STREQ(text, want);
		}
	}
}

TEST_F(sysfs, policy)
{
	static const char *const policies[] = {
		"none", "static", "adaptive", "cint", "cint-a", "cint-rate", NULL
	};

	check_choices(_metadata, &self->d, "policy", policies, 6);
	EXPECT_EQ(device_set(&self->d, "policy", "static\n"), 0);
}

TEST_F(sysfs, mode)
{
	static const char *const modes[] = {
		"off", "kthread", "device", "split", NULL
	};

	check_choices(_metadata, &self->d, "mode", modes, 2);
	/* setting what is set is no mistake */
	EXPECT_EQ(device_set(&self->d, "mode", "kthread"), 0);
	EXPECT_EQ(device_set(&self->d, "mode", "kthread"), 0);
	EXPECT_EQ(device_set(&self->d, "mode", "off"), 0);
	EXPECT_EQ(device_set(&self->d, "mode", "off"), 0);
}

TEST_F(sysfs, poll_cpu)
{
	char text[32];
	int pass, before;

	for (pass = 0; pass < 2; pass++) {
		ASSERT_EQ(device_set(&self->d, "mode", pass ? "kthread" : "off"), 0);
		EXPECT_EQ(device_set(&self->d, "poll_cpu", "0"), 0);
		EXPECT_EQ(device_get_number(&self->d, "poll_cpu"), 0);
		EXPECT_EQ(device_set(&self->d, "poll_cpu", "-1"), 0);
		EXPECT_EQ(device_get_number(&self->d, "poll_cpu"), -1);
		EXPECT_EQ(device_set(&self->d, "poll_cpu", "-2"), -EINVAL);
		EXPECT_EQ(device_set(&self->d, "poll_cpu", "1000000"), -EINVAL);
		snprintf(text, sizeof(text), "%d", get_nprocs_conf());
		EXPECT_EQ(device_set(&self->d, "poll_cpu", text), -EINVAL);
		EXPECT_EQ(device_set(&self->d, "poll_cpu", "zero"), -EINVAL);
		EXPECT_EQ(device_get_number(&self->d, "poll_cpu"), -1);
	}

	/* a CPU that is offline can't poll */
	before = get_nprocs();
	if (before < 2 ||
	    file_write("/sys/devices/system/cpu/cpu1/online", "0"))
		SKIP(return, "CPU 1 can't be taken offline");
	EXPECT_EQ(device_set(&self->d, "poll_cpu", "1"), -EINVAL);
	EXPECT_EQ(device_get_number(&self->d, "poll_cpu"), -1);
	EXPECT_EQ(file_write("/sys/devices/system/cpu/cpu1/online", "1"), 0);
	EXPECT_EQ(device_set(&self->d, "poll_cpu", "1"), 0);
}

TEST_F(sysfs, stats_add_up)
{
	static const char *const reasons[] = {
		"fire_each", "fire_urgent", "fire_barrier", "fire_threshold",
		"fire_quiet", "fire_max_hold", "fire_rate", "fire_flush",
	};
	long long sum = 0, v;
	void *buf = buffer_alloc(BLOCK);
	int fd = open(self->d.ns, O_RDONLY | O_DIRECT), i;
	size_t j;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(device_set(&self->d, "mode", "kthread"), 0);
	for (i = 0; i < 50; i++)
		ASSERT_EQ(cint_preadv2(fd, buf, BLOCK, i * BLOCK,
				       i % 5 ? 0 : RWF_URGENT), BLOCK);
	/* nothing moves while we add */
	ASSERT_TRUE(device_settled(&self->d));
	for (j = 0; j < ARRAY_SIZE(reasons); j++) {
		v = device_stat(&self->d, reasons[j]);
		EXPECT_GE(v, 0) TH_LOG("no %s", reasons[j]);
		sum += v;
	}
	EXPECT_EQ(device_stat(&self->d, "fires"), sum);
	EXPECT_EQ(device_stat(&self->d, "held"), 0);
	EXPECT_GE(device_stat(&self->d, "completions"), 50);
	EXPECT_EQ(device_stat(&self->d, "urgent"),
		  device_stat(&self->d, "fire_urgent"));
	EXPECT_LT(device_set(&self->d, "stats", "0"), 0);

	/* the coalescer's counters live as long as it does */
	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	EXPECT_EQ(device_stat(&self->d, "completions"), 0);
	EXPECT_EQ(device_stat(&self->d, "fires"), 0);
	close(fd);
	free(buf);
}

struct load {
	const struct device *d;
	volatile bool stop;
	unsigned long done, failed;
	int cpu;
};

static void *load_thread(void *arg)
{
	struct load *load = arg;
	int fd = open(load->d->ns, O_RDONLY | O_DIRECT);
	void *buf = buffer_alloc(BLOCK);

	run_on_cpu(load->cpu);
	while (!load->stop && fd >= 0) {
		static const int flags[] = { 0, 0, RWF_URGENT, RWF_BARRIER };
		unsigned long i = load->done++;

		if (cint_preadv2(fd, buf, BLOCK, i % 1000 * BLOCK,
				 flags[i % 4]) != BLOCK)
			load->failed++;
	}
	close(fd);
	free(buf);
	return NULL;
}

TEST_F_TIMEOUT(sysfs, changes_under_load, 120)
{
	static const struct {
		const char *name, *value;
	} changes[] = {
		{ "mode", "kthread" }, { "policy", "static" },
		{ "threshold", "1" }, { "delta_ns", "0" },
		{ "policy", "cint" }, { "threshold", "256" },
		{ "ooo", "0" }, { "max_hold_ns", "0" },
		{ "policy", "none" }, { "max_hold_ns", "500000" },
		{ "mode", "off" }, { "policy", "cint-rate" },
		{ "ooo", "1" }, { "delta_ns", "20000" },
		{ "mode", "kthread" }, { "policy", "cint-a" },
		{ "correction", "16000" }, { "poll_cpu", "0" },
		{ "threshold", "8" }, { "poll_cpu", "-1" },
		{ "policy", "adaptive" }, { "mode", "off" },
	};
	struct load load[2] = { };
	pthread_t threads[2];
	unsigned long before;
	size_t i;
	int t, round;

	for (t = 0; t < 2; t++) {
		load[t].d = &self->d;
		load[t].cpu = t % get_nprocs();
		ASSERT_EQ(pthread_create(&threads[t], NULL, load_thread,
					 &load[t]), 0);
	}
	for (round = 0; round < 3; round++) {
		before = load[0].done;
		for (i = 0; i < ARRAY_SIZE(changes); i++) {
			EXPECT_EQ(device_set(&self->d, changes[i].name,
					     changes[i].value), 0)
				TH_LOG("%s %s", changes[i].name,
				       changes[i].value);
			sleep_ms(20);
		}
		EXPECT_GT(load[0].done, before);
	}
	for (t = 0; t < 2; t++) {
		load[t].stop = true;
		pthread_join(threads[t], NULL);
		EXPECT_GT(load[t].done, 10);
		EXPECT_EQ(load[t].failed, 0);
	}
}

TEST_HARNESS_MAIN

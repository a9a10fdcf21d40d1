// SPDX-License-Identifier: GPL-2.0
/*
 * Mode device: the controller coalesces. The parameters reach it and survive a
 * reset, and it delivers by urgency, barrier and threshold.
 *
 * On a controller that can't, that is what is tested. What is judged is what the
 * controller counts, not the clock: all delays are as long as they may be.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/nvme_ioctl.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "nobody.h"
#include "ring.h"

#define TRIES		100
#define FEATURE_ID	0xc1

/* as in <linux/nvme_cint.h>, which is not a header of user space */
struct feature {
	uint16_t version;
	uint16_t size;
	uint32_t policy;
	uint32_t flags;
	uint32_t threshold;
	uint32_t delta_ns;
	uint32_t delta_min_ns;
	uint32_t max_hold_ns;
	uint32_t correction;
	uint8_t reserved[32];
};

FIXTURE(device)
{
	struct device d;
	struct device_saved saved;
	bool found;
	int admin;
};

FIXTURE_SETUP(device)
{
	const char *why = device_find(&self->d);
	char path[48];

	self->found = false;
	self->admin = -1;
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	self->found = true;
	ASSERT_EQ(device_hold_all(&self->d), 0);
	snprintf(path, sizeof(path), "/dev/%s", self->d.ctrl);
	self->admin = open(path, O_RDONLY);
	ASSERT_GE(self->admin, 0);
	/* one CPU, one hardware queue */
	ASSERT_EQ(run_on_cpu(0), 0);
}

FIXTURE_TEARDOWN(device)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
	if (self->admin >= 0)
		close(self->admin);
}

/* The parameters in the controller. */
static int get_feature(int fd, struct feature *feature)
{
	struct nvme_admin_cmd cmd = {
		.opcode		= 0x0a,		/* Get Features */
		.addr		= (uintptr_t)feature,
		.data_len	= sizeof(*feature),
		.cdw10		= FEATURE_ID,
	};

	memset(feature, 0, sizeof(*feature));
	return ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd);
}

/* Returns false if the controller can't, which ends the test. */
static bool mode_device(struct __test_metadata *_metadata, struct device *d)
{
	int ret = device_set(d, "mode", "device");
	char mode[16];

	if (ret != -EOPNOTSUPP) {
		EXPECT_EQ(ret, 0);
		return !ret;
	}
	ASSERT_EQ(device_get_choice(d, "mode", mode, sizeof(mode)), 0);
	EXPECT_STREQ(mode, "off");
	return false;
}

#define MODE_DEVICE()							\
	do {								\
		if (!mode_device(_metadata, &self->d))			\
			SKIP(return, "the controller does not coalesce by urgency"); \
	} while (0)

/* A controller that can't keeps the mode it was in, and works in it. */
TEST_F(device, refused_without_the_capability)
{
	char mode[16];

	if (device_set(&self->d, "mode", "device") != -EOPNOTSUPP)
		SKIP(return, "the controller coalesces by urgency");
	ASSERT_EQ(device_set(&self->d, "mode", "kthread"), 0);
	EXPECT_EQ(device_set(&self->d, "mode", "device"), -EOPNOTSUPP);
	ASSERT_EQ(device_get_choice(&self->d, "mode", mode, sizeof(mode)), 0);
	EXPECT_STREQ(mode, "kthread");
}

TEST_F(device, parameters_reach_the_controller)
{
	struct feature f;

	MODE_DEVICE();
	ASSERT_EQ(get_feature(self->admin, &f), 0);
	EXPECT_EQ(f.policy, CINT_POLICY_CINT);
	EXPECT_EQ(f.flags, IORING_CINT_OOO);
	EXPECT_EQ(f.threshold, 256);
	EXPECT_EQ(f.delta_ns, 10000000);
	EXPECT_EQ(f.delta_min_ns, 0);
	EXPECT_EQ(f.max_hold_ns, 10000000);
	EXPECT_EQ(f.correction, 0);

	ASSERT_EQ(device_set(&self->d, "policy", "cint-rate"), 0);
	ASSERT_EQ(device_set(&self->d, "threshold", "24"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_ns", "25000"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_min_ns", "1500"), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "90000"), 0);
	ASSERT_EQ(device_set(&self->d, "correction", "2500"), 0);
	ASSERT_EQ(device_set(&self->d, "ooo", "0"), 0);
	ASSERT_EQ(get_feature(self->admin, &f), 0);
	EXPECT_EQ(f.policy, CINT_POLICY_CINT_RATE);
	EXPECT_EQ(f.flags, 0);
	EXPECT_EQ(f.threshold, 24);
	EXPECT_EQ(f.delta_ns, 25000);
	EXPECT_EQ(f.delta_min_ns, 1500);
	EXPECT_EQ(f.max_hold_ns, 90000);
	EXPECT_EQ(f.correction, 2500);

	/* what is refused changes neither side */
	EXPECT_EQ(device_set(&self->d, "threshold", "257"), -EINVAL);
	EXPECT_EQ(device_get_number(&self->d, "threshold"), 24);
	ASSERT_EQ(get_feature(self->admin, &f), 0);
	EXPECT_EQ(f.threshold, 24);
}

/* Whoever takes over delivers alone what the controller does not hold. */
TEST_F(device, other_modes_switch_it_off)
{
	static const char *const modes[] = { "off", "kthread" };
	char mode[16];
	struct feature f;
	unsigned int i;

	MODE_DEVICE();
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(device_set(&self->d, "mode", "device"), 0);
		ASSERT_EQ(get_feature(self->admin, &f), 0);
		EXPECT_EQ(f.policy, CINT_POLICY_CINT);
		ASSERT_EQ(device_set(&self->d, "mode", modes[i]), 0);
		ASSERT_EQ(get_feature(self->admin, &f), 0);
		EXPECT_EQ(f.policy, CINT_POLICY_NONE);
		ASSERT_EQ(device_get_choice(&self->d, "mode", mode,
					    sizeof(mode)), 0);
		EXPECT_STREQ(mode, modes[i]);
	}
	/* changed meanwhile, set when it is its turn again */
	ASSERT_EQ(device_set(&self->d, "threshold", "7"), 0);
	ASSERT_EQ(device_set(&self->d, "mode", "device"), 0);
	ASSERT_EQ(get_feature(self->admin, &f), 0);
	EXPECT_EQ(f.threshold, 7);
}

TEST_F(device, parameters_survive_a_reset)
{
	struct feature f;
	char path[96];
	int i;

	MODE_DEVICE();
	snprintf(path, sizeof(path), "%s/reset_controller", self->d.sysfs);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(device_set_number(&self->d, "threshold", 20 + i), 0);
		ASSERT_EQ(file_write(path, "1"), 0);
		ASSERT_EQ(get_feature(self->admin, &f), 0);
		EXPECT_EQ(f.policy, CINT_POLICY_CINT);
		EXPECT_EQ(f.threshold, 20 + i);
	}
	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	ASSERT_EQ(file_write(path, "1"), 0);
	ASSERT_EQ(get_feature(self->admin, &f), 0);
	EXPECT_EQ(f.policy, CINT_POLICY_NONE);
}

struct counters {
	long long urgent, barrier, threshold, fires;
};

static struct counters count(const struct device *d)
{
	return (struct counters) {
		.urgent		= device_stat(d, "fire_urgent"),
		.barrier	= device_stat(d, "fire_barrier"),
		.threshold	= device_stat(d, "fire_threshold"),
		.fires		= device_stat(d, "fires"),
	};
}

/*
 * Nine reads, some of them marked; the counters must rise as they say. A delay
 * may run out on a slow machine, which adds a delivery and is no mistake, so
 * that is tried again.
 */
static void nine_reads_after(struct __test_metadata *_metadata,
			     struct device *d, unsigned int pause_us,
			     int urgent, int barrier, struct counters want)
{
	char *buf = buffer_alloc(9 * BLOCK);
	int fd = open(d->fast, O_RDONLY | O_DIRECT), try, i;
	struct counters before, after;
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	bool done = false;
	struct ring r;

	ASSERT_GE(fd, 0);
	ASSERT_NE(buf, NULL);
	ASSERT_EQ(ring_open(&r, 16, 0), 0);
	for (try = 0; try < TRIES && !done; try++) {
		before = count(d);
		for (i = 0; i < 9; i++) {
			sqe = queue_read(&r, fd, buf, i);
			if (i == urgent)
				sqe->flags = IOSQE_URGENT;
			if (i == barrier)
				sqe->rw_flags = RWF_BARRIER;
		}
		ASSERT_EQ(ring_submit(&r), 9);
		usleep(pause_us);
		for (i = 0; i < 9; i++) {
			ASSERT_EQ(ring_wait(&r, &cqe), 0);
			EXPECT_EQ(cqe.res, BLOCK);
		}
		EXPECT_TRUE(device_settled(d));
		after = count(d);
		/* these don't depend on time */
		EXPECT_EQ(after.urgent - before.urgent, want.urgent);
		done = after.barrier - before.barrier == want.barrier &&
			after.threshold - before.threshold == want.threshold &&
			after.fires - before.fires == want.fires;
	}
	EXPECT_TRUE(done);
	ring_close(&r);
	close(fd);
	free(buf);
}

static void nine_reads(struct __test_metadata *_metadata, struct device *d,
		       int urgent, int barrier, struct counters want)
{
	nine_reads_after(_metadata, d, 0, urgent, barrier, want);
}

TEST_F(device, a_barrier_ends_a_batch)
{
	MODE_DEVICE();
	nine_reads(_metadata, &self->d, -1, 8,
		   (struct counters) { .barrier = 1, .fires = 1 });
}

TEST_F(device, urgent_goes_alone)
{
	MODE_DEVICE();
	nine_reads(_metadata, &self->d, 4, 8,
		   (struct counters) { .urgent = 1, .barrier = 1, .fires = 2 });
}

TEST_F(device, threshold)
{
	MODE_DEVICE();
	ASSERT_EQ(device_set(&self->d, "threshold", "3"), 0);
	nine_reads(_metadata, &self->d, -1, -1,
		   (struct counters) { .threshold = 3, .fires = 3 });
}

/*
 * In order, what is held has been posted: a task that begins to wait after that
 * takes it, and no interrupt is needed.
 */
TEST_F(device, in_order_a_waiter_finds_what_is_held)
{
	MODE_DEVICE();
	ASSERT_EQ(device_set(&self->d, "ooo", "0"), 0);
	nine_reads_after(_metadata, &self->d, 3000, -1, -1,
			 (struct counters) { .fires = 0 });
	/* who waits already is told */
	nine_reads(_metadata, &self->d, 4, 8,
		   (struct counters) { .urgent = 1, .barrier = 1, .fires = 2 });
	/* and nobody looks any more */
	ASSERT_EQ(device_set(&self->d, "ooo", "1"), 0);
	nine_reads_after(_metadata, &self->d, 3000, -1, 8,
			 (struct counters) { .barrier = 1, .fires = 1 });
}

TEST_F(device, policy_none_delivers_each)
{
	MODE_DEVICE();
	ASSERT_EQ(device_set(&self->d, "policy", "none"), 0);
	nine_reads(_metadata, &self->d, 4, 8, (struct counters) { .fires = 9 });
}

/* The counters begin when the mode does. */
TEST_F(device, counters_begin_with_the_mode)
{
	MODE_DEVICE();
	nine_reads(_metadata, &self->d, -1, 8,
		   (struct counters) { .barrier = 1, .fires = 1 });
	EXPECT_GE(device_stat(&self->d, "completions"), 9);
	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	EXPECT_EQ(device_stat(&self->d, "completions"), 0);
	ASSERT_EQ(device_set(&self->d, "mode", "device"), 0);
	EXPECT_LT(device_stat(&self->d, "completions"), 9);
}

static int read_stats(void *arg)
{
	char path[128], text[4096];

	device_path(arg, "stats", path, sizeof(path));
	return -file_read(path, text, sizeof(text));
}

/* Each reading is a command to the controller. */
TEST_F(device, counters_are_roots)
{
	MODE_DEVICE();
	EXPECT_GE(device_stat(&self->d, "completions"), 0);
	EXPECT_EQ(as_nobody(read_stats, &self->d), EPERM);
}

TEST_HARNESS_MAIN

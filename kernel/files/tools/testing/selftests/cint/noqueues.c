// SPDX-License-Identifier: GPL-2.0
/*
 * A reset after which the controller has no I/O queues, in each mode: the driver
 * keeps it, for its administrator, without namespaces. Waits of io_uring and the
 * files in cint go on working, so does removal, and so does the next reset that
 * brings queues back. Then the mode is what was chosen, or off with a message
 * that says why.
 *
 * Needs CINT_GRANT_QUEUES (queues.h). Namespaces are known by nsid, since they get
 * other names when they are found again; one of the tests reads the third, which
 * should take a second or so.
 */
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "kmsg.h"
#include "load.h"
#include "pci.h"
#include "queues.h"
#include "ring.h"

#define NAMESPACES	3
#define SLOW		3	/* the nsid */

FIXTURE(noqueues)
{
	struct device d;
	struct device_saved saved;
	bool found;
	int log;
};

FIXTURE_VARIANT(noqueues)
{
	const char *mode;
};

FIXTURE_VARIANT_ADD(noqueues, off) { .mode = "off" };
FIXTURE_VARIANT_ADD(noqueues, split) { .mode = "split" };
FIXTURE_VARIANT_ADD(noqueues, kthread) { .mode = "kthread" };
FIXTURE_VARIANT_ADD(noqueues, device) { .mode = "device" };

static bool is_there(const struct device *d, int nsid)
{
	char path[64];

	return device_namespace(d->ctrl, nsid, path, sizeof(path)) &&
		!access(path, R_OK | W_OK);
}

/* Waits until the namespaces are there, or none is. */
static bool namespaces_are(const struct device *d, bool wanted)
{
	uint64_t until = now_ns() + WAIT_SECONDS * 1000000000ULL;
	int nsid, nr;

	do {
		for (nr = 0, nsid = 1; nsid <= NAMESPACES; nsid++)
			nr += is_there(d, nsid);
		if (nr == (wanted ? NAMESPACES : 0))
			return true;
		sleep_ms(20);
	} while (now_ns() < until);
	return false;
}

FIXTURE_SETUP(noqueues)
{
	const char *why;

	self->found = false;
	self->log = -1;
	if (!queues_can_be_granted())
		SKIP(return, "no CINT_GRANT_QUEUES");
	why = device_find(&self->d);
	if (why)
		SKIP(return, "%s", why);
	if (!namespaces_are(&self->d, true))
		SKIP(return, "there are not %d namespaces", NAMESPACES);
	device_save(&self->d, &self->saved);
	self->found = true;
	if (device_set(&self->d, "mode", variant->mode))
		SKIP(return, "mode %s is refused on this controller",
		     variant->mode);
	self->log = kmsg_open();
}

static void lose_queues(struct __test_metadata *_metadata,
			const struct device *d)
{
	ASSERT_EQ(queues_grant("0"), 0);
	ASSERT_EQ(controller_reset(d), 0);
	ASSERT_TRUE(namespaces_are(d, false));
}

static bool regain_queues(const struct device *d)
{
	return !queues_grant(ALL_QUEUES) && !controller_reset(d) &&
		namespaces_are(d, true);
}

FIXTURE_TEARDOWN(noqueues)
{
	if (self->log >= 0)
		close(self->log);
	if (!self->found)
		return;
	regain_queues(&self->d);
	device_restore(&self->d, &self->saved);
}

/* How many paths there are in a directory of the namespace's disk. */
static size_t disk_entries(const char *dir, const char *disk, const char *pattern)
{
	char path[128];
	size_t nr = 0;
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, disk, pattern);
	if (!glob(path, 0, NULL, &found)) {
		nr = found.gl_pathc;
		globfree(&found);
	}
	return nr;
}

/*
 * All hardware queues have CPUs. Those without are to be seen in debugfs only; scans
 * of two namespaces would free their tags at once.
 */
static void check_hardware_queues(struct __test_metadata *_metadata,
				  const struct device *d)
{
	char path[64];
	size_t nr;
	int nsid;

	for (nsid = 1; nsid <= NAMESPACES; nsid++) {
		ASSERT_TRUE(device_namespace(d->ctrl, nsid, path, sizeof(path)));
		nr = disk_entries("/sys/kernel/debug/block", basename(path),
				  "hctx*");
		if (nr)
			EXPECT_EQ(nr, disk_entries("/sys/block", basename(path),
						   "mq/*"));
	}
}

/* Off, for which there must be a reason in the log, or what was chosen. */
static void check_mode(struct __test_metadata *_metadata,
		       FIXTURE_DATA(noqueues) *self, const char *chosen)
{
	char mode[16], line[512];

	ASSERT_EQ(device_get_choice(&self->d, "mode", mode, sizeof(mode)), 0);
	if (!strcmp(mode, chosen))
		return;
	EXPECT_STREQ(mode, "off");
	EXPECT_TRUE(kmsg_find(self->log, self->d.ctrl, "mode", line, sizeof(line)))
		TH_LOG("mode %s was left without a word", chosen);
}

static void check_reads(struct __test_metadata *_metadata,
			const struct device *d)
{
	char *buf = buffer_alloc(DEPTH * BLOCK), path[64];
	struct io_uring_cqe cqe;
	struct ring r;
	int fd, i;

	/* the same namespace, perhaps by another name */
	ASSERT_TRUE(device_namespace(d->ctrl, d->nsid, path, sizeof(path)));
	fd = open(path, O_RDONLY | O_DIRECT);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_open(&r, DEPTH, 0), 0);
	for (i = 0; i < DEPTH; i++) {
		struct io_uring_sqe *sqe = queue_read(&r, fd, buf, i);

		if (i % 4 == 1)
			sqe->flags = IOSQE_URGENT;
		if (i % 8 == 3)
			sqe->rw_flags = RWF_BARRIER;
	}
	ASSERT_EQ(ring_submit(&r), DEPTH);
	for (i = 0; i < DEPTH; i++) {
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
	}
	ring_close(&r);
	close(fd);
	free(buf);
}

/* Any user of io_uring, who may have nothing to do with the drive. */
TEST_F_TIMEOUT(noqueues, a_wait_ends, 120)
{
	struct __kernel_timespec ts = { .tv_nsec = 5000000 };
	struct io_uring_cqe cqe;
	struct ring r;
	int i;

	lose_queues(_metadata, &self->d);
	ASSERT_EQ(ring_open(&r, 4, 0), 0);
	for (i = 0; i < 5; i++) {
		ring_sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 1);
		ASSERT_EQ(ring_submit(&r), 1);
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		EXPECT_EQ(cqe.res, -ETIME);
	}
	ring_close(&r);
	check_mode(_metadata, self, variant->mode);
}

TEST_F_TIMEOUT(noqueues, parameters_can_be_set, 120)
{
	static const char *const settings[][2] = {
		{ "threshold", "16" }, { "policy", "cint-a" },
		{ "delta_ns", "40000" }, { "delta_min_ns", "1000" },
		{ "max_hold_ns", "300000" }, { "correction", "500" },
		{ "ooo", "0" }, { "poll_cpu", "0" },
	};
	char text[32];
	size_t i;

	lose_queues(_metadata, &self->d);
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		EXPECT_EQ(device_set(&self->d, settings[i][0], settings[i][1]), 0)
			TH_LOG("%s", settings[i][0]);
		if (device_get_choice(&self->d, settings[i][0], text,
				      sizeof(text)))
			ASSERT_GT(device_get(&self->d, settings[i][0], text,
					     sizeof(text)), 0);
		EXPECT_STREQ(text, settings[i][1]);
	}
	EXPECT_EQ(device_stat(&self->d, "held"), 0);
	check_mode(_metadata, self, variant->mode);
	/* and they are the parameters of the queues that come back */
	ASSERT_TRUE(regain_queues(&self->d));
	EXPECT_EQ(device_get_number(&self->d, "threshold"), 16);
	check_reads(_metadata, &self->d);
}

/* It may be refused; it must not be waited for. */
TEST_F_TIMEOUT(noqueues, other_modes_can_be_chosen, 120)
{
	static const char *const modes[] = { "split", "kthread", "off", "device" };
	const char *wanted = variant->mode;
	char mode[16];
	size_t i;

	lose_queues(_metadata, &self->d);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!device_set(&self->d, "mode", modes[i]))
			wanted = modes[i];
		ASSERT_EQ(device_get_choice(&self->d, "mode", mode,
					    sizeof(mode)), 0);
		EXPECT_TRUE(!strcmp(mode, wanted) || !strcmp(mode, "off"))
			TH_LOG("mode %s, %s was chosen", mode, wanted);
	}
	EXPECT_EQ(device_set(&self->d, "mode", "off"), 0);
	ASSERT_TRUE(regain_queues(&self->d));
	check_reads(_metadata, &self->d);
}

/* Lost twice, back twice; and the mode can be chosen again. */
TEST_F_TIMEOUT(noqueues, queues_come_back, 120)
{
	int i;

	for (i = 0; i < 2; i++) {
		lose_queues(_metadata, &self->d);
		EXPECT_EQ(controller_reset(&self->d), 0);
		ASSERT_TRUE(regain_queues(&self->d));
		check_hardware_queues(_metadata, &self->d);
		check_reads(_metadata, &self->d);
		check_mode(_metadata, self, variant->mode);
		EXPECT_EQ(device_set(&self->d, "mode", variant->mode), 0);
		check_reads(_metadata, &self->d);
		EXPECT_TRUE(device_settled(&self->d));
	}
}

/* Who has requests there gets errors, and ends. */
TEST_F_TIMEOUT(noqueues, lost_under_load, 120)
{
	struct load load;

	load_start(_metadata, &load, &self->d, true);
	sleep_ms(200);
	lose_queues(_metadata, &self->d);
	load_stop(_metadata, &load);
	check_mode(_metadata, self, variant->mode);
	ASSERT_TRUE(regain_queues(&self->d));
	check_reads(_metadata, &self->d);
}

struct write_later {
	pthread_t thread;
	char path[128];
	const char *value;
	int ret;
};

static void *write_thread(void *arg)
{
	struct write_later *w = arg;

	w->ret = file_write(w->path, w->value);
	return NULL;
}

/*
 * A mode chosen while a request keeps its queue in use, and a scan that comes
 * between: three that could wait for each other. Errors are fine, and so is
 * success.
 */
TEST_F_TIMEOUT(noqueues, a_mode_chosen_while_a_scan_waits, 120)
{
	static const char *const modes[] = { "split", "kthread", "off" };
	struct write_later mode, scan;
	struct io_uring_cqe cqe;
	struct ring r;
	char *buf, path[64];
	size_t i;
	int fd;

	buf = buffer_alloc(BLOCK);
	ASSERT_EQ(ring_open(&r, 4, 0), 0);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_TRUE(device_namespace(self->d.ctrl, SLOW, path,
					     sizeof(path)));
		fd = open(path, O_RDONLY | O_DIRECT);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(queues_grant("0"), 0);
		queue_read(&r, fd, buf, 0);
		ASSERT_EQ(ring_submit(&r), 1);

		device_path(&self->d, "mode", mode.path, sizeof(mode.path));
		mode.value = modes[i];
		snprintf(scan.path, sizeof(scan.path), "%s/rescan_controller",
			 self->d.sysfs);
		scan.value = "1";
		ASSERT_EQ(pthread_create(&mode.thread, NULL, write_thread, &mode), 0);
		sleep_ms(100);
		ASSERT_EQ(pthread_create(&scan.thread, NULL, write_thread, &scan), 0);
		pthread_join(mode.thread, NULL);
		pthread_join(scan.thread, NULL);
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		close(fd);
		ASSERT_TRUE(regain_queues(&self->d));
	}
	ring_close(&r);
	free(buf);
	check_reads(_metadata, &self->d);
}

/* The last test: the controller may get another number. */
TEST_F_TIMEOUT(noqueues, zz_removed, 120)
{
	char address[64], path[128];

	pci_address(&self->d, address, sizeof(address));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	if (!address[0] || access(path, W_OK))
		SKIP(return, "no PCI device to remove");
	lose_queues(_metadata, &self->d);
	ASSERT_EQ(file_write(path, "1"), 0);
	ASSERT_EQ(queues_grant(ALL_QUEUES), 0);
	ASSERT_TRUE(pci_found_again(&self->d, address));
	EXPECT_EQ(device_stat(&self->d, "held"), 0);
	ASSERT_EQ(device_set(&self->d, "mode", variant->mode), 0);
	check_reads(_metadata, &self->d);
}

TEST_HARNESS_MAIN

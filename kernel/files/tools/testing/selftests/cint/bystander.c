// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for something that no drive does: his waits cost what they cost with mode
 * off, whatever number of drives coalesces, and also after his ring has used them.
 *
 * CINT_BYSTANDER_PERMILLE: how much of the time with mode off a wait may take, 4000 by
 * default; 1002 where time is virtual. The drives are all that there are.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "ring.h"

#define MAX_DRIVES	16
#define WAITS		1000
#define ROUNDS		5	/* the best one counts: machines have pauses */

FIXTURE(bystander)
{
	struct device d[MAX_DRIVES];
	struct device_saved saved[MAX_DRIVES];
	int nr;
	pthread_t other;
	int ask[2], answer[2];
};

FIXTURE_VARIANT(bystander)
{
	bool used;		/* the ring has read from all drives */
};

FIXTURE_VARIANT_ADD(bystander, never_used_them) { };
FIXTURE_VARIANT_ADD(bystander, has_used_them) { .used = true };

/* Answers each byte, on the same CPU, so that each wait is a sleep. */
static void *answer(void *arg)
{
	FIXTURE_DATA(bystander) *self = arg;
	char byte;

	run_on_cpu(0);
	while (read(self->ask[0], &byte, 1) == 1)
		if (write(self->answer[1], &byte, 1) != 1)
			break;
	return NULL;
}

FIXTURE_SETUP(bystander)
{
	char path[96], name[32], ns[64];
	struct dirent *entry;
	DIR *dir = opendir("/sys/class/nvme");

	self->nr = 0;
	while (dir && self->nr < MAX_DRIVES && (entry = readdir(dir))) {
		struct device *d = &self->d[self->nr];

		snprintf(name, sizeof(name), "%.31s", entry->d_name);
		snprintf(path, sizeof(path), "/sys/class/nvme/%s/cint/mode",
			 name);
		if (access(path, W_OK))
			continue;
		memset(d, 0, sizeof(*d));
		memcpy(d->ctrl, name, sizeof(name));
		snprintf(d->sysfs, sizeof(d->sysfs), "/sys/class/nvme/%s", name);
		if (!device_namespace(name, 1, ns, sizeof(ns)))
			continue;
		memcpy(d->ns, ns, sizeof(ns));
		device_save(d, &self->saved[self->nr++]);
	}
	if (dir)
		closedir(dir);
	if (!self->nr)
		SKIP(return, "no drive that can coalesce");
	ASSERT_EQ(run_on_cpu(0), 0);
	ASSERT_EQ(pipe(self->ask), 0);
	ASSERT_EQ(pipe(self->answer), 0);
	ASSERT_EQ(pthread_create(&self->other, NULL, answer, self), 0);
}

FIXTURE_TEARDOWN(bystander)
{
	int i;

	for (i = 0; i < self->nr; i++)
		device_restore(&self->d[i], &self->saved[i]);
	if (!self->nr)
		return;
	close(self->ask[1]);
	pthread_join(self->other, NULL);
}

static int all_drives(FIXTURE_DATA(bystander) *self, const char *mode)
{
	int i, ret = 0;

	for (i = 0; i < self->nr; i++)
		ret = device_set(&self->d[i], "mode", mode) ?: ret;
	return ret;
}

/* The mean time of a wait, in ns; 0 if one has failed. */
static uint64_t mean_wait(FIXTURE_DATA(bystander) *self, struct ring *r)
{
	uint64_t began = now_ns();
	struct io_uring_cqe cqe;
	char byte = 0;
	int i;

	for (i = 0; i < WAITS; i++) {
		ring_sqe(r, IORING_OP_READ, self->answer[0], &byte, 1, 0, 1);
		if (ring_submit(r) != 1 || write(self->ask[1], &byte, 1) != 1 ||
		    ring_wait(r, &cqe) || cqe.res != 1)
			return 0;
	}
	return (now_ns() - began) / WAITS;
}

static bool read_from_all(FIXTURE_DATA(bystander) *self, struct ring *r)
{
	char *buf = buffer_alloc(4 * BLOCK);
	struct io_uring_cqe cqe;
	bool good = true;
	int i, k, fd;

	for (i = 0; i < self->nr; i++) {
		fd = open(self->d[i].ns, O_RDONLY | O_DIRECT);
		for (k = 0; k < 4; k++)
			queue_read(r, fd, buf, k);
		good = good && ring_submit(r) == 4;
		for (k = 0; good && k < 4; k++)
			good = !ring_wait(r, &cqe) && cqe.res == BLOCK;
		close(fd);
	}
	free(buf);
	return good;
}

TEST_F_TIMEOUT(bystander, a_wait_costs_the_same, 200)
{
	static const char *const modes[] = { "off", "split" };
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX }, mean;
	const char *env = getenv("CINT_BYSTANDER_PERMILLE");
	unsigned int permille = env ? atoi(env) : 4000;
	struct ring r;
	int i, k;

	for (i = 0; i < 2; i++) {
		if (all_drives(self, modes[i]))
			SKIP(return, "mode %s is refused", modes[i]);
		/* namespaces are looked at again after a reset */
		sleep_ms(300);
		ASSERT_EQ(ring_open(&r, 8, 0), 0);
		if (variant->used)
			ASSERT_TRUE(read_from_all(self, &r));
		for (k = 0; k < ROUNDS; k++) {
			mean = mean_wait(self, &r);
			ASSERT_GT(mean, 0);
			if (mean < best[i])
				best[i] = mean;
		}
		ring_close(&r);
	}
	TH_LOG("%d drives: a wait takes %llu ns with mode off, %llu ns with split",
	       self->nr, (unsigned long long)best[0],
	       (unsigned long long)best[1]);
	EXPECT_LE(best[1] * 1000, best[0] * permille);
}

TEST_HARNESS_MAIN

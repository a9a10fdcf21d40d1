// SPDX-License-Identifier: GPL-2.0
/*
 * What others feel of a user with a thousand rings who changes their parameters all
 * the time: root's urgent reads, and the bulk reads of a second user, who takes all the
 * time of the CPU that there is. The third reads at a steady pace, once with parameters,
 * extreme ones, which he registers again before each batch, and once without, where
 * he asks for them instead. They share one CPU; root's priority is that of real time.
 *
 * CINT_NEIGHBOUR_PERCENT: how much worse root's 99th percentile and the second user's
 * reads a second may be, 3 where time is virtual. Without it nothing is judged.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "nobody.h"
#include "ring.h"

#define BULK_USER	65533
#define RINGS		1000
#define READS		4	/* of a batch of the third user */
#define PERIOD_NS	1000000	/* from one of his batches to the next */
#define DEPTH		32	/* of the second user */
#define URGENT_READS	2000
#define PAUSE_US	100	/* from one of root's reads to the next */
#define ROUNDS		2

FIXTURE(neighbours)
{
	struct device d;
	struct device_saved saved;
	bool found;
	unsigned int percent;
};

FIXTURE_VARIANT(neighbours)
{
	const char *mode;
};

FIXTURE_VARIANT_ADD(neighbours, split) { .mode = "split" };

FIXTURE_SETUP(neighbours)
{
	const char *why = device_find(&self->d);
	const char *percent = getenv("CINT_NEIGHBOUR_PERCENT");

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	if (!percent)
		SKIP(return, "CINT_NEIGHBOUR_PERCENT is not set");
	self->percent = atoi(percent);
	device_save(&self->d, &self->saved);
	self->found = true;
	if (device_set(&self->d, "mode", variant->mode))
		SKIP(return, "mode %s is refused on this controller",
		     variant->mode);
	ASSERT_EQ(device_set(&self->d, "policy", "cint"), 0);
}

FIXTURE_TEARDOWN(neighbours)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

struct users {
	int fd;
	bool parameters;
	volatile bool ready, stop;
	/* results */
	volatile unsigned long batches, bulk;
};

static const struct {
	unsigned int policy, threshold, delta_ns, delta_min_ns, max_hold_ns;
} extremes[] = {
	{ CINT_POLICY_CINT, 256, 10000000, 10000000, 10000000 },
	{ CINT_POLICY_CINT, 1, 0, 0, 0 },
	{ CINT_POLICY_CINT_A, 256, 1, 0, 1 },
	{ CINT_POLICY_CINT, 2, 10000000, 0, 10000000 },
};

static int change(struct ring *r, const struct users *u, unsigned int i)
{
	struct io_uring_cint reg;

	if (!u->parameters)
		return ring_query(r, &reg);
	i %= sizeof(extremes) / sizeof(extremes[0]);
	reg = ring_params(extremes[i].policy, extremes[i].threshold);
	reg.delta_ns = extremes[i].delta_ns;
	reg.delta_min_ns = extremes[i].delta_min_ns;
	reg.max_hold_ns = extremes[i].max_hold_ns;
	return ring_register(r, REGISTER_CINT, &reg, 1);
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* The third user. */
static int have_many_rings(void *arg)
{
	static struct ring rings[RINGS];
	struct users *u = arg;
	char *buf = buffer_alloc(READS * BLOCK);
	struct io_uring_cqe cqe;
	uint64_t next;
	int i, k;

	for (i = 0; i < RINGS; i++)
		if (ring_open(&rings[i], 8, 0) || change(&rings[i], u, i))
			return 2;
	u->ready = true;
	next = now_ns();
	for (i = 0; !u->stop; i++) {
		struct ring *r = &rings[i % RINGS];

		sleep_until(next += PERIOD_NS);
		if (change(r, u, i))
			return 3;
		for (k = 0; k < READS; k++)
			queue_read(r, u->fd, buf, k);
		if (ring_submit(r) != READS)
			return 4;
		for (k = 0; k < READS; k++)
			if (ring_wait(r, &cqe) || cqe.res != BLOCK)
				return 5;
		u->batches++;
	}
	return 0;
}

/* The second user. */
static int read_in_bulk(void *arg)
{
	struct users *u = arg;
	char *buf = buffer_alloc(DEPTH * BLOCK);
	struct io_uring_cqe cqe;
	struct ring r;
	int i;

	if (ring_open(&r, DEPTH, 0))
		return 1;
	for (i = 0; i < DEPTH; i++)
		queue_read(&r, u->fd, buf, i);
	while (!u->stop) {
		if (ring_submit(&r) < 0 || ring_wait(&r, &cqe))
			return 2;
		do {
			if (cqe.res != BLOCK)
				return 3;
			u->bulk++;
			queue_read(&r, u->fd, buf, cqe.user_data);
		} while (ring_peek(&r, &cqe));
	}
	return 0;
}

struct felt {
	double p99_ns, bulk;	/* the sums of all rounds */
	unsigned long batches;
};

static void live_together(struct __test_metadata *_metadata, const char *path,
			  bool parameters, struct felt *felt)
{
	static uint64_t latency[URGENT_READS];
	char *buf = buffer_alloc(BLOCK);
	struct sched_param first = { .sched_priority = 1 }, normal = { };
	struct io_uring_cqe cqe;
	unsigned long bulk;
	struct users *u;
	pid_t many, other;
	struct ring r;
	uint64_t began;
	int i;

	u = mmap(NULL, sizeof(*u), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(u, MAP_FAILED);
	u->fd = open(path, O_RDONLY | O_DIRECT);
	ASSERT_GE(u->fd, 0);
	u->parameters = parameters;
	ASSERT_EQ(ring_open(&r, 4, 0), 0);
	many = start_as(NOBODY, have_many_rings, u);
	for (i = 0; i < 20000 && !u->ready; i++)
		sleep_ms(1);
	EXPECT_TRUE(u->ready);
	other = start_as(BULK_USER, read_in_bulk, u);
	ASSERT_EQ(sched_setscheduler(0, SCHED_FIFO, &first), 0);
	sleep_ms(20);

	bulk = u->bulk;
	began = now_ns();
	felt->batches -= u->batches;
	for (i = 0; i < URGENT_READS; i++) {
		usleep(PAUSE_US);
		queue_read(&r, u->fd, buf, 0)->flags = IOSQE_URGENT;
		latency[i] = now_ns();
		ASSERT_EQ(ring_submit(&r), 1);
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		ASSERT_EQ(cqe.res, BLOCK);
		latency[i] = now_ns() - latency[i];
	}
	felt->bulk += (u->bulk - bulk) * 1e9 / (now_ns() - began);
	felt->batches += u->batches;
	qsort(latency, URGENT_READS, sizeof(*latency), compare_times);
	felt->p99_ns += latency[URGENT_READS * 99 / 100];
	TH_LOG("%s parameters: p99 %llu ns, mean bulk so far %.0f/s, %lu batches",
	       parameters ? "with" : "without",
	       (unsigned long long)latency[URGENT_READS * 99 / 100], felt->bulk,
	       felt->batches);
	u->stop = true;
	ASSERT_EQ(sched_setscheduler(0, SCHED_OTHER, &normal), 0);
	EXPECT_EQ(result_of(many), 0);
	EXPECT_EQ(result_of(other), 0);
	ring_close(&r);
	close(u->fd);
	munmap(u, sizeof(*u));
	free(buf);
}

TEST_F_TIMEOUT(neighbours, feel_nothing_of_parameters, 300)
{
	struct rlimit files = { 2 * RINGS, 2 * RINGS };
	struct felt with = { }, without = { };
	double slower;
	int i;

	ASSERT_EQ(run_on_cpu(0), 0);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (i = 0; i < ROUNDS; i++) {
		live_together(_metadata, self->d.ns, false, &without);
		live_together(_metadata, self->d.ns, true, &with);
	}
	slower = 1 + self->percent / 100.0;
	TH_LOG("p99 of urgent reads %.3f, bulk reads a second %.3f of those without",
	       with.p99_ns / without.p99_ns, with.bulk / without.bulk);
	EXPECT_GT(without.batches, 0);
	EXPECT_GT(without.bulk, 0);
	/* he has not done less */
	EXPECT_GE(with.batches * 1.03, without.batches);
	EXPECT_LE(with.p99_ns, without.p99_ns * slower);
	EXPECT_GE(with.bulk * slower, without.bulk);
}

TEST_HARNESS_MAIN

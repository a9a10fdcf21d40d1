// SPDX-License-Identifier: GPL-2.0
/*
 * What a user without privileges can't do to others by a ring's parameters: no
 * interrupts on their CPUs, no more interrupts and timer ticks than mode off has for
 * the same I/O, and nothing that stays when the rings are gone.
 *
 * Judged by counts: /proc/interrupts, and ticks of cint/stats. A drive may tell of
 * several completions by one interrupt, so what mode off would have is at most one
 * each. CINT_TICKS_PERCENT: how much of that it may be, 200 by default.
 * CINT_SLOWER_PERCENT: of the time after the rings are gone to that before, 200.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "interrupts.h"
#include "nobody.h"
#include "ring.h"

#define REGISTRATIONS	2000
#define STORMS		20	/* of four slow reads and a fast barrier */
#define STREAMS		5	/* the same, with many fast reads beside them */
#define LARGE		(64 * BLOCK)
#define RINGS		255
#define BATCHES		300

FIXTURE(abuse)
{
	struct device d;
	struct device_saved saved;
	bool found;
	unsigned int ticks_percent, slower_percent;
};

FIXTURE_VARIANT(abuse)
{
	const char *mode;
};

FIXTURE_VARIANT_ADD(abuse, split) { .mode = "split" };
FIXTURE_VARIANT_ADD(abuse, kthread) { .mode = "kthread" };

static unsigned int percent_of(const char *name)
{
	const char *env = getenv(name);

	return env ? atoi(env) : 200;
}

FIXTURE_SETUP(abuse)
{
	const char *why = device_find(&self->d);

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	self->found = true;
	self->ticks_percent = percent_of("CINT_TICKS_PERCENT");
	self->slower_percent = percent_of("CINT_SLOWER_PERCENT");
	ASSERT_EQ(device_set(&self->d, "policy", "cint"), 0);
	if (device_set(&self->d, "mode", variant->mode))
		SKIP(return, "mode %s is refused on this controller",
		     variant->mode);
	ASSERT_EQ(run_on_cpu(0), 0);
}

FIXTURE_TEARDOWN(abuse)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

/* Reads eight blocks now and then, on CPU 1: its queue is in use. */
struct victim {
	int fd;
	volatile bool stop, started;
	pthread_t thread;
	int error;
};

static void *be_victim(void *arg)
{
	struct victim *v = arg;
	char *buf = buffer_alloc(8 * BLOCK);
	struct io_uring_cqe cqe;
	struct ring r;
	int i;

	run_on_cpu(1);
	v->error = ring_open(&r, 8, 0);
	while (!v->error && !v->stop) {
		for (i = 0; i < 8; i++)
			queue_read(&r, v->fd, buf, i);
		v->error = ring_submit(&r) != 8;
		for (i = 0; i < 8 && !v->error; i++)
			v->error = ring_wait(&r, &cqe) || cqe.res != BLOCK;
		v->started = true;
		usleep(2000);
	}
	v->started = true;
	ring_close(&r);
	free(buf);
	return NULL;
}

struct registrations {
	long long by_query;		/* interrupts on other CPUs */
	long long by_register;
};

static int register_often(void *arg)
{
	struct registrations *s = arg;
	struct io_uring_cint reg;
	struct ring r;
	int i, ret = 0;

	if (ring_open(&r, 8, 0))
		return 1;
	reg = ring_params(CINT_POLICY_CINT, 8);
	if (ring_register(&r, REGISTER_CINT, &reg, 1))
		return 2;
	s->by_query = -interrupts_elsewhere(0);
	for (i = 0; i < REGISTRATIONS && !ret; i++)
		ret = ring_query(&r, &reg);
	s->by_query += interrupts_elsewhere(0);
	s->by_register = -interrupts_elsewhere(0);
	for (i = 0; i < REGISTRATIONS && !ret; i++) {
		reg = ring_params(CINT_POLICY_CINT, 8 + i % 8);
		ret = ring_register(&r, REGISTER_CINT, &reg, 1);
	}
	s->by_register += interrupts_elsewhere(0);
	ring_close(&r);
	return ret ? 3 : 0;
}

TEST_F_TIMEOUT(abuse, registering_interrupts_nobody, 120)
{
	struct registrations *s;
	struct victim v = { };
	long long ticks;

	if (get_nprocs() < 2)
		SKIP(return, "two CPUs are needed");
	v.fd = open(*self->d.fast ? self->d.fast : self->d.ns,
		    O_RDONLY | O_DIRECT);
	ASSERT_GE(v.fd, 0);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(s, MAP_FAILED);
	ASSERT_EQ(pthread_create(&v.thread, NULL, be_victim, &v), 0);
	while (!v.started)
		sleep_ms(1);
	ticks = device_stat(&self->d, "ticks");
	EXPECT_EQ(as_nobody(register_often, s), 0);
	ticks = device_stat(&self->d, "ticks") - ticks;
	v.stop = true;
	pthread_join(v.thread, NULL);
	EXPECT_EQ(v.error, 0);
	TH_LOG("%d registrations: %lld interrupts on other CPUs, as many queries: %lld; %lld ticks",
	       REGISTRATIONS, s->by_register, s->by_query, ticks);
	/* the machine and the victim have some of their own */
	EXPECT_LE(s->by_register, 2 * s->by_query + REGISTRATIONS / 4);
	EXPECT_LE(ticks, REGISTRATIONS / 4);
	close(v.fd);
	munmap(s, sizeof(*s));
}

struct storm {
	int fast, slow;
	bool own;			/* parameters */
	struct io_uring_cint reg;
};

/*
 * Slow reads without marks, and a barrier behind them that completes at once. They
 * are large, so that they are slow on a drive that takes its time for each page.
 */
static int storm(void *arg)
{
	struct storm *s = arg;
	struct io_uring_cint reg = s->reg;
	char *buf = buffer_alloc(LARGE);
	struct io_uring_cqe cqe;
	struct ring r;
	int i, k;

	if (ring_open(&r, 8, 0))
		return 1;
	if (s->own && ring_register(&r, REGISTER_CINT, &reg, 1))
		return 2;
	for (k = 0; k < STORMS; k++) {
		for (i = 0; i < 4; i++)
			ring_sqe(&r, IORING_OP_READ, s->slow, buf, LARGE,
				 (uint64_t)i * 2 * LARGE, LARGE);
		if (ring_submit(&r) != 4)
			return 3;
		ring_sqe(&r, IORING_OP_READ, s->fast, buf, BLOCK, 0,
			 BLOCK)->rw_flags = RWF_BARRIER;
		if (ring_submit(&r) != 1)
			return 3;
		for (i = 0; i < 5; i++)
			if (ring_wait(&r, &cqe) || cqe.res != cqe.user_data)
				return 4;
	}
	ring_close(&r);
	free(buf);
	return 0;
}

/* A change may be a reset, after which namespaces are looked at again. */
static int choose(const struct device *d, const char *mode)
{
	int ret = device_set(d, "mode", mode);

	sleep_ms(300);
	return ret;
}

static const struct {
	const char *name;
	unsigned int delta_ns, delta_min_ns, max_hold_ns;
} hurries[] = {
	{ "the defaults", 20000, 20000, 200000 },
	{ "max_hold_ns 0", 0, 0, 0 },
	{ "delta_min_ns 0", 20000, 0, 10000000 },
	{ "delta_ns 0", 0, 0, 10000000 },
	{ "max_hold_ns 1", 1, 0, 1 },
};

/*
 * Interrupts of the drive and ticks of the mode. With no parameters these are the
 * device's defaults: a drive slower than max_hold makes for no looks in vain.
 */
TEST_F_TIMEOUT(abuse, hurry_makes_no_ticks, 200)
{
	const int nr = STORMS * 5;
	struct storm s = { };
	long long off, ticks, irqs, most;
	size_t i;

	if (!*self->d.slow || !*self->d.fast)
		SKIP(return, "no namespaces, a fast and one that takes 20 ms");
	s.slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	s.fast = open(self->d.fast, O_RDONLY | O_DIRECT);
	ASSERT_GE(s.slow, 0);
	ASSERT_GE(s.fast, 0);
	ASSERT_EQ(choose(&self->d, "off"), 0);
	off = -interrupts_of(self->d.ctrl);
	ASSERT_EQ(as_nobody(storm, &s), 0);
	off += interrupts_of(self->d.ctrl);
	most = off > nr ? off : nr;
	ASSERT_EQ(choose(&self->d, variant->mode), 0);
	/* not counted: how long a drive takes is learned anew with the mode */
	EXPECT_EQ(as_nobody(storm, &s), 0);
	for (i = 0; i <= ARRAY_SIZE(hurries); i++) {
		s.own = i > 0;
		if (s.own) {
			s.reg = ring_params(CINT_POLICY_CINT, 32);
			s.reg.delta_ns = hurries[i - 1].delta_ns;
			s.reg.delta_min_ns = hurries[i - 1].delta_min_ns;
			s.reg.max_hold_ns = hurries[i - 1].max_hold_ns;
		}
		ticks = -device_stat(&self->d, "ticks");
		irqs = -interrupts_of(self->d.ctrl);
		EXPECT_EQ(as_nobody(storm, &s), 0);
		ticks += device_stat(&self->d, "ticks");
		irqs += interrupts_of(self->d.ctrl);
		TH_LOG("%s: %lld ticks and %lld interrupts, mode off %lld for %d requests",
		       s.own ? hurries[i - 1].name : "no parameters", ticks,
		       irqs, off, nr);
		EXPECT_LE((ticks + irqs) * 100, most * self->ticks_percent);
	}
	close(s.slow);
	close(s.fast);
}

struct stream {
	int fast, slow;
	unsigned int delta_min_ns;
	/* results */
	long long requests;
};

/*
 * Slow reads, a barrier behind them that completes at once, and until they are done a
 * stream of fast reads without marks, whose task asks for what there is all the time.
 */
static int stream(void *arg)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 32);
	struct stream *s = arg;
	char *buf = buffer_alloc(LARGE);
	struct io_uring_cqe cqe;
	int k, slow, fast;
	struct ring r;

	reg.delta_ns = 0;
	reg.delta_min_ns = s->delta_min_ns;
	if (ring_open(&r, 16, 0) || ring_register(&r, REGISTER_CINT, &reg, 1))
		return 1;
	for (k = 0; k < STREAMS; k++) {
		for (slow = 0; slow < 4; slow++)
			ring_sqe(&r, IORING_OP_READ, s->slow, buf, LARGE,
				 (uint64_t)slow * 2 * LARGE, LARGE);
		if (ring_submit(&r) != 4)
			return 2;
		ring_sqe(&r, IORING_OP_READ, s->fast, buf, BLOCK, 0,
			 BLOCK)->rw_flags = RWF_BARRIER;
		for (fast = 1; slow || fast; ) {
			for (; slow && fast < 4; fast++)
				ring_sqe(&r, IORING_OP_READ, s->fast, buf, BLOCK,
					 (uint64_t)fast * 4 * BLOCK, BLOCK);
			s->requests += r.queued;
			if (r.queued && ring_submit(&r) < 0)
				return 3;
			if (syscall(__NR_io_uring_enter, r.fd, 0, 0,
				    IORING_ENTER_GETEVENTS, NULL, 0) < 0)
				return 4;
			while (ring_peek(&r, &cqe)) {
				if (cqe.res != cqe.user_data)
					return 5;
				*(cqe.res == LARGE ? &slow : &fast) -= 1;
			}
		}
		s->requests += 4;
	}
	ring_close(&r);
	free(buf);
	return 0;
}

/* What the timer finds while it looks for a barrier's prefix is no reason to hurry. */
TEST_F_TIMEOUT(abuse, a_late_prefix_makes_no_ticks, 200)
{
	static const unsigned int delta_min_ns[] = { 20000, 0 };
	struct stream *s;
	long long ticks, irqs;
	size_t i;

	if (!*self->d.slow || !*self->d.fast)
		SKIP(return, "no namespaces, a fast and one that takes 20 ms");
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(s, MAP_FAILED);
	s->slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	s->fast = open(self->d.fast, O_RDONLY | O_DIRECT);
	ASSERT_GE(s->slow, 0);
	ASSERT_GE(s->fast, 0);
	for (i = 0; i < ARRAY_SIZE(delta_min_ns); i++) {
		s->delta_min_ns = delta_min_ns[i];
		s->requests = 0;
		/* what was learnt of the drive is forgotten */
		ASSERT_EQ(choose(&self->d, "off"), 0);
		ASSERT_EQ(choose(&self->d, variant->mode), 0);
		ticks = -device_stat(&self->d, "ticks");
		irqs = -interrupts_of(self->d.ctrl);
		EXPECT_EQ(as_nobody(stream, s), 0);
		ticks += device_stat(&self->d, "ticks");
		irqs += interrupts_of(self->d.ctrl);
		TH_LOG("delta_min_ns %u: %lld ticks and %lld interrupts for %lld requests",
		       delta_min_ns[i], ticks, irqs, s->requests);
		EXPECT_LE((ticks + irqs) * 100, s->requests * self->ticks_percent);
	}
	close(s->slow);
	close(s->fast);
	munmap(s, sizeof(*s));
}

/* Two reads at a time by who has no parameters: the best time of many. */
static uint64_t best_batch(struct __test_metadata *_metadata, int fd)
{
	char *buf = buffer_alloc(2 * BLOCK);
	uint64_t best = UINT64_MAX, began, took;
	struct io_uring_cqe cqe;
	struct ring r;
	int i;

	ASSERT_EQ(ring_open(&r, 4, 0), 0);
	for (i = 0; i < BATCHES; i++) {
		queue_read(&r, fd, buf, 0);
		queue_read(&r, fd, buf, 1);
		began = now_ns();
		ASSERT_EQ(ring_submit(&r), 2);
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		took = now_ns() - began;
		if (took < best)
			best = took;
	}
	ring_close(&r);
	free(buf);
	return best;
}

static int use_rings(void *arg)
{
	char *buf = buffer_alloc(4 * BLOCK);
	struct io_uring_cqe cqe;
	int i, k, fd = *(int *)arg;
	/* all alive at once */
	static struct ring rings[RINGS];

	for (i = 0; i < RINGS; i++) {
		struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 32);

		reg.max_hold_ns = 200000;
		if (ring_open(&rings[i], 8, 0))
			return 1;
		if (ring_register(&rings[i], REGISTER_CINT, &reg, 1))
			return 2;
		for (k = 0; k < 4; k++)
			queue_read(&rings[i], fd, buf, k);
		if (ring_submit(&rings[i]) != 4)
			return 3;
		for (k = 0; k < 4; k++)
			if (ring_wait(&rings[i], &cqe) || cqe.res != BLOCK)
				return 4;
	}
	return 0;
}

TEST_F_TIMEOUT(abuse, rings_used_once_leave_nothing, 200)
{
	int fd = open(*self->d.fast ? self->d.fast : self->d.ns,
		      O_RDONLY | O_DIRECT);
	unsigned int percent = self->slower_percent;
	uint64_t before, after;

	ASSERT_GE(fd, 0);
	before = best_batch(_metadata, fd);
	ASSERT_EQ(as_nobody(use_rings, &fd), 0);
	after = best_batch(_metadata, fd);
	TH_LOG("two reads take %llu ns before, %llu ns after",
	       (unsigned long long)before, (unsigned long long)after);
	/* a CPU whose thread spins takes turns with ours where time is virtual */
	if (!strcmp(variant->mode, "kthread") && percent < 150)
		percent = 150;
	EXPECT_LE(after * 100, before * percent);
	close(fd);
}

static long long memory_kb(const char *name)
{
	char text[4096], *p;

	if (file_read("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	p = strstr(text, name);
	return p ? atoll(p + strlen(name) + 1) : -1;
}

struct churn {
	volatile bool started, stop;
	unsigned long registrations;
};

/* What was in force before is freed after a grace period, which others may delay. */
static int register_without_end(void *arg)
{
	struct churn *c = arg;
	struct ring r;
	int ret = 0;

	if (run_on_cpu(0) || ring_open(&r, 8, 0))
		return 1;
	while (!c->stop && !ret) {
		struct io_uring_cint reg = ring_params(CINT_POLICY_CINT_A, 256);

		ret = ring_register(&r, REGISTER_CINT, &reg, 1);
		c->registrations++;
		c->started = true;
	}
	ring_close(&r);
	return ret ? 2 : 0;
}

/* At no time is there much of it: less than an eighth of the memory. */
TEST_F_TIMEOUT(abuse, former_settings_do_not_pile_up, 120)
{
	long long before, now, least = 0;
	struct churn *c;
	pid_t pid;
	int i;

	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(c, MAP_FAILED);
	before = memory_kb("MemAvailable:");
	ASSERT_GT(before, 0);
	pid = start_as(NOBODY, register_without_end, c);
	ASSERT_GE(pid, 0);
	for (i = 0; i < 300; i++) {
		sleep_ms(10);
		now = memory_kb("MemAvailable:");
		if (now - before < least)
			least = now - before;
	}
	c->stop = true;
	EXPECT_EQ(result_of(pid), 0);
	EXPECT_TRUE(c->started);
	TH_LOG("%lu registrations took %lld KiB at most", c->registrations, -least);
	EXPECT_LT(-least, memory_kb("MemTotal:") / 8);
	munmap(c, sizeof(*c));
}

TEST_HARNESS_MAIN

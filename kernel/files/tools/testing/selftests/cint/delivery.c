// SPDX-License-Identifier: GPL-2.0
/*
 * When completions are delivered, in mode kthread: urgent ones overtake, a
 * barrier waits for its prefix, and the threshold, the quiescent period and
 * max_hold deliver the rest.
 *
 * What is judged is the order of the driver's own events, not the clock: all
 * delays are as long as they may be, and a slow machine only makes a test take
 * longer. Where a delay running out is a possible and correct answer that
 * defeats a test, the test is tried again.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "ring.h"
#include "trace.h"

#define TRIES	100

static const char *const events[] = {
	"cint:cint_hold", "cint:cint_fire", "cint:cint_urgent", NULL
};

FIXTURE(delivery)
{
	struct device d;
	struct device_saved saved;
	struct trace trace;
	struct ring r;
	char *buf;
	int fast, slow;
};

FIXTURE_SETUP(delivery)
{
	const char *why = device_find(&self->d);

	self->buf = NULL;
	self->trace.dir[0] = '\0';
	self->slow = -1;
	if (why)
		SKIP(return, "%s", why);
	why = trace_open(&self->trace, events);
	if (why)
		SKIP(return, "%s", why);
	self->fast = open(self->d.fast, O_RDONLY | O_DIRECT);
	if (self->fast < 0)
		SKIP(return, "no fast namespace %s (CINT_FAST_NS)", self->d.fast);
	self->slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	device_save(&self->d, &self->saved);
	/* one CPU, one hardware queue */
	ASSERT_EQ(run_on_cpu(0), 0);
	ASSERT_EQ(ring_open(&self->r, 64, 0), 0);
	self->buf = buffer_alloc(64 * BLOCK);
	ASSERT_NE(self->buf, NULL);
	ASSERT_EQ(device_hold_all(&self->d), 0);
	if (device_set(&self->d, "mode", "kthread"))
		SKIP(return, "mode kthread is refused on this controller");
}

FIXTURE_TEARDOWN(delivery)
{
	if (!self->buf)
		return;
	ring_close(&self->r);
	device_restore(&self->d, &self->saved);
	trace_close(&self->trace);
	free(self->buf);
	close(self->fast);
	if (self->slow >= 0)
		close(self->slow);
}

static struct event *find_event(struct event *e, int nr, int kind,
				const char *reason)
{
	int i;

	for (i = 0; i < nr; i++)
		if (e[i].kind == kind &&
		    (!reason || !strcmp(e[i].reason, reason)))
			return &e[i];
	return NULL;
}

static void wait_all(struct __test_metadata *_metadata, struct ring *r, int nr)
{
	struct io_uring_cqe cqe;

	while (nr--) {
		ASSERT_EQ(ring_wait(r, &cqe), 0);
		EXPECT_EQ(cqe.res, BLOCK);
	}
}

/*
 * Queues and submits @nr unmarked reads and waits until all of them are held,
 * in whatever order the drive completes them. False if some were delivered
 * before the last was held: a period ran out, which is no mistake.
 */
static bool hold_some(struct __test_metadata *_metadata, struct ring *r, int fd,
		      const struct device *d, char *buf, int nr)
{
	uint64_t until = now_ns() + 100000000;
	int i;

	for (i = 0; i < nr; i++)
		queue_read(r, fd, buf, i);
	EXPECT_EQ(ring_submit(r), nr);
	while (now_ns() < until)
		if (device_stat(d, "held") == nr)
			return true;
	return false;
}

/* Three are held, then an urgent one: it goes, they stay. */
TEST_F(delivery, urgent_overtakes)
{
	struct event *e;
	int nr = 0, i, try, urgent, fired;
	bool done = false;

	for (try = 0; try < TRIES && !done; try++) {
		trace_clear(&self->trace);
		done = hold_some(_metadata, &self->r, self->fast, &self->d,
				 self->buf, 3);
		queue_read(&self->r, self->fast, self->buf, 3)->flags =
			IOSQE_URGENT;
		ASSERT_EQ(ring_submit(&self->r), 1);
		wait_all(_metadata, &self->r, 4);

		nr = trace_read_fired(&self->trace, self->d.ctrl, 4, &e);
		EXPECT_EQ(count_fired(e, nr), 4);
		urgent = -1;
		fired = -1;
		for (i = 0; i < nr; i++) {
			if (e[i].kind == EVENT_URGENT)
				urgent = i;
			if (e[i].kind == EVENT_FIRE && fired < 0 &&
			    strcmp(e[i].reason, "urgent"))
				fired = i;
		}
		ASSERT_GE(urgent, 0);
		ASSERT_GE(fired, 0);
		/* the three go together, and later */
		done = done && urgent < fired && e[fired].nr == 3;
	}
	EXPECT_TRUE(done);
}

/* The waiter sees it too: the urgent CQE is the first. */
TEST_F(delivery, urgent_is_seen_first)
{
	struct io_uring_cqe cqe;
	int try;
	bool first = false;

	for (try = 0; try < TRIES && !first; try++) {
		first = hold_some(_metadata, &self->r, self->fast, &self->d,
				  self->buf, 3);
		queue_read(&self->r, self->fast, self->buf, 3)->flags =
			IOSQE_URGENT;
		ASSERT_EQ(ring_submit(&self->r), 1);
		ASSERT_EQ(ring_wait(&self->r, &cqe), 0);
		first = first && cqe.user_data == 3;
		wait_all(_metadata, &self->r, 3);
	}
	EXPECT_TRUE(first);
}

/* In order: the urgent one's handler delivers those that are held, too. */
TEST_F(delivery, urgent_without_ooo_takes_all)
{
	struct event *e, *fire = NULL;
	int nr, try;

	ASSERT_EQ(device_set(&self->d, "ooo", "0"), 0);
	for (try = 0; try < TRIES; try++) {
		trace_clear(&self->trace);
		hold_some(_metadata, &self->r, self->fast, &self->d, self->buf, 3);
		queue_read(&self->r, self->fast, self->buf, 3)->flags =
			IOSQE_URGENT;
		ASSERT_EQ(ring_submit(&self->r), 1);
		wait_all(_metadata, &self->r, 4);
		nr = trace_read_fired(&self->trace, self->d.ctrl, 4, &e);
		EXPECT_NE(find_event(e, nr, EVENT_FIRE, "urgent"), NULL);
		fire = find_event(e, nr, EVENT_FIRE, "look");
		if (fire && fire->nr == 3)
			break;
	}
	ASSERT_NE(fire, NULL);
	EXPECT_EQ(fire->nr, 3);
}

/*
 * The last of a batch is a barrier: the batch goes as soon as it is complete, by the
 * barrier's own interrupt at the earliest.
 */
TEST_F(delivery, barrier_ends_a_batch)
{
	int nr, i, try, best = 0;
	struct event *e;

	for (try = 0; try < TRIES; try++) {
		trace_clear(&self->trace);
		for (i = 0; i < 8; i++)
			queue_read(&self->r, self->fast, self->buf, i);
		queue_read(&self->r, self->fast, self->buf, 8)->rw_flags =
			RWF_BARRIER;
		ASSERT_EQ(ring_submit(&self->r), 9);
		wait_all(_metadata, &self->r, 9);
		nr = trace_read_fired(&self->trace, self->d.ctrl, 9, &e);
		EXPECT_EQ(count_fired(e, nr), 9);
		for (i = 0; i < nr; i++)
			if (e[i].kind == EVENT_FIRE &&
			    !strcmp(e[i].reason, "barrier") && e[i].nr > best)
				best = e[i].nr;
		if (best == 8)
			break;
	}
	EXPECT_EQ(best, 8);
}

/*
 * A slow read first, fast ones and a barrier after it: the barrier is complete
 * long before its prefix. The slow one's completion is what completes the batch, and
 * it does not wait for company.
 */
TEST_F(delivery, barrier_waits_for_its_prefix)
{
	struct event *e;
	int nr, i, last = -1;

	if (self->slow < 0)
		SKIP(return, "no slow namespace %s (CINT_SLOW_NS)", self->d.slow);
	trace_clear(&self->trace);
	queue_read(&self->r, self->slow, self->buf, 0);
	ASSERT_EQ(ring_submit(&self->r), 1);
	queue_read(&self->r, self->fast, self->buf, 1);
	queue_read(&self->r, self->fast, self->buf, 2);
	queue_read(&self->r, self->fast, self->buf, 3)->rw_flags = RWF_BARRIER;
	ASSERT_EQ(ring_submit(&self->r), 3);
	wait_all(_metadata, &self->r, 4);

	nr = trace_read_fired(&self->trace, self->d.ctrl, 4, &e);
	for (i = 0; i < nr; i++) {
		if (e[i].kind != EVENT_FIRE)
			continue;
		last = i;
	}
	EXPECT_EQ(count_fired(e, nr), 4);
	ASSERT_GE(last, 0);
	EXPECT_STREQ(e[last].reason, "barrier");
}

TEST_F(delivery, threshold)
{
	struct event *e;
	int nr, i, try, full = 0;

	ASSERT_EQ(device_set(&self->d, "threshold", "8"), 0);
	for (try = 0; try < TRIES && full < 4; try++) {
		trace_clear(&self->trace);
		for (i = 0; i < 32; i++)
			queue_read(&self->r, self->fast, self->buf, i);
		ASSERT_EQ(ring_submit(&self->r), 32);
		wait_all(_metadata, &self->r, 32);
		nr = trace_read_fired(&self->trace, self->d.ctrl, 32, &e);
		EXPECT_EQ(count_fired(e, nr), 32);
		for (i = 0, full = 0; i < nr; i++) {
			if (e[i].kind != EVENT_FIRE)
				continue;
			EXPECT_LE(e[i].nr, 8);
			if (!strcmp(e[i].reason, "threshold")) {
				EXPECT_EQ(e[i].nr, 8);
				full++;
			}
		}
	}
	EXPECT_EQ(full, 4);
}

/* On a slow machine max_hold may pass before anybody looks again; not each time. */
TEST_F(delivery, quiescent_period)
{
	struct event *e, *fire = NULL;
	int tries, nr, i;

	ASSERT_EQ(device_set(&self->d, "delta_ns", "2000000"), 0);
	for (tries = 0; tries < TRIES && !fire; tries++) {
		trace_clear(&self->trace);
		for (i = 0; i < 3; i++)
			queue_read(&self->r, self->fast, self->buf, i);
		ASSERT_EQ(ring_submit(&self->r), 3);
		wait_all(_metadata, &self->r, 3);
		nr = trace_read_fired(&self->trace, self->d.ctrl, 3, &e);
		EXPECT_EQ(count_fired(e, nr), 3);
		fire = find_event(e, nr, EVENT_FIRE, "quiet");
	}
	ASSERT_NE(fire, NULL);
	EXPECT_GE(fire->hold_ns, 2000000);
}

TEST_F(delivery, max_hold)
{
	struct event *e, *fire;
	int nr;

	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "3000000"), 0);
	trace_clear(&self->trace);
	queue_read(&self->r, self->fast, self->buf, 0);
	ASSERT_EQ(ring_submit(&self->r), 1);
	wait_all(_metadata, &self->r, 1);
	nr = trace_read_fired(&self->trace, self->d.ctrl, 1, &e);
	EXPECT_EQ(count_fired(e, nr), 1);
	fire = find_event(e, nr, EVENT_FIRE, "max_hold");
	ASSERT_NE(fire, NULL);
	EXPECT_GE(fire->hold_ns, 3000000);
}

TEST_F(delivery, policy_none_fires_each)
{
	struct event *e;
	int nr, i, fires = 0;

	ASSERT_EQ(device_set(&self->d, "policy", "none"), 0);
	trace_clear(&self->trace);
	for (i = 0; i < 16; i++)
		queue_read(&self->r, self->fast, self->buf, i)->flags =
			i % 2 ? IOSQE_URGENT : 0;
	ASSERT_EQ(ring_submit(&self->r), 16);
	wait_all(_metadata, &self->r, 16);
	nr = trace_read_fired(&self->trace, self->d.ctrl, 16, &e);
	EXPECT_EQ(find_event(e, nr, EVENT_HOLD, NULL), NULL);
	for (i = 0; i < nr; i++) {
		if (e[i].kind != EVENT_FIRE)
			continue;
		fires++;
		EXPECT_EQ(e[i].nr, 1);
		EXPECT_TRUE(!strcmp(e[i].reason, "each") ||
			    !strcmp(e[i].reason, "urgent"));
	}
	EXPECT_EQ(fires, 16);
}

/* A synchronous reader, the only one: the rate-aware policy holds nothing. */
TEST_F(delivery, policy_rate_knows_a_lone_reader)
{
	struct event *e;
	int nr, i;

	ASSERT_EQ(device_set(&self->d, "policy", "cint-rate"), 0);
	trace_clear(&self->trace);
	for (i = 0; i < 32; i++) {
		queue_read(&self->r, self->fast, self->buf, i);
		ASSERT_EQ(ring_do(&self->r), BLOCK);
	}
	nr = trace_read_fired(&self->trace, self->d.ctrl, 32, &e);
	EXPECT_EQ(find_event(e, nr, EVENT_HOLD, NULL), NULL);
	for (i = 0; i < nr; i++)
		if (e[i].kind == EVENT_FIRE) {
			EXPECT_STREQ(e[i].reason, "rate");
		}
}

/*
 * Two rings on one queue, served together: as soon as the one that can wait less asks
 * for it. What a ring is told about itself is its own.
 */
TEST_F(delivery, rings_do_not_delay_each_other)
{
	struct io_uring_cint lazy = ring_params(CINT_POLICY_CINT, 64);
	struct io_uring_cint eager = ring_params(CINT_POLICY_CINT, 2);
	struct io_uring_cint reg;
	uint64_t start, took = ~0ULL;
	struct ring other;
	int i, pass;

	lazy.delta_ns = lazy.max_hold_ns = CINT_DELAY_MAX_NS;
	eager.delta_ns = eager.max_hold_ns = CINT_DELAY_MAX_NS;
	ASSERT_EQ(ring_open(&other, 64, 0), 0);
	reg = lazy;
	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	reg = eager;
	ASSERT_EQ(ring_register(&other, REGISTER_CINT, &reg, 1), 0);

	for (pass = 0; pass < TRIES; pass++) {
		for (i = 0; i < 8; i++)
			queue_read(&self->r, self->fast, self->buf, i);
		ASSERT_EQ(ring_submit(&self->r), 8);
		for (i = 0; i < 50 && device_stat(&self->d, "held") < 8; i++)
			;
		start = now_ns();
		for (i = 8; i < 16; i++)
			queue_read(&other, self->fast, self->buf, i);
		ASSERT_EQ(ring_submit(&other), 8);
		wait_all(_metadata, &other, 8);
		if (now_ns() - start < took)
			took = now_ns() - start;
		wait_all(_metadata, &self->r, 8);
	}
	EXPECT_LT(took, CINT_DELAY_MAX_NS);

	ASSERT_EQ(ring_query(&other, &reg), 0);
	EXPECT_EQ(reg.completions, 8ULL * pass);
	EXPECT_GE(reg.fires, pass);
	EXPECT_EQ(reg.urgent, 0);
	EXPECT_TRUE(reg.features & IORING_CINT_FEAT_DEVICE);
	ring_close(&other);
}

/* Parameters of a ring are that ring's only: the others keep the defaults. */
TEST_F(delivery, ring_parameters_stay_with_the_ring)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_NONE, 1);
	struct ring other;
	struct event *e;
	int nr, i;

	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	ASSERT_EQ(ring_open(&other, 8, 0), 0);
	trace_clear(&self->trace);
	queue_read(&self->r, self->fast, self->buf, 0);
	ASSERT_EQ(ring_do(&self->r), BLOCK);
	queue_read(&other, self->fast, self->buf, 1);
	ASSERT_EQ(ring_do(&other), BLOCK);
	/* and after unregistering this one has them again */
	ASSERT_EQ(ring_query(&self->r, &reg), 0);
	reg = (struct io_uring_cint) { .size = sizeof(reg), .version = 1 };
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, &reg, 1), 0);
	queue_read(&self->r, self->fast, self->buf, 2);
	ASSERT_EQ(ring_do(&self->r), BLOCK);

	nr = trace_read_fired(&self->trace, self->d.ctrl, 3, &e);
	for (i = 0; i < nr; i++) {
		if (e[i].kind != EVENT_FIRE)
			continue;
		EXPECT_STREQ(e[i].reason, e[i].group ? "each" : "max_hold");
	}
	EXPECT_EQ(count_fired(e, nr), 3);
	ring_close(&other);
}

/* What is held when parameters or the mode change is delivered. */
TEST_F(delivery, changes_flush)
{
	static const struct {
		const char *name, *value;
	} changes[] = {
		{ "threshold", "200" }, { "delta_ns", "9999999" },
		{ "policy", "adaptive" }, { "policy", "cint" },
		{ "mode", "off" }, { "mode", "kthread" },
	};
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		for (j = 0; j < 3; j++)
			queue_read(&self->r, self->fast, self->buf, j);
		ASSERT_EQ(ring_submit(&self->r), 3);
		ASSERT_EQ(device_set(&self->d, changes[i].name,
				     changes[i].value), 0);
		wait_all(_metadata, &self->r, 3);
		EXPECT_TRUE(device_settled(&self->d));
	}
}

/* A ring that goes while its completions are held, and a killed program. */
TEST_F(delivery, exit_with_held_completions)
{
	struct io_uring_cint reg;
	int i, pass;

	for (pass = 0; pass < 10; pass++) {
		struct ring other;
		pid_t pid;

		ASSERT_EQ(ring_open(&other, 64, 0), 0);
		reg = ring_params(CINT_POLICY_CINT, 256);
		ASSERT_EQ(ring_register(&other, REGISTER_CINT, &reg, 1), 0);
		for (i = 0; i < 32; i++)
			queue_read(&other, self->fast, self->buf, i);
		ASSERT_EQ(ring_submit(&other), 32);
		ring_close(&other);

		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			struct ring mine;

			if (ring_open(&mine, 64, 0))
				_exit(1);
			for (i = 0; i < 32; i++)
				queue_read(&mine, self->fast, self->buf, i);
			ring_submit(&mine);
			raise(SIGKILL);
		}
		waitpid(pid, NULL, 0);
	}
	EXPECT_TRUE(device_settled(&self->d));
}

TEST_HARNESS_MAIN

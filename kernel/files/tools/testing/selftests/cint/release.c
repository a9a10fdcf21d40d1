// SPDX-License-Identifier: GPL-2.0
/*
 * No completion of a ring with parameters is lost or delivered twice, and no wait
 * goes on without end: with a CQ ring that is full, and with a load that changes
 * parameters, waits in each way, and reads pipes and a namespace, at random.
 *
 * CINT_STRESS_SECONDS: how long the load lasts, 4 by default.
 */
#include <stdlib.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "wait.h"

#define FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

FIXTURE(end)
{
	struct ring r;
	struct helper h;
	int efd;
};

/* The time of a batch is 10 ms. */
static int set_params(struct ring *r)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 200);

	reg.delta_ns = CINT_DELAY_MAX_NS;
	return ring_register(r, REGISTER_CINT, &reg, 1);
}

FIXTURE_SETUP(end)
{
	int ret = ring_open(&self->r, 64, FLAGS);

	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "io_uring is not available: %s", strerror(-ret));
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(run_on_cpu(0), 0);
	self->efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(set_params(&self->r), 0);
}

FIXTURE_TEARDOWN(end)
{
	ring_close(&self->r);
}

static uint64_t gathered(struct ring *r)
{
	struct io_uring_cint_ring reg = { };

	return ring_query_wakeups(r, &reg) ? 0 : reg.gathered;
}

/* A CQ ring of two entries, and six completions at once. */
TEST_F(end, overflow)
{
	struct io_uring_cqe cqe;
	uint64_t seen = 0;
	struct ring r;
	int i;

	ASSERT_EQ(ring_open(&r, 1, FLAGS), 0);
	ASSERT_EQ(set_params(&r), 0);
	for (i = 0; i < 6; i++) {
		ring_poll(&r, self->efd, i);
		ASSERT_EQ(ring_submit(&r), 1);
	}
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		seen |= 1ull << cqe.user_data;
	}
	helper_join(&self->h);
	EXPECT_EQ(seen, 0x3f);
	EXPECT_FALSE(ring_peek(&r, &cqe));
	ring_close(&r);
}

/* --- everything at random --------------------------------------------------------------- */

#define SOURCES	16
#define READS	16	/* of a namespace, if there is one */

struct load {
	struct device d;
	int fd;
	char *buf;
	int pipe[SOURCES][2];
	uint64_t written[SOURCES];
	volatile uint64_t taken[SOURCES];
	volatile bool stop;
	unsigned int seed;
};

/* Never far ahead, so that a read has to wait, however slow its task is. */
static void *load_write(void *arg)
{
	struct load *l = arg;
	unsigned int seed = 1;

	while (!l->stop) {
		int i = rand_r(&seed) % SOURCES;

		if (l->written[i] - l->taken[i] < 2 &&
		    write(l->pipe[i][1], "x", 1) == 1)
			l->written[i]++;
		if (!(rand_r(&seed) % 8))
			sched_yield();
	}
	return NULL;
}

static void load_submit(struct ring *r, struct load *l, int i)
{
	struct io_uring_sqe *sqe;

	if (i < SOURCES)
		sqe = ring_sqe(r, IORING_OP_READ, l->pipe[i][0],
			       l->buf + i * BLOCK, 1, 0, i);
	else
		sqe = queue_read(r, l->fd, l->buf, i);
	switch (rand_r(&l->seed) % 8) {
	case 0:
		sqe->flags |= IOSQE_URGENT;
		break;
	case 1:
		sqe->rw_flags = RWF_BARRIER;
		break;
	case 2:
		sqe->rw_flags = RWF_URGENT;
		break;
	case 3:
		sqe->flags |= IOSQE_ASYNC;
	}
}

TEST_F_TIMEOUT(end, load, 120)
{
	uint64_t end, give_up, rounds = 0, held = 0;
	struct io_uring_cqe cqe;
	struct load l = { .seed = 7 };
	const char *env = getenv("CINT_STRESS_SECONDS");
	struct io_uring_cint reg;
	pthread_t writer;
	bool busy[SOURCES + READS] = { };
	int i, nr = SOURCES, busy_nr = 0;
	cpu_set_t all;
	char byte;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	for (i = 0; i < SOURCES; i++)
		ASSERT_EQ(pipe(l.pipe[i]), 0);
	l.buf = buffer_alloc((SOURCES + READS) * BLOCK);
	ASSERT_NE(l.buf, NULL);
	if (device_find(&l.d)) {
		/* tasks linger for bulk I/O alone */
		held = 1;
	} else {
		l.fd = open(l.d.fast, O_RDONLY | O_DIRECT);
		ASSERT_GE(l.fd, 0);
		nr += READS;
	}
	ASSERT_EQ(pthread_create(&writer, NULL, load_write, &l), 0);
	end = now_ns() + (env ? atoi(env) : 4) * 1000000000ull;
	/* on a slow machine it takes a while until parameters meet a load */
	give_up = end + 60 * 1000000000ull;
	while (now_ns() < end || (!held && now_ns() < give_up) || busy_nr) {
		struct __kernel_timespec ts = { .tv_nsec = 200000 };
		struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };
		bool last = now_ns() >= end && (held || now_ns() >= give_up);

		for (i = 0; i < nr && !last; i++) {
			if (busy[i])
				continue;
			busy[i] = true;
			busy_nr++;
			load_submit(&self->r, &l, i);
		}
		if (self->r.queued)
			ASSERT_GE(ring_submit(&self->r), 1);
		if (!(++rounds % 64)) {
			/* they count until they are unregistered */
			held += gathered(&self->r);
			reg = ring_params(rand_r(&l.seed) % CINT_POLICY_NR,
					  1 + rand_r(&l.seed) % nr);
			reg.flags = rand_r(&l.seed) & IORING_CINT_OOO;
			reg.delta_ns = rand_r(&l.seed) % 100000;
			reg.max_hold_ns = rand_r(&l.seed) % 1000000;
			if (rand_r(&l.seed) % 8)
				ring_register(&self->r, REGISTER_CINT, &reg, 1);
			else
				ring_register(&self->r, UNREGISTER_CINT, NULL, 0);
		}
		/* with and without a timeout; the writer goes on until all is taken */
		if (rand_r(&l.seed) % 2)
			arg.ts = 0;
		if (rand_r(&l.seed) % 4 == 0)
			arg.min_wait_usec = 50;
		syscall(__NR_io_uring_enter, self->r.fd, 0,
			last ? 1 : rand_r(&l.seed) % 4,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
			sizeof(arg));
		while (ring_peek(&self->r, &cqe)) {
			ASSERT_LT(cqe.user_data, (uint64_t)nr);
			ASSERT_EQ(cqe.res, cqe.user_data < SOURCES ? 1 : BLOCK);
			/* one that is not outstanding was delivered twice */
			ASSERT_TRUE(busy[cqe.user_data]);
			busy[cqe.user_data] = false;
			busy_nr--;
			if (cqe.user_data < SOURCES)
				l.taken[cqe.user_data]++;
		}
	}
	l.stop = true;
	/* it may wait for room in a pipe */
	for (i = 0; i < SOURCES; i++) {
		fcntl(l.pipe[i][0], F_SETFL, O_NONBLOCK);
		while (read(l.pipe[i][0], &byte, 1) == 1)
			l.taken[i]++;
	}
	pthread_join(writer, NULL);
	for (i = 0; i < SOURCES; i++) {
		while (read(l.pipe[i][0], &byte, 1) == 1)
			l.taken[i]++;
		EXPECT_EQ(l.taken[i], l.written[i]);
	}
	EXPECT_GT(held, 0);
}

TEST_HARNESS_MAIN

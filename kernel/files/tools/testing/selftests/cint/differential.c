// SPDX-License-Identifier: GPL-2.0
/*
 * Parameters and marks change how long a task sleeps in io_uring_enter(), and nothing
 * else. Two rings of the same kind run the same random program, one without both and
 * one with both: each step has the same completions, in the same order, signals the
 * eventfd as often, and leaves the ring as readable. Nothing here is for a worker, which
 * may take its time.
 *
 * CINT_ROUNDS: steps of each kind of ring, 3000 by default. CINT_SEED: of the program.
 */
#include <linux/time_types.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "wait.h"

#define PIPES	6
#define BATCH	8	/* SQEs of a step at most */
#define TAKEN	64

/* One of the two. */
struct side {
	struct ring r;
	bool marked;
	int efd;
	int pipe[PIPES][2];
	int socket[2];
	char buf[64];
	/* of a step */
	struct io_uring_cqe cqe[TAKEN];
	unsigned int nr;
	uint64_t signals;
	short revents;
	int ret;
};

FIXTURE(differential)
{
	struct side side[2];
	unsigned int seed;
	/* requests that wait for each pipe and the socket, and nothing */
	unsigned int waiting[PIPES + 2];
	uint64_t next;
};

FIXTURE_VARIANT(differential)
{
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(differential, plain)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(differential, coop_taskrun)
{
	.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
};

FIXTURE_VARIANT_ADD(differential, defer_taskrun)
{
	.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

FIXTURE_VARIANT_ADD(differential, large_entries)
{
	.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
};

FIXTURE_SETUP(differential)
{
	const char *env = getenv("CINT_SEED");
	struct io_uring_cint reg;
	int i, j, ret;

	self->seed = env ? atoi(env) : 1;
	for (i = 0; i < 2; i++) {
		struct side *s = &self->side[i];

		s->marked = i;
		ret = ring_open(&s->r, 64, variant->flags);
		if (ret == -ENOSYS || ret == -EPERM)
			SKIP(return, "io_uring is not available: %s",
			     strerror(-ret));
		ASSERT_EQ(ret, 0);
		s->efd = eventfd(0, EFD_NONBLOCK);
		for (j = 0; j < PIPES; j++)
			ASSERT_EQ(pipe(s->pipe[j]), 0);
		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s->socket), 0);
		ASSERT_EQ(ring_register(&s->r, IORING_REGISTER_EVENTFD, &s->efd,
					1), 0);
	}
	reg = ring_params(CINT_POLICY_CINT, 16);
	ASSERT_EQ(ring_register(&self->side[1].r, REGISTER_CINT, &reg, 1), 0);
	/*
	 * The first signal that comes of waking a request waits for an RCU grace
	 * period, and would be told in some later step.
	 */
	for (i = 0; i < 2; i++) {
		struct side *s = &self->side[i];
		struct pollfd p = { .fd = s->efd, .events = POLLIN };
		struct io_uring_cqe cqe;

		ring_sqe(&s->r, IORING_OP_READ, s->pipe[0][0], s->buf, 1, 0, 0);
		ASSERT_EQ(ring_submit(&s->r), 1);
		write_byte(&s->pipe[0][1]);
		ASSERT_EQ(ring_wait(&s->r, &cqe), 0);
		ASSERT_EQ(cqe.res, 1);
		ASSERT_EQ(poll(&p, 1, 5000), 1);
		/* plain rings signal the CQE, too */
		sleep_ms(100);
		eventfd_count(s->efd);
	}
}

FIXTURE_TEARDOWN(differential)
{
	ring_close(&self->side[0].r);
	ring_close(&self->side[1].r);
}

static unsigned int choose(FIXTURE_DATA(differential) *self, unsigned int nr)
{
	return rand_r(&self->seed) / 7 % nr;
}

/* The same SQE for both, but for the marks of one. */
static void queue(FIXTURE_DATA(differential) *self, unsigned int what,
		  unsigned int sqe_flags)
{
	static const int rw_marks[] = { 0, RWF_URGENT, RWF_BARRIER,
					RWF_URGENT | RWF_BARRIER };
	unsigned int pipe = choose(self, PIPES), mark = choose(self, 8);
	bool reads = what == 1 || what == 2;
	unsigned int waits = what == 1 ? pipe : what == 4 ? PIPES : PIPES + 1;
	int i;

	/* of many that are woken at once some are left to a worker in the end */
	if (waits <= PIPES && self->waiting[waits] == 2) {
		what = 0;
		reads = false;
		waits = PIPES + 1;
	}
	self->waiting[waits]++;

	for (i = 0; i < 2; i++) {
		struct side *s = &self->side[i];
		struct io_uring_sqe *sqe;

		switch (what) {
		case 0:
			sqe = ring_sqe(&s->r, IORING_OP_NOP, -1, NULL, 0, 0, 0);
			break;
		case 1:
			sqe = ring_sqe(&s->r, IORING_OP_READ, s->pipe[pipe][0],
				       s->buf, 1, 0, 0);
			break;
		case 2:
			sqe = ring_sqe(&s->r, IORING_OP_READ, -1, s->buf, 1, 0, 0);
			break;
		case 3:
			sqe = ring_sqe(&s->r, IORING_OP_WRITE, s->pipe[pipe][1],
				       "x", 1, 0, 0);
			break;
		case 4:
			sqe = ring_sqe(&s->r, IORING_OP_RECV, s->socket[0],
				       s->buf, 1, 0, 0);
			break;
		default:
			sqe = ring_sqe(&s->r, IORING_OP_SEND, s->socket[1], "x",
				       1, 0, 0);
		}
		sqe->user_data = self->next << 8 | waits;
		sqe->flags = sqe_flags;
		if (s->marked && mark < 4)
			sqe->flags |= IOSQE_URGENT;
		if (s->marked && reads)
			sqe->rw_flags = rw_marks[mark % 4];
	}
	self->next++;
}

static void take(struct side *s)
{
	while (s->nr < TAKEN && ring_peek(&s->r, &s->cqe[s->nr]))
		s->nr++;
}

/* What one is told of, without and with a look; @bytes come from outside. */
static void run(struct side *s, unsigned int submitted, unsigned int bytes)
{
	struct pollfd p = { .fd = s->r.fd, .events = POLLIN };
	int i;

	for (i = 0; i < PIPES; i++)
		if (bytes & 1 << i)
			write_byte(&s->pipe[i][1]);
	s->nr = 0;
	s->ret = ring_submit(&s->r);
	if (s->ret != (int)submitted)
		return;
	poll(&p, 1, 0);
	s->revents = p.revents;
	s->signals = eventfd_count(s->efd);
	ring_wait_nr(&s->r, 0);
	take(s);
	s->signals += eventfd_count(s->efd);
}

static void step(struct __test_metadata *_metadata,
		 FIXTURE_DATA(differential) *self)
{
	static const unsigned int chains[] = { 0, 0, 0, IOSQE_IO_LINK,
					       IOSQE_IO_HARDLINK };
	unsigned int i, nr = choose(self, BATCH), bytes = choose(self, 1 << PIPES),
		     flags;
	struct side *a = &self->side[0], *b = &self->side[1];

	for (i = 0; i < nr; i++) {
		flags = i + 1 < nr ? chains[choose(self, 5)] : 0;
		queue(self, choose(self, 6), flags);
	}
	run(a, nr, bytes);
	run(b, nr, bytes);
	ASSERT_EQ(a->ret, (int)nr);
	ASSERT_EQ(b->ret, (int)nr);
	ASSERT_EQ(a->revents, b->revents);
	ASSERT_EQ(a->signals, b->signals);
	ASSERT_EQ(a->nr, b->nr);
	for (i = 0; i < a->nr; i++) {
		self->waiting[a->cqe[i].user_data & 0xff]--;
		ASSERT_EQ(a->cqe[i].user_data, b->cqe[i].user_data);
		ASSERT_EQ(a->cqe[i].res, b->cqe[i].res);
		ASSERT_EQ(a->cqe[i].flags, b->cqe[i].flags);
	}
}

/* A wait for what there is returns with it; for more, after its time, with as much. */
static void waits(struct __test_metadata *_metadata,
		 FIXTURE_DATA(differential) *self)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };
	unsigned int i, j, nr = 1 + choose(self, 4), more = choose(self, 2);
	int ret[2];

	for (i = 0; i < nr; i++)
		queue(self, 0, 0);
	for (i = 0; i < 2; i++) {
		struct side *s = &self->side[i];

		s->nr = 0;
		ASSERT_EQ(ring_submit(&s->r), (int)nr);
		ret[i] = syscall(__NR_io_uring_enter, s->r.fd, 0, nr + more,
				 IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
				 &arg, sizeof(arg));
		take(s);
		s->signals = eventfd_count(s->efd);
	}
	ASSERT_EQ(ret[0], ret[1]);
	ASSERT_EQ(self->side[0].nr, self->side[1].nr);
	ASSERT_EQ(self->side[0].signals, self->side[1].signals);
	for (j = 0; j < self->side[0].nr; j++) {
		self->waiting[self->side[0].cqe[j].user_data & 0xff]--;
		ASSERT_EQ(self->side[0].cqe[j].user_data,
			  self->side[1].cqe[j].user_data);
	}
}

TEST_F_TIMEOUT(differential, same_program, 300)
{
	const char *env = getenv("CINT_ROUNDS");
	int i, rounds = env ? atoi(env) : 3000;

	for (i = 0; i < rounds; i++) {
		step(_metadata, self);
		if (i % 4 == 3)
			waits(_metadata, self);
	}
}

TEST_HARNESS_MAIN

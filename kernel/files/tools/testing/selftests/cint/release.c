// SPDX-License-Identifier: GPL-2.0
/*
 * What a ring has gathered is lost by nothing, delivered twice by nothing, and
 * does not keep anything from ending: parameters that change, signals, the end
 * of an eventfd, of the ring and of its task, cancellation, a CQ ring that is
 * full; and a load that does all of it at random.
 *
 * CINT_STRESS_SECONDS: how long the load lasts, 4 by default.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "wait.h"

#define FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

FIXTURE(end)
{
	struct ring r;
	struct helper h;
	int efd;
	int ring_efd;
};

/* Nothing but max_hold, 10 ms, ends a batch by itself. */
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
	self->ring_efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(set_params(&self->r), 0);
}

FIXTURE_TEARDOWN(end)
{
	ring_close(&self->r);
}

/* @nr completions are held, of which an eventfd would tell. */
static void hold(struct __test_metadata *_metadata, FIXTURE_DATA(end) *self,
		 unsigned int nr)
{
	unsigned int i;

	ASSERT_EQ(ring_register(&self->r, IORING_REGISTER_EVENTFD,
				&self->ring_efd, 1), 0);
	for (i = 0; i < nr; i++)
		ring_poll(&self->r, self->efd, i);
	ASSERT_EQ(ring_submit(&self->r), (int)nr);
	signal_eventfd(&self->efd);
}

static uint64_t gathered(struct ring *r)
{
	struct io_uring_cint_ring reg = { };

	return ring_query_wakeups(r, &reg) ? 0 : reg.gathered;
}

static void take(struct __test_metadata *_metadata, struct ring *r,
		 unsigned int nr)
{
	struct io_uring_cqe cqe;
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		ASSERT_EQ(ring_wait(r, &cqe), 0);
		EXPECT_EQ(cqe.res, POLLIN);
		EXPECT_FALSE(seen & 1ull << cqe.user_data);
		seen |= 1ull << cqe.user_data;
	}
	EXPECT_FALSE(ring_peek(r, &cqe));
}

/* The parameters that they waited by are no more: they are told of at once. */
TEST_F(end, unregister)
{
	hold(_metadata, self, 4);
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, NULL, 0), 0);
	EXPECT_EQ(eventfd_count(self->ring_efd), 1);
	EXPECT_EQ(gathered(&self->r), 4);
	take(_metadata, &self->r, 4);
}

TEST_F(end, change_parameters)
{
	hold(_metadata, self, 4);
	ASSERT_EQ(set_params(&self->r), 0);
	EXPECT_EQ(eventfd_count(self->ring_efd), 1);
	EXPECT_EQ(gathered(&self->r), 4);
	take(_metadata, &self->r, 4);
}

/* Requests in flight then still carry the mark of the ring. */
TEST_F(end, complete_after_unregister)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		ring_poll(&self->r, self->efd, i);
	ASSERT_EQ(ring_submit(&self->r), 4);
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, NULL, 0), 0);
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	take(_metadata, &self->r, 4);
	helper_join(&self->h);
	EXPECT_EQ(gathered(&self->r), 0);
}

TEST_F(end, eventfd_unregistered)
{
	hold(_metadata, self, 4);
	ASSERT_EQ(ring_register(&self->r, IORING_UNREGISTER_EVENTFD, NULL, 0), 0);
	take(_metadata, &self->r, 4);
	EXPECT_EQ(gathered(&self->r), 4);
}

/* An eventfd that is switched off is nobody to be told. */
TEST_F(end, eventfd_disabled)
{
	struct io_uring_params p = { .flags = FLAGS };
	int fd = syscall(__NR_io_uring_setup, 64, &p);

	/* where the flags are, is only said on set-up */
	ASSERT_GE(fd, 0);
	close(fd);
	*(uint32_t *)((char *)self->r.cq_map + p.cq_off.flags) =
		IORING_CQ_EVENTFD_DISABLED;
	hold(_metadata, self, 4);
	EXPECT_EQ(gathered(&self->r), 0);
	take(_metadata, &self->r, 4);
	EXPECT_EQ(eventfd_count(self->ring_efd), 0);
}

static void on_signal(int sig)
{
}

static void complete_and_kill(void *arg)
{
	struct { int efd; pthread_t thread; } *a = arg;

	signal_eventfd(&a->efd);
	pthread_kill(a->thread, SIGUSR1);
}

/* A signal ends the wait, with what was held. */
TEST_F(end, signal)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct { int efd; pthread_t thread; } a = { self->efd, pthread_self() };
	unsigned int i;

	ASSERT_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	for (i = 0; i < 4; i++)
		ring_poll(&self->r, self->efd, i);
	ASSERT_EQ(ring_submit(&self->r), 4);
	ASSERT_EQ(helper_start(&self->h, complete_and_kill, &a), 0);
	EXPECT_EQ(ring_wait_nr(&self->r, 8), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_EQ(gathered(&self->r), 4);
}

/* So does the timeout of the wait, and its minimum time. */
TEST_F(end, timeouts)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };
	unsigned int i, min_wait, taken;

	for (min_wait = 0; min_wait < 2; min_wait++) {
		arg.min_wait_usec = min_wait ? 1000 : 0;
		ts.tv_sec = min_wait ? WAIT_SECONDS : 0;
		for (i = 0; i < 4; i++)
			ring_poll(&self->r, self->efd, i);
		ASSERT_EQ(ring_submit(&self->r), 4);
		ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
		for (taken = 0; taken < 4; taken += ring_take(&self->r)) {
			int ret = syscall(__NR_io_uring_enter, self->r.fd, 0, 8,
					  IORING_ENTER_GETEVENTS |
					  IORING_ENTER_EXT_ARG, &arg, sizeof(arg));

			/* an empty-handed return is one of the timeout */
			ASSERT_EQ(ret && errno != ETIME, 0);
			ASSERT_EQ(!ret && !ring_ready(&self->r), 0);
		}
		helper_join(&self->h);
		EXPECT_EQ(taken, 4);
		EXPECT_EQ(eventfd_count(self->efd), 1);
	}
}

/* What has completed can't be cancelled any more; it is still delivered, once. */
TEST_F(end, cancel)
{
	struct io_uring_sync_cancel_reg reg = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = { 1, 0 },
	};
	int ret;

	hold(_metadata, self, 4);
	ret = ring_register(&self->r, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
	EXPECT_TRUE(ret >= 0 || ret == -ENOENT || ret == -EALREADY)
		TH_LOG("cancellation: %s", strerror(-ret));
	EXPECT_GE(gathered(&self->r), 4);
	for (ret = 0; ret < 4; ret++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(ring_wait(&self->r, &cqe), 0);
	}
	EXPECT_EQ(ring_wait_nr(&self->r, 0), 0);
	EXPECT_EQ(ring_ready(&self->r), 0);
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
	EXPECT_EQ(gathered(&r), 6);
	ring_close(&r);
}

/*
 * A ring and a task that end with completions held, in each way: what their
 * requests refer to is let go.
 */
TEST_F(end, of_ring_and_task)
{
	enum { CLOSE, EXIT, KILL, EXEC, WAYS } way;
	ssize_t ret;
	char byte;

	for (way = 0; way < WAYS; way++) {
		int sv[2], status;
		pid_t pid;

		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			int efd = eventfd(0, 0);
			struct ring r;

			if (ring_open(&r, 8, FLAGS) || set_params(&r) ||
			    ring_register(&r, IORING_REGISTER_EVENTFD, &efd, 1))
				_exit(1);
			close(sv[1]);
			ring_sqe(&r, IORING_OP_RECV, sv[0], &byte, 1, 0, 1);
			if (ring_submit(&r) != 1)
				_exit(2);
			/* the peer's byte is what completes it */
			if (write(sv[0], "r", 1) != 1)
				_exit(3);
			while (!gathered(&r))
				sched_yield();
			close(sv[0]);
			if (way == CLOSE) {
				ring_close(&r);
				pause();
			} else if (way == KILL) {
				raise(SIGKILL);
			} else if (way == EXEC) {
				execl("/bin/true", "true", NULL);
			}
			_exit(0);
		}
		close(sv[0]);
		ASSERT_EQ(read(sv[1], &byte, 1), 1);
		ASSERT_EQ(write(sv[1], "x", 1), 1);
		/* nobody has the other end any more, and nobody had the byte */
		ret = read(sv[1], &byte, 1);
		EXPECT_TRUE(!ret || (ret < 0 && errno == ECONNRESET));
		if (way == CLOSE)
			kill(pid, SIGKILL);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status))
			EXPECT_EQ(WEXITSTATUS(status), 0);
		close(sv[1]);
	}
}

/* --- everything at random --------------------------------------------------------------- */

#define SOURCES	16

struct load {
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

static void load_submit(struct ring *r, struct load *l, char *buf, int i)
{
	struct io_uring_sqe *sqe;

	sqe = ring_sqe(r, IORING_OP_READ, l->pipe[i][0], buf + i, 1, 0, i);
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
	char buf[SOURCES];
	uint64_t end, give_up, rounds = 0, held = 0;
	struct io_uring_cqe cqe;
	struct load l = { .seed = 7 };
	const char *env = getenv("CINT_STRESS_SECONDS");
	struct io_uring_cint reg;
	pthread_t writer;
	bool busy[SOURCES] = { };
	cpu_set_t all;
	int i, busy_nr = 0;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
	for (i = 0; i < SOURCES; i++)
		ASSERT_EQ(pipe(l.pipe[i]), 0);
	ASSERT_EQ(pthread_create(&writer, NULL, load_write, &l), 0);
	end = now_ns() + (env ? atoi(env) : 4) * 1000000000ull;
	/* on a slow machine it takes a while until parameters meet a load */
	give_up = end + 60 * 1000000000ull;
	while (now_ns() < end || (!held && now_ns() < give_up) || busy_nr) {
		struct __kernel_timespec ts = { .tv_nsec = 200000 };
		struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };
		bool last = now_ns() >= end && (held || now_ns() >= give_up);

		for (i = 0; i < SOURCES && !last; i++) {
			if (busy[i])
				continue;
			busy[i] = true;
			busy_nr++;
			load_submit(&self->r, &l, buf, i);
		}
		if (self->r.queued)
			ASSERT_GE(ring_submit(&self->r), 1);
		if (!(++rounds % 64)) {
			/* they count until they are unregistered */
			held += gathered(&self->r);
			reg = ring_params(rand_r(&l.seed) % CINT_POLICY_NR,
					  1 + rand_r(&l.seed) % SOURCES);
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
			ASSERT_LT(cqe.user_data, (uint64_t)SOURCES);
			ASSERT_EQ(cqe.res, 1);
			/* one that is not outstanding was delivered twice */
			ASSERT_TRUE(busy[cqe.user_data]);
			busy[cqe.user_data] = false;
			busy_nr--;
			l.taken[cqe.user_data]++;
		}
	}
	l.stop = true;
	/* it may wait for room in a pipe */
	for (i = 0; i < SOURCES; i++) {
		fcntl(l.pipe[i][0], F_SETFL, O_NONBLOCK);
		while (read(l.pipe[i][0], buf, 1) == 1)
			l.taken[i]++;
	}
	pthread_join(writer, NULL);
	for (i = 0; i < SOURCES; i++) {
		while (read(l.pipe[i][0], buf, 1) == 1)
			l.taken[i]++;
		EXPECT_EQ(l.taken[i], l.written[i]);
	}
	EXPECT_GT(held, 0);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * A ring with parameters leaves its task asleep for a while when what it waits for
 * is there and more bulk I/O is about to come. Everything else is told as on a ring
 * without parameters, and at once.
 *
 * A read of the slow namespace is what there is still to come; a batch here takes
 * 10 ms. What is to be told at once is told within a fraction of that at least once
 * in many tries: on a slow machine no single try proves anything.
 */
#include <fcntl.h>
#include <linux/time_types.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "wait.h"

#define FLAGS		(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define BATCH_NS	CINT_DELAY_MAX_NS
#define TRIES		100
#define SLOW		1000	/* user_data */
#define MANY		32	/* more than there will ever be */

FIXTURE(linger)
{
	struct device d;
	struct device_saved saved;
	struct ring r;
	struct helper h;
	int fast, slow;
	int efd;		/* what requests wait for */
	int ring_efd;		/* what the ring signals */
	int pipe[2];
	char *buf;
	unsigned int slow_nr;	/* outstanding */
	unsigned int fast_nr;
	uint64_t start;
};

static int set_params(struct ring *r, unsigned int policy, unsigned int threshold)
{
	struct io_uring_cint reg = ring_params(policy, threshold);

	reg.delta_ns = BATCH_NS;
	reg.delta_min_ns = BATCH_NS;
	return ring_register(r, REGISTER_CINT, &reg, 1);
}

FIXTURE_SETUP(linger)
{
	const char *why = device_find(&self->d);
	int ret;

	if (!why && (!*self->d.fast || !*self->d.slow))
		why = "no namespaces, a fast and one that takes 20 ms";
	if (why)
		SKIP(return, "%s", why);
	ret = ring_open(&self->r, 64, FLAGS);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "io_uring is not available: %s", strerror(-ret));
	ASSERT_EQ(ret, 0);
	device_save(&self->d, &self->saved);
	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	ASSERT_EQ(run_on_cpu(0), 0);
	self->fast = open(self->d.fast, O_RDWR | O_DIRECT);
	self->slow = open(self->d.slow, O_RDONLY | O_DIRECT);
	ASSERT_GE(self->fast, 0);
	ASSERT_GE(self->slow, 0);
	self->buf = buffer_alloc(64 * BLOCK);
	self->efd = eventfd(0, EFD_NONBLOCK);
	self->ring_efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_GE(self->efd, 0);
	ASSERT_GE(self->ring_efd, 0);
	ASSERT_EQ(pipe(self->pipe), 0);
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 64), 0);
}

FIXTURE_TEARDOWN(linger)
{
	ring_close(&self->r);
	device_restore(&self->d, &self->saved);
}

#define SELF	struct __test_metadata *_metadata, FIXTURE_DATA(linger) *self

static struct io_uring_cint_ring counters(SELF)
{
	struct io_uring_cint_ring now = { };

	EXPECT_EQ(ring_query_wakeups(&self->r, &now), 0);
	return now;
}

static uint64_t gathered(SELF)
{
	return counters(_metadata, self).gathered;
}

/* --- requests ------------------------------------------------------------------------ */

static struct io_uring_sqe *queue_fast(FIXTURE_DATA(linger) *self)
{
	return queue_read(&self->r, self->fast, self->buf, self->fast_nr++);
}

static void queue_slow(FIXTURE_DATA(linger) *self)
{
	queue_read(&self->r, self->slow, self->buf, 63)->user_data = SLOW;
	self->slow_nr++;
}

static void submit(SELF)
{
	self->start = now_ns();
	ASSERT_EQ(ring_submit_woken(&self->r), 0);
}

/* One that is outstanding for long, and @nr fast ones. */
static void submit_with_slow(SELF, int nr)
{
	queue_slow(self);
	while (nr--)
		queue_fast(self);
	submit(_metadata, self);
}

/* While a slow read is outstanding, which might make the task linger. */
static void with_slow(SELF)
{
	submit_with_slow(_metadata, self, 0);
}

/* Takes what there is. Returns how many there were besides the slow one. */
static unsigned int take(FIXTURE_DATA(linger) *self)
{
	struct io_uring_cqe cqe;
	unsigned int nr = 0;

	while (ring_peek(&self->r, &cqe)) {
		if (cqe.user_data == SLOW) {
			self->slow_nr--;
			continue;
		}
		self->fast_nr -= cqe.user_data < 64;
		nr++;
	}
	return nr;
}

static bool at_once(const FIXTURE_DATA(linger) *self)
{
	return now_ns() - self->start < BATCH_NS / 2;
}

/* A wait for @nr ends with @taken, while a slow one, if any, is outstanding. */
static bool wait_takes(SELF, unsigned int nr, unsigned int taken)
{
	unsigned int slow = self->slow_nr;

	EXPECT_EQ(ring_wait_nr(&self->r, nr), 0);
	return take(self) == taken && self->slow_nr == slow;
}

/* All that is outstanding is over, so that the next try begins with nothing. */
static void drain(SELF)
{
	while (self->fast_nr || self->slow_nr) {
		ASSERT_EQ(ring_wait_nr(&self->r, 1), 0);
		take(self);
	}
}

/* @expr is true once in many tries, of which each begins with nothing outstanding. */
#define EXPECT_ONCE(expr) do {						\
	bool once = false;						\
	int tries;							\
									\
	for (tries = 0; tries < TRIES && !once; tries++) {		\
		once = (expr);						\
		drain(_metadata, self);					\
	}								\
	EXPECT_TRUE(once);						\
} while (0)

/* --- when the task lingers, and for how long ------------------------------------------- */

static bool fills(SELF, unsigned int threshold)
{
	uint64_t before = gathered(_metadata, self);

	submit_with_slow(_metadata, self, threshold);
	return wait_takes(_metadata, self, 1, threshold) && at_once(self) &&
		gathered(_metadata, self) == before + threshold - 1;
}

/* A wait for one is one for as many as make a batch. */
TEST_F(linger, until_threshold)
{
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 4), 0);
	EXPECT_ONCE(fills(_metadata, self, 4));
}

static bool times_out(SELF)
{
	submit_with_slow(_metadata, self, 2);
	return wait_takes(_metadata, self, 1, 2) && !at_once(self);
}

/* Or for as long as a batch takes. */
TEST_F(linger, until_time)
{
	EXPECT_ONCE(times_out(_metadata, self));
}

static bool ends_with_the_last(SELF, unsigned int nr)
{
	uint64_t before = gathered(_metadata, self);
	unsigned int i;

	for (i = 0; i < nr; i++)
		queue_fast(self);
	submit(_metadata, self);
	return wait_takes(_metadata, self, 1, nr) && at_once(self) &&
		gathered(_metadata, self) == before + nr - 1;
}

/* Or until nothing is outstanding. */
TEST_F(linger, until_the_last)
{
	EXPECT_ONCE(ends_with_the_last(_metadata, self, 4));
}

static bool times_out_again(SELF)
{
	ends_with_the_last(_metadata, self, 2);
	sleep_ms(BATCH_NS / 2 / 1000000);
	submit_with_slow(_metadata, self, 2);
	return wait_takes(_metadata, self, 1, 2) &&
		now_ns() - self->start > BATCH_NS * 9 / 10;
}

/* A wait that was over before its time has no part in when the next one is. */
TEST_F(linger, until_its_own_time)
{
	EXPECT_ONCE(times_out_again(_metadata, self));
}

/* So a single read is no later than it would be, nor is a wait for all. */
TEST_F(linger, lone_read)
{
	EXPECT_ONCE(ends_with_the_last(_metadata, self, 1));
}

static bool all_of_eight(SELF)
{
	int i;

	for (i = 0; i < 8; i++)
		queue_fast(self);
	submit(_metadata, self);
	return wait_takes(_metadata, self, 8, 8) && at_once(self);
}

TEST_F(linger, wait_for_all)
{
	EXPECT_ONCE(all_of_eight(_metadata, self));
}

static bool fast_one(SELF)
{
	submit_with_slow(_metadata, self, 1);
	return wait_takes(_metadata, self, 1, 1) && at_once(self);
}

/* Not with a threshold of one, a policy that holds nothing, or no time to hold. */
TEST_F(linger, nothing_to_wait_for)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 64);

	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 1), 0);
	EXPECT_ONCE(fast_one(_metadata, self));
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_NONE, 64), 0);
	EXPECT_ONCE(fast_one(_metadata, self));
	reg.max_hold_ns = 0;
	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	EXPECT_ONCE(fast_one(_metadata, self));
	ASSERT_EQ(ring_register(&self->r, UNREGISTER_CINT, NULL, 0), 0);
	EXPECT_ONCE(fast_one(_metadata, self));
	EXPECT_EQ(gathered(_metadata, self), 0);
}

/* Parameters change while requests are outstanding. */
static bool unregistered_meanwhile(SELF)
{
	submit_with_slow(_metadata, self, 1);
	EXPECT_EQ(ring_register(&self->r, UNREGISTER_CINT, NULL, 0), 0);
	return wait_takes(_metadata, self, 1, 1) && at_once(self);
}

TEST_F(linger, parameters_change)
{
	EXPECT_ONCE(set_params(&self->r, CINT_POLICY_CINT, 64) == 0 &&
		    unregistered_meanwhile(_metadata, self));
	/* as many were counted as have completed: the last one is known */
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 64), 0);
	EXPECT_ONCE(ends_with_the_last(_metadata, self, 4));
}

/* A caller that gives a minimum time has said how long it wants to wait. */
static bool has_min_wait(SELF)
{
	struct __kernel_timespec ts = { .tv_sec = WAIT_SECONDS };
	struct io_uring_getevents_arg arg = {
		.min_wait_usec = 1, .ts = (unsigned long)&ts,
	};
	int ret;

	submit_with_slow(_metadata, self, 1);
	ret = syscall(__NR_io_uring_enter, self->r.fd, 0, 1,
		      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		      sizeof(arg));
	return !ret && take(self) == 1 && at_once(self);
}

TEST_F(linger, min_wait_of_the_caller)
{
	EXPECT_ONCE(has_min_wait(_metadata, self));
	EXPECT_EQ(gathered(_metadata, self), 0);
}

/* --- what wakes the task while it lingers --------------------------------------------- */

/* An urgent one, with all that is there; which the others are is another matter. */
static bool woken_by_urgent(SELF, unsigned int sqe_flags, int rw_flags)
{
	struct io_uring_sqe *sqe;

	queue_slow(self);
	queue_fast(self);
	queue_fast(self);
	sqe = queue_fast(self);
	sqe->flags = sqe_flags;
	sqe->rw_flags = rw_flags;
	submit(_metadata, self);
	EXPECT_EQ(ring_wait_nr(&self->r, MANY), 0);
	take(self);
	return self->slow_nr && at_once(self);
}

TEST_F(linger, urgent)
{
	EXPECT_ONCE(woken_by_urgent(_metadata, self, IOSQE_URGENT, 0));
	EXPECT_ONCE(woken_by_urgent(_metadata, self, 0, RWF_URGENT));
}

static void write_later(void *arg)
{
	/* by now the fast one has completed */
	usleep(1000);
	write_byte(arg);
}

/* Also one that completes while the task lingers. */
static bool urgent_ends_lingering(SELF)
{
	uint64_t ended;

	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
		 100)->flags = IOSQE_URGENT;
	submit_with_slow(_metadata, self, 1);
	EXPECT_EQ(helper_start(&self->h, write_later, &self->pipe[1]), 0);
	EXPECT_EQ(ring_wait_nr(&self->r, 1), 0);
	ended = now_ns();
	helper_join(&self->h);
	if (take(self) != 2) {
		/* the urgent one is to come yet */
		EXPECT_EQ(ring_wait_nr(&self->r, 1), 0);
		take(self);
		return false;
	}
	return self->slow_nr && ended - self->h.began < BATCH_NS / 2;
}

TEST_F(linger, urgent_while_it_lingers)
{
	EXPECT_ONCE(urgent_ends_lingering(_metadata, self));
	EXPECT_GT(gathered(_metadata, self), 0);
}

/* A barrier, when it and all before it have completed, and not when one has not. */
static void barrier_waits(SELF)
{
	queue_slow(self);
	queue_fast(self)->rw_flags = RWF_BARRIER;
	submit(_metadata, self);
	ASSERT_EQ(ring_wait_nr(&self->r, MANY), 0);
	EXPECT_EQ(take(self), 1);
	EXPECT_EQ(self->slow_nr, 0);
}

static bool barrier_ends(SELF)
{
	queue_fast(self);
	queue_fast(self)->rw_flags = RWF_BARRIER;
	queue_slow(self);
	submit(_metadata, self);
	return wait_takes(_metadata, self, MANY, 2) && at_once(self);
}

TEST_F(linger, barrier)
{
	int i;

	for (i = 0; i < 4; i++) {
		barrier_waits(_metadata, self);
		EXPECT_ONCE(barrier_ends(_metadata, self));
	}
}

/* One that has to wait for its page first is issued twice, and is one barrier. */
TEST_F(linger, barrier_through_the_page_cache)
{
	int i, fd = open(self->d.fast, O_RDONLY);

	ASSERT_GE(fd, 0);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		queue_slow(self);
		queue_read(&self->r, fd, self->buf, self->fast_nr++)->rw_flags =
			RWF_BARRIER;
		submit(_metadata, self);
		ASSERT_EQ(ring_wait_nr(&self->r, MANY), 0);
		EXPECT_EQ(take(self), 1);
		EXPECT_EQ(self->slow_nr, 0);
		drain(_metadata, self);
	}
	close(fd);
}

/* Also where one before it, that completes last, has no CQE. */
static bool skipped_ends_barrier(SELF)
{
	struct io_uring_sqe *sqe;

	sqe = queue_read(&self->r, self->slow, self->buf, 62);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	queue_fast(self)->rw_flags = RWF_BARRIER;
	submit(_metadata, self);
	sleep_ms(10);
	with_slow(_metadata, self);
	return wait_takes(_metadata, self, MANY, 1);
}

TEST_F(linger, barrier_behind_a_skipped_cqe)
{
	EXPECT_ONCE(skipped_ends_barrier(_metadata, self));
}

static void on_signal(int sig)
{
}

static void complete_and_kill(void *arg)
{
	struct { int fd; pthread_t thread; } *a = arg;

	usleep(1000);
	write_byte(&a->fd);
	pthread_kill(a->thread, SIGUSR1);
}

static bool interrupted(SELF)
{
	struct { int fd; pthread_t thread; } a = { self->pipe[1], pthread_self() };
	uint64_t ended;
	char byte;
	int ret;

	submit_with_slow(_metadata, self, 1);
	EXPECT_EQ(helper_start(&self->h, complete_and_kill, &a), 0);
	ret = ring_wait_nr(&self->r, MANY);
	ended = now_ns();
	helper_join(&self->h);
	take(self);
	EXPECT_EQ(read(self->pipe[0], &byte, 1), 1);
	return (!ret || ret == -EINTR) && self->slow_nr &&
		ended - self->h.began < BATCH_NS / 2;
}

TEST_F(linger, signal)
{
	struct sigaction sa = { .sa_handler = on_signal };

	ASSERT_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	EXPECT_ONCE(interrupted(_metadata, self));
}

static bool timed(SELF)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };

	submit_with_slow(_metadata, self, 1);
	syscall(__NR_io_uring_enter, self->r.fd, 0, 1,
		IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
	return take(self) == 1 && at_once(self);
}

TEST_F(linger, timeout)
{
	EXPECT_ONCE(timed(_metadata, self));
}

/*
 * What else the task waits for: registered buffers that are in use. A wait that lingered
 * leaves nothing behind that would make this one longer.
 */
static struct io_uring_sqe *queue_fixed(FIXTURE_DATA(linger) *self, int fd, int i)
{
	struct io_uring_sqe *sqe = queue_read(&self->r, fd, self->buf, i);

	sqe->opcode = IORING_OP_READ_FIXED;
	sqe->user_data = 100 + i;
	return sqe;
}

static bool unregisters(SELF)
{
	struct iovec iov = { self->buf, 64 * BLOCK };

	EXPECT_EQ(ring_register(&self->r, IORING_REGISTER_BUFFERS, &iov, 1), 0);
	times_out(_metadata, self);
	drain(_metadata, self);
	queue_fixed(self, self->fast, 1);
	queue_fixed(self, self->slow, 2);
	submit(_metadata, self);
	sleep_ms(10);
	with_slow(_metadata, self);
	EXPECT_EQ(ring_register(&self->r, IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
	EXPECT_EQ(ring_wait_nr(&self->r, 0), 0);
	return take(self) == 2 && self->slow_nr;
}

TEST_F(linger, buffers_in_use)
{
	EXPECT_ONCE(unregisters(_metadata, self));
}

/* A timeout that waits for one completion is over with it, and not by its time. */
static bool timeout_counts(SELF)
{
	struct __kernel_timespec ts = { .tv_nsec = BATCH_NS / 2 };
	struct io_uring_cqe cqe;
	bool counted = false;
	int nr = 0;

	ring_sqe(&self->r, IORING_OP_TIMEOUT, -1, &ts, 1, 1, 100);
	submit_with_slow(_metadata, self, 1);
	while (nr < 2) {
		EXPECT_EQ(ring_wait_nr(&self->r, 1), 0);
		while (ring_peek(&self->r, &cqe)) {
			if (cqe.user_data == SLOW)
				self->slow_nr--;
			else
				nr++;
			if (cqe.user_data == 100)
				counted = !cqe.res;
			else if (cqe.user_data < 64)
				self->fast_nr--;
		}
	}
	return counted;
}

TEST_F(linger, timeout_that_counts)
{
	EXPECT_ONCE(timeout_counts(_metadata, self));
}

/* Its end: a ring and a task that end while it lingers. */
TEST_F(linger, end_of_task)
{
	int status, i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			struct ring r;

			if (ring_open(&r, 8, FLAGS) ||
			    set_params(&r, CINT_POLICY_CINT, 64))
				_exit(1);
			queue_read(&r, self->slow, self->buf, 1);
			queue_read(&r, self->fast, self->buf, 2);
			if (ring_submit(&r) != 2)
				_exit(2);
			if (!i)
				ring_close(&r);
			else
				ring_wait_nr(&r, 1);
			_exit(0);
		}
		sleep_ms(3);
		kill(pid, SIGKILL);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT_TRUE(WIFSIGNALED(status) || !WEXITSTATUS(status));
	}
}

/* --- what is told as ever ---------------------------------------------------------------- */

/*
 * Something else completes when the task sleeps, and is all it is woken for, within
 * @limit_ns.
 */
static bool told_of(SELF, void (*action)(void *), void *arg, uint64_t limit_ns)
{
	uint64_t ended;
	bool told;

	with_slow(_metadata, self);
	EXPECT_EQ(helper_start(&self->h, action, arg), 0);
	told = wait_takes(_metadata, self, 1, 1);
	ended = now_ns();
	helper_join(&self->h);
	return told && ended - self->h.began < limit_ns;
}

static bool poll_completes(SELF)
{
	bool told;

	ring_poll(&self->r, self->efd, 100);
	told = told_of(_metadata, self, signal_eventfd, &self->efd, BATCH_NS / 2);
	eventfd_count(self->efd);
	return told;
}

static bool pipe_completes(SELF)
{
	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 100);
	return told_of(_metadata, self, write_byte, &self->pipe[1], BATCH_NS / 2);
}

TEST_F(linger, other_files)
{
	EXPECT_ONCE(poll_completes(_metadata, self));
	EXPECT_ONCE(pipe_completes(_metadata, self));
	EXPECT_EQ(gathered(_metadata, self), 0);
}

static void write_eight(void *arg)
{
	int i;

	for (i = 0; i < 8; i++) {
		write_byte(arg);
		usleep(500);
	}
}

/* A receive for all of eight parts is not later by a batch for each. */
static bool receives(SELF)
{
	bool told;
	int sv[2];

	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ring_sqe(&self->r, IORING_OP_RECV, sv[0], self->buf, 8, 0, 100)->msg_flags =
		MSG_WAITALL;
	told = told_of(_metadata, self, write_eight, &sv[1], 4 * BATCH_NS);
	close(sv[0]);
	close(sv[1]);
	return told;
}

TEST_F(linger, receive_in_parts)
{
	EXPECT_ONCE(receives(_metadata, self));
}

/* Of the first completion, whether or not the task waits. */
static bool eventfd_told(SELF)
{
	struct pollfd p = { .fd = self->ring_efd, .events = POLLIN };
	bool told;

	eventfd_count(self->ring_efd);
	submit_with_slow(_metadata, self, 1);
	EXPECT_EQ(poll(&p, 1, -1), 1);
	told = at_once(self);
	EXPECT_EQ(ring_wait_nr(&self->r, 1), 0);
	return take(self) == 1 && told;
}

TEST_F(linger, eventfd)
{
	ASSERT_EQ(ring_register(&self->r, IORING_REGISTER_EVENTFD,
				&self->ring_efd, 1), 0);
	EXPECT_ONCE(eventfd_told(_metadata, self));
}

/* So are those who poll the ring. */
TEST_F(linger, poll)
{
	struct pollfd p = { .fd = self->r.fd, .events = POLLIN };

	ASSERT_EQ(poll(&p, 1, 0), 0);
	ring_poll(&self->r, self->efd, 100);
	with_slow(_metadata, self);
	signal_eventfd(&self->efd);
	EXPECT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
	EXPECT_EQ(take(self), 1);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	drain(_metadata, self);
}

static bool polled_asleep(SELF)
{
	struct pollfd p = { .fd = self->r.fd, .events = POLLIN };

	submit_with_slow(_metadata, self, 1);
	EXPECT_EQ(poll(&p, 1, -1), 1);
	return at_once(self);
}

TEST_F(linger, poll_of_a_sleeper)
{
	EXPECT_ONCE(polled_asleep(_metadata, self));
}

static bool epoll_told(SELF, int ep)
{
	struct epoll_event ev;
	bool told;

	ring_poll(&self->r, self->efd, 100);
	with_slow(_metadata, self);
	signal_eventfd(&self->efd);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, -1), 1);
	told = at_once(self);
	eventfd_count(self->efd);
	EXPECT_EQ(ring_wait_nr(&self->r, 1), 0);
	return take(self) == 1 && told;
}

TEST_F(linger, epoll)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, self->r.fd, &ev), 0);
	ASSERT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	EXPECT_ONCE(epoll_told(_metadata, self, ep));
	close(ep);
}

/* --- workers, links, drains ------------------------------------------------------------- */

/* A worker opens a FIFO, which takes until somebody opens it to write. */
struct fifo {
	char path[64];
	pthread_t writer;
};

static void *open_late(void *arg)
{
	struct fifo *fifo = arg;
	int fd;

	sleep_ms(200);
	fd = open(fifo->path, O_WRONLY);
	sleep_ms(100);
	close(fd);
	return NULL;
}

static void open_by_worker(struct __test_metadata *_metadata, struct ring *r,
			   struct fifo *fifo)
{
	snprintf(fifo->path, sizeof(fifo->path), "/tmp/cint-%d", getpid());
	ASSERT_EQ(mkfifo(fifo->path, 0600), 0);
	ring_sqe(r, IORING_OP_OPENAT, AT_FDCWD, fifo->path, 0, 0, 1)->flags =
		IOSQE_ASYNC;
}

static void is_opened(struct __test_metadata *_metadata, struct fifo *fifo)
{
	ASSERT_EQ(pthread_create(&fifo->writer, NULL, open_late, fifo), 0);
}

static void end_fifo(struct fifo *fifo)
{
	pthread_join(fifo->writer, NULL);
	unlink(fifo->path);
}

static int wait_for_two(struct ring *r)
{
	struct __kernel_timespec ts = { .tv_sec = 5 };
	struct io_uring_getevents_arg arg = { .ts = (unsigned long)&ts };
	int ret = syscall(__NR_io_uring_enter, r->fd, 0, 2,
			  IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
			  sizeof(arg));

	return ret < 0 ? -errno : 0;
}

/* What the worker completes, and what is queued behind it, end a wait for both. */
static void expect_both(struct __test_metadata *_metadata, struct ring *r,
			struct fifo *fifo)
{
	ASSERT_EQ(ring_submit(r), 2);
	is_opened(_metadata, fifo);
	EXPECT_EQ(wait_for_two(r), 0);
	EXPECT_EQ(ring_take(r), 2);
	end_fifo(fifo);
}

/* A request that is drained starts when the one before it completes. */
TEST_F(linger, drained_behind_a_worker)
{
	struct fifo fifo;

	open_by_worker(_metadata, &self->r, &fifo);
	ring_sqe(&self->r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags =
		IOSQE_IO_DRAIN;
	expect_both(_metadata, &self->r, &fifo);
}

/* So does a timeout that waits for one completion. */
TEST_F(linger, counted_behind_a_worker)
{
	struct __kernel_timespec hour = { .tv_sec = 3600 };
	struct fifo fifo;

	open_by_worker(_metadata, &self->r, &fifo);
	ring_sqe(&self->r, IORING_OP_TIMEOUT, -1, &hour, 1, 1, 2);
	expect_both(_metadata, &self->r, &fifo);
}

/* An eventfd that is told of what workers complete is told by them. */
TEST_F(linger, eventfd_of_a_worker)
{
	struct pollfd p = { .fd = self->ring_efd, .events = POLLIN };
	struct fifo fifo;

	ASSERT_EQ(ring_register(&self->r, IORING_REGISTER_EVENTFD_ASYNC,
				&self->ring_efd, 1), 0);
	open_by_worker(_metadata, &self->r, &fifo);
	ASSERT_EQ(ring_submit(&self->r), 1);
	is_opened(_metadata, &fifo);
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	end_fifo(&fifo);
}

/* A completion that starts another request is no matter of a batch. */
static bool link_starts(SELF)
{
	queue_fast(self)->flags = IOSQE_IO_LINK;
	queue_slow(self);
	submit(_metadata, self);
	return wait_takes(_metadata, self, 1, 1) && at_once(self);
}

TEST_F(linger, linked)
{
	EXPECT_ONCE(link_starts(_metadata, self));
}

static bool drained_starts(SELF)
{
	queue_fast(self);
	queue_fast(self);
	ring_sqe(&self->r, IORING_OP_NOP, -1, NULL, 0, 0, 100)->flags =
		IOSQE_IO_DRAIN;
	submit(_metadata, self);
	/* a wait for all three would be for one that the task itself has to start */
	return wait_takes(_metadata, self, 2, 2) &&
		wait_takes(_metadata, self, 1, 1) && at_once(self);
}

TEST_F(linger, drained)
{
	EXPECT_ONCE(drained_starts(_metadata, self));
}

/* --- counters, other rings -------------------------------------------------------------- */

/* The kernel's other way to tell the counters says the same. */
TEST_F(linger, fdinfo)
{
	unsigned long long wakeups = 0, urgent = 0, held = 0, group = 0;
	struct io_uring_cint_ring now;
	char path[64], text[8192], *p;

	queue_fast(self)->flags = IOSQE_URGENT;
	submit(_metadata, self);
	drain(_metadata, self);
	EXPECT_ONCE(ends_with_the_last(_metadata, self, 4));
	now = counters(_metadata, self);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->r.fd);
	ASSERT_GT(file_read(path, text, sizeof(text)), 0);
	p = strstr(text, "CintGroup:");
	ASSERT_NE(p, NULL);
	ASSERT_EQ(sscanf(p, "CintGroup: %llu CintWakeups: %llu "
			 "CintUrgentWakeups: %llu CintGathered: %llu", &group,
			 &wakeups, &urgent, &held), 4);
	EXPECT_GT(group, 0);
	EXPECT_GE(wakeups, 1);
	EXPECT_EQ(wakeups, now.wakeups);
	EXPECT_EQ(urgent, now.urgent_wakeups);
	EXPECT_EQ(held, now.gathered);
	EXPECT_GE(held, 3);
}

/* Only with IORING_SETUP_DEFER_TASKRUN does the kernel know when there is enough. */
TEST_F(linger, other_rings)
{
	static const unsigned int flags[] = {
		0, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SQPOLL,
		IORING_SETUP_SINGLE_ISSUER,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ring_close(&self->r);
		ASSERT_EQ(ring_open(&self->r, 64, flags[i]), 0);
		ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 64), 0);
		EXPECT_ONCE(fast_one(_metadata, self));
		EXPECT_EQ(gathered(_metadata, self), 0);
	}
}

TEST_HARNESS_MAIN

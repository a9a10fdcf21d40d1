// SPDX-License-Identifier: GPL-2.0
/*
 * A ring with parameters gathers completions: it wakes its task, or signals its
 * eventfd, or wakes who polls it, once for all that the policy has let gather.
 *
 * No test depends on how long anything takes. What shall gather completes in one
 * go, with interrupts off, by an eventfd that all of it waits for, on the CPU
 * whose timer would end the batch; and an eventfd of the ring, once registered,
 * makes it gather whether or not its task waits. Counters tell what happened.
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

#define FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

FIXTURE(gather)
{
	struct ring r;
	struct helper h;
	int efd;		/* what requests wait for */
	int ring_efd;		/* what the ring signals */
	int pipe[2];
	char buf[64];
};

static int set_params(struct ring *r, unsigned int policy, unsigned int threshold)
{
	struct io_uring_cint reg = ring_params(policy, threshold);

	reg.delta_ns = CINT_DELAY_MAX_NS;
	reg.delta_min_ns = CINT_DELAY_MAX_NS;
	return ring_register(r, REGISTER_CINT, &reg, 1);
}

FIXTURE_SETUP(gather)
{
	int ret = ring_open(&self->r, 64, FLAGS);

	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "io_uring is not available: %s", strerror(-ret));
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(run_on_cpu(0), 0);
	self->efd = eventfd(0, EFD_NONBLOCK);
	self->ring_efd = eventfd(0, 0);
	ASSERT_GE(self->efd, 0);
	ASSERT_GE(self->ring_efd, 0);
	ASSERT_EQ(pipe(self->pipe), 0);
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 64), 0);
}

FIXTURE_TEARDOWN(gather)
{
	ring_close(&self->r);
}

#define EXPECT_COUNTERS(r, w, u, g) do {				\
	struct io_uring_cint_ring now;					\
									\
	ASSERT_EQ(ring_query_wakeups(r, &now), 0);			\
	EXPECT_EQ(now.wakeups, (w));					\
	EXPECT_EQ(now.urgent_wakeups, (u));				\
	EXPECT_EQ(now.gathered, (g));					\
} while (0)

static uint64_t gathered(struct ring *r)
{
	struct io_uring_cint_ring reg = { };

	return ring_query_wakeups(r, &reg) ? ~0ull : reg.gathered;
}

static void use_eventfd(struct __test_metadata *_metadata,
			FIXTURE_DATA(gather) *self)
{
	ASSERT_EQ(ring_register(&self->r, IORING_REGISTER_EVENTFD,
				&self->ring_efd, 1), 0);
}

/* Takes @nr completions when the eventfd tells of them. */
static void expect_signal(struct __test_metadata *_metadata,
			  FIXTURE_DATA(gather) *self, unsigned int nr)
{
	EXPECT_EQ(eventfd_count(self->ring_efd), 1);
	EXPECT_EQ(ring_wait_nr(&self->r, 0), 0);
	EXPECT_EQ(ring_take(&self->r), nr);
	/* posting them has signalled it again, as on any such ring */
	EXPECT_EQ(eventfd_count(self->ring_efd), 1);
}

static void submit_polls(struct __test_metadata *_metadata,
			 FIXTURE_DATA(gather) *self, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		ring_poll(&self->r, self->efd, 100 + i);
	ASSERT_EQ(ring_submit(&self->r), (int)nr);
}

/* --- the task that waits ------------------------------------------------------------ */

/* A wait for one ends with all that gathered, when Δ has passed. */
TEST_F(gather, until_quiet)
{
	submit_polls(_metadata, self, 4);
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	ASSERT_EQ(ring_wait_nr(&self->r, 1), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_COUNTERS(&self->r, 1, 0, 4);
}

/* Or when there are enough: the last one is not held. */
TEST_F(gather, until_threshold)
{
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 4), 0);
	submit_polls(_metadata, self, 4);
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	ASSERT_EQ(ring_wait_nr(&self->r, 1), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_COUNTERS(&self->r, 1, 0, 3);
}

/* A wait for more than one is not ended earlier than it would be without. */
TEST_F(gather, wait_for_several)
{
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT, 2), 0);
	submit_polls(_metadata, self, 5);
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	ASSERT_EQ(ring_wait_nr(&self->r, 5), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(&self->r), 5);
	/* full batches of two and two, and one more that was held until Δ */
	EXPECT_COUNTERS(&self->r, 1, 0, 3);
}

TEST_F(gather, policy_none_holds_nothing)
{
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_NONE, 64), 0);
	use_eventfd(_metadata, self);
	submit_polls(_metadata, self, 1);
	signal_eventfd(&self->efd);
	expect_signal(_metadata, self, 1);
	EXPECT_COUNTERS(&self->r, 1, 0, 0);
}

/* cint-rate knows when nothing else can come. */
TEST_F(gather, rate_holds_no_last_one)
{
	ASSERT_EQ(set_params(&self->r, CINT_POLICY_CINT_RATE, 64), 0);
	use_eventfd(_metadata, self);
	submit_polls(_metadata, self, 4);
	signal_eventfd(&self->efd);
	expect_signal(_metadata, self, 4);
	EXPECT_COUNTERS(&self->r, 1, 0, 3);
}

/* --- urgent and barrier ---------------------------------------------------------------- */

/*
 * Three unmarked ones and then an urgent one: who is woken last by an eventfd is
 * who was first to wait for it.
 */
static void submit_urgent(struct __test_metadata *_metadata,
			  FIXTURE_DATA(gather) *self)
{
	ring_poll(&self->r, self->efd, 1)->flags = IOSQE_URGENT;
	ASSERT_EQ(ring_submit(&self->r), 1);
	submit_polls(_metadata, self, 3);
}

TEST_F(gather, urgent_takes_all_with_it)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 64);

	reg.flags = 0;
	ASSERT_EQ(ring_register(&self->r, REGISTER_CINT, &reg, 1), 0);
	submit_urgent(_metadata, self);
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	ASSERT_EQ(ring_wait_nr(&self->r, 8), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_COUNTERS(&self->r, 1, 1, 3);
}

/* It is the program that says so, not the policy, which may know of no marks. */
TEST_F(gather, urgent_in_every_policy)
{
	unsigned int policy;

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		ASSERT_EQ(set_params(&self->r, policy, 64), 0);
		ring_poll(&self->r, self->efd, 1)->flags = IOSQE_URGENT;
		ASSERT_EQ(ring_submit(&self->r), 1);
		ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
		ASSERT_EQ(ring_wait_nr(&self->r, 8), 0);
		helper_join(&self->h);
		EXPECT_EQ(ring_take(&self->r), 1);
		EXPECT_EQ(eventfd_count(self->efd), 1);
		EXPECT_COUNTERS(&self->r, policy + 1, policy + 1, 0);
	}
}

/*
 * With OOO it comes alone and the next wait takes the others without a wakeup;
 * unless max_hold has passed before the task ran, so there is more than one try.
 */
TEST_F(gather, urgent_overtakes)
{
	struct io_uring_cqe cqe;
	int tries, alone = 0;

	for (tries = 1; tries <= 100 && !alone; tries++) {
		submit_urgent(_metadata, self);
		ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
		ASSERT_EQ(ring_wait_nr(&self->r, 8), 0);
		helper_join(&self->h);
		alone = ring_ready(&self->r) == 1;
		if (alone) {
			ASSERT_TRUE(ring_peek(&self->r, &cqe));
			EXPECT_EQ(cqe.user_data, 1);
			ASSERT_EQ(ring_wait_nr(&self->r, 1), 0);
			EXPECT_EQ(ring_take(&self->r), 3);
		} else {
			EXPECT_EQ(ring_take(&self->r), 4);
		}
		EXPECT_EQ(eventfd_count(self->efd), 1);
		EXPECT_COUNTERS(&self->r, tries, tries, 3 * tries);
	}
	EXPECT_EQ(alone, 1);
}

/* RWF_URGENT is not held, but leaves a wait for several alone. */
TEST_F(gather, rwf_urgent)
{
	use_eventfd(_metadata, self);
	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
		 1)->rw_flags = RWF_URGENT;
	ASSERT_EQ(ring_submit(&self->r), 1);
	ASSERT_EQ(write(self->pipe[1], "x", 1), 1);
	expect_signal(_metadata, self, 1);
	EXPECT_COUNTERS(&self->r, 1, 0, 0);
}

/* A barrier is held as long as one before it is outstanding. */
TEST_F(gather, barrier)
{
	int other[2];

	ASSERT_EQ(pipe(other), 0);
	use_eventfd(_metadata, self);
	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
		 1)->rw_flags = RWF_BARRIER;
	ring_sqe(&self->r, IORING_OP_READ, other[0], self->buf, 1, 0,
		 2)->rw_flags = RWF_BARRIER;
	ASSERT_EQ(ring_submit(&self->r), 2);

	ASSERT_EQ(write(other[1], "x", 1), 1);
	expect_signal(_metadata, self, 1);
	EXPECT_COUNTERS(&self->r, 1, 0, 1);
	ASSERT_EQ(write(self->pipe[1], "x", 1), 1);
	expect_signal(_metadata, self, 1);
	EXPECT_COUNTERS(&self->r, 2, 0, 1);
}

/* It takes with it what is held, here three polls: they are nobody's prefix. */
TEST_F(gather, barrier_ends_batch)
{
	unsigned int nr;

	use_eventfd(_metadata, self);
	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
		 1)->rw_flags = RWF_BARRIER;
	ASSERT_EQ(ring_submit(&self->r), 1);
	submit_polls(_metadata, self, 3);
	signal_eventfd(&self->efd);
	ASSERT_EQ(write(self->pipe[1], "x", 1), 1);
	for (nr = 0; nr < 4; nr += ring_take(&self->r)) {
		EXPECT_GE(eventfd_count(self->ring_efd), 1);
		ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
	}
	EXPECT_EQ(nr, 4);
	/* whether or not Δ had passed before the write, the barrier was not held */
	EXPECT_EQ(gathered(&self->r), 3);
}

/* --- eventfd and poll -------------------------------------------------------------------- */

TEST_F(gather, eventfd)
{
	use_eventfd(_metadata, self);
	submit_polls(_metadata, self, 4);
	signal_eventfd(&self->efd);
	expect_signal(_metadata, self, 4);
	EXPECT_COUNTERS(&self->r, 1, 0, 4);
}

/* The kernel's other way to tell the counters says the same. */
TEST_F(gather, fdinfo)
{
	unsigned long long wakeups = 0, urgent = 0, held = 0, group = 0;
	char path[64], text[8192], *p;

	use_eventfd(_metadata, self);
	ring_poll(&self->r, self->efd, 1)->flags = IOSQE_URGENT;
	ASSERT_EQ(ring_submit(&self->r), 1);
	submit_polls(_metadata, self, 4);
	signal_eventfd(&self->efd);
	while (ring_wait_nr(&self->r, 0) == 0 && ring_ready(&self->r) < 5)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->r.fd);
	ASSERT_GT(file_read(path, text, sizeof(text)), 0);
	p = strstr(text, "CintGroup:");
	ASSERT_NE(p, NULL);
	ASSERT_EQ(sscanf(p, "CintGroup: %llu CintWakeups: %llu "
			 "CintUrgentWakeups: %llu CintGathered: %llu", &group,
			 &wakeups, &urgent, &held), 4);
	EXPECT_GT(group, 0);
	EXPECT_GE(wakeups, 1);
	EXPECT_EQ(urgent, 1);
	EXPECT_EQ(held, 4);
	EXPECT_COUNTERS(&self->r, wakeups, urgent, held);
}

/* Nobody is to be told, so nothing is held; who looks finds it at once. */
TEST_F(gather, nobody_to_tell)
{
	submit_polls(_metadata, self, 4);
	signal_eventfd(&self->efd);
	ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_COUNTERS(&self->r, 0, 0, 0);
}

/* poll() is told late, too, and finds what there is when asked again. */
TEST_F(gather, poll)
{
	struct pollfd p = { .fd = self->r.fd, .events = POLLIN };

	ASSERT_EQ(poll(&p, 1, 0), 0);
	submit_polls(_metadata, self, 4);
	ASSERT_EQ(helper_start(&self->h, signal_eventfd, &self->efd), 0);
	ASSERT_EQ(poll(&p, 1, -1), 1);
	helper_join(&self->h);
	EXPECT_EQ(p.revents, POLLIN);
	EXPECT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	EXPECT_COUNTERS(&self->r, 1, 0, 4);
}

TEST_F(gather, epoll)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, self->r.fd, &ev), 0);
	ASSERT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	submit_polls(_metadata, self, 4);
	signal_eventfd(&self->efd);
	ASSERT_EQ(epoll_wait(ep, &ev, 1, -1), 1);
	ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
	EXPECT_EQ(ring_take(&self->r), 4);
	EXPECT_COUNTERS(&self->r, 1, 0, 4);
	close(ep);
}

/* --- classes of requests ------------------------------------------------------------------ */

/* A completion that is counted but does not wake: of network receive. */
TEST_F(gather, network_receive)
{
	static const struct {
		int type, op;
	} cases[] = {
		{ SOCK_STREAM, IORING_OP_RECV }, { SOCK_DGRAM, IORING_OP_RECV },
		{ SOCK_STREAM, IORING_OP_RECVMSG }, { SOCK_DGRAM, IORING_OP_RECVMSG },
		{ SOCK_STREAM, IORING_OP_READ },
	};
	struct iovec iov = { .iov_base = self->buf, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t i;
	int sv[2];

	use_eventfd(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(socketpair(AF_UNIX, cases[i].type, 0, sv), 0);
		ring_sqe(&self->r, cases[i].op, sv[0],
			 cases[i].op == IORING_OP_RECVMSG ? (void *)&msg : self->buf,
			 1, 0, 1);
		ASSERT_EQ(ring_submit(&self->r), 1);
		ASSERT_EQ(write(sv[1], "x", 1), 1);
		expect_signal(_metadata, self, 1);
		EXPECT_COUNTERS(&self->r, i + 1, 0, i + 1);
		close(sv[0]);
		close(sv[1]);
	}
}

/* What a worker completes is not held, as it is not left for later on stock either. */
TEST_F(gather, worker)
{
	int memfd = memfd_create("cint", 0);

	use_eventfd(_metadata, self);
	ASSERT_EQ(ftruncate(memfd, BLOCK), 0);
	ring_sqe(&self->r, IORING_OP_READ, memfd, self->buf, 1, 0, 1)->flags =
		IOSQE_ASYNC;
	ASSERT_EQ(ring_submit(&self->r), 1);
	expect_signal(_metadata, self, 1);
	EXPECT_EQ(gathered(&self->r), 0);
	ring_sqe(&self->r, IORING_OP_FSYNC, memfd, NULL, 0, 0, 1);
	ASSERT_EQ(ring_submit(&self->r), 1);
	expect_signal(_metadata, self, 1);
	EXPECT_EQ(gathered(&self->r), 0);
	close(memfd);
}

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
TEST_F(gather, drained_behind_a_worker)
{
	struct fifo fifo;

	open_by_worker(_metadata, &self->r, &fifo);
	ring_sqe(&self->r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags =
		IOSQE_IO_DRAIN;
	expect_both(_metadata, &self->r, &fifo);
}

/* So does a timeout that waits for one completion. */
TEST_F(gather, counted_behind_a_worker)
{
	struct __kernel_timespec hour = { .tv_sec = 3600 };
	struct fifo fifo;

	open_by_worker(_metadata, &self->r, &fifo);
	ring_sqe(&self->r, IORING_OP_TIMEOUT, -1, &hour, 1, 1, 2);
	expect_both(_metadata, &self->r, &fifo);
}

/* An eventfd that is told of what workers complete is told by them. */
TEST_F(gather, eventfd_of_a_worker)
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

/* Each event of a multishot request is held as a completion is. */
TEST_F(gather, multishot)
{
	struct io_uring_cqe cqe;
	int i;

	use_eventfd(_metadata, self);
	ring_poll(&self->r, self->efd, 1)->len = IORING_POLL_ADD_MULTI;
	ASSERT_EQ(ring_submit(&self->r), 1);
	for (i = 1; i <= 3; i++) {
		signal_eventfd(&self->efd);
		EXPECT_EQ(eventfd_count(self->ring_efd), 1);
		ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
		ASSERT_TRUE(ring_peek(&self->r, &cqe));
		EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
		EXPECT_EQ(eventfd_count(self->efd), 1);
		EXPECT_EQ(eventfd_count(self->ring_efd), 1);
		EXPECT_COUNTERS(&self->r, i, 0, i);
	}
}

/* The completion of a link's first starts the next: it is not held. */
TEST_F(gather, linked)
{
	use_eventfd(_metadata, self);
	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
		 1)->flags = IOSQE_IO_LINK;
	ring_poll(&self->r, self->efd, 2);
	ASSERT_EQ(ring_submit(&self->r), 2);
	ASSERT_EQ(write(self->pipe[1], "x", 1), 1);
	ASSERT_EQ(ring_wait_nr(&self->r, 1), 0);
	EXPECT_EQ(ring_take(&self->r), 1);
	EXPECT_EQ(gathered(&self->r), 0);
	/* that of its last one is, once it has started */
	ASSERT_EQ(ring_wait_nr(&self->r, 0), 0);
	signal_eventfd(&self->efd);
	ASSERT_EQ(ring_wait_nr(&self->r, 1), 0);
	EXPECT_EQ(ring_take(&self->r), 1);
	EXPECT_EQ(gathered(&self->r), 1);
}

/* Neither is what a drained request waits for. */
TEST_F(gather, drained)
{
	use_eventfd(_metadata, self);
	ring_poll(&self->r, self->efd, 1);
	ring_sqe(&self->r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(ring_submit(&self->r), 2);
	signal_eventfd(&self->efd);
	ASSERT_EQ(ring_wait_nr(&self->r, 2), 0);
	EXPECT_EQ(ring_take(&self->r), 2);
	EXPECT_EQ(gathered(&self->r), 0);
}

/* Nor are timeouts, exclusive polls, and what other rings post here. */
TEST_F(gather, delivered_at_once)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct __kernel_timespec ts = { .tv_nsec = 1000 };
	socklen_t len = sizeof(addr);
	struct ring other;
	int lfd, cfd;

	use_eventfd(_metadata, self);
	ring_sqe(&self->r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 1);
	ASSERT_EQ(ring_submit(&self->r), 1);
	expect_signal(_metadata, self, 1);
	EXPECT_COUNTERS(&self->r, 1, 0, 0);

	lfd = socket(AF_INET, SOCK_STREAM, 0);
	cfd = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(bind(lfd, (void *)&addr, len), 0);
	ASSERT_EQ(listen(lfd, 4), 0);
	ASSERT_EQ(getsockname(lfd, (void *)&addr, &len), 0);
	ring_sqe(&self->r, IORING_OP_ACCEPT, lfd, NULL, 0, 0, 1);
	ASSERT_EQ(ring_submit(&self->r), 1);
	ASSERT_EQ(connect(cfd, (void *)&addr, len), 0);
	expect_signal(_metadata, self, 1);
	EXPECT_COUNTERS(&self->r, 2, 0, 0);

	ASSERT_EQ(ring_open(&other, 4, 0), 0);
	ring_sqe(&other, IORING_OP_MSG_RING, self->r.fd, NULL, 1, 2, 3);
	EXPECT_EQ(ring_do(&other), 0);
	expect_signal(_metadata, self, 1);
	/* this one is not the ring's own, and not counted */
	EXPECT_COUNTERS(&self->r, 2, 0, 0);
	ring_close(&other);
}

/* --- rings that do not gather ----------------------------------------------------------------- */

TEST(other_rings)
{
	static const unsigned int flags[] = {
		0, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SQPOLL,
		IORING_SETUP_SINGLE_ISSUER,
	};
	int efd = eventfd(0, 0);
	struct io_uring_cqe cqe;
	struct ring r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(ring_open(&r, 8, flags[i]), 0);
		ASSERT_EQ(set_params(&r, CINT_POLICY_CINT, 64), 0);
		ring_poll(&r, efd, 1);
		ASSERT_EQ(ring_submit(&r), 1);
		syscall(__NR_io_uring_enter, r.fd, 0, 0,
			IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT, NULL, 0);
		signal_eventfd(&efd);
		ASSERT_EQ(ring_wait(&r, &cqe), 0);
		EXPECT_EQ(cqe.res, POLLIN);
		EXPECT_EQ(eventfd_count(efd), 1);
		EXPECT_COUNTERS(&r, 0, 0, 0);
		ring_close(&r);
	}
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * IOSQE_URGENT wakes whoever waits for a ring's completions, whatever their
 * number, on every kind of ring and for every class of opcode; and nothing else
 * does. A wait here has no timeout: without the mark it would not end.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "wait.h"

#define MANY	8	/* more than there will ever be */

FIXTURE(wakeup)
{
	struct ring r;
	struct helper h;
	int never[2];
	int pipe[2];
	char buf[64];
};

FIXTURE_VARIANT(wakeup)
{
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(wakeup, plain)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(wakeup, coop_taskrun)
{
	.flags = IORING_SETUP_COOP_TASKRUN,
};

FIXTURE_VARIANT_ADD(wakeup, defer_taskrun)
{
	.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

FIXTURE_VARIANT_ADD(wakeup, sqpoll)
{
	.flags = IORING_SETUP_SQPOLL,
};

FIXTURE_SETUP(wakeup)
{
	int i, ret = ring_open(&self->r, 64, variant->flags);

	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "io_uring is not available: %s", strerror(-ret));
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(pipe(self->never), 0);
	ASSERT_EQ(pipe(self->pipe), 0);
	for (i = 0; i < MANY; i++)
		ring_sqe(&self->r, IORING_OP_READ, self->never[0], self->buf, 1,
			 0, 1000 + i);
	ASSERT_EQ(ring_submit_woken(&self->r), 0);
}

FIXTURE_TEARDOWN(wakeup)
{
	ring_close(&self->r);
}

/* The wait ends with this one alone. */
#define EXPECT_ONLY(r, data, result) do {				\
	struct io_uring_cqe only;					\
									\
	ASSERT_TRUE(ring_peek(r, &only));				\
	EXPECT_EQ(only.user_data, (uint64_t)(data));			\
	EXPECT_EQ(only.res, (result));					\
	EXPECT_FALSE(ring_peek(r, &only));				\
} while (0)

TEST_F(wakeup, completed_on_submission)
{
	struct ring *r = &self->r;

	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(ring_wait_nr(r, MANY), 0);
	EXPECT_ONLY(r, 1, 0);
}

TEST_F(wakeup, completed_while_waiting)
{
	struct io_uring_cint_ring reg;
	struct ring *r = &self->r;

	ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 1)->flags =
		IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
	ASSERT_EQ(ring_wait_nr(r, MANY), 0);
	helper_join(&self->h);
	EXPECT_ONLY(r, 1, 1);

	ASSERT_EQ(ring_query_wakeups(r, &reg), 0);
	EXPECT_EQ(reg.urgent_wakeups, 1);
	EXPECT_EQ(reg.wakeups, 1);
	EXPECT_EQ(reg.gathered, 0);
}

/* So it does by the flags of the operation, of a read as of a barrier behind none. */
TEST_F(wakeup, rw_flags)
{
	static const int marks[] = { RWF_URGENT, RWF_BARRIER };
	struct ring *r = &self->r;
	int i;

	for (i = 0; i < 2; i++) {
		ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
			 i)->rw_flags = marks[i];
		ASSERT_EQ(ring_submit_woken(r), 0);
		ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		helper_join(&self->h);
		EXPECT_ONLY(r, i, 1);
	}
}

/* Also if the operation fails before it has begun. */
TEST_F(wakeup, rw_flags_of_what_fails)
{
	static const int marks[] = { RWF_URGENT, RWF_BARRIER };
	struct ring *r = &self->r;
	struct io_uring_cqe cqe;
	int i;

	for (i = 0; i < 2; i++) {
		ring_sqe(r, IORING_OP_READ, self->pipe[1], self->buf, 1, 0,
			 i)->rw_flags = marks[i];
		ASSERT_EQ(ring_submit_woken(r), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		ASSERT_TRUE(ring_peek(r, &cqe));
		EXPECT_EQ(cqe.user_data, i);
		EXPECT_EQ(cqe.res, -EBADF);

		/* before it is prepared */
		ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
			 i)->rw_flags = marks[i];
		r->sqes[(*r->sq_tail) & *r->sq_mask].ioprio = 0xffff;
		ASSERT_EQ(ring_submit_woken(r), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		ASSERT_TRUE(ring_peek(r, &cqe));
		EXPECT_EQ(cqe.user_data, i);
		EXPECT_LT(cqe.res, 0);

		/* or is cancelled, as what it is linked to has failed */
		ring_sqe(r, IORING_OP_READ, self->pipe[1], self->buf, 1, 0,
			 10)->flags = IOSQE_IO_LINK;
		ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0,
			 11)->rw_flags = marks[i];
		ASSERT_EQ(ring_submit_woken(r), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		EXPECT_EQ(ring_take(r), 2);
	}
}

/* And if its file has an old-fashioned write. */
TEST_F(wakeup, rw_flags_of_a_plain_write)
{
	static const int marks[] = { RWF_URGENT, RWF_BARRIER };
	struct ring *r = &self->r;
	int i, fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;

	ASSERT_GE(fd, 0);
	for (i = 0; i < 2; i++) {
		ring_sqe(r, IORING_OP_WRITE, fd, &one, sizeof(one), 0,
			 i)->rw_flags = marks[i];
		ASSERT_EQ(ring_submit_woken(r), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		EXPECT_ONLY(r, i, sizeof(one));
	}
	close(fd);
}

/* A minimum wait is no reason to let it wait. */
TEST_F(wakeup, min_wait)
{
	struct io_uring_getevents_arg arg = { .min_wait_usec = 3600000000u };
	struct ring *r = &self->r;
	int ret;

	ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 1)->flags =
		IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
	ret = syscall(__NR_io_uring_enter, r->fd, 0, MANY,
		      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		      sizeof(arg));
	helper_join(&self->h);
	ASSERT_EQ(ret, 0);
	EXPECT_ONLY(r, 1, 1);
}

/* One that nobody has taken is a reason not to wait; one that was is none. */
TEST_F(wakeup, until_taken)
{
	struct ring *r = &self->r;
	int i;

	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(r), 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		EXPECT_EQ(ring_ready(r), 1);
	}
	EXPECT_ONLY(r, 1, 0);

	/* the next wait must last until both are there */
	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
	ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 3);
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
	ASSERT_EQ(ring_wait_nr(r, 2), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(r), 2);
}

/* Those before it do not end the wait, and it does not wait for others. */
TEST_F(wakeup, after_unmarked_ones)
{
	struct ring *r = &self->r;

	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
	ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 3)->flags =
		IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
	ASSERT_EQ(ring_wait_nr(r, MANY), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(r), 3);
}

/* Without a CQE there is nothing to be told of. */
TEST_F(wakeup, skipped_cqe)
{
	struct io_uring_cqe cqe;
	struct ring *r = &self->r;

	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags =
		IOSQE_URGENT | IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 2);
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
	ASSERT_EQ(ring_wait_nr(r, 1), 0);
	helper_join(&self->h);
	EXPECT_ONLY(r, 2, 1);

	/* if it fails, there is one after all */
	ring_sqe(r, IORING_OP_READ, -1, self->buf, 1, 0, 3)->flags =
		IOSQE_URGENT | IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(ring_wait_nr(r, MANY), 0);
	ASSERT_TRUE(ring_peek(r, &cqe));
	EXPECT_EQ(cqe.res, -EBADF);
}

/* In a link, wherever it stands. */
TEST_F(wakeup, linked)
{
	struct ring *r = &self->r;

	ring_sqe(r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 1)->flags =
		IOSQE_IO_LINK;
	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags =
		IOSQE_URGENT | IOSQE_IO_LINK;
	ring_sqe(r, IORING_OP_READ, self->never[0], self->buf, 1, 0, 3);
	ASSERT_EQ(ring_submit_woken(r), 0);
	ASSERT_EQ(helper_start(&self->h, write_byte, &self->pipe[1]), 0);
	ASSERT_EQ(ring_wait_nr(r, MANY), 0);
	helper_join(&self->h);
	EXPECT_EQ(ring_take(r), 2);
}

/* Each CQE of a multishot request is urgent. */
TEST_F(wakeup, multishot)
{
	struct io_uring_cqe cqe;
	struct ring *r = &self->r;
	int i, efd = eventfd(0, EFD_NONBLOCK);

	ASSERT_GE(efd, 0);
	ring_poll(r, efd, 1)->flags = IOSQE_URGENT;
	r->sqes[*r->sq_tail & *r->sq_mask].len = IORING_POLL_ADD_MULTI;
	ASSERT_EQ(ring_submit_woken(r), 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(helper_start(&self->h, signal_eventfd, &efd), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0);
		helper_join(&self->h);
		EXPECT_EQ(eventfd_count(efd), 1);
		ASSERT_TRUE(ring_peek(r, &cqe));
		EXPECT_EQ(cqe.user_data, 1);
		EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
	}
	close(efd);
}

/* So many times 64 unmarked ones, and one that is urgent. */
static void submit_too_many(struct __test_metadata *_metadata, struct ring *r,
			    unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds * 64; i++) {
		ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
		if (i % 64 == 63)
			ASSERT_EQ(ring_submit_woken(r), 0);
	}
	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(r), 0);
}

/* What has no room in the CQ ring is there as soon as there is room. */
TEST_F(wakeup, overflow)
{
	struct io_uring_cqe cqe;
	struct ring *r = &self->r;
	unsigned int nr = 0;
	bool seen = false;

	if (variant->flags & IORING_SETUP_SQPOLL)
		SKIP(return, "what overflows is up to the ring's own thread");
	submit_too_many(_metadata, r, 3);
	nr = ring_take(r);
	ASSERT_GE(nr, 64);
	while (!seen) {
		ASSERT_EQ(ring_wait_nr(r, 4096), 0);
		while (ring_peek(r, &cqe)) {
			seen |= cqe.user_data == 2;
			nr++;
		}
	}
	EXPECT_EQ(nr, 3 * 64 + 1);
}

/* Also for who has waited while there was none, with what came before left over. */
TEST_F(wakeup, overflow_for_long)
{
	struct io_uring_cqe cqe;
	struct ring *r = &self->r;
	unsigned int nr = 0;
	bool seen = false;

	if (variant->flags & IORING_SETUP_SQPOLL)
		SKIP(return, "what overflows is up to the ring's own thread");
	submit_too_many(_metadata, r, 6);
	while (!seen) {
		/* not for more than there are, and then for more */
		ASSERT_EQ(ring_wait_nr(r, 1), 0);
		while (ring_peek(r, &cqe)) {
			seen |= cqe.user_data == 2;
			nr++;
		}
		ASSERT_EQ(seen ? 0 : ring_wait_nr(r, 4096), 0);
	}
	EXPECT_EQ(nr, 6 * 64 + 1);
}

static void *wait_for_many(void *arg)
{
	return (void *)(long)ring_wait_nr(arg, MANY);
}

/* All who wait are woken. */
TEST_F(wakeup, several_waiters)
{
	pthread_t threads[3];
	void *ret;
	int i;

	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		SKIP(return, "one task alone waits on such a ring");
	ring_sqe(&self->r, IORING_OP_READ, self->pipe[0], self->buf, 1, 0, 1)->flags =
		IOSQE_URGENT;
	ASSERT_EQ(ring_submit_woken(&self->r), 0);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, wait_for_many,
					 &self->r), 0);
	write_byte(&self->pipe[1]);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(pthread_join(threads[i], &ret), 0);
		EXPECT_EQ((long)ret, 0);
	}
	EXPECT_ONLY(&self->r, 1, 1);
}

/* --- classes of opcodes ---------------------------------------------------------- */

static struct sockaddr_in listening(int *fd)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	if (*fd >= 0 && (bind(*fd, (void *)&addr, len) || listen(*fd, 4) ||
			 getsockname(*fd, (void *)&addr, &len))) {
		close(*fd);
		*fd = -1;
	}
	return addr;
}

static void connect_to(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, arg, sizeof(struct sockaddr_in)))
		perror("connect");
}

static uint32_t futex_word;

/* The thread of an SQPOLL ring may not be there yet: it then finds the word so. */
static void wake_futex(void *arg)
{
	__atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void nothing(void *arg)
{
}

TEST_F(wakeup, every_class_of_opcode)
{
	static const char *const what[] = {
		"poll", "recv", "recvmsg", "accept", "timeout", "futex",
		"fsync", "async read", "openat", "cancelled read",
	};
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct iovec iov = { .iov_base = self->buf, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int sv[2], efd = eventfd(0, 0), memfd = memfd_create("cint", 0), lfd;
	struct sockaddr_in addr = listening(&lfd);
	struct ring *r = &self->r;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	size_t i;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ASSERT_GE(lfd, 0);
	ASSERT_EQ(ftruncate(memfd, 4096), 0);
	for (i = 0; i < ARRAY_SIZE(what); i++) {
		void (*action)(void *) = nothing;
		void *arg = NULL;

		switch (i) {
		case 0:
			sqe = ring_poll(r, efd, 1);
			action = signal_eventfd;
			arg = &efd;
			break;
		case 1:
			sqe = ring_sqe(r, IORING_OP_RECV, sv[0], self->buf, 1, 0, 1);
			action = write_byte;
			arg = &sv[1];
			break;
		case 2:
			sqe = ring_sqe(r, IORING_OP_RECVMSG, sv[0], &msg, 1, 0, 1);
			action = write_byte;
			arg = &sv[1];
			break;
		case 3:
			sqe = ring_sqe(r, IORING_OP_ACCEPT, lfd, NULL, 0, 0, 1);
			action = connect_to;
			arg = &addr;
			break;
		case 4:
			sqe = ring_sqe(r, IORING_OP_TIMEOUT, -1, &ts, 1, 0, 1);
			break;
		case 5:
			sqe = ring_sqe(r, IORING_OP_FUTEX_WAIT, FUTEX2_SIZE_U32 |
				       FUTEX2_PRIVATE, &futex_word, 0, 0, 1);
			sqe->addr3 = FUTEX_BITSET_MATCH_ANY;
			futex_word = 0;
			action = wake_futex;
			break;
		case 6:
			sqe = ring_sqe(r, IORING_OP_FSYNC, memfd, NULL, 0, 0, 1);
			break;
		case 7:
			sqe = ring_sqe(r, IORING_OP_READ, memfd, self->buf, 1, 0, 1);
			sqe->flags |= IOSQE_ASYNC;
			break;
		case 8:
			sqe = ring_sqe(r, IORING_OP_OPENAT, AT_FDCWD, "/proc", 0, 0, 1);
			sqe->flags |= IOSQE_ASYNC;
			break;
		default:
			sqe = ring_sqe(r, IORING_OP_READ, self->never[0],
				       self->buf, 1, 0, 1);
			sqe->flags |= IOSQE_URGENT;
			ASSERT_EQ(ring_submit_woken(r), 0);
			sqe = ring_sqe(r, IORING_OP_ASYNC_CANCEL, -1, (void *)1UL,
				       0, 0, 2);
			sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		}
		if (i < ARRAY_SIZE(what) - 1)
			sqe->flags |= IOSQE_URGENT;
		ASSERT_EQ(ring_submit_woken(r), 0);
		if (action != nothing)
			ASSERT_EQ(helper_start(&self->h, action, arg), 0);
		ASSERT_EQ(ring_wait_nr(r, MANY), 0) TH_LOG("%s", what[i]);
		if (action != nothing)
			helper_join(&self->h);
		ASSERT_TRUE(ring_peek(r, &cqe)) TH_LOG("%s", what[i]);
		EXPECT_EQ(cqe.user_data, 1) TH_LOG("%s", what[i]);
		EXPECT_NE(cqe.res, -EINVAL) TH_LOG("%s", what[i]);
		EXPECT_FALSE(ring_peek(r, &cqe)) TH_LOG("%s", what[i]);
	}
}

/* --- a task that polls ------------------------------------------------------------ */

static bool can_poll(const char *ns)
{
	char path[96], text[16];

	snprintf(path, sizeof(path), "/sys/block/%s/queue/io_poll",
		 strrchr(ns, '/') + 1);
	return file_read(path, text, sizeof(text)) > 0 && text[0] == '1';
}

/*
 * Reads of 20 ms and one that is as fast as the drive: the wait for all ends with
 * the urgent one. Should the machine be slower than that it is tried again.
 */
TEST(iopoll)
{
	static const unsigned int flags[] = {
		IORING_SETUP_IOPOLL, IORING_SETUP_IOPOLL |
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	enum { SLOW = 4, TRIES = 50 };
	struct io_uring_cqe cqe;
	int slow, fast, tries, i;
	struct device d;
	const char *why = device_find(&d);
	unsigned int kind;
	struct ring r;
	char *buf;

	if (!why && !*d.slow)
		why = "no namespace that takes 20 ms";
	if (!why && !can_poll(d.ns))
		why = "no queues for polling (nvme.poll_queues=N)";
	if (why)
		SKIP(return, "%s", why);
	slow = open(d.slow, O_RDONLY | O_DIRECT);
	fast = open(d.ns, O_RDONLY | O_DIRECT);
	ASSERT_GE(slow, 0);
	ASSERT_GE(fast, 0);
	buf = buffer_alloc((SLOW + 1) * BLOCK);
	for (kind = 0; kind < ARRAY_SIZE(flags); kind++) {
		bool alone = false;

		ASSERT_EQ(ring_open(&r, 16, flags[kind]), 0);
		for (tries = 0; tries < TRIES && !alone; tries++) {
			int left = SLOW + 1;

			for (i = 0; i < SLOW; i++)
				ring_sqe(&r, IORING_OP_READ, slow,
					 buf + i * BLOCK, BLOCK, i * BLOCK, i);
			ring_sqe(&r, IORING_OP_READ, fast, buf + SLOW * BLOCK,
				 BLOCK, 0, SLOW)->flags = IOSQE_URGENT;
			ASSERT_EQ(ring_submit(&r), SLOW + 1);
			ASSERT_EQ(ring_wait_nr(&r, SLOW + 1), 0);
			alone = ring_ready(&r) < SLOW + 1;
			while (left) {
				while (ring_peek(&r, &cqe)) {
					ASSERT_EQ(cqe.res, BLOCK);
					left--;
				}
				ASSERT_EQ(ring_wait_nr(&r, left ? 1 : 0), 0);
			}
		}
		EXPECT_TRUE(alone);
		ring_close(&r);
	}
}

TEST_HARNESS_MAIN

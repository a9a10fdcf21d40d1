// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Where an urgent request cannot simply be followed by the library's SQE: a full
 * or tiny SQ ring, links, drains, an SQE that is not the last, multishot requests, polled
 * rings.  Urgency is kept by other means; the requests are never changed in what they do,
 * nor are the application's own timeouts.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include "ring.h"

#define ENTRIES	8

static unsigned int flags;

/* The second half of a link has no place: waits are for one. */
static void full_ring(unsigned int setup)
{
	struct test_ring t;
	unsigned int i;

	if (!test_attach(&t, ENTRIES, setup, NULL, flags))
		return;
	for (i = 0; i < 4; i++) {
		test_stuck(&t, ENTRIES - 1);
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
		CHECK_EQ(test_stats(&t).links, 0);
		CHECK(cint_submit(t.cring) >= 0);
		CHECK_EQ(*t.ring.sq.kdropped, 0);
		test_ends_wait(&t, ENTRIES);
	}
	if (test_library_waits(&t))
		CHECK_EQ(test_stats(&t).outstanding, 4 * (ENTRIES - 1));
	test_detach(&t);
}

/* Of a ring of one there is never a second place. */
static void tiny_ring(void)
{
	struct test_ring t;

	if (!test_attach(&t, 1, TEST_DEFER, NULL, flags))
		return;
	test_stuck(&t, 1);
	CHECK_EQ(io_uring_submit(&t.ring), 1);
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK_EQ(io_uring_submit(&t.ring), 1);
	CHECK_EQ(test_stats(&t).links, 0);
	test_ends_wait(&t, 2);
	test_detach(&t);
}

static void nops(struct test_ring *t, unsigned int nr, unsigned int sqe_flags)
{
	struct io_uring_sqe *sqe;

	while (nr--) {
		sqe = test_sqe(t);
		io_uring_prep_nop(sqe);
		sqe->flags = (__u8)sqe_flags;
	}
}

/* At the end of a chain: the chain stays whole. */
static void end_of_chain(void)
{
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr, got;
	bool urgent;

	CHECK(test_attach(&t, ENTRIES, TEST_DEFER, NULL, flags));
	nops(&t, 2, IOSQE_IO_LINK);
	nops(&t, 1, IOSQE_IO_HARDLINK);
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK_EQ(test_stats(&t).links, test_has_links(&t));
	test_finish(&t);
	CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 4, test_limit(), NULL) > 0);
	urgent = test_take(&t, &got);
	while (got < 4) {
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 0, test_limit(), NULL), 0);
		urgent |= test_take(&t, &nr);
		got += nr;
	}
	CHECK(urgent);
	CHECK_EQ(got, 4);
	test_detach(&t);
}

/* A cancelled chain cancels the pair: the library's CQE is not the application's. */
static void broken_chain(void)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct test_ring t;

	CHECK(test_attach(&t, ENTRIES, TEST_DEFER, NULL, flags));
	sqe = test_sqe(&t);
	io_uring_prep_read(sqe, -1, t.byte, 1, 0);
	sqe->flags = IOSQE_IO_LINK;
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 2, test_limit(), NULL) > 0);
	CHECK_EQ(cqe->res, -EBADF);
	cint_cqe_seen(t.cring, cqe);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, test_limit(), NULL), 0);
	CHECK_EQ(cqe->user_data, TEST_URGENT);
	CHECK_EQ(cqe->res, -ECANCELED);
	cint_cqe_seen(t.cring, cqe);
	CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1,
				&(struct __kernel_timespec) { .tv_nsec = 1000000 }, NULL), -ETIME);
	CHECK_EQ(io_uring_cq_ready(&t.ring), 0);
	test_leaves(&t, 0);
	test_detach(&t);
}

/*
 * What follows a linked request stays linked to it: a link timeout must find its
 * request, and a failure must cancel the next.
 */
static void inside_chain(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 2000000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int nr = 0;

	CHECK(test_attach(&t, ENTRIES, TEST_DEFER, NULL, flags));
	sqe = test_quick(&t);
	sqe->flags |= IOSQE_IO_LINK;
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK), IOSQE_IO_LINK);
	sqe = test_sqe(&t);
	io_uring_prep_link_timeout(sqe, &soon, 0);
	sqe->user_data = 1;
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(io_uring_sq_ready(&t.ring), 2);
	CHECK_EQ(io_uring_submit(&t.ring), 2);
	while (nr < 2) {
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 2, test_limit(), NULL), 0);
		for (; !cint_peek_cqe(t.cring, &cqe); nr++) {
			CHECK_EQ(cqe->res, cqe->user_data == 1 ? -ETIME : -ECANCELED);
			cint_cqe_seen(t.cring, cqe);
		}
	}
	CHECK_EQ(test_stats(&t).links, 0);

	/* urgent all the same */
	test_stuck(&t, 4);
	CHECK_EQ(io_uring_submit(&t.ring), 4);
	sqe = test_quick(&t);
	sqe->flags |= IOSQE_IO_HARDLINK;
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	test_stuck(&t, 1);
	CHECK_EQ(io_uring_submit(&t.ring), 2);
	test_ends_wait(&t, 6);
	test_detach(&t);
}

/* A mark set late, when there are SQEs behind: urgent by waits for one. */
static void not_last(void)
{
	struct io_uring_sqe *sqe;
	struct test_ring t, other;
	struct cint_stats before;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	CHECK(test_attach(&other, 32, TEST_DEFER, NULL, 0));
	test_stuck(&t, 10);
	sqe = test_quick(&t);
	test_stuck(&t, 10);
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(cint_submit(t.cring), 21);
	CHECK_EQ(test_stats(&t).links, 0);
	test_ends_wait(&t, 21);

	/* twice is once */
	sqe = test_quick(&t);
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(test_stats(&t).links, test_has_links(&t));
	if (test_library_waits(&t)) {
		/* an SQE of another ring, or one that is gone */
		CHECK_EQ(cint_set_urgent(other.cring, sqe), -EINVAL);
		CHECK_EQ(cint_set_barrier(other.cring, sqe), -EINVAL);
		CHECK_EQ(cint_submit(t.cring), 1 + test_has_links(&t));
		CHECK_EQ(cint_set_urgent(t.cring, sqe), -EINVAL);
		test_finish(&t);
		CHECK_EQ(cint_wait_cqes(t.cring, NULL, 20, test_limit(), NULL), 0);
		CHECK_EQ(test_drop(&t), 1);
		/* and is taken once: what comes now is not urgent */
		before = test_stats(&t);
		io_uring_prep_nop(test_sqe(&t));
		CHECK_EQ(cint_submit_and_wait_timeout(t.cring, NULL, 2,
				&(struct __kernel_timespec) { .tv_nsec = 5000000 }, NULL), 1);
		CHECK_EQ(test_drop(&t), 1);
		CHECK_EQ(test_stats(&t).ended_time, before.ended_time + 1);
	}
	/* urgent and the end of a batch */
	sqe = test_quick(&t);
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(cint_set_barrier(t.cring, sqe), 0);
	test_detach(&other);
	test_detach(&t);
}

/* What has no completion gets nothing behind it; what cannot be linked neither. */
static void not_linked(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	int i;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	test_stuck(&t, 10);
	sqe = test_sqe(&t);
	io_uring_prep_nop(sqe);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	sqe = test_sqe(&t);
	io_uring_prep_timeout(sqe, &soon, 0, 0);
	sqe->user_data = TEST_URGENT;
	CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	CHECK_EQ(cint_submit_and_wait_timeout(t.cring, &cqe, 11, test_limit(), NULL), 12);
	/* the kernel counts a timeout before it posts its CQE, and may return in between */
	while (!cqe)
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 11, test_limit(), NULL), 0);
	CHECK_EQ(cqe->user_data, TEST_URGENT);
	test_drop(&t);
	for (i = 0; i < 4; i++) {
		sqe = test_sqe(&t);
		/* newer than the headers: RECV_ZC */
		if (i == 0)
			io_uring_prep_rw(58, sqe, 0, NULL, 0, 0);
		if (i == 1)
			io_uring_prep_poll_multishot(sqe, 0, 1);
		if (i == 2)
			io_uring_prep_recv_multishot(sqe, 0, NULL, 0, 0);
		if (i == 3)
			io_uring_prep_multishot_accept(sqe, 0, NULL, NULL, 0);
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	}
	CHECK_EQ(test_stats(&t).links, 0);
	test_detach(&t);
}

/* Drains go on working: no CQE of the library is left out. */
static void drain(void)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i, nr;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	for (i = 0; i < 5; i++) {
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
		nops(&t, 1, IOSQE_IO_DRAIN);
		sqe = test_quick(&t);
		sqe->user_data = 2;
		sqe->flags = IOSQE_IO_DRAIN;
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
		test_finish(&t);
		test_finish(&t);
		for (nr = 0; nr < 3; nr++) {
			CHECK(cint_submit_and_wait_timeout(t.cring, &cqe, 1, test_limit(),
							   NULL) >= 0);
			CHECK(cqe);
			CHECK(!cint_cqe_is_internal(cqe));
			CHECK_EQ(cqe->res, cqe->user_data ? 1 : 0);
			cint_cqe_seen(t.cring, cqe);
		}
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1,
					&(struct __kernel_timespec) { .tv_nsec = 1000000 }, NULL),
			 -ETIME);
	}
	test_leaves(&t, 0);
	test_stuck(&t, 10);
	CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK(cint_submit(t.cring) > 0);
	test_ends_wait(&t, 11);
	test_detach(&t);
}

/*
 * The application's own timeout after four completions, beside urgent requests: it counts
 * no completion that is not there.
 */
static void count_timeout(bool early)
{
	struct __kernel_timespec second = { .tv_sec = 1 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	unsigned int i, done = 0;
	bool over = false;
	struct test_ring t;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	if (early) {
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
		CHECK(cint_submit(t.cring) > 0);
	}
	sqe = test_sqe(&t);
	io_uring_prep_timeout(sqe, &second, 4, 0);
	sqe->user_data = 7;
	for (i = early; i < 8; i++)
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
	CHECK(cint_submit(t.cring) > 0);
	while (!over) {
		if (done < 8)
			test_finish(&t);
		CHECK_EQ(cint_wait_cqes(t.cring, &cqe, 1, test_limit(), NULL), 0);
		while (!over && !cint_peek_cqe(t.cring, &cqe)) {
			over = cqe->user_data == 7;
			if (over)
				CHECK_EQ(cqe->res, 0);
			done += !over;
			cint_cqe_seen(t.cring, cqe);
		}
		/* its completion may come with the fifth */
		CHECK(done <= 5);
	}
	CHECK(done >= 4);
	test_detach(&t);
}

#define COMING	50000

/* CQEs such as links have come one by one while the application looks: it sees none. */
static void *come(void *arg)
{
	struct io_uring *ring = &((struct test_ring *)arg)->ring;
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < COMING; i++) {
		sqe = io_uring_get_sqe(ring);
		CHECK(sqe);
		io_uring_prep_nop(sqe);
		sqe->user_data = i == COMING - 1 ? 7 : CINT_UDATA;
		CHECK_EQ(io_uring_submit(ring), 1);
		while (io_uring_cq_ready(ring) == ring->cq.ring_entries)
			usleep(100);
	}
	return arg;
}

static void as_they_come(bool waits)
{
	const struct __kernel_timespec none = { 0 };
	struct io_uring_cqe *cqe;
	struct test_ring t;
	pthread_t thread;

	CHECK(test_attach(&t, ENTRIES, 0, NULL, CINT_RING_LINK | CINT_RING_SHARED));
	CHECK_EQ(pthread_create(&thread, NULL, come, &t), 0);
	do {
		if (waits)
			cint_wait_cqes(t.cring, &cqe, 1, &none, NULL);
		else
			cint_peek_cqe(t.cring, &cqe);
	} while (!cqe);
	CHECK_EQ(cqe->user_data, 7);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	test_detach(&t);
}

/* A polled ring takes no timeouts: a wait polls for one completion. */
static void polled(void)
{
	struct io_uring_cint params;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct test_ring t;
	unsigned int i, got = 0;
	char *buf, text[1024];
	int fd;

	fd = open(getenv("CINT_NVME") ?: "/dev/null", O_RDONLY | O_DIRECT);
	if (fd < 0)
		fd = open("/dev/null", O_RDONLY);
	CHECK(fd >= 0);
	buf = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cint_params_init(&params);
	CHECK(test_attach(&t, 32, IORING_SETUP_IOPOLL, &params, 0));
	cint_explain(t.cring, text, sizeof(text));
	if (cint_backend(t.cring) != CINT_BACKEND_KERNEL)
		CHECK(strstr(text, "polled"));
	for (i = 0; i < 8; i++) {
		sqe = test_sqe(&t);
		io_uring_prep_read(sqe, fd, buf, 4096, 0);
		CHECK_EQ(cint_set_urgent(t.cring, sqe), 0);
	}
	CHECK_EQ(io_uring_sq_ready(&t.ring), 8);
	CHECK_EQ(cint_submit_and_wait(t.cring, 8), 8);
	/* where the file cannot be polled the request says so; CINT_POLLED: it can */
	while (got < 8) {
		CHECK_EQ(cint_wait_cqe(t.cring, &cqe), 0);
		CHECK(cqe->res == 4096 ||
		      (cqe->res == -EOPNOTSUPP && !getenv("CINT_POLLED")));
		cint_cqe_seen(t.cring, cqe);
		got++;
	}
	test_detach(&t);
	munmap(buf, 4096);
	close(fd);
}

/*
 * The descriptor that the process registered, and has closed; as liburing says it up to
 * 2.7, and since, where io_uring_register() cannot be used by it.
 */
static void registered(unsigned int int_flags)
{
	struct test_ring t;
	int fd;

	CHECK(test_attach(&t, 32, TEST_DEFER, NULL, flags));
	fd = t.ring.ring_fd;
	if (io_uring_register_ring_fd(&t.ring) == 1) {
		t.ring.ring_fd = -1;
		t.ring.int_flags = (__u8)int_flags;
		test_stuck(&t, 10);
		CHECK_EQ(cint_set_urgent(t.cring, test_quick(&t)), 0);
		CHECK(cint_submit_and_wait_timeout(t.cring, NULL, 11,
				&(struct __kernel_timespec) { .tv_nsec = 1000000 }, NULL) > 0);
		test_ends_wait(&t, 11);
	}
	t.ring.ring_fd = fd;
	test_detach(&t);
}

static void all(void)
{
	full_ring(TEST_DEFER);
	full_ring(0);
	full_ring(IORING_SETUP_SQPOLL);
	tiny_ring();
	end_of_chain();
	broken_chain();
	inside_chain();
	not_last();
	not_linked();
	drain();
	count_timeout(false);
	count_timeout(true);
	registered(1);
	registered(IORING_ENTER_REGISTERED_RING);
	registered(IORING_ENTER_REGISTERED_RING | 1);
}

int main(void)
{
	test_ring_or_skip();
	for (flags = 0; flags <= CINT_RING_LINK; flags += CINT_RING_LINK) {
		test_with_backend("timeout", all);
		test_with_backend("min-wait", all);
		all();
	}
	as_they_come(false);
	as_they_come(true);
	polled();
	return test_end();
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings that liburing did not map, played in memory by a kernel of the test's: what to
 * wait for is that of a plain list of requests, whatever the order in which they complete,
 * over the end of the indices, with requests that have no CQE or many, and with SQEs that
 * the kernel leaves.  And what a handle of such a ring does not do: call liburing's exit.
 */
#include "helpers.h"

#define SQ	32U
#define CQ	64U
#define MAX	48U

struct request {
	__u64	user_data;
	bool	urgent, barrier, skip;
	bool	given, done, taken, multishot;
};

/* As the kernel lays it out, for its offsets to find. */
static struct {
	unsigned int sq_head, sq_tail, sq_flags, sq_dropped, cq_head, cq_tail, cq_overflow;
	struct io_uring_cqe cqes[CQ] __attribute__((aligned(64)));
} rings;

static struct io_uring_sqe sqes[SQ];
static struct request list[MAX];	/* in their order, those that are not forgotten */
static unsigned int nr;
static struct cint_ring *cring;
static int fd = -1;

static unsigned int next_random(unsigned int range)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 33) % range;
}

static void attach(unsigned int start, unsigned int setup)
{
	struct io_uring_params p = {
		.sq_entries	= SQ,
		.cq_entries	= CQ,
		.flags		= setup,
		.features	= IORING_FEAT_SINGLE_MMAP | IORING_FEAT_EXT_ARG,
		.sq_off		= { .head = 0, .tail = 4, .flags = 8, .dropped = 12 },
		.cq_off		= { .head = 16, .tail = 20, .overflow = 24,
				    .cqes = (unsigned int)((char *)rings.cqes - (char *)&rings) },
	};

	memset(&rings, 0, sizeof(rings));
	rings.sq_head = rings.sq_tail = start;
	rings.cq_head = rings.cq_tail = start + 1000;
	nr = 0;
	CHECK_EQ(cint_attach_mapped(fd, &p, &rings, &rings, sqes, NULL, 0, &cring), 0);
	CHECK_EQ(cint_backend(cring), CINT_BACKEND_TIMEOUT);
}

/* The application: an SQE, and its tail. */
static void submit(unsigned int values, bool barriers)
{
	struct io_uring_sqe *sqe = &sqes[rings.sq_tail & (SQ - 1)];
	struct request *r = &list[nr];
	bool first = !nr++;

	*r = (struct request) {
		.user_data = (__u64)next_random(values) << 6,
		.urgent = !next_random(8),
		.barrier = barriers && (first || !next_random(8)),
		.skip = !first && !next_random(8),
		.multishot = !next_random(8),
	};
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = r->user_data;
	sqe->flags = r->skip ? IOSQE_CQE_SKIP_SUCCESS : 0;
	if (r->urgent)
		CHECK_EQ(cint_set_urgent(cring, sqe), 0);
	if (r->barrier)
		CHECK_EQ(cint_set_barrier(cring, sqe), r->skip ? -EINVAL : 0);
	rings.sq_tail++;
}

/* The kernel takes some of the SQEs. */
static void take_sqes(unsigned int most)
{
	unsigned int i;

	for (i = 0; i < nr && most; i++) {
		if (!list[i].given) {
			list[i].given = true;
			rings.sq_head++;
			most--;
		}
	}
}

/* What was taken is forgotten, but a barrier only with all that is before it. */
static void remove_request(unsigned int i)
{
	unsigned int j, kept = 0;
	bool left = false;

	list[i].taken = true;
	for (j = 0; j < nr; j++) {
		if (!list[j].taken || (list[j].barrier && left))
			list[kept++] = list[j];
		left |= !list[j].taken && !list[j].skip;
	}
	nr = kept;
}

/* The kernel completes one; of those with the same user_data the oldest, as the book has it. */
static void complete(unsigned int i)
{
	unsigned int j;
	bool last;

	for (j = 0; list[j].user_data != list[i].user_data || list[j].done || list[j].skip; j++) {
		if (j == i)
			break;
	}
	if (!list[j].given || list[j].done)
		return;
	if (list[j].skip) {
		remove_request(j);
		return;
	}
	if (rings.cq_tail - rings.cq_head == CQ)
		return;
	last = !list[j].multishot || !next_random(4);
	list[j].done = last;
	rings.cqes[rings.cq_tail++ & (CQ - 1)] = (struct io_uring_cqe) {
		.user_data = list[j].user_data, .flags = last ? 0 : IORING_CQE_F_MORE,
	};
}

/* The application takes a CQE, and tells. */
static void take_cqe(bool tells)
{
	const struct io_uring_cqe *cqe = &rings.cqes[rings.cq_head & (CQ - 1)];
	unsigned int i;

	if (rings.cq_head == rings.cq_tail)
		return;
	if (tells)
		cint_cqe_taken(cring, cqe);
	rings.cq_head++;
	if (cqe->flags & IORING_CQE_F_MORE)
		return;
	for (i = 0; list[i].taken || !list[i].done || list[i].user_data != cqe->user_data; i++)
		CHECK(i < nr);
	remove_request(i);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * What is worth waiting for, without parameters.  The CQEs of multishot requests are taken
 * for requests until they are taken, which makes no wait longer.
 */
static unsigned int expected(unsigned int wait_nr)
{
	unsigned int ready = rings.cq_tail - rings.cq_head, outstanding = 0, left = 0, i;
	unsigned int urgent = 0, prefix = 0, want = wait_nr;

	for (i = 0; i < nr; i++) {
		if (list[i].skip)
			continue;
		left += !list[i].taken;
		outstanding += !list[i].done;
		urgent += list[i].urgent && !list[i].taken;
		if (list[i].barrier && !prefix)
			prefix = left;
	}
	for (i = rings.cq_head; i != rings.cq_tail; i++)
		outstanding -= rings.cqes[i & (CQ - 1)].flags & IORING_CQE_F_MORE && outstanding;
	if (ready && !wait_nr)
		return 0;
	if (urgent)
		want = 1;
	if (prefix)
		want = least(want, prefix);
	want = least(want, ready + outstanding);
	if (ready && want <= ready)
		return 0;
	return want ? want : 1;
}

static void run(unsigned int start, unsigned int values, unsigned int setup, bool barriers)
{
	struct cint_wait_plan plan;
	struct cint_stats stats;
	unsigned int i, wait_nr, outstanding;

	attach(start, setup);
	for (i = 0; i < 2000; i++) {
		switch (next_random(6)) {
		case 0:
		case 1:
			if (nr < MAX - 1 && rings.sq_tail - rings.sq_head < SQ)
				submit(values, barriers);
			break;
		case 2:
			take_sqes(next_random(SQ));
			break;
		case 3:
			if (nr)
				complete(next_random(nr));
			break;
		case 4:
			take_cqe(true);
			break;
		default:
			wait_nr = next_random(40);
			cint_plan(cring, wait_nr, setup ? 0 : rings.sq_tail - rings.sq_head, &plan);
			CHECK_EQ(plan.wait_nr, expected(wait_nr));
			CHECK_EQ(plan.hold_ns | plan.reserved, 0);
		}
	}
	/* all of them end, and none is left */
	take_sqes(SQ);
	while (nr) {
		complete(next_random(nr));
		take_cqe(true);
	}
	for (outstanding = 0; outstanding < 3; outstanding++)
		submit(values, false);
	list[0].skip = list[1].skip = list[2].skip = false;
	take_sqes(3);
	cint_plan(cring, 1, 0, &plan);
	cint_get_stats(cring, &stats);
	CHECK(stats.outstanding <= 3);
	cint_detach(cring);
}

int main(void)
{
	unsigned int i;

	/* soon at the end of the indices, or of half of them */
	for (i = 0; i < 1024; i++)
		run((i & 8 ? 0 : 1U << 31) - next_random(100), i & 1 && i & 4 ? 3 : 1U << 31,
		    i & 2 ? IORING_SETUP_SQPOLL : 0, i & 4);
	/* the ring stays the application's, and its descriptor */
	fd = memfd_create("ring", 0);
	CHECK(fd >= 0);
	attach(0, 0);
	cint_queue_exit(cring);
	CHECK_EQ(close(fd), 0);
	memset(sqes, 0, sizeof(sqes));
	return test_end();
}

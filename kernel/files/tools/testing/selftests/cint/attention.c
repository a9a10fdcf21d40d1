// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that never wait: they spin on a completion ring in user space, or ask
 * for events without waiting for any. Nobody is told that they look, and their
 * completions come as they do with mode off all the same.
 *
 * All delays are as long as they may be, 10 ms, so that a completion that is held
 * shows. Judged is the mean latency, by its ratio to that of mode off.
 *
 * CINT_LATENCY_PERCENT: how much of mode off's it may be, 400 by default; 105 where
 * time is virtual. It is at least 100.
 *
 * A program that has always completions left to read need not be interrupted for
 * others. CINT_BEHIND_PERCENT: for how many of its requests it may be, 100 by default.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "interrupts.h"
#include "ring.h"

#define READS		500	/* of each thread */
#define WARM_UP		20	/* more, not counted */
#define MAX_DEPTH	4
#define ROUNDS		3	/* the better one counts: machines have pauses */

/* What the kernel keeps of libaio's in the program's memory. */
struct aio_ring {
	unsigned int id, nr, head, tail;
	unsigned int magic, compat, incompat, header_length;
	struct io_event events[];
};

struct reader {
	const char *path;
	bool aio, ask;
	int cpu, depth;
	pthread_t thread;
	pthread_barrier_t *together;	/* all of them begin */
	struct ring ring;
	aio_context_t ctx;
	int fd;
	char *buf;
	/* results */
	uint64_t mean_ns;
	int error;
};

static int submit(struct reader *r, int slot, int i)
{
	/* far enough from each other that none are merged */
	uint64_t offset = (uint64_t)(i % 1000) * 4 * BLOCK;
	struct iocb iocb, *list = &iocb;

	if (!r->aio) {
		ring_sqe(&r->ring, IORING_OP_READ, r->fd, r->buf + slot * BLOCK,
			 BLOCK, offset, slot);
		return ring_submit(&r->ring) == 1 ? 0 : -EIO;
	}
	memset(&iocb, 0, sizeof(iocb));
	iocb.aio_lio_opcode = IOCB_CMD_PREAD;
	iocb.aio_fildes = r->fd;
	iocb.aio_buf = (unsigned long)r->buf + slot * BLOCK;
	iocb.aio_nbytes = BLOCK;
	iocb.aio_offset = offset;
	iocb.aio_data = slot;
	return syscall(__NR_io_submit, r->ctx, 1, &list) == 1 ? 0 : -errno;
}

/* Looks once: is there a completion? Its slot is left in @slot. */
static bool look(struct reader *r, int *slot, int *res)
{
	struct aio_ring *aio = (struct aio_ring *)r->ctx;
	struct io_uring_cqe cqe;
	struct io_event event;

	if (!r->aio) {
		if (r->ask)
			syscall(__NR_io_uring_enter, r->ring.fd, 0, 0,
				IORING_ENTER_GETEVENTS, NULL, 0);
		if (!ring_peek(&r->ring, &cqe))
			return false;
		*slot = cqe.user_data;
		*res = cqe.res;
		return true;
	}
	if (r->ask) {
		struct timespec none = { };

		if (syscall(__NR_io_getevents, r->ctx, 0, 1, &event, &none) != 1)
			return false;
	} else {
		if (__atomic_load_n(&aio->tail, __ATOMIC_ACQUIRE) == aio->head)
			return false;
		event = aio->events[aio->head];
		__atomic_store_n(&aio->head, (aio->head + 1) % aio->nr,
				 __ATOMIC_RELEASE);
	}
	*slot = event.data;
	*res = event.res;
	return true;
}

static void *read_all(void *arg)
{
	struct reader *r = arg;
	uint64_t began[MAX_DEPTH], sum = 0, now, until;
	int submitted = 0, done = 0, slot, res;

	run_on_cpu(r->cpu);
	pthread_barrier_wait(r->together);
	until = now_ns() + WAIT_SECONDS * 1000000000ULL;
	for (; submitted < r->depth && !r->error; submitted++) {
		began[submitted] = now_ns();
		r->error = submit(r, submitted, submitted);
	}
	while (done < READS + WARM_UP && !r->error) {
		if (!look(r, &slot, &res)) {
			if (now_ns() > until)
				r->error = -ETIME;
			continue;
		}
		now = now_ns();
		if (res != BLOCK)
			r->error = -EIO;
		if (done++ >= WARM_UP)
			sum += now - began[slot];
		if (submitted >= READS + WARM_UP)
			continue;
		began[slot] = now_ns();
		r->error = submit(r, slot, submitted++);
	}
	r->mean_ns = sum / READS;
	return NULL;
}

FIXTURE(attention)
{
	struct device d;
	struct device_saved saved;
	bool found;
	unsigned int percent;
};

FIXTURE_VARIANT(attention)
{
	bool aio;	/* libaio, or io_uring */
	bool ask;	/* for events, without waiting; or read the ring */
};

FIXTURE_VARIANT_ADD(attention, io_uring_spin) { };
FIXTURE_VARIANT_ADD(attention, io_uring_get_events) { .ask = true };
FIXTURE_VARIANT_ADD(attention, libaio_spin) { .aio = true };
FIXTURE_VARIANT_ADD(attention, libaio_get_events) { .aio = true, .ask = true };

FIXTURE_SETUP(attention)
{
	const char *why = device_find(&self->d), *env;

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	env = getenv("CINT_LATENCY_PERCENT");
	self->percent = env ? atoi(env) : 400;
	device_save(&self->d, &self->saved);
	self->found = true;
	ASSERT_EQ(device_hold_all(&self->d), 0);
	if (device_set(&self->d, "mode", "split"))
		SKIP(return, "mode split is refused on this controller");
}

FIXTURE_TEARDOWN(attention)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

/* The mean latency of all threads, or 0. */
static uint64_t measure(struct __test_metadata *_metadata,
			FIXTURE_DATA(attention) *self,
			const FIXTURE_VARIANT(attention) *variant, int threads,
			int depth)
{
	struct reader readers[2] = { };
	pthread_barrier_t together;
	uint64_t sum = 0;
	int i;

	EXPECT_EQ(pthread_barrier_init(&together, NULL, threads), 0);
	for (i = 0; i < threads; i++) {
		struct reader *r = &readers[i];

		r->together = &together;
		r->path = *self->d.fast ? self->d.fast : self->d.ns;
		r->aio = variant->aio;
		r->ask = variant->ask;
		r->cpu = i;
		r->depth = depth;
		r->fd = open(r->path, O_RDONLY | O_DIRECT);
		r->buf = buffer_alloc(MAX_DEPTH * BLOCK);
		EXPECT_GE(r->fd, 0);
		EXPECT_EQ(r->aio ? syscall(__NR_io_setup, 64, &r->ctx) :
			  ring_open(&r->ring, 16, 0), 0);
	}
	for (i = 0; i < threads; i++)
		EXPECT_EQ(pthread_create(&readers[i].thread, NULL, read_all,
					 &readers[i]), 0);
	for (i = 0; i < threads; i++) {
		struct reader *r = &readers[i];

		pthread_join(r->thread, NULL);
		EXPECT_EQ(r->error, 0);
		sum += r->mean_ns;
		if (r->aio)
			syscall(__NR_io_destroy, r->ctx);
		else
			ring_close(&r->ring);
		close(r->fd);
		free(r->buf);
	}
	pthread_barrier_destroy(&together);
	return sum / threads;
}

static void compare(struct __test_metadata *_metadata,
		    FIXTURE_DATA(attention) *self,
		    const FIXTURE_VARIANT(attention) *variant, int threads,
		    int depth)
{
	static const char *const modes[] = { "off", "split" };
	/* how two CPUs meet is not the same twice: to mode off twice the distance */
	unsigned int percent = 100 + (self->percent - 100) * threads;
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX }, mean;
	int i;

	if (threads > get_nprocs())
		SKIP(return, "%d CPUs are needed", threads);
	for (i = 0; i < 2 * ROUNDS; i++) {
		ASSERT_EQ(device_set(&self->d, "mode", modes[i % 2]), 0);
		/* the driver has to see first that nobody looks but itself */
		measure(_metadata, self, variant, threads, depth);
		mean = measure(_metadata, self, variant, threads, depth);
		if (mean < best[i % 2])
			best[i % 2] = mean;
	}
	TH_LOG("mode off %llu ns, split %llu ns", (unsigned long long)best[0],
	       (unsigned long long)best[1]);
	EXPECT_GT(best[0], 0);
	EXPECT_LE(best[1] * 100, best[0] * percent);
}

TEST_F_TIMEOUT(attention, one_at_a_time, 120)
{
	compare(_metadata, self, variant, 1, 1);
}

TEST_F_TIMEOUT(attention, four_at_a_time, 120)
{
	compare(_metadata, self, variant, 1, 4);
}

TEST_F_TIMEOUT(attention, one_at_a_time_on_two_cpus, 120)
{
	compare(_metadata, self, variant, 2, 1);
}

TEST_F_TIMEOUT(attention, four_at_a_time_on_two_cpus, 120)
{
	compare(_metadata, self, variant, 2, 4);
}

/* Keeps so many outstanding, reads one completion at a time, and has no time to wait. */
TEST_F_TIMEOUT(attention, behind, 120)
{
	enum { DEPTH = 128, NR = 6000, COUNT_FROM = 2000 };
	const char *env = getenv("CINT_BEHIND_PERCENT");
	unsigned int percent = env ? atoi(env) : 100, i;
	struct reader r = {
		.path = *self->d.fast ? self->d.fast : self->d.ns,
	};
	long long interrupts = 0, ticks = 0;
	struct io_uring_cqe cqe;

	if (variant->aio || variant->ask)
		SKIP(return, "for rings that are read in user space");
	ASSERT_EQ(device_set(&self->d, "policy", "cint-rate"), 0);
	ASSERT_EQ(device_set(&self->d, "threshold", "40"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_ns", "60000"), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "200000"), 0);
	ASSERT_EQ(run_on_cpu(0), 0);
	r.fd = open(r.path, O_RDONLY | O_DIRECT);
	r.buf = buffer_alloc(BLOCK);
	ASSERT_GE(r.fd, 0);
	ASSERT_EQ(ring_open(&r.ring, DEPTH, 0), 0);
	for (i = 0; i < NR + DEPTH; i++) {
		if (i == COUNT_FROM) {
			interrupts = interrupts_of(self->d.ctrl);
			ticks = device_stat(&self->d, "ticks");
		}
		if (i >= DEPTH) {
			while (!ring_peek(&r.ring, &cqe))
				;
			ASSERT_EQ(cqe.res, BLOCK);
		}
		if (i < NR)
			ASSERT_EQ(submit(&r, 0, i), 0);
		if (i == NR) {
			interrupts = interrupts_of(self->d.ctrl) - interrupts;
			ticks = device_stat(&self->d, "ticks") - ticks;
		}
	}
	TH_LOG("%lld interrupts and %lld ticks for %d requests", interrupts,
	       ticks, NR - COUNT_FROM);
	EXPECT_LE((interrupts + ticks) * 100,
		  (long long)(NR - COUNT_FROM) * percent);
	ring_close(&r.ring);
	close(r.fd);
	free(r.buf);
}

TEST_HARNESS_MAIN

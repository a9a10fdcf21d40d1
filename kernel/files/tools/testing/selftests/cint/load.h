/* SPDX-License-Identifier: GPL-2.0 */
/*
 * I/O whose data tells where it belongs, from several threads, for tests that do
 * something to the controller meanwhile: nothing is lost, delivered twice or mixed up.
 */
#ifndef CINT_SELFTEST_LOAD_H
#define CINT_SELFTEST_LOAD_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "ring.h"

#define DEPTH		32
#define REGION_BLOCKS	4096	/* of each thread */
#define MAX_THREADS	4

/*
 * One thread of the load: a ring with DEPTH requests in flight in a region of
 * its own. Each block is written with its own address and a generation, and
 * must read back as the last one written.
 */
struct worker {
	const struct device *d;
	int index;
	bool own_params;	/* and sleeps on while more is to come, cint_linger.c */
	bool errors_allowed;	/* the device may go away */
	volatile bool *stop;
	pthread_t thread;
	volatile bool started;	/* has submitted, or never will */
	/* results */
	unsigned long submitted, completed, twice, bad_data, failed, lost;
	int last_error;
	uint64_t silence_ns;	/* the longest time without a completion */
	int setup_error;
};

struct slot {
	bool busy, write;
	uint32_t block;
	uint32_t generation;
	char *buf;
};

static void fill(char *buf, uint64_t block, uint32_t generation)
{
	uint64_t *p = (uint64_t *)buf;
	size_t i;

	for (i = 0; i < BLOCK / sizeof(*p); i++)
		p[i] = (block << 32 | generation) ^ (i * 0x9e3779b97f4a7c15ULL);
}

static bool check(const char *buf, uint64_t block, uint32_t generation)
{
	const uint64_t *p = (const uint64_t *)buf;
	size_t i;

	for (i = 0; i < BLOCK / sizeof(*p); i++)
		if (p[i] != ((block << 32 | generation) ^
			     (i * 0x9e3779b97f4a7c15ULL)))
			return false;
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint32_t *generation = calloc(REGION_BLOCKS, sizeof(*generation));
	bool *in_flight = calloc(REGION_BLOCKS, sizeof(*in_flight));
	uint64_t base = (uint64_t)w->index * REGION_BLOCKS, rnd = w->index + 1;
	struct slot slots[DEPTH] = { };
	struct io_uring_cqe cqe;
	unsigned int busy = 0, i;
	uint64_t last, now;
	struct ring r;
	int fd, ret;

	fd = open(w->d->ns, O_RDWR | O_DIRECT);
	ret = ring_open(&r, 2 * DEPTH, w->own_params ?
			IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0);
	if (fd < 0 || ret || !generation || !in_flight) {
		w->setup_error = fd < 0 ? errno : -ret;
		w->started = true;
		return NULL;
	}
	if (w->own_params) {
		struct io_uring_cint reg = ring_params(CINT_POLICY_CINT_A, 8);

		reg.max_hold_ns = 2000000;
		w->setup_error = -ring_register(&r, REGISTER_CINT, &reg, 1);
	}
	for (i = 0; i < DEPTH; i++)
		slots[i].buf = buffer_alloc(BLOCK);

	last = now_ns();
	for (;;) {
		for (i = 0; i < DEPTH && !*w->stop; i++) {
			struct slot *s = &slots[i];
			struct io_uring_sqe *sqe;

			if (s->busy)
				continue;
			do {
				rnd = rnd * 6364136223846793005ULL + 1442695040888963407ULL;
				s->block = (rnd >> 33) % REGION_BLOCKS;
			} while (in_flight[s->block]);
			s->write = !generation[s->block] || rnd >> 63;
			if (s->write)
				fill(s->buf, base + s->block,
				     ++generation[s->block]);
			else
				memset(s->buf, 0, BLOCK);
			s->generation = generation[s->block];
			in_flight[s->block] = true;
			s->busy = true;
			busy++;
			sqe = ring_sqe(&r, s->write ? IORING_OP_WRITE :
				       IORING_OP_READ, fd, s->buf, BLOCK,
				       (base + s->block) * BLOCK, i);
			if ((rnd >> 40) % 8 == 0)
				sqe->flags = IOSQE_URGENT;
			if ((rnd >> 44) % 8 == 0)
				sqe->rw_flags = RWF_BARRIER;
			w->submitted++;
		}
		ret = r.queued ? ring_submit(&r) : 0;
		w->started = true;
		if (ret < 0) {
			w->failed++;
			break;
		}
		if (!busy && *w->stop)
			break;
		if (ring_wait(&r, &cqe)) {
			w->lost = busy;
			break;
		}
		now = now_ns();
		if (now - last > w->silence_ns)
			w->silence_ns = now - last;
		last = now;
		do {
			struct slot *s = &slots[cqe.user_data % DEPTH];

			if (!s->busy) {
				w->twice++;
				continue;
			}
			w->completed++;
			if (cqe.res != BLOCK) {
				w->failed += !w->errors_allowed;
				w->last_error = cqe.res;
				/* what is on the drive now is unknown */
				generation[s->block] = 0;
			} else if (!s->write && !check(s->buf, base + s->block,
						       s->generation)) {
				w->bad_data++;
			}
			in_flight[s->block] = false;
			s->busy = false;
			busy--;
		} while (ring_peek(&r, &cqe));
	}
	/* a second completion of anything would be here */
	sleep_ms(20);
	syscall(__NR_io_uring_enter, r.fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	while (ring_peek(&r, &cqe))
		w->twice++;
	ring_close(&r);
	close(fd);
	free(generation);
	free(in_flight);
	return NULL;
}

struct load {
	struct worker workers[MAX_THREADS];
	int nr;
	volatile bool stop;
};

static void load_start(struct __test_metadata *_metadata, struct load *load,
		       const struct device *d, bool errors_allowed)
{
	int i;

	memset(load, 0, sizeof(*load));
	load->nr = get_nprocs() < 2 ? 2 : get_nprocs() < MAX_THREADS ?
		get_nprocs() : MAX_THREADS;
	for (i = 0; i < load->nr; i++) {
		load->workers[i].d = d;
		load->workers[i].index = i;
		load->workers[i].own_params = i % 2;
		load->workers[i].errors_allowed = errors_allowed;
		load->workers[i].stop = &load->stop;
		ASSERT_EQ(pthread_create(&load->workers[i].thread, NULL, work,
					 &load->workers[i]), 0);
	}
	/* on a slow machine that may be long after they are made */
	for (i = 0; i < load->nr; i++)
		while (!load->workers[i].started)
			sleep_ms(1);
}

static void load_stop(struct __test_metadata *_metadata, struct load *load)
{
	int i;

	load->stop = true;
	for (i = 0; i < load->nr; i++) {
		struct worker *w = &load->workers[i];

		pthread_join(w->thread, NULL);
		EXPECT_EQ(w->setup_error, 0);
		EXPECT_GT(w->submitted, 0);
		EXPECT_EQ(w->completed, w->submitted);
		EXPECT_EQ(w->twice, 0);
		EXPECT_EQ(w->lost, 0);
		EXPECT_EQ(w->failed, 0)
			TH_LOG("the last of them with %d", w->last_error);
		EXPECT_EQ(w->bad_data, 0);
	}
}

#endif /* CINT_SELFTEST_LOAD_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the library brings on the running kernel:  measure-stock FILE [REQUESTS]
 *
 * Reads FILE (O_DIRECT, 4 KiB, at random) on plain liburing with wait_nr = 1 and with
 * a fixed batch, and on an attached ring with each backend; prints CSV.  Nothing here
 * passes or fails.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include "helpers.h"

#define BLOCK		4096
#define DEPTH		32
#define BATCH		16		/* of the fixed kind */
#define URGENT		1000		/* user_data */
#define ROUNDS		1000
#define MAX_REQUESTS	200000

static int fd, stuck_pipe[2];
static __u64 blocks;
static char *buffers;
static unsigned int requests = 20000;
static double samples[MAX_REQUESTS];

/* How a workload waits: nr completions by liburing, or by an attached ring. */
struct mode {
	const char	*name;
	const char	*backend;	/* of an attached ring, NULL: liburing's waits */
	unsigned int	wait_nr;
	bool		params;
	__u32		max_hold_ns;	/* 0: the default parameters */
	unsigned int	stuck;		/* requests that never complete */
};

/* Waiting for all that is outstanding, but one is marked. */
#define CINT_URGENT_MODE(which)								\
	{ .name = "among 31, cint " which " wait_nr=32", .backend = which,		\
	  .wait_nr = DEPTH, .stuck = DEPTH - 1 }

#define CINT_BULK_MODES(which)								\
	{ .name = "cint " which ", default parameters", .backend = which, .params = true }, \
	{ .name = "cint " which ", held up to 5 ms", .backend = which, .params = true,	\
	  .max_hold_ns = 5000000 }

struct result {
	double	seconds, cpu_us;
	double	median_us, p99_us, mean_us;	/* of urgent requests */
	__u64	calls, switches;
	__u64	bulk, urgent;
};

struct load {
	struct io_uring		ring;
	struct cint_ring	*cring;
	const struct mode	*mode;
	__u64			calls;
	double			*sample;
	struct result		result;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static __u64 random_block(void)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % blocks;
}

static void open_load(struct load *l, const struct mode *mode)
{
	struct io_uring_cint params;

	memset(l, 0, sizeof(*l));
	l->mode = mode;
	CHECK_EQ(io_uring_queue_init(4 * DEPTH, &l->ring, IORING_SETUP_SINGLE_ISSUER |
				     IORING_SETUP_DEFER_TASKRUN), 0);
	if (!mode->backend)
		return;
	cint_params_init(&params);
	if (mode->max_hold_ns) {
		params.delta_ns = mode->max_hold_ns;
		params.max_hold_ns = mode->max_hold_ns;
	}
	setenv("LIBURING_CINT_BACKEND", mode->backend, 1);
	CHECK_EQ(cint_attach(&l->ring, mode->params ? &params : NULL, 0, &l->cring), 0);
	if (strcmp(cint_backend_name(cint_backend(l->cring)), mode->backend))
		fprintf(stderr, "%s: %s is not to be had here, it is %s\n", mode->name,
			mode->backend, cint_backend_name(cint_backend(l->cring)));
}

static void close_load(struct load *l)
{
	cint_detach(l->cring);
	io_uring_queue_exit(&l->ring);
}

static void read_block(struct load *l, unsigned int slot, bool urgent)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	CHECK(sqe);
	io_uring_prep_read(sqe, fd, buffers + (size_t)slot * BLOCK, BLOCK, random_block() * BLOCK);
	sqe->user_data = urgent ? URGENT : slot;
	if (urgent && l->cring)
		CHECK_EQ(cint_set_urgent(l->cring, sqe), 0);
}

static void never_complete(struct load *l, unsigned int nr)
{
	static char byte;
	struct io_uring_sqe *sqe;

	while (nr--) {
		sqe = io_uring_get_sqe(&l->ring);
		io_uring_prep_read(sqe, stuck_pipe[0], &byte, 1, 0);
	}
	CHECK(io_uring_submit(&l->ring) >= 0);
}

static void submit_and_wait(struct load *l)
{
	struct __kernel_timespec limit = { .tv_nsec = 10000000 };
	struct cint_stats before, after;
	struct io_uring_cqe *cqe;
	int ret;

	if (l->cring) {
		cint_get_stats(l->cring, &before);
		ret = cint_submit_and_wait_timeout(l->cring, &cqe, l->mode->wait_nr, NULL, NULL);
		cint_get_stats(l->cring, &after);
		l->calls += after.enters - before.enters;
	} else {
		ret = io_uring_submit_and_wait_timeout(&l->ring, &cqe, l->mode->wait_nr,
						       l->mode->wait_nr > 1 ? &limit : NULL, NULL);
		l->calls++;
	}
	CHECK(ret >= 0 || ret == -ETIME);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void summarize(struct result *r, double *sample, unsigned int nr)
{
	double sum = 0;
	unsigned int i;

	if (!nr)
		return;
	for (i = 0; i < nr; i++)
		sum += sample[i];
	if (r->seconds == 0)
		r->seconds = sum / 1e6;
	qsort(sample, nr, sizeof(*sample), by_value);
	r->mean_us = sum / nr;
	r->median_us = sample[nr / 2];
	r->p99_us = sample[nr * 99 / 100];
	r->urgent = nr;
}

static void add_usage(struct result *r, const struct rusage *before, const struct rusage *after)
{
	r->cpu_us += cpu_us(after) - cpu_us(before);
	r->switches += (__u64)(after->ru_nvcsw - before->ru_nvcsw);
}

static void print(const char *workload, const struct mode *mode, const struct result *r)
{
	__u64 nr = r->bulk + r->urgent;

	printf("%s,\"%s\",%llu,%.3f,%.4f,%.4f,%.2f,%.1f,%.1f,%.1f,%llu\n", workload, mode->name,
	       (unsigned long long)nr, (double)nr / r->seconds, (double)r->calls / (double)nr,
	       (double)r->switches / (double)nr, r->cpu_us / (double)nr, r->median_us, r->mean_us,
	       r->p99_us, (unsigned long long)r->urgent);
	fflush(stdout);
}

/* One read at a time, the only thing that will complete. */
static void urgent_read(struct load *l, unsigned int round)
{
	struct rusage before, after;
	struct io_uring_cqe *cqe;
	double start;

	getrusage(RUSAGE_THREAD, &before);
	start = now_us();
	read_block(l, DEPTH, true);
	submit_and_wait(l);
	l->sample[round] = now_us() - start;
	getrusage(RUSAGE_THREAD, &after);
	CHECK_EQ(io_uring_peek_cqe(&l->ring, &cqe), 0);
	CHECK_EQ(cqe->res, BLOCK);
	CHECK_EQ(cqe->user_data, URGENT);
	io_uring_cqe_seen(&l->ring, cqe);
	CHECK_EQ(io_uring_cq_ready(&l->ring), 0);
	add_usage(&l->result, &before, &after);
}

/*
 * A read of somebody who waits for as many completions as are outstanding, of which
 * it is the only one to come.  The modes take turns, so that they meet the same
 * disturbances.
 */
static void urgent_among(const struct mode *modes, unsigned int nr_modes)
{
	static struct load loads[8];
	unsigned int i, round;

	for (i = 0; i < nr_modes; i++) {
		open_load(&loads[i], &modes[i]);
		never_complete(&loads[i], modes[i].stuck);
		loads[i].sample = malloc(ROUNDS * sizeof(double));
		CHECK(loads[i].sample);
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < nr_modes; i++)
			urgent_read(&loads[i], round);
	}
	for (i = 0; i < nr_modes; i++) {
		loads[i].result.calls = loads[i].calls;
		summarize(&loads[i].result, loads[i].sample, ROUNDS);
		print("urgent", &modes[i], &loads[i].result);
		free(loads[i].sample);
		close_load(&loads[i]);
	}
}

/* So many reads kept going, and one urgent one among them. */
static void bulk(const struct mode *mode, bool urgent)
{
	struct rusage before, after;
	struct io_uring_cqe *cqe;
	double start, issued = 0;
	unsigned int i, urgents = 0;
	struct load l;

	open_load(&l, mode);
	getrusage(RUSAGE_THREAD, &before);
	start = now_us();
	for (i = 0; i < DEPTH; i++)
		read_block(&l, i, false);
	if (urgent) {
		issued = now_us();
		read_block(&l, DEPTH, true);
	}
	while (l.result.bulk + urgents < requests) {
		submit_and_wait(&l);
		while (!io_uring_peek_cqe(&l.ring, &cqe)) {
			__u64 which = cqe->user_data;

			CHECK(!cint_cqe_is_internal(cqe));
			CHECK_EQ(cqe->res, BLOCK);
			io_uring_cqe_seen(&l.ring, cqe);
			if (which == URGENT) {
				samples[urgents++] = now_us() - issued;
				issued = now_us();
				read_block(&l, DEPTH, true);
			} else {
				l.result.bulk++;
				read_block(&l, (unsigned int)which, false);
			}
		}
	}
	l.result.seconds = (now_us() - start) / 1e6;
	getrusage(RUSAGE_THREAD, &after);
	add_usage(&l.result, &before, &after);
	l.result.calls = l.calls;
	summarize(&l.result, samples, urgents);
	print(urgent ? "bulk and urgent" : "bulk", mode, &l.result);
	close_load(&l);
}

int main(int argc, char **argv)
{
	static const struct mode urgent_modes[] = {
		{ .name = "lone read, liburing wait_nr=1", .wait_nr = 1 },
		{ .name = "among 31, liburing wait_nr=1", .wait_nr = 1, .stuck = DEPTH - 1 },
		CINT_URGENT_MODE("timeout"), CINT_URGENT_MODE("link"),
		CINT_URGENT_MODE("min-wait"), CINT_URGENT_MODE("kernel"),
	};
	static const struct mode bulk_modes[] = {
		{ .name = "liburing wait_nr=1", .wait_nr = 1 },
		{ .name = "liburing wait_nr=16", .wait_nr = BATCH },
		CINT_BULK_MODES("timeout"), CINT_BULK_MODES("link"),
		CINT_BULK_MODES("min-wait"), CINT_BULK_MODES("kernel"),
	};
	unsigned int i, m;
	off_t size;

	fd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECT) : -1;
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 1 << 20) {
		fprintf(stderr, "usage: measure-stock FILE [REQUESTS]; FILE has 1 MiB or more\n");
		return 1;
	}
	requests = argc > 2 ? (unsigned int)atoi(argv[2]) : requests;
	if (!requests || requests > MAX_REQUESTS) {
		fprintf(stderr, "measure-stock: %u requests; the range is 1 to %d\n", requests,
			MAX_REQUESTS);
		return 1;
	}
	blocks = (__u64)size / BLOCK;
	CHECK_EQ(posix_memalign((void **)&buffers, BLOCK, (DEPTH + 1) * BLOCK), 0);
	CHECK_EQ(pipe(stuck_pipe), 0);

	printf("workload,mode,requests,requests_per_s,calls_per_request,switches_per_request,"
	       "cpu_us_per_request,urgent_median_us,urgent_mean_us,urgent_p99_us,urgent_requests\n");
	urgent_among(urgent_modes, sizeof(urgent_modes) / sizeof(urgent_modes[0]));
	/* twice, for what else the machine does to show */
	for (i = 0; i < 4; i++) {
		for (m = 0; m < sizeof(bulk_modes) / sizeof(bulk_modes[0]); m++)
			bulk(&bulk_modes[m], i & 1);
	}
	return 0;
}

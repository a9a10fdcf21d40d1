// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What a wait that gathers saves and what it costs, on a drive that interrupts for
 * every completion: how often a task that waits for one completion at a time is
 * woken a request, and how long an urgent read takes among others that are
 * outstanding, against one that nothing else is waited for beside.
 *
 *	waits --file DEVICE [--reads N]
 *
 * Prints a line of "name value" pairs a case:
 *
 *	bulk		8 reads outstanding, waits for one; a ring without parameters,
 *			and with: wakeups (voluntary context switches) a read
 *	lone		one read at a time, no mark, no parameters: the time from its
 *			submission until the task has it
 *	urgent		the same of an urgent read, while 8 requests that do not
 *			complete are outstanding and the wait is for all of them
 *	urgent-held	the same, beside 8 completions that come, by a timer, while the
 *			read is on its way, and alone do not end the wait
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <liburing-cint.h>

#define BLOCK		4096
#define BLOCKS		(1 << 17)
#define DEPTH		8
#define WARM_UP		200
#define HELD_AFTER_NS	9000	/* the task sleeps by then, the drive still works */

static const char *file;
static unsigned long reads = 4000;
static uint64_t seed = 88172645463325252ULL;
static char *buffers;

static void die(const char *what, int error)
{
	fprintf(stderr, "waits: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static unsigned long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (unsigned long)usage.ru_nvcsw;
}

static void ring_open(struct io_uring *ring, bool gather)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	struct io_uring_cint params;
	int fd = open(file, O_RDONLY | O_DIRECT), ret;

	if (fd < 0)
		die(file, errno);
	ret = io_uring_queue_init_params(64, ring, &p);
	if (!ret)
		ret = io_uring_register_files(ring, &fd, 1);
	close(fd);
	if (!ret && gather) {
		cint_params_init(&params);
		ret = cint_register(ring, &params, NULL);
	}
	if (ret)
		die("ring", -ret);
}

static struct io_uring_sqe *queue_read(struct io_uring *ring, unsigned int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	io_uring_prep_read(sqe, 0, buffers + (size_t)slot * BLOCK, BLOCK,
			   seed % BLOCKS * BLOCK);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = slot;
	return sqe;
}

static void enter(struct io_uring *ring, unsigned int nr)
{
	int ret = io_uring_submit_and_wait(ring, nr);

	if (ret < 0 && ret != -EINTR)
		die("io_uring_enter", -ret);
}

static void bulk(bool gather)
{
	struct io_uring_cint_ring counters = { 0 };
	unsigned long done = 0, submitted, before = 0, waits = 0;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	uint64_t start = 0;

	ring_open(&ring, gather);
	for (submitted = 0; submitted < DEPTH; submitted++)
		queue_read(&ring, (unsigned int)submitted);
	while (done < WARM_UP + reads) {
		if (!before && done >= WARM_UP) {
			before = switches();
			start = now_ns();
		}
		enter(&ring, 1);
		waits++;
		while (!io_uring_peek_cqe(&ring, &cqe)) {
			if (cqe->res != BLOCK)
				die("read", cqe->res < 0 ? -cqe->res : EIO);
			if (submitted++ < WARM_UP + reads)
				queue_read(&ring, (unsigned int)cqe->user_data);
			io_uring_cqe_seen(&ring, cqe);
			done++;
		}
	}
	if (gather) {
		int ret = cint_query_ring(&ring, &counters);

		if (ret)
			die("cint_query_ring", -ret);
	}
	printf("case bulk gather %d wakeups_per_read %.4f iops %.0f counted_wakeups %llu counted_held %llu\n",
	       gather, (double)(switches() - before) / (double)reads,
	       (double)reads * 1e9 / (double)(now_ns() - start),
	       (unsigned long long)counters.wakeups,
	       (unsigned long long)counters.gathered);
	io_uring_queue_exit(&ring);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(const char *name, uint64_t *latency,
		   const struct io_uring_cint_ring *counters)
{
	double sum = 0;
	unsigned long i;

	qsort(latency, reads, sizeof(*latency), compare);
	for (i = 0; i < reads; i++)
		sum += (double)latency[i];
	printf("case %s mean_ns %.1f p50_ns %llu p99_ns %llu counted_wakeups %llu counted_held %llu\n",
	       name, sum / (double)reads, (unsigned long long)latency[reads / 2],
	       (unsigned long long)latency[reads - 1 - reads / 100],
	       (unsigned long long)counters->wakeups,
	       (unsigned long long)counters->gathered);
}

enum among { LONE, OUTSTANDING, HELD };

/* One read at a time, among others. */
static void latency(const char *name, enum among among)
{
	uint64_t *taken = calloc(reads, sizeof(*taken)), start, expired;
	const struct itimerspec soon = { .it_value.tv_nsec = HELD_AFTER_NS };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), i;
	struct io_uring_cint_ring counters = { 0 };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	unsigned long n;

	if (!taken || timer < 0)
		die("memory", ENOMEM);
	seed = 88172645463325252ULL;
	ring_open(&ring, among != LONE);
	for (n = 0; n < WARM_UP + reads; n++) {
		bool found = false;
		int others = 0;

		if (among == OUTSTANDING ? !n : among == HELD) {
			for (i = 0; i < DEPTH; i++) {
				sqe = io_uring_get_sqe(&ring);
				io_uring_prep_poll_add(sqe, timer, POLLIN);
				sqe->user_data = DEPTH;
			}
			io_uring_submit(&ring);
		}
		sqe = queue_read(&ring, 0);
		if (among != LONE)
			cint_sqe_set_urgent(sqe);
		if (among == HELD && timerfd_settime(timer, 0, &soon, NULL))
			die("timerfd_settime", errno);
		start = now_ns();
		enter(&ring, among == LONE ? 1 : DEPTH + 1);
		while (!found) {
			while (!io_uring_peek_cqe(&ring, &cqe)) {
				found |= !cqe->user_data;
				others += !!cqe->user_data;
				if (!cqe->user_data && cqe->res != BLOCK)
					die("read", EIO);
				io_uring_cqe_seen(&ring, cqe);
			}
			if (!found)
				enter(&ring, 1);
		}
		if (n >= WARM_UP)
			taken[n - WARM_UP] = now_ns() - start;
		/* the others, if they were not there already */
		for (i = among == HELD ? DEPTH - others : 0; i > 0; i--) {
			int ret = io_uring_wait_cqe(&ring, &cqe);

			if (ret)
				die("io_uring_wait_cqe", -ret);
			io_uring_cqe_seen(&ring, cqe);
		}
		if (among == HELD &&
		    read(timer, &expired, sizeof(expired)) != sizeof(expired))
			die("timerfd", errno);
	}
	if (among != LONE && (i = cint_query_ring(&ring, &counters)))
		die("cint_query_ring", -i);
	report(name, taken, &counters);
	io_uring_queue_exit(&ring);
	free(taken);
	close(timer);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--file"))
			file = argv[i + 1];
		else if (!strcmp(argv[i], "--reads"))
			reads = strtoul(argv[i + 1], NULL, 10);
		else
			break;
	}
	if (i < argc || !file || reads < 100 || reads > 1000000) {
		fprintf(stderr, "Usage: waits --file DEVICE [--reads N], N 100..1000000\n");
		return 2;
	}
	if (posix_memalign((void **)&buffers, BLOCK, DEPTH * BLOCK))
		die("memory", ENOMEM);
	bulk(false);
	bulk(true);
	latency("lone", LONE);
	latency("urgent", OUTSTANDING);
	latency("urgent-held", HELD);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the library brings on the running kernel, beside liburing by itself:
 *	measure-stock FILE [REQUESTS [ROUNDS]]
 *
 * Three programs: reads of FILE (O_DIRECT, 4 KiB, at random) at depth 32, one urgent read
 * among 31 requests that never complete, and an echo server for eight clients.  The ways
 * to wait take turns, round by round, so that they meet the same disturbances.  Prints CSV.
 * Nothing here passes or fails.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include "helpers.h"

#define BLOCK		4096
#define DEPTH		32
#define URGENT		1000		/* user_data */
#define READS		100		/* urgent ones, a round */
#define CLIENTS		8
#define MESSAGES	500		/* of each client, a round */
#define MESSAGE		100		/* bytes */

static int fd, stuck_pipe[2];
static __u64 blocks;
static char *buffers;
static unsigned int requests = 4000, rounds = 15;

/* How a program waits. */
struct mode {
	const char	*name;
	unsigned int	wait_nr;
	bool		cint;
	bool		params;
	const char	*backend;	/* the best allowed, NULL: what is chosen by itself */
	unsigned int	flags;		/* CINT_RING_* */
	bool		alone;		/* without the requests that never complete */
};

struct result {
	double	seconds, cpu_us, median_us, p99_us;
	__u64	calls, switches, done;
};

struct load {
	struct io_uring		ring;
	struct cint_ring	*cring;
	const struct mode	*mode;
	struct cint_stats	before;
	struct result		result;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
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
	if (!mode->cint)
		return;
	cint_params_init(&params);
	if (mode->backend)
		setenv("LIBURING_CINT_BACKEND", mode->backend, 1);
	CHECK_EQ(cint_attach(&l->ring, mode->params ? &params : NULL, mode->flags, &l->cring), 0);
	unsetenv("LIBURING_CINT_BACKEND");
}

static void close_load(struct load *l)
{
	cint_detach(l->cring);
	io_uring_queue_exit(&l->ring);
}

/* Nobody waits for more than are left. */
static void submit_and_wait(struct load *l, unsigned int left)
{
	int ret;

	if (l->cring) {
		ret = cint_submit_and_wait(l->cring, l->mode->wait_nr);
	} else {
		ret = io_uring_submit_and_wait(&l->ring, l->mode->wait_nr < left ?
					       l->mode->wait_nr : left);
		l->result.calls++;
	}
	CHECK(ret >= 0);
}

/* The calls of one or the other. */
static struct io_uring_cqe *next_cqe(struct load *l)
{
	struct io_uring_cqe *cqe;

	if (l->cring ? cint_peek_cqe(l->cring, &cqe) : io_uring_peek_cqe(&l->ring, &cqe))
		return NULL;
	return cqe;
}

static void seen(struct load *l, struct io_uring_cqe *cqe)
{
	if (l->cring)
		cint_cqe_seen(l->cring, cqe);
	else
		io_uring_cqe_seen(&l->ring, cqe);
}

static void set_urgent(struct load *l, struct io_uring_sqe *sqe)
{
	if (l->cring)
		CHECK_EQ(cint_set_urgent(l->cring, sqe), 0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void begin(struct load *l, struct rusage *before)
{
	memset(&l->result, 0, sizeof(l->result));
	if (l->cring)
		cint_get_stats(l->cring, &l->before);
	getrusage(RUSAGE_THREAD, before);
	l->result.seconds = -now_us() / 1e6;
}

static double cpu_us(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static void end(struct load *l, const struct rusage *before, const char *workload)
{
	struct result *r = &l->result;
	double nr = (double)r->done;
	struct cint_stats stats;
	struct rusage after;

	r->seconds += now_us() / 1e6;
	getrusage(RUSAGE_THREAD, &after);
	r->cpu_us = cpu_us(&after) - cpu_us(before);
	if (l->cring) {
		cint_get_stats(l->cring, &stats);
		r->calls = stats.enters - l->before.enters;
	}
	r->switches = (__u64)(after.ru_nvcsw - before->ru_nvcsw);
	printf("%s,\"%s\",%s,%llu,%.1f,%.4f,%.4f,%.2f,%.1f,%.1f\n", workload, l->mode->name,
	       l->cring ? cint_backend_name(cint_backend(l->cring)) : "",
	       (unsigned long long)r->done, nr / r->seconds, (double)r->calls / nr,
	       (double)r->switches / nr, r->cpu_us / nr, r->median_us, r->p99_us);
	fflush(stdout);
}

static void read_block(struct load *l, unsigned int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	CHECK(sqe);
	io_uring_prep_read(sqe, fd, buffers + (size_t)slot * BLOCK, BLOCK, random_block() * BLOCK);
	sqe->user_data = slot;
	if (slot == DEPTH) {
		sqe->user_data = URGENT;
		set_urgent(l, sqe);
	}
}

static void bulk(struct load *l)
{
	unsigned int i, issued = DEPTH;
	struct io_uring_cqe *cqe;
	struct rusage before;

	begin(l, &before);
	for (i = 0; i < DEPTH; i++)
		read_block(l, i);
	while (l->result.done < requests) {
		submit_and_wait(l, requests - (unsigned int)l->result.done);
		while ((cqe = next_cqe(l))) {
			i = (unsigned int)cqe->user_data;
			CHECK_EQ(cqe->res, BLOCK);
			seen(l, cqe);
			l->result.done++;
			if (issued++ < requests)
				read_block(l, i);
		}
	}
	end(l, &before, "bulk");
}

static void urgent(struct load *l)
{
	static double sample[READS];
	struct io_uring_cqe *cqe;
	struct rusage before;
	double start;
	int i;

	begin(l, &before);
	for (i = 0; i < READS; i++) {
		start = now_us();
		read_block(l, DEPTH);
		submit_and_wait(l, 1);
		sample[i] = now_us() - start;
		cqe = next_cqe(l);
		CHECK(cqe);
		CHECK_EQ(cqe->user_data, URGENT);
		CHECK_EQ(cqe->res, BLOCK);
		seen(l, cqe);
		CHECK(!next_cqe(l));
	}
	qsort(sample, READS, sizeof(*sample), by_value);
	l->result.median_us = sample[READS / 2];
	l->result.p99_us = sample[READS * 99 / 100];
	l->result.done = READS;
	end(l, &before, "urgent");
}

static void never_complete(struct load *l)
{
	static char byte[DEPTH];
	struct io_uring_sqe *sqe;
	int i;

	for (i = 0; !l->mode->alone && i < DEPTH - 1; i++) {
		sqe = io_uring_get_sqe(&l->ring);
		io_uring_prep_read(sqe, stuck_pipe[0], &byte[i], 1, 0);
		sqe->user_data = (__u64)i;
	}
	CHECK(io_uring_submit(&l->ring) >= 0);
}

static unsigned short port;

static void *client(void *arg)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = port,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1, i;
	char out[MESSAGE], in[MESSAGE];

	CHECK_EQ(connect(s, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (i = 0; i < MESSAGES; i++) {
		memset(out, i, sizeof(out));
		CHECK_EQ(write(s, out, MESSAGE), MESSAGE);
		CHECK_EQ(recv(s, in, MESSAGE, MSG_WAITALL), MESSAGE);
		CHECK(!memcmp(in, out, MESSAGE));
	}
	close(s);
	return arg;
}

static void receive(struct load *l, unsigned int i, int s)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	io_uring_prep_recv(sqe, s, buffers + (size_t)i * BLOCK, BLOCK, 0);
	sqe->user_data = i;
	set_urgent(l, sqe);
}

/* Receives are urgent, sends are not; one request of each client at a time. */
static void echo(struct load *l)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), sockets[CLIENTS], on = 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	unsigned int i, open = CLIENTS;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	pthread_t thread[CLIENTS];
	struct rusage before;

	CHECK_EQ(bind(listener, (struct sockaddr *)&address, length), 0);
	CHECK_EQ(listen(listener, CLIENTS), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	port = address.sin_port;
	for (i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, client, NULL), 0);
	begin(l, &before);
	for (i = 0; i < CLIENTS; i++) {
		sockets[i] = accept(listener, NULL, NULL);
		CHECK(sockets[i] >= 0);
		setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		receive(l, i, sockets[i]);
	}
	while (open) {
		submit_and_wait(l, 1);
		while ((cqe = next_cqe(l))) {
			int res = cqe->res;

			i = (unsigned int)cqe->user_data;
			seen(l, cqe);
			if (i >= CLIENTS) {
				CHECK(res > 0);
				receive(l, i - CLIENTS, sockets[i - CLIENTS]);
			} else if (res > 0) {
				l->result.done++;
				sqe = io_uring_get_sqe(&l->ring);
				io_uring_prep_send(sqe, sockets[i], buffers + (size_t)i * BLOCK,
						   (size_t)res, MSG_WAITALL);
				sqe->user_data = CLIENTS + i;
			} else {
				close(sockets[i]);
				open--;
			}
		}
	}
	end(l, &before, "echo");
	for (i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	close(listener);
}

/* So many rounds of a workload, in which each mode has its turn, the first each time another. */
static void take_turns(const struct mode *modes, unsigned int nr,
		       void (*workload)(struct load *l), void (*prepare)(struct load *l))
{
	static struct load loads[8];
	unsigned int i, round;

	CHECK(nr <= 8);
	for (i = 0; i < nr; i++) {
		open_load(&loads[i], &modes[i]);
		if (prepare)
			prepare(&loads[i]);
	}
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < nr; i++)
			workload(&loads[(i + round) % nr]);
	}
	for (i = 0; i < nr; i++)
		close_load(&loads[i]);
}

#define NR(array)	(sizeof(array) / sizeof((array)[0]))

int main(int argc, char **argv)
{
	static const struct mode urgent_modes[] = {
		{ .name = "lone read, liburing wait_nr=1", .wait_nr = 1, .alone = true },
		{ .name = "among 31, liburing wait_nr=1", .wait_nr = 1 },
		{ .name = "among 31, cint wait_nr=32", .wait_nr = DEPTH, .cint = true },
		{ .name = "among 31, cint with links, wait_nr=32", .wait_nr = DEPTH, .cint = true,
		  .flags = CINT_RING_LINK },
	};
	static const struct mode bulk_modes[] = {
		{ .name = "liburing wait_nr=1", .wait_nr = 1 },
		{ .name = "liburing wait_nr=8", .wait_nr = 8 },
		{ .name = "liburing wait_nr=16", .wait_nr = 16 },
		{ .name = "cint, default parameters", .cint = true, .params = true },
		{ .name = "cint timeout, default parameters", .cint = true, .params = true,
		  .backend = "timeout" },
		{ .name = "cint, no parameters, wait_nr=1", .wait_nr = 1, .cint = true },
	};
	static const struct mode echo_modes[] = {
		{ .name = "liburing wait_nr=1", .wait_nr = 1 },
		{ .name = "cint, default parameters", .cint = true, .params = true },
		{ .name = "cint with links, default parameters", .cint = true, .params = true,
		  .flags = CINT_RING_LINK },
	};
	off_t size;

	fd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECT) : -1;
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 1 << 20) {
		fprintf(stderr, "usage: measure-stock FILE [REQUESTS [ROUNDS]]; "
			"FILE has 1 MiB or more\n");
		return 1;
	}
	requests = argc > 2 ? (unsigned int)atoi(argv[2]) : requests;
	rounds = argc > 3 ? (unsigned int)atoi(argv[3]) : rounds;
	if (requests < DEPTH || !rounds) {
		fprintf(stderr, "measure-stock: %u requests, %u rounds; at least %d and 1\n",
			requests, rounds, DEPTH);
		return 1;
	}
	blocks = (__u64)size / BLOCK;
	CHECK_EQ(posix_memalign((void **)&buffers, BLOCK, (DEPTH + 1) * BLOCK), 0);
	CHECK_EQ(pipe(stuck_pipe), 0);

	printf("workload,mode,backend,requests,requests_per_s,calls_per_request,"
	       "switches_per_request,cpu_us_per_request,median_us,p99_us\n");
	take_turns(urgent_modes, NR(urgent_modes), urgent, never_complete);
	take_turns(bulk_modes, NR(bulk_modes), bulk, NULL);
	take_turns(echo_modes, NR(echo_modes), echo, NULL);
	return 0;
}

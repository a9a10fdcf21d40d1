/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second thread that makes requests complete while the test waits for them.
 */
#ifndef CINT_SELFTEST_WAIT_H
#define CINT_SELFTEST_WAIT_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "device.h"
#include "ring.h"

/* A wait that does not end is what the tests are about; a slow machine is not. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

/* Is this thread asleep? */
static inline bool thread_sleeps(int tid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'S' || state == 'D';
}

struct helper {
	int tid;		/* who waits */
	void (*action)(void *arg);
	void *arg;
	pthread_t thread;
	uint64_t began;		/* the action, in ns, when helper_join() has returned */
};

static inline void *helper_run(void *arg)
{
	struct helper *h = arg;

	while (!thread_sleeps(h->tid))
		sched_yield();
	h->began = now_ns();
	h->action(h->arg);
	return NULL;
}

/* Have @action called by another thread as soon as this one sleeps. */
static inline int helper_start(struct helper *h, void (*action)(void *arg),
			       void *arg)
{
	*h = (struct helper) {
		.tid = syscall(__NR_gettid), .action = action, .arg = arg,
	};
	return -pthread_create(&h->thread, NULL, helper_run, h);
}

static inline void helper_join(struct helper *h)
{
	pthread_join(h->thread, NULL);
}

/* Wakes all that wait for the eventfd that @arg points to, in one go. */
static inline void signal_eventfd(void *arg)
{
	uint64_t one = 1;

	if (write(*(int *)arg, &one, sizeof(one)) != sizeof(one))
		perror("eventfd");
}

/* One into the pipe that @arg points to. */
static inline void write_byte(void *arg)
{
	if (write(*(int *)arg, "x", 1) != 1)
		perror("write");
}

/* How often the eventfd was signalled since this was called last. */
static inline uint64_t eventfd_count(int fd)
{
	uint64_t value = 0;

	if (read(fd, &value, sizeof(value)) != sizeof(value))
		return 0;
	return value;
}

/* A request that completes when something can be read from @fd. */
static inline struct io_uring_sqe *ring_poll(struct ring *r, int fd,
					     uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	sqe = ring_sqe(r, IORING_OP_POLL_ADD, fd, NULL, 0, 0, user_data);
	sqe->poll32_events = POLLIN;
	return sqe;
}

#endif /* CINT_SELFTEST_WAIT_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Rings with parameters of their own beside each other on one queue: the shorter
 * max_hold is kept, whoever submitted last; who waits does not wait for another user
 * who looks, or seems to; and thousands that come and go leave the others' I/O as it
 * was.
 *
 * CINT_MEDIUM_NS: a namespace whose commands take about a millisecond, by default the
 * slow one. CINT_CHURN: how many rings come and go, 1000 by default.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "load.h"
#include "nobody.h"
#include "ring.h"

#define WAITS		40
#define NS_PER_MS	1000000ULL
/* of the time alone; what is held too long takes an order of magnitude more */
#define RATIO		4

FIXTURE(sharing)
{
	struct device d;
	struct device_saved saved;
	bool found;
};

FIXTURE_VARIANT(sharing)
{
	const char *mode;
};

FIXTURE_VARIANT_ADD(sharing, split) { .mode = "split" };
FIXTURE_VARIANT_ADD(sharing, kthread) { .mode = "kthread" };

FIXTURE_SETUP(sharing)
{
	const char *why = device_find(&self->d);

	self->found = false;
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	self->found = true;
	/* the device's bounds are no bounds here */
	ASSERT_EQ(device_hold_all(&self->d), 0);
	if (device_set(&self->d, "mode", variant->mode))
		SKIP(return, "mode %s is refused on this controller",
		     variant->mode);
}

FIXTURE_TEARDOWN(sharing)
{
	if (self->found)
		device_restore(&self->d, &self->saved);
}

/* Two unmarked reads at a time, waited for: how long they take at the median. */
struct waiter {
	const char *path;
	int cpu;
	unsigned int max_hold_ns;	/* 0: by the device's defaults */
	uint64_t median_ns;
	int error;
};

static int open_ring(struct ring *r, unsigned int max_hold_ns)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 256);
	int ret = ring_open(r, 8, 0);

	/* neither threshold nor the quiescent period: max_hold alone */
	reg.delta_ns = max_hold_ns;
	reg.delta_min_ns = 0;
	reg.max_hold_ns = max_hold_ns;
	if (ret || !max_hold_ns)
		return ret;
	return ring_register(r, REGISTER_CINT, &reg, 1);
}

static void wait_often(struct waiter *w)
{
	int fd = open(w->path, O_RDONLY | O_DIRECT), i, k;
	char *buf = buffer_alloc(2 * BLOCK);
	struct io_uring_cqe cqe;
	uint64_t took[WAITS];
	struct ring r;

	run_on_cpu(w->cpu);
	w->error = fd < 0 ? -errno : open_ring(&r, w->max_hold_ns);
	if (w->error)
		return;
	for (i = 0; i < WAITS && !w->error; i++) {
		took[i] = now_ns();
		for (k = 0; k < 2; k++)
			queue_read(&r, fd, buf, k);
		ring_submit(&r);
		for (k = 0; k < 2 && !w->error; k++)
			w->error = ring_wait(&r, &cqe) ? -ETIME :
				cqe.res == BLOCK ? 0 : -EIO;
		took[i] = now_ns() - took[i];
	}
	qsort(took, WAITS, sizeof(took[0]), compare_times);
	w->median_ns = took[WAITS / 2];
	ring_close(&r);
	close(fd);
	free(buf);
}

/* Has requests outstanding all the time, and does not look for them. */
struct patient {
	const char *path;
	int cpu;
	unsigned int max_hold_ns;
	volatile bool stop, started;
	pthread_t thread;
	int error;
};

static void *be_patient(void *arg)
{
	struct patient *p = arg;
	int fd = open(p->path, O_RDONLY | O_DIRECT), busy = 0, i;
	char *buf = buffer_alloc(4 * BLOCK);
	struct io_uring_cqe cqe;
	struct ring r;

	run_on_cpu(p->cpu);
	p->error = fd < 0 ? -errno : open_ring(&r, p->max_hold_ns);
	if (p->error) {
		p->started = true;
		return NULL;
	}
	while (!p->stop) {
		for (i = 0; busy < 4; i++, busy++)
			queue_read(&r, fd, buf, i);
		if (r.queued)
			ring_submit(&r);
		p->started = true;
		usleep(500);
		while (ring_peek(&r, &cqe))
			busy--;
	}
	while (busy && !p->error) {
		p->error = ring_wait(&r, &cqe);
		busy--;
	}
	ring_close(&r);
	close(fd);
	free(buf);
	return NULL;
}

/* Does one hardware queue serve both CPUs, of each kind? */
static bool queues_are_shared(const char *ns)
{
	char path[96], cpus[64];
	int i, nr = 0, shared = 0;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/sys/block%s/mq/%d/cpu_list",
			 strrchr(ns, '/'), i);
		if (file_read(path, cpus, sizeof(cpus)) <= 0)
			break;
		nr++;
		shared += strchr(cpus, ',') != NULL;
	}
	return nr && shared == nr;
}

static void beside_a_patient_one(struct __test_metadata *_metadata,
				 FIXTURE_DATA(sharing) *self, int cpu)
{
	const char *ns = getenv("CINT_MEDIUM_NS") ?: self->d.slow;
	struct waiter w = { .path = ns, .max_hold_ns = 200000 };
	struct patient p = {
		.path = ns, .cpu = cpu, .max_hold_ns = CINT_DELAY_MAX_NS,
	};
	uint64_t alone;

	if (!*ns)
		SKIP(return, "no slow namespace");
	wait_often(&w);
	ASSERT_EQ(w.error, 0);
	alone = w.median_ns;
	ASSERT_EQ(pthread_create(&p.thread, NULL, be_patient, &p), 0);
	while (!p.started)
		sleep_ms(1);
	wait_often(&w);
	p.stop = true;
	pthread_join(p.thread, NULL);
	EXPECT_EQ(p.error, 0);
	EXPECT_EQ(w.error, 0);
	TH_LOG("with max_hold 0.2 ms: %llu us alone, %llu us beside one with 10 ms",
	       (unsigned long long)alone / 1000,
	       (unsigned long long)w.median_ns / 1000);
	EXPECT_LE(w.median_ns, RATIO * alone);
}

TEST_F_TIMEOUT(sharing, the_shorter_hold_governs, 120)
{
	beside_a_patient_one(_metadata, self, 0);
}

TEST_F_TIMEOUT(sharing, the_shorter_hold_governs_on_two_cpus, 120)
{
	if (get_nprocs() < 2)
		SKIP(return, "two CPUs are needed");
	if (!queues_are_shared(self->d.ns))
		SKIP(return, "each CPU has a queue of its own");
	beside_a_patient_one(_metadata, self, 1);
}

/*
 * Another user, who asks for what there is all the time, has it, and does not read it:
 * he seems to look for what comes next.
 */
struct seeming {
	int fd;
	volatile bool started;
};

static int seem_to_look(void *arg)
{
	struct seeming *s = arg;
	char *buf = buffer_alloc(4 * BLOCK);
	struct io_uring_cqe cqe;
	struct ring r;
	int busy, i;

	if (run_on_cpu(1) || ring_open(&r, 64, 0))
		return 1;
	for (busy = 0;; busy = ring_peek(&r, &cqe) ? busy - 1 : busy) {
		for (i = 0; busy < 4; i++, busy++)
			queue_read(&r, s->fd, buf, i);
		/* one to have, as often as the others have none */
		ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
		ring_submit(&r);
		for (i = 0; i < 100; i++)
			syscall(__NR_io_uring_enter, r.fd, 0, 1,
				IORING_ENTER_GETEVENTS, NULL, 0);
		s->started = true;
	}
}

TEST_F_TIMEOUT(sharing, another_user_seems_to_look, 120)
{
	const char *ns = getenv("CINT_MEDIUM_NS") ?: self->d.slow;
	struct waiter w = { .path = ns };
	struct seeming *s;
	uint64_t alone;
	int status;
	pid_t pid;

	if (!*ns)
		SKIP(return, "no slow namespace");
	if (get_nprocs() < 2)
		SKIP(return, "two CPUs are needed");
	if (!queues_are_shared(self->d.ns))
		SKIP(return, "each CPU has a queue of its own");
	/* a thread looks whoever else does, and needs a CPU of its own */
	if (!strcmp(variant->mode, "kthread"))
		return;
	/* a batch is expected much sooner than it may be held for */
	ASSERT_EQ(device_set(&self->d, "policy", "cint-rate"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_min_ns", "0"), 0);
	ASSERT_EQ(device_set(&self->d, "delta_ns", "60000"), 0);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(s, MAP_FAILED);
	s->fd = open(ns, O_RDONLY | O_DIRECT);
	ASSERT_GE(s->fd, 0);
	wait_often(&w);
	ASSERT_EQ(w.error, 0);
	alone = w.median_ns;
	pid = start_as(NOBODY, seem_to_look, s);
	ASSERT_GE(pid, 0);
	while (!s->started && !waitpid(pid, &status, WNOHANG))
		sleep_ms(1);
	EXPECT_TRUE(s->started);
	wait_often(&w);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT_EQ(w.error, 0);
	TH_LOG("%llu us alone, %llu us beside another user",
	       (unsigned long long)alone / 1000,
	       (unsigned long long)w.median_ns / 1000);
	EXPECT_LE(w.median_ns, RATIO * alone);
	close(s->fd);
	munmap(s, sizeof(*s));
}

/* Each used while there are others; the numbers of groups are not used up. */
TEST_F_TIMEOUT(sharing, rings_come_and_go, 300)
{
	static struct ring rings[16];
	const char *env = getenv("CINT_CHURN");
	int fd = open(self->d.ns, O_RDONLY | O_DIRECT), i, k, refused = 0;
	int churn = env ? atoi(env) : 1000;
	char *buf = buffer_alloc(2 * BLOCK);
	struct io_uring_cqe cqe;
	struct load load;

	ASSERT_GE(fd, 0);
	load_start(_metadata, &load, &self->d, false);
	for (i = 0; i < churn; i++) {
		struct ring *r = &rings[i % ARRAY_SIZE(rings)];

		/* the oldest goes, half of them with requests outstanding */
		if (i >= (int)ARRAY_SIZE(rings))
			ring_close(r);
		refused += open_ring(r, 200000) != 0;
		for (k = 0; k < 2; k++)
			queue_read(r, fd, buf, k);
		ASSERT_EQ(ring_submit(r), 2);
		for (k = 0; i % 2 && k < 2; k++) {
			ASSERT_EQ(ring_wait(r, &cqe), 0);
			EXPECT_EQ(cqe.res, BLOCK);
		}
	}
	load_stop(_metadata, &load);
	for (i = 0; i < (int)ARRAY_SIZE(rings); i++)
		ring_close(&rings[i]);
	EXPECT_EQ(refused, 0);
	EXPECT_TRUE(device_settled(&self->d));
	close(fd);
	free(buf);
}

TEST_HARNESS_MAIN

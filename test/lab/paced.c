// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A reader at a fixed pace: a request is due every 1/RATE seconds, give or take a
 * quarter of that, whether the one before has completed or not, as requests of
 * users are. Without the irregularity it would meet a bulk stream that is as
 * regular in the same phase again and again, and figures would depend on which.
 *
 * fio's paced jobs wait for their completions before they sleep until the next
 * request. A completion that is late then saves the sleep and its timer, so that
 * the slower a contender delivers, the less CPU time its paced job costs, and the
 * fewer requests it issues.
 *
 * Latency counts from the moment a request is due. What the whole machine did from
 * the first of these requests to the last is counted, too: then everything is in its
 * stride, which start and end of a program are not. With --rate 0 that is all.
 *
 * Prints one line of JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <liburing-cint.h>

#define BLOCK		4096
#define SLOTS		64

struct options {
	const char *file;
	unsigned long rate, ms, warmup_ms, blocks;
	/* requests, from these */
	unsigned long count, warmup;
	bool urgent;
	int rt_priority, cpu;
};

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void die(const char *what, int error)
{
	fprintf(stderr, "paced: %s: %s\n", what, strerror(error));
	exit(1);
}

static unsigned long number(const char *option, const char *text,
			    unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		fprintf(stderr, "paced: %s '%s' is not in %lu..%lu\n", option,
			text, min, max);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv, struct options *o)
{
	int i;

	*o = (struct options) { .rate = 10000, .ms = 1000, .warmup_ms = 10,
				.blocks = 1 << 18, .cpu = -1 };
	for (i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (!strcmp(name, "--urgent")) {
			o->urgent = true;
			continue;
		}
		if (++i >= argc) {
			fprintf(stderr, "Usage: paced --file DEVICE [--rate N] [--ms N] [--warmup-ms N]\n"
				"             [--blocks N] [--urgent] [--rt PRIORITY] [--cpu N]\n");
			exit(2);
		}
		if (!strcmp(name, "--file"))
			o->file = argv[i];
		else if (!strcmp(name, "--rate"))
			o->rate = number(name, argv[i], 0, 1000000);
		else if (!strcmp(name, "--ms"))
			o->ms = number(name, argv[i], 1, 1000000);
		else if (!strcmp(name, "--warmup-ms"))
			o->warmup_ms = number(name, argv[i], 0, 1000000);
		else if (!strcmp(name, "--blocks"))
			o->blocks = number(name, argv[i], 1, 1UL << 40);
		else if (!strcmp(name, "--rt"))
			o->rt_priority = (int)number(name, argv[i], 1, 99);
		else if (!strcmp(name, "--cpu"))
			o->cpu = (int)number(name, argv[i], 0, 1023);
		else {
			fprintf(stderr, "paced: unknown option '%s'\n", name);
			exit(2);
		}
	}
	if (!o->file) {
		fprintf(stderr, "paced: which device? --file\n");
		exit(2);
	}
	o->count = o->rate * o->ms / 1000;
	/* the first few meet cold code */
	o->warmup = o->count > 100 ? 10 : 0;
	o->count -= o->warmup;
	if (o->rate && !o->count) {
		fprintf(stderr, "paced: %lu ms at %lu a second is no request\n",
			o->ms, o->rate);
		exit(2);
	}
}

static void schedule_as(const struct options *o)
{
	struct sched_param param = { .sched_priority = o->rt_priority };
	cpu_set_t set;

	if (o->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(o->cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			die("--cpu", errno);
	}
	if (o->rt_priority && sched_setscheduler(0, SCHED_FIFO, &param))
		die("--rt", errno);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall", errno);
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

enum interrupt { NVME, TIMER, IPI, INTERRUPT_NR };

/* What the machine has done so far; what takes long to read is looked into later. */
struct sample {
	uint64_t ns;
	unsigned long own;		/* requests of this program completed */
	char stat[256];			/* /sys/class/block/.../stat */
	char interrupts[65536];		/* /proc/interrupts */
	char timers[131072];		/* /proc/timer_list, for the time idle */
};

static void read_file(const char *path, char *text, size_t size)
{
	size_t len = 0;
	ssize_t ret;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path, errno);
	while ((ret = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)ret;
	if (ret < 0 || len == size - 1)
		die(path, ret < 0 ? errno : EFBIG);
	text[len] = 0;
	close(fd);
}

static const char *base_name(const char *device)
{
	const char *slash = strrchr(device, '/');

	return slash ? slash + 1 : device;
}

static void sample_device(struct sample *s, const char *device, unsigned long own)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/class/block/%s/stat", base_name(device));
	s->own = own;
	s->ns = now_ns();
	read_file(path, s->stat, sizeof(s->stat));
}

/* Reading takes its time: it is done outside of what lies between two samples. */
static void sample_first(struct sample *s, const char *device)
{
	read_file("/proc/timer_list", s->timers, sizeof(s->timers));
	read_file("/proc/interrupts", s->interrupts, sizeof(s->interrupts));
	sample_device(s, device, 0);
}

static void sample_last(struct sample *s, const char *device, unsigned long own)
{
	sample_device(s, device, own);
	read_file("/proc/interrupts", s->interrupts, sizeof(s->interrupts));
	read_file("/proc/timer_list", s->timers, sizeof(s->timers));
}

static unsigned long completed(const struct sample *s)
{
	unsigned long reads, writes;

	if (sscanf(s->stat, "%lu %*u %*u %*u %lu", &reads, &writes) != 2)
		die("stat", EINVAL);
	return reads + writes;
}

/* Of all CPUs. */
static unsigned long long idle_ns(const struct sample *s)
{
	static const char *const names[] = { ".idle_sleeptime", ".iowait_sleeptime" };
	unsigned long long sum = 0;
	const char *p;
	int i;

	for (i = 0; i < 2; i++)
		for (p = s->timers; (p = strstr(p, names[i])); p++)
			sum += strtoull(strchr(p, ':') + 1, NULL, 10);
	return sum;
}

static unsigned long sum_of_cpus(const char *p)
{
	unsigned long sum = 0;
	char *end;

	for (;; p = end) {
		unsigned long value = strtoul(p, &end, 10);

		if (end == p)
			return sum;
		sum += value;
	}
}

/* "nvme0q3": a vector with I/O, not with admin commands. */
static bool is_io_vector(const char *line, const char *controller)
{
	const char *name = strrchr(line, ' ');
	size_t len = strlen(controller);

	return name && !strncmp(name + 1, controller, len) &&
	       name[1 + len] == 'q' && name[2 + len] != '0';
}

static void count_interrupts(const struct sample *s, const char *device,
			     unsigned long *counts)
{
	char *text = strdup(s->interrupts), controller[64], *line, *next;

	/* nvme0n1 belongs to nvme0 */
	snprintf(controller, sizeof(controller), "%s", base_name(device));
	if (strrchr(controller, 'n') > controller)
		*strrchr(controller, 'n') = 0;
	memset(counts, 0, INTERRUPT_NR * sizeof(*counts));
	for (line = strtok_r(text, "\n", &next); line;
	     line = strtok_r(NULL, "\n", &next)) {
		const char *colon = strchr(line, ':');
		const char *name = line + strspn(line, " ");

		if (!colon)
			continue;
		if (is_io_vector(line, controller))
			counts[NVME] += sum_of_cpus(colon + 1);
		else if (!strncmp(name, "LOC:", 4))
			counts[TIMER] += sum_of_cpus(colon + 1);
		else if (!strncmp(name, "RES:", 4) || !strncmp(name, "CAL:", 4) ||
			 !strncmp(name, "TLB:", 4) || !strncmp(name, "IWI:", 4))
			counts[IPI] += sum_of_cpus(colon + 1);
	}
	free(text);
}

static void report_latency(const struct options *o, uint32_t *latency,
			   unsigned long late)
{
	unsigned long n = o->count, i;
	double sum = 0;

	qsort(latency, n, sizeof(*latency), compare);
	for (i = 0; i < n; i++)
		sum += latency[i];
	printf("\"mean_ns\": %.1f, \"p50_ns\": %u, \"p99_ns\": %u, "
	       "\"p999_ns\": %u, \"max_ns\": %u, \"late\": %lu, ",
	       sum / (double)n, latency[n / 2], latency[n - 1 - n / 100],
	       latency[n - 1 - n / 1000], latency[n - 1], late);
}

static void report(const struct options *o, const struct sample *first,
		   const struct sample *last)
{
	unsigned long before[INTERRUPT_NR], after[INTERRUPT_NR];

	count_interrupts(first, o->file, before);
	count_interrupts(last, o->file, after);
	printf("\"ns\": %llu, \"idle_ns\": %llu, \"device\": %lu, \"own\": %lu, "
	       "\"nvme\": %lu, \"timer\": %lu, \"ipi\": %lu}\n",
	       (unsigned long long)(last->ns - first->ns),
	       idle_ns(last) - idle_ns(first), completed(last) - completed(first),
	       last->own - first->own, after[NVME] - before[NVME],
	       after[TIMER] - before[TIMER], after[IPI] - before[IPI]);
}

static void sleep_ms(unsigned long ms)
{
	struct timespec ts = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static struct sample first, last;

/* What follows takes time, too, which fio's jobs should not miss. */
#define LINGER_MS	50

int main(int argc, char **argv)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	static uint64_t due_at[SLOTS];
	unsigned long total, submitted = 0, done = 0, late = 0;
	uint64_t start, period, due, random = 88172645463325252ULL;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct __kernel_timespec ts;
	struct io_uring ring;
	uint32_t *latency;
	struct options o;
	struct iovec iov;
	unsigned int slot;
	int fd, ret;

	parse(argc, argv, &o);
	if (!o.rate) {
		schedule_as(&o);
		sleep_ms(o.warmup_ms);
		sample_first(&first, o.file);
		sleep_ms(o.ms);
		sample_last(&last, o.file, 0);
		sleep_ms(LINGER_MS);
		putchar('{');
		report(&o, &first, &last);
		return 0;
	}
	total = o.warmup + o.count;
	latency = calloc(o.count, sizeof(*latency));
	iov.iov_len = SLOTS * BLOCK;
	if (!latency || posix_memalign(&iov.iov_base, BLOCK, iov.iov_len))
		die("memory", ENOMEM);
	fd = open(o.file, O_RDONLY | O_DIRECT);
	if (fd < 0)
		die(o.file, errno);
	ret = io_uring_queue_init_params(SLOTS, &ring, &p);
	if (ret)
		die("io_uring", -ret);
	if ((ret = io_uring_register_files(&ring, &fd, 1)) ||
	    (ret = io_uring_register_buffers(&ring, &iov, 1)))
		die("io_uring_register", -ret);
	schedule_as(&o);
	sleep_ms(o.warmup_ms);
	sample_first(&first, o.file);

	period = 1000000000 / o.rate;
	start = now_ns() + period;
	due = start;
	while (done < total) {
		uint64_t now = now_ns();

		if (submitted < total && now >= due &&
		    submitted - done < SLOTS) {
			slot = submitted % SLOTS;
			sqe = io_uring_get_sqe(&ring);
			io_uring_prep_read_fixed(sqe, 0, (char *)iov.iov_base +
						 slot * BLOCK, BLOCK,
						 random_next(&random) % o.blocks * BLOCK,
						 0);
			sqe->flags |= IOSQE_FIXED_FILE;
			sqe->user_data = submitted;
			if (o.urgent)
				cint_sqe_set_urgent(sqe);
			due_at[slot] = due;
			submitted++;
			late += now >= due + period;
			due = start + submitted * period +
			      random_next(&random) % (period / 2);
			if (submitted < total && now_ns() >= due)
				continue;
		}
		/* until the next is due, or one completes */
		now = now_ns();
		ts = (struct __kernel_timespec) { 0 };
		if (submitted == total || submitted - done == SLOTS)
			ts.tv_sec = 10;
		else if (due > now)
			ts.tv_nsec = (long long)(due - now);
		ret = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL);
		if (ret < 0 && ret != -ETIME && ret != -EINTR)
			die("io_uring_enter", -ret);
		now = now_ns();
		while (!io_uring_peek_cqe(&ring, &cqe)) {
			/* they complete in the order of the drive, not ours */
			unsigned long index = cqe->user_data;

			if (cqe->res != BLOCK)
				die("read", cqe->res < 0 ? -cqe->res : EIO);
			if (index >= o.warmup)
				latency[index - o.warmup] =
					(uint32_t)(now - due_at[index % SLOTS]);
			io_uring_cqe_seen(&ring, cqe);
			done++;
		}
	}
	sample_last(&last, o.file, done);
	sleep_ms(LINGER_MS);
	printf("{\"requests\": %lu, \"rate\": %.1f, ", o.count,
	       (double)(last.own - first.own) * 1e9 / (double)(last.ns - first.ns));
	report_latency(&o, latency, late);
	report(&o, &first, &last);
	return 0;
}

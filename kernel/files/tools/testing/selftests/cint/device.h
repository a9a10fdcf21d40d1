/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NVMe controller under test and its sysfs files.
 *
 * CINT_NVME is a namespace whose contents the tests may overwrite, by default
 * the one with nsid 1 of nvme0; with CINT_NSID, the one with this nsid of the same
 * controller, whatever it is called by now. CINT_FAST_NS and CINT_SLOW_NS are
 * namespaces of the same controller, the slow one taking about 20 ms a command; by
 * default those with nsid 2 and 3.
 */
#ifndef CINT_SELFTEST_DEVICE_H
#define CINT_SELFTEST_DEVICE_H

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

#define BLOCK	4096

/* Returns the length, or -errno; the text is cut at the first newline. */
static inline int file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	buf[len < 0 ? 0 : len] = '\0';
	return len;
}

static inline int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

struct device {
	char	ns[64];		/* /dev/nvme0n1 */
	char	fast[64];
	char	slow[64];
	char	generic[64];	/* /dev/ng0n1 */
	char	ctrl[32];	/* nvme0 */
	char	sysfs[64];	/* /sys/class/nvme/nvme0 */
	int	nsid;
};

/*
 * The block device of a namespace. Its name says nothing: namespaces are found
 * in parallel, and numbered in the order they are found.
 */
static inline bool device_namespace(const char *ctrl, int nsid, char *path,
				    size_t size)
{
	char file[96], text[16];
	int i;

	for (i = 1; i < 64; i++) {
		snprintf(file, sizeof(file), "/sys/block/%sn%d/nsid", ctrl, i);
		if (file_read(file, text, sizeof(text)) <= 0 ||
		    atoi(text) != nsid)
			continue;
		snprintf(path, size, "/dev/%sn%d", ctrl, i);
		return true;
	}
	path[0] = '\0';
	return false;
}

/* Returns NULL, or why there is nothing to test. */
static inline const char *device_find(struct device *d)
{
	const char *env = getenv("CINT_NVME"), *nsid = getenv("CINT_NSID");
	int ctrl, number;
	char path[128], text[16];

	memset(d, 0, sizeof(*d));
	snprintf(d->ns, sizeof(d->ns), "%s", env ?: "/dev/nvme0n1");
	if (sscanf(d->ns, "/dev/nvme%dn%d", &ctrl, &number) != 2)
		return "CINT_NVME is not /dev/nvmeXnY";
	snprintf(d->ctrl, sizeof(d->ctrl), "nvme%d", ctrl);
	snprintf(d->sysfs, sizeof(d->sysfs), "/sys/class/nvme/%s", d->ctrl);
	if (!env || nsid)
		device_namespace(d->ctrl, nsid ? atoi(nsid) : 1, d->ns,
				 sizeof(d->ns));
	if (access(d->ns, R_OK | W_OK))
		return "no NVMe namespace (CINT_NVME, /dev/nvme0n1)";

	sscanf(d->ns, "/dev/nvme%dn%d", &ctrl, &number);
	snprintf(d->generic, sizeof(d->generic), "/dev/ng%dn%d", ctrl, number);
	snprintf(path, sizeof(path), "/sys/block/nvme%dn%d/nsid", ctrl, number);
	if (file_read(path, text, sizeof(text)) <= 0)
		return "the namespace has no nsid";
	d->nsid = atoi(text);

	env = getenv("CINT_FAST_NS");
	if (env)
		snprintf(d->fast, sizeof(d->fast), "%s", env);
	else
		device_namespace(d->ctrl, 2, d->fast, sizeof(d->fast));
	env = getenv("CINT_SLOW_NS");
	if (env)
		snprintf(d->slow, sizeof(d->slow), "%s", env);
	else
		device_namespace(d->ctrl, 3, d->slow, sizeof(d->slow));
	snprintf(path, sizeof(path), "%s/cint/mode", d->sysfs);
	if (access(path, R_OK))
		return "the controller has no cint directory (CONFIG_NVME_CINT)";
	return NULL;
}

static inline int device_path(const struct device *d, const char *name,
			      char *path, size_t size)
{
	return snprintf(path, size, "%s/cint/%s", d->sysfs, name);
}

static inline int device_set(const struct device *d, const char *name,
			     const char *value)
{
	char path[128];

	device_path(d, name, path, sizeof(path));
	return file_write(path, value);
}

static inline int device_set_number(const struct device *d, const char *name,
				    long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", value);
	return device_set(d, name, text);
}

static inline int device_get(const struct device *d, const char *name,
			     char *buf, size_t size)
{
	char path[128];
	int len;

	device_path(d, name, path, sizeof(path));
	len = file_read(path, buf, size);
	if (len > 0 && buf[len - 1] == '\n')
		buf[--len] = '\0';
	return len;
}

static inline long long device_get_number(const struct device *d,
					  const char *name)
{
	char text[64];

	return device_get(d, name, text, sizeof(text)) < 0 ? INT32_MIN :
		atoll(text);
}

/* What is in brackets among the choices, as in "[off] kthread". */
static inline int device_get_choice(const struct device *d, const char *name,
				    char *buf, size_t size)
{
	char text[128], *end, *start;
	int ret = device_get(d, name, text, sizeof(text));

	if (ret < 0)
		return ret;
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (!end || strchr(end + 1, '['))
		return -EPROTO;
	*end = '\0';
	snprintf(buf, size, "%s", start + 1);
	return 0;
}

/* A line of cint/stats, or -1. */
static inline long long device_stat(const struct device *d, const char *key)
{
	char text[4096], path[128], *line, *rest = text;
	size_t len = strlen(key);

	device_path(d, "stats", path, sizeof(path));
	if (file_read(path, text, sizeof(text)) < 0)
		return -1;
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, key, len) && line[len] == ' ')
			return atoll(line + len);
	return -1;
}

/*
 * Waits until nothing is held and all that has completed is delivered, which
 * a moment after the last of them it must be. Counts of mode off are all zero.
 */
static inline bool device_settled(const struct device *d)
{
	int tries;

	for (tries = 0; tries < 2000; tries++) {
		if (!device_stat(d, "held") &&
		    device_stat(d, "completions") == device_stat(d, "delivered"))
			return true;
		usleep(10000);
	}
	return false;
}

static inline const char *const *device_settings(void)
{
	static const char *const names[] = {
		"policy", "threshold", "delta_ns", "delta_min_ns",
		"max_hold_ns", "correction", "ooo", "poll_cpu", "latency_hint",
		"calibrate", "mode", NULL
	};

	return names;
}

/* All settings, to be put back when a test is done. */
struct device_saved {
	char	value[16][32];
};

static inline void device_save(const struct device *d, struct device_saved *s)
{
	const char *const *names = device_settings();
	int i;

	for (i = 0; names[i]; i++)
		if (device_get_choice(d, names[i], s->value[i], 32))
			device_get(d, names[i], s->value[i], 32);
}

static inline void device_restore(const struct device *d,
				  const struct device_saved *s)
{
	const char *const *names = device_settings();
	int i;

	for (i = 0; names[i]; i++)
		device_set(d, names[i], s->value[i]);
}

/*
 * Mode off, and settings by which only an urgent completion or a barrier is
 * delivered soon, so that no test is judged by the clock. Returns 0 or -errno.
 */
static inline int device_hold_all(const struct device *d)
{
	static const char *const settings[][2] = {
		{ "mode", "off" }, { "policy", "cint" }, { "threshold", "256" },
		{ "delta_ns", "10000000" }, { "delta_min_ns", "0" },
		{ "max_hold_ns", "10000000" }, { "correction", "0" },
		{ "ooo", "1" },
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]) && !ret; i++)
		ret = device_set(d, settings[i][0], settings[i][1]);
	return ret;
}

/* A hardware queue is a CPU's, so tests of one queue stay on one CPU. */
static inline int run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* for qsort() */
static inline int compare_times(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* Memory that direct I/O accepts. */
static inline void *buffer_alloc(size_t size)
{
	void *p = NULL;

	if (posix_memalign(&p, BLOCK, size))
		return NULL;
	memset(p, 0, size);
	return p;
}

/*
 * Queues an unmarked read of one block; the caller may add marks. No two are
 * adjacent: the block layer would merge them into one request.
 */
static inline struct io_uring_sqe *queue_read(struct ring *r, int fd, char *buf,
					      int i)
{
	return ring_sqe(r, IORING_OP_READ, fd, buf + i * BLOCK, BLOCK,
			(uint64_t)i * 4 * BLOCK, i);
}

#endif /* CINT_SELFTEST_DEVICE_H */

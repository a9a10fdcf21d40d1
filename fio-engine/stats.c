// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Latency of urgent and other requests apart.
 *
 * fio keeps the samples, by the label that the engine gives a request, and
 * prints them in its normal and JSON output if both kinds occur.  The file of
 * option cint_stats has them always, computed from the same samples.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cint.h"

#define CINT_PERCENTILES	3	/* 50, 99, 99.9 */
#define CINT_TERSE_VERSION	1

static const char *const cint_class_names[CINT_CLASS_NR] = {
	[CINT_BULK]		= "bulk",
	[CINT_URGENT_CLASS]	= "urgent",
};

static const char *const cint_ddir_names[2] = {
	[DDIR_READ]	= "read",
	[DDIR_WRITE]	= "write",
};

/*
 * With lat_percentiles fio's samples by priority are of the time from preparation on;
 * completion latency is then sampled here.
 */
struct cint_samples {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t plat[FIO_IO_U_PLAT_NR];
};

/* A second set of the job's priorities, for its urgent requests. */
static int cint_stats_double(struct thread_stat *ts, int ddir, const uint32_t *prios,
			     unsigned int nr)
{
	unsigned int i;

	if (alloc_clat_prio_stat_ddir(ts, ddir, 2 * (int)nr))
		return 1;
	for (i = 0; i < nr; i++) {
		ts->clat_prio[ddir][i].ioprio = prios[i];
		ts->clat_prio[ddir][nr + i].ioprio = prios[i] | CINT_LABEL_URGENT;
	}
	return 0;
}

/* After fio_cmdprio_init(), which makes room for priorities if there are several. */
int cint_stats_init(struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_options *o = td->eo;
	struct thread_stat *ts = &td->ts;
	uint32_t *prios[CINT_DDIR_NR] = { NULL, NULL };
	unsigned int nr[CINT_DDIR_NR], i;
	int ddir, ret = 1;

	if (!cint_share_any(&o->urgent) && !o->stats_file && !o->terse)
		return 0;
	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++) {
		nr[ddir] = ts->nr_clat_prio[ddir] ?: 1;
		prios[ddir] = calloc(nr[ddir], sizeof(*prios[ddir]));
		if (!prios[ddir])
			goto free;
		prios[ddir][0] = ts->ioprio;
		for (i = 0; i < ts->nr_clat_prio[ddir]; i++)
			prios[ddir][i] = ts->clat_prio[ddir][i].ioprio;
	}
	free_clat_prio_stats(ts);
	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++) {
		d->urgent_index[ddir] = nr[ddir];
		if (cint_stats_double(ts, ddir, prios[ddir], nr[ddir]))
			goto free;
	}
	if (ts->lat_percentiles && (o->stats_file || o->terse) && !td->o.disable_clat) {
		d->samples = calloc(CINT_DDIR_NR * CINT_CLASS_NR, sizeof(*d->samples));
		if (!d->samples)
			goto free;
	}
	ret = 0;
free:
	free(prios[DDIR_READ]);
	free(prios[DDIR_WRITE]);
	return ret;
}

/* What became of one class of requests in one direction. */
struct cint_latency {
	uint64_t count;
	double iops;
	double mean_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	unsigned long long percentile_ns[CINT_PERCENTILES];	/* 0: there are none */
};

/* Of fio's histogram: each power of two has FIO_IO_U_PLAT_VAL buckets of equal width. */
static unsigned int cint_bucket(uint64_t ns)
{
	unsigned int shift, bucket;

	if (ns < FIO_IO_U_PLAT_VAL)
		return (unsigned int)ns;
	shift = 63 - FIO_IO_U_PLAT_BITS - (unsigned int)__builtin_clzll(ns);
	bucket = shift * FIO_IO_U_PLAT_VAL + (unsigned int)(ns >> shift);
	return min(bucket, FIO_IO_U_PLAT_NR - 1U);
}

/* What fio counts: requests that are done, once it is past ramp_time. */
void cint_stats_sample(struct thread_data *td, struct cint_data *d, const struct io_u *io_u)
{
	int class = io_u->clat_prio_index >= d->urgent_index[io_u->ddir] ? CINT_URGENT_CLASS :
									   CINT_BULK;
	struct cint_samples *to = &d->samples[io_u->ddir * CINT_CLASS_NR + class];
	uint64_t ns;

	if (!ramp_time_over(td) ||
	    (td->runstate != TD_RUNNING && td->runstate != TD_VERIFYING))
		return;
	/* fio goes on with the rest of a short transfer */
	if (io_u->resid && io_u->offset + io_u->xfer_buflen - io_u->resid <
			   io_u->file->real_file_size)
		return;
	ns = ntime_since(&io_u->issue_time, &d->event_time);
	if (!to->count++ || ns < to->min_ns)
		to->min_ns = ns;
	to->max_ns = max(to->max_ns, ns);
	to->sum_ns += ns;
	to->plat[cint_bucket(ns)]++;
}

static void cint_latency_sampled(const struct cint_samples *from, struct cint_latency *sum,
				 uint64_t *plat)
{
	sum->count = from->count;
	sum->mean_ns = (double)from->sum_ns;
	sum->min_ns = from->min_ns;
	sum->max_ns = from->max_ns;
	memcpy(plat, from->plat, sizeof(from->plat));
}

/* All priorities of a class together. */
static int cint_latency(struct thread_data *td, int ddir, int class, struct cint_latency *sum)
{
	/* fio ends the list by a zero, and takes no constant */
	fio_fp64_t list[FIO_IO_U_LIST_MAX_LEN] = {
		{ .u.f = 50.0 }, { .u.f = 99.0 }, { .u.f = 99.9 },
	};
	struct cint_data *d = td->io_ops_data;
	unsigned long long *percentile = NULL, highest, lowest;
	unsigned int i, nr = d->urgent_index[ddir];
	uint64_t *plat;
	int j;

	*sum = (struct cint_latency){ .min_ns = UINT64_MAX };
	plat = calloc(FIO_IO_U_PLAT_NR, sizeof(*plat));
	if (!plat)
		return 1;
	if (d->samples)
		cint_latency_sampled(&d->samples[ddir * CINT_CLASS_NR + class], sum, plat);
	for (i = 0; i < nr && !d->samples; i++) {
		const struct clat_prio_stat *prio =
			&td->ts.clat_prio[ddir][i + (class == CINT_URGENT_CLASS ? nr : 0)];
		const struct io_stat *io = &prio->clat_stat;

		if (!io->samples)
			continue;
		sum->count += io->samples;
		sum->mean_ns += io->mean.u.f * (double)io->samples;
		sum->min_ns = io->min_val < sum->min_ns ? io->min_val : sum->min_ns;
		sum->max_ns = io->max_val > sum->max_ns ? io->max_val : sum->max_ns;
		for (j = 0; j < FIO_IO_U_PLAT_NR; j++)
			plat[j] += prio->io_u_plat[j];
	}
	if (sum->count) {
		sum->mean_ns /= (double)sum->count;
		if (td->ts.runtime[ddir])
			sum->iops = (double)sum->count * 1000 / (double)td->ts.runtime[ddir];
		if (calc_clat_percentiles(plat, sum->count, list, &percentile, &highest,
					  &lowest) == CINT_PERCENTILES)
			memcpy(sum->percentile_ns, percentile, sizeof(sum->percentile_ns));
		free(percentile);
	} else {
		sum->min_ns = 0;
	}
	free(plat);
	return 0;
}

static void cint_json_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void cint_json_class(FILE *out, const struct cint_latency *sum)
{
	if (!sum->count) {
		fprintf(out, "{\"count\":0}");
		return;
	}
	fprintf(out, "{\"count\":%llu,\"iops\":%.1f,\"mean_ns\":%.1f,"
		"\"min_ns\":%llu,\"max_ns\":%llu", (unsigned long long)sum->count,
		sum->iops, sum->mean_ns, (unsigned long long)sum->min_ns,
		(unsigned long long)sum->max_ns);
	if (sum->percentile_ns[0])
		fprintf(out, ",\"p50_ns\":%llu,\"p99_ns\":%llu,\"p99.9_ns\":%llu",
			sum->percentile_ns[0], sum->percentile_ns[1],
			sum->percentile_ns[2]);
	putc('}', out);
}

/* Who carries the marks out, and what the library did for it. */
static void cint_json_backend(FILE *out, struct cint_data *d)
{
	const unsigned int marks = 1U << CINT_FEATURE_SQE_URGENT;
	struct cint_stats s;

	if (!d->stock) {
		fprintf(out, ",\"backend\":\"%s\"",
			cint_backend_name(d->probe.features & marks ? CINT_BACKEND_KERNEL :
					  CINT_BACKEND_NONE));
		return;
	}
	cint_get_stats(d->stock->cring, &s);
	fprintf(out, ",\"backend\":\"%s\",\"library\":{",
		cint_backend_name(cint_backend(d->stock->cring)));
	fprintf(out, "\"enters\":%llu,\"waits\":%llu,\"completions\":%llu,"
		"\"urgent\":%llu,\"barriers\":%llu,",
		(unsigned long long)s.enters, (unsigned long long)s.waits,
		(unsigned long long)s.completions, (unsigned long long)s.urgent,
		(unsigned long long)s.barriers);
	fprintf(out, "\"ended_full\":%llu,\"ended_barrier\":%llu,\"ended_early\":%llu,"
		"\"ended_time\":%llu,\"ended_single\":%llu}",
		(unsigned long long)s.ended_full, (unsigned long long)s.ended_barrier,
		(unsigned long long)s.ended_early, (unsigned long long)s.ended_time,
		(unsigned long long)s.ended_single);
	/* a wait of liburing's own is counted as such only */
	d->enters += s.enters > s.waits ? s.enters : s.waits;
}

static void cint_json_kernel(FILE *out, struct cint_data *d)
{
	struct io_uring_cint now;
	int i;

	fprintf(out, ",\"kernel\":{");
	for (i = 0; i < CINT_FEATURE_NR; i++) {
		if (i)
			putc(',', out);
		cint_json_string(out, cint_feature_name(i));
		fprintf(out, ":%s", d->probe.features & 1U << i ? "true" : "false");
	}
	putc('}', out);
	cint_json_backend(out, d);

	if (!d->ring_params || cint_query(&d->ring, &now) < 0)
		return;
	fprintf(out, ",\"ring\":{\"policy\":\"%s\",\"group\":%u,\"threshold\":%u,"
		"\"delta_ns\":%u,\"delta_min_ns\":%u,\"max_hold_ns\":%u,"
		"\"correction\":%u,\"ooo\":%s,\"completions\":%llu,"
		"\"urgent\":%llu,\"fires\":%llu}",
		cint_policy_name(now.policy) ?: "", now.group, now.threshold,
		now.delta_ns, now.delta_min_ns, now.max_hold_ns, now.correction,
		now.flags & IORING_CINT_OOO ? "true" : "false",
		(unsigned long long)now.completions, (unsigned long long)now.urgent,
		(unsigned long long)now.fires);
}

static void cint_json(FILE *out, struct thread_data *td)
{
	struct cint_data *d = td->io_ops_data;
	struct cint_latency sum;
	int ddir, i;

	fprintf(out, "{\"job\":");
	cint_json_string(out, td->o.name ?: "");
	fprintf(out, ",\"thread\":%u,\"error\":%d", td->thread_number, td->error);
	cint_json_kernel(out, d);
	fprintf(out, ",\"marked_urgent\":%llu,\"marked_barrier\":%llu,\"enters\":%llu",
		(unsigned long long)d->marked_urgent,
		(unsigned long long)d->marked_barrier,
		(unsigned long long)d->enters);
	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++) {
		fprintf(out, ",\"%s\":{\"runtime_ms\":%llu", cint_ddir_names[ddir],
			(unsigned long long)td->ts.runtime[ddir]);
		for (i = 0; i < CINT_CLASS_NR; i++) {
			fprintf(out, ",\"%s\":", cint_class_names[i]);
			if (cint_latency(td, ddir, i, &sum))
				return;
			cint_json_class(out, &sum);
		}
		putc('}', out);
	}
	fprintf(out, "}\n");
}

/*
 * fio's terse line has no column for it, so this is a line of its own; its first field
 * is no number, as that of fio's is.
 */
static void cint_terse(struct thread_data *td)
{
	struct cint_latency sum;
	char line[2048];
	int ddir, i, n;

	n = snprintf(line, sizeof(line), "cint;%d;%.128s;%u;%d", CINT_TERSE_VERSION,
		     td->o.name ?: "", td->thread_number, td->error);
	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++) {
		for (i = CINT_CLASS_NR - 1; i >= 0; i--) {
			if (cint_latency(td, ddir, i, &sum))
				return;
			n += snprintf(line + n, sizeof(line) - (size_t)n,
				      ";%llu;%.3f;%.3f;%.3f;%.3f;%.3f;%.3f",
				      (unsigned long long)sum.count,
				      (double)sum.min_ns / 1000, (double)sum.max_ns / 1000,
				      sum.mean_ns / 1000, (double)sum.percentile_ns[0] / 1000,
				      (double)sum.percentile_ns[1] / 1000,
				      (double)sum.percentile_ns[2] / 1000);
		}
	}
	log_info("%s\n", line);
	log_info_flush();
}

static int cint_stats_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		cint_say("cint: cint_stats: cannot write to %s: %s\n", path, strerror(errno));
	return fd;
}

/* Before any I/O, as what cannot be written at the end is lost. */
int cint_stats_check(struct thread_data *td)
{
	struct cint_options *o = td->eo;
	int fd;

	if (!o->stats_file)
		return 0;
	fd = cint_stats_open(o->stats_file);
	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

/* One write() to a file open for appending: lines of parallel jobs stay whole. */
void cint_stats_write(struct thread_data *td)
{
	struct cint_options *o = td->eo;
	char *text = NULL;
	size_t len = 0;
	ssize_t written;
	FILE *out;
	int fd;

	if (!td->ts.clat_prio[DDIR_READ] || !td->ts.clat_prio[DDIR_WRITE])
		return;
	if (o->terse && output_format & FIO_OUTPUT_TERSE)
		cint_terse(td);
	if (!o->stats_file)
		return;
	out = open_memstream(&text, &len);
	if (!out)
		return;
	cint_json(out, td);
	if (fclose(out))
		goto free;

	fd = cint_stats_open(o->stats_file);
	if (fd < 0)
		goto free;
	written = write(fd, text, len);
	if (written < 0 || (size_t)written != len)
		cint_say("cint: cint_stats: cannot write to %s: %s\n", o->stats_file,
			 written < 0 ? strerror(errno) : "disk full");
	close(fd);
free:
	free(text);
}

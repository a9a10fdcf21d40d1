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

static const char *const cint_class_names[CINT_CLASS_NR] = {
	[CINT_BULK]		= "bulk",
	[CINT_URGENT_CLASS]	= "urgent",
};

static const char *const cint_ddir_names[2] = {
	[DDIR_READ]	= "read",
	[DDIR_WRITE]	= "write",
};

int cint_stats_init(struct thread_data *td)
{
	struct cint_options *o = td->eo;
	struct thread_stat *ts = &td->ts;
	int ddir;

	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++) {
		if (!o->urgent_percentage[ddir] && !o->stats_file)
			continue;
		if (alloc_clat_prio_stat_ddir(ts, ddir, CINT_CLASS_NR))
			return 1;
		ts->clat_prio[ddir][CINT_BULK].ioprio = ts->ioprio;
		ts->clat_prio[ddir][CINT_URGENT_CLASS].ioprio = CINT_LABEL_URGENT;
	}
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

static void cint_json_class(FILE *out, struct clat_prio_stat *stat,
			    uint64_t runtime_ms)
{
	/* fio ends the list by a zero, and takes no constant */
	fio_fp64_t list[FIO_IO_U_LIST_MAX_LEN] = {
		{ .u.f = 50.0 }, { .u.f = 99.0 }, { .u.f = 99.9 },
	};
	unsigned long long *percentile = NULL;
	unsigned long long highest, lowest;
	const struct io_stat *io = &stat->clat_stat;
	uint64_t count = io->samples;

	if (!count) {
		fprintf(out, "{\"count\":0}");
		return;
	}
	fprintf(out, "{\"count\":%llu,\"iops\":%.1f,\"mean_ns\":%.1f,"
		"\"min_ns\":%llu,\"max_ns\":%llu", (unsigned long long)count,
		runtime_ms ? (double)count * 1000 / (double)runtime_ms : 0.0,
		io->mean.u.f, (unsigned long long)io->min_val,
		(unsigned long long)io->max_val);
	if (calc_clat_percentiles(stat->io_u_plat, count, list, &percentile,
				  &highest, &lowest) == 3)
		fprintf(out, ",\"p50_ns\":%llu,\"p99_ns\":%llu,\"p99.9_ns\":%llu",
			percentile[0], percentile[1], percentile[2]);
	free(percentile);
	putc('}', out);
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
			cint_json_class(out, &td->ts.clat_prio[ddir][i],
					td->ts.runtime[ddir]);
		}
		putc('}', out);
	}
	fprintf(out, "}\n");
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

	if (!o->stats_file || !td->ts.clat_prio[DDIR_READ] ||
	    !td->ts.clat_prio[DDIR_WRITE])
		return;
	out = open_memstream(&text, &len);
	if (!out)
		return;
	cint_json(out, td);
	if (fclose(out))
		goto free;

	fd = open(o->stats_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0) {
		log_err("cint: cint_stats: cannot open %s: %s\n", o->stats_file,
			strerror(errno));
		goto free;
	}
	written = write(fd, text, len);
	if (written < 0 || (size_t)written != len)
		log_err("cint: cint_stats: cannot write to %s: %s\n", o->stats_file,
			written < 0 ? strerror(errno) : "disk full");
	close(fd);
free:
	free(text);
}

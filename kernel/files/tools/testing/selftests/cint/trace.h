/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints, by an instance of their own in tracefs.
 */
#ifndef CINT_SELFTEST_TRACE_H
#define CINT_SELFTEST_TRACE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

struct trace {
	char	dir[128];
};

static inline void trace_path(const struct trace *t, const char *name,
			      char *path, size_t size)
{
	snprintf(path, size, "%s/%s", t->dir, name);
}

static inline int trace_write(const struct trace *t, const char *name,
			      const char *value)
{
	char path[sizeof(t->dir) + 160];

	trace_path(t, name, path, sizeof(path));
	return file_write(path, value);
}

/* Forgets all events, and goes on, or on again after trace_stop(). */
static inline int trace_clear(const struct trace *t)
{
	trace_write(t, "trace", "");
	return trace_write(t, "tracing_on", "1");
}

/* For what reads the events more than once, which are to be the same. */
static inline int trace_stop(const struct trace *t)
{
	return trace_write(t, "tracing_on", "0");
}

/* Starts tracing @events ("nvme:nvme_setup_cmd", NULL-terminated). */
static inline const char *trace_open(struct trace *t, const char *const *events)
{
	static const char *const roots[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	char path[128], system[32];
	const char *colon;
	int i;

	t->dir[0] = '\0';
	for (i = 0; i < 2 && !t->dir[0]; i++) {
		snprintf(path, sizeof(path), "%s/instances", roots[i]);
		if (!access(path, W_OK))
			snprintf(t->dir, sizeof(t->dir),
				 "%s/instances/cint-%d", roots[i], getpid());
	}
	if (!t->dir[0] || (mkdir(t->dir, 0700) && errno != EEXIST)) {
		t->dir[0] = '\0';
		return "no tracefs with instances";
	}
	for (; *events; events++) {
		colon = strchr(*events, ':');
		snprintf(system, sizeof(system), "%.*s",
			 (int)(colon - *events), *events);
		snprintf(path, sizeof(path), "events/%s/%s/enable", system,
			 colon + 1);
		if (trace_write(t, path, "1"))
			return "a tracepoint is missing";
	}
	trace_write(t, "buffer_size_kb", "4096");
	/* one clock for all CPUs: the order of events is what tests judge */
	trace_write(t, "trace_clock", "mono");
	return trace_clear(t) ? "tracing does not start" : NULL;
}

static inline void trace_close(struct trace *t)
{
	if (!t->dir[0])
		return;
	trace_write(t, "events/enable", "0");
	trace_stop(t);
	rmdir(t->dir);
}

/* An NVMe command as nvme_setup_cmd shows it, or a cint event. */
struct event {
	enum { EVENT_CMD, EVENT_COMPLETE, EVENT_HOLD, EVENT_FIRE, EVENT_URGENT,
	} kind;
	char		disk[32];
	unsigned int	qid, nsid, flags;
	char		op[32];			/* nvme_cmd_read, ... */
	unsigned long long slba;
	unsigned int	blocks, dsmgmt;
	/* cint */
	unsigned int	group, nr;
	char		reason[16];
	unsigned long long hold_ns;
};

#define MAX_EVENTS	8192

static inline bool event_field(const char *line, const char *key,
			       unsigned long long *value)
{
	size_t len = strlen(key);
	const char *p = line;

	while ((p = strstr(p, key))) {
		if ((p == line || !isalnum(p[-1])) && p[len] == '=') {
			*value = strtoull(p + len + 1, NULL, 0);
			return true;
		}
		p += len;
	}
	return false;
}

/* Reads all events since trace_clear() into a static array: how many, or -1. */
static inline int trace_read(const struct trace *t, const char *ctrl,
			     struct event **events)
{
	static struct event list[MAX_EVENTS];
	char path[256], line[1024], who[40];
	unsigned long long v;
	FILE *file;
	int nr = 0;

	*events = list;
	trace_path(t, "trace", path, sizeof(path));
	file = fopen(path, "r");
	if (!file)
		return -1;
	snprintf(who, sizeof(who), " %s: ", ctrl);
	while (fgets(line, sizeof(line), file) && nr < MAX_EVENTS) {
		struct event *e = &list[nr];
		char *p;

		if (line[0] == '#' || !strstr(line, who))
			continue;
		memset(e, 0, sizeof(*e));
		if (event_field(line, "qid", &v))
			e->qid = v;
		if (event_field(line, "nsid", &v))
			e->nsid = v;
		if (event_field(line, "group", &v))
			e->group = v;
		if (event_field(line, "flags", &v))
			e->flags = v;
		p = strstr(line, "disk=");
		if (p)
			sscanf(p, "disk=%31[^, ]", e->disk);
		if (strstr(line, " nvme_setup_cmd: ")) {
			e->kind = EVENT_CMD;
			p = strstr(line, "cmd=(");
			if (p)
				sscanf(p, "cmd=(%31[^ )]", e->op);
			if (event_field(line, "slba", &v))
				e->slba = v;
			if (event_field(line, "len", &v))
				e->blocks = v + 1;
			if (event_field(line, "dsmgmt", &v))
				e->dsmgmt = v;
		} else if (strstr(line, " nvme_complete_rq: ")) {
			e->kind = EVENT_COMPLETE;
		} else if (strstr(line, " cint_hold: ")) {
			e->kind = EVENT_HOLD;
			if (event_field(line, "held", &v))
				e->nr = v;
		} else if (strstr(line, " cint_fire: ")) {
			e->kind = EVENT_FIRE;
			p = strstr(line, "reason=");
			if (p)
				sscanf(p, "reason=%15[^, \n]", e->reason);
			if (event_field(line, "nr", &v))
				e->nr = v;
			if (event_field(line, "hold_ns", &v))
				e->hold_ns = v;
		} else if (strstr(line, " cint_urgent: ")) {
			e->kind = EVENT_URGENT;
		} else {
			continue;
		}
		nr++;
	}
	fclose(file);
	return nr;
}

/* How many completions have been delivered: those of other programs, too. */
static inline int count_fired(const struct event *e, int nr)
{
	int i, sum = 0;

	for (i = 0; i < nr; i++)
		if (e[i].kind == EVENT_FIRE)
			sum += e[i].nr;
	return sum;
}

/*
 * Reads the events as trace_read() does, when @fired completions have been told of: who
 * delivers to another CPU says so when the request may be over already.
 */
static inline int trace_read_fired(const struct trace *t, const char *ctrl,
				   int fired, struct event **events)
{
	int nr, tries;

	for (tries = 0; tries < 500; tries++) {
		nr = trace_read(t, ctrl, events);
		if (nr < 0 || count_fired(*events, nr) >= fired)
			break;
		usleep(10000);
	}
	return nr;
}

#endif /* CINT_SELFTEST_TRACE_H */

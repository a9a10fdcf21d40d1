// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Which values parameters may have.
 *
 * Names of modes and policies are those that the kernel lists. Numbers of
 * parameters known here are checked before anything is written; of a parameter
 * that only a later kernel has, the kernel judges.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include <liburing-cint/cint.h>
#include "cintctl.h"

struct parameter {
	const char *name;
	long long min;
	long long max;
	const char *unit;
};

/* In the order in which they are shown. */
static const struct parameter parameters[] = {
	{ .name = "mode" },
	{ .name = "policy" },
	{ "threshold",		1, CINT_THRESHOLD_MAX, " completions" },
	{ "delta_ns",		0, CINT_DELAY_MAX_NS, " ns" },
	{ "delta_min_ns",	0, CINT_DELAY_MAX_NS, " ns" },
	{ "max_hold_ns",	0, CINT_DELAY_MAX_NS, " ns" },
	{ "look_min_ns",	1, CINT_DELAY_MAX_NS, " ns" },
	{ "correction",		0, CINT_CORRECTION_MAX, " thousandths" },
	{ "ooo",		0, 1, "" },
	{ .name = "poll_cpu" },
	{ "latency_hint",	0, 1, "" },
	{ "calibrate",		0, 1, "" },
};

#define NR_PARAMETERS	(sizeof(parameters) / sizeof(parameters[0]))

unsigned int parameter_rank(const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_PARAMETERS; i++) {
		if (!strcmp(parameters[i].name, name))
			break;
	}
	return i;
}

bool parameter_is_known(const char *name)
{
	return parameter_rank(name) < NR_PARAMETERS;
}

static const struct parameter *parameter_known(const char *name)
{
	unsigned int i = parameter_rank(name);

	return i < NR_PARAMETERS && parameters[i].unit ? &parameters[i] : NULL;
}

/* "0-3,6" as "0-3,6"; NULL if the system does not tell. */
static char *cpus_online(void)
{
	char *path = xprintf("%s/sys/devices/system/cpu/online", root_dir());
	char *text = read_file(path, NULL), *copy = NULL;

	free(path);
	if (text)
		copy = xstrdup(trim(text));
	free(text);
	return copy;
}

static bool cpu_in_list(long long cpu, const char *list)
{
	long long first, last;
	char *end;

	while (*list) {
		first = strtoll(list, &end, 10);
		last = first;
		if (*end == '-')
			last = strtoll(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		if (*end != ',')
			break;
		list = end + 1;
	}
	return false;
}

static char *join(char **words)
{
	char *text = xstrdup(""), *longer;
	size_t i;

	for (i = 0; words[i]; i++) {
		longer = xprintf("%s%s%s", text, i ? ", " : "", words[i]);
		free(text);
		text = longer;
	}
	return text;
}

char *parameter_range(const struct attribute *attribute)
{
	const struct parameter *known = parameter_known(attribute->name);
	char *cpus, *text;

	if (attribute->choices)
		return join(attribute->choices);
	if (!strcmp(attribute->name, "poll_cpu")) {
		cpus = cpus_online();
		text = xprintf("-1 (any) or a CPU online%s%s%s", cpus ? " (" : "",
			       cpus ? cpus : "", cpus ? ")" : "");
		free(cpus);
		return text;
	}
	if (known)
		return xprintf("%lld to %lld%s", known->min, known->max, known->unit);
	return NULL;
}

/* Nanoseconds, also as "30us" or "1ms". */
static bool parse_delay(const char *text, long long *value)
{
	static const struct { const char *suffix; long long ns; } units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
	};
	size_t i, length = strlen(text);
	char number[24];

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (length > 2 && length - 2 < sizeof(number) &&
		    !strcmp(text + length - 2, units[i].suffix)) {
			memcpy(number, text, length - 2);
			number[length - 2] = '\0';
			return parse_integer(number, value) &&
			       !__builtin_mul_overflow(*value, units[i].ns, value);
		}
	}
	return parse_integer(text, value);
}

static bool is_delay(const char *name)
{
	size_t length = strlen(name);

	return length > 3 && !strcmp(name + length - 3, "_ns");
}

static enum fault check_choice(const struct controller *controller,
			       const struct attribute *attribute, const char *text,
			       char **value, char **problem)
{
	char *offered, *why = NULL;
	size_t i;

	for (i = 0; attribute->choices[i]; i++) {
		if (strcmp(attribute->choices[i], text))
			continue;
		if (strcmp(attribute->name, "mode") ||
		    controller_mode_supported(controller, text, &why) != ANSWER_NO)
			break;
		*problem = xprintf("mode '%s' is not possible: %s", text, why);
		free(why);
		return FAULT_STALE;
	}
	free(why);
	if (attribute->choices[i]) {
		*value = xstrdup(text);
		return FAULT_NONE;
	}
	offered = join(attribute->choices);
	*problem = xprintf("%s is '%s'; this kernel offers %s", attribute->name, text, offered);
	free(offered);
	return FAULT_STALE;
}

static enum fault check_cpu(const char *text, char **value, char **problem)
{
	enum fault fault = FAULT_NONE;
	char *cpus = cpus_online();
	long long cpu;

	if (!parse_integer(text, &cpu)) {
		*problem = xprintf("poll_cpu is '%s', which is no number; it may be -1 or a CPU "
				   "that is online%s%s", text, cpus ? ": " : "",
				   cpus ? cpus : "");
		fault = FAULT_MISTAKE;
	} else if (cpu < -1 || (cpu >= 0 && cpus && !cpu_in_list(cpu, cpus))) {
		*problem = xprintf("poll_cpu is %lld; it may be -1 or a CPU that is online%s%s",
				   cpu, cpus ? ": " : "", cpus ? cpus : "");
		fault = cpu < -1 ? FAULT_MISTAKE : FAULT_STALE;
	} else {
		*value = xprintf("%lld", cpu);
	}
	free(cpus);
	return fault;
}

enum fault parameter_check(const struct controller *controller,
			   const struct attribute *attribute, const char *text,
			   char **result, char **problem)
{
	const struct parameter *known = parameter_known(attribute->name);
	long long value;

	*result = *problem = NULL;
	if (!attribute->writable)
		*problem = xprintf("%s can't be set, it is read only", attribute->name);
	else if (!*text)
		*problem = xprintf("%s is empty; it needs a value", attribute->name);
	else if (strlen(text) > 64)
		*problem = xprintf("%s is '%.20s...', which is longer than any value",
				   attribute->name, text);
	if (*problem)
		return FAULT_MISTAKE;
	if (attribute->choices)
		return check_choice(controller, attribute, text, result, problem);
	if (!strcmp(attribute->name, "poll_cpu"))
		return check_cpu(text, result, problem);
	if (!known) {
		*result = xstrdup(text);
		return FAULT_NONE;
	}
	if (!(is_delay(known->name) ? parse_delay : parse_integer)(text, &value)) {
		*problem = xprintf("%s is '%s', which is no number; the range is %lld to %lld%s",
				   known->name, text, known->min, known->max, known->unit);
		return FAULT_MISTAKE;
	}
	if (value < known->min || value > known->max) {
		*problem = xprintf("%s is %lld; the range is %lld to %lld%s", known->name, value,
				   known->min, known->max, known->unit);
		return FAULT_MISTAKE;
	}
	*result = xprintf("%lld", value);
	return FAULT_NONE;
}

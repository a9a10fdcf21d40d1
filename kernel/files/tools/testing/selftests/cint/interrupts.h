/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counts of /proc/interrupts.
 */
#ifndef CINT_SELFTEST_INTERRUPTS_H
#define CINT_SELFTEST_INTERRUPTS_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The sum of all rows, or of those whose name has @name, over all CPUs but
 * @except; the columns are CPU0, CPU1 and so on of those that are online.
 */
static inline long long interrupts_sum(const char *name, int except)
{
	FILE *file = fopen("/proc/interrupts", "r");
	long long sum = 0, row;
	char *line = NULL, *p, *end;
	size_t size = 0;
	int columns = 0, i;

	if (!file)
		return -1;
	if (getline(&line, &size, file) > 0)
		for (p = line; (p = strstr(p, "CPU")); p += 3)
			columns++;
	while (getline(&line, &size, file) > 0) {
		p = strchr(line, ':');
		if (!p)
			continue;
		p++;
		for (i = 0, row = 0; i < columns; i++) {
			unsigned long long value = strtoull(p, &end, 10);

			if (end == p)
				break;
			p = end;
			if (i != except)
				row += value;
		}
		if (!name || strstr(p, name))
			sum += row;
	}
	free(line);
	fclose(file);
	return sum;
}

/* All kinds, on all CPUs but one. */
static inline long long interrupts_elsewhere(int cpu)
{
	return interrupts_sum(NULL, cpu);
}

/* Of a controller's queues; the admin queue has next to none. */
static inline long long interrupts_of(const char *ctrl)
{
	char name[48];

	snprintf(name, sizeof(name), "%.40sq", ctrl);
	return interrupts_sum(name, -1);
}

#endif /* CINT_SELFTEST_INTERRUPTS_H */

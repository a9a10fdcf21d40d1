/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resets, and how many I/O queues the controller grants after one.
 *
 * CINT_GRANT_QUEUES: a command that takes how many the controller is to grant from
 * the next reset on, of a controller that can be told; 0 is none at all.
 */
#ifndef CINT_SELFTEST_QUEUES_H
#define CINT_SELFTEST_QUEUES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

#define ALL_QUEUES	"65535"

static inline int controller_reset(const struct device *d)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/reset_controller", d->sysfs);
	return file_write(path, "1");
}

static inline bool queues_can_be_granted(void)
{
	return getenv("CINT_GRANT_QUEUES");
}

static inline int queues_grant(const char *nr)
{
	char command[512];

	snprintf(command, sizeof(command), "%s %s > /dev/null",
		 getenv("CINT_GRANT_QUEUES"), nr);
	return system(command);
}

#endif /* CINT_SELFTEST_QUEUES_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Coalescing no more. Unlike other changes this is no plan: what one drive
 * refuses is no reason to switch it on again for another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cintctl.h"

/* All that have not yet taken it are asked again after a while. */
#define ROUND_NS	100000000
#define ROUNDS_BUSY	50
#define ROUNDS_OTHER	3

static bool is_gone(const struct controller *controller)
{
	char *path = controller_path(controller, "");
	bool gone = access(path, F_OK);

	free(path);
	return gone;
}

static int switch_off(const struct controller *controller)
{
	char *path = controller_path(controller, "mode");
	int error = write_file(path, "off\n");

	free(path);
	/* What is not there does not coalesce. */
	return error && is_gone(controller) ? 0 : error;
}

static bool worth_another_round(int error, unsigned int round)
{
	if (error == EACCES || error == EPERM || error == EROFS)
		return false;
	return round < (error == EBUSY ? ROUNDS_BUSY : ROUNDS_OTHER);
}

static void switch_all_off(const struct controllers *controllers, int *errors)
{
	static const struct timespec pause = { .tv_nsec = ROUND_NS };
	unsigned int round = 0;
	bool again;
	size_t i;

	do {
		if (round++)
			nanosleep(&pause, NULL);
		again = false;
		for (i = 0; i < controllers->nr; i++) {
			if (!errors[i])
				continue;
			errors[i] = switch_off(&controllers->list[i]);
			again |= errors[i] && worth_another_round(errors[i], round);
		}
	} while (again);
}

int command_off(const struct controllers *controllers, const struct options *options)
{
	int *errors = calloc(controllers->nr + 1, sizeof(*errors));
	struct plan done = { 0 };
	const struct attribute *mode;
	const struct controller *c;
	size_t i, refused = 0, nr = 0;
	struct report report;

	if (!errors)
		out_of_memory();
	for (i = 0; i < controllers->nr; i++) {
		c = &controllers->list[i];
		if (!c->coalesces)
			continue;
		nr++;
		if (!options->dry_run)
			state_note(c);
		if (!controller_mode_is_off(c) && !options->dry_run)
			errors[i] = EINPROGRESS;
	}
	switch_all_off(controllers, errors);
	for (i = 0; i < controllers->nr; i++) {
		c = &controllers->list[i];
		if (!c->coalesces || errors[i])
			continue;
		mode = controller_attribute(c, "mode");
		plan_append(&done, c, "mode", mode && mode->value ? mode->value : "unknown",
			    "off");
	}
	report_begin(&report, options);
	report_plan(&report, &done);
	for (i = 0; i < controllers->nr; i++) {
		if (!errors[i])
			continue;
		c = &controllers->list[i];
		mode = controller_attribute(c, "mode");
		complain("%s: mode off was refused, it is %s: %s%s", c->name,
			 mode && mode->value ? mode->value : "unknown", strerror(errors[i]),
			 change_hint("mode", errors[i]));
		refused++;
	}
	if (refused)
		complain("%zu of %zu controllers still coalesce", refused, nr);
	report_end(&report);
	plan_free(&done);
	free(errors);
	return refused ? CTL_FAILED : CTL_OK;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Changing parameters: all of a plan, or nothing.
 *
 * Everything is checked before the first write. What the kernel refuses after
 * that makes all that was written before be written back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cintctl.h"
#include "json.h"

/* A controller being reset refuses a mode for a moment. */
#define BUSY_RETRY_NS	100000000
#define BUSY_RETRIES	50

void plan_append(struct plan *plan, const struct controller *controller, const char *attribute,
		 const char *from, const char *to)
{
	plan->changes = xrealloc(plan->changes, (plan->nr + 1) * sizeof(*plan->changes));
	plan->changes[plan->nr++] = (struct change) {
		.controller	= controller,
		.attribute	= attribute,
		.from		= xstrdup(from),
		.to		= xstrdup(to),
	};
}

enum fault plan_add(struct plan *plan, const struct controller *controller, const char *name,
		    const char *text, const char *where)
{
	const struct attribute *attribute = controller_attribute(controller, name);
	char *value, *problem, *there;
	enum fault fault;
	size_t i;

	if (!attribute) {
		there = xstrdup("");
		for (i = 0; i < controller->nr_attributes; i++) {
			char *longer;

			if (!controller->attributes[i].writable)
				continue;
			longer = xprintf("%s%s%s", there, *there ? ", " : "",
					 controller->attributes[i].name);
			free(there);
			there = longer;
		}
		complain("%s%s: there is no parameter '%s'; there are %s", where,
			 controller->name, name, there);
		free(there);
		return parameter_is_known(name) ? FAULT_STALE : FAULT_MISTAKE;
	}
	fault = parameter_check(controller, attribute, text, &value, &problem);
	if (fault) {
		complain("%s%s: %s", where, controller->name, problem);
		free(problem);
		return fault;
	}
	if (!attribute->value) {
		complain("%s%s: the present %s can't be read, so it could not be changed back: %s",
			 where, controller->name, name, strerror(attribute->error));
		free(value);
		return FAULT_STALE;
	}
	for (i = 0; i < plan->nr; i++) {
		if (plan->changes[i].controller == controller &&
		    !strcmp(plan->changes[i].attribute, name)) {
			complain("%s%s: %s is given twice", where, controller->name, name);
			free(value);
			return FAULT_MISTAKE;
		}
	}
	plan_append(plan, controller, attribute->name, attribute->value, value);
	free(value);
	return FAULT_NONE;
}

void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		free(plan->changes[i].from);
		free(plan->changes[i].to);
	}
	free(plan->changes);
	*plan = (struct plan) { 0 };
}

static bool change_is_one(const struct change *change)
{
	return strcmp(change->from, change->to);
}

static bool change_is_mode(const struct change *change)
{
	return !strcmp(change->attribute, "mode");
}

void report_begin(struct report *report, const struct options *options)
{
	*report = (struct report) { .options = options, .json = { .file = stdout } };
	if (!options->json)
		return;
	json_begin_object(&report->json, NULL);
	json_bool(&report->json, "dry_run", options->dry_run);
	json_begin_array(&report->json, "changes");
}

void report_plan(struct report *report, const struct plan *plan)
{
	const struct options *options = report->options;
	struct json *json = &report->json;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		const struct change *c = &plan->changes[i];

		if (options->json && change_is_one(c)) {
			json_begin_object(json, NULL);
			json_string(json, "controller", c->controller->name);
			json_string(json, "parameter", c->attribute);
			json_scalar(json, "from", c->from);
			json_scalar(json, "to", c->to);
			json_end_object(json);
		} else if (!options->json && !options->quiet) {
			if (change_is_one(c))
				printf("%s: %s %s -> %s%s\n", c->controller->name, c->attribute,
				       c->from, c->to, options->dry_run ? " (not done)" : "");
			else
				printf("%s: %s is %s already\n", c->controller->name,
				       c->attribute, c->to);
		}
	}
}

void report_end(struct report *report)
{
	if (!report->options->json)
		return;
	json_end_array(&report->json);
	json_complaints(&report->json);
	json_end_object(&report->json);
}

static int change_write(const struct change *change, const char *value)
{
	static const struct timespec pause = { .tv_nsec = BUSY_RETRY_NS };
	char *path = controller_path(change->controller, change->attribute);
	char *line = xprintf("%s\n", value);
	int error, tries = 0;

	do {
		if (tries)
			nanosleep(&pause, NULL);
		error = write_file(path, line);
	} while (error == EBUSY && ++tries < BUSY_RETRIES);
	free(line);
	free(path);
	return error;
}

/* What an attribute holds now; empty if it can't be read. */
static char *change_read(const struct change *change)
{
	struct controllers now;
	char *names[] = { change->controller->name }, *value;
	const struct attribute *attribute = NULL;

	if (controllers_find(&now, names, 1))
		attribute = controller_attribute(&now.list[0], change->attribute);
	value = xstrdup(attribute && attribute->value ? attribute->value : "");
	controllers_free(&now);
	return value;
}

/*
 * Write the changes of one controller, from @first on. A controller or mode
 * that is in use may refuse parameters that the next mode would take, so
 * between two modes comes off; a mode is entered with its parameters in place.
 * @back: write what was there before.
 *
 * Return: the change that failed with @error, or NULL.
 */
static const struct change *write_controller(const struct plan *plan, size_t first, bool back,
					     int *error)
{
	const struct change *mode = NULL, *c;
	const struct controller *controller = plan->changes[first].controller;
	const char *target = NULL;
	char *now;
	bool others = false;
	size_t i;

	*error = 0;
	for (i = first; i < plan->nr && plan->changes[i].controller == controller; i++) {
		c = &plan->changes[i];
		if (!change_is_one(c))
			continue;
		if (change_is_mode(c))
			mode = c;
		else
			others = true;
	}
	if (mode) {
		target = back ? mode->from : mode->to;
		now = change_read(mode);
		if (others && strcmp(now, "off") && strcmp(now, target))
			*error = change_write(mode, "off");
		free(now);
		if (*error)
			return mode;
	}
	for (i = first; i < plan->nr && plan->changes[i].controller == controller; i++) {
		c = &plan->changes[i];
		if (!change_is_one(c) || change_is_mode(c))
			continue;
		*error = change_write(c, back ? c->from : c->to);
		/* On the way back as much as possible is restored. */
		if (*error && !back)
			return c;
		if (*error)
			complain("%s: %s could not be changed back to %s: %s", controller->name,
				 c->attribute, c->from, strerror(*error));
	}
	if (!mode)
		return NULL;
	now = change_read(mode);
	if (strcmp(now, target))
		*error = change_write(mode, target);
	free(now);
	return *error ? mode : NULL;
}

/* True if after an attempt to write back all is as it was. */
static bool undo(const struct plan *plan, size_t end)
{
	const struct change *c;
	bool restored = true;
	int error;
	size_t i;
	char *now;

	for (i = 0; i < end; i++) {
		if (!i || plan->changes[i].controller != plan->changes[i - 1].controller)
			write_controller(plan, i, true, &error);
	}
	for (i = 0; i < end; i++) {
		c = &plan->changes[i];
		if (!change_is_one(c))
			continue;
		now = change_read(c);
		if (strcmp(now, c->from)) {
			complain("%s: %s was %s and could NOT be changed back, it is %s",
				 c->controller->name, c->attribute, c->from,
				 *now ? now : "unknown");
			restored = false;
		}
		free(now);
	}
	return restored;
}

/* Why the kernel may have refused, as far as the ABI document tells. */
const char *change_hint(const char *attribute, int error)
{
	if (!strcmp(attribute, "mode") && (error == EOPNOTSUPP || error == EINVAL || error == EIO))
		return "; the kernel log (dmesg) says why";
	if (error == EBUSY)
		return "; the controller is being reset";
	if (error == EINVAL || error == ERANGE)
		return "; the kernel does not take this value";
	if (error == EACCES && geteuid())
		return " (you are not root)";
	return "";
}

static bool plan_writable(const struct plan *plan)
{
	size_t i;
	int fd;

	for (i = 0; i < plan->nr; i++) {
		const struct change *c = &plan->changes[i];
		char *path = controller_path(c->controller, c->attribute);

		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			complain("%s: %s can't be changed: %s%s; nothing was changed",
				 c->controller->name, c->attribute, strerror(errno),
				 errno == EACCES ? change_hint(c->attribute, errno) : "");
			free(path);
			return false;
		}
		close(fd);
		free(path);
	}
	return true;
}

static int plan_write(const struct plan *plan)
{
	const struct change *failed = NULL;
	size_t i, end;
	int error = 0;

	for (i = 0; i < plan->nr && !failed; i = end) {
		for (end = i; end < plan->nr &&
		     plan->changes[end].controller == plan->changes[i].controller; end++)
			;
		failed = write_controller(plan, i, false, &error);
	}
	if (!failed)
		return CTL_OK;
	complain("%s: %s %s was refused: %s%s", failed->controller->name, failed->attribute,
		 failed->to, strerror(error), change_hint(failed->attribute, error));
	if (!undo(plan, end))
		return CTL_INCONSISTENT;
	complain("everything is as it was before");
	return CTL_FAILED;
}

/*
 * What ends this process at once leaves nothing half done, either: a child that
 * nobody sends signals to takes back what its parent did not live to finish.
 */
struct guard {
	pid_t	pid;
	int	fd;	/* of a pipe: closed, without a word before, by the parent's end */
};

static void guard_begin(struct guard *guard, const struct plan *plan)
{
	int ends[2];
	char done;

	*guard = (struct guard) { .pid = -1 };
	if (pipe2(ends, O_CLOEXEC))
		return;
	fflush(stdout);
	guard->pid = fork();
	if (!guard->pid) {
		setsid();
		close(ends[1]);
		if (read(ends[0], &done, 1) != 1 && undo(plan, plan->nr))
			complain("ended half way; everything is as it was before");
		_exit(0);
	}
	close(ends[0]);
	guard->fd = ends[1];
	if (guard->pid < 0)
		close(ends[1]);
}

static void guard_end(const struct guard *guard)
{
	if (guard->pid < 0)
		return;
	/* It has nothing to do if this fails, as then it is gone. */
	if (write(guard->fd, "", 1) != 1 || close(guard->fd))
		return;
	waitpid(guard->pid, NULL, 0);
}

int plan_apply(const struct plan *plan, const struct options *options)
{
	struct guard guard;
	sigset_t before;
	int status;
	size_t i;

	if (options->dry_run || !plan->nr)
		return CTL_OK;
	if (!plan_writable(plan))
		return CTL_FAILED;
	for (i = 0; i < plan->nr; i++) {
		if (!i || plan->changes[i].controller != plan->changes[i - 1].controller)
			state_note(plan->changes[i].controller);
	}
	signals_hold(&before);
	guard_begin(&guard, plan);
	status = plan_write(plan);
	guard_end(&guard);
	signals_release(&before);
	return status;
}

int command_set(const struct controllers *controllers, char *const *assignments, int nr,
		const struct options *options)
{
	struct plan plan = { 0 };
	struct report report;
	int status = CTL_FAILED;
	bool good = true;
	char *name, *equals;
	size_t i;
	int j;

	for (i = 0; i < controllers->nr; i++) {
		const struct controller *controller = &controllers->list[i];

		if (!controller->coalesces) {
			complain_unsupported(controller, ": nothing can be set");
			good = false;
			continue;
		}
		/* All that is wrong is said at once. */
		for (j = 0; j < nr; j++) {
			name = xstrdup(assignments[j]);
			equals = strchr(name, '=');
			*equals = '\0';
			if (plan_add(&plan, controller, name, equals + 1, ""))
				good = false;
			free(name);
		}
	}
	if (good)
		status = plan_apply(&plan, options);
	else
		complain("nothing was changed");
	report_begin(&report, options);
	if (status == CTL_OK)
		report_plan(&report, &plan);
	report_end(&report);
	plan_free(&plan);
	return status;
}

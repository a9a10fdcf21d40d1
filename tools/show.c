// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Controllers, their parameters and counters, and what is supported. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <liburing-cint.h>
#include "cintctl.h"
#include "json.h"

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static const char *attribute_value(const struct controller *controller, const char *name)
{
	const struct attribute *attribute = controller_attribute(controller, name);

	return attribute ? attribute->value : NULL;
}

static const char *kernel_release(void)
{
	static struct utsname system;

	uname(&system);
	return system.release;
}

static void json_words(struct json *json, const char *name, char **words)
{
	size_t i;

	json_begin_array(json, name);
	for (i = 0; words && words[i]; i++)
		json_string(json, NULL, words[i]);
	json_end_array(json);
}

static void json_identity(struct json *json, const struct controller *controller)
{
	enum answer answer;
	char *reason;

	json_string(json, "name", controller->name);
	json_string(json, "model", controller->model);
	json_string(json, "serial", controller->serial);
	json_string(json, "firmware", controller->firmware);
	json_string(json, "transport", controller->transport);
	json_string(json, "address", controller->address);
	json_string(json, "state", controller->state);
	json_scalar(json, "queues", *controller->queues ? controller->queues : NULL);
	json_words(json, "namespaces", controller->namespaces);
	answer = controller_supported(controller, &reason);
	json_bool(json, "supported", answer == ANSWER_YES);
	json_string(json, "reason", reason);
	free(reason);
}

static void json_attributes(struct json *json, const struct controller *controller)
{
	const struct attribute *a;
	char *range;
	size_t i;

	json_begin_object(json, "parameters");
	for (i = 0; i < controller->nr_attributes; i++) {
		a = &controller->attributes[i];
		json_begin_object(json, a->name);
		json_scalar(json, "value", a->value);
		if (a->error)
			json_string(json, "error", strerror(a->error));
		json_bool(json, "writable", a->writable);
		if (a->choices) {
			json_words(json, "choices", a->choices);
		} else {
			range = parameter_range(a);
			json_string(json, "range", range);
			free(range);
		}
		json_end_object(json);
	}
	json_end_object(json);
}

/* What comes before and after the controllers, in either form. */
static void begin_controllers(struct json *json, const struct controllers *controllers,
			      const struct options *options)
{
	if (options->json) {
		json_begin_object(json, NULL);
		json_string(json, "kernel", kernel_release());
		json_begin_array(json, "controllers");
	} else if (!controllers->nr) {
		printf("There is no NVMe controller.\n");
	}
}

static void end_controllers(struct json *json, const struct options *options)
{
	if (options->json) {
		json_end_array(json);
		json_end_object(json);
	}
}

static void json_stats(struct json *json, const struct controller *controller)
{
	char *stats = controller_stats(controller);
	struct counter *counters;
	size_t i, nr;

	if (!stats) {
		json_string(json, "stats", NULL);
		json_string(json, "stats_error", strerror(errno));
		return;
	}
	counters = counters_parse(stats, &nr);
	json_begin_object(json, "stats");
	for (i = 0; i < nr; i++)
		json_scalar(json, counters[i].name, counters[i].text);
	json_end_object(json);
	free(counters);
	free(stats);
}

int command_list(const struct controllers *controllers, const struct options *options)
{
	struct json json = { .file = stdout };
	const struct controller *c;
	char *reason, *model, *serial;
	enum answer answer;
	size_t i;

	begin_controllers(&json, controllers, options);
	if (!options->json && controllers->nr) {
		printf("%-8s %-8s %-10s %-28s %-20s %s\n", "NAME", "MODE", "POLICY", "MODEL",
		       "SERIAL", "SUPPORTED");
	}
	for (i = 0; i < controllers->nr; i++) {
		c = &controllers->list[i];
		if (options->json) {
			json_begin_object(&json, NULL);
			json_identity(&json, c);
			json_string(&json, "mode", attribute_value(c, "mode"));
			json_string(&json, "policy", attribute_value(c, "policy"));
			json_end_object(&json);
			continue;
		}
		answer = controller_supported(c, &reason);
		model = printable(or_dash(c->model));
		serial = printable(or_dash(c->serial));
		printf("%-8s %-8s %-10s %-28s %-20s %s%s%s\n", c->name,
		       or_dash(attribute_value(c, "mode")),
		       or_dash(attribute_value(c, "policy")), model, serial,
		       answer_name(answer), reason ? ": " : "", reason ? reason : "");
		free(serial);
		free(model);
		free(reason);
	}
	end_controllers(&json, options);
	return CTL_OK;
}

/* A value of several lines goes below its name. */
static void print_attribute(const struct attribute *attribute)
{
	char *range = parameter_range(attribute), *line, *rest, *copy;

	if (attribute->error) {
		printf("  %-14s can't be read: %s\n", attribute->name,
		       strerror(attribute->error));
	} else if (strchr(attribute->value, '\n')) {
		printf("  %s\n", attribute->name);
		rest = copy = xstrdup(attribute->value);
		while ((line = strtok_r(rest, "\n", &rest)))
			printf("    %s\n", line);
		free(copy);
	} else if (!attribute->writable) {
		printf("  %-14s %-12s (read only)\n", attribute->name, attribute->value);
	} else if (range) {
		printf("  %-14s %-12s (%s)\n", attribute->name, attribute->value, range);
	} else {
		printf("  %-14s %s\n", attribute->name, attribute->value);
	}
	free(range);
}

static void print_stats(const struct controller *controller)
{
	char *stats = controller_stats(controller);
	struct counter *counters;
	size_t i, nr;

	if (!stats) {
		printf("  counters can't be read: %s\n", strerror(errno));
		return;
	}
	counters = counters_parse(stats, &nr);
	if (nr)
		printf("  counters%s\n", controller_mode_is_off(controller) ?
		       ", which are zero while the mode is off" : " since the mode was chosen");
	for (i = 0; i < nr; i++)
		printf("    %-16s %s\n", counters[i].name, counters[i].text);
	free(counters);
	free(stats);
}

static void print_controller(const struct controller *c)
{
	char *reason, *line, *shown;
	size_t i;

	line = xprintf("%s: %s, serial %s, firmware %s, %s %s, %s", c->name, or_dash(c->model),
		       or_dash(c->serial), or_dash(c->firmware), or_dash(c->transport),
		       or_dash(c->address), or_dash(c->state));
	shown = printable(line);
	printf("%s\n", shown);
	free(shown);
	free(line);
	if (c->namespaces) {
		printf("  %-14s", "namespaces");
		for (i = 0; c->namespaces[i]; i++)
			printf(" %s", c->namespaces[i]);
		printf("\n");
	}
	if (controller_supported(c, &reason) != ANSWER_YES)
		printf("  not coalesced: %s\n", reason);
	free(reason);
	for (i = 0; i < c->nr_attributes; i++)
		print_attribute(&c->attributes[i]);
	if (controller_hw_coalescing(c, &reason) == ANSWER_YES)
		printf("  %s\n", reason);
	free(reason);
	if (c->coalesces)
		print_stats(c);
}

int command_show(const struct controllers *controllers, const struct options *options)
{
	struct json json = { .file = stdout };
	size_t i;

	begin_controllers(&json, controllers, options);
	for (i = 0; i < controllers->nr; i++) {
		if (!options->json) {
			if (i)
				printf("\n");
			print_controller(&controllers->list[i]);
			continue;
		}
		json_begin_object(&json, NULL);
		json_identity(&json, &controllers->list[i]);
		json_attributes(&json, &controllers->list[i]);
		if (controllers->list[i].coalesces)
			json_stats(&json, &controllers->list[i]);
		json_end_object(&json);
	}
	end_controllers(&json, options);
	return CTL_OK;
}

/* One answer of the support command, in either form. */
static void say_answer(struct json *json, const char *subject, const char *what,
		       enum answer answer, const char *reason)
{
	char *label;

	if (json) {
		json_begin_object(json, what);
		json_string(json, "answer", answer_name(answer));
		json_string(json, "reason", reason);
		json_end_object(json);
		return;
	}
	label = xprintf("%s%s%s", subject, *subject ? " " : "", what);
	printf("  %-22s %s%s%s\n", label, answer_name(answer), reason ? ": " : "",
	       reason ? reason : "");
	free(label);
}

static void support_kernel(struct json *json)
{
	struct cint_probe probe;
	const char *name, *why;
	char reason[200];
	int feature, error = cint_probe(&probe);

	if (json) {
		json_string(json, "kernel", kernel_release());
		json_begin_object(json, "features");
	} else {
		printf("kernel %s\n", kernel_release());
	}
	for (feature = 0; feature < CINT_FEATURE_NR; feature++) {
		enum answer answer;

		name = cint_feature_name((enum cint_feature)feature);
		if (error) {
			snprintf(reason, sizeof(reason), "%s", strerror(-error));
			answer = ANSWER_UNKNOWN;
		} else {
			cint_probe_explain(&probe, (enum cint_feature)feature, reason,
					   sizeof(reason));
			answer = probe.features >> feature & 1 ? ANSWER_YES :
				 probe.error[feature] == -EOPNOTSUPP ? ANSWER_NO : ANSWER_UNKNOWN;
		}
		/* The explanation begins with the name, which is there already. */
		why = reason;
		if (!strncmp(why, name, strlen(name)) && !strncmp(why + strlen(name), ": ", 2))
			why += strlen(name) + 2;
		say_answer(json, "", name, answer, answer == ANSWER_YES ? NULL : why);
	}
	if (json)
		json_end_object(json);
}

static void support_modes(struct json *json, const struct controller *controller)
{
	const struct attribute *mode = controller_attribute(controller, "mode");
	enum answer answer;
	char *reason;
	size_t i;

	if (json)
		json_begin_object(json, "modes");
	for (i = 0; mode && mode->choices && mode->choices[i]; i++) {
		answer = controller_mode_supported(controller, mode->choices[i], &reason);
		say_answer(json, "mode", mode->choices[i], answer, reason);
		free(reason);
	}
	if (json)
		json_end_object(json);
}

int command_support(const struct controllers *controllers, const struct options *options)
{
	struct json writer = { .file = stdout }, *json = options->json ? &writer : NULL;
	int status = controllers->nr ? CTL_OK : CTL_FAILED;
	enum answer answer;
	char *reason;
	size_t i;

	if (json)
		json_begin_object(json, NULL);
	support_kernel(json);
	if (json)
		json_begin_array(json, "controllers");
	else if (!controllers->nr)
		printf("There is no NVMe controller.\n");
	for (i = 0; i < controllers->nr; i++) {
		const struct controller *c = &controllers->list[i];

		if (json) {
			json_begin_object(json, NULL);
			json_string(json, "name", c->name);
		} else {
			printf("%s\n", c->name);
		}
		answer = controller_supported(c, &reason);
		say_answer(json, "", "coalescing", answer, reason);
		free(reason);
		if (answer != ANSWER_YES)
			status = CTL_FAILED;
		support_modes(json, c);
		answer = controller_hw_coalescing(c, &reason);
		if (answer != ANSWER_UNKNOWN || reason)
			say_answer(json, "", "hw_coalescing", answer, reason);
		free(reason);
		answer = controller_settable(c, &reason);
		say_answer(json, "", "settable", answer, reason);
		free(reason);
		if (json)
			json_end_object(json);
	}
	if (json) {
		json_end_array(json);
		json_end_object(json);
	}
	return status;
}

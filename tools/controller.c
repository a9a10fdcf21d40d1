// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* NVMe controllers and their cint directories in sysfs. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cintctl.h"

static bool is_controller(const char *name)
{
	return !fnmatch("nvme[0-9]*", name, 0) &&
	       strspn(name + 4, "0123456789") == strlen(name + 4);
}

/* nvme0n1, or with multipath nvme0c0n1. */
static bool is_namespace(const char *name)
{
	return !fnmatch("nvme[0-9]*n[0-9]*", name, 0);
}

static bool is_attribute(const char *name)
{
	/* "uevent" and the directory "power" are sysfs's own. */
	return strcmp(name, "stats") && strcmp(name, "uevent") && strcmp(name, "power");
}

static char *class_dir(void)
{
	return xprintf("%s/sys/class/nvme", root_dir());
}

char *controller_path(const struct controller *controller, const char *attribute)
{
	return xprintf("%s/sys/class/nvme/%s/cint/%s", root_dir(), controller->name, attribute);
}

/* An attribute of the controller itself; empty if there is none. */
static char *controller_text(const char *dir, const char *name)
{
	char *path = xprintf("%s/%s", dir, name);
	char *text = read_file(path, NULL), *copy;

	free(path);
	copy = xstrdup(text ? trim(text) : "");
	free(text);
	return copy;
}

/* "off [kthread] device": the choices, and which is in brackets. */
static void attribute_parse_choices(struct attribute *attribute)
{
	char *copy = xstrdup(attribute->text), *word, *rest = copy;
	char **choices = NULL, *current = NULL;
	size_t length;

	while ((word = strtok_r(rest, " \t\n", &rest))) {
		length = strlen(word);
		if (length > 2 && word[0] == '[' && word[length - 1] == ']') {
			word[length - 1] = '\0';
			word++;
			if (!current)
				current = xstrdup(word);
		}
		list_append(&choices, word);
	}
	free(copy);
	if (current) {
		attribute->value = current;
		attribute->choices = choices;
	} else {
		attribute->value = xstrdup(attribute->text);
		list_free(choices);
	}
}

static void attribute_read(struct attribute *attribute, const char *path)
{
	struct stat st;
	char *text;

	attribute->writable = !stat(path, &st) && (st.st_mode & 0222);
	text = read_file(path, NULL);
	if (!text) {
		attribute->error = errno;
		return;
	}
	attribute->text = xstrdup(trim(text));
	free(text);
	attribute_parse_choices(attribute);
}

static int by_rank(const void *a, const void *b)
{
	const struct attribute *left = a, *right = b;
	unsigned int l = parameter_rank(left->name), r = parameter_rank(right->name);

	return l != r ? (l < r ? -1 : 1) : strcmp(left->name, right->name);
}

static void controller_read_attributes(struct controller *controller)
{
	char *dir = controller_path(controller, ""), *path;
	struct attribute *attributes;
	struct stat st;
	char **names;
	size_t i;

	controller->coalesces = !stat(dir, &st) && S_ISDIR(st.st_mode);
	names = list_directory(dir, is_attribute);
	controller->nr_attributes = list_length(names);
	attributes = calloc(controller->nr_attributes + 1, sizeof(*attributes));
	if (!attributes)
		out_of_memory();
	for (i = 0; i < controller->nr_attributes; i++) {
		attributes[i].name = xstrdup(names[i]);
		path = controller_path(controller, names[i]);
		attribute_read(&attributes[i], path);
		free(path);
	}
	qsort(attributes, controller->nr_attributes, sizeof(*attributes), by_rank);
	controller->attributes = attributes;
	list_free(names);
	free(dir);
}

static void controller_read(struct controller *controller, const char *name)
{
	char *dir = xprintf("%s/sys/class/nvme/%s", root_dir(), name);

	*controller = (struct controller) {
		.name		= xstrdup(name),
		.model		= controller_text(dir, "model"),
		.serial		= controller_text(dir, "serial"),
		.firmware	= controller_text(dir, "firmware_rev"),
		.transport	= controller_text(dir, "transport"),
		.address	= controller_text(dir, "address"),
		.state		= controller_text(dir, "state"),
		.queues		= controller_text(dir, "queue_count"),
		.namespaces	= list_directory(dir, is_namespace),
	};
	controller_read_attributes(controller);
	free(dir);
}

/* Also /dev/nvme0, as other tools take it. */
static const char *controller_name(const char *name)
{
	return strncmp(name, "/dev/", 5) ? name : name + 5;
}

bool controllers_find(struct controllers *controllers, char *const *names, int nr_names)
{
	char *dir = class_dir(), **all = list_directory(dir, is_controller);
	char **wanted = NULL;
	bool found = true;
	int i, j;
	size_t k;

	for (i = 0; i < nr_names; i++) {
		const char *name = controller_name(names[i]);

		for (j = 0; j < i; j++) {
			if (!strcmp(name, controller_name(names[j])))
				break;
		}
		if (j < i)
			continue;
		for (k = 0; all && all[k]; k++) {
			if (!strcmp(name, all[k]))
				break;
		}
		if (all && all[k]) {
			list_append(&wanted, name);
			continue;
		}
		if (all)
			complain("there is no NVMe controller '%s'; the first of %zu is %s",
				 name, list_length(all), all[0]);
		else
			complain("there is no NVMe controller '%s': %s has none", name, dir);
		found = false;
	}
	if (!nr_names) {
		wanted = all;
		all = NULL;
	}
	controllers->nr = list_length(wanted);
	controllers->list = calloc(controllers->nr + 1, sizeof(*controllers->list));
	if (!controllers->list)
		out_of_memory();
	for (k = 0; wanted && wanted[k]; k++)
		controller_read(&controllers->list[k], wanted[k]);
	list_free(wanted);
	list_free(all);
	free(dir);
	return found;
}

static void controller_free(struct controller *controller)
{
	size_t i;

	for (i = 0; i < controller->nr_attributes; i++) {
		free(controller->attributes[i].name);
		free(controller->attributes[i].text);
		free(controller->attributes[i].value);
		list_free(controller->attributes[i].choices);
	}
	free(controller->attributes);
	list_free(controller->namespaces);
	free(controller->name);
	free(controller->model);
	free(controller->serial);
	free(controller->firmware);
	free(controller->transport);
	free(controller->address);
	free(controller->state);
	free(controller->queues);
}

void controllers_free(struct controllers *controllers)
{
	size_t i;

	for (i = 0; i < controllers->nr; i++)
		controller_free(&controllers->list[i]);
	free(controllers->list);
	*controllers = (struct controllers) { 0 };
}

struct attribute *controller_attribute(const struct controller *controller, const char *name)
{
	size_t i;

	for (i = 0; i < controller->nr_attributes; i++) {
		if (!strcmp(controller->attributes[i].name, name))
			return &controller->attributes[i];
	}
	return NULL;
}

bool controller_mode_is_off(const struct controller *controller)
{
	const struct attribute *mode = controller_attribute(controller, "mode");

	return mode && mode->value && !strcmp(mode->value, "off");
}

char *controller_stats(const struct controller *controller)
{
	char *path = controller_path(controller, "stats");
	char *text = read_file(path, NULL);
	int error = errno;

	free(path);
	errno = error;
	return text;
}

struct counter *counters_parse(char *stats, size_t *nr)
{
	struct counter *counters = NULL;
	char *line, *rest = stats;
	long long number;

	*nr = 0;
	while ((line = strtok_r(rest, "\n", &rest))) {
		struct counter counter = { .name = trim(line) };

		if (!*counter.name)
			continue;
		counter.text = counter.name + strcspn(counter.name, " \t");
		if (*counter.text)
			*counter.text++ = '\0';
		counter.text = trim(counter.text);
		counter.is_number = counter.text[0] != '-' && parse_integer(counter.text, &number);
		if (counter.is_number)
			counter.number = (unsigned long long)number;
		counters = xrealloc(counters, (*nr + 1) * sizeof(*counters));
		counters[(*nr)++] = counter;
	}
	return counters;
}

bool counter_is_gauge(const char *name)
{
	return !strcmp(name, "held") || !strcmp(name, "outstanding");
}

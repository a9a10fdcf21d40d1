// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the shells' completion offers: cintctl complete controllers,
 * complete parameters CONTROLLER, complete values CONTROLLER PARAMETER.
 * One word a line; nothing where nothing is known.
 */
#include <string.h>
#include "cintctl.h"

static void print_parameters(const struct controller *controller)
{
	size_t i;

	for (i = 0; i < controller->nr_attributes; i++) {
		if (controller->attributes[i].writable)
			puts(controller->attributes[i].name);
	}
}

static void print_values(const struct attribute *attribute)
{
	size_t i;

	for (i = 0; attribute->choices && attribute->choices[i]; i++)
		puts(attribute->choices[i]);
	/* Of a number, the present one, to be edited. */
	if (!attribute->choices && attribute->value)
		puts(attribute->value);
}

int command_complete(char *const *arguments, int nr)
{
	struct controllers all;
	const char *what = nr ? arguments[0] : "", *name = nr > 1 ? arguments[1] : "";
	const struct attribute *attribute;
	size_t i;

	controllers_find(&all, NULL, 0);
	for (i = 0; i < all.nr; i++) {
		struct controller *c = &all.list[i];

		if (!strcmp(what, "controllers"))
			puts(c->name);
		/* Those of any stand for "all". */
		if (strcmp(name, "all") ? strcmp(name, c->name) : !c->coalesces)
			continue;
		if (!strcmp(what, "parameters") && nr == 2) {
			print_parameters(c);
			break;
		}
		if (!strcmp(what, "values") && nr == 3) {
			attribute = controller_attribute(c, arguments[2]);
			if (attribute)
				print_values(attribute);
			break;
		}
	}
	controllers_free(&all);
	return CTL_OK;
}

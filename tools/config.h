/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The configuration file, as restoring and saving know it. See cint.conf(5). */
#ifndef CINTCTL_CONFIG_H
#define CINTCTL_CONFIG_H

#include "cintctl.h"

/* "[serial=S4EV*]": what of a controller the pattern is for. */
struct section {
	char	*header;	/* without the brackets */
	const char *pattern;	/* within @header */
	char	*what;		/* name, serial, model or address */
	size_t	first;		/* its first setting */
	size_t	nr;
};

struct setting {
	unsigned int line;
	char	*name;
	char	*value;
};

struct config {
	const char *path;
	struct section *sections;
	size_t	nr_sections;
	struct setting *settings;
	size_t	nr_settings;
};

/* @file of the command line, or the default; to free. */
char *config_path(const char *file);
/* Its text, or NULL after a complaint. */
char *config_read(const char *file);
/* False after complaints about all that is wrong with it. */
bool config_parse(struct config *config, const char *path, const char *text);
void config_free(struct config *config);
/* What of a controller a selector such as "serial" is about. */
const char *config_selected(const struct controller *controller, const char *what);

#endif /* CINTCTL_CONFIG_H */

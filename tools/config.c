// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The configuration file: reading and restoring. See cint.conf(5). */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"

static const char *const selectors[] = { "name", "serial", "model", "address" };

#define NR_SELECTORS	(sizeof(selectors) / sizeof(selectors[0]))

const char *config_selected(const struct controller *controller, const char *what)
{
	if (!strcmp(what, "serial"))
		return controller->serial;
	if (!strcmp(what, "model"))
		return controller->model;
	if (!strcmp(what, "address"))
		return controller->address;
	return controller->name;
}

char *config_path(const char *file)
{
	return file ? xstrdup(file) : xprintf("%s/etc/cint.conf", root_dir());
}

void config_free(struct config *config)
{
	size_t i;

	for (i = 0; i < config->nr_sections; i++) {
		free(config->sections[i].header);
		free(config->sections[i].what);
	}
	for (i = 0; i < config->nr_settings; i++) {
		free(config->settings[i].name);
		free(config->settings[i].value);
	}
	free(config->sections);
	free(config->settings);
	*config = (struct config) { 0 };
}

/* @line is trimmed, and begins with a bracket. */
static bool config_parse_header(struct config *config, unsigned int number, char *line)
{
	size_t length = strlen(line), i;
	struct section *section;
	char *header, *equals;

	if (length < 3 || line[length - 1] != ']') {
		complain("%s:%u: '%s' is no section; it is written [nvme0] or [serial=ABC]",
			 config->path, number, line);
		return false;
	}
	header = xprintf("%.*s", (int)(length - 2), line + 1);
	config->sections = xrealloc(config->sections,
				    (config->nr_sections + 1) * sizeof(*config->sections));
	section = &config->sections[config->nr_sections++];
	*section = (struct section) {
		.header	= header,
		.first	= config->nr_settings,
	};
	equals = strchr(header, '=');
	section->what = equals ? xprintf("%.*s", (int)(equals - header), header) :
				 xstrdup("name");
	section->pattern = equals ? equals + 1 : header;
	for (i = 0; i < NR_SELECTORS; i++) {
		if (!strcmp(selectors[i], section->what))
			break;
	}
	if (i == NR_SELECTORS) {
		complain("%s:%u: '%s' selects nothing; a section is selected by name, serial, "
			 "model or address", config->path, number, section->what);
		return false;
	}
	if (!*section->pattern) {
		complain("%s:%u: the %s is empty", config->path, number, section->what);
		return false;
	}
	return true;
}

static bool config_parse_setting(struct config *config, unsigned int number, char *line)
{
	char *equals = strchr(line, '=');
	struct section *section;
	struct setting setting;
	size_t i;

	if (!equals || equals == line) {
		complain("%s:%u: '%s' is neither a [section] nor 'parameter = value'",
			 config->path, number, line);
		return false;
	}
	if (!config->nr_sections) {
		complain("%s:%u: '%s' comes before any [section]", config->path, number, line);
		return false;
	}
	*equals = '\0';
	setting = (struct setting) {
		.line	= number,
		.name	= xstrdup(trim(line)),
		.value	= xstrdup(trim(equals + 1)),
	};
	section = &config->sections[config->nr_sections - 1];
	config->settings = xrealloc(config->settings,
				    (config->nr_settings + 1) * sizeof(*config->settings));
	config->settings[config->nr_settings++] = setting;
	section->nr++;
	for (i = section->first; i + 1 < config->nr_settings; i++) {
		if (strcmp(config->settings[i].name, setting.name))
			continue;
		complain("%s:%u: %s is set in line %u already", config->path, number,
			 setting.name, config->settings[i].line);
		return false;
	}
	return true;
}

/* Says all that is wrong with it, not just the first. */
bool config_parse(struct config *config, const char *path, const char *text)
{
	char *copy = xstrdup(text), *line = copy, *end, *word;
	unsigned int number = 0;
	bool good = true;

	*config = (struct config) { .path = path };
	for (; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		number++;
		word = trim(line);
		if (!*word || *word == '#' || *word == ';')
			continue;
		if (*word == '[')
			good &= config_parse_header(config, number, word);
		else
			good &= config_parse_setting(config, number, word);
	}
	free(copy);
	return good;
}

char *config_read(const char *file)
{
	char *path = config_path(file), *text;
	size_t length;

	text = read_file(!strcmp(path, "-") ? "/dev/stdin" : path, &length);
	if (!text) {
		complain("%s can't be read: %s%s", path, strerror(errno),
			 errno == ENOENT ? "; 'cintctl save' writes it" : "");
	} else if (strlen(text) != length) {
		complain("%s is no text: it has a zero byte at offset %zu", path, strlen(text));
		free(text);
		text = NULL;
	}
	free(path);
	return text;
}

static bool section_matches(const struct section *section, const struct controller *controller)
{
	return !fnmatch(section->pattern, config_selected(controller, section->what), 0);
}

/* No pattern: this very controller is meant. */
static bool section_is_exact(const struct section *section)
{
	const char *p;

	for (p = section->pattern; *p; p++) {
		if (strchr("*?[", *p))
			return false;
		/* the next one has no meaning */
		p += *p == '\\' && p[1];
	}
	return true;
}

/*
 * What the file has for a controller; where sections set the same, the later
 * one counts. *@matched: whether there is a section for it.
 *
 * Return: the worst fault of its values.
 */
static enum fault plan_from_config(struct plan *plan, const struct config *config,
				   const struct controller *controller, bool *matched,
				   bool *exact)
{
	enum fault worst = FAULT_NONE, fault;
	size_t s, i, j, nr = 0;
	const struct setting **chosen;
	char *where;

	chosen = calloc(config->nr_settings + 1, sizeof(*chosen));
	if (!chosen)
		out_of_memory();
	*matched = *exact = false;
	for (s = 0; s < config->nr_sections; s++) {
		const struct section *section = &config->sections[s];

		if (!section_matches(section, controller))
			continue;
		*matched = true;
		*exact |= section_is_exact(section);
		for (i = section->first; i < section->first + section->nr; i++) {
			for (j = 0; j < nr; j++) {
				if (!strcmp(chosen[j]->name, config->settings[i].name))
					break;
			}
			chosen[j] = &config->settings[i];
			nr += j == nr;
		}
	}
	for (i = 0; controller->coalesces && i < nr; i++) {
		where = xprintf("%s:%u: ", config->path, chosen[i]->line);
		fault = plan_add(plan, controller, chosen[i]->name, chosen[i]->value, where);
		worst = fault > worst ? fault : worst;
		free(where);
	}
	free(chosen);
	return worst;
}

/*
 * Somebody has set it since it appeared: by cintctl, which has noted it, or by
 * hand, as a controller begins with mode off.
 */
static bool was_set(const struct controller *controller)
{
	return state_is_noted(controller) ||
	       (controller->coalesces && !controller_mode_is_off(controller));
}

/* Plans for all controllers; the worst fault, with FAULT_STALE those without a plan. */
static enum fault plan_all(struct plan *plans, const struct config *config,
			   const struct controllers *controllers, bool named,
			   const struct options *options)
{
	enum fault worst = FAULT_NONE, fault;
	bool matched, exact;
	size_t i;

	for (i = 0; i < controllers->nr; i++) {
		const struct controller *c = &controllers->list[i];

		if (options->once && was_set(c)) {
			if (!options->quiet && !options->json)
				printf("%s: has been set since it appeared\n", c->name);
			continue;
		}
		fault = plan_from_config(&plans[i], config, c, &matched, &exact);
		if (!matched && !options->quiet && !options->json)
			printf("%s: %s has no section for it\n", c->name, config->path);
		if (matched && !c->coalesces) {
			complain_unsupported(c, ": nothing can be set");
			/* A pattern may match more than what coalesces. */
			if (exact || named)
				fault = FAULT_MISTAKE;
		}
		if (fault == FAULT_STALE) {
			complain("%s is left as it is", c->name);
			plan_free(&plans[i]);
		}
		worst = fault > worst ? fault : worst;
	}
	return worst;
}

int command_restore(const struct controllers *controllers, const char *text, bool named,
		    const struct options *options)
{
	struct plan *plans = calloc(controllers->nr + 1, sizeof(*plans));
	char *path = config_path(options->file);
	enum fault fault = FAULT_MISTAKE;
	struct config config = { 0 };
	struct report report;
	int status, one;
	size_t i;

	if (!plans)
		out_of_memory();
	if (text && config_parse(&config, path, text))
		fault = plan_all(plans, &config, controllers, named, options);
	if (fault == FAULT_MISTAKE)
		complain("nothing was changed");
	status = fault ? CTL_FAILED : CTL_OK;
	report_begin(&report, options);
	/* What one drive refuses is no reason against another. */
	for (i = 0; fault != FAULT_MISTAKE && i < controllers->nr; i++) {
		one = plan_apply(&plans[i], options);
		if (one == CTL_OK)
			report_plan(&report, &plans[i]);
		status = one > status ? one : status;
	}
	report_end(&report);
	for (i = 0; i < controllers->nr; i++)
		plan_free(&plans[i]);
	free(plans);
	config_free(&config);
	free(path);
	return status;
}

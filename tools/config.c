// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The configuration file: saving and restoring. See cint.conf(5). */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
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

static const char *const selectors[] = { "name", "serial", "model", "address" };

#define NR_SELECTORS	(sizeof(selectors) / sizeof(selectors[0]))

static const char *controller_is(const struct controller *controller, const char *what)
{
	if (!strcmp(what, "serial"))
		return controller->serial;
	if (!strcmp(what, "model"))
		return controller->model;
	if (!strcmp(what, "address"))
		return controller->address;
	return controller->name;
}

static char *config_default_path(void)
{
	return xprintf("%s/etc/cint.conf", root_dir());
}

static void config_free(struct config *config)
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
static bool config_parse(struct config *config, const char *path, const char *text)
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

static char *config_read(const char *path)
{
	bool input = !strcmp(path, "-");
	size_t length;
	char *text;

	text = read_file(input ? "/dev/stdin" : path, &length);
	if (!text) {
		complain("%s can't be read: %s%s", path, strerror(errno),
			 errno == ENOENT ? "; 'cintctl save' writes it" : "");
		return NULL;
	}
	if (strlen(text) != length) {
		complain("%s is no text: it has a zero byte at offset %zu", path, strlen(text));
		free(text);
		return NULL;
	}
	return text;
}

static bool section_matches(const struct section *section, const struct controller *controller)
{
	return !fnmatch(section->pattern, controller_is(controller, section->what), 0);
}

/* No pattern: this very controller is meant. */
static bool section_is_exact(const struct section *section)
{
	return !strpbrk(section->pattern, "*?[");
}

/*
 * What the file has for a controller; where sections set the same, the later
 * one counts. *@matched: whether there is a section for it.
 */
static bool plan_from_config(struct plan *plan, const struct config *config,
			     const struct controller *controller, bool *matched, bool *exact)
{
	size_t s, i, j, nr = 0;
	const struct setting **chosen;
	bool good = true;
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
		good &= plan_add(plan, controller, chosen[i]->name, chosen[i]->value, where);
		free(where);
	}
	free(chosen);
	return good;
}

int command_restore(const struct controllers *controllers, bool named,
		    const struct options *options)
{
	char *path = options->file ? xstrdup(options->file) : config_default_path();
	struct plan *plans = calloc(controllers->nr + 1, sizeof(*plans));
	char *text = config_read(path);
	struct config config = { 0 };
	int status = CTL_FAILED, one;
	bool good, matched, exact;
	size_t i;

	if (!plans)
		out_of_memory();
	good = text && config_parse(&config, path, text);
	for (i = 0; good && i < controllers->nr; i++) {
		const struct controller *c = &controllers->list[i];

		good = plan_from_config(&plans[i], &config, c, &matched, &exact);
		if (!matched && !options->quiet && !options->json)
			printf("%s: %s has no section for it\n", c->name, path);
		if (matched && !c->coalesces) {
			complain_unsupported(c, ": nothing can be set");
			/* A pattern may match more than what coalesces. */
			good &= !exact && !named;
		}
	}
	if (good) {
		/* What one drive refuses is no reason against another. */
		status = CTL_OK;
		for (i = 0; i < controllers->nr; i++) {
			if (!plans[i].nr)
				continue;
			one = plan_apply(&plans[i], options);
			status = one > status ? one : status;
		}
	} else {
		complain("nothing was changed");
	}
	for (i = 0; i < controllers->nr; i++)
		plan_free(&plans[i]);
	free(plans);
	config_free(&config);
	free(text);
	free(path);
	return status;
}

/* --- saving --- */

/* So that a serial number with a star means that star. */
static char *escape_pattern(const char *text)
{
	char *escaped = xrealloc(NULL, 2 * strlen(text) + 1), *p = escaped;

	for (; *text; text++) {
		if (strchr("*?[\\", *text))
			*p++ = '\\';
		*p++ = *text;
	}
	*p = '\0';
	return escaped;
}

static bool is_unique(const struct controllers *all, const struct controller *controller,
		      const char *what)
{
	const char *value = controller_is(controller, what);
	size_t i;

	if (!*value || strchr(value, '\n'))
		return false;
	for (i = 0; i < all->nr; i++) {
		if (strcmp(all->list[i].name, controller->name) &&
		    !strcmp(controller_is(&all->list[i], what), value))
			return false;
	}
	return true;
}

/* Names change from boot to boot, so only the last resort. */
static char *section_header(const struct controllers *all, const struct controller *controller)
{
	static const char *const preferred[] = { "serial", "address" };
	char *value, *header;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!is_unique(all, controller, preferred[i]))
			continue;
		value = escape_pattern(controller_is(controller, preferred[i]));
		header = xprintf("%s=%s", preferred[i], value);
		free(value);
		return header;
	}
	return xstrdup(controller->name);
}

/* @text without the sections that have one of @headers. */
static char *without_sections(const char *text, char **headers)
{
	char *kept = xrealloc(NULL, strlen(text) + 2), *to = kept, *copy;
	const char *line, *end;
	bool drop = false;
	size_t i, length;
	char *word;

	for (line = text; *line; line = end) {
		end = strchrnul(line, '\n');
		end += *end == '\n';
		copy = xprintf("%.*s", (int)(end - line), line);
		word = trim(copy);
		length = strlen(word);
		if (length > 2 && word[0] == '[' && word[length - 1] == ']') {
			word[length - 1] = '\0';
			drop = false;
			for (i = 0; headers && headers[i]; i++)
				drop |= !strcmp(headers[i], word + 1);
		}
		free(copy);
		if (drop)
			continue;
		memcpy(to, line, (size_t)(end - line));
		to += end - line;
		if (to[-1] != '\n')
			*to++ = '\n';
	}
	/* One empty line will come between what is kept and what is added. */
	while (to - kept > 1 && to[-1] == '\n' && to[-2] == '\n')
		to--;
	*to = '\0';
	return kept;
}

static char *section_text(const struct controller *controller, const char *header)
{
	char *text, *longer;
	size_t i;

	text = xprintf("[%s]\n# %s, %s\n", header, controller->name, controller->model);
	for (i = 0; i < controller->nr_attributes; i++) {
		const struct attribute *a = &controller->attributes[i];

		if (!a->writable || !a->value || strchr(a->value, '\n'))
			continue;
		longer = xprintf("%s%s = %s\n", text, a->name, a->value);
		free(text);
		text = longer;
	}
	return text;
}

/* Whole or not at all, also across a crash. */
static int replace_file(const char *path, const char *text)
{
	char *real = realpath(path, NULL), *temporary;
	size_t length = strlen(text);
	struct stat st;
	int fd, error = 0;

	if (!real)
		real = xstrdup(path);
	if (!stat(real, &st) && !S_ISREG(st.st_mode)) {
		free(real);
		return EINVAL;
	}
	temporary = xprintf("%s.XXXXXX", real);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		goto out;
	}
	errno = 0;	/* a write that is merely short does not set it */
	if (write(fd, text, length) != (ssize_t)length)
		error = errno ? errno : ENOSPC;
	else if (fchmod(fd, 0644) || fsync(fd))
		error = errno;
	if (close(fd) && !error)
		error = errno;
	if (!error && rename(temporary, real))
		error = errno;
	if (error)
		unlink(temporary);
out:
	free(temporary);
	free(real);
	return error;
}

/* The present file, cut up to know that it is one of ours; NULL after a complaint. */
static char *present_text(const char *path)
{
	struct config config;
	char *text;
	bool good;

	if (access(path, F_OK) && errno == ENOENT)
		return xstrdup("# Coalescing of NVMe completions; see cint.conf(5).\n");
	text = config_read(path);
	if (!text)
		return NULL;
	good = config_parse(&config, path, text);
	config_free(&config);
	if (!good) {
		complain("%s has mistakes, and is left as it is", path);
		free(text);
		return NULL;
	}
	return text;
}

int command_save(const struct controllers *controllers, const struct options *options)
{
	char *path = options->file ? xstrdup(options->file) : config_default_path();
	bool output = !strcmp(path, "-");
	char *text = NULL, *kept, *section, **headers = NULL;
	struct controllers all;
	size_t i, saved = 0;
	int status = CTL_FAILED, error;

	controllers_find(&all, NULL, 0);
	text = output ? xstrdup("") : present_text(path);
	if (!text)
		goto out;
	for (i = 0; i < controllers->nr; i++) {
		section = section_header(&all, &controllers->list[i]);
		list_append(&headers, section);
		free(section);
	}
	kept = without_sections(text, headers);
	free(text);
	text = kept;
	for (i = 0; i < controllers->nr; i++) {
		const struct controller *c = &controllers->list[i];

		if (!c->coalesces) {
			complain_unsupported(c, " has nothing to save");
			continue;
		}
		section = section_text(c, headers[i]);
		kept = xprintf("%s%s%s", text, *text ? "\n" : "", section);
		free(section);
		free(text);
		text = kept;
		saved++;
	}
	if (!saved) {
		complain("no controller here coalesces; %s is left as it is", path);
		goto out;
	}
	if (output || options->dry_run) {
		fputs(text, stdout);
		status = CTL_OK;
		goto out;
	}
	error = replace_file(path, text);
	if (error) {
		complain("%s can't be written: %s", path, strerror(error));
		goto out;
	}
	if (!options->quiet)
		printf("%s: %zu controller%s saved\n", path, saved, saved == 1 ? "" : "s");
	status = CTL_OK;
out:
	controllers_free(&all);
	list_free(headers);
	free(text);
	free(path);
	return status;
}

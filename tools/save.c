// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Saving into the configuration file: the sections of the drives that are saved
 * are written anew at its end, with their comments; all else stays as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"

/* --- the header of a drive's section --- */

/*
 * So that a serial number with a star means that star. What is no character that
 * can be seen would be part of no line, or harm a terminal; "?" stands for it.
 */
static char *escape_pattern(const char *text)
{
	char *escaped = xrealloc(NULL, 2 * strlen(text) + 1), *p = escaped;

	for (; *text; text++) {
		if (strchr("*?[\\", *text))
			*p++ = '\\';
		*p++ = *text >= ' ' && *text <= '~' ? *text : '?';
	}
	*p = '\0';
	return escaped;
}

/* No other controller is meant by @pattern. */
static bool is_unique(const struct controllers *all, const struct controller *controller,
		      const char *what, const char *pattern)
{
	size_t i;

	for (i = 0; i < all->nr; i++) {
		if (strcmp(all->list[i].name, controller->name) &&
		    !fnmatch(pattern, config_selected(&all->list[i], what), 0))
			return false;
	}
	return *pattern;
}

/* Names change from boot to boot, so only the last resort. */
static char *section_header(const struct controllers *all, const struct controller *controller)
{
	static const char *const preferred[] = { "serial", "address" };
	char *pattern, *header = NULL;
	size_t i;

	for (i = 0; i < 2 && !header; i++) {
		pattern = escape_pattern(config_selected(controller, preferred[i]));
		if (is_unique(all, controller, preferred[i], pattern))
			header = xprintf("%s=%s", preferred[i], pattern);
		free(pattern);
	}
	return header ? header : xstrdup(controller->name);
}

/* --- the file as lines --- */

enum kind { LINE_BLANK, LINE_COMMENT, LINE_HEADER, LINE_SETTING };

struct line {
	char	*text;		/* as it is, without its end */
	char	*word;		/* what of it counts: of a header or setting its name */
	enum kind kind;
	bool	moved;		/* belongs to a section that is written anew */
};

struct lines {
	struct line *list;
	size_t	nr;
};

static void line_parse(struct line *line)
{
	char *copy = xstrdup(line->text), *word = trim(copy);

	if (!*word) {
		line->kind = LINE_BLANK;
	} else if (*word == '#' || *word == ';') {
		line->kind = LINE_COMMENT;
	} else if (*word == '[') {
		line->kind = LINE_HEADER;
		word[strlen(word) - 1] = '\0';
		word++;
	} else {
		line->kind = LINE_SETTING;
		word[strcspn(word, "=")] = '\0';
		word = trim(word);
	}
	line->word = xstrdup(word);
	free(copy);
}

/* @text is one that config_parse() found good. */
static void lines_parse(struct lines *lines, const char *text)
{
	const char *end;

	*lines = (struct lines) { 0 };
	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		lines->list = xrealloc(lines->list, (lines->nr + 1) * sizeof(*lines->list));
		lines->list[lines->nr] = (struct line) {
			.text = xprintf("%.*s", (int)(end - text), text),
		};
		line_parse(&lines->list[lines->nr++]);
	}
}

static void lines_free(struct lines *lines)
{
	size_t i;

	for (i = 0; i < lines->nr; i++) {
		free(lines->list[i].text);
		free(lines->list[i].word);
	}
	free(lines->list);
}

/*
 * Where the lines of the section at @header end: after its last setting, and the
 * comment right below that unless it is the one right above the next header.
 */
static size_t section_end(const struct lines *lines, size_t header)
{
	size_t i, end = header + 1, next;

	for (next = end; next < lines->nr && lines->list[next].kind != LINE_HEADER; next++) {
		if (lines->list[next].kind == LINE_SETTING)
			end = next + 1;
	}
	for (i = end; i < next && lines->list[i].kind == LINE_COMMENT; i++)
		;
	return i < next || next == lines->nr ? i : end;
}

/* Where its lines begin: with the comment right above it, if that is not the file's. */
static size_t section_begin(const struct lines *lines, size_t header)
{
	size_t begin = header;

	while (begin && lines->list[begin - 1].kind == LINE_COMMENT)
		begin--;
	return begin ? begin : header;
}

static void append(char **text, const char *line)
{
	char *longer = xprintf("%s%s\n", *text, line);

	free(*text);
	*text = longer;
}

/* "# nvme0, Fake Drive 100", as the line after a header */
static bool is_own_comment(const struct lines *lines, size_t i)
{
	const struct line *line = &lines->list[i];

	return line->kind == LINE_COMMENT && i && lines->list[i - 1].kind == LINE_HEADER &&
	       !fnmatch("# nvme[0-9]*, *", line->text, 0);
}

static bool is_saved(const struct attribute *attribute)
{
	return attribute->writable && attribute->value && !strchr(attribute->value, '\n');
}

/*
 * A section with what @controller has now, in the order and with the comments
 * that its present ones in @lines have. These lines are marked.
 */
static char *section_text(struct lines *lines, const struct controller *controller,
			  const char *header)
{
	char *above = xstrdup(""), *inside = xstrdup(""), *text, *line, *model;
	bool *written = calloc(controller->nr_attributes + 1, sizeof(*written));
	const struct attribute *a;
	size_t h, i, end;

	if (!written)
		out_of_memory();
	for (h = 0; h < lines->nr; h++) {
		if (lines->list[h].kind != LINE_HEADER || strcmp(lines->list[h].word, header))
			continue;
		end = section_end(lines, h);
		for (i = section_begin(lines, h); i < end; i++) {
			struct line *l = &lines->list[i];

			l->moved = true;
			if (i == h || is_own_comment(lines, i))
				continue;
			if (l->kind != LINE_SETTING) {
				append(i < h ? &above : &inside, l->text);
				continue;
			}
			a = controller_attribute(controller, l->word);
			/* What can't be read just now is not lost. */
			if (a && !is_saved(a))
				append(&inside, l->text);
			if (!a || !is_saved(a) || written[a - controller->attributes])
				continue;
			line = xprintf("%s = %s", a->name, a->value);
			append(&inside, line);
			free(line);
			written[a - controller->attributes] = true;
		}
	}
	for (i = 0; i < controller->nr_attributes; i++) {
		a = &controller->attributes[i];
		if (!is_saved(a) || written[i])
			continue;
		line = xprintf("%s = %s", a->name, a->value);
		append(&inside, line);
		free(line);
	}
	model = printable(controller->model);
	text = xprintf("%s[%s]\n# %s, %s\n%s", above, header, controller->name, model, inside);
	free(model);
	free(inside);
	free(above);
	free(written);
	return text;
}

/* What is not moved; no two empty lines where something was taken out between. */
static char *kept_text(const struct lines *lines)
{
	char *text = xstrdup("");
	bool blank = true, gap = false;
	size_t i, end = lines->nr;

	/* One empty line will come between what is kept and what is added. */
	while (end && (lines->list[end - 1].moved || lines->list[end - 1].kind == LINE_BLANK))
		end--;
	for (i = 0; i < end; i++) {
		const struct line *line = &lines->list[i];

		if (line->moved) {
			gap = true;
			continue;
		}
		if (line->kind == LINE_BLANK && blank && gap)
			continue;
		append(&text, line->text);
		blank = line->kind == LINE_BLANK;
		gap = false;
	}
	return text;
}

/* --- the file --- */

/*
 * Whether a link is followed: as by the kernel (fs.protected_symlinks), which is not asked
 * to here, not if another one has made it in a directory for all, such as /tmp.
 */
static bool link_is_followed(const char *path)
{
	const mode_t for_all = S_ISVTX | S_IWOTH;
	struct stat link, st;
	bool known;
	char *copy;

	copy = xstrdup(path);
	known = !lstat(path, &link) && !stat(dirname(copy), &st);
	free(copy);
	return known && ((st.st_mode & for_all) != for_all || link.st_uid == geteuid() ||
			 link.st_uid == st.st_uid);
}

/* Where a link leads to, also if nothing is there yet; NULL if it is not to be followed. */
static char *final_path(const char *path)
{
	char *final = xstrdup(path), *copy, *next, target[4096];
	ssize_t length;
	int links;

	/* As many as the kernel follows. */
	for (links = 0; links < 40; links++) {
		length = readlink(final, target, sizeof(target) - 1);
		if (length < 0)
			break;
		if (!link_is_followed(final)) {
			free(final);
			return NULL;
		}
		target[length] = '\0';
		copy = xstrdup(final);
		next = *target == '/' ? xstrdup(target) :
		       xprintf("%s/%s", dirname(copy), target);
		free(copy);
		free(final);
		final = next;
	}
	return final;
}

/* As the present file is, or readable for all. */
static int set_owner_and_mode(int fd, const struct stat *present)
{
	struct stat st;

	if (!present)
		return fchmod(fd, 0644) ? errno : 0;
	if (fstat(fd, &st))
		return errno;
	if ((st.st_uid != present->st_uid || st.st_gid != present->st_gid) &&
	    fchown(fd, present->st_uid, present->st_gid))
		return errno;
	return fchmod(fd, present->st_mode & 07777) ? errno : 0;
}

/* Whole or not at all, also across a crash. */
static int replace_file(const char *path, const char *text)
{
	char *real = final_path(path), *temporary;
	size_t length = strlen(text);
	bool present;
	struct stat st;
	int fd, error = 0;

	if (!real)
		return EACCES;
	present = !stat(real, &st);
	if (present && !S_ISREG(st.st_mode)) {
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
	else
		error = set_owner_and_mode(fd, present ? &st : NULL);
	if (!error && fsync(fd))
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

/* The present file, which must be one of ours; NULL after a complaint. */
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

/* @text with the sections of @controllers anew; NULL after a complaint. */
static char *saved_text(const char *text, const struct controllers *controllers,
			size_t *saved)
{
	char *kept, *header, *section, *sections = xstrdup(""), *longer;
	struct controllers all;
	struct lines lines;
	size_t i;

	controllers_find(&all, NULL, 0);
	lines_parse(&lines, text);
	*saved = 0;
	for (i = 0; i < controllers->nr; i++) {
		const struct controller *c = &controllers->list[i];

		if (!c->coalesces) {
			complain_unsupported(c, " has nothing to save");
			continue;
		}
		header = section_header(&all, c);
		section = section_text(&lines, c, header);
		longer = xprintf("%s%s%s", sections, *sections ? "\n" : "", section);
		free(sections);
		sections = longer;
		free(section);
		free(header);
		(*saved)++;
	}
	kept = kept_text(&lines);
	/* A comment right at the beginning would be the file's, no longer the section's. */
	longer = xprintf("%s%s%s", kept, *kept || *sections != '[' ? "\n" : "", sections);
	free(kept);
	free(sections);
	lines_free(&lines);
	controllers_free(&all);
	return longer;
}

int command_save(const struct controllers *controllers, const struct options *options)
{
	char *path = config_path(options->file), *present, *text = NULL;
	bool output = !strcmp(path, "-");
	int status = CTL_FAILED, error;
	sigset_t before;
	size_t saved;

	present = output ? xstrdup("") : present_text(path);
	if (!present)
		goto out;
	text = saved_text(present, controllers, &saved);
	free(present);
	if (!saved) {
		complain("no controller here coalesces; %s is left as it is", path);
		goto out;
	}
	if (output || options->dry_run) {
		fputs(text, stdout);
		status = CTL_OK;
		goto out;
	}
	signals_hold(&before);
	error = replace_file(path, text);
	signals_release(&before);
	if (error) {
		complain("%s can't be written: %s", path, strerror(error));
		goto out;
	}
	if (!options->quiet)
		printf("%s: %zu controller%s saved\n", path, saved, saved == 1 ? "" : "s");
	status = CTL_OK;
out:
	free(text);
	free(path);
	return status;
}

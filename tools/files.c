// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Memory, strings, and the small files of sysfs. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cintctl.h"

static char **complaints;

void complain(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fflush(stdout);
	fprintf(stderr, "cintctl: %s\n", text ? text : format);
	if (text)
		list_append(&complaints, text);
	free(text);
}

void json_complaints(struct json *json)
{
	size_t i;

	if (!complaints)
		return;
	json_begin_array(json, "messages");
	for (i = 0; complaints[i]; i++)
		json_string(json, NULL, complaints[i]);
	json_end_array(json);
}

void out_of_memory(void)
{
	/* which complain() may need */
	fputs("cintctl: out of memory\n", stderr);
	exit(CTL_FAILED);
}

void *xrealloc(void *pointer, size_t size)
{
	pointer = realloc(pointer, size);
	if (!pointer)
		out_of_memory();
	return pointer;
}

char *xstrdup(const char *string)
{
	char *copy = strdup(string);

	if (!copy)
		out_of_memory();
	return copy;
}

char *xprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	return text;
}

const char *root_dir(void)
{
	const char *root = getenv("CINTCTL_ROOT");

	return root ? root : "";
}

char *read_file(const char *path, size_t *length)
{
	size_t used = 0, size = 0;
	char *text = NULL;
	ssize_t got;
	int fd, error;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (used + 1 >= size) {
			size = size ? 2 * size : 4096;
			text = xrealloc(text, size);
		}
		do
			got = read(fd, text + used, size - used - 1);
		while (got < 0 && errno == EINTR);
		if (got > 0)
			used += (size_t)got;
		/* No file that is read here is nearly as large; /dev/zero is. */
		if (used > 1 << 24) {
			got = -1;
			errno = EFBIG;
		}
	} while (got > 0);
	error = errno;
	close(fd);
	if (got < 0) {
		free(text);
		errno = error;
		return NULL;
	}
	text[used] = '\0';
	if (length)
		*length = used;
	return text;
}

int write_file(const char *path, const char *text)
{
	size_t length = strlen(text);
	ssize_t put;
	int fd, error = 0;

	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return errno;
	/* sysfs takes a value in one write or not at all. */
	do
		put = write(fd, text, length);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		error = errno;
	else if ((size_t)put != length)
		error = EIO;
	if (close(fd) && !error)
		error = errno;
	return error;
}

void signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, before);
}

void signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

char *printable(const char *text)
{
	char *copy = xrealloc(NULL, 4 * strlen(text) + 1), *to = copy;

	for (; *text; text++) {
		if (*text >= ' ' && *text <= '~')
			*to++ = *text;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
	}
	*to = '\0';
	return copy;
}

char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

bool parse_integer(const char *text, long long *value)
{
	const char *digits = *text == '-' ? text + 1 : text;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	*value = strtoll(text, NULL, 10);
	return !errno;
}

size_t list_length(char **list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

void list_append(char ***list, const char *string)
{
	size_t n = list_length(*list);

	*list = xrealloc(*list, (n + 2) * sizeof(**list));
	(*list)[n] = xstrdup(string);
	(*list)[n + 1] = NULL;
}

void list_free(char **list)
{
	size_t i;

	for (i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

char **list_directory(const char *path, bool (*want)(const char *name))
{
	struct dirent *entry;
	char **names = NULL;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && want(entry->d_name))
			list_append(&names, entry->d_name);
	}
	closedir(dir);
	if (names)
		qsort(names, list_length(names), sizeof(*names), by_version);
	return names;
}

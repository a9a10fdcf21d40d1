/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the parts of cintctl share. See cintctl(8). */
#ifndef CINTCTL_H
#define CINTCTL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "json.h"

/* Exit statuses. */
enum {
	CTL_OK		= 0,
	CTL_FAILED	= 1,	/* nothing was changed, or it was changed back */
	CTL_USAGE	= 2,
	CTL_INCONSISTENT = 3,	/* a change failed half way and could not be undone */
};

struct options {
	bool	json;
	bool	dry_run;
	bool	quiet;
	bool	once;
	const char *file;	/* NULL: the default, "-": standard input or output */
	double	interval;	/* seconds */
	unsigned long count;	/* 0: without end */
};

/**
 * struct attribute - a file of a controller's cint directory
 * @name: of the file
 * @text: its content without white space at the ends; NULL if it can't be read
 * @value: of a list of choices the one in brackets, otherwise @text
 * @choices: what the kernel offers, NULL-terminated; NULL unless it is a list
 * @error: why it can't be read, an errno
 * @writable: it is a parameter; otherwise it only informs
 */
struct attribute {
	char	*name;
	char	*text;
	char	*value;
	char	**choices;
	int	error;
	bool	writable;
};

/**
 * struct controller - an NVMe controller, as sysfs shows it
 *
 * Strings are empty where sysfs does not tell. @attributes has all files of the
 * cint directory but stats, those known first; it is empty without @coalesces.
 */
struct controller {
	char	*name;
	char	*model;
	char	*serial;
	char	*firmware;
	char	*transport;
	char	*address;
	char	*state;
	char	*queues;
	char	**namespaces;
	bool	coalesces;
	struct attribute *attributes;
	size_t	nr_attributes;
};

struct controllers {
	struct controller *list;
	size_t	nr;
};

/* --- files (files.c) --- */

/* "cintctl: ..." to standard error; kept for json_complaints(). */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* All of these so far as the member "messages", if there are any. */
void json_complaints(struct json *json);
__attribute__((noreturn)) void out_of_memory(void);
void *xrealloc(void *pointer, size_t size);
char *xstrdup(const char *string);
/* A formatted string; all paths are made by it. */
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The directory all paths begin with: $CINTCTL_ROOT, or "" for the system. */
const char *root_dir(void);
/* A whole file, or NULL and errno; @length may be NULL. */
char *read_file(const char *path, size_t *length);
/* 0 or an errno. Nothing is written to a file that is not there. */
int write_file(const char *path, const char *text);
/* What is begun is ended first: no key press, and no pipe that closes, comes between. */
void signals_hold(sigset_t *before);
void signals_release(const sigset_t *before);
/* A copy for terminals and comments: what is no character that can be seen as \xNN. */
char *printable(const char *text);
/* Without white space at either end, in place. */
char *trim(char *text);
bool parse_integer(const char *text, long long *value);
/* NULL-terminated lists; sorted as people count, nvme2 before nvme10. */
char **list_directory(const char *path, bool (*want)(const char *name));
size_t list_length(char **list);
void list_append(char ***list, const char *string);
void list_free(char **list);

/* --- controllers (controller.c) --- */

/*
 * All of the system's, or those of @names; false after a complaint that some of
 * these are not there.
 */
bool controllers_find(struct controllers *controllers, char *const *names, int nr_names);
void controllers_free(struct controllers *controllers);
struct attribute *controller_attribute(const struct controller *controller, const char *name);
char *controller_path(const struct controller *controller, const char *attribute);
/* The text of stats, or NULL and errno. */
char *controller_stats(const struct controller *controller);
bool controller_mode_is_off(const struct controller *controller);

/* One line of stats. Lines of a form not known are shown as they are. */
struct counter {
	char	*name;
	char	*text;		/* what follows the name */
	bool	is_number;
	unsigned long long number;
};
/* Cuts up @stats, which must stay; returns a list to free. */
struct counter *counters_parse(char *stats, size_t *nr);
/* A state of now, not a count of what happened. */
bool counter_is_gauge(const char *name);

/* --- support (support.c) --- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* Whether its completions can be coalesced; why not is stored in @reason. */
enum answer controller_supported(const struct controller *controller, char **reason);
/* Complain that a controller can't be coalesced: "NAMEWHAT: REASON". */
void complain_unsupported(const struct controller *controller, const char *what);
/* Whether mode @mode, which the kernel offers, can be chosen. */
enum answer controller_mode_supported(const struct controller *controller, const char *mode,
				      char **reason);
/*
 * Whether the drive coalesces by itself (NVMe Feature 08h), by the driver's word.
 * How it does, and what that costs, is stored in @reason; unknown and no @reason:
 * the kernel does not tell.
 */
enum answer controller_hw_coalescing(const struct controller *controller, char **reason);
/* Whether this process may change its parameters. */
enum answer controller_settable(const struct controller *controller, char **reason);
const char *answer_name(enum answer answer);

/* --- parameters (parameter.c) --- */

/* What is allowed, as "1 to 256 completions"; NULL when only the kernel knows. */
char *parameter_range(const struct attribute *attribute);

/* What is wrong with a value. */
enum fault {
	FAULT_NONE,
	FAULT_STALE,	/* it may be right at another time, or for another drive or kernel */
	FAULT_MISTAKE,	/* it never is */
};

/*
 * The value to write for @text is stored in @result. After a fault a complaint,
 * which names the value and what is allowed, is stored in @problem instead.
 */
enum fault parameter_check(const struct controller *controller,
			   const struct attribute *attribute, const char *text,
			   char **result, char **problem);
/* Whether this program knows it, be it there or not. */
bool parameter_is_known(const char *name);
/* Position of a known parameter in listings; unknown ones come after. */
unsigned int parameter_rank(const char *name);

/* --- changes (change.c) --- */

struct change {
	const struct controller *controller;
	const char *attribute;
	char	*from;
	char	*to;
};

struct plan {
	struct change *changes;
	size_t	nr;
};

/*
 * Add "set @name to @text"; @where precedes the complaint about a fault.
 * A value that is there already is no change.
 */
enum fault plan_add(struct plan *plan, const struct controller *controller, const char *name,
		    const char *text, const char *where);
void plan_append(struct plan *plan, const struct controller *controller, const char *attribute,
		 const char *from, const char *to);
void plan_free(struct plan *plan);
/* All of the plan or nothing. An exit status. */
int plan_apply(const struct plan *plan, const struct options *options);
/* Why the kernel may have refused a value, as far as its documents tell; or "". */
const char *change_hint(const char *attribute, int error);

/* What was done, or would be: text, or one JSON value with all complaints in it. */
struct report {
	const struct options *options;
	struct json json;
};
void report_begin(struct report *report, const struct options *options);
/* All of it was carried out. */
void report_plan(struct report *report, const struct plan *plan);
void report_end(struct report *report);

/* --- what others of its kind are to know (state.c) --- */

/* Until the process ends. False if another one did not end within @seconds. */
bool state_lock(unsigned int seconds);
/* Note that somebody sets the controller, before it is done. */
void state_note(const struct controller *controller);
/* Whether somebody did since it appeared. */
bool state_is_noted(const struct controller *controller);

/* --- commands: each returns an exit status --- */

int command_list(const struct controllers *controllers, const struct options *options);
int command_show(const struct controllers *controllers, const struct options *options);
int command_support(const struct controllers *controllers, const struct options *options);
int command_set(const struct controllers *controllers, char *const *assignments, int nr,
		const struct options *options);
int command_off(const struct controllers *controllers, const struct options *options);
int command_save(const struct controllers *controllers, const struct options *options);
/* @text: of the file, NULL if it can't be read; @named: they were asked for by name. */
int command_restore(const struct controllers *controllers, const char *text, bool named,
		    const struct options *options);
int command_watch(struct controllers *controllers, const struct options *options);
/* Words for the shells' completion. */
int command_complete(char *const *arguments, int nr);

#endif /* CINTCTL_H */

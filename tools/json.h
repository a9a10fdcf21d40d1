/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Writing JSON, one value after the other. */
#ifndef CINTCTL_JSON_H
#define CINTCTL_JSON_H

#include <stdbool.h>
#include <stdio.h>

#define JSON_DEPTH_MAX	16

/* @compact: on one line, for streams of objects. */
struct json {
	FILE	*file;
	bool	compact;
	int	depth;
	bool	filled[JSON_DEPTH_MAX];
};

/* How many outermost values were written. */
unsigned int json_values(void);
/* @name is NULL for elements of arrays and for the outermost value. */
void json_begin_object(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *name);
void json_end_array(struct json *json);
/* NULL becomes null. */
void json_string(struct json *json, const char *name, const char *value);
void json_bool(struct json *json, const char *name, bool value);
void json_integer(struct json *json, const char *name, long long value);
void json_unsigned(struct json *json, const char *name, unsigned long long value);
void json_real(struct json *json, const char *name, double value);
/* A number where the text is one, otherwise a string. */
void json_scalar(struct json *json, const char *name, const char *text);

#endif /* CINTCTL_JSON_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <assert.h>
#include "cintctl.h"
#include "json.h"

static unsigned int values;

unsigned int json_values(void)
{
	return values;
}

static void json_newline(struct json *json)
{
	int i;

	if (json->compact)
		return;
	fputc('\n', json->file);
	for (i = 0; i < json->depth; i++)
		fputs("  ", json->file);
}

/* How many bytes of @p are one character of UTF-8; 0 if they are none. */
static unsigned int utf8_length(const unsigned char *p)
{
	unsigned int n, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* overlong forms, surrogates, and what is beyond Unicode */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void json_quote(struct json *json, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int n;

	fputc('"', json->file);
	for (; *p; p += n ? n : 1) {
		n = utf8_length(p);
		if (*p == '"' || *p == '\\')
			fprintf(json->file, "\\%c", *p);
		else if (*p < 0x20 || n == 0)
			/* What is no UTF-8 is taken for Latin-1. */
			fprintf(json->file, "\\u%04x", *p);
		else
			fwrite(p, 1, n, json->file);
	}
	fputc('"', json->file);
}

static void json_name(struct json *json, const char *name)
{
	if (json->depth) {
		if (json->filled[json->depth])
			fputs(json->compact ? ", " : ",", json->file);
		json->filled[json->depth] = true;
		json_newline(json);
	}
	if (name) {
		json_quote(json, name);
		fputs(": ", json->file);
	}
}

static void json_begin(struct json *json, const char *name, char bracket)
{
	json_name(json, name);
	fputc(bracket, json->file);
	assert(json->depth < JSON_DEPTH_MAX - 1);
	json->filled[++json->depth] = false;
}

static void json_end(struct json *json, char bracket)
{
	bool filled = json->filled[json->depth--];

	if (filled)
		json_newline(json);
	fputc(bracket, json->file);
	if (!json->depth) {
		fputc('\n', json->file);
		values++;
	}
}

void json_begin_object(struct json *json, const char *name)
{
	json_begin(json, name, '{');
}

void json_end_object(struct json *json)
{
	json_end(json, '}');
}

void json_begin_array(struct json *json, const char *name)
{
	json_begin(json, name, '[');
}

void json_end_array(struct json *json)
{
	json_end(json, ']');
}

void json_string(struct json *json, const char *name, const char *value)
{
	json_name(json, name);
	if (value)
		json_quote(json, value);
	else
		fputs("null", json->file);
}

void json_bool(struct json *json, const char *name, bool value)
{
	json_name(json, name);
	fputs(value ? "true" : "false", json->file);
}

void json_integer(struct json *json, const char *name, long long value)
{
	json_name(json, name);
	fprintf(json->file, "%lld", value);
}

void json_unsigned(struct json *json, const char *name, unsigned long long value)
{
	json_name(json, name);
	fprintf(json->file, "%llu", value);
}

void json_real(struct json *json, const char *name, double value)
{
	json_name(json, name);
	fprintf(json->file, "%.3f", value);
}

void json_scalar(struct json *json, const char *name, const char *text)
{
	long long value;

	if (text && parse_integer(text, &value))
		json_integer(json, name, value);
	else
		json_string(json, name, text);
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Whether a text is JSON (RFC 8259), in UTF-8. */
#define CINT_FUZZ_WORLD_ITSELF
#include "world.h"

struct cursor {
	const unsigned char *p, *end;
	unsigned int depth;
};

static bool value(struct cursor *c);

static void space(struct cursor *c)
{
	while (c->p < c->end && strchr(" \t\r\n", *c->p) && *c->p)
		c->p++;
}

static bool take(struct cursor *c, char wanted)
{
	if (c->p == c->end || *c->p != (unsigned char)wanted)
		return false;
	c->p++;
	return true;
}

static bool word(struct cursor *c, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(c->end - c->p) < length || memcmp(c->p, text, length))
		return false;
	c->p += length;
	return true;
}

/* One character that is not an escape. */
static bool character(struct cursor *c)
{
	unsigned int lead = *c->p, more, i, code;
	static const unsigned int least[] = { 0, 0x80, 0x800, 0x10000 };

	if (lead < 0x20)
		return false;
	c->p++;
	if (lead < 0x80)
		return true;
	if (lead < 0xc0 || lead >= 0xf8)
		return false;
	more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
	code = lead & (0x3fU >> more);
	for (i = 0; i < more; i++) {
		if (c->p == c->end || (*c->p & 0xc0) != 0x80)
			return false;
		code = code << 6 | (*c->p++ & 0x3fU);
	}
	return code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static bool string(struct cursor *c)
{
	unsigned int i;

	if (!take(c, '"'))
		return false;
	while (c->p < c->end && *c->p != '"') {
		if (!take(c, '\\')) {
			if (!character(c))
				return false;
		} else if (take(c, 'u')) {
			for (i = 0; i < 4; i++) {
				if (c->p == c->end || !isxdigit(*c->p++))
					return false;
			}
		} else if (c->p == c->end || !*c->p || !strchr("\"\\/bfnrt", *c->p++)) {
			return false;
		}
	}
	return take(c, '"');
}

static bool digits(struct cursor *c)
{
	const unsigned char *first = c->p;

	while (c->p < c->end && isdigit(*c->p))
		c->p++;
	return c->p > first;
}

static bool number(struct cursor *c)
{
	take(c, '-');
	if (!take(c, '0') && !digits(c))
		return false;
	if (take(c, '.') && !digits(c))
		return false;
	if (!take(c, 'e') && !take(c, 'E'))
		return true;
	if (!take(c, '+'))
		take(c, '-');
	return digits(c);
}

static bool members(struct cursor *c, bool named, char end)
{
	if (++c->depth > 64)
		return false;
	space(c);
	if (take(c, end))
		return c->depth--;
	do {
		space(c);
		if (named) {
			if (!string(c))
				return false;
			space(c);
			if (!take(c, ':'))
				return false;
		}
		if (!value(c))
			return false;
		space(c);
	} while (take(c, ','));
	c->depth--;
	return take(c, end);
}

static bool value(struct cursor *c)
{
	space(c);
	if (c->p == c->end)
		return false;
	if (*c->p == '"')
		return string(c);
	if (take(c, '{'))
		return members(c, true, '}');
	if (take(c, '['))
		return members(c, false, ']');
	return word(c, "true") || word(c, "false") || word(c, "null") || number(c);
}

bool json_is_valid(const char *text, size_t size)
{
	struct cursor c = {
		.p = (const unsigned char *)text, .end = (const unsigned char *)text + size,
	};

	do {
		if (!value(&c))
			return false;
		space(&c);
	} while (c.p < c.end);
	return true;
}

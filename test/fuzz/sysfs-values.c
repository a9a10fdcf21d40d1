// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What cintctl reads: of a drive, which calls itself what it likes, and of a kernel that
 * may be a later one. The input is files, each "@NAME" on a line and then its content, of
 * the directory of nvme0 or of its cint directory; "@online" is the list of CPUs.
 *
 * JSON is JSON. What a drive says of itself reaches no terminal unless it can be seen.
 */
#define CINT_FUZZ_WORLD_ITSELF
#include "fuzz.h"
#include "world.h"

#define NVME0	WORLD_ROOT "/sys/class/nvme/nvme0/"

/* What it says of itself. */
static const char *const own[] = {
	"model", "serial", "firmware_rev", "transport", "address", "state", "queue_count",
};

static bool is_own(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (!strcmp(name, own[i]))
			return true;
	}
	return false;
}

static bool can_be_seen(const char *text, size_t size)
{
	for (; size; size--, text++) {
		if (*text != '\n' && (*text < ' ' || *text > '~'))
			return false;
	}
	return true;
}

/* Puts a file; returns whether the terminal is to be safe from it. */
static bool put(const char *name, const char *text, size_t size)
{
	char path[256];

	if (!strcmp(name, "online")) {
		world_put(WORLD_ROOT "/sys/devices/system/cpu/online", text, size);
		return can_be_seen(text, size);
	}
	snprintf(path, sizeof(path), NVME0 "%s%s", is_own(name) ? "" : "cint/", name);
	world_put(path, text, size);
	return is_own(name) || can_be_seen(text, size);
}

/* Cuts the input into files. */
static bool put_all(const char *text, size_t size)
{
	const char *end = text + size, *line, *next, *body;
	bool safe = true;
	char name[32];
	size_t length;

	for (line = text; line < end; line = body) {
		next = memchr(line, '\n', (size_t)(end - line));
		body = next ? next + 1 : end;
		if (*line != '@')
			continue;
		length = (size_t)((next ? next : end) - line) - 1;
		if (!length || length >= sizeof(name))
			continue;
		memcpy(name, line + 1, length);
		name[length] = '\0';
		/* the names of files are the kernel's */
		if (strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") != length)
			continue;
		next = body;
		while (body < end && *body != '@') {
			body = memchr(body, '\n', (size_t)(end - body));
			body = body ? body + 1 : end;
		}
		safe &= put(name, next, (size_t)(body - next));
	}
	return safe;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const commands[] = { "list", "show", "support" };
	uint64_t before;
	bool safe;
	size_t i;

	world_reset();
	safe = put_all((const char *)data, size);
	before = world_sum();
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		world_run(commands[i]);
		WORLD_CHECK(!safe || can_be_seen(world_output, world_output_size));
		world_run("--json", commands[i]);
		WORLD_CHECK(json_is_valid(world_output, world_output_size));
	}
	world_run("--count=1", "--interval=0.05", "watch", "nvme0");
	WORLD_CHECK(!safe || can_be_seen(world_output, world_output_size));
	world_run("--count=1", "--json", "watch", "nvme0");
	WORLD_CHECK(!world_output_size || json_is_valid(world_output, world_output_size));
	world_run("complete", "parameters", "nvme0");
	world_run("complete", "values", "nvme0", "mode");
	world_run("--dry-run", "set", "nvme0", "mode=device", "poll_cpu=5", "novelty=1");
	world_run("--dry-run", "off");
	WORLD_CHECK(world_sum() == before);

	/* it saves what there is, whatever it is, and then has a file without mistakes */
	if (!world_run("-q", "save", "nvme0"))
		WORLD_CHECK(!world_run("-q", "save", "nvme0"));
	return 0;
}

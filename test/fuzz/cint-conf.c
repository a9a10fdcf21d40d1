// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * /etc/cint.conf, read by root when a drive appears. It is restored, restored as a trial,
 * and saved into.
 *
 * A trial changes nothing. A file with mistakes is not written over. What was saved is a
 * file without mistakes, and is the same when it is saved again.
 */
#define CINT_FUZZ_WORLD_ITSELF
#include "fuzz.h"
#include "world.h"

static char *copy_of_conf(size_t *size)
{
	const char *text = world_get(WORLD_CONF, size);
	char *copy;

	WORLD_CHECK(text);
	copy = malloc(*size + 1);
	if (!copy)
		abort();
	memcpy(copy, text, *size + 1);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first_size, second_size;
	char *first, *second;
	uint64_t before;
	int status;

	world_reset();
	world_put(WORLD_CONF, data, size);
	before = world_sum();
	status = world_run("--json", "--dry-run", "restore");
	WORLD_CHECK(status == 0 || status == 1);
	WORLD_CHECK(world_sum() == before);
	WORLD_CHECK(json_is_valid(world_output, world_output_size));
	status = world_run("-q", "restore");
	WORLD_CHECK(status == 0 || status == 1);
	WORLD_CHECK(!world_output_size);

	before = world_sum();
	if (world_run("-q", "save")) {
		/* it has mistakes */
		WORLD_CHECK(world_sum() == before);
		return 0;
	}
	first = copy_of_conf(&first_size);
	WORLD_CHECK(!world_run("-q", "save"));
	second = copy_of_conf(&second_size);
	WORLD_CHECK(first_size == second_size && !memcmp(first, second, first_size));
	/* what is there is what it says, whatever other sections say of it */
	before = world_sum();
	status = world_run("-q", "restore", "nvme0", "nvme10");
	WORLD_CHECK(status == 0 || status == 1);
	if (!status)
		WORLD_CHECK(world_sum() == before);
	free(first);
	free(second);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Runs each input once, without libFuzzer: for compilers that have none, and for valgrind
 * and the like. The arguments are files.
 */
#include <stdio.h>
#include <stdlib.h>
#include "fuzz.h"

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, got;

	if (!file) {
		perror(path);
		return 1;
	}
	do {
		data = realloc(data, size + 65536);
		if (!data)
			abort();
		got = fread(data + size, 1, 65536, file);
		size += got;
	} while (got);
	fclose(file);
	/* exactly as large as it is, so that what is beyond is seen to be */
	data = realloc(data, size ? size : 1);
	if (!data)
		abort();
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0, i;

	for (i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	return failed;
}

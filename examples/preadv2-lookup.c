// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marks without io_uring:  preadv2-lookup FILE LOG RECORD...
 *
 * Looks up records of 4096 bytes in FILE, urgently, for somebody waits for each; and
 * writes what was looked up to LOG, the last write as a barrier, after which all
 * earlier ones are delivered, too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <liburing-cint.h>

#define SIZE	4096

int main(int argc, char **argv)
{
	static const enum cint_feature needed[] = {
		CINT_FEATURE_RWF_URGENT, CINT_FEATURE_RWF_BARRIER,
	};
	static char record[SIZE];
	struct iovec iov = { .iov_base = record, .iov_len = SIZE };
	struct cint_probe probe;
	char text[256];
	unsigned int f;
	int in, out, i;
	ssize_t ret;

	in = argc > 3 ? open(argv[1], O_RDONLY) : -1;
	out = argc > 3 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
	if (in < 0 || out < 0) {
		fprintf(stderr, "usage: preadv2-lookup FILE LOG RECORD...\n");
		return 1;
	}

	/* without the kernel's support the calls are the same, and not urgent */
	if (!cint_probe(&probe)) {
		for (f = 0; f < 2; f++) {
			cint_probe_explain(&probe, needed[f], text, sizeof(text));
			printf("%s\n", text);
		}
	}

	for (i = 3; i < argc; i++) {
		ret = cint_preadv2(in, &iov, 1, (off_t)atol(argv[i]) * SIZE, RWF_URGENT);
		if (ret != SIZE) {
			fprintf(stderr, "record %s: %s\n", argv[i],
				ret < 0 ? cint_strerror((int)ret) : "beyond the end of the file");
			return 1;
		}
		ret = cint_pwritev2(out, &iov, 1, (off_t)(i - 3) * SIZE,
				    i == argc - 1 ? RWF_BARRIER : 0);
		if (ret != SIZE) {
			fprintf(stderr, "writing record %s: %s\n", argv[i],
				ret < 0 ? cint_strerror((int)ret) : "no space");
			return 1;
		}
	}
	printf("%d records looked up\n", argc - 3);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel has to say while something is done to it.
 */
#ifndef CINT_SELFTEST_KMSG_H
#define CINT_SELFTEST_KMSG_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The log from here on: a file descriptor, or -1. */
static inline int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Is there a line that has both words? It is left in @line. */
static inline bool kmsg_find(int fd, const char *one, const char *two,
			     char *line, size_t size)
{
	ssize_t len;

	for (;;) {
		len = read(fd, line, size - 1);
		/* EPIPE: lines were lost, the next read goes on behind them */
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return false;
		line[len] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, one) && strstr(line, two))
			return true;
	}
}

#endif /* CINT_SELFTEST_KMSG_H */

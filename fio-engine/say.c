// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the engine says: errors and warnings always, the rest to who asks for it.
 *
 * It goes to standard error.  fio's log_err() and log_info() write into the file of
 * --output, where a line that is no JSON makes the whole file useless.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "cint.h"

/* Shared with the processes that fio forks, so that one of them speaks. */
static unsigned int *cint_told;

/* Whether no other job has said it. */
bool cint_first_to_tell(unsigned int what)
{
	return !cint_told || !(__atomic_fetch_or(cint_told, what, __ATOMIC_RELAXED) & what);
}

/* In one piece, as other jobs may speak at the same time. */
void cint_say(const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	/* who started this process as a server or a daemon does not see its standard error */
	if (is_backend || log_syslog)
		log_err("%s", text);
	else
		fputs(text, stderr);
	free(text);
}

__attribute__((constructor))
static void cint_say_load(void)
{
	void *page = mmap(NULL, sizeof(*cint_told), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED)
		cint_told = page;
}

__attribute__((destructor))
static void cint_say_unload(void)
{
	if (cint_told)
		munmap(cint_told, sizeof(*cint_told));
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The files of cintctl that remember something, which is forgotten between two runs. */
#include "../../tools/json.c"
#include "../../tools/files.c"
#include "../../tools/watch.c"
#include "../../tools/cintctl.c"

void tools_reset(void);
void tools_interrupt(void);

void tools_reset(void)
{
	complaints = NULL;
	values = 0;
	stopped = 0;
	usage_json = false;
	optind = 0;
}

/* What SIGINT does. */
void tools_interrupt(void)
{
	stop(SIGINT);
}

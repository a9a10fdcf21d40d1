// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the hot path costs: instructions a completion in cint_complete(), for
 * each policy, counted by valgrind's callgrind.  Instructions do not depend on
 * how busy the machine is.
 *
 * The program runs itself under callgrind: "policy_cost POLICY KIND" is the
 * loop that is measured.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/cint_policy.h>

#include "tap.h"

#define LIMIT		60	/* instructions, DESIGN.md section 4 */
#define COMPLETIONS	4096
#define DEPTH		32

static const char *const kinds[] = { "bulk", "urgent", "barriers", "reversed" };

/* Prevents the compiler from knowing what the loop does. */
static volatile unsigned int sink;

static int run_loop(unsigned int policy_nr, unsigned int kind)
{
	static struct cint_request requests[DEPTH];
	static struct cint_policy policy;
	struct cint_params params;
	struct cint_coalescer c;
	unsigned int i, j;
	__u64 now = 1000;

	cint_params_default(&params);
	params.policy = policy_nr;
	cint_policy_init(&policy, &params);
	cint_coalescer_init(&c);

	for (i = 0; i < COMPLETIONS / DEPTH; i++) {
		for (j = 0; j < DEPTH; j++) {
			unsigned int marks = 0;

			if (kind == 1 && j % 2)
				marks = CINT_URGENT;
			if (kind >= 2 && j % 8 == 7)
				marks = CINT_BARRIER;
			cint_submit(&c, &requests[j], marks);
		}
		for (j = 0; j < DEPTH; j++) {
			now += 300;
			sink = cint_complete(&c, &policy,
					     &requests[kind == 3 ?
						DEPTH - 1 - j : j], now).reason;
		}
	}
	return 0;
}

/* Instructions in @function, all of its calls, or 0 when there is no count. */
static unsigned long long count(const char *self, const char *function,
				unsigned int policy, unsigned int kind)
{
	char command[1024], out[] = "/tmp/policy_cost.XXXXXX", line[256];
	unsigned long long total = 0;
	FILE *file;
	int fd = mkstemp(out);

	if (fd < 0)
		return 0;
	close(fd);
	snprintf(command, sizeof(command),
		 "valgrind --tool=callgrind --callgrind-out-file=%s "
		 "--toggle-collect=%s '%s' %u %u >/dev/null 2>&1",
		 out, function, self, policy, kind);
	if (system(command) == 0) {
		file = fopen(out, "r");
		while (file && fgets(line, sizeof(line), file))
			if (sscanf(line, "totals: %llu", &total) == 1 ||
			    sscanf(line, "summary: %llu", &total) == 1)
				break;
		if (file)
			fclose(file);
	}
	unlink(out);
	return total;
}

int main(int argc, char **argv)
{
	unsigned int policy, kind;
	char self[512];
	ssize_t len;

	if (argc == 3)
		return run_loop(atoi(argv[1]), atoi(argv[2]));
#ifndef __x86_64__
	tap_skip_all("the limit is one of x86-64 instructions");
#endif
	if (system("valgrind --version >/dev/null 2>&1") != 0)
		tap_skip_all("valgrind is not installed");
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		tap_skip_all("no /proc");
	self[len] = '\0';

	for (policy = 0; policy < CINT_POLICY_NR; policy++) {
		for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
			double each = (double)count(self, "cint_complete",
						    policy, kind) / COMPLETIONS;

			/* fewer than a few is a count that did not happen */
			tap_result(each > 5 && each <= LIMIT,
				   "%s, %s: at most %d instructions a completion",
				   cint_policy_name(policy), kinds[kind], LIMIT);
			tap_note("%.1f", each);
		}
	}
	return tap_done();
}

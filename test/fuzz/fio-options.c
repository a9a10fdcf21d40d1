// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The options of the fio engine as a job file has them, NAME=VALUE a line, read by fio's own
 * parser, which calls the engine's.
 *
 * Of what is accepted all is in range.
 */
#include "fio-engine/cint.h"
#include "test/fuzz/fuzz.h"

#define FUZZ_CHECK(condition)							\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: this does not hold: %s\n",	\
				__FILE__, __LINE__, #condition);		\
			abort();						\
		}								\
	} while (0)

/* --- what they want of fio, and of the rest of the engine ------------------------------- */

unsigned int fio_get_kb_base(void *data)
{
	return data ? 1024 : 1000;
}

char *exec_profile;

ssize_t log_err(const char *format, ...)
{
	return (ssize_t)strlen(format);
}

ssize_t log_info(const char *format, ...)
{
	return (ssize_t)strlen(format);
}

/* What it says is what it would say: that it is there is seen by who reads it. */
void cint_say(const char *format, ...)
{
	static char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
}

/* of functions in the engine's header that nothing here calls */
void fio_gettime(struct timespec *now, void *caller)
{
	*now = (struct timespec) { .tv_nsec = caller != NULL };
}

void io_u_queued(struct thread_data *td, struct io_u *io_u)
{
	td->last_issue = io_u->issue_time;
}

int cint_passthrough_check(struct thread_data *td)
{
	return !td->eo;
}

/* --- the fuzzer ------------------------------------------------------------------------- */

static void check_share(const struct cint_share *share)
{
	unsigned int ddir, i, k;

	for (ddir = 0; ddir < CINT_DDIR_NR; ddir++) {
		FUZZ_CHECK(share->percentage[ddir] <= 100);
		FUZZ_CHECK(share->split_nr[ddir] <= CINT_SPLIT_MAX);
		for (i = 0; i < share->split_nr[ddir]; i++) {
			FUZZ_CHECK(share->split[ddir][i].percentage <= 100);
			FUZZ_CHECK(share->split[ddir][i].size >= 1);
			for (k = 0; k < i; k++)
				FUZZ_CHECK(share->split[ddir][i].size !=
					   share->split[ddir][k].size);
		}
	}
}

static void check_accepted(const struct cint_options *o, const struct io_uring_cint *p)
{
	if (o->policy != CINT_POLICY_DEVICE_DEFAULT) {
		FUZZ_CHECK(p->policy < CINT_POLICY_NR && !(p->flags & ~IORING_CINT_OOO));
		FUZZ_CHECK(p->threshold >= 1 && p->threshold <= CINT_THRESHOLD_MAX);
		FUZZ_CHECK(p->delta_ns <= CINT_DELAY_MAX_NS);
		FUZZ_CHECK(p->delta_min_ns <= CINT_DELAY_MAX_NS);
		FUZZ_CHECK(p->max_hold_ns <= CINT_DELAY_MAX_NS);
		FUZZ_CHECK(p->correction <= CINT_CORRECTION_MAX);
	}
	check_share(&o->urgent);
	check_share(&o->barrier);
	FUZZ_CHECK(o->barrier_every <= 1000000 && o->force_async <= 1000000);
	FUZZ_CHECK(o->cmdprio.percentage[DDIR_READ] <= 100);
	FUZZ_CHECK(o->cmdprio.class[DDIR_WRITE] <= IOPRIO_MAX_PRIO_CLASS);
	FUZZ_CHECK(o->means <= CINT_MEANS_STOCK && o->write_mode <= CINT_WRITE_VERIFY);
	FUZZ_CHECK(!o->sqpoll_cpu_set || o->sqpoll_cpu < (unsigned int)sysconf(_SC_NPROCESSORS_CONF));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct thread_data td;
	char *text = strndup((const char *)data, size), *rest = text, *line, *copy;
	struct cint_options *o = calloc(1, sizeof(*o));
	const struct fio_option *option;
	struct io_uring_cint params;
	static bool begun;
	int failed = 0;

	if (!begun)
		options_init(cint_fio_options);
	begun = true;
	td.eo = o;
	td.o.nr_files = td.o.open_files = 1;
	fill_default_options(o, cint_fio_options);
	while ((line = strsep(&rest, "\n"))) {
		copy = strdup(line);
		failed |= parse_option(copy, line, cint_fio_options, &option, o, NULL);
		free(copy);
	}
	/* fio goes on after some of what it calls mistakes */
	if (!cint_options_check(&td, &params) && !failed)
		check_accepted(o, &params);
	options_free(cint_fio_options, o);
	free(o);
	free(text);
	return 0;
}

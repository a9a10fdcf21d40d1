// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Which backend a ring gets, by what the kernel said as it was set up; and the reasons. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ring.h"

/* Of these the library knows what they mean for waiting and for CQEs. */
#define CINT_SETUP_KNOWN	((1U << 18) - 1)

#define CINT_SETUP_BEST		(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

static const char *const cint_backend_names[CINT_BACKEND_NR] = {
	[CINT_BACKEND_NONE]	= "none",
	[CINT_BACKEND_TIMEOUT]	= "timeout",
	[CINT_BACKEND_MIN_WAIT]	= "min-wait",
	[CINT_BACKEND_KERNEL]	= "kernel",
};

const char *cint_backend_name(enum cint_backend backend)
{
	return (unsigned int)backend < CINT_BACKEND_NR ?
		cint_backend_names[backend] : NULL;
}

/* The best backend that the environment allows; an unknown name allows all. */
static enum cint_backend cint_backend_limit(void)
{
	const char *value = secure_getenv("LIBURING_CINT_BACKEND");
	unsigned int i;

	for (i = 0; value && i < CINT_BACKEND_NR; i++) {
		if (!strcmp(value, cint_backend_names[i]))
			return (enum cint_backend)i;
	}
	return CINT_BACKEND_KERNEL;
}

/*
 * The stock means are chosen also where the kernel takes the marks: unless it
 * says that it wakes by them, they are what ends a wait.
 */
void cint_choose(struct cint_choice *choice, struct io_uring *ring)
{
	struct io_uring_cint query;
	enum cint_backend limit = cint_backend_limit();

	*choice = (struct cint_choice) {
		.setup = ring->flags, .features = cint_ring_features(ring),
	};
	if (!(ring->flags & ~CINT_SETUP_KNOWN) && choice->features & IORING_FEAT_EXT_ARG)
		choice->backend = choice->features & IORING_FEAT_MIN_TIMEOUT &&
				  !(ring->flags & IORING_SETUP_IOPOLL) ?
				  CINT_BACKEND_MIN_WAIT : CINT_BACKEND_TIMEOUT;
	if (limit < CINT_BACKEND_KERNEL) {
		if (choice->backend > limit)
			choice->backend = limit;
		return;
	}
	choice->marks_error = cint_query(ring, &query);
	/* a ring with restrictions may refuse the marks, too */
	if (choice->marks_error == -EOPNOTSUPP || choice->marks_error == -EACCES)
		return;
	/* only the task that submits may ask, and this is another */
	if (choice->marks_error) {
		choice->marks = cint_marks();
		return;
	}
	if (query.features & IORING_CINT_FEAT_BARRIER)
		choice->marks |= RWF_BARRIER;
	if (query.features & IORING_CINT_FEAT_URGENT) {
		choice->marks |= IOSQE_URGENT;
		choice->gathers = query.features & IORING_CINT_FEAT_GATHER;
	}
}

/* The backend that is reported: the marks make the difference. */
static enum cint_backend cint_reported(const struct cint_choice *choice)
{
	return choice->marks & IOSQE_URGENT ? CINT_BACKEND_KERNEL : choice->backend;
}

/* What a ring of cint_queue_init() would get. */
static int cint_choose_default(struct cint_choice *choice)
{
	struct io_uring ring;
	int ret;

	ret = io_uring_queue_init(2, &ring, CINT_SETUP_BEST);
	if (ret == -EINVAL)
		ret = io_uring_queue_init(2, &ring, 0);
	if (ret < 0)
		return ret;
	cint_choose(choice, &ring);
	io_uring_queue_exit(&ring);
	return 0;
}

enum cint_backend cint_backend(const struct cint_ring *cring)
{
	struct cint_choice choice;

	if (cring)
		return cint_reported(&cint_state_const(cring)->choice);
	if (cint_choose_default(&choice) < 0)
		return CINT_BACKEND_NONE;
	return cint_reported(&choice);
}

#define CINT_TEXT	1024

static void __attribute__((format(printf, 2, 3))) cint_say(char *text, const char *format, ...)
{
	size_t at = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + at, CINT_TEXT - at, format, args);
	va_end(args);
}

static const char *cint_means(const struct cint_choice *choice)
{
	if (choice->backend == CINT_BACKEND_NONE)
		return "marks have no effect, waits are liburing's own";
	if (choice->setup & IORING_SETUP_IOPOLL)
		return "the ring is polled, a wait is for one completion";
	return choice->backend == CINT_BACKEND_TIMEOUT ?
		"batches by wait_nr and timeouts; waits are for one completion while an urgent "
		"request is outstanding" :
		"batches by wait_nr and min_wait_usec; waits are for one completion while an "
		"urgent request is outstanding";
}

/* Why not this one. */
static void cint_say_why(char *text, const struct cint_choice *choice,
			 enum cint_backend backend)
{
	struct cint_probe probe;
	char reason[192];

	cint_say(text, "; not %s: ", cint_backend_names[backend]);
	if (backend > cint_backend_limit()) {
		cint_say(text, "LIBURING_CINT_BACKEND is %s",
			 cint_backend_names[cint_backend_limit()]);
	} else if (backend == CINT_BACKEND_KERNEL && choice->marks_error == -EACCES) {
		cint_say(text, "the ring has restrictions without IORING_REGISTER_CINT");
	} else if (backend == CINT_BACKEND_KERNEL) {
		if (cint_probe(&probe) < 0 ||
		    cint_probe_explain(&probe, CINT_FEATURE_SQE_URGENT, reason, sizeof(reason)) < 0)
			snprintf(reason, sizeof(reason), "the kernel could not be asked");
		cint_say(text, "%s", reason);
	} else if (choice->setup & ~CINT_SETUP_KNOWN) {
		cint_say(text, "the ring has set-up flags 0x%x, which this version "
			 "of the library does not know", choice->setup & ~CINT_SETUP_KNOWN);
	} else if (choice->setup & IORING_SETUP_IOPOLL) {
		cint_say(text, "a ring with IORING_SETUP_IOPOLL is polled, and never sleeps");
	} else {
		cint_say(text, "this kernel's io_uring lacks %s",
			 choice->features & IORING_FEAT_EXT_ARG ?
			 "IORING_FEAT_MIN_TIMEOUT (6.12)" : "IORING_FEAT_EXT_ARG (5.11)");
	}
}

int cint_explain(const struct cint_ring *cring, char *buf, size_t len)
{
	enum cint_backend backend;
	struct cint_choice choice;
	char text[CINT_TEXT] = "";
	int ret, i;

	if (cring) {
		choice = cint_state_const(cring)->choice;
	} else {
		ret = cint_choose_default(&choice);
		if (ret < 0)
			return ret;
	}

	backend = cint_reported(&choice);
	cint_say(text, "%s: ", cint_backend_names[backend]);
	if (backend == CINT_BACKEND_KERNEL)
		cint_say(text, "marks go to the kernel, which %s; ", choice.gathers ?
			 "wakes and gathers by them" : "does not yet wake by them");
	cint_say(text, "%s", backend == CINT_BACKEND_KERNEL && choice.gathers ?
		 "waits with parameters are the kernel's" : cint_means(&choice));
	/* the first that is missing, and the kernel's support */
	i = (int)choice.backend + 1;
	if (i < CINT_BACKEND_KERNEL && !choice.gathers)
		cint_say_why(text, &choice, (enum cint_backend)i);
	if (backend != CINT_BACKEND_KERNEL)
		cint_say_why(text, &choice, CINT_BACKEND_KERNEL);
	else if (cring && cint_state_const(cring)->params_error)
		cint_say(text, "; the kernel did not take the parameters: %s",
			 cint_strerror(cint_state_const(cring)->params_error));
	if (cring && cint_state_const(cring)->flags & CINT_RING_LINK &&
	    cint_remembers(cint_state_const(cring)))
		cint_say(text, "; urgent requests end waits for more by a linked timeout");
	if (choice.backend != CINT_BACKEND_NONE && !(choice.setup & IORING_SETUP_DEFER_TASKRUN) &&
	    !(choice.setup & IORING_SETUP_IOPOLL))
		cint_say(text, "; the ring lacks IORING_SETUP_DEFER_TASKRUN, so waits "
			 "save system calls, but the kernel may still wake the task for "
			 "each completion");
	return snprintf(buf, len, "%s", text);
}

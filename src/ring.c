// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Attaching the library to a ring, setting one up, parameters and counters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ring.h"

_Static_assert(sizeof(struct cint_stats) == 192, "part of the ABI");
_Static_assert(sizeof(struct cint_ring) == sizeof(void *) + 16, "part of the ABI");

#define CINT_RING_FLAGS	(CINT_RING_UNCOUNTED | CINT_RING_DRAIN | CINT_RING_NO_PAIRS)

/* cint_set_urgent() sets a flag and is done, or calls the library. */
static void cint_choose_mark(struct cint_state *s)
{
	bool flag_is_all = s->choice.gathers || s->choice.backend == CINT_BACKEND_NONE;

	s->pub.urgent_flags_ = 0;
	if (flag_is_all && s->heeds & CINT_URGENT)
		s->pub.urgent_flags_ = s->choice.marks & IOSQE_URGENT;
}

/* The kernel has the parameters where it can, else the library alone goes by them. */
static int cint_tell_kernel(struct cint_state *s, const struct io_uring_cint *params)
{
	int ret;

	if (!(s->choice.marks & IOSQE_URGENT))
		return 0;
	ret = params ? cint_register(s->pub.ring, params, NULL) :
		cint_unregister(s->pub.ring, NULL);
	if (!params && ret == -ENOENT)
		ret = 0;
	return ret;
}

int cint_set_params(struct cint_ring *cring, const struct io_uring_cint *params)
{
	struct cint_state *s = cint_state(cring);
	struct cint_params checked;

	if (params) {
		checked = cint_params_of(params);
		if (cint_params_check(&checked) != CINT_PARAM_OK)
			return -EINVAL;
	}
	s->params_error = params || s->has_params ? cint_tell_kernel(s, params) : 0;
	cint_track_params(s, params ? &checked : NULL);
	cint_choose_mark(s);
	return 0;
}

int cint_attach(struct io_uring *ring, const struct io_uring_cint *params,
		unsigned int flags, struct cint_ring **cring)
{
	struct cint_state *s;
	int ret;

	if (flags & ~CINT_RING_FLAGS)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->pub.ring = ring;
	s->flags = flags;
	s->pid = getpid();
	cint_choose(&s->choice, ring, flags);
	cint_track_init(s);
	ret = cint_set_params(&s->pub, params);
	if (ret < 0) {
		free(s);
		return ret;
	}
	*cring = &s->pub;
	return 0;
}

void cint_detach(struct cint_ring *cring)
{
	struct cint_state *s = cint_state(cring);

	if (!cring)
		return;
	/* the ring is the parent's */
	if (s->has_params && s->pid == getpid())
		cint_tell_kernel(s, NULL);
	free(s);
}

/* The SQ ring has room for the library's SQEs, the CQ ring is for the rest. */
static int cint_set_up(unsigned int entries, struct io_uring *ring, unsigned int flags)
{
	const bool kernel = cint_marks() & IOSQE_URGENT && cint_kernel_gathers();
	struct io_uring_params p = {
		.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.cq_entries = entries * 2,
	};

	return io_uring_queue_init_params(kernel ? entries : entries * 2, ring, &p);
}

int cint_queue_init(unsigned int entries, struct io_uring *ring,
		    const struct io_uring_cint *params, unsigned int flags,
		    struct cint_ring **cring)
{
	static const unsigned int setup[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,	/* 6.1 */
		IORING_SETUP_COOP_TASKRUN,					/* 5.19 */
		0,
	};
	unsigned int i;
	int ret = -EINVAL;

	if (!entries || entries > 1U << 15)
		return -EINVAL;
	for (i = 0; i < sizeof(setup) / sizeof(setup[0]) && ret == -EINVAL; i++)
		ret = cint_set_up(entries, ring, setup[i]);
	if (ret < 0)
		return ret;
	ret = cint_attach(ring, params, flags, cring);
	if (ret < 0)
		io_uring_queue_exit(ring);
	return ret;
}

void cint_queue_exit(struct cint_ring *cring)
{
	struct io_uring *ring;

	if (!cring)
		return;
	ring = cring->ring;
	cint_detach(cring);
	io_uring_queue_exit(ring);
}

void cint_get_stats(const struct cint_ring *cring, struct cint_stats *stats)
{
	const struct cint_state *s = cint_state_const(cring);

	*stats = s->stats;
	stats->urgent += cring->urgent_;
	if (!(s->coalescer.unknown & CINT_UNKNOWN_GAP))
		stats->gap_ns = s->coalescer.gap_ns;
	stats->outstanding = s->uncounted ? 0 : s->submitted - s->completed;
}

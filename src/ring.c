// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Attaching the library to a ring, setting one up, parameters and counters. */
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ring.h"

_Static_assert(sizeof(struct cint_stats) == 192, "part of the ABI");
_Static_assert(sizeof(struct cint_ring) == sizeof(void *) + 24, "part of the ABI");
_Static_assert(sizeof(struct cint_state) < 1024, "what a ring costs");

#define CINT_RING_FLAGS	(CINT_RING_MULTISHOT | CINT_RING_SHARED | CINT_RING_LINK)

/* Bits that io_uring does not use, and the library does. */
#define CINT_RING_BITS	(~0U << 28)

/* A tree of the rings that are attached, so that none is twice. */
static pthread_mutex_t cint_rings_lock = PTHREAD_MUTEX_INITIALIZER;
static void *cint_rings;

/* A child has none of its parent's rings, and may have been forked at any time. */
static void cint_forked(void)
{
	pthread_mutex_init(&cint_rings_lock, NULL);
	cint_rings = NULL;
}

__attribute__((constructor))
static void cint_load(void)
{
	pthread_atfork(NULL, NULL, cint_forked);
}

/* By the address that the application gave: a ring may be resized, or gone. */
static int cint_by_key(const void *a, const void *b)
{
	const struct cint_state *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int cint_list(struct cint_state *s)
{
	struct cint_state *const *node;
	int ret;

	pthread_mutex_lock(&cint_rings_lock);
	node = tsearch(s, &cint_rings, cint_by_key);
	ret = !node ? -ENOMEM : *node != s ? -EBUSY : 0;
	pthread_mutex_unlock(&cint_rings_lock);
	return ret;
}

static void cint_free(struct cint_state *s)
{
	struct cint_state *const *node;

	pthread_mutex_lock(&cint_rings_lock);
	/* another may be there, and a parent's is not */
	node = tfind(s, &cint_rings, cint_by_key);
	if (node && *node == s)
		tdelete(s, &cint_rings, cint_by_key);
	pthread_mutex_unlock(&cint_rings_lock);
	cint_book_free(&s->book);
	free(s->policy);
	free(s);
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
	struct cint_policy *policy = NULL;
	struct cint_params checked;

	if (params) {
		checked = cint_params_of(params);
		if (cint_params_check(&checked) != CINT_PARAM_OK)
			return -EINVAL;
		policy = malloc(sizeof(*policy));
		if (!policy)
			return -ENOMEM;
		cint_policy_init(policy, &checked);
	}
	s->params_error = params || s->policy ? cint_tell_kernel(s, params) : 0;
	free(s->policy);
	s->policy = policy;
	s->heeds = policy ? policy->marks : CINT_URGENT | CINT_BARRIER;
	s->gap_ns = 0;
	s->cq_tail = *s->pub.ring->cq.ktail;
	s->last_ns = cint_now_ns();
	/* cint_set_urgent() sets a flag and is done, or calls the library */
	s->pub.urgent_flags_ = s->choice.gathers && s->heeds & CINT_URGENT ?
		s->choice.marks & IOSQE_URGENT : 0;
	return 0;
}

static int cint_attach_state(struct cint_state *s, const struct io_uring_cint *params,
			     unsigned int flags, struct cint_ring **cring)
{
	const struct io_uring *ring = s->pub.ring;
	unsigned int outstanding = cint_given(ring) -
				   __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
	int ret = cint_list(s);

	if (ret)
		goto fail;
	s->flags = flags;
	s->pid = getpid();
	cint_choose(&s->choice, s->pub.ring);
	/*
	 * Requests that are outstanding already are those that have no CQE; what cannot be
	 * (multishot requests, and those without CQEs, were before) is none.
	 */
	if (outstanding > ring->cq.ring_entries)
		s->base = outstanding;
	s->noted = cint_sq_pending(s);
	s->marked = s->noted;
	s->cq_head = *ring->cq.khead;
	cint_watch(s);
	ret = cint_set_params(&s->pub, params);
	if (ret)
		goto fail;
	*cring = &s->pub;
	return 0;
fail:
	cint_free(s);
	return ret;
}

int cint_attach(struct io_uring *ring, const struct io_uring_cint *params,
		unsigned int flags, struct cint_ring **cring)
{
	struct cint_state *s;

	if (flags & ~CINT_RING_FLAGS)
		return -EINVAL;
	if (flags & CINT_RING_LINK && ring->flags & IORING_SETUP_IOPOLL)
		return -EOPNOTSUPP;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->pub.ring = ring;
	s->key = ring;
	return cint_attach_state(s, params, flags, cring);
}

/* What liburing would have of a ring that somebody else mapped. */
static void cint_map(struct io_uring *ring, int fd, const struct io_uring_params *p,
		     char *sq, char *cq, void *sqes)
{
	ring->sq = (struct io_uring_sq) {
		.khead		= (unsigned int *)(void *)(sq + p->sq_off.head),
		.ktail		= (unsigned int *)(void *)(sq + p->sq_off.tail),
		.kflags		= (unsigned int *)(void *)(sq + p->sq_off.flags),
		.kdropped	= (unsigned int *)(void *)(sq + p->sq_off.dropped),
		.sqes		= (struct io_uring_sqe *)sqes,
		.ring_entries	= p->sq_entries,
		.ring_mask	= p->sq_entries - 1,
	};
	ring->cq = (struct io_uring_cq) {
		.khead		= (unsigned int *)(void *)(cq + p->cq_off.head),
		.ktail		= (unsigned int *)(void *)(cq + p->cq_off.tail),
		.koverflow	= (unsigned int *)(void *)(cq + p->cq_off.overflow),
		.cqes		= (struct io_uring_cqe *)(void *)(cq + p->cq_off.cqes),
		.ring_entries	= p->cq_entries,
		.ring_mask	= p->cq_entries - 1,
	};
	ring->flags = p->flags;
	ring->features = p->features;
	ring->ring_fd = fd;
	ring->enter_ring_fd = fd;
}

int cint_attach_mapped(int fd, const struct io_uring_params *p, void *sq_ring, void *cq_ring,
		       void *sqes, const struct io_uring_cint *params, unsigned int flags,
		       struct cint_ring **cring)
{
	struct cint_state *s;

	/* the application fills the SQ ring itself, and takes the CQEs */
	if (flags & ~CINT_RING_FLAGS || flags & CINT_RING_LINK)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	cint_map(&s->own, fd, p, sq_ring, cq_ring, sqes);
	s->mapped = true;
	s->pub.ring = &s->own;
	s->key = s->own.sq.khead;
	return cint_attach_state(s, params, flags, cring);
}

void cint_detach(struct cint_ring *cring)
{
	struct cint_state *s = cint_state(cring);

	if (!cring)
		return;
	/* a child's is the parent's ring */
	if (s->policy && s->pid == getpid())
		cint_tell_kernel(s, NULL);
	cint_free(s);
}

int cint_queue_init(unsigned int entries, struct io_uring *ring, unsigned int setup,
		    const struct io_uring_cint *params, unsigned int flags,
		    struct cint_ring **cring)
{
	static const unsigned int best[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,	/* 6.1 */
		IORING_SETUP_COOP_TASKRUN,					/* 5.19 */
		0,
	};
	unsigned int i = setup || flags & CINT_RING_SHARED ? 2 : 0;
	int ret = -EINVAL;

	if (setup & CINT_RING_BITS || flags & ~CINT_RING_FLAGS)
		return -EINVAL;
	/* room for the library's SQEs */
	if (flags & CINT_RING_LINK && entries <= 1U << 14)
		entries *= 2;
	for (; i < sizeof(best) / sizeof(best[0]) && ret == -EINVAL; i++)
		ret = io_uring_queue_init(entries, ring, setup | best[i]);
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
	/* what the application has mapped is its own */
	ring = cint_state(cring)->mapped ? NULL : cring->ring;
	cint_detach(cring);
	if (ring)
		io_uring_queue_exit(ring);
}

void cint_get_stats(struct cint_ring *cring, struct cint_stats *stats)
{
	struct cint_state *s = cint_state(cring);

	cint_count_taken(s);
	*stats = s->stats;
	stats->urgent = cring->urgent_;
	stats->gap_ns = s->gap_ns;
	stats->outstanding = cint_outstanding(s, 0);
}

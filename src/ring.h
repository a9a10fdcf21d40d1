/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside the library: a ring's state, and how its parts work on it. */
#ifndef CINT_RING_H
#define CINT_RING_H

#include <linux/cint_policy.h>
#include "probe.h"
#include "wait.h"

/* Newer than liburing 2.3. */
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT	(1U << 15)
#endif

/* Marked requests whose completion is not certain: 0, or this bit and a number. */
#define CINT_UNTIL_SET		(1ULL << 32)

/* Urgent requests outstanding that are told apart: the bits of a word. */
#define CINT_URGENTS		64U

/* Barriers outstanding that are told apart; a power of two. */
#define CINT_BARRIERS		64U

/* Requests the policy is told of at a time; a power of two. */
#define CINT_WINDOW		1024U

/* Why a backend is not the one in use. */
enum cint_why {
	CINT_WHY_OK,
	CINT_WHY_ENVIRONMENT,	/* LIBURING_CINT_BACKEND names a lesser one */
	CINT_WHY_PROBE,		/* cint_probe_explain() says it */
	CINT_WHY_FEATURE,	/* the kernel lacks an io_uring feature */
	CINT_WHY_TRIED,		/* it has it, but a try did not work */
	CINT_WHY_POLLED,	/* IORING_SETUP_IOPOLL */
	CINT_WHY_SETUP,		/* a set-up flag that this library does not know */
	CINT_WHY_FLAG,		/* CINT_RING_NO_PAIRS */
};

/**
 * struct cint_choice - the backend of a ring, and why not a better one
 * @backend: enum cint_backend
 * @marks: the kernel's marks are used: cint_marks()
 * @gathers: the kernel gathers and wakes by urgency by itself
 * @setup: the set-up flags of the ring
 * @why: enum cint_why, by backend
 */
struct cint_choice {
	enum cint_backend	backend;
	unsigned int		marks;
	bool			gathers;
	unsigned int		setup;
	unsigned char		why[CINT_BACKEND_NR];
};

/**
 * struct cint_urgent - an urgent request whose CQE was not seen yet
 * @user_data: of its SQE as it was marked, by which the CQE is known
 * @number: of the request
 */
struct cint_urgent {
	__u64		user_data;
	unsigned int	number;
};

/*
 * Requests are numbered in the order of their SQEs, from 1, the library's SQEs
 * left out.  A number is compared with how many have completed: which ones is
 * not known, so that is exact when nothing was submitted after the request, and
 * early when later ones overtake it.
 *
 * What a thread that submits writes, one that waits may read at the same time (rings
 * without IORING_SETUP_SINGLE_ISSUER), and the other way around: these accesses are
 * atomic.
 */
struct cint_state {
	struct cint_ring	pub;
	struct cint_choice	choice;
	unsigned int		flags;		/* CINT_RING_* */
	int			pid;
	unsigned int		heeds;		/* CINT_URGENT | CINT_BARRIER */
	bool			has_params;
	int			params_error;	/* of the kernel's registration */

	/* written by the side that submits */
	unsigned int		sq_base;	/* SQ index of request number 0 */
	unsigned int		pairs;		/* SQEs of the library */
	unsigned int		pairs_sent;	/* of these, submitted for certain */
	unsigned int		pair_end;	/* SQ index after the last one */
	unsigned int		pair_sequence;	/* odd while these three change */
	unsigned int		barrier_tail;
	unsigned int		barriers[CINT_BARRIERS];	/* their numbers */
	struct cint_urgent	urgent[CINT_URGENTS];
	__u64			urgents;	/* which of these are in use */
	__u64			singles;	/* of these: wait for one CQE */
	__u64			urgent_until;	/* CINT_UNTIL_SET: one more is outstanding */
	__u64			single_until;	/* likewise: wait for one CQE */

	/* of the side that waits */
	__u64			seen_until;	/* one was seen before this number was complete */
	unsigned int		scanned;	/* CQ index: seen up to here */
	unsigned int		submitted;	/* number of the last request */
	unsigned int		completed;
	unsigned int		excess;		/* CQEs that no SQE accounts for */
	unsigned int		unread;		/* CQEs that were gone before they were read */
	unsigned int		barrier_head;	/* the oldest not complete */
	unsigned int		barrier_fed;
	bool			uncounted;
	__u64			last_ns;	/* the policy's last completion */
	unsigned int		fed, drained;	/* requests of the policy's window */
	struct cint_coalescer	coalescer;
	struct cint_policy	policy;
	struct cint_request	window[CINT_WINDOW];

	struct cint_stats	stats;
};

/* The kernel has the ring's parameters, and waits for one CQE are as it sees fit. */
static inline bool cint_kernel_waits(const struct cint_state *s)
{
	return s->choice.gathers && s->has_params && !s->params_error;
}

static inline struct cint_state *cint_state(struct cint_ring *cring)
{
	return (struct cint_state *)cring;
}

static inline const struct cint_state *cint_state_const(const struct cint_ring *cring)
{
	return (const struct cint_state *)cring;
}

/* SQEs the kernel has been given, CQEs it has posted: free running indices. */
static inline unsigned int cint_sq_tail(const struct io_uring *ring)
{
	return __atomic_load_n(ring->sq.ktail, __ATOMIC_ACQUIRE);
}

static inline unsigned int cint_cq_tail(const struct io_uring *ring)
{
	return __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
}

static inline unsigned int cint_cq_ready(const struct io_uring *ring)
{
	return cint_cq_tail(ring) - *ring->cq.khead;
}

/* A count that one thread adds to while another may read it. */
static inline void cint_count(__u64 *counter)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1,
			 __ATOMIC_RELAXED);
}

unsigned int cint_number(const struct cint_state *s, unsigned int index);
void cint_until(__u64 *until, unsigned int number);
bool cint_is_pending(__u64 *until, unsigned int completed);

struct cint_params cint_params_of(const struct io_uring_cint *params);

void cint_choose(struct cint_choice *choice, const struct io_uring *ring,
		 unsigned int flags);

void cint_track_init(struct cint_state *s);
void cint_track_params(struct cint_state *s, const struct cint_params *params);

#endif /* CINT_RING_H */

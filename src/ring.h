/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Inside the library: a ring's state.
 *
 * The floor plan; a file calls only those below it.
 *
 *	ring		attach, detach, set up, parameters, counters
 *	wait		submit and wait, take CQEs
 *	mark		marks on SQEs
 *	backend		what a ring gets, and why not more
 *	link		the SQE that ends a wait
 *	count		what is outstanding
 *	enter		the system call, the clock
 *	rw		preadv2() with marks
 *	probe		what the kernel takes
 *	register	parameters in the kernel, which says there what it has
 *	decide, book	pure: what to wait for; marked requests, by user_data
 *	params, version	pure: names, ranges, errors
 */
#ifndef CINT_RING_H
#define CINT_RING_H

#include "liburing-cint.h"
#include "decide.h"
#include "book.h"

/* Newer than liburing 2.3. */
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT	(1U << 15)
#endif

/**
 * struct cint_choice - the backend of a ring, and what it was chosen by
 * @backend: enum cint_backend, the stock one also where marks go to the kernel
 * @marks: the kernel's marks that are used: cint_marks()
 * @marks_error: what the kernel said when it was asked by this ring
 * @gathers: the kernel gathers and wakes by urgency by itself
 * @setup: the set-up flags of the ring
 * @features: what the kernel said when it was set up
 */
struct cint_choice {
	enum cint_backend	backend;
	unsigned int		marks;
	int			marks_error;
	bool			gathers;
	unsigned int		setup;
	unsigned int		features;
};

/*
 * With CINT_RING_SHARED one thread may submit and mark while another waits and takes
 * CQEs.  Waits are then for one, whatever is marked, so that nothing is remembered;
 * @skipped alone is of both sides.
 */
struct cint_state {
	struct cint_ring	pub;
	const void		*key;		/* among the process's */
	struct io_uring		own;		/* the ring, if @mapped: by cint_attach_mapped() */
	bool			mapped;
	struct cint_choice	choice;
	unsigned int		flags;		/* CINT_RING_* */
	int			pid;
	unsigned int		heeds;		/* CINT_URGENT | CINT_BARRIER */
	struct cint_policy	*policy;	/* NULL: no parameters */
	int			params_error;	/* of the kernel's registration */

	/* of the side that submits */
	struct cint_book	book;
	bool			lost;		/* a mark: no memory, or its CQE was not told */
	unsigned int		noted;		/* SQ index: SQEs are noted up to here */
	unsigned int		marked;		/* SQ index: none is marked from here on */
	unsigned int		skipped;	/* SQEs that have no CQE */

	/* of the side that waits */
	unsigned int		base;		/* SQEs less CQEs when nothing is outstanding */
	unsigned int		cq_head;	/* at the last look, for the statistics */
	unsigned int		cq_tail;	/* when the last wait ended */
	__u64			last_ns;
	__u32			gap_ns;

	struct cint_stats	stats;
};

static inline struct cint_state *cint_state(struct cint_ring *cring)
{
	return (struct cint_state *)cring;
}

static inline const struct cint_state *cint_state_const(const struct cint_ring *cring)
{
	return (const struct cint_state *)cring;
}

/* The kernel has the ring's parameters, and waits for one CQE are as it sees fit. */
static inline bool cint_kernel_waits(const struct cint_state *s)
{
	return s->choice.gathers && s->policy && !s->params_error;
}

/* The library's waits go by the marks, so it remembers them. */
static inline bool cint_remembers(const struct cint_state *s)
{
	return s->choice.backend != CINT_BACKEND_NONE && !cint_kernel_waits(s) &&
	       !(s->flags & CINT_RING_SHARED);
}

/*
 * The library makes no difference to a wait: liburing's own, or the kernel's, which
 * makes a batch of a wait for one.
 */
static inline bool cint_waits_plainly(const struct cint_state *s, unsigned int wait_nr)
{
	return s->choice.backend == CINT_BACKEND_NONE ||
	       (cint_kernel_waits(s) && wait_nr <= 1);
}

static inline unsigned int cint_cq_ready(const struct io_uring *ring)
{
	return __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE) - *ring->cq.khead;
}

/* The SQ index up to which the kernel took SQEs, or will. */
static inline unsigned int cint_given(const struct io_uring *ring)
{
	return __atomic_load_n(ring->flags & IORING_SETUP_SQPOLL ? ring->sq.ktail :
			       ring->sq.khead, __ATOMIC_ACQUIRE);
}

static inline unsigned int cint_sqe_shift(const struct io_uring *ring)
{
	return !!(ring->flags & IORING_SETUP_SQE128);
}

static inline unsigned int cint_cqe_shift(const struct io_uring *ring)
{
	return !!(ring->flags & IORING_SETUP_CQE32);
}

/*
 * The kernel's enumerators have these numbers, too; a macro of their name would
 * break a newer <linux/io_uring.h>.
 */
#define CINT_REGISTER_OPCODE	60	/* IORING_REGISTER_CINT */
#define CINT_UNREGISTER_OPCODE	61	/* IORING_UNREGISTER_CINT */
#define CINT_RING_FEATURE	(1U << 30)	/* IORING_FEAT_CINT */

/* register.c */
bool cint_forced_stock(void);
unsigned int cint_ring_features(const struct io_uring *ring);

/* enter.c */
__u64 cint_now_ns(void);
int cint_enter(struct io_uring *ring, unsigned int to_submit, unsigned int wait_nr,
	       const struct __kernel_timespec *ts, unsigned int min_wait_us,
	       const sigset_t *sigmask);

/* count.c */
unsigned int cint_sq_pending(const struct cint_state *s);
unsigned int cint_not_taken(const struct cint_state *s, unsigned int end);
struct cint_entry *cint_enter_book(struct cint_state *s, __u64 user_data, unsigned int index);
void cint_note(struct cint_state *s, unsigned int end);
void cint_note_pending(struct cint_state *s);
unsigned int cint_outstanding(struct cint_state *s, unsigned int to_submit);
void cint_watch(struct cint_state *s);
void cint_count_taken(struct cint_state *s);

/* link.c */
bool cint_link_add(struct cint_state *s, struct io_uring_sqe *sqe, unsigned int index);

/* backend.c */
void cint_choose(struct cint_choice *choice, struct io_uring *ring);

#endif /* CINT_RING_H */

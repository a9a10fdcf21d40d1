// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marks on the SQEs of an attached ring.
 *
 * On a kernel without IOSQE_URGENT an urgent request is hard-linked to a timeout
 * of zero, the next SQE.  A link keeps its completion from being queued lazily,
 * and a completed timeout makes io_uring_enter() return whatever it waits for.
 * The link is hard because a short read or an error breaks a soft one.
 */
#include <errno.h>
#include <sched.h>
#include "ring.h"
#include "wait.h"

#define CINT_LINKS	(IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

/* Newer than liburing 2.3. */
#define CINT_OP_READ_MULTISHOT	49
#define CINT_OP_RECV_ZC		58
#define CINT_OP_URING_CMD128	64
#define CINT_URING_CMD_MULTI	(1U << 1)	/* in the place of rw_flags */

/* How often to let the kernel's submission thread run before giving it up. */
#define CINT_SQPOLL_TRIES	1000U

void cint_prep_pair(struct io_uring_sqe *sqe, bool silent)
{
	static const struct __kernel_timespec zero;

	io_uring_prep_timeout(sqe, (struct __kernel_timespec *)(uintptr_t)&zero, 0,
			      IORING_TIMEOUT_ETIME_SUCCESS);
	sqe->user_data = CINT_UDATA;
	if (silent)
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static struct io_uring_sqe *cint_sqe_at(const struct io_uring *ring, unsigned int index)
{
	unsigned int shift = !!(ring->flags & IORING_SETUP_SQE128);

	return &ring->sq.sqes[(index & ring->sq.ring_mask) << shift];
}

/* The index of an SQE that the kernel has not been given yet. */
static bool cint_sqe_index(const struct io_uring *ring, const struct io_uring_sqe *sqe,
			   unsigned int *index)
{
	unsigned int i;

	/* nearly always it is the last one */
	for (i = ring->sq.sqe_tail; i != ring->sq.sqe_head; ) {
		if (cint_sqe_at(ring, --i) == sqe) {
			*index = i;
			return true;
		}
	}
	return false;
}

static bool cint_is_pair(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_TIMEOUT && sqe->user_data == CINT_UDATA;
}

/* The number of the request at an index of the SQ ring, see struct cint_state. */
unsigned int cint_number(const struct cint_state *s, unsigned int index)
{
	const struct io_uring *ring = s->pub.ring;
	unsigned int pairs = s->pairs, i;

	for (i = index + 1; i != ring->sq.sqe_tail; i++)
		pairs -= cint_is_pair(cint_sqe_at(ring, i));
	return index + 1 - __atomic_load_n(&s->sq_base, __ATOMIC_RELAXED) - pairs;
}

static bool cint_has_room(const struct io_uring *ring)
{
	return ring->sq.sqe_tail - __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE) <
	       ring->sq.ring_entries;
}

/*
 * A place behind the last SQE.  If there is none, what precedes that SQE, and
 * the links that lead to it, is submitted; the SQE itself stays where it is.
 */
static bool cint_make_room(struct cint_state *s)
{
	struct io_uring *ring = s->pub.ring;
	unsigned int tail = ring->sq.sqe_tail, first = tail - 1, tries = CINT_SQPOLL_TRIES;

	if (cint_has_room(ring))
		return true;
	while (first != ring->sq.sqe_head && cint_sqe_at(ring, first - 1)->flags & CINT_LINKS)
		first--;
	if (first == ring->sq.sqe_head && !(ring->flags & IORING_SETUP_SQPOLL))
		return false;

	cint_count(&s->stats.flushes);
	ring->sq.sqe_tail = first;
	io_uring_submit(ring);
	ring->sq.sqe_tail = tail;
	/*
	 * The kernel's thread takes them when it gets to it.  IORING_ENTER_SQ_WAIT
	 * is no help: without the SQEs held back the ring is not full.
	 */
	while (!cint_has_room(ring) && ring->flags & IORING_SETUP_SQPOLL && tries--)
		sched_yield();
	return cint_has_room(ring);
}

/* More than one CQE, so nothing linked to it runs in time. */
static bool cint_is_multishot(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_POLL_ADD:
		return sqe->len & IORING_POLL_ADD_MULTI;
	case IORING_OP_ACCEPT:
		return sqe->ioprio & IORING_ACCEPT_MULTISHOT;
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
		return sqe->ioprio & IORING_RECV_MULTISHOT;
	case IORING_OP_URING_CMD:
	case CINT_OP_URING_CMD128:
		return (unsigned int)sqe->rw_flags & CINT_URING_CMD_MULTI;
	default:
		return sqe->opcode == CINT_OP_READ_MULTISHOT || sqe->opcode == CINT_OP_RECV_ZC;
	}
}

void cint_until(__u64 *until, unsigned int number)
{
	__atomic_store_n(until, CINT_UNTIL_SET | number, __ATOMIC_RELEASE);
}

/* Is a marked request outstanding?  Forgets it when it is not. */
bool cint_is_pending(__u64 *until, unsigned int completed)
{
	__u64 value = __atomic_load_n(until, __ATOMIC_ACQUIRE);

	if (!value)
		return false;
	if ((int)((unsigned int)value - completed) > 0)
		return true;
	__atomic_compare_exchange_n(until, &value, 0, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	return false;
}

static void cint_add_pair(struct cint_state *s, struct io_uring_sqe *sqe)
{
	struct io_uring *ring = s->pub.ring;

	sqe->flags |= IOSQE_IO_HARDLINK;
	cint_prep_pair(io_uring_get_sqe(ring), !(s->flags & CINT_RING_DRAIN));

	/* so that who waits can tell how many were submitted; see cint_number_submitted() */
	__atomic_store_n(&s->pair_sequence, s->pair_sequence + 1, __ATOMIC_RELAXED);
	if ((int)(cint_sq_tail(ring) - s->pair_end) >= 0)
		__atomic_store_n(&s->pairs_sent, s->pairs, __ATOMIC_RELEASE);
	__atomic_store_n(&s->pair_end, ring->sq.sqe_tail, __ATOMIC_RELEASE);
	__atomic_store_n(&s->pairs, s->pairs + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&s->pair_sequence, s->pair_sequence + 1, __ATOMIC_RELEASE);
	cint_count(&s->stats.pairs);
}

static bool cint_can_pair(struct cint_state *s, const struct io_uring_sqe *sqe,
			  unsigned int index)
{
	return s->choice.backend >= CINT_BACKEND_LINK && !(sqe->flags & CINT_LINKS) &&
	       index + 1 == s->pub.ring->sq.sqe_tail && cint_make_room(s);
}

/* Keep what an urgent request's CQE is known by; false if there is no place. */
static bool cint_remember(struct cint_state *s, const struct io_uring_sqe *sqe,
			  unsigned int number, bool single)
{
	__u64 places = ~__atomic_load_n(&s->urgents, __ATOMIC_ACQUIRE), bit = places & -places;

	if (!bit)
		return false;
	s->urgent[__builtin_ctzll(bit)] = (struct cint_urgent) {
		.user_data = sqe->user_data, .number = number,
	};
	if (single)
		__atomic_fetch_or(&s->singles, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&s->singles, ~bit, __ATOMIC_RELAXED);
	__atomic_fetch_or(&s->urgents, bit, __ATOMIC_RELEASE);
	return true;
}

/* End waits when this request completes, by whatever means the ring has. */
static void cint_end_waits(struct cint_state *s, struct io_uring_sqe *sqe,
			   unsigned int index)
{
	unsigned int number;
	bool single;

	/* whatever is submitted later, and whatever completes */
	if (__atomic_load_n(&s->uncounted, __ATOMIC_RELAXED))
		number = __atomic_load_n(&s->completed, __ATOMIC_RELAXED) + CINT_THRESHOLD_MAX;
	else
		number = cint_number(s, index);
	single = !cint_can_pair(s, sqe, index);
	if (!cint_remember(s, sqe, number, single)) {
		cint_until(&s->urgent_until, number);
		if (single)
			cint_until(&s->single_until, number);
	}
	if (single)
		cint_count(&s->stats.singles);
	else
		cint_add_pair(s, sqe);
}

/* A timeout ends waits by itself, and no CQE is nothing to wait for. */
static bool cint_needs_no_pair(const struct cint_state *s, const struct io_uring_sqe *sqe,
			       unsigned int index)
{
	const struct io_uring *ring = s->pub.ring;

	return sqe->opcode == IORING_OP_TIMEOUT || sqe->opcode == IORING_OP_LINK_TIMEOUT ||
	       sqe->flags & IOSQE_CQE_SKIP_SUCCESS ||
	       (index + 1 != ring->sq.sqe_tail && cint_is_pair(cint_sqe_at(ring, index + 1)));
}

int cint_set_urgent_(struct cint_ring *cring, struct io_uring_sqe *sqe)
{
	struct cint_state *s = cint_state(cring);
	unsigned int index;

	if (!cint_sqe_index(cring->ring, sqe, &index))
		return -EINVAL;
	if (!(s->heeds & CINT_URGENT))
		return 0;
	if (s->choice.backend >= CINT_BACKEND_LINK && sqe->flags & IOSQE_IO_DRAIN &&
	    !(s->flags & CINT_RING_DRAIN))
		return -EINVAL;
	if (s->choice.backend != CINT_BACKEND_NONE && cint_is_multishot(sqe))
		return -EOPNOTSUPP;

	cint_count(&s->stats.urgent);
	sqe->flags = (__u8)(sqe->flags | (s->choice.marks & IOSQE_URGENT));
	if (s->choice.backend != CINT_BACKEND_NONE && !cint_needs_no_pair(s, sqe, index))
		cint_end_waits(s, sqe, index);
	return 0;
}

int cint_set_barrier(struct cint_ring *cring, struct io_uring_sqe *sqe)
{
	struct cint_state *s = cint_state(cring);
	unsigned int index, tail, head;

	if (!cint_sqe_index(cring->ring, sqe, &index))
		return -EINVAL;
	if (!(s->heeds & CINT_BARRIER))
		return 0;

	cint_count(&s->stats.barriers);
	if (s->choice.marks & RWF_BARRIER)
		cint_sqe_set_barrier(sqe);
	if (cint_kernel_waits(s) || s->choice.backend == CINT_BACKEND_NONE)
		return 0;

	tail = s->barrier_tail;
	head = __atomic_load_n(&s->barrier_head, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&s->uncounted, __ATOMIC_RELAXED)) {
		/* the nearest to a prefix that is not known: its last request */
		if (s->choice.gathers)
			return cint_set_urgent(cring, sqe);
		if (!cint_is_multishot(sqe) && !cint_needs_no_pair(s, sqe, index))
			cint_end_waits(s, sqe, index);
	} else if (tail - head == CINT_BARRIERS) {
		cint_until(&s->single_until, cint_number(s, index));
	} else {
		__atomic_store_n(&s->barriers[tail % CINT_BARRIERS], cint_number(s, index),
				 __ATOMIC_RELAXED);
		__atomic_store_n(&s->barrier_tail, tail + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marks on the SQEs of an attached ring.
 *
 * Where the kernel does not wake by them the library remembers who is marked: waits are
 * for one completion while an urgent request is outstanding, and for no more than a
 * barrier's prefix lacks.
 */
#include <errno.h>
#include "ring.h"

/* The SQ index of an SQE that the kernel has not been given yet. */
static bool cint_sqe_index(const struct cint_state *s, const struct io_uring_sqe *sqe,
			   unsigned int *index)
{
	const struct io_uring *ring = s->pub.ring;
	size_t slot = (size_t)(sqe - ring->sq.sqes) >> cint_sqe_shift(ring);
	unsigned int first = cint_sq_pending(s);

	if (slot >= ring->sq.ring_entries)
		return false;
	*index = first + (((unsigned int)slot - first) & ring->sq.ring_mask);
	return s->mapped || *index - first < ring->sq.sqe_tail - first;
}

/* The place of an SQE in the book. */
static struct cint_entry *cint_book_sqe(struct cint_state *s, const struct io_uring_sqe *sqe,
					unsigned int index)
{
	struct cint_entry *e = NULL;

	if (!s->mapped && (int)(s->pub.ring->sq.sqe_head - s->noted) > 0)
		s->noted = s->pub.ring->sq.sqe_head;
	if ((int)(s->noted - index) > 0) {
		e = cint_book_find(&s->book, sqe->user_data, index);
	} else {
		cint_note(s, index);
		s->noted = index + 1;
	}
	return e ? e : cint_enter_book(s, sqe->user_data, index);
}

int cint_set_urgent_(struct cint_ring *cring, struct io_uring_sqe *sqe)
{
	struct cint_state *s = cint_state(cring);
	struct cint_entry *e;
	unsigned int index;

	if (!cint_sqe_index(s, sqe, &index))
		return -EINVAL;
	if (!(s->heeds & CINT_URGENT))
		return 0;
	cring->urgent_++;
	sqe->flags = (__u8)(sqe->flags | (s->choice.marks & IOSQE_URGENT));
	/* no CQE is nothing to wait for */
	if (s->choice.backend == CINT_BACKEND_NONE || sqe->flags & IOSQE_CQE_SKIP_SUCCESS)
		return 0;

	cint_lock(s);
	e = cint_book_sqe(s, sqe, index);
	if (e && !(e->marks & CINT_MARK_URGENT)) {
		bool linked = cint_link_add(s, sqe, index);

		cint_book_mark(&s->book, e, CINT_MARK_URGENT | (linked ? CINT_MARK_LINKED : 0));
		s->stats.links += linked;
		if (!(__atomic_load_n(&s->pub.watch_, __ATOMIC_RELAXED) & CINT_WATCH_MARKS_))
			cint_watch(s);
	}
	cint_unlock(s);
	return 0;
}

/* From now on all requests are entered; those that are there already are but counted. */
static void cint_use_barriers(struct cint_state *s)
{
	unsigned int all = cint_not_taken(s, s->noted), entered = cint_book_nr(&s->book);

	s->book.unknown = all > entered ? all - entered : 0;
	s->book.all = true;
}

int cint_set_barrier(struct cint_ring *cring, struct io_uring_sqe *sqe)
{
	struct cint_state *s = cint_state(cring);
	struct cint_entry *e;
	unsigned int index;

	if (!cint_sqe_index(s, sqe, &index) || sqe->flags & IOSQE_CQE_SKIP_SUCCESS)
		return -EINVAL;
	if (!(s->heeds & CINT_BARRIER))
		return 0;
	s->stats.barriers++;
	if (sqe->opcode < 32 && CINT_RW_OPCODES_ >> sqe->opcode & 1U)
		sqe->rw_flags |= (__kernel_rwf_t)(s->choice.marks & RWF_BARRIER);
	if (cint_is_plain(s))
		return 0;

	cint_lock(s);
	if (!s->book.all) {
		if ((int)(cint_sq_pending(s) - s->noted) > 0)
			s->noted = cint_sq_pending(s);
		cint_use_barriers(s);
	}
	e = cint_book_sqe(s, sqe, index);
	if (e)
		cint_book_mark(&s->book, e, CINT_MARK_BARRIER);
	cint_watch(s);
	cint_unlock(s);
	return 0;
}

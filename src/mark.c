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
	const struct io_uring_sq *sq = &s->pub.ring->sq;
	size_t slot = (size_t)(sqe - sq->sqes) >> cint_sqe_shift(s->pub.ring);
	unsigned int first = cint_sq_pending(s);

	*index = first + (((unsigned int)slot - first) & sq->ring_mask);
	return slot < sq->ring_entries && (s->mapped || *index - first < sq->sqe_tail - first);
}

/* Enter an SQE, where barriers are used behind all before it. */
static struct cint_entry *cint_enter_sqe(struct cint_state *s, const struct io_uring_sqe *sqe,
					 unsigned int index)
{
	s->pub.watch_ |= CINT_WATCH_MARKS_;
	if ((int)(s->marked - index) <= 0)
		s->marked = index + 1;
	if (s->book.all)
		cint_note(s, index);
	return cint_enter_book(s, sqe->user_data, index);
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
	if (!cint_remembers(s) || sqe->flags & IOSQE_CQE_SKIP_SUCCESS)
		return 0;
	e = cint_enter_sqe(s, sqe, index);
	if (e && !(e->marks & CINT_MARK_URGENT)) {
		bool linked = s->flags & CINT_RING_LINK && cint_link_add(s, sqe, index);

		cint_book_mark(&s->book, e, CINT_MARK_URGENT | (linked ? CINT_MARK_LINKED : 0));
		s->stats.links += linked;
	}
	return 0;
}

int cint_set_barrier(struct cint_ring *cring, struct io_uring_sqe *sqe)
{
	struct cint_state *s = cint_state(cring);
	struct cint_entry *e;
	unsigned int index;
	bool first;

	if (!cint_sqe_index(s, sqe, &index) || sqe->flags & IOSQE_CQE_SKIP_SUCCESS)
		return -EINVAL;
	if (!(s->heeds & CINT_BARRIER))
		return 0;
	s->stats.barriers++;
	if (sqe->opcode < 32 && CINT_RW_OPCODES_ >> sqe->opcode & 1U)
		sqe->rw_flags |= (__kernel_rwf_t)(s->choice.marks & RWF_BARRIER);
	if (!cint_remembers(s))
		return 0;
	first = !s->book.all;
	if (first)
		cint_note(s, cint_sq_pending(s));
	s->book.all = true;
	e = cint_enter_sqe(s, sqe, index);
	/* those that were there before the first one are but counted */
	if (first && cint_not_taken(s, index + 1) > cint_book_nr(&s->book))
		s->book.unknown = cint_not_taken(s, index + 1) - cint_book_nr(&s->book);
	if (e)
		cint_book_mark(&s->book, e, CINT_MARK_BARRIER);
	return 0;
}

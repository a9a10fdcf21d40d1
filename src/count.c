// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What is outstanding.  The application tells what it submits and takes by calling the
 * library; what it did by liburing's own calls shows by the rings' indices alone.
 */
#include "ring.h"

/* The SQ index of the first SQE that the kernel was not told of. */
unsigned int cint_sq_pending(const struct cint_state *s)
{
	const struct io_uring_sq *sq = &s->pub.ring->sq;

	return s->mapped ? __atomic_load_n(sq->ktail, __ATOMIC_RELAXED) : sq->sqe_head;
}

/* Requests before an SQ index whose last CQE was not taken. */
unsigned int cint_not_taken(const struct cint_state *s, unsigned int end)
{
	int nr = (int)(end - s->skipped - s->base + s->pub.more_ - *s->pub.ring->cq.khead);

	return nr > 0 ? (unsigned int)nr : 0;
}

/*
 * Enter a request, unless it is there; NULL: there is no memory.  A book cannot hold more
 * than there are: what the application took by liburing's own calls is unknown, and the
 * book begins anew.
 */
struct cint_entry *cint_enter_book(struct cint_state *s, __u64 user_data, unsigned int index)
{
	struct cint_entry *e = cint_book_find(&s->book, user_data, index);

	if (e)
		return e;
	if (cint_book_is_full(&s->book)) {
		unsigned int most = cint_not_taken(s, index);

		if (cint_book_nr(&s->book) > most) {
			cint_book_clear(&s->book);
			s->book.unknown = s->book.all ? most : 0;
			s->lost = true;
		}
	}
	e = cint_book_add(&s->book, user_data, index);
	if (!e)
		s->lost = true;
	return e;
}

/* The flags of SQEs that are in a row, together. */
static unsigned int cint_flags_of(const struct io_uring_sqe *sqe, unsigned int nr,
				  unsigned int shift)
{
	const struct io_uring_sqe *end = sqe + (nr << shift);
	unsigned int flags = 0;

	for (; sqe != end; sqe += 1U << shift)
		flags |= sqe->flags;
	return flags;
}

/*
 * See SQEs up to an index, but for those that liburing's own calls took: count those
 * without a CQE, and enter the others where barriers are used.
 */
void cint_note(struct cint_state *s, unsigned int end)
{
	const struct io_uring_sq *sq = &s->pub.ring->sq;
	const unsigned int shift = cint_sqe_shift(s->pub.ring);
	const struct io_uring_sqe *sqe;
	unsigned int i = s->noted, at, row;

	if (!s->mapped && (int)(sq->sqe_head - i) > 0)
		i = sq->sqe_head;
	/* only of a ring of the application's own, which it does not tell of each call */
	if ((int)(end - i) > (int)sq->ring_entries)
		i = end - sq->ring_entries;
	if ((int)(end - i) < 0)
		end = i;
	s->noted = end;
	at = i & sq->ring_mask;
	row = end - i < sq->ring_entries - at ? end - i : sq->ring_entries - at;
	/* most have a CQE, and need not be looked at one by one */
	if (!s->book.all && !((cint_flags_of(&sq->sqes[at << shift], row, shift) |
			       cint_flags_of(sq->sqes, end - i - row, shift)) &
			      IOSQE_CQE_SKIP_SUCCESS))
		return;
	for (; i != end; i++) {
		sqe = &sq->sqes[(i & sq->ring_mask) << shift];
		if (sqe->flags & IOSQE_CQE_SKIP_SUCCESS)
			__atomic_store_n(&s->skipped, s->skipped + 1, __ATOMIC_RELAXED);
		else if (s->book.all)
			cint_enter_book(s, sqe->user_data, i);
	}
}

/* All that are about to be submitted; those of another's ring are published already. */
void cint_note_pending(struct cint_state *s)
{
	const struct io_uring_sq *sq = &s->pub.ring->sq;

	cint_note(s, s->mapped ? __atomic_load_n(sq->ktail, __ATOMIC_ACQUIRE) : sq->sqe_tail);
}

/*
 * Requests that have not completed, with to_submit SQEs that were noted and not taken.
 * What is submitted on a ring with IORING_SETUP_SQPOLL will be; elsewhere the kernel may
 * leave SQEs.
 */
unsigned int cint_outstanding(struct cint_state *s, unsigned int to_submit)
{
	const struct io_uring *ring = s->pub.ring;
	unsigned int tail = __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
	int nr = (int)(cint_given(ring) + to_submit - s->base - tail + s->pub.more_ -
		       __atomic_load_n(&s->skipped, __ATOMIC_RELAXED));

	if (nr >= 0)
		return (unsigned int)nr;
	/* CQEs that no SQE accounts for, or those that are there will tell */
	if (tail == *ring->cq.khead && !(s->flags & CINT_RING_SHARED) &&
	    s->noted - cint_sq_pending(s) == to_submit)
		s->base += (unsigned int)nr;
	return 0;
}

/* CQEs are looked at one by one while there is something to find. */
void cint_watch(struct cint_state *s)
{
	s->pub.watch_ = (s->flags & CINT_RING_LINK ? CINT_WATCH_LINKS_ : 0) |
		(s->book.all || !cint_book_is_empty(&s->book) ? CINT_WATCH_MARKS_ : 0);
}

/* What the application took since the last look. */
void cint_count_taken(struct cint_state *s)
{
	unsigned int head = *s->pub.ring->cq.khead;

	s->stats.completions += head - s->cq_head;
	s->cq_head = head;
}

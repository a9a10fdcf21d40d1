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

/* Requests before an SQ index whose last CQE was not taken. */
unsigned int cint_not_taken(const struct cint_state *s, unsigned int end)
{
	int nr = (int)(end - s->skipped - s->base + __atomic_load_n(&s->pub.more_, __ATOMIC_RELAXED) -
		       __atomic_load_n(s->pub.ring->cq.khead, __ATOMIC_RELAXED));

	return nr > 0 ? (unsigned int)nr : 0;
}

/*
 * Enter a request; NULL: there is no memory.  A book cannot hold more than there are: what
 * the application took by liburing's own calls is unknown, and the book begins anew.
 */
struct cint_entry *cint_enter_book(struct cint_state *s, __u64 user_data, unsigned int index)
{
	struct cint_entry *e;

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

/* Count those without a CQE, and enter the others where barriers are used. */
static void cint_note_each(struct cint_state *s, unsigned int end)
{
	const struct io_uring *ring = s->pub.ring;
	const struct io_uring_sqe *sqe;
	unsigned int i, skipped = 0;

	for (i = s->noted; i != end; i++) {
		sqe = &ring->sq.sqes[(i & ring->sq.ring_mask) << cint_sqe_shift(ring)];
		if (sqe->flags & IOSQE_CQE_SKIP_SUCCESS)
			skipped++;
		else if (s->book.all)
			cint_enter_book(s, sqe->user_data, i);
	}
	__atomic_store_n(&s->skipped, s->skipped + skipped, __ATOMIC_RELAXED);
}

/* See SQEs up to an index. */
void cint_note(struct cint_state *s, unsigned int end)
{
	const struct io_uring_sq *sq = &s->pub.ring->sq;
	unsigned int nr = end - s->noted, first = s->noted & sq->ring_mask, row, flags;
	unsigned int shift = cint_sqe_shift(s->pub.ring);

	if (!nr)
		return;
	/* only of a ring of the application's own, which it does not tell of each call */
	if (nr > sq->ring_entries) {
		s->noted = end - sq->ring_entries;
		cint_note(s, end);
		return;
	}
	row = nr < sq->ring_entries - first ? nr : sq->ring_entries - first;
	flags = cint_flags_of(&sq->sqes[first << shift], row, shift);
	if (row < nr)
		flags |= cint_flags_of(sq->sqes, nr - row, shift);
	if (s->book.all || flags & IOSQE_CQE_SKIP_SUCCESS)
		cint_note_each(s, end);
	s->noted = end;
}

/* All that are about to be submitted, but for those that liburing's own calls took. */
void cint_note_pending(struct cint_state *s)
{
	const struct io_uring_sq *sq = &s->pub.ring->sq;

	cint_lock(s);
	if (!s->mapped && (int)(sq->sqe_head - s->noted) > 0)
		s->noted = sq->sqe_head;
	/* those of another's ring are submitted, and still there if all is as it should be */
	cint_note(s, s->mapped ? __atomic_load_n(sq->ktail, __ATOMIC_ACQUIRE) : sq->sqe_tail);
	cint_unlock(s);
}

/*
 * Requests that have not completed, with to_submit SQEs that were noted and not taken.
 * What is submitted on a ring with IORING_SETUP_SQPOLL will be; elsewhere the kernel may
 * leave SQEs.
 */
unsigned int cint_outstanding(struct cint_state *s, unsigned int to_submit)
{
	const struct io_uring *ring = s->pub.ring;
	const unsigned int *given = ring->flags & IORING_SETUP_SQPOLL ?
				    ring->sq.ktail : ring->sq.khead;
	unsigned int tail = __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
	int nr = (int)(__atomic_load_n(given, __ATOMIC_ACQUIRE) + to_submit -
		       __atomic_load_n(&s->skipped, __ATOMIC_RELAXED) - s->base - tail +
		       __atomic_load_n(&s->pub.more_, __ATOMIC_RELAXED));

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
	unsigned int watch = s->flags & CINT_RING_LINK ? CINT_WATCH_LINKS_ : 0;

	if (s->book.all || !cint_book_is_empty(&s->book))
		watch |= CINT_WATCH_MARKS_;
	__atomic_store_n(&s->pub.watch_, watch, __ATOMIC_RELEASE);
}

/* What the application took since the last look. */
void cint_count_taken(struct cint_state *s)
{
	unsigned int head = *s->pub.ring->cq.khead;

	s->stats.completions += head - s->cq_head;
	s->cq_head = head;
}

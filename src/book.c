// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The requests whose completion matters: urgent ones, and all where barriers are used.
 * Of requests with the same user_data the oldest is taken first.
 */
#include <stdlib.h>
#include <string.h>
#include "book.h"

#define CINT_BOOK_MIN	64U

static struct cint_entry *cint_entry(const struct cint_book *b, __u32 number)
{
	return &b->entry[number & (b->size - 1)];
}

static struct cint_entry *cint_append(struct cint_book *b, __u64 user_data, unsigned int index)
{
	__u32 *bucket = cint_book_bucket(b, user_data);
	struct cint_entry *e = cint_entry(b, b->end);

	e->user_data = user_data;
	e->older = *bucket;
	e->index = index;
	e->marks = 0;
	e->taken = false;
	*bucket = b->end++;
	return e;
}

/* Make room: those taken go, and if that is not much the book grows. */
static bool cint_rewrite(struct cint_book *b)
{
	struct cint_book old = *b, new = *b;
	struct cint_entry *e, *kept;
	__u32 i;

	new.size = !b->size ? CINT_BOOK_MIN :
		   cint_book_nr(b) + b->barriers > b->size / 2 ? b->size * 2 : b->size;
	new.entry = malloc(new.size * sizeof(*new.entry));
	new.bucket = calloc(new.size, sizeof(*new.bucket));
	if (!new.entry || !new.bucket) {
		free(new.entry);
		free(new.bucket);
		return false;
	}
	/* no number is that of an empty bucket */
	new.first = 1;
	new.end = 1;
	for (i = b->first; i != b->end; i++) {
		e = cint_entry(b, i);
		if (!e->taken || e->marks & CINT_MARK_BARRIER) {
			kept = cint_append(&new, e->user_data, e->index);
			kept->marks = e->marks;
			kept->taken = e->taken;
		}
		if (b->barriers && i + 1 == b->barrier)
			new.barrier = new.end;
	}
	*b = new;
	free(old.entry);
	free(old.bucket);
	return true;
}

/* Enter a request; NULL: there is no memory. */
struct cint_entry *cint_book_add(struct cint_book *b, __u64 user_data, unsigned int index)
{
	if (cint_book_is_full(b) && !cint_rewrite(b))
		return NULL;
	return cint_append(b, user_data, index);
}

/* The next older number of a chain, or the end of the book. */
static __u32 cint_older(const struct cint_book *b, __u32 number, __u32 older)
{
	return older - b->first < number - b->first ? older : b->end;
}

#define cint_for_each_in_chain(b, n, user_data)						\
	for ((n) = (b)->size ? cint_older((b), (b)->end, *cint_book_bucket((b), (user_data))) : \
		   (b)->end;								\
	     (n) != (b)->end; (n) = cint_older((b), (n), cint_entry((b), (n))->older))

static bool cint_is_left(const struct cint_entry *e, __u64 user_data)
{
	return e->user_data == user_data && !e->taken;
}

/* The entry of an SQE that was not submitted yet: no entry of an earlier one is newer. */
struct cint_entry *cint_book_find(const struct cint_book *b, __u64 user_data, unsigned int index)
{
	struct cint_entry *e;
	__u32 n;

	cint_for_each_in_chain(b, n, user_data) {
		e = cint_entry(b, n);
		if (cint_is_left(e, user_data) && (int)(e->index - index) <= 0)
			return e->index == index ? e : NULL;
	}
	return NULL;
}

/* How many in a range of numbers are not taken. */
static unsigned int cint_count_range(const struct cint_book *b, __u32 from, __u32 to)
{
	unsigned int nr = 0;

	for (; from != to; from++)
		nr += !cint_entry(b, from)->taken;
	return nr;
}

unsigned int cint_book_nr(const struct cint_book *b)
{
	return cint_count_range(b, b->first, b->end);
}

/* The prefix of the oldest barrier is complete: on to the next. */
static void cint_next_barrier(struct cint_book *b)
{
	__u32 n;

	while (b->barriers && !b->prefix) {
		cint_entry(b, b->barrier - 1)->marks &= (__u8)~CINT_MARK_BARRIER;
		if (!--b->barriers)
			break;
		for (n = b->barrier; !(cint_entry(b, n)->marks & CINT_MARK_BARRIER); n++)
			;
		b->prefix = cint_count_range(b, b->barrier, n + 1);
		b->barrier = n + 1;
	}
}

/* Mark an entry; marks that it has are not added again. */
void cint_book_mark(struct cint_book *b, struct cint_entry *e, unsigned int marks)
{
	__u32 number;

	marks &= ~(unsigned int)e->marks;
	if (marks & CINT_MARK_URGENT)
		b->marked[!!(marks & CINT_MARK_LINKED)]++;
	e->marks |= (__u8)marks;
	if (!(marks & CINT_MARK_BARRIER))
		return;
	/* the oldest one counts, which may be set late, behind others */
	number = b->first + (((__u32)(e - b->entry) - b->first) & (b->size - 1)) + 1;
	if (!b->barriers)
		b->prefix = b->unknown + cint_count_range(b, b->first, number);
	else if ((__s32)(number - b->barrier) < 0)
		b->prefix -= cint_count_range(b, number, b->barrier);
	if (!b->barriers++ || (__s32)(number - b->barrier) < 0)
		b->barrier = number;
}

/* The last CQE of a request is being taken. */
void cint_book_take(struct cint_book *b, __u64 user_data)
{
	struct cint_entry *e = NULL, *other;
	__u32 n, number = b->first;

	/* the first is the oldest, which matters where all have the same user_data */
	if (b->first != b->end && cint_is_left(cint_entry(b, number), user_data))
		e = cint_entry(b, number);
	else cint_for_each_in_chain(b, n, user_data) {
		other = cint_entry(b, n);
		if (cint_is_left(other, user_data)) {
			e = other;
			number = n;
		}
	}
	if (e) {
		e->taken = true;
		if (e->marks & CINT_MARK_URGENT)
			b->marked[!!(e->marks & CINT_MARK_LINKED)]--;
	} else if (!b->unknown) {
		return;
	} else {
		b->unknown--;
	}
	if (b->barriers && (__s32)(number - b->barrier) < 0) {
		b->prefix--;
		cint_next_barrier(b);
	}
	while (b->first != b->end && cint_entry(b, b->first)->taken &&
	       !(cint_entry(b, b->first)->marks & CINT_MARK_BARRIER))
		b->first++;
}

/* Nothing is outstanding, so nothing is. */
void cint_book_clear(struct cint_book *b)
{
	b->first = b->end;
	b->marked[0] = 0;
	b->marked[1] = 0;
	b->unknown = 0;
	b->barriers = 0;
	b->prefix = 0;
}

void cint_book_free(struct cint_book *b)
{
	free(b->entry);
	free(b->bucket);
}

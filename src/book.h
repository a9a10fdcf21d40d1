/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside the library: the requests whose completion matters, known by user_data. */
#ifndef CINT_BOOK_H
#define CINT_BOOK_H

#include <stdbool.h>
#include <linux/types.h>

#define CINT_MARK_URGENT	0x1
#define CINT_MARK_BARRIER	0x2
#define CINT_MARK_LINKED	0x4	/* urgent, and ends waits by a link */

/**
 * struct cint_entry - a request
 * @user_data: of its SQE, by which its CQE is known
 * @older: number of one with the same hash
 * @index: of its SQE
 * @marks: CINT_MARK_*; that of a barrier goes when its prefix is complete
 * @taken: its last CQE was
 */
struct cint_entry {
	__u64	user_data;
	__u32	older;
	__u32	index;
	__u8	marks;
	bool	taken;
};

/**
 * struct cint_book - requests in the order of their SQEs
 * @entry: by number, as many as @size, a power of two
 * @bucket: the newest number by hash
 * @first: the oldest number
 * @end: the number of the next
 * @marked: urgent requests not taken, by whether they are linked
 * @all: barriers are used, so all requests are entered
 * @unknown: requests outstanding that are not, from before
 * @barriers: whose prefix is not complete
 * @barrier: the number behind the oldest of these
 * @prefix: requests not taken before that
 */
struct cint_book {
	struct cint_entry	*entry;
	__u32			*bucket;
	unsigned int		size;
	__u32			first, end;
	unsigned int		marked[2];
	bool			all;
	unsigned int		unknown;
	unsigned int		barriers;
	__u32			barrier;
	unsigned int		prefix;
};

static inline bool cint_book_is_empty(const struct cint_book *b)
{
	return b->first == b->end;
}

static inline __u32 *cint_book_bucket(const struct cint_book *b, __u64 user_data)
{
	/* Fibonacci hashing; addresses differ in their middle bits */
	return &b->bucket[user_data * 0x9e3779b97f4a7c15ULL >> 40 & (b->size - 1)];
}

static inline bool cint_book_is_full(const struct cint_book *b)
{
	return b->end - b->first == b->size;
}

/* Quickly: most CQEs are of nobody here. */
static inline bool cint_book_may_have(const struct cint_book *b, __u64 user_data)
{
	return b->unknown || (b->first != b->end &&
		*cint_book_bucket(b, user_data) - b->first < b->end - b->first);
}

struct cint_entry *cint_book_add(struct cint_book *b, __u64 user_data, unsigned int index);
struct cint_entry *cint_book_find(const struct cint_book *b, __u64 user_data,
				  unsigned int index);
void cint_book_mark(struct cint_book *b, struct cint_entry *e, unsigned int marks);
void cint_book_take(struct cint_book *b, __u64 user_data);
unsigned int cint_book_nr(const struct cint_book *b);
void cint_book_clear(struct cint_book *b);
void cint_book_free(struct cint_book *b);

#endif /* CINT_BOOK_H */

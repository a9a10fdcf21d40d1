// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The book of marked requests against a plain list: which are urgent, how many the oldest
 * barrier's prefix has, whatever the order in which they are taken.
 */
#include "helpers.h"
#include "../../src/book.h"

#define MAX	600

struct plain {
	__u64		user_data;
	unsigned int	marks;
};

static struct plain list[MAX];
static unsigned int nr, unknown;

static unsigned int next_random(unsigned int range)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 33) % range;
}

static void take(struct cint_book *b, __u64 user_data)
{
	unsigned int i, j;

	cint_book_take(b, user_data);
	for (i = 0; i < nr && (list[i].user_data != user_data || list[i].marks & 8); i++)
		;
	if (i < nr)
		list[i].marks |= 8;
	else
		unknown -= !!unknown;
	/* what was taken goes, but a barrier only with its prefix */
	for (i = j = 0; i < nr; i++) {
		if (!(list[i].marks & 8) || (list[i].marks & CINT_MARK_BARRIER && (j || unknown)))
			list[j++] = list[i];
	}
	nr = j;
}

static void compare(const struct cint_book *b)
{
	unsigned int i, urgent[2] = { 0 }, prefix = 0, left = 0, barriers = 0, live = 0;

	for (i = 0; i < nr; i++) {
		if (!(list[i].marks & 8)) {
			live++;
			left++;
			if (list[i].marks & CINT_MARK_URGENT)
				urgent[!!(list[i].marks & CINT_MARK_LINKED)]++;
		}
		if (list[i].marks & CINT_MARK_BARRIER && !barriers++)
			prefix = left + unknown;
	}
	CHECK_EQ(b->marked[0], urgent[0]);
	CHECK_EQ(b->marked[1], urgent[1]);
	CHECK_EQ(b->barriers, barriers);
	CHECK_EQ(b->prefix, prefix);
	CHECK_EQ(cint_book_nr(b), live);
}

/* user_data of few values, so that many are the same, or of many; in order or not. */
static void storm(unsigned int values, bool fifo, unsigned int depth, bool barriers)
{
	static const unsigned int marks[] = {
		0, 0, 0, CINT_MARK_URGENT, CINT_MARK_URGENT | CINT_MARK_LINKED,
		CINT_MARK_BARRIER, CINT_MARK_BARRIER | CINT_MARK_URGENT,
	};
	struct cint_book b = { .all = barriers, .unknown = barriers ? 5 : 0 };
	unsigned int i, index = ~0U - 100, at;
	struct cint_entry *e;
	__u64 value;

	nr = 0;
	unknown = b.unknown;
	for (i = 0; i < 20000; i++) {
		if (nr < depth && next_random(8) < 5) {
			value = (__u64)next_random(values) << 6;
			list[nr].user_data = value;
			list[nr].marks = marks[next_random(barriers ? 7 : 5)];
			e = cint_book_add(&b, value, ++index);
			CHECK(e);
			cint_book_mark(&b, e, list[nr].marks);
			cint_book_mark(&b, e, list[nr].marks);
			CHECK(cint_book_find(&b, value, index) == e);
			CHECK(!cint_book_find(&b, value, index + 1));
			nr++;
			/* an earlier one is marked late */
			at = next_random(nr);
			e = next_random(16) || !barriers ? NULL : at + 1 == nr ? e : NULL;
			if (e) {
				list[at].marks |= CINT_MARK_BARRIER;
				cint_book_mark(&b, e, CINT_MARK_BARRIER);
			}
		} else if (next_random(10) == 0) {
			take(&b, ~0ULL);
		} else if (nr) {
			at = fifo ? 0 : next_random(nr);
			take(&b, list[at].user_data);
		}
		compare(&b);
	}
	CHECK(b.size <= 4 * MAX);
	cint_book_clear(&b);
	nr = 0;
	unknown = 0;
	compare(&b);
	CHECK(cint_book_is_empty(&b));
	cint_book_free(&b);
}

/* One that stays while others come and go takes no more room than one. */
static void stays(void)
{
	struct cint_book b = { 0 };
	unsigned int i;

	cint_book_mark(&b, cint_book_add(&b, 1, 0), CINT_MARK_URGENT);
	for (i = 0; i < 100000; i++) {
		cint_book_mark(&b, cint_book_add(&b, 2, i + 1), CINT_MARK_URGENT);
		CHECK_EQ(b.marked[0], 2);
		cint_book_take(&b, 2);
		cint_book_take(&b, 3);
		CHECK_EQ(b.marked[0], 1);
	}
	CHECK(b.size <= 64);
	cint_book_free(&b);
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		storm(3, i, 30, true);
		storm(1000000, i, 30, true);
		storm(1000000, i, MAX, true);
		storm(40, i, 200, false);
	}
	stays();
	return 0;
}

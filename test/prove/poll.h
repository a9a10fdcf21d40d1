/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Any state of a queue that is looked at. */
#ifndef CINT_PROVE_POLL_H
#define CINT_PROVE_POLL_H

#include "prove.h"
#include "../../kernel/files/lib/cint/poll.c"

struct cint_poll nondet_poll(void);

static struct cint_poll p;
static __u64 now_ns;

/* What is true of a queue after cint_poll_init(), and after anything else. */
static bool poll_is_right(void)
{
	return p.slot == p.epoch % CINT_POLL_EPOCHS && p.busy_ns <= now_ns &&
	       p.last_ns <= now_ns && p.service_ns <= CINT_DELAY_MAX_NS &&
	       p.gap_ns <= CINT_DELAY_MAX_NS && p.vain_ns <= CINT_DELAY_MAX_NS &&
	       p.carried <= REQUESTS_MAX && p.fresh <= 1 && p.awaiting <= 1 &&
	       /* of barriers that were, the last; not so long ago that epochs come again */
	       (!p.awaiting || (__u16)(p.epoch - p.awaited) < 32768 - CINT_POLL_EPOCHS);
}

static void any_poll(void)
{
	__u64 later_ns = nondet_u64();

	p = nondet_poll();
	now_ns = nondet_u64();
	ASSUME(poll_is_right());
	ASSUME(later_ns >= now_ns && later_ns <= TIME_MAX);
	now_ns = later_ns;
}

static bool drained(__u16 epoch)
{
	return p.sent[epoch % CINT_POLL_EPOCHS] == p.done[epoch % CINT_POLL_EPOCHS];
}

#endif /* CINT_PROVE_POLL_H */

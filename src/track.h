/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside the library: what is outstanding, and what the policy makes of it. */
#ifndef CINT_TRACK_H
#define CINT_TRACK_H

#include "ring.h"

/**
 * struct cint_news - what has completed since the last look
 * @completed: requests
 * @barrier: the prefix of a barrier is complete
 * @urgent: an urgent request was outstanding before, so it may be among them
 */
struct cint_news {
	unsigned int	completed;
	bool		barrier;
	bool		urgent;
};

/* What to wait for: so many CQEs, at most so long once one is there. */
struct cint_plan {
	unsigned int	wait_nr;
	__u64		hold_ns;
};

__u64 cint_now_ns(void);
struct cint_news cint_track(struct cint_state *s);
struct cint_plan cint_plan(struct cint_state *s, unsigned int wait_nr, unsigned int to_submit);

#endif /* CINT_TRACK_H */

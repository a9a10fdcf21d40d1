/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later OR MIT */
/*
 * When to look for completions that no interrupt announces.
 *
 * A queue without interrupts can't tell a driver that something has completed;
 * the driver looks, and what it finds it delivers. These functions say when a
 * look is worth its cost, by the parameters of the policy, the requests
 * outstanding, and by what earlier looks found: the time to the first
 * completion and between completions. Barriers are found complete here, too.
 *
 * As in the policy: pure functions over explicit state, time passed in.
 * One caller at a time submits and one at a time looks; the two may run
 * concurrently, as they share nothing but numbers that only one of them writes.
 * How many requests are outstanding is the caller's to know and to pass in.
 */
#ifndef _LINUX_CINT_POLL_H
#define _LINUX_CINT_POLL_H

#include <linux/cint_policy.h>

/* Barriers whose prefix is told apart; further ones are counted with the next. */
#define CINT_POLL_EPOCHS	16

/**
 * struct cint_poll - one queue
 * @sent: requests submitted, by epoch; they wrap around
 * @epoch: between two barriers
 * @slot: the same modulo CINT_POLL_EPOCHS
 * @busy_ns: when the first request came after a time without any
 * @done: requests found completed, by epoch; they wrap around
 * @last_ns: when a look found completions, and left none, the last time
 * @carried: completions found since, by looks that left some
 * @service_ns: learnt: from the first request to its completion
 * @vain_ns: how long after @busy_ns a look has found nothing, 0 if none has
 * @gap_ns: learnt: between completions
 * @fresh: no completion has been found since @busy_ns
 * @awaiting: a barrier completed before its prefix
 * @awaited: the last epoch of that prefix
 * @await_ns: since when it is awaited
 */
struct cint_poll {
	/* who submits */
	__u32	sent[CINT_POLL_EPOCHS];
	__u16	epoch;
	__u16	slot;
	__u64	busy_ns;
	/* who looks */
	__u32	done[CINT_POLL_EPOCHS];
	__u64	last_ns;
	__u32	carried;
	__u32	service_ns;
	__u32	vain_ns;
	__u32	gap_ns;
	__u8	fresh;
	__u8	awaiting;
	__u16	awaited;
	__u64	await_ns;
};

void cint_poll_init(struct cint_poll *p);
void cint_poll_busy(struct cint_poll *p, __u64 now_ns);
__u16 cint_poll_barrier(struct cint_poll *p);
void cint_poll_await(struct cint_poll *p, __u16 epoch, __u64 now_ns);
bool cint_poll_looked(struct cint_poll *p, __u32 found, __u32 outstanding,
		      bool more, __u64 now_ns);
__u32 cint_poll_interval(const struct cint_poll *p,
			 const struct cint_policy *policy, __u32 outstanding,
			 __u32 shortest_ns, __u32 longest_ns, __u64 now_ns);
enum cint_reason cint_poll_due(const struct cint_poll *p,
			       const struct cint_policy *policy,
			       __u32 outstanding, __u32 ready, __u64 first_ns,
			       __u64 last_ns, __u64 now_ns);

#ifdef __KERNEL__
#include <linux/compiler.h>
#define cint_poll_read(x)		READ_ONCE(x)
#define cint_poll_write(x, value)	WRITE_ONCE(x, value)
/* one instruction; a word that is written whole, and nobody else writes it */
#define cint_poll_inc(x)		data_race((x)++)
#else
/* outside of the kernel one thread does both */
#define cint_poll_read(x)		(x)
#define cint_poll_write(x, value)	((x) = (value))
#define cint_poll_inc(x)		((x)++)
#endif

/**
 * cint_poll_submit - a request goes to the device
 * @p: its queue
 *
 * If nothing was outstanding, cint_poll_busy() comes first.
 *
 * Return: what cint_poll_complete() wants to know, modulo CINT_POLL_EPOCHS.
 */
static inline __u16 cint_poll_submit(struct cint_poll *p)
{
	__u16 slot = cint_poll_read(p->slot);

	cint_poll_inc(p->sent[slot]);
	return slot;
}

/**
 * cint_poll_complete - a look has found a request completed
 * @p: its queue
 * @epoch: what cint_poll_submit() returned for it
 */
static inline void cint_poll_complete(struct cint_poll *p, __u16 epoch)
{
	cint_poll_inc(p->done[epoch]);
}

#endif /* _LINUX_CINT_POLL_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that look for completions: in the queues where their io_uring has requests.
 */
#include <linux/blk-cint.h>
#include <linux/export.h>
#include <linux/io_uring_types.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>

static DEFINE_XARRAY_ALLOC1(cint_lookers);

/**
 * cint_looker_add - have tasks look into a queue before they wait
 * @looker: the queue's
 * @gfp: how memory may be had
 *
 * Return: 0; -ENOMEM; -EBUSY if there are too many.
 */
int cint_looker_add(struct cint_looker *looker, gfp_t gfp)
{
	/* an id that has been remembered must not soon be another's */
	static u32 next;
	int ret;

	ret = xa_alloc_cyclic(&cint_lookers, &looker->id, looker, xa_limit_31b,
			      &next, gfp);
	return min(ret, 0);
}
EXPORT_SYMBOL_GPL(cint_looker_add);

/**
 * cint_looker_remove - the opposite
 * @looker: the queue's; it is not called any more after a grace period
 */
void cint_looker_remove(struct cint_looker *looker)
{
	xa_erase(&cint_lookers, looker->id);
}
EXPORT_SYMBOL_GPL(cint_looker_remove);

/*
 * The ring that the current task submits to. What an interrupt submits is not the
 * task's, whose rings may be about to go.
 */
static struct io_ring_ctx *cint_current_ring(void)
{
	struct io_uring_task *tctx = current->io_uring;

	return tctx && in_task() ? tctx->last : NULL;
}

/**
 * cint_look_note - the current task has submitted to a queue
 * @id: of its looker
 *
 * If it did so for an io_uring, tasks that wait for the ring will look there, as
 * long as something is outstanding.
 */
void cint_look_note(u32 id)
{
	struct io_ring_ctx *ring = cint_current_ring();
	struct cint_looks *looks;
	unsigned int i, free;

	if (!ring)
		return;
	looks = &ring->cint_looks;
	if (READ_ONCE(looks->ids[0]) == id && READ_ONCE(looks->nr))
		return;
	free = id % ARRAY_SIZE(looks->ids);
	for (i = ARRAY_SIZE(looks->ids); i-- > 0;) {
		u32 old = READ_ONCE(looks->ids[i]);

		if (!old || old == id)
			free = i;
		if (old == id)
			break;
	}
	WRITE_ONCE(looks->ids[free], id);
	if (READ_ONCE(looks->nr) <= free)
		WRITE_ONCE(looks->nr, free + 1);
}
EXPORT_SYMBOL_GPL(cint_look_note);

/**
 * cint_look_behind - has the current task completions to read yet?
 *
 * Return: true if the io_uring that it submits to has some, so that what completes now
 * is not what it waits for.
 */
bool cint_look_behind(void)
{
	struct io_ring_ctx *ring = cint_current_ring();
	const struct io_rings *rings;

	if (!ring)
		return false;
	rings = ring->rings;
	return READ_ONCE(rings->cq.head) != READ_ONCE(rings->cq.tail);
}
EXPORT_SYMBOL_GPL(cint_look_behind);

/**
 * cint_look - complete what devices have completed without an interrupt
 * @looks: where a ring has requests
 * @max: how many requests of a queue at most; 0 for none, as the task has enough
 *
 * For a task that would otherwise wait.
 *
 * Return: how many requests were completed.
 */
unsigned int cint_look(struct cint_looks *looks, unsigned int max)
{
	unsigned int i, nr = 0;
	bool any = false;

	rcu_read_lock();
	for (i = 0; i < READ_ONCE(looks->nr); i++) {
		u32 id = READ_ONCE(looks->ids[i]);
		struct cint_looker *looker;
		int found = -ENOENT;

		if (!id)
			continue;
		looker = xa_load(&cint_lookers, id);
		if (looker)
			found = looker->look(looker, max);
		if (found < 0) {
			cmpxchg(&looks->ids[i], id, 0);
			continue;
		}
		any = true;
		nr += found;
	}
	rcu_read_unlock();
	if (!any)
		WRITE_ONCE(looks->nr, 0);
	return nr;
}

/**
 * cint_look_sleep - a task that has called cint_look() is about to sleep
 * @looks: where the ring it waits for has requests
 *
 * What completes from here on must come to it without its help.
 */
void cint_look_sleep(struct cint_looks *looks)
{
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < READ_ONCE(looks->nr); i++) {
		u32 id = READ_ONCE(looks->ids[i]);
		struct cint_looker *looker = id ? xa_load(&cint_lookers, id) : NULL;

		if (looker && looker->sleep)
			looker->sleep(looker);
	}
	rcu_read_unlock();
}

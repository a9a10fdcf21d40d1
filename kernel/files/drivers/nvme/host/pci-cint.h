/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Coalescing of completions in the NVMe PCI driver.
 *
 * pci-cint.c has what is chosen for a controller, pci-cint-submit.c which requests
 * are looked for, pci-cint-look.c who looks and when (mode split),
 * pci-cint-thread.c a thread that does so (mode kthread), pci-cint-marked.c
 * requests that have interrupts, pci-cint-device.c a controller that coalesces
 * (mode device), pci-cint-feature.c what any controller does by itself.
 */
#ifndef _NVME_PCI_CINT_H
#define _NVME_PCI_CINT_H

#include <linux/blk-cint.h>
#include <linux/cint_poll.h>
#include <linux/cpuhotplug.h>
#include <linux/cred.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>

#include "pci.h"

enum nvme_cint_mode {
	NVME_CINT_OFF,		/* interrupts as the controller sends them */
	NVME_CINT_KTHREAD,	/* a kernel thread looks */
	NVME_CINT_DEVICE,	/* the controller coalesces by marks */
	NVME_CINT_SPLIT,	/* tasks and a timer look */
	NVME_CINT_NR_MODES
};

/* Who looks into a completion queue that no interrupt tells of. */
enum nvme_cint_who {
	NVME_CINT_TIMER,
	NVME_CINT_THREAD,
	NVME_CINT_TASK,		/* before it waits */
	NVME_CINT_SUBMITTER,	/* a batch's worth has completed */
	NVME_CINT_INTERRUPT,	/* of a barrier, or an urgent one in order */
	NVME_CINT_FLUSH,	/* parameters change */
};

/* Does the controller coalesce all interrupts by itself, NVMe Feature 08h? */
enum nvme_cint_hw {
	NVME_CINT_HW_OFF,
	NVME_CINT_HW_EXEMPT,	/* not those of our queues, Feature 09h */
	NVME_CINT_HW_ALL,
};

/**
 * struct nvme_cint_stats - counters of a controller
 * @completions: taken from completion queues
 * @urgent: of these, delivered alone because they were urgent
 * @delivered: handed to the block layer
 * @held: held back now, by the controller
 * @outstanding: submitted, not yet completed
 * @wakeups: how often the thread got something to do
 * @ticks: interrupts of timers
 * @fires: deliveries by reason
 */
struct nvme_cint_stats {
	u64	completions;
	u64	urgent;
	u64	delivered;
	u64	held;
	u64	outstanding;
	u64	wakeups;
	u64	ticks;
	u64	fires[CINT_REASON_NR];
};

/**
 * struct nvme_cint_slot - the requests of a group and a user in a queue
 * @user: the user, no more than an identity; NULL for those of who is not known
 * @group: the group; while nothing is outstanding, of anybody's choice
 * @hold_ns: its max_hold when it got the slot
 * @first_ns: when the first was submitted of those that are outstanding, or before
 * @sent: requests submitted, wraps around
 * @done: of these, found completed
 * @seen: of these, accounted for
 */
struct nvme_cint_slot {
	const struct user_struct *user;
	u16	group;
	u32	hold_ns;
	u64	first_ns;
	u32	sent;
	u32	done;
	u32	seen;
};

/*
 * The last one is for all that find no other: at most as late as any of them. One
 * more is for polled requests, which nobody else has to look for.
 */
#define NVME_CINT_SLOTS		8
#define NVME_CINT_OVERFLOW	(NVME_CINT_SLOTS - 1)
#define NVME_CINT_SLOT_SHIFT	8	/* nvme_iod.cint_tag */

/**
 * struct nvme_cint_queue - a queue while completions are coalesced
 * @cint: the controller's
 * @nvmeq: the queue
 * @looker: for tasks to look into it
 * @looked_at: it may be looked into; protected by nvme_queue.cq_poll_lock
 * @watched: by the thread: nobody else need look
 * @poll: what is known of it
 * @slots: groups and users that have requests in it
 * @slot: of the last request
 * @nr_slots: how many have been used
 * @in_order: all there are go with an urgent one
 * @batch: so many completed ones make who submits look
 * @firsts: of requests that are being submitted, how many are first ones
 * @first_hold_ns: the shortest max_hold of a group whose first requests these are
 * @first_user: their user, if it is one
 * @rest: so many requests have their interrupt, as looking did not pay
 * @next_rest: what @rest will be next
 * @yield: moving average of what the timer finds, times 16
 * @alone_ns: for how long nobody else has looked while requests were outstanding
 * @judged_ns: when it was last seen to
 * @found_ns: when a look last found something
 * @timer_lock: of who sets the timer; held over what he bases that on
 * @timer: looks
 * @owner: the only user who has requests, so that what he does concerns nobody else;
 *	NULL if there may be others
 * @put_off: it will look later than is best
 * @attended: as tasks look
 * @behind: who submitted last and has completions to read yet
 * @spare_ns: for how long it has last been put off for that
 * @tail: where submission was at the last tick
 * @reason: why it looks
 * @expires_ns: when, about
 * @hold_ns: the shortest max_hold of a group that has requests
 * @hold_min_ns: what a shorter one counts as
 * @task_user: whose task last found something, or had something already
 * @task_ns: when; 0 if a task sleeps since
 * @looked_ns: the same, whoever sleeps
 * @clean_ns: what completed before has been found
 * @mark_ns: what completed before will have been found
 * @mark_left: when so many more have been
 * @prefix: a barrier has completed, its epoch and NVME_CINT_PREFIX
 * @prefix_queue: of an interrupt-driven queue, where its handler looks at its end
 * @ready: seen completed by the thread
 * @first_ns: when the first of these was
 * @last_ns: when the last of these was
 * @stats: counters
 *
 * It is the queue's from nvme_cint_attach() to nvme_cint_detach(), and stays until
 * the controller goes.
 */
struct nvme_cint_queue {
	struct nvme_cint	*cint;
	struct nvme_queue	*nvmeq;
	struct cint_looker	looker;
	bool			looked_at;
	bool			watched;

	/* who submits: nvme_queue.sq_lock */
	struct cint_poll	poll;
	u8			slot;
	u8			nr_slots;
	bool			in_order;
	u8			firsts;
	u32			first_hold_ns;
	const struct user_struct *first_user;
	u32			batch;
	u32			rest;
	u32			next_rest;
	struct nvme_cint_slot	slots[NVME_CINT_SLOTS + 1];

	/* who sets the timer: @timer_lock; @behind also who submits */
	raw_spinlock_t		timer_lock;
	struct hrtimer		timer;
	const struct user_struct *owner;
	const struct user_struct *behind;
	bool			put_off;
	bool			attended;
	u8			reason;
	u16			tail;
	u32			hold_ns;
	u32			hold_min_ns;
	u32			spare_ns;
	u64			expires_ns;

	/* who looks: nvme_queue.cq_poll_lock; @brief also who submits, @task_ns who sleeps */
	u32			taken;
	u8			brief;
	u32			yield;
	u64			alone_ns;
	u64			judged_ns;
	u64			found_ns;
	u32			mark_left;
	const struct user_struct *task_user;
	u64			task_ns;
	u64			looked_ns;
	u64			clean_ns;
	u64			mark_ns;
	atomic_t		prefix;
	struct nvme_cint_queue	*prefix_queue;

	/* the thread */
	u32			ready;
	u64			first_ns;
	u64			last_ns;

	struct nvme_cint_stats	stats;
};

#define NVME_CINT_PREFIX	BIT(16)

/**
 * struct nvme_cint - coalescing of a controller
 * @dev: the controller
 * @lock: serialises changes from sysfs; held across resets, so that no reset and
 *	no scan may want it
 * @state_lock: protects what a reset changes or reads, up to @device_base
 * @wanted: the mode to be in after the next reset
 * @mode: the mode it is in
 * @device: the controller is to coalesce, by @device_params
 * @device_params: what it was set to last
 * @device_base: its counters when it was told to
 * @draining: it posts completions without an interrupt: tasks look
 * @calibrating: requests without a mark are marked by how they were submitted
 * @exempted: the value of its Feature 08h that our queues' vectors are exempt from
 * @in_use: cint_device_get() is held
 * @gone: the controller is being removed
 * @detached: of queues, by the last reset: the grace period to wait for until nobody
 *	looks into them who has begun before
 * @setting: the parameters of requests without a group of their own
 * @look_min_ns: the timer's looks come no sooner after each other
 * @calibrate: requests without a mark are to be marked, if the mode is not off
 * @poll_cpu: CPU of the thread, -1 for the last one online
 * @thread: it
 * @sleeping: it has nothing to do
 * @wakeups: how often it got something to do
 * @cpuhp: for the return of its CPU
 * @queues: by queue id
 * @nr_queues: how many slots
 * @remap: bios whose queue a reset has taken
 * @remap_lock: protects it
 * @remap_work: submits them again
 */
struct nvme_cint {
	struct nvme_dev			*dev;
	struct mutex			lock;		/* see above */
	struct mutex			state_lock;	/* see above */
	enum nvme_cint_mode		wanted;
	enum nvme_cint_mode		mode;
	bool				device;
	bool				draining;
	bool				calibrating;
	u32				exempted;
	struct cint_params		device_params;
	struct nvme_cint_stats		device_base;

	bool				in_use;
	bool				gone;
	bool				calibrate;
	unsigned long			detached;
	struct cint_setting __rcu	*setting;
	u32				look_min_ns;
	int				poll_cpu;
	struct task_struct		*thread;
	bool				sleeping;
	u64				wakeups;
	struct hlist_node		cpuhp;
	struct nvme_cint_queue		**queues;
	unsigned int			nr_queues;
	struct bio_list			remap;
	spinlock_t			remap_lock;	/* of remap */
	struct work_struct		remap_work;
};

/* Submitted and not yet taken from the completion queue. */
static inline u32 nvme_outstanding(const struct nvme_queue *nvmeq)
{
	s32 nr = READ_ONCE(nvmeq->sq_tail) - READ_ONCE(nvmeq->cq_head);

	return nr < 0 ? nr + nvmeq->q_depth : nr;
}

static inline u32 nvme_cint_slot_outstanding(const struct nvme_cint_slot *slot)
{
	/* no more are done than were sent before */
	u32 done = smp_load_acquire(&slot->done);

	return READ_ONCE(slot->sent) - done;
}

/* Whose I/O the current task submits, or looks for; NULL if that is not known. */
static inline const struct user_struct *nvme_cint_user(void)
{
	return current->flags & PF_KTHREAD ? NULL : current_real_cred()->user;
}

/* Whose request it is; a scheduler may give a task what others have queued. */
static inline const struct user_struct *nvme_cint_rq_user(struct request *req)
{
	return req->q->elevator ? NULL : nvme_cint_user();
}

/* Completed at once in a softirq or a handler, so that others have their turn. */
#define NVME_CINT_BUDGET_MAX	64

/* pci.c */
int nvme_poll_cq(struct nvme_queue *nvmeq, struct io_comp_batch *iob,
		 unsigned int max);
int nvme_poll_queue(struct nvme_queue *nvmeq, struct io_comp_batch *iob);
void nvme_pci_complete_batch(struct io_comp_batch *iob);

#ifdef CONFIG_NVME_CINT

extern const struct attribute_group nvme_cint_attrs_group;

int nvme_cint_module_init(void);
void nvme_cint_module_exit(void);
int nvme_cint_alloc(struct nvme_dev *dev);
void nvme_cint_exit(struct nvme_dev *dev);
void nvme_cint_free(struct nvme_dev *dev);
unsigned int nvme_cint_extra_queues(struct nvme_dev *dev);
unsigned int nvme_cint_poll_queues(struct nvme_dev *dev, unsigned int nr_queues);
void nvme_cint_drain(struct nvme_queue *nvmeq);
void nvme_cint_attach(struct nvme_queue *nvmeq);
void nvme_cint_detach(struct nvme_queue *nvmeq);
void nvme_cint_reset_done(struct nvme_dev *dev);
void nvme_cint_new_tagset(struct nvme_dev *dev);
bool nvme_cint_remap(struct nvme_queue *nvmeq, struct request *req);

int nvme_cint_set_mode(struct nvme_cint *cint, enum nvme_cint_mode mode);
int nvme_cint_set_params(struct nvme_cint *cint,
			 const struct cint_params *params);
int nvme_cint_set_poll_cpu(struct nvme_cint *cint, int cpu);
void nvme_cint_set_calibrate(struct nvme_cint *cint, bool calibrate);
int nvme_cint_get_stats(struct nvme_cint *cint, struct nvme_cint_stats *stats);

void nvme_cint_tell(struct nvme_cint_queue *c, u32 nr);
int nvme_cint_start_thread(struct nvme_cint *cint);
void nvme_cint_stop_thread(struct nvme_cint *cint);
void nvme_cint_bind_thread(struct nvme_cint *cint);

void nvme_cint_check_feature(struct nvme_cint *cint);
int nvme_cint_get_feature(struct nvme_cint *cint, enum nvme_cint_hw *hw,
			  unsigned int *threshold, unsigned int *time_us);

bool nvme_cint_defer(struct blk_mq_hw_ctx *poll, struct blk_mq_hw_ctx *irq,
		     bool batch);
void nvme_cint_init_look(struct nvme_cint_queue *c);
void nvme_cint_start_look(struct nvme_cint_queue *c);
void nvme_cint_arm(struct nvme_cint_queue *c);
void nvme_cint_arm_first(struct nvme_cint_queue *c, u32 hold_ns,
			 const struct user_struct *user);
bool nvme_cint_awaiting(struct nvme_cint_queue *c);
unsigned int nvme_cint_look(struct nvme_cint_queue *c, unsigned int max,
			    enum nvme_cint_who who);
void nvme_cint_fired(struct nvme_cint_queue *c, u16 group,
		     enum cint_reason reason, u32 nr, u64 held_ns);
bool nvme_cint_submit_slow(struct nvme_cint_queue *c, struct request *req,
			   const struct user_struct *user);
bool nvme_cint_submit_first(struct nvme_cint_queue *c, struct request *req,
			    struct nvme_cint_slot *slot);
void nvme_cint_guard_first(struct nvme_cint_queue *c, bool late);
struct nvme_queue *nvme_cint_poll_queue(struct nvme_dev *dev, unsigned int cpu);
void nvme_cint_submit_marked(struct nvme_queue *nvmeq, struct request *req);
void nvme_cint_done_marked(struct nvme_cint_queue *c, struct request *req);
void nvme_cint_look_beside(struct nvme_queue *nvmeq);
void nvme_cint_submit_look(struct nvme_cint_queue *c);
int nvme_cint_poll(struct nvme_queue *nvmeq);
irqreturn_t nvme_cint_irq(struct nvme_queue *nvmeq);

#ifdef CONFIG_NVME_CINT_DEVICE

int nvme_cint_check_device(struct nvme_cint *cint);
int nvme_cint_start_device(struct nvme_cint *cint);
void nvme_cint_stop_device(struct nvme_cint *cint);
int nvme_cint_set_device(struct nvme_cint *cint,
			 const struct cint_params *params);
void nvme_cint_restart_device(struct nvme_cint *cint);
int nvme_cint_device_stats(struct nvme_cint *cint,
			   struct nvme_cint_stats *stats);

#else

static inline int nvme_cint_check_device(struct nvme_cint *cint)
{
	return -EOPNOTSUPP;
}

static inline int nvme_cint_start_device(struct nvme_cint *cint)
{
	return -EOPNOTSUPP;
}

static inline void nvme_cint_stop_device(struct nvme_cint *cint)
{
}

static inline int nvme_cint_set_device(struct nvme_cint *cint,
				       const struct cint_params *params)
{
	return -EOPNOTSUPP;
}

static inline void nvme_cint_restart_device(struct nvme_cint *cint)
{
}

static inline int nvme_cint_device_stats(struct nvme_cint *cint,
					 struct nvme_cint_stats *stats)
{
	return 0;
}

#endif /* CONFIG_NVME_CINT_DEVICE */

/* The setting of a group: its own, or the controller's. Under RCU. */
static inline const struct cint_setting *
nvme_cint_setting(struct nvme_cint *cint, u16 group_id)
{
	struct cint_group *group = group_id ? cint_group_find(group_id) : NULL;

	return group ? rcu_dereference(group->setting) :
		rcu_dereference(cint->setting);
}

/* The parameters in force; coalescing is locked. */
static inline const struct cint_params *nvme_cint_params(struct nvme_cint *cint)
{
	return &rcu_dereference_protected(cint->setting,
			lockdep_is_held(&cint->lock) ||
			lockdep_is_held(&cint->state_lock))->policy.params;
}

/* Does what the current task does concern nobody else, all requests being its user's? */
static inline bool nvme_cint_own(struct nvme_cint_queue *c)
{
	const struct user_struct *owner = READ_ONCE(c->owner);

	return owner && owner == nvme_cint_user();
}

/*
 * A request of @user goes to a queue, under the lock of its submission queue and before
 * the doorbell. Return whether it is the first of a group or user.
 */
static __always_inline bool nvme_cint_submit(struct nvme_queue *nvmeq,
					     struct request *req,
					     const struct user_struct *user)
{
	struct nvme_cint_queue *c = READ_ONCE(nvmeq->cint);
	struct nvme_cint_slot *slot;
	struct nvme_iod *iod;

	if (!c)
		return false;
	if (nvmeq->consumer != NVME_CQ_POLL) {
		if (req->cmd_flags & REQ_BARRIER)
			nvme_cint_submit_marked(nvmeq, req);
		return false;
	}
	slot = &c->slots[c->slot];
	if (unlikely(slot->group != req->flush.cint_group ||
		     slot->user != user || req->cmd_flags & REQ_POLLED))
		return nvme_cint_submit_slow(c, req, user);
	/* written here only, read by who computes when to look */
	data_race(slot->sent++);
	if (unlikely(slot->sent - READ_ONCE(slot->done) == 1))
		return nvme_cint_submit_first(c, req, slot);
	iod = blk_mq_rq_to_pdu(req);
	iod->cint_tag = c->slot << NVME_CINT_SLOT_SHIFT |
		cint_poll_submit(&c->poll);
	return false;
}

/* Have so many requests completed that nobody has taken yet? */
static inline bool nvme_cqes_pending(struct nvme_queue *nvmeq, u32 nr)
{
	u32 idx = READ_ONCE(nvmeq->cq_head) + nr - 1;
	u8 phase = READ_ONCE(nvmeq->cq_phase);

	if (idx >= nvmeq->q_depth) {
		idx -= nvmeq->q_depth;
		phase ^= 1;
	}
	return (le16_to_cpu(READ_ONCE(nvmeq->cqes[idx].status)) & 1) == phase;
}

/*
 * Requests are about to be submitted, perhaps the first of a group or user, @nr of them
 * not polled for: somebody will look for them. Before the doorbell, for who submits may
 * lose the CPU at any time after it, and for long.
 */
static __always_inline void nvme_cint_guard(struct nvme_queue *nvmeq, bool first,
					    unsigned int nr)
{
	struct nvme_cint_queue *c = READ_ONCE(nvmeq->cint);
	bool late;

	if (!c || nvmeq->consumer != NVME_CQ_POLL)
		return;
	/* pairs with that of the timer, nvme_cint_count(), or the thread that sleeps */
	smp_mb();
	/* others before them may have completed since they were counted */
	late = nvme_cint_slot_outstanding(&c->slots[c->slot]) - 1 < nr;
	if (unlikely(first || late))
		nvme_cint_guard_first(c, late);
	else if (unlikely(!hrtimer_is_queued(&c->timer)))
		nvme_cint_arm(c);
}

/* Requests have been submitted: who has done so may look for others. */
static __always_inline void nvme_cint_submitted(struct nvme_queue *nvmeq)
{
	struct nvme_cint_queue *c = READ_ONCE(nvmeq->cint);

	if (!c)
		return;
	if (nvmeq->consumer == NVME_CQ_IRQ) {
		nvme_cint_look_beside(nvmeq);
		return;
	}
	if (nvmeq->consumer == NVME_CQ_SHARED) {
		if (READ_ONCE(c->cint->draining))
			cint_look_note(c->looker.id);
		return;
	}
	if (unlikely(c->watched))
		return;
	cint_look_note(c->looker.id);
	if (unlikely(!READ_ONCE(c->attended)))
		WRITE_ONCE(c->behind, cint_look_behind() ? nvme_cint_user() : NULL);
	if (nvme_outstanding(nvmeq) > c->batch / 2)
		nvme_cint_submit_look(c);
}

/* Of a request in a poll queue. */
static inline unsigned int nvme_cint_slot(const struct nvme_iod *iod)
{
	return min(iod->cint_tag >> NVME_CINT_SLOT_SHIFT, NVME_CINT_SLOTS);
}

/* A request has been found completed by who may consume the queue's entries. */
static __always_inline void nvme_cint_done(struct nvme_queue *nvmeq,
					   struct request *req)
{
	struct nvme_cint_queue *c = READ_ONCE(nvmeq->cint);
	struct nvme_iod *iod;

	if (!c)
		return;
	if (likely(nvmeq->consumer == NVME_CQ_POLL)) {
		iod = blk_mq_rq_to_pdu(req);
		/* it may be a request that the controller has made up */
		cint_poll_complete(&c->poll,
				   iod->cint_tag & (CINT_POLL_EPOCHS - 1));
		/* the same, written under the lock of the completion queue */
		data_race(c->slots[nvme_cint_slot(iod)].done++);
	} else {
		nvme_cint_done_marked(c, req);
	}
}

/*
 * An entry for no request: how many are outstanding is told by how far the queues have
 * got, so that it is not known any more until they are new.
 */
static inline void nvme_cint_stray(struct nvme_queue *nvmeq)
{
	if (READ_ONCE(nvmeq->cint))
		nvme_reset_ctrl(&nvmeq->dev->ctrl);
}

#else /* CONFIG_NVME_CINT */

static inline int nvme_cint_module_init(void)
{
	return 0;
}

static inline void nvme_cint_module_exit(void)
{
}

static inline int nvme_cint_alloc(struct nvme_dev *dev)
{
	return 0;
}

static inline void nvme_cint_exit(struct nvme_dev *dev)
{
}

static inline void nvme_cint_free(struct nvme_dev *dev)
{
}

static inline unsigned int nvme_cint_extra_queues(struct nvme_dev *dev)
{
	return 0;
}

static inline unsigned int nvme_cint_poll_queues(struct nvme_dev *dev,
						 unsigned int nr_queues)
{
	return dev->nr_poll_queues;
}

static inline void nvme_cint_drain(struct nvme_queue *nvmeq)
{
}

static inline void nvme_cint_attach(struct nvme_queue *nvmeq)
{
}

static inline void nvme_cint_detach(struct nvme_queue *nvmeq)
{
}

static inline void nvme_cint_reset_done(struct nvme_dev *dev)
{
}

static inline void nvme_cint_new_tagset(struct nvme_dev *dev)
{
}

static inline bool nvme_cint_remap(struct nvme_queue *nvmeq,
				   struct request *req)
{
	return false;
}

static inline bool nvme_cint_submit(struct nvme_queue *nvmeq,
				    struct request *req,
				    const struct user_struct *user)
{
	return false;
}

static inline void nvme_cint_guard(struct nvme_queue *nvmeq, bool first,
				   unsigned int nr)
{
}

static inline void nvme_cint_submitted(struct nvme_queue *nvmeq)
{
}

static inline void nvme_cint_done(struct nvme_queue *nvmeq, struct request *req)
{
}

static inline void nvme_cint_stray(struct nvme_queue *nvmeq)
{
}

static inline int nvme_cint_poll(struct nvme_queue *nvmeq)
{
	return 0;
}

static inline irqreturn_t nvme_cint_irq(struct nvme_queue *nvmeq)
{
	return IRQ_NONE;
}

#endif /* CONFIG_NVME_CINT */

#endif /* _NVME_PCI_CINT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Coalescing of NVMe completions in the driver.
 */
#ifndef _NVME_CINT_H
#define _NVME_CINT_H

#include <linux/blk-cint.h>
#include <linux/cpuhotplug.h>
#include <linux/nvme.h>

#include "nvme.h"

struct nvme_cint_queue;
struct nvme_cint_split;

/**
 * struct nvme_cint_load - requests of a queue
 * @sent: submitted, wraps around
 * @done: of these, found completed
 */
struct nvme_cint_load {
	u32	sent;
	u32	done;
};

enum nvme_cint_mode {
	NVME_CINT_OFF,		/* interrupts as the controller sends them */
	NVME_CINT_KTHREAD,	/* a kernel thread polls, delivery by IPI */
	NVME_CINT_DEVICE,	/* the controller coalesces by marks */
	NVME_CINT_SPLIT,	/* unmarked requests have no interrupt */
	NVME_CINT_NR_MODES
};

/* Who looks into a completion queue that no interrupt tells of. */
enum nvme_cint_looker {
	NVME_CINT_TIMER,
	NVME_CINT_TASK,		/* before it waits */
	NVME_CINT_INTERRUPT,	/* of another queue */
	NVME_CINT_SUBMITTER,	/* a batch's worth has completed */
	NVME_CINT_FLUSH,	/* parameters change, a request has timed out */
};

/**
 * struct nvme_cint_ops - what the coalescer needs of the transport
 * @poll: stage what has completed on a queue and is still active
 * @switch_queues: with no request in flight, pass every interrupt-driven queue
 *	to the coalescer or take it back; -errno with a reason logged if the
 *	controller can't
 * @switch_draining: while coalescing, requests may complete without an
 *	interrupt: have cint_drain() look for these, or no longer
 * @switch_split: have the controller's unmarked requests looked for, or no
 *	longer; -errno with a reason logged if the controller can't
 * @exit_split: the controller goes: they are looked for no longer
 * @look: complete up to so many requests of a queue in mode split; any context
 * @complete_rq: end one request
 * @complete_batch: end a batch of requests
 */
struct nvme_cint_ops {
	void	(*poll)(void *queue);
	int	(*switch_queues)(struct nvme_ctrl *ctrl, bool coalesce);
	void	(*switch_draining)(struct nvme_ctrl *ctrl, bool on);
	int	(*switch_split)(struct nvme_ctrl *ctrl, bool on);
	void	(*exit_split)(struct nvme_ctrl *ctrl);
	unsigned int	(*look)(void *queue, unsigned int max,
				enum nvme_cint_looker looker);
	void	(*complete_rq)(struct request *req);
	void	(*complete_batch)(struct io_comp_batch *iob);
};

/**
 * struct nvme_cint_stats - counters of a controller
 * @completions: taken from completion queues
 * @urgent: of these, delivered alone because they were urgent
 * @delivered: handed to the block layer
 * @held: held back now
 * @outstanding: submitted, not yet completed
 * @wakeups: how often the poller got something to do
 * @ipis: inter-processor interrupts sent
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
	u64	ipis;
	u64	ticks;
	u64	fires[CINT_REASON_NR];
};

/**
 * struct nvme_cint - the coalescer of a controller
 * @ctrl: the controller
 * @ops: its transport
 * @lock: serialises changes of mode and parameters
 * @setting: the parameters of requests without a group of their own
 * @mode: current mode
 * @coalesce: queues that come online are passed to the coalescer; the transport
 *	changes it with its queues
 * @gone: the controller is being removed, the mode is final
 * @poll_cpu: CPU to poll on, -1 for the last one online
 * @thread: the poller
 * @sleeping: the poller has nothing to do
 * @wakeups: how often it got something to do
 * @queues: by queue id, the admin queue's left out; none while the mode is off
 * @nr_queues: how many slots
 * @cpuhp: for the return of the polling CPU
 * @calibrate: requests without a mark are to be marked by how they were submitted
 * @calibrating: they are, as the mode is not off; changed inside @device_lock
 * @device_lock: serialises what is set in the controller, taken inside @lock
 * @device: the controller is to coalesce, by @device_params
 * @device_params: what it was set to last
 * @device_base: its counters when it was told to
 * @split: by queue id; none before mode split has been chosen once
 * @splitting: queues that come online are split; the transport changes it with its
 *	queues
 * @bulk_queues: how many queues without interrupts it shall have
 * @fallback: for when a reset has left it none
 * @drain: looks for what it has completed without an interrupt
 * @draining: it does
 */
struct nvme_cint {
	struct nvme_ctrl		*ctrl;
	const struct nvme_cint_ops	*ops;
	struct mutex			lock; /* mode and parameters */
	struct cint_setting __rcu	*setting;
	enum nvme_cint_mode		mode;
	bool				coalesce;
	bool				gone;
	int				poll_cpu;
	struct task_struct		*thread;
	bool				sleeping;
	u64				wakeups;
	struct nvme_cint_queue		**queues;
	unsigned int			nr_queues;
	struct hlist_node		cpuhp;
	bool				calibrate;
	bool				calibrating;
	struct mutex			device_lock; /* the controller's feature */
	bool				device;
	struct cint_params		device_params;
	struct nvme_cint_stats		device_base;
	struct nvme_cint_split		**split;
	bool				splitting;
	unsigned int			bulk_queues;
	struct work_struct		fallback;
	struct cint_drain		drain;
	bool				draining;
};

#ifdef CONFIG_NVME_CINT

DECLARE_STATIC_KEY_FALSE(nvme_cint_key);
extern const struct attribute_group nvme_cint_attrs_group;

/* Does the driver coalesce for any controller? */
static inline bool nvme_cint_in_use(void)
{
	return static_branch_unlikely(&nvme_cint_key);
}

int nvme_cint_module_init(void);
void nvme_cint_module_exit(void);
int nvme_cint_alloc(struct nvme_ctrl *ctrl, const struct nvme_cint_ops *ops,
		    unsigned int nr_queues);
void nvme_cint_exit(struct nvme_ctrl *ctrl);
void nvme_cint_free(struct nvme_ctrl *ctrl);

int nvme_cint_set_mode(struct nvme_cint *cint, enum nvme_cint_mode mode);
int nvme_cint_set_params(struct nvme_cint *cint,
			 const struct cint_params *params);
int nvme_cint_set_poll_cpu(struct nvme_cint *cint, int cpu);
void nvme_cint_set_calibrate(struct nvme_cint *cint, bool calibrate);
void nvme_cint_new_tagset(struct nvme_ctrl *ctrl);
int nvme_cint_get_stats(struct nvme_cint *cint, struct nvme_cint_stats *stats);

int nvme_cint_start_polling(struct nvme_cint *cint);
void nvme_cint_stop_polling(struct nvme_cint *cint);
void nvme_cint_bind(struct nvme_cint *cint);
void nvme_cint_poll_stats(struct nvme_cint *cint,
			  struct nvme_cint_stats *stats);

int nvme_cint_check_device(struct nvme_cint *cint);
int nvme_cint_start_device(struct nvme_cint *cint);
void nvme_cint_stop_device(struct nvme_cint *cint);
int nvme_cint_set_device(struct nvme_cint *cint,
			 const struct cint_params *params);
void nvme_cint_exit_device(struct nvme_cint *cint);
void nvme_cint_reset_done(struct nvme_ctrl *ctrl);
int nvme_cint_device_stats(struct nvme_cint *cint,
			   struct nvme_cint_stats *stats);

int nvme_cint_start_split(struct nvme_cint *cint);
void nvme_cint_stop_split(struct nvme_cint *cint);
void nvme_cint_free_split(struct nvme_cint *cint);
void nvme_cint_exit_split(struct nvme_cint *cint);
void nvme_cint_set_split(struct nvme_cint *cint);
void nvme_cint_kick_split(struct nvme_cint *cint);
void nvme_cint_split_stats(struct nvme_cint *cint,
			   struct nvme_cint_stats *stats);
struct nvme_cint_split *nvme_cint_split_attach(struct nvme_cint *cint,
					       void *queue, bool *busy, u16 qid);
void nvme_cint_split_detach(struct nvme_cint_split *s);
bool nvme_cint_split_submit(struct nvme_cint_split *s, struct request *req,
			    u16 *tag);
u32 nvme_cint_split_submitted(struct nvme_cint_split *s);
void nvme_cint_split_complete(struct nvme_cint_split *s, u16 tag, u32 nr);
bool nvme_cint_split_interrupt(struct nvme_cint_split *s, struct request *req);
void nvme_cint_split_looked(struct nvme_cint_split *s, u32 found, u32 left,
			    enum nvme_cint_looker looker);
bool nvme_cint_split_cares(struct nvme_cint_split *s);
void nvme_cint_split_sleep(struct nvme_cint_split *s);
u16 nvme_cint_split_barrier(struct nvme_cint_split *s, struct request *req);
void nvme_cint_split_await(struct nvme_cint_split *s, struct request *req,
			   u16 epoch);
void nvme_cint_split_awaiting(struct nvme_cint_split *s);
void nvme_cint_split_plain(struct nvme_cint_split *s);
bool nvme_cint_split_sleeper(struct nvme_cint_split *s);

/**
 * nvme_cint_split_idle - is no unmarked request outstanding?
 * @s: a queue that has interrupts
 *
 * Return: whether there was none a moment ago.
 */
static inline bool nvme_cint_split_idle(const struct nvme_cint_split *s)
{
	/* the rest of it is of no concern here */
	const struct nvme_cint_load *load = (const void *)s;

	return READ_ONCE(load->sent) == READ_ONCE(load->done);
}

/* The parameters in force; the coalescer is locked. */
static inline const struct cint_params *nvme_cint_params(struct nvme_cint *cint)
{
	return &rcu_dereference_protected(cint->setting,
			lockdep_is_held(&cint->lock))->policy.params;
}

/* The setting of a group: its own, or the controller's. Under RCU. */
static inline const struct cint_setting *
nvme_cint_setting(struct nvme_cint *cint, u16 group_id)
{
	struct cint_group *group = group_id ? cint_group_find(group_id) : NULL;

	return group ? rcu_dereference(group->setting) :
		rcu_dereference(cint->setting);
}

void nvme_cint_count_group(u16 group_id, enum cint_reason reason, u32 nr);

struct nvme_cint_queue *nvme_cint_activate(struct nvme_cint *cint, void *queue,
					   u16 qid);
void nvme_cint_deactivate(struct nvme_cint_queue *q);
void nvme_cint_flush(struct nvme_cint_queue *q);
void nvme_cint_drain(struct nvme_cint_queue *q);
void nvme_cint_submit(struct nvme_cint_queue *q, struct request *req);
bool nvme_cint_stage(struct nvme_cint_queue *q, struct request *req,
		     __le16 status, union nvme_result result);

#else

static inline bool nvme_cint_in_use(void)
{
	return false;
}

static inline int nvme_cint_module_init(void)
{
	return 0;
}

static inline void nvme_cint_module_exit(void)
{
}

static inline int nvme_cint_alloc(struct nvme_ctrl *ctrl,
				  const struct nvme_cint_ops *ops,
				  unsigned int nr_queues)
{
	return 0;
}

static inline void nvme_cint_new_tagset(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_cint_reset_done(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_cint_exit(struct nvme_ctrl *ctrl)
{
}

static inline void nvme_cint_free(struct nvme_ctrl *ctrl)
{
}

static inline struct nvme_cint_queue *nvme_cint_activate(struct nvme_cint *cint,
							 void *queue, u16 qid)
{
	return NULL;
}

static inline void nvme_cint_deactivate(struct nvme_cint_queue *q)
{
}

static inline void nvme_cint_flush(struct nvme_cint_queue *q)
{
}

static inline void nvme_cint_drain(struct nvme_cint_queue *q)
{
}

static inline void nvme_cint_submit(struct nvme_cint_queue *q,
				    struct request *req)
{
}

static inline bool nvme_cint_stage(struct nvme_cint_queue *q,
				   struct request *req, __le16 status,
				   union nvme_result result)
{
	return false;
}

#endif /* CONFIG_NVME_CINT */

#endif /* _NVME_CINT_H */

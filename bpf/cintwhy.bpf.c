// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side of cintwhy: follows every request, and tells of slow ones.
 *
 * The coalescer's tracepoints name no request. But nvme_sq, which does, comes right
 * before them on the same CPU; and a delivery is of all that its queue and group hold,
 * unless it is of an urgent one alone, which cint_urgent says before.
 */
#include "kernel-types.h"
#include "cintwhy.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u64 only_controllers = 0;
const volatile __u64 limit_ns = 1000000;

/* Requests that could not be followed, and slow ones that could not be told. */
__u64 lost;

#define DELIVERIES	256	/* of a queue and group remembered, a power of two */

struct state {
	struct why_event event;
	__u64 delivery;		/* number of the delivery that it waits for */
	struct task_struct *task;
	bool held;
};

struct delivery {
	__u64 number;
	__u64 ns;
	__u32 reason;
	__u32 batch;
};

struct place {
	__u32 ctrl;
	__u16 qid;
	__u16 group;
};

struct deliveries {
	__u64 next;
	struct delivery last[DELIVERIES];
};

struct current_request {
	__u64 req;		/* that nvme_sq named last */
	bool alone;		/* the delivery to come is of an urgent one */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct state);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct place);
	__type(value, struct deliveries);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct current_request);
} current_requests SEC(".maps");

/* Slow requests whose thread has not run again yet. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct why_event);
} sleeping SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

static const struct deliveries no_deliveries;

static __always_inline struct current_request *current_request(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&current_requests, &zero);
}

static __always_inline struct deliveries *find_place(int ctrl, __u16 qid, __u16 group)
{
	struct place key = { .ctrl = ctrl, .qid = qid, .group = group };
	struct deliveries *d = bpf_map_lookup_elem(&places, &key);

	if (d)
		return d;
	bpf_map_update_elem(&places, &key, &no_deliveries, BPF_NOEXIST);
	return bpf_map_lookup_elem(&places, &key);
}

static __always_inline bool wanted(__u32 ctrl)
{
	return !only_controllers || (ctrl < 64 && only_controllers >> ctrl & 1);
}

SEC("tp_btf/nvme_setup_cmd")
int BPF_PROG(on_submit, struct request *req)
{
	struct state s = {};
	__u64 key = (__u64)req;

	request_place(req, &s.event.ctrl, &s.event.qid);
	if (!s.event.qid || !wanted(s.event.ctrl))
		return 0;
	s.event.submit_ns = bpf_ktime_get_ns();
	s.event.tag = req->tag;
	s.event.op = req->cmd_flags & ((1 << REQUEST_OP_BITS) - 1);
	s.event.bytes = req->__data_len;
	s.event.urgent = request_marked(req, false);
	s.event.barrier = request_marked(req, true);
	s.event.pid = (__u32)bpf_get_current_pid_tgid();
	s.task = (void *)bpf_get_current_task();
	bpf_get_current_comm(s.event.comm, sizeof(s.event.comm));
	if (bpf_map_update_elem(&requests, &key, &s, BPF_ANY))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

SEC("tp_btf/nvme_sq")
int BPF_PROG(on_done, struct request *req)
{
	struct current_request *c = current_request();
	__u64 key = (__u64)req;
	struct state *s = bpf_map_lookup_elem(&requests, &key);

	if (!c)
		return 0;
	c->req = s ? key : 0;
	c->alone = false;
	/* one that was held has been seen before */
	if (s && !s->held)
		s->event.done_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/cint_hold")
int BPF_PROG(on_hold, struct request *req, int ctrl, __u16 qid, __u16 group,
	     __u32 held, __u64 deadline_ns)
{
	__u64 key = (__u64)req;
	struct state *s = bpf_map_lookup_elem(&requests, &key);
	struct deliveries *d;

	if (!s || s->event.ctrl != ctrl || s->event.qid != qid)
		return 0;
	d = find_place(ctrl, qid, group);
	if (!d)
		return 0;
	s->event.hold_ns = bpf_ktime_get_ns();
	s->event.done_ns = s->event.hold_ns;
	s->event.deadline_ns = deadline_ns;
	s->event.held = held;
	s->event.group = group;
	s->delivery = d->next;
	s->held = true;
	return 0;
}

SEC("tp_btf/cint_urgent")
int BPF_PROG(on_urgent)
{
	struct current_request *c = current_request();

	if (c)
		c->alone = true;
	return 0;
}

SEC("tp_btf/cint_fire")
int BPF_PROG(on_fire, int ctrl, __u16 qid, __u16 group, int reason, __u32 nr)
{
	struct current_request *c = current_request();
	__u64 now = bpf_ktime_get_ns();
	struct deliveries *d;
	struct state *s = NULL;
	bool alone = false;

	if (!wanted(ctrl))
		return 0;
	if (c) {
		alone = c->alone;
		if (c->req)
			s = bpf_map_lookup_elem(&requests, &c->req);
		c->req = 0;
		c->alone = false;
	}
	/* the one whose completion made it fire was not held */
	if (s && s->event.ctrl == ctrl && s->event.qid == qid) {
		s->event.fire_ns = now;
		s->event.reason = reason;
		s->event.batch = nr;
		s->event.group = group;
	}
	if (alone)
		return 0;
	d = find_place(ctrl, qid, group);
	if (d) {
		/* bounded for the verifier, which knows no power of two by name */
		struct delivery *last = &d->last[d->next & (DELIVERIES - 1)];

		last->number = d->next;
		last->ns = now;
		last->reason = reason;
		last->batch = nr;
		d->next++;
	}
	return 0;
}

static __always_inline void tell(const struct why_event *event)
{
	if (bpf_ringbuf_output(&events, (void *)event, sizeof(*event), 0))
		__sync_fetch_and_add(&lost, 1);
}

static __always_inline void find_delivery(struct state *s)
{
	struct deliveries *d;
	struct delivery *last;

	d = find_place(s->event.ctrl, s->event.qid, s->event.group);
	if (!d)
		return;
	last = &d->last[s->delivery & (DELIVERIES - 1)];
	if (last->number != s->delivery || last->ns < s->event.hold_ns)
		return;
	s->event.fire_ns = last->ns;
	s->event.reason = last->reason;
	s->event.batch = last->batch;
}

SEC("tp_btf/nvme_complete_rq")
int BPF_PROG(on_complete, struct request *req)
{
	__u64 now = bpf_ktime_get_ns(), key = (__u64)req;
	struct state *s = bpf_map_lookup_elem(&requests, &key);

	if (!s)
		return 0;
	if (now - s->event.submit_ns >= limit_ns) {
		struct task_struct *task = s->task;
		__u32 pid = s->event.pid;

		s->event.complete_ns = now;
		if (s->held)
			find_delivery(s);
		if (BPF_CORE_READ(task, pid) == pid && BPF_CORE_READ(task, on_cpu)) {
			s->event.reaped = WHY_RUNNING;
			tell(&s->event);
		} else if (bpf_map_update_elem(&sleeping, &pid, &s->event, BPF_NOEXIST)) {
			s->event.reaped = WHY_UNKNOWN;
			tell(&s->event);
		}
	}
	bpf_map_delete_elem(&requests, &key);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u32 pid = next->pid;
	struct why_event *event = bpf_map_lookup_elem(&sleeping, &pid);

	if (!event)
		return 0;
	event->reap_ns = bpf_ktime_get_ns();
	event->reaped = WHY_WOKEN;
	tell(event);
	bpf_map_delete_elem(&sleeping, &pid);
	return 0;
}

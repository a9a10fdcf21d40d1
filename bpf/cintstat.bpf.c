// SPDX-License-Identifier: GPL-2.0
/* The kernel's side of cintstat: counts, from tracepoints. */
#include "kernel-types.h"
#include "cintstat.h"

char LICENSE[] SEC("license") = "GPL";

/* Controllers to count, by instance; all of them if 0. */
const volatile __u64 only_controllers = 0;

/* Events for which there was no room. */
__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_GROUPS);
	__type(key, struct group_key);
	__type(value, struct group_counts);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_QUEUES);
	__type(key, struct queue_key);
	__type(value, struct queue_counts);
} queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_LATENCIES);
	__type(key, struct latency_key);
	__type(value, struct latency_counts);
} latencies SEC(".maps");

/* What new entries are copied from: too large for the stack. */
static const struct group_counts no_group;
static const struct queue_counts no_queue;
static const struct latency_counts no_latency;

static __always_inline void *find(void *map, const void *key, const void *empty)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	bpf_map_update_elem(map, key, empty, BPF_NOEXIST);
	value = bpf_map_lookup_elem(map, key);
	if (!value)
		__sync_fetch_and_add(&lost, 1);
	return value;
}

static __always_inline bool wanted(__u32 ctrl)
{
	return !only_controllers || (ctrl < 64 && only_controllers >> ctrl & 1);
}

static __always_inline __u32 octave(__u64 value)
{
	__u32 bit = 0;

	if (value >> 32) {
		bit += 32;
		value >>= 32;
	}
	if (value >> 16) {
		bit += 16;
		value >>= 16;
	}
	if (value >> 8) {
		bit += 8;
		value >>= 8;
	}
	if (value >> 4) {
		bit += 4;
		value >>= 4;
	}
	if (value >> 2) {
		bit += 2;
		value >>= 2;
	}
	return bit + (value >> 1);
}

static __always_inline void count_octave(__u64 *slots, __u64 value)
{
	__sync_fetch_and_add(&slots[bounded(octave(value), STAT_OCTAVES)], 1);
}

SEC("tp_btf/cint_fire")
int BPF_PROG(on_fire, int ctrl, __u16 qid, __u16 group, int reason, __u32 nr, __u64 hold_ns)
{
	struct group_key key = { .ctrl = ctrl, .qid = qid, .group = group };
	struct group_counts *c;

	if (!wanted(ctrl))
		return 0;
	c = find(&groups, &key, &no_group);
	if (!c)
		return 0;
	__sync_fetch_and_add(&c->completions, nr);
	__sync_fetch_and_add(&c->fires[bounded(reason, STAT_REASONS)], 1);
	__sync_fetch_and_add(&c->hold_sum_ns, hold_ns);
	count_octave(c->batch, nr);
	count_octave(c->hold, hold_ns);
	return 0;
}

SEC("tp_btf/cint_urgent")
int BPF_PROG(on_urgent, int ctrl, __u16 qid, __u16 group, __u32 tag)
{
	struct group_key key = { .ctrl = ctrl, .qid = qid, .group = group };
	struct group_counts *c;

	if (!wanted(ctrl))
		return 0;
	c = find(&groups, &key, &no_group);
	if (c)
		__sync_fetch_and_add(&c->urgent, 1);
	return 0;
}

static __always_inline __u32 latency_slot(__u64 ns)
{
	__u32 bit = octave(ns);

	if (bit < LATENCY_LOW)
		return 0;
	if (bit >= LATENCY_HIGH)
		return LATENCY_SLOTS - 1;
	return (bit - LATENCY_LOW) << SUB_BITS |
		(ns >> (bit - SUB_BITS) & ((1 << SUB_BITS) - 1));
}

SEC("tp_btf/nvme_complete_rq")
int BPF_PROG(on_complete, struct request *req)
{
	struct latency_key latency = {};
	struct queue_key key = {};
	struct latency_counts *l;
	struct queue_counts *q;
	__u64 start, ns;

	request_place(req, &key.ctrl, &key.qid);
	if (!key.qid || !wanted(key.ctrl))
		return 0;
	q = find(&queues, &key, &no_queue);
	if (q)
		__sync_fetch_and_add(&q->requests, 1);

	/* the block layer's own time of submission, unless iostats are off */
	start = req->start_time_ns;
	ns = bpf_ktime_get_ns();
	if (!start || ns < start)
		return 0;
	ns -= start;
	latency.ctrl = key.ctrl;
	latency.qid = key.qid;
	latency.urgent = request_marked(req, false);
	l = find(&latencies, &latency, &no_latency);
	if (!l)
		return 0;
	__sync_fetch_and_add(&l->count, 1);
	__sync_fetch_and_add(&l->sum_ns, ns);
	__sync_fetch_and_add(&l->slots[bounded(latency_slot(ns), LATENCY_SLOTS)], 1);
	return 0;
}

/* A number at text[*at]; false if there is none. */
static __always_inline bool number(const char *text, int *at, __u32 *value)
{
	bool found = false;

	*value = 0;
	for (int i = 0; i < 5; i++) {
		char c;

		if (*at > 14)
			break;
		c = text[*at & 15];
		if (c < '0' || c > '9')
			break;
		*value = *value * 10 + (c - '0');
		found = true;
		(*at)++;
	}
	return found;
}

/* The driver names its interrupts "nvme0q1". */
SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_interrupt, int irq, struct irqaction *action)
{
	struct queue_key key = {};
	struct queue_counts *q;
	char name[16] = {};
	int at = 4;

	bpf_probe_read_kernel_str(name, sizeof(name), action->name);
	if (name[0] != 'n' || name[1] != 'v' || name[2] != 'm' || name[3] != 'e')
		return 0;
	if (!number(name, &at, &key.ctrl) || name[at & 15] != 'q')
		return 0;
	at++;
	if (!number(name, &at, &key.qid) || !key.qid || !wanted(key.ctrl))
		return 0;
	q = find(&queues, &key, &no_queue);
	if (q)
		__sync_fetch_and_add(&q->interrupts, 1);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Of the kernel's types what the programs read; where that is in the running
 * kernel's, libbpf finds out when it loads them (CO-RE). So nothing here depends on
 * the kernel of the machine that compiles.
 */
#ifndef CINT_BPF_KERNEL_TYPES_H
#define CINT_BPF_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct irqaction {
	const char *name;
};

struct task_struct {
	int pid;
	int on_cpu;
};

struct blk_mq_hw_ctx {
	unsigned int queue_num;
};

struct request_queue {
	void *queuedata;
};

struct request {
	struct request_queue *q;
	struct blk_mq_hw_ctx *mq_hctx;
	unsigned int cmd_flags;
	int tag;
	unsigned int __data_len;
	__u64 start_time_ns;
};

struct nvme_ctrl {
	int instance;
};

struct nvme_request {
	struct nvme_ctrl *ctrl;
};

#pragma clang attribute pop

/* Only the patched kernel has the last two; their numbers are looked up there. */
enum req_flag_bits {
	__REQ_URGENT = 29,
	__REQ_BARRIER = 30,
};

#define REQUEST_OP_BITS	8

/* An index below a power of two; the compiler must not see that it is one already. */
static __always_inline __u32 bounded(__u32 index, const __u32 size)
{
	asm volatile("%0 &= %1" : "+r"(index) : "i"(size - 1));
	return index;
}

/*
 * Queue and controller of a request; the queue is 0 for admin commands. The argument of a
 * tracepoint is read as it is, which costs a load; what is reached by computing an address,
 * by a helper.
 */
static __always_inline void request_place(struct request *req, __u32 *ctrl, __u32 *qid)
{
	/* the driver's part of a request comes right after the block layer's */
	struct nvme_request *nvme = (void *)req + bpf_core_type_size(struct request);

	*ctrl = BPF_CORE_READ(nvme, ctrl, instance);
	*qid = req->q->queuedata ? req->mq_hctx->queue_num + 1 : 0;
}

static __always_inline bool request_marked(struct request *req, bool barrier)
{
	__u32 flags = req->cmd_flags;

	if (barrier)
		return bpf_core_enum_value_exists(enum req_flag_bits, __REQ_BARRIER) &&
			flags >> bpf_core_enum_value(enum req_flag_bits, __REQ_BARRIER) & 1;
	return bpf_core_enum_value_exists(enum req_flag_bits, __REQ_URGENT) &&
		flags >> bpf_core_enum_value(enum req_flag_bits, __REQ_URGENT) & 1;
}

#endif /* CINT_BPF_KERNEL_TYPES_H */

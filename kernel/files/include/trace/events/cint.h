/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cint

#if !defined(_TRACE_CINT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_CINT_H

#include <linux/cint_policy.h>
#include <linux/tracepoint.h>

struct request;

TRACE_DEFINE_ENUM(CINT_FIRE_EACH);
TRACE_DEFINE_ENUM(CINT_FIRE_URGENT);
TRACE_DEFINE_ENUM(CINT_FIRE_BARRIER);
TRACE_DEFINE_ENUM(CINT_FIRE_THRESHOLD);
TRACE_DEFINE_ENUM(CINT_FIRE_QUIET);
TRACE_DEFINE_ENUM(CINT_FIRE_MAX_HOLD);
TRACE_DEFINE_ENUM(CINT_FIRE_RATE);
TRACE_DEFINE_ENUM(CINT_FIRE_FLUSH);
TRACE_DEFINE_ENUM(CINT_FIRE_LOOK);

#define show_cint_reason(reason)			\
	__print_symbolic(reason,			\
		{ CINT_FIRE_EACH,	"each" },	\
		{ CINT_FIRE_URGENT,	"urgent" },	\
		{ CINT_FIRE_BARRIER,	"barrier" },	\
		{ CINT_FIRE_THRESHOLD,	"threshold" },	\
		{ CINT_FIRE_QUIET,	"quiet" },	\
		{ CINT_FIRE_MAX_HOLD,	"max_hold" },	\
		{ CINT_FIRE_RATE,	"rate" },	\
		{ CINT_FIRE_FLUSH,	"flush" },	\
		{ CINT_FIRE_LOOK,	"look" })

/* A completion is held back; it is the held-th of its queue. */
TRACE_EVENT(cint_hold,
	TP_PROTO(struct request *req, int ctrl, u16 qid, u16 group, u32 held,
		 u64 deadline_ns),
	TP_ARGS(req, ctrl, qid, group, held, deadline_ns),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(u16, qid)
		__field(u16, group)
		__field(u32, held)
		__field(u64, deadline_ns)
	),
	TP_fast_assign(
		__entry->ctrl = ctrl;
		__entry->qid = qid;
		__entry->group = group;
		__entry->held = held;
		__entry->deadline_ns = deadline_ns;
	),
	TP_printk("nvme%d: qid=%u group=%u held=%u deadline_ns=%llu",
		  __entry->ctrl, __entry->qid, __entry->group, __entry->held,
		  __entry->deadline_ns)
);

/* nr completions are delivered, the oldest after it was held for hold_ns. */
TRACE_EVENT(cint_fire,
	TP_PROTO(int ctrl, u16 qid, u16 group, int reason, u32 nr, u64 hold_ns),
	TP_ARGS(ctrl, qid, group, reason, nr, hold_ns),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(u16, qid)
		__field(u16, group)
		__field(int, reason)
		__field(u32, nr)
		__field(u64, hold_ns)
	),
	TP_fast_assign(
		__entry->ctrl = ctrl;
		__entry->qid = qid;
		__entry->group = group;
		__entry->reason = reason;
		__entry->nr = nr;
		__entry->hold_ns = hold_ns;
	),
	TP_printk("nvme%d: qid=%u group=%u reason=%s nr=%u hold_ns=%llu",
		  __entry->ctrl, __entry->qid, __entry->group,
		  show_cint_reason(__entry->reason), __entry->nr,
		  __entry->hold_ns)
);

/* An urgent completion overtakes what is held. */
TRACE_EVENT(cint_urgent,
	TP_PROTO(int ctrl, u16 qid, u16 group, u32 tag),
	TP_ARGS(ctrl, qid, group, tag),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(u16, qid)
		__field(u16, group)
		__field(u32, tag)
	),
	TP_fast_assign(
		__entry->ctrl = ctrl;
		__entry->qid = qid;
		__entry->group = group;
		__entry->tag = tag;
	),
	TP_printk("nvme%d: qid=%u group=%u tag=%u", __entry->ctrl,
		  __entry->qid, __entry->group, __entry->tag)
);

#endif /* _TRACE_CINT_H */

#include <trace/define_trace.h>

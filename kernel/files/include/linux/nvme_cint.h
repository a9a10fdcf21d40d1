/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later OR MIT */
/*
 * Calibrated interrupts in an NVMe controller: what driver and controller say
 * to each other.
 *
 * A controller that coalesces by urgency says so in the vendor specific area of
 * Identify Controller.  It takes its parameters by Set Features, returns them by
 * Get Features and keeps counters in a log page, all under vendor specific
 * identifiers.  All integers are little endian, all reserved fields zero.
 */
#ifndef _LINUX_NVME_CINT_H
#define _LINUX_NVME_CINT_H

#include <linux/types.h>

/*
 * Marks of an I/O command: bits 10 and 11 of command dword 0, which are bits of
 * the flags byte.  Reserved by the standard, so sent to no other controller.
 */
#define NVME_CINT_URGENT	0x04
#define NVME_CINT_BARRIER	0x08

#define NVME_CINT_VERSION	1

/* Identify Controller */
#define NVME_CINT_ID_OFFSET	3072
#define NVME_CINT_MAGIC		"CINT"

/* struct nvme_cint_id->flags */
#define NVME_CINT_ID_OOO	0x1	/* CINT_F_OOO can be set */

/**
 * struct nvme_cint_id - what the controller can do
 * @magic: NVME_CINT_MAGIC without a terminating zero
 * @version: NVME_CINT_VERSION; a higher one only adds to these structures
 * @size: of this structure in bytes
 * @flags: NVME_CINT_ID_*
 * @policies: bit mask, 1 << CINT_POLICY_*
 * @fid: the feature identifier of struct nvme_cint_feature
 * @lid: the log identifier of struct nvme_cint_log
 * @threshold_max: the largest threshold
 * @delay_max_ns: the largest delay
 * @correction_max: the largest correction factor, thousandths
 */
struct nvme_cint_id {
	__u8	magic[4];
	__le16	version;
	__le16	size;
	__le32	flags;
	__le16	policies;
	__u8	fid;
	__u8	lid;
	__le32	threshold_max;
	__le32	delay_max_ns;
	__le32	correction_max;
	__u8	reserved[36];
};

/* Get Features, Set Features */
#define NVME_CINT_FID		0xc1

/**
 * struct nvme_cint_feature - the parameters in force; data of Get and Set Features
 * @version: NVME_CINT_VERSION
 * @size: of this structure in bytes
 * @policy: CINT_POLICY_*
 * @flags: CINT_F_*
 * @threshold: completions that make a full batch
 * @delta_ns: base quiescent period; the timeout of CINT_POLICY_STATIC
 * @delta_min_ns: lower bound of the computed period
 * @max_hold_ns: bound on the age of the oldest completion held
 * @correction: correction factor, thousandths
 *
 * After a controller reset the policy is CINT_POLICY_NONE.  Setting delivers all
 * completions held.  A field out of its range, or a reserved one that is not
 * zero, fails the command with Invalid Field in Command and changes nothing;
 * dword 0 of the completion is then the byte offset of the field.
 */
struct nvme_cint_feature {
	__le16	version;
	__le16	size;
	__le32	policy;
	__le32	flags;
	__le32	threshold;
	__le32	delta_ns;
	__le32	delta_min_ns;
	__le32	max_hold_ns;
	__le32	correction;
	__u8	reserved[32];
};

/* Get Log Page */
#define NVME_CINT_LID		0xc1

/* A second table beside enum cint_reason: why interrupts were sent. */
enum nvme_cint_irq {
	NVME_CINT_IRQ_PLAIN,		/* not coalesced by Feature 08h */
	NVME_CINT_IRQ_THRESHOLD,	/* Feature 08h, aggregation threshold */
	NVME_CINT_IRQ_TIME,		/* Feature 08h, aggregation time */
	NVME_CINT_IRQ_FLUSH,		/* Feature 08h or 09h was changed */
	NVME_CINT_IRQ_NR
};

/**
 * struct nvme_cint_log - counters since power on; I/O queues only
 * @version: NVME_CINT_VERSION
 * @size: of this structure in bytes
 * @nr_reasons: entries of @fires in use, CINT_REASON_NR
 * @nr_irqs: entries of @irqs in use, NVME_CINT_IRQ_NR
 * @held: completions held now, not yet in a completion queue
 * @held_max: the most that were held at once in one queue
 * @submitted: commands fetched
 * @urgent: of these, marked urgent
 * @barrier: of these, marked as a barrier
 * @completed: commands whose completion was posted to a completion queue
 * @interrupts: interrupt messages sent
 * @fires: deliveries by enum cint_reason; CINT_HOLD counts completions held
 * @irqs: interrupt messages by enum nvme_cint_irq
 */
struct nvme_cint_log {
	__le16	version;
	__le16	size;
	__u8	nr_reasons;
	__u8	nr_irqs;
	__u8	reserved1[2];
	__le32	held;
	__le32	held_max;
	__le64	submitted;
	__le64	urgent;
	__le64	barrier;
	__le64	completed;
	__le64	interrupts;
	__u8	reserved2[8];
	__le64	fires[32];
	__le64	irqs[8];
	__u8	reserved3[128];
};

#endif /* _LINUX_NVME_CINT_H */

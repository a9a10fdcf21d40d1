// SPDX-License-Identifier: GPL-2.0
/*
 * A program that marks nothing, on a controller whose mode is off, sees no
 * change: the coalescer does nothing, the device's interrupts come as ever.
 * And with the coalescer on, it gets its data, all of it, once.
 */
#include <stdio.h>
#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "interrupts.h"
#include "ring.h"
#include "trace.h"

#define READS	200

FIXTURE(unmarked)
{
	struct device d;
	struct device_saved saved;
	char *buf;
	int fd;
};

FIXTURE_SETUP(unmarked)
{
	const char *why = device_find(&self->d);

	self->buf = NULL;
	if (why)
		SKIP(return, "%s", why);
	device_save(&self->d, &self->saved);
	ASSERT_EQ(run_on_cpu(0), 0);
	self->buf = buffer_alloc(64 * BLOCK);
	ASSERT_NE(self->buf, NULL);
	self->fd = open(self->d.ns, O_RDWR | O_DIRECT);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(unmarked)
{
	if (!self->buf)
		return;
	device_restore(&self->d, &self->saved);
	close(self->fd);
	free(self->buf);
}

TEST_F(unmarked, mode_off_coalesces_nothing)
{
	static const char *const events[] = {
		"cint:cint_hold", "cint:cint_fire", "cint:cint_urgent", NULL
	};
	long long irqs, completions, fires;
	struct trace trace;
	struct event *e;
	const char *why;
	int i;

	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	why = trace_open(&trace, events);
	irqs = interrupts_of(self->d.ctrl);
	completions = device_stat(&self->d, "completions");
	fires = device_stat(&self->d, "fires");
	for (i = 0; i < READS; i++)
		ASSERT_EQ(pread(self->fd, self->buf, BLOCK, i * BLOCK), BLOCK);
	/* one at a time: an interrupt each, give or take a spurious one */
	EXPECT_GE(interrupts_of(self->d.ctrl) - irqs, READS * 9 / 10);
	EXPECT_EQ(device_stat(&self->d, "completions"), completions);
	EXPECT_EQ(device_stat(&self->d, "fires"), fires);
	if (!why) {
		EXPECT_EQ(trace_read(&trace, self->d.ctrl, &e), 0);
		trace_close(&trace);
	}
}

/* The marks do not turn anything on by themselves. */
TEST_F(unmarked, mode_off_with_marks)
{
	long long irqs, completions;
	int i;

	ASSERT_EQ(device_set(&self->d, "mode", "off"), 0);
	irqs = interrupts_of(self->d.ctrl);
	completions = device_stat(&self->d, "completions");
	for (i = 0; i < READS; i++)
		ASSERT_EQ(cint_preadv2(self->fd, self->buf, BLOCK, i * BLOCK,
				       i % 2 ? RWF_URGENT : RWF_BARRIER), BLOCK);
	EXPECT_GE(interrupts_of(self->d.ctrl) - irqs, READS * 9 / 10);
	EXPECT_EQ(device_stat(&self->d, "completions"), completions);
}

/* In every mode and policy, what is written is what is read back. */
TEST_F_TIMEOUT(unmarked, data_is_the_same_in_every_policy, 120)
{
	static const char *const policies[] = {
		"none", "static", "adaptive", "cint", "cint-a", "cint-rate",
	};
	long long completions, irqs = 0;
	struct io_uring_cqe cqe;
	struct ring r;
	size_t p;
	int i, j, seen;

	/* blocks that are not adjacent: each is a request, and a completion */
	ASSERT_EQ(ring_open(&r, 64, 0), 0);
	ASSERT_EQ(device_set(&self->d, "max_hold_ns", "1000000"), 0);
	if (device_set(&self->d, "mode", "kthread"))
		SKIP(return, "mode kthread is refused on this controller");
	for (p = 0; p < ARRAY_SIZE(policies); p++) {
		ASSERT_EQ(device_set(&self->d, "policy", policies[p]), 0);
		completions = device_stat(&self->d, "completions");
		irqs = interrupts_of(self->d.ctrl);
		for (i = 0; i < 32; i++) {
			for (j = 0; j < BLOCK; j += sizeof(uint64_t))
				*(uint64_t *)(self->buf + i * BLOCK + j) =
					p * 1000003ULL + i * BLOCK + j;
			ring_sqe(&r, IORING_OP_WRITE, self->fd,
				 self->buf + i * BLOCK, BLOCK, i * 4 * BLOCK, i);
		}
		ASSERT_EQ(ring_submit(&r), 32);
		for (i = 0; i < 32; i++) {
			ASSERT_EQ(ring_wait(&r, &cqe), 0);
			EXPECT_EQ(cqe.res, BLOCK);
		}
		memset(self->buf, 0, 32 * BLOCK);
		for (i = 0; i < 32; i++)
			ring_sqe(&r, IORING_OP_READ, self->fd,
				 self->buf + i * BLOCK, BLOCK, i * 4 * BLOCK, i);
		ASSERT_EQ(ring_submit(&r), 32);
		for (i = 0, seen = 0; i < 32; i++) {
			ASSERT_EQ(ring_wait(&r, &cqe), 0);
			EXPECT_EQ(cqe.res, BLOCK);
			seen |= 1u << cqe.user_data;
		}
		EXPECT_EQ((unsigned int)seen, 0xffffffff);
		for (i = 0; i < 32 * BLOCK; i += sizeof(uint64_t))
			if (*(uint64_t *)(self->buf + i) != p * 1000003ULL + i)
				break;
		EXPECT_EQ(i, 32 * BLOCK)
			TH_LOG("%s: wrong data", policies[p]);
		EXPECT_FALSE(ring_peek(&r, &cqe));
		/* who looks counts when it is done */
		EXPECT_TRUE(device_settled(&self->d));
		EXPECT_EQ(device_stat(&self->d, "completions"),
			  completions + 64);
		/* with policy none each has its interrupt */
		if (p) {
			EXPECT_LE(interrupts_of(self->d.ctrl) - irqs, 8);
		}
	}
	ring_close(&r);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Ring parameters: set, read back, restored and removed; refused with a clear
 * error; and -EOPNOTSUPP, not -EINVAL, on a kernel without them.
 */
#include "helpers.h"

static void unsupported(struct io_uring *ring)
{
	struct io_uring_cint params, out, untouched;

	cint_params_init(&params);
	memset(&out, 0x5a, sizeof(out));
	untouched = out;
	CHECK_EQ(cint_register(ring, &params, &out), -EOPNOTSUPP);
	CHECK_EQ(cint_query(ring, &out), -EOPNOTSUPP);
	CHECK_EQ(cint_unregister(ring, &out), -EOPNOTSUPP);
	CHECK_EQ(cint_register(ring, &params, NULL), -EOPNOTSUPP);
	CHECK_EQ(cint_unregister(ring, NULL), -EOPNOTSUPP);
	CHECK(!memcmp(&out, &untouched, sizeof(out)));
}

static void same_setting(const struct io_uring_cint *a, const struct io_uring_cint *b)
{
	CHECK_EQ(a->policy, b->policy);
	CHECK_EQ(a->flags, b->flags);
	CHECK_EQ(a->threshold, b->threshold);
	CHECK_EQ(a->delta_ns, b->delta_ns);
	CHECK_EQ(a->delta_min_ns, b->delta_min_ns);
	CHECK_EQ(a->max_hold_ns, b->max_hold_ns);
	CHECK_EQ(a->correction, b->correction);
}

static void refuses(struct io_uring *ring, const struct io_uring_cint *bad)
{
	struct io_uring_cint before, after;
	char text[128];

	CHECK_EQ(cint_query(ring, &before), 0);
	CHECK_EQ(cint_register(ring, bad, NULL), -EINVAL);
	CHECK_EQ(cint_params_explain(bad, text, sizeof(text)), -EINVAL);
	CHECK_EQ(cint_query(ring, &after), 0);
	same_setting(&before, &after);
	CHECK_EQ(before.group, after.group);
}

static void supported(struct io_uring *ring)
{
	struct io_uring_cint first, second, bad, out;

	CHECK_EQ(cint_query(ring, &out), 0);
	CHECK_EQ(out.threshold, 0);
	CHECK_EQ(out.group, 0);
	CHECK(out.features & IORING_CINT_FEAT_RING_PARAMS);

	cint_params_init(&first);
	CHECK_EQ(cint_register(ring, &first, &out), 0);
	CHECK_EQ(out.threshold, 0);

	second = first;
	second.policy = CINT_POLICY_CINT;
	second.flags = 0;
	second.threshold = CINT_THRESHOLD_MAX;
	second.max_hold_ns = CINT_DELAY_MAX_NS;
	CHECK_EQ(cint_register(ring, &second, &out), 0);
	same_setting(&out, &first);
	CHECK_EQ(cint_query(ring, &out), 0);
	same_setting(&out, &second);
	CHECK(out.group);

	bad = second; bad.policy = CINT_POLICY_NR; refuses(ring, &bad);
	bad = second; bad.flags = 1U << 5; refuses(ring, &bad);
	bad = second; bad.threshold = 0; refuses(ring, &bad);
	bad = second; bad.threshold = CINT_THRESHOLD_MAX + 1; refuses(ring, &bad);
	bad = second; bad.delta_ns = CINT_DELAY_MAX_NS + 1; refuses(ring, &bad);
	bad = second; bad.delta_min_ns = CINT_DELAY_MAX_NS + 1; refuses(ring, &bad);
	bad = second; bad.max_hold_ns = CINT_DELAY_MAX_NS + 1; refuses(ring, &bad);
	bad = second; bad.correction = CINT_CORRECTION_MAX + 1; refuses(ring, &bad);

	/* the longer structure says the same, or that there is none */
	{
		struct io_uring_cint_ring more = { 0 };
		int ret = cint_query_ring(ring, &more);

		CHECK_EQ(cint_query(ring, &out), 0);
		if (out.features & IORING_CINT_FEAT_GATHER) {
			CHECK_EQ(ret, 0);
			CHECK_EQ(more.cint.size, sizeof(more));
			same_setting(&more.cint, &second);
			CHECK_EQ(more.cint.group, out.group);
		} else {
			CHECK_EQ(ret, -EOPNOTSUPP);
			CHECK_EQ(more.cint.size, 0);
		}
	}

	/* a setting that was read, counters and all, can be put back */
	CHECK_EQ(cint_register(ring, &first, &out), 0);
	CHECK_EQ(cint_register(ring, &out, NULL), 0);
	CHECK_EQ(cint_unregister(ring, &out), 0);
	same_setting(&out, &second);
	CHECK_EQ(cint_query(ring, &out), 0);
	CHECK_EQ(out.threshold, 0);
	CHECK_EQ(out.group, 0);
}

static void ring_params(struct io_uring *ring)
{
	struct cint_probe probe;

	CHECK_EQ(cint_probe(&probe), 0);
	if (probe.features & 1U << CINT_FEATURE_RING_PARAMS)
		supported(ring);
	else
		unsupported(ring);
}

static void forced(void)
{
	struct io_uring ring;

	setenv("LIBURING_CINT_FORCE_STOCK", "1", 1);
	test_ring(&ring, 4);
	unsupported(&ring);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	struct io_uring_cint params;
	struct io_uring ring;
	int fd;

	test_in_child(forced);
	test_ring(&ring, 4);
	ring_params(&ring);

	/* to ask for reading where one sets is a mistake, and not a success */
	cint_params_init(&params);
	params.flags |= IORING_CINT_QUERY;
	CHECK_EQ(cint_register(&ring, &params, NULL), -EINVAL);

	/* an application may have closed the descriptor of a registered ring */
	fd = ring.ring_fd;
	if (io_uring_register_ring_fd(&ring) == 1) {
		struct io_uring closed = ring;

		closed.ring_fd = -1;
		CHECK(cint_query(&closed, &params) != -EBADF);
		ring_params(&closed);
	}

	ring.ring_fd = STDIN_FILENO;
	CHECK(cint_query(&ring, &params) < 0);
	CHECK(cint_query(&ring, &params) != -EINVAL);
	ring.ring_fd = fd;
	io_uring_queue_exit(&ring);
	return 0;
}

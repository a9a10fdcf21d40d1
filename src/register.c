// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Setting and reading the coalescing parameters of a ring. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ring.h"

/* The ring's descriptor may only be known by its registered index. */
#define CINT_USE_REGISTERED_RING	(1U << 31)

bool cint_forced_stock(void)
{
	const char *value = secure_getenv("LIBURING_CINT_FORCE_STOCK");

	return value && *value && strcmp(value, "0");
}

/*
 * What the kernel said as the ring was set up.  io_uring_queue_mmap() of older liburings
 * does not keep it; then it is what the kernel says of another.
 */
unsigned int cint_ring_features(const struct io_uring *ring)
{
	static unsigned int kept;
	unsigned int features = ring->features ?: __atomic_load_n(&kept, __ATOMIC_RELAXED);
	struct io_uring_params p = { 0 };
	int fd;

	if (features)
		return features;
	fd = io_uring_setup(1, &p);
	if (fd >= 0)
		close(fd);
	__atomic_store_n(&kept, p.features, __ATOMIC_RELAXED);
	return p.features;
}

#define CINT_ARG(...) (struct io_uring_cint) {						\
	.size = sizeof(struct io_uring_cint), .version = IORING_CINT_VERSION, __VA_ARGS__ }

/* One call; what the kernel filled goes to out, unless NULL, if that succeeded. */
static int cint_register_op(struct io_uring *ring, unsigned int opcode, void *arg, size_t size,
			    void *out)
{
	int fd = ring->ring_fd;
	int ret;

	/* elsewhere the opcode may have another meaning, so it is not tried */
	if (cint_forced_stock() || !(cint_ring_features(ring) & CINT_RING_FEATURE))
		return -EOPNOTSUPP;

	/* io_uring_close_ring_fd() leaves ring_fd at -1 */
	if (fd < 0) {
		fd = ring->enter_ring_fd;
		opcode |= CINT_USE_REGISTERED_RING;
	}
	ret = io_uring_register((unsigned int)fd, opcode, arg, 1);
	if (ret < 0)
		return ret;
	if (out)
		memcpy(out, arg, size);
	return 0;
}

int cint_register(struct io_uring *ring, const struct io_uring_cint *params,
		  struct io_uring_cint *prev)
{
	/* what the kernel fills stays zero, so a setting read can be set */
	struct io_uring_cint arg = CINT_ARG(
		.policy		= params->policy,
		.flags		= params->flags,
		.threshold	= params->threshold,
		.delta_ns	= params->delta_ns,
		.delta_min_ns	= params->delta_min_ns,
		.max_hold_ns	= params->max_hold_ns,
		.correction	= params->correction,
	);

	/* cint_query() is how to read; here it would look like success */
	if (params->flags & IORING_CINT_QUERY)
		return -EINVAL;
	return cint_register_op(ring, CINT_REGISTER_OPCODE, &arg, sizeof(arg), prev);
}

int cint_query(struct io_uring *ring, struct io_uring_cint *out)
{
	struct io_uring_cint arg = CINT_ARG(.flags = IORING_CINT_QUERY);

	return cint_register_op(ring, CINT_REGISTER_OPCODE, &arg, sizeof(arg), out);
}

int cint_query_ring(struct io_uring *ring, struct io_uring_cint_ring *out)
{
	struct io_uring_cint_ring arg = { 0 };
	int ret;

	ret = cint_query(ring, &arg.cint);
	if (ret)
		return ret;
	/* others know the shorter structure only, and would call this one invalid */
	if (!(arg.cint.features & IORING_CINT_FEAT_GATHER))
		return -EOPNOTSUPP;
	arg.cint = CINT_ARG(.flags = IORING_CINT_QUERY);
	arg.cint.size = sizeof(arg);
	arg.cint.version = IORING_CINT_VERSION_RING;
	return cint_register_op(ring, CINT_REGISTER_OPCODE, &arg, sizeof(arg), out);
}

int cint_unregister(struct io_uring *ring, struct io_uring_cint *prev)
{
	struct io_uring_cint arg = CINT_ARG();

	return cint_register_op(ring, CINT_UNREGISTER_OPCODE, &arg, sizeof(arg), prev);
}

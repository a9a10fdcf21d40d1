// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the running kernel supports, found out by asking it, and by using what it says.
 *
 * A bit that this kernel accepts could have another meaning in some other
 * kernel, so a mark is tried only when the query of the ring parameters
 * confirms it.  Where io_uring itself is not available (a container's
 * seccomp filter, kernel.io_uring_disabled) there is nobody to confirm, and the
 * answer of preadv2() stands alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "ring.h"

_Static_assert(sizeof(struct cint_probe) == 64, "part of the ABI");
_Static_assert(sizeof(struct io_uring_cint) == 64, "part of the ABI");

/*
 * A probe that fails for want of memory or descriptors is tried again by the
 * next mark, but not for ever: each try costs system calls.
 */
#define CINT_PROBE_TRIES	16

/* cint_marks() and the features << CINT_KNOWN_FEATURE_SHIFT, 0: not known yet */
static unsigned int cint_known;
static unsigned int cint_failures;
static __u32 cint_kernel_features;	/* IORING_CINT_FEAT_*, as last asked */

#define CINT_KNOWN_FEATURE_SHIFT	16
#define CINT_KNOWN_NO_RING_PARAMS	(1U << 31)

_Static_assert(CINT_KNOWN_FEATURE_SHIFT + CINT_FEATURE_NR <= 31, "bits overlap");

static const char *const cint_feature_names[CINT_FEATURE_NR] = {
	[CINT_FEATURE_SQE_URGENT]	= "IOSQE_URGENT",
	[CINT_FEATURE_RWF_URGENT]	= "RWF_URGENT",
	[CINT_FEATURE_RWF_BARRIER]	= "RWF_BARRIER",
	[CINT_FEATURE_RING_PARAMS]	= "ring parameters",
	[CINT_FEATURE_DEVICE]		= "coalescing driver",
};

const char *cint_feature_name(enum cint_feature feature)
{
	return (unsigned int)feature < CINT_FEATURE_NR ?
		cint_feature_names[feature] : NULL;
}

bool cint_forced_stock(void)
{
	const char *value = secure_getenv("LIBURING_CINT_FORCE_STOCK");

	return value && *value && strcmp(value, "0");
}

/* Errors that say nothing about the kernel and may be gone in a moment. */
static bool cint_transient(int error)
{
	switch (error) {
	case -EAGAIN:
	case -EINTR:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return true;
	default:
		return false;
	}
}

static int cint_probe_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	io_uring_prep_nop(sqe);
	sqe->flags = IOSQE_URGENT;
	/* a kernel that refuses the SQE still completes it, with the error */
	do {
		ret = io_uring_submit_and_wait(ring, 1);
	} while (ret == -EINTR || ret == -EAGAIN);
	if (ret < 0)
		return ret;
	ret = io_uring_peek_cqe(ring, &cqe);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret == -EINVAL ? -EOPNOTSUPP : ret;
}

static int cint_probe_rwf(int fd, int flag)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };

	return preadv2(fd, &iov, 1, 0, flag) < 0 ? -errno : 0;
}

static void cint_set(struct cint_probe *probe, enum cint_feature feature,
		     int error, bool confirmed)
{
	if (!error && !confirmed)
		error = -EOPNOTSUPP;
	probe->error[feature] = error;
	if (!error)
		probe->features |= 1U << feature;
}

/* Does the kernel take the flag?  Only asked when it says that it has it. */
static int cint_try_sqe(void)
{
	struct io_uring ring;
	int ret;

	ret = io_uring_queue_init(2, &ring, 0);
	if (ret < 0)
		return ret;
	ret = cint_probe_sqe(&ring);
	io_uring_queue_exit(&ring);
	return ret;
}

/* A ring for the query alone need not be mapped, which takes most of the time. */
static int cint_probe_ring(struct cint_probe *probe, __u32 *confirmed)
{
	struct io_uring_cint query = {
		.size		= sizeof(query),
		.version	= IORING_CINT_VERSION,
		.flags		= IORING_CINT_QUERY,
	};
	struct io_uring_params p = { 0 };
	int fd, ret;

	fd = io_uring_setup(1, &p);
	if (fd < 0) {
		if (cint_transient(fd))
			return fd;
		*confirmed = ~0U;
		probe->error[CINT_FEATURE_SQE_URGENT] = fd;
		probe->error[CINT_FEATURE_RING_PARAMS] = fd;
		probe->error[CINT_FEATURE_DEVICE] = fd;
		return 0;
	}
	ret = io_uring_register((unsigned int)fd, CINT_REGISTER_OPCODE, &query, 1);
	close(fd);
	if (cint_transient(ret))
		return ret;
	*confirmed = ret < 0 ? 0 : query.features;
	__atomic_store_n(&cint_kernel_features, *confirmed, __ATOMIC_RELAXED);
	/* a kernel without the opcode calls it invalid */
	if (ret == -EINVAL)
		ret = -EOPNOTSUPP;
	cint_set(probe, CINT_FEATURE_RING_PARAMS, ret < 0 ? ret : 0,
		 *confirmed & IORING_CINT_FEAT_RING_PARAMS);
	cint_set(probe, CINT_FEATURE_DEVICE, ret < 0 ? ret : 0,
		 *confirmed & IORING_CINT_FEAT_DEVICE);
	ret = *confirmed & IORING_CINT_FEAT_URGENT ? cint_try_sqe() : -EOPNOTSUPP;
	if (cint_transient(ret))
		return ret;
	cint_set(probe, CINT_FEATURE_SQE_URGENT, ret, true);
	return 0;
}

static int cint_ask(struct cint_probe *probe)
{
	__u32 confirmed = 0;
	int ret, fd;

	ret = cint_probe_ring(probe, &confirmed);
	if (ret < 0)
		return ret;
	if (!(confirmed & (IORING_CINT_FEAT_URGENT | IORING_CINT_FEAT_BARRIER))) {
		probe->error[CINT_FEATURE_RWF_URGENT] = -EOPNOTSUPP;
		probe->error[CINT_FEATURE_RWF_BARRIER] = -EOPNOTSUPP;
		return 0;
	}
	fd = memfd_create("cint-probe", MFD_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		if (cint_transient(ret))
			return ret;
		probe->error[CINT_FEATURE_RWF_URGENT] = ret;
		probe->error[CINT_FEATURE_RWF_BARRIER] = ret;
		return 0;
	}
	cint_set(probe, CINT_FEATURE_RWF_URGENT, cint_probe_rwf(fd, RWF_URGENT),
		 confirmed & IORING_CINT_FEAT_URGENT);
	cint_set(probe, CINT_FEATURE_RWF_BARRIER, cint_probe_rwf(fd, RWF_BARRIER),
		 confirmed & IORING_CINT_FEAT_BARRIER);
	close(fd);
	return 0;
}

int cint_probe(struct cint_probe *probe)
{
	int feature;

	memset(probe, 0, sizeof(*probe));
	if (!cint_forced_stock())
		return cint_ask(probe);

	probe->flags = CINT_PROBE_FORCED;
	for (feature = 0; feature < CINT_FEATURE_NR; feature++)
		probe->error[feature] = -EOPNOTSUPP;
	return 0;
}

static const char *cint_refusal(enum cint_feature feature)
{
	switch (feature) {
	case CINT_FEATURE_SQE_URGENT:
		return "it does not say that SQE flag 0x80 means urgent, or refuses it";
	case CINT_FEATURE_RWF_URGENT:
		return "it does not say that flag 0x4000 of preadv2() means urgent, or "
		       "refuses it";
	case CINT_FEATURE_RWF_BARRIER:
		return "it does not say that flag 0x8000 of preadv2() means a barrier, or "
		       "refuses it";
	case CINT_FEATURE_RING_PARAMS:
		return "io_uring_register() does not know opcode 60";
	case CINT_FEATURE_DEVICE:
		return "no driver coalesces completions at present";
	default:
		return "unknown feature";
	}
}

int cint_probe_explain(const struct cint_probe *probe, enum cint_feature feature,
		       char *buf, size_t len)
{
	const char *name = cint_feature_name(feature);
	int error;

	if (!name)
		return -EINVAL;
	error = probe->error[feature];
	if (!error)
		return snprintf(buf, len, "%s: supported", name);
	if (probe->flags & CINT_PROBE_FORCED)
		return snprintf(buf, len, "%s: not used, because the environment "
				"variable LIBURING_CINT_FORCE_STOCK is set", name);
	if (error == -EOPNOTSUPP)
		return snprintf(buf, len, "%s: not supported by this kernel: %s",
				name, cint_refusal(feature));
	return snprintf(buf, len, "%s: this process may not ask the kernel: %s",
			name, cint_strerror(error));
}

/*
 * Threads that come here at once each ask the kernel and store the same answer.
 */
static unsigned int cint_get_known(void)
{
	unsigned int known = __atomic_load_n(&cint_known, __ATOMIC_RELAXED);
	struct cint_probe probe;

	if (known)
		return known;

	if (cint_probe(&probe) < 0) {
		if (__atomic_add_fetch(&cint_failures, 1, __ATOMIC_RELAXED) <
		    CINT_PROBE_TRIES)
			return 0;
		memset(&probe, 0, sizeof(probe));
	}

	known = CINT_MARKS_KNOWN_ | probe.features << CINT_KNOWN_FEATURE_SHIFT;
	if (probe.features & 1U << CINT_FEATURE_SQE_URGENT)
		known |= IOSQE_URGENT;
	if (probe.features & 1U << CINT_FEATURE_RWF_URGENT)
		known |= RWF_URGENT;
	if (probe.features & 1U << CINT_FEATURE_RWF_BARRIER)
		known |= RWF_BARRIER;
	if (probe.error[CINT_FEATURE_RING_PARAMS] == -EOPNOTSUPP)
		known |= CINT_KNOWN_NO_RING_PARAMS;
	__atomic_store_n(&cint_known, known, __ATOMIC_RELAXED);
	return known;
}

unsigned int cint_marks_known_(void)
{
	return cint_get_known() & ((1U << CINT_KNOWN_FEATURE_SHIFT) - 1);
}

unsigned int cint_marks(void)
{
	return cint_marks_known_() & ~CINT_MARKS_KNOWN_;
}

/*
 * False only if the kernel was asked and refused: a process that may not create
 * a ring, and so cannot ask, may still have one.
 */
bool cint_has_ring_params(void)
{
	return !(cint_get_known() & CINT_KNOWN_NO_RING_PARAMS);
}

/* Newer than the first version of the interface. */
#ifndef IORING_CINT_FEAT_GATHER
#define IORING_CINT_FEAT_GATHER	(1U << 4)
#endif

/*
 * True if an urgent completion ends a wait by itself, and the ring's parameters
 * gather the others.
 */
bool cint_kernel_gathers(void)
{
	return cint_marks() & IOSQE_URGENT &&
	       __atomic_load_n(&cint_kernel_features, __ATOMIC_RELAXED) &
	       IORING_CINT_FEAT_GATHER;
}

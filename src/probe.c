// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the running kernel supports: what it says of a ring, IORING_FEAT_CINT and the
 * features of IORING_REGISTER_CINT.
 *
 * Where io_uring itself is not available (a container's seccomp filter,
 * kernel.io_uring_disabled) there is nobody to say so, and the answer of preadv2()
 * stands alone.  It is asked elsewhere, too, for filters look at its flags.
 */
#include <errno.h>
#include <stdio.h>
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

/* Does preadv2() take the flags that nobody denied?  A file without a byte will do. */
static int cint_try_rwf(struct cint_probe *probe)
{
	static const int flags[CINT_FEATURE_NR] = {
		[CINT_FEATURE_RWF_URGENT]	= RWF_URGENT,
		[CINT_FEATURE_RWF_BARRIER]	= RWF_BARRIER,
	};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	int fd = -1, f;

	for (f = CINT_FEATURE_RWF_URGENT; f <= CINT_FEATURE_RWF_BARRIER; f++) {
		if (probe->error[f] == -EOPNOTSUPP)
			continue;
		if (fd < 0)
			fd = memfd_create("cint-probe", MFD_CLOEXEC);
		probe->error[f] = fd < 0 || preadv2(fd, &iov, 1, 0, flags[f]) < 0 ? -errno : 0;
		if (fd < 0 && cint_transient(probe->error[f]))
			return probe->error[f];
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

/* A ring for the query alone need not be mapped, which takes most of the time. */
static int cint_ask(struct cint_probe *probe)
{
	static const __u32 needs[CINT_FEATURE_NR] = {
		[CINT_FEATURE_SQE_URGENT]	= IORING_CINT_FEAT_URGENT,
		[CINT_FEATURE_RWF_URGENT]	= IORING_CINT_FEAT_URGENT,
		[CINT_FEATURE_RWF_BARRIER]	= IORING_CINT_FEAT_BARRIER,
		[CINT_FEATURE_RING_PARAMS]	= IORING_CINT_FEAT_RING_PARAMS,
		[CINT_FEATURE_DEVICE]		= IORING_CINT_FEAT_DEVICE,
	};
	struct io_uring_cint query = { 0 };
	struct io_uring_params p = { 0 };
	int fd = io_uring_setup(1, &p), ret = fd, f;

	if (fd >= 0) {
		struct io_uring ring = { .ring_fd = fd, .features = p.features };

		ret = cint_query(&ring, &query);
		close(fd);
		/* the bit, and the opcode, are another's */
		if (ret == -EINVAL)
			ret = -EOPNOTSUPP;
	}
	if (cint_transient(ret))
		return ret;
	for (f = 0; f < CINT_FEATURE_NR; f++)
		probe->error[f] = ret < 0 ? ret : query.features & needs[f] ? 0 : -EOPNOTSUPP;
	ret = cint_try_rwf(probe);
	for (f = 0; f < CINT_FEATURE_NR; f++)
		probe->features |= (unsigned int)!probe->error[f] << f;
	return ret;
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
		return "it does not say that SQE flag 0x80 means urgent";
	case CINT_FEATURE_RWF_URGENT:
		return "it does not say that flag 0x4000 of preadv2() means urgent, or "
		       "refuses it";
	case CINT_FEATURE_RWF_BARRIER:
		return "it does not say that flag 0x8000 of preadv2() means a barrier, or "
		       "refuses it";
	case CINT_FEATURE_RING_PARAMS:
		return "a ring does not have IORING_FEAT_CINT, bit 30 of its features";
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

/* Threads that come here at once each ask the kernel and store the same answer. */
unsigned int cint_marks_known_(void)
{
	static const unsigned int marks[] = {
		[CINT_FEATURE_SQE_URGENT]	= IOSQE_URGENT,
		[CINT_FEATURE_RWF_URGENT]	= RWF_URGENT,
		[CINT_FEATURE_RWF_BARRIER]	= RWF_BARRIER,
	};
	static unsigned int kept, failures;
	unsigned int known = __atomic_load_n(&kept, __ATOMIC_RELAXED), f;
	struct cint_probe probe;

	if (known)
		return known;
	if (cint_probe(&probe) < 0) {
		if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) < CINT_PROBE_TRIES)
			return 0;
		memset(&probe, 0, sizeof(probe));
	}
	known = CINT_MARKS_KNOWN_;
	for (f = 0; f < sizeof(marks) / sizeof(marks[0]); f++)
		known |= probe.features >> f & 1 ? marks[f] : 0;
	__atomic_store_n(&kept, known, __ATOMIC_RELAXED);
	return known;
}

unsigned int cint_marks(void)
{
	return cint_marks_known_() & ~CINT_MARKS_KNOWN_;
}

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

static const struct {
	const char	*name;
	__u32		needs;		/* IORING_CINT_FEAT_ */
	unsigned int	mark;		/* of cint_marks() */
	const char	*refusal;
} cint_features[CINT_FEATURE_NR] = {
	[CINT_FEATURE_SQE_URGENT] = {
		"IOSQE_URGENT", IORING_CINT_FEAT_URGENT, IOSQE_URGENT,
		"it does not say that SQE flag 0x80 means urgent" },
	[CINT_FEATURE_RWF_URGENT] = {
		"RWF_URGENT", IORING_CINT_FEAT_URGENT, RWF_URGENT,
		"it does not say that flag 0x4000 of preadv2() means urgent, or refuses it" },
	[CINT_FEATURE_RWF_BARRIER] = {
		"RWF_BARRIER", IORING_CINT_FEAT_BARRIER, RWF_BARRIER,
		"it does not say that flag 0x8000 of preadv2() means a barrier, or refuses it" },
	[CINT_FEATURE_RING_PARAMS] = {
		"ring parameters", IORING_CINT_FEAT_RING_PARAMS, 0,
		"a ring does not have IORING_FEAT_CINT, bit 30 of its features" },
	[CINT_FEATURE_DEVICE] = {
		"coalescing driver", IORING_CINT_FEAT_DEVICE, 0,
		"no driver coalesces completions at present" },
};

const char *cint_feature_name(enum cint_feature feature)
{
	return (unsigned int)feature < CINT_FEATURE_NR ? cint_features[feature].name : NULL;
}

/* Errors that say nothing about the kernel and may be gone in a moment. */
static bool cint_transient(int error)
{
	return error == -EAGAIN || error == -EINTR || error == -EMFILE || error == -ENFILE ||
	       error == -ENOMEM;
}

/* Does preadv2() take the flags that nobody denied?  A file without a byte will do. */
static int cint_try_rwf(struct cint_probe *probe)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	int fd = -1, ret = 0, f;

	for (f = CINT_FEATURE_RWF_URGENT; f <= CINT_FEATURE_RWF_BARRIER; f++) {
		if (probe->error[f] == -EOPNOTSUPP)
			continue;
		if (fd < 0)
			fd = memfd_create("cint-probe", MFD_CLOEXEC);
		if (fd < 0)
			ret = probe->error[f] = -errno;
		else
			probe->error[f] = preadv2(fd, &iov, 1, 0, (int)cint_features[f].mark) < 0 ?
				-errno : 0;
	}
	if (fd >= 0)
		close(fd);
	return cint_transient(ret) ? ret : 0;
}

/* A ring for the query alone need not be mapped, which takes most of the time. */
static int cint_ask(__u32 *features)
{
	struct io_uring_params p = { 0 };
	struct io_uring ring = { .ring_fd = io_uring_setup(1, &p) };
	struct io_uring_cint query = { 0 };
	int ret;

	if (ring.ring_fd < 0)
		return ring.ring_fd;
	ring.features = p.features;
	ret = cint_query(&ring, &query);
	close(ring.ring_fd);
	*features = query.features;
	/* the bit, and the opcode, are another's */
	return ret == -EINVAL ? -EOPNOTSUPP : ret;
}

int cint_probe(struct cint_probe *probe)
{
	int ret = -EOPNOTSUPP, f;
	__u32 features = 0;

	memset(probe, 0, sizeof(*probe));
	if (cint_forced_stock())
		probe->flags = CINT_PROBE_FORCED;
	else
		ret = cint_ask(&features);
	if (cint_transient(ret))
		return ret;
	for (f = 0; f < CINT_FEATURE_NR; f++)
		probe->error[f] = ret < 0 ? ret : features & cint_features[f].needs ? 0 : -EOPNOTSUPP;
	ret = cint_try_rwf(probe);
	for (f = 0; f < CINT_FEATURE_NR; f++)
		probe->features |= (unsigned int)!probe->error[f] << f;
	return ret;
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
				name, cint_features[feature].refusal);
	return snprintf(buf, len, "%s: this process may not ask the kernel: %s",
			name, cint_strerror(error));
}

/* Threads that come here at once each ask the kernel and store the same answer. */
unsigned int cint_marks_known_(void)
{
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
	for (f = 0; f < CINT_FEATURE_NR; f++)
		known |= probe.features >> f & 1 ? cint_features[f].mark : 0;
	__atomic_store_n(&kept, known, __ATOMIC_RELAXED);
	return known;
}

unsigned int cint_marks(void)
{
	return cint_marks_known_() & ~CINT_MARKS_KNOWN_;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * liburing-cint: tell the kernel which I/O completions are worth an
 * interruption.
 *
 * A request may be marked urgent (deliver its completion without coalescing
 * delay) or as a barrier (deliver once it and all requests submitted before it
 * have completed); all other completions may be gathered into batches, as the
 * parameters of the ring say.  On a kernel that does not take the marks they
 * are accepted and dropped, so one binary runs everywhere.
 *
 * Functions return 0 or a positive result on success and -errno on failure.
 * All of them may be called from several threads at once, except on the same
 * ring or SQE.  See cint(7).
 */
#ifndef LIBURING_CINT_H
#define LIBURING_CINT_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <liburing.h>
#include <liburing-cint/cint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBURING_CINT_VERSION_MAJOR	0
#define LIBURING_CINT_VERSION_MINOR	1

/* True when these headers are version major.minor or later. */
#define LIBURING_CINT_CHECK_VERSION(major, minor)			\
	(LIBURING_CINT_VERSION_MAJOR > (major) ||			\
	 (LIBURING_CINT_VERSION_MAJOR == (major) &&			\
	  LIBURING_CINT_VERSION_MINOR >= (minor)))

/* For kernel headers that do not have them yet. */
#ifndef IOSQE_URGENT
#define IOSQE_URGENT	(1U << 7)
#endif
#ifndef RWF_URGENT
#define RWF_URGENT	0x00004000
#endif
#ifndef RWF_BARRIER
#define RWF_BARRIER	0x00008000
#endif

/* What a kernel may or may not have; bit numbers of cint_probe.features. */
enum cint_feature {
	CINT_FEATURE_SQE_URGENT,	/* IOSQE_URGENT */
	CINT_FEATURE_RWF_URGENT,	/* RWF_URGENT */
	CINT_FEATURE_RWF_BARRIER,	/* RWF_BARRIER */
	CINT_FEATURE_RING_PARAMS,	/* cint_register() */
	CINT_FEATURE_DEVICE,		/* a driver here coalesces */
	CINT_FEATURE_NR
};

/* The answer came from LIBURING_CINT_FORCE_STOCK, not from the kernel. */
#define CINT_PROBE_FORCED	(1U << 0)

/**
 * struct cint_probe - what this kernel supports
 * @features: bit 1U << enum cint_feature for each feature it has
 * @flags: CINT_PROBE_*
 * @error: by feature: 0: there; -EOPNOTSUPP: the kernel was asked and does not
 *	have it; another -errno: this process could not ask
 */
struct cint_probe {
	__u32	features;
	__u32	flags;
	__s32	error[14];
};

int cint_probe(struct cint_probe *probe);
int cint_probe_explain(const struct cint_probe *probe, enum cint_feature feature,
		       char *buf, size_t len);
const char *cint_feature_name(enum cint_feature feature);

/* The marks this kernel takes: IOSQE_URGENT | RWF_URGENT | RWF_BARRIER. */
unsigned int cint_marks(void);

void cint_params_init(struct io_uring_cint *params);
int cint_params_explain(const struct io_uring_cint *params, char *buf, size_t len);
int cint_register(struct io_uring *ring, const struct io_uring_cint *params,
		  struct io_uring_cint *prev);
int cint_query(struct io_uring *ring, struct io_uring_cint *out);
int cint_unregister(struct io_uring *ring, struct io_uring_cint *prev);

const char *cint_policy_name(__u32 policy);
int cint_policy_from_name(const char *name);

ssize_t cint_preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset,
		     int flags);
ssize_t cint_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset,
		      int flags);

const char *cint_strerror(int error);
unsigned int cint_version_major(void);
unsigned int cint_version_minor(void);

/* Set in the cache below once the kernel has been asked; no mark has this bit. */
#define CINT_MARKS_KNOWN_	1U

/* Opcodes whose SQE has rw_flags and so can be a barrier; all are below 32. */
#define CINT_RW_OPCODES_						\
	((1U << IORING_OP_READ) | (1U << IORING_OP_WRITE) |		\
	 (1U << IORING_OP_READV) | (1U << IORING_OP_WRITEV) |		\
	 (1U << IORING_OP_READ_FIXED) | (1U << IORING_OP_WRITE_FIXED))

/* cint_marks() | CINT_MARKS_KNOWN_, or 0 when the kernel could not be asked. */
unsigned int cint_marks_known_(void);

static inline unsigned int cint_marks_cached_(void)
{
	static unsigned int cache;
	unsigned int marks = __atomic_load_n(&cache, __ATOMIC_RELAXED);

	if (__builtin_expect(!marks, 0)) {
		marks = cint_marks_known_();
		__atomic_store_n(&cache, marks, __ATOMIC_RELAXED);
	}
	return marks;
}

/**
 * cint_sqe_set_urgent - deliver this completion without coalescing delay
 * @sqe: prepared SQE of any opcode
 *
 * To be called after io_uring_prep_*() and io_uring_sqe_set_flags(), which
 * clear the mark.  Does nothing on a kernel without IOSQE_URGENT.
 */
static inline void cint_sqe_set_urgent(struct io_uring_sqe *sqe)
{
	sqe->flags = (__u8)(sqe->flags | (cint_marks_cached_() & IOSQE_URGENT));
}

/**
 * cint_sqe_set_barrier - deliver this and all earlier completions together
 * @sqe: prepared SQE of a read or write, vectored, fixed or plain
 *
 * To be called after io_uring_prep_*(), which clears the mark.  Does nothing on
 * a kernel without RWF_BARRIER.
 *
 * Return: 0, or -EOPNOTSUPP, on every kernel and with @sqe unchanged, for an
 * opcode that cannot be a barrier.
 */
static inline int cint_sqe_set_barrier(struct io_uring_sqe *sqe)
{
	if (sqe->opcode >= 32 || !(CINT_RW_OPCODES_ >> sqe->opcode & 1U))
		return -EOPNOTSUPP;
	sqe->rw_flags |= (__kernel_rwf_t)(cint_marks_cached_() &
					  (unsigned int)RWF_BARRIER);
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBURING_CINT_H */

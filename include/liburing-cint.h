/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * liburing-cint: tell the kernel which I/O completions are worth an
 * interruption.
 *
 * A request may be marked urgent (deliver its completion without coalescing
 * delay) or as a barrier (deliver once it and all requests submitted before it
 * have completed); all other completions may be gathered into batches, as the
 * parameters of the ring say.
 *
 * A ring that cint_attach() knows gets as much of that as the running kernel
 * allows, patched or not; without it a mark is dropped where the kernel does not
 * take it.  One binary runs everywhere.
 *
 * Functions return 0 or a positive result on success and -errno on failure.
 * All of them may be called from several threads at once, except on the same
 * ring or SQE.  See cint(7).
 */
#ifndef LIBURING_CINT_H
#define LIBURING_CINT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <liburing.h>
#include <liburing-cint/cint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBURING_CINT_VERSION_MAJOR	0
#define LIBURING_CINT_VERSION_MINOR	3

/* True when these headers are version major.minor or later. */
#define LIBURING_CINT_CHECK_VERSION(major, minor)			\
	(LIBURING_CINT_VERSION_MAJOR > (major) ||			\
	 (LIBURING_CINT_VERSION_MAJOR == (major) &&			\
	  LIBURING_CINT_VERSION_MINOR >= (minor)))

/* Inline in C and C++; symbols of liburing-cint-ffi for other languages. */
#ifndef CINTINLINE
#define CINTINLINE	static inline
#endif

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

/* In C++ the function has the name of the structure's constructor. */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
int cint_probe(struct cint_probe *probe);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
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
int cint_query_ring(struct io_uring *ring, struct io_uring_cint_ring *out);
int cint_unregister(struct io_uring *ring, struct io_uring_cint *prev);

const char *cint_policy_name(__u32 policy);
int cint_policy_from_name(const char *name);

ssize_t cint_preadv2(int fd, const struct iovec *iov, int iovcnt, off_t offset,
		     int flags);
ssize_t cint_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset,
		      int flags);

/*
 * How a ring carries out marks and parameters.  Each does what the one before
 * does, and more.
 */
enum cint_backend {
	CINT_BACKEND_NONE,	/* not at all: waits are liburing's own */
	CINT_BACKEND_TIMEOUT,	/* batches by wait_nr and timeouts; while an urgent
				   request is outstanding, waits for one CQE */
	CINT_BACKEND_MIN_WAIT,	/* batches by wait_nr and min_wait_usec */
	CINT_BACKEND_KERNEL,	/* marks go to a kernel that takes them */
	CINT_BACKEND_NR
};

/*
 * cint_attach(), what the library must know of a ring.  No IORING_SETUP_ flag has one
 * of these bits, so that one in the place of the other is an error.
 */
#define CINT_RING_MULTISHOT	(1U << 28)	/* more CQEs than requests: do not
						   bound waits by these */
#define CINT_RING_SHARED	(1U << 29)	/* one thread submits while another
						   waits */
#define CINT_RING_LINK		(1U << 30)	/* urgent requests end waits by a
						   linked timeout */

/* user_data of the linked timeouts; see cint_cqe_is_internal() */
#define CINT_UDATA		((__u64)0xc147c147c147c147ULL)

/**
 * struct cint_ring - a ring known to the library, made by cint_attach()
 * @ring: the application's ring, or the library's own, see cint_attach_mapped()
 * @urgent_flags_: what cint_set_urgent() sets, 0: it takes more than a flag
 * @watch_: what CQEs that are taken are looked at for
 * @urgent_: how often cint_set_urgent() set its flags
 * @more_: CQEs taken that were not the last of their request
 *
 * To be read only; more members of the library's own follow.
 */
struct cint_ring {
	struct io_uring	*ring;
	__u32		urgent_flags_;
	__u32		watch_;
	__u64		urgent_;
	__u32		more_;
	__u32		reserved_;
};

/* struct cint_ring->watch_ */
#define CINT_WATCH_MARKS_	(1U << 0)
#define CINT_WATCH_LINKS_	(1U << 1)

/**
 * struct cint_stats - what a ring's waits and marks did since it was attached
 * @enters: io_uring_enter() system calls by cint_ waits
 * @waits: of these, the ones that could sleep
 * @completions: CQEs taken
 * @urgent: requests marked urgent
 * @links: of these, the ones followed by a timeout of the library
 * @barriers: requests marked as barriers
 * @ended_full: waits that ended with the CQEs waited for, a full batch
 * @ended_barrier: a barrier's prefix may have been complete
 * @ended_early: a link, or a timeout of the application's, ended it
 * @ended_time: the time for a batch had passed
 * @ended_single: it was for one CQE
 * @gap_ns: moving average of the time between completions, 0: not known
 * @outstanding: requests submitted and not completed
 */
struct cint_stats {
	__u64	enters;
	__u64	waits;
	__u64	completions;
	__u64	urgent;
	__u64	links;
	__u64	barriers;
	__u64	ended_full;
	__u64	ended_barrier;
	__u64	ended_early;
	__u64	ended_time;
	__u64	ended_single;
	__u32	gap_ns;
	__u32	outstanding;
	__u64	reserved[12];
};

/**
 * struct cint_wait_plan - what cint_plan() says is worth waiting for
 * @wait_nr: CQEs in the ring, the min_complete of io_uring_enter(2); 0: none
 * @reserved: 0
 * @hold_ns: time after which any number will do, 0: no such time
 */
struct cint_wait_plan {
	__u32	wait_nr;
	__u32	reserved;
	__u64	hold_ns;
};

int cint_attach(struct io_uring *ring, const struct io_uring_cint *params,
		unsigned int flags, struct cint_ring **cring);
int cint_attach_mapped(int fd, const struct io_uring_params *p, void *sq_ring,
		       void *cq_ring, void *sqes, const struct io_uring_cint *params,
		       unsigned int flags, struct cint_ring **cring);
void cint_detach(struct cint_ring *cring);
int cint_queue_init(unsigned int entries, struct io_uring *ring, unsigned int setup,
		    const struct io_uring_cint *params, unsigned int flags,
		    struct cint_ring **cring);
void cint_queue_exit(struct cint_ring *cring);
int cint_set_params(struct cint_ring *cring, const struct io_uring_cint *params);

enum cint_backend cint_backend(const struct cint_ring *cring);
const char *cint_backend_name(enum cint_backend backend);
int cint_explain(const struct cint_ring *cring, char *buf, size_t len);
void cint_get_stats(struct cint_ring *cring, struct cint_stats *stats);

int cint_set_barrier(struct cint_ring *cring, struct io_uring_sqe *sqe);

int cint_submit(struct cint_ring *cring);
int cint_wait_cqes(struct cint_ring *cring, struct io_uring_cqe **cqe,
		   unsigned int wait_nr, const struct __kernel_timespec *ts,
		   const sigset_t *sigmask);
int cint_wait_cqe(struct cint_ring *cring, struct io_uring_cqe **cqe);
int cint_submit_and_wait(struct cint_ring *cring, unsigned int wait_nr);
int cint_submit_and_wait_timeout(struct cint_ring *cring, struct io_uring_cqe **cqe,
				 unsigned int wait_nr,
				 const struct __kernel_timespec *ts,
				 const sigset_t *sigmask);

/* Event loops of the application's own, see cint_plan(3). */
int cint_plan(struct cint_ring *cring, unsigned int wait_nr, unsigned int to_submit,
	      struct cint_wait_plan *plan);
void cint_cqe_taken(struct cint_ring *cring, const struct io_uring_cqe *cqe);

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

/* cint_set_urgent() where a flag is not enough; taking CQEs where they are looked at. */
int cint_set_urgent_(struct cint_ring *cring, struct io_uring_sqe *sqe);
void cint_cq_advance_(struct cint_ring *cring, unsigned int nr);

/**
 * cint_sqe_set_urgent - deliver this completion without coalescing delay
 * @sqe: prepared SQE of any opcode
 *
 * To be called after io_uring_prep_*() and io_uring_sqe_set_flags(), which
 * clear the mark.  Does nothing on a kernel without IOSQE_URGENT.
 */
CINTINLINE void cint_sqe_set_urgent(struct io_uring_sqe *sqe)
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
CINTINLINE int cint_sqe_set_barrier(struct io_uring_sqe *sqe)
{
	if (sqe->opcode >= 32 || !(CINT_RW_OPCODES_ >> sqe->opcode & 1U))
		return -EOPNOTSUPP;
	sqe->rw_flags |= (__kernel_rwf_t)(cint_marks_cached_() &
					  (unsigned int)RWF_BARRIER);
	return 0;
}

/**
 * cint_set_urgent - let this request's completion end a wait at once
 * @cring: the ring @sqe is of
 * @sqe: prepared SQE of any opcode that was not submitted
 *
 * To be called after io_uring_prep_*(), all flags of the SQE and its user_data are
 * set; no other outstanding request should have that user_data.  With CINT_RING_LINK
 * it may add an SQE of the library behind @sqe, if that is the last one.
 *
 * Return: 0, or -EINVAL if @sqe waits not for submission on that ring.
 */
CINTINLINE int cint_set_urgent(struct cint_ring *cring, struct io_uring_sqe *sqe)
{
	if (!cring->urgent_flags_)
		return cint_set_urgent_(cring, sqe);
	sqe->flags = (__u8)(sqe->flags | cring->urgent_flags_);
	cring->urgent_++;
	return 0;
}

/**
 * cint_cqe_is_internal - is this CQE one of the library's, to be skipped
 * @cqe: a CQE that the application got from liburing's own calls
 *
 * There are such only on rings attached with CINT_RING_LINK, one for each link.
 * cint_peek_cqe(), cint_for_each_cqe() and the waits skip them.
 */
CINTINLINE bool cint_cqe_is_internal(const struct io_uring_cqe *cqe)
{
	return cqe->user_data == CINT_UDATA;
}

/**
 * cint_cq_advance - give CQEs back, and count them
 * @cring: the ring
 * @nr: CQEs that cint_for_each_cqe() went through
 */
CINTINLINE void cint_cq_advance(struct cint_ring *cring, unsigned int nr)
{
	const struct io_uring_cq *cq = &cring->ring->cq;
	unsigned int shift = cring->ring->flags & IORING_SETUP_CQE32 ? 1 : 0;
	unsigned int head = *cq->khead, end = head + nr, flags = 0;

	if (cring->watch_) {
		cint_cq_advance_(cring, nr);
		return;
	}
	for (; head != end; head++)
		flags |= cq->cqes[(head & cq->ring_mask) << shift].flags;
	if (__builtin_expect(flags & IORING_CQE_F_MORE, 0))
		cint_cq_advance_(cring, nr);
	else
		io_uring_smp_store_release(cq->khead, end);
}

/**
 * cint_cqe_seen - give a CQE back, and count it
 * @cring: the ring
 * @cqe: the CQE that cint_peek_cqe() or a wait gave, or NULL
 */
CINTINLINE void cint_cqe_seen(struct cint_ring *cring, struct io_uring_cqe *cqe)
{
	if (!cqe)
		return;
	if (cring->watch_ || __builtin_expect(cqe->flags & IORING_CQE_F_MORE, 0))
		cint_cqe_taken(cring, cqe);
	io_uring_cq_advance(cring->ring, 1);
}

/**
 * cint_peek_cqe - the first CQE that is there
 * @cring: the ring
 * @cqe: set to it, or to NULL
 *
 * Return: 0, or -EAGAIN if there is none.
 */
CINTINLINE int cint_peek_cqe(struct cint_ring *cring, struct io_uring_cqe **cqe)
{
	int ret = io_uring_peek_cqe(cring->ring, cqe);

	/* more of them may have come when the first is gone */
	while (!ret && cring->watch_ & CINT_WATCH_LINKS_ && cint_cqe_is_internal(*cqe)) {
		cint_cq_advance_(cring, 0);
		ret = io_uring_peek_cqe(cring->ring, cqe);
	}
	return ret;
}

/* As io_uring_for_each_cqe(), without the library's; cint_cq_advance() follows. */
#define cint_for_each_cqe(cring, head, cqe)				\
	for (struct io_uring *ring_ = (cring)->ring; ring_; ring_ = NULL)	\
		io_uring_for_each_cqe(ring_, head, cqe)			\
			if (__builtin_expect(cint_cqe_is_internal(cqe), 0) &&	\
			    (cring)->watch_ & CINT_WATCH_LINKS_) {} else

#ifdef __cplusplus
}
#endif

#endif /* LIBURING_CINT_H */

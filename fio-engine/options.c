// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The options of the fio engine "cint". */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cint.h"
#include "optgroup.h"

/*
 * A list may follow the first value, by fio's rules, and so "-5" is taken for an
 * empty value and 5, and fio goes on after an error in the first.  Therefore the
 * lower bound is checked here and remembered.
 *
 * The table has it nevertheless, for --enghelp, until fio begins to read options: that
 * it does with their defaults, which are not to count as given.
 */
static bool cint_store_default(struct cint_options *o, unsigned int set)
{
	struct fio_option *option;

	if (!set || o->defaulted & set)
		return false;
	o->defaulted |= set;
	for (option = cint_fio_options; option->name; option++) {
		if (option->minval > 0)
			option->minval = 0;
	}
	return true;
}

static int cint_store(struct cint_options *o, const char *name, long long value,
		      long long least, unsigned int *member, unsigned int set)
{
	if (cint_store_default(o, set)) {
		*member = (unsigned int)value;
		return 0;
	}
	if (value < least) {
		cint_say("%s: %lld is out of range (%lld min)\n", name, value, least);
		o->set |= CINT_SET_BAD;
		return 1;
	}
	*member = (unsigned int)value;
	o->set |= set;
	return 0;
}

#define CINT_STORE(member, least, bit)	CINT_STORE_AS(member, "cint_" #member, least, bit)
#define CINT_STORE_AS(member, opt, least, bit)				\
static int cint_store_##member(void *data, long long *value)		\
{									\
	struct cint_options *o = data;					\
									\
	return cint_store(o, opt, *value, least,			\
			  &o->member, bit);				\
}

CINT_STORE(threshold, 1, CINT_SET_THRESHOLD)
CINT_STORE(delta_ns, 0, CINT_SET_DELTA)
CINT_STORE(delta_min_ns, 0, CINT_SET_DELTA_MIN)
CINT_STORE(max_hold_ns, 0, CINT_SET_MAX_HOLD)
CINT_STORE(barrier_every, 0, 0)
CINT_STORE_AS(force_async, "force_async", 0, 0)

/* fio hands a boolean over as an int. */
static int cint_store_ooo(void *data, int *value)
{
	return cint_store(data, "cint_ooo", *value, 0,
			  &((struct cint_options *)data)->ooo, CINT_SET_OOO);
}

static int cint_store_sqpoll_cpu(void *data, long long *value)
{
	struct cint_options *o = data;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (*value < 0 || *value >= cpus) {
		cint_say("sqthread_poll_cpu: %lld is out of range (0 to %ld)\n", *value, cpus - 1);
		o->set |= CINT_SET_BAD;
		return 1;
	}
	o->sqpoll_cpu = (unsigned int)*value;
	o->sqpoll_cpu_set = 1;
	return 0;
}

static int cint_store_urgent_split(void *data, const char *text)
{
	struct cint_options *o = data;

	return cint_share_parse(&o->urgent, "cint_urgent_split", text, data);
}

static int cint_store_barrier_split(void *data, const char *text)
{
	struct cint_options *o = data;

	return cint_share_parse(&o->barrier, "cint_barrier_split", text, data);
}

/* A decimal number with up to three places: "2", "0.5", "2.125". */
static int cint_parse_thousandths(const char *text, unsigned int *value)
{
	unsigned int whole = 0, part = 0, scale = 100;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++) {
		whole = whole * 10 + (unsigned int)(*p - '0');
		if (whole > CINT_CORRECTION_MAX)
			return 1;
	}
	if (p == text)
		return 1;
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
			part += (unsigned int)(*p - '0') * scale;
	}
	if (*p)
		return 1;
	*value = whole * CINT_CORRECTION_ONE + part;
	return *value > CINT_CORRECTION_MAX;
}

static int cint_store_correction(void *data, const char *text)
{
	struct cint_options *o = data;

	if (cint_parse_thousandths(text, &o->correction)) {
		cint_say("cint_correction: '%s' is not a number from 0 to %u, "
			 "such as 2.5\n", text, CINT_CORRECTION_MAX / CINT_CORRECTION_ONE);
		return 1;
	}
	if (!cint_store_default(o, CINT_SET_CORRECTION))
		o->set |= CINT_SET_CORRECTION;
	return 0;
}

/*
 * The library's own means also where the kernel takes marks, unless the environment
 * allows less.  Options are read before there are threads; a job whose marks go to the
 * kernel does not ask for the variable.
 */
static int cint_store_means(void *data fio_unused, const char *text)
{
	static const char *const lesser[] = { "none", "timeout", "min-wait" };
	const char *value = getenv("LIBURING_CINT_BACKEND");
	unsigned int i;

	if (strcmp(text, "stock"))
		return 0;
	for (i = 0; value && i < sizeof(lesser) / sizeof(lesser[0]); i++) {
		if (!strcmp(value, lesser[i]))
			return 0;
	}
	if (!setenv("LIBURING_CINT_BACKEND", "min-wait", 1))
		return 0;
	cint_say("cint: cint_backend=stock: %s\n", strerror(errno));
	return 1;
}

/* An option of fio's io_uring engine that is not one of this engine. */
#define CINT_REFUSED(opt, why)						\
	{								\
		.name = opt, .lname = opt, .type = FIO_OPT_UNSUPPORTED,	\
		.help = "not supported by this engine: " why,		\
		.category = FIO_OPT_C_ENGINE, .group = FIO_OPT_G_IOURING, \
	}

#define CINT_OPTION(opt, text)						\
	.name = opt, .lname = text,					\
	.category = FIO_OPT_C_ENGINE, .group = FIO_OPT_G_IOURING

/* Not const, and ended by an entry without a name: fio's interface. */
struct fio_option cint_fio_options[] = {
	{
		CINT_OPTION("cint_urgent_percentage", "Urgent percentage"),
		.type	= FIO_OPT_INT,
		.off1	= offsetof(struct cint_options, urgent.percentage[DDIR_READ]),
		.off2	= offsetof(struct cint_options, urgent.percentage[DDIR_WRITE]),
		.minval	= 0,
		.maxval	= 100,
		.help	= "Mark this percentage of requests urgent; R,W: of reads and of writes",
		.def	= "0",
		.interval = 1,
	},
	{
		CINT_OPTION("cint_urgent_split", "Urgent percentage by size"),
		.type	= FIO_OPT_STR_STORE,
		.cb	= cint_store_urgent_split,
		.help	= "SIZE/PERCENTAGE:... of sizes that have their own, such as "
			  "4k/100:64k/0; after a comma those of writes",
	},
	{
		CINT_OPTION("cint_urgent_sync", "Urgent fsync"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, urgent_sync),
		.help	= "Mark fsync and fdatasync urgent",
		.def	= "0",
	},
	{
		CINT_OPTION("cint_barrier_percentage", "Barrier percentage"),
		.type	= FIO_OPT_INT,
		.off1	= offsetof(struct cint_options, barrier.percentage[DDIR_READ]),
		.off2	= offsetof(struct cint_options, barrier.percentage[DDIR_WRITE]),
		.minval	= 0,
		.maxval	= 100,
		.help	= "Mark this percentage of requests as barriers; R,W: of reads and of "
			  "writes",
		.def	= "0",
		.interval = 1,
	},
	{
		CINT_OPTION("cint_barrier_split", "Barrier percentage by size"),
		.type	= FIO_OPT_STR_STORE,
		.cb	= cint_store_barrier_split,
		.help	= "As cint_urgent_split, for barriers",
	},
	{
		CINT_OPTION("cint_barrier_every", "Barrier every"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_barrier_every,
		.off1	= offsetof(struct cint_options, barrier_every),
		.minval	= 0,
		.maxval	= 1000000,
		.help	= "Mark every Nth read or write as a barrier, 0: none",
		.def	= "0",
		.interval = 1,
	},
	{
		CINT_OPTION("cint_barrier_batch", "Barrier at the end of a batch"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, barrier_batch),
		.help	= "Mark the last read or write of each submitted batch as a barrier",
		.def	= "0",
	},
	{
		CINT_OPTION("cint_policy", "Coalescing policy"),
		.type	= FIO_OPT_STR,
		.off1	= offsetof(struct cint_options, policy),
		.help	= "Coalescing policy of this job's ring",
		.def	= "default",
		.posval	= {
			{ .ival = "default", .oval = CINT_POLICY_DEVICE_DEFAULT,
			  .help = "The defaults of each device", },
			{ .ival = "none", .oval = CINT_POLICY_NONE,
			  .help = "Deliver every completion alone", },
			{ .ival = "static", .oval = CINT_POLICY_STATIC,
			  .help = "Threshold; fixed time from the first held", },
			{ .ival = "adaptive", .oval = CINT_POLICY_ADAPTIVE,
			  .help = "Threshold; quiescent period", },
			{ .ival = "cint", .oval = CINT_POLICY_CINT,
			  .help = "adaptive, and urgent and barrier marks", },
			{ .ival = "cint-a", .oval = CINT_POLICY_CINT_A,
			  .help = "cint, the period shrinks as the batch fills", },
			{ .ival = "cint-rate", .oval = CINT_POLICY_CINT_RATE,
			  .help = "cint-a, and the rate of completions", },
		},
	},
	{
		CINT_OPTION("cint_threshold", "Coalescing threshold"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_threshold,
		.off1	= offsetof(struct cint_options, threshold),
		.minval	= 1,
		.maxval	= CINT_THRESHOLD_MAX,
		.help	= "Completions that make a full batch (with cint_policy)",
		.def	= "20",
		.interval = 1,
	},
	{
		CINT_OPTION("cint_delta_ns", "Quiescent period"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_delta_ns,
		.off1	= offsetof(struct cint_options, delta_ns),
		.minval	= 0,
		.maxval	= CINT_DELAY_MAX_NS,
		.help	= "Quiescent period, or the static timeout, in ns (with cint_policy)",
		.def	= "30000",
		.interval = 1000,
	},
	{
		CINT_OPTION("cint_delta_min_ns", "Least quiescent period"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_delta_min_ns,
		.off1	= offsetof(struct cint_options, delta_min_ns),
		.minval	= 0,
		.maxval	= CINT_DELAY_MAX_NS,
		.help	= "Lower bound of the computed period, in ns (with cint_policy)",
		.def	= "20000",
		.interval = 1000,
	},
	{
		CINT_OPTION("cint_max_hold_ns", "Longest hold"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_max_hold_ns,
		.off1	= offsetof(struct cint_options, max_hold_ns),
		.minval	= 0,
		.maxval	= CINT_DELAY_MAX_NS,
		.help	= "No completion is held longer, in ns (with cint_policy)",
		.def	= "200000",
		.interval = 1000,
	},
	{
		CINT_OPTION("cint_correction", "Correction factor"),
		.type	= FIO_OPT_STR_STORE,
		.cb	= cint_store_correction,
		.help	= "Correction factor of cint-a and cint-rate, 0 to 16, such as 2.5",
		.def	= "2",
	},
	{
		CINT_OPTION("cint_ooo", "Out-of-order delivery"),
		.type	= FIO_OPT_BOOL,
		.cb	= cint_store_ooo,
		.off1	= offsetof(struct cint_options, ooo),
		.help	= "An urgent completion overtakes those held (with cint_policy)",
		.def	= "1",
	},
	{
		CINT_OPTION("cint_require", "Require support"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, require),
		.help	= "Fail on a kernel that does not take the marks and ring parameters",
		.def	= "0",
	},
	{
		CINT_OPTION("cint_backend", "Who carries out marks and parameters"),
		.type	= FIO_OPT_STR,
		.cb	= cint_store_means,
		.off1	= offsetof(struct cint_options, means),
		.help	= "Who carries out marks and parameters; see cint_backend(3)",
		.def	= "auto",
		.posval	= {
			{ .ival = "auto", .oval = CINT_MEANS_AUTO,
			  .help = "The kernel where it takes them, else the library", },
			{ .ival = "kernel", .oval = CINT_MEANS_KERNEL,
			  .help = "The kernel; dropped where it does not take them", },
			{ .ival = "stock", .oval = CINT_MEANS_STOCK,
			  .help = "The library, by what any kernel has: waits end by them", },
		},
	},
	{
		CINT_OPTION("cint_verbose", "Say what is in force"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, verbose),
		.help	= "Say on standard error what the kernel supports and who carries the "
			  "marks out",
		.def	= "0",
	},
	{
		CINT_OPTION("cint_stats", "Statistics file"),
		.type	= FIO_OPT_STR_STORE,
		.off1	= offsetof(struct cint_options, stats_file),
		.maxlen	= PATH_MAX,
		.help	= "Append one line of JSON a job: latency by urgency, and counters",
	},
	{
		CINT_OPTION("cint_terse", "Terse line"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, terse),
		.help	= "With terse output, add a line a job with latency by urgency",
		.def	= "0",
	},
	{
		CINT_OPTION("cmdprio_percentage", "Priority percentage"),
		.type	= FIO_OPT_INT,
		.off1	= offsetof(struct cint_options, cmdprio.percentage[DDIR_READ]),
		.off2	= offsetof(struct cint_options, cmdprio.percentage[DDIR_WRITE]),
		.minval	= 0,
		.maxval	= 100,
		.help	= "Give this percentage of requests the I/O priority of cmdprio_class "
			  "and cmdprio",
		.def	= "0",
		.interval = 1,
	},
	{
		CINT_OPTION("cmdprio_class", "Class of that priority"),
		.type	= FIO_OPT_INT,
		.off1	= offsetof(struct cint_options, cmdprio.class[DDIR_READ]),
		.off2	= offsetof(struct cint_options, cmdprio.class[DDIR_WRITE]),
		.minval	= 1,
		.maxval	= IOPRIO_MAX_PRIO_CLASS,
		.help	= "I/O priority class of these requests: 1 real-time, 2 best effort, "
			  "3 idle",
		.def	= "1",
		.interval = 1,
	},
	{
		CINT_OPTION("cmdprio", "Level of that priority"),
		.type	= FIO_OPT_INT,
		.off1	= offsetof(struct cint_options, cmdprio.level[DDIR_READ]),
		.off2	= offsetof(struct cint_options, cmdprio.level[DDIR_WRITE]),
		.minval	= IOPRIO_MIN_PRIO,
		.maxval	= IOPRIO_MAX_PRIO,
		.help	= "I/O priority level of these requests, 0 is the highest",
		.def	= "0",
		.interval = 1,
	},
#if CINT_FIO_PRIO_HINT
	{
		CINT_OPTION("cmdprio_hint", "Hint of that priority"),
		.type	= FIO_OPT_INT,
		.off1	= offsetof(struct cint_options, cmdprio.hint[DDIR_READ]),
		.off2	= offsetof(struct cint_options, cmdprio.hint[DDIR_WRITE]),
		.minval	= IOPRIO_MIN_PRIO_HINT,
		.maxval	= IOPRIO_MAX_PRIO_HINT,
		.help	= "I/O priority hint of these requests, such as a limit of the duration",
		.def	= "0",
		.interval = 1,
	},
#else
	CINT_REFUSED("cmdprio_hint", "this version of fio has no hints"),
#endif
	{
		CINT_OPTION("cmdprio_bssplit", "Priority percentage by size"),
		.type	= FIO_OPT_STR_STORE,
		.off1	= offsetof(struct cint_options, cmdprio.bssplit_str),
		.help	= "SIZE/PERCENTAGE[/CLASS/LEVEL]:... of requests that get a priority; "
			  "after a comma those of writes",
	},
	{
		CINT_OPTION("fixedbufs", "Fixed buffers"),
		.type	= FIO_OPT_STR_SET,
		.off1	= offsetof(struct cint_options, fixedbufs),
		.help	= "Register the I/O buffers with the ring",
	},
	{
		CINT_OPTION("registerfiles", "Registered files"),
		.type	= FIO_OPT_STR_SET,
		.off1	= offsetof(struct cint_options, registerfiles),
		.help	= "Open the files once and register them with the ring",
	},
	{
		CINT_OPTION("hipri", "Polled completions"),
		.type	= FIO_OPT_STR_SET,
		.off1	= offsetof(struct cint_options, hipri),
		.help	= "Poll for completions (IORING_SETUP_IOPOLL); marks then change nothing",
	},
	{
		CINT_OPTION("sqthread_poll", "Submission by a kernel thread"),
		.type	= FIO_OPT_STR_SET,
		.off1	= offsetof(struct cint_options, sqpoll),
		.help	= "A kernel thread submits (IORING_SETUP_SQPOLL), this one polls the "
			  "completion queue; implies registerfiles",
	},
	{
		CINT_OPTION("sqthread_poll_cpu", "CPU of that thread"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_sqpoll_cpu,
		.help	= "The CPU that the thread of sqthread_poll runs on",
		.interval = 1,
	},
	{
		CINT_OPTION("nonvectored", "Non-vectored"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, nonvectored),
		.help	= "Use READ and WRITE rather than READV and WRITEV",
		.def	= "1",
	},
	{
		CINT_OPTION("uncached", "Uncached"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, uncached),
		.help	= "Drop buffered data from the page cache when done (RWF_DONTCACHE)",
		.def	= "0",
	},
	{
		CINT_OPTION("nowait", "No waiting"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, nowait),
		.help	= "Fail with EAGAIN rather than wait in the submission (RWF_NOWAIT)",
		.def	= "0",
	},
	{
		CINT_OPTION("force_async", "Force asynchronous"),
		.type	= FIO_OPT_INT,
		.cb	= cint_store_force_async,
		.off1	= offsetof(struct cint_options, force_async),
		.minval	= 0,
		.maxval	= 1000000,
		.help	= "Let a kernel thread issue every Nth request (IOSQE_ASYNC), 0: none",
		.def	= "0",
		.interval = 1,
	},
	{
		CINT_OPTION("cmd_type", "Passthrough commands"),
		.type	= FIO_OPT_STR,
		.off1	= offsetof(struct cint_options, cmd_type),
		.help	= "What requests are",
		.def	= "none",
		.posval	= {
			{ .ival = "none", .oval = CINT_CMD_NONE,
			  .help = "Reads, writes and fsyncs of files and block devices", },
			{ .ival = "nvme", .oval = CINT_CMD_NVME,
			  .help = "NVMe commands on character devices, as /dev/ng0n1", },
		},
	},
	{
		CINT_OPTION("readfua", "FUA of reads"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, fua[DDIR_READ]),
		.help	= "With cmd_type=nvme, set FUA in Read commands",
		.def	= "0",
	},
	{
		CINT_OPTION("writefua", "FUA of writes"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, fua[DDIR_WRITE]),
		.help	= "With cmd_type=nvme, set FUA in Write commands",
		.def	= "0",
	},
	{
		CINT_OPTION("write_mode", "Command of writes"),
		.type	= FIO_OPT_STR,
		.off1	= offsetof(struct cint_options, write_mode),
		.help	= "With cmd_type=nvme, the command that a write is",
		.def	= "write",
		.posval	= {
			{ .ival = "write", .oval = CINT_WRITE_DATA, .help = "Write", },
			{ .ival = "uncor", .oval = CINT_WRITE_UNCORRECTABLE,
			  .help = "Write Uncorrectable", },
			{ .ival = "zeroes", .oval = CINT_WRITE_ZEROES,
			  .help = "Write Zeroes", },
			{ .ival = "verify", .oval = CINT_WRITE_VERIFY, .help = "Verify", },
		},
	},
	{
		CINT_OPTION("deac", "Deallocation by zeroes"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, deallocate),
		.help	= "With write_mode=zeroes, let the drive deallocate the blocks",
		.def	= "0",
	},
	CINT_REFUSED("verify_mode", "fio itself compares what is read"),
	CINT_REFUSED("md_per_io_size", "it transfers no metadata"),
	CINT_REFUSED("pi_act", "it transfers no protection information"),
	CINT_REFUSED("pi_chk", "it transfers no protection information"),
	CINT_REFUSED("apptag", "it transfers no protection information"),
	CINT_REFUSED("apptag_mask", "it transfers no protection information"),
	{
		CINT_OPTION("defer_taskrun", "Deferred task work"),
		.type	= FIO_OPT_BOOL,
		.off1	= offsetof(struct cint_options, defer_taskrun),
		.help	= "Use IORING_SETUP_DEFER_TASKRUN where the kernel has it",
		.def	= "1",
	},
	{
		.name	= NULL,
	},
};

static void cint_fill_params(const struct cint_options *o,
			     struct io_uring_cint *params)
{
	cint_params_init(params);
	params->policy = (__u16)o->policy;
	if (o->set & CINT_SET_THRESHOLD)
		params->threshold = o->threshold;
	if (o->set & CINT_SET_DELTA)
		params->delta_ns = o->delta_ns;
	if (o->set & CINT_SET_DELTA_MIN)
		params->delta_min_ns = o->delta_min_ns;
	if (o->set & CINT_SET_MAX_HOLD)
		params->max_hold_ns = o->max_hold_ns;
	if (o->set & CINT_SET_CORRECTION)
		params->correction = o->correction;
	if (o->set & CINT_SET_OOO)
		params->flags = o->ooo ? IORING_CINT_OOO : 0;
}

/* A negative value is a large one here, see cint_store(). */
static int cint_cmdprio_check(const struct cmdprio_options *prio)
{
	static const char *const names[] = { "cmdprio_percentage", "cmdprio_class", "cmdprio" };
	static const unsigned int least[] = { 0, IOPRIO_MIN_PRIO_CLASS + 1, IOPRIO_MIN_PRIO };
	static const unsigned int most[] = { 100, IOPRIO_MAX_PRIO_CLASS, IOPRIO_MAX_PRIO };
	int ddir, i;

	for (ddir = DDIR_READ; ddir <= DDIR_WRITE; ddir++) {
		const unsigned int values[] = {
			prio->percentage[ddir], prio->class[ddir], prio->level[ddir],
		};

		for (i = 0; i < 3; i++) {
			if (values[i] >= least[i] && values[i] <= most[i])
				continue;
			cint_say("cint: %s is %d; the range is %u to %u\n", names[i],
				 (int)values[i], least[i], most[i]);
			return 1;
		}
#if CINT_FIO_PRIO_HINT
		if (prio->hint[ddir] > IOPRIO_MAX_PRIO_HINT) {
			cint_say("cint: cmdprio_hint is %d; the range is 0 to %u\n",
				 (int)prio->hint[ddir], IOPRIO_MAX_PRIO_HINT);
			return 1;
		}
#endif
	}
	return 0;
}

/* Does anything of this job need marks or parameters. */
bool cint_options_mark(const struct cint_options *o)
{
	return cint_share_any(&o->urgent) || cint_share_any(&o->barrier) || o->urgent_sync ||
	       o->barrier_every || o->barrier_batch || o->policy != CINT_POLICY_DEVICE_DEFAULT;
}

/* A polled ring takes reads and writes alone. */
static int cint_hipri_check(struct thread_data *td)
{
	const struct {
		const char *name;
		unsigned int value;
	} syncs[] = {
		{ "fsync", td->o.fsync_blocks },
		{ "fdatasync", td->o.fdatasync_blocks },
		{ "sync_file_range", td->o.sync_file_range },
		{ "end_fsync", td->o.end_fsync },
		{ "fsync_on_close", td->o.fsync_on_close },
	};
	struct cint_options *o = td->eo;
	unsigned int i;

	/* NVMe's Flush is a command as any other */
	if (!o->hipri || o->cmd_type == CINT_CMD_NVME)
		return 0;
	for (i = 0; i < sizeof(syncs) / sizeof(syncs[0]); i++) {
		if (!syncs[i].value)
			continue;
		cint_say("cint: hipri does not take %s=%u: a polled ring has no syncs\n",
			 syncs[i].name, syncs[i].value);
		return 1;
	}
	return 0;
}

/* Options that are wrong together, or with fio's own; fills the parameters. */
int cint_options_check(struct thread_data *td, struct io_uring_cint *params)
{
	struct cint_options *o = td->eo;
	char text[128];

	if (o->set & CINT_SET_BAD) {
		cint_say("cint: an option is out of its range, see above\n");
		return 1;
	}
	if (cint_share_check(&o->urgent, "cint_urgent_percentage") ||
	    cint_share_check(&o->barrier, "cint_barrier_percentage") ||
	    cint_cmdprio_check(&o->cmdprio))
		return 1;
	if (o->policy == CINT_POLICY_DEVICE_DEFAULT && o->set) {
		cint_say("cint: cint_threshold, cint_delta_ns, cint_delta_min_ns, "
			 "cint_max_hold_ns, cint_correction and cint_ooo are parameters "
			 "of the ring and need cint_policy other than 'default'\n");
		return 1;
	}
	if (o->require && o->means == CINT_MEANS_STOCK) {
		cint_say("cint: cint_require=1 asks for the kernel's support, which "
			 "cint_backend=stock makes no use of\n");
		return 1;
	}
	/* fio refuses it, too, but in another thread, and gives "No such process" */
	if (td->o.io_submit_mode == IO_MODE_OFFLOAD) {
		cint_say("cint: io_submit_mode=offload is not supported by this engine\n");
		return 1;
	}
	if (cint_hipri_check(td))
		return 1;
	if (o->sqpoll_cpu_set && !o->sqpoll) {
		cint_say("cint: sqthread_poll_cpu=%u needs sqthread_poll\n", o->sqpoll_cpu);
		return 1;
	}
	if (o->cmd_type == CINT_CMD_NVME && cint_passthrough_check(td))
		return 1;
	if (o->cmd_type != CINT_CMD_NVME && (o->fua[DDIR_READ] || o->fua[DDIR_WRITE] ||
					     o->deallocate || o->write_mode != CINT_WRITE_DATA)) {
		cint_say("cint: readfua, writefua, write_mode and deac are of NVMe commands and "
			 "need cmd_type=nvme\n");
		return 1;
	}
	if (o->registerfiles && td->o.nr_files != td->o.open_files) {
		cint_say("cint: registerfiles needs openfiles (%u) to equal nrfiles (%u)\n",
			 td->o.open_files, td->o.nr_files);
		return 1;
	}

	cint_fill_params(o, params);
	if (o->policy != CINT_POLICY_DEVICE_DEFAULT &&
	    cint_params_explain(params, text, sizeof(text))) {
		cint_say("cint: %s\n", text);
		return 1;
	}
	return 0;
}

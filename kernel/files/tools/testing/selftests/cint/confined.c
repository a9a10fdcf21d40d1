// SPDX-License-Identifier: GPL-2.0
/*
 * What a process that is confined can do: by restrictions of its ring, by seccomp, by
 * kernel.io_uring_disabled, or as it has no privileges, also where it is root in a user
 * namespace of its own; and what it is told of others.
 */
#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>

#include "../kselftest_harness.h"
#include "device.h"
#include "nobody.h"
#include "ring.h"

#define DISABLED	"/proc/sys/kernel/io_uring_disabled"

/* --- restrictions of a ring ------------------------------------------------------------- */

/* A ring that takes NOPs, and of flags and register opcodes what is given, or nothing. */
static int restricted_ring(struct ring *r, unsigned int sqe_flags, int register_op)
{
	struct io_uring_restriction res[4] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_ENABLE_RINGS },
	};
	int nr = 2, ret;

	if (sqe_flags) {
		res[nr].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
		res[nr++].sqe_flags = sqe_flags;
	}
	if (register_op >= 0) {
		res[nr].opcode = IORING_RESTRICTION_REGISTER_OP;
		res[nr++].register_op = register_op;
	}
	ret = ring_open(r, 4, IORING_SETUP_R_DISABLED);
	if (!ret)
		ret = ring_register(r, IORING_REGISTER_RESTRICTIONS, res, nr);
	return ret ?: ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int nop(struct ring *r, unsigned int flags)
{
	ring_sqe(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = flags;
	return ring_do(r);
}

TEST(restrictions_forbid_what_they_do_not_name)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 8);
	struct ring r;

	ASSERT_EQ(restricted_ring(&r, 0, -1), 0);
	EXPECT_EQ(nop(&r, 0), 0);
	EXPECT_EQ(nop(&r, IOSQE_URGENT), -EACCES);
	EXPECT_EQ(ring_register(&r, REGISTER_CINT, &reg, 1), -EACCES);
	EXPECT_EQ(ring_query(&r, &reg), -EACCES);
	EXPECT_EQ(ring_register(&r, UNREGISTER_CINT, NULL, 0), -EACCES);
	ring_close(&r);
}

TEST(restrictions_allow_what_they_name)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 8);
	struct ring r;

	ASSERT_EQ(restricted_ring(&r, IOSQE_URGENT, REGISTER_CINT), 0);
	EXPECT_EQ(nop(&r, IOSQE_URGENT), 0);
	EXPECT_EQ(nop(&r, IOSQE_ASYNC), -EACCES);
	EXPECT_EQ(ring_register(&r, REGISTER_CINT, &reg, 1), 0);
	EXPECT_EQ(ring_query(&r, &reg), 0);
	EXPECT_EQ(reg.threshold, 8);
	EXPECT_EQ(ring_register(&r, UNREGISTER_CINT, NULL, 0), -EACCES);
	ring_close(&r);
}

/* --- memory that a ring shares ---------------------------------------------------------- */

struct scribble {
	unsigned int flags;
	volatile unsigned long rounds;
};

/* Waits while the indices of its CQ ring are anything, without end. */
static int scribble(void *arg)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 200);
	struct __kernel_timespec ts = { .tv_nsec = 100000 };
	struct io_uring_getevents_arg wait = { .ts = (unsigned long)&ts };
	struct scribble *s = arg;
	unsigned int seed = 1;
	struct ring r;

	if (ring_open(&r, 8, s->flags) ||
	    ring_register(&r, REGISTER_CINT, &reg, 1))
		return 1;
	for (;; s->rounds++) {
		struct io_uring_sqe *sqe;

		sqe = ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
		sqe->flags = s->rounds % 3 ? IOSQE_URGENT : 0;
		if (s->rounds % 7 == 0) {
			sqe->opcode = IORING_OP_TIMEOUT;
			sqe->addr = (unsigned long)&ts;
			sqe->len = 1;
		}
		ring_submit(&r);
		switch (rand_r(&seed) % 4) {
		case 0:
			*r.cq_head = rand_r(&seed);
			break;
		case 1:
			*r.cq_tail = rand_r(&seed);
			break;
		case 2:
			*r.cq_head = *r.cq_tail;
			break;
		}
		syscall(__NR_io_uring_enter, r.fd, 0, rand_r(&seed) % 8,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &wait,
			sizeof(wait));
	}
}

TEST(nonsense_in_the_indices)
{
	static const unsigned int flags[] = {
		0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	struct scribble *s;
	int status, tries;
	size_t i;
	pid_t pid;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(s, MAP_FAILED);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		s->flags = flags[i];
		s->rounds = 0;
		pid = start_as(NOBODY, scribble, s);
		ASSERT_GE(pid, 0);
		sleep_ms(1500);
		EXPECT_GE(s->rounds, 100);
		kill(pid, SIGKILL);
		for (tries = 0; tries < 1000; tries++) {
			if (waitpid(pid, &status, WNOHANG) == pid)
				break;
			sleep_ms(10);
		}
		EXPECT_LT(tries, 1000);
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	munmap(s, sizeof(*s));
}

/* --- seccomp ---------------------------------------------------------------------------- */

/* The low half of an argument, which is all there is of these. */
#define ARGUMENT(n)	(offsetof(struct seccomp_data, args[n]) + \
			 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

/* No io_uring_register() of cint, and no marks by preadv2(). */
static int forbid_cint(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_register, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(1)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REGISTER_CINT, 4, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_preadv2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(5)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, RWF_URGENT | RWF_BARRIER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = ARRAY_SIZE(filter), .filter = filter,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int be_filtered(void *arg)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 8);
	char text[8];
	int fds[2];
	struct ring r;

	if (pipe(fds) || write(fds[1], "ab", 2) != 2 || ring_open(&r, 4, 0))
		return 1;
	if (forbid_cint())
		return 2;
	if (ring_register(&r, REGISTER_CINT, &reg, 1) != -EPERM)
		return 3;
	/* the ring is a ring, and what is in shared memory no filter sees */
	if (nop(&r, 0) || nop(&r, IOSQE_URGENT))
		return 4;
	if (cint_preadv2(fds[0], text, 1, -1, RWF_URGENT) != -1 || errno != EPERM)
		return 5;
	if (cint_preadv2(fds[0], text, 1, -1, 0) != 1)
		return 6;
	return 0;
}

TEST(seccomp_can_tell)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = 1, .filter = &nothing };
	pid_t pid = fork();

	/* what the kernel can do at all */
	if (!pid)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	if (result_of(pid))
		SKIP(return, "no seccomp filters (CONFIG_SECCOMP_FILTER)");
	EXPECT_EQ(as_nobody(be_filtered, NULL), 0);
}

/* --- kernel.io_uring_disabled ----------------------------------------------------------- */

FIXTURE(disabled)
{
	char before[16];
};

FIXTURE_SETUP(disabled)
{
	if (file_read(DISABLED, self->before, sizeof(self->before)) <= 0)
		SKIP(return, "no kernel.io_uring_disabled");
}

FIXTURE_TEARDOWN(disabled)
{
	if (*self->before)
		file_write(DISABLED, self->before);
}

static int open_a_ring(void *arg)
{
	struct ring r;

	return -ring_open(&r, 4, 0);
}

TEST_F(disabled, marks_need_no_ring)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 8);
	struct ring before, r;
	char byte;
	int fd = open("/proc/self/exe", O_RDONLY);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ring_open(&before, 4, 0), 0);
	ASSERT_EQ(file_write(DISABLED, "1"), 0);
	EXPECT_EQ(as_nobody(open_a_ring, NULL), EPERM);
	EXPECT_EQ(as_nobody(open_a_ring, NULL), EPERM);
	ASSERT_EQ(file_write(DISABLED, "2"), 0);
	EXPECT_EQ(ring_open(&r, 4, 0), -EPERM);
	EXPECT_EQ(cint_preadv2(fd, &byte, 1, 0, RWF_URGENT | RWF_BARRIER), 1);
	/* one that was there goes on as it does in any kernel */
	EXPECT_EQ(nop(&before, IOSQE_URGENT), 0);
	EXPECT_EQ(ring_register(&before, REGISTER_CINT, &reg, 1), 0);
	ring_close(&before);
	close(fd);
}

/* --- files ------------------------------------------------------------------------------ */

FIXTURE(files)
{
	struct device d;
};

FIXTURE_SETUP(files)
{
	const char *why = device_find(&self->d);

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(files)
{
}

static const struct {
	const char *name;
	mode_t mode;
} cint_files[] = {
	{ "mode", 0644 }, { "policy", 0644 }, { "threshold", 0644 },
	{ "delta_ns", 0644 }, { "delta_min_ns", 0644 }, { "max_hold_ns", 0644 },
	{ "correction", 0644 }, { "ooo", 0644 }, { "look_min_ns", 0644 },
	{ "poll_cpu", 0644 }, { "latency_hint", 0644 }, { "calibrate", 0644 },
	/* a command to the drive for each reading */
	{ "hw_coalescing", 0400 },
	/* of all who use the drive, as /proc/diskstats has them */
	{ "stats", 0444 },
};

static mode_t wanted_mode(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cint_files); i++)
		if (!strcmp(cint_files[i].name, name))
			return cint_files[i].mode;
	return 0;
}

TEST_F(files, are_roots)
{
	char dir[96], path[400];
	struct dirent *entry;
	struct stat st;
	unsigned int nr = 0;
	DIR *files;

	snprintf(dir, sizeof(dir), "%s/cint", self->d.sysfs);
	files = opendir(dir);
	ASSERT_NE(files, NULL);
	while ((entry = readdir(files))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		ASSERT_EQ(stat(path, &st), 0);
		EXPECT_EQ(st.st_mode & 07777, wanted_mode(entry->d_name))
			TH_LOG("%s has mode %o", entry->d_name,
			       st.st_mode & 07777);
		EXPECT_EQ(st.st_uid, 0);
		EXPECT_EQ(st.st_gid, 0);
		nr++;
	}
	closedir(files);
	EXPECT_EQ(nr, ARRAY_SIZE(cint_files));

	strcpy(path, "/sys/module/nvme_core/parameters/cint_force_flags");
	ASSERT_EQ(stat(path, &st), 0);
	EXPECT_EQ(st.st_mode & 07777, 0644);
	EXPECT_EQ(st.st_uid, 0);
}

/* Returns how many of the files can be written, or are read that must not be. */
static int try_files(void *arg)
{
	const struct device *d = arg;
	char path[128];
	int can = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cint_files); i++) {
		snprintf(path, sizeof(path), "%s/cint/%s", d->sysfs,
			 cint_files[i].name);
		can += open(path, O_WRONLY) >= 0 || errno != EACCES;
		can += open(path, O_RDONLY) >= 0 && !(cint_files[i].mode & 4);
	}
	snprintf(path, sizeof(path), "%s/reset_controller", d->sysfs);
	can += open(path, O_WRONLY) >= 0;
	can += open("/sys/module/nvme_core/parameters/cint_force_flags",
		    O_WRONLY) >= 0;
	can += open("/sys/kernel/tracing/events/cint/enable", O_RDONLY) >= 0;
	can += open("/sys/kernel/debug/tracing/events/cint/enable", O_RDONLY) >= 0;
	return can;
}

/* Root, but in a user namespace of one's own. */
static int try_files_as_own_root(void *arg)
{
	/* /proc/self is root's while who changed his user is not dumpable */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		return errno == EPERM || errno == EINVAL || errno == ENOSPC ? 77 : 99;
	file_write("/proc/self/setgroups", "deny");
	if (file_write("/proc/self/uid_map", "0 65534 1") ||
	    file_write("/proc/self/gid_map", "0 65534 1") || getuid())
		return 98;
	return try_files(arg);
}

TEST_F(files, are_not_to_be_set)
{
	EXPECT_EQ(as_nobody(try_files, &self->d), 0);
}

TEST_F(files, are_not_to_be_set_from_a_user_namespace)
{
	int ret = as_nobody(try_files_as_own_root, &self->d);

	if (ret == 77)
		SKIP(return, "no user namespaces");
	EXPECT_EQ(ret, 0);
}

/* --- what is told of others ------------------------------------------------------------- */

struct observer {
	struct device d;
	volatile bool ready, go;
	/* results */
	uint64_t completions, urgent, fires, wakeups;
	int group;
};

/* Has a ring with parameters on the drive, does nothing, and looks at all it may see. */
static int observe(void *arg)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 8);
	struct io_uring_cint_ring own = { };
	struct observer *o = arg;
	char path[64], text[8192], *p;
	struct ring r;

	if (prctl(PR_SET_DUMPABLE, 1) || ring_open(&r, 4, 0) ||
	    ring_register(&r, REGISTER_CINT, &reg, 1))
		return 1;
	o->ready = true;
	while (!o->go)
		sleep_ms(1);
	if (ring_query_wakeups(&r, &own))
		return 2;
	o->completions = own.cint.completions;
	o->urgent = own.cint.urgent;
	o->fires = own.cint.fires;
	o->wakeups = own.wakeups + own.urgent_wakeups + own.gathered;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r.fd);
	if (file_read(path, text, sizeof(text)) < 0)
		return 3;
	p = strstr(text, "CintGroup:");
	o->group = p ? atoi(p + sizeof("CintGroup:")) : -1;
	/* nor does the ring of another one tell */
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", getppid());
	return access(path, R_OK | X_OK) ? 0 : 4;
}

TEST_F(files, counters_of_a_ring_are_its_own)
{
	struct io_uring_cint reg = ring_params(CINT_POLICY_CINT, 8);
	struct device_saved saved;
	char *buf = buffer_alloc(8 * BLOCK);
	struct io_uring_cqe cqe;
	struct observer *o;
	struct ring rings[3], r;
	int fd, i, k;
	pid_t pid;

	device_save(&self->d, &saved);
	fd = open(self->d.ns, O_RDONLY | O_DIRECT);
	ASSERT_GE(fd, 0);
	if (device_set(&self->d, "mode", "split"))
		SKIP(return, "mode split is refused on this controller");
	o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(o, MAP_FAILED);
	/* so that the observer's number is none that one could guess */
	for (i = 0; i < 3; i++) {
		reg = ring_params(CINT_POLICY_CINT, 8);
		ASSERT_EQ(ring_open(&rings[i], 4, 0), 0);
		ASSERT_EQ(ring_register(&rings[i], REGISTER_CINT, &reg, 1), 0);
	}
	pid = start_as(NOBODY, observe, o);
	ASSERT_GE(pid, 0);
	for (i = 0; i < 20000 && !o->ready; i++)
		sleep_ms(1);
	ASSERT_TRUE(o->ready);
	ASSERT_EQ(ring_open(&r, 8, 0), 0);
	reg = ring_params(CINT_POLICY_CINT, 8);
	ASSERT_EQ(ring_register(&r, REGISTER_CINT, &reg, 1), 0);
	for (i = 0; i < 20; i++) {
		for (k = 0; k < 8; k++)
			queue_read(&r, fd, buf, k)->flags |= k ? 0 : IOSQE_URGENT;
		ASSERT_EQ(ring_submit(&r), 8);
		for (k = 0; k < 8; k++)
			ASSERT_EQ(ring_wait(&r, &cqe), 0);
	}
	ASSERT_EQ(ring_query(&r, &reg), 0);
	EXPECT_GE(reg.completions, 100);
	o->go = true;
	EXPECT_EQ(result_of(pid), 0);
	EXPECT_EQ(o->completions, 0);
	EXPECT_EQ(o->urgent, 0);
	EXPECT_EQ(o->fires, 0);
	EXPECT_EQ(o->wakeups, 0);
	EXPECT_EQ(o->group, 1);
	for (i = 0; i < 3; i++)
		ring_close(&rings[i]);
	ring_close(&r);
	device_restore(&self->d, &saved);
	close(fd);
	munmap(o, sizeof(*o));
	free(buf);
}

TEST_HARNESS_MAIN

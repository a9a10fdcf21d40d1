/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which marks NVMe commands have, as nvme:nvme_setup_cmd shows them: flags 0x4
 * is urgent, 0x8 a barrier. The parameter nvme_core.cint_force_flags sends them
 * to a controller that does not advertise that it knows them.
 *
 * To be included after kselftest_harness.h.
 */
#ifndef CINT_SELFTEST_MARKS_H
#define CINT_SELFTEST_MARKS_H

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "device.h"
#include "ring.h"
#include "trace.h"

#define FORCE_FLAGS	"/sys/module/nvme_core/parameters/cint_force_flags"
#define FLAG_URGENT	0x4
#define FLAG_BARRIER	0x8
#define FILE_BLOCKS	256

struct marks {
	struct device d;
	struct device_saved saved;
	struct trace trace;
	char force[8];
	char *buf;
	char mnt[64];
};

/* Returns NULL, or why there is nothing to test. */
static inline const char *marks_setup(struct marks *m)
{
	static const char *const events[] = { "nvme:nvme_setup_cmd", NULL };
	const char *why = device_find(&m->d);

	m->mnt[0] = '\0';
	m->trace.dir[0] = '\0';
	m->force[0] = '\0';
	m->buf = NULL;
	if (why)
		return why;
	if (file_read(FORCE_FLAGS, m->force, sizeof(m->force)) <= 0)
		return "no " FORCE_FLAGS;
	why = trace_open(&m->trace, events);
	if (why)
		return why;
	device_save(&m->d, &m->saved);
	m->buf = buffer_alloc(64 * BLOCK);
	if (!m->buf)
		return "no memory";
	return file_write(FORCE_FLAGS, "Y") ? FORCE_FLAGS " takes no Y" : NULL;
}

static inline void marks_teardown(struct marks *m)
{
	if (m->mnt[0]) {
		umount(m->mnt);
		rmdir(m->mnt);
	}
	if (m->trace.dir[0])
		trace_close(&m->trace);
	if (m->force[0])
		file_write(FORCE_FLAGS, m->force);
	if (m->buf)
		device_restore(&m->d, &m->saved);
	free(m->buf);
}

/*
 * Of the commands since trace_clear() named @op on the namespace under test:
 * how many, and how many of them have exactly @flags.
 */
static inline void count_commands(struct marks *m, const char *op,
			   unsigned int flags, int *all, int *matching)
{
	struct event *e;
	int nr = trace_read(&m->trace, m->d.ctrl, &e), i;

	*all = *matching = 0;
	for (i = 0; i < nr; i++) {
		if (e[i].kind != EVENT_CMD || !e[i].qid ||
		    e[i].nsid != m->d.nsid || strcmp(e[i].op, op))
			continue;
		(*all)++;
		*matching += e[i].flags == flags;
	}
}

/* Commands of any kind that carry a mark. */
static inline int count_marked(struct marks *m)
{
	struct event *e;
	int nr = trace_read(&m->trace, m->d.ctrl, &e), i, marked = 0;

	for (i = 0; i < nr; i++)
		marked += e[i].kind == EVENT_CMD && e[i].qid &&
			  e[i].flags & (FLAG_URGENT | FLAG_BARRIER);
	return marked;
}

/*
 * All commands of the operation must carry exactly the mark; a file system may
 * add reads of its own metadata, so there at least one must.
 */
#define EXPECT_MARKED(m, op, flags, exact, what) do {			\
	int all_, matching_;						\
									\
	count_commands(m, op, flags, &all_, &matching_);		\
	EXPECT_GT(matching_, 0)						\
		TH_LOG("%s: no %s with flags %#x among %d", what, op,	\
		       flags, all_);					\
	if (exact) {							\
		EXPECT_EQ(matching_, all_)				\
			TH_LOG("%s: %d of %d %s with flags %#x", what,	\
			       matching_, all_, op, flags);		\
	}								\
} while (0)

/* Drops clean pages, so that the next buffered read goes to the drive. */
static inline void drop_cache(int fd)
{
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* Runs a program without a shell: its exit status, or -1. */
static inline int run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static inline const char *make_filesystem(struct marks *m, const char *type,
					  char *file, size_t size)
{
	const char *const ext4[] = { "mkfs.ext4", "-q", "-F", "-b", "4096",
		m->d.ns, NULL };
	const char *const xfs[] = { "mkfs.xfs", "-q", "-f", m->d.ns, NULL };
	char dir[] = "/tmp/cint.XXXXXX";
	int ret, fd, i;

	ret = run(!strcmp(type, "ext4") ? ext4 : xfs);
	if (ret == 127)
		return "mkfs is not installed";
	if (ret)
		return "mkfs fails";
	if (!mkdtemp(dir))
		return "no directory to mount on";
	if (mount(m->d.ns, dir, type, 0, NULL)) {
		rmdir(dir);
		return "the kernel does not mount it";
	}
	snprintf(m->mnt, sizeof(m->mnt), "%s", dir);
	snprintf(file, size, "%s/file", dir);
	/* written blocks: reads of a hole never get to the drive */
	fd = open(file, O_RDWR | O_CREAT, 0600);
	for (i = 0; i < FILE_BLOCKS && fd >= 0; i++)
		if (pwrite(fd, m->buf, BLOCK, (off_t)i * BLOCK) != BLOCK)
			return "cannot write the file";
	if (fd < 0 || fsync(fd))
		return "cannot write the file";
	close(fd);
	return NULL;
}

/* Where on the drive a file is, in bytes, or -1 if it is not in one piece. */
static inline long long file_position(int fd, unsigned int blocks)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} f = { .map = { .fm_length = (__u64)blocks * BLOCK,
			 .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 1 } };

	if (ioctl(fd, FS_IOC_FIEMAP, &f.map) || f.map.fm_mapped_extents != 1 ||
	    f.extent.fe_logical || f.extent.fe_length < f.map.fm_length)
		return -1;
	return f.extent.fe_physical;
}

/*
 * A sequential reader in a hurry, by @rwf: only commands with a page it asks for
 * are urgent, what is read ahead of it is not. What is read elsewhere on the drive
 * is the file system's business.
 */
static inline void check_readahead(struct __test_metadata *_metadata,
				   struct marks *m, const char *path,
				   unsigned int pages, int rwf)
{
	int fd = open(path, O_RDONLY), nr, i, ahead = 0, wanted = 0;
	unsigned long long base = 0, first, at;
	unsigned int block = 512, page;
	struct event *e;

	ASSERT_GE(fd, 0);
	nr = open(m->d.ns, O_RDONLY);
	ioctl(nr, _IO(0x12, 104) /* BLKSSZGET */, &block);
	close(nr);
	if (strcmp(path, m->d.ns)) {
		long long position = file_position(fd, pages);

		ASSERT_GE(position, 0);
		base = position;
	}
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (page = 0; page < pages; page++) {
		first = base + (unsigned long long)page * BLOCK;
		trace_clear(&m->trace);
		ASSERT_EQ(cint_preadv2(fd, m->buf, BLOCK, first - base,
				       rwf), BLOCK);
		nr = trace_read(&m->trace, m->d.ctrl, &e);
		for (i = 0; i < nr; i++) {
			if (e[i].kind != EVENT_CMD || !e[i].qid ||
			    e[i].nsid != m->d.nsid || !e[i].blocks)
				continue;
			at = e[i].slba * block;
			if (at < base ||
			    at >= base + (unsigned long long)pages * BLOCK)
				continue;
			if (at > first) {
				ahead++;
				EXPECT_EQ(e[i].flags, 0)
					TH_LOG("%s, page %u: %llu is urgent",
					       path, page, e[i].slba);
			} else {
				wanted++;
				EXPECT_EQ(e[i].flags, FLAG_URGENT)
					TH_LOG("%s, page %u is not", path, page);
			}
		}
	}
	EXPECT_GT(wanted, 0);
	EXPECT_GT(ahead, 0);
	close(fd);
}

#endif /* CINT_SELFTEST_MARKS_H */

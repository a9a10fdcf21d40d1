/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A system in memory for cintctl, which is built with this header in front of each of its
 * files: what it asks of the C library and of the kernel is answered from a tree of files
 * that a fuzzer fills. So whatever its arguments are, nothing outside is read or written,
 * it ends without ending the process, and what it has allocated is freed.
 */
#ifndef CINT_FUZZ_WORLD_H
#define CINT_FUZZ_WORLD_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- for the fuzzers -------------------------------------------------------------------- */

/* What all paths begin with. */
#define WORLD_ROOT	"/w"
#define WORLD_CONF	WORLD_ROOT "/etc/cint.conf"

/* Three controllers: two that coalesce, nvme0 and nvme10, and nvme1 behind a network. */
void world_reset(void);
/* Writes a file, which need not be there; the directories above it are. */
void world_put(const char *path, const void *data, size_t size);
/* Its content, followed by a zero; NULL if it is not there. */
const char *world_get(const char *path, size_t *size);
/* The @nth write to an attribute from now on, 1 for the next one, fails with @error. */
void world_refuse(unsigned int nth, int error);
/* A number for the content of all files but those of /run. */
uint64_t world_sum(void);

/* Runs cintctl with these arguments. Returns its exit status. */
#define world_run(...)	world_run_words((const char *const[]){ __VA_ARGS__, NULL })
int world_run_words(const char *const *words);
/* The same with the arguments of main(). */
int world_run_list(int argc, char **argv);
/* What it has written to standard output. */
extern char *world_output;
extern size_t world_output_size;

/* The program is at fault: says what was expected, and aborts. */
#define WORLD_CHECK(condition)							\
	do {									\
		if (!(condition))						\
			world_failed(__FILE__, __LINE__, #condition);		\
	} while (0)
__attribute__((noreturn)) void world_failed(const char *file, int line, const char *what);

/* One or more values of JSON, in UTF-8, and nothing else. */
bool json_is_valid(const char *text, size_t size);

/* --- for cintctl ------------------------------------------------------------------------ */

#ifndef CINT_FUZZ_WORLD_ITSELF

extern FILE *world_out, *world_err;
extern int world_opterr;

int cintctl_main(int argc, char **argv);
__attribute__((noreturn)) void world_exit(int status);
void *world_realloc(void *pointer, size_t size);
void *world_calloc(size_t nr, size_t size);
char *world_strdup(const char *string);
int world_vasprintf(char **text, const char *format, va_list args);
void world_free(void *pointer);
int world_open(const char *path, int flags, ...);
ssize_t world_read(int fd, void *buf, size_t size);
ssize_t world_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t world_write(int fd, const void *buf, size_t size);
int world_close(int fd);
int world_fstat(int fd, struct stat *st);
int world_stat(const char *path, struct stat *st);
int world_access(const char *path, int mode);
int world_mkdir(const char *path, mode_t mode);
int world_mkostemp(char *template, int flags);
int world_rename(const char *from, const char *to);
int world_unlink(const char *path);
DIR *world_opendir(const char *path);
struct dirent *world_readdir(DIR *dir);
int world_closedir(DIR *dir);
int world_sleep(const struct timespec *time);
int world_nothing(const void *data);

#define main			cintctl_main
#define exit(status)		world_exit(status)
#define opterr			world_opterr
#undef stdout
#define stdout			world_out
#undef stderr
#define stderr			world_err
#define printf(...)		fprintf(world_out, __VA_ARGS__)
#define puts(text)		fprintf(world_out, "%s\n", text)

#define realloc(p, size)	world_realloc(p, size)
#define calloc(nr, size)	world_calloc(nr, size)
#undef strdup
#define strdup(text)		world_strdup(text)
#define vasprintf(t, f, args)	world_vasprintf(t, f, args)
#define free(p)			world_free(p)

#define open(...)		world_open(__VA_ARGS__)
#define read(fd, buf, n)	world_read(fd, buf, n)
#define pread(fd, buf, n, at)	world_pread(fd, buf, n, at)
#define write(fd, buf, n)	world_write(fd, buf, n)
#define close(fd)		world_close(fd)
#define fstat(fd, st)		world_fstat(fd, st)
#define stat(path, st)		world_stat(path, st)
#define access(path, mode)	world_access(path, mode)
#define mkdir(path, mode)	world_mkdir(path, mode)
#define mkostemp(text, flags)	world_mkostemp(text, flags)
#define rename(from, to)	world_rename(from, to)
#define unlink(path)		world_unlink(path)
#define opendir(path)		world_opendir(path)
#define readdir(dir)		world_readdir(dir)
#define closedir(dir)		world_closedir(dir)

/* No links, owners, locks, signals, processes, terminals, nor devices. */
#define readlink(...)		(errno = EINVAL, -1)
#define lstat(path, st)		world_stat(path, st)
#define fchmod(fd, mode)	0
#define fchown(fd, uid, gid)	0
#define fsync(fd)		0
#define flock(fd, how)		0
#define ioctl(fd, what, arg)	((void)(arg), errno = ENOTTY, -1)
#define geteuid()		0U
#define sigprocmask(how, new, old)	world_nothing(new)
#define sigaction(nr, new, old)	world_nothing(new)
#define fork()			((pid_t)-1)
#define setsid()		world_nothing(NULL)
#define pipe2(ends, flags)	(errno = EMFILE, -1)
#define waitpid(pid, status, how)	world_nothing(status)
#define isatty(fd)		0
#define nanosleep(time, left)	world_sleep(time)
#define clock_nanosleep(clock, flags, time, left)	world_sleep(time)
#define getenv(name)		(!strcmp(name, "CINTCTL_ROOT") ? (char *)WORLD_ROOT : NULL)

#endif /* CINT_FUZZ_WORLD_ITSELF */

#endif /* CINT_FUZZ_WORLD_H */

// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What instances of cintctl know of each other, in /run/cintctl: a lock, so that
 * one at a time changes something, and a note for each controller that has been
 * set since it appeared.
 *
 * A note holds the inode number of the controller's directory in sysfs. The
 * kernel gives each directory a number of its own until the system goes down, so
 * that the note is not taken for one of another controller that got the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cintctl.h"

#define LOCK_RETRY_NS	20000000

static char *state_path(const char *name)
{
	return xprintf("%s/run/cintctl/%s", root_dir(), name);
}

/* Opens a file there, which is made if need be; -1 and errno. */
static int state_open(const char *path, mode_t mode)
{
	char *dir = state_path("");
	int fd;

	if (mkdir(dir, 0755) && errno != EEXIST)
		fd = -1;
	else
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);
	free(dir);
	return fd;
}

bool state_lock(unsigned int seconds)
{
	static const struct timespec pause = { .tv_nsec = LOCK_RETRY_NS };
	unsigned long tries = seconds * (1000000000UL / LOCK_RETRY_NS);
	char *path = state_path("lock");
	/* For its owner only: whoever may open it may keep it from others. */
	int fd = state_open(path, 0600);

	/* Who can't have it can't change anything of the system's either. */
	if (fd < 0) {
		if (!geteuid())
			complain("going on without a lock: %s: %s", path, strerror(errno));
		free(path);
		return true;
	}
	free(path);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || !tries--) {
			close(fd);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	/* Until the process ends. */
	return true;
}

/* NULL if the controller is gone. */
static char *instance(const struct controller *controller)
{
	char *dir = xprintf("%s/sys/class/nvme/%s", root_dir(), controller->name);
	char *text = NULL;
	struct stat st;

	if (!stat(dir, &st))
		text = xprintf("%llu\n", (unsigned long long)st.st_ino);
	free(dir);
	return text;
}

bool state_is_noted(const struct controller *controller)
{
	char *path = state_path(controller->name);
	char *noted = read_file(path, NULL), *now = instance(controller);
	bool same = noted && now && !strcmp(noted, now);

	free(now);
	free(noted);
	free(path);
	return same;
}

void state_note(const struct controller *controller)
{
	char *path = state_path(controller->name), *now = instance(controller);
	int fd, error;

	if (!now || state_is_noted(controller))
		goto out;
	fd = state_open(path, 0644);
	error = fd < 0 ? errno : write_file(path, now);
	if (fd >= 0)
		close(fd);
	if (error)
		complain("%s: udev may set it anew, as nobody can be told that it has been set: "
			 "%s: %s", controller->name, path, strerror(error));
out:
	free(now);
	free(path);
}

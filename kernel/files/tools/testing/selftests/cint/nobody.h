/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A user without privileges.
 */
#ifndef CINT_SELFTEST_NOBODY_H
#define CINT_SELFTEST_NOBODY_H

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY		65534

/* A process as another user, which ends with the test. Returns its pid or -1. */
static inline pid_t start_as(uid_t uid, int (*action)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* a change of user clears the signal */
	if (setgroups(0, NULL) || setgid(uid) || setuid(uid) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(100);
	_exit(action(arg));
}

/* Waits until it is done. Returns what the action did, 100 if not run, or -1. */
static inline int result_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What a process with no privileges does; what it leaves in shared memory is known. */
static inline int as_nobody(int (*action)(void *arg), void *arg)
{
	return result_of(start_as(NOBODY, action, arg));
}

#endif /* CINT_SELFTEST_NOBODY_H */

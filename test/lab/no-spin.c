// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into fio: its pauses take no CPU.
 *
 * When it starts, fio takes the longest of ten sleeps of 1 us for the granularity
 * of the clock, and spins for that long at the end of each pause.  At 10000 paced
 * requests a second a microsecond of spinning is 1 % of the CPU, and it depends
 * on what interrupted those ten sleeps.  Without them fio sleeps to the end; the
 * hrtimer that wakes it is exact.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALIBRATION_NS	1000

int nanosleep(const struct timespec *duration, struct timespec *left)
{
	if (!duration->tv_sec && duration->tv_nsec == CALIBRATION_NS)
		return 0;
	return (int)syscall(SYS_nanosleep, duration, left);
}

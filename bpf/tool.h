/* SPDX-License-Identifier: GPL-2.0 */
/* What both tools do: find out whether they can work, and on which drives. */
#ifndef CINT_BPF_TOOL_H
#define CINT_BPF_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CONTROLLERS	64

/* Set by SIGINT and SIGTERM. */
extern volatile bool tool_stop;

/* The name before each message, and the signals. */
void tool_init(const char *name);

/* Prints "NAME: ..." to standard error and exits with status 1. */
_Noreturn void tool_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Exits with what is missing: privilege, BTF, a tracepoint of the kernel's own. */
void tool_check(void);

/* Has the kernel, or one of its NVMe modules, this tracepoint? */
bool tool_has_tracepoint(const char *name);

/*
 * Adds "nvme0", "/dev/nvme0" or, for the controllers that it is a namespace of,
 * "/dev/nvme0n1" to a set; exits if there is none such.
 */
void tool_add_controller(uint64_t *set, const char *text);

/* All there are; exits if there is none. */
uint64_t tool_all_controllers(void);

/* What is in brackets in a file of /sys/class/nvme/nvmeN/cint/, or else all of it; "" if
 * there is no such file. */
void tool_setting(unsigned int controller, const char *name, char *text, size_t size);

/* The driver decides about completions, and says so by tracepoints. */
bool tool_driver_coalesces(unsigned int controller);

double tool_number(const char *option, const char *text, double low, double high);
uint64_t tool_now_ns(void);
/* Until then, or tool_stop. */
void tool_sleep_until(uint64_t ns);

#endif /* CINT_BPF_TOOL_H */

// SPDX-License-Identifier: GPL-2.0
#include "tool.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KERNEL_BTF	"/sys/kernel/btf/vmlinux"
#define CLASS		"/sys/class/nvme"

/* <linux/capability.h> of older headers lacks the first two */
#define CAPABILITY_PERFMON	38
#define CAPABILITY_BPF		39
#define CAPABILITY_SYS_ADMIN	21

volatile bool tool_stop;
static const char *tool_name;

static void stop(int number)
{
	(void)number;
	tool_stop = true;
}

static int print_nothing(enum libbpf_print_level level, const char *format,
			 va_list arguments)
{
	(void)level;
	return getenv("CINT_BPF_DEBUG") ? vfprintf(stderr, format, arguments) : 0;
}

void tool_init(const char *name)
{
	struct sigaction action = { .sa_handler = stop };

	tool_name = name;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	libbpf_set_print(print_nothing);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
}

void tool_die(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "%s: ", tool_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static void check_privilege(void)
{
	const uint64_t both = 1ULL << CAPABILITY_BPF | 1ULL << CAPABILITY_PERFMON;
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long effective = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	if (file)
		fclose(file);
	if (!(effective >> CAPABILITY_SYS_ADMIN & 1) && (effective & both) != both)
		tool_die("missing privilege: run it as root, or with CAP_BPF and CAP_PERFMON");
}

void tool_check(void)
{
	static const char *const needed[] = {
		"nvme_setup_cmd", "nvme_complete_rq", "nvme_sq", "irq_handler_entry",
	};
	size_t i;

	check_privilege();
	if (access(KERNEL_BTF, R_OK))
		tool_die("missing BTF: " KERNEL_BTF ": %s; the kernel must be built with "
			 "CONFIG_DEBUG_INFO_BTF", strerror(errno));
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!tool_has_tracepoint(needed[i]))
			tool_die("missing tracepoint: %s; the kernel must be built with "
				 "CONFIG_BPF_EVENTS, and the nvme module be loaded", needed[i]);
}

static bool btf_has(const struct btf *btf, const char *name)
{
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

bool tool_has_tracepoint(const char *name)
{
	static const char *const modules[] = { "nvme_core", "nvme" };
	static struct btf *kernel, *module[2];
	char type[64];
	size_t i;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	if (!kernel) {
		kernel = btf__load_vmlinux_btf();
		if (!kernel)
			tool_die("cannot read " KERNEL_BTF ": %s", strerror(errno));
		for (i = 0; i < 2; i++)
			module[i] = btf__load_module_btf(modules[i], kernel);
	}
	return btf_has(kernel, type) || btf_has(module[0], type) || btf_has(module[1], type);
}

static bool exists(unsigned int controller)
{
	char path[64];

	snprintf(path, sizeof(path), CLASS "/nvme%u", controller);
	return !access(path, F_OK);
}

/* All digits, of a number that an unsigned int holds; -1: it is none. */
static long long number(const char *text)
{
	const size_t length = strspn(text, "0123456789");

	return length && length < 10 && !text[length] ? atoll(text) : -1;
}

/*
 * Whether @name is a namespace of @controller. With multipath nvme0n1 is the
 * subsystem's, and nvme0c1n1 the way to it by controller nvme1.
 */
static bool has_namespace(unsigned int controller, const char *name)
{
	unsigned int subsystem, path, namespace;
	char dir[64], disk[64];
	struct dirent *entry;
	bool has = false;
	DIR *entries;

	snprintf(dir, sizeof(dir), CLASS "/nvme%u", controller);
	entries = opendir(dir);
	while (entries && !has && (entry = readdir(entries))) {
		has = !fnmatch("nvme*n*", name, 0) && !strcmp(entry->d_name, name);
		if (sscanf(entry->d_name, "nvme%uc%un%u", &subsystem, &path, &namespace) == 3) {
			snprintf(disk, sizeof(disk), "nvme%un%u", subsystem, namespace);
			has |= !strcmp(disk, name);
		}
	}
	if (entries)
		closedir(entries);
	return has;
}

void tool_add_controller(uint64_t *set, const char *text)
{
	const char *name = strncmp(text, "/dev/", 5) ? text : text + 5;
	uint64_t found = 0;
	unsigned int i;
	long long of;

	if (strncmp(name, "nvme", 4) || !isdigit((unsigned char)name[4]))
		tool_die("--device '%s' is no NVMe controller or namespace; write nvme0", text);
	of = number(name + 4);
	if (of >= MAX_CONTROLLERS)
		tool_die("--device '%s': controllers 0 to %d can be watched", text,
			 MAX_CONTROLLERS - 1);
	for (i = 0; i < MAX_CONTROLLERS; i++)
		if (exists(i) && (of >= 0 ? of == i : has_namespace(i, name)))
			found |= 1ULL << i;
	if (!found && of >= 0)
		tool_die("--device '%s': there is no " CLASS "/%s", text, name);
	if (!found)
		tool_die("--device '%s': there is no " CLASS "/%.*s with such a namespace", text,
			 (int)(4 + strspn(name + 4, "0123456789")), name);
	*set |= found;
}

uint64_t tool_all_controllers(void)
{
	unsigned int controller;
	uint64_t set = 0;

	for (controller = 0; controller < MAX_CONTROLLERS; controller++)
		if (exists(controller))
			set |= 1ULL << controller;
	if (!set)
		tool_die("no NVMe controller: " CLASS " is empty or missing");
	return set;
}

void tool_setting(unsigned int controller, const char *name, char *text, size_t size)
{
	char path[96], *start, *end;
	FILE *file;

	text[0] = '\0';
	snprintf(path, sizeof(path), CLASS "/nvme%u/cint/%s", controller, name);
	file = fopen(path, "r");
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end) {
		*end = '\0';
		memmove(text, start + 1, strlen(start));
	}
}

bool tool_driver_coalesces(unsigned int controller)
{
	char mode[64];

	tool_setting(controller, "mode", mode, sizeof(mode));
	return mode[0] && strcmp(mode, "off") && strcmp(mode, "device");
}

double tool_number(const char *option, const char *text, double low, double high)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= low && value <= high))
		tool_die("%s '%s' is not a number of %g to %g", option, text, low, high);
	return value;
}

uint64_t tool_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void tool_sleep_until(uint64_t ns)
{
	const struct timespec end = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	while (!tool_stop &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
		;
}

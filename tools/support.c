// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What works on this machine, and why something does not. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/nvme_ioctl.h>
#include <liburing-cint.h>
#include "cintctl.h"

#define IDENTIFY_LENGTH		4096
#define IDENTIFY_OPCODE		0x06
#define IDENTIFY_CONTROLLER	1

/* Where a controller that coalesces by urgency says so, and how. */
#define IDENTIFY_CINT_OFFSET	3072
#define IDENTIFY_CINT_MAGIC	"CINT"

const char *answer_name(enum answer answer)
{
	static const char *const names[] = {
		[ANSWER_NO] = "no", [ANSWER_YES] = "yes", [ANSWER_UNKNOWN] = "unknown",
	};

	return names[answer];
}

/* With $CINTCTL_ROOT, the file in place of the device holds what Identify returns. */
static int identify_file(int fd, unsigned char *data)
{
	ssize_t got = pread(fd, data, IDENTIFY_LENGTH, 0);

	return got < 0 ? errno : got == IDENTIFY_LENGTH ? 0 : ENODATA;
}

static int identify_device(int fd, unsigned char *data)
{
	struct nvme_admin_cmd command = {
		.opcode		= IDENTIFY_OPCODE,
		.addr		= (unsigned long long)(uintptr_t)data,
		.data_len	= IDENTIFY_LENGTH,
		.cdw10		= IDENTIFY_CONTROLLER,
	};
	int ret = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);

	return ret < 0 ? errno : ret ? EIO : 0;
}

static enum answer controller_advertises(const struct controller *controller, char **reason)
{
	unsigned char data[IDENTIFY_LENGTH] __attribute__((aligned(4096))) = { 0 };
	char *path = xprintf("%s/dev/%s", root_dir(), controller->name);
	enum answer answer = ANSWER_UNKNOWN;
	struct stat st;
	int fd, error;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		*reason = xprintf("the controller can't be asked: %s: %s", path, strerror(errno));
		goto out;
	}
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && *root_dir())
		error = identify_file(fd, data);
	else
		error = identify_device(fd, data);
	close(fd);
	if (error) {
		*reason = xprintf("the controller can't be asked: Identify on %s: %s", path,
				  strerror(error));
	} else if (memcmp(data + IDENTIFY_CINT_OFFSET, IDENTIFY_CINT_MAGIC, 4)) {
		*reason = xprintf("the controller's firmware does not coalesce by urgency");
		answer = ANSWER_NO;
	} else {
		answer = ANSWER_YES;
	}
out:
	free(path);
	return answer;
}

/* Whether the kernel takes marks of urgency at all. */
static bool kernel_has_marks(void)
{
	struct cint_probe probe;

	return !cint_probe(&probe) &&
	       (probe.features & (1U << CINT_FEATURE_SQE_URGENT |
				  1U << CINT_FEATURE_RWF_URGENT));
}

enum answer controller_supported(const struct controller *controller, char **reason)
{
	struct utsname system;

	*reason = NULL;
	if (controller->coalesces)
		return ANSWER_YES;
	uname(&system);
	if (*controller->transport && strcmp(controller->transport, "pcie"))
		*reason = xprintf("its transport is %s; only those on PCIe are coalesced",
				  controller->transport);
	else if (kernel_has_marks())
		*reason = xprintf("this kernel (%s) is built without CONFIG_NVME_CINT",
				  system.release);
	else
		*reason = xprintf("this kernel (%s) does not have the cint patch series",
				  system.release);
	return ANSWER_NO;
}

void complain_unsupported(const struct controller *controller, const char *what)
{
	char *reason;

	controller_supported(controller, &reason);
	complain("%s%s: %s", controller->name, what, reason);
	free(reason);
}

enum answer controller_mode_supported(const struct controller *controller, const char *mode,
				      char **reason)
{
	*reason = NULL;
	if (!strcmp(mode, "off"))
		return ANSWER_YES;
	if (!strcmp(mode, "device"))
		return controller_advertises(controller, reason);
	/* What a mode needs is the driver's to tell, when it is chosen. */
	return ANSWER_YES;
}

/* "off", "THRESHOLD MICROSECONDS exempt", or "... all": of urgent completions, too. */
enum answer controller_hw_coalescing(const struct controller *controller, char **reason)
{
	const struct attribute *state = controller_attribute(controller, "hw_coalescing");
	unsigned int threshold, time_us;
	char who[8];

	*reason = NULL;
	if (!state)
		return ANSWER_UNKNOWN;
	if (!state->value) {
		*reason = xprintf("it can't be read: %s", strerror(state->error));
		return ANSWER_UNKNOWN;
	}
	if (!strcmp(state->value, "off"))
		return ANSWER_NO;
	if (sscanf(state->value, "%u %u %7s", &threshold, &time_us, who) != 3 ||
	    (strcmp(who, "exempt") && strcmp(who, "all"))) {
		*reason = xprintf("the kernel says '%s'", state->value);
		return ANSWER_UNKNOWN;
	}
	if (!strcmp(who, "exempt"))
		*reason = xprintf("the drive waits for %u completions or %u us; urgent requests "
				  "are exempt", threshold, time_us);
	else
		*reason = xprintf("the drive waits for %u completions or %u us, for urgent "
				  "requests too: each may take up to %u us longer; 'nvme "
				  "set-feature /dev/%s --feature-id=8 --value=0' switches that "
				  "off", threshold, time_us, time_us, controller->name);
	return ANSWER_YES;
}

enum answer controller_settable(const struct controller *controller, char **reason)
{
	enum answer answer = ANSWER_YES;
	char *path;

	*reason = NULL;
	if (!controller->coalesces) {
		*reason = xprintf("there is nothing to set");
		return ANSWER_NO;
	}
	path = controller_path(controller, "mode");
	if (access(path, W_OK)) {
		*reason = xprintf("%s: %s%s", path, strerror(errno),
				  geteuid() ? "; you are not root" : "");
		answer = ANSWER_NO;
	}
	free(path);
	return answer;
}

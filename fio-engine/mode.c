// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the drivers of a job's drives do with its marks: nothing in mode off. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "cint.h"

/* Of a drive, a partition, and a namespace with several paths. */
static const char *const cint_mode_files[] = {
	"device/cint/mode", "../device/cint/mode", "device/nvme*/cint/mode",
};

/* Whether the mode in this file of sysfs is off: the one in force is in brackets. */
static bool cint_mode_is_off(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[128] = "";
	bool off;

	if (!file)
		return false;
	off = fgets(line, sizeof(line), file) && strstr(line, "[off]");
	fclose(file);
	return off;
}

static void cint_mode_warn(const char *path, const char *file_name)
{
	char *real = realpath(path, NULL), *controller;

	if (!real)
		return;
	/* .../nvme0/cint/mode */
	*strstr(real, "/cint/mode") = '\0';
	controller = strrchr(real, '/') + 1;
	cint_say("cint: '%s': %s is in mode off, so marks and parameters change nothing there; "
		 "'cintctl set %s mode=split' or another mode changes that, see cintctl(8)\n",
		 file_name, controller, controller);
	free(real);
}

static bool cint_mode_check(const char *file_name)
{
	char pattern[128];
	bool off = false;
	unsigned int i;
	struct stat st;
	glob_t found;
	dev_t dev;

	if (stat(file_name, &st))
		return false;
	dev = S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode) ? st.st_rdev : st.st_dev;
	for (i = 0; i < sizeof(cint_mode_files) / sizeof(cint_mode_files[0]) && !off; i++) {
		snprintf(pattern, sizeof(pattern), "/sys/dev/%s/%u:%u/%s",
			 S_ISCHR(st.st_mode) ? "char" : "block", major(dev), minor(dev),
			 cint_mode_files[i]);
		if (glob(pattern, 0, NULL, &found))
			continue;
		off = cint_mode_is_off(found.gl_pathv[0]);
		if (off && cint_first_to_tell(CINT_TOLD_MODE))
			cint_mode_warn(found.gl_pathv[0], file_name);
		globfree(&found);
	}
	return off;
}

/* Called for jobs whose marks go to the kernel. */
void cint_mode_tell(struct thread_data *td)
{
	struct fio_file *f;
	unsigned int i;

	for_each_file(td, f, i) {
		if (cint_mode_check(f->file_name))
			return;
	}
}

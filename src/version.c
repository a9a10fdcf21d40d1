// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The library's version, and texts for its errors. */
#include <errno.h>
#include <string.h>
#include "liburing-cint.h"

unsigned int cint_version_major(void)
{
	return LIBURING_CINT_VERSION_MAJOR;
}

unsigned int cint_version_minor(void)
{
	return LIBURING_CINT_VERSION_MINOR;
}

/* The errors that mean something more precise here than errno(3) says. */
const char *cint_strerror(int error)
{
	const char *text;

	if (error < 0)
		error = (int)-(unsigned int)error;
	switch (error) {
	case 0:
		return "success";
	case EINVAL:
		return "a parameter is out of its range, see cint_params_explain(3)";
	case EOPNOTSUPP:
		return "this kernel does not support it, see cint_probe(3)";
	default:
		text = strerrordesc_np(error);
		return text ? text : "unknown error";
	}
}

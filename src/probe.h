/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside the library: talking to the kernel. */
#ifndef CINT_PROBE_H
#define CINT_PROBE_H

#include <stdbool.h>
#include "liburing-cint.h"

/*
 * The kernel's enumerators have these numbers, too; a macro of their name would
 * break a newer <linux/io_uring.h>.
 */
#define CINT_REGISTER_OPCODE	60	/* IORING_REGISTER_CINT */
#define CINT_UNREGISTER_OPCODE	61	/* IORING_UNREGISTER_CINT */

bool cint_forced_stock(void);
bool cint_has_ring_params(void);
bool cint_kernel_gathers(void);

#endif /* CINT_PROBE_H */

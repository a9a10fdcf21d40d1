/*
 * The coalescing policy: the very source that the kernel is built with
 *
 * It brings its own basic definitions, so osdep.h is not included here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/* EXPORT_SYMBOL_GPL() declares its argument once more */
#pragma GCC diagnostic ignored "-Wredundant-decls"

#include "cint-policy.c.inc"

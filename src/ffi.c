// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The header's inline functions as symbols, for languages that cannot compile
 * them.  Everything else is in the library that this one depends on.
 */
#define CINTINLINE	__attribute__((visibility("default")))
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "liburing-cint.h"

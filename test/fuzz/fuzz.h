/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef CINT_FUZZ_H
#define CINT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input; returns 0. libFuzzer calls it, or replay.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* CINT_FUZZ_H */

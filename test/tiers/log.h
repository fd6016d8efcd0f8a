/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module and what it did, as bytes for another engine to repeat (repeat.mjs). Numbers are little-endian, a text is u8
 * length and bytes.
 *   record   u64 seed, u32 size, module, text why instantiation trapped ("": it did not), u8 calls, call...,
 *            u8 globals, u64..., u8 tables, (u32 size, u32 digest)..., u32 host calls, u32 digest of their arguments,
 *            u32 pages, (u32 number, LOG_BLOCK bytes)... of the memory's blocks that are not all zero, u32 ~0
 *   call     u8 which exported function, u64 arguments[4], text why it trapped, u8 results, u64...
 */
#ifndef BROCH_TEST_TIERS_LOG_H
#define BROCH_TEST_TIERS_LOG_H

#include "test/tiers/run.h"

#include <stdio.h>

enum { LOG_BLOCK = 1024 };

/* False: it could not be written. */
bool log_write(FILE *f, uint64_t seed, struct slice module, const struct run *r);

#endif

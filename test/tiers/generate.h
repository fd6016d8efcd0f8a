/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random valid modules, for comparing tiers and engines. Every instruction of WebAssembly 2.0 without SIMD may appear,
 * blocks and functions of several values, references that are not null, three tables of which one has externrefs,
 * segments of all modes, host functions (run.c) and a start function. Some functions are so small that they are inlined. A module ends soon: global 0 is a budget that
 * loops and functions use up. No bit pattern of a NaN is observed, which the specification leaves open. Exports "f0",
 * "f1"... of type [i32 i64 f32 f64] -> values, globals, tables and a memory.
 */
#ifndef BROCH_TEST_TIERS_GENERATE_H
#define BROCH_TEST_TIERS_GENERATE_H

#include "lib/base/slice.h"

enum { GENERATE_FUNCTIONS = 24 /* of one module, at most */, GENERATE_MAX = 1 << 16 };

/* The same seed, the same module. */
struct slice generate_module(uint64_t seed, uint8_t out[static GENERATE_MAX]);

#endif

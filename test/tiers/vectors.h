/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random valid modules about vectors, for comparing tiers and engines: every instruction of simd.def on locals, a
 * global, memory, blocks that give vectors and calls with vectors in their signatures. They end soon: loops count. No
 * bit pattern of a NaN that arithmetic made is observed, which the specification leaves open. Exports "f0", "f1"... of
 * type [i32 i64 f32 f64] -> one number, one global that nothing uses and a memory, as run.c wants them.
 */
#ifndef BROCH_TEST_TIERS_VECTORS_H
#define BROCH_TEST_TIERS_VECTORS_H

#include "test/tiers/generate.h"

/* The same seed, the same module. */
struct slice generate_vectors(uint64_t seed, uint8_t out[static GENERATE_MAX]);

#endif

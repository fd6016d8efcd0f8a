/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of 16 bytes, as both WebAssembly and x86-64 have them, in words of the compiler that both understand. */
#ifndef BROCH_BENCH_VECTOR_H
#define BROCH_BENCH_VECTOR_H

#include "bench/engine/kernel.h"

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x8 __attribute__((vector_size(8)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A module of 16 pages with 96 KiB of data, of which a call reads a little and writes a little. */
#include <stdint.h>

enum { WORDS = 24 << 10, STEP = 4096 };

#define R4(x)   (x), (x) + 1, (x) + 2, (x) + 3
#define R16(x)  R4(x), R4((x) + 4), R4((x) + 8), R4((x) + 12)
#define R64(x)  R16(x), R16((x) + 16), R16((x) + 32), R16((x) + 48)
#define R256(x) R64(x), R64((x) + 64), R64((x) + 128), R64((x) + 192)
#define R1K(x)  R256(x), R256((x) + 256), R256((x) + 512), R256((x) + 768)
#define R8K(x)  R1K(x), R1K((x) + 1024), R1K((x) + 2048), R1K((x) + 3072), R1K((x) + 4096), R1K((x) + 5120), R1K((x) + 6144), R1K((x) + 7168)

static uint32_t words[WORDS] = {R8K(1), R8K(8193), R8K(16385)};

/* The same for every instance, whatever others have written. */
__attribute__((export_name("kernel"))) uint32_t kernel(uint32_t n)
{
	uint32_t sum = n;

	for (uint32_t i = n % STEP; i < WORDS; i += STEP) {
		sum = sum * 31 + words[i];
		words[i] = sum;
	}
	return sum;
}

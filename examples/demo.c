/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `make demo` deploys: shows what it was given (arguments, environment, a package file), uses a file of its own, and
 * computes a digest that the tenant can check with sha256sum.
 *   broch run -e GREETING=hello --dir examples/data::/data build/examples/demo.wasm one two
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- SHA-256 (FIPS 180-4) ---- */

struct sha256 {
	uint32_t h[8];
	uint64_t size;
	uint8_t block[64];
};

static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
	0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
	0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void compress(struct sha256 *s)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
		       (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(v, s->h, sizeof v);
	for (int i = 0; i < 64; i++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t1 = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
		uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof v[0]);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static void sha256_add(struct sha256 *s, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		s->block[s->size++ % 64] = data[i];
		if (s->size % 64 == 0)
			compress(s);
	}
}

static void sha256_print(struct sha256 *s)
{
	uint64_t bits = s->size * 8;
	uint8_t length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	sha256_add(s, (const uint8_t *)"\x80", 1);
	while (s->size % 64 != 56)
		sha256_add(s, (const uint8_t *)"", 1);
	sha256_add(s, length, sizeof length);
	for (int i = 0; i < 8; i++)
		printf("%08x", (unsigned)s->h[i]);
}

/* ---- the demonstration ---- */

extern char **environ;

static void show_given(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	for (char **e = environ; *e != NULL; e++)
		printf("environment: %s\n", *e);
}

static int show_digest(const char *path)
{
	FILE *f = fopen(path, "r");
	struct sha256 s;
	uint8_t buffer[4096];
	size_t n;

	if (f == NULL) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	sha256_init(&s);
	while ((n = fread(buffer, 1, sizeof buffer, f)) > 0)
		sha256_add(&s, buffer, n);
	sha256_print(&s);
	printf("  %s\n", path);
	return fclose(f);
}

/* 1 MiB of a fixed pattern, so that the digest is always the same. */
static int write_own(const char *path)
{
	FILE *f = fopen(path, "w");
	uint32_t x = 1;

	if (f == NULL) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	for (int i = 0; i < 1 << 20; i++) {
		x = x * 1664525u + 1013904223u;
		putc((int)(x >> 24), f);
	}
	return fclose(f);
}

int main(int argc, char **argv)
{
	int failed = 0;

	show_given(argc, argv);
	failed |= show_digest("/data/message.txt");
	failed |= write_own("/pattern.bin");
	failed |= show_digest("/pattern.bin");
	puts(failed ? "something is missing" : "all done");
	return failed ? 1 : 0;
}

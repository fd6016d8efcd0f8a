/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library for other modules that keeps a key: it takes the key from the file in which it was delivered, removes that file
 * before the program starts, and from then on gives away tags only (SipHash-2-4). Each module has a memory of its own, so
 * the program that imports from this one cannot read the key, whatever is wrong with it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name(name)))

enum { KEY_SIZE = 16, WORD = 8 };
static const char key_file[] = "/run/secrets/key";

static uint64_t key[2], v[4];
static uint64_t word; /* bytes that do not fill one yet */
static unsigned length;

static void fail(const char *why)
{
	fprintf(stderr, "vault: %s: %s\n", key_file, why);
	exit(1);
}

/* Runs before the program does: it is part of _initialize. */
__attribute__((constructor)) static void take_key(void)
{
	unsigned char bytes[KEY_SIZE];
	FILE *f = fopen(key_file, "rb");

	if (f == NULL || fread(bytes, 1, sizeof bytes, f) != sizeof bytes)
		fail("there must be a key of 16 bytes");
	fclose(f);
	if (unlink(key_file) != 0)
		fail("it cannot be removed");
	for (unsigned i = 0; i < KEY_SIZE; i++)
		key[i / WORD] |= (uint64_t)bytes[i] << 8 * (i % WORD);
	memset(bytes, 0, sizeof bytes);
}

static uint64_t turn(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void rounds(unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1], v[1] = turn(v[1], 13) ^ v[0], v[0] = turn(v[0], 32);
		v[2] += v[3], v[3] = turn(v[3], 16) ^ v[2];
		v[0] += v[3], v[3] = turn(v[3], 21) ^ v[0];
		v[2] += v[1], v[1] = turn(v[1], 17) ^ v[2], v[2] = turn(v[2], 32);
	}
}

static void take_word(void)
{
	v[3] ^= word;
	rounds(2);
	v[0] ^= word;
	word = 0;
}

EXPORT("begin") void vault_begin(void)
{
	v[0] = key[0] ^ UINT64_C(0x736f6d6570736575), v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key[0] ^ UINT64_C(0x6c7967656e657261), v[3] = key[1] ^ UINT64_C(0x7465646279746573);
	word = length = 0;
}

EXPORT("add") void vault_add(unsigned byte)
{
	word |= (uint64_t)(byte & 0xff) << 8 * (length % WORD);
	if (++length % WORD == 0)
		take_word();
}

EXPORT("tag") uint64_t vault_tag(void)
{
	word |= (uint64_t)(length & 0xff) << 56;
	take_word();
	v[2] ^= 0xff;
	rounds(4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

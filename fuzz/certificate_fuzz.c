/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a peer's certificate, and as a file of roots. The PEM decoder takes several times as long as all the rest,
 * and makes nothing of bytes without a beginning of an object: of those it gets the short ones only.
 */
#include "lib/tls/leaf.h"
#include "lib/tls/roots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct slice s, const uint8_t *data, size_t size)
{
	return s.data >= data && s.data + s.size <= data + size;
}

static bool maybe_pem(const uint8_t *data, size_t size)
{
	static const char begin[] = "-----BEGIN ";

	return size <= 64 || memmem(data, size, begin, sizeof begin - 1) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[1 << 20];
	struct arena a = arena_of(memory, sizeof memory);
	struct tls_trust trust = {0};
	struct note n = {""};
	struct leaf leaf;

	if (leaf_read(slice_of(data, size), &leaf) == OK)
		CHECK(inside(leaf.spki, data, size) && inside(leaf.subject, data, size));
	if (!maybe_pem(data, size))
		return 0;
	if (roots_read(&a, slice_of(data, size), &trust, &n) == OK)
		CHECK(trust.root_count > 0 && trust.root_count <= ROOTS_MAX);
	else
		CHECK(n.text[0] != 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a CCA token: all that is read lies inside the input and within the limits the header promises. */
#include "lib/attest/cca_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, const uint8_t *data, size_t size)
{
	CHECK(s.size == 0 || (s.data >= data && s.data + s.size <= data + size));
}

static void hash(struct slice s, const uint8_t *data, size_t size)
{
	inside(s, data, size);
	CHECK(s.size == 32 || s.size == 48 || s.size == 64);
}

static void message(const struct cose_sign1 *m, const uint8_t *data, size_t size)
{
	static uint8_t bytes[CCA_TOKEN_SIZE_MAX + COSE_OVERHEAD_MAX];
	struct writer w = wr_of(bytes, sizeof bytes);

	inside(m->protected_header, data, size);
	inside(m->payload, data, size);
	inside(m->signature, data, size);
	CHECK(m->tagged && m->signature.size <= COSE_SIGNATURE_MAX);
	CHECK(cose_signed_bytes(m, &w) == OK); /* the overhead is as promised */
}

static void key(struct slice encoded, const uint8_t *data, size_t size)
{
	struct cose_key k;

	if (cca_realm_key(encoded, &k) != OK)
		return;
	inside(k.x, data, size);
	inside(k.y, data, size);
	CHECK(k.x.size == cose_curve_size(k.curve) && (k.y.size == 0 || k.y.size == k.x.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cca_token t;
	struct note n = {""};

	key(slice_of(data, size), data, size);
	if (cca_token_parse(slice_of(data, size), &t, &n) != OK) {
		CHECK(n.text[0] != 0);
		return 0;
	}
	message(&t.platform.cose, data, size);
	message(&t.realm.cose, data, size);
	CHECK(t.platform.component_count >= 1 && t.platform.component_count <= CCA_COMPONENTS_MAX);
	for (size_t i = 0; i < t.platform.component_count; i++) {
		hash(t.platform.components[i].measurement, data, size);
		hash(t.platform.components[i].signer, data, size);
		inside(t.platform.components[i].type, data, size);
	}
	hash(t.platform.challenge, data, size);
	hash(t.realm.initial, data, size);
	for (size_t i = 0; i < CCA_EXTENSIBLE_COUNT; i++)
		hash(t.realm.extensible[i], data, size);
	CHECK(t.realm.challenge.size == CCA_CHALLENGE_SIZE && t.platform.instance.data[0] == 1);
	CHECK(t.realm.key.size > 0);
	key(t.realm.key, data, size);
	return 0;
}

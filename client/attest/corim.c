/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/corim.h"

#include "client/attest/ecdsa.h"
#include "lib/attest/cbor_any.h"
#include "lib/attest/cose.h"
#include "lib/base/hex.h"
#include "lib/cbor/cbor.h"

#include <stdio.h>

/* Tags and keys of the draft's CDDL. */
enum { TAG_UNSIGNED = 501, TAG_COMID = 506, TAG_SIGN1 = 18 };
enum { CORIM_ID = 0, CORIM_TAGS = 1, CORIM_VALIDITY = 4, VALIDITY_FROM = 0, VALIDITY_TO = 1, TAG_EPOCH = 1 };
enum { COMID_IDENTITY = 1, COMID_TRIPLES = 4 };
enum { IDENTITY_ID = 0, TRIPLES_REFERENCE = 0, ENVIRONMENT_CLASS = 0, CLASS_VENDOR = 1, CLASS_MODEL = 2 };
enum { MEASUREMENT_KEY = 0, MEASUREMENT_VALUES = 1, VALUES_DIGESTS = 2, VALUES_REGISTERS = 14 };
/* COSE headers. */
enum { HEADER_ALG = 1, HEADER_TYPE = 3, HEADER_META = 8, META_SIGNER = 0, SIGNER_NAME = 0 };

enum { ID_BYTES = 16, ID_SIZE = 2 * ID_BYTES + 16 };

/* ---- reference triples ---- */

static bool text_ok(const char *text)
{
	return strlen(text) <= CORIM_TEXT_MAX && utf8_valid(slice_text(text));
}

/* Numbers of the registry of named information hash algorithms; 0: none. */
static uint64_t hash_id(size_t size)
{
	return size == 32 ? 1 : size == 48 ? 7 : size == 64 ? 8 : 0;
}

static enum err put_digests(struct writer *w, struct slice digest)
{
	if (hash_id(digest.size) == 0)
		return ERR_INVALID;
	TRY(cbor_put_array(w, 1));
	TRY(cbor_put_array(w, 2));
	TRY(cbor_put_uint(w, hash_id(digest.size)));
	return cbor_put_bytes(w, digest);
}

/* How many values from here on are one measurement: the registers of a set, or one digest. */
static size_t together(const struct corim_value *v, size_t left)
{
	size_t n = 1;

	while (v->is_register && n < left && v[n].is_register && strcmp(v[n].name, v->name) == 0 &&
	       v[n].index > v[n - 1].index)
		n++;
	return n;
}

static enum err put_measurement(struct writer *w, const struct corim_value *v, size_t count)
{
	if (!text_ok(v->name))
		return ERR_INVALID;
	TRY(cbor_put_map(w, 2));
	TRY(cbor_put_uint(w, MEASUREMENT_KEY));
	TRY(cbor_put_text(w, slice_text(v->name)));
	TRY(cbor_put_uint(w, MEASUREMENT_VALUES));
	TRY(cbor_put_map(w, 1));
	TRY(cbor_put_uint(w, v->is_register ? VALUES_REGISTERS : VALUES_DIGESTS));
	if (!v->is_register)
		return put_digests(w, v->digest);
	TRY(cbor_put_map(w, count));
	for (size_t i = 0; i < count; i++) {
		TRY(cbor_put_uint(w, v[i].index));
		TRY(put_digests(w, v[i].digest));
	}
	return OK;
}

static enum err put_environment(struct writer *w, const struct corim_reference *r)
{
	if (!text_ok(r->vendor) || !text_ok(r->model))
		return ERR_INVALID;
	TRY(cbor_put_map(w, 1));
	TRY(cbor_put_uint(w, ENVIRONMENT_CLASS));
	TRY(cbor_put_map(w, 2));
	TRY(cbor_put_uint(w, CLASS_VENDOR));
	TRY(cbor_put_text(w, slice_text(r->vendor)));
	TRY(cbor_put_uint(w, CLASS_MODEL));
	return cbor_put_text(w, slice_text(r->model));
}

static enum err put_triple(struct writer *w, const struct corim_reference *r)
{
	size_t measurements = 0;

	if (r->count == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < r->count; i += together(r->values + i, r->count - i))
		measurements++;
	TRY(cbor_put_array(w, 2));
	TRY(put_environment(w, r));
	TRY(cbor_put_array(w, measurements));
	for (size_t i = 0; i < r->count; i += together(r->values + i, r->count - i))
		TRY(put_measurement(w, r->values + i, together(r->values + i, r->count - i)));
	return OK;
}

static enum err put_triples(struct writer *w, const struct corim_reference *refs, size_t count)
{
	if (count == 0)
		return ERR_INVALID;
	TRY(cbor_put_map(w, 1));
	TRY(cbor_put_uint(w, TRIPLES_REFERENCE));
	TRY(cbor_put_array(w, count));
	for (size_t i = 0; i < count; i++)
		TRY(put_triple(w, &refs[i]));
	return OK;
}

/* ---- the manifest ---- */

static void id_of(const char *what, struct slice content, char out[static ID_SIZE])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(content.data, content.size, digest);
	hex_encode(slice_of(digest, ID_BYTES), out + snprintf(out, ID_SIZE, "%s", what));
}

static enum err put_comid(struct writer *w, struct slice triples)
{
	char id[ID_SIZE];

	id_of("broch-comid-", triples, id);
	TRY(cbor_put_map(w, 2));
	TRY(cbor_put_uint(w, COMID_IDENTITY));
	TRY(cbor_put_map(w, 1));
	TRY(cbor_put_uint(w, IDENTITY_ID));
	TRY(cbor_put_text(w, slice_text(id)));
	TRY(cbor_put_uint(w, COMID_TRIPLES));
	return wr_bytes(w, triples);
}

static enum err put_time(struct writer *w, uint64_t key, int64_t at)
{
	TRY(cbor_put_uint(w, key));
	TRY(cbor_any_put_tag(w, TAG_EPOCH));
	return cbor_any_put_int(w, at);
}

static enum err put_validity(struct writer *w, const struct corim_validity *v)
{
	if (v->has_from && v->from > v->to)
		return ERR_INVALID;
	TRY(cbor_put_uint(w, CORIM_VALIDITY));
	TRY(cbor_put_map(w, v->has_from ? 2 : 1));
	if (v->has_from)
		TRY(put_time(w, VALIDITY_FROM, v->from));
	return put_time(w, VALIDITY_TO, v->to);
}

static enum err put_manifest(struct writer *w, struct slice comid, const struct corim_validity *validity)
{
	char id[ID_SIZE];

	id_of("broch-corim-", comid, id);
	TRY(cbor_any_put_tag(w, TAG_UNSIGNED));
	TRY(cbor_put_map(w, validity != NULL ? 3 : 2));
	TRY(cbor_put_uint(w, CORIM_ID));
	TRY(cbor_put_text(w, slice_text(id)));
	TRY(cbor_put_uint(w, CORIM_TAGS));
	TRY(cbor_put_array(w, 1));
	TRY(cbor_any_put_tag(w, TAG_COMID));
	TRY(cbor_put_bytes(w, comid));
	return validity != NULL ? put_validity(w, validity) : OK;
}

enum err corim_write(const struct corim_reference *refs, size_t count, const struct corim_validity *validity,
                     struct writer *w)
{
	uint8_t inner[CORIM_SIZE_MAX], outer[CORIM_SIZE_MAX];
	struct writer triples = wr_of(inner, sizeof inner), comid = wr_of(outer, sizeof outer);

	TRY(put_triples(&triples, refs, count));
	TRY(put_comid(&comid, wr_slice(&triples)));
	return put_manifest(w, wr_slice(&comid), validity);
}

/* ---- the signature ---- */

static const struct {
	int64_t cose;
	enum ecdsa_hash hash;
} algorithms[ECDSA_CURVE_COUNT] = {
        [ECDSA_P256] = {-7, ECDSA_SHA256},
        [ECDSA_P384] = {-35, ECDSA_SHA384},
        [ECDSA_P521] = {-36, ECDSA_SHA512},
};

static enum err put_header(struct writer *w, int64_t algorithm, const char *signer)
{
	uint8_t bytes[CORIM_TEXT_MAX + 16];
	struct writer meta = wr_of(bytes, sizeof bytes);

	TRY(cbor_put_map(&meta, 1));
	TRY(cbor_put_uint(&meta, META_SIGNER));
	TRY(cbor_put_map(&meta, 1));
	TRY(cbor_put_uint(&meta, SIGNER_NAME));
	TRY(cbor_put_text(&meta, slice_text(signer)));
	TRY(cbor_put_map(w, 3));
	TRY(cbor_put_uint(w, HEADER_ALG));
	TRY(cbor_any_put_int(w, algorithm));
	TRY(cbor_put_uint(w, HEADER_TYPE));
	TRY(cbor_put_text(w, slice_text("application/rim+cbor")));
	TRY(cbor_put_uint(w, HEADER_META));
	return cbor_put_bytes(w, wr_slice(&meta));
}

static enum err put_message(struct writer *w, const struct cose_sign1 *m)
{
	TRY(cbor_any_put_tag(w, TAG_SIGN1));
	TRY(cbor_put_array(w, 4));
	TRY(cbor_put_bytes(w, m->protected_header));
	TRY(cbor_put_map(w, 0));
	TRY(cbor_put_bytes(w, m->payload));
	return cbor_put_bytes(w, m->signature);
}

enum err corim_sign(EVP_PKEY *key, const char *signer, struct slice manifest, struct writer *w, struct note *n)
{
	uint8_t header[CORIM_TEXT_MAX + 64], signed_bytes[CORIM_SIGNED_MAX], pair[ECDSA_PAIR_MAX];
	struct writer h = wr_of(header, sizeof header), s = wr_of(signed_bytes, sizeof signed_bytes);
	struct cose_sign1 m = {.payload = manifest};
	enum ecdsa_curve curve;
	size_t size = 0;

	if (!ecdsa_curve_of(key, &curve))
		return refuse(n, ERR_INVALID, "manifests are signed with an EC key on P-256, P-384 or P-521");
	if (!text_ok(signer))
		return refuse(n, ERR_INVALID, "the signer's name is longer than %u bytes, or no UTF-8",
		              (unsigned)CORIM_TEXT_MAX);
	TRY(put_header(&h, algorithms[curve].cose, signer));
	m.protected_header = wr_slice(&h);
	TRY(cose_signed_bytes(&m, &s));
	if (!ecdsa_sign(key, algorithms[curve].hash, wr_slice(&s), pair, &size))
		return refuse(n, ERR_CRYPTO, "signing failed: is the private key there?");
	m.signature = slice_of(pair, size);
	return put_message(w, &m);
}

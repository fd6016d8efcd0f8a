/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/dice.h"

#include "lib/attest/cbor_any.h"
#include "lib/cbor/cbor.h"

enum { TAG_EVIDENCE = 60000, CLAIMS_MAX = 64 };

static size_t hash_size(uint64_t algorithm)
{
	switch (algorithm) {
	case DICE_SHA256: return 32;
	case DICE_SHA384: return 48;
	case DICE_SHA512: return 64;
	default: return 0;
	}
}

/* [algorithm, digest], in the map itself or, as most write it, encoded in a byte string. */
static enum err key_hash(struct reader *claims, struct dice_evidence *out, struct note *n)
{
	struct cbor_any item, list;
	struct reader inner, *r = claims;
	bool wrapped;

	TRY(cbor_any(claims, &item));
	wrapped = item.kind == ANY_BYTES;
	if (wrapped) {
		inner = rd_of(item.string);
		r = &inner;
		TRY(cbor_any(r, &item));
	}
	list = item;
	if (list.kind != ANY_ARRAY || (!list.open && list.value != 2))
		return ERR_FORMAT;
	TRY(cbor_any_of(r, ANY_UINT, &item));
	if (hash_size(item.value) == 0)
		return refuse(n, ERR_UNSUPPORTED, "the key's hash is of algorithm %llu",
		              (unsigned long long)item.value);
	out->hash = (enum dice_hash)item.value;
	TRY(cbor_any_of(r, ANY_BYTES, &item));
	if (item.string.size != hash_size(out->hash))
		return refuse(n, ERR_FORMAT, "the key's hash has %llu bytes", (unsigned long long)item.string.size);
	out->key_hash = item.string;
	TRY(cbor_any_leave(r, &list));
	return wrapped ? rd_end(r) : OK;
}

static enum err nonce(struct reader *r, struct dice_evidence *out)
{
	struct cbor_any item;

	TRY(cbor_any_of(r, ANY_BYTES, &item));
	out->nonce = item.string;
	return OK;
}

static enum err manifest(struct reader *r, struct dice_evidence *out, struct note *n)
{
	struct cbor_any item;

	TRY(cbor_any_of(r, ANY_BYTES, &item));
	if (item.string.size != 32)
		return refuse(n, ERR_FORMAT, "the manifest's digest has %llu bytes",
		              (unsigned long long)item.string.size);
	out->manifest = item.string;
	return OK;
}

/* One claim. What stands there twice could be read in two ways. */
static enum err claim(struct reader *r, struct dice_evidence *out, struct note *n)
{
	struct cbor_any name;

	if (cbor_any(r, &name) != OK)
		return ERR_FORMAT;
	if (name.kind == ANY_TEXT && slice_is(name.string, "pubkey-hash"))
		return out->key_hash.size == 0 ? key_hash(r, out, n) : ERR_FORMAT;
	if (name.kind == ANY_TEXT && slice_is(name.string, "nonce"))
		return out->nonce.data == NULL ? nonce(r, out) : ERR_FORMAT;
	if (name.kind == ANY_TEXT && slice_is(name.string, "broch-manifest"))
		return out->manifest.data == NULL ? manifest(r, out, n) : ERR_FORMAT;
	return name.kind == ANY_TEXT || name.kind == ANY_UINT || name.kind == ANY_NEGATIVE ? cbor_any_skip(r)
	                                                                                   : ERR_FORMAT;
}

static enum err claims(struct dice_evidence *out, struct note *n)
{
	struct reader r = rd_of(out->claims);
	struct cbor_any map;

	if (cbor_any_of(&r, ANY_MAP, &map) != OK)
		return refuse(n, ERR_FORMAT, "the claims are not a CBOR map");
	for (unsigned i = 0; cbor_any_more(&r, &map); i++) {
		enum err err = i < CLAIMS_MAX ? claim(&r, out, n) : ERR_LIMIT;

		if (err != OK)
			return refuse(n, err, "claim %u cannot be read", i);
	}
	if (rd_end(&r) != OK)
		return refuse(n, ERR_TRAILING, "bytes behind the claims");
	return out->key_hash.size > 0 ? OK : refuse(n, ERR_FORMAT, "the claims do not name the key (pubkey-hash)");
}

enum err dice_evidence_read(struct slice value, struct dice_evidence *out, struct note *n)
{
	struct reader r = rd_of(value);
	struct cbor_any tag, list, quote, map;

	*out = (struct dice_evidence){0};
	if (cbor_any_of(&r, ANY_TAG, &tag) != OK)
		return refuse(n, ERR_FORMAT, "the evidence is not tagged CBOR");
	if (tag.value != TAG_EVIDENCE)
		return refuse(n, ERR_UNSUPPORTED, "evidence of tag %llu, not %d", (unsigned long long)tag.value,
		              TAG_EVIDENCE);
	if (cbor_any_enter(&r, ANY_ARRAY, 2, &list) != OK || cbor_any_of(&r, ANY_BYTES, &quote) != OK ||
	    cbor_any_of(&r, ANY_BYTES, &map) != OK || cbor_any_leave(&r, &list) != OK)
		return refuse(n, ERR_FORMAT, "the evidence is not [quote, claims]");
	if (rd_end(&r) != OK)
		return refuse(n, ERR_TRAILING, "bytes behind the evidence");
	out->quote = quote.string;
	out->claims = map.string;
	return claims(out, n);
}

enum err dice_claims_write(const uint8_t key_hash[static 32], const uint8_t manifest_digest[static 32],
                           uint8_t out[static DICE_CLAIMS_MAX], size_t *size)
{
	uint8_t inner[64];
	struct writer w = wr_of(out, DICE_CLAIMS_MAX), hash = wr_of(inner, sizeof inner);

	TRY(cbor_put_array(&hash, 2));
	TRY(cbor_put_uint(&hash, DICE_SHA256));
	TRY(cbor_put_bytes(&hash, slice_of(key_hash, 32)));
	TRY(cbor_put_map(&w, 2));
	TRY(cbor_put_text(&w, slice_text("pubkey-hash")));
	TRY(cbor_put_bytes(&w, wr_slice(&hash)));
	TRY(cbor_put_text(&w, slice_text("broch-manifest")));
	TRY(cbor_put_bytes(&w, slice_of(manifest_digest, 32)));
	*size = wr_used(&w);
	return OK;
}

enum err dice_evidence_write(struct slice evidence, struct slice claim_map, uint8_t *out, size_t capacity, size_t *size)
{
	static const uint8_t tag[] = {0xd9, TAG_EVIDENCE >> 8, TAG_EVIDENCE & 0xff}; /* RFC 8949 3.4: two more bytes */
	struct writer w = wr_of(out, capacity);

	TRY(wr_bytes(&w, slice_of(tag, sizeof tag)));
	TRY(cbor_put_array(&w, 2));
	TRY(cbor_put_bytes(&w, evidence));
	TRY(cbor_put_bytes(&w, claim_map));
	*size = wr_used(&w);
	return OK;
}

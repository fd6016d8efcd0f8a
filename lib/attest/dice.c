/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/dice.h"

#include "lib/attest/cbor_any.h"

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
	struct cbor_any item;
	struct reader inner, *r = claims;
	bool wrapped;

	TRY(cbor_any(claims, &item));
	wrapped = item.kind == ANY_BYTES;
	if (wrapped) {
		inner = rd_of(item.string);
		r = &inner;
		TRY(cbor_any(r, &item));
	}
	if (item.kind != ANY_ARRAY || item.value != 2)
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
	return wrapped ? rd_end(r) : OK;
}

static enum err nonce(struct reader *r, struct dice_evidence *out)
{
	struct cbor_any item;

	TRY(cbor_any_of(r, ANY_BYTES, &item));
	out->nonce = item.string;
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
	return name.kind == ANY_TEXT || name.kind == ANY_UINT || name.kind == ANY_NEGATIVE ? cbor_any_skip(r)
	                                                                                   : ERR_FORMAT;
}

static enum err claims(struct dice_evidence *out, struct note *n)
{
	struct reader r = rd_of(out->claims);
	struct cbor_any map;

	if (cbor_any_of(&r, ANY_MAP, &map) != OK || map.value > CLAIMS_MAX)
		return refuse(n, ERR_FORMAT, "the claims are not a CBOR map of at most %d", CLAIMS_MAX);
	for (uint64_t i = 0; i < map.value; i++) {
		enum err err = claim(&r, out, n);

		if (err != OK)
			return refuse(n, err, "claim %llu cannot be read", (unsigned long long)i);
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
	if (cbor_any_of(&r, ANY_ARRAY, &list) != OK || list.value != 2 || cbor_any_of(&r, ANY_BYTES, &quote) != OK ||
	    cbor_any_of(&r, ANY_BYTES, &map) != OK)
		return refuse(n, ERR_FORMAT, "the evidence is not [quote, claims]");
	if (rd_end(&r) != OK)
		return refuse(n, ERR_TRAILING, "bytes behind the evidence");
	out->quote = quote.string;
	out->claims = map.string;
	return claims(out, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cose.h"

#include "lib/attest/cbor_any.h"
#include "lib/cbor/cbor.h"

enum { TAG_SIGN1 = 18, LABEL_ALG = 1, ES384_BELOW = 34 /* -35, as CBOR writes it */ };

/* {1: -35} */
static enum err header(struct slice bytes)
{
	struct reader r = rd_of(bytes);
	struct cbor_any map, label, alg;

	TRY(cbor_any_of(&r, ANY_MAP, &map));
	if (map.value != 1)
		return ERR_UNSUPPORTED;
	TRY(cbor_any_of(&r, ANY_UINT, &label));
	TRY(cbor_any(&r, &alg));
	TRY(rd_end(&r));
	return label.value == LABEL_ALG && alg.kind == ANY_NEGATIVE && alg.value == ES384_BELOW ? OK : ERR_UNSUPPORTED;
}

enum err cose_sign1_read(struct reader *r, struct cose_sign1 *out)
{
	struct cbor_any a;
	struct reader unprotected;

	TRY(cbor_any(r, &a));
	if (a.kind == ANY_TAG && a.value == TAG_SIGN1)
		TRY(cbor_any(r, &a));
	if (a.kind != ANY_ARRAY || a.value != 4)
		return ERR_FORMAT;
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	out->protected_header = a.string;
	unprotected = *r;
	TRY(cbor_any_of(&unprotected, ANY_MAP, &a));
	TRY(cbor_any_skip(r));
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	out->payload = a.string;
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	out->signature = a.string;
	TRY(header(out->protected_header));
	return out->signature.size == COSE_SIGNATURE_SIZE ? OK : ERR_RANGE;
}

enum err cose_signed_bytes(const struct cose_sign1 *m, struct writer *w)
{
	TRY(cbor_put_array(w, 4));
	TRY(cbor_put_text(w, slice_text("Signature1")));
	TRY(cbor_put_bytes(w, m->protected_header));
	TRY(cbor_put_bytes(w, slice_of("", 0)));
	return cbor_put_bytes(w, m->payload);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cose.h"

#include "lib/attest/cbor_any.h"
#include "lib/cbor/cbor.h"

enum { TAG_SIGN1 = 18 };
enum { HEADER_ALG = 1, HEADER_CRIT = 2 };
enum { KEY_TYPE = 1, KEY_ALG = 3, KEY_OPS = 4, KEY_TYPE_EC2 = 2, OP_VERIFY = 2 };
/* Negative labels, as CBOR writes them: -1 is 0. */
enum { KEY_CURVE_BELOW = 0, KEY_X_BELOW = 1, KEY_Y_BELOW = 2, KEY_D_BELOW = 3 };

static const size_t curve_sizes[COSE_CURVE_COUNT] = {[COSE_P256] = 32, [COSE_P384] = 48, [COSE_P521] = 66};

size_t cose_curve_size(enum cose_curve curve)
{
	return curve_sizes[curve];
}

/* -7, -35 and -36, as CBOR writes them. */
static enum err alg_read(struct reader *r, enum cose_alg *out)
{
	static const uint64_t below[COSE_ALG_COUNT] = {[COSE_ES256] = 6, [COSE_ES384] = 34, [COSE_ES512] = 35};
	struct cbor_any a;

	TRY(cbor_any(r, &a));
	for (unsigned i = 0; i < COSE_ALG_COUNT; i++)
		if (a.kind == ANY_NEGATIVE && a.value == below[i]) {
			*out = (enum cose_alg)i;
			return OK;
		}
	return ERR_UNSUPPORTED;
}

/* ---- messages ---- */

static enum err header(struct slice bytes, enum cose_alg *alg)
{
	struct reader r = rd_of(bytes);
	struct cbor_any_labels labels = {.count = 0};
	struct cbor_any map, label;
	bool found = false;

	TRY(cbor_any_of(&r, ANY_MAP, &map));
	while (cbor_any_more(&r, &map)) {
		TRY(cbor_any_label(&r, &labels, &label));
		if (label.kind == ANY_UINT && label.value == HEADER_CRIT)
			return ERR_UNSUPPORTED;
		if (label.kind == ANY_UINT && label.value == HEADER_ALG) {
			TRY(alg_read(&r, alg));
			found = true;
		} else {
			TRY(cbor_any_skip(&r));
		}
	}
	TRY(rd_end(&r));
	return found ? OK : ERR_UNSUPPORTED;
}

static bool signature_size_ok(size_t size)
{
	for (unsigned i = 0; i < COSE_CURVE_COUNT; i++)
		if (size == 2 * curve_sizes[i])
			return true;
	return false;
}

enum err cose_sign1_read(struct reader *r, struct cose_sign1 *out)
{
	struct cbor_any message, a;
	struct reader unprotected = *r;

	TRY(cbor_any(&unprotected, &a));
	out->tagged = a.kind == ANY_TAG && a.value == TAG_SIGN1;
	if (out->tagged)
		*r = unprotected;
	TRY(cbor_any_enter(r, ANY_ARRAY, 4, &message));
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	out->protected_header = a.string;
	unprotected = *r;
	TRY(cbor_any_of(&unprotected, ANY_MAP, &a));
	TRY(cbor_any_skip(r));
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	out->payload = a.string;
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	out->signature = a.string;
	TRY(cbor_any_leave(r, &message));
	TRY(header(out->protected_header, &out->alg));
	return signature_size_ok(out->signature.size) ? OK : ERR_RANGE;
}

enum err cose_signed_bytes(const struct cose_sign1 *m, struct writer *w)
{
	TRY(cbor_put_array(w, 4));
	TRY(cbor_put_text(w, slice_text("Signature1")));
	TRY(cbor_put_bytes(w, m->protected_header));
	TRY(cbor_put_bytes(w, slice_of("", 0)));
	return cbor_put_bytes(w, m->payload);
}

/* ---- keys ---- */

struct key_state {
	struct cose_key *key;
	bool type, curve, x, y;
};

static enum err ops_read(struct reader *r)
{
	struct cbor_any a, op;
	bool verify = false;

	TRY(cbor_any_of(r, ANY_ARRAY, &a));
	while (cbor_any_more(r, &a)) {
		TRY(cbor_any(r, &op));
		if (op.kind != ANY_UINT && op.kind != ANY_TEXT)
			return ERR_INVALID;
		verify = verify || (op.kind == ANY_UINT && op.value == OP_VERIFY);
	}
	return verify ? OK : ERR_AUTH;
}

static enum err known_read(struct reader *r, struct key_state *s, uint64_t label)
{
	struct cbor_any a;

	if (label == KEY_ALG) {
		s->key->alg_set = true;
		return alg_read(r, &s->key->alg);
	}
	if (label == KEY_OPS)
		return ops_read(r);
	if (label != KEY_TYPE)
		return cbor_any_skip(r);
	TRY(cbor_any_of(r, ANY_UINT, &a));
	s->type = true;
	return a.value == KEY_TYPE_EC2 ? OK : ERR_UNSUPPORTED;
}

static enum err y_read(struct reader *r, struct cose_key *k)
{
	struct cbor_any a;

	TRY(cbor_any(r, &a));
	k->y = a.string;
	k->y_odd = a.kind == ANY_SIMPLE && a.value == ANY_TRUE;
	if (a.kind == ANY_BYTES)
		return a.string.size > 0 ? OK : ERR_RANGE;
	return a.kind == ANY_SIMPLE && (a.value == ANY_TRUE || a.value == ANY_FALSE) ? OK : ERR_INVALID;
}

static enum err ec_read(struct reader *r, struct key_state *s, uint64_t below)
{
	struct cbor_any a;

	switch (below) {
	case KEY_CURVE_BELOW:
		TRY(cbor_any_of(r, ANY_UINT, &a));
		if (a.value < 1 || a.value > COSE_CURVE_COUNT)
			return ERR_UNSUPPORTED;
		s->key->curve = (enum cose_curve)(a.value - 1);
		s->curve = true;
		return OK;
	case KEY_X_BELOW:
		TRY(cbor_any_of(r, ANY_BYTES, &a));
		s->key->x = a.string;
		s->x = true;
		return OK;
	case KEY_Y_BELOW: s->y = true; return y_read(r, s->key);
	case KEY_D_BELOW: return ERR_AUTH; /* nobody shows a private key */
	default: return cbor_any_skip(r);
	}
}

enum err cose_key_read(struct slice in, struct cose_key *out)
{
	struct reader r = rd_of(in);
	struct cbor_any_labels labels = {.count = 0};
	struct key_state s = {.key = out};
	struct cbor_any map, label;

	*out = (struct cose_key){.curve = COSE_P256};
	TRY(cbor_any_of(&r, ANY_MAP, &map));
	while (cbor_any_more(&r, &map)) {
		TRY(cbor_any_label(&r, &labels, &label));
		if (label.kind == ANY_UINT)
			TRY(known_read(&r, &s, label.value));
		else if (label.kind == ANY_NEGATIVE)
			TRY(ec_read(&r, &s, label.value));
		else
			TRY(cbor_any_skip(&r));
	}
	TRY(rd_end(&r));
	if (!s.type || !s.curve || !s.x || !s.y)
		return ERR_NOT_FOUND;
	if (out->x.size != curve_sizes[out->curve] || (out->y.size > 0 && out->y.size != out->x.size))
		return ERR_RANGE;
	return OK;
}

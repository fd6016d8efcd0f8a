/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens made here, with keys made here: accepted as they are, refused for each thing changed and for that alone. */
#include "client/attest/cca.h"

#include "client/attest/ecdsa.h"
#include "lib/cbor/cbor.h"
#include "test/attest/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TOKEN_MAX = 8192, NONE = 0, CLAIM_MAX = 16 };
enum side { PLATFORM, REALM, SIDES };
enum key_form { POINT, COSE, COMPRESSED };
/* What can be wrong with a COSE_Key. */
enum key_defect {
	KEY_GOOD,
	KEY_TYPE_OKP,
	KEY_CURVE_8,
	KEY_CURVE_0,
	KEY_NO_X,
	KEY_NO_Y,
	KEY_Y_TWICE,
	KEY_PRIVATE,
	KEY_X_SHORT,
	KEY_Y_SHORT,
	KEY_Y_NULL,
	KEY_Y_FLOAT,
	KEY_OPS_SIGN,
	KEY_TRAILING,
	KEY_ALG_OTHER,
	KEY_EMPTY,
	KEY_OFF_CURVE,
	KEY_DEFECTS
};

/* What can be wrong with the form of the token. */
enum defect {
	GOOD,
	TAG_OTHER,
	NOT_A_MAP,
	NO_PLATFORM,
	NO_REALM,
	REALM_TWICE,
	TRAILING,
	MESSAGE_TRAILING,
	MESSAGE_UNTAGGED,
	MESSAGE_TEXT,
	WRAP_TYPE,
	WRAP_ONE,
	WRAP_FOUR,
	ARRAY_OF_THREE,
	PAYLOAD_NULL,
	PAYLOAD_ARRAY,
	PAYLOAD_TRAILING,
	HEADER_NO_ALG,
	HEADER_RS256,
	HEADER_CRIT,
	HEADER_ALG_TWICE,
	HEADER_TRAILING,
	SIGNATURE_SHORT,
	UNPROTECTED_ARRAY,
	LABEL_BYTES,
	OPEN_WITHOUT_END,
	DEFECTS
};

struct wish {
	enum ecdsa_curve curve[SIDES];
	enum ecdsa_hash alg[SIDES];
	int signer; /* of the realm's claims: a key of another, when not -1 */
	enum defect defect;
	enum side where; /* the defect is */
	enum key_form form;
	enum key_defect key_defect;
	bool key_alg, key_ops;
	uint16_t tag; /* 0: none */
	bool wrapped, extras;
	bool open; /* maps of claims of no stated length */
	uint64_t left_out, twice, sized, mistyped; /* a claim's label, in messages[where] */
	int size_by;                               /* how much longer the claim `sized` is */
	const char *platform_profile, *realm_profile, *binding, *binding_said;
	unsigned lifecycle, components, extensible;
	uint8_t instance_first;
	uint64_t component_left_out, component_sized;
	const char *jwk; /* NULL: the platform's key */
	bool flip_binding;
	size_t flip; /* this many bytes from the end of a message's signature, messages[where] */
	bool zero_signature;
	struct cca_input in;
};

static EVP_PKEY *keys[ECDSA_CURVE_COUNT], *others[ECDSA_CURVE_COUNT];
static struct verdict verdict;

static void must(enum err err)
{
	assert_int_equal(err, OK);
}

static void good(struct wish *w)
{
	*w = (struct wish){
	        .curve = {ECDSA_P384, ECDSA_P384},
	        .alg = {ECDSA_SHA384, ECDSA_SHA384},
	        .signer = -1,
	        .form = COSE,
	        .tag = 399,
	        .platform_profile = "tag:arm.com,2023:cca_platform#1.0.0",
	        .realm_profile = "tag:arm.com,2023:realm#1.0.0",
	        .binding = "SHA256",
	        .binding_said = "sha-256",
	        .lifecycle = 0x3003,
	        .components = 2,
	        .extensible = 4,
	        .instance_first = 1,
	};
}

/* ---- CBOR that our own writer does not know ---- */

static void put_negative(struct writer *out, uint64_t below)
{
	uint8_t *head = out->at;

	must(cbor_put_uint(out, below));
	head[0] |= 0x20;
}

static void put_tag(struct writer *out, uint64_t tag)
{
	uint8_t *head = out->at;

	must(cbor_put_uint(out, tag));
	head[0] |= 0xc0;
}

static void put_text(struct writer *out, const char *text)
{
	must(cbor_put_text(out, slice_text(text)));
}

/* One byte repeated; the claim that is to be of another size, or of another type, is. */
static void put_filled(struct writer *out, const struct wish *w, uint64_t label, size_t size, uint8_t with)
{
	uint8_t bytes[256];

	if (label == w->sized)
		size = (size_t)((int)size + w->size_by);
	memset(bytes, with, sizeof bytes);
	must(label == w->mistyped ? cbor_put_text(out, slice_of(bytes, size))
	                          : cbor_put_bytes(out, slice_of(bytes, size)));
}

static void put_said(struct writer *out, const struct wish *w, uint64_t label, const char *text)
{
	must(label == w->mistyped ? cbor_put_bytes(out, slice_text(text)) : cbor_put_text(out, slice_text(text)));
}

/* ---- keys ---- */

static struct slice point_of(EVP_PKEY *key, const char *form, uint8_t out[static ECDSA_POINT_MAX])
{
	size_t size = 0;

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form), 1);
	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, ECDSA_POINT_MAX, &size), 1);
	return slice_of(out, size);
}

static void put_alg(struct writer *out, enum ecdsa_hash alg)
{
	static const uint64_t below[] = {6, 34, 35};

	put_negative(out, below[alg]);
}

static void put_y(struct writer *out, const struct wish *w, struct slice y, bool odd)
{
	put_negative(out, 2);
	if (w->key_defect == KEY_Y_NULL)
		must(wr_u8(out, 0xf6));
	else if (w->key_defect == KEY_Y_FLOAT)
		must(wr_bytes(out, slice_of("\xf9\x00\x15", 3))); /* the number of "true" as a half float */
	else if (w->form == COMPRESSED)
		must(cbor_put_bool(out, odd));
	else
		must(cbor_put_bytes(out, w->key_defect == KEY_Y_SHORT ? slice_of(y.data, y.size - 1) : y));
}

static size_t key_labels(const struct wish *w)
{
	const enum key_defect d = w->key_defect;

	return 4u - (d == KEY_NO_X) - (d == KEY_NO_Y) + (d == KEY_Y_TWICE) + (d == KEY_PRIVATE) + w->key_alg +
	       (d == KEY_ALG_OTHER) + w->key_ops + (d == KEY_OPS_SIGN) + 2u * w->extras;
}

static void put_cose_key(struct writer *out, const struct wish *w, struct slice x, struct slice y, bool odd)
{
	const enum key_defect d = w->key_defect;

	must(cbor_put_map(out, key_labels(w)));
	must(cbor_put_uint(out, 1));
	must(cbor_put_uint(out, d == KEY_TYPE_OKP ? 1 : 2));
	if (w->key_alg || d == KEY_ALG_OTHER) {
		must(cbor_put_uint(out, 3));
		put_alg(out, d == KEY_ALG_OTHER ? (w->alg[REALM] + 1) % ECDSA_HASH_COUNT : w->alg[REALM]);
	}
	if (w->key_ops || d == KEY_OPS_SIGN) {
		must(cbor_put_uint(out, 4));
		must(wr_bytes(out, d == KEY_OPS_SIGN ? slice_of("\x81\x01", 2) : slice_of("\x82\x01\x02", 3)));
	}
	if (w->extras) { /* a key ID, and something that nobody knows */
		must(wr_bytes(out, slice_of("\x02\x41\x00\x61\x41\x00", 6)));
	}
	put_negative(out, 0);
	must(cbor_put_uint(out, d == KEY_CURVE_8 ? 8 : d == KEY_CURVE_0 ? 0 : 1u + w->curve[REALM]));
	if (d != KEY_NO_X) {
		put_negative(out, 1);
		must(cbor_put_bytes(out, d == KEY_X_SHORT ? slice_of(x.data, x.size - 1) : x));
	}
	for (int i = 0; i < (d == KEY_Y_TWICE ? 2 : d == KEY_NO_Y ? 0 : 1); i++)
		put_y(out, w, y, odd);
	if (d == KEY_PRIVATE) {
		put_negative(out, 3);
		must(cbor_put_bytes(out, x));
	}
	if (d == KEY_TRAILING)
		must(wr_u8(out, 0));
}

static struct slice realm_key(const struct wish *w, uint8_t *room, size_t size)
{
	struct writer out = wr_of(room, size);
	uint8_t bytes[ECDSA_POINT_MAX];
	struct slice point = point_of(keys[w->curve[REALM]], "uncompressed", bytes);
	size_t half = ecdsa_size(w->curve[REALM]);
	const bool odd = (bytes[point.size - 1] & 1) != 0;

	if (w->key_defect == KEY_OFF_CURVE)
		bytes[point.size - 1] ^= 1;
	if (w->key_defect == KEY_EMPTY)
		must(cbor_put_map(&out, 0));
	else if (w->form == POINT)
		must(wr_bytes(&out, point));
	else
		put_cose_key(&out, w, slice_of(bytes + 1, half), slice_of(bytes + 1 + half, half), odd);
	return wr_slice(&out);
}

static struct slice jwk_of(EVP_PKEY *key, enum ecdsa_curve curve, char *room, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t bytes[ECDSA_POINT_MAX];
	char text[2][100] = {"", ""};
	size_t half = ecdsa_size(curve);

	(void)point_of(key, "uncompressed", bytes);
	for (unsigned n = 0; n < 2; n++) {
		const uint8_t *from = bytes + 1 + n * half;
		char *to = text[n];

		for (size_t bit = 0; bit < 8 * half; bit += 6) {
			unsigned two = (unsigned)from[bit / 8] << 8 | (bit / 8 + 1 < half ? from[bit / 8 + 1] : 0u);

			*to++ = letters[two >> (10 - bit % 8) & 63];
		}
	}
	snprintf(room, size, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"any\"}",
	         ecdsa_curve_name(curve), text[0], text[1]);
	return slice_text(room);
}

/* ---- claims ---- */

static void put_component(struct writer *out, const struct wish *w, uint8_t with)
{
	static const uint64_t labels[] = {1, 2, 4, 5, 6, 99};

	must(cbor_put_map(out, ARRAY_COUNT(labels) - (w->component_left_out != NONE)));
	for (size_t i = 0; i < ARRAY_COUNT(labels); i++) {
		if (labels[i] == w->component_left_out)
			continue;
		must(cbor_put_uint(out, labels[i]));
		switch (labels[i]) {
		case 1: put_text(out, "RMM"); break;
		case 4: put_text(out, "1.0"); break;
		case 6: put_text(out, "sha-256"); break;
		case 99: must(wr_bytes(out, slice_of("\xa1\x01\x02", 3))); break;
		default: {
			uint8_t bytes[64];

			memset(bytes, labels[i] == 5 ? 0x55 : with, sizeof bytes);
			must(cbor_put_bytes(out, slice_of(bytes, labels[i] == w->component_sized ? 31 : 32)));
		}
		}
	}
}

static void put_binding(struct writer *out, const struct wish *w)
{
	uint8_t room[256], digest[EVP_MAX_MD_SIZE];
	struct slice key = realm_key(w, room, sizeof room);
	size_t size = 0;

	assert_int_equal(EVP_Q_digest(NULL, w->binding, NULL, key.data, key.size, digest, &size), 1);
	digest[0] ^= w->flip_binding;
	if (w->sized == 10)
		size = (size_t)((int)size + w->size_by);
	must(w->mistyped == 10 ? cbor_put_text(out, slice_of(digest, size))
	                       : cbor_put_bytes(out, slice_of(digest, size)));
}

static void put_instance(struct writer *out, const struct wish *w)
{
	uint8_t id[64];

	memset(id, 0x1d, sizeof id);
	id[0] = w->instance_first;
	must(w->mistyped == 256
	             ? cbor_put_text(out, slice_of(id, CCA_INSTANCE_SIZE))
	             : cbor_put_bytes(out,
	                              slice_of(id, (size_t)(CCA_INSTANCE_SIZE + (w->sized == 256 ? w->size_by : 0)))));
}

static void put_platform(struct writer *out, const struct wish *w, uint64_t label)
{
	switch (label) {
	case 265: put_said(out, w, label, w->platform_profile); break;
	case 10: put_binding(out, w); break;
	case 2396: put_filled(out, w, label, CCA_IMPLEMENTATION_SIZE, 0x1a); break;
	case 256: put_instance(out, w); break;
	case 2401: put_filled(out, w, label, 4, 0xcf); break;
	case 2395:
		if (w->mistyped == label)
			put_negative(out, w->lifecycle);
		else
			must(cbor_put_uint(out, w->lifecycle));
		break;
	case 2399:
		must(w->mistyped == label ? cbor_put_map(out, w->components) : cbor_put_array(out, w->components));
		for (unsigned i = 0; i < w->components; i++)
			put_component(out, w, (uint8_t)(0xc0 + i));
		break;
	case 2402: put_said(out, w, label, "sha-256"); break;
	default: put_said(out, w, label, "https://verifier.example"); break;
	}
}

static void put_realm(struct writer *out, const struct wish *w, uint64_t label)
{
	uint8_t room[256];
	struct slice key;

	switch (label) {
	case 265: put_said(out, w, label, w->realm_profile); break;
	case 10: put_filled(out, w, label, CCA_CHALLENGE_SIZE, 0xab); break;
	case 44235: put_filled(out, w, label, CCA_PERSONALIZATION_SIZE, 0x9e); break;
	case 44238: put_filled(out, w, label, 48, 0x4d); break;
	case 44239:
		must(w->mistyped == label ? cbor_put_map(out, w->extensible) : cbor_put_array(out, w->extensible));
		for (unsigned i = 0; i < w->extensible; i++)
			put_filled(out, w, label, 48, (uint8_t)(0xe0 + i));
		break;
	case 44236: put_said(out, w, label, "sha-384"); break;
	case 44237:
		key = realm_key(w, room, sizeof room);
		if (label == w->sized)
			key.size = 0;
		must(w->mistyped == label ? cbor_put_text(out, key) : cbor_put_bytes(out, key));
		break;
	default: put_said(out, w, label, w->binding_said); break;
	}
}

static const uint64_t labels[SIDES][CLAIM_MAX] = {{265, 10, 2396, 256, 2401, 2395, 2399, 2402, 2400},
                                                  {265, 10, 44235, 44238, 44239, 44236, 44237, 44240}};

static bool absent(const struct wish *w, enum side side, uint64_t label)
{
	return (side == w->where && label == w->left_out) ||
	       (side == REALM && label == 265 && w->realm_profile == NULL);
}

static void put_claims(struct writer *out, const struct wish *w, enum side side)
{
	struct wish plain = *w; /* without what is wrong on the other side */
	size_t count = 0;

	if (side != w->where)
		plain.sized = plain.mistyped = NONE;
	for (size_t i = 0; labels[side][i] != 0; i++)
		count += (absent(w, side, labels[side][i]) ? 0u : 1u) +
		         (side == w->where && labels[side][i] == w->twice ? 1u : 0u);
	count += 2u * w->extras;
	if (side == w->where && w->defect == PAYLOAD_ARRAY)
		must(cbor_put_array(out, count));
	else if (w->open || (side == w->where && w->defect == OPEN_WITHOUT_END))
		must(wr_u8(out, 0xbf));
	else
		must(cbor_put_map(out, count));
	for (size_t i = 0; labels[side][i] != 0; i++)
		for (int n = absent(w, side, labels[side][i]);
		     n < 1 + (side == w->where && labels[side][i] == w->twice); n++) {
			must(cbor_put_uint(out, labels[side][i]));
			(side == PLATFORM ? put_platform : put_realm)(out, &plain, labels[side][i]);
		}
	if (w->extras) /* -1: [1.5], "x": null */
		must(wr_bytes(out, slice_of("\x20\x81\xf9\x3e\x00\x61x\xf6", 8)));
	if (w->open)
		must(wr_u8(out, 0xff));
	if (side == w->where && w->defect == PAYLOAD_TRAILING)
		must(wr_u8(out, 0));
}

/* ---- messages ---- */

static void put_header(struct writer *out, const struct wish *w, enum side side, enum defect d)
{
	uint8_t room[64];
	struct writer h = wr_of(room, sizeof room);

	must(cbor_put_map(&h,
	                  d == HEADER_NO_ALG ? 0 : 1u + (d == HEADER_CRIT || d == HEADER_ALG_TWICE) + 2u * w->extras));
	for (int i = 0; i < (d == HEADER_NO_ALG ? 0 : d == HEADER_ALG_TWICE ? 2 : 1); i++) {
		must(cbor_put_uint(&h, 1));
		if (d == HEADER_RS256)
			put_negative(&h, 256);
		else
			put_alg(&h, w->alg[side]);
	}
	if (d == HEADER_CRIT)
		must(wr_bytes(&h, slice_of("\x02\x81\x03", 3)));
	if (w->extras) /* a type, and "x": 0 */
		must(wr_bytes(&h, slice_of("\x03\x19\x01\x07\x61x\x00", 7)));
	if (d == HEADER_TRAILING)
		must(wr_u8(&h, 0));
	must(cbor_put_bytes(out, wr_slice(&h)));
}

static void put_signature(struct writer *out, const struct wish *w, enum side side, const struct cose_sign1 *m,
                          enum defect d)
{
	static uint8_t bytes[TOKEN_MAX];
	struct writer to_sign = wr_of(bytes, sizeof bytes);
	uint8_t pair[ECDSA_PAIR_MAX];
	EVP_PKEY *key = side == REALM && w->signer >= 0 ? others[w->curve[side]] : keys[w->curve[side]];
	size_t size = 2 * ecdsa_size(w->curve[side]);

	must(cose_signed_bytes(m, &to_sign));
	recipe_pair(key, ecdsa_hash_name(w->alg[side]), wr_slice(&to_sign), (int)size / 2, pair);
	if (side == w->where && w->flip > 0)
		pair[size - w->flip] ^= 1;
	if (side == w->where && w->zero_signature)
		memset(pair, 0, size);
	must(cbor_put_bytes(out, slice_of(pair, size - (d == SIGNATURE_SHORT))));
}

static void put_cose(struct writer *out, const struct wish *w, enum side side)
{
	static uint8_t payload[TOKEN_MAX];
	const enum defect d = side == w->where ? w->defect : GOOD;
	struct writer p = wr_of(payload, sizeof payload);
	struct reader head;
	struct cose_sign1 m = {.tagged = true};
	uint8_t *at;

	put_claims(&p, w, side);
	if (d != MESSAGE_UNTAGGED)
		put_tag(out, 18);
	must(cbor_put_array(out, d == ARRAY_OF_THREE ? 3 : 4));
	at = out->at;
	put_header(out, w, side, d);
	head = rd_of(slice_of(at, (size_t)(out->at - at)));
	must(cbor_bytes(&head, &m.protected_header));
	m.payload = wr_slice(&p);
	if (d == UNPROTECTED_ARRAY)
		must(cbor_put_array(out, 0));
	else
		must(wr_bytes(out, w->extras ? slice_of("\xa1\x04\x41\x01", 4) : slice_of("\xa0", 1)));
	if (d == PAYLOAD_NULL)
		must(wr_u8(out, 0xf6));
	else
		must(cbor_put_bytes(out, m.payload));
	if (d != ARRAY_OF_THREE)
		put_signature(out, w, side, &m, d);
	if (d == MESSAGE_TRAILING)
		must(wr_u8(out, 0));
}

static void put_message(struct writer *out, const struct wish *w, enum side side)
{
	static uint8_t room[TOKEN_MAX];
	struct writer cose = wr_of(room, sizeof room);
	const enum defect d = side == w->where ? w->defect : GOOD;

	put_cose(&cose, w, side);
	if (w->wrapped || d == WRAP_TYPE || d == WRAP_ONE || d == WRAP_FOUR) {
		must(cbor_put_array(out, d == WRAP_ONE ? 1 : d == WRAP_FOUR ? 4 : w->extras ? 3 : 2));
		must(cbor_put_uint(out, d == WRAP_TYPE ? 601 : 263));
		if (d == WRAP_ONE)
			return;
	}
	must(d == MESSAGE_TEXT ? cbor_put_text(out, wr_slice(&cose)) : cbor_put_bytes(out, wr_slice(&cose)));
	if (w->wrapped && w->extras)
		must(cbor_put_uint(out, 4));
	if (d == WRAP_FOUR)
		must(wr_bytes(out, slice_of("\x01\x02", 2)));
}

static struct slice token_of(const struct wish *w, uint8_t *room, size_t size)
{
	struct writer out = wr_of(room, size);
	const enum defect d = w->defect;
	size_t count = 2u - (d == NO_PLATFORM) - (d == NO_REALM) + (d == REALM_TWICE) + 2u * w->extras;

	if (w->tag != 0)
		put_tag(&out, d == TAG_OTHER ? 61 : w->tag);
	must(d == NOT_A_MAP ? cbor_put_array(&out, count) : cbor_put_map(&out, count));
	if (w->extras) /* the devices of RMM 2.0, and a text */
		must(wr_bytes(&out, slice_of("\x19\xac\xe2\x82\x19\x02\x59\x40\x61x\x61y", 12)));
	if (d != NO_PLATFORM) {
		must(d == LABEL_BYTES ? cbor_put_bytes(&out, slice_of("x", 1)) : cbor_put_uint(&out, 44234));
		put_message(&out, w, PLATFORM);
	}
	for (int i = 0; i < (d == NO_REALM ? 0 : d == REALM_TWICE ? 2 : 1); i++) {
		must(cbor_put_uint(&out, 44241));
		put_message(&out, w, REALM);
	}
	if (d == TRAILING)
		must(wr_u8(&out, 0));
	return wr_slice(&out);
}

static void judge(struct wish *w)
{
	static uint8_t room[TOKEN_MAX];
	char jwk[400];

	w->in.token = token_of(w, room, sizeof room);
	w->in.cpak = w->jwk != NULL ? slice_text(w->jwk)
	                            : jwk_of(keys[w->curve[PLATFORM]], w->curve[PLATFORM], jwk, sizeof jwk);
	cca_verify(&w->in, &verdict);
}

static void expect_good(struct wish *w, const char *name)
{
	judge(w);
	if (!verdict.ok)
		fail_msg("%s: refused for %s: %s", name, verdict_reason(&verdict)->id, verdict_reason(&verdict)->found);
}

/* Refused for this check and for no other. */
static void expect_only(struct wish *w, const char *id, const char *name)
{
	judge(w);
	assert_false(verdict.ok);
	for (size_t i = 0; i < verdict.check_count; i++) {
		const struct check *c = &verdict.checks[i];

		if ((c->result == CHECK_FAIL) != (strcmp(c->id, id) == 0))
			fail_msg("%s: %s %s (%s)", name, c->id, c->result == CHECK_FAIL ? "failed" : "did not fail",
			         c->found);
	}
}

/* ---- what is accepted ---- */

static void every_curve_and_algorithm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ECDSA_CURVE_COUNT * ECDSA_CURVE_COUNT * ECDSA_HASH_COUNT; i++) {
		struct wish w;

		good(&w);
		w.curve[PLATFORM] = (enum ecdsa_curve)(i % 3);
		w.curve[REALM] = (enum ecdsa_curve)(i / 3 % 3);
		w.alg[PLATFORM] = (enum ecdsa_hash)(i / 9);
		w.alg[REALM] = (enum ecdsa_hash)((i + i / 9) % 3);
		w.form = (enum key_form)(i % 3);
		expect_good(&w, "curves");
		w.form = (enum key_form)((i + 1) % 3);
		expect_good(&w, "curves, another form of key");
	}
}

static void every_form(void **state)
{
	static const uint16_t tags[] = {0, 399, 907};
	struct wish w;

	(void)state;
	for (unsigned i = 0; i < 3 * 2 * 2 * 2; i++) {
		good(&w);
		w.tag = tags[i % 3];
		w.wrapped = i / 3 % 2 != 0;
		w.extras = i / 6 % 2 != 0;
		w.open = w.extras;
		w.key_alg = w.key_ops = i / 12 != 0;
		expect_good(&w, "form");
		assert_int_equal(verdict.measurement_size, 48);
		assert_int_equal(verdict.measurement[0], 0x4d);
	}
	good(&w);
	w.left_out = 2400; /* the only claim of the platform that need not be */
	expect_good(&w, "no service");
	good(&w);
	w.platform_profile = "http://arm.com/CCA-SSD/1.0.0";
	w.realm_profile = NULL;
	w.form = POINT;
	expect_good(&w, "the first profile");
	good(&w);
	w.platform_profile = "tag:arm.com,2024:cca_platform#2.0.0";
	w.realm_profile = "tag:arm.com,2024:realm#2.0.0";
	expect_good(&w, "RMM 2.0");
}

static void every_hash_of_the_binding(void **state)
{
	static const char *const names[][2] = {{"SHA256", "sha-256"}, {"SHA384", "sha-384"}, {"SHA512", "sha-512"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		struct wish w;

		good(&w);
		w.binding = names[i][0];
		w.binding_said = names[i][1];
		expect_good(&w, names[i][1]);
		w.binding_said = names[(i + 1) % 3][1];
		expect_only(&w, "cca.binding", "another hash");
	}
}

static uint8_t filled[8][64], zeros[64];

static void demands(struct wish *w, struct slice *challenge)
{
	static struct cca_component references[2];
	static const uint8_t with[8] = {0xab, 0x4d, 0xe2, 0x9e, 0x1a, 0x1d, 0xc0, 0xc1};

	for (size_t i = 0; i < ARRAY_COUNT(with); i++)
		memset(filled[i], with[i], sizeof filled[i]);
	filled[5][0] = 1;
	*challenge = slice_of(filled[0], CCA_CHALLENGE_SIZE);
	references[0] = (struct cca_component){.measurement = slice_of(filled[6], 32), .type = slice_text("RMM")};
	references[1] = (struct cca_component){.measurement = slice_of(filled[7], 32), .version = slice_text("1.0")};
	w->in.challenge = challenge;
	w->in.initial = slice_of(filled[1], 48);
	w->in.extensible[2] = slice_of(filled[2], 48);
	w->in.personalization = slice_of(filled[3], CCA_PERSONALIZATION_SIZE);
	w->in.implementation = slice_of(filled[4], CCA_IMPLEMENTATION_SIZE);
	w->in.instance = slice_of(filled[5], CCA_INSTANCE_SIZE);
	w->in.references = references;
	w->in.reference_count = 2;
}

static void demands_are_met(void **state)
{
	struct slice challenge;
	struct wish w;

	(void)state;
	good(&w);
	demands(&w, &challenge);
	expect_good(&w, "demands");
	for (size_t i = 0; i < verdict.check_count; i++)
		assert_int_equal(verdict.checks[i].result, CHECK_PASS);
	good(&w);
	w.lifecycle = 0x4000;
	w.in.allow_unsecured = true;
	expect_good(&w, "unsecured, and allowed");
}

/* ---- what is refused ---- */

static const struct slice nothing = {NULL, 0}, zero_challenge = {zeros, CCA_CHALLENGE_SIZE};

#define CHANGE(name, ...)                                                                                              \
	static void name(struct wish *w)                                                                               \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}

CHANGE(no_cpak, w->jwk = "")
CHANGE(cpak_no_json, w->jwk = "{\"kty\":\"EC\"")
CHANGE(cpak_list, w->jwk = "[]")
CHANGE(cpak_member_twice, w->jwk = "{\"kty\":\"EC\",\"kty\":\"EC\"}")
CHANGE(cpak_rsa, w->jwk = "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}")
CHANGE(cpak_other_curve, w->jwk = "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"\",\"y\":\"\"}")
CHANGE(cpak_no_y, w->jwk = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}")
CHANGE(cpak_off_curve,
       w->jwk = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}")
CHANGE(platform_flip, w->flip = 1)
CHANGE(platform_flip_first, w->flip = 96)
CHANGE(platform_zero, w->zero_signature = true)
CHANGE(platform_other_profile, w->platform_profile = "tag:arm.com,2023:cca_platform#1.0.1")
CHANGE(platform_empty_profile, w->platform_profile = "")
CHANGE(realm_other_profile, w->realm_profile = "tag:arm.com,2023:realm#1.0")
CHANGE(lifecycle_unknown, w->lifecycle = 0)
CHANGE(lifecycle_test, w->lifecycle = 0x10ff)
CHANGE(lifecycle_provisioning, w->lifecycle = 0x2fff)
CHANGE(lifecycle_above, w->lifecycle = 0x3100)
CHANGE(lifecycle_debug, w->lifecycle = 0x4003)
CHANGE(lifecycle_recoverable, w->lifecycle = 0x5000)
CHANGE(lifecycle_scrapped, w->lifecycle = 0x60ff)
CHANGE(lifecycle_none, w->lifecycle = 0xffff)
CHANGE(binding_flip, w->flip_binding = true)
CHANGE(binding_md5, w->binding_said = "md5")
CHANGE(binding_capital, w->binding_said = "SHA-256")
CHANGE(binding_longer, w->binding_said = "sha-2560")
CHANGE(binding_empty, w->binding_said = "")
CHANGE(realm_flip, w->where = REALM; w->flip = 1)
CHANGE(realm_zero, w->where = REALM; w->zero_signature = true)
CHANGE(realm_other_signer, w->signer = 0)
CHANGE(other_initial, w->in.initial = slice_of(zeros, 48))
CHANGE(longer_initial, w->in.initial = slice_of(filled[1], 49))
CHANGE(other_extensible, w->in.extensible[0] = slice_of(zeros, 48))
CHANGE(other_personalization, w->in.personalization = slice_of(zeros, 64))
CHANGE(other_implementation, w->in.implementation = slice_of(zeros, 32))
CHANGE(other_instance, w->in.instance = slice_of(zeros, 33))
CHANGE(other_challenge, w->in.challenge = &zero_challenge)
CHANGE(empty_challenge, w->in.challenge = &nothing)
CHANGE(no_reference, w->in.reference_count = 0)
CHANGE(one_reference, w->in.reference_count = 1)

static const struct mutation {
	const char *name, *check;
	void (*change)(struct wish *w);
} mutations[] = {
#define M(what, check)                                                                                                 \
	{                                                                                                              \
#what, check, what                                                                                     \
	}
        M(no_cpak, "cca.platform.key"),
        M(cpak_no_json, "cca.platform.key"),
        M(cpak_list, "cca.platform.key"),
        M(cpak_member_twice, "cca.platform.key"),
        M(cpak_rsa, "cca.platform.key"),
        M(cpak_other_curve, "cca.platform.key"),
        M(cpak_no_y, "cca.platform.key"),
        M(cpak_off_curve, "cca.platform.key"),
        M(platform_flip, "cca.platform.signature"),
        M(platform_flip_first, "cca.platform.signature"),
        M(platform_zero, "cca.platform.signature"),
        M(platform_other_profile, "cca.platform.profile"),
        M(platform_empty_profile, "cca.platform.profile"),
        M(realm_other_profile, "cca.realm.profile"),
        M(lifecycle_unknown, "cca.platform.lifecycle"),
        M(lifecycle_test, "cca.platform.lifecycle"),
        M(lifecycle_provisioning, "cca.platform.lifecycle"),
        M(lifecycle_above, "cca.platform.lifecycle"),
        M(lifecycle_debug, "cca.platform.lifecycle"),
        M(lifecycle_recoverable, "cca.platform.lifecycle"),
        M(lifecycle_scrapped, "cca.platform.lifecycle"),
        M(lifecycle_none, "cca.platform.lifecycle"),
        M(binding_flip, "cca.binding"),
        M(binding_md5, "cca.binding.algorithm"),
        M(binding_capital, "cca.binding.algorithm"),
        M(binding_longer, "cca.binding.algorithm"),
        M(binding_empty, "cca.binding.algorithm"),
        M(realm_flip, "cca.realm.signature"),
        M(realm_zero, "cca.realm.signature"),
        M(realm_other_signer, "cca.realm.signature"),
        M(other_initial, "cca.measurement"),
        M(longer_initial, "cca.measurement"),
        M(other_extensible, "cca.extensible"),
        M(other_personalization, "cca.personalization"),
        M(other_implementation, "cca.platform.implementation"),
        M(other_instance, "cca.platform.instance"),
        M(other_challenge, "cca.challenge"),
        M(empty_challenge, "cca.challenge"),
        M(no_reference, "cca.platform.components"),
        M(one_reference, "cca.platform.components"),
};

static void each_change_fails_its_check_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(mutations); i++) {
		struct slice challenge;
		struct wish w;

		good(&w);
		demands(&w, &challenge);
		mutations[i].change(&w);
		expect_only(&w, mutations[i].check, mutations[i].name);
	}
}

static void no_check_is_without_a_killer(void **state)
{
	struct wish w;

	(void)state;
	good(&w);
	judge(&w);
	assert_true(verdict.check_count > 10);
	for (size_t i = 0; i < verdict.check_count; i++) {
		const char *id = verdict.checks[i].id;
		bool killed = strcmp(id, "cca.token.read") == 0 || strcmp(id, "cca.realm.key") == 0; /* below */

		for (size_t m = 0; m < ARRAY_COUNT(mutations); m++)
			killed = killed || strcmp(mutations[m].check, id) == 0;
		if (!killed)
			fail_msg("%s has no mutation that it refuses", id);
	}
}

static void each_defect_of_form_is_refused(void **state)
{
	char name[60];
	struct wish w;

	(void)state;
	for (unsigned d = GOOD + 1; d < DEFECTS; d++)
		for (unsigned side = 0; side < SIDES; side++) {
			good(&w);
			w.defect = (enum defect)d;
			w.where = (enum side)side;
			snprintf(name, sizeof name, "defect %u of side %u", d, side);
			expect_only(&w, "cca.token.read", name);
		}
	good(&w);
	judge(&w);
	for (size_t cut = 1; cut < w.in.token.size; cut++) {
		w.in.token.size--;
		cca_verify(&w.in, &verdict);
		assert_int_equal(verdict.checks[0].result, CHECK_FAIL);
	}
}

static void each_claim_is_needed_once_and_of_its_form(void **state)
{
	char name[60];
	struct wish w;

	(void)state;
	for (unsigned side = 0; side < SIDES; side++)
		for (size_t i = 0; labels[side][i] != 0; i++) {
			const uint64_t label = labels[side][i];

			snprintf(name, sizeof name, "claim %u", (unsigned)label);
			good(&w);
			w.where = (enum side)side;
			w.twice = label;
			expect_only(&w, "cca.token.read", name);
			good(&w);
			w.where = (enum side)side;
			w.mistyped = label;
			expect_only(&w, "cca.token.read", name);
			if (label == 2400 || (side == REALM && label == 265))
				continue;
			good(&w);
			w.where = (enum side)side;
			w.left_out = label;
			expect_only(&w, "cca.token.read", name);
		}
}

static void each_size_is_judged(void **state)
{
	static const struct {
		enum side side;
		uint64_t label;
	} sized[] = {{PLATFORM, 10}, {PLATFORM, 2396}, {PLATFORM, 256}, {REALM, 10},
	             {REALM, 44235}, {REALM, 44238},   {REALM, 44239},  {REALM, 44237}};
	struct wish w;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(sized); i++)
		for (int by = -1; by <= 1; by += 2) {
			good(&w);
			w.where = sized[i].side;
			w.sized = sized[i].label;
			w.size_by = by;
			expect_only(&w, "cca.token.read", "a size");
		}
	good(&w);
	w.lifecycle = 0x10000;
	expect_only(&w, "cca.token.read", "lifecycle of 17 bits");
	good(&w);
	w.instance_first = 2;
	expect_only(&w, "cca.token.read", "instance of another type");
	for (unsigned n = 3; n <= 5; n += 2) {
		good(&w);
		w.extensible = n;
		expect_only(&w, "cca.token.read", "extensible measurements");
	}
	for (unsigned n = 0; n <= CCA_COMPONENTS_MAX + 1; n += CCA_COMPONENTS_MAX + 1) {
		good(&w);
		w.components = n;
		expect_only(&w, "cca.token.read", "components");
	}
	for (uint64_t label = 2; label <= 5; label += 3) {
		good(&w);
		w.component_left_out = label;
		expect_only(&w, "cca.token.read", "component without");
		good(&w);
		w.component_sized = label;
		expect_only(&w, "cca.token.read", "component with a short hash");
	}
}

static void each_defect_of_the_realms_key_is_refused(void **state)
{
	char name[60];

	(void)state;
	for (unsigned d = KEY_GOOD + 1; d < KEY_DEFECTS; d++) {
		struct wish w;

		good(&w);
		w.key_defect = (enum key_defect)d;
		snprintf(name, sizeof name, "key defect %u", d);
		expect_only(&w, "cca.realm.key", name);
	}
}

static void a_key_as_wide_as_another_signature(void **state)
{
	struct wish w;
	char jwk[400];

	(void)state;
	good(&w);
	judge(&w);
	w.in.cpak = jwk_of(keys[ECDSA_P256], ECDSA_P256, jwk, sizeof jwk);
	cca_verify(&w.in, &verdict);
	assert_string_equal(verdict_reason(&verdict)->id, "cca.platform.signature");
	w.in.cpak = jwk_of(others[ECDSA_P384], ECDSA_P384, jwk, sizeof jwk);
	cca_verify(&w.in, &verdict);
	assert_string_equal(verdict_reason(&verdict)->id, "cca.platform.signature");
}

/* CCA_TEST_SEEDS=DIR writes seeds for the fuzz target instead. */
static bool seeds(const char *dir)
{
	static uint8_t room[TOKEN_MAX];

	for (unsigned i = 0; i < 4; i++) {
		struct wish w;
		struct slice token;
		char path[200];
		FILE *f;

		good(&w);
		w.form = i == 0 ? POINT : i == 3 ? COMPRESSED : COSE;
		w.wrapped = w.extras = i >= 2;
		w.key_alg = w.key_ops = i == 3;
		w.tag = i < 2 ? 399 : 907;
		w.curve[REALM] = i == 1 ? ECDSA_P521 : ECDSA_P384;
		token = token_of(&w, room, sizeof room);
		snprintf(path, sizeof path, "%s/token-%u", dir, i);
		f = fopen(path, "we");
		if (f == NULL || fwrite(token.data, 1, token.size, f) != token.size || fclose(f) != 0)
			return false;
	}
	return true;
}

static int setup(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++) {
		keys[c] = EVP_EC_gen(ecdsa_curve_name((enum ecdsa_curve)c));
		others[c] = EVP_EC_gen(ecdsa_curve_name((enum ecdsa_curve)c));
	}
	return getenv("CCA_TEST_SEEDS") == NULL || seeds(getenv("CCA_TEST_SEEDS")) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++) {
		EVP_PKEY_free(keys[c]);
		EVP_PKEY_free(others[c]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_curve_and_algorithm),
	        cmocka_unit_test(every_form),
	        cmocka_unit_test(every_hash_of_the_binding),
	        cmocka_unit_test(demands_are_met),
	        cmocka_unit_test(each_change_fails_its_check_alone),
	        cmocka_unit_test(no_check_is_without_a_killer),
	        cmocka_unit_test(each_defect_of_form_is_refused),
	        cmocka_unit_test(each_claim_is_needed_once_and_of_its_form),
	        cmocka_unit_test(each_size_is_judged),
	        cmocka_unit_test(each_defect_of_the_realms_key_is_refused),
	        cmocka_unit_test(a_key_as_wide_as_another_signature),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cca_token.h"

#include "lib/attest/cbor_any.h"

enum { TAG_RMM_1 = 399, TAG_RMM_2 = 907, LABEL_PLATFORM = 44234, LABEL_REALM = 44241, EAT_CWT = 263 };
enum { CLAIM_PROFILE = 265, CLAIM_NONCE = 10 };

/* ---- values ---- */

static enum err sized(struct reader *r, size_t min, size_t max, struct slice *out)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_BYTES, &a));
	*out = a.string;
	return a.string.size >= min && a.string.size <= max ? OK : ERR_RANGE;
}

static enum err hash(struct reader *r, struct slice *out)
{
	TRY(sized(r, 32, 64, out));
	return out->size % 16 == 0 ? OK : ERR_RANGE;
}

static enum err text(struct reader *r, struct slice *out)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_TEXT, &a));
	*out = a.string;
	return OK;
}

/* ---- the platform's claims ---- */

static enum err component_field(struct reader *r, struct cca_component *c, const struct cbor_any *label)
{
	enum { TYPE = 1, MEASUREMENT = 2, VERSION = 4, SIGNER = 5, ALGORITHM = 6 };

	if (label->kind != ANY_UINT)
		return cbor_any_skip(r);
	switch (label->value) {
	case TYPE: return text(r, &c->type);
	case MEASUREMENT: return hash(r, &c->measurement);
	case VERSION: return text(r, &c->version);
	case SIGNER: return hash(r, &c->signer);
	case ALGORITHM: return text(r, &c->hash_algorithm);
	default: return cbor_any_skip(r);
	}
}

static enum err component(struct reader *r, struct cca_component *c)
{
	struct cbor_any_labels labels = {.count = 0};
	struct cbor_any map, label;

	TRY(cbor_any_of(r, ANY_MAP, &map));
	while (cbor_any_more(r, &map)) {
		TRY(cbor_any_label(r, &labels, &label));
		TRY(component_field(r, c, &label));
	}
	return c->measurement.size > 0 && c->signer.size > 0 ? OK : ERR_NOT_FOUND;
}

static enum err platform_profile(struct reader *r, void *out)
{
	return text(r, &((struct cca_platform *)out)->profile);
}

static enum err platform_challenge(struct reader *r, void *out)
{
	return hash(r, &((struct cca_platform *)out)->challenge);
}

static enum err platform_implementation(struct reader *r, void *out)
{
	return sized(r, CCA_IMPLEMENTATION_SIZE, CCA_IMPLEMENTATION_SIZE,
	             &((struct cca_platform *)out)->implementation);
}

static enum err platform_instance(struct reader *r, void *out)
{
	struct slice *id = &((struct cca_platform *)out)->instance;

	TRY(sized(r, CCA_INSTANCE_SIZE, CCA_INSTANCE_SIZE, id));
	return id->data[0] == 1 ? OK : ERR_FORMAT; /* a UEID of type RAND */
}

static enum err platform_config(struct reader *r, void *out)
{
	return sized(r, 0, CCA_TOKEN_SIZE_MAX, &((struct cca_platform *)out)->config);
}

static enum err platform_lifecycle(struct reader *r, void *out)
{
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_UINT, &a));
	((struct cca_platform *)out)->lifecycle = (uint16_t)a.value;
	return a.value <= UINT16_MAX ? OK : ERR_RANGE;
}

static enum err platform_components(struct reader *r, void *out)
{
	struct cca_platform *p = out;
	struct cbor_any a;

	TRY(cbor_any_of(r, ANY_ARRAY, &a));
	for (; cbor_any_more(r, &a); p->component_count++) {
		if (p->component_count == CCA_COMPONENTS_MAX)
			return ERR_LIMIT;
		TRY(component(r, &p->components[p->component_count]));
	}
	return p->component_count > 0 ? OK : ERR_LIMIT;
}

static enum err platform_hash(struct reader *r, void *out)
{
	return text(r, &((struct cca_platform *)out)->hash_algorithm);
}

static enum err platform_service(struct reader *r, void *out)
{
	return text(r, &((struct cca_platform *)out)->service);
}

/* ---- the realm's claims ---- */

static enum err realm_profile(struct reader *r, void *out)
{
	return text(r, &((struct cca_realm *)out)->profile);
}

static enum err realm_challenge(struct reader *r, void *out)
{
	return sized(r, CCA_CHALLENGE_SIZE, CCA_CHALLENGE_SIZE, &((struct cca_realm *)out)->challenge);
}

static enum err realm_personalization(struct reader *r, void *out)
{
	return sized(r, CCA_PERSONALIZATION_SIZE, CCA_PERSONALIZATION_SIZE,
	             &((struct cca_realm *)out)->personalization);
}

static enum err realm_initial(struct reader *r, void *out)
{
	return hash(r, &((struct cca_realm *)out)->initial);
}

static enum err realm_extensible(struct reader *r, void *out)
{
	struct cca_realm *realm = out;
	struct cbor_any a;

	TRY(cbor_any_enter(r, ANY_ARRAY, CCA_EXTENSIBLE_COUNT, &a));
	for (size_t i = 0; i < CCA_EXTENSIBLE_COUNT; i++)
		TRY(hash(r, &realm->extensible[i]));
	return cbor_any_leave(r, &a);
}

static enum err realm_hash(struct reader *r, void *out)
{
	return text(r, &((struct cca_realm *)out)->hash_algorithm);
}

static enum err realm_key(struct reader *r, void *out)
{
	return sized(r, 1, CCA_TOKEN_SIZE_MAX, &((struct cca_realm *)out)->key);
}

static enum err realm_key_hash(struct reader *r, void *out)
{
	return text(r, &((struct cca_realm *)out)->key_hash_algorithm);
}

/* ---- claims in general ---- */

struct claim {
	uint64_t label;
	const char *name;
	bool needed;
	enum err (*read)(struct reader *r, void *out);
};

enum { PLATFORM_CLAIMS = 9, REALM_CLAIMS = 8 };

static const struct claim platform_claims[PLATFORM_CLAIMS] = {
        {CLAIM_PROFILE, "platform profile", true, platform_profile},
        {CLAIM_NONCE, "platform challenge", true, platform_challenge},
        {2396, "implementation ID", true, platform_implementation},
        {256, "instance ID", true, platform_instance},
        {2401, "platform config", true, platform_config},
        {2395, "lifecycle", true, platform_lifecycle},
        {2399, "software components", true, platform_components},
        {2402, "platform hash algorithm", true, platform_hash},
        {2400, "verification service", false, platform_service},
};

static const struct claim realm_claims[REALM_CLAIMS] = {
        {CLAIM_PROFILE, "realm profile", false, realm_profile},
        {CLAIM_NONCE, "realm challenge", true, realm_challenge},
        {44235, "personalization value", true, realm_personalization},
        {44238, "initial measurement", true, realm_initial},
        {44239, "extensible measurements", true, realm_extensible},
        {44236, "realm hash algorithm", true, realm_hash},
        {44237, "realm public key", true, realm_key},
        {44240, "hash algorithm of the realm public key", true, realm_key_hash},
};

static const struct claim *claim_of(const struct claim *claims, size_t count, const struct cbor_any *label)
{
	for (size_t i = 0; label->kind == ANY_UINT && i < count; i++)
		if (claims[i].label == label->value)
			return &claims[i];
	return NULL;
}

/* *name is the claim it stopped at; NULL: at none that we know. */
static enum err claims_read(struct slice in, const struct claim *claims, size_t count, void *out, const char **name)
{
	struct reader r = rd_of(in);
	struct cbor_any_labels labels = {.count = 0};
	struct cbor_any map, label;
	uint32_t seen = 0;

	*name = NULL;
	TRY(cbor_any_of(&r, ANY_MAP, &map));
	while (cbor_any_more(&r, &map)) {
		const struct claim *c;

		*name = NULL;
		TRY(cbor_any_label(&r, &labels, &label));
		c = claim_of(claims, count, &label);
		*name = c != NULL ? c->name : NULL;
		TRY(c != NULL ? c->read(&r, out) : cbor_any_skip(&r));
		seen |= c != NULL ? 1u << (c - claims) : 0;
	}
	*name = NULL;
	TRY(rd_end(&r));
	for (size_t i = 0; i < count; i++) {
		*name = claims[i].name;
		if (claims[i].needed && (seen >> i & 1) == 0)
			return ERR_NOT_FOUND;
	}
	return OK;
}

/* ---- the token ---- */

/* The bytes of a message, bare or in its wrapping: [type, bytes] or [type, bytes, indicator]. */
static enum err message_bytes(struct reader *r, struct slice *out)
{
	struct cbor_any list, a;

	TRY(cbor_any(r, &list));
	*out = list.string;
	if (list.kind == ANY_BYTES)
		return OK;
	if (list.kind != ANY_ARRAY || !cbor_any_more(r, &list))
		return ERR_INVALID;
	TRY(cbor_any_of(r, ANY_UINT, &a));
	if (a.value != EAT_CWT)
		return ERR_UNSUPPORTED;
	if (!cbor_any_more(r, &list))
		return ERR_INVALID;
	TRY(cbor_any_of(r, ANY_BYTES, &a));
	*out = a.string;
	if (!cbor_any_more(r, &list))
		return OK;
	TRY(cbor_any_of(r, ANY_UINT, &a));
	return cbor_any_more(r, &list) ? ERR_INVALID : OK;
}

static enum err message(struct reader *r, struct cose_sign1 *out)
{
	struct slice bytes;
	struct reader inner;

	TRY(message_bytes(r, &bytes));
	inner = rd_of(bytes);
	TRY(cose_sign1_read(&inner, out));
	TRY(rd_end(&inner));
	return out->tagged ? OK : ERR_FORMAT;
}

static enum err collection(struct slice in, struct cca_token *t, const char **name)
{
	struct reader r = rd_of(in);
	struct cbor_any_labels labels = {.count = 0};
	struct cbor_any map, label;
	bool platform = false, realm = false;

	*name = "token";
	if (in.size > CCA_TOKEN_SIZE_MAX)
		return ERR_LIMIT;
	TRY(cbor_any(&r, &map));
	if (map.kind == ANY_TAG) {
		if (map.value != TAG_RMM_1 && map.value != TAG_RMM_2)
			return ERR_UNSUPPORTED;
		TRY(cbor_any(&r, &map));
	}
	if (map.kind != ANY_MAP)
		return ERR_FORMAT;
	while (cbor_any_more(&r, &map)) {
		*name = "token";
		TRY(cbor_any_label(&r, &labels, &label));
		if (label.kind == ANY_UINT && label.value == LABEL_PLATFORM) {
			*name = "platform's message";
			TRY(message(&r, &t->platform.cose));
			platform = true;
		} else if (label.kind == ANY_UINT && label.value == LABEL_REALM) {
			*name = "realm's message";
			TRY(message(&r, &t->realm.cose));
			realm = true;
		} else {
			TRY(cbor_any_skip(&r));
		}
	}
	*name = "token";
	TRY(rd_end(&r));
	*name = !platform ? "platform's message" : "realm's message";
	return platform && realm ? OK : ERR_NOT_FOUND;
}

enum err cca_token_parse(struct slice in, struct cca_token *out, struct note *n)
{
	const char *name = NULL;
	enum err err;

	memset(out, 0, sizeof *out);
	err = collection(in, out, &name);
	if (err != OK)
		return refuse(n, err, "%s: %s", name, err_text(err));
	err = claims_read(out->platform.cose.payload, platform_claims, PLATFORM_CLAIMS, &out->platform, &name);
	if (err != OK)
		return refuse(n, err, "%s: %s", name != NULL ? name : "platform claims", err_text(err));
	err = claims_read(out->realm.cose.payload, realm_claims, REALM_CLAIMS, &out->realm, &name);
	if (err != OK)
		return refuse(n, err, "%s: %s", name != NULL ? name : "realm claims", err_text(err));
	return OK;
}

enum err cca_realm_key(struct slice encoded, struct cose_key *out)
{
	for (unsigned i = 0; i < COSE_CURVE_COUNT; i++) {
		size_t size = cose_curve_size((enum cose_curve)i);

		if (encoded.size != 1 + 2 * size || encoded.data[0] != 4)
			continue;
		*out = (struct cose_key){
		        .curve = (enum cose_curve)i,
		        .x = slice_of(encoded.data + 1, size),
		        .y = slice_of(encoded.data + 1 + size, size),
		};
		return OK;
	}
	return cose_key_read(encoded, out);
}

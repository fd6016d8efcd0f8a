/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/ratls.h"

#include "client/attest/dcap.h"
#include "client/attest/let_pass.h"
#include "client/attest/say.h"
#include "client/attest/x509.h"
#include "lib/attest/dice.h"
#include "lib/attest/quote.h"
#include "lib/base/hex.h"
#include "sys/openssl.h"

static const uint8_t dice_oid[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};                   /* 2.23.133.5.4.9 */
static const uint8_t bare_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06}; /* 1.2.840.113741.1337.6 */

struct ratls_case {
	const struct ratls_input *in;
	struct verdict *v;
	struct cert cert;
	struct dice_evidence dice;
	struct slice quote;
	bool tagged, keep;        /* keep: an envelope, not a quote */
	struct envelope envelope; /* of a Keep; points into the certificate */
	uint8_t report_data[64];
};

static bool add(struct ratls_case *k, const char *id, enum err err, const char *expected, const struct note *found)
{
	struct check c = {
	        .id = id, .link = "handshake", .result = pass_if(err == OK), .spec = "Interoperable RA-TLS, CCC"};

	say(c.expected, "%s", expected);
	say(c.found, "%s", found->text[0] != 0 ? found->text : err_text(err));
	verdict_add(k->v, &c);
	return err == OK;
}

/* ---- the certificate ---- */

static enum err signed_by_itself(const struct cert *c, struct note *n)
{
	bool good = X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(c->x)) == 0;

	ERR_set_mark();
	good = good && (let_pass() || X509_verify(c->x, X509_get0_pubkey(c->x)) == 1);
	ERR_pop_to_mark();
	note_set(n, good ? "signed by its own key" : "no good signature by its own key, or another issuer");
	return good ? OK : ERR_INVALID;
}

/* ---- the evidence ---- */

static enum err find_evidence(struct ratls_case *k, struct note *n)
{
	struct slice value, bare;
	bool older = cert_extension(&k->cert, slice_of(bare_oid, sizeof bare_oid), &bare);

	k->tagged = cert_extension(&k->cert, slice_of(dice_oid, sizeof dice_oid), &value);
	if (k->tagged) {
		TRY(dice_evidence_read(value, &k->dice, n));
		k->quote = k->dice.quote;
		/* Who writes both must mean the same. */
		if (older && !slice_equal(bare, k->quote))
			return refuse(n, ERR_INVALID, "two different pieces of evidence");
	} else if (older) {
		k->quote = bare;
	} else {
		return refuse(n, ERR_NOT_FOUND, "the certificate carries no evidence");
	}
	k->keep = k->tagged && envelope_decode(k->quote, &k->envelope, NULL) == OK;
	note_set(n, "%s, %s of %llu bytes", k->tagged ? "tagged evidence" : "a bare quote",
	         k->keep ? "an envelope" : "a quote", (unsigned long long)k->quote.size);
	return OK;
}

/* The digest of what, zeros behind it. */
static bool digest(const EVP_MD *md, struct slice what, uint8_t out[static 64])
{
	memset(out, 0, 64);
	return EVP_Digest(what.data, what.size, out, NULL, md, NULL) == 1;
}

static bool key_digest(const struct ratls_case *k, const EVP_MD *md, uint8_t out[static 64])
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(k->cert.x), &der);
	bool good = size > 0 && digest(md, slice_of(der, (size_t)size), out);

	OPENSSL_free(der);
	return good;
}

static const EVP_MD *algorithm(enum dice_hash hash)
{
	switch (hash) {
	case DICE_SHA256: return EVP_sha256();
	case DICE_SHA384: return EVP_sha384();
	case DICE_SHA512: break;
	}
	return EVP_sha512();
}

/* Tagged: the claims name the key, the report data is over the claims. Bare: the report data is over the key. */
static enum err bind_key(struct ratls_case *k, struct note *n)
{
	uint8_t key[64];

	if (!k->tagged) {
		note_set(n, "by the report data");
		return key_digest(k, EVP_sha256(), k->report_data) ? OK : ERR_CRYPTO;
	}
	if (!digest(EVP_sha256(), k->dice.claims, k->report_data) || !key_digest(k, algorithm(k->dice.hash), key))
		return ERR_CRYPTO;
	if (!slice_equal(k->dice.key_hash, slice_of(key, k->dice.key_hash.size)))
		return refuse(n, ERR_INVALID, "the hash of another key");
	note_set(n, "the hash of this key");
	return OK;
}

static enum err same_nonce(const struct ratls_case *k, struct note *n)
{
	const bool there = k->tagged && k->dice.nonce.data != NULL;
	const bool same = there && slice_equal(k->dice.nonce, *k->in->nonce);

	note_set(n, same ? "the nonce asked for" : there ? "another nonce" : "no nonce");
	return same ? OK : ERR_INVALID;
}

static bool judge_certificate(struct ratls_case *k)
{
	struct note n[6] = {{""}};

	if (!add(k, "ratls.cert.read", cert_read(k->in->cert, &k->cert, &n[0]), "one strict certificate", &n[0]))
		return false;
	add(k, "ratls.cert.signature", signed_by_itself(&k->cert, &n[1]), "signed by its own key", &n[1]);
	add(k, "ratls.cert.time", cert_valid_at(&k->cert, k->in->at, &n[2]), "valid at the time of judgement", &n[2]);
	if (!add(k, "ratls.evidence.read", find_evidence(k, &n[3]), "evidence in an extension", &n[3]))
		return false;
	add(k, "ratls.evidence.key", bind_key(k, &n[4]), "bound to the certificate's key", &n[4]);
	if (k->in->nonce != NULL)
		add(k, "ratls.evidence.nonce", same_nonce(k, &n[5]), "the nonce asked for", &n[5]);
	return true;
}

static void use_given(const struct ratls_case *k, struct envelope *e)
{
	CHECK(k->in->collateral_count <= ENVELOPE_COLLATERAL_MAX);
	e->collateral_count = k->in->collateral_count;
	if (e->collateral_count > 0)
		memcpy(e->collateral, k->in->collateral, e->collateral_count * sizeof *e->collateral);
}

/* Whatever it is, the judge of quotes says so. */
static void judge_quote(struct ratls_case *k)
{
	const struct policy *p = k->in->policy;
	struct verify_input in = {.report_data = slice_of(k->report_data, 64), .policy = p, .at = k->in->at};
	struct envelope e = {.evidence = k->quote};
	struct quote q;
	bool tdx = quote_parse(k->quote, &q, NULL) == OK && q.body != QUOTE_BODY_SGX;
	bool named = tdx ? p->tdx.accepted : p->sgx.accepted;
	struct note n = {""};

	use_given(k, &e);
	e.tee = slice_text(tdx ? "tdx" : "sgx");
	snprintf(k->v->tee, sizeof k->v->tee, "%s", tdx ? "tdx" : "sgx");
	note_set(&n, "%s", k->v->tee);
	add(k, "ratls.tee", named ? OK : ERR_REFUSED, "a TEE that the policy names", &n);
	if (!dcap_verify(&in, &e, tdx ? &p->tdx : &p->sgx, tdx, k->v))
		k->v->ok = false;
}

/* ---- a Keep's own ---- */

static void judge_envelope(struct ratls_case *k)
{
	const struct verify_input in = {k->quote, slice_of(k->report_data, 64), k->in->policy, k->in->at};
	struct verdict inner;

	if (k->in->collateral_count > 0)
		use_given(k, &k->envelope);
	verify_opened(&in, &k->envelope, &inner);
	for (size_t i = 0; i < inner.check_count; i++)
		verdict_add(k->v, &inner.checks[i]);
	k->v->ok = k->v->ok && inner.ok;
	k->v->soft = inner.soft;
	memcpy(k->v->tee, inner.tee, sizeof inner.tee);
	memcpy(k->v->measurement, inner.measurement, sizeof inner.measurement);
	k->v->measurement_size = inner.measurement_size;
}

static bool named(const struct workload_question *q, struct slice digest)
{
	for (size_t i = 0; i < q->manifest_count; i++)
		if (slice_equal(digest, slice_of(q->manifests[i], sizeof q->manifests[i])))
			return true;
	return digest_list_has(&q->policy->workloads, digest);
}

void workload_judge(const struct workload_question *q, struct slice digest, struct verdict *v)
{
	const bool said = digest.data != NULL, good = said && named(q, digest);
	struct check c = {.id = q->id, .link = "module", .result = pass_if(good), .spec = "lib/attest/dice.h"};
	char hex[65] = "no claim says what it runs";

	if (!q->demanded && q->manifest_count == 0 && q->policy->workloads.count == 0)
		return;
	if (said)
		hex_encode(digest, hex);
	say(c.expected, "a workload that you named");
	say(c.found, "%s%s", said ? "manifest SHA-256 " : "", hex);
	if (!good)
		say(c.cure, "if this is what shall run there, name it: --workload %s, or workloads in the policy",
		    said ? hex : "DIGEST");
	verdict_add(v, &c);
}

/* The measurement says what the Keep is, the manifest what it runs: a good Keep may run a bad program. */
static void judge_manifest(struct ratls_case *k)
{
	const struct workload_question q = {"ratls.manifest", k->in->policy, k->in->manifests, k->in->manifest_count,
	                                    true};

	workload_judge(&q, k->dice.manifest, k->v);
}

void ratls_verify(const struct ratls_input *in, struct verdict *v)
{
	struct ratls_case k = {.in = in, .v = v};

	verdict_clear(v);
	v->ok = true;
	if (!judge_certificate(&k)) {
		v->ok = false;
	} else if (k.keep) {
		judge_envelope(&k);
		judge_manifest(&k);
	} else {
		judge_quote(&k);
	}
	cert_free(&k.cert);
}

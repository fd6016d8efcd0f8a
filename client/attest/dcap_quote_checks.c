/* SPDX-License-Identifier: Apache-2.0 */
/* The quote itself: its form, and the two signatures that lead from the PCK certificate to the report inside. */
#include "client/attest/dcap_case.h"

static enum check_result readable(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "a DCAP quote of version 3, 4 or 5");
	say(k->cure, "the file or the host's answer is damaged");
	if ((c->have & NEED_QUOTE) == 0)
		return from(ERR_FORMAT, &c->quote_note, k);
	say(k->found, "version %u, body type %u, %u bytes of padding", c->quote.version, (unsigned)c->quote.body,
	    (unsigned)c->quote.padding.size);
	return CHECK_PASS;
}

/* SGX evidence called TDX, or the other way round, would be judged by the wrong rules. */
static enum check_result tee(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const bool td = c->quote.body != QUOTE_BODY_SGX;

	(void)arg;
	say(k->expected, c->tdx ? "a TD report" : "an SGX report");
	say(k->found, td ? "a TD report" : "an SGX report");
	return pass_if(td == c->tdx);
}

static enum check_result key_type(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "attestation key type 2, ECDSA P-256");
	say(k->found, "type %u", c->quote.key_type);
	return pass_if(c->quote.key_type == QUOTE_KEY_ECDSA_P256);
}

static enum check_result vendor(const struct dcap_case *c, unsigned arg, struct check *k)
{
	static const uint8_t intel[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	                                  0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

	(void)arg;
	say_hex(k->expected, slice_of(intel, sizeof intel));
	say_hex(k->found, c->quote.qe_vendor);
	return pass_if(slice_equal(c->quote.qe_vendor, slice_of(intel, sizeof intel)));
}

static enum check_result qe_signature(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};

	(void)arg;
	if (cert_key_p256(c->cert[CERT_PCK], NULL) != OK)
		return skip(k, "the PCK certificate has a key of another kind");
	say(k->expected, "the QE report signed by the PCK");
	return from(cert_ecdsa256(c->cert[CERT_PCK], c->quote.qe_report, c->quote.qe_signature, &found), &found, k);
}

static bool sha256_of_two(struct slice a, struct slice b, uint8_t out[static 32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	            EVP_DigestUpdate(ctx, a.data, a.size) == 1 && EVP_DigestUpdate(ctx, b.data, b.size) == 1 &&
	            EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* Without this any key could sign quotes: the QE vouches for its attestation key. */
static enum check_result qe_binding(const struct dcap_case *c, unsigned arg, struct check *k)
{
	uint8_t want[64] = {0};

	(void)arg;
	if (!sha256_of_two(c->quote.key, c->quote.qe_auth, want))
		return CHECK_FAIL;
	say_hex(k->expected, slice_of(want, sizeof want));
	say_hex(k->found, c->quote.qe.report_data);
	return pass_if(slice_equal(c->quote.qe.report_data, slice_of(want, sizeof want)));
}

static enum check_result signature(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const bool good = p256_verify(c->quote.key, c->quote.signed_part, c->quote.signature);

	(void)arg;
	say(k->expected, "header and report signed by the attestation key");
	say(k->found, good ? "a good signature" : "the signature is not by this key over these bytes");
	say(k->cure, "the quote was changed after it was signed, or never was one");
	return pass_if(good);
}

static const struct dcap_row rows[] = {
        {"dcap.quote.read", "report", INTEL_QUOTE, 0, DCAP_IN_BOTH, 0, readable},
        {"dcap.quote.tee", "report", INTEL_QUOTE, NEED_QUOTE, DCAP_IN_BOTH, 0, tee},
        {"dcap.quote.key_type", "report", INTEL_QUOTE, NEED_QUOTE, DCAP_IN_BOTH, 0, key_type},
        {"dcap.quote.vendor", "report", INTEL_QUOTE, NEED_QUOTE, DCAP_IN_BOTH, 0, vendor},
        {"dcap.qe.signature", "report", INTEL_QUOTE, NEED_QUOTE | NEED_PCK, DCAP_IN_BOTH, 0, qe_signature},
        {"dcap.qe.binding", "report", INTEL_QUOTE, NEED_QUOTE, DCAP_IN_BOTH, 0, qe_binding},
        {"dcap.quote.signature", "report", INTEL_QUOTE, NEED_QUOTE, DCAP_IN_BOTH, 0, signature},
};

const struct dcap_rows dcap_quote_checks = {rows, ARRAY_COUNT(rows)};

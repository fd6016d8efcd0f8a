/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and revocation lists: Intel's root, the CA that issues PCK certificates, the PCK certificate, and the
 * signers of TCB info and QE identity. One function a question, one row a certificate.
 */
#include "client/attest/dcap_case.h"

static const struct profile {
	const char *cn, *other_cn; /* other_cn: NULL when there is only one */
	enum dcap_cert issuer;
	enum dcap_crl crl; /* which list may revoke it */
	long depth;        /* CA certificates below it */
} profiles[DCAP_CERT_COUNT] = {
        [CERT_ROOT] = {"Intel SGX Root CA", NULL, CERT_ROOT, CRL_ROOT, 1},
        [CERT_CA] = {"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA", CERT_ROOT, CRL_ROOT, 0},
        [CERT_PCK] = {"Intel SGX PCK Certificate", NULL, CERT_CA, CRL_PCK, 0},
        [CERT_TCB_SIGNER] = {"Intel SGX TCB Signing", NULL, CERT_ROOT, CRL_ROOT, 0},
        [CERT_QE_SIGNER] = {"Intel SGX TCB Signing", NULL, CERT_ROOT, CRL_ROOT, 0},
};

/* ---- certificates ---- */

static enum check_result chain_read(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const unsigned all = NEED_ROOT | NEED_CA | NEED_PCK;

	(void)arg;
	say(k->expected, "PCK certificate, the CA that issued it, and the root, in PEM");
	say(k->cure, "have the quote made with certification data of type 5, or give pck_chain as collateral");
	say(k->found, "%s%s", c->chain_note.text,
	    c->chain.count > 0 && (c->have & all) != all ? " that make no chain" : "");
	return pass_if((c->have & all) == all);
}

static enum check_result pinned(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert *cert = c->cert[arg];
	bool good = false;

	for (size_t i = 0; i < c->rules->root_count; i++)
		good = good || memcmp(c->rules->roots[i], cert->spki_sha256, SPKI_DIGEST_SIZE) == 0;
	say(k->expected, "the known key of Intel's SGX root");
	say_hex(k->found, slice_of(cert->spki_sha256, SPKI_DIGEST_SIZE));
	say(k->cure, "the evidence does not come from Intel's hardware");
	return pass_if(good);
}

static enum check_result name(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct profile *p = &profiles[arg];
	const char *cn = c->cert[arg]->cn;

	say(k->expected, "%s%s%s", p->cn, p->other_cn != NULL ? " or " : "", p->other_cn != NULL ? p->other_cn : "");
	say(k->found, "%s", cn[0] != 0 ? cn : "no readable common name");
	return pass_if(strcmp(cn, p->cn) == 0 || (p->other_cn != NULL && strcmp(cn, p->other_cn) == 0));
}

static enum check_result issuer(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert *up = c->cert[profiles[arg].issuer];
	struct note found = {""};

	say(k->expected, "issued by %s", up->cn);
	return from(cert_issuer_is(c->cert[arg], up, &found), &found, k);
}

static enum check_result algorithm(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};

	say(k->expected, "ECDSA with SHA-256");
	return from(cert_algorithm_ecdsa256(c->cert[arg], &found), &found, k);
}

static enum check_result key(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};

	say(k->expected, "an ECDSA key on P-256");
	return from(cert_key_p256(c->cert[arg], &found), &found, k);
}

static enum check_result signature(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert *up = c->cert[profiles[arg].issuer];
	struct note found = {""};

	say(k->expected, "signed by %s", up->cn);
	return from(cert_signed_by(c->cert[arg], up, &found), &found, k);
}

static enum check_result is_ca(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};

	say(k->expected, "a CA that may sign certificates");
	return from(cert_is_ca(c->cert[arg], profiles[arg].depth, &found), &found, k);
}

static enum check_result is_leaf(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};

	say(k->expected, "no CA, may sign");
	return from(cert_is_leaf(c->cert[arg], &found), &found, k);
}

static enum check_result in_time(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};
	char at[32];

	time_text(c->in->at, at, sizeof at);
	say(k->expected, "valid at %s", at);
	say(k->cure, "is the time given the right one? else newer evidence or collateral is needed");
	return from(cert_valid_at(c->cert[arg], c->in->at, &found), &found, k);
}

static enum check_result spared(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};

	say(k->expected, "not on the revocation list");
	say(k->cure, "Intel has revoked it: nothing it vouches for can be trusted");
	return from(crl_spares(&c->crl[profiles[arg].crl], c->cert[arg], &found), &found, k);
}

static enum check_result extension(const struct dcap_case *c, unsigned arg, struct check *k)
{
	char fmspc[2 * PCK_FMSPC_SIZE + 1];

	(void)arg;
	say(k->expected, "the SGX extension with PPID, TCB, PCE-ID, FMSPC and SGX type");
	if ((c->have & NEED_EXT) == 0)
		return from(ERR_FORMAT, &c->ext_note, k);
	hex_encode(c->ext.fmspc, fmspc);
	say(k->found, "FMSPC %s, PCESVN %u, %s", fmspc, (unsigned)c->ext.pcesvn, c->cert[CERT_PCK]->cn);
	return CHECK_PASS;
}

/* Intel has made more than one certificate for its root key; whichever comes along must be a good one. The quote's own is
 * judged in its rows. */
static enum err same_root(const struct dcap_case *c, const struct cert *other, struct note *found)
{
	if (slice_equal(other->der, c->cert[CERT_ROOT]->der))
		return OK;
	if (memcmp(other->spki_sha256, c->cert[CERT_ROOT]->spki_sha256, SPKI_DIGEST_SIZE) != 0)
		return refuse(found, ERR_INVALID, "%s, whose key is not the root's", other->cn);
	TRY(cert_algorithm_ecdsa256(other, found));
	TRY(cert_signed_by(other, c->cert[CERT_ROOT], found));
	return cert_valid_at(other, c->in->at, found);
}

/* The chain that comes with a statement: its signer, and at most the root, which must be the one of the quote. */
static enum check_result signer_read(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert_list *l = &c->signers[arg];

	say(k->expected, "the signer's certificate and the same root");
	say(k->cure, "fetch it from Intel's service together with the statement (header *-Issuer-Chain)");
	if (l->count == 0)
		return done_without(c, arg) ? skip(k, "none given") : from(ERR_FORMAT, &c->signer_note[arg], k);
	for (size_t i = 1; i < l->count; i++) {
		struct note found = {""};

		if (same_root(c, &l->cert[i], &found) != OK)
			return from(ERR_INVALID, &found, k);
	}
	return from(OK, &c->signer_note[arg], k);
}

/* ---- revocation lists ---- */

static enum check_result crl_there(const struct dcap_case *c, unsigned arg, struct check *k)
{
	static const unsigned bits[DCAP_CRL_COUNT] = {NEED_ROOT_CRL, NEED_PCK_CRL};

	say(k->expected, "a revocation list, strict DER");
	say(k->cure, "fetch it from Intel's service: %s",
	    arg == CRL_ROOT ? "IntelSGXRootCA.der" : "pckcrl?ca=processor or ca=platform, with encoding=der");
	if (c->rules->no_collateral && !c->collateral)
		return skip(k, "none given");
	return from((c->have & bits[arg]) != 0 ? OK : ERR_FORMAT, &c->crl_note[arg], k);
}

static const enum dcap_cert crl_issuers[DCAP_CRL_COUNT] = {CERT_ROOT, CERT_CA};

static enum check_result crl_issuer(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert *by = c->cert[crl_issuers[arg]];
	struct note found = {""};

	say(k->expected, "issued by %s", by->cn);
	say(k->cure, "the lists of the Processor CA and of the Platform CA are not the same: fetch the other one");
	return from(crl_issuer_is(&c->crl[arg], by, &found), &found, k);
}

static enum check_result crl_signature(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert *by = c->cert[crl_issuers[arg]];
	struct note found = {""};

	say(k->expected, "signed by %s with ECDSA and SHA-256", by->cn);
	return from(crl_signed_by_ecdsa256(&c->crl[arg], by, &found), &found, k);
}

static enum check_result crl_time(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct note found = {""};
	const uint64_t max = arg == CRL_ROOT ? c->rules->root_crl_max_age_s : c->rules->max_age_s;
	char at[32];

	time_text(c->in->at, at, sizeof at);
	if (max == 0)
		say(k->expected, "valid at %s", at);
	else
		say(k->expected, "valid at %s and at most %llu s old", at, (unsigned long long)max);
	say(k->cure, "fetch the newest list from Intel's service");
	return from(crl_valid_at(&c->crl[arg], c->in->at, max, &found), &found, k);
}

/* Which CA the giver of the list believes to be the issuer: the one of the quote, else the list is somebody else's. */
static enum check_result crl_chain(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "an issuer chain with the CA of the quote");
	say(k->cure, "fetch the list of the CA that issued this PCK certificate");
	if (c->crl_issuers.count == 0)
		return c->rules->no_collateral && !c->collateral ? skip(k, "none given")
		                                                 : from(ERR_FORMAT, &c->crl_issuers_note, k);
	for (size_t i = 0; i < c->crl_issuers.count; i++)
		if (memcmp(c->crl_issuers.cert[i].spki_sha256, c->cert[CERT_CA]->spki_sha256, SPKI_DIGEST_SIZE) == 0)
			return from(OK, &c->crl_issuers_note, k);
	say(k->found, "only others, the first is %s", c->crl_issuers.cert[0].cn);
	return CHECK_FAIL;
}

/* ---- the table ---- */

#define BOTH DCAP_IN_BOTH
#define PCK  "platform key"
#define COLL "collateral"

/* Root and CA are found by the issuer names of what they signed, so whether these names agree is no question any more. */
static const struct dcap_row rows[] = {
        {"dcap.chain.read", PCK, INTEL_QUOTE, NEED_QUOTE, BOTH, 0, chain_read},
        {"dcap.root.pinned", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, pinned},
        {"dcap.root.name", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, name},
        {"dcap.root.issuer", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, issuer},
        {"dcap.root.algorithm", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, algorithm},
        {"dcap.root.key", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, key},
        {"dcap.root.signature", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, signature},
        {"dcap.root.ca", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, is_ca},
        {"dcap.root.time", "root", INTEL_PCK, NEED_ROOT, BOTH, CERT_ROOT, in_time},
        {"dcap.root_crl.read", COLL, INTEL_PCK, 0, BOTH, CRL_ROOT, crl_there},
        {"dcap.root_crl.issuer", COLL, INTEL_PCK, NEED_ROOT | NEED_ROOT_CRL, BOTH, CRL_ROOT, crl_issuer},
        {"dcap.root_crl.signature", COLL, INTEL_PCK, NEED_ROOT | NEED_ROOT_CRL, BOTH, CRL_ROOT, crl_signature},
        {"dcap.root_crl.time", COLL, INTEL_PCK, NEED_ROOT_CRL, BOTH, CRL_ROOT, crl_time},
        {"dcap.ca.name", PCK, INTEL_PCK, NEED_CA, BOTH, CERT_CA, name},
        {"dcap.ca.algorithm", PCK, INTEL_PCK, NEED_CA, BOTH, CERT_CA, algorithm},
        {"dcap.ca.key", PCK, INTEL_PCK, NEED_CA, BOTH, CERT_CA, key},
        {"dcap.ca.signature", PCK, INTEL_PCK, NEED_CA | NEED_ROOT, BOTH, CERT_CA, signature},
        {"dcap.ca.ca", PCK, INTEL_PCK, NEED_CA, BOTH, CERT_CA, is_ca},
        {"dcap.ca.time", PCK, INTEL_PCK, NEED_CA, BOTH, CERT_CA, in_time},
        {"dcap.ca.revocation", PCK, INTEL_PCK, NEED_CA | NEED_ROOT_CRL, BOTH, CERT_CA, spared},
        {"dcap.pck_crl.read", COLL, INTEL_PCK, 0, BOTH, CRL_PCK, crl_there},
        {"dcap.pck_crl.chain", COLL, INTEL_PCS, NEED_CA, BOTH, CRL_PCK, crl_chain},
        {"dcap.pck_crl.issuer", COLL, INTEL_PCK, NEED_CA | NEED_PCK_CRL, BOTH, CRL_PCK, crl_issuer},
        {"dcap.pck_crl.signature", COLL, INTEL_PCK, NEED_CA | NEED_PCK_CRL, BOTH, CRL_PCK, crl_signature},
        {"dcap.pck_crl.time", COLL, INTEL_PCK, NEED_PCK_CRL, BOTH, CRL_PCK, crl_time},
        {"dcap.pck.name", PCK, INTEL_PCK, NEED_PCK, BOTH, CERT_PCK, name},
        {"dcap.pck.algorithm", PCK, INTEL_PCK, NEED_PCK, BOTH, CERT_PCK, algorithm},
        {"dcap.pck.key", PCK, INTEL_PCK, NEED_PCK, BOTH, CERT_PCK, key},
        {"dcap.pck.signature", PCK, INTEL_PCK, NEED_PCK | NEED_CA, BOTH, CERT_PCK, signature},
        {"dcap.pck.leaf", PCK, INTEL_PCK, NEED_PCK, BOTH, CERT_PCK, is_leaf},
        {"dcap.pck.time", PCK, INTEL_PCK, NEED_PCK, BOTH, CERT_PCK, in_time},
        {"dcap.pck.revocation", PCK, INTEL_PCK, NEED_PCK | NEED_PCK_CRL, BOTH, CERT_PCK, spared},
        {"dcap.pck.extension", PCK, INTEL_PCK, NEED_PCK, BOTH, 0, extension},
#define SIGNER(who, list, cert, bit)                                                                                   \
	{"dcap." who ".read", COLL, INTEL_PCS, NEED_ROOT, BOTH, list, signer_read},                                    \
	        {"dcap." who ".name", COLL, INTEL_PCK, bit, BOTH, cert, name},                                         \
	        {"dcap." who ".issuer", COLL, INTEL_PCK, bit | NEED_ROOT, BOTH, cert, issuer},                         \
	        {"dcap." who ".algorithm", COLL, INTEL_PCK, bit, BOTH, cert, algorithm},                               \
	        {"dcap." who ".key", COLL, INTEL_PCK, bit, BOTH, cert, key},                                           \
	        {"dcap." who ".signature", COLL, INTEL_PCK, bit | NEED_ROOT, BOTH, cert, signature},                   \
	        {"dcap." who ".leaf", COLL, INTEL_PCK, bit, BOTH, cert, is_leaf},                                      \
	        {"dcap." who ".time", COLL, INTEL_PCK, bit, BOTH, cert, in_time},                                      \
	{                                                                                                              \
		"dcap." who ".revocation", COLL, INTEL_PCK, bit | NEED_ROOT_CRL, BOTH, cert, spared                    \
	}
        SIGNER("tcb_signer", SIGNED_TCB, CERT_TCB_SIGNER, NEED_TCB_SIGNER),
        SIGNER("qe_signer", SIGNED_QE, CERT_QE_SIGNER, NEED_QE_SIGNER),
};

const struct dcap_rows dcap_chain_checks = {rows, ARRAY_COUNT(rows)};

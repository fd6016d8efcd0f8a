/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the judge of Intel's evidence: one case as the checks see it, the form of a check, and the words they
 * share. The checks stand in dcap_chain_checks.c, dcap_collateral_checks.c, dcap_quote_checks.c and dcap_body_checks.c,
 * each with its table; dcap.c asks them in order.
 */
#ifndef BROCH_CLIENT_DCAP_CASE_H
#define BROCH_CLIENT_DCAP_CASE_H

#include "client/attest/dcap.h"
#include "client/attest/p256.h"
#include "client/attest/say.h"
#include "lib/attest/quote.h"
#include "lib/base/hex.h"

/* What a check cannot do without. Those from NEED_COLLATERAL on do not come with the quote. */
enum dcap_need {
	NEED_QUOTE = 1 << 0,
	NEED_ROOT = 1 << 1,
	NEED_CA = 1 << 2,
	NEED_PCK = 1 << 3,
	NEED_EXT = 1 << 4,
	NEED_ROOT_CRL = 1 << 5,
	NEED_PCK_CRL = 1 << 6,
	NEED_TCB_SIGNER = 1 << 7,
	NEED_TCB = 1 << 8,
	NEED_LEVEL = 1 << 9,
	NEED_MODULE = 1 << 10,
	NEED_STATUS = 1 << 11,
	NEED_QE_SIGNER = 1 << 12,
	NEED_QE = 1 << 13,
	NEED_QE_LEVEL = 1 << 14,
	NEED_COLLATERAL = NEED_ROOT_CRL,
	NEED_QE_PART = NEED_QE_SIGNER,
};
enum { DCAP_NEED_COUNT = 15 };

enum dcap_cert { CERT_ROOT, CERT_CA, CERT_PCK, CERT_TCB_SIGNER, CERT_QE_SIGNER, DCAP_CERT_COUNT };
enum dcap_crl { CRL_ROOT, CRL_PCK, DCAP_CRL_COUNT };
/* A signed statement and what signs it. */
enum dcap_signed { SIGNED_TCB, SIGNED_QE, DCAP_SIGNED_COUNT };

struct dcap_case {
	const struct verify_input *in;
	const struct envelope *e;
	const struct dcap_rules *rules;
	struct verdict *v;
	bool tdx;        /* as what it is judged */
	unsigned have;   /* enum dcap_need */
	bool collateral; /* any was given */
	struct quote quote;
	struct cert_list chain, crl_issuers, signers[DCAP_SIGNED_COUNT];
	const struct cert *cert[DCAP_CERT_COUNT]; /* into the lists; NULL: not there */
	struct crl crl[DCAP_CRL_COUNT];
	struct pck_ext ext;
	struct slice text[DCAP_SIGNED_COUNT];
	uint8_t signature[DCAP_SIGNED_COUNT][P256_PAIR_SIZE];
	bool signature_ok[DCAP_SIGNED_COUNT]; /* has the right number of digits */
	struct tcb_info tcb;
	struct qe_identity qe;
	const struct tcb_level *level;
	const struct isv_level *qe_level, *module_level;
	const struct tdx_module *module;
	enum tcb_status status;
	struct note quote_note, chain_note, crl_issuers_note, ext_note, crl_note[DCAP_CRL_COUNT],
	        signer_note[DCAP_SIGNED_COUNT], text_note[DCAP_SIGNED_COUNT];
};

struct dcap_row {
	const char *id, *link, *spec;
	unsigned needs;
	unsigned in;  /* DCAP_IN_SGX, DCAP_IN_TDX */
	unsigned arg; /* which certificate, list, statement or pin */
	enum check_result (*judge)(const struct dcap_case *c, unsigned arg, struct check *k);
};
enum { DCAP_IN_BOTH = DCAP_IN_SGX | DCAP_IN_TDX };

struct dcap_rows {
	const struct dcap_row *row;
	size_t count;
};
extern const struct dcap_rows dcap_chain_checks, dcap_collateral_checks, dcap_quote_checks, dcap_body_checks;

#define INTEL_PCK   "Intel SGX PCK certificate and CRL profile"
#define INTEL_PCS   "Intel PCS API version 4"
#define INTEL_QUOTE "Intel DCAP quote library reference, appendix A"
#define INTEL_SDM   "Intel SDM volume 3D chapter 36"
#define INTEL_TDX   "Intel TDX module ABI"

static inline void say_hex(char *out, struct slice s)
{
	if (2 * s.size + 1 <= CHECK_TEXT_MAX)
		hex_encode(s, out);
}

static inline enum check_result from(enum err err, const struct note *found, struct check *k)
{
	say(k->found, "%s", found->text[0] != 0 ? found->text : err_text(err));
	return pass_if(err == OK);
}

static inline enum check_result skip(struct check *k, const char *why)
{
	say(k->found, "%s", why);
	return CHECK_SKIP;
}

/* (value & mask) == want, as Intel's library has it: a bit wanted outside the mask is never there. */
static inline bool masked(const uint8_t *value, const uint8_t *mask, const uint8_t *want, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((value[i] & mask[i]) != want[i])
			return false;
	return true;
}

/* An item of the collateral, empty when it is not there. */
struct slice dcap_item(const struct envelope *e, const char *name);

/* Does the relying party do without this statement, which is not there? No policy file can say so. */
static inline bool done_without(const struct dcap_case *c, unsigned which)
{
	if (c->rules->no_collateral && !c->collateral)
		return true;
	return which == SIGNED_QE && c->rules->no_qe_identity && dcap_item(c->e, "qe_identity").size == 0;
}

#endif

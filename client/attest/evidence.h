/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of evidence, whatever it is: what kind, and its judgement under a policy. The kind is seen from the bytes; it
 * chooses who judges, and nothing is believed because of it.
 */
#ifndef BROCH_CLIENT_EVIDENCE_H
#define BROCH_CLIENT_EVIDENCE_H

#include "client/attest/collateral.h"
#include "client/attest/verify.h"
#include "lib/attest/sev_session.h"
#include "sys/openssl.h"

enum evidence_kind {
	EVIDENCE_ENVELOPE,  /* lib/attest/envelope.h */
	EVIDENCE_WORKLOAD,  /* the same with what a Keep said of its workload */
	EVIDENCE_SNP,       /* a report of AMD SEV-SNP, with or without the certificate table behind it */
	EVIDENCE_QUOTE,     /* a DCAP quote of SGX or TDX */
	EVIDENCE_NITRO,     /* a document of AWS Nitro Enclaves */
	EVIDENCE_RATLS,     /* a certificate with a quote in it */
	EVIDENCE_ENARX_CSR, /* a certificate request with a report or a quote in it */
	EVIDENCE_VTPM,      /* a report of Azure's paravisor; the vTPM's quote is collateral */
	EVIDENCE_CCA,       /* a token of Arm CCA */
	EVIDENCE_PEF,       /* an ESM blob of IBM PEF */
	EVIDENCE_SEV_PLATFORM, /* the certificates of an SEV platform, as it exports them */
	EVIDENCE_SEV_REPORT,   /* ATTESTATION's answer; the platform's certificates are collateral */
	EVIDENCE_SEV_LAUNCH,   /* LAUNCH_MEASURE's answer: 48 bytes */
	EVIDENCE_KIND_COUNT
};

struct evidence {
	enum evidence_kind kind;
	struct slice bytes;        /* without armour; slices below point into it */
	uint8_t *owned;            /* bytes, when armour was taken off */
	struct workload_file file; /* EVIDENCE_WORKLOAD */
	struct slice report;       /* EVIDENCE_SNP: the report alone */
};

enum { EVIDENCE_SIZE_MAX = 2 << 20 };

/* Armour is PEM, hexadecimal or base64. The input must live as long. ERR_FORMAT: nothing that is known. On failure
 * there is nothing to free. */
MUST_USE enum err evidence_open(struct slice in, struct evidence *out, struct note *n);
void evidence_close(struct evidence *e);             /* takes a zeroed one */
const char *evidence_text(const struct evidence *e); /* "an SGX or TDX quote" */

/* The quote in a certificate's extension, either form; empty: none. */
struct slice evidence_quote_in(const struct cert *c);
struct enarx_csr;
/* What a certificate request brings beside its evidence, into a set. */
MUST_USE enum err evidence_csr_pieces(struct collateral *set, const struct enarx_csr *csr, struct note *n);

/* Whoever made the session of a guest knows these; without, its launch measurement says nothing. */
struct sev_secrets {
	struct sev_transport keys;
	uint32_t policy; /* of the guest */
	uint8_t api[3];  /* of the platform's firmware: major, minor, build */
};

struct evidence_input {
	const struct evidence *evidence;
	const struct collateral *collateral; /* NULL: only what the evidence brings */
	struct slice report_data;  /* as verify_input; not for certificates, requests and vTPMs, which say themselves */
	const struct slice *nonce; /* for Nitro documents, tagged RA-TLS, vTPMs, CCA tokens and SEV reports; NULL: any */
	const uint8_t (*manifests)[32]; /* what a Keep may run whose certificate this is (client/attest/ratls.h) */
	size_t manifest_count;
	const struct policy *policy;
	int64_t at;
	const struct sev_secrets *sev; /* for SEV launch measurements; NULL: none */
	EVP_PKEY *pef_key;             /* private, of one recipient of an ESM blob; NULL: none */
};
/* Which of the two demands can be made of this kind? */
bool evidence_takes_report_data(enum evidence_kind k);
bool evidence_takes_nonce(enum evidence_kind k);

/* As verify_evidence. A demand that cannot be made of this kind is a failed check. Never allocates more than
 * COLLATERAL_SIZE_MAX bytes. */
void evidence_verify(const struct evidence_input *in, struct verdict *v);

#endif

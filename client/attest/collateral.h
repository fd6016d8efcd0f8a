/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes beside evidence: certificates, revocation lists, Intel's statements, a vTPM's quote. A set takes it in any
 * order and under any file names, because every tool calls these files differently: a piece is known by what it is.
 * Nothing in a set is believed: what fits a piece of evidence is chosen from it and offered to the judge, who asks
 * everything.
 *
 * Understood are: PEM (any number of certificates and lists in one file) and DER; the answers of Intel's service
 * {"tcbInfo": ...}, {"enclaveIdentity": ...}; bundles, which are JSON objects with the names in client/attest/dcap.h;
 * evidence envelopes, for what is stapled to them; and the certificate table of an extended SNP report (AMD/Linux GHCB
 * 56421 section 4.1.8.1); and the certificates of SEV platforms, one by one or as platforms export them.
 */
#ifndef BROCH_CLIENT_COLLATERAL_H
#define BROCH_CLIENT_COLLATERAL_H

#include "client/attest/dcap_collateral.h"
#include "client/attest/x509.h"
#include "lib/attest/envelope.h"
#include "lib/attest/quote.h"
#include "lib/attest/snp_report.h"

enum { COLLATERAL_PIECES_MAX = 192, COLLATERAL_SIZE_MAX = 2 << 20 /* all pieces together */ };

enum collateral_kind {
	COLLATERAL_CERT,
	COLLATERAL_CRL,
	COLLATERAL_TCB_INFO,
	COLLATERAL_QE_IDENTITY,
	COLLATERAL_TPM_QUOTE,
	COLLATERAL_TPM_SIGNATURE,
	COLLATERAL_PCRS,
	COLLATERAL_TD_QUOTE,
	COLLATERAL_SEV,     /* a certificate of an SEV platform (lib/attest/sev_cert.h); its name says which: "ark", "pek", ... */
	COLLATERAL_UNKNOWN,
	COLLATERAL_KIND_COUNT
};
const char *collateral_kind_text(enum collateral_kind k);

struct collateral_piece {
	enum collateral_kind kind;
	struct slice bytes, signature; /* of a statement: the signed text, and 128 hex digits */
	char name[CERT_CN_MAX];        /* common name of a certificate's subject or of a list's issuer; else "" */
	char origin[64];               /* file name, or the name of a member of a bundle */
	bool borrowed;                 /* private: the bytes are another set's */
};

struct collateral { /* read it; change it by the functions below */
	struct collateral_piece piece[COLLATERAL_PIECES_MAX];
	size_t count, size;
};

/* NULL: out of memory. */
struct collateral *collateral_new(void);
void collateral_free(struct collateral *c); /* takes NULL */

/* A file, or every file of a folder (not of folders in it). What is not understood becomes a piece of unknown kind.
 * ERR_LIMIT: too many or too large; ERR_NOT_FOUND and the like as file_read. */
MUST_USE enum err collateral_add_path(struct collateral *c, const char *path, struct note *n);
/* The same from memory; the bytes are copied. */
MUST_USE enum err collateral_add(struct collateral *c, struct slice bytes, const char *origin, struct note *n);
MUST_USE enum err collateral_add_items(struct collateral *c, const struct envelope_item *items, size_t count,
                                       struct note *n);

/* All pieces of another set, which must live longer and stay as it is: their bytes are not copied. */
MUST_USE enum err collateral_borrow(struct collateral *c, const struct collateral *from);

/* What fits, under the names that the judges know. Slices point into the set and into the choice. */
struct collateral_choice {
	struct envelope_item items[ENVELOPE_COLLATERAL_MAX];
	size_t count;
	void *owned[4];
};
/* ERR_NOMEM. When several fit, the newest that is not later than `at`. */
MUST_USE enum err collateral_for_snp(const struct collateral *c, struct slice report, int64_t at,
                                     struct collateral_choice *out);
MUST_USE enum err collateral_for_quote(const struct collateral *c, struct slice quote, int64_t at,
                                       struct collateral_choice *out);
void collateral_choice_free(struct collateral_choice *choice); /* takes a zeroed one */
/* The first of a kind, NULL: none. */
const struct collateral_piece *collateral_first(const struct collateral *c, enum collateral_kind kind);
/* The SHA-256 bank of a vTPM as somebody read it; false: not there. */
MUST_USE bool collateral_pcrs(const struct collateral *c, uint8_t pcrs[static 24][32]);

#endif

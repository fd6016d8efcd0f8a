/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this evidence good? Broch's verifier as a library: evidence, collateral, a policy and a time go in; a verdict with
 * reasons comes out. The same code as `broch verify`.
 *
 * Nothing here looks at a clock, the network or a trust store; nothing is accepted because something was left out.
 * Files are read only by broch_collateral_add_path, and by broch_policy_read when the policy names a root by its path.
 *
 * Threads: there is no global state. Different objects may be used by different threads at once; a policy and a
 * collateral that are not being changed may be shared by any number of broch_verify calls. One object must not be
 * changed by one thread while another uses it.
 *
 * Memory: what one call takes is bounded: evidence up to 2 MiB, collateral up to 2 MiB in 192 pieces, a verdict below
 * 128 KiB. What a function returns in *out belongs to the caller; each kind has its own free, which takes NULL.
 *
 * The shapes here only grow at their end, and broch_request says its size, so that a program that was built with an
 * older header keeps working. Link with -lbroch-attest (pkg-config broch-attest). Manual page: broch_attest(3).
 */
#ifndef BROCH_ATTEST_H
#define BROCH_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BROCH_API      __attribute__((visibility("default"), warn_unused_result))
#define BROCH_API_VOID __attribute__((visibility("default")))
#else
#define BROCH_API
#define BROCH_API_VOID
#endif

/* As the exit status of broch verify. */
enum broch_status {
	BROCH_ACCEPTED = 0,   /* of broch_verify: every check passed. Of others: done */
	BROCH_UNREADABLE = 1, /* evidence or collateral is nothing that is known, too large, or no such file */
	BROCH_USAGE = 2,      /* a wrong argument, or a policy that cannot be understood */
	BROCH_REFUSED = 3,    /* judged, and not accepted: the verdict says why */
	BROCH_NO_MEMORY = 4
};

/* In words: what was wrong, where, what to do. Every function that takes one also takes NULL. */
struct broch_error {
	char text[240];
};

/* ---- policy: what the relying party accepts (TOML; `broch policy init` prints one with every key) ---- */

struct broch_policy;
/* name: the policy's, for messages; a relative path of a root counts from its folder. The text need not end with a
 * zero. BROCH_USAGE: *error says line, column and cure. */
BROCH_API enum broch_status broch_policy_read(const char *toml, size_t size, const char *name,
                                              struct broch_policy **out, struct broch_error *error);
BROCH_API_VOID void broch_policy_free(struct broch_policy *policy);

/* ---- collateral: what vendors say of the platform, in any order and under any name ---- */

struct broch_collateral;
BROCH_API struct broch_collateral *broch_collateral_new(void); /* NULL: out of memory */
/* PEM or DER certificates and revocation lists, Intel's answers, JSON bundles of these, evidence with stapled
 * collateral, certificate tables, a vTPM's quote, SEV certificates. The bytes are copied. name: for messages; a vTPM's signature is known
 * by a name that ends in ".sig". What is not understood is kept and does no harm. */
BROCH_API enum broch_status broch_collateral_add(struct broch_collateral *collateral, const void *bytes, size_t size,
                                                 const char *name, struct broch_error *error);
/* A file, or every file of a folder. */
BROCH_API enum broch_status broch_collateral_add_path(struct broch_collateral *collateral, const char *path,
                                                      struct broch_error *error);
BROCH_API_VOID void broch_collateral_free(struct broch_collateral *collateral);

/* ---- judging ---- */

struct broch_request {
	size_t size;          /* sizeof(struct broch_request) */
	const void *evidence; /* a report, a quote, ...: what it is, is seen from its bytes */
	size_t evidence_size;
	const struct broch_policy *policy;
	const struct broch_collateral *collateral; /* NULL: only what the evidence brings */
	int64_t at;                                /* seconds since 1970: when everything must be valid */
	/* What the evidence must be bound to. Without, the verdict says that nothing is bound: ask for one of these
	 * two. */
	const void *report_data; /* 64 bytes, for reports and quotes; NULL: not asked for */
	size_t report_data_size; /* 64, or 0 */
	const void *nonce;       /* for Nitro documents, tagged RA-TLS, vTPMs, CCA and SEV reports; NULL: not asked for */
	size_t nonce_size;
	/* Since 0.1.0's second form; a program that was built before says the smaller size, and they count as zero. */
	const void *sev_session; /* for SEV launch measurements: transport.keys of `broch sev session`; NULL: none */
	size_t sev_session_size; /* 36, or 0 */
	unsigned char sev_api[3]; /* and the firmware's version: API major, minor, build */
	const void *pef_key;     /* for ESM blobs: the private key of one recipient, PEM; NULL: none */
	size_t pef_key_size;
};

struct broch_verdict;
/* BROCH_ACCEPTED and BROCH_REFUSED leave a verdict in *out; the others leave NULL, and words in *error. Treat whatever
 * is not BROCH_ACCEPTED as a refusal. */
BROCH_API enum broch_status broch_verify(const struct broch_request *request, struct broch_verdict **out,
                                         struct broch_error *error);
BROCH_API_VOID void broch_verdict_free(struct broch_verdict *verdict);

/* ---- the verdict ---- */

enum broch_result { BROCH_PASS, BROCH_FAIL, BROCH_SKIP /* does not apply, or could not be asked */ };

struct broch_check {      /* texts live as long as the verdict; none is NULL */
	const char *id;   /* stable name, as "snp.report.signature" */
	const char *link; /* of the chain of trust, as "platform key" */
	enum broch_result result;
	int tolerated; /* passed only because the policy tolerates what it should not be */
	const char *expected, *found, *cure, *spec;
};

BROCH_API int broch_verdict_accepted(const struct broch_verdict *verdict);
/* Is it signed by a software stand-in, which protects nothing? */
BROCH_API int broch_verdict_soft(const struct broch_verdict *verdict);
BROCH_API const char *broch_verdict_tee(const struct broch_verdict *verdict); /* "snp", "sgx", "tdx", "nitro", ... */
/* The launch measurement as it is in the evidence: MEASUREMENT, MRENCLAVE, MRTD, PCR0. NULL and 0: none could be read.
 */
BROCH_API const uint8_t *broch_verdict_measurement(const struct broch_verdict *verdict, size_t *size);
BROCH_API size_t broch_verdict_check_count(const struct broch_verdict *verdict);
/* BROCH_USAGE: there is no such check. */
BROCH_API enum broch_status broch_verdict_check(const struct broch_verdict *verdict, size_t index,
                                                struct broch_check *out);
/* The first check that failed; BROCH_USAGE: none did. */
BROCH_API enum broch_status broch_verdict_reason(const struct broch_verdict *verdict, struct broch_check *out);

/* An EAT attestation result (draft-ietf-rats-ear) with every check beside it, and one page of HTML: text that ends with
 * a zero, to be freed with broch_free. NULL: out of memory. */
BROCH_API char *broch_verdict_json(const struct broch_verdict *verdict);
BROCH_API char *broch_verdict_html(const struct broch_verdict *verdict);
BROCH_API_VOID void broch_free(char *text);

BROCH_API const char *broch_attest_version(void); /* "0.1.0" */

#undef BROCH_API
#undef BROCH_API_VOID
#ifdef __cplusplus
}
#endif

#endif

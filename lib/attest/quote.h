/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel DCAP quotes, versions 3, 4 and 5, with an SGX report or a TD report inside (Intel SGX DCAP ECDSA quote library
 * reference, appendix A; Intel TDX DCAP quoting library reference, appendix A): bytes to fields. Nothing is judged here
 * but form: every length is checked, and that version, TEE type and body type go together.
 *
 * All slices point into the parsed bytes. Numbers of attribute fields are kept as bytes, in the order of the quote.
 */
#ifndef BROCH_ATTEST_QUOTE_H
#define BROCH_ATTEST_QUOTE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	QUOTE_SIZE_MAX = 64 * 1024,
	QUOTE_SVN_SIZE = 16,
	QUOTE_POINT_SIZE = 64,    /* x, y or r, s: two big-endian numbers of 32 bytes */
	QUOTE_KEY_ECDSA_P256 = 2, /* attestation key type */
	QUOTE_CERT_PCK_CHAIN = 5, /* certification data: PEM text */
	QUOTE_CERT_QE_REPORT = 6, /* certification data of versions 4 and 5: the quoting enclave's report, nested */
	QUOTE_TEE_SGX = 0,
	QUOTE_TEE_TDX = 0x81,
	SGX_REPORT_BODY_SIZE = 384,
	TD_REPORT_10_SIZE = 584,
	TD_REPORT_15_SIZE = 648,
};

enum quote_body { QUOTE_BODY_SGX = 1, QUOTE_BODY_TD10 = 2, QUOTE_BODY_TD15 = 3 };

/* SGX: Intel SDM volume 3D, REPORT without its key id and MAC. */
struct sgx_report {
	struct slice cpusvn;
	uint32_t miscselect;
	struct slice ext_prod_id, attributes, mrenclave, mrsigner, config_id;
	uint16_t prod_id, svn, config_svn;
	struct slice family_id, report_data;
};

/* TDX: TDX module ABI, as the quote repeats it. */
struct td_report {
	struct slice tee_tcb_svn, mrseam, mrsignerseam, seam_attributes;
	uint64_t attributes, xfam;
	struct slice mrtd, mrconfigid, mrowner, mrownerconfig, rtmr[4], report_data;
	struct slice tee_tcb_svn2, mrservicetd; /* TDX 1.5 only, else empty */
};

/* TD attributes. Any of the first eight makes a TD one that the host can look into. */
#define TD_ATTR_UNTRUSTED       UINT64_C(0xff)
#define TD_ATTR_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TD_ATTR_MIGRATABLE      (UINT64_C(1) << 29)
/* SGX attributes, first byte */
enum { SGX_ATTR_DEBUG = 2 };

struct quote {
	uint16_t version, key_type;
	uint32_t tee;
	struct slice qe_vendor, user_data;
	enum quote_body body;
	struct sgx_report sgx; /* when body is QUOTE_BODY_SGX */
	struct td_report td;   /* otherwise */
	struct slice signed_part, signature, key;
	struct slice qe_report, qe_signature, qe_auth;
	struct sgx_report qe;
	uint16_t cert_type;
	struct slice cert_data;
	struct slice padding; /* what follows the signature data: covered by nothing */
};

/* Fails with ERR_TRUNCATED, ERR_LIMIT, ERR_VERSION or ERR_FORMAT; *out is then undefined. */
MUST_USE enum err quote_parse(struct slice in, struct quote *out, struct note *n);
/* Exactly SGX_REPORT_BODY_SIZE bytes. */
MUST_USE enum err sgx_report_parse(struct slice in, struct sgx_report *out);
/* Exactly TD_REPORT_10_SIZE or TD_REPORT_15_SIZE bytes. */
MUST_USE enum err td_report_parse(struct slice in, struct td_report *out);

#endif

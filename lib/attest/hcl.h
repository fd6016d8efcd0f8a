/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a confidential VM of Azure says of itself: the report of its paravisor (HCL), which wraps a hardware report and
 * the public keys of the vTPM, and a quote of that vTPM (TPM 2.0 Library, Part 2: Structures, TPMS_ATTEST).
 */
#ifndef BROCH_ATTEST_HCL_H
#define BROCH_ATTEST_HCL_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { HCL_HARDWARE_SIZE = 1184, HCL_KEYS_MAX = 16 * 1024, TPM_SHA256 = 0x000b };
enum hcl_type { HCL_SNP = 2, HCL_TDX = 4 };

struct hcl_report { /* slices point into the input */
	enum hcl_type type;
	struct slice hardware;    /* an SNP report, or a TD report and zeros */
	struct slice report_data; /* in it, 64 bytes */
	struct slice mrtd;        /* TDX: in it, 48 bytes */
	unsigned hash_bits;       /* 256, 384, 512: of keys, which is what the report data is a digest of */
	struct slice keys;        /* JSON */
};

struct tpm_quote {
	struct slice extra; /* what the quote was asked over: the nonce */
	uint16_t bank;      /* TPM_ALG_ID; 0: not exactly one bank was quoted */
	uint32_t selected;  /* a bit for each PCR, 0 to 23 */
	struct slice digest;
};

MUST_USE enum err hcl_report_parse(struct slice in, struct hcl_report *out, struct note *n);
/* ERR_UNSUPPORTED: made by no TPM, or no quote; ERR_FORMAT; ERR_TRAILING. */
MUST_USE enum err tpm_quote_parse(struct slice in, struct tpm_quote *out, struct note *n);

#endif

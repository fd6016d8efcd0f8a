/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SEV-SNP attestation report, versions 2 to 5 (AMD 56860 section 7.3, table ATTESTATION_REPORT): bytes to fields and
 * back. Nothing is judged here but form: whether the values are acceptable is the verifier's business.
 */
#ifndef BROCH_ATTEST_SNP_REPORT_H
#define BROCH_ATTEST_SNP_REPORT_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	SNP_REPORT_SIZE = 1184,
	SNP_REPORT_SIGNED = 0x2a0, /* the signature covers the bytes before this offset */
	SNP_VERSION_MIN = 2,
	SNP_VERSION_MAX = 5,
	SNP_SCALAR_SIZE = 72, /* R and S: little-endian, 48 bytes used */
	SNP_SCALAR_USED = 48,
	SNP_CHIP_ID_SIZE = 64,
	SNP_MEASUREMENT_SIZE = 48,
	SNP_ALGO_ECDSA_P384_SHA384 = 1,
	SNP_VMPL_HOST = -1, /* as int32_t: the host asked, not the guest */
};

enum snp_signing_key { SNP_KEY_VCEK = 0, SNP_KEY_VLEK = 1, SNP_KEY_NONE = 7 };

#define SNP_POLICY_SMT       (UINT64_C(1) << 16)
#define SNP_POLICY_ONE       (UINT64_C(1) << 17) /* reserved, must be one */
#define SNP_POLICY_MIGRATE   (UINT64_C(1) << 18)
#define SNP_POLICY_DEBUG     (UINT64_C(1) << 19)
#define SNP_POLICY_KNOWN     ((UINT64_C(1) << 26) - 1)

struct snp_firmware {
	uint8_t build, minor, major;
};

/* Slices point into the parsed bytes. TCB versions are kept raw, because their form depends on the product. */
struct snp_report {
	uint32_t version, guest_svn;
	uint64_t policy;
	struct slice family_id, image_id;
	uint32_t vmpl, signature_algo;
	struct slice current_tcb;
	uint64_t platform_info;
	uint32_t key_info;
	bool author_key_en, mask_chip_key; /* decoded from key_info */
	uint8_t signing_key;               /* likewise: enum snp_signing_key, or a reserved value */
	struct slice report_data, measurement, host_data, id_key_digest, author_key_digest, report_id, report_id_ma;
	struct slice reported_tcb;
	uint8_t cpu_family, cpu_model, cpu_stepping; /* since version 3, else 0 */
	struct slice chip_id, committed_tcb;
	struct snp_firmware current, committed;
	struct slice launch_tcb;
	uint64_t launch_mit, current_mit; /* since version 5, else 0 */
	struct slice r, s;                /* SNP_SCALAR_SIZE each */
	uint16_t reserved_at; /* offset of the first reserved byte that is not zero, 0: all are zero (byte 0 is not reserved) */
};

/* Fails with ERR_TRUNCATED or ERR_TRAILING (not 1184 bytes) or ERR_VERSION; *out is then undefined. */
MUST_USE enum err snp_report_parse(struct slice in, struct snp_report *out, struct note *n);

/* The other direction, for who stands in for the firmware. Empty slices are written as zeros, others must have the size
 * of their field (ERR_INVALID). author_key_en, mask_chip_key and signing_key are not looked at: key_info is. */
MUST_USE enum err snp_report_write(const struct snp_report *r, uint8_t out[static SNP_REPORT_SIZE]);

/* TCB_VERSION (56860 section 2.2; the form of Turin: 57230). Compare by component, never as one number. */
enum snp_tcb_form { SNP_TCB_MILAN, SNP_TCB_TURIN };
enum snp_tcb_part { SNP_TCB_BOOT_LOADER, SNP_TCB_TEE, SNP_TCB_SNP, SNP_TCB_MICROCODE, SNP_TCB_FMC, SNP_TCB_PARTS };
struct snp_tcb {
	uint8_t part[SNP_TCB_PARTS]; /* SNP_TCB_FMC is 0 in the form of Milan */
};
struct snp_tcb snp_tcb_of(struct slice raw, enum snp_tcb_form form);
/* Is every component of a at most that of b? */
bool snp_tcb_le(const struct snp_tcb *a, const struct snp_tcb *b);

#endif

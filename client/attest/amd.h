/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's certificate profile (57230 VCEK, 58369 VLEK) as data: products, names, pinned roots, extensions. */
#ifndef BROCH_CLIENT_AMD_H
#define BROCH_CLIENT_AMD_H

#include "client/attest/x509.h"
#include "lib/attest/snp_report.h"

enum snp_product { SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_SOFT, SNP_PRODUCT_COUNT };

struct snp_cpu_range {
	uint8_t family, model_first, model_last;
};

struct snp_product_info {
	const char *name;                       /* as policies and the policy's errors call it */
	const char *root_cn, *ask_cn, *asvk_cn; /* asvk_cn and vlek_cn: NULL when there is none */
	const char *vcek_cn, *vlek_cn;
	const char *names[4];                   /* what the product extension may say, before a '-' and the stepping */
	struct snp_cpu_range cpus[2];
	unsigned cpu_count;
	enum snp_tcb_form form;
	size_t hwid_size;
};
extern const struct snp_product_info snp_products[SNP_PRODUCT_COUNT];

struct snp_root_pin {
	enum snp_product product;
	uint8_t spki_sha256[SPKI_DIGEST_SIZE];
};
enum { SNP_AMD_ROOT_COUNT = 3 };
extern const struct snp_root_pin snp_amd_roots[SNP_AMD_ROOT_COUNT];

const struct snp_product_info *snp_product_by_root_cn(const char *cn);   /* NULL: none */
bool snp_product_has_cpu(const struct snp_product_info *p, uint8_t family, uint8_t model);
const char *snp_product_of_cpu(uint8_t family, uint8_t model);           /* never NULL, for messages */

/* The extensions 1.3.6.1.4.1.3704.1.* of a VCEK or VLEK. */
enum { AMD_SPL_COUNT = 9 /* 3.1 to 3.9 */, AMD_PRODUCT_MAX = 32, AMD_HWID_MAX = 64, AMD_CSP_MAX = 128 };
struct amd_ext {
	uint32_t struct_version;
	char product[AMD_PRODUCT_MAX];
	bool spl_set[AMD_SPL_COUNT + 1];   /* by the last arc, [0] unused */
	uint8_t spl[AMD_SPL_COUNT + 1];
	uint8_t hwid[AMD_HWID_MAX];
	size_t hwid_size;                  /* 0: none */
	char csp[AMD_CSP_MAX];             /* "": none */
};
enum { AMD_SPL_BOOT_LOADER = 1, AMD_SPL_TEE = 2, AMD_SPL_SNP = 3, AMD_SPL_MICROCODE = 8, AMD_SPL_FMC = 9 };

/* Version, product and the four SPLs that every product has must be there; the rest is the caller's to ask for. */
MUST_USE enum err amd_ext_read(const struct cert *c, struct amd_ext *e, struct note *found);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the software stand-in calls itself, in every place where a real platform would carry AMD's names. Host (which
 * makes the certificates) and tenant (who judges them) must agree; nobody shall take one for the other.
 */
#ifndef BROCH_ATTEST_SOFT_NAMES_H
#define BROCH_ATTEST_SOFT_NAMES_H

#define SOFT_TEE_NAME  "soft-snp"
#define SOFT_PRODUCT   "SOFT"                              /* product extension of the platform key */
#define SOFT_ROOT_CN   "Broch software test root (SOFT)"
#define SOFT_CA_CN     "Broch software test issuer (SOFT)"
#define SOFT_KEY_CN    "Broch software test key (SOFT)"
#define SOFT_ORG       "SOFT, protects nothing"
#define SOFT_ROOT_FILE "ark.pem"

enum { SOFT_CPU_FAMILY = 0, SOFT_CPU_MODEL = 0 }; /* no real processor has these */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tenant's policy, a TOML file. Nothing is accepted because a key was left out; unknown keys are errors.
 *
 *   tee = ["snp"]                      # which of snp, sgx, tdx, nitro, vtpm, cca, sev, sev-es, pef; "soft" accepts soft-snp only
 *   measurements = ["hex48", ...]      # launch digests; the word "shipped" means the images installed with this broch
 *   workloads = ["hex32", ...]         # SHA-256 of manifests: what a Keep may run that says what it runs; optional, but for
 *                                      # certificates of Keeps, which need it here or beside the policy (--workload)
 *   platform_ids = ["hex64", ...]      # CHIP_ID (Turin: hex8); optional: any platform under the root
 *   [snp]   products = ["Milan"], keys = ["vcek"], vmpl = 0, debug = false, migration = false, smt = true,
 *           masked_chip_id = false, crl = "required" | "if-given", crl_max_age = "30d"
 *   [snp.minimum_tcb] boot_loader = 3, tee = 0, snp = 8, microcode = 115   # each must be said; and fmc for Turin
 *   [snp.minimum_tcb.Turin] ...        # differs from the above for one product
 *   [sgx]   mrenclaves, or mrsigners with product_id and minimum_isv_svn; tcb_statuses, collateral_max_age; ...
 *   [tdx]   mrtds; rtmr0 to rtmr3, or their numbers in rtmrs_free; tcb_statuses, collateral_max_age; ...
 *   [nitro] pcr0 or pcr8; pcr0 to pcr31, debug; max_age; crl = "required" | "if-given", crl_max_age
 *   [vtpm]  pcr0 to pcr23, or any_pcrs = true; together with "snp" or "tdx"
 *   [cca]   platform_keys, initial_measurements; rem0 to rem3, or their numbers in rems_free; software or any_software
 *   [sev]   digests, minimum_firmware; ceks, ocas; debug, key_sharing, migration; for "sev" and "sev-es"
 *   [pef]   kernels, initrds, bootargs, rtas
 *   [snp], [sgx], [tdx], [nitro], [sev] may name a root of one's own: root = "path of a PEM certificate" or root_sha256
 *   [soft]  root_sha256 = "hex32" (of the root's SubjectPublicKeyInfo) or root = "path of a PEM certificate" or "local"
 *   [limits] memory = "1GiB", wall = "1h", cpu = "10m", files = 1024, file_bytes = "256MiB"
 * Every key stands in policy_template(). What one that is left out means: products, tee, measurements (also mrenclaves,
 * mrtds and so on), minimum_tcb, tcb_statuses, collateral_max_age: an error; a tolerance (debug, migration, smt,
 * masked_chip_id, service_td, advisories): no; keys: ["vcek"]; vmpl: 0; crl: "required"; pins and limits: not asked for.
 */
#ifndef BROCH_CLIENT_POLICY_H
#define BROCH_CLIENT_POLICY_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct policy; /* opaque, heap */
/* `name` is for messages, which give line, column and cure. `shipped` digests are passed in by the caller. */
struct policy_shipped {
	const uint8_t (*digests)[48];
	size_t count;
};
MUST_USE enum err policy_parse(struct slice toml, const char *name, struct policy_shipped shipped, struct policy **out,
			       struct note *n);
/* What `broch run` uses on this machine: soft-snp under the local test root, shipped images. */
MUST_USE enum err policy_local(struct slice soft_root_der, struct policy_shipped shipped, struct policy **out);
void policy_free(struct policy *p);
/* A commented file with every key there is for this TEE ("snp", "sgx", "tdx", "nitro", "vtpm", "cca", "sev", "sev-es",
 * "pef", "soft"); NULL: no such
 * TEE. `broch policy init` prints it. */
const char *policy_template(const char *tee);

struct policy_limits { /* 0: not set */
	uint64_t memory_bytes, wall_ns, cpu_ns, open_files, file_bytes;
};
struct policy_limits policy_limits(const struct policy *p);

#endif

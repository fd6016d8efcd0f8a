/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the reader of policies: one reading, the form of a rule, and what the tables share. Each table of the file
 * has a table of rules (policy.c: the top, [snp], [soft], [limits]; policy_dcap.c: [sgx], [tdx]; policy_others.c:
 * [nitro], [vtpm]; policy_cca.c: [cca]; policy_sev.c: [sev], [pef]). What is not in it is an error; what must be there is asked for at the end.
 */
#ifndef BROCH_CLIENT_POLICY_READ_H
#define BROCH_CLIENT_POLICY_READ_H

#include "client/attest/policy_rules.h"
#include "client/config/toml.h"

#include <assert.h>

enum { POLICY_PATH_SIZE = 4096, POLICY_RULES_MAX = 48 };

struct reading {
	const char *name;
	struct note *n;
	struct policy *p;
	struct policy_shipped shipped;
	bool minimum[SNP_PRODUCT_COUNT][SNP_TCB_PARTS]; /* which components were named */
	bool soft_root, snp_root;
	/* [sgx] or [tdx], whichever is being read, and its own root */
	struct dcap_rules *dcap;
	uint8_t (*dcap_root)[SPKI_DIGEST_SIZE];
	bool rtmr_free[4], rem_free[CCA_RULE_REMS];
};

struct rule {
	const char *key;
	enum toml_type type;
	unsigned arg;
	enum err (*take)(struct reading *r, const struct rule *rule, const struct toml_value *v);
};

/* "FILE:LINE:COLUMN: ", then this; ERR_INVALID. */
PRINTF_LIKE(3, 4) enum err policy_wrong(struct reading *r, const struct toml_value *v, const char *fmt, ...);
/* Something must be there and is not. */
enum err policy_missing(struct reading *r, const char *what, const char *cure);
/* Every key of a table by its rule; where: the table's name, "" for the top. */
MUST_USE enum err policy_table(struct reading *r, const struct toml_value *table, const struct rule *rules,
                               size_t count, const char *where);

/* Values of one size, as hex digits. An empty array is an error: it accepts nothing, and that is not what one means. */
MUST_USE enum err policy_hex_list(struct reading *r, struct digest_list *l, size_t size, const struct toml_value *v,
                                  const char *key);
MUST_USE enum err policy_add_hex(struct reading *r, struct digest_list *l, size_t size, const struct toml_value *v);
MUST_USE enum err policy_add(struct digest_list *l, size_t size, const uint8_t *one);
MUST_USE enum err policy_duration(struct reading *r, const struct toml_value *v, uint64_t *ns);
/* At least one second. */
MUST_USE enum err policy_seconds(struct reading *r, const struct toml_value *v, const char *key, uint64_t *s);
MUST_USE enum err policy_number(struct reading *r, const struct toml_value *v, const char *key, uint32_t max,
                                uint32_t *out);
/* Where a path of the policy leads: relative ones count from its folder. */
MUST_USE enum err policy_path(struct reading *r, const struct toml_value *v, char out[static POLICY_PATH_SIZE]);
/* A certificate by its path, which counts from the policy's folder: SHA-256 of its key, or of the whole. */
MUST_USE enum err policy_root(struct reading *r, const struct toml_value *v, bool whole, uint8_t out[static 32]);
MUST_USE enum err policy_root_at(struct reading *r, const struct toml_value *v, const char *path, bool whole,
                                 uint8_t out[static 32]);
/* The digest in so many words. */
MUST_USE enum err policy_root_digest(struct reading *r, const struct toml_value *v, uint8_t out[static 32]);

/* The tables that stand in files of their own, and what they must say. */
enum err policy_take_sgx(struct reading *r, const struct rule *rule, const struct toml_value *v);
enum err policy_take_tdx(struct reading *r, const struct rule *rule, const struct toml_value *v);
enum err policy_take_nitro(struct reading *r, const struct rule *rule, const struct toml_value *v);
enum err policy_take_vtpm(struct reading *r, const struct rule *rule, const struct toml_value *v);
enum err policy_take_cca(struct reading *r, const struct rule *rule, const struct toml_value *v);
enum err policy_take_sev(struct reading *r, const struct rule *rule, const struct toml_value *v);
enum err policy_take_pef(struct reading *r, const struct rule *rule, const struct toml_value *v);
MUST_USE enum err policy_sgx_complete(struct reading *r);
MUST_USE enum err policy_tdx_complete(struct reading *r);
MUST_USE enum err policy_nitro_complete(struct reading *r);
MUST_USE enum err policy_vtpm_complete(struct reading *r);
MUST_USE enum err policy_cca_complete(struct reading *r);
MUST_USE enum err policy_sev_complete(struct reading *r);
MUST_USE enum err policy_pef_complete(struct reading *r);
void policy_cca_free(struct cca_rules *d);
void policy_sev_free(struct policy *p); /* [pef] as well */

#endif

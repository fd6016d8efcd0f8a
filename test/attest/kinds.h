/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers of the kinds of test vectors share: a case, its inputs (mutated as it says), what the relying party
 * demands, and the comparison with what it expects. Handlers stand in kinds_*.c, each with a table of its kinds and one
 * of its reasons; vectors.c finds and runs the cases. A case that cannot be read at all ends the program: it is our
 * mistake.
 */
#ifndef BROCH_TEST_KINDS_H
#define BROCH_TEST_KINDS_H

#include "client/attest/policy_rules.h"
#include "client/attest/verify.h"

#include <jansson.h>

enum { FILE_MAX = 4 << 20, PATH_SIZE = 1024, FILES_MAX = 256 };

struct vector {
	const char *base; /* folder the paths count from */
	json_t *json;
	uint8_t *files[FILES_MAX]; /* to be freed */
	size_t file_count;
	json_t *held; /* what slices point into; to be freed */
	char why[512]; /* of a failure */
};

enum outcome { PASSED, FAILED, SKIPPED };

struct kind {
	const char *kind; /* NULL ends the table */
	enum outcome (*run)(struct vector *c);
};

struct reason {                      /* which of our checks, separated by blanks, say what a reason of the cases says */
	const char *reason, *checks; /* NULL ends the table */
};

struct kind_set {
	const struct kind *kinds;
	const struct reason *reasons;
};
extern const struct kind_set snp_set, dcap_set, sev_set, measure_set, misc_set, nitro_set, pef_set, ratls_set, vtpm_set,
        cca_set, x509_set;

const char *case_text(json_t *o, const char *key); /* "" when it is not there */
size_t case_hex(const char *text, uint8_t *out, size_t max);
/* A file by its path; edits of this role are made. */
struct slice case_load(struct vector *c, const char *role, const char *path);
/* What stands at this place among the files of a role, which names one or a list of them; a file of PEM text is as many
 * as it has blocks. Out of its PEM wrapping; empty when there is none. */
struct slice case_file_at(struct vector *c, const char *role, size_t at);
struct slice case_file(struct vector *c, const char *role);
/* A file named in the input rather than among the files; /dev/null and none at all are empty. */
struct slice case_input_file(struct vector *c, json_t *o, const char *key);
int64_t case_at(const struct vector *c);
bool case_option(json_t *opt, const char *key, bool unsaid);
uint32_t case_u32(json_t *o, const char *key, uint32_t unsaid);

/* Is it the verdict expected, for the reason expected? */
enum outcome case_compare(struct vector *c, const struct verdict *v);
bool hex_is(struct slice s, const char *want);

/* What came out of a case, by the names that cases have for it: a JSON object, in which bytes are hex digits. */
void fact_hex(json_t *facts, const char *key, struct slice value);
void fact_number(json_t *facts, const char *key, uint64_t value);
void fact_text(json_t *facts, const char *key, struct slice value);
/* Is every field that the case expects among the facts, with this value? Else c->why says so. "a.b" in a case is member
 * b of member a. The facts are freed. */
enum outcome case_facts(struct vector *c, json_t *facts);
enum outcome case_hex_fact(struct vector *c, const char *key, struct slice value); /* there is but one */
/* The facts of an SNP report, with whose it is by its root and its key. */
json_t *snp_facts(struct slice report, struct slice root, struct slice key);
/* The facts of a DCAP quote, and of what is said with it of its platform. */
json_t *dcap_facts_json(const struct envelope *e);

/* Of the certificates in "chain", the one that issued the key; else the first. */
struct slice case_issuer(struct vector *c, struct slice key);
/* The members of the collateral file, as the case edits them, and the chain among the options; c->held says whether any
 * collateral was named. */
void dcap_collateral_of(struct vector *c, json_t *opt, struct envelope *e);
/* DCAP rules as the options of a case demand them, and the report data demanded. */
void dcap_demands(struct vector *c, struct dcap_rules *r, json_t *opt, struct slice *report_data);
/* SNP rules as the options of a case demand them; to be freed. */
void snp_demands(struct policy *p, json_t *opt);
void snp_demands_free(struct policy *p);
/* An intermediate of AMD's with its root and their lists, without any evidence. */
enum outcome snp_issuer_case(struct vector *c);
/* The case names its root, so that root is pinned; whose it says it is decides the product. */
void snp_pin_root(struct slice der, struct snp_root_pin *pin);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the SNP judge: one case as the checks see it, the form of a check, and the words they share. The checks
 * stand in snp_issuer_checks.c, snp_key_checks.c and snp_report_checks.c, each with its table; snp.c asks them in order.
 */
#ifndef BROCH_CLIENT_SNP_CASE_H
#define BROCH_CLIENT_SNP_CASE_H

#include "client/attest/snp.h"
#include "lib/base/hex.h"

#include <stdarg.h>
#include <stdio.h>

/* What a check cannot do without. */
enum need {
	NEED_ROOT = 1,
	NEED_CA = 2,
	NEED_CRL = 4,
	NEED_KEY = 8,
	NEED_EXT = 16,
	NEED_REPORT = 32,
	NEED_PRODUCT = 64, /* the root's name says which */
};
struct snp_case {
	const struct verify_input *in;
	const struct snp_rules *rules;
	struct verdict *v;
	unsigned have; /* enum need */
	struct slice root_der, ca_der, key_der, crl_der;
	struct slice evidence;
	bool key_is_vlek; /* by the name it was offered under, which is believed by nobody */
	struct cert root, ca, key;
	struct crl crl;
	struct amd_ext ext;
	struct snp_report report;
	const struct snp_product_info *product;
	enum snp_product product_index;
	struct note root_note, ca_note, key_note, crl_note, ext_note, report_note;
};

struct snp_row {
	const char *id, *link, *spec;
	unsigned needs;
	enum check_result (*judge)(const struct snp_case *c, struct check *k);
};

struct snp_rows {
	const struct snp_row *row;
	size_t count;
};
extern const struct snp_rows snp_issuer_checks, snp_key_checks, snp_report_checks;

#define AMD_ABI  "AMD 56860 "
#define AMD_VCEK "AMD 57230 "
#define PSS      "RFC 4055 section 3.1"

PRINTF_LIKE(2, 3) static inline void say(char *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, CHECK_TEXT_MAX, fmt, args);
	va_end(args);
}

static inline void say_hex(char *out, struct slice s)
{
	if (2 * s.size + 1 <= CHECK_TEXT_MAX)
		hex_encode(s, out);
}

static inline enum check_result pass_if(bool good)
{
	return good ? CHECK_PASS : CHECK_FAIL;
}

static inline enum check_result from(enum err err, const struct note *found, struct check *k)
{
	say(k->found, "%s", found->text[0] != 0 ? found->text : err_text(err));
	return pass_if(err == OK);
}

static inline enum check_result skip(struct check *k, const char *why)
{
	say(k->found, "%s", why);
	return CHECK_SKIP;
}

PRINTF_LIKE(2, 3) static inline enum check_result skip_because(struct check *k, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(k->found, CHECK_TEXT_MAX, fmt, args);
	va_end(args);
	return CHECK_SKIP;
}

static inline enum check_result valid_at(const struct snp_case *c, const struct cert *cert, struct check *k)
{
	struct note found = {""};
	char at[32];

	time_text(c->in->at, at, sizeof at);
	say(k->expected, "valid at %s", at);
	say(k->cure, "is the time given the right one? else the host needs a new certificate");
	return from(cert_valid_at(cert, c->in->at, &found), &found, k);
}

#endif

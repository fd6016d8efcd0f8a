/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of the key that signed: VCEK or VLEK. */
#include "client/attest/snp_case.h"

static enum check_result key_read(const struct snp_case *c, struct check *k)
{
	say(k->expected, "the platform key's certificate (VCEK or VLEK), strict DER");
	say(k->cure, "ask the host for its certificate chain, or take it from AMD's key distribution service");
	return from((c->have & NEED_KEY) != 0 ? OK : ERR_FORMAT, &c->key_note, k);
}

static enum check_result key_issuer(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "issued by %s", c->ca.cn);
	return from(cert_issuer_is(&c->key, &c->ca, &found), &found, k);
}

static enum check_result key_algorithm(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48");
	return from(cert_algorithm_pss384(&c->key, &found), &found, k);
}

static enum check_result key_signature(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "signed by the intermediate");
	return from(cert_signed_by(&c->key, &c->ca, &found), &found, k);
}

static enum check_result key_curve(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "ECDSA P-384");
	return from(cert_key_p384(&c->key, &found), &found, k);
}

static enum check_result key_leaf(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "not a CA, may sign");
	return from(cert_is_leaf(&c->key, &found), &found, k);
}

static enum check_result key_time(const struct snp_case *c, struct check *k)
{
	return valid_at(c, &c->key, k);
}

/* A VLEK hangs under the ASVK, a VCEK under the ASK, and the report says which of them signed it. Whether the issuer is
 * one of these two is another check's question. */
static enum check_result key_kind(const struct snp_case *c, struct check *k)
{
	const struct snp_product_info *p = c->product;
	bool vlek = c->report.signing_key == SNP_KEY_VLEK;
	const char *key_cn = vlek ? p->vlek_cn : p->vcek_cn, *ca_cn = vlek ? p->asvk_cn : p->ask_cn;
	const char *other_cn = vlek ? p->ask_cn : p->asvk_cn;

	say(k->found, "%s under %s", c->key.cn, c->ca.cn);
	if (key_cn == NULL || ca_cn == NULL) {
		say(k->expected, "a VCEK: a %s platform has no other key", p->name);
		return CHECK_FAIL;
	}
	say(k->expected, "%s under %s, as the report's SIGNING_KEY says", key_cn, ca_cn);
	return pass_if(strcmp(c->key.cn, key_cn) == 0 && (other_cn == NULL || strcmp(c->ca.cn, other_cn) != 0));
}

static enum check_result key_extensions(const struct snp_case *c, struct check *k)
{
	say(k->expected, "AMD's extensions: version, product, security patch levels");
	return from((c->have & NEED_EXT) != 0 ? OK : ERR_FORMAT, &c->ext_note, k);
}

static enum check_result key_product(const struct snp_case *c, struct check *k)
{
	size_t size = strcspn(c->ext.product, "-");

	say(k->expected, "a product of the %s chain", c->product->name);
	say(k->found, "%s", c->ext.product);
	for (unsigned i = 0; i < ARRAY_COUNT(c->product->names) && c->product->names[i] != NULL; i++)
		if (strlen(c->product->names[i]) == size && memcmp(c->product->names[i], c->ext.product, size) == 0)
			return CHECK_PASS;
	return CHECK_FAIL;
}

/* ---- the table ---- */

static const struct snp_row rows[] = {
        {"snp.key.read", "platform key", "X.690 chapter 10", 0, key_read},
        {"snp.key.kind", "platform key", "AMD 58369, 57230", NEED_KEY | NEED_CA | NEED_REPORT | NEED_PRODUCT, key_kind},
        {"snp.key.issuer", "platform key", "RFC 5280 section 6.1.3", NEED_KEY | NEED_CA, key_issuer},
        {"snp.key.algorithm", "platform key", PSS, NEED_KEY, key_algorithm},
        {"snp.key.signature", "platform key", "RFC 5280 section 6.1.3", NEED_KEY | NEED_CA, key_signature},
        {"snp.key.curve", "platform key", AMD_VCEK "chapter 3", NEED_KEY, key_curve},
        {"snp.key.leaf", "platform key", "RFC 5280 section 4.2.1.9", NEED_KEY, key_leaf},
        {"snp.key.time", "platform key", "RFC 5280 section 4.1.2.5", NEED_KEY, key_time},
        {"snp.key.extensions", "platform key", AMD_VCEK "chapter 3", NEED_KEY, key_extensions},
        {"snp.key.product", "platform key", AMD_VCEK "chapter 3", NEED_EXT | NEED_PRODUCT, key_product},
};

const struct snp_rows snp_key_checks = {rows, ARRAY_COUNT(rows)};

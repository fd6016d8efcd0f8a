/* SPDX-License-Identifier: Apache-2.0 */
/* Root, intermediate certificate and revocation list. */
#include "client/attest/snp_case.h"

/* ---- root ---- */

static enum check_result root_read(const struct snp_case *c, struct check *k)
{
	say(k->expected, "the root certificate (ARK), strict DER");
	say(k->cure, "ask the host for its certificate chain, or take it from AMD's key distribution service");
	return from((c->have & NEED_ROOT) != 0 ? OK : ERR_FORMAT, &c->root_note, k);
}

static enum check_result root_pinned(const struct snp_case *c, struct check *k)
{
	bool good = false;

	for (size_t i = 0; i < c->rules->root_count; i++) {
		const struct snp_root_pin *pin = &c->rules->roots[i];

		if (memcmp(pin->spki_sha256, c->root.spki_sha256, SPKI_DIGEST_SIZE) == 0 &&
		    (c->rules->products >> pin->product & 1) != 0) {
			good = true;
			say(k->expected, "the known %s root key", snp_products[pin->product].name);
		}
	}
	if (!good)
		say(k->expected, "one of the %zu root keys this policy trusts", c->rules->root_count);
	say_hex(k->found, slice_of(c->root.spki_sha256, SPKI_DIGEST_SIZE));
	say(k->cure, c->rules == &c->in->policy->soft
	                     ? "if you trust this stand-in, put the digest found into [soft] root_sha256"
	                     : "the evidence does not come from a processor that this policy's products cover");
	return pass_if(good);
}

static enum check_result root_name(const struct snp_case *c, struct check *k)
{
	bool good = c->product != NULL && (c->rules->products >> c->product_index & 1) != 0;
	size_t at = 0;

	for (unsigned i = 0; i < SNP_PRODUCT_COUNT; i++)
		if ((c->rules->products >> i & 1) != 0 && at < CHECK_TEXT_MAX)
			at += (size_t)snprintf(k->expected + at, CHECK_TEXT_MAX - at, "%s%s", at == 0 ? "" : " or ",
			                       snp_products[i].root_cn);
	say(k->found, "%s", c->root.cn[0] != 0 ? c->root.cn : "no readable common name");
	say(k->cure, "add the product to the policy's products if you accept it");
	return pass_if(good);
}

static enum check_result root_key(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "RSA, 4096 bits, exponent 65537");
	return from(cert_key_rsa4096(&c->root, &found), &found, k);
}

static enum check_result root_algorithm(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48");
	return from(cert_algorithm_pss384(&c->root, &found), &found, k);
}

static enum check_result root_signature(const struct snp_case *c, struct check *k)
{
	struct note found = {""};
	enum err err = cert_issuer_is(&c->root, &c->root, &found);

	say(k->expected, "signed by itself");
	if (err == OK) {
		found.text[0] = 0;
		err = cert_signed_by(&c->root, &c->root, &found);
	}
	return from(err, &found, k);
}

static enum check_result root_ca(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "a CA that may sign certificates");
	return from(cert_is_ca(&c->root, 1, &found), &found, k);
}

static enum check_result root_time(const struct snp_case *c, struct check *k)
{
	return valid_at(c, &c->root, k);
}

/* ---- intermediate: ASK or ASVK ---- */

static enum check_result ca_read(const struct snp_case *c, struct check *k)
{
	say(k->expected, "the intermediate certificate (ASK or ASVK), strict DER");
	say(k->cure, "ask the host for its certificate chain, or take it from AMD's key distribution service");
	return from((c->have & NEED_CA) != 0 ? OK : ERR_FORMAT, &c->ca_note, k);
}

static enum check_result ca_name(const struct snp_case *c, struct check *k)
{
	const struct snp_product_info *p = c->product;

	say(k->expected, "%s%s%s", p->ask_cn, p->asvk_cn != NULL ? " or " : "", p->asvk_cn != NULL ? p->asvk_cn : "");
	say(k->found, "%s", c->ca.cn);
	return pass_if(strcmp(c->ca.cn, p->ask_cn) == 0 || (p->asvk_cn != NULL && strcmp(c->ca.cn, p->asvk_cn) == 0));
}

static enum check_result ca_issuer(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "issued by %s", c->root.cn);
	return from(cert_issuer_is(&c->ca, &c->root, &found), &found, k);
}

static enum check_result ca_key(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "RSA, 4096 bits, exponent 65537");
	return from(cert_key_rsa4096(&c->ca, &found), &found, k);
}

static enum check_result ca_algorithm(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48");
	return from(cert_algorithm_pss384(&c->ca, &found), &found, k);
}

static enum check_result ca_signature(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "signed by the root");
	return from(cert_signed_by(&c->ca, &c->root, &found), &found, k);
}

static enum check_result ca_ca(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "a CA that may sign certificates");
	return from(cert_is_ca(&c->ca, 0, &found), &found, k);
}

static enum check_result ca_time(const struct snp_case *c, struct check *k)
{
	return valid_at(c, &c->ca, k);
}

/* ---- revocation ---- */

static enum check_result crl_given(const struct snp_case *c, struct check *k)
{
	if (c->crl_der.size == 0 && !c->rules->crl_required)
		return skip_because(k, "%s, and the policy does not ask for one", c->crl_note.text);
	say(k->expected, "a certificate revocation list of the root");
	say(k->cure, "give the product's CRL from AMD's key distribution service, or set crl = \"if-given\"");
	return from((c->have & NEED_CRL) != 0 ? OK : ERR_NOT_FOUND, &c->crl_note, k);
}

static enum check_result crl_issuer(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "issued by %s", c->root.cn);
	return from(crl_issuer_is(&c->crl, &c->root, &found), &found, k);
}

static enum check_result crl_signature(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "signed by the root with RSASSA-PSS, SHA-384");
	return from(crl_signed_by_pss384(&c->crl, &c->root, &found), &found, k);
}

static enum check_result crl_time(const struct snp_case *c, struct check *k)
{
	struct note found = {""};
	char at[32];

	time_text(c->in->at, at, sizeof at);
	say(k->expected, "valid at %s", at);
	if (c->rules->crl_max_age_s != 0)
		say(k->expected, "valid at %s and at most %llu days old", at,
		    (unsigned long long)(c->rules->crl_max_age_s / 86400));
	say(k->cure, "fetch the current CRL");
	return from(crl_valid_at(&c->crl, c->in->at, c->rules->crl_max_age_s, &found), &found, k);
}

static enum check_result crl_root(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "the root is not on the list");
	return from(crl_spares(&c->crl, &c->root, &found), &found, k);
}

static enum check_result crl_ca(const struct snp_case *c, struct check *k)
{
	struct note found = {""};

	say(k->expected, "the intermediate is not on the list");
	say(k->cure, "the host must use the certificate that replaced the revoked one");
	return from(crl_spares(&c->crl, &c->ca, &found), &found, k);
}

/* ---- the table ---- */

static const struct snp_row rows[] = {
        {"snp.root.read", "root", "X.690 chapter 10", 0, root_read},
        {"snp.root.pinned", "root", AMD_VCEK "chapter 2", NEED_ROOT, root_pinned},
        {"snp.root.name", "root", AMD_VCEK "chapter 2", NEED_ROOT, root_name},
        {"snp.root.key", "root", AMD_VCEK "chapter 2", NEED_ROOT, root_key},
        {"snp.root.algorithm", "root", PSS, NEED_ROOT, root_algorithm},
        {"snp.root.signature", "root", "RFC 5280 section 6.1.3", NEED_ROOT, root_signature},
        {"snp.root.ca", "root", "RFC 5280 section 4.2.1.9", NEED_ROOT, root_ca},
        {"snp.root.time", "root", "RFC 5280 section 4.1.2.5", NEED_ROOT, root_time},
        {"snp.ca.read", "platform key", "X.690 chapter 10", 0, ca_read},
        {"snp.ca.name", "platform key", AMD_VCEK "chapter 2", NEED_CA | NEED_PRODUCT, ca_name},
        {"snp.ca.issuer", "platform key", "RFC 5280 section 6.1.3", NEED_CA | NEED_ROOT, ca_issuer},
        {"snp.ca.key", "platform key", AMD_VCEK "chapter 2", NEED_CA, ca_key},
        {"snp.ca.algorithm", "platform key", PSS, NEED_CA, ca_algorithm},
        {"snp.ca.signature", "platform key", "RFC 5280 section 6.1.3", NEED_CA | NEED_ROOT, ca_signature},
        {"snp.ca.ca", "platform key", "RFC 5280 section 4.2.1.9", NEED_CA, ca_ca},
        {"snp.ca.time", "platform key", "RFC 5280 section 4.1.2.5", NEED_CA, ca_time},
        {"snp.crl.read", "platform key", "RFC 5280 chapter 5", 0, crl_given},
        {"snp.crl.issuer", "platform key", "RFC 5280 section 6.3.3", NEED_CRL | NEED_ROOT, crl_issuer},
        {"snp.crl.signature", "platform key", "RFC 5280 section 6.3.3", NEED_CRL | NEED_ROOT, crl_signature},
        {"snp.crl.time", "platform key", "RFC 5280 section 5.1.2.5", NEED_CRL, crl_time},
        {"snp.crl.root", "platform key", "RFC 5280 section 6.3.3", NEED_CRL | NEED_ROOT, crl_root},
        {"snp.crl.ca", "platform key", "RFC 5280 section 6.3.3", NEED_CRL | NEED_CA, crl_ca},
};

const struct snp_rows snp_issuer_checks = {rows, ARRAY_COUNT(rows)};

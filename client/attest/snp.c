/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row, one question. The evidence is first taken apart (load), which judges nothing; then every row of the table is
 * asked in the order of the chain. A row whose input could not be read is skipped and says so; the row that asks
 * whether that input can be read has then failed, so a skipped row never turns a refusal into an acceptance.
 */
#include "client/attest/snp.h"

#include "lib/base/hex.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum need {
	NEED_ROOT = 1,
	NEED_CA = 2,
	NEED_CRL = 4,
	NEED_KEY = 8,
	NEED_EXT = 16,
	NEED_REPORT = 32,
	NEED_PRODUCT = 64, /* the root's name says which */
};
static const char *const need_text[] = {"root certificate", "intermediate certificate",  "revocation list",
                                        "platform key",     "platform key's extensions", "report",
                                        "product"};

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

/* ---- words ---- */

PRINTF_LIKE(2, 3) static void say(char *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, CHECK_TEXT_MAX, fmt, args);
	va_end(args);
}

static void say_hex(char *out, struct slice s)
{
	if (2 * s.size + 1 <= CHECK_TEXT_MAX)
		hex_encode(s, out);
}

static enum check_result pass_if(bool good)
{
	return good ? CHECK_PASS : CHECK_FAIL;
}

static enum check_result from(enum err err, const struct note *found, struct check *k)
{
	say(k->found, "%s", found->text[0] != 0 ? found->text : err_text(err));
	return pass_if(err == OK);
}

static enum check_result skip(struct check *k, const char *why)
{
	say(k->found, "%s", why);
	return CHECK_SKIP;
}

static bool all_zero(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] != 0)
			return false;
	return true;
}

static void tcb_words(char *out, const struct snp_tcb *t, enum snp_tcb_form form)
{
	char fmc[16] = "";

	if (form == SNP_TCB_TURIN)
		snprintf(fmc, sizeof fmc, "FMC %u, ", t->part[SNP_TCB_FMC]);
	say(out, "%sboot loader %u, TEE %u, SNP %u, microcode %u", fmc, t->part[SNP_TCB_BOOT_LOADER],
	    t->part[SNP_TCB_TEE], t->part[SNP_TCB_SNP], t->part[SNP_TCB_MICROCODE]);
}

static struct snp_tcb tcb(const struct snp_case *c, struct slice raw)
{
	return snp_tcb_of(raw, c->product->form);
}

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

static enum check_result valid_at(const struct snp_case *c, const struct cert *cert, struct check *k)
{
	struct note found = {""};
	char at[32];

	time_text(c->in->at, at, sizeof at);
	say(k->expected, "valid at %s", at);
	say(k->cure, "is the time given the right one? else the host needs a new certificate");
	return from(cert_valid_at(cert, c->in->at, &found), &found, k);
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
		return skip(k, "none given, and the policy does not ask for one");
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

/* ---- platform key: VCEK or VLEK ---- */

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

/* The key was derived from these very patch levels, so every byte counts, also those that have no name yet. */
static enum check_result key_tcb(const struct snp_case *c, struct check *k)
{
	static const uint8_t arc[][8] = {
	        [SNP_TCB_MILAN] = {1, 2, 4, 5, 6, 7, 3, 8}, [SNP_TCB_TURIN] = {9, 1, 2, 3, 4, 5, 6, 8}};
	const uint8_t *row = arc[c->product->form];
	struct snp_tcb t = tcb(c, c->report.reported_tcb);
	bool good = true;

	tcb_words(k->found, &t, c->product->form);
	say(k->expected, "the patch levels of the platform key: boot loader %u, TEE %u, SNP %u, microcode %u",
	    c->ext.spl[AMD_SPL_BOOT_LOADER], c->ext.spl[AMD_SPL_TEE], c->ext.spl[AMD_SPL_SNP],
	    c->ext.spl[AMD_SPL_MICROCODE]);
	say(k->cure, "the host must give the certificate for the TCB that the report names");
	if (c->product->form == SNP_TCB_TURIN && !c->ext.spl_set[AMD_SPL_FMC])
		good = false;
	for (unsigned i = 0; i < 8 && good; i++)
		good = c->ext.spl_set[row[i]] ? c->ext.spl[row[i]] == c->report.reported_tcb.data[i]
		                              : c->report.reported_tcb.data[i] == 0;
	return pass_if(good);
}

/* ---- report ---- */

static enum check_result report_read(const struct snp_case *c, struct check *k)
{
	say(k->expected, "an SNP report of %d bytes, version %d to %d", SNP_REPORT_SIZE, SNP_VERSION_MIN,
	    SNP_VERSION_MAX);
	if ((c->have & NEED_REPORT) != 0) {
		say(k->found, "version %u", c->report.version);
		return CHECK_PASS;
	}
	return from(ERR_FORMAT, &c->report_note, k);
}

static enum check_result report_reserved(const struct snp_case *c, struct check *k)
{
	say(k->expected, "reserved bytes and the unused bytes behind the signature are zero");
	if (c->report.reserved_at != 0)
		say(k->found, "byte %xh is not zero", c->report.reserved_at);
	else
		say(k->found, "all zero");
	return pass_if(c->report.reserved_at == 0);
}

static enum check_result report_algorithm(const struct snp_case *c, struct check *k)
{
	say(k->expected, "1 (ECDSA P-384 with SHA-384)");
	say(k->found, "%u", c->report.signature_algo);
	return pass_if(c->report.signature_algo == SNP_ALGO_ECDSA_P384_SHA384);
}

static const char *signing_key_text(unsigned key)
{
	switch (key) {
	case SNP_KEY_VCEK: return "VCEK";
	case SNP_KEY_VLEK: return "VLEK";
	case SNP_KEY_NONE: return "none";
	default: return "a reserved value";
	}
}

static enum check_result report_signing_key(const struct snp_case *c, struct check *k)
{
	unsigned key = c->report.signing_key;

	say(k->expected, "%s", c->rules->vcek && c->rules->vlek ? "VCEK or VLEK" : c->rules->vlek ? "VLEK" : "VCEK");
	say(k->found, "%s", signing_key_text(key));
	say(k->cure, "name the kinds of keys that you accept in [snp] keys");
	return pass_if((key == SNP_KEY_VCEK && c->rules->vcek) || (key == SNP_KEY_VLEK && c->rules->vlek));
}

static enum check_result report_mask_key(const struct snp_case *c, struct check *k)
{
	say(k->expected, "MASK_CHIP_KEY is 0");
	say(k->found, "MASK_CHIP_KEY is %u", c->report.mask_chip_key);
	say(k->cure, "the host must let its chip sign (SNP_CONFIG, MASK_CHIP_KEY)");
	return pass_if(!c->report.mask_chip_key);
}

static enum check_result report_scalars(const struct snp_case *c, struct check *k)
{
	struct slice r = c->report.r, s = c->report.s;
	struct slice rest_r = slice_of(r.data + SNP_SCALAR_USED, r.size - SNP_SCALAR_USED);
	struct slice rest_s = slice_of(s.data + SNP_SCALAR_USED, s.size - SNP_SCALAR_USED);

	say(k->expected, "R and S from 1 to the order of P-384 less 1, 48 bytes, then zeros");
	if (!all_zero(rest_r) || !all_zero(rest_s)) {
		say(k->found, "bytes behind the 48th are not zero");
		return CHECK_FAIL;
	}
	if (!p384_scalar_ok(slice_of(r.data, SNP_SCALAR_USED)) || !p384_scalar_ok(slice_of(s.data, SNP_SCALAR_USED))) {
		say(k->found, "out of range%s", all_zero(r) && all_zero(s) ? ": both zero, nothing was signed" : "");
		return CHECK_FAIL;
	}
	say(k->found, "in range");
	return CHECK_PASS;
}

static enum check_result report_signature(const struct snp_case *c, struct check *k)
{
	struct note found = {""};
	enum err err = cert_ecdsa384(&c->key, slice_of(c->evidence.data, SNP_REPORT_SIGNED),
	                             slice_of(c->report.r.data, SNP_SCALAR_USED),
	                             slice_of(c->report.s.data, SNP_SCALAR_USED), &found);

	say(k->expected, "signed by the platform key");
	say(k->cure, "the report was altered, or the certificate is of another chip or TCB");
	return from(err, &found, k);
}

static enum check_result report_product(const struct snp_case *c, struct check *k)
{
	const struct snp_report *r = &c->report;

	if (r->version < 3)
		return skip(k, "version 2 does not name the processor; the platform key does");
	say(k->expected, "a processor of the %s chain", c->product->name);
	say(k->found, "family %xh model %xh: %s", r->cpu_family, r->cpu_model,
	    snp_product_of_cpu(r->cpu_family, r->cpu_model));
	return pass_if(snp_product_has_cpu(c->product, r->cpu_family, r->cpu_model));
}

static bool masked(const struct snp_case *c)
{
	return all_zero(c->report.chip_id);
}

static enum check_result report_masked(const struct snp_case *c, struct check *k)
{
	if (c->report.signing_key == SNP_KEY_VLEK)
		return skip(k, "a VLEK belongs to a provider, not to a chip");
	say(k->expected, "CHIP_ID tells which machine this is");
	say(k->found, "CHIP_ID is %s", masked(c) ? "masked: it proves no machine" : "there");
	say(k->cure, "the host must not mask it, or set masked_chip_id = true");
	return pass_if(!masked(c) || c->rules->masked_chip_id);
}

static enum check_result report_chip(const struct snp_case *c, struct check *k)
{
	struct slice id = c->report.chip_id;
	size_t size = c->product->hwid_size;

	if (c->report.signing_key == SNP_KEY_VLEK)
		return skip(k, "a VLEK belongs to a provider, not to a chip");
	if (masked(c))
		return skip(k, "CHIP_ID is masked");
	if (c->ext.hwid_size == size)
		say_hex(k->expected, slice_of(c->ext.hwid, size));
	else
		say(k->expected, "a platform key with a hwID of %zu bytes", size);
	say_hex(k->found, slice_of(id.data, size));
	say(k->cure, "the certificate is of another chip");
	return pass_if(c->ext.hwid_size == size && memcmp(id.data, c->ext.hwid, size) == 0 &&
	               all_zero(slice_of(id.data + size, id.size - size)));
}

static enum check_result report_platform(const struct snp_case *c, struct check *k)
{
	const struct digest_list *l = &c->in->policy->platform_ids;

	if (l->count == 0)
		return skip(k, "the policy names no platform ids: any platform under the root");
	say(k->expected, "one of %zu platform ids", l->count);
	say_hex(k->found, c->report.chip_id);
	say(k->cure, "add it to platform_ids if the machine is one of yours");
	return pass_if(!masked(c) && digest_list_has(l, c->report.chip_id));
}

static enum check_result report_policy_form(const struct snp_case *c, struct check *k)
{
	uint64_t p = c->report.policy;

	say(k->expected, "guest policy bit 17 is one, bits above 25 are zero");
	say(k->found, "guest policy %llxh", (unsigned long long)p);
	return pass_if((p & SNP_POLICY_ONE) != 0 && (p & ~SNP_POLICY_KNOWN) == 0);
}

static enum check_result flag(uint64_t found, bool tolerated, const char *what, const char *key, struct check *k)
{
	say(k->expected, "%s %s", what, tolerated ? "allowed or not" : "not allowed");
	say(k->found, "%s %s by the guest policy", what, found != 0 ? "allowed" : "not allowed");
	say(k->cure, "launch with another guest policy, or set %s = true", key);
	return pass_if(found == 0 || tolerated);
}

static enum check_result report_debug(const struct snp_case *c, struct check *k)
{
	return flag(c->report.policy & SNP_POLICY_DEBUG, c->rules->debug, "debugging", "debug", k);
}

static enum check_result report_migration(const struct snp_case *c, struct check *k)
{
	return flag(c->report.policy & SNP_POLICY_MIGRATE, c->rules->migration, "a migration agent", "migration", k);
}

static enum check_result report_smt(const struct snp_case *c, struct check *k)
{
	return flag(c->report.policy & SNP_POLICY_SMT, c->rules->smt, "simultaneous multithreading", "smt", k);
}

static enum check_result report_vmpl(const struct snp_case *c, struct check *k)
{
	if (c->rules->any_vmpl)
		return skip(k, "not asked for");
	say(k->expected, "%u", c->rules->vmpl);
	say(k->found, "%u", c->report.vmpl);
	if (c->report.vmpl == (uint32_t)SNP_VMPL_HOST)
		say(k->found, "the host asked for this report, not the guest");
	say(k->cure, "software at another privilege level asked for this report");
	return pass_if(c->report.vmpl == c->rules->vmpl);
}

static enum check_result report_tcb_order(const struct snp_case *c, struct check *k)
{
	const struct snp_report *r = &c->report;
	struct snp_tcb reported = tcb(c, r->reported_tcb), committed = tcb(c, r->committed_tcb);
	struct snp_tcb current = tcb(c, r->current_tcb), launch = tcb(c, r->launch_tcb);

	say(k->expected,
	    "reported, committed and launch TCB are not newer than the current one, component by component");
	if (!snp_tcb_le(&committed, &current))
		say(k->found, "committed is newer than current");
	else if (!snp_tcb_le(&reported, &current))
		say(k->found, "reported is newer than current");
	else if (!snp_tcb_le(&launch, &current))
		say(k->found, "launch is newer than current");
	else {
		say(k->found, "in order");
		return CHECK_PASS;
	}
	return CHECK_FAIL;
}

/* Committed counts too: down to there the host may roll back. So does launch, if told: under it the guest was measured.
 */
static enum check_result report_tcb_minimum(const struct snp_case *c, struct check *k)
{
	const struct snp_tcb *min = &c->rules->minimum[c->product_index];
	const struct {
		const char *name;
		struct slice raw;
	} each[] = {{"reported", c->report.reported_tcb},
	            {"committed", c->report.committed_tcb},
	            {"launch", c->report.launch_tcb}};
	struct snp_tcb t = tcb(c, c->report.reported_tcb);
	char words[CHECK_TEXT_MAX];

	tcb_words(words, min, c->product->form);
	say(k->expected, "at least %.*s", CHECK_TEXT_MAX - 16, words);
	tcb_words(k->found, &t, c->product->form);
	say(k->cure, "the host must update its firmware, or lower [snp.minimum_tcb] knowing what that means");
	for (unsigned i = 0; i < ARRAY_COUNT(each); i++) {
		if (i == 2 && all_zero(each[i].raw))
			continue;
		t = tcb(c, each[i].raw);
		if (snp_tcb_le(min, &t))
			continue;
		tcb_words(words, &t, c->product->form);
		say(k->found, "%s TCB: %.*s", each[i].name, CHECK_TEXT_MAX - 24, words);
		return CHECK_FAIL;
	}
	return CHECK_PASS;
}

static enum check_result pinned(const struct snp_case *c, enum snp_pin pin, struct slice value, struct check *k)
{
	const struct digest_list *l = &c->rules->pins[pin];

	if (l->count == 0)
		return skip(k, "the policy does not ask for it");
	if (l->count == 1)
		say_hex(k->expected, slice_of(l->bytes, l->size));
	else
		say(k->expected, "one of %zu values", l->count);
	say_hex(k->found, value);
	say(k->cure, "add it to [snp] %s if you trust it", snp_pins[pin].key);
	return pass_if(digest_list_has(l, value));
}

static enum check_result pin_host_data(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_HOST_DATA, c->report.host_data, k);
}

static enum check_result pin_id_key(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_ID_KEY, c->report.id_key_digest, k);
}

static enum check_result pin_author_key(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_AUTHOR_KEY, c->report.author_key_digest, k);
}

static enum check_result pin_family(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_FAMILY_ID, c->report.family_id, k);
}

static enum check_result pin_image(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_IMAGE_ID, c->report.image_id, k);
}

/* ---- measurement, handshake ---- */

static enum check_result measurement(const struct snp_case *c, struct check *k)
{
	const struct digest_list *l = &c->in->policy->measurements;

	if (c->rules->any_measurement)
		return skip(k, "not asked for");
	if (l->count == 1)
		say_hex(k->expected, slice_of(l->bytes, l->size));
	else
		say(k->expected, "one of the %zu launch digests in the policy", l->count);
	say_hex(k->found, c->report.measurement);
	say(k->cure, "compare with `broch measure`; add it to measurements if you trust what was launched");
	return pass_if(digest_list_has(l, c->report.measurement));
}

static enum check_result report_data(const struct snp_case *c, struct check *k)
{
	if (c->in->report_data.size == 0)
		return skip(k, "nothing to compare with: this evidence is bound to nothing you know");
	say_hex(k->expected, c->in->report_data);
	say_hex(k->found, c->report.report_data);
	say(k->cure, "the evidence was made for another connection or workload: somebody may be relaying");
	return pass_if(slice_equal(c->in->report_data, c->report.report_data));
}

/* ---- the table ---- */

struct snp_row {
	const char *id, *link, *spec;
	unsigned needs;
	enum check_result (*judge)(const struct snp_case *c, struct check *k);
};

#define AMD_ABI  "AMD 56860 "
#define AMD_VCEK "AMD 57230 "
#define PSS      "RFC 4055 section 3.1"

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
        {"snp.report.read", "report", AMD_ABI "section 7.3", 0, report_read},
        {"snp.report.reserved", "report", AMD_ABI "section 7.3", NEED_REPORT, report_reserved},
        {"snp.report.algorithm", "report", AMD_ABI "chapter 10", NEED_REPORT, report_algorithm},
        {"snp.report.signing_key", "report", AMD_ABI "section 7.3", NEED_REPORT, report_signing_key},
        {"snp.report.mask_chip_key", "report", AMD_ABI "section 7.3", NEED_REPORT, report_mask_key},
        {"snp.report.scalars", "report", AMD_ABI "chapter 10", NEED_REPORT, report_scalars},
        {"snp.report.signature", "report", AMD_ABI "section 7.3", NEED_REPORT | NEED_KEY, report_signature},
        {"snp.report.tcb_key", "report", AMD_VCEK "chapter 3", NEED_REPORT | NEED_EXT | NEED_PRODUCT, key_tcb},
        {"snp.report.chip_masked", "report", AMD_ABI "section 7.3", NEED_REPORT, report_masked},
        {"snp.report.chip_id", "report", AMD_VCEK "chapter 3", NEED_REPORT | NEED_EXT | NEED_PRODUCT, report_chip},
        {"snp.report.platform_id", "report", AMD_ABI "section 7.3", NEED_REPORT, report_platform},
        {"snp.report.product", "report", AMD_ABI "section 7.3", NEED_REPORT | NEED_PRODUCT, report_product},
        {"snp.report.policy_form", "report", AMD_ABI "section 4.3", NEED_REPORT, report_policy_form},
        {"snp.report.debug", "report", AMD_ABI "section 4.3", NEED_REPORT, report_debug},
        {"snp.report.migration", "report", AMD_ABI "section 4.3", NEED_REPORT, report_migration},
        {"snp.report.smt", "report", AMD_ABI "section 4.3", NEED_REPORT, report_smt},
        {"snp.report.vmpl", "report", AMD_ABI "section 7.3", NEED_REPORT, report_vmpl},
        {"snp.report.tcb_order", "report", AMD_ABI "section 2.2", NEED_REPORT | NEED_PRODUCT, report_tcb_order},
        {"snp.report.tcb_minimum", "report", AMD_ABI "section 2.2", NEED_REPORT | NEED_PRODUCT, report_tcb_minimum},
        {"snp.report.host_data", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_host_data},
        {"snp.report.id_key", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_id_key},
        {"snp.report.author_key", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_author_key},
        {"snp.report.family_id", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_family},
        {"snp.report.image_id", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_image},
        {"snp.measurement", "measurement", AMD_ABI "section 8.17.2", NEED_REPORT, measurement},
        {"snp.report_data", "handshake", AMD_ABI "section 7.3", NEED_REPORT, report_data},
};
enum {
	ISSUER_ROWS = 22 /* root, intermediate, revocation */,
	CALLERS_ROWS = 16 /* left for verify.c and its callers */
};
static_assert(ARRAY_COUNT(rows) + CALLERS_ROWS <= VERDICT_CHECKS_MAX, "room for every check");

/* ---- taking the evidence apart ---- */

static struct slice item(const struct envelope *e, const char *name)
{
	for (size_t i = 0; i < e->collateral_count; i++)
		if (slice_is(e->collateral[i].name, name))
			return e->collateral[i].value;
	return slice_of(NULL, 0);
}

static void load_cert(struct snp_case *c, struct slice der, struct cert *out, struct note *n, enum need bit)
{
	if (der.size == 0)
		note_set(n, "not in the collateral");
	else if (cert_read(der, out, n) == OK) {
		note_set(n, "%s", out->cn);
		c->have |= (unsigned)bit;
	}
}

static void load_crl(struct snp_case *c)
{
	if (c->crl_der.size == 0)
		note_set(&c->crl_note, "none given");
	else if (crl_read(c->crl_der, &c->crl, &c->crl_note) == OK) {
		note_set(&c->crl_note, "read");
		c->have |= NEED_CRL;
	}
}

static void load_product(struct snp_case *c)
{
	if ((c->have & NEED_ROOT) == 0)
		return;
	c->product = snp_product_by_root_cn(c->root.cn);
	if (c->product == NULL)
		return;
	c->product_index = (enum snp_product)(c->product - snp_products);
	c->have |= NEED_PRODUCT;
}

static void load(struct snp_case *c, const struct envelope *e)
{
	struct slice vcek = item(e, "vcek"), vlek = item(e, "vlek");

	c->evidence = e->evidence;
	if (snp_report_parse(c->evidence, &c->report, &c->report_note) == OK)
		c->have |= NEED_REPORT;
	/* Both may be there; the report says which one signed. */
	c->key_is_vlek = vlek.size > 0 &&
	                 (vcek.size == 0 || ((c->have & NEED_REPORT) != 0 && c->report.signing_key == SNP_KEY_VLEK));
	c->key_der = c->key_is_vlek ? vlek : vcek;
	c->ca_der = item(e, "ask");
	if (c->key_is_vlek && item(e, "asvk").size > 0)
		c->ca_der = item(e, "asvk");
	c->root_der = item(e, "ark");
	c->crl_der = item(e, "crl");
	load_cert(c, c->root_der, &c->root, &c->root_note, NEED_ROOT);
	load_cert(c, c->ca_der, &c->ca, &c->ca_note, NEED_CA);
	load_cert(c, c->key_der, &c->key, &c->key_note, NEED_KEY);
	load_crl(c);
	load_product(c);
	if ((c->have & NEED_KEY) != 0 && amd_ext_read(&c->key, &c->ext, &c->ext_note) == OK)
		c->have |= NEED_EXT;
}

static void unload(struct snp_case *c)
{
	cert_free(&c->root);
	cert_free(&c->ca);
	cert_free(&c->key);
	crl_free(&c->crl);
}

/* ---- judging ---- */

/* A missing revocation list is no gap when nobody asked for one: snp.crl.read has then said so. */
static bool gap_matters(const struct snp_case *c, unsigned missing)
{
	return missing != NEED_CRL || c->crl_der.size != 0 || c->rules->crl_required;
}

static bool judge_row(const struct snp_case *c, const struct snp_row *row)
{
	struct check k = {.id = row->id, .link = row->link, .spec = row->spec};
	unsigned missing = row->needs & ~c->have;
	bool judged = true;

	if (missing == 0) {
		k.result = row->judge(c, &k);
	} else {
		k.result = CHECK_SKIP;
		for (unsigned i = 0; i < ARRAY_COUNT(need_text); i++)
			if ((missing >> i & 1) != 0 && k.found[0] == 0)
				say(k.found, "not judged: the %s %s", need_text[i],
				    gap_matters(c, missing) ? "cannot be read" : "is not there");
		judged = !gap_matters(c, missing);
	}
	if (k.result != CHECK_FAIL)
		k.cure[0] = 0;
	verdict_add(c->v, &k);
	return judged;
}

static bool judge(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
                  size_t row_count, struct verdict *v)
{
	struct snp_case c = {.in = in, .rules = rules, .v = v};
	bool judged = true;

	load(&c, e);
	if ((c.have & NEED_REPORT) != 0) {
		memcpy(v->measurement, c.report.measurement.data, SNP_MEASUREMENT_SIZE);
		v->measurement_size = SNP_MEASUREMENT_SIZE;
	}
	for (size_t i = 0; i < row_count; i++)
		if (!judge_row(&c, &rows[i]))
			judged = false;
	unload(&c);
	return judged;
}

bool snp_verify(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
                struct verdict *v)
{
	return judge(in, e, rules, ARRAY_COUNT(rows), v);
}

bool snp_verify_issuers(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
                        struct verdict *v)
{
	return judge(in, e, rules, ISSUER_ROWS, v);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP: reports, issuers, ID blocks, key digests, launch digests. */
#include "test/attest/kinds.h"

#include "client/attest/snp.h"
#include "client/attest/snp_id.h"
#include "lib/attest/snp_id.h"
#include "lib/measure/launch.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>

struct slice case_issuer(struct vector *c, struct slice key)
{
	struct slice s, found = slice_of(NULL, 0);
	struct cert of;

	if (cert_read(key, &of, NULL) == OK) /* else its check will say so */
		for (size_t i = 0; found.size == 0 && (s = case_file_at(c, "chain", i)).size > 0; i++) {
			struct cert one;

			if (cert_read(s, &one, NULL) == OK && cert_issuer_is(&of, &one, NULL) == OK)
				found = s;
			cert_free(&one);
		}
	cert_free(&of);
	return found.size > 0 ? found : case_file(c, "chain");
}

static void list_one(json_t *opt, const char *key, struct digest_list *l, size_t size)
{
	const char *text = json_string_value(json_object_get(opt, key));

	if (text == NULL)
		return;
	l->bytes = calloc(1, size);
	if (l->bytes == NULL)
		exit(2);
	l->size = size;
	l->count = 1;
	case_hex(text, l->bytes, size);
}

static void minimum(json_t *opt, struct snp_rules *r)
{
	static const char *const keys[SNP_TCB_PARTS] = {"bl", "tee", "snp", "ucode", "fmc"};
	json_t *min = json_object_get(opt, "min_tcb");

	for (unsigned i = 0; i < SNP_PRODUCT_COUNT; i++)
		for (unsigned k = 0; k < SNP_TCB_PARTS; k++)
			r->minimum[i].part[k] = (uint8_t)json_integer_value(json_object_get(min, keys[k]));
}

void snp_pin_root(struct slice der, struct snp_root_pin *pin)
{
	struct cert c;
	const struct snp_product_info *p;

	if (cert_read(der, &c, NULL) != OK)
		return;
	p = snp_product_by_root_cn(c.cn);
	if (p != NULL)
		pin->product = (enum snp_product)(p - snp_products);
	memcpy(pin->spki_sha256, c.spki_sha256, SPKI_DIGEST_SIZE);
	cert_free(&c);
}

void snp_demands(struct policy *p, json_t *opt)
{
	static const char *const pins[SNP_PIN_COUNT] = {"host_data", "id_key_digest", "author_key_digest", "family_id",
							"image_id"};
	struct snp_rules *r = &p->snp;

	r->accepted = r->vcek = r->vlek = true;
	r->products = 1u << SNP_MILAN | 1u << SNP_GENOA | 1u << SNP_TURIN;
	r->debug = case_option(opt, "allow_debug", false);
	r->migration = case_option(opt, "allow_migrate_ma", true);
	r->smt = !case_option(opt, "no_smt", false);
	r->masked_chip_id = case_option(opt, "allow_masked_chip_id", false);
	r->crl_required = case_option(opt, "require_crl", false);
	r->any_vmpl = json_object_get(opt, "vmpl") == NULL;
	r->vmpl = (uint32_t)json_integer_value(json_object_get(opt, "vmpl"));
	minimum(opt, r);
	list_one(opt, "measurement", &p->measurements, 48);
	r->any_measurement = p->measurements.count == 0;
	list_one(opt, "chip_id", &p->platform_ids, 64);
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		list_one(opt, pins[i], &r->pins[i], snp_pins[i].size);
}

void snp_demands_free(struct policy *p)
{
	free(p->measurements.bytes);
	free(p->platform_ids.bytes);
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		free(p->snp.pins[i].bytes);
}

static void add(struct envelope *e, const char *name, struct slice value)
{
	if (value.size > 0)
		e->collateral[e->collateral_count++] = (struct envelope_item){slice_text(name), value};
}

static enum outcome snp_case(struct vector *c, bool issuers_only)
{
	struct policy p = {0};
	struct snp_root_pin pin = {0};
	struct envelope e = {.tee = slice_text("snp"), .evidence = case_file(c, "report")};
	uint8_t bytes[ENVELOPE_SIZE_MAX], report_data[64];
	static const char *const crl_names[] = {"crl-2", "crl-3", "crl-4"};
	struct slice key = case_file(c, "ek"), root = case_file(c, "root");
	json_t *opt = json_object_get(c->json, "opt");
	struct verify_input in = {.policy = &p, .at = case_at(c)};
	struct verdict v = {.ok = true};
	struct cert k = {0};
	size_t size;

	snp_demands(&p, opt);
	snp_pin_root(root, &pin);
	p.snp.roots = &pin;
	p.snp.root_count = 1;
	add(&e, "ark", root);
	if (cert_read(key, &k, NULL) != OK)
		k.x = NULL; /* its check will say so */
	add(&e, "ask", case_issuer(c, key));
	add(&e, "crl", case_file(c, "crl"));
	add(&e, strcmp(k.cn, "SEV-VLEK") == 0 ? "vlek" : "vcek", key);
	for (size_t i = 0; i < ARRAY_COUNT(crl_names); i++) /* names in the order of deterministic CBOR: short ones first */
		add(&e, crl_names[i], case_file_at(c, "crl", i + 1));
	cert_free(&k);
	if (json_object_get(opt, "report_data") != NULL)
		in.report_data = slice_of(report_data, case_hex(case_text(opt, "report_data"), report_data, 64));
	if (issuers_only) {
		v.ok = snp_verify_issuers(&in, &e, &p.snp, &v) && v.ok;
	} else if (envelope_encode(&e, bytes, sizeof bytes, &size) == OK) {
		in.envelope = slice_of(bytes, size);
		verify_evidence(&in, &v);
	} else {
		fprintf(stderr, "vectors: the evidence does not fit into an envelope\n");
		exit(2);
	}
	snp_demands_free(&p);
	return case_compare(c, &v);
}

/* ---- values that must come out ---- */

static const struct snp_product_info *product_of(struct slice root)
{
	const struct snp_product_info *p = NULL;
	struct cert c;

	if (cert_read(root, &c, NULL) == OK) {
		p = snp_product_by_root_cn(c.cn);
		cert_free(&c);
	}
	return p;
}

static const char *key_kind(struct slice key)
{
	struct cert c;
	bool vlek = false;

	if (cert_read(key, &c, NULL) == OK) {
		vlek = strcmp(c.cn, "SEV-VLEK") == 0;
		cert_free(&c);
	}
	return vlek ? "VLEK" : "VCEK";
}

static json_t *tcb_facts(struct slice raw, enum snp_tcb_form form)
{
	static const char *const names[SNP_TCB_PARTS] = {"bl", "tee", "snp", "ucode", "fmc"};
	const struct snp_tcb t = snp_tcb_of(raw, form);
	json_t *o = json_object();

	for (unsigned i = 0; i < SNP_TCB_PARTS; i++)
		if (i != SNP_TCB_FMC || form == SNP_TCB_TURIN)
			fact_number(o, names[i], t.part[i]);
	return o;
}

static json_t *firmware_facts(const struct snp_firmware *f)
{
	return json_pack("[i, i, i]", f->major, f->minor, f->build);
}

static const char *signing_key(uint8_t which)
{
	switch (which) {
	case SNP_KEY_VCEK: return "VCEK";
	case SNP_KEY_VLEK: return "VLEK";
	case SNP_KEY_NONE: return "NONE";
	default: return "RSVD";
	}
}

json_t *snp_facts(struct slice report, struct slice root, struct slice key)
{
	const struct snp_product_info *p = product_of(root);
	json_t *o = json_object();
	struct snp_report r;

	if (snp_report_parse(report, &r, NULL) != OK)
		return o;
	const struct {
		const char *key;
		struct slice value;
	} runs[] = {{"measurement", r.measurement},
	            {"report_data", r.report_data},
	            {"host_data", r.host_data},
	            {"id_key_digest", r.id_key_digest},
	            {"author_key_digest", r.author_key_digest},
	            {"family_id", r.family_id},
	            {"image_id", r.image_id},
	            {"report_id", r.report_id},
	            {"report_id_ma", r.report_id_ma},
	            {"reported_tcb", r.reported_tcb},
	            {"current_tcb", r.current_tcb},
	            {"committed_tcb", r.committed_tcb},
	            {"launch_tcb", r.launch_tcb},
	            {"chip_id", r.chip_id}};
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"version", r.version},
	               {"guest_svn", r.guest_svn},
	               {"policy", r.policy},
	               {"vmpl", r.vmpl},
	               {"sig_algo", r.signature_algo},
	               {"platform_info", r.platform_info},
	               {"key_info", r.key_info},
	               {"author_key_en", r.author_key_en},
	               {"mask_chip_key", r.mask_chip_key},
	               {"fam", r.cpu_family},
	               {"mod", r.cpu_model},
	               {"step", r.cpu_stepping},
	               {"launch_mit", r.launch_mit},
	               {"current_mit", r.current_mit}};

	for (size_t i = 0; i < ARRAY_COUNT(runs); i++)
		fact_hex(o, runs[i].key, runs[i].value);
	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
		fact_number(o, numbers[i].key, numbers[i].value);
	fact_text(o, "signing_key", slice_text(signing_key(r.signing_key)));
	fact_text(o, "ek", slice_text(key_kind(key)));
	json_object_set_new(o, "current_ver", firmware_facts(&r.current));
	json_object_set_new(o, "committed_ver", firmware_facts(&r.committed));
	if (p != NULL) { /* the root is named "ARK-" and the product */
		fact_text(o, "product", slice_text(p->root_cn + 4));
		json_object_set_new(o, "tcb", tcb_facts(r.reported_tcb, p->form));
	}
	return o;
}

static enum outcome snp_report_case(struct vector *c)
{
	enum outcome o = snp_case(c, false);

	return o == PASSED ? case_facts(c, snp_facts(case_file(c, "report"), case_file(c, "root"), case_file(c, "ek"))) : o;
}

enum outcome snp_issuer_case(struct vector *c)
{
	return snp_case(c, true);
}

/* ---- ID blocks and keys ---- */

/* Who launches without AUTHOR_KEY_EN has the firmware not look at the author at all (AMD 56860 section 8.17). */
static struct slice without_author(struct slice auth, uint8_t room[static SNP_ID_AUTH_SIZE])
{
	enum { ALGORITHM = 4, KEY_SIGNATURE = 1664, KEY_END = 2176 + SNP_ID_KEY_SIZE };

	if (auth.size != SNP_ID_AUTH_SIZE)
		return auth;
	memcpy(room, auth.data, auth.size);
	memset(room + ALGORITHM, 0, 4);
	memset(room + KEY_SIGNATURE, 0, KEY_END - KEY_SIGNATURE);
	return slice_of(room, auth.size);
}

static enum outcome id_block_case(struct vector *c)
{
	uint8_t room[SNP_ID_AUTH_SIZE];
	struct snp_id_input in = {case_file(c, "block"), case_file(c, "auth"), case_option(json_object_get(c->json, "opt"), "author", true)};
	struct snp_id_digests d;
	struct snp_id_block b;
	struct verdict v;
	enum outcome o;
	json_t *facts;

	if (!in.author)
		in.auth = without_author(in.auth, room);
	snp_id_verify(&in, &d, &v);
	o = case_compare(c, &v);
	if (o != PASSED || !v.ok || snp_id_block_parse(in.block, &b) != OK)
		return o;
	facts = json_object();
	fact_hex(facts, "id_key_digest", slice_of(d.id_key, 48));
	fact_hex(facts, "author_key_digest", slice_of(d.author_key, 48));
	fact_hex(facts, "launch_digest", b.launch_digest);
	fact_hex(facts, "family_id", b.family_id);
	fact_hex(facts, "image_id", b.image_id);
	fact_number(facts, "version", b.version);
	fact_number(facts, "guest_svn", b.guest_svn);
	fact_number(facts, "policy", b.policy);
	return case_facts(c, facts);
}

static enum outcome key_digest_case(struct vector *c)
{
	bool valid = strcmp(case_text(json_object_get(c->json, "expect"), "verdict"), "valid") == 0;
	uint8_t digest[48];
	enum err err = snp_id_key_digest(case_file(c, "key"), digest);

	if ((err == OK) != valid) {
		snprintf(c->why, sizeof c->why, "%s", err_text(err));
		return FAILED;
	}
	return err != OK ? PASSED : case_hex_fact(c, "digest", slice_of(digest, 48));
}

/* ---- launch digests ---- */

static bool kernel_of(struct vector *c, json_t *in, struct launch_kernel *k)
{
	const char *cmdline = case_text(in, "cmdline");
	struct slice s;

	if (json_object_get(in, "kernel") == NULL && json_object_get(in, "kernel_hash") == NULL)
		return false;
	s = case_input_file(c, in, "kernel");
	SHA256(s.data, s.size, k->kernel);
	s = case_input_file(c, in, "initrd");
	SHA256(s.data, s.size, k->initrd);
	SHA256((const unsigned char *)cmdline, strlen(cmdline) + 1, k->cmdline);
	if (json_object_get(in, "kernel_hash") != NULL)
		case_hex(case_text(in, "kernel_hash"), k->kernel, 32);
	if (json_object_get(in, "initrd_hash") != NULL)
		case_hex(case_text(in, "initrd_hash"), k->initrd, 32);
	return true;
}

/* What the firmware's tables say, but for what the case says in their place. */
static bool tables_of(json_t *in, struct slice firmware, struct ovmf *t)
{
	json_t *sections = json_object_get(in, "sections"), *s;
	const bool said = sections != NULL || case_u32(in, "hash_gpa", 0) != 0 || case_u32(in, "reset_eip", 0) != 0;
	size_t i;

	if (!said || (firmware.size > 0 && ovmf_parse(firmware, t, NULL) != OK))
		return false;
	if (firmware.size == 0)
		*t = (struct ovmf){.hash_gpa = 0};
	t->hash_gpa = case_u32(in, "hash_gpa", t->hash_gpa);
	t->reset_eip = case_u32(in, "reset_eip", t->reset_eip);
	if (sections == NULL)
		return true;
	t->section_count = 0;
	json_array_foreach(sections, i, s) {
		if (i == ARRAY_COUNT(t->sections))
			return false;
		t->sections[t->section_count++] = (struct ovmf_section){(uint32_t)json_integer_value(json_array_get(s, 0)),
									(uint32_t)json_integer_value(json_array_get(s, 1)),
									(uint32_t)json_integer_value(json_array_get(s, 2))};
	}
	return true;
}

static enum err pages_digest(struct vector *c, json_t *in, uint8_t *digest)
{
	struct snp_chain chain = {{0}};
	size_t i, k;
	json_t *p, *perm;

	case_hex(case_text(in, "seed"), chain.digest, sizeof chain.digest);
	json_array_foreach(json_object_get(in, "pages"), i, p) {
		uint8_t content[SNP_PAGE_SIZE] = {0};
		struct snp_page page = {.type = (enum snp_page_type)case_u32(p, "type", 0),
					.gpa = (uint64_t)json_integer_value(json_object_get(p, "gpa")),
					.content = content,
					.imi = case_u32(p, "imi", 0) != 0};
		struct slice s = case_input_file(c, p, "file");

		memset(content, (int)case_u32(p, "fill", 0), sizeof content);
		if (s.size > 0) {
			memset(content, 0, sizeof content);
			memcpy(content, s.data, s.size < sizeof content ? s.size : sizeof content);
		}
		case_hex(case_text(p, "data"), content, sizeof content);
		json_array_foreach(json_object_get(p, "perms"), k, perm)
			page.perms[k % 3] = (uint8_t)json_integer_value(perm);
		snp_chain_add(&chain, &page);
	}
	memcpy(digest, chain.digest, sizeof chain.digest);
	return OK;
}

static enum err launch_digest(struct vector *c, json_t *in, uint8_t *digest, size_t *size, struct note *n)
{
	const char *mode = case_text(in, "mode"), *vmm = case_text(in, "vmm");
	json_t *sig = json_object_get(in, "vcpu_sig");
	struct launch_kernel kernel;
	static const struct ovmf none;
	struct ovmf tables;
	uint8_t seed[48];
	struct launch l = {.vmm = strcmp(vmm, "ec2") == 0 ? LAUNCH_EC2 : strcmp(vmm, "gce") == 0 ? LAUNCH_GCE : LAUNCH_QEMU,
			   .vcpus = case_u32(in, "vcpus", 1), .vcpu_signature = (uint32_t)json_integer_value(sig),
			   .features = case_u32(in, "features", 1),
			   .vmsa_gpa = (uint64_t)json_integer_value(json_object_get(in, "vmsa_gpa"))};

	*size = 48;
	if (json_object_get(in, "pages") != NULL)
		return pages_digest(c, in, digest);
	if (json_is_array(sig))
		l.vcpu_signature = launch_cpu_signature((uint32_t)json_integer_value(json_array_get(sig, 0)),
							(uint32_t)json_integer_value(json_array_get(sig, 1)),
							(uint32_t)json_integer_value(json_array_get(sig, 2)));
	l.firmware = case_input_file(c, in, "firmware");
	if (json_object_get(in, "ovmf_hash") != NULL) {
		case_hex(case_text(in, "ovmf_hash"), seed, sizeof seed);
		l.firmware_digest = seed;
		l.tables = &none;
	}
	if (tables_of(in, l.firmware, &tables))
		l.tables = &tables;
	if (kernel_of(c, in, &kernel))
		l.kernel = &kernel;
	if (strcmp(mode, "snp") == 0)
		return launch_measure_snp(&l, digest, n);
	*size = LAUNCH_SEV_DIGEST_SIZE;
	return launch_measure_sev(&l, strcmp(mode, "seves") == 0, digest, n);
}

static enum outcome launch_case(struct vector *c)
{
	json_t *in = json_object_get(c->json, "input");
	bool valid = strcmp(case_text(json_object_get(c->json, "expect"), "verdict"), "valid") == 0, good;
	struct slice report = case_file(c, "report");
	struct snp_report r;
	struct note n = {""};
	uint8_t digest[48];
	size_t size;
	enum err err = launch_digest(c, in, digest, &size, &n);

	good = err == OK;
	if (good && report.size > 0)
		good = snp_report_parse(report, &r, &n) == OK && slice_equal(r.measurement, slice_of(digest, size));
	if (good != valid) {
		snprintf(c->why, sizeof c->why, "expected %s: %s", valid ? "valid" : "invalid", n.text);
		return FAILED;
	}
	return !valid ? PASSED : case_hex_fact(c, "digest", slice_of(digest, size));
}

/* ---- tables ---- */

static const struct kind kinds[] = {
	{"snp_report", snp_report_case},
	{"snp_id_block", id_block_case},
	{"snp_key_digest", key_digest_case},
	{"snp_launch", launch_case},
	{NULL, NULL},
};

static const struct reason reasons[] = {
	{"report-signature", "snp.report.signature snp.report.mask_chip_key"},
	{"report-size", "snp.report.read"},
	{"report-version", "snp.report.read"},
	{"signature-padding", "snp.report.scalars snp.report.reserved"},
	{"cert-not-yet-valid", "snp.key.time snp.ca.time snp.root.time"},
	{"cert-expired", "snp.key.time snp.ca.time snp.root.time"},
	{"policy-debug", "snp.report.debug"},
	{"policy-migrate-ma", "snp.report.migration"},
	{"policy-smt", "snp.report.smt"},
	{"policy-reserved-bit17", "snp.report.policy_form"},
	{"policy-reserved-high", "snp.report.policy_form"},
	{"signature-algorithm", "snp.report.algorithm"},
	{"tcb-too-old", "snp.report.tcb_minimum"},
	{"tcb-order", "snp.report.tcb_order"},
	{"tcb-extension", "snp.report.tcb_key snp.key.extensions"},
	{"report-data-mismatch", "snp.report_data"},
	{"measurement-mismatch", "snp.measurement"},
	{"host-data-mismatch", "snp.report.host_data"},
	{"id-key-digest-mismatch", "snp.report.id_key"},
	{"author-key-digest-mismatch", "snp.report.author_key"},
	{"family-id-mismatch", "snp.report.family_id"},
	{"image-id-mismatch", "snp.report.image_id"},
	{"chip-id-mismatch", "snp.report.platform_id"},
	{"vmpl", "snp.report.vmpl"},
	{"signing-key", "snp.report.signing_key"},
	{"signing-key-kind", "snp.key.kind"},
	{"issuer-kind", "snp.key.kind"},
	{"chip-id-masked", "snp.report.chip_masked"},
	{"mask-chip-key", "snp.report.mask_chip_key"},
	{"hwid-mismatch", "snp.report.chip_id"},
	{"hwid-missing", "snp.report.chip_id"},
	{"product-mismatch", "snp.report.product"},
	{"product-extension", "snp.key.product"},
	{"chain-signature", "snp.ca.signature snp.key.signature snp.root.signature"},
	{"cert-duplicate-extension", "snp.root.read snp.ca.read snp.key.read snp.crl.read"},
	{"root-not-self-signed", "snp.root.signature snp.root.algorithm"},
	{"cert-revoked", "snp.crl.ca snp.crl.root"},
	{"crl-not-yet-valid", "snp.crl.time"},
	{"crl-expired", "snp.crl.time"},
	{"crl-signature", "snp.crl.signature snp.crl.issuer snp.crl.read"},
	{"crl-missing", "snp.crl.read snp.crl.issuer"},
	{"ek-curve", "snp.key.curve"},
	{"id-block-size", "snp.id.read"},
	{"id-block-version", "snp.id.version"},
	{"id-key-algo", "snp.id.key_algorithm"},
	{"author-key-algo", "snp.id.author_algorithm"},
	{"id-key-curve", "snp.id.key snp.id.author_key"},
	{"id-key-reserved", "snp.id.key snp.id.author_key"},
	{"id-sig-reserved", "snp.id.block_signature snp.id.key_signature"},
	{"id-block-signature", "snp.id.block_signature"},
	{"id-key-signature", "snp.id.key_signature"},
	{NULL, NULL},
};

const struct kind_set snp_set = {kinds, reasons};

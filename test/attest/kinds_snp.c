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

static enum outcome fields(struct vector *c)
{
	json_t *want = json_object_get(json_object_get(c->json, "expect"), "fields");
	struct snp_report r;
	const char *key;
	json_t *v;

	if (want == NULL)
		return PASSED;
	if (snp_report_parse(case_file(c, "report"), &r, NULL) != OK)
		return FAILED;
	json_object_foreach(want, key, v) {
		const struct {
			const char *key;
			struct slice value;
		} runs[] = {{"measurement", r.measurement}, {"report_data", r.report_data}, {"host_data", r.host_data},
			    {"id_key_digest", r.id_key_digest}, {"author_key_digest", r.author_key_digest},
			    {"reported_tcb", r.reported_tcb}, {"current_tcb", r.current_tcb}, {"chip_id", r.chip_id}};
		const struct {
			const char *key;
			uint64_t value;
		} numbers[] = {{"version", r.version}, {"guest_svn", r.guest_svn}, {"policy", r.policy}, {"vmpl", r.vmpl},
			       {"platform_info", r.platform_info}, {"key_info", r.key_info}};
		bool same = false;

		for (size_t i = 0; i < ARRAY_COUNT(runs); i++)
			same = same || (strcmp(key, runs[i].key) == 0 && hex_is(runs[i].value, json_string_value(v)));
		for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
			same = same || (strcmp(key, numbers[i].key) == 0 &&
					numbers[i].value == (uint64_t)json_integer_value(v));
		if (!same) {
			snprintf(c->why, sizeof c->why, "field %s is not what was expected", key);
			return FAILED;
		}
	}
	return PASSED;
}

static enum outcome snp_report_case(struct vector *c)
{
	enum outcome o = snp_case(c, false);

	return o == PASSED ? fields(c) : o;
}

static enum outcome x509_case(struct vector *c)
{
	return snp_case(c, true);
}

/* ---- ID blocks and keys ---- */

static enum outcome id_block_case(struct vector *c)
{
	struct snp_id_input in = {case_file(c, "block"), case_file(c, "auth"), case_option(json_object_get(c->json, "opt"), "author", true)};
	struct snp_id_digests d;
	struct snp_id_block b;
	struct verdict v;
	enum outcome o;

	snp_id_verify(&in, &d, &v);
	o = case_compare(c, &v);
	if (o != PASSED || !v.ok || snp_id_block_parse(in.block, &b) != OK)
		return o;
	return case_field_is(c, "id_key_digest", slice_of(d.id_key, 48)) && case_field_is(c, "author_key_digest", slice_of(d.author_key, 48)) &&
			       case_field_is(c, "launch_digest", b.launch_digest) && case_field_is(c, "family_id", b.family_id) &&
			       case_field_is(c, "image_id", b.image_id) ?
		       PASSED :
		       FAILED;
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
	return err != OK || case_field_is(c, "digest", slice_of(digest, 48)) ? PASSED : FAILED;
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

static void tables_of(json_t *in, struct ovmf *t)
{
	size_t i;
	json_t *s;

	*t = (struct ovmf){.hash_gpa = case_u32(in, "hash_gpa", 0), .reset_eip = case_u32(in, "reset_eip", 0)};
	json_array_foreach(json_object_get(in, "sections"), i, s) {
		t->sections[t->section_count++] = (struct ovmf_section){(uint32_t)json_integer_value(json_array_get(s, 0)),
									(uint32_t)json_integer_value(json_array_get(s, 1)),
									(uint32_t)json_integer_value(json_array_get(s, 2))};
	}
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
		tables_of(in, &tables);
		l.firmware_digest = seed;
		l.tables = &tables;
	}
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
	return !valid || case_field_is(c, "digest", slice_of(digest, size)) ? PASSED : FAILED;
}

/* ---- tables ---- */

static const struct kind kinds[] = {
	{"snp_report", snp_report_case},
	{"x509_chain", x509_case},
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

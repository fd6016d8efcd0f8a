/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs attestation test vectors: vectors DIR. DIR holds folders with cases.json (and synth/cases-synth.json), each a
 * list of cases: input files, mutations, what the relying party demands, and the verdict expected. Kinds of evidence
 * that have no row in `kinds` are skipped and counted. Ends with "N passed, N failed, N skipped".
 */
#include "client/attest/enarx.h"
#include "client/attest/policy_rules.h"
#include "client/attest/snp.h"
#include "client/attest/snp_id.h"
#include "lib/attest/snp_id.h"
#include "client/attest/verify.h"
#include "lib/base/hex.h"
#include "lib/measure/launch.h"
#include "sys/openssl.h"
#include "sys/file.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FILE_MAX = 4 << 20, PATH_SIZE = 1024, FILES_MAX = 64 };

struct vector {
	const char *base; /* folder the paths count from */
	json_t *json;
	uint8_t *files[FILES_MAX]; /* to be freed */
	size_t file_count;
	char why[512]; /* of a failure */
};

enum outcome { PASSED, FAILED, SKIPPED };

/* ---- input ---- */

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static size_t hex_into(const char *text, uint8_t *out, size_t max)
{
	size_t size = strlen(text) / 2;

	if (size > max || hex_decode(slice_text(text), out, size) != OK) {
		fprintf(stderr, "vectors: bad hex in a case: %s\n", text);
		exit(2);
	}
	return size;
}

/* Edits the bytes as the case says; memory has room for 4096 bytes more. */
static size_t mutate(json_t *edits, const char *role, uint8_t *data, size_t size)
{
	size_t i;
	json_t *m;

	json_array_foreach(edits, i, m) {
		json_int_t offset = json_integer_value(json_object_get(m, "offset"));
		size_t at = offset < 0 ? size - (size_t)-offset : (size_t)offset, n;
		uint8_t bytes[4096];

		if (strcmp(text_of(m, "file"), role) != 0)
			continue;
		n = hex_into(text_of(m, "xor"), bytes, sizeof bytes);
		for (size_t k = 0; k < n; k++)
			data[at + k] ^= bytes[k];
		n = hex_into(text_of(m, "set"), bytes, sizeof bytes);
		memcpy(data + at, bytes, n);
		n = hex_into(text_of(m, "append"), bytes, sizeof bytes);
		memcpy(data + size, bytes, n);
		size += n;
		if (json_object_get(m, "truncate") != NULL)
			size = at;
	}
	return size;
}

static struct slice load(struct vector *c, const char *role, const char *path)
{
	char full[PATH_SIZE];
	struct slice s;
	struct note n = {""};
	uint8_t *copy;

	snprintf(full, sizeof full, "%s/%s", c->base, path);
	if (c->file_count == FILES_MAX || file_read(full, FILE_MAX, &s, &n) != OK) {
		fprintf(stderr, "vectors: %s\n", n.text);
		exit(2);
	}
	copy = realloc((void *)s.data, s.size + 4096);
	if (copy == NULL)
		exit(2);
	c->files[c->file_count++] = copy;
	return slice_of(copy, mutate(json_object_get(c->json, "mutate"), role, copy, s.size));
}

/* PEM text becomes the bytes in it (of its first block). */
static struct slice plain(struct vector *c, struct slice s)
{
	BIO *bio;
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long size = 0;
	uint8_t *copy = NULL;

	if (s.size < 11 || memcmp(s.data, "-----BEGIN ", 11) != 0)
		return s;
	bio = BIO_new_mem_buf(s.data, (int)s.size);
	if (bio != NULL && PEM_read_bio(bio, &name, &header, &data, &size) == 1 && c->file_count < FILES_MAX)
		c->files[c->file_count++] = copy = malloc((size_t)size);
	if (copy != NULL)
		memcpy(copy, data, (size_t)size);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(bio);
	return copy != NULL ? slice_of(copy, (size_t)size) : s;
}

/* File number `at` of a role, which names one or a list of them; empty when there is none. */
static struct slice file_at(struct vector *c, const char *role, size_t at)
{
	json_t *f = json_object_get(json_object_get(c->json, "files"), role);

	if (json_is_array(f))
		f = json_array_get(f, at);
	else if (at > 0)
		f = NULL;
	return json_is_string(f) ? plain(c, load(c, role, json_string_value(f))) : slice_of(NULL, 0);
}

static struct slice file(struct vector *c, const char *role)
{
	return file_at(c, role, 0);
}

/* Of the certificates in "chain", the one that issued the key; else the first. */
static struct slice issuer(struct vector *c, const struct cert *key)
{
	struct slice s;

	for (size_t i = 0; key->x != NULL && (s = file_at(c, "chain", i)).size > 0; i++) {
		struct cert one;
		bool is;

		if (cert_read(s, &one, NULL) != OK)
			continue;
		is = cert_issuer_is(key, &one, NULL) == OK;
		cert_free(&one);
		if (is)
			return s;
	}
	return file(c, "chain");
}

static int64_t at_of(const struct vector *c)
{
	struct tm tm = {0};
	const char *at = text_of(c->json, "at");

	if (strptime(at, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL) {
		tm = (struct tm){0};
		if (strptime(at, "%Y-%m-%d", &tm) == NULL)
			return 0;
	}
	return (int64_t)timegm(&tm);
}

/* ---- SNP ---- */

static bool option(json_t *opt, const char *key, bool unsaid)
{
	json_t *v = json_object_get(opt, key);

	return v == NULL ? unsaid : json_is_true(v);
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
	hex_into(text, l->bytes, size);
}

static void minimum(json_t *opt, struct snp_rules *r)
{
	static const char *const keys[SNP_TCB_PARTS] = {"bl", "tee", "snp", "ucode", "fmc"};
	json_t *min = json_object_get(opt, "min_tcb");

	for (unsigned i = 0; i < SNP_PRODUCT_COUNT; i++)
		for (unsigned k = 0; k < SNP_TCB_PARTS; k++)
			r->minimum[i].part[k] = (uint8_t)json_integer_value(json_object_get(min, keys[k]));
}

/* The case names its root, so that root is pinned; whose it says it is decides the product. */
static void pin_root(struct slice der, struct snp_root_pin *pin)
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

static void demands(struct policy *p, json_t *opt)
{
	static const char *const pins[SNP_PIN_COUNT] = {"host_data", "id_key_digest", "author_key_digest", "family_id",
							"image_id"};
	struct snp_rules *r = &p->snp;

	r->accepted = r->vcek = r->vlek = true;
	r->products = 1u << SNP_MILAN | 1u << SNP_GENOA | 1u << SNP_TURIN;
	r->debug = option(opt, "allow_debug", false);
	r->migration = option(opt, "allow_migrate_ma", true);
	r->smt = !option(opt, "no_smt", false);
	r->masked_chip_id = option(opt, "allow_masked_chip_id", false);
	r->crl_required = option(opt, "require_crl", false);
	r->any_vmpl = json_object_get(opt, "vmpl") == NULL;
	r->vmpl = (uint32_t)json_integer_value(json_object_get(opt, "vmpl"));
	minimum(opt, r);
	list_one(opt, "measurement", &p->measurements, 48);
	r->any_measurement = p->measurements.count == 0;
	list_one(opt, "chip_id", &p->platform_ids, 64);
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		list_one(opt, pins[i], &r->pins[i], snp_pins[i].size);
}

static void demands_free(struct policy *p)
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

/* Which of our checks says what a reason of the cases says. */
static const struct {
	const char *reason, *checks;
} reasons[] = {
	{"report-signature", "snp.report.signature snp.report.mask_chip_key"},
	{"report-size", "snp.report.read"},
	{"report-version", "snp.report.read"},
	{"signature-padding", "snp.report.scalars"},
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
	{"tcb-extension", "snp.report.tcb_key"},
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
	{"cert-revoked", "snp.crl.ca snp.crl.root"},
	{"crl-expired", "snp.crl.time"},
	{"crl-signature", "snp.crl.signature snp.crl.issuer snp.crl.read"},
	{"crl-missing", "snp.crl.read snp.crl.issuer"},
	{"ek-curve", "snp.key.curve"},
	{"csr-signature", "enarx.csr.signature"},
	{"csr-trailing", "enarx.csr.read"},
	{"csr-evidence-count", "enarx.csr.read"},
	{"key-binding", "snp.report_data"},
	{"id-block-size", "snp.id.read"},
	{"id-block-version", "snp.id.version"},
	{"id-key-algo", "snp.id.key_algorithm"},
	{"author-key-algo", "snp.id.author_algorithm"},
	{"id-key-curve", "snp.id.key snp.id.author_key"},
	{"id-key-reserved", "snp.id.key snp.id.author_key"},
	{"id-sig-reserved", "snp.id.block_signature snp.id.key_signature"},
	{"id-block-signature", "snp.id.block_signature"},
	{"id-key-signature", "snp.id.key_signature"},
};

static bool named(const struct verdict *v, const char *checks)
{
	for (size_t i = 0; i < v->check_count; i++) {
		const char *at = v->checks[i].result == CHECK_FAIL ? strstr(checks, v->checks[i].id) : NULL;
		size_t size = strlen(v->checks[i].id);

		if (at != NULL && (at[size] == 0 || at[size] == ' '))
			return true;
	}
	return false;
}

static bool reason_agrees(const struct verdict *v, const char *reason)
{
	if (reason[0] == 0)
		return true;
	for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			return named(v, reasons[i].checks);
	return true; /* a word we do not know: the verdict alone counts */
}

static enum outcome compare(struct vector *c, const struct verdict *v)
{
	json_t *expect = json_object_get(c->json, "expect");
	bool valid = strcmp(text_of(expect, "verdict"), "valid") == 0;
	const struct check *k = verdict_reason(v);

	if (v->ok != valid)
		snprintf(c->why, sizeof c->why, "expected %s, got %s (%s: expected %.150s, found %.150s)",
			 text_of(expect, "verdict"), v->ok ? "valid" : "invalid", k != NULL ? k->id : "",
			 k != NULL ? k->expected : "", k != NULL ? k->found : "");
	else if (!valid && !reason_agrees(v, text_of(expect, "reason")))
		snprintf(c->why, sizeof c->why, "refused for %s (%.150s), expected %s", k->id, k->found,
			 text_of(expect, "reason"));
	else
		return PASSED;
	return FAILED;
}

static enum outcome snp_case(struct vector *c, bool issuers_only)
{
	struct policy p = {0};
	struct snp_root_pin pin = {0};
	struct envelope e = {.tee = slice_text("snp"), .evidence = file(c, "report")};
	uint8_t bytes[ENVELOPE_SIZE_MAX], report_data[64];
	static const char *const crl_names[] = {"crl-2", "crl-3", "crl-4"};
	struct slice key = file(c, "ek"), root = file(c, "root");
	json_t *opt = json_object_get(c->json, "opt");
	struct verify_input in = {.policy = &p, .at = at_of(c)};
	struct verdict v = {.ok = true};
	struct cert k = {0};
	size_t size;

	demands(&p, opt);
	pin_root(root, &pin);
	p.snp.roots = &pin;
	p.snp.root_count = 1;
	add(&e, "ark", root);
	if (cert_read(key, &k, NULL) != OK)
		k.x = NULL; /* its check will say so */
	add(&e, "ask", issuer(c, &k));
	add(&e, "crl", file(c, "crl"));
	add(&e, strcmp(k.cn, "SEV-VLEK") == 0 ? "vlek" : "vcek", key);
	for (size_t i = 0; i < ARRAY_COUNT(crl_names); i++) /* names in the order of deterministic CBOR: short ones first */
		add(&e, crl_names[i], file_at(c, "crl", i + 1));
	cert_free(&k);
	if (json_object_get(opt, "report_data") != NULL)
		in.report_data = slice_of(report_data, hex_into(text_of(opt, "report_data"), report_data, 64));
	if (issuers_only) {
		v.ok = snp_verify_issuers(&in, &e, &p.snp, &v) && v.ok;
	} else if (envelope_encode(&e, bytes, sizeof bytes, &size) == OK) {
		in.envelope = slice_of(bytes, size);
		verify_evidence(&in, &v);
	} else {
		fprintf(stderr, "vectors: the evidence does not fit into an envelope\n");
		exit(2);
	}
	demands_free(&p);
	return compare(c, &v);
}

/* ---- values that must come out ---- */

static bool hex_is(struct slice s, const char *want)
{
	char text[2 * 64 + 1];

	hex_encode(s, text);
	return strcmp(text, want) == 0;
}

static enum outcome fields(struct vector *c)
{
	json_t *want = json_object_get(json_object_get(c->json, "expect"), "fields");
	struct snp_report r;
	const char *key;
	json_t *v;

	if (want == NULL)
		return PASSED;
	if (snp_report_parse(file(c, "report"), &r, NULL) != OK)
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

static bool field_is(struct vector *c, const char *key, struct slice value)
{
	json_t *want = json_object_get(json_object_get(json_object_get(c->json, "expect"), "fields"), key);

	if (want == NULL || hex_is(value, json_string_value(want)))
		return true;
	snprintf(c->why, sizeof c->why, "field %s is not what was expected", key);
	return false;
}

static enum outcome id_block_case(struct vector *c)
{
	struct snp_id_input in = {file(c, "block"), file(c, "auth"), option(json_object_get(c->json, "opt"), "author", true)};
	struct snp_id_digests d;
	struct snp_id_block b;
	struct verdict v;
	enum outcome o;

	snp_id_verify(&in, &d, &v);
	o = compare(c, &v);
	if (o != PASSED || !v.ok || snp_id_block_parse(in.block, &b) != OK)
		return o;
	return field_is(c, "id_key_digest", slice_of(d.id_key, 48)) && field_is(c, "author_key_digest", slice_of(d.author_key, 48)) &&
			       field_is(c, "launch_digest", b.launch_digest) && field_is(c, "family_id", b.family_id) &&
			       field_is(c, "image_id", b.image_id) ?
		       PASSED :
		       FAILED;
}

static enum outcome key_digest_case(struct vector *c)
{
	bool valid = strcmp(text_of(json_object_get(c->json, "expect"), "verdict"), "valid") == 0;
	uint8_t digest[48];
	enum err err = snp_id_key_digest(file(c, "key"), digest);

	if ((err == OK) != valid) {
		snprintf(c->why, sizeof c->why, "%s", err_text(err));
		return FAILED;
	}
	return err != OK || field_is(c, "digest", slice_of(digest, 48)) ? PASSED : FAILED;
}

/* ---- Enarx certificate requests ---- */

static bool enarx_fields(struct vector *c, struct slice report)
{
	struct snp_report r;

	return snp_report_parse(report, &r, NULL) == OK && field_is(c, "measurement", r.measurement) &&
	       field_is(c, "id_key_digest", r.id_key_digest) && field_is(c, "author_key_digest", r.author_key_digest);
}

static enum outcome enarx_case(struct vector *c)
{
	struct policy p = {0};
	struct snp_root_pin pin = {0};
	struct enarx_input in = {file(c, "csr"), file(c, "root"), file(c, "chain"), &p, at_of(c)};
	struct enarx_csr csr;
	struct verdict v;
	enum outcome o;

	if (enarx_csr_read(in.csr, &csr, NULL) == ERR_UNSUPPORTED)
		return SKIPPED;
	demands(&p, json_object_get(json_object_get(c->json, "opt"), "snp"));
	pin_root(in.ark, &pin);
	p.snp.roots = &pin;
	p.snp.root_count = 1;
	enarx_csr_verify(&in, &v);
	demands_free(&p);
	o = compare(c, &v);
	return o != PASSED || !v.ok || enarx_fields(c, csr.report) ? o : FAILED;
}

/* ---- launch digests ---- */

/* A file named in the input rather than among the files; /dev/null and none at all are empty. */
static struct slice input_file(struct vector *c, json_t *o, const char *key)
{
	const char *path = text_of(o, key);

	return path[0] == 0 || strcmp(path, "/dev/null") == 0 ? slice_of("", 0) : load(c, key, path);
}

static uint32_t u32(json_t *o, const char *key, uint32_t unsaid)
{
	json_t *v = json_object_get(o, key);

	return v == NULL ? unsaid : (uint32_t)json_integer_value(v);
}

static bool kernel_of(struct vector *c, json_t *in, struct launch_kernel *k)
{
	const char *cmdline = text_of(in, "cmdline");
	struct slice s;

	if (json_object_get(in, "kernel") == NULL && json_object_get(in, "kernel_hash") == NULL)
		return false;
	s = input_file(c, in, "kernel");
	SHA256(s.data, s.size, k->kernel);
	s = input_file(c, in, "initrd");
	SHA256(s.data, s.size, k->initrd);
	SHA256((const unsigned char *)cmdline, strlen(cmdline) + 1, k->cmdline);
	if (json_object_get(in, "kernel_hash") != NULL)
		hex_into(text_of(in, "kernel_hash"), k->kernel, 32);
	if (json_object_get(in, "initrd_hash") != NULL)
		hex_into(text_of(in, "initrd_hash"), k->initrd, 32);
	return true;
}

static void tables_of(json_t *in, struct ovmf *t)
{
	size_t i;
	json_t *s;

	*t = (struct ovmf){.hash_gpa = u32(in, "hash_gpa", 0), .reset_eip = u32(in, "reset_eip", 0)};
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

	hex_into(text_of(in, "seed"), chain.digest, sizeof chain.digest);
	json_array_foreach(json_object_get(in, "pages"), i, p) {
		uint8_t content[SNP_PAGE_SIZE] = {0};
		struct snp_page page = {.type = (enum snp_page_type)u32(p, "type", 0),
					.gpa = (uint64_t)json_integer_value(json_object_get(p, "gpa")),
					.content = content,
					.imi = u32(p, "imi", 0) != 0};
		struct slice s = input_file(c, p, "file");

		memset(content, (int)u32(p, "fill", 0), sizeof content);
		if (s.size > 0) {
			memset(content, 0, sizeof content);
			memcpy(content, s.data, s.size < sizeof content ? s.size : sizeof content);
		}
		hex_into(text_of(p, "data"), content, sizeof content);
		json_array_foreach(json_object_get(p, "perms"), k, perm)
			page.perms[k % 3] = (uint8_t)json_integer_value(perm);
		snp_chain_add(&chain, &page);
	}
	memcpy(digest, chain.digest, sizeof chain.digest);
	return OK;
}

static enum err launch_digest(struct vector *c, json_t *in, uint8_t *digest, size_t *size, struct note *n)
{
	const char *mode = text_of(in, "mode"), *vmm = text_of(in, "vmm");
	json_t *sig = json_object_get(in, "vcpu_sig");
	struct launch_kernel kernel;
	struct ovmf tables;
	uint8_t seed[48];
	struct launch l = {.vmm = strcmp(vmm, "ec2") == 0 ? LAUNCH_EC2 : strcmp(vmm, "gce") == 0 ? LAUNCH_GCE : LAUNCH_QEMU,
			   .vcpus = u32(in, "vcpus", 1), .vcpu_signature = (uint32_t)json_integer_value(sig),
			   .features = u32(in, "features", 1),
			   .vmsa_gpa = (uint64_t)json_integer_value(json_object_get(in, "vmsa_gpa"))};

	*size = 48;
	if (json_object_get(in, "pages") != NULL)
		return pages_digest(c, in, digest);
	if (json_is_array(sig))
		l.vcpu_signature = launch_cpu_signature((uint32_t)json_integer_value(json_array_get(sig, 0)),
							(uint32_t)json_integer_value(json_array_get(sig, 1)),
							(uint32_t)json_integer_value(json_array_get(sig, 2)));
	l.firmware = input_file(c, in, "firmware");
	if (json_object_get(in, "ovmf_hash") != NULL) {
		hex_into(text_of(in, "ovmf_hash"), seed, sizeof seed);
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
	bool valid = strcmp(text_of(json_object_get(c->json, "expect"), "verdict"), "valid") == 0, good;
	struct slice report = file(c, "report");
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
	return !valid || field_is(c, "digest", slice_of(digest, size)) ? PASSED : FAILED;
}

/* ---- all cases ---- */

static const struct {
	const char *kind;
	enum outcome (*run)(struct vector *c);
} kinds[] = {
	{"snp_report", snp_report_case},
	{"x509_chain", x509_case},
	{"snp_id_block", id_block_case},
	{"snp_key_digest", key_digest_case},
	{"snp_launch", launch_case},
	{"enarx_csr", enarx_case},
};

static enum outcome run(struct vector *c)
{
	const char *kind = text_of(c->json, "kind");
	enum outcome o = SKIPPED;

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			o = kinds[i].run(c);
	if (o == FAILED)
		printf("FAILED %s: %s\n", text_of(c->json, "id"), c->why);
	while (c->file_count > 0)
		free(c->files[--c->file_count]);
	return o;
}

static void run_file(const char *path, bool parent, unsigned counts[static 3])
{
	char base[PATH_SIZE];
	json_error_t error;
	json_t *doc = json_load_file(path, 0, &error), *cases, *one;
	size_t i;

	if (doc == NULL) {
		fprintf(stderr, "vectors: %s:%d: %s\n", path, error.line, error.text);
		exit(2);
	}
	snprintf(base, sizeof base, "%s", path);
	for (int up = 0; up < 1 + parent; up++)
		*strrchr(base, '/') = 0;
	cases = json_is_array(doc) ? doc : json_object_get(doc, "cases");
	json_array_foreach(cases, i, one) {
		struct vector c = {.base = base, .json = one};

		counts[run(&c)]++;
	}
	json_decref(doc);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *pattern;
		bool parent;
	} where[] = {{"/cases.json", false}, {"/*/cases.json", false}, {"/synth/cases-synth.json", true},
		     {"/*/synth/cases-synth.json", true}};
	unsigned counts[3] = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: vectors DIR\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_COUNT(where); i++) {
		char pattern[PATH_SIZE];
		glob_t g;

		snprintf(pattern, sizeof pattern, "%s%s", argv[1], where[i].pattern);
		if (glob(pattern, 0, NULL, &g) == 0)
			for (size_t k = 0; k < g.gl_pathc; k++)
				run_file(g.gl_pathv[k], where[i].parent, counts);
		globfree(&g);
	}
	printf("check-attest: %u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
	if (counts[PASSED] + counts[FAILED] == 0) {
		fprintf(stderr, "vectors: no case that could be judged below %s\n", argv[1]);
		return 2;
	}
	return counts[FAILED] == 0 ? 0 : 1;
}

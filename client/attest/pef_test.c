/* SPDX-License-Identifier: Apache-2.0 */
/* ESM blobs made here: opened as they are, refused for each thing changed and for that alone. */
#include "client/attest/pef.h"

#include "test/attest/killers.h"

#include <stdio.h>

static EVP_PKEY *owner, *machine, *stranger;
static const char kernel[] = "a kernel", initrd[] = "an initrd", bootargs[] = "console=hvc0";

enum defect {
	NONE,
	COMPATIBLE,
	ALGORITHM,
	NO_BOXES,
	PRINT_ALGORITHM,
	PRINT_SHORT,
	MAC_SHORT,
	NO_CIPHERTEXT,
	TWICE,
	MAGIC,
	SIZE,
	VERSION,
	TOKEN,
	UNCLOSED
};
enum inner { INNER_NONE, DIGEST_ALGORITHM, DIGEST_SHORT, DIGEST_MISSING, KERNEL_SIZE_SHORT };

struct wish {
	enum defect defect;
	enum inner inner;
	bool symkey_other, symkey_short, mac_flipped, size_other, origin_only;
	const char *files;
	struct pef_input in;
};

/* ---- writing a tree ---- */

struct tree {
	uint8_t body[8192], strings[512], out[8192];
	struct writer b;
	size_t strings_size;
};

static void must(enum err err)
{
	assert_int_equal(err, OK);
}

static void pad(struct writer *w)
{
	must(wr_zero(w, (4 - wr_used(w) % 4) % 4));
}

static void node(struct tree *t, const char *name)
{
	must(wr_u32be(&t->b, 1));
	must(wr_bytes(&t->b, slice_of(name, strlen(name) + 1)));
	pad(&t->b);
}

static void end(struct tree *t)
{
	must(wr_u32be(&t->b, 2));
}

static void prop(struct tree *t, const char *name, struct slice value)
{
	must(wr_u32be(&t->b, 3));
	must(wr_u32be(&t->b, (uint32_t)value.size));
	must(wr_u32be(&t->b, (uint32_t)t->strings_size));
	must(wr_bytes(&t->b, value));
	pad(&t->b);
	memcpy(t->strings + t->strings_size, name, strlen(name) + 1);
	t->strings_size += strlen(name) + 1;
}

static void text(struct tree *t, const char *name, const char *value)
{
	prop(t, name, slice_of(value, strlen(value) + 1));
}

static void begin(struct tree *t)
{
	t->b = wr_of(t->body, sizeof t->body);
	t->strings_size = 0;
	node(t, "");
}

static struct slice finish(struct tree *t, enum defect d)
{
	struct writer w = wr_of(t->out, sizeof t->out);
	uint32_t size, total;

	if (d == TOKEN)
		must(wr_u32be(&t->b, 7));
	if (d != UNCLOSED)
		end(t);
	must(wr_u32be(&t->b, 9));
	size = (uint32_t)wr_used(&t->b);
	total = 40 + size + (uint32_t)t->strings_size;
	const uint32_t head[] = {d == MAGIC ? 0xd00dfeec : 0xd00dfeed,
	                         total + (d == SIZE),
	                         40,
	                         40 + size,
	                         40,
	                         d == VERSION ? 15 : 17,
	                         16,
	                         0,
	                         (uint32_t)t->strings_size,
	                         size};

	for (size_t i = 0; i < ARRAY_COUNT(head); i++)
		must(wr_u32be(&w, head[i]));
	must(wr_bytes(&w, wr_slice(&t->b)));
	must(wr_bytes(&w, slice_of(t->strings, t->strings_size)));
	return wr_slice(&w);
}

/* ---- writing a blob ---- */

static void digest(struct tree *t, const char *name, const char *of, size_t size)
{
	uint8_t d[64];

	SHA512((const unsigned char *)of, strlen(of), d);
	prop(t, name, slice_of(d, size));
}

static struct slice digests(const struct wish *w)
{
	static struct tree t;
	const uint8_t size[4] = {0, 0, 0, (uint8_t)(strlen(kernel) + w->size_other)};

	begin(&t);
	text(&t, "compatible", "ibm,esm");
	node(&t, "digests");
	text(&t, "algorithm", w->inner == DIGEST_ALGORITHM ? "SHA256" : "SHA512");
	digest(&t, "rtas", "rtas", 64);
	digest(&t, "kernel", kernel, w->inner == DIGEST_SHORT ? 63 : 64);
	prop(&t, "kernel-size", slice_of(size, w->inner == KERNEL_SIZE_SHORT ? 3 : 4));
	digest(&t, "initrd", initrd, 64);
	if (w->inner != DIGEST_MISSING)
		digest(&t, "bootargs", bootargs, 64);
	end(&t);
	return finish(&t, NONE);
}

static void box(struct tree *t, const struct wish *w, const char *name, EVP_PKEY *key, const uint8_t *master)
{
	EVP_PKEY *by = w->symkey_other ? stranger : key;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(by, NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t wrapped[512], print[32];
	size_t size = sizeof wrapped;
	char *pem;
	long pem_size;

	assert_true(EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	            EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, wrapped, &size, master, w->symkey_short ? 31 : 32), 1);
	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	pem_size = BIO_get_mem_data(bio, &pem);
	SHA256((unsigned char *)pem, (size_t)pem_size, print);
	node(t, name);
	prop(t, "encrypted-symkey", slice_of(wrapped, size));
	node(t, "pubkey-fingerprint");
	text(t, "algorithm", w->defect == PRINT_ALGORITHM ? "SHA1" : "SHA256");
	prop(t, "hash", slice_of(print, w->defect == PRINT_SHORT ? 31 : 32));
	end(t);
	end(t);
	BIO_free(bio);
	EVP_PKEY_CTX_free(ctx);
}

static void seal(struct tree *t, const struct wish *w, const uint8_t *master)
{
	static uint8_t sealed[4096];
	static const uint8_t iv[16] = {7};
	struct slice plain = digests(w);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t mac[16];
	int size, rest;

	assert_true(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, NULL, NULL) == 1 &&
	            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 16, NULL) == 1 &&
	            EVP_EncryptInit_ex(ctx, NULL, NULL, master, iv) == 1 &&
	            EVP_EncryptUpdate(ctx, sealed, &size, plain.data, (int)plain.size) == 1 &&
	            EVP_EncryptFinal_ex(ctx, sealed + size, &rest) == 1 &&
	            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, mac) == 1);
	EVP_CIPHER_CTX_free(ctx);
	mac[3] ^= w->mac_flipped;
	node(t, "digest");
	node(t, "digests-fdt");
	text(t, "algorithm", w->defect == ALGORITHM ? "AES128-GCM" : "AES256-GCM");
	prop(t, "iv", slice_of(iv, 16));
	prop(t, "mac", slice_of(mac, w->defect == MAC_SHORT ? 15 : 16));
	if (w->defect != NO_CIPHERTEXT)
		prop(t, "ciphertext", slice_of(sealed, plain.size));
	if (w->defect == TWICE)
		prop(t, "iv", slice_of(iv, 16));
	end(t);
	end(t);
}

static struct verdict judge(struct wish *w)
{
	static struct tree t;
	static uint8_t room[PEF_DIGESTS_MAX];
	static const uint8_t master[32] = {1, 2, 3};
	struct esm_digests d;
	struct verdict v;

	begin(&t);
	text(&t, "compatible", w->defect == COMPATIBLE ? "ibm,esm-file" : "ibm,esm");
	if (w->defect != NO_BOXES) {
		node(&t, "lockboxes");
		box(&t, w, "origin-lockbox", owner, master);
		if (!w->origin_only)
			box(&t, w, "lockbox-1", machine, master);
		end(&t);
	}
	seal(&t, w, master);
	if (w->files != NULL) {
		node(&t, "file");
		text(&t, "files-fdt", w->files);
		end(&t);
	}
	w->in.blob = finish(&t, w->defect);
	pef_esm_verify(&w->in, room, &d, &v);
	return v;
}

static struct pef_rules rules;
static uint8_t named[PEF_RULE_COUNT][64];

/* The policy names what is in the blob. */
static void good(struct wish *w)
{
	static const char *const what[PEF_RULE_COUNT] = {kernel, initrd, bootargs, "rtas"};

	for (unsigned i = 0; i < PEF_RULE_COUNT; i++) {
		SHA512((const unsigned char *)what[i], strlen(what[i]), named[i]);
		rules.lists[i] = (struct digest_list){named[i], 64, 1};
	}
	*w = (struct wish){.in = {.key = machine,
	                          .compare = true,
	                          .kernel = slice_text(kernel),
	                          .initrd = slice_text(initrd),
	                          .bootargs = slice_text(bootargs),
	                          .rules = &rules}};
}

static void expect_only(struct wish *w, const char *id, size_t number)
{
	const struct verdict v = judge(w);
	char name[24];

	snprintf(name, sizeof name, "case %zu", number);
	killed_only(&v, id, NULL, name);
}

static void recipients_open_it(void **state)
{
	struct wish w;

	(void)state;
	good(&w);
	assert_true(judge(&w).ok);
	w.in.key = owner;
	assert_true(judge(&w).ok);
	w.in.compare = false;
	w.in.kernel = slice_of(NULL, 0);
	assert_true(judge(&w).ok);
}

static void to_stranger(struct wish *w)
{
	w->in.key = stranger;
}
static void other_rtas(struct wish *w)
{
	(void)w;
	named[PEF_RULE_RTAS][0] ^= 1;
}
static void other_kernel_named(struct wish *w)
{
	w->in.compare = false;
	named[PEF_RULE_KERNEL][63] ^= 1;
}
static void no_tree(struct wish *w)
{
	w->files = "not a tree";
}
static void to_owner_only(struct wish *w)
{
	w->origin_only = true;
}
static void symkey_other(struct wish *w)
{
	w->symkey_other = true;
}
static void symkey_short(struct wish *w)
{
	w->symkey_short = true;
}
static void mac(struct wish *w)
{
	w->mac_flipped = true;
}
static void digest_algorithm(struct wish *w)
{
	w->inner = DIGEST_ALGORITHM;
}
static void digest_short(struct wish *w)
{
	w->inner = DIGEST_SHORT;
}
static void digest_missing(struct wish *w)
{
	w->inner = DIGEST_MISSING;
}
static void kernel_size_short(struct wish *w)
{
	w->inner = KERNEL_SIZE_SHORT;
}
static void other_kernel(struct wish *w)
{
	w->in.kernel = slice_text("A kernel");
}
static void other_size(struct wish *w)
{
	w->size_other = true;
}
static void other_initrd(struct wish *w)
{
	w->in.initrd = slice_text("");
}
static void other_args(struct wish *w)
{
	w->in.bootargs = slice_text("console=hvc0 ");
}

static const struct {
	const char *check;
	void (*change)(struct wish *w);
} mutations[] = {
        {"pef.files.read", no_tree},           {"pef.recipient", to_stranger},
        {"pef.recipient", to_owner_only},      {"pef.symkey", symkey_other},
        {"pef.symkey", symkey_short},          {"pef.digests.open", mac},
        {"pef.digests.read", digest_algorithm}, {"pef.digests.read", digest_short},
        {"pef.digests.read", digest_missing},  {"pef.digests.read", kernel_size_short},
        {"pef.kernel", other_kernel},          {"pef.kernel_size", other_size},
        {"pef.kernel", other_kernel_named},    {"pef.rtas", other_rtas},
        {"pef.initrd", other_initrd},          {"pef.bootargs", other_args},
};

static const char *id_of(size_t i)
{
	if (i == ARRAY_COUNT(mutations))
		return "pef.blob.read"; /* the defects of form */
	return i < ARRAY_COUNT(mutations) ? mutations[i].check : NULL;
}

static void each_change_fails_its_check_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(mutations); i++) {
		struct wish w;

		good(&w);
		mutations[i].change(&w);
		expect_only(&w, mutations[i].check, i);
	}
}

static void no_check_is_without_a_killer(void **state)
{
	struct wish w;
	struct verdict v;

	(void)state;
	good(&w);
	v = judge(&w);
	all_have_killers(&v, "pef.", id_of);
}

static void each_defect_of_form_is_refused(void **state)
{
	(void)state;
	for (enum defect d = COMPATIBLE; d <= UNCLOSED; d++) {
		struct wish w;

		good(&w);
		w.defect = d;
		expect_only(&w, "pef.blob.read", d);
	}
}

static int setup(void **state)
{
	(void)state;
	owner = EVP_RSA_gen(2048);
	machine = EVP_RSA_gen(2048);
	stranger = EVP_RSA_gen(2048);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(owner);
	EVP_PKEY_free(machine);
	EVP_PKEY_free(stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(recipients_open_it),
	        cmocka_unit_test(each_change_fails_its_check_alone),
	        cmocka_unit_test(no_check_is_without_a_killer),
	        cmocka_unit_test(each_defect_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* broch sign snp|sgx: what a platform wants to see signed before it starts something. */
#include "client/attest/sgx_sign.h"
#include "client/attest/snp_id.h"
#include "client/attest/snp_id_sign.h"
#include "client/cli/keyfile.h"
#include "client/cli/value.h"
#include "lib/base/hex.h"
#include "sys/file.h"

#include <stdlib.h>
#include <time.h>

enum { DIGEST_MAX = 48, ID_SIZE = 16, BASE64_MAX = 4 * ((SNP_ID_AUTH_SIZE + 2) / 3) + 1 };

static enum err own(const struct check *failed, struct note *n)
{
	return failed == NULL
	               ? OK
	               : refuse(n, ERR_CRYPTO, "what was signed does not verify (%s: found %s); nothing was written",
	                        failed->id, failed->found);
}

/* ---- SNP ---- */

struct id_job {
	uint8_t digest[DIGEST_MAX], family[ID_SIZE], image[ID_SIZE];
	struct snp_id_block fields;
	EVP_PKEY *id, *author;
	uint8_t block[SNP_ID_BLOCK_SIZE], auth[SNP_ID_AUTH_SIZE];
	struct snp_id_digests names;
};

static enum err id_options(const struct cli *c, struct id_job *j, struct note *n)
{
	static const char *const not [] = {"out",        "vendor",         "date",       "swdefined",
	                                   "attributes", "attribute-mask", "miscselect", "miscmask",
	                                   "product",    "ext-product",    NULL};
	uint64_t svn = 0, policy = 0;

	TRY(value_unwanted(c, not, "an ID block", n));
	TRY(value_needed(c, "key", n));
	TRY(value_needed(c, "digest", n));
	TRY(value_needed(c, "policy", n));
	TRY(value_bytes(c, "digest", j->digest, DIGEST_MAX, n));
	TRY(value_bytes(c, "family", j->family, ID_SIZE, n));
	TRY(value_bytes(c, "image", j->image, ID_SIZE, n));
	TRY(value_number(c, "svn", UINT32_MAX, &svn, n));
	TRY(value_number(c, "policy", UINT64_MAX, &policy, n));
	if (!cli_has(c, "block") != !cli_has(c, "auth") || (!cli_has(c, "block") && !c->json))
		return refuse(n, ERR_INVALID,
		              "say where to: --block FILE and --auth FILE, or --json for base64 on standard output");
	j->fields = (struct snp_id_block){.launch_digest = slice_of(j->digest, DIGEST_MAX),
	                                  .family_id = slice_of(j->family, ID_SIZE),
	                                  .image_id = slice_of(j->image, ID_SIZE),
	                                  .guest_svn = (uint32_t)svn,
	                                  .policy = policy};
	return OK;
}

static enum err id_make(const struct cli *c, struct id_job *j, struct note *n)
{
	struct verdict v;

	TRY(id_options(c, j, n));
	TRY(keyfile_private(cli_value(c, "key"), &j->id, n));
	if (cli_has(c, "author"))
		TRY(keyfile_private(cli_value(c, "author"), &j->author, n));
	TRY(snp_id_sign(&j->fields, j->id, j->author, j->block, j->auth, n));
	snp_id_verify(&(struct snp_id_input){slice_of(j->block, sizeof j->block), slice_of(j->auth, sizeof j->auth),
	                                     j->author != NULL},
	              &j->names, &v);
	TRY(own(verdict_reason(&v), n));
	if (!cli_has(c, "block"))
		return OK;
	TRY(file_replace(cli_value(c, "block"), slice_of(j->block, sizeof j->block), 0644, n));
	return file_replace(cli_value(c, "auth"), slice_of(j->auth, sizeof j->auth), 0644, n);
}

static int id_print(const struct cli *c, const struct id_job *j)
{
	unsigned char block[BASE64_MAX], auth[BASE64_MAX];
	char id[2 * DIGEST_MAX + 1], author[2 * DIGEST_MAX + 1];
	json_t *o;

	hex_encode(slice_of(j->names.id_key, DIGEST_MAX), id);
	hex_encode(slice_of(j->names.author_key, DIGEST_MAX), author);
	if (!c->json) {
		printf("id-key-digest: %s\n", id);
		if (j->author != NULL)
			printf("author-key-digest: %s\n", author);
		return cli_flush(c, STATUS_OK);
	}
	EVP_EncodeBlock(block, j->block, sizeof j->block);
	EVP_EncodeBlock(auth, j->auth, sizeof j->auth);
	o = json_pack("{s:s, s:s, s:s, s:s}", "schema", "broch.sign/1", "id_block", (char *)block, "id_auth",
	              (char *)auth, "id_key_digest", id);
	if (j->author != NULL)
		json_object_set_new(o, "author_key_digest", json_string(author));
	return cli_json(c, o);
}

static int sign_snp(struct cli *c, struct note *n, enum err *err)
{
	struct id_job j = {.id = NULL};
	int status = STATUS_OK;

	*err = id_make(c, &j, n);
	if (*err == OK)
		status = id_print(c, &j);
	EVP_PKEY_free(j.id);
	EVP_PKEY_free(j.author);
	return status;
}

/* ---- SGX ---- */

struct sig_job {
	uint8_t mrenclave[32], attributes[ID_SIZE], mask[ID_SIZE], family[ID_SIZE], ext[ID_SIZE];
	struct sgx_sigstruct fields;
	uint8_t out[SGX_SIGSTRUCT_SIZE];
};

/* 20260131 is what it looks like, in hexadecimal digits. */
static enum err date_of(const char *text, uint32_t *out, struct note *n)
{
	static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const unsigned long v = strlen(text) == 8 && strspn(text, "0123456789") == 8 ? strtoul(text, NULL, 10) : 0;
	const unsigned long month = v / 100 % 100, day = v % 100;

	if (v == 0 || month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return refuse(n, ERR_INVALID, "--date %s: a date is YYYYMMDD", text);
	*out = (uint32_t)strtoul(text, NULL, 16);
	return OK;
}

static enum err today(uint32_t *out, struct note *n)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[16];

	if (gmtime_r(&now, &tm) == NULL || strftime(text, sizeof text, "%Y%m%d", &tm) != 8)
		return refuse(n, ERR_RANGE, "the clock has no date; give --date YYYYMMDD");
	return date_of(text, out, n);
}

static enum err sig_numbers(const struct cli *c, struct sgx_sigstruct *s, struct note *n)
{
	uint64_t vendor = 0, swdefined = 0, miscselect = 0, miscmask = UINT32_MAX, product = 0, svn = 0;

	TRY(value_number(c, "vendor", UINT32_MAX, &vendor, n));
	TRY(value_number(c, "swdefined", UINT32_MAX, &swdefined, n));
	TRY(value_number(c, "miscselect", UINT32_MAX, &miscselect, n));
	TRY(value_number(c, "miscmask", UINT32_MAX, &miscmask, n));
	TRY(value_number(c, "product", UINT16_MAX, &product, n));
	TRY(value_number(c, "svn", UINT16_MAX, &svn, n));
	s->vendor = (uint32_t)vendor;
	s->swdefined = (uint32_t)swdefined;
	s->miscselect = (uint32_t)miscselect;
	s->miscmask = (uint32_t)miscmask;
	s->prod_id = (uint16_t)product;
	s->svn = (uint16_t)svn;
	return cli_has(c, "date") ? date_of(cli_value(c, "date"), &s->date, n) : today(&s->date, n);
}

static enum err sig_options(const struct cli *c, struct sig_job *j, struct note *n)
{
	static const char *const not [] = {"author", "policy", "image", "block", "auth", NULL};
	/* 64-bit mode; x87 and SSE. The mask lets a loader choose nothing but more of the processor's state. */
	static const uint8_t attributes[ID_SIZE] = {4, 0, 0, 0, 0, 0, 0, 0, 3};
	static const uint8_t mask[ID_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	                                      0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	memcpy(j->attributes, attributes, ID_SIZE);
	memcpy(j->mask, mask, ID_SIZE);
	TRY(value_unwanted(c, not, "a SIGSTRUCT", n));
	TRY(value_needed(c, "key", n));
	TRY(value_needed(c, "digest", n));
	TRY(value_needed(c, "out", n));
	TRY(value_bytes(c, "digest", j->mrenclave, sizeof j->mrenclave, n));
	TRY(value_bytes(c, "attributes", j->attributes, ID_SIZE, n));
	TRY(value_bytes(c, "attribute-mask", j->mask, ID_SIZE, n));
	TRY(value_bytes(c, "family", j->family, ID_SIZE, n));
	TRY(value_bytes(c, "ext-product", j->ext, ID_SIZE, n));
	j->fields.mrenclave = slice_of(j->mrenclave, sizeof j->mrenclave);
	j->fields.attributes = slice_of(j->attributes, ID_SIZE);
	j->fields.attribute_mask = slice_of(j->mask, ID_SIZE);
	j->fields.family_id = slice_of(j->family, ID_SIZE);
	j->fields.ext_prod_id = slice_of(j->ext, ID_SIZE);
	return sig_numbers(c, &j->fields, n);
}

static enum err sig_make(const struct cli *c, struct sig_job *j, struct note *n)
{
	struct sgx_sigstruct_input in = {.sigstruct = slice_of(j->out, sizeof j->out)};
	EVP_PKEY *key = NULL;
	struct verdict v;
	enum err err;

	TRY(sig_options(c, j, n));
	TRY(keyfile_private(cli_value(c, "key"), &key, n));
	err = sgx_sigstruct_sign(key, &j->fields, j->out, n);
	EVP_PKEY_free(key);
	TRY(err);
	in.mrenclave = j->fields.mrenclave;
	sgx_sigstruct_verify(&in, &v);
	TRY(own(verdict_reason(&v), n));
	return file_replace(cli_value(c, "out"), slice_of(j->out, sizeof j->out), 0644, n);
}

static int sign_sgx(struct cli *c, struct note *n, enum err *err)
{
	struct sig_job j = {.out = {0}};
	char hex[2 * 32 + 1];
	struct sgx_sigstruct s;
	uint8_t mrsigner[32];

	*err = sig_make(c, &j, n);
	if (*err != OK)
		return STATUS_FAILED;
	CHECK(sgx_sigstruct_parse(slice_of(j.out, sizeof j.out), &s) == OK);
	sgx_mrsigner(s.modulus, mrsigner);
	hex_encode(slice_of(mrsigner, sizeof mrsigner), hex);
	if (c->json)
		return cli_json(c, json_pack("{s:s, s:s}", "schema", "broch.sign/1", "mrsigner", hex));
	printf("mrsigner: %s\n", hex);
	return cli_flush(c, STATUS_OK);
}

/* ---- the verb ---- */

static int sign_run(struct cli *c)
{
	struct note n = {""};
	enum err err = OK;
	int status;

	if (strcmp(c->operands[0], "snp") == 0)
		status = sign_snp(c, &n, &err);
	else if (strcmp(c->operands[0], "sgx") == 0)
		status = sign_sgx(c, &n, &err);
	else
		return cli_usage(c, "say snp (ID block) or sgx (SIGSTRUCT)");
	if (err == ERR_INVALID)
		return cli_usage(c, "%s", n.text[0] != 0 ? n.text : err_text(err));
	return err == OK ? status : cli_fail_note(c, err, &n);
}

static const struct option sign_options[] = {
        {"key", 0, false, "WHERE", "the key that signs: PEM in a file, or in fd:N"},
        {"digest", 0, false, "HEX",
         "what may start: the launch digest (snp) or MRENCLAVE (sgx), as `broch measure` prints it"},
        {"svn", 0, false, "N", "security version of the guest or enclave; default 0"},
        {"family", 0, false, "HEX", "family id, 16 bytes; default zero"},
        {"policy", 0, false, "BITS", "snp: the guest policy, as in 0x30000"},
        {"image", 0, false, "HEX", "snp: image id, 16 bytes; default zero"},
        {"author", 0, false, "WHERE", "snp: the author's key, which signs the key"},
        {"block", 0, false, "FILE", "snp: where the ID block goes"},
        {"auth", 0, false, "FILE", "snp: where the ID authentication page goes"},
        {"out", 0, false, "FILE", "sgx: where the SIGSTRUCT goes"},
        {"date", 0, false, "YYYYMMDD", "sgx: default today (UTC)"},
        {"product", 0, false, "N", "sgx: ISVPRODID; default 0"},
        {"ext-product", 0, false, "HEX", "sgx: ISVEXTPRODID, 16 bytes; default zero"},
        {"vendor", 0, false, "N", "sgx: default 0"},
        {"swdefined", 0, false, "N", "sgx: default 0"},
        {"attributes", 0, false, "HEX", "sgx: ATTRIBUTES, 16 bytes; default 64-bit, no debug, XFRM 3"},
        {"attribute-mask", 0, false, "HEX", "sgx: which of them are enforced; default all but AVX and later state"},
        {"miscselect", 0, false, "BITS", "sgx: default 0"},
        {"miscmask", 0, false, "BITS", "sgx: default all"},
        {0},
};

const struct verb verb_sign = {
        .name = "sign",
        .summary = "sign what a platform may start",
        .operands = "snp|sgx",
        .options = sign_options,
        .details =
                "snp makes an ID block and its authentication page (AMD 56860, section 8.18): the firmware refuses a "
                "launch "
                "with another digest or policy, and every report names the two keys. --json prints both in base64, as "
                "QEMU takes them.\n"
                "\n"
                "sgx makes a SIGSTRUCT (Intel SDM vol. 3D) with an RSA key of 3072 bits and exponent 3.\n"
                "\n"
                "What was signed is verified before it is written.",
        .examples = "broch sign snp --key id.pem --author author.pem --digest DIGEST --policy 0x30000 --block id.block "
                    "--auth id.auth\n"
                    "broch sign sgx --key sgx.pem --digest MRENCLAVE --product 7 --svn 2 --out enclave.sig\n",
        .min = 1,
        .max = 1,
        .run = sign_run,
};

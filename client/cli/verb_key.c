/* SPDX-License-Identifier: Apache-2.0 */
/* broch key new|show: the keys that `broch sign` and `broch measure` sign with. */
#include "client/attest/ecdsa.h"
#include "client/attest/sev_key.h"
#include "client/attest/sgx_sign.h"
#include "client/attest/snp_id_sign.h"
#include "client/cli/keyfile.h"
#include "client/cli/cli.h"
#include "lib/base/hex.h"

enum { HEX_MAX = 2 * 48 + 1 };

/* What identifies a key, as those say it who will meet it. */
struct names {
	char type[64];
	char spki[HEX_MAX];     /* SHA-256 of the SubjectPublicKeyInfo */
	char snp[HEX_MAX];      /* id and author key digest of SNP reports; "": not for SNP */
	char mrsigner[HEX_MAX]; /* of SGX reports; "": not for SGX */
};

static EVP_PKEY *make_sgx(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;

	if (ctx == NULL || e == NULL || BN_set_word(e, SGX_EXPONENT) != 1 || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 8 * SGX_RSA_SIZE) != 1 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) != 1 || EVP_PKEY_keygen(ctx, &key) != 1)
		key = NULL;
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *make_snp(void)
{
	return EVP_EC_gen("P-384");
}

static EVP_PKEY *make_tls(void)
{
	return EVP_EC_gen("P-256");
}

static const struct {
	const char *name;
	EVP_PKEY *(*make)(void);
} types[] = {{"snp", make_snp}, {"sgx", make_sgx}, {"tls", make_tls}};

static void name_snp(EVP_PKEY *key, struct names *out)
{
	uint8_t bytes[SNP_ID_KEY_SIZE], digest[SHA384_DIGEST_LENGTH];

	if (snp_id_key_bytes(key, bytes) != OK)
		return;
	SHA384(bytes, sizeof bytes, digest);
	hex_encode(slice_of(digest, sizeof digest), out->snp);
}

static void name_sgx(EVP_PKEY *key, struct names *out)
{
	uint8_t modulus[SGX_RSA_SIZE], digest[32];
	BIGNUM *n = NULL, *e = NULL;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) == 8 * SGX_RSA_SIZE &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, SGX_EXPONENT) == 1 &&
	    BN_bn2lebinpad(n, modulus, sizeof modulus) == (int)sizeof modulus) {
		sgx_mrsigner(slice_of(modulus, sizeof modulus), digest);
		hex_encode(slice_of(digest, sizeof digest), out->mrsigner);
	}
	BN_free(n);
	BN_free(e);
}

static enum err name(EVP_PKEY *key, struct names *out, struct note *n)
{
	uint8_t spki[SPKI_DIGEST_SIZE];
	enum ecdsa_curve curve;

	memset(out, 0, sizeof *out);
	if (!sev_spki(key, spki))
		return refuse(n, ERR_CRYPTO, "the public key cannot be encoded");
	hex_encode(slice_of(spki, sizeof spki), out->spki);
	if (ecdsa_curve_of(key, &curve))
		snprintf(out->type, sizeof out->type, "EC %s", ecdsa_curve_name(curve));
	else
		snprintf(out->type, sizeof out->type, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	name_snp(key, out);
	name_sgx(key, out);
	return OK;
}

static int print(const struct cli *c, const struct names *k)
{
	json_t *o;

	if (!c->json) {
		printf("type: %s\nspki-sha256: %s\n", k->type, k->spki);
		if (k->snp[0] != 0)
			printf("snp-key-digest: %s\n", k->snp);
		if (k->mrsigner[0] != 0)
			printf("mrsigner: %s\n", k->mrsigner);
		return cli_flush(c, STATUS_OK);
	}
	o = json_pack("{s:s, s:s, s:s}", "schema", "broch.key/1", "type", k->type, "spki_sha256", k->spki);
	if (k->snp[0] != 0)
		json_object_set_new(o, "snp_key_digest", json_string(k->snp));
	if (k->mrsigner[0] != 0)
		json_object_set_new(o, "mrsigner", json_string(k->mrsigner));
	return cli_json(c, o);
}

static int print_named(const struct cli *c, EVP_PKEY *key, struct note *n)
{
	struct names names;
	enum err err = name(key, &names, n);

	return err == OK ? print(c, &names) : cli_fail_note(c, err, n);
}

static int key_new(struct cli *c)
{
	const char *type = cli_value(c, "type");
	struct note n = {""};
	EVP_PKEY *key;
	size_t i = 0;
	enum err err;
	int status;

	while (i < ARRAY_COUNT(types) && (type == NULL || strcmp(types[i].name, type) != 0))
		i++;
	if (i == ARRAY_COUNT(types))
		return cli_usage(c, "--type is snp (EC P-384: ID blocks, manifests), sgx (RSA-3072: enclaves) or tls (EC P-256: certificates of Keeps)");
	key = types[i].make();
	if (key == NULL)
		return cli_fail(c, STATUS_FAILED, "the key cannot be made: no randomness?");
	err = keyfile_save(key, c->operands[1], cli_has(c, "force"), &n);
	status = err == OK ? print_named(c, key, &n) : cli_fail_note(c, err, &n);
	EVP_PKEY_free(key);
	return status;
}

static int key_show(struct cli *c)
{
	struct note n = {""};
	EVP_PKEY *key = NULL;
	enum err err = keyfile_public(c->operands[1], &key, &n);
	int status;

	if (cli_has(c, "type") || cli_has(c, "force"))
		status = cli_usage(c, "--type and --force go with new");
	else if (err == OK && cli_has(c, "public"))
		status = cli_flush(c, PEM_write_PUBKEY(stdout, key) == 1 ? STATUS_OK : STATUS_FAILED);
	else
		status = err == OK ? print_named(c, key, &n) : cli_fail_note(c, err, &n);
	EVP_PKEY_free(key);
	return status;
}

static int key_run(struct cli *c)
{
	if (c->operand_count == 2 && strcmp(c->operands[0], "new") == 0)
		return cli_has(c, "public") ? cli_usage(c, "--public goes with show") : key_new(c);
	if (c->operand_count == 2 && strcmp(c->operands[0], "show") == 0)
		return key_show(c);
	return cli_usage(c, "say new WHERE or show WHERE");
}

static const struct option key_options[] = {
        {"type", 0, false, "TYPE", "new: snp (EC P-384), sgx (RSA-3072 with exponent 3) or tls (EC P-256)"},
        {"force", 0, false, NULL, "new: replace the file that is there"},
        {"public", 0, false, NULL, "show: print the public key as PEM"},
        {0},
};

const struct verb verb_key = {
        .name = "key",
        .summary = "make keys to sign with, and show what they are called",
        .operands = "new|show WHERE",
        .options = key_options,
        .details =
                "WHERE is a file, or fd:N for a descriptor that is open already; keys are PEM, private ones PKCS #8 "
                "without a passphrase. Nothing secret is ever taken from the command line.\n"
                "\n"
                "new makes a key and writes it for its owner alone (mode 0600). A file that is there stays unless "
                "--force is given. Then it prints what show prints: the digests under which reports name the key, to "
                "be put into a policy.",
        .examples = "broch key new --type snp id.pem\n"
                    "broch key show id.pem\n"
                    "broch key new --type sgx fd:3 3>vault\n",
        .min = 1,
        .max = 2,
        .run = key_run,
};

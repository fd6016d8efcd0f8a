/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/pef_make.h"

#include "client/attest/pef.h"
#include "lib/attest/fdt_write.h"
#include "lib/base/ct.h"

#include <stdio.h>

enum { MASTER_SIZE = 32, IV_SIZE = 12, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_SIZE_MAX = RSA_BITS_MAX / 8 };

bool pef_fingerprint(EVP_PKEY *key, uint8_t out[static ESM_FINGERPRINT_SIZE])
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long size = bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1 ? BIO_get_mem_data(bio, &text) : 0;

	if (size > 0)
		SHA256((const unsigned char *)text, (size_t)size, out);
	BIO_free(bio);
	return size > 0;
}

/* ---- what may be started ---- */

static enum err digest(struct fdt_writer *t, const char *name, struct slice of)
{
	uint8_t d[ESM_DIGEST_SIZE];

	SHA512(of.data, of.size, d);
	return fdt_property(t, name, slice_of(d, sizeof d));
}

static enum err write_digests(const struct pef_plan *p, struct writer *out)
{
	const uint32_t n = (uint32_t)p->kernel.size;
	const uint8_t size[] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	uint8_t room[PEF_DIGESTS_MAX];
	struct fdt_writer t;

	if (p->kernel.size > UINT32_MAX)
		return ERR_RANGE;
	TRY(fdt_begin(&t, room, sizeof room));
	TRY(fdt_text(&t, "compatible", "ibm,esm"));
	TRY(fdt_node(&t, "digests"));
	TRY(fdt_text(&t, "algorithm", "SHA512"));
	TRY(digest(&t, "rtas", p->rtas));
	TRY(digest(&t, "kernel", p->kernel));
	TRY(fdt_property(&t, "kernel-size", slice_of(size, sizeof size)));
	TRY(digest(&t, "initrd", p->initrd));
	TRY(digest(&t, "bootargs", p->bootargs));
	TRY(fdt_close(&t));
	return fdt_finish(&t, out);
}

/* ---- sealed for whom ---- */

static bool wrap(EVP_PKEY *key, const uint8_t master[static MASTER_SIZE], uint8_t *out, size_t *size)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool good;

	ERR_set_mark();
	good = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_encrypt(ctx, out, size, master, MASTER_SIZE) == 1;
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static enum err lockbox(struct fdt_writer *t, size_t i, EVP_PKEY *key, const uint8_t master[static MASTER_SIZE])
{
	uint8_t wrapped[RSA_SIZE_MAX], print[ESM_FINGERPRINT_SIZE];
	size_t size = sizeof wrapped;
	char name[32] = "origin-lockbox";

	if (i > 0)
		snprintf(name, sizeof name, "lockbox-%zu", i);
	if (!wrap(key, master, wrapped, &size) || !pef_fingerprint(key, print))
		return ERR_CRYPTO;
	TRY(fdt_node(t, name));
	TRY(fdt_property(t, "encrypted-symkey", slice_of(wrapped, size)));
	TRY(fdt_node(t, "pubkey-fingerprint"));
	TRY(fdt_text(t, "algorithm", "SHA256"));
	TRY(fdt_property(t, "hash", slice_of(print, sizeof print)));
	TRY(fdt_close(t));
	return fdt_close(t);
}

static bool encrypt(const uint8_t master[static MASTER_SIZE], const uint8_t iv[static IV_SIZE], struct slice plain,
                    uint8_t *out, uint8_t mac[static ESM_MAC_SIZE])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int size = 0, rest = 0;
	bool good = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, master, iv) == 1 &&
	            EVP_EncryptUpdate(ctx, out, &size, plain.data, (int)plain.size) == 1 &&
	            EVP_EncryptFinal_ex(ctx, out + size, &rest) == 1 &&
	            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ESM_MAC_SIZE, mac) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return good && (size_t)size + (size_t)rest == plain.size;
}

static enum err seal(struct fdt_writer *t, const uint8_t master[static MASTER_SIZE], struct slice plain)
{
	uint8_t sealed[PEF_DIGESTS_MAX], mac[ESM_MAC_SIZE], iv[IV_SIZE];

	if (RAND_bytes(iv, sizeof iv) != 1 || !encrypt(master, iv, plain, sealed, mac))
		return ERR_CRYPTO;
	TRY(fdt_node(t, "digest"));
	TRY(fdt_node(t, "digests-fdt"));
	TRY(fdt_text(t, "algorithm", "AES256-GCM"));
	TRY(fdt_property(t, "ciphertext", slice_of(sealed, plain.size)));
	TRY(fdt_property(t, "iv", slice_of(iv, sizeof iv)));
	TRY(fdt_property(t, "mac", slice_of(mac, sizeof mac)));
	TRY(fdt_close(t));
	return fdt_close(t);
}

/* ---- the blob ---- */

static enum err check(const struct pef_plan *p, struct note *n)
{
	if (p->count == 0 || p->count > ESM_LOCKBOX_MAX)
		return refuse(n, ERR_INVALID, "%u recipients, not 1 to %u", (unsigned)p->count,
		              (unsigned)ESM_LOCKBOX_MAX);
	for (size_t i = 0; i < p->count; i++)
		if (EVP_PKEY_get_base_id(p->recipients[i]) != EVP_PKEY_RSA ||
		    EVP_PKEY_get_bits(p->recipients[i]) < RSA_BITS_MIN ||
		    EVP_PKEY_get_bits(p->recipients[i]) > RSA_BITS_MAX)
			return refuse(n, ERR_INVALID, "recipient %u has no RSA key of %u to %u bits", (unsigned)i + 1,
			              (unsigned)RSA_BITS_MIN, (unsigned)RSA_BITS_MAX);
	return OK;
}

static enum err blob(const struct pef_plan *p, const uint8_t master[static MASTER_SIZE], struct writer *out)
{
	uint8_t room[PEF_BLOB_MAX], plain[PEF_DIGESTS_MAX];
	struct writer digests = wr_of(plain, sizeof plain);
	struct fdt_writer t;

	TRY(write_digests(p, &digests));
	TRY(fdt_begin(&t, room, sizeof room));
	TRY(fdt_text(&t, "compatible", "ibm,esm"));
	TRY(fdt_node(&t, "lockboxes"));
	for (size_t i = 0; i < p->count; i++)
		TRY(lockbox(&t, i, p->recipients[i], master));
	TRY(fdt_close(&t));
	TRY(seal(&t, master, wr_slice(&digests)));
	return fdt_finish(&t, out);
}

enum err pef_esm_make(const struct pef_plan *p, struct writer *out, struct note *n)
{
	uint8_t master[MASTER_SIZE];
	enum err err;

	TRY(check(p, n));
	if (RAND_priv_bytes(master, sizeof master) != 1)
		return refuse(n, ERR_CRYPTO, "no randomness");
	err = blob(p, master, out);
	wipe(master, sizeof master);
	return err == OK ? OK : refuse(n, err, "the blob cannot be made: %s", err_text(err));
}

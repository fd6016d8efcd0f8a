/* SPDX-License-Identifier: Apache-2.0 */
/* A key of the tenant's for the Keep's certificate: PEM on our side, 32 bytes in the Keep, which has no use for forms.
 */
#include "client/agent/pack.h"
#include "lib/base/ct.h"
#include "sys/openssl.h"

enum { TLS_KEY_SIZE = 32 };

static enum err scalar(EVP_PKEY *key, uint8_t out[static TLS_KEY_SIZE], const char *path, struct note *n)
{
	char group[64] = "";
	BIGNUM *d = NULL;
	enum err err = OK;

	if (key == NULL)
		return refuse(n, ERR_FORMAT,
		              "%s: no private key in PEM, or one behind a passphrase, which is not asked for", path);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 ||
	    strcmp(group, "prime256v1") != 0)
		return refuse(
		        n, ERR_UNSUPPORTED,
		        "%s: the key of a Keep's certificate is on P-256; make one: broch key new --type tls FILE",
		        path);
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1 ||
	    BN_bn2binpad(d, out, TLS_KEY_SIZE) != TLS_KEY_SIZE)
		err = refuse(n, ERR_CRYPTO, "%s: the key cannot be read", path);
	BN_clear_free(d);
	return err;
}

enum err pack_tls_key(const struct config_tls *t, struct bundle *b, struct note *n)
{
	const struct config_secret from = {.source = t->key, .fd = -1};
	uint8_t bytes[TLS_KEY_SIZE];
	EVP_PKEY *key;
	struct slice pem;
	enum err err;

	TRY(secret_fetch(&from, &pem, n));
	key = openssl_read_key(pem, PEM_read_bio_PrivateKey);
	secret_drop(&pem);
	err = scalar(key, bytes, t->key, n);
	EVP_PKEY_free(key);
	if (err == OK)
		err = bundle_secret(b, SECRET_TLS_KEY, SECRET_TLS_TARGET, slice_of(bytes, sizeof bytes), n);
	wipe(bytes, sizeof bytes);
	return err;
}

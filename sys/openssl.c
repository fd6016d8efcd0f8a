/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/openssl.h"

/* OpenSSL would ask the terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

EVP_PKEY *openssl_read_key(struct slice pem, openssl_key_reader *read)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	EVP_PKEY *key;

	ERR_set_mark();
	key = bio != NULL ? read(bio, NULL, no_passphrase, NULL) : NULL;
	ERR_pop_to_mark();
	BIO_free(bio);
	return key;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Includes OpenSSL. Its types.h declares a type called ERR_STATE, which is also one of our error codes, so every file
 * that uses OpenSSL takes its headers from here.
 */
#ifndef BROCH_SYS_OPENSSL_H
#define BROCH_SYS_OPENSSL_H

#define ERR_STATE openssl_err_state
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "lib/base/slice.h"

/* PEM_read_bio_PrivateKey, PEM_read_bio_PUBKEY */
typedef EVP_PKEY *openssl_key_reader(BIO *, EVP_PKEY **, pem_password_cb *, void *);
/* A key out of PEM text; NULL: there is none, or it is behind a passphrase, which nobody is asked for. The caller's, by
 * EVP_PKEY_free. OpenSSL's errors are as they were. */
EVP_PKEY *openssl_read_key(struct slice pem, openssl_key_reader *read);

#endif

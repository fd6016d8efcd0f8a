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

#endif

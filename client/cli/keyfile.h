/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private and public keys as PEM, and other secrets, named on the command line by where they are and never by what they
 * are: a file, or "fd:N", a descriptor that this process was started with.
 */
#ifndef BROCH_CLI_KEYFILE_H
#define BROCH_CLI_KEYFILE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "sys/openssl.h"

#define KEYFILE_WHERE "FILE or fd:N"

/*
 * A private key, unencrypted. A file that others may read is refused (ERR_PERMISSION): such a key is nobody's. The
 * caller frees *out.
 */
MUST_USE enum err keyfile_private(const char *where, EVP_PKEY **out, struct note *n);
/* The public key in a PEM file: of its own, or the public part of a private one. */
MUST_USE enum err keyfile_public(const char *where, EVP_PKEY **out, struct note *n);

/* Writes the private key (PKCS #8) with mode 0600. A file that is there stays as it is (ERR_EXISTS) unless `replace`;
 * fd:N is written to as it is. */
MUST_USE enum err keyfile_save(EVP_PKEY *key, const char *where, bool replace, struct note *n);

enum { KEYFILE_SIZE_MAX = 32768 };
/* Any secret from such a place, at most KEYFILE_SIZE_MAX bytes, with the same rule about files. Wipe out afterwards. */
MUST_USE enum err keyfile_bytes(const char *where, uint8_t out[static KEYFILE_SIZE_MAX], size_t *size, struct note *n);
/* Any secret to such a place, as keyfile_save does it. */
MUST_USE enum err keyfile_write(const char *where, bool replace, struct slice secret, struct note *n);

#endif

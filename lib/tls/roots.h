/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of authorities somebody trusts, as PEM text (RFC 7468), for struct tls_trust. */
#ifndef BROCH_TLS_ROOTS_H
#define BROCH_TLS_ROOTS_H

#include "lib/base/arena.h"
#include "lib/tls/tls.h"

enum { ROOTS_MAX = 512, ROOT_SIZE_MAX = 16384 };

/*
 * Adds all there are in the text to *trust, which lives in the arena from then on. Text around the certificates is
 * ignored; anything else in PEM is an error, as is a certificate that is no authority, and a text without any. The note
 * counts certificates from 1. ERR_FORMAT, ERR_INVALID, ERR_UNSUPPORTED (its key), ERR_LIMIT, ERR_NOMEM.
 */
MUST_USE enum err roots_read(struct arena *a, struct slice pem, struct tls_trust *trust, struct note *n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* BearSSL's error codes, as what the peer and the user are told. */
#ifndef BROCH_TLS_TLS12_ERROR_H
#define BROCH_TLS_TLS12_ERROR_H

#include "lib/base/err.h"

struct tls12_error {
	enum err err;
	unsigned alert; /* to send (RFC 5246 7.2); 0: none */
	const char *words;
};

/* code is not BR_ERR_OK. */
struct tls12_error tls12_error(int code);

#endif

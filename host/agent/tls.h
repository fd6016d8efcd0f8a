/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.3 for the TCP listeners. */
#ifndef BROCH_HOST_AGENT_TLS_H
#define BROCH_HOST_AGENT_TLS_H

#include "host/agent/auth.h"

struct ssl_ctx_st;
struct ssl_st;

/* cert: a PEM chain, leaf first; key: PEM, not readable by others; client_ca: PEM, may be NULL. With client_ca a client
 * may show a certificate, which must then verify; whether one is needed is decided by the request. */
MUST_USE enum err tls_load(const char *cert, const char *key, const char *client_ca, struct ssl_ctx_st **out,
                           struct note *n);
/* Takes one. */
void tls_free(struct ssl_ctx_st *ctx);
/* After the handshake: fills *c when the client showed a certificate that verified. */
void tls_client(const struct ssl_st *ssl, struct client *c);

#endif

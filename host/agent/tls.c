/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/tls.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static enum err failed(struct note *n, const char *path, const char *what)
{
	char why[120] = "unknown reason";
	unsigned long code = ERR_peek_last_error();

	if (code != 0)
		ERR_error_string_n(code, why, sizeof why);
	ERR_clear_error();
	return refuse(n, ERR_INVALID, "%s: %s: %s", path, what, why);
}

static enum err check_readable(const char *path, unsigned forbidden, struct note *n)
{
	struct stat st;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return refuse(n, err_of_errno(errno), "%s: %s", path, strerror(errno));
	if (fstat(fileno(f), &st) != 0)
		st.st_mode = forbidden;
	fclose(f);
	if ((st.st_mode & forbidden) != 0)
		return refuse(n, ERR_PERMISSION, "%s: everybody on this machine may read this private key: chmod o= %s",
		              path, path);
	return OK;
}

static enum err load(SSL_CTX *ctx, const char *cert, const char *key, const char *client_ca, struct note *n)
{
	TRY(check_readable(cert, 0, n));
	TRY(check_readable(key, 0007, n));
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		return failed(n, "TLS", "version 1.3 is not available");
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return failed(n, cert, "not a certificate chain in PEM");
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return failed(n, key, "not a private key in PEM, or not the key of the certificate");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (client_ca == NULL)
		return OK;
	TRY(check_readable(client_ca, 0, n));
	if (SSL_CTX_load_verify_locations(ctx, client_ca, NULL) != 1)
		return failed(n, client_ca, "not certificates in PEM");
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(client_ca));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return OK;
}

enum err tls_load(const char *cert, const char *key, const char *client_ca, struct ssl_ctx_st **out, struct note *n)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum err err;

	if (ctx == NULL)
		return ERR_NOMEM;
	err = load(ctx, cert, key, client_ca, n);
	if (err != OK) {
		SSL_CTX_free(ctx);
		return err;
	}
	*out = ctx;
	return OK;
}

void tls_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}

void tls_client(const struct ssl_st *ssl, struct client *c)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	BIO *out = cert == NULL ? NULL : BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (out == NULL)
		return;
	X509_NAME_print_ex(out, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(out, &text);
	/* a subject that does not fit is nobody: cut short it could be somebody else */
	if (SSL_get_verify_result(ssl) == X509_V_OK && len > 0 && (size_t)len < sizeof c->name - 5) {
		snprintf(c->name, sizeof c->name, "cert:%.*s", (int)len, text);
		c->known = true;
	}
	BIO_free(out);
}

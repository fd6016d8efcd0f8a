/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/tls.h"

/* BearSSL counts days from year 0 of the proleptic Gregorian calendar. */
enum { DAYS_TO_1970 = 719528, SECONDS_A_DAY = 86400 };

static const uint16_t client_suites[] = {
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,       BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,       BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};
static const uint16_t server_suites[] = {
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
};

static void engine_setup(struct tls *t, const uint16_t *suites, size_t count, const char **protocols,
                         size_t protocol_count)
{
	br_ssl_engine_context *e = t->engine;

	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(e, suites, count);
	br_ssl_engine_set_default_ecdsa(e);
	br_ssl_engine_set_default_rsavrfy(e);
	br_ssl_engine_set_default_aes_gcm(e);
	br_ssl_engine_set_default_chapol(e);
	br_ssl_engine_set_hash(e, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(e, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(e, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(e, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(e, &br_tls12_sha384_prf);
	br_ssl_engine_add_flags(e, BR_OPT_NO_RENEGOTIATION | BR_OPT_FAIL_ON_ALPN_MISMATCH);
	br_ssl_engine_set_protocol_names(e, protocols, protocol_count);
	br_ssl_engine_set_buffers_bidi(e, t->in, sizeof t->in, t->out, sizeof t->out);
}

static void verifier_setup(struct tls *t, const struct tls_client_settings *s)
{
	br_x509_minimal_init(&t->x509, &br_sha256_vtable, s->roots, s->root_count);
	br_x509_minimal_set_hash(&t->x509, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&t->x509, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&t->x509, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(&t->x509, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(&t->x509, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_time(&t->x509, (uint32_t)(s->now_s / SECONDS_A_DAY) + DAYS_TO_1970,
	                         (uint32_t)(s->now_s % SECONDS_A_DAY));
	br_ssl_engine_set_x509(t->engine, &t->x509.vtable);
}

enum err tls_client(struct tls *t, const struct tls_client_settings *s)
{
	if (s->name == NULL || s->name[0] == 0 || strlen(s->name) > TLS_NAME_MAX || s->root_count == 0 ||
	    s->now_s / SECONDS_A_DAY > UINT32_MAX - DAYS_TO_1970)
		return ERR_INVALID;
	br_ssl_client_zero(&t->side.client);
	t->engine = &t->side.client.eng;
	engine_setup(t, client_suites, ARRAY_COUNT(client_suites), s->protocols, s->protocol_count);
	verifier_setup(t, s);
	br_ssl_engine_inject_entropy(t->engine, s->entropy, sizeof s->entropy);
	return br_ssl_client_reset(&t->side.client, s->name, 0) ? OK : ERR_CRYPTO;
}

enum err tls_server(struct tls *t, const struct tls_server_settings *s)
{
	if (s->chain_count == 0 || s->key == NULL)
		return ERR_INVALID;
	br_ssl_server_zero(&t->side.server);
	t->engine = &t->side.server.eng;
	engine_setup(t, server_suites, ARRAY_COUNT(server_suites), s->protocols, s->protocol_count);
	br_ssl_server_set_single_ec(&t->side.server, s->chain, s->chain_count, s->key, BR_KEYTYPE_SIGN, 0,
	                            br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
	br_ssl_engine_inject_entropy(t->engine, s->entropy, sizeof s->entropy);
	return br_ssl_server_reset(&t->side.server) ? OK : ERR_CRYPTO;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

enum err tls_records_in(struct tls *t, struct slice bytes, size_t *taken)
{
	size_t room;
	unsigned char *to = br_ssl_engine_recvrec_buf(t->engine, &room);

	*taken = to == NULL ? 0 : smaller(room, bytes.size);
	if (*taken == 0)
		return tls_status(t);
	memcpy(to, bytes.data, *taken);
	br_ssl_engine_recvrec_ack(t->engine, *taken);
	return tls_status(t);
}

enum err tls_records_out(struct tls *t, uint8_t *to, size_t size, size_t *given)
{
	size_t there;
	const unsigned char *from = br_ssl_engine_sendrec_buf(t->engine, &there);

	*given = from == NULL ? 0 : smaller(there, size);
	if (*given == 0)
		return tls_status(t);
	memcpy(to, from, *given);
	br_ssl_engine_sendrec_ack(t->engine, *given);
	return OK; /* also when these are the last bytes */
}

enum err tls_read(struct tls *t, uint8_t *to, size_t size, size_t *given)
{
	size_t there;
	const unsigned char *from = br_ssl_engine_recvapp_buf(t->engine, &there);

	*given = from == NULL ? 0 : smaller(there, size);
	if (*given == 0)
		return tls_status(t);
	memcpy(to, from, *given);
	br_ssl_engine_recvapp_ack(t->engine, *given);
	return OK;
}

enum err tls_write(struct tls *t, struct slice plain, size_t *taken)
{
	size_t room;
	unsigned char *to = br_ssl_engine_sendapp_buf(t->engine, &room);

	*taken = to == NULL ? 0 : smaller(room, plain.size);
	if (*taken == 0)
		return tls_status(t);
	memcpy(to, plain.data, *taken);
	br_ssl_engine_sendapp_ack(t->engine, *taken);
	br_ssl_engine_flush(t->engine, 0);
	return OK;
}

void tls_close(struct tls *t)
{
	br_ssl_engine_close(t->engine);
}

enum err tls_status(const struct tls *t)
{
	int failed = br_ssl_engine_last_error(t->engine);

	if (failed >= BR_ERR_X509_OK && failed <= BR_ERR_X509_NOT_TRUSTED)
		return ERR_AUTH;
	if (failed != BR_ERR_OK)
		return ERR_CRYPTO;
	return br_ssl_engine_current_state(t->engine) == BR_SSL_CLOSED ? ERR_CLOSED : OK;
}

const char *tls_protocol(const struct tls *t)
{
	return br_ssl_engine_get_selected_protocol((br_ssl_engine_context *)(uintptr_t)t->engine);
}

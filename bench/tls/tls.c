/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 in memory, no sockets: what one core does of handshakes and bytes at each end. lib/tls against OpenSSL with
 * the same suite (ECDHE-ECDSA-AES128-GCM-SHA256), the same kind of certificate (P-256, self-signed, its key pinned) and
 * no resumption. CPU time of the thread, by the end that used it.
 */
#include "lib/tls/certificate.h"
#include "lib/tls/tls.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HANDSHAKES = 300, PIECE = 16384, BULK = 1 << 30, CLIENT = 0, SERVER = 1 };

static uint8_t certificate[1024], pins[1][TLS_PIN_SIZE], secret[32] = {1}, point[65], wire[1 << 18];
static br_ec_private_key key = {BR_EC_secp256r1, secret, sizeof secret};
static br_x509_certificate chain = {certificate, 0};
static double spent[2]; /* seconds of CPU */

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "tls bench: %s failed\n", what);
	exit(1);
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void prepare(void)
{
	struct certificate_settings s = {
	        .key = &key, .public = point, .subject = "bench", .from_s = 1700000000, .until_s = 4000000000};
	uint8_t spki[CERTIFICATE_SPKI_SIZE];

	must(br_ec_compute_pub(br_ec_get_default(), NULL, point, &key) == sizeof point, "key");
	must(certificate_make(&s, certificate, sizeof certificate, &chain.data_len) == OK, "certificate");
	certificate_spki(point, spki);
	SHA256(spki, sizeof spki, pins[0]);
}

/* ---- lib/tls ---- */

static const struct tls_version *const v = &tls_1_2;
static struct tls *ours[2];

static void ours_begin(void)
{
	struct tls_client_settings c = {.name = "bench",
	                                .trust = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .pin_count = 1}};
	struct tls_server_settings s = {.identity = {&chain, 1, &key}};
	double at = cpu();

	must(v->client(ours[CLIENT], &c) == OK, "client");
	spent[CLIENT] += cpu() - at;
	at = cpu();
	must(v->server(ours[SERVER], &s) == OK, "server");
	spent[SERVER] += cpu() - at;
}

static size_t ours_move(int from)
{
	double at = cpu();
	size_t given, taken;

	must(v->records_out(ours[from], wire, sizeof wire, &given) == OK || given == 0, "records");
	spent[from] += cpu() - at;
	at = cpu();
	for (size_t done = 0; done < given; done += taken)
		must(v->records_in(ours[1 - from], slice_of(wire + done, given - done), &taken) == OK && taken > 0,
		     "records");
	spent[1 - from] += cpu() - at;
	return given;
}

static void ours_handshake(void)
{
	ours_begin();
	while (ours_move(CLIENT) + ours_move(SERVER) > 0)
		;
	must(v->facts(ours[CLIENT]).established && v->facts(ours[SERVER]).established, "handshake");
}

static void ours_piece(const uint8_t *plain, uint8_t *out)
{
	for (size_t done = 0, taken, got; done < PIECE; done += taken) {
		double at = cpu();

		must(v->write(ours[CLIENT], slice_of(plain + done, PIECE - done), &taken) == OK && taken > 0, "write");
		spent[CLIENT] += cpu() - at;
		ours_move(CLIENT);
		at = cpu();
		for (size_t heard = 0; heard < taken; heard += got)
			must(v->read(ours[SERVER], out, PIECE, &got) == OK && got > 0, "read");
		spent[SERVER] += cpu() - at;
	}
}

/* ---- OpenSSL ---- */

static SSL_CTX *contexts[2];
static SSL *theirs[2];

static void theirs_prepare(void)
{
	const uint8_t *at = certificate;
	X509 *x = d2i_X509(NULL, &at, (long)chain.data_len);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *d = BN_bin2bn(secret, sizeof secret, NULL);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *k = NULL;

	must(OSSL_PARAM_BLD_push_utf8_string(b, "group", "P-256", 0) && OSSL_PARAM_BLD_push_BN(b, "priv", d) &&
	             OSSL_PARAM_BLD_push_octet_string(b, "pub", point, sizeof point) &&
	             EVP_PKEY_fromdata_init(c) == 1 &&
	             EVP_PKEY_fromdata(c, &k, EVP_PKEY_KEYPAIR, OSSL_PARAM_BLD_to_param(b)) == 1,
	     "OpenSSL's key");
	contexts[CLIENT] = SSL_CTX_new(TLS_client_method());
	contexts[SERVER] = SSL_CTX_new(TLS_server_method());
	for (int i = 0; i < 2; i++) {
		SSL_CTX_set_max_proto_version(contexts[i], TLS1_2_VERSION);
		SSL_CTX_set_cipher_list(contexts[i], "ECDHE-ECDSA-AES128-GCM-SHA256");
		SSL_CTX_set1_groups_list(contexts[i], "P-256");
		SSL_CTX_set_options(contexts[i], SSL_OP_NO_TICKET);
		SSL_CTX_set_session_cache_mode(contexts[i], SSL_SESS_CACHE_OFF);
	}
	must(SSL_CTX_use_certificate(contexts[SERVER], x) == 1 && SSL_CTX_use_PrivateKey(contexts[SERVER], k) == 1,
	     "OpenSSL's certificate");
	X509_free(x);
	EVP_PKEY_free(k);
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_BLD_free(b);
	BN_free(d);
}

static void theirs_step(int who, int (*step)(SSL *))
{
	double at = cpu();
	int got;

	(void)step(theirs[who]);
	spent[who] += cpu() - at;
	while ((got = BIO_read(SSL_get_wbio(theirs[who]), wire, sizeof wire)) > 0)
		must(BIO_write(SSL_get_rbio(theirs[1 - who]), wire, got) == got, "BIO");
}

static void theirs_handshake(void)
{
	for (int i = 0; i < 2; i++) {
		double at = cpu();

		SSL_free(theirs[i]);
		theirs[i] = SSL_new(contexts[i]);
		SSL_set_bio(theirs[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		spent[i] += cpu() - at;
	}
	SSL_set_connect_state(theirs[CLIENT]);
	SSL_set_accept_state(theirs[SERVER]);
	for (int i = 0; i < 4; i++) {
		theirs_step(CLIENT, SSL_do_handshake);
		theirs_step(SERVER, SSL_do_handshake);
	}
	must(SSL_is_init_finished(theirs[CLIENT]) && SSL_is_init_finished(theirs[SERVER]), "OpenSSL's handshake");
}

static void theirs_piece(const uint8_t *plain, uint8_t *out)
{
	double at = cpu();
	int size;

	must(SSL_write(theirs[CLIENT], plain, PIECE) == PIECE, "SSL_write");
	spent[CLIENT] += cpu() - at;
	size = BIO_read(SSL_get_wbio(theirs[CLIENT]), wire, sizeof wire);
	must(size > 0 && BIO_write(SSL_get_rbio(theirs[SERVER]), wire, size) == size, "BIO");
	at = cpu();
	must(SSL_read(theirs[SERVER], out, PIECE) == PIECE, "SSL_read");
	spent[SERVER] += cpu() - at;
}

/* ---- both ---- */

static void measure(const char *name, void (*handshake)(void), void (*piece)(const uint8_t *, uint8_t *))
{
	static uint8_t plain[PIECE], out[PIECE];

	handshake();
	spent[CLIENT] = spent[SERVER] = 0;
	for (int i = 0; i < HANDSHAKES; i++)
		handshake();
	printf("%-8s handshake: client %6.3f ms, server %6.3f ms of CPU\n", name, spent[CLIENT] / HANDSHAKES * 1e3,
	       spent[SERVER] / HANDSHAKES * 1e3);
	spent[CLIENT] = spent[SERVER] = 0;
	for (long done = 0; done < BULK; done += PIECE)
		piece(plain, out);
	must(memcmp(plain, out, PIECE) == 0, "the same bytes");
	printf("%-8s bulk:      sealing %5.0f MB/s, opening %5.0f MB/s\n", name, BULK / spent[CLIENT] / 1e6,
	       BULK / spent[SERVER] / 1e6);
}

int main(void)
{
	prepare();
	for (int i = 0; i < 2; i++) {
		ours[i] = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
		must(ours[i] != NULL, "memory");
	}
	theirs_prepare();
	measure("lib/tls", ours_handshake, ours_piece);
	measure("OpenSSL", theirs_handshake, theirs_piece);
	return 0;
}

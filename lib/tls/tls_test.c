/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends in memory; the certificates are OpenSSL's, so that the verifier reads what it did not write. */
#define ERR_STATE OPENSSL_ERR_STATE /* its name for a type, ours for an error */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "lib/tls/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOW = 1700000000, DAY = 86400, CERT_MAX = 1024 };

static const struct tls_version *const v = &tls_1_2;
static struct tls *client, *server;

struct party { /* a certificate with its key */
	EVP_PKEY *key;
	X509 *cert;
	uint8_t name[128], point[65], secret[32], der[CERT_MAX], pin[TLS_PIN_SIZE];
	br_x509_trust_anchor root;
	br_x509_certificate chain;
	br_ec_private_key private;
	struct tls_identity identity;
};

struct recipe { /* what is said in a certificate; NULL: nothing */
	const char *san, *constraints, *usage, *extended;
	const struct party *by;
	bool damaged; /* a signature that does not fit */
};

static struct party root, other_root, leaf, visitor;

static void extend(X509 *c, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, c, c, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(c, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *certificate(const char *cn, const struct recipe *r, EVP_PKEY *key)
{
	X509 *c = X509_new();

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	ASN1_TIME_set(X509_getm_notBefore(c), NOW - DAY);
	ASN1_TIME_set(X509_getm_notAfter(c), NOW + DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c, r->by == NULL ? X509_get_subject_name(c) : X509_get_subject_name(r->by->cert));
	X509_set_pubkey(c, key);
	extend(c, NID_basic_constraints, r->constraints);
	extend(c, NID_subject_alt_name, r->san);
	extend(c, NID_key_usage, r->usage);
	extend(c, NID_ext_key_usage, r->extended);
	assert_true(X509_sign(c, r->by == NULL ? key : r->by->key, EVP_sha256()) > 0);
	return c;
}

static void export(struct party *p)
{
	BIGNUM *d = NULL;
	size_t size;

	assert_int_equal(EVP_PKEY_get_bn_param(p->key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	BN_bn2binpad(d, p->secret, sizeof p->secret);
	BN_free(d);
	assert_int_equal(
	        EVP_PKEY_get_octet_string_param(p->key, OSSL_PKEY_PARAM_PUB_KEY, p->point, sizeof p->point, &size), 1);
	p->private = (br_ec_private_key){BR_EC_secp256r1, p->secret, sizeof p->secret};
}

static void party_make(struct party *p, const char *cn, const struct recipe *r)
{
	uint8_t *at = p->name, *spki = NULL;
	int spki_size;

	if (p->key == NULL)
		p->key = EVP_EC_gen("P-256");
	X509_free(p->cert);
	p->cert = certificate(cn, r, p->key);
	export(p);
	p->root = (br_x509_trust_anchor){.flags = BR_X509_TA_CA, .pkey.key_type = BR_KEYTYPE_EC};
	p->root.dn.len = (size_t)i2d_X509_NAME(X509_get_subject_name(p->cert), &at);
	p->root.dn.data = p->name;
	p->root.pkey.key.ec = (br_ec_public_key){BR_EC_secp256r1, p->point, sizeof p->point};
	at = p->der;
	assert_true(i2d_X509(p->cert, NULL) <= CERT_MAX);
	p->chain = (br_x509_certificate){p->der, (size_t)i2d_X509(p->cert, &at)};
	if (r->damaged)
		p->der[p->chain.data_len - 1] ^= 1;
	p->identity = (struct tls_identity){&p->chain, 1, &p->private};
	spki_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(p->cert), &spki);
	assert_true(EVP_Digest(spki, (size_t)spki_size, p->pin, NULL, EVP_sha256(), NULL));
	OPENSSL_free(spki);
}

static void party_drop(struct party *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
}

static const struct recipe authority = {.constraints = "critical,CA:TRUE"};

static void leaf_right(void)
{
	party_make(&leaf, "leaf", &(struct recipe){.san = "DNS:keep.example", .by = &root});
}

static int setup(void **state)
{
	(void)state;
	client = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
	server = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
	party_make(&root, "Test root", &authority);
	party_make(&other_root, "Test root", &authority);
	leaf_right();
	party_make(&visitor, "visitor", &(struct recipe){.by = &root});
	return client == NULL || server == NULL;
}

static int teardown(void **state)
{
	(void)state;
	party_drop(&root);
	party_drop(&other_root);
	party_drop(&leaf);
	party_drop(&visitor);
	free(client);
	free(server);
	return 0;
}

/* ---- two ends and a wire ---- */

struct ends {
	const char *name, *offer; /* NULL: the right ones; offer "": none */
	uint64_t now;
	const struct party *trusted; /* NULL: root */
	bool no_roots;
	const uint8_t (*pins)[TLS_PIN_SIZE];
	const struct tls_identity *identity;
	const struct tls_trust *clients;
};

static struct tls_client_settings client_settings(const struct ends *e)
{
	static const char *mine[1];

	mine[0] = e->offer != NULL ? e->offer : "http/1.1";
	return (struct tls_client_settings){.name = e->name != NULL ? e->name : "keep.example",
	                                    .trust = {.roots = e->trusted != NULL ? &e->trusted->root : &root.root,
	                                              .root_count = e->no_roots ? 0 : 1,
	                                              .pins = e->pins,
	                                              .pin_count = e->pins != NULL ? 1 : 0,
	                                              .now_s = e->now != 0 ? e->now : NOW},
	                                    .identity = e->identity,
	                                    .protocols = {mine, mine[0][0] != 0 ? 1 : 0},
	                                    .entropy = {1}};
}

static void start(const struct ends *e)
{
	static const char *theirs[] = {"http/1.1"};
	struct tls_client_settings c = client_settings(e);
	struct tls_server_settings s = {
	        .identity = leaf.identity, .clients = e->clients, .protocols = {theirs, 1}, .entropy = {2}};

	assert_int_equal(v->client(client, &c), OK);
	assert_int_equal(v->server(server, &s), OK);
}

/* How many of these bytes it takes until it waits for something else. */
static size_t feed(struct tls *to, const uint8_t *bytes, size_t size)
{
	size_t at = 0, taken;

	while (at < size && v->records_in(to, slice_of(bytes + at, size - at), &taken) == OK && taken > 0)
		at += taken;
	return at;
}

/* Moves bytes one way, a few at a time; flip is the byte to damage, counted from here, or -1. */
static size_t move(struct tls *from, struct tls *to, int flip)
{
	uint8_t part[100];
	size_t given, total = 0;

	while (v->records_out(from, part, sizeof part, &given) == OK && given > 0) {
		if (flip >= 0 && (size_t)flip >= total && (size_t)flip < total + given)
			part[(size_t)flip - total] ^= 1;
		total += given;
		if (feed(to, part, given) < given)
			break;
	}
	return total;
}

static void pump(void)
{
	while (move(client, server, -1) + move(server, client, -1) > 0)
		;
}

/* One word each way: the connection works. */
static void talk(void)
{
	uint8_t got[16];
	size_t n;

	assert_int_equal(v->write(client, slice_text("hello"), &n), OK);
	assert_int_equal(n, 5);
	pump();
	assert_int_equal(v->read(server, got, sizeof got, &n), OK);
	assert_true(slice_is(slice_of(got, n), "hello"));
	assert_int_equal(v->write(server, slice_text("you"), &n), OK);
	pump();
	assert_int_equal(v->read(client, got, sizeof got, &n), OK);
	assert_true(slice_is(slice_of(got, n), "you"));
}

/* One end refuses with this alert, and the other learns it. */
static void refused(struct tls *by, struct tls *peer, enum err err, unsigned alert)
{
	size_t n;

	pump();
	assert_int_equal(v->status(by), err);
	assert_int_equal(v->facts(by).alert, alert);
	assert_non_null(v->facts(by).why);
	assert_false(v->facts(by).established);
	assert_int_equal(v->status(peer), ERR_CRYPTO);
	assert_int_equal(v->facts(peer).peers_alert, alert);
	assert_int_equal(v->write(by, slice_text("secret"), &n), err);
	assert_int_equal(n, 0);
	assert_int_equal(v->read(peer, (uint8_t[8]){0}, 8, &n), ERR_CRYPTO);
	assert_int_equal(n, 0);
}

/* ---- tests ---- */

static void plaintext_travels_and_the_end_is_seen(void **state)
{
	(void)state;
	start(&(struct ends){0});
	assert_false(v->facts(client).established);
	pump();
	assert_int_equal(v->status(client), OK);
	assert_true(v->facts(client).established && v->facts(server).established);
	assert_string_equal(v->facts(client).protocol, "http/1.1");
	assert_string_equal(v->facts(server).name, "keep.example");
	assert_memory_equal(v->facts(client).pin, leaf.pin, sizeof leaf.pin);
	assert_true(slice_equal(v->facts(client).peer, slice_of(leaf.der, leaf.chain.data_len)));
	assert_int_equal(v->facts(server).peer.size, 0);
	talk();
	v->close(client);
	pump();
	assert_int_equal(v->status(client), ERR_CLOSED);
	assert_int_equal(v->status(server), ERR_CLOSED);
	assert_int_equal(v->wire_ended(server), ERR_CLOSED);
	assert_null(v->facts(server).why);
}

static void a_false_certificate_is_refused_with_its_alert(void **state)
{
	const struct {
		struct ends ends;
		unsigned alert;
	} rows[] = {{{.name = "other.example"}, 42}, {{.name = "keep.example.org"}, 42},
	            {{.trusted = &other_root}, 48}, /* the name of our root, but another key */
	            {{.trusted = &visitor}, 48},     {{.now = NOW + 2 * DAY}, 45},
	            {{.now = NOW - 2 * DAY}, 45}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		start(&rows[i].ends);
		refused(client, server, ERR_AUTH, rows[i].alert);
	}
}

static void a_certificate_for_another_use_is_refused(void **state)
{
	static const struct {
		const char *usage, *extended;
		unsigned alert; /* 0: taken */
	} rows[] = {{NULL, "clientAuth", 43},
	            {NULL, "codeSigning", 43},
	            {"critical,keyAgreement", NULL, 43},
	            {"critical,digitalSignature", "clientAuth,serverAuth", 0},
	            {"digitalSignature", "anyExtendedKeyUsage", 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		party_make(&leaf, "leaf",
		           &(struct recipe){.san = "DNS:keep.example",
		                            .by = &root,
		                            .usage = rows[i].usage,
		                            .extended = rows[i].extended});
		start(&(struct ends){0});
		if (rows[i].alert != 0) {
			refused(client, server, ERR_AUTH, rows[i].alert);
			continue;
		}
		pump();
		talk();
	}
	leaf_right();
}

/* Between root and leaf stands one more. */
static void between(const struct recipe *middle, bool damaged, unsigned alert)
{
	br_x509_certificate chain[2];

	party_make(&visitor, "middle", middle);
	party_make(&leaf, "leaf", &(struct recipe){.san = "DNS:keep.example", .by = &visitor, .damaged = damaged});
	chain[0] = leaf.chain;
	chain[1] = visitor.chain;
	leaf.identity.chain = chain;
	leaf.identity.chain_count = 2;
	start(&(struct ends){0});
	if (alert == 0) {
		pump();
		talk();
	} else {
		refused(client, server, ERR_AUTH, alert);
	}
	leaf_right();
}

static void each_link_of_the_chain_counts(void **state)
{
	(void)state;
	between(&(struct recipe){.by = &root, .constraints = "critical,CA:TRUE"}, false, 0);
	between(&(struct recipe){.by = &root, .constraints = "critical,CA:TRUE"}, true, 42);
	between(&(struct recipe){.by = &root}, false, 42); /* it may not sign others */
	between(&(struct recipe){.by = &root, .constraints = "critical,CA:TRUE", .usage = "digitalSignature"}, false,
	        43);
	between(&(struct recipe){.by = &other_root, .constraints = "critical,CA:TRUE"}, false, 48);
	between(&(struct recipe){.by = &root, .constraints = "critical,CA:TRUE", .damaged = true}, false, 48);
}

static void no_common_protocol_ends_it(void **state)
{
	(void)state;
	start(&(struct ends){.offer = "h2"});
	pump();
	assert_int_equal(v->status(server), ERR_CRYPTO);
	assert_int_equal(v->facts(server).alert, 120); /* RFC 7301 3.2 */
	assert_int_equal(v->facts(client).peers_alert, 120);
	start(&(struct ends){.offer = ""});
	pump();
	assert_null(v->facts(client).protocol);
	talk();
}

static void a_damaged_record_ends_it(void **state)
{
	uint8_t got[16];
	size_t n;

	(void)state;
	for (int at = 5; at < 5 + 8 + 5 + 16; at++) { /* RFC 5288: header, nonce, text, tag */
		start(&(struct ends){0});
		pump();
		assert_int_equal(v->write(client, slice_text("hello"), &n), OK);
		move(client, server, at);
		assert_int_equal(v->read(server, got, sizeof got, &n), ERR_CRYPTO);
		assert_int_equal(n, 0);
		pump();
		assert_int_equal(v->facts(client).peers_alert, 20); /* sealed, like any record by now */
	}
}

/* What waited to be sent when it failed is sent, and the alert behind it. */
static void the_alert_stands_behind_what_waited(void **state)
{
	uint8_t part[100], got[16];
	size_t n, size, at;

	(void)state;
	start(&(struct ends){0});
	pump();
	assert_int_equal(v->write(server, slice_text("answer"), &n), OK);
	assert_int_equal(v->records_out(server, part, 7, &n), OK); /* not all of it */
	assert_int_equal(feed(client, part, n), 7);
	assert_int_equal(v->write(client, slice_text("hello"), &n), OK);
	move(client, server, 20);
	assert_int_equal(v->status(server), ERR_CRYPTO);
	assert_int_equal(v->records_out(server, part, sizeof part, &size), OK);
	at = feed(client, part, size);
	assert_true(at < size);
	assert_int_equal(v->read(client, got, sizeof got, &n), OK);
	assert_true(slice_is(slice_of(got, n), "answer"));
	feed(client, part + at, size - at);
	assert_int_equal(v->facts(client).peers_alert, 20);
}

/* The certificate is good, but whoever shows it has not its key: the signature over the key exchange is false. */
static void a_certificate_without_its_key_is_refused(void **state)
{
	(void)state;
	leaf.secret[31] ^= 1;
	start(&(struct ends){0});
	refused(client, server, ERR_CRYPTO, 51);
	leaf.secret[31] ^= 1;
}

/* A handshake that somebody changes: byte 9 of the ClientHello's record is its version, 3.3 becomes 3.2. */
static void a_downgrade_is_refused(void **state)
{
	(void)state;
	start(&(struct ends){0});
	move(client, server, 10);
	pump();
	assert_int_equal(v->status(server), ERR_CRYPTO);
	assert_int_equal(v->facts(server).alert, 70);
	assert_int_not_equal(v->status(client), OK);

	start(&(struct ends){0}); /* the server's choice */
	move(client, server, -1);
	move(server, client, 10);
	pump();
	assert_int_equal(v->facts(client).alert, 70);
	assert_int_equal(v->facts(server).peers_alert, 70);
}

/* A byte of the client's random changes: only the end of the handshake can show it. */
static void a_changed_handshake_is_noticed(void **state)
{
	(void)state;
	start(&(struct ends){0});
	move(client, server, 15);
	pump();
	assert_int_equal(v->status(client), ERR_CRYPTO);
	assert_int_equal(v->facts(client).alert, 51);
	assert_false(v->facts(server).established);
}

/* A wire that is cut before close_notify never looks like an end. */
static void a_cut_is_not_an_end(void **state)
{
	uint8_t out[256];
	size_t given, taken;

	(void)state;
	start(&(struct ends){0});
	pump();
	v->close(client);
	assert_int_equal(v->records_out(client, out, sizeof out, &given), OK);
	assert_true(given > 1);
	for (size_t at = 0; at < given - 1; at += taken) {
		assert_int_equal(v->records_in(server, slice_of(out + at, 1), &taken), OK);
		assert_int_equal(taken, 1);
	}
	assert_int_equal(v->wire_ended(server), ERR_TRUNCATED);
	assert_int_equal(v->status(server), ERR_TRUNCATED);
	assert_non_null(v->facts(server).why);
}

/* Before the handshake is over anybody on the way can say close_notify: it is no end that the peer meant. */
static void close_in_clear(struct tls *to)
{
	static const uint8_t close_notify[] = {21, 3, 3, 0, 2, 1, 0};
	uint8_t answer[512];
	size_t given, n;

	assert_int_equal(feed(to, close_notify, sizeof close_notify), sizeof close_notify);
	while (v->records_out(to, answer, sizeof answer, &given) == OK && given > 0)
		;
	assert_int_equal(v->status(to), ERR_TRUNCATED);
	assert_int_equal(v->read(to, answer, sizeof answer, &n), ERR_TRUNCATED);
	assert_non_null(v->facts(to).why);
	assert_false(v->facts(to).established);
}

static void an_end_in_clear_is_not_an_end(void **state)
{
	(void)state;
	start(&(struct ends){0});
	close_in_clear(client);
	start(&(struct ends){0});
	close_in_clear(server);
	start(&(struct ends){0});
	assert_true(move(client, server, -1) > 0);
	close_in_clear(server);
	start(&(struct ends){0});
	assert_true(move(client, server, -1) > 0 && move(server, client, -1) > 0);
	close_in_clear(client);
}

static void settings_without_a_check_are_refused(void **state)
{
	struct tls_client_settings c = client_settings(&(struct ends){.name = ""});
	struct tls_server_settings s = {.identity = leaf.identity};
	const struct tls_trust nobody = {.now_s = NOW};

	(void)state;
	assert_int_equal(v->client(client, &c), ERR_INVALID);
	c = client_settings(&(struct ends){.no_roots = true});
	assert_int_equal(v->client(client, &c), ERR_INVALID);
	s.clients = &nobody;
	assert_int_equal(v->server(server, &s), ERR_INVALID);
	s = (struct tls_server_settings){.identity = {.key = &leaf.private}};
	assert_int_equal(v->server(server, &s), ERR_INVALID);
}

/* ---- pins ---- */

static void a_pin_is_demanded_too(void **state)
{
	const uint8_t right[1][TLS_PIN_SIZE] = {{0}};
	uint8_t pins[1][TLS_PIN_SIZE];

	(void)state;
	memcpy(pins[0], leaf.pin, sizeof leaf.pin);
	start(&(struct ends){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins});
	pump();
	talk();
	start(&(struct ends){.pins = right});
	refused(client, server, ERR_AUTH, 46);
	start(&(struct ends){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .name = "other.example"});
	refused(client, server, ERR_AUTH, 42);
}

static void a_pin_alone_believes_that_key_only(void **state)
{
	uint8_t pins[1][TLS_PIN_SIZE];

	(void)state;
	party_make(&leaf, "a Keep", &(struct recipe){0}); /* signed by itself, for no name */
	memcpy(pins[0], leaf.pin, sizeof leaf.pin);
	start(&(struct ends){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .no_roots = true, .now = NOW + 9 * DAY});
	pump();
	talk();
	pins[0][31] ^= 1;
	start(&(struct ends){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .no_roots = true});
	refused(client, server, ERR_AUTH, 46);
	pins[0][31] ^= 1;
	leaf.secret[31] ^= 1; /* the certificate alone is not enough */
	start(&(struct ends){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .no_roots = true});
	refused(client, server, ERR_CRYPTO, 51);
	leaf_right();
}

/* ---- client certificates ---- */

static void a_client_is_known_by_its_certificate(void **state)
{
	const struct tls_trust ours = {.roots = &root.root, .root_count = 1, .now_s = NOW};

	(void)state;
	party_make(&visitor, "visitor", &(struct recipe){.by = &root, .extended = "clientAuth"});
	start(&(struct ends){.clients = &ours, .identity = &visitor.identity});
	pump();
	talk();
	assert_memory_equal(v->facts(server).pin, visitor.pin, sizeof visitor.pin);
	start(&(struct ends){.identity = &visitor.identity}); /* nobody asks */
	pump();
	talk();
	assert_int_equal(v->facts(server).peer.size, 0);
}

static void a_client_without_a_good_certificate_is_refused(void **state)
{
	const struct tls_trust ours = {.roots = &root.root, .root_count = 1, .now_s = NOW};
	const struct tls_trust late = {.roots = &root.root, .root_count = 1, .now_s = NOW + 2 * DAY};
	const struct tls_trust early = {.roots = &root.root, .root_count = 1, .now_s = NOW - 2 * DAY};
	const struct tls_trust theirs = {.roots = &leaf.root, .root_count = 1, .now_s = NOW};

	(void)state;
	start(&(struct ends){.clients = &ours});
	refused(server, client, ERR_AUTH, 40);
	party_make(&visitor, "visitor", &(struct recipe){.by = &root});
	start(&(struct ends){.clients = &late, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 45);
	start(&(struct ends){.clients = &early, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 45);
	start(&(struct ends){.clients = &theirs, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 48);
	party_make(&visitor, "visitor", &(struct recipe){.by = &root, .extended = "serverAuth"});
	start(&(struct ends){.clients = &ours, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 43);
	party_make(&visitor, "visitor", &(struct recipe){.by = &root, .usage = "critical,keyAgreement"});
	start(&(struct ends){.clients = &ours, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 43);
	party_make(&visitor, "visitor", &(struct recipe){.by = &other_root}); /* the name of our root, but another key */
	start(&(struct ends){.clients = &ours, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 48);
	party_make(&visitor, "visitor", &(struct recipe){.by = &root, .damaged = true}); /* looks the same */
	start(&(struct ends){.clients = &ours, .identity = &visitor.identity});
	refused(server, client, ERR_AUTH, 48);
	party_make(&visitor, "visitor", &(struct recipe){.by = &root});
	visitor.secret[31] ^= 1;
	start(&(struct ends){.clients = &ours, .identity = &visitor.identity});
	refused(server, client, ERR_CRYPTO, 51);
}

/* As two Keeps do it. */
static void both_ends_are_pinned(void **state)
{
	uint8_t mine[1][TLS_PIN_SIZE], theirs[1][TLS_PIN_SIZE];
	struct tls_trust clients = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])theirs, .pin_count = 1};
	struct ends ends = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])mine,
	                    .no_roots = true,
	                    .identity = &visitor.identity,
	                    .clients = &clients};

	(void)state;
	party_make(&leaf, "a Keep", &(struct recipe){0});
	party_make(&visitor, "another", &(struct recipe){0});
	memcpy(mine[0], leaf.pin, sizeof leaf.pin);
	memcpy(theirs[0], visitor.pin, sizeof visitor.pin);
	start(&ends);
	pump();
	talk();
	assert_memory_equal(v->facts(server).pin, visitor.pin, sizeof visitor.pin);
	theirs[0][0] ^= 1;
	start(&ends);
	refused(server, client, ERR_AUTH, 46);
	theirs[0][0] ^= 1;
	ends.identity = NULL;
	start(&ends);
	refused(server, client, ERR_AUTH, 40);
	leaf_right();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(plaintext_travels_and_the_end_is_seen),
	        cmocka_unit_test(a_false_certificate_is_refused_with_its_alert),
	        cmocka_unit_test(a_certificate_for_another_use_is_refused),
	        cmocka_unit_test(each_link_of_the_chain_counts),
	        cmocka_unit_test(no_common_protocol_ends_it),
	        cmocka_unit_test(a_damaged_record_ends_it),
	        cmocka_unit_test(the_alert_stands_behind_what_waited),
	        cmocka_unit_test(a_certificate_without_its_key_is_refused),
	        cmocka_unit_test(a_downgrade_is_refused),
	        cmocka_unit_test(a_changed_handshake_is_noticed),
	        cmocka_unit_test(a_cut_is_not_an_end),
	        cmocka_unit_test(an_end_in_clear_is_not_an_end),
	        cmocka_unit_test(settings_without_a_check_are_refused),
	        cmocka_unit_test(a_pin_is_demanded_too),
	        cmocka_unit_test(a_pin_alone_believes_that_key_only),
	        cmocka_unit_test(a_client_is_known_by_its_certificate),
	        cmocka_unit_test(a_client_without_a_good_certificate_is_refused),
	        cmocka_unit_test(both_ends_are_pinned),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

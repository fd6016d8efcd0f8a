/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/tls on sockets, to try it against other people's TLS, and a stand-in for a Keep that listens.
 *
 *   peer server CERT.PEM OPTION...     makes a certificate, prints port and pin, serves until killed
 *   peer client HOST PORT NAME OPTION...   sends standard input, prints what comes, says how it ended
 *   peer pin key=WORDS                 prints the pin of that key
 *
 * For both: key=WORDS (the key comes from them; else it is random), names=N,N, alpn=A,B. For a server: port=N, pins=HEX
 * (of clients), client-roots=FILE, other-key (it signs with another one), echo (answers with what came, else with
 * HTTP), and for evidence of the stand-in in the certificate soft=STATE image=ELF manifest=HEX. For a client:
 * roots=FILE, pin=HEX, identity (it shows a certificate when it is asked).
 */
#include "host/tee/tee.h"
#include "lib/attest/dice.h"
#include "lib/attest/envelope.h"
#include "lib/base/hex.h"
#include "lib/tls/certificate.h"
#include "lib/tls/roots.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ARENA = 8 << 20, LIST_MAX = 4, BUFFER = 32768 };

static const struct tls_version *const v = &tls_1_2;
static struct arena arena;
static char **options;

struct own {
	uint8_t secret[32], point[65], der[CERTIFICATE_SPKI_SIZE + 65536], pin[1][TLS_PIN_SIZE];
	br_ec_private_key key;
	br_x509_certificate chain;
	struct tls_identity identity;
};

static void must(bool good, const char *what, const struct note *n)
{
	if (good)
		return;
	fprintf(stderr, "peer: %s: %s\n", what, n != NULL && n->text[0] != 0 ? n->text : strerror(errno));
	exit(2);
}

static const char *option(const char *name)
{
	const size_t size = strlen(name);

	for (char **o = options; *o != NULL; o++)
		if (strncmp(*o, name, size) == 0 && ((*o)[size] == '=' || (*o)[size] == 0))
			return *o + size + ((*o)[size] == '=');
	return NULL;
}

static size_t list(const char *name, const char *out[LIST_MAX])
{
	const char *value = option(name);
	char *copy = value != NULL ? strdup(value) : NULL, *rest = copy;
	size_t count = 0;

	for (char *one; rest != NULL && count < LIST_MAX && (one = strsep(&rest, ",")) != NULL;)
		out[count++] = one;
	return count;
}

static struct slice whole_file(const char *path)
{
	struct slice bytes;
	struct note n = {""};

	must(file_read(path, 16 << 20, &bytes, &n) == OK, path, &n);
	return bytes;
}

static void trust_of(struct tls_trust *t, const char *roots, const char *pin, uint8_t room[1][TLS_PIN_SIZE])
{
	struct note n = {""};

	t->now_s = (uint64_t)time(NULL);
	if (roots != NULL)
		must(roots_read(&arena, whole_file(roots), t, &n) == OK, roots, &n);
	if (pin != NULL) {
		must(hex_decode(slice_text(pin), room[0], TLS_PIN_SIZE) == OK, "a pin is 64 hex digits", NULL);
		t->pins = (const uint8_t(*)[TLS_PIN_SIZE])room;
		t->pin_count = 1;
	}
}

/* ---- own key and certificate ---- */

static struct slice soft_evidence(const struct own *o)
{
	static uint8_t envelope[ENVELOPE_SIZE_MAX], value[2 * ENVELOPE_SIZE_MAX];
	uint8_t claims[DICE_CLAIMS_MAX], report[64] = {0}, manifest[32];
	size_t claims_size, size = 0;
	struct note n = {""};
	struct tee *t = NULL;
	struct plan plan;

	must(option("manifest") != NULL && hex_decode(slice_text(option("manifest")), manifest, 32) == OK, "manifest",
	     NULL);
	must(dice_claims_write(o->pin[0], manifest, claims, &claims_size) == OK, "claims", NULL);
	SHA256(claims, claims_size, report);
	must(plan_build(&arena, whole_file(option("image")), (struct plan_params){BOOT_VM, BOOT_TEE_SOFT, 1}, &plan,
	                &n) == OK,
	     "image", &n);
	must(tee_soft_snp.open(option("soft"), &t, &n) == OK && tee_soft_snp.launched(t, &plan, &n) == OK &&
	             tee_soft_snp.evidence(t, report, envelope, sizeof envelope, &size, &n) == OK,
	     "evidence", &n);
	tee_soft_snp.close(t);
	must(dice_evidence_write(slice_of(envelope, size), slice_of(claims, claims_size), value, sizeof value, &size) ==
	             OK,
	     "evidence", NULL);
	return slice_of(value, size);
}

static void key_make(struct own *o)
{
	uint8_t spki[CERTIFICATE_SPKI_SIZE];

	if (option("key") != NULL)
		SHA256((const uint8_t *)option("key"), strlen(option("key")), o->secret);
	else
		must(RAND_bytes(o->secret, sizeof o->secret) == 1, "random bytes", NULL);
	o->secret[0] &= 0x7f; /* below the order, whatever the rest is */
	o->key = (br_ec_private_key){BR_EC_secp256r1, o->secret, sizeof o->secret};
	must(br_ec_compute_pub(br_ec_get_default(), NULL, o->point, &o->key) == sizeof o->point, "key", NULL);
	certificate_spki(o->point, spki);
	SHA256(spki, sizeof spki, o->pin[0]);
}

static void own_make(struct own *o)
{
	const char *names[LIST_MAX];
	struct certificate_settings s = {.key = &o->key, .public = o->point, .subject = "peer", .names = names};
	size_t size;

	key_make(o);
	s.name_count = list("names", names);
	s.from_s = (uint64_t)time(NULL) - 60;
	s.until_s = s.from_s + 86400;
	if (option("soft") != NULL)
		s.evidence = soft_evidence(o);
	must(certificate_make(&s, o->der, sizeof o->der, &size) == OK, "certificate", NULL);
	o->chain = (br_x509_certificate){o->der, size};
	o->identity = (struct tls_identity){&o->chain, 1, &o->key};
	if (option("other-key") != NULL) {
		o->secret[31] ^= 1;
		o->key.x = o->secret;
	}
}

static void save_pem(const struct own *o, const char *path)
{
	const uint8_t *at = o->der;
	X509 *x = d2i_X509(NULL, &at, (long)o->chain.data_len);
	FILE *f = fopen(path, "w");

	must(x != NULL && f != NULL && PEM_write_X509(f, x) == 1 && fclose(f) == 0, path, NULL);
	X509_free(x);
}

/* ---- a connection ---- */

static bool send_all(int fd, struct tls *t)
{
	uint8_t bytes[BUFFER];
	size_t given;

	while (v->records_out(t, bytes, sizeof bytes, &given) == OK && given > 0)
		for (size_t at = 0; at < given;) {
			ssize_t sent = send(fd, bytes + at, given - at, MSG_NOSIGNAL);

			if (sent <= 0)
				return false;
			at += (size_t)sent;
		}
	return true;
}

static void write_all(int fd, struct tls *t, struct slice plain)
{
	size_t taken;

	while (plain.size > 0 && v->write(t, plain, &taken) == OK && send_all(fd, t))
		plain = slice_of(plain.data + taken, plain.size - taken);
}

static bool serve_plain(int fd, struct tls *t, const uint8_t *bytes, size_t size)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nhello\n";

	if (option("echo") != NULL) {
		write_all(fd, t, slice_of(bytes, size));
		return true;
	}
	write_all(fd, t, slice_text(answer));
	v->close(t);
	return send_all(fd, t);
}

/* What came is used up, as plaintext and as what it makes us send. False: the wire is dead. */
static bool take_bytes(int fd, struct tls *t, struct slice in, bool (*use)(int, struct tls *, const uint8_t *, size_t))
{
	uint8_t plain[BUFFER];
	size_t taken, got;

	do {
		if (v->records_in(t, in, &taken) != OK)
			break;
		in = slice_of(in.data + taken, in.size - taken);
		while (v->read(t, plain, sizeof plain, &got) == OK && got > 0)
			if (!use(fd, t, plain, got))
				return false;
		if (!send_all(fd, t))
			return false;
	} while (in.size > 0);
	return send_all(fd, t) && v->status(t) == OK;
}

static void say_end(const struct tls *t)
{
	struct tls_facts f = v->facts(t);

	fprintf(stderr, "%s; alert %u, peer's alert %u, protocol %s%s\n",
	        f.why != NULL ? f.why : err_text(v->status(t)), f.alert, f.peers_alert,
	        f.protocol != NULL ? f.protocol : "none", f.established ? "" : ", no handshake");
}

static void converse(int fd, struct tls *t, int input, bool (*use)(int, struct tls *, const uint8_t *, size_t))
{
	uint8_t bytes[BUFFER];
	bool alive = send_all(fd, t);

	while (alive) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
		                      {.fd = v->facts(t).established ? input : -1, .events = POLLIN}};
		ssize_t got;

		if (poll(p, 2, 60000) <= 0)
			break;
		if (p[1].revents != 0) {
			got = read(input, bytes, sizeof bytes);
			if (got > 0)
				write_all(fd, t, slice_of(bytes, (size_t)got));
			else
				input = -1;
		}
		if (p[0].revents == 0)
			continue;
		got = recv(fd, bytes, sizeof bytes, 0);
		if (got <= 0) {
			(void)v->wire_ended(t);
			break;
		}
		alive = take_bytes(fd, t, slice_of(bytes, (size_t)got), use);
	}
	say_end(t);
}

static struct tls *memory(void)
{
	struct tls *t = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);

	must(t != NULL, "memory", NULL);
	return t;
}

/* ---- both ends ---- */

static void serve_one(int fd, const struct tls_server_settings *given)
{
	struct tls_server_settings s = *given;
	struct tls *t = memory();

	must(RAND_bytes(s.entropy, sizeof s.entropy) == 1 && v->server(t, &s) == OK, "server", NULL);
	converse(fd, t, -1, serve_plain);
	v->wipe(t);
	free(t);
}

static int server(const char *pem)
{
	static struct own o;
	const char *protocols[LIST_MAX];
	static uint8_t pins[1][TLS_PIN_SIZE];
	struct tls_trust clients = {0};
	struct tls_server_settings s = {.protocols = {protocols, 0}};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char hex[65];

	own_make(&o);
	save_pem(&o, pem);
	if (option("port") != NULL)
		at.sin_port = htons((uint16_t)atoi(option("port")));
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	s.identity = o.identity;
	s.protocols.count = list("alpn", protocols);
	trust_of(&clients, option("client-roots"), option("pins"), pins);
	if (clients.root_count + clients.pin_count > 0)
		s.clients = &clients;
	must(bind(listener, (struct sockaddr *)&at, size) == 0 && listen(listener, 64) == 0 &&
	             getsockname(listener, (struct sockaddr *)&at, &size) == 0,
	     "listening", NULL);
	hex_encode(slice_of(o.pin[0], TLS_PIN_SIZE), hex);
	printf("%u %s\n", ntohs(at.sin_port), hex);
	fflush(stdout);
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			serve_one(fd, &s);
			_exit(0);
		}
		close(fd);
	}
}

static bool print_plain(int fd, struct tls *t, const uint8_t *bytes, size_t size)
{
	(void)fd, (void)t;
	return write(STDOUT_FILENO, bytes, size) == (ssize_t)size;
}

static int client(const char *host, const char *port, const char *name)
{
	static struct own o;
	static uint8_t pins[1][TLS_PIN_SIZE];
	const char *protocols[LIST_MAX];
	struct tls_client_settings s = {.name = name, .protocols = {protocols, 0}};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	struct tls *t = memory();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enum err err;

	trust_of(&s.trust, option("roots"), option("pin"), pins);
	s.protocols.count = list("alpn", protocols);
	if (option("identity") != NULL) {
		own_make(&o);
		s.identity = &o.identity;
	}
	must(RAND_bytes(s.entropy, sizeof s.entropy) == 1, "random bytes", NULL);
	must(inet_pton(AF_INET, host, &at.sin_addr) == 1 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0, host,
	     NULL);
	must(v->client(t, &s) == OK, "client: nobody to believe", NULL);
	converse(fd, t, STDIN_FILENO, print_plain);
	err = v->status(t);
	free(t);
	return err == ERR_CLOSED ? 0 : 1;
}

int main(int argc, char **argv)
{
	arena = arena_of(malloc(ARENA), ARENA);
	must(arena.base != NULL, "memory", NULL);
	if (argc >= 3 && strcmp(argv[1], "server") == 0) {
		options = argv + 3;
		return server(argv[2]);
	}
	if (argc >= 3 && strcmp(argv[1], "pin") == 0) {
		static struct own o;
		char hex[65];

		options = argv + 2;
		key_make(&o);
		hex_encode(slice_of(o.pin[0], TLS_PIN_SIZE), hex);
		puts(hex);
		return 0;
	}
	must(argc >= 5 && strcmp(argv[1], "client") == 0, "usage: see the head of its source", NULL);
	options = argv + 5;
	return client(argv[2], argv[3], argv[4]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS with nothing below it: the Keep makes its key and certificate, talks to itself as server and client that know
 * each other by their key, and shows the certificate on channel 1. That roots are read and a pool begun is for the
 * linker to see: nothing of it may need a C library.
 */
#include "keep/call/call.h"
#include "keep/run/certificate.h"
#include "keep/run/entropy.h"
#include "keep/run/keep.h"
#include "keep/run/memory.h"
#include "keep/run/secure.h"
#include "lib/tls/certificate.h"
#include "lib/tls/roots.h"

static const struct tls_version *const v = &tls_1_2;

static void must(enum err err, uint64_t step)
{
	if (err != OK)
		call_exit(KEEPCALL_EXIT_FATAL, step, (uint64_t)err);
}

static size_t move(struct tls *from, struct tls *to)
{
	uint8_t part[512];
	size_t given, taken, total = 0;

	while (v->records_out(from, part, sizeof part, &given) == OK && given > 0) {
		for (size_t at = 0; at < given; at += taken) {
			must(v->records_in(to, slice_of(part + at, given - at), &taken), 10);
			must(taken > 0 ? OK : ERR_AGAIN, 11);
		}
		total += given;
	}
	return total;
}

static void talk(struct tls *client, struct tls *server)
{
	uint8_t got[16];
	size_t n;

	while (move(client, server) + move(server, client) > 0)
		;
	must(v->write(client, slice_text("hello"), &n), 12);
	move(client, server);
	must(v->read(server, got, sizeof got, &n), 13);
	must(slice_is(slice_of(got, n), "hello") ? OK : ERR_FORMAT, 14);
}

void keep_main(const struct boot_info *boot)
{
	static struct memory m;
	static struct identity id;
	static const uint8_t manifest[32] = {7};
	uint8_t pin[1][TLS_PIN_SIZE], spki[CERTIFICATE_SPKI_SIZE];
	struct keep_certificate c;
	struct tls_trust trust = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])pin, .pin_count = 1};
	struct tls_identity me = {&c.der, 1, &c.key};
	struct tls_client_settings cs = {.name = "keep", .identity = &me};
	struct tls_server_settings ss = {.clients = &trust};
	static struct secure_pool pool;
	static struct meter meter;
	struct secure *secure;
	struct tls *client, *server;
	struct note n = {""};
	br_sha256_context sha;
	size_t sent;

	memory_setup(&m, boot);
	must(keep_certificate_make(&id, &m.heap,
	                           &(struct keep_certificate_wish){.manifest = manifest, .now_s = 1800000000}, &c, &n),
	     1);
	certificate_spki(id.public, spki);
	br_sha256_init(&sha);
	br_sha256_update(&sha, spki, sizeof spki);
	br_sha256_out(&sha, pin[0]);
	cs.trust = trust;
	ss.identity = me;
	client = arena_alloc(&m.heap, v->size, TLS_ALIGN);
	server = arena_alloc(&m.heap, v->size, TLS_ALIGN);
	must(client != NULL && server != NULL ? OK : ERR_NOMEM, 2);
	must(entropy_for_tls(cs.entropy), 3);
	must(entropy_for_tls(ss.entropy), 4);
	must(v->client(client, &cs), 5);
	must(v->server(server, &ss), 6);
	talk(client, server);
	must(roots_read(&m.heap, slice_text("no certificate"), &trust, &n) == ERR_INVALID ? OK : ERR_STATE, 9);
	secure_begin(&pool, &(struct secure_settings){.manifest = manifest}, &id, &m, &meter);
	must(secure_client(&pool, 1, &(struct secure_peer){.name = "nobody"}, 1800000000, &secure, &n) == ERR_INVALID ? OK : ERR_STATE, 15);
	must(call_send(1, slice_of(c.der.data, c.der.data_len), &sent), 7);
	must(sent == c.der.data_len ? OK : ERR_AGAIN, 8);
	call_exit(KEEPCALL_EXIT_DONE, 0, 0);
}

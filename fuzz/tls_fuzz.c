/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two honest ends of TLS and a wire the fuzzer owns. The input is a list of actions: an end writes or closes, bytes of
 * its wire pass on, are dropped or changed, or bytes of the fuzzer go in. Whatever it does: what an end reads is a
 * beginning of what the other wrote, an end that saw the other close has read all of it, and with its client unknown
 * the server reads nothing.
 */
#include "lib/tls/certificate.h"
#include "lib/tls/tls.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIRE = 1 << 17, WRITTEN_MAX = 1 << 16, STEPS_MAX = 400 };

static const struct tls_version *const v = &tls_1_2;

struct side {
	struct tls *t;
	uint8_t *wire; /* what it has sent; at: passed on so far */
	size_t at, end;
	size_t written, heard; /* bytes of plaintext, counted; byte n of each side is n * 7 */
	bool closed;           /* by its own side */
};

static struct side ends[2]; /* client, server */
static uint8_t certificate[1024], spki[CERTIFICATE_SPKI_SIZE], pins[1][TLS_PIN_SIZE];
static uint8_t secret[32] = {1}, point[65];
static br_ec_private_key key = {BR_EC_secp256r1, secret, sizeof secret};
static br_x509_certificate chain = {certificate, 0};

/* The same input does the same each time. */
static int seed(const br_prng_class **prng)
{
	(*prng)->update(prng, "fuzz", 4);
	return 1;
}

br_prng_seeder br_prng_seeder_system(const char **name)
{
	if (name != NULL)
		*name = "none";
	return seed;
}

static void prepare(void)
{
	struct certificate_settings s = {
	        .key = &key, .public = point, .subject = "fuzz", .from_s = 1700000000, .until_s = 1800000000};
	br_sha256_context sha;

	CHECK(br_ec_compute_pub(br_ec_get_default(), NULL, point, &key) == sizeof point);
	CHECK(certificate_make(&s, certificate, sizeof certificate, &chain.data_len) == OK);
	certificate_spki(point, spki);
	br_sha256_init(&sha);
	br_sha256_update(&sha, spki, sizeof spki);
	br_sha256_out(&sha, pins[0]);
	for (int i = 0; i < 2; i++) {
		ends[i].t = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
		ends[i].wire = malloc(WIRE);
		CHECK(ends[i].t != NULL && ends[i].wire != NULL);
	}
}

static void start(bool mutual)
{
	const struct tls_trust trust = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .pin_count = 1};
	static const char *protocols[] = {"http/1.1"};
	struct tls_identity me = {&chain, 1, &key};
	struct tls_client_settings c = {.name = "fuzz",
	                                .trust = trust,
	                                .identity = mutual ? &me : NULL,
	                                .protocols = {protocols, 1},
	                                .entropy = {1}};
	struct tls_server_settings s = {
	        .identity = me, .clients = mutual ? &trust : NULL, .protocols = {protocols, 1}, .entropy = {2}};

	for (int i = 0; i < 2; i++)
		ends[i] = (struct side){.t = ends[i].t, .wire = ends[i].wire};
	CHECK(v->client(ends[0].t, &c) == OK && v->server(ends[1].t, &s) == OK);
}

static void collect(struct side *s)
{
	size_t given = 1;

	while (s->end < WIRE && given > 0 && v->records_out(s->t, s->wire + s->end, WIRE - s->end, &given) == OK)
		s->end += given;
}

static void listen_to(struct side *s, const struct side *other)
{
	uint8_t plain[512];
	size_t given = 1;

	while (given > 0 && v->read(s->t, plain, sizeof plain, &given) == OK) {
		CHECK(given <= other->written - s->heard);
		for (size_t i = 0; i < given; i++)
			CHECK(plain[i] == (uint8_t)((s->heard + i) * 7));
		s->heard += given;
	}
	if (v->status(s->t) == ERR_CLOSED && !s->closed)
		CHECK(other->closed && s->heard == other->written);
	if (v->status(s->t) != OK && v->status(s->t) != ERR_CLOSED)
		CHECK(v->facts(s->t).why != NULL &&
		      (!v->facts(s->t).established || v->status(s->t) == ERR_TRUNCATED));
}

static void hear(struct side *s, const struct side *other, struct slice in)
{
	size_t taken = 1;

	while (in.size > 0 && taken > 0 && v->records_in(s->t, in, &taken) == OK) {
		CHECK(taken <= in.size);
		in = slice_of(in.data + taken, in.size - taken);
		listen_to(s, other);
	}
	listen_to(s, other);
	collect(s);
}

static void say(struct side *s, size_t size)
{
	uint8_t plain[256];
	size_t taken;

	if (size > WRITTEN_MAX - s->written)
		return;
	for (size_t i = 0; i < size; i++)
		plain[i] = (uint8_t)((s->written + i) * 7);
	if (v->write(s->t, slice_of(plain, size), &taken) == OK) {
		CHECK(taken == 0 || v->facts(s->t).established);
		s->written += taken;
	}
	collect(s);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One action: what, how much, and what it needs of the rest. */
static struct slice act(struct slice in)
{
	const unsigned what = in.data[0] & 7, who = in.data[0] >> 3 & 1, scale = in.data[0] >> 4;
	struct side *s = &ends[who], *other = &ends[1 - who];
	const size_t much = (size_t)in.data[1] << (scale & 7), waits = s->end - s->at;

	in = slice_of(in.data + 2, in.size - 2);
	switch (what) {
	case 0: /* on to the other end */
	case 1:
		hear(other, s, slice_of(s->wire + s->at, least(much, waits)));
		s->at += least(much, waits);
		break;
	case 2: /* both ways, until nothing moves: a handshake in one action */
		for (int i = 0; i < 8; i++)
			for (int j = 0; j < 2; j++) {
				hear(&ends[1 - j], &ends[j],
				     slice_of(ends[j].wire + ends[j].at, ends[j].end - ends[j].at));
				ends[j].at = ends[j].end;
			}
		break;
	case 3: s->at += least(much, waits); break;
	case 4:
		if (waits > 0 && in.size > 0) {
			s->wire[s->at + much % waits] ^= in.data[0];
			in = slice_of(in.data + 1, in.size - 1);
		}
		break;
	case 5:
		hear(s, other, slice_of(in.data, least(much, in.size)));
		in = slice_of(in.data + least(much, in.size), in.size - least(much, in.size));
		break;
	case 6: say(s, least(much, 256)); break;
	default:
		if (scale < 12) {
			s->closed = true;
			v->close(s->t);
			collect(s);
		} else if (v->wire_ended(s->t) == OK) {
			CHECK(false);
		}
		break;
	}
	return in;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	if (size < 1)
		return 0;
	if (ends[0].t == NULL)
		prepare();
	start(data[0] & 1);
	collect(&ends[0]);
	in = slice_of(data + 1, size - 1);
	for (int steps = 0; in.size >= 2 && steps < STEPS_MAX; steps++)
		in = act(in);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DER is written from its end: when an element's head is due, its content is there, and so is its size. What does not
 * fit turns `full` on, and the rest of the writing is idle; one look at the end is enough.
 */
#include "lib/tls/certificate.h"

#include "lib/attest/der.h"

#include <assert.h>

enum { DER_UTC = 0x17, DER_GENERALIZED = 0x18, SAN_DNS = 0x82, NAME_MAX_SIZE = 253 };

/* Everything before the point is the same for every P-256 key (RFC 5480 2.1.1). */
static const uint8_t spki_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
/* ecdsa-with-SHA256 (RFC 5758 3.2) */
static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t version_3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
static const uint8_t oid_common_name[] = {0x06, 0x03, 0x55, 0x04, 0x03};
/* Whole extensions: not an authority (critical); digital signatures only (critical); servers and clients of TLS. */
static const uint8_t uses[] = {0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x02, 0x30,
                               0x00, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04,
                               0x03, 0x02, 0x07, 0x80, 0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x25, 0x04, 0x16,
                               0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01, 0x06,
                               0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
static const uint8_t oid_alternative_names[] = {0x06, 0x03, 0x55, 0x1d, 0x11};
static const uint8_t oid_evidence[] = {0x06, 0x06, 0x67, 0x81, 0x05, 0x05, 0x04, 0x09}; /* 2.23.133.5.4.9 */

struct back { /* written are the bytes from at to end */
	uint8_t *begin, *at, *end;
	bool full;
};

static void put(struct back *b, const void *bytes, size_t size)
{
	if (b->full || size > (size_t)(b->at - b->begin)) {
		b->full = true;
		return;
	}
	b->at -= size;
	if (size > 0)
		memcpy(b->at, bytes, size);
}

static void put_byte(struct back *b, unsigned byte)
{
	const uint8_t one = (uint8_t)byte;

	put(b, &one, 1);
}

#define PUT(b, array) put(b, array, sizeof(array))

static size_t written(const struct back *b)
{
	return (size_t)(b->end - b->at);
}

/* The head of an element whose content was written since `before`. */
static void head(struct back *b, uint8_t tag, size_t before)
{
	const size_t size = written(b) - before;
	unsigned bytes = 0;

	for (size_t left = size; size >= 128 && left > 0; left >>= 8, bytes++)
		put_byte(b, (unsigned)(left & 0xff));
	put_byte(b, size < 128 ? (unsigned)size : 0x80 | bytes);
	put_byte(b, tag);
}

static void put_name(struct back *b, const char *subject)
{
	const size_t before = written(b);

	put(b, subject, strlen(subject));
	head(b, DER_UTF8, before);
	PUT(b, oid_common_name);
	head(b, DER_SEQUENCE, before);
	head(b, DER_SET, before);
	head(b, DER_SEQUENCE, before);
}

struct date {
	unsigned year, month, day;
};

/* Days since 1970 in the proleptic Gregorian calendar, counted in eras of 400 years that begin on the first of March.
 */
static struct date date_of(uint64_t days)
{
	const uint64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
	const uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const uint64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

	return (struct date){.year = (unsigned)(era * 400 + year + (month >= 10)),
	                     .month = (unsigned)(month < 10 ? month + 3 : month - 9),
	                     .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1)};
}

static void put_two(struct back *b, unsigned n)
{
	put_byte(b, '0' + n % 10);
	put_byte(b, '0' + n / 10 % 10);
}

/* RFC 5280 4.1.2.5: two digits for the year until 2049, four from then on. */
static void put_time(struct back *b, uint64_t at_s)
{
	const struct date d = date_of(at_s / 86400);
	const unsigned of_day = (unsigned)(at_s % 86400);
	const size_t before = written(b);

	put_byte(b, 'Z');
	put_two(b, of_day % 60);
	put_two(b, of_day / 60 % 60);
	put_two(b, of_day / 3600);
	put_two(b, d.day);
	put_two(b, d.month);
	put_two(b, d.year % 100);
	if (d.year >= 2050)
		put_two(b, d.year / 100);
	head(b, d.year >= 2050 ? DER_GENERALIZED : DER_UTC, before);
}

static void put_validity(struct back *b, const struct certificate_settings *s)
{
	const size_t before = written(b);

	put_time(b, s->until_s);
	put_time(b, s->from_s);
	head(b, DER_SEQUENCE, before);
}

static void put_evidence(struct back *b, const struct certificate_settings *s)
{
	const size_t before = written(b);

	if (s->evidence.size == 0)
		return;
	put(b, s->evidence.data, s->evidence.size);
	head(b, DER_OCTETS, before);
	PUT(b, oid_evidence);
	head(b, DER_SEQUENCE, before);
}

static void put_names(struct back *b, const struct certificate_settings *s)
{
	const size_t before = written(b);

	if (s->name_count == 0)
		return;
	for (size_t i = s->name_count; i-- > 0;) {
		const size_t name = written(b);

		put(b, s->names[i], strlen(s->names[i]));
		head(b, SAN_DNS, name);
	}
	head(b, DER_SEQUENCE, before);
	head(b, DER_OCTETS, before);
	PUT(b, oid_alternative_names);
	head(b, DER_SEQUENCE, before);
}

static void put_extensions(struct back *b, const struct certificate_settings *s)
{
	const size_t before = written(b);

	put_evidence(b, s);
	put_names(b, s);
	PUT(b, uses);
	head(b, DER_SEQUENCE, before);
	head(b, DER_CONTEXT_0 | 3, before);
}

/* Positive, not zero, and of a size that does not depend on its value. */
static void put_serial(struct back *b, const struct certificate_settings *s)
{
	uint8_t serial[CERTIFICATE_SERIAL_SIZE];
	const size_t before = written(b);

	memcpy(serial, s->serial, sizeof serial);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	PUT(b, serial);
	head(b, DER_INTEGER, before);
}

void certificate_spki(const uint8_t public[static 65], uint8_t out[static CERTIFICATE_SPKI_SIZE])
{
	static_assert(sizeof spki_head + 65 == CERTIFICATE_SPKI_SIZE, "head and point");
	memcpy(out, spki_head, sizeof spki_head);
	memcpy(out + sizeof spki_head, public, 65);
}

static void put_body(struct back *b, const struct certificate_settings *s)
{
	const size_t before = written(b);
	uint8_t spki[CERTIFICATE_SPKI_SIZE];

	certificate_spki(s->public, spki);
	put_extensions(b, s);
	PUT(b, spki);
	put_name(b, s->subject);
	put_validity(b, s);
	put_name(b, s->subject);
	PUT(b, algorithm);
	put_serial(b, s);
	PUT(b, version_3);
	head(b, DER_SEQUENCE, before);
}

static size_t sign(const br_ec_private_key *key, struct slice body, uint8_t out[static 80])
{
	br_sha256_context sha;
	uint8_t digest[32];

	br_sha256_init(&sha);
	br_sha256_update(&sha, body.data, body.size);
	br_sha256_out(&sha, digest);
	return br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), &br_sha256_vtable, digest, key, out);
}

/* Printable ASCII from `first` on. */
static bool ascii(const char *text, char first, size_t most)
{
	const size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (text[i] < first || text[i] > '~')
			return false;
	return size > 0 && size <= most;
}

static bool sayable(const struct certificate_settings *s)
{
	const uint64_t year_10000 = UINT64_C(253402300800);

	for (size_t i = 0; i < s->name_count; i++)
		if (!ascii(s->names[i], '!', NAME_MAX_SIZE))
			return false;
	return ascii(s->subject, ' ', 64) && s->name_count <= CERTIFICATE_NAMES_MAX && s->from_s <= s->until_s &&
	       s->until_s < year_10000 && s->key->curve == BR_EC_secp256r1;
}

enum err certificate_make(const struct certificate_settings *s, uint8_t *out, size_t capacity, size_t *size)
{
	struct back body = {out, out + capacity, out + capacity, false}, all = body;
	uint8_t signature[80]; /* 72 at most for P-256 */
	size_t signature_size, bits;

	if (!sayable(s))
		return ERR_INVALID;
	put_body(&body, s);
	if (body.full)
		return ERR_SPACE;
	signature_size = sign(s->key, slice_of(body.at, written(&body)), signature);
	if (signature_size == 0)
		return ERR_CRYPTO;
	/* The signature belongs behind the body: the body moves forward by what stands behind it. */
	bits = signature_size + 3 + sizeof algorithm;
	if (bits > (size_t)(body.at - out))
		return ERR_SPACE;
	memmove(body.at - bits, body.at, written(&body));
	put(&all, signature, signature_size);
	put_byte(&all, 0);
	head(&all, DER_BITS, 0);
	PUT(&all, algorithm);
	CHECK(written(&all) == bits);
	all.at -= written(&body);
	head(&all, DER_SEQUENCE, 0);
	if (all.full)
		return ERR_SPACE;
	*size = written(&all);
	memmove(out, all.at, *size);
	return OK;
}

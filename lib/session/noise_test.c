/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/noise.h"

#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct vector { /* published vectors of this pattern; messages alternate, the initiator speaks first */
	const char *prologue, *initiator, *responder, *hash;
	struct {
		const char *payload, *wire;
	} messages[6];
};

static const struct vector vectors[] = {
	/* cacophony, vectors/cacophony.txt */
	{"4a6f686e2047616c74",
	 "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
	 "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
	 "1c85fe89bed0615e1caa7bb64d6495e9fb5fcdcd1e9934a656dfcf9d0c2c93df"
	 "d42ca5a7ce89ed1fdd944e39314057d63a1848a54c8879df7d9bab3d826e3c68",
	 {{"4c756477696720766f6e204d69736573",
	   "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573"},
	  {"4d757272617920526f746862617264",
	   "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843f01eddcfafa2580bf4b9670208b19eea75586d8b"
	   "0352dd82aae394a668e50f"},
	  {"462e20412e20486179656b", "a267e88b70a00fbc099d3bd4438073cea04835321f89f028f421bd"},
	  {"4361726c204d656e676572", "d0dce53724a6e38d5c0ee4bcb19bdc896c8e62d7a26fe71f7c3424"},
	  {"4a65616e2d426170746973746520536179",
	   "91ab3b07fd6cd6cc8877ffcf12cef8aeb0c2f8c8d58cd52398899a29b8b92dc8c4"},
	  {"457567656e2042f6686d20766f6e2042617765726b",
	   "ff76c3fc888707743dac49d4629f8009264aa4123b8e0818a396ef4c2ca48f2beb7c9215bb"}}},
	/* snow, tests/vectors/snow.txt */
	{"5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773206f6e6c792066756e20616e6420626f72696e"
	 "672e",
	 "7f64a3eecc3f09932ac4ae3c0d358b5c54100fb0941bc065ce04bf4465753e65",
	 "0bf394f42737d4f29dc3338e771368919c4dd0cb7d19bf1b461c7b060a5298aa",
	 NULL,
	 {{"28c1fe2e68f5d1f0aca16f83da6511f248c0d7d65fa4dea84626e78e2d601198",
	   "eaf13ed3ee0b50d4d8e618b399488ce914c0202d57ab4c8d397c7250e530274728c1fe2e68f5d1f0aca16f83da6511f248c0d7d6"
	   "5fa4dea84626e78e2d601198"},
	  {"e68825ed0a5644cf9c8347bcb3b6d0a642c20eb14b8bf6f1f2fc34cd2a2fc431",
	   "1fa71d8da2e374affa61932c5ae8b89bd1a061c6f3606a3a9a9fb9b24a6b8411886078816e1256f8f5b0a377f758fc6f3e905b1f"
	   "2dc91b85ea01e090d1d396759b07b4c3f3f6c693e4464ea1163d7dd2"},
	  {"5ede35eb32fd68553b7088a00bbaf5e12a38259e0f9fb81f35d56e705506a045",
	   "a0bd6fdf8486d5930cd2853e50ef5ae82a71feb0e13f9967b36e7706c8b56195f4a79d3211d424a7f9a8838a75c63c21"},
	  {"03e1a55c4e9c71c48edbc76991a312d2cfbb3138459f70052d8dfb5725d1e147",
	   "c54cfb713c73a1339a14785926382f74ef47ea3cbe02e1db7340c7408a31b0316c6a6ba4b7a984e828c348e2666f683f"}}},
};

struct bytes {
	uint8_t data[256];
	size_t size;
};

static struct bytes unhex(const char *text)
{
	struct bytes b = {.size = strlen(text) / 2};

	assert_true(b.size <= sizeof b.data);
	assert_int_equal(hex_decode(slice_text(text), b.data, b.size), OK);
	return b;
}

static void assert_bytes(const void *got, size_t size, struct bytes want)
{
	assert_int_equal(size, want.size);
	assert_memory_equal(got, want.data, size);
}

/* Both ends of one vector; leaves the two pairs of ciphers. */
static void shake(const struct vector *v, struct noise *i, struct noise *r)
{
	struct bytes prologue = unhex(v->prologue), payload;
	uint8_t wire[256];
	struct slice got;
	size_t size;

	noise_init(i, true, slice_of(prologue.data, prologue.size), unhex(v->initiator).data);
	noise_init(r, false, slice_of(prologue.data, prologue.size), unhex(v->responder).data);
	payload = unhex(v->messages[0].payload);
	noise_write_first(i, slice_of(payload.data, payload.size), wire, &size);
	assert_bytes(wire, size, unhex(v->messages[0].wire));
	assert_int_equal(noise_read_first(r, wire, size, &got), OK);
	assert_bytes(got.data, got.size, payload);
	payload = unhex(v->messages[1].payload);
	assert_int_equal(noise_write_second(r, slice_of(payload.data, payload.size), wire, &size), OK);
	assert_bytes(wire, size, unhex(v->messages[1].wire));
	assert_int_equal(noise_read_second(i, wire, size, &got), OK);
	assert_bytes(got.data, got.size, payload);
	assert_memory_equal(i->hash, r->hash, sizeof i->hash);
	if (v->hash != NULL)
		assert_bytes(i->hash, sizeof i->hash, unhex(v->hash));
}

static void transport(struct noise_cipher *send, struct noise_cipher *receive, const char *payload, const char *wire)
{
	struct bytes b = unhex(payload);

	assert_int_equal(noise_seal(send, slice_of(NULL, 0), b.data, b.size, b.data + b.size), OK);
	assert_bytes(b.data, b.size + NOISE_TAG_SIZE, unhex(wire));
	assert_int_equal(noise_open(receive, slice_of(NULL, 0), b.data, b.size, b.data + b.size), OK);
	assert_bytes(b.data, b.size, unhex(payload));
}

static void published_vectors_hold(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_COUNT(vectors); k++) {
		struct noise_cipher is, ir, rs, rr;
		struct noise i, r;

		shake(&vectors[k], &i, &r);
		noise_split(&i, &is, &ir);
		noise_split(&r, &rs, &rr);
		for (size_t m = 2; m < ARRAY_COUNT(vectors[k].messages); m++) {
			if (vectors[k].messages[m].payload == NULL)
				break;
			if (m % 2 == 0)
				transport(&is, &rr, vectors[k].messages[m].payload, vectors[k].messages[m].wire);
			else
				transport(&rs, &ir, vectors[k].messages[m].payload, vectors[k].messages[m].wire);
		}
	}
}

/* The points of order 1, 2, 4 and 8 and their non-canonical twins (RFC 7748 section 6.1 asks for the zero check). */
static void low_order_points_are_refused(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000080",
	};
	uint8_t ephemeral[NOISE_KEY_SIZE], wire[NOISE_SECOND_SIZE];
	struct slice payload;
	struct noise n;
	size_t size;

	(void)state;
	memset(ephemeral, 0x42, sizeof ephemeral);
	for (size_t k = 0; k < ARRAY_COUNT(points); k++) {
		struct bytes p = unhex(points[k]);

		noise_init(&n, false, slice_of(NULL, 0), ephemeral);
		assert_int_equal(noise_read_first(&n, p.data, p.size, &payload), OK);
		assert_int_equal(noise_write_second(&n, slice_of(NULL, 0), wire, &size), ERR_CRYPTO);
		noise_init(&n, true, slice_of(NULL, 0), ephemeral);
		noise_write_first(&n, slice_of(NULL, 0), wire, &size);
		memset(wire, 0, sizeof wire);
		memcpy(wire, p.data, p.size);
		assert_int_equal(noise_read_second(&n, wire, sizeof wire, &payload), ERR_CRYPTO);
	}
}

static void every_flipped_bit_of_the_second_message_is_seen(void **state)
{
	uint8_t a[NOISE_KEY_SIZE] = {1}, b[NOISE_KEY_SIZE] = {2}, wire[NOISE_SECOND_SIZE], bad[NOISE_SECOND_SIZE];
	struct noise i, r, copy;
	struct slice payload;
	size_t size;

	(void)state;
	noise_init(&i, true, slice_of(NULL, 0), a);
	noise_init(&r, false, slice_of(NULL, 0), b);
	noise_write_first(&i, slice_of(NULL, 0), wire, &size);
	assert_int_equal(noise_read_first(&r, wire, size, &payload), OK);
	assert_int_equal(noise_write_second(&r, slice_of(NULL, 0), wire, &size), OK);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		copy = i;
		memcpy(bad, wire, size);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(noise_read_second(&copy, bad, size, &payload), ERR_AUTH);
	}
	for (size_t cut = 0; cut < size; cut++) {
		copy = i;
		memcpy(bad, wire, size);
		assert_int_equal(noise_read_second(&copy, bad, cut, &payload), ERR_TRUNCATED);
	}
	assert_int_equal(noise_read_second(&i, wire, size, &payload), OK);
}

/* A CPU without the instructions makes the same records. */
static void the_portable_engine_agrees(void **state)
{
	const struct noise_engine portable = {&br_aes_ct64_ctr_vtable, br_ghash_ctmul64};
	uint8_t key[NOISE_KEY_SIZE] = {3}, a[1000], b[1000], tag_a[NOISE_TAG_SIZE], tag_b[NOISE_TAG_SIZE];
	struct noise_cipher fast, plain;

	(void)state;
	noise_cipher_init(&fast, noise_engine(), key);
	noise_cipher_init(&plain, portable, key);
	for (size_t size = 0; size < sizeof a; size += 37) {
		memset(a, 0x5a, sizeof a);
		memset(b, 0x5a, sizeof b);
		assert_int_equal(noise_seal(&fast, slice_text("ad"), a, size, tag_a), OK);
		assert_int_equal(noise_seal(&plain, slice_text("ad"), b, size, tag_b), OK);
		assert_memory_equal(a, b, sizeof a);
		assert_memory_equal(tag_a, tag_b, sizeof tag_a);
	}
}

static void nonces_end(void **state)
{
	uint8_t key[NOISE_KEY_SIZE] = {7}, data[1] = {0}, tag[NOISE_TAG_SIZE];
	struct noise_cipher c;

	(void)state;
	noise_cipher_init(&c, noise_engine(), key);
	c.nonce = UINT64_MAX - 1;
	assert_int_equal(noise_seal(&c, slice_of(NULL, 0), data, 1, tag), OK);
	assert_int_equal(noise_seal(&c, slice_of(NULL, 0), data, 1, tag), ERR_LIMIT);
	assert_int_equal(noise_open(&c, slice_of(NULL, 0), data, 1, tag), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_hold),
		cmocka_unit_test(low_order_points_are_refused),
		cmocka_unit_test(every_flipped_bit_of_the_second_message_is_seen),
		cmocka_unit_test(the_portable_engine_agrees),
		cmocka_unit_test(nonces_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a file of collateral is taken for, and which pieces are chosen for a quote. */
#include "client/attest/collateral.h"

#include "lib/base/hex.h"
#include "test/attest/dcap_recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct dcap_recipe r;
static struct dcap_baked *b;

static int set_up(void **state)
{
	(void)state;
	dcap_keys();
	dcap_good(&r, true);
	b = dcap_bake(&r);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dcap_baked_free(b);
	recipe_free_keys();
	return 0;
}

static void add(struct collateral *c, struct slice s)
{
	struct note n = {""};

	assert_int_equal(collateral_add(c, s, "file", &n), OK);
}

static struct slice cert(const struct dcap_baked *of, int which)
{
	return slice_of(of->der[which], of->der_size[which]);
}

/* Its certificates are PEM text inside it, and no files of their own. */
static void a_quote_is_a_quote(void **state)
{
	struct collateral *c = collateral_new();

	(void)state;
	assert_non_null(c);
	add(c, b->e.evidence);
	assert_int_equal(c->count, 1);
	assert_int_equal(c->piece[0].kind, COLLATERAL_TD_QUOTE);
	collateral_free(c);
}

static void an_envelope_gives_what_is_stapled_to_it(void **state)
{
	static uint8_t bytes[ENVELOPE_SIZE_MAX];
	struct collateral *c = collateral_new();
	struct envelope e = {.tee = slice_text("tdx"),
	                     .evidence = b->e.evidence,
	                     .collateral = {{slice_text("quote"), b->e.evidence}, {slice_text("pck_crl"), cert(b, DCAP_CERTS)}},
	                     .collateral_count = 2};
	size_t size;

	(void)state;
	assert_non_null(c);
	assert_int_equal(envelope_encode(&e, bytes, sizeof bytes, &size), OK);
	add(c, slice_of(bytes, size));
	assert_int_equal(c->count, 2);
	assert_int_equal(c->piece[0].kind, COLLATERAL_TD_QUOTE);
	assert_int_equal(c->piece[1].kind, COLLATERAL_CRL);
	collateral_free(c);
}

/* Names come with the evidence; what is told to a person holds nothing that his terminal takes for a command. */
static void names_of_pieces_are_printable(void **state)
{
	struct collateral *c = collateral_new();
	struct note n = {""};
	enum err err = OK;

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; err == OK && i <= COLLATERAL_PIECES_MAX; i++) {
		uint8_t bytes[] = {0, (uint8_t)i, (uint8_t)(i >> 8)};
		const struct envelope_item item = {slice_text("\033[2J\177"), slice_of(bytes, sizeof bytes)};

		err = collateral_add_items(c, &item, 1, &n);
	}
	assert_int_equal(err, ERR_LIMIT);
	assert_true(strncmp(n.text, "?[2J?: more than ", 17) == 0);
	assert_string_equal(c->piece[0].origin, "?[2J?");
	collateral_free(c);
}

/* What a bundle's one member is taken for. */
static enum collateral_kind member(const char *text)
{
	struct collateral *c = collateral_new();
	static char bundle[16384];
	enum collateral_kind kind;
	int size = snprintf(bundle, sizeof bundle, "{\"vcek\":\"%s\"}", text);

	assert_non_null(c);
	assert_in_range(size, 1, sizeof bundle - 1);
	add(c, slice_of(bundle, (size_t)size));
	assert_int_equal(c->count, 1);
	kind = c->piece[0].kind;
	if (kind == COLLATERAL_CERT)
		assert_true(slice_equal(c->piece[0].bytes, cert(b, MAKE_ROOT)));
	collateral_free(c);
	return kind;
}

static void a_member_may_be_in_hex_or_in_base64(void **state)
{
	static char text[8192];
	struct slice root = cert(b, MAKE_ROOT);

	(void)state;
	assert_in_range(root.size, 100, sizeof text / 2 - 8);
	hex_encode(root, text);
	assert_int_equal(member(text), COLLATERAL_CERT);
	text[1] ^= 1;
	assert_int_equal(member(text), COLLATERAL_UNKNOWN);
	EVP_EncodeBlock((unsigned char *)text, root.data, (int)root.size);
	assert_int_equal(member(text), COLLATERAL_CERT);
	text[strlen(text) - 4] = 0;
	assert_int_equal(member(text), COLLATERAL_UNKNOWN);
	assert_int_equal(member("AAAA"), COLLATERAL_UNKNOWN);
	assert_int_equal(member("===="), COLLATERAL_UNKNOWN);
}

static struct slice chosen(const struct collateral_choice *o, const char *name)
{
	for (size_t i = 0; i < o->count; i++)
		if (slice_is(o->items[i].name, name))
			return o->items[i].value;
	return slice_of(NULL, 0);
}

/* A platform has several PCK certificates; the first in the set is not the one. */
static void the_key_that_signed_is_chosen(void **state)
{
	struct dcap_recipe beside = r, other = r;
	struct collateral *c = collateral_new();
	struct dcap_baked *ours, *strange;
	struct collateral_choice choice;
	struct slice chain;

	(void)state;
	assert_non_null(c);
	beside.chain_beside = true;
	ours = dcap_bake(&beside);
	other.cert[MAKE_PCK].key = KEY_ATTESTATION;
	strange = dcap_bake(&other);
	add(c, cert(strange, MAKE_PCK));
	for (int i = MAKE_ROOT; i <= MAKE_PCK; i++)
		add(c, cert(ours, i));
	assert_int_equal(collateral_for_quote(c, ours->e.evidence, DCAP_AT, &choice), OK);
	chain = chosen(&choice, "pck_chain");
	assert_true(chain.size > strlen(ours->pem[MAKE_PCK]));
	assert_memory_equal(chain.data, ours->pem[MAKE_PCK], strlen(ours->pem[MAKE_PCK]));
	collateral_choice_free(&choice);
	dcap_baked_free(ours);
	dcap_baked_free(strange);
	collateral_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_quote_is_a_quote),
	        cmocka_unit_test(an_envelope_gives_what_is_stapled_to_it),
	        cmocka_unit_test(names_of_pieces_are_printable),
	        cmocka_unit_test(a_member_may_be_in_hex_or_in_base64),
	        cmocka_unit_test(the_key_that_signed_is_chosen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

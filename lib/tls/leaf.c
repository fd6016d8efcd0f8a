/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/leaf.h"

#include "lib/attest/der.h"

enum { DER_CONTEXT_1 = 0x81, DER_CONTEXT_2 = 0x82, DER_CONTEXT_3 = 0xa3, EXTENSIONS_MAX = 64, USES_MAX = 64 };

static const uint8_t oid_key_usage[] = {0x55, 0x1d, 0x0f};         /* 2.5.29.15 */
static const uint8_t oid_basic_constraints[] = {0x55, 0x1d, 0x13}; /* 2.5.29.19 */
static const uint8_t oid_extended[] = {0x55, 0x1d, 0x25};          /* 2.5.29.37 */
static const uint8_t oid_any_use[] = {0x55, 0x1d, 0x25, 0x00};     /* 2.5.29.37.0 */
static const uint8_t oid_server[] = {0x2b, 6, 1, 5, 5, 7, 3, 1};   /* 1.3.6.1.5.5.7.3.1 */
static const uint8_t oid_client[] = {0x2b, 6, 1, 5, 5, 7, 3, 2};   /* 1.3.6.1.5.5.7.3.2 */

#define IS(s, oid) slice_equal(s, slice_of(oid, sizeof(oid)))

/* RFC 5280 4.2.1.3: bit 0, the highest of the first byte, is digitalSignature. */
static enum err key_usage(struct slice value, struct leaf *out)
{
	struct slice bits;

	TRY(der_only(value, DER_BITS, &bits));
	if (bits.size < 1 || bits.data[0] > 7)
		return ERR_FORMAT;
	out->signs = bits.size > 1 && (bits.data[1] & 0x80) != 0;
	return OK;
}

static enum err extended_key_usage(struct slice value, struct leaf *out)
{
	struct slice list, use;
	struct reader r;

	TRY(der_only(value, DER_SEQUENCE, &list));
	r = rd_of(list);
	out->uses[LEAF_SERVER] = out->uses[LEAF_CLIENT] = false;
	for (int i = 0; rd_left(&r) > 0; i++) {
		struct slice whole;

		if (i == USES_MAX)
			return ERR_FORMAT;
		TRY(der_element(&r, DER_OID, &whole, &use));
		out->uses[LEAF_SERVER] |= IS(use, oid_server) || IS(use, oid_any_use);
		out->uses[LEAF_CLIENT] |= IS(use, oid_client) || IS(use, oid_any_use);
	}
	return OK;
}

static enum err basic_constraints(struct slice value, struct leaf *out)
{
	struct slice list, whole, yes;
	struct reader r;

	TRY(der_only(value, DER_SEQUENCE, &list));
	r = rd_of(list);
	if (rd_left(&r) == 0 || *list.data != DER_BOOLEAN)
		return OK;
	TRY(der_element(&r, DER_BOOLEAN, &whole, &yes));
	out->ca = yes.size == 1 && yes.data[0] != 0;
	return OK;
}

/* seen: one bit for each kind that is read. What stands there twice could be read in two ways. */
static enum err extension(struct reader *list, struct leaf *out, unsigned *seen)
{
	static const struct {
		struct slice oid;
		enum err (*read)(struct slice value, struct leaf *out);
	} kinds[] = {{{oid_key_usage, sizeof oid_key_usage}, key_usage},
	             {{oid_extended, sizeof oid_extended}, extended_key_usage},
	             {{oid_basic_constraints, sizeof oid_basic_constraints}, basic_constraints}};
	struct slice whole, oid, value;
	struct reader r;

	TRY(der_enter(list, DER_SEQUENCE, &r));
	TRY(der_element(&r, DER_OID, &whole, &oid));
	if (rd_left(&r) > 0 && *r.at == DER_BOOLEAN)
		TRY(der_element(&r, DER_BOOLEAN, &whole, &value));
	TRY(der_element(&r, DER_OCTETS, &whole, &value));
	TRY(rd_end(&r));
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		if (!slice_equal(oid, kinds[i].oid))
			continue;
		if ((*seen >> i & 1) != 0)
			return ERR_FORMAT;
		*seen |= 1u << i;
		TRY(kinds[i].read(value, out));
	}
	return OK;
}

static enum err extensions(struct reader *tbs, struct leaf *out)
{
	struct reader outer, list;
	unsigned seen = 0;

	TRY(der_enter(tbs, DER_CONTEXT_3, &outer));
	TRY(der_enter(&outer, DER_SEQUENCE, &list));
	TRY(rd_end(&outer));
	for (int i = 0; rd_left(&list) > 0; i++) {
		if (i == EXTENSIONS_MAX)
			return ERR_FORMAT;
		TRY(extension(&list, out, &seen));
	}
	return OK;
}

static enum err skip_if(struct reader *r, uint8_t tag)
{
	struct slice whole, content;

	return rd_left(r) > 0 && *r->at == tag ? der_element(r, tag, &whole, &content) : OK;
}

enum err leaf_read(struct slice der, struct leaf *out)
{
	struct reader all = rd_of(der), cert, tbs;
	struct slice whole, content;

	*out = (struct leaf){.signs = true, .uses = {true, true}};
	TRY(der_enter(&all, DER_SEQUENCE, &cert));
	TRY(rd_end(&all));
	TRY(der_enter(&cert, DER_SEQUENCE, &tbs));
	TRY(skip_if(&tbs, DER_CONTEXT_0));                      /* version */
	TRY(der_element(&tbs, DER_INTEGER, &whole, &content));  /* serial number */
	TRY(der_element(&tbs, DER_SEQUENCE, &whole, &content)); /* signature algorithm */
	TRY(der_element(&tbs, DER_SEQUENCE, &whole, &content)); /* issuer */
	TRY(der_element(&tbs, DER_SEQUENCE, &whole, &content)); /* validity */
	TRY(der_element(&tbs, DER_SEQUENCE, &out->subject, &content));
	TRY(der_element(&tbs, DER_SEQUENCE, &out->spki, &content));
	TRY(skip_if(&tbs, DER_CONTEXT_1));
	TRY(skip_if(&tbs, DER_CONTEXT_2));
	if (rd_left(&tbs) > 0)
		TRY(extensions(&tbs, out));
	TRY(rd_end(&tbs));
	TRY(der_element(&cert, DER_SEQUENCE, &whole, &content));
	TRY(der_element(&cert, DER_BITS, &whole, &content));
	return rd_end(&cert);
}

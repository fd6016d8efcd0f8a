/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/identity.h"

#include "keep/call/cpu.h"

#include <bearssl.h>

/* Is 0 < scalar < order? Both are big-endian. In constant time: the difference must borrow, the scalar have a bit. */
static bool in_range(const uint8_t *scalar, const uint8_t *order, size_t size)
{
	unsigned borrow = 0, bits = 0;

	for (size_t i = size; i-- > 0;) {
		borrow = (unsigned)scalar[i] - order[i] - borrow;
		borrow = borrow >> 8 & 1;
		bits |= scalar[i];
	}
	return borrow == 1 && bits != 0;
}

enum { TRIES = 64 }; /* one in 2^32 scalars is out of range */

static enum err make(struct identity *id)
{
	const br_ec_impl *ec = &br_ec_p256_m31;
	br_ec_private_key key = {BR_EC_secp256r1, id->secret, sizeof id->secret};
	size_t order_size;
	const unsigned char *order = ec->order(BR_EC_secp256r1, &order_size);
	int tries = 0;

	CHECK(order_size == sizeof id->secret);
	do {
		if (tries++ == TRIES)
			return ERR_NO_RANDOM;
		TRY(cpu_random(id->secret, sizeof id->secret));
	} while (!in_range(id->secret, order, order_size));
	if (br_ec_compute_pub(ec, NULL, id->public, &key) != sizeof id->public)
		return ERR_CRYPTO;
	id->made = true;
	return OK;
}

enum err identity_given(struct identity *id, struct slice secret)
{
	const br_ec_impl *ec = &br_ec_p256_m31;
	br_ec_private_key key = {BR_EC_secp256r1, id->secret, sizeof id->secret};
	size_t order_size;
	const unsigned char *order = ec->order(BR_EC_secp256r1, &order_size);

	CHECK(order_size == sizeof id->secret && !id->made);
	if (secret.size != sizeof id->secret || !in_range(secret.data, order, order_size))
		return ERR_INVALID;
	memcpy(id->secret, secret.data, secret.size);
	if (br_ec_compute_pub(ec, NULL, id->public, &key) != sizeof id->public)
		return ERR_CRYPTO;
	id->made = true;
	return OK;
}

enum err identity_public(struct identity *id, struct slice *out)
{
	if (!id->made)
		TRY(make(id));
	*out = slice_of(id->public, sizeof id->public);
	return OK;
}

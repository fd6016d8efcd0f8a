/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/network.h"

enum { LABEL_MAX = 63, GROUPS = 8, NO_GAP = GROUPS + 1, V4_SIZE = 4, V6_SIZE = 16 };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_label_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* ---- names ---- */

static bool label_ok(struct slice label, bool *digits)
{
	*digits = true;
	for (size_t i = 0; i < label.size; i++) {
		if (!is_label_letter(label.data[i]))
			return false;
		*digits = *digits && is_digit(label.data[i]);
	}
	return label.size > 0 && label.size <= LABEL_MAX;
}

bool network_name_ok(struct slice name)
{
	bool digits = true;

	if (name.size == 0 || name.size > NETWORK_NAME_MAX)
		return false;
	for (size_t at = 0, end; at <= name.size; at = end + 1) {
		for (end = at; end < name.size && name.data[end] != '.';)
			end++;
		if (!label_ok(slice_of(name.data + at, end - at), &digits))
			return false;
	}
	/* "0x7f000001" is an address to resolvers, too. */
	return !digits && !(name.size > 1 && name.data[0] == '0' && name.data[1] == 'x');
}

bool network_pattern_ok(struct slice pattern)
{
	if (slice_is(pattern, "*"))
		return true;
	if (pattern.size > 2 && pattern.data[0] == '*' && pattern.data[1] == '.')
		pattern = slice_of(pattern.data + 2, pattern.size - 2);
	return network_name_ok(pattern);
}

/* ---- addresses ---- */

static bool take(struct slice *from, uint8_t c)
{
	if (from->size == 0 || from->data[0] != c)
		return false;
	*from = slice_of(from->data + 1, from->size - 1);
	return true;
}

/* Up to `most` digits of that base, without zeros in front. */
static bool number(struct slice *from, unsigned base, unsigned most, unsigned *out)
{
	size_t digits = 0;

	*out = 0;
	for (; digits < most && digits < from->size; digits++) {
		const uint8_t c = from->data[digits] | 0x20; /* letters become small, digits stay */
		const unsigned value = is_digit(c) ? c - (unsigned)'0' : c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;

		if (value >= base)
			break;
		if (digits > 0 && *out == 0)
			return false;
		*out = *out * base + value;
	}
	*from = slice_of(from->data + digits, from->size - digits);
	return digits > 0;
}

static bool parse_v4(struct slice text, uint8_t out[static V4_SIZE])
{
	unsigned value;

	for (size_t i = 0; i < V4_SIZE; i++) {
		if ((i > 0 && !take(&text, '.')) || !number(&text, 10, 3, &value) || value > UINT8_MAX)
			return false;
		out[i] = (uint8_t)value;
	}
	return text.size == 0;
}

/* Groups up to "::" or the end; those behind it are moved to where they belong. */
static bool parse_v6(struct slice text, uint8_t out[static V6_SIZE])
{
	size_t groups = 0, gap = NO_GAP;
	unsigned value;

	memset(out, 0, V6_SIZE);
	if (take(&text, ':')) {
		if (!take(&text, ':'))
			return false;
		gap = 0;
	}
	while (text.size > 0) {
		if (groups == GROUPS || !number(&text, 16, 4, &value))
			return false;
		out[2 * groups] = (uint8_t)(value >> 8);
		out[2 * groups + 1] = (uint8_t)value;
		groups++;
		if (text.size == 0)
			break;
		if (!take(&text, ':') || text.size == 0)
			return false;
		if (take(&text, ':')) {
			if (gap != NO_GAP)
				return false;
			gap = groups;
		}
	}
	if (gap == NO_GAP)
		return groups == GROUPS;
	if (groups == GROUPS) /* a gap of nothing */
		return false;
	memmove(out + V6_SIZE - 2 * (groups - gap), out + 2 * gap, 2 * (groups - gap));
	memset(out + 2 * gap, 0, V6_SIZE - 2 * groups);
	return true;
}

enum err network_address(struct slice text, uint8_t out[static NETWORK_ADDRESS_MAX], size_t *size)
{
	*size = parse_v4(text, out) ? V4_SIZE : parse_v6(text, out) ? V6_SIZE : 0;
	return *size > 0 ? OK : ERR_FORMAT;
}

static bool same_prefix(struct slice a, const uint8_t *b, uint32_t prefix)
{
	const size_t whole = prefix / 8;
	const unsigned rest = prefix % 8;

	if (whole > 0 && memcmp(a.data, b, whole) != 0)
		return false;
	return rest == 0 || ((a.data[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool network_prefix_ok(struct slice address, uint32_t prefix)
{
	if ((address.size != V4_SIZE && address.size != V6_SIZE) || prefix > 8 * address.size)
		return false;
	for (size_t bit = prefix; bit < 8 * address.size; bit++)
		if ((address.data[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

enum err network_host(struct slice text, char *out, size_t *size)
{
	uint8_t address[NETWORK_ADDRESS_MAX];
	size_t unused;

	if (text.size == 0 || text.size > NETWORK_NAME_MAX)
		return ERR_INVALID;
	for (size_t i = 0; i < text.size; i++) {
		const uint8_t c = text.data[i];

		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	*size = text.size;
	if (network_address(text, address, &unused) == OK || network_name_ok(slice_of(out, text.size)))
		return OK;
	return ERR_INVALID;
}

/* ---- rules ---- */

/* "*.example.org" fits what ends with ".example.org". */
static bool name_fits(struct slice pattern, struct slice host)
{
	struct slice tail;

	if (pattern.data[0] != '*')
		return slice_equal(pattern, host);
	tail = slice_of(pattern.data + 1, pattern.size - 1);
	return host.size > tail.size &&
	       slice_equal(tail, slice_of(host.data + host.size - tail.size, tail.size));
}

const struct manifest_egress *network_egress(const struct manifest_network *n, struct slice host, uint32_t port)
{
	uint8_t address[NETWORK_ADDRESS_MAX];
	size_t size = 0;
	bool literal = network_address(host, address, &size) == OK;

	for (size_t i = 0; i < n->egress_count; i++) {
		const struct manifest_egress *e = &n->egress[i];

		if (port < e->first || port > e->last)
			continue;
		if (e->host.size > 0 ? slice_is(e->host, "*") || (!literal && name_fits(e->host, host))
		                     : literal && e->address.size == size && same_prefix(e->address, address, e->prefix))
			return e;
	}
	return NULL;
}

bool network_ingress(const struct manifest_network *n, uint32_t port)
{
	for (size_t i = 0; i < n->ingress_count; i++)
		if (port >= n->ingress[i].first && port <= n->ingress[i].last)
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/rule.h"

#include "lib/base/hex.h"

enum { PORT_MAX = 65535, NUMBER_MAX = 5 };

static size_t find(struct slice s, uint8_t byte)
{
	size_t at = 0;

	while (at < s.size && s.data[at] != byte)
		at++;
	return at;
}

static struct slice before(struct slice s, size_t at)
{
	return slice_of(s.data, at);
}

static struct slice behind(struct slice s, size_t at)
{
	return at < s.size ? slice_of(s.data + at + 1, s.size - at - 1) : slice_of(s.data + s.size, 0);
}

static bool number(struct slice text, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*out = *out * 10 + (uint32_t)(text.data[i] - '0');
	}
	return text.size > 0 && text.size <= NUMBER_MAX;
}

enum err rule_ports_parse(struct slice text, uint32_t *first, uint32_t *last)
{
	const size_t dash = find(text, '-');

	if (!number(before(text, dash), first))
		return ERR_FORMAT;
	*last = *first;
	if (dash < text.size && !number(behind(text, dash), last))
		return ERR_FORMAT;
	return *first > 0 && *first <= *last && *last <= PORT_MAX ? OK : ERR_FORMAT;
}

/* Zeros behind the prefix are ours to make, but who writes something else there means something else. */
static enum err parse_network(struct slice address, struct slice prefix, struct rule_egress *out, struct note *n)
{
	if (network_address(address, out->address, &out->address_size) != OK)
		return refuse(n, ERR_FORMAT, "the address is none, as in \"10.0.0.0/8:443\" or \"[fd00::]/8:443\"");
	out->prefix = (uint32_t)(8 * out->address_size);
	if (prefix.data != NULL && (!number(prefix, &out->prefix) || out->prefix > 8 * out->address_size))
		return refuse(n, ERR_FORMAT, "behind the slash comes how many bits count: at most %u", (unsigned)(8 * out->address_size));
	if (!network_prefix_ok(slice_of(out->address, out->address_size), out->prefix))
		return refuse(n, ERR_FORMAT, "the address has bits behind its first %u; write zeros there", (unsigned)out->prefix);
	return OK;
}

static enum err parse_host(struct slice text, struct rule_egress *out, struct note *n)
{
	const size_t slash = find(text, '/');
	const struct slice host = before(text, slash);
	const struct slice prefix = slash < text.size ? behind(text, slash) : slice_of(NULL, 0);

	if (host.size > 1 && host.data[0] == '[' && host.data[host.size - 1] == ']')
		return parse_network(slice_of(host.data + 1, host.size - 2), prefix, out, n);
	if (prefix.data != NULL || network_address(host, out->address, &out->address_size) == OK)
		return parse_network(host, prefix, out, n);
	out->address_size = 0;
	if (host.size > NETWORK_NAME_MAX)
		return refuse(n, ERR_FORMAT, "the name is longer than %d bytes", NETWORK_NAME_MAX);
	for (size_t i = 0; i < host.size; i++)
		out->host[i] = (char)(host.data[i] >= 'A' && host.data[i] <= 'Z' ? host.data[i] | 0x20 : host.data[i]);
	out->host[host.size] = 0;
	if (!network_pattern_ok(slice_of(out->host, host.size)))
		return refuse(n, ERR_FORMAT, "the host is no DNS name, \"*.\" and a name, \"*\", or address");
	return OK;
}

static enum err parse_pin(struct slice text, struct rule_egress *out, struct note *n)
{
	const struct slice word = slice_text("pin=");

	out->pinned = text.size > 0;
	if (text.size == 0)
		return OK;
	if (text.size < word.size || memcmp(text.data, word.data, word.size) != 0 ||
	    hex_decode(slice_of(text.data + word.size, text.size - word.size), out->pin, sizeof out->pin) != OK)
		return refuse(n, ERR_FORMAT, "behind the port may come a space, pin= and 64 hexadecimal digits: SHA-256 of a "
		                             "SubjectPublicKeyInfo");
	return OK;
}

enum err rule_egress_parse(struct slice text, struct rule_egress *out, struct note *n)
{
	const size_t space = find(text, ' ');
	const struct slice where = before(text, space);
	size_t colon = where.size;

	*out = (struct rule_egress){.first = 1, .last = PORT_MAX};
	while (colon > 0 && where.data[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return refuse(n, ERR_FORMAT, "a rule is HOST:PORT, as in \"db.example.org:5432\"");
	TRY(parse_host(before(where, colon - 1), out, n));
	if (!slice_is(behind(where, colon - 1), "*") && rule_ports_parse(behind(where, colon - 1), &out->first, &out->last) != OK)
		return refuse(n, ERR_FORMAT, "the port is 1 to 65535, two of them with '-' between, or \"*\"");
	return parse_pin(behind(text, space), out, n);
}

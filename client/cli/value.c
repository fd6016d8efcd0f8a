/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/value.h"

#include "lib/base/hex.h"

#include <errno.h>
#include <stdlib.h>

enum err value_number(const struct cli *c, const char *option, uint64_t max, uint64_t *out, struct note *n)
{
	const char *text = cli_value(c, option);
	char *end = NULL;
	unsigned long long v;

	if (text == NULL)
		return OK;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || v > max)
		return refuse(n, ERR_INVALID, "--%s %s: a number up to %llu, in decimal or with 0x", option, text,
		              (unsigned long long)max);
	*out = v;
	return OK;
}

enum err value_bytes(const struct cli *c, const char *option, uint8_t *out, size_t size, struct note *n)
{
	const char *text = cli_value(c, option);

	if (text != NULL && hex_decode(slice_text(text), out, size) != OK)
		return refuse(n, ERR_INVALID, "--%s: %u hexadecimal digits", option, (unsigned)(2 * size));
	return OK;
}

enum err value_needed(const struct cli *c, const char *option, struct note *n)
{
	return cli_has(c, option) ? OK : refuse(n, ERR_INVALID, "--%s is missing", option);
}

enum err value_unwanted(const struct cli *c, const char *const *options, const char *what, struct note *n)
{
	for (; *options != NULL; options++)
		if (cli_has(c, *options))
			return refuse(n, ERR_INVALID, "--%s has no place in %s", *options, what);
	return OK;
}

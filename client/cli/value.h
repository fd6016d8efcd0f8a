/* SPDX-License-Identifier: Apache-2.0 */
/* Options whose values are numbers or bytes. One that was not given leaves *out as it is; one that is wrong is
 * ERR_INVALID with words. */
#ifndef BROCH_CLI_VALUE_H
#define BROCH_CLI_VALUE_H

#include "client/cli/cli.h"

/* A whole number up to max, in decimal, or with 0x or 0 in front as C has it. */
MUST_USE enum err value_number(const struct cli *c, const char *option, uint64_t max, uint64_t *out, struct note *n);
/* Exactly `size` bytes in hexadecimal digits. */
MUST_USE enum err value_bytes(const struct cli *c, const char *option, uint8_t *out, size_t size, struct note *n);
/* An option that this use of the verb cannot do without. */
MUST_USE enum err value_needed(const struct cli *c, const char *option, struct note *n);
/* Options, up to NULL, that mean nothing in this use of the verb, which `what` names. */
MUST_USE enum err value_unwanted(const struct cli *c, const char *const *options, const char *what, struct note *n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a workload may connect to and listen at run time: names and addresses as people write them, and the rules of its
 * manifest. A rule is about what the program names: a rule with an address fits an address, never a name that leads to it,
 * because names are resolved by the host, who says what it likes. Whom a name belongs to, TLS finds out.
 */
#ifndef BROCH_SESSION_NETWORK_H
#define BROCH_SESSION_NETWORK_H

#include "lib/session/manifest.h"

enum { NETWORK_NAME_MAX = 253, NETWORK_ADDRESS_MAX = 16 };

/*
 * A DNS name in small letters: labels of letters, digits, '-' and '_', not all digits in the last one (resolvers take such
 * names for addresses), no dot at the end.
 */
bool network_name_ok(struct slice name);
/* The same, or "*.", a name; or "*". */
bool network_pattern_ok(struct slice pattern);
/* 4 or 16 bytes, and nothing behind the first `prefix` bits. */
bool network_prefix_ok(struct slice address, uint32_t prefix);

/* "10.0.0.1", "fe80::1": 4 or 16 bytes into out. ERR_FORMAT. Only the usual form: four numbers, no zeros in front. */
MUST_USE enum err network_address(struct slice text, uint8_t out[static NETWORK_ADDRESS_MAX], size_t *size);

/* Letters become small. ERR_INVALID: neither a name nor an address. out: at least NETWORK_NAME_MAX. */
MUST_USE enum err network_host(struct slice text, char *out, size_t *size);

/* The first rule that fits a host as network_host gives it; NULL: it is not allowed. */
const struct manifest_egress *network_egress(const struct manifest_network *n, struct slice host, uint32_t port);
bool network_ingress(const struct manifest_network *n, uint32_t port);

#endif

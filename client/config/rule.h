/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of [network] as people write them. */
#ifndef BROCH_CLIENT_RULE_H
#define BROCH_CLIENT_RULE_H

#include "lib/base/err.h"
#include "lib/session/network.h"

struct rule_egress {
	char host[NETWORK_NAME_MAX + 1]; /* "": an address */
	uint8_t address[NETWORK_ADDRESS_MAX];
	size_t address_size;
	uint32_t prefix, first, last;
	bool pinned;
	uint8_t pin[32];
};

/*
 * "db.example.org:5432", "*.example.org:443", "10.0.0.0/8:*", "[fd00::]/8:8000-8999", "*:443"; behind it, after a space,
 * "pin=" and 64 hexadecimal digits. ERR_FORMAT; the note says what is wrong with it.
 */
MUST_USE enum err rule_egress_parse(struct slice text, struct rule_egress *out, struct note *n);
/* "8443", "8000-8010". ERR_FORMAT. */
MUST_USE enum err rule_ports_parse(struct slice text, uint32_t *first, uint32_t *last);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other ends of a workload's sockets, and the wires between: for the fake host. Each peer sends a text that only it
 * can send, expects it back, and ends. Some stall, some go early, some in the middle of a record; a wire may change,
 * lose, repeat and reorder what it carries. All of it is drawn from the dice (lies.h).
 */
#ifndef BROCH_TEST_PEERS_H
#define BROCH_TEST_PEERS_H

#include "test/hostile/fakehost.h"
#include "lib/tls/tls.h"

enum { PEERS_MAX = 4, PEERS_TEXT_MAX = 6000 };

struct peers_plan {
	bool tls;
	bool bad_wires;   /* else they carry what they are given */
	bool bad_hosts;   /* opening may fail, or never end */
	bool odd_peers;   /* some stall or go early */
	bool narrow;      /* wires take few bytes at a time */
	unsigned clients; /* that come to the listening socket */
	bool connects;    /* one more answers a connection of the Keep */
};

extern const struct fake_sockets peers;

void peers_begin(const struct peers_plan *plan);
void peers_over(void); /* gives back what they used */
/* The key that clients believe in; before the first one comes. */
void peers_expect(const uint8_t pin[static TLS_PIN_SIZE]);
/* The key of the one that the Keep connects to. */
void peers_own_pin(uint8_t out[static TLS_PIN_SIZE]);

/* Byte number `at` of what peer `who` sends; the first one says who it is. */
uint8_t peers_text(unsigned who, size_t at);
/* Is this all that it sent, and did it then say that it is over? */
bool peers_ended(unsigned who, size_t size);
/* How much it says. */
size_t peers_total(unsigned who);
/* Does it nothing odd? */
bool peers_kind(unsigned who);
/* Has every peer that is neither odd nor refused got its text back? */
bool peers_served(void);
/* NULL, or what a peer saw that it should not. */
const char *peers_fault(void);

#endif

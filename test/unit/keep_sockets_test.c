/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of a whole Keep when time does strange things: it jumps, and certificates end meanwhile. */
#include "test/hostile/fakehost.c"

/* As source, too: nobody else needs them hosted. */
#include "test/hostile/lies.c"
#include "test/hostile/peers.c"

#include "keep/run/port.h"
#include "keep/run/workload.h"
#include "keep/wasi/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define YEARS (UINT64_C(3) * 366 * 86400 * 1000000000)

static void (*story)(struct keep *k);
static char wrong[300]; /* what the Keep's thread saw: only the test's own may fail */

static void must(bool holds, const char *what)
{
	if (!holds && wrong[0] == 0)
		snprintf(wrong, sizeof wrong, "%s", what);
}

void workload_run(struct keep *k, struct msg_exit *end)
{
	(void)k, (void)end; /* run_alone has no use for it */
}

static struct {
	uint8_t bytes[200];
	size_t size;
} server_name;

static void take_name(void *ctx, const void *bytes, size_t size)
{
	(void)ctx;
	if (size > sizeof server_name.bytes - server_name.size)
		abort();
	memcpy(server_name.bytes + server_name.size, bytes, size);
	server_name.size += size;
}

/* The server's key and name are an anchor of ours: then its dates count, which a pin alone would not look at. */
static void believe_its_root(struct keep *k)
{
	static br_x509_trust_anchor anchor;
	static uint8_t digest[32];
	struct secure_settings s = {.manifest = digest, .servers = {.roots = &anchor, .root_count = 1}};
	br_x509_decoder_context decoder;

	server_name.size = 0;
	br_x509_decoder_init(&decoder, take_name, NULL);
	br_x509_decoder_push(&decoder, own.der, own.chain.data_len);
	anchor = (br_x509_trust_anchor){.dn = {server_name.bytes, server_name.size}};
	anchor.pkey.key_type = BR_KEYTYPE_EC;
	anchor.pkey.key.ec = (br_ec_public_key){BR_EC_secp256r1, own.point, sizeof own.point};
	secure_begin(&k->secure, &s, &k->identity, &k->memory, &k->sockets.meter);
}

static enum err connect_to_peer(struct keep *k, bool tls, uint32_t *socket, struct note *n)
{
	const struct manifest_descriptor d = {.kind = DESCRIPTOR_CONNECT,
	                                      .protocol = tls ? DESCRIPTOR_TLS : DESCRIPTOR_TCP,
	                                      .host = slice_text("peer"),
	                                      .port = 443};

	memset(n, 0, sizeof *n);
	return socket_open(k, &d, socket, n);
}

/* Gives back what comes, until the end. */
static size_t echo_all(uint32_t socket)
{
	uint8_t bytes[500];
	size_t got = 1, total = 0, put;

	while (got > 0) {
		enum err err = port_socket_read(socket, bytes, sizeof bytes, &got);

		if (err == ERR_AGAIN) {
			got = 1;
			port_socket_want(socket, PORT_SOCKET_READABLE);
			must(port_wait(false, UINT64_MAX) == OK, "port_wait(false, UINT64_MAX)");
			continue;
		}
		must(err == OK, "err");
		total += got;
		for (size_t at = 0; at < got; at += put) {
			port_socket_want(socket, PORT_SOCKET_WRITABLE);
			must(port_wait(false, UINT64_MAX) == OK, "port_wait(false, UINT64_MAX)");
			must(port_socket_write(socket, bytes + at, got - at, &put) == OK, "port_socket_write(socket, bytes + at, got - at, &put)");
		}
	}
	return total;
}

static void run_alone(const struct boot_info *boot)
{
	struct keep *k = wake_up(boot);

	k->phase = PHASE_LOADED;
	clock_set_wall(&k->clock, UINT64_C(1700000000000000000));
	k->wall_until = CLOCK_NEVER;
	k->memory.limit = 64 << 20;
	k->detached = true;
	must(ring_alloc(&k->ring, &k->memory.heap) == OK, "ring_alloc(&k->ring, &k->memory.heap)");
	port_bind(k);
	story(k);
	sockets_over(k);
	must(k->sockets.count == 0, "k->sockets.count");
}

static void tell(void (*s)(struct keep *k), bool tls, bool bad_hosts)
{
	const struct fake_options o = {.sockets = &peers, .run = run_alone, .alone = true};
	const struct peers_plan plan = {.tls = tls, .connects = true, .bad_hosts = bad_hosts};

	story = s;
	wrong[0] = 0;
	dice_seed(1);
	lies_begin(0);
	peers_begin(&plan);
	fake_start(&o);
	fake_turn();
	if (wrong[0] != 0)
		fail_msg("%s", wrong);
	assert_int_equal(fake_end(), FAKE_EXITED);
	assert_null(peers_fault());
	peers_over();
}

static void over_the_years(struct keep *k)
{
	uint32_t socket;
	struct note n;

	believe_its_root(k);
	if (connect_to_peer(k, true, &socket, &n) != OK) {
		must(false, n.text[0] != 0 ? n.text : "a connection that should not be");
		return;
	}
	f.now_ns += YEARS; /* its certificate ends; who was proved stays so */
	must(echo_all(socket) == peers_total(PEERS_MAX), "echo_all(socket)");
	port_socket_close(socket);
}

static void a_connection_outlives_its_certificate(void **state)
{
	(void)state;
	tell(over_the_years, true, false);
}

static void too_late(struct keep *k)
{
	uint32_t socket;
	struct note n;

	believe_its_root(k);
	f.now_ns += YEARS;
	if (connect_to_peer(k, true, &socket, &n) != ERR_IO) {
		must(false, n.text[0] != 0 ? n.text : "a connection that should not be");
		return;
	}
	if (strstr(n.text, "connecting to peer:443: TLS failed: ") == NULL || strstr(n.text, "not valid at this time") == NULL)
		must(false, n.text);
}

static void an_ended_certificate_is_refused_by_the_tenants_clock(void **state)
{
	(void)state;
	tell(too_late, true, false);
}

static void never_opened(struct keep *k)
{
	uint32_t socket;
	struct note n;
	const uint64_t before = port_monotonic_ns();

	/* the one that the dice refuse or leave open for ever */
	if (connect_to_peer(k, false, &socket, &n) != ERR_IO) {
		must(false, n.text[0] != 0 ? n.text : "a connection that should not be");
		return;
	}
	must(strstr(n.text, "no answer in 30 s") != NULL || strstr(n.text, "the host cannot") != NULL, "no clear words");
	must(port_monotonic_ns() - before < UINT64_C(60) * 1000000000, "port_monotonic_ns() - before < UINT64_C(60) * 1000000000");
}

static void waiting_for_the_host_ends(void **state)
{
	const struct fake_options o = {.sockets = &peers, .run = run_alone, .alone = true};
	const struct peers_plan plan = {.connects = true, .bad_hosts = true};

	(void)state;
	story = never_opened;
	wrong[0] = 0;
	for (uint64_t seed = 0, seen = 0; seen < 3; seed++) { /* one in three hosts is bad */
		assert_true(seed < 100);
		dice_seed(seed);
		lies_begin(0);
		peers_begin(&plan);
		(void)roll(4);
		if (roll(3) != 0)
			continue;
		dice_seed(seed);
		peers_begin(&plan);
		fake_start(&o);
		fake_turn();
		if (wrong[0] != 0)
			fail_msg("%s", wrong);
		assert_int_equal(fake_end(), FAKE_EXITED);
		seen++;
	}
	peers_over();
}

static void jumps(struct keep *k)
{
	uint32_t socket;
	struct note n;

	if (connect_to_peer(k, false, &socket, &n) != OK) {
		must(false, n.text[0] != 0 ? n.text : "a connection that should not be");
		return;
	}
	f.now_ns += YEARS;
	port_socket_want(socket, PORT_SOCKET_READABLE);
	must(port_wait(false, port_monotonic_ns()) == OK, "port_wait(false, port_monotonic_ns())"); /* a time that has come is no error */
	f.now_ns -= 2 * (YEARS / 3);                                  /* a counter that runs back does not take time back */
	must(port_monotonic_ns() >= YEARS, "port_monotonic_ns() >= YEARS");
	must(echo_all(socket) == peers_total(PEERS_MAX), "echo_all(socket)");
	port_socket_close(socket);
}

static void a_clock_that_jumps_cuts_nothing(void **state)
{
	(void)state;
	tell(jumps, false, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_connection_outlives_its_certificate),
	        cmocka_unit_test(an_ended_certificate_is_refused_by_the_tenants_clock),
	        cmocka_unit_test(waiting_for_the_host_ends),
	        cmocka_unit_test(a_clock_that_jumps_cuts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole Keep inside a test program: keep_main runs in a thread of its own, this is its host, and the test plays the
 * clients. The two threads take turns, so every run is the same: the Keep runs until it looks for something that has
 * not happened, then the test goes on. Time and random numbers are made here.
 */
#ifndef BROCH_TEST_FAKEHOST_H
#define BROCH_TEST_FAKEHOST_H

#include "abi/boot.h"
#include "abi/keepcall.h"
#include "lib/session/messages.h"

enum { FAKE_CHANNELS = 8 };

/* How the Keep ended. */
enum fake_end { FAKE_RUNS, FAKE_EXITED, FAKE_BROKEN, FAKE_CHECK, FAKE_STUCK };

/* A host that opens sockets; its channels come behind those of clients. The answers are those of abi/keepcall.h. */
struct fake_sockets {
	enum keepcall_status (*open)(uint64_t kind, struct slice name, uint64_t *channel);
	enum keepcall_status (*accept)(uint64_t listener, uint64_t *channel);
	enum keepcall_status (*send)(uint64_t channel, struct slice bytes, uint64_t *sent);
	enum keepcall_status (*receive)(uint64_t channel, uint8_t *to, size_t capacity, uint64_t *got);
	enum keepcall_status (*close)(uint64_t channel, uint64_t how);
	uint16_t (*ready)(uint64_t channel, uint16_t wanted);
	/* The peers do what they can. False: nothing. */
	bool (*step)(void);
};

struct fake_options {
	uint64_t seed;          /* of the random numbers */
	size_t pipe_size;       /* bytes under way in each direction before SEND says AGAIN; 0: 1 MiB */
	bool no_evidence;       /* EVIDENCE fails */
	uint64_t grow_max;      /* bytes GROW gives before it says NOMEM; 0: 1 GiB */
	/* A liar's chance: called with every answer, which it may change, and the in window. NULL: honest. */
	void (*lie)(void *ctx, volatile struct keepcall_page *page, uint8_t *in);
	void *lie_ctx;
	/* Called with code that is about to be sealed, which it may change. NULL: nobody does. */
	void (*touch_code)(uint8_t *code, size_t size);
	const struct fake_sockets *sockets; /* NULL: there are none */
	/* Runs in place of keep_main, without clients when it is alone: then time passes at once when nothing is ready, and
	 * a WAIT for ever ends it (FAKE_STUCK). */
	void (*run)(const struct boot_info *boot);
	bool alone;
	uint64_t calls_max;     /* the host gives up after so many calls (0: 10 million), for loops that lies cause */
};

/* Starts a Keep; the former one is gone, ended or not. */
void fake_start(const struct fake_options *o);
/* The Keep runs until it waits or ends. */
void fake_turn(void);
/* The Keep's WAIT times out; then as fake_turn. False: it waits for ever. */
bool fake_pass_time(void);
/* How long the WAIT lasts that the Keep is in, in ns. */
uint64_t fake_waits_for(void);
/* Time that passes while the Keep runs: each look at the clock takes so long (default 100 ns). */
void fake_clock_step(uint64_t ns);
enum fake_end fake_end(void);
uint64_t fake_exit_code(void);
uint64_t fake_calls(void);
uint32_t fake_restarts(void); /* as the Keep tells its host */
/* Was this byte string ever in one of the windows? What is secret must not be. */
void fake_watch(struct slice secret);
bool fake_leaked(void);

/* Connections, from the client's side. -1: the Keep has closed, or never took it. */
int fake_connect(void);
void fake_hang_up(int channel);
size_t fake_write(int channel, const void *data, size_t size);
size_t fake_room(int channel); /* for how many bytes more */
size_t fake_read(int channel, void *out, size_t capacity);
bool fake_closed(int channel); /* by the Keep */

/* A client that speaks the protocol. */
struct client {
	int channel;
	struct session *s;
	uint8_t secret[SESSION_SECRET_SIZE];
	uint8_t in[1 << 17];
	size_t in_at, in_size;
};

void client_connect(struct client *c);
void client_free(struct client *c);
/* Seals and writes all of it. */
enum err client_send(struct client *c, enum session_type type, struct slice body);
/* The next message; lets the Keep run when nothing has come. ERR_AGAIN: it waits and nothing came; ERR_CLOSED. */
enum err client_next(struct client *c, enum session_type *type, struct slice *body);

/* The usual way, step by step; each returns OK or what came instead. */
enum err client_shake(struct client *c);
enum err client_attest(struct client *c);
enum err client_deliver(struct client *c, struct slice manifest, const struct slice *blobs, size_t count);
enum err client_start(struct client *c);
enum err client_resume(struct client *c, const uint8_t secret[static SESSION_SECRET_SIZE]);

/* A manifest of one module, with these flags and limits. */
struct fake_restart {
	uint64_t when, times, pause_ns, pause_max_ns;
};
struct fake_package {
	struct slice module;
	struct fake_restart restart;
	uint32_t flags;
	uint64_t wall_ns, cpu_ns, memory_bytes;
};
/* Connect to READY in one go. */
enum err client_run(struct client *c, const struct fake_package *p);

#endif

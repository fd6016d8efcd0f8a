/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Keep's side of abi/keepcall.h: the one place where host memory is read or written. Each function rings once,
 * copies the answer once, checks it, and only then returns it. An answer that breaks the contract never returns: the
 * Keep stops with KEEPCALL_EXIT_HOST (hosted tests replace call_broken and longjmp out).
 *
 * Errors the host may legitimately give: ERR_AGAIN, ERR_CLOSED, ERR_UNSUPPORTED, ERR_NOMEM, ERR_IO.
 */
#ifndef BROCH_KEEP_CALL_H
#define BROCH_KEEP_CALL_H

#include "abi/boot.h"
#include "abi/keepcall.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

/* Once, before anything else. Checks the boot information (ours: measured) and notes where the shared area is. */
void call_init(const struct boot_info *boot);

NORETURN void call_exit(enum keepcall_exit code, uint64_t detail0, uint64_t detail1);
/* entries[].ready is set from the answer and never holds a bit that was not wanted, but for HANGUP. *ready counts. */
MUST_USE enum err call_wait(struct keepcall_poll *entries, size_t count, uint64_t timeout_ns, size_t *ready);
MUST_USE enum err call_send(uint32_t channel, struct slice data, size_t *sent);      /* at most a window per call */
MUST_USE enum err call_receive(uint32_t channel, void *buffer, size_t capacity, size_t *got);
MUST_USE enum err call_open(enum keepcall_channel kind, struct slice name, uint32_t *channel);
/* Why a channel that was asked for is closed: the host's word, for people. */
enum keepcall_why call_why(uint32_t channel);
MUST_USE enum err call_accept(uint32_t listener, uint32_t *channel);
void call_close(uint32_t channel);
/* Half: the peer will see the end of what was sent. */
MUST_USE enum err call_shut(uint32_t channel);
MUST_USE enum err call_grow(uint64_t address, uint64_t size);
/* Makes [address, address + size) executable and unwritable for ever: all that was grown in the code area since the last
 * time. From then on call_sealed knows it. ERR_NOMEM leaves the pages in neither state: never use them again. */
MUST_USE enum err call_seal(uint64_t address, uint64_t size);
/* All that was grown of one linear memory is absent again. ERR_NOMEM: it stays as it is. */
MUST_USE enum err call_drop(uint64_t address, uint64_t size);
/* Is this an address in sealed code? */
bool call_sealed(uint64_t address);
MUST_USE enum err call_time(uint64_t *wall_ns);
MUST_USE enum err call_evidence(const uint8_t report_data[static 64], uint8_t *buffer, size_t capacity, size_t *size);

/* Asynchronous hint, cheap enough for every loop: bits of KEEPCALL_ATTENTION_*. A lie costs time only. */
uint32_t call_attention(void);
/* How often the program was restarted: all the host is told of it. */
void call_tell_restarts(uint32_t count);
/* The hints of the page, copied at call_init. */
struct call_hints {
	uint64_t tsc_hz, wall_ns, wall_tsc;
};
struct call_hints call_hints(void);

/* Provided by the shim of each kind: rings the host and returns when it has answered. */
void door_ring(void);
/* Provided by the shim (exits with KEEPCALL_EXIT_HOST) or by a test. */
NORETURN void call_broken(const char *what);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door between a Keep and its host: twelve calls through one shared area.
 *
 * The shared area is host memory that both sides map (a VM Keep sees it as ordinary memory outside its measured pages;
 * in a confidential VM it is the unencrypted part). It holds one struct keepcall_page, then the out window (Keep to
 * host) and the in window (host to Keep). To call, the Keep writes the request fields and the out window, then rings:
 * one `out` to KEEPCALL_PORT in a VM, one byte written to and one read from the doorbell descriptor in a process. When
 * the ring returns, the host has written the answer fields and the in window.
 *
 * Neither side believes the other. Each copies the fields it needs once, checks the copy to the end, then uses it.
 * Everything secret that passes through a window is already encrypted.
 *
 * All integers are little-endian. Version 2.
 */
#ifndef BROCH_ABI_KEEPCALL_H
#define BROCH_ABI_KEEPCALL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KEEPCALL_VERSION = 2,
	KEEPCALL_PORT = 0x10,           /* VM: byte-wide `out`; the value is ignored */
	KEEPCALL_PAGE_SIZE = 4096,
	KEEPCALL_WINDOW_SIZE = 256 * 1024, /* each of the two windows */
	KEEPCALL_SHARED_SIZE = KEEPCALL_PAGE_SIZE + 2 * KEEPCALL_WINDOW_SIZE,
	KEEPCALL_OUT_OFFSET = KEEPCALL_PAGE_SIZE,
	KEEPCALL_IN_OFFSET = KEEPCALL_PAGE_SIZE + KEEPCALL_WINDOW_SIZE,
	KEEPCALL_CHANNEL_MAX = 2048,    /* channel numbers are below this */
	KEEPCALL_POLL_MAX = 2048,       /* entries of one WAIT */
	KEEPCALL_NAME_MAX = 256,
	KEEPCALL_EXTENT_MAX = 128,      /* runs of pages made by GROW */
	KEEPCALL_EVIDENCE_MAX = 48 * 1024,
};

/* Channel 0 exists from the start: a listener on which each client session arrives (WAIT says readable, then ACCEPT). */
enum { KEEPCALL_SESSIONS = 0 };

/*
 * CALL(number, name, request: arg[] and out window, answer: ret[] and in window)
 *   EXIT     arg0 code (enum keepcall_exit); never returns
 *   WAIT     arg0 entry count (0 is allowed), arg1 time-out in ns (KEEPCALL_FOREVER: none); out: struct keepcall_poll[count]
 *            -> in: the same entries in the same order with `ready` set; ret0 how many are ready (0: time-out or attention)
 *   SEND     arg0 channel, arg1 size; out: the bytes -> ret0 how many were taken (1..size), or AGAIN / CLOSED
 *   RECEIVE  arg0 channel, arg1 capacity -> ret0 how many came (1..capacity), in: the bytes; AGAIN / CLOSED, with ret1 enum
 *            keepcall_why where nothing came of an OPEN: a hint for people
 *   OPEN     arg0 enum keepcall_channel, arg1 name size; out: name, HOST:PORT of a TCP socket, a HOST with colons in [] and
 *            an empty one of LISTEN for all addresses -> ret0 channel, on which nothing moves (AGAIN) until the host has
 *            the socket. It is CLOSED, and WAIT says HANGUP, when the host cannot or will not;
 *            a connection is WRITABLE when the peer has answered, a listening socket as soon as it is there
 *   ACCEPT   arg0 listening channel -> ret0 new channel; AGAIN if none waits
 *   CLOSE    arg0 channel, arg1 enum keepcall_close. ALL: the number is free again. WRITE: the peer will see the end of
 *            what was sent, nothing more can be sent, receiving goes on
 *   GROW     arg0 address, arg1 size, both page-aligned, inside an area named in struct boot_info; arg2 enum keepcall_grow
 *            PAGES -> those pages are readable, writable, zero. Pages already present keep their content. The range
 *            either goes on where an extent (a run of present pages) ends, or begins a new one at a multiple of
 *            2 MiB; there are at most KEEPCALL_EXTENT_MAX. Whole aligned 2 MiB at a time are much the cheapest. The
 *            code area is one extent from its start on, and what is sealed of it cannot be asked for again.
 *            SEAL -> those pages of the code area are readable and executable, and nothing ever changes that. The range
 *            is all that was grown there since the last SEAL.
 *            DROP -> those pages are absent again, and their memory is the host's. The range is all that was grown of one
 *            linear memory, from its start on. A host that does not do it sees no more than before, but the Keep then
 *            finds pages where it takes them to be absent, with what was in them.
 *   TIME     -> ret0 the host's wall clock in ns since 1970: a hint
 *   EVIDENCE arg0 size (64); out: report data -> ret0 size, in: an evidence envelope (lib/attest/envelope.h)
 *   BLOCK_READ, BLOCK_WRITE  reserved for sealed storage: UNSUPPORTED in this version
 */
#define KEEPCALLS(CALL)                                                                                                \
	CALL(1, EXIT)                                                                                                  \
	CALL(2, WAIT)                                                                                                  \
	CALL(3, SEND)                                                                                                  \
	CALL(4, RECEIVE)                                                                                               \
	CALL(5, OPEN)                                                                                                  \
	CALL(6, ACCEPT)                                                                                                \
	CALL(7, CLOSE)                                                                                                 \
	CALL(8, GROW)                                                                                                  \
	CALL(9, TIME)                                                                                                  \
	CALL(10, EVIDENCE)                                                                                             \
	CALL(11, BLOCK_READ)                                                                                           \
	CALL(12, BLOCK_WRITE)

enum keepcall_op {
#define CALL(number, name) KEEPCALL_##name = number,
	KEEPCALLS(CALL)
#undef CALL
	KEEPCALL_LIMIT
};

enum keepcall_status {
	KEEPCALL_OK = 0,
	KEEPCALL_AGAIN = 1,       /* nothing there now; WAIT */
	KEEPCALL_CLOSED = 2,      /* the peer is gone; the channel is still to be closed */
	KEEPCALL_UNSUPPORTED = 3,
	KEEPCALL_INVALID = 4,     /* the request is against this contract */
	KEEPCALL_NOMEM = 5,
	KEEPCALL_FAILED = 6,
	KEEPCALL_STATUS_LIMIT
};

enum keepcall_grow { KEEPCALL_GROW_PAGES = 0, KEEPCALL_GROW_SEAL = 1, KEEPCALL_GROW_DROP = 2 };

enum keepcall_channel { KEEPCALL_CONNECT = 1, KEEPCALL_LISTEN = 2, KEEPCALL_STORE = 3 };
enum keepcall_why {
	KEEPCALL_WHY_UNKNOWN = 0,
	KEEPCALL_WHY_DENIED = 1,      /* the host's policy */
	KEEPCALL_WHY_REFUSED = 2,     /* nobody listens there */
	KEEPCALL_WHY_UNREACHABLE = 3, /* no way there, or no such name */
	KEEPCALL_WHY_IN_USE = 4,      /* the port */
	KEEPCALL_WHY_TIMED_OUT = 5,
	KEEPCALL_WHY_LIMIT
};
enum keepcall_close { KEEPCALL_CLOSE_ALL = 0, KEEPCALL_CLOSE_WRITE = 1 };

/* What the host may know about the end; everything else travels in the session. */
enum keepcall_exit {
	KEEPCALL_EXIT_DONE = 0,    /* the workload ended and its owner was told, or nobody came for it in time */
	KEEPCALL_EXIT_REFUSED = 1, /* no client delivered: it refused the evidence, broke the protocol, or went */
	KEEPCALL_EXIT_FATAL = 2,   /* a check inside the Keep failed */
	KEEPCALL_EXIT_FAULT = 3,   /* a CPU exception the runtime does not handle; arg1 vector, arg2 rip */
	KEEPCALL_EXIT_HOST = 4,    /* an answer of the host broke this contract */
};

#define KEEPCALL_FOREVER UINT64_MAX

enum keepcall_poll_events { KEEPCALL_READABLE = 1, KEEPCALL_WRITABLE = 2, KEEPCALL_HANGUP = 4 };

struct keepcall_poll {
	uint32_t channel;
	uint16_t wanted; /* enum keepcall_poll_events */
	uint16_t ready;  /* the answer */
};

/* Bits of keepcall_page.attention, set by the host at any time, cleared by the host when served. */
enum { KEEPCALL_ATTENTION_SESSION = 1 /* a client waits on channel 0 */ };

struct keepcall_page {
	/* Request, written by the Keep. */
	uint32_t op;
	uint32_t sequence; /* one more at each call, from 1; the answer repeats it */
	uint64_t arg[4];
	/* Answer, written by the host. */
	uint32_t status;
	uint32_t answered;
	uint64_t ret[2];
	/* Asynchronous, written by the host, polled by a Keep that computes. */
	uint32_t attention;
	uint32_t restarts; /* written by the Keep: lives of its program after the first, for the host's people */
	/* Hints, written by the host before the first instruction; a Keep must stay safe whatever they say. */
	uint64_t tsc_hz;        /* 0: unknown */
	uint64_t wall_ns;       /* host clock when wall_tsc was read */
	uint64_t wall_tsc;
};
static_assert(offsetof(struct keepcall_page, status) == 40, "keepcall ABI");
static_assert(offsetof(struct keepcall_page, attention) == 64, "keepcall ABI");
static_assert(sizeof(struct keepcall_page) == 96, "keepcall ABI");
static_assert(sizeof(struct keepcall_poll) == 8, "keepcall ABI");
static_assert(KEEPCALL_LIMIT == 13, "at most twelve calls");

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tenant delivers, version 2, as one deterministic CBOR map with integer keys (the public interface of evidence:
 * its SHA-256 is what third parties compare). There is one encoding for each manifest: a part that is empty or zero is left
 * out, never written as empty or zero; lists that have no order of their own are sorted. Unknown keys are refused: a
 * Keep that does not know what is asked of it cannot promise it.
 *   1 version (2)   2 module {1 sha256, 2 size}   3 args [text]   4 env [text "K=V"]
 *   5 files [{1 path, 2 sha256, 3 size, 4 mode}], read-only, sorted by path; relative, no "." or ".."
 *   6 limits {1 memory bytes, 2 wall ns, 3 cpu ns, 4 open descriptors, 5 bytes of written files, 6 sockets, 7 bytes over
 *     sockets}; one that is left out has its default, see the Keep
 *   7 flags (bit 0: the owner sends standard input; bit 1: detached, output is kept in a ring; bit 2: no root directory;
 *     bit 3: code made in the Keep is checked before it runs)   8 name (text, for people)
 *   9 descriptors [{1 kind, 2 name, 3 protocol, 4 host, 5 port}], numbers 0, 1, 2... of the program in this order; without
 *     the list: stdin, stdout, stderr. 3 to 5 are there for listen and connect, and only for those.
 *  10 mounts [{1 path, 2 bytes}]: writable folders in memory, each with its own limit, sorted by path as files are
 *  11 secrets [{1 kind, 2 target, 3 sha256, 4 size}]: of a sealed secret (below), sorted by kind and target. One of kind 3,
 *     whose target is "tls", is the key of the Keep's certificate: 32 bytes, a scalar of P-256, big-endian
 *  12 restart {1 when, 2 times at most, 3 first pause ns, 4 longest pause ns}
 *  13 tls {1 DNS names of the Keep's certificate [text], 2 ALPN [text], best first, 3 path of the file with the roots for
 *     servers, 4 their pins [bytes], 5 path of the file with the roots for clients, 6 their pins}: for sockets with tls. Roots
 *     are PEM and one of the files of part 5; a pin is SHA-256 of a SubjectPublicKeyInfo; pins are sorted
 *  14 network {1 egress [{1 host | 2 address, 3 prefix, 4 first port, 5 last port, 6 pin}], 2 ingress [{1 first port, 2 last
 *     port}]}: what the program may open when it runs, under /net. A host is a name, "*." before one, or "*"; an address has
 *     4 or 16 bytes, of which the first `prefix` bits count. The first rule that fits decides; ports to listen on are sorted
 *  15 libraries [{1 name, 2 sha256, 3 size}]: further modules, made in this order before the program. Each may import from
 *     those before it by their names, and the program from all of them
 *
 * Blobs follow in this order: module, libraries, files, secrets. A secret travels as SECRET_SALT random bytes, its size as u32
 * little-endian, its bytes, and zeros up to a multiple of SECRET_STEP: so neither digest nor size tell what it is.
 */
#ifndef BROCH_SESSION_MANIFEST_H
#define BROCH_SESSION_MANIFEST_H

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum {
	MANIFEST_SIZE_MAX = 4 << 20,
	MANIFEST_ARGS_MAX = 4096,
	MANIFEST_ENV_MAX = 4096,
	MANIFEST_FILES_MAX = 16384,
	MANIFEST_PATH_MAX = 1024,
	MANIFEST_MODULE_MAX = 256 << 20, /* of all modules together */
	MANIFEST_LIBRARIES_MAX = 16,
	MANIFEST_LIBRARY_NAME_MAX = 128,
	MANIFEST_DESCRIPTORS_MAX = 256,
	MANIFEST_DESCRIPTOR_NAME_MAX = 255,
	MANIFEST_MOUNTS_MAX = 8,
	MANIFEST_SECRETS_MAX = 256,
	MANIFEST_RESTARTS_MAX = 1000000,
	MANIFEST_TLS_NAMES_MAX = 16,
	MANIFEST_TLS_ALPN_MAX = 8,
	MANIFEST_TLS_PINS_MAX = 64,
	MANIFEST_RULES_MAX = 64, /* of egress, and of ingress */
	SECRET_SALT = 32,
	SECRET_HEAD = SECRET_SALT + 4,
	SECRET_STEP = 256,
	SECRET_SIZE_MAX = 1 << 20, /* as it travels */
};
#define MANIFEST_MEMORY_DEFAULT (UINT64_C(1) << 30)
#define MANIFEST_MOUNT_BYTES_MAX (UINT64_C(2) << 30)

/* CHECK_CODE: machine code that a compiler made in the Keep is proven to stay in its sandbox before it runs. */
enum manifest_flags { MANIFEST_STDIN = 1, MANIFEST_DETACHED = 2, MANIFEST_NO_ROOT = 4, MANIFEST_CHECK_CODE = 8 };

struct manifest_blob {
	uint8_t sha256[32];
	uint64_t size;
};

struct manifest_library {
	struct slice name; /* unique; what others say to import from it */
	struct manifest_blob blob;
};

struct manifest_file {
	struct slice path;
	struct manifest_blob blob;
	uint32_t mode; /* permission bits; 0444 or 0555 */
};

enum descriptor_kind {
	DESCRIPTOR_NULL = 1, /* reads end at once, writes vanish */
	DESCRIPTOR_STDIN,
	DESCRIPTOR_STDOUT,
	DESCRIPTOR_STDERR,
	DESCRIPTOR_LISTEN,
	DESCRIPTOR_CONNECT,
	DESCRIPTOR_KINDS,
};
const char *descriptor_kind_text(uint32_t kind); /* "null", "stdin"... */

enum descriptor_protocol { DESCRIPTOR_NO_PROTOCOL = 0, DESCRIPTOR_TCP, DESCRIPTOR_TLS };

struct manifest_descriptor {
	uint32_t kind;     /* enum descriptor_kind */
	struct slice name; /* not empty, no ':', which separates names in FD_NAMES */
	uint32_t protocol; /* enum descriptor_protocol; tcp or tls for listen and connect, else none */
	struct slice host; /* name or address: of the peer for connect, to bind to for listen; else empty */
	uint32_t port;     /* 1 to 65535 for listen and connect */
};

struct manifest_mount {
	struct slice path; /* as a file's */
	uint64_t bytes;    /* what may be in it; not 0 */
};

enum secret_kind { SECRET_ENV = 1, SECRET_FILE, SECRET_TLS_KEY };
#define SECRET_TLS_TARGET "tls" /* of the one SECRET_TLS_KEY there may be */

struct manifest_secret {
	uint32_t kind;             /* enum secret_kind */
	struct slice target;       /* name of the environment variable, path as a file's, or SECRET_TLS_TARGET */
	struct manifest_blob blob; /* sealed, as described on top */
};

enum restart_when { RESTART_NEVER = 0, RESTART_ON_FAILURE, RESTART_ALWAYS };

/* Whom the workload's TLS believes; both empty: what that means is the socket's business. */
struct manifest_trust {
	struct slice roots; /* path of one of the files, "" for none */
	struct slice *pins; /* 32 bytes each */
	size_t pin_count;
};

struct manifest_tls {
	struct slice *names, *alpn;
	size_t name_count, alpn_count;
	struct manifest_trust servers, clients;
};
bool manifest_tls_said(const struct manifest_tls *t); /* anything at all? */

struct manifest_egress {
	struct slice host, address; /* one of them; host in lower case, see lib/session/network.h */
	uint32_t prefix;            /* bits of the address that count; the others are 0 */
	uint32_t first, last;       /* ports */
	struct slice pin;           /* 32 bytes: only TLS, and to this key whoever vouches for it; empty: no such demand */
};

struct manifest_ports {
	uint32_t first, last;
};

struct manifest_network { /* without rules nothing is opened at run time, and there is no /net */
	struct manifest_egress *egress;
	size_t egress_count;
	struct manifest_ports *ingress;
	size_t ingress_count;
};
bool manifest_network_said(const struct manifest_network *n);

struct manifest {
	struct manifest_blob module;
	struct slice *args, *env;
	size_t arg_count, env_count;
	struct manifest_file *files;
	size_t file_count;
	struct {
		uint64_t memory_bytes, wall_ns, cpu_ns, open_files, file_bytes, sockets, network_bytes;
	} limits;
	uint32_t flags;
	struct slice name;
	struct manifest_descriptor *descriptors;
	size_t descriptor_count; /* 0: stdin, stdout, stderr */
	struct manifest_mount *mounts;
	size_t mount_count;
	struct manifest_secret *secrets;
	size_t secret_count;
	struct {
		uint64_t when, times, pause_ns, pause_max_ns; /* enum restart_when; all 0 for never */
	} restart;
	struct manifest_tls tls;
	struct manifest_network network;
	struct manifest_library *libraries;
	size_t library_count;
};
/* NULL: it can be a library's name, if no other has it. Otherwise what is wrong with it. */
const char *manifest_library_name_fault(struct slice name);

/* Slices point into `cbor`, arrays live in the arena; both must outlive *out. */
MUST_USE enum err manifest_decode(struct arena *a, struct slice cbor, struct manifest *out, struct note *n);
/* Canonical bytes into out; ERR_SPACE when they do not fit, ERR_INVALID for what decode would refuse. */
MUST_USE enum err manifest_encode(const struct manifest *m, void *out, size_t capacity, size_t *size, struct note *n);
/* The rules both ask (manifest_check.c). ERR_INVALID, ERR_LIMIT. */
MUST_USE enum err manifest_check(const struct manifest *m, struct note *n);

/* Seals a value; the salt is random and used once. ERR_LIMIT when it is too large, ERR_SPACE. */
MUST_USE enum err secret_seal(const uint8_t salt[static SECRET_SALT], struct slice value, void *out, size_t capacity, size_t *size);
/* What is in a sealed secret; ERR_FORMAT. *out points into the blob. */
MUST_USE enum err secret_open(struct slice blob, struct slice *out);
/* How large it is sealed; 0: too large. */
size_t secret_sealed_size(size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a workload is given: Enarx.toml or broch.toml, then the command line over it. Each value knows where it came from.
 * doc/configuration.md explains the files to people; this is the struct both end in.
 *
 * A file named Enarx.toml is read by Enarx's rules (top-level keys it does not know are passed over, with a remark),
 * any other by Broch's, which are stricter and know more tables. Nothing here touches the files that are named.
 */
#ifndef BROCH_CLIENT_CONFIG_H
#define BROCH_CLIENT_CONFIG_H

#include "client/config/rule.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

enum origin_kind { FROM_DEFAULT, FROM_FILE, FROM_COMMAND };
struct origin {
	enum origin_kind kind;
	const char *file; /* FROM_FILE */
	unsigned line;
};

struct config_arg {
	const char *text;
	struct origin from;
};

struct config_variable {
	const char *name, *value;
	struct origin from;
};

struct config_descriptor { /* as in lib/session/manifest.h */
	uint32_t kind, protocol, port;
	const char *name, *host;
	struct origin from;
};

enum config_mount_kind { MOUNT_PACKAGE, MOUNT_MEMORY };
struct config_mount {
	enum config_mount_kind kind;
	const char *guest;  /* relative, without "." and ".."; "" for the root (package only) */
	const char *source; /* package: a folder or file of ours */
	uint64_t bytes;     /* memory */
	struct origin from;
};

struct config_secret {
	bool env;           /* else a file */
	const char *target; /* the variable, or the path, relative as above */
	const char *source; /* a file of ours, or NULL: the descriptor */
	int fd;
	struct origin from;
};

struct config_module { /* beside the program */
	const char *name;   /* what others say to import from it */
	const char *source; /* a file of ours */
	struct origin from;
};

struct config_trust {
	const char *roots; /* a file of ours, PEM; NULL: none */
	uint8_t (*pins)[32];
	size_t pin_count;
};

struct config_tls { /* for sockets with tls */
	const char **names, **alpn;
	size_t name_count, alpn_count;
	const char *key; /* a file of ours, PEM; NULL: the Keep makes one */
	struct config_trust servers, clients;
	struct origin from; /* FROM_DEFAULT: nothing was said */
};

struct config_egress {
	const char *text; /* as it was written */
	struct rule_egress rule;
	struct origin from;
};

struct config_ingress {
	uint32_t first, last;
	struct origin from;
};

/* In the order of the manifest. */
enum config_limit { LIMIT_MEMORY, LIMIT_WALL, LIMIT_CPU, LIMIT_FILES, LIMIT_FILE_BYTES, LIMIT_SOCKETS, LIMIT_NETWORK_BYTES,
		    CONFIG_LIMITS };
enum config_unit { UNIT_BYTES, UNIT_TIME, UNIT_COUNT };
struct config_limit_info {
	const char *key, *option; /* in [limits]; on the command line, or NULL */
	enum config_unit unit;
};
extern const struct config_limit_info config_limits[CONFIG_LIMITS];

struct config_number {
	uint64_t value; /* 0: not given */
	struct origin from;
};

struct config { /* heap; to be read, and changed by the functions below only */
	const char *file; /* NULL: none was read */
	bool enarx;
	const char *steward;
	bool no_root; /* the program does not find / open */
	struct config_arg *args;
	size_t arg_count;
	struct config_variable *env;
	size_t env_count;
	struct config_descriptor *descriptors; /* at least 3 if there are any: see doc/configuration.md about empty `files` */
	size_t descriptor_count;
	size_t named_count; /* how many of them are the file's */
	struct config_mount *mounts;
	size_t mount_count;
	struct config_secret *secrets;
	size_t secret_count;
	struct config_module *modules; /* in the order in which they are made */
	size_t module_count;
	struct config_number limits[CONFIG_LIMITS];
	struct {
		uint64_t when, times, pause_ns, pause_max_ns; /* as in lib/session/manifest.h */
		struct origin from;
	} restart;
	struct config_tls tls;
	struct config_egress *egress; /* the first that fits decides */
	size_t egress_count;
	struct config_ingress *ingress;
	size_t ingress_count;
	const char **remarks; /* what people should know, a line each */
	size_t remark_count;
	void *owned; /* private: the strings */
};

MUST_USE enum err config_new(struct config **out);
void config_free(struct config *c); /* takes NULL */

/* Once, before anything else is set. ERR_NOT_FOUND, ERR_PERMISSION, ERR_FORMAT, ERR_INVALID; the note says where. */
MUST_USE enum err config_load(struct config *c, const char *path, struct note *n);
/* The same from memory (config_read.c). */
MUST_USE enum err config_read(struct config *c, struct slice toml, const char *path, struct note *n);

/* Forgets the arguments so far, for who gives others. */
void config_clear_args(struct config *c);
MUST_USE enum err config_add_arg(struct config *c, const char *text, struct origin from);
/* A later value of a variable replaces an earlier one. */
MUST_USE enum err config_set_env(struct config *c, struct slice name, const char *value, struct origin from, struct note *n);
/* Lines "K=V" or "K" (taken from our environment); empty lines and lines starting with '#' are skipped. */
MUST_USE enum err config_env_file(struct config *c, const char *path, struct note *n);
MUST_USE enum err config_add_mount(struct config *c, const struct config_mount *m);
MUST_USE enum err config_add_descriptor(struct config *c, const struct config_descriptor *d);
MUST_USE enum err config_add_secret(struct config *c, const struct config_secret *s);
MUST_USE enum err config_add_module(struct config *c, const struct config_module *m);
MUST_USE enum err config_add_egress(struct config *c, const struct config_egress *e);
MUST_USE enum err config_add_ingress(struct config *c, const struct config_ingress *i);
/* One more name; the text must be the config's. */
MUST_USE enum err config_add_text(const char ***list, size_t *count, const char *text);
MUST_USE enum err config_add_pin(struct config_trust *t, const uint8_t pin[static 32]);
PRINTF_LIKE(2, 3) enum err config_remark(struct config *c, const char *fmt, ...);
/* A copy that lives as long as the config; NULL without memory. */
const char *config_keep(struct config *c, struct slice text);

/*
 * A path in the Keep as people write it ("/data//x/", "data") to what manifests hold ("data/x"). ERR_INVALID for "..",
 * ERR_LIMIT when it does not fit.
 */
MUST_USE enum err config_guest_path(struct slice text, char *out, size_t capacity);
/* "64MiB", "10s", "12": into the limit's unit. ERR_FORMAT, ERR_RANGE. */
MUST_USE enum err config_limit_parse(enum config_limit which, struct slice text, uint64_t *out);

#endif

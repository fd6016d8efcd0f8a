/* SPDX-License-Identifier: Apache-2.0 */
#include "test/tiers/log.h"

#include <string.h>

static void put(FILE *f, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		putc_unlocked((int)(v >> (8 * i) & 0xff), f);
}

/* The reason alone, without the place. */
static void put_why(FILE *f, const struct outcome *o)
{
	const char *place = strstr(o->why, " in function");
	size_t size = place == NULL ? strlen(o->why) : (size_t)(place - o->why);

	size = o->err == OK ? 0 : size > 255 ? 255 : size;
	put(f, size, 1);
	fwrite(o->why, 1, size, f);
}

static void put_call(FILE *f, const struct outcome *o)
{
	put(f, o->function, 1);
	for (unsigned i = 0; i < RUN_PARAMS; i++)
		put(f, o->args[i], 8);
	put_why(f, o);
	put(f, o->count, 1);
	for (uint32_t i = 0; i < o->count; i++)
		put(f, o->values[i], 8);
}

/* Blocks that are not all zero, each behind its number, and an end. */
static void put_memory(FILE *f, const uint8_t *memory, uint64_t size)
{
	static const uint8_t zeros[LOG_BLOCK];

	for (uint64_t at = 0; at < size; at += LOG_BLOCK) {
		if (memcmp(memory + at, zeros, LOG_BLOCK) == 0)
			continue;
		put(f, at / LOG_BLOCK, 4);
		fwrite(memory + at, 1, LOG_BLOCK, f);
	}
	put(f, UINT32_MAX, 4);
}

bool log_write(FILE *f, uint64_t seed, struct slice module, const struct run *r)
{
	put(f, seed, 8);
	put(f, module.size, 4);
	fwrite(module.data, 1, module.size, f);
	put_why(f, &r->start);
	put(f, r->call_count, 1);
	for (uint32_t i = 0; i < r->call_count; i++)
		put_call(f, &r->calls[i]);
	put(f, r->global_count, 1);
	for (uint32_t i = 0; i < r->global_count; i++)
		put(f, r->globals[i], 8);
	put(f, r->table_count, 1);
	for (uint32_t i = 0; i < r->table_count; i++) {
		put(f, r->tables[i].size, 4);
		put(f, r->tables[i].digest, 4);
	}
	put(f, r->host_calls, 4);
	put(f, r->host_digest, 4);
	put(f, r->memory_size / WASM_PAGE_SIZE, 4);
	put_memory(f, r->memory, r->memory_size);
	return ferror(f) == 0;
}

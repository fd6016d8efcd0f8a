/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/opened.h"

#include <sys/mman.h>

enum { ARENA = 64 << 20 /* of addresses */ };

enum err opened_read(struct slice cbor, struct opened *out, struct note *n)
{
	void *memory = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct arena a;
	enum err err;

	if (memory == MAP_FAILED)
		return ERR_NOMEM;
	out->memory = memory;
	a = arena_of(memory, ARENA);
	err = manifest_decode(&a, cbor, &out->m, n);
	if (err != OK)
		opened_free(out);
	return err;
}

void opened_free(struct opened *o)
{
	if (o->memory != NULL)
		munmap(o->memory, ARENA);
	*o = (struct opened){.memory = NULL};
}

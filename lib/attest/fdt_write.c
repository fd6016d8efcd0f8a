/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/fdt_write.h"

enum { NODE = 1, NODE_END = 2, PROPERTY = 3, END = 9, VERSION = 17, COMPATIBLE = 16 };
enum { HEAD_SIZE = 40, RESERVED_SIZE = 16, ALIGN = 4 };
#define MAGIC UINT32_C(0xd00dfeed)

static enum err align(struct writer *w)
{
	return wr_zero(w, -wr_used(w) % ALIGN);
}

enum err fdt_begin(struct fdt_writer *t, void *room, size_t size)
{
	t->body = wr_of(room, size);
	t->strings_size = t->open = 0;
	return fdt_node(t, "");
}

enum err fdt_node(struct fdt_writer *t, const char *name)
{
	TRY(wr_u32be(&t->body, NODE));
	TRY(wr_bytes(&t->body, slice_of(name, strlen(name) + 1)));
	t->open++;
	return align(&t->body);
}

/* Each name stands once among the strings. */
static enum err name_at(struct fdt_writer *t, const char *name, uint32_t *at)
{
	const size_t size = strlen(name) + 1;

	for (size_t i = 0; i < t->strings_size; i += strlen(t->strings + i) + 1)
		if (strcmp(t->strings + i, name) == 0) {
			*at = (uint32_t)i;
			return OK;
		}
	if (size > sizeof t->strings - t->strings_size)
		return ERR_SPACE;
	memcpy(t->strings + t->strings_size, name, size);
	*at = (uint32_t)t->strings_size;
	t->strings_size += size;
	return OK;
}

enum err fdt_property(struct fdt_writer *t, const char *name, struct slice value)
{
	uint32_t at = 0;

	if (value.size > UINT32_MAX)
		return ERR_SPACE;
	TRY(name_at(t, name, &at));
	TRY(wr_u32be(&t->body, PROPERTY));
	TRY(wr_u32be(&t->body, (uint32_t)value.size));
	TRY(wr_u32be(&t->body, at));
	TRY(wr_bytes(&t->body, value));
	return align(&t->body);
}

enum err fdt_text(struct fdt_writer *t, const char *name, const char *value)
{
	return fdt_property(t, name, slice_of(value, strlen(value) + 1));
}

enum err fdt_close(struct fdt_writer *t)
{
	if (t->open == 0)
		return ERR_STATE;
	t->open--;
	return wr_u32be(&t->body, NODE_END);
}

enum err fdt_finish(struct fdt_writer *t, struct writer *out)
{
	uint32_t structure, strings = (uint32_t)t->strings_size;

	if (t->open != 1)
		return ERR_STATE;
	TRY(fdt_close(t));
	TRY(wr_u32be(&t->body, END));
	structure = (uint32_t)wr_used(&t->body);
	{
		const uint32_t head[] = {MAGIC,
		                         HEAD_SIZE + RESERVED_SIZE + structure + strings,
		                         HEAD_SIZE + RESERVED_SIZE,
		                         HEAD_SIZE + RESERVED_SIZE + structure,
		                         HEAD_SIZE,
		                         VERSION,
		                         COMPATIBLE,
		                         0,
		                         strings,
		                         structure};

		for (size_t i = 0; i < ARRAY_COUNT(head); i++)
			TRY(wr_u32be(out, head[i]));
	}
	TRY(wr_zero(out, RESERVED_SIZE)); /* an empty list of reserved memory */
	TRY(wr_bytes(out, wr_slice(&t->body)));
	return wr_bytes(out, slice_of(t->strings, t->strings_size));
}

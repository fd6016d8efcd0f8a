/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/fdt.h"

enum { MAGIC_HIGH = 0xd00d, MAGIC_LOW = 0xfeed, VERSION = 17, COMPATIBLE = 16 };
enum { NODE = 1, NODE_END = 2, PROPERTY = 3, NOTHING = 4, END = 9 };

struct walk {
	struct reader r;
	struct slice strings;
	char path[FDT_PATH_MAX];
	size_t ends[FDT_DEPTH_MAX]; /* length of the path at each depth */
	size_t depth;
};

static enum err block(struct slice in, uint32_t at, uint32_t size, struct slice *out)
{
	if (at > in.size || size > in.size - at)
		return ERR_TRUNCATED;
	*out = slice_of(in.data + at, size);
	return OK;
}

static enum err header(struct slice in, struct walk *w)
{
	struct reader r = rd_of(in);
	uint16_t high, low;
	uint32_t f[9]; /* size, structure, strings, reserved, version, compatible, boot CPU, strings' size, structure's
	                  size */
	struct slice tree, structure;

	TRY(rd_u16be(&r, &high));
	TRY(rd_u16be(&r, &low));
	for (size_t i = 0; i < ARRAY_COUNT(f); i++)
		TRY(rd_u32be(&r, &f[i]));
	if (high != MAGIC_HIGH || low != MAGIC_LOW)
		return ERR_FORMAT;
	if (f[4] < VERSION || f[5] > VERSION || f[5] < COMPATIBLE)
		return ERR_VERSION;
	TRY(block(in, 0, f[0], &tree));
	TRY(block(tree, f[1], f[8], &structure));
	TRY(block(tree, f[2], f[7], &w->strings));
	w->r = rd_of(structure);
	return OK;
}

/* The specification (2.2.1, 2.2.4) lets names be of a few ASCII characters. Here whatever can be printed passes: names get
 * into messages. */
static enum err name_at(struct slice from, size_t at, struct slice *out)
{
	const uint8_t *zero;

	if (at >= from.size)
		return ERR_TRUNCATED;
	zero = memchr(from.data + at, 0, from.size - at);
	if (zero == NULL)
		return ERR_TRUNCATED;
	*out = slice_of(from.data + at, (size_t)(zero - from.data) - at);
	return slice_within(*out, ' ', '~') ? OK : ERR_FORMAT;
}

static enum err align(struct reader *r)
{
	return rd_skip(r, (4 - rd_offset(r) % 4) % 4);
}

static enum err enter(struct walk *w)
{
	size_t end = w->depth == 0 ? 0 : w->ends[w->depth - 1];
	struct reader ahead = w->r;
	struct slice rest, name;

	TRY(rd_bytes(&ahead, rd_left(&ahead), &rest));
	TRY(name_at(rest, 0, &name));
	TRY(rd_skip(&w->r, name.size + 1));
	TRY(align(&w->r));
	if (w->depth == FDT_DEPTH_MAX || end + name.size + 2 > sizeof w->path)
		return ERR_LIMIT;
	if ((w->depth == 0) != (name.size == 0) || (name.size > 0 && memchr(name.data, '/', name.size) != NULL))
		return ERR_FORMAT;
	if (w->depth > 0) {
		w->path[end++] = '/';
		memcpy(w->path + end, name.data, name.size);
		end += name.size;
	}
	w->path[end] = 0;
	w->ends[w->depth++] = end;
	return OK;
}

static enum err leave(struct walk *w)
{
	if (w->depth == 0)
		return ERR_FORMAT;
	w->depth--;
	w->path[w->depth == 0 ? 0 : w->ends[w->depth - 1]] = 0;
	return OK;
}

static enum err property(struct walk *w, fdt_visit *visit, void *context)
{
	uint32_t size, at;
	struct slice name, value;

	TRY(rd_u32be(&w->r, &size));
	TRY(rd_u32be(&w->r, &at));
	TRY(rd_bytes(&w->r, size, &value));
	TRY(align(&w->r));
	TRY(name_at(w->strings, at, &name));
	if (w->depth == 0)
		return ERR_FORMAT;
	return visit(context, w->depth == 1 ? "/" : w->path, name, value);
}

enum err fdt_walk(struct slice in, fdt_visit *visit, void *context)
{
	struct walk w = {.depth = 0};
	bool root = false;

	TRY(header(in, &w));
	for (;;) {
		uint32_t token;

		TRY(rd_u32be(&w.r, &token));
		if (token == NODE && !(root && w.depth == 0)) {
			root = true;
			TRY(enter(&w));
		} else if (token == NODE_END) {
			TRY(leave(&w));
		} else if (token == PROPERTY) {
			TRY(property(&w, visit, context));
		} else if (token == END) {
			return root && w.depth == 0 ? rd_end(&w.r) : ERR_FORMAT;
		} else if (token != NOTHING) {
			return ERR_FORMAT;
		}
	}
}

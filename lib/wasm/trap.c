/* SPDX-License-Identifier: Apache-2.0 */
/* What to tell about a trap: the function, its name, and where in the module. All of it is looked up only then. */
#include "lib/wasm/module.h"

#include "lib/wasm/leb.h"

/* ---- names ---- */

/* Printable ASCII only, so that a name can be shown anywhere; cut with "..." when it is long. */
static void copy_name(struct slice name, char out[static FUNCTION_NAME_MAX])
{
	size_t n = name.size < FUNCTION_NAME_MAX ? name.size : FUNCTION_NAME_MAX - 4;

	for (size_t i = 0; i < n; i++)
		out[i] = name.data[i] >= 0x20 && name.data[i] < 0x7f && name.data[i] != '"' ? (char)name.data[i] : '?';
	memcpy(out + n, n < name.size ? "..." : "", n < name.size ? 4 : 1);
}

/* Subsection 1 of the name section: a vector of (index, name). Its contents may be anything. */
static enum err find_in_names(struct reader r, uint32_t index, struct slice *out)
{
	uint32_t count, i, size;

	TRY(leb_u32(&r, &count));
	for (; count > 0; count--) {
		TRY(leb_u32(&r, &i));
		TRY(leb_u32(&r, &size));
		TRY(rd_bytes(&r, size, out));
		if (i == index)
			return OK;
	}
	return ERR_NOT_FOUND;
}

static enum err find_name(const struct wasm_module *m, uint32_t index, struct slice *out)
{
	struct reader r = rd_of(m->names), sub;
	uint32_t size;
	uint8_t id;

	while (rd_left(&r) > 0) {
		TRY(leb_byte(&r, &id));
		TRY(leb_u32(&r, &size));
		TRY(rd_sub(&r, size, &sub));
		if (id == 1)
			return find_in_names(sub, index, out);
	}
	return ERR_NOT_FOUND;
}

void function_name(const struct wasm_module *m, uint32_t index, char out[static FUNCTION_NAME_MAX])
{
	struct slice name;

	out[0] = 0;
	if (find_name(m, index, &name) == OK) {
		copy_name(name, out);
		return;
	}
	for (uint32_t i = 0; i < m->export_count; i++)
		if (m->exports[i].kind == WASM_FUNC && m->exports[i].index == index) {
			copy_name(m->exports[i].name, out);
			return;
		}
	for (uint32_t i = 0; i < m->import_count; i++)
		if (m->imports[i].kind == WASM_FUNC && m->imports[i].index == index)
			copy_name(m->imports[i].name, out);
}

/* ---- places ---- */

/* Bodies lie in the arena in their order. */
static const struct body *find_body(const struct wasm_module *m, const code_t *pc, uint32_t *index)
{
	uint32_t low = 0, high = m->function_count - m->imported_functions;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct body *b = &m->bodies[middle];

		if ((uintptr_t)pc < (uintptr_t)b->code)
			high = middle;
		else if ((uintptr_t)pc >= (uintptr_t)(b->code + b->size))
			low = middle + 1;
		else {
			*index = m->imported_functions + middle;
			return b;
		}
	}
	return NULL;
}

/* The offset in the module of the instruction at this unit of the code; of the body, when it is no site. */
static uint32_t find_site(const struct body *b, uint32_t unit)
{
	struct reader r = rd_of(slice_of(b->sites, b->sites_size));
	uint32_t at = 0, offset = b->offset, found = b->offset, units, bytes;

	while (rd_left(&r) > 0 && at <= unit) {
		if (leb_u32(&r, &units) != OK || leb_u32(&r, &bytes) != OK)
			break;
		at += units;
		offset += bytes;
		if (at == unit)
			found = offset; /* loops that begin here come before the instruction that traps */
	}
	return found;
}

bool loop_place(const struct wasm_module *m, const code_t *pc, uint32_t *function, uint32_t *offset)
{
	const struct body *b = find_body(m, pc, function);
	uint32_t at = 0, units, bytes;
	struct reader r;

	if (b == NULL)
		return false;
	*offset = b->offset;
	r = rd_of(slice_of(b->sites, b->sites_size));
	while (rd_left(&r) > 0 && leb_u32(&r, &units) == OK && leb_u32(&r, &bytes) == OK) {
		at += units;
		*offset += bytes;
		if (at >= (uint32_t)(pc - b->code))
			return at == (uint32_t)(pc - b->code) && m->bytes.data[*offset] == OPCODE_LOOP;
	}
	return false;
}

void find_running(const struct wasm_store *s, const struct wasm_module *m, bool *running)
{
	const struct wasm_instance *i = s->poll_instance;
	const code_t *pc = s->poll_pc;
	const uint64_t *fp = s->poll_fp;
	const struct body *b;
	uint32_t index;

	if (pc == NULL)
		return;
	if (s->depth > 1)
		memset(running, true, m->function_count - m->imported_functions);
	/* What called the outermost one lies in no body. */
	while ((b = find_body(i->module, pc, &index)) != NULL) {
		const uint64_t *saved = fp + b->locals;

		if (i->module == m)
			running[index - m->imported_functions] = true;
		pc = (const code_t *)(uintptr_t)saved[FRAME_PC];
		fp = (const uint64_t *)(uintptr_t)saved[FRAME_FP];
		i = (const struct wasm_instance *)(uintptr_t)saved[FRAME_INSTANCE];
	}
}

static bool find_place(const struct wasm_store *s, const struct wasm_module *m, uint32_t *index, uint32_t *offset)
{
	const struct body *b;

	if (s->trap_native != NULL)
		return native_place(m, s->trap_native, index, offset);
	b = s->trap_pc == NULL ? NULL : find_body(m, s->trap_pc, index);
	if (b == NULL)
		return false;
	*offset = find_site(b, (uint32_t)(s->trap_pc - b->code));
	return true;
}

void trap_describe(const struct wasm_store *s, struct note *n)
{
	const char *why = s->trap != NULL ? s->trap : "trap";
	const struct wasm_module *m = s->trap_instance != NULL ? s->trap_instance->module : NULL;
	char name[FUNCTION_NAME_MAX], module[FUNCTION_NAME_MAX] = "";
	const char *quote = "", *of = "";
	uint32_t index = 0, offset = 0;

	if (m == NULL || !find_place(s, m, &index, &offset)) {
		note_set(n, "%s", why);
		return;
	}
	function_name(m, index, name);
	if (m->name.size > 0) {
		copy_name(m->name, module);
		of = " of module \"";
		quote = "\"";
	}
	if (name[0] != 0)
		note_set(n, "%s in function %u \"%s\"%s%s%s at offset 0x%x", why, index, name, of, module, quote, offset);
	else
		note_set(n, "%s in function %u%s%s%s at offset 0x%x", why, index, of, module, quote, offset);
}

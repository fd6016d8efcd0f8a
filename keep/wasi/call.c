/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions, and the program's memory. */
#include "keep/wasi/call.h"

#define I "\x7f"
#define L "\x7e"
#define COUNT(params) (uint32_t)(sizeof("" params) - 1)
#define WASI_FN(name, params, handler) {#name, "" params, COUNT(params), 1, handler},
#define WASI_NORETURN_FN(name, params, handler) {#name, "" params, COUNT(params), 0, handler},
const struct function wasi_functions[WASI_FUNCTIONS] = {
#include "keep/wasi/functions.def"
};
#undef WASI_FN
#undef WASI_NORETURN_FN
#undef I
#undef L

#define WASI_FN(name, params, handler) +1
#define WASI_NORETURN_FN(name, params, handler) +1
enum {
	IN_TABLE = 0
#include "keep/wasi/functions.def"
};
#undef WASI_FN
#undef WASI_NORETURN_FN
_Static_assert((int)IN_TABLE == (int)WASI_FUNCTIONS, "all of preview 1");
_Static_assert(WASM_I32 == 0x7f && WASM_I64 == 0x7e, "I and L");

enum wasi_errno guest_range(struct call *c, uint32_t at, uint32_t size, uint8_t **out)
{
	*out = NULL;
	if (size == 0)
		return WASI_OK;
	*out = wasm_caller_range(c->caller, at, size);
	return *out == NULL ? WASI_EFAULT : WASI_OK;
}

enum wasi_errno guest_put32(struct call *c, uint32_t at, uint32_t v)
{
	uint8_t *p;

	ETRY(guest_range(c, at, sizeof v, &p));
	store32(p, v);
	return WASI_OK;
}

enum wasi_errno guest_put64(struct call *c, uint32_t at, uint64_t v)
{
	uint8_t *p;

	ETRY(guest_range(c, at, sizeof v, &p));
	store64(p, v);
	return WASI_OK;
}

enum wasi_errno guest_iovecs(struct call *c, uint32_t at, uint32_t count, uint64_t *total)
{
	uint8_t *p;

	*total = 0;
	if (count == 0 || count > IOVECS_MAX)
		return count == 0 ? WASI_OK : WASI_EINVAL;
	ETRY(guest_range(c, at, count * IOVEC_SIZE, &p));
	CHECK(p != NULL); /* count is not 0 */
	for (uint32_t i = 0; i < count; i++) {
		struct iovec *v = &c->w->iovecs[i];

		v->size = load32(p + (size_t)i * IOVEC_SIZE + 4);
		ETRY(guest_range(c, load32(p + (size_t)i * IOVEC_SIZE), v->size, &v->data));
		*total += v->size;
	}
	return *total > UINT32_MAX ? WASI_EINVAL : WASI_OK;
}

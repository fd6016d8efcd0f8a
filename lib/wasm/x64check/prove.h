/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves that the machine code of a compiled module stays in its sandbox, whatever the compiler meant. It knows the
 * compiler's conventions (x64/compile.h) and none of its work: each function is decoded and interpreted with abstract
 * values, once from the first byte to the last, so that time and memory are linear in the code.
 *
 * Of each function it proves, for any arguments:
 * - memory: an access is to the frame, below the limit that was compared with the end of the stack (without such a
 *   comparison: within the margin behind it, and no function is called); to memory 0, at a number so small that the
 *   access ends in the guard; or to the one field of a global, a table or a function that its base and width allow.
 *   Only frame, memory 0, globals and the instance's `callee` are written, and no address is.
 * - jumps: direct ones go to an instruction of the function, or to a stub for traps; an indirect one to what the
 *   rows behind it say, all of which is looked at, by an index that is bounded also in speculation.
 * - calls: direct ones go to the start of a function or to a stub, with arguments that stub takes; an indirect one to a
 *   function of this instance whose type was compared, found in a table by an index that is masked also in speculation.
 * - registers: instance, base of memory 0 and stack pointer are not written; at `ret` frame and the registers that
 *   callers rely on are as at the entry, and the upper half of an i32 result is clear.
 *
 * Not proven: the stubs (the same in every module; only decoded), that code means what the module says (test/tiers),
 * that it polls, that a number used as a reference is one, and the C functions behind the stubs.
 */
#ifndef BROCH_X64CHECK_PROVE_H
#define BROCH_X64CHECK_PROVE_H

#include "lib/wasm/wasm.h"

/* After wasm_compile and before the first run. scratch is back where it was. ERR_INVALID with the note "function 3,
 * code offset 0x1f2: ...", or ERR_NOMEM. */
MUST_USE enum err x64_prove(const struct wasm_module *m, struct arena *scratch, struct note *why);

#endif

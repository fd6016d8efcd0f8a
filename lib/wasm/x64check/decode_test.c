/* SPDX-License-Identifier: Apache-2.0 */
/* Our decoder against Zydis: whatever ours accepts, Zydis reads the same way. */
#include "lib/wasm/x64check/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

static struct x64_decoder ours;
static ZydisDecoder theirs;
static uint64_t seed = 1;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void complain(const uint8_t *bytes, size_t size, const char *what)
{
	char text[64];

	for (size_t i = 0; i < size; i++)
		snprintf(text + 3 * i, sizeof text - 3 * i, "%02x ", bytes[i]);
	fail_msg("%s: %s", text, what);
}

/* Number and bytes of a general register; false for another one. */
static bool general(ZydisRegister r, unsigned *number, unsigned *bytes)
{
	static const unsigned widths[] = {[ZYDIS_REGCLASS_GPR8] = 1, [ZYDIS_REGCLASS_GPR16] = 2, [ZYDIS_REGCLASS_GPR32] = 4,
					  [ZYDIS_REGCLASS_GPR64] = 8};
	const ZydisRegisterClass class = ZydisRegisterGetClass(r);

	if (class < ZYDIS_REGCLASS_GPR8 || class > ZYDIS_REGCLASS_GPR64)
		return false;
	*bytes = widths[class];
	*number = (unsigned)ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r));
	return true;
}

static void note_write(unsigned out[static 16], unsigned number, unsigned bytes)
{
	if (out[number] < bytes)
		out[number] = bytes;
}

static void our_writes(const struct x64_insn *i, unsigned out[static 16])
{
	if (i->flags & X64_W_REG && !(i->flags & X64_XMM_REG))
		note_write(out, i->reg, i->out_width);
	if (i->flags & X64_W_RM && !(i->flags & X64_XMM_RM) && !i->has_memory)
		note_write(out, i->rm, i->out_width);
	if (i->flags & X64_W_OPCODE)
		note_write(out, i->rm, i->out_width);
	if (i->flags & X64_W_RAX)
		note_write(out, X64_RAX, i->out_width);
	if (i->flags & X64_W_RDX)
		note_write(out, X64_RDX, i->out_width);
}

static unsigned number_of(ZydisRegister r)
{
	unsigned number = X64_NO_REGISTER, bytes;

	if (r == ZYDIS_REGISTER_RIP)
		return X64_RIP;
	(void)general(r, &number, &bytes);
	return number;
}

static const char *compare_memory(const struct x64_insn *i, const ZydisDecodedOperand *o)
{
	const bool reads = o->actions & ZYDIS_OPERAND_ACTION_MASK_READ, writes = o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;

	if (!i->has_memory)
		return "they have memory";
	if (number_of(o->mem.base) != i->base || number_of(o->mem.index) != i->index)
		return "base or index";
	if (i->index != X64_NO_REGISTER && o->mem.scale != i->scale)
		return "scale";
	if (o->mem.disp.value != i->disp)
		return "displacement";
	if (i->flags & X64_ADDRESS)
		return NULL;
	if (o->size != 8u * i->width)
		return "size of memory";
	if (reads != ((i->flags & X64_R_RM) != 0) || writes != ((i->flags & X64_W_RM) != 0))
		return "access";
	return NULL;
}

/* What push, pop, call and ret do with the stack is their kind. */
static bool is_stack(const ZydisDecodedOperand *o)
{
	if (o->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN)
		return false;
	if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return o->mem.base == ZYDIS_REGISTER_RSP;
	return o->reg.value == ZYDIS_REGISTER_RSP;
}

static bool uses_stack(enum x64_kind k)
{
	return k == X64_PUSH || k == X64_POP || k == X64_CALL || k == X64_CALL_AT || k == X64_RET;
}

static const char *compare_operands(const struct x64_insn *i, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *o)
{
	unsigned have[16] = {0}, want[16] = {0}, number, bytes;
	unsigned memories = 0;
	const char *why;

	our_writes(i, have);
	for (unsigned k = 0; k < z->operand_count; k++, o++) {
		if (uses_stack(i->kind) && is_stack(o))
			continue;
		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			memories++;
			if ((why = compare_memory(i, o)) != NULL)
				return why;
		}
		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
		    general(o->reg.value, &number, &bytes))
			note_write(want, number, bytes);
		if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT && z->raw.imm[0].size != 0 &&
		    o->imm.is_signed && o->imm.value.s != i->imm)
			return "immediate";
	}
	if (memories != i->has_memory)
		return "memory operands";
	return memcmp(have, want, sizeof have) == 0 ? NULL : "written registers";
}

static const char *compare_flow(const struct x64_insn *i, const ZydisDecodedInstruction *z)
{
	const bool branch = i->kind == X64_JMP || i->kind == X64_JMP_AT, call = i->kind == X64_CALL || i->kind == X64_CALL_AT;

	if ((z->meta.category == ZYDIS_CATEGORY_COND_BR) != (i->kind == X64_JCC) ||
	    (z->meta.category == ZYDIS_CATEGORY_UNCOND_BR) != branch || (z->meta.category == ZYDIS_CATEGORY_CALL) != call ||
	    (z->meta.category == ZYDIS_CATEGORY_RET) != (i->kind == X64_RET))
		return "flow";
	if (z->attributes & (ZYDIS_ATTRIB_IS_PRIVILEGED | ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_SEGMENT | ZYDIS_ATTRIB_HAS_REP))
		return "attributes";
	return NULL;
}

/* True when ours took it. */
static bool compare(const uint8_t *bytes, size_t size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction z;
	struct x64_insn i;
	const char *why;

	if (!x64_decode(&ours, slice_of(bytes, size), &i))
		return false;
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&theirs, bytes, size, &z, operands)))
		complain(bytes, i.size, "they refuse");
	if (z.length != i.size)
		complain(bytes, i.size, "length");
	if ((why = compare_flow(&i, &z)) != NULL || (why = compare_operands(&i, &z, operands)) != NULL)
		complain(bytes, i.size, why);
	return true;
}

/* Every opcode of every map under every prefix, with many operands. */
static void same_as_zydis(void **state)
{
	static const uint8_t prefixes[] = {0, 0x66, 0xf2, 0xf3}, escapes[] = {0, 0, 0x38, 0x3a};
	unsigned taken = 0;

	(void)state;
	for (unsigned n = 0; n < 4 * 4 * 256 * 2400; n++) {
		uint8_t bytes[16], *p = bytes;
		const uint64_t r = next_random();
		const unsigned map = n / 4 % 4;

		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)(next_random() >> 20);
		if (n % 4 != 0)
			*p++ = prefixes[n % 4];
		if (r & 1)
			*p++ = (uint8_t)(0x40 | (r >> 1 & 15));
		if (map > 0)
			*p++ = 0x0f;
		if (map > 1)
			*p++ = escapes[map];
		*p++ = (uint8_t)(n / 16);
		if (r >> 8 & 1)
			p[0] = (uint8_t)(p[0] & 0x38) | (r & 0x200 ? 4 : 5); /* the odd addresses */
		taken += compare(bytes, sizeof bytes);
	}
	assert_true(taken > 200000);
}

/* Cut anywhere it is refused, not read past. */
static void cut_short(void **state)
{
	static const uint8_t mov[] = {0x49, 0x89, 0x84, 0xcd, 1, 2, 3, 4}, imm[] = {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8};
	struct x64_insn i;

	(void)state;
	for (size_t n = 0; n < sizeof mov; n++)
		assert_false(x64_decode(&ours, slice_of(mov, n), &i));
	assert_true(x64_decode(&ours, slice_of(mov, sizeof mov), &i));
	assert_true(i.base == X64_R13 && i.index == X64_RCX && i.scale == 8 && i.disp == 0x04030201 && i.reg == X64_RAX);
	for (size_t n = 0; n < sizeof imm; n++)
		assert_false(x64_decode(&ours, slice_of(imm, n), &i));
	assert_true(x64_decode(&ours, slice_of(imm, sizeof imm), &i) && i.imm == 0x0807060504030201);
}

static void what_code_may_not_contain(void **state)
{
	static const char *const bad[] = {
		"\x0f\x05" /* syscall */, "\x0f\x34" /* sysenter */, "\xcd\x80" /* int */, "\xf4" /* hlt */, "\xe6\x10" /* out */,
		"\xec" /* in */, "\xfa" /* cli */, "\x0f\x01\xf8" /* swapgs */, "\x0f\x30" /* wrmsr */, "\x0f\xa2" /* cpuid */,
		"\x0f\x31" /* rdtsc */, "\xf3\x48\x0f\xae\xd0" /* wrfsbase */, "\x0f\x22\xd8" /* mov cr3 */, "\x8e\xd8" /* mov ds */,
		"\x65\x48\x8b\x07" /* gs: */, "\x67\x48\x8b\x07" /* addr32 */, "\xf0\x48\x01\x07" /* lock */, "\xc2\x08" /* ret n */,
		"\xcb" /* retf */, "\xcf" /* iret */, "\xf3\xa4" /* rep movsb */, "\xc9" /* leave */, "\xc8" /* enter */, "\x9d" /* popf */,
		"\x66\x48\x89\x07" /* 66 and REX.W */, "\x49\x90" /* xchg */, "\x88\x27" /* ah */, "\x66\x66\x90", "\x48\x48\x89\xc0",
		"\x0f\xc7\xf8" /* rdseed */, "\x0f\x0d\x07" /* prefetch */, "\xea", "\x9a", "\xff\x2f" /* far jmp */, "\xff\x1f",
	};
	struct x64_insn i;

	(void)state;
	for (size_t k = 0; k < ARRAY_COUNT(bad); k++) {
		uint8_t bytes[16] = {0};

		memcpy(bytes, bad[k], strlen(bad[k]));
		if (x64_decode(&ours, slice_of(bytes, sizeof bytes), &i))
			complain(bytes, strlen(bad[k]), "taken");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_zydis),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(what_code_may_not_contain),
	};

	x64_decoder_init(&ours);
	ZydisDecoderInit(&theirs, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

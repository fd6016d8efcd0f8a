/* SPDX-License-Identifier: Apache-2.0 */
/* The checker refuses what it is there for: a piece of code for each rule, and working sequences without one step. */
#include "lib/wasm/x64check/prove.h"

#include "lib/wasm/x64/native.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A module with one function at 32. Stubs: traps from 1 on, the helper at 8, the way to the interpreter at 9. */
enum { AT = 32, CODE_MAX = 512, HELPER = 8, CALL_HELPER = 9, TRAP = 1 };

static uint8_t code[CODE_MAX];
static uint32_t code_size;
static uint8_t scratch[1 << 20];
static const uint8_t result[] = {WASM_I32};
static struct wasm_functype types[] = {{0, 0, NULL, NULL}, {0, 1, NULL, result}};
static struct note why;
static struct native_head claim; /* of a loop; `at` 0: none */

static void bytes(const void *p, size_t size)
{
	assert_true(size <= CODE_MAX - code_size);
	memcpy(code + code_size, p, size);
	code_size += (uint32_t)size;
}
#define CODE(text) bytes(text, sizeof(text) - 1)

static void number(uint64_t v, unsigned size)
{
	bytes(&v, size);
}
#define FIELD(type, field) number(offsetof(struct type, field), 4)

static void to(uint32_t target)
{
	number(target - (code_size + 4), 4);
}

static void begin(void)
{
	memset(code, 0xcc, sizeof code);
	code_size = AT;
	memset(&why, 0, sizeof why);
}

static enum err prove(uint32_t type)
{
	struct native_function functions[] = {{.offset = AT, .size = code_size - AT, .compiled = true}};
	struct native_module native = {.base = code,
	                               .size = code_size,
	                               .helper = HELPER,
	                               .call_helper = CALL_HELPER,
	                               .thunks = AT,
	                               .functions = functions,
	                               .heads = &claim,
	                               .head_count = claim.at != 0,
	                               .traps = {1, 2, 3, 4, 5, 6, 7}};
	struct body body = {.frame_slots = 16};
	struct table_type table = {.element = WASM_FUNCREF};
	struct global global = {{WASM_I32, true}, {INIT_VALUE, 0, 0}};
	struct wasm_module m = {.types = types,
	                        .type_count = 2,
	                        .functions = &type,
	                        .function_count = 1,
	                        .tables = &table,
	                        .table_count = 1,
	                        .globals = &global,
	                        .global_count = 1,
	                        .bodies = &body,
	                        .native = &native};
	struct arena a = arena_of(scratch, sizeof scratch);

	return x64_prove(&m, &a, &why);
}

static void accepted(uint32_t type)
{
	if (prove(type) != OK)
		fail_msg("refused: %s", why.text);
}

static void refused(uint32_t type, const char *words)
{
	if (prove(type) == OK)
		fail_msg("accepted; expected: %s", words);
	if (strstr(why.text, words) == NULL)
		fail_msg("refused because of \"%s\"; expected: %s", why.text, words);
}

#define RULE(text, words)                                                                                              \
	{                                                                                                              \
		text, sizeof(text) - 1, words                                                                          \
	}

static void one_rule_each(void **state)
{
	static const struct {
		const char *code;
		size_t size;
		const char *words;
	} rules[] = {
	        RULE("\x0f\x05", "is not known"),                                     /* syscall */
	        RULE("\x48\x8b\x45\x00\x41\x8b\x04\x07\xc3", "unbounded index"),      /* a 64-bit index */
	        RULE("\x8b\x45\x00\x41\x8b\x04\xc7\xc3", "behind the guard"),         /* times 8 */
	        RULE("\x8b\x45\x00\x41\x8b\x44\x07\xff\xc3", "behind the guard"),     /* - 1 */
	        RULE("\x48\x89\x45\xf8\xc3", "outside of the frame"),                 /* below */
	        RULE("\x48\x89\x85\x00\x20\x00\x00\xc3", "outside of the frame"),     /* above */
	        RULE("\x8b\x45\x00\x48\x89\x4c\x05\x00\xc3", "index into the frame"), /* [rbp + rax] */
	        RULE("\x48\x8b\x00\xc3", "no known address"),                         /* [rax] */
	        RULE("\x48\x8b\x05\x00\x00\x00\x00\xc3", "by rip"),                   /* reads code */
	        RULE("\x48\x8b\x04\x24\xc3", "by rip, rsp"),                          /* the return address */
	        RULE("\x49\x8b\x86\xf0\x07\x00\x00\xc3", "field of the instance"),    /* some field */
	        RULE("\x49\x89\x46\x08\xc3", "write to the instance"),                /* mov [r14 + 8], rax */
	        RULE("\x49\x89\xc7\xc3", "base of memory"),                           /* mov r15, rax */
	        RULE("\x48\x89\xc4\xc3", "stack pointer"),                            /* mov rsp, rax */
	        RULE("\x48\x89\xc5\xc3", "frame pointer"),                            /* mov rbp, rax */
	        RULE("\x45\x31\xed\xc3", "fuel"),                                     /* xor r13d, r13d */
	        RULE("\x50\x58\xc3", "push or pop"),
	        RULE("\x48\x8d\x45\x00\x48\x89\x45\x08\xc3", "address is written"), /* of the frame */
	        RULE("\xeb\xff\xc3", "middle of an instruction"),
	        RULE("\xe9\x00\x10\x00\x00", "jump out of the function"),
	        RULE("\xff\xe0", "without a bounded table"),             /* jmp rax */
	        RULE("\xff\xd0\xc3", "no checked function"),             /* call rax */
	        RULE("\xff\x10\xc3", "no checked function"),             /* call [rax] */
	        RULE("\xe8\xfc\xff\xff\xff\xc3", "what is no function"), /* into the call */
	        RULE("\xe8\xfb\xff\xff\xff\xc3", "not compared"),        /* itself, without a check of the stack */
	        RULE("\xe8\x00\x10\x00\x00\xc3", "out of the code"),
	        RULE("\x31\xdb\xc3", "register of the caller"), /* xor ebx, ebx */
	        RULE("\x48\x89\x5d\x08\x31\xdb\x48\x89\x45\x08\x48\x8b\x5d\x08\xc3",
	             "register of the caller"), /* overwritten */
	        RULE("\x48\x83\xc5\x08\xc3", "another frame"),
	        RULE("\x90", "end of the function is passed"),
	        /* a loop: rbx is a clean index at its head, and comes round with 64 bits */
	        RULE("\x48\x89\x5d\x08\x8b\x5d\x00\x41\x8b\x04\x1f\x48\x8b\x5d\x00\x85\xc0\x75\xf4\x48\x8b\x5d\x08\xc3",
	             "unbounded index"),
	        /* joined: rax is clean on one way only */
	        RULE("\x48\x8b\x45\x00\x85\xc0\x74\x02\x89\xc0\x41\x8b\x04\x07\xc3", "unbounded index"),
	        /* saved on one way only */
	        RULE("\x85\xc0\x74\x04\x48\x89\x5d\x08\x31\xdb\x48\x8b\x5d\x08\xc3", "register of the caller"),
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_COUNT(rules); k++) {
		begin();
		bytes(rules[k].code, rules[k].size);
		refused(0, rules[k].words);
	}
}

static void what_is_fine(void **state)
{
	(void)state;
	begin();
	CODE("\xc3");
	accepted(0);
	begin(); /* the same loop with a clean index */
	CODE("\x48\x89\x5d\x08\x8b\x5d\x00\x41\x8b\x04\x1f\x8b\x5d\x00\x85\xc0\x75\xf5\x48\x8b\x5d\x08\xc3");
	accepted(0);
	begin(); /* the largest sum of a 32-bit index and a 32-bit offset */
	CODE("\x8b\x45\x00\xb9\xff\xff\xff\xff\x48\x01\xc8\x41\x8b\x04\x07\xc3");
	accepted(1);
	begin(); /* one more */
	CODE("\x8b\x45\x00\x48\xb9\x00\x00\x00\x00\x02\x00\x00\x00\x48\x01\xc8\x41\x8b\x04\x07\xc3");
	refused(1, "behind the guard");
}

static void results_and_globals(void **state)
{
	(void)state;
	begin();
	CODE("\x48\x8b\x45\x00\xc3"); /* mov rax, [rbp] */
	accepted(0);
	refused(1, "upper half");
	for (unsigned n = 0; n < 2; n++) {
		begin();
		CODE("\x49\x8b\x86");
		FIELD(wasm_instance, globals);
		CODE("\x48\x8b\x80"); /* mov rax, [rax + 8 * n] */
		number(8 * n, 4);
		CODE("\x8b\x80"); /* mov eax, [rax + value] */
		FIELD(global_cell, value);
		CODE("\xc3");
		if (n == 0)
			accepted(1);
		else
			refused(1, "no such global");
	}
	begin(); /* the head of a global's record, which is none of the program's business */
	CODE("\x49\x8b\x86");
	FIELD(wasm_instance, globals);
	CODE("\x48\x8b\x00\xc7\x00\x00\x00\x00\x00\xc3");
	refused(0, "outside of a global");
}

static void helpers(void **state)
{
	static const struct {
		uint8_t helper;
		bool slots;
		const char *words;
	} rows[] = {{HELPER_OP, true, NULL},
	            {HELPER_POLL, false, NULL},
	            {HELPER_OP, false, "slots outside"},
	            {HELPER_TRAP, true, "may not call"},
	            {HELPER_COUNT, true, "may not call"}};

	(void)state;
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
		begin();
		if (rows[k].slots)
			CODE("\x48\x8d\x75\x10"); /* lea rsi, [rbp + 16] */
		CODE("\xb8");
		number(rows[k].helper, 4);
		CODE("\xe8");
		to(HELPER);
		CODE("\xc3");
		if (rows[k].words == NULL)
			accepted(0);
		else
			refused(0, rows[k].words);
	}
	begin(); /* a call by way of C, of function 7 */
	CODE("\xb8\x03\x00\x00\x00\xba\x07\x00\x00\x00\xe8");
	to(CALL_HELPER);
	CODE("\xc3");
	refused(0, "without a function");
}

/* A call by a table, without one of its steps. */
static void indirect_call(unsigned without)
{
	static const struct {
		const char *code;
		uint8_t size;
		char more; /* f: a field, t: a jump to the trap, T: the address of the type */
		size_t field;
	} steps[] = {
	        {"\x48\x8d\x85\x00\x01\x00\x00", 7, 0, 0}, /* lea rax, [rbp + 256] */
	        {"\x49\x3b\x86", 3, 'f', offsetof(struct wasm_instance, stack_end)},
	        {"\x0f\x87", 2, 't', 0},   /* ja */
	        {"\x8b\x4d\x00", 3, 0, 0}, /* mov ecx, [rbp] */
	        {"\x49\x8b\x96", 3, 'f', offsetof(struct wasm_instance, tables)},
	        {"\x48\x8b\x12", 3, 0, 0}, /* mov rdx, [rdx] */
	        {"\x3b\x8a", 2, 'f', offsetof(struct table, count)},
	        {"\x0f\x83", 2, 't', 0},   /* jae */
	        {"\x48\x1b\xc0", 3, 0, 0}, /* sbb rax, rax */
	        {"\x48\x23\xc8", 3, 0, 0}, /* and rcx, rax */
	        {"\x48\x8b\x92", 3, 'f', offsetof(struct table, entries)},
	        {"\x48\x8b\x14\xca", 4, 0, 0}, /* mov rdx, [rdx + rcx * 8] */
	        {"\x48\x83\xfa\xff", 4, 0, 0}, /* cmp rdx, -1 */
	        {"\x0f\x84", 2, 't', 0},       /* je */
	        {"\x48\xb8", 2, 'T', 0},
	        {"\x48\x83\xc5\x40", 4, 0, 0}, /* add rbp, 64 */
	        {"\x48\x3b\x82", 3, 'f', offsetof(struct function, type)},
	        {"\x0f\x85", 2, 't', 0},
	        {"\x4c\x3b\xb2", 3, 'f', offsetof(struct function, instance)},
	        {"\x0f\x85", 2, 't', 0},
	        {"\xff\x92", 2, 'f', offsetof(struct function, native)},
	        {"\x48\x83\xed\x40", 4, 0, 0},
	        {"\xc3", 1, 0, 0},
	};

	begin();
	for (unsigned k = 0; k < ARRAY_COUNT(steps); k++) {
		if (k == without)
			continue;
		bytes(steps[k].code, steps[k].size);
		if (steps[k].more == 'f')
			number(steps[k].field, 4);
		else if (steps[k].more == 't')
			to(TRAP);
		else if (steps[k].more == 'T')
			number((uintptr_t)&types[1], 8);
	}
}

/* In these steps the operands of a comparison change places, so that the same condition says the contrary. */
static void turned(uint32_t at, const char *was, uint8_t opcode)
{
	uint8_t *p = code + at;

	while (memcmp(p, was, strlen(was)) != 0)
		p++;
	assert_true(p < code + code_size);
	p[strlen(was) - 2] = opcode;
}

static void turned_comparisons(void **state)
{
	(void)state;
	indirect_call(UINT32_MAX);
	turned(AT, "\x49\x3b\x86", 0x39);
	refused(1, "access to the instance");
	indirect_call(UINT32_MAX);
	turned(AT, "\x3b\x8a", 0x39);
	refused(1, "known address");
	begin(); /* a jump table: cmp ecx, eax */
	CODE("\x8b\x45\x00\xb9\x01\x00\x00\x00\x39\xc1\x0f\x43\xc1\x48\x8d\x0d\x0f\x00\x00\x00\x48\x8d\x0c\xc1"
	     "\x48\x63\x41\x04\x48\x8d\x4c\x01\x08\xff\xe1"
	     "\x0f\x1f\x84\x00\x08\x00\x00\x00\x0f\x1f\x84\x00\x00\x00\x00\x00\xc3");
	refused(0, "rows that do not follow");
}

static void every_step_of_an_indirect_call(void **state)
{
	enum { STEPS = 23, CALL = 20 };

	(void)state;
	indirect_call(STEPS);
	accepted(1);
	for (unsigned k = 0; k < STEPS; k++) {
		indirect_call(k);
		if (k != CALL && prove(1) == OK)
			fail_msg("accepted without step %u", k);
	}
}

/* A jump by a table of two rows, without one of its steps. Without the first its fourth still clears the upper half,
 * without the jump the first row comes next. */
static void every_step_of_a_jump_table(void **state)
{
	static const struct {
		const char *code;
		uint8_t size;
	} steps[] = {
	        {"\x8b\x45\x00", 3},                 /* mov eax, [rbp] */
	        {"\xb9\x01\x00\x00\x00", 5},         /* mov ecx, 1 */
	        {"\x3b\xc1", 2},                     /* cmp eax, ecx */
	        {"\x0f\x43\xc1", 3},                 /* cmovae eax, ecx */
	        {"\x48\x8d\x0d\x0f\x00\x00\x00", 7}, /* lea rcx, [rip + 15] */
	        {"\x48\x8d\x0c\xc1", 4},             /* lea rcx, [rcx + rax * 8] */
	        {"\x48\x63\x41\x04", 4},             /* movsxd rax, [rcx + 4] */
	        {"\x48\x8d\x4c\x01\x08", 5},         /* lea rcx, [rcx + rax + 8] */
	        {"\xff\xe1", 2},                     /* jmp rcx */
	        {"\x0f\x1f\x84\x00\x08\x00\x00\x00", 8},
	        {"\x0f\x1f\x84\x00\x00\x00\x00\x00", 8},
	        {"\xc3", 1},
	};

	(void)state;
	for (unsigned without = 0; without <= ARRAY_COUNT(steps); without++) {
		begin();
		for (unsigned k = 0; k < ARRAY_COUNT(steps); k++)
			if (k != without)
				bytes(steps[k].code, steps[k].size);
		if (without == 0 || without == 8 || without == ARRAY_COUNT(steps))
			accepted(0);
		else if (prove(0) == OK)
			fail_msg("accepted without step %u", without);
	}
}

/* The same, with one row, changed by a few bytes at an offset. */
static void changed_table(size_t at, const char *was, const char *is, size_t size)
{
	static const char table[] = "\x8b\x45\x00"                 /* mov eax, [rbp] */
	                            "\xb9\x00\x00\x00\x00"         /* mov ecx, 0 */
	                            "\x3b\xc1\x0f\x43\xc1"         /* cmp eax, ecx; cmovae eax, ecx */
	                            "\x48\x8d\x0d\x15\x00\x00\x00" /* lea rcx, [rip + 21] */
	                            "\x48\x8d\x0c\xc1"             /* lea rcx, [rcx + rax * 8] */
	                            "\x48\x63\x41\x04"             /* movsxd rax, [rcx + 4] */
	                            "\x48\x63\xf6\x90\x90\x90"     /* movsxd rsi, esi; nop, three times, to be put elsewhere */
	                            "\x48\x8d\x4c\x01\x08"         /* lea rcx, [rcx + rax + 8] */
	                            "\xff\xe1"                     /* jmp rcx */
	                            "\x0f\x1f\x84\x00\x00\x00\x00\x00"
	                            "\xc3";

	begin();
	bytes(table, sizeof table - 1);
	assert_memory_equal(code + code_size - (sizeof table - 1) + at, was, size);
	memcpy(code + code_size - (sizeof table - 1) + at, is, size);
}

/* What stands between the load from the row and the sum; and rows that lead where there is nothing. */
static void a_row_leads_to_an_instruction(void **state)
{
	enum { LOAD = 24 };
	static const char plain[] = "\x48\x63\x41\x04\x48\x63\xf6\x90\x90\x90";

	(void)state;
	changed_table(LOAD, plain, "\x48\x63\xf6\x90\x90\x90\x48\x63\x41\x04", 10);
	accepted(0);
	changed_table(LOAD, plain, "\x48\x63\x41\x04\x48\x63\xc6\x90\x90\x90", 10); /* movsxd rax, esi */
	refused(0, "bounded table");
	changed_table(LOAD, plain, "\x48\x63\x41\x04\x83\xc1\x08\x90\x90\x90", 10); /* add ecx, 8 */
	refused(0, "bounded table");
	changed_table(LOAD, plain, "\x48\x63\xf6\x90\x90\x90\x48\x63\x41\x00", 10); /* the row's first half */
	refused(0, "known address");
	for (unsigned k = 0; k < 4; k++) {
		static const char *const to[] = {"\x01\x00\x00\x00", "\xff\xff\xff\xff", "\x00\x01\x00\x00", "\xff\xff\xff\x7f"};

		changed_table(LOAD, plain, "\x48\x63\xf6\x90\x90\x90\x48\x63\x41\x04", 10);
		memcpy(code + code_size - 5, to[k], 4);
		refused(0, k == 1 ? "middle of an instruction" : "out of the function");
	}
	changed_table(LOAD, plain, "\x48\x63\xf6\x90\x90\x90\x48\x63\x41\x04", 10);
	code[code_size - 1 - 8 + 3] = 0x08; /* another nop */
	refused(0, "out of the function");
}

/* mov eax, [rbp]; then a loop that reads memory there and counts up, with 32 or 64 bits. */
static void loop(const char *add, size_t size, uint16_t halves)
{
	begin();
	CODE("\x8b\x45\x00");
	claim = (struct native_head){code_size, halves};
	CODE("\x41\x8b\x0c\x07"); /* mov ecx, [r15 + rax] */
	bytes(add, size);
	CODE("\xeb");
	number(claim.at - (code_size + 1), 1);
}

static void claims_are_proven(void **state)
{
	enum { EAX = 1, EBX = 8 };

	(void)state;
	loop("\x83\xc0\x01", 3, EAX);
	accepted(0);
	loop("\x83\xc0\x01", 3, 0);
	refused(0, "unbounded index");
	loop("\x48\x83\xc0\x01", 4, EAX);
	refused(0, "come round");
	loop("\x83\xc0\x01", 3, EAX | EBX); /* rbx is the caller's, whatever is said of it */
	accepted(0);
	claim.at++; /* no loop there */
	refused(0, "unbounded index");
	claim.at = 0;
}

/* A register that was saved may change in a loop, and must be put back. */
static void saved_registers_change_in_loops(void **state)
{
	(void)state;
	for (unsigned put_back = 0; put_back < 2; put_back++) {
		begin();
		CODE("\x48\x89\x5d\x08"); /* mov [rbp + 8], rbx */
		CODE("\x8b\x5d\x00");     /* mov ebx, [rbp], from here on again and again */
		CODE("\x83\xeb\x01");     /* sub ebx, 1 */
		CODE("\x75\xf8");         /* jnz */
		if (put_back)
			CODE("\x48\x8b\x5d\x08");
		CODE("\xc3");
		if (put_back)
			accepted(0);
		else
			refused(0, "register of the caller");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_rule_each),
	        cmocka_unit_test(what_is_fine),
	        cmocka_unit_test(results_and_globals),
	        cmocka_unit_test(helpers),
	        cmocka_unit_test(turned_comparisons),
	        cmocka_unit_test(every_step_of_an_indirect_call),
	        cmocka_unit_test(every_step_of_a_jump_table),
	        cmocka_unit_test(a_row_leads_to_an_instruction),
	        cmocka_unit_test(claims_are_proven),
	        cmocka_unit_test(saved_registers_change_in_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One Keep that makes machine code at run time, right or wrong: see code.def. */
#include "test/keeps/code.h"

#include "keep/call/call.h"
#include "keep/call/fault.h"
#include "keep/run/keep.h"

enum { PAGE = 4096, LARGE = 2 << 20 };

static NORETURN void fail(unsigned line)
{
	call_exit(KEEPCALL_EXIT_FATAL, line, 0);
}

#define EXPECT(cond)                                                                                                   \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			fail(__LINE__);                                                                                \
	} while (0)

static volatile uint8_t *at(uint64_t va)
{
	__asm__("" : "+r"(va));
	return (volatile uint8_t *)(uintptr_t)va;
}

static void put(uint64_t va, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at(va)[i] = bytes[i];
}

static uint64_t call(uint64_t va, uint64_t argument)
{
	return ((uint64_t (*)(uint64_t))(uintptr_t)va)(argument);
}

/* lea n(%rdi), %rax; ret */
static void put_adder(uint64_t va, uint8_t n)
{
	put(va, (const uint8_t[]){0x48, 0x8d, 0x47, n, 0xc3}, 5);
}

static void grow(uint64_t offset, uint64_t size)
{
	EXPECT(call_grow(BOOT_CODE_VA + offset, size) == OK);
}

static void seal(uint64_t offset, uint64_t size)
{
	EXPECT(call_seal(BOOT_CODE_VA + offset, size) == OK);
}

static void one_page(void)
{
	grow(0, PAGE);
	put_adder(BOOT_CODE_VA, 5);
	seal(0, PAGE);
	EXPECT(call(BOOT_CODE_VA, 10) == 15);
}

/* Small pages up to the boundary, then large ones, then small ones. */
static void large(void)
{
	grow(0, PAGE);
	put_adder(BOOT_CODE_VA, 1);
	seal(0, PAGE);
	grow(PAGE, 3 * LARGE);
	put_adder(BOOT_CODE_VA + PAGE, 2);
	put_adder(BOOT_CODE_VA + LARGE, 3);
	put_adder(BOOT_CODE_VA + 3 * LARGE - 5, 4);
	put_adder(BOOT_CODE_VA + 3 * LARGE + PAGE - 5, 5);
	EXPECT(call(BOOT_CODE_VA, 10) == 11);
	seal(PAGE, 3 * LARGE);
}

static void runs_large(void)
{
	large();
	EXPECT(call(BOOT_CODE_VA, 10) == 11);
	EXPECT(call(BOOT_CODE_VA + PAGE, 10) == 12);
	EXPECT(call(BOOT_CODE_VA + LARGE, 10) == 13);
	EXPECT(call(BOOT_CODE_VA + 3 * LARGE - 5, 10) == 14);
	EXPECT(call(BOOT_CODE_VA + 3 * LARGE + PAGE - 5, 10) == 15);
}

static void runs_in_steps(void)
{
	for (uint64_t i = 0; i < 600; i++) { /* over the boundary of 2 MiB */
		grow(i * PAGE, PAGE);
		EXPECT(!call_sealed(BOOT_CODE_VA + i * PAGE));
		put_adder(BOOT_CODE_VA + i * PAGE, (uint8_t)(i % 100));
		seal(i * PAGE, PAGE);
		EXPECT(call_sealed(BOOT_CODE_VA + i * PAGE + PAGE - 1));
		EXPECT(call(BOOT_CODE_VA + i * PAGE, 7) == 7 + i % 100);
		EXPECT(call(BOOT_CODE_VA + i / 2 * PAGE, 7) == 7 + i / 2 % 100);
	}
}

static void reads_sealed(void)
{
	one_page();
	EXPECT(*at(BOOT_CODE_VA + 3) == 5 && *at(BOOT_CODE_VA + PAGE - 1) == 0);
}

/* GROW as a runtime that went wild would ask for it. */
static uint32_t wild(uint64_t address, uint64_t size, uint64_t what)
{
	volatile struct keepcall_page *p = (volatile struct keepcall_page *)(uintptr_t)BOOT_SHARED_VA;

	p->op = KEEPCALL_GROW;
	p->arg[0] = address;
	p->arg[1] = size;
	p->arg[2] = what;
	door_ring();
	return p->status;
}

static void wrong_seals_refused(void)
{
	const uint64_t code = BOOT_CODE_VA;

	EXPECT(wild(code, PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK); /* nothing there */
	EXPECT(wild(code + PAGE, PAGE, KEEPCALL_GROW_PAGES) != KEEPCALL_OK);
	EXPECT(wild(code + LARGE, PAGE, KEEPCALL_GROW_PAGES) != KEEPCALL_OK);
	EXPECT(wild(code + BOOT_CODE_MAX, PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	EXPECT(wild(code - PAGE, PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	grow(0, 4 * PAGE);
	EXPECT(call_grow(BOOT_HEAP_VA, PAGE) == OK);
	EXPECT(wild(BOOT_HEAP_VA, PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	EXPECT(wild(code, PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	EXPECT(wild(code, 5 * PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	EXPECT(wild(code + PAGE, 3 * PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	EXPECT(wild(code, 0, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	put_adder(code, 1); /* still writable after all that */
	seal(0, 4 * PAGE);
	EXPECT(wild(code, 4 * PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	EXPECT(wild(code, PAGE, KEEPCALL_GROW_PAGES) != KEEPCALL_OK);
	EXPECT(wild(code + 3 * PAGE, 2 * PAGE, KEEPCALL_GROW_PAGES) != KEEPCALL_OK);
	EXPECT(call(code, 1) == 2);
	grow(4 * PAGE, PAGE);
	EXPECT(wild(code, 5 * PAGE, KEEPCALL_GROW_SEAL) != KEEPCALL_OK);
	seal(4 * PAGE, PAGE);
}

/* ---- faults in compiled code ---- */

/* mov (%rdi), %rax; ret; mov %rdi, %rax; ret   and the same with mov %rax, (%rdi) */
enum { ADDER = 0, LOADER = 16, STORER = 32, JUMPER = 48, BAD = 64, TRAP_AT = 4 };

static unsigned hooked;

static uint64_t hook(void *ctx, uint64_t pc)
{
	hooked++;
	if (pc != BOOT_CODE_VA + LOADER && pc != BOOT_CODE_VA + STORER)
		return 0;
	return ctx == &hooked ? pc + TRAP_AT : 0;
}

static void make_functions(void)
{
	grow(0, PAGE);
	put_adder(BOOT_CODE_VA, 5);
	put(BOOT_CODE_VA + LOADER, (const uint8_t[]){0x48, 0x8b, 0x07, 0xc3, 0x48, 0x8d, 0x47, 0x01, 0xc3}, 9);
	put(BOOT_CODE_VA + STORER, (const uint8_t[]){0x48, 0x89, 0x07, 0xc3, 0x48, 0x8d, 0x47, 0x01, 0xc3}, 9);
	put(BOOT_CODE_VA + JUMPER, (const uint8_t[]){0xff, 0xe7}, 2);
	put(BOOT_CODE_VA + BAD, (const uint8_t[]){0x0f, 0x0b}, 2);
	seal(0, PAGE);
	EXPECT(call_grow(BOOT_LINEAR_VA, 16 * PAGE) == OK);
	fault_hook(hook, &hooked);
}

/* Every place of the reservation that no page is behind, and what is present still works. */
static void faults_at(uint64_t function)
{
	const uint64_t places[] = {BOOT_LINEAR_VA + 16 * PAGE, BOOT_LINEAR_VA + BOOT_LINEAR_MAX, BOOT_LINEAR_VA + 2 * BOOT_LINEAR_MAX,
				   BOOT_LINEAR_VA + BOOT_LINEAR_STRIDE};

	make_functions();
	*(volatile uint64_t *)(uintptr_t)(BOOT_LINEAR_VA + 8) = UINT64_MAX;
	for (unsigned i = 0; i < ARRAY_COUNT(places); i++) {
		EXPECT(call(BOOT_CODE_VA + function, places[i]) == places[i] + 1);
		EXPECT(hooked == i + 1);
	}
	call(BOOT_CODE_VA + function, BOOT_LINEAR_VA + 8);
	EXPECT(hooked == ARRAY_COUNT(places));
}

/* All general registers but rax and rdi survive, and so does the stack. */
static void many_times(void)
{
	const uint64_t where = BOOT_LINEAR_VA + 16 * PAGE;

	make_functions();
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t a = i, b = i + 1, c = i + 2, result;

		__asm__ volatile("mov %0, %%r12\n\tmov %1, %%r8\n\tmov %2, %%rbx\n\t"
				 "call *%4\n\t"
				 "mov %%r12, %0\n\tmov %%r8, %1\n\tmov %%rbx, %2"
				 : "+r"(a), "+r"(b), "+r"(c), "=a"(result)
				 : "r"(BOOT_CODE_VA + LOADER), "D"(where)
				 : "r12", "r8", "rbx", "memory", "cc");
		EXPECT(a == i && b == i + 1 && c == i + 2 && result == where + 1);
	}
	EXPECT(hooked == 1000);
}

static void run(enum code_case c)
{
	const uint64_t absent = BOOT_LINEAR_VA + BOOT_LINEAR_MAX;

	switch (c) {
	case CODE_runs: one_page(); break;
	case CODE_runs_large: runs_large(); break;
	case CODE_runs_in_steps: runs_in_steps(); break;
	case CODE_reads_sealed: reads_sealed(); break;
	case CODE_wrong_seals_refused: wrong_seals_refused(); break;
	case CODE_write_sealed:
		one_page();
		*at(BOOT_CODE_VA) = 0xc3;
		break;
	case CODE_write_sealed_large:
		large();
		*at(BOOT_CODE_VA + LARGE + PAGE) = 0xc3;
		break;
	case CODE_write_never_run:
		grow(0, 2 * PAGE);
		*at(BOOT_CODE_VA + PAGE) = 1;
		seal(0, 2 * PAGE);
		*at(BOOT_CODE_VA + PAGE) = 2;
		break;
	case CODE_execute_unsealed:
		grow(0, PAGE);
		put_adder(BOOT_CODE_VA, 5);
		call(BOOT_CODE_VA, 10);
		break;
	case CODE_execute_behind_sealed:
		one_page();
		grow(PAGE, PAGE);
		put_adder(BOOT_CODE_VA + PAGE, 5);
		call(BOOT_CODE_VA + PAGE, 10);
		break;
	case CODE_execute_heap:
		one_page();
		EXPECT(call_grow(BOOT_HEAP_VA, PAGE) == OK);
		put_adder(BOOT_HEAP_VA, 5);
		call(BOOT_HEAP_VA, 10);
		break;
	case CODE_beyond_code:
		one_page();
		(void)*at(BOOT_CODE_VA + PAGE);
		break;
	case CODE_seal_twice:
		one_page();
		seal(0, PAGE);
		break;
	case CODE_seal_outside:
		EXPECT(call_grow(BOOT_HEAP_VA, PAGE) == OK);
		(void)!call_seal(BOOT_HEAP_VA, PAGE);
		break;
	case CODE_seal_with_a_gap:
		grow(0, 2 * PAGE);
		seal(PAGE, PAGE);
		break;
	case CODE_hook_resumes_load: faults_at(LOADER); break;
	case CODE_hook_resumes_store: faults_at(STORER); break;
	case CODE_hook_many_times: many_times(); break;
	case CODE_no_hook:
		make_functions();
		fault_hook(NULL, NULL);
		call(BOOT_CODE_VA + LOADER, absent);
		break;
	case CODE_hook_declines:
		make_functions();
		fault_hook(hook, NULL);
		call(BOOT_CODE_VA + LOADER, absent);
		break;
	case CODE_hook_of_other_code: /* ours is not compiled code */
		make_functions();
		(void)*at(absent);
		break;
	case CODE_hook_protection: /* a page that is there */
		make_functions();
		call(BOOT_CODE_VA + STORER, BOOT_INFO_VA);
		break;
	case CODE_hook_fetch:
		make_functions();
		call(BOOT_CODE_VA + JUMPER, absent);
		break;
	case CODE_hook_undefined:
		make_functions();
		call(BOOT_CODE_VA + BAD, 0);
		break;
	case CODE_NONE:
	case CODE_LIMIT: fail(__LINE__);
	}
}

void keep_main(const struct boot_info *boot)
{
	(void)boot;
	run((enum code_case)call_hints().wall_tsc);
	call_exit(KEEPCALL_EXIT_DONE, 0, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One Keep that does one thing, right or wrong: see cases.def. A wrong thing that goes well ends with DONE, too. */
#include "test/keeps/cases.h"

#include "keep/call/call.h"
#include "keep/call/cpu.h"
#include "keep/run/keep.h"
#include "lib/image/layout.h"

#include <bearssl.h>

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
	__asm__("" : "+r"(va)); /* whatever the compiler knows about it */
	return (volatile uint8_t *)(uintptr_t)va;
}

static void jump(uint64_t va)
{
	((void (*)(void))(uintptr_t)va)();
}

/* Every page of [va, va + size) is zero, then holds its number. */
static void claim(uint64_t va, uint64_t size, uint64_t seed)
{
	for (uint64_t o = 0; o < size; o += PAGE) {
		volatile uint64_t *p = (volatile uint64_t *)(void *)(uintptr_t)(va + o);

		EXPECT(p[0] == 0 && p[511] == 0);
		p[0] = p[511] = seed + o;
	}
}

static void claimed(uint64_t va, uint64_t size, uint64_t seed)
{
	for (uint64_t o = 0; o < size; o += PAGE)
		EXPECT(*(volatile uint64_t *)(void *)(uintptr_t)(va + o) == seed + o);
}

static void grow_small(void)
{
	EXPECT(call_grow(BOOT_HEAP_VA, PAGE) == OK);
	claim(BOOT_HEAP_VA, PAGE, 1);
	EXPECT(call_grow(BOOT_HEAP_VA + PAGE, 3 * PAGE) == OK);
	claim(BOOT_HEAP_VA + PAGE, 3 * PAGE, 1 + PAGE);
	EXPECT(call_grow(BOOT_HEAP_VA, 5 * PAGE) == OK); /* what is there stays */
	claimed(BOOT_HEAP_VA, 4 * PAGE, 1);
	claim(BOOT_HEAP_VA + 4 * PAGE, PAGE, 1);
}

static void grow_large(void)
{
	EXPECT(call_grow(BOOT_HEAP_VA, 3 * LARGE + 5 * PAGE) == OK);
	claim(BOOT_HEAP_VA, 3 * LARGE + 5 * PAGE, 7);
	EXPECT(call_grow(BOOT_HEAP_VA + 3 * LARGE + 5 * PAGE, 40 * LARGE) == OK); /* into further slots */
	claim(BOOT_HEAP_VA + 3 * LARGE + 5 * PAGE, 40 * LARGE, 9);
	claimed(BOOT_HEAP_VA, 3 * LARGE + 5 * PAGE, 7);
	claimed(BOOT_HEAP_VA + 3 * LARGE + 5 * PAGE, 40 * LARGE, 9);
}

static void grow_steps(void)
{
	const uint64_t step = 64 * 1024, count = 80;

	for (uint64_t i = 0; i < count; i++) {
		EXPECT(call_grow(BOOT_LINEAR_VA + i * step, step) == OK);
		claim(BOOT_LINEAR_VA + i * step, step, 3 + i * step);
	}
	claimed(BOOT_LINEAR_VA, count * step, 3);
}

static void grow_linear(void)
{
	for (uint64_t i = 0; i < BOOT_LINEAR_COUNT; i++) {
		EXPECT(call_grow(BOOT_LINEAR_VA + i * BOOT_LINEAR_STRIDE, 2 * PAGE) == OK);
		claim(BOOT_LINEAR_VA + i * BOOT_LINEAR_STRIDE, 2 * PAGE, i);
	}
	for (uint64_t i = 0; i < BOOT_LINEAR_COUNT; i++)
		claimed(BOOT_LINEAR_VA + i * BOOT_LINEAR_STRIDE, 2 * PAGE, i);
}

static void grow_refused(void)
{
	EXPECT(call_grow(BOOT_HEAP_VA + PAGE, PAGE) == ERR_NOMEM); /* a hole */
	EXPECT(call_grow(BOOT_HEAP_VA + 1, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_HEAP_VA, PAGE + 1) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_HEAP_VA, 0) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_HEAP_VA, UINT64_MAX & ~UINT64_C(4095)) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_HEAP_VA - PAGE, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_HEAP_VA + BOOT_HEAP_MAX, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_LINEAR_VA + BOOT_LINEAR_MAX, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_LINEAR_VA + BOOT_LINEAR_COUNT * BOOT_LINEAR_STRIDE, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_IMAGE_VA, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(LAYOUT_IDT, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(0, PAGE) == ERR_NOMEM);
	EXPECT(call_grow(BOOT_HEAP_VA, PAGE) == OK);
	EXPECT(call_grow(BOOT_HEAP_VA + LARGE, LARGE) == OK);
	EXPECT(call_grow(BOOT_HEAP_VA + PAGE, LARGE) == ERR_NOMEM); /* into the other extent */
	EXPECT(call_grow(BOOT_HEAP_VA + PAGE, LARGE - PAGE) == OK);
	claim(BOOT_HEAP_VA, 2 * LARGE, 3);
	EXPECT(call_grow(BOOT_HEAP_VA + LARGE, LARGE + PAGE) == OK); /* where two meet, the upper one grows */
	claimed(BOOT_HEAP_VA, 2 * LARGE, 3);
}

static void grow_extents(void)
{
	uint64_t i;

	for (i = 0; call_grow(BOOT_HEAP_VA + i * 2 * LARGE, PAGE) == OK; i++)
		claim(BOOT_HEAP_VA + i * 2 * LARGE, PAGE, i);
	EXPECT(i == KEEPCALL_EXTENT_MAX);
	while (i-- > 0)
		claimed(BOOT_HEAP_VA + i * 2 * LARGE, PAGE, i);
	EXPECT(call_grow(BOOT_HEAP_VA + PAGE, LARGE) == OK);
}

static void exhaust(void)
{
	uint64_t n = 0;

	while (call_grow(BOOT_HEAP_VA + n * LARGE, LARGE) == OK) {
		*at(BOOT_HEAP_VA + n * LARGE) = 1;
		n++;
	}
	EXPECT(call_grow(BOOT_LINEAR_VA, PAGE) == ERR_NOMEM);
	call_exit(KEEPCALL_EXIT_DONE, n, 0);
}

/* FIPS 197, appendix C.1, by the instructions of the CPU. */
static void aes_ni(void)
{
	static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t wanted[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
	                                   0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
	const br_block_cbcenc_class *aes = br_aes_x86ni_cbcenc_get_vtable();
	br_aes_x86ni_cbcenc_keys keys;
	uint8_t iv[16] = {0}, block[16];

	EXPECT(aes != NULL);
	for (unsigned i = 0; i < sizeof block; i++)
		block[i] = (uint8_t)(i * 0x11);
	aes->init((const br_block_cbcenc_class **)&keys.vtable, key, sizeof key);
	aes->run((const br_block_cbcenc_class *const *)&keys.vtable, iv, block, sizeof block);
	EXPECT(memcmp(block, wanted, sizeof block) == 0);
}

/* Vector registers, control words and FS base survive calls. */
static void fpu_kept(void)
{
	uint64_t in[4] = {1, 2, 3, UINT64_C(0x123456789abcdef0)}, out[4] = {0}, fs, fs_after;
	uint32_t mxcsr = 0x3f80, mxcsr_after = 0, usual = 0x1f80;
	size_t ready;

	for (unsigned i = 0; i < 100; i++) {
		in[0] += i;
		__asm__ volatile("ldmxcsr %2\n\tvmovdqu %1, %%ymm9\n\trdfsbase %0"
		                 : "=r"(fs)
		                 : "m"(in), "m"(mxcsr)
		                 : "xmm9");
		EXPECT(call_wait(NULL, 0, 0, &ready) == OK);
		__asm__ volatile("vmovdqu %%ymm9, %0\n\tstmxcsr %1\n\trdfsbase %2"
		                 : "=m"(out), "=m"(mxcsr_after), "=r"(fs_after));
		EXPECT(memcmp(in, out, sizeof in) == 0 && mxcsr_after == mxcsr && fs == fs_after && fs != 0);
	}
	__asm__ volatile("ldmxcsr %0\n\tvzeroupper" : : "m"(usual));
}

static void random_bytes(void)
{
	uint8_t a[40] = {0}, b[40] = {0};
	unsigned ones = 0;

	EXPECT(cpu_random(a, sizeof a) == OK && cpu_random(b, sizeof b) == OK);
	EXPECT(memcmp(a, b, sizeof a) != 0);
	for (unsigned i = 0; i < 8 * sizeof a; i++)
		ones += a[i / 8] >> i % 8 & 1;
	EXPECT(ones > 80 && ones < 240); /* 160 expected, 9 standard deviations off: 10^-18 */
	memset(a, 0, sizeof a);
	EXPECT(cpu_random(a, 13) == OK && a[13] == 0);
}

static void canary(void)
{
	uint64_t c;

	__asm__ volatile("movq %%fs:0x28, %0" : "=r"(c));
	EXPECT(c != 0 && (c & 0xff) == 0);
}

static void pattern(uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(i * 31 + 7);
}

/* memmove over all small sizes and overlaps against a copy made byte by byte. */
static void check_move(size_t from, size_t to, size_t size)
{
	static uint8_t have[256], want[256];

	pattern(have, sizeof have);
	pattern(want, sizeof want);
	for (size_t i = 0; i < size; i++)
		want[to + i] = (uint8_t)((from + i) * 31 + 7);
	EXPECT(memmove(have + to, have + from, size) == have + to);
	for (size_t i = 0; i < sizeof have; i++)
		EXPECT(have[i] == want[i]);
}

static void memory_functions(void)
{
	static uint8_t a[256], b[256];

	for (size_t size = 0; size < 80; size++) {
		for (size_t to = 0; to < 160; to += 3)
			check_move(80, to, size);
		pattern(a, sizeof a);
		EXPECT(memset(a + 5, 0x5a, size) == a + 5);
		for (size_t i = 0; i < sizeof a; i++)
			EXPECT(a[i] == (i >= 5 && i < 5 + size ? 0x5a : (uint8_t)(i * 31 + 7)));
		pattern(a, sizeof a);
		EXPECT(memcpy(b + 1, a, size) == b + 1 && memcmp(b + 1, a, size) == 0);
		b[1 + size] = a[size];
		b[1 + size / 2] = (uint8_t)(a[size / 2] + 1);
		EXPECT(a[size / 2] == 0xff || memcmp(b + 1, a, size + 1) > 0);
		EXPECT(a[size / 2] == 0xff || memcmp(a, b + 1, size + 1) < 0);
	}
	EXPECT(strlen("") == 0 && strlen("abc") == 3);
}

static void clock_runs(void)
{
	uint64_t before, after, t = cpu_tsc();

	EXPECT(call_time(&before) == OK && call_time(&after) == OK && before != 0 && after >= before);
	EXPECT(cpu_tsc() > t);
}

static NOINLINE uint64_t recurse(uint64_t depth)
{
	volatile uint64_t here[16] = {depth};

	return depth == UINT64_MAX ? 0 : recurse(depth + 1) + here[0];
}

static void broken_door(void)
{
	/* A shared area where nothing is: the call traps, and so does the trap handler's own. */
	struct boot_info boot = *(const struct boot_info *)(uintptr_t)BOOT_INFO_VA;

	boot.shared_va = BOOT_LINEAR_VA;
	call_init(&boot);
}

static const uint8_t constant[] = {1, 2, 3};
static uint8_t variable = 0xc3; /* ret */

static void run(enum keep_case c)
{
	uint8_t local[16] = {0xc3};
	uint64_t v = 0;

	switch (c) {
	case CASE_grow_small: grow_small(); break;
	case CASE_grow_large: grow_large(); break;
	case CASE_grow_steps: grow_steps(); break;
	case CASE_grow_linear: grow_linear(); break;
	case CASE_grow_refused: grow_refused(); break;
	case CASE_grow_extents: grow_extents(); break;
	case CASE_aes_ni: aes_ni(); break;
	case CASE_fpu_kept: fpu_kept(); break;
	case CASE_random: random_bytes(); break;
	case CASE_canary: canary(); break;
	case CASE_memory_functions: memory_functions(); break;
	case CASE_clock: clock_runs(); break;
	case CASE_divide: __asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : : : "rax", "rcx", "rdx"); break;
	case CASE_breakpoint: __asm__ volatile("int3"); break;
	case CASE_undefined: __asm__ volatile("ud2"); break;
	case CASE_null_read: v = *at(0x10); break;
	case CASE_write_code: *at((uintptr_t)keep_main) = 0xc3; break;
	case CASE_write_rodata: *at((uintptr_t)constant) = 2; break;
	case CASE_write_boot_info: *at(BOOT_INFO_VA + 8) = 1; break;
	case CASE_execute_data: jump((uintptr_t)&variable); break;
	case CASE_execute_stack: jump((uintptr_t)local); break;
	case CASE_execute_grown:
		EXPECT(call_grow(BOOT_HEAP_VA, LARGE) == OK);
		*at(BOOT_HEAP_VA) = 0xc3;
		jump(BOOT_HEAP_VA);
		break;
	case CASE_execute_shared: jump(BOOT_SHARED_VA + KEEPCALL_IN_OFFSET); break;
	case CASE_below_stack: *at(LAYOUT_STACK - 1) = 1; break;
	case CASE_recurse: v = recurse(0); break;
	case CASE_beyond_image: v = *at(BOOT_IMAGE_LIMIT - 1); break;
	case CASE_beyond_grown:
		EXPECT(call_grow(BOOT_LINEAR_VA, PAGE) == OK);
		*at(BOOT_LINEAR_VA + PAGE - 1) = 1;
		v = *at(BOOT_LINEAR_VA + PAGE);
		break;
	case CASE_beyond_grown_large:
		EXPECT(call_grow(BOOT_LINEAR_VA, LARGE) == OK);
		*at(BOOT_LINEAR_VA + LARGE - 1) = 1;
		*at(BOOT_LINEAR_VA + LARGE) = 1;
		break;
	case CASE_beyond_shared: *at(BOOT_SHARED_VA + KEEPCALL_SHARED_SIZE) = 1; break;
	case CASE_heap_ungrown: v = *at(BOOT_HEAP_VA); break;
	case CASE_read_gdt: v = *at(LAYOUT_GDT); break;
	case CASE_write_idt: *at(LAYOUT_IDT) = 0; break;
	case CASE_read_tables: v = *at(LAYOUT_TABLES); break;
	case CASE_write_tables: *at(LAYOUT_TABLES) = 0; break;
	case CASE_jump_stub: jump(LAYOUT_STUBS); break;
	case CASE_noncanonical: v = *at(UINT64_C(0x800000000000)); break;
	case CASE_halt: __asm__ volatile("hlt"); break;
	case CASE_disable_interrupts: __asm__ volatile("cli"); break;
	case CASE_write_cr3: __asm__ volatile("mov %0, %%cr3" : : "r"(v)); break;
	case CASE_read_msr: __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx"); break;
	case CASE_load_idt: __asm__ volatile("lidt %0" : : "m"(local)); break;
	case CASE_port_in: __asm__ volatile("inb $0x60, %%al" : : : "rax"); break;
	case CASE_port_out: __asm__ volatile("outb %%al, $0x80" : : : "memory"); break;
	case CASE_debug_trap: __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop" : : : "memory"); break;
	case CASE_broken_door: broken_door(); break;
	case CASE_loop:
		for (;;)
			__asm__ volatile("pause");
	case CASE_exhaust: exhaust(); break;
	case CASE_check: CHECK(v == 1); break;
	case CASE_NONE:
	case CASE_LIMIT: fail(__LINE__);
	}
	(void)v;
}

void keep_main(const struct boot_info *boot)
{
	(void)boot;
	run((enum keep_case)call_hints().wall_tsc);
	call_exit(KEEPCALL_EXIT_DONE, 0, 0);
}

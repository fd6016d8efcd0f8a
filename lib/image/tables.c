/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/image/tables.h"

#include "lib/image/layout.h"

#include <string.h>

static void put(uint8_t *at, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

void tables_gdt(uint8_t *page)
{
	const uint64_t tss_low = 0x00008b0000000000 | TABLES_TSS_LIMIT | (uint64_t)LAYOUT_TSS << 16; /* busy, DPL 0 */

	put(page + LAYOUT_CS0, 0x00af9b000000ffff, 8);
	put(page + LAYOUT_SS0, 0x00cf93000000ffff, 8);
	put(page + (LAYOUT_SS3 & ~3), 0x00cff3000000ffff, 8);
	put(page + (LAYOUT_CS3 & ~3), 0x00affb000000ffff, 8);
	/* Loading it is #NP, which no gate leads back to ring 3: how a Keep that cannot even ring ends itself. */
	put(page + (LAYOUT_ABSENT & ~3), 0x00cf73000000ffff, 8);
	put(page + LAYOUT_TR, tss_low, 8); /* the upper half of the base is zero */
}

void tables_tss(uint8_t *page)
{
	enum { RSP0 = 0x04, IST1 = 0x24, IST2 = 0x2c, BITMAP_BASE = 0x66, BITMAP = 0x68, PORTS = 0x100 };

	put(page + RSP0, LAYOUT_STACK0 + 0x1000, 8);
	put(page + IST1, LAYOUT_TRAP_STACK + LAYOUT_TRAP_STACK_SIZE, 8);
	put(page + IST2, LAYOUT_STACK0 + 0x1000, 8);
	put(page + BITMAP_BASE, BITMAP, 2);
	/* A set bit closes a port; the CPU reads one byte further; ports behind the limit are closed. */
	memset(page + BITMAP, 0xff, PORTS / 8 + 1);
	page[BITMAP + KEEPCALL_PORT / 8] &= (uint8_t) ~(1u << KEEPCALL_PORT % 8);
	static_assert(BITMAP + PORTS / 8 == TABLES_TSS_LIMIT, "the bitmap ends with the TSS");
}

/* An interrupt gate. With DPL 0 no `int n` of ring 3 can use it; `int3` is meant to. */
static void gate(uint8_t *at, uint64_t handler, unsigned selector, unsigned ist, unsigned dpl)
{
	put(at, handler & 0xffff, 2);
	put(at + 2, selector, 2);
	put(at + 4, ist | 0x8e00 | dpl << 13, 2);
	put(at + 6, handler >> 16, 6);
}

enum { STUB_SIZE = 8 };

static uint64_t stub_of(size_t vector)
{
	return LAYOUT_STUBS + STUB_SIZE * (vector < BOOT_TRAP_COUNT ? vector : BOOT_TRAP_COUNT);
}

void tables_idt(uint8_t *page, uint64_t entry)
{
	enum { BREAKPOINT = 3 };

	for (size_t v = 0; v < 256; v++) {
		/* RPL 3, never 0: some KVMs would run the handler in ring 0. */
		if (v < BOOT_TRAP_COUNT && BOOT_TRAP_WANTED >> v & 1)
			gate(page + 16 * v, entry + BOOT_TRAP_STRIDE * (1 + v), LAYOUT_CS3, 1, v == BREAKPOINT ? 3 : 0);
		else
			gate(page + 16 * v, stub_of(v), LAYOUT_CS0, 2, 0);
	}
}

void tables_stubs(uint8_t *page)
{
	/* mov $vector, %al; out %al, $LAYOUT_DEAD_PORT; 1: hlt; jmp 1b */
	static const uint8_t code[STUB_SIZE - 1] = {0xb0, 0, 0xe6, LAYOUT_DEAD_PORT, 0xf4, 0xeb, 0xfd};

	for (size_t v = 0; v <= BOOT_TRAP_COUNT; v++) {
		memcpy(page + STUB_SIZE * v, code, sizeof code);
		page[STUB_SIZE * v + 1] = (uint8_t)v;
	}
}

/* What any Keep relies on, once: where one of it does not work, the loader learns so before the Keep starts. */
void tables_probe(uint8_t *page)
{
	static const uint8_t code[] =
	        "\xb8\x01\x00\x00\x00"     /* mov $1, %eax */
	        "\x0f\xa2"                 /* cpuid: code asks it, so it has to tell the truth */
	        "\xf7\xd1"                 /* not %ecx */
	        "\xf7\xc1\x02\x02\x08\x5a" /* test $PCLMULQDQ|SSSE3|SSE4.1|AES|OSXSAVE|AVX|RDRAND, %ecx */
	        "\x74\x02\x0f\x0b"         /* jz over; ud2; over: */
	        "\x31\xc9"                 /* xor %ecx, %ecx */
	        "\x0f\x01\xd0"             /* xgetbv */
	        "\xc5\xf8\x77"             /* vzeroupper */
	        "\xf3\x48\x0f\xae\xc0"     /* rdfsbase %rax */
	        "\xf3\x48\x0f\xae\xd0"     /* wrfsbase %rax */
	        "\x66\x0f\x38\xdc\xc0"     /* aesenc %xmm0, %xmm0 */
	        "\x66\x0f\xef\xc0"         /* pxor %xmm0, %xmm0: leave no trace */
	        "\x0f\xc7\xf0"             /* rdrand %eax */
	        "\xe6\x10"                 /* out %al, $KEEPCALL_PORT */
	        "\x0f\x0b";                /* ud2: nobody runs on from here */

	static_assert(KEEPCALL_PORT == 0x10, "in the code above");
	memcpy(page, code, sizeof code - 1);
}

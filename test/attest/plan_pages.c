/* SPDX-License-Identifier: Apache-2.0 */
/* plan_pages ELF vm|process: the launch plan of a Keep as JSON, for code that is not ours to measure it again. */
#include "lib/base/hex.h"
#include "lib/image/plan.h"
#include "sys/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_cpu(const struct plan_cpu *c)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {{"rip", c->rip},           {"rsp", c->rsp},           {"rdi", c->rdi},           {"cr0", c->cr0},
	           {"cr3", c->cr3},           {"cr4", c->cr4},           {"efer", c->efer},         {"xcr0", c->xcr0},
	           {"gdt_base", c->gdt_base}, {"idt_base", c->idt_base}, {"tss_base", c->tss_base}, {"gdt_limit", c->gdt_limit},
	           {"idt_limit", c->idt_limit}, {"tss_limit", c->tss_limit}, {"cs", c->cs}, {"ss", c->ss}, {"tr", c->tr}};

	printf("\"cpu\": {");
	for (size_t i = 0; i < ARRAY_COUNT(all); i++)
		printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", all[i].name, all[i].value);
	printf("}, ");
}

static void print_range(const struct plan_range *r, bool first)
{
	static const char *const types[] = {[PLAN_NORMAL] = "normal", [PLAN_ZERO] = "zero", [PLAN_SHARED] = "shared"};
	char hex[2 * PLAN_PAGE_SIZE + 1];

	for (size_t i = 0; i < r->count; i++) {
		hex[0] = 0;
		if (r->bytes != NULL)
			hex_encode(slice_of(r->bytes + i * PLAN_PAGE_SIZE, PLAN_PAGE_SIZE), hex);
		printf("%s{\"type\": \"%s\", \"gpa\": %" PRIu64 ", \"data\": \"%s\"}", first && i == 0 ? "" : ",\n", types[r->type],
		       r->gpa.a + i * PLAN_PAGE_SIZE, hex);
	}
}

int main(int argc, char **argv)
{
	static uint8_t memory[PLAN_ARENA_SIZE];
	struct arena a = arena_of(memory, sizeof memory);
	const bool vm = argc == 3 && strcmp(argv[2], "vm") == 0;
	const struct plan_params params = {
	        .kind = vm ? BOOT_VM : BOOT_PROCESS, .tee = BOOT_TEE_SOFT, .vcpu_count = 1};
	struct slice elf;
	struct plan plan;
	struct note n = {""};

	if (argc != 3 || (!vm && strcmp(argv[2], "process") != 0)) {
		fprintf(stderr, "usage: plan_pages ELF vm|process\n");
		return 2;
	}
	if (file_read(argv[1], 64 << 20, &elf, &n) != OK || plan_build(&a, elf, params, &plan, &n) != OK) {
		fprintf(stderr, "plan_pages: %s\n", n.text);
		return 1;
	}
	printf("{\"kind\": \"%s\", ", argv[2]);
	print_cpu(&plan.cpu);
	printf("\"pages\": [");
	for (size_t i = 0; i < plan.range_count; i++)
		print_range(&plan.ranges[i], i == 0);
	printf("]}\n");
	free((void *)(uintptr_t)elf.data);
	return 0;
}

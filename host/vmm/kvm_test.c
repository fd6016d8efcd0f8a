/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boots the tiny Keeps of test/keeps under KVM: those that must pass, and those that must die with the right reason.
 * Arguments or KEEPS name the folder of the images.
 */
#include "host/vmm/kvm.h"

#include "lib/image/paging.h"
#include "lib/measure/measure.h"
#include "sys/file.h"

#include "test/keeps/cases.h"
#include "test/keeps/code.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *folder;

/* What a Keep did until its end. */
struct outcome {
	bool died;
	struct note why;  /* of a death */
	uint64_t exit[3]; /* arg of EXIT otherwise */
	char said[4096];  /* all it sent */
	size_t said_size;
	unsigned grows_refused;
};

static FILE *open_image(const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s.elf", folder, name);
	return fopen(path, "rb");
}

static struct slice read_image(const char *name)
{
	static uint8_t bytes[4 << 20];
	FILE *f = open_image(name);
	size_t size;

	if (f == NULL)
		fail_msg("cannot read %s in %s", name, folder);
	size = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(size < sizeof bytes);
	return slice_of(bytes, size);
}

static struct vmm *boot(const char *name, uint64_t memory_max)
{
	static uint8_t memory[PLAN_ARENA_SIZE];
	struct arena a = arena_of(memory, sizeof memory);
	struct plan_params params = {.kind = BOOT_VM, .tee = BOOT_TEE_NONE, .vcpu_count = 1};
	struct vmm *v = NULL;
	struct note n = {0};
	struct plan p;

	if (plan_build(&a, read_image(name), params, &p, &n) != OK)
		fail_msg("%s: %s", name, n.text);
	if (vmm_kvm.create(&p, memory_max, &v, &n) != OK)
		fail_msg("%s: %s", name, n.text);
	memset(memory, 0xa5, sizeof memory); /* the plan is not needed any more */
	return v;
}

static uint32_t serve_send(struct outcome *o, struct keepcall_page *p, const uint8_t *window)
{
	size_t size = (size_t)p->arg[1];

	if (size > sizeof o->said - o->said_size)
		size = sizeof o->said - o->said_size;
	memcpy(o->said + o->said_size, window, size);
	o->said_size += size;
	p->ret[0] = size;
	return KEEPCALL_OK;
}

static enum err grow(struct vmm *v, const struct keepcall_page *p)
{
	if (p->arg[2] == KEEPCALL_GROW_SEAL)
		return vmm_kvm.seal(v, p->arg[0], p->arg[1]);
	return vmm_kvm.grow(v, p->arg[0], p->arg[1]);
}

/* A host that serves the little these Keeps ask for. False: EXIT. */
static bool serve(struct vmm *v, struct outcome *o)
{
	uint8_t *shared = vmm_kvm.shared(v);
	struct keepcall_page *p = (struct keepcall_page *)(void *)shared;
	uint32_t status = KEEPCALL_OK;
	struct timespec t;

	p->ret[0] = p->ret[1] = 0;
	switch (p->op) {
	case KEEPCALL_EXIT: memcpy(o->exit, p->arg, sizeof o->exit); return false;
	case KEEPCALL_WAIT: break;
	case KEEPCALL_SEND: status = serve_send(o, p, shared + KEEPCALL_OUT_OFFSET); break;
	case KEEPCALL_GROW:
		if (grow(v, p) != OK) {
			status = KEEPCALL_NOMEM;
			o->grows_refused++;
		}
		break;
	case KEEPCALL_TIME:
		clock_gettime(CLOCK_REALTIME, &t);
		p->ret[0] = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
		break;
	default: status = KEEPCALL_UNSUPPORTED; break;
	}
	p->status = status;
	p->answered = p->sequence;
	return true;
}

static void choose(struct vmm *v, unsigned c)
{
	((struct keepcall_page *)(void *)vmm_kvm.shared(v))->wall_tsc = c;
}

/* Until its end, and that of v. */
static struct outcome outcome_of(struct vmm *v)
{
	struct outcome o = {0};
	enum vmm_event event;

	for (;;) {
		assert_int_equal(vmm_kvm.run(v, &event, &o.why), OK);
		o.died = event == VMM_DIED;
		if (event != VMM_CALL || !serve(v, &o))
			break;
	}
	if (o.died)
		assert_int_equal(vmm_kvm.run(v, &event, NULL), ERR_STATE);
	vmm_kvm.destroy(v);
	return o;
}

static struct outcome run_keep(const char *name, unsigned c, uint64_t memory_max)
{
	struct vmm *v = boot(name, memory_max);

	choose(v, c);
	return outcome_of(v);
}

static void test_hello(void **state)
{
	struct outcome o = run_keep("hello", CASE_NONE, 0);

	(void)state;
	if (o.died)
		fail_msg("%s", o.why.text);
	assert_int_equal(o.exit[0], KEEPCALL_EXIT_DONE);
	assert_int_equal(o.said_size, 5);
	assert_memory_equal(o.said, "hello", 5);
}

#define MEMORY_MAX (UINT64_C(256) << 20)

/* What a Keep of this image has to end with. The vector counts for a fault only. */
static void ends(const char *image, const char *name, unsigned c, enum keepcall_exit code, uint64_t vector)
{
	struct outcome o = run_keep(image, c, MEMORY_MAX);

	if (o.died)
		fail_msg("%s: %s", name, o.why.text);
	if (o.exit[0] != code || (code == KEEPCALL_EXIT_FAULT && o.exit[1] != vector))
		fail_msg("%s: exit code %u, detail 0x%llx 0x%llx, but code %u (vector %llu) was due", name, (unsigned)o.exit[0],
		         (unsigned long long)o.exit[1], (unsigned long long)o.exit[2], (unsigned)code, (unsigned long long)vector);
}

#define TEST(prefix, image, name, id, code, vector)                                                                    \
	static void prefix##name(void **state)                                                                         \
	{                                                                                                              \
		(void)state;                                                                                           \
		ends(image, #name, id, code, vector);                                                                  \
	}
#define PASS(name)          TEST(test_, "cases", name, CASE_##name, KEEPCALL_EXIT_DONE, 0)
#define FAULT(name, vector) TEST(test_, "cases", name, CASE_##name, KEEPCALL_EXIT_FAULT, vector)
#define OTHER(name)
#include "test/keeps/cases.def"
#undef PASS
#undef FAULT
#undef OTHER
#define PASS(name)          TEST(test_code_, "code", name, CODE_##name, KEEPCALL_EXIT_DONE, 0)
#define FAULT(name, vector) TEST(test_code_, "code", name, CODE_##name, KEEPCALL_EXIT_FAULT, vector)
#define FATAL(name)         TEST(test_code_, "code", name, CODE_##name, KEEPCALL_EXIT_FATAL, 0)
#include "test/keeps/code.def"
#undef PASS
#undef FAULT
#undef FATAL

/* Where the TSS bitmap is honoured it is a #GP; elsewhere the host sees the port and ends the Keep. */
static void test_port_out(void **state)
{
	struct outcome o = run_keep("cases", CASE_port_out, 0);

	(void)state;
	if (o.died)
		assert_non_null(strstr(o.why.text, "I/O port 0x80"));
	else
		assert_true(o.exit[0] == KEEPCALL_EXIT_FAULT && o.exit[1] == 13);
}

/* A vector the runtime does not want ends in ring 0. */
static void test_debug_trap(void **state)
{
	struct outcome o = run_keep("cases", CASE_debug_trap, 0);

	(void)state;
	assert_true(o.died);
	if (strstr(o.why.text, "debug exception (vector 1) at rip 0x4") == NULL)
		fail_msg("%s", o.why.text);
}

static void test_broken_door(void **state)
{
	struct outcome o = run_keep("cases", CASE_broken_door, 0);

	(void)state;
	assert_true(o.died);
	if (strstr(o.why.text, "inside the trap handler") == NULL)
		fail_msg("%s", o.why.text);
}

static void test_exhaust(void **state)
{
	struct outcome o = run_keep("cases", CASE_exhaust, 64 << 20);

	(void)state;
	assert_false(o.died);
	assert_int_equal(o.exit[0], KEEPCALL_EXIT_DONE);
	assert_int_equal(o.exit[1], 32); /* pieces of 2 MiB */
	assert_int_equal(o.grows_refused, 2);
}

static void test_check(void **state)
{
	struct outcome o = run_keep("cases", CASE_check, 0);

	(void)state;
	assert_false(o.died);
	assert_int_equal(o.exit[0], KEEPCALL_EXIT_FATAL);
	assert_int_not_equal(o.exit[1], 0);
}

static struct vmm *kicked;

static void on_alarm(int signal)
{
	(void)signal;
	vmm_kvm.kick(kicked);
}

/* A loop without end is stopped, goes on where it was, and is stopped again. */
static void test_loop(void **state)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value = {.tv_usec = 20000}};
	enum vmm_event event;

	(void)state;
	if (getenv("KEEPS_NO_TIMER") != NULL)
		skip(); /* an emulated machine whose clock stands still while a nested guest computes */
	kicked = boot("cases", 0);
	choose(kicked, CASE_loop);
	assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
		assert_int_equal(vmm_kvm.run(kicked, &event, NULL), OK);
		assert_int_equal(event, VMM_KICKED);
	}
	vmm_kvm.destroy(kicked);
}

/* A kick that comes before the run is not lost. */
static void test_early_kick(void **state)
{
	struct vmm *v = boot("hello", 0);
	enum vmm_event event;

	(void)state;
	vmm_kvm.kick(v);
	assert_int_equal(vmm_kvm.run(v, &event, NULL), OK);
	assert_int_equal(event, VMM_KICKED);
	assert_int_equal(vmm_kvm.run(v, &event, NULL), OK);
	assert_int_equal(event, VMM_CALL);
	vmm_kvm.destroy(v);
}

/* The shipped image sets itself up and waits for a session. */
static void test_real_image(void **state)
{
	static const char name[] = "../bin/broch-keep-vm";
	struct outcome o = {0};
	enum vmm_event event = VMM_CALL;
	struct keepcall_page *p;
	struct vmm *v;
	FILE *f = open_image(name);

	(void)state;
	if (f == NULL)
		skip();
	fclose(f);
	v = boot(name, MEMORY_MAX);
	p = (struct keepcall_page *)(void *)vmm_kvm.shared(v);
	for (unsigned calls = 0; calls < 100 && event == VMM_CALL && p->op != KEEPCALL_WAIT; calls++) {
		assert_int_equal(vmm_kvm.run(v, &event, &o.why), OK);
		if (event == VMM_CALL && !serve(v, &o))
			fail_msg("exit code %u, detail 0x%llx", (unsigned)o.exit[0], (unsigned long long)o.exit[1]);
	}
	if (event != VMM_CALL)
		fail_msg("%s", o.why.text);
	assert_int_equal(p->op, KEEPCALL_WAIT);
	vmm_kvm.destroy(v);
}

static void test_hold(void **state)
{
	struct vmm_hold h;

	(void)state;
	vmm_kvm_hold(&h);
	assert_true(h.vm >= 0);
	ends("cases", "clock", CASE_clock, KEEPCALL_EXIT_DONE, 0);
	vmm_kvm_release(&h);
	assert_int_equal(h.vm, -1);
	vmm_kvm_release(&h);
}

static void digest_of(const struct plan *p, uint8_t out[static MEASURE_SNP_SIZE])
{
	assert_int_equal(measure_snp(p, out), OK);
}

/* Pages that may be taken are not there any more, but in the Keep, which is the same and runs. */
static void test_moved_image(void **state)
{
	static uint8_t memory[PLAN_ARENA_SIZE];
	struct arena a = arena_of(memory, sizeof memory);
	const struct plan_params params = {.kind = BOOT_VM, .tee = BOOT_TEE_NONE, .vcpu_count = 1};
	uint8_t before[MEASURE_SNP_SIZE], after[MEASURE_SNP_SIZE];
	struct outcome o = {0};
	struct vmm *v = NULL;
	struct slice image;
	struct plan p;
	char path[512];

	(void)state;
	snprintf(path, sizeof path, "%s/cases.elf", folder);
	assert_int_equal(file_read_pages(path, 4 << 20, &image, &o.why), OK);
	assert_int_equal(plan_build(&a, image, params, &p, &o.why), OK);
	digest_of(&p, before);
	p.movable = image;
	assert_int_equal(vmm_kvm.create(&p, MEMORY_MAX, &v, &o.why), OK);
	for (size_t i = 0; i < p.range_count; i++)
		assert_false(p.ranges[i].bytes >= image.data && p.ranges[i].bytes < image.data + image.size);
	digest_of(&p, after);
	assert_memory_equal(before, after, sizeof after);
	assert_int_equal(munmap((void *)(uintptr_t)image.data, image.size), 0);
	choose(v, CASE_clock);
	o = outcome_of(v);
	assert_false(o.died);
	assert_int_equal(o.exit[0], KEEPCALL_EXIT_DONE);
}

/* Two ranges of the same bytes both get them. */
static void test_shared_image(void **state)
{
	struct plan_range ranges[] = {
	        {{0x1000}, 0x1000, PLAN_NORMAL, PLAN_R, 2, NULL},
	        {{0x3000}, 0x3000, PLAN_NORMAL, PLAN_R, 1, NULL},
	        {{0x4000}, 0x4000, PLAN_NORMAL, PLAN_R, 1, NULL},
	};
	struct plan p = {.ranges = ranges, .range_count = ARRAY_COUNT(ranges), .gpa_end = PAGING_LARGE_SIZE};
	const size_t size = 3 * PLAN_PAGE_SIZE;
	uint8_t *image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_memory m;

	(void)state;
	assert_ptr_not_equal(image, MAP_FAILED);
	for (size_t i = 0; i < 3; i++)
		memset(image + i * PLAN_PAGE_SIZE, (int)i + 1, PLAN_PAGE_SIZE);
	ranges[0].bytes = image;
	ranges[1].bytes = image + PLAN_PAGE_SIZE;
	ranges[2].bytes = image + 2 * PLAN_PAGE_SIZE;
	p.movable = slice_of(image, size);
	assert_int_equal(kvm_memory_load(&m, &p, 0), OK);
	assert_int_equal(munmap(image, size), 0);
	for (uint8_t page = 1; page <= 4; page++)
		assert_int_equal(*kvm_memory_at(&m, page * (uint64_t)PLAN_PAGE_SIZE, 1), page == 1 ? 1 : page < 4 ? 2 : 3);
	kvm_memory_free(&m);
}

static uint8_t *table_at(void *ctx, uint64_t gpa)
{
	return kvm_memory_at(ctx, gpa, PLAN_PAGE_SIZE);
}

/* Nothing of a Keep lies where KVM has the local APIC, also when it is large enough to reach beyond. */
static void test_apic_page(void **state)
{
	const uint64_t begin = BOOT_LINEAR_VA, size = BOOT_LINEAR_MAX, step = PAGING_LARGE_SIZE;
	struct vmm *v = boot("hello", UINT64_MAX / 2);
	const struct paging p = {.root = v->memory.root, .table = table_at, .ctx = &v->memory};
	uint64_t below = 0, above = 0;

	(void)state;
	assert_int_equal(vmm_kvm.grow(v, begin, size), OK);
	for (uint64_t va = begin; va < begin + size; va += step) {
		uint64_t gpa;
		uint8_t *entry;

		assert_int_equal(paging_entry(&p, va, PAGING_PD, &entry), OK);
		gpa = paging_get(entry) & PAGING_ADDRESS;
		assert_non_null(kvm_memory_at(&v->memory, gpa, step));
		assert_true(gpa + step <= KVM_APIC_GPA || gpa > KVM_APIC_GPA);
		below += gpa < KVM_APIC_GPA;
		above += gpa > KVM_APIC_GPA;
	}
	assert_true(below > 0 && above > 0);
	for (uint64_t gpa = KVM_APIC_GPA - step; gpa <= KVM_APIC_GPA + step; gpa += step)
		assert_null(kvm_memory_at(&v->memory, gpa, 1));
	vmm_kvm.destroy(v);
}

/* The entry that maps va, and through *host what is behind it; large: a step of 2 MiB does. */
static uint64_t mapping_of(struct vmm *v, uint64_t va, uint8_t **host)
{
	const struct paging p = {.root = v->memory.root, .table = table_at, .ctx = &v->memory};
	uint64_t value, offset = va % PAGING_LARGE_SIZE;
	uint8_t *entry;

	assert_int_equal(paging_entry(&p, va, PAGING_PD, &entry), OK);
	value = paging_get(entry);
	if ((value & PAGING_PRESENT) != 0 && (value & PAGING_LARGE) == 0) {
		assert_int_equal(paging_entry(&p, va, PAGING_PT, &entry), OK);
		value = paging_get(entry);
		offset = va % PLAN_PAGE_SIZE;
	}
	*host = (value & PAGING_PRESENT) != 0 ? kvm_memory_at(&v->memory, (value & PAGING_ADDRESS) + offset, 1) : NULL;
	return value;
}

/* What was dropped is absent, and the next who grows finds zeros, whatever it grows by; memory is not used up. */
static void test_dropped_memory(void **state)
{
	static const uint64_t steps[][3] = {{0x180000, 0x480000, 0x600000}, {0x400000, 0x600000, 0x600000}, {0x210000, 0x220000, 0x600000}};
	const uint64_t va = BOOT_LINEAR_VA + 3 * BOOT_LINEAR_STRIDE, size = 0x600000;
	struct vmm *v = boot("hello", 16 << 20);
	const uint64_t before = vmm_kvm.memory(v);
	uint64_t chunks = 0;
	uint8_t *host;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		const uint64_t *step = steps[round % ARRAY_COUNT(steps)];

		for (uint64_t at = 0, i = 0; at < size; at = step[i++])
			if (step[i] > at)
				assert_int_equal(vmm_kvm.grow(v, va + at, step[i] - at), OK);
		for (uint64_t at = 0; at < size; at += PLAN_PAGE_SIZE) {
			mapping_of(v, va + at, &host);
			assert_non_null(host);
			assert_int_equal(*host, 0);
			*host = 1;
		}
		assert_int_equal(vmm_kvm.memory(v), before + size);
		assert_int_equal(vmm_kvm.drop(v, va, size - PLAN_PAGE_SIZE), ERR_RANGE);
		assert_int_equal(vmm_kvm.drop(v, va + PLAN_PAGE_SIZE, size - PLAN_PAGE_SIZE), ERR_RANGE);
		assert_int_equal(vmm_kvm.drop(v, va, size), OK);
		assert_int_equal(vmm_kvm.drop(v, va, size), ERR_RANGE);
		assert_int_equal(vmm_kvm.memory(v), before);
		for (uint64_t at = 0; at < size; at += PLAN_PAGE_SIZE)
			assert_int_equal(mapping_of(v, va + at, &host) & PAGING_PRESENT, 0);
		if (round < ARRAY_COUNT(steps))
			chunks = v->memory.next;
	}
	assert_int_equal(v->memory.next, chunks);
	assert_int_equal(vmm_kvm.grow(v, BOOT_HEAP_VA, PAGING_LARGE_SIZE), OK);
	assert_int_equal(vmm_kvm.drop(v, BOOT_HEAP_VA, PAGING_LARGE_SIZE), ERR_RANGE);
	vmm_kvm.destroy(v);
}

static void test_wrong_plan(void **state)
{
	struct plan p = {.params = {.kind = BOOT_PROCESS}};
	struct note n = {0};
	struct vmm *v = NULL;

	(void)state;
	assert_int_equal(vmm_kvm.create(&p, 0, &v, &n), ERR_INVALID);
	assert_null(v);
	assert_true(n.text[0] != 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hello),
#define PASS(name)          cmocka_unit_test(test_##name),
#define FAULT(name, vector) cmocka_unit_test(test_##name),
#define OTHER(name)         cmocka_unit_test(test_##name),
#include "test/keeps/cases.def"
#undef PASS
#undef FAULT
#define PASS(name)          cmocka_unit_test(test_code_##name),
#define FAULT(name, vector) cmocka_unit_test(test_code_##name),
#define FATAL(name)         cmocka_unit_test(test_code_##name),
#include "test/keeps/code.def"
	        cmocka_unit_test(test_early_kick), cmocka_unit_test(test_real_image),
	        cmocka_unit_test(test_hold),       cmocka_unit_test(test_apic_page),
	        cmocka_unit_test(test_dropped_memory),
	        cmocka_unit_test(test_moved_image), cmocka_unit_test(test_shared_image),
	        cmocka_unit_test(test_wrong_plan),
	};
	struct note n = {0};
	const char *env = getenv("KEEPS");

	folder = argc > 1 ? argv[1] : env != NULL ? env : "build/keeps";
	if (vmm_kvm.probe(&n) != OK) {
		printf("%s\n", n.text);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a VM Keep takes from nothing to its first call, step by step.
 *   vm [IMAGE [COUNT]]     default: the tiny hello Keep, 200 times
 * "cold" is what a keeper process does for its one Keep: each in a process of its own (whose start is not counted),
 * with the probe of the host's KVM. "next" is the same in a process that has found that out; "held" is cold while a
 * daemon holds an idle VM.
 */
#include "host/vmm/kvm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT_MAX = 2000 };

enum step { PLAN, VM, MEMORY, VCPU, FIRST, EXIT, DESTROY, COLD, NEXT, HELD, STEPS };

static const char *const names[STEPS] = {
        [PLAN] = "plan_build",
        [VM] = "create VM",
        [MEMORY] = "memory: map, copy the image, slot",
        [VCPU] = "create vCPU, map it",
        [FIRST] = "registers, first run to the first call",
        [EXIT] = "one more exit",
        [DESTROY] = "destroy",
        [COLD] = "cold: create() + run() to the first call",
        [NEXT] = "next: the same again in this process",
        [HELD] = "held: cold, while an idle VM is held",
};

static double (*samples)[COUNT_MAX]; /* us; shared with the children */

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static NORETURN void die(const char *what, const struct note *n)
{
	fprintf(stderr, "bench vm: %s: %s\n", what, n->text);
	exit(1);
}

static struct slice read_file(const char *path)
{
	static uint8_t bytes[8 << 20];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	size = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	return slice_of(bytes, size);
}

static struct plan build(struct slice image, size_t i)
{
	static uint8_t memory[PLAN_ARENA_SIZE];
	struct arena a = arena_of(memory, sizeof memory);
	struct plan_params params = {.kind = BOOT_VM, .tee = BOOT_TEE_SOFT, .vcpu_count = 1};
	struct note n = {0};
	struct plan p;
	double start = now_us();

	if (plan_build(&a, image, params, &p, &n) != OK)
		die("plan", &n);
	samples[PLAN][i] = now_us() - start;
	return p;
}

static struct vmm *whole(struct plan *p, enum step into, size_t i)
{
	struct note n = {0};
	struct vmm *v = NULL;
	enum vmm_event event;
	double start = now_us();

	if (vmm_kvm.create(p, 64 << 20, &v, &n) != OK || vmm_kvm.run(v, &event, &n) != OK || event != VMM_CALL)
		die("create and run", &n);
	samples[into][i] = now_us() - start;
	return v;
}

static void in_child(struct plan *p, enum step into, size_t i)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct vmm *v = whole(p, into, i);

		vmm_kvm.destroy(v);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		exit(1);
}

/* The same by hand, with a clock between the steps. */
static void stepwise(struct plan *p, size_t i)
{
	struct vmm v = {.cpu = p->cpu};
	struct note n = {0};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	double t0, t1, t2, t3, t4;

	v.run_size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	t0 = now_us();
	v.vm = ioctl(kvm, KVM_CREATE_VM, 0);
	t1 = now_us();
	if (kvm_memory_load(&v.memory, p, 64 << 20) != OK || kvm_memory_attach(&v.memory, v.vm) != OK)
		die("memory", &n);
	t2 = now_us();
	v.vcpu = ioctl(v.vm, KVM_CREATE_VCPU, 0);
	v.run = mmap(NULL, v.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v.vcpu, 0);
	t3 = now_us();
	kvm_cpu_start(&v, KVM_MODE_PLAIN);
	(void)ioctl(v.vcpu, KVM_RUN, 0);
	if (kvm_exit_event(&v, &n) == VMM_CALL) { /* where this mode does not do, the step stays 0 */
		t4 = now_us();
		samples[FIRST][i] = t4 - t3;
	}
	samples[VM][i] = t1 - t0;
	samples[MEMORY][i] = t2 - t1;
	samples[VCPU][i] = t3 - t2;
	munmap(v.run, v.run_size);
	close(v.vcpu);
	close(v.vm);
	close(kvm);
	kvm_memory_free(&v.memory);
}

static void again(struct plan *p, size_t i)
{
	struct vmm *v = whole(p, NEXT, i);
	struct keepcall_page *page = (struct keepcall_page *)(void *)vmm_kvm.shared(v);
	enum vmm_event event;
	double start = now_us();

	/* An answer that makes any Keep ring once more: one out of the contract. */
	page->status = UINT32_MAX;
	page->answered = page->sequence;
	(void)vmm_kvm.run(v, &event, NULL);
	samples[EXIT][i] = now_us() - start;
	start = now_us();
	vmm_kvm.destroy(v);
	samples[DESTROY][i] = now_us() - start;
}

static void held(struct slice image, size_t count)
{
	struct vmm_hold h;

	vmm_kvm_hold(&h);
	for (size_t i = 0; i < count; i++) {
		struct plan p = build(image, i);

		in_child(&p, HELD, i);
	}
	vmm_kvm_release(&h);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(enum step s, size_t count)
{
	qsort(samples[s], count, sizeof samples[s][0], compare);
	printf("%-42s min %8.1f  median %8.1f  p90 %8.1f us\n", names[s], samples[s][0], samples[s][count / 2],
	       samples[s][count * 9 / 10]);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "build/keeps/hello.elf";
	size_t count = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 200;
	struct slice image = read_file(path);
	struct note n = {0};

	if (vmm_kvm.probe(&n) != OK) {
		printf("bench vm: skipped: %s\n", n.text);
		return 0;
	}
	if (count == 0 || count > COUNT_MAX)
		count = COUNT_MAX;
	samples = mmap(NULL, sizeof *samples * STEPS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < count; i++) {
		struct plan p = build(image, i);

		in_child(&p, COLD, i);
		stepwise(&p, i);
	}
	for (size_t i = 0; i < count; i++) {
		struct plan p = build(image, i);

		again(&p, i);
	}
	held(image, count);
	printf("%s, %zu bytes, %zu times\n", path, image.size, count);
	for (int s = 0; s < STEPS; s++)
		print((enum step)s, count);
	return 0;
}

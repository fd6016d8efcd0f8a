/* SPDX-License-Identifier: Apache-2.0 */
/* brochd-keep: loads one Keep, gives up every right it does not need, serves the Keep's calls, and dies with it. */
#include "host/keeper/clock.h"
#include "host/keeper/jail.h"
#include "host/keeper/keeper.h"
#include "host/keeper/args.h"
#include "host/keeper/report.h"
#include "sys/file.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IMAGE_MAX = 16 * 1024 * 1024, EXIT_USAGE = 2, NAME_SIZE = 16, LINGER_MIN_S = 60 };

/* Big, and its address must stay: signal handlers know it. */
static struct keeper keeper;

static bool control_works(void)
{
	int type = 0;
	socklen_t size = sizeof type;

	return getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET &&
	       fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) == 0;
}

/* What is left open by who started us would stay open as long as the Keep: only stderr and the agent are wanted. */
static bool close_others(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
	       close_range(CONTROL_FD + 1, ~0U, 0) == 0;
}

static void show_name(const char *id)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof name, "keep-%s", id);
	prctl(PR_SET_NAME, name);
}

struct loading { /* what start-up holds and serving does not */
	struct slice image;
	struct arena arena;
	struct plan plan;
	uint64_t began, created; /* ns: main, and what creating took */
};

static enum err build_plan(const struct args *o, struct loading *l, struct note *n)
{
	const struct plan_params params = {o->backend->kind, o->tee == NULL ? BOOT_TEE_NONE : BOOT_TEE_SOFT, 1};
	void *memory = malloc(PLAN_ARENA_SIZE);

	if (memory == NULL)
		return refuse(n, ERR_NOMEM, "no memory for the launch plan");
	l->arena = arena_of(memory, PLAN_ARENA_SIZE);
	TRY(file_read_pages(o->image, IMAGE_MAX, &l->image, n));
	TRY(plan_build(&l->arena, l->image, params, &l->plan, n));
	l->plan.movable = l->image;
	return OK;
}

static void drop_plan(struct loading *l)
{
	free(l->arena.base);
	munmap((void *)(uintptr_t)l->image.data, l->image.size);
	*l = (struct loading){.began = l->began, .created = l->created};
	malloc_trim(0);
}

static enum err create(struct keeper *k, const struct args *o, struct loading *l, struct note *n)
{
	uint64_t before = keeper_now();
	enum err err = o->backend->create(&l->plan, o->memory_max, &k->vmm, n);

	l->created = keeper_now() - before;
	return err;
}

/* Devices are opened by create: that is before the rights go, unless the backend needs none. */
static enum err create_and_renounce(struct keeper *k, const struct args *o, struct loading *l, struct note *n)
{
	TRY(o->backend->probe(n));
	if (!o->backend->unprivileged)
		TRY(create(k, o, l, n));
	TRY(jail_rights(o->user, n));
	if (o->backend->unprivileged)
		TRY(create(k, o, l, n));
	return OK;
}

static enum err load(struct keeper *k, const struct args *o, struct loading *l, struct note *n)
{
	if (o->kvm_known > UINT_MAX || !vmm_kvm_know((unsigned)o->kvm_known))
		return refuse(n, ERR_RANGE, "--kvm-known %llu: no keeper says that", (unsigned long long)o->kvm_known);
	TRY(build_plan(o, l, n));
	if (o->tee != NULL)
		TRY(o->tee->open(o->state, &k->tee, n));
	TRY(create_and_renounce(k, o, l, n));
	if (k->tee != NULL)
		TRY(o->tee->launched(k->tee, &l->plan, n));
	drop_plan(l);
	if (!keeper_watch(k))
		return refuse(n, ERR_IO, "cannot watch the control socket");
	return jail_calls(o->backend->kind, o->memory_max, k->control, n);
}

static int fail(const struct note *n)
{
	fprintf(stderr, "brochd-keep: %s\n", n->text);
	control_report(CONTROL_FD, CONTROL_FAILED, 0, 0, 0, n->text);
	return EXIT_FAILURE;
}

/* A client needs the time to connect, however short the record is to be kept. */
static uint64_t linger_of(const struct args *o)
{
	return o->linger_s == 0 || o->linger_s > LINGER_MIN_S ? o->linger_s : LINGER_MIN_S;
}

static int run(const struct args *o, struct clock_sample start)
{
	struct keeper *k = &keeper;
	struct loading l = {.began = keeper_now()};
	struct note n = {0};
	struct vmm *vmm;
	enum err err;

	k->backend = o->backend;
	k->tee_backend = o->tee;
	k->control = CONTROL_FD;
	k->linger_ns = linger_of(o) * 1000000000;
	err = load(k, o, &l, &n);
	if (err == OK) {
		clock_fill(start, (struct keepcall_page *)(void *)k->backend->shared(k->vmm));
		control_report(CONTROL_FD, CONTROL_LOADED, vmm_kvm_known(), l.created, keeper_now() - l.began, NULL);
		keeper_run(k);
	} else {
		note_set(&n, "%s", err_text(err)); /* unless the cause is in it */
		fail(&n);
	}
	vmm = k->vmm;
	k->vmm = NULL; /* a signal from now on finds nothing to kick */
	k->backend->destroy(vmm);
	if (k->tee != NULL)
		k->tee_backend->close(k->tee);
	return err == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const struct clock_sample start = clock_sample();
	struct args o;
	struct note n = {0};

	switch (args_parse(argc, argv, &o, &n)) {
	case ARGS_SHOWN: return EXIT_SUCCESS;
	case ARGS_WRONG:
		fprintf(stderr, "brochd-keep: %s\n", n.text);
		if (control_works())
			control_report(CONTROL_FD, CONTROL_FAILED, 0, 0, 0, n.text);
		return EXIT_USAGE;
	case ARGS_RUN: break;
	}
	if (!control_works() || !close_others()) {
		fprintf(stderr, "brochd-keep: descriptor %d is not the host agent's socket: brochd starts this program\n", CONTROL_FD);
		return EXIT_USAGE;
	}
	show_name(o.id);
	return run(&o, start);
}

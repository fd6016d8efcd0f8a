/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a Keep. */
#include "keep/run/keep.h"

#include "keep/call/call.h"
#include "keep/run/restart.h"
#include "keep/run/serve.h"
#include "lib/base/ct.h"

/* How long an ended workload waits for its owner to ask how it ended. */
#define COLLECT_NS (UINT64_C(3600) * 1000000000)

/* The Keep's memory lives on the stack until there is a heap to move into. */
static struct keep *wake_up(const struct boot_info *boot)
{
	struct memory first;
	struct keep *k;

	memory_setup(&first, boot);
	k = arena_new(&first.heap, struct keep);
	if (k == NULL)
		call_exit(KEEPCALL_EXIT_FATAL, 0, 0);
	memory_move(&k->memory, &first);
	clock_init(&k->clock);
	k->input.bytes = arena_alloc(&k->memory.heap, STDIN_BUFFER, 16);
	if (k->input.bytes == NULL || link_alloc(&k->links[0], &k->memory.heap) != OK ||
	    link_alloc(&k->links[1], &k->memory.heap) != OK)
		call_exit(KEEPCALL_EXIT_FATAL, 0, 0);
	return k;
}

static bool busy(const struct keep *k)
{
	return k->links[0].open || k->links[1].open;
}

/* Clients come until one has delivered; the others are turned away. When one has gone, the next must come soon: the
 * host cannot know that this Keep is of no use to anybody. */
static void receive_workload(struct keep *k)
{
	k->abandoned = CLOCK_NEVER;
	while (k->phase == PHASE_READY && k->refusals < REFUSALS_MAX &&
	       (busy(k) || clock_monotonic(&k->clock) < k->abandoned))
		serve(k, busy(k) ? CLOCK_NEVER : k->abandoned);
	if (k->phase == PHASE_READY)
		call_exit(KEEPCALL_EXIT_REFUSED, 0, 0);
}

static bool parting(const struct link *l)
{
	return l->open && l->closing; /* has a deadline */
}

static bool to_be_told(const struct keep *k)
{
	return (k->told == NULL && (k->detached || k->owner != NULL)) || parting(&k->links[0]) || parting(&k->links[1]);
}

/* Waits for the owner, if the workload was to outlive the connection, and for the last bytes to be fetched. */
static void tell_owner(struct keep *k)
{
	uint64_t until = clock_add(clock_monotonic(&k->clock), COLLECT_NS);

	while (to_be_told(k) && clock_monotonic(&k->clock) < until)
		serve(k, until);
}

static void forget_everything(struct keep *k)
{
	wipe(&k->identity, sizeof k->identity);
	wipe(&k->tls_identity, sizeof k->tls_identity);
	wipe(k->secret, sizeof k->secret);
	delivery_forget_secrets(&k->delivery);
	for (size_t i = 0; i < LINKS; i++)
		session_wipe(k->links[i].session);
}

void keep_main(const struct boot_info *boot)
{
	struct keep *k = wake_up(boot);
	struct msg_exit end;

	receive_workload(k);
	restart_run(k, &end);
	keep_end(k, &end);
	tell_owner(k);
	forget_everything(k);
	call_exit(KEEPCALL_EXIT_DONE, 0, 0);
}

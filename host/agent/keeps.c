/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/keep.h"
#include "host/agent/keep_impl.h"
#include "host/agent/record.h"
#include "host/agent/spawn.h"
#include "lib/base/hex.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/paths.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENDED_PER_LIVE = 4 }; /* records of ended Keeps kept, as a multiple of the Keeps that may live */

bool keep_visible(const struct keep *k, const struct client *who)
{
	return who->operator|| strcmp(k->client, who->name) == 0;
}

enum err keep_find(struct keeps *all, const char *text, const struct client *who, struct keep **out, struct fault *f)
{
	struct keep *k, *named = NULL, *begins = NULL;
	size_t count = 0, len = strlen(text);

	for (k = TAILQ_FIRST(&all->list); k != NULL; k = TAILQ_NEXT(k, link)) {
		if (!keep_visible(k, who) || k->forget)
			continue;
		if (strcmp(k->id, text) == 0) {
			*out = k;
			return OK;
		}
		/* an operator sees several clients' Keeps of one name: their own goes first */
		if (strcmp(k->name, text) == 0 && (named == NULL || strcmp(k->client, who->name) == 0))
			named = k;
		if (strncmp(k->id, text, len) == 0) {
			begins = k;
			count++;
		}
	}
	if (named == NULL && count > 1)
		return fault_set(f, 409, "give more digits of the id", "%zu Keeps have an id that starts with %s",
		                 count, text);
	if (named == NULL && begins == NULL)
		return fault_set(f, 404, "GET /v1/keeps lists yours", "no Keep has this id or name: %s", text);
	*out = named != NULL ? named : begins;
	return OK;
}

static enum err check_quota(struct keeps *all, const struct create_request *r, const struct client *who,
                            uint64_t memory, struct fault *f)
{
	const struct keeps_config *c = &all->config;
	uint64_t mine = 0, reserved = memory;
	struct keep *k;

	if (all->closing)
		return fault_set(f, 503, "try again when it is back", "the host agent is shutting down");
	if (memory > c->keep_memory_max)
		return fault_set(f, 400, "ask for less, or raise --keep-memory-max of brochd",
		                 "memory_max: this host gives a Keep at most %" PRIu64 " bytes", c->keep_memory_max);
	for (k = TAILQ_FIRST(&all->list); k != NULL; k = TAILQ_NEXT(k, link)) {
		bool own = strcmp(k->client, who->name) == 0;

		if (own && !k->forget && r->name[0] != 0 && strcmp(k->name, r->name) == 0)
			return fault_set(f, 409, "take another name, or delete that Keep first",
			                 "the name %s is taken by the Keep %s", r->name, k->id);
		if (keep_ended(k))
			continue;
		mine += own;
		if (add_overflows(reserved, k->memory_max, &reserved))
			reserved = UINT64_MAX;
	}
	if (all->live >= c->max_keeps)
		return fault_set(f, 429, "stop a Keep, or raise --max-keeps of brochd",
		                 "this host runs its maximum of %" PRIu64 " Keeps", c->max_keeps);
	if (mine >= c->max_keeps_per_client)
		return fault_set(f, 429, "stop one of yours, or raise --max-keeps-per-client of brochd",
		                 "you run your maximum of %" PRIu64 " Keeps", c->max_keeps_per_client);
	if (c->max_memory != 0 && reserved > c->max_memory)
		return fault_set(f, 429, "stop a Keep, ask for a smaller memory_max, or raise --max-memory of brochd",
		                 "the memory of this host for Keeps (%" PRIu64 " bytes) is taken", c->max_memory);
	return OK;
}

static bool id_taken(const struct keeps *all, const char *id)
{
	for (const struct keep *k = TAILQ_FIRST(&all->list); k != NULL; k = TAILQ_NEXT(k, link))
		if (strcmp(k->id, id) == 0)
			return true;
	return false;
}

static enum err new_id(const struct keeps *all, char out[static KEEP_ID_LEN + 1])
{
	uint8_t bytes[KEEP_ID_LEN / 2];

	for (int tries = 0; tries < 8; tries++) {
		if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
			return ERR_NO_RANDOM;
		hex_encode(slice_of(bytes, sizeof bytes), out);
		if (!id_taken(all, out))
			return OK;
	}
	return ERR_NO_RANDOM;
}

/* Process and record, or neither. */
static enum err launch(struct keep *k, const char *image, struct note *n)
{
	enum err err;

	TRY(keep_launch(k, image, n));
	if (k->all->config.records == NULL)
		return OK;
	err = record_write(k->all->config.records, k, n);
	if (err != OK)
		keep_revoke(k);
	return err;
}

enum err keep_create(struct keeps *all, const struct create_request *r, const struct client *who, const char *backend,
                     const char *image, struct keep **out, struct fault *f)
{
	uint64_t memory = r->memory_max == 0 ? all->config.keep_memory_max : r->memory_max;
	struct note n = {0};
	struct keep *k;

	TRY(check_quota(all, r, who, memory, f));
	k = keep_new(all);
	if (k == NULL || new_id(all, k->id) != OK) {
		if (k != NULL)
			event_free(k->timer);
		free(k);
		return fault_set(f, 503, "try again later", "out of memory");
	}
	snprintf(k->name, sizeof k->name, "%s", r->name);
	snprintf(k->client, sizeof k->client, "%s", who->name);
	k->backend = backend;
	k->tee = "soft-snp";
	k->memory_max = memory;
	k->linger_s = r->linger_s;
	k->created_ms = clock_wall_ms();
	k->begun_ns = clock_steady_ns();
	TAILQ_INSERT_TAIL(&all->list, k, link);
	if (launch(k, image, &n) != OK) {
		LOG(all->log, LOG_AT_ERROR, "keep not started", log_s("id", k->id), log_s("why", n.text));
		keep_forget(k);
		return fault_set(f, 503, "free memory, processes or disk space on the host, or see its log",
		                 "the Keep cannot start: %s", n.text);
	}
	all->live++;
	keep_say(k, "created", "backend %s, memory_max %" PRIu64, backend, memory);
	*out = k;
	return OK;
}

void keeps_ended_one(struct keeps *all)
{
	struct keep *k, *next;
	uint64_t most = all->config.max_keeps * ENDED_PER_LIVE;

	all->live--;
	all->ended++;
	for (k = TAILQ_FIRST(&all->list); k != NULL && all->ended > most; k = next) {
		next = TAILQ_NEXT(k, link);
		if (keep_ended(k) && !k->finishing)
			keep_forget(k);
	}
}

/* ---- records of the agent before us ---- */

/* Its pid may be somebody else's by now; with the start time it is the keeper we noted, or nobody. */
static void kill_stray(const struct keep *old, const struct log *log)
{
	int fd = old->pid <= 1 ? -1 : (int)syscall(SYS_pidfd_open, old->pid, 0);

	/* looked at after opening: from here on the descriptor cannot come to mean another process */
	if (fd >= 0 && old->pid_start != 0 && process_start(old->pid) == old->pid_start) {
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		LOG(log, LOG_AT_WARN, "stray keeper killed", log_s("id", old->id), log_n("pid", (uint64_t)old->pid));
	}
	fd_close(&fd);
}

static void insert_sorted(struct keeps *all, struct keep *k)
{
	struct keep *before = TAILQ_LAST(&all->list, keeps_list);

	while (before != NULL && before->created_ms > k->created_ms)
		before = TAILQ_PREV(before, keeps_list, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&all->list, before, k, link);
	else
		TAILQ_INSERT_HEAD(&all->list, k, link);
}

static void mark_lost(struct keep *k, const struct keep *old, bool same_boot)
{
	struct note n = {0};

	if (same_boot)
		kill_stray(old, k->all->log);
	k->state = KEEP_FAILED;
	k->reason = END_LOST;
	k->ended_ms = clock_wall_ms();
	snprintf(k->end, sizeof k->end, "lost: the host agent restarted");
	k->all->metrics->ended[END_LOST]++;
	keep_say(k, "lost", "%s", k->end);
	if (record_write(k->all->config.records, k, &n) != OK)
		LOG(k->all->log, LOG_AT_WARN, "record not written", log_s("id", k->id), log_s("why", n.text));
}

static void adopt(void *ctx, const struct keep *old, bool same_boot)
{
	struct keeps *all = ctx;
	struct keep *k = keep_new(all);

	if (k == NULL)
		return;
	memcpy(k->id, old->id, sizeof k->id);
	memcpy(k->name, old->name, sizeof k->name);
	memcpy(k->client, old->client, sizeof k->client);
	memcpy(k->end, old->end, sizeof k->end);
	k->backend = old->backend;
	k->tee = old->tee;
	k->state = old->state;
	k->memory_max = old->memory_max;
	k->linger_s = old->linger_s;
	k->created_ms = old->created_ms;
	k->ended_ms = old->ended_ms;
	if (!keep_ended(old))
		mark_lost(k, old, same_boot);
	insert_sorted(all, k);
	all->ended++;
	keep_linger(k);
}

enum err keeps_open(struct keeps *all, struct note *n)
{
	TAILQ_INIT(&all->list);
	if (all->config.records == NULL)
		return OK;
	TRY(paths_make(all->config.records, 0700, n));
	return record_each(all->config.records, all->log, adopt, all, n);
}

void keeps_close(struct keeps *all)
{
	struct keep *k, *next;

	all->closing = true;
	for (k = TAILQ_FIRST(&all->list); k != NULL; k = next) {
		next = TAILQ_NEXT(k, link);
		keep_stop(k);
	}
	if (all->live == 0)
		all->on_empty(all);
}

void keeps_free(struct keeps *all)
{
	struct keep *k;

	all->config.records = NULL; /* the records of ended Keeps stay on disk */
	while ((k = TAILQ_FIRST(&all->list)) != NULL)
		keep_forget(k);
	if (all->holding)
		vmm_kvm_release(&all->hold);
	all->holding = false;
	if (all->dns != NULL)
		evdns_base_free(all->dns, 0);
	all->dns = NULL;
}

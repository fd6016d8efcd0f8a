/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Keeps of this host agent: one record and, while it lives, one keeper process each. Everything runs on the event
 * loop of the program; nothing blocks. A keeper is not trusted further than its own Keep: what it says is checked
 * against the state of the record, and whoever breaks the protocol, or does not start or stop in time, is killed. A
 * Keep that computes says nothing for as long as it likes.
 *
 *   starting --LOADED--> ready --session--> attached <--> detached        any --EXITED or stop--> exited
 *                                                                          any --all other ends--> failed
 */
#ifndef BROCH_HOST_AGENT_KEEP_H
#define BROCH_HOST_AGENT_KEEP_H

#include "host/agent/auth.h"
#include "host/agent/metrics.h"
#include "host/agent/request.h"
#include "host/agent/sockets.h"
#include "host/keeper/control.h"
#include "host/vmm/vmm.h"
#include "sys/log.h"

#include <sys/queue.h>
#include <sys/types.h>

struct event;
struct event_base;

#define KEEP_STATES(S)                                                                                                 \
	S(KEEP_STARTING, "starting")                                                                                   \
	S(KEEP_READY, "ready")                                                                                         \
	S(KEEP_ATTACHED, "attached")                                                                                   \
	S(KEEP_DETACHED, "detached")                                                                                   \
	S(KEEP_EXITED, "exited")                                                                                       \
	S(KEEP_FAILED, "failed")

enum keep_state {
#define S(name, label) name,
	KEEP_STATES(S)
#undef S
	        KEEP_STATE_COUNT
};
extern const char *const keep_state_names[KEEP_STATE_COUNT];

enum { KEEP_EVENTS_MAX = 16, KEEP_DETAIL_MAX = 160 };

struct keep_event {
	int64_t time_ms;
	const char *event; /* a literal */
	char detail[KEEP_DETAIL_MAX];
};

struct keep;

/* Told once, when the Keep has started or failed (`start`), or when it has ended. The waiter is off the list by then.
 */
struct keep_waiter {
	TAILQ_ENTRY(keep_waiter) link;
	struct keep *keep; /* NULL: waits for nothing */
	bool start;
	void (*done)(struct keep_waiter *w, struct keep *k);
};

/* Told each event; e is NULL when none can follow any more, and the follower is off the list by then. */
struct keep_follower {
	TAILQ_ENTRY(keep_follower) link;
	struct keep *keep;
	void (*tell)(struct keep_follower *f, const struct keep_event *e);
};

struct keep {
	TAILQ_ENTRY(keep) link;
	struct keeps *all;
	char id[KEEP_ID_LEN + 1], name[KEEP_NAME_MAX + 1], client[CLIENT_NAME_MAX];
	const char *backend, *tee;
	enum keep_state state;
	enum end_reason reason;
	char end[CONTROL_TEXT_MAX + 40]; /* why it ended, in words */
	uint64_t memory_max, memory, exits, restarts;
	uint32_t linger_s;
	int64_t created_ms, ended_ms;
	uint64_t begun_ns;
	uint64_t ready_ns, keeper_ns, create_ns; /* from the request, of these in the keeper, of these creating the Keep */
	bool stopping;  /* was asked to end */
	bool killed;    /* by us */
	bool forget;    /* the record goes when it ends */
	bool finishing; /* keep_finish is at work: nobody else may free it */
	bool session;   /* the place of the client is taken */
	bool confirmed; /* and the Keep accepted it */
	pid_t pid;
	uint64_t pid_start; /* /proc/PID/stat, field 22: with the pid it names one process for ever */
	int pidfd, control, words;
	struct sockets *sockets; /* NULL: none was asked for yet */
	struct event *on_exit, *on_control, *on_words, *timer;
	char said[KEEP_DETAIL_MAX]; /* the last line the keeper wrote to its standard error */
	unsigned lines;             /* how many of them were logged */
	void (*on_time)(struct keep *k);
	size_t event_count; /* ever; the last KEEP_EVENTS_MAX are kept */
	struct keep_event events[KEEP_EVENTS_MAX];
	TAILQ_HEAD(keep_waiters, keep_waiter) waiters;
	TAILQ_HEAD(keep_followers, keep_follower) followers;
};

struct keeps_config {
	const char *keeper;    /* the program */
	const char *state_dir; /* where keepers keep the keys of a stand-in TEE */
	const char *records;   /* folder of the records; NULL: none are written */
	uint64_t max_keeps, max_keeps_per_client;
	uint64_t max_memory;       /* of all live Keeps together, 0: no limit */
	uint64_t keep_memory_max;  /* of one Keep: the default and the most */
	unsigned start_s, claim_s; /* time-outs; 0: none */
	enum sockets_policy sockets;
};

struct keeps {
	struct keeps_config config;
	struct event_base *base;
	const struct log *log;
	struct metrics *metrics;
	TAILQ_HEAD(keeps_list, keep) list; /* oldest first */
	size_t live, ended;
	bool closing;
	bool holding; /* an idle VM, see vmm.h */
	struct vmm_hold hold;
	unsigned kvm_known; /* what a keeper found out, see vmm.h; 0 again once a Keep has died */
	struct evdns_base *dns; /* NULL: not needed yet */
	void (*on_empty)(struct keeps *all); /* called when closing and nothing lives any more */
	void *ctx;
};

/* Reads the records of the agent before us: kills what provably is left of it, marks it lost, and takes the rest over.
 */
MUST_USE enum err keeps_open(struct keeps *all, struct note *n);
/* Takes no new Keep, ends all; on_empty is called from the loop, in KEEP_STOP_MS or little more. */
void keeps_close(struct keeps *all);
/* Frees all records in memory. Only after on_empty, or before the loop ran. */
void keeps_free(struct keeps *all);

enum { KEEP_STOP_MS = 60 }; /* how long a keeper may take to stop by itself */

/* Checks quotas and starts a keeper. On success the Keep is starting: wait with keep_wait. image: the file for this
 * backend. */
MUST_USE enum err keep_create(struct keeps *all, const struct create_request *r, const struct client *who,
                              const char *backend, const char *image, struct keep **out, struct fault *f);
/* By id, name, or unique start of the id, among those `who` may see. 404; 409 when several match. */
MUST_USE enum err keep_find(struct keeps *all, const char *text, const struct client *who, struct keep **out,
                            struct fault *f);
bool keep_visible(const struct keep *k, const struct client *who);
bool keep_ended(const struct keep *k);

/* Asks it to end, and kills it when it does not. Nothing happens when it is ending or ended. */
void keep_stop(struct keep *k);
/* Like keep_stop, and the record goes with it. k is gone after this when it has ended already. */
void keep_delete(struct keep *k);

void keep_wait(struct keep *k, struct keep_waiter *w);
void keep_unwait(struct keep_waiter *w);
void keep_follow(struct keep *k, struct keep_follower *f);
void keep_unfollow(struct keep_follower *f);

/* Reserves the one place for a client. 409, 410. Then hand over a connection with keep_attach, or give up. */
MUST_USE enum err keep_reserve(struct keep *k, struct fault *f);
/* fd is a connected stream; it is duplicated, so close yours. Fails when the Keep ended meanwhile. */
MUST_USE enum err keep_attach(struct keep *k, int fd);
void keep_unreserve(struct keep *k);

#endif

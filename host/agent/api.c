/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/api.h"
#include "host/agent/agent.h"
#include "sys/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

enum { EVENT_LINE_MAX = KEEP_DETAIL_MAX + 128 };

static json_t *keep_json(const struct keep *k)
{
	char created[CLOCK_TEXT_MAX];

	clock_text(k->created_ms, created);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:s, s:{s:I, s:I, s:I}}", "id", k->id, "name", k->name,
	                 "state", keep_state_names[k->state], "backend", k->backend, "tee", k->tee, "created", created,
	                 "client", k->client, "memory_max", (json_int_t)k->memory_max, "memory", (json_int_t)k->memory,
	                 "exits", (json_int_t)k->exits, "restarts", (json_int_t)k->restarts, "pid", keep_ended(k) ? 0 : (int)k->pid, "end", k->end,
	                 "start", "ready_us", (json_int_t)(k->ready_ns / 1000), "keeper_us",
	                 (json_int_t)(k->keeper_ns / 1000), "create_us", (json_int_t)(k->create_ns / 1000));
}

static struct conn *conn_of_waiter(struct keep_waiter *w)
{
	return (struct conn *)(void *)((uint8_t *)w - offsetof(struct conn, waiter));
}

static struct conn *conn_of_follower(struct keep_follower *f)
{
	return (struct conn *)(void *)((uint8_t *)f - offsetof(struct conn, follower));
}

static void wait_for(struct conn *c, struct keep *k, bool start, void (*done)(struct keep_waiter *w, struct keep *k))
{
	c->waiter.start = start;
	c->waiter.done = done;
	keep_wait(k, &c->waiter);
	conn_pend(c);
}

/* The Keep the path names, or an answer and NULL. */
static struct keep *named(struct conn *c)
{
	struct fault f = {0};
	struct keep *k;

	if (keep_find(&c->agent->keeps, c->route.keep, &c->who, &k, &f) == OK)
		return k;
	conn_fault(c, &f);
	return NULL;
}

/* ---- /v1/platform ---- */

static void call_platform(struct conn *c, struct slice body)
{
	const struct keeps_config *limits = &c->agent->keeps.config;
	json_t *backends = json_array();

	(void)body;
	platform_probe(&c->agent->platform, c->agent->options.image_dir);
	for (size_t i = 0; i < PLATFORM_BACKENDS; i++) {
		const struct platform_backend *b = &c->agent->platform.backends[i];

		json_array_append_new(backends, json_pack("{s:s, s:b, s:s, s:s}", "name", b->name, "available",
		                                          (int)b->available, "reason", b->reason, "cure", b->cure));
	}
	conn_json(c, 200,
	          json_pack("{s:s, s:o, s:[{s:s, s:b, s:s, s:s}], s:I, s:{s:I, s:I, s:I, s:I}}", "version",
	                    BROCH_VERSION, "backends", backends, "tees", "name", "soft-snp", "available", 1, "reason",
	                    "for development; it protects from nobody who owns the host", "cure", "", "keeps",
	                    (json_int_t)c->agent->keeps.live, "limits", "max_keeps", (json_int_t)limits->max_keeps,
	                    "max_keeps_per_client", (json_int_t)limits->max_keeps_per_client, "max_memory",
	                    (json_int_t)limits->max_memory, "keep_memory_max", (json_int_t)limits->keep_memory_max));
}

/* ---- /v1/keeps ---- */

static void created(struct keep_waiter *w, struct keep *k)
{
	struct conn *c = conn_of_waiter(w);
	struct fault f = {0};

	if (!keep_ended(k)) {
		conn_json(c, 201, keep_json(k));
		return;
	}
	fault_set(&f, 503, "GET /v1/platform tells what this host can run", "no Keep: %s", k->end);
	conn_fault(c, &f);
	keep_delete(k); /* the client knows no id, so nobody would */
}

/* The backend asked for, or the default, if it works here. */
static const struct platform_backend *choose(struct agent *a, const char *name, struct fault *f)
{
	const struct platform_backend *b;

	platform_probe(&a->platform, a->options.image_dir);
	b = platform_find(&a->platform, name);
	if (b == NULL)
		fault_set(f, 503, a->platform.backends[0].cure, "no backend works on this host: %s",
		          a->platform.backends[0].reason);
	else if (!b->available)
		fault_set(f, 503, b->cure, "the backend %s does not work on this host: %s", b->name, b->reason);
	return f->status != 0 ? NULL : b;
}

static void call_create(struct conn *c, struct slice body)
{
	const struct platform_backend *b = NULL;
	struct create_request r;
	struct fault f = {0};
	struct keep *k;

	if (request_parse(body, &r, &f) == OK)
		b = choose(c->agent, r.backend, &f);
	if (b == NULL || keep_create(&c->agent->keeps, &r, &c->who, b->name, b->image, &k, &f) != OK) {
		conn_fault(c, &f);
		return;
	}
	wait_for(c, k, true, created);
}

static void call_list(struct conn *c, struct slice body)
{
	json_t *list = json_array();
	struct keep *k;

	(void)body;
	for (k = TAILQ_FIRST(&c->agent->keeps.list); k != NULL; k = TAILQ_NEXT(k, link))
		if (keep_visible(k, &c->who) && !k->forget)
			json_array_append_new(list, keep_json(k));
	conn_json(c, 200, json_pack("{s:o}", "keeps", list));
}

static void call_get(struct conn *c, struct slice body)
{
	struct keep *k = named(c);

	(void)body;
	if (k != NULL)
		conn_json(c, 200, keep_json(k));
}

static void ended(struct keep_waiter *w, struct keep *k)
{
	conn_json(conn_of_waiter(w), 200, keep_json(k));
}

static void call_delete(struct conn *c, struct slice body)
{
	struct keep *k = named(c);

	(void)body;
	if (k == NULL)
		return;
	if (keep_ended(k))
		conn_json(c, 200, keep_json(k));
	else
		wait_for(c, k, false, ended);
	keep_delete(k);
}

static void call_stop(struct conn *c, struct slice body)
{
	struct keep *k = named(c);

	(void)body;
	if (k == NULL)
		return;
	if (keep_ended(k)) { /* stopping twice is no mistake */
		conn_json(c, 200, keep_json(k));
		return;
	}
	wait_for(c, k, false, ended);
	keep_stop(k);
}

/* ---- events ---- */

static const char *event_line(const struct keep_event *e, char out[static EVENT_LINE_MAX])
{
	char time[CLOCK_TEXT_MAX], *text;
	json_t *o;

	clock_text(e->time_ms, time);
	o = json_pack("{s:s, s:s, s:s}", "time", time, "event", e->event, "detail", e->detail);
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	snprintf(out, EVENT_LINE_MAX, "%s\n", text == NULL ? "{}" : text);
	free(text);
	json_decref(o);
	return out;
}

static void follow(struct keep_follower *f, const struct keep_event *e)
{
	struct conn *c = conn_of_follower(f);
	char line[EVENT_LINE_MAX];

	if (e != NULL)
		conn_stream_part(c, event_line(e, line));
	else
		conn_stream_end(c);
}

static void call_events(struct conn *c, struct slice body)
{
	struct keep *k = named(c);
	char line[EVENT_LINE_MAX];

	(void)body;
	if (k == NULL)
		return;
	conn_stream_begin(c, "application/x-ndjson");
	for (size_t i = k->event_count > KEEP_EVENTS_MAX ? k->event_count - KEEP_EVENTS_MAX : 0; i < k->event_count;
	     i++)
		conn_stream_part(c, event_line(&k->events[i % KEEP_EVENTS_MAX], line));
	if (!c->route.follow || keep_ended(k)) {
		conn_stream_end(c);
		return;
	}
	c->follower.tell = follow;
	keep_follow(k, &c->follower);
}

/* ---- session ---- */

static void call_session(struct conn *c, struct slice body)
{
	struct keep *k = named(c);
	struct fault f = {0};

	(void)body;
	if (k == NULL)
		return;
	if (c->upgrade.size != 13 || strncasecmp((const char *)c->upgrade.data, "broch-session", 13) != 0)
		fault_set(&f, 426, "send Connection: Upgrade and Upgrade: broch-session",
		          "this call switches protocols");
	else if (keep_reserve(k, &f) == OK)
		conn_upgrade(c, k);
	if (f.status != 0)
		conn_fault(c, &f);
}

/* ---- metrics ---- */

static void call_metrics(struct conn *c, struct slice body)
{
	size_t counts[KEEP_STATE_COUNT] = {0}, size = 0;
	struct keep *k;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	(void)body;
	for (k = TAILQ_FIRST(&c->agent->keeps.list); k != NULL; k = TAILQ_NEXT(k, link))
		counts[k->state]++;
	if (out != NULL) {
		metrics_print(&c->agent->metrics, keep_state_names, counts, KEEP_STATE_COUNT, c->agent->conns.count,
		              out);
		fclose(out);
	}
	conn_text(c, text == NULL ? 503 : 200, "text/plain; version=0.0.4; charset=utf-8", slice_of(text, size));
	free(text);
}

static void (*const calls[])(struct conn *c, struct slice body) = {
        [CALL_PLATFORM] = call_platform,  [CALL_KEEP_CREATE] = call_create,   [CALL_KEEP_LIST] = call_list,
        [CALL_KEEP_GET] = call_get,       [CALL_KEEP_DELETE] = call_delete,   [CALL_KEEP_STOP] = call_stop,
        [CALL_KEEP_EVENTS] = call_events, [CALL_KEEP_SESSION] = call_session, [CALL_METRICS] = call_metrics,
};
static_assert(ARRAY_COUNT(calls) == CALL_COUNT, "one function for each call");

void api_call(struct conn *c, struct slice body)
{
	calls[c->route.call](c, body);
}

void api_cancel(struct conn *c)
{
	struct keep *k = c->waiter.keep;
	bool creating = k != NULL && c->waiter.start, upgrading = k != NULL && c->state == CONN_UPGRADE;

	keep_unwait(&c->waiter);
	keep_unfollow(&c->follower);
	if (creating)
		keep_delete(k);
	if (upgrading)
		keep_unreserve(k);
}

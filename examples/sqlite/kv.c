/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key-value server: SQLite, unchanged, on the Keep's in-memory tree. Clients send lines over TLS (examples/sqlite/kv.toml)
 * and get a line for each:
 *
 *   set KEY VALUE    ok
 *   get KEY          = VALUE, or none
 *   del KEY          ok, or none
 *   count            = N
 *
 * Lines of all clients are taken by turns, each its own transaction. Anything else is answered with "wrong".
 */
#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 200, LINE_MAX = 4096 };

static struct client {
	char in[LINE_MAX], out[LINE_MAX + 8];
	size_t in_size, at, size; /* what came; what of the answer is to be sent */
} clients[CLIENTS_MAX];
static struct pollfd fds[1 + CLIENTS_MAX];
static nfds_t count = 1;
static sqlite3 *db;
static sqlite3_stmt *set, *get, *del, *number;

static void must(int code, const char *what)
{
	if (code == SQLITE_OK)
		return;
	fprintf(stderr, "kv: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code));
	exit(1);
}

static void open_store(const char *path)
{
	must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix-none"), path);
	must(sqlite3_exec(db, "create table if not exists kv(key text primary key, value text) without rowid", NULL, NULL, NULL),
	     "making the table");
	must(sqlite3_prepare_v2(db, "insert or replace into kv values(?1, ?2)", -1, &set, NULL), "set");
	must(sqlite3_prepare_v2(db, "select value from kv where key = ?1", -1, &get, NULL), "get");
	must(sqlite3_prepare_v2(db, "delete from kv where key = ?1", -1, &del, NULL), "del");
	must(sqlite3_prepare_v2(db, "select count(*) from kv", -1, &number, NULL), "count");
}

/* Runs one statement. The answer is its row, or what it says without one. */
static void run(struct client *c, sqlite3_stmt *s, const char *without, const char *key, const char *value)
{
	int code;

	if (key != NULL)
		must(sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC), "a key");
	if (value != NULL)
		must(sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC), "a value");
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		c->size = (size_t)snprintf(c->out, sizeof c->out, "= %s\n", (const char *)sqlite3_column_text(s, 0));
	else if (code == SQLITE_DONE)
		c->size = (size_t)snprintf(c->out, sizeof c->out, "%s\n", without);
	else
		c->size = (size_t)snprintf(c->out, sizeof c->out, "failed: %s\n", sqlite3_errmsg(db));
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

static void obey(struct client *c, char *line)
{
	char *rest = line, *verb = strsep(&rest, " "), *key = rest;

	c->at = 0;
	if (strcmp(verb, "set") == 0 && key != NULL && strsep(&rest, " ") != NULL && *key != 0 && rest != NULL)
		run(c, set, "ok", key, rest);
	else if (strcmp(verb, "get") == 0 && key != NULL && *key != 0)
		run(c, get, "none", key, NULL);
	else if (strcmp(verb, "del") == 0 && key != NULL && *key != 0) {
		run(c, del, "ok", key, NULL);
		if (sqlite3_changes(db) == 0)
			c->size = (size_t)snprintf(c->out, sizeof c->out, "none\n");
	} else if (strcmp(verb, "count") == 0 && key == NULL)
		run(c, number, "failed", NULL, NULL);
	else
		c->size = (size_t)snprintf(c->out, sizeof c->out, "wrong\n");
}

/* Takes a line that is whole. False: there is none. */
static bool take_line(struct client *c)
{
	char *end = memchr(c->in, '\n', c->in_size);
	size_t used;

	if (end == NULL)
		return false;
	used = (size_t)(end - c->in) + 1;
	*end = 0;
	if (end > c->in && end[-1] == '\r')
		end[-1] = 0;
	obey(c, c->in);
	c->in_size -= used;
	memmove(c->in, c->in + used, c->in_size);
	return true;
}

/* One step. False: this client is done. */
static bool serve(struct client *c, struct pollfd *p)
{
	ssize_t n;

	if (c->at == c->size && !take_line(c)) {
		if (c->in_size == LINE_MAX)
			return false; /* a line that never ends */
		n = read(p->fd, c->in + c->in_size, LINE_MAX - c->in_size);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		c->in_size += (size_t)n;
		take_line(c);
	}
	while (c->at < c->size) {
		n = write(p->fd, c->out + c->at, c->size - c->at);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		c->at += (size_t)n;
		if (c->at == c->size)
			take_line(c);
	}
	p->events = c->at < c->size ? POLLOUT : POLLIN;
	return true;
}

static void let_in(void)
{
	int fd = accept(fds[0].fd, NULL, NULL);

	if (fd < 0)
		return;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		close(fd);
		return;
	}
	clients[count - 1] = (struct client){.size = 0};
	fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void drop(nfds_t i)
{
	close(fds[i].fd);
	count--;
	fds[i] = fds[count];
	clients[i - 1] = clients[count - 1];
}

/* The number of the descriptor with this name: its place in FD_NAMES. */
static int find(const char *want)
{
	const char *names = getenv("FD_NAMES");
	size_t size = strlen(want);

	for (int fd = 0; names != NULL; fd++) {
		const char *colon = strchr(names, ':');

		if (strncmp(names, want, size) == 0 && (names[size] == ':' || names[size] == 0))
			return fd;
		names = colon == NULL ? NULL : colon + 1;
	}
	return -1;
}

int main(void)
{
	fds[0].fd = find("kv");
	if (fds[0].fd < 0) {
		fprintf(stderr, "kv: no socket is called \"kv\": run me with --config examples/sqlite/kv.toml\n");
		return 2;
	}
	open_store("/store/kv.db");
	puts("ready");
	fflush(stdout);
	for (;;) {
		fds[0].events = count <= CLIENTS_MAX ? POLLIN : 0; /* who finds no place waits outside */
		if (poll(fds, count, -1) < 0) {
			perror("kv: poll");
			return 1;
		}
		for (nfds_t i = count; i-- > 1;)
			if (fds[i].revents != 0 && !serve(&clients[i - 1], &fds[i]))
				drop(i);
		if (fds[0].revents != 0 && count <= CLIENTS_MAX)
			let_in();
	}
}

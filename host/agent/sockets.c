/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/sockets.h"

#include "abi/keepcall.h"
#include "sys/file.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, OPENING_MAX = 64 };

struct opening {
	TAILQ_ENTRY(opening) link;
	struct sockets *all;
	struct control request;
	char host[CONTROL_TEXT_MAX], port[8];
	struct evdns_getaddrinfo_request *resolving; /* NULL: not, or no longer */
	struct evutil_addrinfo *list, *at;           /* the name's addresses; the one that comes next */
	unsigned tried;
	int fd;                /* begins to be connected, and watched; -1: none */
	struct event *watched;
	enum keepcall_why why; /* the last one did not work */
	char words[160];
};

struct sockets {
	struct event_base *base;
	struct evdns_base **dns;
	enum sockets_policy policy;
	sockets_done *done;
	void *ctx;
	size_t count;
	TAILQ_HEAD(openings, opening) list;
};

enum err sockets_policy_of(const char *text, enum sockets_policy *out)
{
	static const char *const names[] = {
	        [SOCKETS_NONE] = "none", [SOCKETS_LOOPBACK] = "loopback", [SOCKETS_ANY] = "any"};

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum sockets_policy)i;
			return OK;
		}
	return ERR_INVALID;
}

struct sockets *sockets_new(struct event_base *base, struct evdns_base **dns, enum sockets_policy policy,
                            sockets_done *done, void *ctx)
{
	struct sockets *s = malloc(sizeof *s);

	if (s == NULL)
		return NULL;
	*s = (struct sockets){.base = base, .dns = dns, .policy = policy, .done = done, .ctx = ctx};
	TAILQ_INIT(&s->list);
	return s;
}

static void unwatch(struct opening *o)
{
	if (o->watched != NULL)
		event_free(o->watched);
	o->watched = NULL;
}

static void release(struct opening *o)
{
	unwatch(o);
	fd_close(&o->fd);
	if (o->list != NULL)
		evutil_freeaddrinfo(o->list);
	free(o);
}

void sockets_free(struct sockets *s)
{
	struct opening *o;

	if (s == NULL)
		return;
	while ((o = TAILQ_FIRST(&s->list)) != NULL) {
		TAILQ_REMOVE(&s->list, o, link);
		o->all = NULL; /* its call-back, which comes in any case, frees it */
		if (o->resolving != NULL)
			evdns_getaddrinfo_cancel(o->resolving);
		else
			release(o);
	}
	free(s);
}

static void finish(struct opening *o, int fd, enum keepcall_why why, const char *words)
{
	struct sockets *s = o->all;

	TAILQ_REMOVE(&s->list, o, link);
	s->count--;
	s->done(s->ctx, &o->request, fd, (struct sockets_fault){why, words});
	release(o);
	fd_close(&fd);
}

/* ---- addresses ---- */

static bool is_loopback(const struct sockaddr *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->sa_family == AF_INET) {
		memcpy(&in, a, sizeof in);
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	memcpy(&in6, a, sizeof in6);
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/* All addresses become the loopback ones. True: it was such an address. */
static bool narrow(struct sockaddr_storage *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)a;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a;

	if (a->ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY)) {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return true;
	}
	if (a->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)) {
		in6->sin6_addr = in6addr_loopback;
		return true;
	}
	return false;
}

/* Does the policy let it be used, perhaps changed? */
static bool allowed(const struct sockets *s, struct sockaddr_storage *a, bool listens)
{
	if (a->ss_family != AF_INET && a->ss_family != AF_INET6)
		return false;
	if (s->policy == SOCKETS_ANY)
		return true;
	return (listens && narrow(a)) || is_loopback((const struct sockaddr *)a);
}

static bool start(int fd, const struct sockaddr_storage *a, socklen_t size, bool listens)
{
	const int yes = 1, no = 0;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0)
		return false;
	if (!listens)
		return connect(fd, (const struct sockaddr *)a, size) == 0 || errno == EINPROGRESS;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
		return false;
	if (a->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0)
		return false;
	return bind(fd, (const struct sockaddr *)a, size) == 0 && listen(fd, BACKLOG) == 0;
}

static enum keepcall_why why_of(int code)
{
	switch (code) {
	case ECONNREFUSED: return KEEPCALL_WHY_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRNOTAVAIL: return KEEPCALL_WHY_UNREACHABLE;
	case EADDRINUSE: return KEEPCALL_WHY_IN_USE;
	case EACCES:
	case EPERM: return KEEPCALL_WHY_DENIED;
	case ETIMEDOUT: return KEEPCALL_WHY_TIMED_OUT;
	default: return KEEPCALL_WHY_UNKNOWN;
	}
}

/* The next address that the policy allows; NULL: there is none, or enough were tried. */
static const struct evutil_addrinfo *next_address(struct opening *o, struct sockaddr_storage *a)
{
	for (; o->at != NULL && o->tried < SOCKETS_TRIES; o->at = o->at->ai_next) {
		*a = (struct sockaddr_storage){0};
		if (o->at->ai_addrlen > sizeof *a)
			continue;
		memcpy(a, o->at->ai_addr, o->at->ai_addrlen);
		if (allowed(o->all, a, o->request.code == KEEPCALL_LISTEN))
			return o->at;
	}
	return NULL;
}

static void did_not_work(struct opening *o, int code)
{
	o->why = why_of(code);
	snprintf(o->words, sizeof o->words, "%s", strerror(code));
	fd_close(&o->fd);
}

static void hand_over(struct opening *o)
{
	int fd = o->fd;

	o->fd = -1;
	finish(o, fd, KEEPCALL_WHY_UNKNOWN, NULL);
}

static void try_next(struct opening *o);

/* Connected, refused, or too late. */
static void on_news(evutil_socket_t fd, short what, void *ctx)
{
	struct opening *o = ctx;
	int code = ETIMEDOUT;
	socklen_t size = sizeof code;

	unwatch(o);
	if ((what & EV_WRITE) != 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
		code = errno;
	if (code == 0) {
		hand_over(o);
		return;
	}
	did_not_work(o, code);
	try_next(o);
}

/* False: nobody can, and what becomes of it the Keep sees itself. */
static bool watch(struct opening *o)
{
	const struct timeval patience = {.tv_sec = SOCKETS_PATIENCE_S};

	o->watched = event_new(o->all->base, o->fd, EV_WRITE, on_news, o);
	if (o->watched != NULL && event_add(o->watched, &patience) == 0)
		return true;
	unwatch(o);
	return false;
}

/* In the order of the answer. A connection to the last one is only begun: what becomes of it the Keep sees itself. */
static void try_next(struct opening *o)
{
	const bool listens = o->request.code == KEEPCALL_LISTEN;
	const struct evutil_addrinfo *address;
	struct sockaddr_storage a, other;

	while ((address = next_address(o, &a)) != NULL) {
		o->at = address->ai_next;
		o->tried++;
		o->fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (o->fd < 0 || !start(o->fd, &a, address->ai_addrlen, listens)) {
			did_not_work(o, errno);
			continue;
		}
		if (listens || next_address(o, &other) == NULL || !watch(o))
			hand_over(o);
		return;
	}
	finish(o, -1, o->why, o->words);
}

static void on_addresses(int result, struct evutil_addrinfo *list, void *ctx)
{
	struct opening *o = ctx;

	o->resolving = NULL;
	o->list = o->at = list;
	if (o->all == NULL)
		release(o);
	else if (result != 0)
		finish(o, -1, KEEPCALL_WHY_UNREACHABLE, evutil_gai_strerror(result));
	else
		try_next(o);
}

/* ---- HOST:PORT ---- */

static bool split(struct opening *o)
{
	const char *text = o->request.text, *colon = strrchr(text, ':'), *end;
	size_t size;

	if (colon == NULL || strlen(colon + 1) == 0 || strlen(colon + 1) >= sizeof o->port ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || strtoul(colon + 1, NULL, 10) > UINT16_MAX)
		return false;
	end = colon;
	if (text[0] == '[' && end > text && end[-1] == ']') {
		text++;
		end--;
	}
	size = (size_t)(end - text);
	memcpy(o->host, text, size);
	o->host[size] = 0;
	memcpy(o->port, colon + 1, strlen(colon + 1) + 1);
	return true;
}

/* Made when the first name is looked up. */
static struct evdns_base *resolver(struct sockets *s)
{
	if (*s->dns == NULL)
		*s->dns = evdns_base_new(s->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (*s->dns == NULL) /* without name servers: addresses, and the names of this machine */
		*s->dns = evdns_base_new(s->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return *s->dns;
}

static void resolve(struct opening *o)
{
	const bool listens = o->request.code == KEEPCALL_LISTEN;
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
	                                .ai_socktype = SOCK_STREAM,
	                                .ai_protocol = IPPROTO_TCP,
	                                .ai_flags = listens ? EVUTIL_AI_PASSIVE : 0};
	struct evdns_base *dns = resolver(o->all);
	struct evdns_getaddrinfo_request *resolving;

	if (dns == NULL) {
		finish(o, -1, KEEPCALL_WHY_UNKNOWN, "out of memory");
		return;
	}
	/* It may be done when the call returns, and gone. */
	resolving = evdns_getaddrinfo(dns, o->host[0] != 0 ? o->host : NULL, o->port, &hints, on_addresses, o);
	if (resolving != NULL)
		o->resolving = resolving;
}

void sockets_open(struct sockets *s, const struct control *request)
{
	struct opening *o = s->count < OPENING_MAX ? calloc(1, sizeof *o) : NULL;

	if (o == NULL) {
		s->done(s->ctx, request, -1,
		        (struct sockets_fault){KEEPCALL_WHY_UNKNOWN, "too many sockets are being opened at once"});
		return;
	}
	*o = (struct opening){.all = s, .request = *request, .fd = -1, .why = KEEPCALL_WHY_DENIED};
	snprintf(o->words, sizeof o->words, "the policy of this host (--sockets) does not let a Keep reach it");
	TAILQ_INSERT_TAIL(&s->list, o, link);
	s->count++;
	if (s->policy == SOCKETS_NONE)
		finish(o, -1, KEEPCALL_WHY_DENIED, "this host gives workloads no sockets (brochd --sockets none)");
	else if (!split(o))
		finish(o, -1, KEEPCALL_WHY_UNKNOWN, "the Keep asked for something that is not HOST:PORT");
	else
		resolve(o);
}

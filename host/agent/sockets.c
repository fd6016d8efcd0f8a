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
			free(o);
	}
	free(s);
}

static void finish(struct opening *o, int fd, enum keepcall_why why, const char *words)
{
	struct sockets *s = o->all;

	TAILQ_REMOVE(&s->list, o, link);
	s->count--;
	s->done(s->ctx, &o->request, fd, (struct sockets_fault){why, words});
	free(o);
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

/* The first address that works. A connection is only begun: what becomes of it the Keep sees itself. */
static void try_all(struct opening *o, const struct evutil_addrinfo *list)
{
	const bool listens = o->request.code == KEEPCALL_LISTEN;
	const char *words = "the policy of this host (--sockets) does not let a Keep reach it";
	enum keepcall_why why = KEEPCALL_WHY_DENIED;
	char text[160];

	for (const struct evutil_addrinfo *at = list; at != NULL; at = at->ai_next) {
		struct sockaddr_storage a = {0};
		int fd;

		if (at->ai_addrlen > sizeof a)
			continue;
		memcpy(&a, at->ai_addr, at->ai_addrlen);
		if (!allowed(o->all, &a, listens))
			continue;
		fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd >= 0 && start(fd, &a, at->ai_addrlen, listens)) {
			finish(o, fd, KEEPCALL_WHY_UNKNOWN, NULL);
			return;
		}
		why = why_of(errno);
		snprintf(text, sizeof text, "%s", strerror(errno));
		words = text;
		fd_close(&fd);
	}
	finish(o, -1, why, words);
}

static void on_addresses(int result, struct evutil_addrinfo *list, void *ctx)
{
	struct opening *o = ctx;

	o->resolving = NULL;
	if (o->all == NULL)
		free(o);
	else if (result != 0)
		finish(o, -1, KEEPCALL_WHY_UNREACHABLE, evutil_gai_strerror(result));
	else
		try_all(o, list);
	if (list != NULL)
		evutil_freeaddrinfo(list);
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
	o->all = s;
	o->request = *request;
	TAILQ_INSERT_TAIL(&s->list, o, link);
	s->count++;
	if (s->policy == SOCKETS_NONE)
		finish(o, -1, KEEPCALL_WHY_DENIED, "this host gives workloads no sockets (brochd --sockets none)");
	else if (!split(o))
		finish(o, -1, KEEPCALL_WHY_UNKNOWN, "the Keep asked for something that is not HOST:PORT");
	else
		resolve(o);
}

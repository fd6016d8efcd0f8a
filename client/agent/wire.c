/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/wire.h"

#include "sys/openssl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct wire {
	int fd, wake_fd;
	SSL_CTX *ctx; /* NULL: no TLS */
	SSL *ssl;
	bool read_wants_write, write_wants_read; /* TLS may need the other direction */
};

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void wire_close(struct wire *w)
{
	if (w == NULL)
		return;
	if (w->ssl != NULL) {
		(void)SSL_shutdown(w->ssl);
		ERR_clear_error();
		SSL_free(w->ssl);
	}
	SSL_CTX_free(w->ctx);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

enum err wire_of_fd(int fd, int wake_fd, struct wire **out)
{
	struct wire *w = calloc(1, sizeof *w);
	int flags = fcntl(fd, F_GETFL);

	if (w == NULL || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		free(w);
		close(fd);
		return w == NULL ? ERR_NOMEM : ERR_IO;
	}
	w->fd = fd;
	w->wake_fd = wake_fd;
	*out = w;
	return OK;
}

enum err wire_open_unix(const char *path, int wake_fd, struct wire **out, struct note *n)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof at.sun_path)
		return refuse(n, ERR_RANGE, "%s: a socket's path has at most %u bytes; use a shorter one", path,
		              (unsigned)sizeof at.sun_path - 1);
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse(n, ERR_IO, "making a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
		int why = errno;

		close(fd);
		if (why == ENOENT || why == ECONNREFUSED)
			return refuse(n, ERR_IO, "no host agent listens on %s; start one: brochd --listen unix:%s",
			              path, path);
		if (why == EACCES)
			return refuse(n, ERR_PERMISSION, "%s: permission denied; the socket belongs to another user",
			              path);
		return refuse(n, ERR_IO, "connecting to %s: %s", path, strerror(why));
	}
	return wire_of_fd(fd, wake_fd, out);
}

static enum err await(int fd, short events, int wake_fd, int64_t deadline)
{
	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = wake_fd, .events = POLLIN}};
		int64_t left = deadline - clock_ms();
		int ready;

		if (left <= 0)
			return ERR_TIMEOUT;
		ready = poll(p, 2, left > 60000 ? 60000 : (int)left);
		if (ready < 0 && errno != EINTR)
			return ERR_IO;
		if (ready > 0 && p[1].revents != 0)
			return ERR_STOPPED;
		if (ready > 0)
			return OK;
	}
}

int wire_fd(const struct wire *w)
{
	return w->fd;
}

short wire_events(const struct wire *w, bool reading, bool writing)
{
	short events = 0;

	if (reading)
		events |= w->read_wants_write ? POLLOUT : POLLIN;
	if (writing)
		events |= w->write_wants_read ? POLLIN : POLLOUT;
	return events;
}

enum err wire_wait(const struct wire *w, bool reading, bool writing, int64_t deadline)
{
	return await(w->fd, wire_events(w, reading, writing), w->wake_fd, deadline);
}

static enum err tls_outcome(struct wire *w, int result, bool *wants_other, bool reading)
{
	int why = SSL_get_error(w->ssl, result);

	ERR_clear_error();
	*wants_other = why == (reading ? SSL_ERROR_WANT_WRITE : SSL_ERROR_WANT_READ);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return ERR_AGAIN;
	return why == SSL_ERROR_ZERO_RETURN ? ERR_CLOSED : ERR_IO;
}

static enum err socket_outcome(void)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return ERR_AGAIN;
	return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
}

enum err wire_read(struct wire *w, void *out, size_t capacity, size_t *size)
{
	ssize_t got;

	if (w->ssl != NULL) {
		int result = SSL_read_ex(w->ssl, out, capacity, size);

		return result == 1 ? OK : tls_outcome(w, result, &w->read_wants_write, true);
	}
	got = recv(w->fd, out, capacity, 0);
	if (got < 0)
		return socket_outcome();
	*size = (size_t)got;
	return got == 0 ? ERR_CLOSED : OK;
}

enum err wire_write(struct wire *w, struct slice in, size_t *size)
{
	ssize_t put;

	if (w->ssl != NULL) {
		int result = SSL_write_ex(w->ssl, in.data, in.size, size);

		return result == 1 ? OK : tls_outcome(w, result, &w->write_wants_read, false);
	}
	put = send(w->fd, in.data, in.size, MSG_NOSIGNAL);
	if (put < 0)
		return socket_outcome();
	*size = (size_t)put;
	return OK;
}

enum err wire_write_all(struct wire *w, struct slice in, int64_t deadline)
{
	while (in.size > 0) {
		size_t put = 0;
		enum err err = wire_write(w, in, &put);

		if (err == ERR_AGAIN)
			err = wire_wait(w, false, true, deadline);
		TRY(err);
		in = slice_of(in.data + put, in.size - put);
	}
	return OK;
}

static enum err connect_one(const struct addrinfo *a, int wake_fd, int64_t deadline, int *out, int *why)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	socklen_t size = sizeof *why;
	enum err err;

	*why = errno;
	if (fd < 0)
		return ERR_IO;
	*why = 0;
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0)
		*why = errno;
	if (*why == EINPROGRESS) {
		err = await(fd, POLLOUT, wake_fd, deadline);
		if (err == ERR_STOPPED) {
			close(fd);
			return err;
		}
		*why = ETIMEDOUT;
		if (err == OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, why, &size) != 0)
			*why = errno;
	}
	if (*why != 0) {
		close(fd);
		return ERR_IO;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	*out = fd;
	return OK;
}

static enum err connect_tcp(const char *host, const char *port, int wake_fd, int64_t deadline, const char *cure,
                            int *out, struct note *n)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int why = getaddrinfo(host, port, &hints, &list);
	enum err err = ERR_IO;

	if (why != 0)
		return refuse(n, ERR_IO, "%s: %s; check the host's name", host, gai_strerror(why));
	for (struct addrinfo *a = list; a != NULL && err == ERR_IO; a = a->ai_next)
		err = connect_one(a, wake_fd, deadline, out, &why);
	freeaddrinfo(list);
	if (err == ERR_IO)
		note_set(n, "connecting to %s port %s: %s; %s", host, port, strerror(why), cure);
	return err;
}

static enum err tls_words(struct note *n, const char *what, const char *file)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	note_set(n, "%s %s: %s", what, file, why != NULL ? why : "OpenSSL gives no reason");
	ERR_clear_error();
	return ERR_INVALID;
}

static enum err tls_files(SSL_CTX *ctx, const struct wire_tls *t, struct note *n)
{
	const char *key = t->key != NULL ? t->key : t->cert;

	if (t->ca != NULL && SSL_CTX_load_verify_file(ctx, t->ca) != 1)
		return tls_words(n, "reading certificates from", t->ca);
	if (t->ca == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
		return tls_words(n, "reading the", "system's certificates");
	if (t->cert != NULL && SSL_CTX_use_certificate_chain_file(ctx, t->cert) != 1)
		return tls_words(n, "reading the client certificate from", t->cert);
	if (key != NULL && SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return tls_words(n, "reading the private key from", key);
	return OK;
}

/* An address literal is checked as an address, a name as a name. */
static bool tls_name(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static enum err tls_handshake(struct wire *w, const char *host, int64_t deadline, struct note *n)
{
	for (;;) {
		int result = SSL_connect(w->ssl), why = SSL_get_error(w->ssl, result);

		if (result == 1)
			return OK;
		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			break;
		TRY(await(w->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, w->wake_fd, deadline));
	}
	if (SSL_get_verify_mode(w->ssl) != SSL_VERIFY_NONE && SSL_get_verify_result(w->ssl) != X509_V_OK)
		return refuse(n, ERR_AUTH, "%s: its certificate is not accepted: %s; name the right one with --ca",
		              host, X509_verify_cert_error_string(SSL_get_verify_result(w->ssl)));
	(void)tls_words(n, "TLS with", host);
	return ERR_IO;
}

static enum err tls_context(struct wire *w, int verify)
{
	w->ctx = SSL_CTX_new(TLS_client_method());
	if (w->ctx == NULL)
		return ERR_NOMEM;
	SSL_CTX_set_verify(w->ctx, verify, NULL);
	SSL_CTX_set_mode(w->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return SSL_CTX_set_min_proto_version(w->ctx, TLS1_2_VERSION) == 1 ? OK : ERR_CRYPTO;
}

static enum err tls_begin(struct wire *w, const char *host, const struct wire_tls *t, int64_t deadline, struct note *n)
{
	TRY(tls_context(w, SSL_VERIFY_PEER));
	TRY(tls_files(w->ctx, t, n));
	w->ssl = SSL_new(w->ctx);
	if (w->ssl == NULL || SSL_set_fd(w->ssl, w->fd) != 1 || !tls_name(w->ssl, host))
		return tls_words(n, "preparing TLS with", host);
	return tls_handshake(w, host, deadline, n);
}

/* ---- TLS with a Keep ---- */

enum err wire_peer(const struct wire *w, uint8_t **der, size_t *size)
{
	X509 *x = w->ssl != NULL ? SSL_get0_peer_certificate(w->ssl) : NULL;
	uint8_t *at;
	int length = x != NULL ? i2d_X509(x, NULL) : 0;

	if (length <= 0)
		return ERR_NOT_FOUND;
	*der = at = malloc((size_t)length);
	if (*der == NULL)
		return ERR_NOMEM;
	*size = (size_t)i2d_X509(x, &at);
	return OK;
}

static enum err pinned(const struct wire *w, const uint8_t *pin, const char *host, struct note *n)
{
	X509 *x = SSL_get0_peer_certificate(w->ssl);
	uint8_t digest[SHA256_DIGEST_LENGTH], *spki = NULL;
	int size = x != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki) : 0;
	bool same = false;

	if (size > 0) {
		SHA256(spki, (size_t)size, digest);
		same = memcmp(digest, pin, sizeof digest) == 0;
	}
	OPENSSL_free(spki);
	return same ? OK
	            : refuse(n, ERR_AUTH,
	                     "%s shows another key than the one that was verified: it is another Keep; connect anew",
	                     host);
}

static enum err keep_begin(struct wire *w, const char *host, const uint8_t *pin, int64_t deadline, struct note *n)
{
	struct in6_addr address;

	TRY(tls_context(w, SSL_VERIFY_NONE));
	w->ssl = SSL_new(w->ctx);
	if (w->ssl == NULL || SSL_set_fd(w->ssl, w->fd) != 1)
		return tls_words(n, "preparing TLS with", host);
	if (inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1 &&
	    SSL_set_tlsext_host_name(w->ssl, host) != 1)
		return tls_words(n, "preparing TLS with", host);
	TRY(tls_handshake(w, host, deadline, n));
	return pin != NULL ? pinned(w, pin, host, n) : OK;
}

enum err wire_open_keep(const char *host, const char *port, const uint8_t *pin, int wake_fd, int64_t deadline,
                        struct wire **out, struct note *n)
{
	struct wire *w = NULL;
	enum err err;
	int fd = -1;

	TRY(connect_tcp(host, port, wake_fd, deadline, "does the workload listen there?", &fd, n));
	TRY(wire_of_fd(fd, wake_fd, &w));
	err = keep_begin(w, host, pin, deadline, n);
	if (err == OK) {
		*out = w;
		w = NULL;
	}
	wire_close(w);
	return err;
}

void wire_finish(struct wire *w)
{
	if (w->ssl == NULL) {
		(void)shutdown(w->fd, SHUT_WR);
		return;
	}
	(void)SSL_shutdown(w->ssl);
	ERR_clear_error();
}

enum err wire_open_tls(const char *host, const char *port, const struct wire_tls *tls, int wake_fd, int64_t deadline,
                       struct wire **out, struct note *n)
{
	struct wire *w = NULL;
	enum err err;
	int fd = -1;

	TRY(connect_tcp(host, port, wake_fd, deadline, "is brochd running there?", &fd, n));
	TRY(wire_of_fd(fd, wake_fd, &w));
	err = tls_begin(w, host, tls, deadline, n);
	if (err == OK) {
		*out = w;
		w = NULL;
	}
	wire_close(w);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/https.c outside of a Keep: the same source, compiled for this machine, with OpenSSL below its read and
 * write.
 *
 *   native PORT KEY.PEM CERTIFICATE.PEM
 */
#include "sys/openssl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 4096, LISTENER = 3 };

static SSL_CTX *context;
static SSL *by_fd[FDS_MAX];

static int tls_accept(int listener, struct sockaddr *a, socklen_t *size)
{
	int fd = accept(listener, a, size);

	if (fd < 0 || fd >= FDS_MAX)
		return fd;
	by_fd[fd] = SSL_new(context);
	if (by_fd[fd] == NULL || SSL_set_fd(by_fd[fd], fd) != 1)
		abort();
	SSL_set_accept_state(by_fd[fd]);
	return fd;
}

/* What OpenSSL says of a call that moved nothing. */
static ssize_t told(int fd, int result)
{
	int why;

	why = SSL_get_error(by_fd[fd], result);
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
	return -1;
}

static ssize_t tls_read(int fd, void *out, size_t size)
{
	size_t n = 0;
	int result;

	ERR_clear_error(); /* SSL_get_error looks there */
	result = SSL_read_ex(by_fd[fd], out, size, &n);
	return result > 0 ? (ssize_t)n : told(fd, result);
}

static ssize_t tls_write(int fd, const void *data, size_t size)
{
	size_t n = 0;
	int result;

	ERR_clear_error();
	result = SSL_write_ex(by_fd[fd], data, size, &n);
	return result > 0 ? (ssize_t)n : told(fd, result);
}

static int tls_close(int fd)
{
	SSL_shutdown(by_fd[fd]);
	SSL_free(by_fd[fd]);
	by_fd[fd] = NULL;
	return close(fd);
}

#define accept tls_accept
#define read   tls_read
#define write  tls_write
#define close  tls_close
#define main   serve_https
#include "examples/https.c" // NOLINT(bugprone-suspicious-include)
#undef main
#undef close

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int yes = 1;
	int fd;

	if (argc != 4)
		return 2;
	a.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_certificate_file(context, argv[3], SSL_FILETYPE_PEM) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1024) != 0 || dup2(fd, LISTENER) != LISTENER ||
	    setenv("FD_NAMES", "in:out:err:https", 1) != 0) {
		perror("native");
		return 1;
	}
	return serve_https();
}

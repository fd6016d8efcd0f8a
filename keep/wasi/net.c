/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as paths, for WASI preview 1 has no call that makes one: path_open below the directory /net of
 *
 *   tcp/HOST/PORT, tls/HOST/PORT          a connection; with tls after the handshake, and only to whom HOST belongs
 *   listen/tcp/PORT, listen/tls/PORT      a socket for sock_accept, on all addresses
 *
 * What may be opened the manifest says. The call waits until the socket is there.
 */
#include "keep/wasi/call.h"
#include "lib/session/network.h"

#include <assert.h>

enum { PARTS = 3, PORT_DIGITS = 5, PORT_MAX = 65535 };

/* Components between slashes, "." left out. More than there is room for: ENOENT. */
static enum wasi_errno split(struct slice path, struct slice parts[static PARTS])
{
	size_t count = 0;

	for (size_t at = 0, end; at < path.size; at = end + 1) {
		for (end = at; end < path.size && path.data[end] != '/';)
			end++;
		if (end == at || (end == at + 1 && path.data[at] == '.'))
			continue;
		if (count == PARTS)
			return WASI_ENOENT;
		parts[count++] = slice_of(path.data + at, end - at);
	}
	return count == PARTS ? WASI_OK : WASI_ENOENT;
}

static enum wasi_errno read_port(struct slice text, uint32_t *out)
{
	*out = 0;
	if (text.size > PORT_DIGITS)
		return WASI_EINVAL;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return WASI_EINVAL;
		*out = *out * 10 + (uint32_t)(text.data[i] - '0');
	}
	return *out == 0 || *out > PORT_MAX ? WASI_EINVAL : WASI_OK;
}

/* host: NETWORK_NAME_MAX, to which the address then points. */
static enum wasi_errno read_address(struct slice path, char *host, struct port_address *out)
{
	struct slice parts[PARTS], protocol;
	size_t size = 0;

	ETRY(path_check(path));
	ETRY(split(path, parts));
	out->listens = slice_is(parts[0], "listen");
	protocol = parts[out->listens ? 1 : 0];
	out->tls = slice_is(protocol, "tls");
	if (!out->tls && !slice_is(protocol, "tcp"))
		return WASI_ENOENT;
	if (!out->listens && network_host(parts[1], host, &size) != OK)
		return WASI_EINVAL;
	out->host = slice_of(host, size);
	return read_port(parts[2], &out->port);
}

static enum wasi_errno errno_of(enum port_opened how)
{
	static const enum wasi_errno errnos[] = {
	        [PORT_OPENED] = WASI_OK,
	        [PORT_DENIED] = WASI_EACCES,
	        [PORT_REFUSED] = WASI_ECONNREFUSED,
	        [PORT_UNREACHABLE] = WASI_EHOSTUNREACH,
	        [PORT_IN_USE] = WASI_EADDRINUSE,
	        [PORT_TIMED_OUT] = WASI_ETIMEDOUT,
	        [PORT_FULL] = WASI_EMFILE,
	        [PORT_UNTRUSTED] = WASI_ECONNABORTED,
	        [PORT_UNSPOKEN] = WASI_EPROTO,
	        [PORT_FAILED] = WASI_EIO,
	};

	static_assert(ARRAY_COUNT(errnos) == PORT_OPENED_KINDS, "one for each");
	return errnos[how];
}

/*
 * The arguments are those of path_open, which has looked at descriptor, flags and rights. Reading and writing is as was
 * asked for; the other rights are always a socket's: who opens a file does not know to ask for them.
 */
enum wasi_errno net_open(struct call *c)
{
	char host[NETWORK_NAME_MAX];
	struct port_address address;
	enum port_opened how;
	struct fd fd = {.flags = (uint16_t)arg32(c, 7)};
	const uint64_t both = RIGHT_FD_READ | RIGHT_FD_WRITE;
	uint8_t *path, *result;
	uint32_t number;
	enum err err;

	ETRY(guest_range(c, arg32(c, 2), arg32(c, 3), &path));
	ETRY(guest_range(c, arg32(c, 8), 4, &result));
	if ((arg32(c, 4) & OFLAG_DIRECTORY) != 0)
		return WASI_ENOTDIR;
	if ((arg32(c, 4) & OFLAG_EXCL) != 0)
		return WASI_EEXIST;
	ETRY(read_address(slice_of(path, arg32(c, 3)), host, &address));
	err = port_socket_open(&address, &fd.socket, &how);
	if (err != OK)
		return stop_with(c, err);
	ETRY(errno_of(how));
	fd.kind = address.listens ? FD_LISTENER : FD_SOCKET;
	fd.rights = address.listens ? RIGHTS_LISTENER : (RIGHTS_SOCKET & ~both) | (arg64(c, 5) & both);
	fd.inheriting = address.listens ? RIGHTS_SOCKET : 0;
	CHECK(fds_add(&c->w->fds, &fd, &number) == WASI_OK);
	store32(result, number);
	return WASI_OK;
}

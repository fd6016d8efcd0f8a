/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fdpass.h"

#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 4 }; /* room to see, and close, what a peer should not have sent */

enum err fdpass_send(int socket, const void *packet, size_t size, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec io = {.iov_base = (void *)(uintptr_t)packet, .iov_len = size};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
	ssize_t put;

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = sizeof control;
		c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	do
		put = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return err_of_errno(errno);
	return (size_t)put == size ? OK : ERR_IO;
}

/* Takes all descriptors out of a message: the first into *fd, the others are closed. Returns how many there were. */
static size_t take_fds(struct msghdr *m, int *fd)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
			int one;

			memcpy(&one, CMSG_DATA(c) + at, sizeof one);
			if (count++ == 0)
				*fd = one;
			else
				close(one);
		}
	}
	return count;
}

enum err fdpass_receive(int socket, void *packet, size_t size, int *fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct iovec io = {.iov_base = packet, .iov_len = size};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	size_t count;
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_of_errno(errno);
	count = take_fds(&m, fd);
	if (got == 0 && count == 0)
		return ERR_CLOSED;
	if ((size_t)got != size || count > 1 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		fd_close(fd);
		return ERR_FORMAT;
	}
	return OK;
}

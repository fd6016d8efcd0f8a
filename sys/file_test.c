/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fdpass.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/broch-file-test-XXXXXX";
static char path[sizeof dir + 8];

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/file", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void replace_then_read(void **state)
{
	struct slice got;
	struct stat st;

	(void)state;
	assert_int_equal(file_replace(path, slice_text("old"), 0600, NULL), OK);
	assert_int_equal(file_replace(path, slice_text("hello"), 0640, NULL), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read(path, 5, &got, NULL), OK);
	assert_true(slice_is(got, "hello"));
	free((void *)(uintptr_t)got.data);
}

static void reads_into_pages(void **state)
{
	struct slice got;

	(void)state;
	assert_int_equal(file_replace(path, slice_text("hello"), 0600, NULL), OK);
	assert_int_equal(file_read_pages(path, 4, &got, NULL), ERR_LIMIT);
	assert_int_equal(file_read_pages(path, 5, &got, NULL), OK);
	assert_true(slice_is(got, "hello"));
	assert_int_equal((uintptr_t)got.data % 4096, 0);
	assert_int_equal(munmap((void *)(uintptr_t)got.data, got.size), 0);
}

static void reads_are_bounded(void **state)
{
	struct note n = {0};
	struct slice got;

	(void)state;
	assert_int_equal(file_replace(path, slice_text("hello"), 0600, NULL), OK);
	assert_int_equal(file_read(path, 4, &got, &n), ERR_LIMIT);
	assert_non_null(strstr(n.text, path));
}

static void only_regular_files_are_read(void **state)
{
	struct note n = {0};
	struct slice got;

	(void)state;
	assert_int_equal(file_read("/dev/null", 10, &got, NULL), ERR_INVALID);
	assert_int_equal(file_read(dir, 10, &got, NULL), ERR_INVALID);
	assert_int_equal(file_read("/nowhere/at/all", 10, &got, &n), ERR_NOT_FOUND);
	assert_non_null(strstr(n.text, "/nowhere/at/all"));
}

static void a_failed_replace_leaves_nothing(void **state)
{
	struct note n = {0};

	(void)state;
	assert_int_equal(file_replace("/nowhere/at/all", slice_text("x"), 0600, &n), ERR_NOT_FOUND);
	assert_int_not_equal(n.text[0], 0);
}

static int open_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void a_descriptor_travels(void **state)
{
	int before = open_count(), pair[2], pipes[2], fd;
	char c = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fdpass_send(pair[0], "abcd", 4, pipes[1]), OK);
	char packet[4];
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), OK);
	assert_memory_equal(packet, "abcd", 4);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), ERR_AGAIN);
	assert_int_equal(fdpass_send(pair[0], "abcd", 4, -1), OK);
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), OK);
	assert_int_equal(fd, -1);
	fd_close(&pair[0]);
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), ERR_CLOSED);
	assert_int_equal(fdpass_send(pair[1], packet, 4, -1), ERR_CLOSED);
	fd_close(&pair[1]);
	fd_close(&pipes[0]);
	fd_close(&pipes[1]);
	assert_int_equal(open_count(), before);
}

/* One byte short, one byte long, two descriptors: refused, and nothing stays open. */
static void malformed_packets_are_refused(void **state)
{
	int pair[2], fd, before;
	char packet[4];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = open_count();
	assert_int_equal(fdpass_send(pair[0], "abc", 3, pair[0]), OK);
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), ERR_FORMAT);
	assert_int_equal(fdpass_send(pair[0], "abcde", 5, pair[0]), OK);
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), ERR_FORMAT);

	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {0};
	struct iovec io = {.iov_base = packet, .iov_len = 4};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), pair, sizeof pair);
	assert_int_equal(sendmsg(pair[0], &m, 0), 4);
	assert_int_equal(fdpass_receive(pair[1], packet, 4, &fd), ERR_FORMAT);
	assert_int_equal(fd, -1);
	assert_int_equal(open_count(), before);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replace_then_read),
		cmocka_unit_test(reads_into_pages), cmocka_unit_test(reads_are_bounded),
		cmocka_unit_test(only_regular_files_are_read),
		cmocka_unit_test(a_failed_replace_leaves_nothing),
		cmocka_unit_test(a_descriptor_travels),
		cmocka_unit_test(malformed_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

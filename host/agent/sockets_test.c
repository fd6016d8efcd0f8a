/* SPDX-License-Identifier: Apache-2.0 */
/* Names with several addresses, which a file of hosts gives them: what is tried, in which order, and what comes of it.
 */
#include "host/agent/sockets.h"

#include "sys/file.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { STALLED = 4, WAIT_MS = 60000 };

static const char hosts[] = "127.0.0.2 two.test\n127.0.0.1 two.test\n"
                            "127.0.0.2 none.test\n127.0.0.3 none.test\n"
                            "192.0.2.1 mixed.test\n127.0.0.1 mixed.test\n"
                            "192.0.2.1 away.test\n"
                            "127.0.0.4 slow.test\n127.0.0.1 slow.test\n";
static struct event_base *base;
static struct evdns_base *dns;
static int listener;
static unsigned port;

static struct outcome {
	unsigned times;
	int fd;
	enum keepcall_why why;
} outcome;

static void done(void *ctx, const struct control *request, int fd, struct sockets_fault fault)
{
	(void)ctx, (void)request;
	outcome.times++;
	outcome.fd = fd < 0 ? -1 : dup(fd);
	outcome.why = fault.why;
}

static struct sockets *begin(const char *name, enum keepcall_channel kind)
{
	struct control request = {.type = CONTROL_OPEN, .code = kind};
	struct sockets *s = sockets_new(base, &dns, SOCKETS_LOOPBACK, done, NULL);

	assert_non_null(s);
	outcome = (struct outcome){.fd = -1};
	snprintf(request.text, sizeof request.text, "%s:%u", name, port);
	sockets_open(s, &request);
	return s;
}

static void open_name(const char *name)
{
	struct sockets *s = begin(name, KEEPCALL_CONNECT);

	while (outcome.times == 0)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(outcome.times, 1);
	sockets_free(s);
}

/* What became of the connection that was handed over: 0, or an errno. */
static int result(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int code = -1;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size), 0);
	return code;
}

static void is_connected_to(const char *address)
{
	struct sockaddr_in a = {0};
	socklen_t size = sizeof a;

	assert_true(outcome.fd >= 0);
	assert_int_equal(result(outcome.fd), 0);
	assert_int_equal(getpeername(outcome.fd, (struct sockaddr *)&a, &size), 0);
	assert_string_equal(inet_ntoa(a.sin_addr), address);
	fd_close(&outcome.fd);
}

static struct sockaddr_in address_of(const char *text)
{
	return (struct sockaddr_in){
	        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(text)};
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

/* ---- tests ---- */

static void the_next_address_is_tried(void **state)
{
	size_t before;

	(void)state;
	open_name("mixed.test"); /* the resolver has made all that it keeps */
	is_connected_to("127.0.0.1");
	before = open_files();
	open_name("two.test");
	is_connected_to("127.0.0.1");
	assert_int_equal(open_files(), before);
}

static void the_last_one_says_why(void **state)
{
	(void)state;
	open_name("none.test");
	assert_true(outcome.fd >= 0);
	assert_int_equal(result(outcome.fd), ECONNREFUSED);
	fd_close(&outcome.fd);
}

static void the_policy_judges_each_address(void **state)
{
	(void)state;
	open_name("mixed.test");
	is_connected_to("127.0.0.1");
	open_name("away.test");
	assert_true(outcome.fd < 0);
	assert_int_equal(outcome.why, KEEPCALL_WHY_DENIED);
}

/* Nobody answers at the first: its queue is full. */
static void no_address_is_waited_for_for_long(void **state)
{
	struct sockaddr_in a = address_of("127.0.0.4");
	int full = socket(AF_INET, SOCK_STREAM, 0), waiting[STALLED];
	struct sockets *s;
	size_t before;

	(void)state;
	assert_int_equal(bind(full, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(full, 0), 0);
	for (size_t i = 0; i < STALLED; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(connect(waiting[i], (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS);
	}
	before = open_files();
	s = begin("slow.test", KEEPCALL_CONNECT); /* a Keep that ends meanwhile leaves nothing */
	assert_true(outcome.times == 0 && open_files() > before);
	sockets_free(s);
	assert_int_equal(open_files(), before);
	open_name("slow.test");
	is_connected_to("127.0.0.1");
	assert_int_equal(open_files(), before);
	for (size_t i = 0; i < STALLED; i++)
		fd_close(&waiting[i]);
	fd_close(&full);
}

static void who_listens_takes_the_first_that_is_free(void **state)
{
	struct sockets *s;
	struct sockaddr_in a = {0};
	socklen_t size = sizeof a;

	(void)state;
	s = begin("two.test", KEEPCALL_LISTEN);
	assert_true(outcome.times == 1 && outcome.fd >= 0);
	assert_int_equal(getsockname(outcome.fd, (struct sockaddr *)&a, &size), 0);
	assert_string_equal(inet_ntoa(a.sin_addr), "127.0.0.2");
	sockets_free(s);
	fd_close(&outcome.fd);
}

static int setup(void **state)
{
	char path[] = "/tmp/broch-hosts-XXXXXX";
	struct sockaddr_in a = address_of("127.0.0.1");
	socklen_t size = sizeof a;
	int fd = mkstemp(path);

	(void)state;
	base = event_base_new();
	dns = base == NULL ? NULL : evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (fd < 0 || dns == NULL || write(fd, hosts, strlen(hosts)) != (ssize_t)strlen(hosts) ||
	    evdns_base_load_hosts(dns, path) != 0)
		return -1;
	close(fd);
	unlink(path);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &size) != 0)
		return -1;
	port = ntohs(a.sin_port);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	evdns_base_free(dns, 0);
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_next_address_is_tried),
	        cmocka_unit_test(the_last_one_says_why),
	        cmocka_unit_test(the_policy_judges_each_address),
	        cmocka_unit_test(no_address_is_waited_for_for_long),
	        cmocka_unit_test(who_listens_takes_the_first_that_is_free),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

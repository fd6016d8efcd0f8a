/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/stream.h"

#include "client/agent/interrupt.h"
#include "sys/file.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { INPUT_SIZE = 60 * 1024 };

struct flow {
	struct pipe *p;
	const struct stream *s;
	struct stream_end *e;
	uint64_t pulled; /* input bytes the Keep still wants */
	bool input_over;
	unsigned interrupts; /* acted upon */
	int64_t deadline;    /* after a stop; 0: none */
};

static const struct slice nothing = {NULL, 0};

/* All of it; the user may interrupt a write that waits for a slow reader. */
static enum err write_out(struct flow *f, int fd, struct slice s)
{
	while (fd >= 0 && s.size > 0) {
		ssize_t put = write(fd, s.data, s.size);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd p[2] = {{.fd = fd, .events = POLLOUT}, {.fd = interrupt_fd(), .events = POLLIN}};

			(void)poll(p, 2, -1);
		} else if (put < 0 && errno != EINTR) {
			return errno == EPIPE ? ERR_CLOSED : ERR_IO;
		}
		if (put < 0 && interrupt_count() >= f->interrupts + 1)
			return ERR_STOPPED;
		if (put > 0)
			s = slice_of(s.data + put, s.size - (size_t)put);
	}
	return OK;
}

static enum err take_output(struct flow *f, int fd, struct slice body, struct note *n)
{
	enum err err = write_out(f, fd, body);

	f->e->paused = body.size == 0 && f->s->until_pause;
	if (err == OK || err == ERR_STOPPED)
		return err;
	if (fd == f->s->err)
		return OK; /* a closed standard error is no reason to end a workload */
	f->e->reader_gone = err == ERR_CLOSED;
	return refuse(n, err_of_errno(errno), "writing to standard output: %s", strerror(errno));
}

static enum err take_pull(struct flow *f, struct slice body, struct note *n)
{
	struct msg_stdin_pull m;

	if (msg_stdin_pull_decode(body, &m) != OK || add_overflows(f->pulled, m.size, &f->pulled))
		return refuse(n, ERR_REFUSED, "the Keep asks for input in a way we do not understand");
	return OK;
}

static enum err take_exit(struct flow *f, struct slice body, struct note *n)
{
	struct msg_exit m;

	if (msg_exit_decode(body, &m) != OK)
		return refuse(n, ERR_REFUSED, "the Keep's report of the end is malformed");
	f->e->exited = true;
	f->e->end = m.end;
	f->e->code = m.code;
	f->e->load_ns = m.load_ns;
	f->e->run_ns = m.run_ns;
	slice_shown(m.message, f->e->message, sizeof f->e->message);
	return OK;
}

static enum err take_error(struct slice body, struct note *n)
{
	struct msg_error m;
	char words[160];

	if (msg_error_decode(body, &m) != OK)
		return refuse(n, ERR_REFUSED, "the Keep's error message is malformed");
	slice_shown(m.message, words, sizeof words);
	return refuse(n, ERR_IO, "the Keep gives up: %s", words);
}

static enum err take(struct flow *f, enum session_type type, struct slice body, struct note *n)
{
	switch (type) {
	case SESSION_STDOUT: return take_output(f, f->s->out, body, n);
	case SESSION_STDERR: return take_output(f, f->s->err, body, n);
	case SESSION_STDIN_PULL: return take_pull(f, body, n);
	case SESSION_EXIT: return take_exit(f, body, n);
	case SESSION_ERROR: return take_error(body, n);
	case SESSION_WORKLOAD_EVIDENCE:
		if (f->s->evidence != NULL)
			return f->s->evidence(f->s->context, body, n);
		FALLTHROUGH;
	default: return refuse(n, ERR_REFUSED, "the Keep sends message %u out of turn", (unsigned)type);
	}
}

/* Everything that is complete; ERR_AGAIN when more must come. */
static enum err take_all(struct flow *f, struct note *n)
{
	while (!f->e->exited && !f->e->paused) {
		enum session_type type;
		struct slice body;
		enum err err = pipe_next(f->p, &type, &body, n);

		if (err != OK && err != ERR_AGAIN && err != ERR_CLOSED && err != ERR_IO)
			return ERR_REFUSED;
		TRY(err);
		TRY(take(f, type, body, n));
		if (interrupt_count() > f->interrupts)
			return ERR_AGAIN;
	}
	return OK;
}

static enum err send_input(struct flow *f, struct note *n)
{
	static uint8_t buffer[INPUT_SIZE];
	size_t want = f->pulled < sizeof buffer ? (size_t)f->pulled : sizeof buffer;
	ssize_t got = 0;

	if (want > pipe_room(f->p))
		want = pipe_room(f->p);
	if (f->s->in >= 0) {
		got = read(f->s->in, buffer, want);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			return OK;
	}
	if (got <= 0) { /* the end, or an input that fails: both are the end for the workload */
		f->input_over = true;
		return pipe_send(f->p, SESSION_STDIN, nothing, nothing, n);
	}
	f->pulled -= (uint64_t)got;
	return pipe_send(f->p, SESSION_STDIN, slice_of(buffer, (size_t)got), nothing, n);
}

static bool wants_input(const struct flow *f)
{
	return f->pulled > 0 && !f->input_over && pipe_room(f->p) > 0;
}

/* Once: stop it and wait. Twice: the caller kills it. */
static enum err take_interrupt(struct flow *f, struct note *n)
{
	interrupt_seen();
	f->e->signal = interrupt_signal();
	f->interrupts = interrupt_count();
	if (f->s->leave || f->deadline != 0 || f->interrupts > 1)
		return ERR_STOPPED;
	f->deadline = clock_ms() + f->s->stop_grace_ms;
	return pipe_send(f->p, SESSION_STOP, nothing, nothing, n);
}

static int poll_ms(const struct flow *f)
{
	int64_t left = f->deadline - clock_ms();

	if (f->deadline == 0)
		return -1;
	return left < 0 ? 0 : (int)left;
}

static enum err turn(struct flow *f, struct note *n)
{
	bool input = wants_input(f);
	struct pollfd p[3] = {
	        {.fd = pipe_fd(f->p), .events = pipe_events(f->p)},
	        {.fd = interrupt_fd(), .events = POLLIN},
	        {.fd = input ? f->s->in : -1, .events = POLLIN},
	};

	if (input && f->s->in < 0)
		return send_input(f, n);
	if (poll(p, ARRAY_COUNT(p), poll_ms(f)) < 0 && errno != EINTR)
		return refuse(n, ERR_IO, "waiting for the Keep: %s", strerror(errno));
	if (interrupt_count() > f->interrupts)
		TRY(take_interrupt(f, n));
	if (f->deadline != 0 && clock_ms() >= f->deadline)
		return ERR_STOPPED;
	if (p[2].revents != 0)
		TRY(send_input(f, n));
	return OK;
}

enum err stream_run(struct pipe *p, const struct stream *s, struct stream_end *e, struct note *n)
{
	struct flow f = {.p = p, .s = s, .e = e};

	memset(e, 0, sizeof *e);
	for (;;) {
		struct note lost = {0};
		enum err sent = pipe_pump(p, &lost), err;

		/* Words of the Keep that are here already count more than a connection that ended. */
		err = take_all(&f, n);
		if (err != ERR_AGAIN)
			return err;
		if (sent != OK)
			return refuse(n, sent, "%s", lost.text);
		TRY(turn(&f, n));
	}
}

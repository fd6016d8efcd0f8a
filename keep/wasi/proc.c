/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments, environment, clocks, randomness, and the end of the program. */
#include "keep/wasi/call.h"

/* ---- arguments and environment: an array of pointers, and zero-terminated strings ---- */

static enum wasi_errno put_sizes(struct call *c, const struct slice *s, size_t count)
{
	uint32_t total = 0; /* wasi_new checked that it fits */

	for (size_t i = 0; i < count; i++)
		total += (uint32_t)s[i].size + 1;
	ETRY(guest_put32(c, arg32(c, 0), (uint32_t)count));
	return guest_put32(c, arg32(c, 1), total);
}

static enum wasi_errno put_strings(struct call *c, const struct slice *s, size_t count)
{
	uint32_t at = arg32(c, 1);
	uint8_t *pointers, *text;

	ETRY(guest_range(c, arg32(c, 0), (uint32_t)count * 4, &pointers));
	for (size_t i = 0; i < count; i++) {
		ETRY(guest_range(c, at, (uint32_t)s[i].size + 1, &text));
		store32(pointers + 4 * i, at);
		memcpy(text, s[i].data, s[i].size);
		text[s[i].size] = 0;
		at += (uint32_t)s[i].size + 1;
	}
	return WASI_OK;
}

enum wasi_errno do_args_sizes_get(struct call *c)
{
	return put_sizes(c, c->w->args, c->w->arg_count);
}

enum wasi_errno do_args_get(struct call *c)
{
	return put_strings(c, c->w->args, c->w->arg_count);
}

enum wasi_errno do_environ_sizes_get(struct call *c)
{
	return put_sizes(c, c->w->env, c->w->env_count);
}

enum wasi_errno do_environ_get(struct call *c)
{
	return put_strings(c, c->w->env, c->w->env_count);
}

/* ---- clocks ---- */

enum wasi_errno do_clock_res_get(struct call *c)
{
	if (arg32(c, 0) > CLOCK_THREAD_CPU)
		return WASI_EINVAL;
	return guest_put64(c, arg32(c, 1), 1);
}

enum wasi_errno do_clock_time_get(struct call *c)
{
	uint64_t now;

	switch (arg32(c, 0)) {
	case CLOCK_WALL: now = port_wall_ns(); break;
	case CLOCK_MONO: now = port_monotonic_ns(); break;
	case CLOCK_PROCESS_CPU:
	case CLOCK_THREAD_CPU: now = port_cpu_ns(); break;
	default: return WASI_EINVAL;
	}
	return guest_put64(c, arg32(c, 2), now);
}

/* ---- the rest ---- */

enum wasi_errno do_random_get(struct call *c)
{
	uint8_t *out;
	enum err err;

	ETRY(guest_range(c, arg32(c, 0), arg32(c, 1), &out));
	if (out == NULL)
		return WASI_OK;
	err = port_random(out, arg32(c, 1));
	return err == OK ? WASI_OK : stop_with(c, err);
}

enum wasi_errno do_sched_yield(struct call *c)
{
	(void)c; /* there is one thread */
	return WASI_OK;
}

enum wasi_errno do_proc_exit(struct call *c)
{
	c->w->exit_code = arg32(c, 0);
	return stop_with(c, ERR_EXIT);
}

enum wasi_errno do_proc_raise(struct call *c)
{
	(void)c; /* no signals: proc_exit or a trap end a program */
	return WASI_ENOSYS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a host's HTTP answer, in pieces whose sizes the first byte chooses: the outcome does not depend on them. */
#include "client/agent/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum err err;
	size_t consumed, content;
	uint32_t sum;
};

static struct outcome read_body(const struct http_head *head, struct slice in, size_t step)
{
	struct outcome o = {OK, 0, 0, 0};
	struct http_body b;

	http_body_begin(&b, head);
	while (o.err == OK && !b.done && o.consumed < in.size) {
		size_t end = in.size - o.consumed < step ? in.size : o.consumed + step;

		while (o.err == OK && !b.done && o.consumed < end) {
			struct slice content;
			size_t used;

			o.err = http_body_feed(&b, slice_of(in.data + o.consumed, end - o.consumed), &content, &used, NULL);
			CHECK(o.err != OK || (used > 0 && used <= end - o.consumed && content.size <= used));
			if (o.err != OK)
				break;
			o.consumed += used;
			o.content += content.size;
			for (size_t i = 0; i < content.size; i++)
				o.sum = o.sum * 31 + content.data[i];
		}
	}
	if (o.err == OK && !b.done)
		o.err = http_body_end(&b, NULL);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head head;
	struct note n = {0};
	struct outcome whole, pieces;
	struct slice in;
	size_t used;
	enum err err;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	err = http_head_parse(in, "broch-session", &head, &used, &n);
	CHECK(err == OK || err == ERR_AGAIN || n.text[0] != 0);
	if (err != OK)
		return 0;
	CHECK(used <= in.size && used <= HTTP_HEAD_MAX && head.status >= 100 && head.status <= 599);
	in = slice_of(in.data + used, in.size - used);
	whole = read_body(&head, in, in.size + 1);
	pieces = read_body(&head, in, (size_t)data[0] + 1);
	CHECK(whole.err == pieces.err);
	CHECK(whole.err != OK || (whole.consumed == pieces.consumed && whole.content == pieces.content && whole.sum == pieces.sum));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keeper/report.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void control_report(int control, enum control_type type, uint32_t code, uint64_t a, uint64_t b, const char *text)
{
	struct control m = {.type = type, .code = code, .a = a, .b = b};
	int flags = MSG_NOSIGNAL | (type == CONTROL_USAGE ? MSG_DONTWAIT : 0);

	if (text != NULL)
		memcpy(m.text, text, strnlen(text, sizeof m.text - 1));
	while (send(control, &m, sizeof m, flags) < 0 && errno == EINTR)
		;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper tells the host agent: one packet each (control.h). Losing the agent is noticed on receiving. */
#ifndef BROCH_HOST_REPORT_H
#define BROCH_HOST_REPORT_H

#include "host/keeper/control.h"

/* text may be NULL; it is cut to fit. A USAGE is dropped rather than waited for when the agent is behind. */
void control_report(int control, enum control_type type, uint32_t code, uint64_t a, uint64_t b, const char *text);

#endif

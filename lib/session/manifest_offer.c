/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest may say but Keeps of this version cannot do yet. Whoever makes it real takes its line out here. */
#include "lib/session/manifest.h"

enum err manifest_offered(const struct manifest *m, struct note *n)
{
	if (m->restart.when != RESTART_NEVER)
		return refuse(n, ERR_UNSUPPORTED, "restarting is not offered by Keeps of this version yet");
	return OK;
}

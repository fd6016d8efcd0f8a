/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest may say but Keeps of this version cannot do yet. Whoever makes it real takes its line out here. */
#include "lib/session/manifest.h"

static enum err descriptors_offered(const struct manifest *m, struct note *n)
{
	for (size_t i = 0; i < m->descriptor_count; i++) {
		uint32_t kind = m->descriptors[i].kind;

		if (m->descriptors[i].protocol == DESCRIPTOR_TLS)
			return refuse(n, ERR_UNSUPPORTED, "descriptor %u (%s) is a socket with TLS: Keeps of this version offer tcp only",
				      (unsigned)i, descriptor_kind_text(kind));
	}
	return OK;
}

enum err manifest_offered(const struct manifest *m, struct note *n)
{
	TRY(descriptors_offered(m, n));
	if (m->restart.when != RESTART_NEVER)
		return refuse(n, ERR_UNSUPPORTED, "restarting is not offered by Keeps of this version yet");
	if (m->limits.network_bytes != 0)
		return refuse(n, ERR_UNSUPPORTED, "a limit of bytes over sockets is not offered by Keeps of this version yet");
	return OK;
}

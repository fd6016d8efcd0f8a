/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/manifest.h"

#include "lib/base/rw.h"

enum err secret_open(struct slice blob, struct slice *out)
{
	struct reader r = rd_of(blob);
	uint32_t size;

	TRY(rd_skip(&r, SECRET_SALT));
	TRY(rd_u32le(&r, &size));
	TRY(rd_bytes(&r, size, out));
	if (rd_left(&r) >= SECRET_STEP)
		return ERR_FORMAT; /* more than was needed to fill it up */
	return rd_zero(&r, rd_left(&r));
}

size_t secret_sealed_size(size_t size)
{
	if (size > SECRET_SIZE_MAX - SECRET_HEAD)
		return 0;
	return (SECRET_HEAD + size + SECRET_STEP - 1) / SECRET_STEP * SECRET_STEP;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/session/manifest.h"

#include "lib/base/rw.h"

enum err secret_seal(const uint8_t salt[static SECRET_SALT], struct slice value, void *out, size_t capacity, size_t *size)
{
	struct writer w = wr_of(out, capacity);

	*size = secret_sealed_size(value.size);
	if (*size == 0)
		return ERR_LIMIT;
	TRY(wr_bytes(&w, slice_of(salt, SECRET_SALT)));
	TRY(wr_u32le(&w, (uint32_t)value.size));
	TRY(wr_bytes(&w, value));
	return wr_zero(&w, *size - SECRET_HEAD - value.size);
}

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

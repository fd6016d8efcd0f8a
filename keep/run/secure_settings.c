/* SPDX-License-Identifier: Apache-2.0 */
/* From the manifest's words to what TLS works with. */
#include "keep/run/secure.h"

#include "lib/tls/roots.h"

static const char *as_text(struct arena *a, struct slice s)
{
	char *text = arena_alloc(a, s.size + 1, 1);

	if (text != NULL)
		memcpy(text, s.data, s.size);
	return text;
}

static enum err texts(struct arena *a, const struct slice *from, size_t count, const char ***out)
{
	const char **list = arena_many(a, count, const char *);

	if (list == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		list[i] = as_text(a, from[i]);
		if (list[i] == NULL)
			return ERR_NOMEM;
	}
	*out = list;
	return OK;
}

static enum err roots(const struct delivery *d, struct arena *a, struct slice path, struct tls_trust *out,
                      struct note *n)
{
	const struct manifest *m = &d->manifest;
	struct note why = {""};

	for (size_t i = 0; i < m->file_count; i++) {
		enum err err;

		if (!slice_equal(m->files[i].path, path))
			continue;
		err = roots_read(a, delivery_file(d, i), out, &why);
		return err == OK ? OK
		                 : refuse(n, err, "the roots in %s: %s", as_text(a, path),
		                          why.text[0] != 0 ? why.text : err_text(err));
	}
	CHECK(false); /* manifest_check asked */
	return ERR_NOT_FOUND;
}

static enum err trust(const struct delivery *d, struct arena *a, const struct manifest_trust *from,
                      struct tls_trust *out, struct note *n)
{
	uint8_t(*pins)[TLS_PIN_SIZE] = arena_array(a, from->pin_count, sizeof *pins, 1);

	*out = (struct tls_trust){.pin_count = from->pin_count};
	if (pins == NULL && from->pin_count > 0)
		return ERR_NOMEM;
	for (size_t i = 0; i < from->pin_count; i++)
		memcpy(pins[i], from->pins[i].data, sizeof pins[i]);
	out->pins = (const uint8_t(*)[TLS_PIN_SIZE])pins;
	return from->roots.size > 0 ? roots(d, a, from->roots, out, n) : OK;
}

enum err secure_settings_read(const struct delivery *d, struct arena *a, struct secure_settings *out, struct note *n)
{
	const struct manifest_tls *t = &d->manifest.tls;
	const char **names, **alpn;

	TRY(texts(a, t->names, t->name_count, &names));
	TRY(texts(a, t->alpn, t->alpn_count, &alpn));
	*out = (struct secure_settings){
	        .manifest = d->digest, .names = names, .name_count = t->name_count, .protocols = {alpn, t->alpn_count}};
	TRY(trust(d, a, &t->servers, &out->servers, n));
	return trust(d, a, &t->clients, &out->clients, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the slow half of OpenSSL, for fuzzing only. The target NAME_quick is the target NAME, linked with a
 * static libcrypto in which the linker (--wrap, tools/make/fuzz.mk) puts these functions in front of the real ones:
 *
 * - a public key, certificate or list that was read before is not read again: the same object is handed out
 * once more. Bytes that were not seen are read by OpenSSL, as ever;
 * - a public key operation that was done before is not done again, and one that was never done has failed, after the
 * first thousand. So a forgery that takes public key operations to find is not found here: the true target is for that;
 * - JSON and PEM text that was read before is not read again, either;
 * - the memory of OpenSSL and of jansson is not ASan's;
 * - texts and bytes are compared by functions of our own, which ASan watches as it watches all of ours, rather than by
 * its own, which tell the fuzzer of every comparison.
 *
 * Nothing here is in a product: only the rule of a fuzz target links it, it links with nothing that is not a fuzz target,
 * and test/attest/products.sh looks for its mark.
 */
#include "client/attest/ecdsa.h"
#include "client/attest/sev_key.h"

#include <stdlib.h>

#include <jansson.h>
#include <openssl/decoder.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Without a fuzz target it cannot be linked. */
extern int (*const quick_needs)(const uint8_t *data, size_t size);
int (*const quick_needs)(const uint8_t *data, size_t size) = LLVMFuzzerTestOneInput;

extern const char quick_mark[];
const char quick_mark[] = "BROCH_FUZZ_QUICK_STAND_IN";

extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

enum { SLOTS = 4096, REAL_OPERATIONS = 1000 };

const char *__asan_default_options(void);

/* Where memory came from, the true target says of the same input. Freed memory rests shortly: one run is short, and
 * what stays in the cache is fast. */
const char *__asan_default_options(void)
{
	return "malloc_context_size=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=64:max_malloc_fill_size=0";
}

/* ---- memory ---- */

static void *take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __libc_malloc(size);
}

static void *resize(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __libc_realloc(p, size);
}

static void give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	__libc_free(p);
}

static int cert_index, key_index;

__attribute__((constructor)) static void start(void)
{
	if (CRYPTO_set_mem_functions(take, resize, give) != 1 || quick_mark[0] == 0)
		abort();
	json_set_alloc_funcs(__libc_malloc, __libc_free);
	cert_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	key_index = EVP_PKEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* ---- comparing ---- */

int __wrap_strcmp(const char *a, const char *b);
int __wrap_strncmp(const char *a, const char *b, size_t size);
int __wrap_memcmp(const void *a, const void *b, size_t size);

UNCOUNTED int __wrap_strcmp(const char *a, const char *b)
{
	while (*a != 0 && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

UNCOUNTED int __wrap_strncmp(const char *a, const char *b, size_t size)
{
	size_t i = 0;

	while (i < size && a[i] != 0 && a[i] == b[i])
		i++;
	return i == size ? 0 : (unsigned char)a[i] - (unsigned char)b[i];
}

/* A word at a time: it is most of what libcrypto does with the bytes of a certificate. */
UNCOUNTED int __wrap_memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a, *q = b;
	uint64_t x, y;

	while (size >= sizeof x) {
		__builtin_memcpy(&x, p, sizeof x);
		__builtin_memcpy(&y, q, sizeof y);
		if (x != y)
			break;
		p += sizeof x;
		q += sizeof x;
		size -= sizeof x;
	}
	for (; size > 0; p++, q++, size--)
		if (*p != *q)
			return *p - *q;
	return 0;
}

/* ---- what was read before ---- */

/* Objects by the bytes that they were read from. An object counts its users; this table is one of them. */
struct seen {
	uint64_t hash;
	uint8_t *bytes;
	size_t size;
	void *object;
};

static uint64_t hash_more(uint64_t h, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t word;

	for (; size >= sizeof word; p += sizeof word, size -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	for (; size > 0; p++, size--)
		h = (h ^ *p) * 0x100000001b3u;
	return h ^ h >> 32;
}

static struct seen *slot_of(struct seen table[static SLOTS], const uint8_t *data, size_t size, uint64_t *hash)
{
	*hash = hash_more(size, data, size);
	return &table[*hash % SLOTS];
}

static void *look(const struct seen *s, uint64_t hash, const uint8_t *data, size_t size)
{
	return s->object != NULL && s->hash == hash && s->size == size && memcmp(s->bytes, data, size) == 0 ? s->object
	                                                                                                    : NULL;
}

/* What stood there before is the caller's to free. */
static void *keep(struct seen *s, uint64_t hash, const uint8_t *data, size_t size, void *object)
{
	void *before = s->object;

	__libc_free(s->bytes);
	*s = (struct seen){hash, __libc_malloc(size), size, object};
	if (s->bytes == NULL)
		abort();
	memcpy(s->bytes, data, size);
	return before;
}

/* The size of the DER element that stands first; 0: not one that a certificate begins with. */
static size_t element(const uint8_t *p, long size)
{
	size_t n;

	if (size < 4 || p[0] != 0x30 || p[1] != 0x82)
		return 0;
	n = 4 + ((size_t)p[2] << 8 | p[3]);
	return n <= (size_t)size ? n : 0;
}

/* ---- certificates and lists ---- */

X509 *__real_d2i_X509(X509 **out, const unsigned char **in, long size);
X509 *__wrap_d2i_X509(X509 **out, const unsigned char **in, long size);
X509_CRL *__real_d2i_X509_CRL(X509_CRL **out, const unsigned char **in, long size);
X509_CRL *__wrap_d2i_X509_CRL(X509_CRL **out, const unsigned char **in, long size);

X509 *__wrap_d2i_X509(X509 **out, const unsigned char **in, long size)
{
	static struct seen table[SLOTS];
	const unsigned char *from = *in;
	const size_t n = out == NULL ? element(from, size) : 0;
	uint64_t hash;
	struct seen *s;
	X509 *x;

	if (n == 0)
		return __real_d2i_X509(out, in, size);
	s = slot_of(table, from, n, &hash);
	x = look(s, hash, from, n);
	if (x == NULL) {
		x = __real_d2i_X509(NULL, in, size);
		if (x == NULL || *in != from + n)
			return x;
		X509_set_ex_data(x, cert_index, (void *)(uintptr_t)hash);
		X509_free(keep(s, hash, from, n, x));
	}
	*in = from + n;
	X509_up_ref(x);
	return x;
}

X509_CRL *__wrap_d2i_X509_CRL(X509_CRL **out, const unsigned char **in, long size)
{
	static struct seen table[SLOTS];
	const unsigned char *from = *in;
	const size_t n = out == NULL ? element(from, size) : 0;
	uint64_t hash;
	struct seen *s;
	X509_CRL *x;

	if (n == 0)
		return __real_d2i_X509_CRL(out, in, size);
	s = slot_of(table, from, n, &hash);
	x = look(s, hash, from, n);
	if (x == NULL) {
		x = __real_d2i_X509_CRL(NULL, in, size);
		if (x == NULL || *in != from + n)
			return x;
		X509_CRL_set_meth_data(x, (void *)(uintptr_t)hash);
		X509_CRL_free(keep(s, hash, from, n, x));
	}
	*in = from + n;
	X509_CRL_up_ref(x);
	return x;
}

/* ---- texts ---- */

json_t *__real_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
enum err __real_cert_pem_to_der(struct slice pem, uint8_t **der, size_t *size, struct note *n);
enum err __wrap_cert_pem_to_der(struct slice pem, uint8_t **der, size_t *size, struct note *n);

/* Nobody changes what was read, so all may have the same. */
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error)
{
	static struct seen table[SLOTS];
	uint64_t hash;
	struct seen *s = slot_of(table, (const uint8_t *)text, size, &hash);
	json_t *o;

	hash = hash_more(hash, &flags, sizeof flags);
	o = look(s, hash, (const uint8_t *)text, size);
	if (o == NULL) {
		o = __real_json_loadb(text, size, flags, error);
		if (o == NULL)
			return NULL;
		json_decref(keep(s, hash, (const uint8_t *)text, size, o));
	}
	return json_incref(o);
}

/* The caller frees what it gets: it gets a copy. */
enum err __wrap_cert_pem_to_der(struct slice pem, uint8_t **der, size_t *size, struct note *n)
{
	static struct seen table[SLOTS];
	static size_t sizes[SLOTS];
	uint64_t hash;
	struct seen *s = slot_of(table, pem.data, pem.size, &hash);
	size_t *of = &sizes[s - table];
	uint8_t *bytes = look(s, hash, pem.data, pem.size);
	enum err err;

	if (bytes == NULL) {
		err = __real_cert_pem_to_der(pem, der, size, n);
		if (err != OK)
			return err;
		bytes = __libc_malloc(*size);
		if (bytes == NULL)
			abort();
		memcpy(bytes, *der, *size);
		*of = *size;
		__libc_free(keep(s, hash, pem.data, pem.size, bytes));
		return OK;
	}
	*size = *of;
	*der = malloc(*size);
	if (*der == NULL)
		return ERR_NOMEM;
	memcpy(*der, bytes, *size);
	return OK;
}

/* ---- public keys ---- */

/* What libcrypto asks for when it reads the key of a certificate: done when the bytes are there. */
static struct {
	EVP_PKEY **out;
	const char *type;
} asked;

OSSL_DECODER_CTX *__real_OSSL_DECODER_CTX_new_for_pkey(EVP_PKEY **out, const char *input, const char *structure,
                                                       const char *type, int selection, OSSL_LIB_CTX *library,
                                                       const char *properties);
OSSL_DECODER_CTX *__wrap_OSSL_DECODER_CTX_new_for_pkey(EVP_PKEY **out, const char *input, const char *structure,
                                                       const char *type, int selection, OSSL_LIB_CTX *library,
                                                       const char *properties);
int __real_OSSL_DECODER_from_data(OSSL_DECODER_CTX *ctx, const unsigned char **in, size_t *size);
int __wrap_OSSL_DECODER_from_data(OSSL_DECODER_CTX *ctx, const unsigned char **in, size_t *size);
void __real_OSSL_DECODER_CTX_free(OSSL_DECODER_CTX *ctx);
void __wrap_OSSL_DECODER_CTX_free(OSSL_DECODER_CTX *ctx);

OSSL_DECODER_CTX *__wrap_OSSL_DECODER_CTX_new_for_pkey(EVP_PKEY **out, const char *input, const char *structure,
                                                       const char *type, int selection, OSSL_LIB_CTX *library,
                                                       const char *properties)
{
	if (asked.out != NULL || library != NULL || properties != NULL || selection != EVP_PKEY_PUBLIC_KEY ||
	    structure == NULL || strcmp(structure, "SubjectPublicKeyInfo") != 0 || input == NULL ||
	    strcmp(input, "DER") != 0)
		return __real_OSSL_DECODER_CTX_new_for_pkey(out, input, structure, type, selection, library,
		                                            properties);
	asked.out = out;
	asked.type = type;
	return (OSSL_DECODER_CTX *)(void *)&asked;
}

static EVP_PKEY *read_key(const unsigned char **in, size_t *size)
{
	EVP_PKEY *key = NULL;
	OSSL_DECODER_CTX *ctx = __real_OSSL_DECODER_CTX_new_for_pkey(&key, "DER", "SubjectPublicKeyInfo", asked.type,
	                                                             EVP_PKEY_PUBLIC_KEY, NULL, NULL);

	if (ctx != NULL && __real_OSSL_DECODER_from_data(ctx, in, size) != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	__real_OSSL_DECODER_CTX_free(ctx);
	return key;
}

int __wrap_OSSL_DECODER_from_data(OSSL_DECODER_CTX *ctx, const unsigned char **in, size_t *size)
{
	static struct seen table[SLOTS];
	const unsigned char *from = *in;
	const size_t n = *size;
	uint64_t hash;
	struct seen *s;
	EVP_PKEY *key;

	if ((void *)ctx != &asked)
		return __real_OSSL_DECODER_from_data(ctx, in, size);
	s = slot_of(table, from, n, &hash);
	key = look(s, hash, from, n);
	if (key == NULL) {
		key = read_key(in, size);
		if (key == NULL)
			return 0;
		EVP_PKEY_set_ex_data(key, key_index, (void *)(uintptr_t)hash);
		if (*size == 0)
			EVP_PKEY_free(keep(s, hash, from, n, key));
	} else {
		*in += n;
		*size = 0;
	}
	if (*size == 0)
		EVP_PKEY_up_ref(key);
	*asked.out = key;
	return 1;
}

void __wrap_OSSL_DECODER_CTX_free(OSSL_DECODER_CTX *ctx)
{
	if ((void *)ctx == &asked)
		asked.out = NULL;
	else
		__real_OSSL_DECODER_CTX_free(ctx);
}

EVP_PKEY *__real_ecdsa_key(enum ecdsa_curve curve, struct slice point);
EVP_PKEY *__wrap_ecdsa_key(enum ecdsa_curve curve, struct slice point);

EVP_PKEY *__wrap_ecdsa_key(enum ecdsa_curve curve, struct slice point)
{
	static struct seen table[ECDSA_CURVE_COUNT][SLOTS];
	uint64_t hash;
	struct seen *s = slot_of(table[curve], point.data, point.size, &hash);
	EVP_PKEY *key = look(s, hash, point.data, point.size);

	if (key == NULL) {
		key = __real_ecdsa_key(curve, point);
		if (key == NULL)
			return NULL;
		EVP_PKEY_set_ex_data(key, key_index, (void *)(uintptr_t)(hash + curve));
		EVP_PKEY_free(keep(s, hash, point.data, point.size, key));
	}
	EVP_PKEY_up_ref(key);
	return key;
}

EVP_PKEY *__real_sev_rsa_key(struct slice exponent, struct slice modulus);
EVP_PKEY *__wrap_sev_rsa_key(struct slice exponent, struct slice modulus);

/* By its modulus; the exponent tells those of one modulus apart. */
EVP_PKEY *__wrap_sev_rsa_key(struct slice exponent, struct slice modulus)
{
	static struct seen table[SLOTS];
	uint64_t hash;
	struct seen *s = slot_of(table, modulus.data, modulus.size, &hash);
	EVP_PKEY *key;

	hash = hash_more(hash, exponent.data, exponent.size);
	key = look(s, hash, modulus.data, modulus.size);
	if (key == NULL) {
		key = __real_sev_rsa_key(exponent, modulus);
		if (key == NULL)
			return NULL;
		EVP_PKEY_set_ex_data(key, key_index, (void *)(uintptr_t)hash);
		EVP_PKEY_free(keep(s, hash, modulus.data, modulus.size, key));
	}
	EVP_PKEY_up_ref(key);
	return key;
}

/* ---- public key operations ---- */

enum { ANSWERS = 1 << 16 };

/* The answer to a question, by its hash: 0 is no question. */
static struct answer {
	uint64_t question;
	int said;
} answers[ANSWERS];

static unsigned operations;

static uint64_t hash_of_key(const EVP_PKEY *key)
{
	return key != NULL ? (uint64_t)(uintptr_t)EVP_PKEY_get_ex_data(key, key_index) : 0;
}

/* 0: the question has no hash, and must be asked. */
static uint64_t question_of(uint64_t what, uint64_t key, char kind)
{
	return what == 0 || key == 0 ? 0 : hash_more(hash_more((uint64_t)kind, &what, sizeof what), &key, sizeof key);
}

/* Is the answer known? One that is not is 0 when enough was asked. */
static bool known(uint64_t question, int *said)
{
	const struct answer *a = &answers[question % ANSWERS];

	if (question == 0)
		return false;
	*said = a->question == question ? a->said : 0;
	return a->question == question || operations >= REAL_OPERATIONS;
}

/* An answer that is 1 is never forgotten. */
static int learn(uint64_t question, int said)
{
	struct answer *a = &answers[question % ANSWERS];

	operations++;
	if (question != 0 && (a->question == 0 || a->said != 1))
		*a = (struct answer){question, said};
	return said;
}

int __real_X509_verify(X509 *x, EVP_PKEY *key);
int __wrap_X509_verify(X509 *x, EVP_PKEY *key);
int __real_X509_CRL_verify(X509_CRL *x, EVP_PKEY *key);
int __wrap_X509_CRL_verify(X509_CRL *x, EVP_PKEY *key);
int __real_X509_REQ_verify(X509_REQ *x, EVP_PKEY *key);
int __wrap_X509_REQ_verify(X509_REQ *x, EVP_PKEY *key);
int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t size, const unsigned char *data, size_t n);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t size, const unsigned char *data, size_t n);
bool __real_ecdsa_verify(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, struct slice pair);
bool __wrap_ecdsa_verify(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, struct slice pair);

int __wrap_X509_verify(X509 *x, EVP_PKEY *key)
{
	const uint64_t q = question_of((uint64_t)(uintptr_t)X509_get_ex_data(x, cert_index), hash_of_key(key), 'c');
	int said;

	return known(q, &said) ? said : learn(q, __real_X509_verify(x, key));
}

int __wrap_X509_CRL_verify(X509_CRL *x, EVP_PKEY *key)
{
	const uint64_t q = question_of((uint64_t)(uintptr_t)X509_CRL_get_meth_data(x), hash_of_key(key), 'l');
	int said;

	return known(q, &said) ? said : learn(q, __real_X509_CRL_verify(x, key));
}

bool __wrap_ecdsa_verify(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, struct slice pair)
{
	const uint64_t what = hash_more(hash_more(data.size + hash + 1, data.data, data.size), pair.data, pair.size);
	const uint64_t q = question_of(what, hash_of_key(key), 'e');
	int said;

	return known(q, &said) ? said == 1 : learn(q, __real_ecdsa_verify(key, hash, data, pair)) == 1;
}

int __wrap_X509_REQ_verify(X509_REQ *x, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	const int size = i2d_X509_REQ(x, &der);
	const uint64_t q = question_of(size > 0 ? hash_more(1, der, (size_t)size) : 0, hash_of_key(key), 'r');
	int said;

	OPENSSL_free(der);
	return known(q, &said) ? said : learn(q, __real_X509_REQ_verify(x, key));
}

/* What the signature is made like, the caller says by its kind of key and by the digest. */
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t size, const unsigned char *data, size_t n)
{
	EVP_PKEY_CTX *k = EVP_MD_CTX_get_pkey_ctx(ctx);
	const EVP_MD *md = EVP_MD_CTX_get0_md(ctx);
	const uint64_t what =
	        hash_more(hash_more(n + (md != NULL ? (uint64_t)EVP_MD_get_size(md) << 32 : 0), data, n), sig, size);
	const uint64_t q = question_of(what, k != NULL ? hash_of_key(EVP_PKEY_CTX_get0_pkey(k)) : 0, 'd');
	int said;

	return known(q, &said) ? said : learn(q, __real_EVP_DigestVerify(ctx, sig, size, data, n));
}

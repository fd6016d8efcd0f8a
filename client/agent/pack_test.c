/* SPDX-License-Identifier: Apache-2.0 */
/* From a configuration to the manifest: what TLS is told. Certificates are made here, files lie in a folder of our own.
 */
#include "client/agent/pack.h"

#include "sys/file.h"
#include "sys/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ONE     "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO     "2222222222222222222222222222222222222222222222222222222222222222"
#define CONNECT "[[files]]\nkind = \"connect\"\nprot = \"tls\"\nhost = \"example.org\"\n"

static char folder[] = "/tmp/broch-pack-test.XXXXXX";
static struct config *config;
static struct bundle *bundle;
static struct note note;

static void make_roots(const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
	FILE *f = fopen(name, "w");

	assert_true(f != NULL && key != NULL && e != NULL);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"r", -1, -1, 0);
	X509_set_pubkey(x, key);
	assert_true(X509_add_ext(x, e, -1) && X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_X509(f, x));
	fclose(f);
	X509_EXTENSION_free(e);
	X509_free(x);
	EVP_PKEY_free(key);
}

static enum err pack_text(const char *toml, const char *name)
{
	enum err err;

	config_free(config);
	bundle_free(bundle);
	memset(&note, 0, sizeof note);
	assert_int_equal(config_new(&config), OK);
	assert_int_equal(bundle_new(&bundle), OK);
	bundle_any_module(bundle);
	err = config_read(config, slice_text(toml), name, &note);
	return err == OK ? pack(config, "app", bundle, &note) : err;
}

static const struct manifest_tls *tls(void)
{
	return &bundle_manifest(bundle)->tls;
}

static void what_is_said_arrives(void **state)
{
	(void)state;
	if (pack_text("[tls]\nnames = [\"a.example\"]\nalpn = [\"h2\", \"http/1.1\"]\nroots = \"ca.pem\"\n"
	              "client_pins = [\"" TWO "\", \"" ONE "\", \"" TWO "\"]\n",
	              "broch.toml") != OK)
		fail_msg("%s", note.text);
	assert_true(tls()->name_count == 1 && slice_is(tls()->names[0], "a.example"));
	assert_true(tls()->alpn_count == 2 && slice_is(tls()->alpn[0], "h2"));
	assert_true(slice_is(tls()->servers.roots, "etc/broch/roots.pem") && tls()->servers.pin_count == 0);
	assert_int_equal(tls()->clients.pin_count, 2); /* sorted, each once */
	assert_int_equal(tls()->clients.pins[0].data[0], 0x11);
	assert_int_equal(tls()->clients.pins[1].data[0], 0x22);
	assert_int_equal(bundle_seal(bundle, &note), OK);
	assert_int_equal(bundle_blob_count(bundle), 2);
}

static void silence_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(pack_text("args = []\n", "broch.toml"), OK);
	assert_false(manifest_tls_said(tls()));
	assert_int_equal(pack_text("[tls]\n", "broch.toml"), OK);
	assert_false(manifest_tls_said(tls()));
}

/* Only where a connection needs them, and nobody was named. */
static void public_roots_go_along_where_they_are_needed(void **state)
{
	(void)state;
	setenv("SSL_CERT_FILE", "public.pem", 1);
	if (pack_text(CONNECT, "Enarx.toml") != OK)
		fail_msg("%s", note.text);
	assert_true(slice_is(tls()->servers.roots, "etc/broch/roots.pem"));
	assert_int_equal(pack_text(CONNECT "[tls]\npins = [\"" ONE "\"]\n", "broch.toml"), OK);
	assert_true(tls()->servers.roots.size == 0 && tls()->servers.pin_count == 1);
	assert_int_equal(pack_text("[[files]]\nkind = \"listen\"\nprot = \"tls\"\nname = \"x\"\n", "Enarx.toml"), OK);
	assert_false(manifest_tls_said(tls()));
	setenv("SSL_CERT_FILE", "none.pem", 1);
	assert_int_equal(pack_text(CONNECT, "Enarx.toml"), ERR_NOT_FOUND);
	assert_non_null(strstr(note.text, "none.pem"));
	unsetenv("SSL_CERT_FILE");
}

static void roots_are_looked_at_before_they_travel(void **state)
{
	struct note n = {""};

	(void)state;
	assert_int_equal(file_replace("bad.pem", slice_text("not PEM"), 0600, &n), OK);
	assert_int_equal(pack_text("[tls]\nclient_roots = \"bad.pem\"\n", "broch.toml"), ERR_INVALID);
	assert_non_null(strstr(note.text, "bad.pem: there is no certificate in it"));
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return -1;
	make_roots("ca.pem");
	make_roots("public.pem");
	return 0;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	config_free(config);
	bundle_free(bundle);
	snprintf(command, sizeof command, "cd / && rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_said_arrives),
	        cmocka_unit_test(silence_says_nothing),
	        cmocka_unit_test(public_roots_go_along_where_they_are_needed),
	        cmocka_unit_test(roots_are_looked_at_before_they_travel),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

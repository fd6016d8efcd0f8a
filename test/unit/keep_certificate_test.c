/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Keep's certificate from key to verdict. First made in this process, where the sanitizers watch, then by a real Keep
 * (test/keeps/tls.c) that also talks TLS with it; that one needs KVM. The evidence is the stand-in's, the judge is that
 * of `broch verify`.
 */
#include "client/attest/ratls.h"
#include "client/attest/x509.h"
#include "host/tee/tee.h"
#include "host/vmm/vmm.h"
#include "keep/call/call.h"
#include "keep/run/certificate.h"
#include "lib/measure/measure.h"
#include "lib/tls/certificate.h"
#include "sys/file.h"
#include "sys/soft_root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { AT = 1800000000, ARENA = 1 << 20 };

static char state_dir[] = "/tmp/broch-certificate-test.XXXXXX";
static struct slice root_der;
static const uint8_t running[1][32] = {{7}}, another[1][32] = {{8}};
static uint8_t *shared;
static struct tee *tee;
static size_t padding; /* bytes of collateral that the host adds */
static bool mute;      /* it gives no evidence */

/* ---- the host ---- */

static uint32_t add_collateral(uint8_t *envelope, uint64_t *size)
{
	static uint8_t copy[ENVELOPE_SIZE_MAX], zeros[ENVELOPE_SIZE_MAX];
	struct envelope e;
	size_t padded;

	memcpy(copy, envelope, *size);
	assert_int_equal(envelope_decode(slice_of(copy, *size), &e, NULL), OK);
	e.collateral[e.collateral_count++] = (struct envelope_item){slice_text("zeros"), slice_of(zeros, padding)};
	assert_int_equal(envelope_encode(&e, envelope, KEEPCALL_EVIDENCE_MAX, &padded), OK);
	*size = padded;
	return KEEPCALL_OK;
}

static uint32_t give_evidence(uint8_t *area, uint64_t *size)
{
	struct note n = {""};
	size_t given;

	if (mute)
		return KEEPCALL_UNSUPPORTED;
	if (tee_soft_snp.evidence(tee, area + KEEPCALL_OUT_OFFSET, area + KEEPCALL_IN_OFFSET, KEEPCALL_EVIDENCE_MAX,
	                          &given, &n) != OK)
		fail_msg("%s", n.text);
	*size = given;
	return padding > 0 ? add_collateral(area + KEEPCALL_IN_OFFSET, size) : KEEPCALL_OK;
}

void door_ring(void)
{
	struct keepcall_page *p = (struct keepcall_page *)(void *)shared;

	p->ret[0] = p->ret[1] = 0;
	p->status = p->op == KEEPCALL_EVIDENCE ? give_evidence(shared, &p->ret[0]) : KEEPCALL_UNSUPPORTED;
	p->answered = p->sequence;
}

void call_broken(const char *what)
{
	fail_msg("%s", what);
	abort();
}

static void launch(const struct plan *p)
{
	struct note n = {""};

	if (tee_soft_snp.open(state_dir, &tee, &n) != OK || tee_soft_snp.launched(tee, p, &n) != OK)
		fail_msg("%s", n.text);
}

/* ---- the judge ---- */

static struct verdict judge(struct slice der, const struct plan *p, const uint8_t (*manifests)[32])
{
	uint8_t digest[1][48];
	struct policy *policy = NULL;
	struct ratls_input in = {
	        .cert = der, .manifests = manifests, .manifest_count = manifests != NULL ? 1 : 0, .at = AT};
	struct verdict v;

	assert_int_equal(measure_snp(p, digest[0]), OK);
	assert_int_equal(policy_local(root_der, (struct policy_shipped){(const uint8_t(*)[48])digest, 1}, &policy), OK);
	in.policy = policy;
	ratls_verify(&in, &v);
	policy_free(policy);
	return v;
}

static void accepted(const struct verdict *v)
{
	if (!v->ok)
		fail_msg("%s: %s", verdict_reason(v)->id, verdict_reason(v)->found);
	assert_true(v->soft);
	assert_string_equal(v->tee, "soft-snp");
	assert_int_equal(v->measurement_size, 48);
}

static void refused(const struct verdict *v, const char *id)
{
	assert_false(v->ok);
	assert_non_null(verdict_reason(v));
	assert_string_equal(verdict_reason(v)->id, id);
}

/* ---- made here ---- */

static uint8_t page[PLAN_PAGE_SIZE] = "a Keep, more or less";
static struct plan_range range = {.type = PLAN_NORMAL, .perm = PLAN_R, .count = 1, .bytes = page};
static const struct plan plan = {.params = {BOOT_VM, BOOT_TEE_SOFT, 1}, .ranges = &range, .range_count = 1};
static struct identity identity;
static struct arena arena;

static enum err make(struct keep_certificate *c, struct note *n)
{
	static const char *const names[] = {"keep.example"};

	return keep_certificate_make(
	        &identity, &arena,
	        &(struct keep_certificate_wish){.manifest = running[0], .now_s = AT, .names = names, .name_count = 1},
	        c, n);
}

static void its_evidence_is_for_its_key_and_workload(void **state)
{
	struct keep_certificate c;
	struct note n = {""};
	struct verdict v;
	struct slice der;

	(void)state;
	assert_int_equal(make(&c, &n), OK);
	der = slice_of(c.der.data, c.der.data_len);
	v = judge(der, &plan, running);
	accepted(&v);
	v = judge(der, &plan, another);
	refused(&v, "ratls.manifest");
	v = judge(der, &plan, NULL);
	refused(&v, "ratls.manifest");
}

/* Whoever has a Keep's evidence and another key. */
static void evidence_is_worth_nothing_with_another_key(void **state)
{
	static const uint8_t oid[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
	struct keep_certificate c;
	struct identity thief = {0};
	struct slice point, value;
	struct note n = {""};
	struct cert cert;
	struct verdict v;
	uint8_t der[KEEP_CERTIFICATE_MAX];
	br_ec_private_key key = {BR_EC_secp256r1, thief.secret, sizeof thief.secret};
	struct certificate_settings s = {.key = &key, .subject = "thief", .from_s = AT - 1, .until_s = AT + 1};
	size_t size;

	(void)state;
	assert_int_equal(make(&c, &n), OK);
	assert_int_equal(identity_public(&thief, &point), OK);
	assert_int_equal(cert_read(slice_of(c.der.data, c.der.data_len), &cert, &n), OK);
	assert_true(cert_extension(&cert, slice_of(oid, sizeof oid), &value));
	s.public = point.data;
	s.evidence = value;
	assert_int_equal(certificate_make(&s, der, sizeof der, &size), OK);
	v = judge(slice_of(der, size), &plan, running);
	refused(&v, "ratls.evidence.key");
	cert_free(&cert);
}

/* Every bit of it counts. */
static void a_changed_certificate_is_refused(void **state)
{
	uint8_t copy[KEEP_CERTIFICATE_MAX];
	struct keep_certificate c;
	struct note n = {""};

	(void)state;
	assert_int_equal(make(&c, &n), OK);
	memcpy(copy, c.der.data, c.der.data_len);
	for (size_t i = 0; i < c.der.data_len; i += 61) {
		struct verdict v;

		copy[i] ^= 1;
		v = judge(slice_of(copy, c.der.data_len), &plan, running);
		assert_false(v.ok);
		copy[i] ^= 1;
	}
}

static void collateral_that_is_too_much_stays_behind(void **state)
{
	struct keep_certificate c;
	struct note n = {""};
	struct verdict v;

	(void)state;
	padding = 30000;
	assert_int_equal(make(&c, &n), OK);
	padding = 0;
	assert_true(c.der.data_len < 4096);
	v = judge(slice_of(c.der.data, c.der.data_len), &plan, running);
	assert_false(v.ok);
	for (size_t i = 0; i < v.check_count; i++)
		assert_true(strcmp(v.checks[i].id, "ratls.evidence.key") != 0 || v.checks[i].result == CHECK_PASS);
}

static void a_host_that_says_nothing_is_told_of(void **state)
{
	struct keep_certificate c;
	struct note n = {""};

	(void)state;
	mute = true;
	assert_int_equal(make(&c, &n), ERR_IO);
	mute = false;
	assert_non_null(strstr(n.text, "evidence"));
}

/* ---- made in a Keep ---- */

struct outcome {
	uint64_t exit[3];
	uint8_t said[KEEP_CERTIFICATE_MAX];
	size_t said_size;
};

static uint32_t answer(struct vmm *vm, struct keepcall_page *p, struct outcome *o)
{
	uint8_t *area = vmm_kvm.shared(vm);

	switch (p->op) {
	case KEEPCALL_GROW: return vmm_kvm.grow(vm, p->arg[0], p->arg[1]) == OK ? KEEPCALL_OK : KEEPCALL_NOMEM;
	case KEEPCALL_EVIDENCE: return give_evidence(area, &p->ret[0]);
	case KEEPCALL_SEND:
		assert_true(p->arg[1] <= sizeof o->said);
		o->said_size = (size_t)p->arg[1];
		memcpy(o->said, area + KEEPCALL_OUT_OFFSET, o->said_size);
		p->ret[0] = o->said_size;
		return KEEPCALL_OK;
	default: return KEEPCALL_UNSUPPORTED;
	}
}

static void run(struct plan *p, struct outcome *o)
{
	struct vmm *vm = NULL;
	struct note n = {""};
	enum vmm_event event;

	if (vmm_kvm.create(p, UINT64_C(256) << 20, &vm, &n) != OK)
		fail_msg("%s", n.text);
	for (;;) {
		struct keepcall_page *call = (struct keepcall_page *)(void *)vmm_kvm.shared(vm);

		if (vmm_kvm.run(vm, &event, &n) != OK || event == VMM_DIED)
			fail_msg("%s", n.text);
		if (event != VMM_CALL)
			continue;
		if (call->op == KEEPCALL_EXIT)
			break;
		call->ret[0] = call->ret[1] = 0;
		call->status = answer(vm, call, o);
		call->answered = call->sequence;
	}
	memcpy(o->exit, ((struct keepcall_page *)(void *)vmm_kvm.shared(vm))->arg, sizeof o->exit);
	vmm_kvm.destroy(vm);
}

static void a_keep_talks_tls_and_proves_its_key(void **state)
{
	static uint8_t memory[PLAN_ARENA_SIZE];
	struct arena a = arena_of(memory, sizeof memory);
	const char *env = getenv("KEEPS");
	static struct outcome o;
	struct note n = {""};
	struct verdict v;
	struct slice elf;
	struct plan p;
	char path[256];

	(void)state;
	if (vmm_kvm.probe(&n) != OK) {
		printf("%s\n", n.text);
		skip();
	}
	snprintf(path, sizeof path, "%s/tls.elf", env != NULL ? env : "build/keeps");
	if (file_read(path, 4 << 20, &elf, &n) != OK ||
	    plan_build(&a, elf, (struct plan_params){BOOT_VM, BOOT_TEE_SOFT, 1}, &p, &n) != OK)
		fail_msg("%s", n.text);
	tee_soft_snp.close(tee);
	launch(&p);
	run(&p, &o);
	if (o.exit[0] != KEEPCALL_EXIT_DONE)
		fail_msg("step %llu: %s", (unsigned long long)o.exit[1], err_text((enum err)o.exit[2]));
	v = judge(slice_of(o.said, o.said_size), &p, running);
	accepted(&v);
	v = judge(slice_of(o.said, o.said_size), &plan, running);
	refused(&v, "snp.measurement");
	free((void *)(uintptr_t)elf.data);
}

static int open_all(void **state)
{
	struct boot_info boot = {.magic = BOOT_MAGIC,
	                         .version = BOOT_VERSION,
	                         .size = sizeof boot,
	                         .shared_size = KEEPCALL_SHARED_SIZE,
	                         .code_va = BOOT_CODE_VA,
	                         .code_max = BOOT_CODE_MAX};
	struct slice pem;
	struct note n = {""};
	char path[256];
	uint8_t *der;
	size_t size;

	(void)state;
	shared = aligned_alloc(4096, KEEPCALL_SHARED_SIZE);
	if (shared == NULL || mkdtemp(state_dir) == NULL)
		return -1;
	memset(shared, 0, KEEPCALL_SHARED_SIZE);
	boot.shared_va = (uintptr_t)shared;
	call_init(&boot);
	arena = arena_of(malloc(ARENA), ARENA);
	launch(&plan);
	if (soft_root_path(state_dir, path, sizeof path) != OK || file_read(path, 65536, &pem, &n) != OK ||
	    cert_pem_to_der(pem, &der, &size, &n) != OK)
		return -1;
	root_der = slice_of(der, size);
	free((void *)(uintptr_t)pem.data);
	return arena.base != NULL ? 0 : -1;
}

static int close_all(void **state)
{
	char command[300];

	(void)state;
	tee_soft_snp.close(tee);
	free((void *)(uintptr_t)root_der.data);
	free(arena.base);
	free(shared);
	snprintf(command, sizeof command, "rm -rf '%s'", state_dir);
	return system(command);
}

/* The tenant's key is taken when it is one. */
static void a_given_key_is_checked(void **state)
{
	uint8_t key[32] = {[31] = 2}, order[33];
	struct identity id = {0}, again = {0};
	size_t size;
	const unsigned char *n = br_ec_p256_m31.order(BR_EC_secp256r1, &size);

	(void)state;
	memcpy(order, n, size);
	assert_int_equal(identity_given(&id, slice_of(order, 32)), ERR_INVALID);
	order[31]--; /* the last one there is */
	assert_int_equal(identity_given(&again, slice_of(order, 32)), OK);
	assert_int_equal(identity_given(&id, slice_of(key, 31)), ERR_INVALID);
	assert_int_equal(identity_given(&id, slice_of(order, 33)), ERR_INVALID);
	assert_int_equal(identity_given(&id, slice_of((const uint8_t[32]){0}, 32)), ERR_INVALID);
	assert_false(id.made);
	assert_int_equal(identity_given(&id, slice_of(key, 32)), OK);
	assert_true(id.made && id.public[0] == 4);
	assert_memory_not_equal(id.public, again.public, sizeof id.public);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(its_evidence_is_for_its_key_and_workload),
	        cmocka_unit_test(evidence_is_worth_nothing_with_another_key),
	        cmocka_unit_test(a_changed_certificate_is_refused),
	        cmocka_unit_test(collateral_that_is_too_much_stays_behind),
	        cmocka_unit_test(a_host_that_says_nothing_is_told_of),
	        cmocka_unit_test(a_keep_talks_tls_and_proves_its_key),
	        cmocka_unit_test(a_given_key_is_checked),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_user POLICY REPORT COLLATERAL AT: knows Broch by its public header only. Two threads share a policy and a set of
 * collateral and judge the same report, good and spoiled, many times; then everything is used wrongly once.
 */
#include <broch/attest.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 50, REPORT_SIZE = 1184, FILE_MAX = 65536 };

#define must(cond) ((cond) ? (void)0 : broken(#cond, __LINE__))

static void broken(const char *what, int line)
{
	fprintf(stderr, "library_user: line %d: not so: %s\n", line, what);
	exit(1);
}

struct shared {
	const struct broch_policy *policy;
	const struct broch_collateral *collateral;
	unsigned char report[FILE_MAX];
	size_t size;
	int64_t at;
	unsigned accepted, refused; /* of one thread */
};

static size_t slurp(const char *path, void *out)
{
	FILE *f = fopen(path, "rb");
	size_t size;

	must(f != NULL);
	size = fread(out, 1, FILE_MAX, f);
	fclose(f);
	return size;
}

static struct broch_request request(const struct shared *s)
{
	return (struct broch_request){.size = sizeof(struct broch_request),
	                              .evidence = s->report,
	                              .evidence_size = s->size,
	                              .policy = s->policy,
	                              .collateral = s->collateral,
	                              .at = s->at};
}

static void judge(struct shared *s, int good)
{
	struct broch_request r = request(s);
	struct broch_verdict *v = NULL;
	struct broch_check why = {.id = ""};
	struct broch_error e;
	enum broch_status status = broch_verify(&r, &v, &e);

	must(v != NULL && status == (good ? BROCH_ACCEPTED : BROCH_REFUSED));
	must(broch_verdict_accepted(v) == good && broch_verdict_check_count(v) > 30);
	must(broch_verdict_reason(v, &why) == (good ? BROCH_USAGE : BROCH_ACCEPTED));
	must(good || strcmp(why.id, "snp.report.signature") == 0);
	must(strcmp(broch_verdict_tee(v), "snp") == 0 && !broch_verdict_soft(v));
	s->accepted += good != 0;
	s->refused += good == 0;
	broch_verdict_free(v);
}

static void *work(void *ctx)
{
	struct shared *s = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		judge(s, 1);
		s->report[0x50] ^= 1; /* report data: nobody looks at it here but the signature */
		judge(s, 0);
		s->report[0x50] ^= 1;
	}
	return NULL;
}

static void two_threads(const struct shared *s)
{
	static struct shared mine[2];
	pthread_t thread[2];

	for (int i = 0; i < 2; i++) {
		mine[i] = *s;
		must(pthread_create(&thread[i], NULL, work, &mine[i]) == 0);
	}
	for (int i = 0; i < 2; i++) {
		must(pthread_join(thread[i], NULL) == 0);
		must(mine[i].accepted == ROUNDS && mine[i].refused == ROUNDS);
	}
}

static void shown(const struct shared *s)
{
	struct broch_request r = request(s);
	struct broch_verdict *v = NULL;
	struct broch_check c;
	size_t size = 0;
	char *text;

	must(broch_verify(&r, &v, NULL) == BROCH_ACCEPTED);
	must(broch_verdict_measurement(v, &size) != NULL && size == 48 && broch_verdict_measurement(v, NULL)[0] == 0x4d);
	for (size_t i = 0; i < broch_verdict_check_count(v); i++) {
		must(broch_verdict_check(v, i, &c) == BROCH_ACCEPTED && c.result != BROCH_FAIL);
		must(c.id[0] != 0 && c.link[0] != 0 && c.expected != NULL && c.found != NULL && c.cure != NULL && c.spec != NULL);
	}
	must(broch_verdict_check(v, broch_verdict_check_count(v), &c) == BROCH_USAGE);
	text = broch_verdict_json(v);
	must(text != NULL && strstr(text, "\"ear.status\": \"warning\"") != NULL); /* bound to nothing */
	broch_free(text);
	text = broch_verdict_html(v);
	must(text != NULL && strstr(text, "<svg") != NULL);
	broch_free(text);
	broch_verdict_free(v);
	r.report_data = s->report + 0x50;
	r.report_data_size = 64;
	must(broch_verify(&r, &v, NULL) == BROCH_ACCEPTED);
	text = broch_verdict_json(v);
	must(text != NULL && strstr(text, "\"ear.status\": \"affirming\"") != NULL);
	broch_free(text);
	broch_verdict_free(v);
	/* A program that was built with the first form of the header. */
	r.size = offsetof(struct broch_request, sev_session);
	must(broch_verify(&r, &v, NULL) == BROCH_ACCEPTED);
	broch_verdict_free(v);
}

static enum broch_status ask(struct broch_request r, const char *words)
{
	struct broch_error e = {""};
	struct broch_verdict *v = NULL;
	enum broch_status status = broch_verify(&r, &v, &e);

	must(v == NULL && strstr(e.text, words) != NULL);
	return status;
}

static void used_wrongly(const struct shared *s)
{
	struct broch_collateral *c = broch_collateral_new();
	const struct broch_request good = request(s);
	struct broch_request r = good;
	struct broch_policy *p = NULL;
	struct broch_verdict *v = NULL;
	struct broch_error e;

	r.size = 8;
	must(ask(r, "sizeof") == BROCH_USAGE);
	r = good;
	r.policy = NULL;
	must(ask(r, "without a policy") == BROCH_USAGE);
	r = good;
	r.evidence_size = 0;
	must(ask(r, "no evidence") == BROCH_USAGE);
	r = good;
	r.report_data = "x";
	r.report_data_size = 1;
	must(ask(r, "64 bytes") == BROCH_USAGE);
	r.report_data_size = 0; /* an empty demand binds nothing */
	must(ask(r, "64 bytes") == BROCH_USAGE);
	r = good;
	r.nonce = "";
	must(ask(r, "a nonce has") == BROCH_USAGE);
	r = good;
	r.sev_session = "short";
	r.sev_session_size = 5;
	must(ask(r, "36 bytes") == BROCH_USAGE);
	r = good;
	r.pef_key = "no key";
	r.pef_key_size = 6;
	must(ask(r, "no private key") == BROCH_USAGE);
	r = good;
	r.evidence = "hello";
	r.evidence_size = 5;
	must(ask(r, "no evidence that is known") == BROCH_UNREADABLE);
	must(broch_verify(NULL, &v, &e) == BROCH_USAGE && broch_verify(&good, NULL, NULL) == BROCH_USAGE);
	must(broch_policy_read("tee = []", 8, "p.toml", &p, &e) == BROCH_USAGE && p == NULL && strstr(e.text, "tee is missing"));
	must(broch_policy_read("tee", 3, NULL, &p, NULL) == BROCH_USAGE && p == NULL);
	must(c != NULL && broch_collateral_add_path(c, "/nonexistent", &e) == BROCH_UNREADABLE);
	must(broch_collateral_add(NULL, "x", 1, "x", &e) == BROCH_USAGE);
	must(broch_collateral_add(c, "not collateral", 14, NULL, &e) == BROCH_ACCEPTED);
	broch_collateral_free(c);
	broch_collateral_free(NULL);
	broch_policy_free(NULL);
	broch_verdict_free(NULL);
	must(strlen(broch_attest_version()) >= 5);
}

int main(int argc, char **argv)
{
	static struct shared s;
	static char policy[FILE_MAX];
	struct broch_policy *p = NULL;
	struct broch_collateral *c = broch_collateral_new();
	struct broch_error e = {""};

	if (argc != 5)
		return 2;
	must(c != NULL && broch_collateral_add_path(c, argv[3], &e) == BROCH_ACCEPTED);
	if (broch_policy_read(policy, slurp(argv[1], policy), argv[1], &p, &e) != BROCH_ACCEPTED) {
		fprintf(stderr, "library_user: %s\n", e.text);
		return 1;
	}
	s = (struct shared){.policy = p, .collateral = c, .size = slurp(argv[2], s.report), .at = atoll(argv[4])};
	slurp(argv[2], s.report);
	must(s.size == REPORT_SIZE);
	two_threads(&s);
	shown(&s);
	used_wrongly(&s);
	broch_policy_free(p);
	broch_collateral_free(c);
	puts("library_user: good");
	return 0;
}

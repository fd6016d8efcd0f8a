/* SPDX-License-Identifier: Apache-2.0 */
/* The report itself: form, signature, platform, guest policy, TCB; what was launched, and what it is bound to. */
#include "client/attest/ecdsa.h"
#include "client/attest/snp_case.h"

static void tcb_words(char *out, const struct snp_tcb *t, enum snp_tcb_form form)
{
	char fmc[16] = "";

	if (form == SNP_TCB_TURIN)
		snprintf(fmc, sizeof fmc, "FMC %u, ", t->part[SNP_TCB_FMC]);
	say(out, "%sboot loader %u, TEE %u, SNP %u, microcode %u", fmc, t->part[SNP_TCB_BOOT_LOADER],
	    t->part[SNP_TCB_TEE], t->part[SNP_TCB_SNP], t->part[SNP_TCB_MICROCODE]);
}

static struct snp_tcb tcb(const struct snp_case *c, struct slice raw)
{
	return snp_tcb_of(raw, c->product->form);
}

/* The key was derived from these very patch levels, so every byte counts, also those that have no name yet. */
static enum check_result key_tcb(const struct snp_case *c, struct check *k)
{
	static const uint8_t arc[][8] = {
	        [SNP_TCB_MILAN] = {1, 2, 4, 5, 6, 7, 3, 8}, [SNP_TCB_TURIN] = {9, 1, 2, 3, 4, 5, 6, 8}};
	const uint8_t *row = arc[c->product->form];
	struct snp_tcb t = tcb(c, c->report.reported_tcb);
	bool good = true;

	tcb_words(k->found, &t, c->product->form);
	say(k->expected, "the patch levels of the platform key: boot loader %u, TEE %u, SNP %u, microcode %u",
	    c->ext.spl[AMD_SPL_BOOT_LOADER], c->ext.spl[AMD_SPL_TEE], c->ext.spl[AMD_SPL_SNP],
	    c->ext.spl[AMD_SPL_MICROCODE]);
	say(k->cure, "the host must give the certificate for the TCB that the report names");
	if (c->product->form == SNP_TCB_TURIN && !c->ext.spl_set[AMD_SPL_FMC])
		good = false;
	for (unsigned i = 0; i < 8 && good; i++)
		good = c->ext.spl_set[row[i]] ? c->ext.spl[row[i]] == c->report.reported_tcb.data[i]
		                              : c->report.reported_tcb.data[i] == 0;
	return pass_if(good);
}

static enum check_result report_read(const struct snp_case *c, struct check *k)
{
	say(k->expected, "an SNP report of %d bytes, version %d to %d", SNP_REPORT_SIZE, SNP_VERSION_MIN,
	    SNP_VERSION_MAX);
	if ((c->have & NEED_REPORT) != 0) {
		say(k->found, "version %u", c->report.version);
		return CHECK_PASS;
	}
	return from(ERR_FORMAT, &c->report_note, k);
}

static enum check_result report_reserved(const struct snp_case *c, struct check *k)
{
	say(k->expected, "reserved bytes and the unused bytes behind the signature are zero");
	if (c->report.reserved_at != 0)
		say(k->found, "byte %xh is not zero", c->report.reserved_at);
	else
		say(k->found, "all zero");
	return pass_if(c->report.reserved_at == 0);
}

static enum check_result report_algorithm(const struct snp_case *c, struct check *k)
{
	say(k->expected, "1 (ECDSA P-384 with SHA-384)");
	say(k->found, "%u", c->report.signature_algo);
	return pass_if(c->report.signature_algo == SNP_ALGO_ECDSA_P384_SHA384);
}

static const char *signing_key_text(unsigned key)
{
	switch (key) {
	case SNP_KEY_VCEK: return "VCEK";
	case SNP_KEY_VLEK: return "VLEK";
	case SNP_KEY_NONE: return "none";
	default: return "a reserved value";
	}
}

static enum check_result report_signing_key(const struct snp_case *c, struct check *k)
{
	unsigned key = c->report.signing_key;

	say(k->expected, "%s", c->rules->vcek && c->rules->vlek ? "VCEK or VLEK" : c->rules->vlek ? "VLEK" : "VCEK");
	say(k->found, "%s", signing_key_text(key));
	say(k->cure, "name the kinds of keys that you accept in [snp] keys");
	return pass_if((key == SNP_KEY_VCEK && c->rules->vcek) || (key == SNP_KEY_VLEK && c->rules->vlek));
}

/* The firmware then writes zeros instead of a signature by the VCEK; a VLEK, which is no chip's, signs all the same. */
static enum check_result report_mask_key(const struct snp_case *c, struct check *k)
{
	if (c->report.signing_key == SNP_KEY_VLEK)
		return skip(k, "it is about the VCEK, and a VLEK signed");
	say(k->expected, "MASK_CHIP_KEY is 0");
	say(k->found, "MASK_CHIP_KEY is %u", c->report.mask_chip_key);
	say(k->cure, "the host must let its chip sign (SNP_CONFIG, MASK_CHIP_KEY)");
	return pass_if(!c->report.mask_chip_key);
}

static enum check_result report_scalars(const struct snp_case *c, struct check *k)
{
	struct slice r = c->report.r, s = c->report.s;
	struct slice rest_r = slice_of(r.data + SNP_SCALAR_USED, r.size - SNP_SCALAR_USED);
	struct slice rest_s = slice_of(s.data + SNP_SCALAR_USED, s.size - SNP_SCALAR_USED);
	uint8_t pair[ECDSA_PAIR_MAX];

	say(k->expected, "R and S from 1 to the order of P-384 less 1, 48 bytes, then zeros");
	if (!slice_is_zero(rest_r) || !slice_is_zero(rest_s)) {
		say(k->found, "bytes behind the 48th are not zero");
		return CHECK_FAIL;
	}
	if (!ecdsa_pair_le(ECDSA_P384, r, s, pair) ||
	    !ecdsa_in_range(ECDSA_P384, slice_of(pair, (size_t)2 * SNP_SCALAR_USED))) {
		say(k->found, "out of range%s", slice_is_zero(r) && slice_is_zero(s) ? ": both zero, nothing was signed" : "");
		return CHECK_FAIL;
	}
	say(k->found, "in range");
	return CHECK_PASS;
}

/* The padding behind R and S and the curve of the key have rows of their own. */
static enum check_result report_signature(const struct snp_case *c, struct check *k)
{
	struct slice r = slice_of(c->report.r.data, SNP_SCALAR_USED), s = slice_of(c->report.s.data, SNP_SCALAR_USED);
	struct note found = {""};
	uint8_t pair[ECDSA_PAIR_MAX];
	enum err err = ERR_CRYPTO;

	if (cert_key_p384(&c->key, NULL) != OK)
		return skip(k, "the platform key is of another kind");
	if (ecdsa_pair_le(ECDSA_P384, r, s, pair))
		err = cert_ecdsa384(&c->key, slice_of(c->evidence.data, SNP_REPORT_SIGNED),
		                    slice_of(pair, (size_t)2 * SNP_SCALAR_USED), &found);
	say(k->expected, "signed by the platform key");
	say(k->cure, "the report was altered, or the certificate is of another chip or TCB");
	return from(err, &found, k);
}

static enum check_result report_product(const struct snp_case *c, struct check *k)
{
	const struct snp_report *r = &c->report;

	if (r->version < 3)
		return skip(k, "version 2 does not name the processor; the platform key does");
	say(k->expected, "a processor of the %s chain", c->product->name);
	say(k->found, "family %xh model %xh: %s", r->cpu_family, r->cpu_model,
	    snp_product_of_cpu(r->cpu_family, r->cpu_model));
	return pass_if(snp_product_has_cpu(c->product, r->cpu_family, r->cpu_model));
}

static bool masked(const struct snp_case *c)
{
	return slice_is_zero(c->report.chip_id);
}

static enum check_result report_masked(const struct snp_case *c, struct check *k)
{
	if (c->report.signing_key == SNP_KEY_VLEK)
		return skip(k, "a VLEK belongs to a provider, not to a chip");
	say(k->expected, "CHIP_ID tells which machine this is");
	say(k->found, "CHIP_ID is %s", masked(c) ? "masked: it proves no machine" : "there");
	say(k->cure, "the host must not mask it, or set masked_chip_id = true");
	return pass_if(!masked(c) || c->rules->masked_chip_id);
}

static enum check_result report_chip(const struct snp_case *c, struct check *k)
{
	struct slice id = c->report.chip_id;
	size_t size = c->product->hwid_size;

	if (c->report.signing_key == SNP_KEY_VLEK)
		return skip(k, "a VLEK belongs to a provider, not to a chip");
	/* A VCEK is of one chip, whether or not the report says which. */
	if (masked(c) && c->ext.hwid_size == size)
		return skip(k, "CHIP_ID is masked");
	if (c->ext.hwid_size == size)
		say_hex(k->expected, slice_of(c->ext.hwid, size));
	else
		say(k->expected, "a platform key with a hwID of %zu bytes", size);
	say_hex(k->found, slice_of(id.data, size));
	say(k->cure, "the certificate is of another chip");
	return pass_if(c->ext.hwid_size == size && memcmp(id.data, c->ext.hwid, size) == 0 &&
	               slice_is_zero(slice_of(id.data + size, id.size - size)));
}

static enum check_result report_platform(const struct snp_case *c, struct check *k)
{
	const struct digest_list *l = &c->in->policy->platform_ids;

	if (l->count == 0)
		return skip(k, "the policy names no platform ids: any platform under the root");
	say(k->expected, "one of %zu platform ids", l->count);
	say_hex(k->found, c->report.chip_id);
	say(k->cure, "add it to platform_ids if the machine is one of yours");
	return pass_if(!masked(c) && digest_list_has(l, c->report.chip_id));
}

static enum check_result report_policy_form(const struct snp_case *c, struct check *k)
{
	uint64_t p = c->report.policy;

	say(k->expected, "guest policy bit 17 is one, bits above 25 are zero");
	say(k->found, "guest policy %llxh", (unsigned long long)p);
	return pass_if((p & SNP_POLICY_ONE) != 0 && (p & ~SNP_POLICY_KNOWN) == 0);
}

static enum check_result flag(uint64_t found, bool tolerated, const char *what, const char *key, struct check *k)
{
	say(k->expected, "%s %s", what, tolerated ? "allowed or not" : "not allowed");
	say(k->found, "%s %s by the guest policy", what, found != 0 ? "allowed" : "not allowed");
	say(k->cure, "launch with another guest policy, or set %s = true", key);
	k->tolerated = found != 0 && tolerated;
	return pass_if(found == 0 || tolerated);
}

static enum check_result report_debug(const struct snp_case *c, struct check *k)
{
	return flag(c->report.policy & SNP_POLICY_DEBUG, c->rules->debug, "debugging", "debug", k);
}

static enum check_result report_migration(const struct snp_case *c, struct check *k)
{
	return flag(c->report.policy & SNP_POLICY_MIGRATE, c->rules->migration, "a migration agent", "migration", k);
}

static enum check_result report_smt(const struct snp_case *c, struct check *k)
{
	enum check_result r = flag(c->report.policy & SNP_POLICY_SMT, c->rules->smt, "simultaneous multithreading", "smt", k);

	k->tolerated = false; /* it is what most machines do */
	return r;
}

static enum check_result report_vmpl(const struct snp_case *c, struct check *k)
{
	if (c->rules->any_vmpl)
		return skip(k, "not asked for");
	say(k->expected, "%u", c->rules->vmpl);
	say(k->found, "%u", c->report.vmpl);
	if (c->report.vmpl == (uint32_t)SNP_VMPL_HOST)
		say(k->found, "the host asked for this report, not the guest");
	say(k->cure, "software at another privilege level asked for this report");
	return pass_if(c->report.vmpl == c->rules->vmpl);
}

static enum check_result report_tcb_order(const struct snp_case *c, struct check *k)
{
	const struct snp_report *r = &c->report;
	struct snp_tcb reported = tcb(c, r->reported_tcb), committed = tcb(c, r->committed_tcb);
	struct snp_tcb current = tcb(c, r->current_tcb), launch = tcb(c, r->launch_tcb);

	say(k->expected,
	    "reported, committed and launch TCB are not newer than the current one, component by component");
	if (!snp_tcb_le(&committed, &current))
		say(k->found, "committed is newer than current");
	else if (!snp_tcb_le(&reported, &current))
		say(k->found, "reported is newer than current");
	else if (!snp_tcb_le(&launch, &current))
		say(k->found, "launch is newer than current");
	else {
		say(k->found, "in order");
		return CHECK_PASS;
	}
	return CHECK_FAIL;
}

/* Committed counts too: down to there the host may roll back. So does launch, if told: under it the guest was measured.
 */
static enum check_result report_tcb_minimum(const struct snp_case *c, struct check *k)
{
	const struct snp_tcb *min = &c->rules->minimum[c->product_index];
	const struct {
		const char *name;
		struct slice raw;
	} each[] = {{"reported", c->report.reported_tcb},
	            {"committed", c->report.committed_tcb},
	            {"launch", c->report.launch_tcb}};
	struct snp_tcb t = tcb(c, c->report.reported_tcb);
	char words[CHECK_TEXT_MAX];

	tcb_words(words, min, c->product->form);
	say(k->expected, "at least %.*s", CHECK_TEXT_MAX - 16, words);
	tcb_words(k->found, &t, c->product->form);
	say(k->cure, "the host must update its firmware, or lower [snp.minimum_tcb] knowing what that means");
	for (unsigned i = 0; i < ARRAY_COUNT(each); i++) {
		if (i == 2 && slice_is_zero(each[i].raw))
			continue;
		t = tcb(c, each[i].raw);
		if (snp_tcb_le(min, &t))
			continue;
		tcb_words(words, &t, c->product->form);
		say(k->found, "%s TCB: %.*s", each[i].name, CHECK_TEXT_MAX - 24, words);
		return CHECK_FAIL;
	}
	return CHECK_PASS;
}

static enum check_result pinned(const struct snp_case *c, enum snp_pin pin, struct slice value, struct check *k)
{
	const struct digest_list *l = &c->rules->pins[pin];

	if (l->count == 0)
		return skip(k, "the policy does not ask for it");
	if (l->count == 1)
		say_hex(k->expected, slice_of(l->bytes, l->size));
	else
		say(k->expected, "one of %zu values", l->count);
	say_hex(k->found, value);
	say(k->cure, "add it to [snp] %s if you trust it", snp_pins[pin].key);
	return pass_if(digest_list_has(l, value));
}

static enum check_result pin_host_data(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_HOST_DATA, c->report.host_data, k);
}

static enum check_result pin_id_key(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_ID_KEY, c->report.id_key_digest, k);
}

static enum check_result pin_author_key(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_AUTHOR_KEY, c->report.author_key_digest, k);
}

static enum check_result pin_family(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_FAMILY_ID, c->report.family_id, k);
}

static enum check_result pin_image(const struct snp_case *c, struct check *k)
{
	return pinned(c, SNP_PIN_IMAGE_ID, c->report.image_id, k);
}

/* ---- measurement, handshake ---- */

static enum check_result measurement(const struct snp_case *c, struct check *k)
{
	const struct digest_list *l = &c->in->policy->measurements;

	if (c->rules->any_measurement)
		return skip(k, "not asked for");
	if (l->count == 1)
		say_hex(k->expected, slice_of(l->bytes, l->size));
	else
		say(k->expected, "one of the %zu launch digests in the policy", l->count);
	say_hex(k->found, c->report.measurement);
	say(k->cure, "compare with `broch measure`; add it to measurements if you trust what was launched");
	return pass_if(digest_list_has(l, c->report.measurement));
}

static enum check_result report_data(const struct snp_case *c, struct check *k)
{
	if (c->in->report_data.size == 0)
		return skip(k, "nothing to compare with: this evidence is bound to nothing you know");
	say_hex(k->expected, c->in->report_data);
	say_hex(k->found, c->report.report_data);
	say(k->cure, "the evidence was made for another connection or workload: somebody may be relaying");
	return pass_if(slice_equal(c->in->report_data, c->report.report_data));
}

/* ---- the table ---- */

static const struct snp_row rows[] = {
        {"snp.report.read", "report", AMD_ABI "section 7.3", 0, report_read},
        {"snp.report.reserved", "report", AMD_ABI "section 7.3", NEED_REPORT, report_reserved},
        {"snp.report.algorithm", "report", AMD_ABI "chapter 10", NEED_REPORT, report_algorithm},
        {"snp.report.signing_key", "report", AMD_ABI "section 7.3", NEED_REPORT, report_signing_key},
        {"snp.report.mask_chip_key", "report", AMD_ABI "section 7.3", NEED_REPORT, report_mask_key},
        {"snp.report.scalars", "report", AMD_ABI "chapter 10", NEED_REPORT, report_scalars},
        {"snp.report.signature", "report", AMD_ABI "section 7.3", NEED_REPORT | NEED_KEY, report_signature},
        {"snp.report.tcb_key", "report", AMD_VCEK "chapter 3", NEED_REPORT | NEED_EXT | NEED_PRODUCT, key_tcb},
        {"snp.report.chip_masked", "report", AMD_ABI "section 7.3", NEED_REPORT, report_masked},
        {"snp.report.chip_id", "report", AMD_VCEK "chapter 3", NEED_REPORT | NEED_EXT | NEED_PRODUCT, report_chip},
        {"snp.report.platform_id", "report", AMD_ABI "section 7.3", NEED_REPORT, report_platform},
        {"snp.report.product", "report", AMD_ABI "section 7.3", NEED_REPORT | NEED_PRODUCT, report_product},
        {"snp.report.policy_form", "report", AMD_ABI "section 4.3", NEED_REPORT, report_policy_form},
        {"snp.report.debug", "report", AMD_ABI "section 4.3", NEED_REPORT, report_debug},
        {"snp.report.migration", "report", AMD_ABI "section 4.3", NEED_REPORT, report_migration},
        {"snp.report.smt", "report", AMD_ABI "section 4.3", NEED_REPORT, report_smt},
        {"snp.report.vmpl", "report", AMD_ABI "section 7.3", NEED_REPORT, report_vmpl},
        {"snp.report.tcb_order", "report", AMD_ABI "section 2.2", NEED_REPORT | NEED_PRODUCT, report_tcb_order},
        {"snp.report.tcb_minimum", "report", AMD_ABI "section 2.2", NEED_REPORT | NEED_PRODUCT, report_tcb_minimum},
        {"snp.report.host_data", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_host_data},
        {"snp.report.id_key", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_id_key},
        {"snp.report.author_key", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_author_key},
        {"snp.report.family_id", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_family},
        {"snp.report.image_id", "report", AMD_ABI "section 8.18", NEED_REPORT, pin_image},
        {"snp.measurement", "measurement", AMD_ABI "section 8.17.2", NEED_REPORT, measurement},
        {"snp.report_data", "handshake", AMD_ABI "section 7.3", NEED_REPORT, report_data},
};

const struct snp_rows snp_report_checks = {rows, ARRAY_COUNT(rows)};

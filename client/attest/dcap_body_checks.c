/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relying party wants of the enclave or TD. Each function also looks at the quote's body type, because
 * evidence of the wrong TEE comes here too: dcap.quote.tee has then failed.
 */
#include "client/attest/dcap_case.h"

#include <inttypes.h>

static bool is_td(const struct dcap_case *c)
{
	return c->quote.body != QUOTE_BODY_SGX;
}

/* ---- flags ---- */

static enum check_result sgx_debug(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const bool debug = is_td(c) || (c->quote.sgx.attributes.data[0] & SGX_ATTR_DEBUG) != 0;

	(void)arg;
	say(k->expected, c->rules->debug ? "debug or not" : "not a debug enclave");
	say(k->found, debug ? "a debug enclave" : "not a debug enclave");
	say(k->cure, "the host can read a debug enclave's memory; only for tests: debug = true");
	k->tolerated = debug && c->rules->debug;
	return pass_if(!debug || c->rules->debug);
}

static enum check_result td_debug(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const uint64_t bits = c->quote.td.attributes & TD_ATTR_UNTRUSTED;

	(void)arg;
	say(k->expected, c->rules->debug ? "debug or not" : "none of the attributes that let the host look in");
	say(k->found, "attributes %016" PRIx64, c->quote.td.attributes);
	say(k->cure, "the host can read a debug TD's memory; only for tests: debug = true");
	k->tolerated = is_td(c) && bits != 0 && c->rules->debug;
	return pass_if(is_td(c) && (bits == 0 || c->rules->debug));
}

static enum check_result td_attributes(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "attributes with %016" PRIx64, c->rules->td_attributes);
	say(k->found, "attributes %016" PRIx64, c->quote.td.attributes);
	return pass_if((c->quote.td.attributes & c->rules->td_attributes) == c->rules->td_attributes);
}

static enum check_result td_migration(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const bool may = (c->quote.td.attributes & TD_ATTR_MIGRATABLE) != 0;

	(void)arg;
	say(k->expected, c->rules->migration ? "migratable or not" : "not migratable");
	say(k->found, may ? "migratable" : "not migratable");
	k->tolerated = may && c->rules->migration;
	return pass_if(!may || c->rules->migration);
}

static enum check_result td_xfam(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	if (!c->rules->xfam_limited)
		return skip(k, "the policy does not limit the processor's features");
	say(k->expected, "XFAM within %016" PRIx64, c->rules->xfam);
	say(k->found, "%016" PRIx64, c->quote.td.xfam);
	return pass_if((c->quote.td.xfam & ~c->rules->xfam) == 0);
}

static enum check_result td_service(const struct dcap_case *c, unsigned arg, struct check *k)
{
	bool bound = false;

	(void)arg;
	for (size_t i = 0; i < c->quote.td.mrservicetd.size; i++)
		bound = bound || c->quote.td.mrservicetd.data[i] != 0;
	say(k->expected, c->rules->service_td ? "a service TD or none" : "no service TD");
	say(k->found, bound ? "a service TD is bound" : "none");
	say(k->cure, "a service TD may act on this one, as for migration: service_td = true if you want that");
	k->tolerated = bound && c->rules->service_td;
	return pass_if(!bound || c->rules->service_td);
}

/* ---- numbers ---- */

static enum check_result sgx_product(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	if (!c->rules->prod_id_set)
		return skip(k, "the policy does not ask for it");
	say(k->expected, "ISVPRODID %u", (unsigned)c->rules->prod_id);
	say(k->found, "%u", c->quote.sgx.prod_id);
	return pass_if(c->quote.sgx.prod_id == c->rules->prod_id);
}

static enum check_result sgx_svn(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "ISVSVN %u or more", (unsigned)c->rules->svn_min);
	say(k->found, "%u", c->quote.sgx.svn);
	return pass_if(c->quote.sgx.svn >= c->rules->svn_min);
}

static enum check_result sgx_config_svn(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "CONFIGSVN %u or more", (unsigned)c->rules->config_svn_min);
	say(k->found, "%u", c->quote.sgx.config_svn);
	return pass_if(c->quote.sgx.config_svn >= c->rules->config_svn_min);
}

/* ---- pins ---- */

static struct slice pinned_value(const struct dcap_case *c, enum dcap_pin which)
{
	const struct sgx_report *s = &c->quote.sgx;
	const struct td_report *t = &c->quote.td;
	const struct slice all[DCAP_PIN_COUNT] = {
	        [DCAP_PIN_MRENCLAVE] = s->mrenclave,     [DCAP_PIN_MRSIGNER] = s->mrsigner,
	        [DCAP_PIN_EXT_PROD_ID] = s->ext_prod_id, [DCAP_PIN_FAMILY_ID] = s->family_id,
	        [DCAP_PIN_CONFIG_ID] = s->config_id,     [DCAP_PIN_MRTD] = t->mrtd,
	        [DCAP_PIN_RTMR0] = t->rtmr[0],           [DCAP_PIN_RTMR1] = t->rtmr[1],
	        [DCAP_PIN_RTMR2] = t->rtmr[2],           [DCAP_PIN_RTMR3] = t->rtmr[3],
	        [DCAP_PIN_MRSEAM] = t->mrseam,           [DCAP_PIN_MRCONFIGID] = t->mrconfigid,
	        [DCAP_PIN_MROWNER] = t->mrowner,         [DCAP_PIN_MROWNERCONFIG] = t->mrownerconfig,
	        [DCAP_PIN_MRSERVICETD] = t->mrservicetd, [DCAP_PIN_FMSPC] = c->ext.fmspc,
	        [DCAP_PIN_PPID] = c->ext.ppid,           [DCAP_PIN_INSTANCE] = c->ext.instance,
	};

	return all[which];
}

static enum check_result pin(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct digest_list *want = &c->rules->pins[arg];
	struct slice value = pinned_value(c, (enum dcap_pin)arg);

	if (want->count == 0)
		return skip(k, "the policy does not ask for it");
	say_hex(k->found, value);
	say(k->expected, "one of %u in %s", (unsigned)want->count, dcap_pins[arg].key);
	if (value.size == 0)
		say(k->found, "the evidence does not say");
	say(k->cure, "add it to %s in the policy if you accept it", dcap_pins[arg].key);
	return pass_if(digest_list_has(want, value));
}

/* Something must say which program it is: the measurement itself, or for SGX who signed it. */
static enum check_result measured(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct dcap_rules *r = c->rules;
	const bool signer = arg == DCAP_PIN_MRENCLAVE && r->pins[DCAP_PIN_MRSIGNER].count > 0;

	if (r->pins[arg].count > 0 || signer)
		return pin(c, arg, k);
	say(k->expected, r->any_measurement ? "anything" : "a measurement that the policy names");
	say_hex(k->found, pinned_value(c, (enum dcap_pin)arg));
	return pass_if(r->any_measurement);
}

static enum check_result report_data(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct slice have = is_td(c) ? c->quote.td.report_data : c->quote.sgx.report_data;

	(void)arg;
	if (c->in->report_data.size == 0)
		return skip(k, "a bare quote: nothing says what it should be bound to");
	say_hex(k->expected, c->in->report_data);
	say_hex(k->found, have);
	say(k->cure, "this evidence was made for somebody else, or at another time");
	return pass_if(slice_equal(have, c->in->report_data));
}

/* ---- the table ---- */

#define SGX  DCAP_IN_SGX
#define TDX  DCAP_IN_TDX
#define BOTH DCAP_IN_BOTH
#define Q    NEED_QUOTE

static const struct dcap_row rows[] = {
        {"sgx.debug", "report", INTEL_SDM, Q, SGX, 0, sgx_debug},
        {"tdx.debug", "report", INTEL_TDX, Q, TDX, 0, td_debug},
        {"tdx.attributes", "report", INTEL_TDX, Q, TDX, 0, td_attributes},
        {"tdx.migration", "report", INTEL_TDX, Q, TDX, 0, td_migration},
        {"tdx.xfam", "report", INTEL_TDX, Q, TDX, 0, td_xfam},
        {"tdx.service_td", "report", INTEL_TDX, Q, TDX, 0, td_service},
        {"dcap.fmspc", "platform key", INTEL_PCK, NEED_EXT, BOTH, DCAP_PIN_FMSPC, pin},
        {"dcap.ppid", "platform key", INTEL_PCK, NEED_EXT, BOTH, DCAP_PIN_PPID, pin},
        {"dcap.platform_instance", "platform key", INTEL_PCK, NEED_EXT, BOTH, DCAP_PIN_INSTANCE, pin},
        {"sgx.measurement", "measurement", INTEL_SDM, Q, SGX, DCAP_PIN_MRENCLAVE, measured},
        {"sgx.mrsigner", "measurement", INTEL_SDM, Q, SGX, DCAP_PIN_MRSIGNER, pin},
        {"sgx.product", "measurement", INTEL_SDM, Q, SGX, 0, sgx_product},
        {"sgx.svn", "measurement", INTEL_SDM, Q, SGX, 0, sgx_svn},
        {"sgx.config_svn", "measurement", INTEL_SDM, Q, SGX, 0, sgx_config_svn},
        {"sgx.ext_prod_id", "measurement", INTEL_SDM, Q, SGX, DCAP_PIN_EXT_PROD_ID, pin},
        {"sgx.family_id", "measurement", INTEL_SDM, Q, SGX, DCAP_PIN_FAMILY_ID, pin},
        {"sgx.config_id", "measurement", INTEL_SDM, Q, SGX, DCAP_PIN_CONFIG_ID, pin},
        {"tdx.measurement", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_MRTD, measured},
        {"tdx.rtmr0", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_RTMR0, pin},
        {"tdx.rtmr1", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_RTMR1, pin},
        {"tdx.rtmr2", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_RTMR2, pin},
        {"tdx.rtmr3", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_RTMR3, pin},
        {"tdx.mrseam", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_MRSEAM, pin},
        {"tdx.mrconfigid", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_MRCONFIGID, pin},
        {"tdx.mrowner", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_MROWNER, pin},
        {"tdx.mrownerconfig", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_MROWNERCONFIG, pin},
        {"tdx.mrservicetd", "measurement", INTEL_TDX, Q, TDX, DCAP_PIN_MRSERVICETD, pin},
        {"dcap.report_data", "handshake", INTEL_QUOTE, Q, BOTH, 0, report_data},
};

const struct dcap_rows dcap_body_checks = {rows, ARRAY_COUNT(rows)};

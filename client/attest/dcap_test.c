/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGX and TDX evidence made here, under a root made here: accepted as it is, refused for each thing changed and for
 * that alone. Every check has at least one such change, or the test fails.
 */
#include "test/attest/dcap_recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t zeros[64], other[64] = {0xff};

#define CHANGE(name, ...)                                                                                              \
	static void name(struct dcap_recipe *r)                                                                        \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}
#define PIN(name, which, bytes) CHANGE(name, r->rules.pins[which] = (struct digest_list){other, bytes, 1})

/* ---- certificates ---- */

CHANGE(chain_no_root, r->chain_without_root = true)
CHANGE(chain_bad_pem, r->cert[MAKE_PCK].no_version = true)
CHANGE(chain_twice, r->cert[MAKE_CA].twice_oid = "1.2.3.4")
CHANGE(chain_negative_serial, r->cert[MAKE_PCK].serial = -1)
CHANGE(root_not_pinned, r->other_root = true)
CHANGE(root_none_pinned, r->rules.root_count = 0)
CHANGE(root_name, r->cert[MAKE_ROOT].cn = r->cert[MAKE_ROOT].issuer_cn = r->cert[MAKE_CA].issuer_cn =
                          r->cert[MAKE_TCB_SIGNER].issuer_cn = r->cert[MAKE_QE_SIGNER].issuer_cn =
                                  r->crl[MAKE_ROOT_CRL].issuer_cn = "Intel SGX Root CB")
CHANGE(root_issuer, r->cert[MAKE_ROOT].issuer_cn = "Somebody above")
CHANGE(root_hash, r->cert[MAKE_ROOT].sign.hash = "SHA384")
CHANGE(root_curve, r->cert[MAKE_ROOT].key = r->cert[MAKE_ROOT].sign.by = r->cert[MAKE_CA].sign.by =
                           r->cert[MAKE_TCB_SIGNER].sign.by = r->cert[MAKE_QE_SIGNER].sign.by =
                                   r->crl[MAKE_ROOT_CRL].sign.by = KEY_SMALL)
CHANGE(root_signature, r->cert[MAKE_ROOT].sign.by = KEY_FOREIGN)
CHANGE(root_no_ca, r->cert[MAKE_ROOT].constraints = "critical,CA:FALSE")
CHANGE(root_short_path, r->cert[MAKE_ROOT].constraints = "critical,CA:TRUE,pathlen:0")
CHANGE(root_critical, r->cert[MAKE_ROOT].critical_oid = "1.2.3.4")
CHANGE(root_early, r->cert[MAKE_ROOT].from = "20260116000000Z")
CHANGE(root_late, r->cert[MAKE_ROOT].to = "20260114235959Z")
CHANGE(ca_name, r->cert[MAKE_CA].cn = r->cert[MAKE_PCK].issuer_cn = r->crl[MAKE_PCK_CRL].issuer_cn = "Intel SGX PCK CA")
CHANGE(ca_hash, r->cert[MAKE_CA].sign.hash = "SHA512")
CHANGE(ca_curve, r->cert[MAKE_CA].key = r->cert[MAKE_PCK].sign.by = r->crl[MAKE_PCK_CRL].sign.by = KEY_SMALL)
CHANGE(ca_signature, r->cert[MAKE_CA].sign.by = KEY_FOREIGN)
CHANGE(ca_no_ca, r->cert[MAKE_CA].constraints = "critical,CA:FALSE")
CHANGE(ca_usage, r->cert[MAKE_CA].usage = "critical,cRLSign")
CHANGE(ca_no_usage, r->cert[MAKE_CA].usage = NULL)
CHANGE(ca_early, r->cert[MAKE_CA].from = "20260116000000Z")
CHANGE(ca_late, r->cert[MAKE_CA].to = "20260114235959Z")
CHANGE(ca_revoked, r->crl[MAKE_ROOT_CRL].revoked[0] = 999; r->crl[MAKE_ROOT_CRL].revoked[1] = 100 + MAKE_CA)
CHANGE(pck_name, r->cert[MAKE_PCK].cn = "Intel SGX PCK certificate")
CHANGE(pck_hash, r->cert[MAKE_PCK].sign.hash = "SHA384")
CHANGE(pck_curve, r->cert[MAKE_PCK].key = KEY_SMALL)
CHANGE(pck_signature, r->cert[MAKE_PCK].sign.by = KEY_FOREIGN)
CHANGE(pck_ca, r->cert[MAKE_PCK].constraints = "critical,CA:TRUE")
CHANGE(pck_usage, r->cert[MAKE_PCK].usage = "critical,keyEncipherment")
CHANGE(pck_critical, r->cert[MAKE_PCK].critical_oid = "1.2.3.4")
CHANGE(pck_early, r->cert[MAKE_PCK].from = "20260116000000Z")
CHANGE(pck_late, r->cert[MAKE_PCK].to = "20260114235959Z")
CHANGE(pck_revoked, r->crl[MAKE_PCK_CRL].revoked[0] = 100 + MAKE_PCK)

#define SIGNER(who, which)                                                                                             \
	CHANGE(who##_stranger, r->signer_with_stranger[which] = true)                                                  \
	CHANGE(who##_forged, r->signer_root_forged[which] = true)                                                      \
	CHANGE(who##_absent, r->signer_absent[which] = true)                                                           \
	CHANGE(who##_name, r->cert[MAKE_TCB_SIGNER + which].cn = "Intel SGX PCK Certificate")                          \
	CHANGE(who##_issuer, r->cert[MAKE_TCB_SIGNER + which].issuer_cn = "Intel SGX PCK Platform CA")                 \
	CHANGE(who##_hash, r->cert[MAKE_TCB_SIGNER + which].sign.hash = "SHA384")                                      \
	CHANGE(who##_curve, r->cert[MAKE_TCB_SIGNER + which].key = KEY_SMALL)                                          \
	CHANGE(who##_signature, r->cert[MAKE_TCB_SIGNER + which].sign.by = KEY_ISSUER)                                 \
	CHANGE(who##_ca, r->cert[MAKE_TCB_SIGNER + which].constraints = "critical,CA:TRUE")                            \
	CHANGE(who##_early, r->cert[MAKE_TCB_SIGNER + which].from = "20260116000000Z")                                 \
	CHANGE(who##_late, r->cert[MAKE_TCB_SIGNER + which].to = "20260114235959Z")                                    \
	CHANGE(who##_revoked, r->crl[MAKE_ROOT_CRL].revoked[0] = 100 + MAKE_TCB_SIGNER + which)
SIGNER(tcb_signer, MAKE_TCB)
SIGNER(qe_signer, MAKE_QE)

/* ---- the SGX extension ---- */

CHANGE(ext_none, r->no_ext = true)
CHANGE(ext_no_fmspc, r->pck.left_out = 4)
CHANGE(ext_fmspc_twice, r->pck.twice = 4)
CHANGE(ext_no_pcesvn, r->pck.tcb_left_out = 17)
CHANGE(ext_component_twice, r->pck.tcb_twice = 3)
CHANGE(ext_component_256, r->pck.component_of_two_bytes = 0)
CHANGE(ext_component_negative, r->pck.component_negative = true)
CHANGE(ext_component_long, r->pck.component_long = true)
CHANGE(ext_pcesvn_large, r->pck.pcesvn = 0x10000)
CHANGE(ext_short, r->pck.octets_short = true)
CHANGE(ext_boolean, r->pck.boolean_one = true)
CHANGE(ext_trailing, r->pck.trailing = true)

/* ---- revocation lists ---- */

static void cut_last(uint8_t *der, size_t *size)
{
	(void)der;
	--*size;
}

#define LIST(who, which)                                                                                               \
	CHANGE(who##_absent, r->crl[which].present = false)                                                            \
	CHANGE(who##_cut, r->crl[which].spoil = cut_last)                                                              \
	CHANGE(who##_of_another, r->crl[which].issuer_cn = "Intel SGX PCK Processor CA")                               \
	CHANGE(who##_signature, r->crl[which].sign.by = KEY_FOREIGN)                                                   \
	CHANGE(who##_hash, r->crl[which].sign.hash = "SHA384")                                                         \
	CHANGE(who##_early, r->crl[which].from = "20260116000000Z")                                                    \
	CHANGE(who##_late, r->crl[which].to = "20260114235959Z")                                                       \
	CHANGE(who##_endless, r->crl[which].to = NULL)
LIST(root_crl, MAKE_ROOT_CRL)
LIST(pck_crl, MAKE_PCK_CRL)
CHANGE(root_crl_old, r->rules.root_crl_max_age_s = 86400)
CHANGE(pck_crl_old, r->rules.max_age_s = 86400; r->statement[MAKE_TCB].issued = "2026-01-14T12:00:00Z";
       r->statement[MAKE_QE].issued = "2026-01-14T12:00:00Z")
CHANGE(pck_crl_other_chain, r->crl_chain_of_signer = true; r->chain_beside = true)

/* ---- statements ---- */

#define STATEMENT(who, which)                                                                                          \
	CHANGE(who##_absent, r->statement[which].absent = true)                                                        \
	CHANGE(who##_no_json, r->statement[which].text = "{\"version\":3")                                             \
	CHANGE(who##_twice, r->statement[which].text = "{\"version\":3,\"version\":3}")                                \
	CHANGE(who##_negative, r->statement[which].issued = "-026-01-01T00:00:00Z")                                    \
	CHANGE(who##_version, r->statement[which].version = 4)                                                         \
	CHANGE(who##_nameless, r->statement[which].id = "")                                                            \
	CHANGE(who##_escape, r->statement[which].id = "\\u001b[m")                                                     \
	CHANGE(who##_delete, r->statement[which].id = "Q\\u007fE")                                                     \
	CHANGE(who##_status, r->statement[which].status = "Fine")                                                      \
	CHANGE(who##_advisory, r->statement[which].advisories = ",\"advisoryIDs\":[7]")                                \
	CHANGE(who##_signer, r->statement[which].signer = KEY_FOREIGN)                                                 \
	CHANGE(who##_no_hex, r->statement[which].signature = "no digits")                                              \
	CHANGE(who##_zero, r->statement[which].signature = zero_signature)                                             \
	CHANGE(who##_early, r->statement[which].issued = "2026-01-15T00:00:01Z")                                       \
	CHANGE(who##_late, r->statement[which].next = "2026-01-14T23:59:59Z")                                          \
	CHANGE(who##_old, r->rules.max_age_s = 86400; r->crl[MAKE_PCK_CRL].from = "20260114120000Z";                   \
	       r->statement[!which].issued = "2026-01-14T12:00:00Z")                                                   \
	CHANGE(who##_evaluation, r->rules.evaluation_min = 17; r->statement[which].evaluation = 16)

static const char zero_signature[] = "0000000000000000000000000000000000000000000000000000000000000000"
                                     "0000000000000000000000000000000000000000000000000000000000000000";
STATEMENT(tcb_info, MAKE_TCB)
STATEMENT(qe_identity, MAKE_QE)
CHANGE(tcb_info_other_tee, r->statement[MAKE_TCB].id = r->tdx ? "SGX" : "TDX"; r->statement[MAKE_TCB].svn = 0)
CHANGE(qe_identity_other_tee, r->statement[MAKE_QE].id = r->tdx ? "QE" : "TD_QE")
CHANGE(tcb_info_fmspc, r->statement[MAKE_TCB].fmspc = "0102030405AB")
CHANGE(tcb_info_pceid, r->statement[MAKE_TCB].pceid = "0001")
CHANGE(qe_misc, r->qe[AT_SGX_MISC] = 1)
CHANGE(qe_debug, r->qe[AT_SGX_ATTRIBUTES] |= 2)
CHANGE(qe_mrsigner, r->qe[AT_SGX_MRSIGNER] ^= 1)
CHANGE(qe_product, r->qe[AT_SGX_PRODUCT] = 2)
CHANGE(qe_old, r->qe[AT_SGX_SVN] = 7)
CHANGE(platform_old, r->pck.components[15] = 2)
CHANGE(pce_old, r->pck.pcesvn = 10)
CHANGE(status_outdated, r->statement[MAKE_TCB].status = "OutOfDate")
CHANGE(status_revoked, r->statement[MAKE_TCB].status = "Revoked")
CHANGE(status_of_qe, r->statement[MAKE_QE].status = "OutOfDate")
CHANGE(advisory_of_platform, r->statement[MAKE_TCB].advisories = ",\"advisoryIDs\":[\"INTEL-SA-00001\"]")
CHANGE(advisory_of_qe, r->statement[MAKE_QE].advisories = ",\"advisoryIDs\":[\"INTEL-SA-00002\"]")

/* ---- the quote ---- */

CHANGE(quote_cut, r->cut = 1)
CHANGE(quote_version_2, r->version = 2)
CHANGE(quote_version_6, r->version = 6)
CHANGE(quote_key_type, r->key_type = 3)
CHANGE(quote_vendor, r->vendor[15] ^= 1)
CHANGE(quote_flip, r->flip = 47)
CHANGE(quote_signer, r->quote_by = KEY_FOREIGN)
CHANGE(qe_signer_key, r->qe_by = KEY_FOREIGN)
CHANGE(qe_unbound, r->spoil_binding = true)

/* ---- the report ---- */

CHANGE(sgx_debug, r->body[AT_SGX_ATTRIBUTES] |= 2)
CHANGE(td_debug, r->body[AT_TD_ATTRIBUTES] = 1)
CHANGE(td_untrusted, r->body[AT_TD_ATTRIBUTES] = 0x80)
CHANGE(td_attribute_missing, r->rules.td_attributes = TD_ATTR_SEPT_VE_DISABLE; r->body[AT_TD_ATTRIBUTES + 3] = 0)
CHANGE(td_migratable, r->body[AT_TD_ATTRIBUTES + 3] |= 0x20)
CHANGE(td_xfam, r->rules.xfam_limited = true; r->rules.xfam = 0xe3)
CHANGE(td_service, r->version = 5; r->body[AT_TD_MRSERVICETD + 47] = 1)
CHANGE(module_unknown, r->statement[MAKE_TCB].module_major = 2)
CHANGE(module_none, r->statement[MAKE_TCB].no_module = true)
CHANGE(module_mrsigner, r->body[AT_TD_MRSIGNERSEAM + 47] = 1)
CHANGE(module_attributes, r->body[AT_TD_SEAM_ATTRIBUTES] = 1)
CHANGE(module_old, r->body[AT_TD_SVN] = 2)
CHANGE(module_outdated, r->statement[MAKE_TCB].module_status = "OutOfDate")
CHANGE(unnamed, r->rules.any_measurement = false)
CHANGE(other_product, r->rules.prod_id_set = true; r->rules.prod_id = 0x10007)
CHANGE(old_svn, r->rules.svn_min = 3)
CHANGE(old_config_svn, r->rules.config_svn_min = 1)
CHANGE(other_data, r->want_data = slice_of(other, 64))
CHANGE(zero_data, r->want_data = slice_of(zeros, 64))
CHANGE(short_data, r->want_data.size = 63)
PIN(other_mrenclave, DCAP_PIN_MRENCLAVE, 32)
PIN(other_mrsigner, DCAP_PIN_MRSIGNER, 32)
PIN(other_ext_prod_id, DCAP_PIN_EXT_PROD_ID, 16)
PIN(other_family, DCAP_PIN_FAMILY_ID, 16)
PIN(other_config, DCAP_PIN_CONFIG_ID, 64)
PIN(other_mrtd, DCAP_PIN_MRTD, 48)
PIN(other_rtmr0, DCAP_PIN_RTMR0, 48)
PIN(other_rtmr1, DCAP_PIN_RTMR1, 48)
PIN(other_rtmr2, DCAP_PIN_RTMR2, 48)
PIN(other_rtmr3, DCAP_PIN_RTMR3, 48)
PIN(other_mrseam, DCAP_PIN_MRSEAM, 48)
PIN(other_mrconfigid, DCAP_PIN_MRCONFIGID, 48)
PIN(other_mrowner, DCAP_PIN_MROWNER, 48)
PIN(other_mrownerconfig, DCAP_PIN_MROWNERCONFIG, 48)
PIN(other_mrservicetd, DCAP_PIN_MRSERVICETD, 48)
PIN(other_fmspc, DCAP_PIN_FMSPC, PCK_FMSPC_SIZE)
PIN(other_ppid, DCAP_PIN_PPID, PCK_PPID_SIZE)
PIN(other_instance, DCAP_PIN_INSTANCE, PCK_INSTANCE_SIZE)
CHANGE(no_instance, r->pck.no_instance = true;
       r->rules.pins[DCAP_PIN_INSTANCE] = (struct digest_list){other, PCK_INSTANCE_SIZE, 1})

static const struct killer {
	const char *id, *name;
	unsigned in;
	void (*change)(struct dcap_recipe *r);
} killers[] = {
#define B(id, change)                                                                                                  \
	{                                                                                                              \
		id, #change, DCAP_IN_SGX | DCAP_IN_TDX, change                                                         \
	}
#define S(id, change)                                                                                                  \
	{                                                                                                              \
		id, #change, DCAP_IN_SGX, change                                                                       \
	}
#define T(id, change)                                                                                                  \
	{                                                                                                              \
		id, #change, DCAP_IN_TDX, change                                                                       \
	}
        B("dcap.chain.read", chain_no_root),
        B("dcap.chain.read", chain_bad_pem),
        B("dcap.chain.read", chain_twice),
        B("dcap.chain.read", chain_negative_serial),
        B("dcap.root.pinned", root_not_pinned),
        B("dcap.root.pinned", root_none_pinned),
        B("dcap.root.name", root_name),
        B("dcap.root.issuer", root_issuer),
        B("dcap.root.algorithm", root_hash),
        B("dcap.root.key", root_curve),
        B("dcap.root.signature", root_signature),
        B("dcap.root.ca", root_no_ca),
        B("dcap.root.ca", root_short_path),
        B("dcap.root.ca", root_critical),
        B("dcap.root.time", root_early),
        B("dcap.root.time", root_late),
        B("dcap.root_crl.read", root_crl_absent),
        B("dcap.root_crl.read", root_crl_cut),
        B("dcap.root_crl.issuer", root_crl_of_another),
        B("dcap.root_crl.signature", root_crl_signature),
        B("dcap.root_crl.signature", root_crl_hash),
        B("dcap.root_crl.time", root_crl_early),
        B("dcap.root_crl.time", root_crl_late),
        B("dcap.root_crl.time", root_crl_endless),
        B("dcap.root_crl.time", root_crl_old),
        B("dcap.ca.name", ca_name),
        B("dcap.ca.algorithm", ca_hash),
        B("dcap.ca.key", ca_curve),
        B("dcap.ca.signature", ca_signature),
        B("dcap.ca.ca", ca_no_ca),
        B("dcap.ca.ca", ca_usage),
        B("dcap.ca.ca", ca_no_usage),
        B("dcap.ca.time", ca_early),
        B("dcap.ca.time", ca_late),
        B("dcap.ca.revocation", ca_revoked),
        B("dcap.pck_crl.read", pck_crl_absent),
        B("dcap.pck_crl.read", pck_crl_cut),
        B("dcap.pck_crl.chain", pck_crl_other_chain),
        B("dcap.pck_crl.issuer", pck_crl_of_another),
        B("dcap.pck_crl.signature", pck_crl_signature),
        B("dcap.pck_crl.signature", pck_crl_hash),
        B("dcap.pck_crl.time", pck_crl_early),
        B("dcap.pck_crl.time", pck_crl_late),
        B("dcap.pck_crl.time", pck_crl_endless),
        B("dcap.pck_crl.time", pck_crl_old),
        B("dcap.pck.name", pck_name),
        B("dcap.pck.algorithm", pck_hash),
        B("dcap.pck.key", pck_curve),
        B("dcap.pck.signature", pck_signature),
        B("dcap.pck.leaf", pck_ca),
        B("dcap.pck.leaf", pck_usage),
        B("dcap.pck.leaf", pck_critical),
        B("dcap.pck.time", pck_early),
        B("dcap.pck.time", pck_late),
        B("dcap.pck.revocation", pck_revoked),
        B("dcap.pck.extension", ext_none),
        B("dcap.pck.extension", ext_no_fmspc),
        B("dcap.pck.extension", ext_fmspc_twice),
        B("dcap.pck.extension", ext_no_pcesvn),
        B("dcap.pck.extension", ext_component_twice),
        B("dcap.pck.extension", ext_component_256),
        B("dcap.pck.extension", ext_component_negative),
        B("dcap.pck.extension", ext_component_long),
        B("dcap.pck.extension", ext_pcesvn_large),
        B("dcap.pck.extension", ext_short),
        B("dcap.pck.extension", ext_boolean),
        B("dcap.pck.extension", ext_trailing),
#define SIGNER_ROWS(who)                                                                                               \
	B("dcap." #who ".read", who##_stranger), B("dcap." #who ".read", who##_absent),                                \
	        B("dcap." #who ".read", who##_forged),                                                                 \
	        B("dcap." #who ".name", who##_name), B("dcap." #who ".issuer", who##_issuer),                          \
	        B("dcap." #who ".algorithm", who##_hash), B("dcap." #who ".key", who##_curve),                         \
	        B("dcap." #who ".signature", who##_signature), B("dcap." #who ".leaf", who##_ca),                      \
	        B("dcap." #who ".time", who##_early), B("dcap." #who ".time", who##_late),                             \
	        B("dcap." #who ".revocation", who##_revoked)
        SIGNER_ROWS(tcb_signer),
        SIGNER_ROWS(qe_signer),
#define STATEMENT_ROWS(who)                                                                                            \
	B("dcap." #who ".read", who##_no_json), B("dcap." #who ".read", who##_twice),                                  \
	        B("dcap." #who ".read", who##_negative), B("dcap." #who ".read", who##_version),                       \
	        B("dcap." #who ".read", who##_nameless), B("dcap." #who ".read", who##_escape),                        \
	        B("dcap." #who ".read", who##_delete),                                                                 \
	        B("dcap." #who ".read", who##_status), B("dcap." #who ".read", who##_advisory),                        \
	        B("dcap." #who ".signature", who##_signer), B("dcap." #who ".signature", who##_no_hex),                \
	        B("dcap." #who ".signature", who##_zero), B("dcap." #who ".time", who##_early),                        \
	        B("dcap." #who ".time", who##_late), B("dcap." #who ".time", who##_old),                               \
	        B("dcap." #who ".evaluation", who##_evaluation)
        STATEMENT_ROWS(tcb_info),
        STATEMENT_ROWS(qe_identity),
        S("dcap.tcb_info.id", tcb_info_other_tee),
        B("dcap.qe_identity.id", qe_identity_other_tee),
        B("dcap.tcb_info.fmspc", tcb_info_fmspc),
        B("dcap.tcb_info.pceid", tcb_info_pceid),
        B("dcap.qe.miscselect", qe_misc),
        B("dcap.qe.attributes", qe_debug),
        B("dcap.qe.mrsigner", qe_mrsigner),
        B("dcap.qe.product", qe_product),
        B("dcap.qe.level", qe_old),
        B("dcap.tcb.level", platform_old),
        B("dcap.tcb.level", pce_old),
        B("dcap.tcb.status", status_outdated),
        B("dcap.tcb.status", status_revoked),
        B("dcap.tcb.status", status_of_qe),
        T("dcap.tcb.status", module_outdated),
        B("dcap.tcb.advisories", advisory_of_platform),
        B("dcap.tcb.advisories", advisory_of_qe),
        B("dcap.quote.read", quote_cut),
        B("dcap.quote.read", quote_version_2),
        B("dcap.quote.read", quote_version_6),
        B("dcap.quote.key_type", quote_key_type),
        B("dcap.quote.vendor", quote_vendor),
        B("dcap.quote.signature", quote_flip),
        B("dcap.quote.signature", quote_signer),
        B("dcap.qe.signature", qe_signer_key),
        B("dcap.qe.binding", qe_unbound),
        S("sgx.debug", sgx_debug),
        T("tdx.debug", td_debug),
        T("tdx.debug", td_untrusted),
        T("tdx.attributes", td_attribute_missing),
        T("tdx.migration", td_migratable),
        T("tdx.xfam", td_xfam),
        T("tdx.service_td", td_service),
        T("dcap.module.known", module_unknown),
        T("dcap.module.known", module_none),
        T("dcap.module.mrsigner", module_mrsigner),
        T("dcap.module.attributes", module_attributes),
        T("dcap.module.level", module_old),
        B("dcap.fmspc", other_fmspc),
        B("dcap.ppid", other_ppid),
        B("dcap.platform_instance", other_instance),
        B("dcap.platform_instance", no_instance),
        S("sgx.measurement", unnamed),
        S("sgx.measurement", other_mrenclave),
        S("sgx.mrsigner", other_mrsigner),
        S("sgx.product", other_product),
        S("sgx.svn", old_svn),
        S("sgx.config_svn", old_config_svn),
        S("sgx.ext_prod_id", other_ext_prod_id),
        S("sgx.family_id", other_family),
        S("sgx.config_id", other_config),
        T("tdx.measurement", unnamed),
        T("tdx.measurement", other_mrtd),
        T("tdx.rtmr0", other_rtmr0),
        T("tdx.rtmr1", other_rtmr1),
        T("tdx.rtmr2", other_rtmr2),
        T("tdx.rtmr3", other_rtmr3),
        T("tdx.mrseam", other_mrseam),
        T("tdx.mrconfigid", other_mrconfigid),
        T("tdx.mrowner", other_mrowner),
        T("tdx.mrownerconfig", other_mrownerconfig),
        T("tdx.mrservicetd", other_mrservicetd),
        B("dcap.report_data", other_data),
        B("dcap.report_data", zero_data),
        B("dcap.report_data", short_data),
#undef B
#undef S
#undef T
};

static struct verdict verdict;

static bool judge(bool tdx, void (*change)(struct dcap_recipe *r))
{
	struct dcap_recipe *r = malloc(sizeof *r);
	bool judged;

	assert_non_null(r);
	dcap_good(r, tdx);
	if (change != NULL)
		change(r);
	judged = dcap_recipe_judge(r, tdx, &verdict);
	free(r);
	return judged;
}

/* ---- what is accepted ---- */

CHANGE(as_it_is, (void)r)
CHANGE(version_4, r->version = 4)
CHANGE(version_5, r->version = 5)
CHANGE(processor_ca, r->cert[MAKE_CA].cn = r->cert[MAKE_PCK].issuer_cn = r->crl[MAKE_PCK_CRL].issuer_cn =
                             "Intel SGX PCK Processor CA")
CHANGE(no_configuration, r->pck.no_instance = r->pck.no_configuration = true)
CHANGE(unknown_arc, r->pck.unknown = true)
CHANGE(large_pcesvn, r->pck.pcesvn = 0xffff)
CHANGE(chain_beside, r->chain_beside = true)
CHANGE(wrapped, r->statement[MAKE_TCB].wrapped = r->statement[MAKE_QE].wrapped = true)
CHANGE(debug_tolerated, r->rules.debug = true; r->body[r->tdx ? AT_TD_ATTRIBUTES : AT_SGX_ATTRIBUTES] |= 2)
CHANGE(status_tolerated, r->rules.statuses = 1u << TCB_OUT_OF_DATE; r->statement[MAKE_TCB].status = "OutOfDate")
/* The module that the TD was launched with is old, the one that is loaded now is not. */
CHANGE(relaunch_tolerated, r->version = 5;
       r->rules.statuses = 1u << (r->tdx ? TCB_RELAUNCH : TCB_UP_TO_DATE);
       r->statement[MAKE_TCB].module_status = "OutOfDate")
CHANGE(advisory_tolerated, r->rules.any_advisory = true;
       r->statement[MAKE_TCB].advisories = ",\"advisoryIDs\":[\"INTEL-SA-00001\"]")
CHANGE(first_second, r->statement[MAKE_TCB].issued = "2026-01-15T00:00:00Z")
CHANGE(last_second, r->statement[MAKE_QE].next = "2026-01-15T00:00:00Z")
CHANGE(unbound, r->want_data.size = 0)
CHANGE(of_empty_data, memset(r->body + (r->tdx ? AT_TD_DATA : AT_SGX_DATA), 0, 64); r->want_data = slice_of(zeros, 64))

static void good_evidence_is_accepted(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct dcap_recipe *r);
	} fine[] = {
#define F(name) {#name, name}
	        F(as_it_is),         F(version_4),       F(version_5),        F(processor_ca),
	        F(no_configuration), F(unknown_arc),     F(large_pcesvn),     F(chain_beside),
	        F(relaunch_tolerated),
	        F(wrapped),          F(debug_tolerated), F(status_tolerated), F(advisory_tolerated),
	        F(first_second),     F(last_second),     F(unbound),          F(of_empty_data),
#undef F
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(fine); i++)
		for (int tdx = 0; tdx < 2; tdx++) {
			if (!judge(tdx != 0, fine[i].change) || !verdict.ok)
				fail_msg("%s %s: %s: expected %s, found %s", tdx ? "tdx" : "sgx", fine[i].name,
				         verdict_reason(&verdict) != NULL ? verdict_reason(&verdict)->id : "not judged",
				         verdict_reason(&verdict) != NULL ? verdict_reason(&verdict)->expected : "",
				         verdict_reason(&verdict) != NULL ? verdict_reason(&verdict)->found : "");
		}
	judge(false, NULL);
	assert_int_equal(verdict.measurement_size, 32);
	assert_int_equal(verdict.measurement[0], 0x3e);
	judge(true, NULL);
	assert_int_equal(verdict.measurement_size, 48);
	assert_int_equal(verdict.measurement[0], 0x3d);
}

static void tcb_info_of_version_2(void **state)
{
	struct dcap_recipe *r = malloc(sizeof *r);

	(void)state;
	assert_non_null(r);
	dcap_good(r, false);
	r->statement[MAKE_TCB].version = 2;
	assert_true(dcap_recipe_judge(r, false, &verdict));
	assert_true(verdict.ok);
	free(r);
}

/* ---- what is refused ---- */

static unsigned fails_alone(const struct killer *k, bool tdx)
{
	unsigned bad = 0;
	bool seen = false;

	judge(tdx, k->change);
	for (size_t i = 0; i < verdict.check_count; i++) {
		const struct check *c = &verdict.checks[i];
		bool mine = strcmp(c->id, k->id) == 0;

		if (c->result != CHECK_FAIL)
			continue;
		seen = seen || mine;
		if (!mine)
			print_error("%s %s: %s failed as well: %s\n", tdx ? "tdx" : "sgx", k->name, c->id, c->found);
		else if (c->expected[0] == 0 || c->found[0] == 0)
			print_error("%s: %s has no words\n", k->name, k->id);
		bad += !mine || c->expected[0] == 0 || c->found[0] == 0;
	}
	if (!seen)
		print_error("%s %s: %s did not fail\n", tdx ? "tdx" : "sgx", k->name, k->id);
	return bad + !seen + verdict.ok;
}

static void each_change_fails_its_check_alone(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		if ((killers[i].in & DCAP_IN_SGX) != 0)
			bad += fails_alone(&killers[i], false);
		if ((killers[i].in & DCAP_IN_TDX) != 0)
			bad += fails_alone(&killers[i], true);
	}
	assert_int_equal(bad, 0);
}

/* Some things cannot be wrong alone: what is missing is missed in two places. */
static void what_fails_in_two_places(void **state)
{
	static const struct {
		const char *ids[2];
		unsigned in;
		void (*change)(struct dcap_recipe *r);
	} pairs[] = {
	        {{"dcap.tcb_info.read", "dcap.tcb_info.signature"}, DCAP_IN_SGX, tcb_info_absent},
	        {{"dcap.qe_identity.read", "dcap.qe_identity.signature"}, DCAP_IN_TDX, qe_identity_absent},
	        {{"dcap.tcb_info.id", "dcap.module.known"}, DCAP_IN_TDX, tcb_info_other_tee},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
		bool seen[2] = {false, false};

		judge(pairs[i].in == DCAP_IN_TDX, pairs[i].change);
		assert_false(verdict.ok);
		for (size_t c = 0; c < verdict.check_count; c++)
			for (size_t n = 0; n < 2; n++)
				seen[n] = seen[n] || (verdict.checks[c].result == CHECK_FAIL &&
				                      strcmp(verdict.checks[c].id, pairs[i].ids[n]) == 0);
		assert_true(seen[0] && seen[1]);
	}
}

/* Evidence of the other TEE, however good: dcap.quote.tee is what stands in the way. */
static void the_other_tee_is_refused(void **state)
{
	struct dcap_recipe *r = malloc(sizeof *r);

	(void)state;
	assert_non_null(r);
	for (int tdx = 0; tdx < 2; tdx++) {
		bool seen = false;

		dcap_good(r, tdx != 0);
		r->rules.debug = true;
		dcap_recipe_judge(r, tdx == 0, &verdict);
		assert_false(verdict.ok);
		for (size_t i = 0; i < verdict.check_count; i++)
			seen = seen || (verdict.checks[i].result == CHECK_FAIL &&
			                strcmp(verdict.checks[i].id, "dcap.quote.tee") == 0);
		assert_true(seen);
	}
	free(r);
}

static void no_check_is_without_a_killer(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (int tdx = 0; tdx < 2; tdx++) {
		judge(tdx != 0, NULL);
		assert_true(verdict.check_count > 80);
		for (size_t i = 0; i < verdict.check_count; i++) {
			const char *id = verdict.checks[i].id;
			bool killed = strcmp(id, "dcap.quote.tee") == 0 || /* above */
			              (tdx && strcmp(id, "dcap.tcb_info.id") == 0);

			for (size_t k = 0; k < ARRAY_COUNT(killers); k++)
				killed = killed || (strcmp(killers[k].id, id) == 0 &&
				                    (killers[k].in & (tdx ? DCAP_IN_TDX : DCAP_IN_SGX)) != 0);
			if (!killed)
				print_error("no change turns %s red\n", id);
			bad += !killed;
		}
	}
	assert_int_equal(bad, 0);
}

static void every_byte_of_a_quote_counts(void **state)
{
	struct dcap_recipe *r = malloc(sizeof *r);

	(void)state;
	assert_non_null(r);
	for (int tdx = 0; tdx < 2; tdx++)
		for (size_t at = 1; at < 2000; at += 13) {
			dcap_good(r, tdx != 0);
			r->flip = at;
			dcap_recipe_judge(r, tdx != 0, &verdict);
			if (verdict.ok)
				fail_msg("%s: byte %zu may be another one", tdx ? "tdx" : "sgx", at);
		}
	free(r);
}

static int setup(void **state)
{
	(void)state;
	dcap_keys();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	recipe_free_keys();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(good_evidence_is_accepted),         cmocka_unit_test(tcb_info_of_version_2),
	        cmocka_unit_test(each_change_fails_its_check_alone), cmocka_unit_test(what_fails_in_two_places),
	        cmocka_unit_test(the_other_tee_is_refused),          cmocka_unit_test(no_check_is_without_a_killer),
	        cmocka_unit_test(every_byte_of_a_quote_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

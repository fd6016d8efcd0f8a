/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/amd.h"

#include "lib/attest/der.h"
#include "lib/attest/soft_names.h"

const struct snp_product_info snp_products[SNP_PRODUCT_COUNT] = {
	[SNP_MILAN] = {"Milan", "ARK-Milan", "SEV-Milan", "SEV-VLEK-Milan", "SEV-VCEK", "SEV-VLEK", {"Milan"},
		       {{0x19, 0x00, 0x0f}}, 1, SNP_TCB_MILAN, 64},
	[SNP_GENOA] = {"Genoa", "ARK-Genoa", "SEV-Genoa", "SEV-VLEK-Genoa", "SEV-VCEK", "SEV-VLEK",
		       {"Genoa", "Bergamo", "Siena"}, {{0x19, 0x10, 0x1f}, {0x19, 0xa0, 0xaf}}, 2, SNP_TCB_MILAN, 64},
	[SNP_TURIN] = {"Turin", "ARK-Turin", "SEV-Turin", "SEV-VLEK-Turin", "SEV-VCEK", "SEV-VLEK", {"Turin"},
		       {{0x1a, 0x00, 0x1f}}, 1, SNP_TCB_TURIN, 8},
	[SNP_SOFT] = {"soft", SOFT_ROOT_CN, SOFT_CA_CN, NULL, SOFT_KEY_CN, NULL, {SOFT_PRODUCT},
		      {{SOFT_CPU_FAMILY, SOFT_CPU_MODEL, SOFT_CPU_MODEL}}, 1, SNP_TCB_MILAN, 64},
};

/* SHA-256 of the SubjectPublicKeyInfo of ARK-Milan, ARK-Genoa, ARK-Turin. The key is pinned, not the certificate: AMD
 * may renew the one and not the other. */
const struct snp_root_pin snp_amd_roots[SNP_AMD_ROOT_COUNT] = {
	{SNP_MILAN, {0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5, 0xff, 0xa8, 0x95, 0xbd, 0xfb,
		     0x62, 0xd1, 0x88, 0x81, 0xfa, 0x6b, 0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9}},
	{SNP_GENOA, {0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d, 0xb5, 0xfc, 0xda, 0x9c, 0x64,
		     0x70, 0xef, 0x15, 0xf8, 0xcd, 0x5a, 0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31}},
	{SNP_TURIN, {0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56, 0xf9, 0x24, 0x3f, 0x6f, 0xe0,
		     0xb6, 0xf7, 0x3d, 0xe9, 0x86, 0x03, 0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08}},
};

const struct snp_product_info *snp_product_by_root_cn(const char *cn)
{
	for (unsigned i = 0; i < SNP_PRODUCT_COUNT; i++)
		if (strcmp(snp_products[i].root_cn, cn) == 0)
			return &snp_products[i];
	return NULL;
}

bool snp_product_has_cpu(const struct snp_product_info *p, uint8_t family, uint8_t model)
{
	for (unsigned i = 0; i < p->cpu_count; i++)
		if (p->cpus[i].family == family && model >= p->cpus[i].model_first && model <= p->cpus[i].model_last)
			return true;
	return false;
}

const char *snp_product_of_cpu(uint8_t family, uint8_t model)
{
	for (unsigned i = 0; i < SNP_PRODUCT_COUNT; i++)
		if (snp_product_has_cpu(&snp_products[i], family, model))
			return snp_products[i].name;
	return "an unknown product";
}

/* ---- extensions ---- */

/* 1.3.6.1.4.1.3704.1, then the arcs given (each below 128). */
static bool find(const struct cert *c, uint8_t arc, uint8_t arc2, struct slice *value)
{
	const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01, arc, arc2};

	return cert_extension(c, slice_of(oid, arc2 == 0 ? sizeof oid - 1 : sizeof oid), value);
}

static enum err text(struct slice value, char *out, size_t size, const char *what, struct note *found)
{
	struct slice s;

	if (der_only(value, DER_IA5, &s) != OK && der_only(value, DER_UTF8, &s) != OK)
		return refuse(found, ERR_FORMAT, "the %s extension is not a text", what);
	if (s.size == 0 || s.size >= size)
		return refuse(found, ERR_FORMAT, "the %s extension has %llu characters", what, (unsigned long long)s.size);
	if (!slice_within(s, ' ', '~'))
		return refuse(found, ERR_FORMAT, "the %s extension is not printable", what);
	memcpy(out, s.data, s.size);
	out[s.size] = 0;
	return OK;
}

static enum err spls(const struct cert *c, struct amd_ext *e, struct note *found)
{
	static const uint8_t must[] = {AMD_SPL_BOOT_LOADER, AMD_SPL_TEE, AMD_SPL_SNP, AMD_SPL_MICROCODE};
	struct slice value;
	uint32_t v;

	for (unsigned i = 1; i <= AMD_SPL_COUNT; i++) {
		if (!find(c, 3, (uint8_t)i, &value))
			continue;
		if (der_uint(value, 255, &v) != OK)
			return refuse(found, ERR_FORMAT, "SPL extension 3.%u is not an INTEGER from 0 to 255", i);
		e->spl[i] = (uint8_t)v;
		e->spl_set[i] = true;
	}
	for (unsigned i = 0; i < sizeof must; i++)
		if (!e->spl_set[must[i]])
			return refuse(found, ERR_NOT_FOUND, "SPL extension 3.%u is missing", must[i]);
	return OK;
}

/* AMD writes bare octets into extnValue; some issuers wrap them in an OCTET STRING once more. */
static enum err hwid(struct slice value, struct amd_ext *e, struct note *found)
{
	struct slice inner;

	if (value.size != 64 && value.size != 8) {
		if (der_only(value, DER_OCTETS, &inner) != OK || (inner.size != 64 && inner.size != 8))
			return refuse(found, ERR_FORMAT, "the hwID extension has %llu bytes",
				      (unsigned long long)value.size);
		value = inner;
	}
	memcpy(e->hwid, value.data, value.size);
	e->hwid_size = value.size;
	return OK;
}

enum err amd_ext_read(const struct cert *c, struct amd_ext *e, struct note *found)
{
	struct slice value;

	*e = (struct amd_ext){0};
	if (!find(c, 1, 0, &value) || der_uint(value, 255, &e->struct_version) != OK)
		return refuse(found, ERR_FORMAT, "the structure version extension is missing or malformed");
	if (!find(c, 2, 0, &value))
		return refuse(found, ERR_NOT_FOUND, "the product extension is missing");
	TRY(text(value, e->product, sizeof e->product, "product", found));
	TRY(spls(c, e, found));
	if (find(c, 4, 0, &value))
		TRY(hwid(value, e, found));
	if (find(c, 5, 0, &value))
		TRY(text(value, e->csp, sizeof e->csp, "cspID", found));
	note_set(found, "%s, SPL boot loader %u, TEE %u, SNP %u, microcode %u", e->product, e->spl[AMD_SPL_BOOT_LOADER],
		 e->spl[AMD_SPL_TEE], e->spl[AMD_SPL_SNP], e->spl[AMD_SPL_MICROCODE]);
	return OK;
}

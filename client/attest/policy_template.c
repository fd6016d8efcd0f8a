/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy.h"

static const char real[] =
        "# What you accept from a host. Nothing is accepted because a line was left out.\n"
        "# Check it with: broch policy check FILE\n"
        "\n"
        "# Which kinds of trusted hardware: \"snp\" (AMD SEV-SNP); also \"sgx\", \"tdx\", \"nitro\", \"vtpm\", "
        "\"cca\", each "
        "with its table\n"
        "# (broch policy init --tee NAME prints it). \"soft\" is a software stand-in for development:\n"
        "# it proves nothing about the host, and is accepted only where it is named here.\n"
        "tee = [\"snp\"]\n"
        "\n"
        "# Launch digests of Keeps: 96 hex digits each (`broch measure` prints them), or \"shipped\" for the images\n"
        "# installed with this broch.\n"
        "measurements = [\"shipped\"]\n"
        "\n"
        "# The machines: CHIP_ID, 128 hex digits (16 on Turin). Left out: any machine under AMD's root.\n"
        "# platform_ids = [\"...\"]\n"
        "\n"
        "# Workloads: SHA-256 of manifests, 64 hex digits each. Left out: any, where the evidence comes from a file; "
        "for\n"
        "# Keeps that talk TLS they must be named here or with --workload.\n"
        "# workloads = [\"...\"]\n"
        "\n"
        "[snp]\n"
        "products = [\"Milan\", \"Genoa\", \"Turin\"]\n"
        "keys = [\"vcek\"]        # \"vcek\" is the chip's own key, \"vlek\" the cloud provider's\n"
        "vmpl = 0               # the privilege level that must have asked for the report\n"
        "debug = false          # may the host read the guest's memory?\n"
        "migration = false      # may a migration agent?\n"
        "smt = true             # may sibling threads share a core with the guest?\n"
        "masked_chip_id = false # accept a machine that hides which one it is?\n"
        "crl = \"required\"       # AMD's revocation list: \"required\" or \"if-given\"\n"
        "# crl_max_age = \"30d\"   # left out: as long as the list itself says\n"
        "# host_data = [\"...\"]   # 64 hex digits; each of these five is looked at only if it is named\n"
        "# id_keys = [\"...\"]     # 96 hex digits: SHA-384 of the key that signed the ID block\n"
        "# author_keys = [\"...\"] # 96 hex digits\n"
        "# family_ids = [\"...\"]  # 32 hex digits\n"
        "# image_ids = [\"...\"]   # 32 hex digits\n"
        "# root = \"...\"          # a PEM certificate instead of AMD's roots, or root_sha256 = \"...\" of its public "
        "key\n"
        "\n"
        "# Security patch levels, component by component. The host may not report, commit to, nor have launched the\n"
        "# guest with less. [snp.minimum_tcb.Turin] and so on differ from it by product.\n"
        "[snp.minimum_tcb]\n"
        "boot_loader = 0\n"
        "tee = 0\n"
        "snp = 0\n"
        "microcode = 0\n"
        "fmc = 0                # Turin only\n"
        "\n"
        "# For tee = [\"soft\"]: the test root, \"local\" for this machine's own, the path of a PEM certificate, or "
        "the\n"
        "# SHA-256 of its public key as root_sha256.\n"
        "# [soft]\n"
        "# root = \"local\"\n"
        "\n"
        "# What the workload may use; the Keep enforces it.\n"
        "[limits]\n"
        "memory = \"1GiB\"\n"
        "# wall = \"1h\"\n"
        "# cpu = \"10m\"\n"
        "# files = 1024\n"
        "# file_bytes = \"256MiB\"\n";
static const char soft_only[] =
        "# For development on one machine: accepts the software stand-in under this machine's own test root, running "
        "the\n"
        "# Keep images installed with this broch. It proves nothing about the host.\n"
        "tee = [\"soft\"]\n"
        "measurements = [\"shipped\"]\n"
        "# workloads = [\"...\"] # what Keeps may run that talk TLS: SHA-256 of manifests\n"
        "\n"
        "[soft]\n"
        "root = \"local\" # or the path of a PEM certificate, or root_sha256 = \"...\" of its public key\n"
        "\n"
        "[limits]\n"
        "memory = \"1GiB\"\n";

#define HEAD                                                                                                           \
	"# What you accept. Nothing is accepted because a line was left out; a line that is not understood is an "     \
	"error.\n# `broch policy from-evidence FILE` fills in what a piece of evidence says; `broch policy check "     \
	"FILE` "                                                                                                       \
	"explains.\n"
#define INTEL                                                                                                          \
	"# What Intel says of the platform. Good: UpToDate. SWHardeningNeeded: good when the program takes care of "   \
	"the\n"                                                                                                        \
	"# advisories say. Others: ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate,\n"               \
	"# OutOfDateConfigurationNeeded. Revoked is never accepted.\n"                                                 \
	"tcb_statuses = [\"UpToDate\"]\n"                                                                              \
	"# advisories = [\"INTEL-SA-00615\"] # may be open on the platform; left out: none; [\"any\"]: not looked "    \
	"at\n"                                                                                                         \
	"collateral_max_age = \"30d\"        # of the PCK revocation list and Intel's statements; all are always "     \
	"asked for\n"                                                                                                  \
	"# root_crl_max_age = \"400d\"       # of the root's list, made once a year; left out: as long as it says "    \
	"itself\n"                                                                                                     \
	"# minimum_evaluation = 17         # TCB evaluation data number of the statements\n"                           \
	"debug = false                     # may the host read the memory?\n"                                          \
	"# fmspcs = [\"...\"]                # 12 hex digits: the kind of platform\n"                                  \
	"# ppids = [\"...\"]                 # 32 hex digits: the machine; left out: any machine under Intel's root\n" \
	"# platform_instances = [\"...\"]    # 32 hex digits\n"                                                        \
	"# root = \"...\"                    # a PEM certificate instead of Intel's root, or root_sha256 = \"...\" "   \
	"of "                                                                                                          \
	"its public key\n"

static const char sgx[] =
        HEAD "tee = [\"sgx\"]\n\n[sgx]\n"
             "# Which enclaves: by MRENCLAVE, 64 hex digits each,\n"
             "mrenclaves = [\"<64 hex digits>\"]\n"
             "# or by who signed them; then product and version must be said as well.\n"
             "# mrsigners = [\"...\"]             # 64 hex digits\n"
             "# product_id = 1                  # ISVPRODID\n"
             "# minimum_isv_svn = 1             # ISVSVN\n"
             "# minimum_config_svn = 0          # each of these four is looked at only if it is named\n"
             "# ext_prod_ids = [\"...\"]          # 32 hex digits\n"
             "# family_ids = [\"...\"]            # 32 hex digits\n"
             "# config_ids = [\"...\"]            # 128 hex digits\n" INTEL;
static const char tdx[] = HEAD
        "tee = [\"tdx\"]\n\n[tdx]\n"
        "# Which TDs: MRTD is the firmware, RTMR0 its configuration, RTMR1 and 2 what it booted, RTMR3 the system's "
        "own.\n"
        "# 96 hex digits each. An RTMR that may have any value must be named in rtmrs_free.\n"
        "mrtds = [\"<96 hex digits>\"]\n"
        "# rtmr0 = [\"...\"]\n"
        "# rtmr1 = [\"...\"]\n"
        "# rtmr2 = [\"...\"]\n"
        "# rtmr3 = [\"...\"]\n"
        "rtmrs_free = [0, 1, 2, 3]\n"
        "migration = false                 # may a migration TD take it away?\n"
        "service_td = false                # may a service TD act on it?\n"
        "# attributes_set = \"0000000010000000\" # bits that must be one, 16 hex digits\n"
        "# xfam = \"00000000000602e7\"       # bits that may be one\n"
        "# mrseams = [\"...\"]               # 96 hex digits; each of these five is looked at only if it is named\n"
        "# mrconfigids = [\"...\"]\n"
        "# mrowners = [\"...\"]\n"
        "# mrownerconfigs = [\"...\"]\n"
        "# mrservicetds = [\"...\"]\n" INTEL;
static const char nitro[] = HEAD
        "tee = [\"nitro\"]\n\n[nitro]\n"
        "# 96 hex digits each, as `nitro-cli build-enclave` prints them. PCR0 is the image; PCR8 the certificate that\n"
        "# signed it. One of the two must be named; pcr0 to pcr31 may be.\n"
        "pcr0 = [\"<96 hex digits>\"]\n"
        "# pcr1 = [\"...\"]         # kernel and boot\n"
        "# pcr2 = [\"...\"]         # application\n"
        "# pcr3 = [\"...\"]         # IAM role of the instance\n"
        "# pcr4 = [\"...\"]         # id of the instance\n"
        "# pcr8 = [\"...\"]\n"
        "debug = false            # may the console be read from outside?\n"
        "# max_age = \"5m\"         # of the document, by its own time; left out: three hours, as its certificate lives\n"
        "crl = \"if-given\"         # AWS's revocation lists: \"required\" or \"if-given\"; AWS says to do without\n"
        "# crl_max_age = \"7d\"     # left out: as long as the list itself says\n"
        "# root = \"...\"           # a PEM certificate instead of AWS's root, or root_sha256 = \"...\" of its DER\n";
static const char vtpm[] = HEAD "# A confidential VM of Azure: the vTPM, and the hardware below with its own table "
                                "(here SEV-SNP; or \"tdx\").\n"
                                "tee = [\"vtpm\", \"snp\"]\n"
                                "# Launch digests of Microsoft's paravisor, 96 hex digits each.\n"
                                "measurements = [\"<96 hex digits>\"]\n\n[vtpm]\n"
                                "# SHA-256 bank, 64 hex digits each, pcr0 to pcr23. At least one, or any_pcrs = true.\n"
                                "pcr4 = [\"<64 hex digits>\"] # boot loader\n"
                                "# pcr7 = [\"...\"]         # secure boot\n"
                                "# any_pcrs = true\n\n[snp]\nproducts = [\"Milan\", \"Genoa\"]\n"
                                "keys = [\"vcek\"]\nsmt = true\ncrl = \"required\"\n\n[snp.minimum_tcb]\n"
                                "boot_loader = 0\ntee = 0\nsnp = 0\nmicrocode = 0\n";

static const char cca[] =
        HEAD "tee = [\"cca\"]\n\n[cca]\n"
             "# The keys of the platforms you trust, as files (JWK); there is no root above them.\n"
             "platform_keys = [\"<file of a JWK>\"]\n"
             "# Hashes have 64, 96 or 128 hex digits, as the platform measures. A REM that may have any value must be "
             "named\n"
             "# in rems_free.\n"
             "initial_measurements = [\"<64 hex digits>\"]\n"
             "# rem0 = [\"...\"]\n"
             "# rem1 = [\"...\"]\n"
             "# rem2 = [\"...\"]\n"
             "# rem3 = [\"...\"]\n"
             "rems_free = [0, 1, 2, 3]\n"
             "# Firmware of the platform: every component must be one of these; or any_software = true.\n"
             "software = [\"<64 hex digits>\"]\n"
             "unsecured = false            # may the platform be in debug, or not yet provisioned?\n"
             "# personalizations = [\"...\"] # 128 hex digits; each of these three is looked at only if it is named\n"
             "# implementation_ids = [\"...\"] # 64 hex digits\n"
             "# instance_ids = [\"...\"]   # 66 hex digits: the machine\n";

#define SEV(tee)                                                                                                       \
	HEAD "tee = [\"" tee "\"]\n\n[sev]\n"                                                                          \
	     "# Launch digests, 64 hex digits each: `broch measure --tee " tee "` prints them.\n"                         \
	     "digests = [\"<64 hex digits>\"]\n"                                                                          \
	     "minimum_firmware = \"0.24.15\" # API major, minor, build\n"                                                 \
	     "debug = false       # may the host read the guest's memory?\n"                                               \
	     "key_sharing = false # may other guests have its key?\n"                                                      \
	     "migration = false   # may it be sent to another platform?\n"                                                 \
	     "# ceks = [\"...\"]   # 64 hex digits: SHA-256 of the chip's key; left out: any machine under the root\n"     \
	     "# ocas = [\"...\"]   # 64 hex digits: SHA-256 of the owner's key; left out: any owner\n"                     \
	     "# root = \"...\"     # a PEM certificate instead of AMD's roots, or root_sha256 = \"...\" of its public key\n"
static const char sev[] = SEV("sev"), sev_es[] = SEV("sev-es");
static const char pef[] = HEAD
        "tee = [\"pef\"]\n\n[pef]\n"
        "# What a blob may let a machine start; SHA-512, 128 hex digits each, as `broch pef check` prints them.\n"
        "kernels = [\"<128 hex digits>\"]\n"
        "initrds = [\"<128 hex digits>\"]\n"
        "rtas = [\"<128 hex digits>\"]\n"
        "bootargs = [\"\"] # the texts themselves\n";

static const struct {
	const char *tee, *text;
} templates[] = {{"snp", real},  {"sgx", sgx}, {"tdx", tdx},       {"nitro", nitro},
                 {"vtpm", vtpm}, {"cca", cca}, {"sev", sev},
                 {"sev-es", sev_es}, {"pef", pef}, {"soft", soft_only}};

const char *policy_template(const char *tee)
{
	for (size_t i = 0; i < ARRAY_COUNT(templates); i++)
		if (strcmp(templates[i].tee, tee) == 0)
			return templates[i].text;
	return NULL;
}

#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Every value that the checker beside the vectors finds in a case, and every demand on one, met and missed.

usage: answers.py VECTORS CHECKER RUNNER

The cases name few of the values that must come out, and few demands of a relying party. The checker knows them all: here
each case is judged once for each value it finds (as a field that must come out), and each valid SNP report and DCAP quote
once for each demand with the right value and with a wrong one, at other times, without a piece of its collateral, and with
its certificates as a chain of their own. Ours must say the same. For a reason that ours calls by other names, the verdict
alone is compared.
"""
import collections
import copy
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import casefiles

TIMES = ("2019-06-01", "2021-06-01", "2022-12-01", "2024-06-01", "2026-06-01", "2031-01-01", "2049-06-01", "2055-01-01")
SNP_VALUES = ("report_data", "measurement", "host_data", "id_key_digest", "author_key_digest", "family_id", "image_id", "chip_id")
SNP_FLAGS = ({"allow_debug": True}, {"no_smt": True}, {"allow_masked_chip_id": True}, {"require_crl": True},
             {"allow_migrate_ma": False})
STATUSES = ("UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
            "OutOfDateConfigurationNeeded", "Revoked", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded")


def plain(v):
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, (tuple, list)):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    return v


def other(v):
    return v + 1 if isinstance(v, int) else "%02x" % (int(v[:2], 16) ^ 1) + v[2:]


def changed(case, tag, **changes):
    one = copy.deepcopy(case)
    one["id"] += "/" + tag
    one["opt"] = dict(one.get("opt") or {}, **changes.pop("opt", {}))
    one.update(changes)
    return one


def values(case, found):
    for key, value in found.items():
        if key == "_partial":
            continue
        try:
            one = changed(case, key, expect=dict(case["expect"], fields={key: plain(value)}))
            json.dumps(one)
        except TypeError:  # a time, which no case can name
            continue
        yield one, False


def snp_demands(base, case, found):
    for key in SNP_VALUES:
        if key != "chip_id" or found[key].strip("0"):  # an identity of zeros is none
            yield changed(case, key, opt={key: found[key]}), True
        yield changed(case, key + "!", opt={key: other(found[key])}), True
    for vmpl in (found["vmpl"], found["vmpl"] + 1):
        yield changed(case, "vmpl%d" % vmpl, opt={"vmpl": vmpl}), True
    for part, value in found["tcb"].items():
        for least in (value, value + 1):
            if least < 256:
                yield changed(case, "%s%d" % (part, least), opt={"min_tcb": {part: least}}), True
    for flag in SNP_FLAGS:
        yield changed(case, *flag, opt=flag), True
    files, crls = case["files"], sorted(glob.glob(os.path.join(base, "crls", "*.crl")))
    chain = files["chain"] if isinstance(files["chain"], list) else [files["chain"]]
    for crl in [None] + ["crls/" + os.path.basename(c) for c in crls]:
        lists = {} if crl is None else {"crl": [crl]}
        yield changed(case, str(crl), files=dict(files, **lists), opt={"require_crl": True}), True
        for links in ([files["ek"]] + chain, chain, [files["ek"]]):
            yield changed({"id": case["id"], "kind": "x509_chain", "at": case["at"]}, "%d%s" % (len(links), crl),
                          files=dict(lists, chain=links, root=files["root"])), True


def dcap_demands(base, case, found):
    for key, value in found["body"].items():
        for one in (value, other(value)):
            yield changed(case, "%s %s" % (key, one), opt={"body": {key: one}}), True
    for status in STATUSES:
        yield changed(case, status, opt={"accept_status": [status]}), True
    for bit in (0, 27, 28, 29, 30):
        yield changed(case, "bit%d" % bit, opt={"td_attributes_set": 1 << bit}), True
    yield changed(case, "service", opt={"no_service_td": True}), True
    if "collateral" in case["files"]:
        with open(os.path.join(base, case["files"]["collateral"]), encoding="utf-8") as f:
            for member in json.load(f):
                yield changed(case, member, drop=[member]), True


DEMANDS = {"snp_report": snp_demands, "dcap_quote": dcap_demands}


def asked(base, case, found):
    """Each question, and whether the checker has to be asked for the verdict."""
    yield from values(case, found)
    if case["kind"] in DEMANDS and case["expect"]["verdict"] == "valid":
        yield from DEMANDS[case["kind"]](base, case, found)
        for at in TIMES:
            yield changed(case, at, at=at), True


def opinion(checker, base, case):
    try:
        return getattr(checker, "k_" + case["kind"])(checker.Env(base, case)), None
    except checker.Bad as bad:
        return getattr(bad, "partial", {}), bad.reason
    except (KeyError, IndexError, ValueError, checker.struct.error):
        return {}, "malformed"


def write(vectors, out, checker):
    lists = collections.defaultdict(list)
    for base, case in casefiles.each(vectors):
        found = opinion(checker, base, case)[0]
        for one, verdict_too in asked(base, case, found) if found else ():
            if verdict_too:
                reason = opinion(checker, base, one)[1]
                one["expect"] = {"verdict": "invalid", "reason": reason} if reason else {"verdict": "valid"}
            one["id"] = one["id"].replace(" ", "=")
            lists[base].append(one)
    casefiles.write(vectors, out, lists)
    return sum(map(len, lists.values()))


def main():
    vectors, checker_path, runner = sys.argv[1:4]
    sys.path.insert(0, checker_path)
    import run_cases
    with tempfile.TemporaryDirectory() as out:
        count = write(vectors, out, run_cases)
        ran = subprocess.run([runner, out], capture_output=True, text=True, check=False)
    last = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped$", ran.stdout.strip())
    if last is None or sum(map(int, last.groups())) < count or count == 0:
        sys.exit("answers.py: %s did not run: %s" % (runner, ran.stderr))
    sys.stdout.write("".join(re.findall(r"^FAILED .*\n", ran.stdout, re.M)))
    print("check-attest-answers: %s" % last.group())
    sys.exit(ran.returncode)


main()

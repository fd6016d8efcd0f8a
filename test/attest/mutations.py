#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Evidence of the vectors, changed in one place at a time, judged here and by the checker beside the vectors.

usage: mutations.py VECTORS CHECKER RUNNER COUNT [SEED]

Each case that has files gets COUNT changes: a bit, some bytes, an end that is cut off or too long. What the checker
refuses for a reason it can name must be refused here, too. What it accepts may be refused: it does not ask for strict
DER, nor for reserved bytes, nor for an end; how often is said.
"""
import collections
import copy
import os
import random
import re
import subprocess
import sys
import tempfile

import casefiles

# The values of a transcript are what is expected, not evidence; a digest of a key is one of any bytes, and the registers
# of a log are compared with those of a quote that another kind judges.
NOT_EVIDENCE = ("transcript", "events")
NOT_JUDGED = ("snp_key_digest", "tdx_rtmr")


def change(rnd, size):
    edit = {"offset": rnd.randrange(size)}
    kind = rnd.random()
    if kind < 0.7:
        edit["xor"] = "%02x" % (1 << rnd.randrange(8))
    elif kind < 0.85:
        edit["set"] = rnd.choice(["00", "ff", "7f", "80", "0000", "ffffffff"])[:2 * (size - edit["offset"])]
    elif kind < 0.95:
        edit["truncate"] = True
    else:
        edit["append"] = rnd.choice(["00", "30", "ff00"])
    return edit


def mutations(rnd, base, case, count):
    roles = [(k, v) for k, v in case.get("files", {}).items() if isinstance(v, str) and k not in NOT_EVIDENCE]
    roles = [(k, os.path.getsize(os.path.join(base, v))) for k, v in roles]
    roles = [r for r in roles if r[1] > 0]
    for i in range(count if roles and case["kind"] not in NOT_JUDGED else 0):
        role, size = rnd.choice(roles)
        one = copy.deepcopy(case)
        one.setdefault("mutate", []).append(dict(change(rnd, size), file=role))
        one["id"] += "#%d" % i
        yield one


def other_opinion(checker, base, case):
    """valid, or the reason; empty when the checker stumbled over what it read."""
    try:
        getattr(checker, "k_" + case["kind"])(checker.Env(base, case))
        return "valid"
    except checker.Bad as bad:
        return bad.reason
    except Exception:
        return ""


def write(vectors, out, checker, rnd, count):
    said, lists = {}, collections.defaultdict(list)
    for base, case in casefiles.each(vectors):
        for one in mutations(rnd, base, case, count):
            opinion = other_opinion(checker, base, one)
            if opinion != "":
                one["expect"] = {"verdict": "valid" if opinion == "valid" else "invalid"}
                said[one["id"]] = opinion
                lists[base].append(one)
    casefiles.write(vectors, out, lists)
    return said


def main():
    vectors, checker_path, runner, count = sys.argv[1:5]
    sys.path.insert(0, checker_path)
    import run_cases
    with tempfile.TemporaryDirectory() as out:
        said = write(vectors, out, run_cases, random.Random(int((sys.argv + ["1"])[5])), int(count))
        ran = subprocess.run([runner, out], capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1) or not said:
        sys.exit("mutations.py: %s did not run: %s" % (runner, ran.stderr))
    stricter = 0
    looser = []
    for name, why in re.findall(r"^FAILED (\S+): (.*)", ran.stdout, re.M):
        if said[name] == "valid":
            stricter += 1
        else:
            looser.append("FAILED %s: accepted, but refused by the checker for %s (%s)" % (name, said[name], why))
    print("\n".join(looser) if looser else "%d refused here alone" % stricter)
    print("check-attest-mutations: %d passed, %d failed, 0 skipped" % (len(said) - len(looser), len(looser)))
    sys.exit(1 if looser else 0)


main()

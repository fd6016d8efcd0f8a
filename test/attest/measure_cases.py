# SPDX-License-Identifier: Apache-2.0
"""measure_cases.py VECTORS: one line for each published launch that `broch measure` can be asked about:
expected digest (or - when it must be refused), then the arguments, separated by tabs."""
import json
import os
import sys

root = os.path.join(sys.argv[1], "snp")
with open(os.path.join(root, "cases.json"), encoding="utf-8") as f:
    cases = json.load(f)
for case in cases["cases"] if isinstance(cases, dict) else cases:
    i = case.get("input", {})
    if case["kind"] != "snp_launch" or "firmware" not in i:
        continue
    mode = {"snp": "snp", "seves": "sev-es", "sev": "sev"}[i["mode"]]
    args = ["--tee", mode, "--vmm", i["vmm"], "--vcpus", str(i["vcpus"]), "--vcpu-type", ",".join(map(str, i["vcpu_sig"]))]
    if mode == "snp":
        args += ["--features", hex(i["features"])]
    for name in ("kernel", "initrd"):
        if name in i:
            args += ["--" + name, os.path.join(root, i[name])]
    if "cmdline" in i:
        args += ["--cmdline", i["cmdline"]]
    expect = case["expect"]
    print("\t".join([expect["fields"]["digest"] if expect["verdict"] == "valid" else "-"] + args + [os.path.join(root, i["firmware"])]))

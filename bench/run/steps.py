# SPDX-License-Identifier: Apache-2.0
# steps.py TITLE COUNT COMMAND...: runs `broch run|deploy --json --timings` again and again; how long each step took, in ms.
import json
import subprocess
import sys
import time

STEPS = "agent keep handshake evidence verify deliver run end".split()
PARTS = {"keep": ("host_says", "ready keeper create".split()), "run": ("keep_says", "load program".split())}


def sample(command):
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    whole = (time.monotonic() - begin) * 1e3
    if done.returncode != 0:
        sys.exit("bench run: " + done.stderr.decode())
    times = json.loads(done.stderr.splitlines()[-1])["timings"]
    keep = times["keep_says"]
    row = {
        "whole, with process start": whole,
        "total": times["total"] / 1e3,
        # What a Keep adds to a program: from creating the VM to its image in place, and from the module's bytes to its end.
        "create + load + program": (times["host_says"]["create"] + keep["load"] + keep["program"]) / 1e3,
    }
    for step in STEPS:
        if step not in times:
            continue
        row[step] = times[step] / 1e3
        says, keys = PARTS.get(step, ("", ()))
        row.update({"  " + key: times[says][key] / 1e3 for key in keys})
    return row


def line(name, values):
    values = sorted(values)
    print(f"{name:26} min {values[0]:8.3f}  median {values[len(values) // 2]:8.3f}  p90 {values[len(values) * 9 // 10]:8.3f} ms")


command = sys.argv[3:]
sample(command)  # makes the test root of the software stand-in, and warms the files
rows = [sample(command) for _ in range(int(sys.argv[2]))]
print(f"{sys.argv[1]}, {len(rows)} times")
for name in rows[0]:
    line(name, [row[name] for row in rows])

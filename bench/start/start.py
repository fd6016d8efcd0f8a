# SPDX-License-Identifier: Apache-2.0
# start.py COUNT BROCH MODULE: see run.sh. Memory is the largest resident set of any process of ours, guest included.
import glob
import subprocess
import sys
import time

count, broch, module = int(sys.argv[1]), sys.argv[2], sys.argv[3]
tree = "test/programs/esbuild"
ours = [broch, "run", "-q", "--no-stdin", "--backend", "kvm", "--dir", tree + ":/", module]
node = ["node", "--no-warnings", "test/programs/run-node.mjs", "--dir", tree + "::/", module]
jobs = {"--version": ["--version"], "bundle a project": ["--bundle", "main.ts", "--format=esm", "--log-level=warning"]}


def family(pid):
    found = [pid]
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found += family(int(path.split("/")[2]))
    return found


def peak(process):
    top = 0
    while process.poll() is None:
        for pid in family(process.pid):
            try:
                with open(f"/proc/{pid}/status") as f:
                    top = max([top] + [int(line.split()[1]) for line in f if line.startswith("VmHWM")])
            except (OSError, ValueError):
                pass
        time.sleep(0.005)
    return top / 1024


def first_output(command):
    start = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as p:
        if not p.stdout.read(1):
            sys.exit("start: no output of " + " ".join(command))
        took = time.monotonic() - start
        p.stdout.read()
    if p.returncode != 0:
        sys.exit(f"start: {command[0]} ended with {p.returncode}")
    return took


for job, args in jobs.items():
    times = {"a VM Keep": [], "node:wasi": []}
    for _ in range(count):
        times["a VM Keep"].append(first_output(ours + args))
        times["node:wasi"].append(first_output(node + args))
    for who, command in (("a VM Keep", ours), ("node:wasi", node)):
        memory = peak(subprocess.Popen(command + args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        seen = sorted(times[who])
        print(f"{job:18} {who:10} min {seen[0]:7.3f}  median {seen[count // 2]:7.3f} s  memory {memory:6.1f} MiB")
    ratio = sorted(a / b for a, b in zip(times["a VM Keep"], times["node:wasi"]))[count // 2]
    print(f"{job:18} paired ratio, median {ratio:.2f}")

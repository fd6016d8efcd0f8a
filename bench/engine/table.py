# SPDX-License-Identifier: Apache-2.0
# table.py ENGINE DIR [FILE]: runs the programs that DIR/list names (group, name, units), each by turns natively, in our tiers and
# in node, and prints CPU time natively and what the others take over that; geometric means; how fast each tier compiles (FILE:
# of this module, too); and where node is ahead. Every checksum must be that of the native program.
import math
import os
import subprocess
import sys

ROUNDS = 3  # the smallest counts; the interpreter has one less
BEHIND = 1.3
NODE = {
    "node": [],  # tiers up on the way
    "liftoff": ["--liftoff-only"],
    "turbofan": ["--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-tier-up"],  # before the clock starts
}
OURS = {"interp": [], "base": ["-b"], "opt": ["-o"]}
COLUMNS = [*OURS, *NODE]


def output(command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"bench engine: {' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return [int(word) for word in done.stdout.split()]


def have_node():
    try:
        return subprocess.run(["node", "--version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        print("SKIPPED node: there is none here")
        return False


def commands(engine, directory, name, units, with_node):
    module = f"{directory}/{name}.wasm"
    all_of = {"native": [f"{directory}/{name}", units]}
    all_of.update({tier: [engine, *flags, module, units] for tier, flags in OURS.items()})
    if with_node:
        all_of.update({how: ["node", *flags, "bench/engine/node.mjs", module, units] for how, flags in NODE.items()})
    return all_of


# The least microseconds of each. By turns, so that a slow minute of the machine is everybody's.
def measure(name, all_of):
    best, sums = {}, {}
    for turn in range(ROUNDS):
        for how, command in all_of.items():
            if how == "interp" and turn == ROUNDS - 1:
                continue
            sums[how], time = output(command)
            best[how] = min(time, best.get(how, time))
        if len(set(sums.values())) != 1:
            sys.exit(f"FAILED {name}: checksums differ: {sums}")
    return best


def geomean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def line(name, first, ratios):
    cells = "".join(f" {ratios[c]:8.2f}x" if c in ratios else f" {'-':>9}" for c in COLUMNS)
    print(f"{name:16} {first:>10}{cells}", flush=True)


def means(rows):
    groups = {}
    for group, _, ratios in rows:
        groups.setdefault(group, []).append(ratios)
    print()
    for group, members in [*groups.items(), ("all", [ratios for _, _, ratios in rows])]:
        line(f"geomean {group}", len(members), {c: geomean([r[c] for r in members]) for c in members[0]})


def compile_speed(what, files, engine, with_node):
    def total(command, size_at, time_at):
        size = time = 0
        for f in files:
            runs = [output([*command, f]) for _ in range(ROUNDS)]
            size += runs[0][size_at]
            time += min(r[time_at] for r in runs)
        return size, size / max(time, 1)

    size, load = total([engine], 0, 2)
    cells = [f"decoded and translated {load:.0f}", f"base {total([engine, '-b'], 0, 3)[1]:.1f}",
             f"opt {total([engine, '-o'], 0, 3)[1]:.1f}"]
    if with_node:
        for how in ("liftoff", "turbofan"):
            command = ["node", *NODE[how], "--no-wasm-lazy-compilation", "bench/engine/node.mjs"]
            cells.append(f"{how} {total(command, 0, 1)[1]:.1f}")
    print(f"{what}, {size} bytes, MB/s of CPU: " + ", ".join(cells))


def losses(rows):
    behind = []
    for _, name, r in rows:
        how = min(NODE, key=r.get)
        if r["opt"] > BEHIND * r[how]:
            behind.append((r["opt"] / r[how], name, how))
    print(f"\nbehind the fastest of node's by more than {BEHIND}x: " + ("none" if not behind else ""))
    for ratio, name, how in sorted(behind, reverse=True):
        print(f"  {name:16} {ratio:.2f}x of {how}")


def main(engine, directory, more):
    with_node = have_node()
    rows = []
    print(f"{'program':16} {'native us':>10}" + "".join(f" {c:>9}" for c in COLUMNS))
    with open(f"{directory}/list") as f:
        programs = [text.split() for text in f]
    for group, name, units in programs:
        best = measure(name, commands(engine, directory, name, units, with_node))
        native = best.pop("native")
        ratios = {how: time / native for how, time in best.items()}
        rows.append((group, name, ratios))
        line(name, native, ratios)
    means(rows)
    print()
    modules = [f"{directory}/{name}.wasm" for _, name, _ in programs]
    for file in [*more, *(m for m in modules if os.path.getsize(m) > 1 << 16)]:
        compile_speed(os.path.basename(file), [file], engine, with_node)
    compile_speed("all of them", modules, engine, with_node)
    if with_node:
        losses(rows)


main(sys.argv[1], sys.argv[2], sys.argv[3:])

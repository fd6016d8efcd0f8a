# SPDX-License-Identifier: Apache-2.0
# pair.py COUNT "COMMAND A" "COMMAND B": runs the two by turns and prints how long each took and the median of the ratios
# of neighbours: on a machine with other work on it the ratio holds where the times do not.
import shlex
import subprocess
import sys
import time


def run(command):
    begin = time.monotonic()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begin) * 1e3


def median(values):
    return sorted(values)[len(values) // 2]


count = int(sys.argv[1])
a, b = (shlex.split(text) for text in sys.argv[2:4])
run(a), run(b)
pairs = [(run(a), run(b)) if i % 2 == 0 else (run(b), run(a))[::-1] for i in range(count)]
print(f"A median {median([x for x, _ in pairs]):.3f} ms, B median {median([y for _, y in pairs]):.3f} ms, "
      f"A/B {median([x / y for x, y in pairs]):.3f}")

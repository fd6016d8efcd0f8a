# SPDX-License-Identifier: Apache-2.0
"""Cases of a tree of vectors, read one by one, and written as a tree of their own beside the same files."""
import glob
import json
import os


def each(vectors):
    """Each case with the folder its files count from."""
    for path in sorted(glob.glob(os.path.join(vectors, "**", "cases*.json"), recursive=True)):
        base = os.path.dirname(path)
        if os.path.basename(base) == "synth":
            base = os.path.dirname(base)
        with open(path, encoding="utf-8") as f:
            cases = json.load(f)
        for case in cases:
            yield base, case


def write(vectors, out, lists):
    """lists: folder to its cases. The files are linked; with synth/ its cases come along as they are."""
    for base, cases in lists.items():
        folder = os.path.join(out, os.path.relpath(base, vectors))
        os.makedirs(folder)
        for name in os.listdir(base):
            if name != "cases.json":
                os.symlink(os.path.join(os.path.abspath(base), name), os.path.join(folder, name))
        with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as f:
            json.dump(cases, f)

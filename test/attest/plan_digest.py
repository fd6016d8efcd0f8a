#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plan_digest.py PLAN.json: the SEV-SNP launch digest of a plan, from the specifications and the standard library alone.

PAGE_INFO is of AMD 56860 section 8.17.2, the save area of AMD's Programmer's Manual, volume 2, table B-4.
"""
import hashlib
import json
import struct
import sys

PAGE, NORMAL, VMSA, ZERO = 4096, 1, 2, 3
VMSA_GPA = 0xFFFFFFFFF000


def sha(data):
    return hashlib.sha384(data).digest()


def add(digest, kind, gpa, content):
    info = digest + (sha(content) if content else bytes(48)) + struct.pack("<HBBBBBBQ", 0x70, kind, 0, 0, 0, 0, 0, gpa)
    assert len(info) == 0x70
    return sha(info)


def save_area(cpu, vm):
    area = bytearray(PAGE)

    def put(at, form, *values):
        struct.pack_into("<" + form, area, at, *values)

    if vm:
        ring = (cpu["cs"] & 3) << 5
        put(0x10, "HHIQ", cpu["cs"], 0xA9B | ring, 0xFFFFFFFF, 0)
        for at in (0x00, 0x20, 0x30, 0x40, 0x50):  # ES, SS, DS, FS, GS
            put(at, "HHIQ", cpu["ss"], 0xC93 | ring, 0xFFFFFFFF, 0)
        put(0x60, "HHIQ", 0, 0, cpu["gdt_limit"], cpu["gdt_base"])
        put(0x80, "HHIQ", 0, 0, cpu["idt_limit"], cpu["idt_base"])
        put(0x90, "HHIQ", cpu["tr"], 0x8B, cpu["tss_limit"], cpu["tss_base"])
        put(0xCB, "B", cpu["cs"] & 3)
    put(0xD0, "Q", cpu["efer"] | 0x1000)  # SVME
    put(0x148, "QQQ", cpu["cr4"] | 0x40, cpu["cr3"], cpu["cr0"])  # MCE
    put(0x160, "QQQQ", 0x400, 0xFFFF0FF0, 2, cpu["rip"])  # DR7, DR6, RFLAGS
    put(0x1D8, "Q", cpu["rsp"])
    put(0x268, "Q", 0x0007040600070406)  # PAT
    put(0x338, "Q", cpu["rdi"])
    put(0x3B0, "Q", 1)  # SEV_FEATURES: SNP
    put(0x3E8, "Q", cpu["xcr0"])
    put(0x408, "I", 0x1F80)
    put(0x410, "H", 0x37F)
    return bytes(area)


def main():
    with open(sys.argv[1]) as f:
        plan = json.load(f)
    digest = bytes(48)
    for page in plan["pages"]:
        if page["type"] == "normal":
            digest = add(digest, NORMAL, page["gpa"], bytes.fromhex(page["data"]))
        elif page["type"] == "zero":
            digest = add(digest, ZERO, page["gpa"], b"")
    digest = add(digest, VMSA, VMSA_GPA, save_area(plan["cpu"], plan["kind"] == "vm"))
    print(digest.hex())


main()

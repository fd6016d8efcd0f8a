#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""DCAP quotes with their collateral, made at random under a root of our own, judged here and by the checker beside the vectors.

usage: made_quotes.py CHECKER RUNNER COUNT [SEED]

SGX and TDX, versions 3 to 5, either CA, levels, modules and quoting enclaves of every status, sorted and not, and now and then
something forged, revoked, too early or too late. Verdict, reason and every value must be the same. Left out is what is judged
here more strictly on purpose: TD attributes that let the host look in other than by debugging.
"""
import datetime
import hashlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

AT = datetime.datetime(2026, 1, 15)
DAY = datetime.timedelta(days=1)
ROOT, SIGNER, PCK = "Intel SGX Root CA", "Intel SGX TCB Signing", "Intel SGX PCK Certificate"
CAS = ("Intel SGX PCK Processor CA", "Intel SGX PCK Platform CA")
STATUSES = ("UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
            "OutOfDateConfigurationNeeded", "Revoked")
RELAUNCH = ("TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded")
VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
QE_SIGNER = bytes([0xab]) * 32
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "ca", "pck", "signer", "attestation", "stranger")}


def chance(p):
    return random.random() < p


def key(name):
    """Mostly the right one."""
    return KEYS[name if chance(0.98) else "stranger"]


def sign(name, message):
    r, s = utils.decode_dss_signature(key(name).sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# ---- certificates and lists ----

def name_of(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Intel Corporation")])


def certificate(cn, of, issuer_cn, issuer, depth=None, extension=None):
    ca = depth is not None
    builder = (x509.CertificateBuilder().subject_name(name_of(cn)).issuer_name(name_of(issuer_cn)).public_key(KEYS[of].public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(AT - 900 * DAY).not_valid_after(AT + 900 * DAY)
               .add_extension(x509.BasicConstraints(ca, depth), True)
               .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), True))
    if extension is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113741.1.13.1"), extension), False)
    return builder.sign(KEYS[issuer], hashes.SHA256())


def revocation_list(cn, issuer, serials, first, last):
    builder = x509.CertificateRevocationListBuilder().issuer_name(name_of(cn)).last_update(first).next_update(last)
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(AT - 100 * DAY).build()
        builder = builder.add_revoked_certificate(one)
    return builder.sign(key(issuer), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(*certs):
    return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in certs)


def der(tag, body):
    size = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)]) if len(body) < 256 else struct.pack(">BH", 0x82, len(body))
    return bytes([tag]) + size + body


def entry(arcs, value):
    return der(0x30, der(6, bytes.fromhex("2a864886f84d010d01") + bytes(arcs)) + value)


def integer(v):
    return der(2, v.to_bytes(v.bit_length() // 8 + 1, "big"))


def platform_extension(p):
    tcb = b"".join(entry([2, i + 1], integer(v)) for i, v in enumerate(p["components"]))
    tcb += entry([2, 17], integer(p["pcesvn"])) + entry([2, 18], der(4, bytes(p["components"])))
    body = entry([1], der(4, os.urandom(16))) + entry([2], der(0x30, tcb)) + entry([3], der(4, p["pceid"])) + entry([4], der(4, p["fmspc"]))
    body += entry([5], der(10, bytes([p["scalable"]])))
    if p["scalable"]:
        flags = b"".join(entry([7, i], der(1, v)) for i, v in ((1, b"\xff"), (2, b"\0"), (3, b"\xff")))
        body += entry([6], der(4, os.urandom(16))) + entry([7], der(0x30, flags))
    return der(0x30, body)


# ---- what Intel says ----

def when(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def near(values, low, high):
    """Each value, often as it is, else a little lower or higher."""
    return [max(0, v - random.choice((0, 0, 0, 0, low)) + (high if chance(0.02) else 0)) for v in values]


def level(p, version):
    components = near(p["components"], 1, 1)
    tcb = {"pcesvn": near([p["pcesvn"]], 2, 1)[0]}
    if version == 2:
        tcb.update(("sgxtcbcomp%02dsvn" % (i + 1), v) for i, v in enumerate(components))
    else:
        tcb["sgxtcbcomponents"] = [{"svn": v} for v in components]
    if p["tdx"]:
        tcb["tdxtcbcomponents"] = [{"svn": v} for v in near(p["svn"], 1, 1)]
    out = {"tcb": tcb, "tcbDate": "2025-0%d-01T00:00:00Z" % random.randrange(1, 10), "tcbStatus": random.choice(STATUSES[:2] * 6 + STATUSES)}
    if chance(0.4):
        out["advisoryIDs"] = ["INTEL-SA-%05d" % random.randrange(100, 105) for _ in range(random.randrange(1, 3))]
    return out


def isv_levels(newest):
    svns = sorted({max(1, newest - i) for i in range(random.randrange(1, 4))}, reverse=True)
    statuses = ["UpToDate" if chance(0.9) else "OutOfDate"] + random.choices(["OutOfDate"] * 5 + ["Revoked"], k=2)
    return [{"tcb": {"isvsvn": v}, "tcbDate": "2025-01-01T00:00:00Z", "tcbStatus": s} for v, s in zip(svns, statuses)]


def statement(kind, version, more):
    window = random.choice([(5, 10)] * 20 + [(0, 10), (5, 0), (-1, 10), (9, -1)])
    return dict({"id": kind, "version": version, "issueDate": when(AT - window[0] * DAY), "nextUpdate": when(AT + window[1] * DAY),
                 "tcbEvaluationDataNumber": random.randrange(10, 20)}, **more)


def tcb_info(p):
    version = 3 if p["tdx"] or chance(0.7) else 2
    levels = [level(p, version) for _ in range(random.randrange(1, 5))]
    more = {"fmspc": p["fmspc"].hex().upper(), "pceId": p["pceid"].hex().upper(), "tcbType": 0, "tcbLevels": levels}
    if p["tdx"]:
        identity = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
        more["tdxModule"] = identity
        more["tdxModuleIdentities"] = [dict(identity, id=i, tcbLevels=isv_levels(5)) for i in ("TDX_01", "TDX_03") if chance(0.95)]
    out = statement("TDX" if p["tdx"] else "SGX", version, more)
    if version == 2:
        del out["id"]
    return out


def qe_identity(p):
    return statement("TD_QE" if p["tdx"] else "QE", 2, {
        "miscselect": "00000000", "miscselectMask": "FFFFFFFF", "attributes": "11" + "00" * 15,
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000", "mrsigner": QE_SIGNER.hex(), "isvprodid": p["qe_product"],
        "tcbLevels": isv_levels(p["qe_svn"] + random.choice((0, 0, 0, 1, -1)))})


# ---- the quote ----

def sgx_report(p, attributes, signer, product, svn, data):
    b = bytearray(os.urandom(384))
    struct.pack_into("<16sI", b, 0, bytes(p["components"]), 0 if chance(0.98) else 1)
    b[48:64] = struct.pack("<QQ", attributes, 7)
    b[128:160] = signer
    struct.pack_into("<HHH", b, 256, product, svn, 3)
    b[320:384] = data
    return bytes(b)


def td_report(p, size):
    b = bytearray(os.urandom(size))
    b[0:16] = bytes(p["svn"])
    b[64:120] = bytes(56) if chance(0.95) else os.urandom(56)
    attributes = random.choice((1 << 28, 0)) | (1 if chance(0.1) else 0) | (random.choice((1 << 29, 1 << 30, 1 << 63)) if chance(0.1) else 0)
    b[120:136] = struct.pack("<QQ", attributes, 0x61ae7)
    if size == 648:
        b[584:600] = bytes(p["svn2"])
        b[600:648] = bytes(48) if chance(0.7) else os.urandom(48)
    return bytes(b)


def quote(p, chain):
    size = {"sgx": 384, "td10": 584, "td15": 648}[p["body"]]
    head = struct.pack("<HHI", p["version"], 2 if chance(0.98) else 3, 0x81 if p["tdx"] else 0) + bytes(4)
    head += VENDOR if chance(0.98) else bytes(16)
    signed = head + os.urandom(20)
    if p["version"] == 5:
        signed += struct.pack("<HI", {384: 1, 584: 2, 648: 3}[size], size)
    signed += td_report(p, size) if p["tdx"] else sgx_report(p, 7 if chance(0.1) else 5, os.urandom(32), 1, 2, os.urandom(64))
    point = KEYS["attestation"].public_key().public_numbers()
    point = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    auth = os.urandom(random.choice((0, 20, 32)))
    qe = sgx_report(p, 0x11 if chance(0.98) else 0x13, QE_SIGNER if chance(0.98) else os.urandom(32), p["qe_product"] if chance(0.98) else 9,
                    p["qe_svn"], hashlib.sha256(point + auth).digest() + bytes(32))
    text = chain.encode() + b"\0" * random.randrange(2)
    certified = qe + sign("pck", qe) + struct.pack("<H", len(auth)) + auth + struct.pack("<HI", 5, len(text)) + text
    if p["version"] > 3:
        certified = struct.pack("<HI", 6, len(certified)) + certified
    signature = sign("attestation", signed) + point + certified
    return signed + struct.pack("<I", len(signature)) + signature + bytes(random.choice((0, 0, 33)))


# ---- a case ----

def platform():
    body, version = random.choice((("sgx", 3), ("sgx", 4), ("sgx", 5), ("td10", 4), ("td10", 5)) + (("td15", 5),) * 4)
    svn = [random.randrange(3, 6), random.choice((0, 1, 1, 3))] + [random.randrange(1, 4) for _ in range(14)]
    return {"body": body, "version": version, "tdx": body != "sgx", "scalable": random.randrange(2),
            "components": [random.randrange(1, 6) for _ in range(16)], "pcesvn": random.randrange(5, 15), "fmspc": os.urandom(6),
            "pceid": random.choice((b"\0\0", b"\1\0")), "svn": svn, "svn2": [random.randrange(3, 7)] + svn[1:],
            "qe_product": 1 if body == "sgx" else 2, "qe_svn": random.randrange(3, 7)}


def revoked(c):
    return c.serial_number if chance(0.03) else x509.random_serial_number()


def collateral(p, root, ca, pck, signer):
    info, identity = (json.dumps(s, separators=(",", ":")) for s in (tcb_info(p), qe_identity(p)))
    window = random.choice([(10, 20)] * 20 + [(-1, 20), (10, -1), (0, 1), (1, 0)])
    return {
        "root": hashlib.sha256(root.public_bytes(serialization.Encoding.DER)).hexdigest(),
        "root_ca_crl": revocation_list(ROOT, "root", [revoked(ca), revoked(signer)], AT - window[0] * DAY, AT + window[1] * DAY).hex(),
        "pck_crl": revocation_list(CAS[p["scalable"]], "ca", [revoked(pck)], AT - 4 * DAY, AT + 20 * DAY).hex(),
        "pck_crl_issuer_chain": pem(ca, root), "tcb_info_issuer_chain": pem(signer, root), "qe_identity_issuer_chain": pem(signer, root),
        "tcb_info": info, "tcb_info_signature": sign("signer", info.encode()).hex(),
        "qe_identity": identity, "qe_identity_signature": sign("signer", identity.encode()).hex()}


def wishes():
    opt = {"allow_debug": chance(0.7), "no_service_td": chance(0.3)}
    if chance(0.7):
        opt["accept_status"] = random.sample(STATUSES + RELAUNCH, random.randrange(3, 9))
    if chance(0.2):
        opt["td_attributes_set"] = random.choice((1 << 28, 1 << 29))
    return opt


def make(folder, number, root):
    p = platform()
    ca_name = CAS[p["scalable"]]
    ca = certificate(ca_name, "ca", ROOT, "root", 0)
    pck = certificate(PCK, "pck", ca_name, "ca", None, platform_extension(p))
    signer = certificate(SIGNER, "signer", ROOT, "root")
    files = {"quote": "%d.quote" % number, "collateral": "%d.json" % number}
    chain = pem(pck, ca, root) if chance(0.9) else pem(pck, root, ca)
    with open(os.path.join(folder, files["quote"]), "wb") as f:
        f.write(quote(p, chain))
    with open(os.path.join(folder, files["collateral"]), "w", encoding="utf-8") as f:
        json.dump(collateral(p, root, ca, pck, signer), f)
    return {"id": "made-%s-%d" % (p["body"], number), "kind": "dcap_quote", "files": files, "at": when(AT), "opt": wishes()}


def expect(checker, folder, case):
    try:
        found, out = checker.k_dcap_quote(checker.Env(folder, case)), {"verdict": "valid"}
    except checker.Bad as bad:
        found, out = getattr(bad, "partial", {}), {"verdict": "invalid", "reason": bad.reason}
    fields = {k: v for k, v in found.items() if k != "_partial"}
    return dict(out, fields=fields) if fields else out


def main():
    checker_path, runner, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random.seed(int((sys.argv + ["1"])[4]))
    sys.path.insert(0, checker_path)
    import run_cases
    with tempfile.TemporaryDirectory() as out:
        folder = os.path.join(out, "made")
        os.mkdir(folder)
        root = certificate(ROOT, "root", ROOT, "root", 1)
        cases = [make(folder, i, root) for i in range(count)]
        for case in cases:
            case["expect"] = expect(run_cases, folder, case)
        with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as f:
            json.dump(cases, f)
        ran = subprocess.run([runner, out], capture_output=True, text=True, check=False)
    last = re.search(r"(\d+) passed, (\d+) failed, 0 skipped$", ran.stdout.strip())
    if last is None or sum(map(int, last.groups())) != count or count == 0:
        sys.exit("made_quotes.py: %s did not run: %s" % (runner, ran.stderr))
    sys.stdout.write("".join(re.findall(r"^FAILED .*\n", ran.stdout, re.M)))
    reasons = {c["expect"].get("reason", "valid") for c in cases}
    print("%d outcomes: %s" % (len(reasons), " ".join(sorted(reasons))))
    print("check-attest-made: %s" % last.group())
    sys.exit(ran.returncode)


main()

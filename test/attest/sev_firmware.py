# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the firmware of an SEV platform, written from AMD 55766 with whole numbers and the openssl program.

sev_firmware.py launch PDH_KEY.pem GODH SESSION POLICY API DIGEST MEASURE: takes a session (LAUNCH_START), writes what
    LAUNCH_MEASURE gives for this launch digest, and remembers both beside MEASURE.
sev_firmware.py secret MEASURE HEADER PAYLOAD: takes a packet (LAUNCH_SECRET) and prints the table in it."""
import hashlib
import hmac
import os
import subprocess
import sys
import tempfile

SPKI_P384 = bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def le32(value):
    return value.to_bytes(4, "little")


def kdf(key, label, context=b""):
    return mac(key, le32(1), label, b"\0", context, le32(128))[:16]


def ctr(key, iv, data):
    return subprocess.run(["openssl", "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", iv.hex()],
                          input=data, stdout=subprocess.PIPE, check=True).stdout


def shared(pdh_key, godh):
    assert len(godh) == 2084 and godh[0:4] == le32(1), "GODH certificate"
    usage, algorithm, curve = (int.from_bytes(godh[a : a + 4], "little") for a in (8, 12, 16))
    assert (usage, algorithm, curve) == (0x1003, 3, 2), "GODH is a Diffie-Hellman key on P-384"
    point = godh[20:68][::-1] + godh[92:140][::-1]
    with tempfile.NamedTemporaryFile() as peer:
        peer.write(SPKI_P384 + point)
        peer.flush()
        return subprocess.run(["openssl", "pkeyutl", "-derive", "-inkey", pdh_key, "-peerkey", peer.name, "-peerform", "DER"],
                              stdout=subprocess.PIPE, check=True).stdout


def launch(pdh_key, godh, session, policy, api, digest, measure):
    blob, policy = read(session), int(policy, 0)
    assert len(blob) == 128
    nonce, wrapped, iv, wrap_mac, policy_mac = blob[:16], blob[16:48], blob[48:64], blob[64:96], blob[96:128]
    master = kdf(shared(pdh_key, read(godh)), b"sev-master-secret", nonce)
    if mac(kdf(master, b"sev-kik"), wrapped) != wrap_mac:
        sys.exit("the session is not for this platform")
    keys = ctr(kdf(master, b"sev-kek"), iv, wrapped)
    tek, tik = keys[:16], keys[16:]
    if mac(tik, le32(policy)) != policy_mac:
        sys.exit("the session is for another policy")
    mnonce = os.urandom(16)
    value = mac(tik, b"\4", bytes(int(v) for v in api.split(".")), le32(policy), bytes.fromhex(digest), mnonce)
    with open(measure, "wb") as f:
        f.write(value + mnonce)
    with open(measure + ".state", "wb") as f:
        f.write(tek + tik + value)
    print("launched")


def secret(measure, header, payload):
    state, head, data = read(measure + ".state"), read(header), read(payload)
    tek, tik, value = state[:16], state[16:32], state[32:]
    assert len(head) == 52 and len(data) % 16 == 0 and head[:4] == le32(0)
    if mac(tik, b"\1", head[:4], head[4:20], le32(len(data)), le32(len(data)), data, value) != head[20:]:
        sys.exit("the packet is not for this launch")
    table = ctr(tek, head[4:20], data)
    size = int.from_bytes(table[16:20], "little")
    print("table", table[:16].hex(), size)
    at = 20
    while at < size:
        one = int.from_bytes(table[at + 16 : at + 20], "little")
        print("entry", table[at : at + 16].hex(), table[at + 20 : at + one].decode())
        at += one
    assert at == size and not any(table[size:])


{"launch": launch, "secret": secret}[sys.argv[1]](*sys.argv[2:])

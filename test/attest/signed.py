# SPDX-License-Identifier: Apache-2.0
"""Checks what `broch sign` wrote, from the public specifications, with the openssl program and whole numbers.

signed.py snp BLOCK AUTH ID.pub [AUTHOR.pub]
signed.py sgx SIGSTRUCT KEY.pub"""
import hashlib
import subprocess
import sys
import tempfile


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], check=True, input=data, stdout=subprocess.PIPE).stdout


def verify(digest, public, data, signature):
    with tempfile.NamedTemporaryFile() as d, tempfile.NamedTemporaryFile() as s:
        d.write(data), s.write(signature)
        d.flush(), s.flush()
        openssl("dgst", "-" + digest, "-verify", public, "-signature", s.name, d.name)


def der_number(value):
    raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(raw)]) + raw


def ecdsa(field):
    r, s = (int.from_bytes(field[at : at + 72], "little") for at in (0, 72))
    assert not any(field[144:]), "padding"
    numbers = der_number(r) + der_number(s)
    return bytes([0x30, len(numbers)]) + numbers


def amd_key(public):
    der = openssl("pkey", "-pubin", "-in", public, "-outform", "DER")
    point = der[-97:]
    assert point[0] == 4
    x, y = point[1:49][::-1], point[49:][::-1]
    return (2).to_bytes(4, "little") + x.ljust(72, b"\0") + y.ljust(72, b"\0") + bytes(880)


def snp(block_file, auth_file, id_public, author_public=None):
    block, auth = open(block_file, "rb").read(), open(auth_file, "rb").read()
    assert len(block) == 96 and len(auth) == 4096
    assert auth[0:8] == b"\1\0\0\0" + (b"\1" if author_public else b"\0") + b"\0\0\0" and not any(auth[8:64])
    verify("sha384", id_public, block, ecdsa(auth[64:576]))
    assert auth[576:1604] == amd_key(id_public) and not any(auth[1604:1664])
    print("id-key-digest:", hashlib.sha384(auth[576:1604]).hexdigest())
    if author_public:
        verify("sha384", author_public, auth[576:1604], ecdsa(auth[1664:2176]))
        assert auth[2176:3204] == amd_key(author_public) and not any(auth[3204:])
        print("author-key-digest:", hashlib.sha384(auth[2176:3204]).hexdigest())
    else:
        assert not any(auth[1664:])
    print("digest:", block[:48].hex(), "family:", block[48:64].hex(), "image:", block[64:80].hex(),
          "version, svn, policy:", *(int.from_bytes(block[a:b], "little") for a, b in ((80, 84), (84, 88), (88, 96))))


def sgx(file, public):
    s = open(file, "rb").read()
    assert len(s) == 1808
    assert s[0:16] == bytes.fromhex("06000000e10000000000010000000000")
    assert s[24:40] == bytes.fromhex("01010000600000006000000001000000")
    modulus, signature, q1, q2 = (int.from_bytes(s[a : a + 384], "little") for a in (128, 516, 1040, 1424))
    assert s[512:516] == b"\3\0\0\0"
    assert q1 == signature * signature // modulus
    assert q2 == signature * (signature * signature % modulus) // modulus
    text = openssl("rsa", "-pubin", "-in", public, "-noout", "-modulus").decode()
    assert int(text.split("=")[1], 16) == modulus
    verify("sha256", public, s[0:128] + s[900:1028], s[516:900][::-1])
    print("mrsigner:", hashlib.sha256(s[128:512]).hexdigest())
    print("date:", s[20:24][::-1].hex(), "mrenclave:", s[960:992].hex(), "attributes:", s[928:944].hex(),
          "mask:", s[944:960].hex(), "vendor, swdefined, product, svn:",
          *(int.from_bytes(s[a:b], "little") for a, b in ((16, 20), (40, 44), (1024, 1026), (1026, 1028))))


{"snp": snp, "sgx": sgx}[sys.argv[1]](*sys.argv[2:])

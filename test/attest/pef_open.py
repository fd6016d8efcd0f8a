# SPDX-License-Identifier: Apache-2.0
"""pef_open.py BLOB KEY.pem KERNEL INITRD BOOTARGS RTAS NAME: opens an ESM blob with the openssl program and a tree
reader of its own, and compares the digests. The tag of AES-GCM is checked by broch; here the counter mode below it
decrypts, which needs no tag."""
import hashlib
import struct
import subprocess
import sys


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], check=True, input=data, stdout=subprocess.PIPE).stdout


def tree(blob):
    magic, total, structure, strings, reserved, version, last = struct.unpack_from(">7I", blob)
    assert (magic, total, version, last) == (0xD00DFEED, len(blob), 17, 16) and reserved % 8 == 0
    assert not any(blob[reserved : reserved + 16]), "an empty list of reserved memory"
    out, path, at = {}, [], structure
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            at = (end + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name = struct.unpack_from(">II", blob, at)
            key = blob[strings + name : blob.index(b"\0", strings + name)].decode()
            assert "/".join(path + [key]) not in out
            out["/".join(path + [key])] = blob[at + 8 : at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        else:
            assert token == 9 and not path
            return out


def main():
    blob, key, kernel, initrd, bootargs, rtas, name = sys.argv[1:]
    with open(blob, "rb") as f:
        t = tree(f.read())
    assert t["/compatible"] == b"ibm,esm\0"
    print_of = hashlib.sha256(openssl("pkey", "-in", key, "-pubout")).digest()
    boxes = [k for k, v in t.items() if k.endswith("/pubkey-fingerprint/hash") and v == print_of]
    assert len(boxes) == 1
    wrapped = t[boxes[0].replace("/pubkey-fingerprint/hash", "/encrypted-symkey")]
    master = openssl("pkeyutl", "-decrypt", "-inkey", key, "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256",
                     "-pkeyopt", "rsa_mgf1_md:sha256", data=wrapped)
    iv = t["/digest/digests-fdt/iv"]
    assert len(master) == 32 and len(iv) == 12 and len(t["/digest/digests-fdt/mac"]) == 16
    plain = openssl("enc", "-d", "-aes-256-ctr", "-K", master.hex(), "-iv", (iv + b"\0\0\0\2").hex(),
                    data=t["/digest/digests-fdt/ciphertext"])
    d = tree(plain)
    for what, data in (("kernel", open(kernel, "rb").read()), ("initrd", open(initrd, "rb").read()),
                       ("rtas", open(rtas, "rb").read()), ("bootargs", bootargs.encode())):
        assert d["/digests/" + what] == hashlib.sha512(data).digest(), what
    print(f"digests of {name}: 64 bytes each, kernel {int.from_bytes(d['/digests/kernel-size'], 'big')}")


main()

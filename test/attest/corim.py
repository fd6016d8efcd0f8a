# SPDX-License-Identifier: Apache-2.0
"""corim.py FILE [PUBLIC.pem]: reads a manifest with a CBOR reader of its own and prints what it says, one value a line;
a signed one is checked with the openssl program."""
import subprocess
import sys
import tempfile


class Tag:
    def __init__(self, number, item):
        self.number, self.item = number, item


def item(data, at):
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info > 27:
        raise ValueError("indefinite length")
    if info >= 24:
        size = 1 << (info - 24)
        value = int.from_bytes(data[at : at + size], "big")
        at += size
    else:
        value = info
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major in (2, 3):
        text = data[at : at + value]
        if len(text) != value:
            raise ValueError("short string")
        return (text if major == 2 else text.decode()), at + value
    if major == 4:
        out = []
        for _ in range(value):
            one, at = item(data, at)
            out.append(one)
        return out, at
    if major == 5:
        out = {}
        for _ in range(value):
            key, at = item(data, at)
            out[key], at = item(data, at)
        return out, at
    if major == 6:
        one, at = item(data, at)
        return Tag(value, one), at
    raise ValueError("simple value")


def whole(data):
    value, at = item(data, 0)
    if at != len(data):
        raise ValueError("bytes behind the end")
    return value


def head(major, size):
    if size < 24:
        return bytes([major << 5 | size])
    if size < 256:
        return bytes([major << 5 | 24, size])
    return bytes([major << 5 | 25]) + size.to_bytes(2, "big")


def der_number(raw):
    raw = raw.lstrip(b"\0") or b"\0"
    raw = (b"\0" if raw[0] & 128 else b"") + raw
    return bytes([2, len(raw)]) + raw


def check_signature(message, public):
    protected, _, payload, signature = message
    parts = [b"Signature1", protected, b"", payload]
    data = head(4, 4) + head(3, 10) + parts[0]
    for part in parts[1:]:
        data += head(2, len(part)) + part
    headers = whole(protected)
    digest = {-7: "sha256", -35: "sha384", -36: "sha512"}[headers[1]]
    if headers[3] != "application/rim+cbor":
        raise ValueError("content type")
    half = len(signature) // 2
    numbers = der_number(signature[:half]) + der_number(signature[half:])
    der = bytes([0x30]) + (bytes([len(numbers)]) if len(numbers) < 128 else bytes([0x81, len(numbers)])) + numbers
    with tempfile.NamedTemporaryFile() as d, tempfile.NamedTemporaryFile() as s:
        d.write(data), s.write(der)
        d.flush(), s.flush()
        subprocess.run(["openssl", "dgst", "-" + digest, "-verify", public, "-signature", s.name, d.name],
                       check=True, stdout=subprocess.DEVNULL)
    print("signed by", whole(headers[8])[0][0])
    return payload


def main():
    with open(sys.argv[1], "rb") as f:
        top = whole(f.read())
    if top.number == 18:
        top = whole(check_signature(top.item, sys.argv[2]))
    if top.number != 501:
        raise ValueError("tag")
    for at in sorted(top.item.get(4, {}).items()):
        print("valid", ("from", "until")[at[0]], at[1].item)
    for tag in top.item[1]:
        if tag.number != 506:
            raise ValueError("tag")
        for environment, measurements in whole(tag.item)[4][0]:
            where = environment[0][1] + " " + environment[0][2]
            for m in measurements:
                values = m[1].get(14) or {None: m[1][2]}
                for index, digests in values.items():
                    for algorithm, value in digests:
                        if {1: 32, 7: 48, 8: 64}[algorithm] != len(value):
                            raise ValueError("size of a digest")
                        print(where, m[0] + ("" if index is None else str(index)), value.hex())


main()

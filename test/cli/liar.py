#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A host agent that lies: liar.py SOCKET CASE. Answers every request of a connection with what CASE says.
import json, os, socket, sys, threading, time

path, case = sys.argv[1:]
KEEP = {"id": "0123456789ab", "name": "", "state": "ready", "backend": "kvm", "tee": "soft-snp"}


def http(status, body, *headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = "HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), "".join(h + "\r\n" for h in headers))
    return head.encode() + body


SWITCH = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: broch-session\r\n\r\n"
ANSWERS = {
    "garbage": lambda r: os.urandom(4000).replace(b"\n", b"x") + b"\n\n",
    "nothing": lambda r: b"",
    "half-head": lambda r: b"HTTP/1.1 200 OK\r\nContent-Le",
    "half-body": lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keeps\":",
    "endless-head": lambda r: b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 10000,
    "endless-body": lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"[" * 9000000,
    "huge-length": lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "two-lengths": lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length-and-chunks": lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "bad-chunk": lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "huge-chunk": lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "gzip": lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
    "status-zero": lambda r: b"HTTP/1.1 000 OK\r\n\r\n",
    "http2": lambda r: b"HTTP/2 200\r\n\r\n",
    "not-json": lambda r: http("200 OK", b"<html>hello</html>"),
    "json-twice": lambda r: http("200 OK", b'{"keeps": [], "keeps": []}'),
    "deep-json": lambda r: http("200 OK", b"[" * 100000 + b"]" * 100000),
    "wrong-types": lambda r: http("200 OK", {"keeps": {"id": 5}}),
    "odd-items": lambda r: http("200 OK", {"keeps": [5, None, "x", [], {}, {"id": ["x"], "memory": "y"}]}),
    "escapes": lambda r: http("200 OK", {"keeps": [{**KEEP, "end": "\x1b]0;owned\x07\x1b[2J\x9b2J", "name": "a\nb"}]}),
    "long-words": lambda r: http("200 OK", {"keeps": [{**KEEP, "end": "\u00e9" * 500, "state": "x" + "\u00e9" * 500}]}),
    "chunked": lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc;x=y\r\n{\"keeps\": []\r\n1\r\n}\r\n0\r\n\r\n",
    "until-close": lambda r: b"HTTP/1.0 200 OK\r\n\r\n{\"keeps\": []}",
    "continue": lambda r: b"HTTP/1.1 100 Continue\r\n\r\n" + http("200 OK", {"keeps": []}),
    "401": lambda r: http("401 No", {"error": "no", "hint": "yes"}),
    "500": lambda r: http("500 Oops", b""),
    "500-words": lambda r: http("500 Oops", {"error": "the disk \x1b[31mburns", "hint": "fetch water"}),
    "redirect": lambda r: http("302 Found", b"", "Location: http://elsewhere/"),
    "switch": lambda r: SWITCH,
}
KEEPS = lambda r: r.startswith(b"POST /v1/keeps ")
SESSIONS = {
    "bad-id": lambda r: http("201 Created", {**KEEP, "id": "../../../etc"}),
    "bad-name": lambda r: http("201 Created", {**KEEP, "name": "\x1b[1m"}),
    "no-id": lambda r: http("201 Created", {}),
    "session-404": lambda r: http("201 Created", KEEP) if KEEPS(r) else http("404 No", {"error": "no", "hint": "x"}),
    "session-200": lambda r: http("201 Created", KEEP) if KEEPS(r) else http("200 OK", {}),
    "other-protocol": lambda r: http("201 Created", KEEP) if KEEPS(r) else b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n",
    "session-closed": lambda r: http("201 Created", KEEP) if KEEPS(r) else SWITCH,
    "session-garbage": lambda r: http("201 Created", KEEP) if KEEPS(r) else SWITCH + os.urandom(200000),
    "session-zeros": lambda r: http("201 Created", KEEP) if KEEPS(r) else SWITCH + bytes(200000),
    "session-short": lambda r: http("201 Created", KEEP) if KEEPS(r) else SWITCH + b"\0\x50" + os.urandom(20),
    "session-noise": lambda r: http("201 Created", KEEP) if KEEPS(r) else SWITCH + b"\0\x30" + os.urandom(48),
    "session-low-order": lambda r: http("201 Created", KEEP) if KEEPS(r) else SWITCH + b"\0\x30" + bytes(48),
}
answer = {**ANSWERS, **SESSIONS}.get(case)


def serve(c):
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                more = c.recv(65536)
                if not more:
                    return
                data += more
            head, data = data.split(b"\r\n\r\n", 1)
            length = [int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")]
            while length and len(data) < length[0]:
                data += c.recv(65536)
            data = data[length[0] if length else 0:]
            if case == "silent":
                time.sleep(60)
            out = answer(head + b"\r\n")
            if case.startswith("drip"):
                out = b""
            c.sendall(out)
            if case in ANSWERS and case not in ("escapes", "chunked", "continue", "odd-items") or SWITCH in out:
                return
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        c.close()


s = socket.socket(socket.AF_UNIX)
s.bind(path + ".new")
s.listen(8)
os.rename(path + ".new", path)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()

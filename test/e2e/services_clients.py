# SPDX-License-Identifier: Apache-2.0
# services_clients.py https|kv PORT CA: many clients of a service of examples/ at once, each over TLS with the server's certificate
# checked against CA and the name localhost. Some are rude; that must not matter to the others.
import http.client
import socket
import ssl
import sys
import threading

kind, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
wrong = []


def connection():
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname="localhost")


def want(what, got, expected):
    if got != expected:
        wrong.append(f"{what}: {got!r}, expected {expected!r}")


def everything(s):
    got = b""
    while piece := s.recv(65536):
        got += piece
    return got


# ---- https ----

def asker(number):
    c = http.client.HTTPSConnection("localhost", port, timeout=60, context=context)
    c.connect()
    s = c.sock
    for i in range(4):
        c.request("GET", f"/bytes/{number * 10000 + i}")
        want("bytes", len(c.getresponse().read()), number * 10000 + i)
        c.request("POST", "/length", body=b"y" * (number * 5000 + i))
        want("length", c.getresponse().read(), b"%d\n" % (number * 5000 + i))
    want("the connection is kept", c.sock is s, True)
    c.close()


def request(text):
    with connection() as s:
        s.sendall(text)
        return everything(s)


def status(what, text, expected):
    want(what, request(text).split(b"\r\n")[0], b"HTTP/1.1 " + expected)


def pipeliner():
    got = request(b"GET /bytes/10 HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\nPOST /length HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n")
    want("answers to four requests at once", got.count(b"HTTP/1.1 "), 4 if got.count(b"keep-alive") == 3 else 2)
    want("the first of them", b"\r\n\r\nxxxxxxxxxxHTTP/1.1 404" in got, True)


def dripper():
    with connection() as s:
        for byte in b"GET /bytes/3 HTTP/1.1\r\nConnection: close\r\n\r\n":
            s.sendall(bytes([byte]))
        want("a request byte by byte", everything(s)[-7:], b"\r\n\r\nxxx")


def mistaken():
    status("no request", b"hello\r\n\r\n", b"400 Bad Request")
    status("a header without a name", b"GET / HTTP/1.1\r\n: x\r\n\r\n", b"400 Bad Request")
    status("two lengths", b"POST /length HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400 Bad Request")
    status("another version", b"GET / HTTP/3.0\r\n\r\n", b"505 HTTP Version Not Supported")
    status("an encoding", b"POST /length HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501 Not Implemented")
    status("an endless head", b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 5000, b"431 Request Header Fields Too Large")


def rude():
    s = socket.create_connection(("127.0.0.1", port), 60)
    s.sendall(b"GET / HTTP/1.1\r\n\r\n")  # this is no TLS
    want("an alert for whom does not speak TLS", s.recv(1), b"\x15")
    s.close()
    s = connection()
    s.sendall(b"GET /bytes/100000000 HTTP/1.1\r\n\r\n")
    s.recv(1000)
    s.close()  # in the middle
    return [socket.create_connection(("127.0.0.1", port), 60), connection()]  # and these say nothing at all


# ---- kv ----

class Lines:
    def __init__(self):
        self.s = connection()
        self.f = self.s.makefile("rwb")

    def ask(self, line, expected):
        self.f.write(line.encode() + b"\n")
        self.f.flush()
        want(line, self.f.readline().decode(), expected + "\n")

    def end(self):
        self.f.close()
        self.s.close()


def keeper(number):
    c = Lines()
    for i in range(20):
        c.ask(f"set key{number}.{i} value {number} {i}", "ok")
    c.ask(f"get key{number}.7", f"= value {number} 7")
    c.ask(f"set key{number}.7 another", "ok")
    c.ask(f"get key{number}.7", "= another")
    c.ask(f"del key{number}.8", "ok")
    c.ask(f"del key{number}.8", "none")
    c.ask(f"get key{number}.8", "none")
    c.f.write(b"get key%d.1\nget key%d.2\n" % (number, number))
    c.f.flush()
    want("two at once", c.f.readline() + c.f.readline(), b"= value %d 1\n= value %d 2\n" % (number, number))
    for bad in "set", "set k", "get", "nothing", "count 3", "'; drop table kv; --":
        c.ask(bad, "wrong")
    c.end()


def guarded(work, arguments):
    try:
        work(*arguments)
    except (OSError, http.client.HTTPException) as e:
        wrong.append(f"{work.__name__}{arguments}: {e!r}")


def together(works):
    threads = [threading.Thread(target=guarded, args=w) for w in works]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


if kind == "https":
    silent = rude()
    together([(asker, (n,)) for n in range(40)] + [(pipeliner, ()), (dripper, ()), (mistaken, ())])
    for s in silent:
        s.close()
else:
    together([(keeper, (n,)) for n in range(20)])
    last = Lines()
    last.ask("count", f"= {20 * 19}")
    last.end()
print("\n".join(wrong[:20]))
sys.exit(1 if wrong else 0)

# SPDX-License-Identifier: Apache-2.0
# network_peer.py [CERT KEY]: a server on a free port of 127.0.0.1, with TLS when it has a certificate; prints the port. Who
# says "big" gets 200,000 bytes, anybody else "got:" and what he said. It ends when its standard input does.
import os
import socket
import ssl
import sys
import threading

s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
context = None
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
print(s.getsockname()[1], flush=True)


def end():
    sys.stdin.read()
    os._exit(0)


def answer(peer):
    try:
        if context:
            peer = context.wrap_socket(peer, server_side=True)
        said = peer.recv(100)
        peer.sendall(b"x" * 200000 if said == b"big" else b"got:" + said)
        if context:
            peer = peer.unwrap()
        peer.close()
    except OSError:
        pass


threading.Thread(target=end, daemon=True).start()
while True:
    threading.Thread(target=answer, args=(s.accept()[0],), daemon=True).start()

# SPDX-License-Identifier: Apache-2.0
# echo_clients.py PORT COUNT [tls]: as many clients at once, each gets back what it sent, piece by piece. With tls anybody's
# certificate does: who the server is is for `broch verify tls://` to say.
import os
import socket
import ssl
import sys
import threading

PIECE = 50000
port, count, over_tls = int(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
wrong = []


def connection():
    s = socket.create_connection(("127.0.0.1", port), 20)
    return context.wrap_socket(s, server_hostname="localhost") if over_tls else s


def receive(s, size):
    got = b""
    while len(got) < size and (piece := s.recv(65536)):
        got += piece
    return got


def client(number):
    left = 1 + number * 20000
    try:
        with connection() as s:
            while left > 0:
                data = os.urandom(min(left, PIECE))
                s.sendall(data)
                if receive(s, len(data)) != data:
                    wrong.append(f"client {number}: another answer, {left} bytes before the end")
                    return
                left -= len(data)
            if not over_tls:
                s.shutdown(socket.SHUT_WR)
                if receive(s, 1) != b"":
                    wrong.append(f"client {number}: more than was sent")
    except OSError as e:
        wrong.append(f"client {number}: {e}")


threads = [threading.Thread(target=client, args=(n,)) for n in range(count)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("\n".join(wrong))
sys.exit(1 if wrong else 0)

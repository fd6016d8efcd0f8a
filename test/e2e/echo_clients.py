# SPDX-License-Identifier: Apache-2.0
# echo_clients.py PORT COUNT: as many clients at once, each gets back what it sent.
import os
import socket
import sys
import threading

port, count = int(sys.argv[1]), int(sys.argv[2])
wrong = []


def send(s, data):
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)


def client(number):
    data, got = os.urandom(1 + number * 20000), b""
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as s:
            sender = threading.Thread(target=send, args=(s, data))
            sender.start()
            while piece := s.recv(65536):
                got += piece
            sender.join()
    except OSError as e:
        wrong.append(f"client {number}: {e}")
        return
    if got != data:
        wrong.append(f"client {number}: {len(got)} of {len(data)} bytes")


threads = [threading.Thread(target=client, args=(n,)) for n in range(count)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("\n".join(wrong))
sys.exit(1 if wrong else 0)

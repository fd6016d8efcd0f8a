# SPDX-License-Identifier: Apache-2.0
# echo.py PORT SIZE: sends SIZE bytes to a local port while it reads, and says "same" when they all come back.
import random
import socket
import sys
import threading

port, size = int(sys.argv[1]), int(sys.argv[2])
data = random.Random(1).randbytes(size)
s = socket.create_connection(("127.0.0.1", port), timeout=30)
sender = threading.Thread(target=lambda: s.sendall(data))
sender.start()
got = bytearray()
while len(got) < size:
    part = s.recv(65536)
    if not part:
        break
    got += part
sender.join()
print("same" if bytes(got) == data else f"{len(got)} bytes came back")

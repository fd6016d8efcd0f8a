# SPDX-License-Identifier: Apache-2.0
# keeps.py SOCKET KIND: against a host agent: Keeps made (until ready) and removed a second, one after the other and from
# four clients at once; then the memory of a hundred idle ones, by the kernel's account of each keeper process.
import http.client
import json
import re
import socket
import sys
import threading
import time


class Agent(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        for _ in range(600):  # the agent makes its test root first
            try:
                return self.sock.connect(self.path)
            except OSError:
                time.sleep(0.05)
        sys.exit("bench keeps: the host agent does not start")

    def call(self, method, path, body=None):
        self.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        response = self.getresponse()
        answer = json.loads(response.read())
        if response.status >= 300:
            sys.exit(f"bench keeps: {method} {path}: {answer}")
        return answer

    def create(self, kind):
        return self.call("POST", "/v1/keeps", {"backend": kind, "memory_max": 256 << 20, "linger_s": 0})

    def remove(self, keep):
        self.call("DELETE", "/v1/keeps/" + keep["id"])


def cycles(path, kind, count):
    agent = Agent(path)
    for _ in range(count):
        agent.remove(agent.create(kind))


def rate(path, kind, clients, count):
    threads = [threading.Thread(target=cycles, args=(path, kind, count // clients)) for _ in range(clients)]
    begin = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(f"{kind} Keeps, {clients} at a time: {count / (time.monotonic() - begin):.0f} made and removed a second")


# The guest's own memory is the one mapping that begins and ends on 2 MiB (kvm_memory.c); all else is what the host pays
# beyond it. A process Keep has its memory in a process of its own, which is not counted here.
def memory(pid):
    guest = total = 0
    aligned = False
    with open(f"/proc/{pid}/smaps") as f:
        for text in f:
            bounds = re.match("([0-9a-f]+)-([0-9a-f]+) ", text)
            if bounds:
                aligned = all(int(b, 16) % (2 << 20) == 0 for b in bounds.groups())
            elif text.startswith("Pss:"):
                pss = int(text.split()[1])
                total += pss
                guest += pss if aligned else 0
    with open(f"/proc/{pid}/status") as f:
        total += int(re.search(r"VmPTE:\s+(\d+)", f.read()).group(1))
    return guest, total - guest


def idle(path, kind, count):
    agent = Agent(path)
    keeps = [agent.create(kind) for _ in range(count)]
    time.sleep(1)
    figures = [memory(k["pid"]) for k in keeps]
    guest, host = (sum(f[i] for f in figures) / count for i in (0, 1))
    print(f"{kind} Keeps, {count} idle, each: {host:.0f} KiB in the keeper process (Pss, page tables), {guest:.0f} KiB of guest memory")
    for k in keeps:
        agent.remove(k)


path, kind = sys.argv[1:3]
cycles(path, kind, 5)
rate(path, kind, 1, 100)
rate(path, kind, 4, 200)
idle(path, kind, 100)

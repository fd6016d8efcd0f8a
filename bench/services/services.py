# SPDX-License-Identifier: Apache-2.0
# services.py BUILD: the HTTPS server of examples/https.c in a VM Keep beside the same source natively with OpenSSL, each measured
# with the same client (test/load), by turns; see run.sh.
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

build, root = sys.argv[1], os.getcwd()
PAIRS = 3
MEASURES = [  # name, what the client is told, which of its figures, how many of what is counted for CPU time
    ("TLS handshakes", ["200", "1", "/bytes/1"], "handshakes-per-second", "/s", 200, "ms of CPU each"),
    ("requests, 1 kB, 64 connections", ["64", "100", "/bytes/1000"], "requests-per-second", "/s", 64 * 100, "ms of CPU each"),
    ("bytes out of the server", ["1", "20", "/bytes/20000000"], "MB-per-second", " MB/s", 400, "MB/s of CPU"),
    ("bytes into the server", ["1", "20", "/length", "20000000"], "MB-per-second", " MB/s", 400, "MB/s of CPU"),
]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median(values):
    return sorted(values)[len(values) // 2]


class Server:
    def __init__(self, command, env):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        if self.process.stdout.readline() != b"ready\n":
            sys.exit("services bench: the server does not start: " + " ".join(command))

    def measure(self, arguments, figure):
        before = cpu(self.pid)
        out = subprocess.run([f"{build}/test/load", str(self.port), self.ca, *arguments], capture_output=True, text=True)
        if out.returncode != 0:
            sys.exit("services bench: " + out.stderr)
        return float(re.search(rf"^{figure} (.*)$", out.stdout, re.M)[1]), cpu(self.pid) - before


def keep(folder):
    port = free_port()
    config = f"{folder}/https.toml"
    open(config, "w").write(open(f"{root}/examples/https.toml").read().replace("8443", str(port)))
    env = dict(os.environ, XDG_STATE_HOME=f"{folder}/state", XDG_RUNTIME_DIR=folder)
    s = Server([f"{build}/bin/broch", "run", "-q", "--backend", "kvm", "--config", config, f"{build}/examples/https.wasm"], env)
    s.port, s.ca = port, f"{folder}/keep.pem"
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, capture_output=True)
    subprocess.run(["openssl", "x509", "-out", s.ca], input=shown.stdout, check=True)
    s.pid = int(subprocess.check_output(["pgrep", "-f", f"^[^ ]*brochd-keep .*{folder}"], text=True).split()[0])
    return s


def native(folder):
    key, ca, port = f"{folder}/native.key", f"{folder}/native.pem", free_port()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", ca], check=True, stderr=subprocess.DEVNULL)
    s = Server([f"{build}/bench/services-native", str(port), key, ca], os.environ)
    s.port, s.ca, s.pid = port, ca, s.process.pid
    return s


folder = tempfile.mkdtemp()
ours, theirs = keep(folder), native(folder)
try:
    for name, arguments, figure, unit, amount, per in MEASURES:
        ours.measure(arguments, figure), theirs.measure(arguments, figure)
        pairs = []
        for i in range(PAIRS):
            pair = [s.measure(arguments, figure) for s in ((ours, theirs) if i % 2 == 0 else (theirs, ours))]
            pairs.append(pair if i % 2 == 0 else pair[::-1])
        a, b = median([p[0][0] for p in pairs]), median([p[1][0] for p in pairs])
        print(f"{name}: Keep {a:.0f}{unit}, native {b:.0f}{unit}, Keep/native {median([p[0][0] / p[1][0] for p in pairs]):.2f}")
        a, b = median([p[0][1] for p in pairs]), median([p[1][1] for p in pairs])
        a, b = (amount / a, amount / b) if per.startswith("MB") else (a / amount * 1e3, b / amount * 1e3)
        print(f"    Keep {a:.2f} {per}, native {b:.2f}")
finally:
    for s in (ours, theirs):
        s.process.kill()
        s.process.wait()
    time.sleep(0.5)
    shutil.rmtree(folder, ignore_errors=True)

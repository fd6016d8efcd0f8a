# SPDX-License-Identifier: Apache-2.0
"""service.py VECTORS PORTFILE: answers like Intel's and AMD's services do, with what lies in the vectors. GET /big and
/empty are what no service should answer."""
import http.server
import json
import sys
import urllib.parse

vectors, portfile = sys.argv[1:3]
tdx = json.load(open(vectors + "/tdx/collateral/b0c06f-2025-06.json"))
wrapped = lambda member, key: ('{"%s":%s,"signature":"%s"}' % (member, tdx[key], tdx[key + "_signature"])).encode()
pem = lambda der: __import__("ssl").DER_cert_to_PEM_cert(der).encode()
snp = lambda name: open(vectors + "/snp/" + name, "rb").read()
report = snp("reports/milan-v5-gcp.bin")
answers = {
    "/tdx/certification/v4/tcb?fmspc=b0c06f000000": (wrapped("tcbInfo", "tcb_info"), "TCB-Info-Issuer-Chain", "tcb_info_issuer_chain"),
    "/tdx/certification/v4/qe/identity": (wrapped("enclaveIdentity", "qe_identity"), "SGX-Enclave-Identity-Issuer-Chain", "qe_identity_issuer_chain"),
    "/sgx/certification/v4/pckcrl?ca=platform&encoding=der": (bytes.fromhex(tdx["pck_crl"]), "SGX-PCK-CRL-Issuer-Chain", "pck_crl_issuer_chain"),
    "/IntelSGXRootCA.der": (bytes.fromhex(tdx["root_ca_crl"]), None, None),
    "/vcek/v1/Milan/" + report[0x1a0:0x1e0].hex() + "?blSPL=%d&teeSPL=%d&snpSPL=%d&ucodeSPL=%d"
    % tuple(report[0x180 + i] for i in (0, 1, 6, 7)): (snp("reports/milan-v5-gcp.vcek.der"), None, None),
    "/vcek/v1/Milan/cert_chain": (pem(snp("certs/milan-ask.der")) + pem(snp("certs/milan-ark.der")), None, None),
    "/vcek/v1/Milan/crl": (snp("crls/milan-2022.crl"), None, None),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/big/"):
            body, header, key = b"x" * (2 << 20), None, None
        elif self.path.startswith("/empty/"):
            body, header, key = b"", None, None
        elif self.path in answers:
            body, header, key = answers[self.path]
        else:
            self.send_error(404)
            return
        self.send_response(200)
        if header:
            self.send_header(header, urllib.parse.quote(tdx[key]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(portfile + ".new", "w") as f:
    f.write(str(server.server_port))
__import__("os").rename(portfile + ".new", portfile)
server.serve_forever()

"""A real time-stamping authority (RFC 3161) on loopback: openssl makes the stamps, http.server hands them out."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from shutil import which

from certificates import issued
from cryptography.x509.oid import ExtendedKeyUsageOID
from system_parts import need

CONFIGURATION = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/root.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
"""


class TimeStampingAuthority:
    """Stamps at ``url``; ``anchors`` is its root. ``manner`` is stamp, hang, refuse or babble."""

    def __init__(self, folder):
        self.manner = "stamp"
        self.requests = 0
        self.released = threading.Event()
        self._folder = folder
        folder.mkdir()
        root = issued("time-stamping root", is_authority=True)
        leaf = issued("time-stamping", by=root, usages=[ExtendedKeyUsageOID.TIME_STAMPING], critical_usages=True)
        self.anchors = root.pem.decode()
        contents = {"root.pem": root.pem, "tsa.pem": leaf.pem, "tsa.key": leaf.key_pem(), "serial": b"01\n"}
        contents["tsa.cnf"] = CONFIGURATION.format(folder=folder).encode()
        for name, data in contents.items():
            (folder / name).write_bytes(data)
        self._one_at_a_time = threading.Lock()

    def stamp(self, query):
        """Return the reply to a time-stamp query, both DER."""
        with self._one_at_a_time:
            (self._folder / "query.tsq").write_bytes(query)
            command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq"]
            return subprocess.run(command, cwd=self._folder, capture_output=True, check=True).stdout


@contextmanager
def time_stamping_authority(folder):
    """Run an authority that keeps its files in *folder*."""
    need(which("openssl") is not None, "apt install openssl")
    authority = TimeStampingAuthority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            authority.requests += 1
            if authority.manner == "hang":
                authority.released.wait()
            reply = authority.stamp(query) if authority.manner == "stamp" else b"not a stamp"
            self.send_response(503 if authority.manner == "refuse" else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            """Say nothing when a client that was kept waiting has gone."""

    server = Server(("127.0.0.1", 0), Handler)
    authority.url = f"http://127.0.0.1:{server.server_port}/stamp"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield authority
    finally:
        authority.released.set()
        server.shutdown()
        serving.join()
        server.server_close()

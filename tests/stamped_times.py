"""A time-stamping authority (RFC 3161) whose clock says what the test wants: openssl's own stamps only the present."""

import hashlib
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding


@contextmanager
def time_stamping(party, *, at=lambda: datetime.now(UTC)):
    """Serve RFC 3161 time-stamps that say *at* over HTTP on this machine; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = _answer(query, party, at())
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(query, party, moment):
    """Return a TimeStampResp (RFC 3161, 2.4.2) to *query* that says *moment*."""
    body = _elements(query)[0][1]
    fields = _elements(body)
    imprint = next(whole for tag, _, whole in fields if tag == 0x30)
    nonce = [whole for tag, _, whole in fields[2:] if tag == 0x02]
    policy, serial = _der(0x06, bytes([0x2A, 0x03, 0x04])), _der(0x02, b"\x01")
    stamped = _der(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
    info = _der(0x30, b"".join([_der(0x02, b"\x01"), policy, imprint, serial, stamped, *nonce]))
    granted = _der(0x30, _der(0x02, b"\x00"))
    return _der(0x30, granted + _signed(info, party))


def _signed(info, party):
    """Return *info* as CMS signed data of type TSTInfo, with the signed attributes that RFC 3161 and 5816 ask for."""
    leaf, whole = party.certificate, party.certificate.public_bytes(Encoding.DER)
    sha256 = _der(0x30, bytes.fromhex("0609608648016503040201"))
    tst_info = bytes.fromhex("060b2a864886f70d0109100104")
    own = _der(0x30, _der(0x30, _der(0x30, _der(0x04, hashlib.sha256(whole).digest()))))
    attributes = sorted(
        _der(0x30, bytes.fromhex(kind) + _der(0x31, value))
        for kind, value in (
            ("06092a864886f70d010903", tst_info),
            ("06092a864886f70d010904", _der(0x04, hashlib.sha256(info).digest())),
            ("060b2a864886f70d010910022f", own),
        )
    )
    signature = party.key.sign(_der(0x31, b"".join(attributes)), ec.ECDSA(SHA256()))
    issuer = leaf.issuer.public_bytes() + _der(0x02, _signed_bytes(leaf.serial_number))
    signer = [_der(0x02, b"\x01"), _der(0x30, issuer), sha256, _der(0xA0, b"".join(attributes))]
    signer += [_der(0x30, bytes.fromhex("06082a8648ce3d040302")), _der(0x04, signature)]
    content = _der(0x30, tst_info + _der(0xA0, _der(0x04, info)))
    data = [_der(0x02, b"\x03"), _der(0x31, sha256), content, _der(0xA0, whole)]
    data.append(_der(0x31, _der(0x30, b"".join(signer))))
    signed_data = bytes.fromhex("06092a864886f70d010702")
    return _der(0x30, signed_data + _der(0xA0, _der(0x30, b"".join(data))))


def _signed_bytes(number):
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _der(tag, body):
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    width = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + size.to_bytes(width, "big") + body


def _elements(data):
    """Return the DER elements of *data*: (tag, content, whole)."""
    found, position = [], 0
    while position < len(data):
        start, tag, size = position, data[position], data[position + 1]
        position += 2
        if size & 0x80:
            width = size & 0x7F
            size = int.from_bytes(data[position : position + width], "big")
            position += width
        found.append((tag, data[position : position + size], data[start : position + size]))
        position += size
    return found

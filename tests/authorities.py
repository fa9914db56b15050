"""Certificate authorities and a time-stamping authority for the tests: real keys, real tokens, any date."""

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
CLAIM_SIGNER = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
TIME_STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A leaf certificate with its key, both as PEM."""

    certificates: bytes
    private_key: bytes

    @property
    def leaf(self):
        return x509.load_pem_x509_certificates(self.certificates)[0]


@dataclass(frozen=True)
class Authority:
    """A root that issues leaves of any kind, good and bad, straight or through an intermediate."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @cached_property
    def certificate(self):
        return _certificate(self.name, self.key, self.name, self.key, ca=True)

    @property
    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(self, name="signer", *, usages=CLAIM_SIGNER, begins=-_DAY, ends=_DAY, intermediate=False):
        """Return a leaf for *usages*, valid from now + *begins* to now + *ends*."""
        key, issuer, issuer_key, chain = ec.generate_private_key(ec.SECP256R1()), self.name, self.key, b""
        if intermediate:
            issuer, issuer_key = f"{self.name} intermediate", ec.generate_private_key(ec.SECP256R1())
            between = _certificate(issuer, issuer_key, self.name, self.key, ca=True)
            chain = between.public_bytes(Encoding.PEM)
        leaf = _certificate(name, key, issuer, issuer_key, usages=usages, begins=begins, ends=ends)
        private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Issued(certificates=leaf.public_bytes(Encoding.PEM) + chain, private_key=private_key)


def _certificate(name, key, issuer, issuer_key, *, ca=False, usages=(), begins=-_DAY, ends=_DAY):
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
        + ("decipher_only",),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=usages == TIME_STAMPING)
    return builder.sign(issuer_key, SHA256())


def _name(common_name):
    parts = ((NameOID.ORGANIZATION_NAME, "Tests"), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


@contextmanager
def timestamping(identity, *, at=lambda: datetime.now(UTC)):
    """Serve RFC 3161 time-stamps that say *at* over HTTP on this machine; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = _answer(query, identity, at())
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(query, identity, moment):
    """Return a TimeStampResp (RFC 3161, 2.4.2) to *query* that says *moment*."""
    body = _elements(query)[0][1]
    fields = _elements(body)
    imprint = next(whole for tag, _, whole in fields if tag == 0x30)
    nonce = [whole for tag, _, whole in fields[2:] if tag == 0x02]
    policy, serial = _der(0x06, bytes([0x2A, 0x03, 0x04])), _der(0x02, b"\x01")
    stamped = _der(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
    info = _der(0x30, b"".join([_der(0x02, b"\x01"), policy, imprint, serial, stamped, *nonce]))
    granted = _der(0x30, _der(0x02, b"\x00"))
    return _der(0x30, granted + _signed(info, identity))


def _signed(info, identity):
    """Return *info* as CMS signed data of type TSTInfo, with the signed attributes that RFC 3161 and 5816 ask for.

    It is put together here because openssl's own ``ts`` stamps only the present moment.
    """
    leaf = identity.leaf
    whole = leaf.public_bytes(Encoding.DER)
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
    key = load_pem_private_key(identity.private_key, None)
    signature = key.sign(_der(0x31, b"".join(attributes)), ec.ECDSA(SHA256()))
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

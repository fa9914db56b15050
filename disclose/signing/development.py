"""The development identity: a certificate chain made on first use, that says of itself that nobody vouches for it.

An open-source library cannot ship a trusted certificate (one is issued to a product on the C2PA conforming
products list), and a key shipped to all is worse than none. So every installation makes its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from disclose.errors import IdentityError
from disclose.media import files

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ORGANISATION = "disclose development - NOT TRUSTED"
_COMMON_NAME = "disclose development, not trusted"
_CERTIFICATES, _PRIVATE_KEY, _ROOT = "certificates.pem", "private_key.pem", "root.pem"
_RETIRED = "retired.pem"
# A file signed without a time-stamp turns invalid when its certificate expires, and a development file has none.
_LIFETIME = timedelta(days=3650)
_CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"


def load_or_create(folder: Path) -> tuple[bytes, bytes]:
    """Return the certificates (leaf first) and the private key kept in *folder*, as PEM, made on first use.

    The folder appears whole or not at all, so that processes that start together agree on one identity.
    Raises IdentityError when it can be neither read nor made.
    """
    if not folder.exists():
        create(folder)
    try:
        return (folder / _CERTIFICATES).read_bytes(), (folder / _PRIVATE_KEY).read_bytes()
    except OSError as error:
        raise IdentityError(
            f"cannot read the development identity in {folder}: {error.strerror}; remove the folder to make a new one"
        ) from error


def retired(folder: Path) -> bytes:
    """Return the leaves that signed before the present one, as PEM; empty when there was none."""
    path = folder / _RETIRED
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise IdentityError(f"cannot read the retired certificates in {path}: {error.strerror}") from error


def create(folder: Path) -> None:
    """Make a development identity in *folder*; one that is there already stays."""
    certificates, private_key, root = _chain()
    staged = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        files.write(staged / _CERTIFICATES, certificates)
        files.write(staged / _ROOT, root)
        _write_private(staged / _PRIVATE_KEY, private_key)
        staged.rename(folder)
        staged = None
    except OSError as error:
        if not folder.is_dir():
            raise IdentityError(f"cannot make a development identity in {folder}: {error.strerror or error}") from error
    finally:
        if staged is not None:
            shutil.rmtree(staged)


def _write_private(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)


def _chain() -> tuple[bytes, bytes, bytes]:
    """Return a new chain as PEM: leaf and intermediate, the leaf's key, the root."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = _certificate("root", keys[0], issuer="root", issuer_key=keys[0], path_length=1)
    intermediate = _certificate("intermediate", keys[1], issuer="root", issuer_key=keys[0], path_length=0)
    leaf = _certificate("signer", keys[2], issuer="intermediate", issuer_key=keys[1], path_length=None)
    pem = [certificate.public_bytes(Encoding.PEM) for certificate in (leaf, intermediate, root)]
    private_key = keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem[0] + pem[1], private_key, pem[2]


def _certificate(
    role: str,
    key: EllipticCurvePrivateKey,
    *,
    issuer: str,
    issuer_key: EllipticCurvePrivateKey,
    path_length: int | None,
) -> x509.Certificate:
    """Return a certificate as C2PA wants it (C2PA 2.2, 14.5): an authority with *path_length*, a leaf without."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    now = datetime.now(UTC).replace(microsecond=0)
    is_authority = path_length is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(role))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is a little behind must not find its own certificate not yet valid.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(_key_usage(is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_authority:
        # claimSigning is the programme's own usage; emailProtection is what readers accept by default.
        usages = [x509.ObjectIdentifier(_CLAIM_SIGNING), ExtendedKeyUsageOID.EMAIL_PROTECTION]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(issuer_key, SHA256())


def _name(role: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{_COMMON_NAME} ({role})"),
        ]
    )


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )

"""The chain of the development identity: a root, an intermediate and leaves, which nobody vouches for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from disclose.errors import IdentityError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ORGANISATION = "disclose development - NOT TRUSTED"
CERTIFICATES, PRIVATE_KEY, ROOT = "certificates.pem", "private_key.pem", "root.pem"
AUTHORITY_KEY = "intermediate_key.pem"
_COMMON_NAME = "disclose development, not trusted"
# A file signed without a time-stamp turns invalid when its certificate expires, and a development file has none.
_LIFETIME = timedelta(days=3650)
_CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"


def chain() -> dict[str, bytes]:
    """Return the files of a new identity as PEM: leaf and intermediate with their keys, and the root without."""
    from cryptography.hazmat.primitives.asymmetric import ec

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = _certificate("root", keys[0], issuer="root", issuer_key=keys[0], path_length=1)
    intermediate = _certificate("intermediate", keys[1], issuer="root", issuer_key=keys[0], path_length=0)
    leaf = _certificate("signer", keys[2], issuer="intermediate", issuer_key=keys[1], path_length=None)
    return {
        CERTIFICATES: _pem(leaf) + _pem(intermediate),
        PRIVATE_KEY: _key_pem(keys[2]),
        AUTHORITY_KEY: _key_pem(keys[1]),
        ROOT: _pem(root),
    }


def next_leaf(certificates: bytes, authority_key: bytes) -> tuple[bytes, bytes]:
    """Return *certificates* with a new leaf, and the new leaf's key, all PEM; *authority_key* is the intermediate's."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    issuer_key, key = load_pem_private_key(authority_key, None), ec.generate_private_key(ec.SECP256R1())
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise IdentityError("the intermediate's key is not the one that was made with the development identity")
    leaf = _certificate("signer", key, issuer="intermediate", issuer_key=issuer_key, path_length=None)
    return b"".join([_pem(leaf), *split(certificates)[1:]]), _key_pem(key)


def split(certificates: bytes) -> list[bytes]:
    """Return each of the PEM-encoded *certificates*."""
    from cryptography import x509

    return [_pem(one) for one in x509.load_pem_x509_certificates(certificates)]


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


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

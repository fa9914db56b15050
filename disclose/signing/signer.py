"""Signer: a private key and the certificates that speak for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from disclose.errors import IdentityError
from disclose.media import files
from disclose.signing import development

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A private key (PKCS#8 PEM) and its certificates (PEM, leaf first, root left out).

    ``algorithm`` is the C2PA name of the signature algorithm (C2PA 2.2, 13.2): es256, es384, es512, ps256, ed25519.
    """

    certificates: bytes
    private_key: bytes = field(repr=False)
    algorithm: str
    is_development: bool = False

    @classmethod
    def from_files(cls, certificates: Path, private_key: Path) -> Self:
        """Return the signer that two PEM files hold; raises IdentityError with the reason when they do not fit."""
        return cls.from_pem(files.read(certificates), files.read(private_key))

    @classmethod
    def from_pem(cls, certificates: bytes, private_key: bytes, *, is_development: bool = False) -> Self:
        """Return the signer of PEM-encoded *certificates* (leaf first) and *private_key* (any unencrypted PEM)."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        try:
            leaf = x509.load_pem_x509_certificates(certificates)[0]
        except ValueError as error:
            raise IdentityError(f"cannot read the signing certificates: {error}; expected PEM, leaf first") from error
        try:
            key = serialization.load_pem_private_key(private_key, password=None)
        except TypeError as error:
            raise IdentityError("the signing key is encrypted: decrypt it, or sign through a callback") from error
        except ValueError as error:
            raise IdentityError(f"cannot read the signing key: {error}; expected an unencrypted PEM") from error
        spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if key.public_key().public_bytes(*spki) != leaf.public_key().public_bytes(*spki):
            raise IdentityError("the signing key does not belong to the first certificate: put the leaf first")
        if leaf.not_valid_after_utc < datetime.now(UTC):
            raise IdentityError(f"the signing certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}: renew it")
        # c2pa-rs reads PKCS#8 only, while openssl still writes the older forms by default.
        pkcs8 = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(
            certificates=certificates,
            private_key=pkcs8,
            algorithm=_algorithm_of(key),
            is_development=is_development,
        )

    @classmethod
    def development(cls, folder: Path) -> Self:
        """Return the development signer kept in *folder*, made there on first use."""
        certificates, private_key = development.load_or_create(folder)
        return cls.from_pem(certificates, private_key, is_development=True)

    @cached_property
    def leaf(self) -> Certificate:
        """The certificate that the key signs under."""
        from cryptography import x509

        return x509.load_pem_x509_certificates(self.certificates)[0]

    @property
    def subject(self) -> str:
        """The leaf's subject, readable."""
        return self.leaf.subject.rfc4514_string()

    @property
    def expires(self) -> datetime:
        """When the leaf stops being valid."""
        return self.leaf.not_valid_after_utc

    @property
    def serial_number(self) -> str:
        """The leaf's serial number in decimal digits, as C2PA readers report it."""
        return str(self.leaf.serial_number)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the leaf, in hexadecimal."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return hashlib.sha256(self.leaf.public_bytes(Encoding.DER)).hexdigest()


def _algorithm_of(key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey):
        curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
        if key.curve.name in curves:
            return curves[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise IdentityError(
        f"{type(key).__name__} is not a key that C2PA signs with: use EC P-256, P-384, P-521, Ed25519 or RSA"
    )

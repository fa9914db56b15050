"""Certificate requests: a new key, and what a certificate authority is asked to certify (PKCS#10, RFC 2986)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from disclose.errors import IdentityError
from disclose.signing.signatures import ALGORITHMS

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

PRIVATE_KEY, REQUEST = "private_key.pem", "request.csr"
USAGES = ("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4")
"""What a signer's certificate is for: c2pa-kp-claimSigning, and emailProtection for readers that know no other."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Whom the certificate is to name, and the algorithm it is to sign with (C2PA 2.2, 13.2)."""

    organisation: str
    common_name: str
    country: str | None = None
    algorithm: str = "es256"

    def __post_init__(self) -> None:
        if not (self.organisation.strip() and self.common_name.strip()):
            raise IdentityError("a certificate request needs an organisation and a common name")
        if self.country is not None and not (
            len(self.country) == 2 and self.country.isascii() and self.country.isalpha()
        ):
            raise IdentityError(f"{self.country!r} is not a country code: use two letters, such as DE")
        if self.algorithm not in ALGORITHMS:
            raise IdentityError(f"{self.algorithm!r} is not an algorithm that C2PA signs with: {', '.join(ALGORITHMS)}")

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Make a key and the request for it in *folder*; return their paths. What is there already stays.

        Raises IdentityError when either file exists or cannot be written; then nothing of the two is left behind.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key_path, request_path = folder / PRIVATE_KEY, folder / REQUEST
        key = _new_key(self.algorithm)
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        request_pem = self._signed(key).public_bytes(Encoding.PEM)
        made: list[Path] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, data, mode in ((key_path, key_pem, 0o600), (request_path, request_pem, 0o644)):
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                made.append(path)
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
        except OSError as error:
            for path in made:
                path.unlink()
            if isinstance(error, FileExistsError):
                raise IdentityError(f"{error.filename} is there already and stays: name another folder") from error
            raise IdentityError(f"cannot write a key and its request to {folder}: {error.strerror or error}") from error
        return key_path, request_path

    def _signed(self, key: CertificateIssuerPrivateKeyTypes) -> x509.CertificateSigningRequest:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ed25519
        from cryptography.hazmat.primitives.hashes import SHA256

        builder = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(self._subject())
            .add_extension(_key_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in USAGES]), critical=False)
        )
        return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())

    def _subject(self) -> x509.Name:
        from cryptography import x509
        from cryptography.x509.oid import NameOID

        names = [
            (NameOID.COUNTRY_NAME, None if self.country is None else self.country.upper()),
            (NameOID.ORGANIZATION_NAME, self.organisation.strip()),
            (NameOID.COMMON_NAME, self.common_name.strip()),
        ]
        try:
            return x509.Name([x509.NameAttribute(kind, value) for kind, value in names if value is not None])
        except ValueError as error:
            raise IdentityError(f"a certificate cannot hold that name: {error}") from error


def _new_key(algorithm: str) -> CertificateIssuerPrivateKeyTypes:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    curves: dict[str, ec.EllipticCurve] = {"es256": ec.SECP256R1(), "es384": ec.SECP384R1(), "es512": ec.SECP521R1()}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm])
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else rsa.generate_private_key(65537, 3072)


def _key_usage() -> x509.KeyUsage:
    from cryptography import x509

    # Non-repudiation (content commitment) is asked for by the C2PA programme's assurance level 1.
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )

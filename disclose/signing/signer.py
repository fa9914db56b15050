"""Signer: the certificates that speak for a key, and the key itself or a callback to whoever holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from disclose.errors import IdentityError
from disclose.media import files
from disclose.signing import development
from disclose.signing.reference import resolve
from disclose.signing.signatures import algorithm_of
from disclose.signing.timestamp import checked_url

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

Outage = Literal["fail", "unstamped"]


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Certificates (PEM, leaf first, root left out) and either a ``private_key`` (PKCS#8 PEM) or a callback ``sign``.

    ``algorithm`` is the C2PA name of the signature algorithm (C2PA 2.2, 13.2): es256, es384, es512, ps256, ps384,
    ps512, ed25519. ``sign`` gets the bytes to be signed and returns an ECDSA (DER or r||s), RSA-PSS or Ed25519
    signature within ``time_limit`` seconds. ``timestamp_url`` names a time-stamping authority (RFC 3161); when it
    does not answer, marking fails or, with ``timestamp_outage="unstamped"``, goes on without a stamp and says so.
    ``retired`` holds earlier leaves (PEM), with their issuers where those are others than now: what they signed is
    still recognised as ours.
    """

    certificates: bytes = field(repr=False)
    private_key: bytes | None = field(default=None, repr=False)
    sign: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    algorithm: str
    is_development: bool = False
    timestamp_url: str | None = None
    timestamp_outage: Outage = "fail"
    time_limit: float = 10.0
    retired: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if (self.private_key is None) == (self.sign is None):
            raise IdentityError("a signer has either a private key or a callback that signs: give exactly one of them")
        if self.timestamp_url is not None:
            checked_url(self.timestamp_url)
        if self.timestamp_outage not in ("fail", "unstamped"):
            raise IdentityError(f"timestamp_outage is {self.timestamp_outage!r}: use 'fail' or 'unstamped'")
        if not self.time_limit > 0:
            raise IdentityError(f"the time limit is {self.time_limit} seconds: it has to be more than nothing")

    @classmethod
    def from_files(cls, certificates: Path, private_key: Path, *, password: Callable[[], bytes] | None = None) -> Self:
        """Return the signer that two PEM files hold; raises IdentityError with the reason when they do not fit.

        *password* is asked for the key's password when the key has one.
        """
        return cls.from_pem(files.read(certificates), files.read(private_key), password=password)

    @classmethod
    def from_pem(
        cls,
        certificates: bytes,
        private_key: bytes,
        *,
        password: Callable[[], bytes] | None = None,
        is_development: bool = False,
    ) -> Self:
        """Return the signer of PEM-encoded *certificates* (leaf first) and *private_key* (any PEM form)."""
        from cryptography.hazmat.primitives import serialization

        leaf = _valid_leaf(certificates)
        key = load_private_key(private_key, password)
        spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if key.public_key().public_bytes(*spki) != leaf.public_key().public_bytes(*spki):
            raise IdentityError("the signing key does not belong to the first certificate: put the leaf first")
        # c2pa-rs reads PKCS#8 only, while openssl still writes the older forms by default.
        pkcs8 = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(
            certificates=certificates,
            private_key=pkcs8,
            algorithm=algorithm_of(leaf.public_key()),
            is_development=is_development,
        )

    @classmethod
    def from_callback(cls, certificates: bytes, sign: Callable[[bytes], bytes], algorithm: str | None = None) -> Self:
        """Return a signer whose key stays where it is, in a key service or a token: *sign* asks for each signature.

        *algorithm* is taken from the first of the PEM-encoded *certificates* (RSA: ps256) unless given.
        """
        if not callable(sign):
            raise IdentityError(f"the callback that signs is {type(sign).__name__}: it has to be a function")
        key = _valid_leaf(certificates).public_key()
        return cls(certificates=certificates, sign=sign, algorithm=algorithm_of(key, algorithm))

    @classmethod
    def from_reference(cls, reference: str) -> Signer:
        """Return the signer that the function named by *reference* ("package.module:function") makes."""
        signer = resolve(reference)
        if not isinstance(signer, Signer):
            raise IdentityError(
                f"the signer reference {reference!r} returned {type(signer).__name__}: its function has to return a"
                " disclose.signing.Signer, for example by Signer.from_callback"
            )
        return signer

    @classmethod
    def development(cls, folder: Path) -> Self:
        """Return the development signer kept in *folder*, made there on first use."""
        certificates, private_key = development.load_or_create(folder)
        signer = cls.from_pem(certificates, private_key, is_development=True)
        return signer.with_retired(development.retired(folder))

    def with_timestamps(self, url: str | None, *, outage: Outage = "fail") -> Self:
        """Return this signer with the time-stamping authority at *url*, or without one."""
        return replace(self, timestamp_url=url, timestamp_outage=outage)

    def with_retired(self, certificates: bytes) -> Self:
        """Return this signer that also recognises what the PEM-encoded *certificates* signed before it."""
        _load_certificates(certificates, "the retired certificates") if certificates else ()
        return replace(self, retired=self.retired + certificates)

    @cached_property
    def leaf(self) -> Certificate:
        """The certificate that the key signs under."""
        return _load_certificates(self.certificates, "the signing certificates")[0]

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

    @cached_property
    def serial_numbers(self) -> frozenset[str]:
        """The serial numbers of the leaf and of all retired certificates, in decimal digits."""
        leaves = (one for one in self._retired() if not _is_authority(one))
        return frozenset((self.serial_number, *(str(one.serial_number) for one in leaves)))

    @cached_property
    def issuers(self) -> bytes:
        """The authorities that stand in the chain, and in the retired ones where they were given, as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding

        held = _load_certificates(self.certificates, "the signing certificates")[1:]
        held += [one for one in self._retired() if _is_authority(one)]
        return b"".join(one.public_bytes(Encoding.PEM) for one in held)

    def _retired(self) -> list[Certificate]:
        return _load_certificates(self.retired, "the retired certificates") if self.retired else []

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the leaf, in hexadecimal."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return hashlib.sha256(self.leaf.public_bytes(Encoding.DER)).hexdigest()


def load_private_key(data: bytes, password: Callable[[], bytes] | None = None) -> PrivateKeyTypes:
    """Return the private key in the PEM-encoded *data*; *password* is asked only when the key is encrypted."""
    from cryptography.hazmat.primitives import serialization

    try:
        return serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        if password is None:
            raise IdentityError(
                "the signing key is encrypted: hand over its password with Signer.from_files(…, password=function),"
                " decrypt it, or sign through a callback"
            ) from error
    except ValueError as error:
        raise IdentityError(f"cannot read the signing key: {error}; expected PEM (BEGIN PRIVATE KEY)") from error
    try:
        return serialization.load_pem_private_key(data, password=password())
    except (TypeError, ValueError) as error:
        raise IdentityError("cannot decrypt the signing key: the password is wrong or empty") from error


def _valid_leaf(certificates: bytes) -> Certificate:
    leaf = _load_certificates(certificates, "the signing certificates")[0]
    now = datetime.now(UTC)
    if leaf.not_valid_after_utc < now:
        raise IdentityError(f"the signing certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}: renew it")
    if leaf.not_valid_before_utc > now:
        raise IdentityError(
            f"the signing certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC:"
            " wait, or set this machine's clock"
        )
    return leaf


def _is_authority(certificate: Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _load_certificates(data: bytes, what: str) -> list[Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise IdentityError(f"cannot read {what}: {error}; expected PEM, leaf first") from error

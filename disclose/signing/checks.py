"""Checks of an identity before it signs: each cause for which C2PA readers refuse it, named with the next step.

Pure: certificates and key in, findings out. All are reported at once, because a certificate is ordered only once.
The certificate profile is C2PA 2.2, 14.5; what c2pa-rs 0.91 makes of it was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from disclose.signing.findings import Finding, error, fine, warning
from disclose.signing.key_checks import key_form, key_match
from disclose.signing.signatures import algorithms_of
from disclose.signing.trust import EXTENDED_KEY_USAGES

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, ExtensionType

_Kind = TypeVar("_Kind", bound="ExtensionType")
SOON = timedelta(days=30)
LEAST_RSA_BITS = 2048
USAGE_NAMES = {
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.62558.2.1": "c2pa-kp-claimSigning",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}
_OF_SIGNERS = frozenset(EXTENDED_KEY_USAGES.split())
_NEVER_MIXED = {"1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"}
_ANY = "2.5.29.37.0"
_DIGESTS = {"sha256", "sha384", "sha512"}
_RENEW = "ask the authority for a new certificate: disclose keys csr"


def check_identity(
    certificates: bytes,
    private_key: bytes | None,
    *,
    timestamp_url: str | None = None,
    is_development: bool = False,
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """Return all findings about PEM *certificates*, leaf first, and *private_key* (None: a service holds it)."""
    now = now or datetime.now(UTC)
    chain = _read(certificates)
    if isinstance(chain, Finding):
        return chain, *key_form(private_key)
    leaf = chain[0]
    return (
        *_profile(leaf),
        *_usages(leaf),
        *_names(leaf),
        *_public_key(leaf),
        *_validity(chain, now),
        *_order(chain),
        *key_form(private_key),
        *key_match(leaf, private_key),
        *_deployment(timestamp_url, is_development),
    )


def usages_of(certificate: Certificate) -> tuple[str, ...]:
    """Return the extended key usages of *certificate* by name, or as numbers where they have none here."""
    return tuple(USAGE_NAMES.get(oid, oid) for oid in _usage_numbers(certificate))


def _read(certificates: bytes) -> list[Certificate] | Finding:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(certificates)
    except ValueError as unreadable:
        step = "give a PEM file (BEGIN CERTIFICATE): the leaf first, then the intermediates, without the root"
        if certificates[:1] == b"\x30":
            step = "convert them from DER: openssl x509 -inform DER -in FILE -out certificates.pem"
        return error("certificates", f"the certificates cannot be read: {unreadable}", step)


def _profile(leaf: Certificate) -> Iterator[Finding]:
    from cryptography import x509

    if leaf.version is not x509.Version.v3:
        yield error("version", f"the certificate is an X.509 {leaf.version.name} certificate, not v3", _RENEW)
    if _extension(leaf, x509.AuthorityKeyIdentifier) is None:
        step = f"{_RENEW}, with that extension"
        yield error("authority-key-identifier", "the certificate has no authority key identifier", step)
    else:
        yield fine("authority-key-identifier", "authority key identifier is there")
    if _extension(leaf, x509.SubjectKeyIdentifier) is None:
        # Only recommended in a leaf (RFC 5280, 4.2.1.2), and c2pa-rs goes without; other readers may not.
        step = "have the next certificate issued with that extension"
        yield warning("subject-key-identifier", "the certificate has no subject key identifier", step)
    else:
        yield fine("subject-key-identifier", "subject key identifier is there")
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield error(
            "leaf", "the first certificate is an authority's, not a signer's", "put the leaf first, or order a leaf"
        )
    yield _key_usage(_extension(leaf, x509.KeyUsage))


def _key_usage(usage: ExtensionType | None) -> Finding:
    from cryptography import x509

    if not isinstance(usage, x509.KeyUsage):
        return error("key-usage", "the certificate has no key usage", f"{_RENEW}, with digitalSignature")
    if not usage.digital_signature:
        return error("key-usage", "the key usage lacks digitalSignature", f"{_RENEW}, with digitalSignature")
    if usage.key_cert_sign:
        return error("key-usage", "the key usage lets a signer issue certificates (keyCertSign)", f"{_RENEW}, without")
    return fine("key-usage", "key usage: digitalSignature")


def _usages(leaf: Certificate) -> Iterator[Finding]:
    check, numbers = "extended-key-usage", set(_usage_numbers(leaf))
    with_usage = f"{_RENEW}, with c2pa-kp-claimSigning and emailProtection (or documentSigning)"
    if not numbers:
        yield error(check, "the certificate has no extended key usage", with_usage)
        return
    named = ", ".join(usages_of(leaf))
    sound = True
    if _ANY in numbers:
        sound = False
        yield error(check, "the extended key usage anyExtendedKeyUsage is forbidden", f"{_RENEW}, without it")
    if mixed := sorted(numbers & _NEVER_MIXED):
        sound = False
        names = " and ".join(USAGE_NAMES[oid] for oid in mixed)
        yield error(check, f"the extended key usage {names} must not stand in a signer's certificate", with_usage)
    if not numbers & _OF_SIGNERS:
        sound = False
        yield error(check, f"the extended key usages ({named}) hold none that C2PA signers need", with_usage)
    if sound and "1.3.6.1.5.5.7.3.4" not in numbers:
        yield warning(
            check,
            f"the extended key usages ({named}) lack emailProtection, the only one that some readers accept untold",
            "with the next certificate, ask for emailProtection beside c2pa-kp-claimSigning",
        )
    elif sound:
        yield fine(check, f"extended key usages: {named}")


def _names(leaf: Certificate) -> Iterator[Finding]:
    from cryptography.x509.oid import NameOID

    held = {
        kind: [str(name.value).strip() for name in leaf.subject.get_attributes_for_oid(kind)]
        for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    }
    if not any(held[NameOID.ORGANIZATION_NAME]):
        yield warning(
            "organisation",
            "the subject names no organisation: readers show no signer, and older ones call the signature broken",
            f"{_RENEW}, with O=",
        )
    else:
        yield fine("organisation", f"organisation: {held[NameOID.ORGANIZATION_NAME][0]}")
    if not any(held[NameOID.COMMON_NAME]):
        yield warning("common-name", "the subject has no common name", f"{_RENEW}, with CN= the product's name")


def _public_key(leaf: Certificate) -> Iterator[Finding]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa

    kinds = "EC P-256, P-384 or P-521, Ed25519, or RSA of at least 2048 bits"
    try:
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm) as unknown:
        yield error("algorithm", f"the certificate's key cannot be read: {unknown}", f"make one of {kinds}")
        return
    algorithms = algorithms_of(key)
    if not algorithms:
        kind = getattr(getattr(key, "curve", None), "name", type(key).__name__)
        yield error("algorithm", f"C2PA does not sign with a key of the kind {kind}", f"make one of {kinds}")
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        yield error("algorithm", f"the RSA key has {key.key_size} bits, less than {LEAST_RSA_BITS}", f"use {kinds}")
    else:
        yield fine("algorithm", f"algorithm: {algorithms[0]}")
    digest = leaf.signature_hash_algorithm
    if digest is not None and digest.name not in _DIGESTS:
        yield error("issued-with", f"the certificate was issued with {digest.name}", f"{_RENEW}, issued with SHA-256")


def _validity(chain: Sequence[Certificate], now: datetime) -> Iterator[Finding]:
    for position, certificate in enumerate(chain):
        which = "the certificate" if position == 0 else f"certificate {position + 1} of the chain"
        starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now < starts:
            yield error(
                "clock",
                f"{which} is not valid before {starts:%Y-%m-%d %H:%M} UTC, and this machine's clock says"
                f" {now:%Y-%m-%d %H:%M} UTC",
                "set the clock (NTP); if it is right, wait",
            )
        elif now > ends:
            yield error("validity", f"{which} expired on {ends:%Y-%m-%d}", _RENEW)
        elif ends - now < SOON and position == 0:
            # Whole days, rounded up: what ends tonight ends in one day and not in none.
            days = -(-(ends - now) // timedelta(days=1))
            yield warning("validity", f"{which} expires in {days} days, on {ends:%Y-%m-%d}", _RENEW)
        elif position == 0:
            yield fine("validity", f"valid until {ends:%Y-%m-%d}")


def _order(chain: Sequence[Certificate]) -> Iterator[Finding]:
    check, leaf = "chain", chain[0]
    if _issued(leaf, leaf):
        yield error(check, "the certificate is self-signed, which C2PA refuses", "have an authority issue it")
        return
    sound = True
    for position, (below, above) in enumerate(pairwise(chain), 1):
        if not _issued(above, below):
            sound = False
            yield error(
                check,
                f"certificate {position} was not issued by certificate {position + 1}",
                "order the file: the leaf first, then each certificate's issuer, without the root",
            )
    if any(_issued(one, one) for one in chain[1:]):
        sound = False
        yield warning(
            check,
            "the root stands in the chain; readers have it on their own trust list or do not trust it",
            "leave the root out of the file",
        )
    if len(chain) == 1:
        yield warning(
            check,
            f"the leaf stands alone; readers that know only the root cannot reach {leaf.issuer.rfc4514_string()}",
            "add the intermediate certificates after the leaf, unless the root issued it directly",
        )
    elif sound:
        yield fine(check, f"the chain of {len(chain)} certificates is in order")


def _deployment(timestamp_url: str | None, is_development: bool) -> Iterator[Finding]:
    if is_development:
        yield warning(
            "development",
            "this is the development identity: nobody vouches for it, and production=True refuses it",
            "for production, order a certificate: disclose keys csr",
        )
    elif timestamp_url is None:
        yield warning(
            "timestamp",
            "no time-stamping authority is set: what is signed stops verifying when the certificate expires",
            "set timestamp_url to an RFC 3161 authority (ask the one that issued the certificate)",
        )
    if timestamp_url is not None:
        yield fine("timestamp", "a time-stamping authority is set")


def _issued(issuer: Certificate, certificate: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _usage_numbers(certificate: Certificate) -> tuple[str, ...]:
    from cryptography import x509

    usages = _extension(certificate, x509.ExtendedKeyUsage)
    return () if usages is None else tuple(one.dotted_string for one in usages)


def _extension(certificate: Certificate, kind: type[_Kind]) -> _Kind | None:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None

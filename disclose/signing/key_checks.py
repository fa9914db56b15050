"""Checks of a private key: its form, and whether it is the one that the certificate speaks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from disclose.errors import IdentityError
from disclose.signing.findings import Finding, error, fine, warning
from disclose.signing.signer import load_private_key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def key_form(private_key: bytes | None) -> Iterator[Finding]:
    """Yield what there is to say of the PEM form of *private_key*; None is a key that a service holds."""
    check = "key-form"
    if private_key is None:
        yield fine(check, "the key stays where it is; a callback signs")
    elif b"ENCRYPTED" in private_key:
        yield error(
            check,
            "the key is encrypted",
            "name a function that returns Signer.from_files(…, password=function) as signer_reference, or decrypt it:"
            " openssl pkcs8 -topk8 -nocrypt -in KEY -out private_key.pem",
        )
    elif b"-----BEGIN PRIVATE KEY-----" in private_key:
        yield fine(check, "the key is in PKCS#8 form")
    elif b"-----BEGIN EC PRIVATE KEY-----" in private_key or b"-----BEGIN RSA PRIVATE KEY-----" in private_key:
        form = "SEC1" if b"BEGIN EC" in private_key else "PKCS#1"
        yield warning(
            check,
            f"the key is in {form} form; disclose takes it, other C2PA tools read PKCS#8 only",
            "convert it: openssl pkcs8 -topk8 -nocrypt -in KEY -out private_key.pem",
        )
    else:
        yield error(check, "the key is not a PEM private key", "give a PKCS#8 file in PEM form (BEGIN PRIVATE KEY)")


def key_match(leaf: Certificate, private_key: bytes | None) -> Iterator[Finding]:
    """Yield whether *private_key* is the one that *leaf* speaks for, where that can be told."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if private_key is None or b"ENCRYPTED" in private_key or b"PRIVATE KEY-----" not in private_key:
        return
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        certified = leaf.public_key().public_bytes(*spki)
    except (ValueError, UnsupportedAlgorithm):
        return
    try:
        key = load_private_key(private_key)
    except IdentityError as unreadable:
        yield error("key-match", str(unreadable), "give the key that the certificate was made for")
        return
    if key.public_key().public_bytes(*spki) == certified:
        yield fine("key-match", "the key belongs to the certificate")
    else:
        yield error(
            "key-match",
            "the key does not belong to the first certificate",
            "put the leaf first, or give the key that its request was made with",
        )

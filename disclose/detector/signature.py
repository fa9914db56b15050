"""Detached signatures in JSON: JWS (RFC 7515, Appendix F) by the profile's signer, with its certificates (x5c)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from disclose.errors import IdentityError, UnreadableError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from disclose.signing import Signer

_NAMES = {name: name.upper() for name in ("es256", "es384", "es512", "ps256", "ps384", "ps512")} | {"ed25519": "EdDSA"}
_ALGORITHMS = {name: algorithm for algorithm, name in _NAMES.items()}
_MOST_CERTIFICATES = 8


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Whose certificates came with a signature, leaf first, and whether it is one of the data under the leaf."""

    certificates: tuple[Certificate, ...]
    is_intact: bool


def sign(data: bytes, signer: Signer) -> str:
    """Return the detached JWS of *data*, ``header..signature``; raises IdentityError when the signer cannot sign."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    from disclose.signing.signatures import signing, verified
    from disclose.signing.signer import load_private_key

    chain = [
        base64.b64encode(one.public_bytes(Encoding.DER)).decode()
        for one in load_pem_x509_certificates(signer.certificates)
    ]
    header = _encoded(json.dumps({"alg": _NAMES[signer.algorithm], "x5c": chain}, separators=(",", ":")).encode())
    signed = header.encode() + b"." + _encoded(data).encode()
    if signer.sign is not None:
        signature = signer.sign(signed)
    else:
        assert signer.private_key is not None
        signature = signing(load_private_key(signer.private_key), signer.algorithm)(signed)
    try:
        raw = verified(signature, signed, signer.leaf.public_key(), signer.algorithm)
    except InvalidSignature as error:
        raise IdentityError(f"cannot sign a report as {signer.subject}: what came back is not its signature") from error
    return f"{header}..{_encoded(raw)}"


def check(data: bytes, jws: str) -> Signature:
    """Return whose detached *jws* it is and whether it is one of *data*; raises UnreadableError for anything else."""
    from cryptography.exceptions import InvalidSignature

    from disclose.signing.signatures import algorithms_of, verified

    try:
        header, middle, signature = jws.split(".")
        values = json.loads(_decoded(header))
        algorithm, certificates = _ALGORITHMS[values["alg"]], _certificates(values["x5c"])
        key, raw = certificates[0].public_key(), _decoded(signature)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise UnreadableError(
            f"cannot read the signature: it is no detached JWS with certificates ({error})"
        ) from error
    signed = header.encode() + b"." + _encoded(data).encode()
    # A signature under headers that have to be understood (crit), or over a payload of its own, is not one of ours.
    is_plain = not middle and set(values) == {"alg", "x5c"}
    try:
        intact = is_plain and algorithm in algorithms_of(key) and verified(raw, signed, key, algorithm) == raw
    except (InvalidSignature, ValueError):
        intact = False
    return Signature(certificates=certificates, is_intact=intact)


def _certificates(chain: Any) -> tuple[Certificate, ...]:
    from cryptography.x509 import load_der_x509_certificate

    if not isinstance(chain, list) or not 0 < len(chain) <= _MOST_CERTIFICATES:
        raise ValueError("x5c is no list of certificates")
    return tuple(load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in chain)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64url") from error

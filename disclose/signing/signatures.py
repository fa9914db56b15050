"""Signatures by the algorithms of C2PA (C2PA 2.2, 13.2): made with a private key, checked under a public one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from disclose.errors import IdentityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PSS
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_OF_CURVE = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
ALGORITHMS = (*_OF_CURVE.values(), "ps256", "ps384", "ps512", "ed25519")


def algorithms_of(key: PublicKeyTypes) -> tuple[str, ...]:
    """Return the algorithms that C2PA allows with the public *key*, the usual one first; none for a foreign kind."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePublicKey):
        return tuple(name for curve, name in _OF_CURVE.items() if curve == key.curve.name)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ("ed25519",)
    return ("ps256", "ps384", "ps512") if isinstance(key, rsa.RSAPublicKey) else ()


def algorithm_of(key: PublicKeyTypes, wanted: str | None = None) -> str:
    """Return *wanted*, or the usual algorithm of the public *key*; raises IdentityError when they do not fit."""
    allowed = algorithms_of(key)
    if not allowed:
        kind = getattr(getattr(key, "curve", None), "name", type(key).__name__)
        raise IdentityError(
            f"{kind} is not a kind of key that C2PA signs with: use EC P-256, P-384, P-521, Ed25519 or RSA"
        )
    if wanted is not None and wanted not in allowed:
        raise IdentityError(
            f"the algorithm {wanted!r} does not fit the certificate's key, which signs {' or '.join(allowed)}:"
            " leave the algorithm out and it is taken from the certificate"
        )
    return wanted or allowed[0]


def signing(key: PrivateKeyTypes, algorithm: str) -> Callable[[bytes], bytes]:
    """Return the function that signs bytes with *key*, in the form that :func:`verified` takes."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    digest = None if algorithm == "ed25519" else _digest(algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey) and digest is not None:
        return lambda data: key.sign(data, ec.ECDSA(digest))
    if isinstance(key, rsa.RSAPrivateKey) and digest is not None:
        return lambda data: key.sign(data, _padding(digest), digest)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    raise IdentityError(f"{type(key).__name__} does not sign {algorithm}")


def verified(signature: bytes, data: bytes, key: PublicKeyTypes, algorithm: str) -> bytes:
    """Return *signature* of *data* as COSE carries it (RFC 9053, 2.1: r||s); ECDSA may come as DER or as r||s.

    Raises cryptography's InvalidSignature when it does not verify under the public *key*.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePublicKey):
        for form in (_concatenated(signature, key), signature):
            encoded = _der(form, key)
            if encoded is not None:
                key.verify(encoded, data, ec.ECDSA(_digest(algorithm)))
                return form
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, data)
        return signature
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, _padding(_digest(algorithm)), _digest(algorithm))
        return signature
    raise InvalidSignature


def _concatenated(signature: bytes, key: EllipticCurvePublicKey) -> bytes:
    """Return a DER-encoded ECDSA signature as r||s, each as long as the curve's numbers; other bytes as they are."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    width = _width(key)
    try:
        return b"".join(number.to_bytes(width, "big") for number in decode_dss_signature(signature))
    except (ValueError, OverflowError):
        return signature


def _der(signature: bytes, key: EllipticCurvePublicKey) -> bytes | None:
    """Return the DER encoding of r||s, or None where the length is not that of the curve."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    width = _width(key)
    if len(signature) != 2 * width:
        return None
    return encode_dss_signature(int.from_bytes(signature[:width], "big"), int.from_bytes(signature[width:], "big"))


def _width(key: EllipticCurvePublicKey) -> int:
    return (key.curve.key_size + 7) // 8


def _digest(algorithm: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    digests: dict[str, HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    return digests[algorithm[2:]]


def _padding(digest: HashAlgorithm) -> PSS:
    from cryptography.hazmat.primitives.asymmetric import padding

    # The salt is as long as the digest (RFC 8230, 2); key services do the same.
    return padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)

"""C2PA validation codes, sorted onto our three axes.

The engine's own overall state is not used: what "Valid" includes moves between its versions, and an untrusted
signer counts as a failure in one and not in the other. The codes are those of C2PA 2.2, 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from disclose.evidence import Integrity, Time, Trust

_TRUST = {
    "signingCredential.trusted": Trust.TRUSTED,
    "signingCredential.untrusted": Trust.UNTRUSTED,
    "signingCredential.invalid": Trust.UNTRUSTED,
    "signingCredential.expired": Trust.UNTRUSTED,
    "signingCredential.revoked": Trust.UNTRUSTED,
    "claimSignature.outsideValidity": Trust.UNTRUSTED,
}
_TIME = {
    "timeStamp.trusted": Time.STAMPED,
}
_NOT_ABOUT_INTEGRITY = ("signingCredential.", "timeStamp.", "claimSignature.outsideValidity", "ingredient.")
_BOUND = ("assertion.dataHash.match", "assertion.bmffHash.match", "assertion.boxesHash.match")
_SIGNED = "claimSignature.validated"


def axes(codes: Mapping[str, Any]) -> tuple[Integrity, Trust, Time]:
    """Return what a manifest's validation *codes* (success, informational, failure) say of integrity, trust, time."""
    succeeded, failed = _names(codes, "success"), _names(codes, "failure")
    everything = succeeded + failed + _names(codes, "informational")
    if any(not name.startswith(_NOT_ABOUT_INTEGRITY) for name in failed):
        integrity = Integrity.BROKEN
    elif _SIGNED in succeeded and any(name in succeeded for name in _BOUND):
        integrity = Integrity.INTACT
    else:
        integrity = Integrity.UNKNOWN
    found = [_TRUST[name] for name in everything if name in _TRUST]
    trust = Trust.UNTRUSTED if Trust.UNTRUSTED in found else (found or [Trust.UNKNOWN])[0]
    time = next((_TIME[name] for name in succeeded if name in _TIME), Time.STATED)
    return integrity, trust, time


def failures(codes: Mapping[str, Any]) -> list[str]:
    """Return the names of the codes that say what failed."""
    return _names(codes, "failure")


def _names(codes: Mapping[str, Any], kind: str) -> list[str]:
    return [str(item.get("code", "")) for item in codes.get(kind) or []]

"""Reports: the result of an examination with the content's hash, the detector's address and the time, signed.

The Code of Practice (measure 2.1.2) has a detector give its result signed on request, with these fields. A report holds
no content. As JSON it is an object of ``report`` and ``signature``; a PDF says the same on a page and has the JSON
attached, under the name of :data:`ATTACHMENT`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from disclose.detector import signature
from disclose.errors import UnreadableError
from disclose.ledger.record import canonical
from disclose.version import __version__

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from pypdf import PdfReader

    from disclose.profile import Profile
    from disclose.signing import Signer

ATTACHMENT = "report.json"
_VERSION = 1
_LARGEST = 16 << 20


@dataclass(frozen=True, kw_only=True)
class CheckedReport:
    """A report, whether it is as it was signed, and by whom; ``fault`` says what is not."""

    report: Mapping[str, Any]
    is_intact: bool
    signer: str
    is_trusted: bool
    is_own: bool
    fault: str | None = None


def make(found: Mapping[str, Any], *, sha256: str, size: int, address: str, signer: Signer) -> dict[str, Any]:
    """Return the signed report of *found*, the JSON-ready result for content of *size* bytes with this *sha256*."""
    report = {
        "version": _VERSION,
        "content": {"sha256": sha256, "bytes": size},
        "detector": {"address": address, "software": f"disclose {__version__}"},
        "examined": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        # A file's name may say whose it is, and the hash says which it is.
        "verdict": {name: value for name, value in found.items() if name not in ("file", "shown")},
    }
    return {"report": report, "signature": signature.sign(canonical(report).encode(), signer)}


def check(data: bytes, profile: Profile) -> CheckedReport:
    """Return what the report in *data* (JSON or PDF) says, and whether it is as it was signed, and by whom.

    Trusted is who is on the profile's trust list. Raises UnreadableError for what is no report.
    """
    text, document = _parts(data)
    try:
        values = json.loads(text, object_pairs_hook=_each_once)
        report, jws = values["report"], values["signature"]
        if values.keys() != {"report", "signature"}:
            raise ValueError("something stands beside what was signed")
        payload = canonical(report).encode()
        if not isinstance(report, dict) or report["version"] != _VERSION:
            raise ValueError(f"its version is not {_VERSION}")
        report["content"]["sha256"], report["detector"]["address"], report["examined"], report["verdict"]["evidence"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"cannot read the report: it is none of this detector's kind ({error})") from error
    signed = signature.check(payload, str(jws))
    fault = None if signed.is_intact else "it was changed after it was signed"
    if fault is None and document is not None and not _shows(document, values):
        fault = "the page shows something else than the signed report that is attached to it"
    leaf = signed.certificates[0]
    return CheckedReport(
        report=report,
        is_intact=fault is None,
        signer=leaf.subject.rfc4514_string(),
        is_trusted=_leads_to(signed.certificates, profile.trust().anchors, _moment(report)),
        is_own=_fingerprint(leaf) == profile.signer().fingerprint,
        fault=fault,
    )


def lines(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the page of a *report* says, by its headings; the PDF is drawn from this and held against it."""
    verdict = report["verdict"]
    said = [
        ("Outcome", str(verdict.get("outcome", "could not be read"))),
        ("Content, SHA-256", str(report["content"]["sha256"])),
        ("Examined", str(report["examined"])),
        ("Detector", str(report["detector"]["address"])),
        ("Software", str(report["detector"]["software"])),
    ]
    if "error" in verdict:
        said.append(("Reason", str(verdict["error"])))
    disclosure = verdict.get("disclosure") or {}
    said += [(name.capitalize(), str(disclosure[name])) for name in ("system", "provider", "id") if name in disclosure]
    return said + [
        (f"Evidence: {item['layer']}", f"{item['summary']} (integrity {item['integrity']}, trust {item['trust']})")
        for item in verdict.get("evidence", [])
    ]


def _parts(data: bytes) -> tuple[bytes, PdfReader | None]:
    """Return the JSON of a report and, where it comes in a PDF, the document."""
    if len(data) > _LARGEST:
        raise UnreadableError(f"cannot read the report: it is larger than {_LARGEST >> 20} MB")
    if not data.startswith(b"%PDF-"):
        return data, None
    from pypdf import PdfReader

    with _reading_a_document():
        reader = PdfReader(io.BytesIO(data))
        attached = [one for name, found in reader.attachments.items() if name == ATTACHMENT for one in found]
    if len(attached) != 1:
        raise UnreadableError(f"cannot read the report: the PDF has not one {ATTACHMENT} attached, but {len(attached)}")
    return attached[0], reader


def _shows(document: PdfReader, signed: Mapping[str, Any]) -> bool:
    from disclose.detector.report_page import is_shown

    with _reading_a_document():
        return is_shown(document, signed)


@contextmanager
def _reading_a_document() -> Iterator[None]:
    from pypdf.errors import PyPdfError

    try:
        yield
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise UnreadableError(f"cannot read the report: it is a damaged PDF ({error})") from error


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of *members*; raises ValueError where one is there twice, of which readers take either."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member of it is there twice")
    return found


def _moment(report: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(report["examined"]))
    except ValueError as error:
        raise UnreadableError(f"cannot read the report: {error}") from error


def _leads_to(chain: tuple[Certificate, ...], anchors: str, moment: datetime) -> bool:
    """Whether each of *chain* was valid at *moment* and issued by the next, and the last by one of *anchors* (PEM)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import load_pem_x509_certificates

    if not anchors.strip() or moment.tzinfo is None:
        return False
    trusted = load_pem_x509_certificates(anchors.encode())
    known = {_fingerprint(one) for one in trusted}
    for place, one in enumerate(chain):
        if not one.not_valid_before_utc <= moment <= one.not_valid_after_utc:
            return False
        if _fingerprint(one) in known:
            return True
        for issuer in (*trusted, *chain[place + 1 : place + 2]):
            try:
                one.verify_directly_issued_by(issuer)
            except (ValueError, TypeError, InvalidSignature):
                continue
            if _fingerprint(issuer) in known:
                return _is_authority(issuer)
            if _is_authority(issuer):
                break
        else:
            return False
    return False


def _is_authority(certificate: Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _fingerprint(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex()

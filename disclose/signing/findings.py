"""Findings about an identity: what a check found, how much it matters, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found, in words, and what to do about it; *check* is a stable name for machines."""

    check: str
    severity: Severity
    summary: str
    next_step: str = ""


def fine(check: str, summary: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(check=check, severity=Severity.FINE, summary=summary)


def warning(check: str, summary: str, next_step: str) -> Finding:
    """Return a finding that does not keep the identity from signing."""
    return Finding(check=check, severity=Severity.WARNING, summary=summary, next_step=next_step)


def error(check: str, summary: str, next_step: str) -> Finding:
    """Return a finding that keeps the identity from signing, or readers from accepting what it signs."""
    return Finding(check=check, severity=Severity.ERROR, summary=summary, next_step=next_step)

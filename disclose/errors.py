"""Errors: what disclose raises when it is unable to do what was asked.

Findings are never raised: absence and damage are evidence (see :mod:`disclose.evidence`). The tree::

    DiscloseError
    ├── InputError              the thing handed over cannot be worked with
    │   ├── UnreadableError     missing, empty, truncated, not the format it claims to be
    │   ├── UnsupportedError    readable, but of a kind that is refused by name
    │   └── TooLargeError       more pixels or bytes than the stated limit
    ├── MarkingError            an output could not be marked, so it must not leave
    ├── IdentityError           a key, certificate or signer is missing or unfit
    ├── LedgerError             the ledger cannot be opened, read or appended to
    ├── ProfileError            a setting is misspelt, missing or contradictory
    └── ExtraMissingError       an optional dependency is needed and not installed

Every message says what was being done, to what, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class DiscloseError(Exception):
    """Base of everything disclose raises on purpose."""


class InputError(DiscloseError):
    """The thing handed over cannot be worked with."""


class UnreadableError(InputError):
    """The input is missing, empty, truncated or not what it claims to be."""


class UnsupportedError(InputError):
    """The input is readable, but of a kind that is refused by name."""


class TooLargeError(InputError):
    """The input exceeds a stated limit; it was not decoded."""


class MarkingError(DiscloseError):
    """An output could not be marked; it must not leave unmarked."""


class IdentityError(DiscloseError):
    """A key, certificate or signer is missing or unfit for its use."""


class LedgerError(DiscloseError):
    """The ledger cannot be opened, read or appended to."""


class ProfileError(DiscloseError):
    """A setting is misspelt, missing or contradicts another."""


class ExtraMissingError(DiscloseError, ImportError):
    """An optional dependency is needed; the message names the extra that brings it."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Turn a failing import in the block into advice to install the extra *name*."""
    try:
        yield
    except ImportError as error:
        missing = error.name or str(error)
        raise ExtraMissingError(f"{missing} is needed here: pip install 'disclose-ai[{name}]'") from error

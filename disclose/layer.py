"""Layer: one technique that carries a disclosure, and the three planes it can carry it in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.evidence import Evidence


class Plane(IntEnum):
    """Where a layer carries the disclosure.

    The order is a law of the field, so it is code and not configuration: whatever is signed must not change
    afterwards, and whatever is recorded must be what was signed.
    """

    CONTENT = 1
    CONTAINER = 2
    RECORD = 3


@runtime_checkable
class Layer(Protocol):
    """The one extension point, found through the entry-point group ``disclose.layers``.

    ``media`` holds media types or patterns of them (``image/png``, ``image/*``).
    """

    name: str
    plane: Plane
    media: tuple[str, ...]

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* carrying *disclosure*; raise a DiscloseError when that cannot be done."""
        ...

    def detect(self, asset: Asset) -> Iterable[Evidence]:
        """Yield what there is to be found; absence is an empty answer, damage is evidence."""
        ...


@runtime_checkable
class Recogniser(Protocol):
    """A layer that can tell quickly which identifier an asset carries already."""

    def carried(self, asset: Asset) -> Carried | None:
        """Return what the asset carries of ours, or None."""
        ...


@dataclass(frozen=True, kw_only=True)
class Carried:
    """An identifier found in an asset before marking; *whole* if the asset left here finished."""

    mark: Mark
    identifier: Identifier
    disclosure: Disclosure | None = None
    whole: bool = False


@runtime_checkable
class Comparer(Protocol):
    """A layer that can hold an asset against the mark it left when the content was issued.

    This is what meets the copy attack: an identifier lifted from one picture and laid over another.
    """

    def compare(self, asset: Asset, issued: Mark, finding: Evidence) -> Evidence:
        """Return evidence on whether *asset* still is what *issued* describes; *finding* led to the record."""
        ...


@runtime_checkable
class Drawer(Protocol):
    """A layer that changes what is seen, and so goes before the others of its plane: they must fit what it drew."""

    draws: bool


@runtime_checkable
class HistoryKeeper(Protocol):
    """A layer that keeps the credentials which came with an asset, and signs what the others changed."""

    keeps_history: bool


@runtime_checkable
class Beside(Protocol):
    """A layer that can put its mark into a file of its own, beside assets of the media types in ``beside``."""

    beside: tuple[str, ...]


def handles(layer: Layer, media_type: str) -> bool:
    """Whether *layer* works on *media_type*."""
    return _matches(layer.media, media_type)


def handles_beside(layer: Layer, media_type: str) -> bool:
    """Whether *layer* can mark *media_type* only in a file of its own."""
    # Each answer begins with this question for every layer, and isinstance() asks a protocol ten times as slowly.
    beside: tuple[str, ...] = getattr(layer, "beside", ())
    return bool(beside) and not handles(layer, media_type) and _matches(beside, media_type)


def _matches(patterns: tuple[str, ...], media_type: str) -> bool:
    return any(fnmatchcase(media_type, pattern) for pattern in patterns)

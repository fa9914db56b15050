"""The registry: which layers are installed, found through the entry-point group ``disclose.layers``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disclose.errors import ProfileError
from disclose.layer import Layer
from disclose.spelling import suggestion

if TYPE_CHECKING:
    from disclose.ledger import Ledger
    from disclose.signing import Signer, TrustList

GROUP = "disclose.layers"


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a layer may draw on; the costly parts are functions, called by the layers that need them.

    ``folder`` is where the profile keeps what it makes itself, such as keys.
    """

    signer: Callable[[], Signer]
    trust: Callable[[], TrustList]
    ledger: Callable[[], Ledger]
    folder: Path
    watermark_key: bytes | None = None
    text_keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    tokenizers: tuple[str, ...] = ()
    strength: float = 1.0
    legacy_message: str | None = None
    label_language: str = "en"
    aigc_producer: str | None = None
    training_mining: bool = False
    keep_manifests: bool = False


def names() -> tuple[str, ...]:
    """Return the names of all installed layers, sorted."""
    return tuple(sorted(_found()))


def create(name: str, resources: Resources) -> Layer:
    """Return the layer *name*, given what it needs; raises ProfileError when none of that name is installed."""
    found = _found()
    if name not in found:
        raise ProfileError(f"there is no layer {name!r}: {suggestion(name, names())}")
    factory: Callable[[Resources], Any] = found[name].load()
    layer = factory(resources)
    if not isinstance(layer, Layer):
        raise ProfileError(f"layer {name!r} ({found[name].value}) lacks a part of the contract of disclose.layer.Layer")
    return layer


@cache
def _found() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}

"""Block: one metadata block as it stands in a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Block:
    """One metadata block as it stands in a file, its framing included."""

    kind: bytes
    raw: bytes

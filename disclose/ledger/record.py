"""Record: one entry of the ledger, and the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

from disclose.asset import Mark
from disclose.disclosure import Disclosure

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was issued: the statement, the hash of the bytes, and the marks the layers left. No content, no prompt."""

    sequence: int
    disclosure: Disclosure
    sha256: str
    media_type: str
    marks: tuple[Mark, ...]
    recorded: str
    previous: str
    hash: str

    def mark_of(self, layer: str) -> Mark | None:
        """Return the mark that *layer* left when the content was issued."""
        return next((mark for mark in self.marks if mark.layer == layer), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-ready values."""
        return {
            "sequence": self.sequence,
            **body(self.disclosure, self.sha256, self.media_type, self.marks, self.recorded),
            "previous": self.previous,
            "hash": self.hash,
        }

    @classmethod
    def from_body(cls, sequence: int, text: str, previous: str, own_hash: str) -> Self:
        """Read the body that :func:`canonical` wrote; raises ValueError or KeyError on anything else."""
        values = json.loads(text)
        return cls(
            sequence=sequence,
            disclosure=Disclosure.from_dict(values["disclosure"]),
            sha256=values["sha256"],
            media_type=values["media_type"],
            marks=tuple(Mark(layer=layer, details=details) for layer, details in values["marks"].items()),
            recorded=values["recorded"],
            previous=previous,
            hash=own_hash,
        )


def body(
    disclosure: Disclosure, sha256: str, media_type: str, marks: tuple[Mark, ...], recorded: str
) -> dict[str, Any]:
    """Return what an entry's hash covers."""
    return {
        "disclosure": disclosure.to_dict(),
        "sha256": sha256,
        "media_type": media_type,
        "marks": {mark.layer: dict(mark.details) for mark in marks},
        "recorded": recorded,
    }


def canonical(values: dict[str, Any]) -> str:
    """Return *values* as JSON that is the same wherever it is written: sorted keys, no spaces."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chained(previous: str, text: str) -> str:
    """Return the hash of an entry: SHA-256 over the hash before it and its canonical body."""
    return hashlib.sha256(previous.encode("ascii") + text.encode()).hexdigest()

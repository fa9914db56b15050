"""Record: one entry of the ledger, and the text that its hash covers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from disclose.asset import Mark
from disclose.disclosure import Disclosure
from disclose.ledger.tree import leaf_hash


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was issued: the statement, the hash of the bytes, and the marks the layers left. No content, no prompt.

    ``hash`` is that of its leaf in the tree of records (RFC 6962), hexadecimal.
    """

    sequence: int
    disclosure: Disclosure
    sha256: str
    media_type: str
    marks: tuple[Mark, ...]
    recorded: str
    hash: str

    def mark_of(self, layer: str) -> Mark | None:
        """Return the mark that *layer* left when the content was issued."""
        return next((mark for mark in self.marks if mark.layer == layer), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-ready values."""
        return {
            "sequence": self.sequence,
            **body(self.disclosure, self.sha256, self.media_type, self.marks, self.recorded),
            "hash": self.hash,
        }

    @classmethod
    def from_body(cls, sequence: int, text: str) -> Self:
        """Read the body that :func:`canonical` wrote; raises ValueError or KeyError on anything else."""
        values = json.loads(text)
        return cls(
            sequence=sequence,
            disclosure=Disclosure.from_dict(values["disclosure"]),
            sha256=values["sha256"],
            media_type=values["media_type"],
            marks=tuple(Mark(layer=layer, details=details) for layer, details in values["marks"].items()),
            recorded=values["recorded"],
            hash=leaf_hash(text.encode()).hex(),
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

"""Proofs: one entry, the path to a signed checkpoint, and the check that needs nothing else but the log's key."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from disclose.errors import LedgerError
from disclose.ledger.checkpoint import Checkpoint, VerifierKey
from disclose.ledger.erasure import Erasure
from disclose.ledger.log import Leaf
from disclose.ledger.tree import leaf_hash, proves_inclusion

FORMAT = "disclose-ledger-proof/1"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That the entry with this ``text`` is under a checkpoint; of an erased one the hash and the ``erasure`` remain.

    ``key`` is the log's public key as its owner gives it: a proof shows nothing to those who take the key from it.
    """

    text: str | None
    erasure: Erasure | None
    leaf: Leaf
    key: str

    def checked(self, trusted: VerifierKey) -> Checkpoint:
        """Return the checkpoint that the entry is under; raises LedgerError unless *trusted* signed just that."""
        checkpoint = trusted.opened(self.leaf.note)
        if self.text is not None and leaf_hash(self.text.encode()) != self.leaf.hash:
            raise LedgerError("the proof does not hold: the entry is not the one whose hash it leads from")
        leaf, proof = self.leaf, self.leaf.proof
        if not proves_inclusion(leaf.hash, leaf.position, checkpoint.size, proof, checkpoint.root):
            raise LedgerError("the proof does not hold: it does not lead to the root that the checkpoint names")
        return checkpoint

    def to_json(self) -> str:
        """Return the proof as a file holds it."""
        values = {
            "format": FORMAT,
            "entry": self.text,
            "erasure": None if self.erasure is None else asdict(self.erasure),
            "index": self.leaf.position,
            "leaf": _encoded(self.leaf.hash),
            "proof": [_encoded(one) for one in self.leaf.proof],
            "checkpoint": self.leaf.note,
            "key": self.key,
        }
        return json.dumps(values, ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; raises LedgerError on anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            if values["format"] != FORMAT:
                raise ValueError(f"its format is {values['format']!r}, not {FORMAT!r}")
            leaf = Leaf(
                position=int(values["index"]),
                hash=base64.b64decode(values["leaf"], validate=True),
                proof=tuple(base64.b64decode(one, validate=True) for one in values["proof"]),
                note=str(values["checkpoint"]),
            )
            erasure = None if values["erasure"] is None else Erasure(**values["erasure"])
            entry = values["entry"]
            if entry is not None and not isinstance(entry, str):
                raise ValueError("its entry is no text")
            return cls(text=entry, erasure=erasure, leaf=leaf, key=str(values["key"]))
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise LedgerError(f"cannot read the proof: {error}; 'disclose ledger prove' writes such files") from error


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

"""Erasures: what a record said is gone for good, that it was there stays known, and the tree stays whole.

Of an erased record its number, identifier, SHA-256 and leaf hash remain, and, shared by all records and tied
to none, the hash of the signer's certificate. The erasure is an entry of a log of its own, so that nothing can be
emptied without a trace.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from disclose.disclosure import Identifier
from disclose.ledger import phrases
from disclose.ledger.manifests import drop
from disclose.ledger.record import canonical
from disclose.ledger.tables import ENTRIES, ERASURES, QUOTED_ANSWERS
from disclose.ledger.tree import leaf_hash

_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """That entry ``entry`` was ``recorded`` once, and ``erased`` later for a ``reason`` (times in ISO 8601, UTC)."""

    entry: int
    identifier: str
    sha256: str
    recorded: str
    erased: str
    reason: str

    def __str__(self) -> str:
        return f"recorded on {self.recorded[:10]}, erased on {self.erased[:10]} for: {self.reason}"

    @property
    def id(self) -> Identifier:
        """The identifier that the record was issued under."""
        return Identifier.parse(self.identifier)

    def to_text(self) -> str:
        """Return the text that the erasure's hash covers."""
        return canonical(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what :meth:`to_text` wrote; raises ValueError or TypeError on anything else."""
        return cls(**json.loads(text))


def erase(connection: Connection, rows: Sequence[Any], reason: str, numbers: Sequence[int]) -> list[Erasure]:
    """Erase the entries *rows*, their manifests, and by what their texts are found again, in an exclusive transaction.

    Return the erasures, which have the *numbers* given.
    """
    now = now_text()
    made = [
        Erasure(
            entry=row.number,
            identifier=row.identifier.hex(),
            sha256=row.sha256.hex(),
            recorded=from_microseconds(row.recorded),
            erased=now,
            reason=reason,
        )
        for row in rows
    ]
    if made:
        values = [_row(number, one) for number, one in zip(numbers, made, strict=True)]
        connection.execute(insert(ERASURES), values)
        emptied = update(ENTRIES).where(ENTRIES.c.number.in_([one.entry for one in made]))
        connection.execute(emptied.values(body=None, likeness=None))
        drop(connection, [one.entry for one in made])
        quoted = QUOTED_ANSWERS.c.identifier.in_([row.identifier for row in rows])
        # To delete reads all phrases through, which most erasures, being of pictures, need not wait for.
        if connection.execute(select(QUOTED_ANSWERS.c.number).where(quoted).limit(1)).first() is not None:
            delete_quotations(connection, quoted)
    return made


def _row(number: int, erasure: Erasure) -> dict[str, Any]:
    text = erasure.to_text()
    return {"number": number, "entry": erasure.entry, "leaf": leaf_hash(text.encode()), "body": text}


def delete_quotations(connection: Connection, condition: ColumnElement[bool]) -> int:
    """Delete the answers of the quotation logs that *condition* holds for, with their phrases; return how many."""
    if connection.dialect.name == "sqlite":
        # What is deleted is overwritten with zeros.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    phrases.remove(connection, select(QUOTED_ANSWERS.c.number).where(condition))
    return connection.execute(delete(QUOTED_ANSWERS).where(condition)).rowcount


def now_text() -> str:
    """Return the time as it stands in entries."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_microseconds(moment: datetime) -> int:
    """Return *moment* (with its time zone) as microseconds since 1970."""
    return (moment - _START) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> str:
    """Return the time that :func:`to_microseconds` counted, as it stands in entries."""
    return (_START + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

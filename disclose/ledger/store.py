"""The ledger's storage: SQLite in WAL mode, entries appended one by one, each hashed over the one before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy
from numpy.typing import NDArray
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from disclose.asset import Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import LedgerError
from disclose.ledger import record
from disclose.ledger.record import Record

_METADATA = MetaData()
_ENTRIES = Table(
    "entries",
    _METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("identifier", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("likeness", LargeBinary(32)),
    Column("body", String, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("entries_by_identifier", "identifier"),
    Index("entries_by_sha256", "sha256"),
)
_APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS entries_no_{verb} BEFORE {verb} ON entries "
    f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("update", "delete")
)
_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000")


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """The nearest entry by perceptual hash, and how many of 256 bits differ."""

    record: Record
    distance: int
    searched: int


@dataclass(frozen=True, kw_only=True)
class LedgerCheck:
    """What checking the chain found. A tail cut off whole leaves a shorter chain that is intact in itself."""

    entries: int
    head: str
    broken_at: int | None = None
    reason: str | None = None

    @property
    def is_intact(self) -> bool:
        """Whether every entry is what it was when it was appended, and none is missing in between."""
        return self.broken_at is None


class Ledger:
    """An append-only record of what was issued, in one SQLite file that anyone can inspect.

    Raises LedgerError, with the file and the reason, whenever the file cannot be opened, read or appended to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._appending = threading.Lock()
        self._hashes: NDArray[numpy.uint8] = numpy.empty((0, 32), numpy.uint8)
        self._hash_sequences: list[int] = []
        self._hashes_seen = 0
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"cannot open the ledger {path}: {error.strerror}") from error
        with self.connection(writing=True) as connection:
            _METADATA.create_all(connection)
            for statement in _APPEND_ONLY:
                connection.exec_driver_sql(statement)

    def append(
        self,
        *,
        disclosure: Disclosure,
        sha256: str,
        media_type: str,
        marks: tuple[Mark, ...],
        likeness: bytes | None = None,
    ) -> Record:
        """Append what was issued and return its record; it is on disk when this returns.

        ``likeness`` is a perceptual hash of 32 bytes, for :meth:`nearest`.
        """
        recorded = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        text = record.canonical(record.body(disclosure, sha256, media_type, marks, recorded))
        # The lock keeps threads in line; between processes SQLite's own write lock does (BEGIN IMMEDIATE).
        with self._appending, self.connection(writing=True) as connection:
            head = connection.execute(
                select(_ENTRIES.c.sequence, _ENTRIES.c.hash).order_by(_ENTRIES.c.sequence.desc()).limit(1)
            ).first()
            sequence, previous = (1, record.GENESIS) if head is None else (head.sequence + 1, head.hash)
            own_hash = record.chained(previous, text)
            connection.execute(
                insert(_ENTRIES).values(
                    sequence=sequence,
                    identifier=str(disclosure.id),
                    sha256=sha256,
                    likeness=likeness,
                    body=text,
                    previous=previous,
                    hash=own_hash,
                )
            )
        return Record.from_body(sequence, text, previous, own_hash)

    def find(self, identifier: Identifier) -> list[Record]:
        """Return every record whose id begins with *identifier*, oldest first."""
        missing = 128 - identifier.length
        lowest = f"{identifier.value << missing:032x}"
        highest = f"{(identifier.value << missing) | ((1 << missing) - 1):032x}"
        return self._select(_ENTRIES.c.identifier.between(lowest, highest))

    def find_content(self, sha256: str) -> Record | None:
        """Return the record of the very bytes with this SHA-256, or None."""
        return next(iter(self._select(_ENTRIES.c.sha256 == sha256)), None)

    def nearest(self, *hashes: bytes) -> Likeness | None:
        """Return the entry whose perceptual hash differs least from any of *hashes* (32 bytes each), or None.

        Every entry is compared: exact, two milliseconds for a million of them, and no index that could be wrong.
        """
        self._load_hashes()
        if not len(self._hashes):
            return None
        best_distance, best_row = 257, 0
        for candidate in hashes:
            difference = numpy.bitwise_count(self._hashes ^ numpy.frombuffer(candidate, numpy.uint8))
            distances = difference.sum(axis=1, dtype=numpy.uint16)
            row = int(distances.argmin())
            if distances[row] < best_distance:
                best_distance, best_row = int(distances[row]), row
        found = self._select(_ENTRIES.c.sequence == self._hash_sequences[best_row])
        return Likeness(record=found[0], distance=best_distance, searched=len(self._hashes))

    def records(self, *, newest_first: bool = False, limit: int | None = None) -> list[Record]:
        """Return up to *limit* records in order of issue, or the newest first."""
        order = _ENTRIES.c.sequence.desc() if newest_first else _ENTRIES.c.sequence
        return self._select(None, order=order, limit=limit)

    def __len__(self) -> int:
        with self.connection() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM entries").scalar_one())

    def verify(self) -> LedgerCheck:
        """Check every entry against its hash and its place in the chain."""
        with self.connection() as connection:
            rows = connection.execute(select(_ENTRIES).order_by(_ENTRIES.c.sequence))
            return checked_chain(rows, "entry", _is_indexed_as_written)

    def _select(self, condition: Any, *, order: Any = _ENTRIES.c.sequence, limit: int | None = None) -> list[Record]:
        query = select(_ENTRIES.c.sequence, _ENTRIES.c.body, _ENTRIES.c.previous, _ENTRIES.c.hash)
        query = query if condition is None else query.where(condition)
        with self.connection() as connection:
            rows = connection.execute(query.order_by(order).limit(limit)).all()
        try:
            return [Record.from_body(*row) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                f"cannot read the ledger {self.path}: an entry is not what was appended ({error});"
                " run 'disclose ledger verify'"
            ) from error

    def _load_hashes(self) -> None:
        query = select(_ENTRIES.c.sequence, _ENTRIES.c.likeness).where(
            _ENTRIES.c.sequence > self._hashes_seen, _ENTRIES.c.likeness.is_not(None)
        )
        with self._appending, self.connection() as connection:
            rows = connection.execute(query.order_by(_ENTRIES.c.sequence)).all()
            if not rows:
                return
            added = numpy.frombuffer(b"".join(row.likeness for row in rows), numpy.uint8).reshape(-1, 32)
            self._hashes = numpy.concatenate([self._hashes, added])
            self._hash_sequences += [row.sequence for row in rows]
            self._hashes_seen = rows[-1].sequence

    @contextmanager
    def connection(self, *, writing: bool = False) -> Iterator[Connection]:
        """Give a connection to the file; with *writing* it holds the write lock, and commits when the block ends."""
        try:
            with self._engine.connect().execution_options(writing=writing) as connection:
                yield connection
                if writing:
                    connection.commit()
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise LedgerError(f"cannot use the ledger {self.path}: {reason}") from error

    def close(self) -> None:
        """Close the connections to the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def checked_chain(rows: Iterable[Any], what: str, is_indexed_as_written: Callable[[Any], bool]) -> LedgerCheck:
    """Return whether each of *rows*, in order, follows the one before it, and is what was appended.

    *what* names a row in words; *is_indexed_as_written* holds its other columns against its body.
    """
    expected, position = record.GENESIS, 0
    for position, row in enumerate(rows, 1):
        reason = None
        if row.sequence != position:
            reason = f"{what} {position} is missing"
        elif row.previous != expected:
            reason = f"{what} {row.sequence} does not follow the {what} before it"
        elif record.chained(row.previous, row.body) != row.hash:
            reason = f"{what} {row.sequence} was changed after it was appended"
        elif not is_indexed_as_written(row):
            reason = f"the index of {what} {row.sequence} does not match its body"
        if reason is not None:
            return LedgerCheck(entries=position, head=expected, broken_at=row.sequence, reason=reason)
        expected = row.hash
    return LedgerCheck(entries=position, head=expected)


def _is_indexed_as_written(row: Any) -> bool:
    read = Record.from_body(row.sequence, row.body, row.previous, row.hash)
    return (row.identifier, row.sha256) == (str(read.disclosure.id), read.sha256)


def _configure(connection: Any, _: Any) -> None:
    # sqlite3 would begin transactions on its own, too late for the write lock that _begin takes.
    connection.isolation_level = None
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    # Every read is one statement, which SQLite sees at one moment anyway.
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

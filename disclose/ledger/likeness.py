"""Likeness search: the entry whose perceptual hash of 256 bits differs least, exact, by comparing all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from sqlalchemy import Connection, LargeBinary, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import BIT, aggregate_order_by

from disclose.ledger.database import Database
from disclose.ledger.record import Record
from disclose.ledger.tables import ENTRIES, NODES, PENDING, LogName

LARGEST_IN_PROCESS = 5_000_000
"""Up to so many hashes (32 bytes each) are searched in memory; beyond, PostgreSQL searches them itself."""
_WORDS = 4
_BLOCK = 65_536
"""Hashes compared at a time: what they need stays in the processor's cache."""
_PAGE = 50_000


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """The nearest entry by perceptual hash, and how many of 256 bits differ."""

    record: Record
    distance: int
    searched: int


class PackedHashes:
    """Hashes of 256 bits with a number each, packed as four rows of 64-bit words."""

    def __init__(self) -> None:
        self._words = numpy.empty((_WORDS, 0), numpy.uint64)
        self._numbers = numpy.empty(0, numpy.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, numbers: Sequence[int] | NDArray[numpy.int64], hashes: bytes) -> None:
        """Add *hashes*, 32 bytes each, in the order of their *numbers*."""
        added = len(numbers)
        if self._count + added > len(self._numbers):
            room = max(1024, self._count + added, len(self._numbers) * 3 // 2)
            words, own = numpy.empty((_WORDS, room), numpy.uint64), numpy.empty(room, numpy.int64)
            words[:, : self._count], own[: self._count] = (
                self._words[:, : self._count],
                self._numbers[: self._count],
            )
            self._words, self._numbers = words, own
        end = self._count + added
        self._words[:, self._count : end] = numpy.frombuffer(hashes, numpy.uint64).reshape(added, _WORDS).T
        self._numbers[self._count : end] = numbers
        self._count = end

    def nearest(self, hashes: Iterable[bytes]) -> tuple[int, int] | None:
        """Return the number of the hash that differs least from any of *hashes*, and by how many bits."""
        wanted = [numpy.frombuffer(one, numpy.uint64) for one in hashes]
        best: tuple[int, int] | None = None
        for start in range(0, self._count, _BLOCK):
            block = self._words[:, start : min(start + _BLOCK, self._count)]
            for one in wanted:
                distances = _distances(block, one)
                place = int(distances.argmin())
                if best is None or distances[place] < best[1]:
                    best = int(self._numbers[start + place]), int(distances[place])
        return best


class LikenessSearch:
    """The hashes in *database*, read as they come in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Read everything anew at the next search, as after an erasure."""
        self._hashes = PackedHashes()
        self._seen = 0

    def nearest(self, hashes: Sequence[bytes]) -> tuple[int, int, int] | None:
        """Return the number of the nearest entry, its distance, and how many were compared."""
        with self._database.connection() as connection:
            if not self._database.is_sqlite and self._is_too_large(connection):
                return _by_the_database(connection, hashes)
            with self._reading:
                waiting = self._refresh(connection)
                found = [one.nearest(hashes) for one in (self._hashes, waiting)]
                searched = len(self._hashes) + len(waiting)
        nearest = [one for one in found if one is not None]
        return (*min(nearest, key=lambda one: one[1]), searched) if nearest else None

    def _is_too_large(self, connection: Connection) -> bool:
        return self._placed(connection) > LARGEST_IN_PROCESS

    def _placed(self, connection: Connection) -> int:
        last = select(func.max(NODES.c.position)).where(NODES.c.log == LogName.RECORDS.code, NODES.c.level == 0)
        newest = connection.execute(last).scalar()
        return 0 if newest is None else int(newest) + 1

    def _refresh(self, connection: Connection) -> PackedHashes:
        """Read the hashes that came since the last time; return those whose entries wait for a place in the tree."""
        # First those that wait: what gets its place in between is then seen twice rather than not at all.
        waiting = PackedHashes()
        joined = PENDING.join(ENTRIES, (ENTRIES.c.number == PENDING.c.entry) & (PENDING.c.log == LogName.RECORDS.code))
        query = select(ENTRIES.c.number, ENTRIES.c.likeness).select_from(joined).where(ENTRIES.c.likeness.is_not(None))
        _add(waiting, connection.execute(query).all())
        if not self._seen and (placed := self._placed(connection)):
            # What has a place by now does not wait any more, and reading that in one go is much the quickest.
            self._seen = placed
            for numbers, hashes in _all(connection):
                self._hashes.add(numbers, hashes)
        # By their places in the tree: numbers can come late in PostgreSQL, places never do.
        pages = (
            select(NODES.c.position, ENTRIES.c.number, ENTRIES.c.likeness)
            .select_from(NODES.join(ENTRIES, ENTRIES.c.number == NODES.c.entry))
            .where(NODES.c.log == LogName.RECORDS.code, NODES.c.level == 0)
            .order_by(NODES.c.position)
            .limit(_PAGE)
        )
        while rows := connection.execute(pages.where(NODES.c.position >= self._seen)).all():
            _add(self._hashes, [row for row in rows if row.likeness is not None])
            self._seen = rows[-1].position + 1
        return waiting


def _add(hashes: PackedHashes, rows: Sequence[Any]) -> None:
    hashes.add([row.number for row in rows], b"".join(row.likeness for row in rows))


def _all(connection: Connection) -> Iterator[tuple[NDArray[numpy.int64], bytes]]:
    """Yield the numbers of all entries with a likeness that have a place, and their hashes, page by page."""
    last = -1
    waits = select(PENDING.c.entry).where(PENDING.c.log == LogName.RECORDS.code, PENDING.c.entry == ENTRIES.c.number)
    page = (
        select(ENTRIES.c.number, ENTRIES.c.likeness)
        .where(ENTRIES.c.likeness.is_not(None), ENTRIES.c.number > bindparam("last"), ~waits.exists())
        .order_by(ENTRIES.c.number)
        .limit(_PAGE)
    )
    if connection.dialect.name != "sqlite":
        # Joined by the server: its rows one by one would take this driver longer than the search.
        rows = page.subquery()
        empty = cast(literal(b"", LargeBinary), LargeBinary)
        numbers = func.string_agg(func.int8send(rows.c.number), aggregate_order_by(empty, rows.c.number))
        hashes = func.string_agg(rows.c.likeness, aggregate_order_by(empty, rows.c.number))
        page = select(numbers, hashes)
    while True:
        found = connection.execute(page, {"last": last}).all()
        if connection.dialect.name == "sqlite":
            counted = numpy.array([row[0] for row in found], numpy.int64)
            joined = b"".join([row[1] for row in found])
        else:
            counted = numpy.frombuffer(found[0][0] or b"", ">i8").astype(numpy.int64)
            joined = bytes(found[0][1] or b"")
        if not len(counted):
            return
        yield counted, joined
        last = int(counted[-1])


def _distances(block: NDArray[numpy.uint64], wanted: NDArray[numpy.uint64]) -> NDArray[numpy.uint16]:
    """Return how many bits of each hash in *block*, shape (4, count), differ from *wanted*."""
    differing = numpy.empty(block.shape[1], numpy.uint64)
    counted = numpy.empty(block.shape[1], numpy.uint8)
    # Three words differ in 192 bits at most, which a byte holds.
    total = numpy.zeros(block.shape[1], numpy.uint8)
    for word in range(_WORDS - 1):
        numpy.bitwise_count(numpy.bitwise_xor(block[word], wanted[word], out=differing), out=counted)
        numpy.add(total, counted, out=total)
    numpy.bitwise_count(numpy.bitwise_xor(block[-1], wanted[-1], out=differing), out=counted)
    return numpy.add(total, counted, dtype=numpy.uint16)


def _by_the_database(connection: Connection, hashes: Sequence[bytes]) -> tuple[int, int, int] | None:
    """Return what :meth:`LikenessSearch.nearest` does, found by PostgreSQL: no memory here, and a look at every row."""
    recorded = cast(literal("x").concat(func.encode(ENTRIES.c.likeness, "hex")), BIT(256))
    given = [cast(literal(f"{int.from_bytes(one):0256b}"), BIT(256)) for one in hashes]
    distance = func.least(*(func.bit_count(recorded.op("#")(one)) for one in given)).label("distance")
    has_likeness = ENTRIES.c.likeness.is_not(None)
    query = select(ENTRIES.c.number, distance).where(has_likeness).order_by(distance, ENTRIES.c.number).limit(1)
    row = connection.execute(query).first()
    searched = select(func.count()).select_from(ENTRIES).where(has_likeness)
    return None if row is None else (int(row.number), int(row.distance), connection.execute(searched).scalar_one())

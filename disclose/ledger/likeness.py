"""Likeness search: the entry whose perceptual hash of 256 bits differs least, exact, among all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from sqlalchemy import Connection, LargeBinary, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import BIT, aggregate_order_by

from disclose.ledger.database import Database
from disclose.ledger.hashes import BITS, PackedHashes
from disclose.ledger.record import Record
from disclose.ledger.tables import ENTRIES, NODES, PENDING, LogName

LARGEST_IN_PROCESS = 5_000_000
"""Up to so many hashes (48 bytes each) are searched in memory; beyond, PostgreSQL searches them itself."""
_PAGE = 50_000


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """The nearest entry by perceptual hash, and how many of 256 bits differ."""

    record: Record
    distance: int
    searched: int


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

    def nearest(
        self, hashes: Sequence[bytes], within: Callable[[int], int] | None = None
    ) -> tuple[int, int, int] | None:
        """Return the number of the nearest entry, its distance, and how many were compared.

        *within* tells how many bits may differ among so many entries; None says that more do in all of them. A
        limit also makes the search of many quicker.
        """
        with self._database.connection() as connection:
            if not self._database.is_sqlite and self._is_too_large(connection):
                found = _by_the_database(connection, hashes)
                return None if found is None or (within and found[1] > within(found[2])) else found
            with self._reading:
                waiting = self._refresh(connection)
                searched = len(self._hashes) + len(waiting)
                limit = BITS if within is None else within(searched)
                nearest = [
                    one
                    for stored in (self._hashes, waiting)
                    if (one := stored.nearest(hashes, within=limit)) is not None
                ]
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

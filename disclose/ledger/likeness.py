"""Likeness search: the entry whose perceptual hash of 256 bits differs least, exact, among all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from sqlalchemy import Connection, LargeBinary, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import BIT, aggregate_order_by

from disclose.ledger.database import Database
from disclose.ledger.hashes import BITS, PackedHashes
from disclose.ledger.record import Record
from disclose.ledger.tables import ENTRIES

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
                self._refresh(connection)
                searched = len(self._hashes)
                limit = BITS if within is None else within(searched)
                nearest = self._hashes.nearest(hashes, within=limit)
        return None if nearest is None else (*nearest, searched)

    def _is_too_large(self, connection: Connection) -> bool:
        highest = connection.execute(select(func.max(ENTRIES.c.number))).scalar()
        return highest is not None and int(highest) > LARGEST_IN_PROCESS

    def _refresh(self, connection: Connection) -> None:
        """Read the hashes that came since the last time; none comes late, behind a higher number."""
        for numbers, hashes in _after(connection, self._seen):
            self._hashes.add(numbers, hashes)
            self._seen = int(numbers[-1])


def _after(connection: Connection, last: int) -> Iterator[tuple[NDArray[numpy.int64], bytes]]:
    """Yield the numbers above *last* of entries with a likeness, and their hashes, page by page."""
    page = (
        select(ENTRIES.c.number, ENTRIES.c.likeness)
        .where(ENTRIES.c.likeness.is_not(None), ENTRIES.c.number > bindparam("last"))
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
        if len(counted) < _PAGE:
            return
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

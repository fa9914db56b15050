"""The tree of a log in the database: the leaves with the entries, and of the nodes above them every eighth level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, func, insert, select

from disclose.errors import LedgerError
from disclose.ledger import places
from disclose.ledger.places import Places
from disclose.ledger.tables import CHECKPOINTS, NODES, PLACES, LogName
from disclose.ledger.tree import folded

_HEIGHT = 8
"""What lies between two stored levels is computed from at most 256 nodes of the lower one."""
_MOST = 64
"""So many nodes of a level are stored at once."""


class StoredTree:
    """The tree of the log *name* in the database at *place*."""

    def __init__(self, name: LogName, place: str) -> None:
        self._name = name
        self._place = place
        number = name.table.c.number
        leaves = select(name.table.c.leaf).where(number >= bindparam("first_"), number < bindparam("stop_"))
        self._leaves = leaves.order_by(number)
        highest = select(func.max(number)), *_highest(name, PLACES.c.position, PLACES.c.entry, CHECKPOINTS.c.size)
        self._highest = select(*(one.scalar_subquery() for one in highest))

    def highest(self, connection: Connection) -> int:
        """Return the highest number that was given so far, or 0.

        What a checkpoint was signed over was there: where the last of it is missing, its places are not given again.
        """
        number, position, entry, signed = connection.execute(self._highest).one()
        before = (entry or 1) - 1
        return max(number or 0, before, before + (signed or 0) - (position or 0))

    def extent(self, connection: Connection) -> tuple[Places, int]:
        """Return the places, and how many of them there are."""
        # In this order: of an import in between, the places are known before its numbers are.
        highest = self.highest(connection)
        where = places.read(connection, self._name)
        return where, where.size(highest)

    def grow(self, connection: Connection) -> tuple[int, bool]:
        """Store nodes that became whole, in an exclusive transaction; return the number of leaves, and if all are.

        Raises LedgerError where a leaf is missing.
        """
        where, size = self.extent(connection)
        below, level, is_whole = size, _HEIGHT, True
        while wanted := below >> _HEIGHT:
            there = self._count(connection, level)
            made = range(there, min(wanted, there + _MOST))
            hashes = [self._fold(connection, where, level - _HEIGHT, index << _HEIGHT, _HEIGHT) for index in made]
            values = [
                {"log": self._name.code, "level": level, "position": index, "hash": one}
                for index, one in zip(made, hashes, strict=True)
            ]
            if values:
                connection.execute(insert(NODES), values)
            below, is_whole = there + len(made), is_whole and made.stop >= wanted
            level += _HEIGHT
        return size, is_whole

    def node(self, connection: Connection) -> Callable[[int, int], bytes]:
        """Return the function through which disclose.ledger.tree reads the tree; it raises LedgerError at a gap."""
        where = places.read(connection, self._name)

        def node(level: int, index: int) -> bytes:
            above = level % _HEIGHT
            return self._fold(connection, where, level - above, index << above, above)

        return node

    def nodes(self, connection: Connection) -> list[bytes]:
        """Return the stored nodes in the order in which they were completed; :func:`stored` tells which those are."""
        query = select(NODES.c.level, NODES.c.position, NODES.c.hash).where(NODES.c.log == self._name.code)
        rows = connection.execute(query).all()
        ordered = sorted(rows, key=lambda row: ((row.position + 1) << row.level, row.level))
        return [bytes(row.hash) for row in ordered]

    def _count(self, connection: Connection, level: int) -> int:
        level_ = (NODES.c.log == self._name.code, NODES.c.level == level)
        last = connection.execute(select(func.max(NODES.c.position)).where(*level_)).scalar()
        return 0 if last is None else int(last) + 1

    def _fold(self, connection: Connection, where: Places, level: int, first: int, height: int) -> bytes:
        """Return the node that stands *height* levels above those of *level* from *first* on."""
        stop = first + (1 << height)
        hashes = self._read(connection, where, level, first, stop)
        if len(hashes) != stop - first:
            raise LedgerError(f"the tree of the ledger {self._place} was tampered with: a gap at leaf {first << level}")
        return folded(hashes)

    def _read(self, connection: Connection, where: Places, level: int, first: int, stop: int) -> list[bytes]:
        """Return those nodes of a stored *level*, or leaves, that are there from *first* to before *stop*."""
        if level:
            values = {"log_": self._name.code, "level_": level, "first_": first, "stop_": stop}
            return [bytes(one) for one in connection.execute(_NODES, values).scalars()]
        hashes: list[bytes] = []
        for _, number, count in where.runs(first, stop):
            rows = connection.execute(self._leaves, {"first_": number, "stop_": number + count})
            hashes += map(bytes, rows.scalars())
        return hashes


def stored(finished: Sequence[bytes]) -> Sequence[bytes]:
    """Return of the subtrees that a leaf completed, by level, those that are stored."""
    return finished[_HEIGHT::_HEIGHT]


_NODES = (
    select(NODES.c.hash)
    .where(
        NODES.c.log == bindparam("log_"),
        NODES.c.level == bindparam("level_"),
        NODES.c.position >= bindparam("first_"),
        NODES.c.position < bindparam("stop_"),
    )
    .order_by(NODES.c.position)
)


def _highest(name: LogName, *columns: Column[int]) -> list[Select[Any]]:
    return [select(func.max(column)).where(column.table.c.log == name.code) for column in columns]

"""A log: the entries of one table under a Merkle tree, put there in batches, and checked from leaf to checkpoint."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from disclose.errors import LedgerError
from disclose.ledger.checkpoint import Checkpoint
from disclose.ledger.database import Database
from disclose.ledger.key import LedgerKey
from disclose.ledger.tables import CHECKPOINTS, NODES, PENDING, LogName
from disclose.ledger.tree import Frontier, consistency_proof, folded, inclusion_proof, leaf_hash, root

TextOf = Callable[[Any], str | None]
FaultOf = Callable[[Any, str | None], str | None]

_HEIGHT = 8
"""Of the nodes, every eighth level is stored; what lies between is computed from at most 256 of them."""
_BATCH = 1024
_GENESIS = "0" * 64
"""What the first entry of version 0.1.0's chain names as the hash before it."""


@dataclass(frozen=True, kw_only=True)
class LedgerCheck:
    """What checking a log found: so many ``entries`` under the root ``head`` (hexadecimal).

    ``broken_at`` is the number of the first entry that is not what it was, where it is one that is at fault.
    """

    entries: int
    head: str
    reason: str | None = None
    broken_at: int | None = None

    @property
    def is_intact(self) -> bool:
        """Whether every entry is what it was when it was appended, and the tree only ever grew."""
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A place in a tree: the ``position`` of an entry, its ``hash``, and the proof that leads to a checkpoint."""

    position: int
    hash: bytes
    proof: tuple[bytes, ...]
    note: str


class Log:
    """The log *name* in *database*, whose checkpoints *key* signs."""

    def __init__(self, database: Database, name: LogName, key: LedgerKey) -> None:
        self._database = database
        self._name = name
        self._key = key
        self._signed = 0.0

    @property
    def verifier(self) -> str:
        """The public key of the log's checkpoints (C2SP vkey)."""
        return str(self._key.verifier(self._name.label))

    def announce(self, connection: Connection, leaves: list[tuple[int, bytes]]) -> None:
        """Have entries wait for their places, by number and hash, in the transaction that appends them."""
        rows = [{"log": self._name.code, "entry": number, "leaf": leaf} for number, leaf in leaves]
        if connection.dialect.name == "sqlite":
            connection.execute(insert(PENDING), rows)
        else:
            # With RETURNING, SQLAlchemy sends all rows in one statement; pg8000 alone would send each by itself.
            connection.execute(insert(PENDING).returning(PENDING.c.log), rows)

    def sequence(self) -> int:
        """Give every waiting entry its place, sign a checkpoint if there is anything new, and return the size."""
        while True:
            with self._database.connection(writing=True) as connection:
                added = self.grow(connection)
                note = self.sign(connection) if added < _BATCH else None
                size = self._size(connection)
            if note is not None:
                self.remember(note)
            if added < _BATCH:
                return size

    def grow(self, connection: Connection) -> int:
        """Give up to 1,024 waiting entries their places in an exclusive transaction; return how many."""
        mine = PENDING.c.log == self._name.code
        query = select(PENDING.c.entry, PENDING.c.leaf).where(mine).order_by(PENDING.c.entry).limit(_BATCH)
        waiting = connection.execute(query).all()
        if not waiting:
            return 0
        self.place(connection, [(row.entry, bytes(row.leaf)) for row in waiting])
        connection.execute(delete(PENDING).where(mine, PENDING.c.entry.in_([row.entry for row in waiting])))
        return len(waiting)

    def place(self, connection: Connection, leaves: list[tuple[int, bytes]]) -> None:
        """Give entries, by number and hash, the next places in an exclusive transaction, in the order given."""
        size = self._size(connection)
        self._store(connection, [(0, size + place, leaf, number) for place, (number, leaf) in enumerate(leaves)])
        self._complete(connection, size, size + len(leaves))

    def sign(self, connection: Connection, *, at_most_every: float = 0.0) -> str | None:
        """Sign a checkpoint of the tree as it is, unless the last one says the same; return the note if so.

        Raises LedgerError where another key signed the last one: what it says must not be said by this one.
        """
        if time.monotonic() - self._signed < at_most_every:
            return None
        size = self._size(connection)
        last = self._last_note(connection)
        if last is not None and self._opened(last).size >= size:
            return None
        if size == 0:
            return None
        note = self._key.signed(self._name.label, size, root(size, self._node(connection)))
        connection.execute(insert(CHECKPOINTS).values(log=self._name.code, size=size, note=note))
        self._signed = time.monotonic()
        return note

    def remember(self, note: str) -> None:
        """Keep *note*, once it is in the database, where :meth:`check` holds the tree against it."""
        self._key.remember(self._name.label, note)

    def checkpoint(self) -> str | None:
        """Return the newest checkpoint, over everything appended so far; None for a log that is empty."""
        self.sequence()
        with self._database.connection() as connection:
            return self._last_note(connection)

    def prove(self, number: int) -> Leaf:
        """Return the place of entry *number* with the proof that leads to the newest checkpoint."""
        note = self.checkpoint()
        with self._database.connection() as connection:
            row = connection.execute(
                select(NODES.c.position, NODES.c.hash).where(NODES.c.log == self._name.code, NODES.c.entry == number)
            ).first()
            if row is None or note is None:
                raise LedgerError(f"cannot prove {self._name.noun} {number}: it is not in the ledger")
            size = self._opened(note).size
            proof = inclusion_proof(row.position, size, self._node(connection))
        return Leaf(position=row.position, hash=bytes(row.hash), proof=proof, note=note)

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """Return the proof that the newest checkpoint's tree begins with the first *old* leaves."""
        size = self.sequence()
        with self._database.connection() as connection:
            try:
                return consistency_proof(old, size, self._node(connection))
            except ValueError as error:
                raise LedgerError(f"cannot prove that the log holds what it held: {error}") from error

    def extends(self, note: str) -> bool:
        """Whether the tree begins with the one that the checkpoint *note*, kept by somebody, was signed over."""
        kept = self._opened(note)
        if kept.size > self.sequence():
            return False
        with self._database.connection() as connection:
            return root(kept.size, self._node(connection)) == kept.root

    def check(self, fault_of: FaultOf, text_of: TextOf) -> LedgerCheck:
        """Check every leaf, the tree and every checkpoint.

        *text_of* returns the text that a row's hash covers, None when it was erased, and *fault_of*, given both, what
        else is wrong with the row.
        """
        try:
            self.sequence()
        except LedgerError as error:
            return LedgerCheck(entries=self.size(), head="", reason=str(error))
        with self._database.connection() as connection:
            return self._check(connection, fault_of, text_of)

    def size(self) -> int:
        """Return how many entries there are, those that wait included."""
        waiting = select(func.count()).select_from(PENDING).where(PENDING.c.log == self._name.code).scalar_subquery()
        with self._database.connection() as connection:
            placed = select(func.max(NODES.c.position)).where(NODES.c.log == self._name.code, NODES.c.level == 0)
            last, more = connection.execute(select(placed.scalar_subquery(), waiting)).one()
        return (0 if last is None else int(last) + 1) + int(more)

    def _check(self, connection: Connection, fault_of: FaultOf, text_of: TextOf) -> LedgerCheck:
        noun, frontier, chain = self._name.noun, Frontier(), _GENESIS
        try:
            # Before the leaves are read: whoever appends meanwhile signs more than they will hold.
            remembered = self._key.remembered(self._name.label)
        except LedgerError as error:
            return self._broken(frontier, str(error))
        notes = self._notes(connection)
        tops = iter(self._stored(connection))
        for row in self._joined(connection):
            reason = None
            if row.position != frontier.size:
                reason = f"the leaf of {noun} {row.leaf_of} does not follow the one before it"
            elif row.number is None:
                reason = f"{noun} {row.leaf_of} is missing"
            else:
                reason, chain = _fault(row, noun, chain, fault_of, text_of)
            if reason is not None:
                return self._broken(frontier, reason, row.leaf_of)
            frontier.add(bytes(row.leaf))
            if frontier.size in notes and (reason := self._disagrees(notes.pop(frontier.size), frontier.root())):
                return self._broken(frontier, reason)
            if frontier.size % (1 << _HEIGHT) == 0 and (reason := _disagrees_above(tops, frontier)):
                return self._broken(frontier, reason)
        return self._concluded(connection, frontier, notes, remembered)

    def _concluded(
        self, connection: Connection, frontier: Frontier, notes: dict[int, str], remembered: Checkpoint | None
    ) -> LedgerCheck:
        table = self._name.table
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        waiting = select(func.count()).select_from(PENDING).where(PENDING.c.log == self._name.code)
        if count > frontier.size + connection.execute(waiting).scalar_one():
            placed = select(NODES.c.entry).where(NODES.c.log == self._name.code, NODES.c.entry == table.c.number)
            waits = select(PENDING.c.entry).where(PENDING.c.log == self._name.code, PENDING.c.entry == table.c.number)
            stray = select(func.min(table.c.number)).where(~placed.exists(), ~waits.exists())
            if (number := connection.execute(stray).scalar()) is not None:
                return self._broken(frontier, f"{self._name.noun} {number} was never appended", number)
        if notes:
            return self._broken(
                frontier, f"a checkpoint was signed over {max(notes)} leaves, and {frontier.size} are left"
            )
        if reason := self._goes_back(connection, frontier, remembered):
            return self._broken(frontier, reason)
        return LedgerCheck(entries=frontier.size, head=frontier.root().hex())

    def _goes_back(self, connection: Connection, frontier: Frontier, last: Checkpoint | None) -> str | None:
        """Return in words how the tree goes back behind the *last* checkpoint that was signed here, if it does."""
        if last is None or (last.size, last.root) == (frontier.size, frontier.root()):
            return None
        if last.size > frontier.size:
            return f"this machine signed a checkpoint over {last.size} leaves, and {frontier.size} are left"
        if root(last.size, self._node(connection)) != last.root:
            return f"the first {last.size} leaves are not those of the checkpoint that this machine signed over them"
        return None

    def _broken(self, frontier: Frontier, reason: str, number: int | None = None) -> LedgerCheck:
        return LedgerCheck(entries=frontier.size, head=frontier.root().hex(), reason=reason, broken_at=number)

    def _disagrees(self, note: str, found: bytes) -> str | None:
        try:
            checkpoint = self._opened(note)
        except LedgerError as error:
            return str(error)
        if checkpoint.root != found:
            return f"the leaves are not those of the checkpoint that was signed over {checkpoint.size} of them"
        return None

    def _opened(self, note: str) -> Checkpoint:
        try:
            return self._key.verifier(self._name.label).opened(note)
        except LedgerError as error:
            raise LedgerError(
                f"the checkpoints of the ledger {self._database.place} are not all signed by {self._key.path}: {error};"
                " put the key that signed them there"
            ) from error

    def rows(self) -> Iterator[Row[Any]]:
        """Yield the rows of the table in the order of their places, with ``position``, ``leaf_of`` and ``leaf``."""
        with self._database.connection() as connection:
            yield from self._joined(connection)

    def _joined(self, connection: Connection) -> Iterator[Row[Any]]:
        """Yield the leaves in order, each with the row of its entry, if that is there."""
        table = self._name.table
        query = (
            select(NODES.c.position, NODES.c.entry.label("leaf_of"), NODES.c.hash.label("leaf"), table)
            .select_from(NODES.outerjoin(table, table.c.number == NODES.c.entry))
            .where(NODES.c.log == self._name.code, NODES.c.level == 0)
            .order_by(NODES.c.position)
            .limit(_BATCH)
        )
        last = -1
        while rows := connection.execute(query.where(NODES.c.position > last)).all():
            yield from rows
            last = rows[-1].position

    def _notes(self, connection: Connection) -> dict[int, str]:
        mine = select(CHECKPOINTS.c.size, CHECKPOINTS.c.note).where(CHECKPOINTS.c.log == self._name.code)
        return {row.size: row.note for row in connection.execute(mine)}

    def _last_note(self, connection: Connection) -> str | None:
        mine = select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.log == self._name.code)
        return connection.execute(mine.order_by(CHECKPOINTS.c.size.desc()).limit(1)).scalar()

    def _size(self, connection: Connection) -> int:
        leaves = (NODES.c.log == self._name.code, NODES.c.level == 0)
        last = connection.execute(select(func.max(NODES.c.position)).where(*leaves)).scalar()
        return 0 if last is None else int(last) + 1

    def _stored(self, connection: Connection) -> list[bytes]:
        """Return the stored nodes above the leaves, in the order in which they were completed."""
        query = select(NODES.c.level, NODES.c.position, NODES.c.hash).where(
            NODES.c.log == self._name.code, NODES.c.level > 0
        )
        rows = connection.execute(query).all()
        ordered = sorted(rows, key=lambda row: ((row.position + 1) << row.level, row.level))
        return [bytes(row.hash) for row in ordered]

    def _complete(self, connection: Connection, old: int, size: int) -> None:
        """Store the nodes of every eighth level that became whole when the tree grew from *old* to *size* leaves."""
        level = _HEIGHT
        while size >> level:
            made = range(old >> level, size >> level)
            rows = [
                (level, place, self._fold(connection, level - _HEIGHT, place << _HEIGHT, _HEIGHT)) for place in made
            ]
            if rows:
                self._store(connection, [(*row, None) for row in rows])
            level += _HEIGHT

    def _store(self, connection: Connection, rows: list[tuple[int, int, bytes, int | None]]) -> None:
        names = ("level", "position", "hash", "entry")
        values = [{"log": self._name.code, **dict(zip(names, row, strict=True))} for row in rows]
        if connection.dialect.name == "sqlite":
            connection.execute(insert(NODES), values)
        else:
            connection.execute(insert(NODES).returning(NODES.c.log), values)

    def _node(self, connection: Connection) -> Callable[[int, int], bytes]:
        def node(level: int, index: int) -> bytes:
            above = level % _HEIGHT
            return self._fold(connection, level - above, index << above, above)

        return node

    def _fold(self, connection: Connection, level: int, first: int, height: int) -> bytes:
        """Return the node that stands *height* levels above the stored nodes from *first* on."""
        query = _RANGE.order_by(NODES.c.position)
        values = {"log_": self._name.code, "level_": level, "first_": first, "stop_": first + (1 << height)}
        hashes = [bytes(row.hash) for row in connection.execute(query, values)]
        if len(hashes) != 1 << height:
            raise LedgerError(
                f"the tree of the ledger {self._database.place} was tampered with: a gap at leaf {first << level}"
            )
        return folded(hashes)


_RANGE = select(NODES.c.hash).where(
    NODES.c.log == bindparam("log_"),
    NODES.c.level == bindparam("level_"),
    NODES.c.position >= bindparam("first_"),
    NODES.c.position < bindparam("stop_"),
)


def chained(previous: str, text: str) -> str:
    """Return the hash by which version 0.1.0 chained an entry to the one before it."""
    return hashlib.sha256(previous.encode("ascii") + text.encode()).hexdigest()


def _fault(row: Any, noun: str, chain: str, fault_of: FaultOf, text_of: TextOf) -> tuple[str | None, str]:
    """Return what is wrong with what *row* holds, if anything, and the hash that the next of the old chain follows."""
    stored = getattr(row, "chain", None)
    following = chain if stored is None else bytes(stored).hex()
    try:
        text = text_of(row)
    except (LedgerError, ValueError, KeyError, TypeError) as error:
        return f"{noun} {row.number} cannot be read: {error}", following
    if text is None:
        return fault_of(row, None), following
    if leaf_hash(text.encode()) != bytes(row.leaf):
        return f"{noun} {row.number} was changed after it was appended", following
    if stored is not None and chained(chain, text) != following:
        return f"{noun} {row.number} does not follow the {noun} before it, or was changed after it", following
    return fault_of(row, text), following


def _disagrees_above(tops: Iterator[bytes], frontier: Frontier) -> str | None:
    """Return in words how the stored nodes completed at this size differ from the leaves below, if they do."""
    for completed in frontier.finished[_HEIGHT::_HEIGHT]:
        if next(tops, None) != completed:
            return f"the tree above the first {frontier.size} leaves is not theirs"
    return None

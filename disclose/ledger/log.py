"""A log: the entries of one table, each with its leaf, under a Merkle tree, and checked from leaf to checkpoint."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from disclose.errors import LedgerError
from disclose.ledger import places
from disclose.ledger.checkpoint import Checkpoint
from disclose.ledger.database import Database, wait_for_turn
from disclose.ledger.key import LedgerKey
from disclose.ledger.stored_tree import StoredTree, stored
from disclose.ledger.tables import CHECKPOINTS, LogName
from disclose.ledger.tree import Frontier, consistency_proof, inclusion_proof, leaf_hash, root

TextOf = Callable[[Any], str | None]
FaultOf = Callable[[Any, str | None], str | None]

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


class Placed(NamedTuple):
    """What stands at a ``position``: the ``number`` of the entry, and its ``row``, None if it is missing."""

    position: int
    number: int
    row: Row[Any] | None


class Log:
    """The log *name* in *database*, whose checkpoints *key* signs."""

    def __init__(self, database: Database, name: LogName, key: LedgerKey) -> None:
        self._database = database
        self._name = name
        self._key = key
        self._signed = 0.0
        self._table = name.table
        self._tree = StoredTree(name, database.place)
        number = self._table.c.number
        self._rows = select(self._table).where(number >= bindparam("first_"), number < bindparam("stop_"))

    @property
    def verifier(self) -> str:
        """The public key of the log's checkpoints (C2SP vkey)."""
        return str(self._key.verifier(self._name.label))

    def alone(self, connection: Connection) -> None:
        """Have whoever else appends wait until the transaction ends."""
        wait_for_turn(connection, self._name.code)

    def numbers(self, connection: Connection, count: int) -> range:
        """Return the numbers of the next *count* entries, for the transaction that inserts them with their leaves.

        Others who append wait until it ends: so numbers have no gaps, tell the places in the tree, and never come late.
        """
        self.alone(connection)
        first = self._tree.highest(connection) + 1
        return range(first, first + count)

    def sequence(self) -> int:
        """Complete the tree, sign a checkpoint if there is anything new, and return the size."""
        while True:
            with self._database.connection(writing=True) as connection:
                size, is_whole = self._tree.grow(connection)
                note = self._sign(connection, size) if is_whole else None
            if note is not None:
                self.remember(note)
            if is_whole:
                return size

    def settle(self, connection: Connection, *, at_most_every: float) -> str | None:
        """Complete the tree in an exclusive transaction, and return the note if a checkpoint was signed.

        None is signed where less than *at_most_every* seconds went by since the last.
        """
        size, is_whole = self._tree.grow(connection)
        if not is_whole or time.monotonic() - self._signed < at_most_every:
            return None
        return self._sign(connection, size)

    def _sign(self, connection: Connection, size: int) -> str | None:
        """Sign a checkpoint of the first *size* leaves, unless the last one says as much; return the note if so.

        Raises LedgerError where another key signed the last one: what it says must not be said by this one.
        """
        last = self._last_note(connection)
        if size == 0 or (last is not None and self._opened(last).size >= size):
            return None
        note = self._key.signed(self._name.label, size, root(size, self._tree.node(connection)))
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
            leaf = connection.execute(select(self._table.c.leaf).where(self._table.c.number == number)).scalar()
            position = places.read(connection, self._name).position(number)
            if leaf is None or position is None or note is None:
                raise LedgerError(f"cannot prove {self._name.noun} {number}: it is not in the ledger")
            proof = inclusion_proof(position, self._opened(note).size, self._tree.node(connection))
        return Leaf(position=position, hash=bytes(leaf), proof=proof, note=note)

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """Return the proof that the newest checkpoint's tree begins with the first *old* leaves."""
        size = self.sequence()
        with self._database.connection() as connection:
            try:
                return consistency_proof(old, size, self._tree.node(connection))
            except ValueError as error:
                raise LedgerError(f"cannot prove that the log holds what it held: {error}") from error

    def extends(self, note: str) -> bool:
        """Whether the tree begins with the one that the checkpoint *note*, kept by somebody, was signed over."""
        kept = self._opened(note)
        if kept.size > self.sequence():
            return False
        with self._database.connection() as connection:
            return root(kept.size, self._tree.node(connection)) == kept.root

    def check(self, fault_of: FaultOf, text_of: TextOf) -> LedgerCheck:
        """Check every leaf, the tree and every checkpoint.

        *text_of* returns the text that a row's hash covers, None when it was erased, and *fault_of*, given both, what
        else is wrong with the row.
        """
        try:
            # First: whoever appends meanwhile signs more than the leaves that are checked.
            remembered = self._key.remembered(self._name.label)
        except LedgerError as error:
            return self._broken(Frontier(), str(error))
        try:
            size, unsigned = self.sequence(), None
        except LedgerError as error:
            size, unsigned = self.size(), str(error)
        with self._database.connection() as connection:
            found = self._check(connection, size, fault_of, text_of, is_whole=unsigned is None)
            if found.is_intact and (reason := self._goes_back(connection, found, remembered)):
                found = replace(found, reason=reason)
        # What is wrong with the leaves says more than that no checkpoint can be signed over them.
        return replace(found, reason=unsigned) if found.is_intact else found

    def size(self) -> int:
        """Return how many entries there are."""
        with self._database.connection() as connection:
            return self._tree.extent(connection)[1]

    def _check(
        self, connection: Connection, size: int, fault_of: FaultOf, text_of: TextOf, *, is_whole: bool
    ) -> LedgerCheck:
        """Check the first *size* leaves; ``is_whole`` tells whether all nodes above them are stored."""
        noun, frontier, chain = self._name.noun, Frontier(), _GENESIS
        notes = self._notes(connection, size)
        tops = iter(self._tree.nodes(connection))
        for placed in self._placed(connection, size):
            if placed.row is None:
                return self._broken(frontier, f"{noun} {placed.number} is missing", placed.number)
            reason, chain = _fault(placed.row, noun, chain, fault_of, text_of)
            if reason is not None:
                return self._broken(frontier, reason, placed.number)
            frontier.add(bytes(placed.row.leaf))
            if frontier.size in notes and (reason := self._disagrees(notes.pop(frontier.size), frontier.root())):
                return self._broken(frontier, reason)
            if len(frontier.finished) > 1 and (reason := _disagrees_above(tops, frontier, is_whole)):
                return self._broken(frontier, reason)
        if (number := self._stray(connection)) is not None:
            return self._broken(frontier, f"{self._name.noun} {number} was never appended", number)
        return LedgerCheck(entries=frontier.size, head=frontier.root().hex())

    def _stray(self, connection: Connection) -> int | None:
        """Return the lowest number that an entry has and no place is for, if there is one."""
        where, number = places.read(connection, self._name), self._table.c.number
        position, entry = where.open
        earlier = select(func.count()).select_from(self._table).where(number < entry)
        if connection.execute(earlier).scalar_one() <= position:
            return None
        found = connection.execute(select(number).where(number < entry).order_by(number)).scalars()
        return next((one for one in found if where.position(one) is None), None)

    def _goes_back(self, connection: Connection, found: LedgerCheck, last: Checkpoint | None) -> str | None:
        """Return in words how the tree goes back behind the *last* checkpoint that was signed here, if it does."""
        if last is None or (last.size, last.root.hex()) == (found.entries, found.head):
            return None
        if last.size > found.entries:
            return f"this machine signed a checkpoint over {last.size} leaves, and {found.entries} are left"
        if root(last.size, self._tree.node(connection)) != last.root:
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

    def rows(self) -> Iterator[Placed]:
        """Yield what stands in the tree, in the order of the places."""
        with self._database.connection() as connection:
            yield from self._placed(connection, self._tree.extent(connection)[1])

    def _placed(self, connection: Connection, size: int) -> Iterator[Placed]:
        """Yield what stands at the first *size* positions."""
        where = places.read(connection, self._name)
        for position, number, count in where.runs(0, size):
            for first in range(number, number + count, _BATCH):
                # Bounded on both sides: without statistics, PostgreSQL would else read and sort all that follow.
                stop = min(first + _BATCH, number + count)
                found = connection.execute(self._rows, {"first_": first, "stop_": stop})
                rows = {row.number: row for row in found}
                for one in range(first, stop):
                    yield Placed(position + one - number, one, rows.get(one))

    def _notes(self, connection: Connection, size: int) -> dict[int, str]:
        """Return the checkpoints of no more than *size* leaves by their sizes."""
        mine = select(CHECKPOINTS.c.size, CHECKPOINTS.c.note).where(CHECKPOINTS.c.log == self._name.code)
        return {row.size: row.note for row in connection.execute(mine.where(CHECKPOINTS.c.size <= size))}

    def _last_note(self, connection: Connection) -> str | None:
        mine = select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.log == self._name.code)
        return connection.execute(mine.order_by(CHECKPOINTS.c.size.desc()).limit(1)).scalar()


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


def _disagrees_above(tops: Iterator[bytes], frontier: Frontier, is_whole: bool) -> str | None:
    """Return in words how the stored nodes completed at this size differ from the leaves below, if they do."""
    for completed in stored(frontier.finished):
        if next(tops, None if is_whole else completed) != completed:
            return f"the tree above the first {frontier.size} leaves is not theirs"
    return None

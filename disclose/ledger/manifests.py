"""Manifests: the C2PA manifest store of what was issued, kept with its record for whoever lost it.

A file that is copied through a messenger keeps its watermark and loses its manifest. The store kept here is found again
by that watermark (C2PA 2.3, Soft Binding Resolution API) and goes with its record: an erasure takes both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from disclose.disclosure import Disclosure, Identifier
from disclose.errors import UnreadableError
from disclose.ledger.tables import ENTRIES, MANIFESTS

if TYPE_CHECKING:
    from disclose.ledger.record import Record
    from disclose.ledger.store import Ledger

_MANIFEST = (b"c2ma", b"c2um", b"c2cm")
"""How the type of a box begins that is a manifest: standard, update or compressed (C2PA 2.3, 11.1.4)."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A manifest store, the ``label`` of its active manifest (a URN), and the statement on record beside it."""

    label: str
    store: bytes = field(repr=False)
    disclosure: Disclosure


class Manifests:
    """The manifest stores in the database of *ledger*; raises LedgerError wherever that cannot be used."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def bound(self, *, alg: str, value: str, limit: int) -> list[str]:
        """Return the labels of up to *limit* manifests of what was marked with the soft binding *value* by *alg*."""
        try:
            identifier = Identifier.parse(value)
        except ValueError:
            return []
        records = (one for one in self._ledger.find(identifier) if _is_bound(one, alg, value))
        found = (label for record in records for label in self._labels(record.sequence))
        return [label for label, _ in zip(found, range(limit), strict=False)]

    def find(self, label: str) -> Kept | None:
        """Return what is kept under the *label* of an active manifest, or None."""
        query = select(MANIFESTS.c.store, ENTRIES.c.identifier, ENTRIES.c.number)
        query = query.join(ENTRIES, ENTRIES.c.number == MANIFESTS.c.entry).where(MANIFESTS.c.label == label)
        with self._ledger.connection() as connection:
            row = connection.execute(query.order_by(MANIFESTS.c.entry).limit(1)).first()
        if row is None:
            return None
        records = self._ledger.find(Identifier(value=int.from_bytes(row.identifier)))
        # Whoever erases it meanwhile takes the record first.
        said = next((one.disclosure for one in records if one.sequence == row.number), None)
        return None if said is None else Kept(label=label, store=bytes(row.store), disclosure=said)

    def of_record(self, entry: int) -> bytes | None:
        """Return the store that is kept with the record of number *entry*, or None."""
        with self._ledger.connection() as connection:
            found = connection.execute(select(MANIFESTS.c.store).where(MANIFESTS.c.entry == entry)).scalar()
        return None if found is None else bytes(found)

    def _labels(self, entry: int) -> list[str]:
        with self._ledger.connection() as connection:
            return list(connection.execute(select(MANIFESTS.c.label).where(MANIFESTS.c.entry == entry)).scalars())


def keep(connection: Connection, stores: Iterable[tuple[int, bytes]]) -> None:
    """Keep *stores*, each with the number of its entry, in a transaction; raises UnreadableError for what is none."""
    rows = [{"entry": entry, "label": active_label(store), "store": store} for entry, store in stores]
    if rows:
        statement = insert(MANIFESTS)
        if connection.dialect.name != "sqlite":
            # With RETURNING all rows go in one statement; pg8000 alone would send each by itself.
            statement = statement.returning(MANIFESTS.c.entry)
        connection.execute(statement, rows)


def drop(connection: Connection, entries: Iterable[int]) -> None:
    """Delete what is kept with *entries*, in the transaction that erases them."""
    connection.execute(delete(MANIFESTS).where(MANIFESTS.c.entry.in_(list(entries))))


def active_label(store: bytes) -> str:
    """Return the label of the active manifest of *store*, which is the last (C2PA 2.3, 11.1.4.2)."""
    return _label(_manifests(store)[-1])


def only_active(store: bytes) -> bytes:
    """Return *store* with its active manifest alone, without those of what the content was made from."""
    kind, body, _ = _boxes(store)[0]
    description = _boxes(body)[0][2]
    whole = description + _manifests(store)[-1]
    return (8 + len(whole)).to_bytes(4) + kind + whole


def is_single(store: bytes) -> bool:
    """Whether *store* holds its active manifest and no other."""
    return len(_manifests(store)) == 1


def _manifests(store: bytes) -> list[bytes]:
    """Return the boxes of the manifests in *store*, whole and in order."""
    boxes = _boxes(store)
    if len(boxes) != 1 or boxes[0][0] != b"jumb":
        raise UnreadableError("cannot read a manifest store: it is not one JUMBF box")
    description, *contents = _boxes(boxes[0][1]) or [(b"", b"", b"")]
    if description[0] != b"jumd" or not description[1].startswith(b"c2pa"):
        raise UnreadableError("cannot read a manifest store: its box is not described as one")
    found = [whole for kind, body, whole in contents if kind == b"jumb" and body[8:12] in _MANIFEST]
    if not found:
        raise UnreadableError("cannot read a manifest store: it holds no manifest")
    return found


def _label(manifest: bytes) -> str:
    """Return the label in the description box of *manifest* (ISO 19566-5, A.3: UUID, toggles, label, zero)."""
    _, body, _ = _boxes(manifest)[0]
    kind, description, _ = _boxes(body)[0]
    label, end, _ = description[17:].partition(b"\0")
    if kind != b"jumd" or not end or not label:
        raise UnreadableError("cannot read a manifest store: its active manifest has no label")
    try:
        return label.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("cannot read a manifest store: the label of its manifest is no text") from error


def _boxes(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    return list(_each_box(data))


def _each_box(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield type, content and the whole of each box in *data* (ISO 14496-12, 4.2: size, type, content)."""
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4])
        if not 8 <= size <= len(data) - place:
            raise UnreadableError(f"cannot read a manifest store: a box at byte {place} says it has {size} bytes")
        yield data[place + 4 : place + 8], data[place + 8 : place + size], data[place : place + size]
        place += size


def _is_bound(record: Record, alg: str, value: str) -> bool:
    return any((mark.details.get("alg"), mark.details.get("value")) == (alg, value) for mark in record.marks)
